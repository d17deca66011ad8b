//! USING and NATURAL JOIN, semi and anti joins, and set operations.

use super::answers;
use crate::support::session;

#[tokio::test]
async fn merged_columns_have_the_value_of_the_side_that_has_one() {
    let session = session();
    session.sql("CREATE TEMP VIEW t AS SELECT * FROM VALUES (1, 'a'), (2, 'b') AS t(k, x)").await.unwrap();
    session.sql("CREATE TEMP VIEW u AS SELECT * FROM VALUES (2, 'B'), (3, 'y') AS u(K, y)").await.unwrap();
    let cases = [
        ("SELECT * FROM t FULL OUTER JOIN u USING (k) ORDER BY k", r#"[[1,"a",null],[2,"b","B"],[3,null,"y"]]"#),
        ("SELECT * FROM t RIGHT JOIN u USING (K) ORDER BY k", r#"[[2,"b","B"],[3,null,"y"]]"#),
        ("SELECT * FROM t LEFT JOIN u USING (k) ORDER BY k", r#"[[1,"a",null],[2,"b","B"]]"#),
        ("SELECT * FROM t JOIN u USING (k)", r#"[[2,"b","B"]]"#),
        ("SELECT * FROM t NATURAL FULL JOIN u ORDER BY k", r#"[[1,"a",null],[2,"b","B"],[3,null,"y"]]"#),
        ("SELECT k FROM t NATURAL RIGHT JOIN u WHERE k > 2", "[[3]]"),
        ("SELECT k, count(*) AS n FROM t FULL JOIN u USING (k) GROUP BY k HAVING k > 1 ORDER BY k", "[[2,1],[3,1]]"),
        ("SELECT max(k) + 1 AS m FROM t FULL JOIN u USING (k)", "[[4]]"),
        ("SELECT DISTINCT k FROM t FULL JOIN u USING (k) ORDER BY k", "[[1],[2],[3]]"),
        ("SELECT t.k AS l, u.k AS r FROM t FULL JOIN u USING (k) ORDER BY l, r", "[[null,3],[1,null],[2,2]]"),
        ("SELECT * EXCEPT (x) FROM t FULL JOIN u USING (k) ORDER BY k", r#"[[1,null],[2,"B"],[3,"y"]]"#),
        (
            "SELECT * FROM t FULL JOIN u USING (k) FULL JOIN (SELECT 3 AS k, 'z' AS z) USING (k) ORDER BY k",
            r#"[[1,"a",null,null],[2,"b","B",null],[3,null,"y","z"]]"#,
        ),
        ("SELECT y, x, k FROM (SELECT 'q' AS x, 3 AS k) RIGHT JOIN u USING (k) ORDER BY k", r#"[["B",null,2],["y","q",3]]"#),
        ("SELECT (SELECT max(i.k) FROM t i WHERE i.k <= k) AS m, k FROM t FULL JOIN u USING (k) WHERE k = 3", "[[2,3]]"),
        ("SELECT * FROM t FULL JOIN u USING (k) ORDER BY t.k", "[[3,null,\"y\"],[1,\"a\",null],[2,\"b\",\"B\"]]"),
        ("SELECT t.k AS l, x FROM t FULL JOIN u USING (k) ORDER BY l", r#"[[null,null],[1,"a"],[2,"b"]]"#),
        ("SELECT k FROM t RIGHT JOIN u USING (k) ORDER BY t.k, u.k", "[[3],[2]]"),
        ("SELECT k + 1 AS k FROM t ORDER BY t.k", "[[2],[3]]"),
        ("SELECT t.k AS k FROM t ORDER BY t.k + 1", "[[1],[2]]"),
        ("SELECT * FROM t SEMI JOIN u USING (k)", r#"[[2,"b"]]"#),
        ("SELECT * FROM t ANTI JOIN u ON t.k = u.k", r#"[[1,"a"]]"#),
        ("SELECT y FROM t LEFT SEMI JOIN u USING (k)", "![UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("SELECT * FROM t JOIN u USING (q)", "![UNRESOLVED_USING_COLUMN_FOR_JOIN]"),
        ("SELECT a.x, b.x AS y FROM VALUES (1) AS a(x), VALUES (2) AS b(x)", "[[1,2]]"),
    ];
    answers(&session, &cases).await;
    let error = session.sql("SELECT * FROM t ASOF JOIN u MATCH_CONDITION (t.k > u.k) ON t.k = u.k").await.unwrap_err();
    assert!(!error.message().contains("AsOf {"), "{error}");
}

#[tokio::test]
async fn set_operations() {
    let cases = [
        ("SELECT * FROM VALUES (1), (1), (2) AS t(a) EXCEPT SELECT 1", "[[2]]"),
        ("SELECT * FROM VALUES (1), (1), (2) AS t(a) MINUS SELECT 1", "[[2]]"),
        ("SELECT * FROM VALUES (1), (1), (2) AS t(a) INTERSECT SELECT 1", "[[1]]"),
        ("SELECT * FROM VALUES (1), (1), (2) AS t(a) EXCEPT ALL SELECT 1", "[[1],[2]]"),
        ("SELECT * FROM VALUES (1), (1), (2) AS t(a) INTERSECT ALL SELECT 1", "[[1]]"),
        ("SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 1 MINUS ALL SELECT 1)", "[[1]]"),
        (
            "SELECT a FROM (SELECT a, row_number() OVER (PARTITION BY a ORDER BY 1) AS n FROM VALUES (1), (1), (2) AS t(a) EXCEPT SELECT 1 AS a, 1 AS n) ORDER BY a",
            "[[1],[2]]",
        ),
    ];
    answers(&session(), &cases).await;
}
