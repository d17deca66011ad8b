//! Batch queries from logical plan to rows: optimize, plan, cut, run. It adds nothing to what the session decides.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use tidemill_planner::Result;
use tidemill_planner::stage::{AdaptiveSettings, StageGraph, split};

use crate::pool::{Engine, Priority, QueryHandle};
use crate::run::{RowStream, RunContext, RunOutput, WATCH, for_functions, run_graph};

/// Optimizes and plans `plans`, one per root, and cuts them into one graph. `identity` names the operators that are to be
/// executed once wherever they occur.
///
/// # Errors
/// What is wrong with a plan, mostly `Analysis` or `Unsupported`.
pub async fn plan_stages(
    state: &SessionState,
    plans: &[LogicalPlan],
    identity: &(dyn Fn(&Arc<dyn ExecutionPlan>) -> Option<String> + Sync),
) -> Result<StageGraph> {
    let mut roots = Vec::with_capacity(plans.len());
    for plan in plans {
        roots.push(state.create_physical_plan(plan).await?);
    }
    split(roots, identity)
}

/// The stages with what the executor puts between their nodes before it runs them, where that says something of the query: batches that are
/// joined for functions of the program. They are to be looked at.
///
/// # Errors
/// Those of nodes that cannot be put together anew.
pub fn as_run(mut graph: StageGraph, batch_rows: usize) -> Result<StageGraph> {
    for stage in &mut graph.stages {
        stage.plan = for_functions(Arc::clone(&stage.plan), batch_rows)?.0;
    }
    Ok(graph)
}

/// Runs one logical plan on `engine` and gives all its rows, partition by partition.
///
/// # Errors
/// What is wrong with the plan, or the first error of a task.
pub async fn collect(engine: &Engine, state: &SessionState, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
    let graph = plan_stages(state, std::slice::from_ref(plan), &|_| None).await?;
    let parallelism = state.config_options().execution.target_partitions;
    let mut output = run(engine, &graph, context(state, AdaptiveSettings::usual(parallelism))).await?;
    Ok(output.roots.swap_remove(0).partitions.into_iter().flatten().collect())
}

/// What a batch query's tasks share, watched by [`WATCH`] where the caller's task has set it.
pub fn context(state: &SessionState, adaptive: AdaptiveSettings) -> RunContext {
    RunContext::new(Arc::new(TaskContext::from(state))).adapting(adaptive).watched_by(WATCH.try_with(Arc::clone).ok())
}

/// Runs a graph as a batch query of its own.
///
/// # Errors
/// The first error of a task.
pub async fn run(engine: &Engine, graph: &StageGraph, context: RunContext) -> Result<RunOutput> {
    run_graph(&query(engine, &context), graph, context).await
}

/// The rows of a graph's one root, while they are made.
///
/// # Errors
/// `Internal` for a graph with more roots than one.
pub fn stream(engine: &Engine, graph: StageGraph, context: RunContext) -> Result<RowStream> {
    RowStream::of(query(engine, &context), graph, context)
}

fn query(engine: &Engine, context: &RunContext) -> QueryHandle {
    engine.query_in(context.pool.as_deref(), Priority::Batch, context.task_ctx.session_id())
}
