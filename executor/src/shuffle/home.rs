//! Where the tasks of a run leave blocks on one executor: in its memory, and in a folder for what does not fit. Which blocks those are is
//! known to the [`super::ShuffleStore`].

use std::sync::Arc;

use super::SpillDir;
use crate::memory::{MemoryBudget, Reservation};

/// An executor's blocks of one run.
#[derive(Debug)]
pub(crate) struct BlockHome {
    budget: Arc<MemoryBudget>,
    spill: Arc<SpillDir>,
    io: tokio::runtime::Handle,
}

impl BlockHome {
    pub(crate) fn new(budget: Arc<MemoryBudget>, spill: SpillDir, io: tokio::runtime::Handle) -> Self {
        Self { budget, spill: Arc::new(spill), io }
    }

    pub(super) fn reservation(&self) -> Reservation {
        Reservation::none_of(&self.budget)
    }

    pub(crate) fn spill_dir(&self) -> &Arc<SpillDir> {
        &self.spill
    }

    pub(super) fn io(&self) -> &tokio::runtime::Handle {
        &self.io
    }

    /// Removes what is on disk: nothing is kept here any more. Blocks the thread.
    pub(crate) fn close(&self) {
        self.spill.close();
    }
}
