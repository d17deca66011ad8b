//! The time zones that functions take by name.

use crate::Result;
use crate::error::error;
use crate::types::TimeZone;

/// The zone that a function's argument names: by id as it is written, or an offset.
pub(super) fn zone_of(text: &str) -> Result<TimeZone> {
    let zone = TimeZone::parse(text)?;
    let short = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase());
    let as_written = match zone {
        TimeZone::Region(region) => region.name() == text || short,
        TimeZone::Offset(_) => !text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_whitespace()),
    };
    if as_written {
        return Ok(zone);
    }
    Err(error(
        "INVALID_TIMEZONE",
        format!("`{text}` is no time zone: give a region such as `Europe/Berlin`, spelled so, or an offset such as `+01:00`"),
    ))
}

/// A cache of zones by name: rows mostly have the same.
#[derive(Default)]
pub(super) struct Zones {
    last: Option<(String, TimeZone)>,
}

impl Zones {
    pub(super) fn get(&mut self, text: &str) -> Result<TimeZone> {
        if let Some((known, zone)) = &self.last
            && known == text
        {
            return Ok(*zone);
        }
        let zone = zone_of(text)?;
        self.last = Some((text.to_owned(), zone));
        Ok(zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_name() {
        assert_eq!(zone_of("PST").unwrap(), zone_of("America/Los_Angeles").unwrap());
        assert_eq!(zone_of("+7:3").unwrap(), TimeZone::Offset(7 * 3600 + 180));
        assert!(zone_of("america/los_angeles").is_err() && zone_of("Asia/Seuol").is_err());
    }
}
