//! One executor of an engine: threads that compute, whose turn it is on them, and the memory of what they do. Which tasks it has is decided
//! by the schedule; what it has left for others is in [`crate::shuffle`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidemill_planner::{Error, Result};

use super::queue::Tickets;
use crate::memory::{MemoryBudget, OperatorMemory};

/// Threads and memory of their own.
#[derive(Debug)]
pub(crate) struct Executor {
    pub(super) tickets: Tickets,
    pub(super) pool: rayon::ThreadPool,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) operators: Arc<OperatorMemory>,
    lost: AtomicBool,
}

impl Executor {
    /// Starts so many threads; each has a name that begins with `name`.
    ///
    /// # Errors
    /// `Resources` when they cannot be started.
    pub(super) fn start(name: String, threads: usize, budget: MemoryBudget) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |i| format!("{name}-{i}"))
            // Deep plans recurse.
            .stack_size(8 << 20)
            .build()
            .map_err(|e| Error::resources(format!("cannot start {threads} threads: {e}")).with_source(e))?;
        let budget = Arc::new(budget);
        let operators = Arc::new(OperatorMemory::of(&budget));
        Ok(Self { tickets: Tickets::default(), pool, budget, operators, lost: AtomicBool::new(false) })
    }

    /// Whether it is lost: no task is given to it any more, and nothing that it has left is read.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }
}
