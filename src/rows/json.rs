//! A value as JSON, by rules that scripts may rely on:
//!
//! | type | JSON |
//! |---|---|
//! | whole numbers, booleans, strings | themselves |
//! | double, float | a number; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | decimal, date, interval, time | a string |
//! | timestamp | a string in UTC, `2026-01-31T08:30:00.5Z`; timestamp_ntz the same without `Z` |
//! | binary | base64 |
//! | array | an array |
//! | struct | an object |
//! | map | an object; an array of `[key, value]` when keys are not strings |

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Number, Value};

use super::instant::in_utc;
use crate::Result;

const FORMAT: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));

/// A JSON value whose objects keep the order of their fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Plain(Value),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::Array(items) => {
                let mut array = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    array.serialize_element(item)?;
                }
                array.end()
            }
            Self::Object(fields) => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
        }
    }
}

/// Each row as an array of its values, in the order of the columns.
pub(crate) fn json_rows(batch: &RecordBatch) -> Result<Vec<Vec<Json>>> {
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| json_value(column, row)).collect()).collect()
}

/// The value of `array` at `row`.
pub(crate) fn json_value(array: &ArrayRef, row: usize) -> Result<Json> {
    if array.is_null(row) {
        return Ok(Json::Plain(Value::Null));
    }
    macro_rules! number {
        ($type:ty) => {
            Value::from(array.as_primitive::<$type>().value(row))
        };
    }
    let plain = match array.data_type() {
        DataType::List(_) => return list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => return list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => return list(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let fields: Result<Vec<(String, Json)>> = columns.map(|(field, c)| Ok((field.name().clone(), json_value(c, row)?))).collect();
            return Ok(Json::Object(fields?));
        }
        DataType::Map(..) => return map(array, row),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            return json_value(dictionary.values(), dictionary.normalized_keys()[row]);
        }
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        // Its Spark type is a decimal.
        DataType::UInt64 => Value::from(array.as_primitive::<UInt64Type>().value(row).to_string()),
        DataType::Float16 => float(f64::from(array.as_primitive::<Float16Type>().value(row))),
        // Through text, so that 0.1f stays 0.1.
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            float(value.to_string().parse().unwrap_or(f64::from(value)))
        }
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::from(array.as_string_view().value(row)),
        DataType::Binary => base64(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => base64(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => base64(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => base64(array.as_fixed_size_binary().value(row)),
        DataType::Timestamp(..) => {
            let instant = in_utc(array, row)?;
            Value::from(trim_fraction(&ArrayFormatter::try_new(&instant, &FORMAT)?.value(0).try_to_string()?))
        }
        _ => Value::from(ArrayFormatter::try_new(array, &FORMAT)?.value(row).try_to_string()?),
    };
    Ok(Json::Plain(plain))
}

fn float(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None => Value::from(super::number::double(value)),
    }
}

fn base64(bytes: &[u8]) -> Value {
    Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn list(items: &ArrayRef) -> Result<Json> {
    let items: Result<Vec<Json>> = (0..items.len()).map(|i| json_value(items, i)).collect();
    Ok(Json::Array(items?))
}

fn map(array: &ArrayRef, row: usize) -> Result<Json> {
    let entries = array.as_map().value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    if !keys.data_type().is_string() {
        let pairs: Result<Vec<Json>> =
            (0..entries.len()).map(|i| Ok(Json::Array(vec![json_value(keys, i)?, json_value(values, i)?]))).collect();
        return Ok(Json::Array(pairs?));
    }
    let mut object = Vec::with_capacity(entries.len());
    for i in 0..entries.len() {
        if let Json::Plain(Value::String(key)) = json_value(keys, i)? {
            object.push((key, json_value(values, i)?));
        }
    }
    Ok(Json::Object(object))
}

/// No zeros at the end of a fraction of a second.
fn trim_fraction(text: &str) -> String {
    let (body, zone) = text.strip_suffix('Z').map_or((text, ""), |body| (body, "Z"));
    let body = if body.contains('.') { body.trim_end_matches('0').trim_end_matches('.') } else { body };
    format!("{body}{zone}")
}
