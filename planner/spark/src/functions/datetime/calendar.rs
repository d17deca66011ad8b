//! Local time in time zones: parts of a moment, and moments some months, days and microseconds later.

use super::support::DAY;
use crate::Result;
use crate::error::error;
use crate::types::TimeZone;
use crate::types::pattern::civil;

/// The zone that a function's argument names: by id as it is written, or an offset.
pub(super) fn zone_of(text: &str) -> Result<TimeZone> {
    let zone = TimeZone::parse(text)?;
    let short = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase());
    let as_written = match zone {
        TimeZone::Region(region) => region.name() == text || short,
        TimeZone::Offset(_) => !text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_whitespace()),
    };
    if as_written {
        return Ok(zone);
    }
    Err(error(
        "INVALID_TIMEZONE",
        format!("`{text}` is no time zone: give a region such as `Europe/Berlin`, spelled so, or an offset such as `+01:00`"),
    ))
}

/// A cache of zones by name: rows mostly have the same.
#[derive(Default)]
pub(super) struct Zones {
    last: Option<(String, TimeZone)>,
}

impl Zones {
    pub(super) fn get(&mut self, text: &str) -> Result<TimeZone> {
        if let Some((known, zone)) = &self.last
            && known == text
        {
            return Ok(*zone);
        }
        let zone = zone_of(text)?;
        self.last = Some((text.to_owned(), zone));
        Ok(zone)
    }
}

/// Local time of a moment; beyond the range it stays where it is.
pub(super) fn local(zone: TimeZone, micros: i64) -> i64 {
    zone.to_local(micros).unwrap_or(micros)
}

/// The day of a moment.
pub(super) fn day_of(zone: TimeZone, micros: i64) -> i64 {
    local(zone, micros).div_euclid(DAY)
}

/// The moment at which a day begins.
pub(super) fn start_of_day(zone: TimeZone, days: i64) -> Option<i64> {
    zone.to_utc(days.checked_mul(DAY)?)
}

/// The moment of a local time, which keeps its offset where it comes twice.
pub(super) fn to_moment(zone: TimeZone, local: i64, offset: i32) -> Option<i64> {
    let kept = local.checked_sub(i64::from(offset) * super::support::SECOND)?;
    if zone.offset_at(kept) == offset { Some(kept) } else { zone.to_utc(local) }
}

/// Months, then days, on the calendar of the zone; then microseconds on the clock. None beyond the range.
pub(super) fn add_interval(zone: TimeZone, start: i64, months: i64, days: i64, micros: i64) -> Option<i64> {
    let mut moment = start;
    if months != 0 {
        let (day, of_day, offset) = parts(zone, moment)?;
        let local = civil::add_months(day, months).checked_mul(DAY)?.checked_add(of_day)?;
        moment = to_moment(zone, local, offset)?;
    }
    if days != 0 {
        let (day, of_day, offset) = parts(zone, moment)?;
        let local = day.checked_add(days)?.checked_mul(DAY)?.checked_add(of_day)?;
        moment = to_moment(zone, local, offset)?;
    }
    moment.checked_add(micros)
}

fn parts(zone: TimeZone, moment: i64) -> Option<(i64, i64, i32)> {
    let offset = zone.offset_at(moment);
    let local = moment.checked_add(i64::from(offset) * super::support::SECOND)?;
    Some((local.div_euclid(DAY), local.rem_euclid(DAY), offset))
}

/// Whole months from one local time to another, both in microseconds: negative where the second comes first.
pub(super) fn months_between(start: i64, end: i64) -> i64 {
    let (first, first_time) = (start.div_euclid(DAY), start.rem_euclid(DAY));
    let (mut last, last_time) = (end.div_euclid(DAY), end.rem_euclid(DAY));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::datetime::support::HOUR;

    #[test]
    fn intervals_in_zones() {
        let zone = TimeZone::parse("America/Los_Angeles").unwrap();
        // 2021-03-13 02:30 local; a day later that time is skipped.
        let start = civil::days_from_civil(2021, 3, 13) * DAY + 10 * HOUR + HOUR / 2;
        assert_eq!(add_interval(zone, start, 0, 1, 0), Some(start + DAY));
        assert_eq!(add_interval(zone, start, 0, 2, 0), Some(start + 2 * DAY - HOUR));
        assert_eq!(add_interval(zone, start, 0, 0, DAY), Some(start + DAY));
        assert_eq!(add_interval(zone, i64::MAX, 0, 0, 1), None);
        assert_eq!(add_interval(zone, 0, i64::from(i32::MAX), 0, 0), None);
    }

    #[test]
    fn months_between_times() {
        let at = |y, m, d, h: i64| civil::days_from_civil(y, m, d) * DAY + h * HOUR;
        assert_eq!(months_between(at(2022, 1, 1, 0), at(2022, 2, 28, 0)), 1);
        assert_eq!(months_between(at(2022, 1, 31, 5), at(2022, 3, 31, 4)), 1);
        assert_eq!(months_between(at(2022, 3, 31, 4), at(2022, 1, 31, 5)), -1);
    }

    #[test]
    fn zones_by_name() {
        assert_eq!(zone_of("PST").unwrap(), zone_of("America/Los_Angeles").unwrap());
        assert_eq!(zone_of("+7:3").unwrap(), TimeZone::Offset(7 * 3600 + 180));
        assert!(zone_of("america/los_angeles").is_err() && zone_of("Asia/Seuol").is_err());
    }
}
