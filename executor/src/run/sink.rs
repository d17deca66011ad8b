//! The seam behind a root's tasks: who takes rows while they are made, in place of the driver that holds all of them at the end.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidemill_planner::Result;

/// What an attempt leaves when it has given all of its rows: names of files, a count. It reaches the caller if the attempt is accepted.
pub type Receipt = Box<dyn Any + Send>;

/// What becomes of a root's rows.
#[derive(Debug, Clone)]
pub enum RootRows {
    /// They are held for the caller until the run is over.
    Held {
        /// The run fails when they take more; 0 for any number.
        max_bytes: u64,
    },
    /// Somebody takes them while they are made. Nobody else may want the rows of the root's stage: see [`StageGraph::part_root`].
    ///
    /// [`StageGraph::part_root`]: tidemill_planner::stage::StageGraph::part_root
    Delivered(Arc<dyn RowSink>),
}

/// Takes the rows of a root, task by task.
///
/// # Contract
/// * every attempt at a task opens its own [`TaskSink`], perhaps after another one for the same partition was dropped halfway, or had
///   finished and was not accepted: what such an attempt gave must not count, and what it wrote is cleaned up by whoever made the sink;
/// * the receipts in [`super::RootOutput`] are those of the accepted attempts, one for each partition; only their rows are the result.
pub trait RowSink: Debug + Send + Sync {
    /// Begins an attempt at the task of a partition.
    ///
    /// # Errors
    /// When it can take no rows of the partition, or not again.
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>>;

    /// Whether rows that were given can be given again by another attempt; where not, the first failure is the query's.
    fn can_begin_anew(&self) -> bool {
        true
    }

    /// The whole run begins anew, perhaps with fewer partitions: nothing that was given counts.
    fn begin_anew(&self) {}
}

/// Takes the rows of one attempt. Waiting in it holds the attempt up, and none of the pool's threads.
#[async_trait]
pub trait TaskSink: Send {
    /// Takes rows; they come in the order in which the task makes them.
    ///
    /// # Errors
    /// What keeps it from taking them: the attempt fails with it.
    async fn push(&mut self, batch: RecordBatch) -> Result<()>;

    /// All rows have been given.
    ///
    /// # Errors
    /// What keeps it from finishing: the attempt fails with it.
    async fn finish(self: Box<Self>) -> Result<Receipt>;
}
