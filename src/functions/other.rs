//! Conditions, null, conversions, ranks, and the session: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.

use super::{call, call_function};
use crate::column::{Column, Operand};

/// Null where `expr` is true, else an error.
pub fn assert_true(expr: impl Into<Column>) -> Column {
    call("assert_true", [expr.into()])
}

/// Null where `expr` is true, else an error.
pub fn assert_true_with(expr: impl Into<Column>, message: impl Operand) -> Column {
    call("assert_true", [expr.into(), message.into_operand()])
}

/// The value as a BIGINT: CAST(expr AS BIGINT).
pub fn bigint(expr: impl Into<Column>) -> Column {
    call("bigint", [expr.into()])
}

/// The value as bytes: CAST(expr AS BINARY).
pub fn binary(expr: impl Into<Column>) -> Column {
    call("binary", [expr.into()])
}

/// The place of a number's bit in its bitmap.
pub fn bitmap_bit_position(child: impl Into<Column>) -> Column {
    call("bitmap_bit_position", [child.into()])
}

/// The number of the bitmap that holds a number's bit.
pub fn bitmap_bucket_number(child: impl Into<Column>) -> Column {
    call("bitmap_bucket_number", [child.into()])
}

/// How many bits of a bitmap are set.
pub fn bitmap_count(child: impl Into<Column>) -> Column {
    call("bitmap_count", [child.into()])
}

/// The value as a BOOLEAN: CAST(expr AS BOOLEAN).
pub fn boolean(expr: impl Into<Column>) -> Column {
    call("boolean", [expr.into()])
}

/// The first argument that is not null.
pub fn coalesce<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("coalesce", columns)
}

/// Which part of the partition's rows stands up to this row and those alike.
pub fn cume_dist() -> Column {
    call("cume_dist", [])
}

/// The current catalog.
pub fn current_catalog() -> Column {
    call("current_catalog", [])
}

/// The current database.
pub fn current_database() -> Column {
    call("current_database", [])
}

/// Where names of functions and tables are looked up, in this order.
pub fn current_path() -> Column {
    call("current_path", [])
}

/// The current database.
pub fn current_schema() -> Column {
    call("current_schema", [])
}

/// The user's name.
pub fn current_user() -> Column {
    call("current_user", [])
}

/// The value as a DATE: CAST(expr AS DATE).
pub fn date(expr: impl Into<Column>) -> Column {
    call("date", [expr.into()])
}

/// The value as a DECIMAL(10, 0), rounded half up.
pub fn decimal(expr: impl Into<Column>) -> Column {
    call("decimal", [expr.into()])
}

/// The row's place by the order of its partition; rows alike share one, and leave no gaps.
pub fn dense_rank() -> Column {
    call("dense_rank", [])
}

/// The value as a DOUBLE: CAST(expr AS DOUBLE).
pub fn double(expr: impl Into<Column>) -> Column {
    call("double", [expr.into()])
}

/// Whether both are equal or both null; never null.
pub fn equal_null(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("equal_null", [expr1.into(), expr2.into()])
}

/// The value as a FLOAT: CAST(expr AS FLOAT).
pub fn float(expr: impl Into<Column>) -> Column {
    call("float", [expr.into()])
}

/// `expr2` where `expr1` is true, else `expr3`.
pub fn if_(expr1: impl Into<Column>, expr2: impl Into<Column>, expr3: impl Into<Column>) -> Column {
    call("if", [expr1.into(), expr2.into(), expr3.into()])
}

/// `expr1`, or `expr2` where it is null.
pub fn ifnull(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("ifnull", [expr1.into(), expr2.into()])
}

/// Whether all match, whatever the letters' case.
pub fn ilike_all<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("ilike_all", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Whether one matches, whatever the letters' case.
pub fn ilike_any<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("ilike_any", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Whether `expr1` equals one of the others; null where none is equal and one is null.
pub fn in_<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("in", columns)
}

/// Not supported: rows do not know their file.
pub fn input_file_block_length() -> Column {
    call("input_file_block_length", [])
}

/// Not supported: rows do not know their file.
pub fn input_file_block_start() -> Column {
    call("input_file_block_start", [])
}

/// Not supported: rows do not know their file.
pub fn input_file_name() -> Column {
    call("input_file_name", [])
}

/// The value as an INT: CAST(expr AS INT).
pub fn int(expr: impl Into<Column>) -> Column {
    call("int", [expr.into()])
}

/// Whether `expr` is NaN; false for null.
pub fn isnan(expr: impl Into<Column>) -> Column {
    call("isnan", [expr.into()])
}

/// Whether `expr` is not null.
pub fn isnotnull(expr: impl Into<Column>) -> Column {
    call("isnotnull", [expr.into()])
}

/// Whether `expr` is null.
pub fn isnull(expr: impl Into<Column>) -> Column {
    call("isnull", [expr.into()])
}

/// The value so many rows before this one, 1 unless said; the default where there is no such row.
pub fn lag(expr: impl Into<Column>, offset: impl Into<Column>) -> Column {
    call("lag", [expr.into(), offset.into()])
}

/// The value so many rows before this one, 1 unless said; the default where there is no such row.
pub fn lag_with(expr: impl Into<Column>, offset: impl Into<Column>, default: impl Operand) -> Column {
    call("lag", [expr.into(), offset.into(), default.into_operand()])
}

/// The value so many rows after this one, 1 unless said; the default where there is no such row.
pub fn lead(expr: impl Into<Column>, offset: impl Into<Column>) -> Column {
    call("lead", [expr.into(), offset.into()])
}

/// The value so many rows after this one, 1 unless said; the default where there is no such row.
pub fn lead_with(expr: impl Into<Column>, offset: impl Into<Column>, default: impl Operand) -> Column {
    call("lead", [expr.into(), offset.into(), default.into_operand()])
}

/// Whether all match.
pub fn like_all<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("like_all", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Whether one matches.
pub fn like_any<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("like_any", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Not supported: rows do not know their partition.
pub fn monotonically_increasing_id() -> Column {
    call("monotonically_increasing_id", [])
}

/// `expr1`, or `expr2` where it is not a number.
pub fn nanvl(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("nanvl", [expr1.into(), expr2.into()])
}

/// Whether none matches, whatever the letters' case.
pub fn not_ilike_all<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("not_ilike_all", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Whether one does not match, whatever the letters' case.
pub fn not_ilike_any<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("not_ilike_any", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Whether none matches.
pub fn not_like_all<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("not_like_all", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// Whether one does not match.
pub fn not_like_any<O: Operand>(columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("not_like_any", [].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// The value of the frame's n-th row, from 1; null where it has fewer.
pub fn nth_value(expr: impl Into<Column>, n: impl Into<Column>) -> Column {
    call("nth_value", [expr.into(), n.into()])
}

/// The row's bucket, of so many about equally large ones in its partition.
pub fn ntile(buckets: impl Into<Column>) -> Column {
    call("ntile", [buckets.into()])
}

/// `expr1`, or null where both are equal.
pub fn nullif(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("nullif", [expr1.into(), expr2.into()])
}

/// `expr`, or null where it is zero.
pub fn nullifzero(expr: impl Into<Column>) -> Column {
    call("nullifzero", [expr.into()])
}

/// `expr1`, or `expr2` where it is null.
pub fn nvl(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("nvl", [expr1.into(), expr2.into()])
}

/// `expr2` where `expr1` is not null, else `expr3`.
pub fn nvl2(expr1: impl Into<Column>, expr2: impl Into<Column>, expr3: impl Into<Column>) -> Column {
    call("nvl2", [expr1.into(), expr2.into(), expr3.into()])
}

/// The rank from 0 to 1: (rank - 1) / (rows - 1).
pub fn percent_rank() -> Column {
    call("percent_rank", [])
}

/// An error with that message.
pub fn raise_error(message: impl Operand) -> Column {
    call("raise_error", [message.into_operand()])
}

/// The row's place by the order of its partition; rows alike share one, and leave gaps.
pub fn rank() -> Column {
    call("rank", [])
}

/// Whether the Java regular expression is found anywhere in `str`.
pub fn regexp(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp", [str.into(), regexp.into_operand()])
}

/// Whether the Java regular expression is found anywhere in `str`.
pub fn regexp_like(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp_like", [str.into(), regexp.into_operand()])
}

/// Whether the Java regular expression is found anywhere in `str`.
pub fn rlike(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("rlike", [str.into(), regexp.into_operand()])
}

/// The row's number in its partition, from 1.
pub fn row_number() -> Column {
    call("row_number", [])
}

/// The user's name.
pub fn session_user() -> Column {
    call("session_user", [])
}

/// The value as a SMALLINT: CAST(expr AS SMALLINT).
pub fn smallint(expr: impl Into<Column>) -> Column {
    call("smallint", [expr.into()])
}

/// Not supported: rows do not know their partition.
pub fn spark_partition_id() -> Column {
    call("spark_partition_id", [])
}

/// The value as text: CAST(expr AS STRING).
pub fn string(expr: impl Into<Column>) -> Column {
    call("string", [expr.into()])
}

/// The value as a TIME: CAST(expr AS TIME).
pub fn time(expr: impl Into<Column>) -> Column {
    call("time", [expr.into()])
}

/// The value as a TIMESTAMP: CAST(expr AS TIMESTAMP).
pub fn timestamp(expr: impl Into<Column>) -> Column {
    call("timestamp", [expr.into()])
}

/// The value as a TINYINT: CAST(expr AS TINYINT).
pub fn tinyint(expr: impl Into<Column>) -> Column {
    call("tinyint", [expr.into()])
}

/// The type of the argument.
pub fn typeof_(expr: impl Into<Column>) -> Column {
    call("typeof", [expr.into()])
}

/// The user's name.
pub fn user() -> Column {
    call("user", [])
}

/// A random universally unique identifier, another one per row.
pub fn uuid() -> Column {
    call("uuid", [])
}

/// The version of Spark whose language this is, and ours.
pub fn version() -> Column {
    call("version", [])
}

/// `expr`, or zero where it is null.
pub fn zeroifnull(expr: impl Into<Column>) -> Column {
    call("zeroifnull", [expr.into()])
}
