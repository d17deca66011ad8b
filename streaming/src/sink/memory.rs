//! Rows kept in memory, for tests and a first look. They are gone with the process; within it, publishing twice is
//! publishing once.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use async_trait::async_trait;
use tidemill_planner::Result;
use tidemill_planner::seam::{Capability, Publish, PublishedEpochs, Receipt, Sink, SinkQuery, SinkRun, SinkTarget};

/// The rows of each epoch that had any, in the order in which they were published.
type Epochs = Vec<(u64, Vec<RecordBatch>)>;

/// What a memory sink has received: shared with whoever reads it.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    epochs: Epochs,
    /// The queries that have published, with the last epoch of each.
    writers: Vec<(SinkQuery, u64)>,
}

impl MemoryTable {
    /// All rows, in order of their epochs.
    pub fn batches(&self) -> Vec<RecordBatch> {
        self.lock().epochs.iter().flat_map(|(_, rows)| rows.iter().cloned()).collect()
    }

    /// The rows of each epoch that had any.
    pub fn epochs(&self) -> Vec<(u64, Vec<RecordBatch>)> {
        self.lock().epochs.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sink in front of a [`MemoryTable`].
#[derive(Debug)]
pub struct MemorySink {
    id: String,
    table: MemoryTable,
}

impl MemorySink {
    /// A sink named `name` into `table`.
    pub fn new(name: impl Into<String>, table: MemoryTable) -> Self {
        Self { id: name.into(), table }
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn id(&self) -> &str {
        &self.id
    }

    fn description(&self) -> String {
        format!("MemorySink[{}]", self.id)
    }

    fn capability(&self) -> Capability {
        Capability::Staged
    }

    async fn open(&self, _schema: SchemaRef) -> Result<SinkTarget> {
        Ok(SinkTarget { id: format!("memory:{}", self.id), schema: serde_json::Value::Null, how: None })
    }

    async fn stage(&self, _run: &SinkRun, _epoch: u64, _partition: usize, batches: Vec<RecordBatch>) -> Result<Receipt> {
        let rows = batches.iter().map(|b| b.num_rows() as u64).sum();
        let Some(first) = batches.first() else {
            return Ok(Receipt { meta: serde_json::Value::Null, inline: None, rows: 0 });
        };
        let mut writer = StreamWriter::try_new(Vec::new(), &first.schema())?;
        for batch in &batches {
            writer.write(batch)?;
        }
        Ok(Receipt { meta: serde_json::Value::Null, inline: Some(writer.into_inner()?.into()), rows })
    }

    async fn publish(&self, query: &SinkQuery, epoch: u64, _target: &SinkTarget, receipts: &[Receipt]) -> Result<Publish> {
        let mut rows = Vec::new();
        for bytes in receipts.iter().filter_map(|r| r.inline.as_ref()) {
            for batch in StreamReader::try_new(bytes.as_ref(), None)? {
                rows.push(batch?);
            }
        }
        let mut table = self.table.lock();
        match table.writers.iter_mut().find(|(writer, _)| writer.id == query.id) {
            Some((_, last)) if *last >= epoch => return Ok(Publish::AlreadyPublished),
            Some((_, last)) => *last = epoch,
            None => table.writers.push((query.clone(), epoch)),
        }
        if !rows.is_empty() {
            table.epochs.push((epoch, rows));
        }
        Ok(Publish::Published { rows_updated: 0 })
    }

    async fn published(&self, query: &SinkQuery) -> Result<PublishedEpochs> {
        let table = self.table.lock();
        let last = |is: &dyn Fn(&SinkQuery) -> bool| table.writers.iter().filter(|(writer, _)| is(writer)).map(|(_, last)| *last).max();
        Ok(PublishedEpochs {
            by_query: last(&|writer| writer.id == query.id),
            unowned: None,
            by_former: last(&|writer| writer.id != query.id && writer.checkpoint == query.checkpoint),
        })
    }
}
