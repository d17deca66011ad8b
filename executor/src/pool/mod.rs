//! Threads: rayon computes, tokio waits. An [`Engine`] owns both; a [`QueryHandle`] is one query's place in the line. What
//! is run here, and in which order stages follow, is decided elsewhere. An engine has one executor, or several with threads and memory of
//! their own, of which all but one may be lost.
//!
//! ```text
//! future ── spawn ──► Runnable ──► the query's queue ─┐ in turn, streaming ahead of batch
//!    ▲                                               ▼
//!    └── woken by I/O (tokio) ◄── poll ◄── ticket on a rayon thread
//! ```

mod executor;
mod queue;
mod redirect;
mod task;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tidemill_planner::stage::MAX_ATTEMPTS;
use tidemill_planner::{Error, Result};

pub use queue::{Priority, Scheduling};
pub use task::{CurrentQuery, PoolTask, QueryHandle, yield_now};
pub(crate) use task::{Spawner, turn_is_over};

use crate::kept::Keeper;
use crate::memory::{MemoryBudget, default_memory_bytes};
use executor::Executor;
use queue::QueryQueue;

/// How much an engine may use.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// How many executors there are; 0 for one.
    pub executors: usize,
    /// Threads of an executor that compute; 0 for one per core.
    pub threads: usize,
    /// Threads that wait for I/O; 0 for one or two.
    pub io_threads: usize,
    /// Bytes that queries hold in the memory of an executor, blocks between stages and what operators build together; 0 for its share of half
    /// of the machine's.
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
    /// At least one.
    executors: Vec<Executor>,
    pub(crate) io: tokio::runtime::Handle,
    pub(crate) spill_dir: PathBuf,
    keeper: Arc<Keeper>,
    /// `Some` until the engine is dropped: a runtime must not be dropped where blocking is forbidden.
    runtime: Option<tokio::runtime::Runtime>,
    next_task: AtomicU64,
    /// Of each executor.
    threads: usize,
    scheduling: Scheduling,
    max_failures: u32,
    /// Who is told when an executor is lost; whoever loses one holds this while it is marked.
    on_loss: Mutex<Vec<Weak<dyn OnLoss>>>,
}

/// Who has tasks on executors, or blocks.
pub(crate) trait OnLoss: Send + Sync {
    /// This executor is lost.
    fn on_loss(self: Arc<Self>, executor: usize);
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
        let count = config.executors.max(1);
        let memory = if config.memory_bytes == 0 { default_memory_bytes() / count as u64 } else { config.memory_bytes };
        let blocks = if config.shuffle_memory_bytes == 0 { memory / 5 * 3 } else { config.shuffle_memory_bytes };
        let name = |index: usize| if count == 1 { "tidemill".to_owned() } else { format!("tidemill-{index}") };
        let executors = (0..count).map(|index| Executor::start(name(index), threads, MemoryBudget::new(memory, blocks)));
        let shared = Shared {
            executors: executors.collect::<Result<_>>()?,
            io: runtime.handle().clone(),
            spill_dir: config.spill_dir.unwrap_or_else(std::env::temp_dir),
            keeper: Arc::default(),
            runtime: Some(runtime),
            next_task: AtomicU64::new(0),
            threads,
            scheduling: config.scheduling,
            max_failures: if config.max_failures == 0 { MAX_ATTEMPTS } else { config.max_failures },
            on_loss: Mutex::default(),
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
        let queue = || QueryQueue::new(priority, number, self.shared.scheduling.line(priority, number, pool));
        QueryHandle::new(&self.shared, queue, name.into())
    }

    /// The runtime that waits: for I/O, and for callers that are not asynchronous themselves (`io().block_on(…)`).
    pub fn io(&self) -> &tokio::runtime::Handle {
        &self.shared.io
    }

    /// What rows that are kept are counted against, who else keeps some, and where those go that do not fit. They are the engine's, whatever
    /// becomes of the executor in whose memory they are counted.
    pub(crate) fn for_kept_rows(&self) -> (Arc<MemoryBudget>, Arc<Keeper>, PathBuf) {
        (Arc::clone(&self.shared.executors[0].budget), Arc::clone(&self.shared.keeper), self.shared.spill_dir.clone())
    }

    /// How many threads compute, of all executors together.
    pub fn threads(&self) -> usize {
        self.shared.threads * self.shared.executors.len()
    }

    /// Which executors there are: those that are not lost, rising.
    pub fn executors(&self) -> Vec<usize> {
        self.shared.executors.iter().enumerate().filter(|(_, executor)| !executor.is_lost()).map(|(index, _)| index).collect()
    }

    /// Loses an executor for good, as one is lost whose machine fails: what it runs is run by the others, and what it has left for later stages
    /// is made again by them. Rows that are kept, state and what sinks have taken are not its own.
    ///
    /// # Errors
    /// `Analysis` when there is no such executor, or it is the last one.
    pub fn lose_executor(&self, executor: usize) -> Result<()> {
        self.shared.lose(executor)
    }

    /// Bytes that operators hold now.
    pub fn operator_bytes_used(&self) -> u64 {
        self.shared.executors.iter().map(|executor| executor.budget.operators()).sum()
    }

    /// Bytes of blocks between stages that are in memory now.
    pub fn shuffle_bytes_used(&self) -> u64 {
        self.shared.executors.iter().map(|executor| executor.budget.blocks()).sum()
    }
}

impl Shared {
    /// Asks an executor for one poll of whatever is first in its line.
    fn ticket(self: &Arc<Self>, executor: usize) {
        let shared = Arc::clone(self);
        self.executors[executor].pool.spawn_fifo(move || {
            if let Some(runnable) = shared.executors[executor].tickets.pop() {
                runnable.run();
            }
        });
    }

    /// All executors, also those that are lost.
    pub(crate) fn executors(&self) -> &[Executor] {
        &self.executors
    }

    /// How many threads each executor has.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// The executor that runs what is no task: the first that there is.
    fn first_executor(&self) -> usize {
        self.executors.iter().position(|executor| !executor.is_lost()).unwrap_or(0)
    }

    /// Has somebody told of executors that are lost from now on, and says which are already.
    pub(crate) fn tell_of_losses(&self, listener: Weak<dyn OnLoss>) -> Vec<usize> {
        let mut listeners = self.on_loss.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
        (0..self.executors.len()).filter(|executor| self.executors[*executor].is_lost()).collect()
    }

    fn lose(&self, executor: usize) -> Result<()> {
        let listeners = self.on_loss.lock().unwrap_or_else(PoisonError::into_inner);
        let others = self.executors.iter().enumerate().filter(|(index, other)| *index != executor && !other.is_lost()).count();
        match self.executors.get(executor) {
            None => return Err(Error::analysis(format!("there is no executor {executor}: there are {}, from 0", self.executors.len()))),
            Some(lost) if lost.is_lost() => return Ok(()),
            Some(_) if others == 0 => {
                let message = format!("executor {executor} is the last one, and somebody has to run what the others have left: keep it");
                return Err(Error::analysis(message));
            }
            Some(lost) => lost.lose(),
        }
        let told: Vec<_> = listeners.iter().filter_map(Weak::upgrade).collect();
        drop(listeners);
        tracing::warn!(executor, "an executor is lost: its tasks are run by the others");
        told.into_iter().for_each(|listener| listener.on_loss(executor));
        Ok(())
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
