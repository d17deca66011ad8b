//! Two writers make one table, and a writer that dies while it makes one: forced by a callback between a write's data files and
//! its commit, which other tests of this process pass by.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fail::FailScenario;
use futures::FutureExt;
use tidemill::Result;
use tidemill_lakehouse::DeltaTable;

use crate::support::{clicks, session};

const BEFORE_COMMIT: &str = "lakehouse::write.before_commit";

/// Calls `action` when this thread's next write has its data files and not its commit yet.
fn before_our_next_commit(action: impl Fn() + Send + Sync + 'static) {
    let (ours, called) = (thread::current().id(), AtomicBool::new(false));
    let callback = move || {
        if thread::current().id() == ours && !called.swap(true, Ordering::Relaxed) {
            action();
        }
    };
    fail::cfg_callback(BEFORE_COMMIT, callback).unwrap();
}

/// Saves two rows as a new table, from start to end, on a thread of its own.
fn create_elsewhere(path: &str) -> Result<()> {
    let path = path.to_owned();
    let save = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { clicks(&session()).limit(2).write().save(&path).await })
    };
    thread::spawn(save).join().expect("the other writer does not panic")
}

/// The Parquet files that lie in a folder.
fn parquet_files(folder: &str) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".parquet")).count()
}

#[tokio::test]
async fn of_two_creators_one_wins_and_the_mode_says_what_the_other_does() {
    // The mode of the one that comes second, its error, and the rows and versions that the table has in the end.
    for (mode, says, rows, versions) in
        [("error", Some("exists already"), 2, 1), ("ignore", None, 2, 1), ("append", None, 8, 2), ("overwrite", None, 6, 2)]
    {
        let scenario = FailScenario::setup();
        let session = session();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t").display().to_string();
        let theirs = path.clone();
        before_our_next_commit(move || create_elsewhere(&theirs).expect("there is no table before a commit"));
        let saved = clicks(&session).write().mode(mode).save(&path).await;
        match says {
            None => saved.unwrap(),
            Some(says) => assert!(saved.as_ref().is_err_and(|e| e.message().contains(says)), "{mode}: {saved:?}"),
        }
        let table = session.table(&path);
        assert_eq!(table.to_df().await.unwrap().count().await.unwrap(), rows, "{mode}");
        assert_eq!(table.history().await.unwrap().len(), versions, "{mode}");
        // One file of theirs, one of ours where we have written after them: what the lost commit was to name is gone.
        assert_eq!(parquet_files(&path), versions, "{mode}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_writer_that_dies_before_its_commit_leaves_no_table() {
    let scenario = FailScenario::setup();
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    let writer = clicks(&session).write();
    before_our_next_commit(|| panic!("killed"));
    let died = AssertUnwindSafe(writer.save(&path)).catch_unwind().await;
    assert!(died.is_err(), "the write has not come to its commit");
    assert!(!DeltaTable::exists(&path).await.unwrap(), "there is a table without rows");
    assert!(session.read().parquet(&path).await.is_err(), "what it has written is no folder of files either");
    fail::remove(BEFORE_COMMIT);
    writer.save(&path).await.unwrap();
    assert_eq!(session.table(&path).to_df().await.unwrap().count().await.unwrap(), 6);
    assert_eq!(session.table(&path).history().await.unwrap().len(), 1);
    scenario.teardown();
}
