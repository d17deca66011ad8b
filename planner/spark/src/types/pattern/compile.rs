//! How the text of a pattern becomes items: the letters of Java's `DateTimeFormatter`, less those that Spark refuses.

use super::simple_date_format_takes;
use crate::Result;
use crate::error::error;

/// What a letter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Field {
    Era,
    Year,
    YearOfEra,
    Quarter,
    Month,
    DayOfYear,
    DayOfMonth,
    /// The day within the week of its month, where weeks begin with the month's first day.
    AlignedDay,
    DayOfWeek,
    JulianDay,
    AmPm,
    Hour,
    ClockHour,
    HourOfHalf,
    ClockHourOfHalf,
    Minute,
    Second,
    Nano,
    OffsetSeconds,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Self::OffsetSeconds as usize + 1;
}

/// How long a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Short,
    Full,
}

/// What stands before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// `-` before negative ones.
    Normal,
    /// The same, and `+` before those that are wider than asked for.
    ExceedsPad,
    /// Nothing.
    Never,
}

/// A number and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) field: Field,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) sign: Sign,
    /// Digits of the numbers that follow at once, and which this one leaves to them.
    pub(super) subsequent: usize,
    /// A year of two digits, from 2000 to 2099.
    pub(super) reduced: bool,
    /// A fraction of a second.
    pub(super) fraction: bool,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Literal(String),
    Number(Number),
    Text(Field, Style),
    ZoneId,
    ZoneText(Style),
    /// Java's kinds from `+HH` to `+HH:MM:SS`, and the text for zero.
    Offset(u8, &'static str),
    /// `GMT+8`, `GMT+08:00`
    LocalizedOffset(Style),
    Optional(Vec<Item>),
}

/// Why a pattern is none.
pub(super) enum Bad {
    /// Java does not take it.
    Java(String),
    /// Spark does not: the condition and why.
    Spark(&'static str, String),
}

/// The items of a pattern.
pub(super) fn compile(text: &str, parsing: bool, legacy_checked: bool) -> Result<Vec<Item>> {
    checked(text, parsing).map_err(|bad| {
        if legacy_checked && simple_date_format_takes(text) {
            return error(
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
                format!(
                    "the pattern `{text}` means something to the formatter of Spark 2 and nothing to this one: write it with letters of \
                     Spark's datetime patterns"
                ),
            );
        }
        match bad {
            Bad::Spark(condition, why) if legacy_checked => error(condition, why),
            Bad::Spark(_, why) | Bad::Java(why) => error(
                "INVALID_DATETIME_PATTERN.WITH_SUGGESTION",
                format!("`{text}` is no datetime pattern: {why}; see Spark's page on datetime patterns"),
            ),
        }
    })
}

fn checked(text: &str, parsing: bool) -> Result<Vec<Item>, Bad> {
    let text = spark_letters(text, parsing)?;
    let mut builder = Builder::default();
    if parsing && text.contains('S') {
        // Fractions take from one digit up to as many as there are letters. Quotes count in pairs here.
        let mut parts: Vec<&str> = text.split('\'').collect();
        while parts.last().is_some_and(|part| part.is_empty()) && parts.len() > 1 {
            parts.pop();
        }
        for (at, part) in parts.iter().enumerate() {
            if part.is_empty() && at != 0 {
                builder.push(Item::Literal("'".to_owned()));
            } else if at % 2 == 1 {
                builder.push(Item::Literal((*part).to_owned()));
            } else {
                let mut rest = *part;
                while !rest.is_empty() {
                    let letters = rest.find('S').unwrap_or(rest.len());
                    let (before, from) = rest.split_at(letters);
                    let count = from.bytes().take_while(|b| *b == b'S').count();
                    builder.append(before)?;
                    if count > 0 {
                        builder.fraction(1, count)?;
                    }
                    rest = from.get(count..).unwrap_or_default();
                }
            }
        }
    } else {
        builder.append(&text)?;
    }
    Ok(builder.finish())
}

/// Refuses letters that Spark does not take, and makes years those of the calendar where no era is said.
fn spark_letters(text: &str, parsing: bool) -> Result<String, Bad> {
    let parts: Vec<&str> = text.split('\'').collect();
    let with_era = parts.iter().step_by(2).any(|part| part.contains('G'));
    let mut out = String::with_capacity(text.len());
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push('\'');
        }
        if at % 2 == 1 {
            out.push_str(part);
            continue;
        }
        if let Some(letter) = part.chars().find(|c| "YWwuec".contains(*c)) {
            return Err(Bad::Spark(
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
                format!("the letter `{letter}` in the pattern `{text}` counts weeks, which patterns no longer do: use EXTRACT"),
            ));
        }
        if let Some(letter) = part.chars().find(|c| "ABnNp".contains(*c) || (parsing && "EFqQ".contains(*c))) {
            return Err(Bad::Spark(
                "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
                format!("the letter `{letter}` has no meaning in the pattern `{text}`: leave it out, or quote it"),
            ));
        }
        let long =
            ["G", "M", "L", "E", "Q", "q"].iter().map(|l| l.repeat(5)).chain(["y".repeat(7)]).find(|run| part.contains(run.as_str()));
        if let Some(run) = long {
            return Err(Bad::Spark(
                "INVALID_DATETIME_PATTERN.LENGTH",
                format!("`{run}` in the pattern `{text}` has too many letters: write fewer"),
            ));
        }
        if with_era { out.push_str(part) } else { out.push_str(&part.replace('y', "u")) }
    }
    Ok(out)
}

/// Items of a section, as Java's builder keeps them.
#[derive(Default)]
struct Section {
    items: Vec<Item>,
    /// The number that others follow at once.
    active: Option<usize>,
}

#[derive(Default)]
struct Builder {
    current: Section,
    outer: Vec<Section>,
}

impl Builder {
    fn push(&mut self, item: Item) -> usize {
        self.current.items.push(item);
        self.current.active = None;
        self.current.items.len() - 1
    }

    /// A number. Numbers side by side are parted by their widths: all but the first have fixed ones.
    fn number(&mut self, number: Number) {
        let Some(active) = self.current.active else {
            let at = self.push(Item::Number(number));
            self.current.active = Some(at);
            return;
        };
        let fixed = number.min == number.max && number.sign == Sign::Never;
        let at = self.push(Item::Number(number));
        if fixed {
            if let Some(Item::Number(first)) = self.current.items.get_mut(active) {
                first.subsequent += number.max;
            }
            self.current.active = Some(active);
        } else {
            if let Some(Item::Number(first)) = self.current.items.get_mut(active) {
                first.subsequent = 0;
            }
            self.current.active = Some(at);
        }
    }

    fn value(&mut self, field: Field, min: usize, max: usize, sign: Sign) {
        self.number(Number { field, min, max, sign, subsequent: 0, reduced: false, fraction: false });
    }

    fn fraction(&mut self, min: usize, max: usize) -> Result<(), Bad> {
        if max > 9 {
            return Err(Bad::Java(format!("a fraction has at most 9 digits, and not {max}")));
        }
        let number = Number { field: Field::Nano, min, max, sign: Sign::Never, subsequent: 0, reduced: false, fraction: true };
        if min == max {
            self.number(number);
        } else {
            self.push(Item::Number(number));
        }
        Ok(())
    }

    fn open(&mut self) {
        self.current.active = None;
        let outer = std::mem::take(&mut self.current);
        self.outer.push(outer);
    }

    fn close(&mut self) -> Result<(), Bad> {
        let Some(outer) = self.outer.pop() else { return Err(Bad::Java("it has a `]` without a `[` before it".to_owned())) };
        let inner = std::mem::replace(&mut self.current, outer);
        if !inner.items.is_empty() {
            self.push(Item::Optional(inner.items));
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Item> {
        while self.close().is_ok() {}
        self.current.items
    }

    fn append(&mut self, text: &str) -> Result<(), Bad> {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                'a'..='z' | 'A'..='Z' => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    self.letters(c, count)?;
                }
                '\'' => {
                    let mut literal = String::new();
                    loop {
                        match chars.next() {
                            None => return Err(Bad::Java("it ends within quotes".to_owned())),
                            Some('\'') if chars.next_if_eq(&'\'').is_some() => literal.push('\''),
                            Some('\'') => break,
                            Some(other) => literal.push(other),
                        }
                    }
                    self.push(Item::Literal(if literal.is_empty() { "'".to_owned() } else { literal }));
                }
                '[' => self.open(),
                ']' => self.close()?,
                '{' | '}' | '#' => return Err(Bad::Java(format!("`{c}` is reserved: put it in quotes"))),
                other => {
                    self.push(Item::Literal(other.to_string()));
                }
            }
        }
        Ok(())
    }

    fn letters(&mut self, letter: char, count: usize) -> Result<(), Bad> {
        let too_many = || Bad::Java(format!("it has too many letters `{letter}`"));
        match letter {
            'u' | 'y' => {
                let field = if letter == 'u' { Field::Year } else { Field::YearOfEra };
                match count {
                    2 => self.number(Number { field, min: 2, max: 2, sign: Sign::Never, subsequent: 0, reduced: true, fraction: false }),
                    1 | 3 => self.value(field, count, 19, Sign::Normal),
                    4..=19 => self.value(field, count, 19, Sign::ExceedsPad),
                    _ => return Err(too_many()),
                }
            }
            'M' | 'L' | 'Q' | 'q' | 'E' => {
                let field = match letter {
                    'M' | 'L' => Field::Month,
                    'E' => Field::DayOfWeek,
                    _ => Field::Quarter,
                };
                match count {
                    1 | 2 if letter == 'E' => {
                        self.push(Item::Text(field, Style::Short));
                    }
                    1 => self.value(field, 1, 19, Sign::Normal),
                    2 => self.value(field, 2, 2, Sign::Never),
                    3 => {
                        self.push(Item::Text(field, Style::Short));
                    }
                    4 => {
                        self.push(Item::Text(field, Style::Full));
                    }
                    _ => return Err(too_many()),
                }
            }
            'G' if count <= 4 => {
                self.push(Item::Text(Field::Era, if count == 4 { Style::Full } else { Style::Short }));
            }
            'a' if count == 1 => {
                self.push(Item::Text(Field::AmPm, Style::Short));
            }
            'S' => self.fraction(count, count)?,
            'F' if count == 1 => self.value(Field::AlignedDay, 1, 19, Sign::Normal),
            'g' if count <= 19 => self.value(Field::JulianDay, count, 19, Sign::Normal),
            'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' => {
                let field = match letter {
                    'd' => Field::DayOfMonth,
                    'h' => Field::ClockHourOfHalf,
                    'H' => Field::Hour,
                    'k' => Field::ClockHour,
                    'K' => Field::HourOfHalf,
                    'm' => Field::Minute,
                    _ => Field::Second,
                };
                match count {
                    1 => self.value(field, 1, 19, Sign::Normal),
                    2 => self.value(field, 2, 2, Sign::Never),
                    _ => return Err(too_many()),
                }
            }
            'D' => match count {
                1 => self.value(Field::DayOfYear, 1, 19, Sign::Normal),
                2 | 3 => self.value(Field::DayOfYear, count, 3, Sign::Never),
                _ => return Err(too_many()),
            },
            'z' if count <= 4 => {
                self.push(Item::ZoneText(if count == 4 { Style::Full } else { Style::Short }));
            }
            'V' if count == 2 => {
                self.push(Item::ZoneId);
            }
            'Z' => {
                self.push(match count {
                    1..=3 => Item::Offset(3, "+0000"),
                    4 => Item::LocalizedOffset(Style::Full),
                    5 => Item::Offset(6, "Z"),
                    _ => return Err(too_many()),
                });
            }
            'O' if count == 1 || count == 4 => {
                self.push(Item::LocalizedOffset(if count == 4 { Style::Full } else { Style::Short }));
            }
            'X' | 'x' => {
                let kind = match count {
                    1 => 1,
                    2 => 3,
                    3 => 4,
                    4 => 5,
                    5 => 6,
                    _ => return Err(too_many()),
                };
                let zero = match (letter, count) {
                    ('X', _) => "Z",
                    (_, 1) => "+00",
                    (_, 2 | 4) => "+0000",
                    _ => "+00:00",
                };
                self.push(Item::Offset(kind, zero));
            }
            'G' | 'a' | 'F' | 'g' | 'z' | 'V' | 'O' => return Err(Bad::Java(format!("{count} letters `{letter}` mean nothing"))),
            other => return Err(Bad::Java(format!("the letter `{other}` means nothing"))),
        }
        Ok(())
    }
}
