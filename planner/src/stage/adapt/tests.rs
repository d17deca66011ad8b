//! What the rules make of plans of SQL, given sizes.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use expect_test::{Expect, expect};

use super::{AdaptiveSettings, Change, Rule, SkewSettings, StageSize, adapt, build_sides_first};
use crate::config::engine_session_config;
use crate::stage::{ExchangeBy, ExchangeExec, NoRowsExec, Origin, StageGraph, StageId, StageReadExec, split};

fn graph(sql: &str) -> StageGraph {
    let context = SessionContext::new_with_config(engine_session_config(2));
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]));
    let column = Arc::new(Int64Array::from(vec![1, 2]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column.clone(), column]).unwrap();
    for name in ["a", "b", "c"] {
        let partitions = vec![vec![batch.clone()], vec![batch.clone()]];
        context.register_table(name, Arc::new(MemTable::try_new(Arc::clone(&schema), partitions).unwrap())).unwrap();
    }
    let plan = futures::executor::block_on(async { context.sql(sql).await.unwrap().create_physical_plan().await.unwrap() });
    let mut graph = split(vec![plan], &|_| None).unwrap();
    build_sides_first(&mut graph);
    graph
}

fn settings() -> AdaptiveSettings {
    AdaptiveSettings { broadcast_bytes: 1_000, advisory_bytes: 1_000_000, least_bytes: 100, ..AdaptiveSettings::usual(2) }
}

/// The graph when stages of these bytes, spread over all buckets, are done and nothing else has begun.
fn check(sql: &str, settings: &AdaptiveSettings, done: &[(usize, u64)], expected: Expect) {
    let mut graph = graph(sql);
    let mut sizes = vec![None; graph.stages.len()];
    for (stage, bytes) in done {
        let buckets = graph.stage(StageId(*stage)).output_partitions();
        let share = vec![bytes / buckets as u64; buckets];
        sizes[*stage] = Some(StageSize { rows: share.clone(), bytes: share });
    }
    let begun = |id: StageId| done.iter().any(|(stage, _)| *stage == id.0);
    let changes = adapt(&mut graph, &sizes, &begun, settings).unwrap();
    let changes: String = changes.iter().map(|change| format!("{change}\n")).collect();
    expected.assert_eq(&format!("{changes}{graph}"));
}

#[test]
fn what_probes_waits_for_what_is_built() {
    let after = |sql: &str| graph(sql).stages.iter().map(|s| s.after.iter().map(|id| id.0).collect::<Vec<_>>()).collect::<Vec<_>>();
    assert_eq!(after("select a.k, b.v from a join b on a.k = b.k"), [vec![], vec![0], vec![]]);
    assert_eq!(after("select k, sum(v) from a group by k"), [Vec::<usize>::new(), vec![]]);
    let chain = after("select a.k, b.v, c.v from a join b on a.k = b.k join c on b.v = c.v");
    assert_eq!(chain, [vec![], vec![0], vec![], vec![2], vec![]], "the third table waits for the join of the first two");
}

const JOIN: &str = "select a.k, b.v from a join b on a.k = b.k";

#[test]
fn a_small_build_side_keeps_its_probe_side_where_it_is() {
    check(
        JOIN,
        &settings(),
        &[(0, 640)],
        expect![[r#"
        stage 2: broadcast: stage 0 has 640 B: every task reads all of it, and stage 1 is not exchanged
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0
          HashJoinExec: mode=CollectLeft, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, broadcast
            DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Roots: 2
    "#]],
    );
    check(
        JOIN,
        &settings(),
        &[(0, 64_000)],
        expect![[r#"
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0, 1
          HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, partitioning=Hash([k@0], 2)
            StageReadExec: stage=1, partitioning=Hash([k@0], 2)
        Roots: 2
    "#]],
    );
    check(
        JOIN,
        &AdaptiveSettings { broadcast_bytes: 0, ..settings() },
        &[(0, 640)],
        expect![[r#"
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0, 1
          HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, partitioning=Hash([k@0], 2)
            StageReadExec: stage=1, partitioning=Hash([k@0], 2)
        Roots: 2
    "#]],
    );
    check(
        JOIN,
        &AdaptiveSettings::off(),
        &[(0, 640)],
        expect![[r#"
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0, 1
          HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, partitioning=Hash([k@0], 2)
            StageReadExec: stage=1, partitioning=Hash([k@0], 2)
        Roots: 2
    "#]],
    );
    check(
        JOIN,
        &settings(),
        &[(0, 640), (1, 640)],
        expect![[r#"
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0, 1
          HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, partitioning=Hash([k@0], 2)
            StageReadExec: stage=1, partitioning=Hash([k@0], 2)
        Roots: 2
    "#]],
    );
}

#[test]
fn a_join_whose_rows_are_wanted_by_key_is_exchanged_in_place_of_its_probe_side() {
    check(
        "select b.k, count(*), max(a.v) from a join b on a.k = b.k group by b.k",
        &settings(),
        &[(0, 640)],
        expect![[r#"
        stage 1: broadcast: stage 0 has 640 B: every task reads all of it, and stage 1 is not exchanged
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, reads 0, writes hash(k@1) into 64
          HashJoinExec: mode=CollectLeft, join_type=Inner, on=[(k@0, k@0)], projection=[v@2, k@0]
            StageReadExec: stage=0, broadcast
            DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 1
          ProjectionExec: expr=[k@0 as k, count(Int64(1))@1 as count(*), max(a.v)@2 as max(a.v)]
            AggregateExec: mode=SinglePartitioned, gby=[k@1 as k], aggr=[count(Int64(1)), max(a.v)]
              StageReadExec: stage=1, partitioning=Hash([k@1], 2)
        Roots: 2
    "#]],
    );
}

#[test]
fn a_build_side_is_broadcast_whatever_becomes_of_its_rows() {
    check(
        "select a.k, b.v from a left join b on a.k = b.k",
        &settings(),
        &[(0, 640)],
        expect![[r#"
        stage 2: broadcast: stage 0 has 640 B: every task reads all of it, and stage 1 is not exchanged
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0
          HashJoinExec: mode=CollectLeft, join_type=Left, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, broadcast
            DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Roots: 2
    "#]],
    );
    check(
        "select k from a where not exists (select 1 from b where b.k = a.k)",
        &settings(),
        &[(0, 640)],
        expect![[r#"
        stage 2: broadcast: stage 0 has 640 B: every task reads all of it, and stage 1 is not exchanged
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0
          HashJoinExec: mode=CollectLeft, join_type=LeftAnti, on=[(k@0, k@0)]
            StageReadExec: stage=0, broadcast
            DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Roots: 2
    "#]],
    );
}

#[test]
fn a_number_that_the_program_has_given_stays() {
    for (origin, tasks) in [(Origin::ProgramInNumber, 5), (Origin::Program, 1)] {
        let context = SessionContext::new_with_config(engine_session_config(2));
        let rows = async { context.sql("select * from (values (1), (2)) as t(k)").await.unwrap().create_physical_plan().await.unwrap() };
        let rows = futures::executor::block_on(rows);
        let key = ExchangeBy::Key(vec![Arc::new(Column::new("k", 0))]);
        let dealt = ExchangeExec::new(rows, key, 5, origin);
        let mut graph = split(vec![Arc::new(dealt)], &|_| None).unwrap();
        let buckets = graph.stage(StageId(0)).output_partitions();
        let sizes = vec![Some(StageSize { rows: vec![1; buckets], bytes: vec![1; buckets] }), None];
        adapt(&mut graph, &sizes, &|id: StageId| id.0 == 0, &settings()).unwrap();
        assert_eq!(graph.stage(StageId(1)).partitions, tasks, "{origin:?}");
    }
}

#[test]
fn the_larger_side_is_not_built_and_tasks_follow_the_bytes() {
    check(
        JOIN,
        &settings(),
        &[(0, 640_000_000), (1, 64_000)],
        expect![[r#"
        stage 2: swap sides: stage 0 has 610.4 MiB, stage 1 only 62.5 KiB
        stage 2: coalesce: 610.4 MiB in 64 buckets are read by 64 tasks, not 2
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 64 tasks, reads 0, 1
          HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@2, v@1]
            StageReadExec: stage=1, partitioning=Hash([k@0], 64)
            StageReadExec: stage=0, partitioning=Hash([k@0], 64)
        Roots: 2
    "#]],
    );
    check(
        "select k, sum(v) from a group by k",
        &settings(),
        &[(0, 64)],
        expect![[r#"
        stage 1: coalesce: 64 B in 64 buckets are read by 1 tasks, not 2
        Stage 0: 2 tasks, writes hash(k@0) into 64
          AggregateExec: mode=Partial, gby=[k@0 as k], aggr=[sum(a.v)]
            DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 1 task, reads 0
          AggregateExec: mode=FinalPartitioned, gby=[k@0 as k], aggr=[sum(a.v)]
            StageReadExec: stage=0, partitioning=Hash([k@0], 1)
        Roots: 1
    "#]],
    );
}

/// What changes when stages of these bytes by bucket, ten to a row, are done and nothing else has begun.
fn adapted(mut graph: StageGraph, settings: &AdaptiveSettings, done: &[(usize, Vec<u64>)]) -> (Vec<Change>, StageGraph) {
    let mut sizes = vec![None; graph.stages.len()];
    for (stage, bytes) in done {
        assert_eq!(graph.stage(StageId(*stage)).output_partitions(), bytes.len());
        sizes[*stage] = Some(StageSize { rows: bytes.iter().map(|bytes| bytes.div_ceil(10)).collect(), bytes: bytes.clone() });
    }
    let begun = |id: StageId| done.iter().any(|(stage, _)| *stage == id.0);
    let changes = adapt(&mut graph, &sizes, &begun, settings).unwrap();
    (changes, graph)
}

fn check_sized(sql: &str, settings: &AdaptiveSettings, done: &[(usize, Vec<u64>)], expected: Expect) {
    let (changes, graph) = adapted(graph(sql), settings, done);
    let changes: String = changes.iter().map(|change| format!("{change}\n")).collect();
    expected.assert_eq(&format!("{changes}{graph}"));
}

fn rules(changes: &[Change]) -> Vec<Rule> {
    changes.iter().map(|change| change.rule).collect()
}

/// So many bytes in every bucket, and `heavy` in the fourteenth.
fn buckets(each: u64, heavy: u64) -> Vec<u64> {
    let mut bytes = vec![each; 64];
    bytes[13] = heavy;
    bytes
}

fn skewed() -> AdaptiveSettings {
    let skew = Some(SkewSettings { percent_of_median: 500, threshold_bytes: 1_000 });
    AdaptiveSettings { broadcast_bytes: 0, skew, ..settings() }
}

#[test]
fn a_large_bucket_is_read_by_several_tasks() {
    check_sized(
        JOIN,
        &skewed(),
        &[(0, buckets(10, 10)), (1, buckets(100, 6_500))],
        expect![[r#"
        stage 2: skew: bucket 13 of stage 1 has 6.3 KiB, the middle one 100 B: it is read in 2 pieces
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 5 tasks, reads 0, 1
          UnkeyedExec
            HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
              StageReadExec: stage=0, partitioning=Hash([k@0], 5)
              StageReadExec: stage=1, partitioning=Hash([k@0], 5), bucket 13 in 2 pieces
        Roots: 2
    "#]],
    );
}

#[test]
fn only_a_side_whose_rows_need_nothing_of_each_other_is_cut() {
    const LEFT: &str = "select a.k, b.v from a left join b on a.k = b.k";
    const FULL: &str = "select a.k, b.v from a full join b on a.k = b.k";
    const ANTI: &str = "select k from a where not exists (select 1 from b where b.k = a.k)";
    const GROUPED: &str = "select b.k, count(*) from a join b on a.k = b.k group by b.k";
    let one_by_one = AdaptiveSettings { coalesce: false, ..skewed() };
    for (sql, settings, heavy, expected) in [
        (JOIN, &one_by_one, 0, vec![Rule::Skew]),
        (JOIN, &one_by_one, 1, vec![Rule::Skew]),
        (LEFT, &one_by_one, 0, vec![Rule::Skew]),
        (LEFT, &one_by_one, 1, vec![]),
        (FULL, &one_by_one, 0, vec![]),
        (FULL, &one_by_one, 1, vec![]),
        (ANTI, &one_by_one, 0, vec![Rule::Skew]),
        (ANTI, &one_by_one, 1, vec![]),
        // Its groups need the join's rows by key.
        (GROUPED, &one_by_one, 1, vec![]),
        (JOIN, &AdaptiveSettings { skew: None, ..one_by_one.clone() }, 1, vec![]),
    ] {
        let mut done = [(0, buckets(200, 200)), (1, buckets(200, 200))];
        done[heavy].1 = buckets(100, 6_500);
        let (changes, graph) = adapted(graph(sql), settings, &done);
        assert_eq!(rules(&changes), expected, "{sql}, stage {heavy}: {changes:?}\n{graph}");
        let (again, _) = adapted(graph, settings, &done);
        assert!(again.is_empty(), "{sql}, stage {heavy}: a bucket is cut once: {again:?}");
    }
}

#[test]
fn both_sides_of_a_bucket_are_cut_so_that_every_two_pieces_meet() {
    let done = [(0, buckets(100, 6_500)), (1, buckets(100, 9_000))];
    let (changes, graph) = adapted(graph(JOIN), &AdaptiveSettings { coalesce: false, advisory_bytes: 3_000, ..skewed() }, &done);
    assert_eq!(rules(&changes), [Rule::Skew], "{graph}");
    let mut seen = Vec::new();
    let _ = Arc::clone(&graph.stage(StageId(2)).plan).transform_up(|node| {
        if let Some(read) = node.downcast_ref::<StageReadExec>() {
            let shares = read.buckets().unwrap();
            let pieces = (0..shares.len()).filter(|task| shares[*task] == (13..14)).map(|task| (read.piece(task).at, read.piece(task).of));
            seen.push(pieces.collect::<Vec<_>>());
            let mut covered: Vec<usize> = shares.iter().cloned().flatten().collect();
            covered.dedup();
            assert_eq!(covered, (0..64).collect::<Vec<_>>(), "every bucket is read");
        }
        Ok(Transformed::no(node))
    });
    let [left, right] = &seen[..] else { panic!("{graph}") };
    let (left_of, right_of) = (left[0].1, right[0].1);
    assert!(left_of > 1 && right_of > 1, "{left:?} and {right:?}");
    let mut met: Vec<_> = left.iter().zip(right).map(|(left, right)| (left.0, right.0)).collect();
    met.sort_unstable();
    let every: Vec<_> = (0..left_of).flat_map(|left| (0..right_of).map(move |right| (left, right))).collect();
    assert_eq!(met, every);
}

#[test]
fn what_the_program_has_dealt_is_not_cut() {
    for origin in [Origin::Program, Origin::ProgramInNumber] {
        let mut graph = graph(JOIN);
        let asked = Arc::clone(&graph.stage(StageId(2)).plan).transform_up(|node| match node.downcast_ref::<StageReadExec>() {
            Some(read) => Ok(Transformed::yes(Arc::new(read.asked_for(origin)) as Arc<dyn ExecutionPlan>)),
            None => Ok(Transformed::no(node)),
        });
        graph.stages[2].set_plan(asked.unwrap().data);
        let settings = AdaptiveSettings { coalesce: false, ..skewed() };
        let (changes, _) = adapted(graph, &settings, &[(0, buckets(200, 200)), (1, buckets(100, 6_500))]);
        assert!(changes.is_empty(), "{origin:?}: {changes:?}");
    }
}

#[test]
fn a_join_that_nobody_can_build_sorts_both_sides() {
    let little = AdaptiveSettings { broadcast_bytes: 0, build_bytes: Some(1_000), ..settings() };
    check_sized(
        JOIN,
        &little,
        &[(0, buckets(1_000, 1_000)), (1, buckets(1_000, 1_000))],
        expect![[r#"
        stage 2: coalesce: 125.0 KiB in 64 buckets are read by 64 tasks, not 2
        stage 2: sort merge: a task would hold 4.1 KiB of stage 0, and may hold 1000 B: both sides are sorted and merged
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 64 tasks, reads 0, 1
          ProjectionExec: expr=[k@0 as k, v@2 as v]
            SortMergeJoinExec: join_type=Inner, on=[(k@0, k@0)]
              SortExec: expr=[k@0 ASC], preserve_partitioning=[true]
                StageReadExec: stage=0, partitioning=Hash([k@0], 64)
              SortExec: expr=[k@0 ASC], preserve_partitioning=[true]
                StageReadExec: stage=1, partitioning=Hash([k@0], 64)
        Roots: 2
    "#]],
    );
}

#[test]
fn a_join_is_sorted_only_where_nothing_else_helps() {
    let little = AdaptiveSettings { broadcast_bytes: 0, coalesce: false, build_bytes: Some(200_000), ..settings() };
    let in_pieces = AdaptiveSettings { skew: skewed().skew, advisory_bytes: 20_000, ..little.clone() };
    for (settings, left, right, expected) in [
        (&little, buckets(1_000, 1_000), buckets(1_000, 1_000), vec![]),
        // Built, a byte of these takes four.
        (&little, buckets(1_000, 60_000), buckets(1_000, 60_000), vec![Rule::SortMerge]),
        (&little, buckets(1_000, 60_000), buckets(1_000, 1_000), vec![Rule::SwapSides]),
        (&little, buckets(1_000, 1_000), buckets(1_000, 60_000), vec![]),
        (&AdaptiveSettings { sort_merge: false, ..little.clone() }, buckets(1_000, 60_000), buckets(1_000, 60_000), vec![]),
        (&AdaptiveSettings { build_bytes: None, ..little.clone() }, buckets(1_000, 60_000), buckets(1_000, 60_000), vec![]),
        // In pieces the large bucket fits.
        (&in_pieces, buckets(1_000, 60_000), buckets(1_000, 60_000), vec![Rule::Skew]),
    ] {
        let shown = format!("{settings:?}, {} and {} bytes in a bucket", left[13], right[13]);
        let done = [(0, left), (1, right)];
        let (changes, graph) = adapted(graph(JOIN), settings, &done);
        assert_eq!(rules(&changes), expected, "{shown}\n{graph}");
        let (again, graph) = adapted(graph, settings, &done);
        assert!(again.is_empty(), "{shown}: once: {again:?}\n{graph}");
    }
}

#[test]
fn a_join_without_rows_is_not_run() {
    check_sized(
        JOIN,
        &settings(),
        &[(0, vec![0; 64])],
        expect![[r#"
        stage 2: empty branch: HashJoinExec gives no rows, since there are none of stage 0
        stage 1: empty branch: nothing reads it any more: it is not run
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks
          NoRowsExec: partitions=2
        Roots: 2
    "#]],
    );
}

#[test]
fn an_outer_join_without_one_side_is_the_other() {
    check_sized(
        "select a.k, b.v from a left join b on a.k = b.k",
        &AdaptiveSettings { coalesce: false, ..settings() },
        &[(0, vec![100; 64]), (1, vec![0; 64])],
        expect![[r#"
        stage 2: empty branch: HashJoinExec gives the rows of one side, since there are none of stage 1
        Stage 0: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 2: 2 tasks, reads 0
          ProjectionExec: expr=[k@0 as k, NULL as v]
            StageReadExec: stage=0, partitioning=Hash([k@0], 2)
        Roots: 2
    "#]],
    );
}

#[test]
fn rows_that_may_still_come_are_not_cut_off() {
    let none = || vec![0_u64; 64];
    let some = || vec![100_u64; 64];
    let unbroadcast = AdaptiveSettings { broadcast_bytes: 0, coalesce: false, ..settings() };
    let off = AdaptiveSettings { empty_branches: false, ..unbroadcast.clone() };
    let union = "select v from c union all select a.k from a join b on a.k = b.k";
    let counted = "select count(*) from a join b on a.k = b.k";
    let left = "select a.k, b.v from a left join b on a.k = b.k";
    let full = "select a.k, b.v from a full join b on a.k = b.k";
    let anti = "select k from a where not exists (select 1 from b where b.k = a.k)";
    // Query, what is done, whether something is cut off, whether the whole answer is.
    for (sql, settings, done, cut, all) in [
        (JOIN, &unbroadcast, vec![(0, some()), (1, none())], true, true),
        (JOIN, &unbroadcast, vec![(0, some()), (1, some())], false, false),
        (JOIN, &off, vec![(0, some()), (1, none())], false, false),
        (left, &unbroadcast, vec![(0, none())], true, true),
        // The other side's rows stay.
        (left, &unbroadcast, vec![(0, some()), (1, none())], true, false),
        (full, &unbroadcast, vec![(0, some()), (1, none())], true, false),
        (full, &unbroadcast, vec![(0, none()), (1, some())], true, false),
        (anti, &unbroadcast, vec![(0, some()), (1, none())], true, false),
        // There is nothing that need not run.
        (full, &unbroadcast, vec![(0, none()), (1, none())], false, false),
        (anti, &unbroadcast, vec![(0, none())], true, true),
        (union, &unbroadcast, vec![(0, none())], true, false),
        (counted, &unbroadcast, vec![(0, none())], true, false),
    ] {
        let (changes, graph) = adapted(graph(sql), settings, &done);
        let shown = format!("{sql}, {done:?}: {changes:?}\n{graph}");
        assert_eq!(changes.iter().any(|change| change.rule == Rule::EmptyBranch), cut, "{shown}");
        let root = &graph.stage(graph.roots[0]).plan;
        assert_eq!(root.is::<NoRowsExec>(), all, "{shown}");
        // What has not begun and nothing reads has no tasks.
        let unbegun = cut && done.len() == 1;
        assert_eq!(graph.stages[1].absorbed_by.is_some() && graph.stages[1].partitions == 0, unbegun, "{shown}");
    }
}

#[test]
fn rows_that_are_others_the_next_time_are_not_counted_on() {
    let (changes, graph) = adapted(
        graph("select a.k, b.v from (select k from a where random() > 2) a join b on a.k = b.k"),
        &AdaptiveSettings { broadcast_bytes: 0, ..settings() },
        &[(0, vec![0; 64])],
    );
    assert!(!graph.stages[0].repeatable, "{graph}");
    assert!(!rules(&changes).contains(&Rule::EmptyBranch), "{changes:?}\n{graph}");
}
