//! CSV text as structs: from_csv.

use arrow::array::{Array, ArrayRef, AsArray};

use super::line::Format;
use crate::error::error;
use crate::functions::json::options::{Options, ReadFormats, check_corrupt_record, option_map, schema_argument, shown};
use crate::functions::json::values::{Value, array_of};
use crate::functions::nested::{argument, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::number_text::{BigNumber, parse_double, parse_float};
use crate::types::{SparkType, StructField, interval_text};
use crate::{Error, Result, Settings, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "from_csv",
    Group::Csv,
    "from_csv(csvStr, schema[, options]) - The CSV text as a struct of that schema; what does not fit is null.",
    &[
        ("SELECT from_csv('1, 0.8', 'a INT, b DOUBLE')", "{\"a\":1,\"b\":0.8}"),
        ("SELECT from_csv('26/08/2015', 'time Timestamp', map('timestampFormat', 'dd/MM/yyyy'))", "{\"time\":2015-08-26 00:00:00}"),
    ],
    from_csv,
)];

fn from_csv(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let out = schema_argument(call, 1)?;
    let constants = option_map(call, 2)?;
    let SparkType::Struct(fields) = &out else {
        let message = format!("`from_csv` makes a struct, and the schema is \"{}\": write columns such as 'a INT, b STRING'", out.sql());
        return Err(call.refuse("INVALID_SCHEMA.NON_STRUCT_TYPE", message));
    };
    if let Some(field) = fields.iter().find(|field| field.data_type.is_nested()) {
        let message = format!("`from_csv` reads no \"{}\", as the column `{}` is: make it string", field.data_type.sql(), field.name);
        return Err(call.refuse("UNSUPPORTED_DATATYPE", message));
    }
    let text = call.expect(0, &Want::String)?;
    let place = |error| crate::error::at(error, call.span);
    let options = Options::of(&constants);
    Parser::new(&options, call.settings).map_err(place)?;
    check_corrupt_record(fields, options.corrupt_record(call.settings)).map_err(place)?;
    let nullable = text.nullable;
    let made = call.scalar_with(kernel, vec![text.clone()], constants, out, nullable);
    Ok(shown(call, made, &text))
}

/// How CSV is read.
#[derive(Debug)]
pub(super) struct Parser {
    pub(super) format: Format,
    pub(super) formats: ReadFormats,
    fails_fast: bool,
    nan: String,
    positive: String,
    negative: String,
}

impl Parser {
    /// By the options.
    ///
    /// # Errors
    /// For options that have no such value.
    pub(super) fn new(options: &Options, settings: &Settings) -> Result<Self> {
        let text = |name: &str, default: &str| options.get(name).unwrap_or(default).to_owned();
        Ok(Self {
            format: Format::new(options)?,
            formats: ReadFormats::new(options, settings)?,
            fails_fast: options.fails_fast("from_csv")?,
            nan: text("nanValue", "NaN"),
            positive: text("positiveInf", "Inf"),
            negative: text("negativeInf", "-Inf"),
        })
    }

    /// NaN and infinities by their names.
    pub(super) fn special(&self, text: &str) -> Option<f64> {
        match text {
            text if text == self.nan => Some(f64::NAN),
            text if text == self.negative => Some(f64::NEG_INFINITY),
            text if text == self.positive => Some(f64::INFINITY),
            _ => None,
        }
    }

    /// A value of a type; `None` for text that is none.
    fn value(&self, text: &str, data_type: &SparkType) -> Option<Value> {
        if text == self.format.null() {
            return Some(Value::Null);
        }
        let long = |value: Option<i64>| value.map(Value::Long);
        match data_type {
            SparkType::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
            SparkType::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
            SparkType::Byte => long(text.parse::<i8>().ok().map(i64::from)),
            SparkType::Short => long(text.parse::<i16>().ok().map(i64::from)),
            SparkType::Integer => long(text.parse::<i32>().ok().map(i64::from)),
            SparkType::Long => long(text.parse().ok()),
            SparkType::Float => match self.special(text) {
                #[allow(clippy::cast_possible_truncation)]
                Some(special) => Some(Value::Float(special as f32)),
                None => parse_float(text).map(Value::Float),
            },
            SparkType::Double => self.special(text).or_else(|| parse_double(text)).map(Value::Double),
            SparkType::Decimal(precision, scale) => {
                let number = BigNumber::parse(&text.replace(',', ""))?;
                number.to_decimal(*precision, *scale).map(Value::Decimal)
            }
            SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => Some(Value::Text(text.to_owned())),
            SparkType::Binary => Some(Value::Bytes(text.as_bytes().to_vec())),
            SparkType::Date => long(self.formats.date(text)),
            SparkType::Timestamp => long(self.formats.timestamp(text)),
            SparkType::TimestampNtz => long(self.formats.ntz(text)),
            SparkType::Time(_) => long(self.formats.time(text)),
            SparkType::CalendarInterval => {
                let (months, days, micros) = interval_text::parse_calendar(text).ok()?;
                Some(Value::Interval(months, days, micros))
            }
            SparkType::YearMonthInterval(start, end) => long(interval_text::parse_year_month(text, *start, *end).ok().map(i64::from)),
            SparkType::DayTimeInterval(start, end) => long(interval_text::parse_day_time(text, *start, *end).ok()),
            _ => None,
        }
    }

    /// The values of a record, and whether it is as it should be.
    pub(super) fn record(&self, line: &str, fields: &[&StructField]) -> (Vec<Value>, bool) {
        let Some(tokens) = self.format.split(line) else { return (vec![Value::Null; fields.len()], false) };
        let mut good = tokens.len() == fields.len();
        let values = fields
            .iter()
            .enumerate()
            .map(|(i, field)| {
                let value = tokens.get(i).and_then(|token| self.value(token, &field.data_type));
                good &= value.is_some();
                value.unwrap_or(Value::Null)
            })
            .collect();
        (values, good)
    }
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let texts = argument(args, 0)?.as_string::<i32>();
    let options = Options::of(args.constants);
    let parser = Parser::new(&options, args.settings)?;
    let SparkType::Struct(fields) = args.out else { return Err(Error::internal("from_csv makes structs")) };
    let corrupt = fields.iter().position(|field| field.name == options.corrupt_record(args.settings));
    let wanted: Vec<&StructField> = fields.iter().enumerate().filter(|(at, _)| Some(*at) != corrupt).map(|(_, field)| field).collect();
    let mut values = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if texts.is_null(row) {
            values.push(Value::Null);
            continue;
        }
        let line = texts.value(row);
        let (mut parts, good) = parser.record(line, &wanted);
        if !good && parser.fails_fast {
            return Err(error(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                format!("the record `{line}` does not fit the schema: correct it, or set the option `mode` to PERMISSIVE for nulls"),
            ));
        }
        if let Some(corrupt) = corrupt {
            parts.insert(corrupt.min(parts.len()), if good { Value::Null } else { Value::Text(line.to_owned()) });
        }
        values.push(Value::Struct(parts));
    }
    array_of(values, args.out)
}
