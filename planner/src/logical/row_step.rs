//! A step that hands rows on as they are, all of them or some, and knows which task it runs in: a sample, the limits of a recursion, rows
//! that several places of a plan share. What it does with the rows is told by a [`RowPass`].

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::DFSchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::order_by_text;
use crate::Result;
use crate::seam::TaskScope;

/// One partition's pass: it is given each batch in turn and says what is left of it.
pub type Pass = Box<dyn FnMut(RecordBatch) -> Result<RecordBatch> + Send>;

/// What a [`RowStep`] does with rows.
///
/// # Contract
/// The rows that come out are among those that went in, in their order. Two passes of one description do the same.
pub trait RowPass: Any + fmt::Debug + Send + Sync {
    /// The step in plans, with everything that tells it from others.
    fn describe(&self) -> String;

    /// Begins with one partition.
    ///
    /// # Errors
    /// What forbids it to begin at all.
    fn begin(&self, partition: usize, scope: &TaskScope) -> Result<Pass>;

    /// Whether one task passes all rows.
    fn takes_all_rows(&self) -> bool {
        false
    }

    /// The name under which its rows are made once, however many places of a plan read them.
    fn shared_as(&self) -> Option<String> {
        None
    }
}

/// Rows that pass through a [`RowPass`].
#[derive(Debug, Clone)]
pub struct RowStep {
    /// The rows.
    pub input: LogicalPlan,
    /// What becomes of them.
    pub pass: Arc<dyn RowPass>,
}

impl PartialEq for RowStep {
    fn eq(&self, other: &Self) -> bool {
        self.pass.describe() == other.pass.describe() && self.input == other.input
    }
}

impl Eq for RowStep {}

impl Hash for RowStep {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pass.describe().hash(state);
        self.input.hash(state);
    }
}

order_by_text!(RowStep);

impl UserDefinedLogicalNodeCore for RowStep {
    fn name(&self) -> &str {
        "RowStep"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pass.describe())
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Ok(Self { input, pass: Arc::clone(&self.pass) }),
            _ => datafusion::common::internal_err!("a row step has one input"),
        }
    }

    /// Rows that are shared are the same in every place, so that each has all columns.
    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        self.pass.shared_as().is_none().then(|| vec![output_columns.to_vec()])
    }
}
