//! Days, moments and times of day plus intervals, and what lies between two of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    Date32Type, DurationMicrosecondType, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
    Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;

use super::Mode;
use super::lanes::{finish, is_valid, lane, map2, nulls, row_of};
use super::op::unforeseen;
use crate::error::error;
use crate::functions::KernelArgs;
use crate::types::civil::{self, civil_from_days};
use crate::types::{SparkType as T, TimeZone, to_arrow, zoned};
use crate::{Error, Result};

const DAY: i64 = 86_400_000_000;

/// A date months later; `None` beyond the range of dates.
fn date_months_later(date: i32, months: i32) -> Option<i32> {
    i32::try_from(civil::add_months(i64::from(date), i64::from(months))).ok()
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
    let [left, right] = args.arrays else { return Err(unforeseen("+", None)) };
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
        _ => Err(unforeseen("+", None)),
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
                let moved = zoned::add_interval(zone, start, i64::from(span.months), i64::from(span.days), span.nanoseconds / 1000)?;
                i32::try_from(zone.to_local(moved)?.div_euclid(DAY)).ok()
            };
            return moved().map(Some).ok_or_else(|| out_of_range("the date"));
        }
        let moved = date_months_later(date, span.months).and_then(|date| date.checked_add(span.days));
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
            date_months_later(dates.value(l), months.value(r)).map(Some).ok_or_else(|| out_of_range("the date"))
        });
    }
    let (moments, zone) = (left.as_primitive::<TimestampMicrosecondType>(), zone(args));
    each::<TimestampMicrosecondType>(args, |l, r| {
        let moved = zoned::add_interval(zone, moments.value(l), i64::from(months.value(r)), 0, 0);
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
            let moved = zoned::add_interval(zone, moments.value(l), i64::from(span.months), i64::from(span.days), span.nanoseconds / 1000);
            moved.map(Some).ok_or_else(|| out_of_range("the timestamp"))
        });
    }
    let spans = right.as_primitive::<DurationMicrosecondType>();
    each::<TimestampMicrosecondType>(args, |l, r| {
        let moved = zoned::add_day_time(zone, moments.value(l), spans.value(r));
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
    let ((y1, m1, d1), (y2, m2, d2)) = (civil_from_days(i64::from(start)), civil_from_days(i64::from(end)));
    let mut months = (y2 * 12 + m2) - (y1 * 12 + m1);
    let mut days = d2 - d1;
    if months > 0 && days < 0 {
        months -= 1;
        days = i64::from(end) - civil::add_months(i64::from(start), months);
    } else if months < 0 && days > 0 {
        months += 1;
        days -= civil::month_length(y2, m2);
    }
    IntervalMonthDayNano::new(i32::try_from(months).unwrap_or_default(), i32::try_from(days).unwrap_or_default(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::civil::days_from_civil;

    #[test]
    fn days_and_months() {
        for (start, months, expected) in
            [((2020, 1, 31), 1, (2020, 2, 29)), ((2020, 2, 29), 12, (2021, 2, 28)), ((2020, 1, 1), -1, (2019, 12, 1))]
        {
            let start = i32::try_from(days_from_civil(start.0, start.1, start.2)).unwrap();
            assert_eq!(civil_from_days(i64::from(date_months_later(start, months).unwrap())), expected);
        }
        assert_eq!(date_months_later(i32::MAX, 1), None);
        let day = |y, m, d| i32::try_from(days_from_civil(y, m, d)).unwrap();
        let found = period(day(2020, 1, 31), day(2020, 3, 1));
        assert_eq!((found.months, found.days), (1, 1));
    }
}
