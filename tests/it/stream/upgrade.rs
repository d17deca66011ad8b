//! A checkpoint of an earlier release, whose windowed aggregations named themselves and kept state in another way: it is refused by
//! name, and nothing is changed.
//!
//! `data/release-0.1.0/` is such a folder, of the release whose commits did not name their query: epochs 0 and 1 are published, epoch 2
//! is recorded and published nowhere, since its publish failed; one table's outputs are staged as files; a deduplication and open
//! sessions are in state.

use std::path::Path;

use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{ErrorKind, Result, Session, StreamSink, StreamingQuery, Trigger};
use tidemill_lakehouse::SinkOptions;

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
async fn a_checkpoint_of_release_0_1_0_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stream/data/release-0.1.0"), dir.path());
    let log = || std::fs::read_dir(dir.path().join("checkpoint/log")).unwrap().count();
    let before = log();
    for _ in 0..2 {
        let error = start(dir.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Analysis);
        for part in ["earlier release, 0.1.0", "session_window-7228a80eb5a60cd0", "new checkpoint"] {
            assert!(error.message().contains(part), "{error}");
        }
        assert_eq!(log(), before, "the refused start has changed nothing");
    }
}
