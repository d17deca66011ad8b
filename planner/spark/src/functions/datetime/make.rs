//! Dates, times and timestamps put together from their parts.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type, Time64NanosecondType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;

use super::current::zone_text;
use super::support::{
    DAY, HOUR, MINUTE, SECOND, any_nullable, cell, collect, column, exactly, null_or, out_of_bounds, out_of_bounds_always, overflow, row,
    text_cell, texts,
};
use super::zone_names::Zones;
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::types::civil;
use crate::{Error, Result, Sql, Typed};

/// Seconds with microseconds.
const SECONDS: SparkType = SparkType::Decimal(16, 6);

pub(super) const ROWS: &[Function] = &[
    row(
        "make_date",
        "make_date(year, month, day) - A date from its parts.",
        &[("SELECT make_date(2013, 7, 15)", "2013-07-15"), ("SELECT make_date(2019, 7, NULL)", "NULL")],
        |call| {
            call.arity(3..=3)?;
            let args = integers(call, 3)?;
            let nullable = !call.settings.ansi || any_nullable(&args);
            Ok(call.scalar(make_dates, args, SparkType::Date, nullable))
        },
    ),
    row(
        "make_time",
        "make_time(hour, minute, second) - A time from its parts; the second may have a fraction.",
        &[("SELECT make_time(6, 30, 45.887)", "06:30:45.887")],
        |call| {
            call.arity(3..=3)?;
            let mut args = integers(call, 2)?;
            args.push(call.want_type(2, SECONDS)?);
            let nullable = any_nullable(&args);
            Ok(call.scalar(make_times, args, SparkType::Time(6), nullable))
        },
    ),
    row(
        "make_timestamp",
        "make_timestamp(year, month, day, hour, min, sec[, timezone]) - A timestamp from its parts; also make_timestamp(date[, time[, timezone]]).",
        &[("SELECT make_timestamp(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887")],
        |call| of_session(call, false),
    ),
    row(
        "try_make_timestamp",
        "try_make_timestamp(year, month, day, hour, min, sec[, timezone]) - The same as make_timestamp, but null for parts that do not fit.",
        &[("SELECT try_make_timestamp(2024, 13, 22, 15, 30, 0)", "NULL")],
        |call| of_session(call, true),
    ),
    row(
        "make_timestamp_ltz",
        "make_timestamp_ltz(year, month, day, hour, min, sec[, timezone]) - A moment from its parts; also make_timestamp_ltz(date, time[, timezone]).",
        &[("SELECT make_timestamp_ltz(2019, 6, 30, 23, 59, 60)", "2019-07-01 00:00:00")],
        |call| zoned(call, false),
    ),
    row(
        "try_make_timestamp_ltz",
        "try_make_timestamp_ltz(year, month, day, hour, min, sec[, timezone]) - The same as make_timestamp_ltz, but null for parts that do not fit.",
        &[("SELECT try_make_timestamp_ltz(2024, 13, 22, 15, 30, 0)", "NULL")],
        |call| zoned(call, true),
    ),
    row(
        "make_timestamp_ntz",
        "make_timestamp_ntz(year, month, day, hour, min, sec) - Local time from its parts; also make_timestamp_ntz(date, time).",
        &[
            ("SELECT make_timestamp_ntz(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"),
            ("SELECT make_timestamp_ntz(DATE'2014-12-28', TIME'6:30:45.887')", "2014-12-28 06:30:45.887"),
        ],
        |call| local(call, false),
    ),
    row(
        "try_make_timestamp_ntz",
        "try_make_timestamp_ntz(year, month, day, hour, min, sec) - The same as make_timestamp_ntz, but null for parts that do not fit.",
        &[("SELECT try_make_timestamp_ntz(2024, 13, 22, 15, 30, 0)", "NULL")],
        |call| local(call, true),
    ),
];

fn integers(call: &Call<'_>, count: usize) -> Result<Vec<Typed>> {
    (0..count).map(|at| call.want_type(at, SparkType::Integer)).collect()
}

fn of_session(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    match call.len() {
        1..=3 => from_date(call, call.name, tolerant),
        6 | 7 => {
            let out = if call.settings.timestamp_is_ntz { SparkType::TimestampNtz } else { SparkType::Timestamp };
            let made = from_parts(call, out, tolerant)?;
            if !tolerant {
                return Ok(made);
            }
            // Spark leaves the zone out of the text of this one.
            let values = call.values()?;
            Ok(made.shown(Sql::call(call.name, values.iter().take(6).map(|value| &value.sql))))
        }
        _ => Err(call.wrong_arity("1, 2, 3, 6 or 7")),
    }
}

fn zoned(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    match call.len() {
        // These two are shown under the plain name.
        2 | 3 => from_date(call, "make_timestamp", false),
        6 | 7 => from_parts(call, SparkType::Timestamp, tolerant),
        _ => Err(call.wrong_arity("2, 3, 6 or 7")),
    }
}

fn local(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    match call.len() {
        2 => {
            let args = vec![exactly(call, 0, &[SparkType::Date], "the \"DATE\" type")?, exact_time(call, 1)?];
            let inner = Sql::call("make_timestamp_ntz", args.iter().map(|arg| &arg.sql));
            let nullable = tolerant || any_nullable(&args);
            let made = call.scalar(at_date, args, SparkType::TimestampNtz, nullable);
            Ok(made.shown(if tolerant { Sql::call(call.name, [&inner]) } else { inner }))
        }
        6 => from_parts(call, SparkType::TimestampNtz, tolerant),
        _ => Err(call.wrong_arity("2 or 6")),
    }
}

fn exact_time(call: &Call<'_>, at: usize) -> Result<Typed> {
    let value = call.arg(at)?;
    match value.data_type {
        SparkType::Time(_) => Ok(value),
        SparkType::Null => call.cast(value, &SparkType::Time(6)),
        _ => Err(call.unexpected_type(at, &value, "the \"TIME\" type")),
    }
}

/// `make_timestamp(date[, time[, timezone]])`
fn from_date(call: &Call<'_>, shown: &str, tolerant: bool) -> Result<Typed> {
    let mut args = vec![exactly(call, 0, &[SparkType::Date], "the \"DATE\" type")?];
    if call.len() > 1 {
        args.push(exact_time(call, 1)?);
    }
    let mut zone = None;
    if call.len() > 2 {
        let text = call.arg(2)?;
        zone = Some(if text.data_type.is_string() { text } else { exactly(call, 2, &[SparkType::String], "the \"STRING\" type")? });
    }
    args.extend(zone);
    let sql = Sql::call(shown, args.iter().map(|arg| &arg.sql));
    let nullable = any_nullable(&args);
    // A zone that is none is refused by all of them, `try_` or not.
    let constants = vec![ScalarValue::Boolean(Some(tolerant))];
    Ok(call.scalar_with(at_date, args, constants, SparkType::Timestamp, nullable).shown(sql))
}

fn at_date(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let dates = column::<Date32Type>(args, 0)?;
    let times = if args.arrays.len() > 1 { Some(column::<Time64NanosecondType>(args, 1)?) } else { None };
    let names = if args.arrays.len() > 2 { Some(texts(args, 2)?) } else { None };
    let ntz = *args.out == SparkType::TimestampNtz;
    let mut zones = Zones::default();
    collect::<TimestampMicrosecondType>(args, |row| {
        let Some(days) = cell(dates, row) else { return Ok(None) };
        let nanos = match times {
            Some(times) => match cell(times, row) {
                Some(nanos) => nanos,
                None => return Ok(None),
            },
            None => 0,
        };
        let zone = match names.map(|names| text_cell(names, row)) {
            Some(Some(name)) => zones.get(name)?,
            Some(None) => return Ok(None),
            None => args.settings.time_zone,
        };
        let local = i64::from(days).checked_mul(DAY).and_then(|micros| micros.checked_add(nanos / 1000));
        let moment = if ntz { local } else { local.and_then(|local| zone.to_utc(local)) };
        moment.map(Some).ok_or_else(|| overflow("the timestamp"))
    })
}

/// `make_timestamp(year, month, day, hour, min, sec[, timezone])`
fn from_parts(call: &Call<'_>, out: SparkType, tolerant: bool) -> Result<Typed> {
    let mut args = integers(call, 5)?;
    args.push(call.want_type(5, SECONDS)?);
    args.push(if call.len() > 6 {
        call.want(6, &Want::String)?
    } else {
        Typed::literal(ScalarValue::Utf8(Some(zone_text(call))), SparkType::String, "")
    });
    let ansi = call.settings.ansi && !tolerant;
    let nullable = !ansi || any_nullable(&args);
    Ok(call.scalar_with(make_timestamps, args, vec![ScalarValue::Boolean(Some(ansi))], out, nullable))
}

fn make_timestamps(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let parts = (0..5).map(|at| column::<Int32Type>(args, at)).collect::<Result<Vec<_>>>()?;
    let [years, months, days, hours, minutes] = parts.as_slice() else { return Err(error("INTERNAL_ERROR", "parts are missing")) };
    let (seconds, names) = (column::<Decimal128Type>(args, 5)?, texts(args, 6)?);
    let ansi = matches!(args.constants, [ScalarValue::Boolean(Some(true)), ..]);
    let ntz = *args.out == SparkType::TimestampNtz;
    let mut zones = Zones::default();
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(year), Some(month), Some(day)) = (cell(years, row), cell(months, row), cell(days, row)) else { return Ok(None) };
        let (Some(hour), Some(minute), Some(second)) = (cell(hours, row), cell(minutes, row), cell(seconds, row)) else { return Ok(None) };
        let Some(name) = text_cell(names, row) else { return Ok(None) };
        let made = local_time(year, month, day, hour, minute, second).and_then(|local| {
            let moment = if ntz { Some(local) } else { zones.get(name)?.to_utc(local) };
            moment.ok_or_else(|| overflow("the timestamp"))
        });
        made.map(Some).or_else(|failure| null_or(ansi, failure))
    })
}

fn local_time(year: i32, month: i32, day: i32, hour: i32, minute: i32, micros: i128) -> Result<i64, Error> {
    let (whole, fraction) = (micros.div_euclid(i128::from(SECOND)), micros.rem_euclid(i128::from(SECOND)));
    let (second, carry) = match whole {
        60 if fraction == 0 => (0, MINUTE),
        60 => {
            let shown = format!("60.{fraction:06}");
            let why = format!("seconds are from 0 to 60, and not {shown}: use `try_make_timestamp` to get NULL");
            return Err(error("INVALID_FRACTION_OF_SECOND", why));
        }
        whole => (i64::try_from(whole).unwrap_or(-1), 0),
    };
    let date = civil::date(i64::from(year), i64::from(month), i64::from(day)).map_err(out_of_bounds)?;
    let time = clock(i64::from(hour), i64::from(minute), second, i64::try_from(fraction).unwrap_or(0)).map_err(out_of_bounds)?;
    date.checked_mul(DAY).and_then(|d| d.checked_add(time)?.checked_add(carry)).ok_or_else(|| overflow("the timestamp"))
}

/// Microseconds since midnight.
fn clock(hour: i64, minute: i64, second: i64, micros: i64) -> std::result::Result<i64, String> {
    civil::within("hour", hour, 0, 23)?;
    civil::within("minute", minute, 0, 59)?;
    civil::within("second", second, 0, 59)?;
    Ok(hour * HOUR + minute * MINUTE + second * SECOND + micros)
}

fn make_dates(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (years, months, days) = (column::<Int32Type>(args, 0)?, column::<Int32Type>(args, 1)?, column::<Int32Type>(args, 2)?);
    collect::<Date32Type>(args, |row| {
        let (Some(year), Some(month), Some(day)) = (cell(years, row), cell(months, row), cell(days, row)) else { return Ok(None) };
        match civil::date(i64::from(year), i64::from(month), i64::from(day)) {
            Ok(days) => i32::try_from(days).map(Some).map_err(|_| overflow("the date")),
            Err(why) => null_or(args.settings.ansi, out_of_bounds(why)),
        }
    })
}

fn make_times(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (hours, minutes, seconds) = (column::<Int32Type>(args, 0)?, column::<Int32Type>(args, 1)?, column::<Decimal128Type>(args, 2)?);
    collect::<Time64NanosecondType>(args, |row| {
        let (Some(hour), Some(minute), Some(micros)) = (cell(hours, row), cell(minutes, row), cell(seconds, row)) else { return Ok(None) };
        let unit = i128::from(SECOND);
        let second = i64::try_from(micros.div_euclid(unit)).unwrap_or(-1);
        let fraction = i64::try_from(micros.rem_euclid(unit)).unwrap_or(0);
        let time = clock(i64::from(hour), i64::from(minute), second, fraction).map_err(out_of_bounds_always)?;
        Ok(Some(time * 1000))
    })
}
