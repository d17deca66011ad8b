//! Each stateful operator over a stream: what it gives in which epoch, what is late, what stays in state, and what of that a
//! restart changes (nothing).

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use expect_test::expect;
use tidemill::Value;
use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{DataFrame, GroupFn, GroupFunction, Result};

use super::story::play;

fn late(frame: &DataFrame) -> DataFrame {
    frame.late_rows().select(["user", "id", "t", "operator", "watermark", "epoch"])
}

fn dedup_in_time(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let unique = events.with_watermark("t", "10 minutes").drop_duplicates(["id", "t"]);
    Ok(vec![("late", late(&unique)), ("unique", unique.select(["user", "id", "t"]))])
}

#[tokio::test]
async fn dedup_with_a_watermark_forgets_and_sets_late_rows_aside() {
    let script = "
        + ann:a@5 ann:a@5 bob:b@6 nil:n@-
        + ann:a@5 nil:n@- cid:c@30
        restart 7
        + ann:a@5 bob:b@20 bob:d@21 cid:c@30
        takeover 1
        + cid:c@30 bob:d@21
        + eve:e@120
        + cid:c@30 nil:n@-
    ";
    expect![[r#"
        > + ann:a@5 ann:a@5 bob:b@6 nil:n@-
          epoch 0: 4 rows, watermark none; Dedup 3 (1 copies)
          epoch 1: 0 rows, watermark 1969-12-31T23:56:00.000Z; Dedup 3
          unique[0]: ann a 00:05
          unique[0]: bob b 00:06
          unique[0]: nil n null
        > + ann:a@5 nil:n@- cid:c@30
          epoch 2: 3 rows, watermark 1969-12-31T23:56:00.000Z; Dedup 4 (2 copies)
          epoch 3: 0 rows, watermark 00:20; Dedup 2
          unique[2]: cid c 00:30
        > restart 7
        > + ann:a@5 bob:b@20 bob:d@21 cid:c@30
          epoch 4: 4 rows, watermark 00:20; Dedup 3 (2 late) (1 copies)
          late[4]: ann a 00:05 dedup 00:20 4
          late[4]: bob b 00:20 dedup 00:20 4
          unique[4]: bob d 00:21
        > takeover 1
          epoch 5: 0 rows, watermark 00:20; Dedup 3
        > + cid:c@30 bob:d@21
          epoch 6: 2 rows, watermark 00:20; Dedup 3 (2 copies)
        > + eve:e@120
          epoch 7: 1 rows, watermark 00:20; Dedup 4
          epoch 8: 0 rows, watermark 01:50; Dedup 2
          unique[7]: eve e 02:00
        > + cid:c@30 nil:n@-
          epoch 9: 2 rows, watermark 01:50; Dedup 2 (1 late) (1 copies)
          late[9]: cid c 00:30 dedup 01:50 9
    "#]]
    .assert_eq(&play(dedup_in_time, script).await);
}

fn dedup_for_ever(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    Ok(vec![("unique", events.drop_duplicates(["id"]).select(["user", "id", "t"]))])
}

#[tokio::test]
async fn dedup_without_a_watermark_remembers_for_ever() {
    let script = "
        + ann:a@5 ann:a@5 bob:b@6
        + eve:e@900
        restart 5
        + ann:a@5 bob:b@7 fay:f@1
    ";
    expect![[r#"
        > + ann:a@5 ann:a@5 bob:b@6
          epoch 0: 3 rows, watermark none; Dedup 2 (1 copies)
          unique[0]: ann a 00:05
          unique[0]: bob b 00:06
        > + eve:e@900
          epoch 1: 1 rows, watermark none; Dedup 3
          unique[1]: eve e 15:00
        > restart 5
        > + ann:a@5 bob:b@7 fay:f@1
          epoch 2: 3 rows, watermark none; Dedup 4 (2 copies)
          unique[2]: fay f 00:01
    "#]]
    .assert_eq(&play(dedup_for_ever, script).await);
}

fn tumbling(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let windows = events.with_watermark("t", "5 minutes").group_by([F::window(col("t"), "10 minutes"), col("user")]).agg([
        F::count("*").alias("n"),
        F::sum(col("v")).alias("v"),
        F::max(col("v")).alias("most"),
    ]);
    let flat = windows.select([col("user"), col("window.start"), col("window.end"), col("n"), col("v"), col("most")]);
    Ok(vec![("windows", flat), ("late", late(&windows))])
}

#[tokio::test]
async fn tumbling_windows_come_out_when_the_watermark_has_passed_them() {
    let script = "
        + ann:a@1=3 ann:b@9=4 bob:c@10=5
        + ann:d@14=1
        + ann:e@15=2
        restart 3
        + ann:f@9=9 bob:g@11=1 nil:n@-=1
        + bob:h@26
        restart 1
        + bob:i@60
        + bob:j@3 bob:k@60
    ";
    expect![[r#"
        > + ann:a@1=3 ann:b@9=4 bob:c@10=5
          epoch 0: 3 rows, watermark none; WindowAggregate 2
          epoch 1: 0 rows, watermark 00:05; WindowAggregate 2
        > + ann:d@14=1
          epoch 2: 1 rows, watermark 00:05; WindowAggregate 3
          epoch 3: 0 rows, watermark 00:09; WindowAggregate 3
        > + ann:e@15=2
          epoch 4: 1 rows, watermark 00:09; WindowAggregate 3
          epoch 5: 0 rows, watermark 00:10; WindowAggregate 2
          windows[5]: ann 00:00 00:10 2 7 4
        > restart 3
        > + ann:f@9=9 bob:g@11=1 nil:n@-=1
          epoch 6: 3 rows, watermark 00:10; WindowAggregate 2 (1 late)
          late[6]: ann f 00:09 window 00:10 6
        > + bob:h@26
          epoch 7: 1 rows, watermark 00:10; WindowAggregate 3
          epoch 8: 0 rows, watermark 00:21; WindowAggregate 1
          windows[8]: ann 00:10 00:20 2 3 2
          windows[8]: bob 00:10 00:20 2 6 5
        > restart 1
        > + bob:i@60
          epoch 9: 1 rows, watermark 00:21; WindowAggregate 2
          epoch 10: 0 rows, watermark 00:55; WindowAggregate 1
          windows[10]: bob 00:20 00:30 1 1 1
        > + bob:j@3 bob:k@60
          epoch 11: 2 rows, watermark 00:55; WindowAggregate 1 (1 late)
          late[11]: bob j 00:03 window 00:55 11
    "#]]
    .assert_eq(&play(tumbling, script).await);
}

fn sessions(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let sessions = events
        .with_watermark("t", "5 minutes")
        .group_by([F::session_window(col("t"), "10 minutes"), col("user")])
        .agg([F::count("*").alias("n"), F::avg(col("v")).alias("mean")]);
    let flat = sessions.select([col("user"), col("session_window.start"), col("session_window.end"), col("n"), col("mean")]);
    Ok(vec![("sessions", flat), ("late", late(&sessions))])
}

/// A session is late by its end, as in Spark: `d` comes later than the delay allows and still joins `b`, though not `a`, whose
/// session is out.
#[tokio::test]
async fn sessions_that_touch_are_one_and_late_events_open_none() {
    let script = "
        + ann:a@0=2 ann:b@20=4 bob:c@3=8
        + ann:d@10=6
        restart 7
        + bob:e@14=1 ann:f@30=3
        + zed:z@50
        + ann:g@31 bob:h@46
        takeover 2
        + zed:y@100
    ";
    expect![[r#"
        > + ann:a@0=2 ann:b@20=4 bob:c@3=8
          epoch 0: 3 rows, watermark none; WindowAggregate 2
          epoch 1: 0 rows, watermark 00:15; WindowAggregate 1
          sessions[1]: ann 00:00 00:10 1 2.0
          sessions[1]: bob 00:03 00:13 1 8.0
        > + ann:d@10=6
          epoch 2: 1 rows, watermark 00:15; WindowAggregate 1
        > restart 7
        > + bob:e@14=1 ann:f@30=3
          epoch 3: 2 rows, watermark 00:15; WindowAggregate 2
          epoch 4: 0 rows, watermark 00:25; WindowAggregate 1
          sessions[4]: bob 00:14 00:24 1 1.0
        > + zed:z@50
          epoch 5: 1 rows, watermark 00:25; WindowAggregate 2
          epoch 6: 0 rows, watermark 00:45; WindowAggregate 1
          sessions[6]: ann 00:10 00:40 3 4.333333333333333
        > + ann:g@31 bob:h@46
          epoch 7: 2 rows, watermark 00:45; WindowAggregate 2 (1 late)
          late[7]: ann g 00:31 session_window 00:45 7
        > takeover 2
          epoch 8: 0 rows, watermark 00:45; WindowAggregate 2
        > + zed:y@100
          epoch 9: 1 rows, watermark 00:45; WindowAggregate 2
          epoch 10: 0 rows, watermark 01:35; WindowAggregate 1
          sessions[10]: bob 00:46 00:56 1 1.0
          sessions[10]: zed 00:50 01:00 1 1.0
    "#]]
    .assert_eq(&play(sessions, script).await);
}

/// Gives each key's number of rows and sum so far.
pub(super) fn running(name: &str) -> Arc<dyn GroupFunction> {
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    let output = Schema::new(vec![Field::new("user", DataType::Utf8, false), number("n"), number("total")]);
    let state = Schema::new(vec![number("n"), number("total")]);
    GroupFn::new(name, Arc::new(output), Arc::new(state), |key, rows, state, output| {
        let values = rows.column("v")?.as_primitive::<Int64Type>();
        let (mut n, mut total) = match state.get() {
            Some([Value::Long(n), Value::Long(total)]) => (*n, *total),
            _ => (0, 0),
        };
        n += rows.len() as i64;
        total += rows.positions().map(|i| values.value(i)).sum::<i64>();
        output.push(vec![key[0].clone(), Value::from(n), Value::from(total)]);
        // A value of minus one hundred asks to be forgotten.
        if rows.positions().any(|i| values.value(i) == -100) {
            state.remove();
        } else {
            state.update(vec![Value::from(n), Value::from(total)]);
        }
        Ok(())
    })
}

fn groups(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    Ok(vec![("totals", events.group_by(["user"]).flat_map_groups_with_state(running("running")))])
}

#[tokio::test]
async fn group_state_goes_on_after_a_restart_at_any_parallelism() {
    let script = "
        + ann:a@0=2 ann:b@0=3 bob:c@0=5
        restart 7
        + ann:d@0=1 cid:e@0=4
        restart 1
        + ann:f@0=1 bob:g@0=1 cid:h@0=-100
        takeover 3
        + cid:i@0=7 bob:j@0=1
    ";
    expect![[r#"
        > + ann:a@0=2 ann:b@0=3 bob:c@0=5
          epoch 0: 3 rows, watermark none; FlatMapGroups 2
          totals[0]: ann 2 5
          totals[0]: bob 1 5
        > restart 7
        > + ann:d@0=1 cid:e@0=4
          epoch 1: 2 rows, watermark none; FlatMapGroups 3
          totals[1]: ann 3 6
          totals[1]: cid 1 4
        > restart 1
        > + ann:f@0=1 bob:g@0=1 cid:h@0=-100
          epoch 2: 3 rows, watermark none; FlatMapGroups 2
          totals[2]: ann 4 7
          totals[2]: bob 2 6
          totals[2]: cid 2 -96
        > takeover 3
          epoch 3: 0 rows, watermark none; FlatMapGroups 2
        > + cid:i@0=7 bob:j@0=1
          epoch 4: 2 rows, watermark none; FlatMapGroups 3
          totals[4]: bob 3 7
          totals[4]: cid 1 7
    "#]]
    .assert_eq(&play(groups, script).await);
}

fn two_kinds_of_dedup_united(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let by_id = events.filter(col("v").lt(10)).drop_duplicates(["id"]);
    let by_user = events.filter(col("v").geq(10)).drop_duplicates(["user"]);
    Ok(vec![("both", by_id.union(&by_user).union(&events.filter(col("v").gt(90))).select(["user", "id"]))])
}

#[tokio::test]
async fn operators_below_a_union_keep_their_own_state() {
    let script = "
        + ann:a@1 ann:a@1 bob:b@1 cid:c@1=10
        + cid:d@1=10 dan:a@1=10 eve:e@1 fay:f@1=99
        restart 5
        + ann:a@1 cid:x@1=10 gil:g@1=10
        takeover 1
        + bob:b@1 gil:h@1=10 hal:h@1
    ";
    expect![[r#"
        > + ann:a@1 ann:a@1 bob:b@1 cid:c@1=10
          epoch 0: 4 rows, watermark none; Dedup 2 (1 copies); Dedup 1
          both[0]: ann a
          both[0]: bob b
          both[0]: cid c
        > + cid:d@1=10 dan:a@1=10 eve:e@1 fay:f@1=99
          epoch 1: 4 rows, watermark none; Dedup 3; Dedup 3 (1 copies)
          both[1]: dan a
          both[1]: eve e
          both[1]: fay f
          both[1]: fay f
        > restart 5
        > + ann:a@1 cid:x@1=10 gil:g@1=10
          epoch 2: 3 rows, watermark none; Dedup 3 (1 copies); Dedup 4 (1 copies)
          both[2]: gil g
        > takeover 1
          epoch 3: 0 rows, watermark none; Dedup 3; Dedup 4
        > + bob:b@1 gil:h@1=10 hal:h@1
          epoch 4: 3 rows, watermark none; Dedup 4 (1 copies); Dedup 4 (1 copies)
          both[4]: hal h
    "#]]
    .assert_eq(&play(two_kinds_of_dedup_united, script).await);
}
