//! Two queries into one table: each publishes its own epochs, whatever the other has published. And one query whose checkpoint is
//! gone: it is told, and doubles nothing.

use std::path::Path;
use std::sync::Arc;

use tidemill::{ErrorKind, Result, Session, StreamingQuery};
use tidemill_streaming::source::MemoryStream;

use super::story::{batch_of, event_schema, rows_as_text};

/// As in Spark: no name for the query, none for its sink.
async fn append(root: &Path, stream: &MemoryStream, checkpoint: &str) -> Result<StreamingQuery> {
    let session = Session::builder().parallelism(1).build()?;
    let ids = session.stream(Arc::new(stream.clone()))?.select(["id"]);
    let table = root.join("table").display().to_string();
    ids.write_stream().option("checkpointLocation", root.join(checkpoint).display()).to_table(&table).await
}

fn add(stream: &MemoryStream, id: &str) {
    stream.add(batch_of(&[("ann".into(), id.into(), Some(1), 1)])).unwrap();
}

async fn rows(root: &Path) -> Vec<String> {
    let session = Session::builder().parallelism(1).build().unwrap();
    let table = session.read().delta(&root.join("table").display().to_string()).await.unwrap();
    rows_as_text(&table.collect().await.unwrap())
}

#[tokio::test]
async fn each_of_two_queries_publishes_all_its_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let streams = ["one", "two"].map(|name| (name, MemoryStream::new(name, event_schema())));
    let mut expected = Vec::new();
    let mut running: Vec<StreamingQuery> = Vec::new();
    for (name, stream) in &streams {
        running.push(append(dir.path(), stream, name).await.unwrap());
    }
    for round in 0..3 {
        // The first query is two epochs ahead of the second one, and its epochs have the same numbers.
        for ((name, stream), query) in streams.iter().zip(&running) {
            for part in 0..if *name == "one" && round == 0 { 3 } else { 1 } {
                let id = format!("{name}-{round}-{part}");
                add(stream, &id);
                expected.push(id);
                query.process_all_available().await.unwrap_or_else(|e| panic!("{name}, round {round}: {e}"));
            }
        }
        for ((name, stream), query) in streams.iter().zip(&mut running) {
            query.stop().await.unwrap();
            *query = append(dir.path(), stream, name).await.unwrap_or_else(|e| panic!("{name}, round {round}: {e}"));
        }
    }
    for query in running {
        query.stop().await.unwrap();
    }
    expected.sort_unstable();
    assert_eq!(rows(dir.path()).await, expected);
}

#[tokio::test]
async fn a_query_whose_checkpoint_is_gone_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let stream = MemoryStream::new("events", event_schema());
    add(&stream, "a");
    let query = append(dir.path(), &stream, "checkpoint").await.unwrap();
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    let aside = dir.path().join("aside");
    std::fs::rename(dir.path().join("checkpoint"), &aside).unwrap();
    // Told again and again: a start that was refused has not changed what the next one finds.
    for _ in 0..2 {
        let error = append(dir.path(), &stream, "checkpoint").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Analysis, "{error}");
        assert!(error.message().contains("deleted or replaced") && error.message().contains("name"), "{error}");
        assert_eq!(rows(dir.path()).await, ["a"]);
    }
    // The way out that the message names.
    std::fs::remove_dir_all(dir.path().join("checkpoint")).unwrap();
    std::fs::rename(&aside, dir.path().join("checkpoint")).unwrap();
    add(&stream, "b");
    let query = append(dir.path(), &stream, "checkpoint").await.unwrap();
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    assert_eq!(rows(dir.path()).await, ["a", "b"]);
}
