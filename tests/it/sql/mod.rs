//! SQL: what statements answer, beside Spark's recorded answers (`cases.rs`), and what Spark cannot know: our files, versions, remedies.

// Armed faults do not change what a statement means: one of the two builds is enough.
#[cfg(not(feature = "failpoints"))]
mod cases;
mod deep;
mod files;
mod floats;
mod queries;

use tidemill::{ErrorKind, Session};
use tidemill_lakehouse::{DeltaTable, TableOptions};

use crate::support::{clicks, session};

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
async fn names_that_are_wrong_come_with_the_nearest() {
    let session = with_clicks();
    for (sql, expected, kind) in [
        ("SELECT usrId FROM clicks", "did you mean one of [`userId`", ErrorKind::Analysis),
        ("SELECT 1 FROM click", "did you mean `Clicks`?", ErrorKind::NotFound),
    ] {
        let error = session.sql(sql).await.unwrap_err();
        assert!(error.message().contains(expected) && error.kind() == kind, "{sql}: {error}");
    }
    // A program may give two columns one name; a statement that makes a view may not.
    let both = session.sql("SELECT userId, userId AS USERID FROM clicks").await.unwrap();
    both.create_or_replace_temp_view("twice").unwrap();
    let error = session.sql("SELECT userid FROM twice").await.unwrap_err();
    assert!(error.message().contains("AMBIGUOUS_REFERENCE"), "{error}");
}

#[tokio::test]
async fn a_view_that_is_there_is_replaced_by_name_only() {
    let session = with_clicks();
    let error = session.sql("CREATE TEMP VIEW clicks AS SELECT 1").await.unwrap_err();
    assert!(error.message().contains("CREATE OR REPLACE"), "{error}");
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
