//! Rules that change a query while it runs do not change its rows: each beside the same query without the rule, and beside DataFusion.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::common::JoinType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, col};
use tidemill_executor::batch::{self, plan_stages};
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_executor::run::RunOutput;
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::{AdaptiveSettings, Rule, SkewSettings};
use tidemill_planner::{ErrorKind, Result};

use crate::support::{adaptive, rows, session};

const TYPES: [JoinType; 10] = [
    JoinType::Inner,
    JoinType::Left,
    JoinType::Right,
    JoinType::Full,
    JoinType::LeftSemi,
    JoinType::RightSemi,
    JoinType::LeftAnti,
    JoinType::RightAnti,
    JoinType::LeftMark,
    JoinType::RightMark,
];

/// Rows of `k` and `v`, a key for each row.
fn keyed(keys: impl Iterator<Item = Option<i64>>) -> RecordBatch {
    let keys: Int64Array = keys.collect();
    let values = Int64Array::from_iter_values((0..keys.len() as i64).map(|v| v % 97));
    let schema = Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(keys), Arc::new(values)]).unwrap()
}

/// Tables `heavy`, half of whose rows have one key, `even`, with a part of its keys, and the empty `nothing`, in one or two partitions.
fn tables(config: SessionConfig, partitions: usize) -> SessionContext {
    let context = SessionContext::new_with_config(config);
    let heavy = keyed((0..3_000).map(|i| if i % 2 == 0 { Some(7) } else { (i % 41 != 0).then_some(i % 200) }));
    let even = keyed((0..300).map(|i| (i % 29 != 0).then_some(i % 150)));
    for (name, rows) in [("heavy", heavy.clone()), ("even", even), ("nothing", heavy.slice(0, 0))] {
        let each = rows.num_rows().div_ceil(partitions);
        let parts = (0..partitions).map(|part| vec![rows.slice(part * each, each.min(rows.num_rows() - part * each))]);
        context.register_table(name, Arc::new(MemTable::try_new(rows.schema(), parts.collect()).unwrap())).unwrap();
    }
    context
}

async fn joined(context: &SessionContext, left: &str, right: &str, join_type: JoinType, filtered: bool) -> DataFrame {
    let left = context.table(left).await.unwrap().select(vec![col("k").alias("lk"), col("v").alias("lv")]).unwrap();
    let right = context.table(right).await.unwrap().select(vec![col("k").alias("rk"), col("v").alias("rv")]).unwrap();
    left.join(right, join_type, &["lk"], &["rk"], filtered.then(|| col("lv").lt(col("rv")))).unwrap()
}

async fn run(engine: &Engine, context: &SessionContext, plan: LogicalPlan, settings: &AdaptiveSettings) -> Result<RunOutput> {
    let graph = plan_stages(&context.state(), &[plan], &|_| None).await?;
    batch::run(engine, &graph, batch::context(&context.state(), settings.clone())).await
}

fn all_rows(output: &RunOutput) -> Vec<String> {
    rows(&output.roots[0].partitions.concat())
}

fn fired(output: &RunOutput, rule: Rule) -> bool {
    output.report.changes.iter().any(|change| change.rule == rule)
}

/// An engine that holds blocks in memory, and one that has all of them on disk.
fn engines() -> [Engine; 2] {
    [0, 1].map(|shuffle_memory_bytes| Engine::new(EngineConfig { threads: 2, shuffle_memory_bytes, ..EngineConfig::default() }).unwrap())
}

fn unbroadcast() -> AdaptiveSettings {
    AdaptiveSettings { broadcast_bytes: 0, ..adaptive() }
}

#[tokio::test]
async fn a_heavy_key_is_spread_over_tasks() {
    let skew = Some(SkewSettings { percent_of_median: 500, threshold_bytes: 1_000 });
    let settings = AdaptiveSettings { skew, advisory_bytes: 4_000, least_bytes: 1, ..unbroadcast() };
    let plain = tables(SessionConfig::new().with_target_partitions(2), 2);
    for engine in engines() {
        for partitions in [1, 2] {
            // Tables of no more rows than a batch has are not exchanged where one task could do.
            let staged = tables(engine_session_config(2).with_batch_size(64), partitions);
            for join_type in TYPES {
                for (left, right) in [("heavy", "even"), ("even", "heavy")] {
                    let case = format!("{left} {join_type} join {right}, written by {partitions} tasks");
                    let expected = rows(&joined(&plain, left, right, join_type, true).await.collect().await.unwrap());
                    let plan = joined(&staged, left, right, join_type, true).await.into_optimized_plan().unwrap();
                    let cut = run(&engine, &staged, plan.clone(), &settings).await.unwrap();
                    let whole = run(&engine, &staged, plan, &AdaptiveSettings { skew: None, ..settings.clone() }).await.unwrap();
                    assert_eq!(all_rows(&cut), expected, "{case}: {:?}", cut.report.changes);
                    assert_eq!(all_rows(&whole), expected, "{case}, whole");
                    // What becomes of a row of the heavy side must not depend on other rows of that side.
                    let heavy_is_left = left == "heavy";
                    let may_be_cut = match join_type {
                        JoinType::Inner => true,
                        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => heavy_is_left,
                        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => !heavy_is_left,
                        JoinType::Full => false,
                    };
                    assert_eq!(fired(&cut, Rule::Skew), may_be_cut, "{case}: {:?}", cut.report.changes);
                    assert!(!fired(&whole, Rule::Skew), "{case}");
                }
            }
        }
        assert_eq!(engine.shuffle_bytes_used(), 0, "every run gives its memory back");
    }
}

#[tokio::test]
async fn no_task_has_much_more_of_a_heavy_key_than_another() {
    let skew = Some(SkewSettings { percent_of_median: 500, threshold_bytes: 1_000 });
    let settings = AdaptiveSettings { skew, least_bytes: 1, ..unbroadcast() };
    let staged = tables(engine_session_config(2).with_batch_size(64), 1);
    let plan = joined(&staged, "even", "heavy", JoinType::Right, false).await.into_optimized_plan().unwrap();
    let [engine, _] = engines();
    let largest = |output: &RunOutput| output.roots[0].partitions.iter().map(|p| p.iter().map(RecordBatch::num_rows).sum::<usize>()).max();
    let cut = run(&engine, &staged, plan.clone(), &settings).await.unwrap();
    let whole = run(&engine, &staged, plan, &AdaptiveSettings { skew: None, ..settings }).await.unwrap();
    let all = all_rows(&cut).len();
    assert_eq!(all_rows(&whole).len(), all);
    // Half of the rows have one key; a join of even keys would give each of two threads a half, in at most two tasks.
    assert!(largest(&whole).unwrap() * 2 > all, "one task has them all: {:?}", largest(&whole));
    assert!(largest(&cut).unwrap() * 3 < all, "they are cut in two: {:?} of {all}", largest(&cut));
}

#[tokio::test]
async fn groups_of_a_heavy_key_stay_together() {
    let skew = Some(SkewSettings { percent_of_median: 500, threshold_bytes: 1_000 });
    let settings = AdaptiveSettings { skew, advisory_bytes: 4_000, least_bytes: 1, ..unbroadcast() };
    let plain = tables(SessionConfig::new().with_target_partitions(2), 2);
    let staged = tables(engine_session_config(2), 2);
    let [engine, _] = engines();
    for (sql, may_be_cut) in [
        ("select h.k, count(*), sum(e.v) from heavy h join even e on h.k = e.k group by h.k", false),
        ("select h.k, e.v, row_number() over (partition by h.k order by h.v, e.v) from heavy h join even e on h.k = e.k", false),
        ("select x.k, x.v, y.v from (select h.k, e.v from heavy h join even e on h.k = e.k) x join even y on x.k = y.k", false),
        ("select h.v, count(*) from heavy h join even e on h.k = e.k group by h.v", true),
        ("select h.k, e.v from heavy h join even e on h.k = e.k order by h.k, e.v", true),
        ("select h.k, e.v from heavy h join even e on h.k = e.k union all select k, v from even", true),
    ] {
        let expected = rows(&plain.sql(sql).await.unwrap().collect().await.unwrap());
        let plan = staged.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        let output = run(&engine, &staged, plan, &settings).await.unwrap();
        assert_eq!(all_rows(&output), expected, "{sql}: {:?}", output.report.changes);
        assert_eq!(fired(&output, Rule::Skew), may_be_cut, "{sql}: {:?}", output.report.changes);
    }
}

#[tokio::test]
async fn joins_that_nobody_can_build_are_merged() {
    let settings = AdaptiveSettings { build_bytes: Some(0), skew: None, ..unbroadcast() };
    let plain = tables(SessionConfig::new().with_target_partitions(2), 2);
    let staged = tables(engine_session_config(2), 2);
    for engine in engines() {
        for join_type in TYPES {
            for filtered in [false, true] {
                let case = format!("{join_type} join, with a filter: {filtered}");
                let expected = rows(&joined(&plain, "heavy", "even", join_type, filtered).await.collect().await.unwrap());
                let plan = joined(&staged, "heavy", "even", join_type, filtered).await.into_optimized_plan().unwrap();
                let merged = run(&engine, &staged, plan.clone(), &settings).await.unwrap();
                let built = run(&engine, &staged, plan, &AdaptiveSettings { sort_merge: false, ..settings.clone() }).await.unwrap();
                assert_eq!(all_rows(&merged), expected, "{case}");
                assert_eq!(all_rows(&built), expected, "{case}, built");
                assert!(fired(&merged, Rule::SortMerge) && !fired(&built, Rule::SortMerge), "{case}: {:?}", merged.report.changes);
            }
        }
    }
}

#[tokio::test]
async fn keys_of_every_kind_are_merged_or_left_as_they_are() {
    let settings = AdaptiveSettings { build_bytes: Some(0), skew: None, ..unbroadcast() };
    let plain = session(SessionConfig::new().with_target_partitions(3));
    let staged = session(engine_session_config(3));
    let [engine, _] = engines();
    for (sql, may_be_merged) in [
        ("select a.v, b.v from a join b on a.s = b.s and a.k = b.k", true),
        ("select a.v, b.v, b.s from a join b on (a.k is not distinct from b.k) and a.s = b.s", true),
        ("select a.v, b.v from a full join b on a.f = b.f and a.v < b.v", true),
        ("select count(*) from a join b on a.k = b.k", true),
        ("select a.v, b.v from a left join b on a.k = b.k and a.k = b.v", true),
        ("select v from a where f in (select f from b)", false),
        ("select v from a where k not in (select k from b)", false),
    ] {
        let expected = rows(&plain.sql(sql).await.unwrap().collect().await.unwrap());
        let plan = staged.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        let output = run(&engine, &staged, plan, &settings).await.unwrap();
        assert_eq!(all_rows(&output), expected, "{sql}: {:?}", output.report.changes);
        assert_eq!(fired(&output, Rule::SortMerge), may_be_merged, "{sql}: {:?}", output.report.changes);
    }
}

#[tokio::test]
async fn a_build_that_exceeds_the_memory_is_sorted_on_disk() {
    const ROWS: usize = 600_000;
    let schema = Arc::new(Schema::new(["k", "j", "v"].map(|name| Field::new(name, DataType::Int64, false)).to_vec()));
    let column = |value: fn(usize) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..ROWS / 60).map(value))) };
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column(|_| 1), column(|_| 2), column(|row| row as i64)]).unwrap();
    let context = SessionContext::new_with_config(engine_session_config(2));
    for name in ["x", "y"] {
        let partitions = vec![vec![batch.clone(); 30], vec![batch.clone(); 30]];
        context.register_table(name, Arc::new(MemTable::try_new(Arc::clone(&schema), partitions).unwrap())).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let config = EngineConfig {
        threads: 2,
        memory_bytes: 24 << 20,
        shuffle_memory_bytes: 1,
        spill_dir: Some(folder.path().to_owned()),
        ..EngineConfig::default()
    };
    // A run that fails says so before its other tasks have let go of what they hold.
    let engines = [config.clone(), config].map(|config| Engine::new(config).unwrap());
    // Both sides have all their rows under one key, and all of them have a match.
    let sql = "select count(*), sum(v) from x where exists (select 1 from y where y.k = x.k and y.j = x.j)";
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    let settings = AdaptiveSettings { skew: None, ..unbroadcast() };
    let built = run(&engines[0], &context, plan.clone(), &AdaptiveSettings { sort_merge: false, ..settings.clone() }).await;
    assert_eq!(built.unwrap_err().kind(), ErrorKind::Resources);
    let merged = run(&engines[1], &context, plan, &settings).await.unwrap();
    assert!(fired(&merged, Rule::SortMerge), "{:?}", merged.report.changes);
    assert!(merged.report.spills.get("Sorting").is_some_and(|files| *files > 0), "{:?}", merged.report.spills);
    let each = (ROWS / 60) as i64;
    assert_eq!(all_rows(&merged), [format!("{ROWS} | {}", 60 * (each * (each - 1) / 2))]);
}

#[tokio::test]
async fn what_can_give_no_rows_is_not_run() {
    let plain = tables(SessionConfig::new().with_target_partitions(2), 2);
    let staged = tables(engine_session_config(2), 2);
    let [engine, _] = engines();
    let absent = "(select k, v from even where v > 1000)";
    for broadcast_bytes in [0, 64 << 20] {
        let settings = AdaptiveSettings { broadcast_bytes, ..adaptive() };
        // Query, and whether there is something in it that need not run.
        for (sql, cut) in [
            (format!("select n.k, h.v from {absent} n join heavy h on n.k = h.k"), true),
            (format!("select h.k, n.v from heavy h join nothing n on n.k = h.k join {absent} m on m.k = h.k"), true),
            (format!("select count(*), sum(h.v) from {absent} n join heavy h on n.k = h.k"), true),
            (format!("select h.v, count(*) from {absent} n join heavy h on n.k = h.k group by h.v"), true),
            (format!("select k, v from even union all select n.k, h.v from {absent} n join heavy h on n.k = h.k"), true),
            (
                format!("select e.k, x.v from even e left join (select n.k, h.v from {absent} n join heavy h on n.k = h.k) x on x.k = e.k"),
                true,
            ),
            ("select e.k, h.v from even e join heavy h on e.k = h.k where e.v < 2".to_owned(), false),
        ] {
            let expected = rows(&plain.sql(&sql).await.unwrap().collect().await.unwrap());
            let plan = staged.sql(&sql).await.unwrap().into_optimized_plan().unwrap();
            let off = AdaptiveSettings { empty_branches: false, ..settings.clone() };
            let (less, all) = (run(&engine, &staged, plan.clone(), &settings).await, run(&engine, &staged, plan, &off).await);
            let (less, all) = (less.unwrap(), all.unwrap());
            assert_eq!(all_rows(&less), expected, "{sql}: {:?}", less.report.changes);
            assert_eq!(all_rows(&all), expected, "{sql}, all of it");
            assert_eq!(fired(&less, Rule::EmptyBranch), cut, "{sql}: {:?}", less.report.changes);
            assert!(!fired(&all, Rule::EmptyBranch), "{sql}");
            let written = |output: &RunOutput| output.report.stages.iter().flat_map(|stage| &stage.rows).sum::<u64>();
            assert!(written(&less) <= written(&all), "{sql}");
        }
    }
    assert_eq!(engine.shuffle_bytes_used(), 0, "every run gives its memory back");
}
