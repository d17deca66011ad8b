//! Local time in time zones: parts of a moment, and moments some months, days and microseconds later.

use super::TimeZone;
use super::civil::{self, MICROS_PER_DAY, MICROS_PER_SECOND};

/// Local time of a moment; beyond the range it stays where it is.
pub(crate) fn local(zone: TimeZone, micros: i64) -> i64 {
    zone.to_local(micros).unwrap_or(micros)
}

/// The day of a moment.
pub(crate) fn day_of(zone: TimeZone, micros: i64) -> i64 {
    local(zone, micros).div_euclid(MICROS_PER_DAY)
}

/// The moment at which a day begins.
pub(crate) fn start_of_day(zone: TimeZone, days: i64) -> Option<i64> {
    zone.to_utc(days.checked_mul(MICROS_PER_DAY)?)
}

/// The moment of a local time, which keeps its offset where it comes twice.
pub(crate) fn to_moment(zone: TimeZone, local: i64, offset: i32) -> Option<i64> {
    let kept = local.checked_sub(i64::from(offset) * MICROS_PER_SECOND)?;
    if zone.offset_at(kept) == offset { Some(kept) } else { zone.to_utc(local) }
}

/// Months, then days, on the calendar of the zone; then microseconds on the clock. None beyond the range.
pub(crate) fn add_interval(zone: TimeZone, start: i64, months: i64, days: i64, micros: i64) -> Option<i64> {
    let mut moment = start;
    if months != 0 {
        let (day, of_day, offset) = parts(zone, moment)?;
        let local = civil::add_months(day, months).checked_mul(MICROS_PER_DAY)?.checked_add(of_day)?;
        moment = to_moment(zone, local, offset)?;
    }
    if days != 0 {
        let (day, of_day, offset) = parts(zone, moment)?;
        let local = day.checked_add(days)?.checked_mul(MICROS_PER_DAY)?.checked_add(of_day)?;
        moment = to_moment(zone, local, offset)?;
    }
    moment.checked_add(micros)
}

fn parts(zone: TimeZone, moment: i64) -> Option<(i64, i64, i32)> {
    let offset = zone.offset_at(moment);
    let local = moment.checked_add(i64::from(offset) * MICROS_PER_SECOND)?;
    Some((local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY), offset))
}

/// Whole months from one local time to another, both in microseconds: negative where the second comes first.
pub(crate) fn months_between(start: i64, end: i64) -> i64 {
    let (first, first_time) = (start.div_euclid(MICROS_PER_DAY), start.rem_euclid(MICROS_PER_DAY));
    let (mut last, last_time) = (end.div_euclid(MICROS_PER_DAY), end.rem_euclid(MICROS_PER_DAY));
    if last > first && last_time < first_time {
        last -= 1;
    } else if last < first && last_time > first_time {
        last += 1;
    }
    let packed = |days: i64| {
        let (year, month, day) = civil::civil_from_days(days);
        (year * 12 + month - 1) * 32 + day
    };
    (packed(last) - packed(first)) / 32
}

/// A moment plus a day-time interval: its whole days by the zone's calendar, then the rest.
pub(crate) fn add_day_time(zone: TimeZone, start: i64, interval: i64) -> Option<i64> {
    let days = interval / MICROS_PER_DAY;
    add_interval(zone, start, 0, days, interval - days * MICROS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_HOUR: i64 = 1_800_000_000;

    #[test]
    fn intervals_in_zones() {
        let zone = TimeZone::parse("America/Los_Angeles").unwrap();
        // 2021-03-13 02:30 local; a day later that time is skipped.
        let start = civil::days_from_civil(2021, 3, 13) * MICROS_PER_DAY + 21 * HALF_HOUR;
        assert_eq!(add_interval(zone, start, 0, 1, 0), Some(start + MICROS_PER_DAY));
        assert_eq!(add_interval(zone, start, 0, 2, 0), Some(start + 2 * MICROS_PER_DAY - 2 * HALF_HOUR));
        assert_eq!(add_interval(zone, start, 0, 0, MICROS_PER_DAY), Some(start + MICROS_PER_DAY));
        assert_eq!(add_interval(zone, i64::MAX, 0, 0, 1), None);
        assert_eq!(add_interval(zone, 0, i64::from(i32::MAX), 0, 0), None);
    }

    #[test]
    fn months_between_times() {
        let at = |y, m, d, h: i64| civil::days_from_civil(y, m, d) * MICROS_PER_DAY + h * 2 * HALF_HOUR;
        assert_eq!(months_between(at(2022, 1, 1, 0), at(2022, 2, 28, 0)), 1);
        assert_eq!(months_between(at(2022, 1, 31, 5), at(2022, 3, 31, 4)), 1);
        assert_eq!(months_between(at(2022, 3, 31, 4), at(2022, 1, 31, 5)), -1);
    }

    #[test]
    fn days_of_the_calendar_and_hours_of_the_clock() {
        let berlin = TimeZone::parse("Europe/Berlin").unwrap();
        let at = |y, m, d, half_hours: i64| civil::days_from_civil(y, m, d) * MICROS_PER_DAY + half_hours * HALF_HOUR;
        // 2021-03-27 02:30 local is 01:30 UTC; a day later that local time is skipped, and becomes 03:30, which is 01:30 UTC.
        assert_eq!(add_day_time(berlin, at(2021, 3, 27, 3), MICROS_PER_DAY), Some(at(2021, 3, 28, 3)));
        // 24 hours are a day of the calendar, too.
        assert_eq!(add_interval(berlin, at(2021, 3, 27, 22), 0, 1, 0), Some(at(2021, 3, 28, 20)));
        assert_eq!(add_interval(berlin, at(2021, 3, 27, 22), 0, 0, MICROS_PER_DAY), Some(at(2021, 3, 28, 22)));
        assert_eq!(add_interval(TimeZone::utc(), at(2021, 1, 31, 22), 1, 0, 0), Some(at(2021, 2, 28, 22)));
    }
}
