//! Functions over windows: the engine's, with Spark's types and checks.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions_window::cume_dist::cume_dist_udwf;
use datafusion::functions_window::lead_lag::{lag_udwf, lead_udwf};
use datafusion::functions_window::nth_value::nth_value_udwf;
use datafusion::functions_window::ntile::ntile_udwf;
use datafusion::functions_window::rank::{dense_rank_udwf, percent_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::{WindowUDF, cast, lit, when};

use super::over_nulls::over_nulls;
use super::{Build, Call, Function, Group, Want, constant};
use crate::types::SparkType::{self, Double, Integer};
use crate::{Result, Sql, Typed};

type Examples = &'static [(&'static str, &'static str)];

const fn row(name: &'static str, usage: &'static str, examples: Examples, build: fn(&mut Call<'_>) -> Result<Typed>) -> Function {
    Function { name, group: Group::Window, parameters: &[], usage, examples, build: Build::Window(build) }
}

pub(super) const ROWS: &[Function] = &[
    row(
        "row_number",
        "row_number() - The row's number in its partition, from 1.",
        &[(
            "SELECT a, b, row_number() OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t1\nA1\t1\t2\nA1\t2\t3\nA2\t3\t1",
        )],
        |call| number(call, &row_number_udwf(), "row_number"),
    ),
    row(
        "rank",
        "rank() - The row's place by the order of its partition; rows alike share one, and leave gaps.",
        &[(
            "SELECT a, b, rank() OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t1\nA1\t1\t1\nA1\t2\t3\nA2\t3\t1",
        )],
        |call| number(call, &rank_udwf(), "RANK"),
    ),
    row(
        "dense_rank",
        "dense_rank() - The row's place by the order of its partition; rows alike share one, and leave no gaps.",
        &[(
            "SELECT a, b, dense_rank() OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t1\nA1\t1\t1\nA1\t2\t2\nA2\t3\t1",
        )],
        |call| number(call, &dense_rank_udwf(), "DENSE_RANK"),
    ),
    row(
        "percent_rank",
        "percent_rank() - The rank from 0 to 1: (rank - 1) / (rows - 1).",
        &[(
            "SELECT a, b, percent_rank() OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t0.0\nA1\t1\t0.0\nA1\t2\t1.0\nA2\t3\t0.0",
        )],
        |call| share(call, &percent_rank_udwf(), "PERCENT_RANK"),
    ),
    row(
        "cume_dist",
        "cume_dist() - Which part of the partition's rows stands up to this row and those alike.",
        &[(
            "SELECT a, b, cume_dist() OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t0.6666666666666666\nA1\t1\t0.6666666666666666\nA1\t2\t1.0\nA2\t3\t1.0",
        )],
        |call| share(call, &cume_dist_udwf(), "cume_dist"),
    ),
    row(
        "ntile",
        "ntile([buckets]) - The row's bucket, of so many about equally large ones in its partition.",
        &[(
            "SELECT a, b, ntile(2) OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t1\nA1\t1\t1\nA1\t2\t2\nA2\t3\t1",
        )],
        ntile,
    ),
    row(
        "lag",
        "lag(expr[, offset[, default]]) - The value so many rows before this one, 1 unless said; the default where there is no such row.",
        &[(
            "SELECT a, b, lag(b) OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\tNULL\nA1\t1\t1\nA1\t2\t1\nA2\t3\tNULL",
        )],
        |call| shifted(call, true),
    ),
    row(
        "lead",
        "lead(expr[, offset[, default]]) - The value so many rows after this one, 1 unless said; the default where there is no such row.",
        &[(
            "SELECT a, b, lead(b) OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t1\nA1\t1\t2\nA1\t2\tNULL\nA2\t3\tNULL",
        )],
        |call| shifted(call, false),
    ),
    row(
        "nth_value",
        "nth_value(expr, n) - The value of the frame's n-th row, from 1; null where it has fewer.",
        &[(
            "SELECT a, b, nth_value(b, 2) OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)",
            "A1\t1\t1\nA1\t1\t1\nA1\t2\t1\nA2\t3\tNULL",
        )],
        nth_value,
    ),
];

/// Refuses DISTINCT, and (unless `nulls`) IGNORE NULLS.
fn plain(call: &Call<'_>, nulls: bool) -> Result<()> {
    let syntax = if call.distinct {
        "DISTINCT"
    } else if call.filter.is_some() {
        "FILTER (WHERE …)"
    } else if !call.order_by.is_empty() {
        "WITHIN GROUP (ORDER BY …)"
    } else if !nulls && call.ignore_nulls == Some(true) {
        "IGNORE NULLS"
    } else {
        return Ok(());
    };
    let message = format!("`{}` takes no {syntax}: leave it out", call.name);
    Err(call.refuse("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", message))
}

fn number(call: &mut Call<'_>, function: &Arc<WindowUDF>, title: &str) -> Result<Typed> {
    call.arity(0..=0)?;
    plain(call, false)?;
    let made = call.window_function(function, vec![], Integer, false)?;
    Ok(Typed { expr: cast(made.expr.clone(), DataType::Int32), ..made }.shown(Sql::from(format!("{title}()"))))
}

fn share(call: &mut Call<'_>, function: &Arc<WindowUDF>, title: &str) -> Result<Typed> {
    call.arity(0..=0)?;
    plain(call, false)?;
    Ok(call.window_function(function, vec![], Double, false)?.shown(Sql::from(format!("{title}()"))))
}

/// The constant INT at that place.
fn whole(call: &Call<'_>, at: usize, name: &str) -> Result<i32> {
    match call.constant(at, &Integer)? {
        ScalarValue::Int32(Some(value)) => Ok(value),
        _ => {
            let message = format!("cannot resolve \"{}\": `{name}` of `{}` is null; give a whole number", call.sql(), call.name);
            Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", message))
        }
    }
}

fn positive(call: &Call<'_>, value: i32, name: &str) -> Result<i64> {
    if value > 0 {
        return Ok(value.into());
    }
    let message = format!("cannot resolve \"{}\": `{name}` of `{}` is 1 or more, and not {value}", call.sql(), call.name);
    Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message))
}

fn ntile(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(0..=1)?;
    plain(call, false)?;
    let (buckets, shown) = if call.is_empty() {
        (1, Sql::from("ntile(1)"))
    } else {
        let given = call.arg(0)?;
        if constant(&given)?.is_some() && given.data_type != Integer {
            return Err(call.unexpected_type(0, &given, "\"INT\""));
        }
        let buckets = whole(call, 0, "buckets")?;
        (positive(call, buckets, "buckets")?, call.sql())
    };
    let made = call.window_function(&ntile_udwf(), vec![lit(buckets)], Integer, true)?;
    Ok(Typed { expr: cast(made.expr.clone(), DataType::Int32), ..made }.shown(shown))
}

fn shifted(call: &mut Call<'_>, back: bool) -> Result<Typed> {
    call.arity(1..=3)?;
    plain(call, true)?;
    let value = call.arg(0)?;
    let offset = if call.len() > 1 { i64::from(whole(call, 1, "offset")?) } else { 1 };
    let default = match call.len() {
        3 if call.arg(2)?.data_type != SparkType::Null => Some(call.want(2, &Want::Type(value.data_type.clone()))?),
        _ => None,
    };
    let shown = shown_in_full(call)?;
    let (function, offset) = match (back == (offset >= 0), offset.saturating_abs()) {
        (true, offset) => (lag_udwf(), offset),
        (false, offset) => (lead_udwf(), offset),
    };
    let function = if call.ignore_nulls == Some(true) { over_nulls(function) } else { function };
    let nullable = value.nullable || default.as_ref().is_none_or(|default| default.nullable);
    let out = value.data_type.clone();
    let made = call.window_function(&function, vec![value.expr, lit(offset)], out.clone(), nullable)?;
    if out == SparkType::Null {
        return Ok(Typed { expr: lit(ScalarValue::Null), ..made }.shown(shown));
    }
    let made = match default {
        // A value that is null and a row that is not there are two things, unless nulls are passed over.
        Some(default) => {
            let there = if call.ignore_nulls == Some(true) {
                made.expr.clone().is_not_null()
            } else {
                call.window_function(&function, vec![lit(true), lit(offset)], SparkType::Boolean, true)?.expr.is_not_null()
            };
            Typed { expr: when(there, made.expr.clone()).otherwise(default.expr)?, ..made }
        }
        None => made,
    };
    Ok(made.shown(shown))
}

/// The call with the offset and default that Spark puts in.
fn shown_in_full(call: &Call<'_>) -> Result<Sql> {
    let mut parts: Vec<Sql> = call.values()?.into_iter().map(|value| value.sql).collect();
    let defaults = [Sql::from(""), Sql::from("1"), Sql::from("NULL")];
    parts.extend(defaults.into_iter().skip(parts.len()));
    Ok(Sql::call(call.name, &parts))
}

fn nth_value(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    plain(call, true)?;
    let value = call.arg(0)?;
    let n = whole(call, 1, "offset")?;
    let n = positive(call, n, "offset")?;
    let out = value.data_type.clone();
    let shown = match call.ignore_nulls {
        Some(true) => Sql::concat(vec![call.sql(), Sql::from(" ignore nulls")]),
        _ => call.sql(),
    };
    Ok(call.window_function(&nth_value_udwf(), vec![value.expr, lit(n)], out, true)?.shown(shown))
}
