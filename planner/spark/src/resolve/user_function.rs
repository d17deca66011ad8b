//! Calls of the program's own functions: they take what they are given, and give what they said. What a call computes is the function's
//! business.

use std::sync::Arc;

use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF};
use tidemill_planner::logical::{MapBatches, RowsAtOnce, UserFunction, UserScalarFunction};

use super::nodes::{project, under_id};
use super::scope::Scope;
use super::stream::extension;
use super::{Rel, Resolver};
use crate::error::error;
use crate::functions::user_aggregate;
use crate::plan::{Expression, Relation};
use crate::types::{StructField, from_field};
use crate::{Result, Sql, Typed};

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
            let function = UserScalarFunction::new(Arc::clone(function), self.rows_at_once()?, !once);
            Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), exprs))
        };
        let made = Typed::new(expr, output.data_type, output.nullable, sql);
        if function.is_aggregate() && self.window.is_some() {
            self.note_aggregates(&made);
        }
        Ok(made)
    }

    /// How many rows functions of the program are given at once.
    fn rows_at_once(&self) -> Result<RowsAtOnce> {
        Ok(RowsAtOnce::at_most(self.settings.whole("spark.sql.execution.arrow.maxRecordsPerBatch", RowsAtOnce::DEFAULT)?))
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
        let rows_at_once = self.rows_at_once()?;
        self.columns_of(extension(MapBatches::try_new(plan, function, rows_at_once)?), &columns)
    }
}
