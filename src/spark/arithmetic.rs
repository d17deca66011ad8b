//! `+ - *` on whole numbers that fail instead of wrapping around, and `/` that is always a fraction and fails on zero, as
//! Spark has them since ANSI mode is its default. Other types keep DataFusion's operators.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Datum};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, binary_expr,
};
use datafusion::scalar::ScalarValue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegerDivide,
}

const OPS: [(Op, &str, &str); 5] = [
    (Op::Add, "add", "+"),
    (Op::Subtract, "subtract", "-"),
    (Op::Multiply, "multiply", "*"),
    (Op::Divide, "divide", "/"),
    (Op::IntegerDivide, "div", "div"),
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    op: Op,
    name: &'static str,
    signature: Signature,
}

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let signature = Signature::user_defined(Volatility::Immutable);
    OPS.iter().map(|(op, name, _)| Arc::new(ScalarUDF::new_from_impl(Arithmetic { op: *op, name, signature: signature.clone() }))).collect()
});

/// All functions of this module.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

/// The operator that a function of this module is written as.
pub(crate) fn symbol(function: &str) -> Option<&'static str> {
    OPS.iter().find(|(_, name, _)| *name == function).map(|(_, _, symbol)| *symbol)
}

/// `left op right` with Spark's meaning, for operands of a known schema.
pub(crate) fn binary(left: Expr, op: Operator, right: Expr, schema: &datafusion::common::DFSchema) -> Result<Expr> {
    let function = match op {
        Operator::Plus => Op::Add,
        Operator::Minus => Op::Subtract,
        Operator::Multiply => Op::Multiply,
        Operator::Divide => Op::Divide,
        Operator::IntegerDivide => Op::IntegerDivide,
        _ => return Ok(binary_expr(left, op, right)),
    };
    let types = (left.get_type(schema)?, right.get_type(schema)?);
    let whole = |t: &DataType| t.is_integer() || *t == DataType::Null;
    let plain = |t: &DataType| whole(t) || t.is_floating();
    let ours = match function {
        Op::Add | Op::Subtract | Op::Multiply => whole(&types.0) && whole(&types.1) && (types.0.is_integer() || types.1.is_integer()),
        // A decimal divided by anything but a float stays a decimal.
        Op::Divide => types.0.is_floating() || types.1.is_floating() || (plain(&types.0) && plain(&types.1)) || is_text(&types),
        Op::IntegerDivide => true,
    };
    Ok(if ours { call(function, left, right) } else { binary_expr(left, op, right) })
}

fn is_text((left, right): &(DataType, DataType)) -> bool {
    left.is_string() || right.is_string()
}

fn call(op: Op, left: Expr, right: Expr) -> Expr {
    let at = OPS.iter().position(|(known, ..)| *known == op).expect("every operator is in the table");
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&FUNCTIONS[at]), vec![left, right]))
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = types else { return plan_err!("`{}` takes two arguments, not {}", self.name, types.len()) };
        let common = match self.op {
            Op::Divide => DataType::Float64,
            Op::IntegerDivide => DataType::Int64,
            _ => wider(left, right),
        };
        Ok(vec![common.clone(), common])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(self.coerce_types(types)?.swap_remove(0))
    }

    fn return_field_from_args(&self, args: datafusion::logical_expr::ReturnFieldArgs) -> Result<arrow::datatypes::FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|f| f.is_nullable());
        Ok(Arc::new(arrow::datatypes::Field::new(self.name, self.return_type(&types)?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else { return exec_err!("`{}` takes two arguments", self.name) };
        let both_scalar = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let (left, right) = (datum(left)?, datum(right)?);
        let result = self.compute(left.as_ref(), right.as_ref())?;
        Ok(if both_scalar { ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?) } else { ColumnarValue::Array(result) })
    }
}

impl Arithmetic {
    fn compute(&self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef> {
        let result = match self.op {
            Op::Add => numeric::add(left, right),
            Op::Subtract => numeric::sub(left, right),
            Op::Multiply => numeric::mul(left, right),
            Op::IntegerDivide => numeric::div(left, right),
            Op::Divide => {
                refuse_zero(left, right)?;
                numeric::div(left, right)
            }
        };
        result.map_err(|error| match error {
            ArrowError::DivideByZero => divided_by_zero(),
            ArrowError::ArithmeticOverflow(what) => {
                exec_datafusion_err!("whole-number overflow in `{}`: {what}; cast an operand to a wider type", self.name)
            }
            other => other.into(),
        })
    }
}

fn divided_by_zero() -> DataFusionError {
    exec_datafusion_err!("division by zero; use `try_divide` or `nullif(divisor, 0)` to get null instead")
}

/// A float division gives infinity for a zero divisor; Spark refuses it wherever the dividend is not null.
fn refuse_zero(left: &dyn Datum, right: &dyn Datum) -> Result<()> {
    let (dividend, dividend_is_scalar) = left.get();
    let (divisor, divisor_is_scalar) = right.get();
    let divisor = divisor.as_primitive::<Float64Type>();
    let null = |array: &dyn Array, scalar: bool, i: usize| array.is_null(if scalar { 0 } else { i });
    if divisor_is_scalar {
        let zero = divisor.is_valid(0) && divisor.value(0) == 0.0;
        return if zero && dividend.null_count() < dividend.len() { Err(divided_by_zero()) } else { Ok(()) };
    }
    if !divisor.values().contains(&0.0) {
        return Ok(());
    }
    for (i, value) in divisor.iter().enumerate() {
        if value == Some(0.0) && !null(dividend, dividend_is_scalar, i) {
            return Err(divided_by_zero());
        }
    }
    Ok(())
}

fn datum(value: &ColumnarValue) -> Result<Box<dyn Datum>> {
    Ok(match value {
        ColumnarValue::Array(array) => Box::new(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => Box::new(scalar.to_scalar()?),
    })
}

fn wider(left: &DataType, right: &DataType) -> DataType {
    let bits = |t: &DataType| t.primitive_width().unwrap_or(0) * if t.is_unsigned_integer() { 2 } else { 1 };
    match bits(left).max(bits(right)) {
        0 | 1 => DataType::Int8,
        2 => DataType::Int16,
        4 => DataType::Int32,
        _ => DataType::Int64,
    }
}
