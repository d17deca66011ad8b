//! What stages leave for the stages after them: immutable blocks, in memory up to a budget, beyond it on disk, counted to
//! the row. Which stage runs when is decided elsewhere.
//!
//! ```text
//! task ─ batches ─► StageWriter ─ by key group ─► blocks [partition] ─► ShuffleStore [stage][task] ─► StageReadExec
//!                                                   memory | disk of the task's executor (BlockHome)
//! ```

mod home;
mod keys;
mod spill;
mod store;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use arrow::array::{Array, RecordBatch};
use tidemill_planner::seam::Port;
use tidemill_planner::stage::{TaskId, TaskKeys};

pub(crate) use home::BlockHome;
pub(crate) use spill::{SpillDir, SpillWriter, before_write, cannot_spill, encode};
pub(crate) use store::ShuffleStore;
pub(crate) use write::{Fate, ResultBytes, StageWriter};

use crate::memory::Reservation;
use crate::run::Receipt;
use spill::DiskBlock;

/// Rows that one task left for one partition, in one piece.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    /// In memory.
    Memory(RecordBatch),
    /// In the writing task's file.
    Disk(DiskBlock),
}

impl Block {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Memory(batch) => batch.num_rows(),
            Self::Disk(block) => block.rows(),
        }
    }

    /// Some of its rows; none are copied.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        match self {
            Self::Memory(batch) => Self::Memory(batch.slice(rows.start, rows.len())),
            Self::Disk(block) => Self::Disk(block.slice(rows)),
        }
    }
}

/// What one attempt wrote, and how much.
#[derive(Debug, Default)]
pub(crate) struct TaskOutput {
    /// Blocks by written partition; one only where the output is passed through.
    pub(crate) partitions: Vec<Vec<Block>>,
    /// Rows by written partition.
    pub(crate) rows: Vec<u64>,
    /// Bytes of those rows in memory.
    pub(crate) bytes: Vec<u64>,
    /// Blocks that went to disk.
    pub(crate) spilled_blocks: u64,
    /// Bytes that they take there.
    pub(crate) spilled_bytes: u64,
    /// Rows beside the output.
    pub(crate) side: HashMap<(String, Port), Vec<RecordBatch>>,
    /// The blocks' share of the budget.
    pub(crate) reservation: Option<Reservation>,
    /// What is left of rows that were delivered.
    pub(crate) receipt: Option<Receipt>,
    /// What was noted of keys, by column that the stage gathers.
    pub(crate) keys: Vec<Option<TaskKeys>>,
}

/// The cause of an error that comes from blocks which cannot be read any more: whoever wrote them has to run again.
#[derive(Debug)]
pub(crate) struct LostBlocks {
    /// The task that wrote them.
    pub(crate) writer: TaskId,
    /// What went wrong.
    pub(crate) cause: std::io::Error,
}

impl fmt::Display for LostBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blocks of task {} cannot be read: {}", self.writer, self.cause)
    }
}

impl std::error::Error for LostBlocks {}

/// The bytes that a batch's rows take, less what its buffers hold for other rows.
pub(crate) fn batch_bytes(batch: &RecordBatch) -> u64 {
    let column = |c: &dyn Array| c.to_data().get_slice_memory_size().unwrap_or_else(|_| c.get_buffer_memory_size());
    batch.columns().iter().map(|c| column(c.as_ref()) as u64).sum()
}
