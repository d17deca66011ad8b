//! Statistics of a data file: computed from its rows, printed and parsed in Delta's JSON. Who prunes by them is elsewhere.
//!
//! ```json
//! {"numRecords":3,"minValues":{"n":1},"maxValues":{"n":7},"nullCount":{"n":0}}
//! ```

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::kernels::aggregate;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;
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

/// Delta's JSON for the statistics of a file that holds these rows.
pub(crate) fn of_batches(batches: &[RecordBatch], schema: &SchemaRef) -> String {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let (mut mins, mut maxs, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (i, field) in schema.fields().iter().enumerate().take(INDEXED_COLUMNS) {
        let columns: Vec<&ArrayRef> = batches.iter().map(|b| b.column(i)).collect();
        if matches!(field.data_type(), DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
            continue;
        }
        nulls.insert(field.name().clone(), Value::from(columns.iter().map(|c| c.null_count() as u64).sum::<u64>()));
        let Some((min, max)) = bounds_of(&columns, field.data_type()) else { continue };
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

macro_rules! primitive_bounds {
    ($columns:expr, $kind:ty) => {{
        let parts = || $columns.iter().map(|c| c.as_primitive::<$kind>());
        parts().filter_map(aggregate::min).min().zip(parts().filter_map(aggregate::max).max())
    }};
}

macro_rules! float_bounds {
    ($columns:expr, $kind:ty) => {{
        let parts = || $columns.iter().map(|c| c.as_primitive::<$kind>());
        let min = parts().filter_map(aggregate::min).min_by(|a, b| a.total_cmp(b));
        let max = parts().filter_map(aggregate::max).max_by(|a, b| a.total_cmp(b));
        // JSON has no NaN and no infinity; a bound that leaves them out would be no bound.
        min.zip(max).filter(|(a, b)| a.is_finite() && b.is_finite())
    }};
}

fn bounds_of(columns: &[&ArrayRef], data_type: &DataType) -> Option<(Value, Value)> {
    let numbers = |(a, b): (i64, i64)| (Value::from(a), Value::from(b));
    match data_type {
        DataType::Int8 => primitive_bounds!(columns, Int8Type).map(|(a, b)| numbers((a.into(), b.into()))),
        DataType::Int16 => primitive_bounds!(columns, Int16Type).map(|(a, b)| numbers((a.into(), b.into()))),
        DataType::Int32 => primitive_bounds!(columns, Int32Type).map(|(a, b)| numbers((a.into(), b.into()))),
        DataType::Int64 => primitive_bounds!(columns, Int64Type).map(numbers),
        DataType::Float32 => float_bounds!(columns, Float32Type).map(|(a, b)| (Value::from(f64::from(a)), Value::from(f64::from(b)))),
        DataType::Float64 => float_bounds!(columns, Float64Type).map(|(a, b)| (Value::from(a), Value::from(b))),
        DataType::Decimal128(_, scale) => {
            let (a, b) = primitive_bounds!(columns, Decimal128Type)?;
            decimal_number(a, *scale).zip(decimal_number(b, *scale))
        }
        DataType::Date32 => {
            let (a, b) = primitive_bounds!(columns, Date32Type)?;
            date_text(a).zip(date_text(b)).map(|(a, b)| (a.into(), b.into()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let (a, b) = primitive_bounds!(columns, TimestampMicrosecondType)?;
            // Statistics have milliseconds, so the bounds are rounded outwards.
            let (a, b) = (a.div_euclid(1000), b.checked_add(999)?.div_euclid(1000));
            millis_text(a, zone.is_some()).zip(millis_text(b, zone.is_some())).map(|(a, b)| (a.into(), b.into()))
        }
        DataType::Utf8 => {
            let parts = || columns.iter().map(|c| c.as_string::<i32>());
            let (a, b) = parts().filter_map(aggregate::min_string).min().zip(parts().filter_map(aggregate::max_string).max())?;
            Some((cut(a).into(), ceiling(b)?.into()))
        }
        DataType::Boolean | DataType::Binary => None,
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

    #[test]
    fn statistics_print_as_delta_has_them_and_bound_what_they_describe() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("x", DataType::Float64, true),
            Field::new("nan", DataType::Float64, true),
            Field::new("s", DataType::Utf8, true),
            Field::new("at", utc.clone(), true),
            Field::new("d", DataType::Date32, true),
            Field::new("m", DataType::Decimal128(10, 2), true),
        ]));
        let long = "x".repeat(40);
        let batch = RecordBatch::try_new(
            Arc::clone(&schema) as SchemaRef,
            vec![
                Arc::new(Int64Array::from(vec![Some(3), None, Some(-1)])),
                Arc::new(Float64Array::from(vec![1.5, 0.25, 9.0])),
                Arc::new(Float64Array::from(vec![1.5, f64::NAN, 9.0])),
                Arc::new(StringArray::from(vec![Some("a"), Some(long.as_str()), None])),
                Arc::new(TimestampMicrosecondArray::from(vec![1_001, 1_700_000_000_000_001, 5]).with_timezone("UTC")),
                Arc::new(Date32Array::from(vec![0, 1, 2])),
                Arc::new(Decimal128Array::from(vec![150, -205, 0]).with_precision_and_scale(10, 2).unwrap()),
            ],
        )
        .unwrap();
        let text = of_batches(&[batch.clone(), batch.slice(0, 1)], &(schema.clone() as SchemaRef));
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
        let max = json["maxValues"]["s"].as_str().unwrap();
        assert!(max > long.as_str() && max.chars().count() == 33);

        let parsed = FileStats::parse(&text, &(schema as SchemaRef));
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
