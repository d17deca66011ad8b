//! Types: which operator runs, what values of two types meet in, what does not fit, and that the schema says what comes.

use super::answers;
use crate::support::session;

#[tokio::test]
async fn operators_are_chosen_when_types_are_known() {
    let cases = [
        (
            "SELECT a, CASE WHEN a = 1 THEN 0 ELSE 0.5 END * 100 AS x FROM VALUES (1), (2) AS t(a)",
            r#"[[1,"0.0"],[2,"50.0"]] :: int, decimal(15,1)"#,
        ),
        ("SELECT a + 1 AS x FROM (SELECT 1 AS a UNION ALL SELECT 1.5)", r#"[["2.0"],["2.5"]] :: decimal(12,1)"#),
        ("SELECT a * 2 AS x FROM (SELECT 1 AS a UNION ALL SELECT 2.5e0)", "[[2.0],[5.0]] :: double"),
        ("SELECT 1 AS a UNION ALL SELECT 1.5", r#"[["1.0"],["1.5"]] :: decimal(11,1)"#),
        ("SELECT sum(a) AS s FROM (SELECT 1 AS a UNION ALL SELECT 1.5)", r#"[["2.5"]] :: decimal(21,1)"#),
        ("SELECT 1 AS a UNION ALL SELECT '7'", "[[1],[7]] :: bigint"),
        ("SELECT 1 AS a UNION ALL SELECT 'x'", "![CAST_INVALID_INPUT]"),
        ("SELECT coalesce(null, 1, 1.5) AS a, nullif(1.5, 1.5e0) AS b", r#"[["1.0",null]] :: decimal(11,1), decimal(2,1)"#),
        ("SELECT '7' / 2 AS a, '1' + 1 AS b, '1' + '2' AS c", "![DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE]"),
        (
            "SELECT 2.0 / 3.0 AS a, 1.5 / 2 AS b, 7.5 DIV 2.5 AS c, 5.5 % 2 AS d",
            r#"[["0.666667","0.750000",3,"1.5"]] :: decimal(8,6), decimal(7,6), bigint, decimal(2,1)"#,
        ),
        ("SELECT 1.5e0 DIV 1", "![DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES]"),
        (
            "SELECT avg(a) AS m, avg(a) OVER () AS w FROM VALUES (1.5) AS t(a) GROUP BY a",
            r#"[["1.50000","1.50000"]] :: decimal(6,5), decimal(6,5)"#,
        ),
        ("SELECT avg(a) AS m FROM VALUES (1.5), (2.0), (2.1) AS t(a)", r#"[["1.86667"]] :: decimal(6,5)"#),
        ("SELECT date '2020-01-01' + 1 AS a, date '2020-01-01' + interval 1 month AS b", r#"[["2020-01-02","2020-02-01"]] :: date, date"#),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn a_view_and_its_description_have_the_types_of_the_rows() {
    let session = session();
    session.sql("CREATE TEMP VIEW v AS SELECT 1 AS a UNION ALL SELECT 1.5").await.unwrap();
    answers(&session, &[("DESCRIBE v", r#"[["a","decimal(11,1)",null]]"#), ("SELECT a FROM v", r#"[["1.0"],["1.5"]] :: decimal(11,1)"#)])
        .await;
}

#[tokio::test]
async fn doubles_and_decimals_meet_as_doubles() {
    let cases = [
        ("SELECT 1e-20 > 0.0 AS a, 1e-20 = 0.0 AS b, 0.1e0 + 0.2e0 = 0.3 AS c", "[[true,false,false]]"),
        ("SELECT a > 0.5 AS x FROM VALUES (1e16), (cast('inf' AS double)), (cast('NaN' AS double)) AS t(a)", "[[true],[true],[true]]"),
        ("SELECT 1e-20 BETWEEN 0.0 AND 1.0 AS a, 1e-20 IN (0.0, 2.0) AS b, CASE 1e-20 WHEN 0.0 THEN 1 ELSE 2 END AS c", "[[true,false,2]]"),
        ("SELECT greatest(1e-20, 0.0) AS a, coalesce(cast(null AS double), 0.1) AS b", "[[1e-20,0.1]] :: double, double"),
        ("SELECT a FROM (SELECT 1e-20 AS a UNION ALL SELECT 0.5) ORDER BY a", "[[1e-20],[0.5]] :: double"),
        ("SELECT count(*) AS n FROM VALUES (1e-20) AS l(a) JOIN VALUES (0.0) AS r(b) ON a = b", "[[0]]"),
        ("SELECT count(*) AS n FROM VALUES (1e-20) AS t(a) WHERE a IN (SELECT 0.0)", "[[0]]"),
        ("SELECT a FROM VALUES (1e16) AS t(a) GROUP BY a HAVING a > 0.5", "[[1e+16]]"),
        ("SELECT a FROM VALUES (0.5), (1e-20) AS t(a) ORDER BY a", "[[1e-20],[0.5]] :: double"),
        ("SELECT a FROM VALUES (1.5F), (2) AS t(a)", "[[1.5],[2.0]] :: double"),
        ("SELECT a FROM VALUES (1.5F), (2F) AS t(a)", "[[1.5],[2.0]] :: float"),
        ("SELECT a FROM VALUES (sqrt(4)), (0.5) AS t(a)", "[[2.0],[0.5]] :: double"),
        ("SELECT a FROM VALUES (1), (0.5), (1e20) AS t(a)", "[[1.0],[0.5],[1e+20]] :: double"),
        ("SELECT a FROM VALUES (1), (0.5) AS t(a)", r#"[["1.0"],["0.5"]] :: decimal(11,1)"#),
        ("SELECT a FROM VALUES (null), (1), (3000000000) AS t(a)", "[[null],[1],[3000000000]] :: bigint"),
        (
            "SELECT a FROM VALUES (cast(0.5 AS decimal(30,15))), (1) AS t(a)",
            r#"[["0.500000000000000"],["1.000000000000000"]] :: decimal(30,15)"#,
        ),
        ("SELECT a FROM VALUES (1), ('7') AS t(a)", "[[1],[7]] :: bigint"),
        ("SELECT a FROM VALUES (array(0.5)), (array(1e-20)) AS t(a)", "[[[0.5]],[[1e-20]]] :: array<double>"),
        (
            "SELECT a FROM VALUES (date '2020-01-01'), (timestamp '2020-01-01 10:00:00') AS t(a)",
            r#"[["2020-01-01 00:00:00"],["2020-01-01 10:00:00"]] :: timestamp"#,
        ),
        ("SELECT array(array(0.5)) AS a UNION ALL SELECT array(array(1e-20))", "[[[[0.5]]],[[[1e-20]]]] :: array<array<double>>"),
        ("SELECT 1 AS a UNION ALL SELECT 0.5 UNION ALL SELECT 1e20", "[[1.0],[0.5],[1e+20]] :: double"),
        ("SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 0.5) UNION ALL SELECT 1e-20", "[[1.0],[0.5],[1e-20]] :: double"),
        ("WITH c AS (SELECT 0.5 AS a UNION ALL SELECT 1e-20) SELECT a FROM c", "[[0.5],[1e-20]] :: double"),
        (
            "SELECT nvl(0.5, 1e-20) AS a, ifnull(cast(null AS decimal(3,1)), 1e-20) AS b, nvl(date '2020-01-01', timestamp '2020-01-02 00:00:00') AS c",
            r#"[[0.5,1e-20,"2020-01-01 00:00:00"]] :: double, double, timestamp"#,
        ),
        (
            "SELECT array(1e-20, 0.5) AS a, if(true, 1e-20, 0.5) AS b, nvl(1, 2.5) AS c",
            r#"[[[1e-20,0.5],1e-20,"1.0"]] :: array<double>, double, decimal(11,1)"#,
        ),
        ("SELECT 1e-20 AS a INTERSECT SELECT 0.0", "[]"),
        ("SELECT a FROM (SELECT 0.5 AS a UNION ALL SELECT 1e-20) ORDER BY a", "[[1e-20],[0.5]] :: double"),
        (
            "SELECT a FROM (SELECT null AS a UNION ALL SELECT 1.5 UNION SELECT 1e-20 UNION ALL SELECT 1) ORDER BY a",
            "[[null],[1e-20],[1.0],[1.5]] :: double",
        ),
        ("SELECT '0.25' = 0.3 AS a, '3000000000' = 1 AS b, '01' = 1 AS c", "[[false,false,true]]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn what_does_not_fit_is_an_error() {
    let nines = "cast('90000000000000000000000000000000000000' AS decimal(38,0))";
    let sums = [
        ("SELECT sum(a) FROM VALUES (9223372036854775807), (1) AS t(a)".to_owned(), "![ARITHMETIC_OVERFLOW]"),
        (format!("SELECT sum(a) FROM VALUES ({nines}), ({nines}) AS t(a)"), "![ARITHMETIC_OVERFLOW]"),
        ("SELECT sum(DISTINCT a), count(*) FROM VALUES (9223372036854775807), (1) AS t(a)".to_owned(), "![ARITHMETIC_OVERFLOW]"),
        ("SELECT b, sum(a) FROM VALUES (9223372036854775807, 1), (1, 1) AS t(a, b) GROUP BY b".to_owned(), "![ARITHMETIC_OVERFLOW]"),
        ("SELECT sum(a) OVER (ORDER BY a) FROM VALUES (9223372036854775807), (1) AS t(a)".to_owned(), "![ARITHMETIC_OVERFLOW]"),
        (format!("SELECT a + a FROM VALUES ({nines}) AS t(a)"), "![NUMERIC_VALUE_OUT_OF_RANGE"),
    ];
    for (sql, expected) in &sums {
        answers(&session(), &[(sql, expected)]).await;
    }
    let cases = [
        (
            "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM VALUES (1), (5), (7) AS t(a)",
            "[[1],[6],[12]]",
        ),
        (
            "SELECT sum(a) AS s, sum(DISTINCT a) AS d, count(*) AS n FROM VALUES (1), (1), (null) AS t(a)",
            "[[2,1,3]] :: bigint, bigint, bigint",
        ),
        ("SELECT sum(a) FILTER (WHERE a > 1) AS s FROM VALUES (1), (2) AS t(a)", "[[2]]"),
        ("SELECT sum(a) AS s FROM VALUES (1) AS t(a) WHERE a > 1", "[[null]]"),
        ("SELECT -a FROM VALUES (cast(-128 AS tinyint)) AS t(a)", "!OVERFLOW]"),
        ("SELECT -a FROM VALUES (-9223372036854775808) AS t(a)", "!OVERFLOW]"),
        ("SELECT abs(a) FROM VALUES (cast(-128 AS tinyint)) AS t(a)", "!OVERFLOW]"),
        ("SELECT -a AS x FROM VALUES (1), (-2147483647) AS t(a)", "[[-1],[2147483647]] :: int"),
        ("SELECT 5.0e0 % 0.0", "![REMAINDER_BY_ZERO]"),
        ("SELECT 1 / 0", "![DIVIDE_BY_ZERO]"),
        ("SELECT 5.5 % 0", "![REMAINDER_BY_ZERO]"),
        ("SELECT mod(5, 0)", "![REMAINDER_BY_ZERO]"),
        ("SELECT pmod(5, a) FROM VALUES (0) AS t(a)", "![REMAINDER_BY_ZERO]"),
        ("SELECT pmod(5.5, 0.0)", "![REMAINDER_BY_ZERO]"),
        ("SELECT pmod(5e0, 0)", "![REMAINDER_BY_ZERO]"),
        (
            "SELECT mod(-7, 3) AS a, pmod(-7, 3) AS b, pmod(-7.5, 2) AS c, pmod(-7, -3) AS d, pmod(7, 3) AS e, pmod(-5e0, 3) AS f, pmod(null, 3) AS g",
            r#"[[-1,2,"0.5",-1,1,1.0,null]] :: int, int, decimal(2,1), int, int, double, int"#,
        ),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn instants_numbers_and_text() {
    let cases = [
        (
            "SELECT cast(timestamp '2020-01-01 00:00:01.5' AS bigint) AS a, cast(timestamp '2020-01-01 00:00:01.5' AS double) AS b,
                    cast(timestamp '1969-12-31 23:59:59.5' AS int) AS c, cast(timestamp '2020-01-01 00:00:01.5' AS decimal(20,3)) AS d",
            r#"[[1577836801,1577836801.5,-1,"1577836801.500"]] :: bigint, double, int, decimal(20,3)"#,
        ),
        (
            "SELECT cast(1 AS timestamp) AS a, cast(1.5 AS timestamp) AS b, cast(-1.5e0 AS timestamp) AS c",
            r#"[["1970-01-01 00:00:01","1970-01-01 00:00:01.5","1969-12-31 23:59:58.5"]]"#,
        ),
        ("SELECT cast(9223372036854775807 AS timestamp)", "[[\"+294247-01-10 04:00:54.775807\"]]"),
        ("SELECT try_cast(9223372036854775807 AS timestamp) AS a", "[[\"+294247-01-10 04:00:54.775807\"]]"),
        (
            "SELECT cast(1e10 AS string) AS a, cast(timestamp '2020-01-01 00:00:00' AS string) AS b, concat(1e10, 'x') AS c",
            r#"[["1.0E10","2020-01-01 00:00:00","1.0E10x"]]"#,
        ),
        ("SELECT cast(array(1) AS string)", "[[\"[1]\"]]"),
        ("SELECT array_join(array(1e7), ',')", "[[\"1.0E7\"]]"),
        ("SELECT array_join(array('a', 'b'), ',') AS a", r#"[["a,b"]]"#),
        ("SELECT coalesce(timestamp '9999-12-31 00:00:00', current_timestamp()) AS x", r#"[["9999-12-31 00:00:00"]] :: timestamp"#),
        ("SELECT current_timestamp() > timestamp '2020-01-01 00:00:00' AS a, now() = current_timestamp() AS b", "[[true,true]]"),
        (
            "SELECT year('2020-05-17') AS y, dayofweek('2020-05-17') AS d, hour('2020-05-17 10:00:00') AS h, datediff('2020-01-03', '2020-01-01') AS n",
            "[[2020,1,10,2]]",
        ),
        (
            "SELECT timestamp_seconds(1.5) AS a, timestamp_seconds(-0.5e0) AS b, timestamp_seconds(2) AS c, timestamp_seconds(null) AS d",
            r#"[["1970-01-01 00:00:01.5","1969-12-31 23:59:59.5","1970-01-01 00:00:02",null]]"#,
        ),
        ("SELECT timestamp_millis(1.5)", "![DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE]"),
        ("SELECT extract(epoch FROM timestamp '2020-01-01 00:00:00')", "![INVALID_EXTRACT_FIELD]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn lengths_of_time_are_compared_by_their_length() {
    let cases = [
        (
            "SELECT b - a > interval 1 day AS x, b - a < interval 2 days AS y, interval 1 day = interval 24 hours AS z,
                    b - a BETWEEN interval 1 day AND interval 4 days AS w
             FROM (SELECT timestamp '2020-01-01 00:00:00' AS a, timestamp '2020-01-04 00:00:00' AS b)",
            "[[true,false,true,true]]",
        ),
        ("SELECT interval 1 month > interval 1 day", "![DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES]"),
        ("SELECT a FROM VALUES (interval 1 day), (interval 2 days) AS t(a) ORDER BY a", "[[\"INTERVAL '1' DAY\"],[\"INTERVAL '2' DAY\"]]"),
        ("SELECT a FROM VALUES (interval 1 day), (interval 24 hours) AS t(a) GROUP BY a", "[[\"INTERVAL '1 00' DAY TO HOUR\"]]"),
        ("SELECT DISTINCT a FROM VALUES (interval 1 day), (interval 24 hours) AS t(a)", "[[\"INTERVAL '1 00' DAY TO HOUR\"]]"),
        ("SELECT max(a) FROM VALUES (interval 1 day), (interval 24 hours) AS t(a)", "[[\"INTERVAL '1 00' DAY TO HOUR\"]]"),
        ("SELECT max(a) OVER () FROM VALUES (interval 1 day) AS t(a)", "[[\"INTERVAL '1' DAY\"]]"),
        ("SELECT count(DISTINCT a) FROM VALUES (interval 1 day), (interval 24 hours) AS t(a)", "[[1]]"),
        ("SELECT interval 1 day AS a UNION SELECT interval 24 hours", "[[\"INTERVAL '1 00' DAY TO HOUR\"]]"),
        ("SELECT interval 1 day AS a EXCEPT SELECT interval 24 hours", "[]"),
        ("SELECT sum(1) OVER (ORDER BY a) FROM VALUES (interval 1 day) AS t(a)", "[[1]]"),
        ("SELECT rank() OVER (ORDER BY a) FROM VALUES (interval 1 day) AS t(a)", "[[1]]"),
        ("SELECT sum(1) OVER (PARTITION BY a) FROM VALUES (interval 1 day) AS t(a)", "[[1]]"),
        ("SELECT 1 FROM VALUES (array(interval 1 day)) AS t(a) ORDER BY a", "[[1]]"),
        ("SELECT greatest(interval 1 day, interval 24 hours)", "[[\"INTERVAL '1 00' DAY TO HOUR\"]]"),
        ("SELECT array_contains(array(interval 1 day), interval 24 hours)", "[[true]]"),
        ("SELECT array(interval 1 day) = array(interval 24 hours)", "[[true]]"),
        ("SELECT named_struct('a', interval 1 day) IN (named_struct('a', interval 24 hours))", "[[true]]"),
        (
            "SELECT nullif(interval 1 day, interval 24 hours) IS NULL AS a, nullif(interval 1 day, interval 2 days) IS NULL AS b",
            "[[true,false]]",
        ),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn functions_answer_as_sparks() {
    let cases = [
        (
            "SELECT nullif(1, 1.0) AS a, nullif('1', 1) AS b, nullif(1.5, 2e0) AS c, nullif(null, 1) AS d, nullif(1, null) AS e",
            r#"[[null,null,"1.5",null,1]] :: int, string, decimal(2,1), void, int"#,
        ),
        ("SELECT count(*) AS n FROM (SELECT nullif(rand() > 0.5, false) AS a FROM range(0, 1000)) WHERE NOT a", "[[0]]"),
        ("SELECT nullif(array(1), array(1)) AS a, nullif(array(1), array(2)) AS b", "[[null,[1]]]"),
        ("SELECT reverse(array(1, 2)) AS a, reverse('abc') AS b", r#"[[[2,1],"cba"]]"#),
        ("SELECT left('abc', -1) AS a, right('abc', -1) AS b, left('abc', 2) AS c, right('abc', 2) AS d", r#"[["","","ab","bc"]]"#),
        (
            "SELECT array_position(array(1, 2), 2) AS a, array_position(array(1, 2), 9) AS b, array_position(array(1), null) AS c, cardinality(array(1, 2)) AS d",
            "![DATATYPE_MISMATCH.NULL_TYPE]",
        ),
        (
            r#"SELECT to_json(named_struct('d', 1.50, 'e', 1e10, 'n', null, 't', timestamp '2026-01-31 08:30:00', 'u', timestamp '2026-01-31 08:30:00.000001', 'y', date '2026-01-31')) AS a"#,
            "[[\"{\\\"d\\\":1.50,\\\"e\\\":1.0E10,\\\"t\\\":\\\"2026-01-31T08:30:00.000Z\\\",\\\"u\\\":\\\"2026-01-31T08:30:00.000Z\\\",\\\"y\\\":\\\"2026-01-31\\\"}\"]]",
        ),
        (
            "SELECT to_json(map('a', null, 'b', 1)) AS a, to_json(map(1, 2.5, 2, null)) AS b, to_json(array(named_struct('x', null), null)) AS c, to_json(map(true, 'q')) AS d",
            r#"[["{\"a\":null,\"b\":1}","{\"1\":2.5,\"2\":null}","[{},null]","{\"true\":\"q\"}"]]"#,
        ),
        ("SELECT to_json(map(date '2026-01-31', 1))", "[[\"{\\\"20484\\\":1}\"]]"),
        ("SELECT to_json(array(interval 1 day))", r#"[["[\"INTERVAL '1' DAY\"]"]]"#),
    ];
    answers(&session(), &cases).await;
}

/// A random number beside a number of another type is one number in the comparison and in the answer.
#[tokio::test]
async fn nullif_computes_a_random_number_once() {
    let rows = "SELECT count(*) AS n FROM (SELECT nullif(cast(rand() * 2 AS int), 0.0) AS a FROM range(0, 1000)) WHERE a = 0";
    answers(&session(), &[(rows, "[[0]]")]).await;
}
