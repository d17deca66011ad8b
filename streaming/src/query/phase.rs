//! Where an epoch stands: the loop's phases, told to whoever watches and open to crash tests by name.

use std::fmt;

/// One phase of the epoch loop. Together: *ask* every source how far it can go and, if a sink cannot stage, *promise* that
/// cut; *run* the stages; *stage* each sink's rows; write the *record*, the one point of no return; *publish* from the record
/// to every sink; *settle* what publishing left to sync and let go of what no restart needs; *wait* for the next trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting for the trigger, or for data.
    Wait,
    /// Asking the sources.
    Discover,
    /// Writing the promise.
    Promise,
    /// Running the stages.
    Run,
    /// Staging the sinks' rows.
    Stage,
    /// Writing the record.
    Record,
    /// Publishing to the sinks.
    Publish,
    /// Settling and cleaning up.
    Settle,
}

impl Phase {
    /// The phase's stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Discover => "discover",
            Self::Promise => "promise",
            Self::Run => "run",
            Self::Stage => "stage",
            Self::Record => "record",
            Self::Publish => "publish",
            Self::Settle => "settle",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Told of every phase as it begins, on the loop's own thread.
pub trait PhaseObserver: fmt::Debug + Send + Sync {
    /// `phase` of `epoch` begins.
    fn enter(&self, epoch: u64, phase: Phase);
}

/// A place at which a fault test ends the process, as `kill -9` would: `FAILPOINTS=name=return`. Nothing in other builds.
pub(super) fn crash_point(name: &str) {
    fail::fail_point!(name, |_| std::process::abort());
    // Without the feature the name is not looked at.
    let _ = name;
}
