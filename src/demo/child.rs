//! The child process of the demo: the streaming query itself. It tells its parent the phases and the progress as lines of
//! JSON, and ends when it is told to finish, or when its parent is gone.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;
use tidemill_streaming::checkpoint::Checkpoint;
use tidemill_streaming::query::{Phase, PhaseObserver};

use super::{Layout, QueryConfig, behaviour};
use crate::{Result, Session};

/// The word on standard input that ends the child in order.
pub(super) const FINISH: &str = "finish";

/// The word that asks the child to say when it has worked all there is.
pub(super) const CATCH_UP: &str = "catch up";

/// What a child runs.
#[derive(Debug, Clone)]
pub struct ChildConfig {
    /// Where everything is.
    pub layout: Layout,
    /// Tasks per stage; 0 is one per core.
    pub parallelism: usize,
    /// How the query reads and stages.
    pub query: QueryConfig,
}

/// Tells the phases on standard output, and keeps the records for the judge before the query may let them go.
#[derive(Debug)]
struct TellPhases {
    layout: Layout,
}

impl PhaseObserver for TellPhases {
    fn enter(&self, epoch: u64, phase: Phase) {
        tell(&json!({ "phase": phase.as_str(), "epoch": epoch }));
        if phase == Phase::Settle
            && let Err(error) = keep_records(&self.layout)
        {
            tracing::warn!("the judge may miss a record: {error}");
        }
        stop_point(phase);
    }
}

/// A place at which a fault test has the process stop itself, until it is sent `SIGCONT`: `FAILPOINTS=demo::stop_in_record=return`.
/// Nothing in other builds.
fn stop_point(phase: Phase) {
    fail::fail_point!(&format!("demo::stop_in_{phase}"), |_| {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
    });
    // Without the feature the phase is not looked at.
    let _ = phase;
}

/// Keeps what is in the log: an epoch's record is there before it settles, and it is let go after that.
fn keep_records(layout: &Layout) -> Result<()> {
    Checkpoint::keep_log(&layout.checkpoint(), &layout.records())
}

fn tell(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone is noticed at standard input.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The lines of standard input, from a thread of their own, which ends with it.
fn words_from_stdin() -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Runs the query until the parent says so.
///
/// # Errors
/// What the query fails with.
pub async fn run_child(config: &ChildConfig) -> Result<()> {
    let mut builder = Session::builder();
    if config.parallelism > 0 {
        builder = builder.parallelism(config.parallelism);
    }
    let session = builder.build()?;
    let layout = &config.layout;
    // The last epoch of a run that was killed may not have settled.
    keep_records(layout)?;
    let observer = Arc::new(TellPhases { layout: layout.clone() });
    let query = behaviour(&session, layout, &config.query)?.observer(observer).start().await?;
    let mut progress = query.progress_stream();
    tell(&json!({ "started": query.run_id(), "parallelism": session.parallelism() }));
    let mut words = words_from_stdin();
    let told = tokio::spawn(async move {
        while let Some(progress) = progress.recv().await {
            tell(&json!({ "progress": progress }));
        }
    });
    loop {
        tokio::select! {
            ended = query.await_termination() => { ended?; break }
            word = words.recv() => match word {
                Some(word) if word == FINISH => {
                    query.process_all_available().await?;
                    query.stop().await?;
                    break;
                }
                Some(word) if word == CATCH_UP => {
                    query.process_all_available().await?;
                    tell(&json!({ "caught_up": true }));
                }
                Some(_) => {}
                None => { query.stop().await?; break }
            }
        }
    }
    told.await.map_err(|e| crate::Error::internal(format!("telling the progress ended early: {e}")))
}
