//! Times of day: from and to numbers, and the differences between them.

use arrow::array::ArrayRef;
use arrow::datatypes::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time64NanosecondType};

use super::support::{DAY, accepted, any_nullable, cell, collect, column, map, out_of_bounds_always, row, text_cell, texts, time_arg};
use super::truncate::time_unit;
use crate::functions::{Call, Function, KernelArgs, ScalarKernel, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(super) const ROWS: &[Function] = &[
    row(
        "time_diff",
        "time_diff(unit, start, end) - How many whole units it is from one time to another.",
        &[("SELECT time_diff('HOUR', TIME'20:30:29', TIME'12:00:00')", "-8")],
        |call| {
            call.arity(3..=3)?;
            let args = vec![call.want(0, &Want::String)?, time_arg(call, 1)?, time_arg(call, 2)?];
            let nullable = any_nullable(&args);
            Ok(call.scalar(differences, args, SparkType::Long, nullable))
        },
    ),
    row(
        "time_from_seconds",
        "time_from_seconds(seconds) - The time so many seconds, with a fraction or not, after midnight.",
        &[("SELECT time_from_seconds(52200.5)", "14:30:00.5")],
        |call| {
            call.arity(1..=1)?;
            let seconds = accepted(call, 0, &Want::Numeric, SparkType::Double)?;
            let nullable = seconds.nullable;
            Ok(call.scalar(of_seconds, vec![seconds], SparkType::Time(6), nullable))
        },
    ),
    row(
        "time_from_millis",
        "time_from_millis(millis) - The time so many milliseconds after midnight.",
        &[("SELECT time_from_millis(52200500)", "14:30:00.5")],
        |call| of_units(call, |args| scaled(args, 1_000_000)),
    ),
    row(
        "time_from_micros",
        "time_from_micros(micros) - The time so many microseconds after midnight.",
        &[("SELECT time_from_micros(52200500000)", "14:30:00.5")],
        |call| of_units(call, |args| scaled(args, 1000)),
    ),
    row(
        "time_to_seconds",
        "time_to_seconds(time) - The seconds since midnight, with six digits of the fraction.",
        &[("SELECT time_to_seconds(TIME'14:30:00.5')", "52200.500000")],
        |call| {
            to_number(call, SparkType::Decimal(14, 6), |args| {
                map::<Time64NanosecondType, Decimal128Type>(args, |nanos| Ok(Some(i128::from(nanos / 1000))))
            })
        },
    ),
    row(
        "time_to_millis",
        "time_to_millis(time) - The milliseconds since midnight.",
        &[("SELECT time_to_millis(TIME'14:30:00.5')", "52200500")],
        |call| to_number(call, SparkType::Long, |args| map::<Time64NanosecondType, Int64Type>(args, |nanos| Ok(Some(nanos / 1_000_000)))),
    ),
    row(
        "time_to_micros",
        "time_to_micros(time) - The microseconds since midnight.",
        &[("SELECT time_to_micros(TIME'14:30:00.5')", "52200500000")],
        |call| to_number(call, SparkType::Long, |args| map::<Time64NanosecondType, Int64Type>(args, |nanos| Ok(Some(nanos / 1000)))),
    ),
];

fn differences(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let units = texts(args, 0)?;
    let (starts, ends) = (column::<Time64NanosecondType>(args, 1)?, column::<Time64NanosecondType>(args, 2)?);
    collect::<Int64Type>(args, |row| {
        let (Some(unit), Some(start), Some(end)) = (text_cell(units, row), cell(starts, row), cell(ends, row)) else { return Ok(None) };
        Ok(Some((end - start) / time_unit("time_diff", unit)?))
    })
}

fn of_units(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let count = accepted(call, 0, &Want::Integral, SparkType::Long)?;
    let count = call.cast(count, &SparkType::Long)?;
    let nullable = count.nullable;
    Ok(call.scalar(kernel, vec![count], SparkType::Time(6), nullable))
}

fn to_number(call: &mut Call<'_>, out: SparkType, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let time = call.arg(0)?;
    let time = match time.data_type {
        SparkType::Time(_) => time,
        SparkType::Null => call.cast(time, &SparkType::Time(6))?,
        _ => return Err(call.unexpected_type(0, &time, "the \"TIME\" type")),
    };
    let nullable = time.nullable;
    Ok(call.scalar(kernel, vec![time], out, nullable))
}

/// Nanoseconds that are a time's.
fn checked(nanos: Option<i64>) -> Result<Option<i64>> {
    let nanos = nanos.filter(|nanos| (0..DAY * 1000).contains(nanos));
    nanos.map(Some).ok_or_else(|| out_of_bounds_always("times are from 00:00:00 to 23:59:59.999999, and this one is not"))
}

fn scaled(args: &KernelArgs<'_>, unit: i64) -> Result<ArrayRef> {
    map::<Int64Type, Time64NanosecondType>(args, |count| checked(count.checked_mul(unit)))
}

fn of_seconds(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    const UNIT: i64 = 1_000_000_000;
    #[allow(clippy::cast_possible_truncation)]
    fn of_double(seconds: f64) -> Result<Option<i64>> {
        checked(seconds.is_finite().then_some((seconds * 1e9) as i64))
    }
    match args.types.first() {
        Some(SparkType::Byte) => map::<Int8Type, Time64NanosecondType>(args, |s| checked(i64::from(s).checked_mul(UNIT))),
        Some(SparkType::Short) => map::<Int16Type, Time64NanosecondType>(args, |s| checked(i64::from(s).checked_mul(UNIT))),
        Some(SparkType::Integer) => map::<Int32Type, Time64NanosecondType>(args, |s| checked(i64::from(s).checked_mul(UNIT))),
        Some(SparkType::Float) => map::<Float32Type, Time64NanosecondType>(args, |s| of_double(f64::from(s))),
        Some(SparkType::Double) => map::<Float64Type, Time64NanosecondType>(args, of_double),
        Some(SparkType::Decimal(_, scale)) => {
            let power = 10_i128.pow(u32::from((*scale).min(38)));
            map::<Decimal128Type, Time64NanosecondType>(args, |units| {
                let nanos = units.checked_mul(i128::from(UNIT)).filter(|nanos| nanos % power == 0).map(|nanos| nanos / power);
                checked(nanos.and_then(|nanos| i64::try_from(nanos).ok()))
            })
        }
        _ => scaled(args, UNIT),
    }
}
