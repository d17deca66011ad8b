//! Sinks that publish a streaming query's epochs into Delta tables, exactly once. They know epochs by number and nothing of
//! the loop that makes them.
//!
//! ```text
//! stage ──► receipt: rows inline, or the names of files under _tidemill_staged/ (synced); an append's are written while rows are made
//! publish ─► txn (query and sink, epoch) there? ─► AlreadyPublished
//!            else files in place, one commit with the txn
//! settle ──► log folder synced, staged files of past epochs removed, now and then a checkpoint
//! discard ─► staged files of an epoch that got no record removed
//! ```

mod append;
mod append_stage;
mod merge;
mod stage;
mod txn_id;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use serde_json::Value;
use tidemill_planner::seam::{Publish, PublishedEpochs, Receipt, SinkQuery, SinkRun, SinkTarget};
use tidemill_planner::{Error, Result};

use crate::commit::{Txn, txn_check_is_on};
use crate::io::blocking;
use crate::options::TableOptions;
use crate::partition::Layout;
use crate::schema::Alignment;
use crate::snapshot::Head;
use crate::table::DeltaTable;
use crate::write::Naming;
pub use append::DeltaAppendSink;
pub use merge::DeltaMergeSink;
use stage::{Staging, to_stream};

/// How a sink stages and keeps its table.
#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// How the table is made and written.
    pub table: TableOptions,
    /// A partition's output of up to so many bytes travels inside the record; a larger one is staged as files, those of an append while
    /// its rows are made.
    pub inline_max_bytes: usize,
    /// A partition's output of up to so many rows travels inside the record.
    pub inline_max_rows: usize,
    /// A checkpoint of the log is written every so many versions.
    pub checkpoint_interval: u64,
}

impl Default for SinkOptions {
    fn default() -> Self {
        Self { table: TableOptions::default(), inline_max_bytes: 1 << 20, inline_max_rows: 64 << 10, checkpoint_interval: 100 }
    }
}

/// What both sinks have in common.
#[derive(Debug)]
struct Base {
    name: Option<String>,
    location: String,
    options: SinkOptions,
    opened: OnceLock<Opened>,
    /// Whether something was staged or published since the last settle: an idle query costs no sync.
    unsettled: AtomicBool,
    /// Staged files that are used up: names of an earlier release do not say whose they are, so that only the record knows them.
    used: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Opened {
    id: String,
    table: DeltaTable,
    /// The columns that the table had when it was opened.
    layout: Arc<Layout>,
    staging: Staging,
}

impl Base {
    fn new(name: Option<String>, location: impl Into<String>, options: SinkOptions) -> Self {
        Self { name, location: location.into(), options, opened: OnceLock::new(), unsettled: AtomicBool::new(true), used: Mutex::default() }
    }

    /// The user's name, else one from the table's id: unknown before the sink is open.
    fn id(&self) -> &str {
        match (&self.name, self.opened.get()) {
            (Some(name), _) => name,
            (None, Some(opened)) => &opened.id,
            (None, None) => "delta:(not open)",
        }
    }

    fn opened(&self) -> Result<&Opened> {
        self.opened.get().ok_or_else(|| Error::internal(format!("the sink of Delta table {} was used before it was opened", self.location)))
    }

    async fn target_is_there(&self) -> Result<bool> {
        DeltaTable::exists(&self.location).await
    }

    /// Opens or makes the table, and checks that rows of `schema` fit it.
    async fn open(&self, schema: SchemaRef) -> Result<SinkTarget> {
        let table = DeltaTable::open_or_create(&self.location, Arc::clone(&schema), self.options.table.clone()).await?;
        let head = table.head().await?;
        Alignment::try_new(format!("Delta table {}", table.root().display()), &schema, head.schema())?;
        table.check_writable()?;
        let target = target_of(&head)?;
        let id = self.name.clone().unwrap_or_else(|| format!("delta:{}", head.metadata.id));
        let staging = Staging::new(table.root(), &id, self.options.table.durable);
        // A second open of the same sink keeps the first handle: the target says whether it is still the same table.
        let _ = self.opened.set(Opened { id, table, layout: Arc::clone(&head.layout), staging });
        Ok(target)
    }

    fn description(&self, kind: &str) -> String {
        format!("DeltaSink[{kind} {}]", self.location)
    }

    /// What makes the commit of an epoch happen once. The query's first commit to a table also notes where its checkpoint is.
    fn txn(&self, query: &SinkQuery, epoch: u64, head: &Head) -> Result<Txn> {
        let version = i64::try_from(epoch).map_err(|_| Error::internal(format!("epoch {epoch} does not fit a Delta txn version")))?;
        let own = txn_id::of_query(&query.id, self.id());
        if query.unnamed {
            return Ok(Txn { app_id: self.id().to_owned(), version, mark: Some(own) });
        }
        let mark = txn_id::of_checkpoint(query, self.id());
        let mark = head.txn_version(&mark).is_none().then_some(mark);
        Ok(Txn { app_id: own, version, mark })
    }

    async fn published(&self, query: &SinkQuery) -> Result<PublishedEpochs> {
        // With the check switched off, nobody remembers what was published: the fault test that does so must see rows doubled.
        if !txn_check_is_on() {
            return Ok(PublishedEpochs::default());
        }
        let head = self.opened()?.table.head().await?;
        Ok(txn_id::published(&head.txns, query, self.id(), self.name.is_some()))
    }

    /// Rows in the columns that the table had when it was opened.
    fn align(&self, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        let opened = self.opened()?;
        let what = format!("Delta table {}", opened.table.root().display());
        batches
            .iter()
            .filter(|batch| batch.num_rows() > 0)
            .map(|batch| Alignment::try_new(what.clone(), batch.schema_ref(), &opened.layout.table)?.apply(batch))
            .collect()
    }

    /// Whether an output of so many rows and bytes may travel inside the record.
    fn may_be_inline(&self, rows: u64, bytes: usize) -> bool {
        rows <= self.options.inline_max_rows as u64 && bytes <= self.options.inline_max_bytes
    }

    /// A small output as it travels inside the record; `None` when it is too large for that, or nothing.
    fn inline(&self, rows: &[RecordBatch]) -> Result<Option<Bytes>> {
        let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
        if count == 0 || !self.may_be_inline(count as u64, 0) {
            return Ok(None);
        }
        Ok(Some(to_stream(rows)?).filter(|bytes| bytes.len() <= self.options.inline_max_bytes))
    }

    /// Takes note that there is something to settle.
    fn touch(&self) {
        self.unsettled.store(true, Ordering::Release);
    }

    async fn settle(&self, query: &SinkQuery, epoch: u64) -> Result<()> {
        let opened = self.opened()?;
        if !self.unsettled.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let (table, staging, durable) = (opened.table.clone(), opened.staging.clone(), self.options.table.durable);
        let query = query.clone();
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        blocking(move || {
            if durable {
                table.core.log.sync()?;
            }
            // What is published is published, whatever becomes of the files that it was staged in; a later settle removes them too.
            if let Err(error) = staging.remove_named(&used).and_then(|()| staging.remove_up_to(&query, epoch)) {
                tracing::warn!("what epoch {epoch} had staged could not be removed, and is tried again after the next epoch: {error}");
            }
            Ok(())
        })
        .await
        .inspect_err(|_| self.touch())?;
        opened.table.spawn_upkeep(self.options.checkpoint_interval);
        Ok(())
    }

    /// Takes note of staged files that a publish has used up, by their names.
    fn used(&self, names: impl IntoIterator<Item = String>) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// Whose data files a publish writes: names of other queries never meet.
    fn naming(&self, query: &SinkQuery, what: &str) -> Naming {
        let query = if query.unnamed { String::new() } else { format!("{}\0", query.id) };
        Naming::Derived(format!("{query}{}\0{what}", self.id()))
    }

    async fn discard(&self, run: &SinkRun, from_epoch: u64) -> Result<()> {
        let (staging, run) = (self.opened()?.staging.clone(), run.clone());
        blocking(move || staging.discard(&run, from_epoch)).await
    }
}

/// Under which name a pinned schema holds the partition columns, beside the columns.
const PARTITION_COLUMNS: &str = "partitionColumns";

/// What is pinned of a table: its id, its columns, and by which of them it is partitioned, because staged files are cut by those.
fn target_of(head: &Head) -> Result<SinkTarget> {
    let mut schema: Value = serde_json::from_str(&head.metadata.schema_string)?;
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(PARTITION_COLUMNS.to_owned(), head.metadata.partition_columns.clone().into());
    }
    Ok(SinkTarget { id: head.metadata.id.clone(), schema, how: None })
}

/// The columns of a pinned schema, and the partition columns, which a record may leave out.
fn columns_and_partitions(mut schema: Value) -> (Value, Option<Value>) {
    let partitions = schema.as_object_mut().and_then(|schema| schema.remove(PARTITION_COLUMNS));
    (schema, partitions)
}

/// Refuses a table that is not the pinned one any more.
///
/// # Errors
/// `Data`, naming the table and what changed.
pub(crate) fn check_pinned(head: &Head, pinned: &SinkTarget) -> Result<()> {
    let now = target_of(head)?;
    let table = head.root.display();
    if now.id != pinned.id {
        return Err(Error::data(format!(
            "Delta table {table} was dropped and made anew while the query ran: its id was {}, it is {} now; \
             or start the query anew with a new checkpoint",
            pinned.id, now.id
        )));
    }
    let changed = |what: &str, from: &Value, to: &Value| {
        Err(Error::data(format!(
            "the {what} of Delta table {table} were changed while the query ran, from {from} to {to}; \
             change them back and start the query again, or start it anew with a new checkpoint and a new table"
        )))
    };
    let (columns, partitions) = columns_and_partitions(now.schema);
    let (pinned_columns, pinned_partitions) = columns_and_partitions(pinned.schema.clone());
    if columns != pinned_columns {
        return changed("columns", &pinned_columns, &columns);
    }
    match (&pinned_partitions, &partitions) {
        (Some(pinned), Some(now)) if pinned != now => changed("partition columns", pinned, now),
        _ => Ok(()),
    }
}

/// What a sink says of an epoch that another kind of sink has recorded.
fn recorded_by_another(location: &str, epoch: u64, this: &str) -> Error {
    Error::analysis(format!(
        "epoch {epoch} was recorded for Delta table {location} by another kind of sink, and this one is to {this}: start the query once as it was and \
         stop it in order, then change it"
    ))
}

/// Whether an epoch has any output: one without is not published at all.
fn any_rows(receipts: &[Receipt]) -> bool {
    receipts.iter().any(|receipt| receipt.rows > 0)
}

/// A publish that changed no row in place.
const NOTHING: Publish = Publish::Published { rows_updated: 0 };
