//! Delta tables written by the tasks of a query: the driver holds no rows, one commit names all files, and a kill leaves what was there.

use tidemill::functions::{col, count, lit, sum};
use tidemill::{DataFrame, ErrorKind, Session};

use crate::support::session;

/// The number of rows, and the sum of a column.
async fn sums(frame: &DataFrame, column: &str) -> (i64, i64) {
    let rows = frame.agg([count(lit(1)).alias("n"), sum(column).alias("s")]).to_json_rows().await.unwrap();
    (rows[0]["n"].as_i64().unwrap(), rows[0]["s"].as_i64().unwrap_or_default())
}

/// The sum of the numbers below `n`.
fn below(n: i64) -> i64 {
    n * (n - 1) / 2
}

/// The data files in a folder, in the order of their names.
fn data_files(folder: &str) -> Vec<String> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let mut files: Vec<String> = paths.filter(|path| path.ends_with(".parquet")).collect();
    files.sort();
    files
}

async fn metric(session: &Session, path: &str, name: &str) -> String {
    session.table(path).history().await.unwrap()[0].operation_metrics[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_task_writes_files_and_one_commit_names_them() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let rows = session.range(0, 1000).await.unwrap().select([col("id"), (col("id") % 300).alias("p")]);
    for (case, writer, files) in [
        ("one task", rows.write(), 1),
        ("four tasks", rows.repartition(4).write(), 4),
        ("more tasks than rows", rows.filter(col("id").lt(2)).repartition(4).write(), 2),
        ("so many rows in a file", rows.write().option("maxRecordsPerFile", 300), 4),
        // More partitions than an attempt has files open.
        ("a file per partition", rows.write().partition_by(["p"]), 300),
        ("at most three rows in a file of a partition", rows.write().partition_by(["p"]).option("maxRecordsPerFile", 3), 400),
    ] {
        let path = dir.path().join(case.replace(' ', "-")).display().to_string();
        writer.save(&path).await.unwrap();
        let back = session.read().delta(&path).await.unwrap();
        let n = if case.starts_with("more") { 2 } else { 1000 };
        assert_eq!(sums(&back, "id").await, (n, below(n)), "{case}");
        assert_eq!(sums(&back, "p").await.1, (0..n).map(|id| id % 300).sum::<i64>(), "{case}");
        assert_eq!(back.input_files().await.unwrap().len(), files, "{case}");
        assert_eq!(metric(&session, &path, "numFiles").await, files.to_string(), "{case}");
        assert_eq!(metric(&session, &path, "numOutputRows").await, n.to_string(), "{case}");
        assert_eq!(session.table(&path).history().await.unwrap().len(), 1, "{case}");
    }
    let error = rows.write().option("maxRecordsPerFile", "many").save("/nowhere/at/all").await.unwrap_err();
    assert!(error.message().contains("maxRecordsPerFile"), "{error}");
}

#[tokio::test]
async fn sorted_rows_are_written_in_their_order() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    let sorted = session.range_by(0, 20_000, 1, Some(4)).order_by([col("id").desc()]);
    sorted.write().option("maxRecordsPerFile", 3000).save(&path).await.unwrap();
    let files = data_files(&path);
    assert_eq!(files.len(), 7);
    let mut found = Vec::new();
    for file in files {
        let rows = session.read().parquet(&file).await.unwrap().to_json_rows().await.unwrap();
        found.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
    }
    assert_eq!(found, (0..20_000).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn more_rows_are_written_than_the_driver_may_hold() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::builder()
        .config("spark.sql.warehouse.dir", dir.path().join("warehouse").display().to_string())
        .config("spark.driver.maxResultSize", "1m")
        .config("tidemill.memoryBytes", "16MB")
        .parallelism(2)
        .build()
        .unwrap();
    let n = 400_000;
    let rows = session.range(0, n).await.unwrap();
    let error = rows.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resources, "the driver does not hold them: {error}");
    rows.create_or_replace_temp_view("numbers").unwrap();
    let path = dir.path().join("t").display().to_string();
    for mode in ["error", "append", "overwrite"] {
        rows.write().mode(mode).save(&path).await.unwrap();
    }
    assert_eq!(sums(&session.read().delta(&path).await.unwrap(), "id").await, (n, below(n)));
    rows.write().format("delta").save_as_table("saved").await.unwrap();
    rows.write().format("delta").mode("append").save_as_table("saved").await.unwrap();
    for statement in [
        "CREATE TABLE made USING delta AS SELECT id FROM numbers",
        "INSERT INTO made SELECT id FROM numbers",
        "CREATE TABLE overwritten (id BIGINT) USING delta",
        "INSERT OVERWRITE TABLE overwritten SELECT id FROM numbers",
    ] {
        session.sql(statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    for (table, times) in [("saved", 2), ("made", 2), ("overwritten", 1)] {
        let frame = session.sql(&format!("SELECT id FROM {table}")).await.unwrap();
        assert_eq!(sums(&frame, "id").await, (times * n, times * below(n)), "{table}");
    }
}

#[tokio::test]
async fn a_table_of_a_query_is_one_commit_and_its_replacement_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let session = crate::catalog::session(dir.path());
    let operations = async || {
        let history = session.table_named("t").await.unwrap().history().await.unwrap();
        history.iter().map(|entry| (entry.version, entry.operation.clone())).collect::<Vec<_>>()
    };
    session.sql("CREATE TABLE t USING delta AS SELECT id FROM range(10) WHERE id > 2").await.unwrap();
    assert_eq!(operations().await, [(0, "WRITE".to_owned())]);
    session.sql("INSERT INTO t SELECT id + 100 FROM t").await.unwrap();
    session.sql("INSERT OVERWRITE t SELECT id FROM t WHERE id > 100").await.unwrap();
    let found = session.sql("SELECT id FROM t").await.unwrap();
    assert_eq!(sums(&found, "id").await, (7, 700 + 42));
    assert_eq!(operations().await.len(), 3);
    let path = dir.path().join("by_path").display().to_string();
    session.sql(&format!("CREATE TABLE delta.`{path}` USING delta AS SELECT 1 AS a")).await.unwrap();
    session.sql(&format!("CREATE OR REPLACE TABLE delta.`{path}` USING delta AS SELECT 'x' AS b, a FROM delta.`{path}`")).await.unwrap();
    let rows = session.sql(&format!("SELECT * FROM delta.`{path}`")).await.unwrap().to_json_rows().await.unwrap();
    assert_eq!(rows, [serde_json::json!({"b": "x", "a": 1})]);
    assert_eq!(session.table(&path).history().await.unwrap()[0].operation, "CREATE OR REPLACE TABLE AS SELECT");
}

#[tokio::test]
async fn of_appends_at_once_each_lands_and_of_those_that_fail_nothing_stays() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    let mut frames = Vec::new();
    for n in 0..6 {
        frames.push(session.range(n * 1000, (n + 1) * 1000).await.unwrap().repartition(2));
    }
    let place = path.as_str();
    let saves = frames.iter().map(|frame| async move { frame.write().mode("append").save(place).await });
    futures::future::join_all(saves).await.into_iter().for_each(|saved| saved.unwrap());
    let table = session.table(&path);
    assert_eq!(sums(&table.to_df().await.unwrap(), "id").await, (6000, below(6000)));
    assert_eq!(table.history().await.unwrap().len(), 6);
    let before = data_files(&path);
    // The division fails in the last of many rows, when a task has written most of them.
    let failing = session.range_by(0, 100_000, 1, Some(1)).select([(col("id") / (col("id") - 99_999)).cast("bigint").alias("id")]);
    for mode in ["append", "overwrite"] {
        let error = failing.write().mode(mode).save(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert_eq!(data_files(&path), before, "{mode}");
    }
    assert_eq!(table.history().await.unwrap().len(), 6);
}

#[cfg(feature = "failpoints")]
mod killed {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    const SIGABRT: i32 = 6;

    /// Tells the process that is killed where it dies, and what to save where.
    const SAVE: &str = "TIDEMILL_TEST_DELTA_SAVE";

    /// Where a save dies, and whether its rows are in the table by then.
    const DEATHS: [(&str, bool); 3] =
        [("lakehouse::write.pushed", false), ("lakehouse::write.before_commit", false), ("lakehouse::log.linked", true)];

    #[tokio::test]
    #[ignore = "it is the process that the next tests kill"]
    async fn save() {
        let Ok(told) = std::env::var(SAVE) else { return };
        let [death, mode, path] = told.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
        let _armed = fail::FailScenario::setup();
        fail::cfg_callback(death, || std::process::abort()).unwrap();
        session().range(1000, 2000).await.unwrap().write().mode(mode).save(path).await.unwrap();
    }

    fn save_and_die(death: &str, mode: &str, path: &str) {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["delta_writes::killed::save", "--exact", "--ignored"])
            .env(SAVE, format!("{death} {mode} {path}"))
            .output()
            .unwrap();
        assert_eq!(ended.status.signal(), Some(SIGABRT), "{mode}: {death} was not reached: {ended:?}");
    }

    #[tokio::test]
    async fn a_killed_overwrite_leaves_all_old_rows_or_all_new_ones() {
        let session = session();
        for (death, saved) in DEATHS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t").display().to_string();
            session.range(0, 1000).await.unwrap().write().save(&path).await.unwrap();
            save_and_die(death, "overwrite", &path);
            let table = session.table(&path);
            let (old, new) = ((1000, below(1000)), (1000, below(2000) - below(1000)));
            assert_eq!(sums(&table.to_df().await.unwrap(), "id").await, if saved { new } else { old }, "{death}");
            assert_eq!(sums(&table.as_of_version(0).await.unwrap(), "id").await, old, "{death}");
            assert_eq!(table.history().await.unwrap().len(), 1 + usize::from(saved), "{death}");
            session.range(0, 10).await.unwrap().write().mode("overwrite").save(&path).await.unwrap();
            assert_eq!(sums(&table.to_df().await.unwrap(), "id").await, (10, below(10)), "{death}: the next one");
        }
    }

    #[tokio::test]
    async fn a_killed_first_save_leaves_a_whole_table_or_none() {
        let session = session();
        for (death, saved) in DEATHS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t").display().to_string();
            save_and_die(death, "error", &path);
            let again = session.range(1000, 2000).await.unwrap().write().save(&path).await;
            assert_eq!(again.is_err(), saved, "{death}: {again:?}");
            let table = session.table(&path);
            assert_eq!(sums(&table.to_df().await.unwrap(), "id").await, (1000, below(2000) - below(1000)), "{death}");
            assert_eq!(table.history().await.unwrap().len(), 1, "{death}");
        }
    }
}
