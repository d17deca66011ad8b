//! Functions of the program over columns: Spark's UDFs. What language they are written in is the caller's business.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::RowsAtOnce;
use crate::{Error, Result};

/// A function of the program over columns.
pub trait UserFunction: Debug + Send + Sync {
    /// Its name, as plans show it.
    fn name(&self) -> &str;

    /// The type of what it gives; `nullable` says whether it may give null.
    fn output(&self) -> &FieldRef;

    /// Whether the same values give the same result. One of which that is not said is called once for each row that is asked for.
    fn is_deterministic(&self) -> bool {
        true
    }

    /// Whether it is called once per group, with all of the group's rows, and gives one value.
    fn is_aggregate(&self) -> bool {
        false
    }

    /// Whether a call with more rows costs less a row: not that of one that works row by row.
    fn gains_by_rows(&self) -> bool {
        true
    }

    /// Its values for `rows` rows, whose arguments are these; of an aggregate, one value.
    ///
    /// # Errors
    /// Whatever it raises: the query ends with it.
    fn call(&self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef>;
}

/// A function of the program over columns as one of the engine's.
#[derive(Debug)]
pub struct UserScalarFunction {
    function: Arc<dyn UserFunction>,
    rows_at_once: RowsAtOnce,
    signature: Signature,
}

impl UserScalarFunction {
    /// A function that is called with so many rows at once. The engine computes calls over constants when it plans, unless they are
    /// `volatile`.
    pub fn new(function: Arc<dyn UserFunction>, rows_at_once: RowsAtOnce, volatile: bool) -> Self {
        let volatility = if volatile { Volatility::Volatile } else { Volatility::Immutable };
        Self { function, rows_at_once, signature: Signature::user_defined(volatility) }
    }

    /// How many rows a call is best given; None if any number is as good.
    pub fn wanted_rows(&self) -> Option<RowsAtOnce> {
        self.function.gains_by_rows().then_some(self.rows_at_once)
    }

    /// One call, its result checked.
    fn call(&self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let values = self.function.call(arguments, rows)?;
        let promised = self.function.output();
        let misfit = |what: String| Error::data(format!("the function `{}` was called with {rows} rows and {what}", self.function.name()));
        if values.len() != rows {
            return Err(misfit(format!("gave {} values: a value per row is needed", values.len())));
        }
        if values.data_type() != promised.data_type() {
            return Err(misfit(format!("gave {} in place of {}", values.data_type(), promised.data_type())));
        }
        if !promised.is_nullable() && values.null_count() > 0 {
            return Err(misfit("gave nulls, though it said that it gives none".to_owned()));
        }
        Ok(values)
    }
}

impl PartialEq for UserScalarFunction {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function) && self.signature == other.signature
    }
}

impl Eq for UserScalarFunction {}

impl Hash for UserScalarFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name().hash(state);
    }
}

impl ScalarUDFImpl for UserScalarFunction {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.function.output().data_type().clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> DfResult<FieldRef> {
        Ok(Arc::clone(self.function.output()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let rows = args.number_rows;
        if rows == 0 {
            return Ok(ColumnarValue::Array(arrow::array::new_empty_array(self.function.output().data_type())));
        }
        let arrays = args.args.iter().map(|argument| argument.to_array(rows)).collect::<DfResult<Vec<_>>>()?;
        let parts = self.rows_at_once.parts(rows).map(|(from, rows)| {
            let arguments: Vec<ArrayRef> = arrays.iter().map(|array| array.slice(from, rows)).collect();
            self.call(&arguments, rows)
        });
        let mut parts = parts.collect::<Result<Vec<_>>>()?;
        if parts.len() == 1 {
            return Ok(ColumnarValue::Array(parts.remove(0)));
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }
}
