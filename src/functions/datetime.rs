//! Dates, times, timestamps and intervals: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.

use super::call;
use crate::column::{Column, Operand};

/// The same day some months later, or that month's last day if it is too short.
pub fn add_months(date: impl Into<Column>, months: impl Into<Column>) -> Column {
    call("add_months", [date.into(), months.into()])
}

/// A local time of the source zone (the session's unless given) in the target zone.
pub fn convert_timezone(target: impl Into<Column>, timestamp: impl Into<Column>) -> Column {
    call("convert_timezone", [target.into(), timestamp.into()])
}

/// A local time of the source zone (the session's unless given) in the target zone.
pub fn convert_timezone_with(source: impl Into<Column>, target: impl Into<Column>, timestamp: impl Into<Column>) -> Column {
    call("convert_timezone", [source.into(), target.into(), timestamp.into()])
}

/// The day in the session's time zone on which the statement began.
pub fn curdate() -> Column {
    call("curdate", [])
}

/// The day in the session's time zone on which the statement began.
pub fn current_date() -> Column {
    call("current_date", [])
}

/// The time of day at which the statement began, with up to 6 digits of the fraction.
pub fn current_time() -> Column {
    call("current_time", [])
}

/// The time of day at which the statement began, with up to 6 digits of the fraction.
pub fn current_time_with(precision: impl Into<Column>) -> Column {
    call("current_time", [precision.into()])
}

/// The moment at which the statement began.
pub fn current_timestamp() -> Column {
    call("current_timestamp", [])
}

/// The session's time zone.
pub fn current_timezone() -> Column {
    call("current_timezone", [])
}

/// The date some days later.
pub fn date_add(date: impl Into<Column>, days: impl Into<Column>) -> Column {
    call("date_add", [date.into(), days.into()])
}

/// The days from start to end.
pub fn date_diff(end: impl Into<Column>, start: impl Into<Column>) -> Column {
    call("date_diff", [end.into(), start.into()])
}

/// The timestamp as text in that pattern.
pub fn date_format(timestamp: impl Into<Column>, pattern: impl Operand) -> Column {
    call("date_format", [timestamp.into(), pattern.into_operand()])
}

/// The date so many days after 1970-01-01.
pub fn date_from_unix_date(days: impl Into<Column>) -> Column {
    call("date_from_unix_date", [days.into()])
}

/// A part of a date, timestamp, time or interval; the field is constant text.
pub fn date_part(field: impl Operand, source: impl Into<Column>) -> Column {
    call("date_part", [field.into_operand(), source.into()])
}

/// The date some days earlier.
pub fn date_sub(date: impl Into<Column>, days: impl Into<Column>) -> Column {
    call("date_sub", [date.into(), days.into()])
}

/// The timestamp with what is smaller than the unit made zero; null for unknown units.
pub fn date_trunc(unit: impl Operand, timestamp: impl Into<Column>) -> Column {
    call("date_trunc", [unit.into_operand(), timestamp.into()])
}

/// The date some days later.
pub fn dateadd(date: impl Into<Column>, days: impl Into<Column>) -> Column {
    call("dateadd", [date.into(), days.into()])
}

/// The days from start to end.
pub fn datediff(end: impl Into<Column>, start: impl Into<Column>) -> Column {
    call("datediff", [end.into(), start.into()])
}

/// The same as date_part.
pub fn datepart(field: impl Operand, source: impl Into<Column>) -> Column {
    call("datepart", [field.into_operand(), source.into()])
}

/// The day of the month.
pub fn day(date: impl Into<Column>) -> Column {
    call("day", [date.into()])
}

/// The first three letters of the day's English name.
pub fn dayname(date: impl Into<Column>) -> Column {
    call("dayname", [date.into()])
}

/// The day of the month.
pub fn dayofmonth(date: impl Into<Column>) -> Column {
    call("dayofmonth", [date.into()])
}

/// The day of the week: 1 is Sunday, 7 is Saturday.
pub fn dayofweek(date: impl Into<Column>) -> Column {
    call("dayofweek", [date.into()])
}

/// The day of the year, from 1.
pub fn dayofyear(date: impl Into<Column>) -> Column {
    call("dayofyear", [date.into()])
}

/// The moment so many seconds after 1970-01-01 00:00:00 UTC, as text.
pub fn from_unixtime(seconds: impl Into<Column>) -> Column {
    call("from_unixtime", [seconds.into()])
}

/// The moment so many seconds after 1970-01-01 00:00:00 UTC, as text.
pub fn from_unixtime_with(seconds: impl Into<Column>, pattern: impl Operand) -> Column {
    call("from_unixtime", [seconds.into(), pattern.into_operand()])
}

/// Takes the shown time as one in UTC and shows it in the zone.
pub fn from_utc_timestamp(timestamp: impl Into<Column>, timezone: impl Operand) -> Column {
    call("from_utc_timestamp", [timestamp.into(), timezone.into_operand()])
}

/// The hour of a timestamp or a time.
pub fn hour(expr: impl Into<Column>) -> Column {
    call("hour", [expr.into()])
}

/// The last day of the date's month.
pub fn last_day(date: impl Into<Column>) -> Column {
    call("last_day", [date.into()])
}

/// The local time at which the statement began, without a zone.
pub fn localtimestamp() -> Column {
    call("localtimestamp", [])
}

/// A date from its parts.
pub fn make_date(year: impl Into<Column>, month: impl Into<Column>, day: impl Into<Column>) -> Column {
    call("make_date", [year.into(), month.into(), day.into()])
}

/// A day-time interval from its parts.
pub fn make_dt_interval() -> Column {
    call("make_dt_interval", [])
}

/// A day-time interval from its parts.
pub fn make_dt_interval_with(
    days: impl Into<Column>,
    hours: impl Into<Column>,
    mins: impl Into<Column>,
    secs: impl Into<Column>,
) -> Column {
    call("make_dt_interval", [days.into(), hours.into(), mins.into(), secs.into()])
}

/// A calendar interval from its parts.
pub fn make_interval() -> Column {
    call("make_interval", [])
}

/// A calendar interval from its parts.
pub fn make_interval_with(
    years: impl Into<Column>,
    months: impl Into<Column>,
    weeks: impl Into<Column>,
    days: impl Into<Column>,
    hours: impl Into<Column>,
    mins: impl Into<Column>,
    secs: impl Into<Column>,
) -> Column {
    call("make_interval", [years.into(), months.into(), weeks.into(), days.into(), hours.into(), mins.into(), secs.into()])
}

/// A time from its parts; the second may have a fraction.
pub fn make_time(hour: impl Into<Column>, minute: impl Into<Column>, second: impl Into<Column>) -> Column {
    call("make_time", [hour.into(), minute.into(), second.into()])
}

/// A timestamp from its parts; also make_timestamp(date[, time[, timezone]]).
pub fn make_timestamp(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
) -> Column {
    call("make_timestamp", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into()])
}

/// A timestamp from its parts; also make_timestamp(date[, time[, timezone]]).
pub fn make_timestamp_with(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
    timezone: impl Operand,
) -> Column {
    call("make_timestamp", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into(), timezone.into_operand()])
}

/// A moment from its parts; also make_timestamp_ltz(date, time[, timezone]).
pub fn make_timestamp_ltz(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
) -> Column {
    call("make_timestamp_ltz", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into()])
}

/// A moment from its parts; also make_timestamp_ltz(date, time[, timezone]).
pub fn make_timestamp_ltz_with(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
    timezone: impl Operand,
) -> Column {
    call("make_timestamp_ltz", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into(), timezone.into_operand()])
}

/// Local time from its parts; also make_timestamp_ntz(date, time).
pub fn make_timestamp_ntz(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
) -> Column {
    call("make_timestamp_ntz", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into()])
}

/// A year-month interval from its parts.
pub fn make_ym_interval() -> Column {
    call("make_ym_interval", [])
}

/// A year-month interval from its parts.
pub fn make_ym_interval_with(years: impl Into<Column>, months: impl Into<Column>) -> Column {
    call("make_ym_interval", [years.into(), months.into()])
}

/// The minute of a timestamp or a time.
pub fn minute(expr: impl Into<Column>) -> Column {
    call("minute", [expr.into()])
}

/// The month, from 1 to 12.
pub fn month(date: impl Into<Column>) -> Column {
    call("month", [date.into()])
}

/// The first three letters of the month's English name.
pub fn monthname(date: impl Into<Column>) -> Column {
    call("monthname", [date.into()])
}

/// Months from the second to the first, the rest in months of 31 days.
pub fn months_between(timestamp1: impl Into<Column>, timestamp2: impl Into<Column>) -> Column {
    call("months_between", [timestamp1.into(), timestamp2.into()])
}

/// Months from the second to the first, the rest in months of 31 days.
pub fn months_between_with(timestamp1: impl Into<Column>, timestamp2: impl Into<Column>, round: impl Into<Column>) -> Column {
    call("months_between", [timestamp1.into(), timestamp2.into(), round.into()])
}

/// The first date after it that is such a day: MO, Mon and Monday are the same.
pub fn next_day(date: impl Into<Column>, day_of_week: impl Operand) -> Column {
    call("next_day", [date.into(), day_of_week.into_operand()])
}

/// The moment at which the statement began.
pub fn now() -> Column {
    call("now", [])
}

/// The quarter of the year, from 1 to 4.
pub fn quarter(date: impl Into<Column>) -> Column {
    call("quarter", [date.into()])
}

/// The whole second of a timestamp or a time.
pub fn second(expr: impl Into<Column>) -> Column {
    call("second", [expr.into()])
}

/// The window from a row's time until nothing has come for the gap.
pub fn session_window(time: impl Into<Column>, gap: impl Operand) -> Column {
    call("session_window", [time.into(), gap.into_operand()])
}

/// The start of the timestamp's bucket; buckets of that size are counted from the origin.
pub fn time_bucket(size: impl Into<Column>, timestamp: impl Into<Column>) -> Column {
    call("time_bucket", [size.into(), timestamp.into()])
}

/// The start of the timestamp's bucket; buckets of that size are counted from the origin.
pub fn time_bucket_with(size: impl Into<Column>, timestamp: impl Into<Column>, origin: impl Into<Column>) -> Column {
    call("time_bucket", [size.into(), timestamp.into(), origin.into()])
}

/// How many whole units it is from one time to another.
pub fn time_diff(unit: impl Operand, start: impl Into<Column>, end: impl Into<Column>) -> Column {
    call("time_diff", [unit.into_operand(), start.into(), end.into()])
}

/// The time so many microseconds after midnight.
pub fn time_from_micros(micros: impl Into<Column>) -> Column {
    call("time_from_micros", [micros.into()])
}

/// The time so many milliseconds after midnight.
pub fn time_from_millis(millis: impl Into<Column>) -> Column {
    call("time_from_millis", [millis.into()])
}

/// The time so many seconds, with a fraction or not, after midnight.
pub fn time_from_seconds(seconds: impl Into<Column>) -> Column {
    call("time_from_seconds", [seconds.into()])
}

/// The microseconds since midnight.
pub fn time_to_micros(time: impl Into<Column>) -> Column {
    call("time_to_micros", [time.into()])
}

/// The milliseconds since midnight.
pub fn time_to_millis(time: impl Into<Column>) -> Column {
    call("time_to_millis", [time.into()])
}

/// The seconds since midnight, with six digits of the fraction.
pub fn time_to_seconds(time: impl Into<Column>) -> Column {
    call("time_to_seconds", [time.into()])
}

/// The time with what is smaller than the unit made zero.
pub fn time_trunc(unit: impl Operand, time: impl Into<Column>) -> Column {
    call("time_trunc", [unit.into_operand(), time.into()])
}

/// The same as timestampdiff.
pub fn timediff(unit: impl Operand, start: impl Into<Column>, end: impl Into<Column>) -> Column {
    call("timediff", [unit.into_operand(), start.into(), end.into()])
}

/// The moment so many microseconds after 1970-01-01 00:00:00 UTC.
pub fn timestamp_micros(microseconds: impl Into<Column>) -> Column {
    call("timestamp_micros", [microseconds.into()])
}

/// The moment so many milliseconds after 1970-01-01 00:00:00 UTC.
pub fn timestamp_millis(milliseconds: impl Into<Column>) -> Column {
    call("timestamp_millis", [milliseconds.into()])
}

/// The moment so many seconds, with a fraction or not, after 1970-01-01 00:00:00 UTC.
pub fn timestamp_seconds(seconds: impl Into<Column>) -> Column {
    call("timestamp_seconds", [seconds.into()])
}

/// The timestamp some units later.
pub fn timestampadd(unit: impl Operand, quantity: impl Into<Column>, timestamp: impl Into<Column>) -> Column {
    call("timestampadd", [unit.into_operand(), quantity.into(), timestamp.into()])
}

/// How many whole units it is from start to end.
pub fn timestampdiff(unit: impl Operand, start: impl Into<Column>, end: impl Into<Column>) -> Column {
    call("timestampdiff", [unit.into_operand(), start.into(), end.into()])
}

/// The date that a text says.
pub fn to_date(text: impl Into<Column>) -> Column {
    call("to_date", [text.into()])
}

/// The date that a text says.
pub fn to_date_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("to_date", [text.into(), pattern.into_operand()])
}

/// The time that a text says.
pub fn to_time(text: impl Into<Column>) -> Column {
    call("to_time", [text.into()])
}

/// The time that a text says.
pub fn to_time_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("to_time", [text.into(), pattern.into_operand()])
}

/// The timestamp that a text says, in the session's kind of timestamps.
pub fn to_timestamp(text: impl Into<Column>) -> Column {
    call("to_timestamp", [text.into()])
}

/// The timestamp that a text says, in the session's kind of timestamps.
pub fn to_timestamp_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("to_timestamp", [text.into(), pattern.into_operand()])
}

/// The moment that a text says.
pub fn to_timestamp_ltz(text: impl Into<Column>) -> Column {
    call("to_timestamp_ltz", [text.into()])
}

/// The moment that a text says.
pub fn to_timestamp_ltz_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("to_timestamp_ltz", [text.into(), pattern.into_operand()])
}

/// The local time that a text says.
pub fn to_timestamp_ntz(text: impl Into<Column>) -> Column {
    call("to_timestamp_ntz", [text.into()])
}

/// The local time that a text says.
pub fn to_timestamp_ntz_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("to_timestamp_ntz", [text.into(), pattern.into_operand()])
}

/// The seconds since 1970-01-01 00:00:00 UTC.
pub fn to_unix_timestamp(time: impl Into<Column>) -> Column {
    call("to_unix_timestamp", [time.into()])
}

/// The seconds since 1970-01-01 00:00:00 UTC.
pub fn to_unix_timestamp_with(time: impl Into<Column>, pattern: impl Operand) -> Column {
    call("to_unix_timestamp", [time.into(), pattern.into_operand()])
}

/// Takes the shown time as one in the zone and shows it in UTC.
pub fn to_utc_timestamp(timestamp: impl Into<Column>, timezone: impl Operand) -> Column {
    call("to_utc_timestamp", [timestamp.into(), timezone.into_operand()])
}

/// The first day of the date's YEAR, QUARTER, MONTH or WEEK; null for other units.
pub fn trunc(date: impl Into<Column>, unit: impl Operand) -> Column {
    call("trunc", [date.into(), unit.into_operand()])
}

/// The same as make_interval, but null where it overflows.
pub fn try_make_interval() -> Column {
    call("try_make_interval", [])
}

/// The same as make_interval, but null where it overflows.
pub fn try_make_interval_with(
    years: impl Into<Column>,
    months: impl Into<Column>,
    weeks: impl Into<Column>,
    days: impl Into<Column>,
    hours: impl Into<Column>,
    mins: impl Into<Column>,
    secs: impl Into<Column>,
) -> Column {
    call("try_make_interval", [years.into(), months.into(), weeks.into(), days.into(), hours.into(), mins.into(), secs.into()])
}

/// The same as make_timestamp, but null for parts that do not fit.
pub fn try_make_timestamp(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
) -> Column {
    call("try_make_timestamp", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into()])
}

/// The same as make_timestamp, but null for parts that do not fit.
pub fn try_make_timestamp_with(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
    timezone: impl Operand,
) -> Column {
    call("try_make_timestamp", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into(), timezone.into_operand()])
}

/// The same as make_timestamp_ltz, but null for parts that do not fit.
pub fn try_make_timestamp_ltz(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
) -> Column {
    call("try_make_timestamp_ltz", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into()])
}

/// The same as make_timestamp_ltz, but null for parts that do not fit.
pub fn try_make_timestamp_ltz_with(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
    timezone: impl Operand,
) -> Column {
    call("try_make_timestamp_ltz", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into(), timezone.into_operand()])
}

/// The same as make_timestamp_ntz, but null for parts that do not fit.
pub fn try_make_timestamp_ntz(
    year: impl Into<Column>,
    month: impl Into<Column>,
    day: impl Into<Column>,
    hour: impl Into<Column>,
    min: impl Into<Column>,
    sec: impl Into<Column>,
) -> Column {
    call("try_make_timestamp_ntz", [year.into(), month.into(), day.into(), hour.into(), min.into(), sec.into()])
}

/// The same as to_date, but null for text that says none.
pub fn try_to_date(text: impl Into<Column>) -> Column {
    call("try_to_date", [text.into()])
}

/// The same as to_date, but null for text that says none.
pub fn try_to_date_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("try_to_date", [text.into(), pattern.into_operand()])
}

/// The same as to_time, but null for text that says none.
pub fn try_to_time(text: impl Into<Column>) -> Column {
    call("try_to_time", [text.into()])
}

/// The same as to_time, but null for text that says none.
pub fn try_to_time_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("try_to_time", [text.into(), pattern.into_operand()])
}

/// The same as to_timestamp, but null for text that says none.
pub fn try_to_timestamp(text: impl Into<Column>) -> Column {
    call("try_to_timestamp", [text.into()])
}

/// The same as to_timestamp, but null for text that says none.
pub fn try_to_timestamp_with(text: impl Into<Column>, pattern: impl Operand) -> Column {
    call("try_to_timestamp", [text.into(), pattern.into_operand()])
}

/// The days since 1970-01-01.
pub fn unix_date(date: impl Into<Column>) -> Column {
    call("unix_date", [date.into()])
}

/// The microseconds since 1970-01-01 00:00:00 UTC.
pub fn unix_micros(timestamp: impl Into<Column>) -> Column {
    call("unix_micros", [timestamp.into()])
}

/// The whole milliseconds since 1970-01-01 00:00:00 UTC.
pub fn unix_millis(timestamp: impl Into<Column>) -> Column {
    call("unix_millis", [timestamp.into()])
}

/// The whole seconds since 1970-01-01 00:00:00 UTC.
pub fn unix_seconds(timestamp: impl Into<Column>) -> Column {
    call("unix_seconds", [timestamp.into()])
}

/// The seconds since 1970-01-01 00:00:00 UTC, of the statement's beginning unless a time is given.
pub fn unix_timestamp() -> Column {
    call("unix_timestamp", [])
}

/// The seconds since 1970-01-01 00:00:00 UTC, of the statement's beginning unless a time is given.
pub fn unix_timestamp_with(time: impl Into<Column>, pattern: impl Operand) -> Column {
    call("unix_timestamp", [time.into(), pattern.into_operand()])
}

/// The day of the week: 0 is Monday, 6 is Sunday.
pub fn weekday(date: impl Into<Column>) -> Column {
    call("weekday", [date.into()])
}

/// The number of the ISO week: weeks begin on Mondays, and the first has at least four days of the year.
pub fn weekofyear(date: impl Into<Column>) -> Column {
    call("weekofyear", [date.into()])
}

/// The last microsecond of a window: its time for the next grouping.
pub fn window_time(window: impl Into<Column>) -> Column {
    call("window_time", [window.into()])
}

/// The year.
pub fn year(date: impl Into<Column>) -> Column {
    call("year", [date.into()])
}
