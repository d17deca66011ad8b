//! Tests of file slices: rows, order, malformed lines and their numbers, changed files.

use std::path::Path;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::TaskContext;
use datafusion::parquet::arrow::ArrowWriter;
use futures::TryStreamExt;
use tidemill_planner::seam::{Port, Slice, TaskReport, TaskScope};
use tidemill_planner::{ErrorKind, SourceId};

use super::super::{NameFilter, list_files};
use super::*;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]))
}

/// What one task gives and reports.
async fn task(slice: &FileSlice, partition: usize, partitions: usize) -> Result<(Vec<RecordBatch>, TaskReport)> {
    let scope = TaskScope::new(None);
    let config = datafusion::prelude::SessionConfig::new().with_extension(Arc::clone(&scope));
    let context = Arc::new(TaskContext::default().with_session_config(config));
    let batches = slice.execute(partition, partitions, &SourceId::new("events"), context)?.try_collect().await?;
    Ok((batches, scope.take_report()))
}

/// Ids in order, `(file, line, text, reason)` of malformed lines in order, and the rows counted, over all partitions.
async fn read(slice: &FileSlice, partitions: usize) -> Result<(Vec<i64>, Vec<(String, i64, String, String)>, u64)> {
    let (mut ids, mut malformed, mut rows) = (Vec::new(), Vec::new(), 0);
    for partition in 0..partitions {
        let (batches, mut report) = task(slice, partition, partitions).await?;
        for batch in batches {
            assert!(batch.num_rows() <= slice.batch_rows());
            ids.extend(batch.column(0).as_primitive::<Int64Type>().values());
        }
        for batch in report.side_rows.remove(&("events".to_owned(), Port::Malformed)).unwrap_or_default() {
            let text = |i: usize, row: usize| batch.column(i).as_string::<i32>().value(row).to_owned();
            for row in 0..batch.num_rows() {
                let line = batch.column(1).as_primitive::<Int64Type>().value(row);
                malformed.push((text(0, row), line, text(2, row), text(3, row)));
            }
        }
        rows += report.source_rows.get(&SourceId::new("events")).copied().unwrap_or(0);
    }
    Ok((ids, malformed, rows))
}

fn slice_of(dir: &Path, format: FileFormat) -> FileSlice {
    let mut files = list_files(dir, &NameFilter::default()).unwrap();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    FileSlice::new(dir, files, format, schema()).unwrap()
}

#[tokio::test]
async fn good_rows_come_in_order_and_malformed_ones_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "\u{feff}{\"id\":1}\r\n\r\n{\"id\":\"2\"}\r\n{\"id\":3,\"NAME\":\"x\"}").unwrap();
    std::fs::write(dir.path().join("b"), b"{\"name\":null}\n\xff\xfe\n{\"id\":4}\n").unwrap();
    std::fs::write(dir.path().join("c"), "").unwrap();
    let a = dir.path().join("a").display().to_string();
    let b = dir.path().join("b").display().to_string();
    for partitions in [1, 2, 5] {
        let (ids, malformed, rows) = read(&slice_of(dir.path(), FileFormat::Json), partitions).await.unwrap();
        assert_eq!(ids, [1, 3, 4]);
        assert_eq!(rows, 6);
        let expected = [
            (a.clone(), 3, "{\"id\":\"2\"}".to_owned(), "field `id`: the string \"2\" where bigint should stand".to_owned()),
            (b.clone(), 1, "{\"name\":null}".to_owned(), "field `id` is null or missing, and it is NOT NULL".to_owned()),
            (b.clone(), 2, "\u{fffd}\u{fffd}".to_owned(), "invalid UTF-8 at byte 1".to_owned()),
        ];
        assert_eq!(malformed, expected);
    }
}

#[tokio::test]
async fn a_big_file_is_read_by_several_tasks_and_lines_keep_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let mut expected_ids = Vec::new();
    let mut expected_lines = Vec::new();
    for i in 0..60_000i64 {
        if i % 10_007 == 10_000 {
            text.push_str(&format!("{{\"id\": broken {i}\n"));
            expected_lines.push(i + 1);
        } else {
            text.push_str(&format!("{{\"id\":{i},\"name\":\"{}\"}}\n", "n".repeat((i % 37) as usize)));
            expected_ids.push(i);
        }
    }
    std::fs::write(dir.path().join("one"), &text).unwrap();
    for partitions in [1, 2, 3, 7] {
        let slice = slice_of(dir.path(), FileFormat::Json).with_batch_rows(1000);
        let (ids, malformed, rows) = read(&slice, partitions).await.unwrap();
        assert_eq!(ids, expected_ids, "{partitions}");
        assert_eq!(malformed.iter().map(|m| m.1).collect::<Vec<_>>(), expected_lines, "{partitions}");
        assert_eq!(rows, 60_000);
        if partitions == 2 {
            let (second, _) = task(&slice, 1, 2).await.unwrap();
            assert!(!second.is_empty(), "the file is shared by both tasks");
        }
    }
}

#[tokio::test]
async fn changed_and_missing_files_are_named() {
    for (change, kind) in [("rewrite", ErrorKind::Data), ("remove", ErrorKind::NotFound)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events-7.json");
        std::fs::write(&path, "{\"id\":1}\n").unwrap();
        let slice = slice_of(dir.path(), FileFormat::Json);
        match change {
            "rewrite" => std::fs::write(&path, "{\"id\":1}\n{\"id\":2}\n").unwrap(),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        let error = read(&slice, 1).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains("events-7.json"), "{error}");
    }
}

fn write_parquet(path: &Path, batches: &[RecordBatch], row_group: usize) {
    let properties =
        datafusion::parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(row_group)).build();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batches[0].schema(), Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

#[tokio::test]
async fn parquet_columns_are_matched_by_name_and_row_groups_shared() {
    let dir = tempfile::tempdir().unwrap();
    let other = Arc::new(Schema::new(vec![
        Field::new("extra", DataType::Utf8, true),
        Field::new("Name", DataType::LargeUtf8, true),
        Field::new("ID", DataType::Int32, true),
    ]));
    let text = |n: usize| (0..n).map(|i| format!("{i:0>64}-{}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect::<Vec<_>>();
    let batch = RecordBatch::try_new(
        other,
        vec![
            Arc::new(StringArray::from_iter_values(text(40_000))),
            Arc::new(arrow::array::LargeStringArray::from_iter_values(text(40_000))),
            Arc::new(arrow::array::Int32Array::from_iter_values(0..40_000)),
        ],
    )
    .unwrap();
    write_parquet(&dir.path().join("a.parquet"), &[batch], 5_000);
    let only_id = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let batch = RecordBatch::try_new(only_id, vec![Arc::new(Int64Array::from_iter_values(40_000..40_010))]).unwrap();
    write_parquet(&dir.path().join("b.parquet"), &[batch], 100);
    for partitions in [1, 2, 3] {
        let slice = slice_of(dir.path(), FileFormat::Parquet);
        let (ids, malformed, rows) = read(&slice, partitions).await.unwrap();
        assert_eq!((ids, malformed, rows), ((0..40_010).collect(), vec![], 40_010), "{partitions}");
    }
    let (first, _) = task(&slice_of(dir.path(), FileFormat::Parquet), 0, 2).await.unwrap();
    let rows: usize = first.iter().map(RecordBatch::num_rows).sum();
    assert!((5_000..40_000).contains(&rows), "row groups are shared between tasks: {rows}");
}

#[tokio::test]
async fn parquet_files_that_do_not_fit_are_named() {
    let file_of = |field: Field, array: arrow::array::ArrayRef| {
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
        move |path: &Path| write_parquet(path, std::slice::from_ref(&batch), 100)
    };
    type Write = Box<dyn Fn(&Path)>;
    let cases: Vec<(Write, &str)> = vec![
        (Box::new(|path: &Path| std::fs::write(path, b"PAR1 no").unwrap()), "cannot be read as Parquet"),
        (Box::new(file_of(Field::new("id", DataType::Utf8, true), Arc::new(StringArray::from(vec!["1"])))), "column `id` is Utf8"),
        (Box::new(file_of(Field::new("name", DataType::Utf8, true), Arc::new(StringArray::from(vec!["1"])))), "has no column `id`"),
        (Box::new(file_of(Field::new("id", DataType::Int64, true), Arc::new(Int64Array::from(vec![None])))), "NOT NULL and has 1 nulls"),
    ];
    for (write, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("x.parquet"));
        let error = read(&slice_of(dir.path(), FileFormat::Parquet), 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.message().contains(expected) && error.message().contains("x.parquet"), "{error}");
    }
}
