//! Files of Arrow IPC: what other programs write is read in both framings and in Spark's types, what is written is what Arrow's own reader
//! reads, and files that are damaged or of other columns are told by name.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date64Array, DictionaryArray, FixedSizeListArray, Int32Array, Int64Array, LargeStringArray, NullArray,
    RecordBatch, StringViewArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use serde_json::json;
use tidemill::ErrorKind;

use crate::support::{clicks, session};

/// A file of another program's.
fn file(path: &Path, batches: &[RecordBatch], streams: bool, compression: Option<CompressionType>) {
    let (file, schema) = (File::create(path).unwrap(), batches[0].schema());
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    if streams {
        let mut writer = StreamWriter::try_new_with_options(file, &schema, options).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
    } else {
        let mut writer = FileWriter::try_new_with_options(file, &schema, options).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
    }
}

/// A column of numbers.
fn numbers(from: i64, to: i64) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(from..to)) as ArrayRef)]).unwrap()
}

/// Columns in types that Spark does not have.
fn foreign() -> RecordBatch {
    let pairs = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), Some(2)]), None], 2);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unsigned", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("a text that does not fit into a view"), None]))),
        ("large", Arc::new(LargeStringArray::from(vec![None, Some("ü")]))),
        ("coded", Arc::new(DictionaryArray::<Int32Type>::from_iter(["x", "x"]))),
        ("zoned", Arc::new(TimestampNanosecondArray::from(vec![Some(1_500_000), None]).with_timezone("Europe/Berlin"))),
        ("day", Arc::new(Date64Array::from(vec![Some(86_400_000), None]))),
        ("pair", Arc::new(pairs)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

#[tokio::test]
async fn files_of_other_programs_in_both_framings() {
    let session = session();
    for streams in [false, true] {
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            let dir = tempfile::tempdir().unwrap();
            let rows = foreign();
            file(&dir.path().join("0.arrow"), &[rows.clone(), rows.slice(1, 1)], streams, compression);
            let path = dir.path().display().to_string();
            let read = session.read().format("arrow").load(&path).await.unwrap();
            let types: Vec<String> = read.dtypes().unwrap().into_iter().map(|(_, of)| of).collect();
            assert_eq!(
                types,
                ["decimal(20,0)", "string", "string", "string", "timestamp", "date", "array<int>"],
                "{streams} {compression:?}"
            );
            let first = json!({
                "unsigned": "18446744073709551615", "view": "a text that does not fit into a view", "large": null, "coded": "x",
                "day": "1970-01-02", "pair": [1, 2],
            });
            let rows = read.drop(["zoned"]).to_json_rows().await.unwrap();
            assert_eq!(rows.len(), 3);
            assert_eq!(rows[0], first, "{streams} {compression:?}");
            assert_eq!((&rows[2]["coded"], &rows[2]["large"], &rows[2]["pair"]), (&json!("x"), &json!("ü"), &json!(null)));
            let micros = read.select_expr(["unix_micros(zoned)"]).collect().await.unwrap();
            assert_eq!(micros.iter().find(|batch| batch.num_rows() > 0).unwrap().column(0).as_primitive::<Int64Type>().value(0), 1_500);
            assert_eq!(read.count().await.unwrap(), 3);
        }
    }
}

#[tokio::test]
async fn columns_are_found_by_name_and_no_file_needs_all() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let ints = |values: Vec<i32>| Arc::new(Int32Array::from(values)) as ArrayRef;
    let texts = Arc::new(StringViewArray::from(vec!["x"])) as ArrayRef;
    file(&dir.path().join("0.arrow"), &[RecordBatch::try_from_iter([("a", ints(vec![1])), ("b", texts)]).unwrap()], false, None);
    let longs = Arc::new(Int64Array::from(vec![3_000_000_000])) as ArrayRef;
    file(&dir.path().join("1.arrow"), &[RecordBatch::try_from_iter([("c", ints(vec![7])), ("a", longs)]).unwrap()], true, None);
    let path = dir.path().display().to_string();
    let read = session.read().format("arrow").load(&path).await.unwrap().sort(["a"]);
    let expected = [json!({ "a": 1, "b": "x", "c": null }), json!({ "a": 3_000_000_000_i64, "b": null, "c": 7 })];
    assert_eq!(read.to_json_rows().await.unwrap(), expected);
    assert_eq!(read.select(["c"]).to_json_rows().await.unwrap(), [json!({ "c": null }), json!({ "c": 7 })]);
    let given = session.read().format("arrow").schema("c INT, d STRING").unwrap().load(&path).await.unwrap();
    assert_eq!(given.filter(tidemill::functions::col("c").is_not_null()).to_json_rows().await.unwrap(), [json!({ "c": 7, "d": null })]);
    let sql = session.sql(&format!("SELECT sum(a) AS s FROM arrow.`{path}`")).await.unwrap();
    assert_eq!(sql.to_json_rows().await.unwrap(), [json!({ "s": 3_000_000_001_i64 })]);
}

#[tokio::test]
async fn folders_of_which_one_stands_for_null_are_read_by_one_task() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    // The largest file is read first.
    for (folder, rows) in [("p=__HIVE_DEFAULT_PARTITION__", 1), ("p=a", 400), ("p=b", 300), ("p=c", 200)] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
        file(&dir.path().join(folder).join("0.arrow"), &[numbers(0, rows)], false, None);
    }
    let path = dir.path().display();
    let sql = format!("SELECT n, p FROM (SELECT * FROM arrow.`{path}` ORDER BY n, p) WHERE n = 0");
    let rows = session.sql(&sql).await.unwrap().to_json_rows().await.unwrap();
    let row = |p: Option<&str>| json!({ "n": 0, "p": p });
    assert_eq!(rows, [row(None), row(Some("a")), row(Some("b")), row(Some("c"))]);
    let all = session.read().format("arrow").load(&path.to_string()).await.unwrap();
    assert_eq!(all.repartition(1).sort(["n", "p"]).to_json_rows().await.unwrap().len(), 901);
}

#[tokio::test]
async fn a_large_file_is_read_by_several_tasks_once() {
    let session = session();
    let rows = 2_400_000_i64;
    for streams in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let batches: Vec<RecordBatch> = (0..24).map(|at| numbers(at * 100_000, (at + 1) * 100_000)).collect();
        file(&dir.path().join("0.arrow"), &batches, streams, None);
        let read = session.read().format("arrow").load(dir.path().to_str().unwrap()).await.unwrap();
        let answer = read.select_expr(["count(n) AS c", "sum(n) AS s", "max(n) AS m"]).to_json_rows().await.unwrap();
        assert_eq!(answer, [json!({ "c": rows, "s": rows * (rows - 1) / 2, "m": rows - 1 })], "{streams}");
    }
}

#[tokio::test]
async fn what_is_written_is_read_by_arrow_itself() {
    let session = session();
    for (compression, name) in [(None, "none"), (Some("lz4"), "lz4"), (Some("ZSTD"), "zstd")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out").display().to_string();
        let mut writer = clicks(&session).sort(["clicks"]).coalesce(1).write().format("arrow");
        if let Some(compression) = compression {
            writer = writer.option("compression", compression);
        }
        writer.save(&path).await.unwrap();
        let files = written(&path);
        let rows: Vec<RecordBatch> = FileReader::try_new(File::open(&files[0]).unwrap(), None).unwrap().map(Result::unwrap).collect();
        let numbers: Vec<Option<i64>> = rows.iter().flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().iter()).collect();
        assert_eq!((files.len(), numbers), (1, vec![None, Some(1), Some(2), Some(3), Some(4), Some(5)]), "{name}");
        assert!(rows[0].schema().fields().iter().all(|field| field.is_nullable()));
    }
    // Where there are no rows, a file stands for the columns.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none").display().to_string();
    clicks(&session).limit(0).write().format("arrow").save(&path).await.unwrap();
    let read = session.read().format("arrow").load(&path).await.unwrap();
    assert_eq!((read.columns().unwrap(), read.count().await.unwrap()), (["userId", "clicks", "country"].map(str::to_owned).to_vec(), 0));
    for (option, value, says) in
        [("compression", "snappy", "`none`, `lz4` or `zstd`"), ("compresion", "zstd", "did you mean `compression`")]
    {
        let refused = clicks(&session).write().format("arrow").option(option, value).save(dir.path().join("no").to_str().unwrap()).await;
        assert!(refused.unwrap_err().message().contains(says), "{option}");
    }
}

fn written(path: &str) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "arrow")).collect()
}

#[tokio::test]
async fn a_table_of_arrow_files() {
    let dir = tempfile::tempdir().unwrap();
    let session = crate::catalog::session(dir.path());
    session.sql("CREATE TABLE t (a INT, v VARCHAR(3), p STRING) USING arrow PARTITIONED BY (p)").await.unwrap();
    session.sql("INSERT INTO t VALUES (1, 'x', 'one'), (2, NULL, 'two')").await.unwrap();
    session.sql("INSERT INTO t PARTITION (p = 'one') VALUES (3, 'y')").await.unwrap();
    let rows = session.sql("SELECT * FROM t WHERE p = 'one' ORDER BY a").await.unwrap().to_json_rows().await.unwrap();
    assert_eq!(rows, [json!({ "a": 1, "v": "x", "p": "one" }), json!({ "a": 3, "v": "y", "p": "one" })]);
    session.sql("INSERT OVERWRITE t PARTITION (p = 'one') SELECT 9, 'z'").await.unwrap();
    let rows = session.sql("SELECT a FROM t ORDER BY a").await.unwrap().to_json_rows().await.unwrap();
    assert_eq!(rows, [json!({ "a": 2 }), json!({ "a": 9 })]);
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told_by_name() {
    let session = session();
    let whole = |streams: bool| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.arrow");
        file(&path, &[numbers(0, 1000), numbers(1000, 2000)], streams, None);
        std::fs::read(path).unwrap()
    };
    let (file_bytes, stream_bytes) = (whole(false), whole(true));
    let mut torn = file_bytes.clone();
    // What describes the first batch: it comes after the magic word, filled up to 64 bytes, and the schema with its length.
    let at = 72 + i32::from_le_bytes(file_bytes[68..72].try_into().unwrap()) as usize;
    torn[at..at + 120].fill(0xee);
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("short.arrow", file_bytes[..file_bytes.len() - 20].to_vec(), "short.arrow"),
        ("short_stream.arrow", stream_bytes[..stream_bytes.len() - 500].to_vec(), "short_stream.arrow"),
        ("torn.arrow", torn, "torn.arrow"),
        ("text.arrow", b"a,b\n1,2\n".to_vec(), "another format's"),
        ("old.arrow", b"FEA1 and more".to_vec(), "write it anew as version 2"),
        ("tiny.arrow", b"ARROW1".to_vec(), "tiny.arrow"),
    ];
    for (name, bytes, says) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let read = session.read().format("arrow").schema("n BIGINT").unwrap().load(path.to_str().unwrap()).await;
        let error = match read {
            Ok(frame) => frame.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.kind() == ErrorKind::Data && error.message().contains(says) && error.message().contains(name), "{name}: {error}");
    }
    // A file of no bytes has no rows.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("0.arrow"), b"").unwrap();
    file(&dir.path().join("1.arrow"), &[numbers(0, 3)], false, None);
    assert_eq!(session.read().format("arrow").load(dir.path().to_str().unwrap()).await.unwrap().count().await.unwrap(), 3);
}

#[tokio::test]
async fn a_damaged_length_of_a_compressed_buffer_asks_for_no_memory() {
    let session = session();
    for (streams, compression) in
        [false, true].into_iter().flat_map(|streams| [CompressionType::LZ4_FRAME, CompressionType::ZSTD].map(|of| (streams, of)))
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.arrow");
        file(&path, &[numbers(0, 100_000)], streams, Some(compression));
        let read = async || session.read().format("arrow").load(path.to_str().unwrap()).await.unwrap().collect().await;
        let rows: usize = read().await.unwrap().iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 100_000);
        let whole = std::fs::read(&path).unwrap();
        let length = 800_000_i64.to_le_bytes();
        let places: Vec<usize> = (0..whole.len() - 8).filter(|at| whole[*at..].starts_with(&length)).collect();
        assert_eq!(places.len(), 1, "{streams} {compression:?}");
        for damaged in [1_i64 << 40, 1 << 60, i64::MAX, 800_001, i64::MIN] {
            let mut bytes = whole.clone();
            bytes[places[0]..places[0] + 8].copy_from_slice(&damaged.to_le_bytes());
            std::fs::write(&path, bytes).unwrap();
            let error = read().await.unwrap_err();
            assert!(error.kind() == ErrorKind::Data && error.message().contains("0.arrow"), "{streams} {compression:?} {damaged}: {error}");
            assert_eq!(error.message().contains("a length is damaged"), damaged > 800_001, "{error}");
        }
    }
}

#[tokio::test]
async fn columns_of_other_types_are_told_by_file_and_name() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.arrow");
    file(&path, &[numbers(0, 3)], false, None);
    let given = session.read().format("arrow").schema("n DATE").unwrap().load(path.to_str().unwrap()).await.unwrap_err();
    assert!(given.kind() == ErrorKind::Data && given.message().contains("0.arrow: column `n` is bigint"), "{given}");
    let texts = Arc::new(StringViewArray::from(vec!["x"])) as ArrayRef;
    file(&dir.path().join("1.arrow"), &[RecordBatch::try_from_iter([("n", texts)]).unwrap()], false, None);
    let apart = session.read().format("arrow").load(dir.path().to_str().unwrap()).await.unwrap_err();
    assert!(apart.kind() == ErrorKind::Data && apart.message().contains("1.arrow"), "{apart}");
    // A moment that microseconds do not hold.
    let seconds = arrow::array::TimestampSecondArray::from(vec![i64::MAX / 10]);
    let far = dir.path().join("far.arrow");
    file(&far, &[RecordBatch::try_from_iter([("t", Arc::new(seconds) as ArrayRef)]).unwrap()], false, None);
    let error = session.read().format("arrow").load(far.to_str().unwrap()).await.unwrap().collect().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.message().contains("far.arrow: column `t`"), "{error}");
    // A column that nobody asks for need not be one of Spark's.
    let odd = dir.path().join("odd.arrow");
    let unions = arrow::array::new_empty_array(&DataType::Union(
        [(0, Arc::new(Field::new("i", DataType::Int32, true)))].into_iter().collect(),
        arrow::datatypes::UnionMode::Sparse,
    ));
    let none = RecordBatch::try_from_iter_with_nullable([
        ("u", unions, true),
        ("n", Arc::new(Int64Array::from(Vec::<i64>::new())) as ArrayRef, true),
        ("nothing", Arc::new(NullArray::new(0)) as ArrayRef, true),
    ])
    .unwrap();
    assert_eq!(none.column(2).len(), 0);
    file(&odd, &[none], false, None);
    let error = session.read().format("arrow").load(odd.to_str().unwrap()).await.unwrap_err();
    assert!(error.message().contains("odd.arrow: column `u`"), "{error}");
    let read = session.read().format("arrow").schema("n BIGINT").unwrap().load(odd.to_str().unwrap()).await.unwrap();
    assert_eq!(read.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_stream_of_arrow_files_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let error = session().read_stream().format("arrow").load(dir.path().to_str().unwrap()).unwrap_err();
    assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("stream `json` or `parquet`"), "{error}");
}
