//! Spark's `mapInArrow`: a function of the program is given the batches of a task one after the other, and gives batches of columns of
//! its own, as many as it likes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::{RowsAtOnce, order_by_text};
use crate::Result;

/// A function of the program over the batches of a task.
pub trait BatchesFunction: fmt::Debug + Send + Sync {
    /// Its name, as plans show it.
    fn name(&self) -> &str;

    /// The columns of the rows that it gives.
    fn output_schema(&self) -> &SchemaRef;

    /// Runs over one task's batches, on a thread of its own. It may stop before the last of them; an error of `output` says that nobody
    /// reads on, and is handed on.
    ///
    /// # Errors
    /// Whatever it raises, and those of its input: the query ends with it.
    fn call(
        &self,
        input: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
        output: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()>;
}

/// Rows that go through a [`BatchesFunction`].
#[derive(Debug, Clone)]
pub struct MapBatches {
    /// The rows, their columns under the user's names.
    pub input: LogicalPlan,
    /// What is called.
    pub function: Arc<dyn BatchesFunction>,
    /// How many rows a batch has at most.
    pub rows_at_once: RowsAtOnce,
    schema: DFSchemaRef,
}

impl MapBatches {
    /// `function` over the batches of `input`.
    ///
    /// # Errors
    /// When two columns of the function have one name.
    pub fn try_new(input: LogicalPlan, function: Arc<dyn BatchesFunction>, rows_at_once: RowsAtOnce) -> Result<Self> {
        let schema = Arc::new(DFSchema::try_from(Arc::clone(function.output_schema()))?);
        Ok(Self { input, function, rows_at_once, schema })
    }
}

impl PartialEq for MapBatches {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function) && self.input == other.input
    }
}

impl Eq for MapBatches {}

impl Hash for MapBatches {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name().hash(state);
        self.input.hash(state);
    }
}

order_by_text!(MapBatches);

impl UserDefinedLogicalNodeCore for MapBatches {
    fn name(&self) -> &str {
        "MapBatches"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapBatches: {}", self.function.name())
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Ok(Self { input, ..self.clone() }),
            _ => datafusion::common::internal_err!("map_batches has one input"),
        }
    }
}
