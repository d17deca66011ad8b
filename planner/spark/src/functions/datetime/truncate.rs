//! Dates, timestamps and times cut down to a unit, and timestamps sorted into buckets.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, DurationMicrosecondType, IntervalYearMonthType, Time64NanosecondType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;

use super::support::{
    DAY, HOUR, MINUTE, SECOND, any_nullable, arithmetic_overflow, cell, collect, column, date_arg, overflow, row, text_cell, texts,
    time_arg, zone_for,
};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want, constant};
use crate::types::SparkType;
use crate::types::civil;
use crate::types::pattern::{Moment, Pattern, Use};
use crate::types::zoned::{add_interval, day_of, local, start_of_day, to_moment};
use crate::{Result, Sql, Typed};

pub(super) const ROWS: &[Function] = &[
    row(
        "trunc",
        "trunc(date, unit) - The first day of the date's YEAR, QUARTER, MONTH or WEEK; null for other units.",
        &[("SELECT trunc('2019-08-04', 'quarter')", "2019-07-01"), ("SELECT trunc('2019-08-04', 'week')", "2019-07-29")],
        |call| {
            call.arity(2..=2)?;
            let args = vec![date_arg(call, 0)?, call.want(1, &Want::String)?];
            Ok(call.scalar(trunc_dates, args, SparkType::Date, true))
        },
    ),
    row(
        "date_trunc",
        "date_trunc(unit, timestamp) - The timestamp with what is smaller than the unit made zero; null for unknown units.",
        &[("SELECT date_trunc('MM', '2015-03-05T09:32:05.359')", "2015-03-01 00:00:00")],
        |call| {
            call.arity(2..=2)?;
            let args = vec![call.want(0, &Want::String)?, call.want_type(1, SparkType::Timestamp)?];
            Ok(call.scalar(trunc_timestamps, args, SparkType::Timestamp, true))
        },
    ),
    row(
        "time_trunc",
        "time_trunc(unit, time) - The time with what is smaller than the unit made zero.",
        &[("SELECT time_trunc('HOUR', TIME'09:32:05.359')", "09:00:00")],
        |call| {
            call.arity(2..=2)?;
            let args = vec![call.want(0, &Want::String)?, time_arg(call, 1)?];
            let nullable = any_nullable(&args);
            let out = args.get(1).map_or(SparkType::Time(6), |time| time.data_type.clone());
            Ok(call.scalar(trunc_times, args, out, nullable))
        },
    ),
    row(
        "time_bucket",
        "time_bucket(size, timestamp[, origin]) - The start of the timestamp's bucket; buckets of that size are counted from the origin.",
        &[("SELECT time_bucket(INTERVAL '15' MINUTE, TIMESTAMP_NTZ '2024-01-01 11:27:00')", "2024-01-01 11:15:00")],
        time_bucket,
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A number of microseconds.
    Clock(i64),
    Week,
    Month,
    Quarter,
    Year,
}

fn level(text: &str) -> Option<Level> {
    Some(match text.to_uppercase().as_str() {
        "MICROSECOND" => Level::Clock(1),
        "MILLISECOND" => Level::Clock(1000),
        "SECOND" => Level::Clock(SECOND),
        "MINUTE" => Level::Clock(MINUTE),
        "HOUR" => Level::Clock(HOUR),
        "DAY" | "DD" => Level::Clock(DAY),
        "WEEK" => Level::Week,
        "MON" | "MONTH" | "MM" => Level::Month,
        "QUARTER" => Level::Quarter,
        "YEAR" | "YYYY" | "YY" => Level::Year,
        _ => return None,
    })
}

fn trunc_days(days: i64, level: Level) -> i64 {
    let (year, month, day) = civil::civil_from_days(days);
    match level {
        Level::Clock(_) => days,
        Level::Week => days - civil::weekday(days),
        Level::Month => days - day + 1,
        Level::Quarter => civil::days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
        Level::Year => civil::days_from_civil(year, 1, 1),
    }
}

fn trunc_dates(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (dates, units) = (column::<Date32Type>(args, 0)?, texts(args, 1)?);
    collect::<Date32Type>(args, |row| {
        let (Some(days), Some(unit)) = (cell(dates, row), text_cell(units, row)) else { return Ok(None) };
        match level(unit) {
            None | Some(Level::Clock(_)) => Ok(None),
            Some(level) => i32::try_from(trunc_days(i64::from(days), level)).map(Some).map_err(|_| overflow("the first day")),
        }
    })
}

fn trunc_timestamps(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (units, times) = (texts(args, 0)?, column::<TimestampMicrosecondType>(args, 1)?);
    let zone = args.settings.time_zone;
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(unit), Some(micros)) = (text_cell(units, row), cell(times, row)) else { return Ok(None) };
        let Some(level) = level(unit) else { return Ok(None) };
        let cut = match level {
            // Offsets are whole seconds.
            Level::Clock(size) if size <= SECOND => micros.checked_sub(micros.rem_euclid(size)),
            Level::Clock(size) => {
                let shown = local(zone, micros);
                shown.checked_sub(shown.rem_euclid(size)).and_then(|cut| to_moment(zone, cut, zone.offset_at(micros)))
            }
            _ => start_of_day(zone, trunc_days(day_of(zone, micros), level)),
        };
        cut.map(Some).ok_or_else(|| overflow("the beginning of the unit"))
    })
}

fn trunc_times(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (units, times) = (texts(args, 0)?, column::<Time64NanosecondType>(args, 1)?);
    collect::<Time64NanosecondType>(args, |row| {
        let (Some(unit), Some(nanos)) = (text_cell(units, row), cell(times, row)) else { return Ok(None) };
        let size = time_unit("time_trunc", unit)?;
        Ok(Some(nanos - nanos % size))
    })
}

/// Nanoseconds of a unit of times.
pub(super) fn time_unit(function: &str, text: &str) -> Result<i64> {
    Ok(match text.to_uppercase().as_str() {
        "HOUR" => HOUR * 1000,
        "MINUTE" => MINUTE * 1000,
        "SECOND" => SECOND * 1000,
        "MILLISECOND" => 1_000_000,
        "MICROSECOND" => 1000,
        _ => {
            let why = format!("`{function}` knows no unit '{text}': write 'HOUR', 'MINUTE', 'SECOND', 'MILLISECOND' or 'MICROSECOND'");
            return Err(error("INVALID_PARAMETER_VALUE.TIME_UNIT", why));
        }
    })
}

fn time_bucket(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let retyped = |value: Typed, to: &SparkType| if value.data_type == SparkType::Null { call.cast(value, to) } else { Ok(value) };
    let size = retyped(call.arg(0)?, &SparkType::DAY_TIME)?;
    if !size.data_type.is_ansi_interval() {
        return Err(call.unexpected_type(0, &size, "the (\"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\") type"));
    }
    let (time, origin) = (call.arg(1)?, if call.len() == 3 { Some(call.arg(2)?) } else { None });
    let stamp = |t: &SparkType| matches!(t, SparkType::Timestamp | SparkType::TimestampNtz);
    let out = match (&time.data_type, origin.as_ref().map(|o| &o.data_type)) {
        (SparkType::Null, Some(of_origin)) if stamp(of_origin) => of_origin.clone(),
        (SparkType::Null, _) => SparkType::Timestamp,
        (of_time, _) if stamp(of_time) => of_time.clone(),
        _ => return Err(call.unexpected_type(1, &time, "the (\"TIMESTAMP\" or \"TIMESTAMP_NTZ\") type")),
    };
    let time = retyped(time, &out)?;
    let origin = match origin {
        Some(origin) => retyped(origin, &out)?,
        None => default_origin(call, &out)?,
    };
    if !stamp(&origin.data_type) || origin.data_type != out {
        return Err(call.unexpected_type(2, &origin, &format!("the \"{}\" type", out.sql())));
    }
    let size_value = constant(&size)?.ok_or_else(|| not_constant(call, "bucketSize", &size))?;
    let positive = match &size_value {
        ScalarValue::DurationMicrosecond(Some(size)) => *size > 0,
        ScalarValue::IntervalYearMonth(Some(size)) => *size > 0,
        _ => true,
    };
    if !positive {
        let message = format!("cannot resolve \"{}\": the size of buckets has to be more than nothing, and it is {}", call.sql(), size.sql);
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    }
    if constant(&origin)?.is_none() {
        return Err(not_constant(call, "origin", &origin));
    }
    let args = vec![size, time, origin];
    let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
    let nullable = any_nullable(&args);
    Ok(call.scalar(buckets, args, out, nullable).shown(sql))
}

fn not_constant(call: &Call<'_>, name: &str, value: &Typed) -> crate::Error {
    let message = format!("cannot resolve \"{}\": `{name}` has to be a constant, and \"{}\" is none", call.sql(), value.sql);
    call.refuse("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", message)
}

/// 1970-01-01 00:00:00, local time.
fn default_origin(call: &Call<'_>, out: &SparkType) -> Result<Typed> {
    let zone = zone_for(Some(out), call.settings);
    let micros = start_of_day(zone, 0).unwrap_or(0);
    let text = Pattern::compile("yyyy-MM-dd HH:mm:ss", Use::FormatNew)?.format(&Moment::of_timestamp(micros, zone)).unwrap_or_default();
    let value = match out {
        SparkType::TimestampNtz => ScalarValue::TimestampMicrosecond(Some(micros), None),
        _ => ScalarValue::TimestampMicrosecond(Some(micros), Some(crate::types::UTC.into())),
    };
    Ok(Typed::literal(value, out.clone(), format!("{} '{text}'", out.sql())))
}

fn buckets(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (times, origins) = (column::<TimestampMicrosecondType>(args, 1)?, column::<TimestampMicrosecondType>(args, 2)?);
    let zone = zone_for(args.types.get(1), args.settings);
    if matches!(args.types.first(), Some(SparkType::YearMonthInterval(..))) {
        let sizes = column::<IntervalYearMonthType>(args, 0)?;
        return collect::<TimestampMicrosecondType>(args, |row| {
            let (Some(size), Some(time), Some(origin)) = (cell(sizes, row), cell(times, row), cell(origins, row)) else { return Ok(None) };
            month_bucket(zone, i64::from(size), time, origin).map(Some).ok_or_else(|| arithmetic_overflow("the bucket"))
        });
    }
    let sizes = column::<DurationMicrosecondType>(args, 0)?;
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(size), Some(time), Some(origin)) = (cell(sizes, row), cell(times, row), cell(origins, row)) else { return Ok(None) };
        clock_bucket(zone, size, time, origin).map(Some).ok_or_else(|| arithmetic_overflow("the bucket"))
    })
}

fn clock_bucket(zone: crate::types::TimeZone, size: i64, time: i64, origin: i64) -> Option<i64> {
    let count = time.checked_sub(origin)?.checked_div_euclid(size)?;
    if size < DAY {
        return origin.checked_add(count.checked_mul(size)?);
    }
    // Days are the calendar's: summer time moves a bucket by hours, and never by a whole one.
    let start = |count: i64| {
        let distance = count.checked_mul(size)?;
        add_interval(zone, origin, 0, distance / DAY, distance % DAY)
    };
    let first = start(count)?;
    if first > time {
        return start(count - 1);
    }
    let next = start(count.checked_add(1)?)?;
    Some(if next <= time { next } else { first })
}

fn month_bucket(zone: crate::types::TimeZone, size: i64, time: i64, origin: i64) -> Option<i64> {
    let months = |moment: i64| {
        let (year, month, _) = civil::civil_from_days(day_of(zone, moment));
        year * 12 + month
    };
    let count = (months(time) - months(origin)).checked_div_euclid(size)?;
    let start = |count: i64| add_interval(zone, origin, count.checked_mul(size)?, 0, 0);
    let first = start(count)?;
    if first > time { start(count - 1) } else { Some(first) }
}
