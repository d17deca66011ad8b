//! Blocks on disk give the rows that blocks in memory give, and leave nothing behind.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;
use tidemill_executor::batch::{self, plan_stages};
use tidemill_executor::pool::{Engine, EngineConfig, Priority, yield_now};
use tidemill_executor::run::RunOutput;
use tidemill_planner::ErrorKind;
use tidemill_planner::config::engine_session_config;

use crate::support::{adaptive, batch as some_rows, rows_in_order, session, table_schema};

/// Rows of many types, sliced and with nulls.
fn odd_rows() -> RecordBatch {
    let n = 100;
    let key = Int32Array::from_iter((0..n).map(|i| (i % 7 != 0).then_some(i % 5)));
    let text = StringViewArray::from_iter((0..n).map(|i| (i % 3 != 0).then(|| format!("a text that does not fit inline {i}"))));
    let dictionary: DictionaryArray<Int32Type> = (0..n).map(|i| (i % 4 != 0).then_some(["x", "y", "z"][i as usize % 3])).collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>((0..n).map(|i| (i % 6 != 0).then(|| vec![Some(i), None])));
    let time = TimestampMicrosecondArray::from_iter_values((0..n).map(i64::from)).with_timezone("UTC");
    let flag: ArrayRef = Arc::new(BooleanArray::from_iter((0..n).map(|i| Some(i % 2 == 0))));
    let nested = StructArray::from(vec![(Arc::new(Field::new("flag", DataType::Boolean, true)), flag)]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(key)),
        ("text", Arc::new(text)),
        ("dictionary", Arc::new(dictionary)),
        ("list", Arc::new(list)),
        ("time", Arc::new(time)),
        ("nested", Arc::new(nested)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap().slice(3, 90)
}

#[tokio::test]
async fn spilled_runs_equal_runs_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let config = |bytes| EngineConfig {
        threads: 2,
        shuffle_memory_bytes: bytes,
        spill_dir: Some(folder.path().to_owned()),
        ..EngineConfig::default()
    };
    let context: SessionContext = session(engine_session_config(3));
    let odd = odd_rows();
    let table = MemTable::try_new(odd.schema(), vec![vec![odd.slice(0, 40)], vec![odd.slice(40, 50)]]).unwrap();
    context.register_table("odd", Arc::new(table)).unwrap();
    let queries = [
        "select a.k, a.v, b.v, b.s from a join b on a.k = b.k",
        "select k, count(*) from a group by k",
        "select count(*) from (select 1 from a union all select 1 from b) where random() < 2",
        "select key, text, dictionary, list, time, nested, row_number() over (partition by key order by time) from odd",
        "select k, v from a order by v, k",
    ];
    for sql in queries {
        let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
        let mut outputs = Vec::new();
        for bytes in [1 << 30, 2000, 1] {
            let engine = Engine::new(config(bytes)).unwrap();
            let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
            let rows: Vec<_> = output.report.stages.iter().map(|s| s.rows.clone()).collect();
            let partitions = output.roots[0].partitions.iter().map(|p| rows_in_order(p)).collect::<Vec<_>>();
            outputs.push((partitions, rows));
            assert_eq!(engine.shuffle_bytes_used(), 0, "{sql}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{sql}: the spill folder is removed");
        }
        assert_eq!(outputs[0], outputs[1], "{sql}, some blocks on disk");
        assert_eq!(outputs[0], outputs[2], "{sql}, all blocks on disk");
    }
}

#[tokio::test]
async fn rows_without_columns_survive_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let config = EngineConfig { threads: 1, shuffle_memory_bytes: 1, spill_dir: Some(folder.path().to_owned()), ..EngineConfig::default() };
    let engine = Engine::new(config).unwrap();
    let context = SessionContext::new_with_config(engine_session_config(2));
    let schema = Arc::new(Schema::empty());
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(5));
    let empty = RecordBatch::try_new_with_options(Arc::clone(&schema), vec![], &options).unwrap();
    context.register_table("e", Arc::new(MemTable::try_new(schema, vec![vec![empty.clone()], vec![empty]]).unwrap())).unwrap();
    let plan = context.table("e").await.unwrap().create_physical_plan().await.unwrap();
    let gathered = Arc::new(datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec::new(plan));
    let graph = tidemill_planner::stage::split(vec![gathered], &|_| None).unwrap();
    let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
    assert_eq!(output.roots[0].partitions.iter().flatten().map(RecordBatch::num_rows).sum::<usize>(), 10);
}

#[tokio::test]
async fn operators_spill_within_their_budget_and_one_too_small_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let context = session(engine_session_config(2));
    let batches: Vec<_> = (0..2).map(|part| (0..20).map(|seed| some_rows(100 * part + seed, 20_000, 1 << 40)).collect()).collect();
    context.register_table("big", Arc::new(MemTable::try_new(table_schema(), batches).unwrap())).unwrap();
    for sql in ["select k, v, s from big order by s, k, v", "select k, s, count(*), sum(v) from big group by k, s order by k, s"] {
        let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
        let run = async |memory_bytes| {
            let config = EngineConfig { threads: 2, memory_bytes, spill_dir: Some(folder.path().to_owned()), ..EngineConfig::default() };
            let engine = Engine::new(config).unwrap();
            let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await;
            // A run that fails says so before the pool has dropped what its other tasks held: each turn here lets it get on with that.
            let query = engine.query(Priority::Batch, "waits");
            while (engine.operator_bytes_used(), engine.shuffle_bytes_used()) != (0, 0) {
                query.spawn(yield_now()).await.unwrap();
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{sql}: nothing is left on disk");
            output
        };
        // A sort counts the buffers of an aggregate's rows once for each batch that is a slice of them.
        let plenty = run(8 << 30).await.unwrap();
        assert!(plenty.report.spills.is_empty(), "{sql}: {:?}", plenty.report.spills);
        let little = run(64 << 20).await.unwrap();
        assert!(little.report.spills.get("Sorting").is_some_and(|files| *files > 0), "{sql}: {:?}", little.report.spills);
        let rows = |output: &RunOutput| rows_in_order(&output.roots[0].partitions.concat());
        assert_eq!(rows(&little), rows(&plenty), "{sql}");
        let error = run(100_000).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resources, "{sql}: {error}");
        assert!(error.message().contains("tidemill.memoryBytes"), "{sql}: {error}");
    }
}

/// The text of a key, as wide as rows are that do not fit; in the order of the keys.
fn pad(key: i64) -> String {
    format!("{key:0>150}")
}

/// Keys below `rows`, their text, and twice the key.
fn wide_table(rows: i64) -> MemTable {
    let batches = (0..rows).step_by(5_000).map(|first| {
        let keys = || first..(first + 5_000).min(rows);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("k", Arc::new(Int64Array::from_iter_values(keys()))),
            ("pad", Arc::new(StringArray::from_iter_values(keys().map(pad)))),
            ("w", Arc::new(Int64Array::from_iter_values(keys().map(|key| 2 * key)))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    });
    let (mut partitions, mut schema) = (vec![Vec::new(), Vec::new()], None);
    for (index, batch) in batches.enumerate() {
        schema = Some(batch.schema());
        partitions[index % 2].push(batch);
    }
    MemTable::try_new(schema.unwrap(), partitions).unwrap()
}

#[tokio::test]
async fn a_join_an_aggregate_and_a_sort_of_more_than_the_budget_are_right_or_say_why_not() {
    const ROWS: i64 = 250_000;
    const GROUPS: i64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let context = session(engine_session_config(2));
    for name in ["l", "r"] {
        context.register_table(name, Arc::new(wide_table(ROWS))).unwrap();
    }
    let group = |g: i64| {
        let (least, most, count) = (g, ROWS - GROUPS + g, ROWS / GROUPS);
        format!("{g} | {count} | {} | {} | {}", pad(most), pad(least), (least + most) * count)
    };
    let queries: [(String, Vec<String>); 2] = [
        (
            format!(
                "select l.k % {GROUPS} as g, count(*), max(l.pad), min(r.pad), sum(r.w) from l join r on l.k = r.k \
                 group by l.k % {GROUPS} order by g"
            ),
            (0..GROUPS).map(group).collect(),
        ),
        // Each row's number in the order of the text is its key's, from 1.
        (
            "select count(*), max(p) from (select l.k, row_number() over (order by l.pad) as n, r.pad as p from l join r on l.k = r.k) \
             where n = k + 1"
                .to_owned(),
            vec![format!("{ROWS} | {}", pad(ROWS - 1))],
        ),
    ];
    for (sql, expected) in queries {
        let plan = context.sql(&sql).await.unwrap().into_optimized_plan().unwrap();
        let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
        for (memory_bytes, is_enough) in [(8 << 30, true), (64 << 20, false)] {
            let config = EngineConfig { threads: 2, memory_bytes, spill_dir: Some(folder.path().to_owned()), ..EngineConfig::default() };
            let engine = Engine::new(config).unwrap();
            match batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await {
                Ok(output) => assert_eq!(rows_in_order(&output.roots[0].partitions.concat()), expected, "{sql}"),
                Err(error) => {
                    assert!(!is_enough && error.kind() == ErrorKind::Resources, "{sql}: {error}");
                    assert!(error.message().contains("tidemill.memoryBytes"), "{sql}: {error}");
                }
            }
            let query = engine.query(Priority::Batch, "waits");
            while (engine.operator_bytes_used(), engine.shuffle_bytes_used()) != (0, 0) {
                query.spawn(yield_now()).await.unwrap();
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{sql}: nothing is left on disk");
        }
    }
}
