//! A program that was changed between two runs: state is never read as what it is not.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::scalar::ScalarValue;
use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{DataFrame, ErrorKind, GroupFn, Result, Session, StreamSink, Trigger};

fn read(session: &Session, root: &Path, schema: &str) -> Result<DataFrame> {
    session.read_stream().name("events").schema(schema)?.json(&root.join("in").display().to_string())
}

fn put(root: &Path, name: &str, lines: &[&str]) {
    std::fs::create_dir_all(root.join("in")).unwrap();
    std::fs::write(root.join("in").join(name), lines.concat()).unwrap();
}

fn dedup(events: &DataFrame) -> Result<DataFrame> {
    events.drop_duplicates(["id"])?.select([col("id").cast("string").alias("id")])
}

fn sessions(events: &DataFrame) -> Result<DataFrame> {
    let sessions = events.with_watermark("t", "1 minute")?.group_by([F::session_window(col("t"), "7 minutes"), col("id")]);
    sessions
        .agg([F::sum(col("v")).alias("v"), F::max(col("v")).alias("most")])?
        .select([col("id").cast("string").alias("id"), col("v").cast("string").alias("v")])
}

fn windows(events: &DataFrame) -> Result<DataFrame> {
    let windows = events.with_watermark("t", "1 minute")?.group_by([F::window(col("t"), "7 minutes"), col("id")]);
    windows.agg([F::max(col("v")).alias("v")])?.select([col("id").cast("string").alias("id"), col("v").cast("string").alias("v")])
}

/// Counts the rows of a key; the key's column is not looked at.
fn groups(events: &DataFrame) -> Result<DataFrame> {
    let fields = || Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    events.group_by(["id"]).flat_map_groups_with_state(GroupFn::new("count", fields(), fields(), |_, rows, state, output| {
        let before = match state.get() {
            Some([ScalarValue::Int64(Some(n))]) => *n,
            _ => 0,
        };
        let now = ScalarValue::from(before + rows.len() as i64);
        state.update(vec![now.clone()]);
        output.push(vec![now]);
        Ok(())
    }))
}

#[tokio::test]
async fn state_is_not_read_as_another_type() {
    type Program = fn(&DataFrame) -> Result<DataFrame>;
    let schema = |id: &str, v: &str| format!("id {id} NOT NULL, t TIMESTAMP, v {v}");
    let before = schema("BIGINT", "INT");
    let cases: [(&str, Program, String, &[&str]); 6] = [
        ("the key of a deduplication", dedup, schema("STRING", "INT"), &["Dedup", "id bigint", "id string"]),
        ("the key of sessions", sessions, schema("DECIMAL(19,0)", "INT"), &["WindowAggregate", "id bigint", "id decimal(19,0)"]),
        ("what is added up in sessions", sessions, schema("BIGINT", "DOUBLE"), &["WindowAggregate", "would be lost"]),
        ("the key of windows", windows, schema("STRING", "INT"), &["WindowAggregate", "id bigint", "id string"]),
        ("the greatest value of windows", windows, schema("BIGINT", "BIGINT"), &["WindowAggregate", "max int", "max bigint"]),
        ("the key of groups", groups, schema("STRING", "INT"), &["FlatMapGroups", "id bigint", "id string"]),
    ];
    for (what, program, after, named) in cases {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let start = async |schema: &str| {
            let session = Session::builder().parallelism(2).build()?;
            let rows = program(&read(&session, root, schema)?)?;
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
