//! Plain values of Python as constants of the tree. Python says of which kind a value is: its rules are in `tidemill/sql/literal.py`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill::plan::Literal;
use tidemill_spark::types::{DayTimeField, SparkType};

/// The constant of a kind.
///
/// # Errors
/// `TypeError` for a value of another kind, `OverflowError` for a number beyond the kind's, `ValueError` for an unknown kind.
pub(crate) fn literal(kind: &str, value: &Bound<'_, PyAny>) -> PyResult<Literal> {
    Ok(match kind {
        "null" => Literal::Null(SparkType::Null),
        "boolean" => Literal::Boolean(value.extract()?),
        "byte" => Literal::Byte(value.extract()?),
        "short" => Literal::Short(value.extract()?),
        "integer" => Literal::Integer(value.extract()?),
        "long" => Literal::Long(value.extract()?),
        "float" => Literal::Float(value.extract()?),
        "double" => Literal::Double(value.extract()?),
        "string" => Literal::String(value.extract()?),
        "binary" => Literal::Binary(value.extract()?),
        "decimal" => {
            let (value, precision, scale) = value.extract()?;
            Literal::Decimal { value, precision, scale }
        }
        "date" => Literal::Date(value.extract()?),
        "timestamp" => Literal::Timestamp(value.extract()?),
        "timestamp_ntz" => Literal::TimestampNtz(value.extract()?),
        "time" => Literal::Time(value.extract()?, 6),
        "day_time" => Literal::DayTimeInterval { value: value.extract()?, start: DayTimeField::Day, end: DayTimeField::Second },
        other => return Err(PyValueError::new_err(format!("there is no kind of constant `{other}`"))),
    })
}
