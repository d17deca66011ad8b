//! A query's rows as data files of a table: each attempt at a task checks its rows, brings them into the table's columns, and writes them
//! into files of its own, which have their final names from the start.

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidemill_executor::run::{Receipt, RowSink, TaskSink};
use tidemill_planner::Result;
use uuid::Uuid;

use super::begun::Begun;
use crate::attempt_files::{AttemptFiles, FilePlace, Limits, NewFile};
use crate::log::replay::{local_path, percent_encode};
use crate::schema::{Alignment, PartitionValues};
use crate::snapshot::Head;
use crate::write::{Codec, FileOptions, Written, attempt_file_name};

/// What an attempt leaves: its files, in the order in which they were begun.
pub(super) type Files = Vec<Written>;

/// Writes a query's rows as data files.
#[derive(Debug)]
pub(super) struct DataFileSink {
    head: Arc<Head>,
    alignment: Arc<Alignment>,
    options: FileOptions,
    limits: Limits,
    begun: Arc<Begun>,
}

impl DataFileSink {
    pub(super) fn new(head: Arc<Head>, alignment: Alignment, options: FileOptions, limits: Limits, begun: Arc<Begun>) -> Self {
        Self { head, alignment: Arc::new(alignment), options, limits, begun }
    }
}

impl RowSink for DataFileSink {
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>> {
        let (head, begun) = (Arc::clone(&self.head), Arc::clone(&self.begun));
        let place = InTable { head, begun, codec: self.options.codec, partition, attempt: Uuid::new_v4() };
        let files = AttemptFiles::new(Arc::new(place), Arc::clone(&self.head.layout), self.options.clone(), self.limits);
        Ok(Box::new(TaskFiles { alignment: Arc::clone(&self.alignment), files }))
    }
}

/// The table's folder, in which nobody sees a file before a commit names it.
#[derive(Debug)]
struct InTable {
    head: Arc<Head>,
    begun: Arc<Begun>,
    codec: Codec,
    partition: usize,
    attempt: Uuid,
}

impl FilePlace for InTable {
    fn create(&self, number: u32, values: &PartitionValues) -> Result<NewFile> {
        let name = attempt_file_name(self.partition, &self.attempt, number, self.codec);
        let path = percent_encode(&format!("{}{name}", self.head.layout.folder(values)));
        let local = local_path(&self.head.root, &path)?;
        self.begun.create(&local)?;
        Ok(NewFile { path, local })
    }
}

struct TaskFiles {
    alignment: Arc<Alignment>,
    files: AttemptFiles,
}

#[async_trait]
impl TaskSink for TaskFiles {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let rows = self.alignment.apply(&batch)?;
        drop(batch);
        self.files.push(rows).await?;
        fail::fail_point!("lakehouse::write.pushed");
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Receipt> {
        let ended = self.files.finish().await?;
        let files: Files = ended.into_iter().map(|file| file.written).collect();
        Ok(Box::new(files))
    }
}
