//! A sink that merges every epoch's rows into a Delta table by key. It stages values, never rewritten files: when another
//! writer gets in between, the merge is planned again from them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidemill_planner::key::stable_hash;
use tidemill_planner::seam::{Capability, Intake, Publish, PublishedEpochs, Receipt, Sink, SinkQuery, SinkRun, SinkTarget};
use tidemill_planner::{Error, Result};

use super::stage::{from_stream, read_file, to_file};
use super::{Base, NOTHING, SinkOptions, any_rows, check_pinned, recorded_by_another};
use crate::io::blocking;
use crate::merge::cache::nulls_in;
use crate::merge::check_request;
use crate::merge::source::{check_complete, describe_key, key_encoder, key_positions, two_rows_for_one_key};
use crate::merge::{ConditionLanguage, MergeCondition, MergeContext, MergeRequest};
use crate::schema::{from_delta_json, to_delta_json};
use crate::table::DeltaTable;

/// By epoch, the keys that were staged and the partition of each.
type SeenKeys = BTreeMap<u64, HashMap<Box<[u8]>, usize>>;

/// Merges each epoch into a Delta table by key, exactly once.
#[derive(Debug)]
pub struct DeltaMergeSink {
    base: Base,
    on: Vec<String>,
    condition: Option<MergeCondition>,
    /// What the conditions of records are written in.
    language: Option<Arc<dyn ConditionLanguage>>,
    /// The columns of the rows that come in, which the condition sees.
    source: OnceLock<SchemaRef>,
    /// How this program merges, as its own records say it: they need not be read again.
    ours: OnceLock<serde_json::Value>,
    /// The keys staged so far, by epoch: two rows with one key are refused before the record is written.
    seen: Mutex<SeenKeys>,
}

/// How the rows of an epoch are merged, as its record holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    on: Vec<String>,
    /// Where a matched row is updated, in the words of the condition's language; always where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    update_where: Option<String>,
    /// The columns that the condition sees as the source's, as Delta has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<serde_json::Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meta {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staged: Option<StagedRows>,
}

/// An Arrow IPC file that waits under `_tidemill_staged/`.
#[derive(Debug, Serialize, Deserialize)]
struct StagedRows {
    file: String,
    /// xxh3-64 of the file's bytes.
    checksum: u64,
}

impl DeltaMergeSink {
    /// A sink into the table at `location`, by the key columns `on`. With a `condition` over `source.*` and `target.*`, a
    /// matched row is updated only where it holds.
    pub fn new(
        name: Option<String>,
        location: impl Into<String>,
        on: Vec<String>,
        condition: Option<MergeCondition>,
        options: SinkOptions,
    ) -> Self {
        let base = Base::new(name, location, options);
        Self { base, on, condition, language: None, source: OnceLock::new(), ours: OnceLock::new(), seen: Mutex::default() }
    }

    /// What the conditions of records are written in: a record may hold one although this program's merge has none.
    #[must_use]
    pub fn with_language(mut self, language: Arc<dyn ConditionLanguage>) -> Self {
        self.language = Some(language);
        self
    }

    /// The table, once the sink is open.
    pub fn table(&self) -> Option<&DeltaTable> {
        self.base.opened.get().map(|opened| &opened.table)
    }

    /// How this program merges rows of `source` into `table`.
    fn how(&self, source: &Schema, table: &Schema) -> Result<How> {
        let update_where = self.condition.as_ref().map(|condition| condition.recorded(source, table)).transpose()?;
        // A type that Delta does not have is seen as the table has it.
        let source = update_where.as_ref().and_then(|_| to_delta_json(source).ok());
        Ok(How { on: self.on.clone(), update_where, source })
    }

    /// The keys, the condition and the source's columns of a recorded epoch. Records of releases that did not hold them are merged
    /// as this program merges.
    fn recorded(
        &self,
        target: &SinkTarget,
        another: impl Fn() -> Error,
    ) -> Result<(Vec<String>, Option<MergeCondition>, Option<SchemaRef>)> {
        let Some(how) = target.how.as_ref().filter(|how| self.ours.get() != Some(*how)) else {
            return Ok((self.on.clone(), self.condition.clone(), self.source.get().cloned()));
        };
        let how: How = serde_json::from_value(how.clone()).map_err(|_| another())?;
        let source = how.source.map(|json| from_delta_json(&json.to_string())).transpose()?;
        let condition = match (how.update_where, &self.language) {
            (None, _) => None,
            (Some(text), Some(language)) => Some(MergeCondition::read(&text, Arc::clone(language))?),
            (Some(text), None) => {
                return Err(Error::unsupported(format!(
                    "Delta table {}: an epoch was recorded with the condition `{text}`, and this sink reads no conditions: give it the \
                     language with `with_language`",
                    self.base.location
                )));
            }
        };
        Ok((how.on, condition, source))
    }

    fn seen(&self) -> MutexGuard<'_, SeenKeys> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a partition's keys; what an earlier attempt at the partition noted is forgotten.
    fn note_keys(&self, what: &str, schema: &SchemaRef, epoch: u64, partition: usize, rows: &[RecordBatch]) -> Result<()> {
        let on = key_positions(what, &self.on, schema)?;
        let encoder = key_encoder(schema, &on)?;
        let mut seen = self.seen();
        let keys = seen.entry(epoch).or_default();
        keys.retain(|_, owner| *owner != partition);
        for batch in rows {
            let columns: Vec<ArrayRef> = on.iter().map(|i| Arc::clone(batch.column(*i))).collect();
            let null = nulls_in(&columns)?;
            for (number, key) in encoder.encode(&columns)?.iter().enumerate() {
                if null.as_ref().is_some_and(|null| null[number]) {
                    continue;
                }
                if keys.insert(key.as_ref().into(), partition).is_some() {
                    return Err(two_rows_for_one_key(what, &describe_key(batch, &on, number)?));
                }
            }
        }
        Ok(())
    }

    fn forget_keys(&self, up_to: u64) {
        self.seen().retain(|epoch, _| *epoch > up_to);
    }
}

#[async_trait]
impl Sink for DeltaMergeSink {
    fn id(&self) -> &str {
        self.base.id()
    }

    fn description(&self) -> String {
        self.base.description("merge into")
    }

    fn capability(&self) -> Capability {
        Capability::Staged
    }

    async fn target_is_there(&self) -> Result<bool> {
        self.base.target_is_there().await
    }

    async fn open(&self, schema: SchemaRef) -> Result<SinkTarget> {
        // The keys are looked for in the rows first, so that a wrong name makes no table.
        key_positions(&format!("Delta table {}", self.base.location), &self.on, &schema)?;
        let target = self.base.open(Arc::clone(&schema)).await?;
        let opened = self.base.opened()?;
        check_complete(&format!("Delta table {}", self.base.location), &schema, &opened.layout.table)?;
        check_request(&opened.table, &schema, &opened.layout.table, &self.on, self.condition.as_ref())?;
        let how = serde_json::to_value(self.how(&schema, &opened.layout.table)?)?;
        let _ = self.ours.set(how.clone());
        // A second open of the same sink has the same columns.
        let _ = self.source.set(schema);
        Ok(SinkTarget { how: Some(how), ..target })
    }

    /// Two rows with one key may come from two tasks, and other attempts may deal rows otherwise: keys are compared when all rows are made.
    fn intake(&self) -> Intake {
        Intake::HeldWhole
    }

    async fn stage(&self, run: &SinkRun, epoch: u64, partition: usize, batches: Vec<RecordBatch>) -> Result<Receipt> {
        let opened = self.base.opened()?;
        let rows = self.base.align(&batches)?;
        let what = format!("Delta table {}", opened.table.root().display());
        self.note_keys(&what, &opened.layout.table, epoch, partition, &rows)?;
        let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
        let mut meta = Meta::default();
        let inline = self.base.inline(&rows)?;
        if count > 0 && inline.is_none() {
            self.base.touch();
            let staging = opened.staging.clone();
            let name = staging.new_name(run, epoch, partition, "arrow");
            meta.staged = blocking(move || {
                let bytes = to_file(&rows)?;
                staging.write(&name, &bytes)?;
                staging.sync()?;
                Ok(Some(StagedRows { file: name, checksum: stable_hash(&bytes) }))
            })
            .await?;
        }
        Ok(Receipt { meta: serde_json::to_value(meta)?, inline, rows: count as u64 })
    }

    async fn publish(&self, query: &SinkQuery, epoch: u64, target: &SinkTarget, receipts: &[Receipt]) -> Result<Publish> {
        self.forget_keys(epoch);
        if !any_rows(receipts) {
            return Ok(NOTHING);
        }
        let opened = self.base.opened()?;
        self.base.touch();
        let head = opened.table.head().await?;
        check_pinned(&head, target)?;
        let txn = self.base.txn(query, epoch, &head)?;
        if DeltaTable::has_txn(&head, Some(&txn)) {
            return Ok(Publish::AlreadyPublished);
        }
        let another = || recorded_by_another(&self.base.location, epoch, "merge");
        let (on, update_condition, columns) = self.recorded(target, another)?;
        let (mut source, mut used) = (Vec::new(), Vec::new());
        for receipt in receipts {
            if let Some(bytes) = &receipt.inline {
                source.extend(from_stream(bytes)?);
            }
            let meta: Meta = serde_json::from_value(receipt.meta.clone()).map_err(|_| another())?;
            if let Some(staged) = meta.staged {
                let path = opened.staging.path(&staged.file);
                used.push(staged.file);
                source.extend(blocking(move || read_file(&path, staged.checksum)).await?);
            }
        }
        let request = MergeRequest { on, source, update_condition, txn: Some(txn) };
        let context = MergeContext { pinned: Some(target), source: columns.as_ref(), settle_later: true };
        let metrics = opened.table.merge_in(request, context).await?;
        self.base.used(used);
        Ok(match metrics.version {
            Some(_) => Publish::Published { rows_updated: metrics.rows_updated },
            None => Publish::AlreadyPublished,
        })
    }

    async fn published(&self, query: &SinkQuery) -> Result<PublishedEpochs> {
        self.base.published(query).await
    }

    async fn settle(&self, query: &SinkQuery, epoch: u64) -> Result<()> {
        self.base.settle(query, epoch).await
    }

    async fn discard(&self, run: &SinkRun, from_epoch: u64) -> Result<()> {
        self.seen().retain(|epoch, _| *epoch < from_epoch);
        self.base.discard(run, from_epoch).await
    }
}
