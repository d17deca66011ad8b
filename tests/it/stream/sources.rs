//! One source in several queries, several sources in one query, and sources that come and go between runs.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::FutureExt;
use tidemill::functions::col;
use tidemill::{DataFrame, Error, MemoryTable, Result, Session, StreamSink, StreamingQuery, Trigger};
use tidemill_streaming::source::MemoryStream;

use super::story::{batch_of, event_schema, rows_as_text};

fn put(dir: &Path, name: &str, lines: &str) {
    let hidden = dir.join(format!(".{name}"));
    std::fs::write(&hidden, lines).unwrap();
    std::fs::rename(hidden, dir.join(name)).unwrap();
}

fn numbers(session: &Session, dir: &Path, glob: &str, name: Option<&str>) -> DataFrame {
    let reader = session.read_stream().format("json").schema("n BIGINT NOT NULL").unwrap().option("pathGlobFilter", glob);
    let reader = reader.option("maxFilesPerTrigger", 1);
    let reader = if let Some(name) = name { reader.name(name) } else { reader };
    reader.load(&dir.display().to_string()).unwrap()
}

#[tokio::test]
async fn every_query_over_a_dataframe_reads_it_whole() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    let session = Session::builder().parallelism(2).build().unwrap();
    let frame = numbers(&session, &input, "*", None);
    let tables: Vec<MemoryTable> = (0..3).map(|_| MemoryTable::default()).collect();
    let start = async |at: usize, trigger: Option<Trigger>| -> StreamingQuery {
        let query = session.streaming_query(format!("q{at}")).checkpoint_location(dir.path().join(format!("checkpoint{at}")));
        let query = if let Some(trigger) = trigger { query.trigger(trigger) } else { query };
        query.add(&frame, StreamSink::memory("rows", &tables[at])).start().await.unwrap()
    };
    let rows = |at: usize| rows_as_text(&tables[at].batches());
    put(&input, "1.json", "{\"n\": 1}\n");
    put(&input, "2.json", "{\"n\": 2}\n");
    let first = start(0, None).await;
    first.process_all_available().await.unwrap();
    let second = start(1, None).await;
    put(&input, "3.json", "{\"n\": 3}\n");
    // One that reads what is there and ends must not stop the others from looking.
    start(2, Some(Trigger::available_now())).await.await_termination().await.unwrap();
    put(&input, "4.json", "{\"n\": 4}\n");
    for query in [first, second] {
        query.process_all_available().await.unwrap();
        query.stop().await.unwrap();
    }
    assert_eq!((rows(0), rows(1), rows(2)), (texts(&["1", "2", "3", "4"]), texts(&["1", "2", "3", "4"]), texts(&["1", "2", "3"])));
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn two_sources_of_one_identity_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    std::fs::create_dir(&one).unwrap();
    std::fs::create_dir(&two).unwrap();
    let session = Session::builder().parallelism(2).build().unwrap();
    let refused = async |a: DataFrame, b: DataFrame| -> Result<StreamingQuery> {
        let query = session.streaming_query("q").checkpoint_location(dir.path().join("checkpoint"));
        query.add(&a.union(&b), StreamSink::memory("rows", &MemoryTable::default())).start().await
    };
    for (a, b) in [
        (numbers(&session, &one, "a*", None), numbers(&session, &one, "b*", None)),
        (numbers(&session, &one, "*", Some("events")), numbers(&session, &two, "*", Some("events"))),
    ] {
        let error = refused(a, b).await.unwrap_err();
        assert!(error.message().contains("a name of its own") && error.message().contains(&one.display().to_string()), "{error}");
    }
    let same = refused(numbers(&session, &one, "*", None), numbers(&session, &one, "*", None)).await.unwrap();
    same.stop().await.unwrap();
}

/// Starts a query that hands its rows over, from `sources`; in the epoch `fails_in` the other side is down.
async fn hand_over(root: &Path, sources: &[&MemoryStream], rows: &MemoryRows, fails_in: Option<u64>) -> StreamingQuery {
    let session = Session::builder().parallelism(2).build().unwrap();
    let frames = sources.iter().map(|s| session.stream(Arc::new(MemoryStream::clone(s))).unwrap().select([col("id")]));
    let all = frames.reduce(|a, b| a.union(&b)).unwrap();
    let rows = Arc::clone(rows);
    let function = move |batches: Vec<RecordBatch>, epoch: u64| {
        rows.lock().unwrap().push((epoch, rows_as_text(&batches)));
        let result = if fails_in == Some(epoch) { Err(Error::data("the other side is down")) } else { Ok(()) };
        async move { result }.boxed()
    };
    let query = session.streaming_query("hand_over").checkpoint_location(root);
    query.add(&all, StreamSink::for_each_batch("out", function)).start().await.unwrap()
}

type MemoryRows = Arc<std::sync::Mutex<Vec<(u64, Vec<String>)>>>;

#[tokio::test]
async fn a_promise_is_kept_though_a_source_came_in_front_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (MemoryStream::new("old", event_schema()), MemoryStream::new("a_new", event_schema()));
    let rows = MemoryRows::default();
    old.add(batch_of(&[("ann".into(), "promised".into(), Some(1), 1)])).unwrap();
    new.add(batch_of(&[("ann".into(), "new".into(), Some(1), 1)])).unwrap();
    let query = hand_over(dir.path(), &[&old], &rows, Some(0)).await;
    query.await_termination().await.unwrap_err();
    let query = hand_over(dir.path(), &[&new, &old], &rows, None).await;
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    let expected = [(0, texts(&["promised"])), (0, texts(&["promised"])), (1, texts(&["new"]))];
    assert_eq!(*rows.lock().unwrap(), expected);
}
