//! Statistics that other engines wrote: they leave no file out that holds a row which is asked for, by a filter or by a MERGE.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Decimal128Array, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::prelude::{SessionContext, col, lit};
use deltalake_core::writer::{DeltaWriter, RecordBatchWriter};
use parquet::arrow::ArrowWriter;
use serde_json::json;
use tidemill_lakehouse::{DeltaTable, MergeRequest};

use crate::helpers::{Place, fast, lines_of};

fn decimal(units: i128, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(vec![units]).with_precision_and_scale(precision, scale).unwrap())
}

/// Rows with these keys and this number.
fn batch(keys: &ArrayRef, n: i64) -> RecordBatch {
    let fields = vec![Field::new("k", keys.data_type().clone(), true), Field::new("n", DataType::Int64, true)];
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![n; keys.len()]));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::clone(keys), numbers]).unwrap()
}

/// A table as another engine leaves it: one data file with this key, of which the log says these bounds.
async fn written_elsewhere(place: &Place, delta_type: &str, key: &ArrayRef, min: &str, max: &str) -> DeltaTable {
    let rows = batch(key, 1);
    let root = place.path();
    fs::create_dir_all(Path::new(&root).join("_delta_log")).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    fs::write(Path::new(&root).join("part-0.parquet"), &bytes).unwrap();
    let field = |name: &str, delta_type: &str| json!({"name": name, "type": delta_type, "nullable": true, "metadata": {}});
    let schema = json!({"type": "struct", "fields": [field("k", delta_type), field("n", "long")]}).to_string();
    let stats =
        format!(r#"{{"numRecords":1,"minValues":{{"k":{min},"n":1}},"maxValues":{{"k":{max},"n":1}},"nullCount":{{"k":0,"n":0}}}}"#);
    let lines = [
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {
            "id": "elsewhere", "format": {"provider": "parquet", "options": {}}, "schemaString": schema, "partitionColumns": [],
            "configuration": {}, "createdTime": 1,
        }}),
        json!({"add": {
            "path": "part-0.parquet", "partitionValues": {}, "size": bytes.len(), "modificationTime": 1, "dataChange": true, "stats": stats,
        }}),
    ];
    fs::write(place.log_entry(0), lines.map(|line| format!("{line}\n")).concat()).unwrap();
    place.open().await
}

/// The numbers of the rows with this key.
async fn found(table: &DeltaTable, key: ScalarValue) -> Vec<String> {
    let context = SessionContext::new_with_config(tidemill_planner::config::engine_session_config(2));
    let rows = context.read_table(table.snapshot().await.unwrap().table_provider()).unwrap();
    let rows = rows.filter(col("k").eq(lit(key))).unwrap().select_columns(&["n"]).unwrap();
    lines_of(&rows.collect().await.unwrap())
}

#[tokio::test]
async fn a_filter_finds_the_row_and_a_merge_updates_it() {
    let text = |s: String| -> ArrayRef { Arc::new(StringArray::from(vec![s])) };
    let x = |n: usize| "x".repeat(n);
    let quoted = |s: String| json!(s).to_string();
    let double: ArrayRef = Arc::new(Float64Array::from(vec![449.491_064_788_738_13]));
    let float: ArrayRef = Arc::new(Float32Array::from(vec![0.1_f32]));
    let at = |us: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![us]).with_timezone("UTC")) };
    let same = |text: &str| (text.to_owned(), text.to_owned());
    // Who wrote it, the column's type, the key, and its bounds in the log.
    let cases: Vec<(&str, &str, ArrayRef, (String, String))> = vec![
        ("Spark", "decimal(19,2)", decimal(900_719_925_474_099_300, 19, 2), same("9007199254740993.00")),
        ("Spark", "decimal(38,10)", decimal(1_234_567_890_123_456_789_012, 38, 10), same("123456789012.3456789012")),
        (
            "Spark",
            "decimal(38,38)",
            decimal(12_345_678_901_234_567_890_123_456_789_012_345_678, 38, 38),
            same("0.12345678901234567890123456789012345678"),
        ),
        ("deltalake", "decimal(18,2)", decimal(123_456_789_012_345_678, 18, 2), same("1234567890123456.8")),
        ("deltalake", "decimal(38,0)", decimal(10_i128.pow(30), 38, 0), same("9223372036854775807")),
        ("anyone", "double", double, same("449.49106478873813")),
        ("Spark", "float", Arc::clone(&float), same("0.1")),
        ("deltalake", "float", float, same("0.10000000149011612")),
        ("old Spark", "string", text(x(31) + "😀y"), (quoted(x(31) + "😀"), quoted(x(31) + "?\u{fffd}"))),
        ("a writer that only cuts", "string", text(x(40)), (quoted(x(32)), quoted(x(32)))),
        ("Spark", "timestamp", at(1_704_067_200_123_999), same("\"2024-01-01T02:00:00.123+02:00\"")),
        ("Spark in Shanghai", "timestamp", at(-2_209_017_943_000_000), same("\"1900-01-01T00:00:00.000+08:05\"")),
        ("a writer that cuts to seconds", "timestamp", at(1_704_067_200_500_000), same("\"2024-01-01T00:00:00Z\"")),
    ];
    for (writer, delta_type, key, (min, max)) in cases {
        let place = Place::new();
        let table = written_elsewhere(&place, delta_type, &key, &min, &max).await;
        let value = ScalarValue::try_from_array(&key, 0).unwrap();
        let what = format!("{value} as {delta_type} by {writer}");
        assert_eq!(found(&table, value.clone()).await, ["1"], "{what}");
        table.checkpoint().await.unwrap();
        assert_eq!(found(&place.open().await, value.clone()).await, ["1"], "{what}, from a checkpoint");
        let request = MergeRequest { on: vec!["k".into()], source: vec![batch(&key, 2)], update_condition: None, txn: None };
        let merged = table.merge(request).await.unwrap();
        assert_eq!((merged.rows_updated, merged.rows_inserted), (1, 0), "{what}");
        // The statistics of the rewritten file are ours.
        assert_eq!(found(&place.open().await, value).await, ["2"], "{what}");
    }
}

#[tokio::test]
async fn every_row_of_a_file_by_deltalake_is_found() {
    let doubles = [449.491_064_788_738_13, 945.270_695_553_922_3, 0.1, -0.25, 1e300];
    let texts = ["", "a", "x", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "zé"].map(|s| s.repeat(if s == "zé" { 60 } else { 1 }));
    let times = [0, 1, 1_704_067_200_123_999, -1, 253_402_300_799_999_999];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Decimal128Array::from(vec![123_456_789_012_345_678, -1, 0, 5, 7]).with_precision_and_scale(18, 2).unwrap()),
        Arc::new(
            Decimal128Array::from(vec![900_719_925_474_099_300, 900_719_925_474_099_301, 900_719_925_474_099_307, -1, 0])
                .with_precision_and_scale(19, 2)
                .unwrap(),
        ),
        Arc::new(
            Decimal128Array::from(vec![10_i128.pow(30), 10_i128.pow(30) + 1, -(10_i128.pow(37)), 3, 10_i128.pow(38) - 1])
                .with_precision_and_scale(38, 0)
                .unwrap(),
        ),
        Arc::new(
            Decimal128Array::from(vec![10_i128.pow(38) - 1, 1, -(10_i128.pow(38)) + 1, 12_345, 10_i128.pow(37)])
                .with_precision_and_scale(38, 38)
                .unwrap(),
        ),
        Arc::new(Float64Array::from(doubles.to_vec())),
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC")),
    ];
    for keys in columns {
        let place = Place::new();
        let ours = DeltaTable::create(&place.path(), batch(&keys, 0).schema(), fast()).await.unwrap();
        let mut theirs = deltalake_core::open_table(url::Url::from_directory_path(place.path()).unwrap()).await.unwrap();
        // Each row in a file of its own, so that its value is both bounds.
        for row in 0..keys.len() {
            let mut writer = RecordBatchWriter::for_table(&theirs).unwrap();
            writer.write(batch(&keys.slice(row, 1), row as i64)).await.unwrap();
            writer.flush_and_commit(&mut theirs).await.unwrap();
        }
        let snapshot = ours.snapshot().await.unwrap();
        assert!(snapshot.files().iter().all(|file| file.add().stats.is_some()), "deltalake writes statistics");
        for row in 0..keys.len() {
            let value = ScalarValue::try_from_array(&keys, row).unwrap();
            let stats = snapshot.files().iter().map(|file| file.add().stats.clone().unwrap()).collect::<Vec<_>>();
            assert_eq!(found(&ours, value.clone()).await, [row.to_string()], "{value} in {} of {stats:#?}", keys.data_type());
        }
    }
}

#[tokio::test]
async fn every_row_of_ours_is_found() {
    let columns: Vec<ArrayRef> = vec![
        decimal(123_456_789_012_345_678, 18, 2),
        decimal(12_345_678_901_234_567_890_123_456_789_012_345_678, 38, 38),
        Arc::new(Float64Array::from(vec![449.491_064_788_738_13])),
        Arc::new(Float64Array::from(vec![-945.270_695_553_922_3])),
        Arc::new(Float32Array::from(vec![0.1_f32])),
        Arc::new(StringArray::from(vec!["x".repeat(31) + "😀y"])),
    ];
    for keys in columns {
        let place = Place::new();
        let table = DeltaTable::create(&place.path(), batch(&keys, 0).schema(), fast()).await.unwrap();
        table.append(vec![batch(&keys, 7)], None).await.unwrap();
        let value = ScalarValue::try_from_array(&keys, 0).unwrap();
        assert_eq!(found(&table, value.clone()).await, ["7"], "{value} as {}", keys.data_type());
    }
}
