//! Epochs of many rows: those of an append are written by the tasks that make them, and nobody holds them; what a sink takes as a whole
//! has the limit that results have.

use std::path::Path;

use futures::FutureExt;
use serde_json::Value;
use tidemill::functions::{col, count, lit, sum};
use tidemill::{DataFrame, DataStreamWriter, ErrorKind, MemoryTable, Session, StreamSink, StreamingQuery, Trigger};
use tidemill_lakehouse::SinkOptions;
use tidemill_streaming::source::MemoryStream;

use super::operators::running;
use super::story::{Event, batch_of, event_schema, rows_as_text};

/// A stream of the numbers below `rows`, in as many files as two tasks write.
async fn numbers(session: &Session, root: &Path, rows: i64) -> DataFrame {
    let input = root.join("in").display().to_string();
    session.range(0, rows).await.unwrap().repartition(2).write().parquet(&input).await.unwrap();
    session.read_stream().schema("id BIGINT").unwrap().parquet(&input).unwrap()
}

/// Writes a stream to its end, in one epoch.
async fn to_the_end(writer: DataStreamWriter, root: &Path, name: &str) -> tidemill::Result<StreamingQuery> {
    let checkpoint = root.join(format!("checkpoint-{name}")).display().to_string();
    let query = writer.query_name(name).option("checkpointLocation", checkpoint).trigger(Trigger::available_now()).start().await?;
    query.await_termination().await?;
    Ok(query)
}

/// The number of rows of a table, and their sum.
async fn sums(session: &Session, table: &str) -> Value {
    let rows = session.read().delta(table).await.unwrap();
    rows.agg([count(lit(1)).alias("n"), sum(col("id")).alias("s")]).to_json_rows().await.unwrap().remove(0)
}

fn staged_files(table: &str) -> usize {
    std::fs::read_dir(Path::new(table).join("_tidemill_staged")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn an_epoch_larger_than_a_result_may_be_goes_into_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let builder = Session::builder().config("spark.driver.maxResultSize", "1m").config("tidemill.memoryBytes", "16MB");
    let session = builder.parallelism(2).build().unwrap();
    let n = 400_000;
    let stream = numbers(&session, root, n).await;
    let takes_all = |writer: DataStreamWriter| writer.for_each_batch(|_, _| async { Ok(()) }.boxed());
    for (name, writer) in
        [("function", takes_all(stream.write_stream())), ("memory", stream.write_stream().memory(&MemoryTable::default()))]
    {
        let error = to_the_end(writer, root, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resources, "{name}: {error}");
        assert!(error.message().contains("spark.driver.maxResultSize"), "{name}: {error}");
    }
    let table = root.join("table").display().to_string();
    let query = to_the_end(stream.write_stream().option("path", &table), root, "append").await.unwrap();
    assert_eq!(sums(&session, &table).await, serde_json::json!({ "n": n, "s": n * (n - 1) / 2 }));
    let history = session.table(&table).history().await.unwrap();
    assert_eq!(history[0].operation_metrics["numOutputRows"], n.to_string(), "one commit has all rows");
    let epochs = query.recent_progress();
    assert_eq!((epochs.len(), epochs[0].num_input_rows), (1, n as u64));
    assert!(epochs[0].tidemill.record_bytes < 100_000, "the record names files: it has {} bytes", epochs[0].tidemill.record_bytes);
    assert_eq!(staged_files(&table), 0);
}

#[tokio::test]
async fn the_record_holds_as_many_bytes_of_rows_as_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::builder().parallelism(2).build().unwrap();
    let n = 10_000;
    let stream = numbers(&session, dir.path(), n).await;
    let (rows_bytes, a_task_has) = (n as u64 * 8, n * 8 / 2);
    for (asked, in_record) in [(None, true), (Some(1_000_000), true), (Some(a_task_has / 2), false), (Some(1), false)] {
        let name = asked.map_or_else(|| "default".to_owned(), |bytes| format!("most-{bytes}"));
        let table = dir.path().join(&name).display().to_string();
        let mut writer = stream.write_stream().option("path", &table);
        if let Some(bytes) = asked {
            writer = writer.option("maxInlineBytes", bytes);
        }
        let query = to_the_end(writer, dir.path(), &name).await.unwrap();
        let record_bytes = query.recent_progress()[0].tidemill.record_bytes;
        assert_eq!(record_bytes > rows_bytes, in_record, "{name}: the record has {record_bytes} bytes");
        assert_eq!(sums(&session, &table).await, serde_json::json!({ "n": n, "s": n * (n - 1) / 2 }), "{name}");
        assert_eq!(staged_files(&table), 0, "{name}");
    }
    let table = dir.path().join("none").display().to_string();
    let error = to_the_end(stream.write_stream().option("path", &table).option("maxInlineBytes", "many"), dir.path(), "none").await;
    assert!(error.unwrap_err().message().contains("maxInlineBytes"));
}

#[tokio::test]
async fn an_operator_whose_rows_several_want_gives_all_of_them_to_each() {
    for inline_max_bytes in [SinkOptions::default().inline_max_bytes, 0] {
        let dir = tempfile::tempdir().unwrap();
        let stream = MemoryStream::new("events", event_schema());
        let session = Session::builder().parallelism(2).build().unwrap();
        let unique = session.stream(std::sync::Arc::new(stream.clone())).unwrap().drop_duplicates(["id"]);
        let totals = unique.group_by(["user"]).flat_map_groups_with_state(running("running"));
        let table = |name: &str| dir.path().join(name).display().to_string();
        let append = |name: &str| {
            StreamSink::delta_append(table(name)).named(name).with_options(SinkOptions { inline_max_bytes, ..SinkOptions::default() })
        };
        let seen = MemoryTable::default();
        let query = session
            .streaming_query("shared")
            .checkpoint_location(dir.path().join("checkpoint"))
            .add(&unique, append("one"))
            .add(&unique, append("two"))
            .add(&unique, StreamSink::memory("seen", &seen))
            .add(&totals, append("totals"));
        let explained = query.explain().await.unwrap();
        let roots: Vec<&str> = explained.lines().last().and_then(|line| line.strip_prefix("Roots: ")).unwrap().split(", ").collect();
        assert_eq!(roots.len(), 4, "{explained}");
        assert!((0..4).all(|at| roots.iter().filter(|root| **root == roots[at]).count() == 1), "each root has a stage: {explained}");
        let query = query.start().await.unwrap();
        let event = |user: &str, id: &str, v: i64| -> Event { (user.into(), id.into(), Some(1), v) };
        for events in [
            vec![event("ann", "a", 1), event("ann", "a", 1), event("bob", "b", 2)],
            vec![event("ann", "a", 1), event("ann", "c", 3), event("cid", "d", 4)],
        ] {
            stream.add(batch_of(&events)).unwrap();
            query.process_all_available().await.unwrap();
        }
        query.stop().await.unwrap();
        let expected = ["ann a 00:01 1", "ann c 00:01 3", "bob b 00:01 2", "cid d 00:01 4"];
        assert_eq!(rows_as_text(&seen.batches()), expected);
        let tables: [(&str, &[&str]); 3] =
            [("one", &expected), ("two", &expected), ("totals", &["ann 1 1", "ann 2 4", "bob 1 2", "cid 1 4"])];
        for (name, expected) in tables {
            let rows = session.read().delta(&table(name)).await.unwrap().collect().await.unwrap();
            assert_eq!(rows_as_text(&rows), expected, "{name}, {inline_max_bytes} bytes in the record");
            assert_eq!(staged_files(&table(name)), 0, "{name}");
        }
    }
}
