//! Numbers and bits. One function per row of Spark's table, with its usage.

use super::call;
use crate::column::{Column, Operand};

/// A number or an interval without its sign.
pub fn abs(expr: impl Into<Column>) -> Column {
    call("abs", [expr.into()])
}

/// The arc cosine of `expr`, in radians; NaN outside of [-1, 1].
pub fn acos(expr: impl Into<Column>) -> Column {
    call("acos", [expr.into()])
}

/// The inverse hyperbolic cosine of `expr`; NaN below 1.
pub fn acosh(expr: impl Into<Column>) -> Column {
    call("acosh", [expr.into()])
}

/// The arc sine of `expr`, in radians; NaN outside of [-1, 1].
pub fn asin(expr: impl Into<Column>) -> Column {
    call("asin", [expr.into()])
}

/// The inverse hyperbolic sine of `expr`.
pub fn asinh(expr: impl Into<Column>) -> Column {
    call("asinh", [expr.into()])
}

/// The arc tangent of `expr`, in radians.
pub fn atan(expr: impl Into<Column>) -> Column {
    call("atan", [expr.into()])
}

/// The angle between the x axis and the point (x, y), in radians.
pub fn atan2(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("atan2", [y.into(), x.into()])
}

/// The inverse hyperbolic tangent of `expr`.
pub fn atanh(expr: impl Into<Column>) -> Column {
    call("atanh", [expr.into()])
}

/// How many bits are set in the number as a bigint.
pub fn bit_count(expr: impl Into<Column>) -> Column {
    call("bit_count", [expr.into()])
}

/// The bit at a position, counted from the right and from 0.
pub fn bit_get(expr: impl Into<Column>, pos: impl Operand) -> Column {
    call("bit_get", [expr.into(), pos.into_operand()])
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

/// `expr` with so many places after the point, halves to the even digit.
pub fn bround(expr: impl Into<Column>) -> Column {
    call("bround", [expr.into()])
}

/// The cube root of `expr`.
pub fn cbrt(expr: impl Into<Column>) -> Column {
    call("cbrt", [expr.into()])
}

/// The least whole number, or number with so many places, that is not below `expr`.
pub fn ceil(expr: impl Into<Column>) -> Column {
    call("ceil", [expr.into()])
}

/// The cosine of an angle in radians.
pub fn cos(expr: impl Into<Column>) -> Column {
    call("cos", [expr.into()])
}

/// The hyperbolic cosine of `expr`.
pub fn cosh(expr: impl Into<Column>) -> Column {
    call("cosh", [expr.into()])
}

/// The cotangent of an angle in radians.
pub fn cot(expr: impl Into<Column>) -> Column {
    call("cot", [expr.into()])
}

/// The cosecant of an angle in radians.
pub fn csc(expr: impl Into<Column>) -> Column {
    call("csc", [expr.into()])
}

/// An angle in radians as degrees.
pub fn degrees(expr: impl Into<Column>) -> Column {
    call("degrees", [expr.into()])
}

/// e to the power of `expr`.
pub fn exp(expr: impl Into<Column>) -> Column {
    call("exp", [expr.into()])
}

/// e to the power of `expr`, less 1, exact near 0.
pub fn expm1(expr: impl Into<Column>) -> Column {
    call("expm1", [expr.into()])
}

/// The product of the whole numbers from 1 to `expr`; null unless `expr` is from 0 to 20.
pub fn factorial(expr: impl Into<Column>) -> Column {
    call("factorial", [expr.into()])
}

/// The greatest whole number, or number with so many places, that is not above `expr`.
pub fn floor(expr: impl Into<Column>) -> Column {
    call("floor", [expr.into()])
}

/// The bit at a position, counted from the right and from 0.
pub fn getbit(expr: impl Into<Column>, pos: impl Operand) -> Column {
    call("getbit", [expr.into(), pos.into_operand()])
}

/// The square root of a² + b².
pub fn hypot(a: impl Into<Column>, b: impl Into<Column>) -> Column {
    call("hypot", [a.into(), b.into()])
}

/// The natural logarithm of `expr`; null where `expr` is not positive.
pub fn ln(expr: impl Into<Column>) -> Column {
    call("ln", [expr.into()])
}

/// The natural logarithm; null where `expr` is not positive.
pub fn log(expr: impl Into<Column>) -> Column {
    call("log", [expr.into()])
}

/// The logarithm of `expr` to the base 10; null where `expr` is not positive.
pub fn log10(expr: impl Into<Column>) -> Column {
    call("log10", [expr.into()])
}

/// The natural logarithm of 1 + `expr`, exact near 0; null where that is not positive.
pub fn log1p(expr: impl Into<Column>) -> Column {
    call("log1p", [expr.into()])
}

/// The logarithm of `expr` to the base 2; null where `expr` is not positive.
pub fn log2(expr: impl Into<Column>) -> Column {
    call("log2", [expr.into()])
}

/// The ratio of a circle's circumference to its diameter.
pub fn pi() -> Column {
    call("pi", [])
}

/// `base` to the power of `exponent`.
pub fn pow(base: impl Into<Column>, exponent: impl Into<Column>) -> Column {
    call("pow", [base.into(), exponent.into()])
}

/// `base` to the power of `exponent`.
pub fn power(base: impl Into<Column>, exponent: impl Into<Column>) -> Column {
    call("power", [base.into(), exponent.into()])
}

/// An angle in degrees as radians.
pub fn radians(expr: impl Into<Column>) -> Column {
    call("radians", [expr.into()])
}

/// Random numbers from 0 to 1, 1 excluded, all equally likely.
pub fn rand() -> Column {
    call("rand", [])
}

/// Random numbers of the standard normal distribution.
pub fn randn() -> Column {
    call("randn", [])
}

/// The whole number nearest to `expr`, as a double; halves go to the even one.
pub fn rint(expr: impl Into<Column>) -> Column {
    call("rint", [expr.into()])
}

/// The secant of an angle in radians.
pub fn sec(expr: impl Into<Column>) -> Column {
    call("sec", [expr.into()])
}

/// The bits moved up.
pub fn shiftleft(base: impl Into<Column>, expr: impl Into<Column>) -> Column {
    call("shiftleft", [base.into(), expr.into()])
}

/// The bits moved down; the sign stays.
pub fn shiftright(base: impl Into<Column>, expr: impl Into<Column>) -> Column {
    call("shiftright", [base.into(), expr.into()])
}

/// The bits moved down; zeros come in.
pub fn shiftrightunsigned(base: impl Into<Column>, expr: impl Into<Column>) -> Column {
    call("shiftrightunsigned", [base.into(), expr.into()])
}

/// -1.0, 0.0 or 1.0 for a negative number or interval, zero, or a positive one.
pub fn signum(expr: impl Into<Column>) -> Column {
    call("signum", [expr.into()])
}

/// The sine of an angle in radians.
pub fn sin(expr: impl Into<Column>) -> Column {
    call("sin", [expr.into()])
}

/// The hyperbolic sine of `expr`.
pub fn sinh(expr: impl Into<Column>) -> Column {
    call("sinh", [expr.into()])
}

/// The square root of `expr`; NaN below 0.
pub fn sqrt(expr: impl Into<Column>) -> Column {
    call("sqrt", [expr.into()])
}

/// The tangent of an angle in radians.
pub fn tan(expr: impl Into<Column>) -> Column {
    call("tan", [expr.into()])
}

/// The hyperbolic tangent of `expr`.
pub fn tanh(expr: impl Into<Column>) -> Column {
    call("tanh", [expr.into()])
}

/// Random numbers between two constants; whole ones if both are whole.
pub fn uniform(low: impl Into<Column>, high: impl Operand) -> Column {
    call("uniform", [low.into(), high.into_operand()])
}

/// The number of the bucket that `value` falls into, of so many equally wide ones between `low` and `high`: 0 below them, one more
/// than there are above.
pub fn width_bucket(value: impl Into<Column>, low: impl Operand, high: impl Operand, buckets: impl Operand) -> Column {
    call("width_bucket", [value.into(), low.into_operand(), high.into_operand(), buckets.into_operand()])
}
