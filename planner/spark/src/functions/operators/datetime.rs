//! `+ - * /` with days, moments, times of day and intervals: which kernel a pair of types means, as Spark's
//! `BinaryArithmeticWithDatetimeResolver` decides.

use datafusion::common::ScalarValue;

use super::datetime_kernels as kernels;
use super::op::Op;
use super::sign::negated;
// For functions of dates.
#[allow(unused_imports)]
use super::{Mode, bare_infix, coerce, intervals, kernel};
use crate::functions::{Call, ScalarKernel};
use crate::types::{DayTimeField as D, SparkType as T};
use crate::{Result, Sql, Typed};

/// What `left op right` means where a day, a moment, a time or an interval takes part; `None` where it is arithmetic on two operands
/// of one type.
pub(super) fn resolve(call: &Call<'_>, op: Op, left: &Typed, right: &Typed, mode: Mode) -> Result<Option<Typed>> {
    let temporal = |t: &T| t.is_datetime() || t.is_ansi_interval() || matches!(t, T::CalendarInterval | T::Time(_));
    if !temporal(&left.data_type) && !temporal(&right.data_type) {
        return Ok(None);
    }
    match op {
        Op::Add => add(call, left, right, mode),
        Op::Subtract => subtract(call, left, right, mode),
        Op::Multiply => scaled(call, Op::Multiply, left, right, mode),
        Op::Divide => scaled(call, Op::Divide, left, right, mode),
        _ => Ok(None),
    }
}

const DAYS: T = T::DayTimeInterval(D::Day, D::Day);

fn moment(t: &T) -> bool {
    matches!(t, T::Timestamp | T::TimestampNtz)
}

fn add(call: &Call<'_>, left: &Typed, right: &Typed, mode: Mode) -> Result<Option<Typed>> {
    let (l, r) = (&left.data_type, &right.data_type);
    let shown = |a: &Typed, b: &Typed| bare_infix(&a.sql, "+", &b.sql);
    let made = match (l, r) {
        (T::Date, t) if *t == DAYS => date_plus_days(call, left, right, mode)?,
        (t, T::Date) if *t == DAYS => date_plus_days(call, right, left, mode)?,
        (T::Date, T::DayTimeInterval(..)) => moment_plus(call, left, right, mode)?.shown(shown(left, right)),
        (T::DayTimeInterval(..), T::Date) => moment_plus(call, right, left, mode)?.shown(shown(right, left)),
        (t, T::YearMonthInterval(..)) if t.is_datetime() => plus_months(call, left, right, mode).shown(shown(left, right)),
        (T::YearMonthInterval(..), t) if t.is_datetime() => plus_months(call, right, left, mode).shown(shown(right, left)),
        (T::CalendarInterval, T::CalendarInterval) | (T::DayTimeInterval(..), T::DayTimeInterval(..)) => return Ok(None),
        (T::Null, t) if t.is_ansi_interval() => return Ok(None),
        (t, T::Null) if t.is_ansi_interval() => return Ok(None),
        (T::Date, T::CalendarInterval) => date_plus_calendar(call, left, right, mode).shown(shown(left, right)),
        (T::Time(_), T::DayTimeInterval(..)) => time_plus(call, left, right, mode).shown(shown(left, right)),
        (T::DayTimeInterval(..), T::Time(_)) => time_plus(call, right, left, mode).shown(shown(right, left)),
        (t, T::Null) if t.is_datetime() || matches!(t, T::Time(_)) => {
            let right = coerce::cast(call, right.clone(), &T::DAY_TIME)?;
            return add(call, left, &right, mode);
        }
        (T::Null, t) if t.is_datetime() || matches!(t, T::Time(_)) => {
            let left = coerce::cast(call, left.clone(), &T::DAY_TIME)?;
            return add(call, &left, right, mode);
        }
        (T::CalendarInterval, T::Date) => date_plus_calendar(call, right, left, mode).shown(shown(right, left)),
        (_, T::CalendarInterval | T::DayTimeInterval(..)) => {
            coerce::cast(call, moment_plus(call, left, right, mode)?.shown(shown(left, right)), &kept(l))?
        }
        (T::CalendarInterval | T::DayTimeInterval(..), _) => {
            coerce::cast(call, moment_plus(call, right, left, mode)?.shown(shown(right, left)), &kept(r))?
        }
        (T::Date, t) if !t.is_string() => days_moved(call, "date_add", left, right, 1, mode)?,
        (t, T::Date) if !t.is_string() => days_moved(call, "date_add", right, left, 1, mode)?,
        _ => return Ok(None),
    };
    Ok(Some(made))
}

/// The type that a moment plus an interval is given back as.
fn kept(t: &T) -> T {
    match t {
        T::Null => T::Timestamp,
        t if t.is_string() => T::String,
        t => t.clone(),
    }
}

fn subtract(call: &Call<'_>, left: &Typed, right: &Typed, mode: Mode) -> Result<Option<Typed>> {
    let (l, r) = (&left.data_type, &right.data_type);
    let shown = bare_infix(&left.sql, "-", &right.sql);
    let infix = Sql::infix(&left.sql, "-", &right.sql);
    let minus = |value: &Typed| negated(call, value.clone(), mode != Mode::Legacy);
    let made = match (l, r) {
        (T::Date, t) if *t == DAYS => {
            let days = Sql::call("extractansiintervaldays", [&right.sql]);
            let days = Sql::concat(vec![Sql::from("(- "), days, Sql::from(")")]);
            date_plus_days(call, left, &minus(right)?, mode)?.shown(Sql::call("date_add", [&left.sql, &days]))
        }
        (T::Date, T::DayTimeInterval(..)) => moment_plus(call, left, &minus(right)?, mode)?.shown(shown),
        (t, T::YearMonthInterval(..)) if t.is_datetime() => plus_months(call, left, &minus(right)?, mode).shown(shown),
        (T::CalendarInterval, T::CalendarInterval) | (T::DayTimeInterval(..), T::DayTimeInterval(..)) => return Ok(None),
        (T::Null, t) if t.is_datetime() || matches!(t, T::Time(_)) => {
            let left = coerce::cast(call, left.clone(), r)?;
            return subtract(call, &left, right, mode);
        }
        (t, T::Null) if t.is_datetime() || matches!(t, T::Time(_)) => {
            let right = coerce::cast(call, right.clone(), l)?;
            return subtract(call, left, &right, mode);
        }
        (T::Null, t) | (t, T::Null) if t.is_ansi_interval() => return Ok(None),
        (T::Date, T::CalendarInterval) => date_plus_calendar(call, left, &minus(right)?, mode).shown(shown),
        (T::Time(_), T::DayTimeInterval(..)) => time_plus(call, left, &minus(right)?, mode).shown(shown),
        (_, T::CalendarInterval | T::DayTimeInterval(..)) => {
            coerce::cast(call, moment_plus(call, left, &minus(right)?, mode)?.shown(shown), &kept(l))?
        }
        _ if moment(l) || moment(r) => moments_apart(call, left, right, mode)?.shown(infix),
        (_, T::Date) => days_apart(call, left, right, mode)?.shown(infix),
        (T::Date, t) if !t.is_string() => days_moved(call, "date_sub", left, right, -1, mode)?,
        (T::Time(_), T::Time(_)) => {
            let out = T::DayTimeInterval(D::Hour, D::Second);
            over(call, "-", kernels::times_apart, left, right, out, mode).shown(shown)
        }
        _ => return Ok(None),
    };
    Ok(Some(made))
}

/// A kernel over both, null where one is.
fn over(call: &Call<'_>, name: &str, run: ScalarKernel, left: &Typed, right: &Typed, out: T, mode: Mode) -> Typed {
    let nullable = left.nullable || right.nullable || mode == Mode::Try;
    kernel(call, name, run, vec![left.clone(), right.clone()], vec![mode.constant()], out, nullable)
}

/// Days of a day-time interval of whole days.
fn date_plus_days(call: &Call<'_>, date: &Typed, interval: &Typed, mode: Mode) -> Result<Typed> {
    let shown = Sql::call("date_add", [&date.sql, &Sql::call("extractansiintervaldays", [&interval.sql])]);
    Ok(over(call, "+", kernels::date_plus_interval_days, date, interval, T::Date, mode).shown(shown))
}

fn date_plus_calendar(call: &Call<'_>, date: &Typed, interval: &Typed, mode: Mode) -> Typed {
    over(call, "+", kernels::date_plus_calendar, date, interval, T::Date, mode)
}

fn plus_months(call: &Call<'_>, start: &Typed, interval: &Typed, mode: Mode) -> Typed {
    over(call, "+", kernels::plus_months, start, interval, start.data_type.clone(), mode)
}

fn time_plus(call: &Call<'_>, time: &Typed, interval: &Typed, mode: Mode) -> Typed {
    let digits = match (&time.data_type, &interval.data_type) {
        (T::Time(digits), T::DayTimeInterval(_, end)) => (*digits).max(if *end < D::Second { 0 } else { 6 }),
        _ => 6,
    };
    over(call, "+", kernels::time_plus, time, interval, T::Time(digits), mode)
}

/// A moment, a day, or text as a moment, plus days and microseconds.
fn moment_plus(call: &Call<'_>, start: &Typed, interval: &Typed, mode: Mode) -> Result<Typed> {
    let start = match &start.data_type {
        t if moment(t) => start.clone(),
        t if t.is_string() || matches!(t, T::Date | T::Null) => coerce::cast(call, start.clone(), &T::Timestamp)?,
        _ => return Err(call.unexpected_type(0, start, "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\")")),
    };
    let out = start.data_type.clone();
    Ok(over(call, "+", kernels::moment_plus, &start, interval, out, mode))
}

/// A day and a number of days.
pub(super) fn days_moved(call: &Call<'_>, name: &str, date: &Typed, days: &Typed, sign: i8, mode: Mode) -> Result<Typed> {
    let shown = Sql::call(name, [&date.sql, &days.sql]);
    let days = match &days.data_type {
        T::Integer => days.clone(),
        T::Short | T::Byte | T::Null => coerce::cast(call, days.clone(), &T::Integer)?,
        _ => return Err(call.unexpected_type(1, days, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")")),
    };
    let nullable = date.nullable || days.nullable;
    let constants = vec![mode.constant(), ScalarValue::Int8(Some(sign))];
    Ok(kernel(call, name, kernels::date_plus_days, vec![date.clone(), days], constants, T::Date, nullable).shown(shown))
}

/// `moment - moment`: an interval, by the clock of the session's zone.
fn moments_apart(call: &Call<'_>, left: &Typed, right: &Typed, mode: Mode) -> Result<Typed> {
    let (l, r) = (&left.data_type, &right.data_type);
    let common = match (moment(l), moment(r)) {
        (true, true) if l == r => l.clone(),
        (true, true) => T::TimestampNtz,
        (true, false) => l.clone(),
        _ => r.clone(),
    };
    for (at, side) in [left, right].into_iter().enumerate() {
        if !side.data_type.is_datetime() && !side.data_type.is_string() {
            return Err(call.unexpected_type(at, side, "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\")"));
        }
    }
    let (left, right) = (coerce::cast(call, left.clone(), &common)?, coerce::cast(call, right.clone(), &common)?);
    let out = if legacy_interval(call)? { T::CalendarInterval } else { T::DAY_TIME };
    Ok(over(call, "-", kernels::moments_apart, &left, &right, out, mode))
}

/// `day - day`: an interval of whole days.
fn days_apart(call: &Call<'_>, left: &Typed, right: &Typed, mode: Mode) -> Result<Typed> {
    if !matches!(left.data_type, T::Date) && !left.data_type.is_string() {
        return Err(call.unexpected_type(0, left, "\"DATE\""));
    }
    let left = coerce::cast(call, left.clone(), &T::Date)?;
    let out = if legacy_interval(call)? { T::CalendarInterval } else { DAYS };
    Ok(over(call, "-", kernels::days_apart, &left, right, out, mode))
}

fn legacy_interval(call: &Call<'_>) -> Result<bool> {
    call.settings.flag("spark.sql.legacy.interval.enabled", false)
}

/// An interval times or by a number.
fn scaled(call: &Call<'_>, op: Op, left: &Typed, right: &Typed, mode: Mode) -> Result<Option<Typed>> {
    let interval = |t: &T| t.is_ansi_interval() || *t == T::CalendarInterval;
    let calendar = |t: &T| *t == T::CalendarInterval;
    let swapped = op == Op::Multiply && !calendar(&left.data_type) && (calendar(&right.data_type) || !interval(&left.data_type));
    let (span, number, at) = if swapped { (right, left, 0) } else { (left, right, 1) };
    if !interval(&span.data_type) {
        return Ok(None);
    }
    let number = match &number.data_type {
        t if t.is_string() || *t == T::Null => coerce::cast(call, number.clone(), &T::Double)?,
        t if t.is_numeric() => number.clone(),
        _ => return Err(call.unexpected_type(at, number, "\"NUMERIC\"")),
    };
    let constants = vec![op.constant(), mode.constant()];
    let nullable = span.nullable || number.nullable || mode == Mode::Try;
    if calendar(&span.data_type) {
        let name = if op == Op::Divide { "divide_interval" } else { "multiply_interval" };
        let number = coerce::cast(call, number, &T::Double)?;
        let shown = Sql::call(name, [&span.sql, &number.sql]);
        let args = vec![span.clone(), number];
        return Ok(Some(kernel(call, name, intervals::calendar_scaled, args, constants, T::CalendarInterval, true).shown(shown)));
    }
    let out = if matches!(span.data_type, T::YearMonthInterval(..)) { T::YEAR_MONTH } else { T::DAY_TIME };
    let shown = Sql::infix(&span.sql, op.symbol(), &number.sql);
    Ok(Some(kernel(call, op.symbol(), intervals::scaled, vec![span.clone(), number], constants, out, nullable).shown(shown)))
}
