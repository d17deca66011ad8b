//! Where a query keeps what it keeps, and where its rows go: temporary checkpoints, a checkpoint for all queries, tables by name, views of
//! what is in memory.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use tidemill::functions::col;
use tidemill::{DataFrame, Session, Trigger};

use crate::support::grid;

fn session(warehouse: &Path) -> Session {
    Session::builder().parallelism(2).config("spark.sql.warehouse.dir", warehouse.display().to_string()).build().unwrap()
}

/// A stream of three numbers in two files.
fn numbers(session: &Session, dir: &Path) -> DataFrame {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("a.json"), "{\"n\":1}\n{\"n\":2}\n").unwrap();
    std::fs::write(dir.join("b.json"), "{\"n\":3}\n").unwrap();
    session.read_stream().schema("n BIGINT").unwrap().json(&dir.display().to_string()).unwrap()
}

#[tokio::test]
async fn memory_is_a_view_and_its_checkpoint_goes_with_the_query() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    let stream = numbers(&session, &dir.path().join("in"));
    let query = stream.write_stream().format("memory").query_name("seen").start().await.unwrap();
    query.process_all_available().await.unwrap();
    assert!(query.explain().contains("Stage 0"), "{}", query.explain());
    let left = || {
        let temporary = std::fs::read_dir(std::env::temp_dir()).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        temporary.filter(|path| path.join("log").exists() && holds(path, query.id())).count()
    };
    assert_eq!(left(), 1);
    assert!(grid(&session.sql("SELECT sum(n) AS total FROM seen").await.unwrap()).await.contains("    6"));
    query.stop().await.unwrap();
    assert_eq!(left(), 0);
    let error = stream.write_stream().format("memory").start().await.unwrap_err();
    assert!(error.message().contains("query_name"), "{error}");
}

/// Whether a file of a checkpoint's log names a query.
fn holds(checkpoint: &Path, id: &str) -> bool {
    let Ok(files) = std::fs::read_dir(checkpoint.join("log")) else { return false };
    let mut files = files.filter_map(|entry| std::fs::read(entry.ok()?.path()).ok());
    files.any(|bytes| bytes.windows(id.len()).any(|part| part == id.as_bytes()))
}

#[tokio::test]
async fn one_place_for_the_checkpoints_of_all_queries() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    let stream = numbers(&session, &dir.path().join("in"));
    let table = dir.path().join("out").display().to_string();
    let write = || stream.write_stream().query_name("q").trigger(Trigger::available_now());
    let error = write().to_table(&table).await.unwrap_err();
    assert!(error.message().contains("spark.sql.streaming.checkpointLocation"), "{error}");
    let checkpoints = dir.path().join("checkpoints");
    session.set("spark.sql.streaming.checkpointLocation", &checkpoints.display().to_string()).unwrap();
    for _ in 0..2 {
        write().to_table(&table).await.unwrap().await_termination().await.unwrap();
    }
    assert!(checkpoints.join("q").is_dir());
    assert_eq!(session.table(&table).to_df().await.unwrap().count().await.unwrap(), 3);
}

#[tokio::test]
async fn a_table_by_name_is_made_once_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    let stream = numbers(&session, &dir.path().join("in"));
    let run = |name: &'static str, checkpoint: &str| {
        let checkpoint = dir.path().join(checkpoint).display().to_string();
        let writer = stream.with_column("odd", col("n") % 2).write_stream().partition_by(["odd"]).option("checkpointLocation", checkpoint);
        async move { writer.trigger(Trigger::available_now()).to_table(name).await }
    };
    run("heard", "one").await.unwrap().await_termination().await.unwrap();
    run("default.heard", "two").await.unwrap().await_termination().await.unwrap();
    let rows = session.sql("SELECT n FROM heard WHERE odd = 1 ORDER BY n").await.unwrap().collect().await.unwrap();
    let rows: Vec<i64> = rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert_eq!(rows, [1, 1, 3, 3]);
    session.sql("CREATE VIEW v AS SELECT 1 AS n").await.unwrap();
    session.sql("CREATE TABLE p (n BIGINT) USING parquet").await.unwrap();
    for (name, says) in [("v", "is a view"), ("p", "is none"), ("a b", "cannot be read")] {
        let error = run(name, "three").await.unwrap_err();
        assert!(error.message().contains(says), "{name}: {error}");
    }
}
