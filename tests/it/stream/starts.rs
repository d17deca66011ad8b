//! Starts beside a run that is at work, and over tables that are gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill::{ErrorKind, Result, Session, StreamSink, StreamingQuery};
use tidemill_lakehouse::{DeltaAppendSink, SinkOptions};
use tidemill_planner::seam::{Capability, Publish, PublishedEpochs, Receipt, Sink, SinkQuery, SinkRun, SinkTarget};
use tidemill_streaming::source::MemoryStream;
use tidemill_streaming::state::ImagePolicy;
use tokio::sync::Notify;

use super::story::{batch_of, event_schema};

/// Batches that keep a run at work.
const BATCHES: u64 = 300;

async fn start(root: &Path, stream: &MemoryStream) -> Result<StreamingQuery> {
    let session = Session::builder().parallelism(1).build()?;
    let events = session.stream(Arc::new(stream.clone()))?.drop_duplicates(["id"]).select(["user", "id"]);
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

/// A point that a test holds others at: they say that they are there, and wait.
#[derive(Debug, Default)]
struct Gate {
    armed: AtomicBool,
    reached: Notify,
    opened: Notify,
}

impl Gate {
    fn armed() -> Arc<Self> {
        Arc::new(Self { armed: AtomicBool::new(true), ..Self::default() })
    }

    /// Holds the first one that comes here.
    async fn pass(&self) {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.reached.notify_one();
            self.opened.notified().await;
        }
    }
}

/// An append sink that can be held before it discards and before it publishes.
#[derive(Debug)]
struct Held {
    inner: DeltaAppendSink,
    discard: Arc<Gate>,
    publish: Arc<Gate>,
}

#[async_trait]
impl Sink for Held {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn description(&self) -> String {
        self.inner.description()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn open(&self, schema: SchemaRef) -> Result<SinkTarget> {
        self.inner.open(schema).await
    }

    async fn stage(&self, run: &SinkRun, epoch: u64, partition: usize, rows: Vec<RecordBatch>) -> Result<Receipt> {
        self.inner.stage(run, epoch, partition, rows).await
    }

    async fn publish(&self, query: &SinkQuery, epoch: u64, target: &SinkTarget, receipts: &[Receipt]) -> Result<Publish> {
        self.publish.pass().await;
        self.inner.publish(query, epoch, target, receipts).await
    }

    async fn published(&self, query: &SinkQuery) -> Result<PublishedEpochs> {
        self.inner.published(query).await
    }

    async fn settle(&self, query: &SinkQuery, epoch: u64) -> Result<()> {
        self.inner.settle(query, epoch).await
    }

    async fn discard(&self, run: &SinkRun, from_epoch: u64) -> Result<()> {
        self.discard.pass().await;
        self.inner.discard(run, from_epoch).await
    }
}

async fn start_held(root: PathBuf, stream: MemoryStream, discard: Arc<Gate>, publish: Arc<Gate>) -> Result<StreamingQuery> {
    let session = Session::builder().parallelism(1).build()?;
    let events = session.stream(Arc::new(stream))?.select(["user", "id"]);
    // Everything is staged as files.
    let options = SinkOptions { inline_max_bytes: 0, ..SinkOptions::default() };
    let inner = DeltaAppendSink::new(Some("rows".into()), root.join("table").display().to_string(), options);
    let query = session.streaming_query("race").checkpoint_location(root.join("checkpoint"));
    query.add(&events, StreamSink::ready(Arc::new(Held { inner, discard, publish }))).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_has_lost_removes_nothing_of_the_winner() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema());
    stream.add(batch_of(&[("ann".into(), "a".into(), Some(1), 1), ("bob".into(), "b".into(), Some(2), 1)])).unwrap();
    let start = |discard: &Arc<Gate>, publish: &Arc<Gate>| {
        tokio::spawn(start_held(dir.path().to_path_buf(), stream.clone(), Arc::clone(discard), Arc::clone(publish)))
    };
    let open = Arc::new(Gate::default());
    // The slower start has taken the query over, and stands still before it removes what was staged before it.
    let before_discard = Gate::armed();
    let loser = start(&before_discard, &open);
    before_discard.reached.notified().await;
    // The faster one takes it over in turn, and has recorded epoch 0 with staged files when it is held in turn.
    let before_publish = Gate::armed();
    let winner = start(&open, &before_publish).await.unwrap().unwrap();
    before_publish.reached.notified().await;
    before_discard.opened.notify_one();
    // A start that does not know that it has lost finds out at its first entry.
    let loser = loser.await.unwrap().unwrap();
    before_publish.opened.notify_one();
    winner.process_all_available().await.unwrap();
    assert_eq!(loser.await_termination().await.unwrap_err().kind(), ErrorKind::Fenced);
    winner.stop().await.unwrap();
    let session = Session::builder().build().unwrap();
    let rows = session.read().delta(&dir.path().join("table").display().to_string()).await.unwrap();
    assert_eq!(rows.count().await.unwrap(), 2, "no row is lost, none doubled");
}
