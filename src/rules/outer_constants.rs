//! What is constant on a side of an outer join that may be null is not constant above it. DataFusion believes that it is, and then groups,
//! sorts and numbers rows wrongly; so such a side is told to know of no constants.
//!
//! ```text
//! LeftJoin                     LeftJoin
//!   a                  ──►       a
//!   Projection: 1 AS c           MayBeNull
//!                                  Projection: 1 AS c
//! ```

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, ReplaceChildrenOptions, replace_children_if_necessary};
use datafusion::physical_plan::filter_pushdown::{ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

/// Puts a [`MayBeNullExec`] over each side of an outer join that may be null and knows of constants.
#[derive(Debug)]
pub(crate) struct OuterConstants;

impl PhysicalOptimizerRule for OuterConstants {
    fn name(&self) -> &'static str {
        "outer_constants"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(nullable) = sides_that_may_be_null(&node) else { return Ok(Transformed::no(node)) };
            let mut changed = false;
            let children = node.children().into_iter().zip(nullable).map(|(child, nullable)| {
                if nullable && !child.equivalence_properties().constants().is_empty() {
                    changed = true;
                    return Arc::new(MayBeNullExec::new(Arc::clone(child))) as _;
                }
                Arc::clone(child)
            });
            let children: Vec<Arc<dyn ExecutionPlan>> = children.collect();
            Ok(if changed { Transformed::yes(replace_children_if_necessary(node, children)?) } else { Transformed::no(node) })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
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

/// Gives its input's rows, and says nothing of their values.
#[derive(Debug, Clone)]
struct MayBeNullExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl MayBeNullExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let mut properties = input.properties().as_ref().clone();
        properties.eq_properties = EquivalenceProperties::new(input.schema());
        Self { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for MayBeNullExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MayBeNullExec")
    }
}

impl ExecutionPlan for MayBeNullExec {
    fn name(&self) -> &'static str {
        "MayBeNullExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&inputs[0]))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parent_filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}
