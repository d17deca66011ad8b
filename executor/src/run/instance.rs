//! One run of a stage: the plan instance that its tasks share, and what is done with their rows. Where an instance comes from is told here
//! and nowhere else.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::ExecutionPlan;
use tidemill_planner::Result;
use tidemill_planner::stage::{StageGraph, StageId, StageOutput};

use super::RunContext;
use super::batch_rows::for_functions;
use crate::shuffle::Fate;

/// A stage that runs.
#[derive(Debug)]
pub(super) struct StageRun {
    pub(super) tasks: usize,
    pub(super) output: StageOutput,
    pub(super) fate: Fate,
    /// How many rows its batches have.
    pub(super) batch_size: usize,
    /// Whether partitions of the instance share what they read and build.
    pub(super) shared: bool,
    plan: Arc<dyn ExecutionPlan>,
}

impl StageRun {
    /// # Errors
    /// Those of nodes that cannot be put together anew.
    pub(super) fn new(graph: &StageGraph, id: StageId, context: &RunContext) -> Result<Self> {
        let stage = graph.stage(id);
        let fate = match () {
            () if graph.roots.contains(&id) => Fate::Collected,
            () if graph.rows_are_read(id) => Fate::Shuffled,
            () => Fate::Counted,
        };
        let usual = context.task_ctx.session_config().batch_size();
        let (plan, batch_size) = for_functions(fresh(&stage.plan)?, usual)?;
        let shared = !stage.task_by_task;
        // Epochs are short: a filter that is learnt while they run comes too late.
        let plan = if shared && context.epoch.is_none() { filtered(plan, context)? } else { plan };
        Ok(Self { tasks: stage.partitions, output: stage.output.clone(), fate, batch_size, shared, plan })
    }

    /// The plan that one attempt at a task runs a partition of.
    pub(super) fn instance(&self) -> Result<Arc<dyn ExecutionPlan>> {
        if self.shared { Ok(Arc::clone(&self.plan)) } else { fresh(&self.plan) }
    }
}

/// A plan instance that shares no run-time state with any other: build sides, filters, generators, queues of files.
fn fresh(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::clone(plan).transform_up(|node| Ok(Transformed::yes(node.reset_state()?))).data()?)
}

/// The plan with the filters that its joins, aggregates and sorts will learn pushed into its scans. It is done once for each instance:
/// what has been pushed would be pushed again, and the next run would inherit what this one has learnt.
fn filtered(plan: Arc<dyn ExecutionPlan>, context: &RunContext) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.children().is_empty() {
        return Ok(plan);
    }
    let mut options: ConfigOptions = context.task_ctx.session_config().options().as_ref().clone();
    options.optimizer.enable_dynamic_filter_pushdown = true;
    options.optimizer.enable_join_dynamic_filter_pushdown = true;
    options.optimizer.enable_topk_dynamic_filter_pushdown = true;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = true;
    Ok(FilterPushdown::new_post_optimization().optimize(plan, &options)?)
}
