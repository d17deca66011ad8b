//! Calls of the program's own functions: they take what they are given, and give what they said. What a call computes is the function's
//! business.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use tidemill_planner::logical::{MapBatches, UserFunction};

use super::nodes::{project, under_id};
use super::scope::Scope;
use super::stream::extension;
use super::{Rel, Resolver};
use crate::error::error;
use crate::functions::user_aggregate;
use crate::plan::{Expression, Relation};
use crate::types::{StructField, from_field};
use crate::{Error, Result, Sql, Typed};

impl Resolver<'_> {
    /// A call of the function that the program holds under `handle`.
    pub(crate) fn held_function(&mut self, handle: u64, arguments: &[Expression], scope: &Scope) -> Result<Typed> {
        let Some(function) = self.opened.user_functions.get(&handle).cloned() else {
            return Err(error("INTERNAL_ERROR", format!("the session has no function under {handle}")));
        };
        self.user_function(&function, arguments, scope)
    }

    /// A call of a function of the program.
    pub(crate) fn user_function(&mut self, function: &Arc<dyn UserFunction>, arguments: &[Expression], scope: &Scope) -> Result<Typed> {
        // Arguments of aggregates are of the rows, not of the list.
        let definitions = if function.is_aggregate() { self.definitions.take() } else { None };
        let arguments = arguments.iter().map(|argument| self.expression(argument, scope)).collect::<Result<Vec<_>>>();
        if definitions.is_some() {
            self.definitions = definitions;
        }
        let arguments = arguments?;
        if function.is_aggregate() && arguments.is_empty() {
            let message = format!("the aggregate `{}` takes a column at least: it is called with the rows of a group", function.name());
            return Err(error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", message));
        }
        let sql = Sql::call(function.name(), &arguments.iter().map(|argument| argument.sql.clone()).collect::<Vec<_>>());
        let output = from_field(function.output());
        let types = arguments.iter().map(|argument| argument.data_type.clone()).collect();
        let exprs: Vec<Expr> = arguments.into_iter().map(|argument| argument.expr).collect();
        let expr = if function.is_aggregate() {
            user_aggregate(Arc::clone(function), types, &output.data_type, Arc::clone(&self.settings), exprs)
        } else {
            // The engine computes calls over constants when it plans; the program's function is called when the query runs.
            let once = function.is_deterministic() && exprs.iter().any(|expr| !expr.column_refs().is_empty());
            let volatility = if once { Volatility::Immutable } else { Volatility::Volatile };
            let function = Scalar { function: Arc::clone(function), signature: Signature::user_defined(volatility) };
            Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), exprs))
        };
        let made = Typed::new(expr, output.data_type, output.nullable, sql);
        if function.is_aggregate() && self.window.is_some() {
            self.note_aggregates(&made);
        }
        Ok(made)
    }

    /// A function of the program over the batches of its rows.
    pub(crate) fn map_batches(&mut self, input: &Relation, handle: u64) -> Result<Rel> {
        let Some(function) = self.opened.batches_functions.get(&handle).cloned() else {
            return Err(error("INTERNAL_ERROR", format!("the session has no function under {handle}")));
        };
        let rel = self.relation(input)?;
        // The function sees columns by the user's names.
        let named = rel.scope.columns.iter().map(|a| under_id(a.expr(), &a.name)).collect();
        let plan = project(rel.plan, named)?;
        let columns: Vec<StructField> = function.output_schema().fields().iter().map(|field| from_field(field)).collect();
        self.remember(&rel.scope);
        self.columns_of(extension(MapBatches::try_new(plan, function)?), &columns)
    }
}

/// One of the program's functions as one of the engine's.
#[derive(Debug)]
struct Scalar {
    function: Arc<dyn UserFunction>,
    signature: Signature,
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function) && self.signature == other.signature
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name().hash(state);
    }
}

impl ScalarUDFImpl for Scalar {
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
        let values = self.function.call(&arrays, rows).map_err(DataFusionError::from)?;
        let promised = self.function.output();
        let misfit = |what: String| {
            DataFusionError::from(Error::data(format!("the function `{}` was called with {rows} rows and {what}", self.function.name())))
        };
        if values.len() != rows {
            return Err(misfit(format!("gave {} values: a value per row is needed", values.len())));
        }
        if values.data_type() != promised.data_type() {
            return Err(misfit(format!("gave {} in place of {}", values.data_type(), promised.data_type())));
        }
        if !promised.is_nullable() && values.null_count() > 0 {
            return Err(misfit("gave nulls, though it said that it gives none".to_owned()));
        }
        Ok(ColumnarValue::Array(values))
    }
}
