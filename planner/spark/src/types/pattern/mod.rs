//! Spark's datetime patterns, as in `date_format(t, 'yyyy-MM-dd')`: compiled once, for writing or for reading.

mod compile;
mod format;
mod legacy;
mod names;
mod parse;
mod resolve;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeZone as _};
use chrono_tz::OffsetComponents as _;

pub(crate) use names::{short_day, short_month};
pub(crate) use resolve::Parsed;

use crate::types::TimeZone;
use crate::{Result, Settings};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    items: Vec<compile::Item>,
    /// The text, where what only the formatter of Spark 2 reads is an error of its own.
    legacy: Option<String>,
}

/// What a pattern is for, and of which letters Spark looks whether Spark 2 knew them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Writing timestamps and dates.
    Format,
    /// Reading timestamps and dates.
    Parse,
    /// Reading `timestamp_ntz` and times, of which Spark 2 had none.
    ParseNew,
    /// Writing `timestamp_ntz` and times.
    FormatNew,
}

/// What a pattern writes: parts that a value does not have are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Days since 1970-01-01.
    pub(crate) days: Option<i64>,
    /// Nanoseconds since midnight.
    pub(crate) nanos: Option<i64>,
    /// The zone and its seconds east of UTC at that moment.
    pub(crate) zone: Option<(TimeZone, i32)>,
}

impl Moment {
    /// A moment in microseconds since the epoch, shown in a zone.
    pub(crate) fn of_timestamp(micros: i64, zone: TimeZone) -> Self {
        let offset = zone.offset_at(micros);
        let moment = Self::of_local(micros.saturating_add(i64::from(offset) * 1_000_000));
        Self { zone: Some((zone, offset)), ..moment }
    }

    /// Local time in microseconds.
    pub(crate) fn of_local(micros: i64) -> Self {
        Self { days: Some(micros.div_euclid(DAY)), nanos: Some(micros.rem_euclid(DAY) * 1000), zone: None }
    }

    /// A date without a time.
    #[allow(dead_code, reason = "writers of CSV and JSON use it")]
    pub(crate) fn of_date(days: i32) -> Self {
        Self { days: Some(i64::from(days)), nanos: None, zone: None }
    }

    /// Nanoseconds since midnight without a date.
    #[allow(dead_code, reason = "writers of CSV and JSON use it")]
    pub(crate) fn of_time(nanos: i64) -> Self {
        Self { days: None, nanos: Some(nanos), zone: None }
    }

    fn is_summer_time(&self, offset: i32) -> bool {
        let (Some(days), Some(nanos), Some((TimeZone::Region(zone), _))) = (self.days, self.nanos, self.zone) else { return false };
        let micros = days.saturating_mul(DAY).saturating_add(nanos / 1000).saturating_sub(i64::from(offset) * 1_000_000);
        let Some(moment) = DateTime::from_timestamp_micros(micros) else { return false };
        !zone.offset_from_utc_datetime(&moment.naive_utc()).dst_offset().is_zero()
    }
}

impl Pattern {
    /// Compiles the text of a pattern.
    ///
    /// # Errors
    /// `INVALID_DATETIME_PATTERN` and `INCONSISTENT_BEHAVIOR_CROSS_VERSION`, by what is wrong.
    pub(crate) fn compile(text: &str, purpose: Use) -> Result<Self> {
        let parsing = matches!(purpose, Use::Parse | Use::ParseNew);
        let legacy_checked = matches!(purpose, Use::Parse | Use::Format);
        compile::compile(text, parsing, legacy_checked).map(|items| Self { items, legacy: None })
    }

    /// The same for timestamps and dates under `settings`, which may ask for the formatters of Spark 2.
    ///
    /// # Errors
    /// As [`Pattern::compile`]; `NOT_SUPPORTED_YET` for `spark.sql.legacy.timeParserPolicy = LEGACY` with a pattern that the formatters
    /// of Spark 2 understand in another way.
    pub(crate) fn compile_for(text: &str, purpose: Use, settings: &Settings) -> Result<Self> {
        let policy = |name: &str| settings.get("spark.sql.legacy.timeParserPolicy").is_some_and(|p| p.eq_ignore_ascii_case(name));
        if policy("LEGACY") && matches!(purpose, Use::Format | Use::Parse) && differs_in_legacy(text) {
            return Err(crate::error::error(
                "NOT_SUPPORTED_YET",
                format!(
                    "the pattern `{text}` with `spark.sql.legacy.timeParserPolicy` = LEGACY is not supported: \
                     set it to CORRECTED, and write the pattern with letters of Spark's datetime patterns"
                ),
            ));
        }
        let legacy = (policy("EXCEPTION") && matches!(purpose, Use::Parse | Use::ParseNew)).then(|| text.to_owned());
        Ok(Self { legacy, ..Self::compile(text, purpose)? })
    }

    /// The error for a text that this pattern does not read and the formatter of Spark 2 would have read, under the policy EXCEPTION.
    ///
    /// # Errors
    /// `INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW_PARSER`
    pub(crate) fn refuse_legacy(&self, text: &str) -> Result<()> {
        match &self.legacy {
            Some(pattern) if legacy::reads(pattern, text) => Err(crate::error::error(
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW_PARSER",
                format!(
                    "`{text}` was read by the pattern `{pattern}` in Spark 2 and is not now: \
                     set `spark.sql.legacy.timeParserPolicy` to CORRECTED to treat it as what cannot be read"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Writes a value.
    ///
    /// # Errors
    /// What the value does not have, or why a number does not fit.
    pub(crate) fn format(&self, moment: &Moment) -> std::result::Result<String, String> {
        let mut out = String::new();
        self.format_into(moment, &mut out)?;
        Ok(out)
    }

    /// Writes a value at the end of a text.
    ///
    /// # Errors
    /// As [`Pattern::format`].
    pub(crate) fn format_into(&self, moment: &Moment, out: &mut String) -> std::result::Result<(), String> {
        format::format(&self.items, moment, out)
    }

    /// Reads the whole text.
    ///
    /// # Errors
    /// Why it does not match.
    pub(crate) fn parse(&self, text: &str) -> std::result::Result<Parsed, String> {
        let found = parse::parse(&self.items, text).ok_or_else(|| "it does not match the pattern".to_owned())?;
        resolve::resolve(found)
    }
}

/// Whether Java's `SimpleDateFormat` takes a pattern.
fn simple_date_format_takes(text: &str) -> bool {
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => quoted = !quoted,
            'a'..='z' | 'A'..='Z' if !quoted => {
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if !"GyMdkHmsSEDFwWahKzZYuXL".contains(c) || (c == 'X' && count > 3) {
                    return false;
                }
            }
            _ => {}
        }
    }
    !quoted
}

/// Whether a pattern has parts to which `SimpleDateFormat` gives another meaning than we do.
fn differs_in_legacy(text: &str) -> bool {
    let parts: Vec<&str> = text.split('\'').collect();
    parts.iter().step_by(2).any(|part| part.contains(|c| "uwWYFSEzZGXD[]{}#".contains(c))) || !simple_date_format_takes(text)
}
