//! What the epochs of the demo's query read, by their records: which files each took, and the events of all of them with the epoch that
//! read each. The judge decides what should have become of them.
//!
//! ```text
//! records ─► epoch 0: a.json, b.json   epoch 1: none   epoch 2: c.json ─► events of a, b, c, and `epoch`: 0 … 0, 2 …
//! ```

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use tidemill_executor::files::{FileEntry, FileFormat, FileSlice, malformed_schema};
use tidemill_planner::SourceId;
use tidemill_planner::scan::ScanTable;
use tidemill_planner::seam::{Slice, Watermarks};
use tidemill_streaming::checkpoint::Checkpoint;
use tidemill_streaming::record::Cut;

use super::Layout;
use super::generate::EVENT_COLUMNS;
use crate::{DataFrame, Error, Result, Session};

/// The column that says which epoch read an event.
pub(super) const EPOCH: &str = "epoch";

/// An epoch by its record.
#[derive(Debug)]
pub(super) struct RecordedEpoch {
    /// The files that it read, in its order.
    pub(super) files: Vec<FileEntry>,
    /// The watermarks that it ran by.
    pub(super) watermarks: Watermarks,
}

/// All epochs, from the first.
///
/// # Errors
/// `NotFound` when there is no checkpoint; `Corrupt` for a damaged record; `Data` when a record is gone.
pub(super) fn recorded_epochs(layout: &Layout) -> Result<Vec<RecordedEpoch>> {
    let mut cuts = Checkpoint::cuts(&layout.checkpoint())?;
    if layout.records().is_dir() {
        cuts.extend(Checkpoint::cuts(&layout.records())?);
    }
    let mut epochs = Vec::with_capacity(cuts.len());
    for (expected, (epoch, cut)) in (0..).zip(cuts) {
        if epoch != expected {
            return Err(Error::data(format!(
                "the record of epoch {expected} is in neither {} nor {}, and without it nobody can say which rows were late: run the demo again",
                layout.checkpoint().display(),
                layout.records().display()
            )));
        }
        epochs.push(RecordedEpoch { files: files_of(&cut)?, watermarks: cut.watermarks });
    }
    Ok(epochs)
}

/// The files that an epoch read: the offset of a file stream holds them. An epoch without data ends where it began.
fn files_of(cut: &Cut) -> Result<Vec<FileEntry>> {
    let mut files = Vec::new();
    for source in &cut.sources {
        let Some(to) = source.to.as_ref().filter(|to| source.from.as_ref() != Some(*to)) else { continue };
        let read = Vec::<FileEntry>::deserialize(&to.0["epochFiles"]).map_err(|e| {
            Error::corrupt(format!("the record of epoch {}: source `{}` has no list of files: {e}", cut.epoch, source.id)).with_source(e)
        })?;
        files.extend(read);
    }
    Ok(files)
}

/// The events of all epochs in the order in which they were read, with the column [`EPOCH`]. A file that has changed since fails by name.
///
/// # Errors
/// `Analysis` when the events have no such columns.
pub(super) fn recorded_events(session: &Session, layout: &Layout, epochs: &[RecordedEpoch]) -> Result<DataFrame> {
    let events = crate::parse_schema(EVENT_COLUMNS)?;
    let mut fields = events.fields().to_vec();
    fields.push(Arc::new(Field::new(EPOCH, DataType::Int64, false)));
    let schema = Arc::new(Schema::new(fields));
    let (mut files, mut bytes) = (Vec::new(), 0);
    for (epoch, recorded) in (0..).zip(epochs) {
        for entry in &recorded.files {
            let slice = FileSlice::new(layout.input(), [entry.clone()], FileFormat::Json, Arc::clone(&events))?;
            files.push(EpochFile { epoch, bytes_before: bytes, slice });
            bytes += entry.bytes;
        }
    }
    let slice = EpochFiles { files, bytes, schema: Arc::clone(&schema) };
    let table = ScanTable::batch(SourceId::new("events by epoch"), schema, Some(malformed_schema()), Arc::new(slice));
    Ok(session.dataframe(table.into_plan()?))
}

/// A file, and the epoch that read it.
#[derive(Debug, Clone)]
struct EpochFile {
    epoch: i64,
    /// The sum of the sizes of the files before it.
    bytes_before: u64,
    slice: FileSlice,
}

/// The files of all epochs as one slice. A task reads whole files, one after another.
#[derive(Debug)]
struct EpochFiles {
    files: Vec<EpochFile>,
    bytes: u64,
    schema: SchemaRef,
}

impl EpochFiles {
    /// The task that reads a file: contiguous runs, balanced by bytes.
    fn task_of(&self, file: &EpochFile, tasks: usize) -> usize {
        let task = u128::from(file.bytes_before) * tasks as u128 / u128::from(self.bytes.max(1));
        (task as usize).min(tasks.saturating_sub(1))
    }
}

impl Slice for EpochFiles {
    fn execute(
        &self,
        partition: usize,
        partitions: usize,
        scan: &SourceId,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let files: Vec<EpochFile> = self.files.iter().filter(|file| self.task_of(file, partitions) == partition).cloned().collect();
        let (scan, schema) = (scan.clone(), Arc::clone(&self.schema));
        // A file is opened when the one before it has been read.
        let rows = futures::stream::iter(files).map(move |file| {
            let (epoch, schema) = (file.epoch, Arc::clone(&schema));
            let rows = file.slice.execute(0, 1, &scan, Arc::clone(&context))?;
            Ok::<_, DataFusionError>(rows.map(move |batch| with_epoch(&batch?, epoch, &schema)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.try_flatten())))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.bytes)
    }
}

fn with_epoch(batch: &RecordBatch, epoch: i64, schema: &SchemaRef) -> DfResult<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(Int64Array::from_value(epoch, batch.num_rows())));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    fn epoch(layout: &Layout, names: &[&str]) -> RecordedEpoch {
        let file = |name: &&str| FileEntry::of(layout.input(), name).unwrap().unwrap();
        RecordedEpoch { files: names.iter().map(file).collect(), watermarks: Watermarks::NONE }
    }

    #[tokio::test]
    async fn events_come_in_the_order_of_the_epochs_at_any_parallelism() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::prepare(&dir.path().join("demo"), None).unwrap();
        let line = |n: &i64| format!("{{\"eventId\":\"e\",\"userId\":\"u\",\"eventType\":\"click\",\"eventTimeMs\":{n}}}\n");
        for (name, times) in [("a", &[1, 2][..]), ("b", &[3]), ("c", &[]), ("d", &[4, 5])] {
            let text: String = times.iter().map(line).collect();
            std::fs::write(layout.input().join(name), text + "no event\n").unwrap();
        }
        let epochs = [epoch(&layout, &["d", "c"]), epoch(&layout, &[]), epoch(&layout, &["b", "a"])];
        for tasks in [1, 2, 7] {
            let session = Session::builder().parallelism(tasks).build().unwrap();
            let events = recorded_events(&session, &layout, &epochs).unwrap();
            let mut read = Vec::new();
            for batch in events.collect().await.unwrap() {
                let longs = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
                read.extend(longs(EPOCH).into_iter().zip(longs("eventTimeMs")));
            }
            assert_eq!(read, [(0, 4), (0, 5), (2, 3), (2, 1), (2, 2)], "{tasks} tasks");
            assert_eq!(events.malformed_rows().count().await.unwrap(), 4, "{tasks} tasks");
        }
        std::fs::write(layout.input().join("b"), "").unwrap();
        let session = Session::builder().parallelism(2).build().unwrap();
        let error = recorded_events(&session, &layout, &epochs).unwrap().collect().await.unwrap_err();
        assert!(error.message().contains("input/b:"), "{error}");
    }
}
