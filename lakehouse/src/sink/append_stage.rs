//! One attempt at staging a partition of an epoch for an append: few rows wait to travel inside the record, more become data files in the
//! staging folder while they come. What an attempt has written counts when its receipt is recorded; all else is removed after the epoch.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidemill_planner::seam::{PartitionStage, Receipt, SinkRun};
use tidemill_planner::{Error, Result};

use super::Base;
use super::stage::Staging;
use crate::attempt_files::{AttemptFiles, EndedFile, FilePlace, Limits, NewFile};
use crate::io::blocking;
use crate::log::actions::Add;
use crate::log::replay::percent_encode;
use crate::partition::Layout;
use crate::schema::PartitionValues;
use crate::write::{Codec, Naming};

/// What a receipt says beside the rows that it holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    pub(super) files: Vec<StagedFile>,
}

/// A data file that waits under `_tidemill_staged/`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StagedFile {
    pub(super) staged: String,
    pub(super) rows: u64,
    pub(super) add: Add,
}

/// Takes the rows of one attempt.
pub(super) struct AppendStage {
    of: EpochPart,
    /// How many rows were given.
    rows: u64,
    taken: Taken,
}

/// What is staged: one partition of an epoch's output.
struct EpochPart {
    base: Arc<Base>,
    run: SinkRun,
    epoch: u64,
    partition: usize,
}

/// What has become of the rows so far.
enum Taken {
    /// They may still travel inside the record.
    InHand { batches: Vec<RecordBatch>, bytes: usize },
    /// They are written.
    InFiles(AttemptFiles),
}

impl Default for Taken {
    fn default() -> Self {
        Self::InHand { batches: Vec::new(), bytes: 0 }
    }
}

impl AppendStage {
    /// # Errors
    /// `Internal` for a sink that is not open.
    pub(super) fn new(base: Arc<Base>, run: SinkRun, epoch: u64, partition: usize) -> Result<Self> {
        base.opened()?;
        Ok(Self { of: EpochPart { base, run, epoch, partition }, rows: 0, taken: Taken::default() })
    }
}

impl EpochPart {
    fn begin_files(&self) -> Result<AttemptFiles> {
        let opened = self.base.opened()?;
        let options = opened.table.file_options();
        let place = Staged {
            staging: opened.staging.clone(),
            layout: Arc::clone(&opened.layout),
            naming: Naming::Derived(format!("{}\0{}\0{}\0{}", self.run.query.id, self.base.id(), self.epoch, self.partition)),
            codec: options.codec,
            run: self.run.clone(),
            epoch: self.epoch,
            partition: self.partition,
        };
        // What is staged is removed when an epoch is settled.
        self.base.touch();
        let limits = Limits::of_files(self.base.options.table.target_file_bytes);
        Ok(AttemptFiles::new(Arc::new(place), Arc::clone(&opened.layout), options, limits))
    }

    /// Puts rows that were in hand into files.
    async fn files_of(&self, batches: Vec<RecordBatch>) -> Result<AttemptFiles> {
        let mut files = self.begin_files()?;
        for batch in batches {
            files.push(batch).await?;
        }
        Ok(files)
    }

    /// Ends the files, and makes them and their names survive a power cut.
    async fn end_files(&self, files: AttemptFiles) -> Result<Vec<StagedFile>> {
        let opened = self.base.opened()?;
        let ended = files.finish().await?;
        let staging = opened.staging.clone();
        blocking(move || staging.sync()).await?;
        let now_ms = opened.table.options().clock.now_ms();
        ended.into_iter().map(|file| staged_file(file, now_ms)).collect()
    }
}

fn staged_file(file: EndedFile, now_ms: i64) -> Result<StagedFile> {
    let name = file.local.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::internal(format!("a staged file is called {}", file.local.display())))?;
    let mut add = file.written.add;
    add.modification_time = now_ms;
    Ok(StagedFile { staged: name.to_owned(), rows: file.written.rows, add })
}

/// The bytes that rows take, less what their buffers hold for others.
fn bytes_of(rows: &RecordBatch) -> usize {
    let of_column = |column: &Arc<dyn Array>| column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_buffer_memory_size());
    rows.columns().iter().map(of_column).sum()
}

#[async_trait]
impl PartitionStage for AppendStage {
    async fn push(&mut self, rows: RecordBatch) -> Result<()> {
        let aligned = self.of.base.align(std::slice::from_ref(&rows))?;
        drop(rows);
        for rows in aligned {
            self.rows += rows.num_rows() as u64;
            self.taken = match std::mem::take(&mut self.taken) {
                Taken::InFiles(mut files) => {
                    files.push(rows).await?;
                    Taken::InFiles(files)
                }
                Taken::InHand { mut batches, bytes } => {
                    let bytes = bytes + bytes_of(&rows);
                    batches.push(rows);
                    match self.of.base.may_be_inline(self.rows, bytes) {
                        true => Taken::InHand { batches, bytes },
                        false => Taken::InFiles(self.of.files_of(batches).await?),
                    }
                }
            };
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Receipt> {
        let mut inline = None;
        let files = match std::mem::take(&mut self.taken) {
            Taken::InFiles(files) => Some(files),
            Taken::InHand { batches, .. } => {
                inline = self.of.base.inline(&batches)?;
                // What is too large once it is encoded is written, too.
                if inline.is_none() && self.rows > 0 { Some(self.of.files_of(batches).await?) } else { None }
            }
        };
        let files = match files {
            Some(files) => self.of.end_files(files).await?,
            None => Vec::new(),
        };
        // A record that lacked rows would stand for good.
        if inline.is_none() && files.iter().map(|file| file.rows).sum::<u64>() != self.rows {
            return Err(Error::internal(format!("of {} rows not all are staged", self.rows)));
        }
        if !files.is_empty() {
            files_are_written()?;
        }
        Ok(Receipt { meta: serde_json::to_value(Meta { files })?, inline, rows: self.rows })
    }
}

/// A place at which a fault test has an attempt fail whose files are written (`FAILPOINTS=lakehouse::stage.written=1*return`), or the
/// process end (`…=return(abort)`). Nothing in other builds.
fn files_are_written() -> Result<()> {
    fail::fail_point!("lakehouse::stage.written", |what| match what.as_deref() {
        Some("abort") => std::process::abort(),
        _ => Err(Error::io("failpoint lakehouse::stage.written")),
    });
    Ok(())
}

/// The staging folder. Files in it have names of their own, and in the table names that are the same whoever publishes the epoch.
#[derive(Debug)]
struct Staged {
    staging: Staging,
    layout: Arc<Layout>,
    naming: Naming,
    codec: Codec,
    run: SinkRun,
    epoch: u64,
    partition: usize,
}

impl FilePlace for Staged {
    fn create(&self, number: u32, values: &PartitionValues) -> Result<NewFile> {
        let local = self.staging.create(&self.staging.new_name(&self.run, self.epoch, self.partition, "parquet"))?;
        let name = self.naming.file_name(number as usize, self.codec);
        Ok(NewFile { path: percent_encode(&format!("{}{name}", self.layout.folder(values))), local })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};
    use tidemill_planner::seam::{Sink, SinkQuery};

    use super::*;
    use crate::options::TableOptions;
    use crate::sink::{DeltaAppendSink, SinkOptions};

    fn numbers(from: i64, rows: i64) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(from..from + rows)) as ArrayRef)]).unwrap()
    }

    /// An attempt at a partition of a new table's epoch 1.
    async fn attempt(inline_max_bytes: usize) -> (tempfile::TempDir, AppendStage) {
        let dir = tempfile::tempdir().unwrap();
        let table = TableOptions { durable: false, ..TableOptions::default() };
        let options = SinkOptions { table, inline_max_bytes, inline_max_rows: 10_000, ..SinkOptions::default() };
        let sink = Base::new(None, dir.path().join("t").display().to_string(), options);
        sink.open(numbers(0, 0).schema()).await.unwrap();
        let query = SinkQuery { id: "q".into(), checkpoint: "/c".into(), unnamed: false };
        let stage = AppendStage::new(Arc::new(sink), SinkRun { query, place: 1 }, 1, 0).unwrap();
        (dir, stage)
    }

    async fn finished(stage: AppendStage) -> (Receipt, Meta) {
        let receipt = Box::new(stage).finish().await.unwrap();
        let meta = serde_json::from_value(receipt.meta.clone()).unwrap();
        (receipt, meta)
    }

    #[tokio::test]
    async fn few_rows_go_into_the_record_and_more_into_files() {
        // How many bytes may be in the record, how many rows the batches have, and whether they are in it.
        let cases: [(usize, &[i64], bool); 9] = [
            (1 << 20, &[], false),
            (1 << 20, &[0], false),
            (1 << 20, &[10], true),
            (1 << 20, &[5000, 5000], true),
            (1 << 20, &[5000, 5001], false),
            (4000, &[100, 100], true),
            (4000, &[100, 100, 600], false),
            // The rows are small enough, and with their names and types not.
            (810, &[100], false),
            (0, &[1], false),
        ];
        for (bytes, batches, inline) in cases {
            let (dir, mut stage) = attempt(bytes).await;
            let mut rows = 0;
            for batch in batches {
                stage.push(numbers(rows, *batch)).await.unwrap();
                rows += *batch;
            }
            let (receipt, meta) = finished(stage).await;
            let what = format!("{batches:?} within {bytes} bytes");
            assert_eq!((receipt.rows, receipt.inline.is_some()), (rows as u64, inline), "{what}");
            let in_files = if inline { 0 } else { rows as u64 };
            assert_eq!(meta.files.iter().map(|file| file.rows).sum::<u64>(), in_files, "{what}");
            for file in &meta.files {
                let staged = dir.path().join("t/_tidemill_staged").join(&file.staged);
                assert_eq!(std::fs::metadata(&staged).unwrap().len(), file.add.size as u64, "{what}");
                assert!(!dir.path().join("t").join(&file.add.path).exists(), "{what}: it is in the table already");
            }
        }
    }

    #[tokio::test]
    async fn an_attempt_that_lost_rows_gives_no_receipt() {
        let (dir, mut stage) = attempt(0).await;
        stage.push(numbers(0, 10)).await.unwrap();
        std::fs::remove_dir_all(dir.path().join("t/_tidemill_staged")).unwrap();
        assert!(Box::new(stage).finish().await.is_err(), "its file is gone");
        let (_dir, mut stage) = attempt(0).await;
        stage.rows = 1;
        stage.taken = Taken::default();
        assert!(Box::new(stage).finish().await.unwrap_err().message().contains("not all are staged"));
    }

    #[tokio::test]
    async fn no_more_rows_wait_than_may_be_in_the_record() {
        let (_dir, mut stage) = attempt(1 << 20).await;
        for push in 0..40 {
            stage.push(numbers(push * 1000, 1000)).await.unwrap();
            let waiting = match &stage.taken {
                Taken::InHand { batches, .. } => batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
                Taken::InFiles(_) => 0,
            };
            assert_eq!(waiting as i64, if push < 10 { (push + 1) * 1000 } else { 0 }, "after push {push}");
        }
        let (receipt, meta) = finished(stage).await;
        assert_eq!((receipt.rows, meta.files.len(), meta.files[0].rows), (40_000, 1, 40_000));
    }

    #[tokio::test]
    async fn attempts_at_one_partition_do_not_meet() {
        let (dir, mut first) = attempt(0).await;
        let part = &first.of;
        let mut second = AppendStage::new(Arc::clone(&part.base), part.run.clone(), part.epoch, part.partition).unwrap();
        for attempt in [&mut first, &mut second] {
            attempt.push(numbers(0, 10)).await.unwrap();
        }
        let (first, second) = (finished(first).await.1.files.remove(0), finished(second).await.1.files.remove(0));
        assert_ne!(first.staged, second.staged);
        assert_eq!(first.add.path, second.add.path, "the table names the epoch's file alike, whichever attempt is recorded");
        let staged = std::fs::read_dir(dir.path().join("t/_tidemill_staged")).unwrap().count();
        assert_eq!(staged, 2);
    }

    #[test]
    fn the_sink_takes_rows_as_they_are_made() {
        let sink = DeltaAppendSink::new(None, "/nowhere", SinkOptions::default());
        assert_eq!(sink.intake(), tidemill_planner::seam::Intake::AsMade);
        let run = SinkRun { query: SinkQuery { id: "q".into(), checkpoint: String::new(), unnamed: false }, place: 1 };
        let refused = sink.begin(&run, 0, 0).err().map(|error| error.kind());
        assert_eq!(refused, Some(tidemill_planner::ErrorKind::Internal), "it is not open");
    }
}
