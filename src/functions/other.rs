//! Conditions, null, and the session. One function per row of Spark's table, with its usage.

use super::call;
use crate::column::Column;

/// Null where `expr` is true, else an error.
pub fn assert_true(expr: impl Into<Column>) -> Column {
    call("assert_true", [expr.into()])
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

/// The row's place by the order of its partition; rows alike share one, and leave no gaps.
pub fn dense_rank() -> Column {
    call("dense_rank", [])
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

/// Not supported: rows do not know their partition.
pub fn monotonically_increasing_id() -> Column {
    call("monotonically_increasing_id", [])
}

/// The number or interval with the other sign.
pub fn negative(expr: impl Into<Column>) -> Column {
    call("negative", [expr.into()])
}

/// `expr`, or null where it is zero.
pub fn nullifzero(expr: impl Into<Column>) -> Column {
    call("nullifzero", [expr.into()])
}

/// `expr2` where `expr1` is not null, else `expr3`.
pub fn nvl2(expr1: impl Into<Column>, expr2: impl Into<Column>, expr3: impl Into<Column>) -> Column {
    call("nvl2", [expr1.into(), expr2.into(), expr3.into()])
}

/// The rank from 0 to 1: (rank - 1) / (rows - 1).
pub fn percent_rank() -> Column {
    call("percent_rank", [])
}

/// What a division leaves, moved up by `expr2` where it is negative.
pub fn pmod(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("pmod", [expr1.into(), expr2.into()])
}

/// The number or interval as it is.
pub fn positive(expr: impl Into<Column>) -> Column {
    call("positive", [expr.into()])
}

/// An error with that message.
pub fn raise_error(expr: impl Into<Column>) -> Column {
    call("raise_error", [expr.into()])
}

/// The row's place by the order of its partition; rows alike share one, and leave gaps.
pub fn rank() -> Column {
    call("rank", [])
}

/// The row's number in its partition, from 1.
pub fn row_number() -> Column {
    call("row_number", [])
}

/// The user's name.
pub fn session_user() -> Column {
    call("session_user", [])
}

/// As `/`, and null where the divisor is zero.
pub fn try_divide(dividend: impl Into<Column>, divisor: impl Into<Column>) -> Column {
    call("try_divide", [dividend.into(), divisor.into()])
}

/// As `%`, and null where the divisor is zero.
pub fn try_mod(dividend: impl Into<Column>, divisor: impl Into<Column>) -> Column {
    call("try_mod", [dividend.into(), divisor.into()])
}

/// As `*`, and null where the result does not fit.
pub fn try_multiply(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("try_multiply", [expr1.into(), expr2.into()])
}

/// A random universally unique identifier, another one per row.
pub fn uuid() -> Column {
    call("uuid", [])
}

/// `expr`, or zero where it is null.
pub fn zeroifnull(expr: impl Into<Column>) -> Column {
    call("zeroifnull", [expr.into()])
}
