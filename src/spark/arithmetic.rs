//! `+ - * / div %` as Spark has them since ANSI mode is its default: whole numbers that fail instead of wrapping around, `/`
//! that is always a fraction and fails on zero, decimals of Spark's digits. Other types keep DataFusion's operators.
//!
//! Operands have their final types only once the plan below them is analysed, so an operator is first planned as a function
//! that promises nothing, and [`resolve`] settles it there.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Datum, Float64Array, Int32Array, Scalar};
use arrow::compute::kernels::zip::zip;
use arrow::compute::kernels::{cmp, numeric};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, binary_expr,
};
use datafusion::scalar::ScalarValue;

use super::decimal;

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegerDivide,
    Remainder,
    /// `pmod`: the remainder that has the divisor's sign or is not negative.
    PositiveRemainder,
}

const OPS: [(Op, &str, &str, Operator); 7] = [
    (Op::Add, "add", "+", Operator::Plus),
    (Op::Subtract, "subtract", "-", Operator::Minus),
    (Op::Multiply, "multiply", "*", Operator::Multiply),
    (Op::Divide, "divide", "/", Operator::Divide),
    (Op::IntegerDivide, "div", "div", Operator::IntegerDivide),
    (Op::Remainder, "remainder", "%", Operator::Modulo),
    (Op::PositiveRemainder, "pmod", "pmod", Operator::Modulo),
];

impl Op {
    pub(super) fn symbol(self) -> &'static str {
        OPS[self as usize].2
    }

    fn is_remainder(self) -> bool {
        matches!(self, Self::Remainder | Self::PositiveRemainder)
    }

    fn operator(self) -> Operator {
        OPS[self as usize].3
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    op: Op,
    name: &'static str,
    signature: Signature,
}

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let signature = Signature::user_defined(Volatility::Immutable);
    let function = |op: Op, name| Arc::new(ScalarUDF::new_from_impl(Arithmetic { op, name, signature: signature.clone() }));
    OPS.iter().map(|(op, name, ..)| function(*op, name)).collect()
});

/// All functions of this module.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

/// The operator that a function of this module is written as.
pub(crate) fn symbol(function: &str) -> Option<&'static str> {
    OPS.iter().find(|(_, name, symbol, _)| *name == function && name != symbol).map(|(_, _, symbol, _)| *symbol)
}

/// `left op right`, to be settled when its operands' types are known.
pub(crate) fn binary(left: Expr, operator: Operator, right: Expr) -> Expr {
    match OPS.iter().find(|(.., known)| *known == operator) {
        Some((op, ..)) => call(*op, left, right),
        None => binary_expr(left, operator, right),
    }
}

/// Who computes, over operands of which types.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// This module.
    Ours(DataType, DataType),
    /// The engine's operator.
    Engine(DataType, DataType),
}

/// The choice for operands of these types.
fn choose(op: Op, left: &DataType, right: &DataType) -> Result<Choice> {
    use DataType::{Float32, Float64, Int64};
    let number = |t: &DataType| t.is_integer() || t.is_decimal() || t.is_floating();
    // Text and nulls take after the other side.
    let (left, right) = (after(op, left, right), after(op, right, left));
    if !number(&left) || !number(&right) {
        return Ok(Choice::Engine(left, right));
    }
    let floating = left.is_floating() || right.is_floating();
    let decimal = left.is_decimal() || right.is_decimal();
    Ok(match op {
        Op::IntegerDivide if floating => {
            return plan_err!("`div` takes whole numbers and decimals, not {left} and {right}: cast both to bigint");
        }
        Op::Divide if floating || !decimal => Choice::Ours(Float64, Float64),
        Op::IntegerDivide if !decimal => Choice::Ours(Int64, Int64),
        _ if floating => {
            let common = if left == Float32 && right == Float32 { Float32 } else { Float64 };
            // Only the remainder has a case that the engine does not refuse.
            if op.is_remainder() { Choice::Ours(common.clone(), common) } else { Choice::Engine(common.clone(), common) }
        }
        _ if decimal => {
            let as_decimal = |t: DataType| decimal::digits_of(&t).map_or(t, |(p, s)| DataType::Decimal128(p, s));
            let (left, right) = (as_decimal(left), as_decimal(right));
            Choice::Ours(left, right)
        }
        _ => {
            let common = wider(&left, &right);
            Choice::Ours(common.clone(), common)
        }
    })
}

/// The type that an operand takes, given the other.
fn after(op: Op, own: &DataType, other: &DataType) -> DataType {
    match (own, other) {
        (own, other) if own.is_string() && other.is_integer() && op != Op::Divide => DataType::Int64,
        (own, other) if own.is_string() && (other.is_numeric() || other.is_string() || other.is_null()) => DataType::Float64,
        (DataType::Null, other) if other.is_string() => DataType::Float64,
        (DataType::Null, other) if other.is_numeric() => other.clone(),
        (DataType::Null, DataType::Null) if op == Op::Divide => DataType::Float64,
        (DataType::Null, DataType::Null) if op == Op::IntegerDivide => DataType::Int64,
        (own, _) => own.clone(),
    }
}

/// `left op right` with Spark's meaning, for operands whose types are final. Any other expression stays as it is.
pub(super) fn resolve(expr: Expr, schema: &datafusion::common::DFSchema) -> Result<Expr> {
    let (op, left, right) = match expr {
        Expr::BinaryExpr(b) => match OPS.iter().find(|(.., known)| *known == b.op) {
            Some((op, ..)) => (*op, *b.left, *b.right),
            None => return Ok(Expr::BinaryExpr(b)),
        },
        Expr::ScalarFunction(mut f) => match (f.func.inner().downcast_ref::<Arithmetic>(), f.args.len()) {
            (Some(ours), 2) => {
                let op = ours.op;
                let right = f.args.swap_remove(1);
                (op, f.args.swap_remove(0), right)
            }
            _ => return Ok(Expr::ScalarFunction(f)),
        },
        other => return Ok(other),
    };
    let (left_type, right_type) = (type_of(&left, schema)?, type_of(&right, schema)?);
    // A whole-number literal beside a decimal counts for just its digits.
    let (left, left_type) = if right_type.is_decimal() { exact_literal(left, left_type)? } else { (left, left_type) };
    let (right, right_type) = if left_type.is_decimal() { exact_literal(right, right_type)? } else { (right, right_type) };
    let cast = |expr: Expr, from: &DataType, to: &DataType| if from == to { Ok(expr) } else { expr.cast_to(to, schema) };
    match choose(op, &left_type, &right_type)? {
        Choice::Ours(l, r) => Ok(call(op, cast(left, &left_type, &l)?, cast(right, &right_type, &r)?)),
        Choice::Engine(l, r) => Ok(binary_expr(cast(left, &left_type, &l)?, op.operator(), cast(right, &right_type, &r)?)),
    }
}

/// Whether `expr`, which has been resolved, is computed here: then its operands have their types already.
pub(super) fn is_ours(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(f) if f.func.inner().is::<Arithmetic>())
}

/// The type of an operand. The engine's own way to it spells out the name of every part on the way, which makes a long chain
/// of operators slow to plan.
fn type_of(expr: &Expr, schema: &datafusion::common::DFSchema) -> Result<DataType> {
    match expr {
        Expr::ScalarFunction(f) => match (f.func.inner().downcast_ref::<Arithmetic>(), f.args.as_slice()) {
            (Some(ours), [left, right]) => ours.return_type(&[type_of(left, schema)?, type_of(right, schema)?]),
            _ => expr.get_type(schema),
        },
        Expr::BinaryExpr(b) if OPS.iter().any(|(.., known)| *known == b.op) => {
            BinaryTypeCoercer::new(&type_of(&b.left, schema)?, &b.op, &type_of(&b.right, schema)?).get_result_type()
        }
        other => other.get_type(schema),
    }
}

fn exact_literal(expr: Expr, data_type: DataType) -> Result<(Expr, DataType)> {
    let value = match &expr {
        Expr::Literal(ScalarValue::Int32(Some(value)), _) => i64::from(*value),
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => *value,
        _ => return Ok((expr, data_type)),
    };
    let exact = decimal::literal(value)?;
    let data_type = exact.data_type();
    Ok((Expr::Literal(exact, None), data_type))
}

fn call(op: Op, left: Expr, right: Expr) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&FUNCTIONS[op as usize]), vec![left, right]))
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
        Ok(match choose(self.op, left, right)? {
            Choice::Ours(left, right) => vec![left, right],
            // Not settled yet: whatever it is.
            Choice::Engine(..) => types.to_vec(),
        })
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [left, right] = types else { return plan_err!("`{}` takes two arguments, not {}", self.name, types.len()) };
        Ok(match choose(self.op, left, right)? {
            Choice::Ours(..) if self.op == Op::IntegerDivide => DataType::Int64,
            Choice::Ours(DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) => {
                let (precision, scale) = decimal::result(self.op, (p1, s1), (p2, s2));
                DataType::Decimal128(precision, scale)
            }
            Choice::Ours(common, _) => common,
            Choice::Engine(left, right) => BinaryTypeCoercer::new(&left, &self.op.operator(), &right).get_result_type().unwrap_or(left),
        })
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
        if left.get().0.data_type().is_decimal() && !self.op.is_remainder() {
            return decimal::compute(self.op, left, right);
        }
        let result = match self.op {
            Op::Add => numeric::add(left, right),
            Op::Subtract => numeric::sub(left, right),
            Op::Multiply => numeric::mul(left, right),
            Op::IntegerDivide => numeric::div(left, right),
            Op::Divide => {
                refuse_zero(left, right)?;
                numeric::div(left, right)
            }
            Op::Remainder => {
                refuse_zero(left, right)?;
                numeric::rem(left, right)
            }
            Op::PositiveRemainder => {
                refuse_zero(left, right)?;
                positive_remainder(left, right)
            }
        };
        result.map_err(|error| match error {
            ArrowError::DivideByZero => divided_by_zero(),
            ArrowError::ArithmeticOverflow(what) => {
                exec_datafusion_err!("whole-number overflow in `{}`: {what}; cast an operand to a wider type", self.op.symbol())
            }
            other => other.into(),
        })
    }
}

pub(super) fn divided_by_zero() -> DataFusionError {
    exec_datafusion_err!("division by zero: divide by `nullif(divisor, 0)` to get null instead")
}

/// The remainder, with the divisor added where it is below zero, as Spark does.
fn positive_remainder(left: &dyn Datum, right: &dyn Datum) -> std::result::Result<ArrayRef, ArrowError> {
    let rest = numeric::rem(left, right)?;
    let zero = Scalar::new(arrow::compute::cast(&Int32Array::from(vec![0]), rest.data_type())?);
    let below = cmp::lt(&rest, &zero)?;
    if below.true_count() == 0 {
        return Ok(rest);
    }
    let moved = numeric::rem(&numeric::add_wrapping(&rest, right)?, right)?;
    let moved = arrow::compute::cast(&moved, rest.data_type())?;
    zip(&below, &moved, &rest)
}

/// A float division gives infinity for a zero divisor; Spark refuses it wherever the dividend is not null.
fn refuse_zero(left: &dyn Datum, right: &dyn Datum) -> Result<()> {
    let (dividend, dividend_is_scalar) = left.get();
    let (divisor, divisor_is_scalar) = right.get();
    let divisor: Float64Array = match divisor.data_type() {
        DataType::Float64 => divisor.as_primitive::<Float64Type>().clone(),
        DataType::Float32 => divisor.as_primitive::<Float32Type>().unary(f64::from),
        _ => return Ok(()),
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::DataType::{Date32, Decimal128, Float32, Float64, Int8, Int32, Int64, Null, Utf8};

    #[test]
    fn choices() {
        let ours = |l: DataType, r: DataType| Some(Choice::Ours(l, r));
        let engine = |l: DataType, r: DataType| Some(Choice::Engine(l, r));
        for (op, left, right, expected) in [
            (Op::Add, Int8, Int32, ours(Int32, Int32)),
            (Op::Add, Int32, Decimal128(2, 1), ours(Decimal128(10, 0), Decimal128(2, 1))),
            (Op::Multiply, Decimal128(2, 1), Float64, engine(Float64, Float64)),
            (Op::Multiply, Int32, Float32, engine(Float64, Float64)),
            (Op::Add, Utf8, Int32, ours(Int64, Int32).map(|_| Choice::Ours(Int64, Int64))),
            (Op::Add, Utf8, Utf8, engine(Float64, Float64)),
            (Op::Divide, Int32, Null, ours(Float64, Float64)),
            (Op::Divide, Utf8, Int32, ours(Float64, Float64)),
            (Op::Divide, Decimal128(2, 1), Int64, ours(Decimal128(2, 1), Decimal128(20, 0))),
            (Op::IntegerDivide, Int8, Int8, ours(Int64, Int64)),
            (Op::IntegerDivide, Float64, Int8, None),
            (Op::Remainder, Float64, Int32, ours(Float64, Float64)),
            (Op::Add, Date32, Int32, engine(Date32, Int32)),
        ] {
            assert_eq!(choose(op, &left, &right).ok(), expected, "{left} {} {right}", op.symbol());
        }
    }
}
