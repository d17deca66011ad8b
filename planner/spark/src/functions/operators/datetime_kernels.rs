//! Days, moments and times of day plus intervals, and what lies between two of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    Date32Type, DurationMicrosecondType, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
    Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;

use super::lanes::{finish, is_valid, lane, map2, nulls, row_of};
use super::{Mode, intervals};
use crate::error::error;
use crate::functions::KernelArgs;
use crate::types::{SparkType as T, TimeZone, to_arrow};
use crate::{Error, Result};

const DAY: i64 = 86_400_000_000;

/// Year, month and day of days since 1970-01-01, in the proleptic Gregorian calendar.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last one.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date whose month is from 1 to 12.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, months later; the last day of the month where it has fewer days.
fn months_later(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil(days);
    let count = year * 12 + month - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    days_of(year, month, day.min(days_in_month(year, month)))
}

/// Days since 1970-01-01, months later; `None` beyond the range of dates.
pub(crate) fn add_months(days: i32, months: i32) -> Option<i32> {
    i32::try_from(months_later(i64::from(days), i64::from(months))).ok()
}

/// The moment of a local time that a moment was moved to: the offset stays where it still holds, as `java.time.ZonedDateTime` does.
fn relocated(local: i64, offset: i32, zone: &TimeZone) -> Option<i64> {
    let moment = local.checked_sub(i64::from(offset) * 1_000_000)?;
    if zone.offset_at(moment) == offset { Some(moment) } else { zone.to_utc(local) }
}

/// A moment in microseconds since the epoch, plus months, then days, both by the zone's calendar, then microseconds.
pub(crate) fn timestamp_add_interval(micros: i64, months: i32, days: i32, more: i64, zone: &TimeZone) -> Option<i64> {
    let mut moment = micros;
    if months != 0 {
        let offset = zone.offset_at(moment);
        let local = moment.checked_add(i64::from(offset) * 1_000_000)?;
        let day = months_later(local.div_euclid(DAY), i64::from(months));
        moment = relocated(day.checked_mul(DAY)?.checked_add(local.rem_euclid(DAY))?, offset, zone)?;
    }
    if days != 0 {
        moment = days_later(moment, i64::from(days), zone)?;
    }
    moment.checked_add(more)
}

fn days_later(moment: i64, days: i64, zone: &TimeZone) -> Option<i64> {
    let offset = zone.offset_at(moment);
    let local = moment.checked_add(i64::from(offset) * 1_000_000)?;
    relocated(local.checked_add(days.checked_mul(DAY)?)?, offset, zone)
}

/// A moment plus a day-time interval: its whole days by the zone's calendar, then the rest.
pub(crate) fn timestamp_add_micros(micros: i64, interval: i64, zone: &TimeZone) -> Option<i64> {
    let days = interval / DAY;
    let moment = if days == 0 { micros } else { days_later(micros, days, zone)? };
    moment.checked_add(interval - days * DAY)
}

fn out_of_range(what: &str) -> Error {
    error("DATETIME_OVERFLOW", format!("{what} is beyond the range of its type; take a shorter interval"))
}

fn mode(args: &KernelArgs<'_>) -> Mode {
    Mode::from_constant(args.constants.first())
}

/// The zone by whose calendar moments of a type move.
fn zone(args: &KernelArgs<'_>) -> TimeZone {
    if matches!(args.types.first(), Some(T::Timestamp | T::Date)) { args.settings.time_zone } else { TimeZone::utc() }
}

/// Each row where both have a value; nothing, or an error under `try_`, gives null.
fn each<P: ArrowPrimitiveType>(args: &KernelArgs<'_>, one: impl Fn(usize, usize) -> Result<Option<P::Native>>) -> Result<ArrayRef> {
    let [left, right] = args.arrays else { return Err(intervals::unforeseen("+", None)) };
    let (valid, mode) = (nulls(args), mode(args));
    let mut made = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if !is_valid(valid.as_ref(), row) {
            made.push(None);
            continue;
        }
        made.push(match one(row_of(left, row), row_of(right, row)) {
            Err(_) if mode == Mode::Try => None,
            made => made?,
        });
    }
    let array = PrimitiveArray::<P>::from_iter(made);
    Ok(Arc::new(array.with_data_type(to_arrow(args.out))))
}

fn sides<'a>(args: &'a KernelArgs<'_>) -> Result<(&'a ArrayRef, &'a ArrayRef)> {
    match args.arrays {
        [left, right] => Ok((left, right)),
        _ => Err(intervals::unforeseen("+", None)),
    }
}

/// A day plus or minus ints; it wraps around, as in Spark.
pub(super) fn date_plus_days(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (a, b) = (lane::<Date32Type>(left, args.rows), lane::<Int32Type>(right, args.rows));
    let values = if args.constants.get(1) == Some(&ScalarValue::Int8(Some(-1))) {
        map2(a, b, args.rows, i32::wrapping_sub)
    } else {
        map2(a, b, args.rows, i32::wrapping_add)
    };
    finish::<Date32Type>(values, nulls(args), args.out)
}

/// A day plus a day-time interval of whole days.
pub(super) fn date_plus_interval_days(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (a, b) = (lane::<Date32Type>(left, args.rows), lane::<DurationMicrosecondType>(right, args.rows));
    // An interval has fewer than 2^31 days.
    #[allow(clippy::cast_possible_truncation)]
    let values = map2(a, b, args.rows, |x, y| x.wrapping_add((y / DAY) as i32));
    finish::<Date32Type>(values, nulls(args), args.out)
}

/// A day plus a calendar interval.
pub(super) fn date_plus_calendar(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (dates, spans) = (left.as_primitive::<Date32Type>(), right.as_primitive::<IntervalMonthDayNanoType>());
    let (zone, exact) = (args.settings.time_zone, mode(args) != Mode::Legacy);
    each::<Date32Type>(args, |l, r| {
        let (date, span) = (dates.value(l), spans.value(r));
        if span.nanoseconds != 0 {
            if exact {
                return Err(error(
                    "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION",
                    "an interval with a time of day cannot be added to a date: cast the date to timestamp",
                ));
            }
            let moved = || {
                let start = zone.to_utc(i64::from(date).checked_mul(DAY)?)?;
                let moved = timestamp_add_interval(start, span.months, span.days, span.nanoseconds / 1000, &zone)?;
                i32::try_from(zone.to_local(moved)?.div_euclid(DAY)).ok()
            };
            return moved().map(Some).ok_or_else(|| out_of_range("the date"));
        }
        let moved = add_months(date, span.months).and_then(|date| date.checked_add(span.days));
        moved.map(Some).ok_or_else(|| out_of_range("the date"))
    })
}

/// A day or a moment plus a year-month interval.
pub(super) fn plus_months(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let months = right.as_primitive::<IntervalYearMonthType>();
    if matches!(args.types.first(), Some(T::Date)) {
        let dates = left.as_primitive::<Date32Type>();
        return each::<Date32Type>(args, |l, r| {
            add_months(dates.value(l), months.value(r)).map(Some).ok_or_else(|| out_of_range("the date"))
        });
    }
    let (moments, zone) = (left.as_primitive::<TimestampMicrosecondType>(), zone(args));
    each::<TimestampMicrosecondType>(args, |l, r| {
        let moved = timestamp_add_interval(moments.value(l), months.value(r), 0, 0, &zone);
        moved.map(Some).ok_or_else(|| out_of_range("the timestamp"))
    })
}

/// A moment plus a day-time or calendar interval.
pub(super) fn moment_plus(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (moments, zone) = (left.as_primitive::<TimestampMicrosecondType>(), zone(args));
    if matches!(args.types.get(1), Some(T::CalendarInterval)) {
        let spans = right.as_primitive::<IntervalMonthDayNanoType>();
        return each::<TimestampMicrosecondType>(args, |l, r| {
            let span = spans.value(r);
            let moved = timestamp_add_interval(moments.value(l), span.months, span.days, span.nanoseconds / 1000, &zone);
            moved.map(Some).ok_or_else(|| out_of_range("the timestamp"))
        });
    }
    let spans = right.as_primitive::<DurationMicrosecondType>();
    each::<TimestampMicrosecondType>(args, |l, r| {
        let moved = timestamp_add_micros(moments.value(l), spans.value(r), &zone);
        moved.map(Some).ok_or_else(|| out_of_range("the timestamp"))
    })
}

/// A time of day plus a day-time interval; it does not go on into the next day.
pub(super) fn time_plus(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (times, spans) = (left.as_primitive::<Time64NanosecondType>(), right.as_primitive::<DurationMicrosecondType>());
    let digits = if let T::Time(digits) = args.out { u32::from(*digits) } else { 6 };
    let unit = 10_i64.pow(9_u32.saturating_sub(digits));
    each::<Time64NanosecondType>(args, |l, r| {
        let moved = spans.value(r).checked_mul(1000).and_then(|nanos| times.value(l).checked_add(nanos));
        let moved = moved.filter(|nanos| (0..DAY * 1000).contains(nanos));
        let moved = moved.map(|nanos| Some(nanos - nanos % unit));
        moved.ok_or_else(|| out_of_range("the time of day"))
    })
}

/// Microseconds between two times of day.
pub(super) fn times_apart(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (a, b) = (lane::<Time64NanosecondType>(left, args.rows), lane::<Time64NanosecondType>(right, args.rows));
    let values = map2(a, b, args.rows, |x, y| x.wrapping_sub(y) / 1000);
    finish::<DurationMicrosecondType>(values, nulls(args), args.out)
}

/// Microseconds between two moments, by the clock.
pub(super) fn moments_apart(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    let (a, b, zone) = (left.as_primitive::<TimestampMicrosecondType>(), right.as_primitive::<TimestampMicrosecondType>(), zone(args));
    let too_long = || error("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the two timestamps are too far apart for an interval");
    if *args.out == T::CalendarInterval {
        return each::<IntervalMonthDayNanoType>(args, |l, r| {
            let nanos = a.value(l).checked_sub(b.value(r)).and_then(|micros| micros.checked_mul(1000));
            nanos.map(|nanos| Some(IntervalMonthDayNano::new(0, 0, nanos))).ok_or_else(too_long)
        });
    }
    each::<DurationMicrosecondType>(args, |l, r| {
        let apart = || zone.to_local(a.value(l))?.checked_sub(zone.to_local(b.value(r))?);
        apart().map(Some).ok_or_else(too_long)
    })
}

/// Days between two days.
pub(super) fn days_apart(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = sides(args)?;
    if *args.out == T::CalendarInterval {
        let (a, b) = (left.as_primitive::<Date32Type>(), right.as_primitive::<Date32Type>());
        return each::<IntervalMonthDayNanoType>(args, |l, r| Ok(Some(period(b.value(r), a.value(l)))));
    }
    let (a, b) = (left.as_primitive::<Date32Type>(), right.as_primitive::<Date32Type>());
    each::<DurationMicrosecondType>(args, |l, r| {
        let apart = (i64::from(a.value(l)) - i64::from(b.value(r))).checked_mul(DAY);
        let too_long = || error("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the two dates are too far apart for an interval");
        apart.map(Some).ok_or_else(too_long)
    })
}

/// Months and days from one day to another, as `java.time.Period.between`.
fn period(start: i32, end: i32) -> IntervalMonthDayNano {
    let ((y1, m1, d1), (y2, m2, d2)) = (civil(i64::from(start)), civil(i64::from(end)));
    let mut months = (y2 * 12 + m2) - (y1 * 12 + m1);
    let mut days = d2 - d1;
    if months > 0 && days < 0 {
        months -= 1;
        days = i64::from(end) - months_later(i64::from(start), months);
    } else if months < 0 && days > 0 {
        months += 1;
        days -= days_in_month(y2, m2);
    }
    IntervalMonthDayNano::new(i32::try_from(months).unwrap_or_default(), i32::try_from(days).unwrap_or_default(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months() {
        for days in [-1_000_000, -719_529, -1, 0, 59, 11_016, 18_321, 2_932_896] {
            let (year, month, day) = civil(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(civil(18_321), (2020, 2, 29));
        for (start, months, expected) in
            [((2020, 1, 31), 1, (2020, 2, 29)), ((2020, 2, 29), 12, (2021, 2, 28)), ((2020, 1, 1), -1, (2019, 12, 1))]
        {
            let start = i32::try_from(days_of(start.0, start.1, start.2)).unwrap();
            assert_eq!(civil(i64::from(add_months(start, months).unwrap())), expected);
        }
        assert_eq!(add_months(i32::MAX, 1), None);
        let day = |y, m, d| i32::try_from(days_of(y, m, d)).unwrap();
        let found = period(day(2020, 1, 31), day(2020, 3, 1));
        assert_eq!((found.months, found.days), (1, 1));
    }

    #[test]
    fn moments_in_zones() {
        let berlin = TimeZone::parse("Europe/Berlin").unwrap();
        let at = |y, m, d, h: i64| days_of(y, m, d) * DAY + h * 3_600_000_000;
        // 2021-03-27 02:30 local is 01:30 UTC; a day later that local time is skipped, and becomes 03:30, which is 01:30 UTC.
        let half = 1_800_000_000;
        assert_eq!(timestamp_add_micros(at(2021, 3, 27, 1) + half, DAY, &berlin), Some(at(2021, 3, 28, 1) + half));
        // 24 hours are a day of the calendar, too.
        assert_eq!(timestamp_add_interval(at(2021, 3, 27, 11), 0, 1, 0, &berlin), Some(at(2021, 3, 28, 10)));
        assert_eq!(timestamp_add_interval(at(2021, 3, 27, 11), 0, 0, DAY, &berlin), Some(at(2021, 3, 28, 11)));
        assert_eq!(timestamp_add_interval(at(2021, 1, 31, 11), 1, 0, 0, &TimeZone::utc()), Some(at(2021, 2, 28, 11)));
        assert_eq!(timestamp_add_interval(i64::MAX, 0, 0, 1, &berlin), None);
    }
}
