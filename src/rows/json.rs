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
use serde_json::{Map, Number, Value};

use crate::Result;

const FORMAT: FormatOptions<'static> =
    FormatOptions::new().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f")).with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));

/// Each row as an array of its values, in the order of the columns.
pub(crate) fn json_rows(batch: &RecordBatch) -> Result<Vec<Vec<Value>>> {
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| json_value(column, row)).collect()).collect()
}

/// The value of `array` at `row`.
pub(crate) fn json_value(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! number {
        ($type:ty) => {
            Value::from(array.as_primitive::<$type>().value(row))
        };
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
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
        DataType::List(_) => list(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) => {
            let mut object = Map::new();
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                object.insert(field.name().clone(), json_value(column, row)?);
            }
            Value::Object(object)
        }
        DataType::Map(..) => map(array, row)?,
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            json_value(dictionary.values(), dictionary.normalized_keys()[row])?
        }
        DataType::Timestamp(..) => Value::from(trim_fraction(&ArrayFormatter::try_new(array, &FORMAT)?.value(row).to_string())),
        _ => Value::from(ArrayFormatter::try_new(array, &FORMAT)?.value(row).to_string()),
    })
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

fn list(items: &ArrayRef) -> Result<Value> {
    let items: Result<Vec<Value>> = (0..items.len()).map(|i| json_value(items, i)).collect();
    Ok(Value::Array(items?))
}

fn map(array: &ArrayRef, row: usize) -> Result<Value> {
    let entries = array.as_map().value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    if keys.data_type().is_string() {
        let mut object = Map::new();
        for i in 0..entries.len() {
            if let Value::String(key) = json_value(keys, i)? {
                object.insert(key, json_value(values, i)?);
            }
        }
        return Ok(Value::Object(object));
    }
    let pairs: Result<Vec<Value>> =
        (0..entries.len()).map(|i| Ok(Value::Array(vec![json_value(keys, i)?, json_value(values, i)?]))).collect();
    Ok(Value::Array(pairs?))
}

/// No zeros at the end of a fraction of a second.
fn trim_fraction(text: &str) -> String {
    let (body, zone) = text.strip_suffix('Z').map_or((text, ""), |body| (body, "Z"));
    let body = if body.contains('.') { body.trim_end_matches('0').trim_end_matches('.') } else { body };
    format!("{body}{zone}")
}
