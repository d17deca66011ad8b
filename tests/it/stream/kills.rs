//! The process dies at a place that is named, and starts again: nothing is lost and nothing doubled.

use std::os::unix::process::ExitStatusExt;

use super::process::Run;

const SIGABRT: i32 = 6;

/// How a failpoint ends the query.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// As `kill -9` would.
    Abort,
    /// By a panic, in whatever task it was, which ends the query by an error.
    Panic,
}
use How::{Abort, Panic};

/// Dies at `failpoint`, in `phase` of epoch `epoch`; whether that epoch is recorded by then.
struct Death {
    failpoint: &'static str,
    how: How,
    phase: &'static str,
    epoch: u64,
    recorded: bool,
}

fn death(failpoint: &'static str, how: How, phase: &'static str, epoch: u64, recorded: bool) -> Death {
    Death { failpoint, how, phase, epoch, recorded }
}

/// Runs, dies, runs again at another parallelism, and is judged.
async fn check(deaths: &[Death]) {
    for (seed, death) in deaths.iter().enumerate() {
        let run = Run::new(seed as u64 + 1);
        dies(&run, death, 2);
        let ended = run.run(3, "");
        assert!(ended.status.success(), "{}: {}", death.failpoint, ended.stderr);
        run.judge(death.failpoint).await;
    }
}

fn dies(run: &Run, death: &Death, parallelism: usize) {
    let ended = run.run(parallelism, death.failpoint);
    let what = format!("{} ended with {:?}", death.failpoint, ended);
    match death.how {
        Abort => assert_eq!(ended.status.signal(), Some(SIGABRT), "{what}"),
        Panic => assert_eq!((ended.status.code(), ended.stderr.contains("failpoint")), (Some(1), true), "{what}"),
    }
    assert_eq!(ended.last_phase, (death.epoch, death.phase.to_owned()), "{what}");
    let recorded = if death.recorded { Some(death.epoch) } else { death.epoch.checked_sub(1) };
    assert_eq!(run.recorded(), recorded, "{what}");
}

#[tokio::test]
async fn killed_before_the_record() {
    check(&[
        death("streaming::run=return", Abort, "run", 0, false),
        death("streaming::run=3*off->return", Abort, "run", 3, false),
        death("streaming::stage=2*off->return", Abort, "stage", 2, false),
        death("streaming::record=return", Abort, "record", 0, false),
        death("streaming::record=5*off->return", Abort, "record", 5, false),
        // The log's first entry says that the run has started.
        death("executor::log::before_link=4*off->panic", Panic, "record", 3, false),
    ])
    .await;
}

#[tokio::test]
async fn killed_between_record_and_settled() {
    check(&[
        death("streaming::publish=return", Abort, "publish", 0, true),
        death("streaming::publish=4*off->return", Abort, "publish", 4, true),
        death("streaming::settle=4*off->return", Abort, "settle", 4, true),
    ])
    .await;
}

/// Five sinks are published side by side: after the n-th of all publishes, n modulo five of an epoch are done.
#[tokio::test]
async fn killed_between_the_publishes_of_two_sinks() {
    check(&[
        death("streaming::between_publishes=return", Abort, "publish", 0, true),
        death("streaming::between_publishes=16*off->return", Abort, "publish", 3, true),
        death("streaming::between_publishes=22*off->return", Abort, "publish", 4, true),
        death("streaming::between_publishes=28*off->return", Abort, "publish", 5, true),
        death("streaming::between_publishes=34*off->return", Abort, "publish", 6, true),
    ])
    .await;
}

/// A commit that has or has not happened, and about which the query hears nothing.
#[tokio::test]
async fn killed_around_a_commit() {
    for (seed, failpoint) in [
        "lakehouse::append.before_commit=1*off->panic",
        "lakehouse::append.after_commit=1*off->panic",
        "lakehouse::merge.before_commit=2*off->panic",
        "lakehouse::merge.after_commit=2*off->panic",
    ]
    .into_iter()
    .enumerate()
    {
        let run = Run::new(seed as u64 + 20);
        let ended = run.run(2, failpoint);
        let what = format!("{failpoint} ended with {ended:?}");
        // In which epoch a sink has its third rows is the input's to say.
        assert_eq!((ended.status.code(), ended.stderr.contains("failpoint")), (Some(1), true), "{what}");
        assert_eq!(ended.last_phase.1, "publish", "{what}");
        assert_eq!(run.recorded(), Some(ended.last_phase.0), "{what}");
        let ended = run.run(1, "");
        assert!(ended.status.success(), "{failpoint}: {}", ended.stderr);
        run.judge(failpoint).await;
    }
}

/// One death after another, a start at another parallelism after each.
#[tokio::test]
async fn killed_again_and_again() {
    let run = Run::new(77);
    for (parallelism, death) in [
        (2, death("streaming::stage=1*off->return", Abort, "stage", 1, false)),
        (7, death("streaming::between_publishes=2*off->return", Abort, "publish", 1, true)),
        (1, death("streaming::run=return", Abort, "run", 2, false)),
        (3, death("streaming::record=1*off->return", Abort, "record", 3, false)),
        (2, death("streaming::publish=return", Abort, "publish", 3, true)),
        (5, death("streaming::settle=1*off->return", Abort, "settle", 5, true)),
    ] {
        dies(&run, &death, parallelism);
    }
    let ended = run.run(2, "");
    assert!(ended.status.success(), "{}", ended.stderr);
    run.judge("killed again and again").await;
}

/// A task that fails is run again, and its first attempt leaves nothing.
#[tokio::test]
async fn a_failed_task_is_run_again() {
    let run = Run::new(5);
    let ended = run.run(2, "executor::task=7*off->1*return(the disk is tired)->9*off->1*panic");
    assert!(ended.status.success(), "{ended:?}");
    run.judge("failed tasks").await;
    // A task that always fails ends the query by its error, not by wrong rows.
    let run = Run::new(5);
    let ended = run.run(2, "executor::task=7*off->return(the disk is dead)");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the disk is dead"), "{ended:?}");
    assert!(run.run(1, "").status.success());
    run.judge("a query whose disk was replaced").await;
}

/// A record that can be seen and whose sync failed: put again it is found, and where it cannot be, the query ends without knowing
/// and the next start finds out.
#[tokio::test]
async fn a_record_whose_sync_failed_is_found_or_found_out() {
    // The log's first entry says that the run has started.
    let run = Run::new(5);
    let ended = run.run(2, "executor::log::sync=2*off->1*return");
    assert!(ended.status.success(), "{ended:?}");
    run.judge("a sync that failed once").await;
    let run = Run::new(5);
    let ended = run.run(2, "executor::log::sync=3*off->return");
    assert_eq!((ended.status.code(), &ended.last_phase), (Some(1), &(2, "record".to_owned())), "{ended:?}");
    for told in ["may not survive a power cut", "start the query again", "00000000000000000003.rec"] {
        assert!(ended.stderr.contains(told), "it does not tell {told}: {ended:?}");
    }
    assert_eq!(run.recorded(), Some(2), "the record can be seen");
    let ended = run.run(3, "");
    assert!(ended.status.success(), "{ended:?}");
    run.judge("a sync that failed for good").await;
}
