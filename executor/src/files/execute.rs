//! How a task reads its run of a slice's files: the cut, and the reader that the format asks for.

use std::sync::Arc;

use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use tidemill_planner::seam::Slice;
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
        let rows = match self.format() {
            FileFormat::Json => read_json(self, pieces, scan, &context)?,
            FileFormat::Parquet => read_parquet(self, pieces, scan, &context),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.schema()), rows.map(|batch| batch.map_err(Into::into)))))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.files().iter().map(|file| file.bytes).sum())
    }
}
