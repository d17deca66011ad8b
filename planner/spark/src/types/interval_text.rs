//! Intervals as text: ANSI ones (`INTERVAL '1 02:03:04.5' DAY TO SECOND`) and calendar intervals (`1 years 2 days`).

use std::fmt::Write as _;

use super::civil::{MICROS_PER_DAY, MICROS_PER_SECOND};
use super::number_text::trim_all;
use super::{DayTimeField, YearMonthField};
use crate::Result;
use crate::error::error;

/// Microseconds of an hour.
pub const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// Microseconds of a minute.
pub const MICROS_PER_MINUTE: i64 = 60_000_000;

impl DayTimeField {
    /// How many microseconds one is.
    pub fn micros(self) -> i64 {
        match self {
            Self::Day => MICROS_PER_DAY,
            Self::Hour => MICROS_PER_HOUR,
            Self::Minute => MICROS_PER_MINUTE,
            Self::Second => MICROS_PER_SECOND,
        }
    }
}

impl YearMonthField {
    /// How many months one is.
    pub fn months(self) -> i32 {
        match self {
            Self::Year => 12,
            Self::Month => 1,
        }
    }
}

/// `INTERVAL '1-2' YEAR TO MONTH`
pub fn year_month_text(months: i32, start: YearMonthField, end: YearMonthField) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let (years, rest) = (months.unsigned_abs() / 12, months.unsigned_abs() % 12);
    match (start, end) {
        (YearMonthField::Year, YearMonthField::Year) => format!("INTERVAL '{sign}{years}' YEAR"),
        (YearMonthField::Month, _) => format!("INTERVAL '{months}' MONTH"),
        _ => format!("INTERVAL '{sign}{years}-{rest}' YEAR TO MONTH"),
    }
}

/// `INTERVAL '1 02:03:04.5' DAY TO SECOND`
pub fn day_time_text(micros: i64, start: DayTimeField, end: DayTimeField) -> String {
    let mut out = String::from("INTERVAL '");
    if micros < 0 {
        out.push('-');
    }
    let mut rest = micros.unsigned_abs();
    for (field, first, next) in
        [(DayTimeField::Day, "", ""), (DayTimeField::Hour, "", " "), (DayTimeField::Minute, "", ":"), (DayTimeField::Second, "", ":")]
    {
        if field < start || field > end {
            continue;
        }
        out.push_str(if field == start { first } else { next });
        let unit = field.micros().unsigned_abs();
        let count = rest / unit;
        rest %= unit;
        let _ = if field == DayTimeField::Day { write!(out, "{count}") } else { write!(out, "{count:02}") };
        if field == DayTimeField::Second {
            write_fraction(&mut out, rest);
        }
    }
    out.push_str("' ");
    out.push_str(&start.to_string().to_uppercase());
    if start != end {
        let _ = write!(out, " TO {}", end.to_string().to_uppercase());
    }
    out
}

/// `.5` for 500000 microseconds.
fn write_fraction(out: &mut String, micros: u64) {
    if micros > 0 {
        let digits = format!("{micros:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// Hive's form: `1-2`.
pub fn year_month_hive_text(months: i32) -> String {
    let sign = if months < 0 { "-" } else { "" };
    format!("{sign}{}-{}", months.unsigned_abs() / 12, months.unsigned_abs() % 12)
}

/// Hive's form: `1 02:03:04.500000000`.
pub fn day_time_hive_text(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let rest = micros.unsigned_abs();
    let seconds = rest / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{sign}{days} {hours:02}:{minutes:02}:{:02}.{:09}", seconds % 60, rest % 1_000_000 * 1000)
}

/// `1 years 2 months 3 days 4 hours 5 minutes 6.7 seconds`, `0 seconds`
pub fn calendar_text(months: i32, days: i32, micros: i64) -> String {
    let mut parts = Vec::new();
    let mut unit = |count: i64, name: &str| {
        if count != 0 {
            parts.push(format!("{count} {name}"));
        }
    };
    unit(i64::from(months / 12), "years");
    unit(i64::from(months % 12), "months");
    unit(i64::from(days), "days");
    unit(micros / MICROS_PER_HOUR, "hours");
    unit(micros % MICROS_PER_HOUR / MICROS_PER_MINUTE, "minutes");
    let rest = micros % MICROS_PER_MINUTE;
    if rest != 0 {
        let mut text = String::new();
        let _ = write!(text, "{}{}", if rest < 0 { "-" } else { "" }, rest.unsigned_abs() / 1_000_000);
        write_fraction(&mut text, rest.unsigned_abs() % 1_000_000);
        parts.push(format!("{text} seconds"));
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

/// The text of an interval taken apart: `INTERVAL -'…' DAY TO SECOND`, or only what stands between the quotes.
struct Written<'a> {
    negative: bool,
    body: &'a str,
    /// The fields, if they are said.
    fields: Option<(String, String)>,
}

fn written(text: &str) -> Option<Written<'_>> {
    let text = trim_all(text);
    let quoted = text.get(..8).filter(|word| word.eq_ignore_ascii_case("interval")).is_some();
    if !quoted {
        let (negative, body) = sign(text);
        return Some(Written { negative, body, fields: None });
    }
    let rest = text.get(8..)?;
    let trimmed = rest.trim_start();
    if trimmed.len() == rest.len() {
        return None;
    }
    let (outer, trimmed) = sign(trimmed);
    let (body, units) = trimmed.strip_prefix('\'')?.split_once('\'')?;
    let words: Vec<String> = units.split_whitespace().map(str::to_uppercase).collect();
    if !units.starts_with(char::is_whitespace) {
        return None;
    }
    let fields = match words.as_slice() {
        [only] => (only.clone(), only.clone()),
        [start, to, end] if to == "TO" => (start.clone(), end.clone()),
        _ => return None,
    };
    let (inner, body) = sign(body);
    Some(Written { negative: outer != inner, body, fields: Some(fields) })
}

/// A sign and what follows it; Spark takes a `|` for a plus.
fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+' | b'|') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn digits(text: &str, most: usize) -> Option<i64> {
    let right = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

/// Months of a year-month interval in text.
///
/// # Errors
/// `INVALID_INTERVAL_FORMAT` for text of another form, and for numbers out of range.
pub fn parse_year_month(text: &str, start: YearMonthField, end: YearMonthField) -> Result<i32> {
    let type_name = super::SparkType::YearMonthInterval(start, end);
    let shape = match (start, end) {
        (YearMonthField::Year, YearMonthField::Year) => "y",
        (YearMonthField::Year, YearMonthField::Month) => "y-m",
        _ => "m",
    };
    let unmatched = || {
        let message = format!("`{text}` is no {type_name}: write `[+|-]{shape}`, or the same as an INTERVAL literal");
        error("INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING", message)
    };
    let range = || {
        let message = format!("`{text}` is out of the range of {type_name}: months are 0 to 11, years 178956970 at most");
        error("INVALID_INTERVAL_FORMAT.INTERVAL_PARSING", message)
    };
    let said = written(text).ok_or_else(unmatched)?;
    if said.fields.as_ref().is_some_and(|(s, e)| *s != start.to_string().to_uppercase() || *e != end.to_string().to_uppercase()) {
        return Err(unmatched());
    }
    let number = |text: &str| {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unmatched());
        }
        text.parse::<i64>().map_err(|_| range())
    };
    let months = match (start, end) {
        (YearMonthField::Year, YearMonthField::Month) => {
            let (years, months) = said.body.split_once('-').ok_or_else(unmatched)?;
            let (years, months) = (number(years)?, number(months)?);
            if years > i64::from(i32::MAX / 12) || months > 11 {
                return Err(range());
            }
            years * 12 + months
        }
        (field, _) => number(said.body)?.checked_mul(i64::from(field.months())).ok_or_else(range)?,
    };
    i32::try_from(if said.negative { -months } else { months }).map_err(|_| range())
}

/// Microseconds of a day-time interval in text.
///
/// # Errors
/// `INVALID_INTERVAL_FORMAT` for text of another form, and for numbers out of range.
pub fn parse_day_time(text: &str, start: DayTimeField, end: DayTimeField) -> Result<i64> {
    let type_name = super::SparkType::DayTimeInterval(start, end);
    let unmatched = || {
        let fields = [("d", DayTimeField::Day), ("h", DayTimeField::Hour), ("m", DayTimeField::Minute), ("s.n", DayTimeField::Second)];
        let mut shape = String::new();
        for (letter, field) in fields.into_iter().filter(|(_, field)| (start..=end).contains(field)) {
            if field > start {
                shape.push(if field == DayTimeField::Hour { ' ' } else { ':' });
            }
            shape.push_str(letter);
        }
        let message = format!("`{text}` is no {type_name}: write `[+|-]{shape}`, or the same as an INTERVAL literal");
        error("INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE", message)
    };
    let range = || {
        let message =
            format!("`{text}` is out of the range of {type_name}: hours are 0 to 23, minutes and seconds 0 to 59 after a larger field");
        error("INVALID_INTERVAL_FORMAT.INTERVAL_PARSING", message)
    };
    let said = written(text).ok_or_else(unmatched)?;
    if said.fields.as_ref().is_some_and(|(s, e)| *s != start.to_string().to_uppercase() || *e != end.to_string().to_uppercase()) {
        return Err(unmatched());
    }
    let mut rest = said.body;
    let mut micros = 0_i128;
    for field in [DayTimeField::Day, DayTimeField::Hour, DayTimeField::Minute, DayTimeField::Second] {
        if field < start || field > end {
            continue;
        }
        let here = if field == end {
            std::mem::take(&mut rest)
        } else {
            let separator = if field == DayTimeField::Day { ' ' } else { ':' };
            let (here, after) = rest.split_once(separator).ok_or_else(unmatched)?;
            rest = after;
            here
        };
        let most = match field {
            _ if field != start => 2,
            DayTimeField::Day => 9,
            DayTimeField::Hour => 10,
            DayTimeField::Minute => 12,
            DayTimeField::Second => 13,
        };
        let (whole, fraction) = match here.split_once('.') {
            Some((whole, fraction)) if field == DayTimeField::Second => (whole, Some(fraction)),
            _ => (here, None),
        };
        let count = digits(whole, most).ok_or_else(unmatched)?;
        let limit = match field {
            _ if field == start => i64::MAX / field.micros(),
            DayTimeField::Hour => 23,
            _ => 59,
        };
        if count > limit {
            return Err(range());
        }
        micros += i128::from(count) * i128::from(field.micros());
        if let Some(fraction) = fraction {
            digits(fraction, 9).ok_or_else(unmatched)?;
            let part = i128::from(digits(format!("{fraction:0<6}").get(..6).unwrap_or("0"), 6).unwrap_or(0));
            // Spark takes the sign of a lone field from its whole seconds, which zero has not.
            micros += if said.negative && start == DayTimeField::Second && count == 0 { -part } else { part };
        }
    }
    i64::try_from(if said.negative { -micros } else { micros }).map_err(|_| range())
}

/// Months, days and microseconds of a calendar interval in text: `[interval] 1 year 2 days -3.5 seconds`.
///
/// # Errors
/// `INVALID_INTERVAL_FORMAT` with what is wrong.
pub fn parse_calendar(input: &str) -> Result<(i32, i32, i64)> {
    let lower = trim_all(input).to_lowercase();
    let fail = |condition: &'static str, what: String| error(condition, format!("`{input}` is no interval: {what}"));
    let empty = || fail("INVALID_INTERVAL_FORMAT.INPUT_IS_EMPTY", "it is empty; write something like `1 day 2 hours`".to_owned());
    if lower.is_empty() {
        return Err(empty());
    }
    let mut rest = lower.as_str();
    if let Some(after) = rest.strip_prefix("interval") {
        if after.is_empty() {
            return Err(empty());
        }
        if !after.starts_with(|c: char| c.is_ascii_whitespace()) {
            let word = rest.split_ascii_whitespace().next().unwrap_or_default();
            return Err(fail("INVALID_INTERVAL_FORMAT.INVALID_PREFIX", format!("put a blank after `interval` in `{word}`")));
        }
        rest = after;
    }
    let overflow = || fail("INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION", "a number is too large".to_owned());
    let (mut months, mut days, mut micros) = (0_i32, 0_i32, 0_i64);
    loop {
        rest = rest.trim_ascii_start();
        let Some(first) = rest.chars().next() else { break };
        let word = rest.split_ascii_whitespace().next().unwrap_or_default().to_owned();
        let negative = first == '-';
        match first {
            '-' | '+' => rest = rest.get(1..).unwrap_or_default().trim_ascii_start(),
            '0'..='9' | '.' => {}
            _ => return Err(fail("INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER", format!("`{word}` is no number"))),
        }
        if rest.is_empty() {
            return Err(fail("INVALID_INTERVAL_FORMAT.MISSING_NUMBER", format!("a number is missing after `{word}`")));
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let bare_point = whole.is_empty() && fraction.is_some_and(str::is_empty) && first == '.';
        if !all_digits(whole) || !fraction.is_none_or(all_digits) || bare_point || (whole.is_empty() && fraction.is_none()) {
            return Err(fail("INVALID_INTERVAL_FORMAT.INVALID_VALUE", format!("`{number}` is no number")));
        }
        if fraction.is_some_and(|digits| digits.len() > 9) {
            let what = format!("`{number}` has more than nine digits after the point");
            return Err(fail("INVALID_INTERVAL_FORMAT.INVALID_PRECISION", what));
        }
        if after.is_empty() {
            return Err(fail("INVALID_INTERVAL_FORMAT.MISSING_UNIT", format!("a unit is missing after `{number}`")));
        }
        let value = if whole.is_empty() { 0 } else { whole.parse::<i64>().map_err(|_| overflow())? };
        let part = digits(format!("{:0<6}", fraction.unwrap_or("")).get(..6).unwrap_or("0"), 6).unwrap_or(0);
        let (value, part) = if negative { (-value, -part) } else { (value, part) };
        let after = after.trim_ascii_start();
        let end = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        rest = after;
        if fraction.is_some() && !unit.starts_with('s') {
            return Err(fail("INVALID_INTERVAL_FORMAT.INVALID_FRACTION", format!("only seconds have a fraction, not `{unit}`")));
        }
        let small = |value: i64| i32::try_from(value).ok();
        let done = match unit.strip_suffix('s').unwrap_or(unit) {
            "year" => value.checked_mul(12).and_then(small).and_then(|v| months.checked_add(v)).map(|v| months = v),
            "month" => small(value).and_then(|v| months.checked_add(v)).map(|v| months = v),
            "week" => value.checked_mul(7).and_then(small).and_then(|v| days.checked_add(v)).map(|v| days = v),
            "day" => small(value).and_then(|v| days.checked_add(v)).map(|v| days = v),
            "hour" => value.checked_mul(MICROS_PER_HOUR).and_then(|v| micros.checked_add(v)).map(|v| micros = v),
            "minute" => value.checked_mul(MICROS_PER_MINUTE).and_then(|v| micros.checked_add(v)).map(|v| micros = v),
            "second" => value
                .checked_mul(MICROS_PER_SECOND)
                .and_then(|v| micros.checked_add(v))
                .and_then(|v| v.checked_add(part))
                .map(|v| micros = v),
            "millisecond" => value.checked_mul(1000).and_then(|v| micros.checked_add(v)).map(|v| micros = v),
            "microsecond" => micros.checked_add(value).map(|v| micros = v),
            _ => return Err(fail("INVALID_INTERVAL_FORMAT.INVALID_UNIT", format!("`{unit}` is no unit, such as `day` or `hours`"))),
        };
        done.ok_or_else(overflow)?;
    }
    Ok((months, days, micros))
}

#[cfg(test)]
mod tests {
    use super::DayTimeField::{Day, Hour, Minute, Second};
    use super::YearMonthField::{Month, Year};
    use super::*;

    #[test]
    fn day_time() {
        for (text, start, end, want) in [
            ("1 02:03:04.5", Day, Second, "INTERVAL '1 02:03:04.5' DAY TO SECOND"),
            ("interval -'1 2:3:4' day  to second", Day, Second, "INTERVAL '-1 02:03:04' DAY TO SECOND"),
            ("-30", Day, Day, "INTERVAL '-30' DAY"),
            ("100:59", Hour, Minute, "INTERVAL '100:59' HOUR TO MINUTE"),
            ("5", Hour, Hour, "INTERVAL '05' HOUR"),
            ("61.000001", Second, Second, "INTERVAL '61.000001' SECOND"),
            ("3:04.05", Minute, Second, "INTERVAL '03:04.05' MINUTE TO SECOND"),
        ] {
            let micros = parse_day_time(text, start, end).unwrap();
            assert_eq!(day_time_text(micros, start, end), want, "{text}");
        }
        for (text, start, end) in [("1", Day, Second), ("1 24:00:00", Day, Second), ("1.5", Day, Day), ("INTERVAL '1' DAY", Hour, Hour)] {
            assert!(parse_day_time(text, start, end).is_err(), "{text}");
        }
        assert_eq!(day_time_text(i64::MIN, Day, Second), "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND");
    }

    #[test]
    fn year_month() {
        assert_eq!(parse_year_month("-1-2", Year, Month).unwrap(), -14);
        assert_eq!(parse_year_month("INTERVAL '3' YEAR", Year, Year).unwrap(), 36);
        assert_eq!(year_month_text(-14, Year, Month), "INTERVAL '-1-2' YEAR TO MONTH");
        assert_eq!(year_month_text(i32::MIN, Year, Month), "INTERVAL '-178956970-8' YEAR TO MONTH");
        assert!(parse_year_month("1-12", Year, Month).is_err());
        assert!(parse_year_month("1", Year, Month).is_err());
    }

    #[test]
    fn calendar() {
        for (text, want) in [
            ("interval 1 year 2 months", "1 years 2 months"),
            ("1 week -3.5 seconds", "7 days -3.5 seconds"),
            (" - 1 day +25 hours 61 minutes ", "-1 days 26 hours 1 minutes"),
            (".5 second", "0.5 seconds"),
            ("1 millisecond 1 microsecond", "0.001001 seconds"),
            ("0 days", "0 seconds"),
        ] {
            let (months, days, micros) = parse_calendar(text).unwrap();
            assert_eq!(calendar_text(months, days, micros), want, "{text}");
        }
        for (text, condition) in [
            ("", "INPUT_IS_EMPTY"),
            ("intervals 1 day", "INVALID_PREFIX"),
            ("1.5 day", "INVALID_FRACTION"),
            ("1 fortnight", "INVALID_UNIT"),
            ("x day", "UNRECOGNIZED_NUMBER"),
            ("1", "MISSING_UNIT"),
            ("1 day -", "MISSING_NUMBER"),
            ("99999999999 days", "ARITHMETIC_EXCEPTION"),
            ("1.0000000001 seconds", "INVALID_PRECISION"),
        ] {
            let message = parse_calendar(text).unwrap_err().to_string();
            assert!(message.contains(condition), "{text}: {message}");
        }
    }
}
