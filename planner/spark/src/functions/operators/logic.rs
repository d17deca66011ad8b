//! `and`, `or`, `not`.

use datafusion::logical_expr::{Expr, Operator, binary_expr};

use super::coerce::{self, Takes};
use super::row;
use crate::functions::{Build, Call, Function, Group};
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

/// `left AND right` of two booleans.
pub(crate) fn both(left: Typed, right: Typed) -> Typed {
    joined("AND", Operator::And, left, right)
}

fn joined(word: &str, operator: Operator, left: Typed, right: Typed) -> Typed {
    let shown = Sql::infix(&left.sql, word, &right.sql);
    Typed::new(binary_expr(left.expr, operator, right.expr), T::Boolean, left.nullable || right.nullable, shown)
}

fn binary(call: &mut Call<'_>, word: &str, operator: Operator) -> Result<Typed> {
    call.arity(2..=2)?;
    let (left, right) = coerce::operands(call, word, Takes::Boolean, call.arg(0)?, call.arg(1)?)?;
    Ok(joined(word, operator, left, right))
}

/// `(NOT a)`
pub(crate) fn negated(value: Typed) -> Typed {
    let shown = Sql::concat(vec![Sql::from("(NOT "), value.sql.clone(), Sql::from(")")]);
    Typed::new(Expr::Not(Box::new(value.expr)), T::Boolean, value.nullable, shown)
}

fn not(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.want_type(0, T::Boolean)?;
    Ok(negated(value))
}

/// `a || b` is `concat(a, b)`.
fn concat(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    call.name = "concat";
    match crate::functions::lookup("concat").map(|function| function.build) {
        Some(Build::Scalar(build)) => build(call),
        _ => Err(call.refuse("UNRESOLVED_ROUTINE", "`concat` is not there, and `||` is `concat`")),
    }
}

/// The rows of this file.
pub(crate) const ROWS: &[Function] = &[
    row(
        "and",
        Group::Predicate,
        "expr1 and expr2 - Whether both are true; false where one is, else null where one is.",
        &[("SELECT true and false", "false"), ("SELECT true and NULL", "NULL"), ("SELECT false and NULL", "false")],
        |c| binary(c, "AND", Operator::And),
    ),
    row(
        "or",
        Group::Predicate,
        "expr1 or expr2 - Whether one is true; null where none is and one is null.",
        &[("SELECT true or NULL", "true"), ("SELECT false or NULL", "NULL")],
        |c| binary(c, "OR", Operator::Or),
    ),
    row(
        "not",
        Group::Predicate,
        "not expr - The opposite of a boolean.",
        &[("SELECT not true", "false"), ("SELECT not NULL", "NULL")],
        not,
    ),
    row("!", Group::Predicate, "! expr - The opposite of a boolean.", &[("SELECT ! true", "false")], not),
    row(
        "||",
        Group::String,
        "expr1 || expr2 - One after the other: texts, bytes or arrays.",
        &[("SELECT 'Spark' || 'SQL'", "SparkSQL")],
        concat,
    ),
];
