//! Runs that ended in order leave nothing: a job that is run again and again keeps a checkpoint of one size.

use std::path::Path;
use std::sync::Arc;

use tidemill::{Session, StreamSink, Trigger};
use tidemill_streaming::source::MemoryStream;

use super::story::{batch_of, event_schema};

/// Runs the job over what has been added since its last run.
async fn run(root: &Path, stream: &MemoryStream) {
    let session = Session::builder().parallelism(1).build().unwrap();
    let events = session.stream(Arc::new(stream.clone())).unwrap();
    let unique = events.drop_duplicates(["id"]).select(["id"]);
    let query = session.streaming_query("job").checkpoint_location(root.join("checkpoint")).trigger(Trigger::available_now());
    let query = query.add(&unique, StreamSink::delta_append(root.join("table").display().to_string())).start().await.unwrap();
    query.await_termination().await.unwrap();
}

fn files(dir: &Path) -> usize {
    let below = |entry: std::fs::DirEntry| if entry.path().is_dir() { files(&entry.path()) } else { 1 };
    std::fs::read_dir(dir).unwrap().map(|entry| below(entry.unwrap())).sum()
}

#[tokio::test]
async fn a_job_of_many_runs_keeps_no_more_files_than_one_of_ten() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema());
    let mut after_ten = 0;
    for number in 0..50_u64 {
        // Every third run finds nothing, and most rows come twice.
        if number % 3 != 2 {
            for id in [number, number / 2] {
                stream.add(batch_of(&[("ann".into(), format!("id-{id}"), Some(1), 1)])).unwrap();
            }
        }
        run(dir.path(), &stream).await;
        let now = files(&dir.path().join("checkpoint"));
        // Ten runs with data, and the five between them without.
        if number < 15 {
            after_ten = after_ten.max(now);
        }
        assert!(number < 15 || now <= after_ten, "{now} files after run {number}, and at most {after_ten} after the first ten with data");
    }
    let session = Session::builder().parallelism(1).build().unwrap();
    let table = format!("delta.`{}`", dir.path().join("table").display());
    let sums = session.sql(&format!("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {table}")).await.unwrap();
    let sums = super::story::rows_as_text(&sums.collect().await.unwrap());
    // The numbers that were added, and their halves, each once.
    let added: std::collections::BTreeSet<u64> = (0..50).filter(|n| n % 3 != 2).flat_map(|n| [n, n / 2]).collect();
    assert_eq!(sums, [format!("{0} {0}", added.len())]);
}
