//! Queries over rows written down in them: what each clause means.

use crate::run::Runner;

/// (query, rows)
pub(crate) const CASES: &[(&str, &str)] = &[
    ("SELECT a, sum(b) AS s FROM VALUES (1, 2), (1, 4), (2, 5) t(a, b) GROUP BY a HAVING sum(b) > 4 ORDER BY s DESC", "1\t6\n2\t5"),
    ("SELECT a FROM VALUES (1, 9), (2, 8) t(a, b) ORDER BY b", "2\n1"),
    ("SELECT a + 1 AS x FROM VALUES (1), (2) t(a) ORDER BY x DESC LIMIT 1", "3"),
    (
        "SELECT a, row_number() OVER (PARTITION BY a ORDER BY b) FROM VALUES (1, 2), (1, 1), (2, 5) t(a, b) ORDER BY 1, 2",
        "1\t1\n1\t2\n2\t1",
    ),
    ("SELECT * FROM VALUES (1, 2), (3, 4) t(a, b) QUALIFY row_number() OVER (ORDER BY b DESC) = 1", "3\t4"),
    ("SELECT (SELECT max(b) FROM VALUES (1, 5), (2, 6) u(a, b) WHERE u.a = t.a) FROM VALUES (1), (2) t(a) ORDER BY 1", "5\n6"),
    ("SELECT a FROM VALUES (1), (2), (3) t(a) WHERE EXISTS (SELECT 1 FROM VALUES (2), (3) u(b) WHERE b = a) ORDER BY a", "2\n3"),
    ("SELECT a FROM VALUES (1), (2) t(a) WHERE a NOT IN (SELECT b FROM VALUES (2), (3) u(b))", "1"),
    ("SELECT a, c FROM VALUES (1), (2) t(a), LATERAL (SELECT a * 10 AS c) ORDER BY a", "1\t10\n2\t20"),
    (
        "SELECT a, c FROM VALUES (1), (2) t(a), LATERAL (SELECT count(*) AS c FROM VALUES (1), (1) u(b) WHERE b = a) ORDER BY a",
        "1\t2\n2\t0",
    ),
    (
        "SELECT a, b FROM VALUES (1), (2) t(a), LATERAL (SELECT b FROM VALUES (1), (2), (3) u(b) WHERE b > a ORDER BY b LIMIT 1) ORDER BY a",
        "1\t2\n2\t3",
    ),
    ("SELECT a, EXISTS (SELECT 1 FROM VALUES (1) u(b) WHERE b = a) FROM VALUES (1), (2) t(a) ORDER BY a", "1\ttrue\n2\tfalse"),
    ("SELECT a, a IN (SELECT b FROM VALUES (1), (NULL) u(b)) FROM VALUES (1), (2) t(a) ORDER BY a", "1\ttrue\n2\tNULL"),
    ("SELECT a, (SELECT count(*) FROM VALUES (1), (2), (3) u(b) WHERE b > a) FROM VALUES (1), (3) t(a) ORDER BY a", "1\t2\n3\t0"),
    ("SELECT a FROM VALUES (1), (3) t(a) WHERE 1 < (SELECT count(*) FROM VALUES (1), (2), (3) u(b) WHERE b > a)", "1"),
    ("SELECT (SELECT b FROM VALUES (1, 5) u(a, b) WHERE u.a = t.a) FROM VALUES (1), (2) t(a) ORDER BY 1", "NULL\n5"),
    // EXISTS over one group is always true; HAVING may leave none.
    ("SELECT a FROM VALUES (1), (2) t(a) WHERE EXISTS (SELECT count(*) FROM VALUES (1) u(c) WHERE c = a) ORDER BY a", "1\n2"),
    ("SELECT a FROM VALUES (1), (2) t(a) WHERE NOT EXISTS (SELECT count(*) FROM VALUES (1) u(c) WHERE c = a)", ""),
    ("SELECT a FROM VALUES (0), (2) t(a) WHERE a IN (SELECT count(*) FROM VALUES (1) u(c) WHERE c = a)", "0"),
    ("SELECT a, (SELECT size(collect_list(c)) FROM VALUES (1) u(c) WHERE c = a) FROM VALUES (1), (2) t(a) ORDER BY a", "1\t1\n2\t0"),
    // NOT IN with nulls.
    ("SELECT a FROM VALUES (1), (NULL) t(a) WHERE a NOT IN (SELECT b FROM VALUES (2), (NULL) u(b))", ""),
    ("SELECT a FROM VALUES (1), (NULL) t(a) WHERE a NOT IN (SELECT b FROM VALUES (2) u(b))", "1"),
    ("SELECT a FROM VALUES (1), (NULL) t(a) WHERE a NOT IN (SELECT b FROM VALUES (2) u(b) WHERE b > 9) ORDER BY a", "NULL\n1"),
    (
        "SELECT a, k FROM VALUES (1, 1), (NULL, 1), (NULL, 3), (1, 2) t(a, k) WHERE a NOT IN (SELECT b FROM VALUES (5, 1), (NULL, 2) u(b, k) \
         WHERE u.k = t.k) ORDER BY k",
        "1\t1\nNULL\t3",
    ),
    ("SELECT a FROM VALUES (1), (2), (NULL) t(a) WHERE a = 2 OR a NOT IN (SELECT b FROM VALUES (3), (NULL) u(b)) ORDER BY a", "2"),
    ("SELECT a FROM VALUES (1), (2), (NULL) t(a) WHERE NOT (a IN (SELECT b FROM VALUES (2) u(b)) OR a = 7) ORDER BY a", "1"),
    (
        "SELECT a, b FROM VALUES (1, 1), (2, NULL), (NULL, NULL), (3, 4) t(a, b) WHERE (a, b) NOT IN (SELECT x, y FROM VALUES (1, 1), (2, 5) \
         u(x, y)) ORDER BY a",
        "3\t4",
    ),
    (
        "SELECT a, (a, b) IN (SELECT x, y FROM VALUES (1, 1), (2, 5) u(x, y)) FROM VALUES (1, 1), (2, NULL), (3, NULL) t(a, b) ORDER BY a",
        "1\ttrue\n2\tNULL\n3\tfalse",
    ),
    ("SELECT a FROM VALUES (1, 1), (2, 2) t(a, b) WHERE (a, b) IN (SELECT x, y FROM VALUES (1, 1), (2, NULL) u(x, y))", "1"),
    ("SELECT a FROM VALUES (1), (2) t(a) WHERE a + 1 IN (SELECT b FROM VALUES (2) u(b) GROUP BY b HAVING b > a) OR a = 9", "1"),
    // In aggregates, keys and join conditions.
    ("SELECT sum(a) FILTER (WHERE EXISTS (SELECT 1 FROM VALUES (2), (3) u(b) WHERE b = a)) FROM VALUES (1), (2), (3) t(a)", "5"),
    ("SELECT sum(0 + (SELECT max(b) FROM VALUES (5) u(b))) FROM VALUES (1), (2), (3) t(a)", "15"),
    ("SELECT count(CASE WHEN a IN (SELECT b FROM VALUES (1) u(b)) THEN 1 END) FROM VALUES (1), (2), (3) t(a)", "1"),
    ("SELECT count(*) FROM VALUES (1), (2), (3) t(a) GROUP BY a IN (SELECT b FROM VALUES (1) u(b)) ORDER BY 1", "1\n2"),
    (
        "SELECT t.a, u.b FROM VALUES (1), (2), (3) t(a) LEFT JOIN VALUES (1), (2) u(b) ON a = b AND a IN (SELECT c FROM VALUES (2) v(c)) \
         ORDER BY a",
        "1\tNULL\n2\t2\n3\tNULL",
    ),
    (
        "SELECT t.a, u.b FROM VALUES (1), (2) t(a) FULL JOIN VALUES (1), (2) u(b) ON a = b AND b NOT IN (SELECT c FROM VALUES (2) v(c)) \
         ORDER BY a, b",
        "NULL\t2\n1\t1\n2\tNULL",
    ),
    (
        "SELECT a FROM VALUES (1), (2) t(a) LEFT ANTI JOIN VALUES (1), (2) u(b) ON a = b AND EXISTS (SELECT 1 FROM VALUES (2) v(c) WHERE c = b)",
        "1",
    ),
    ("SELECT a, b FROM VALUES (1), (2) t(a) JOIN VALUES (1), (2) u(b) ON a = b AND a IN (SELECT c FROM VALUES (2) v(c))", "2\t2"),
    ("SELECT sum((SELECT max(b) FROM VALUES (3), (2) u(b))) FROM VALUES (1), (2) t(a)", "6"),
    ("SELECT max((SELECT b FROM VALUES (1, 7), (2, 5) u(k, b) WHERE k = a)) FROM VALUES (1), (2) t(a)", "7"),
    ("SELECT current_date FROM VALUES (5) t(current_date)", "5"),
    // Names of the rows below an order come before those of the query around.
    (
        "SELECT a FROM VALUES (1, 2) t(a, b) WHERE NOT EXISTS (SELECT max(c) FROM VALUES (3, 4) u(c, b) WHERE c = a GROUP BY b ORDER BY b)",
        "1",
    ),
    ("SELECT * FROM VALUES (1, NULL) t(a, b), LATERAL (SELECT t.*) AS s(c, d)", "1\tNULL\t1\tNULL"),
    ("SELECT (SELECT max(s) FROM (SELECT sum(c) OVER (ORDER BY c + a) AS s FROM VALUES (1), (2) u(c))) FROM VALUES (1) t(a)", "3"),
    ("SELECT a FROM VALUES (1, 2), (3, 4) t(a, b) WHERE (a, b) NOT IN ((3, 4))", "1"),
    // A subquery that is a key stands in the list as the key; a list over groups asks by their keys.
    (
        "SELECT (SELECT max(b) FROM VALUES (1), (2) u(b)), count(*) FROM VALUES (1), (2) t(a) GROUP BY (SELECT max(b) FROM VALUES (1), (2) u(b))",
        "2\t2",
    ),
    (
        "SELECT a IN (SELECT b FROM VALUES (1) u(b)) AS f, count(*) FROM VALUES (1), (2), (3) t(a) GROUP BY a IN (SELECT b FROM VALUES (1) u(b)) \
         ORDER BY 2",
        "true\t1\nfalse\t2",
    ),
    (
        "SELECT a, (SELECT max(c) FROM VALUES (1, 5), (2, 6) u(k, c) WHERE k = a), sum(b) FROM VALUES (1, 1), (1, 2), (2, 4) t(a, b) GROUP BY a \
         ORDER BY a",
        "1\t5\t3\n2\t6\t4",
    ),
    (
        "SELECT a, (SELECT max(c) FROM VALUES (1, 5), (2, 6) u(k, c) WHERE k = a), sum(b) FROM VALUES (1, 1), (2, 4) t(a, b) GROUP BY ROLLUP (a) \
         ORDER BY a",
        "NULL\tNULL\t5\n1\t5\t1\n2\t6\t4",
    ),
    (
        "SELECT a FROM VALUES (1, 1), (2, 4) t(a, b) GROUP BY a HAVING sum(b) > (SELECT max(c) FROM VALUES (1, 2), (2, 3) u(k, c) WHERE k = a)",
        "2",
    ),
    // What a query compares with a value is not what joins it: null equals nothing.
    (
        "SELECT a FROM VALUES (1, 2, NULL), (3, 4, 12), (5, 4, 12), (7, 8, 9) t(a, d, c) WHERE c = (SELECT x FROM VALUES (12), (20) u(x) \
         WHERE t.a < t.d ORDER BY x LIMIT 1)",
        "3",
    ),
    ("SELECT a FROM VALUES (1, NULL) t(a, c) WHERE c = (SELECT x FROM VALUES (NULL) u(x) WHERE a > 0 ORDER BY x LIMIT 1)", ""),
    ("SELECT a FROM VALUES (1), (2) t(a) WHERE EXISTS (SELECT 1 FROM VALUES (1), (1), (2) u(b) WHERE b = a LIMIT 1 OFFSET 1)", "1"),
    (
        "SELECT a FROM VALUES (2), (3) t(a) WHERE a IN (SELECT b FROM VALUES (1), (2), (3) u(b) WHERE b <= a ORDER BY b LIMIT 1 OFFSET 1)",
        "2",
    ),
    (
        "SELECT a, (SELECT b FROM VALUES (1), (2), (3) u(b) WHERE b >= a ORDER BY b LIMIT 1 OFFSET 1) FROM VALUES (1), (3) t(a) ORDER BY a",
        "1\t2\n3\tNULL",
    ),
    // Nulls that are passed over are not counted, wherever they stand.
    (
        "SELECT a, lead(b, 2) IGNORE NULLS OVER (ORDER BY a), lag(b, 2) IGNORE NULLS OVER (ORDER BY a), lag(b) IGNORE NULLS OVER (ORDER BY a DESC) \
         FROM VALUES (1, 10), (2, NULL), (3, 30), (4, 40), (5, NULL), (6, NULL), (7, 70), (8, 80) t(a, b) ORDER BY a",
        "1\t40\tNULL\t30\n2\t40\tNULL\t30\n3\t70\tNULL\t40\n4\t80\t10\t70\n5\t80\t30\t70\n6\t80\t30\t70\n7\tNULL\t30\t80\n8\tNULL\t40\tNULL",
    ),
    (
        "SELECT a, lead(b) IGNORE NULLS OVER (ORDER BY a) FROM VALUES (1, 10), (2, NULL), (3, NULL), (4, 40) t(a, b) ORDER BY a LIMIT 1",
        "1\t40",
    ),
    // A query that gives no row is null, also where it counts.
    ("SELECT (SELECT count(*) FROM VALUES (1) u(b) HAVING count(*) > 1) IS NULL", "true"),
    (
        "SELECT a, (SELECT count(*) FROM VALUES (1), (1), (2) u(b) WHERE b = a HAVING count(*) > 1) IS NULL FROM VALUES (1), (2), (3) t(a) ORDER BY a",
        "1\tfalse\n2\ttrue\n3\ttrue",
    ),
    // Set operations, DISTINCT, windows, two levels.
    (
        "SELECT a, (SELECT count(*) FROM (SELECT b FROM VALUES (1), (2) u(b) WHERE b = a UNION SELECT c FROM VALUES (1), (9) v(c) WHERE c > a)) \
         FROM VALUES (1), (2), (9) t(a) ORDER BY a",
        "1\t2\n2\t2\n9\t0",
    ),
    (
        "SELECT a, (SELECT sum(b) FROM (SELECT b FROM VALUES (1), (2), (3) u(b) WHERE b >= a EXCEPT SELECT c FROM VALUES (3) v(c) WHERE c > a)) \
         FROM VALUES (1), (3) t(a) ORDER BY a",
        "1\t3\n3\t3",
    ),
    (
        "SELECT a, (SELECT count(*) FROM (SELECT DISTINCT b FROM VALUES (5), (5), (6) u(b) WHERE b > a)) FROM VALUES (1), (5) t(a) ORDER BY a",
        "1\t2\n5\t1",
    ),
    (
        "SELECT a, (SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY b) AS n FROM VALUES (1), (2), (3) u(b) WHERE b > a)) \
         FROM VALUES (1), (2) t(a) ORDER BY a",
        "1\t2\n2\t1",
    ),
    (
        "SELECT a FROM VALUES (1), (2) t(a) WHERE EXISTS (SELECT 1 FROM VALUES (1), (2) u(b) WHERE EXISTS (SELECT 1 FROM VALUES (3) v(c) \
         WHERE c = a + b AND a = 2)) ORDER BY a",
        "2",
    ),
    ("SELECT explode(array(1, 2)) AS x, 'k'", "1\tk\n2\tk"),
    ("SELECT a, x FROM VALUES (1, array(5, 6)) t(a, xs) LATERAL VIEW explode(xs) v AS x ORDER BY x", "1\t5\n1\t6"),
    ("SELECT a, x FROM VALUES (1, array()) t(a, xs) LATERAL VIEW OUTER explode(xs) v AS x", "1\tNULL"),
    ("SELECT * FROM VALUES ('a', 1), ('b', 2), ('a', 3) t(k, v) PIVOT (sum(v) FOR k IN ('a', 'b' AS bb))", "4\t2"),
    ("SELECT * FROM VALUES (1, 2, 3) t(id, x, y) UNPIVOT (v FOR n IN (x, y)) ORDER BY n", "1\tx\t2\n1\ty\t3"),
    (
        "SELECT a, b, sum(c), grouping(a), grouping_id() FROM VALUES (1, 2, 3), (1, 4, 5) t(a, b, c) GROUP BY ROLLUP (a, b) ORDER BY 5, 2",
        "1\t2\t3\t0\t0\n1\t4\t5\t0\t0\n1\tNULL\t8\t0\t1\nNULL\tNULL\t8\t1\t3",
    ),
    ("SELECT a, sum(b) FROM VALUES (1, 2), (1, 3) t(a, b) GROUP BY ALL", "1\t5"),
    ("SELECT 1 AS a UNION SELECT 1 UNION ALL SELECT 2 ORDER BY a", "1\n2"),
    ("SELECT * FROM VALUES (1), (1), (2) t(a) EXCEPT ALL SELECT 1", "1\n2"),
    ("SELECT * FROM VALUES (1), (1), (2) t(a) INTERSECT ALL SELECT * FROM VALUES (1), (1), (1) u(a)", "1\n1"),
    ("WITH t AS (SELECT 1 AS a), u AS (SELECT a + 1 AS b FROM t) SELECT * FROM t, u", "1\t2"),
    ("SELECT * FROM VALUES (1, 'a') t(k, x) JOIN VALUES (1, 'b') u(k, y) USING (k)", "1\ta\tb"),
    ("SELECT k, t.k, u.k FROM VALUES (1), (2) t(k) FULL JOIN VALUES (2), (3) u(k) USING (k) ORDER BY 1", "1\t1\tNULL\n2\t2\t2\n3\tNULL\t3"),
    ("SELECT a.id, b.id FROM range(2) a JOIN range(2) b ON a.id = b.id ORDER BY 1", "0\t0\n1\t1"),
    ("SELECT id, id FROM range(1)", "0\t0"),
    ("SELECT 1 AS x, x + 1 AS y, y * 2", "1\t2\t4"),
    ("SELECT count(DISTINCT a), count(a) FILTER (WHERE a > 1), sum(a) FROM VALUES (1), (1), (2) t(a)", "2\t1\t4"),
    ("SELECT transform(filter(array(1, 2, 3), x -> x > k), y -> y + k) FROM VALUES (1) t(k)", "[3,4]"),
    ("FROM VALUES (1), (2) t(a) |> WHERE a > 1 |> SELECT a, a * 2 AS b |> EXTEND a + b AS c", "2\t4\t6"),
    ("FROM VALUES (1, 2), (1, 3) t(a, b) |> AGGREGATE sum(b) AS s GROUP BY a", "1\t5"),
    ("SELECT s.x, s.* FROM VALUES (named_struct('x', 1, 'y', 2)) t(s)", "1\t1\t2"),
    ("SELECT * EXCEPT (b) FROM VALUES (1, 2, 3) t(a, b, c)", "1\t3"),
    ("SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM VALUES (1), (2), (3) t(a)", "1\n3\n5"),
    ("SELECT a, sum(sum(b)) OVER () FROM VALUES (1, 2), (2, 3) t(a, b) GROUP BY a ORDER BY a", "1\t5\n2\t5"),
    ("SELECT CASE a WHEN 1 THEN 'one' ELSE 'many' END FROM VALUES (1), (2) t(a) ORDER BY a", "one\nmany"),
    ("SELECT DATE '2024-01-31' + INTERVAL 1 MONTH, TIMESTAMP '2024-03-10 01:30:00' + INTERVAL 1 HOUR", "2024-02-29\t2024-03-10 03:30:00"),
];

#[tokio::test]
async fn queries_give_what_spark_gives() {
    let mut wrong = Vec::new();
    for (query, expected) in CASES {
        match Runner::new().run(query).await {
            Ok(rows) if rows.join("\n") == *expected => {}
            Ok(rows) => wrong.push(format!("{query}\n    want {expected:?}\n    got  {:?}", rows.join("\n"))),
            Err(error) => wrong.push(format!("{query}\n    {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

/// (query, what it is refused with)
const REFUSED: &[(&str, &str)] = &[
    (
        "SELECT a, (SELECT sum(b) + a FROM VALUES (1) u(b)) FROM VALUES (1) t(a)",
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_REFERENCE",
    ),
    (
        "SELECT a, (SELECT sum(b + a) FROM VALUES (1) u(b)) FROM VALUES (1) t(a)",
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.AGGREGATE_FUNCTION_MIXED_OUTER_LOCAL_REFERENCES",
    ),
    ("SELECT a, (SELECT max(c) FROM VALUES (1, 5) u(k, c) WHERE k = b) FROM VALUES (1, 1) t(a, b) GROUP BY a", "MISSING_AGGREGATION"),
    (
        "SELECT count(*) FROM VALUES (1) t(a) GROUP BY (SELECT max(b) FROM VALUES (1) u(b) WHERE b = a)",
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.MUST_AGGREGATE_CORRELATED_SCALAR_SUBQUERY",
    ),
    ("SELECT a FROM VALUES (1) t(a) JOIN VALUES (2) u(b) ON row_number() OVER (ORDER BY a) < b", "UNSUPPORTED_EXPR_FOR_OPERATOR"),
    ("SELECT rank() OVER (ORDER BY 1), count(*) FROM VALUES (1) t(a) GROUP BY 1", "UNSUPPORTED_EXPR_FOR_OPERATOR"),
    ("SELECT a FROM VALUES (1) t(a) WHERE rank() OVER (ORDER BY a)", "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE"),
    ("SELECT range(1, 5) FROM VALUES (1) t(a)", "NOT_A_SCALAR_FUNCTION"),
    (
        "SELECT (SELECT b FROM VALUES (1, 2) u(a, b) GROUP BY b ORDER BY a) FROM VALUES (1) t(a)",
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_REFERENCE",
    ),
    ("SELECT * FROM VALUES (CAST('x' AS INT))", "INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT a.n + 1 FROM r a, r b WHERE a.n < 3) SELECT * FROM r", "names it more than once"),
    ("SELECT (SELECT max(b) FROM VALUES (a) u(b)) FROM VALUES (1) t(a)", "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE"),
];

#[tokio::test]
async fn queries_that_spark_refuses_are_refused() {
    for (query, condition) in REFUSED {
        match Runner::new().run(query).await {
            Ok(rows) => panic!("{query} gave {rows:?}"),
            Err(error) => assert!(error.to_string().contains(condition), "{query}: {error}"),
        }
    }
}
