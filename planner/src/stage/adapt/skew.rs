//! A bucket of a join that is much larger than the others, since one key has most of its rows, is read by several tasks: each reads a piece
//! of that side and all of the other.
//!
//! ```text
//! Join                                              Unkeyed
//!   StageRead(0, by bucket)              ──►          Join
//!   StageRead(1, by bucket)                             StageRead(0)   …, bucket 13, bucket 13, …
//!                                                       StageRead(1)   …, a half of 13, the other half, …
//! ```
//! Source: Spark, `OptimizeSkewedJoin.scala`, which cuts between the blocks of two writers. Here a piece is a number of rows, so that it
//! does not matter who wrote them.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::physical_plan::ExecutionPlan;

use super::coalesce::{deal, figures_for, tasks_for};
use super::{Change, ExchangedJoin, Known, Rule, SkewSettings, StageSize, exchanged_joins, replaced, set_plan, shown_bytes};
use crate::Result;
use crate::stage::{Origin, Piece, StageGraph, StageId, StageReadExec, UnkeyedExec};

/// How many pieces there are of all that a stage reads for each task that runs at once: tasks that end early take another.
const PIECES_A_TASK: u64 = 2;

/// Makes the first such change that can be made.
pub(super) fn apply(graph: &mut StageGraph, known: &Known<'_>) -> Result<Option<Change>> {
    let Some(skew) = known.settings.skew else { return Ok(None) };
    for at in 0..graph.stages.len() {
        let stage = &graph.stages[at];
        // Tasks that wait for each other have to run at once: more of them help nobody.
        if !known.is_next(stage) || stage.tasks_wait() {
            continue;
        }
        let plan = Arc::clone(&stage.plan);
        for exchanged in exchanged_joins(&plan) {
            let Some((shares, what)) = shares_of(&plan, &exchanged, skew, known) else { continue };
            let (buckets, left, right) = shares.into_parts();
            let left: Arc<dyn ExecutionPlan> = Arc::new(exchanged.left.in_pieces(Arc::clone(&buckets), left));
            let right: Arc<dyn ExecutionPlan> = Arc::new(exchanged.right.in_pieces(buckets, right));
            let join = exchanged.join.builder().recompute_properties().with_new_children(vec![left, right])?.build_exec()?;
            // Who needs the join's rows by key cannot be put together anew, or does not hold.
            let Ok(above) = replaced(&plan, exchanged.node, &(Arc::new(UnkeyedExec::new(join)) as Arc<dyn ExecutionPlan>)) else {
                continue;
            };
            let mut changed = graph.clone();
            if set_plan(&mut changed, StageId(at), above, known)? {
                *graph = changed;
                return Ok(Some(Change { rule: Rule::Skew, stage: StageId(at), what }));
            }
        }
    }
    Ok(None)
}

/// Which piece of its buckets each task reads of one side.
type Pieces = Arc<[Piece]>;

/// What each task reads of both sides: the same buckets, and which piece of each.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shares(Vec<(Range<usize>, Piece, Piece)>);

impl Shares {
    /// The buckets, and the pieces of the left and of the right side.
    fn into_parts(self) -> (Arc<[Range<usize>]>, Pieces, Pieces) {
        let buckets = self.0.iter().map(|(buckets, ..)| buckets.clone()).collect();
        let left = self.0.iter().map(|(_, left, _)| *left).collect();
        let right = self.0.iter().map(|(.., right)| *right).collect();
        (buckets, left, right)
    }
}

/// How a join's buckets are dealt where one of them is too large, and why; `None` where none is, or where it must not be done.
fn shares_of(
    plan: &Arc<dyn ExecutionPlan>,
    exchanged: &ExchangedJoin<'_>,
    skew: SkewSettings,
    known: &Known<'_>,
) -> Option<(Shares, String)> {
    let may_be_torn = |read: &StageReadExec| read.origin() == Origin::Operator && !read.is_in_pieces();
    if !may_be_torn(exchanged.left) || !may_be_torn(exchanged.right) || exchanged.join.null_aware {
        return None;
    }
    let (left, right) = (known.size(exchanged.left.stage())?, known.size(exchanged.right.stage())?);
    let buckets = left.bytes.len();
    if right.bytes.len() != buckets {
        return None;
    }
    let settings = known.settings;
    let both: Vec<u64> = left.bytes.iter().zip(&right.bytes).map(|(left, right)| left.saturating_add(*right)).collect();
    let fair = both.iter().sum::<u64>() / (PIECES_A_TASK * settings.parallelism.max(1) as u64);
    let piece_bytes = fair.min(settings.advisory_bytes).max(settings.least_bytes).max(1);
    let (left_may, right_may) = splittable(*exchanged.join.join_type());
    let left_pieces = pieces(left, left_may, piece_bytes, skew);
    let right_pieces = pieces(right, right_may, piece_bytes, skew);
    let is_whole = |bucket: &usize| left_pieces[*bucket] * right_pieces[*bucket] == 1;
    if (0..buckets).all(|bucket| is_whole(&bucket)) {
        return None;
    }

    let rest: u64 = (0..buckets).filter(is_whole).map(|bucket| both[bucket]).sum();
    let rest_tasks = if settings.coalesce {
        tasks_for(rest, buckets, false, &figures_for(plan, settings))
    } else {
        exchanged.left.buckets().map_or(1, |shares| shares.len())
    };
    let mut shares = Shares::default();
    let mut from = 0;
    while from < buckets {
        if !is_whole(&from) {
            let (left_of, right_of) = (left_pieces[from], right_pieces[from]);
            let each = (0..left_of).flat_map(|left| (0..right_of).map(move |right| (left, right)));
            shares.0.extend(each.map(|(left, right)| (from..from + 1, Piece { at: left, of: left_of }, Piece { at: right, of: right_of })));
            from += 1;
            continue;
        }
        let to = (from..buckets).find(|bucket| !is_whole(bucket)).unwrap_or(buckets);
        let run = &both[from..to];
        let part = (rest_tasks as u128 * u128::from(run.iter().sum::<u64>())).div_ceil(u128::from(rest.max(1)));
        let dealt = deal(run, (part as usize).clamp(1, run.len()));
        shares.0.extend(dealt.into_iter().map(|share| (from + share.start..from + share.end, Piece::WHOLE, Piece::WHOLE)));
        from = to;
    }
    let sides = [(exchanged.left, left, &left_pieces), (exchanged.right, right, &right_pieces)];
    Some((shares, sides.into_iter().flat_map(|(read, size, pieces)| reasons(read, size, pieces)).collect::<Vec<_>>().join("; ")))
}

/// Which sides of a join may be cut in pieces, the left and the right one: those of whose rows each finds what becomes of it in
/// the rows of the other side alone.
fn splittable(join_type: JoinType) -> (bool, bool) {
    match join_type {
        JoinType::Inner => (true, true),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => (true, false),
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => (false, true),
        JoinType::Full => (false, false),
    }
}

/// In how many pieces each bucket of a side is read.
fn pieces(size: &StageSize, may_split: bool, piece_bytes: u64, skew: SkewSettings) -> Vec<usize> {
    let much = u128::from(median(&size.bytes)) * u128::from(skew.percent_of_median);
    let pieces = |(bytes, rows): (&u64, &u64)| {
        let is_skewed = may_split && *bytes > skew.threshold_bytes && u128::from(*bytes) * 100 > much;
        if is_skewed { usize::try_from(bytes.div_ceil(piece_bytes).min(*rows)).unwrap_or(1).max(1) } else { 1 }
    };
    size.bytes.iter().zip(&size.rows).map(pieces).collect()
}

/// The middle one of some sizes.
fn median(sizes: &[u64]) -> u64 {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    match sizes[..] {
        [] => 0,
        _ => u64::midpoint(sizes[(sizes.len() - 1) / 2], sizes[sizes.len() / 2]),
    }
}

/// What is said of a side's large buckets.
fn reasons(read: &StageReadExec, size: &StageSize, pieces: &[usize]) -> Vec<String> {
    let torn = pieces.iter().enumerate().filter(|(_, pieces)| **pieces > 1);
    let said = torn.map(|(bucket, pieces)| {
        let (bytes, middle) = (shown_bytes(size.bytes[bucket]), shown_bytes(median(&size.bytes)));
        format!("bucket {bucket} of stage {} has {bytes}, the middle one {middle}: it is read in {pieces} pieces", read.stage())
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::{Piece, SkewSettings, StageSize, median, pieces};

    #[test]
    fn a_bucket_is_large_beside_the_middle_one_and_by_itself() {
        let skew = SkewSettings { percent_of_median: 500, threshold_bytes: 100 };
        for (bytes, piece_bytes, expected) in [
            (vec![10, 10, 1_000], 250, vec![1, 1, 4]),
            (vec![10, 10, 1_001], 250, vec![1, 1, 5]),
            // Five times the middle one is not more than that.
            (vec![200, 200, 1_000], 250, vec![1, 1, 1]),
            (vec![200, 200, 1_001], 250, vec![1, 1, 5]),
            // Small all the same.
            (vec![1, 1, 100], 10, vec![1, 1, 1]),
            (vec![0, 0, 0, 101], 10, vec![1, 1, 1, 11]),
            // As much as a piece may have.
            (vec![0, 0, 0, 101], 101, vec![1, 1, 1, 1]),
        ] {
            let size = StageSize { rows: vec![1_000; bytes.len()], bytes };
            assert_eq!(pieces(&size, true, piece_bytes, skew), expected, "{size:?}");
            assert_eq!(pieces(&size, false, piece_bytes, skew), vec![1; expected.len()], "{size:?}");
        }
        let few_rows = StageSize { rows: vec![9, 9, 3], bytes: vec![1, 1, 1_000] };
        assert_eq!(pieces(&few_rows, true, 10, skew), [1, 1, 3], "a piece has a row");
    }

    #[test]
    fn the_middle_one() {
        for (sizes, expected) in [(vec![], 0), (vec![7], 7), (vec![9, 1], 5), (vec![1, 100, 2], 2), (vec![4, 1, 100, 2], 3)] {
            assert_eq!(median(&sizes), expected, "{sizes:?}");
        }
    }

    #[test]
    fn pieces_have_every_row_once() {
        for (all, of) in [(0, 3), (1, 3), (10, 3), (10, 1), (7, 7), (u64::MAX, 3)] {
            let ranges: Vec<_> = (0..of).map(|at| Piece { at, of }.rows(all)).collect();
            assert_eq!((ranges[0].start, ranges[of - 1].end), (0, all), "{all} in {of}");
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
        }
    }
}
