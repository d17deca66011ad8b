//! Statistics of a file that we write: gathered while its rows come, printed in Delta's JSON with every digit.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef, TimeUnit};
use chrono::{DateTime, NaiveDate};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tidemill_planner::Result;

use super::decimal;

/// How many leading columns get statistics, as `delta.dataSkippingNumIndexedCols` has it by default.
const INDEXED_COLUMNS: usize = 32;

/// Strings are cut to so many characters in statistics.
const STRING_PREFIX: usize = 32;

/// The least and the greatest value, as JSON.
type Printed = (Box<RawValue>, Box<RawValue>);

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    num_records: usize,
    min_values: BTreeMap<&'a str, Box<RawValue>>,
    max_values: BTreeMap<&'a str, Box<RawValue>>,
    null_count: BTreeMap<&'a str, u64>,
}

/// What the rows of a file have shown so far, beside what its Parquet writer sees: that has the bounds of most columns, but those of floats
/// leave out NaN and are made here.
#[derive(Debug)]
pub(crate) struct Seen {
    rows: usize,
    /// The leading columns.
    columns: Vec<SeenColumn>,
}

#[derive(Debug)]
struct SeenColumn {
    nulls: u64,
    floats: FloatBounds,
}

/// The bounds of floats.
#[derive(Debug)]
struct FloatBounds {
    min: f64,
    max: f64,
    /// Whether none is NaN or infinite: JSON has no such number.
    finite: bool,
}

impl Seen {
    /// No row yet of a file with these columns.
    pub(crate) fn of_none(schema: &SchemaRef) -> Self {
        let column = || SeenColumn { nulls: 0, floats: FloatBounds { min: f64::INFINITY, max: f64::NEG_INFINITY, finite: true } };
        Self { rows: 0, columns: (0..schema.fields().len().min(INDEXED_COLUMNS)).map(|_| column()).collect() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Looks at rows that the file gets.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        for (seen, column) in self.columns.iter_mut().zip(batch.columns()) {
            seen.nulls += column.null_count() as u64;
            match column.data_type() {
                DataType::Float32 => seen.floats.add(column.as_primitive::<Float32Type>(), f64::from),
                DataType::Float64 => seen.floats.add(column.as_primitive::<Float64Type>(), f64::from),
                _ => {}
            }
        }
    }

    /// Delta's JSON for the file's statistics. The Parquet writer has seen every value, so its bounds are taken where they bound.
    pub(crate) fn print(&self, schema: &SchemaRef, metadata: &ParquetMetaData) -> Result<String> {
        let mut json = Json { num_records: self.rows, ..Json::default() };
        for (field, seen) in schema.fields().iter().zip(&self.columns) {
            if matches!(field.data_type(), DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
                continue;
            }
            json.null_count.insert(field.name(), seen.nulls);
            let bounds = match field.data_type() {
                DataType::Float32 | DataType::Float64 => seen.floats.printed(),
                data_type => chunk_bounds(metadata, field.name()).and_then(|(min, max)| printed(min, max, data_type)),
            };
            let Some((min, max)) = bounds else { continue };
            json.min_values.insert(field.name(), min);
            json.max_values.insert(field.name(), max);
        }
        Ok(serde_json::to_string(&json)?)
    }
}

impl FloatBounds {
    fn add<T: ArrowPrimitiveType>(&mut self, column: &PrimitiveArray<T>, wide: impl Fn(T::Native) -> f64) {
        let mut see = |value: f64| {
            self.finite &= value.is_finite();
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        };
        match column.null_count() {
            0 => column.values().iter().for_each(|v| see(wide(*v))),
            _ => column.iter().flatten().for_each(|v| see(wide(v))),
        }
    }

    fn printed(&self) -> Option<Printed> {
        if self.finite && self.min <= self.max { both(&self.min, &self.max) } else { None }
    }
}

/// A bound as Parquet has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Number(i128),
    Text(String),
}

/// The bounds of a column over all row groups; `None` where one of them does not know.
fn chunk_bounds(metadata: &ParquetMetaData, name: &str) -> Option<(Bound, Bound)> {
    let mut bounds: Option<(Bound, Bound)> = None;
    for group in metadata.row_groups() {
        let chunk = group.columns().iter().find(|c| matches!(c.column_path().parts(), [only] if only == name))?;
        let statistics = chunk.statistics()?;
        if statistics.null_count_opt() == Some(group.num_rows() as u64) {
            continue;
        }
        let (min, max) = group_bounds(statistics)?;
        bounds = Some(match bounds {
            None => (min, max),
            Some((low, high)) => (low.min(min), high.max(max)),
        });
    }
    bounds
}

fn group_bounds(statistics: &Statistics) -> Option<(Bound, Bound)> {
    let text = |bytes: &[u8]| Some(Bound::Text(std::str::from_utf8(bytes).ok()?.to_owned()));
    let big_endian = |bytes: &[u8]| {
        let fill = if bytes.first().is_some_and(|b| b & 0x80 != 0) { 0xFF } else { 0 };
        let mut wide = [fill; 16];
        wide[16usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
        Some(Bound::Number(i128::from_be_bytes(wide)))
    };
    match statistics {
        Statistics::Int32(s) => Some((Bound::Number((*s.min_opt()?).into()), Bound::Number((*s.max_opt()?).into()))),
        Statistics::Int64(s) => Some((Bound::Number((*s.min_opt()?).into()), Bound::Number((*s.max_opt()?).into()))),
        Statistics::ByteArray(s) => Some((text(s.min_opt()?.data())?, text(s.max_opt()?.data())?)),
        Statistics::FixedLenByteArray(s) => Some((big_endian(s.min_opt()?.data())?, big_endian(s.max_opt()?.data())?)),
        _ => None,
    }
}

/// Bounds in Delta's JSON.
fn printed(min: Bound, max: Bound, data_type: &DataType) -> Option<Printed> {
    match (min, max, data_type) {
        (Bound::Text(a), Bound::Text(b), DataType::Utf8) => both(&cut(&a), &ceiling(&b)?),
        (Bound::Number(a), Bound::Number(b), DataType::Decimal128(_, scale)) => {
            // As text, because a JSON library's number would pass through a double.
            let number = |units: i128| RawValue::from_string(decimal::print(units, *scale)?).ok();
            number(a).zip(number(b))
        }
        (Bound::Number(a), Bound::Number(b), _) => {
            let (low, high) = (i64::try_from(a).ok()?, i64::try_from(b).ok()?);
            match data_type {
                DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => both(&low, &high),
                DataType::Date32 => both(&date_text(low)?, &date_text(high)?),
                DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                    // Statistics have milliseconds, so the bounds are rounded outwards.
                    let (low, high) = (low.div_euclid(1000), high.checked_add(999)?.div_euclid(1000));
                    both(&millis_text(low, zone.is_some())?, &millis_text(high, zone.is_some())?)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn both<T: Serialize>(min: &T, max: &T) -> Option<Printed> {
    to_raw_value(min).ok().zip(to_raw_value(max).ok())
}

fn cut(text: &str) -> String {
    text.chars().take(STRING_PREFIX).collect()
}

/// A text of few characters that no prefix-sharing text exceeds.
fn ceiling(text: &str) -> Option<String> {
    let short = cut(text);
    if short.len() == text.len() {
        return Some(short);
    }
    (!text[short.len()..].starts_with(char::MAX)).then(|| format!("{short}{}", char::MAX))
}

fn date_text(days: i64) -> Option<String> {
    let date = NaiveDate::from_epoch_days(i32::try_from(days).ok()?)?;
    Some(date.format("%Y-%m-%d").to_string())
}

fn millis_text(millis: i64, utc: bool) -> Option<String> {
    let time = DateTime::from_timestamp_millis(millis)?;
    Some(time.format(if utc { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.3f" }).to_string())
}
