//! Sums of calendar intervals, and intervals times and by numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{
    Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalYearMonthType, i256,
};

use super::Mode;
use super::lanes::{finish, is_valid, nulls, row_of};
use super::op::{Op, unforeseen};
use crate::error::error;
use crate::functions::KernelArgs;
use crate::types::SparkType as T;
use crate::{Error, Result};

const DAY: f64 = 86_400_000_000.0;

fn too_long(op: Op) -> Error {
    error(
        "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
        format!("the result of `{}` is too long for an interval; `{}` gives null instead", op.symbol(), op.try_name()),
    )
}

fn by_zero() -> Error {
    error("INTERVAL_DIVIDED_BY_ZERO", "an interval was divided by zero; `try_divide` gives null instead")
}

/// Whether it is an error, or gives null.
fn refused<V>(mode: Mode, value: Result<V>) -> Result<Option<V>> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(_) if mode == Mode::Try => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// `+` and `-` of calendar intervals.
pub(super) fn calendar_sum(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (op, mode) = (Op::from_constant(args.constants.first()), Mode::from_constant(args.constants.get(1)));
    let [left, right] = args.arrays else { return Err(unforeseen(op.symbol(), None)) };
    let (a, b) = (left.as_primitive::<IntervalMonthDayNanoType>(), right.as_primitive::<IntervalMonthDayNanoType>());
    let valid = nulls(args);
    let mut made = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if !is_valid(valid.as_ref(), row) {
            made.push(None);
            continue;
        }
        let (x, y) = (a.value(row_of(left, row)), b.value(row_of(right, row)));
        let exact = || {
            let (months, days, nanos) = if op == Op::Add {
                (x.months.checked_add(y.months)?, x.days.checked_add(y.days)?, x.nanoseconds.checked_add(y.nanoseconds)?)
            } else {
                (x.months.checked_sub(y.months)?, x.days.checked_sub(y.days)?, x.nanoseconds.checked_sub(y.nanoseconds)?)
            };
            Some(IntervalMonthDayNano::new(months, days, nanos))
        };
        let wrapped = || {
            if op == Op::Add {
                (x.months.wrapping_add(y.months), x.days.wrapping_add(y.days), x.nanoseconds.wrapping_add(y.nanoseconds))
            } else {
                (x.months.wrapping_sub(y.months), x.days.wrapping_sub(y.days), x.nanoseconds.wrapping_sub(y.nanoseconds))
            }
        };
        made.push(match (exact(), mode) {
            (Some(sum), _) => Some(sum),
            (None, Mode::Try) => None,
            (None, Mode::Legacy) => {
                let (months, days, nanos) = wrapped();
                Some(IntervalMonthDayNano::new(months, days, nanos))
            }
            (None, Mode::Ansi) => {
                return Err(error("ARITHMETIC_OVERFLOW", format!("the result of `{}` is too long for an interval", op.symbol())));
            }
        });
    }
    Ok(Arc::new(PrimitiveArray::<IntervalMonthDayNanoType>::from(made)))
}

/// A calendar interval times or by a double.
pub(super) fn calendar_scaled(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (op, mode) = (Op::from_constant(args.constants.first()), Mode::from_constant(args.constants.get(1)));
    let [left, right] = args.arrays else { return Err(unforeseen(op.symbol(), None)) };
    let (a, b) = (left.as_primitive::<IntervalMonthDayNanoType>(), right.as_primitive::<Float64Type>());
    let valid = nulls(args);
    let mut made = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if !is_valid(valid.as_ref(), row) {
            made.push(None);
            continue;
        }
        let (interval, number) = (a.value(row_of(left, row)), b.value(row_of(right, row)));
        if op == Op::Divide && number == 0.0 {
            if mode == Mode::Ansi {
                return Err(by_zero());
            }
            made.push(None);
            continue;
        }
        let scaled = |part: f64| if op == Op::Divide { part / number } else { number * part };
        #[allow(clippy::cast_precision_loss)]
        let micros = scaled((interval.nanoseconds / 1000) as f64);
        let one = calendar_of(scaled(f64::from(interval.months)), scaled(f64::from(interval.days)), micros, mode != Mode::Legacy);
        made.push(refused(mode, one)?);
    }
    Ok(Arc::new(PrimitiveArray::<IntervalMonthDayNanoType>::from(made)))
}

/// An interval of these parts: a day's fraction becomes microseconds, a month's is lost.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn calendar_of(months: f64, days: f64, micros: f64, exact: bool) -> Result<IntervalMonthDayNano> {
    let over = || error("ARITHMETIC_OVERFLOW", "the result is too long for an interval");
    let whole = |part: f64| if exact { i32::try_from(part as i64).map_err(|_| over()) } else { Ok(part as i32) };
    let (whole_months, whole_days) = (whole(months)?, whole(days)?);
    let micros = micros + DAY * (days - f64::from(whole_days));
    // As Java rounds: half up.
    let micros = (micros + 0.5).floor() as i64;
    let nanos = if exact { micros.checked_mul(1000).ok_or_else(over)? } else { micros.saturating_mul(1000) };
    Ok(IntervalMonthDayNano::new(whole_months, whole_days, nanos))
}

/// A number beside an interval.
#[derive(Clone, Copy)]
enum Number {
    Whole(i64),
    Fraction(f64),
    Decimal(i128, i32),
}

fn number(array: &ArrayRef, t: Option<&T>, row: usize) -> Number {
    let at = row_of(array, row);
    match t {
        Some(T::Byte) => Number::Whole(array.as_primitive::<Int8Type>().value(at).into()),
        Some(T::Short) => Number::Whole(array.as_primitive::<Int16Type>().value(at).into()),
        Some(T::Integer) => Number::Whole(array.as_primitive::<Int32Type>().value(at).into()),
        Some(T::Float) => Number::Fraction(array.as_primitive::<Float32Type>().value(at).into()),
        Some(T::Double) => Number::Fraction(array.as_primitive::<Float64Type>().value(at)),
        Some(T::Decimal(_, scale)) => Number::Decimal(array.as_primitive::<Decimal128Type>().value(at), i32::from(*scale)),
        _ => Number::Whole(array.as_primitive::<Int64Type>().value(at)),
    }
}

/// An ANSI interval times or by a number.
pub(super) fn scaled(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (op, mode) = (Op::from_constant(args.constants.first()), Mode::from_constant(args.constants.get(1)));
    let [left, right] = args.arrays else { return Err(unforeseen(op.symbol(), None)) };
    let months = matches!(args.types.first(), Some(T::YearMonthInterval(..)));
    let (least, most) = if months { (i64::from(i32::MIN), i64::from(i32::MAX)) } else { (i64::MIN, i64::MAX) };
    let valid = nulls(args);
    let mut values: Vec<Option<i64>> = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if !is_valid(valid.as_ref(), row) {
            values.push(None);
            continue;
        }
        let at = row_of(left, row);
        let interval = if months {
            i64::from(left.as_primitive::<IntervalYearMonthType>().value(at))
        } else {
            left.as_primitive::<DurationMicrosecondType>().value(at)
        };
        let one = scale_one(op, interval, number(right, args.types.get(1), row))
            .and_then(|made| if (least..=most).contains(&made) { Ok(made) } else { Err(too_long(op)) });
        values.push(refused(mode, one)?);
    }
    if months {
        let valid = values.iter().map(Option::is_some).collect::<Vec<bool>>();
        let values = values.into_iter().map(|v| v.and_then(|v| i32::try_from(v).ok()).unwrap_or_default()).collect();
        return finish::<IntervalYearMonthType>(values, Some(valid.into()), args.out);
    }
    let array: PrimitiveArray<DurationMicrosecondType> = values.into();
    Ok(Arc::new(array))
}

fn scale_one(op: Op, interval: i64, number: Number) -> Result<i64> {
    let over = || too_long(op);
    let rounded = |value: f64| {
        let away = value.abs();
        let whole = away.trunc();
        let up = if away - whole >= 0.5 { whole + 1.0 } else { whole };
        #[allow(clippy::cast_possible_truncation)]
        if up.is_finite() && up < 9_223_372_036_854_775_808.0 { Ok(up.copysign(value) as i64) } else { Err(over()) }
    };
    let narrow = |value: i256| value.to_i128().and_then(|v| i64::try_from(v).ok()).ok_or_else(over);
    #[allow(clippy::cast_precision_loss)]
    match (op, number) {
        (Op::Divide, Number::Whole(0) | Number::Decimal(0, _)) => Err(by_zero()),
        (Op::Divide, Number::Fraction(0.0)) => Err(by_zero()),
        (Op::Divide, Number::Whole(by)) => {
            i64::try_from(super::decimals::rounded(i128::from(interval), i128::from(by))).map_err(|_| over())
        }
        (Op::Divide, Number::Fraction(by)) => rounded(interval as f64 / by),
        (Op::Divide, Number::Decimal(by, scale)) => {
            let up = i256::from_i128(10).wrapping_pow(u32::try_from(scale).unwrap_or(0));
            narrow(half_up(i256::from_i128(i128::from(interval)).wrapping_mul(up), i256::from_i128(by)))
        }
        (_, Number::Whole(times)) => interval.checked_mul(times).ok_or_else(over),
        (_, Number::Fraction(times)) => rounded(interval as f64 * times),
        (_, Number::Decimal(times, scale)) => {
            let down = i256::from_i128(10).wrapping_pow(u32::try_from(scale).unwrap_or(0));
            narrow(half_up(i256::from_i128(i128::from(interval)).wrapping_mul(i256::from_i128(times)), down))
        }
    }
}

/// `value / unit`, half away from zero; `unit` is not zero.
fn half_up(value: i256, unit: i256) -> i256 {
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
    fn scaling() {
        for (op, interval, by, expected) in [
            (Op::Multiply, 3, Number::Whole(4), Some(12)),
            (Op::Multiply, 3, Number::Fraction(1.5), Some(5)),
            (Op::Multiply, -3, Number::Fraction(1.5), Some(-5)),
            (Op::Multiply, i64::MAX, Number::Whole(2), None),
            (Op::Multiply, 10, Number::Decimal(15, 1), Some(15)),
            (Op::Divide, 5, Number::Whole(2), Some(3)),
            (Op::Divide, -5, Number::Whole(2), Some(-3)),
            (Op::Divide, 5, Number::Whole(0), None),
            (Op::Divide, 5, Number::Decimal(20, 1), Some(3)),
            (Op::Divide, i64::MIN, Number::Whole(-1), None),
            (Op::Divide, 5, Number::Fraction(0.0), None),
        ] {
            assert_eq!(scale_one(op, interval, by).ok(), expected, "{op:?} {interval}");
        }
    }
}
