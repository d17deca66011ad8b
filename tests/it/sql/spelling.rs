//! Literals and calls in Spark's spelling, names that a result cannot have twice, and errors that say what to do.

use super::answers;
use crate::support::session;

#[tokio::test]
async fn numbers_with_suffixes() {
    let cases = [
        (
            "SELECT 1.5D AS a, 1.5F AS b, 1S AS c, 1Y AS d, 1.5BD AS e, 1L AS f",
            r#"[[1.5,1.5,1,1,"1.5",1]] :: double, float, smallint, tinyint, decimal(2,1), bigint"#,
        ),
        ("SELECT 1L + 1 AS a, -128Y AS b, 2 * 1.5d AS c", "[[2,-128,3.0]] :: bigint, tinyint, double"),
        ("SELECT 1 D", "[[1]] :: int"),
        ("SELECT 300Y", "![INVALID_NUMERIC_LITERAL_RANGE]"),
    ];
    answers(&session(), &cases).await;
    assert_eq!(session().sql("SELECT 1.5D, -2L").await.unwrap().columns().unwrap(), ["1.5", "-2"]);
}

#[tokio::test]
async fn whole_numbers_are_ints_where_a_statement_is_planned() {
    let cases = [
        (
            "SELECT date_add(date '2020-01-01', 1) AS a, date_sub('2020-01-02', 1) AS b, add_months(date '2020-01-01', 1) AS c",
            r#"[["2020-01-02","2020-01-01","2020-02-01"]]"#,
        ),
        ("SELECT concat('[', space(2), ']') AS a, factorial(5) AS b, shiftleft(1, 2) AS c", r#"[["[  ]",120,4]]"#),
        ("SELECT array_sort(array(3, null, 1)) AS a", "[[[1,3,null]]]"),
    ];
    answers(&session(), &cases).await;
}

#[tokio::test]
async fn a_result_has_no_two_columns_of_one_name() {
    let twice = "[[1,1]]";
    let cases = [
        ("SELECT count(*), count(1)", twice),
        ("SELECT 1, 1", twice),
        ("SELECT x, x FROM VALUES (1) AS t(x)", twice),
        ("SELECT count(*) AS a, count(1) AS b", "[[1,1]]"),
    ];
    answers(&session(), &cases).await;
}
