//! Statements and programs that nest deep or go on for long, from text to rows on the small stacks that workers have.

use tidemill::functions::{col, lit};
use tidemill::{Column, DataFrame};

use crate::support::session;

fn nested(open: &str, middle: &str, close: &str, n: usize) -> String {
    format!("{}{middle}{}", open.repeat(n), close.repeat(n))
}

fn each(n: usize, text: impl Fn(usize) -> String) -> String {
    (0..n).map(text).collect()
}

/// How many rows a statement gives; `None` where it is refused as too much.
async fn rows(sql: &str) -> Option<usize> {
    let frame = match session().sql(sql).await {
        Ok(frame) => frame.collect().await,
        Err(error) => Err(error),
    };
    match frame {
        Ok(batches) => Some(batches.iter().map(|batch| batch.num_rows()).sum()),
        Err(error) if error.condition().is_some_and(|condition| condition.name == "FAILED_TO_PARSE_TOO_COMPLEX") => None,
        Err(error) => panic!("{}: {error}", sql.chars().take(200).collect::<String>()),
    }
}

#[tokio::test]
async fn statements_are_answered_or_refused() {
    let one = "FROM VALUES (1) t(a)";
    for (sql, expected) in [
        (format!("SELECT a{} {one}", " + a".repeat(250)), Some(1)),
        (format!("SELECT a{} {one}", " + a".repeat(10_000)), None),
        (format!("SELECT {}a {one}", "- ".repeat(250)), Some(1)),
        (format!("SELECT {}a {one}", "- ".repeat(10_000)), None),
        (format!("SELECT 'x'{}", " || 'y'".repeat(250)), Some(1)),
        (format!("SELECT {} {one}", nested("CASE WHEN a = 1 THEN ", "a", " END", 100)), Some(1)),
        (format!("SELECT a {one} WHERE a > 0{}", each(900, |i| format!(" AND a != {}", i + 2))), Some(1)),
        (format!("SELECT a {one} WHERE a > 0{}", each(10_000, |i| format!(" AND a != {}", i + 2))), None),
        (format!("SELECT a {one} WHERE a = 0{}", each(2_000, |i| format!(" OR a = {i}"))), Some(1)),
        (format!("SELECT a {one} WHERE a IN (0{})", each(10_000, |i| format!(", {i}"))), Some(1)),
        (format!("SELECT * FROM {}", nested("(SELECT * FROM ", "VALUES (1) t(a)", ")", 100)), Some(1)),
        (format!("SELECT * FROM {}", nested("(SELECT * FROM ", "VALUES (1) t(a)", ")", 10_000)), None),
        (format!("SELECT 1 AS a{}", " UNION ALL SELECT 2".repeat(150)), Some(151)),
        (nested("WITH a AS (", "SELECT 1", ") SELECT * FROM a", 30), Some(1)),
        (format!("SELECT 1 WHERE {}", nested("EXISTS (SELECT 1 WHERE ", "true", ")", 5)), Some(1)),
        (format!("SELECT 1 WHERE {}", nested("EXISTS (SELECT 1 WHERE ", "true", ")", 30)), None),
    ] {
        assert_eq!(rows(&sql).await, expected, "{}", sql.chars().take(200).collect::<String>());
    }
}

#[tokio::test]
async fn programs_are_answered_or_refused() {
    let start = session().range(0, 1).await.expect("a range");
    let steps = |n: usize| (0..n).fold(start.clone(), |frame: DataFrame, _| frame.with_column("id", col("id") + 1));
    let filters = |n: usize| (0..n).fold(start.clone(), |frame: DataFrame, i| frame.filter(col("id").gt(-1 - i as i64)));
    let sum = |n: usize| start.select([(0..n).fold(col("id"), |sum: Column, _| sum + 1)]);
    let unions = |n: usize| (0..n).fold(start.clone(), |frame: DataFrame, _| frame.union(&start));
    assert_eq!(filters(100).count().await.expect("100 filters run"), 1);
    assert_eq!(unions(50).count().await.expect("50 unions run"), 51);
    assert_eq!(sum(250).collect().await.expect("a sum of 250 is computed").len(), 1);
    assert_eq!(steps(500).columns().expect("500 steps have columns"), ["id"]);
    for (name, frame) in [
        ("steps", steps(10_000)),
        ("filters", filters(10_000)),
        ("sum", sum(10_000)),
        ("unions", unions(10_000)),
        ("literals", {
            let tall = (0..10_000).fold(lit(1), |e: Column, _| -e);
            start.select([tall])
        }),
    ] {
        let error = frame.schema().expect_err(name);
        assert_eq!(error.condition().map(|c| c.name.as_str()), Some("FAILED_TO_PARSE_TOO_COMPLEX"), "{name}: {error}");
        assert!(frame.collect().await.is_err(), "{name}");
    }
}
