//! Queries that need the session's own engine: recursions and their limits, named queries that are made once, samples, functions written
//! in SQL, subqueries in ORDER BY, several INSERTs of one source.

use super::answers;
use crate::support::session;

#[tokio::test]
async fn recursions_end() {
    let endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)";
    let many = "WITH RECURSIVE r(n) AS (SELECT id FROM range(600000) UNION ALL SELECT n FROM r WHERE n < 500000)";
    let all = format!("{endless} SELECT * FROM r");
    let sorted = format!("{endless} SELECT * FROM r ORDER BY n LIMIT 3");
    let some = format!("{endless} SELECT sum(n) AS s FROM (SELECT n FROM r LIMIT 100)");
    let one_more = format!("{endless} SELECT count(*) AS c FROM (SELECT n FROM r LIMIT 101)");
    let rows = format!("{many} SELECT count(*) AS c FROM r");
    let limited = format!("{many} SELECT count(*) AS c FROM (SELECT * FROM r LIMIT 1200000)");
    let cases = [
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 100) SELECT count(*) AS c, max(n) AS m FROM r",
            "[[100,100]]",
        ),
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 101) SELECT count(*) AS c FROM r",
            "![RECURSION_LEVEL_LIMIT_EXCEEDED]",
        ),
        (
            "WITH RECURSIVE r(n) MAX RECURSION LEVEL 200 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 150) SELECT max(n) AS m FROM r",
            "[[150]]",
        ),
        (
            "WITH RECURSIVE r(n) MAX RECURSION LEVEL 3 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT max(n) AS m FROM r",
            "![RECURSION_LEVEL_LIMIT_EXCEEDED]",
        ),
        (all.as_str(), "![RECURSION_LEVEL_LIMIT_EXCEEDED]"),
        (sorted.as_str(), "![RECURSION_LEVEL_LIMIT_EXCEEDED]"),
        (some.as_str(), "[[5050]]"),
        (one_more.as_str(), "![RECURSION_LEVEL_LIMIT_EXCEEDED]"),
        (rows.as_str(), "![RECURSION_ROW_LIMIT_EXCEEDED]"),
        (limited.as_str(), "[[1200000]]"),
        ("SET spark.sql.cteRecursionLevelLimit = 5", r#"[["spark.sql.cteRecursionLevelLimit","5"]]"#),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT max(n) AS m FROM r", "[[5]]"),
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 6) SELECT max(n) AS m FROM r",
            "![RECURSION_LEVEL_LIMIT_EXCEEDED]",
        ),
        ("SET spark.sql.cteRecursionLevelLimit = many", "![INVALID_CONF_VALUE.TYPE_MISMATCH]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn a_named_query_that_varies_is_made_once() {
    let cases = [
        ("WITH r AS (SELECT rand() AS x FROM range(1000)) SELECT count(*) AS n FROM (SELECT * FROM r UNION SELECT * FROM r)", "[[1000]]"),
        (
            "WITH r AS (SELECT id, uuid() AS u FROM range(100)) SELECT count(*) AS n FROM r a JOIN r b ON a.id = b.id AND a.u = b.u",
            "[[100]]",
        ),
        (
            "WITH r AS (SELECT rand() AS x FROM range(100)) SELECT count(*) AS n FROM r WHERE x = (SELECT max(x) FROM r) OR x = (SELECT min(x) FROM r)",
            "[[2]]",
        ),
        // A query over one that varies varies with it.
        (
            "WITH r AS (SELECT id, rand() AS x FROM range(50)), s AS (SELECT id, x + 1 AS y FROM r) \
             SELECT count(*) AS n FROM r JOIN s USING (id) WHERE y = x + 1",
            "[[50]]",
        ),
        (
            "WITH s AS (SELECT id FROM (SELECT id FROM range(1000)) TABLESAMPLE (30 PERCENT)) SELECT count(*) AS n FROM (SELECT * FROM s EXCEPT SELECT * FROM s)",
            "[[0]]",
        ),
        ("WITH r AS (SELECT 1 AS a) SELECT a.a + b.a AS s FROM r a, r b", "[[2]]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn samples_are_of_one_sequence() {
    let cases = [
        // More than one batch: the same numbers for each would take the same places of each.
        (
            "SELECT count(*) > 29000 AND count(*) < 31000 AS share, count(DISTINCT id % 8192) > 7000 AS spread \
             FROM (SELECT id FROM (SELECT id FROM range(100000)) TABLESAMPLE (30 PERCENT) REPEATABLE (7))",
            "[[true,true]]",
        ),
        (
            "SELECT count(*) AS n FROM (SELECT id FROM (SELECT id FROM range(9000)) TABLESAMPLE (20 PERCENT) REPEATABLE (5) \
             EXCEPT SELECT id FROM (SELECT id FROM range(9000)) TABLESAMPLE (20 PERCENT) REPEATABLE (5))",
            "[[0]]",
        ),
        ("SELECT count(*) AS n FROM (SELECT id FROM range(100)) TABLESAMPLE (0 PERCENT)", "[[0]]"),
        ("SELECT count(*) AS n FROM (SELECT id FROM range(100)) TABLESAMPLE (100 PERCENT)", "[[100]]"),
        // The numbers are drawn before the filter.
        (
            "SELECT count(*) AS n FROM (SELECT id FROM (SELECT id FROM range(1000)) TABLESAMPLE (50 PERCENT) REPEATABLE (1)) WHERE id < 500 \
             AND id NOT IN (SELECT id FROM (SELECT id FROM range(1000)) TABLESAMPLE (50 PERCENT) REPEATABLE (1))",
            "[[0]]",
        ),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn functions_in_sql_see_their_parameters() {
    let session = session();
    for sql in [
        "CREATE TEMPORARY FUNCTION upto(n INT) RETURNS TABLE (x BIGINT) RETURN SELECT id FROM range(100) WHERE id < n",
        "CREATE TEMPORARY FUNCTION best(k INT) RETURNS INT RETURN SELECT max(v) FROM VALUES (1, 10), (1, 11), (2, 20) t(g, v) WHERE g = k",
        "CREATE TEMPORARY FUNCTION above(k INT) RETURNS BOOLEAN RETURN k > (SELECT min(v) FROM VALUES (2), (3) t(v) WHERE v <> above.k)",
        "CREATE TEMPORARY FUNCTION pair(a INT, b INT DEFAULT 7) RETURNS TABLE RETURN SELECT a AS x, b AS y",
    ] {
        session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let cases = [
        ("SELECT count(*) AS n FROM upto(5)", "[[5]]"),
        ("SELECT a, x FROM VALUES (1), (2) t(a), LATERAL upto(a) ORDER BY a, x", "[[1,0],[2,0],[2,1]]"),
        ("SELECT * FROM pair(1) UNION ALL SELECT * FROM pair(b => 2, a => 1) ORDER BY y", "[[1,2],[1,7]]"),
        ("SELECT best(1) AS a, best(2) AS b, best(3) AS c", "[[11,20,null]]"),
        ("SELECT k, best(k) AS b FROM VALUES (2), (1) t(k) ORDER BY k", "[[1,11],[2,20]]"),
        ("SELECT above(2) AS a, above(3) AS b, above(4) AS c", "[[false,true,true]]"),
        ("SELECT k FROM VALUES (1), (2), (3) t(k) WHERE above(k)", "[[3]]"),
        ("SELECT * FROM upto(k)", "![UNRESOLVED_COLUMN"),
    ];
    answers(&session, &cases).await;
}

#[tokio::test]
async fn orders_may_ask_and_name_what_the_list_leaves_out() {
    let cases = [
        ("SELECT a FROM VALUES (1), (2) t(a) ORDER BY (SELECT max(b) FROM VALUES (3) u(b)), a DESC", "[[2],[1]]"),
        (
            "SELECT a FROM VALUES (1), (2) t(a) ORDER BY (SELECT max(b) FROM VALUES (3) u(b) WHERE b > a)",
            "![UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY]",
        ),
        (
            "SELECT a FROM VALUES (1), (2) t(a) ORDER BY a IN (SELECT 1)",
            "![UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_IN_EXISTS_SUBQUERY]",
        ),
        ("SELECT a FROM VALUES (1) t(a) ORDER BY (SELECT b FROM VALUES (1), (2) u(b))", "!SCALAR_SUBQUERY_TOO_MANY_ROWS"),
        // Positions behind the list are the columns that other keys add, if they are anything.
        ("SELECT a FROM VALUES (1, 2), (2, 1) t(a, b) ORDER BY b, 2", "![ORDER_BY_POS_OUT_OF_RANGE]"),
        (
            "SET spark.sql.prioritizeOrdinalResolutionInSort.enabled = false",
            r#"[["spark.sql.prioritizeOrdinalResolutionInSort.enabled","false"]]"#,
        ),
        ("SELECT a FROM VALUES (1, 2), (2, 1) t(a, b) ORDER BY b, 2", "[[2],[1]]"),
        ("SELECT a FROM VALUES (1, 2), (2, 1) t(a, b) ORDER BY 2, b", "[[2],[1]]"),
        ("SELECT a FROM VALUES (1, 2), (2, 1) t(a, b) ORDER BY 2", "![ORDER_BY_POS_OUT_OF_RANGE]"),
        ("SELECT count(*) AS n FROM VALUES (1, 2) t(a, b) GROUP BY a ORDER BY b", "![UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("SELECT sum(a) AS s FROM VALUES (1, 2) t(a, b) GROUP BY b HAVING a > 2", "![UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("SELECT a, sum(b) AS s FROM VALUES (1, 2), (2, 1) t(a, b) GROUP BY a ORDER BY sum(b)", "[[2,1],[1,2]]"),
        (
            "SELECT a, sum(sum(b)) OVER () AS s FROM VALUES (1, 2), (2, 1) t(a, b) GROUP BY a, b ORDER BY sum(b)",
            "![UNSUPPORTED_EXPR_FOR_OPERATOR]",
        ),
        (
            "SELECT a, sum(sum(b)) OVER () AS s FROM VALUES (1, 2), (2, 1) t(a, b) GROUP BY a ORDER BY sum(b)",
            "![UNRESOLVED_COLUMN.WITH_SUGGESTION]",
        ),
        ("SELECT a, sum(sum(b)) OVER () AS s FROM VALUES (1, 2), (2, 1) t(a, b) GROUP BY a, b ORDER BY b", "[[2,3],[1,3]]"),
        ("SELECT a + sum(b) FROM VALUES (1, 2) t(a, b) GROUP BY ALL", "![UNRESOLVED_ALL_IN_GROUP_BY]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn stars_and_common_columns_go_by_place() {
    let cases = [
        ("SELECT s.* EXCEPT (x) FROM VALUES (named_struct('x', 1, 'y', 2)) t(s)", "[[2]]"),
        ("SELECT * EXCEPT (s.x) FROM VALUES (named_struct('x', 1, 'y', 2)) t(s)", r#"[[{"y":2}]]"#),
        ("SELECT * EXCEPT (s, s.x) FROM VALUES (named_struct('x', 1, 'y', 2)) t(s)", "![EXCEPT_OVERLAPPING_COLUMNS]"),
        ("SELECT s.* EXCEPT (z) FROM VALUES (named_struct('x', 1, 'y', 2)) t(s)", "![UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("SELECT count(*) AS n FROM (SELECT 1 AS a, 2 AS a) NATURAL JOIN (SELECT 1 AS a, 3 AS b)", "[[1]]"),
        ("SELECT count(*) AS n FROM (SELECT 1 AS a, 2 AS a) JOIN (SELECT 1 AS a, 3 AS b) USING (a)", "[[1]]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn subqueries_are_named_by_every_column_that_they_take() {
    let session = session();
    for (sql, name) in [
        ("SELECT (SELECT sum(c) FROM (SELECT a + b AS c FROM VALUES (1) u(b) WHERE b = a)) FROM VALUES (1) t(a)", "scalarsubquery(a, a)"),
        ("SELECT (SELECT max(b) FROM VALUES (1) u(b) WHERE b > a AND b < a) FROM VALUES (1) t(a)", "scalarsubquery(a, a)"),
        ("SELECT EXISTS (SELECT 1 FROM VALUES (1) u(b) WHERE b = a) FROM VALUES (1) t(a)", "exists(a)"),
        ("SELECT (WITH unused AS (SELECT a) SELECT 1) FROM VALUES (1) t(a)", "scalarsubquery(a)"),
        ("SELECT (SELECT max(coalesce(b, 0)) FROM VALUES (1) u(b) WHERE coalesce(a, b) = b) FROM VALUES (1) t(a)", "scalarsubquery(a)"),
    ] {
        assert_eq!(session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}")).columns().unwrap(), [name], "{sql}");
    }
}

#[tokio::test]
async fn one_source_goes_into_several_tables() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = folder.path().join("warehouse").display().to_string();
    let session = tidemill::Session::builder().config("spark.sql.warehouse.dir", warehouse).parallelism(2).build().unwrap();
    for sql in [
        "CREATE TABLE small (n BIGINT) USING parquet",
        "CREATE TABLE large (n BIGINT) USING parquet",
        "FROM range(10) INSERT INTO small SELECT id WHERE id < 3 INSERT INTO large SELECT id * 100 WHERE id >= 8",
    ] {
        session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let cases = [("SELECT * FROM small ORDER BY n", "[[0],[1],[2]]"), ("SELECT * FROM large ORDER BY n", "[[800],[900]]")];
    answers(&session, &cases).await;
}

#[tokio::test]
async fn a_new_column_has_its_default_in_the_rows_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = folder.path().join("warehouse").display().to_string();
    let session = tidemill::Session::builder().config("spark.sql.warehouse.dir", warehouse).parallelism(2).build().unwrap();
    for sql in [
        "CREATE TABLE t (a INT, p STRING) USING parquet PARTITIONED BY (p)",
        "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
        "ALTER TABLE t ADD COLUMNS (b INT DEFAULT 40 + 2, c STRING DEFAULT 'old', d DATE)",
        "INSERT INTO t (a, p) VALUES (3, 'x')",
        "INSERT INTO t (a, b, c, p) VALUES (4, NULL, NULL, 'y')",
        "ALTER TABLE t ALTER COLUMN b SET DEFAULT 7",
        "INSERT INTO t (a, p) VALUES (5, 'z')",
        "CREATE TABLE j (a INT) USING json",
        "ALTER TABLE j ADD COLUMN z INT DEFAULT 3",
        "INSERT INTO j (a) VALUES (1)",
    ] {
        session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let cases = [
        (
            "SELECT a, b, c, d, p FROM t ORDER BY a",
            r#"[[1,42,"old",null,"x"],[2,42,"old",null,"y"],[3,42,"old",null,"x"],[4,null,null,null,"y"],[5,7,"old",null,"z"]]"#,
        ),
        ("SELECT a FROM t WHERE b = 42 ORDER BY a", "[[1],[2],[3]]"),
        ("SELECT count(*) AS n FROM t WHERE b IS NULL", "[[1]]"),
        ("SELECT * FROM j", "[[1,3]]"),
        ("ALTER TABLE j ADD COLUMN y INT DEFAULT 4", "![UNSUPPORTED_FEATURE.TABLE_OPERATION]"),
        ("ALTER TABLE j ADD COLUMN y INT", "[]"),
    ];
    answers(&session, &cases).await;
}

#[tokio::test]
async fn settings_say_what_they_do() {
    let cases = [
        ("SET spark.sql.groupByOrdinal", r#"[["spark.sql.groupByOrdinal","true"]]"#),
        ("SET spark.sql.groupByOrdinal = perhaps", "![INVALID_CONF_VALUE.TYPE_MISMATCH]"),
        ("SET spark.sql.mapKeyDedupPolicy = FIRST_WIN", "![INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS]"),
        ("SET spark.sql.mapKeyDedupPolicy = last_win", r#"[["spark.sql.mapKeyDedupPolicy","last_win"]]"#),
        ("SELECT map(1, 'a', 1, 'b')[1] AS v", r#"[["b"]]"#),
        ("SET my.table = (SELECT 5 AS five)", r#"[["my.table","(SELECT 5 AS five)"]]"#),
        ("SELECT five FROM ${my.table}", "[[5]]"),
        ("SELECT '${no.such.setting}' AS a", r#"[[""]]"#),
        ("SET spark.sql.variable.substitute = false", r#"[["spark.sql.variable.substitute","false"]]"#),
        ("SELECT '${my.table}' AS a", r#"[["${my.table}"]]"#),
        ("SELECT DATE 'today' = current_date() AS a, DATE 'tomorrow' > current_date() AS b", "[[true,true]]"),
    ];
    answers(&session(), &cases).await;
}

/// A random number beside a number of another type is one number in the comparison and in the answer.
#[tokio::test]
async fn nullif_computes_a_random_number_once() {
    let rows = "SELECT count(*) AS n FROM (SELECT nullif(cast(rand() * 2 AS int), 0.0) AS a FROM range(0, 1000)) WHERE a = 0";
    answers(&session(), &[(rows, "[[0]]")]).await;
}
