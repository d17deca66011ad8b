//! `+ - * / % div`, `pmod`, signs, and their `try_` forms: which types they take and give.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Operator, binary_expr};

use super::coerce;
use super::op::Op;
use super::sign::{negated, signed};
use super::{Mode, datetime, decimals, intervals, kernel, numbers, row};
use crate::functions::{Call, Function, Group};
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

/// `left op right`, whatever the operands are; shown as Spark does.
pub(super) fn binary(call: &Call<'_>, op: Op, left: Typed, right: Typed, mode: Mode) -> Result<Typed> {
    let shown = Sql::infix(&left.sql, op.symbol(), &right.sql);
    if let Some(made) = datetime::resolve(call, op, &left, &right, mode)? {
        return Ok(made);
    }
    let (left, right) = coerce::strings(call, op.takes(), left, right)?;
    // Text may have become a day.
    if (left.data_type.is_datetime() || right.data_type.is_datetime())
        && let Some(made) = datetime::resolve(call, op, &left, &right, mode)?
    {
        return Ok(made);
    }
    let (left, right) = coerce::operands(call, op.symbol(), op.takes(), left, right)?;
    Ok(settled(call, op, left, right, mode)?.shown(shown))
}

/// Over operands whose types are settled.
fn settled(call: &Call<'_>, op: Op, left: Typed, right: Typed, mode: Mode) -> Result<Typed> {
    let may_be_null = left.nullable || right.nullable || mode == Mode::Try || op.divides();
    let constants = vec![op.constant(), mode.constant()];
    let (l, r) = (left.data_type.clone(), right.data_type.clone());
    Ok(match (&l, &r) {
        (T::Decimal(p1, s1), T::Decimal(p2, s2)) => {
            let loss = call.settings.flag("spark.sql.decimalOperations.allowPrecisionLoss", true)?;
            let (p, s) = decimals::result(op, (*p1, *s1), (*p2, *s2), loss);
            let (out, nullable) = (T::Decimal(p, s), may_be_null || mode != Mode::Ansi);
            if op == Op::IntegralDivide {
                let constants = vec![op.constant(), mode.constant(), ScalarValue::UInt8(Some(p))];
                return Ok(kernel(call, op.symbol(), decimals::quotient, vec![left, right], constants, T::Long, nullable));
            }
            kernel(call, op.symbol(), decimals::arithmetic, vec![left, right], constants, out, nullable)
        }
        (T::CalendarInterval, _) => {
            kernel(call, op.symbol(), intervals::calendar_sum, vec![left, right], constants, T::CalendarInterval, may_be_null)
        }
        (T::Float | T::Double, _) if !op.divides() => {
            // Floats have a result for all operands: the engine's operators know most about them.
            let operator = match op {
                Op::Subtract => Operator::Minus,
                Op::Multiply => Operator::Multiply,
                _ => Operator::Plus,
            };
            call.made(binary_expr(left.expr, operator, right.expr), l, may_be_null)
        }
        _ if op == Op::IntegralDivide => kernel(call, op.symbol(), numbers::quotient, vec![left, right], constants, T::Long, true),
        _ => kernel(call, op.symbol(), numbers::arithmetic, vec![left, right], constants, l, may_be_null),
    })
}

fn two(call: &Call<'_>) -> Result<(Typed, Typed)> {
    call.arity(2..=2)?;
    Ok((call.arg(0)?, call.arg(1)?))
}

fn operator(call: &mut Call<'_>, op: Op) -> Result<Typed> {
    let (left, right) = two(call)?;
    binary(call, op, left, right, Mode::of(call))
}

fn function(call: &mut Call<'_>, op: Op, mode: Mode) -> Result<Typed> {
    let (left, right) = two(call)?;
    Ok(binary(call, op, left, right, mode)?.shown(call.sql()))
}

fn positive(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = signed(call, call.arg(0)?)?;
    let shown = Sql::concat(vec![Sql::from("(+ "), value.sql.clone(), Sql::from(")")]);
    Ok(value.shown(shown))
}

/// The rows of this file.
pub(crate) const ROWS: &[Function] = &[
    row(
        "+",
        Group::Math,
        "expr1 + expr2 - The sum; of a date or timestamp and an interval, the later one.",
        &[("SELECT 1 + 2", "3")],
        |c| operator(c, Op::Add),
    ),
    row("-", Group::Math, "expr1 - expr2 - The difference; of two dates or timestamps, an interval.", &[("SELECT 2 - 1", "1")], |c| {
        operator(c, Op::Subtract)
    }),
    row("*", Group::Math, "expr1 * expr2 - The product.", &[("SELECT 2 * 3", "6")], |c| operator(c, Op::Multiply)),
    row(
        "/",
        Group::Math,
        "expr1 / expr2 - The quotient as a double or decimal, of whole numbers too.",
        &[("SELECT 3 / 2", "1.5"), ("SELECT 2L / 2L", "1.0")],
        |c| operator(c, Op::Divide),
    ),
    row(
        "div",
        Group::Math,
        "expr1 div expr2 - The quotient without its fraction, as a bigint.",
        &[("SELECT 3 div 2", "1"), ("SELECT INTERVAL '1-1' YEAR TO MONTH div INTERVAL '-1' MONTH", "-13")],
        |c| operator(c, Op::IntegralDivide),
    ),
    row("%", Group::Math, "expr1 % expr2 - What a division leaves; it has the sign of `expr1`.", &[("SELECT 2 % 1.8", "0.2")], |c| {
        operator(c, Op::Remainder)
    }),
    row(
        "mod",
        Group::Math,
        "mod(expr1, expr2) - What a division leaves; it has the sign of `expr1`.",
        &[("SELECT mod(2, 1.8)", "0.2")],
        |c| function(c, Op::Remainder, Mode::of(c)),
    ),
    row(
        "pmod",
        Group::Math,
        "pmod(expr1, expr2) - What a division leaves, moved up by `expr2` where it is negative.",
        &[("SELECT pmod(10, 3)", "1"), ("SELECT pmod(-10, 3)", "2")],
        |c| function(c, Op::Pmod, Mode::of(c)),
    ),
    row("negative", Group::Math, "negative(expr) - The number or interval with the other sign.", &[("SELECT negative(1)", "-1")], |call| {
        call.arity(1..=1)?;
        negated(call, call.arg(0)?, call.settings.ansi)
    }),
    row("positive", Group::Math, "positive(expr) - The number or interval as it is.", &[("SELECT positive(1)", "1")], positive),
    row(
        "try_add",
        Group::Math,
        "try_add(expr1, expr2) - As `+`, and null where the result does not fit.",
        &[
            ("SELECT try_add(1, 2)", "3"),
            ("SELECT try_add(2147483647, 1)", "NULL"),
            ("SELECT try_add(date'2021-01-01', 1)", "2021-01-02"),
            ("SELECT try_add(date'2021-01-01', interval 1 year)", "2022-01-01"),
            ("SELECT try_add(interval 1 year, interval 2 year)", "3-0"),
        ],
        |c| function(c, Op::Add, Mode::Try),
    ),
    row(
        "try_subtract",
        Group::Math,
        "try_subtract(expr1, expr2) - As `-`, and null where the result does not fit.",
        &[("SELECT try_subtract(2, 1)", "1"), ("SELECT try_subtract(-2147483648, 1)", "NULL")],
        |c| function(c, Op::Subtract, Mode::Try),
    ),
    row(
        "try_multiply",
        Group::Math,
        "try_multiply(expr1, expr2) - As `*`, and null where the result does not fit.",
        &[("SELECT try_multiply(2, 3)", "6"), ("SELECT try_multiply(-2147483648, 10)", "NULL")],
        |c| function(c, Op::Multiply, Mode::Try),
    ),
    row(
        "try_divide",
        Group::Math,
        "try_divide(dividend, divisor) - As `/`, and null where the divisor is zero.",
        &[("SELECT try_divide(3, 2)", "1.5"), ("SELECT try_divide(1, 0)", "NULL"), ("SELECT try_divide(interval 2 month, 2)", "0-1")],
        |c| function(c, Op::Divide, Mode::Try),
    ),
    row(
        "try_mod",
        Group::Math,
        "try_mod(dividend, divisor) - As `%`, and null where the divisor is zero.",
        &[("SELECT try_mod(3, 2)", "1"), ("SELECT try_mod(1, 0)", "NULL")],
        |c| function(c, Op::Remainder, Mode::Try),
    ),
];
