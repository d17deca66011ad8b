//! Windows of time: which one a row falls into. Grouping by several windows per row, or by sessions, is the resolver's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, IntervalMonthDayNanoType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;

use super::support::{DAY, cell, collect, column, overflow, row, zone_for};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, SparkScalar, constant};
use crate::plan::CastMode;
use crate::types::zoned::add_interval;
use crate::types::{SparkType, StructField, cast, interval_text, to_arrow};
use crate::{Result, Sql, Typed};

pub(super) const ROWS: &[Function] = &[
    row(
        "window",
        "window(time, size[, slide[, start]]) - The window of time, a struct of start and end, that a row falls into.",
        &[("SELECT window(timestamp_ntz'2021-01-01 00:04:30', '5 minutes').end", "2021-01-01 00:05:00")],
        tumbling,
    ),
    row(
        "session_window",
        "session_window(time, gap) - The window from a row's time until nothing has come for the gap.",
        &[(
            "SELECT count(*) FROM VALUES (timestamp'2021-01-01 00:00:00'), (timestamp'2021-01-01 00:04:30') AS t(b) \
             GROUP BY session_window(b, '5 minutes')",
            "2",
        )],
        |call| {
            let spec = session_spec(call)?;
            let time = spec.time.data_type.clone();
            let made = call.scalar(first_sessions, vec![spec.time, spec.gap], window_type(&time), false);
            Ok(made.shown("session_window"))
        },
    ),
    row(
        "window_time",
        "window_time(window) - The last microsecond of a window: its time for the next grouping.",
        &[(
            "SELECT window_time(window) FROM (SELECT window(timestamp_ntz'2021-01-01 00:00:00', '5 minutes') AS window)",
            "2021-01-01 00:04:59.999999",
        )],
        |call| {
            call.arity(1..=1)?;
            let window = call.arg(0)?;
            match time_of_window(call, window.clone())? {
                Some(time) => Ok(time.shown(call.sql())),
                None => Err(call.unexpected_type(0, &window, "the \"STRUCT\" type of a window")),
            }
        },
    ),
];

/// What a call of `window` says. Times and lengths are microseconds.
#[derive(Debug, Clone)]
pub struct WindowSpec {
    /// The time of a row: a timestamp of either kind.
    pub time: Typed,
    /// How long a window is.
    pub size_us: i64,
    /// How far the next one begins after it; `size_us` where windows do not overlap.
    pub slide_us: i64,
    /// When windows begin, counted from 1970-01-01 00:00:00 UTC.
    pub start_us: i64,
}

/// What a call of `session_window` says.
#[derive(Debug, Clone)]
pub struct SessionSpec {
    /// The time of a row: a timestamp of either kind.
    pub time: Typed,
    /// How long nothing may come: a calendar interval. Rows for which it is null, zero or negative belong to no session.
    pub gap: Typed,
    /// The gap as (months, days, microseconds), where it is the same for all rows.
    pub constant_gap: Option<(i32, i32, i64)>,
}

/// The type of windows over times of a type.
pub fn window_type(time: &SparkType) -> SparkType {
    SparkType::Struct(vec![StructField::new("start", time.clone()), StructField::new("end", time.clone())])
}

/// Takes a call of `window` apart.
///
/// # Errors
/// Where it has other arguments than `(time, size[, slide[, start]])`, or they do not fit together.
pub fn window_spec(call: &Call<'_>) -> Result<WindowSpec> {
    call.arity(2..=4)?;
    let time = time_column(call)?;
    let size_us = length(call, 1)?;
    let slide_us = if call.len() > 2 { length(call, 2)? } else { size_us };
    let start_us = if call.len() > 3 { length(call, 3)? } else { 0 };
    for (name, value) in [("window_duration", size_us), ("slide_duration", slide_us)] {
        if value <= 0 {
            let message =
                format!("cannot resolve \"{}\": `{name}` has to be more than nothing, and it is {value} microseconds", call.sql());
            return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
        }
    }
    let fault = if slide_us > size_us {
        Some(format!("`slide_duration` ({slide_us} microseconds) has to be at most `window_duration` ({size_us})"))
    } else if start_us.unsigned_abs() >= slide_us.unsigned_abs() {
        Some(format!("`start_time` ({start_us} microseconds) has to be less than `slide_duration` ({slide_us}) in either direction"))
    } else {
        None
    };
    match fault {
        Some(fault) => {
            Err(call.refuse("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", format!("cannot resolve \"{}\": {fault}", call.sql())))
        }
        None => Ok(WindowSpec { time, size_us, slide_us, start_us }),
    }
}

/// Takes a call of `session_window` apart.
///
/// # Errors
/// Where it has other arguments than `(time, gap)`, or the gap is no interval.
pub fn session_spec(call: &Call<'_>) -> Result<SessionSpec> {
    call.arity(2..=2)?;
    let time = time_column(call)?;
    let gap = call.arg(1)?;
    let gap = match &gap.data_type {
        SparkType::CalendarInterval => gap,
        text if text.is_string() || *text == SparkType::Null => {
            let sql = gap.sql.clone();
            cast::cast(gap, &SparkType::CalendarInterval, CastMode::Session, call.settings, call.span)?.shown(sql)
        }
        other => {
            let message = format!("the gap of a session is an interval, or text such as '5 minutes', and not of type \"{}\"", other.sql());
            return Err(call.refuse("_LEGACY_ERROR_TEMP_1040", message));
        }
    };
    let constant_gap = match constant(&gap)? {
        Some(ScalarValue::IntervalMonthDayNano(Some(gap))) => Some((gap.months, gap.days, gap.nanoseconds / 1000)),
        _ => None,
    };
    Ok(SessionSpec { time, gap, constant_gap })
}

/// The time to put rows into windows by: a timestamp, or a window, whose last microsecond it is.
fn time_column(call: &Call<'_>) -> Result<Typed> {
    let value = call.arg(0)?;
    match time_of_window(call, value)? {
        Some(time) => Ok(time),
        None => call.want(0, &super::support::any_timestamp()),
    }
}

fn time_of_window(call: &Call<'_>, window: Typed) -> Result<Option<Typed>> {
    let SparkType::Struct(fields) = &window.data_type else { return Ok(None) };
    let [start, end] = fields.as_slice() else { return Ok(None) };
    let timestamp = matches!(start.data_type, SparkType::Timestamp | SparkType::TimestampNtz);
    if start.name != "start" || end.name != "end" || start.data_type != end.data_type || !timestamp {
        return Ok(None);
    }
    let out = end.data_type.clone();
    let types = vec![window.data_type.clone()];
    let function = SparkScalar::new("window_time", last_moments, types, out.clone(), Arc::clone(call.settings)).at(call.span);
    let sql = Sql::call("window_time", [&window.sql]);
    Ok(Some(Typed::new(function.call(vec![window.expr]), out, true, sql)))
}

fn last_moments(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let windows = args.arrays.first().and_then(|array| array.as_struct_opt());
    let ends = windows.and_then(|windows| windows.columns().get(1)).and_then(|ends| ends.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(windows), Some(ends)) = (windows, ends) else { return Err(error("INTERNAL_ERROR", "a window has another type in the plan")) };
    collect::<TimestampMicrosecondType>(args, |row| {
        if windows.is_null(row) {
            return Ok(None);
        }
        cell(ends, row).map(|end| end.checked_sub(1).ok_or_else(|| overflow("the window's time"))).transpose()
    })
}

/// A length in microseconds: constant text such as '5 minutes', or a whole number of them.
fn length(call: &Call<'_>, at: usize) -> Result<i64> {
    let value = call.arg(at)?;
    let not_constant = || {
        let message = format!("the lengths of windows are constants such as '5 minutes', and \"{}\" is none", call_text(call, at));
        call.refuse("_LEGACY_ERROR_TEMP_1207", message)
    };
    match (&value.data_type, constant(&value)?) {
        (SparkType::Integer, Some(ScalarValue::Int32(Some(micros)))) => Ok(i64::from(micros)),
        (SparkType::Long, Some(ScalarValue::Int64(Some(micros)))) => Ok(micros),
        (text, Some(ScalarValue::Utf8(Some(said)))) if text.is_string() => {
            let (months, days, micros) = interval_text::parse_calendar(&said)
                .map_err(|_| call.refuse("CANNOT_PARSE_INTERVAL", format!("'{said}' is no interval: write one such as '5 minutes'")))?;
            if months != 0 {
                let message = format!("windows have a fixed length, and '{said}' has months: write days or less");
                return Err(call.refuse("_LEGACY_ERROR_TEMP_3231", message));
            }
            i64::from(days).checked_mul(DAY).and_then(|days| days.checked_add(micros)).ok_or_else(|| overflow("the window"))
        }
        _ => Err(not_constant()),
    }
}

fn call_text(call: &Call<'_>, at: usize) -> String {
    call.arg(at).map_or_else(|_| String::new(), |value| value.sql.to_string())
}

/// `window` where each row falls into one.
fn tumbling(call: &mut Call<'_>) -> Result<Typed> {
    let spec = window_spec(call)?;
    if spec.slide_us != spec.size_us {
        let message = "windows that overlap give a row several times: use them in GROUP BY";
        return Err(call.refuse("NOT_SUPPORTED_YET", message));
    }
    Ok(window_at(call, &spec, 0))
}

/// The window that begins `back` slides before the last one that a row's time may fall into.
pub fn window_at(call: &Call<'_>, spec: &WindowSpec, back: i64) -> Typed {
    let constants = [spec.size_us, spec.slide_us, spec.start_us, back].map(|n| ScalarValue::Int64(Some(n))).to_vec();
    let nullable = spec.time.nullable;
    let out = window_type(&spec.time.data_type);
    call.scalar_with(windows, vec![spec.time.clone()], constants, out, nullable).shown("window")
}

fn windows(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [ScalarValue::Int64(Some(size)), ScalarValue::Int64(Some(slide)), ScalarValue::Int64(Some(start)), ScalarValue::Int64(Some(back))] =
        args.constants
    else {
        return Err(error("INTERNAL_ERROR", "the lengths of a window are lost"));
    };
    let times = column::<TimestampMicrosecondType>(args, 0)?;
    let begin = |micros: i64| {
        let last = micros.checked_sub(micros.checked_sub(*start)?.checked_rem_euclid(*slide)?)?;
        last.checked_sub(back.checked_mul(*slide)?)
    };
    structs(args, |row| {
        let Some(micros) = cell(times, row) else { return Ok(None) };
        let window = begin(micros).and_then(|begin| Some((begin, begin.checked_add(*size)?)));
        window.map(Some).ok_or_else(|| overflow("the window"))
    })
}

/// A session of one row: from its time until the gap is over.
fn first_sessions(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (times, gaps) = (column::<TimestampMicrosecondType>(args, 0)?, column::<IntervalMonthDayNanoType>(args, 1)?);
    let zone = zone_for(args.types.first(), args.settings);
    structs(args, |row| {
        let (Some(time), Some(gap)) = (cell(times, row), cell(gaps, row)) else { return Ok(None) };
        let end = add_interval(zone, time, i64::from(gap.months), i64::from(gap.days), gap.nanoseconds / 1000);
        end.map(|end| Some((time, end))).ok_or_else(|| overflow("the session's end"))
    })
}

/// Structs of a start and an end.
fn structs(args: &KernelArgs<'_>, mut window: impl FnMut(usize) -> Result<Option<(i64, i64)>>) -> Result<ArrayRef> {
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        rows.push(window(row)?);
    }
    let DataType::Struct(fields) = to_arrow(args.out) else { return Err(error("INTERNAL_ERROR", "a window is no struct in the plan")) };
    let side = |side: fn(&(i64, i64)) -> i64, data_type: &DataType| -> ArrayRef {
        let values = rows.iter().map(|row| row.as_ref().map(side)).collect::<arrow::array::TimestampMicrosecondArray>();
        match data_type {
            DataType::Timestamp(_, zone) => Arc::new(values.with_timezone_opt(zone.clone())),
            _ => Arc::new(values),
        }
    };
    let time = fields.first().map_or(DataType::Null, |field| field.data_type().clone());
    let columns = vec![side(|w| w.0, &time), side(|w| w.1, &time)];
    let nulls = NullBuffer::from_iter(rows.iter().map(Option::is_some));
    Ok(Arc::new(StructArray::try_new(fields, columns, Some(nulls))?))
}
