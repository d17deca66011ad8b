//! The entries as values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidemill_planner::seam::state::StateTypes;
use tidemill_planner::seam::{Offset, Receipt, SinkTarget, Watermarks};
use tidemill_planner::{OperatorId, SourceId};

use crate::state::StateChange;
use crate::watermark::WatermarkState;

/// One entry of a query's log.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A run has begun: the fence against every earlier one.
    Start(Start),
    /// What an epoch will read, for queries with sinks that cannot stage.
    Promise(Promise),
    /// What an epoch read, changed and is going to publish: its one point of no return.
    Epoch(EpochRecord),
    /// A run has ended in order.
    Stop(Stop),
}

impl Entry {
    /// The run that wrote it.
    pub fn run_id(&self) -> &str {
        match self {
            Self::Start(start) => &start.run_id,
            Self::Promise(promise) => &promise.run_id,
            Self::Epoch(epoch) => &epoch.run_id,
            Self::Stop(stop) => &stop.run_id,
        }
    }
}

/// A run of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The run: new at each start.
    pub run_id: String,
    /// The query: the same for the life of the checkpoint.
    pub query_id: String,
    /// The user's name for the query, if any.
    pub query_name: Option<String>,
    /// The last record or promise in the log when the run began, by its number; `None` when there was none. Runs in between that
    /// began, found nothing to do and ended may be cleaned up: the numbers from there to this entry's own hide no record.
    pub follows: Option<u64>,
    /// When the run began, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Whether the run before had ended in order, or there was none: then this entry fences nobody, and goes with its run's records.
    /// Earlier releases did not say.
    #[serde(default)]
    pub after_orderly_end: bool,
    /// Whether what the run publishes carries the query's id; releases that wrote the sink's id alone did not say.
    #[serde(default)]
    pub commits_name_query: bool,
    /// Whether operators are named after what the program says; earlier releases named them after the engine's plans, and did not say.
    #[serde(default)]
    pub operators_by_program: bool,
    /// The release that runs.
    pub tidemill_version: String,
    /// The settings that hold for the life of the checkpoint.
    pub settings: BTreeMap<String, String>,
    /// How many key groups state and routing have, for the life of the checkpoint.
    pub key_groups: u16,
    /// The stateful operators.
    pub operators: Vec<OperatorInfo>,
    /// The sources.
    pub sources: Vec<SourceInfo>,
    /// The sinks.
    pub sinks: Vec<SinkInfo>,
}

/// A stateful operator as a run had it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorInfo {
    /// Its identity.
    pub id: OperatorId,
    /// Its kind, as a person would say it.
    pub name: String,
    /// How many tasks it has.
    pub tasks: usize,
    /// The types of what it keeps in state, which another program may not read as others; earlier releases did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<StateTypes>,
}

/// A source as a run had it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Its identity.
    pub id: SourceId,
    /// Spark's `sources[].description`.
    pub description: String,
}

/// A sink as a run had it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinkInfo {
    /// Its identity.
    pub id: String,
    /// Spark's `sink.description`.
    pub description: String,
    /// What it writes to.
    pub target: SinkTarget,
}

/// What an epoch is made of, fixed before it runs: enough to run it again, the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The epoch (Spark's `batchId`).
    pub epoch: u64,
    /// When it was cut, milliseconds since the Unix epoch; `now()` in the query.
    pub timestamp_ms: i64,
    /// What was late and what was final.
    pub watermarks: Watermarks,
    /// What each source gave.
    pub sources: Vec<SourceCut>,
    /// The settings that the plan was made with.
    pub settings: BTreeMap<String, String>,
    /// The versions of static tables.
    pub table_versions: BTreeMap<String, u64>,
}

/// One source's part of an epoch: the rows after `from` up to and including `to`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceCut {
    /// The source.
    pub id: SourceId,
    /// Where the epoch began; `None` at the source's beginning.
    pub from: Option<Offset>,
    /// Where it ended; the same as `from` when there was nothing new.
    pub to: Option<Offset>,
}

/// An epoch that is going to run, however often it takes, with just this input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The run.
    pub run_id: String,
    /// The input.
    pub cut: Cut,
}

/// An epoch that has run.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochRecord {
    /// The run.
    pub run_id: String,
    /// The input.
    pub cut: Cut,
    /// Rows that each source gave, malformed ones included.
    pub source_rows: BTreeMap<SourceId, u64>,
    /// The watermarks after it, by which the next epoch runs.
    pub next_watermarks: WatermarkState,
    /// What the stateful operators changed.
    pub state: Vec<StateChange>,
    /// What goes to the sinks.
    pub sinks: Vec<SinkManifest>,
    /// The last epoch that every sink had settled when this was written.
    pub settled: Option<u64>,
    /// Figures for people: rows, timings.
    pub metrics: serde_json::Value,
}

impl EpochRecord {
    /// The epoch's number.
    pub fn epoch(&self) -> u64 {
        self.cut.epoch
    }
}

/// What an epoch gives to one sink.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkManifest {
    /// The sink's id.
    pub sink: String,
    /// Whether the output was staged and is still to be published; else it was visible as it was written.
    pub staged: bool,
    /// The target as it was pinned when the query started.
    pub target: SinkTarget,
    /// The staged output, by partition.
    pub receipts: Vec<Receipt>,
}

impl SinkManifest {
    /// Rows staged.
    pub fn rows(&self) -> u64 {
        self.receipts.iter().map(|receipt| receipt.rows).sum()
    }
}

/// An orderly end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// The run.
    pub run_id: String,
    /// When it ended, milliseconds since the Unix epoch.
    pub stopped_ms: i64,
    /// The last epoch that every sink has settled.
    pub settled: Option<u64>,
}
