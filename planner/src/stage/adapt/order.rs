//! Build sides before what probes them.

use super::exchanged_joins;
use crate::stage::{Stage, StageGraph, StageId};

/// Lets the stages of each join's probe side begin after its build side, so that the build side's size can decide how the probe side is run.
/// What both sides need is not held up.
pub fn build_sides_first(graph: &mut StageGraph) {
    let mut orders = Vec::new();
    for stage in graph.stages.iter().filter(|stage| !stage.task_by_task) {
        for join in exchanged_joins(&stage.plan) {
            let build = graph.upstream(join.left.stage());
            orders
                .extend(graph.upstream(join.right.stage()).into_iter().filter(|id| !build.contains(id)).map(|id| (id, join.left.stage())));
        }
    }
    for (late, early) in orders {
        let steps = |stage: &Stage| stage.inputs.iter().chain(&stage.after).copied().collect::<Vec<StageId>>();
        // Two joins of the same stages may each want the other's side first.
        if graph.before(early, steps).contains(&late) {
            continue;
        }
        let after = &mut graph.stages[late.0].after;
        if let Err(at) = after.binary_search(&early) {
            after.insert(at, early);
        }
    }
}
