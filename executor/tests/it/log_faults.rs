//! A put to a log on a local disk that was applied and then failed: it is found out, or its outcome is unknown, and putting the
//! same entry again is safe. Nothing else in this binary has such a log, so the failpoints meet no other test.

use bytes::Bytes;
use fail::FailScenario;
use tidemill_executor::log::LocalLog;
use tidemill_planner::seam::{DurableLog, PutOutcome};

const LOST: &str = "executor::log::link_answer";
const UNREADABLE: &str = "executor::log::read";
const NO_SYNC: &str = "executor::log::sync";

#[tokio::test]
async fn a_put_that_was_applied_is_never_a_plain_failure() {
    let (ours, theirs) = (Bytes::from_static(b"ours"), Bytes::from_static(b"theirs"));
    // What fails, and whether the writer can know that the entry is there to stay.
    let cases: [(&[&str], bool); 4] = [(&[LOST], true), (&[NO_SYNC], false), (&[LOST, NO_SYNC], false), (&[LOST, UNREADABLE], false)];
    for (faults, known) in cases {
        let scenario = FailScenario::setup();
        let dir = tempfile::tempdir().unwrap();
        let log = LocalLog::open(dir.path()).unwrap();
        faults.iter().for_each(|name| fail::cfg(*name, "return").unwrap());
        match log.put_new(7, ours.clone()).await {
            Ok(outcome) => assert!(known && outcome == PutOutcome::Created, "{faults:?}: {outcome:?}"),
            Err(error) => {
                assert_eq!(error.kind().as_str(), "outcome_unknown", "{faults:?}: {error}");
                assert!(!known && !error.is_transient(), "{faults:?}: {error}");
                assert!(error.message().contains("00000000000000000007.rec"), "{faults:?}: {error}");
            }
        }
        faults.iter().for_each(fail::remove);
        assert_eq!(log.put_new(7, ours.clone()).await.unwrap(), PutOutcome::Created, "{faults:?}: the same entry again");
        assert_eq!(log.put_new(7, theirs.clone()).await.unwrap(), PutOutcome::Exists, "{faults:?}");
        assert_eq!(log.list_from(0).await.unwrap(), [7], "{faults:?}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_number_that_is_taken_by_an_entry_that_cannot_be_read_may_be_ours() {
    let scenario = FailScenario::setup();
    let dir = tempfile::tempdir().unwrap();
    let log = LocalLog::open(dir.path()).unwrap();
    log.put_new(7, Bytes::from_static(b"theirs")).await.unwrap();
    fail::cfg(UNREADABLE, "return").unwrap();
    let error = log.put_new(7, Bytes::from_static(b"ours")).await.unwrap_err();
    assert_eq!(error.kind().as_str(), "outcome_unknown", "{error}");
    fail::remove(UNREADABLE);
    assert_eq!(log.put_new(7, Bytes::from_static(b"ours")).await.unwrap(), PutOutcome::Exists);
    scenario.teardown();
}
