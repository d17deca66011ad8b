//! Columns under construction: one JSON value is appended at a time, and a line that fails is taken back whole. It does not
//! split lines.
//!
//! A column is a mask and a store. Taking back is cutting both to an earlier length, so a row may be left half-way at any
//! place, and a key that stands twice in an object is taken back and read again.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::{DataType, FieldRef, Fields, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tidemill_planner::{Error, Result};

use super::cursor::{Cursor, Number, Reason, Whole};
use super::scalar;

/// One column of the schema, or of a struct, list or map in it.
pub(super) struct Column {
    pub(super) field: FieldRef,
    /// `a.b`, `a[]`, `a{}`: for reasons.
    path: String,
    /// `"name":` as it stands in compact JSON.
    pattern: Box<[u8]>,
    pub(super) valid: Vec<bool>,
    pub(super) store: Store,
}

/// The values of a column; a null has a value too (zero or empty).
pub(super) enum Store {
    Boolean(Vec<bool>),
    /// Integers, dates and timestamps, within the bounds of their type.
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Decimal(Vec<i128>),
    Text(Texts),
    Binary(Texts),
    Struct(Columns),
    List(Vec<i32>, Box<Column>),
    Map(Vec<i32>, Box<(Column, Column)>),
}

/// Byte strings one after another; value `i` ends at `ends[i]`.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) ends: Vec<i32>,
    pub(super) bytes: Vec<u8>,
}

/// The columns of an object, and how its keys find them.
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    exact: HashMap<Box<[u8]>, usize>,
    lower: HashMap<String, usize>,
}

impl Column {
    pub(super) fn new(field: &FieldRef, path: String) -> Result<Self> {
        let list = |item: &FieldRef| Column::new(item, format!("{path}[]"));
        let store = match field.data_type() {
            DataType::Boolean => Store::Boolean(Vec::new()),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Date32 => Store::Integer(Vec::new()),
            DataType::Timestamp(..) => Store::Integer(Vec::new()),
            DataType::Float32 | DataType::Float64 => Store::Float(Vec::new()),
            DataType::Decimal128(..) => Store::Decimal(Vec::new()),
            DataType::Utf8 => Store::Text(Texts::default()),
            DataType::Binary => Store::Binary(Texts::default()),
            DataType::Struct(fields) => Store::Struct(Columns::new(fields, &format!("{path}."))?),
            DataType::List(item) => Store::List(Vec::new(), Box::new(list(item)?)),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 && *pair[0].data_type() == DataType::Utf8 => {
                    let key = Column::new(&pair[0], format!("{path} (key)"))?;
                    Store::Map(Vec::new(), Box::new((key, Column::new(&pair[1], format!("{path}{{}}"))?)))
                }
                _ => {
                    return Err(Error::unsupported(format!(
                        "column `{path}`: JSON keys are strings, so a map read from JSON has string keys; declare it map<string, …>"
                    )));
                }
            },
            other => {
                return Err(Error::unsupported(format!(
                    "column `{path}`: {other} cannot be read from JSON; declare it as one of boolean, tinyint, smallint, int, bigint, float, \
                     double, decimal, string, binary, date, timestamp, struct, array, map<string, …> and cast afterwards"
                )));
            }
        };
        // A name that needs escapes is found by the slower way.
        let pattern = format!("\"{}\":", field.name()).into_bytes().into_boxed_slice();
        Ok(Self { field: field.clone(), path, pattern, valid: Vec::new(), store })
    }

    fn len(&self) -> usize {
        self.valid.len()
    }

    /// Appends the value that comes next in the line.
    pub(super) fn append(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Result<(), Reason> {
        let next = cursor.peek();
        if next == Some(b'n') {
            cursor.literal("null")?;
            return self.append_absent();
        }
        match &mut self.store {
            Store::Text(texts) if next == Some(b'"') => {
                cursor.string_into(&mut texts.bytes)?;
                texts.end();
            }
            Store::Integer(values) if matches!(next, Some(b'-' | b'0'..=b'9')) && is_plain_integer(self.field.data_type()) => {
                let number = cursor.number()?;
                let value = integer(&number).filter(|value| in_bounds(self.field.data_type(), *value));
                values.push(value.ok_or_else(|| mismatch(&self.path, self.field.data_type(), number.text))?);
            }
            Store::Boolean(values) if matches!(next, Some(b't' | b'f')) => {
                let value = next == Some(b't');
                cursor.literal(if value { "true" } else { "false" })?;
                values.push(value);
            }
            Store::Float(values) if matches!(next, Some(b'-' | b'0'..=b'9')) => {
                let number = cursor.number()?;
                let value = float(&number, *self.field.data_type() == DataType::Float32);
                values.push(value.ok_or_else(|| mismatch(&self.path, self.field.data_type(), number.text))?);
            }
            // What JSON's numbers do not say, Spark writes as text.
            Store::Float(values) if next == Some(b'"') => {
                let text = cursor.string(scratch)?;
                let value = not_finite(text);
                values.push(value.ok_or_else(|| mismatch(&self.path, self.field.data_type(), &format!("\"{}\"", text.escape_ascii())))?);
            }
            Store::Decimal(values) if matches!(next, Some(b'-' | b'0'..=b'9')) => {
                let number = cursor.number()?;
                let DataType::Decimal128(precision, scale) = self.field.data_type() else {
                    return Err("not a decimal".to_owned());
                };
                let value = scalar::decimal(number.text, *precision, *scale);
                values.push(value.ok_or_else(|| mismatch(&self.path, self.field.data_type(), number.text))?);
            }
            // Dates and timestamps: a number is not one of theirs.
            Store::Integer(values) if next == Some(b'"') && !is_plain_integer(self.field.data_type()) => {
                let text = std::str::from_utf8(cursor.string(scratch)?).map_err(|_| "invalid UTF-8")?;
                let value = time(self.field.data_type(), text);
                values.push(value.ok_or_else(|| mismatch(&self.path, self.field.data_type(), &format!("{text:?}")))?);
            }
            Store::Binary(texts) if next == Some(b'"') => {
                let text = cursor.string(scratch)?;
                BASE64.decode_vec(text, &mut texts.bytes).map_err(|error| format!("field `{}`: not base64: {error}", self.path))?;
                texts.end();
            }
            Store::Struct(columns) if next == Some(b'{') => columns.append_object(cursor, scratch, self.valid.len())?,
            Store::List(ends, child) if next == Some(b'[') => {
                cursor.open()?;
                let mut first = true;
                while cursor.more(b']', first)? {
                    first = false;
                    child.append(cursor, scratch)?;
                }
                ends.push(end(child.len()));
            }
            Store::Map(ends, pair) if next == Some(b'{') => {
                let (keys, values) = &mut **pair;
                append_map(cursor, scratch, &self.path, keys, values, ends.last().map_or(0, |end| *end as usize))?;
                ends.push(end(keys.len()));
            }
            _ => return Err(wrong_type(cursor, next, &self.path, self.field.data_type(), scratch)),
        }
        self.valid.push(true);
        Ok(())
    }

    /// Appends the null of a key that is absent or null, if there may be one.
    fn append_absent(&mut self) -> Result<(), Reason> {
        if !self.field.is_nullable() {
            return Err(format!("field `{}` is null or missing, and it is NOT NULL", self.path));
        }
        self.append_null();
        Ok(())
    }

    fn append_null(&mut self) {
        match &mut self.store {
            Store::Boolean(values) => values.push(false),
            Store::Integer(values) => values.push(0),
            Store::Float(values) => values.push(0.0),
            Store::Decimal(values) => values.push(0),
            Store::Text(texts) | Store::Binary(texts) => texts.end(),
            Store::Struct(columns) => columns.columns.iter_mut().for_each(Column::append_null),
            Store::List(ends, child) => ends.push(end(child.len())),
            Store::Map(ends, pair) => ends.push(end(pair.0.len())),
        }
        self.valid.push(false);
    }

    /// Takes back everything after the first `rows` values, half-built ones included.
    fn truncate(&mut self, rows: usize) {
        self.valid.truncate(rows);
        match &mut self.store {
            Store::Boolean(values) => values.truncate(rows),
            Store::Integer(values) => values.truncate(rows),
            Store::Float(values) => values.truncate(rows),
            Store::Decimal(values) => values.truncate(rows),
            Store::Text(texts) | Store::Binary(texts) => {
                texts.ends.truncate(rows);
                texts.bytes.truncate(texts.ends.last().map_or(0, |end| *end as usize));
            }
            Store::Struct(columns) => columns.truncate(rows),
            Store::List(ends, child) => {
                ends.truncate(rows);
                child.truncate(ends.last().map_or(0, |end| *end as usize));
            }
            Store::Map(ends, pair) => {
                ends.truncate(rows);
                let entries = ends.last().map_or(0, |end| *end as usize);
                pair.0.truncate(entries);
                pair.1.truncate(entries);
            }
        }
    }
}

impl Columns {
    /// `prefix` leads the columns' paths.
    pub(super) fn new(fields: &Fields, prefix: &str) -> Result<Self> {
        let columns: Vec<Column> = fields.iter().map(|f| Column::new(f, format!("{prefix}{}", f.name()))).collect::<Result<_>>()?;
        let (mut exact, mut lower) = (HashMap::new(), HashMap::new());
        for (index, field) in fields.iter().enumerate() {
            exact.entry(field.name().as_bytes().into()).or_insert(index);
            lower.entry(field.name().to_lowercase()).or_insert(index);
        }
        Ok(Self { columns, exact, lower })
    }

    /// Appends the object that comes next as row `row`; on an error some columns are longer than others until `truncate`.
    pub(super) fn append_object(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Vec<u8>, row: usize) -> Result<(), Reason> {
        cursor.open()?;
        let mut expected = 0;
        let mut first = true;
        while cursor.more(b'}', first)? {
            first = false;
            let found = match self.columns.get(expected) {
                Some(column) if cursor.take(&column.pattern) => Some(expected),
                _ => {
                    let found = self.find(cursor.string(scratch)?);
                    cursor.expect(b':', "`:`")?;
                    found
                }
            };
            let Some(index) = found else {
                cursor.skip(scratch)?;
                continue;
            };
            let column = &mut self.columns[index];
            if column.len() > row {
                column.truncate(row);
            }
            column.append(cursor, scratch)?;
            expected = index + 1;
        }
        for column in &mut self.columns {
            if column.len() == row {
                column.append_absent()?;
            }
        }
        Ok(())
    }

    /// Appends a row of nulls.
    pub(super) fn append_nulls(&mut self) {
        self.columns.iter_mut().for_each(Column::append_null);
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        self.exact.get(key).copied().or_else(|| self.lower.get(&std::str::from_utf8(key).ok()?.to_lowercase()).copied())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }
}

impl Texts {
    fn end(&mut self) {
        self.ends.push(end(self.bytes.len()));
    }
}

/// A length as an Arrow offset: a batch is cut long before it holds 2 GiB.
fn end(length: usize) -> i32 {
    i32::try_from(length).expect("a batch is cut before its texts reach 2 GiB")
}

fn append_map(
    cursor: &mut Cursor<'_>,
    scratch: &mut Vec<u8>,
    path: &str,
    keys: &mut Column,
    values: &mut Column,
    start: usize,
) -> Result<(), Reason> {
    cursor.open()?;
    let mut first = true;
    while cursor.more(b'}', first)? {
        first = false;
        keys.append(cursor, scratch)?;
        cursor.expect(b':', "`:`")?;
        values.append(cursor, scratch)?;
    }
    let Store::Text(texts) = &keys.store else { return Err("a map's keys are not strings".to_owned()) };
    let key_start = |i: usize| if i == 0 { 0 } else { texts.ends[i - 1] as usize };
    let mut seen = HashSet::new();
    for i in start..texts.ends.len() {
        let key = &texts.bytes[key_start(i)..texts.ends[i] as usize];
        if !seen.insert(key) {
            return Err(format!("field `{path}`: the key `{}` stands twice in a map", key.escape_ascii()));
        }
    }
    Ok(())
}

fn is_plain_integer(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
}

#[inline]
fn integer(number: &Number<'_>) -> Option<i64> {
    match number.whole? {
        Whole::Fits(magnitude) if number.negative => 0i64.checked_sub_unsigned(magnitude),
        Whole::Fits(magnitude) => i64::try_from(magnitude).ok(),
        Whole::TooLong => None,
    }
}

#[inline]
fn in_bounds(data_type: &DataType, value: i64) -> bool {
    match data_type {
        DataType::Int8 => i8::try_from(value).is_ok(),
        DataType::Int16 => i16::try_from(value).is_ok(),
        DataType::Int32 => i32::try_from(value).is_ok(),
        _ => true,
    }
}

/// The nearest float (of single precision: as a double), or `None` when it is beyond the greatest.
fn float(number: &Number<'_>, single: bool) -> Option<f64> {
    const EXACT: u64 = 1 << 24;
    if let Some(Whole::Fits(magnitude @ ..EXACT)) = number.whole {
        let value = magnitude as f64;
        return Some(if number.negative { -value } else { value });
    }
    let value = if single { number.text.parse::<f32>().ok().map(f64::from) } else { number.text.parse::<f64>().ok() };
    value.filter(|value| value.is_finite())
}

/// NaN and infinities by Spark's names for them.
fn not_finite(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" | b"+Infinity" | b"+INF" => Some(f64::INFINITY),
        b"-Infinity" | b"-INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn time(data_type: &DataType, text: &str) -> Option<i64> {
    match data_type {
        DataType::Date32 => scalar::date(text).map(i64::from),
        DataType::Timestamp(unit, zone) => {
            let (micros, zoned) = scalar::timestamp_us(text)?;
            match unit {
                // A timestamp without time zone has no place for one.
                _ if zoned && zone.is_none() => None,
                TimeUnit::Second => Some(micros.div_euclid(1_000_000)),
                TimeUnit::Millisecond => Some(micros.div_euclid(1_000)),
                TimeUnit::Microsecond => Some(micros),
                TimeUnit::Nanosecond => micros.checked_mul(1_000),
            }
        }
        _ => None,
    }
}

#[cold]
fn mismatch(path: &str, data_type: &DataType, value: &str) -> Reason {
    format!("field `{path}`: {value} is not a value of {}", spark_name(data_type))
}

#[cold]
fn wrong_type(cursor: &mut Cursor<'_>, next: Option<u8>, path: &str, data_type: &DataType, scratch: &mut Vec<u8>) -> Reason {
    let found = match next {
        Some(b'"') => match cursor.string(scratch).map(|text| String::from_utf8_lossy(text).into_owned()) {
            Ok(text) => format!("the string {:?}", text.chars().take(40).collect::<String>()),
            Err(reason) => return reason,
        },
        Some(b'-' | b'0'..=b'9') => match cursor.number() {
            Ok(number) => format!("the number {}", number.text.chars().take(40).collect::<String>()),
            Err(reason) => return reason,
        },
        Some(literal @ (b't' | b'f')) => match cursor.literal(if literal == b't' { "true" } else { "false" }) {
            Ok(()) => "a boolean".to_owned(),
            Err(reason) => return reason,
        },
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "an array".to_owned(),
        other => return cursor.unexpected(other, "a JSON value"),
    };
    format!("field `{path}`: {found} where {} should stand", spark_name(data_type))
}

/// Spark's name of a type, as users declare it.
fn spark_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 => "string".to_owned(),
        DataType::Binary => "binary (a base64 string)".to_owned(),
        DataType::Date32 => "date (a string like \"2026-01-31\")".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp (a string like \"2026-01-31T10:00:00Z\")".to_owned(),
        DataType::Timestamp(_, None) => "timestamp_ntz (a string like \"2026-01-31T10:00:00\")".to_owned(),
        DataType::Struct(_) => "struct (an object)".to_owned(),
        DataType::List(_) => "array".to_owned(),
        DataType::Map(..) => "map (an object)".to_owned(),
        other => other.to_string(),
    }
}
