//! A small build side is read whole by every task, and its probe side is not exchanged: it becomes part of the join's stage, or the join
//! part of its.

use std::sync::Arc;

use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::UnKnownColumn;
use datafusion::physical_plan::joins::PartitionMode;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::{Change, ExchangedJoin, Known, Rule, exchanged_joins, holds, reads_of, replaced, set_plan, shown_bytes};
use crate::Result;
use crate::stage::split::unordered;
use crate::stage::{Origin, StageGraph, StageId, StageOutput, StageReadExec};

/// Makes the first such change that can be made.
pub(super) fn apply(graph: &mut StageGraph, known: &Known<'_>) -> Result<Option<Change>> {
    for at in 0..graph.stages.len() {
        let stage = &graph.stages[at];
        if !known.may_change(stage) {
            continue;
        }
        let plan = Arc::clone(&stage.plan);
        for join in exchanged_joins(&plan) {
            // Rows that the program has dealt by a key stay dealt by it.
            if join.left.origin() != Origin::Operator || join.right.origin() != Origin::Operator {
                continue;
            }
            let Some(bytes) = known.size(join.left.stage()).map(super::StageSize::all_bytes) else { continue };
            if bytes > known.settings.broadcast_bytes
                || !known.can_be_built_whole(join.left.stage())
                || !may_stay(graph, join.right.stage(), known)
            {
                continue;
            }
            let mut changed = graph.clone();
            let (build, probe) = (join.left.stage(), join.right.stage());
            if let Some(stage) = joined(&mut changed, StageId(at), &plan, &join, known)? {
                *graph = changed;
                let what =
                    format!("stage {build} has {}: every task reads all of it, and stage {probe} is not exchanged", shown_bytes(bytes));
                return Ok(Some(Change { rule: Rule::Broadcast, stage, what }));
            }
        }
    }
    Ok(None)
}

/// Whether a probe side has not begun and is read by nobody else.
fn may_stay(graph: &StageGraph, probe: StageId, known: &Known<'_>) -> bool {
    let stage = graph.stage(probe);
    known.may_change(stage)
        && matches!(stage.output, StageOutput::Hash { .. })
        && !graph.roots.contains(&probe)
        && reads_of(graph, probe) == 1
}

/// Puts a join and its probe side into one stage, and says which.
fn joined(
    graph: &mut StageGraph,
    reader: StageId,
    plan: &Arc<dyn ExecutionPlan>,
    exchanged: &ExchangedJoin<'_>,
    known: &Known<'_>,
) -> Result<Option<StageId>> {
    let (build, probe) = (exchanged.left.stage(), exchanged.right.stage());
    let whole: Arc<dyn ExecutionPlan> = Arc::new(StageReadExec::whole(build, unordered(exchanged.join.left()), true));
    let children = vec![whole, Arc::clone(&graph.stage(probe).plan)];
    let join = exchanged.join.builder().with_partition_mode(PartitionMode::CollectLeft).with_new_children(children)?.build_exec()?;

    // What stands above the join may not need its rows by key.
    // A node that cannot be put together anew does not hold either.
    if let Ok(above) = replaced(plan, exchanged.node, &join)
        && holds(&above)
    {
        let after: Vec<StageId> = graph.stages[probe.0].after.iter().copied().filter(|id| *id != build).collect();
        let absorbed = &mut graph.stages[probe.0];
        absorbed.absorbed_by = Some(reader);
        absorbed.partitions = 0;
        absorbed.inputs.clear();
        absorbed.after.clear();
        let stage = &mut graph.stages[reader.0];
        stage.after.extend(after);
        stage.after.sort_unstable();
        stage.after.dedup();
        return Ok(set_plan(graph, reader, above, known)?.then_some(reader));
    }

    // It does: the join's rows are exchanged in place of its probe side's.
    let Partitioning::Hash(exprs, _) = exchanged.node.output_partitioning().clone() else { return Ok(None) };
    if exprs.iter().any(|expr| expr.is::<UnKnownColumn>()) {
        return Ok(None);
    }
    let StageOutput::Hash { buckets, .. } = graph.stage(probe).output else { return Ok(None) };
    let Some(shares) = exchanged.right.buckets().cloned() else { return Ok(None) };
    let partitioning = Partitioning::Hash(exprs.clone(), shares.len());
    let read = StageReadExec::partitioned(probe, unordered(&join), partitioning).of_buckets(shares);
    let Ok(above) = replaced(plan, exchanged.node, &(Arc::new(read) as Arc<dyn ExecutionPlan>)) else { return Ok(None) };
    graph.stages[probe.0].output = StageOutput::Hash { exprs, buckets };
    graph.stages[probe.0].after.retain(|id| *id != build);
    Ok((set_plan(graph, probe, join, known)? && set_plan(graph, reader, above, known)?).then_some(probe))
}
