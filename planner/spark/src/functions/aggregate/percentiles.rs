//! `percentile`, `percentile_cont`, `percentile_disc`, `median` and `mode`: exact, over all values of a group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DurationMicrosecondArray, Float64Array, Int64Array, IntervalYearMonthArray, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use tidemill_planner::float::{Normal, normalize};

use super::udaf::{How, Spec, list_of, make, valid, value_at};
use super::{plain, row, shown_as, within_group};
use crate::error::error;
use crate::functions::math::whole::interval_as_double;
use crate::functions::{Call, Function, SortKey, Want, constant};
use crate::types::SparkType::{self, Boolean, Double, Long};
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "percentile",
        "percentile(expr, share[, frequency]) - The value below which that share of all values lies, between two of them in proportion; \
         an array of shares gives an array.",
        &[
            ("SELECT percentile(col, 0.3) FROM VALUES (0), (10) AS tab(col)", "3.0"),
            ("SELECT percentile(col, array(0.25, 0.75)) FROM VALUES (0), (10) AS tab(col)", "[2.5,7.5]"),
            ("SELECT percentile(col, 0.5) FROM VALUES (INTERVAL '0' MONTH), (INTERVAL '10' MONTH) AS tab(col)", "0-5"),
        ],
        |call| {
            call.arity(2..=3)?;
            plain(call, false)?;
            let value = call.want(0, &Want::NumericOrInterval)?;
            let (shares, many) = shares(call, 1)?;
            let mut args = vec![value];
            if call.len() == 3 {
                let frequency = call.want(2, &Want::Integral)?;
                args.push(call.cast(frequency, &Long)?);
            }
            let shown = match args.len() {
                // Spark shows the frequency that it puts in.
                1 => {
                    let values = call.values()?;
                    let one = Sql::from("1");
                    let distinct = if call.distinct { "percentile(DISTINCT " } else { "percentile(" };
                    let mut parts = vec![Sql::from(distinct)];
                    for (i, sql) in values.iter().map(|value| &value.sql).chain([&one]).enumerate() {
                        parts.extend((i > 0).then(|| Sql::from(", ")));
                        parts.push(sql.clone());
                    }
                    parts.push(Sql::from(")"));
                    Sql::concat(parts)
                }
                _ => shown_as(call, "percentile")?,
            };
            Ok(exact(call, args, shares, many, false, false)?.shown(shown))
        },
    ),
    row(
        "median",
        "median(expr) - The value in the middle, or the mean of the two there.",
        &[("SELECT median(col) FROM VALUES (0), (10) AS tab(col)", "5.0")],
        |call| {
            call.arity(1..=1)?;
            plain(call, false)?;
            whole_partition(call)?;
            let value = call.want(0, &Want::NumericOrInterval)?;
            Ok(exact(call, vec![value], vec![0.5], false, false, false)?.shown(shown_as(call, "median")?))
        },
    ),
    row(
        "percentile_cont",
        "percentile_cont(share) WITHIN GROUP (ORDER BY expr) - The value below which that share of all values lies, between two of them \
         in proportion.",
        &[("SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY col) FROM VALUES (0), (10) AS tab(col)", "2.5")],
        |call| ordered(call, false),
    ),
    row(
        "percentile_disc",
        "percentile_disc(share) WITHIN GROUP (ORDER BY expr) - The first value up to which that share of all values lies.",
        &[("SELECT percentile_disc(0.25) WITHIN GROUP (ORDER BY col) FROM VALUES (0), (10) AS tab(col)", "0.0")],
        |call| ordered(call, true),
    ),
    row(
        "mode",
        "mode(expr[, deterministic]), mode() WITHIN GROUP (ORDER BY expr) - The value that is there most often; of several, the least if \
         `deterministic`, or the first by the order.",
        &[
            ("SELECT mode(col) FROM VALUES (0), (10), (10) AS tab(col)", "10"),
            ("SELECT mode(col, true) FROM VALUES (-10), (0), (10) AS tab(col)", "-10"),
            ("SELECT mode() WITHIN GROUP (ORDER BY col DESC) FROM VALUES (0), (10), (10), (20), (20) AS tab(col)", "20"),
        ],
        mode,
    ),
];

/// The constant shares at that place, and whether they are an array.
pub(super) fn shares(call: &Call<'_>, at: usize) -> Result<(Vec<f64>, bool)> {
    let many = matches!(call.arg(at)?.data_type, SparkType::Array(..));
    let data_type = if many { SparkType::Array(Box::new(Double), false) } else { Double };
    let shares = match call.constant(at, &data_type)? {
        ScalarValue::Float64(Some(share)) => vec![share],
        ScalarValue::List(list) if list.is_valid(0) => list
            .value(0)
            .as_primitive_opt::<Float64Type>()
            .map(|shares| shares.iter().map(Option::unwrap_or_default).collect())
            .unwrap_or_default(),
        _ => {
            let message = format!("cannot resolve \"{}\": the percentage is null; give a number from 0 to 1", call.sql());
            return Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", message));
        }
    };
    if let Some(share) = shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
        let message = format!("cannot resolve \"{}\": a percentage is from 0.0 to 1.0, and not {share}", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    }
    Ok((shares, many))
}

/// Refuses a window with an order or a frame.
fn whole_partition(call: &Call<'_>) -> Result<()> {
    match &call.window {
        Some(window) if !window.order_by.is_empty() || window.frame_given => {
            let message = format!("`{}` is over a whole partition: its window has no ORDER BY and no frame", call.name);
            Err(call.refuse("INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC", message))
        }
        _ => Ok(()),
    }
}

/// The only key of WITHIN GROUP.
fn one_key(call: &mut Call<'_>) -> Result<SortKey> {
    if call.distinct {
        return Err(no_distinct(call));
    }
    let mut keys = std::mem::take(&mut call.order_by);
    if keys.is_empty() {
        let message = format!("say in which order: `{}(…) WITHIN GROUP (ORDER BY …)`", call.name);
        return Err(call.refuse("INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING", message));
    }
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(key),
        (_, more) => {
            let message = format!("`{}` is ordered by one expression, and not by {}", call.name, more + 1);
            Err(call.refuse("INVALID_WITHIN_GROUP_EXPRESSION.WRONG_NUM_ORDERINGS", message))
        }
    }
}

fn no_distinct(call: &Call<'_>) -> crate::Error {
    let message = format!("`{}` takes no DISTINCT: leave it out", call.name);
    call.refuse("INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED", message)
}

fn ordered(call: &mut Call<'_>, discrete: bool) -> Result<Typed> {
    call.arity(1..=1)?;
    let key = one_key(call)?;
    plain(call, false)?;
    whole_partition(call)?;
    let percentage = call.arg(0)?;
    let (shares, many) = shares(call, 0)?;
    let value = match &key.key.data_type {
        numeric if numeric.is_numeric() || numeric.is_ansi_interval() => key.key.clone(),
        SparkType::Null => call.cast(key.key.clone(), &Double)?,
        text if text.is_string() => call.cast(key.key.clone(), &Double)?,
        _ => return Err(call.unexpected_type(0, &key.key, "(\"NUMERIC\" or an interval)")),
    };
    let shown = within_group(Sql::call(call.name, [&percentage.sql]), std::slice::from_ref(&key), false);
    Ok(exact(call, vec![value], shares, many, discrete, !key.ascending)?.shown(shown))
}

fn exact(call: &Call<'_>, mut args: Vec<Typed>, shares: Vec<f64>, many: bool, discrete: bool, falling: bool) -> Result<Typed> {
    let (item, first) = match args.first() {
        Some(value) if value.data_type.is_ansi_interval() => {
            let item =
                if matches!(value.data_type, SparkType::YearMonthInterval(..)) { SparkType::YEAR_MONTH } else { SparkType::DAY_TIME };
            (item, Some(interval_as_double(call, value.clone())))
        }
        Some(value) => (Double, Some(call.cast(value.clone(), &Double)?)),
        None => (Double, None),
    };
    if let (Some(slot), Some(first)) = (args.first_mut(), first) {
        *slot = first;
    }
    let out = if many { SparkType::Array(Box::new(item), false) } else { item };
    let legacy = discrete && call.settings.flag("spark.sql.legacy.percentileDiscCalculation", false)?;
    let flags = [discrete, falling, legacy].map(|flag| ScalarValue::Boolean(Some(flag)));
    let mut constants = flags.to_vec();
    constants.extend(shares.into_iter().map(|share| ScalarValue::Float64(Some(share))));
    Ok(make(call, "percentile", How::Whole(evaluate), args, constants, out, true))
}

fn evaluate(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let Some((values, frequency)) = columns.split_first() else { return spec.null() };
    let values = values.as_primitive::<Float64Type>();
    let frequency: Option<&Int64Array> = frequency.first().map(|f| f.as_primitive::<Int64Type>());
    let mut counts: Vec<(f64, u64)> = Vec::with_capacity(values.len());
    for row in 0..values.len() {
        let count = match frequency {
            None => 1,
            Some(frequency) if frequency.is_valid(row) => frequency.value(row),
            Some(_) => 0,
        };
        if values.is_null(row) {
            continue;
        }
        let count = u64::try_from(count).map_err(|_| {
            error(
                "NEGATIVE_VALUES_IN_FREQUENCY_EXPRESSION",
                format!("a frequency in `percentile` is {count}; it has to be positive or zero"),
            )
        })?;
        if count > 0 {
            let value = values.value(row);
            counts.push((if value.is_nan() { f64::NAN } else { value }, count));
        }
    }
    if counts.is_empty() {
        return spec.null();
    }
    let (discrete, falling, legacy) = (super::flag(&spec.constants, 0), super::flag(&spec.constants, 1), super::flag(&spec.constants, 2));
    let way = match (discrete, legacy) {
        (false, _) => Way::Between,
        (true, false) => Way::Reached,
        (true, true) => Way::Below,
    };
    counts.sort_by(|(a, _), (b, _)| if falling { b.total_cmp(a) } else { a.total_cmp(b) });
    let mut sum = 0_u64;
    for (_, count) in &mut counts {
        sum = sum.saturating_add(*count);
        *count = sum;
    }
    let shares = spec.constants.iter().filter_map(|c| if let ScalarValue::Float64(share) = c { *share } else { None });
    let results: Vec<f64> = shares.map(|share| percentile(&counts, sum, share, way)).collect();
    scaled(spec, results)
}

/// The numbers as the result's type: one of them, or a list.
fn scaled(spec: &Spec, results: Vec<f64>) -> Result<ScalarValue> {
    let item = if let SparkType::Array(item, _) = &spec.out { item.as_ref() } else { &spec.out };
    let items: ArrayRef = match item {
        SparkType::YearMonthInterval(..) => Arc::new(IntervalYearMonthArray::from_iter_values(results.into_iter().map(|x| x as i32))),
        SparkType::DayTimeInterval(..) => Arc::new(DurationMicrosecondArray::from_iter_values(results.into_iter().map(|x| x as i64))),
        _ => Arc::new(Float64Array::from(results)),
    };
    if matches!(spec.out, SparkType::Array(..)) { list_of(spec, items) } else { value_at(&items, 0) }
}

/// What is taken where a share falls between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Both, in proportion.
    Between,
    /// The first value up to which the share lies.
    Reached,
    /// The lower one.
    Below,
}

/// Over sorted values with the counts up to each.
fn percentile(counts: &[(f64, u64)], total: u64, share: f64, way: Way) -> f64 {
    let value_at = |position: u64| {
        let at = counts.partition_point(|(_, up_to)| *up_to < position);
        counts.get(at).or(counts.last()).map_or(f64::NAN, |(value, _)| *value)
    };
    if way == Way::Reached {
        return value_at((total as f64 * share).ceil() as u64);
    }
    let position = total.saturating_sub(1) as f64 * share;
    let (lower, higher) = (position.floor(), position.ceil());
    let (low, high) = (value_at(lower as u64 + 1), value_at(higher as u64 + 1));
    if lower == higher || low == high || way == Way::Below { low } else { (higher - position) * low + (position - lower) * high }
}

fn mode(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(0..=2)?;
    if call.distinct {
        return Err(no_distinct(call));
    }
    let (value, least) = if call.is_empty() {
        let key = one_key(call)?;
        (key.key, Some(key.ascending))
    } else {
        if !call.order_by.is_empty() {
            let message = format!("`mode` takes either an argument or WITHIN GROUP (ORDER BY …), and not both: \"{}\"", call.sql());
            return Err(call.refuse("INVALID_WITHIN_GROUP_EXPRESSION.WRONG_NUM_ORDERINGS", message));
        }
        let least = match call.len() {
            2 => deterministic(call)?.then_some(true),
            _ => None,
        };
        (call.arg(0)?, least)
    };
    plain(call, false)?;
    // Spark shows the order that it looks for the greatest in, turned around.
    let shown = match least {
        Some(least) => {
            Sql::concat(vec![Sql::from("mode() WITHIN GROUP (ORDER BY "), value.sql.clone(), Sql::from(if least { " DESC)" } else { ")" })])
        }
        None => shown_as(call, "mode")?,
    };
    let constants = vec![ScalarValue::Boolean(least)];
    let out = value.data_type.clone();
    Ok(make(call, "mode", How::Whole(most_frequent), vec![value], constants, out, true).shown(shown))
}

fn deterministic(call: &Call<'_>) -> Result<bool> {
    let flag = call.arg(1)?;
    match constant(&flag)? {
        None => {
            let message = format!("`deterministic` of `mode` is a constant BOOLEAN, and \"{}\" is none", flag.sql);
            Err(call.refuse("NON_FOLDABLE_ARGUMENT", message))
        }
        Some(value) if value.is_null() => {
            let message = format!("cannot resolve \"{}\": `deterministic` is null; say true or false", call.sql());
            Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", message))
        }
        Some(ScalarValue::Boolean(Some(flag))) => Ok(flag),
        Some(_) if flag.data_type != Boolean => Err(call.refuse(
            "UNEXPECTED_INPUT_TYPE",
            format!("parameter 2 of `mode` is a BOOLEAN, and \"{}\" is \"{}\"", flag.sql, flag.data_type.sql()),
        )),
        Some(_) => Ok(false),
    }
}

fn most_frequent(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let Some(values) = columns.first() else { return spec.null() };
    let values = arrow::compute::filter(values, &valid(values))?;
    let values = normalize(&values, Normal::Key)?;
    let found = super::collect::tally(&values)?;
    let Some(most) = found.iter().map(|(_, count)| *count).max() else { return spec.null() };
    let mut best = found.iter().filter(|(_, count)| *count == most).map(|(row, _)| *row);
    let row = match spec.constants.first() {
        Some(ScalarValue::Boolean(Some(least))) => {
            let compare = make_comparator(&values, &values, SortOptions::new(!least, true))?;
            best.min_by(|&a, &b| compare(a, b))
        }
        _ => best.next(),
    };
    row.map_or_else(|| spec.null(), |row| value_at(&values, row))
}

#[cfg(test)]
mod tests {
    use super::Way::{Below, Between, Reached};
    use super::percentile;

    #[test]
    fn between_and_at() {
        let counts = [(0.0, 1), (10.0, 2), (20.0, 5)];
        for (share, way, expected) in [
            (0.3, Between, 12.0),
            (0.5, Between, 20.0),
            (0.0, Between, 0.0),
            (1.0, Between, 20.0),
            (0.3, Below, 10.0),
            (0.2, Reached, 0.0),
            (0.4, Reached, 10.0),
            (0.41, Reached, 20.0),
            (0.0, Reached, 0.0),
        ] {
            let found = percentile(&counts, 5, share, way);
            assert!((found - expected).abs() < 1e-12, "{share} {way:?}: {found}");
        }
    }
}
