//! Where a stream's rows come from: how far a source can go, and the rows between two offsets as a scan. It does not say
//! when to read; the epoch loop does.

use std::any::Any;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use serde::{Deserialize, Serialize};

use crate::{Result, SourceId};

/// How far a source has been read: a JSON value that only the source understands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub serde_json::Value);

/// How much one epoch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadLimit {
    /// What the source's own options say (`maxFilesPerTrigger`).
    #[default]
    SourceDefault,
    /// All there is, whatever the options say.
    All,
}

/// The rows of one epoch of one source, the same today and after a restart.
///
/// # Contract
/// `execute(p)` for all `p < partitions` together give every row once; rows of partition `p` precede those of `p + 1` in the
/// source's own order, and rows within a partition are in that order. A row, or a whole file, that can never be read as the schema
/// says goes to the task's [`Port::Malformed`](super::Port::Malformed), once over all partitions, and never fails the stream.
pub trait Slice: Debug + Send + Sync {
    /// The rows of one partition. `scan` names the scan node that reads, under which side rows are reported.
    ///
    /// # Errors
    /// `Data` when an input differs from what the offset pinned; the message names it. `Conflict`, also from the stream, when what
    /// other partitions gave must not count: all of them are to be executed again, on the same slice.
    fn execute(&self, partition: usize, partitions: usize, scan: &SourceId, context: Arc<TaskContext>)
    -> Result<SendableRecordBatchStream>;

    /// Bytes that the slice will read, where known.
    fn bytes(&self) -> Option<u64>;

    /// The files that it reads, if it reads files.
    fn paths(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// A replayable source of rows.
///
/// # Contract
/// * `latest(from, _)` is `None` when nothing is new after `from`; an offset that it gave once can be sliced for ever, or
///   until [`StreamSource::settled`] has been called with it;
/// * `slice(from, to)` gives the same rows in the same order whenever it is called, in any process;
/// * `restore` is called once, before anything else, with the last image and the offsets recorded after it.
#[async_trait]
pub trait StreamSource: Any + Debug + Send + Sync {
    /// The source's identity across restarts.
    fn id(&self) -> &SourceId;

    /// What it reads, in full: two sources of one identity in one query must be one source.
    fn reads(&self) -> String;

    /// The same source with a state of its own: every query has one, whatever the number of queries over one DataFrame.
    fn for_query(&self) -> Arc<dyn StreamSource>;

    /// Spark's `sources[].description`.
    fn description(&self) -> String;

    /// The rows' columns.
    fn schema(&self) -> SchemaRef;

    /// The fields of the [`Port::Malformed`](super::Port::Malformed) rows, or `None` when no row can be malformed.
    fn malformed_schema(&self) -> Option<SchemaRef>;

    /// How far the next epoch can go from `from` (`None`: from the beginning).
    async fn latest(&self, from: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>>;

    /// Freezes what an available-now run reads: later arrivals are left to the next run.
    async fn freeze(&self) -> Result<()>;

    /// The rows after `from` up to and including `to`.
    fn slice(&self, from: Option<&Offset>, to: &Offset) -> Result<Arc<dyn Slice>>;

    /// Takes up the state that recorded offsets imply: `image` as [`StreamSource::image`] gave it, then each `offsets`.
    fn restore(&self, image: Option<&[u8]>, offsets: &[Offset]) -> Result<()>;

    /// Called when an epoch that ends at `to` has been recorded: the source may advance its own state.
    fn recorded(&self, to: &Offset) -> Result<()>;

    /// The source's own state (a seen-set, say) as bytes, or `None` when it has none.
    fn image(&self) -> Result<Option<Vec<u8>>>;

    /// Called when everything up to `to` has been published: inputs may be cleaned up.
    async fn settled(&self, to: &Offset) -> Result<()>;
}
