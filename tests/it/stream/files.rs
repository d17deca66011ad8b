//! Files as a stream into a Delta table, by the available-now trigger.

use std::path::Path;

use tidemill::{Session, StreamSink, Trigger};

fn put(dir: &Path, name: &str, lines: &str) {
    let hidden = dir.join(format!(".{name}"));
    std::fs::write(&hidden, lines).unwrap();
    std::fs::rename(hidden, dir.join(name)).unwrap();
}

/// Starts a run; `meanwhile` happens when it has begun. Gives the input rows of its epochs.
async fn run(root: &Path, meanwhile: impl FnOnce()) -> Vec<u64> {
    let session = Session::builder().parallelism(2).build().unwrap();
    let reader = session.read_stream().name("numbers").format("json").schema("n BIGINT NOT NULL").unwrap();
    let numbers = reader.option("maxFilesPerTrigger", 2).load(&root.join("in").display().to_string()).unwrap();
    let query = session
        .streaming_query("numbers")
        .checkpoint_location(root.join("checkpoint"))
        .trigger(Trigger::available_now())
        .add(&numbers, StreamSink::delta_append(root.join("table").display().to_string()).named("numbers"))
        .with_dead_letters(&numbers, StreamSink::delta_append(root.join("dead").display().to_string()).named("dead"))
        .unwrap()
        .start()
        .await
        .unwrap();
    meanwhile();
    query.await_termination().await.unwrap();
    query.recent_progress().iter().map(|p| p.num_input_rows).collect()
}

async fn numbers(root: &Path) -> Vec<String> {
    let session = Session::builder().build().unwrap();
    let rows = session.read().delta(&root.join("table").display().to_string()).await.unwrap();
    super::story::rows_as_text(&rows.collect().await.unwrap())
}

#[tokio::test]
async fn available_now_reads_what_was_there_in_epochs_of_two_files() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    for (name, lines) in [
        ("1.json", "{\"n\": 1}\n"),
        ("2.json", "{\"n\": 2}\n{\"n\": \"two\"}\n"),
        ("3.json", "{\"n\": 3}\n{\"n\": 4}\n"),
        ("4.json", ""),
        ("5.json", "{\"n\": 5}"),
        ("_hidden.json", "{\"n\": 99}\n"),
    ] {
        put(&input, name, lines);
    }
    let epochs = run(dir.path(), || put(&input, "6.json", "{\"n\": 6}\n")).await;
    assert_eq!(epochs.len(), 3, "{epochs:?}");
    assert_eq!(numbers(dir.path()).await, ["1", "2", "3", "4", "5"]);
    // The next run takes up what came too late for the first, and a third has nothing to do.
    assert_eq!(run(dir.path(), || ()).await, [1]);
    assert!(run(dir.path(), || ()).await.is_empty());
    assert_eq!(numbers(dir.path()).await, ["1", "2", "3", "4", "5", "6"]);
    // However often it finds nothing, it leaves nothing behind.
    let entries = || std::fs::read_dir(dir.path().join("checkpoint/log")).unwrap().count();
    let before = entries();
    for _ in 0..5 {
        assert!(run(dir.path(), || ()).await.is_empty());
    }
    assert!(entries() <= before + 2, "{} entries, and there were {before}", entries());
    put(&input, "7.json", "{\"n\": 7}\n");
    assert_eq!(run(dir.path(), || ()).await, [1]);
    let session = Session::builder().build().unwrap();
    let dead = session.read().delta(&dir.path().join("dead").display().to_string()).await.unwrap();
    let dead = dead.select(["line", "text"]).unwrap().collect().await.unwrap();
    assert_eq!(super::story::rows_as_text(&dead), ["2 {\"n\": \"two\"}"]);
}
