//! The rows of Parquet files as a stream, in the columns of the slice's schema. A file is read whole or not at all: one that
//! cannot be read is a dead letter in the task's report.
//!
//! A bad footer and a wrong column show at once, and to every task that reads a part of the file. Damage further in shows when rows
//! of the file may have been given, here or by another task. The run then fails with a `Conflict` and is begun anew, and from then
//! on every file is decoded to its end before one of its rows is given. So a run that ends well has each file whole or not at all,
//! however many tasks share it, and so has every replay. A run without damage decodes nothing twice.

mod rows;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use tidemill_planner::seam::TaskScope;
use tidemill_planner::{Error, Result, SourceId};

use self::rows::{Rows, Trouble};
use super::cut::Piece;
use super::slice::FileSlice;
use crate::pool::yield_now;

/// The rows of `pieces`; a row group belongs to the piece that its first byte lies in.
pub(super) fn read_parquet(
    slice: &FileSlice,
    pieces: Vec<Piece>,
    scan: &SourceId,
    context: &TaskContext,
) -> BoxStream<'static, Result<RecordBatch>> {
    let task = Arc::new(Task { slice: slice.clone(), scope: TaskScope::of(context), scan: scan.clone() });
    let counting = Arc::clone(&task);
    futures::stream::iter(pieces)
        .then(move |piece| Arc::clone(&task).read(piece))
        .try_flatten()
        .inspect_ok(move |batch| {
            *counting.scope.report().source_rows.entry(counting.scan.clone()).or_default() += batch.num_rows() as u64;
        })
        .boxed()
}

/// Who reads.
struct Task {
    slice: FileSlice,
    scope: Arc<TaskScope>,
    scan: SourceId,
}

impl Task {
    async fn read(self: Arc<Self>, piece: Piece) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let opened = match self.verdict(piece.file).await? {
            None => Rows::open(&self.slice, piece.file, piece.start..piece.end).await,
            Some(reason) => Err(Trouble::Damaged(reason)),
        };
        let rows = match opened {
            Ok(rows) => rows,
            Err(Trouble::Failed(error)) => return Err(error),
            Err(Trouble::Damaged(reason)) => {
                // Whoever has the beginning of the file tells of it.
                if piece.start == 0 {
                    let reason = format!("{reason}; mend the file and give it another name, since a name is read once");
                    self.slice.set_aside(piece.file, &reason, &self.scan, &self.scope)?;
                }
                return Ok(futures::stream::empty().boxed());
            }
        };
        let rows = futures::stream::try_unfold((rows, self), move |(mut rows, task)| async move {
            match rows.next().await {
                Ok(batch) => Ok(batch.map(|batch| (batch, (rows, task)))),
                Err(Trouble::Failed(error)) => Err(error),
                Err(Trouble::Damaged(reason)) => Err(task.damaged_within(piece.file, &reason)),
            }
        });
        Ok(rows.boxed())
    }

    /// Why a file cannot be read to its end, if it cannot and the run is one that asks.
    async fn verdict(&self, file: usize) -> Result<Option<String>> {
        let findings = self.slice.findings();
        if !findings.is_careful() {
            return Ok(None);
        }
        if let Some(verdict) = findings.verdict(file) {
            return Ok(verdict);
        }
        let verdict = match self.decode(file).await {
            Ok(()) => None,
            Err(Trouble::Damaged(reason)) => Some(reason),
            Err(Trouble::Failed(error)) => return Err(error),
        };
        findings.judge(file, verdict.clone());
        Ok(verdict)
    }

    /// Decodes a whole file, and keeps nothing of it.
    async fn decode(&self, file: usize) -> Result<(), Trouble> {
        let mut rows = Rows::open(&self.slice, file, 0..u64::MAX).await?;
        while rows.next().await?.is_some() {
            yield_now().await;
        }
        Ok(())
    }

    fn damaged_within(&self, file: usize, reason: &str) -> Error {
        self.slice.findings().be_careful();
        Error::conflict(format!(
            "{}: {reason}; rows of it have been given, and the run is to be begun anew without",
            self.slice.full_path(file)
        ))
    }
}
