//! Names of months, days, eras and time zones, as the US have them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::compile::{Field, Style};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// All texts of a field and their values.
pub(super) fn texts(field: Field, style: Style) -> Vec<(&'static str, i64)> {
    let numbered = |names: &[&'static str], first: i64| names.iter().copied().zip(first..).collect::<Vec<_>>();
    let short =
        |names: &[&'static str], first: i64| names.iter().map(|name| name.get(..3).unwrap_or(name)).zip(first..).collect::<Vec<_>>();
    match (field, style) {
        (Field::Month, Style::Full) => numbered(&MONTHS, 1),
        (Field::Month, Style::Short) => short(&MONTHS, 1),
        (Field::DayOfWeek, Style::Full) => numbered(&DAYS, 1),
        (Field::DayOfWeek, Style::Short) => short(&DAYS, 1),
        (Field::Era, Style::Full) => numbered(&["Before Christ", "Anno Domini"], 0),
        (Field::Era, Style::Short) => numbered(&["BC", "AD"], 0),
        (Field::AmPm, _) => numbered(&["AM", "PM"], 0),
        (Field::Quarter, Style::Full) => numbered(&["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"], 1),
        (Field::Quarter, Style::Short) => numbered(&["Q1", "Q2", "Q3", "Q4"], 1),
        _ => Vec::new(),
    }
}

/// The text of a value.
pub(super) fn text(field: Field, style: Style, value: i64) -> Option<&'static str> {
    texts(field, style).into_iter().find(|(_, v)| *v == value).map(|(text, _)| text)
}

/// The three-letter name of a month, from 1.
pub(crate) fn short_month(month: i64) -> &'static str {
    text(Field::Month, Style::Short, month).unwrap_or_default()
}

/// The three-letter name of a day of the week; Monday is 1.
pub(crate) fn short_day(day: i64) -> &'static str {
    text(Field::DayOfWeek, Style::Short, day).unwrap_or_default()
}

/// The names of a zone: short and long, each for standard and for summer time.
#[derive(Debug, Clone, Copy)]
pub(super) struct ZoneNames {
    pub(super) short: [&'static str; 2],
    pub(super) long: [&'static str; 2],
}

/// Names by the zone's id. Source: the Java 17 runtime's for English in the US.
static ZONES: LazyLock<HashMap<&'static str, ZoneNames>> = LazyLock::new(|| {
    let mut zones = HashMap::new();
    for line in include_str!("zone_names.txt").lines() {
        let Some((names, ids)) = line.split_once('\t') else { continue };
        let names: Vec<&'static str> = names.split('|').collect();
        let [short, summer, long, long_summer] = names.as_slice() else { continue };
        for id in ids.split(' ') {
            zones.insert(id, ZoneNames { short: [*short, *summer], long: [*long, *long_summer] });
        }
    }
    zones
});

/// The names of the zone of that id.
pub(super) fn zone_names(id: &str) -> Option<ZoneNames> {
    ZONES.get(id).copied()
}

/// All names of zones that a text may have, with the zone that each stands for: the first one by id, but a US one where there is one.
pub(super) fn zones_by_name(full: bool) -> &'static HashMap<String, &'static str> {
    static SHORT: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| by_name(false));
    static LONG: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| by_name(true));
    if full { &LONG } else { &SHORT }
}

fn by_name(full: bool) -> HashMap<String, &'static str> {
    const FIRST: [&str; 9] = [
        "America/Los_Angeles",
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Anchorage",
        "Pacific/Honolulu",
        "Europe/London",
        "Europe/Paris",
        "UTC",
    ];
    let mut ids: Vec<&'static str> = ZONES.keys().copied().collect();
    ids.sort_unstable_by_key(|id| (!FIRST.contains(id), *id));
    let mut names = HashMap::new();
    for id in ids {
        let Some(zone) = ZONES.get(id) else { continue };
        for name in if full { zone.long } else { zone.short } {
            names.entry(name.to_lowercase()).or_insert(id);
        }
    }
    names
}
