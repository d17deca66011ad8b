//! Starts beside a run that is at work, and over tables that are gone.

use std::path::Path;
use std::sync::Arc;

use tidemill::{ErrorKind, Result, Session, StreamSink, StreamingQuery};
use tidemill_streaming::source::MemoryStream;
use tidemill_streaming::state::ImagePolicy;

use super::story::{batch_of, event_schema};

/// Batches that keep a run at work.
const BATCHES: u64 = 300;

async fn start(root: &Path, stream: &MemoryStream) -> Result<StreamingQuery> {
    let session = Session::builder().parallelism(1).build()?;
    let events = session.stream(Arc::new(stream.clone()))?.drop_duplicates(["id"])?.select(["user", "id"])?;
    session
        .streaming_query("busy")
        .checkpoint_location(root.join("checkpoint"))
        // Images and clean-up come often, so that a start sees a checkpoint that changes under it.
        .images(ImagePolicy { epochs: 2, ..ImagePolicy::default() })
        .add(&events, StreamSink::delta_append(root.join("table").display().to_string()).named("rows"))
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_beside_a_busy_run_takes_over_and_finds_nothing_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema()).with_max_batches_per_trigger(1);
    // An epoch per batch: enough to keep a run at work while others start.
    for id in 0..BATCHES {
        stream.add(batch_of(&[("ann".into(), format!("id-{id}"), Some(1), 1)])).unwrap();
    }
    let mut running = start(dir.path(), &stream).await.unwrap();
    let mut taken_from_busy = 0;
    for round in 0..12 {
        let next = match start(dir.path(), &stream).await {
            Ok(next) => next,
            // The run at work may be faster each time; whatever else a start says of this checkpoint is wrong.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fenced, "round {round}: {error}");
                continue;
            }
        };
        let lost = running.await_termination().await.expect_err("the run before has lost");
        let read = running.last_progress().map_or(0, |p| p.sources[0].end_offset.as_u64().unwrap_or(0));
        taken_from_busy += u64::from(read > 0 && read < BATCHES);
        assert!(matches!(lost.kind(), ErrorKind::Fenced | ErrorKind::Conflict), "round {round}: {lost}");
        running = next;
    }
    running.process_all_available().await.unwrap();
    running.stop().await.unwrap();
    assert!(taken_from_busy > 0, "a run that was at work has lost to one that started");
    // All runs together have written each row once.
    let session = Session::builder().build().unwrap();
    let table = format!("delta.`{}`", dir.path().join("table").display());
    let doubled = session.sql(&format!("SELECT id FROM {table} GROUP BY id HAVING count(*) > 1")).await.unwrap();
    assert_eq!(doubled.count().await.unwrap(), 0);
    let rows = session.sql(&format!("SELECT id FROM {table}")).await.unwrap().count().await.unwrap();
    assert_eq!(rows, BATCHES, "every batch is in the table");
}

#[tokio::test]
async fn a_table_that_is_gone_is_told_and_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema());
    stream.add(batch_of(&[("ann".into(), "a".into(), Some(1), 1)])).unwrap();
    let query = start(dir.path(), &stream).await.unwrap();
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    let (table, aside) = (dir.path().join("table"), dir.path().join("aside"));
    std::fs::rename(&table, &aside).unwrap();
    let error = start(dir.path(), &stream).await.unwrap_err();
    assert!(error.message().contains("is gone") && error.message().contains("abandon"), "{error}");
    assert!(!table.exists(), "a start that is refused makes no table");
    std::fs::rename(&aside, &table).unwrap();
    start(dir.path(), &stream).await.unwrap().stop().await.unwrap();
}
