//! `dropDuplicates(columns)`: the first row of each key is kept. Null keys compare equal. With the event-time column among
//! the keys, old keys are forgotten when the watermark passes them; without it a stream's state grows for ever, as in Spark.
//! `dropDuplicatesWithinWatermark(columns)` keeps a key until the watermark passes its first row's time and the delay.
//!
//! Source: Spark, `StreamingDeduplicateExec` and `StreamingDeduplicateWithinWatermarkExec` in `statefulOperators.scala`.

use std::fmt;

use datafusion::common::{Column, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::operator_node;
use crate::OperatorId;

/// Keeps the first row of each key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dedup {
    /// The rows.
    pub input: LogicalPlan,
    /// The key columns, one at least.
    pub keys: Vec<Column>,
    /// Whether a key is kept until the watermark passes its first row's time and the watermark's delay.
    pub within_watermark: bool,
    /// What it does, in the user's words: names, functions and literals, never the engine's. Its id is made from it.
    pub definition: String,
    /// Given by [`crate::operator_id::name_operators`].
    pub id: Option<OperatorId>,
}

operator_node!(Dedup);

impl UserDefinedLogicalNodeCore for Dedup {
    fn name(&self) -> &str {
        "Dedup"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.iter().cloned().map(Expr::Column).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys.iter().map(|c| c.name.as_str()).collect();
        write!(f, "Dedup: keys=[{}]{}", keys.join(", "), if self.within_watermark { " within the watermark" } else { "" })
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return datafusion::common::internal_err!("dedup has one input");
        };
        let keys = exprs
            .into_iter()
            .map(|e| match e {
                Expr::Column(c) => Ok(c),
                other => datafusion::common::internal_err!("a dedup key is a column, not {other}"),
            })
            .collect::<DfResult<_>>()?;
        Ok(Self { input, keys, ..self.clone() })
    }
}
