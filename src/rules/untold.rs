//! What DataFusion concludes wrongly from what is constant or equal below a node, it is not told there: an [`UntoldExec`] stands in between.
//! The rule comes before those that put sorts and exchanges into a plan.
//!
//! ```text
//! LeftJoin                     LeftJoin
//!   a                  ──►       a
//!   Projection: 1 AS c           Untold
//!                                  Projection: 1 AS c
//! ```
//! * **The sides of an outer join that may be null.** What is constant there is not so above, and the join passes it on
//!   (datafusion-physical-expr 55, `equivalence/properties/joins.rs`, `join_equivalence_properties`): rows are grouped, sorted and
//!   numbered wrongly.
//! * **The branches of a union.** A sort above is pushed into them, and leaves out of each what is constant or equal to another key in it;
//!   what the branches have in common is then looked for order by order, and one that is longer than all of them is not found
//!   (datafusion-physical-expr 55, `equivalence/properties/union.rs`, `calculate_union_binary`): the plan is refused.
//! * **The input of a window whose partitions are more than columns.** Of two such keys over equal columns, one counts as sorted and the
//!   other does not, since what is taken for a constant is not brought to the form in which it is looked for
//!   (datafusion-physical-expr 55, `equivalence/properties/mod.rs`, `find_longest_permutation`): the window fails when it runs.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::untold_exec::UntoldExec;

/// Puts an [`UntoldExec`] over each of those inputs that knows of something constant, or equal where that matters.
#[derive(Debug)]
pub(crate) struct Untold;

impl PhysicalOptimizerRule for Untold {
    fn name(&self) -> &'static str {
        "untold"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let untold = untold_inputs(&node);
            if !untold.contains(&true) {
                return Ok(Transformed::no(node));
            }
            let children = node.children().into_iter().zip(untold).map(|(child, untold)| {
                let child = Arc::clone(child);
                if untold { Arc::new(UntoldExec::new(child)) as Arc<dyn ExecutionPlan> } else { child }
            });
            let children = children.collect();
            Ok(Transformed::yes(replace_children_if_necessary(node, children)?))
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Which inputs of a node it is to know nothing of.
fn untold_inputs(node: &Arc<dyn ExecutionPlan>) -> Vec<bool> {
    let inputs = node.children();
    if node.is::<UnionExec>() || computes_partitions(node) {
        return inputs.into_iter().map(|input| !input.equivalence_properties().eq_group().is_empty()).collect();
    }
    let Some(sides) = sides_that_may_be_null(node) else { return Vec::new() };
    inputs
        .into_iter()
        .zip(sides)
        .map(|(input, may_be_null)| may_be_null && !input.equivalence_properties().constants().is_empty())
        .collect()
}

/// Whether it is a window whose partitions are more than columns.
fn computes_partitions(node: &Arc<dyn ExecutionPlan>) -> bool {
    let windows = node
        .downcast_ref::<WindowAggExec>()
        .map(WindowAggExec::window_expr)
        .or_else(|| node.downcast_ref::<BoundedWindowAggExec>().map(BoundedWindowAggExec::window_expr));
    windows.into_iter().flatten().flat_map(|window| window.partition_by()).any(|key| !key.is::<Column>())
}

/// Of a join, whether rows of its left and its right side may be null in its output; those of a mark say whether there was a match.
fn sides_that_may_be_null(node: &Arc<dyn ExecutionPlan>) -> Option<[bool; 2]> {
    let join_type = if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        *join.join_type()
    } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        *join.join_type()
    } else {
        node.downcast_ref::<SortMergeJoinExec>()?.join_type()
    };
    match join_type {
        JoinType::Left | JoinType::LeftMark => Some([false, true]),
        JoinType::Right | JoinType::RightMark => Some([true, false]),
        JoinType::Full => Some([true, true]),
        _ => None,
    }
}
