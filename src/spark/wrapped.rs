//! Functions of the engine whose results Spark types or bounds otherwise: each runs the engine's and mends what comes out or
//! goes in.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::ddl::timestamp;

/// All functions of this module.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let nested = |engine: Arc<ScalarUDF>, mend| Arc::new(ScalarUDF::new_from_impl(Mended { engine, mend }));
    use datafusion::functions_nested as n;
    vec![
        nested(n::position::array_position_udf(), Mend::Position),
        nested(n::cardinality::cardinality_udf(), Mend::Int),
        nested(n::length::array_length_udf(), Mend::Int),
        nested(datafusion::functions::unicode::left(), Mend::Length),
        nested(datafusion::functions::unicode::right(), Mend::Length),
        Arc::new(ScalarUDF::new_from_impl(Now { signature: Signature::nullary(Volatility::Stable), aliases: vec!["now".to_owned()] })),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mend {
    /// The place of a value that is not there is 0.
    Position,
    /// The engine's unsigned number is an int.
    Int,
    /// A length below zero is none.
    Length,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Mended {
    engine: Arc<ScalarUDF>,
    mend: Mend,
}

impl ScalarUDFImpl for Mended {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.engine.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match self.mend {
            Mend::Position => Ok(DataType::Int64),
            Mend::Int => Ok(DataType::Int32),
            Mend::Length => self.engine.return_type(types),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        if self.mend == Mend::Length {
            if let Some(length) = args.args.get_mut(1) {
                *length = not_negative(length, rows)?;
            }
            return self.engine.invoke_with_args(args);
        }
        let inputs: Vec<ArrayRef> = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<_>>()?;
        let types: Vec<DataType> = inputs.iter().map(|array| array.data_type().clone()).collect();
        let to = self.return_type(&types)?;
        args.return_field = Arc::new(args.return_field.as_ref().clone().with_data_type(self.engine.return_type(&types)?));
        let found = cast(&self.engine.invoke_with_args(args)?.into_array(rows)?, &to)?;
        if self.mend != Mend::Position {
            return Ok(ColumnarValue::Array(found));
        }
        let found = found.as_primitive::<Int64Type>();
        let place = |row: usize| match (found.is_valid(row), inputs.iter().all(|input| input.is_valid(row))) {
            (true, _) => Some(found.value(row)),
            (false, known) => known.then_some(0),
        };
        Ok(ColumnarValue::Array(Arc::new((0..rows).map(place).collect::<Int64Array>())))
    }
}

fn not_negative(length: &ColumnarValue, rows: usize) -> Result<ColumnarValue> {
    let lengths = cast(&length.to_array(rows)?, &DataType::Int64)?;
    let lengths: Int64Array = lengths.as_primitive::<Int64Type>().unary(|length| length.max(0));
    Ok(match length {
        ColumnarValue::Scalar(_) => {
            ColumnarValue::Scalar(if rows == 0 { ScalarValue::Int64(Some(0)) } else { ScalarValue::try_from_array(&lengths, 0)? })
        }
        ColumnarValue::Array(_) => ColumnarValue::Array(Arc::new(lengths)),
    })
}

/// The time at which the query began, in microseconds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Now {
    signature: Signature,
    aliases: Vec<String>,
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &str {
        "current_timestamp"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(timestamp())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan_err!("`current_timestamp` has a value only where a query begins")
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(now) = info.query_execution_start_time() else { return Ok(ExprSimplifyResult::Original(args)) };
        let now = ScalarValue::TimestampMicrosecond(Some(now.timestamp_micros()), Some("UTC".into()));
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(now, None)))
    }
}
