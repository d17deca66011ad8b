//! Spark's DDL for types and schemas (`"eventId STRING NOT NULL, tags ARRAY<STRING>"`) as Arrow types. It knows no SQL.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use tidemill_planner::ident::did_you_mean;

use crate::{Error, Result};

/// The Arrow type of Spark's TIMESTAMP: microseconds since the Unix epoch, an instant.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Names of types without parameters.
const SIMPLE: [(&str, DataType); 25] = [
    ("boolean", DataType::Boolean),
    ("bool", DataType::Boolean),
    ("tinyint", DataType::Int8),
    ("byte", DataType::Int8),
    ("smallint", DataType::Int16),
    ("short", DataType::Int16),
    ("int", DataType::Int32),
    ("integer", DataType::Int32),
    ("bigint", DataType::Int64),
    ("long", DataType::Int64),
    ("float", DataType::Float32),
    ("real", DataType::Float32),
    ("double", DataType::Float64),
    ("double precision", DataType::Float64),
    ("string", DataType::Utf8),
    ("text", DataType::Utf8),
    ("varchar", DataType::Utf8),
    ("char", DataType::Utf8),
    ("binary", DataType::Binary),
    ("date", DataType::Date32),
    ("timestamp_ntz", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("void", DataType::Null),
    ("decimal", DataType::Decimal128(10, 0)),
    ("dec", DataType::Decimal128(10, 0)),
    ("numeric", DataType::Decimal128(10, 0)),
];

/// The schema that a DDL text like `"id BIGINT NOT NULL, tags ARRAY<STRING>"` describes.
///
/// # Errors
/// `Analysis` when the text is not Spark DDL, or names two columns alike.
pub fn parse_schema(ddl: &str) -> Result<SchemaRef> {
    let mut parser = Parser::new(ddl)?;
    let fields = parser.fields(None)?;
    let mut seen = std::collections::HashMap::new();
    for field in &fields {
        if let Some(first) = seen.insert(field.name().to_lowercase(), field.name()) {
            return Err(Error::analysis(format!("schema `{ddl}` names a column twice: `{first}` and `{}`", field.name())));
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The type that a DDL text like `"decimal(10,2)"` names.
///
/// # Errors
/// `Analysis` when it names none; the message holds the nearest name.
pub fn parse_type(ddl: &str) -> Result<DataType> {
    let mut parser = Parser::new(ddl)?;
    let data_type = parser.data_type()?;
    parser.end()?;
    Ok(data_type)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Mark(char),
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self> {
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                c if c.is_whitespace() => {}
                '<' | '>' | '(' | ')' | ',' | ':' | '-' => tokens.push(Token::Mark(c)),
                '`' => tokens.push(Token::Quoted(quoted(text, &mut chars, '`')?)),
                '\'' => tokens.push(Token::Quoted(quoted(text, &mut chars, '\'')?)),
                c if c.is_alphanumeric() || c == '_' => {
                    let mut word = String::from(c);
                    while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                        word.push(next);
                    }
                    tokens.push(Token::Word(word));
                }
                other => return Err(Error::analysis(format!("schema `{text}`: unexpected `{other}`; quote unusual names with backticks"))),
            }
        }
        Ok(Self { text, tokens, at: 0 })
    }

    fn refuse<T>(&self, why: impl std::fmt::Display) -> Result<T> {
        Err(Error::analysis(format!("schema `{}`: {why}", self.text)))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn mark(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<()> {
        if self.mark(mark) { Ok(()) } else { self.refuse(format_args!("expected `{mark}`{}", self.found())) }
    }

    fn found(&self) -> String {
        match self.peek() {
            Some(Token::Word(text) | Token::Quoted(text)) => format!(" before `{text}`"),
            Some(Token::Mark(mark)) => format!(" before `{mark}`"),
            None => " at its end".to_owned(),
        }
    }

    fn end(&self) -> Result<()> {
        if self.at == self.tokens.len() { Ok(()) } else { self.refuse(format_args!("unexpected text{}", self.found())) }
    }

    /// `name [:] type [NOT NULL] [COMMENT 'text']`, separated by commas, up to `close` or the end.
    fn fields(&mut self, close: Option<char>) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        let done = |parser: &mut Self| match close {
            Some(mark) => parser.mark(mark),
            None => parser.at == parser.tokens.len(),
        };
        while !done(self) {
            if !fields.is_empty() {
                self.expect(',')?;
            }
            fields.push(self.field()?);
        }
        if fields.is_empty() && close.is_none() { self.refuse("it names no column") } else { Ok(fields) }
    }

    fn field(&mut self) -> Result<Field> {
        let name = self.name()?;
        self.mark(':');
        let data_type = self.data_type()?;
        let mut nullable = true;
        if self.word("not") {
            if !self.word("null") {
                return self.refuse(format_args!("expected NULL after NOT{}", self.found()));
            }
            nullable = false;
        }
        if self.word("comment") {
            self.name()?;
        }
        Ok(Field::new(name, data_type, nullable))
    }

    fn name(&mut self) -> Result<String> {
        match self.peek().cloned() {
            Some(Token::Word(name) | Token::Quoted(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => self.refuse(format_args!("expected a name{}", self.found())),
        }
    }

    fn data_type(&mut self) -> Result<DataType> {
        let Some(Token::Word(word)) = self.peek().cloned() else {
            return self.refuse(format_args!("expected a type{}", self.found()));
        };
        self.at += 1;
        let mut name = word.to_lowercase();
        match name.as_str() {
            "array" => {
                self.expect('<')?;
                let item = self.data_type()?;
                self.expect('>')?;
                return Ok(DataType::List(Arc::new(Field::new_list_field(item, true))));
            }
            "map" => {
                self.expect('<')?;
                let key = self.data_type()?;
                self.expect(',')?;
                let value = self.data_type()?;
                self.expect('>')?;
                let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
                return Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false));
            }
            "struct" => {
                self.expect('<')?;
                return Ok(DataType::Struct(self.fields(Some('>'))?.into()));
            }
            "timestamp" | "timestamp_ltz" => {
                for word in ["without", "with", "time", "zone"] {
                    if word == "without" && self.word("without") {
                        let _ = self.word("time") && self.word("zone");
                        return Ok(DataType::Timestamp(TimeUnit::Microsecond, None));
                    }
                    self.word(word);
                }
                return Ok(timestamp());
            }
            "double" if self.word("precision") => name = "double precision".to_owned(),
            _ => {}
        }
        let Some((_, simple)) = SIMPLE.iter().find(|(known, _)| *known == name) else {
            let hint = did_you_mean(&name, SIMPLE.iter().map(|(known, _)| *known).chain(["timestamp", "array", "map", "struct"]));
            return self.refuse(format_args!("unknown type `{word}`{hint}"));
        };
        if !self.mark('(') {
            return Ok(simple.clone());
        }
        let first = self.number()?;
        let second = if self.mark(',') { Some(self.number()?) } else { None };
        self.expect(')')?;
        match (simple, second) {
            (DataType::Decimal128(..), scale) => {
                let scale = scale.unwrap_or(0);
                if !(1..=38).contains(&first) || scale > first {
                    return self
                        .refuse(format_args!("decimal({first},{scale}) is out of range: 1 to 38 digits, no more of them after the point"));
                }
                Ok(DataType::Decimal128(first as u8, scale as i8))
            }
            // Lengths of CHAR and VARCHAR bound what is written; they are no part of the type.
            (DataType::Utf8, None) if name != "string" && name != "text" => Ok(DataType::Utf8),
            _ => self.refuse(format_args!("type `{word}` takes no such parameters")),
        }
    }

    fn number(&mut self) -> Result<u32> {
        match self.peek() {
            Some(Token::Word(word)) => match word.parse() {
                Ok(number) => {
                    self.at += 1;
                    Ok(number)
                }
                Err(_) => self.refuse(format_args!("expected a whole number{}", self.found())),
            },
            _ => self.refuse(format_args!("expected a whole number{}", self.found())),
        }
    }
}

fn quoted(text: &str, chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> Result<String> {
    let mut name = String::new();
    while let Some(c) = chars.next() {
        if c != quote {
            name.push(c);
        } else if chars.next_if_eq(&quote).is_some() {
            name.push(quote);
        } else {
            return Ok(name);
        }
    }
    Err(Error::analysis(format!("schema `{text}`: a {quote} is not closed")))
}

#[cfg(test)]
mod tests {
    use tidemill_planner::catalog_string::catalog_string;

    use super::*;

    #[test]
    fn types() {
        for (ddl, expected) in [
            ("BIGINT", "bigint"),
            ("long", "bigint"),
            ("decimal(10,2)", "decimal(10,2)"),
            ("DECIMAL", "decimal(10,0)"),
            ("varchar(20)", "string"),
            ("timestamp", "timestamp"),
            ("TIMESTAMP WITHOUT TIME ZONE", "timestamp_ntz"),
            ("timestamp_ntz", "timestamp_ntz"),
            ("array<struct<a:int,b:map<string,double>>>", "array<struct<a:int,b:map<string,double>>>"),
            ("STRUCT<a INT NOT NULL, `b c`: DATE COMMENT 'x'>", "struct<a:int,b c:date>"),
        ] {
            assert_eq!(catalog_string(&parse_type(ddl).unwrap()), expected, "{ddl}");
        }
        for (ddl, message) in [
            ("bigin", "unknown type `bigin`; did you mean `bigint`?"),
            ("decimal(40,2)", "out of range"),
            ("array<int", "expected `>` at its end"),
            ("int(3)", "takes no such parameters"),
            ("", "expected a type at its end"),
        ] {
            let error = parse_type(ddl).unwrap_err();
            assert!(error.message().contains(message), "{ddl}: {error}");
        }
    }

    #[test]
    fn schemas() {
        let schema = parse_schema("eventId STRING NOT NULL, dwellMs bigint, `odd name` array<int>").unwrap();
        let shown: Vec<String> =
            schema.fields().iter().map(|f| format!("{} {} {}", f.name(), catalog_string(f.data_type()), f.is_nullable())).collect();
        assert_eq!(shown, ["eventId string false", "dwellMs bigint true", "odd name array<int> true"]);
        let twice = parse_schema("a int, A int").unwrap_err();
        assert!(twice.message().contains("`a` and `A`"), "{twice}");
        assert!(parse_schema("a int b int").is_err());
    }
}
