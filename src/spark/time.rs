//! Functions that make instants: microseconds in UTC, where DataFusion's of the same name make nanoseconds without a zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use tidemill_planner::catalog_string::catalog_string;

use super::cast;
use crate::ddl::timestamp;

/// Spark keeps the fraction of a second alone.
const SECOND: i64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum From {
    /// A whole number of units of this many microseconds.
    Units(i64),
    /// Text, a date, or another kind of timestamp.
    Any,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MakeTimestamp {
    name: &'static str,
    from: From,
    signature: Signature,
}

/// All functions of this module.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        ("timestamp_micros", From::Units(1)),
        ("timestamp_millis", From::Units(1_000)),
        ("timestamp_seconds", From::Units(SECOND)),
        ("to_timestamp", From::Any),
    ]
    .into_iter()
    .map(|(name, from)| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(MakeTimestamp { name, from, signature }))
    })
    .collect()
}

impl ScalarUDFImpl for MakeTimestamp {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match (types, self.from) {
            ([DataType::Float32 | DataType::Float64], From::Units(SECOND)) => Ok(vec![DataType::Float64]),
            ([DataType::Decimal128(..)], From::Units(SECOND)) => Ok(types.to_vec()),
            ([units], From::Units(_)) if units.is_integer() || units.is_string() || units.is_null() => Ok(vec![DataType::Int64]),
            ([other], From::Units(_)) => {
                plan_err!(
                    "`{}` takes a whole number, not {}: cast it to bigint, or use `timestamp_seconds`",
                    self.name,
                    catalog_string(other)
                )
            }
            ([text], From::Any) if text.is_string() => Ok(vec![DataType::Utf8]),
            ([DataType::Date32 | DataType::Timestamp(..) | DataType::Null], From::Any) => Ok(types.to_vec()),
            ([other], From::Any) => {
                plan_err!("`to_timestamp` takes text, a date or a timestamp, not {other}; for numbers use `timestamp_millis` and its like")
            }
            ([_, _], From::Any) => {
                plan_err!("`to_timestamp` with a format is not supported; give ISO 8601 text such as `2026-01-31 08:30:00`")
            }
            _ => plan_err!("`{}` takes one argument, not {}", self.name, types.len()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(timestamp())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arg] = args.args.as_slice() else { return exec_err!("`{}` takes one argument", self.name) };
        match arg {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(self.convert(array)?)),
            ColumnarValue::Scalar(scalar) => {
                let made = self.convert(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::try_from_array(&made, 0)?))
            }
        }
    }
}

impl MakeTimestamp {
    fn convert(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self.from {
            From::Any => Ok(arrow::compute::cast_with_options(
                array,
                &timestamp(),
                &arrow::compute::CastOptions { safe: false, ..Default::default() },
            )?),
            From::Units(SECOND) if !array.data_type().is_integer() => cast::instants(array),
            From::Units(1) => Ok(arrow_cast(&arrow_cast(array, &DataType::Int64)?, &timestamp())?),
            From::Units(scale) => {
                let units = array.as_primitive::<Int64Type>();
                let micros = units.try_unary::<_, TimestampMicrosecondType, _>(|unit| {
                    unit.checked_mul(scale).ok_or_else(|| exec_datafusion_err!("`{}`({unit}) is beyond the range of timestamps", self.name))
                })?;
                Ok(Arc::new(micros.with_timezone("UTC")))
            }
        }
    }
}
