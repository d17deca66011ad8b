//! Texts and numbers of JSON as Spark's values: dates, timestamps, decimals. It does not know lines or columns.

/// A decimal number as its unscaled value, rounded half up to `scale`; `None` when it does not fit `precision`.
pub(super) fn decimal(number: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
    let significant = &digits[digits.iter().position(|d| *d != 0).unwrap_or(digits.len())..];
    if significant.is_empty() {
        return Some(0);
    }
    // The unscaled value is the digits shifted by this many places.
    let shift = exponent.checked_sub(fraction.len() as i64)?.checked_add(i64::from(scale))?;
    let kept = i64::try_from(significant.len()).ok()?.checked_add(shift.min(0))?;
    let (kept, rounds_up) = match usize::try_from(kept) {
        Ok(kept) => (&significant[..kept], significant.get(kept).is_some_and(|d| *d >= 5)),
        Err(_) => (&significant[..0], false),
    };
    if i64::try_from(kept.len()).ok()?.checked_add(shift.max(0))? > 39 {
        return None;
    }
    let mut value = kept.iter().try_fold(0i128, |n, d| n.checked_mul(10)?.checked_add(i128::from(*d)))?;
    for _ in 0..shift.max(0) {
        value = value.checked_mul(10)?;
    }
    value = value.checked_add(i128::from(rounds_up))?;
    let limit = 10i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(if negative { -value } else { value })
}

/// Days since 1970-01-01 of `yyyy[-[m]m[-[d]d]]`; what follows a space or `T` is ignored, as in Spark.
pub(super) fn date(text: &str) -> Option<i32> {
    let mut rest = text.trim().as_bytes();
    let days = take_date(&mut rest)?;
    matches!(rest, [] | [b' ' | b'T', ..]).then(|| i32::try_from(days).ok()).flatten()
}

/// Microseconds since the epoch of `yyyy[-[m]m[-[d]d]][T[h]h:[m]m[:[s]s[.f…]][zone]]`, in UTC where there is no zone; the
/// fraction is cut to microseconds, as in Spark. Whether a zone was given comes with it.
pub(super) fn timestamp_us(text: &str) -> Option<(i64, bool)> {
    let mut rest = text.trim().as_bytes();
    let days = take_date(&mut rest)?;
    let (mut seconds, mut micros, mut offset) = (0, 0, None);
    if let [b' ' | b'T', after @ ..] = rest {
        rest = after;
        let hours = take_digits(&mut rest, 1..=2).filter(|h| *h < 24)?;
        take_byte(&mut rest, b':')?;
        let minutes = take_digits(&mut rest, 1..=2).filter(|m| *m < 60)?;
        seconds = hours * 3600 + minutes * 60;
        if take_byte(&mut rest, b':').is_some() {
            seconds += take_digits(&mut rest, 1..=2).filter(|s| *s < 60)?;
            if take_byte(&mut rest, b'.').is_some() {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                micros = (0..6).fold(0, |n, i| n * 10 + rest.get(i).filter(|_| i < digits).map_or(0, |b| i64::from(b - b'0')));
                rest = &rest[digits..];
            }
        }
        offset = take_zone(&mut rest)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let seconds = days.checked_mul(86_400)?.checked_add(seconds)?.checked_sub(offset.unwrap_or(0))?;
    Some((seconds.checked_mul(1_000_000)?.checked_add(micros)?, offset.is_some()))
}

fn take_byte(rest: &mut &[u8], byte: u8) -> Option<()> {
    let (first, after) = rest.split_first()?;
    (*first == byte).then(|| *rest = after)
}

fn take_digits(rest: &mut &[u8], lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if !lengths.contains(&digits) {
        return None;
    }
    let (taken, after) = rest.split_at(digits);
    *rest = after;
    Some(taken.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}

/// Days since the epoch of a date that stands first in `rest`.
fn take_date(rest: &mut &[u8]) -> Option<i64> {
    let negative = take_byte(rest, b'-').is_some();
    let year = take_digits(rest, 4..=6)?;
    let (mut month, mut day) = (1, 1);
    if take_byte(rest, b'-').is_some() {
        month = take_digits(rest, 1..=2)?;
        if take_byte(rest, b'-').is_some() {
            day = take_digits(rest, 1..=2)?;
        }
    }
    days_from_civil(if negative { -year } else { year }, month, day)
}

/// The proleptic Gregorian calendar: eras of 400 years that begin in March (Howard Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=month_days).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// A zone's seconds east of Greenwich, `Some(None)` when there is none, `None` when it cannot be read.
fn take_zone(rest: &mut &[u8]) -> Option<Option<i64>> {
    let text = rest.trim_ascii();
    *rest = &[];
    let signed = match text {
        [] => return Some(None),
        b"Z" | b"z" | b"UTC" | b"GMT" | b"UT" => return Some(Some(0)),
        [b'U', b'T', b'C', signed @ ..] | [b'G', b'M', b'T', signed @ ..] | signed => signed,
    };
    let (sign, mut digits) = match signed {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes, seconds) = if digits.contains(&b':') {
        let hours = take_digits(&mut digits, 1..=2)?;
        take_byte(&mut digits, b':')?;
        let minutes = take_digits(&mut digits, 1..=2)?;
        let seconds = if take_byte(&mut digits, b':').is_some() { take_digits(&mut digits, 2..=2)? } else { 0 };
        (hours, minutes, seconds)
    } else {
        let length = digits.len();
        let number = take_digits(&mut digits, 1..=6)?;
        match length {
            1 | 2 => (number, 0, 0),
            4 => (number / 100, number % 100, 0),
            6 => (number / 10_000, number / 100 % 100, number % 100),
            _ => return None,
        }
    };
    let offset = hours * 3600 + minutes * 60 + seconds;
    (digits.is_empty() && minutes < 60 && seconds < 60 && offset <= 18 * 3600).then_some(Some(sign * offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_half_up_and_keep_to_their_precision() {
        for (number, precision, scale, value) in [
            ("1.25", 10, 2, Some(125)),
            ("1.245", 10, 2, Some(125)),
            ("-1.245", 10, 2, Some(-125)),
            ("1.2449", 10, 2, Some(124)),
            ("0.5", 10, 0, Some(1)),
            ("0.05", 10, 0, Some(0)),
            ("0.5e-9", 10, 2, Some(0)),
            ("12e3", 10, 2, Some(1_200_000)),
            ("1.5E-1", 10, 2, Some(15)),
            ("999.99", 5, 2, Some(99_999)),
            ("999.995", 5, 2, None),
            ("1000", 5, 2, None),
            ("0", 5, 2, Some(0)),
            ("-0.000", 5, 2, Some(0)),
            ("0e999999999999", 5, 2, Some(0)),
            ("1e999999999999", 5, 2, None),
            ("1e99999999999999999999", 5, 2, None),
            ("1e-9999999999", 5, 2, Some(0)),
            ("1500", 5, -2, Some(15)),
            ("99999999999999999999999999999999999999", 38, 0, Some(99_999_999_999_999_999_999_999_999_999_999_999_999)),
            ("999999999999999999999999999999999999990", 38, 0, None),
        ] {
            assert_eq!(decimal(number, precision, scale), value, "{number} as decimal({precision},{scale})");
        }
    }

    #[test]
    fn dates() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("1900-02-29", None),
            ("2024-2-9", Some(19_762)),
            ("2024", Some(19_723)),
            ("2024-03", Some(19_783)),
            ("2024-03-01T10:00", Some(19_783)),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("2024-13-01", None),
            ("2024-00-01", None),
            ("24-01-01", None),
            ("2024-01-01x", None),
            ("", None),
        ] {
            assert_eq!(date(text), days, "{text}");
        }
    }

    #[test]
    fn timestamps() {
        const DAY: i64 = 19_783 * 86_400_000_000;
        for (text, micros) in [
            ("2024-03-01", Some(DAY)),
            ("2024-03-01T00:00:00Z", Some(DAY)),
            ("2024-03-01 01:02:03.4567891+01:00", Some(DAY + 123_456_789)),
            ("2024-03-01T1:2", Some(DAY + 3_720_000_000)),
            ("2024-03-01T00:00:00.5-0830", Some(DAY + 30_600_500_000)),
            ("2024-03-01T00:00:00 UTC+1", Some(DAY - 3_600_000_000)),
            ("1969-12-31T23:59:59.999999Z", Some(-1)),
            ("2024-03-01T24:00:00Z", None),
            ("2024-03-01T00:60:00Z", None),
            ("2024-03-01T00:00:00+19:00", None),
            ("2024-03-01T00:00:00 Europe/Berlin", None),
            ("2024-03-01T", None),
            ("12:00:00", None),
            ("1700000000000", None),
            ("999999-01-01", None),
        ] {
            assert_eq!(timestamp_us(text).map(|(us, _)| us), micros, "{text}");
        }
        assert_eq!(timestamp_us("2024-03-01T00:00:00Z").map(|(_, zoned)| zoned), Some(true));
        assert_eq!(timestamp_us("2024-03-01T00:00:00").map(|(_, zoned)| zoned), Some(false));
    }
}
