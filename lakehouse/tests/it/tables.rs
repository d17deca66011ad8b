//! Create, append, overwrite, read, travel, history, checkpoints, refusals.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Date32Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::prelude::{SessionContext, col, ident, lit};
use tidemill_lakehouse::{Committed, DeltaTable, TableOptions, Txn};
use tidemill_planner::ErrorKind;

use crate::helpers::{Place, content, fast, query, rows, schema};

#[tokio::test]
async fn rows_come_back() {
    let place = Place::new();
    assert!(!DeltaTable::exists(&place.path()).await.unwrap());
    assert_eq!(DeltaTable::open(&place.path()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let table = place.create().await;
    assert!(content(&table).await.is_empty());
    table.append(vec![rows(&[("a", 1, 0.5), ("b", 2, 1.5)])], None).await.unwrap();
    table.append(vec![rows(&[("c", 3, 2.5)]), rows(&[])], None).await.unwrap();
    assert_eq!(content(&table).await, ["a 1 0.5", "b 2 1.5", "c 3 2.5"]);
    assert_eq!(content(&place.open().await).await, content(&table).await);
    let snapshot = table.snapshot().await.unwrap();
    assert_eq!((snapshot.version(), snapshot.num_records(), snapshot.files().len()), (2, Some(3), 2));
    assert_eq!(query(&snapshot, "SELECT x FROM t WHERE \"userId\" > 'a' AND n < 3").await, ["1.5"]);
    assert_eq!(query(&snapshot, "SELECT count(*), min(n), max(\"userId\") FROM t").await, ["3 1 c"]);
    assert_eq!(query(&snapshot, "SELECT count(*) FROM (SELECT n FROM t LIMIT 2)").await, ["2"]);
    let again = DeltaTable::create(&place.path(), schema(), fast()).await.unwrap_err();
    assert!(again.message().contains("already"), "{again}");
    let reopened = DeltaTable::open_or_create(&format!("file://{}", place.path()), schema(), fast()).await.unwrap();
    assert_eq!(reopened.snapshot().await.unwrap().table_id(), snapshot.table_id());
}

#[tokio::test]
async fn durable_tables_hold_the_same() {
    let place = Place::new();
    let table = DeltaTable::create(&place.path(), schema(), TableOptions::default()).await.unwrap();
    table.append(vec![rows(&[("a", 1, 0.5)])], None).await.unwrap();
    assert_eq!(content(&place.open().await).await, ["a 1 0.5"]);
}

#[tokio::test]
async fn bad_rows_are_refused_and_leave_nothing() {
    let place = Place::new();
    let table = place.create().await;
    let one = |field: Field, column: ArrayRef| RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
    let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let cases = [
        (one(Field::new("userId", DataType::Utf8, true), Arc::clone(&ids)), ErrorKind::Data, "NOT NULL"),
        (one(Field::new("userIdd", DataType::Utf8, true), ids), ErrorKind::Analysis, "did you mean `userId`"),
        (one(Field::new("userId", DataType::Int32, true), Arc::new(Int32Array::from(vec![1]))), ErrorKind::Analysis, "cast it"),
    ];
    for (batch, kind, named) in cases {
        let error = table.append(vec![batch], None).await.unwrap_err();
        assert!(error.kind() == kind && error.message().contains(named), "{error}");
    }
    assert_eq!(table.snapshot().await.unwrap().version(), 0);
    assert!(content(&table).await.is_empty());
}

#[tokio::test]
async fn a_scan_leaves_out_files_and_deals_out_the_others() {
    let place = Place::new();
    let table = place.create().await;
    for i in 0..6 {
        table.append(vec![rows(&[("a", 10 * i, 0.0), ("b", 10 * i + 1, 1.0)])], None).await.unwrap();
    }
    let snapshot = table.snapshot().await.unwrap();
    let context = SessionContext::new_with_config(tidemill_planner::config::engine_session_config(2));
    let state = context.state();
    let provider = snapshot.table_provider();
    let files_of = async |filters: &[datafusion::prelude::Expr]| {
        let plan = provider.scan(&state, Some(&vec![1]), filters, None).await.unwrap();
        let files = datafusion::physical_plan::displayable(plan.as_ref()).one_line().to_string().matches(".parquet").count();
        (plan.output_partitioning().partition_count(), files)
    };
    assert_eq!(files_of(&[]).await, (2, 6));
    assert_eq!(files_of(&[col("n").gt(lit(39_i64))]).await, (2, 2));
    assert_eq!(files_of(&[col("n").eq(lit(21_i64)), ident("userId").eq(lit("b"))]).await, (1, 1));
    assert_eq!(files_of(&[col("n").gt(lit(1000_i64))]).await.1, 0);
}

#[tokio::test]
async fn partition_columns_live_in_the_log() {
    let place = Place::new();
    let fields = vec![
        Field::new("country", DataType::Utf8, true),
        Field::new("n", DataType::Int32, true),
        Field::new("day", DataType::Date32, true),
    ];
    let schema = Arc::new(Schema::new(fields));
    let options = TableOptions { partition_by: vec!["COUNTRY".into(), "day".into()], ..fast() };
    let table = DeltaTable::create(&place.path(), Arc::clone(&schema) as _, options).await.unwrap();
    let batch = RecordBatch::try_new(
        schema,
        vec![
            Arc::new(StringArray::from(vec![Some("de/at ü"), None, Some("fr"), Some("de/at ü")])),
            Arc::new(Int32Array::from(vec![1, 2, 3, 4])),
            Arc::new(Date32Array::from(vec![0, 0, 1, 0])),
        ],
    )
    .unwrap();
    table.append(vec![batch], None).await.unwrap();
    let wanted = ["NULL 2 1970-01-01", "de/at ü 1 1970-01-01", "de/at ü 4 1970-01-01", "fr 3 1970-01-02"];
    assert_eq!(content(&table).await, wanted);
    let snapshot = place.open().await.snapshot().await.unwrap();
    assert_eq!((snapshot.files().len(), snapshot.partition_columns()), (3, &["country".to_owned(), "day".to_owned()][..]));
    assert_eq!(query(&snapshot, "SELECT n FROM t WHERE country = 'fr'").await, ["3"]);
    assert_eq!(query(&snapshot, "SELECT day, n FROM t WHERE country IS NULL").await, ["1970-01-01 2"]);
    let request = tidemill_lakehouse::MergeRequest {
        on: vec!["n".into()],
        source: vec![
            RecordBatch::try_from_iter([
                ("n", Arc::new(Int32Array::from(vec![1, 9])) as ArrayRef),
                ("country", Arc::new(StringArray::from(vec!["fr", "it"])) as ArrayRef),
                ("DAY", Arc::new(Date32Array::from(vec![2, 2])) as ArrayRef),
            ])
            .unwrap(),
        ],
        update_condition: None,
        txn: None,
    };
    let merged = table.merge(request).await.unwrap();
    assert_eq!((merged.rows_updated, merged.rows_inserted, merged.rows_copied), (1, 1, 1));
    assert_eq!(
        content(&table).await,
        ["NULL 2 1970-01-01", "de/at ü 4 1970-01-01", "fr 1 1970-01-03", "fr 3 1970-01-02", "it 9 1970-01-03"]
    );
}

#[tokio::test]
async fn overwrite_replaces_everything() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
    table.overwrite(vec![rows(&[("b", 2, 0.0)])], None).await.unwrap();
    assert_eq!(content(&table).await, ["b 2 0"]);
    let txn = Some(Txn::new("job", 7));
    assert!(matches!(table.overwrite(vec![rows(&[("c", 3, 0.0)])], txn.clone()).await.unwrap(), Committed::Done { version: 3 }));
    assert_eq!(table.overwrite(vec![rows(&[("d", 4, 0.0)])], txn).await.unwrap(), Committed::AlreadyDone);
    assert_eq!(content(&table).await, ["c 3 0"]);
}

#[tokio::test]
async fn a_txn_happens_once_whoever_tries_again() {
    let place = Place::new();
    let table = place.create().await;
    let txn = |app: &str, version| Some(Txn::new(app, version));
    assert_eq!(table.append(vec![rows(&[("a", 1, 0.0)])], txn("q", 5)).await.unwrap(), Committed::Done { version: 1 });
    for (app, version, done) in [("q", 5, false), ("q", 4, false), ("r", 4, true), ("q", 6, true)] {
        let committed = place.open().await.append(vec![rows(&[(app, version, 0.0)])], txn(app, version)).await.unwrap();
        assert_eq!(committed != Committed::AlreadyDone, done, "{app} {version}");
    }
    assert_eq!(content(&table).await, ["a 1 0", "q 6 0", "r 4 0"]);
    assert_eq!(table.snapshot().await.unwrap().txns(), [("q".to_owned(), 6), ("r".to_owned(), 4)]);
}

/// Sets when a version was committed.
fn commit_at(place: &Place, version: u64, ms: u64) {
    let file = fs::File::options().write(true).open(place.log_entry(version)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
}

#[tokio::test]
async fn travel_by_version_and_by_time_and_history() {
    let place = Place::new();
    let table = place.create().await;
    for i in 1..=3 {
        table.append(vec![rows(&[("a", i, 0.0)])], Some(Txn::new("q", i))).await.unwrap();
    }
    assert_eq!(query(&table.snapshot_at(1).await.unwrap(), "SELECT n FROM t").await, ["1"]);
    assert_eq!(query(&table.snapshot_at(3).await.unwrap(), "SELECT n FROM t").await, ["1", "2", "3"]);
    assert_eq!(table.snapshot_at(2).await.unwrap().txn_version("q"), Some(2));
    let beyond = table.snapshot_at(9).await.unwrap_err();
    assert!(beyond.kind() == ErrorKind::NotFound && beyond.message().contains("versions 0 to 3"), "{beyond}");

    for (version, ms) in [(0, 1_000), (1, 5_000), (2, 4_000), (3, 9_000)] {
        commit_at(&place, version, ms);
    }
    let table = place.open().await;
    // Version 2's clock went back: it counts as one millisecond after version 1.
    for (ms, version) in [(1_000, 0), (4_999, 0), (5_000, 1), (5_001, 2), (8_999, 2), (9_000, 3)] {
        assert_eq!(table.snapshot_at_timestamp(ms).await.unwrap().version(), version, "{ms}");
    }
    for ms in [999, 9_001] {
        let error = table.snapshot_at_timestamp(ms).await.unwrap_err();
        assert!(error.message().contains("1970-01-01 00:00:01.000") && error.message().contains("00:00:09.000"), "{error}");
    }

    let history = table.history(Some(2)).await.unwrap();
    assert_eq!(history.iter().map(|h| h.version).collect::<Vec<_>>(), [3, 2]);
    assert_eq!((history[0].operation.as_str(), history[0].timestamp), ("WRITE", 9_000));
    assert_eq!(history[0].operation_parameters["mode"], "Append");
    assert_eq!(history[0].operation_metrics["numOutputRows"], "1");
    assert_eq!(history[0].txns, [("q".to_owned(), 3)]);
    assert!(history[0].engine_info.as_deref().unwrap().starts_with("tidemill/"));
    let all = table.history(None).await.unwrap();
    assert_eq!((all.len(), all[3].operation.as_str()), (4, "CREATE TABLE"));
}

#[tokio::test]
async fn a_checkpoint_stands_for_the_log_before_it() {
    let place = Place::new();
    let table = place.create().await;
    for i in 1..=12 {
        table.append(vec![rows(&[("a", i, 0.0)])], Some(Txn::new("q", i))).await.unwrap();
    }
    assert_eq!(table.upkeep(13).await.unwrap(), None);
    assert_eq!(table.upkeep(12).await.unwrap(), Some(12));
    assert_eq!(table.upkeep(12).await.unwrap(), None, "there is one");
    table.overwrite(vec![rows(&[("b", 1, 0.0)])], None).await.unwrap();
    let before = content(&table).await;
    // The entries before the checkpoint are cleaned up, as Delta does after their retention.
    for version in 0..12 {
        fs::remove_file(place.log_entry(version)).unwrap();
    }
    let fresh = place.open().await;
    assert_eq!(content(&fresh).await, before);
    let snapshot = fresh.snapshot().await.unwrap();
    assert_eq!((snapshot.version(), snapshot.txn_version("q")), (13, Some(12)));
    assert_eq!(fresh.snapshot_at(12).await.unwrap().num_records(), Some(12));
    let gone = fresh.snapshot_at(11).await.unwrap_err();
    assert!(gone.message().contains("versions 12 to 13"), "{gone}");
    // Without the hint, or with a damaged one, the listing finds the checkpoint.
    let hint = std::path::Path::new(&place.path()).join("_delta_log/_last_checkpoint");
    fs::write(&hint, "{\"version\":").unwrap();
    assert_eq!(content(&place.open().await).await, before);
    fs::remove_file(&hint).unwrap();
    assert_eq!(content(&place.open().await).await, before);
    assert_eq!(fresh.append(vec![rows(&[("c", 1, 0.0)])], None).await.unwrap(), Committed::Done { version: 14 });
}

#[tokio::test]
async fn a_gap_in_the_log_is_no_end() {
    let place = Place::new();
    let table = place.create().await;
    for i in 1..=5 {
        table.append(vec![rows(&[("a", i, 0.0)])], None).await.unwrap();
    }
    fs::remove_file(place.log_entry(3)).unwrap();
    let error = DeltaTable::open(&place.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("00000000000000000003.json is missing"), "{error}");

    // A checkpoint after the gap stands for what is missing, with the hint or without.
    let place = Place::new();
    let table = place.create().await;
    for i in 1..=5 {
        table.append(vec![rows(&[("a", i, 0.0)])], None).await.unwrap();
    }
    table.checkpoint().await.unwrap();
    table.append(vec![rows(&[("b", 6, 0.0)])], None).await.unwrap();
    let before = content(&table).await;
    fs::remove_file(place.log_entry(3)).unwrap();
    assert_eq!(content(&place.open().await).await, before);
    fs::remove_file(std::path::Path::new(&place.path()).join("_delta_log/_last_checkpoint")).unwrap();
    let fresh = place.open().await;
    assert_eq!(content(&fresh).await, before);
    assert_eq!(fresh.snapshot_at(2).await.unwrap().num_records(), Some(2));
}

#[tokio::test]
async fn what_we_do_not_know_is_refused_by_name() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
    let created = fs::read_to_string(place.log_entry(0)).unwrap();
    let protocol = r#""protocol":{"minReaderVersion":1,"minWriterVersion":2}"#;
    assert!(created.contains(protocol), "{created}");
    let named = |reader: &str, writer: &str| {
        format!(r#""protocol":{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[{reader}],"writerFeatures":[{writer}]}}"#)
    };
    let configuration = |text: &str| created.replace(r#""configuration":{}"#, &format!(r#""configuration":{{{text}}}"#));
    // The edited log entry, the feature that is named, and whether reading is refused as well.
    let cases = [
        (created.replace(protocol, &named(r#""typeWidening""#, r#""typeWidening""#)), "typeWidening", true),
        (
            created
                .replace(protocol, &named(r#""columnMapping""#, r#""columnMapping""#))
                .replace(r#""configuration":{}"#, r#""configuration":{"delta.columnMapping.mode":"name"}"#),
            "columnMapping",
            true,
        ),
        (created.replace(protocol, &named("", r#""clustering","domainMetadata""#)), "clustering", false),
        (created.replace(protocol, &named("", r#""rowTracking""#)), "rowTracking", false),
        (
            created
                .replace(protocol, &named("", r#""changeDataFeed""#))
                .replace(r#""configuration":{}"#, r#""configuration":{"delta.enableChangeDataFeed":"true"}"#),
            "changeDataFeed",
            false,
        ),
        (
            created
                .replace(r#""minWriterVersion":2"#, r#""minWriterVersion":3"#)
                .replace(r#""configuration":{}"#, r#""configuration":{"delta.constraints.c":"n > 0"}"#),
            "checkConstraints",
            false,
        ),
        (configuration(r#""delta.appendOnly":"true""#), "append-only", false),
    ];
    for (text, feature, reading_too) in cases {
        assert_ne!(text, created, "{feature}: nothing was edited");
        fs::write(place.log_entry(0), &text).unwrap();
        match DeltaTable::open_with(&place.path(), fast()).await {
            Err(e) => assert!(reading_too && e.kind() == ErrorKind::Unsupported && e.message().contains(feature), "{feature}: {e}"),
            Ok(table) => {
                assert!(!reading_too, "{feature} was read");
                assert_eq!(content(&table).await, ["a 1 0"]);
                let error = table.overwrite(vec![rows(&[("b", 1, 0.0)])], None).await.unwrap_err();
                assert!(error.kind() == ErrorKind::Unsupported && error.message().contains(feature), "{error}");
            }
        }
    }
    // A deletion vector that comes with a later commit.
    fs::write(place.log_entry(0), created.replace(protocol, &named(r#""deletionVectors""#, r#""deletionVectors""#))).unwrap();
    let table = place.open().await;
    assert_eq!(content(&table).await, ["a 1 0"]);
    let vector = r#""deletionVector":{"storageType":"i","pathOrInlineDv":"x","sizeInBytes":3,"cardinality":1},"dataChange":"#;
    let with_vector = fs::read_to_string(place.log_entry(1)).unwrap().replace(r#""dataChange":"#, vector);
    fs::write(place.log_entry(2), with_vector).unwrap();
    let error = table.snapshot().await.unwrap_err();
    assert!(error.message().contains("deletionVectors"), "{error}");
    assert_eq!(query(&table.snapshot_at(1).await.unwrap(), "SELECT n FROM t").await, ["1"], "the version before is readable");
    let elsewhere = DeltaTable::open("s3://bucket/t").await.unwrap_err();
    assert!(elsewhere.kind() == ErrorKind::Unsupported && elsewhere.message().contains("local disks"), "{elsewhere}");
}

#[tokio::test]
async fn create_takes_no_property_that_it_would_not_keep_to() {
    let with = |name: &str, text: &str| TableOptions { properties: [(name.to_owned(), text.to_owned())].into(), ..fast() };
    // (property, text, what the message names besides)
    let refused = [
        ("delta.enableChangeDataFeed", "true", "changeDataFeed"),
        ("DELTA.ENABLECHANGEDATAFEED", "TRUE", "changeDataFeed"),
        ("delta.enableChangeDataCapture", "true", "changeDataFeed"),
        ("delta.enableDeletionVectors", "true", "deletionVectors"),
        ("delta.constraints.positive", "n > 0", "checkConstraints"),
        ("delta.checkpointPolicy", "v2", "v2Checkpoint"),
        ("delta.enableInCommitTimestamps", "true", "inCommitTimestamp"),
        ("delta.inCommitTimestampEnablementVersion", "3", "inCommitTimestamp"),
        ("delta.enableRowTracking", "true", "rowTracking"),
        ("delta.enableTypeWidening", "true", "typeWidening"),
        ("delta.enableIcebergCompatV2", "true", "icebergCompatV2"),
        ("delta.universalFormat.enabledFormats", "iceberg", "icebergCompatV2"),
        ("delta.columnMapping.mode", "name", "columnMapping"),
        ("delta.columnMapping.maxColumnId", "5", "columnMapping"),
        ("delta.feature.clustering", "supported", "clustering"),
        ("delta.feature.somethingNew", "supported", "somethingNew"),
        ("delta.coordinatedCommits.commitCoordinator-preview", "x", "coordinatedCommits"),
        // Known, but nothing here does it.
        ("delta.minWriterVersion", "7", "protocol"),
        ("delta.checkpoint.writeStatsAsStruct", "true", "as JSON"),
        ("delta.setTransactionRetentionDuration", "interval 1 day", "transaction"),
        ("delta.parquet.compression.codec", "zstd", "TableOptions::codec"),
        ("delta.isolationLevel", "SnapshotIsolation", "serializable"),
        ("delta.compatibility.symlinkFormatManifest.enabled", "true", "manifest"),
        // Unknown.
        ("delta.apendOnly", "true", "did you mean `delta.appendOnly`?"),
        ("delta.deletedFileRetention", "7 days", "did you mean `delta.deletedFileRetentionDuration`?"),
        ("delta.constraint.positive", "n > 0", "not a property of Delta tables"),
        ("delta.", "x", "not a property of Delta tables"),
        // Not to be read.
        ("delta.appendOnly", "yes", "true or false"),
        ("delta.enableDeletionVectors", "on", "true or false"),
        ("delta.checkpointInterval", "0", "1 or more"),
        ("delta.checkpointInterval", "ten", "1 or more"),
        ("delta.dataSkippingNumIndexedCols", "-2", "-1 or more"),
        ("delta.deletedFileRetentionDuration", "a week", "interval"),
        ("delta.deletedFileRetentionDuration", "interval 1 month", "interval"),
        ("delta.deletedFileRetentionDuration", "interval -1 day", "interval"),
        ("delta.deletedFileRetentionDuration", "interval", "interval"),
        ("delta.deletedFileRetentionDuration", "", "interval"),
        ("delta.deletedFileRetentionDuration", "7", "interval"),
        ("delta.logRetentionDuration", "interval 1 dayss", "interval"),
        ("delta.logRetentionDuration", "interval 99999999999999999999 days", "interval"),
    ];
    for (name, text, named) in refused {
        let place = Place::new();
        let error = match DeltaTable::create(&place.path(), schema(), with(name, text)).await {
            Ok(table) => panic!("{name} = {text} was taken: {:?}", table.snapshot().await.unwrap().property(name)),
            Err(error) => error,
        };
        assert!(matches!(error.kind(), ErrorKind::Analysis | ErrorKind::Unsupported), "{name} = {text}: {:?}: {error}", error.kind());
        assert!(error.message().contains(name) && error.message().contains(named), "{name} = {text}: {error}");
        assert!(!std::path::Path::new(&place.path()).exists(), "{name} = {text}: something was made");
    }
    // (property, text, the name under which it stands)
    let taken = [
        ("delta.appendOnly", "False", "delta.appendOnly"),
        ("DELTA.appendonly", "true", "delta.appendOnly"),
        ("delta.deletedFileRetentionDuration", "interval 1 week", "delta.deletedFileRetentionDuration"),
        ("delta.deletedFileRetentionDuration", "7 days", "delta.deletedFileRetentionDuration"),
        ("delta.logRetentionDuration", "INTERVAL 1 day 12 hours", "delta.logRetentionDuration"),
        ("delta.checkpointInterval", "50", "delta.checkpointInterval"),
        ("delta.dataSkippingNumIndexedCols", "-1", "delta.dataSkippingNumIndexedCols"),
        ("delta.enableChangeDataFeed", "false", "delta.enableChangeDataFeed"),
        ("delta.enableDeletionVectors", "false", "delta.enableDeletionVectors"),
        ("delta.columnMapping.mode", "none", "delta.columnMapping.mode"),
        ("delta.checkpointPolicy", "classic", "delta.checkpointPolicy"),
        ("delta.isolationLevel", "Serializable", "delta.isolationLevel"),
        ("delta.autoOptimize.optimizeWrite", "true", "delta.autoOptimize.optimizeWrite"),
        ("owner", "me", "owner"),
        ("deltas.appendOnly", "maybe", "deltas.appendOnly"),
    ];
    for (name, text, stands) in taken {
        let place = Place::new();
        let table = DeltaTable::create(&place.path(), schema(), with(name, text)).await.unwrap();
        assert_eq!(table.snapshot().await.unwrap().property(stands), Some(text), "{name}");
        table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
        table.checkpoint().await.unwrap();
        // Another implementation has no objection.
        let theirs = deltalake_core::open_table(url::Url::from_directory_path(place.path()).unwrap()).await.unwrap();
        assert_eq!(theirs.version(), Some(1), "{name}");
    }
    let properties = [("delta.appendOnly", "true"), ("delta.APPENDONLY", "false")].map(|(n, t)| (n.to_owned(), t.to_owned())).into();
    let twice = DeltaTable::create(&Place::new().path(), schema(), TableOptions { properties, ..fast() }).await.unwrap_err();
    assert!(twice.message().contains("`delta.appendOnly` is given twice"), "{twice}");
    let by = vec!["userId".to_owned(), "USERID".to_owned()];
    let twice = DeltaTable::create(&Place::new().path(), schema(), TableOptions { partition_by: by, ..fast() }).await.unwrap_err();
    assert!(twice.kind() == ErrorKind::Analysis && twice.message().contains("`USERID`") && twice.message().contains("twice"), "{twice}");
}

#[tokio::test]
async fn what_another_engine_set_is_not_guessed_at() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
    let created = fs::read_to_string(place.log_entry(0)).unwrap();
    let set = |name: &str, text: &str| {
        let edited = created.replace(r#""configuration":{}"#, &format!(r#""configuration":{{"{name}":"{text}"}}"#));
        assert_ne!(edited, created);
        fs::write(place.log_entry(0), edited).unwrap();
    };
    let checkpoint = std::path::Path::new(&place.path()).join("_delta_log/00000000000000000001.checkpoint.parquet");
    for text in ["a week", "interval 1 month", "interval -1 day", "7"] {
        set("delta.deletedFileRetentionDuration", text);
        let table = place.open().await;
        assert_eq!(content(&table).await, ["a 1 0"], "it can be read: {text}");
        let error = table.checkpoint().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        for named in ["delta.deletedFileRetentionDuration", text, place.path().as_str()] {
            assert!(error.message().contains(named), "{named}: {error}");
        }
        assert!(!checkpoint.exists(), "{text}: a checkpoint was written");
        assert_eq!(table.upkeep(1).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    // A flag that cannot be read may be set: what it forbids is not done.
    set("delta.appendOnly", "yes");
    let error = place.open().await.overwrite(vec![rows(&[("b", 1, 0.0)])], None).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("delta.appendOnly = yes"), "{error}");
    set("delta.deletedFileRetentionDuration", "2 days 3 hours");
    assert_eq!(place.open().await.checkpoint().await.unwrap(), 1);
}

#[tokio::test]
async fn a_log_without_protocol_or_metadata_is_refused() {
    for action in ["protocol", "metaData"] {
        let place = Place::new();
        let table = place.create().await;
        table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
        let created = fs::read_to_string(place.log_entry(0)).unwrap();
        let begins = format!("{{\"{action}\":");
        let without: String = created.lines().filter(|line| !line.starts_with(&begins)).map(|line| format!("{line}\n")).collect();
        assert_ne!(without, created);
        fs::write(place.log_entry(0), without).unwrap();
        let opened = DeltaTable::open_with(&place.path(), fast()).await.map(|_| ());
        let travelled = table.snapshot_at(0).await.map(|_| ());
        let checkpointed = table.checkpoint().await.map(|_| ());
        for (doing, outcome) in [("open", opened), ("travel", travelled), ("checkpoint", checkpointed)] {
            let Err(error) = outcome else { panic!("{doing} does without {action}") };
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{doing}: {error}");
            let message = error.message();
            assert!(message.contains(&format!("no {action} action")) && message.contains(&place.path()), "{doing}: {error}");
        }
    }
}

#[tokio::test]
async fn a_damaged_entry_is_named() {
    let place = Place::new();
    let table = place.create().await;
    for damage in ["", "{\"add\":{\"path\""] {
        fs::write(place.log_entry(1), damage).unwrap();
        let error = table.snapshot().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Corrupt && error.message().contains("00001.json"), "{error}");
    }
    fs::remove_file(place.log_entry(1)).unwrap();
    assert!(content(&table).await.is_empty(), "the handle recovers with the file");
}

#[tokio::test]
async fn a_table_made_anew_is_seen_as_such() {
    let place = Place::new();
    let table = place.create().await;
    for i in 0..3 {
        table.append(vec![rows(&[("a", i, 0.0)])], None).await.unwrap();
    }
    let old = table.snapshot().await.unwrap();
    fs::remove_dir_all(place.path()).unwrap();
    assert_eq!(table.snapshot().await.unwrap_err().kind(), ErrorKind::NotFound);
    let other = DeltaTable::create(&place.path(), schema(), fast()).await.unwrap();
    other.append(vec![rows(&[("z", 9, 0.0)])], None).await.unwrap();
    let now = table.snapshot().await.unwrap();
    assert_ne!(now.table_id(), old.table_id());
    assert_eq!((now.version(), content(&table).await), (1, vec!["z 9 0".to_owned()]));
}

#[tokio::test]
async fn timestamps_are_utc_microseconds() {
    let place = Place::new();
    let in_millis = Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, Some("+02:00".into())), true);
    let table = DeltaTable::create(&place.path(), Arc::new(Schema::new(vec![in_millis])), fast()).await.unwrap();
    let field = Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
    assert_eq!(table.snapshot().await.unwrap().schema().field(0), &field);
    let at = TimestampMicrosecondArray::from(vec![1_700_000_000_123_456]).with_timezone("UTC");
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(at)]).unwrap();
    table.append(vec![batch], None).await.unwrap();
    let snapshot = table.snapshot().await.unwrap();
    let sql = "SELECT at FROM t WHERE at > to_timestamp('2023-11-14T22:13:20.123455Z')";
    assert_eq!(query(&snapshot, sql).await, ["2023-11-14T22:13:20.123456Z"], "the rounded statistics hide no row");
}
