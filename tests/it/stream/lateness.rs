//! The judges are judged: with one row called late that is on time, each of them must disagree. What the stream writes then is right
//! for the rows that it has kept, so only a model of the watermark can tell.

use std::process::Command;

use tidemill::Session;
use tidemill::demo::judge;

use super::process::{FILES, Run};

const ONE_ROW_TOO_MANY: &str = "executor::call_one_on_time_row_late=1*return";

#[tokio::test]
async fn the_demos_judge_finds_a_row_that_was_called_late_and_is_on_time() {
    let run = Run::new(90);
    let ended = run.run(2, ONE_ROW_TOO_MANY);
    assert!(ended.status.success(), "{ended:?}");
    let verdict = run.verdict("one row too many is late").await;
    let (rows, difference) = &verdict.tables["late_events"];
    assert!(!verdict.agree(), "the judge has not found the row among {rows} late ones");
    assert!(difference.is_some(), "the judge does not name the late rows: {:?}", verdict.tables);
}

/// What the model stands on: no verdict agrees over a file that was not read, and without a record there is none.
#[tokio::test]
async fn the_demos_judge_wants_every_file_read_and_every_record() {
    let run = Run::new(5);
    let ended = run.run(2, "");
    assert!(ended.status.success(), "{ended:?}");
    run.judge("all is there").await;
    // It holds nothing but copies, so the tables are right without it.
    let unread = run.layout.input().join("unread.json");
    std::fs::copy(run.layout.input().join(format!("events-{:06}.json", FILES - 1)), &unread).expect("the input has a last file");
    let verdict = run.verdict("a file more").await;
    assert_eq!(verdict.epochs.as_deref(), Some("file unread.json was read in no epoch"));
    assert!(!verdict.agree());
    std::fs::remove_file(unread).expect("the copy is there");
    // The log begins with the run's start: its entry 3 is the record of epoch 2.
    for folder in [run.layout.checkpoint(), run.layout.records()] {
        std::fs::remove_file(folder.join("log/00000000000000000003.rec")).expect("the record is there");
    }
    let session = Session::builder().parallelism(2).build().expect("a session");
    let error = judge(&session, &run.layout).await.expect_err("a record is gone");
    assert!(error.message().contains("the record of epoch 2 is in neither"), "{error}");
}

/// The failpoint is armed for a whole process: the oracle runs in one of its own.
#[test]
fn the_random_oracle_finds_a_row_that_was_called_late_and_is_on_time() {
    let program = std::env::current_exe().expect("the test's program has a path");
    let oracle = "stream::oracle::a_stream_is_its_batch_however_it_is_cut_and_restarted";
    let ran = Command::new(program)
        .args(["--exact", oracle, "--nocapture"])
        .env("FAILPOINTS", ONE_ROW_TOO_MANY)
        .env("TIDEMILL_ORACLE_CASES", "30")
        .output()
        .expect("the test's program runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("running 1 test"), "the oracle's test has another name now: {said}");
    assert!(!ran.status.success(), "the oracle has not found the row: {said}");
    assert!(said.contains("late rows are those of the model"), "the oracle does not name the late rows: {said}");
}
