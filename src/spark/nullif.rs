//! `nullif`: null where the two are equal in their common type, else the first as it is. The engine's would give it the common
//! type, and a CASE would compute it twice, which random numbers and long chains do not bear.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::{CastOptions, cast_with_options, nullif};
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr_common::datum::compare_with_eq;
use datafusion::scalar::ScalarValue;
use tidemill_planner::float::{Normal, normalize};

use super::types::{Meeting, common_of};
use super::{cast, spans};

/// The call, with the second argument in the common type; the first gets it inside, for the comparison alone.
pub(super) fn resolve(mut args: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
    let types: Vec<DataType> = args.iter().map(|arg| arg.get_type(schema)).collect::<Result<_>>()?;
    spans::refuse_inside(&types)?;
    let [left, right] = types.as_slice() else { return internal_err!("`nullif` of {} arguments", types.len()) };
    let Some(met) = common_of(&types, Meeting::Compared).or_else(|| comparison_coercion(left, right)) else {
        return plan_err!("`nullif` compares its arguments, and {left} and {right} have no common type: cast one of them");
    };
    if *left == met || left.is_null() {
        args[1] = cast::to(std::mem::take(&mut args[1]), &met, schema)?;
        if left.is_null() {
            return Ok(args.swap_remove(0));
        }
        return Ok(datafusion::functions::core::nullif().call(args));
    }
    if met.is_nested() {
        return plan_err!("`nullif` does not compare {left} with {right}: cast one to the type of the other");
    }
    args[1] = cast::to(std::mem::take(&mut args[1]), &met, schema)?;
    Ok(compared_as(met, args))
}

/// The call over arguments of which the second is of the type that both are compared as.
pub(super) fn compared_as(met: DataType, args: Vec<Expr>) -> Expr {
    let function = NullIf { met, signature: Signature::any(2, Volatility::Immutable) };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), args))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NullIf {
    /// What the first argument is compared as.
    met: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for NullIf {
    fn name(&self) -> &str {
        // Not the engine's, which another analysis would take it for.
        "null_if"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else { return internal_err!("`nullif` takes two arguments") };
        let scalar = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let left = left.to_array(rows)?;
        let equal = self.equal(&left, &right.to_array(rows)?)?;
        let value = nullif(&left, &equal)?;
        Ok(if scalar { ColumnarValue::Scalar(ScalarValue::try_from_array(&value, 0)?) } else { ColumnarValue::Array(value) })
    }
}

impl NullIf {
    fn equal(&self, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
        let left = match (left.data_type(), &self.met) {
            (DataType::Interval(_), DataType::Duration(_)) => cast::spans(left)?,
            _ => cast_with_options(left, &self.met, &CastOptions { safe: false, ..CastOptions::default() })?,
        };
        // Arrow tells floats apart by their bits.
        let (left, right) = (normalize(&left, Normal::Key)?, normalize(right, Normal::Key)?);
        compare_with_eq(&left, &right, self.met.is_nested())
    }
}
