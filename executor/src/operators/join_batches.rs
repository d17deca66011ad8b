//! Small batches joined to larger ones before a node that calls functions of the program: what is below it may have sizes of its own.

use std::fmt;
use std::sync::Arc;

use arrow::compute::BatchCoalescer;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use futures::StreamExt;

/// Its input's rows in batches of about so many. Batches that are large enough pass as they are.
#[derive(Debug)]
pub(crate) struct JoinBatchesExec {
    input: Arc<dyn ExecutionPlan>,
    batch_rows: usize,
}

impl JoinBatchesExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, batch_rows: usize) -> Self {
        Self { input, batch_rows }
    }
}

impl DisplayAs for JoinBatchesExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinBatchesExec: rows={}", self.batch_rows)
    }
}

impl ExecutionPlan for JoinBatchesExec {
    fn name(&self) -> &str {
        "JoinBatchesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(input, self.batch_rows))),
            _ => datafusion::common::internal_err!("join_batches has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let schema = rows.schema();
        // Rows without columns are but a number.
        if schema.fields().is_empty() {
            return Ok(rows);
        }
        let joins = BatchCoalescer::new(Arc::clone(&schema), self.batch_rows);
        let state = (Some(rows), joins.with_biggest_coalesce_batch_size(Some(self.batch_rows / 2)));
        let joined = futures::stream::try_unfold(state, |(mut rows, mut joins)| async move {
            loop {
                if let Some(batch) = joins.next_completed_batch() {
                    return Ok(Some((batch, (rows, joins))));
                }
                let Some(open) = rows.as_mut() else { return Ok(None) };
                match open.next().await.transpose()? {
                    Some(batch) => joins.push_batch(batch)?,
                    None => {
                        joins.finish_buffered_batch()?;
                        rows = None;
                    }
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, joined)))
    }
}
