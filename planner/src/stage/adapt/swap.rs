//! The smaller side of a join of two exchanges is the one that is built.

use std::sync::Arc;

use datafusion::physical_plan::joins::PartitionMode;

use super::{Change, Known, Rule, StageSize, exchanged_joins, replaced, set_plan, shown_bytes};
use crate::Result;
use crate::stage::{StageGraph, StageId};

/// Sides are swapped when the one that would be built is this many times as large: estimates have put it there for a reason.
const TIMES: u64 = 2;

/// Makes the first such change that can be made.
pub(super) fn apply(graph: &mut StageGraph, known: &Known<'_>) -> Result<Option<Change>> {
    for at in 0..graph.stages.len() {
        let stage = &graph.stages[at];
        if !known.may_change(stage) {
            continue;
        }
        let plan = Arc::clone(&stage.plan);
        for join in exchanged_joins(&plan) {
            let bytes = |id: StageId| known.size(id).map(StageSize::all_bytes);
            let (Some(left), Some(right)) = (bytes(join.left.stage()), bytes(join.right.stage())) else { continue };
            if left <= right.saturating_mul(TIMES) || join.join.null_aware {
                continue;
            }
            let what =
                format!("stage {} has {}, stage {} only {}", join.left.stage(), shown_bytes(left), join.right.stage(), shown_bytes(right));
            let swapped = join.join.swap_inputs(PartitionMode::Partitioned)?;
            let mut changed = graph.clone();
            if set_plan(&mut changed, StageId(at), replaced(&plan, join.node, &swapped)?, known)? {
                *graph = changed;
                return Ok(Some(Change { rule: Rule::SwapSides, stage: StageId(at), what }));
            }
        }
    }
    Ok(None)
}
