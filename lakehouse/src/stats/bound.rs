//! Bounds out of the log: read from the text that some writer put there, and widened by what the writer may have lost.
//!
//! | type | what writers do to the least and the greatest value | the bound |
//! |---|---|---|
//! | whole numbers | print it | exact; with a point or an exponent it went through a double: unknown |
//! | decimals | print all digits, or some, or those of a double | see [`decimal::range`] |
//! | floats | print it; a float's digits may stand for a double column | what the text is as a double and as a float; both zeros |
//! | dates | print it | exact |
//! | timestamps | cut it, to milliseconds mostly | the greatest by what the cut took |
//! | texts | cut it, and mark the greatest or not | the least as it is, the greatest with all texts that begin so |
//! | others | print it in forms of their own | unknown |

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;

use super::decimal;

/// Which end of a column's values a bound keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

/// The bound that a JSON value says; nothing where none is certain.
pub(super) fn read(json: &str, data_type: &DataType, end: End) -> Option<ScalarValue> {
    let quoted = if json.starts_with('"') { Some(serde_json::from_str::<String>(json).ok()?) } else { None };
    let text = quoted.as_deref().unwrap_or(json);
    Some(match data_type {
        DataType::Int8 => ScalarValue::Int8(Some(text.parse().ok()?)),
        DataType::Int16 => ScalarValue::Int16(Some(text.parse().ok()?)),
        DataType::Int32 => ScalarValue::Int32(Some(text.parse().ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(text.parse().ok()?)),
        // NaN is greater than every number, and writers leave it out of their bounds.
        DataType::Float32 | DataType::Float64 if end == End::Max => return None,
        DataType::Float32 => {
            let value: f32 = text.parse().ok().filter(|v: &f32| v.is_finite() || v.is_infinite() && quoted.is_some())?;
            let zero = if end == End::Min { -0.0 } else { 0.0 };
            ScalarValue::Float32(Some(if value == 0.0 { zero } else { value }))
        }
        DataType::Float64 => {
            let value: f64 = text.parse().ok().filter(|v: &f64| v.is_finite() || v.is_infinite() && quoted.is_some())?;
            let zero = if end == End::Min { -0.0 } else { 0.0 };
            ScalarValue::Float64(Some(if value == 0.0 { zero } else { or_float(text, value, end) }))
        }
        DataType::Decimal128(precision, scale) => {
            let (low, high) = decimal::range(text, *precision, *scale)?;
            let units = if end == End::Min { low } else { high };
            ScalarValue::Decimal128(Some(units?), *precision, *scale)
        }
        DataType::Date32 => ScalarValue::Date32(Some(parse_date(text)?)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            ScalarValue::TimestampMicrosecond(Some(timestamp(text, zone.is_some(), end)?), zone.clone())
        }
        DataType::Utf8 => {
            let text = quoted?;
            ScalarValue::Utf8(Some(if end == End::Min { floor(&text).to_owned() } else { ceiling(&text)? }))
        }
        _ => return None,
    })
}

/// The bound of a column of doubles. Where a file's column is one of floats (the table's was widened, or the table was made over
/// older files), its writer printed a float: 0.1 stands for 0.10000000149011612. A float never takes more than nine digits.
fn or_float(text: &str, value: f64, end: End) -> f64 {
    let number = text.split(['e', 'E']).next().unwrap_or(text);
    let number = number.trim_start_matches(['-', '+', '0', '.']).trim_end_matches(['0', '.']);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    match text.parse::<f32>() {
        Ok(float) if digits <= 9 && float.is_finite() => match end {
            End::Min => value.min(f64::from(float)),
            End::Max => value.max(f64::from(float)),
        },
        _ => value,
    }
}

/// The last of Java's time zones with seconds in its offset went in 1972: 1973-01-01, seconds since the Unix epoch.
const WHOLE_MINUTES_SINCE_S: i64 = 94_694_400;

/// The bound of a column of timestamps, microseconds since the Unix epoch. Writers cut what is beyond the last digit that they
/// print, and Spark prints an offset without its seconds.
fn timestamp(text: &str, zoned: bool, end: End) -> Option<i64> {
    let (micros, offset) = match (DateTime::parse_from_rfc3339(text).ok(), zoned) {
        (Some(time), true) => (time.timestamp_micros(), time.offset().local_minus_utc()),
        (Some(time), false) if time.offset().local_minus_utc() == 0 => (time.timestamp_micros(), 0),
        (None, false) => (parse_timestamp_us(text)?, 0),
        // A time of day without its zone, or with one that the column does not have, may be any.
        _ => return None,
    };
    let offset_us = if offset != 0 && micros < WHOLE_MINUTES_SINCE_S * 1_000_000 { 60_000_000 } else { 0 };
    match end {
        End::Min => micros.checked_sub(offset_us),
        End::Max => {
            let digits = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
            let cut_us = 10_i64.pow(6_u32.saturating_sub(digits as u32)) - 1;
            micros.checked_add(cut_us)?.checked_add(offset_us)
        }
    }
}

/// Spark keeps so many of Java's characters of a text, of which some of ours take two.
const WHOLE_UNITS: usize = 32;

/// What stands for bytes that are no character, and ends what Spark before 3.5 cut.
const NO_CHARACTER: char = '\u{fffd}';

/// A text that none of the column is smaller than: any beginning of the least will do.
fn floor(text: &str) -> &str {
    text.trim_end_matches(NO_CHARACTER)
}

/// A text that none of the column exceeds, where the log may have but the beginning of the greatest: writers cut at lengths of
/// their own, with a mark and without. Spark before 3.5 may cut a character in two and print its half as a question mark, so the last
/// character and the mark are let go.
fn ceiling(text: &str) -> Option<String> {
    let mut units = 0;
    let mut beyond = |c: char| {
        units += c.len_utf16();
        units >= WHOLE_UNITS
    };
    let kept = text.char_indices().find(|(_, c)| beyond(*c)).map_or(text, |(end, _)| &text[..end]);
    let kept = if text.ends_with(NO_CHARACTER) { kept.trim_end_matches([NO_CHARACTER, '?']) } else { kept };
    // The greatest character is one of Unicode's "noncharacters", so no text goes on with it.
    (!kept.is_empty()).then(|| format!("{kept}{}", char::MAX).max(text.to_owned()))
}

/// Days since the Unix epoch.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.to_epoch_days())
}

/// Microseconds since the Unix epoch, of a text with or without a zone.
pub(crate) fn parse_timestamp_us(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok()).map(|t| t.and_utc().timestamp_micros())
}
