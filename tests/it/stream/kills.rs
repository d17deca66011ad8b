//! The process dies at a place that is named, and starts again: nothing is lost and nothing doubled.

use std::os::unix::process::ExitStatusExt;

use serde_json::Value;
use tidemill_streaming::checkpoint::Checkpoint;

use super::process::{DIRECT, DIRECT_AND_STAGED, INLINE, Run, STAGED};

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

/// Runs, dies, runs again at another parallelism, and is judged; with outputs inside the record, and as staged files.
async fn check(deaths: &[Death]) {
    for (seed, death) in deaths.iter().enumerate() {
        for flags in [INLINE, STAGED] {
            let run = Run::with(seed as u64 + 1, flags);
            dies(&run, death, 2);
            goes_on(&run, &format!("{} {flags:?}", death.failpoint)).await;
        }
    }
}

/// The next start finds nothing in its way, leaves nothing behind, and all tables are right.
async fn goes_on(run: &Run, story: &str) {
    let ended = run.run(3, "");
    assert!(ended.status.success(), "{story}: {}", ended.stderr);
    assert_eq!(run.staged_files(), 0, "{story}: what was staged is published or discarded");
    run.judge(story).await;
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
        for flags in [INLINE, STAGED] {
            let run = Run::with(seed as u64 + 20, flags);
            let ended = run.run(2, failpoint);
            let what = format!("{failpoint} {flags:?} ended with {ended:?}");
            // In which epoch a sink has its third rows is the input's to say.
            assert_eq!((ended.status.code(), ended.stderr.contains("failpoint")), (Some(1), true), "{what}");
            assert_eq!(ended.last_phase.1, "publish", "{what}");
            assert_eq!(run.recorded(), Some(ended.last_phase.0), "{what}");
            let ended = run.run(1, "");
            assert!(ended.status.success(), "{what}: {}", ended.stderr);
            run.judge(&what).await;
            assert_eq!(run.staged_files(), 0, "{what}");
            run.judge_files(&what).await;
        }
    }
}

/// Tasks write the files of a large epoch: the process dies as one has written its own, when nothing is recorded.
#[tokio::test]
async fn killed_while_tasks_write_an_epochs_files() {
    for (seed, failpoint) in
        ["lakehouse::stage.written=return(abort)", "lakehouse::stage.written=2*off->return(abort)"].into_iter().enumerate()
    {
        let run = Run::with(seed as u64 + 1, STAGED);
        let ended = run.run(2, failpoint);
        let what = format!("{failpoint} ended with {ended:?}");
        assert_eq!((ended.status.signal(), ended.last_phase.1.as_str()), (Some(SIGABRT), "run"), "{what}");
        assert_eq!(run.recorded(), ended.last_phase.0.checked_sub(1), "{what}");
        assert!(run.staged_files() > 0, "{what}");
        goes_on(&run, failpoint).await;
        run.judge_files(failpoint).await;
    }
}

/// An attempt that fails when its files are written is made again, and what it has written is in no table.
#[tokio::test]
async fn a_task_that_has_written_files_is_run_again() {
    let run = Run::with(5, STAGED);
    let ended = run.run(2, "lakehouse::stage.written=1*return->1*off->1*return");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(run.staged_files(), 0, "what the failed attempts have left went with their epochs");
    run.judge("tasks that failed over their files").await;
    run.judge_files("tasks that failed over their files").await;
}

/// One death after another, a start at another parallelism after each.
#[tokio::test]
async fn killed_again_and_again() {
    for flags in [INLINE, STAGED, DIRECT_AND_STAGED] {
        let run = Run::with(77, flags);
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
        goes_on(&run, &format!("killed again and again {flags:?}")).await;
    }
}

/// A run dies with epoch 4 recorded and published nowhere; start after start dies before it has loaded the state, or after.
#[tokio::test]
async fn killed_while_the_state_is_restored() {
    for flags in [INLINE, STAGED] {
        let run = Run::with(101, flags);
        dies(&run, &death("streaming::publish=4*off->return", Abort, "publish", 4, true), 2);
        dies(&run, &death("streaming::restore=return", Abort, "restore", 5, false), 3);
        dies(&run, &death("streaming::restore=1*off->return", Abort, "restore", 5, false), 1);
        goes_on(&run, &format!("killed while it restored {flags:?}")).await;
    }
}

/// A run dies with epoch 4 recorded and published nowhere; one start dies before it has published it to a sink, two more after one sink each.
#[tokio::test]
async fn killed_while_an_epoch_is_republished() {
    for flags in [INLINE, STAGED] {
        let run = Run::with(102, flags);
        dies(&run, &death("streaming::publish=4*off->return", Abort, "publish", 4, true), 2);
        dies(&run, &death("streaming::republish=return", Abort, "republish", 4, true), 3);
        dies(&run, &death("streaming::republish=1*off->return", Abort, "republish", 4, true), 1);
        dies(&run, &death("streaming::republish=1*off->return", Abort, "republish", 4, true), 5);
        goes_on(&run, &format!("killed while it republished {flags:?}")).await;
    }
}

/// A run dies with epoch 2 staged and not recorded; one start dies before it has discarded anything, the next between two sinks.
#[tokio::test]
async fn killed_while_staged_files_are_discarded() {
    let run = Run::with(103, STAGED);
    dies(&run, &death("streaming::record=2*off->return", Abort, "record", 2, false), 2);
    let staged = run.staged_files();
    dies(&run, &death("streaming::discard=return", Abort, "discard", 2, false), 3);
    assert_eq!(run.staged_files(), staged, "nothing is removed yet");
    dies(&run, &death("streaming::discard=3*off->return", Abort, "discard", 2, false), 1);
    let left = run.staged_files();
    assert!(left > 0 && left < staged, "three of five sinks have removed theirs: of {staged} files, {left} are left");
    goes_on(&run, "killed while it discarded").await;
}

/// Small retention makes every second epoch clean up: before the first removal, between two entries, between entries and images.
#[tokio::test]
async fn killed_while_it_cleans_up() {
    for (seed, failpoint) in [
        "streaming::clean_up=return",
        "streaming::clean_up=1*off->return",
        "streaming::clean_up=2*off->return",
        "streaming::clean_up=3*off->return",
    ]
    .into_iter()
    .enumerate()
    {
        let run = Run::with(seed as u64 + 1, &["--keep-epochs", "1"]);
        // Which epoch has its image done in time is the disk's to say. The first start dies in an epoch, the next on its way to one, over
        // what the first has left.
        for point in [failpoint, "streaming::clean_up=return"] {
            let ended = run.run(2, point);
            let what = format!("{failpoint}, then {point}, ended with {ended:?}");
            assert_eq!(ended.status.signal(), Some(SIGABRT), "{what}");
            assert_eq!(ended.last_phase.1, "clean_up", "{what}");
            assert_eq!(run.recorded(), ended.last_phase.0.checked_sub(1), "{what}");
        }
        goes_on(&run, failpoint).await;
        let shown = Checkpoint::inspect(&run.layout.checkpoint()).expect("the checkpoint can be read");
        assert_eq!(shown["damage"], Value::Array(Vec::new()), "{failpoint}");
        let count = |list: &str, what: &str| shown[list].as_array().map_or(0, |all| all.iter().filter(|one| !one[what].is_null()).count());
        let kept = (count("entries", "entry"), count("images", "epoch"));
        assert!(kept.0 <= 12 && kept.1 == 2, "{failpoint}: {kept:?} entries and images are kept");
    }
}

/// With a sink that cannot stage, an epoch is promised before it runs, and from then on comes with the same rows until it is recorded.
#[tokio::test]
async fn killed_around_a_promise() {
    // How often epoch 3 is handed over, and the last epoch: a start that keeps no promise takes all five files that are left into epoch 3.
    // The seeds are such that events are late in both cuts.
    for (seed, death, calls, last) in [
        (4, death("streaming::promise=3*off->return", Abort, "promise", 3, false), 1, 4),
        (5, death("streaming::run=3*off->return", Abort, "run", 3, false), 1, 5),
        (5, death("streaming::record=3*off->return", Abort, "record", 3, false), 2, 5),
        (5, death("streaming::settle=3*off->return", Abort, "settle", 3, true), 1, 5),
    ] {
        for flags in [DIRECT, DIRECT_AND_STAGED] {
            let story = format!("{} {flags:?}", death.failpoint);
            let run = Run::with(seed, flags);
            dies(&run, &death, 2);
            run.read_at_most(5);
            goes_on(&run, &story).await;
            assert_eq!(run.recorded(), Some(last), "{story}");
            assert_eq!(run.handed_over()[&3].len(), calls, "{story}: how often epoch 3 was handed over");
        }
    }
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
