//! What a query is made of: everything that the session worked out before the first epoch.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::TaskContext;
use tidemill_executor::pool::Engine;
use tidemill_planner::seam::{Clock, Sink, StreamSource, SystemClock};
use tidemill_planner::stage::StageGraph;
use tidemill_planner::{OperatorId, key};

use super::{Phase, PhaseObserver};
use crate::record::OperatorInfo;
use crate::state::{ImagePolicy, Retention};
use crate::trigger::Trigger;

/// A planned query: one root of the graph per sink, in order.
#[derive(Debug, Clone)]
pub struct QueryPlan {
    /// The stages, planned once.
    pub graph: StageGraph,
    /// Settings and runtime that every task sees.
    pub task_ctx: Arc<TaskContext>,
    /// The sources that the plan reads, each once.
    pub sources: Vec<Arc<dyn StreamSource>>,
    /// The operators that keep state, with their tasks.
    pub operators: Vec<OperatorInfo>,
    /// The watermark nodes and their delays, microseconds.
    pub watermarks: Vec<(OperatorId, i64)>,
    /// Where the roots' rows go. The root of one that takes rows as they are made has a stage of its own.
    pub sinks: Vec<Arc<dyn Sink>>,
    /// Whether a watermark alone can make rows or end state, so that an epoch without data is worth running.
    pub acts_on_watermark: bool,
}

/// How a query runs.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// The user's name for it.
    pub name: Option<String>,
    /// The checkpoint directory.
    pub checkpoint: PathBuf,
    /// Whether the checkpoint goes with the query.
    pub temporary: bool,
    /// When epochs run.
    pub trigger: Trigger,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What runs the stages.
    pub engine: Engine,
    /// How many bytes an epoch's rows may take that a sink is given when all are made ([`Intake::Held`]); 0 for any number.
    ///
    /// [`Intake::Held`]: tidemill_planner::seam::Intake::Held
    pub max_held_bytes: u64,
    /// How often images are written.
    pub images: ImagePolicy,
    /// What is kept.
    pub retention: Retention,
    /// Settings that hold for the life of the checkpoint.
    pub settings: BTreeMap<String, String>,
    /// How many key groups a new checkpoint gets.
    pub key_groups: u16,
    /// Sinks that an earlier version of the query had and whose unpublished output is given up.
    pub abandoned_sinks: Vec<String>,
    /// Who is told of the phases.
    pub observer: Option<Arc<dyn PhaseObserver>>,
}

impl QueryOptions {
    /// The defaults: epochs as soon as there is data, and [`Retention::default`].
    pub fn new(engine: Engine, checkpoint: impl Into<PathBuf>) -> Self {
        Self {
            name: None,
            checkpoint: checkpoint.into(),
            temporary: false,
            trigger: Trigger::ProcessingTime(0),
            clock: Arc::new(SystemClock),
            engine,
            max_held_bytes: 0,
            images: ImagePolicy::default(),
            retention: Retention::default(),
            settings: BTreeMap::new(),
            key_groups: key::DEFAULT_KEY_GROUPS,
            abandoned_sinks: Vec::new(),
            observer: None,
        }
    }

    /// Tells the observer, if there is one, that `phase` of `epoch` begins.
    pub(super) fn enter(&self, epoch: u64, phase: Phase) {
        if let Some(observer) = &self.observer {
            observer.enter(epoch, phase);
        }
    }
}
