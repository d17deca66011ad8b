//! Roots, powers, logarithms, angles: what Java's `Math` and `StrictMath` compute, over doubles.

use datafusion::common::ScalarValue;

use super::{map1, map2, row, titled};
use crate::functions::{Call, Function, ScalarKernel, Want};
use crate::types::SparkType::Double;
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "acos",
        "acos(expr) - The arc cosine of `expr`, in radians; NaN outside of [-1, 1].",
        &[("SELECT acos(1)", "0.0"), ("SELECT acos(2)", "NaN")],
        |call| unary(call, "ACOS", |args| map1(args, |x| Some(x.acos()))),
    ),
    row(
        "acosh",
        "acosh(expr) - The inverse hyperbolic cosine of `expr`; NaN below 1.",
        &[("SELECT acosh(1)", "0.0"), ("SELECT acosh(0)", "NaN")],
        |call| unary(call, "ACOSH", |args| map1(args, |x| Some(acosh(x)))),
    ),
    row(
        "asin",
        "asin(expr) - The arc sine of `expr`, in radians; NaN outside of [-1, 1].",
        &[("SELECT asin(0)", "0.0"), ("SELECT asin(2)", "NaN")],
        |call| unary(call, "ASIN", |args| map1(args, |x| Some(x.asin()))),
    ),
    row("asinh", "asinh(expr) - The inverse hyperbolic sine of `expr`.", &[("SELECT asinh(0)", "0.0")], |call| {
        unary(call, "ASINH", |args| map1(args, |x| Some(asinh(x))))
    }),
    row("atan", "atan(expr) - The arc tangent of `expr`, in radians.", &[("SELECT atan(0)", "0.0")], |call| {
        unary(call, "ATAN", |args| map1(args, |x| Some(x.atan())))
    }),
    row(
        "atanh",
        "atanh(expr) - The inverse hyperbolic tangent of `expr`.",
        &[("SELECT atanh(0)", "0.0"), ("SELECT atanh(2)", "NaN")],
        |call| unary(call, "ATANH", |args| map1(args, |x| Some(0.5 * (x.ln_1p() - (-x).ln_1p())))),
    ),
    row("cbrt", "cbrt(expr) - The cube root of `expr`.", &[("SELECT cbrt(27.0)", "3.0")], |call| {
        unary(call, "CBRT", |args| map1(args, |x| Some(x.cbrt())))
    }),
    row("cos", "cos(expr) - The cosine of an angle in radians.", &[("SELECT cos(0)", "1.0")], |call| {
        unary(call, "COS", |args| map1(args, |x| Some(x.cos())))
    }),
    row("cosh", "cosh(expr) - The hyperbolic cosine of `expr`.", &[("SELECT cosh(0)", "1.0")], |call| {
        unary(call, "COSH", |args| map1(args, |x| Some(x.cosh())))
    }),
    row("cot", "cot(expr) - The cotangent of an angle in radians.", &[("SELECT cot(1)", "0.6420926159343306")], |call| {
        unary(call, "COT", |args| map1(args, |x| Some(1.0 / x.tan())))
    }),
    row("csc", "csc(expr) - The cosecant of an angle in radians.", &[("SELECT csc(1)", "1.1883951057781212")], |call| {
        unary(call, "CSC", |args| map1(args, |x| Some(1.0 / x.sin())))
    }),
    row("degrees", "degrees(expr) - An angle in radians as degrees.", &[("SELECT degrees(3.141592653589793)", "180.0")], |call| {
        unary(call, "DEGREES", |args| map1(args, |x| Some(x.to_degrees())))
    }),
    row("exp", "exp(expr) - e to the power of `expr`.", &[("SELECT exp(0)", "1.0")], |call| {
        unary(call, "EXP", |args| map1(args, |x| Some(x.exp())))
    }),
    row("expm1", "expm1(expr) - e to the power of `expr`, less 1, exact near 0.", &[("SELECT expm1(0)", "0.0")], |call| {
        unary(call, "EXPM1", |args| map1(args, |x| Some(x.exp_m1())))
    }),
    row("radians", "radians(expr) - An angle in degrees as radians.", &[("SELECT radians(180)", "3.141592653589793")], |call| {
        unary(call, "RADIANS", |args| map1(args, |x| Some(x.to_radians())))
    }),
    row(
        "rint",
        "rint(expr) - The whole number nearest to `expr`, as a double; halves go to the even one.",
        &[("SELECT rint(12.3456)", "12.0")],
        |call| unary(call, "rint", |args| map1(args, |x| Some(x.round_ties_even()))),
    ),
    row("sec", "sec(expr) - The secant of an angle in radians.", &[("SELECT sec(0)", "1.0")], |call| {
        unary(call, "SEC", |args| map1(args, |x| Some(1.0 / x.cos())))
    }),
    row("sin", "sin(expr) - The sine of an angle in radians.", &[("SELECT sin(0)", "0.0")], |call| {
        unary(call, "SIN", |args| map1(args, |x| Some(x.sin())))
    }),
    row("sinh", "sinh(expr) - The hyperbolic sine of `expr`.", &[("SELECT sinh(0)", "0.0")], |call| {
        unary(call, "SINH", |args| map1(args, |x| Some(x.sinh())))
    }),
    row("sqrt", "sqrt(expr) - The square root of `expr`; NaN below 0.", &[("SELECT sqrt(4)", "2.0")], |call| {
        unary(call, "SQRT", |args| map1(args, |x| Some(x.sqrt())))
    }),
    row("tan", "tan(expr) - The tangent of an angle in radians.", &[("SELECT tan(0)", "0.0")], |call| {
        unary(call, "TAN", |args| map1(args, |x| Some(x.tan())))
    }),
    row("tanh", "tanh(expr) - The hyperbolic tangent of `expr`.", &[("SELECT tanh(0)", "0.0")], |call| {
        unary(call, "TANH", |args| map1(args, |x| Some(x.tanh())))
    }),
    row("ln", "ln(expr) - The natural logarithm of `expr`; null where `expr` is not positive.", &[("SELECT ln(1)", "0.0")], |call| {
        unary(call, "ln", |args| map1(args, |x| if x <= 0.0 { None } else { Some(x.ln()) }))
    }),
    row(
        "log10",
        "log10(expr) - The logarithm of `expr` to the base 10; null where `expr` is not positive.",
        &[("SELECT log10(10)", "1.0")],
        |call| unary(call, "LOG10", |args| map1(args, |x| if x <= 0.0 { None } else { Some(log10(x)) })),
    ),
    row(
        "log1p",
        "log1p(expr) - The natural logarithm of 1 + `expr`, exact near 0; null where that is not positive.",
        &[("SELECT log1p(0)", "0.0")],
        |call| unary(call, "LOG1P", |args| map1(args, |x| if x <= -1.0 { None } else { Some(x.ln_1p()) })),
    ),
    row(
        "log2",
        "log2(expr) - The logarithm of `expr` to the base 2; null where `expr` is not positive.",
        &[("SELECT log2(2)", "1.0")],
        |call| unary(call, "LOG2", |args| map1(args, |x| if x <= 0.0 { None } else { Some(x.ln() / std::f64::consts::LN_2) })),
    ),
    row(
        "atan2",
        "atan2(y, x) - The angle between the x axis and the point (x, y), in radians.",
        &[("SELECT atan2(0, 0)", "0.0")],
        |call| binary(call, "ATAN2", |args| map2(args, |y, x| Some((y + 0.0).atan2(x + 0.0)))),
    ),
    row("hypot", "hypot(a, b) - The square root of a² + b².", &[("SELECT hypot(3, 4)", "5.0")], |call| {
        binary(call, "HYPOT", |args| map2(args, |x, y| Some(x.hypot(y))))
    }),
    row("pow", "pow(base, exponent) - `base` to the power of `exponent`.", &[("SELECT pow(2, 3)", "8.0")], |call| {
        binary(call, "pow", power)
    }),
    row("power", "power(base, exponent) - `base` to the power of `exponent`.", &[("SELECT power(2, 3)", "8.0")], |call| {
        binary(call, "POWER", power)
    }),
    row(
        "log",
        "log([base, ]expr) - The logarithm of `expr` to a base, e unless given; null where one of them is not positive.",
        &[("SELECT log(10, 100)", "2.0")],
        log,
    ),
    row("e", "e() - Euler's number.", &[("SELECT e()", "2.718281828459045")], |call| constant(call, "E", std::f64::consts::E)),
    row("pi", "pi() - The ratio of a circle's circumference to its diameter.", &[("SELECT pi()", "3.141592653589793")], |call| {
        constant(call, "PI", std::f64::consts::PI)
    }),
    row("sign", SIGN, &[("SELECT sign(40)", "1.0"), ("SELECT sign(INTERVAL -'100' YEAR)", "-1.0")], |call| signum(call, "sign")),
    row("signum", SIGN, &[("SELECT signum(40)", "1.0"), ("SELECT signum(INTERVAL -'100' YEAR)", "-1.0")], |call| signum(call, "SIGNUM")),
];

const SIGN: &str = "signum(expr) - -1.0, 0.0 or 1.0 for a negative number or interval, zero, or a positive one.";

fn unary(call: &mut Call<'_>, title: &str, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let x = call.want_type(0, Double)?;
    titled(call, title, call.scalar(kernel, vec![x], Double, true))
}

fn binary(call: &mut Call<'_>, title: &str, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(2..=2)?;
    let args = vec![call.want_type(0, Double)?, call.want_type(1, Double)?];
    let nullable = args.iter().any(|arg| arg.nullable);
    titled(call, title, call.scalar(kernel, args, Double, nullable))
}

fn constant(call: &mut Call<'_>, title: &str, value: f64) -> Result<Typed> {
    call.arity(0..=0)?;
    titled(call, title, Typed::literal(ScalarValue::Float64(Some(value)), Double, ""))
}

fn log(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    if call.len() == 1 {
        let x = call.want_type(0, Double)?;
        let shown = Sql::call("LOG", [&Sql::from("E()"), &x.sql]);
        let made = call.scalar(|args| map1(args, |x| if x <= 0.0 { None } else { Some(x.ln()) }), vec![x], Double, true);
        return Ok(made.shown(shown));
    }
    let made = binary(call, "LOG", |args| map2(args, |base, x| if base <= 0.0 || x <= 0.0 { None } else { Some(x.ln() / base.ln()) }))?;
    Ok(Typed { nullable: true, ..made })
}

/// Java's `pow`, which differs from C's where 1 meets infinity or NaN.
fn power(args: &crate::functions::KernelArgs<'_>) -> Result<arrow::array::ArrayRef> {
    map2(args, |x, y| {
        let undefined = y.is_nan() || (x.abs() == 1.0 && y.is_infinite());
        Some(if undefined { f64::NAN } else { x.powf(y) })
    })
}

fn signum(call: &mut Call<'_>, title: &str) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    let x =
        if value.data_type.is_ansi_interval() { super::whole::interval_as_double(call, value) } else { call.want(0, &Want::Type(Double))? };
    // Rust's sign of a zero is 1.
    let made = call.scalar(|args| map1(args, |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() })), vec![x], Double, true);
    titled(call, title, made)
}

/// As fdlibm computes it.
fn acosh(x: f64) -> f64 {
    if x < 1.0 {
        f64::NAN
    } else if x >= f64::from(1 << 28) {
        x.ln() + std::f64::consts::LN_2
    } else if x == 1.0 {
        0.0
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

/// As fdlibm computes it.
fn asinh(x: f64) -> f64 {
    let size = x.abs();
    let large = f64::from(1 << 28);
    let result = if size.is_infinite() || size.is_nan() || size < 1.0 / large {
        size
    } else if size > large {
        size.ln() + std::f64::consts::LN_2
    } else if size > 2.0 {
        (2.0 * size + 1.0 / ((x * x + 1.0).sqrt() + size)).ln()
    } else {
        let t = x * x;
        (size + t / (1.0 + (1.0 + t).sqrt())).ln_1p()
    };
    result.copysign(x)
}

/// Exact for powers of ten.
fn log10(x: f64) -> f64 {
    x.log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_hyperbolic() {
        for (found, expected) in [
            (acosh(1.0), 0.0),
            (acosh(1.5), 0.962_423_650_119_206_9),
            (acosh(10.0), 2.993_222_846_126_381),
            (asinh(1.0), 0.881_373_587_019_543),
            (asinh(-3.0), -1.818_446_459_232_067),
        ] {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
        assert!(acosh(0.5).is_nan());
    }
}
