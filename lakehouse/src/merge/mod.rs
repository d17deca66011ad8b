//! MERGE as upsert: source rows replace the target rows of their key, the others are inserted. Only files that hold a
//! matching row are rewritten.
//!
//! ```text
//! source ─ one row per key? ─► key ranges ─ statistics ─► candidate files
//!                                                            │ keys (remembered per file)
//!                                 condition ◄── pairs ◄──── probe
//!                                     ▼
//!                 touched files ─ replace rows ─┐
//!                 unmatched rows ── insert ─────┼─ fold small ones ─► new files ─► commit (remove + add + txn)
//!                 small files ── take along ────┘                        │ lost the race? plan again on the new snapshot
//! ```

pub(crate) mod cache;
mod condition;
mod fold;
mod probe;
mod read;
mod rewrite;
pub(crate) mod source;
mod write;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tidemill_planner::seam::SinkTarget;
use tidemill_planner::{Error, Result};

use crate::commit::conflict::Reads;
use crate::commit::{Attempt, Operation, Proposal, Txn};
use crate::io::blocking;
use crate::sink::check_pinned;
use crate::snapshot::Snapshot;
use crate::table::DeltaTable;
use crate::write::remove_unnamed;
pub use condition::{ConditionLanguage, MergeCondition};
use source::{Source, check_complete, key_positions};

/// How often a merge is planned again before it gives the table up as too busy.
const ATTEMPTS: usize = 100;

/// An upsert.
#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// The columns that make the key.
    pub on: Vec<String>,
    /// One row per key; every column of the table, by name and without regard to case.
    pub source: Vec<RecordBatch>,
    /// Whether a matched row is updated, over `source.*` and `target.*`; always where there is none.
    pub update_condition: Option<MergeCondition>,
    /// Makes the merge happen once.
    pub txn: Option<Txn>,
}

/// What a merge did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeMetrics {
    /// The version that it made; `None` when the table held its txn already, or there was nothing to write.
    pub version: Option<u64>,
    /// Target rows replaced.
    pub rows_updated: u64,
    /// Source rows inserted.
    pub rows_inserted: u64,
    /// Target rows written again as they were.
    pub rows_copied: u64,
    /// Data files added.
    pub files_added: u64,
    /// Data files removed.
    pub files_removed: u64,
}

/// What surrounds a merge that a sink runs; a user's merge has nothing of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MergeContext<'a> {
    /// What the table must still be.
    pub(crate) pinned: Option<&'a SinkTarget>,
    /// The source's columns as they were before its rows were brought into the table's.
    pub(crate) source: Option<&'a SchemaRef>,
    /// Whether the log's folder is synced by a later call.
    pub(crate) settle_later: bool,
}

impl DeltaTable {
    /// Runs an upsert as one commit.
    ///
    /// # Errors
    /// `Data`, naming the key, for two source rows with one key; `Analysis` for columns or a condition that do not fit;
    /// `OutcomeUnknown` as for [`DeltaTable::append`].
    pub async fn merge(&self, request: MergeRequest) -> Result<MergeMetrics> {
        self.merge_in(request, MergeContext::default()).await
    }

    pub(crate) async fn merge_in(&self, request: MergeRequest, context: MergeContext<'_>) -> Result<MergeMetrics> {
        let request = Arc::new(request);
        let mut why_again = String::new();
        for _ in 0..ATTEMPTS {
            let started = Instant::now();
            let snapshot = self.snapshot().await?;
            if DeltaTable::has_txn(snapshot.head(), request.txn.as_ref()) {
                if !context.settle_later {
                    self.settle_txn(request.txn.as_ref()).await?;
                }
                return Ok(MergeMetrics::default());
            }
            if let Some(pinned) = context.pinned {
                check_pinned(snapshot.head(), pinned)?;
            }
            let plan = self.plan(&snapshot, &request, context.source).await?;
            if plan.is_empty() && request.txn.is_none() {
                return Ok(MergeMetrics::default());
            }
            let mut metrics = plan.metrics();
            let (outputs, reads, removes, on) = self.write_merge(&snapshot, plan).await?;
            metrics.files_added = outputs.len() as u64;
            let proposal = Proposal {
                planned_at: Some(snapshot.version()),
                protocol: None,
                new_metadata: None,
                metadata: Arc::clone(&snapshot.head().metadata),
                adds: outputs.iter().map(|o| o.add.clone()).collect(),
                removes: removes.clone(),
                reads,
                txn: request.txn.clone(),
                operation: operation(&request, &metrics, started),
                settle_later: context.settle_later,
            };
            fail::fail_point!("lakehouse::merge.before_commit");
            match self.core.commit(proposal).await? {
                Attempt::Done(version) => {
                    fail::fail_point!("lakehouse::merge.after_commit");
                    for file in &removes {
                        self.core.cache.forget(&file.add().path, snapshot.schema(), &on);
                    }
                    for output in &outputs {
                        output.remember(&self.core.cache, snapshot.schema(), &on);
                    }
                    metrics.version = Some(version);
                    return Ok(metrics);
                }
                Attempt::AlreadyDone => {
                    self.remove_orphans(outputs).await?;
                    return Ok(MergeMetrics::default());
                }
                Attempt::RunAgain(why) => {
                    tracing::debug!(table = %self.root().display(), why, "merge is planned again");
                    why_again = why;
                    self.remove_orphans(outputs).await?;
                }
            }
        }
        Err(Error::conflict(format!(
            "MERGE into Delta table {} was planned {ATTEMPTS} times and another writer was faster each time (last: {why_again}); \
             let fewer writers merge at once",
            self.root().display()
        )))
    }

    async fn remove_orphans(&self, outputs: Vec<write::Output>) -> Result<()> {
        let root = self.root().to_path_buf();
        blocking(move || {
            remove_unnamed(&root, outputs.iter().map(|output| &output.add));
            Ok(())
        })
        .await
    }

    async fn plan(&self, snapshot: &Arc<Snapshot>, request: &Arc<MergeRequest>, source: Option<&SchemaRef>) -> Result<probe::Plan> {
        let (table, snapshot, request) = (self.clone(), Arc::clone(snapshot), Arc::clone(request));
        let columns = source.cloned().or_else(|| request.source.first().map(RecordBatch::schema));
        let prepared = blocking(move || {
            let what = format!("Delta table {}", table.root().display());
            let on = key_positions(&what, &request.on, snapshot.schema())?;
            request.source.iter().try_for_each(|batch| check_complete(&what, batch.schema_ref(), snapshot.schema()))?;
            let rows = table.align(snapshot.head(), &request.source)?;
            let source = Arc::new(Source::try_new(&what, snapshot.schema(), &on, &rows)?);
            let columns = columns.as_ref().unwrap_or(snapshot.schema());
            let condition = request.update_condition.as_ref().map(|c| c.bound(columns, snapshot.schema())).transpose()?;
            Ok(probe::Probe { core: Arc::clone(&table.core), snapshot, on, source, condition })
        })
        .await?;
        probe::run(Arc::new(prepared)).await
    }
}

fn operation(request: &MergeRequest, metrics: &MergeMetrics, started: Instant) -> Operation {
    let predicate: Vec<String> = request.on.iter().map(|c| format!("(target.{c} = source.{c})")).collect();
    let matched = match &request.update_condition {
        None => r#"[{"actionType":"update"}]"#.to_owned(),
        Some(condition) => serde_json::json!([{"predicate": condition.to_string(), "actionType": "update"}]).to_string(),
    };
    Operation {
        name: "MERGE",
        parameters: vec![
            ("predicate", predicate.join(" AND ")),
            ("matchedPredicates", matched),
            ("notMatchedPredicates", r#"[{"actionType":"insert"}]"#.to_owned()),
            ("notMatchedBySourcePredicates", "[]".to_owned()),
        ],
        metrics: vec![
            ("numSourceRows", request.source.iter().map(|b| b.num_rows() as u64).sum()),
            ("numTargetRowsUpdated", metrics.rows_updated),
            ("numTargetRowsInserted", metrics.rows_inserted),
            ("numTargetRowsDeleted", 0),
            ("numTargetRowsCopied", metrics.rows_copied),
            ("numOutputRows", metrics.rows_updated + metrics.rows_inserted + metrics.rows_copied),
            ("numTargetFilesAdded", metrics.files_added),
            ("numTargetFilesRemoved", metrics.files_removed),
            ("executionTimeMs", started.elapsed().as_millis() as u64),
        ],
    }
}

/// What a merge depends on, for the conflict check.
fn reads_of(source: &Source, matched_files: Vec<String>) -> Reads {
    Reads::Keys { ranges: source.ranges.clone(), files: matched_files }
}

/// Refuses keys and a condition that do not fit rows of `source` and the table's of `target`, before any row is there.
///
/// # Errors
/// `Analysis`, naming the column.
pub(crate) fn check_request(
    table: &DeltaTable,
    source: &SchemaRef,
    target: &SchemaRef,
    on: &[String],
    condition: Option<&MergeCondition>,
) -> Result<()> {
    key_positions(&format!("Delta table {}", table.root().display()), on, target)?;
    condition.map_or(Ok(()), |condition| condition.check(source, target))
}
