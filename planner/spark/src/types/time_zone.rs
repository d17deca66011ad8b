//! Time zones: a region of the IANA database, or a fixed offset from UTC.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone as _};

use crate::Result;
use crate::error::error;

/// A zone in which moments are shown as local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeZone {
    /// `Europe/Berlin`
    Region(chrono_tz::Tz),
    /// Seconds east of UTC.
    Offset(i32),
}

impl TimeZone {
    /// UTC.
    pub fn utc() -> Self {
        Self::Region(chrono_tz::UTC)
    }

    /// A zone by name or offset: `Europe/Berlin`, `UTC`, `Z`, `+01:00`, `GMT-8`, `UTC+1:30`.
    ///
    /// # Errors
    /// `INVALID_TIMEZONE` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let unknown = || {
            error(
                "INVALID_TIMEZONE",
                format!("`{text}` is no time zone: give a region such as `Europe/Berlin`, or an offset such as `+01:00`"),
            )
        };
        if let Ok(region) = chrono_tz::Tz::from_str(text) {
            return Ok(Self::Region(region));
        }
        if text.eq_ignore_ascii_case("z") {
            return Ok(Self::utc());
        }
        let upper = text.to_ascii_uppercase();
        let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| upper.strip_prefix(prefix)).unwrap_or(&upper);
        if offset.is_empty() {
            return Ok(Self::utc());
        }
        if let Some(seconds) = parse_offset(offset) {
            return Ok(Self::Offset(seconds));
        }
        // Names are found without regard to case where that is unambiguous.
        chrono_tz::TZ_VARIANTS
            .iter()
            .find(|zone| zone.name().eq_ignore_ascii_case(text))
            .map(|zone| Self::Region(*zone))
            .ok_or_else(unknown)
    }

    /// The local time of a moment given in microseconds since the epoch, in microseconds; `None` beyond chrono's range.
    pub fn to_local(&self, micros: i64) -> Option<i64> {
        micros.checked_add(i64::from(self.offset_at(micros)) * 1_000_000)
    }

    /// Seconds east of UTC at a moment given in microseconds since the epoch.
    pub fn offset_at(&self, micros: i64) -> i32 {
        match self {
            Self::Offset(seconds) => *seconds,
            Self::Region(chrono_tz::Tz::UTC) => 0,
            Self::Region(zone) => match DateTime::from_timestamp_micros(micros) {
                Some(moment) => zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc(),
                None => 0,
            },
        }
    }

    /// The moment of a local time, both in microseconds. A time that comes twice is the earlier moment, one that is skipped is moved on
    /// by the length of the gap, as `java.time.ZonedDateTime.ofLocal` does.
    pub fn to_utc(&self, local_micros: i64) -> Option<i64> {
        match self {
            Self::Offset(seconds) => local_micros.checked_sub(i64::from(*seconds) * 1_000_000),
            Self::Region(chrono_tz::Tz::UTC) => Some(local_micros),
            Self::Region(zone) => {
                let local = DateTime::from_timestamp_micros(local_micros)?.naive_utc();
                let offset = match zone.offset_from_local_datetime(&local) {
                    LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset.fix(),
                    LocalResult::None => offset_before_gap(*zone, local),
                };
                local_micros.checked_sub(i64::from(offset.local_minus_utc()) * 1_000_000)
            }
        }
    }

    /// The zone's name, as Spark shows it.
    pub fn name(&self) -> String {
        match self {
            Self::Region(zone) => zone.name().to_owned(),
            Self::Offset(0) => "Z".to_owned(),
            Self::Offset(seconds) => offset_text(*seconds),
        }
    }
}

/// `+01:00`, `-08:30:15`
pub fn offset_text(seconds: i32) -> String {
    let (sign, s) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if s == 0 { format!("{sign}{h:02}:{m:02}") } else { format!("{sign}{h:02}:{m:02}:{s:02}") }
}

fn offset_before_gap(zone: chrono_tz::Tz, local: NaiveDateTime) -> FixedOffset {
    let earlier = local.checked_sub_signed(TimeDelta::days(1)).unwrap_or(local);
    match zone.offset_from_local_datetime(&earlier) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => offset.fix(),
        LocalResult::None => zone.offset_from_utc_datetime(&earlier).fix(),
    }
}

/// Seconds of `+1`, `-08`, `+01:30`, `+1:30:15`; 18 hours at most.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let number = |text: &str| (1..=2).contains(&text.len()).then(|| text.parse::<i32>().ok()).flatten().filter(|n| *n >= 0);
    let seconds = match parts.as_slice() {
        [hours] if hours.len() == 4 => number(&hours[..2])? * 3600 + number(&hours[2..])? * 60,
        [hours] => number(hours)? * 3600,
        [hours, minutes] => number(hours)? * 3600 + number(minutes).filter(|m| *m < 60)? * 60,
        [hours, minutes, seconds] => {
            number(hours)? * 3600 + number(minutes).filter(|m| *m < 60)? * 60 + number(seconds).filter(|s| *s < 60)?
        }
        _ => return None,
    };
    (seconds <= 18 * 3600).then_some(sign * seconds)
}
