//! What a stage's plan alone says of how it may be run: whether its rows are the same when it runs again, and whether its tasks wait for
//! each other. What follows from that is the schedule's business.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::sorts::sort::SortExec;

use super::StageReadExec;

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

/// Whether there is a leaf that reads no stage, or a sort.
fn scans(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let children = plan.children();
    if plan.is::<SortExec>() {
        return true;
    }
    if children.is_empty() { !plan.is::<StageReadExec>() } else { children.into_iter().any(scans) }
}
