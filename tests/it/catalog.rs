//! Tables, views and functions in a warehouse: what a statement makes, another session finds.

use std::path::Path;

use tidemill::{Result, Session};

pub(crate) fn session(warehouse: &Path) -> Session {
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

/// The rows of a statement, or the condition with which it fails.
pub(crate) async fn outcome(session: &Session, text: &str) -> String {
    match rows(session, text).await {
        Ok(rows) => rows,
        Err(error) => error.condition().map_or_else(|| error.to_string(), |condition| condition.name.clone()),
    }
}

/// Carries statements out in order; each gives these rows, or fails with this condition.
pub(crate) async fn check(session: &Session, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(&outcome(session, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn tables_are_made_filled_and_found_by_the_next_session() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = dir.path().join("warehouse");
    let first = session(&warehouse);
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
    let second = session(&warehouse);
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
        let sessions = (0..4).map(|_| session(dir.path())).collect::<Vec<_>>();
        let texts: Vec<String> = (0..4).map(|n| format!("CREATE TABLE race_{format} USING {format} AS SELECT {n} AS n")).collect();
        let made = futures::future::join_all(sessions.iter().zip(&texts).map(|(session, text)| rows(session, text))).await;
        assert_eq!(made.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{made:?}");
        check(&sessions[0], &[(&format!("SELECT count(*) AS n FROM race_{format}"), "1")]).await;
    }
    let left = std::fs::read_dir(dir.path()).unwrap().filter_map(|e| e.ok()?.file_name().into_string().ok()).collect::<Vec<_>>();
    assert!(!left.iter().any(|name| name.starts_with("_tidemill_new")), "{left:?}");
}

/// The file that holds the last state of an object.
fn last_record(warehouse: &Path, below: &str) -> std::path::PathBuf {
    let folder = warehouse.join("_tidemill_catalog").join(below);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.pop().unwrap()
}

#[tokio::test]
async fn one_damaged_record_hides_no_other_and_can_be_dropped_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    for remedy in ["DROP TABLE bad", "DROP VIEW bad", "CREATE OR REPLACE TABLE bad AS SELECT 2 AS a"] {
        check(&session, &[("CREATE TABLE good AS SELECT 1 AS a", ""), ("CREATE TABLE bad AS SELECT 1 AS a", "")]).await;
        std::fs::write(last_record(dir.path(), "default/relations/bad"), "damaged").unwrap();
        check(&session, &[("SHOW TABLES", "false|default|good"), ("SELECT * FROM good", "1")]).await;
        let error = rows(&session, "SELECT * FROM bad").await.unwrap_err();
        assert_eq!(error.kind(), tidemill::ErrorKind::Corrupt);
        assert!(error.message().contains("the table or view `default`.`bad`") && !error.message().contains("checkpoint"), "{error}");
        check(&session, &[(remedy, "")]).await;
        let there = if remedy.starts_with("DROP") { "TABLE_OR_VIEW_NOT_FOUND" } else { "2" };
        check(&session, &[("SELECT * FROM bad", there), ("DROP TABLE IF EXISTS bad", ""), ("DROP TABLE good", "")]).await;
        // Nobody knows whose the data is, so it stays.
        assert!(dir.path().join("bad").exists());
        std::fs::remove_dir_all(dir.path().join("bad")).unwrap();
    }
    check(&session, &[("CREATE DATABASE d", ""), ("CREATE TABLE d.bad AS SELECT 1 AS a", "")]).await;
    std::fs::write(last_record(dir.path(), "d/relations/bad"), "damaged").unwrap();
    check(&session, &[("DROP DATABASE d", "SCHEMA_NOT_EMPTY"), ("DROP DATABASE d CASCADE", ""), ("SHOW TABLES IN d", "SCHEMA_NOT_FOUND")])
        .await;
}

#[tokio::test]
async fn damaged_databases_functions_and_views_can_be_dropped_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let make = [
        ("CREATE DATABASE d", ""),
        ("CREATE DATABASE other", ""),
        ("CREATE TABLE other.t AS SELECT 1 AS a", ""),
        ("CREATE TABLE d.t AS SELECT 1 AS a", ""),
        ("CREATE FUNCTION f() RETURNS INT RETURN 1", ""),
        ("CREATE FUNCTION g() RETURNS INT RETURN 1", ""),
        ("CREATE VIEW v AS SELECT 1 AS a", ""),
    ];
    check(&session, &make).await;
    for record in ["d/database", "default/functions/f", "default/functions/g", "default/relations/v"] {
        std::fs::write(last_record(dir.path(), record), "damaged").unwrap();
    }
    check(
        &session,
        &[
            ("SHOW DATABASES", "d;default;other"),
            ("CREATE TABLE other.u AS SELECT 2 AS a", ""),
            ("DROP TABLE other.t", ""),
            ("SELECT * FROM other.u", "2"),
            ("CREATE OR REPLACE FUNCTION f() RETURNS INT RETURN 2", ""),
            ("SELECT f() AS a", "2"),
            ("DROP FUNCTION g", ""),
            ("SHOW USER FUNCTIONS", "spark_catalog.default.f"),
            ("CREATE OR REPLACE VIEW v AS SELECT 3 AS a", ""),
            ("SELECT * FROM v", "3"),
            ("DROP DATABASE d CASCADE", ""),
            ("SHOW DATABASES", "default;other"),
            ("CREATE DATABASE d", ""),
            ("SHOW TABLES IN d", ""),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_folder_stays_while_it_may_be_somebody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let (warehouse, link) = (dir.path().join("w"), dir.path().join("link"));
    std::fs::create_dir(&warehouse).unwrap();
    std::os::unix::fs::symlink(&warehouse, &link).unwrap();
    let session = session(&warehouse);
    let (here, there) = (warehouse.display(), link.display());
    check(
        &session,
        &[
            // One folder by two names.
            ("CREATE TABLE m AS SELECT 1 AS a", ""),
            (&format!("CREATE TABLE same (a INT) USING parquet LOCATION '{there}/m'"), ""),
            ("DROP TABLE m", ""),
            ("SELECT * FROM same", "1"),
            // What SET LOCATION names would go with the folder around it.
            ("CREATE TABLE t AS SELECT 1 AS a", ""),
            (&format!("ALTER TABLE t SET LOCATION '{here}/t/2024'"), "UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            (&format!("ALTER TABLE t SET LOCATION '{here}'"), "UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            // A slash more is no other place.
            (&format!("CREATE TABLE e USING parquet LOCATION '{here}/e' AS SELECT 1 AS a"), ""),
            (&format!("CREATE OR REPLACE TABLE e USING parquet LOCATION '{here}/e/' AS SELECT 2 AS a"), ""),
            ("SELECT * FROM e", "2"),
            // Whose folder it is cannot be known.
            ("CREATE TABLE u AS SELECT 1 AS a", ""),
            ("CREATE TABLE lost (a INT)", ""),
        ],
    )
    .await;
    std::fs::write(last_record(&warehouse, "default/relations/lost"), "damaged").unwrap();
    check(&session, &[("DROP TABLE t", ""), ("SELECT * FROM t", "TABLE_OR_VIEW_NOT_FOUND"), ("DROP TABLE u", "")]).await;
    assert!(warehouse.join("t").exists());
    // What has its name next keeps in mind that the folder has to go.
    check(&session, &[("CREATE VIEW u AS SELECT 1 AS a", ""), ("ALTER VIEW u SET TBLPROPERTIES ('x' = '1')", "")]).await;
    assert!(warehouse.join("u").exists());
    check(&session, &[("DROP TABLE lost", ""), ("CREATE TABLE t AS SELECT 5 AS a", ""), ("SELECT * FROM t", "5")]).await;
    check(&session, &[("DROP VIEW u", "")]).await;
    assert!(!warehouse.join("u").exists());
}

#[tokio::test]
async fn reading_the_catalog_changes_nothing_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    check(&session, &[("CREATE TABLE t AS SELECT 1 AS a", "")]).await;
    // What a writer that was killed leaves.
    let left = last_record(dir.path(), "default/relations/t").with_file_name(".00000000000000000009.x.tmp");
    std::fs::write(&left, "").unwrap();
    check(&self::session(dir.path()), &[("SELECT * FROM t", "1"), ("SHOW TABLES", "false|default|t")]).await;
    assert!(left.exists());
    check(&session, &[("ALTER TABLE t SET TBLPROPERTIES ('x' = '1')", "")]).await;
    assert!(!left.exists());
}

#[tokio::test]
async fn tables_go_with_their_database_and_dropped_names_are_no_hints() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    check(
        &session,
        &[
            ("CREATE TABLE foo (a INT)", ""),
            ("CREATE TABLE fool (a INT)", ""),
            ("DROP TABLE foo", ""),
            ("CREATE DATABASE d", ""),
            ("CREATE TABLE d.t AS SELECT 1 AS a", ""),
            ("CREATE FUNCTION d.one() RETURNS INT RETURN 1", ""),
            ("SELECT d.one() AS a FROM d.t", "1"),
        ],
    )
    .await;
    let error = rows(&session, "SELECT * FROM foo").await.unwrap_err();
    assert!(!error.message().contains("`foo`?") && error.message().contains("did you mean `fool`"), "{error}");
    let error = rows(&session, "DROP TABLE foo").await.unwrap_err();
    assert!(!error.message().contains("`foo`?") && error.message().contains("did you mean `fool`"), "{error}");
    std::fs::remove_dir_all(dir.path().join("_tidemill_catalog/d/database")).unwrap();
    check(
        &session,
        &[
            ("SELECT * FROM d.t", "TABLE_OR_VIEW_NOT_FOUND"),
            ("INSERT INTO d.t VALUES (2)", "TABLE_OR_VIEW_NOT_FOUND"),
            ("DROP TABLE d.t", "TABLE_OR_VIEW_NOT_FOUND"),
            ("SELECT d.one()", "UNRESOLVED_ROUTINE"),
        ],
    )
    .await;
}

#[tokio::test]
async fn folders_that_the_catalog_did_not_make_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (warehouse, precious) = (dir.path().join("warehouse"), dir.path().join("precious"));
    std::fs::create_dir(&precious).unwrap();
    std::fs::write(precious.join("my.txt"), "x").unwrap();
    let session = session(&warehouse);
    let away = format!("ALTER TABLE t SET LOCATION '{}'", precious.display());
    let back = format!("ALTER TABLE t SET LOCATION '{}'", warehouse.join("t").display());
    for after in [&[away.as_str()][..], &[&away, "ALTER TABLE t RENAME TO u", "ALTER TABLE u RENAME TO t"]] {
        check(&session, &[("CREATE TABLE t USING parquet AS SELECT 1 AS a", "")]).await;
        for text in after {
            check(&session, &[(text, "")]).await;
        }
        check(&session, &[("TRUNCATE TABLE t", "CANNOT_TRUNCATE_EXTERNAL_TABLE"), ("DROP TABLE t", "")]).await;
        assert!(precious.join("my.txt").exists() && !warehouse.join("t").exists(), "{after:?}");
    }
    check(&session, &[("CREATE TABLE t USING parquet AS SELECT 1 AS a", ""), (&away, ""), (&back, "")]).await;
    check(&session, &[("SELECT * FROM t", "1"), ("TRUNCATE TABLE t", ""), ("DROP TABLE t", "")]).await;
    assert!(precious.join("my.txt").exists() && !warehouse.join("t").exists());
    // A renamed Delta table keeps its folder, and the old name gets another one.
    check(
        &session,
        &[
            ("CREATE TABLE d1 USING delta AS SELECT 1 AS a", ""),
            ("ALTER TABLE d1 RENAME TO d2", ""),
            ("CREATE TABLE d1 USING delta AS SELECT 5 AS a", ""),
            ("SELECT * FROM d1", "5"),
            ("SELECT * FROM d2", "1"),
            ("DROP TABLE d2", ""),
            ("SELECT * FROM d1", "5"),
        ],
    )
    .await;
    std::fs::create_dir(warehouse.join("theirs")).unwrap();
    std::fs::write(warehouse.join("theirs/file"), "x").unwrap();
    check(&session, &[("CREATE TABLE theirs (a INT)", "LOCATION_ALREADY_EXISTS")]).await;
}

#[tokio::test]
async fn tables_like_others_have_their_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    check(
        &session,
        &[
            ("CREATE TABLE t (a INT DEFAULT 7, b STRING) USING parquet", ""),
            ("CREATE TABLE l LIKE t", ""),
            ("INSERT INTO l (b) VALUES ('x')", ""),
            ("SELECT * FROM l", "7|x"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_table_at_a_location_is_replaced_there() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = dir.path().join("warehouse");
    let session = session(&warehouse);
    for format in ["parquet", "delta"] {
        let at = format!("USING {format} LOCATION '{}'", dir.path().join(format).display());
        let t = format!("t_{format}");
        check(
            &session,
            &[
                (&format!("CREATE OR REPLACE TABLE {t} {at} AS SELECT 1 AS a"), ""),
                (&format!("CREATE OR REPLACE TABLE {t} {at} AS SELECT 'x' AS z, 2 AS a"), ""),
                (&format!("SELECT * FROM {t}"), "2|x"),
                (
                    &format!("CREATE TABLE other {at} AS SELECT 3 AS a"),
                    if format == "delta" { "TABLE_OR_VIEW_ALREADY_EXISTS" } else { "LOCATION_ALREADY_EXISTS" },
                ),
                (&format!("CREATE OR REPLACE TABLE {t} {at} AS SELECT max(a) + 1 AS a FROM {t}"), ""),
                (&format!("SELECT * FROM {t}"), "3"),
            ],
        )
        .await;
    }
    let at = format!("USING delta LOCATION '{}'", dir.path().join("delta").display());
    let path = format!("delta.`{}`", dir.path().join("delta").display());
    check(
        &session,
        &[
            (&format!("SELECT * FROM {path} VERSION AS OF 1"), "2|x"),
            (&format!("CREATE OR REPLACE TABLE t_delta (z STRING, p INT) {at} PARTITIONED BY (p)"), ""),
            ("SELECT * FROM t_delta", ""),
            ("INSERT INTO t_delta VALUES ('y', 1)", ""),
            (&format!("SELECT * FROM {path}"), "1|y"),
            (&format!("CREATE OR REPLACE TABLE {path} USING delta AS SELECT 8 AS b"), ""),
            ("SELECT * FROM t_delta", "8"),
            (
                &format!(
                    "CREATE OR REPLACE TABLE t_delta USING parquet LOCATION '{}' AS SELECT 1 AS a",
                    dir.path().join("delta").display()
                ),
                "LOCATION_ALREADY_EXISTS",
            ),
            ("SELECT * FROM t_delta", "8"),
        ],
    )
    .await;
}
