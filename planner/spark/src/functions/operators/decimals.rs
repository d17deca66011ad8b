//! Arithmetic on decimals with Spark's digits: results that need more than 38 digits lose places after the point, half up, and a result
//! that does not fit even then is an error or null.

use arrow::array::ArrayRef;
use arrow::datatypes::{Decimal128Type, Int64Type, i256};
use datafusion::common::ScalarValue;

use super::Mode;
use super::lanes::{Lane, finish, is_valid, lane, map2, nulls};
use super::op::{Op, by_zero, unforeseen};
use crate::error::error;
use crate::functions::KernelArgs;
use crate::types::SparkType as T;
use crate::{Error, Result};

const MAX: i32 = 38;

/// Places after the point that a result keeps at least.
const KEPT: i32 = 6;

/// Digits in all and digits after the point of a result; `loss` is `spark.sql.decimalOperations.allowPrecisionLoss`.
pub(super) fn result(op: Op, left: (u8, u8), right: (u8, u8), loss: bool) -> (u8, u8) {
    let (p1, s1, p2, s2) = (i32::from(left.0), i32::from(left.1), i32::from(right.0), i32::from(right.1));
    let byte = |n: i32| u8::try_from(n.clamp(0, MAX)).unwrap_or(38);
    if op == Op::IntegralDivide {
        return (byte((p1 - s1 + s2).max(1)), 0);
    }
    if op == Op::Divide && !loss {
        let (mut whole, mut places) = ((p1 - s1 + s2).min(MAX), (s1 + p2 + 1).clamp(KEPT, MAX));
        let over = whole + places - MAX;
        if over > 0 {
            places -= over / 2 + 1;
            whole = MAX - places;
        }
        return (byte(whole + places), byte(places));
    }
    let (digits, places) = exact(op, p1, s1, p2, s2);
    if digits <= MAX || !loss {
        return (byte(digits), byte(places));
    }
    (38, byte((MAX - (digits - places)).max(places.min(KEPT))))
}

/// The digits that hold every result.
fn exact(op: Op, p1: i32, s1: i32, p2: i32, s2: i32) -> (i32, i32) {
    match op {
        Op::Add | Op::Subtract => {
            let places = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + places + 1, places)
        }
        Op::Multiply => (p1 + p2 + 1, s1 + s2),
        Op::Remainder | Op::Pmod => {
            let places = s1.max(s2);
            ((p1 - s1).min(p2 - s2) + places, places)
        }
        Op::Divide | Op::IntegralDivide => {
            let places = (s1 + p2 + 1).max(KEPT);
            (p1 - s1 + s2 + places, places)
        }
    }
}

fn power(places: i32) -> i128 {
    10_i128.pow(u32::try_from(places.clamp(0, MAX)).unwrap_or(0))
}

fn wide_power(places: i32) -> i256 {
    i256::from_i128(10).wrapping_pow(u32::try_from(places.clamp(0, 76)).unwrap_or(0))
}

struct Shape {
    s1: i32,
    s2: i32,
    precision: i32,
    scale: i32,
}

/// `+ - * / % pmod`
pub(super) fn arithmetic(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (op, mode) = (Op::from_constant(args.constants.first()), Mode::from_constant(args.constants.get(1)));
    let ([left, right], [T::Decimal(p1, s1), T::Decimal(p2, s2)], T::Decimal(p, s)) = (args.arrays, args.types, args.out) else {
        return Err(unforeseen(op.symbol(), Some(args.out)));
    };
    let (a, b) = (lane::<Decimal128Type>(left, args.rows), lane::<Decimal128Type>(right, args.rows));
    let shape = Shape { s1: i32::from(*s1), s2: i32::from(*s2), precision: i32::from(*p), scale: i32::from(*s) };
    let (digits, places) = exact(op, i32::from(*p1), shape.s1, i32::from(*p2), shape.s2);
    let fits = digits <= MAX && places == shape.scale;
    let valid = nulls(args);
    if fits && matches!(op, Op::Add | Op::Subtract | Op::Multiply) {
        // Every result has a place: nothing to check.
        let (up1, up2) = (power(shape.scale - shape.s1), power(shape.scale - shape.s2));
        let values = match op {
            Op::Multiply => map2(a, b, args.rows, i128::wrapping_mul),
            Op::Add if up1 == 1 && up2 == 1 => map2(a, b, args.rows, i128::wrapping_add),
            Op::Add => map2(a, b, args.rows, |x, y| x.wrapping_mul(up1).wrapping_add(y.wrapping_mul(up2))),
            _ if up1 == 1 && up2 == 1 => map2(a, b, args.rows, i128::wrapping_sub),
            _ => map2(a, b, args.rows, |x, y| x.wrapping_mul(up1).wrapping_sub(y.wrapping_mul(up2))),
        };
        return finish::<Decimal128Type>(values, valid, args.out);
    }
    let limit = power(shape.precision);
    let limit_of = |v: i128| (v.unsigned_abs() < limit.unsigned_abs()).then_some(v);
    match op {
        Op::Add => checked(args, mode, op, a, b, |x, y| limit_of(sum(&shape, x, y, false)?)),
        Op::Subtract => checked(args, mode, op, a, b, |x, y| limit_of(sum(&shape, x, y, true)?)),
        Op::Multiply => checked(args, mode, op, a, b, |x, y| limit_of(product(&shape, x, y)?)),
        Op::Divide => checked(args, mode, op, a, b, |x, y| limit_of(fraction(&shape, x, y)?)),
        _ => checked(args, mode, op, a, b, |x, y| limit_of(remainder(&shape, x, y, op == Op::Pmod)?)),
    }
}

/// Each pair by itself; `one` gives nothing where the result does not fit.
fn checked(
    args: &KernelArgs<'_>,
    mode: Mode,
    op: Op,
    a: Lane<'_, i128>,
    b: Lane<'_, i128>,
    one: impl Fn(i128, i128) -> Option<i128>,
) -> Result<ArrayRef> {
    let valid = nulls(args);
    let mut values = vec![0_i128; args.rows];
    let mut lost = Vec::new();
    for (row, value) in values.iter_mut().enumerate() {
        if !is_valid(valid.as_ref(), row) {
            continue;
        }
        let (x, y) = (a.at(row), b.at(row));
        if op.divides() && y == 0 {
            if mode == Mode::Ansi {
                return Err(by_zero(op));
            }
            lost.push(row);
            continue;
        }
        match one(x, y) {
            Some(made) => *value = made,
            None if mode == Mode::Ansi => return Err(too_large(op, args.out)),
            None => lost.push(row),
        }
    }
    finish::<Decimal128Type>(values, without(valid, &lost, args.rows), args.out)
}

fn without(valid: Option<arrow::buffer::NullBuffer>, lost: &[usize], rows: usize) -> Option<arrow::buffer::NullBuffer> {
    if lost.is_empty() {
        return valid;
    }
    let mut bits = arrow::buffer::MutableBuffer::new_null(rows);
    let bytes = bits.as_slice_mut();
    for row in 0..rows {
        if is_valid(valid.as_ref(), row) {
            arrow::util::bit_util::set_bit(bytes, row);
        }
    }
    for row in lost {
        arrow::util::bit_util::unset_bit(bytes, *row);
    }
    Some(arrow::buffer::NullBuffer::new(arrow::buffer::BooleanBuffer::new(bits.into(), 0, rows)))
}

fn too_large(op: Op, out: &T) -> Error {
    error(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        format!(
            "the result of `{}` does not fit into {}; cast an operand to fewer digits or to double, or use `{}`",
            op.symbol(),
            out.sql(),
            op.try_name()
        ),
    )
}

fn sum(shape: &Shape, x: i128, y: i128, minus: bool) -> Option<i128> {
    let places = shape.s1.max(shape.s2);
    let y = if minus { -y } else { y };
    let narrow = || x.checked_mul(power(places - shape.s1))?.checked_add(y.checked_mul(power(places - shape.s2))?);
    match narrow() {
        Some(sum) => Some(rounded(sum, power(places - shape.scale))),
        None => {
            let x = i256::from_i128(x).checked_mul(wide_power(places - shape.s1))?;
            let y = i256::from_i128(y).checked_mul(wide_power(places - shape.s2))?;
            wide_rounded(x.checked_add(y)?, wide_power(places - shape.scale)).to_i128()
        }
    }
}

fn product(shape: &Shape, x: i128, y: i128) -> Option<i128> {
    let down = shape.s1 + shape.s2 - shape.scale;
    match x.checked_mul(y) {
        Some(product) if down <= MAX => Some(rounded(product, power(down))),
        _ => wide_rounded(i256::from_i128(x).checked_mul(i256::from_i128(y))?, wide_power(down)).to_i128(),
    }
}

fn fraction(shape: &Shape, x: i128, y: i128) -> Option<i128> {
    let up = shape.scale - shape.s1 + shape.s2;
    if up < 0 {
        return wide_rounded(i256::from_i128(x), i256::from_i128(y).checked_mul(wide_power(-up))?).to_i128();
    }
    if up <= MAX
        && let Some(raised) = x.checked_mul(power(up))
    {
        return Some(rounded(raised, y));
    }
    // Where even 256 bits are too few the quotient has more than 38 digits.
    wide_rounded(i256::from_i128(x).checked_mul(wide_power(up))?, i256::from_i128(y)).to_i128()
}

fn remainder(shape: &Shape, x: i128, y: i128, positive: bool) -> Option<i128> {
    let places = shape.s1.max(shape.s2);
    let (x, y) = match (x.checked_mul(power(places - shape.s1)), y.checked_mul(power(places - shape.s2))) {
        (Some(x), Some(y)) => {
            let rest = x.checked_rem(y)?;
            let rest = if positive && rest < 0 { rest.checked_add(y)?.checked_rem(y)? } else { rest };
            return Some(rounded(rest, power(places - shape.scale)));
        }
        _ => {
            (i256::from_i128(x).checked_mul(wide_power(places - shape.s1))?, i256::from_i128(y).checked_mul(wide_power(places - shape.s2))?)
        }
    };
    let rest = x.checked_rem(y)?;
    let rest = if positive && rest < i256::ZERO { rest.checked_add(y)?.checked_rem(y)? } else { rest };
    wide_rounded(rest, wide_power(places - shape.scale)).to_i128()
}

/// `div`: a bigint. As in Spark, a quotient that the decimal type holds and a bigint does not keeps its low 64 bits.
pub(super) fn quotient(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let mode = Mode::from_constant(args.constants.get(1));
    let precision = match args.constants.get(2) {
        Some(ScalarValue::UInt8(Some(p))) => i32::from(*p),
        _ => MAX,
    };
    let ([left, right], [T::Decimal(_, s1), T::Decimal(_, s2)]) = (args.arrays, args.types) else {
        return Err(unforeseen("div", args.types.first()));
    };
    let (a, b) = (lane::<Decimal128Type>(left, args.rows), lane::<Decimal128Type>(right, args.rows));
    let (s1, s2) = (i32::from(*s1), i32::from(*s2));
    let places = s1.max(s2);
    let (up1, up2) = (wide_power(places - s1), wide_power(places - s2));
    let limit = power(precision).unsigned_abs();
    let one = |x: i128, y: i128| -> Option<i128> {
        let narrow = || x.checked_mul(power(places - s1))?.checked_div(y.checked_mul(power(places - s2))?);
        let quotient = match narrow() {
            Some(quotient) => quotient,
            None => i256::from_i128(x).checked_mul(up1)?.checked_div(i256::from_i128(y).checked_mul(up2)?)?.to_i128()?,
        };
        (quotient.unsigned_abs() < limit).then_some(quotient)
    };
    let valid = nulls(args);
    let mut values = vec![0_i64; args.rows];
    let mut lost = Vec::new();
    for (row, value) in values.iter_mut().enumerate() {
        if !is_valid(valid.as_ref(), row) {
            continue;
        }
        match (b.at(row), one(a.at(row), b.at(row))) {
            (0, _) if mode == Mode::Ansi => return Err(by_zero(Op::IntegralDivide)),
            (0, _) => lost.push(row),
            #[allow(clippy::cast_possible_truncation)]
            (_, Some(quotient)) => *value = quotient as i64,
            _ if mode == Mode::Ansi => return Err(too_large(Op::IntegralDivide, &T::Decimal(u8::try_from(precision).unwrap_or(38), 0))),
            _ => lost.push(row),
        }
    }
    finish::<Int64Type>(values, without(valid, &lost, args.rows), args.out)
}

/// `value / unit`, half away from zero.
#[inline]
pub(super) fn rounded(value: i128, unit: i128) -> i128 {
    if unit == 1 {
        return value;
    }
    let (quotient, rest) = (value.wrapping_div(unit), value.wrapping_rem(unit));
    // Twice the rest may not fit; the rest's distance to the unit does.
    let (rest, size) = (rest.unsigned_abs(), unit.unsigned_abs());
    if rest < size - rest {
        return quotient;
    }
    quotient + if (value < 0) == (unit < 0) { 1 } else { -1 }
}

fn wide_rounded(value: i256, unit: i256) -> i256 {
    let (quotient, rest) = (value.wrapping_div(unit), value.wrapping_rem(unit));
    let (rest, size) = (rest.wrapping_abs(), unit.wrapping_abs());
    if rest < size.wrapping_sub(rest) {
        return quotient;
    }
    quotient.wrapping_add(if (value < i256::ZERO) == (unit < i256::ZERO) { i256::ONE } else { i256::MINUS_ONE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_results() {
        for (op, left, right, loss, expected) in [
            (Op::Add, (2, 1), (2, 1), true, (3, 1)),
            (Op::Multiply, (10, 2), (10, 2), true, (21, 4)),
            (Op::Divide, (2, 1), (2, 1), true, (8, 6)),
            (Op::Divide, (38, 18), (38, 18), true, (38, 6)),
            (Op::Divide, (38, 18), (38, 18), false, (38, 18)),
            (Op::Multiply, (38, 10), (38, 10), true, (38, 6)),
            (Op::Multiply, (38, 10), (38, 10), false, (38, 20)),
            (Op::Add, (38, 0), (38, 0), true, (38, 0)),
            (Op::Add, (38, 10), (38, 2), true, (38, 6)),
            (Op::Remainder, (1, 0), (2, 1), true, (2, 1)),
            (Op::IntegralDivide, (4, 2), (4, 2), true, (4, 0)),
        ] {
            assert_eq!(result(op, left, right, loss), expected, "{op:?} {left:?} {right:?}");
        }
    }

    #[test]
    fn values() {
        let nines = 10_i128.pow(38) - 1;
        let shape = |s1, s2, scale| Shape { s1, s2, precision: 38, scale };
        assert_eq!(fraction(&shape(1, 1, 6), 20, 30), Some(666_667));
        assert_eq!(fraction(&shape(1, 1, 6), -20, 30), Some(-666_667));
        assert_eq!(sum(&shape(0, 0, 0), nines, 1, true), Some(nines - 1));
        assert_eq!(product(&shape(10, 10, 6), 15, 10_i128.pow(10)), Some(0));
        assert_eq!(remainder(&shape(1, 0, 1), -75, 5, true), Some(25));
        assert_eq!(rounded(5, 10), 1);
        assert_eq!(rounded(-5, 10), -1);
        assert_eq!(rounded(4, 10), 0);
    }
}
