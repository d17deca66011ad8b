//! Threads: rayon computes, tokio waits. An [`Engine`] owns both; a [`QueryHandle`] is one query's place in the line. What
//! is run here, and in which order stages follow, is decided elsewhere.
//!
//! ```text
//! future ── spawn ──► Runnable ──► the query's queue ─┐ in turn, streaming ahead of batch
//!    ▲                                               ▼
//!    └── woken by I/O (tokio) ◄── poll ◄── ticket on a rayon thread
//! ```

mod queue;
mod redirect;
mod task;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tidemill_planner::stage::MAX_ATTEMPTS;
use tidemill_planner::{Error, Result};

pub use queue::{Priority, Scheduling};
pub use task::{CurrentQuery, PoolTask, QueryHandle, yield_now};
pub(crate) use task::{Spawner, turn_is_over};

use crate::kept::Keeper;
use crate::memory::{MemoryBudget, OperatorMemory, default_memory_bytes};
use queue::{QueryQueue, Tickets};

/// How much an engine may use.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// Threads that compute; 0 for one per core.
    pub threads: usize,
    /// Threads that wait for I/O; 0 for one or two.
    pub io_threads: usize,
    /// Bytes that queries hold in memory, blocks between stages and what operators build together; 0 for half of the machine's.
    pub memory_bytes: u64,
    /// Of those, how many blocks may have; beyond them blocks go to disk. 0 for three fifths.
    pub shuffle_memory_bytes: u64,
    /// Where blocks go that do not fit: a folder of its own is made in it, and removed. `None` for the system's.
    pub spill_dir: Option<PathBuf>,
    /// How batch queries share the threads.
    pub scheduling: Scheduling,
    /// How often a task may fail for a reason that may pass before its query fails; 0 for four times.
    pub max_failures: u32,
}

/// The threads and the memory that queries share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) tickets: Tickets,
    pub(crate) io: tokio::runtime::Handle,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) operators: Arc<OperatorMemory>,
    pub(crate) spill_dir: PathBuf,
    keeper: Arc<Keeper>,
    pool: rayon::ThreadPool,
    /// `Some` until the engine is dropped: a runtime must not be dropped where blocking is forbidden.
    runtime: Option<tokio::runtime::Runtime>,
    next_task: AtomicU64,
    threads: usize,
    scheduling: Scheduling,
    max_failures: u32,
}

impl Engine {
    /// An engine with its own threads.
    ///
    /// # Errors
    /// `Resources` when the threads cannot be started.
    pub fn new(config: EngineConfig) -> Result<Self> {
        redirect::install();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if config.threads == 0 { cores } else { config.threads };
        let io_threads = if config.io_threads == 0 { cores.min(2) } else { config.io_threads };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(io_threads)
            .thread_name("tidemill-io")
            .enable_all()
            .build()
            .map_err(|e| Error::resources(format!("cannot start {io_threads} I/O threads: {e}")).with_source(e))?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("tidemill-{i}"))
            // Deep plans recurse.
            .stack_size(8 << 20)
            .build()
            .map_err(|e| Error::resources(format!("cannot start {threads} threads: {e}")).with_source(e))?;
        let memory = if config.memory_bytes == 0 { default_memory_bytes() } else { config.memory_bytes };
        let blocks = if config.shuffle_memory_bytes == 0 { memory / 5 * 3 } else { config.shuffle_memory_bytes };
        let budget = Arc::new(MemoryBudget::new(memory, blocks));
        let shared = Shared {
            tickets: Tickets::default(),
            io: runtime.handle().clone(),
            operators: Arc::new(OperatorMemory::of(&budget)),
            budget,
            spill_dir: config.spill_dir.unwrap_or_else(std::env::temp_dir),
            keeper: Arc::default(),
            pool,
            runtime: Some(runtime),
            next_task: AtomicU64::new(0),
            threads,
            scheduling: config.scheduling,
            max_failures: if config.max_failures == 0 { MAX_ATTEMPTS } else { config.max_failures },
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The process's own engine, started when it is first asked for.
    ///
    /// # Panics
    /// When the threads cannot be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Engine> = OnceLock::new();
        SHARED.get_or_init(|| Self::new(EngineConfig::default()).expect("a process that cannot start its threads cannot go on"))
    }

    /// A place in the line for one query. Dropping it cancels what the query still runs.
    pub fn query(&self, priority: Priority, name: impl Into<String>) -> QueryHandle {
        self.query_in(None, priority, name)
    }

    /// A place in the line of a pool, whose batch queries have one turn among them where queries take turns; of its own for `None`.
    pub fn query_in(&self, pool: Option<&str>, priority: Priority, name: impl Into<String>) -> QueryHandle {
        let number = self.shared.next_task();
        let line = self.shared.scheduling.line(priority, number, pool);
        QueryHandle::new(Arc::clone(&self.shared), QueryQueue::new(priority, number, line), name.into())
    }

    /// The runtime that waits: for I/O, and for callers that are not asynchronous themselves (`io().block_on(…)`).
    pub fn io(&self) -> &tokio::runtime::Handle {
        &self.shared.io
    }

    /// What rows that are kept are counted against, who else keeps some, and where those go that do not fit.
    pub(crate) fn for_kept_rows(&self) -> (Arc<MemoryBudget>, Arc<Keeper>, PathBuf) {
        (Arc::clone(&self.shared.budget), Arc::clone(&self.shared.keeper), self.shared.spill_dir.clone())
    }

    /// How many threads compute.
    pub fn threads(&self) -> usize {
        self.shared.threads
    }

    /// Bytes that operators hold now.
    pub fn operator_bytes_used(&self) -> u64 {
        self.shared.budget.operators()
    }

    /// Bytes of blocks between stages that are in memory now.
    pub fn shuffle_bytes_used(&self) -> u64 {
        self.shared.budget.blocks()
    }
}

impl Shared {
    /// Asks for one poll of whatever is first in line.
    pub(crate) fn ticket(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        self.pool.spawn_fifo(move || {
            if let Some(runnable) = shared.tickets.pop() {
                runnable.run();
            }
        });
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn max_failures(&self) -> u32 {
        self.max_failures
    }

    /// Rises from task to task and from query to query.
    pub(crate) fn next_task(&self) -> u64 {
        self.next_task.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
