//! Days, months and other units added to dates and timestamps, and the differences between them.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::ScalarValue;

use super::support::{
    DAY, HOUR, MINUTE, SECOND, accepted, any_nullable, any_timestamp, arithmetic_overflow, cell, collect, column, constant_text, date_arg,
    map, overflow, row, text_cell, texts, zone_for,
};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::types::civil;
use crate::types::zoned::{add_interval, day_of, local, months_between, start_of_day};
use crate::{Error, Result, Sql, Typed};

pub(super) const ROWS: &[Function] = &[
    row(
        "add_months",
        "add_months(date, months) - The same day some months later, or that month's last day if it is too short.",
        &[("SELECT add_months('2016-08-31', 1)", "2016-09-30")],
        add_months,
    ),
    row("date_add", "date_add(date, days) - The date some days later.", &[("SELECT date_add('2016-07-30', 1)", "2016-07-31")], |call| {
        add_days(call, "date_add", later)
    }),
    row("dateadd", "dateadd(date, days) - The date some days later.", &[("SELECT dateadd('2016-07-30', 1)", "2016-07-31")], |call| {
        add_days(call, "date_add", later)
    }),
    row("date_sub", "date_sub(date, days) - The date some days earlier.", &[("SELECT date_sub('2016-07-30', 1)", "2016-07-29")], |call| {
        add_days(call, "date_sub", earlier)
    }),
    row(
        "datediff",
        "datediff(end, start) - The days from start to end.",
        &[("SELECT datediff('2009-07-31', '2009-07-30')", "1")],
        date_diff,
    ),
    row(
        "date_diff",
        "date_diff(end, start) - The days from start to end.",
        &[("SELECT date_diff('2009-07-30', '2009-07-31')", "-1")],
        date_diff,
    ),
    row("last_day", "last_day(date) - The last day of the date's month.", &[("SELECT last_day('2009-01-12')", "2009-01-31")], |call| {
        call.arity(1..=1)?;
        let date = date_arg(call, 0)?;
        let nullable = date.nullable;
        Ok(call.scalar(last_day, vec![date], SparkType::Date, nullable))
    }),
    row(
        "next_day",
        "next_day(date, day_of_week) - The first date after it that is such a day: MO, Mon and Monday are the same.",
        &[("SELECT next_day('2015-01-14', 'TU')", "2015-01-20")],
        |call| {
            call.arity(2..=2)?;
            let args = vec![date_arg(call, 0)?, call.want(1, &Want::String)?];
            Ok(call.scalar(next_day, args, SparkType::Date, true))
        },
    ),
    row(
        "months_between",
        "months_between(timestamp1, timestamp2[, round]) - Months from the second to the first, the rest in months of 31 days.",
        &[("SELECT months_between('1997-02-28 10:30:00', '1996-10-30')", "3.94959677")],
        between,
    ),
    row(
        "timestampadd",
        "timestampadd(unit, quantity, timestamp) - The timestamp some units later.",
        &[("SELECT timestampadd(HOUR, 8, timestamp_ntz'2022-02-11 20:30:00')", "2022-02-12 04:30:00")],
        timestamp_add,
    ),
    row(
        "timestampdiff",
        "timestampdiff(unit, start, end) - How many whole units it is from start to end.",
        &[("SELECT timestampdiff(HOUR, timestamp_ntz'2022-02-11 20:30:00', timestamp_ntz'2022-02-12 04:30:00')", "8")],
        timestamp_diff,
    ),
    row(
        "timediff",
        "timediff(unit, start, end) - The same as timestampdiff.",
        &[("SELECT timediff(MONTH, timestamp_ltz'2022-01-01 00:00:00', timestamp_ltz'2022-02-28 00:00:00')", "1")],
        timestamp_diff,
    ),
];

fn add_months(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let args = vec![date_arg(call, 0)?, call.want_type(1, SparkType::Integer)?];
    let nullable = any_nullable(&args);
    Ok(call.scalar(months_later, args, SparkType::Date, nullable))
}

fn months_later(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (dates, months) = (column::<Date32Type>(args, 0)?, column::<Int32Type>(args, 1)?);
    collect::<Date32Type>(args, |row| {
        let (Some(days), Some(months)) = (cell(dates, row), cell(months, row)) else { return Ok(None) };
        let later = civil::add_months(i64::from(days), i64::from(months));
        i32::try_from(later).map(Some).map_err(|_| arithmetic_overflow("the date"))
    })
}

/// `date_add` and `date_sub`; with three arguments it is `timestampadd`.
fn add_days(call: &mut Call<'_>, shown: &'static str, kernel: fn(&KernelArgs<'_>) -> Result<ArrayRef>) -> Result<Typed> {
    if call.len() == 3 && shown == "date_add" {
        return timestamp_add(call);
    }
    call.arity(2..=2)?;
    let days = call.arg(1)?;
    let small = Want::OneOf(vec![Want::Type(SparkType::Integer), Want::Type(SparkType::Short), Want::Type(SparkType::Byte)]);
    let days = if days.data_type.is_string() && constant_text(&days)?.is_some() {
        call.want_type(1, SparkType::Integer)?
    } else {
        accepted(call, 1, &small, SparkType::Integer)?
    };
    let sql = Sql::call(shown, call.values()?.iter().map(|value| &value.sql));
    let args = vec![date_arg(call, 0)?, days];
    let nullable = any_nullable(&args);
    Ok(call.scalar(kernel, args, SparkType::Date, nullable).shown(sql))
}

/// Days beyond the range wrap around, as Spark's do.
fn shift(args: &KernelArgs<'_>, sign: i32) -> Result<ArrayRef> {
    let dates = column::<Date32Type>(args, 0)?;
    let moved = |row: usize, days: Option<i32>| {
        let (Some(date), Some(days)) = (cell(dates, row), days) else { return Ok(None) };
        Ok(Some(date.wrapping_add(days.wrapping_mul(sign))))
    };
    match args.types.get(1) {
        Some(SparkType::Byte) => {
            let days = column::<Int8Type>(args, 1)?;
            collect::<Date32Type>(args, |row| moved(row, cell(days, row).map(i32::from)))
        }
        Some(SparkType::Short) => {
            let days = column::<Int16Type>(args, 1)?;
            collect::<Date32Type>(args, |row| moved(row, cell(days, row).map(i32::from)))
        }
        _ => {
            let days = column::<Int32Type>(args, 1)?;
            collect::<Date32Type>(args, |row| moved(row, cell(days, row)))
        }
    }
}

fn later(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    shift(args, 1)
}

fn earlier(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    shift(args, -1)
}

/// Days between dates; with three arguments it is `timestampdiff`.
fn date_diff(call: &mut Call<'_>) -> Result<Typed> {
    if call.len() == 3 {
        return timestamp_diff(call);
    }
    call.arity(2..=2)?;
    let args = vec![date_arg(call, 0)?, date_arg(call, 1)?];
    let nullable = any_nullable(&args);
    Ok(call.scalar(days_between, args, SparkType::Integer, nullable))
}

fn days_between(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (column::<Date32Type>(args, 0)?, column::<Date32Type>(args, 1)?);
    collect::<Int32Type>(args, |row| {
        let (Some(end), Some(start)) = (cell(ends, row), cell(starts, row)) else { return Ok(None) };
        Ok(Some(end.wrapping_sub(start)))
    })
}

fn last_day(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<Date32Type, Date32Type>(args, |days| {
        let (year, month, day) = civil::civil_from_days(i64::from(days));
        i32::try_from(i64::from(days) - day + civil::month_length(year, month)).map(Some).map_err(|_| overflow("the last day"))
    })
}

/// The day of the week, Monday as 0.
fn day_named(name: &str) -> Option<i64> {
    Some(match name.to_uppercase().as_str() {
        "MO" | "MON" | "MONDAY" => 0,
        "TU" | "TUE" | "TUESDAY" => 1,
        "WE" | "WED" | "WEDNESDAY" => 2,
        "TH" | "THU" | "THURSDAY" => 3,
        "FR" | "FRI" | "FRIDAY" => 4,
        "SA" | "SAT" | "SATURDAY" => 5,
        "SU" | "SUN" | "SUNDAY" => 6,
        _ => return None,
    })
}

fn next_day(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (dates, names) = (column::<Date32Type>(args, 0)?, texts(args, 1)?);
    collect::<Date32Type>(args, |row| {
        let (Some(days), Some(name)) = (cell(dates, row), text_cell(names, row)) else { return Ok(None) };
        let Some(wanted) = day_named(name) else {
            let why = format!("`{name}` is no day of the week: write one such as `MO`, `Mon` or `Monday`");
            return super::support::null_or(args.settings.ansi, error("ILLEGAL_DAY_OF_WEEK", why));
        };
        let days = i64::from(days);
        let ahead = (wanted - civil::weekday(days) - 1).rem_euclid(7) + 1;
        i32::try_from(days + ahead).map(Some).map_err(|_| overflow("the next day"))
    })
}

fn between(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let round = if call.len() == 3 {
        call.want_type(2, SparkType::Boolean)?
    } else {
        Typed::literal(ScalarValue::Boolean(Some(true)), SparkType::Boolean, "true")
    };
    let args = vec![call.want_type(0, SparkType::Timestamp)?, call.want_type(1, SparkType::Timestamp)?, round];
    let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql));
    let nullable = any_nullable(&args);
    Ok(call.scalar(fractional_months, args, SparkType::Double, nullable).shown(sql))
}

fn fractional_months(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    use arrow::array::{Array, AsArray};
    let (firsts, seconds) = (column::<TimestampMicrosecondType>(args, 0)?, column::<TimestampMicrosecondType>(args, 1)?);
    let round = args.arrays.get(2).and_then(|array| array.as_boolean_opt());
    let zone = args.settings.time_zone;
    collect::<Float64Type>(args, |row| {
        let (Some(first), Some(second)) = (cell(firsts, row), cell(seconds, row)) else { return Ok(None) };
        let Some(round) = round.filter(|r| r.is_valid(row)).map(|r| r.value(row)) else { return Ok(None) };
        let (days1, days2) = (day_of(zone, first), day_of(zone, second));
        let (year1, month1, day1) = civil::civil_from_days(days1);
        let (year2, month2, day2) = civil::civil_from_days(days2);
        #[allow(clippy::cast_precision_loss)]
        let months = ((year1 * 12 + month1) - (year2 * 12 + month2)) as f64;
        let last = |year, month, day| day == civil::month_length(year, month);
        if day1 == day2 || (last(year1, month1, day1) && last(year2, month2, day2)) {
            return Ok(Some(months));
        }
        let of_day = |moment: i64, days: i64| {
            let begin = start_of_day(zone, days).ok_or_else(|| overflow("the day"))?;
            Ok::<i64, Error>((moment - begin) / SECOND)
        };
        let rest = (day1 - day2) * 86_400 + of_day(first, days1)? - of_day(second, days2)?;
        #[allow(clippy::cast_precision_loss)]
        let value = months + rest as f64 / (31.0 * 86_400.0);
        // Java rounds halves up, negative ones too.
        Ok(Some(if round { (value * 1e8 + 0.5).floor() / 1e8 } else { value }))
    })
}

/// A unit of `timestampadd` and `timestampdiff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Of so many microseconds.
    Clock(i64),
    /// Of so many days.
    Days(i64),
    /// Of so many months.
    Months(i64),
}

impl Unit {
    fn named(text: &str) -> Option<Self> {
        Some(match text.to_uppercase().as_str() {
            "MICROSECOND" => Self::Clock(1),
            "MILLISECOND" => Self::Clock(1000),
            "SECOND" => Self::Clock(SECOND),
            "MINUTE" => Self::Clock(MINUTE),
            "HOUR" => Self::Clock(HOUR),
            "DAY" => Self::Days(1),
            "WEEK" => Self::Days(7),
            "MONTH" => Self::Months(1),
            "QUARTER" => Self::Months(3),
            "YEAR" => Self::Months(12),
            _ => return None,
        })
    }
}

/// The unit of a call and its text.
fn unit(call: &Call<'_>, adding: bool) -> Result<(Unit, String)> {
    let value = call.arg(0)?;
    let text = constant_text(&value)?.flatten().unwrap_or_else(|| value.sql.to_string());
    let known = if adding && text.eq_ignore_ascii_case("DAYOFYEAR") { Some(Unit::Days(1)) } else { Unit::named(&text) };
    known.map(|unit| (unit, text.clone())).ok_or_else(|| {
        let message = format!(
            "`{}` knows no unit `{text}`: write YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND or MICROSECOND, unquoted",
            call.name
        );
        call.refuse("INVALID_PARAMETER_VALUE.DATETIME_UNIT", message)
    })
}

fn shown(name: &str, unit: String, args: &[Typed]) -> Sql {
    let unit = Sql::from(unit);
    Sql::call(name, std::iter::once(&unit).chain(args.iter().map(|arg| &arg.sql)))
}

fn unit_constants(unit: Unit, text: &str) -> Vec<ScalarValue> {
    let (kind, size) = match unit {
        Unit::Clock(size) => (0_i64, size),
        Unit::Days(size) => (1, size),
        Unit::Months(size) => (2, size),
    };
    vec![ScalarValue::Int64(Some(kind)), ScalarValue::Int64(Some(size)), ScalarValue::Utf8(Some(text.to_owned()))]
}

fn unit_of(args: &KernelArgs<'_>) -> Result<Unit> {
    match args.constants {
        [ScalarValue::Int64(Some(kind)), ScalarValue::Int64(Some(size)), ..] => Ok(match kind {
            0 => Unit::Clock(*size),
            1 => Unit::Days(*size),
            _ => Unit::Months(*size),
        }),
        _ => Err(error("INTERNAL_ERROR", "the unit of a call is lost")),
    }
}

fn timestamp_add(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let (unit, text) = unit(call, true)?;
    let args = vec![call.want_type(1, SparkType::Long)?, call.want(2, &any_timestamp())?];
    let sql = shown("timestampadd", text.clone(), &args);
    let nullable = any_nullable(&args);
    let out = args.get(1).map_or(SparkType::Timestamp, |time| time.data_type.clone());
    Ok(call.scalar_with(add_units, args, unit_constants(unit, &text), out, nullable).shown(sql))
}

fn add_units(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let unit = unit_of(args)?;
    let (counts, times) = (column::<Int64Type>(args, 0)?, column::<TimestampMicrosecondType>(args, 1)?);
    let zone = zone_for(args.types.get(1), args.settings);
    // Spark counts days and months in 32 bits.
    let narrow = |count: i64, size: i64| i32::try_from(count).ok()?.checked_mul(i32::try_from(size).ok()?).map(i64::from);
    collect::<TimestampMicrosecondType>(args, |row| {
        let (Some(count), Some(time)) = (cell(counts, row), cell(times, row)) else { return Ok(None) };
        let sum = match unit {
            Unit::Clock(size) => count.checked_mul(size).and_then(|micros| add_interval(zone, time, 0, 0, micros)),
            Unit::Days(size) => narrow(count, size).and_then(|days| add_interval(zone, time, 0, days, 0)),
            Unit::Months(size) => narrow(count, size).and_then(|months| add_interval(zone, time, months, 0, 0)),
        };
        sum.map(Some).ok_or_else(|| overflow(format_args!("the timestamp {count} units later")))
    })
}

fn timestamp_diff(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let (unit, text) = unit(call, false)?;
    let args = vec![call.want_type(1, SparkType::Timestamp)?, call.want_type(2, SparkType::Timestamp)?];
    let sql = shown("timestampdiff", text.clone(), &args);
    let nullable = any_nullable(&args);
    Ok(call.scalar_with(diff_units, args, unit_constants(unit, &text), SparkType::Long, nullable).shown(sql))
}

fn diff_units(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let unit = unit_of(args)?;
    let (starts, ends) = (column::<TimestampMicrosecondType>(args, 0)?, column::<TimestampMicrosecondType>(args, 1)?);
    let zone = args.settings.time_zone;
    collect::<Int64Type>(args, |row| {
        let (Some(start), Some(end)) = (cell(starts, row), cell(ends, row)) else { return Ok(None) };
        let (start, end) = (local(zone, start), local(zone, end));
        let micros = |size: i64| end.checked_sub(start).map(|d| d / size).ok_or_else(|| arithmetic_overflow("the difference"));
        Ok(Some(match unit {
            Unit::Clock(size) => micros(size)?,
            Unit::Days(size) => micros(DAY)? / size,
            Unit::Months(size) => months_between(start, end) / size,
        }))
    })
}
