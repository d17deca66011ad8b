//! Where a query stands: the phases of its start and of its loop, told to whoever watches and open to crash tests by name.

use std::fmt;

/// One phase of a query. A start that has taken the query over: *restore* what the last run recorded; *republish* what of it is not
/// visible yet; *discard* what was staged and got no record. Then the epoch loop: *ask* every source how far it can go and, if a
/// sink cannot stage, *promise* that cut; *run* the stages, whose tasks stage the rows of sinks that take them as they are made;
/// *stage* the other sinks' rows; write the *record*, the one point of no return; *publish* from the record to every sink; *settle*
/// what publishing left to sync; *clean up* what no restart needs; *wait* for the next trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Loading the state of the last recorded epoch.
    Restore,
    /// Publishing an epoch that an earlier run has recorded and not published everywhere.
    Republish,
    /// Removing what was staged and got no record, and settling the last epoch that got one.
    Discard,
    /// Waiting for the trigger, or for data.
    Wait,
    /// Asking the sources.
    Discover,
    /// Writing the promise.
    Promise,
    /// Running the stages. Sinks that take rows as they are made stage them here.
    Run,
    /// Staging the rows of the other sinks.
    Stage,
    /// Writing the record.
    Record,
    /// Publishing to the sinks.
    Publish,
    /// Settling.
    Settle,
    /// Removing log entries and images that no restart needs, when there are any.
    CleanUp,
}

impl Phase {
    /// The phase's stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Republish => "republish",
            Self::Discard => "discard",
            Self::Wait => "wait",
            Self::Discover => "discover",
            Self::Promise => "promise",
            Self::Run => "run",
            Self::Stage => "stage",
            Self::Record => "record",
            Self::Publish => "publish",
            Self::Settle => "settle",
            Self::CleanUp => "clean_up",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Told of every phase as it begins, by the task that goes through it.
pub trait PhaseObserver: fmt::Debug + Send + Sync {
    /// `phase` of `epoch` begins. What is not done for one epoch is told with the number of the next one.
    fn enter(&self, epoch: u64, phase: Phase);
}

/// A place at which a fault test ends the process, as `kill -9` would (`FAILPOINTS=name=return`), or has it linger until it is killed
/// (`FAILPOINTS=name=sleep(20)`). Nothing in other builds.
pub(super) fn crash_point(name: &str) {
    fail::fail_point!(name, |_| std::process::abort());
    // Without the feature the name is not looked at.
    let _ = name;
}
