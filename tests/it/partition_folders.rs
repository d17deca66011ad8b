//! Plain files in folders `a=1`, and lines of text: what is written is read, what others wrote is told by its folders, and folders that
//! contradict each other are refused.

use std::fs;
use std::path::Path;

use tidemill::functions::{col, lit};
use tidemill::{DataFrame, Error, Session, Trigger};

use crate::support::{clicks, session};

/// The rows as JSON, in the order of the text.
async fn sorted(frame: &DataFrame) -> Vec<String> {
    let mut rows: Vec<String> = frame.to_json_rows().await.unwrap().iter().map(ToString::to_string).collect();
    rows.sort();
    rows
}

fn condition(error: &Error) -> Option<&str> {
    error.condition().map(|condition| condition.name.as_str())
}

fn folders(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains('=')).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_written_by_columns_is_read_with_them() {
    let session = session();
    let rows = clicks(&session).with_column("day", lit("2026-01-31").cast("date"));
    for format in ["parquet", "json", "csv", "arrow"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out").display().to_string();
        let (written, read) = match format {
            "csv" => (vec![("header", "true")], vec![("header", "true"), ("inferSchema", "true")]),
            _ => (vec![], vec![]),
        };
        let write = |frame: &DataFrame, mode: &str| {
            frame.write().format(format).mode(mode).options(written.iter().copied()).partition_by(["country", "DAY"])
        };
        let read = || session.read().format(format).options(read.iter().copied());
        write(&rows, "error").save(&path).await.unwrap();
        assert!(!folders(Path::new(&path)).is_empty(), "{format}");
        let back = read().load(&path).await.unwrap();
        // Columns that folders stand for come last, a date is told from its text, and null has a folder.
        assert_eq!(back.schema().unwrap().fields().last().unwrap().data_type(), &arrow::datatypes::DataType::Date32, "{format}");
        let names = ["userId", "country", "clicks", "day"];
        assert_eq!(sorted(&back.select(names)).await, sorted(&rows.select(names)).await, "{format}");
        write(&rows, "append").save(&path).await.unwrap();
        assert_eq!(read().load(&path).await.unwrap().count().await.unwrap(), 12, "{format}");
        let some = rows.filter(col("clicks").gt(lit(2)));
        let kept = some.count().await.unwrap();
        write(&some, "overwrite").save(&path).await.unwrap();
        assert_eq!(read().load(&path).await.unwrap().count().await.unwrap(), kept, "{format}: all partitions are replaced");
    }
}

#[tokio::test]
async fn a_dynamic_overwrite_replaces_the_partitions_that_it_writes() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out").display().to_string();
    let part = |from: i64, to: i64, p: i32| {
        let session = session.clone();
        async move { session.range(from, to).await.unwrap().with_column("p", lit(p)) }
    };
    for p in [1, 2] {
        part(0, 10, p).await.write().mode("append").partition_by(["p"]).parquet(&path).await.unwrap();
    }
    session.sql("SET spark.sql.sources.partitionOverwriteMode = dynamic").await.unwrap();
    part(100, 103, 2).await.write().mode("overwrite").partition_by(["p"]).parquet(&path).await.unwrap();
    let counted = session.read().parquet(&path).await.unwrap().group_by(["p"]).count();
    assert_eq!(sorted(&counted).await, [r#"{"count":10,"p":1}"#, r#"{"count":3,"p":2}"#]);
}

/// A Parquet file of one row and column below a folder, put there by another hand.
async fn file(session: &Session, dir: &Path, below: &str, value: i32) {
    let aside = tempfile::tempdir().unwrap();
    let rows = session.range(0, 1).await.unwrap().select([lit(value).alias("v")]);
    rows.write().mode("append").parquet(aside.path().to_str().unwrap()).await.unwrap();
    fs::create_dir_all(dir.join(below)).unwrap();
    let made = fs::read_dir(aside.path()).unwrap().map(|entry| entry.unwrap());
    let made = made.filter(|entry| entry.file_name().to_string_lossy().starts_with("part-")).collect::<Vec<_>>();
    fs::copy(made[0].path(), dir.join(below).join(format!("{value}.parquet"))).unwrap();
}

#[tokio::test]
async fn folders_that_others_made() {
    let session = session();
    // (folders with a file each, the path that is read, options, the schema, or what the error says)
    type Case<'a> = (&'a [&'a str], &'a str, &'a [(&'a str, &'a str)], std::result::Result<&'a str, &'a str>);
    let cases: [Case<'_>; 11] = [
        (&["a=1", "a=2"], "", &[], Ok("v int, a int")),
        (&["a=1", "a=x%2Fy"], "", &[], Ok("v int, a string")),
        (&["a=1/b=2026-01-31", "a=__HIVE_DEFAULT_PARTITION__/b=2026-02-01"], "", &[], Ok("v int, a int, b date")),
        (&["sub/a=1", "sub/a=2"], "", &[], Ok("v int, a int")),
        (&["a=1", "a=2"], "a=1", &[], Ok("v int")),
        (&["a=1", "a=2"], "a=1", &[("basePath", "")], Ok("v int, a int")),
        // A column of the files that a folder stands for, too.
        (&["V=7"], "", &[], Ok("V int")),
        (&["a=1", "b=2"], "", &[], Err("in folders of")),
        (&["a=1", ""], "", &[], Err("in folders of no column")),
        (&["a=1/a=2"], "", &[], Err("two folders of the column `a`")),
        (&["=1"], "", &[], Err("a column without a name")),
    ];
    for (made, read, options, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        for (value, below) in made.iter().enumerate() {
            file(&session, dir.path(), below, value as i32).await;
        }
        let mut reader = session.read();
        for (name, below) in options {
            reader = reader.option(name, dir.path().join(below).display());
        }
        let found = reader.parquet(dir.path().join(read).to_str().unwrap()).await;
        match (found, expected) {
            (Ok(frame), Ok(schema)) => {
                let fields = columns_of(&frame);
                assert_eq!(fields, schema, "{made:?}");
                let files = if read.is_empty() { made.len() as u64 } else { 1 };
                assert_eq!(frame.count().await.unwrap(), files, "{made:?}");
            }
            (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{made:?}: {error}"),
            (found, expected) => panic!("{made:?}: {:?} in place of {expected:?}", found.map(|frame| columns_of(&frame))),
        }
    }
}

fn columns_of(frame: &DataFrame) -> String {
    frame.dtypes().unwrap().into_iter().map(|(name, data_type)| format!("{name} {data_type}")).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_declared_schema_says_the_types_of_folders() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    file(&session, dir.path(), "a=01", 1).await;
    let path = dir.path().to_str().unwrap();
    let read = |ddl: &str| session.read().schema(ddl).unwrap();
    let frame = read("a STRING, v INT").parquet(path).await.unwrap();
    assert_eq!(sorted(&frame).await, [r#"{"a":"01","v":1}"#]);
    let error = read("a DATE, v INT").parquet(path).await.unwrap_err();
    assert_eq!(condition(&error), Some("INVALID_PARTITION_VALUE"), "{error}");
    session.sql("SET spark.sql.sources.partitionColumnTypeInference.enabled = false").await.unwrap();
    assert_eq!(sorted(&session.read().parquet(path).await.unwrap()).await, [r#"{"a":"01","v":1}"#]);
}

#[tokio::test]
async fn a_table_and_a_view_over_folders_have_their_columns() {
    let (dir, warehouse) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let session = crate::catalog::session(warehouse.path());
    file(&session, dir.path(), "a=1", 1).await;
    let path = dir.path().display();
    session.sql(&format!("CREATE TEMPORARY VIEW seen USING parquet OPTIONS (path '{path}')")).await.unwrap();
    session.sql(&format!("CREATE TABLE kept USING parquet LOCATION '{path}'")).await.unwrap();
    let direct = format!("parquet.`{path}`");
    for (insert, rows) in [(None, vec![r#"{"a":1,"v":1}"#]), (Some("(2, 2)"), vec![r#"{"a":1,"v":1}"#, r#"{"a":2,"v":2}"#])] {
        if let Some(values) = insert {
            session.sql(&format!("INSERT INTO kept VALUES {values}")).await.unwrap();
        }
        for name in ["seen", "kept", &direct] {
            let found = session.sql(&format!("SELECT * FROM {name} WHERE a > 0")).await.unwrap();
            assert_eq!(sorted(&found).await, rows, "{name}");
        }
    }
    file(&session, dir.path(), "b=1", 3).await;
    let error = session.sql("SELECT * FROM seen").await.unwrap().count().await.unwrap_err();
    assert_eq!(condition(&error), Some("CONFLICTING_PARTITION_COLUMN_NAMES"), "{error}");
}

#[tokio::test]
async fn an_empty_folder_has_no_rows_of_the_columns_that_are_declared() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    for format in ["parquet", "json", "csv", "text"] {
        let column = if format == "text" { "line STRING" } else { "a INT, b DOUBLE" };
        let frame = session.read().format(format).schema(column).unwrap().load(path).await.unwrap();
        assert_eq!(frame.count().await.unwrap(), 0, "{format}");
        let undeclared = session.read().format(format).load(path).await;
        match format {
            "text" => assert_eq!(undeclared.unwrap().count().await.unwrap(), 0),
            _ => assert_eq!(condition(&undeclared.unwrap_err()), Some("UNABLE_TO_INFER_SCHEMA"), "{format}"),
        }
    }
}

#[tokio::test]
async fn lines_of_text() {
    let dir = tempfile::tempdir().unwrap();
    let session = crate::catalog::session(&dir.path().join("warehouse"));
    let path = dir.path().join("out").display().to_string();
    let lines = session.sql("SELECT * FROM VALUES ('a,\"b'), (''), (NULL), ('ü') AS t (line)").await.unwrap();
    lines.write().text(&path).await.unwrap();
    let back = session.read().text(&path).await.unwrap();
    // Null is written as an empty line, as in Spark.
    assert_eq!(sorted(&back).await, [r#"{"value":""}"#, r#"{"value":""}"#, r#"{"value":"a,\"b"}"#, r#"{"value":"ü"}"#]);
    fs::write(dir.path().join("dos.txt"), "one\r\ntwo\n\nlast").unwrap();
    let dos = session.read().text(dir.path().join("dos.txt").to_str().unwrap()).await.unwrap();
    assert_eq!(sorted(&dos).await, [r#"{"value":""}"#, r#"{"value":"last"}"#, r#"{"value":"one"}"#, r#"{"value":"two"}"#]);
    for (frame, says) in
        [(lines.with_column("n", lit(1)), "one column of lines, not 2"), (lines.select([lit(1).alias("n")]), "hold no int")]
    {
        let error = frame.write().mode("overwrite").text(&path).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    lines.with_column("n", lit(1)).write().mode("overwrite").partition_by(["n"]).text(&path).await.unwrap();
    assert_eq!(session.read().text(&path).await.unwrap().filter(col("n").eq(lit(1))).count().await.unwrap(), 4);
    let error = session.read().schema("a INT").unwrap().text(&path).await.unwrap_err();
    assert!(error.to_string().contains("hold no int"), "{error}");
    let error = session.sql("CREATE TABLE lines (a STRING, b STRING) USING text").await.map(drop).unwrap_err();
    assert!(error.to_string().contains("one column of lines, not 2"), "{error}");
}

#[tokio::test]
async fn what_is_known_of_folders_is_true_of_their_rows() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let rows = session.sql("SELECT * FROM VALUES (1, 1), (2, NULL), (3, NULL) AS t (v, p)").await.unwrap();
    rows.write().mode("append").partition_by(["p"]).parquet(path).await.unwrap();
    // A file without rows lies in a folder of its own.
    rows.filter(lit(false)).select(["v"]).write().parquet(dir.path().join("p=9").to_str().unwrap()).await.unwrap();
    // Each alone: beside others it is not told without the rows.
    for (of, expected) in [("count(p)", 1), ("max(p)", 1), ("min(p)", 1), ("count(*)", 3), ("count(DISTINCT p)", 1), ("sum(p)", 1)] {
        let found = session.sql(&format!("SELECT {of} AS found FROM parquet.`{path}`")).await.unwrap();
        assert_eq!(found.to_json_rows().await.unwrap()[0]["found"], expected, "{of}");
    }
}

#[tokio::test]
async fn lines_that_do_not_fit_are_to_be_had_from_folders_too() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("p=1")).unwrap();
    fs::write(dir.path().join("p=1/a.json"), "{\"n\": 1}\n{\"n\": \n").unwrap();
    let read = session.read().schema("n INT").unwrap().json(dir.path().to_str().unwrap()).await.unwrap();
    assert_eq!(sorted(&read).await, [r#"{"n":1,"p":1}"#]);
    assert_eq!(read.malformed_rows().count().await.unwrap(), 1);
}

#[tokio::test]
async fn rows_go_into_the_folders_that_are_there() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out").display().to_string();
    let rows = session.range(0, 4).await.unwrap().with_column("p", lit(1)).with_column("q", lit(2));
    rows.write().partition_by(["p"]).parquet(&path).await.unwrap();
    for by in [&[][..], &["q"], &["p", "q"]] {
        let error = rows.write().mode("append").partition_by(by.iter().copied()).parquet(&path).await.unwrap_err();
        assert_eq!(condition(&error), Some("CONFLICTING_PARTITION_COLUMN_NAMES"), "{by:?}: {error}");
    }
    rows.write().mode("append").partition_by(["P"]).parquet(&path).await.unwrap();
    let dynamic = rows.limit(1).write().mode("overwrite").option("partitionOverwriteMode", "dynamic").partition_by(["p"]);
    dynamic.parquet(&path).await.unwrap();
    assert_eq!(session.read().parquet(&path).await.unwrap().count().await.unwrap(), 1);
    let stream = session.read_stream().format("parquet").schema("id BIGINT").unwrap().load(&path).unwrap();
    let checkpoint = dir.path().join("checkpoint").display().to_string();
    let table = dir.path().join("table").display().to_string();
    let query = stream.write_stream().option("checkpointLocation", &checkpoint).trigger(Trigger::available_now()).option("path", &table);
    let error = match query.start().await {
        Ok(query) => query.await_termination().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("stands for a column"), "{error}");
}
