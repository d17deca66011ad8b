//! Intervals put together from their parts.

use arrow::array::ArrayRef;
use arrow::datatypes::{
    Decimal128Type, DurationMicrosecondType, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
};
use datafusion::common::ScalarValue;

use super::support::{DAY, HOUR, MINUTE, any_nullable, arithmetic_overflow, cell, collect, column, null_or, row, zero};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs};
use crate::types::SparkType;
use crate::{Error, Result, Sql, Typed};

/// Seconds with microseconds.
const SECONDS: SparkType = SparkType::Decimal(18, 6);

pub(super) const ROWS: &[Function] = &[
    row(
        "make_interval",
        "make_interval([years[, months[, weeks[, days[, hours[, mins[, secs]]]]]]]) - A calendar interval from its parts.",
        &[("SELECT make_interval(100, 11, 1, 1, 12, 30, 01.001001)", "100 years 11 months 8 days 12 hours 30 minutes 1.001001 seconds")],
        |call| calendar(call, false),
    ),
    row(
        "try_make_interval",
        "try_make_interval([years[, months[, weeks[, days[, hours[, mins[, secs]]]]]]]) - The same as make_interval, but null where it overflows.",
        &[("SELECT try_make_interval(2147483647)", "NULL")],
        |call| calendar(call, true),
    ),
    row(
        "make_dt_interval",
        "make_dt_interval([days[, hours[, mins[, secs]]]]) - A day-time interval from its parts.",
        &[("SELECT make_dt_interval(1, 12, 30, 01.001001)", "1 12:30:01.001001000")],
        |call| {
            let args = parts(call, 3, 0)?;
            let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
            let nullable = any_nullable(&args);
            Ok(call.scalar(day_times, args, SparkType::DAY_TIME, nullable).shown(sql))
        },
    ),
    row(
        "make_ym_interval",
        "make_ym_interval([years[, months]]) - A year-month interval from its parts.",
        &[("SELECT make_ym_interval(1, 2)", "1-2"), ("SELECT make_ym_interval(-1, 1)", "-0-11")],
        |call| {
            call.arity(0..=2)?;
            let args = (0..2).map(|at| integer(call, at)).collect::<Result<Vec<_>>>()?;
            let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
            let nullable = any_nullable(&args);
            Ok(call.scalar(year_months, args, SparkType::YEAR_MONTH, nullable).shown(sql))
        },
    ),
];

fn integer(call: &Call<'_>, at: usize) -> Result<Typed> {
    if at < call.len() { call.want_type(at, SparkType::Integer) } else { Ok(zero()) }
}

/// So many whole numbers, then seconds; what is left out is 0.
fn parts(call: &Call<'_>, integers: usize, at_least: usize) -> Result<Vec<Typed>> {
    call.arity(at_least..=integers + 1)?;
    let mut args = (0..integers).map(|at| integer(call, at)).collect::<Result<Vec<_>>>()?;
    args.push(if call.len() > integers {
        call.want_type(integers, SECONDS)?
    } else {
        Typed::literal(ScalarValue::Decimal128(Some(0), 18, 6), SECONDS, "0.000000")
    });
    Ok(args)
}

fn calendar(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    let args = parts(call, 6, usize::from(tolerant))?;
    let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
    let ansi = call.settings.ansi && !tolerant;
    let nullable = !ansi || any_nullable(&args);
    let constants = vec![ScalarValue::Boolean(Some(ansi))];
    Ok(call.scalar_with(calendars, args, constants, SparkType::CalendarInterval, nullable).shown(sql))
}

fn calendars(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let columns = (0..6).map(|at| column::<Int32Type>(args, at)).collect::<Result<Vec<_>>>()?;
    let [years, months, weeks, days, hours, minutes] = columns.as_slice() else { return Err(error("INTERNAL_ERROR", "parts are missing")) };
    let seconds = column::<Decimal128Type>(args, 6)?;
    let ansi = matches!(args.constants, [ScalarValue::Boolean(Some(true)), ..]);
    collect::<IntervalMonthDayNanoType>(args, |row| {
        let (Some(years), Some(months), Some(weeks)) = (cell(years, row), cell(months, row), cell(weeks, row)) else { return Ok(None) };
        let (Some(days), Some(hours), Some(minutes)) = (cell(days, row), cell(hours, row), cell(minutes, row)) else { return Ok(None) };
        let Some(micros) = cell(seconds, row) else { return Ok(None) };
        let made = years.checked_mul(12).and_then(|m| m.checked_add(months)).and_then(|months| {
            let days = weeks.checked_mul(7)?.checked_add(days)?;
            let nanos = clock(0, hours, minutes, micros)?.checked_mul(1000)?;
            Some(IntervalMonthDayNano::new(months, days, nanos))
        });
        made.map_or_else(|| null_or(ansi, arithmetic_overflow("the interval")), |made| Ok(Some(made)))
    })
}

/// Microseconds of days, hours, minutes and microseconds.
fn clock(days: i32, hours: i32, minutes: i32, micros: i128) -> Option<i64> {
    let sum = i64::try_from(micros).ok()?.checked_add(i64::from(days).checked_mul(DAY)?)?;
    sum.checked_add(i64::from(hours).checked_mul(HOUR)?)?.checked_add(i64::from(minutes).checked_mul(MINUTE)?)
}

fn too_long() -> Error {
    error("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the interval is too long for its type: use smaller parts")
}

fn day_times(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (days, hours, minutes) = (column::<Int32Type>(args, 0)?, column::<Int32Type>(args, 1)?, column::<Int32Type>(args, 2)?);
    let seconds = column::<Decimal128Type>(args, 3)?;
    collect::<DurationMicrosecondType>(args, |row| {
        let (Some(days), Some(hours), Some(minutes)) = (cell(days, row), cell(hours, row), cell(minutes, row)) else { return Ok(None) };
        let Some(micros) = cell(seconds, row) else { return Ok(None) };
        clock(days, hours, minutes, micros).map(Some).ok_or_else(too_long)
    })
}

fn year_months(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (years, months) = (column::<Int32Type>(args, 0)?, column::<Int32Type>(args, 1)?);
    collect::<IntervalYearMonthType>(args, |row| {
        let (Some(years), Some(months)) = (cell(years, row), cell(months, row)) else { return Ok(None) };
        years.checked_mul(12).and_then(|y| y.checked_add(months)).map(Some).ok_or_else(too_long)
    })
}
