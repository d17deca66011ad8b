//! `OnceExec` gives its input's rows to one reader. It stands on the left of those joins without keys that would give wrong rows the second
//! time.
//!
//! A nested-loop join whose left side does not fit reads it again, a piece at a time, and every task for itself
//! (datafusion-physical-plan 55, `joins/nested_loop_join.rs`, `execute` and `initiate_fallback`). Where it has to give the left rows that
//! found no partner, or each that found one, each task then does so by the right rows of its own alone: rows come twice, or come though
//! another task knows better. Such a join is refused, with what helps.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{ReplaceChildrenOptions, replace_children_if_necessary};
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

/// Gives its input's rows, once.
#[derive(Debug)]
pub(crate) struct OnceExec {
    input: Arc<dyn ExecutionPlan>,
    is_read: AtomicBool,
}

impl OnceExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input, is_read: AtomicBool::new(false) }
    }

    /// The plan with a node of this kind on the left of each join that needs it.
    ///
    /// # Errors
    /// Those of nodes that cannot be put together anew.
    pub(crate) fn within(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<NestedLoopJoinExec>().filter(|join| is_wrong_in_pieces(join)) else {
                return Ok(Transformed::no(node));
            };
            let left: Arc<dyn ExecutionPlan> = Arc::new(Self::new(Arc::clone(join.left())));
            let children = vec![left, Arc::clone(join.right())];
            Ok(Transformed::yes(replace_children_if_necessary(node, children)?))
        })
        .data()
    }
}

/// Whether several tasks would each say what became of the left rows. A full join of several tasks refuses by itself.
fn is_wrong_in_pieces(join: &NestedLoopJoinExec) -> bool {
    let gives_left_rows = matches!(join.join_type(), JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark);
    gives_left_rows && join.right().output_partitioning().partition_count() > 1
}

impl DisplayAs for OnceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnceExec")
    }
}

impl ExecutionPlan for OnceExec {
    fn name(&self) -> &'static str {
        "OnceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
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
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if self.is_read.swap(true, Ordering::SeqCst) {
            return Err(DataFusionError::ResourcesExhausted(
                "the left side of an outer join, EXISTS or NOT EXISTS whose condition equates no columns does not fit in memory: raise \
                 `tidemill.memoryBytes`, give the join fewer rows or columns, or add an equality to its condition"
                    .to_owned(),
            ));
        }
        self.input.execute(partition, context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use datafusion::catalog::MemTable;
    use datafusion::error::DataFusionError;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::SessionContext;
    use tidemill_planner::config::engine_session_config;

    use super::OnceExec;

    /// So many rows of a kilobyte each.
    fn wide(from: i64, rows: usize) -> RecordBatch {
        let numbers = Int64Array::from_iter_values((0..rows as i64).map(|row| from + row));
        let texts = StringArray::from(vec!["x".repeat(1_000); rows]);
        RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef), ("s", Arc::new(texts) as ArrayRef)]).unwrap()
    }

    #[tokio::test]
    async fn a_left_side_that_does_not_fit_is_refused_where_it_would_be_given_twice() {
        for (condition, memory_bytes, expected) in [
            ("l.s, r.s from l left join r on l.n > r.n - 1 and l.n < r.n + 1", 100 << 20, Some(200)),
            ("l.s, r.s from l left join r on l.n > r.n - 1 and l.n < r.n + 1", 100_000, None),
            ("l.s from l where not exists (select 1 from r where l.n > r.n and r.s >= l.s)", 100 << 20, Some(101)),
            ("l.s from l where not exists (select 1 from r where l.n > r.n and r.s >= l.s)", 100_000, None),
        ] {
            let runtime = RuntimeEnvBuilder::new().with_memory_limit(memory_bytes, 1.0).build_arc().unwrap();
            let context = SessionContext::new_with_config_rt(engine_session_config(2), runtime);
            for (name, partitions) in [("l", vec![vec![wide(0, 200)]]), ("r", vec![vec![wide(100, 150)], vec![wide(250, 150)]])] {
                let table = MemTable::try_new(partitions[0][0].schema(), partitions).unwrap();
                context.register_table(name, Arc::new(table)).unwrap();
            }
            let sql = format!("select {condition}");
            let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
            let outcome = collect(OnceExec::within(plan).unwrap(), context.task_ctx()).await;
            match (outcome, expected) {
                (Ok(rows), Some(expected)) => assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), expected, "{sql}"),
                (Err(error), None) => {
                    let refused = matches!(error.find_root(), DataFusionError::ResourcesExhausted(_));
                    assert!(refused && error.to_string().contains("tidemill.memoryBytes"), "{sql}: {error}");
                }
                (outcome, expected) => panic!("{sql}: {outcome:?}, and not {expected:?}"),
            }
        }
    }
}
