//! The function that makes floats one, by which keys and comparisons get Spark's meaning: −0.0 is 0.0 and every NaN is the same.
//! Which keys and comparisons those are is said in `float_keys.rs` and `float_comparisons.rs`; nobody calls it by name.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use tidemill_planner::float::{Normal, holds_floats, normalize};

#[derive(Debug, PartialEq, Eq, Hash)]
struct Normalize {
    normal: Normal,
    signature: Signature,
}

/// `expr` with its floats made alike, unless they are already.
pub(super) fn normalized(expr: Expr, normal: Normal) -> Expr {
    static KEY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| function(Normal::Key));
    static VALUE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| function(Normal::Value));
    if is_normalized(&expr) {
        return expr;
    }
    let function = match normal {
        Normal::Key => &KEY,
        Normal::Value => &VALUE,
    };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![expr]))
}

fn function(normal: Normal) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Normalize { normal, signature: Signature::any(1, Volatility::Immutable) }))
}

/// Whether `expr` is [`normalized`].
pub(super) fn is_normalized(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.inner().is::<Normalize>())
}

/// Whether there are floats in the values of `expr`.
pub(super) fn has_floats(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(holds_floats(&expr.get_type(schema)?))
}

impl ScalarUDFImpl for Normalize {
    fn name(&self) -> &str {
        match self.normal {
            Normal::Key => "normalize_float",
            Normal::Value => "normalize_nan",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [data_type] => Ok(data_type.clone()),
            _ => internal_err!("`{}` takes one argument, not {}", self.name(), types.len()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [field] => Ok(Arc::new(field.as_ref().clone().with_name(self.name()))),
            _ => internal_err!("`{}` takes one argument, not {}", self.name(), args.arg_fields.len()),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => {
                let alike = normalize(array, self.normal)?;
                Ok(ColumnarValue::Array(arrow::compute::cast(&alike, args.return_field.data_type())?))
            }
            [ColumnarValue::Scalar(scalar)] => {
                let alike = normalize(&scalar.to_array()?, self.normal)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&alike, 0)?))
            }
            _ => internal_err!("`{}` takes one argument", self.name()),
        }
    }
}
