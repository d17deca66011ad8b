//! Reading and writing: modes, file formats, merges, and what a failed write leaves behind.

use expect_test::expect;
use tidemill::functions::{col, lit};
use tidemill::{DataFrame, ErrorKind, functions};

use crate::support::{clicks, grid, session};

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn modes_of_every_format() {
    let session = session();
    let rows = clicks(&session);
    for format in ["delta", "parquet", "json", "csv"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out").display().to_string();
        let write = |frame: &DataFrame, mode: &str| {
            let writer = frame.write().format(format).mode(mode);
            let writer = if format == "csv" { writer.option("header", true) } else { writer };
            let path = path.clone();
            async move { writer.save(&path).await }
        };
        let reader = || if format == "csv" { session.read().option("header", true) } else { session.read() };
        let count = || async { reader().format(format).load(&path).await.unwrap().count().await.unwrap() };
        write(&rows, "error").await.unwrap();
        assert_eq!(count().await, 6, "{format}");
        let error = write(&rows, "errorIfExists").await.unwrap_err();
        assert!(error.message().contains("exists already"), "{format}: {error}");
        write(&rows, "ignore").await.unwrap();
        assert_eq!(count().await, 6, "{format}");
        write(&rows, "append").await.unwrap();
        assert_eq!(count().await, 12, "{format}");
        write(&rows.limit(2), "overwrite").await.unwrap();
        assert_eq!(count().await, 2, "{format}");
        assert!(write(&rows, "apend").await.unwrap_err().message().contains("did you mean `append`?"));
        let back = reader().format(format).load(&path).await.unwrap();
        let first = back.order_by(["clicks"]);
        assert_eq!(first.to_json_rows().await.unwrap()[0]["userId"], "ann", "{format}");
    }
}

#[tokio::test]
async fn a_failed_write_leaves_no_file() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    let failing = clicks(&session).select([col("clicks") / (col("clicks") - col("clicks"))]);
    let error = failing.write().format("parquet").save(path.to_str().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert!(!path.exists());
    clicks(&session).write().format("json").save(path.to_str().unwrap()).await.unwrap();
    let written = names(&path);
    assert_eq!(written[0], "_SUCCESS");
    assert!(written[1..].iter().all(|name| name.starts_with("part-") && name.ends_with(".json")), "{written:?}");
}

#[tokio::test]
async fn tasks_write_files_of_so_many_rows_and_folders() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let rows = session.range(0, 1000).await.unwrap().select([col("id"), (col("id") % 300).alias("p")]);
    for (case, writer, files) in [
        ("as they come", rows.write().mode("overwrite"), 1),
        ("so many in a file", rows.write().mode("overwrite").option("maxRecordsPerFile", 300), 4),
        ("more than there are", rows.write().mode("overwrite").option("maxRecordsPerFile", 1000), 1),
        // More folders than an attempt has files open.
        ("a folder per value", rows.write().mode("overwrite").partition_by(["p"]), 300),
        ("at most three in a file of a folder", rows.write().mode("overwrite").partition_by(["p"]).option("maxRecordsPerFile", 3), 400),
    ] {
        for format in ["parquet", "json", "csv"] {
            let path = dir.path().join(format!("{}-{format}", case.replace(' ', "-"))).display().to_string();
            writer.clone().format(format).save(&path).await.unwrap();
            let schema = if case.contains("folder") { "id bigint, p int" } else { "id bigint, p bigint" };
            let back = session.read().schema(schema).unwrap().format(format).load(&path).await.unwrap();
            let sums = back.agg([functions::count(lit(1)).alias("n"), functions::sum("id").alias("id"), functions::sum("p").alias("p")]);
            let found = sums.to_json_rows().await.unwrap();
            assert_eq!((&found[0]["n"], &found[0]["id"]), (&1000.into(), &499_500.into()), "{case}, {format}");
            let expected: i64 = (0..1000).map(|id| id % 300).sum();
            assert_eq!(found[0]["p"], expected, "{case}, {format}");
            let data = back.input_files().await.unwrap();
            assert_eq!(data.len(), files, "{case}, {format}");
        }
    }
    let error = rows.write().format("json").option("maxRecordsPerFile", "many").save("/nowhere/at/all").await.unwrap_err();
    assert!(error.message().contains("maxRecordsPerFile"), "{error}");
}

#[tokio::test]
async fn a_folder_may_be_overwritten_with_what_is_read_from_it() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    session.range(0, 100).await.unwrap().write().format("parquet").save(&path).await.unwrap();
    for _ in 0..3 {
        let twice = session.read().parquet(&path).await.unwrap().select([(col("id") * 2).alias("id")]);
        twice.write().format("parquet").mode("overwrite").save(&path).await.unwrap();
    }
    let sum = session.read().parquet(&path).await.unwrap().agg([functions::sum("id").alias("s")]);
    assert_eq!(sum.to_json_rows().await.unwrap()[0]["s"], 4950 * 8);
}

#[tokio::test]
async fn a_transaction_writes_once() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    for _ in 0..3 {
        let writer = clicks(&session).write().mode("append").option("txnAppId", "job").option("txnVersion", 7);
        writer.save(&path).await.unwrap();
    }
    assert_eq!(session.read().delta(&path).await.unwrap().count().await.unwrap(), 6);
    let error = clicks(&session).write().mode("append").option("txnAppId", "job").save(&path).await.unwrap_err();
    assert!(error.message().contains("go together"), "{error}");
}

/// As in Spark, whose `save` on a path without a table makes version 0, a WRITE that says the mode.
#[tokio::test]
async fn a_new_table_holds_its_rows_from_its_first_version_on() {
    let session = session();
    for (mode, said) in [("error", "ErrorIfExists"), ("append", "Append"), ("overwrite", "Overwrite"), ("ignore", "Ignore")] {
        for (rows, count) in [(clicks(&session), 6u64), (clicks(&session).limit(0), 0)] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t").display().to_string();
            let writer = rows.write().mode(mode).partition_by(["country"]).option("txnAppId", "job").option("txnVersion", 1);
            writer.save(&path).await.unwrap();
            let table = session.table(&path);
            let history = table.history().await.unwrap();
            let versions: Vec<(u64, &str)> = history.iter().map(|h| (h.version, h.operation.as_str())).collect();
            assert_eq!(versions, [(0, "WRITE")], "{mode}: nobody has seen the table without its rows");
            let first = &history[0];
            assert_eq!(first.operation_parameters["mode"], said);
            assert_eq!(first.operation_parameters["partitionBy"], r#"["country"]"#);
            assert_eq!(first.operation_metrics["numOutputRows"], count.to_string(), "{mode}");
            assert_eq!(first.txns, [("job".to_owned(), 1)], "{mode}");
            assert_eq!(table.as_of_version(0).await.unwrap().count().await.unwrap(), count, "{mode}");
        }
    }
}

#[tokio::test]
async fn rows_that_a_table_cannot_hold_make_none() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t");
    let failing = clicks(&session).select([(col("clicks") / (col("clicks") - col("clicks"))).alias("ratio")]);
    for (rows, partition_by, kind) in [(failing, None, ErrorKind::Data), (clicks(&session), Some("nothing"), ErrorKind::Analysis)] {
        let error = rows.write().partition_by(partition_by).save(path.to_str().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!path.exists(), "{error}");
    }
}

#[tokio::test]
async fn merges() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("totals").display().to_string();
    let totals = clicks(&session).group_by(["userId"]).sum(&["clicks"]).with_column_renamed("sum(clicks)", "total");
    totals.write().save(&path).await.unwrap();
    let more = session
        .sql("SELECT 'ann' AS USERID, CAST(1 AS BIGINT) AS total UNION ALL SELECT 'bob', 50 UNION ALL SELECT 'dan', 3")
        .await
        .unwrap();
    let metrics =
        more.merge_into(&path, ["userid"]).when_matched_update(col("source.total").gt(col("TARGET.Total"))).merge().await.unwrap();
    assert_eq!((metrics.rows_updated, metrics.rows_inserted), (1, 1));
    let merged = session.read().delta(&path).await.unwrap().order_by(["userId"]);
    expect![[r#"
        +------+-----+
        |userId|total|
        +------+-----+
        |   ann|    9|
        |   bob|   50|
        |   cid| NULL|
        |   dan|    3|
        +------+-----+
    "#]]
    .assert_eq(&grid(&merged).await);
    let twice = more.union(&more).merge_into(&path, ["userId"]).merge().await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Data, "{twice}");
}

#[tokio::test]
async fn wrong_paths_and_options() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let error = session.read().parquet("/no/such/folder").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = session.read().format("parket").load("/tmp").await.unwrap_err();
    assert!(error.message().contains("did you mean `parquet`?"), "{error}");
    let error = session.read().option("headr", true).csv("/tmp").await.unwrap_err();
    assert!(error.message().contains("did you mean `header`?"), "{error}");
    let path = dir.path().join("t").display().to_string();
    clicks(&session).write().save(&path).await.unwrap();
    let error = session.read().parquet(&path).await.unwrap_err();
    assert!(error.message().contains("is a Delta table"), "{error}");
    let error = session.read().parquet("hdfs://host/x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    for (path, expected) in [("s3:///x", "names no bucket"), ("abfss://container/x", "names no account")] {
        let error = session.read().parquet(path).await.unwrap_err();
        assert!(error.message().contains(expected), "{error}");
        let error = clicks(&session).write().format("csv").save(path).await.unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
    for error in [
        session.read().delta("s3://bucket/x").await.unwrap_err(),
        clicks(&session).write().save("s3://bucket/x").await.unwrap_err(),
        async { session.sql("SELECT * FROM delta.`s3://bucket/x`").await?.count().await }.await.unwrap_err(),
        session.read_stream().schema("id BIGINT").unwrap().json("s3://bucket/x").unwrap_err(),
    ] {
        assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("s3://bucket/x"), "{error}");
    }
}

#[tokio::test]
async fn files_by_path_in_sql() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    for format in ["parquet", "json"] {
        let path = dir.path().join(format).display().to_string();
        clicks(&session).write().format(format).save(&path).await.unwrap();
        let sql = format!("SELECT USERID, sum(clicks) AS n FROM {format}.`{path}` WHERE clicks > 1 GROUP BY userid ORDER BY 1");
        let rows = session.sql(&sql).await.unwrap().to_json_rows().await.unwrap();
        assert_eq!(rows, [serde_json::json!({"USERID": "ann", "n": 9}), serde_json::json!({"USERID": "bob", "n": 5})], "{format}");
    }
}

#[tokio::test]
async fn json_with_a_schema_is_strict_and_loses_no_line() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("a.json"),
        "{\"id\":1,\"name\":\"x\"}\n{\"id\":\"2\"}\nnonsense\n{\"ID\":3}\n{\"id\":4,\"name\":null}\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("_hidden.json"), "{\"id\":9}\n").unwrap();
    let path = dir.path().display().to_string();
    let rows = session.read().schema("id BIGINT NOT NULL, name STRING").unwrap().json(&path).await.unwrap();
    let good = rows.order_by(["id"]).to_json_rows().await.unwrap();
    assert_eq!(good.first().unwrap(), &serde_json::json!({"id": 1, "name": "x"}));
    let malformed = rows.malformed_rows().order_by(["line"]).to_json_rows().await.unwrap();
    assert_eq!(good.len() + malformed.len(), 5);
    assert_eq!((&malformed[0]["line"], &malformed[0]["text"]), (&serde_json::json!(2), &serde_json::json!("{\"id\":\"2\"}")));
    assert!(malformed.iter().any(|row| row["text"] == "nonsense"));
}
