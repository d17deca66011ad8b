//! Floats in frames, in files and in plans: −0.0 is 0.0, every NaN is one NaN, and NaN is greater than any number. What statements
//! answer stands in `cases/floats.sql`.
//!
//! Source: Spark, "NaN Semantics" of the SQL reference, and `NormalizeFloatingNumbers.scala`.

use tidemill::{DataFrame, Session};

use super::answers;
use crate::support::session;

/// Both zeros, NaN as text gives it and with its sign turned, as processors make it of `inf - inf`, and a number.
const F: &str = "CREATE TEMP VIEW f AS SELECT * FROM VALUES
    (1, cast('0.0' AS double)), (2, cast('-0.0' AS double)), (3, cast('NaN' AS double)), (4, -cast('NaN' AS double)), (5, 1e0) AS t(id, d)";
const G: &str =
    "CREATE TEMP VIEW g AS SELECT * FROM VALUES ('z', cast('-0.0' AS double)), ('n', -cast('NaN' AS double)), ('q', 7e0) AS t(k, d)";

async fn floats() -> Session {
    let session = session();
    session.sql(F).await.unwrap();
    session.sql(G).await.unwrap();
    session
}

#[tokio::test]
async fn duplicates_and_joins_of_frames() {
    let session = floats().await;
    let f = session.view("f").unwrap();
    let nested = session.sql("SELECT id, array(named_struct('x', d)) AS a FROM f").await.unwrap();
    let kept = |frame: DataFrame| async move { frame.count().await.unwrap() };
    assert_eq!(kept(f.drop_duplicates(["d"])).await, 3);
    assert_eq!(kept(nested.drop_duplicates(["a"])).await, 3);
    assert_eq!(kept(nested.select(["a"]).distinct()).await, 3);
    assert_eq!(kept(f.join(&session.view("g").unwrap(), "d", "inner")).await, 4);
}

#[tokio::test]
async fn filters_of_files_find_both_zeros() {
    let session = floats().await;
    let dir = tempfile::tempdir().unwrap();
    for format in ["parquet", "delta"] {
        let path = dir.path().join(format).display().to_string();
        for id in 1..=5 {
            let one = session.sql(&format!("SELECT * FROM f WHERE id = {id}")).await.unwrap();
            one.write().format(format).mode("append").save(&path).await.unwrap();
        }
        for (condition, expected) in [
            ("d = 0.0", "[[1],[2]]"),
            ("d >= 0.0 AND d < 1.0", "[[1],[2]]"),
            ("d IN (cast('-0.0' AS double), 1.0)", "[[1],[2],[5]]"),
            ("d = cast('NaN' AS double)", "[[3],[4]]"),
        ] {
            answers(&session, &[(&format!("SELECT id FROM {format}.`{path}` WHERE {condition} ORDER BY id"), expected)]).await;
        }
        // In one file the bounds are of the numbers alone, and NaN is greater than all of them.
        let together = format!("{path}-together");
        session.sql("SELECT * FROM f").await.unwrap().write().format(format).save(&together).await.unwrap();
        for (condition, expected) in
            [("d > 5.0", "[[3],[4]]"), ("d >= 1.5", "[[3],[4]]"), ("d NOT BETWEEN 0.0 AND 1.0", "[[3],[4]]"), ("d < 0.5", "[[1],[2]]")]
        {
            answers(&session, &[(&format!("SELECT id FROM {format}.`{together}` WHERE {condition} ORDER BY id"), expected)]).await;
        }
    }
}

/// What the engine does right by itself it does as before: filters by numbers prune files, and keys without floats are plain.
#[tokio::test]
async fn plans_are_changed_only_where_they_must_be() {
    let session = floats().await;
    for (sql, changed) in [
        ("SELECT count(DISTINCT id) AS n, count(*) AS m FROM f GROUP BY id", false),
        ("SELECT a.id FROM f a JOIN f b ON a.id = b.id WHERE a.id < 4.5e0 ORDER BY a.id", false),
        ("SELECT id FROM f WHERE d > 5.0 AND d <= 7.0 AND d <> 6.0 AND d IN (0.0, 6.5) OR d = 0.0 OR d BETWEEN 1.0 AND 2.0", false),
        ("SELECT id FROM f WHERE d > cast('NaN' AS double)", true),
        ("SELECT id FROM f WHERE d + 1 > 5.0", true),
        ("SELECT d FROM f GROUP BY d", true),
        ("SELECT a.id FROM f a JOIN f b ON a.d = b.d", true),
        ("SELECT id FROM f ORDER BY d", true),
    ] {
        let text = session.sql(sql).await.unwrap().explain().await.unwrap();
        assert_eq!(text.contains("normalize_"), changed, "{sql}: {text}");
    }
}
