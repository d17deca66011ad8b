//! Arrays of steps from one value to another: sequence, over whole numbers, dates and timestamps.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, DurationMicrosecondArray, Int64Array, IntervalMonthDayNanoArray, IntervalYearMonthArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int64Type, IntervalUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate};

use crate::error::error;
use crate::functions::nested::{MAX_LENGTH, argument, list_field, list_of, row, too_large};
use crate::functions::{Call, Function, Group, KernelArgs};
use crate::kernel::retype::wrong_layout;
use crate::types::{SparkType, TimeZone, lattice};
use crate::{Error, Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[row(
    "sequence",
    Group::Array,
    "sequence(start, stop[, step]) - The values from `start` to `stop`, both among them, a step apart: 1 or -1, for dates and timestamps a day.",
    &[
        ("SELECT sequence(1, 5)", "[1,2,3,4,5]"),
        ("SELECT sequence(5, 1)", "[5,4,3,2,1]"),
        ("SELECT sequence(to_date('2018-01-01'), to_date('2018-03-01'), interval 1 month)", "[2018-01-01,2018-02-01,2018-03-01]"),
        (
            "SELECT sequence(to_date('2018-01-01'), to_date('2018-03-01'), interval '0-1' year to month)",
            "[2018-01-01,2018-02-01,2018-03-01]",
        ),
    ],
    sequence,
)];

const DAY: i64 = 86_400_000_000;

fn is_interval(data_type: &SparkType) -> bool {
    data_type.is_ansi_interval() || *data_type == SparkType::CalendarInterval
}

fn sequence(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let values = call.values()?;
    let plain: Vec<&SparkType> = values.iter().map(|v| &v.data_type).filter(|t| !is_interval(t)).collect();
    let alike = plain.windows(2).all(|pair| matches!(pair, [l, r] if lattice::same_type(l, r)));
    let common = if alike { None } else { lattice::common_type_of(plain, call.settings.ansi) };
    let values = values
        .into_iter()
        .map(|value| match &common {
            Some(common) if !is_interval(&value.data_type) => call.coerce(value, common),
            _ => Ok(value),
        })
        .collect::<Result<Vec<_>>>()?;
    let types: Vec<&SparkType> = values.iter().map(|v| &v.data_type).collect();
    let right = match types.as_slice() {
        [start, stop] => start == stop && (start.is_integral() || start.is_datetime()),
        [start, stop, step] => start == stop && ((start.is_integral() && step == start) || (start.is_datetime() && is_interval(step))),
        _ => false,
    };
    let Some(start) = types.first().filter(|_| right) else {
        let reason = format!(
            "`sequence` goes over whole numbers of one type, or over dates or timestamps of one type by an interval, not ({}): cast them",
            types.iter().map(|t| format!("\"{}\"", t.sql())).collect::<Vec<_>>().join(", ")
        );
        return Err(call.mismatch("DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES", reason));
    };
    let out = SparkType::Array(Box::new((*start).clone()), false);
    let nullable = values.iter().any(|value| value.nullable);
    Ok(call.scalar(sequence_kernel, values, out, nullable))
}

/// A step: months, days and microseconds; for numbers the number alone.
#[derive(Debug, Clone, Copy)]
struct Step {
    months: i64,
    days: i64,
    micros: i64,
}

fn sequence_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let element = match args.out {
        SparkType::Array(element, _) => element.as_ref(),
        other => return Err(Error::internal(format!("a sequence of {other}"))),
    };
    let (starts, stops) = (longs(argument(args, 0)?)?, longs(argument(args, 1)?)?);
    let steps = args.arrays.get(2).map(Steps::new).transpose()?;
    let (mut offsets, mut valid, mut values) = (vec![0], Vec::with_capacity(args.rows), Vec::<i64>::new());
    for row in 0..args.rows {
        let null = starts.is_null(row) || stops.is_null(row) || steps.as_ref().is_some_and(|steps| steps.is_null(row));
        valid.push(!null);
        if !null {
            let (start, stop) = (starts.value(row), stops.value(row));
            let sign = if start <= stop { 1 } else { -1 };
            if element.is_integral() {
                let step = steps.as_ref().map_or(sign, |steps| steps.get(row).micros);
                numbers(&mut values, start, stop, step)?;
            } else {
                let step = steps.as_ref().map_or(Step { months: 0, days: sign, micros: 0 }, |steps| steps.get(row));
                moments(&mut values, start, stop, step, element, &args.settings.time_zone)?;
            }
        }
        offsets.push(i32::try_from(values.len()).map_err(|_| too_large())?);
    }
    let values: ArrayRef = match element {
        SparkType::Date => Arc::new(values.iter().map(|v| i32::try_from(*v).ok()).collect::<Date32Array>()),
        SparkType::Timestamp => Arc::new(TimestampMicrosecondArray::from(values).with_timezone(crate::types::UTC)),
        SparkType::TimestampNtz => Arc::new(TimestampMicrosecondArray::from(values)),
        other => {
            let longs: ArrayRef = Arc::new(Int64Array::from(values));
            arrow::compute::cast(&longs, &crate::types::to_arrow(other))?
        }
    };
    list_of(&list_field(args.out)?, offsets, &valid, values)
}

fn longs(array: &ArrayRef) -> Result<Int64Array> {
    let longs = match array.data_type() {
        DataType::Timestamp(..) => {
            let values =
                array.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| wrong_layout("a timestamp", array.data_type()))?;
            return Ok(values.reinterpret_cast::<Int64Type>());
        }
        DataType::Date32 => arrow::compute::cast(&arrow::compute::cast(array, &DataType::Int32)?, &DataType::Int64)?,
        _ => arrow::compute::cast(array, &DataType::Int64)?,
    };
    Ok(longs.as_primitive::<Int64Type>().clone())
}

/// The steps of all rows.
enum Steps {
    Numbers(Int64Array),
    Months(IntervalYearMonthArray),
    Micros(DurationMicrosecondArray),
    Calendar(IntervalMonthDayNanoArray),
}

impl Steps {
    fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Interval(IntervalUnit::YearMonth) => Self::Months(array.as_primitive().clone()),
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::Calendar(array.as_primitive().clone()),
            DataType::Duration(_) => Self::Micros(array.as_primitive().clone()),
            _ => Self::Numbers(longs(array)?),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Numbers(array) => array.is_null(row),
            Self::Months(array) => array.is_null(row),
            Self::Micros(array) => array.is_null(row),
            Self::Calendar(array) => array.is_null(row),
        }
    }

    fn get(&self, row: usize) -> Step {
        match self {
            Self::Numbers(array) => Step { months: 0, days: 0, micros: array.value(row) },
            Self::Months(array) => Step { months: i64::from(array.value(row)), days: 0, micros: 0 },
            Self::Micros(array) => {
                let micros = array.value(row);
                Step { months: 0, days: micros / DAY, micros: micros % DAY }
            }
            Self::Calendar(array) => {
                let value = array.value(row);
                Step { months: i64::from(value.months), days: i64::from(value.days), micros: value.nanoseconds / 1_000 }
            }
        }
    }
}

/// How many values there are, refused where the step leads away from the end.
fn length(start: i64, stop: i64, step: i64) -> Result<usize> {
    let leads = (step > 0 && start <= stop) || (step < 0 && start >= stop) || (step == 0 && start == stop);
    if !leads {
        return Err(Error::data(format!(
            "`sequence` cannot go from {start} to {stop} by {step}: give a step that leads from the start to the stop"
        )));
    }
    let length = if start == stop { 1 } else { 1 + (i128::from(stop) - i128::from(start)) / i128::from(step) };
    if length > i128::from(MAX_LENGTH) {
        return Err(error(
            "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER",
            format!("`sequence` would have {length} values, and {MAX_LENGTH} is the most: take a larger step"),
        ));
    }
    usize::try_from(length).map_err(|_| too_large())
}

fn reserve(values: &mut Vec<i64>, count: usize) -> Result<()> {
    let fits = i32::try_from(values.len().saturating_add(count)).is_ok();
    if !fits || values.try_reserve(count).is_err() {
        return Err(too_large());
    }
    Ok(())
}

fn numbers(values: &mut Vec<i64>, start: i64, stop: i64, step: i64) -> Result<()> {
    let count = length(start, stop, step)?;
    reserve(values, count)?;
    let mut next = start;
    for _ in 0..count {
        values.push(next);
        next = next.wrapping_add(step);
    }
    Ok(())
}

/// Dates (in days) or timestamps (in microseconds).
fn moments(values: &mut Vec<i64>, start: i64, stop: i64, step: Step, element: &SparkType, zone: &TimeZone) -> Result<()> {
    let dates = *element == SparkType::Date;
    if dates && step.months == 0 && step.days == 0 {
        return Err(Error::data("`sequence` over dates goes by days or months, and the step is less than a day: take a longer step"));
    }
    if dates && step.months == 0 && step.micros == 0 {
        return numbers(values, start, stop, step.days);
    }
    if !dates && step.months == 0 && step.days == 0 {
        return numbers(values, start, stop, step.micros);
    }
    let beyond = || error("DATETIME_OVERFLOW", "`sequence` leaves the range of timestamps: take an earlier stop");
    let zone = if *element == SparkType::TimestampNtz { &TimeZone::utc() } else { zone };
    let micros = |value: i64| if dates { value.checked_mul(DAY).and_then(|local| zone.to_utc(local)) } else { Some(value) };
    let (first, last) = (micros(start).ok_or_else(beyond)?, micros(stop).ok_or_else(beyond)?);
    // A month has 28 days at least, so there are at most this many values.
    let estimate = step.micros.wrapping_add(step.months.wrapping_mul(28 * DAY)).wrapping_add(step.days.wrapping_mul(DAY));
    let count = length(first, last, estimate)?;
    reserve(values, count)?;
    let forwards = estimate > 0;
    let mut at = first;
    let mut i = 0_i64;
    while if forwards { at <= last } else { at >= last } {
        values.push(if dates { zone.to_local(at).ok_or_else(beyond)?.div_euclid(DAY) } else { at });
        i += 1;
        let scaled = |n: i64| n.checked_mul(i).ok_or_else(beyond);
        at = add_interval(first, scaled(step.months)?, scaled(step.days)?, scaled(step.micros)?, zone).ok_or_else(beyond)?;
    }
    Ok(())
}

/// A moment later by months and days of the zone's calendar, and then by microseconds.
fn add_interval(micros: i64, months: i64, days: i64, more: i64, zone: &TimeZone) -> Option<i64> {
    let local = zone.to_local(micros)?;
    let moment = DateTime::from_timestamp_micros(local)?.naive_utc();
    let month = i64::from(moment.year()) * 12 + i64::from(moment.month0()) + months;
    let (year, month) = (i32::try_from(month.div_euclid(12)).ok()?, u32::try_from(month.rem_euclid(12)).ok()? + 1);
    let last = (28..=31).rev().find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some())?;
    let date = NaiveDate::from_ymd_opt(year, month, moment.day().min(last))?;
    let local = date.and_time(moment.time()).and_utc().timestamp_micros().checked_add(days.checked_mul(DAY)?)?;
    zone.to_utc(local)?.checked_add(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_from_start_to_stop() {
        for (start, stop, step, expected) in [
            (1, 5, 1, Some(vec![1, 2, 3, 4, 5])),
            (5, 1, -2, Some(vec![5, 3, 1])),
            (1, 1, 0, Some(vec![1])),
            (1, 2, 0, None),
            (1, 5, -1, None),
            (i64::MAX - 1, i64::MAX, 1, Some(vec![i64::MAX - 1, i64::MAX])),
            (i64::MIN, i64::MAX, 1, None),
        ] {
            let mut values = Vec::new();
            let made = numbers(&mut values, start, stop, step).ok().map(|()| values);
            assert_eq!(made, expected, "{start} {stop} {step}");
        }
    }

    #[test]
    fn months_end_where_they_end() {
        let zone = TimeZone::utc();
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros());
        for (from, months, expected) in
            [(day(2020, 1, 31), 1, day(2020, 2, 29)), (day(2020, 1, 31), 2, day(2020, 3, 31)), (day(2020, 3, 31), -1, day(2020, 2, 29))]
        {
            assert_eq!(from.and_then(|from| add_interval(from, months, 0, 0, &zone)), expected);
        }
    }
}
