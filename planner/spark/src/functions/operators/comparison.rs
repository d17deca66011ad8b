//! `= <=> < <= > >= !=`, `between`, `in`, and tests for null and truth.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr};

use super::coerce::{self, Takes};
use super::{kernel, logic, nested, row};
use crate::functions::{Call, Function, Group};
use crate::types::{SparkType as T, StructField};
use crate::{Result, Sql, Typed};

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NullSafe,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NullSafe => "<=>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    fn operator(self) -> Operator {
        match self {
            Self::Equal => Operator::Eq,
            Self::NullSafe => Operator::IsNotDistinctFrom,
            Self::Less => Operator::Lt,
            Self::LessOrEqual => Operator::LtEq,
            Self::Greater => Operator::Gt,
            Self::GreaterOrEqual => Operator::GtEq,
        }
    }
}

/// A struct's type with fields that are called by their place and may be null.
fn without_names(t: &T) -> T {
    match t {
        T::Struct(fields) => T::Struct(
            fields
                .iter()
                .enumerate()
                .map(|(i, field)| StructField::new(format!("col{}", i + 1), without_names(&field.data_type)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether values of a type have an order: maps, calendar intervals and variants have none.
pub(crate) fn is_orderable(t: &T) -> bool {
    match t {
        T::Array(element, _) => is_orderable(element),
        T::Struct(fields) => fields.iter().all(|field| is_orderable(&field.data_type)),
        T::Map(..) | T::CalendarInterval | T::Unsupported(_) => false,
        _ => true,
    }
}

/// The error for values without an order.
pub(crate) fn refuse_unordered(call: &Call<'_>, what: &str, t: &T) -> Result<()> {
    if is_orderable(t) {
        return Ok(());
    }
    let message = format!("`{what}` compares its operands, and values of type \"{}\" have no order", t.sql());
    Err(call.refuse("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", message))
}

/// `left op right`, whatever the operands are; shown as Spark does.
pub(crate) fn compare(call: &Call<'_>, op: Comparison, left: Typed, right: Typed) -> Result<Typed> {
    let shown = Sql::infix(&left.sql, op.symbol(), &right.sql);
    let takes = if matches!(op, Comparison::Equal | Comparison::NullSafe) { Takes::Equality } else { Takes::Order };
    if takes == Takes::Equality
        && !call.settings.ansi
        && let Some(made) = boolean_is_number(call, op, &left, &right)?
    {
        return Ok(made.shown(shown));
    }
    let (left, right) = coerce::operands(call, op.symbol(), takes, left, right)?;
    refuse_unordered(call, op.symbol(), &left.data_type)?;
    Ok(compare_same(call, op, left, right).shown(shown))
}

/// The comparison of two values of one type.
pub(super) fn compare_same(call: &Call<'_>, op: Comparison, left: Typed, right: Typed) -> Typed {
    let null_safe = op == Comparison::NullSafe;
    let nullable = !null_safe && (left.nullable || right.nullable);
    if left.data_type == T::Null {
        return Typed::literal(ScalarValue::Boolean(null_safe.then_some(true)), T::Boolean, call.sql());
    }
    if left.data_type.is_nested() {
        let constants = vec![ScalarValue::Int8(Some(op as i8))];
        return kernel(call, op.symbol(), nested::compare, vec![left, right], constants, T::Boolean, nullable);
    }
    call.made(binary_expr(left.expr, op.operator(), right.expr), T::Boolean, nullable)
}

/// Legacy mode: `true = 1` is the boolean itself, `true = 0` its opposite; other numbers are compared with it as a number.
fn boolean_is_number(call: &Call<'_>, op: Comparison, left: &Typed, right: &Typed) -> Result<Option<Typed>> {
    let (flag, number) = match (&left.data_type, &right.data_type) {
        (T::Boolean, t) if t.is_numeric() => (left, right),
        (t, T::Boolean) if t.is_numeric() => (right, left),
        _ => return Ok(None),
    };
    let whole = match number.as_literal() {
        Some(ScalarValue::Int8(Some(v))) => Some(i128::from(*v)),
        Some(ScalarValue::Int16(Some(v))) => Some(i128::from(*v)),
        Some(ScalarValue::Int32(Some(v))) => Some(i128::from(*v)),
        Some(ScalarValue::Int64(Some(v))) => Some(i128::from(*v)),
        Some(ScalarValue::Decimal128(Some(v), _, 0)) => Some(*v),
        _ => None,
    };
    let expr = match whole {
        Some(1) => flag.expr.clone(),
        Some(0) => Expr::Not(Box::new(flag.expr.clone())),
        _ => {
            let flag = call.cast(flag.clone(), &number.data_type)?;
            return Ok(Some(compare_same(call, op, flag, number.clone())));
        }
    };
    if op == Comparison::Equal {
        return Ok(Some(call.made(expr, T::Boolean, flag.nullable)));
    }
    let there = Expr::IsNotNull(Box::new(flag.expr.clone()));
    Ok(Some(call.made(binary_expr(there, Operator::And, expr), T::Boolean, false)))
}

fn operator(call: &mut Call<'_>, op: Comparison) -> Result<Typed> {
    call.arity(2..=2)?;
    compare(call, op, call.arg(0)?, call.arg(1)?)
}

fn not_equal(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let equal = compare(call, Comparison::Equal, call.arg(0)?, call.arg(1)?)?;
    let shown = Sql::concat(vec![Sql::from("(NOT "), equal.sql.clone(), Sql::from(")")]);
    // `a <> b` says the same as NOT, in a way that the engine makes more of.
    let expr = match equal.expr {
        Expr::BinaryExpr(mut b) if b.op == Operator::Eq => {
            b.op = Operator::NotEq;
            Expr::BinaryExpr(b)
        }
        other => Expr::Not(Box::new(other)),
    };
    Ok(Typed::new(expr, T::Boolean, equal.nullable, shown))
}

fn between(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let low = compare(call, Comparison::GreaterOrEqual, call.arg(0)?, call.arg(1)?)?;
    let high = compare(call, Comparison::LessOrEqual, call.arg(0)?, call.arg(2)?)?;
    Ok(logic::both(low, high).shown(call.sql()))
}

fn one_of(call: &mut Call<'_>) -> Result<Typed> {
    if call.is_empty() {
        return Err(call.wrong_arity("1 or more"));
    }
    let mut values = call.values()?;
    let shown = {
        let mut parts = vec![Sql::from("(")];
        for (at, value) in values.iter().enumerate() {
            match at {
                0 => {}
                1 => parts.push(Sql::from(" IN (")),
                _ => parts.push(Sql::from(", ")),
            }
            parts.push(value.sql.clone());
        }
        parts.push(Sql::from(if values.len() == 1 { " IN ()" } else { ")" }));
        parts.push(Sql::from(")"));
        Sql::concat(parts)
    };
    if values.len() == 1 {
        return Ok(Typed::literal(ScalarValue::Boolean(Some(false)), T::Boolean, shown));
    }
    let same = values.iter().all(|value| values.first().is_some_and(|first| first.data_type == value.data_type));
    if !same {
        // Row values are compared by place, whatever their fields are called.
        let by_place = values.first().map(|first| without_names(&first.data_type));
        let alike = by_place.filter(|t| matches!(t, T::Struct(_)) && values.iter().all(|value| without_names(&value.data_type) == *t));
        values = match alike {
            Some(common) => values.into_iter().map(|value| call.cast(value, &common)).collect::<Result<_>>()?,
            None => call.same_type(values)?,
        };
    }
    let nullable = values.iter().any(|value| value.nullable);
    let value = values.remove(0);
    refuse_unordered(call, "in", &value.data_type)?;
    if value.data_type == T::Null {
        return Ok(Typed::literal(ScalarValue::Boolean(None), T::Boolean, shown));
    }
    if value.data_type.is_nested() {
        let mut args = vec![value];
        args.extend(values);
        return Ok(kernel(call, "in", nested::one_of, args, Vec::new(), T::Boolean, nullable).shown(shown));
    }
    let expr = value.expr.in_list(values.into_iter().map(|value| value.expr).collect(), false);
    Ok(call.made(expr, T::Boolean, nullable).shown(shown))
}

fn test(call: &mut Call<'_>, words: &str, make: fn(Box<Expr>) -> Expr) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    let shown = Sql::concat(vec![Sql::from("("), value.sql.clone(), Sql::from(format!(" {words})"))]);
    Ok(Typed::new(make(Box::new(value.expr)), T::Boolean, false, shown))
}

/// `IS TRUE`, `IS FALSE`: Spark has them as `<=> true`.
fn is_truth(call: &mut Call<'_>, truth: bool) -> Result<Typed> {
    call.arity(1..=1)?;
    let literal = Typed::literal(ScalarValue::Boolean(Some(truth)), T::Boolean, if truth { "true" } else { "false" });
    compare(call, Comparison::NullSafe, call.arg(0)?, literal)
}

fn is_unknown(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    if !matches!(value.data_type, T::Boolean | T::Null) {
        return Err(call.unexpected_type(0, &value, "\"BOOLEAN\""));
    }
    test(call, "IS UNKNOWN", Expr::IsNull)
}

/// The rows of this file.
pub(crate) const ROWS: &[Function] = &[
    row("=", Group::Predicate, "expr1 = expr2 - Whether both are equal; null where one is null.", EQUAL, |c| {
        operator(c, Comparison::Equal)
    }),
    row("==", Group::Predicate, "expr1 == expr2 - Whether both are equal; null where one is null.", &[("SELECT 2 == 2", "true")], |c| {
        operator(c, Comparison::Equal)
    }),
    row(
        "<=>",
        Group::Predicate,
        "expr1 <=> expr2 - Whether both are equal or both null; never null.",
        &[("SELECT 2 <=> 2", "true"), ("SELECT true <=> NULL", "false"), ("SELECT NULL <=> NULL", "true")],
        |c| operator(c, Comparison::NullSafe),
    ),
    row(
        "equal_null",
        Group::Predicate,
        "equal_null(expr1, expr2) - Whether both are equal or both null; never null.",
        &[("SELECT equal_null(3, 3)", "true"), ("SELECT equal_null(1, '11')", "false"), ("SELECT equal_null(NULL, NULL)", "true")],
        |c| Ok(operator(c, Comparison::NullSafe)?.shown(c.sql())),
    ),
    row("!=", Group::Predicate, "expr1 != expr2 - Whether both differ; null where one is null.", &[("SELECT 1 != 2", "true")], not_equal),
    row("<", Group::Predicate, "expr1 < expr2 - Whether `expr1` is less.", &[("SELECT 1 < 2", "true"), ("SELECT 1 < NULL", "NULL")], |c| {
        operator(c, Comparison::Less)
    }),
    row("<=", Group::Predicate, "expr1 <= expr2 - Whether `expr1` is less or equal.", &[("SELECT 2 <= 2", "true")], |c| {
        operator(c, Comparison::LessOrEqual)
    }),
    row(">", Group::Predicate, "expr1 > expr2 - Whether `expr1` is greater.", &[("SELECT 2 > 1.1", "true")], |c| {
        operator(c, Comparison::Greater)
    }),
    row(">=", Group::Predicate, "expr1 >= expr2 - Whether `expr1` is greater or equal.", &[("SELECT 2.0 >= '2.1'", "false")], |c| {
        operator(c, Comparison::GreaterOrEqual)
    }),
    row(
        "between",
        Group::Conditional,
        "input between lower AND upper - Whether `input` is neither less than `lower` nor greater than `upper`.",
        &[("SELECT 0.5 between 0.1 AND 1.0", "true")],
        between,
    ),
    row(
        "in",
        Group::Predicate,
        "expr1 in(expr2, expr3, ...) - Whether `expr1` equals one of the others; null where none is equal and one is null.",
        &[("SELECT 1 in(1, 2, 3)", "true"), ("SELECT 1 in(2, 3, 4)", "false"), ("SELECT 1 in(2, NULL)", "NULL")],
        one_of,
    ),
    row("isnull", Group::Predicate, "isnull(expr) - Whether `expr` is null.", &[("SELECT isnull(1)", "false")], |c| {
        test(c, "IS NULL", Expr::IsNull)
    }),
    row("isnotnull", Group::Predicate, "isnotnull(expr) - Whether `expr` is not null.", &[("SELECT isnotnull(1)", "true")], |c| {
        test(c, "IS NOT NULL", Expr::IsNotNull)
    }),
    row("istrue", Group::Predicate, "expr IS TRUE - Whether `expr` is true, and not null.", &[("SELECT NULL IS TRUE", "false")], |c| {
        is_truth(c, true)
    }),
    row("isfalse", Group::Predicate, "expr IS FALSE - Whether `expr` is false, and not null.", &[("SELECT false IS FALSE", "true")], |c| {
        is_truth(c, false)
    }),
    row("isunknown", Group::Predicate, "expr IS UNKNOWN - Whether a boolean is null.", &[("SELECT NULL IS UNKNOWN", "true")], is_unknown),
];

const EQUAL: &[(&str, &str)] =
    &[("SELECT 2 = 2", "true"), ("SELECT 1 = '1'", "true"), ("SELECT true = NULL", "NULL"), ("SELECT NULL = NULL", "NULL")];
