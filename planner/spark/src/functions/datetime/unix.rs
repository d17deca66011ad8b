//! Dates and timestamps as numbers since 1970, and back.

use arrow::array::ArrayRef;
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use super::support::{SECOND, accepted, arithmetic_overflow, exactly, map, row};
use crate::functions::{Call, Function, KernelArgs, ScalarKernel, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(super) const ROWS: &[Function] = &[
    row(
        "date_from_unix_date",
        "date_from_unix_date(days) - The date so many days after 1970-01-01.",
        &[("SELECT date_from_unix_date(1)", "1970-01-02")],
        |call| {
            call.arity(1..=1)?;
            let days = call.want_type(0, SparkType::Integer)?;
            let nullable = days.nullable;
            Ok(call.scalar(|args| map::<Int32Type, Date32Type>(args, |days| Ok(Some(days))), vec![days], SparkType::Date, nullable))
        },
    ),
    row("unix_date", "unix_date(date) - The days since 1970-01-01.", &[("SELECT unix_date(DATE'1970-01-02')", "1")], |call| {
        call.arity(1..=1)?;
        let date = exactly(call, 0, &[SparkType::Date], "the \"DATE\" type")?;
        let nullable = date.nullable;
        Ok(call.scalar(|args| map::<Date32Type, Int32Type>(args, |days| Ok(Some(days))), vec![date], SparkType::Integer, nullable))
    }),
    row(
        "unix_seconds",
        "unix_seconds(timestamp) - The whole seconds since 1970-01-01 00:00:00 UTC.",
        &[("SELECT unix_seconds(TIMESTAMP'1970-01-01 00:00:01Z')", "1")],
        |call| since_epoch(call, |args| down(args, SECOND)),
    ),
    row(
        "unix_millis",
        "unix_millis(timestamp) - The whole milliseconds since 1970-01-01 00:00:00 UTC.",
        &[("SELECT unix_millis(TIMESTAMP'1970-01-01 00:00:01Z')", "1000")],
        |call| since_epoch(call, |args| down(args, 1000)),
    ),
    row(
        "unix_micros",
        "unix_micros(timestamp) - The microseconds since 1970-01-01 00:00:00 UTC.",
        &[("SELECT unix_micros(TIMESTAMP'1970-01-01 00:00:01Z')", "1000000")],
        |call| since_epoch(call, |args| down(args, 1)),
    ),
    row(
        "timestamp_seconds",
        "timestamp_seconds(seconds) - The moment so many seconds, with a fraction or not, after 1970-01-01 00:00:00 UTC.",
        &[("SELECT CAST(timestamp_seconds(1230219000.123) AS DOUBLE)", "1.230219000123E9")],
        |call| {
            call.arity(1..=1)?;
            let seconds = accepted(call, 0, &Want::Numeric, SparkType::Double)?;
            let nullable = seconds.nullable || seconds.data_type.is_fractional_binary();
            Ok(call.scalar(seconds_to_timestamp, vec![seconds], SparkType::Timestamp, nullable))
        },
    ),
    row(
        "timestamp_millis",
        "timestamp_millis(milliseconds) - The moment so many milliseconds after 1970-01-01 00:00:00 UTC.",
        &[("SELECT unix_micros(timestamp_millis(1230219000123))", "1230219000123000")],
        |call| units(call, |args| up(args, 1000)),
    ),
    row(
        "timestamp_micros",
        "timestamp_micros(microseconds) - The moment so many microseconds after 1970-01-01 00:00:00 UTC.",
        &[("SELECT unix_micros(timestamp_micros(1230219000123123))", "1230219000123123")],
        |call| units(call, |args| up(args, 1)),
    ),
];

fn since_epoch(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let time = exactly(call, 0, &[SparkType::Timestamp], "the \"TIMESTAMP\" type")?;
    let nullable = time.nullable;
    Ok(call.scalar(kernel, vec![time], SparkType::Long, nullable))
}

fn down(args: &KernelArgs<'_>, unit: i64) -> Result<ArrayRef> {
    map::<TimestampMicrosecondType, Int64Type>(args, |micros| Ok(Some(micros.div_euclid(unit))))
}

fn units(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let count = accepted(call, 0, &Want::Integral, SparkType::Long)?;
    let count = call.cast(count, &SparkType::Long)?;
    let nullable = count.nullable;
    Ok(call.scalar(kernel, vec![count], SparkType::Timestamp, nullable))
}

fn scaled(count: i64, unit: i64) -> Result<Option<i64>> {
    count.checked_mul(unit).map(Some).ok_or_else(|| arithmetic_overflow(format_args!("the timestamp of {count}")))
}

fn up(args: &KernelArgs<'_>, unit: i64) -> Result<ArrayRef> {
    map::<Int64Type, TimestampMicrosecondType>(args, |count| scaled(count, unit))
}

fn seconds_to_timestamp(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    /// As Java narrows a double: to the nearest that a long can hold.
    #[allow(clippy::cast_possible_truncation)]
    fn of_double(seconds: f64) -> Option<i64> {
        seconds.is_finite().then_some((seconds * 1e6) as i64)
    }
    match args.types.first() {
        Some(SparkType::Byte) => map::<Int8Type, TimestampMicrosecondType>(args, |s| scaled(i64::from(s), SECOND)),
        Some(SparkType::Short) => map::<Int16Type, TimestampMicrosecondType>(args, |s| scaled(i64::from(s), SECOND)),
        Some(SparkType::Integer) => map::<Int32Type, TimestampMicrosecondType>(args, |s| scaled(i64::from(s), SECOND)),
        Some(SparkType::Float) => map::<Float32Type, TimestampMicrosecondType>(args, |s| Ok(of_double(f64::from(s)))),
        Some(SparkType::Double) => map::<Float64Type, TimestampMicrosecondType>(args, |s| Ok(of_double(s))),
        Some(SparkType::Decimal(_, scale)) => {
            let power = 10_i128.pow(u32::from((*scale).min(38)));
            map::<Decimal128Type, TimestampMicrosecondType>(args, |units| {
                // More than six digits of the fraction would be lost.
                let micros = units.checked_mul(1_000_000).filter(|micros| micros % power == 0).map(|micros| micros / power);
                let micros = micros.and_then(|micros| i64::try_from(micros).ok());
                micros.map(Some).ok_or_else(|| arithmetic_overflow("the timestamp, or the digits of its fraction,"))
            })
        }
        _ => up(args, SECOND),
    }
}
