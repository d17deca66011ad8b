//! Checkpoints and tables that an earlier release left behind go on: what it recorded is published once, and its state is known.
//!
//! `data/release-0.1.0/` is such a folder, of the release whose commits did not name their query: epochs 0 and 1 are published, epoch 2
//! is recorded and published nowhere, since its publish failed; one table's outputs are staged as files; a deduplication and open
//! sessions are in state.

use std::path::Path;

use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{Result, Session, StreamSink, StreamingQuery, Trigger};
use tidemill_lakehouse::SinkOptions;

use super::story::rows_as_text;

/// The program that made the folder, over the folder at `root`.
async fn start(root: &Path) -> Result<StreamingQuery> {
    let path = |name: &str| root.join(name).display().to_string();
    let session = Session::builder().parallelism(2).build()?;
    let events = session
        .read_stream()
        .name("events")
        .schema("user STRING, id STRING NOT NULL, t TIMESTAMP, v BIGINT")?
        .option("maxFilesPerTrigger", 1)
        .json(&path("in"))?;
    let unique = events.with_watermark("t", "10 minutes").drop_duplicates(["id", "t"]);
    let sessions = unique
        .group_by([F::session_window(col("t"), "7 minutes"), col("user")])
        .agg([F::count("*").alias("n"), F::sum(col("v")).alias("v")])
        .select([col("user"), col("session_window.start").alias("start"), col("n"), col("v")]);
    let staged = SinkOptions { inline_max_bytes: 0, ..SinkOptions::default() };
    session
        .streaming_query("upgrade")
        .checkpoint_location(path("checkpoint"))
        .trigger(Trigger::available_now())
        .add(&unique, StreamSink::delta_append(path("unique")).with_options(staged))
        .add(&unique.select(["id"]), StreamSink::delta_append(path("ids")))
        .add(&sessions, StreamSink::delta_merge(path("sessions"), ["user", "start"]))
        .start()
        .await
}

/// Runs the program over what there is to read.
async fn run(root: &Path) {
    start(root).await.unwrap().await_termination().await.unwrap();
}

async fn rows(root: &Path, table: &str, columns: &[&str]) -> Vec<String> {
    let session = Session::builder().parallelism(1).build().unwrap();
    let table = session.read().delta(&root.join(table).display().to_string()).await.unwrap();
    rows_as_text(&table.select(columns.iter().copied()).collect().await.unwrap())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test]
async fn a_checkpoint_of_release_0_1_0_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stream/data/release-0.1.0"), dir.path());
    let all = ["a", "b", "c", "d", "e", "f"];
    let ended = ["ann 1 1", "ann 1 3", "bob 1 2", "bob 1 4"];
    for round in ["at first", "again, with nothing to do"] {
        run(dir.path()).await;
        assert_eq!(rows(dir.path(), "ids", &["id"]).await, all, "{round}");
        assert_eq!(rows(dir.path(), "unique", &["id"]).await, all, "{round}");
        assert_eq!(rows(dir.path(), "sessions", &["user", "n", "v"]).await, ended, "{round}");
    }
    // A copy of an event of epoch 2, one that joins ann's open session, and one that ends all of them.
    let lines = [("bob", "f", "00:56", 6), ("ann", "g", "00:59", 7), ("cid", "h", "05:00", 8)];
    let line = |(user, id, time, v): (&str, &str, &str, i64)| {
        format!("{{\"user\":\"{user}\",\"id\":\"{id}\",\"t\":\"2026-01-01T{time}:00Z\",\"v\":{v}}}\n")
    };
    std::fs::write(dir.path().join("in/4.json"), lines.map(line).concat()).unwrap();
    run(dir.path()).await;
    for table in ["ids", "unique"] {
        assert_eq!(rows(dir.path(), table, &["id"]).await, ["a", "b", "c", "d", "e", "f", "g", "h"], "{table}");
    }
    let sessions = rows(dir.path(), "sessions", &["user", "n", "v"]).await;
    assert_eq!(sessions, ["ann 1 1", "ann 1 3", "ann 2 12", "bob 1 2", "bob 1 4", "bob 1 6"]);
    // All that was staged has been used up.
    assert_eq!(std::fs::read_dir(dir.path().join("unique/_tidemill_staged")).unwrap().count(), 0);
}
