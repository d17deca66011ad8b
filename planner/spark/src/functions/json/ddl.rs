//! Types in DDL text, for schemas: a stand-in that hands the text to the parser.

use crate::error::error;
use crate::types::{SparkType, StructField};
use crate::{Result, Settings};

/// A type, or the columns of a table as a struct.
///
/// # Errors
/// `INVALID_SCHEMA.PARSE_ERROR`
pub(super) fn parse(text: &str, settings: &Settings) -> Result<SparkType> {
    let mut words = Words { rest: text, settings };
    if let Some(data_type) = words.data_type()
        && words.rest.trim().is_empty()
    {
        return Ok(data_type);
    }
    let mut words = Words { rest: text, settings };
    match words.fields(None) {
        Some(fields) if words.rest.trim().is_empty() => Ok(SparkType::Struct(fields)),
        _ => Err(error("INVALID_SCHEMA.PARSE_ERROR", format!("`{text}` is no schema: write one such as `a INT, b ARRAY<STRING>`"))),
    }
}

struct Words<'a> {
    rest: &'a str,
    settings: &'a Settings,
}

impl Words<'_> {
    fn take(&mut self, token: char) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(token) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('`') {
            let mut name = String::new();
            let mut chars = quoted.char_indices().peekable();
            while let Some((at, c)) = chars.next() {
                if c != '`' {
                    name.push(c);
                } else if chars.next_if(|(_, c)| *c == '`').is_some() {
                    name.push('`');
                } else {
                    self.rest = quoted.get(at + 1..)?;
                    return Some(name);
                }
            }
            return None;
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn keyword(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.word().is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return true;
        }
        self.rest = before;
        false
    }

    fn numbers(&mut self) -> Option<Vec<u32>> {
        let mut numbers = Vec::new();
        if self.take('(') {
            loop {
                numbers.push(self.word()?.parse().ok()?);
                if self.take(')') {
                    break;
                }
                if !self.take(',') {
                    return None;
                }
            }
        }
        Some(numbers)
    }

    fn fields(&mut self, end: Option<char>) -> Option<Vec<StructField>> {
        let mut fields = Vec::new();
        if end.is_some_and(|end| self.take(end)) {
            return Some(fields);
        }
        loop {
            let name = self.word()?;
            self.take(':');
            let data_type = self.data_type()?;
            let nullable = !(self.keyword("NOT") && self.keyword("NULL"));
            fields.push(StructField::new(name, data_type).with_nullable(nullable));
            if self.take(',') {
                continue;
            }
            return match end {
                Some(end) => self.take(end).then_some(fields),
                None => Some(fields),
            };
        }
    }

    fn data_type(&mut self) -> Option<SparkType> {
        let name = self.word()?.to_lowercase();
        Some(match name.as_str() {
            "array" => {
                let element = self.take('<').then(|| self.data_type())??;
                self.take('>').then(|| SparkType::array(element))?
            }
            "map" => {
                let key = self.take('<').then(|| self.data_type())??;
                let value = self.take(',').then(|| self.data_type())??;
                self.take('>').then(|| SparkType::map(key, value))?
            }
            "struct" => SparkType::Struct(self.take('<').then(|| self.fields(Some('>')))??),
            "decimal" | "dec" | "numeric" => match self.numbers()?.as_slice() {
                [] => SparkType::DEFAULT_DECIMAL,
                [precision] => SparkType::Decimal(u8::try_from(*precision).ok().filter(|p| (1..=38).contains(p))?, 0),
                [precision, scale] => {
                    let precision = u8::try_from(*precision).ok().filter(|p| (1..=38).contains(p))?;
                    SparkType::Decimal(precision, u8::try_from(*scale).ok().filter(|s| *s <= precision)?)
                }
                _ => return None,
            },
            "char" | "character" | "varchar" => {
                let numbers = self.numbers()?;
                let [length] = numbers.as_slice() else { return None };
                if name == "varchar" { SparkType::Varchar(*length) } else { SparkType::Char(*length) }
            }
            "timestamp" if self.settings.timestamp_is_ntz => SparkType::TimestampNtz,
            simple => simple_type(simple)?,
        })
    }
}

fn simple_type(name: &str) -> Option<SparkType> {
    Some(match name {
        "boolean" => SparkType::Boolean,
        "tinyint" | "byte" => SparkType::Byte,
        "smallint" | "short" => SparkType::Short,
        "int" | "integer" => SparkType::Integer,
        "bigint" | "long" => SparkType::Long,
        "float" | "real" => SparkType::Float,
        "double" => SparkType::Double,
        "string" => SparkType::String,
        "binary" => SparkType::Binary,
        "date" => SparkType::Date,
        "time" => SparkType::Time(6),
        "timestamp" | "timestamp_ltz" => SparkType::Timestamp,
        "timestamp_ntz" => SparkType::TimestampNtz,
        "interval" => SparkType::CalendarInterval,
        "void" => SparkType::Null,
        _ => return None,
    })
}
