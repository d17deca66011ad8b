//! What every task of an epoch sees, and what one attempt hands back beside its rows. A batch run has a scope without an
//! epoch. Both travel as extensions of the task's session config; neither outlives the attempt.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use serde::{Deserialize, Serialize};

use super::Slice;
use super::state::{EmptyState, Overlay, StateRead};
use crate::{OperatorId, SourceId};

/// The two watermarks of an epoch, microseconds of event time; `i64::MIN` before any event (Spark's 0).
///
/// A stateful operator drops rows at or before `late` (the previous epoch's watermark) and emits and evicts what ends at or
/// before `eviction` (this epoch's), so that rows an upstream operator emits in an epoch are not late downstream in it
/// (Spark: `WatermarkPropagator.scala`, SPARK-40925).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermarks {
    /// At or before it, a row is late.
    pub late_us: i64,
    /// At or before it, state is final.
    pub eviction_us: i64,
}

impl Watermarks {
    /// Before any event.
    pub const NONE: Self = Self { late_us: i64::MIN, eviction_us: i64::MIN };
}

/// A side output of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// Rows that a watermark dropped: the operator's input columns, then `operator`, `watermark`, `epoch`.
    Late,
    /// Input that a source could not read as its schema says: `file`, `line`, `text`, `reason`. Of a whole file, `line` and `text`
    /// are null.
    Malformed,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Late => "late",
            Self::Malformed => "malformed",
        })
    }
}

/// One epoch's values, fixed before its first task runs and the same in every attempt.
#[derive(Debug)]
pub struct EpochContext {
    /// The epoch's number (Spark's `batchId`).
    pub epoch: u64,
    /// Milliseconds since the Unix epoch at which the epoch was cut.
    pub timestamp_ms: i64,
    /// What is late and what is final.
    pub watermarks: Watermarks,
    /// How many key groups the query has.
    pub key_groups: u16,
    /// What each source gives.
    pub slices: HashMap<SourceId, Arc<dyn Slice>>,
    /// The state lent to each operator's tasks, by partition.
    pub states: HashMap<OperatorId, Vec<Arc<dyn StateRead>>>,
}

/// Counters of one operator in one attempt; summed over tasks they are Spark's `stateOperators[]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorMetrics {
    /// Rows that reached the operator.
    pub rows_in: u64,
    /// Keys written.
    pub rows_updated: u64,
    /// Keys removed.
    pub rows_removed: u64,
    /// Rows that the watermark dropped (every one went to [`Port::Late`]).
    pub rows_dropped_by_watermark: u64,
    /// Duplicates left out.
    pub rows_dropped_as_duplicates: u64,
}

impl OperatorMetrics {
    /// Adds another attempt's counters.
    pub fn add(&mut self, other: &Self) {
        self.rows_in += other.rows_in;
        self.rows_updated += other.rows_updated;
        self.rows_removed += other.rows_removed;
        self.rows_dropped_by_watermark += other.rows_dropped_by_watermark;
        self.rows_dropped_as_duplicates += other.rows_dropped_as_duplicates;
    }
}

/// What an attempt leaves beside its rows. Only an accepted attempt's report counts.
#[derive(Debug, Default)]
pub struct TaskReport {
    /// Rows for the ports of operators and sources, by the operator's or source's name.
    pub side_rows: HashMap<(String, Port), Vec<RecordBatch>>,
    /// State changes.
    pub overlays: HashMap<OperatorId, Overlay>,
    /// The greatest event time that passed each watermark node, microseconds.
    pub event_time_max_us: HashMap<OperatorId, i64>,
    /// Counters.
    pub metrics: HashMap<OperatorId, OperatorMetrics>,
    /// Rows that each source gave, malformed ones included.
    pub source_rows: HashMap<SourceId, u64>,
}

/// The scope of one attempt at one task: an extension of its session config.
#[derive(Debug)]
pub struct TaskScope {
    /// The epoch, or `None` in a batch run.
    pub epoch: Option<Arc<EpochContext>>,
    report: Mutex<TaskReport>,
    counters: Mutex<HashMap<String, Arc<AtomicU64>>>,
}

impl TaskScope {
    /// A scope with an empty report.
    pub fn new(epoch: Option<Arc<EpochContext>>) -> Arc<Self> {
        Arc::new(Self { epoch, report: Mutex::new(TaskReport::default()), counters: Mutex::default() })
    }

    /// The scope that a task runs in; a plan that is run outside the executor gets an empty batch scope.
    pub fn of(context: &TaskContext) -> Arc<Self> {
        context.session_config().get_extension::<Self>().unwrap_or_else(|| Self::new(None))
    }

    /// The report, to add to.
    pub fn report(&self) -> MutexGuard<'_, TaskReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The report, taken away when the attempt is over.
    pub fn take_report(&self) -> TaskReport {
        std::mem::take(&mut *self.report())
    }

    /// The number of that name that the steps of this attempt count together, 0 at first.
    pub fn counter(&self, name: &str) -> Arc<AtomicU64> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(name.to_owned()).or_default())
    }

    /// The state that `operator` reads in `partition`.
    pub fn state(&self, operator: &OperatorId, partition: usize) -> Arc<dyn StateRead> {
        self.epoch.as_ref().and_then(|epoch| epoch.states.get(operator)?.get(partition).cloned()).unwrap_or_else(|| Arc::new(EmptyState))
    }

    /// The epoch's watermarks; a batch run has none, and everything is final at its end.
    pub fn watermarks(&self) -> Option<Watermarks> {
        self.epoch.as_ref().map(|epoch| epoch.watermarks)
    }

    /// Adds rows to a port of `owner`.
    pub fn emit_side(&self, owner: &str, port: Port, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.report().side_rows.entry((owner.to_owned(), port)).or_default().push(batch);
        }
    }
}
