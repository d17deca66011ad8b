//! Small batches joined to larger ones before a node that calls functions of the program: what is below it may have sizes of its own.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use futures::StreamExt;

/// Batches that take as many bytes are joined to no others.
pub(crate) const BATCH_BYTES: usize = 16 << 20;

/// Its input's rows in batches of about so many.
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
        let mut joins = Joins { rows, batch_rows: self.batch_rows, waiting: Vec::new(), held: 0, bytes: 0, ended: false };
        let joined = futures::stream::poll_fn(move |cx| joins.poll_next(cx));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, joined)))
    }
}

/// Batches that wait to be one.
struct Joins {
    rows: SendableRecordBatchStream,
    batch_rows: usize,
    waiting: Vec<RecordBatch>,
    /// Rows that wait.
    held: usize,
    /// Their bytes.
    bytes: usize,
    ended: bool,
}

impl Joins {
    /// Rows that are there wait for those that are not: how many a call gets follows from the rows alone, not from who was faster.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<DfResult<RecordBatch>>> {
        while !self.ended && self.held < self.batch_rows && self.bytes < BATCH_BYTES {
            match self.rows.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(batch))) if batch.num_rows() == 0 => {}
                Poll::Ready(Some(Ok(batch))) => {
                    self.held += batch.num_rows();
                    self.bytes += bytes(&batch);
                    self.waiting.push(batch);
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.waiting.is_empty() {
            return Poll::Ready(None);
        }
        (self.held, self.bytes) = (0, 0);
        let mut waiting = std::mem::take(&mut self.waiting);
        if waiting.len() == 1 {
            return Poll::Ready(waiting.pop().map(Ok));
        }
        Poll::Ready(Some(concat_batches(&self.rows.schema(), &waiting).map_err(Into::into)))
    }
}

/// What a batch's rows take, whatever larger arrays they are a part of.
fn bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use arrow::array::{RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

    use super::{BATCH_BYTES, Joins};

    /// Rows of so many bytes each; None is a moment in which there are none.
    fn sizes(input: Vec<Option<(usize, usize)>>, batch_rows: usize) -> Vec<Option<usize>> {
        let schema = Arc::new(Schema::new(vec![Field::new("t", DataType::Utf8, false)]));
        let of = Arc::clone(&schema);
        let mut input = input.into_iter();
        let rows = futures::stream::poll_fn(move |_| match input.next() {
            None => Poll::Ready(None),
            Some(None) => Poll::Pending,
            Some(Some((rows, bytes))) => {
                let text = StringArray::from(vec!["x".repeat(bytes); rows]);
                Poll::Ready(Some(Ok(RecordBatch::try_new(Arc::clone(&of), vec![Arc::new(text)]).unwrap())))
            }
        });
        let rows = Box::pin(RecordBatchStreamAdapter::new(schema, rows));
        let mut joins = Joins { rows, batch_rows, waiting: Vec::new(), held: 0, bytes: 0, ended: false };
        let mut found = Vec::new();
        loop {
            match joins.poll_next(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(None) => return found,
                Poll::Ready(Some(batch)) => found.push(Some(batch.unwrap().num_rows())),
                Poll::Pending => found.push(None),
            }
        }
    }

    #[test]
    fn batches_are_joined_while_there_are_rows_and_room() {
        let wide = BATCH_BYTES / 4;
        for (story, input, batch_rows, expected) in [
            ("to the size that is wanted", vec![Some((4, 1)); 5], 10, vec![Some(12), Some(8)]),
            ("no rows", vec![], 10, vec![]),
            ("batches without rows", vec![Some((0, 1)), Some((3, 1)), Some((0, 1))], 10, vec![Some(3)]),
            ("those that are there wait", vec![Some((2, 1)), Some((1, 1)), None, Some((1, 1))], 10, vec![None, Some(4)]),
            ("nothing is there yet", vec![None, Some((1, 1))], 10, vec![None, Some(1)]),
            ("wide rows", vec![Some((1, wide)); 6], 1_000, vec![Some(4), Some(2)]),
        ] {
            assert_eq!(sizes(input, batch_rows), expected, "{story}");
        }
    }
}
