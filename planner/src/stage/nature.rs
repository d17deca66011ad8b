//! What a stage's plan alone says of how it may be run: whether its rows are the same when it runs again, whether its tasks wait for each
//! other or need each other, and whether they hold what they read. What follows from that is the schedule's business.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::WindowAggExec;

use super::StageReadExec;
use super::split::emits_unmatched_build_rows;

/// Whether the same input always gives the same rows, in whatever order: nothing in the plan is drawn by chance, and nothing depends on
/// which rows come first, as a LIMIT does (also one below an order: equal rows have none).
pub(super) fn is_repeatable(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut varies = plan.fetch().is_some();
    let seen = plan.apply_expressions(&mut |expr| {
        varies |= is_volatile(expr);
        Ok(TreeNodeRecursion::Continue)
    });
    seen.is_ok() && !varies && plan.children().into_iter().all(is_repeatable)
}

/// Whether tasks wait for each other, so that all of them have to run at once: a join that collects its left side tells the scans on its
/// right, and the sorts, which filter by it themselves, what it has found when *all* tasks have seen it.
pub(super) fn wait_for_each_other(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let waits =
        plan.downcast_ref::<HashJoinExec>().is_some_and(|join| *join.partition_mode() == PartitionMode::CollectLeft && scans(join.right()));
    waits || plan.children().into_iter().any(wait_for_each_other)
}

/// Whether what one task gives depends on what the others have seen: the last of them gives those rows of a collected side that none of them
/// has matched.
pub(super) fn needs_all_tasks(plan: &Arc<dyn ExecutionPlan>) -> bool {
    emits_unmatched_build_rows(plan) || plan.children().into_iter().any(needs_all_tasks)
}

/// Whether a leaf reads a bucket in pieces.
pub(super) fn reads_pieces(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<StageReadExec>().is_some_and(StageReadExec::is_in_pieces) || plan.children().into_iter().any(reads_pieces)
}

/// Whether operators of it hold rows of all their input, or one for each group: build sides, groups, sorts, whole windows.
pub(super) fn holds_rows(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let joins = plan.is::<HashJoinExec>() || plan.is::<NestedLoopJoinExec>() || plan.is::<CrossJoinExec>();
    let holds = joins || plan.is::<AggregateExec>() || plan.is::<SortExec>() || plan.is::<WindowAggExec>();
    holds || plan.children().into_iter().any(holds_rows)
}

/// Whether there is a leaf that reads no stage, or a sort.
fn scans(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let children = plan.children();
    if plan.is::<SortExec>() {
        return true;
    }
    if children.is_empty() { !plan.is::<StageReadExec>() } else { children.into_iter().any(scans) }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_expr::expressions::col;
    use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
    use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
    use datafusion::physical_plan::empty::EmptyExec;

    use super::*;

    #[test]
    fn a_sort_holds_rows_wherever_it_stands() {
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]));
        let leaf: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::clone(&schema)));
        let gathered: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(Arc::clone(&leaf)));
        assert!(!holds_rows(&leaf) && !holds_rows(&gathered));
        let order = LexOrdering::new([PhysicalSortExpr::new_default(col("k", &schema).unwrap())]).unwrap();
        let sorted: Arc<dyn ExecutionPlan> = Arc::new(SortExec::new(order, leaf));
        let above: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(Arc::clone(&sorted)));
        assert!(holds_rows(&sorted) && holds_rows(&above));
    }
}
