//! Floats as Spark compares them, in every place where rows are matched: −0.0 is 0.0, every NaN is one NaN, and NaN is greater
//! than any number.
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
async fn equal_floats_are_one_group() {
    let cases = [
        ("SELECT count(DISTINCT d) AS n, count(*) AS m FROM f", "[[3,5]]"),
        ("SELECT count(DISTINCT d) AS n FROM f", "[[3]]"),
        ("SELECT count(DISTINCT cast(d AS float)) AS n, count(*) AS m FROM f", "[[3,5]]"),
        ("SELECT count(DISTINCT array(d)) AS n, count(DISTINCT named_struct('x', d, 'y', 1)) AS m, count(*) AS r FROM f", "[[3,3,5]]"),
        ("SELECT cardinality(collect_set(d)) AS n FROM f WHERE id >= 3", "[[2]]"),
        ("SELECT d, count(*) AS n FROM f GROUP BY d ORDER BY d", r#"[[0.0,2],[1.0,1],["NaN",2]]"#),
        ("SELECT f.d, g.d AS e, count(*) AS n FROM f, g WHERE f.d = g.d GROUP BY f.d, g.d ORDER BY 1", r#"[[0.0,0.0,2],["NaN","NaN",2]]"#),
        ("SELECT d, count(*) AS n FROM f GROUP BY d WITH ROLLUP ORDER BY n, d", r#"[[1.0,1],[0.0,2],["NaN",2],[null,5]]"#),
        ("SELECT count(*) AS n FROM (SELECT array(d) AS a FROM f GROUP BY array(d))", "[[3]]"),
        ("SELECT count(*) AS n FROM (SELECT array(named_struct('x', d)) AS a FROM f GROUP BY array(named_struct('x', d)))", "[[3]]"),
        ("SELECT DISTINCT d FROM f ORDER BY d", r#"[[0.0],[1.0],["NaN"]]"#),
        ("SELECT count(*) AS n FROM (SELECT DISTINCT named_struct('x', d) FROM f)", "[[3]]"),
        ("SELECT d, count(DISTINCT id) AS n, max(id) AS m FROM f GROUP BY d HAVING d > 0.5 ORDER BY d", r#"[[1.0,1,5],["NaN",2,4]]"#),
        ("SELECT id, count(*) OVER (PARTITION BY d) AS n FROM f ORDER BY id", "[[1,2],[2,2],[3,2],[4,2],[5,1]]"),
        ("SELECT id, count(*) OVER (PARTITION BY array(d)) AS n FROM f ORDER BY id", "[[1,2],[2,2],[3,2],[4,2],[5,1]]"),
        ("SELECT id, rank() OVER (ORDER BY d) AS r FROM f ORDER BY id", "[[1,1],[2,1],[3,4],[4,4],[5,3]]"),
    ];
    answers(&floats().await, &cases).await;
}

#[tokio::test]
async fn equal_floats_are_one_key_of_a_join() {
    let all = "[[1,1],[1,2],[2,1],[2,2],[3,3],[3,4],[4,3],[4,4],[5,5]]";
    let cases = [
        ("SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON a.d = b.d ORDER BY l, r", all),
        ("SELECT a.id AS l, b.id AS r FROM f a, f b WHERE a.d = b.d ORDER BY l, r", all),
        ("SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON a.d IS NOT DISTINCT FROM b.d ORDER BY l, r", all),
        ("SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON array(a.d) = array(b.d) ORDER BY l, r", all),
        ("SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON named_struct('x', a.d) = named_struct('x', b.d) ORDER BY l, r", all),
        ("SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON a.d < b.d ORDER BY l, r", "[[1,3],[1,4],[1,5],[2,3],[2,4],[2,5],[5,3],[5,4]]"),
        ("SELECT id, k FROM f LEFT JOIN g ON f.d = g.d ORDER BY id", r#"[[1,"z"],[2,"z"],[3,"n"],[4,"n"],[5,null]]"#),
        ("SELECT id, k FROM f RIGHT JOIN g ON f.d = g.d ORDER BY id", r#"[[null,"q"],[1,"z"],[2,"z"],[3,"n"],[4,"n"]]"#),
        ("SELECT id, k FROM f FULL JOIN g USING (d) ORDER BY id", r#"[[null,"q"],[1,"z"],[2,"z"],[3,"n"],[4,"n"],[5,null]]"#),
        ("SELECT id FROM f LEFT SEMI JOIN g ON f.d = g.d ORDER BY id", "[[1],[2],[3],[4]]"),
        ("SELECT id FROM f LEFT ANTI JOIN g ON f.d = g.d ORDER BY id", "[[5]]"),
        ("SELECT id FROM f WHERE d IN (SELECT d FROM g) ORDER BY id", "[[1],[2],[3],[4]]"),
        ("SELECT id FROM f WHERE d NOT IN (SELECT d FROM g) ORDER BY id", "[[5]]"),
        ("SELECT id FROM f WHERE EXISTS (SELECT 1 FROM g WHERE g.d = f.d) ORDER BY id", "[[1],[2],[3],[4]]"),
        ("SELECT id, (SELECT max(k) FROM g WHERE g.d = f.d) AS k FROM f ORDER BY id", r#"[[1,"z"],[2,"z"],[3,"n"],[4,"n"],[5,null]]"#),
        ("SELECT id, (SELECT sum(i.id) FROM f i WHERE i.d = o.d) AS s FROM f o ORDER BY id", "[[1,3],[2,3],[3,7],[4,7],[5,5]]"),
    ];
    answers(&floats().await, &cases).await;
}

#[tokio::test]
async fn equal_floats_are_one_row_of_a_set() {
    let cases = [
        ("SELECT d FROM f UNION SELECT d FROM g ORDER BY d", r#"[[0.0],[1.0],[7.0],["NaN"]]"#),
        ("SELECT d FROM f INTERSECT SELECT d FROM g ORDER BY d", r#"[[0.0],["NaN"]]"#),
        ("SELECT d FROM f EXCEPT SELECT d FROM g", "[[1.0]]"),
        ("SELECT count(*) AS n FROM (SELECT array(d) FROM f INTERSECT SELECT array(d) FROM g)", "[[2]]"),
        ("SELECT count(*) AS n FROM (SELECT named_struct('x', d) FROM f EXCEPT SELECT named_struct('x', d) FROM g)", "[[1]]"),
    ];
    let session = floats().await;
    answers(&session, &cases).await;
    let f = session.view("f").unwrap();
    let nested = session.sql("SELECT id, array(named_struct('x', d)) AS a FROM f").await.unwrap();
    let kept = |frame: DataFrame| async move { frame.count().await.unwrap() };
    assert_eq!(kept(f.drop_duplicates(["d"])).await, 3);
    assert_eq!(kept(nested.drop_duplicates(["a"])).await, 3);
    assert_eq!(kept(nested.select(["a"]).distinct()).await, 3);
    assert_eq!(kept(f.join(&session.view("g").unwrap(), "d", "inner")).await, 4);
}

#[tokio::test]
async fn floats_are_compared_by_their_value() {
    let session = floats().await;
    let nan = "cast('NaN' AS double)";
    for (condition, expected) in [
        ("d = 0.0".to_owned(), "[[1],[2]]"),
        ("d = cast('-0.0' AS double)".to_owned(), "[[1],[2]]"),
        ("d <> 0.0".to_owned(), "[[3],[4],[5]]"),
        ("d = 0.0 OR d = 2.0 OR d = 3.0 OR d = 4.0".to_owned(), "[[1],[2]]"),
        (format!("d = {nan}"), "[[3],[4]]"),
        (format!("d <> {nan}"), "[[1],[2],[5]]"),
        (format!("d < {nan}"), "[[1],[2],[5]]"),
        ("d > 0.5".to_owned(), "[[3],[4],[5]]"),
        ("0.5 < d".to_owned(), "[[3],[4],[5]]"),
        ("NOT d > 0.5".to_owned(), "[[1],[2]]"),
        ("d >= 0.0".to_owned(), "[[1],[2],[3],[4],[5]]"),
        ("d < 0.5".to_owned(), "[[1],[2]]"),
        ("d <= 1.0".to_owned(), "[[1],[2],[5]]"),
        ("d + 1 > 1.5".to_owned(), "[[3],[4],[5]]"),
        ("cast(d AS float) > 0.5".to_owned(), "[[3],[4],[5]]"),
        ("d > cast('inf' AS double)".to_owned(), "[[3],[4]]"),
        ("d > null".to_owned(), "[]"),
        ("d BETWEEN 0.0 AND 1.0".to_owned(), "[[1],[2],[5]]"),
        (format!("d NOT BETWEEN 0.5 AND {nan}"), "[[1],[2]]"),
        ("d IN (0.0, 2.0, 3.0, 4.0, 5.0)".to_owned(), "[[1],[2]]"),
        ("d NOT IN (0.0, 2.0, 3.0, 4.0, 5.0)".to_owned(), "[[3],[4],[5]]"),
        (format!("d IN ({nan}, 1.0)"), "[[3],[4],[5]]"),
        ("array(d) = array(cast(0 AS double))".to_owned(), "[[1],[2]]"),
        (format!("named_struct('x', d) = named_struct('x', {nan})"), "[[3],[4]]"),
        (format!("named_struct('x', d) < named_struct('x', {nan})"), "[[1],[2],[5]]"),
        (format!("CASE d WHEN 0.0 THEN true WHEN {nan} THEN true ELSE false END"), "[[1],[2],[3],[4]]"),
        ("nullif(d, 0.0) IS NULL".to_owned(), "[[1],[2]]"),
        (format!("nullif(d, {nan}) IS NULL"), "[[3],[4]]"),
        (format!("array_contains(array(d), {nan})"), "[[3],[4]]"),
        ("array_contains(array(1e0, d), 0e0)".to_owned(), "[[1],[2]]"),
    ] {
        answers(&session, &[(&format!("SELECT id FROM f WHERE {condition} ORDER BY id"), expected)]).await;
    }
    let cases = [
        ("SELECT id FROM f ORDER BY d, id DESC", "[[2],[1],[5],[4],[3]]"),
        ("SELECT max(d) AS a, min(d) AS b FROM f WHERE id >= 4", r#"[["NaN",1.0]]"#),
        ("SELECT greatest(d, 1e0) AS a, least(d, 1e0) AS b FROM f WHERE id = 4", r#"[["NaN",1.0]]"#),
        ("SELECT array_sort(array(d, 1e0)) AS a FROM f WHERE id = 4", r#"[[[1.0,"NaN"]]]"#),
        ("SELECT array_distinct(array(0e0, cast('-0.0' AS double), 1e0)) AS a", "[[[0.0,1.0]]]"),
        ("SELECT -cast('NaN' AS double) = cast('NaN' AS double) AS a, -cast('NaN' AS double) > 1e0 AS b", "[[true,true]]"),
        ("SELECT median(d) AS a FROM f WHERE id IN (1, 4, 5)", "[[1.0]]"),
        ("SELECT d > 5e-1 AS big, count(*) AS n FROM f GROUP BY ROLLUP(d > 5e-1) ORDER BY n", "[[false,2],[true,3],[null,5]]"),
        ("SELECT id FROM f WHERE EXISTS (SELECT 1 FROM g WHERE g.d = f.d OR g.k = 'none') ORDER BY id", "[[1],[2],[3],[4]]"),
        // A value that is only looked at, or given out, stays as it is.
        ("SELECT cast(d AS string) AS a, cast(min(d) OVER (PARTITION BY id) AS string) AS b FROM f WHERE id = 2", r#"[["-0.0","-0.0"]]"#),
        ("SELECT cast(d AS string) AS a FROM f WHERE d IN (0.0, 1.0) AND id = 2", r#"[["-0.0"]]"#),
    ];
    answers(&session, &cases).await;
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
