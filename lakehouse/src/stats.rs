//! Statistics of a data file: computed from its rows, printed and parsed in Delta's JSON. Who prunes by them is elsewhere.
//!
//! ```json
//! {"numRecords":3,"minValues":{"n":1},"maxValues":{"n":7},"nullCount":{"n":0}}
//! ```

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde_json::{Map, Number, Value};

/// How many leading columns get statistics, as `delta.dataSkippingNumIndexedCols` has it by default.
pub(crate) const INDEXED_COLUMNS: usize = 32;

/// Strings are cut to so many characters in statistics.
const STRING_PREFIX: usize = 32;

/// What is known of one column of one file. `min` and `max` are bounds: no value lies outside, none need be reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnStats {
    /// No value is smaller.
    pub min: Option<ScalarValue>,
    /// No value is greater.
    pub max: Option<ScalarValue>,
    /// How many values are null.
    pub null_count: Option<u64>,
}

/// What is known of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileStats {
    /// Rows of the file.
    pub num_records: Option<u64>,
    /// By the column's name; only top-level columns of simple types.
    pub columns: HashMap<String, ColumnStats>,
}

impl FileStats {
    /// Reads Delta's JSON; what cannot be read is unknown, never wrong.
    pub(crate) fn parse(text: &str, schema: &SchemaRef) -> Self {
        let Ok(json) = serde_json::from_str::<Value>(text) else { return Self::default() };
        let mut columns = HashMap::new();
        for field in schema.fields() {
            let (min, max) = (&json["minValues"][field.name()], &json["maxValues"][field.name()]);
            let stats = ColumnStats {
                min: parse_value(min, field.data_type(), false),
                max: parse_value(max, field.data_type(), true),
                null_count: json["nullCount"][field.name()].as_u64(),
            };
            if stats != ColumnStats::default() {
                columns.insert(field.name().clone(), stats);
            }
        }
        Self { num_records: json["numRecords"].as_u64(), columns }
    }
}

/// Delta's JSON for the statistics of a file that holds these rows. The Parquet writer has seen every value already, so its
/// bounds are taken where they bound; those of floats leave out NaN and are made here.
pub(crate) fn of_file(batches: &[RecordBatch], schema: &SchemaRef, metadata: &ParquetMetaData) -> String {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let (mut mins, mut maxs, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (i, field) in schema.fields().iter().enumerate().take(INDEXED_COLUMNS) {
        let columns: Vec<&ArrayRef> = batches.iter().map(|b| b.column(i)).collect();
        if matches!(field.data_type(), DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
            continue;
        }
        nulls.insert(field.name().clone(), Value::from(columns.iter().map(|c| c.null_count() as u64).sum::<u64>()));
        let bounds = match field.data_type() {
            DataType::Float32 => float_bounds(columns.iter().map(|c| c.as_primitive::<Float32Type>()), f64::from),
            DataType::Float64 => float_bounds(columns.iter().map(|c| c.as_primitive::<Float64Type>()), f64::from),
            data_type => chunk_bounds(metadata, field.name()).and_then(|(min, max)| printed(min, max, data_type)),
        };
        let Some((min, max)) = bounds else { continue };
        mins.insert(field.name().clone(), min);
        maxs.insert(field.name().clone(), max);
    }
    let mut stats = Map::new();
    stats.insert("numRecords".into(), Value::from(rows));
    stats.insert("minValues".into(), Value::Object(mins));
    stats.insert("maxValues".into(), Value::Object(maxs));
    stats.insert("nullCount".into(), Value::Object(nulls));
    Value::Object(stats).to_string()
}

/// The bounds of floats; none where one is NaN or infinite, because JSON has no such number.
fn float_bounds<'a, T: ArrowPrimitiveType>(
    columns: impl Iterator<Item = &'a PrimitiveArray<T>>,
    wide: impl Fn(T::Native) -> f64,
) -> Option<(Value, Value)> {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut finite = true;
    let mut see = |value: f64| {
        finite &= value.is_finite();
        min = min.min(value);
        max = max.max(value);
    };
    for column in columns {
        match column.null_count() {
            0 => column.values().iter().for_each(|v| see(wide(*v))),
            _ => column.iter().flatten().for_each(|v| see(wide(v))),
        }
    }
    (finite && min <= max).then(|| (Value::from(min), Value::from(max)))
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
fn printed(min: Bound, max: Bound, data_type: &DataType) -> Option<(Value, Value)> {
    match (min, max, data_type) {
        (Bound::Text(a), Bound::Text(b), DataType::Utf8) => Some((cut(&a).into(), ceiling(&b)?.into())),
        (Bound::Number(a), Bound::Number(b), _) => {
            let (low, high) = (i64::try_from(a).ok(), i64::try_from(b).ok());
            match data_type {
                DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Some((low?.into(), high?.into())),
                DataType::Decimal128(_, scale) => decimal_number(a, *scale).zip(decimal_number(b, *scale)),
                DataType::Date32 => {
                    let day = |days: i64| date_text(i32::try_from(days).ok()?);
                    day(low?).zip(day(high?)).map(|(a, b)| (a.into(), b.into()))
                }
                DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                    // Statistics have milliseconds, so the bounds are rounded outwards.
                    let (a, b) = (low?.div_euclid(1000), high?.checked_add(999)?.div_euclid(1000));
                    millis_text(a, zone.is_some()).zip(millis_text(b, zone.is_some())).map(|(a, b)| (a.into(), b.into()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(STRING_PREFIX).map_or(text, |(end, _)| &text[..end])
}

/// A text of few characters that no prefix-sharing text exceeds.
fn ceiling(text: &str) -> Option<String> {
    let short = cut(text);
    if short.len() == text.len() {
        return Some(text.to_owned());
    }
    (!text[short.len()..].starts_with(char::MAX)).then(|| format!("{short}{}", char::MAX))
}

fn decimal_number(value: i128, scale: i8) -> Option<Value> {
    // Doubles hold 15 digits for certain; a longer decimal would round, and its bound would not hold.
    if value.unsigned_abs() >= 1_000_000_000_000_000 {
        return None;
    }
    if scale == 0 {
        return Some(Value::from(value as i64));
    }
    Number::from_f64(value as f64 / 10f64.powi(i32::from(scale))).map(Value::Number)
}

fn date_text(days: i32) -> Option<String> {
    let date = NaiveDate::from_epoch_days(days)?;
    Some(date.format("%Y-%m-%d").to_string())
}

fn millis_text(millis: i64, utc: bool) -> Option<String> {
    let time = DateTime::from_timestamp_millis(millis)?;
    Some(time.format(if utc { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.3f" }).to_string())
}

fn parse_value(value: &Value, data_type: &DataType, is_max: bool) -> Option<ScalarValue> {
    match data_type {
        DataType::Int8 => Some(ScalarValue::Int8(Some(i8::try_from(value.as_i64()?).ok()?))),
        DataType::Int16 => Some(ScalarValue::Int16(Some(i16::try_from(value.as_i64()?).ok()?))),
        DataType::Int32 => Some(ScalarValue::Int32(Some(i32::try_from(value.as_i64()?).ok()?))),
        DataType::Int64 => Some(ScalarValue::Int64(Some(value.as_i64()?))),
        DataType::Float32 => Some(ScalarValue::Float32(Some(value.as_f64()? as f32))),
        DataType::Float64 => Some(ScalarValue::Float64(Some(value.as_f64()?))),
        DataType::Utf8 => Some(ScalarValue::Utf8(Some(value.as_str()?.to_owned()))),
        DataType::Date32 => Some(ScalarValue::Date32(Some(parse_date(value.as_str()?)?))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = parse_timestamp_us(value.as_str()?)?;
            // Other writers cut the greatest value down to milliseconds.
            let micros = if is_max { micros.checked_add(999)? } else { micros };
            Some(ScalarValue::TimestampMicrosecond(Some(micros), zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let unscaled = parse_decimal(&value.as_number()?.to_string(), *scale)?;
            Some(ScalarValue::Decimal128(Some(unscaled), *precision, *scale))
        }
        _ => None,
    }
}

/// A decimal's digits, or nothing when the text has an exponent or more digits than the scale.
pub(crate) fn parse_decimal(text: &str, scale: i8) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let scale = usize::try_from(scale).ok()?;
    if fraction.len() > scale || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse().ok()
}

/// Days since the Unix epoch.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.to_epoch_days())
}

/// Microseconds since the Unix epoch, of a text with or without a zone.
pub(crate) fn parse_timestamp_us(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok()).map(|t| t.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::{Field, Schema};

    use crate::write::{Codec, FileOptions, encode};

    #[test]
    fn statistics_print_as_delta_has_them_and_bound_what_they_describe() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("x", DataType::Float64, true),
            Field::new("nan", DataType::Float64, true),
            Field::new("s", DataType::Utf8, true),
            Field::new("at", utc.clone(), true),
            Field::new("d", DataType::Date32, true),
            Field::new("m", DataType::Decimal128(10, 2), true),
            Field::new("wide", DataType::Decimal128(38, 2), true),
            Field::new("none", DataType::Int64, true),
        ]));
        let long = "x".repeat(40);
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from(vec![Some(3), None, Some(-1)])),
                Arc::new(Float64Array::from(vec![1.5, 0.25, 9.0])),
                Arc::new(Float64Array::from(vec![1.5, f64::NAN, 9.0])),
                Arc::new(StringArray::from(vec![Some("a"), Some(long.as_str()), None])),
                Arc::new(TimestampMicrosecondArray::from(vec![1_001, 1_700_000_000_000_001, 5]).with_timezone("UTC")),
                Arc::new(Date32Array::from(vec![0, 1, 2])),
                Arc::new(Decimal128Array::from(vec![150, -205, 0]).with_precision_and_scale(10, 2).unwrap()),
                Arc::new(Decimal128Array::from(vec![150, -205, 0]).with_precision_and_scale(38, 2).unwrap()),
                Arc::new(Int64Array::from(vec![None, None, None])),
            ],
        )
        .unwrap();
        let options = FileOptions { codec: Codec::Snappy, distinct: Vec::new(), durable: false };
        let text = encode(&[batch.clone(), batch.slice(0, 1)], &schema, &options).unwrap().stats;
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["numRecords"], 4);
        assert_eq!(
            (&json["minValues"]["n"], &json["maxValues"]["n"], &json["nullCount"]["n"]),
            (&Value::from(-1), &Value::from(3), &Value::from(1))
        );
        assert_eq!(json["minValues"]["x"], 0.25);
        assert!(json["maxValues"].get("nan").is_none() && json["nullCount"]["nan"] == 0);
        assert_eq!(json["minValues"]["at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(json["maxValues"]["at"], "2023-11-14T22:13:20.001Z");
        assert_eq!(json["maxValues"]["d"], "1970-01-03");
        assert_eq!(json["minValues"]["m"], -2.05);
        assert_eq!((&json["minValues"]["wide"], &json["maxValues"]["wide"]), (&Value::from(-2.05), &Value::from(1.5)));
        assert!(json["minValues"].get("none").is_none() && json["nullCount"]["none"] == 4);
        let max = json["maxValues"]["s"].as_str().unwrap();
        assert!(max > long.as_str() && max.chars().count() == 33);

        let parsed = FileStats::parse(&text, &schema);
        assert_eq!(parsed.num_records, Some(4));
        assert_eq!(parsed.columns["m"].min, Some(ScalarValue::Decimal128(Some(-205), 10, 2)));
        let at_max = parsed.columns["at"].max.clone().unwrap();
        assert!(matches!(at_max, ScalarValue::TimestampMicrosecond(Some(v), _) if v >= 1_700_000_000_000_001));
        assert_eq!(parsed.columns["nan"].max, None);
    }

    #[test]
    fn unreadable_statistics_are_unknown() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int8, true)]));
        for text in ["", "[]", r#"{"minValues":{"n":"x"}}"#, r#"{"minValues":{"n":1000}}"#, r#"{"minValues":3}"#] {
            assert_eq!(FileStats::parse(text, &schema), FileStats::default(), "{text}");
        }
    }
}
