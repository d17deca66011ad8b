//! Parts of dates, timestamps, times and intervals: `year` to `second`, `extract` and `date_part`.

use arrow::array::ArrayRef;
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Int8Type, Int32Type, IntervalMonthDayNanoType, IntervalYearMonthType,
    Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;

use super::support::{
    DAY, HOUR, MINUTE, any_timestamp, cell, collect, collect_text, column, constant_text, date_arg, map, row, time_arg, zone_for,
};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, ScalarKernel};
use crate::types::civil;
use crate::types::pattern::{short_day, short_month};
use crate::types::zoned::local;
use crate::types::{DayTimeField, SparkType, YearMonthField};
use crate::{Result, Sql, Typed};

pub(super) const ROWS: &[Function] = &[
    row("year", "year(date) - The year.", &[("SELECT year('2016-07-30')", "2016")], |call| date_field(call, year)),
    row("quarter", "quarter(date) - The quarter of the year, from 1 to 4.", &[("SELECT quarter('2016-08-31')", "3")], |call| {
        date_field(call, quarter)
    }),
    row("month", "month(date) - The month, from 1 to 12.", &[("SELECT month('2016-07-30')", "7")], |call| date_field(call, month)),
    row("day", "day(date) - The day of the month.", &[("SELECT day('2009-07-30')", "30")], |call| date_field(call, day)),
    row("dayofmonth", "dayofmonth(date) - The day of the month.", &[("SELECT dayofmonth('2009-07-30')", "30")], |call| {
        date_field(call, day)
    }),
    row("dayofyear", "dayofyear(date) - The day of the year, from 1.", &[("SELECT dayofyear('2016-04-09')", "100")], |call| {
        date_field(call, day_of_year)
    }),
    row(
        "dayofweek",
        "dayofweek(date) - The day of the week: 1 is Sunday, 7 is Saturday.",
        &[("SELECT dayofweek('2009-07-30')", "5")],
        |call| date_field(call, day_of_week),
    ),
    row("weekday", "weekday(date) - The day of the week: 0 is Monday, 6 is Sunday.", &[("SELECT weekday('2009-07-30')", "3")], |call| {
        date_field(call, weekday)
    }),
    row(
        "weekofyear",
        "weekofyear(date) - The number of the ISO week: weeks begin on Mondays, and the first has at least four days of the year.",
        &[("SELECT weekofyear('2008-02-20')", "8")],
        |call| date_field(call, week),
    ),
    row(
        "dayname",
        "dayname(date) - The first three letters of the day's English name.",
        &[("SELECT dayname(DATE'2008-02-20')", "Wed")],
        |call| name_field(call, day_name),
    ),
    row(
        "monthname",
        "monthname(date) - The first three letters of the month's English name.",
        &[("SELECT monthname('2008-02-20')", "Feb")],
        |call| name_field(call, month_name),
    ),
    row("hour", "hour(expr) - The hour of a timestamp or a time.", &[("SELECT hour('2018-02-14 12:58:59')", "12")], |call| {
        time_field(call, hour, hour_of_time)
    }),
    row("minute", "minute(expr) - The minute of a timestamp or a time.", &[("SELECT minute('2009-07-30 12:58:59')", "58")], |call| {
        time_field(call, minute, minute_of_time)
    }),
    row("second", "second(expr) - The whole second of a timestamp or a time.", &[("SELECT second('2009-07-30 12:58:59')", "59")], |call| {
        time_field(call, second, second_of_time)
    }),
    row(
        "extract",
        "extract(field FROM source) - A part of a date, timestamp, time or interval.",
        &[("SELECT extract(YEAR FROM TIMESTAMP '2019-08-12 01:00:00.123456')", "2019")],
        |call| extract(call, " FROM "),
    ),
    row(
        "date_part",
        "date_part(field, source) - A part of a date, timestamp, time or interval; the field is constant text.",
        &[("SELECT date_part('SECONDS', timestamp'2019-10-01 00:00:01.000001')", "1.000001")],
        |call| extract(call, ", "),
    ),
    row("datepart", "datepart(field, source) - The same as date_part.", &[("SELECT datepart('doy', DATE'2019-08-12')", "224")], |call| {
        extract(call, " FROM ")
    }),
];

fn date_field(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let date = date_arg(call, 0)?;
    let nullable = date.nullable;
    Ok(call.scalar(kernel, vec![date], SparkType::Integer, nullable))
}

fn name_field(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let date = date_arg(call, 0)?;
    let nullable = date.nullable;
    Ok(call.scalar(kernel, vec![date], SparkType::String, nullable))
}

fn time_field(call: &mut Call<'_>, of_timestamp: ScalarKernel, of_time: ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    let (value, kernel) = match value.data_type {
        SparkType::Time(_) => (value, of_time),
        _ => (call.want(0, &any_timestamp())?, of_timestamp),
    };
    let nullable = value.nullable;
    Ok(call.scalar(kernel, vec![value], SparkType::Integer, nullable))
}

fn of_date(args: &KernelArgs<'_>, part: fn(i64) -> i64) -> Result<ArrayRef> {
    map::<Date32Type, Int32Type>(args, |days| Ok(i32::try_from(part(i64::from(days))).ok()))
}

fn year(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| civil::civil_from_days(days).0)
}

fn year_of_week(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| civil::iso_week(days).0)
}

fn quarter(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| (civil::civil_from_days(days).1 + 2) / 3)
}

fn month(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| civil::civil_from_days(days).1)
}

fn day(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| civil::civil_from_days(days).2)
}

fn day_of_year(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, civil::day_of_year)
}

fn day_of_week(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| (civil::weekday(days) + 1) % 7 + 1)
}

fn weekday(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, civil::weekday)
}

fn iso_day_of_week(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| civil::weekday(days) + 1)
}

fn week(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_date(args, |days| civil::iso_week(days).1)
}

fn names(args: &KernelArgs<'_>, name: fn(i64) -> &'static str) -> Result<ArrayRef> {
    let dates = column::<Date32Type>(args, 0)?;
    collect_text(args, |row, out| {
        let Some(days) = cell(dates, row) else { return Ok(false) };
        out.push_str(name(i64::from(days)));
        Ok(true)
    })
}

fn day_name(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    names(args, |days| short_day(civil::weekday(days) + 1))
}

fn month_name(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    names(args, |days| short_month(civil::civil_from_days(days).1))
}

/// A part of the microseconds since local midnight.
fn of_timestamp(args: &KernelArgs<'_>, part: fn(i64) -> i64) -> Result<ArrayRef> {
    let zone = zone_for(args.types.first(), args.settings);
    map::<TimestampMicrosecondType, Int32Type>(args, |micros| Ok(i32::try_from(part(local(zone, micros).rem_euclid(DAY))).ok()))
}

fn hour(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_timestamp(args, |micros| micros / HOUR)
}

fn minute(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_timestamp(args, |micros| micros / MINUTE % 60)
}

fn second(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_timestamp(args, |micros| micros % MINUTE / 1_000_000)
}

fn second_with_fraction(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let zone = zone_for(args.types.first(), args.settings);
    map::<TimestampMicrosecondType, Decimal128Type>(args, |micros| Ok(Some(i128::from(local(zone, micros).rem_euclid(MINUTE)))))
}

/// A part of the microseconds since midnight.
fn of_time(args: &KernelArgs<'_>, part: fn(i64) -> i64) -> Result<ArrayRef> {
    map::<Time64NanosecondType, Int32Type>(args, |nanos| Ok(i32::try_from(part(nanos / 1000)).ok()))
}

fn hour_of_time(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_time(args, |micros| micros / HOUR)
}

fn minute_of_time(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_time(args, |micros| micros / MINUTE % 60)
}

fn second_of_time(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    of_time(args, |micros| micros % MINUTE / 1_000_000)
}

fn second_of_time_with_fraction(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<Time64NanosecondType, Decimal128Type>(args, |nanos| Ok(Some(i128::from(nanos / 1000 % MINUTE))))
}

/// `extract`: the field is settled now, and the part's type with it.
fn extract(call: &mut Call<'_>, between: &'static str) -> Result<Typed> {
    call.arity(2..=2)?;
    let (field, source) = (call.arg(0)?, call.arg(1)?);
    let sql =
        Sql::concat(vec![Sql::from(format!("{}(", call.name)), field.sql.clone(), Sql::from(between), source.sql.clone(), Sql::from(")")]);
    let Some(text) = constant_text(&field)? else {
        let message = format!("`{}` needs its field as constant text, and \"{}\" is none: write it in quotes", call.name, field.sql);
        return Err(call.refuse("NON_FOLDABLE_ARGUMENT", message));
    };
    let Some(text) = text else {
        return Ok(Typed::literal(ScalarValue::Float64(None), SparkType::Double, sql));
    };
    let part = Part::named(&text);
    let chosen = part.and_then(|part| part.of(&source.data_type));
    let Some((kernel, out, input)) = chosen else {
        let message = format!("`{text}` is no field that \"{}\" of type \"{}\" has: extract another", source.sql, source.data_type.sql());
        return Err(call.refuse("INVALID_EXTRACT_FIELD", message));
    };
    let value = match input {
        Input::Date => date_arg(call, 1)?,
        Input::Timestamp => call.want(1, &any_timestamp())?,
        Input::Time => time_arg(call, 1)?,
        Input::AsItIs => source,
    };
    let nullable = value.nullable;
    let constants = vec![ScalarValue::Utf8(Some(format!("{part:?}")))];
    Ok(call.scalar_with(kernel, vec![value], constants, out, nullable).shown(sql))
}

/// What a part is taken from.
enum Input {
    Date,
    Timestamp,
    Time,
    AsItIs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    YearOfWeek,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

impl Part {
    fn named(text: &str) -> Option<Self> {
        Some(match text.to_uppercase().as_str() {
            "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => Self::Year,
            "YEAROFWEEK" => Self::YearOfWeek,
            "QUARTER" | "QTR" => Self::Quarter,
            "MONTH" | "MON" | "MONS" | "MONTHS" => Self::Month,
            "WEEK" | "W" | "WEEKS" => Self::Week,
            "DAY" | "D" | "DAYS" => Self::Day,
            "DAYOFWEEK" | "DOW" => Self::DayOfWeek,
            "DAYOFWEEK_ISO" | "DOW_ISO" => Self::IsoDayOfWeek,
            "DOY" => Self::DayOfYear,
            "HOUR" | "H" | "HOURS" | "HR" | "HRS" => Self::Hour,
            "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => Self::Minute,
            "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => Self::Second,
            _ => return None,
        })
    }

    /// How a part of a type is computed, of which type it is, and what from.
    fn of(self, source: &SparkType) -> Option<(ScalarKernel, SparkType, Input)> {
        const FRACTION: SparkType = SparkType::Decimal(8, 6);
        let (kernel, out): (ScalarKernel, SparkType) = match (self, source) {
            (Self::Year, SparkType::CalendarInterval) => (calendar_years, SparkType::Integer),
            (Self::Month, SparkType::CalendarInterval) => (calendar_months, SparkType::Byte),
            (Self::Day, SparkType::CalendarInterval) => (calendar_days, SparkType::Integer),
            (Self::Hour, SparkType::CalendarInterval) => (calendar_hours, SparkType::Byte),
            (Self::Minute, SparkType::CalendarInterval) => (calendar_minutes, SparkType::Byte),
            (Self::Second, SparkType::CalendarInterval) => (calendar_seconds, FRACTION),
            (Self::Year, SparkType::YearMonthInterval(YearMonthField::Year, _)) => (interval_years, SparkType::Integer),
            (Self::Month, SparkType::YearMonthInterval(_, YearMonthField::Month)) => (interval_months, SparkType::Byte),
            (Self::Day, SparkType::DayTimeInterval(DayTimeField::Day, _)) => (interval_days, SparkType::Integer),
            (Self::Hour, SparkType::DayTimeInterval(start, end)) if *start <= DayTimeField::Hour && DayTimeField::Hour <= *end => {
                (interval_hours, SparkType::Byte)
            }
            (Self::Minute, SparkType::DayTimeInterval(start, end)) if *start <= DayTimeField::Minute && DayTimeField::Minute <= *end => {
                (interval_minutes, SparkType::Byte)
            }
            (Self::Second, SparkType::DayTimeInterval(_, DayTimeField::Second)) => (interval_seconds, FRACTION),
            (_, SparkType::CalendarInterval | SparkType::YearMonthInterval(..) | SparkType::DayTimeInterval(..)) => return None,
            (Self::Hour, SparkType::Time(_)) => return Some((hour_of_time, SparkType::Integer, Input::Time)),
            (Self::Minute, SparkType::Time(_)) => return Some((minute_of_time, SparkType::Integer, Input::Time)),
            (Self::Second, SparkType::Time(_)) => return Some((second_of_time_with_fraction, FRACTION, Input::Time)),
            (_, SparkType::Time(_)) => return None,
            (Self::Hour, _) => return Some((hour, SparkType::Integer, Input::Timestamp)),
            (Self::Minute, _) => return Some((minute, SparkType::Integer, Input::Timestamp)),
            (Self::Second, _) => return Some((second_with_fraction, FRACTION, Input::Timestamp)),
            (part, _) => {
                let kernel: ScalarKernel = match part {
                    Self::Year => year,
                    Self::YearOfWeek => year_of_week,
                    Self::Quarter => quarter,
                    Self::Month => month,
                    Self::Week => week,
                    Self::Day => day,
                    Self::DayOfWeek => day_of_week,
                    Self::IsoDayOfWeek => iso_day_of_week,
                    _ => day_of_year,
                };
                return Some((kernel, SparkType::Integer, Input::Date));
            }
        };
        Some((kernel, out, Input::AsItIs))
    }
}

fn calendar_years(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<IntervalMonthDayNanoType, Int32Type>(args, |i| Ok(Some(i.months / 12)))
}

fn calendar_months(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<IntervalMonthDayNanoType, Int8Type>(args, |i| Ok(i8::try_from(i.months % 12).ok()))
}

fn calendar_days(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<IntervalMonthDayNanoType, Int32Type>(args, |i| {
        let days = i64::from(i.days) + i.nanoseconds / 1000 / DAY;
        i32::try_from(days).map(Some).map_err(|_| error("ARITHMETIC_OVERFLOW", format!("{days} days are too many for an integer")))
    })
}

fn calendar_part(args: &KernelArgs<'_>, part: fn(i64) -> i64) -> Result<ArrayRef> {
    let intervals = column::<IntervalMonthDayNanoType>(args, 0)?;
    collect::<Int8Type>(args, |row| Ok(cell(intervals, row).and_then(|i| i8::try_from(part(i.nanoseconds / 1000)).ok())))
}

fn hours_of(micros: i64) -> i64 {
    micros % DAY / HOUR
}

fn minutes_of(micros: i64) -> i64 {
    micros % HOUR / MINUTE
}

fn calendar_hours(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    calendar_part(args, hours_of)
}

fn calendar_minutes(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    calendar_part(args, minutes_of)
}

fn calendar_seconds(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<IntervalMonthDayNanoType, Decimal128Type>(args, |i| Ok(Some(i128::from(i.nanoseconds / 1000 % MINUTE))))
}

fn interval_years(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<IntervalYearMonthType, Int32Type>(args, |months| Ok(Some(months / 12)))
}

fn interval_months(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<IntervalYearMonthType, Int8Type>(args, |months| Ok(i8::try_from(months % 12).ok()))
}

fn interval_days(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<DurationMicrosecondType, Int32Type>(args, |micros| Ok(i32::try_from(micros / DAY).ok()))
}

fn interval_hours(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<DurationMicrosecondType, Int8Type>(args, |micros| Ok(i8::try_from(hours_of(micros)).ok()))
}

fn interval_minutes(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<DurationMicrosecondType, Int8Type>(args, |micros| Ok(i8::try_from(minutes_of(micros)).ok()))
}

fn interval_seconds(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    map::<DurationMicrosecondType, Decimal128Type>(args, |micros| Ok(Some(i128::from(micros % MINUTE))))
}
