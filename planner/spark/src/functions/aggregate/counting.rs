//! `count`, `count_if`, `regr_count` and `approx_count_distinct`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::{Expr, cast, lit, when};
use tidemill_planner::float::{Normal, holds_floats, normalize};

use super::distinct_texts::{count_texts, is_text};
use super::{known, plain, row, shown_as};
use crate::functions::{Call, Function, KernelArgs, SparkScalar, Want};
use crate::types::SparkType::{self, Boolean, Double, Long};
use crate::types::{StructField, to_arrow};
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "count",
        "count(*), count(expr[, …]) - The number of rows, or of rows where no expression is null; with DISTINCT, of different ones.",
        &[
            ("SELECT count(*) FROM VALUES (NULL), (5), (5), (20) AS tab(col)", "4"),
            ("SELECT count(col) FROM VALUES (NULL), (5), (5), (20) AS tab(col)", "3"),
            ("SELECT count(DISTINCT col) FROM VALUES (NULL), (5), (5), (10) AS tab(col)", "2"),
        ],
        count,
    ),
    row(
        "count_if",
        "count_if(condition) - The number of rows where the condition is true.",
        &[("SELECT count_if(col % 2 = 0) FROM VALUES (NULL), (0), (1), (2), (3) AS tab(col)", "2")],
        |call| {
            call.arity(1..=1)?;
            plain(call, false)?;
            let condition = call.want_type(0, Boolean)?;
            let marked = when(condition.expr, lit(true)).end()?;
            Ok(call.aggregate(&count_udaf(), vec![marked], Long, false).shown(shown_as(call, "count_if")?))
        },
    ),
    row(
        "regr_count",
        "regr_count(y, x) - The number of rows where neither is null.",
        &[("SELECT regr_count(y, x) FROM VALUES (1, 2), (2, NULL), (2, 3), (2, 4) AS tab(y, x)", "3")],
        |call| {
            call.arity(2..=2)?;
            plain(call, false)?;
            let (y, x) = (call.want(0, &Want::Numeric)?, call.want(1, &Want::Numeric)?);
            let made = if call.distinct {
                let key = distinct_key(call, vec![y, x]);
                call.aggregate(&count_udaf(), vec![key], Long, false)
            } else {
                call.aggregate(&count_udaf(), vec![known(&[&y, &x])?], Long, false)
            };
            Ok(made.shown(shown_as(call, "regr_count")?))
        },
    ),
    row(
        "approx_count_distinct",
        "approx_count_distinct(expr[, deviation]) - About how many different values there are, null not counted.",
        &[("SELECT approx_count_distinct(col) FROM VALUES (1), (1), (2), (2), (3) AS tab(col)", "3")],
        approximate,
    ),
];

fn count(call: &mut Call<'_>) -> Result<Typed> {
    if call.is_empty() && !call.settings.flag("spark.sql.legacy.allowParameterlessCount", false)? {
        return Err(call.wrong_arity("one or more"));
    }
    plain(call, false)?;
    let mut values = call.values()?;
    if call.distinct && !values.is_empty() {
        let is_texts = values.len() == 1 && values.first().is_some_and(|value| is_text(&to_arrow(&value.data_type)));
        let simple = values.len() == 1 && values.first().is_some_and(|value| !holds_floats(&to_arrow(&value.data_type)));
        let key = match (simple, values.pop()) {
            (true, Some(value)) => no_void(value),
            (_, last) => {
                values.extend(last);
                distinct_key(call, values)
            }
        };
        let function = if is_texts { count_texts() } else { count_udaf() };
        return Ok(call.aggregate(&function, vec![key], Long, false).shown(shown_as(call, "count")?));
    }
    let counted = match values.len() {
        0 | 1 => values.pop().map_or(lit(1_i64), no_void),
        _ if values.iter().any(|value| value.data_type == SparkType::Null) => lit(ScalarValue::Boolean(None)),
        _ => known(&values.iter().collect::<Vec<_>>())?,
    };
    Ok(call.aggregate(&count_udaf(), vec![counted], Long, false).shown(shown_as(call, "count")?))
}

/// The value, where it has a type; the engine counts the rows of a bare NULL.
fn no_void(value: Typed) -> Expr {
    if value.data_type == SparkType::Null { lit(ScalarValue::Boolean(None)) } else { value.expr }
}

/// One value that is the same where all of them are, and null where one is.
pub(super) fn distinct_key(call: &Call<'_>, values: Vec<Typed>) -> Expr {
    let types: Vec<SparkType> = values.iter().map(|value| value.data_type.clone()).collect();
    let out = match types.as_slice() {
        [one] => one.clone(),
        many => SparkType::Struct(many.iter().enumerate().map(|(i, t)| StructField::new(format!("c{i}"), t.clone())).collect()),
    };
    SparkScalar::new("distinct_key", key_kernel, types, out, Arc::clone(call.settings)).call(values.into_iter().map(|v| v.expr).collect())
}

fn key_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let keys = args.arrays.iter().map(|array| normalize(array, Normal::Key)).collect::<Result<Vec<_>>>()?;
    if let [one] = keys.as_slice() {
        return Ok(Arc::clone(one));
    }
    let nulls = keys.iter().fold(None, |nulls, key| NullBuffer::union(nulls.as_ref(), key.logical_nulls().as_ref()));
    let DataType::Struct(fields) = to_arrow(args.out) else {
        return Err(crate::error::error("INTERNAL_ERROR", "a key of several values is a struct"));
    };
    Ok(Arc::new(StructArray::try_new_with_length(fields, keys, nulls, args.rows)?))
}

fn approximate(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    plain(call, false)?;
    if call.len() == 2 {
        call.constant(1, &Double)?;
    }
    let value = call.arg(0)?;
    let hash =
        SparkScalar::new("hash_of_value", hash_kernel, vec![value.data_type], Long, Arc::clone(call.settings)).call(vec![value.expr]);
    // DISTINCT changes nothing.
    let filter = call.filter.as_ref().map(|f| f.expr.clone());
    let made = call.aggregate_with(&approx_distinct_udaf(), vec![hash], false, filter, Long, false);
    // The deviation is no part of the text.
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let shown = Sql::concat(vec![Sql::from(format!("approx_count_distinct({distinct}")), call.arg(0)?.sql, Sql::from(")")]);
    Ok(Typed { expr: cast(made.expr.clone(), DataType::Int64), ..made }.shown(shown))
}

fn hash_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let key = normalize(&args.arrays[0], Normal::Key)?;
    if let DataType::Map(entries, _) = key.data_type() {
        // Maps have no row form; their entries have.
        let maps = key.as_map();
        let lists = arrow::array::ListArray::try_new(
            Arc::clone(entries),
            maps.offsets().clone(),
            Arc::new(maps.entries().clone()),
            maps.nulls().cloned(),
        )?;
        return hashes(&(Arc::new(lists) as ArrayRef));
    }
    hashes(&key)
}

fn hashes(key: &ArrayRef) -> Result<ArrayRef> {
    let converter = RowConverter::new(vec![SortField::new(key.data_type().clone())])?;
    let rows = converter.convert_columns(&[Arc::clone(key)])?;
    let nulls = key.logical_nulls();
    let hashes: Int64Array = rows
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let known = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i));
            known.then(|| xxhash_rust::xxh3::xxh3_64(row.as_ref()).cast_signed())
        })
        .collect();
    Ok(Arc::new(hashes))
}
