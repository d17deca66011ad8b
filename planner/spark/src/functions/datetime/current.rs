//! The clock: all reads within a statement give the moment at which it began.

use arrow::array::ArrayRef;
use arrow::datatypes::{Time64NanosecondType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::{Expr, cast};

use super::support::{DAY, map, row};
use crate::functions::{Call, Function, KernelArgs, constant};
use crate::types::zoned::local;
use crate::types::{SparkType, to_arrow};
use crate::{Result, Sql, Typed};

pub(super) const ROWS: &[Function] = &[
    row("current_timestamp", "current_timestamp() - The moment at which the statement began.", EXAMPLES[0], |call| {
        call.arity(0..=0)?;
        Ok(now(call))
    }),
    row("now", "now() - The moment at which the statement began.", EXAMPLES[1], |call| {
        call.arity(0..=0)?;
        Ok(now(call))
    }),
    row("current_date", "current_date() - The day in the session's time zone on which the statement began.", EXAMPLES[2], today),
    row("curdate", "curdate() - The day in the session's time zone on which the statement began.", EXAMPLES[3], today),
    row("localtimestamp", "localtimestamp() - The local time at which the statement began, without a zone.", EXAMPLES[4], |call| {
        call.arity(0..=0)?;
        let sql = call.sql();
        Ok(call.cast(now(call), &SparkType::TimestampNtz)?.shown(sql))
    }),
    row(
        "current_time",
        "current_time([precision]) - The time of day at which the statement began, with up to 6 digits of the fraction.",
        EXAMPLES[5],
        current_time,
    ),
    row("current_timezone", "current_timezone() - The session's time zone.", EXAMPLES[6], |call| {
        call.arity(0..=0)?;
        let zone = zone_text(call);
        Ok(Typed::literal(ScalarValue::Utf8(Some(zone)), SparkType::String, call.sql()))
    }),
];

const EXAMPLES: [&[(&str, &str)]; 7] = [
    &[("SELECT current_timestamp() = now()", "true")],
    &[("SELECT now() = current_timestamp()", "true")],
    &[("SELECT current_date() = CAST(now() AS DATE)", "true")],
    &[("SELECT curdate() = current_date()", "true")],
    &[("SELECT localtimestamp() = CAST(now() AS TIMESTAMP_NTZ)", "true")],
    &[("SELECT current_time() <= current_time()", "true")],
    &[("SELECT current_timezone() IS NULL", "false")],
];

/// The session's zone as it was set.
pub(super) fn zone_text(call: &Call<'_>) -> String {
    call.settings.get("spark.sql.session.timeZone").map_or_else(|| call.settings.time_zone.name(), str::to_owned)
}

/// The moment at which the statement began: the engine's `now`, which its optimizer folds once for all.
pub(super) fn now(call: &Call<'_>) -> Typed {
    let now = datafusion::functions::datetime::now(&ConfigOptions::default());
    let expr = Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(now, Vec::new()));
    call.made(cast(expr, to_arrow(&SparkType::Timestamp)), SparkType::Timestamp, false)
}

fn today(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(0..=0)?;
    Ok(call.cast(now(call), &SparkType::Date)?.shown("current_date()"))
}

fn current_time(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(0..=1)?;
    let mut digits = 6;
    let mut text = Sql::from("6");
    if !call.is_empty() {
        let value = call.want_type(0, SparkType::Integer)?;
        text = value.sql.clone();
        digits = match constant(&value)? {
            Some(ScalarValue::Int32(Some(digits))) => digits,
            Some(_) => {
                let message =
                    format!("cannot resolve \"{}\": the precision of `current_time` is null: give digits from 0 to 6", call.sql());
                return Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", message));
            }
            None => {
                let message = format!("cannot resolve \"{}\": the precision of `current_time` has to be a constant", call.sql());
                return Err(call.refuse("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", message));
            }
        };
    }
    let Some(digits) = u8::try_from(digits).ok().filter(|d| *d <= 6) else {
        let message = format!("cannot resolve \"{}\": the precision of `current_time` is {digits}: give digits from 0 to 6", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    };
    let sql = Sql::call("current_time", [&text]);
    Ok(call.scalar(time_of_day, vec![now(call)], SparkType::Time(digits), false).shown(sql))
}

fn time_of_day(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let zone = args.settings.time_zone;
    let digits = match args.out {
        SparkType::Time(digits) => u32::from(*digits).min(9),
        _ => 6,
    };
    let unit = 10_i64.pow(9 - digits);
    map::<TimestampMicrosecondType, Time64NanosecondType>(args, |micros| {
        let nanos = local(zone, micros).rem_euclid(DAY) * 1000;
        Ok(Some(nanos / unit * unit))
    })
}
