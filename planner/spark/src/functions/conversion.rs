//! Casts that are called as functions: `int('1')`, `date('2020-01-01')`.

use super::{Build, Call, Function, Group};
use crate::plan::CastMode;
use crate::types::{SparkType, cast};
use crate::{Result, Typed};

/// Spark shows such a call as its argument, as it shows every cast that was not written as CAST.
fn cast_to(call: &Call<'_>, to: &SparkType) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    let sql = value.sql.clone();
    let mut made = cast::cast(value, to, CastMode::Session, call.settings, call.span)?;
    made.sql = sql;
    Ok(made)
}

const fn row(
    name: &'static str,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    Function { name, group: Group::Conversion, parameters: &[], usage, examples, build: Build::Scalar(build) }
}

/// This file's functions.
pub(super) const ROWS: &[Function] = &[
    row("bigint", "bigint(expr) - The value as a BIGINT: CAST(expr AS BIGINT).", &[("SELECT bigint('12')", "12")], |call| {
        cast_to(call, &SparkType::Long)
    }),
    row("binary", "binary(expr) - The value as bytes: CAST(expr AS BINARY).", &[("SELECT hex(binary('Spark'))", "537061726B")], |call| {
        cast_to(call, &SparkType::Binary)
    }),
    row("boolean", "boolean(expr) - The value as a BOOLEAN: CAST(expr AS BOOLEAN).", &[("SELECT boolean('yes')", "true")], |call| {
        cast_to(call, &SparkType::Boolean)
    }),
    row("date", "date(expr) - The value as a DATE: CAST(expr AS DATE).", &[("SELECT date('2020-2')", "2020-02-01")], |call| {
        cast_to(call, &SparkType::Date)
    }),
    row("decimal", "decimal(expr) - The value as a DECIMAL(10, 0), rounded half up.", &[("SELECT decimal('2.5')", "3")], |call| {
        cast_to(call, &SparkType::DEFAULT_DECIMAL)
    }),
    row("double", "double(expr) - The value as a DOUBLE: CAST(expr AS DOUBLE).", &[("SELECT double('1e10')", "1.0E10")], |call| {
        cast_to(call, &SparkType::Double)
    }),
    row("float", "float(expr) - The value as a FLOAT: CAST(expr AS FLOAT).", &[("SELECT float('0.5')", "0.5")], |call| {
        cast_to(call, &SparkType::Float)
    }),
    row("int", "int(expr) - The value as an INT: CAST(expr AS INT).", &[("SELECT int(3.9D)", "3")], |call| {
        cast_to(call, &SparkType::Integer)
    }),
    row("smallint", "smallint(expr) - The value as a SMALLINT: CAST(expr AS SMALLINT).", &[("SELECT smallint('7')", "7")], |call| {
        cast_to(call, &SparkType::Short)
    }),
    row("string", "string(expr) - The value as text: CAST(expr AS STRING).", &[("SELECT string(array(1, NULL))", "[1, null]")], |call| {
        cast_to(call, &SparkType::String)
    }),
    row("time", "time(expr) - The value as a TIME: CAST(expr AS TIME).", &[("SELECT time('1:30 PM')", "13:30:00")], |call| {
        cast_to(call, &SparkType::Time(6))
    }),
    row(
        "timestamp",
        "timestamp(expr) - The value as a TIMESTAMP: CAST(expr AS TIMESTAMP).",
        &[("SELECT timestamp('2020-01-02 3:04')", "2020-01-02 03:04:00")],
        |call| cast_to(call, &SparkType::Timestamp),
    ),
    row("tinyint", "tinyint(expr) - The value as a TINYINT: CAST(expr AS TINYINT).", &[("SELECT tinyint('7')", "7")], |call| {
        cast_to(call, &SparkType::Byte)
    }),
];
