//! JSON into values of a type, as far as it goes: what does not fit is null, and is told of.

use base64::Engine;

use super::options::{Options, ReadFormats};
use super::token::{Liberties, Malformed, Reader, Token};
use super::values::Value;
use super::writer::{Writer, number};
use crate::types::number_text::BigNumber;
use crate::types::{SparkType, StructField, interval_text};
use crate::{Result, Settings};

/// Why a record is malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is no JSON, or a value does not fit.
    Other(String),
    /// An array stands where a struct is asked for.
    ArrayAsStruct,
    /// Text stands where a number is asked for.
    TextAsNumber(String),
}

impl From<Malformed> for Fail {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}

/// Why a value was not read.
#[derive(Debug)]
enum Fail {
    /// The text is no JSON: nothing after it can be read.
    Malformed(String),
    /// The value does not fit; what comes after it can be read.
    Unfit(Cause),
    /// Parts of the value do not fit, and are null in it.
    Partial(Value, Cause),
}

type Read<T> = std::result::Result<T, Fail>;

/// A record that was read.
#[derive(Debug)]
pub(super) enum Record {
    /// All of it; `None` for text without any.
    Whole(Option<Value>),
    /// It is malformed; what could be read.
    Bad(Option<Value>, Cause),
}

/// How JSON is read.
#[derive(Debug)]
pub(super) struct Parser {
    liberties: Liberties,
    formats: ReadFormats,
    /// Whether objects inside of others are read in part.
    partial: bool,
    /// Whether empty text is null for types that have none.
    empty_is_null: bool,
}

/// What JSON is read with, by the options.
///
/// # Errors
/// For options that have no such value.
pub(super) fn liberties(options: &Options) -> Result<Liberties> {
    Ok(Liberties {
        single_quotes: options.flag("allowSingleQuotes", true)?,
        control_characters: options.flag("allowUnquotedControlChars", false)?,
        unquoted_names: options.flag("allowUnquotedFieldNames", false)?,
        leading_zeros: options.flag("allowNumericLeadingZeros", false)?,
        non_numeric: options.flag("allowNonNumericNumbers", true)?,
        comments: options.flag("allowComments", false)?,
        any_escape: options.flag("allowBackslashEscapingAnyCharacter", false)?,
    })
}

impl Parser {
    /// By the options.
    ///
    /// # Errors
    /// For options that have no such value.
    pub(super) fn new(options: &Options, settings: &Settings) -> Result<Self> {
        Ok(Self {
            liberties: liberties(options)?,
            formats: ReadFormats::new(options, settings)?,
            partial: settings.flag("spark.sql.json.enablePartialResults", true)?,
            empty_is_null: settings.flag("spark.sql.legacy.json.allowEmptyString.enabled", false)?,
        })
    }

    /// The record as a value of the type, a struct, an array or a map.
    pub(super) fn record(&self, text: &str, data_type: &SparkType) -> Record {
        let mut reader = Reader::new(text, self.liberties);
        match reader.next() {
            Ok(None) => return Record::Whole(None),
            Ok(Some(_)) => {}
            Err(malformed) => return Record::Bad(None, Cause::Other(malformed.0)),
        }
        match self.root(&mut reader, data_type) {
            Ok(Value::Null) => Record::Bad(None, Cause::Other("the outermost value is null".to_owned())),
            Ok(value) => Record::Whole(Some(value)),
            Err(Fail::Malformed(why)) => Record::Bad(None, Cause::Other(why)),
            Err(Fail::Unfit(cause)) => Record::Bad(None, cause),
            Err(Fail::Partial(value, cause)) => Record::Bad(Some(value), cause),
        }
    }

    fn root(&self, reader: &mut Reader<'_>, data_type: &SparkType) -> Read<Value> {
        match (data_type, reader.current()) {
            (SparkType::Struct(fields), Some(Token::StartObject)) => self.object(reader, fields, true),
            (SparkType::Struct(_), Some(Token::StartArray)) => Err(Fail::Unfit(Cause::ArrayAsStruct)),
            // One struct is an array of one.
            (SparkType::Array(element, _), Some(Token::StartObject)) => match element.as_ref() {
                SparkType::Struct(fields) => match self.object(reader, fields, false) {
                    Ok(value) => Ok(Value::List(vec![value])),
                    Err(Fail::Partial(value, cause)) => Err(Fail::Partial(Value::List(vec![value]), cause)),
                    Err(other) => Err(other),
                },
                _ => Err(self.unfit(reader, data_type)),
            },
            _ => self.value(reader, data_type),
        }
    }

    /// The value at which the reader stands; it stands at its end afterwards.
    fn value(&self, reader: &mut Reader<'_>, data_type: &SparkType) -> Read<Value> {
        if reader.current() == Some(Token::Name) {
            reader.next()?;
        }
        let Some(token) = reader.current() else { return Ok(Value::Null) };
        if token == Token::Null {
            return Ok(Value::Null);
        }
        let filled = token == Token::Text && !reader.value().is_empty();
        let text = reader.value();
        let read = match (data_type, token) {
            (SparkType::Boolean, Token::True) => Some(Value::Boolean(true)),
            (SparkType::Boolean, Token::False) => Some(Value::Boolean(false)),
            (SparkType::Byte, Token::Int) => return self.whole(reader, i64::from(i8::MIN), i64::from(i8::MAX), data_type),
            (SparkType::Short, Token::Int) => return self.whole(reader, i64::from(i16::MIN), i64::from(i16::MAX), data_type),
            (SparkType::Integer, Token::Int) => return self.whole(reader, i64::from(i32::MIN), i64::from(i32::MAX), data_type),
            (SparkType::Long, Token::Int) => return self.whole(reader, i64::MIN, i64::MAX, data_type),
            (SparkType::Float, Token::Int | Token::Float) => Some(Value::Float(match text {
                "NaN" | "Infinity" | "-Infinity" => {
                    #[allow(clippy::cast_possible_truncation)]
                    let special = number(text) as f32;
                    special
                }
                text => text.parse().unwrap_or(f32::NAN),
            })),
            (SparkType::Double, Token::Int | Token::Float) => Some(Value::Double(number(text))),
            (SparkType::Float | SparkType::Double, Token::Text) if filled => {
                let special = self.special(text).ok_or_else(|| Fail::Unfit(Cause::TextAsNumber(text.to_owned())))?;
                #[allow(clippy::cast_possible_truncation)]
                let value = if *data_type == SparkType::Float { Value::Float(special as f32) } else { Value::Double(special) };
                Some(value)
            }
            (SparkType::String | SparkType::Char(_) | SparkType::Varchar(_), Token::Text) => Some(Value::Text(text.to_owned())),
            (SparkType::String | SparkType::Char(_) | SparkType::Varchar(_), _) => {
                let mut writer = Writer::default();
                writer.copy(reader)?;
                Some(Value::Text(writer.out))
            }
            (SparkType::Timestamp, Token::Text) if filled => return self.found(self.formats.timestamp(text), reader, data_type),
            (SparkType::Timestamp, Token::Int) => {
                let micros = text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000));
                return self.found(micros, reader, data_type);
            }
            (SparkType::TimestampNtz, Token::Text) if filled => return self.found(self.formats.ntz(text), reader, data_type),
            (SparkType::Date, Token::Text) if filled => {
                // Spark 1.5 wrote dates as their days.
                let days = || self.formats.default_date().then(|| text.parse::<i32>().ok().map(i64::from)).flatten();
                return self.found(self.formats.date(text).or_else(days), reader, data_type);
            }
            (SparkType::Time(_), Token::Text) if filled => return self.found(self.formats.time(text), reader, data_type),
            (SparkType::Binary, Token::Text) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
                Some(Value::Bytes(bytes.ok_or_else(|| self.unfit(reader, data_type))?))
            }
            (SparkType::Decimal(precision, scale), Token::Int | Token::Float | Token::Text) if token != Token::Text || filled => {
                let digits = if token == Token::Text { text.replace(',', "") } else { text.to_owned() };
                let value = BigNumber::parse(&digits).and_then(|number| number.to_decimal(*precision, *scale));
                Some(Value::Decimal(value.ok_or_else(|| self.unfit(reader, data_type))?))
            }
            (SparkType::CalendarInterval, Token::Text) => {
                // Text that is no interval is null.
                Some(
                    interval_text::parse_calendar(text).map_or(Value::Null, |(months, days, micros)| Value::Interval(months, days, micros)),
                )
            }
            (SparkType::YearMonthInterval(start, end), Token::Text) => {
                let months = interval_text::parse_year_month(text, *start, *end).ok().map(i64::from);
                return self.found(months, reader, data_type);
            }
            (SparkType::DayTimeInterval(start, end), Token::Text) => {
                return self.found(interval_text::parse_day_time(text, *start, *end).ok(), reader, data_type);
            }
            (SparkType::Struct(fields), Token::StartObject) => return self.object(reader, fields, false),
            (SparkType::Array(element, _), Token::StartArray) => return self.list(reader, element),
            (SparkType::Map(_, value, _), Token::StartObject) => return self.map(reader, value),
            (SparkType::Null, _) => {
                reader.skip_children()?;
                Some(Value::Null)
            }
            _ => None,
        };
        read.map_or_else(|| self.failed(reader, token, data_type), Ok)
    }

    /// A token that a type has no use for.
    fn failed(&self, reader: &Reader<'_>, token: Token, data_type: &SparkType) -> Read<Value> {
        let empty = token == Token::Text && reader.value().is_empty();
        let strict = matches!(data_type, SparkType::Float | SparkType::Double | SparkType::Timestamp | SparkType::Date);
        if empty && self.empty_is_null && !strict {
            return Ok(Value::Null);
        }
        Err(self.unfit(reader, data_type))
    }

    #[allow(clippy::unused_self)]
    fn unfit(&self, reader: &Reader<'_>, data_type: &SparkType) -> Fail {
        let name = reader.name().map(|name| format!(" of the field `{name}`")).unwrap_or_default();
        Fail::Unfit(Cause::Other(format!("the value `{}`{name} is no \"{}\"", reader.value(), data_type.sql())))
    }

    fn found(&self, value: Option<i64>, reader: &Reader<'_>, data_type: &SparkType) -> Read<Value> {
        value.map(Value::Long).ok_or_else(|| self.unfit(reader, data_type))
    }

    fn whole(&self, reader: &Reader<'_>, low: i64, high: i64, data_type: &SparkType) -> Read<Value> {
        self.found(reader.value().parse().ok().filter(|value| (low..=high).contains(value)), reader, data_type)
    }

    fn special(&self, text: &str) -> Option<f64> {
        if !self.liberties.non_numeric {
            return None;
        }
        match text {
            "NaN" => Some(f64::NAN),
            "+INF" | "+Infinity" | "Infinity" => Some(f64::INFINITY),
            "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        }
    }

    /// A struct; fields that do not fit are null.
    fn object(&self, reader: &mut Reader<'_>, fields: &[StructField], root: bool) -> Read<Value> {
        let mut parts = vec![Value::Null; fields.len()];
        let mut bad = None;
        while reader.next_until(Token::EndObject)? {
            let place = fields.iter().position(|field| field.name == reader.value());
            let Some((field, part)) = place.and_then(|at| fields.get(at).zip(parts.get_mut(at))) else {
                reader.next()?;
                reader.skip_children()?;
                continue;
            };
            match self.value(reader, &field.data_type) {
                Ok(value) => *part = value,
                Err(Fail::Partial(value, cause)) if self.partial => {
                    bad.get_or_insert(cause);
                    *part = value;
                }
                Err(Fail::Unfit(cause) | Fail::Partial(_, cause)) if root || self.partial => {
                    bad.get_or_insert(cause);
                    reader.skip_children()?;
                }
                Err(other) => return Err(other),
            }
        }
        match bad {
            None => Ok(Value::Struct(parts)),
            Some(cause) => Err(Fail::Partial(Value::Struct(parts), cause)),
        }
    }

    /// An array; one element that does not fit spoils it, one that fits in part does not.
    fn list(&self, reader: &mut Reader<'_>, element: &SparkType) -> Read<Value> {
        let mut items = Vec::new();
        let mut bad = None;
        while reader.next_until(Token::EndArray)? {
            match self.value(reader, element) {
                Ok(value) => items.push(value),
                Err(Fail::Partial(value, cause)) if self.partial => {
                    bad.get_or_insert(cause);
                    items.push(value);
                }
                Err(other) => return Err(other),
            }
        }
        match bad {
            None => Ok(Value::List(items)),
            Some(cause) => Err(Fail::Partial(Value::List(items), cause)),
        }
    }

    /// A map. A value that does not fit leaves the keys and values of unequal number in Spark; here it is null.
    fn map(&self, reader: &mut Reader<'_>, value_type: &SparkType) -> Read<Value> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        let mut bad = None;
        while reader.next_until(Token::EndObject)? {
            let key = Value::Text(reader.value().to_owned());
            let value = match self.value(reader, value_type) {
                Ok(value) => value,
                Err(Fail::Partial(value, cause)) if self.partial => {
                    bad.get_or_insert(cause);
                    value
                }
                Err(Fail::Unfit(cause)) if self.partial => {
                    bad.get_or_insert(cause);
                    reader.skip_children()?;
                    Value::Null
                }
                Err(other) => return Err(other),
            };
            entries.push((key, value));
        }
        match bad {
            None => Ok(Value::Map(entries)),
            Some(cause) => Err(Fail::Partial(Value::Map(entries), cause)),
        }
    }
}
