//! A single value of a row, as functions of programs get and give it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;

use crate::Result;

/// A value, by Spark's types.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value, of any type.
    Null,
    /// `boolean`
    Boolean(bool),
    /// `tinyint`
    Byte(i8),
    /// `smallint`
    Short(i16),
    /// `int`
    Integer(i32),
    /// `bigint`
    Long(i64),
    /// `float`
    Float(f32),
    /// `double`
    Double(f64),
    /// `decimal`: the number is `value` × 10^-scale
    Decimal {
        /// The digits.
        value: i128,
        /// How many digits there may be.
        precision: u8,
        /// How many of them stand behind the point.
        scale: i8,
    },
    /// `string`
    String(String),
    /// `binary`
    Binary(Vec<u8>),
    /// `date`: days since 1970-01-01
    Date(i32),
    /// `timestamp`: microseconds since 1970-01-01 00:00:00 UTC
    Timestamp(i64),
    /// `timestamp_ntz`: microseconds of local time
    TimestampNtz(i64),
    /// An array, a map, a struct, an interval or a time: an Arrow array that holds it alone.
    Other(ArrayRef),
}

impl Value {
    /// The value of a row of an array.
    pub fn of(array: &dyn Array, row: usize) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(array.as_boolean().value(row)),
            DataType::Int8 => Self::Byte(array.as_primitive::<Int8Type>().value(row)),
            DataType::Int16 => Self::Short(array.as_primitive::<Int16Type>().value(row)),
            DataType::Int32 => Self::Integer(array.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => Self::Long(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => Self::Float(array.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal128(precision, scale) => {
                Self::Decimal { value: array.as_primitive::<Decimal128Type>().value(row), precision: *precision, scale: *scale }
            }
            DataType::Utf8 => Self::String(array.as_string::<i32>().value(row).to_owned()),
            DataType::Binary => Self::Binary(array.as_binary::<i32>().value(row).to_vec()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                if zone.is_some() { Self::Timestamp(micros) } else { Self::TimestampNtz(micros) }
            }
            _ => Self::Other(array.slice(row, 1)),
        }
    }

    /// The engine's value, of that type; `null` is its null.
    fn into_scalar(self, data_type: &DataType, null: &ScalarValue) -> Result<ScalarValue> {
        let scalar = match self {
            Self::Null => return Ok(null.clone()),
            Self::Boolean(value) => ScalarValue::Boolean(Some(value)),
            Self::Byte(value) => ScalarValue::Int8(Some(value)),
            Self::Short(value) => ScalarValue::Int16(Some(value)),
            Self::Integer(value) => ScalarValue::Int32(Some(value)),
            Self::Long(value) => ScalarValue::Int64(Some(value)),
            Self::Float(value) => ScalarValue::Float32(Some(value)),
            Self::Double(value) => ScalarValue::Float64(Some(value)),
            Self::Decimal { value, precision, scale } => ScalarValue::Decimal128(Some(value), precision, scale),
            Self::String(value) => ScalarValue::Utf8(Some(value)),
            Self::Binary(value) => ScalarValue::Binary(Some(value)),
            Self::Date(days) => ScalarValue::Date32(Some(days)),
            Self::Timestamp(micros) => ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())),
            Self::TimestampNtz(micros) => ScalarValue::TimestampMicrosecond(Some(micros), None),
            Self::Other(array) => ScalarValue::try_from_array(&array, 0)?,
        };
        Ok(if scalar.data_type() == *data_type { scalar } else { scalar.cast_to(data_type)? })
    }
}

/// Values as an array of a type.
///
/// # Errors
/// `Data` and the like for a value that does not go into the type.
pub fn array_of(values: Vec<Value>, data_type: &DataType) -> Result<ArrayRef> {
    if values.is_empty() {
        return Ok(arrow::array::new_empty_array(data_type));
    }
    if let Some(array) = plain_array_of(&values, data_type) {
        return Ok(array);
    }
    let null = ScalarValue::try_from(data_type)?;
    let scalars = values.into_iter().map(|value| value.into_scalar(data_type, &null)).collect::<Result<Vec<_>>>()?;
    Ok(ScalarValue::iter_to_array(scalars)?)
}

/// The same for plain types, unless a value is of another kind and has to be cast: a value at a time costs no allocation.
fn plain_array_of(values: &[Value], data_type: &DataType) -> Option<ArrayRef> {
    macro_rules! of {
        ($type:ty, $kind:ident) => {{
            let natives = natives(values, |value| if let Value::$kind(native) = value { Some(*native) } else { None })?;
            Arc::new(PrimitiveArray::<$type>::from_iter(natives).with_data_type(data_type.clone()))
        }};
    }
    Some(match data_type {
        DataType::Int8 => of!(Int8Type, Byte),
        DataType::Int16 => of!(Int16Type, Short),
        DataType::Int32 => of!(Int32Type, Integer),
        DataType::Int64 => of!(Int64Type, Long),
        DataType::Float32 => of!(Float32Type, Float),
        DataType::Float64 => of!(Float64Type, Double),
        DataType::Date32 => of!(Date32Type, Date),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => of!(TimestampMicrosecondType, Timestamp),
        DataType::Timestamp(TimeUnit::Microsecond, None) => of!(TimestampMicrosecondType, TimestampNtz),
        DataType::Utf8 => {
            let texts = natives(values, |value| if let Value::String(text) = value { Some(text.as_str()) } else { None })?;
            Arc::new(StringArray::from(texts))
        }
        _ => return None,
    })
}

/// What stands in the values, unless one of them is of another kind.
fn natives<'a, N>(values: &'a [Value], native: impl Fn(&'a Value) -> Option<N>) -> Option<Vec<Option<N>>> {
    values.iter().map(|value| if let Value::Null = value { Some(None) } else { native(value).map(Some) }).collect()
}

macro_rules! values_from {
    ($($type:ty => $kind:ident),* $(,)?) => {
        $(
            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    Self::$kind(value)
                }
            }
        )*
    };
}

values_from!(bool => Boolean, i8 => Byte, i16 => Short, i32 => Integer, i64 => Long, f32 => Float, f64 => Double, String => String);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_into_arrays_and_come_out() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let list = DataType::new_list(DataType::Int32, true);
        let one = ScalarValue::List(ScalarValue::new_list(&[ScalarValue::Int32(Some(1))], &DataType::Int32, true));
        for (data_type, values) in [
            (DataType::Int64, vec![Value::from(7_i64), Value::Null]),
            (DataType::Utf8, vec![Value::from("a"), Value::from(None::<String>)]),
            (utc, vec![Value::Null, Value::Timestamp(5)]),
            (DataType::Decimal128(5, 2), vec![Value::Decimal { value: 125, precision: 5, scale: 2 }]),
            (DataType::Date32, vec![Value::Date(-1)]),
            (list, vec![Value::Other(one.to_array().unwrap()), Value::Null]),
            (DataType::Float64, Vec::new()),
        ] {
            let array = array_of(values.clone(), &data_type).unwrap();
            assert_eq!(array.data_type(), &data_type);
            let back: Vec<Value> = (0..array.len()).map(|row| Value::of(&array, row)).collect();
            assert_eq!(back, values);
        }
        // A smaller number goes into a wider column.
        assert_eq!(Value::of(&array_of(vec![Value::Integer(3), Value::Null], &DataType::Int64).unwrap(), 0), Value::Long(3));
        assert!(array_of(vec![Value::from("x")], &DataType::Int64).is_err());
    }
}
