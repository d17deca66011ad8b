//! How items write a moment.

use super::compile::{Field, Item, Number, Sign, Style};
use super::{Moment, names};
use crate::types::civil::{civil_from_days, day_of_year, weekday};
use crate::types::offset_text;

/// Writes the items; an error says which field the value does not have, or why a number does not fit.
pub(super) fn format(items: &[Item], moment: &Moment, out: &mut String) -> Result<(), String> {
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Number(number) => write_number(number, moment, out)?,
            Item::Text(field, style) => {
                let value = value(*field, moment)?;
                match names::text(*field, *style, value) {
                    Some(text) => out.push_str(text),
                    None => out.push_str(&value.to_string()),
                }
            }
            Item::ZoneId => out.push_str(&zone(moment)?.0.name()),
            Item::ZoneText(style) => write_zone_text(*style, moment, out)?,
            Item::Offset(kind, zero) => write_offset(*kind, zero, zone(moment)?.1, out),
            Item::LocalizedOffset(style) => write_localized(*style, zone(moment)?.1, out),
            Item::Optional(items) => {
                let length = out.len();
                if format(items, moment, out).is_err() {
                    out.truncate(length);
                }
            }
        }
    }
    Ok(())
}

fn zone(moment: &Moment) -> Result<(crate::types::TimeZone, i32), String> {
    moment.zone.ok_or_else(|| "the value has no time zone".to_owned())
}

fn value(field: Field, moment: &Moment) -> Result<i64, String> {
    let days = || moment.days.ok_or_else(|| "the value has no date".to_owned());
    let nanos = || moment.nanos.ok_or_else(|| "the value has no time of day".to_owned());
    let seconds = || nanos().map(|n| n / 1_000_000_000);
    let hour = || seconds().map(|s| s / 3600);
    let civil = || days().map(civil_from_days);
    Ok(match field {
        Field::Era => i64::from(civil()?.0 > 0),
        Field::Year => civil()?.0,
        Field::YearOfEra => match civil()?.0 {
            year if year > 0 => year,
            year => 1 - year,
        },
        Field::Quarter => (civil()?.1 + 2) / 3,
        Field::Month => civil()?.1,
        Field::DayOfYear => day_of_year(days()?),
        Field::DayOfMonth => civil()?.2,
        Field::AlignedDay => (civil()?.2 - 1) % 7 + 1,
        Field::DayOfWeek => weekday(days()?) + 1,
        Field::JulianDay => days()? + 40_587,
        Field::AmPm => hour()? / 12,
        Field::Hour => hour()?,
        Field::ClockHour => match hour()? {
            0 => 24,
            hour => hour,
        },
        Field::HourOfHalf => hour()? % 12,
        Field::ClockHourOfHalf => match hour()? % 12 {
            0 => 12,
            hour => hour,
        },
        Field::Minute => seconds()? / 60 % 60,
        Field::Second => seconds()? % 60,
        Field::Nano => nanos()? % 1_000_000_000,
        Field::OffsetSeconds => i64::from(zone(moment)?.1),
    })
}

fn write_number(number: &Number, moment: &Moment, out: &mut String) -> Result<(), String> {
    let value = value(number.field, moment)?;
    if number.fraction {
        let digits = format!("{value:09}");
        let mut end = number.max.min(9);
        while end > number.min && digits.as_bytes().get(end - 1) == Some(&b'0') {
            end -= 1;
        }
        out.push_str(digits.get(..end).unwrap_or(&digits));
        return Ok(());
    }
    let value = if number.reduced { value.abs() % 100 } else { value };
    let digits = value.unsigned_abs().to_string();
    if digits.len() > number.max {
        return Err(format!("{value} has more than {} digits", number.max));
    }
    if value < 0 {
        if number.sign == Sign::Never {
            return Err(format!("{value} is negative"));
        }
        out.push('-');
    } else if number.sign == Sign::ExceedsPad && digits.len() > number.min {
        out.push('+');
    }
    for _ in digits.len()..number.min {
        out.push('0');
    }
    out.push_str(&digits);
    Ok(())
}

fn write_zone_text(style: Style, moment: &Moment, out: &mut String) -> Result<(), String> {
    let (zone, offset) = zone(moment)?;
    let name = zone.name();
    match names::zone_names(&name) {
        Some(names) => {
            let summer = usize::from(moment.is_summer_time(offset));
            let texts = if style == Style::Full { names.long } else { names.short };
            out.push_str(texts.get(summer).copied().unwrap_or_default());
        }
        None => out.push_str(&name),
    }
    Ok(())
}

fn write_offset(kind: u8, zero: &str, seconds: i32, out: &mut String) {
    if seconds == 0 {
        out.push_str(zero);
        return;
    }
    let (hours, minutes, rest) = (seconds.abs() / 3600 % 100, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let colon = if matches!(kind, 2 | 4 | 6 | 8) { ":" } else { "" };
    let length = out.len();
    out.push_str(&format!("{}{hours:02}", if seconds < 0 { '-' } else { '+' }));
    let mut shown = hours;
    if (3..=8).contains(&kind) || (kind >= 1 && minutes > 0) {
        out.push_str(&format!("{colon}{minutes:02}"));
        shown += minutes;
        if kind == 7 || kind == 8 || (kind >= 5 && rest > 0) {
            out.push_str(&format!("{colon}{rest:02}"));
            shown += rest;
        }
    }
    if shown == 0 {
        out.truncate(length);
        out.push_str(zero);
    }
}

fn write_localized(style: Style, seconds: i32, out: &mut String) {
    out.push_str("GMT");
    if seconds == 0 {
        return;
    }
    if style == Style::Full {
        out.push_str(&offset_text(seconds));
        return;
    }
    let (hours, minutes, rest) = (seconds.abs() / 3600 % 100, seconds.abs() / 60 % 60, seconds.abs() % 60);
    out.push_str(&format!("{}{hours}", if seconds < 0 { '-' } else { '+' }));
    if minutes != 0 || rest != 0 {
        out.push_str(&format!(":{minutes:02}"));
        if rest != 0 {
            out.push_str(&format!(":{rest:02}"));
        }
    }
}
