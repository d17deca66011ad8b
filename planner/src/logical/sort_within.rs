//! Spark's `sortWithinPartitions` and SORT BY: each partition's rows in order, and the partitions as they are. DataFusion's own sort is of
//! all rows.

use std::collections::HashSet;
use std::fmt;

use datafusion::common::DFSchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr, UserDefinedLogicalNodeCore};

use super::order_by_text;

/// The rows of its input, sorted within each partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortWithin {
    /// The rows.
    pub input: LogicalPlan,
    /// What they are sorted by.
    pub keys: Vec<SortExpr>,
}

order_by_text!(SortWithin);

impl UserDefinedLogicalNodeCore for SortWithin {
    fn name(&self) -> &str {
        "SortWithin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.iter().map(|key| key.expr.clone()).collect()
    }

    /// Fewer rows have the same order.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(SortExpr::to_string).collect();
        write!(f, "SortWithin: {}", keys.join(", "))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return datafusion::common::internal_err!("a sort within partitions has one input");
        };
        // A rewritten key may come under the name that it had.
        let keys = self.keys.iter().zip(exprs).map(|(old, expr)| SortExpr::new(expr.unalias(), old.asc, old.nulls_first)).collect();
        Ok(Self { input, keys })
    }

    /// Those that are read above; its keys are expressions, and added to them.
    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}
