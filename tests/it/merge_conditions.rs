//! A MERGE's condition means what the same filter means over a join of source and target: in a batch merge and in a stream's.
//! The keys that hold are Spark's own answers.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema};

use tidemill::functions::{col, expr, lit};
use tidemill::{Column, DataFrame, Session, StreamSink};
use tidemill_streaming::source::MemoryStream;

use crate::conformance::compare::expected_condition;
use crate::conformance::golden::{Case, cases};
use crate::support::session;

/// The statements of `sql/cases/merge_conditions.sql`: the two views, then a filter over their join per condition, each with Spark's answer.
fn recorded() -> Vec<Case> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sql/cases/merge_conditions.sql.out");
    cases(&std::fs::read_to_string(path).expect("Spark's answers are recorded"))
}

/// A condition, and the keys of the pairs for which it holds, or Spark's condition of the error of the pair for which it has no value.
fn conditions() -> Vec<(String, Result<Vec<i64>, String>)> {
    const FILTER: &str = "SELECT source.k FROM source JOIN target ON source.k = target.k WHERE ";
    let condition = |case: &Case| {
        let condition = case.sql.strip_prefix(FILTER)?.strip_suffix(" ORDER BY source.k")?.to_owned();
        let keys = match expected_condition(case) {
            Some((name, _)) => Err(name),
            None => Ok(case.output.lines().map(|key| key.parse().expect("keys are numbers")).collect()),
        };
        Some((condition, keys))
    };
    recorded().iter().filter_map(condition).collect()
}

/// A session with the views `source` and `target`, whose rows match by `k`.
async fn with_views() -> Session {
    let session = session();
    for case in recorded().iter().filter(|case| case.sql.starts_with("CREATE")) {
        session.sql(&case.sql).await.expect("the views are made");
    }
    session
}

/// The rows of a view, each marked with `v`.
async fn frame(session: &Session, view: &str, v: &str) -> DataFrame {
    session.sql(&format!("SELECT *, '{v}' AS v FROM {view}")).await.expect("the rows are made")
}

fn keys(batches: &[RecordBatch]) -> Vec<i64> {
    let mut keys: Vec<i64> = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    keys.sort_unstable();
    keys
}

/// The keys that a filter over the join keeps.
async fn filtered(source: &DataFrame, target: &DataFrame, condition: &str) -> tidemill::Result<Vec<i64>> {
    let pairs = source.alias("source").join(&target.alias("target"), col("source.k").eq(col("target.k")), "inner");
    Ok(keys(&pairs.filter(expr(condition)).select([col("source.k")]).collect().await?))
}

/// The keys of the table at `path` whose rows came from the source.
async fn updated(session: &Session, path: &str) -> tidemill::Result<Vec<i64>> {
    let rows = session.read().delta(path).await?;
    assert_eq!(rows.count().await?, 5, "every key matches, so nothing is inserted");
    Ok(keys(&rows.filter(col("v").eq("new")).select(["k"]).collect().await?))
}

fn assert_told(told: tidemill::Result<Vec<i64>>, expected: &Result<Vec<i64>, String>, what: &str) {
    match (told, expected) {
        (Ok(keys), Ok(expected)) => assert_eq!(keys, *expected, "{what}"),
        // A stream's error tells of its epoch, and of the condition inside of that.
        (Err(error), Err(name)) => assert!(error.message().contains(&format!("[{name}]")), "{what}: {error}"),
        (told, expected) => panic!("{what}: {told:?}, and Spark's answer is {expected:?}"),
    }
}

#[tokio::test]
async fn a_merge_updates_where_the_filter_holds() {
    let session = with_views().await;
    let source = frame(&session, "source", "new").await;
    let rows = frame(&session, "target", "old").await;
    let conditions = conditions();
    assert!(conditions.len() > 25, "only {} conditions are recorded", conditions.len());
    for (condition, expected) in &conditions {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t").display().to_string();
        rows.write().save(&path).await.unwrap();
        let target = session.read().delta(&path).await.unwrap();
        assert_told(filtered(&source, &target, condition).await, expected, &format!("filter {condition}"));
        let merged = source.merge_into(&path, ["k"]).when_matched_update(expr(condition)).merge().await;
        let told = match merged {
            Ok(_) => updated(&session, &path).await,
            Err(error) => Err(error),
        };
        assert_told(told, expected, &format!("merge {condition}"));
    }
}

/// A stream of these rows, all of whose columns may be null.
fn batch_of(batch: &RecordBatch) -> RecordBatch {
    let fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec()).unwrap()
}

async fn one_batch(frame: &DataFrame) -> RecordBatch {
    let batches = frame.collect().await.unwrap();
    batch_of(&arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap())
}

/// The keys that a stream's merge updates in its second epoch.
async fn streamed(sink: impl FnOnce(&str) -> StreamSink) -> tidemill::Result<Vec<i64>> {
    let (session, dir) = (with_views().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("t").display().to_string();
    // Both come by one stream, whose `w` is an int.
    let target = frame(&session, "target", "old").await.with_column("w", col("w").cast("INT"));
    let source = frame(&session, "source", "new").await;
    let (target, source) = (one_batch(&target).await, one_batch(&source).await);
    let stream = MemoryStream::new("rows", target.schema());
    let rows = session.stream(Arc::new(stream.clone()))?;
    let query = session.streaming_query("merge").checkpoint_location(dir.path().join("checkpoint")).add(&rows, sink(&path));
    let query = query.start().await?;
    for batch in [target, source] {
        stream.add(batch)?;
        query.process_all_available().await?;
    }
    query.stop().await?;
    updated(&session, &path).await
}

#[tokio::test]
async fn a_streams_merge_updates_where_the_filter_holds() {
    let side = |side: &str, name: &str| col(&format!("{side}.{name}"));
    let columns: [(Column, &str); 5] = [
        (side("source", "s").eq(side("target", "i")), "source.s = target.i"),
        (side("target", "d").eq(side("source", "x")), "target.d = source.x"),
        (side("SOURCE", "N").gt(side("target", "n")), "SOURCE.N > Target.n"),
        ((side("source", "n") + lit(i64::MAX)).gt(side("target", "n")), "source.n + 9223372036854775807 > target.n"),
        (expr("abs(source.i) = 1"), "abs(source.i) = 1"),
    ];
    let recorded = conditions();
    for (column, condition) in columns {
        let expected = recorded.iter().find(|(known, _)| known == condition).map(|(_, keys)| keys).expect("it is recorded");
        let told = streamed(|path| StreamSink::delta_merge(path, ["k"]).when_matched(column)).await;
        assert_told(told, expected, condition);
    }
}
