//! The judges are judged: with one row called late that is on time, and with one that vanishes, each of them must disagree. What the
//! stream writes then is right for the rows that it has kept, so only a model of what it had to keep can tell.

use std::process::Command;

use tidemill::Session;
use tidemill::demo::judge;

use super::process::{FILES, Run};

const ONE_ROW_TOO_MANY: &str = "executor::call_one_on_time_row_late=1*return";

const ONE_ROW_DROPPED: &str = "executor::drop_one_row=1*return";

#[tokio::test]
async fn the_demos_judge_finds_a_row_that_is_missing_where_it_should_be() {
    for (fault, table) in [(ONE_ROW_TOO_MANY, "late_events"), (ONE_ROW_DROPPED, "session_metrics")] {
        let run = Run::new(90);
        let ended = run.run(2, fault);
        assert!(ended.status.success(), "{fault}: {ended:?}");
        let verdict = run.verdict(fault).await;
        let (rows, difference) = &verdict.tables[table];
        assert!(!verdict.agree(), "{fault}: the judge has not found the row; `{table}` has {rows}");
        assert!(difference.is_some(), "{fault}: the judge does not name `{table}`: {:?}", verdict.tables);
    }
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
fn the_random_oracle_finds_a_row_that_is_missing_where_it_should_be() {
    let program = std::env::current_exe().expect("the test's program has a path");
    let oracle = "stream::oracle::a_stream_is_its_batch_however_it_is_cut_and_restarted";
    for (fault, named) in [(ONE_ROW_TOO_MANY, "late rows are those of the model"), (ONE_ROW_DROPPED, "unique")] {
        let ran = Command::new(&program)
            .args(["--exact", oracle, "--nocapture"])
            .env("FAILPOINTS", fault)
            .env("TIDEMILL_ORACLE_CASES", "30")
            .output()
            .expect("the test's program runs");
        let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(said.contains("running 1 test"), "the oracle's test has another name now: {said}");
        assert!(!ran.status.success(), "{fault}: the oracle has not found the row: {said}");
        assert!(said.contains(named), "{fault}: the oracle does not say `{named}`: {said}");
    }
}
