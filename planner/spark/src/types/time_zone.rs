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
        // Java's short names, of which some mean another zone than the region of that name.
        if let Some((_, long)) = SHORT_NAMES.iter().find(|(short, _)| *short == text) {
            return Self::parse(long);
        }
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
            Self::Region(zone) => {
                let known = micros.saturating_sub(beyond_rules(micros));
                match DateTime::from_timestamp_micros(known) {
                    Some(moment) => zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc(),
                    None => 0,
                }
            }
        }
    }

    /// The moment of a local time, both in microseconds. A time that comes twice is the earlier moment, one that is skipped is moved on
    /// by the length of the gap, as `java.time.ZonedDateTime.ofLocal` does.
    pub fn to_utc(&self, local_micros: i64) -> Option<i64> {
        match self {
            Self::Offset(seconds) => local_micros.checked_sub(i64::from(*seconds) * 1_000_000),
            Self::Region(chrono_tz::Tz::UTC) => Some(local_micros),
            Self::Region(zone) => {
                let known = local_micros.saturating_sub(beyond_rules(local_micros));
                let local = DateTime::from_timestamp_micros(known)?.naive_utc();
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

/// The short names that `java.time.ZoneId` knows.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// How far a moment is to be moved back so that the zones' tables know it. They end before 2100, and what they say last goes on as a
/// rule by month and weekday: so any year after 2090 is as the one of 2060 to 2087 with the same first weekday and as many days. Moments
/// before the years that chrono counts are moved on.
fn beyond_rules(micros: i64) -> i64 {
    use super::civil::MICROS_PER_DAY;
    use super::civil::{civil_from_days, days_from_civil, is_leap};
    // Nearly all moments: the beginnings of -200000 and of 2091, a little narrowed.
    if (-6_000_000_000_000_000_000..3_800_000_000_000_000).contains(&micros) {
        return 0;
    }
    let (year, ..) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
    if (-200_000..=2090).contains(&year) {
        return 0;
    }
    let first = |year: i64| days_from_civil(year, 1, 1);
    let like = if year < 0 {
        // Any year of the same place in the calendar's cycle of 400 years.
        -200_000 + (year + 200_000).rem_euclid(400)
    } else {
        let same = |known: &i64| is_leap(*known) == is_leap(year) && (first(year) - first(*known)) % 7 == 0;
        (2060..=2087).find(same).unwrap_or(2060)
    };
    (first(year) - first(like)) * MICROS_PER_DAY
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
        [hours] if hours.len() == 6 && hours.is_ascii() => number(&hours[..2])? * 3600 + number(&hours[2..4])? * 60 + number(&hours[4..])?,
        [hours] if hours.len() == 4 && hours.is_ascii() => number(&hours[..2])? * 3600 + number(&hours[2..])? * 60,
        [hours] => number(hours)? * 3600,
        [hours, minutes] => number(hours)? * 3600 + number(minutes).filter(|m| *m < 60)? * 60,
        [hours, minutes, seconds] => {
            number(hours)? * 3600 + number(minutes).filter(|m| *m < 60)? * 60 + number(seconds).filter(|s| *s < 60)?
        }
        _ => return None,
    };
    (seconds <= 18 * 3600).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::civil::days_from_civil;
    use crate::types::datetime_text::timestamp_text;

    #[test]
    fn zones_go_on_beyond_their_tables() {
        let zone = TimeZone::parse("America/Los_Angeles").unwrap();
        for year in [2024, 2089, 2091, 2150, 9999, 290_000] {
            let july = days_from_civil(year, 7, 4) * 86_400_000_000;
            let january = days_from_civil(year, 1, 4) * 86_400_000_000;
            assert_eq!(zone.offset_at(july), -7 * 3600, "{year}");
            assert_eq!(zone.offset_at(january), -8 * 3600, "{year}");
            assert_eq!(zone.to_utc(july), Some(july + 7 * 3_600_000_000), "{year}");
        }
        assert!(timestamp_text(i64::MIN + 100_000_000_000, &zone).starts_with("-290308-12-2"));
    }

    #[test]
    fn names() {
        for (text, seconds) in [("PST", -8 * 3600), ("EST", -5 * 3600), ("+013015", 5415), ("UTC+1", 3600), ("GMT0", 0), ("-8:30", -30_600)]
        {
            assert_eq!(TimeZone::parse(text).unwrap().offset_at(0), seconds, "{text}");
        }
        assert!(TimeZone::parse("+19:00").is_err());
        assert!(TimeZone::parse("Mars/Olympus").is_err());
    }
}
