//! The streaming operators over a table: their batch meaning.

use expect_test::expect;
use tidemill::functions as F;
use tidemill::functions::col;

use crate::support::{grid, session};

const EVENTS: &str = "
    SELECT user AS userId, id AS eventId, timestamp_millis(ms) AS eventTime FROM VALUES
        ('ann', 'a', 0), ('ann', 'b', 60000), ('ann', 'b', 60000), ('ann', 'c', 1860000), ('ann', 'd', 3660001), ('bob', 'e', 60000)
        AS t(user, id, ms)";

#[tokio::test]
async fn duplicates_sessions_and_windows() {
    let session = session();
    let events = session.sql(EVENTS).await.unwrap().with_watermark("EVENTTIME", "2 minutes");
    let unique = events.drop_duplicates(["eventid", "eventTime"]);
    assert_eq!(unique.count().await.unwrap(), 5);
    let sessions = unique
        .group_by([F::session_window("eventTime", "30 minutes"), col("userId")])
        .agg([F::count("*").alias("events"), (F::max("eventTime")).alias("last")])
        .select([col("userId"), col("session_window.START"), col("session_window").get_field("end"), col("events"), col("last")])
        .order_by(["userId", "start"]);
    expect![[r#"
        +------+--------------------+--------------------+------+--------------------+
        |userId|               START|  session_window.end|events|                last|
        +------+--------------------+--------------------+------+--------------------+
        |   ann| 1970-01-01 00:00:00| 1970-01-01 01:01:00|     3| 1970-01-01 00:31:00|
        |   ann|1970-01-01 01:01:...|1970-01-01 01:31:...|     1|1970-01-01 01:01:...|
        |   bob| 1970-01-01 00:01:00| 1970-01-01 00:31:00|     1| 1970-01-01 00:01:00|
        +------+--------------------+--------------------+------+--------------------+
    "#]]
    .assert_eq(&grid(&sessions).await);
    events.create_or_replace_temp_view("events").unwrap();
    let windows = "SELECT w.start, users FROM (
        SELECT window(eventtime, '1 hour') AS w, count(DISTINCT USERID) AS users FROM events GROUP BY window(eventTime, '1 hour')) ORDER BY 1";
    expect![[r#"
        +-------------------+-----+
        |              start|users|
        +-------------------+-----+
        |1970-01-01 00:00:00|    2|
        |1970-01-01 01:00:00|    1|
        +-------------------+-----+
    "#]]
    .assert_eq(&grid(&session.sql(windows).await.unwrap()).await);
    assert_eq!(unique.late_rows().count().await.unwrap(), 0);
}

#[tokio::test]
async fn explain_shows_the_stages() {
    let session = session();
    let frame = session.sql("SELECT userId, count(*) AS n FROM (SELECT 'a' AS userId UNION ALL SELECT 'b') GROUP BY USERID").await.unwrap();
    let text = frame.explain().await.unwrap();
    for part in ["== Analyzed Logical Plan ==", "== Optimized Logical Plan ==", "== Physical Plan ==", "Stage 0:", "Roots:"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
