//! Whether the formatter of Spark 2, Java's strict `SimpleDateFormat`, would have read a text: under
//! `spark.sql.legacy.timeParserPolicy` = EXCEPTION a text that only it reads is an error of its own.

use super::compile::{Field, Style};
use super::names;
use crate::types::civil;

/// Whether `SimpleDateFormat` reads a beginning of the text by the pattern.
pub(super) fn reads(pattern: &str, text: &str) -> bool {
    read(pattern, text).is_some()
}

enum Part {
    Literal(char),
    Letters(char, usize),
}

fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.next_if_eq(&'\'').is_some() => parts.push(Part::Literal('\'')),
            '\'' => quoted = !quoted,
            'a'..='z' | 'A'..='Z' if !quoted => {
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                parts.push(Part::Letters(c, count));
            }
            other => parts.push(Part::Literal(other)),
        }
    }
    (!quoted).then_some(parts)
}

fn read(pattern: &str, text: &str) -> Option<()> {
    let parts = parts(pattern)?;
    let mut rest = text;
    let (mut year, mut month, mut day, mut of_year) = (1970, None, None, None);
    for (at, part) in parts.iter().enumerate() {
        let (letter, count) = match part {
            Part::Literal(c) => {
                rest = rest.strip_prefix(*c)?;
                continue;
            }
            Part::Letters(letter, count) => (*letter, *count),
        };
        rest = rest.trim_start_matches([' ', '\t']);
        match letter {
            'M' | 'L' if count > 2 => month = Some(word(&mut rest, Field::Month)?),
            'E' => {
                word(&mut rest, Field::DayOfWeek)?;
            }
            'a' => {
                word(&mut rest, Field::AmPm)?;
            }
            'G' => {
                word(&mut rest, Field::Era)?;
            }
            'z' | 'Z' | 'X' => zone(&mut rest)?,
            _ => {
                // Digits side by side are parted by the number of letters.
                let adjacent =
                    matches!(parts.get(at + 1), Some(Part::Letters(next, n)) if !"EaGzZX".contains(*next) && (*next != 'M' || *n <= 2));
                let value = number(&mut rest, if adjacent { count } else { usize::MAX })?;
                let (low, high) = match letter {
                    'M' | 'L' | 'h' => (1, 12),
                    'd' => (1, 31),
                    'D' => (1, 366),
                    'H' => (0, 23),
                    'k' => (1, 24),
                    'K' => (0, 11),
                    'm' | 's' => (0, 59),
                    'S' => (0, 999),
                    'u' => (1, 7),
                    'y' | 'Y' => (1, 292_278_994),
                    _ => (0, 54),
                };
                if !(low..=high).contains(&value) {
                    return None;
                }
                match letter {
                    'y' => year = value,
                    'M' | 'L' => month = Some(value),
                    'd' => day = Some(value),
                    'D' => of_year = Some(value),
                    _ => {}
                }
            }
        }
    }
    if of_year == Some(366) && !civil::is_leap(year) {
        return None;
    }
    civil::date(year, month.unwrap_or(1), day.unwrap_or(1)).ok().map(|_| ())
}

fn number(rest: &mut &str, most: usize) -> Option<i64> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at_checked(count)?;
    *rest = after;
    digits.parse().ok()
}

fn word(rest: &mut &str, field: Field) -> Option<i64> {
    let both = names::texts(field, Style::Full).into_iter().chain(names::texts(field, Style::Short));
    let fits = |name: &str| rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    let (name, value) = both.filter(|(name, _)| fits(name)).max_by_key(|(name, _)| name.len())?;
    *rest = rest.get(name.len()..)?;
    Some(value)
}

fn zone(rest: &mut &str) -> Option<()> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-:/_".contains(c))).unwrap_or(rest.len());
    let (id, after) = rest.split_at_checked(end)?;
    *rest = after;
    let known = names::zones_by_name(false).contains_key(&id.to_lowercase()) || crate::types::TimeZone::parse(id).is_ok();
    known.then_some(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_old_formatter_reads() {
        for (pattern, text, expected) in [
            ("yyyy-MM-dd", "2020-1-2", true),
            ("yyyy-MM-dd", "2020-01-02 and more", true),
            ("yyyy-MM-dd", "2020-13-02", false),
            ("yyyyMMdd", "20200102", true),
            ("yyyy-MM-dd HH:mm:ss", "2020-01-02", false),
            ("dd/MMM/yy", "2/jan/20", true),
            ("yyyy", "foo", false),
            ("yyyy-MM-dd z", "2020-01-02 PST", true),
        ] {
            assert_eq!(super::reads(pattern, text), expected, "{pattern} of {text}");
        }
    }
}
