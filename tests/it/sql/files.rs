//! Folders of files: columns are those of all files, values are never cut to fit, and what does not go together is told by
//! file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use tidemill::ErrorKind;

use super::{answer, answers};
use crate::int96;
use crate::support::session;

/// Columns by file.
type Files = Vec<Vec<(&'static str, ArrayRef)>>;

fn parquet_file(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[tokio::test]
async fn json_has_the_columns_of_every_line_of_every_file() {
    for (files, expected) in [
        (vec!["{\"a\":1}\n{\"a\":2}", "{\"a\":3.5,\"b\":\"x\"}"], r#"[[1.0,null],[2.0,null],[3.5,"x"]] :: double, string"#),
        (vec!["{\"a\":\"12\"}"], r#"[["12"]] :: string"#),
        (
            vec!["{\"a\":{\"x\":[1]}}", "{\"a\":{\"y\":true}}"],
            r#"[[{"x":[1],"y":null}],[{"x":null,"y":true}]] :: struct<x:array<bigint>,y:boolean>"#,
        ),
        (vec!["{\"a\":1}", "{\"a\":\"12\"}"], "!0.json, line 1 and text in"),
        (vec!["GARBAGE"], "!no line is a JSON object"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        for (i, text) in files.iter().enumerate() {
            std::fs::write(dir.path().join(format!("{i}.json")), text).unwrap();
        }
        let order = if expected.contains("struct") { "" } else { " ORDER BY a" };
        answers(&session(), &[(&format!("SELECT * FROM json.`{}`{order}", dir.path().display()), expected)]).await;
    }
}

#[tokio::test]
async fn parquet_files_are_widened_united_or_refused() {
    let ints = |values: Vec<i32>| Arc::new(Int32Array::from(values)) as ArrayRef;
    let doubles = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let longs = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let texts = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let cases: [(Files, &str); 5] = [
        (vec![vec![("a", ints(vec![1, 2]))], vec![("a", doubles(vec![3.5]))]], "[[1.0],[2.0],[3.5]] :: double"),
        (
            vec![vec![("a", ints(vec![1]))], vec![("a", longs(vec![3_000_000_000])), ("b", texts(vec!["x"]))]],
            r#"[[1,null],[3000000000,"x"]] :: bigint, string"#,
        ),
        (vec![vec![("a", longs(vec![1]))], vec![("a", doubles(vec![3.5]))]], "!`a bigint` in"),
        (vec![vec![("a", longs(vec![1]))], vec![("a", texts(vec!["x"]))]], "!1.parquet"),
        (vec![vec![("a", longs(vec![1]))], vec![("A", longs(vec![2]))]], "!`A bigint` in"),
    ];
    for (files, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        for (i, columns) in files.into_iter().enumerate() {
            parquet_file(&dir.path().join(format!("{i}.parquet")), columns);
        }
        answers(&session(), &[(&format!("SELECT * FROM parquet.`{}` ORDER BY a", dir.path().display()), expected)]).await;
    }
    let dir = tempfile::tempdir().unwrap();
    parquet_file(&dir.path().join("0.parquet"), vec![("a", doubles(vec![3.5]))]);
    let path = dir.path().display().to_string();
    let error = session().read().schema("a INT").unwrap().parquet(&path).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.message().contains("0.parquet: column `a` is double"), "{error}");
    let wider = session().read().schema("a DOUBLE, b STRING").unwrap().parquet(&path).await.unwrap();
    assert_eq!(wider.to_json_rows().await.unwrap(), [serde_json::json!({ "a": 3.5, "b": null })]);
}

#[tokio::test]
async fn instants_of_another_zone_are_the_same_instants() {
    let berlin = || Arc::new(TimestampMillisecondArray::from(vec![1]).with_timezone("Europe/Berlin")) as ArrayRef;
    let dir = tempfile::tempdir().unwrap();
    parquet_file(&dir.path().join("0.parquet"), vec![("t", berlin())]);
    let session = session();
    let told = answer(&session, &format!("SELECT t, hour(t) AS h FROM parquet.`{}`", dir.path().display())).await.unwrap();
    assert_eq!(told, r#"[["1970-01-01 00:00:00.001",0]] :: timestamp, int"#);
    let rows = session.create_dataframe(vec![RecordBatch::try_from_iter([("t", berlin())]).unwrap()]).unwrap();
    assert_eq!(rows.to_json_rows().await.unwrap(), [serde_json::json!({ "t": "1970-01-01 00:00:00.001" })]);
}

#[tokio::test]
async fn int96_is_a_timestamp_of_any_year() {
    let dir = tempfile::tempdir().unwrap();
    int96::write(&dir.path().join("spark.parquet"));
    let (session, path) = (session(), dir.path().display().to_string());
    let rows = session.read().parquet(&path).await.unwrap().order_by(["id"]);
    int96::assert_times(&rows.collect().await.unwrap(), &[0, 1, 2, 3, 4]);
    for (id, (.., us)) in int96::TIMES.into_iter().enumerate() {
        let from = format!("FROM parquet.`{path}` WHERE");
        answers(
            &session,
            &[
                (&format!("SELECT id, unix_micros(t) AS t {from} t = timestamp_micros({us})"), &format!("[[{id},{us}]] :: bigint, bigint")),
                (&format!("SELECT id {from} s.t >= timestamp_micros({us}) AND s.t <= timestamp_micros({us})"), &format!("[[{id}]]")),
            ],
        )
        .await;
    }
    answers(
        &session,
        &[(
            &format!("SELECT t, s, l, two FROM parquet.`{path}` WHERE id = 0"),
            r#"[["9999-12-30 23:59:59.999999",{"n":0,"t":"9999-12-30 23:59:59.999999"},["9999-12-30 23:59:59.999999"],["9999-12-30 23:59:59.999999"]]] :: timestamp, struct<n:bigint,t:timestamp>, array<timestamp>, array<timestamp>"#,
        )],
    )
    .await;
}

/// What Spark's documentation says of the modes, but that a malformed line without a column for its text is left out.
#[tokio::test]
async fn lines_of_json_that_do_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l.json").display().to_string();
    std::fs::write(&path, "GARBAGE\n{\"a\":1,\"_corrupt_record\":\"x\"}\r\n\n{\"a\":\r\n{\"a\":2}").unwrap();
    std::fs::create_dir_all(dir.path().join("parts/p=1")).unwrap();
    std::fs::copy(&path, dir.path().join("parts/p=1/l.json")).unwrap();
    let kept = |bad: &str| format!(r#"[["GARBAGE",null],["{{\"a\":",null],[null,1],[null,2]] :: {bad}, bigint"#);
    let left_out = "[[1],[2]] :: bigint";
    let session = session();
    let file = format!("path '{path}'");
    let parts = format!("path '{}'", dir.path().join("parts").display());
    for (at, (columns, options, select, expected)) in [
        ("(a BIGINT, _corrupt_record STRING)", "", "_corrupt_record, a", kept("string")),
        ("(_corrupt_record STRING, a BIGINT)", ", mode 'Permissive'", "_corrupt_record, a", kept("string")),
        ("(a BIGINT, bad STRING)", ", columnNameOfCorruptRecord 'bad'", "bad, a", kept("string")),
        ("(a BIGINT, bad STRING)", ", columnNameOfCorruptRecord 'bad', mode 'DROPMALFORMED'", "a", left_out.to_owned()),
        ("(a BIGINT)", "", "a", left_out.to_owned()),
        ("(a BIGINT)", ", mode 'dropmalformed'", "a", left_out.to_owned()),
        ("(a BIGINT)", ", mode 'FAILFAST'", "a", "!l.json, line 1: ".to_owned()),
        ("(a BIGINT, bad STRING)", ", columnNameOfCorruptRecord 'bad'", "count(bad)", "[[2]] :: bigint".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        for (kind, place) in [("f", &file), ("p", &parts)] {
            let view = format!("{kind}{at}");
            session.sql(&format!("CREATE TEMPORARY VIEW {view} {columns} USING json OPTIONS ({place}{options})")).await.unwrap();
            let order = if select.starts_with("count") {
                String::new()
            } else {
                format!(" ORDER BY {}", select.rsplit(", ").collect::<Vec<_>>().join(", "))
            };
            answers(&session, &[(&format!("SELECT {select} FROM {view}{order}"), &expected)]).await;
        }
    }
    let inferred = format!("SELECT _corrupt_record, a FROM json.`{path}` ORDER BY a, _corrupt_record");
    let read = || session.read().option("columnNameOfCorruptRecord", "bad");
    // Where the data has a key of that name, the column is there already, and takes the text all the same.
    answers(&session, &[(&inferred, &kept("string"))]).await;
    assert_eq!(read().json(&path).await.unwrap().columns().unwrap(), ["_corrupt_record", "a", "bad"]);
    assert_eq!(read().option("mode", "DROPMALFORMED").json(&path).await.unwrap().columns().unwrap(), ["_corrupt_record", "a"]);
    let error = read().option("mode", "FAILFAST").json(&path).await.unwrap_err();
    assert_eq!(error.condition().unwrap().name, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "{error}");
    for (columns, option, says) in [
        ("a BIGINT", ("mode", "FAILFST"), "PERMISSIVE, DROPMALFORMED or FAILFAST"),
        ("a BIGINT, _corrupt_record INT", ("mode", "DROPMALFORMED"), "INVALID_CORRUPT_RECORD_TYPE"),
    ] {
        let error = session.read().option(option.0, option.1).schema(columns).unwrap().json(&path).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let rows = read().schema("a BIGINT, bad STRING").unwrap().json(&path).await.unwrap();
    assert_eq!((rows.count().await.unwrap(), rows.malformed_rows().count().await.unwrap()), (4, 0));
}

#[tokio::test]
async fn records_that_do_not_fit_are_told_with_their_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("good.csv"), "1,x\n").unwrap();
    std::fs::write(dir.path().join("bad.csv"), "2\n").unwrap();
    let read = |mode: &str| session().read().option("mode", mode).schema("a INT, b STRING").unwrap();
    let path = dir.path().display().to_string();
    let error = read("FAILFAST").csv(&path).await.unwrap().collect().await.unwrap_err();
    assert!(error.to_string().contains("/bad.csv: ") && error.message().contains("the record `2`"), "{error}");
    assert_eq!(error.condition().unwrap().name, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
    for (mode, rows) in [("PERMISSIVE", 2), ("DROPMALFORMED", 1)] {
        assert_eq!(
            read(mode).csv(&path).await.unwrap().collect().await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(),
            rows,
            "{mode}"
        );
    }
    let rows = session().read().schema("a INT, b STRING, _corrupt_record STRING").unwrap().csv(&path).await.unwrap();
    let texts = rows.order_by(["a"]).select(["_corrupt_record"]).to_json_rows().await.unwrap();
    assert_eq!(texts, [serde_json::json!({ "_corrupt_record": null }), serde_json::json!({ "_corrupt_record": "2" })]);
}
