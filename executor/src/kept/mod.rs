//! Rows that a program keeps for later queries (`cache`, `persist`, `checkpoint`): blocks in memory while the budget lasts, those least
//! recently used go to disk first. When rows are computed, and which queries read them, is the session's business.
//!
//! ```text
//! the query's tasks ─► KeepSink ─► KeptRows [partition] ─► KeptTable: a leaf of later plans
//!                        │ memory full        ▲
//!                        └─► Keeper ── to disk ┘
//! ```

mod table;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill_planner::stage::{StageId, TaskId};
use tidemill_planner::{Error, Result};

use crate::memory::{MemoryBudget, Reservation};
use crate::pool::Engine;
use crate::run::{Receipt, RowSink, TaskSink};
use crate::shuffle::{Block, SpillDir, SpillWriter, batch_bytes, encode};
pub use table::KeptTable;

/// Where rows are kept: Spark's `StorageLevel`, as far as it means something in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepIn {
    /// In memory, while there is some.
    pub memory: bool,
    /// On disk, where they are not in memory.
    pub disk: bool,
}

impl KeepIn {
    /// In memory, and what does not fit on disk: what `cache` does.
    pub const MEMORY_AND_DISK: Self = Self { memory: true, disk: true };
}

/// All that an engine keeps, to find whose turn it is to go to disk.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    kept: Mutex<Vec<Weak<KeptRows>>>,
    /// Counts uses: who has the smallest number was used the longest ago.
    uses: AtomicU64,
}

impl Keeper {
    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<KeptRows>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the rows that were used the longest ago to disk; `false` when none are left in memory.
    async fn make_room(self: &Arc<Self>) -> Result<bool> {
        let next = {
            let mut all = self.all();
            all.retain(|kept| kept.strong_count() > 0);
            let in_memory = all.iter().filter_map(Weak::upgrade).filter(|kept| kept.is_movable());
            in_memory.min_by_key(|kept| kept.used.load(Ordering::Relaxed))
        };
        let Some(kept) = next else { return Ok(false) };
        let moved = tokio::task::spawn_blocking(move || kept.to_disk()).await;
        moved.map_err(|e| Error::internal("rows did not get to disk").with_source(e))??;
        Ok(true)
    }
}

/// Rows that are kept. They go with the last who refers to them.
pub struct KeptRows {
    schema: SchemaRef,
    keep_in: KeepIn,
    state: RwLock<State>,
    /// Rows by partition, and bytes of all of them in memory.
    rows: Vec<u64>,
    bytes: u64,
    spill: Arc<SpillDir>,
    keeper: Arc<Keeper>,
    used: AtomicU64,
    damaged: AtomicBool,
}

#[derive(Default)]
struct State {
    partitions: Vec<Vec<Block>>,
    reservations: Vec<Reservation>,
}

impl fmt::Debug for KeptRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRows")
            .field("schema", &self.schema)
            .field("rows", &self.rows)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl KeptRows {
    /// Their columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many there are.
    pub fn rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// Whether some of them could not be read any more: they are to be computed anew.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Whether any of them are in memory.
    pub fn is_in_memory(&self) -> bool {
        self.read().partitions.iter().flatten().any(|block| matches!(block, Block::Memory(_)))
    }

    fn is_movable(&self) -> bool {
        self.keep_in.disk && self.is_in_memory()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn blocks(&self, partition: usize) -> Vec<Block> {
        self.used.store(self.keeper.next_use(), Ordering::Relaxed);
        self.read().partitions.get(partition).cloned().unwrap_or_default()
    }

    /// Moves all blocks to disk. Blocks the thread. Who reads them meanwhile goes on with those in memory.
    fn to_disk(&self) -> Result<()> {
        let mut writer = None;
        let mut moved = Vec::new();
        for blocks in &self.read().partitions.clone() {
            let on_disk = blocks.iter().map(|block| match block {
                Block::Memory(batch) => spilled(&mut writer, &self.spill, &encode(batch)?, batch.num_rows()),
                Block::Disk(_) => Ok(block.clone()),
            });
            moved.push(on_disk.collect::<Result<Vec<_>>>()?);
        }
        let before = std::mem::replace(
            &mut *self.state.write().unwrap_or_else(PoisonError::into_inner),
            State { partitions: moved, reservations: Vec::new() },
        );
        drop(before);
        Ok(())
    }
}

fn spilled(writer: &mut Option<SpillWriter>, dir: &SpillDir, encoded: &[u8], rows: usize) -> Result<Block> {
    let writer = match writer {
        Some(writer) => writer,
        // No task can make these blocks again by itself: the number says nothing.
        None => writer.insert(SpillWriter::create(dir, TaskId { stage: StageId(0), partition: 0 })?),
    };
    Ok(Block::Disk(writer.append(encoded, rows)?))
}

type Shape = dyn Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync;

/// Takes a query's rows to keep them.
#[derive(Clone)]
pub struct KeepSink(Arc<Keeping>);

struct Keeping {
    schema: SchemaRef,
    keep_in: KeepIn,
    shape: Box<Shape>,
    budget: Arc<MemoryBudget>,
    spill: Arc<SpillDir>,
    keeper: Arc<Keeper>,
    /// Whether there was no room for some rows.
    too_large: AtomicBool,
}

impl fmt::Debug for KeepSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepSink").field("schema", &self.0.schema).field("keep_in", &self.0.keep_in).finish_non_exhaustive()
    }
}

impl KeepSink {
    /// For rows of these columns; `shape` makes them of the engine's.
    pub fn new(
        engine: &Engine,
        schema: SchemaRef,
        keep_in: KeepIn,
        shape: impl Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync + 'static,
    ) -> Self {
        let (budget, keeper, folder) = engine.for_kept_rows();
        let spill = Arc::new(SpillDir::within(folder));
        Self(Arc::new(Keeping { schema, keep_in, shape: Box::new(shape), budget, spill, keeper, too_large: AtomicBool::new(false) }))
    }

    /// The rows, of what the query has left; `None` when they are to be kept in memory alone and do not fit.
    ///
    /// # Errors
    /// `Internal` for receipts of another sink.
    pub fn kept(&self, receipts: Vec<Receipt>) -> Result<Option<Arc<KeptRows>>> {
        let keeping = &self.0;
        if keeping.too_large.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let (mut state, mut rows, mut bytes) = (State::default(), Vec::new(), 0);
        for receipt in receipts {
            let partition =
                receipt.downcast::<Partition>().map_err(|_| Error::internal("what a query has left are no rows that were kept"))?;
            state.partitions.push(partition.blocks);
            state.reservations.push(partition.reservation);
            rows.push(partition.rows);
            bytes += partition.bytes;
        }
        let kept = Arc::new(KeptRows {
            schema: Arc::clone(&keeping.schema),
            keep_in: keeping.keep_in,
            state: RwLock::new(state),
            rows,
            bytes,
            spill: Arc::clone(&keeping.spill),
            keeper: Arc::clone(&keeping.keeper),
            used: AtomicU64::new(keeping.keeper.next_use()),
            damaged: AtomicBool::new(false),
        });
        keeping.keeper.all().push(Arc::downgrade(&kept));
        Ok(Some(kept))
    }
}

impl RowSink for KeepSink {
    fn open(&self, _: usize) -> Result<Box<dyn TaskSink>> {
        let partition = Partition { blocks: Vec::new(), reservation: Reservation::none_of(&self.0.budget), rows: 0, bytes: 0 };
        Ok(Box::new(Keep { keeping: Arc::clone(&self.0), partition, writer: None }))
    }
}

/// What one attempt keeps.
struct Keep {
    keeping: Arc<Keeping>,
    partition: Partition,
    writer: Option<SpillWriter>,
}

struct Partition {
    blocks: Vec<Block>,
    reservation: Reservation,
    rows: u64,
    bytes: u64,
}

impl Keep {
    async fn fits_in_memory(&mut self, bytes: u64) -> Result<bool> {
        if !self.keeping.keep_in.memory {
            return Ok(false);
        }
        loop {
            if self.partition.reservation.try_grow(bytes) {
                return Ok(true);
            }
            if !self.keeping.keeper.make_room().await? {
                return Ok(false);
            }
        }
    }
}

#[async_trait]
impl TaskSink for Keep {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let batch = (self.keeping.shape)(batch)?;
        let bytes = batch_bytes(&batch);
        let block = if self.fits_in_memory(bytes).await? {
            Block::Memory(batch.clone())
        } else if self.keeping.keep_in.disk {
            let (mut writer, spill, encoded) = (self.writer.take(), Arc::clone(&self.keeping.spill), encode(&batch)?);
            let rows = batch.num_rows();
            let written = tokio::task::spawn_blocking(move || {
                let block = spilled(&mut writer, &spill, &encoded, rows)?;
                Ok::<_, Error>((writer, block))
            });
            let (writer, block) = written.await.map_err(|e| Error::internal("a spill write did not end").with_source(e))??;
            self.writer = writer;
            block
        } else {
            self.keeping.too_large.store(true, Ordering::Relaxed);
            return Ok(());
        };
        self.partition.blocks.push(block);
        self.partition.rows += batch.num_rows() as u64;
        self.partition.bytes += bytes;
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Receipt> {
        Ok(Box::new(self.partition))
    }
}
