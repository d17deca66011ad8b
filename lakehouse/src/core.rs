//! What all handles of a table share: its log, its index, and the rule for keeping the index up with the log.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidemill_planner::Result;

use crate::log::dir::{LogDir, Stamp, Version};
use crate::log::load;
use crate::log::replay::Index;
use crate::merge::cache::MergeCache;
use crate::options::TableOptions;
use crate::snapshot::{Head, Snapshot};

/// One opened table.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) root: PathBuf,
    pub(crate) log: LogDir,
    pub(crate) options: TableOptions,
    pub(crate) cache: MergeCache,
    /// Whether a checkpoint is being written in the background.
    pub(crate) upkeep_runs: AtomicBool,
    state: Mutex<State>,
}

/// What is known of the table. It is locked only on blocking threads, around work that is as long as the log's news.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) index: Index,
    /// By which we see that our last entry is still the one that we read.
    pub(crate) stamp: Option<Stamp>,
    /// The head and the snapshot of the index's version, once someone asked for them.
    seen: Seen,
    /// The index cannot be trusted and is to be loaded anew.
    pub(crate) stale: bool,
}

#[derive(Debug, Default)]
struct Seen {
    head: Option<Arc<Head>>,
    snapshot: Option<Arc<Snapshot>>,
}

impl State {
    /// The index has moved on: what was made of it is let go.
    pub(crate) fn moved(&mut self) {
        self.seen = Seen::default();
    }

    fn head(&mut self, root: &Path) -> Result<Arc<Head>> {
        if let Some(head) = &self.seen.head {
            return Ok(Arc::clone(head));
        }
        let head = Arc::new(Head::try_new(root, &self.index)?);
        self.seen.head = Some(Arc::clone(&head));
        Ok(head)
    }
}

impl Core {
    pub(crate) fn new(root: PathBuf, log: LogDir, options: TableOptions, index: Index, stamp: Option<Stamp>) -> Self {
        let cache = MergeCache::new(options.merge_cache_bytes);
        Self {
            root,
            log,
            options,
            cache,
            upkeep_runs: AtomicBool::new(false),
            state: Mutex::new(State { index, stamp, seen: Seen::default(), stale: false }),
        }
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
            state.moved();
            state.stale = true;
            (state.index, state.stamp) = load::load_latest(&self.log, false)?;
            state.stale = false;
            return Ok(());
        }
        match load::advance(&self.log, &mut state.index, None) {
            Ok((_, 0)) => Ok(()),
            Ok((stamp, _)) => {
                state.stamp = stamp;
                state.moved();
                Ok(())
            }
            Err(e) => {
                state.stale = true;
                Err(e)
            }
        }
    }

    /// The latest version, whatever it holds; blocking.
    pub(crate) fn latest_version(&self) -> Result<Version> {
        let mut state = self.lock();
        self.catch_up(&mut state)?;
        Ok(state.index.version)
    }

    /// All but the files of the latest version; blocking.
    pub(crate) fn latest_head(&self) -> Result<Arc<Head>> {
        let mut state = self.lock();
        self.catch_up(&mut state)?;
        state.head(&self.root)
    }

    /// The latest snapshot; blocking.
    pub(crate) fn latest(&self) -> Result<Arc<Snapshot>> {
        let mut state = self.lock();
        self.catch_up(&mut state)?;
        if let Some(snapshot) = &state.seen.snapshot {
            return Ok(Arc::clone(snapshot));
        }
        let head = state.head(&self.root)?;
        let snapshot = Arc::new(Snapshot::new(head, &state.index));
        state.seen.snapshot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
