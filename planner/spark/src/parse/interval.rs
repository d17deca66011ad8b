//! Intervals: `INTERVAL 1 DAY 2 HOURS`, `INTERVAL '1-2' YEAR TO MONTH`, and intervals as text.

use super::keywords::Keyword;
use super::lexer::TokenKind;
use super::parser::Parser;
use crate::error::error;
use crate::plan::{Expression, ExpressionKind, Literal};
use crate::types::{DayTimeField, SparkType, YearMonthField};
use crate::{Error, Result};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Months, days and microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CalendarInterval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub microseconds: i64,
}

/// `1 year 2 days -3.5 seconds`, with `interval` before it perhaps.
///
/// # Errors
/// `INVALID_INTERVAL_FORMAT.*`
pub fn parse_interval_text(text: &str) -> Result<CalendarInterval> {
    let refuse = |condition: &'static str, what: &str| {
        let message = format!("'{text}' is no interval: {what}; write it as in `1 day 2 hours`");
        error(condition, message).with_parameter("input", text)
    };
    let lower = text.trim().to_lowercase();
    let mut rest = lower.as_str();
    if let Some(after) = rest.strip_prefix("interval") {
        if after.is_empty() {
            return Err(refuse("INVALID_INTERVAL_FORMAT.INPUT_IS_EMPTY", "it is empty"));
        }
        if !after.starts_with(char::is_whitespace) {
            return Err(refuse("INVALID_INTERVAL_FORMAT.INVALID_PREFIX", "there is no blank behind INTERVAL"));
        }
        rest = after.trim_start();
    }
    if rest.is_empty() {
        return Err(refuse("INVALID_INTERVAL_FORMAT.INPUT_IS_EMPTY", "it is empty"));
    }
    let mut sum = Sum::default();
    while !rest.is_empty() {
        let (negative, after) = match rest.as_bytes().first() {
            Some(b'-') => (true, rest.get(1..).unwrap_or("").trim_start()),
            Some(b'+') => (false, rest.get(1..).unwrap_or("").trim_start()),
            Some(b'0'..=b'9' | b'.') => (false, rest),
            _ => return Err(refuse("INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER", "a number is missing")),
        };
        if after.is_empty() {
            return Err(refuse("INVALID_INTERVAL_FORMAT.MISSING_NUMBER", "a number is missing behind its sign"));
        }
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (number, tail) = after.split_at(end);
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let is_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !fraction.is_none_or(is_digits) || (whole.is_empty() && fraction.is_none_or(str::is_empty)) {
            return Err(refuse("INVALID_INTERVAL_FORMAT.INVALID_VALUE", &format!("`{number}` is no number")));
        }
        if fraction.is_some_and(|f| f.len() > 9) {
            return Err(refuse("INVALID_INTERVAL_FORMAT.INVALID_PRECISION", "a fraction has 9 digits at most"));
        }
        let tail = tail.trim_start();
        if tail.is_empty() {
            return Err(refuse("INVALID_INTERVAL_FORMAT.MISSING_UNIT", "a unit is missing"));
        }
        let end = tail.find(char::is_whitespace).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let too_large = || refuse("INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION", "it is too large");
        let magnitude: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
        let value = if negative { -magnitude } else { magnitude };
        let Some(unit_name) = Unit::of(unit) else {
            return Err(refuse("INVALID_INTERVAL_FORMAT.INVALID_UNIT", &format!("`{unit}` is no unit")));
        };
        if fraction.is_some() && unit_name != Unit::Second {
            return Err(refuse("INVALID_INTERVAL_FORMAT.INVALID_FRACTION", &format!("only seconds have a fraction, not `{unit}`")));
        }
        let micros: i64 = fraction.map_or(0, |f| format!("{f:0<9}").parse::<i64>().unwrap_or(0) / 1000);
        sum.add(unit_name, value, if negative { -micros } else { micros }).ok_or_else(too_large)?;
        rest = next.trim_start();
    }
    Ok(sum.0)
}

#[derive(Default)]
struct Sum(CalendarInterval);

impl Sum {
    fn add(&mut self, unit: Unit, value: i64, fraction: i64) -> Option<()> {
        let own = &mut self.0;
        let months = |months: i32, by: i64| months.checked_add(i32::try_from(by).ok()?);
        let micros = |micros: i64, by: i64| micros.checked_add(value.checked_mul(by)?)?.checked_add(fraction);
        match unit {
            Unit::Year => own.months = months(own.months, value.checked_mul(12)?)?,
            Unit::Month => own.months = months(own.months, value)?,
            Unit::Week => own.days = months(own.days, value.checked_mul(7)?)?,
            Unit::Day => own.days = months(own.days, value)?,
            Unit::Hour => own.microseconds = micros(own.microseconds, HOUR)?,
            Unit::Minute => own.microseconds = micros(own.microseconds, MINUTE)?,
            Unit::Second => own.microseconds = micros(own.microseconds, SECOND)?,
            Unit::Millisecond => own.microseconds = micros(own.microseconds, 1000)?,
            Unit::Microsecond => own.microseconds = micros(own.microseconds, 1)?,
        }
        Some(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
}

impl Unit {
    /// A unit by its lower-case name, in the singular or the plural.
    fn of(name: &str) -> Option<Self> {
        Some(match name.strip_suffix('s').unwrap_or(name) {
            "year" => Self::Year,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "millisecond" => Self::Millisecond,
            "microsecond" => Self::Microsecond,
            _ => return None,
        })
    }
}

/// The microseconds of an interval without months.
fn micros_of(interval: CalendarInterval) -> Option<i64> {
    i64::from(interval.days).checked_mul(DAY)?.checked_add(interval.microseconds)
}

impl Parser<'_> {
    /// Whether `INTERVAL` begins an interval here: a number or a string, and a unit behind it.
    pub(super) fn at_interval(&self) -> bool {
        self.at(Keyword::INTERVAL) && self.interval_item(1).is_some()
    }

    /// How many tokens a value and its unit take `ahead` of here, if they stand there.
    fn interval_item(&self, ahead: usize) -> Option<usize> {
        let mut at = ahead;
        if self.peek_at(at).is("+") || self.peek_at(at).is("-") {
            at += 1;
        }
        if self.is_string(self.peek_at(at)) {
            while self.is_string(self.peek_at(at)) {
                at += 1;
            }
        } else if matches!(self.peek_at(at).kind, TokenKind::Integer | TokenKind::Decimal) {
            at += 1;
        } else {
            return None;
        }
        let unit = self.peek_at(at).keyword()?;
        is_unit(unit).then_some(at + 1)
    }

    /// `INTERVAL 1 DAY 2 HOURS`, `INTERVAL '1-2' YEAR TO MONTH`
    pub(super) fn interval(&mut self) -> Result<Expression> {
        let start = self.index();
        self.expect(Keyword::INTERVAL)?;
        let Some(length) = self.interval_item(0) else {
            return Err(self.unexpected("a value and a unit are missing"));
        };
        if self.peek_at(length).keyword() == Some(Keyword::TO) {
            return self.unit_to_unit(start);
        }
        let mut text = String::new();
        let mut units = Vec::new();
        while let Some(length) = self.interval_item(0) {
            if self.peek_at(length).keyword() == Some(Keyword::TO) {
                self.unit_to_unit(start)?;
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0024", "an interval has one `unit TO unit` or several units, not both");
                continue;
            }
            let negative = self.at_symbol("-");
            if self.at_symbol("-") || self.at_symbol("+") {
                self.advance();
            }
            let value = if self.at_string() {
                let at = self.index();
                let value = self.string()?;
                if value.chars().any(char::is_alphabetic) {
                    let message = format!("'{value}' holds letters: a value before a unit is a number");
                    self.complain_from(at, "_LEGACY_ERROR_TEMP_0026", message);
                }
                value
            } else {
                let token = self.advance();
                self.text_of(token).to_owned()
            };
            let unit = self.advance();
            let unit = self.text_of(unit).to_lowercase();
            let signed = match value.strip_prefix('-') {
                Some(positive) if negative => positive.to_owned(),
                _ if negative => format!("-{value}"),
                _ => value,
            };
            text.push_str(&format!(" {signed} {unit}"));
            units.push(unit.trim_end_matches('s').to_owned());
        }
        let value = parse_interval_text(&text).unwrap_or_else(|e| {
            let span = self.span_from(start);
            self.complain(crate::error::at(e, Some(span)));
            CalendarInterval::default()
        });
        Ok(self.interval_of_units(value, &units, start))
    }

    /// A literal whose type says the units that were named.
    pub(super) fn interval_of_units(&mut self, value: CalendarInterval, units: &[String], start: usize) -> Expression {
        let span = self.span_from(start);
        let literal = |literal| Expression { kind: ExpressionKind::Literal(literal), span: Some(span) };
        if self.options.legacy_interval {
            return literal(value.literal());
        }
        let mut year_month = Vec::new();
        let mut day_time = Vec::new();
        for unit in units {
            match unit.as_str() {
                "year" => year_month.push(YearMonthField::Year),
                "month" => year_month.push(YearMonthField::Month),
                "day" | "week" => day_time.push(DayTimeField::Day),
                "hour" => day_time.push(DayTimeField::Hour),
                "minute" => day_time.push(DayTimeField::Minute),
                _ => day_time.push(DayTimeField::Second),
            }
        }
        if !year_month.is_empty() && !day_time.is_empty() {
            let message = "an interval literal has years and months, or days and times, not both: add two of them with make_interval";
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0029", message);
        }
        if let (Some(first), Some(last)) = (year_month.iter().min(), year_month.iter().max()) {
            return literal(Literal::YearMonthInterval { value: value.months, start: *first, end: *last });
        }
        let micros = micros_of(value).unwrap_or_else(|| {
            self.complain_from(
                start,
                "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION",
                "the interval is too long: it holds 64 bits of microseconds",
            );
            0
        });
        let first = day_time.iter().min().copied().unwrap_or(DayTimeField::Day);
        let last = day_time.iter().max().copied().unwrap_or(DayTimeField::Second);
        literal(Literal::DayTimeInterval { value: micros, start: first, end: last })
    }

    fn unit_to_unit(&mut self, start: usize) -> Result<Expression> {
        let negative = self.at_symbol("-");
        if self.at_symbol("-") || self.at_symbol("+") {
            self.advance();
        }
        let at = self.index();
        let value = if self.at_string() {
            self.string()?
        } else {
            self.advance();
            self.complain_from(at, "_LEGACY_ERROR_TEMP_0027", "the value before `unit TO unit` is a string");
            "0".to_owned()
        };
        let value = match value.strip_prefix('-') {
            Some(positive) if negative => positive.to_owned(),
            _ if negative => format!("-{value}"),
            _ => value,
        };
        let from = self.advance().keyword();
        self.expect(Keyword::TO)?;
        let to = self.advance().keyword();
        if self.interval_item(0).is_some() {
            while let Some(length) = self.interval_item(0) {
                self.go_to(self.index() + length);
                if self.take(Keyword::TO) {
                    self.advance();
                }
            }
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0024", "an interval has one `unit TO unit` or several units, not both");
        }
        let span = self.span_from(start);
        let legacy = self.options.legacy_interval;
        let literal = match (from, to) {
            (Some(Keyword::YEAR), Some(Keyword::MONTH)) => {
                year_month_of_text(&value, YearMonthField::Year, YearMonthField::Month).map(|months| {
                    if legacy {
                        CalendarInterval { months, ..CalendarInterval::default() }.literal()
                    } else {
                        Literal::YearMonthInterval { value: months, start: YearMonthField::Year, end: YearMonthField::Month }
                    }
                })
            }
            (from, to) => match (from.and_then(day_time_field), to.and_then(day_time_field)) {
                (Some(start), Some(end)) if start < end => match day_time_of_text(&value, start, end) {
                    Ok(micros) if legacy => {
                        let days = i32::try_from(micros / DAY).unwrap_or(i32::MAX);
                        Ok(CalendarInterval { months: 0, days, microseconds: micros % DAY }.literal())
                    }
                    Ok(micros) => Ok(Literal::DayTimeInterval { value: micros, start, end }),
                    // Spark tells this of a literal otherwise than of a cast.
                    Err(e) if e.condition().is_some_and(|c| c.name == "INVALID_INTERVAL_FORMAT.INTERVAL_PARSING") => {
                        Err(error("_LEGACY_ERROR_TEMP_0063", e.message()))
                    }
                    Err(e) => Err(e),
                },
                _ => Err(from_to_error(from, to)),
            },
        };
        let literal = literal.unwrap_or_else(|e| {
            self.complain(crate::error::at(e, Some(span)));
            Literal::Null(SparkType::Null)
        });
        Ok(Expression { kind: ExpressionKind::Literal(literal), span: Some(span) })
    }
}

impl CalendarInterval {
    fn literal(self) -> Literal {
        Literal::CalendarInterval { months: self.months, days: self.days, microseconds: self.microseconds }
    }
}

/// That an interval does not go from one unit to the other.
pub(super) fn from_to_error(from: Option<Keyword>, to: Option<Keyword>) -> Error {
    let word = |k: Option<Keyword>| k.map_or_else(String::new, |k| k.word().to_lowercase());
    let message = format!(
        "no interval goes from {} to {}: name the larger unit first, both of days and times or of years and months",
        word(from),
        word(to)
    );
    error("INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION", message)
        .with_parameter("from", word(from))
        .with_parameter("to", word(to))
}

fn is_unit(keyword: Keyword) -> bool {
    use Keyword as K;
    matches!(
        keyword,
        K::NANOSECOND
            | K::NANOSECONDS
            | K::MICROSECOND
            | K::MICROSECONDS
            | K::MILLISECOND
            | K::MILLISECONDS
            | K::SECOND
            | K::SECONDS
            | K::MINUTE
            | K::MINUTES
            | K::HOUR
            | K::HOURS
            | K::DAY
            | K::DAYS
            | K::WEEK
            | K::WEEKS
            | K::MONTH
            | K::MONTHS
            | K::YEAR
            | K::YEARS
    )
}

/// The field of a day-time interval that a word names.
pub(super) fn day_time_field(keyword: Keyword) -> Option<DayTimeField> {
    Some(match keyword {
        Keyword::DAY => DayTimeField::Day,
        Keyword::HOUR => DayTimeField::Hour,
        Keyword::MINUTE => DayTimeField::Minute,
        Keyword::SECOND => DayTimeField::Second,
        _ => return None,
    })
}

/// A sign, and what follows it.
fn sign_of(text: &str) -> (i64, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (-1, text.get(1..).unwrap_or("")),
        Some(b'+') => (1, text.get(1..).unwrap_or("")),
        _ => (1, text),
    }
}

fn unmatched(text: &str, kind: &str, form: &str, notice: bool) -> Error {
    let condition = if notice {
        "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE"
    } else {
        "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING"
    };
    error(condition, format!("'{text}' is no {kind} interval: write it as `{form}`")).with_parameter("input", text)
}

fn out_of_range(text: &str, kind: &str) -> Error {
    let message = format!("'{text}' is no {kind} interval: a part of it is out of range");
    error("INVALID_INTERVAL_FORMAT.INTERVAL_PARSING", message).with_parameter("input", text).with_parameter("interval", kind)
}

/// `±y-m`, `±y` or `±m` for the fields from `start` to `end`: months.
///
/// # Errors
/// `INVALID_INTERVAL_FORMAT.*`
pub fn year_month_of_text(text: &str, start: YearMonthField, end: YearMonthField) -> Result<i32> {
    use YearMonthField::{Month, Year};
    let trimmed = text.trim();
    let (sign, rest) = sign_of(trimmed);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let number = |s: &str| s.parse::<i64>().map_err(|_| out_of_range(trimmed, "year-month"));
    let months = match rest.split_once('-') {
        Some((years, months)) if (start, end) == (Year, Month) && digits(years) && digits(months) => {
            let (years, months) = (number(years)?, number(months)?);
            if months > 11 || years > i64::from(i32::MAX / 12) {
                return Err(out_of_range(trimmed, "year-month"));
            }
            years * 12 + months
        }
        None if digits(rest) && end == Year => number(rest)?.checked_mul(12).ok_or_else(|| out_of_range(trimmed, "year-month"))?,
        None if digits(rest) && start == Month => number(rest)?,
        _ => {
            let form = match (start, end) {
                (Year, Month) => "y-m",
                (Year, Year) => "y",
                _ => "m",
            };
            return Err(unmatched(text, "year-month", form, false));
        }
    };
    i32::try_from(sign * months).map_err(|_| out_of_range(trimmed, "year-month"))
}

/// `±d h:m:s.n` and its parts for the fields from `start` to `end`: microseconds.
///
/// # Errors
/// `INVALID_INTERVAL_FORMAT.*`
pub fn day_time_of_text(text: &str, start: DayTimeField, end: DayTimeField) -> Result<i64> {
    use DayTimeField::{Day, Hour, Minute, Second};
    let trimmed = text.trim();
    let (sign, rest) = sign_of(trimmed);
    let form = match (start, end) {
        (Day, Day) => "d",
        (Day, Hour) => "d h",
        (Day, Minute) => "d h:m",
        (Day, Second) => "d h:m:s.n",
        (Hour, Minute) => "h:m",
        (Hour, Second) => "h:m:s.n",
        (Minute, Second) => "m:s.n",
        (Hour, _) => "h",
        (Minute, _) => "m",
        _ => "s.n",
    };
    let unmatched = || unmatched(text, "day-time", form, true);
    let fields = [
        (Day, DAY, i64::MAX / DAY, 9),
        (Hour, HOUR, i64::MAX / HOUR, 10),
        (Minute, MINUTE, i64::MAX / MINUTE, 12),
        (Second, SECOND, i64::MAX / SECOND, 13),
    ];
    let mut rest = rest;
    let mut micros = 0_i64;
    for (field, unit, most, longest) in fields.into_iter().filter(|(field, ..)| *field >= start && *field <= end) {
        let first = field == start;
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(length);
        if digits.is_empty() || digits.len() > if first { longest } else { 2 } {
            return Err(unmatched());
        }
        let value: i64 = digits.parse().map_err(|_| unmatched())?;
        let most = match field {
            _ if first => most,
            Hour => 23,
            _ => 59,
        };
        if value > most {
            return Err(out_of_range(trimmed, "day-time"));
        }
        let add = |micros: i64, by: i64| micros.checked_add(by).ok_or_else(|| out_of_range(trimmed, "day-time"));
        micros = add(micros, value.checked_mul(unit).ok_or_else(|| out_of_range(trimmed, "day-time"))?)?;
        rest = after;
        if field == Second
            && let Some(fraction) = rest.strip_prefix('.')
        {
            if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return Err(unmatched());
            }
            micros = add(micros, format!("{fraction:0<9}").parse::<i64>().map_err(|_| unmatched())? / 1000)?;
            rest = "";
        }
        if field != end {
            let separator = if field == Day { ' ' } else { ':' };
            rest = rest.strip_prefix(separator).ok_or_else(unmatched)?;
        }
    }
    if rest.is_empty() { Ok(sign * micros) } else { Err(unmatched()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(e: &Error) -> String {
        e.condition().map_or_else(|| e.message().to_owned(), |c| c.name.clone())
    }

    #[test]
    fn texts() {
        let cases = [
            ("1 day", Ok((0, 1, 0))),
            ("interval 1 year 2 months -3 days", Ok((14, -3, 0))),
            ("  1.5 seconds 2 milliseconds 3 microseconds", Ok((0, 0, 1_502_003))),
            ("- 1.25 second", Ok((0, 0, -1_250_000))),
            (".5 second", Ok((0, 0, 500_000))),
            ("2 weeks +1 HOUR", Ok((0, 14, 3_600_000_000))),
            ("", Err("INPUT_IS_EMPTY")),
            ("interval", Err("INPUT_IS_EMPTY")),
            ("interval1 day", Err("INVALID_PREFIX")),
            ("1.5 days", Err("INVALID_FRACTION")),
            ("1", Err("MISSING_UNIT")),
            ("-", Err("MISSING_NUMBER")),
            ("x day", Err("UNRECOGNIZED_NUMBER")),
            ("1x day", Err("INVALID_VALUE")),
            ("1 dayz", Err("INVALID_UNIT")),
            ("1.1234567890 second", Err("INVALID_PRECISION")),
            ("99999999999999999999 day", Err("ARITHMETIC_EXCEPTION")),
        ];
        for (text, expected) in cases {
            let found = parse_interval_text(text).map(|i| (i.months, i.days, i.microseconds)).map_err(|e| condition(&e));
            assert_eq!(found, expected.map_err(|e: &str| format!("INVALID_INTERVAL_FORMAT.{e}")), "{text}");
        }
    }

    #[test]
    fn fields() {
        use DayTimeField as D;
        use YearMonthField as Y;
        assert_eq!(year_month_of_text("-1-2", Y::Year, Y::Month).ok(), Some(-14));
        assert_eq!(year_month_of_text("3", Y::Year, Y::Year).ok(), Some(36));
        assert_eq!(year_month_of_text("3", Y::Month, Y::Month).ok(), Some(3));
        assert!(year_month_of_text("1-12", Y::Year, Y::Month).is_err());
        assert_eq!(day_time_of_text("1 02:03:04.5", D::Day, D::Second).ok(), Some(DAY + 2 * HOUR + 3 * MINUTE + 4_500_000));
        assert_eq!(day_time_of_text("-100:30", D::Hour, D::Minute).ok(), Some(-(100 * HOUR + 30 * MINUTE)));
        assert_eq!(day_time_of_text("61", D::Second, D::Second).ok(), Some(61 * SECOND));
        for (text, start, end) in
            [("1 24:00:00", D::Day, D::Second), ("1", D::Day, D::Hour), ("x", D::Day, D::Day), ("1:2:3", D::Hour, D::Minute)]
        {
            assert!(day_time_of_text(text, start, end).is_err(), "{text}");
        }
    }
}
