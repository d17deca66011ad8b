//! Local time moved from one time zone to another.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::ScalarValue;

use super::current::zone_text;
use super::support::{any_nullable, cell, collect, column, overflow, row, text_cell, texts};
use super::zone_names::Zones;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::types::zoned::local;
use crate::{Result, Sql, Typed};

pub(super) const ROWS: &[Function] = &[
    row(
        "from_utc_timestamp",
        "from_utc_timestamp(timestamp, timezone) - Takes the shown time as one in UTC and shows it in the zone.",
        &[("SELECT from_utc_timestamp('2016-08-31', 'Asia/Seoul')", "2016-08-31 09:00:00")],
        |call| shifted(call, from_utc),
    ),
    row(
        "to_utc_timestamp",
        "to_utc_timestamp(timestamp, timezone) - Takes the shown time as one in the zone and shows it in UTC.",
        &[("SELECT to_utc_timestamp('2016-08-31', 'Asia/Seoul')", "2016-08-30 15:00:00")],
        |call| shifted(call, to_utc),
    ),
    row(
        "convert_timezone",
        "convert_timezone([source, ]target, timestamp) - A local time of the source zone (the session's unless given) in the target zone.",
        &[("SELECT convert_timezone('Europe/Brussels', 'America/Los_Angeles', timestamp_ntz'2021-12-06 00:00:00')", "2021-12-05 15:00:00")],
        convert_timezone,
    ),
];

fn shifted(call: &mut Call<'_>, kernel: fn(&KernelArgs<'_>) -> Result<ArrayRef>) -> Result<Typed> {
    call.arity(2..=2)?;
    let args = vec![call.want_type(0, SparkType::Timestamp)?, call.want(1, &Want::String)?];
    let nullable = any_nullable(&args);
    Ok(call.scalar(kernel, args, SparkType::Timestamp, nullable))
}

fn from_utc(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (times, names, mut zones) = (column::<TimestampMicrosecondType>(args, 0)?, texts(args, 1)?, Zones::default());
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(micros), Some(name)) = (cell(times, row), text_cell(names, row)) else { return Ok(None) };
        let zone = zones.get(name)?;
        zone.to_local(micros).map(Some).ok_or_else(|| overflow("the time in the other zone"))
    })
}

fn to_utc(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (times, names, mut zones) = (column::<TimestampMicrosecondType>(args, 0)?, texts(args, 1)?, Zones::default());
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(micros), Some(name)) = (cell(times, row), text_cell(names, row)) else { return Ok(None) };
        let zone = zones.get(name)?;
        zone.to_utc(micros).map(Some).ok_or_else(|| overflow("the time in UTC"))
    })
}

fn convert_timezone(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let mut sql = call.sql();
    let args = if call.len() == 3 {
        vec![call.want(0, &Want::String)?, call.want(1, &Want::String)?, call.want_type(2, SparkType::TimestampNtz)?]
    } else {
        let source = Typed::literal(ScalarValue::Utf8(Some(zone_text(call))), SparkType::String, "current_timezone()");
        let args = vec![source, call.want(0, &Want::String)?, call.want_type(1, SparkType::TimestampNtz)?];
        sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
        args
    };
    let nullable = any_nullable(&args);
    Ok(call.scalar(convert, args, SparkType::TimestampNtz, nullable).shown(sql))
}

fn convert(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (sources, targets, times) = (texts(args, 0)?, texts(args, 1)?, column::<TimestampMicrosecondType>(args, 2)?);
    let (mut from, mut to) = (Zones::default(), Zones::default());
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(source), Some(target), Some(time)) = (text_cell(sources, row), text_cell(targets, row), cell(times, row)) else {
            return Ok(None);
        };
        let moment = from.get(source)?.to_utc(time).ok_or_else(|| overflow("the time in the other zone"))?;
        Ok(Some(local(to.get(target)?, moment)))
    })
}
