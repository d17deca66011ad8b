//! Work off the commit path that keeps a table quick to open: checkpoints, and the removal of what crashes left in the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tidemill_planner::{Error, Result};

use crate::io::blocking;
use crate::log::{checkpoint, load};
use crate::table::DeltaTable;

/// Entries half written by a process that died are removed when they are older than this.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

impl DeltaTable {
    /// Writes a checkpoint of the table as it is, so that readers need not replay the log; gives its version.
    ///
    /// # Errors
    /// `Unsupported` for tables whose checkpoints have a form that we do not write, or whose retention cannot be read; `Io` and its
    /// kin, naming the file.
    pub async fn checkpoint(&self) -> Result<u64> {
        let core = Arc::clone(&self.core);
        blocking(move || {
            // Loaded anew, because a checkpoint also holds the files removed of late, which the index does not keep.
            let (index, _) = load::load_latest(&core.log, true)?;
            let here = |e: Error| e.context(format!("Delta table {}", core.root.display()));
            crate::log::features::check_checkpointable(&index).map_err(here)?;
            checkpoint::write(&core.log, &index, core.options.clock.now_ms()).map_err(here)?;
            core.log.remove_leftovers(LEFTOVER_AGE)?;
            Ok(index.version)
        })
        .await
    }

    /// Writes a checkpoint when there are `interval` versions or more since the last one.
    ///
    /// # Errors
    /// As [`DeltaTable::checkpoint`].
    pub async fn upkeep(&self, interval: u64) -> Result<Option<u64>> {
        let core = Arc::clone(&self.core);
        let due = blocking(move || {
            let since = core.latest_version()?.saturating_sub(checkpoint::last_version(&core.log)?.unwrap_or(0));
            Ok(since >= interval.max(1))
        })
        .await?;
        if due { Ok(Some(self.checkpoint().await?)) } else { Ok(None) }
    }

    /// As [`DeltaTable::upkeep`], in the background and one at a time: a checkpoint that fails costs speed, not data.
    pub(crate) fn spawn_upkeep(&self, interval: u64) {
        if self.core.upkeep_runs.swap(true, Ordering::AcqRel) {
            return;
        }
        let table = self.clone();
        tokio::spawn(async move {
            if let Err(e) = table.upkeep(interval).await {
                tracing::warn!(table = %table.root().display(), error = %e, "the table could not be checkpointed");
            }
            table.core.upkeep_runs.store(false, Ordering::Release);
        });
    }
}
