//! What all handles of a table share: its log, its index, and the rule for keeping the index up with the log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidemill_planner::Result;

use crate::log::dir::{LogDir, Stamp};
use crate::log::load;
use crate::log::replay::Index;
use crate::merge::cache::MergeCache;
use crate::options::TableOptions;
use crate::snapshot::Snapshot;
use crate::upkeep::Upkeep;

/// One opened table.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) root: PathBuf,
    pub(crate) log: LogDir,
    pub(crate) options: TableOptions,
    pub(crate) cache: MergeCache,
    pub(crate) upkeep: Upkeep,
    state: Mutex<State>,
}

/// What is known of the table. It is locked only on blocking threads, around work that is as long as the log's news.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) index: Index,
    /// By which we see that our last entry is still the one that we read.
    pub(crate) stamp: Option<Stamp>,
    /// The snapshot of the index's version, once someone asked for it.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// The index cannot be trusted and is to be loaded anew.
    pub(crate) stale: bool,
}

impl Core {
    pub(crate) fn new(root: PathBuf, log: LogDir, options: TableOptions, index: Index, stamp: Option<Stamp>) -> Self {
        let cache = MergeCache::new(options.merge_cache_bytes);
        Self { root, log, options, cache, upkeep: Upkeep::default(), state: Mutex::new(State { index, stamp, snapshot: None, stale: false }) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            // A panic in between may have left half an entry in the index.
            let mut state = poisoned.into_inner();
            state.stale = true;
            self.state.clear_poison();
            state
        })
    }

    /// Takes up what is new in the log; costs as much as there is news.
    pub(crate) fn catch_up(&self, state: &mut State) -> Result<()> {
        let replaced = state.stamp.is_some() && self.log.stamp(state.index.version)? != state.stamp;
        if state.stale || replaced {
            state.snapshot = None;
            state.stale = true;
            (state.index, state.stamp) = load::load_latest(&self.log, false)?;
            state.stale = false;
            return Ok(());
        }
        match load::advance(&self.log, &mut state.index, None) {
            Ok((_, 0)) => Ok(()),
            Ok((stamp, _)) => {
                state.stamp = stamp;
                state.snapshot = None;
                Ok(())
            }
            Err(e) => {
                state.stale = true;
                Err(e)
            }
        }
    }

    /// The latest snapshot; blocking.
    pub(crate) fn latest(&self) -> Result<Arc<Snapshot>> {
        let mut state = self.lock();
        self.catch_up(&mut state)?;
        if let Some(snapshot) = &state.snapshot {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(Snapshot::try_new(&self.root, &state.index)?);
        state.snapshot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
