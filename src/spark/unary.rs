//! `-x` that fails where the least whole number has no opposite. Decimals and floats always have one.

use std::sync::Arc;

use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::{exec_datafusion_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Negate {
    signature: Signature,
}

/// `-expr` over whole numbers.
pub(super) fn negate(expr: Expr) -> Expr {
    let function = Negate { signature: Signature::any(1, Volatility::Immutable) };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), vec![expr]))
}

impl ScalarUDFImpl for Negate {
    fn name(&self) -> &str {
        "negate"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let negated = |array: &dyn arrow::array::Array| {
            numeric::neg(array).map_err(|error| match error {
                ArrowError::ArithmeticOverflow(what) => {
                    exec_datafusion_err!("whole-number overflow in `-`: {what}; cast the operand to a wider type")
                }
                other => other.into(),
            })
        };
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(negated(array)?)),
            [ColumnarValue::Scalar(scalar)] => {
                let made = negated(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?))
            }
            _ => internal_err!("`-` takes one operand"),
        }
    }
}
