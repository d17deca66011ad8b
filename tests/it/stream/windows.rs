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
        + ann:d@23=8
        + eve:e@100=1
    ";
    expect![[r#""#]].assert_eq(&play(sliding, script).await);
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
    expect![[r#""#]].assert_eq(&play(sessions, script).await);
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
    expect![[r#""#]].assert_eq(&play(within, script).await);
}
