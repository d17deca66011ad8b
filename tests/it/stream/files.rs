//! Files as a stream into a Delta table, by the available-now trigger.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use tidemill::{ErrorKind, Session, StreamSink, Trigger};

use crate::int96;

fn put(dir: &Path, name: &str, lines: &str) {
    let hidden = dir.join(format!(".{name}"));
    std::fs::write(&hidden, lines).unwrap();
    std::fs::rename(hidden, dir.join(name)).unwrap();
}

/// Starts a run; `meanwhile` happens when it has begun. Gives the input rows of its epochs.
async fn run(root: &Path, meanwhile: impl FnOnce()) -> Vec<u64> {
    run_format(root, "json", meanwhile).await
}

async fn run_format(root: &Path, format: &str, meanwhile: impl FnOnce()) -> Vec<u64> {
    let session = Session::builder().parallelism(2).build().unwrap();
    let reader = session.read_stream().name("numbers").format(format).schema("n BIGINT NOT NULL").unwrap();
    let numbers = reader.option("maxFilesPerTrigger", 2).load(&root.join("in").display().to_string()).unwrap();
    let query = session
        .streaming_query("numbers")
        .checkpoint_location(root.join("checkpoint"))
        .trigger(Trigger::available_now())
        .add(&numbers, StreamSink::delta_append(root.join("table").display().to_string()).named("numbers"))
        .with_dead_letters(&numbers, StreamSink::delta_append(root.join("dead").display().to_string()).named("dead"))
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
    let dead = dead.select(["line", "text"]).collect().await.unwrap();
    assert_eq!(super::story::rows_as_text(&dead), ["2 {\"n\": \"two\"}"]);
}

/// The bytes of a Parquet file with one column `n`, in row groups of so many rows.
fn parquet(n: ArrayRef, row_group: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([("n", n)]).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(row_group)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn longs(range: std::ops::Range<i64>, row_group: usize) -> Vec<u8> {
    parquet(Arc::new(Int64Array::from_iter_values(range)), row_group)
}

/// The same with the last row group's page written over.
fn damaged(mut file: Vec<u8>) -> Vec<u8> {
    let footer = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file.clone())).unwrap();
    let (start, _) = footer.metadata().row_groups().last().unwrap().column(0).byte_range();
    file[start as usize..start as usize + 24].fill(0xff);
    file
}

async fn dead_letters(root: &Path) -> Vec<String> {
    let session = Session::builder().build().unwrap();
    let dead = session.read().delta(&root.join("dead").display().to_string()).await.unwrap();
    let dead = dead.select(["file", "line", "text", "reason"]).collect().await.unwrap();
    let folder = format!("{}/", root.join("in").display());
    super::story::rows_as_text(&dead).into_iter().map(|row| row.replace(&folder, "")).collect()
}

#[tokio::test]
async fn parquet_files_that_cannot_be_read_are_dead_letters_and_the_stream_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    let put = |name: &[u8], bytes: Vec<u8>| {
        std::fs::write(input.join(".aside"), bytes).unwrap();
        std::fs::rename(input.join(".aside"), input.join(OsStr::from_bytes(name))).unwrap();
    };
    put(b"1.parquet", longs(1..3, 100));
    put(b"2.parquet", Vec::new());
    put(b"3.parquet", b"PAR1 and so on, but no more PAR1".to_vec());
    put(b"4.parquet", parquet(Arc::new(StringArray::from(vec!["4"])), 100));
    // Rows of it have been given when the damage shows: none may stay, and none be given again.
    put(b"5.parquet", damaged(longs(1000..61_000, 20_000)));
    put(b"6.parquet", longs(6..7, 100));
    put(b"\xff.parquet", longs(7..8, 100));
    let epochs = run_format(dir.path(), "parquet", || ()).await;
    assert_eq!(epochs.iter().sum::<u64>(), 3 + 5, "{epochs:?}");
    assert_eq!(numbers(dir.path()).await, ["1", "2", "6"]);
    let expected = [
        ("2.parquet", "the file is empty"),
        ("3.parquet", "cannot be read as Parquet"),
        ("4.parquet", "column `n` is Utf8"),
        ("5.parquet", "cannot be read as Parquet"),
        ("\\xFF.parquet", "not UTF-8"),
    ];
    let told = async || {
        let dead = dead_letters(dir.path()).await;
        assert_eq!(dead.len(), expected.len(), "{dead:#?}");
        for (row, (file, reason)) in dead.iter().zip(expected) {
            assert!(row.starts_with(&format!("{file} null null ")) && row.contains(reason), "{file}: {row}");
        }
    };
    told().await;
    // They are told once, and a file that gets another name is read under it.
    assert!(run_format(dir.path(), "parquet", || ()).await.is_empty());
    std::fs::rename(input.join(OsStr::from_bytes(b"\xff.parquet")), input.join("7.parquet")).unwrap();
    put(b"8.parquet", longs(8..9, 100));
    assert_eq!(run_format(dir.path(), "parquet", || ()).await, [2]);
    assert_eq!(numbers(dir.path()).await, ["1", "2", "6", "7", "8"]);
    told().await;
}

#[tokio::test]
async fn a_name_that_is_not_utf8_is_a_dead_letter_of_the_stream_and_an_error_of_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    put(&input, "1.json", "{\"n\": 1}\n");
    std::fs::write(input.join(OsStr::from_bytes(b"2\xe9.json")), "{\"n\": 2}\n").unwrap();
    assert_eq!(run(dir.path(), || ()).await, [2]);
    assert!(run(dir.path(), || ()).await.is_empty());
    assert_eq!(numbers(dir.path()).await, ["1"]);
    let dead = dead_letters(dir.path()).await;
    assert!(dead.len() == 1 && dead[0].starts_with("2\\xE9.json null null "), "{dead:?}");

    let session = Session::builder().build().unwrap();
    let folder = input.display().to_string();
    let with_columns = || session.read().schema("n BIGINT").unwrap();
    for (what, read) in [
        ("json", with_columns().json(&folder).await),
        ("json without a schema", session.read().json(&folder).await),
        ("parquet", with_columns().parquet(&folder).await),
        ("csv", with_columns().csv(&folder).await),
    ] {
        let error = read.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Data, "{what}: {error}");
        assert!(error.message().contains("2\\xE9.json") && error.message().contains("UTF-8"), "{what}: {error}");
    }
}

#[tokio::test]
async fn int96_in_a_streams_files_is_a_timestamp_of_any_year() {
    let dir = tempfile::tempdir().unwrap();
    let (input, table) = (dir.path().join("in"), dir.path().join("table").display().to_string());
    std::fs::create_dir(&input).unwrap();
    int96::write(&input.join("spark.parquet"));
    let session = Session::builder().parallelism(2).build().unwrap();
    let reader = session.read_stream().name("events").format("parquet").arrow_schema(int96::schema());
    let events = reader.load(&input.display().to_string()).unwrap();
    let query = session
        .streaming_query("events")
        .checkpoint_location(dir.path().join("checkpoint"))
        .trigger(Trigger::available_now())
        .add(&events, StreamSink::delta_append(&table))
        .start()
        .await
        .unwrap();
    query.await_termination().await.unwrap();
    let rows = session.read().delta(&table).await.unwrap().order_by(["id"]);
    int96::assert_times(&rows.collect().await.unwrap(), &[0, 1, 2, 3, 4]);
}
