//! A single value out of an array, as a literal of the tree.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time64NanosecondType,
    TimestampMicrosecondType,
};
use tidemill_spark::plan::Literal;
use tidemill_spark::types::SparkType;

use tidemill_planner::{Error, Result};

/// The value of a row, by its type.
///
/// # Errors
/// `Unsupported` for types that have no literals, as arrays and structs.
pub(crate) fn literal_at(array: &dyn Array, row: usize, data_type: &SparkType) -> Result<Literal> {
    if array.is_null(row) {
        return Ok(Literal::Null(data_type.clone()));
    }
    Ok(match data_type {
        SparkType::Boolean => Literal::Boolean(array.as_boolean().value(row)),
        SparkType::Byte => Literal::Byte(array.as_primitive::<Int8Type>().value(row)),
        SparkType::Short => Literal::Short(array.as_primitive::<Int16Type>().value(row)),
        SparkType::Integer => Literal::Integer(array.as_primitive::<Int32Type>().value(row)),
        SparkType::Long => Literal::Long(array.as_primitive::<Int64Type>().value(row)),
        SparkType::Float => Literal::Float(array.as_primitive::<Float32Type>().value(row)),
        SparkType::Double => Literal::Double(array.as_primitive::<Float64Type>().value(row)),
        SparkType::Decimal(precision, scale) => {
            Literal::Decimal { value: array.as_primitive::<Decimal128Type>().value(row), precision: *precision, scale: *scale }
        }
        text if text.is_string() => Literal::String(array.as_string::<i32>().value(row).to_owned()),
        SparkType::Binary => Literal::Binary(array.as_binary::<i32>().value(row).to_vec()),
        SparkType::Date => Literal::Date(array.as_primitive::<Date32Type>().value(row)),
        SparkType::Time(digits) => Literal::Time(array.as_primitive::<Time64NanosecondType>().value(row), *digits),
        SparkType::Timestamp => Literal::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        SparkType::TimestampNtz => Literal::TimestampNtz(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        other => {
            return Err(Error::unsupported(format!("values of type \"{}\" have no literals: cast the column to text first", other.sql())));
        }
    })
}
