//! How fields become a date, a time and a moment: by Java's strict rules, then by Spark's defaults for what is missing.

use super::compile::Field;
use super::parse::Found;
use crate::types::TimeZone;
use crate::types::civil::{civil_from_days, date, day_of_year, days_from_civil, is_leap, within};

/// Nanoseconds of an hour, a minute and a second.
const HOUR: i64 = 3_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const SECOND: i64 = 1_000_000_000;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What a text says, put together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parsed {
    found: Found,
    date: Option<i64>,
    time: Option<i64>,
}

/// Puts the fields together; an error says which contradict each other or are out of bounds.
pub(super) fn resolve(mut found: Found) -> Result<Parsed, String> {
    resolve_era(&mut found)?;
    let date = resolve_date(&mut found)?;
    let time = resolve_time(&mut found)?;
    let parsed = Parsed { found, date, time };
    parsed.cross_check()?;
    Ok(parsed)
}

fn set(found: &mut Found, field: Field, value: i64) -> Result<(), String> {
    if found.put(field, value) { Ok(()) } else { Err(format!("two parts of the text say different things about the {}", name(field))) }
}

fn name(field: Field) -> &'static str {
    match field {
        Field::Era => "era",
        Field::Year | Field::YearOfEra => "year",
        Field::Quarter => "quarter",
        Field::Month => "month",
        Field::DayOfYear => "day of the year",
        Field::DayOfMonth => "day",
        Field::AlignedDay => "day of the month's week",
        Field::DayOfWeek => "day of the week",
        Field::JulianDay => "Julian day",
        Field::AmPm => "half of the day",
        Field::Hour | Field::ClockHour | Field::HourOfHalf | Field::ClockHourOfHalf => "hour",
        Field::Minute => "minute",
        Field::Second => "second",
        Field::Nano => "fraction of the second",
        Field::OffsetSeconds => "offset",
    }
}

/// A value within the bounds of its field.
fn bounded(field: Field, value: i64) -> Result<i64, String> {
    let (low, high) = match field {
        Field::Era | Field::AmPm => (0, 1),
        Field::Year => (-999_999_999, 999_999_999),
        Field::YearOfEra => (1, 1_000_000_000),
        Field::Quarter => (1, 4),
        Field::Month | Field::ClockHourOfHalf => (1, 12),
        Field::DayOfYear => (1, 366),
        Field::DayOfMonth => (1, 31),
        Field::AlignedDay | Field::DayOfWeek => (1, 7),
        Field::JulianDay => (i64::MIN, i64::MAX),
        Field::Hour => (0, 23),
        Field::ClockHour => (1, 24),
        Field::HourOfHalf => (0, 11),
        Field::Minute | Field::Second => (0, 59),
        Field::Nano => (0, 999_999_999),
        Field::OffsetSeconds => (-18 * 3600, 18 * 3600),
    };
    within(name(field), value, low, high)
}

fn resolve_era(found: &mut Found) -> Result<(), String> {
    let Some(of_era) = found.take(Field::YearOfEra) else { return Ok(()) };
    bounded(Field::YearOfEra, of_era)?;
    match (found.take(Field::Era), found.get(Field::Year)) {
        (Some(1), _) => set(found, Field::Year, of_era),
        (Some(_), _) => set(found, Field::Year, 1 - of_era),
        (None, Some(year)) => set(found, Field::Year, if year > 0 { of_era } else { 1 - of_era }),
        // Without an era the year is not known.
        (None, None) => set(found, Field::YearOfEra, of_era),
    }
}

fn resolve_date(found: &mut Found) -> Result<Option<i64>, String> {
    let Some(year) = found.get(Field::Year) else { return Ok(None) };
    if let (Some(month), Some(day)) = (found.get(Field::Month), found.get(Field::DayOfMonth)) {
        found.take(Field::Year);
        found.take(Field::Month);
        found.take(Field::DayOfMonth);
        return date(year, month, day).map(Some);
    }
    let Some(day) = found.get(Field::DayOfYear) else { return Ok(None) };
    found.take(Field::Year);
    found.take(Field::DayOfYear);
    of_year_day(year, day).map(Some)
}

fn of_year_day(year: i64, day: i64) -> Result<i64, String> {
    bounded(Field::Year, year)?;
    bounded(Field::DayOfYear, day)?;
    if day == 366 && !is_leap(year) {
        return Err(format!("the year {year} has 365 days, and not 366"));
    }
    Ok(days_from_civil(year, 1, 1) + day - 1)
}

fn resolve_time(found: &mut Found) -> Result<Option<i64>, String> {
    if let Some(hour) = found.take(Field::ClockHour) {
        bounded(Field::ClockHour, hour)?;
        set(found, Field::Hour, hour % 24)?;
    }
    if let Some(hour) = found.take(Field::ClockHourOfHalf) {
        bounded(Field::ClockHourOfHalf, hour)?;
        set(found, Field::HourOfHalf, hour % 12)?;
    }
    if let (Some(half), Some(hour)) = (found.get(Field::AmPm), found.get(Field::HourOfHalf)) {
        found.take(Field::AmPm);
        found.take(Field::HourOfHalf);
        bounded(Field::AmPm, half)?;
        bounded(Field::HourOfHalf, hour)?;
        set(found, Field::Hour, half * 12 + hour)?;
    }
    if let Some(nanos) = found.get(Field::Nano) {
        bounded(Field::Nano, nanos)?;
    }
    let (minute, second, nano) = (found.get(Field::Minute), found.get(Field::Second), found.get(Field::Nano));
    let with_gap = (minute.is_none() && (second.is_some() || nano.is_some())) || (second.is_none() && nano.is_some());
    if let Some(hour) = found.get(Field::Hour) {
        // Where a part between others is missing, Java leaves all as they are.
        if with_gap {
            return Ok(None);
        }
        for field in [Field::Hour, Field::Minute, Field::Second, Field::Nano] {
            found.take(field);
        }
        let (minute, second) = (minute.unwrap_or(0), second.unwrap_or(0));
        let time = time_of(hour, minute, second, nano.unwrap_or(0))?;
        return Ok(Some(time));
    }
    for field in [Field::AmPm, Field::Hour, Field::HourOfHalf, Field::Minute, Field::Second] {
        if let Some(value) = found.get(field) {
            bounded(field, value)?;
        }
    }
    Ok(None)
}

fn time_of(hour: i64, minute: i64, second: i64, nano: i64) -> Result<i64, String> {
    Ok(bounded(Field::Hour, hour)? * HOUR + bounded(Field::Minute, minute)? * MINUTE + bounded(Field::Second, second)? * SECOND + nano)
}

impl Parsed {
    /// Fields that were not needed must not contradict what the others made.
    fn cross_check(&self) -> Result<(), String> {
        let same = |field: Field, actual: i64| match self.found.get(field) {
            Some(said) if said != actual => {
                Err(format!("the {} {said} contradicts the rest of the text, by which it is {actual}", name(field)))
            }
            _ => Ok(()),
        };
        if let Some(days) = self.date {
            let (year, month, day) = civil_from_days(days);
            same(Field::Month, month)?;
            same(Field::DayOfMonth, day)?;
            same(Field::DayOfYear, day_of_year(days))?;
            same(Field::Era, i64::from(year > 0))?;
        }
        if let Some(nanos) = self.time {
            same(Field::AmPm, nanos / HOUR / 12)?;
            same(Field::HourOfHalf, nanos / HOUR % 12)?;
        }
        Ok(())
    }

    fn or(&self, field: Field, default: i64) -> Result<i64, String> {
        self.found.get(field).map_or(Ok(default), |value| bounded(field, value))
    }

    /// The day; what the text does not say is of 1970-01-01.
    ///
    /// # Errors
    /// Where there is no such day.
    pub(crate) fn days(&self) -> Result<i64, String> {
        if let Some(days) = self.date {
            return Ok(days);
        }
        let year = self.or(Field::Year, 1970)?;
        let Some(of_year) = self.found.get(Field::DayOfYear) else {
            return date(year, self.or(Field::Month, 1)?, self.or(Field::DayOfMonth, 1)?);
        };
        let days = of_year_day(year, of_year)?;
        let (_, month, day) = civil_from_days(days);
        if self.or(Field::Month, month)? != month || self.or(Field::DayOfMonth, day)? != day {
            return Err(format!("day {of_year} of the year is the {day}th of month {month}, and the text says another"));
        }
        Ok(days)
    }

    /// Nanoseconds since midnight; what the text does not say is 0.
    ///
    /// # Errors
    /// Where a part of it is out of bounds.
    pub(crate) fn nanos(&self) -> Result<i64, String> {
        if let Some(nanos) = self.time {
            return Ok(nanos);
        }
        let hour = match (self.found.get(Field::Hour), self.found.get(Field::HourOfHalf), self.found.get(Field::AmPm)) {
            (Some(hour), ..) => bounded(Field::Hour, hour)?,
            (_, Some(hour), _) => bounded(Field::HourOfHalf, hour)?,
            (_, _, Some(1)) => 12,
            _ => 0,
        };
        time_of(hour, self.or(Field::Minute, 0)?, self.or(Field::Second, 0)?, self.or(Field::Nano, 0)?)
    }

    /// The time zone or offset that the text names.
    pub(crate) fn zone(&self) -> Option<TimeZone> {
        let offset = || self.found.get(Field::OffsetSeconds).and_then(|s| i32::try_from(s).ok()).map(TimeZone::Offset);
        self.found.zone.or_else(offset)
    }

    /// Microseconds of the local time since 1970-01-01, without regard to a zone.
    ///
    /// # Errors
    /// As [`Parsed::days`], [`Parsed::nanos`], and where the number is too large.
    pub(crate) fn local_micros(&self) -> Result<i64, String> {
        let (days, nanos) = (self.days()?, self.nanos()?);
        let micros = days.checked_mul(DAY).and_then(|d| d.checked_add(nanos / 1000));
        micros.ok_or_else(|| "the date is beyond the range of timestamps".to_owned())
    }

    /// The moment in microseconds since the epoch: in the zone that the text names, else in `zone`.
    ///
    /// # Errors
    /// As [`Parsed::local_micros`].
    pub(crate) fn micros(&self, zone: TimeZone) -> Result<i64, String> {
        let local = self.local_micros()?;
        // Beside a zone an offset counts for nothing, but a whole moment has to make sense with it.
        let offset = self.found.get(Field::OffsetSeconds);
        if let Some(seconds) = offset.filter(|_| self.found.zone.is_none() || (self.date.is_some() && self.time.is_some())) {
            bounded(Field::OffsetSeconds, seconds)?;
        }
        self.zone().unwrap_or(zone).to_utc(local).ok_or_else(|| "the date is beyond the range of timestamps".to_owned())
    }
}
