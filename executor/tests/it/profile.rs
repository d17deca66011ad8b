//! What a measured run reports of its operators, held to counts that are known from the rows alone.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::catalog::MemTable;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use tidemill_executor::batch::{self, plan_stages};
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_executor::run::{DropRows, RunReport};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::{AdaptiveSettings, Rule};

use crate::support::{adaptive, batch as some_rows, rows, table_schema};

/// `k` from 0 on, and `v`, which is `k` modulo `modulus`.
fn numbered(rows: i64, modulus: i64) -> RecordBatch {
    let column = |value: &dyn Fn(i64) -> i64| Arc::new(Int64Array::from_iter_values((0..rows).map(value))) as ArrayRef;
    RecordBatch::try_from_iter([("k", column(&|i| i)), ("v", column(&|i| i % modulus))]).unwrap()
}

/// `large`: 1000 rows in two partitions, ten values of `v`; `small`: 50 rows, five values of `v`.
fn tables() -> SessionContext {
    let context = SessionContext::new_with_config(engine_session_config(2));
    let large = numbered(1_000, 10);
    for (name, partitions) in
        [("large", vec![vec![large.slice(0, 600)], vec![large.slice(600, 400)]]), ("small", vec![vec![numbered(50, 5)]])]
    {
        let table = MemTable::try_new(partitions[0][0].schema(), partitions).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    context
}

async fn measured(context: &SessionContext, engine: &Engine, sql: &str, settings: AdaptiveSettings) -> RunReport {
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
    let run = batch::context(&context.state(), settings).delivering_to(Arc::new(DropRows)).measuring();
    let output = batch::run(engine, &graph, run).await.unwrap();
    assert!(output.roots.iter().all(|root| root.partitions.iter().flatten().all(|batch| batch.num_rows() == 0)), "none are held");
    output.report
}

/// (the operator's name, its rows) of all stages, what is read below what reads it.
fn operators(report: &RunReport) -> Vec<(&str, u64)> {
    let all = report.stages.iter().flat_map(|stage| &stage.operators);
    all.map(|operator| (operator.text.split(':').next().unwrap_or_default().trim(), operator.rows)).collect()
}

#[tokio::test]
async fn rows_of_each_operator() {
    let (context, engine) = (tables(), Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap());
    for (sql, expected, rows) in [
        ("select k from large where v < 3", vec![("FilterExec", 300), ("DataSourceExec", 1_000)], 300),
        (
            // Each of the two tasks has all ten values.
            "select v, count(*) from large group by v",
            vec![("AggregateExec", 20), ("DataSourceExec", 1_000), ("AggregateExec", 10), ("StageReadExec", 20)],
            10,
        ),
        (
            // Each of the 50 meets the one row of `large` with its `k`.
            "select l.v from small s join large l on s.k = l.k",
            vec![("DataSourceExec", 50), ("DataSourceExec", 1_000), ("HashJoinExec", 50), ("StageReadExec", 50), ("StageReadExec", 1_000)],
            50,
        ),
    ] {
        for _ in 0..2 {
            let report = measured(&context, &engine, sql, AdaptiveSettings::off()).await;
            let found = operators(&report);
            for operator in &expected {
                let times = |all: &[(&str, u64)]| all.iter().filter(|one| *one == operator).count();
                assert_eq!(times(&found), times(&expected), "{sql}: {operator:?} of {found:?}\n{}", report.to_text());
            }
            assert_eq!(report.rows(), rows, "{sql}");
            assert!(report.changes.is_empty(), "{sql}: {:?}", report.changes);
            let json = report.to_json();
            let count = |stage: &serde_json::Value, part: &str| stage[part].as_array().unwrap().len();
            assert!(json["stages"].as_array().unwrap().iter().all(|stage| count(stage, "operators") == count(stage, "metrics")), "{json}");
            assert_eq!(json["rows"], rows, "{sql}");
        }
    }
}

#[tokio::test]
async fn a_run_that_is_not_measured_says_nothing_of_operators() {
    let (context, engine) = (tables(), Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap());
    let plan = context.sql("select v, count(*) from large group by v").await.unwrap().into_optimized_plan().unwrap();
    let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
    let plain = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
    assert!(plain.report.stages.iter().all(|stage| stage.operators.is_empty()));
    // The same graph, the same instance of files: figures of one run are those of one run.
    for _ in 0..2 {
        let run = batch::context(&context.state(), adaptive()).measuring();
        let output = batch::run(&engine, &graph, run).await.unwrap();
        let read = operators(&output.report).into_iter().find(|(name, _)| *name == "DataSourceExec").unwrap();
        assert_eq!(read.1, 1_000);
        assert_eq!(rows(&output.roots[0].partitions.concat()), rows(&plain.roots[0].partitions.concat()));
    }
}

#[tokio::test]
async fn files_are_counted_once_for_each_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let written = numbered(1_000, 10);
    let properties = parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(100)).build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, written.schema(), Some(properties)).unwrap();
    writer.write(&written).unwrap();
    writer.close().unwrap();
    let context = SessionContext::new_with_config(engine_session_config(2));
    context.register_parquet("t", path.to_str().unwrap(), ParquetReadOptions::default()).await.unwrap();
    let engine = Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap();
    // Ten row groups of a hundred rows, of which `k >= 950` needs the last.
    let plan = context.sql("select v from t where k >= 950").await.unwrap().into_optimized_plan().unwrap();
    let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
    let mut scanned = None;
    for _ in 0..2 {
        let run = batch::context(&context.state(), adaptive()).delivering_to(Arc::new(DropRows)).measuring();
        let report = batch::run(&engine, &graph, run).await.unwrap().report;
        let scan = report.stages.iter().flat_map(|stage| &stage.operators).find_map(|operator| operator.scan.as_ref()).unwrap();
        assert_eq!((scan.row_groups, scan.row_groups_pruned), (10, 9), "{}", report.to_text());
        assert_eq!((scan.file_ranges, scan.file_ranges_pruned), (1, 0), "{}", report.to_text());
        // The same in both runs: the second does not go on with what the first has counted.
        let bytes = *scanned.get_or_insert(scan.bytes_scanned);
        assert_eq!((bytes > 0, scan.bytes_scanned), (true, bytes));
        assert_eq!(report.rows(), 50);
    }
}

#[tokio::test]
async fn what_was_changed_is_said_when_it_may_change() {
    let (context, engine) = (tables(), Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap());
    let join = "select l.v, count(*) from small s join large l on s.k = l.k group by l.v";
    for (sql, settings, rules) in [
        (join, adaptive(), vec![Rule::Broadcast, Rule::Coalesce]),
        (join, AdaptiveSettings { coalesce: false, ..adaptive() }, vec![Rule::Broadcast]),
        (join, AdaptiveSettings { broadcast_bytes: 0, coalesce: false, ..adaptive() }, vec![]),
        (join, AdaptiveSettings::off(), vec![]),
        ("select k from large where v < 3", adaptive(), vec![]),
    ] {
        let report = measured(&context, &engine, sql, settings).await;
        let mut found: Vec<Rule> = report.changes.iter().map(|change| change.rule).collect();
        found.dedup();
        assert_eq!(found, rules, "{sql}: {}", report.to_text());
        let text = report.to_text();
        for rule in [Rule::Broadcast, Rule::Coalesce] {
            assert_eq!(text.contains(&format!("  * {rule}: ")), rules.contains(&rule), "{text}");
        }
        assert_eq!(text.contains("became part of stage"), rules.contains(&Rule::Broadcast), "{text}");
    }
}

#[tokio::test]
async fn spills_of_operators_and_of_exchanges() {
    let folder = tempfile::tempdir().unwrap();
    let context = SessionContext::new_with_config(engine_session_config(2));
    let batches: Vec<_> = (0..2).map(|part| (0..20).map(|seed| some_rows(100 * part + seed, 20_000, 1 << 40)).collect()).collect();
    context.register_table("big", Arc::new(MemTable::try_new(table_schema(), batches).unwrap())).unwrap();
    let config = |memory_bytes, shuffle_memory_bytes| EngineConfig {
        threads: 2,
        memory_bytes,
        shuffle_memory_bytes,
        spill_dir: Some(folder.path().to_owned()),
        ..EngineConfig::default()
    };
    let sort = "select k, v, s from big order by s, k, v";
    let group = "select s, count(*) from big group by s";
    for (sql, config, sorts, exchanges) in [
        (sort, config(64 << 20, 32 << 20), true, None),
        (sort, config(8 << 30, 4 << 30), false, Some(false)),
        (group, config(1 << 30, 1), false, Some(true)),
        (group, config(1 << 30, 1 << 29), false, Some(false)),
    ] {
        let report = measured(&context, &Engine::new(config).unwrap(), sql, adaptive()).await;
        let text = report.to_text();
        let of_sorts = report.stages.iter().flat_map(|stage| &stage.operators).filter(|operator| operator.text.starts_with("SortExec"));
        let (files, bytes) = of_sorts.fold((0, 0), |(files, bytes), one| (files + one.spilled_files, bytes + one.spilled_bytes));
        assert_eq!((files > 0, bytes > 0), (sorts, sorts), "{sql}: {text}");
        assert_eq!(text.contains("spill_count="), sorts, "{sql}: {text}");
        let (blocks, bytes) = report.stages.iter().fold((0, 0), |sum, stage| (sum.0 + stage.spilled_blocks, sum.1 + stage.spilled_bytes));
        if let Some(exchanges) = exchanges {
            assert_eq!((blocks > 0, bytes > 0, text.contains(" went to disk")), (exchanges, exchanges, exchanges), "{sql}: {text}");
        }
    }
}
