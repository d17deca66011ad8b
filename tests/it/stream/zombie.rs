//! A run that is stopped, outlived by another run of the same query, and wakes up: it loses, and says to whom.

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::process::{DIRECT, Ended, Run, Running};

/// Waits until the process has stopped itself.
fn await_stop(running: &Running) -> Pid {
    let pid = Pid::from_raw(running.process.id() as i32);
    let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("it is our child");
    assert_eq!(status, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    pid
}

/// Starts a run that stops itself as it enters `phase` of `epoch`; `also` are further failpoints.
fn stopped_in(run: &Run, phase: &str, epoch: u64, also: &str) -> (Running, Pid) {
    let mut zombie = run.spawn(2, &format!("demo::stop_in_{phase}={epoch}*off->1*return;{also}"));
    zombie.hear_phase(epoch, phase);
    let pid = await_stop(&zombie);
    (zombie, pid)
}

fn wake(zombie: Running, pid: Pid) -> Ended {
    kill(pid, Signal::SIGCONT).expect("it is our child");
    zombie.finish()
}

#[tokio::test]
async fn a_zombie_loses_to_a_run_that_has_gone_on() {
    for (seed, (phase, epoch)) in [("record", 0), ("record", 3), ("stage", 2), ("publish", 3), ("settle", 2)].into_iter().enumerate() {
        let story = format!("stopped in {phase} of epoch {epoch}");
        let run = Run::new(seed as u64 + 40);
        let (zombie, pid) = stopped_in(&run, phase, epoch, "");
        let other = run.run(3, "");
        assert!(other.status.success(), "{story}: {}", other.stderr);
        run.judge(&story).await;
        let recorded = run.recorded();
        let zombie = wake(zombie, pid);
        assert_eq!(zombie.status.code(), Some(1), "{story}: {zombie:?}");
        // In its publish it meets its own epoch, which the other run has published; everywhere else the log tells it who has won.
        if phase == "publish" {
            assert!(zombie.stderr.contains(&format!("holds an epoch {epoch} that this run has not published")), "{story}: {zombie:?}");
        } else {
            assert!(zombie.stderr.contains(&other.run_id), "{story}: the error names the run that has won, {}: {zombie:?}", other.run_id);
            assert!(zombie.stderr.contains("has taken this query over"), "{story}: {zombie:?}");
        }
        assert_eq!(run.recorded(), recorded, "{story}: the zombie has recorded nothing");
        run.judge(&format!("{story}, and woken")).await;
    }
}

#[tokio::test]
async fn a_zombie_loses_to_a_run_that_had_nothing_to_do() {
    let run = Run::new(50);
    let (zombie, pid) = stopped_in(&run, "record", 0, "");
    // The other run finds no file: all it does is start.
    let nothing = run.layout.root().join("nothing");
    std::fs::create_dir(&nothing).expect("an empty folder");
    let mut idle = run.spawn_over(&nothing, 1, "");
    let other = idle.hear_phase(0, "wait");
    let zombie = wake(zombie, pid);
    assert_eq!(zombie.status.code(), Some(1), "{zombie:?}");
    assert!(zombie.stderr.contains(&other), "the error names the run that has won, {other}: {zombie:?}");
    assert_eq!(run.recorded(), None, "the zombie has recorded nothing");
    assert!(idle.finish().status.success());
    assert_eq!(run.recorded(), None, "the idle run has recorded nothing");
    let ended = run.run(2, "");
    assert!(ended.status.success(), "{}", ended.stderr);
    run.judge("after an idle run").await;
}

/// What a zombie has been promised it may still write where nothing can be staged: it is what the run that has won has written.
#[tokio::test]
async fn a_zombie_hands_over_the_rows_that_were_promised() {
    let run = Run::with(2, DIRECT);
    let (zombie, pid) = stopped_in(&run, "run", 3, "");
    run.read_at_most(5);
    let other = run.run(3, "");
    assert!(other.status.success(), "{}", other.stderr);
    let zombie = wake(zombie, pid);
    assert_eq!(zombie.status.code(), Some(1), "{zombie:?}");
    assert!(zombie.stderr.contains(&other.run_id), "the error names the run that has won, {}: {zombie:?}", other.run_id);
    assert_eq!(run.handed_over()[&3].len(), 2, "by both runs");
    run.judge("a zombie with a direct sink, woken").await;
}

/// The proof that these tests can fail: a zombie that does not look for the `txn` of its epoch publishes it once more.
#[tokio::test]
async fn without_the_txn_check_a_zombie_doubles_rows() {
    let run = Run::new(43);
    let (zombie, pid) = stopped_in(&run, "publish", 3, "lakehouse::txn_check=return");
    let other = run.run(3, "");
    assert!(other.status.success(), "{}", other.stderr);
    run.judge("before the zombie wakes").await;
    assert_eq!(wake(zombie, pid).status.code(), Some(1));
    let verdict = run.verdict("after the zombie").await;
    let doubled = verdict.tables.values().any(|(_, difference)| difference.is_some());
    assert!(doubled, "rows are doubled: {:?}", verdict.differences());
}
