//! `max` and `min`, and the values where another one is greatest or least.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::Accumulator;
use tidemill_planner::float::{Normal, normalize};

use super::float_extremes;
use super::udaf::{How, Spec, list_of, make, value_at};
use super::{flag, plain, row, shown_as};
use crate::functions::{Call, Function, KernelArgs, SparkScalar};
use crate::types::SparkType::{self, Boolean, Double, Float, Integer};
use crate::types::{lattice, to_arrow};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row("max", "max(expr) - The greatest value.", &[("SELECT max(col) FROM VALUES (10), (50), (20) AS tab(col)", "50")], |call| {
        extreme(call, true)
    }),
    row("min", "min(expr) - The least value.", &[("SELECT min(col) FROM VALUES (10), (-1), (20) AS tab(col)", "-1")], |call| {
        extreme(call, false)
    }),
    row(
        "max_by",
        "max_by(value, ord[, k]) - The value where `ord` is greatest; with `k` an array of the values with the k greatest.",
        &[
            ("SELECT max_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)", "b"),
            ("SELECT max_by(x, y, 2) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)", "[\"b\",\"c\"]"),
        ],
        |call| by(call, true),
    ),
    row(
        "min_by",
        "min_by(value, ord[, k]) - The value where `ord` is least; with `k` an array of the values with the k least.",
        &[
            ("SELECT min_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)", "a"),
            ("SELECT min_by(x, y, 2) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)", "[\"a\",\"c\"]"),
        ],
        |call| by(call, false),
    ),
    row("bool_and", EVERY, &[("SELECT bool_and(col) FROM VALUES (true), (true), (NULL) AS tab(col)", "true")], |call| bools(call, false)),
    row("every", EVERY, &[("SELECT every(col) FROM VALUES (true), (false), (true) AS tab(col)", "false")], |call| bools(call, false)),
    row("bool_or", ANY, &[("SELECT bool_or(col) FROM VALUES (true), (false), (false) AS tab(col)", "true")], |call| bools(call, true)),
    row("any", ANY, &[("SELECT any(col) FROM VALUES (true), (false), (false) AS tab(col)", "true")], |call| bools(call, true)),
    row("some", ANY, &[("SELECT some(col) FROM VALUES (false), (false), (NULL) AS tab(col)", "false")], |call| bools(call, true)),
];

const EVERY: &str = "bool_and(expr) - Whether all values are true, null not counted.";
const ANY: &str = "bool_or(expr) - Whether at least one value is true, null not counted.";

/// The greatest k that `max_by` and `min_by` take.
const MOST: i32 = 100_000;

fn bools(call: &mut Call<'_>, or: bool) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let value = call.want_type(0, Boolean)?;
    let function = if or { max_udaf() } else { min_udaf() };
    Ok(call.aggregate(&function, vec![value.expr], Boolean, true).shown(shown_as(call, call.name)?))
}

fn check_order(call: &Call<'_>, value: &Typed) -> Result<()> {
    if lattice::is_orderable(&value.data_type) {
        return Ok(());
    }
    let message = format!(
        "cannot resolve \"{}\": `{}` needs values with an order, and those of type \"{}\" have none",
        call.sql(),
        call.name,
        value.data_type.sql()
    );
    Err(call.refuse("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", message))
}

fn extreme(call: &mut Call<'_>, greatest: bool) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let value = call.arg(0)?;
    check_order(call, &value)?;
    let shown = shown_as(call, call.name)?;
    let out = value.data_type.clone();
    let made = match &out {
        SparkType::Null => make(call, "nothing", How::Whole(|spec, _| spec.null()), vec![value], vec![], out, true),
        SparkType::Array(..) | SparkType::Struct(_) => {
            make(call, if greatest { "max" } else { "min" }, BEST, vec![value], vec![ScalarValue::Boolean(Some(greatest))], out, true)
        }
        Float | Double => {
            let expr = one_nan(call, value);
            call.aggregate(&Arc::new(float_extremes::of(greatest)), vec![expr], out, true)
        }
        _ => {
            let function = if greatest { max_udaf() } else { min_udaf() };
            call.aggregate(&function, vec![value.expr], out, true)
        }
    };
    Ok(made.shown(shown))
}

/// A float whose NaNs are all the same, and so greater than every number.
fn one_nan(call: &Call<'_>, value: Typed) -> datafusion::logical_expr::Expr {
    let out = value.data_type.clone();
    SparkScalar::new("normalize_nan", nan_kernel, vec![out.clone()], out, Arc::clone(call.settings))
        .with_nullable(value.nullable)
        .call(vec![value.expr])
}

fn nan_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    normalize(&args.arrays[0], Normal::Value)
}

fn by(call: &mut Call<'_>, greatest: bool) -> Result<Typed> {
    call.arity(2..=3)?;
    plain(call, false)?;
    let (value, key) = (call.arg(0)?, call.arg(1)?);
    let shown = shown_as(call, call.name)?;
    let mut constants = vec![ScalarValue::Boolean(Some(greatest))];
    let name = if greatest { "max_by" } else { "min_by" };
    if call.len() == 2 {
        check_order(call, &key)?;
        let out = value.data_type.clone();
        return Ok(make(call, name, BEST, vec![value, key], constants, out, true).shown(shown));
    }
    let k = call.constant(2, &Integer)?;
    check_order(call, &key)?;
    let ScalarValue::Int32(Some(k @ 1..=MOST)) = k else {
        let message = format!("cannot resolve \"{}\": `k` is from 1 to {MOST}, and not {k}", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    };
    constants.push(ScalarValue::Int32(Some(k)));
    let out = SparkType::Array(Box::new(value.data_type.clone()), true);
    Ok(make(call, name, How::Whole(best_of), vec![value, key], constants, out, true).shown(shown))
}

/// The values with the k best keys.
fn best_of(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let [values, keys] = columns else { return spec.null() };
    let k = if let Some(ScalarValue::Int32(Some(k))) = spec.constants.get(1) { *k } else { 1 };
    let keys = normalize(keys, Normal::Key)?;
    let compare = make_comparator(&keys, &keys, SortOptions::new(flag(&spec.constants, 0), true))?;
    let nulls = keys.logical_nulls();
    let mut order: Vec<usize> = (0..keys.len()).filter(|&i| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i))).collect();
    if order.is_empty() {
        return spec.null();
    }
    order.sort_by(|&a, &b| compare(a, b));
    order.truncate(usize::try_from(k).unwrap_or(1));
    let indices: UInt32Array = order.iter().map(|&i| u32::try_from(i).ok()).collect();
    list_of(spec, arrow::compute::take(values, &indices, None)?)
}

const BEST: How = How::Fold {
    one: |spec| {
        let value = spec.null()?;
        let key = spec.types.last().map_or(Ok(ScalarValue::Null), |t| ScalarValue::try_from(&to_arrow(t)))?;
        Ok(Box::new(Best { greatest: flag(&spec.constants, 0), value, key, found: false }))
    },
    many: None,
    state: |spec| vec![spec.arrow(), spec.inputs().pop().unwrap_or(DataType::Null)],
};

/// The value with the best key so far; without a key of its own, it is its key.
#[derive(Debug)]
struct Best {
    greatest: bool,
    value: ScalarValue,
    key: ScalarValue,
    found: bool,
}

impl Accumulator for Best {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> DfResult<()> {
        let (Some(values), Some(keys)) = (columns.first(), columns.last()) else { return Ok(()) };
        if matches!(keys.data_type(), DataType::Null) {
            return Ok(());
        }
        let keys = normalize(keys, Normal::Key).map_err(DataFusionError::from)?;
        let options = SortOptions::new(false, true);
        // Of values with the same key the last one counts.
        let better = |order: Ordering| if self.greatest { order != Ordering::Less } else { order != Ordering::Greater };
        let compare = make_comparator(&keys, &keys, options)?;
        let nulls = keys.logical_nulls();
        let known = (0..keys.len()).filter(|&i| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i)));
        let best = known.fold(None, |best, i| match best {
            Some(before) if !better(compare(i, before)) => Some(before),
            _ => Some(i),
        });
        let Some(best) = best else { return Ok(()) };
        if self.found {
            let before = self.key.to_array()?;
            if !better(make_comparator(&keys, &before, options)?(best, 0)) {
                return Ok(());
            }
        }
        self.key = ScalarValue::try_from_array(&keys, best)?;
        self.value = value_at(values, best).map_err(DataFusionError::from)?;
        self.found = true;
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() + self.key.size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.key.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.update_batch(states)
    }
}
