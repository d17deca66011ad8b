//! Tables over files: what Spark and other engines write is read, what is written they read, and no file is left out in silence. What is
//! expected is what Spark 4.2 answered to the same statements.

use std::io::Write;
use std::path::Path;

use crate::catalog::{check, rows, session};

/// The text of the only data file in a folder.
fn text_of(folder: &Path) -> String {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-")));
    assert_eq!(files.len(), 1, "{files:?}");
    std::fs::read_to_string(&files[0]).unwrap()
}

#[tokio::test]
async fn json_files_hold_what_spark_writes() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let values = "X'00ff' b, map('k', CAST(NULL AS INT)) m, double('NaN') d, float('-Infinity') f, \
                  named_struct('x', CAST(NULL AS INT)) s, array(null, 1) ar, CAST(NULL AS INT) nn, DATE'2020-01-01' dt";
    check(
        &session,
        &[
            (&format!("CREATE TABLE jb USING json AS SELECT {values}"), ""),
            (
                "SELECT hex(b) a, m['k'] IS NULL b, size(m) c, d, f, s.x g, ar h, dt i FROM jb",
                "00FF|true|1|NaN|-Infinity|null|[null,1]|2020-01-01",
            ),
        ],
    )
    .await;
    let expected = r#"{"b":"AP8=","m":{"k":null},"d":"NaN","f":"-Infinity","s":{},"ar":[null,1],"dt":"2020-01-01"}"#;
    assert_eq!(text_of(&dir.path().join("jb")), format!("{expected}\n"));
}

#[tokio::test]
async fn csv_files_hold_what_spark_writes() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    check(
        &session,
        &[
            ("CREATE TABLE ct (a INT, b STRING) USING csv", ""),
            (
                r#"INSERT INTO ct SELECT * FROM VALUES (1, 'a"b,c'), (2, NULL), (3, ''), (4, 'x\\y'), (5, ' sp '), (6, 'q"') t(a, b) ORDER BY a"#,
                "",
            ),
            ("SELECT b FROM ct ORDER BY a", r"a\b,c;null;null;x\\y;sp;q\"),
            ("ALTER TABLE ct ADD COLUMNS (c INT)", ""),
            ("SELECT count(*) a, count(b) b, count(c) c FROM ct", "6|4|0"),
            (
                "CREATE TABLE cint USING csv AS SELECT INTERVAL '1 2:3:4.5' DAY TO SECOND i, INTERVAL '1-2' YEAR TO MONTH y, \
                 TIMESTAMP'2020-01-01 00:00:00.123456' t, double('Infinity') d, 1.50BD x",
                "",
            ),
            ("SELECT i, t, x, y FROM cint", "INTERVAL '1 02:03:04.5' DAY TO SECOND|2020-01-01 00:00:00.123|1.50|INTERVAL '1-2' YEAR TO MONTH"),
        ],
    )
    .await;
    assert_eq!(text_of(&dir.path().join("ct")), "1,\"a\\\"b,c\"\n2,\n3,\"\"\n4,x\\y\n5,sp\n6,\"q\\\"\"\n");
    let expected = "INTERVAL '1 02:03:04.5' DAY TO SECOND,INTERVAL '1-2' YEAR TO MONTH,2020-01-01T00:00:00.123Z,Infinity,1.50\n";
    assert_eq!(text_of(&dir.path().join("cint")), expected);
}

#[tokio::test]
async fn csv_records_are_as_long_as_the_columns() {
    let dir = tempfile::tempdir().unwrap();
    let (session, long, head) = (session(dir.path()), dir.path().join("long.csv"), dir.path().join("head.csv"));
    std::fs::write(&long, "1,a,3,4\n2\n\nxx,b\n3,\"a\\\"b,c\",7\n").unwrap();
    std::fs::write(&head, "x,y\n1,NA\n2,'a;b'\n").unwrap();
    let (long, head) = (long.display(), head.display());
    check(
        &session,
        &[
            (&format!("CREATE TABLE cl (a INT, b STRING, c INT) USING csv LOCATION '{long}'"), ""),
            ("SELECT * FROM cl", r"1|a|3;2|null|null;null|b|null;3|a\b,c|7"),
            (&format!("SELECT _c0, _c3 FROM csv.`{long}`"), "1|4;2|null;xx|null;3|null"),
            (&format!("CREATE TABLE h USING csv OPTIONS (header 'true') LOCATION '{head}'"), ""),
            ("SELECT x, y FROM h", "1|NA;2|'a;b'"),
            (
                &format!(
                    "CREATE TABLE h2 USING csv OPTIONS (header 'true', inferSchema 'true', nullValue 'NA', quote '''') LOCATION '{head}'"
                ),
                "",
            ),
            ("SELECT x + 1, y FROM h2", "2|null;3|a;b"),
            (&format!("CREATE TABLE ff (a INT, b INT) USING csv OPTIONS (mode 'FAILFAST') LOCATION '{long}'"), ""),
            ("SELECT * FROM ff", "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"),
        ],
    )
    .await;
    for (options, part) in
        [("multiLine 'true'", "`multiLine`"), ("headr 'true'", "did you mean `header`"), ("compression 'gzip'", "`compression`")]
    {
        let error = rows(&session, &format!("CREATE TABLE no (a INT) USING csv OPTIONS ({options})")).await.unwrap_err();
        assert!(error.message().contains(part), "{options}: {error}");
    }
}

#[tokio::test]
async fn compressed_text_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = flate2::write::GzEncoder::new(std::fs::File::create(path).unwrap(), flate2::Compression::fast());
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
    };
    write("j/a.json.gz", "{\"a\":1}\n{\"a\":2}\n");
    write("c/a.csv.gz", "a,b\n1,x\n2,y\n");
    let folder = dir.path().display();
    check(
        &session,
        &[
            (&format!("SELECT sum(a) FROM json.`{folder}/j`"), "3"),
            (&format!("CREATE TABLE j (a INT) USING json LOCATION '{folder}/j'"), ""),
            ("SELECT count(*) FROM j", "2"),
            (&format!("CREATE TABLE c USING csv OPTIONS (header 'true') LOCATION '{folder}/c'"), ""),
            ("SELECT * FROM c", "1|x;2|y"),
        ],
    )
    .await;
    std::fs::write(dir.path().join("j/b.json.bz2"), "BZh9").unwrap();
    let error = rows(&session, "SELECT count(*) FROM j").await.unwrap_err();
    assert!(error.message().contains("b.json.bz2"), "{error}");
}

#[tokio::test]
async fn intervals_in_parquet_are_read_with_and_without_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let place = dir.path().join("pi").display().to_string();
    check(
        &session,
        &[
            (
                "CREATE TABLE pi USING parquet AS SELECT INTERVAL '1 2:3:4.5' DAY TO SECOND i, INTERVAL '1-2' YEAR TO MONTH y, \
                 array(INTERVAL '1' DAY) a",
                "",
            ),
            (
                "SELECT i, y, a[0] z FROM pi WHERE y > INTERVAL '1' YEAR",
                "INTERVAL '1 02:03:04.5' DAY TO SECOND|INTERVAL '1-2' YEAR TO MONTH|INTERVAL '1' DAY",
            ),
            (
                &format!("SELECT i, y, a[0] z FROM parquet.`{place}`"),
                "INTERVAL '1 02:03:04.5' DAY TO SECOND|INTERVAL '1-2' YEAR TO MONTH|INTERVAL '1' DAY",
            ),
            (&format!("CREATE TABLE raw (i BIGINT, y INT, a ARRAY<BIGINT>) USING parquet LOCATION '{place}'"), ""),
            ("SELECT i, y, a[0] z FROM raw", "93784500000|14|86400000000"),
        ],
    )
    .await;
}

#[tokio::test]
async fn columns_are_found_in_whatever_case() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    let place = dir.path().join("d").display().to_string();
    check(
        &session,
        &[
            (&format!("INSERT OVERWRITE DIRECTORY '{place}' USING parquet SELECT 3 a"), ""),
            (&format!("CREATE TABLE mix (A BIGINT, B STRING) USING parquet LOCATION '{place}'"), ""),
            ("SELECT A, B FROM mix WHERE A = 3", "3|null"),
            ("SELECT max(A) a, count(A) b, count(B) c FROM mix", "3|1|0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_text_that_a_file_lacks_is_compared_by_its_default() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    check(
        &session,
        &[
            ("CREATE TABLE d (k BIGINT) USING parquet", ""),
            ("INSERT INTO d VALUES (1), (2)", ""),
            ("ALTER TABLE d ADD COLUMN m STRING DEFAULT 'AIR'", ""),
            ("INSERT INTO d VALUES (3, 'RAIL'), (4, NULL), (5, 'AIR')", ""),
            ("SELECT k, m FROM d WHERE m = 'AIR' ORDER BY k", "1|AIR;2|AIR;5|AIR"),
            ("SELECT k FROM d WHERE m IN ('RAIL', 'X') OR m LIKE 'AI_' ORDER BY k", "1;2;3;5"),
            ("SELECT k FROM d WHERE m <> 'RAIL' ORDER BY k", "1;2;5"),
            ("SELECT k FROM d WHERE m IS NULL", "4"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_folder_that_is_written_again_is_read_anew_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    for format in ["parquet", "csv", "json"] {
        let place = dir.path().join(format).display().to_string();
        let write = |value: i32| format!("INSERT OVERWRITE DIRECTORY '{place}' USING {format} SELECT {value} a");
        check(
            &session,
            &[
                (&write(1), ""),
                (&format!("CREATE OR REPLACE TEMPORARY VIEW tv (a INT) USING {format} OPTIONS (path '{place}')"), ""),
                ("SELECT a FROM tv", "1"),
                (&write(2), ""),
                ("SELECT a FROM tv", "2"),
            ],
        )
        .await;
        let frame = session.read().format(format).load(&place).await.unwrap();
        assert_eq!(frame.count().await.unwrap(), 1);
        session.sql(&write(3)).await.unwrap();
        let error = frame.collect().await.unwrap_err();
        assert!(error.message().contains("gone") && error.message().contains("part-00000"), "{format}: {error}");
    }
}

/// A table with the partitions that a statement makes, some in folders as other engines call them.
async fn spelled(session: &tidemill::Session, warehouse: &Path, format: &str) {
    check(
        session,
        &[
            ("DROP TABLE IF EXISTS esc", ""),
            (&format!("CREATE TABLE esc (a INT, p STRING, n INT) USING {format} PARTITIONED BY (p, n)"), ""),
            ("INSERT INTO esc VALUES (1, 'a b', 1), (2, 'c', 1), (3, 'c', 2)", ""),
        ],
    )
    .await;
    let folder = warehouse.join("esc");
    std::fs::rename(folder.join("p=a b"), folder.join("P=a%20b")).unwrap();
    std::fs::rename(folder.join("p=c/n=2"), folder.join("p=c/n=02")).unwrap();
}

#[tokio::test]
async fn partitions_are_known_by_their_values() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    for format in ["parquet", "csv", "json"] {
        spelled(&session, dir.path(), format).await;
        check(
            &session,
            &[
                ("SHOW PARTITIONS esc", "p=a b/n=1;p=c/n=1;p=c/n=2"),
                ("SELECT a FROM esc WHERE p = 'a b' AND n < 2", "1"),
                ("SELECT a FROM esc WHERE n = 2 OR a = 2 ORDER BY a", "2;3"),
                ("INSERT OVERWRITE esc PARTITION (p = 'a b', n = 1) SELECT 7", ""),
                ("SELECT * FROM esc ORDER BY a", "2|1|c;3|2|c;7|1|a b"),
                ("INSERT OVERWRITE esc PARTITION (p = 'c', n = 1) IF NOT EXISTS SELECT 8", ""),
                ("SET spark.sql.sources.partitionOverwriteMode = dynamic", "spark.sql.sources.partitionOverwriteMode|dynamic"),
                ("INSERT OVERWRITE esc VALUES (9, 'c', 2)", ""),
                ("RESET spark.sql.sources.partitionOverwriteMode", ""),
                ("SELECT * FROM esc ORDER BY a", "2|1|c;7|1|a b;9|2|c"),
                ("ALTER TABLE esc DROP PARTITION (p = 'a b', n = 1)", ""),
                ("ALTER TABLE esc DROP PARTITION (p = 'a b', n = 1)", "PARTITIONS_NOT_FOUND"),
                ("SELECT * FROM esc ORDER BY a", "2|1|c;9|2|c"),
            ],
        )
        .await;
        spelled(&session, dir.path(), format).await;
        check(
            &session,
            &[
                // Constants come first, and no row goes.
                ("INSERT OVERWRITE esc PARTITION (p, n = 1) SELECT 9, 'z'", "_LEGACY_ERROR_TEMP_1147"),
                ("INSERT OVERWRITE esc PARTITION (n = 1, p) SELECT 9, 'z'", "_LEGACY_ERROR_TEMP_1147"),
                ("INSERT OVERWRITE esc PARTITION (p = 'c', n) SELECT 4, 3", ""),
                ("SELECT * FROM esc ORDER BY a", "1|1|a b;4|3|c"),
                ("TRUNCATE TABLE esc PARTITION (p = 'zz')", ""),
                ("TRUNCATE TABLE esc PARTITION (p = 'zz', n = 1)", "PARTITIONS_NOT_FOUND"),
                ("TRUNCATE TABLE esc PARTITION (p = 'a b', n = 1)", ""),
                ("SELECT * FROM esc", "4|3|c"),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn files_of_partitions_that_a_filter_leaves_out_are_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    check(
        &session,
        &[
            ("CREATE TABLE part (a INT, k INT) USING parquet PARTITIONED BY (k)", ""),
            ("INSERT INTO part SELECT id, id % 50 FROM range(100)", ""),
        ],
    )
    .await;
    for entry in std::fs::read_dir(dir.path().join("part/k=7")).unwrap() {
        std::fs::write(entry.unwrap().path(), "no Parquet").unwrap();
    }
    check(
        &session,
        &[
            ("SELECT a FROM part WHERE k = 5 ORDER BY a", "5;55"),
            ("SELECT count(*) FROM part WHERE k IN (1, 2, 3) AND a < 50", "3"),
            ("SELECT count(*) FROM part WHERE k BETWEEN 8 AND 49", "84"),
        ],
    )
    .await;
    assert!(rows(&session, "SELECT count(a) FROM part WHERE k = 7").await.is_err());
    let plan = session.sql("SELECT a FROM part WHERE k > 40").await.unwrap().explain().await.unwrap();
    assert!(!plan.contains("Union"), "{plan}");
}

#[tokio::test]
async fn delta_tables_are_what_their_log_says() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("warehouse"));
    let place = dir.path().join("d").display().to_string();
    check(
        &session,
        &[
            (&format!("CREATE TABLE delta.`{place}` (a INT, p STRING) PARTITIONED BY (p)"), ""),
            ("SHOW TABLES", ""),
            (&format!("INSERT INTO delta.`{place}` PARTITION (p = 'x') SELECT 1"), ""),
            (&format!("SELECT a, p FROM delta.`{place}`"), "1|x"),
            (&format!("CREATE TABLE delta.`{place}` USING csv AS SELECT 1 a"), "INVALID_STATEMENT_OR_CLAUSE"),
            (&format!("CREATE TABLE delta.`{place}2` AS SELECT 5 a"), ""),
            (&format!("SELECT a FROM delta.`{place}2` VERSION AS OF 0"), "5"),
            (&format!("CREATE TABLE bad (a STRING, p STRING) USING delta LOCATION '{place}'"), "DELTA_CREATE_TABLE_SCHEME_MISMATCH"),
            (
                &format!("CREATE TABLE bad (a INT, p STRING) USING delta PARTITIONED BY (a) LOCATION '{place}'"),
                "DELTA_CREATE_TABLE_WITH_DIFFERENT_PARTITIONING",
            ),
            (&format!("CREATE TABLE good (a INT, p STRING) USING delta PARTITIONED BY (p) LOCATION '{place}'"), ""),
            (&format!("CREATE TABLE d USING delta LOCATION '{place}'"), ""),
            ("INSERT INTO d PARTITION (p = 'y') SELECT 2", ""),
            ("SELECT a, p FROM good ORDER BY a", "1|x;2|y"),
            ("SHOW TABLES", "false|default|d;false|default|good"),
            ("ALTER TABLE d SET TBLPROPERTIES ('delta.appendOnly' = 'true')", "UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            ("ALTER TABLE d UNSET TBLPROPERTIES ('delta.appendOnly')", "UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            ("ALTER TABLE d SET TBLPROPERTIES ('mine' = 'x')", ""),
        ],
    )
    .await;
    let statement = rows(&session, "SHOW CREATE TABLE d").await.unwrap();
    assert!(statement.contains("PARTITIONED BY (p)"), "{statement}");
}

#[tokio::test]
async fn places_and_formats_that_nobody_says() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = dir.path().join("warehouse");
    let session = session(&warehouse);
    check(
        &session,
        &[
            ("CREATE TABLE r USING csv LOCATION 'some/where' AS SELECT 1 a", ""),
            (&format!("CREATE TABLE e USING csv LOCATION 'file://{}/a%20b' AS SELECT 1 a", dir.path().display()), ""),
            ("CREATE TABLE p (a INT, k INT) USING parquet PARTITIONED BY (k)", ""),
            ("INSERT INTO p VALUES (1, 1)", ""),
            ("SHOW TABLE EXTENDED LIKE 'p' PARTITION (k = 99)", "PARTITIONS_NOT_FOUND"),
        ],
    )
    .await;
    assert_eq!(text_of(&warehouse.join("some/where")), "1\n");
    assert_eq!(text_of(&dir.path().join("a%20b")), "1\n");
    let shown = rows(&session, "SHOW TABLE EXTENDED LIKE 'p' PARTITION (k = 1)").await.unwrap();
    assert!(shown.contains("Partition Values: [k=1]"), "{shown}");
    session.sql("SELECT 1 a").await.unwrap().write().save_as_table("t").await.unwrap();
    session.set("spark.sql.sources.default", "json").unwrap();
    session.sql("SELECT 1 a").await.unwrap().write().save_as_table("j").await.unwrap();
    for (table, provider) in [("t", "USING parquet"), ("j", "USING json")] {
        let statement = rows(&session, &format!("SHOW CREATE TABLE {table}")).await.unwrap();
        assert!(statement.contains(provider), "{statement}");
    }
    let s3 = tidemill::Session::builder().config("spark.sql.warehouse.dir", "s3://bucket/x").build().unwrap_err();
    assert!(s3.message().contains("s3:"), "{s3}");
}

#[tokio::test]
async fn files_of_no_bytes_have_no_rows_and_names_of_files_are_no_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let (empty, named) = (dir.path().join("e"), dir.path().join("n"));
    check(
        &session,
        &[
            (&format!("CREATE TABLE e USING parquet LOCATION '{}' AS SELECT 1 AS a", empty.display()), ""),
            (&format!("CREATE TABLE n (a INT, p STRING) USING parquet PARTITIONED BY (p) LOCATION '{}'", named.display()), ""),
            ("INSERT INTO n VALUES (1, 'z')", ""),
        ],
    )
    .await;
    std::fs::write(empty.join("empty.parquet"), "").unwrap();
    let file = std::fs::read_dir(named.join("p=z")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(file, named.join("p=z/p=other.parquet")).unwrap();
    check(
        &session,
        &[
            ("SELECT * FROM e", "1"),
            (&format!("SELECT * FROM parquet.`{}`", empty.display()), "1"),
            ("SELECT * FROM n", "1|z"),
            ("SELECT * FROM n WHERE p = 'z'", "1|z"),
            // The files of a table with LOCATION are not the catalog's.
            ("ALTER TABLE n DROP PARTITION (p='z')", "UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            ("ALTER TABLE n PARTITION (p='z') RENAME TO PARTITION (p='y')", "UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            ("SELECT * FROM n", "1|z"),
        ],
    )
    .await;
}

#[tokio::test]
async fn deep_lines_of_json_are_malformed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("deep.json");
    let deep = format!("{{\"a\":2,\"b\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    std::fs::write(&file, format!("{{\"a\":1}}\n{deep}\n{{\"a\":3}}\n")).unwrap();
    check(&session(dir.path()), &[(&format!("SELECT a FROM json.`{}` ORDER BY a", file.display()), "null;1;3")]).await;
}
