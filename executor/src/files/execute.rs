//! How a task reads its run of a slice's files: the cut, and the reader that the format asks for.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use tidemill_planner::seam::{Slice, TaskScope};
use tidemill_planner::{Error, Result, SourceId};

use super::cut;
use super::format::FileFormat;
use super::parquet::read_parquet;
use super::read_json::read_json;
use super::slice::FileSlice;

impl Slice for FileSlice {
    fn execute(
        &self,
        partition: usize,
        partitions: usize,
        scan: &SourceId,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition >= partitions {
            return Err(Error::internal(format!("partition {partition} of {partitions} of a file scan was asked for")));
        }
        let pieces = cut::pieces(self.files(), partition, partitions);
        let (pieces, unnamed): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|piece| self.files()[piece.file].has_utf8_name());
        for piece in unnamed.iter().filter(|piece| piece.start == 0) {
            let reason = "its name is not UTF-8; rename it, and it is read under its new name";
            self.set_aside(piece.file, reason, scan, &TaskScope::of(&context))?;
        }
        let rows = match self.format() {
            FileFormat::Json => read_json(self, pieces, scan, &context)?,
            FileFormat::Parquet => read_parquet(self, pieces, scan, &context),
            FileFormat::Text => return Err(Error::internal("lines of text are no rows")),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.schema()), rows.map(|batch| batch.map_err(Into::into)))))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.files().iter().map(|file| file.bytes).sum())
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.files().iter().map(|file| file.below(self.root())).collect()
    }
}
