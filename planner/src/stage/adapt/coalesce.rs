//! Tasks read as many neighbouring buckets as make a good share.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode, SortMergeJoinExec};

use super::{AdaptiveSettings, Change, Known, Rule, set_plan, shown_bytes};
use crate::Result;
use crate::stage::{Origin, StageGraph, StageId, StageReadExec};

/// Deals the buckets anew to the tasks of every stage that can begin now. All that such a stage reads by buckets is dealt alike, since it is
/// of one key; nothing of it is, if the program has said how many partitions there are.
pub(super) fn apply(graph: &mut StageGraph, known: &Known<'_>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for at in 0..graph.stages.len() {
        let stage = &graph.stages[at];
        if !known.is_next(stage) {
            continue;
        }
        let mut by_bucket: Vec<u64> = Vec::new();
        if !gather(&stage.plan, known, &mut by_bucket) || by_bucket.is_empty() {
            continue;
        }
        let (before, waits) = (stage.partitions, stage.tasks_wait());
        let figures = figures_for(&stage.plan, known.settings);
        let tasks = tasks_for(by_bucket.iter().sum(), by_bucket.len(), waits, &figures);
        let shares: Arc<[Range<usize>]> = with_one_bucket_lost(deal(&by_bucket, tasks), &by_bucket).into();
        let dealt = Arc::clone(&stage.plan).transform_up(|node| match node.downcast_ref::<StageReadExec>() {
            Some(read) if read.buckets().is_some_and(|now| **now != *shares) => {
                Ok(Transformed::yes(Arc::new(read.of_buckets(Arc::clone(&shares))) as Arc<dyn ExecutionPlan>))
            }
            _ => Ok(Transformed::no(node)),
        })?;
        let mut changed = graph.clone();
        if dealt.transformed && set_plan(&mut changed, StageId(at), dealt.data, known)? {
            *graph = changed;
            let what = format!(
                "{} in {} buckets are read by {} tasks, not {before}",
                shown_bytes(by_bucket.iter().sum()),
                by_bucket.len(),
                shares.len()
            );
            changes.push(Change { rule: Rule::Coalesce, stage: StageId(at), what });
        }
    }
    Ok(changes)
}

/// The figures for one stage: where it joins by buckets, what a task reads fits with one of its sides in memory.
pub(super) fn figures_for(plan: &Arc<dyn ExecutionPlan>, settings: &AdaptiveSettings) -> AdaptiveSettings {
    let mut figures = settings.clone();
    if let Some(most) = settings.build_bytes
        && joins_by_key(plan)
    {
        figures.advisory_bytes = figures.advisory_bytes.min(most);
    }
    figures
}

fn joins_by_key(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let here = plan.is::<SortMergeJoinExec>()
        || plan.downcast_ref::<HashJoinExec>().is_some_and(|join| *join.partition_mode() == PartitionMode::Partitioned);
    here || plan.children().into_iter().any(joins_by_key)
}

/// Adds up what the plan reads by bucket; `false` where its exchanges have not the same number of them, where one has the program's, and
/// where buckets have been dealt in pieces.
fn gather(plan: &Arc<dyn ExecutionPlan>, known: &Known<'_>, by_bucket: &mut Vec<u64>) -> bool {
    if let Some(read) = plan.downcast_ref::<StageReadExec>()
        && read.buckets().is_some()
        && let Some(size) = known.size(read.stage())
    {
        if by_bucket.is_empty() {
            *by_bucket = vec![0; size.bytes.len()];
        }
        if by_bucket.len() != size.bytes.len() || read.origin() == Origin::ProgramInNumber || read.is_in_pieces() {
            return false;
        }
        by_bucket.iter_mut().zip(&size.bytes).for_each(|(sum, bytes)| *sum += bytes);
    }
    plan.children().into_iter().all(|child| gather(child, known, by_bucket))
}

/// How many tasks read so many bytes: as many as there should be at once, but none for next to nothing, and more where each would have
/// too much.
pub(super) fn tasks_for(bytes: u64, buckets: usize, waits: bool, settings: &AdaptiveSettings) -> usize {
    let pieces = |of: u64| usize::try_from(bytes.div_ceil(of.max(1))).unwrap_or(usize::MAX);
    let at_once = settings.parallelism.min(pieces(settings.least_bytes));
    // Tasks that wait for each other have to run at once.
    let tasks = if waits { at_once } else { at_once.max(pieces(settings.advisory_bytes)) };
    tasks.clamp(1, buckets)
}

/// Neighbouring buckets for at most so many tasks, about the same bytes each. Every bucket is dealt, also an empty one.
pub(super) fn deal(bytes: &[u64], tasks: usize) -> Vec<Range<usize>> {
    let all: u64 = bytes.iter().sum();
    let mut shares = Vec::with_capacity(tasks);
    let (mut from, mut so_far) = (0, 0_u64);
    for (bucket, size) in bytes.iter().enumerate() {
        so_far += size;
        let (dealt, left) = (shares.len() + 1, bytes.len() - bucket - 1);
        let enough = u128::from(so_far) * tasks as u128 >= u128::from(all) * dealt as u128;
        // As many buckets stay as there are tasks without one.
        if dealt < tasks && left > 0 && (enough || left == tasks - dealt) {
            shares.push(from..bucket + 1);
            from = bucket + 1;
        }
    }
    shares.push(from..bytes.len());
    shares
}

/// A place at which a test has nobody read the last bucket that has rows: `FAILPOINTS=planner::adapt_loses_a_bucket=return`. Nothing in
/// other builds.
fn with_one_bucket_lost(shares: Vec<Range<usize>>, bytes: &[u64]) -> Vec<Range<usize>> {
    let Some(lost) = bytes.iter().rposition(|bytes| *bytes > 0) else { return shares };
    fail::fail_point!("planner::adapt_loses_a_bucket", |_| {
        shares.iter().map(|share| share.start.min(lost)..share.end.min(lost)).collect()
    });
    // Without the feature the bucket is not looked at.
    let _ = lost;
    shares
}

#[cfg(test)]
mod tests {
    use super::{AdaptiveSettings, deal, tasks_for};

    #[test]
    fn buckets_are_dealt_by_their_size() {
        for (bytes, tasks, expected) in [
            (vec![1, 1, 1, 1], 2, vec![0..2, 2..4]),
            (vec![1, 1, 1, 1], 4, vec![0..1, 1..2, 2..3, 3..4]),
            (vec![9, 1, 1, 1], 2, vec![0..1, 1..4]),
            (vec![1, 1, 1, 9], 2, vec![0..3, 3..4]),
            (vec![0, 0, 0, 9], 3, vec![0..2, 2..3, 3..4]),
            (vec![0, 0, 0, 0], 2, vec![0..1, 1..4]),
        ] {
            assert_eq!(deal(&bytes, tasks), expected, "{bytes:?} for {tasks}");
        }
        for bytes in [&[5, 5, 5][..], &[7]] {
            assert!(matches!(&deal(bytes, 1)[..], [all] if *all == (0..bytes.len())));
        }
    }

    #[test]
    fn as_many_tasks_as_there_is_something_for() {
        let settings = AdaptiveSettings { advisory_bytes: 100, least_bytes: 10, ..AdaptiveSettings::usual(4) };
        for (bytes, waits, expected) in [
            (0, false, 1),
            (9, false, 1),
            (11, false, 2),
            (1_000, false, 10),
            (399, false, 4),
            (1_000_000, false, 64),
            (1_000_000, true, 4),
        ] {
            assert_eq!(tasks_for(bytes, 64, waits, &settings), expected, "{bytes}");
        }
    }
}
