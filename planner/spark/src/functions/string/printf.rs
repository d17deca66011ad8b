//! `format_string` and `printf`: the formats of `java.util.Formatter`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalYearMonthType, TimestampMicrosecondType,
};
use std::fmt::Write;

use super::column::{check_length, row, strings_where, text};
use super::digits::Digits;
use super::fill;
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::plan::CastMode;
use crate::types::number_text::{decimal_java_text, double_text, float_text};
use crate::types::{SparkType, cast};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "format_string",
        "format_string(strfmt, obj, ...) - The values in a format of printf's kind, as Java has it: %s, %d, %,.2f, %05d, %x, %e, %1$s.",
        &[("SELECT format_string('Hello World %d %s', 100, 'days')", "Hello World 100 days")],
        |call| format_string(call, "format_string"),
    ),
    row(
        "printf",
        "printf(strfmt, obj, ...) - The values in a format of printf's kind, as Java has it: %s, %d, %,.2f, %05d, %x, %e, %1$s.",
        &[("SELECT printf('Hello World %d %s', 100, 'days')", "Hello World 100 days")],
        |call| format_string(call, "printf"),
    ),
];

fn format_string(call: &mut Call<'_>, _name: &str) -> Result<Typed> {
    if call.is_empty() {
        return Err(call.wrong_arity("1 or more"));
    }
    let mut args = call.values()?;
    if let Some(first) = args.first_mut() {
        *first = call.want(0, &Want::String)?;
    }
    let zero = args.first().and_then(|format| format.as_literal()).and_then(|format| format.try_as_str().flatten());
    if zero.is_some_and(|format| format.contains("%0$")) && !call.settings.flag("spark.sql.legacy.allowZeroIndexInFormatString", false)? {
        let message = format!("`strfmt` of `{}` counts arguments from %1$: there is no %0$", call.name);
        return Err(call.refuse("INVALID_PARAMETER_VALUE.ZERO_INDEX", message));
    }
    let nullable = args.first().is_some_and(|format| format.nullable);
    Ok(call.scalar(kernel, args, SparkType::String, nullable))
}

/// A value as Java's formatter sees it.
enum Value {
    Null,
    Boolean(bool),
    /// With how many bits it is held.
    Whole(i64, u32),
    Float(f32),
    Double(f64),
    Text(String),
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let formats = text(args, 0)?;
    let columns = args
        .arrays
        .iter()
        .zip(args.types)
        .skip(1)
        .map(|(array, data_type)| match data_type {
            // What has no value of its own in a format is shown as a cast to text shows it.
            SparkType::Array(..)
            | SparkType::Map(..)
            | SparkType::Struct(_)
            | SparkType::CalendarInterval
            | SparkType::Binary
            | SparkType::Time(_) => cast::cast_array(array, data_type, &SparkType::String, CastMode::Session, args.settings),
            _ => Ok(ArrayRef::clone(array)),
        })
        .collect::<Result<Vec<_>>>()?;
    strings_where(args.rows, formats.nulls(), |row| {
        let values: Vec<Value> = columns.iter().map(|column| value(column, row)).collect();
        let format = formats.value(row);
        let made = fill(format, &values)
            .map_err(|problem| error("INVALID_PARAMETER_VALUE.PATTERN", format!("`strfmt` of `format_string` is '{format}': {problem}")))?;
        Ok(Some(made))
    })
}

fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    macro_rules! whole {
        ($t:ty, $bits:literal) => {
            column.as_primitive_opt::<$t>().map_or(Value::Null, |array| Value::Whole(i64::from(array.value(row)), $bits))
        };
    }
    match column.data_type() {
        DataType::Boolean => column.as_boolean_opt().map_or(Value::Null, |array| Value::Boolean(array.value(row))),
        DataType::Int8 => whole!(Int8Type, 8),
        DataType::Int16 => whole!(Int16Type, 16),
        DataType::Int32 => whole!(Int32Type, 32),
        DataType::Int64 => whole!(Int64Type, 64),
        // Spark hands dates and moments over as the numbers that hold them.
        DataType::Date32 => whole!(Date32Type, 32),
        DataType::Timestamp(..) => whole!(TimestampMicrosecondType, 64),
        DataType::Duration(_) => whole!(DurationMicrosecondType, 64),
        DataType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => whole!(IntervalYearMonthType, 32),
        DataType::Float32 => column.as_primitive_opt::<Float32Type>().map_or(Value::Null, |array| Value::Float(array.value(row))),
        DataType::Float64 => column.as_primitive_opt::<Float64Type>().map_or(Value::Null, |array| Value::Double(array.value(row))),
        DataType::Decimal128(_, scale) => column
            .as_primitive_opt::<Decimal128Type>()
            .map_or(Value::Null, |array| Value::Text(decimal_java_text(array.value(row), u8::try_from(*scale).unwrap_or(0)))),
        DataType::Utf8 => column.as_string_opt::<i32>().map_or(Value::Null, |array| Value::Text(array.value(row).to_owned())),
        _ => Value::Null,
    }
}

/// What stands between `%` and the letter.
#[derive(Default)]
struct Spec {
    left: bool,
    alternate: bool,
    plus: bool,
    space: bool,
    zero: bool,
    grouped: bool,
    parentheses: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

fn fill(format: &str, values: &[Value]) -> Result<String, String> {
    let mut out = String::with_capacity(format.len());
    let mut rest = format.chars().peekable();
    // The next argument of those that are taken in order, and the last one that was taken.
    let (mut next, mut last): (usize, Option<usize>) = (0, None);
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        let mut number = String::new();
        let mut position: Option<usize> = None;
        let mut again = false;
        // `%3$s`: a number before a dollar sign says which argument.
        let ahead: String = rest.clone().take_while(char::is_ascii_digit).collect();
        if !ahead.is_empty() && rest.clone().nth(ahead.len()) == Some('$') {
            position = Some(ahead.parse::<usize>().map_err(|_| format!("there is no argument {ahead}"))?);
            rest.nth(ahead.len());
        } else if rest.next_if_eq(&'<').is_some() {
            again = true;
        }
        while let Some(c) = rest.peek().copied() {
            let flag = match c {
                '-' => &mut spec.left,
                '#' => &mut spec.alternate,
                '+' => &mut spec.plus,
                ' ' => &mut spec.space,
                '0' => &mut spec.zero,
                ',' => &mut spec.grouped,
                '(' => &mut spec.parentheses,
                _ => break,
            };
            if std::mem::replace(flag, true) {
                return Err(format!("the flag `{c}` stands twice"));
            }
            rest.next();
        }
        while let Some(c) = rest.next_if(char::is_ascii_digit) {
            number.push(c);
        }
        if !number.is_empty() {
            spec.width = Some(number.parse().map_err(|_| format!("the width {number} is too large"))?);
        }
        if rest.next_if_eq(&'.').is_some() {
            let mut number = String::new();
            while let Some(c) = rest.next_if(char::is_ascii_digit) {
                number.push(c);
            }
            spec.precision = Some(number.parse().map_err(|_| "a precision is a number".to_owned())?);
        }
        for size in [spec.width, spec.precision].into_iter().flatten() {
            check_length(size).map_err(|_| format!("{size} is too large"))?;
        }
        let Some(letter) = rest.next() else { return Err("a `%` at the end formats nothing: write `%%`".to_owned()) };
        match letter {
            'n' => out.push('\n'),
            '%' => {
                let text = pad("%".to_owned(), &spec);
                out.push_str(&text);
            }
            _ => {
                let at = match (position, again) {
                    (Some(0), _) | (None, false) => {
                        next += 1;
                        next - 1
                    }
                    (Some(n), _) => n - 1,
                    (None, true) => last.ok_or("`%<` comes before any argument")?,
                };
                last = Some(at);
                let value =
                    values.get(at).ok_or_else(|| format!("there is no argument for `%{letter}`: it would be the {}. one", at + 1))?;
                let text = one(letter, &spec, value)?;
                out.push_str(&if letter.is_uppercase() { text.to_uppercase() } else { text });
            }
        }
    }
    Ok(out)
}

fn pad(text: String, spec: &Spec) -> String {
    let width = spec.width.unwrap_or(0);
    if spec.left { fill::before(&text, ' ', width) } else { fill::behind(&text, ' ', width) }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "a boolean",
        Value::Whole(..) => "a whole number",
        Value::Float(_) | Value::Double(_) => "a floating point number",
        Value::Text(_) => "text or a decimal",
    }
}

/// One value by one letter.
fn one(letter: char, spec: &Spec, value: &Value) -> Result<String, String> {
    let odd = || format!("`%{letter}` does not take {}", type_name(value));
    let plain = |text: String| {
        let text = match spec.precision {
            Some(limit) => text.chars().take(limit).collect(),
            None => text,
        };
        pad(text, spec)
    };
    match (letter.to_ascii_lowercase(), value) {
        ('b', Value::Null) => Ok(plain("false".to_owned())),
        ('b', Value::Boolean(value)) => Ok(plain(value.to_string())),
        ('b', _) => Ok(plain("true".to_owned())),
        ('s', Value::Null) | ('c' | 'd' | 'o' | 'x' | 'e' | 'f' | 'g', Value::Null) => Ok(plain("null".to_owned())),
        ('s', _) if spec.alternate => Err("`%s` takes no `#`".to_owned()),
        ('s', Value::Boolean(value)) => Ok(plain(value.to_string())),
        ('s', Value::Whole(value, _)) => Ok(plain(value.to_string())),
        ('s', Value::Float(value)) => Ok(plain(float_text(*value))),
        ('s', Value::Double(value)) => Ok(plain(double_text(*value))),
        ('s', Value::Text(value)) => Ok(plain(value.clone())),
        ('c', Value::Whole(code, bits)) if *bits < 64 => {
            let c = u32::try_from(*code).ok().and_then(char::from_u32).ok_or_else(|| format!("{code} is no character's code"))?;
            Ok(pad(c.to_string(), spec))
        }
        ('d' | 'o' | 'x', _) if spec.precision.is_some() => Err(format!("`%{letter}` takes no precision")),
        ('d', Value::Whole(value, _)) => {
            let mut digits = value.unsigned_abs().to_string();
            if spec.grouped {
                digits = grouped(&digits);
            }
            Ok(signed(*value < 0, digits, spec))
        }
        ('o' | 'x', Value::Whole(value, bits)) => {
            let mask = if *bits >= 64 { u64::MAX } else { (1u64 << bits) - 1 };
            let unsigned = value.cast_unsigned() & mask;
            let octal = letter.eq_ignore_ascii_case(&'o');
            let digits = if octal { format!("{unsigned:o}") } else { format!("{unsigned:x}") };
            let prefix = match (spec.alternate, octal) {
                (false, _) => "",
                (true, true) => "0",
                (true, false) => "0x",
            };
            if spec.zero {
                let width = spec.width.unwrap_or(0).saturating_sub(prefix.len());
                return Ok(format!("{prefix}{}", fill::behind(&digits, '0', width)));
            }
            Ok(pad(format!("{prefix}{digits}"), spec))
        }
        ('e' | 'f' | 'g', Value::Float(float)) => Ok(fractional(letter, spec, f64::from(*float), &Digits::of_float(*float))),
        ('e' | 'f' | 'g', Value::Double(double)) => Ok(fractional(letter, spec, *double, &Digits::of_double(*double))),
        ('c' | 'd' | 'o' | 'x' | 'e' | 'f' | 'g', _) => Err(odd()),
        _ => Err(format!("`%{letter}` is not supported")),
    }
}

/// A number's digits with its sign, filled up to the width.
fn signed(negative: bool, digits: String, spec: &Spec) -> String {
    let (before, behind) = match (negative, spec.parentheses) {
        (true, true) => ("(", ")"),
        (true, false) => ("-", ""),
        (false, _) if spec.plus => ("+", ""),
        (false, _) if spec.space => (" ", ""),
        (false, _) => ("", ""),
    };
    if spec.zero {
        let width = spec.width.unwrap_or(0).saturating_sub(before.len() + behind.len());
        return format!("{before}{}{behind}", fill::behind(&digits, '0', width));
    }
    pad(format!("{before}{digits}{behind}"), spec)
}

/// Commas between thousands of the part before the point.
fn grouped(digits: &str) -> String {
    let (before, behind) = digits.split_at_checked(digits.find('.').unwrap_or(digits.len())).unwrap_or((digits, ""));
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, c) in before.chars().enumerate() {
        if at > 0 && (before.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out + behind
}

/// `%e`, `%f`, `%g`: the digits that the number is shown with, rounded half up.
fn fractional(letter: char, spec: &Spec, value: f64, digits: &Digits) -> String {
    if !value.is_finite() {
        let text = if value.is_nan() { "NaN".to_owned() } else { "Infinity".to_owned() };
        let spec = Spec {
            zero: false,
            plus: spec.plus && !value.is_nan(),
            space: spec.space && !value.is_nan(),
            width: spec.width,
            left: spec.left,
            parentheses: spec.parentheses,
            ..Spec::default()
        };
        return signed(value < 0.0, text, &spec);
    }
    let precision = spec.precision.unwrap_or(6);
    let made = match letter.to_ascii_lowercase() {
        'f' => digits.fixed(precision),
        'e' => scientific(digits, precision, spec.alternate),
        _ => {
            // As many digits as the precision says, at least one, and the shorter of the two forms by the size.
            let precision = precision.max(1);
            let rounded = digits.significant(precision);
            let exponent = rounded.exponent();
            let wanted = i64::try_from(precision).unwrap_or(i64::MAX);
            if rounded.is_zero() || (-4..wanted).contains(&exponent) {
                let exponent = if rounded.is_zero() { 0 } else { exponent };
                rounded.fixed(usize::try_from(wanted - exponent - 1).unwrap_or(0))
            } else {
                scientific(&rounded, precision - 1, false)
            }
        }
    };
    let made = if spec.grouped { grouped(&made) } else { made };
    let made = if spec.alternate && !made.contains('.') && letter.eq_ignore_ascii_case(&'f') { made + "." } else { made };
    signed(value.is_sign_negative(), made, spec)
}

fn scientific(digits: &Digits, precision: usize, point: bool) -> String {
    let rounded = digits.significant(precision + 1);
    let exponent = if rounded.is_zero() { 0 } else { rounded.exponent() };
    let mut out = rounded.mantissa(precision);
    if point && precision == 0 {
        out.push('.');
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "e{sign}{:02}", exponent.abs());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (format, values, wanted) in [
            ("Hello World %d %s", vec![Value::Whole(100, 32), text("days")], "Hello World 100 days"),
            ("%2$s %1$s %<s %s", vec![text("a"), text("b")], "b a a a"),
            (
                "%5d|%-5d|%05d|%,d",
                vec![Value::Whole(42, 32), Value::Whole(42, 32), Value::Whole(-42, 32), Value::Whole(1_234_567, 64)],
                "   42|42   |-0042|1,234,567",
            ),
            ("%.2f %.0f %f", vec![Value::Double(1.005), Value::Double(0.5), Value::Double(1e10)], "1.01 1 10000000000.000000"),
            ("%e %.1E", vec![Value::Double(12345.678), Value::Double(0.00125)], "1.234568e+04 1.3E-03"),
            ("%g %g", vec![Value::Double(0.0001), Value::Double(1e7)], "0.000100000 1.00000e+07"),
            ("%x %X %#o", vec![Value::Whole(-1, 8), Value::Whole(255, 32), Value::Whole(8, 32)], "ff FF 010"),
            ("%s %b %c%%%n", vec![Value::Null, Value::Null, Value::Whole(65, 32)], "null false A%\n"),
            ("%.2s|%4s|%s", vec![text("abc"), text("é"), Value::Double(1.0)], "ab|   é|1.0"),
            ("%(d %+d", vec![Value::Whole(-5, 32), Value::Whole(5, 32)], "(5) +5"),
        ] {
            assert_eq!(fill(format, &values).as_deref(), Ok(wanted), "{format}");
        }
        for format in ["%d", "%", "%q", "%5"] {
            assert!(fill(format, &[text("a")]).is_err(), "{format}");
        }
    }
}
