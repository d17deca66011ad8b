//! Tables, views and functions in a warehouse: what a statement makes, another session finds.

use tidemill::{Result, Session};

pub(crate) async fn session(warehouse: &std::path::Path) -> Session {
    Session::builder().config("spark.sql.warehouse.dir", warehouse.display().to_string()).parallelism(2).build().unwrap()
}

/// The rows of a query as JSON arrays of values, one per line.
pub(crate) async fn rows(session: &Session, text: &str) -> Result<String> {
    let frame = session.sql(text).await?;
    let rows = frame.to_json_rows().await?;
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            row.as_object().map(|o| o.values().map(|v| v.to_string().replace('"', "")).collect::<Vec<_>>().join("|")).unwrap_or_default()
        })
        .collect();
    Ok(lines.join(";"))
}

/// Carries statements out in order; each gives these rows, or fails with this condition.
pub(crate) async fn check(session: &Session, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let found = match rows(session, text).await {
            Ok(rows) => rows,
            Err(error) => error.condition().map_or_else(|| error.to_string(), |condition| condition.name.clone()),
        };
        assert_eq!(&found, expected, "{text}");
    }
}

#[tokio::test]
async fn tables_are_made_filled_and_found_by_the_next_session() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = dir.path().join("warehouse");
    let first = session(&warehouse).await;
    check(&first, &[("SHOW TABLES", ""), ("SELECT 1", "1")]).await;
    assert!(!warehouse.exists(), "looking makes nothing");
    check(
        &first,
        &[
            ("CREATE TABLE t (a INT, b STRING DEFAULT 'x', c VARCHAR(3)) USING parquet", ""),
            ("CREATE TABLE t (a INT)", "TABLE_OR_VIEW_ALREADY_EXISTS"),
            ("INSERT INTO t VALUES (1, 'one', 'abc'), (2, DEFAULT, NULL)", ""),
            ("INSERT INTO t (a) VALUES (3)", ""),
            ("INSERT INTO t BY NAME SELECT 'q' AS c, 4 AS a", ""),
            ("INSERT INTO t VALUES (5, 'five', 'abcdef')", "EXCEED_LIMIT_LENGTH"),
            ("INSERT INTO t VALUES ('x', 'five', 'ab')", "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST"),
            ("INSERT INTO t VALUES (1, 'a')", "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"),
            ("SELECT * FROM t ORDER BY a", "1|one|abc;2|x|null;3|x|null;4|x|q"),
            ("CREATE TABLE p (v INT, d DATE, k STRING) PARTITIONED BY (d, k)", ""),
            ("INSERT INTO p VALUES (1, DATE'2024-01-01', 'a/b'), (2, DATE'2024-01-02', NULL)", ""),
            ("INSERT INTO p PARTITION (d = DATE'2024-01-03', k) SELECT 3, 'z'", ""),
            ("INSERT OVERWRITE p PARTITION (d = DATE'2024-01-01', k = 'a/b') VALUES (10)", ""),
            ("SHOW PARTITIONS p", "d=2024-01-01/k=a%2Fb;d=2024-01-02/k=__HIVE_DEFAULT_PARTITION__;d=2024-01-03/k=z"),
            ("CREATE VIEW v (x) AS SELECT a * 2 AS twice FROM t", ""),
            ("CREATE FUNCTION plus1(n INT) RETURNS INT RETURN n + 1", ""),
            ("DROP TABLE v", "WRONG_COMMAND_FOR_OBJECT_TYPE"),
            ("CREATE DATABASE db", ""),
            ("CREATE TABLE db.j USING json AS SELECT a, b FROM t", ""),
            ("CREATE TABLE db.c USING csv AS SELECT a, b FROM t", ""),
            ("CREATE TABLE db.d USING delta AS SELECT a, b FROM t", ""),
        ],
    )
    .await;
    let second = session(&warehouse).await;
    check(
        &second,
        &[
            ("SELECT * FROM p ORDER BY v", "2024-01-02|null|2;2024-01-03|z|3;2024-01-01|a/b|10"),
            ("SELECT x FROM v ORDER BY x", "2;4;6;8"),
            ("SELECT plus1(4) AS five", "5"),
            ("USE db", ""),
            ("SHOW TABLES", "false|db|c;false|db|d;false|db|j"),
            ("SELECT count(*) AS n FROM c NATURAL JOIN d NATURAL JOIN j", "4"),
            ("DROP DATABASE db", "SCHEMA_NOT_EMPTY"),
            ("DROP DATABASE db CASCADE", ""),
            ("SELECT current_database() AS d", "default"),
            ("ALTER TABLE t RENAME TO u", ""),
            ("SELECT count(*) AS n FROM u", "4"),
            ("SELECT * FROM t", "TABLE_OR_VIEW_NOT_FOUND"),
            ("TRUNCATE TABLE u", ""),
            ("SELECT count(*) AS n FROM u", "0"),
            ("DROP TABLE u", ""),
        ],
    )
    .await;
    assert!(!warehouse.join("u").exists() && !warehouse.join("t").exists());
}

#[tokio::test]
async fn of_several_who_make_one_table_one_wins_and_its_rows_alone_are_there() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["parquet", "delta"] {
        let sessions = futures::future::join_all((0..4).map(|_| session(dir.path()))).await;
        let texts: Vec<String> = (0..4).map(|n| format!("CREATE TABLE race_{format} USING {format} AS SELECT {n} AS n")).collect();
        let made = futures::future::join_all(sessions.iter().zip(&texts).map(|(session, text)| rows(session, text))).await;
        assert_eq!(made.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{made:?}");
        check(&sessions[0], &[(&format!("SELECT count(*) AS n FROM race_{format}"), "1")]).await;
    }
    let left = std::fs::read_dir(dir.path()).unwrap().filter_map(|e| e.ok()?.file_name().into_string().ok()).collect::<Vec<_>>();
    assert!(!left.iter().any(|name| name.starts_with("_tidemill_new")), "{left:?}");
}
