//! Queries with several sinks, and sinks that cannot stage.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use expect_test::expect;
use futures::FutureExt;
use tidemill::functions::col;
use tidemill::{DataFrame, Error, Result, Session, StreamSink, StreamingQuery};
use tidemill_planner::logical::{GroupFunction, GroupOutput, GroupRows, GroupState};
use tidemill_streaming::sink::MemoryTable;
use tidemill_streaming::source::MemoryStream;

use super::operators::running;
use super::story::{Event, batch_of, event_schema, play, rows_as_text};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// A group function that counts its calls.
#[derive(Debug)]
struct Counted(Arc<dyn GroupFunction>);

impl GroupFunction for Counted {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn output_schema(&self) -> &arrow::datatypes::SchemaRef {
        self.0.output_schema()
    }

    fn state_schema(&self) -> &arrow::datatypes::SchemaRef {
        self.0.state_schema()
    }

    fn call(&self, key: &[tidemill::Value], rows: &GroupRows<'_>, state: &mut GroupState, output: &mut GroupOutput) -> Result<()> {
        CALLS.fetch_add(1, Ordering::SeqCst);
        self.0.call(key, rows, state, output)
    }
}

fn four_sinks_of_two_operators(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let unique = events.with_watermark("t", "10 minutes").drop_duplicates(["id", "t"]);
    let totals = unique.group_by(["user"]).flat_map_groups_with_state(Arc::new(Counted(running("running"))));
    Ok(vec![
        ("few", totals.filter(col("total").lt(10))),
        ("many", totals.filter(col("total").geq(10)).select(["user"])),
        ("unique", unique.select(["id"])),
        ("late", unique.late_rows().select(["id"])),
    ])
}

#[tokio::test]
async fn an_operator_that_several_sinks_read_is_executed_once() {
    let script = "
        + ann:a@1=4 ann:b@2=5 bob:c@3=1
        + ann:a@1=4 ann:d@40=5 bob:e@41=2
        restart 4
        + ann:f@2=1 bob:e@41=2 bob:g@42=1
    ";
    let transcript = play(four_sinks_of_two_operators, script).await;
    expect![[r#"
        > + ann:a@1=4 ann:b@2=5 bob:c@3=1
          epoch 0: 3 rows, watermark none; Dedup 3; FlatMapGroups 2
          epoch 1: 0 rows, watermark 1969-12-31T23:53:00.000Z; Dedup 3; FlatMapGroups 2
          few[0]: ann 2 9
          few[0]: bob 1 1
          unique[0]: a
          unique[0]: b
          unique[0]: c
        > + ann:a@1=4 ann:d@40=5 bob:e@41=2
          epoch 2: 3 rows, watermark 1969-12-31T23:53:00.000Z; Dedup 5 (1 copies); FlatMapGroups 2
          epoch 3: 0 rows, watermark 00:31; Dedup 2; FlatMapGroups 2
          few[2]: bob 2 3
          many[2]: ann
          unique[2]: d
          unique[2]: e
        > restart 4
        > + ann:f@2=1 bob:e@41=2 bob:g@42=1
          epoch 4: 3 rows, watermark 00:31; Dedup 3 (1 late) (1 copies); FlatMapGroups 2
          epoch 5: 0 rows, watermark 00:32; Dedup 3; FlatMapGroups 2
          few[4]: bob 3 4
          unique[4]: g
          late[4]: f
    "#]]
    .assert_eq(&transcript);
    // Two keys in each of the first two epochs, bob alone in the last one with rows; epochs without data call nothing.
    assert_eq!(CALLS.load(Ordering::SeqCst), 5);
}

/// What a function was called with: the epoch and its rows.
type Calls = Arc<Mutex<Vec<(u64, Vec<String>)>>>;

async fn hand_over(stream: &MemoryStream, checkpoint: &std::path::Path, calls: &Calls, fails_in: Option<u64>) -> StreamingQuery {
    let session = Session::builder().parallelism(2).build().unwrap();
    let events = session.stream(Arc::new(stream.clone())).unwrap();
    let unique = events.drop_duplicates(["id"]).select(["user", "id"]);
    let calls = Arc::clone(calls);
    let function = move |rows: Vec<RecordBatch>, epoch: u64| {
        let calls = Arc::clone(&calls);
        async move {
            calls.lock().unwrap().push((epoch, rows_as_text(&rows)));
            if fails_in == Some(epoch) { Err(Error::data("the other side is down")) } else { Ok(()) }
        }
        .boxed()
    };
    let writer = unique.write_stream().query_name("hand_over").for_each_batch(function);
    writer.option("checkpointLocation", checkpoint.display()).start().await.unwrap()
}

#[tokio::test]
async fn for_each_batch_sees_a_failed_epoch_again_with_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema());
    let event = |user: &str, id: &str| -> Event { (user.into(), id.into(), Some(0), 1) };
    let calls = Calls::default();
    let query = hand_over(&stream, dir.path(), &calls, Some(1)).await;
    stream.add(batch_of(&[event("ann", "a"), event("ann", "a")])).unwrap();
    query.process_all_available().await.unwrap();
    stream.add(batch_of(&[event("ann", "a"), event("bob", "b")])).unwrap();
    let error = query.await_termination().await.unwrap_err();
    assert!(error.message().contains("epoch 1") && error.message().contains("the other side is down"), "{error}");
    assert!(!query.is_active());
    // What arrives before the restart is left to the epoch after the promised one.
    stream.add(batch_of(&[event("bob", "b"), event("cid", "c")])).unwrap();
    for fails_in in [Some(1), None] {
        let query = hand_over(&stream, dir.path(), &calls, fails_in).await;
        match fails_in {
            Some(_) => drop(query.await_termination().await.unwrap_err()),
            None => {
                query.process_all_available().await.unwrap();
                query.stop().await.unwrap();
            }
        }
    }
    let rows = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>();
    let promised = (1, rows(&["bob b"]));
    let expected = [(0, rows(&["ann a"])), promised.clone(), promised.clone(), promised, (2, rows(&["cid c"]))];
    assert_eq!(*calls.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_query_is_planned_when_it_starts_and_never_again() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema());
    let session = Session::builder().parallelism(2).build().unwrap();
    let events = session.stream(Arc::new(stream.clone())).unwrap();
    let unique = MemoryTable::default();
    let query = session
        .streaming_query("planned_once")
        .checkpoint_location(dir.path().display().to_string())
        .add(&events.drop_duplicates(["id"]), StreamSink::memory("unique", &unique))
        .add(&events.filter(col("v").gt(1)), StreamSink::memory("large", &MemoryTable::default()))
        .start()
        .await
        .unwrap();
    assert_eq!(session.plans_made(), 2, "one for each sink");
    for id in ["a", "b", "c"] {
        stream.add(batch_of(&[("ann".into(), id.into(), Some(0), 1)])).unwrap();
        query.process_all_available().await.unwrap();
    }
    query.stop().await.unwrap();
    assert_eq!(unique.epochs().iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(session.plans_made(), 2);
}
