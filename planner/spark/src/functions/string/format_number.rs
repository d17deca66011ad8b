//! `format_number`: numbers in the patterns of `java.text.DecimalFormat`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use super::column::{ints, row, strings, takes, text};
use super::digits::{Digits, Rounding};
use super::fill;
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs};
use crate::types::SparkType;
use crate::{Result, Typed};

/// The most digits behind the point that Java writes of a number that is no decimal.
const MOST_DIGITS: usize = 340;

const DEFAULT: &str = "#,###,###,###,###,###,##0";

pub(in crate::functions) const ROWS: &[Function] = &[row(
    "format_number",
    "format_number(expr1, expr2) - The number with commas between thousands, rounded half even to `expr2` digits behind the point; or by \
     a pattern `expr2` as of Java's DecimalFormat.",
    &[
        ("SELECT format_number(12332.123456, 4)", "12,332.1235"),
        ("SELECT format_number(12332.123456, '##################.###')", "12332.123"),
    ],
    format_number,
)];

fn format_number(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let number = takes(call, 0, SparkType::is_numeric, &SparkType::Double, "\"NUMERIC\"")?;
    let wanted = "(\"INT\" or \"STRING\")";
    let digits = takes(call, 1, |t| *t == SparkType::Integer || t.is_string(), &SparkType::Integer, wanted)?;
    Ok(call.scalar(kernel, vec![number, digits], SparkType::String, true))
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let Some(numbers) = args.arrays.first() else { return Err(error("INTERNAL_ERROR", "the number is missing")) };
    if let Ok(patterns) = text(args, 1) {
        let mut last: Option<(&str, Pattern)> = None;
        return strings(args, |row| {
            let wanted = patterns.value(row);
            let pattern = match &last {
                Some((known, pattern)) if *known == wanted => pattern.clone(),
                _ => {
                    let pattern = Pattern::parse(if wanted.is_empty() { DEFAULT } else { wanted }).map_err(|problem| {
                        let message = format!("`format_number` cannot use the pattern '{wanted}': {problem}");
                        error("INVALID_PARAMETER_VALUE.PATTERN", message)
                    })?;
                    last = Some((wanted, pattern.clone()));
                    pattern
                }
            };
            Ok(number(numbers, row).map(|number| pattern.format(&number)))
        });
    }
    let digits = ints(args, 1)?;
    let decimal = matches!(numbers.data_type(), DataType::Decimal128(..));
    strings(args, |row| {
        let Ok(digits) = usize::try_from(digits.value(row)) else { return Ok(None) };
        // Zeros without end are of no use; Java stops at this many as well, but for decimals.
        let digits = digits.min(if decimal { 100_000 } else { MOST_DIGITS });
        let pattern = Pattern { least_before: 1, least_behind: digits, most_behind: digits, group: 3, ..Pattern::default() };
        Ok(number(numbers, row).map(|number| pattern.format(&number)))
    })
}

/// A number as its digits.
struct Number {
    negative: bool,
    digits: Digits,
    /// Text for what has no digits.
    odd: Option<&'static str>,
}

fn number(column: &ArrayRef, row: usize) -> Option<Number> {
    let whole = |value: i64| Number { negative: value < 0, digits: Digits::of_decimal(i128::from(value), 0), odd: None };
    let double = |value: f64| Number {
        negative: value.is_sign_negative() && !value.is_nan(),
        digits: if value.is_finite() { Digits::exact(value) } else { Digits::of_decimal(0, 0) },
        odd: if value.is_nan() {
            Some("NaN")
        } else if value.is_infinite() {
            Some("∞")
        } else {
            None
        },
    };
    Some(match column.data_type() {
        DataType::Int8 => whole(i64::from(column.as_primitive_opt::<Int8Type>()?.value(row))),
        DataType::Int16 => whole(i64::from(column.as_primitive_opt::<Int16Type>()?.value(row))),
        DataType::Int32 => whole(i64::from(column.as_primitive_opt::<Int32Type>()?.value(row))),
        DataType::Int64 => whole(column.as_primitive_opt::<Int64Type>()?.value(row)),
        DataType::Float32 => double(f64::from(column.as_primitive_opt::<Float32Type>()?.value(row))),
        DataType::Float64 => double(column.as_primitive_opt::<Float64Type>()?.value(row)),
        DataType::Decimal128(_, scale) => {
            let value = column.as_primitive_opt::<Decimal128Type>()?.value(row);
            Number { negative: value < 0, digits: Digits::of_decimal(value, u8::try_from(*scale).ok()?), odd: None }
        }
        _ => return None,
    })
}

/// A pattern that was read.
#[derive(Debug, Clone, Default, PartialEq)]
struct Pattern {
    prefix: String,
    suffix: String,
    /// Before and behind negative numbers, where the pattern says so.
    negative: Option<(String, String)>,
    least_before: usize,
    least_behind: usize,
    most_behind: usize,
    /// Digits between commas; 0 for none.
    group: usize,
    /// Per cent and per mille: the power of ten that they multiply with.
    shift: i64,
    /// Whether a point stands also without digits behind it.
    point: bool,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let (positive, negative) = halves(text);
        let mut pattern = Self::half(&positive)?;
        if let Some(negative) = negative {
            let half = Self::half(&negative)?;
            if (&half.prefix, &half.suffix) != (&pattern.prefix, &pattern.suffix) {
                pattern.negative = Some((half.prefix, half.suffix));
            }
        }
        Ok(pattern)
    }

    fn half(text: &str) -> Result<Self, String> {
        let mut out = Self::default();
        let (mut before, mut zeros, mut behind) = (0usize, 0usize, 0usize);
        let (mut point, mut group): (Option<usize>, Option<usize>) = (None, None);
        // 0 before the digits, 1 in them, 2 behind.
        let mut phase = 0;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let digit = matches!(c, '#' | '0' | ',' | '.');
            if phase < 2 && digit {
                phase = 1;
                match c {
                    '#' if zeros > 0 => behind += 1,
                    '#' => before += 1,
                    '0' if behind > 0 => return Err("a `0` stands behind a `#`".to_owned()),
                    '0' => zeros += 1,
                    ',' => group = Some(0),
                    _ if point.is_some() => return Err("it has two points".to_owned()),
                    _ => point = Some(before + zeros + behind),
                }
                if matches!(c, '#' | '0')
                    && point.is_none()
                    && let Some(count) = &mut group
                {
                    *count += 1;
                }
                continue;
            }
            if digit {
                return Err(format!("`{c}` stands behind the digits: put it in single quotes"));
            }
            if phase == 1 && c == 'E' {
                return Err("exponents are not supported".to_owned());
            }
            if phase == 1 {
                phase = 2;
            }
            let affix = if phase == 0 { &mut out.prefix } else { &mut out.suffix };
            match c {
                '\'' if chars.next_if_eq(&'\'').is_some() => affix.push('\''),
                '\'' => loop {
                    match chars.next() {
                        Some('\'') if chars.next_if_eq(&'\'').is_some() => affix.push('\''),
                        Some('\'') => break,
                        Some(c) => affix.push(c),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                },
                '%' => {
                    out.shift = 2;
                    affix.push(c);
                }
                '‰' => {
                    out.shift = 3;
                    affix.push(c);
                }
                '¤' => affix.push('$'),
                _ => affix.push(c),
            }
        }
        if group == Some(0) {
            return Err("a comma stands behind the digits".to_owned());
        }
        if let (0, 1.., Some(at)) = (zeros, before, point) {
            // `#.##`: of the signs before the point the last one stands for a digit that is always there.
            let left = at.max(1);
            behind = before.saturating_sub(left);
            before = left - 1;
            zeros = 1;
        }
        let all = before + zeros + behind;
        match point {
            None if behind > 0 => return Err("a `#` stands behind a `0` without a point between them".to_owned()),
            Some(at) if at < before || at > before + zeros => return Err("the point stands in a wrong place".to_owned()),
            _ => {}
        }
        let left = point.unwrap_or(all);
        out.least_before = left.saturating_sub(before);
        out.most_behind = (all - left.min(all)).min(MOST_DIGITS);
        out.least_behind = if point.is_some() { (before + zeros).saturating_sub(left) } else { 0 };
        out.group = group.unwrap_or(0);
        out.point = point == Some(0) || point == Some(all);
        Ok(out)
    }

    fn format(&self, number: &Number) -> String {
        if number.odd == Some("NaN") {
            return "NaN".to_owned();
        }
        let minus = (format!("-{}", self.prefix), self.suffix.clone());
        let (prefix, suffix) = match (&self.negative, number.negative) {
            (Some((prefix, suffix)), true) => (prefix.as_str(), suffix.as_str()),
            (None, true) => (minus.0.as_str(), minus.1.as_str()),
            _ => (self.prefix.as_str(), self.suffix.as_str()),
        };
        if let Some(odd) = number.odd {
            return format!("{prefix}{odd}{suffix}");
        }
        let (before, behind) = number.digits.clone().shifted(self.shift).behind_point(self.most_behind, Rounding::HalfEven).parts();
        let mut out = String::from(prefix);
        let before = fill::behind(&before, '0', self.least_before);
        let behind = fill::before(&behind, '0', self.least_behind);
        for (at, c) in before.chars().enumerate() {
            if at > 0 && self.group > 0 && (before.len() - at).is_multiple_of(self.group) {
                out.push(',');
            }
            out.push(c);
        }
        if before.is_empty() && behind.is_empty() {
            out.push('0');
        }
        if !behind.is_empty() || self.point {
            out.push('.');
        }
        out.push_str(&behind);
        out.push_str(suffix);
        out
    }
}

/// The pattern's part for positive numbers, and the one for negative ones behind a `;`.
fn halves(text: &str) -> (String, Option<String>) {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            ';' if !quoted => {
                let (positive, negative) = text.split_at_checked(at).unwrap_or((text, ""));
                return (positive.to_owned(), Some(negative.trim_start_matches(';').to_owned()));
            }
            _ => {}
        }
    }
    (text.to_owned(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> Number {
        Number { negative: value.is_sign_negative(), digits: Digits::exact(value), odd: None }
    }

    #[test]
    fn patterns() {
        for (pattern, value, wanted) in [
            ("##################.###", 12_332.123_456, "12332.123"),
            (DEFAULT, 12332.5, "12,332"),
            (DEFAULT, 12333.5, "12,334"),
            ("#.##", 0.5, "0.5"),
            ("#.00", 0.5, ".50"),
            ("0.0%", 0.125, "12.5%"),
            ("$#,##0.00;($#,##0.00)", -1234.5, "($1,234.50)"),
            ("0", -0.3, "-0"),
            ("'#'0", 7.0, "#7"),
            ("#", 0.0, "0"),
            ("000.0", 1.25, "001.2"),
        ] {
            assert_eq!(Pattern::parse(pattern).map(|p| p.format(&double(value))).as_deref(), Ok(wanted), "{pattern} {value}");
        }
        for pattern in ["0#", "#.0#0", "0.0.0", "'", "#,"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
