//! `round`, `bround`, `ceil` and `floor`: numbers with fewer places.
//!
//! Doubles are rounded by their shortest decimal digits, as Java's `BigDecimal` reads them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::ScalarValue;

use super::{row, titled};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, ScalarKernel, Want, constant};
use crate::types::SparkType::{self, Decimal, Double, Float, Integer, Long};
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "round",
        "round(expr[, places]) - `expr` with so many places after the point, halves away from zero. Negative places round before the point.",
        &[("SELECT round(2.5, 0)", "3"), ("SELECT round(25, -1)", "30")],
        |call| round(call, kernels::<HALF_UP>()),
    ),
    row(
        "bround",
        "bround(expr[, places]) - `expr` with so many places after the point, halves to the even digit.",
        &[("SELECT bround(2.5, 0)", "2"), ("SELECT bround(25, -1)", "20")],
        |call| round(call, kernels::<HALF_EVEN>()),
    ),
    row("ceil", CEIL, &[("SELECT ceil(-0.1)", "0"), ("SELECT ceil(5)", "5"), ("SELECT ceil(3.1411, 3)", "3.142")], |call| {
        ceil(call, "CEIL", "ceil")
    }),
    row("ceiling", CEIL, &[("SELECT ceiling(-0.1)", "0"), ("SELECT ceiling(3.1411, -3)", "1000")], |call| ceil(call, "ceiling", "ceiling")),
    row(
        "floor",
        "floor(expr[, places]) - The greatest whole number, or number with so many places, that is not above `expr`.",
        &[("SELECT floor(-0.1)", "-1"), ("SELECT floor(5)", "5"), ("SELECT floor(3.1411, 3)", "3.141"), ("SELECT floor(3.1411, -3)", "0")],
        |call| {
            call.arity(1..=2)?;
            if call.len() == 2 {
                return places(call, "floor", kernels::<FLOOR>());
            }
            whole(call, "FLOOR", |args| whole_kernel(args, FLOOR, f64::floor))
        },
    ),
];

const CEIL: &str = "ceil(expr[, places]) - The least whole number, or number with so many places, that is not below `expr`.";

const HALF_UP: u8 = 0;
const HALF_EVEN: u8 = 1;
const CEILING: u8 = 2;
const FLOOR: u8 = 3;

fn kernels<const MODE: u8>() -> ScalarKernel {
    round_kernel::<MODE>
}

fn ceil(call: &mut Call<'_>, title: &str, with_places: &str) -> Result<Typed> {
    call.arity(1..=2)?;
    if call.len() == 2 {
        return places(call, with_places, kernels::<CEILING>());
    }
    whole(call, title, |args| whole_kernel(args, CEILING, f64::ceil))
}

/// `ceil` and `floor` to a whole number.
fn whole(call: &mut Call<'_>, title: &str, kernel: ScalarKernel) -> Result<Typed> {
    let value = call.arg(0)?;
    let x = if value.data_type.is_integral() {
        call.cast(value, &Long)?
    } else {
        call.want(0, &Want::OneOf(vec![Want::Type(Double), Want::AnyDecimal, Want::Type(Long)]))?
    };
    let out = match &x.data_type {
        Decimal(p, 0) => Decimal(*p, 0),
        Decimal(p, s) => Decimal((p - s.min(p) + 1).min(38), 0),
        _ => Long,
    };
    let nullable = x.nullable;
    titled(call, title, call.scalar(kernel, vec![x], out, nullable))
}

fn whole_kernel(args: &KernelArgs<'_>, mode: u8, of_double: fn(f64) -> f64) -> Result<ArrayRef> {
    let array = &args.arrays[0];
    match &args.types[0] {
        Double => {
            // Java's cast of a double to a long saturates, and so does this one.
            let values: Int64Array = array.as_primitive::<Float64Type>().iter().map(|x| x.map(|x| of_double(x) as i64)).collect();
            Ok(Arc::new(values))
        }
        Decimal(_, scale) => {
            let digits = if let Decimal(digits, _) = args.out { *digits } else { 38 };
            let values: PrimitiveArray<Decimal128Type> =
                array.as_primitive::<Decimal128Type>().iter().map(|x| x.map(|x| shortened(x, u32::from(*scale), mode))).collect();
            Ok(Arc::new(values.with_precision_and_scale(digits, 0)?))
        }
        _ => Ok(Arc::clone(array)),
    }
}

/// `ceil` and `floor` to a number of places: over decimals.
fn places(call: &mut Call<'_>, title: &str, kernel: ScalarKernel) -> Result<Typed> {
    let scale = call.arg(1)?;
    let value = if scale.data_type == Integer { constant(&scale)? } else { None };
    let Some(ScalarValue::Int32(Some(scale))) = value else {
        let message = format!("the places of `{}` are a constant INT, and \"{}\" is none", call.name, scale.sql);
        return Err(call.refuse("NON_FOLDABLE_ARGUMENT", message));
    };
    let x = call.want(0, &Want::AnyDecimal)?;
    titled(call, title, rounded_to(call, x, scale, kernel))
}

fn round(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=2)?;
    let x = call.want(0, &Want::Numeric)?;
    if call.len() == 1 {
        let shown = Sql::call(call.name, [&x.sql, &Sql::from("0")]);
        return Ok(rounded_to(call, x, 0, kernel).shown(shown));
    }
    let scale = call.constant(1, &Integer)?;
    let ScalarValue::Int32(Some(scale)) = scale else {
        let out = result_type(&x.data_type, 0);
        let null = ScalarValue::try_from(&crate::types::to_arrow(&out))?;
        return Ok(Typed::literal(null, out, call.sql()));
    };
    Ok(rounded_to(call, x, scale, kernel))
}

fn rounded_to(call: &Call<'_>, x: Typed, scale: i32, kernel: ScalarKernel) -> Typed {
    let out = result_type(&x.data_type, scale);
    call.scalar_with(kernel, vec![x], vec![ScalarValue::Int32(Some(scale))], out, true)
}

fn result_type(of: &SparkType, scale: i32) -> SparkType {
    let Decimal(p, s) = of else { return of.clone() };
    let least = i64::from(*p) - i64::from(*s) + 1;
    let digits = |n: i64| u8::try_from(n.clamp(1, 38)).unwrap_or(38);
    if scale < 0 {
        return Decimal(digits(least.max(1 - i64::from(scale))), 0);
    }
    let places = i64::from(*s).min(i64::from(scale));
    Decimal(digits(least + places), digits(places.max(1)).min(u8::try_from(places).unwrap_or(38)))
}

/// `value / 10^digits` as `mode` rounds.
fn shortened(value: i128, digits: u32, mode: u8) -> i128 {
    if digits == 0 {
        return value;
    }
    let Some(unit) = 10_i128.checked_pow(digits) else {
        // Less than half a unit, whatever it is.
        return match mode {
            CEILING if value > 0 => 1,
            FLOOR if value < 0 => -1,
            _ => 0,
        };
    };
    let (quotient, rest) = (value / unit, value % unit);
    let away = match mode {
        CEILING => rest > 0,
        FLOOR => rest < 0,
        _ => {
            let (size, half) = (rest.unsigned_abs(), unit.unsigned_abs() / 2);
            size > half || (size == half && (mode == HALF_UP || quotient % 2 != 0))
        }
    };
    if away { quotient + value.signum() } else { quotient }
}

fn round_kernel<const MODE: u8>(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let scale = match args.constants.first() {
        Some(ScalarValue::Int32(Some(scale))) => *scale,
        _ => 0,
    };
    match (&args.types[0], args.out) {
        (Double, _) => Ok(floats::<Float64Type>(args, |x| round_double(x, scale, MODE))),
        (Float, _) => Ok(floats::<Float32Type>(args, |x| round_double(f64::from(x), scale, MODE) as f32)),
        (Decimal(_, from), Decimal(digits, to)) => decimals(args, MODE, scale, *from, (*digits, *to)),
        (SparkType::Byte, _) => ints::<Int8Type>(args, scale, MODE, |x| (i8::try_from(x).ok(), x as i8)),
        (SparkType::Short, _) => ints::<Int16Type>(args, scale, MODE, |x| (i16::try_from(x).ok(), x as i16)),
        (Integer, _) => ints::<Int32Type>(args, scale, MODE, |x| (i32::try_from(x).ok(), x as i32)),
        (Long, _) => ints::<Int64Type>(args, scale, MODE, |x| (i64::try_from(x).ok(), x as i64)),
        (other, _) => Err(error("INTERNAL_ERROR", format!("rounding {other:?}"))),
    }
}

fn floats<T: ArrowPrimitiveType>(args: &KernelArgs<'_>, f: impl Fn(T::Native) -> T::Native) -> ArrayRef {
    Arc::new(args.arrays[0].as_primitive::<T>().unary::<_, T>(f))
}

/// A whole number in a narrower type, if it fits, and its low bits.
type Narrow<N> = fn(i128) -> (Option<N>, N);

fn ints<T: ArrowPrimitiveType>(args: &KernelArgs<'_>, scale: i32, mode: u8, narrow: Narrow<T::Native>) -> Result<ArrayRef>
where
    T::Native: Into<i128>,
{
    if scale >= 0 {
        return Ok(Arc::clone(&args.arrays[0]));
    }
    let drop = scale.unsigned_abs();
    let made: Result<PrimitiveArray<T>> = args.arrays[0]
        .as_primitive::<T>()
        .iter()
        .map(|x| {
            let Some(x) = x else { return Ok(None) };
            let unit = 10_i128.checked_pow(drop);
            let rounded = unit.map_or(0, |unit| shortened(x.into(), drop, mode).saturating_mul(unit));
            let (exact, wrapped) = narrow(rounded);
            match exact {
                Some(exact) => Ok(Some(exact)),
                None if args.settings.ansi => Err(error(
                    "ARITHMETIC_OVERFLOW",
                    format!("{rounded}, which {} rounds to, does not fit its type; cast the number to a wider one", Into::<i128>::into(x)),
                )),
                None => Ok(Some(wrapped)),
            }
        })
        .collect();
    Ok(Arc::new(made?))
}

fn decimals(args: &KernelArgs<'_>, mode: u8, scale: i32, from: u8, (digits, to): (u8, u8)) -> Result<ArrayRef> {
    let keep = if scale < 0 { scale } else { i32::from(to) };
    let drop = (i32::from(from).saturating_sub(keep)).max(0).unsigned_abs();
    let back = if scale < 0 { scale.unsigned_abs() } else { 0 };
    let limit = 10_u128.checked_pow(u32::from(digits)).unwrap_or(u128::MAX);
    let made: Result<PrimitiveArray<Decimal128Type>> = args.arrays[0]
        .as_primitive::<Decimal128Type>()
        .iter()
        .map(|x| {
            let Some(x) = x else { return Ok(None) };
            let short = shortened(x, drop, mode);
            let long = if short == 0 { Some(0) } else { 10_i128.checked_pow(back).and_then(|unit| short.checked_mul(unit)) };
            match long.filter(|value| value.unsigned_abs() < limit) {
                Some(value) => Ok(Some(value)),
                None if scale >= 0 => Ok(None),
                None => Err(error(
                    "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
                    format!("a number rounded to {scale} places does not fit DECIMAL({digits},{to}); round it less"),
                )),
            }
        })
        .collect();
    Ok(Arc::new(made?.with_precision_and_scale(digits, i8::try_from(to).unwrap_or(0))?))
}

/// A double rounded by its shortest digits.
fn round_double(x: f64, scale: i32, mode: u8) -> f64 {
    if x.is_nan() || x.is_infinite() {
        return x;
    }
    if x == 0.0 {
        return 0.0;
    }
    let text = format!("{x:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return x };
    let (Ok(exponent), negative) = (exponent.parse::<i64>(), mantissa.starts_with('-')) else { return x };
    let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let Ok(value) = digits.parse::<i128>() else { return x };
    let last = exponent - i64::try_from(places).unwrap_or(0);
    let drop = -i64::from(scale) - last;
    let Ok(drop) = u32::try_from(drop) else { return x };
    if drop == 0 {
        return x;
    }
    let short = shortened(if negative { -value } else { value }, drop, mode);
    if short == 0 { 0.0 } else { format!("{short}e{}", -i64::from(scale)).parse().unwrap_or(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        for (x, scale, mode, expected) in [
            (2.5, 0, HALF_UP, 3.0),
            (-2.5, 0, HALF_UP, -3.0),
            (2.5, 0, HALF_EVEN, 2.0),
            (3.5, 0, HALF_EVEN, 4.0),
            (1.005, 2, HALF_UP, 1.01),
            (0.285, 2, HALF_UP, 0.29),
            (2.123_456_789, 3, HALF_UP, 2.123),
            (1234.5, -2, HALF_UP, 1200.0),
            (1.0e300, 2, HALF_UP, 1.0e300),
            (1.0e-300, 2, HALF_UP, 0.0),
            (-0.4, 0, HALF_UP, 0.0),
            (5.0e22, -23, HALF_UP, 1.0e23),
        ] {
            assert_eq!(round_double(x, scale, mode).to_bits(), f64::to_bits(expected), "{x} {scale} {mode}");
        }
    }

    #[test]
    fn types_of_results() {
        for (of, scale, expected) in [
            (Decimal(3, 1), 0, Decimal(3, 0)),
            (Decimal(5, 4), 3, Decimal(5, 3)),
            (Decimal(5, 4), 10, Decimal(6, 4)),
            (Decimal(5, 4), -3, Decimal(4, 0)),
            (Decimal(38, 0), -1, Decimal(38, 0)),
            (Long, -1, Long),
        ] {
            assert_eq!(result_type(&of, scale), expected, "{of:?} {scale}");
        }
    }

    #[test]
    fn shortening() {
        for (value, digits, mode, expected) in [
            (25, 1, HALF_UP, 3),
            (-25, 1, HALF_UP, -3),
            (25, 1, HALF_EVEN, 2),
            (35, 1, HALF_EVEN, 4),
            (21, 1, CEILING, 3),
            (-29, 1, CEILING, -2),
            (-21, 1, FLOOR, -3),
            (1, 60, CEILING, 1),
            (-1, 60, FLOOR, -1),
            (9, 60, HALF_UP, 0),
        ] {
            assert_eq!(shortened(value, digits, mode), expected, "{value} {digits} {mode}");
        }
    }
}
