//! Windows that overlap, sessions with a gap of their own per row, and duplicates within the watermark, over a stream.

use expect_test::expect;
use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{DataFrame, Result};

use super::story::play;

fn sliding(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let window = F::window_with(col("t"), "10 minutes", "5 minutes", "1 minute");
    let windows = events.with_watermark("t", "5 minutes").group_by([window, col("user")]).agg([F::sum(col("v")).alias("v")]);
    let late = windows.late_rows().select(["user", "id", "t", "watermark"]);
    Ok(vec![("windows", windows.select(["user", "window.start", "window.end", "v"])), ("late", late)])
}

#[tokio::test]
async fn a_row_is_in_every_window_that_holds_its_time() {
    let script = "
        + ann:a@7=1 nil:n@-=9
        + ann:b@12=2
        restart 3
        + bob:c@30=4
        + ann:d@20=8
        + eve:e@100=1
    ";
    expect![[r#"
        > + ann:a@7=1 nil:n@-=9
          epoch 0: 2 rows, watermark none; WindowAggregate 2
          epoch 1: 0 rows, watermark 00:02; WindowAggregate 2
        > + ann:b@12=2
          epoch 2: 1 rows, watermark 00:02; WindowAggregate 3
          epoch 3: 0 rows, watermark 00:07; WindowAggregate 3
        > restart 3
        > + bob:c@30=4
          epoch 4: 1 rows, watermark 00:07; WindowAggregate 5
          epoch 5: 0 rows, watermark 00:25; WindowAggregate 2
          windows[5]: ann 00:01 00:11 1
          windows[5]: ann 00:06 00:16 3
          windows[5]: ann 00:11 00:21 2
        > + ann:d@20=8
          epoch 6: 1 rows, watermark 00:25; WindowAggregate 3 (1 late)
          late[6]: ann d 00:20 00:25
        > + eve:e@100=1
          epoch 7: 1 rows, watermark 00:25; WindowAggregate 5
          epoch 8: 0 rows, watermark 01:35; WindowAggregate 2
          windows[8]: ann 00:16 00:26 8
          windows[8]: bob 00:21 00:31 4
          windows[8]: bob 00:26 00:36 4
    "#]]
    .assert_eq(&play(sliding, script).await);
}

fn sessions(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let gap = F::when(col("v").gt(5), "20 minutes").when(col("v").gt(0), "10 minutes");
    let sessions = events
        .with_watermark("t", "5 minutes")
        .group_by([F::session_window(col("t"), gap), col("user")])
        .agg([F::count("*").alias("n"), F::sum(col("v")).alias("v")]);
    Ok(vec![("sessions", sessions.select(["user", "session_window.start", "session_window.end", "n", "v"]))])
}

#[tokio::test]
async fn each_row_says_how_long_its_session_goes_on() {
    let script = "
        + ann:a@0=1 ann:b@5=9 ann:z@6=0
        + ann:c@24=1
        restart 3
        + bob:d@60=1
        + ann:e@50=9 ann:f@61=1
        + eve:g@200=1
    ";
    expect![[r#"
        > + ann:a@0=1 ann:b@5=9 ann:z@6=0
          epoch 0: 3 rows, watermark none; WindowAggregate 1
          epoch 1: 0 rows, watermark 00:01; WindowAggregate 1
        > + ann:c@24=1
          epoch 2: 1 rows, watermark 00:01; WindowAggregate 1
          epoch 3: 0 rows, watermark 00:19; WindowAggregate 1
        > restart 3
        > + bob:d@60=1
          epoch 4: 1 rows, watermark 00:19; WindowAggregate 2
          epoch 5: 0 rows, watermark 00:55; WindowAggregate 1
          sessions[5]: ann 00:00 00:34 3 11
        > + ann:e@50=9 ann:f@61=1
          epoch 6: 2 rows, watermark 00:55; WindowAggregate 2
          epoch 7: 0 rows, watermark 00:56; WindowAggregate 2
        > + eve:g@200=1
          epoch 8: 1 rows, watermark 00:56; WindowAggregate 3
          epoch 9: 0 rows, watermark 03:15; WindowAggregate 1
          sessions[9]: ann 00:50 01:11 2 10
          sessions[9]: bob 01:00 01:10 1 1
    "#]]
    .assert_eq(&play(sessions, script).await);
}

fn within(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let unique = events.with_watermark("t", "10 minutes").drop_duplicates_within_watermark(["id"]);
    let late = unique.late_rows().select(["user", "id", "t", "watermark"]);
    Ok(vec![("unique", unique.select(["user", "id", "t"])), ("late", late)])
}

#[tokio::test]
async fn a_key_is_kept_until_the_watermark_passes_its_first_row_and_the_delay() {
    let script = "
        + ann:a@5 ann:a@9
        + cid:c@20
        restart 3
        + ann:a@14
        + cid:d@26
        + ann:a@18 ann:a@16
        restart 1
        + ann:a@27
    ";
    expect![[r#"
        > + ann:a@5 ann:a@9
          epoch 0: 2 rows, watermark none; Dedup 1 (1 copies)
          epoch 1: 0 rows, watermark 1969-12-31T23:59:00.000Z; Dedup 1
          unique[0]: ann a 00:05
        > + cid:c@20
          epoch 2: 1 rows, watermark 1969-12-31T23:59:00.000Z; Dedup 2
          epoch 3: 0 rows, watermark 00:10; Dedup 2
          unique[2]: cid c 00:20
        > restart 3
        > + ann:a@14
          epoch 4: 1 rows, watermark 00:10; Dedup 2 (1 copies)
        > + cid:d@26
          epoch 5: 1 rows, watermark 00:10; Dedup 3
          epoch 6: 0 rows, watermark 00:16; Dedup 2
          unique[5]: cid d 00:26
        > + ann:a@18 ann:a@16
          epoch 7: 2 rows, watermark 00:16; Dedup 3 (1 late)
          unique[7]: ann a 00:18
          late[7]: ann a 00:16 00:16
        > restart 1
        > + ann:a@27
          epoch 8: 1 rows, watermark 00:16; Dedup 3 (1 copies)
          epoch 9: 0 rows, watermark 00:17; Dedup 3
    "#]]
    .assert_eq(&play(within, script).await);
}
