//! Dates, times and timestamps as text, in the forms that Spark's typed literals take.

use crate::types::TimeZone;
use crate::types::civil::{MICROS_PER_DAY, day_of_date};

/// A moment as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Days since 1970-01-01; `None` for a time of no day.
    days: Option<i64>,
    /// Microseconds since midnight.
    micros: i64,
    /// The zone, if one is said.
    pub(super) zone: Option<TimeZone>,
}

impl Moment {
    /// Microseconds of local time, if no zone is said or it does not matter.
    pub(super) fn local(self) -> Option<i64> {
        self.days?.checked_mul(MICROS_PER_DAY)?.checked_add(self.micros)
    }

    /// Microseconds since the epoch, in its own zone or in `zone`.
    pub(super) fn instant(self, zone: &TimeZone) -> Option<i64> {
        self.zone.unwrap_or(*zone).to_utc(self.local()?)
    }
}

/// Blanks and control characters off both ends, as Spark trims before it reads a value.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || c == '\u{7f}')
}

/// `2020`, `2020-1`, `2020-01-31`, `2020-01-31T…`: days since 1970-01-01
pub(super) fn date(text: &str) -> Option<i32> {
    let text = trimmed(text);
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut parts = rest.splitn(3, '-');
    let year = number(parts.next()?, 4..=7)?;
    let month = parts.next();
    let day = parts.next();
    let day = match day {
        // What follows a blank or a T is not looked at.
        Some(day) => Some(day.split([' ', 'T']).next().unwrap_or(day)),
        None => None,
    };
    let month = month.map_or(Some(1), |m| number(m, 1..=2))?;
    let day = day.map_or(Some(1), |d| number(d, 1..=2))?;
    i32::try_from(day_of_date(sign * year, month, day)?).ok()
}

fn number(digits: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    (lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// `2020-01-31 12:30:00.123456 Europe/Berlin`, and shorter; `T12:30`, `12:30`
pub(super) fn timestamp(text: &str) -> Option<Moment> {
    let text = trimmed(text);
    let signed = text.starts_with(['-', '+']);
    if let Some(time) = text.strip_prefix('T') {
        let (micros, zone) = clock(time, true)?;
        return Some(Moment { days: None, micros, zone });
    }
    let head = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if !signed && text[head..].starts_with(':') {
        let (micros, zone) = clock(text, true)?;
        return Some(Moment { days: None, micros, zone });
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (day_part, time_part) = match rest.find([' ', 'T']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let mut parts = day_part.splitn(3, '-');
    let year = number(parts.next()?, 4..=6)?;
    let month = parts.next();
    let day = parts.next();
    if time_part.is_some() && day.is_none() {
        return None;
    }
    let month = month.map_or(Some(1), |m| number(m, 1..=2))?;
    let day = day.map_or(Some(1), |d| number(d, 1..=2))?;
    let days = day_of_date(sign * year, month, day)?;
    let (micros, zone) = match time_part {
        Some(time) => clock(time, false)?,
        None => (0, None),
    };
    Some(Moment { days: Some(days), micros, zone })
}

/// `12:30:00.5 +01:00`: microseconds, and the zone. A lone hour will not do where a time stands alone.
fn clock(text: &str, alone: bool) -> Option<(i64, Option<TimeZone>)> {
    let mut rest = text;
    let mut fields = [0_i64; 3];
    let mut count = 0;
    for field in &mut fields {
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        *field = number(&rest[..length], 1..=2)?;
        rest = &rest[length..];
        count += 1;
        if count == 3 || !rest.starts_with(':') {
            break;
        }
        rest = &rest[1..];
    }
    // A zone needs the seconds before it.
    if (!rest.is_empty() && count < 3) || (alone && count < 2) {
        return None;
    }
    let mut micros = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        let digits = &fraction[..length.min(6)];
        micros = if digits.is_empty() { 0 } else { format!("{digits:0<6}").parse().ok()? };
        rest = &fraction[length..];
    }
    let [hour, minute, second] = fields;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let zone = match rest.trim() {
        "" => None,
        zone => Some(TimeZone::parse(zone).ok()?),
    };
    Some((((hour * 60 + minute) * 60 + second) * 1_000_000 + micros, zone))
}

/// `12:30:00.123456`, `1:30 PM`: nanoseconds since midnight
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.trim_end();
    let lower = text.to_ascii_lowercase();
    let (body, afternoon) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(body), _) => (body, Some(false)),
        (_, Some(body)) => (body, Some(true)),
        _ => (text, None),
    };
    let moment = timestamp(body.trim_end())?;
    if moment.days.is_some() || moment.zone.is_some() {
        return None;
    }
    const HOUR: i64 = 3_600_000_000;
    let hour = moment.micros / HOUR;
    let micros = match afternoon {
        None => moment.micros,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(false) if hour == 12 => moment.micros - 12 * HOUR,
        Some(true) if hour != 12 => moment.micros + 12 * HOUR,
        Some(_) => moment.micros,
    };
    Some(micros * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("2020", Some(18262)),
            ("2020-2", Some(18293)),
            (" 2020-02-29 ", Some(18321)),
            ("2019-02-29", None),
            ("2020-01-01T10:00 what", Some(18262)),
            ("0001-01-01", Some(-719_162)),
            ("-0001-01-01", Some(-719_893)),
            ("12345678-01-01", None),
            ("2020-13-01", None),
            ("2020 01", None),
            ("20-1-1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn timestamps() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("1970-01-01 01:02:03", Some(3_723_000_000)),
            ("1970-01-01T00:00:00.5", Some(500_000)),
            ("1970-01-01 00:00:00.123456789", Some(123_456)),
            ("1970-01-01 1:2", Some(3_720_000_000)),
            ("1970-01-01 00:00:00+01:00", Some(-3_600_000_000)),
            ("1970-01-01 00:00:00 UTC", Some(0)),
            ("1970-01-01 00:00:00 Nowhere/Land", None),
            ("1970-01-01 24:00:00", None),
            ("1970-01 00:00:00", None),
            ("x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(timestamp(text).and_then(|m| m.instant(&TimeZone::utc())), expected, "{text}");
        }
        assert_eq!(time("12:30"), Some(45_000_000_000_000));
        assert_eq!(time("1:30:00.5 PM"), Some(48_600_500_000_000));
        assert_eq!(time("12:00 am"), Some(0));
        assert_eq!(time("25:00"), None);
        assert_eq!(time("2020-01-01"), None);
    }
}
