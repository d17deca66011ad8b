//! Arithmetic on whole numbers, floats and ANSI intervals, over value buffers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{
    Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalYearMonthType,
};

use super::Mode;
use super::lanes::{any2, finish, is_valid, lane, lose, map2, nulls};
use super::op::{Op, by_zero, unforeseen};
use crate::error::error;
use crate::functions::KernelArgs;
use crate::types::SparkType as T;
use crate::{Error, Result};

/// A whole number's arithmetic that does not fail.
trait Whole: Copy + Default + PartialEq + std::fmt::Display {
    fn wrapping(op: Op) -> fn(Self, Self) -> Self;
    fn is_lost(op: Op, a: Self, b: Self) -> bool;
}

macro_rules! whole {
    ($native:ty, $wide:ty) => {
        impl Whole for $native {
            fn wrapping(op: Op) -> fn(Self, Self) -> Self {
                match op {
                    Op::Subtract => |a, b| a.wrapping_sub(b),
                    Op::Multiply => |a, b| a.wrapping_mul(b),
                    Op::Remainder => |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) },
                    Op::Pmod => |a, b| {
                        if b == 0 {
                            return 0;
                        }
                        let rest = a.wrapping_rem(b);
                        // Java adds small numbers as ints, and lets ints and longs wrap.
                        if rest < 0 {
                            <$wide>::from(rest).wrapping_add(<$wide>::from(b)).wrapping_rem(<$wide>::from(b)) as $native
                        } else {
                            rest
                        }
                    },
                    _ => |a, b| a.wrapping_add(b),
                }
            }

            #[inline]
            fn is_lost(op: Op, a: Self, b: Self) -> bool {
                match op {
                    Op::Add => a.overflowing_add(b).1,
                    Op::Subtract => a.overflowing_sub(b).1,
                    Op::Multiply => a.overflowing_mul(b).1,
                    _ => b == 0,
                }
            }
        }
    };
}

whole!(i8, i32);
whole!(i16, i32);
whole!(i32, i32);
whole!(i64, i64);

/// `+ - * / % pmod` of two operands of one type that is no decimal.
pub(super) fn arithmetic(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (op, mode) = (Op::from_constant(args.constants.first()), Mode::from_constant(args.constants.get(1)));
    match args.types.first() {
        Some(T::Byte) => whole::<Int8Type>(args, op, mode),
        Some(T::Short) => whole::<Int16Type>(args, op, mode),
        Some(T::Integer) => whole::<Int32Type>(args, op, mode),
        Some(T::Long) => whole::<Int64Type>(args, op, mode),
        // Intervals do not wrap around in legacy mode either.
        Some(T::YearMonthInterval(..)) => whole::<IntervalYearMonthType>(args, op, if mode == Mode::Try { mode } else { Mode::Ansi }),
        Some(T::DayTimeInterval(..)) => whole::<DurationMicrosecondType>(args, op, if mode == Mode::Try { mode } else { Mode::Ansi }),
        Some(T::Float) => float::<Float32Type>(args, op, mode, |a, b| a / b, |a, b| a % b, pmod32),
        Some(T::Double) => float::<Float64Type>(args, op, mode, |a, b| a / b, |a, b| a % b, pmod64),
        other => Err(unforeseen(op.symbol(), other)),
    }
}

fn whole<P>(args: &KernelArgs<'_>, op: Op, mode: Mode) -> Result<ArrayRef>
where
    P: ArrowPrimitiveType,
    P::Native: Whole,
{
    let [left, right] = args.arrays else { return Err(unforeseen(op.symbol(), None)) };
    let (a, b) = (lane::<P>(left, args.rows), lane::<P>(right, args.rows));
    // Each operator has a loop of its own, so that it is vectorised.
    let values = match op {
        Op::Add => map2(a, b, args.rows, |x, y| P::Native::wrapping(Op::Add)(x, y)),
        Op::Subtract => map2(a, b, args.rows, |x, y| P::Native::wrapping(Op::Subtract)(x, y)),
        Op::Multiply => map2(a, b, args.rows, |x, y| P::Native::wrapping(Op::Multiply)(x, y)),
        Op::Pmod => map2(a, b, args.rows, |x, y| P::Native::wrapping(Op::Pmod)(x, y)),
        _ => map2(a, b, args.rows, |x, y| P::Native::wrapping(Op::Remainder)(x, y)),
    };
    let mut valid = nulls(args);
    let wraps = mode == Mode::Legacy && !op.divides();
    let lost = !wraps
        && match op {
            Op::Add => any2(a, b, |x, y| P::Native::is_lost(Op::Add, x, y)),
            Op::Subtract => any2(a, b, |x, y| P::Native::is_lost(Op::Subtract, x, y)),
            Op::Multiply => any2(a, b, |x, y| P::Native::is_lost(Op::Multiply, x, y)),
            _ => b.any(|y| y == P::Native::default()),
        };
    if lost {
        let is_lost = |row| P::Native::is_lost(op, a.at(row), b.at(row));
        valid =
            lose(valid, args.rows, is_lost, |row| (mode == Mode::Ansi).then(|| overflow(op, args.types.first(), a.at(row), b.at(row))))?;
    }
    finish::<P>(values, valid, args.out)
}

/// The error for a result that does not fit, or that does not exist.
fn overflow(op: Op, t: Option<&T>, a: impl std::fmt::Display, b: impl std::fmt::Display) -> Error {
    if op.divides() {
        return by_zero(op);
    }
    let (symbol, instead) = (op.symbol(), op.try_name());
    match t {
        Some(T::Byte | T::Short) => {
            error("BINARY_ARITHMETIC_OVERFLOW", format!("{a} {symbol} {b} does not fit into its type; `{instead}` gives null instead"))
        }
        Some(T::YearMonthInterval(..) | T::DayTimeInterval(..)) => error(
            "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
            format!("the result of `{symbol}` is too long for an interval; `{instead}` gives null instead"),
        ),
        Some(T::Integer) => error(
            "ARITHMETIC_OVERFLOW",
            format!("integer overflow: {a} {symbol} {b} does not fit into an int; cast an operand to bigint, or use `{instead}` for null"),
        ),
        _ => error("ARITHMETIC_OVERFLOW", format!("long overflow: {a} {symbol} {b} does not fit into a bigint; use `{instead}` for null")),
    }
}

fn pmod32(a: f32, b: f32) -> f32 {
    let rest = a % b;
    if rest < 0.0 { (rest + b) % b } else { rest }
}

fn pmod64(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest < 0.0 { (rest + b) % b } else { rest }
}

fn float<P>(
    args: &KernelArgs<'_>,
    op: Op,
    mode: Mode,
    quotient: impl Fn(P::Native, P::Native) -> P::Native,
    remainder: impl Fn(P::Native, P::Native) -> P::Native,
    pmod: impl Fn(P::Native, P::Native) -> P::Native,
) -> Result<ArrayRef>
where
    P: ArrowPrimitiveType,
    P::Native: Default + PartialEq,
{
    let [left, right] = args.arrays else { return Err(unforeseen(op.symbol(), None)) };
    let (a, b) = (lane::<P>(left, args.rows), lane::<P>(right, args.rows));
    let values = match op {
        Op::Divide => map2(a, b, args.rows, quotient),
        Op::Pmod => map2(a, b, args.rows, pmod),
        _ => map2(a, b, args.rows, remainder),
    };
    let zero = P::Native::default();
    let mut valid = nulls(args);
    if b.any(|y| y == zero) {
        valid = lose(valid, args.rows, |row| b.at(row) == zero, |_| (mode == Mode::Ansi).then(|| by_zero(op)))?;
    }
    finish::<P>(values, valid, args.out)
}

/// `div` of bigints or of intervals of one kind.
pub(super) fn quotient(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let mode = Mode::from_constant(args.constants.get(1));
    let [left, right] = args.arrays else { return Err(unforeseen("div", None)) };
    let mut valid = nulls(args);
    let refuse = |_| (mode == Mode::Ansi).then(|| by_zero(Op::IntegralDivide));
    match args.types.first() {
        Some(T::YearMonthInterval(..)) => {
            let (a, b) = (lane::<IntervalYearMonthType>(left, args.rows), lane::<IntervalYearMonthType>(right, args.rows));
            let values = map2(a, b, args.rows, |x, y| i64::from(if y == 0 { 0 } else { x.wrapping_div(y) }));
            if b.any(|y| y == 0) {
                valid = lose(valid, args.rows, |row| b.at(row) == 0, refuse)?;
            }
            finish::<Int64Type>(values, valid, args.out)
        }
        Some(T::DayTimeInterval(..)) => {
            let (a, b) = (lane::<DurationMicrosecondType>(left, args.rows), lane::<DurationMicrosecondType>(right, args.rows));
            let values = map2(a, b, args.rows, |x, y| if y == 0 { 0 } else { x.wrapping_div(y) });
            if b.any(|y| y == 0) {
                valid = lose(valid, args.rows, |row| b.at(row) == 0, refuse)?;
            }
            finish::<Int64Type>(values, valid, args.out)
        }
        _ => {
            let (a, b) = (lane::<Int64Type>(left, args.rows), lane::<Int64Type>(right, args.rows));
            let values = map2(a, b, args.rows, |x, y| if y == 0 { 0 } else { x.wrapping_div(y) });
            if b.any(|y| y == 0 || y == -1) {
                let least = |row| mode == Mode::Ansi && a.at(row) == i64::MIN && b.at(row) == -1;
                valid = lose(
                    valid,
                    args.rows,
                    |row| b.at(row) == 0 || least(row),
                    |row| {
                        let over = || error("ARITHMETIC_OVERFLOW", "overflow in `div`: the least bigint has no opposite; use `try_divide`");
                        (mode == Mode::Ansi).then(|| if least(row) { over() } else { by_zero(Op::IntegralDivide) })
                    },
                )?;
            }
            finish::<Int64Type>(values, valid, args.out)
        }
    }
}

/// `-a` of anything but floats.
pub(super) fn negative(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let ansi = Mode::from_constant(args.constants.first()) != Mode::Legacy;
    let [array] = args.arrays else { return Err(unforeseen("-", None)) };
    let whole = |what: &'static str| error("ARITHMETIC_OVERFLOW", format!("{what} overflow: the least one has no opposite; cast it"));
    let interval = || error("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the least interval has no opposite");
    match args.out {
        T::Byte => opposite::<Int8Type>(args, array, i8::MIN, i8::wrapping_neg, ansi, || whole("byte")),
        T::Short => opposite::<Int16Type>(args, array, i16::MIN, i16::wrapping_neg, ansi, || whole("short")),
        T::Integer => opposite::<Int32Type>(args, array, i32::MIN, i32::wrapping_neg, ansi, || whole("integer")),
        T::Long => opposite::<Int64Type>(args, array, i64::MIN, i64::wrapping_neg, ansi, || whole("long")),
        T::YearMonthInterval(..) => opposite::<IntervalYearMonthType>(args, array, i32::MIN, i32::wrapping_neg, true, interval),
        T::DayTimeInterval(..) => opposite::<DurationMicrosecondType>(args, array, i64::MIN, i64::wrapping_neg, true, interval),
        T::Decimal(..) => opposite::<Decimal128Type>(args, array, i128::MIN, i128::wrapping_neg, false, interval),
        T::CalendarInterval => {
            let negated = array.as_primitive::<IntervalMonthDayNanoType>().try_unary::<_, IntervalMonthDayNanoType, Error>(|i| {
                if ansi && (i.months == i32::MIN || i.days == i32::MIN || i.nanoseconds == i64::MIN) {
                    return Err(error("ARITHMETIC_OVERFLOW", "the least interval has no opposite"));
                }
                Ok(IntervalMonthDayNano::new(i.months.wrapping_neg(), i.days.wrapping_neg(), i.nanoseconds.wrapping_neg()))
            })?;
            whole_length(Arc::new(negated), args.rows)
        }
        other => Err(unforeseen("-", Some(other))),
    }
}

/// One value for all rows, said as often as there are rows.
pub(super) fn whole_length(array: ArrayRef, rows: usize) -> Result<ArrayRef> {
    if array.len() == rows {
        return Ok(array);
    }
    Ok(arrow::compute::take(&array, &arrow::array::UInt32Array::from(vec![0; rows]), None)?)
}

fn opposite<P: ArrowPrimitiveType>(
    args: &KernelArgs<'_>,
    array: &ArrayRef,
    least: P::Native,
    negate: impl Fn(P::Native) -> P::Native,
    checked: bool,
    refuse: impl Fn() -> Error,
) -> Result<ArrayRef> {
    let values = array.as_primitive::<P>();
    if checked && values.values().iter().fold(false, |found, v| found | (*v == least)) {
        let nulls = values.nulls();
        if values.values().iter().enumerate().any(|(row, v)| *v == least && is_valid(nulls, row)) {
            return Err(refuse());
        }
    }
    let made = values.values().iter().map(|v| negate(*v)).collect();
    whole_length(finish::<P>(made, values.nulls().cloned(), args.out)?, args.rows)
}
