//! A program that was changed between two runs: what is recorded is published as it was recorded, and state is never read as what
//! it is not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use tidemill::Value;
use tidemill::functions as F;
use tidemill::functions::{col, expr};
use tidemill::{Column, DataFrame, ErrorKind, GroupFn, Result, Session, StreamSink, StreamingQuery, Trigger};
use tidemill_streaming::query::{Phase, PhaseObserver};

use super::story::rows_as_text;

fn read(session: &Session, root: &Path, schema: &str) -> Result<DataFrame> {
    session.read_stream().name("events").schema(schema)?.json(&root.join("in").display().to_string())
}

fn put(root: &Path, name: &str, lines: &[&str]) {
    std::fs::create_dir_all(root.join("in")).unwrap();
    std::fs::write(root.join("in").join(name), lines.concat()).unwrap();
}

/// Takes the table away as `epoch` begins to publish: it is recorded by then.
#[derive(Debug)]
struct TakesAway {
    table: PathBuf,
    epoch: u64,
}

impl PhaseObserver for TakesAway {
    fn enter(&self, epoch: u64, phase: Phase) {
        if (epoch, phase) == (self.epoch, Phase::Publish) {
            std::fs::rename(&self.table, self.table.with_extension("away")).expect("the table is there");
        }
    }
}

/// How rows are merged: keys, and where a matched row is replaced.
type Merge = (&'static [&'static str], Option<Column>);

async fn merges(root: &Path, (keys, condition): Merge, fails_in: Option<u64>) -> Result<StreamingQuery> {
    let session = Session::builder().parallelism(1).build()?;
    let rows = read(&session, root, "id BIGINT NOT NULL, v INT NOT NULL, note STRING")?;
    let table = root.join("table");
    let mut sink = StreamSink::delta_merge(table.display().to_string(), keys.iter().copied());
    if let Some(condition) = condition {
        sink = sink.when_matched(condition);
    }
    let mut query = session.streaming_query("merges").checkpoint_location(root.join("checkpoint")).trigger(Trigger::available_now());
    if let Some(epoch) = fails_in {
        query = query.observer(Arc::new(TakesAway { table, epoch }));
    }
    query.add(&rows, sink).start().await
}

#[tokio::test]
async fn a_republish_merges_as_it_was_recorded() {
    let newer = || Some(col("source.v").gt(col("target.v")));
    let by_id: &[&str] = &["id"];
    // What was recorded, what the program says by the time of the republish, and what must be in the table.
    let cases: [(&str, Merge, Merge, &[&str]); 5] = [
        ("a condition that is gone", (by_id, newer()), (by_id, None), &["1 5 old", "2 9 new"]),
        ("another condition", (by_id, newer()), (by_id, Some(expr("source.v < target.v"))), &["1 5 old", "2 9 new"]),
        ("a condition that is new", (by_id, None), (by_id, newer()), &["1 3 new", "2 9 new"]),
        ("other keys", (by_id, None), (&["v"], None), &["1 3 new", "2 9 new"]),
        (
            "a condition of many parts",
            (by_id, Some(expr("source.v > target.v AND source.note IN ('new', 'it''s') OR target.note IS NULL"))),
            (&["id", "v"], None),
            &["1 5 old", "2 9 new"],
        ),
    ];
    for (what, recorded, program, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        put(root, "1.json", &["{\"id\":1,\"v\":5,\"note\":\"old\"}\n", "{\"id\":2,\"v\":5,\"note\":\"old\"}\n"]);
        merges(root, recorded.clone(), None).await.unwrap().await_termination().await.unwrap();
        put(root, "2.json", &["{\"id\":1,\"v\":3,\"note\":\"new\"}\n", "{\"id\":2,\"v\":9,\"note\":\"new\"}\n"]);
        let failed = merges(root, recorded, Some(1)).await.unwrap().await_termination().await;
        assert!(failed.unwrap_err().message().contains("is recorded"), "{what}");
        std::fs::rename(root.join("table.away"), root.join("table")).unwrap();
        merges(root, program, None).await.unwrap().await_termination().await.unwrap();
        let session = Session::builder().parallelism(1).build().unwrap();
        let table = session.read().delta(&root.join("table").display().to_string()).await.unwrap();
        assert_eq!(rows_as_text(&table.collect().await.unwrap()), expected, "{what}");
    }
}

#[tokio::test]
async fn a_record_holds_any_condition() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "1.json", &["{\"id\":1,\"v\":5,\"note\":\"old\"}\n"]);
    let condition = F::when(col("source.v").gt(col("target.v")), true).otherwise(false);
    let by_id: &[&str] = &["id"];
    merges(dir.path(), (by_id, Some(condition.clone())), None).await.unwrap().await_termination().await.unwrap();
    put(dir.path(), "2.json", &["{\"id\":1,\"v\":9,\"note\":\"new\"}\n"]);
    let failed = merges(dir.path(), (by_id, Some(condition)), Some(1)).await.unwrap().await_termination().await;
    assert!(failed.unwrap_err().message().contains("is recorded"));
    std::fs::rename(dir.path().join("table.away"), dir.path().join("table")).unwrap();
    merges(dir.path(), (by_id, None), None).await.unwrap().await_termination().await.unwrap();
    let session = Session::builder().parallelism(1).build().unwrap();
    let table = session.read().delta(&dir.path().join("table").display().to_string()).await.unwrap();
    assert_eq!(rows_as_text(&table.collect().await.unwrap()), ["1 9 new"]);
}

fn dedup(events: &DataFrame) -> DataFrame {
    events.drop_duplicates(["id"]).select([col("id").cast("string").alias("id")])
}

fn sessions(events: &DataFrame) -> DataFrame {
    let sessions = events.with_watermark("t", "1 minute").group_by([F::session_window(col("t"), "7 minutes"), col("id")]);
    sessions
        .agg([F::sum(col("v")).alias("v"), F::max(col("v")).alias("most")])
        .select([col("id").cast("string").alias("id"), col("v").cast("string").alias("v")])
}

fn windows(events: &DataFrame) -> DataFrame {
    let windows = events.with_watermark("t", "1 minute").group_by([F::window(col("t"), "7 minutes"), col("id")]);
    windows.agg([F::max(col("v")).alias("v")]).select([col("id").cast("string").alias("id"), col("v").cast("string").alias("v")])
}

/// Counts the rows of a key; the key's column is not looked at.
fn groups(events: &DataFrame) -> DataFrame {
    let fields = || Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    events.group_by(["id"]).flat_map_groups_with_state(GroupFn::new("count", fields(), fields(), |_, rows, state, output| {
        let before = match state.get() {
            Some([Value::Long(n)]) => *n,
            _ => 0,
        };
        let now = Value::from(before + rows.len() as i64);
        state.update(vec![now.clone()]);
        output.push(vec![now]);
        Ok(())
    }))
}

#[tokio::test]
async fn state_is_not_read_as_another_type() {
    type Program = fn(&DataFrame) -> DataFrame;
    let schema = |id: &str, v: &str| format!("id {id} NOT NULL, t TIMESTAMP, v {v}");
    let before = schema("BIGINT", "INT");
    let cases: [(&str, Program, String, &[&str]); 6] = [
        ("the key of a deduplication", dedup, schema("STRING", "INT"), &["Dedup", "id bigint", "id string"]),
        ("the key of sessions", sessions, schema("DECIMAL(19,0)", "INT"), &["WindowAggregate", "id bigint", "id decimal(19,0)"]),
        ("what is added up in sessions", sessions, schema("BIGINT", "DOUBLE"), &["WindowAggregate", "sum decimal(38,0)", "sum double"]),
        ("the key of windows", windows, schema("STRING", "INT"), &["WindowAggregate", "id bigint", "id string"]),
        ("the greatest value of windows", windows, schema("BIGINT", "BIGINT"), &["WindowAggregate", "max int", "max bigint"]),
        ("the key of groups", groups, schema("STRING", "INT"), &["FlatMapGroups", "id bigint", "id string"]),
    ];
    for (what, program, after, named) in cases {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let start = async |schema: &str| {
            let session = Session::builder().parallelism(2).build()?;
            let rows = program(&read(&session, root, schema)?);
            let sink = StreamSink::delta_append(root.join("table").display().to_string()).named("rows");
            let query = session.streaming_query("types").checkpoint_location(root.join("checkpoint")).trigger(Trigger::available_now());
            query.add(&rows, sink).start().await
        };
        put(root, "1.json", &["{\"id\":1,\"t\":\"2026-01-01T00:00:00Z\",\"v\":5}\n"]);
        start(&before).await.unwrap().await_termination().await.unwrap();
        let error = start(&after).await.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Analysis, "{what}: {error}");
        for name in named {
            assert!(error.message().contains(name), "{what}: {error} names {name}");
        }
        // The refused start has changed nothing.
        start(&before).await.unwrap().await_termination().await.unwrap();
    }
}
