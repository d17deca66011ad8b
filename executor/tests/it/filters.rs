//! Rows that are kept back by the keys of a join's other side: the answers are the same, and fewer rows are exchanged.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use tidemill_executor::batch::{self, plan_stages};
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_executor::run::RunOutput;
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::{AdaptiveSettings, FilterSettings, Rule};

use crate::support::{rows, session};

/// Both sides of every join are exchanged, and filtered or not.
fn settings(filters: FilterSettings) -> AdaptiveSettings {
    AdaptiveSettings { broadcast_bytes: 0, filters, ..AdaptiveSettings::usual(2) }
}

fn engine(config: EngineConfig) -> Engine {
    Engine::new(EngineConfig { threads: 2, ..config }).unwrap()
}

async fn run(engine: &Engine, context: &SessionContext, sql: &str, filters: FilterSettings) -> RunOutput {
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    let graph = plan_stages(&context.state(), &[plan], &|_| None).await.unwrap();
    batch::run(engine, &graph, batch::context(&context.state(), settings(filters))).await.unwrap()
}

fn answer(output: &RunOutput) -> Vec<String> {
    rows(&output.roots[0].partitions.iter().flatten().cloned().collect::<Vec<_>>())
}

fn filters_of(output: &RunOutput) -> usize {
    output.report.changes.iter().filter(|change| change.rule == Rule::Filter).count()
}

/// A join by a key that is computed of `k`.
fn by_key(key: &str) -> String {
    format!("select x.t, x.v, y.v from (select {key} as t, v from a where v > 800) x join (select {key} as t, v from b) y on x.t = y.t")
}

#[tokio::test]
async fn answers_are_the_same_with_filters_and_without() {
    // The sides of a join are as they are written: the left one is built, and what it keeps filters the other.
    let mut config = engine_session_config(3);
    config.options_mut().optimizer.join_reordering = false;
    let context = session(config);
    let engine = engine(EngineConfig::default());
    let mut queries: Vec<(String, Option<bool>)> = Vec::new();
    for (key, filtered) in [
        ("cast(k as int)", true),
        ("k", true),
        ("cast(k as decimal(12, 2))", true),
        ("cast(k as string)", true),
        ("cast(cast(k as int) as date)", true),
        ("cast(k as timestamp)", true),
        ("cast(k as double)", false),
    ] {
        queries.push((by_key(key), Some(filtered)));
    }
    for (sql, filtered) in [
        ("select a.k, a.v, b.v from a join b on a.k = b.k where a.v > 800", true),
        ("select a.k, a.v, b.v from a join b on a.k = b.k and a.v < b.v where a.v > 800", true),
        ("select a.k, a.v, b.v from a left join b on a.k = b.k where a.v > 800", true),
        ("select a.k, a.v, x.v from a left join (select * from b where v > 800) x on a.k = x.k", false),
        ("select a.k, a.v, x.v from a right join (select * from b where v > 800) x on a.k = x.k", true),
        ("select a.k, a.v, x.v from a full join (select * from b where v > 800) x on a.k = x.k", false),
        ("select k, v from a where k in (select k from b where v > 800)", true),
        ("select k, v from a where v > 800 and k in (select k from b)", true),
        ("select k, v from a where v > 800 and not exists (select 1 from b where b.k = a.k)", true),
        ("select k, v from a where not exists (select 1 from b where b.k = a.k and b.v > 800)", false),
        ("select k, v from a where v > 800 and k not in (select k from b)", false),
        ("select a.k, a.v, b.v from a join b on a.k is not distinct from b.k where a.v > 800", false),
        ("select a.s, a.v, b.v from a join b on a.s = b.s and a.k = b.k where a.v > 800", true),
        ("select a.k, t.n, t.m from a join (select k, count(*) n, max(v) m from b group by k) t on a.k = t.k where a.v > 800", true),
        ("select a.k, t.n from a join (select k, count(*) n from b group by k) t on a.k = t.n where a.v > 800", true),
        (
            "select a.k, t.n from a join (select k, sum(v) over (partition by s order by v, f, k) n from b) t on a.k = t.k where a.v > 800",
            true,
        ),
        ("select a.k, t.v from a join (select k, v from b order by v, f, s, k limit 20) t on a.k = t.k where a.v > 800", true),
        ("select a.k, count(*), sum(b.v) from a join b on a.k = b.k join one on one.k = b.k where one.v > 500 group by a.k", true),
        ("select a.v, b.v, one.v from a join b on a.k = b.k left join one on one.k = b.k where a.v > 800", true),
        ("select x.k, y.v from (select k from a where v > 800 union select k from b where v > 900) x join a y on x.k = y.k", true),
    ] {
        queries.push((sql.to_owned(), Some(filtered)));
    }
    // Where nothing comes of a side, or a null may be among its keys, other rules have their say.
    for sql in [
        "select a.k, a.v, b.v from a join b on a.k = b.k where a.v > 2000",
        "select a.v from a join one on a.k = one.k join none on none.k = a.k where one.v > 500",
        "select k, v from a where v > 800 and k not in (select k from b where k is not null)",
    ] {
        queries.push((sql.to_owned(), None));
    }
    let mut wrong = Vec::new();
    for (sql, filtered) in queries {
        let expected = rows(&context.sql(&sql).await.unwrap().collect().await.unwrap());
        let with = run(&engine, &context, &sql, FilterSettings::usual()).await;
        let without = run(&engine, &context, &sql, FilterSettings::off()).await;
        if answer(&with) != expected || answer(&without) != expected {
            wrong.push(format!("{sql}\n{:?}\nand without filters\n{:?}\ninstead of\n{expected:?}", answer(&with), answer(&without)));
        }
        if filtered.is_some_and(|filtered| (filters_of(&with) > 0) != filtered) || filters_of(&without) > 0 {
            wrong.push(format!("{sql} has {} filters:\n{}", filters_of(&with), with.report.graph));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
    assert_eq!(engine.shuffle_bytes_used(), 0, "what was noted of keys is given back");
}

/// Tables of the numbers below 10 000: `few` has the 20 of them that a filter lets through, `many` has each ten times.
fn numbers() -> SessionContext {
    let context = SessionContext::new_with_config(engine_session_config(2));
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, false)]));
    let of = |keys: Vec<i64>| {
        let values = keys.iter().map(|key| key / 10).collect::<Vec<_>>();
        let columns = vec![Arc::new(Int64Array::from(keys)) as _, Arc::new(Int64Array::from(values)) as _];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let few = vec![vec![of((0..5_000).collect())], vec![of((5_000..10_000).collect())]];
    let many = (0..10).map(|_| vec![of((0..10_000).collect())]).collect();
    for (name, partitions) in [("few", few), ("many", many)] {
        context.register_table(name, Arc::new(MemTable::try_new(Arc::clone(&schema), partitions).unwrap())).unwrap();
    }
    context
}

const FEW_OF_MANY: &str = "select few.v, many.k from few join many on few.k = many.k where few.v in (7, 500)";

#[tokio::test]
async fn fewer_rows_are_exchanged() {
    let (context, engine) = (numbers(), engine(EngineConfig::default()));
    let expected: Vec<String> = rows(&context.sql("select v, k from many where v in (7, 500)").await.unwrap().collect().await.unwrap());
    assert_eq!(expected.len(), 200);
    for (filters, written) in [(FilterSettings::off(), 100_000..=100_000), (FilterSettings::usual(), 200..=2_000)] {
        let output = run(&engine, &context, FEW_OF_MANY, filters.clone()).await;
        assert_eq!(answer(&output), expected);
        let most = output.report.stages.iter().map(|stage| stage.rows.iter().sum::<u64>()).max().unwrap();
        assert!(written.contains(&most), "{most} rows with {filters:?}\n{}", output.report.graph);
    }
}

#[tokio::test]
async fn a_scan_of_parquet_has_the_bounds_of_the_keys() {
    let (context, engine) = (numbers(), engine(EngineConfig::default()));
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{}/", folder.path().display());
    context.table("many").await.unwrap().write_parquet(&path, DataFrameWriteOptions::new(), None).await.unwrap();
    context.deregister_table("many").unwrap();
    context.register_parquet("many", &path, ParquetReadOptions::default()).await.unwrap();
    let output = run(&engine, &context, FEW_OF_MANY, FilterSettings::usual()).await;
    assert_eq!(answer(&output).len(), 200);
    let graph = output.report.graph.to_string();
    assert!(graph.contains("predicate=k@0 >= 70 AND k@0 <= 5009"), "{graph}");
}

#[tokio::test]
async fn without_memory_for_the_keys_there_is_no_filter() {
    let folder = tempfile::tempdir().unwrap();
    let spill_dir = Some(folder.path().to_owned());
    let (context, engine) = (numbers(), engine(EngineConfig { shuffle_memory_bytes: 1, spill_dir, ..EngineConfig::default() }));
    let output = run(&engine, &context, FEW_OF_MANY, FilterSettings::usual()).await;
    assert_eq!((answer(&output).len(), filters_of(&output)), (200, 0));
    assert_eq!(engine.shuffle_bytes_used(), 0);
}
