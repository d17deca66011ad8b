//! The side of a join of two exchanges that is smaller, or that alone fits in memory, is the one that is built.

use std::sync::Arc;

use datafusion::physical_plan::joins::PartitionMode;

use super::{Change, Known, Rule, exchanged_joins, replaced, set_plan, shown_bytes};
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
            let (Some(left), Some(right)) = (known.size(join.left.stage()), known.size(join.right.stage())) else { continue };
            let (left_fits, right_fits) = (known.can_be_built(left), known.can_be_built(right));
            let (left, right) = (left.all_bytes(), right.all_bytes());
            let is_better = if left_fits == right_fits { left > right.saturating_mul(TIMES) } else { right_fits };
            if !is_better || join.join.null_aware {
                continue;
            }
            let only = if right < left { "only " } else { "" };
            let (left, right) = (shown_bytes(left), shown_bytes(right));
            let what = format!("stage {} has {left}, stage {} {only}{right}", join.left.stage(), join.right.stage());
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
