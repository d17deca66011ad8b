//! A commit that was made and then failed: what can be found out is a success, what cannot is an outcome that is unknown, and
//! neither is a plain failure. The same write under the same txn may be tried again and is there once.

use fail::FailScenario;
use tidemill_lakehouse::{Committed, DeltaTable, MergeRequest, TableOptions, Txn};
use tidemill_planner::Result;
use tidemill_planner::seam::Publish;

use crate::faults::sink;
use crate::helpers::{Place, content, rows, run, schema, the_query};

/// Failpoints and what they do.
type Faults = &'static [(&'static str, &'static str)];

const LOST: (&str, &str) = ("lakehouse::log.link_answer", "1*return");
const UNREADABLE: (&str, &str) = ("lakehouse::log.read", "return");
const NO_SYNC: (&str, &str) = ("lakehouse::log.sync", "return");
const ONE_SYNC: (&str, &str) = ("lakehouse::log.sync", "1*return");
const NO_STAMP: (&str, &str) = ("lakehouse::log.stamp", "1*return");

/// What fails once the entry can be seen, and whether the writer can know that it is there to stay.
const CASES: &[(Faults, bool)] = &[
    (&[LOST], true),
    (&[NO_STAMP], true),
    (&[ONE_SYNC], true),
    (&[LOST, NO_STAMP, ONE_SYNC], true),
    (&[NO_SYNC], false),
    (&[LOST, NO_SYNC], false),
    (&[LOST, UNREADABLE], false),
];

/// Lets `faults` happen from the moment on at which the next entry can be seen.
fn once_visible(faults: Faults) {
    let arm = move || faults.iter().for_each(|(name, actions)| fail::cfg(*name, actions).unwrap());
    fail::cfg_callback("lakehouse::log.linked", arm).unwrap();
}

fn repair(faults: Faults) {
    fail::remove("lakehouse::log.linked");
    faults.iter().for_each(|(name, _)| fail::remove(name));
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Append,
    Overwrite,
    Merge,
}

const OPERATIONS: [Operation; 3] = [Operation::Append, Operation::Overwrite, Operation::Merge];

/// Writes the row `b`; whether it was written now.
async fn write(table: &DeltaTable, operation: Operation) -> Result<bool> {
    let row = vec![rows(&[("b", 2, 0.0)])];
    let txn = Some(Txn::new("job", 1));
    Ok(match operation {
        Operation::Append => table.append(row, txn).await? != Committed::AlreadyDone,
        Operation::Overwrite => table.overwrite(row, txn).await? != Committed::AlreadyDone,
        Operation::Merge => {
            let request = MergeRequest { on: vec!["userId".into()], source: row, update_condition: None, txn };
            table.merge(request).await?.version.is_some()
        }
    })
}

/// A table whose commits are to survive a power cut, with the row `a` at version 1.
async fn durable(place: &Place) -> DeltaTable {
    let table = DeltaTable::create(&place.path(), schema(), TableOptions::default()).await.unwrap();
    table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
    table
}

#[tokio::test]
async fn a_commit_that_was_made_is_never_a_plain_failure() {
    for operation in OPERATIONS {
        for (faults, known) in CASES {
            let scenario = FailScenario::setup();
            let what = format!("{operation:?} and then {faults:?}");
            let place = Place::new();
            let table = durable(&place).await;
            once_visible(faults);
            match write(&table, operation).await {
                Ok(wrote) => assert!(wrote && *known, "{what}"),
                Err(error) => {
                    assert_eq!(error.kind().as_str(), "outcome_unknown", "{what}: {error}");
                    assert!(!known && !error.is_transient(), "{what}: {error}");
                    for told in [place.path().as_str(), "version 2", "`job`"] {
                        assert!(error.message().contains(told), "{what} does not tell {told}: {error}");
                    }
                }
            }
            repair(faults);
            let wanted: &[&str] = if operation == Operation::Overwrite { &["b 2 0"] } else { &["a 1 0", "b 2 0"] };
            assert_eq!(content(&place.open().await).await, wanted, "{what}");
            assert!(!write(&table, operation).await.unwrap(), "{what}: tried again, it was written again");
            assert_eq!(content(&table).await, wanted, "{what}, tried again");
            assert_eq!(place.open().await.snapshot().await.unwrap().version(), 2, "{what}");
            scenario.teardown();
        }
    }
}

/// Whoever tries again and hears that it is done may count on it.
#[tokio::test]
async fn a_txn_that_is_there_is_not_done_before_it_is_synced() {
    for operation in OPERATIONS {
        let scenario = FailScenario::setup();
        let place = Place::new();
        let table = durable(&place).await;
        once_visible(&[NO_SYNC]);
        for _ in 0..2 {
            let error = write(&table, operation).await.unwrap_err();
            assert_eq!(error.kind().as_str(), "outcome_unknown", "{operation:?}: {error}");
        }
        repair(&[NO_SYNC]);
        assert!(!write(&table, operation).await.unwrap(), "{operation:?}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_table_that_was_made_is_there_whatever_its_maker_hears() {
    let scenario = FailScenario::setup();
    let place = Place::new();
    once_visible(&[NO_SYNC]);
    let error = DeltaTable::create(&place.path(), schema(), TableOptions::default()).await.unwrap_err();
    assert_eq!(error.kind().as_str(), "outcome_unknown", "{error}");
    for told in [place.path().as_str(), "version 0", "history"] {
        assert!(error.message().contains(told), "{told}: {error}");
    }
    repair(&[NO_SYNC]);
    assert!(content(&place.open().await).await.is_empty());
    let again = DeltaTable::create(&place.path(), schema(), TableOptions::default()).await.unwrap_err();
    assert!(again.message().contains("already"), "{again}");
    scenario.teardown();
}

#[tokio::test]
async fn a_publish_of_unknown_outcome_is_set_right_by_the_next() {
    for merge in [false, true] {
        let scenario = FailScenario::setup();
        let place = Place::new();
        let sink = sink(&place, merge);
        let target = sink.open(schema()).await.unwrap();
        let receipts = vec![sink.stage(&run(), 1, 0, vec![rows(&[("a", 1, 0.0)])]).await.unwrap()];
        once_visible(&[LOST, UNREADABLE]);
        let error = sink.publish(&the_query(), 1, &target, &receipts).await.unwrap_err();
        assert_eq!(error.kind().as_str(), "outcome_unknown", "{error}");
        repair(&[LOST, UNREADABLE]);
        assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::AlreadyPublished);
        assert_eq!(content(&place.open().await).await, ["a 1 0"]);
        scenario.teardown();
    }
}
