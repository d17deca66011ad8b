//! How many rows are wanted of a stage that nothing but a LIMIT reads: its tasks stop when they have made as many, all of them together.
//!
//! ```text
//! stage 1   CoalescePartitions: fetch=10          stage 0 ends with its first ten rows,
//!             StageRead(stage 0, gather)          whichever of its tasks have made them
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;

use super::{ReadKind, StageGraph, StageId, StageOutput, StageReadExec};

/// Notes what is wanted of each stage. Stages that keep state see all their rows: what they keep must not depend on who reads them.
pub(super) fn note(graph: &mut StageGraph) {
    let mut reads: HashMap<StageId, Vec<Option<usize>>> = HashMap::new();
    for stage in &graph.stages {
        collect(&stage.plan, None, &mut reads);
    }
    for (id, wanted) in reads {
        let [Some(rows)] = wanted[..] else { continue };
        let stage = &graph.stages[id.0];
        if matches!(stage.output, StageOutput::Passthrough) && !stage.task_by_task && !graph.roots.contains(&id) {
            let stage = &mut graph.stages[id.0];
            stage.rows_wanted = Some(rows);
            // Which rows they are depends on which task is first.
            stage.repeatable = false;
        }
    }
}

/// The reads in a plan of which so many rows are wanted, if not all.
fn collect(plan: &Arc<dyn ExecutionPlan>, wanted: Option<usize>, reads: &mut HashMap<StageId, Vec<Option<usize>>>) {
    if let Some(read) = plan.downcast_ref::<StageReadExec>() {
        let in_any_order = *read.kind() == ReadKind::Rows && read.reads_whole() && !read.is_broadcast();
        reads.entry(read.stage()).or_default().push(wanted.filter(|_| in_any_order));
        return;
    }
    let least = |fetch: Option<usize>| fetch.into_iter().chain(wanted).min();
    let below = if let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() {
        // What is skipped is read, too.
        least(limit.fetch()).map(|rows| rows.saturating_add(limit.skip()))
    } else if plan.is::<CoalescePartitionsExec>() || plan.is::<LocalLimitExec>() {
        least(plan.fetch())
    } else if plan.is::<ProjectionExec>() {
        wanted
    } else {
        None
    };
    plan.children().into_iter().for_each(|child| collect(child, below, reads));
}
