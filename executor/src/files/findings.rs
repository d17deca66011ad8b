//! What the tasks that read a slice find of its files, for one another and for the run that follows when a run has to be
//! begun anew: in which state each file was opened, and which cannot be read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shared by all tasks of a slice. Files are named by their place in it.
#[derive(Debug, Default)]
pub(super) struct Findings(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// The tag that each file had when it was first opened.
    opened: HashMap<usize, String>,
    is_careful: bool,
    /// Files that were decoded to their end, and why they cannot be read, if they cannot.
    verdicts: HashMap<usize, Option<String>>,
}

/// What an opened file is to the tasks that opened it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// Nobody has.
    First,
    /// It is as they found it.
    Same,
    /// It is not, and what they read must not count. All that was found is forgotten: the next run finds it anew.
    Other,
}

impl Findings {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `file` has been opened, and its tag is this.
    pub(super) fn opened(&self, file: usize, tag: &str) -> Opened {
        let mut found = self.found();
        match found.opened.get(&file) {
            None => {
                found.opened.insert(file, tag.to_owned());
                Opened::First
            }
            Some(before) if before == tag => Opened::Same,
            Some(_) => {
                found.opened.clear();
                found.verdicts.clear();
                Opened::Other
            }
        }
    }

    /// Whether every file is to be decoded to its end before one of its rows is given.
    pub(super) fn is_careful(&self) -> bool {
        self.found().is_careful
    }

    /// A file was found damaged when rows of it had been given.
    pub(super) fn be_careful(&self) {
        let mut found = self.found();
        found.is_careful = true;
        found.verdicts.clear();
    }

    /// Why `file` cannot be read, if it cannot; `None` when nobody has decoded it to its end.
    pub(super) fn verdict(&self, file: usize) -> Option<Option<String>> {
        self.found().verdicts.get(&file).cloned()
    }

    /// `file` has been decoded to its end.
    pub(super) fn judge(&self, file: usize, verdict: Option<String>) {
        self.found().verdicts.insert(file, verdict);
    }
}
