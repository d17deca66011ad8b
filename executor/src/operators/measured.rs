//! `MeasuredExec` stands over every node of a plan whose figures somebody wants: it counts the rows that pass, and the time that the node's
//! polls take, its inputs' within it. Plans that nobody asks about have none.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use super::TurnsExec;

/// Gives its input's rows, and counts them.
#[derive(Debug)]
pub(crate) struct MeasuredExec {
    input: Arc<dyn ExecutionPlan>,
    /// That of all partitions. A node that is put together anew goes on with it: a recursive query does so for every round.
    counted: Arc<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    rows: AtomicU64,
    nanos: AtomicU64,
}

impl Counted {
    fn took(&self, began: Instant) {
        self.nanos.fetch_add(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl MeasuredExec {
    /// The plan with a node of this kind over each of its nodes.
    ///
    /// # Errors
    /// Those of nodes that cannot be put together anew.
    pub(crate) fn over_all(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| Ok(Transformed::yes(Arc::new(Self { input: node, counted: Arc::default() }) as _))).data()
    }

    /// The node that is measured, unless it is none of the query's.
    pub(crate) fn node(&self) -> Option<&Arc<dyn ExecutionPlan>> {
        (!self.input.is::<TurnsExec>()).then_some(&self.input)
    }

    /// How many rows the node has given.
    pub(crate) fn rows(&self) -> u64 {
        self.counted.rows.load(Ordering::Relaxed)
    }

    /// How long its polls took, of all its tasks together.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.counted.nanos.load(Ordering::Relaxed))
    }
}

impl DisplayAs for MeasuredExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeasuredExec")
    }
}

impl ExecutionPlan for MeasuredExec {
    fn name(&self) -> &'static str {
        "MeasuredExec"
    }

    /// Those of its input, the very same: nodes above see no other input.
    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0), counted: Arc::clone(&self.counted) }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let counted = Arc::clone(&self.counted);
        let began = Instant::now();
        let mut input = self.input.execute(partition, context)?;
        counted.took(began);
        let schema = input.schema();
        let rows = stream::poll_fn(move |cx| {
            let began = Instant::now();
            let polled = input.poll_next_unpin(cx);
            counted.took(began);
            if let Poll::Ready(Some(Ok(batch))) = &polled {
                counted.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            }
            polled
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
