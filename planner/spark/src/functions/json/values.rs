//! Values that were read from text, and arrays of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray, IntervalYearMonthArray, NullArray, StringArray, Time64NanosecondArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, IntervalMonthDayNano};

use crate::functions::nested::{list_field, list_of, map_fields, map_of, null_buffer, too_large};
use crate::kernel::retype::{struct_of, wrong_layout};
use crate::types::{SparkType, UTC, to_arrow};
use crate::{Error, Result};

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::functions) enum Value {
    /// No value.
    Null,
    /// `boolean`
    Boolean(bool),
    /// Whole numbers, dates, timestamps, times and ANSI intervals, by what counts in them.
    Long(i64),
    /// `float`
    Float(f32),
    /// `double`
    Double(f64),
    /// `decimal`, without its point
    Decimal(i128),
    /// `string`
    Text(String),
    /// `binary`
    Bytes(Vec<u8>),
    /// `interval`: months, days, microseconds
    Interval(i32, i32, i64),
    /// `array`
    List(Vec<Value>),
    /// `map`
    Map(Vec<(Value, Value)>),
    /// `struct`
    Struct(Vec<Value>),
}

/// An array of these values, which are of the type.
///
/// # Errors
/// `Internal` for values of another type.
pub(in crate::functions) fn array_of(values: Vec<Value>, data_type: &SparkType) -> Result<ArrayRef> {
    macro_rules! primitive {
        ($array:ty, $pattern:pat => $value:expr) => {
            Arc::new(
                values
                    .into_iter()
                    .map(|value| match value {
                        Value::Null => Ok(None),
                        $pattern => Ok(Some($value)),
                        other => Err(foreign(&other, data_type)),
                    })
                    .collect::<Result<$array>>()?,
            )
        };
    }
    macro_rules! whole {
        ($array:ty) => {
            Arc::new(
                values
                    .into_iter()
                    .map(|value| match value {
                        Value::Null => Ok(None),
                        Value::Long(v) => Ok(Some(v.try_into().map_err(|_| foreign(&Value::Long(v), data_type))?)),
                        other => Err(foreign(&other, data_type)),
                    })
                    .collect::<Result<$array>>()?,
            )
        };
    }
    Ok(match data_type {
        SparkType::Null | SparkType::Unsupported(_) => Arc::new(NullArray::new(values.len())),
        SparkType::Boolean => primitive!(BooleanArray, Value::Boolean(v) => v),
        SparkType::Byte => whole!(Int8Array),
        SparkType::Short => whole!(Int16Array),
        SparkType::Integer => whole!(Int32Array),
        SparkType::Long => whole!(Int64Array),
        SparkType::Float => primitive!(Float32Array, Value::Float(v) => v),
        SparkType::Double => primitive!(Float64Array, Value::Double(v) => v),
        SparkType::Decimal(precision, scale) => {
            let decimals: Arc<Decimal128Array> = primitive!(Decimal128Array, Value::Decimal(v) => v);
            let decimals = Arc::unwrap_or_clone(decimals);
            Arc::new(decimals.with_precision_and_scale(*precision, i8::try_from(*scale).unwrap_or(0))?)
        }
        SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => primitive!(StringArray, Value::Text(v) => v),
        SparkType::Binary => {
            let bytes: Vec<Option<Vec<u8>>> = values
                .into_iter()
                .map(|value| match value {
                    Value::Null => Ok(None),
                    Value::Bytes(v) => Ok(Some(v)),
                    other => Err(foreign(&other, data_type)),
                })
                .collect::<Result<_>>()?;
            Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryArray>())
        }
        SparkType::Date => whole!(Date32Array),
        SparkType::Time(_) => whole!(Time64NanosecondArray),
        SparkType::Timestamp => {
            let moments: Arc<TimestampMicrosecondArray> = whole!(TimestampMicrosecondArray);
            Arc::new(Arc::unwrap_or_clone(moments).with_timezone(UTC))
        }
        SparkType::TimestampNtz => whole!(TimestampMicrosecondArray),
        SparkType::DayTimeInterval(..) => whole!(DurationMicrosecondArray),
        SparkType::YearMonthInterval(..) => whole!(IntervalYearMonthArray),
        SparkType::CalendarInterval => {
            primitive!(IntervalMonthDayNanoArray, Value::Interval(months, days, micros) => IntervalMonthDayNano::new(months, days, micros.saturating_mul(1_000)))
        }
        SparkType::Array(element, _) => {
            let (mut offsets, mut valid, mut items) = (vec![0], Vec::new(), Vec::new());
            for value in values {
                valid.push(value != Value::Null);
                match value {
                    Value::Null => {}
                    Value::List(list) => items.extend(list),
                    other => return Err(foreign(&other, data_type)),
                }
                offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
            }
            list_of(&list_field(data_type)?, offsets, &valid, array_of(items, element)?)?
        }
        SparkType::Map(key, value_type, _) => {
            let (mut offsets, mut valid, mut keys, mut items) = (vec![0], Vec::new(), Vec::new(), Vec::new());
            for value in values {
                valid.push(value != Value::Null);
                match value {
                    Value::Null => {}
                    Value::Map(entries) => {
                        for (key, item) in entries {
                            keys.push(key);
                            items.push(item);
                        }
                    }
                    other => return Err(foreign(&other, data_type)),
                }
                offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
            }
            map_fields(data_type)?;
            map_of(data_type, offsets, &valid, array_of(keys, key)?, array_of(items, value_type)?)?
        }
        SparkType::Struct(fields) => {
            let rows = values.len();
            let mut valid = Vec::with_capacity(rows);
            let mut columns: Vec<Vec<Value>> = fields.iter().map(|_| Vec::with_capacity(rows)).collect();
            for value in values {
                valid.push(value != Value::Null);
                let parts = match value {
                    Value::Null => Vec::new(),
                    Value::Struct(parts) => parts,
                    other => return Err(foreign(&other, data_type)),
                };
                let mut parts = parts.into_iter();
                for column in &mut columns {
                    column.push(parts.next().unwrap_or(Value::Null));
                }
            }
            let columns = columns.into_iter().zip(fields).map(|(c, f)| array_of(c, &f.data_type)).collect::<Result<Vec<_>>>()?;
            let DataType::Struct(arrow_fields) = to_arrow(data_type) else { return Err(wrong_layout("a struct", &to_arrow(data_type))) };
            struct_of(&arrow_fields, &columns, null_buffer(&valid), rows)?
        }
    })
}

fn foreign(value: &Value, data_type: &SparkType) -> Error {
    Error::internal(format!("{value:?} was read as {data_type}"))
}
