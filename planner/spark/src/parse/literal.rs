//! Constants: numbers with their suffixes, strings with their escapes, and typed texts such as `DATE '2020-01-01'`.

use super::datetime::{self, Moment};
use super::interval;
use super::keywords::Keyword;
use super::lexer::{Token, TokenKind};
use super::parser::{Parser, inner};
use crate::Result;
use crate::plan::{Expression, ExpressionKind, Literal, Span};
use crate::types::SparkType;

/// A string token's text without its quotes and escapes.
pub(super) fn unescape(token: &str, drop_double_quotes: bool) -> String {
    let first = token.bytes().next().unwrap_or(b'\'');
    if matches!(first, b'r' | b'R') {
        return inner(token, 2).to_owned();
    }
    let body = inner(token, 1);
    if !body.bytes().any(|b| b == b'\\' || b == first) {
        return body.to_owned();
    }
    let quote = char::from(first);
    // Escapes may give halves of surrogate pairs, which join: so it is UTF-16 on the way.
    let mut units: Vec<u16> = Vec::with_capacity(body.len());
    let push = |units: &mut Vec<u16>, c: char| units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or("");
        if c == quote && rest.starts_with(quote) {
            rest = rest.get(1..).unwrap_or("");
            if !drop_double_quotes {
                push(&mut units, quote);
            }
        } else if c == '\\' && !rest.is_empty() {
            rest = escape(rest, &mut units);
        } else {
            push(&mut units, c);
        }
    }
    String::from_utf16_lossy(&units)
}

/// Takes what follows a backslash.
fn escape<'a>(rest: &'a str, units: &mut Vec<u16>) -> &'a str {
    let digits = |from: usize, length: usize, radix: u32| {
        let digits = rest.get(from..from + length).filter(|d| d.chars().all(|c| c.is_digit(radix)))?;
        Some((u32::from_str_radix(digits, radix).ok()?, rest.get(from + length..)?))
    };
    let first = rest.chars().next().unwrap_or('\\');
    let after_first = rest.get(first.len_utf8()..).unwrap_or("");
    let plain = match first {
        'u' => match digits(1, 4, 16) {
            Some((code, after)) => {
                units.push(u16::try_from(code).unwrap_or(0xfffd));
                return after;
            }
            None => 'u',
        },
        'U' => match digits(1, 8, 16) {
            Some((code, after)) => {
                match (u16::try_from(code), char::from_u32(code)) {
                    (Ok(unit), _) => units.push(unit),
                    (_, Some(c)) => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
                    _ => units.push(0xfffd),
                }
                return after;
            }
            None => 'U',
        },
        '0' | '1' => match digits(0, 3, 8) {
            Some((code, after)) => {
                units.push(u16::try_from(code).unwrap_or(0xfffd));
                return after;
            }
            None if first == '0' => '\0',
            None => '1',
        },
        'b' => '\u{8}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'Z' => '\u{1a}',
        '%' | '_' => {
            units.push(u16::from(b'\\'));
            first
        }
        other => other,
    };
    units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    after_first
}

/// Digits × 10^-scale of a text as in `-12.5e3`, as Java's `BigDecimal` and Spark's `Decimal` have it: (value, precision, scale).
/// `None` for more than 38 digits.
pub(super) fn decimal(text: &str) -> Option<(i128, u8, u8)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.len() > 38 {
        return None;
    }
    let mut value: i128 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    let mut precision = significant.len().max(1) as i64;
    let mut scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if scale < 0 {
        let zeros = u32::try_from(-scale).ok().filter(|z| *z <= 38)?;
        value = value.checked_mul(10_i128.checked_pow(zeros)?)?;
        precision += i64::from(zeros);
        scale = 0;
    }
    precision = precision.max(scale);
    (precision <= 38).then_some(())?;
    Some((if negative { -value } else { value }, u8::try_from(precision).ok()?, u8::try_from(scale).ok()?))
}

impl Parser<'_> {
    /// A string as an expression.
    pub(super) fn string_literal(&mut self) -> Expression {
        let start = self.index();
        let mut text = String::new();
        while self.at_string() {
            let token = self.advance();
            let own = self.text_of(token);
            if self.options.escaped_string_literals {
                let prefix = if matches!(own.bytes().next(), Some(b'r' | b'R')) { 2 } else { 1 };
                text.push_str(inner(own, prefix));
            } else {
                text.push_str(&unescape(own, self.options.consecutive_string_literals));
            }
        }
        Expression::literal(text).at(self.span_from(start))
    }

    /// A number as an expression, with a `-` before it perhaps.
    pub(super) fn number_literal(&mut self) -> Expression {
        let start = self.index();
        let negative = self.take_symbol("-");
        let token = self.advance();
        let span = self.span_from(start);
        let literal = self.number(token, negative, span);
        Expression { kind: ExpressionKind::Literal(literal), span: Some(span) }
    }

    fn number(&mut self, token: Token, negative: bool, span: Span) -> Literal {
        let own = self.text_of(token);
        let suffix = match token.kind {
            TokenKind::Integer | TokenKind::Exponent | TokenKind::Decimal => 0,
            TokenKind::BigDecimal => 2,
            _ => 1,
        };
        let digits = own.get(..own.len() - suffix).unwrap_or(own);
        let text = if negative { format!("-{digits}") } else { digits.to_owned() };
        let found = match token.kind {
            TokenKind::Byte => text.parse().ok().map(Literal::Byte),
            TokenKind::Short => text.parse().ok().map(Literal::Short),
            TokenKind::Long => text.parse().ok().map(Literal::Long),
            TokenKind::Float => text.parse().ok().filter(|v: &f32| v.is_finite()).map(Literal::Float),
            TokenKind::Double => text.parse().ok().filter(|v: &f64| v.is_finite()).map(Literal::Double),
            TokenKind::Exponent if !self.options.exponent_literal_as_decimal => {
                text.parse().ok().filter(|v: &f64| v.is_finite()).map(Literal::Double)
            }
            TokenKind::Integer => {
                let small = text.parse().ok().map(Literal::Integer);
                return small.or_else(|| text.parse().ok().map(Literal::Long)).unwrap_or_else(|| self.decimal_literal(&text, span));
            }
            _ => return self.decimal_literal(&text, span),
        };
        found.unwrap_or_else(|| {
            let (name, lowest, highest) = match token.kind {
                TokenKind::Byte => ("tinyint", "-128", "127"),
                TokenKind::Short => ("smallint", "-32768", "32767"),
                TokenKind::Long => ("bigint", "-9223372036854775808", "9223372036854775807"),
                TokenKind::Float => ("float", "-3.4028234663852886E+38", "3.4028234663852886E+38"),
                _ => ("double", "-1.7976931348623157E+308", "1.7976931348623157E+308"),
            };
            let message = format!("{text} is no {name}: it must lie between {lowest} and {highest}");
            let e = self.refuse("INVALID_NUMERIC_LITERAL_RANGE", message, Some(span));
            let e = e.with_parameter("rawStrippedQualifier", &text).with_parameter("typeName", name);
            self.complain(e.with_parameter("minValue", lowest).with_parameter("maxValue", highest));
            Literal::Null(SparkType::Null)
        })
    }

    fn decimal_literal(&mut self, text: &str, span: Span) -> Literal {
        match decimal(text) {
            Some((value, precision, scale)) => Literal::Decimal { value, precision, scale },
            None => {
                let message = format!("{text} has more than 38 digits, which no decimal holds: write it as a double, with a D behind it");
                let e = self.refuse("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", message, Some(span));
                self.complain(e.with_parameter("maxPrecision", 38));
                Literal::Null(SparkType::Null)
            }
        }
    }

    /// `DATE '2020-01-01'`: a word and a string behind it.
    pub(super) fn typed_literal(&mut self) -> Result<Expression> {
        let start = self.index();
        let word = self.advance();
        let text = self.single_string()?;
        let span = self.span_from(start);
        let name = self.text_of(word).to_uppercase();
        let zone = &self.options.time_zone;
        let typed = |literal: Option<Literal>| literal.or_else(|| special(&name, &text));
        let found = match word.keyword() {
            Some(Keyword::DATE) => typed(datetime::date(&text).map(Literal::Date)),
            Some(Keyword::TIME) => datetime::time(&text).map(|nanos| Literal::Time(nanos, 6)),
            Some(Keyword::TIMESTAMP_NTZ) => typed(datetime::timestamp(&text).and_then(Moment::local).map(Literal::TimestampNtz)),
            Some(Keyword::TIMESTAMP_LTZ) => typed(datetime::timestamp(&text).and_then(|m| m.instant(zone)).map(Literal::Timestamp)),
            Some(Keyword::TIMESTAMP) => typed(datetime::timestamp(&text).and_then(|moment| {
                if self.options.timestamp_is_ntz && moment.zone.is_none() {
                    moment.local().map(Literal::TimestampNtz)
                } else {
                    moment.instant(zone).map(Literal::Timestamp)
                }
            })),
            Some(Keyword::X) => hexadecimal(&text).map(Literal::Binary),
            Some(Keyword::INTERVAL) => return Ok(self.interval_of_text(&text, start)),
            _ => {
                let message = format!("there are no literals of type {name}: take CAST('…' AS {name})");
                let e = self.refuse("UNSUPPORTED_TYPED_LITERAL", message, Some(span));
                self.complain(e.with_parameter("unsupportedType", format!("\"{name}\"")));
                return Ok(Expression::literal(text).at(span));
            }
        };
        let literal = found.unwrap_or_else(|| {
            let message = format!("'{text}' is no {name}: write it as in {}", example(&name));
            let e = self.refuse("INVALID_TYPED_LITERAL", message, Some(span));
            self.complain(e.with_parameter("valueType", format!("\"{name}\"")).with_parameter("value", format!("'{text}'")));
            Literal::Null(SparkType::Null)
        });
        Ok(Expression { kind: ExpressionKind::Literal(literal), span: Some(span) })
    }

    fn interval_of_text(&mut self, text: &str, start: usize) -> Expression {
        let span = self.span_from(start);
        let Ok(value) = interval::parse_interval_text(text) else {
            let message = format!("'{text}' is no interval: write it as in INTERVAL '1 day 2 hours'");
            let e = self.refuse("INVALID_TYPED_LITERAL", message, Some(span));
            self.complain(e.with_parameter("valueType", "\"INTERVAL\"").with_parameter("value", format!("'{text}'")));
            return Expression::literal(Literal::Null(SparkType::Null)).at(span);
        };
        let units: Vec<String> = text
            .split_whitespace()
            .map(|word| word.to_lowercase().trim_end_matches('s').to_owned())
            .filter(|word| word != "interval" && !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
            .collect();
        self.interval_of_units(value, &units, start)
    }
}

/// Texts that name a moment: those that need a clock are left to the resolver.
fn special(type_name: &str, text: &str) -> Option<Literal> {
    let word = text.trim();
    let letters = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
    let (word, zone) = word.split_at(letters);
    let word = word.to_ascii_lowercase();
    let zone = zone.trim();
    if !zone.is_empty() && (word == "now" || crate::types::TimeZone::parse(zone).is_err()) {
        return None;
    }
    match (word.as_str(), type_name) {
        ("epoch", "DATE") => Some(Literal::Date(0)),
        ("epoch", "TIMESTAMP_NTZ") => Some(Literal::TimestampNtz(0)),
        ("epoch" | "now" | "today" | "tomorrow" | "yesterday", _) => {
            Some(Literal::TypedText { type_name: type_name.to_owned(), text: word })
        }
        _ => None,
    }
}

fn example(type_name: &str) -> &'static str {
    match type_name {
        "DATE" => "DATE '2020-01-31'",
        "TIME" => "TIME '12:30:00'",
        "X" => "X'1F00'",
        _ => "TIMESTAMP '2020-01-31 12:30:00'",
    }
}

/// The bytes of hexadecimal digits; an odd number of them has a zero in front.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let padded = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    hex::decode(padded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let cases = [
            (r"'plain'", "plain"),
            (r"'it''s'", "it's"),
            (r#""a""b""#, "a\"b"),
            (r"'a\nb\tc\\d\'e'", "a\nb\tc\\d'e"),
            (r"'\u0041\U00000042\103'", "ABC"),
            (r"'\ud83d\ude00 \U0001F600'", "😀 😀"),
            (r"'\0\1\9'", "\u{0}19"),
            (r"'50\%\_x'", r"50\%\_x"),
            (r"r'a\nb'", r"a\nb"),
            (r#"R"a'b""#, "a'b"),
            (r"'\u00zz'", "u00zz"),
            (r"'größe\é'", "größeé"),
        ];
        for (token, expected) in cases {
            assert_eq!(unescape(token, false), expected, "{token}");
        }
        assert_eq!(unescape("'a''b'", true), "ab");
    }

    #[test]
    fn decimals() {
        let cases = [
            ("1.0", Some((10, 2, 1))),
            ("0.01", Some((1, 2, 2))),
            ("-12.50", Some((-1250, 4, 2))),
            ("1e3", Some((1000, 4, 0))),
            ("1.5e-3", Some((15, 4, 4))),
            (".5", Some((5, 1, 1))),
            ("0", Some((0, 1, 0))),
            ("99999999999999999999999999999999999999", Some((99_999_999_999_999_999_999_999_999_999_999_999_999, 38, 0))),
            ("100000000000000000000000000000000000000", None),
            ("1e999999999999999999999", None),
            ("1e40", None),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text), expected, "{text}");
        }
    }
}
