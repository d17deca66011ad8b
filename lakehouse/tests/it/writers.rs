//! Several writers at once: nothing is lost, nothing is doubled, versions are contiguous.

use tidemill_lakehouse::{Committed, MergeRequest, Txn};

use crate::helpers::{Place, content, query, rows};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_appenders_lose_nothing() {
    let place = Place::new();
    place.create().await;
    let mut writers = Vec::new();
    for writer in 0..8i64 {
        let table = place.open().await;
        writers.push(tokio::spawn(async move {
            let mut versions = Vec::new();
            for i in 0..10 {
                let txn = Txn::new(format!("w{writer}"), i);
                match table.append(vec![rows(&[("a", writer * 100 + i, 0.0)])], Some(txn)).await.unwrap() {
                    Committed::Done { version } => versions.push(version),
                    Committed::AlreadyDone => panic!("writer {writer} has not written {i} yet"),
                }
            }
            versions
        }));
    }
    let mut versions = Vec::new();
    for writer in writers {
        versions.extend(writer.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=80).collect::<Vec<u64>>());
    let snapshot = place.open().await.snapshot().await.unwrap();
    assert_eq!(query(&snapshot, "SELECT count(*), count(DISTINCT n) FROM t").await, ["80 80"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_counters_lose_no_increment() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("c0", 0, 0.0), ("c1", 0, 0.0)])], None).await.unwrap();
    let mut writers = Vec::new();
    for writer in 0..4i64 {
        let table = place.open().await;
        writers.push(tokio::spawn(async move {
            for i in 1..=8i64 {
                // Each writer sets its own key and inserts a new one, in files that all of them share.
                let (own, new) = (format!("w{writer}"), format!("w{writer}-{i}"));
                let source = vec![rows(&[(own.as_str(), i, 0.0), (new.as_str(), i, 0.0)])];
                let merged =
                    table.merge(MergeRequest { on: vec!["userId".into()], source, update_condition: None, txn: None }).await.unwrap();
                assert_eq!((merged.rows_updated, merged.rows_inserted), if i == 1 { (0, 2) } else { (1, 1) });
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let lines = content(&place.open().await).await;
    assert_eq!(lines.len(), 2 + 4 + 32);
    for writer in 0..4 {
        assert!(lines.contains(&format!("w{writer} 8 0")), "{lines:?}");
    }
}
