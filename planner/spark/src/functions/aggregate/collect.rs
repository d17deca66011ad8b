//! `collect_list` and `collect_set`: the values as an array.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::ScalarValue;
use tidemill_planner::float::{Normal, normalize};

use super::udaf::{How, Spec, list_of, make, valid};
use super::{flag, plain, row};
use crate::functions::{Call, Function};
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row("collect_list", LIST, &[("SELECT collect_list(col) FROM VALUES (1), (2), (1) AS tab(col)", "[1,2,1]")], |call| {
        collect(call, "collect_list", How::Whole(list))
    }),
    row("array_agg", LIST, &[("SELECT array_agg(col) FROM VALUES (1), (2), (1) AS tab(col)", "[1,2,1]")], |call| {
        collect(call, "collect_list", How::Whole(list))
    }),
    row(
        "collect_set",
        "collect_set(expr) - An array of the different values, without nulls.",
        &[("SELECT collect_set(col) FROM VALUES (1), (2), (1) AS tab(col)", "[1,2]")],
        |call| collect(call, "collect_set", How::Whole(set)),
    ),
];

const LIST: &str = "collect_list(expr) - An array of all values, without nulls.";

fn collect(call: &mut Call<'_>, name: &str, how: How) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, true)?;
    let value = call.arg(0)?;
    let is_set = name == "collect_set";
    if is_set && holds_maps(&value.data_type) {
        let message = format!("cannot resolve \"{}\": `collect_set` takes no maps, which cannot be compared", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE", message));
    }
    let nulls = call.ignore_nulls == Some(false);
    let mut shown = super::shown_as(call, name)?;
    if nulls {
        shown = Sql::concat(vec![shown, Sql::from(" RESPECT NULLS")]);
    }
    let out = SparkType::Array(Box::new(value.data_type.clone()), nulls);
    let constants = vec![ScalarValue::Boolean(Some(nulls))];
    let behaviour = if is_set { "collect_set" } else { "collect_list" };
    Ok(make(call, behaviour, how, vec![value], constants, out, false).shown(shown))
}

fn holds_maps(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Map(..) => true,
        SparkType::Array(element, _) => holds_maps(element),
        SparkType::Struct(fields) => fields.iter().any(|field| holds_maps(&field.data_type)),
        _ => false,
    }
}

/// The values that count: without nulls, unless they were asked for.
fn counted(spec: &Spec, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let Some(values) = columns.first() else {
        return Err(crate::error::error("INTERNAL_ERROR", format!("`{}` over nothing", spec.name)));
    };
    if flag(&spec.constants, 0) {
        return Ok(Arc::clone(values));
    }
    Ok(arrow::compute::filter(values, &valid(values))?)
}

fn list(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    list_of(spec, counted(spec, columns)?)
}

fn set(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let values = normalize(&counted(spec, columns)?, Normal::Key)?;
    let firsts: UInt32Array = tally(&values)?.into_iter().map(|(row, _)| u32::try_from(row).ok()).collect();
    list_of(spec, arrow::compute::take(&values, &firsts, None)?)
}

/// The row of every different value, and how often it is there, in the order in which they came.
pub(super) fn tally(values: &ArrayRef) -> Result<Vec<(usize, u64)>> {
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(&[Arc::clone(values)])?;
    let mut places: HashMap<OwnedRow, usize> = HashMap::new();
    let mut found: Vec<(usize, u64)> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let place = *places.entry(row.owned()).or_insert(found.len());
        match found.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => found.push((i, 1)),
        }
    }
    Ok(found)
}
