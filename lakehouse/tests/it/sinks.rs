//! Sinks keep the contract of `seam::Sink`: invisible until published, published once, refused before the record.

use std::fs;
use std::sync::Arc;

use arrow::array::RecordBatch;
use tidemill_lakehouse::{DeltaAppendSink, DeltaMergeSink, DeltaTable, SinkOptions, TableOptions};
use tidemill_planner::ErrorKind;
use tidemill_planner::seam::{Intake, Publish, Receipt, Sink, SinkRun, SinkTarget};

use crate::helpers::{Place, Row, content, fast, rows, run, schema, the_query};

fn small() -> SinkOptions {
    SinkOptions { table: fast(), ..SinkOptions::default() }
}

/// Everything goes through files.
fn large() -> SinkOptions {
    SinkOptions { inline_max_bytes: 0, ..small() }
}

fn append_sink(place: &Place, name: Option<&str>, options: SinkOptions) -> Arc<dyn Sink> {
    Arc::new(DeltaAppendSink::new(name.map(str::to_owned), place.path(), options))
}

fn merge_sink(place: &Place, options: SinkOptions) -> Arc<dyn Sink> {
    Arc::new(DeltaMergeSink::new(Some("sessions".into()), place.path(), vec!["userId".into()], None, options))
}

/// The run after that.
fn later() -> SinkRun {
    SinkRun { place: 7, ..run() }
}

async fn stage(sink: &Arc<dyn Sink>, epoch: u64, parts: &[&[Row<'_>]]) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for (partition, part) in parts.iter().enumerate() {
        receipts.push(sink.stage(&run(), epoch, partition, vec![rows(part)]).await.unwrap());
    }
    receipts
}

/// A receipt as it comes back from a record.
fn recorded(receipts: &[Receipt]) -> Vec<Receipt> {
    let again = |r: &Receipt| Receipt { inline: r.inline.clone(), ..serde_json::from_str(&serde_json::to_string(r).unwrap()).unwrap() };
    receipts.iter().map(again).collect()
}

fn staged_files(place: &Place) -> usize {
    fs::read_dir(std::path::Path::new(&place.path()).join("_tidemill_staged")).map_or(0, Iterator::count)
}

async fn table(place: &Place) -> DeltaTable {
    place.open().await
}

#[tokio::test]
async fn an_epoch_is_published_once_inline_or_staged() {
    for options in [small(), large()] {
        for merge in [false, true] {
            let place = Place::new();
            let make = || if merge { merge_sink(&place, options.clone()) } else { append_sink(&place, Some("alerts"), options.clone()) };
            let sink = make();
            let target = sink.open(schema()).await.unwrap();
            assert_eq!(sink.published(&the_query()).await.unwrap().by_query, None);
            let receipts = recorded(&stage(&sink, 3, &[&[("a", 1, 0.0)], &[], &[("b", 2, 0.0), ("c", 3, 0.0)]]).await);
            assert!(content(&table(&place).await).await.is_empty(), "staged is not visible");
            assert_eq!(sink.publish(&the_query(), 3, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: 0 });
            // In this process, and in one that knows only the record.
            assert_eq!(sink.publish(&the_query(), 3, &target, &receipts).await.unwrap(), Publish::AlreadyPublished);
            let other = make();
            assert_eq!(other.open(schema()).await.unwrap(), target);
            assert_eq!(other.publish(&the_query(), 3, &target, &receipts).await.unwrap(), Publish::AlreadyPublished);
            assert_eq!(other.published(&the_query()).await.unwrap().by_query, Some(3));
            other.settle(&the_query(), 3).await.unwrap();
            assert_eq!(staged_files(&place), 0);
            assert_eq!(content(&table(&place).await).await, ["a 1 0", "b 2 0", "c 3 0"]);
        }
    }
}

#[tokio::test]
async fn what_an_unrecorded_epoch_staged_is_removed() {
    for merge in [false, true] {
        let place = Place::new();
        let sink = if merge { merge_sink(&place, large()) } else { append_sink(&place, Some("alerts"), large()) };
        let target = sink.open(schema()).await.unwrap();
        let first = stage(&sink, 1, &[&[("a", 1, 0.0)]]).await;
        stage(&sink, 2, &[&[("b", 1, 0.0)], &[("c", 1, 0.0)]]).await;
        assert_eq!(staged_files(&place), 3);
        sink.discard(&later(), 2).await.unwrap();
        assert_eq!(staged_files(&place), 1, "the other epoch's file stays");
        sink.publish(&the_query(), 1, &target, &first).await.unwrap();
        // Epoch 2 is cut anew, with other rows.
        let again = stage(&sink, 2, &[&[("b", 7, 0.0)]]).await;
        sink.publish(&the_query(), 2, &target, &again).await.unwrap();
        sink.settle(&the_query(), 2).await.unwrap();
        assert_eq!(content(&table(&place).await).await, ["a 1 0", "b 7 0"]);
        assert_eq!(staged_files(&place), 0);
    }
}

#[tokio::test]
async fn a_publish_that_was_cut_off_is_done_again() {
    let place = Place::new();
    let sink = append_sink(&place, Some("alerts"), large());
    let target = sink.open(schema()).await.unwrap();
    let receipts = stage(&sink, 1, &[&[("a", 1, 0.0)], &[("b", 1, 0.0)]]).await;
    sink.publish(&the_query(), 1, &target, &receipts).await.unwrap();
    // As after a crash between moving the files and the commit: files in place, no entry in the log.
    fs::remove_file(place.log_entry(1)).unwrap();
    let again = append_sink(&place, Some("alerts"), large());
    again.open(schema()).await.unwrap();
    assert_eq!(again.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: 0 });
    assert_eq!(content(&table(&place).await).await, ["a 1 0", "b 1 0"]);
    let parquet = fs::read_dir(place.path()).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().ends_with(".parquet")).count();
    assert_eq!(parquet, 2, "the same names again");
}

#[tokio::test]
async fn an_inline_publish_writes_the_same_file_again() {
    let place = Place::new();
    let sink = append_sink(&place, Some("alerts"), small());
    let target = sink.open(schema()).await.unwrap();
    let receipts = stage(&sink, 1, &[&[("a", 1, 0.0)], &[("b", 1, 0.0)]]).await;
    sink.publish(&the_query(), 1, &target, &receipts).await.unwrap();
    let before = table(&place).await.snapshot().await.unwrap().files()[0].add().path.clone();
    fs::remove_file(place.log_entry(1)).unwrap();
    let again = append_sink(&place, Some("alerts"), small());
    again.open(schema()).await.unwrap();
    again.publish(&the_query(), 1, &target, &receipts).await.unwrap();
    let after = table(&place).await.snapshot().await.unwrap();
    assert_eq!((after.files().len(), &after.files()[0].add().path), (1, &before));
}

#[tokio::test]
async fn empty_epochs_make_no_commit() {
    let place = Place::new();
    for sink in [append_sink(&place, None, small()), merge_sink(&place, small())] {
        let target = sink.open(schema()).await.unwrap();
        let receipts = stage(&sink, 1, &[&[], &[]]).await;
        assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: 0 });
        assert_eq!(table(&place).await.snapshot().await.unwrap().version(), 0);
    }
}

#[tokio::test]
async fn merges_update_and_count() {
    let place = Place::new();
    let sink = merge_sink(&place, small());
    let target = sink.open(schema()).await.unwrap();
    for epoch in 0..4 {
        let receipts = stage(&sink, epoch, &[&[("a", epoch as i64, 0.0)], &[("b", epoch as i64, 0.0)]]).await;
        let updated = if epoch == 0 { 0 } else { 2 };
        assert_eq!(sink.publish(&the_query(), epoch, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: updated });
    }
    assert_eq!(content(&table(&place).await).await, ["a 3 0", "b 3 0"]);
}

#[tokio::test]
async fn two_rows_for_a_key_are_refused_before_the_record_across_partitions() {
    let place = Place::new();
    let sink = merge_sink(&place, small());
    sink.open(schema()).await.unwrap();
    sink.stage(&run(), 1, 0, vec![rows(&[("a", 1, 0.0), ("b", 1, 0.0)])]).await.unwrap();
    let error = sink.stage(&run(), 1, 1, vec![rows(&[("c", 1, 0.0), ("b", 2, 0.0)])]).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.message().contains("userId=b"), "{error}");
    // A second attempt at a partition takes the place of the first.
    sink.stage(&run(), 1, 0, vec![rows(&[("a", 1, 0.0)])]).await.unwrap();
    sink.stage(&run(), 1, 1, vec![rows(&[("c", 1, 0.0), ("b", 2, 0.0)])]).await.unwrap();
    // Another epoch may have the key again.
    sink.stage(&run(), 2, 0, vec![rows(&[("a", 2, 0.0)])]).await.unwrap();
}

#[tokio::test]
async fn rows_that_cannot_be_published_are_refused_at_the_stage() {
    let place = Place::new();
    let sink = append_sink(&place, None, small());
    sink.open(schema()).await.unwrap();
    let nulls = arrow::array::new_null_array(&arrow::datatypes::DataType::Utf8, 1);
    let batch = RecordBatch::try_from_iter_with_nullable([("userId", nulls, true)]).unwrap();
    let error = sink.stage(&run(), 1, 0, vec![batch]).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.message().contains("NOT NULL"), "{error}");
    let other = arrow::datatypes::Schema::new(vec![arrow::datatypes::Field::new("userId", arrow::datatypes::DataType::Boolean, true)]);
    let error = append_sink(&place, None, small()).open(Arc::new(other)).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Analysis && error.message().contains("cast it"), "{error}");
}

#[tokio::test]
async fn another_table_or_other_columns_are_an_error_not_a_republish() {
    let place = Place::new();
    for merge in [false, true] {
        let make = || if merge { merge_sink(&place, small()) } else { append_sink(&place, Some("alerts"), small()) };
        let sink = make();
        let target = sink.open(schema()).await.unwrap();
        let receipts = stage(&sink, 1, &[&[("a", 1, 0.0)]]).await;
        let other_columns = SinkTarget { schema: serde_json::json!({"type": "struct", "fields": []}), ..target.clone() };
        let error = sink.publish(&the_query(), 1, &other_columns, &receipts).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Data && error.message().contains("columns"), "{error}");
        fs::remove_dir_all(place.path()).unwrap();
        place.create().await;
        let error = sink.publish(&the_query(), 1, &target, &receipts).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Data && error.message().contains("made anew"), "{error}");
        assert!(content(&table(&place).await).await.is_empty());
        fs::remove_dir_all(place.path()).unwrap();
    }
}

fn partitioned_sink(place: &Place, merge: bool, by: &[&str], options: SinkOptions) -> Arc<dyn Sink> {
    let partition_by = by.iter().map(|column| (*column).to_owned()).collect();
    let options = SinkOptions { table: TableOptions { partition_by, ..fast() }, ..options };
    if merge { merge_sink(place, options) } else { append_sink(place, Some("alerts"), options) }
}

/// The table's `metaData` action, as the log has it.
fn metadata_line(place: &Place) -> String {
    let created = fs::read_to_string(place.log_entry(0)).unwrap();
    created.lines().find(|line| line.starts_with(r#"{"metaData""#)).unwrap().to_owned()
}

/// Another engine lays the table out anew, as an overwrite with another `partitionBy` does: the id and the columns stay.
fn repartition(place: &Place, from: &[&str], to: &[&str]) {
    let metadata = metadata_line(place);
    let text = |columns: &[&str]| format!(r#""partitionColumns":{}"#, serde_json::json!(columns));
    let altered = metadata.replace(&text(from), &text(to));
    assert_ne!(altered, metadata, "nothing was changed");
    fs::write(place.log_entry(1), altered).unwrap();
}

#[tokio::test]
async fn other_partition_columns_are_refused_by_name() {
    let changes: [(&[&str], &[&str]); 4] = [(&["n"], &[]), (&["n"], &["x"]), (&["n"], &["n", "x"]), (&[], &["n"])];
    for (from, to) in changes {
        for options in [small(), large()] {
            for merge in [false, true] {
                let what = format!("from {from:?} to {to:?}, merge {merge}");
                let place = Place::new();
                let sink = partitioned_sink(&place, merge, from, options.clone());
                let target = sink.open(schema()).await.unwrap();
                let receipts = recorded(&stage(&sink, 1, &[&[("a", 1, 0.5)]]).await);
                repartition(&place, from, to);
                let error = sink.publish(&the_query(), 1, &target, &receipts).await.expect_err(&what);
                assert_eq!(error.kind(), ErrorKind::Data, "{what}: {error}");
                let [from, to] = [from, to].map(|columns| serde_json::json!(columns).to_string());
                for told in [place.path().as_str(), "partition columns", from.as_str(), to.as_str()] {
                    assert!(error.message().contains(told), "{what} does not tell {told}: {error}");
                }
                assert!(content(&table(&place).await).await.is_empty(), "{what}: nothing is written");
            }
        }
    }
}

#[tokio::test]
async fn a_target_that_pins_the_columns_alone_is_published_to() {
    for by in [&["n"][..], &[]] {
        for merge in [false, true] {
            let place = Place::new();
            let sink = partitioned_sink(&place, merge, by, large());
            let target = sink.open(schema()).await.unwrap();
            let receipts = recorded(&stage(&sink, 1, &[&[("a", 1, 0.5)]]).await);
            let metadata: serde_json::Value = serde_json::from_str(&metadata_line(&place)).unwrap();
            let columns = serde_json::from_str(metadata["metaData"]["schemaString"].as_str().unwrap()).unwrap();
            let target = SinkTarget { schema: columns, ..target };
            assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: 0 });
            assert_eq!(content(&table(&place).await).await, ["a 1 0.5"], "by {by:?}, merge {merge}");
        }
    }
}

#[tokio::test]
async fn a_sink_is_named_by_its_user_or_by_the_table() {
    let place = Place::new();
    let sink = append_sink(&place, None, small());
    let target = sink.open(schema()).await.unwrap();
    assert_eq!(sink.id(), format!("delta:{}", target.id));
    assert_eq!(append_sink(&place, Some("alerts"), small()).id(), "alerts");
    let unopened = append_sink(&place, None, small()).stage(&run(), 0, 0, vec![]).await.unwrap_err();
    assert_eq!(unopened.kind(), ErrorKind::Internal);
}

#[tokio::test]
async fn settling_writes_a_checkpoint_now_and_then() {
    let place = Place::new();
    let options = SinkOptions { checkpoint_interval: 5, ..small() };
    let sink = append_sink(&place, None, options);
    let target = sink.open(schema()).await.unwrap();
    for epoch in 0..5 {
        let receipts = stage(&sink, epoch, &[&[("a", epoch as i64, 0.0)]]).await;
        sink.publish(&the_query(), epoch, &target, &receipts).await.unwrap();
    }
    sink.settle(&the_query(), 4).await.unwrap();
    // The checkpoint is written in the background: wait for it, not for a time.
    let checkpoint = std::path::Path::new(&place.path()).join("_delta_log/00000000000000000005.checkpoint.parquet");
    while !checkpoint.exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(content(&table(&place).await).await.len(), 5);
}

/// The data files that lie in the table's folder and below it, but for those that are staged.
fn data_files(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let visible = entries.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('_'));
    visible
        .map(|path| match path.is_dir() {
            true => data_files(&path),
            false => usize::from(path.extension().is_some_and(|extension| extension == "parquet")),
        })
        .sum()
}

#[tokio::test]
async fn of_attempts_at_a_partition_the_recorded_one_counts() {
    for by in [&["n"][..], &[]] {
        for options in [small(), large()] {
            let what = format!("by {by:?}, {} bytes in the record", options.inline_max_bytes);
            let place = Place::new();
            let sink = partitioned_sink(&place, false, by, options.clone());
            assert_eq!(sink.intake(), Intake::AsMade);
            let target = sink.open(schema()).await.unwrap();
            let begun = async |given: &[Row<'_>]| {
                let mut stage = sink.begin(&run(), 1, 0).unwrap();
                for row in given {
                    stage.push(rows(&[*row])).await.unwrap();
                }
                stage
            };
            // One is dropped on the way, one is not accepted, and one fails.
            drop(begun(&[("a", 1, 0.0), ("b", 2, 0.0)]).await);
            begun(&[("a", 1, 0.0), ("b", 2, 0.0)]).await.finish().await.unwrap();
            let mut failing = begun(&[("a", 1, 0.0)]).await;
            let nulls = arrow::array::new_null_array(&arrow::datatypes::DataType::Utf8, 1);
            let refused = RecordBatch::try_from_iter_with_nullable([("userId", nulls, true)]).unwrap();
            assert_eq!(failing.push(refused).await.unwrap_err().kind(), ErrorKind::Data, "{what}");
            drop(failing);
            let accepted = begun(&[("a", 1, 0.0), ("c", 2, 0.0), ("d", 3, 0.0)]).await.finish().await.unwrap();
            assert_eq!((accepted.rows, accepted.inline.is_some()), (3, options.inline_max_bytes > 0), "{what}");
            assert!(content(&table(&place).await).await.is_empty(), "{what}: staged is not visible");
            let receipts = recorded(&[accepted]);
            assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: 0 });
            assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::AlreadyPublished);
            sink.settle(&the_query(), 1).await.unwrap();
            let table = table(&place).await;
            assert_eq!(content(&table).await, ["a 1 0", "c 2 0", "d 3 0"], "{what}");
            assert_eq!(staged_files(&place), 0, "{what}");
            let named = table.snapshot().await.unwrap().files().len();
            assert_eq!(data_files(std::path::Path::new(&place.path())), named, "{what}");
        }
    }
}
