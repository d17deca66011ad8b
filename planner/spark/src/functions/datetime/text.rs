//! Dates, times and timestamps read from text and written as text, by patterns.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Date32Type, Int64Type, Time64NanosecondType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;

use super::current::now;
use super::support::{
    Patterns, SECOND, accepted, any_nullable, cell, collect, collect_text, column, constant_text, null_or, overflow, row, text_cell, texts,
};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::plan::CastMode;
use crate::types::pattern::{Moment, Parsed, Use};
use crate::types::zoned::start_of_day;
use crate::types::{SparkType, cast};
use crate::{Error, Result, Sql, Typed};

/// What `unix_timestamp` and `from_unixtime` take without a pattern.
const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";

pub(super) const ROWS: &[Function] = &[
    row(
        "date_format",
        "date_format(timestamp, pattern) - The timestamp as text in that pattern.",
        &[("SELECT date_format('2016-04-08', 'y')", "2016")],
        |call| {
            call.arity(2..=2)?;
            let args = vec![call.want_type(0, SparkType::Timestamp)?, call.want(1, &Want::String)?];
            let nullable = any_nullable(&args);
            Ok(call.scalar(format_timestamps, args, SparkType::String, nullable))
        },
    ),
    row(
        "from_unixtime",
        "from_unixtime(seconds[, pattern]) - The moment so many seconds after 1970-01-01 00:00:00 UTC, as text.",
        &[("SELECT from_unixtime(0, 'yyyy') IN ('1969', '1970')", "true")],
        |call| {
            call.arity(1..=2)?;
            let args = vec![call.want_type(0, SparkType::Long)?, pattern_or_default(call, 1)?];
            let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
            Ok(call.scalar(format_seconds, args, SparkType::String, true).shown(sql))
        },
    ),
    row(
        "unix_timestamp",
        "unix_timestamp([time[, pattern]]) - The seconds since 1970-01-01 00:00:00 UTC, of the statement's beginning unless a time is given.",
        &[("SELECT unix_timestamp('1970-01-01 00:01:00+00:00', 'yyyy-MM-dd HH:mm:ssXXX')", "60")],
        |call| {
            if call.is_empty() {
                let now = now(call).shown("current_timestamp()");
                return unix_time(call, now, default_pattern());
            }
            to_unix(call)
        },
    ),
    row(
        "to_unix_timestamp",
        "to_unix_timestamp(time[, pattern]) - The seconds since 1970-01-01 00:00:00 UTC.",
        &[("SELECT to_unix_timestamp('1970-01-01 00:01:00+00:00', 'yyyy-MM-dd HH:mm:ssXXX')", "60")],
        to_unix,
    ),
    row(
        "to_timestamp",
        "to_timestamp(text[, pattern]) - The timestamp that a text says, in the session's kind of timestamps.",
        &[("SELECT to_timestamp('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00")],
        |call| {
            let out = session_type(call);
            to_timestamp(call, out, false)
        },
    ),
    row(
        "try_to_timestamp",
        "try_to_timestamp(text[, pattern]) - The same as to_timestamp, but null for text that says none.",
        &[("SELECT try_to_timestamp('foo', 'yyyy-MM-dd')", "NULL")],
        |call| {
            let out = session_type(call);
            to_timestamp(call, out, true)
        },
    ),
    row(
        "to_timestamp_ltz",
        "to_timestamp_ltz(text[, pattern]) - The moment that a text says.",
        &[("SELECT to_timestamp_ltz('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00")],
        |call| to_timestamp(call, SparkType::Timestamp, false),
    ),
    row(
        "to_timestamp_ntz",
        "to_timestamp_ntz(text[, pattern]) - The local time that a text says.",
        &[("SELECT to_timestamp_ntz('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00")],
        |call| to_timestamp(call, SparkType::TimestampNtz, false),
    ),
    row(
        "to_date",
        "to_date(text[, pattern]) - The date that a text says.",
        &[("SELECT to_date('2009-07-30 04:17:52')", "2009-07-30"), ("SELECT to_date('2016-12-31', 'yyyy-MM-dd')", "2016-12-31")],
        |call| to_date(call, false),
    ),
    row(
        "try_to_date",
        "try_to_date(text[, pattern]) - The same as to_date, but null for text that says none.",
        &[("SELECT try_to_date('foo', 'yyyy-MM-dd')", "NULL")],
        |call| to_date(call, true),
    ),
    row(
        "to_time",
        "to_time(text[, pattern]) - The time that a text says.",
        &[("SELECT to_time('12.10.05', 'HH.mm.ss')", "12:10:05")],
        |call| to_time(call, false),
    ),
    row(
        "try_to_time",
        "try_to_time(text[, pattern]) - The same as to_time, but null for text that says none.",
        &[("SELECT try_to_time('foo', 'HH:mm:ss')", "NULL")],
        |call| to_time(call, true),
    ),
];

fn session_type(call: &Call<'_>) -> SparkType {
    if call.settings.timestamp_is_ntz { SparkType::TimestampNtz } else { SparkType::Timestamp }
}

fn default_pattern() -> Typed {
    Typed::literal(ScalarValue::Utf8(Some(DEFAULT.to_owned())), SparkType::String, DEFAULT)
}

fn pattern_or_default(call: &Call<'_>, at: usize) -> Result<Typed> {
    if call.len() > at { call.want(at, &Want::String) } else { Ok(default_pattern()) }
}

fn write(patterns: &mut Patterns<'_>, pattern: &str, moment: &Moment, out: &mut String) -> Result<bool> {
    let compiled = patterns.get(pattern)?;
    compiled.format_into(moment, out).map(|()| true).map_err(|why| overflow(format_args!("a field of the pattern `{pattern}` ({why})")))
}

fn format_timestamps(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (times, formats) = (column::<TimestampMicrosecondType>(args, 0)?, texts(args, 1)?);
    let mut patterns = Patterns::new(Use::Format, args.settings);
    collect_text(args, |row, out| {
        let (Some(micros), Some(pattern)) = (cell(times, row), text_cell(formats, row)) else { return Ok(false) };
        write(&mut patterns, pattern, &Moment::of_timestamp(micros, args.settings.time_zone), out)
    })
}

fn format_seconds(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (times, formats) = (column::<Int64Type>(args, 0)?, texts(args, 1)?);
    let mut patterns = Patterns::new(Use::Format, args.settings);
    collect_text(args, |row, out| {
        let (Some(seconds), Some(pattern)) = (cell(times, row), text_cell(formats, row)) else { return Ok(false) };
        // Spark's product wraps around.
        write(&mut patterns, pattern, &Moment::of_timestamp(seconds.wrapping_mul(SECOND), args.settings.time_zone), out)
    })
}

/// Text, dates and timestamps.
fn timely() -> Want {
    let types = [SparkType::Date, SparkType::Timestamp, SparkType::TimestampNtz].map(Want::Type);
    Want::OneOf(std::iter::once(Want::String).chain(types).collect())
}

fn to_unix(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let time = accepted(call, 0, &timely(), SparkType::String)?;
    let pattern = if call.len() > 1 { accepted(call, 1, &Want::String, SparkType::String)? } else { default_pattern() };
    unix_time(call, time, pattern)
}

fn unix_time(call: &Call<'_>, time: Typed, pattern: Typed) -> Result<Typed> {
    let args = vec![time, pattern];
    let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
    let nullable = !call.settings.ansi || any_nullable(&args);
    Ok(call.scalar_with(parse_timestamps, args, parse_constants(call, false, "try_to_timestamp"), SparkType::Long, nullable).shown(sql))
}

/// Whether what cannot be read is an error, and which function reads it without one.
fn parse_constants(call: &Call<'_>, tolerant: bool, instead: &str) -> Vec<ScalarValue> {
    vec![ScalarValue::Boolean(Some(call.settings.ansi && !tolerant)), ScalarValue::Utf8(Some(instead.to_owned()))]
}

fn to_timestamp(call: &mut Call<'_>, out: SparkType, tolerant: bool) -> Result<Typed> {
    call.arity(1..=2)?;
    let mut want = timely();
    if let (Want::OneOf(wants), SparkType::Timestamp) = (&mut want, &out) {
        wants.push(Want::Numeric);
    }
    let value = call.want(0, &want)?;
    if call.len() == 1 {
        let mode = if tolerant { CastMode::Try } else { CastMode::Session };
        return Ok(cast_to(call, value, &out, mode)?.shown(call.sql()));
    }
    let args = vec![value, call.want(1, &Want::String)?];
    if args.first().is_some_and(|value| value.data_type.is_numeric()) {
        return Err(call.unexpected_type(0, &call.arg(0)?, "text, a date or a timestamp when a pattern is given"));
    }
    let nullable = tolerant || !call.settings.ansi || any_nullable(&args);
    Ok(call.scalar_with(parse_timestamps, args, parse_constants(call, tolerant, "try_to_timestamp"), out, nullable))
}

fn cast_to(call: &Call<'_>, value: Typed, to: &SparkType, mode: CastMode) -> Result<Typed> {
    if value.data_type == *to {
        return Ok(value);
    }
    cast::cast(value, to, mode, call.settings, call.span)
}

fn to_date(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    call.arity(1..=2)?;
    let value = call.want(0, &timely())?;
    let mode = if tolerant { CastMode::Try } else { CastMode::Session };
    if call.len() == 1 {
        return Ok(cast_to(call, value, &SparkType::Date, mode)?.shown(call.sql()));
    }
    let args = vec![value, call.want(1, &Want::String)?];
    let nullable = tolerant || !call.settings.ansi || any_nullable(&args);
    let constants = parse_constants(call, tolerant, "try_to_date");
    let parsed = call.scalar_with(parse_timestamps, args, constants, SparkType::Timestamp, nullable);
    Ok(cast_to(call, parsed, &SparkType::Date, mode)?.shown(call.sql()))
}

/// Microseconds, or whole seconds where the result is a number.
fn parse_timestamps(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let unit = if *args.out == SparkType::Long { SECOND } else { 1 };
    let zone = args.settings.time_zone;
    match args.types.first() {
        Some(SparkType::Date) => {
            let dates = column::<Date32Type>(args, 0)?;
            moments(args, unit, |row| {
                let Some(days) = cell(dates, row) else { return Ok(None) };
                start_of_day(zone, i64::from(days)).map(Some).ok_or_else(|| overflow("the timestamp"))
            })
        }
        Some(SparkType::Timestamp | SparkType::TimestampNtz) => {
            let times = column::<TimestampMicrosecondType>(args, 0)?;
            moments(args, unit, |row| Ok(cell(times, row)))
        }
        _ => {
            let (values, formats) = (texts(args, 0)?, texts(args, 1)?);
            let ntz = *args.out == SparkType::TimestampNtz;
            let mut patterns = Patterns::new(if ntz { Use::ParseNew } else { Use::Parse }, args.settings);
            moments(args, unit, |row| {
                let (Some(text), Some(format)) = (text_cell(values, row), text_cell(formats, row)) else { return Ok(None) };
                let pattern = patterns.get(format)?;
                let read = pattern.parse(text);
                match read.and_then(|parsed: Parsed| if ntz { parsed.local_micros() } else { parsed.micros(zone) }) {
                    Ok(micros) => Ok(Some(micros)),
                    Err(why) => {
                        pattern.refuse_legacy(text)?;
                        match args.constants {
                            [ScalarValue::Boolean(Some(true)), ScalarValue::Utf8(Some(instead))] => {
                                Err(unread(text, format, &why, instead))
                            }
                            _ => Ok(None),
                        }
                    }
                }
            })
        }
    }
}

fn unread(text: &str, format: &str, why: &str, instead: &str) -> Error {
    let message = format!("`{text}` cannot be read by the pattern `{format}`, for {why}: mend one of them, or use `{instead}` to get NULL");
    error("CANNOT_PARSE_TIMESTAMP", message)
}

fn moments(args: &KernelArgs<'_>, unit: i64, mut micros: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
    if *args.out == SparkType::Long {
        // Seconds before 1970 are cut towards it.
        return collect::<Int64Type>(args, |row| Ok(micros(row)?.map(|micros| micros / unit)));
    }
    collect::<TimestampMicrosecondType>(args, micros)
}

fn to_time(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    call.arity(1..=2)?;
    let mut args = vec![accepted(call, 0, &Want::String, SparkType::String)?];
    if call.len() > 1 {
        args.push(accepted(call, 1, &Want::String, SparkType::String)?);
    }
    let inner = Sql::call("to_time", args.iter().map(|arg| &arg.sql));
    let sql = if tolerant { Sql::call("try_to_time", [&inner]) } else { inner };
    if let Some(pattern) = args.get(1)
        && constant_text(pattern)? == Some(None)
    {
        return Ok(Typed::literal(ScalarValue::Time64Nanosecond(None), SparkType::Time(6), sql));
    }
    let nullable = tolerant || any_nullable(&args);
    let constants = vec![ScalarValue::Boolean(Some(!tolerant))];
    Ok(call.scalar_with(parse_times, args, constants, SparkType::Time(6), nullable).shown(sql))
}

fn parse_times(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let values = texts(args, 0)?;
    let strict = matches!(args.constants, [ScalarValue::Boolean(Some(true)), ..]);
    let unread = |text: &str, format: &str, why: &str| {
        let message =
            format!("`{text}` is no time in the format `{format}`, for {why}: mend one of them, or use `try_to_time` to get NULL");
        error("CANNOT_PARSE_TIME", message)
    };
    if args.arrays.len() < 2 {
        let Some(first) = args.arrays.first() else { return Err(error("INTERNAL_ERROR", "an argument is missing")) };
        let read = cast::cast_array(first, &SparkType::String, &SparkType::Time(6), CastMode::Try, args.settings)?;
        if let Some(row) = (0..args.rows).find(|row| strict && values.is_valid(*row) && read.is_null(*row)) {
            return Err(unread(values.value(row), "HH:mm:ss.SSSSSS", "it does not match"));
        }
        return Ok(read);
    }
    let formats = texts(args, 1)?;
    let mut patterns = Patterns::new(Use::ParseNew, args.settings);
    collect::<Time64NanosecondType>(args, |row| {
        let (Some(text), Some(format)) = (text_cell(values, row), text_cell(formats, row)) else { return Ok(None) };
        let read = match patterns.get(format) {
            Ok(pattern) => pattern.parse(text).and_then(|parsed| parsed.nanos()).map_err(|why| unread(text, format, &why)),
            Err(failure) => Err(failure),
        };
        read.map(Some).or_else(|failure| null_or(strict, failure))
    })
}
