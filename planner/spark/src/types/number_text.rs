//! Numbers as text: doubles and decimals as Java prints them, and what Spark reads as a number.

use std::fmt::Write as _;

/// 10^n for n up to 38.
pub const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1_i128; 39];
    let mut n = 1;
    while n < 39 {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// A double as `Double.toString` prints it: `1.0`, `1.0E10`, `NaN`, `-Infinity`.
pub fn double_text(value: f64) -> String {
    if !value.is_finite() {
        return special_text(value.is_nan(), value > 0.0);
    }
    let mut text = format!("{value:e}");
    // Java prints two digits at least, and of those the nearest: 4.9E-324.
    if !text.contains('.') {
        let longer = format!("{value:.1e}");
        if longer.parse() == Ok(value) {
            text = longer;
        }
    }
    java_form(&text, value == 0.0 || (1e-3..1e7).contains(&value.abs()))
}

/// A float as `Float.toString` prints it.
pub fn float_text(value: f32) -> String {
    if !value.is_finite() {
        return special_text(value.is_nan(), value > 0.0);
    }
    let mut text = format!("{value:e}");
    if !text.contains('.') {
        let longer = format!("{value:.1e}");
        if longer.parse() == Ok(value) {
            text = longer;
        }
    }
    java_form(&text, value == 0.0 || (1e-3..1e7).contains(&value.abs()))
}

fn special_text(nan: bool, positive: bool) -> String {
    if nan {
        "NaN"
    } else if positive {
        "Infinity"
    } else {
        "-Infinity"
    }
    .to_owned()
}

/// From Rust's `-1.25e-7` to Java's `-1.25E-7` or `-0.00125`.
fn java_form(scientific: &str, plain: bool) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    if !plain {
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        return format!("{sign}{whole}.{fraction}E{exponent}");
    }
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = format!("{whole}{fraction}");
    let point = 1 + exponent;
    if point <= 0 {
        let zeros = "0".repeat(usize::try_from(-point).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    }
    let point = usize::try_from(point).unwrap_or(0);
    if digits.len() <= point {
        return format!("{sign}{digits}{}.0", "0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(point);
    format!("{sign}{whole}.{fraction}")
}

/// A decimal without an exponent: `-0.050`.
pub fn decimal_text(value: i128, scale: u8) -> String {
    let mut out = String::new();
    write_decimal(&mut out, value, scale);
    out
}

/// Appends [`decimal_text`].
pub fn write_decimal(out: &mut String, value: i128, scale: u8) {
    let scale = usize::from(scale);
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs().to_string();
    if scale == 0 {
        out.push_str(&digits);
    } else if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let _ = write!(out, "{whole}.{fraction}");
    } else {
        let _ = write!(out, "0.{digits:0>scale$}");
    }
}

/// A decimal as `BigDecimal.toString` prints it: with an exponent where it is very small (`1E-7`).
pub fn decimal_java_text(value: i128, scale: u8) -> String {
    let digits = value.unsigned_abs().to_string();
    let adjusted = i64::try_from(digits.len()).unwrap_or(0) - 1 - i64::from(scale);
    if scale == 0 || adjusted >= -6 {
        return decimal_text(value, scale);
    }
    let sign = if value < 0 { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    if rest.is_empty() { format!("{sign}{first}E{adjusted}") } else { format!("{sign}{first}.{rest}E{adjusted}") }
}

/// Text without the blanks and control characters around it, as Spark trims before it reads numbers, booleans and times.
pub fn trim_all(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || c == '\u{7f}')
}

/// Text as Java's `String.trim` leaves it.
pub fn trim_java(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// A whole number: an optional sign and digits. In legacy mode digits after a point are let go of.
pub fn parse_integral(text: &str, legacy: bool) -> Option<i64> {
    let text = trim_all(text);
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let whole = if legacy {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if whole.is_empty() && digits.starts_with('.') {
            return Some(0);
        }
        whole
    } else {
        digits
    };
    if whole.is_empty() {
        return None;
    }
    // Counted downwards, as there is one more negative number than positive ones.
    let mut value = 0_i64;
    for byte in whole.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(byte - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// The text of a floating point number in a form that Rust reads; `None` where Java does not read it.
enum Floating<'a> {
    Digits(&'a str),
    Hex { negative: bool, digits: &'a str, exponent: i32 },
    Special(f64),
}

fn floating(text: &str) -> Option<Floating<'_>> {
    let text = trim_java(text);
    match text {
        "NaN" | "+NaN" | "-NaN" => return Some(Floating::Special(f64::NAN)),
        _ => {}
    }
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "nan" => return Some(Floating::Special(f64::NAN)),
        "inf" | "+inf" | "infinity" | "+infinity" => return Some(Floating::Special(f64::INFINITY)),
        "-inf" | "-infinity" => return Some(Floating::Special(f64::NEG_INFINITY)),
        _ => {}
    }
    let unsuffixed = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let unsigned = unsuffixed.strip_prefix(['+', '-']).unwrap_or(unsuffixed);
        let (digits, exponent) = unsigned.get(2..)?.split_once(['p', 'P'])?;
        if exponent.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.') || digits.matches('.').count() > 1 {
            return None;
        }
        if !digits.bytes().any(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        return Some(Floating::Hex { negative: text.starts_with('-'), digits, exponent: exponent.parse().ok()? });
    }
    is_plain_float(unsuffixed).then_some(Floating::Digits(unsuffixed))
}

/// `[+-] digits [. digits] [e [+-] digits]`, with a digit before or after the point.
fn is_plain_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_is_right = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['+', '-']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_is_right
}

fn hex_value(negative: bool, digits: &str, exponent: i32) -> f64 {
    let (mut value, mut places, mut after_point) = (0.0_f64, 0_i32, false);
    for c in digits.chars() {
        match c.to_digit(16) {
            Some(digit) => {
                value = value * 16.0 + f64::from(digit);
                places += i32::from(after_point);
            }
            None => after_point = true,
        }
    }
    let value = value * 2.0_f64.powi(exponent.saturating_sub(places.saturating_mul(4)));
    if negative { -value } else { value }
}

/// A double: what `Double.parseDouble` reads, and `inf`, `infinity`, `nan` in any case.
pub fn parse_double(text: &str) -> Option<f64> {
    match floating(text)? {
        Floating::Digits(text) => text.parse().ok(),
        Floating::Hex { negative, digits, exponent } => Some(hex_value(negative, digits, exponent)),
        Floating::Special(value) => Some(value),
    }
}

/// A float, rounded once.
#[allow(clippy::cast_possible_truncation)]
pub fn parse_float(text: &str) -> Option<f32> {
    match floating(text)? {
        Floating::Digits(text) => text.parse().ok(),
        Floating::Hex { negative, digits, exponent } => Some(hex_value(negative, digits, exponent) as f32),
        Floating::Special(value) => Some(value as f32),
    }
}

/// A decimal number of any length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigNumber {
    negative: bool,
    /// Its digits without leading zeros, as ASCII; empty for zero.
    digits: Vec<u8>,
    /// How many of them stand after the point; negative for zeros that follow.
    scale: i64,
}

impl BigNumber {
    /// What `new BigDecimal(text.trim())` reads.
    pub fn parse(text: &str) -> Option<Self> {
        let text = trim_java(text);
        if !is_plain_float(text) {
            return None;
        }
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse::<i32>().ok()?.into();
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.bytes().chain(fraction.bytes()).skip_while(|b| *b == b'0').collect();
        Some(Self { negative, digits, scale: i64::try_from(fraction.len()).ok()? - exponent })
    }

    /// How many digits stand before the point, as Spark counts them.
    pub fn integral_digits(&self) -> i64 {
        i64::try_from(self.digits.len().max(1)).unwrap_or(i64::MAX).saturating_sub(self.scale)
    }

    /// The value × 10^scale, rounded half up; `None` where it has more than `precision` digits.
    pub fn to_decimal(&self, precision: u8, scale: u8) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let dropped = self.scale - i64::from(scale);
        let magnitude = if dropped <= 0 {
            let zeros = usize::try_from(-dropped).ok()?;
            if self.digits.len() + zeros > 38 {
                return None;
            }
            digits_value(&self.digits)?.checked_mul(*POWERS_OF_TEN.get(zeros)?)?
        } else {
            let dropped = usize::try_from(dropped).ok()?;
            if dropped > self.digits.len() {
                0
            } else {
                let (kept, rest) = self.digits.split_at(self.digits.len() - dropped);
                if kept.len() > 38 {
                    return None;
                }
                digits_value(kept)? + i128::from(rest.first().is_some_and(|b| *b >= b'5'))
            }
        };
        let value = if self.negative { -magnitude } else { magnitude };
        fits(value, precision).then_some(value)
    }

    /// The number without an exponent.
    pub fn plain_text(&self) -> String {
        let digits = String::from_utf8_lossy(if self.digits.is_empty() { b"0" } else { &self.digits });
        let sign = if self.negative && !self.digits.is_empty() { "-" } else { "" };
        if self.scale <= 0 {
            let zeros = usize::try_from(-self.scale).unwrap_or(0).min(400);
            return format!("{sign}{digits}{}", "0".repeat(if self.digits.is_empty() { 0 } else { zeros }));
        }
        let scale = usize::try_from(self.scale).unwrap_or(0).min(400);
        if digits.len() > scale {
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            format!("{sign}{whole}.{fraction}")
        } else {
            format!("{sign}0.{digits:0>scale$}")
        }
    }
}

fn digits_value(digits: &[u8]) -> Option<i128> {
    digits.iter().try_fold(0_i128, |value, digit| value.checked_mul(10)?.checked_add(i128::from(digit - b'0')))
}

/// Whether a decimal's digits are no more than `precision`.
pub fn fits(value: i128, precision: u8) -> bool {
    POWERS_OF_TEN.get(usize::from(precision)).is_some_and(|limit| value.unsigned_abs() < limit.unsigned_abs())
}

/// A decimal with other digits after the point, rounded half up; `None` where it has more than `precision` digits.
pub fn rescale(value: i128, from: u8, precision: u8, scale: u8) -> Option<i128> {
    let made = if scale >= from {
        value.checked_mul(*POWERS_OF_TEN.get(usize::from(scale - from))?)?
    } else {
        let divisor = *POWERS_OF_TEN.get(usize::from(from - scale))?;
        let (quotient, rest) = (value / divisor, value % divisor);
        if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) { quotient + value.signum() } else { quotient }
    };
    fits(made, precision).then_some(made)
}

/// The double nearest to a decimal.
#[allow(clippy::cast_precision_loss)]
pub fn decimal_to_double(value: i128, scale: u8) -> f64 {
    // Both are exact, and so the quotient is rounded once.
    if value.unsigned_abs() < 1 << 53 && scale <= 22 {
        return value as f64 / 10_f64.powi(i32::from(scale));
    }
    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// The float nearest to a decimal.
pub fn decimal_to_float(value: i128, scale: u8) -> f32 {
    format!("{value}e-{scale}").parse().unwrap_or(f32::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_as_java_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1.5e7, "1.5E7"),
            (9_999_999.0, "9999999.0"),
            (0.001, "0.001"),
            (0.000_99, "9.9E-4"),
            (123_456.789, "123456.789"),
            (f64::MAX, "1.7976931348623157E308"),
            (5e-324, "4.9E-324"),
            (1e23, "1.0E23"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(value), text);
        }
        assert_eq!(float_text(0.1), "0.1");
        assert_eq!(float_text(1e10), "1.0E10");
    }

    #[test]
    fn decimals() {
        assert_eq!(decimal_text(-5, 3), "-0.005");
        assert_eq!(decimal_text(12345, 2), "123.45");
        assert_eq!(decimal_java_text(1, 7), "1E-7");
        assert_eq!(decimal_java_text(12, 9), "1.2E-8");
        assert_eq!(rescale(125, 2, 3, 1), Some(13));
        assert_eq!(rescale(-125, 2, 3, 1), Some(-13));
        assert_eq!(rescale(124, 2, 3, 1), Some(12));
        assert_eq!(rescale(999, 0, 4, 2), None);
        for (text, p, s, value) in [
            ("1.25", 3, 1, Some(13)),
            (" -1.25e1 ", 5, 2, Some(-1250)),
            ("1e40", 38, 0, None),
            (".5", 1, 0, Some(1)),
            ("0.00000000000000000000000000000000000000000000009", 38, 38, Some(0)),
            ("99.999", 4, 2, None),
        ] {
            assert_eq!(BigNumber::parse(text).and_then(|n| n.to_decimal(p, s)), value, "{text}");
        }
        assert!(BigNumber::parse("1d").is_none());
        assert!(BigNumber::parse(".").is_none());
    }

    #[test]
    fn what_is_a_number() {
        for (text, ansi, legacy) in [
            (" 12\t", Some(12), Some(12)),
            ("+5", Some(5), Some(5)),
            ("1.9", None, Some(1)),
            (".", None, Some(0)),
            ("-", None, None),
            ("", None, None),
            ("1a", None, None),
            ("-9223372036854775808", Some(i64::MIN), Some(i64::MIN)),
            ("9223372036854775808", None, None),
        ] {
            assert_eq!(parse_integral(text, false), ansi, "{text}");
            assert_eq!(parse_integral(text, true), legacy, "{text}");
        }
        for (text, value) in [
            ("1d", Some(1.0)),
            ("1.5F", Some(1.5)),
            (" -Inf ", Some(f64::NEG_INFINITY)),
            ("0x1.8p1", Some(3.0)),
            ("1e", None),
            ("+nan", None),
            ("e5", None),
            ("1.", Some(1.0)),
            ("d", None),
        ] {
            assert_eq!(parse_double(text), value, "{text}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
    }
}
