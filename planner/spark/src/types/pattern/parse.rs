//! How items read a text: strictly, and without regard to case. What they found is put together in `resolve`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::compile::{Field, Item, Number, Sign, Style};
use super::names;
use crate::types::TimeZone;

/// What was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) fields: [Option<i64>; Field::COUNT],
    pub(super) zone: Option<TimeZone>,
}

impl Found {
    pub(super) fn get(&self, field: Field) -> Option<i64> {
        self.fields.get(field as usize).copied().flatten()
    }

    pub(super) fn take(&mut self, field: Field) -> Option<i64> {
        self.fields.get_mut(field as usize).and_then(Option::take)
    }

    /// Sets a field; false where it was there with another value.
    pub(super) fn put(&mut self, field: Field, value: i64) -> bool {
        let Some(slot) = self.fields.get_mut(field as usize) else { return false };
        slot.replace(value).is_none_or(|old| old == value)
    }
}

/// Reads the whole text.
pub(super) fn parse(items: &[Item], text: &str) -> Option<Found> {
    let mut found = Found { fields: [None; Field::COUNT], zone: None };
    let end = parse_items(items, text, 0, &mut found)?;
    (end == text.len()).then_some(found)
}

fn parse_items(items: &[Item], text: &str, mut at: usize, found: &mut Found) -> Option<usize> {
    for item in items {
        at = match item {
            Item::Literal(literal) => after(text, at, literal)?,
            Item::Number(number) if number.fraction => parse_fraction(number, text, at, found)?,
            Item::Number(number) => parse_number(number, text, at, found)?,
            Item::Text(field, style) => {
                let mut texts = names::texts(*field, *style);
                texts.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
                let (end, value) = texts.into_iter().find_map(|(name, value)| Some((after(text, at, name)?, value)))?;
                found.put(*field, value).then_some(end)?
            }
            Item::ZoneId => parse_zone(None, text, at, found)?,
            Item::ZoneText(style) => parse_zone(Some(*style), text, at, found)?,
            Item::Offset(kind, zero) => {
                let (seconds, end) = parse_offset(*kind, zero, text, at)?;
                found.put(Field::OffsetSeconds, seconds).then_some(end)?
            }
            Item::LocalizedOffset(style) => {
                let (seconds, end) = parse_localized(*style, text, at)?;
                found.put(Field::OffsetSeconds, seconds).then_some(end)?
            }
            Item::Optional(items) => {
                let mut inner = *found;
                match parse_items(items, text, at, &mut inner) {
                    Some(end) => {
                        *found = inner;
                        end
                    }
                    None => at,
                }
            }
        };
    }
    Some(at)
}

/// The end of `literal` at `at`, without regard to case.
fn after(text: &str, at: usize, literal: &str) -> Option<usize> {
    let rest = text.get(at..)?;
    let mut chars = rest.char_indices();
    for wanted in literal.chars() {
        let (_, c) = chars.next()?;
        if c != wanted && !c.to_uppercase().eq(wanted.to_uppercase()) && !c.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(at + chars.next().map_or(rest.len(), |(end, _)| end))
}

fn digit(text: &str, at: usize) -> Option<i64> {
    text.as_bytes().get(at).filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'))
}

/// The digits from `at` on, `max` at most.
fn digits(text: &str, at: usize, max: usize) -> usize {
    (at..at.saturating_add(max)).take_while(|i| digit(text, *i).is_some()).count()
}

fn parse_number(number: &Number, text: &str, mut at: usize, found: &mut Found) -> Option<usize> {
    let (mut negative, mut positive) = (false, false);
    match text.as_bytes().get(at)? {
        b'+' if number.sign == Sign::ExceedsPad => positive = true,
        b'-' if number.sign != Sign::Never => negative = true,
        b'+' | b'-' => return None,
        _ => {}
    }
    at += usize::from(negative || positive);
    let mut count = digits(text, at, number.max + number.subsequent);
    if count < number.min {
        return None;
    }
    if number.subsequent > 0 {
        count = count.saturating_sub(number.subsequent).max(number.min);
    }
    let end = at + count;
    let value: i64 = text.get(at..end)?.parse().ok()?;
    let mut value = if negative { -value } else { value };
    if negative && value == 0 {
        return None;
    }
    if number.sign == Sign::ExceedsPad && !negative && positive != (count > number.min) {
        return None;
    }
    if number.reduced && count == number.min && value >= 0 {
        value += 2000;
    }
    found.put(number.field, value).then_some(end)
}

fn parse_fraction(number: &Number, text: &str, at: usize, found: &mut Found) -> Option<usize> {
    let count = digits(text, at, number.max);
    if count < number.min {
        return None;
    }
    let value: i64 = text.get(at..at + count)?.parse().ok()?;
    let nanos = value * 10_i64.pow(9_u32.saturating_sub(u32::try_from(count).ok()?));
    found.put(number.field, nanos).then_some(at + count)
}

/// Two digits up to 59, after a colon if there is to be one.
fn two_digits(text: &str, at: usize, colon: bool) -> Option<(i64, usize)> {
    let at = if colon { (text.as_bytes().get(at) == Some(&b':')).then_some(at + 1)? } else { at };
    let value = digit(text, at)? * 10 + digit(text, at + 1)?;
    (value <= 59).then_some((value, at + 2))
}

/// A colon and any two digits: Java does not look at them in offsets that begin with `GMT`.
fn any_two_digits(text: &str, at: usize) -> Option<(i64, usize)> {
    let at = (text.as_bytes().get(at) == Some(&b':')).then_some(at + 1)?;
    Some((digit(text, at)? * 10 + digit(text, at + 1)?, at + 2))
}

fn parse_offset(kind: u8, zero: &str, text: &str, at: usize) -> Option<(i64, usize)> {
    if at >= text.len() {
        return None;
    }
    if let Some(end) = after(text, at, zero) {
        return Some((0, end));
    }
    let sign = match text.as_bytes().get(at)? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let colon = matches!(kind, 2 | 4 | 6 | 8);
    let (hours, mut end) = two_digits(text, at + 1, false)?;
    let (mut minutes, mut seconds) = (0, 0);
    if kind >= 1 {
        match two_digits(text, end, colon) {
            Some((value, after)) => (minutes, end) = (value, after),
            None if kind >= 3 => return None,
            None => {}
        }
    }
    if kind >= 5 {
        match two_digits(text, end, colon) {
            Some((value, after)) => (seconds, end) = (value, after),
            None if kind >= 7 => return None,
            None => {}
        }
    }
    if hours > 23 {
        return None;
    }
    Some((sign * (hours * 3600 + minutes * 60 + seconds), end))
}

fn parse_localized(style: Style, text: &str, at: usize) -> Option<(i64, usize)> {
    let at = after(text, at, "GMT")?;
    let sign = match text.as_bytes().get(at) {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Some((0, at)),
    };
    let mut at = at + 1;
    let hours = digit(text, at)?;
    at += 1;
    let (hours, mut minutes, mut seconds) = match digit(text, at) {
        Some(second) => {
            at += 1;
            (hours * 10 + second, 0, 0)
        }
        None if style == Style::Full => return None,
        None => (hours, 0, 0),
    };
    match any_two_digits(text, at) {
        Some((value, end)) => {
            (minutes, at) = (value, end);
            if let Some((value, end)) = any_two_digits(text, at) {
                (seconds, at) = (value, end);
            }
        }
        None if style == Style::Full => return None,
        None => {}
    }
    Some((sign * (hours * 3600 + minutes * 60 + seconds), at))
}

/// A zone's id, or (with a style) its name too.
fn parse_zone(style: Option<Style>, text: &str, at: usize, found: &mut Found) -> Option<usize> {
    let fixed = |seconds: i64| i32::try_from(seconds).ok().filter(|s| s.abs() <= 18 * 3600).map(TimeZone::Offset);
    match text.as_bytes().get(at)? {
        b'+' | b'-' => {
            let (seconds, end) = parse_offset(6, "Z", text, at)?;
            found.zone = Some(fixed(seconds)?);
            return Some(end);
        }
        _ => {}
    }
    // The longest id or name that the text goes on with.
    let rest = text.get(at..)?;
    let word = rest.find(|c: char| !(c.is_alphanumeric() || "/_+-. '()".contains(c))).unwrap_or(rest.len());
    let names = style.map(|style| names::zones_by_name(style == Style::Full));
    let mut best = None;
    for end in rest.get(..word)?.char_indices().map(|(i, c)| i + c.len_utf8()).rev() {
        let candidate = rest.get(..end)?;
        if !candidate.ends_with(|c: char| c.is_alphanumeric() || c == ')') {
            continue;
        }
        let zone = region(candidate).or_else(|| names.and_then(|n| n.get(&candidate.to_lowercase())).and_then(|id| region(id)));
        if let Some(zone) = zone {
            best = Some((zone, at + end));
            break;
        }
    }
    // `UTC+1`, `GMT-08:00`, `UT+01`
    let prefix = ["UTC", "GMT", "UT"].iter().find_map(|prefix| after(text, at, prefix));
    if let Some(end) = prefix
        && best.is_none_or(|(_, best)| best <= end)
    {
        let (zone, end) = match text.as_bytes().get(end) {
            Some(b'+' | b'-') => match parse_offset(6, "0", text, end) {
                Some((seconds, end)) => (fixed(seconds)?, end),
                None => (TimeZone::utc(), end),
            },
            _ => (TimeZone::utc(), end),
        };
        found.zone = Some(zone);
        return Some(end);
    }
    if let Some((zone, end)) = best {
        found.zone = Some(zone);
        return Some(end);
    }
    let end = after(text, at, "Z")?;
    found.zone = Some(TimeZone::Offset(0));
    Some(end)
}

/// The region of that id, without regard to case.
fn region(id: &str) -> Option<TimeZone> {
    static REGIONS: LazyLock<HashMap<String, chrono_tz::Tz>> =
        LazyLock::new(|| chrono_tz::TZ_VARIANTS.iter().map(|zone| (zone.name().to_lowercase(), *zone)).collect());
    REGIONS.get(&id.to_lowercase()).copied().map(TimeZone::Region)
}
