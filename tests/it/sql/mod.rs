//! SQL: names, versions, Spark's meaning of operators and literals, and what is refused by name.

mod deep;
mod files;
mod floats;
mod joins;
mod nested;
mod queries;
mod spelling;
mod types;

use expect_test::{Expect, expect};
use tidemill::{ErrorKind, Session};
use tidemill_lakehouse::{DeltaTable, TableOptions};

use crate::support::{clicks, grid, session};

async fn check(session: &Session, sql: &str, expected: Expect) {
    let frame = session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    expected.assert_eq(&grid(&frame).await);
}

async fn types(session: &Session, sql: &str) -> String {
    let frame = session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    format!("{frame:?}")
}

/// Statements with their answers: the rows as JSON and, after ` :: `, the types; or a part of the error after `!`.
async fn answers(session: &Session, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let told = match answer(session, sql).await {
            Ok(told) => told,
            Err(error) => match expected.strip_prefix('!') {
                Some(part) if error.message().contains(part) => continue,
                _ => format!("!{}", error.message()),
            },
        };
        let told = if expected.contains(" :: ") { told } else { told.split(" :: ").next().unwrap_or_default().to_owned() };
        if told != *expected {
            wrong.push(format!("{sql}\n    want {expected}\n    got  {told}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

async fn answer(session: &Session, sql: &str) -> tidemill::Result<String> {
    let frame = session.sql(sql).await?;
    let (names, rows) = (frame.columns()?, frame.to_json_rows().await?);
    let rows: Vec<Vec<&serde_json::Value>> = rows.iter().map(|row| names.iter().map(|n| &row[n]).collect()).collect();
    let types: Vec<String> =
        frame.schema()?.fields().iter().map(|f| tidemill_planner::catalog_string::catalog_string(f.data_type())).collect();
    Ok(format!("{} :: {}", serde_json::to_string(&rows).expect("rows are JSON"), types.join(", ")))
}

fn with_clicks() -> Session {
    let session = session();
    clicks(&session).create_or_replace_temp_view("Clicks").unwrap();
    session
}

#[tokio::test]
async fn names_resolve_without_regard_to_case_and_keep_their_spelling() {
    let session = with_clicks();
    check(
        &session,
        "SELECT USERID, C.Clicks FROM clicks c WHERE userid = 'bob' ORDER BY CLICKS",
        expect![[r#"
            +------+------+
            |USERID|Clicks|
            +------+------+
            |   bob|     1|
            |   bob|     5|
            +------+------+
        "#]],
    )
    .await;
    check(
        &session,
        "WITH Totals AS (SELECT UserID AS Who, sum(clicks) AS Total FROM CLICKS GROUP BY userid)
         SELECT who, TOTALS.total, (SELECT max(TOTAL) FROM totals) AS best FROM totals t2 JOIN totals USING (WHO, total) ORDER BY WHO",
        expect![[r#"
            +---+-----+----+
            |who|total|best|
            +---+-----+----+
            |ann|    9|   9|
            |bob|    6|   9|
            +---+-----+----+
        "#]],
    )
    .await;
    check(
        &session,
        "SELECT country, count(*), avg(CLICKS), count(DISTINCT userID) FROM clicks GROUP BY COUNTRY HAVING count(*) > 0 ORDER BY country",
        expect![[r#"
            +-------+--------+-----------+----------------------+
            |country|count(1)|avg(CLICKS)|count(DISTINCT userID)|
            +-------+--------+-----------+----------------------+
            |   NULL|       1|       NULL|                     1|
            |     de|       2|        3.5|                     1|
            |     fr|       2|        3.0|                     1|
            |     nl|       1|        2.0|                     1|
            +-------+--------+-----------+----------------------+
        "#]],
    )
    .await;
    check(
        &session,
        "SELECT * EXCEPT (Country) FROM clicks o WHERE EXISTS (SELECT 1 FROM clicks i WHERE I.userId = O.USERID AND i.clicks > 4)
         UNION ALL SELECT 'zed', 9 ORDER BY userid, clicks",
        expect![[r#"
            +------+------+
            |userId|clicks|
            +------+------+
            |   bob|     1|
            |   bob|     5|
            |   zed|     9|
            +------+------+
        "#]],
    )
    .await;
    let both = session.sql("SELECT userId, userId AS USERID FROM clicks").await.unwrap();
    both.create_or_replace_temp_view("twice").unwrap();
    let error = session.sql("SELECT userid FROM twice").await.unwrap_err();
    assert!(error.message().contains("AMBIGUOUS_REFERENCE"), "{error}");
    let error = session.sql("SELECT usrId FROM clicks").await.unwrap_err();
    assert!(error.message().contains("did you mean one of [`userId`"), "{error}");
    let error = session.sql("SELECT 1 FROM click").await.unwrap_err();
    assert!(error.message().contains("did you mean `Clicks`?"), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn literals_and_operators_are_sparks() {
    let session = with_clicks();
    for (sql, expected) in [
        (
            "SELECT 1, 3000000000, 1.5, 'a', \"b\", true, null",
            "DataFrame[1: int, 3000000000: bigint, 1.5: decimal(2,1), a: string, b: string, true: boolean, NULL: void]",
        ),
        ("SELECT 7 / 2 AS q, 7 DIV 2 AS d, 1 + 2 AS s, clicks + 1 AS c FROM clicks", "DataFrame[q: double, d: bigint, s: int, c: bigint]"),
        (
            "SELECT CAST('2026-01-31 08:30:00' AS TIMESTAMP) AS t, DATE '2026-01-31' AS d, CAST(1 AS LONG) AS l",
            "DataFrame[t: timestamp, d: date, l: bigint]",
        ),
        ("SELECT count(*), sum(clicks), avg(clicks) FROM clicks", "DataFrame[count(1): bigint, sum(clicks): bigint, avg(clicks): double]"),
        ("SELECT to_timestamp('2026-01-31') t, timestamp_millis(0) m", "DataFrame[t: timestamp, m: timestamp]"),
    ] {
        assert_eq!(types(&session, sql).await, expected, "{sql}");
    }
    check(
        &session,
        "SELECT 7 / 2, 7 DIV 2, -7 % 3, 'it\\'s', log(1.0), regexp_replace('aXbX', 'X', '-'), substr('spark', 2, 3)",
        expect![[r#"
            +-------+---------+--------+----+-------------+-----------------------------+-------------------+
            |(7 / 2)|(7 div 2)|(-7 % 3)|it's|LOG(E(), 1.0)|regexp_replace(aXbX, X, -, 1)|substr(spark, 2, 3)|
            +-------+---------+--------+----+-------------+-----------------------------+-------------------+
            |    3.5|        3|      -1|it's|          0.0|                         a-b-|                par|
            +-------+---------+--------+----+-------------+-----------------------------+-------------------+
        "#]],
    )
    .await;
    check(
        &session,
        "SELECT array(7, 8)[0] AS zeroth, year(DATE '2026-01-31') AS y, dayofweek(DATE '2026-01-31') AS w, 'abc' RLIKE 'b.' AS r, '01' = 1 AS e,
                struct(userId, clicks AS n) AS s, map('k', 2)['k'] AS m, count(*) OVER () AS c
         FROM clicks LIMIT 1",
        expect![[r#"
            +------+----+---+----+----+--------+---+---+
            |zeroth|   y|  w|   r|   e|       s|  m|  c|
            +------+----+---+----+----+--------+---+---+
            |     7|2026|  7|true|true|{ann, 3}|  2|  6|
            +------+----+---+----+----+--------+---+---+
        "#]],
    )
    .await;
    check(
        &session,
        "SELECT id, id * 2 AS twice FROM range(0, 3) ORDER BY id DESC",
        expect![[r#"
        +---+-----+
        | id|twice|
        +---+-----+
        |  2|    4|
        |  1|    2|
        |  0|    0|
        +---+-----+
    "#]],
    )
    .await;
    check(
        &session,
        "SELECT clicks FROM clicks ORDER BY clicks LIMIT 2",
        expect![[r#"
        +------+
        |clicks|
        +------+
        |  NULL|
        |     1|
        +------+
    "#]],
    )
    .await;
    check(
        &session,
        "SELECT clicks FROM clicks ORDER BY clicks DESC",
        expect![[r#"
        +------+
        |clicks|
        +------+
        |     5|
        |     4|
        |     3|
        |     2|
        |     1|
        |  NULL|
        +------+
    "#]],
    )
    .await;
    for sql in ["SELECT 1 / 0", "SELECT 2147483647 + 1", "SELECT 9223372036854775807 + 1", "SELECT clicks / 0 FROM clicks"] {
        let run = match session.sql(sql).await {
            Ok(frame) => frame.collect().await.err(),
            Err(error) => Some(error),
        };
        assert!(run.is_some(), "{sql} must fail");
    }
}

#[tokio::test]
async fn grouping_values_and_row_numbers() {
    let session = with_clicks();
    for (sql, expected) in [
        ("SELECT x, count(*) AS n FROM VALUES (1), (2) AS t(x) GROUP BY x WITH ROLLUP ORDER BY x", "[[null,2],[1,1],[2,1]]"),
        (
            "SELECT x, y, count(*) AS n FROM VALUES (1, 2) t(x, y) GROUP BY x, y WITH CUBE ORDER BY x, y",
            "[[null,null,1],[null,2,1],[1,null,1],[1,2,1]]",
        ),
        ("SELECT col2, COL1 FROM VALUES (1, 'a')", r#"[["a",1]]"#),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r ORDER BY n", "[[1],[2],[3]]"),
        ("SELECT !false AS a, 1e3 AS b, current_date() > DATE '2020-01-01' AS c", "[[true,1000.0,true]]"),
        ("SELECT sum(n) AS s FROM (SELECT row_number() OVER (ORDER BY clicks) AS n FROM clicks)", "[[21]]"),
    ] {
        let rows =
            session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}")).to_json_rows().await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        let names = session.sql(sql).await.unwrap().columns().unwrap();
        let rows: Vec<Vec<serde_json::Value>> = rows.iter().map(|row| names.iter().map(|n| row[n].clone()).collect()).collect();
        assert_eq!(serde_json::to_string(&rows).unwrap(), expected, "{sql}");
    }
    for (sql, expected) in [
        ("SELECT row_number() OVER (ORDER BY clicks) AS n FROM clicks", "DataFrame[n: int]"),
        ("SELECT 1e3 AS b, x FROM VALUES (1), (NULL) AS t(x)", "DataFrame[b: double, x: int]"),
        ("SELECT approx_count_distinct(clicks) AS n FROM clicks", "DataFrame[n: bigint]"),
    ] {
        assert_eq!(types(&session, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn views_come_and_go() {
    let session = with_clicks();
    session.sql("CREATE OR REPLACE TEMP VIEW Big (who, n) AS SELECT userId, clicks FROM clicks WHERE clicks >= 4").await.unwrap();
    check(
        &session,
        "SELECT * FROM BIG ORDER BY N",
        expect![[r#"
        +---+---+
        |who|  n|
        +---+---+
        |ann|  4|
        |bob|  5|
        +---+---+
    "#]],
    )
    .await;
    check(
        &session,
        "SHOW TABLES",
        expect![[r#"
            +---------+---------+-----------+
            |namespace|tableName|isTemporary|
            +---------+---------+-----------+
            |         |      big|       true|
            |         |   clicks|       true|
            +---------+---------+-----------+
        "#]],
    )
    .await;
    check(
        &session,
        "DESCRIBE big",
        expect![[r#"
        +--------+---------+-------+
        |col_name|data_type|comment|
        +--------+---------+-------+
        |     who|   string|   NULL|
        |       n|   bigint|   NULL|
        +--------+---------+-------+
    "#]],
    )
    .await;
    let error = session.sql("CREATE TEMP VIEW big AS SELECT 1").await.unwrap_err();
    assert!(error.message().contains("CREATE OR REPLACE"), "{error}");
    session.sql("DROP VIEW big").await.unwrap();
    assert!(session.sql("SELECT * FROM big").await.is_err());
    assert!(session.sql("DROP VIEW big").await.is_err());
    session.sql("DROP VIEW IF EXISTS big").await.unwrap();
}

#[tokio::test]
async fn versions_differ() {
    let session = with_clicks();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Table One").display().to_string();
    let rows = clicks(&session);
    let table = DeltaTable::create(&path, rows.schema().unwrap(), TableOptions::default()).await.unwrap();
    table.append(rows.collect().await.unwrap(), None).await.unwrap();
    table.append(rows.limit(2).collect().await.unwrap(), None).await.unwrap();
    for (at, expected) in [("", 8), (" VERSION AS OF 2", 8), (" VERSION AS OF 1", 6), (" VERSION AS OF 0", 0)] {
        let frame = session.sql(&format!("SELECT count(*) AS n FROM delta.`{path}`{at}")).await.unwrap();
        assert_eq!(frame.to_json_rows().await.unwrap(), [serde_json::json!({ "n": expected })], "{at}");
    }
    let both = format!("SELECT (SELECT count(*) FROM delta.`{path}` VERSION AS OF 1 a) x, (SELECT count(*) FROM delta.`{path}` b) y");
    assert_eq!(session.sql(&both).await.unwrap().to_json_rows().await.unwrap(), [serde_json::json!({ "x": 6, "y": 8 })]);
    assert_eq!(session.read().option("versionasof", 1).delta(&path).await.unwrap().count().await.unwrap(), 6);
    assert_eq!(session.table(&path).as_of_version(2).await.unwrap().count().await.unwrap(), 8);
    for (sql, expected) in [
        (format!("SELECT * FROM delta.`{path}` VERSION AS OF 9"), "9"),
        ("SELECT * FROM clicks VERSION AS OF 1".to_owned(), "has no versions"),
        (format!("SELECT * FROM delta.`{path}x`"), "Table Onex"),
        (format!("SELECT * FROM detla.`{path}`"), "there is no table or view `detla`"),
    ] {
        let error = session.sql(&sql).await.unwrap_err();
        assert!(error.message().contains(expected), "{sql}: {error}");
    }
    let error = session.read().option("versionAsOff", 1).delta(&path).await.unwrap_err();
    assert!(error.message().contains("did you mean `versionAsOf`?"), "{error}");
}

#[tokio::test]
async fn what_is_not_there_is_refused_by_name() {
    let session = with_clicks();
    for (sql, remedy) in [("SELECT input_file_name()", "is not supported"), ("SELECT spark_partition_id() FROM clicks", "is not supported")]
    {
        let error = session.sql(sql).await.expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{sql}: {error}");
        assert!(error.message().contains(remedy), "{sql}: {error}");
    }
    for sql in ["", "SELEC 1", "SELECT 1 SELECT 2", "SELECT 1; SELECT 2", "SELECT 'open"] {
        assert_eq!(session.sql(sql).await.expect_err(sql).kind(), ErrorKind::Analysis, "{sql}");
    }
}
