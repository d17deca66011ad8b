//! A MERGE's condition means what the same filter means over a join of source and target: in a batch merge and in a stream's.
//! The keys that hold are Spark's, by the rules of its ANSI mode.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema};

use tidemill::functions::{col, expr, lit};
use tidemill::{Column, DataFrame, Session, StreamSink};
use tidemill_streaming::source::MemoryStream;

use crate::support::session;

/// `k, s, i, w, n, d, x, day, t` as text.
type Row = [&'static str; 9];

/// Matched by `k`. What has no value is `-`.
const SOURCE: [Row; 5] = [
    ["1", "5", "5", "1", "5", "0.10", "0.1", "2001-01-01", "2001-01-01 00:00:00"],
    ["2", "3000000000", "1", "2", "3000000000", "0.30", "0.30000000000000004", "9999-12-31", "9999-12-31 00:00:00"],
    ["3", "-", "-", "-", "-", "-", "-", "-", "-"],
    ["4", "-", "-", "-", "-", "-", "-", "-", "-"],
    ["5", "-1", "-1", "-1", "-1", "-1.50", "-1.5", "2001-01-02", "2001-01-02 00:00:01"],
];

const TARGET: [Row; 5] = [
    ["1", "5", "5", "1", "5", "0.10", "0.1", "2001-01-01", "2001-01-01 00:00:00"],
    ["2", "7", "7", "3", "7", "0.30", "0.3", "9999-12-31", "9999-12-31 00:00:00"],
    ["3", "1", "1", "1", "1", "1.00", "1.0", "2001-01-02", "2001-01-02 12:00:00"],
    ["4", "-", "-", "-", "-", "-", "-", "-", "-"],
    ["5", "8", "-2", "-1", "8", "2.50", "2.5", "2001-01-03", "2001-01-02 00:00:00"],
];

/// A condition, and the keys of the pairs for which it holds, or a part of the error of the pair for which it has no value.
const CASES: &[(&str, Result<&[i64], &str>)] = &[
    // Text takes after the other side: bigint for whole numbers, double for decimals, the date or the timestamp.
    ("source.s = target.i", Ok(&[1])),
    ("source.s <> target.n", Ok(&[2, 5])),
    ("target.d <> '0.104'", Ok(&[1, 2, 3, 5])),
    ("target.day = '2001-01-01'", Ok(&[1])),
    ("target.t = '2001-01-01'", Ok(&[1])),
    // A decimal beside a double is a double, a date beside a timestamp its midnight.
    ("target.d = source.x", Ok(&[1])),
    ("source.day = target.t", Ok(&[1, 2, 5])),
    ("source.t >= target.day", Ok(&[1, 2])),
    // What is unknown does not hold.
    ("source.n > target.n", Ok(&[2])),
    ("NOT (source.n = target.n)", Ok(&[2, 5])),
    ("source.i IS NOT DISTINCT FROM target.i", Ok(&[1, 4])),
    ("source.i IS DISTINCT FROM target.i", Ok(&[2, 3, 5])),
    ("coalesce(source.i, 1) = target.i", Ok(&[1, 3])),
    // Operators and functions are Spark's.
    ("source.x * 2 > target.x", Ok(&[1, 2])),
    ("source.d + target.x > 0", Ok(&[1, 2, 5])),
    ("source.n / 2 = 2.5", Ok(&[1])),
    ("abs(source.i) = 1", Ok(&[2, 5])),
    ("hour(source.t) = 0", Ok(&[1, 2, 5])),
    ("current_timestamp() < target.t", Ok(&[2])),
    ("SOURCE.N > Target.n", Ok(&[2])),
    // NaN is one value, whatever its bits, and so is zero.
    ("(-cast('NaN' AS double) + source.x) <> cast('NaN' AS double)", Ok(&[])),
    ("(-cast('NaN' AS double) + source.x) > 5e0", Ok(&[1, 2, 5])),
    ("(source.i - 5) * -1e0 IN (0e0, 9e0)", Ok(&[1])),
    // What has no value is an error, and an int that the table keeps as a bigint is an int.
    ("source.n + 9223372036854775807 > target.n", Err("overflow")),
    ("source.i + 2147483643 > target.i", Err("overflow")),
    ("source.w = target.w", Ok(&[1, 5])),
    ("source.w + 2147483647 > target.w", Err("overflow")),
    ("CAST(source.s AS INT) = target.i", Err("3000000000")),
    ("1 / (target.i - 7) > 0", Err("zero")),
];

/// The rows, each marked with `v`; `w` has the type `w`.
async fn frame(session: &Session, rows: &[Row], w: &str, v: &str) -> DataFrame {
    let types = ["BIGINT", "STRING", "INT", w, "BIGINT", "DECIMAL(10,2)", "DOUBLE", "DATE", "TIMESTAMP"];
    let names = ["k", "s", "i", "w", "n", "d", "x", "day", "t"];
    let select = |row: &Row| {
        let value = |text: &str| if text == "-" { "NULL".to_owned() } else { format!("'{text}'") };
        let columns: Vec<String> = (0..9).map(|at| format!("CAST({} AS {}) AS {}", value(row[at]), types[at], names[at])).collect();
        format!("SELECT {}, '{v}' AS v", columns.join(", "))
    };
    let sql: Vec<String> = rows.iter().map(select).collect();
    session.sql(&sql.join(" UNION ALL ")).await.expect("the rows are made")
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

fn assert_told(told: tidemill::Result<Vec<i64>>, expected: Result<&[i64], &str>, what: &str) {
    match (told, expected) {
        (Ok(keys), Ok(expected)) => assert_eq!(keys, expected, "{what}"),
        (Err(error), Err(part)) => assert!(error.message().contains(part), "{what}: {error}"),
        (told, expected) => panic!("{what}: {told:?}, and Spark's answer is {expected:?}"),
    }
}

#[tokio::test]
async fn a_merge_updates_where_the_filter_holds() {
    let session = session();
    let source = frame(&session, &SOURCE, "INT", "new").await;
    let rows = frame(&session, &TARGET, "BIGINT", "old").await;
    for (condition, expected) in CASES {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t").display().to_string();
        rows.write().save(&path).await.unwrap();
        let target = session.read().delta(&path).await.unwrap();
        assert_told(filtered(&source, &target, condition).await, *expected, &format!("filter {condition}"));
        let merged = source.merge_into(&path, ["k"]).when_matched_update(expr(*condition)).merge().await;
        let told = match merged {
            Ok(_) => updated(&session, &path).await,
            Err(error) => Err(error),
        };
        assert_told(told, *expected, &format!("merge {condition}"));
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
    let (session, dir) = (session(), tempfile::tempdir().unwrap());
    let path = dir.path().join("t").display().to_string();
    let (target, source) = (frame(&session, &TARGET, "INT", "old").await, frame(&session, &SOURCE, "INT", "new").await);
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
    let conditions: [(Column, Result<&[i64], &str>); 4] = [
        (side("source", "s").eq(side("target", "i")), Ok(&[1])),
        (side("target", "d").eq(side("source", "x")), Ok(&[1])),
        (side("SOURCE", "N").gt(side("target", "n")), Ok(&[2])),
        ((side("source", "n") + lit(i64::MAX)).gt(side("target", "n")), Err("overflow")),
    ];
    for (condition, expected) in conditions {
        let what = condition.expression().to_string();
        let told = streamed(|path| StreamSink::delta_merge(path, ["k"]).when_matched(condition)).await;
        assert_told(told, expected, &what);
    }
    let told = streamed(|path| StreamSink::delta_merge(path, ["k"]).when_matched(expr("abs(source.i) = 1"))).await;
    assert_told(told, Ok(&[2, 5]), "a condition in SQL");
}
