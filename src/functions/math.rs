//! Numbers and bits: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.

use super::{call, call_function};
use crate::column::Column;

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

/// A number in binary, negative ones as two's complement.
pub fn bin(expr: impl Into<Column>) -> Column {
    call("bin", [expr.into()])
}

/// How many bits are set in the number as a bigint.
pub fn bit_count(expr: impl Into<Column>) -> Column {
    call("bit_count", [expr.into()])
}

/// The bit at a position, counted from the right and from 0.
pub fn bit_get(expr: impl Into<Column>, pos: impl Into<Column>) -> Column {
    call("bit_get", [expr.into(), pos.into()])
}

/// `expr` with so many places after the point, halves to the even digit.
pub fn bround(expr: impl Into<Column>) -> Column {
    call("bround", [expr.into()])
}

/// `expr` with so many places after the point, halves to the even digit.
pub fn bround_with(expr: impl Into<Column>, places: impl Into<Column>) -> Column {
    call("bround", [expr.into(), places.into()])
}

/// The cube root of `expr`.
pub fn cbrt(expr: impl Into<Column>) -> Column {
    call("cbrt", [expr.into()])
}

/// The least whole number, or number with so many places, that is not below `expr`.
pub fn ceil(expr: impl Into<Column>) -> Column {
    call("ceil", [expr.into()])
}

/// The least whole number, or number with so many places, that is not below `expr`.
pub fn ceil_with(expr: impl Into<Column>, places: impl Into<Column>) -> Column {
    call("ceil", [expr.into(), places.into()])
}

/// The least whole number, or number with so many places, that is not below `expr`.
pub fn ceiling(expr: impl Into<Column>) -> Column {
    call("ceiling", [expr.into()])
}

/// The least whole number, or number with so many places, that is not below `expr`.
pub fn ceiling_with(expr: impl Into<Column>, places: impl Into<Column>) -> Column {
    call("ceiling", [expr.into(), places.into()])
}

/// A number, said in one base, in another; bases are 2 to 36, and a negative `to_base` gives a sign.
pub fn conv(num: impl Into<Column>, from_base: impl Into<Column>, to_base: impl Into<Column>) -> Column {
    call("conv", [num.into(), from_base.into(), to_base.into()])
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

/// Euler's number.
pub fn e() -> Column {
    call("e", [])
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

/// The greatest whole number, or number with so many places, that is not above `expr`.
pub fn floor_with(expr: impl Into<Column>, places: impl Into<Column>) -> Column {
    call("floor", [expr.into(), places.into()])
}

/// The bit at a position, counted from the right and from 0.
pub fn getbit(expr: impl Into<Column>, pos: impl Into<Column>) -> Column {
    call("getbit", [expr.into(), pos.into()])
}

/// The greatest argument; nulls do not count.
pub fn greatest<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("greatest", columns)
}

/// A number, text (in UTF-8) or binary data in hexadecimal.
pub fn hex(expr: impl Into<Column>) -> Column {
    call("hex", [expr.into()])
}

/// The square root of a² + b².
pub fn hypot(a: impl Into<Column>, b: impl Into<Column>) -> Column {
    call("hypot", [a.into(), b.into()])
}

/// The least argument; nulls do not count.
pub fn least<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("least", columns)
}

/// The natural logarithm of `expr`; null where `expr` is not positive.
pub fn ln(expr: impl Into<Column>) -> Column {
    call("ln", [expr.into()])
}

/// The logarithm of `expr` to a base, e unless given; null where one of them is not positive.
pub fn log(expr: impl Into<Column>) -> Column {
    call("log", [expr.into()])
}

/// The logarithm of `expr` to a base, e unless given; null where one of them is not positive.
pub fn log_with(base: impl Into<Column>, expr: impl Into<Column>) -> Column {
    call("log", [base.into(), expr.into()])
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

/// What a division leaves; it has the sign of `expr1`.
pub fn mod_(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("mod", [expr1.into(), expr2.into()])
}

/// The number or interval with the other sign.
pub fn negative(expr: impl Into<Column>) -> Column {
    call("negative", [expr.into()])
}

/// The ratio of a circle's circumference to its diameter.
pub fn pi() -> Column {
    call("pi", [])
}

/// What a division leaves, moved up by `expr2` where it is negative.
pub fn pmod(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("pmod", [expr1.into(), expr2.into()])
}

/// The number or interval as it is.
pub fn positive(expr: impl Into<Column>) -> Column {
    call("positive", [expr.into()])
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

/// Random numbers from 0 to 1, 1 excluded, all equally likely.
pub fn rand_with(seed: impl Into<Column>) -> Column {
    call("rand", [seed.into()])
}

/// Random numbers of the standard normal distribution.
pub fn randn() -> Column {
    call("randn", [])
}

/// Random numbers of the standard normal distribution.
pub fn randn_with(seed: impl Into<Column>) -> Column {
    call("randn", [seed.into()])
}

/// Random numbers from 0 to 1, 1 excluded, all equally likely.
pub fn random() -> Column {
    call("random", [])
}

/// Random numbers from 0 to 1, 1 excluded, all equally likely.
pub fn random_with(seed: impl Into<Column>) -> Column {
    call("random", [seed.into()])
}

/// The whole number nearest to `expr`, as a double; halves go to the even one.
pub fn rint(expr: impl Into<Column>) -> Column {
    call("rint", [expr.into()])
}

/// `expr` with so many places after the point, halves away from zero. Negative places round before the point.
pub fn round(expr: impl Into<Column>, places: impl Into<Column>) -> Column {
    call("round", [expr.into(), places.into()])
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
pub fn sign(expr: impl Into<Column>) -> Column {
    call("sign", [expr.into()])
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

/// As `+`, and null where the result does not fit.
pub fn try_add(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("try_add", [expr1.into(), expr2.into()])
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

/// As `-`, and null where the result does not fit.
pub fn try_subtract(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("try_subtract", [expr1.into(), expr2.into()])
}

/// The bytes of a text in hexadecimal; null where it is none.
pub fn unhex(expr: impl Into<Column>) -> Column {
    call("unhex", [expr.into()])
}

/// Random numbers between two constants; whole ones if both are whole.
pub fn uniform(low: impl Into<Column>, high: impl Into<Column>) -> Column {
    call("uniform", [low.into(), high.into()])
}

/// Random numbers between two constants; whole ones if both are whole.
pub fn uniform_with(low: impl Into<Column>, high: impl Into<Column>, seed: impl Into<Column>) -> Column {
    call("uniform", [low.into(), high.into(), seed.into()])
}

/// The number of the bucket that `value` falls into, of so many equally wide ones between `low` and `high`: 0 below them, one more
/// than there are above.
pub fn width_bucket(value: impl Into<Column>, low: impl Into<Column>, high: impl Into<Column>, buckets: impl Into<Column>) -> Column {
    call("width_bucket", [value.into(), low.into(), high.into(), buckets.into()])
}
