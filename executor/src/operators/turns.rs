//! Where a plan that runs lets go of its thread, so that other queries go on and a query that was cancelled ends: over every leaf, whose
//! rows the operators above pull in a loop, some until there are none left, and over every join, which makes many rows of one.
//!
//! A join with a condition besides its keys looks at its pairs of rows in a loop, and does not come up from it before a pair is found for
//! which the condition holds. DataFusion's joins keep their place when the condition is an error, and go on there when they are asked again
//! (datafusion-physical-plan 55, `joins/nested_loop_join.rs` and `joins/hash_join/stream.rs`, `process_probe_batch`): so the condition is
//! one, [`TurnIsOver`], when the turn is over, and the node above the join keeps it to itself.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::task::Poll;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, SortMergeJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use crate::pool::turn_is_over;

/// Gives its input's rows, a turn's worth at a time.
#[derive(Debug, Clone)]
pub(crate) struct TurnsExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl TurnsExec {
    /// The plan with nodes of this kind in it. They are told nothing of filters or limits: those are pushed down before.
    ///
    /// # Errors
    /// Those of nodes that cannot be put together anew.
    pub(crate) fn within(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let joins = node.is::<CrossJoinExec>()
                || node.is::<NestedLoopJoinExec>()
                || node.is::<HashJoinExec>()
                || node.is::<SortMergeJoinExec>();
            if !joins && !node.children().is_empty() {
                return Ok(Transformed::no(node));
            }
            // The very same properties: nodes above see no other input.
            let properties = Arc::clone(node.properties());
            let input = interruptible(&node)?.unwrap_or(node);
            Ok(Transformed::yes(Arc::new(Self { input, properties }) as _))
        })
        .data()
    }
}

/// A join that comes up from its condition when a turn is over, where it has one that it looks at in a loop.
fn interruptible(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let Some(filter) = join.filter() else { return Ok(None) };
        let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(in_turns(filter))).build()?;
        return Ok(Some(Arc::new(join)));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        let Some(filter) = join.filter() else { return Ok(None) };
        return join.builder().with_filter(Some(in_turns(filter))).build_exec().map(Some);
    }
    Ok(None)
}

fn in_turns(filter: &JoinFilter) -> JoinFilter {
    let condition = Arc::new(InTurns(Arc::clone(filter.expression())));
    JoinFilter::new(condition, filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

impl DisplayAs for TurnsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TurnsExec")
    }
}

impl ExecutionPlan for TurnsExec {
    fn name(&self) -> &'static str {
        "TurnsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.swap_remove(0);
        Ok(Arc::new(Self { properties: Arc::clone(input.properties()), input }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let rows = stream::poll_fn(move |cx| {
            if !turn_is_over() {
                match input.poll_next_unpin(cx) {
                    Poll::Ready(Some(Err(error))) if ends_turn(&error) => {}
                    polled => return polled,
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// What a join's condition is instead of a value when the turn is over: its join is to come up. It goes no further than the node above.
#[derive(Debug)]
struct TurnIsOver;

impl fmt::Display for TurnIsOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a join's turn is over, and nothing stands above it that gives it another: please report it")
    }
}

impl std::error::Error for TurnIsOver {}

fn ends_turn(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::External(cause) if cause.is::<TurnIsOver>())
}

/// A join's condition, asked for only while the turn lasts.
#[derive(Debug, Eq)]
struct InTurns(Arc<dyn PhysicalExpr>);

// Written out: what is derived would move the condition out of its `Arc`.
impl PartialEq for InTurns {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq(&other.0)
    }
}

impl Hash for InTurns {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for InTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl PhysicalExpr for InTurns {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if turn_is_over() {
            return Err(DataFusionError::External(Box::new(TurnIsOver)));
        }
        self.0.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.0.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.0]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self(children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.0)))))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use arrow::compute::concat_batches;
    use datafusion::catalog::MemTable;
    use datafusion::physical_plan::{ExecutionPlan, collect};
    use datafusion::prelude::SessionContext;
    use futures::StreamExt;
    use tidemill_planner::config::engine_session_config;

    use super::TurnsExec;
    use crate::pool::{Engine, EngineConfig, Priority, yield_now};

    /// Rows of a plan's first partition on the pool, and how often it let go of its thread.
    async fn drained(engine: &Engine, context: &SessionContext, plan: Arc<dyn ExecutionPlan>) -> (Vec<RecordBatch>, usize) {
        let tasks = context.task_ctx();
        let drain = async move {
            let (mut rows, mut made, mut turns) = (plan.execute(0, tasks).unwrap(), Vec::new(), 0);
            loop {
                match std::future::poll_fn(|cx| Poll::Ready(rows.poll_next_unpin(cx))).await {
                    Poll::Ready(Some(batch)) => made.push(batch.unwrap()),
                    Poll::Ready(None) => return (made, turns),
                    Poll::Pending => {
                        turns += 1;
                        yield_now().await;
                    }
                }
            }
        };
        engine.query(Priority::Batch, "joins").spawn(drain).await.unwrap()
    }

    #[tokio::test]
    async fn joins_let_go_of_their_thread_between_pairs_and_lose_none() {
        const ROWS: i64 = 4_000;
        let context = SessionContext::new_with_config(engine_session_config(1));
        let columns = |from: i64| {
            let numbers = Int64Array::from_iter_values((0..ROWS).map(|row| from + row));
            RecordBatch::try_from_iter([
                ("n", Arc::new(numbers) as ArrayRef),
                ("one", Arc::new(Int64Array::from(vec![1; ROWS as usize])) as _),
            ])
        };
        for (name, from) in [("x", 0), ("y", 1_000)] {
            let rows = columns(from).unwrap();
            context.register_table(name, Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap())).unwrap();
        }
        let engine = Engine::new(EngineConfig { threads: 1, ..EngineConfig::default() }).unwrap();
        let count = |how: &str| format!("select count(*), count(x.n), sum(x.n), count(y.n), sum(y.n) from x {how}");
        // Of 16 million pairs few have this product, which a turn is far too short to find out.
        let rare = "x.n * y.n = 3000000";
        for sql in [
            count(&format!("join y on {rare}")),
            count(&format!("left join y on {rare}")),
            count(&format!("right join y on {rare}")),
            count(&format!("full join y on {rare}")),
            format!("select count(*), sum(n) from x where exists (select 1 from y where {rare})"),
            format!("select count(*), sum(n) from x where not exists (select 1 from y where {rare})"),
            count(&format!("join y on x.one = y.one and {rare}")),
            count(&format!("left join y on x.one = y.one and {rare}")),
            count(&format!("full join y on x.one = y.one and {rare}")),
            count("cross join y"),
        ] {
            let plan = async || context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
            let expected = collect(plan().await, context.task_ctx()).await.unwrap();
            let (rows, turns) = drained(&engine, &context, TurnsExec::within(plan().await).unwrap()).await;
            let schema = expected[0].schema();
            assert_eq!(concat_batches(&schema, &rows).unwrap(), concat_batches(&schema, &expected).unwrap(), "{sql}");
            // The leaves alone let go once or twice each, for they have a single batch.
            assert!(turns > 6, "{sql}: {turns}");
        }
    }
}
