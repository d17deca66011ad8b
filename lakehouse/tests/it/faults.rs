//! Crashes at named points: before the commit nothing is visible, after it everything is, and a second publish sets right
//! the first and harms the second. And the proof that it is the txn check which holds this: without it, rows double.

use std::sync::Arc;

use fail::FailScenario;
use tidemill_lakehouse::{DeltaAppendSink, DeltaMergeSink, SinkOptions};
use tidemill_planner::seam::{Publish, Receipt, Sink, SinkTarget};

use crate::helpers::{Place, content, fast, rows, run, schema, the_query};

pub(crate) fn sink(place: &Place, merge: bool) -> Arc<dyn Sink> {
    let options = SinkOptions { table: fast(), ..SinkOptions::default() };
    match merge {
        true => Arc::new(DeltaMergeSink::new(Some("m".into()), place.path(), vec!["userId".into()], None, options)),
        false => Arc::new(DeltaAppendSink::new(Some("a".into()), place.path(), options)),
    }
}

/// Publishes in a task of its own, which may panic.
async fn publish(sink: &Arc<dyn Sink>, target: &SinkTarget, receipts: &[Receipt]) -> Option<Publish> {
    let (sink, target, receipts) = (Arc::clone(sink), target.clone(), receipts.to_vec());
    tokio::spawn(async move { sink.publish(&the_query(), 1, &target, &receipts).await.unwrap() }).await.ok()
}

#[tokio::test]
async fn a_crash_around_the_commit_is_set_right_by_publishing_again() {
    for (merge, point) in [(false, "append"), (true, "merge")] {
        for (moment, visible) in [("before_commit", false), ("after_commit", true)] {
            let scenario = FailScenario::setup();
            let place = Place::new();
            let crashing = sink(&place, merge);
            let target = crashing.open(schema()).await.unwrap();
            let receipts = vec![crashing.stage(&run(), 1, 0, vec![rows(&[("a", 1, 0.0), ("b", 2, 0.0)])]).await.unwrap()];
            let name = format!("lakehouse::{point}.{moment}");
            fail::cfg(&name, "panic").unwrap();
            assert_eq!(publish(&crashing, &target, &receipts).await, None, "{name} was not reached");
            fail::remove(&name);
            assert_eq!(!content(&place.open().await).await.is_empty(), visible, "{name}");
            let recovered = sink(&place, merge);
            recovered.open(schema()).await.unwrap();
            let again = publish(&recovered, &target, &receipts).await;
            let wanted = if visible { Publish::AlreadyPublished } else { Publish::Published { rows_updated: 0 } };
            assert_eq!(again, Some(wanted), "{name}");
            assert_eq!(content(&place.open().await).await, ["a 1 0", "b 2 0"], "{name}");
            scenario.teardown();
        }
    }
}

#[tokio::test]
async fn without_the_txn_check_an_append_doubles() {
    let scenario = FailScenario::setup();
    let place = Place::new();
    let sink = sink(&place, false);
    let target = sink.open(schema()).await.unwrap();
    let receipts = vec![sink.stage(&run(), 1, 0, vec![rows(&[("a", 1, 0.0)])]).await.unwrap()];
    sink.publish(&the_query(), 1, &target, &receipts).await.unwrap();
    assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::AlreadyPublished);
    fail::cfg("lakehouse::txn_check", "return").unwrap();
    assert_eq!(sink.publish(&the_query(), 1, &target, &receipts).await.unwrap(), Publish::Published { rows_updated: 0 });
    assert_eq!(content(&place.open().await).await, ["a 1 0", "a 1 0"], "the check is what keeps an epoch from being doubled");
    scenario.teardown();
}
