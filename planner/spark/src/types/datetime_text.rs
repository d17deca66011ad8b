//! Dates, timestamps and times as text, and the calendar: proleptic Gregorian, for as many years as Spark has.

use std::fmt::Write as _;

use super::TimeZone;
use super::civil::{MICROS_PER_DAY, MICROS_PER_SECOND, civil_from_days, day_of_date};
use super::number_text::trim_all;

/// Nanoseconds of a day.
pub const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// Appends a date: `2020-01-01`, `-0044-03-15`, `+10000-01-01`.
pub fn write_date(out: &mut String, days: i64) {
    let (year, month, day) = civil_from_days(days);
    let _ = match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        10_000.. => write!(out, "+{year}-{month:02}-{day:02}"),
        _ => write!(out, "-{:04}-{month:02}-{day:02}", -year),
    };
}

/// A date's text.
pub fn date_text(days: i32) -> String {
    let mut out = String::with_capacity(10);
    write_date(&mut out, i64::from(days));
    out
}

/// Appends local time, in microseconds: `2020-01-01 10:00:00.5`.
pub fn write_local(out: &mut String, micros: i64) {
    write_date(out, micros.div_euclid(MICROS_PER_DAY));
    out.push(' ');
    write_time(out, micros.rem_euclid(MICROS_PER_DAY) * 1000);
}

/// Appends nanoseconds of a day: `10:00:00.5`.
pub fn write_time(out: &mut String, nanos: i64) {
    let seconds = nanos / 1_000_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut fraction = nanos % 1_000_000_000;
    if fraction > 0 {
        let mut width = 9;
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        let _ = write!(out, ".{fraction:0width$}");
    }
}

/// A moment's text in a zone.
pub fn timestamp_text(micros: i64, zone: &TimeZone) -> String {
    let mut out = String::with_capacity(26);
    write_local(&mut out, zone.to_local(micros).unwrap_or(micros));
    out
}

/// Local time's text.
pub fn timestamp_ntz_text(micros: i64) -> String {
    let mut out = String::with_capacity(26);
    write_local(&mut out, micros);
    out
}

/// A time's text.
pub fn time_text(nanos: i64) -> String {
    let mut out = String::with_capacity(15);
    write_time(&mut out, nanos);
    out
}

/// The day on which local time of a moment falls; `None` beyond Spark's dates.
pub fn day_of(local_micros: i64) -> i32 {
    // 2^63 µs are 107 million days.
    i32::try_from(local_micros.div_euclid(MICROS_PER_DAY)).unwrap_or(0)
}

/// Midnight of a day as local time in microseconds; `None` beyond the range of timestamps.
pub fn midnight_of(days: i32) -> Option<i64> {
    i64::from(days).checked_mul(MICROS_PER_DAY)
}

/// A date in text: `[+-]y…`, `y-m`, `y-m-d`, and `y-m-d` with anything after a blank or a `T`.
pub fn parse_date(text: &str) -> Option<i32> {
    let text = trim_all(text);
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut parts = [1_i64; 3];
    let (mut at, mut value, mut digits) = (0, 0_i64, 0_usize);
    let right = |at: usize, digits: usize| if at == 0 { (4..=7).contains(&digits) } else { (1..=2).contains(&digits) };
    let mut ended = false;
    for byte in rest.bytes() {
        match byte {
            b' ' | b'T' => {
                ended = true;
                break;
            }
            b'-' if at < 2 => {
                if !right(at, digits) {
                    return None;
                }
                *parts.get_mut(at)? = value;
                (at, value, digits) = (at + 1, 0, 0);
            }
            b'0'..=b'9' => {
                value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
                digits += 1;
            }
            _ => return None,
        }
    }
    if !right(at, digits) || (at < 2 && ended) {
        return None;
    }
    *parts.get_mut(at)? = value;
    let [year, month, day] = parts;
    i32::try_from(day_of_date(sign * year, month, day)?).ok()
}

/// What stands in the text of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Year, month, day.
    pub date: (i64, i64, i64),
    /// Microseconds since midnight.
    pub micros: i64,
    /// The zone, if one is said.
    pub zone: Option<TimeZone>,
    /// Whether only a time is said.
    pub just_time: bool,
}

/// A timestamp in text: a date as [`parse_date`] reads it (years of 4 to 6 digits), a blank or `T`, a time, a zone; or a time alone.
pub fn parse_parts(text: &str) -> Option<Parts> {
    // A `T` in front of a time counts only at the very beginning.
    let bytes = trim_all(text).as_bytes();
    let leading_t_counts = text.len() == text.trim_start_matches(|c: char| c <= ' ' || c == '\u{7f}').len();
    let (signed, negative, mut j) = match bytes.first()? {
        b'-' => (true, true, 1),
        b'+' => (true, false, 1),
        _ => (false, false, 0),
    };
    // year, month, day, hour, minute, second, microseconds, and what a zone may leave
    let mut parts = [1_i64, 1, 1, 0, 0, 0, 0, 0, 0];
    let (mut i, mut value, mut digits, mut fraction_digits) = (0_usize, 0_i64, 0_usize, 0_usize);
    let (mut just_time, mut zone) = (false, None);
    let right = |i: usize, digits: usize| match i {
        6 => true,
        0 => (4..=6).contains(&digits),
        7 => digits <= 2,
        _ => (1..=2).contains(&digits),
    };
    while let Some(&byte) = bytes.get(j) {
        if byte.is_ascii_digit() {
            fraction_digits += usize::from(i == 6);
            // What comes after microseconds is cut off.
            if i != 6 || digits < 6 {
                value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
            }
            digits += 1;
            j += 1;
            continue;
        }
        if j == 0 && byte == b'T' && leading_t_counts {
            just_time = true;
            i = 3;
            j += 1;
            continue;
        }
        let target = match (i, byte) {
            (0 | 1, b'-') | (2, b' ' | b'T') | (3 | 4, b':') => i,
            (0, b':') if !signed => {
                just_time = true;
                3
            }
            (5 | 6, _) => i,
            _ => return None,
        };
        if !right(target, digits) {
            return None;
        }
        *parts.get_mut(target)? = value;
        (value, digits) = (0, 0);
        i = target + 1;
        if target == 5 && byte == b'.' {
            j += 1;
            continue;
        }
        if target >= 5 {
            // The rest is the zone.
            zone = Some(parse_zone(std::str::from_utf8(bytes.get(j..)?).ok()?)?);
            i = 7;
            break;
        }
        j += 1;
    }
    if !right(i, digits) {
        return None;
    }
    if i < 7 {
        *parts.get_mut(i)? = value;
    }
    let [mut year, month, day, hour, minute, second, mut micros, ..] = parts;
    for _ in fraction_digits..6 {
        micros *= 10;
    }
    if negative {
        year = -year;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros;
    Some(Parts { date: (year, month, day), micros, zone, just_time })
}

/// A zone as it may stand in the text of a timestamp; names count letter by letter.
pub fn parse_zone(text: &str) -> Option<TimeZone> {
    let text = trim_all(text);
    let zone = TimeZone::parse(text).ok()?;
    let exact = match zone {
        TimeZone::Region(region) => text == region.name() || text == "Z" || !text.bytes().any(|b| b.is_ascii_lowercase()),
        TimeZone::Offset(_) => !text.bytes().any(|b| b.is_ascii_lowercase()),
    };
    exact.then_some(zone)
}

/// A moment in text, in microseconds; local time is that of `zone`.
pub fn parse_timestamp(text: &str, zone: &TimeZone) -> Option<i64> {
    let parts = parse_parts(text)?;
    let zone = parts.zone.unwrap_or(*zone);
    let days = if parts.just_time {
        let now = chrono::Utc::now().timestamp_micros();
        i64::from(day_of(zone.to_local(now)?))
    } else {
        let (year, month, day) = parts.date;
        day_of_date(year, month, day)?
    };
    zone.to_utc(local_micros(days, parts.micros)?)
}

/// Local time in text, in microseconds. A zone in the text is ignored, or refused.
pub fn parse_timestamp_ntz(text: &str, allow_zone: bool) -> Option<i64> {
    let parts = parse_parts(text)?;
    if parts.just_time || (!allow_zone && parts.zone.is_some()) {
        return None;
    }
    let (year, month, day) = parts.date;
    local_micros(day_of_date(year, month, day)?, parts.micros)
}

/// Days and microseconds of a day as microseconds; the first day that there is begins late.
fn local_micros(days: i64, micros: i64) -> Option<i64> {
    i64::try_from(i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(micros)).ok()
}

/// A time in text, in nanoseconds since midnight: `10:00`, `T10:00:00.5`, `1:30 PM`.
pub fn parse_time(text: &str) -> Option<i64> {
    let trimmed = text.trim_end_matches(' ');
    let upper = trimmed.to_ascii_uppercase();
    let half = if trimmed.chars().count() > 2 {
        [("AM", 0_i64), ("PM", 12)].into_iter().find(|(suffix, _)| upper.ends_with(suffix)).map(|(_, hours)| hours)
    } else {
        None
    };
    let time = if half.is_some() { trimmed.get(..trimmed.len() - 2)? } else { trimmed };
    let parts = parse_parts(time)?;
    if !parts.just_time || parts.zone.is_some() {
        return None;
    }
    let hour_micros = 3600 * MICROS_PER_SECOND;
    let micros = match half {
        None => parts.micros,
        Some(offset) => {
            let hour = parts.micros / hour_micros;
            if !(1..=12).contains(&hour) {
                return None;
            }
            (hour % 12 + offset) * hour_micros + parts.micros % hour_micros
        }
    };
    Some(micros * 1000)
}

/// The word of a typed literal that stands for a moment: `epoch`, `now`, `today`, `tomorrow`, `yesterday`, a zone after it or none.
fn special(text: &str) -> Option<String> {
    let text = super::number_text::trim_java(text);
    let end = text.bytes().position(|b| !b.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let word = word.to_ascii_lowercase();
    if word.len() < 3 || (word == "now" && !rest.trim().is_empty()) || (!rest.trim().is_empty() && parse_zone(rest).is_none()) {
        return None;
    }
    ["epoch", "now", "today", "tomorrow", "yesterday"].contains(&word.as_str()).then_some(word)
}

/// `TIMESTAMP 'today'`: the moment that a word stands for, in microseconds. Casts do not read these words.
pub fn special_timestamp(text: &str, now: i64, zone: &TimeZone) -> Option<i64> {
    let word = special(text)?;
    match word.as_str() {
        "epoch" => Some(0),
        "now" => Some(now),
        _ => zone.to_utc(midnight_of(special_day(&word, now, zone)?)?),
    }
}

/// `TIMESTAMP_NTZ 'today'`: the local time that a word stands for, in microseconds.
pub fn special_timestamp_ntz(text: &str, now: i64, zone: &TimeZone) -> Option<i64> {
    let word = special(text)?;
    match word.as_str() {
        "epoch" => Some(0),
        "now" => zone.to_local(now),
        _ => midnight_of(special_day(&word, now, zone)?),
    }
}

/// `DATE 'today'`: the day that a word stands for.
pub fn special_date(text: &str, now: i64, zone: &TimeZone) -> Option<i32> {
    match special(text)?.as_str() {
        "epoch" => Some(0),
        word => special_day(word, now, zone),
    }
}

fn special_day(word: &str, now: i64, zone: &TimeZone) -> Option<i32> {
    let today = day_of(zone.to_local(now)?);
    match word {
        "tomorrow" => today.checked_add(1),
        "yesterday" => today.checked_sub(1),
        _ => Some(today),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_any_year() {
        assert_eq!(date_text(-719_528), "0000-01-01");
        assert_eq!(date_text(2_932_897), "+10000-01-01");
    }

    #[test]
    fn dates_in_text() {
        for (text, want) in [
            ("2020-01-02", Some("2020-01-02")),
            (" 2020-1-2 ", Some("2020-01-02")),
            ("2020", Some("2020-01-01")),
            ("2020-03", Some("2020-03-01")),
            ("2020-03-04T10:00", Some("2020-03-04")),
            ("2020-03-04 whatever", Some("2020-03-04")),
            ("-0044-03-15", Some("-0044-03-15")),
            ("+12345-01-01", Some("+12345-01-01")),
            ("2020-03 x", None),
            ("20-01-01", None),
            ("2020-13-01", None),
            ("2020-02-30", None),
            ("2020/01/01", None),
            ("", None),
            ("now", None),
        ] {
            assert_eq!(parse_date(text).map(date_text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn timestamps_in_text() {
        let berlin = TimeZone::parse("Europe/Berlin").unwrap();
        let utc = TimeZone::utc();
        for (text, want) in [
            ("2020-01-02", Some("2020-01-01 23:00:00")),
            ("2020-07-02 10:11:12.123456789", Some("2020-07-02 08:11:12.123456")),
            ("2020-01-02T03:04:05Z", Some("2020-01-02 03:04:05")),
            ("2020-01-02 03:04:05+01:30", Some("2020-01-02 01:34:05")),
            ("2020-01-02 03:04:05 America/Los_Angeles", Some("2020-01-02 11:04:05")),
            ("2020-01-02 03:04", Some("2020-01-02 02:04:00")),
            ("2020-01-02 3", Some("2020-01-02 02:00:00")),
            ("2020-01-02 03:04:05.5 UTC-3", Some("2020-01-02 06:04:05.5")),
            ("2020", Some("2019-12-31 23:00:00")),
            ("2020-01-02 25:00:00", None),
            ("2020-01-02 03:04:05 europe/berlin", None),
            ("2020-01-02 03:04:05 nowhere", None),
            ("2020-01-02x", None),
            ("", None),
        ] {
            assert_eq!(parse_timestamp(text, &berlin).map(|t| timestamp_text(t, &utc)).as_deref(), want, "{text}");
        }
        assert_eq!(parse_timestamp_ntz("2020-01-02 03:04:05Z", false), None);
        assert_eq!(parse_timestamp_ntz("10:00", true), None);
        assert_eq!(parse_timestamp("294247-01-10T04:00:54.775807Z", &utc), Some(i64::MAX));
        assert_eq!(parse_timestamp("-290308-12-21 19:59:05.224192Z", &utc), Some(i64::MIN));
        assert_eq!(timestamp_text(i64::MAX, &utc), "+294247-01-10 04:00:54.775807");
    }

    #[test]
    fn times_in_text() {
        for (text, want) in [
            ("10:00", Some("10:00:00")),
            ("T1:2:3.45", Some("01:02:03.45")),
            ("12:30 AM", Some("00:30:00")),
            ("1:30:00 pm", Some("13:30:00")),
            ("13:30 PM", None),
            ("24:00", None),
            ("2020-01-01 10:00:00", None),
        ] {
            assert_eq!(parse_time(text).map(time_text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn special_words() {
        let zone = TimeZone::utc();
        let now = 1_600_000_000_000_000;
        assert_eq!(special_timestamp(" Epoch ", now, &zone), Some(0));
        assert_eq!(special_timestamp("now", now, &zone), Some(now));
        assert_eq!(special_timestamp("now UTC", now, &zone), None);
        assert_eq!(special_date("tomorrow UTC", now, &zone).map(date_text).as_deref(), Some("2020-09-14"));
        assert_eq!(special_date("2020-01-01", now, &zone), None);
    }
}
