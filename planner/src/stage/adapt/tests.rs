//! What the rules make of plans of SQL, given sizes.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::physical_expr::expressions::Column;
use datafusion::prelude::SessionContext;
use expect_test::{Expect, expect};

use super::{AdaptiveSettings, StageSize, adapt, build_sides_first};
use crate::config::engine_session_config;
use crate::stage::{ExchangeBy, ExchangeExec, Origin, StageGraph, StageId, split};

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
