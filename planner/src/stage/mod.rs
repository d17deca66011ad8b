//! The cut of physical plans into stages: what is exchanged, what is read whole, what is executed once. It runs nothing;
//! the executor does, in the order that [`schedule`] decides.
//!
//! ```text
//! root plans ── split ──► StageGraph
//!
//!   Aggregate(final)                         stage 1   Aggregate(final)
//!     Repartition(hash k, 2)        ──►                  StageRead(stage 0, hash k)
//!       Aggregate(partial)                   stage 0   Aggregate(partial)      ─► blocks [task][hash k → 2]
//!         Scan                                           Scan
//! ```

mod adapt;
mod coalesce;
mod exchange;
mod limits;
mod nature;
mod no_rows;
mod print;
mod read;
mod roots;
mod schedule;
mod side_port;
mod split;
mod unkeyed;

use std::fmt;
use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

pub use adapt::{
    AdaptiveSettings, Change, FilterSettings, Gathered, KeyNotes, Keys, Rule, SkewSettings, StageSize, TaskKeys, adapt, build_sides_first,
    filter_scans, filters_first, shown_bytes,
};
pub use coalesce::CoalesceExec;
pub use exchange::{ExchangeBy, ExchangeExec, RangeSteps};
pub use no_rows::NoRowsExec;
pub use print::line_of;
pub use read::{BlockPart, BlockReader, BlockRequest, Origin, Piece, ReadKind, StageInputs, StageReadExec};
pub use schedule::{Command, Event, GraphState, MAX_ATTEMPTS, TaskId, schedule};
pub use side_port::SidePortExec;
pub use split::split;
pub use unkeyed::UnkeyedExec;

/// A stage's place in its [`StageGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageId(pub usize);

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a task does with its rows.
#[derive(Debug, Clone)]
pub enum StageOutput {
    /// Task `i` writes partition `i`.
    Passthrough,
    /// Every task writes each row to the bucket of its key's hash. Buckets are more than the tasks that read them, and a task reads
    /// several: how many is decided when it is known how large they are.
    Hash {
        /// The key.
        exprs: Vec<Arc<dyn PhysicalExpr>>,
        /// How many buckets are written.
        buckets: usize,
    },
    /// Every task writes each row to the task that owns the key group of its key ([`crate::key`]), since what reads it keeps state by
    /// those groups.
    KeyGroups {
        /// The key.
        exprs: Vec<Arc<dyn PhysicalExpr>>,
        /// How many partitions are written, which is how many tasks read them.
        tasks: usize,
    },
    /// Every task writes its rows one after the other to each partition.
    InTurn {
        /// How many partitions are written.
        partitions: usize,
    },
    /// Every task writes each row to the partition whose number stands in its last column, and without that column.
    Numbered {
        /// How many partitions are written.
        partitions: usize,
    },
}

impl StageOutput {
    fn shown(&self) -> Option<String> {
        match self {
            Self::Passthrough => None,
            Self::Hash { exprs, buckets } => Some(format!("hash({}) into {buckets}", list(exprs.iter()))),
            Self::KeyGroups { exprs, tasks } => Some(format!("key groups({}) into {tasks}", list(exprs.iter()))),
            Self::InTurn { partitions } => Some(format!("in turn into {partitions}")),
            Self::Numbered { partitions } => Some(format!("ranges into {partitions}")),
        }
    }
}

/// One stage: a plan whose partitions are tasks that need nothing of each other.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its place in the graph.
    pub id: StageId,
    /// Every task runs one partition of it.
    pub plan: Arc<dyn ExecutionPlan>,
    /// How many tasks there are.
    pub partitions: usize,
    /// What becomes of the rows.
    pub output: StageOutput,
    /// The stages that [`StageReadExec`] leaves of the plan read, rising.
    pub inputs: Vec<StageId>,
    /// Stages that it does not read, but whose size decides how it is run, rising: it begins after them.
    pub after: Vec<StageId>,
    /// Whether each attempt at a task has a plan instance of its own, as what keeps state must. Where it has not, all tasks share one
    /// instance (a join's build table, its filters, the queue of files), and are run again together.
    pub task_by_task: bool,
    /// Whether running it again on the same rows gives the same rows, in whatever order: no `rand()`, no LIMIT without an order.
    pub repeatable: bool,
    /// How many rows are wanted of all its tasks together, whichever they are; `None` for all of them.
    pub rows_wanted: Option<usize>,
    /// The columns whose keys its tasks note while they write, rising: they are a filter for stages that have not begun.
    pub gathers: Vec<usize>,
    /// The stage that this one's plan has become a part of, or that wants its rows no more: it has no tasks of its own then.
    pub absorbed_by: Option<StageId>,
}

impl Stage {
    /// A stage that runs `plan`, as it was cut.
    pub(crate) fn new(id: StageId, plan: Arc<dyn ExecutionPlan>, output: StageOutput, task_by_task: bool) -> Self {
        let mut stage = Self {
            id,
            plan: Arc::clone(&plan),
            partitions: 0,
            output,
            inputs: Vec::new(),
            after: Vec::new(),
            task_by_task,
            repeatable: true,
            rows_wanted: None,
            gathers: Vec::new(),
            absorbed_by: None,
        };
        stage.set_plan(plan);
        stage
    }

    /// How many partitions its tasks write.
    pub fn output_partitions(&self) -> usize {
        match &self.output {
            StageOutput::Passthrough => self.partitions,
            StageOutput::Hash { buckets: parts, .. }
            | StageOutput::KeyGroups { tasks: parts, .. }
            | StageOutput::InTurn { partitions: parts }
            | StageOutput::Numbered { partitions: parts } => *parts,
        }
    }

    /// Whether its tasks wait for each other, so that all have to run at once.
    pub fn tasks_wait(&self) -> bool {
        nature::wait_for_each_other(&self.plan)
    }

    /// Whether operators of it hold rows of all their input while it runs.
    pub fn holds_rows(&self) -> bool {
        nature::holds_rows(&self.plan)
    }

    /// Whether its tasks may have several plan instances among them: none has to know what others have seen.
    pub fn is_divisible(&self) -> bool {
        !nature::needs_all_tasks(&self.plan)
    }

    /// Whether a task of it reads a part of a bucket, and others the rest.
    pub fn reads_pieces(&self) -> bool {
        nature::reads_pieces(&self.plan)
    }

    /// Sets what is run, and with it what that reads and how many tasks there are.
    pub(crate) fn set_plan(&mut self, plan: Arc<dyn ExecutionPlan>) {
        self.partitions = plan.output_partitioning().partition_count();
        self.inputs = inputs_of(&plan);
        // Rows that are dealt in turn are in other partitions when they come in another order.
        let in_turn = matches!(self.output, StageOutput::InTurn { .. });
        self.repeatable = self.rows_wanted.is_none() && !in_turn && nature::is_repeatable(&plan);
        self.plan = plan;
    }
}

/// The stages that a plan reads, rising.
fn inputs_of(plan: &Arc<dyn ExecutionPlan>) -> Vec<StageId> {
    fn collect(plan: &Arc<dyn ExecutionPlan>, inputs: &mut Vec<StageId>) {
        inputs.extend(plan.downcast_ref::<StageReadExec>().map(StageReadExec::stage));
        plan.children().into_iter().for_each(|child| collect(child, inputs));
    }
    let mut inputs = Vec::new();
    collect(plan, &mut inputs);
    inputs.sort_unstable();
    inputs.dedup();
    inputs
}

/// Stages in an order in which every stage stands after its inputs, when the graph is cut; what has not begun may change while it runs ([`adapt`]).
#[derive(Debug, Clone, Default)]
pub struct StageGraph {
    /// All stages; a stage's id is its index.
    pub stages: Vec<Stage>,
    /// The stage that gives each root's rows, in the order of the roots.
    pub roots: Vec<StageId>,
}

impl StageGraph {
    /// A stage by its id.
    pub fn stage(&self, id: StageId) -> &Stage {
        &self.stages[id.0]
    }

    /// Whether any task reads the rows (not just the side rows) of a stage, or they are a root's.
    pub fn rows_are_read(&self, id: StageId) -> bool {
        self.roots.contains(&id) || self.stages.iter().any(|stage| reads_rows(&stage.plan, id))
    }

    /// The graph as data: the stages that give the roots' rows, and of each stage its number, how many tasks it has, the stages that it
    /// reads, how it cuts its rows (null if it does not), and a line per operator, the last step first and what it reads below it.
    ///
    /// ```text
    /// {"stages": [{"id": 1, "tasks": 2, "inputs": [0], "output": "hash(k@0) into 2", "operators": ["SortExec: …", "  StageReadExec: …"]}, …],
    ///  "roots": [1]}
    /// ```
    pub fn to_json(&self) -> serde_json::Value {
        let number = |id: &StageId| id.0;
        let stage = |stage: &Stage| {
            let inputs: Vec<usize> = stage.inputs.iter().map(number).collect();
            let mut operators = Vec::new();
            operator_lines(&stage.plan, 0, &mut operators);
            let output = stage.output.shown();
            serde_json::json!({ "id": stage.id.0, "tasks": stage.partitions, "inputs": inputs, "output": output, "operators": operators })
        };
        let stages: Vec<serde_json::Value> = self.stages.iter().filter(|stage| stage.absorbed_by.is_none()).map(stage).collect();
        serde_json::json!({ "stages": stages, "roots": self.roots.iter().map(number).collect::<Vec<_>>() })
    }

    /// The stage and all before it, rising.
    pub fn upstream(&self, id: StageId) -> Vec<StageId> {
        self.before(id, |stage| stage.inputs.clone())
    }

    /// The stage and all that stages lead to it from, by the given steps; rising.
    fn before(&self, id: StageId, steps: impl Fn(&Stage) -> Vec<StageId>) -> Vec<StageId> {
        let mut within = vec![false; self.stages.len()];
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            if !std::mem::replace(&mut within[id.0], true) {
                next.extend(steps(self.stage(id)));
            }
        }
        (0..self.stages.len()).filter(|i| within[*i]).map(StageId).collect()
    }
}

fn reads_rows(plan: &Arc<dyn ExecutionPlan>, id: StageId) -> bool {
    let here = plan.downcast_ref::<StageReadExec>().is_some_and(|read| read.stage() == id && *read.kind() == ReadKind::Rows);
    here || plan.children().into_iter().any(|child| reads_rows(child, id))
}

/// A line per node, two spaces deeper than what reads it.
fn operator_lines(plan: &Arc<dyn ExecutionPlan>, depth: usize, lines: &mut Vec<String>) {
    lines.push(format!("{}{}", "  ".repeat(depth), line_of(plan)));
    plan.children().into_iter().for_each(|child| operator_lines(child, depth + 1, lines));
}

fn list(items: impl Iterator<Item = impl fmt::Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
