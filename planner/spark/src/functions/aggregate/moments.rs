//! Variances, covariances, correlations and regressions: moments about the mean, updated value by value.
//!
//! Source: Spark, `CentralMomentAgg.scala`, `Covariance.scala`, `Corr.scala`, `linearRegression.scala`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::sums::average;
use super::udaf::{How, Spec, make};
use super::{plain, row, shown_as, where_known};
use crate::functions::{Call, Function, Want};
use crate::types::SparkType::Double;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "var_pop",
        "var_pop(expr) - The variance of all values.",
        &[("SELECT var_pop(col) FROM VALUES (1), (2), (3) AS tab(col)", "0.6666666666666666")],
        |call| moment(call, "var_pop"),
    ),
    row("var_samp", VAR, &[("SELECT var_samp(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0")], |call| moment(call, "var_samp")),
    row("variance", VAR, &[("SELECT variance(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0")], |call| moment(call, "var_samp")),
    row(
        "stddev_pop",
        "stddev_pop(expr) - The standard deviation of all values.",
        &[("SELECT stddev_pop(col) FROM VALUES (1), (2), (3) AS tab(col)", "0.816496580927726")],
        |call| moment(call, "stddev_pop"),
    ),
    row("stddev_samp", STD, &[("SELECT stddev_samp(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0")], |call| {
        moment(call, "stddev_samp")
    }),
    row("stddev", STD, &[("SELECT stddev(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0")], |call| moment(call, "stddev_samp")),
    row("std", STD, &[("SELECT std(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0")], |call| moment(call, "stddev_samp")),
    row(
        "skewness",
        "skewness(expr) - How far the values lean to one side.",
        &[("SELECT skewness(col) FROM VALUES (-10), (-20), (100), (1000) AS tab(col)", "1.1135657469022011")],
        |call| moment(call, "skewness"),
    ),
    row(
        "kurtosis",
        "kurtosis(expr) - How heavy the tails of the values are, less 3.",
        &[("SELECT kurtosis(col) FROM VALUES (-10), (-20), (100), (1000) AS tab(col)", "-0.7014368047529627")],
        |call| moment(call, "kurtosis"),
    ),
    row(
        "covar_pop",
        "covar_pop(x, y) - The covariance of all pairs.",
        &[("SELECT covar_pop(c1, c2) FROM VALUES (1, 1), (2, 2), (3, 3) AS tab(c1, c2)", "0.6666666666666666")],
        |call| pair(call, "covar_pop"),
    ),
    row(
        "covar_samp",
        "covar_samp(x, y) - The covariance of pairs that are a sample.",
        &[("SELECT covar_samp(c1, c2) FROM VALUES (1, 1), (2, 2), (3, 3) AS tab(c1, c2)", "1.0")],
        |call| pair(call, "covar_samp"),
    ),
    row(
        "corr",
        "corr(x, y) - Pearson's coefficient of correlation.",
        &[("SELECT corr(c1, c2) FROM VALUES (3, 2), (3, 3), (6, 4) AS tab(c1, c2)", "0.8660254037844387")],
        |call| pair(call, "corr"),
    ),
    row(
        "regr_r2",
        "regr_r2(y, x) - How much of `y` a line over `x` explains.",
        &[("SELECT regr_r2(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)", "0.2727272727272727")],
        |call| pair(call, "regr_r2"),
    ),
    row(
        "regr_sxx",
        "regr_sxx(y, x) - The sum of squares of `x` about its mean, over pairs without nulls.",
        &[("SELECT regr_sxx(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)", "2.75")],
        |call| pair(call, "regr_sxx"),
    ),
    row(
        "regr_syy",
        "regr_syy(y, x) - The sum of squares of `y` about its mean, over pairs without nulls.",
        &[("SELECT regr_syy(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)", "0.75")],
        |call| pair(call, "regr_syy"),
    ),
    row(
        "regr_sxy",
        "regr_sxy(y, x) - The sum of products of `x` and `y` about their means.",
        &[("SELECT regr_sxy(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)", "0.75")],
        |call| pair(call, "regr_sxy"),
    ),
    row(
        "regr_slope",
        "regr_slope(y, x) - The slope of the line that fits best.",
        &[("SELECT regr_slope(y, x) FROM VALUES (1, 1), (2, 2), (3, 3), (4, 4) AS tab(y, x)", "1.0")],
        |call| pair(call, "regr_slope"),
    ),
    row(
        "regr_intercept",
        "regr_intercept(y, x) - Where the line that fits best meets the y axis.",
        &[("SELECT regr_intercept(y, x) FROM VALUES (1, 1), (2, 2), (3, 3), (4, 4) AS tab(y, x)", "0.0")],
        |call| pair(call, "regr_intercept"),
    ),
    row(
        "regr_avgx",
        "regr_avgx(y, x) - The mean of `x` over pairs without nulls.",
        &[("SELECT regr_avgx(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)", "2.75")],
        |call| mean_of_pairs(call, 1),
    ),
    row(
        "regr_avgy",
        "regr_avgy(y, x) - The mean of `y` over pairs without nulls.",
        &[("SELECT regr_avgy(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)", "1.75")],
        |call| mean_of_pairs(call, 0),
    ),
];

const VAR: &str = "var_samp(expr) - The variance of values that are a sample.";
const STD: &str = "stddev_samp(expr) - The standard deviation of values that are a sample.";

const MOMENTS: How = How::Fold {
    one: |spec| {
        let mut groups = Groups::new(spec);
        groups.grow(1);
        Ok(Box::new(Single(groups)))
    },
    many: Some(|spec| Ok(Box::new(Groups::new(spec)))),
    state: |spec| vec![DataType::Float64; Kind::of(spec).size],
};

fn moment(call: &mut Call<'_>, behaviour: &'static str) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let x = call.want_type(0, Double)?;
    Ok(make(call, behaviour, MOMENTS, vec![x], legacy(call)?, Double, true).shown(shown_as(call, call.name)?))
}

fn pair(call: &mut Call<'_>, behaviour: &'static str) -> Result<Typed> {
    call.arity(2..=2)?;
    plain(call, false)?;
    let args = vec![call.want_type(0, Double)?, call.want_type(1, Double)?];
    Ok(make(call, behaviour, MOMENTS, args, legacy(call)?, Double, true).shown(shown_as(call, call.name)?))
}

/// Whether a division by zero gives NaN, as it once did.
fn legacy(call: &Call<'_>) -> Result<Vec<ScalarValue>> {
    Ok(vec![ScalarValue::Boolean(Some(call.settings.flag("spark.sql.legacy.statisticalAggregate", false)?))])
}

fn mean_of_pairs(call: &mut Call<'_>, at: usize) -> Result<Typed> {
    call.arity(2..=2)?;
    plain(call, false)?;
    let (y, x) = (call.want(0, &Want::Numeric)?, call.want(1, &Want::Numeric)?);
    let of = if at == 0 { &y } else { &x };
    let expr = where_known(&[&y, &x], of.expr.clone())?;
    let value = Typed { expr, nullable: true, ..of.clone() };
    Ok(average(call, value, false)?.shown(shown_as(call, call.name)?))
}

/// What is kept of a group, in this order: n, the mean of x, then
/// of single values the second, third and fourth moment;
/// of pairs the mean of y, and the moments of xy, xx and yy.
#[derive(Debug, Clone, Copy)]
struct Kind {
    size: usize,
    pairs: bool,
    finish: fn(&[f64], Option<f64>) -> Option<f64>,
}

impl Kind {
    fn of(spec: &Spec) -> Self {
        let single = |size, finish| Self { size, pairs: false, finish };
        let pairs = |finish| Self { size: 6, pairs: true, finish };
        match spec.name {
            "var_pop" => single(3, |s, _| Some(s[2] / s[0])),
            "var_samp" => single(3, |s, zero| if s[0] == 1.0 { zero } else { Some(s[2] / (s[0] - 1.0)) }),
            "stddev_pop" => single(3, |s, _| Some((s[2] / s[0]).sqrt())),
            "stddev_samp" => single(3, |s, zero| if s[0] == 1.0 { zero } else { Some((s[2] / (s[0] - 1.0)).sqrt()) }),
            "skewness" => single(4, |s, zero| if s[2] == 0.0 { zero } else { Some(s[0].sqrt() * s[3] / (s[2] * s[2] * s[2]).sqrt()) }),
            "kurtosis" => single(5, |s, zero| if s[2] == 0.0 { zero } else { Some(s[0] * s[4] / (s[2] * s[2]) - 3.0) }),
            "covar_pop" => pairs(|s, _| Some(s[3] / s[0])),
            "covar_samp" => pairs(|s, zero| if s[0] == 1.0 { zero } else { Some(s[3] / (s[0] - 1.0)) }),
            "corr" => pairs(|s, zero| if s[0] == 1.0 { zero } else { Some(s[3] / (s[4] * s[5]).sqrt()) }),
            // Here x is the dependent one: the first argument.
            "regr_r2" => pairs(|s, _| {
                let corr = s[3] / (s[4] * s[5]).sqrt();
                if s[5] == 0.0 {
                    None
                } else if s[4] == 0.0 {
                    Some(1.0)
                } else {
                    Some(corr * corr)
                }
            }),
            "regr_sxy" => pairs(|s, _| Some(s[3])),
            "regr_syy" => pairs(|s, _| Some(s[4])),
            "regr_sxx" => pairs(|s, _| Some(s[5])),
            "regr_slope" => pairs(|s, _| (s[5] != 0.0).then(|| s[3] / s[5])),
            _ => pairs(|s, _| (s[5] != 0.0).then(|| s[1] - s[3] / s[5] * s[2])),
        }
    }

    /// `state` has as many numbers as `size` says.
    fn update(self, state: &mut [f64], x: f64, y: f64) {
        if self.pairs {
            let [n, mean_x, mean_y, xy, xx, yy] = state else { return };
            *n += 1.0;
            let (dx, dy) = (x - *mean_x, y - *mean_y);
            *mean_x += dx / *n;
            *mean_y += dy / *n;
            *xy += dx * (y - *mean_y);
            *xx += dx * (x - *mean_x);
            *yy += dy * (y - *mean_y);
            return;
        }
        let [n, mean, m2, higher @ ..] = state else { return };
        *n += 1.0;
        let delta = x - *mean;
        let part = delta / *n;
        *mean += part;
        *m2 += delta * (delta - part);
        let [m3, higher @ ..] = higher else { return };
        let (delta2, part2) = (delta * delta, part * part);
        *m3 = *m3 - 3.0 * part * *m2 + delta * (delta2 - part2);
        let [m4] = higher else { return };
        *m4 = *m4 - 4.0 * part * *m3 - 6.0 * part2 * *m2 + delta * (delta * delta2 - part * part2);
    }

    fn merge(self, state: &mut [f64], other: &[f64]) {
        if self.pairs {
            let ([n, mean_x, mean_y, xy, xx, yy], [n2, mean_x2, mean_y2, xy2, xx2, yy2]) = (state, other) else { return };
            let n1 = *n;
            *n += n2;
            let share = |d: f64| if *n == 0.0 { 0.0 } else { d / *n };
            let (dx, dy) = (mean_x2 - *mean_x, mean_y2 - *mean_y);
            let (part_x, part_y) = (share(dx), share(dy));
            *mean_x += part_x * n2;
            *mean_y += part_y * n2;
            *xy += xy2 + dx * part_y * n1 * n2;
            *xx += xx2 + dx * part_x * n1 * n2;
            *yy += yy2 + dy * part_y * n1 * n2;
            return;
        }
        let ([n, mean, m2, higher @ ..], [n2, mean2, m2b, higher2 @ ..]) = (state, other) else { return };
        let (n1, m2a) = (*n, *m2);
        *n += n2;
        let delta = mean2 - *mean;
        let part = if *n == 0.0 { 0.0 } else { delta / *n };
        *mean += part * n2;
        *m2 += m2b + delta * part * n1 * n2;
        let ([m3, higher @ ..], [m3b, higher2 @ ..]) = (higher, higher2) else { return };
        let m3a = *m3;
        *m3 += m3b + part * part * delta * n1 * n2 * (n1 - n2) + 3.0 * part * (n1 * m2b - n2 * m2a);
        let ([m4], [m4b]) = (higher, higher2) else { return };
        *m4 += m4b
            + part * part * part * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
            + 6.0 * part * part * (n1 * n1 * m2b + n2 * n2 * m2a)
            + 4.0 * part * (n1 * m3b - n2 * m3a);
    }
}

/// Moments by group, one state after the other.
#[derive(Debug)]
struct Groups {
    kind: Kind,
    /// What a division by zero gives.
    zero: Option<f64>,
    states: Vec<f64>,
}

impl Groups {
    fn new(spec: &Arc<Spec>) -> Self {
        let zero = super::flag(&spec.constants, 0).then_some(f64::NAN);
        Self { kind: Kind::of(spec), zero, states: Vec::new() }
    }

    fn grow(&mut self, groups: usize) {
        if groups * self.kind.size > self.states.len() {
            self.states.resize(groups * self.kind.size, 0.0);
        }
    }

    fn state_of(&mut self, group: usize) -> &mut [f64] {
        let size = self.kind.size;
        self.states.get_mut(group * size..(group + 1) * size).unwrap_or_default()
    }

    fn taken(&mut self, emit_to: EmitTo) -> Vec<f64> {
        match emit_to {
            EmitTo::All => std::mem::take(&mut self.states),
            EmitTo::First(n) => {
                let rest = self.states.split_off((n * self.kind.size).min(self.states.len()));
                std::mem::replace(&mut self.states, rest)
            }
        }
    }

    fn results(&self, states: &[f64]) -> Float64Array {
        let finish = |state: &[f64]| match state {
            [0.0, ..] => None,
            state => (self.kind.finish)(state, self.zero),
        };
        states.chunks_exact(self.kind.size).map(finish).collect()
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(&mut self, values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> DfResult<()> {
        self.grow(total);
        let (Some(x), Some(y)) = (values.first(), values.last()) else { return Ok(()) };
        let (x, y, kind) = (x.as_primitive::<Float64Type>(), y.as_primitive::<Float64Type>(), self.kind);
        for (row, &group) in groups.iter().enumerate() {
            if filter.is_none_or(|f| f.is_valid(row) && f.value(row)) && x.is_valid(row) && y.is_valid(row) {
                kind.update(self.state_of(group), x.value(row), y.value(row));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let states = self.taken(emit_to);
        Ok(Arc::new(self.results(&states)))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        let states = self.taken(emit_to);
        let column = |at| -> ArrayRef { Arc::new(Float64Array::from_iter_values(states.iter().skip(at).step_by(self.kind.size).copied())) };
        Ok((0..self.kind.size).map(column).collect())
    }

    fn merge_batch(&mut self, kept: &[ArrayRef], groups: &[usize], total: usize) -> DfResult<()> {
        self.grow(total);
        let columns: Vec<&Float64Array> = kept.iter().map(|column| column.as_primitive::<Float64Type>()).collect();
        let kind = self.kind;
        for (row, &group) in groups.iter().enumerate() {
            let other: Vec<f64> = columns.iter().map(|column| column.value(row)).collect();
            kind.merge(self.state_of(group), &other);
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> DfResult<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let mut groups = Self { kind: self.kind, zero: self.zero, states: Vec::new() };
        groups.update_batch(values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        groups.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states.capacity() * size_of::<f64>()
    }
}

/// The moments of one group.
#[derive(Debug)]
struct Single(Groups);

impl Accumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let groups = vec![0; values.first().map_or(0, |column| column.len())];
        self.0.update_batch(values, &groups, None, 1)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        ScalarValue::try_from_array(&self.0.results(&self.0.states), 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(self.0.states.iter().map(|&x| ScalarValue::Float64(Some(x))).collect())
    }

    fn merge_batch(&mut self, kept: &[ArrayRef]) -> DfResult<()> {
        let groups = vec![0; kept.first().map_or(0, |column| column.len())];
        self.0.merge_batch(kept, &groups, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn spec(name: &'static str) -> Spec {
        Spec { name, types: vec![Double, Double], out: Double, constants: vec![], settings: Arc::new(Settings::default()), span: None }
    }

    #[test]
    fn of_one_and_of_two_parts() {
        let values = [(-10.0, 1.0), (-20.0, 2.0), (100.0, 2.5), (1000.0, 4.0)];
        for (name, expected) in [
            ("skewness", 1.113_565_746_902_201_1),
            ("kurtosis", -0.701_436_804_752_962_7),
            ("var_samp", 241_425.0),
            ("corr", 0.900_240_502_142_249_5),
        ] {
            let kind = Kind::of(&spec(name));
            let mut whole = vec![0.0; kind.size];
            let (mut left, mut right) = (whole.clone(), whole.clone());
            for (i, (x, y)) in values.into_iter().enumerate() {
                kind.update(&mut whole, x, y);
                kind.update(if i < 1 { &mut left } else { &mut right }, x, y);
            }
            kind.merge(&mut left, &right);
            for state in [whole, left] {
                let found = (kind.finish)(&state, None).unwrap_or(f64::NAN);
                assert!((found / expected - 1.0).abs() < 1e-12, "{name}: {found}");
            }
        }
    }
}
