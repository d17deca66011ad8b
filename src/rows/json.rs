//! A value as JSON, by rules that scripts may rely on:
//!
//! | type | JSON |
//! |---|---|
//! | whole numbers, booleans, strings | themselves |
//! | double, float | a number; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | decimal | a string without an exponent, `"12.50"` |
//! | date, time, timestamp, timestamp_ntz | a string as Spark casts it, `"2026-01-31 08:30:00.5"`; moments in the session's time zone |
//! | intervals | a string as Spark casts it, `"INTERVAL '1-2' YEAR TO MONTH"` |
//! | binary | base64 |
//! | array | an array |
//! | struct | an object, with every field in its order, even when two have one name |
//! | map | an object; an array of `[key, value]` when keys are not strings |

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use base64::Engine;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Number, Value};
use tidemill_spark::Settings;
use tidemill_spark::types::number_text::{double_text, float_text};
use tidemill_spark::types::render::{pretty_text_at, text_at};
use tidemill_spark::types::{SparkType, StructField, to_arrow};

use tidemill_planner::{Error, Result};

/// A JSON value whose objects keep the order of their fields, and fields of one name.
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

/// Each row as an array of its values, in the order of the columns, whose types are those of `columns`.
pub(crate) fn json_rows(batch: &RecordBatch, columns: &[StructField], settings: &Settings) -> Result<Vec<Vec<Json>>> {
    if batch.num_columns() != columns.len() {
        return Err(Error::internal(format!("{} columns of {} came: please report it", batch.num_columns(), columns.len())));
    }
    let row = |at| columns.iter().zip(batch.columns()).map(|(field, column)| json_value(column, at, &field.data_type, settings)).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// The value of `array` at `row`.
pub(crate) fn json_value(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> Result<Json> {
    use SparkType as T;
    if array.is_null(row) {
        return Ok(Json::Plain(Value::Null));
    }
    macro_rules! primitive {
        ($type:ty, $to:expr) => {
            match array.as_primitive_opt::<$type>() {
                Some(array) => ($to)(array.value(row)),
                None => return coerced(array, row, data_type, settings),
            }
        };
    }
    let plain = match data_type {
        T::Null | T::Unsupported(_) => Value::Null,
        T::Boolean => match array.as_boolean_opt() {
            Some(array) => Value::Bool(array.value(row)),
            None => return coerced(array, row, data_type, settings),
        },
        T::Byte => primitive!(Int8Type, Value::from),
        T::Short => primitive!(Int16Type, Value::from),
        T::Integer => primitive!(Int32Type, Value::from),
        T::Long => primitive!(Int64Type, Value::from),
        T::Float => primitive!(Float32Type, float),
        T::Double => primitive!(Float64Type, double),
        // `show` writes decimals without an exponent in every mode.
        T::Decimal(..) => Value::from(pretty_text_at(array, row, data_type, settings)?),
        T::Binary => match array.as_binary_opt::<i32>() {
            Some(array) => Value::from(base64::engine::general_purpose::STANDARD.encode(array.value(row))),
            None => return coerced(array, row, data_type, settings),
        },
        T::Array(element, _) => {
            let items = match array.data_type() {
                DataType::List(_) => array.as_list::<i32>().value(row),
                DataType::LargeList(_) => array.as_list::<i64>().value(row),
                DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
                _ => return coerced(array, row, data_type, settings),
            };
            let items: Result<Vec<Json>> = (0..items.len()).map(|at| json_value(&items, at, element, settings)).collect();
            return Ok(Json::Array(items?));
        }
        T::Map(key, value, _) => {
            let Some(map) = array.as_map_opt() else { return coerced(array, row, data_type, settings) };
            let entries = map.value(row);
            return map_value(entries.column(0), entries.column(1), key, value, settings);
        }
        T::Struct(fields) => {
            let Some(record) = array.as_struct_opt() else { return coerced(array, row, data_type, settings) };
            if record.num_columns() != fields.len() {
                return Err(wrong(array, data_type));
            }
            let parts = fields.iter().zip(record.columns());
            let parts: Result<Vec<_>> =
                parts.map(|(field, part)| Ok((field.name.clone(), json_value(part, row, &field.data_type, settings)?))).collect();
            return Ok(Json::Object(parts?));
        }
        T::String | T::Char(_) | T::Varchar(_) | T::Date | T::Time(_) | T::Timestamp | T::TimestampNtz => {
            Value::from(text_at(array, row, data_type, settings)?)
        }
        T::CalendarInterval | T::DayTimeInterval(..) | T::YearMonthInterval(..) => Value::from(text_at(array, row, data_type, settings)?),
    };
    Ok(Json::Plain(plain))
}

fn map_value(keys: &ArrayRef, values: &ArrayRef, key: &SparkType, value: &SparkType, settings: &Settings) -> Result<Json> {
    let value = |at| json_value(values, at, value, settings);
    if key.is_string() {
        let object: Result<Vec<_>> = (0..keys.len()).map(|at| Ok((text_at(keys, at, key, settings)?, value(at)?))).collect();
        return Ok(Json::Object(object?));
    }
    let pair = |at| Ok(Json::Array(vec![json_value(keys, at, key, settings)?, value(at)?]));
    let pairs: Result<Vec<Json>> = (0..keys.len()).map(pair).collect();
    Ok(Json::Array(pairs?))
}

/// Values in another Arrow type that holds the same ones, such as string views and dictionaries.
fn coerced(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> Result<Json> {
    let wanted = to_arrow(data_type);
    if *array.data_type() == wanted {
        return Err(wrong(array, data_type));
    }
    let one = arrow::compute::cast(&array.slice(row, 1), &wanted).map_err(|e| wrong(array, data_type).with_source(e))?;
    json_value(&one, 0, data_type, settings)
}

fn wrong(array: &ArrayRef, data_type: &SparkType) -> Error {
    Error::internal(format!("values of {data_type} came as {}: please report it", array.data_type()))
}

fn double(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::from(double_text(value)), Value::Number)
}

/// Through text, so that 0.1f stays 0.1.
fn float(value: f32) -> Value {
    let exact = value.to_string().parse().unwrap_or(f64::from(value));
    Number::from_f64(exact).map_or_else(|| Value::from(float_text(value)), Value::Number)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryViewArray, Decimal128Array, DictionaryArray, DurationMicrosecondArray, Float32Array, Float64Array, Int32Array, Int32Builder,
        IntervalMonthDayNanoArray, IntervalYearMonthArray, LargeStringArray, ListArray, MapBuilder, NullArray, StringArray, StringBuilder,
        StringViewArray, StructArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::{Field, Int32Type as I32, IntervalMonthDayNano};
    use tidemill_spark::types::{DayTimeField, YearMonthField};

    use super::*;

    fn berlin() -> Settings {
        let conf = [("spark.sql.session.timeZone".to_owned(), "Europe/Berlin".to_owned())];
        Settings::from_conf(conf.into_iter().collect()).unwrap()
    }

    #[test]
    fn values_by_sparks_type() {
        use SparkType as T;
        let pair = |name: &str, array: ArrayRef| (Arc::new(Field::new(name, array.data_type().clone(), true)), array);
        let twice: ArrayRef = Arc::new(StructArray::from(vec![
            pair("a", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
            pair("a", Arc::new(StringViewArray::from(vec![None::<&str>])) as ArrayRef),
        ]));
        let mut by_name = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        by_name.keys().append_value("k");
        by_name.values().append_value(7);
        by_name.append(true).unwrap();
        let mut by_number = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
        by_number.keys().append_value(1);
        by_number.values().append_null();
        by_number.append(true).unwrap();
        let list = ListArray::from_iter_primitive::<I32, _, _>([Some(vec![Some(1), None])]);
        let cases: Vec<(ArrayRef, T, &str)> = vec![
            (Arc::new(NullArray::new(1)), T::Null, "null"),
            (Arc::new(Int32Array::from(vec![None])), T::Integer, "null"),
            (Arc::new(Float32Array::from(vec![0.1])), T::Float, "0.1"),
            (Arc::new(Float64Array::from(vec![f64::NAN])), T::Double, r#""NaN""#),
            (Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), T::Double, r#""-Infinity""#),
            (Arc::new(Decimal128Array::from(vec![5]).with_precision_and_scale(10, 7).unwrap()), T::Decimal(10, 7), r#""0.0000005""#),
            (Arc::new(UInt64Array::from(vec![u64::MAX])), T::Decimal(20, 0), r#""18446744073709551615""#),
            (Arc::new(LargeStringArray::from(vec!["é"])), T::String, r#""é""#),
            (Arc::new(DictionaryArray::<I32>::from_iter([Some("d")])), T::String, r#""d""#),
            (Arc::new(BinaryViewArray::from(vec![b"\x00\xFF\x10".as_slice()])), T::Binary, r#""AP8Q""#),
            (Arc::new(TimestampMicrosecondArray::from(vec![500_000]).with_timezone("UTC")), T::Timestamp, r#""1970-01-01 01:00:00.5""#),
            (Arc::new(TimestampNanosecondArray::from(vec![1_000_000_000])), T::TimestampNtz, r#""1970-01-01 00:00:01""#),
            (Arc::new(Time64NanosecondArray::from(vec![3_600_000_000_000])), T::Time(6), r#""01:00:00""#),
            (Arc::new(IntervalYearMonthArray::from(vec![14])), T::YEAR_MONTH, r#""INTERVAL '1-2' YEAR TO MONTH""#),
            (
                Arc::new(IntervalYearMonthArray::from(vec![24])),
                T::YearMonthInterval(YearMonthField::Year, YearMonthField::Year),
                r#""INTERVAL '2' YEAR""#,
            ),
            (
                Arc::new(DurationMicrosecondArray::from(vec![86_400_000_000])),
                T::DayTimeInterval(DayTimeField::Day, DayTimeField::Day),
                r#""INTERVAL '1' DAY""#,
            ),
            (
                Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 0)])),
                T::CalendarInterval,
                r#""1 months 2 days""#,
            ),
            (Arc::new(list), T::array(T::Integer), "[1,null]"),
            (twice, T::Struct(vec![StructField::new("a", T::Integer), StructField::new("a", T::String)]), r#"{"a":1,"a":null}"#),
            (Arc::new(by_name.finish()), T::map(T::String, T::Integer), r#"{"k":7}"#),
            (Arc::new(by_number.finish()), T::map(T::Integer, T::String), "[[1,null]]"),
        ];
        let settings = berlin();
        for (array, data_type, expected) in cases {
            let json = json_value(&array, 0, &data_type, &settings).unwrap_or_else(|e| panic!("{data_type}: {e}"));
            assert_eq!(serde_json::to_string(&json).unwrap(), expected, "{data_type}");
        }
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        assert!(json_value(&text, 0, &T::Struct(Vec::new()), &settings).is_err());
    }
}
