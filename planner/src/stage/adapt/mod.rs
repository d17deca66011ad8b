//! What changes in a graph while it runs: pure rules over the stages that have not begun and the exact sizes of those that are done. The
//! first of them is an order: build sides run before what probes them, so that there is something to decide by.
//!
//! ```text
//! a stage is done ─► empty branch  what can give no rows any more is cut off, with the stages that only it would have read
//!                    broadcast     a small build side is read whole, and what probes it is not exchanged at all
//!                    swap sides    the side of a join that is smaller, or that alone fits in memory, is the one that is built
//!                    skew          a bucket that is much larger than the others is read by several tasks
//!                    coalesce      tasks read as many buckets as make a good share
//!                    sort merge    a join none of whose sides can be built in memory sorts both and merges them
//!                    filter        what has keys that are not among those of the other side is not exchanged
//! ```
//! Source of the rules: Spark's adaptive execution (`spark.sql.adaptive.*`), where a probe side that is already exchanged is read locally;
//! here it has not begun, and becomes part of the join's own stage.

mod broadcast;
mod coalesce;
mod empty;
mod filters;
mod order;
mod skew;
mod sort_merge;
mod swap;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::{ReadKind, Stage, StageGraph, StageId, StageOutput, StageReadExec};
use crate::Result;

pub use filters::{FilterSettings, Gathered, KeyNotes, Keys, TaskKeys, filter_scans, filters_first};
pub use order::build_sides_first;

/// Which rules hold, and by which figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdaptiveSettings {
    /// Whether anything changes at all.
    pub enabled: bool,
    /// Whether tasks read as many buckets as make a good share.
    pub coalesce: bool,
    /// The most bytes of a build side that is read whole by every task of its join; 0 for never.
    pub broadcast_bytes: u64,
    /// What a task should read, bytes.
    pub advisory_bytes: u64,
    /// What a task should at least read, bytes: no task is made for less.
    pub least_bytes: u64,
    /// How many tasks a stage has where nothing speaks against it.
    pub parallelism: usize,
    /// Which buckets of a join are read by several tasks; `None` for none.
    pub skew: Option<SkewSettings>,
    /// Whether a join none of whose sides can be built in memory sorts both and merges them.
    pub sort_merge: bool,
    /// What a task may hold of the side of a join that it builds, bytes; `None` until whoever runs the graph has said it.
    pub build_bytes: Option<u64>,
    /// Whether what can give no rows any more is cut off.
    pub empty_branches: bool,
    /// Whether, and how, rows are kept back by the keys of a join's other side.
    pub filters: FilterSettings,
}

/// When one bucket of a join's side counts as much larger than the others: both must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkewSettings {
    /// It has more than so many hundredths of what the middle one has.
    pub percent_of_median: u64,
    /// It has more bytes than this.
    pub threshold_bytes: u64,
}

impl SkewSettings {
    /// Spark's factor of five, and a threshold for tasks that cost next to nothing to start: Spark's 256 MB are four times what its tasks
    /// should read, while here a thread that has a bucket of 8 MB to itself already keeps the others waiting.
    pub const USUAL: Self = Self { percent_of_median: 500, threshold_bytes: 8 << 20 };
}

impl AdaptiveSettings {
    /// Nothing changes.
    pub fn off() -> Self {
        Self {
            enabled: false,
            coalesce: false,
            broadcast_bytes: 0,
            advisory_bytes: 0,
            least_bytes: 0,
            parallelism: 1,
            skew: None,
            sort_merge: false,
            build_bytes: None,
            empty_branches: false,
            filters: FilterSettings::off(),
        }
    }

    /// The usual figures for so many tasks.
    pub fn usual(parallelism: usize) -> Self {
        Self {
            enabled: true,
            coalesce: true,
            broadcast_bytes: 64 << 20,
            advisory_bytes: 64 << 20,
            least_bytes: 1 << 20,
            parallelism,
            skew: Some(SkewSettings::USUAL),
            sort_merge: true,
            build_bytes: None,
            empty_branches: true,
            filters: FilterSettings::usual(),
        }
    }
}

/// What a row takes in the hash table of a join beside its values, bytes: its hash and its number, in a table that is never full.
const ROW_IN_TABLE: u64 = 32;

/// How large a finished stage is, by written partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageSize {
    /// Rows.
    pub rows: Vec<u64>,
    /// Bytes in memory of those rows.
    pub bytes: Vec<u64>,
}

impl StageSize {
    fn all_bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }

    /// What a task holds that builds a hash table of the rows of these buckets.
    fn built(&self, buckets: Range<usize>) -> u64 {
        let sum = |of: &[u64]| of.get(buckets.clone()).unwrap_or_default().iter().sum::<u64>();
        sum(&self.bytes).saturating_add(sum(&self.rows).saturating_mul(ROW_IN_TABLE))
    }
}

/// A rule's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// A small build side is read whole.
    Broadcast,
    /// Tasks read several buckets.
    Coalesce,
    /// The other side of a join is built.
    SwapSides,
    /// Several tasks read one bucket of a join.
    Skew,
    /// A join sorts both sides and merges them.
    SortMerge,
    /// What gives no rows is not run.
    EmptyBranch,
    /// Rows whose keys the other side of a join has not are kept back.
    Filter,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broadcast => "broadcast",
            Self::Coalesce => "coalesce",
            Self::SwapSides => "swap sides",
            Self::Skew => "skew",
            Self::SortMerge => "sort merge",
            Self::EmptyBranch => "empty branch",
            Self::Filter => "filter",
        })
    }
}

/// One change of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Why.
    pub rule: Rule,
    /// The stage whose plan is another one, or which is not run.
    pub stage: StageId,
    /// What was seen and done, for people.
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {}: {}: {}", self.stage, self.rule, self.what)
    }
}

/// What the rules look at: sizes by stage, `None` for those that are not done, and which have begun.
struct Known<'a> {
    sizes: &'a [Option<StageSize>],
    begun: &'a dyn Fn(StageId) -> bool,
    settings: &'a AdaptiveSettings,
}

impl Known<'_> {
    fn size(&self, id: StageId) -> Option<&StageSize> {
        self.sizes.get(id.0).and_then(Option::as_ref)
    }

    /// Whether a stage's plan may still be another one. What keeps state stays as it was planned: its state goes by its tasks.
    fn may_change(&self, stage: &Stage) -> bool {
        stage.absorbed_by.is_none() && !stage.task_by_task && !(self.begun)(stage.id)
    }

    /// Whether it may be another one, and the size of all that it reads is known.
    fn is_next(&self, stage: &Stage) -> bool {
        self.may_change(stage) && stage.inputs.iter().all(|input| self.size(*input).is_some())
    }

    /// Whether one table of all rows of a stage has room in memory, as far as anybody has said what a task may hold.
    fn can_be_built_whole(&self, stage: StageId) -> bool {
        let fits = |most| self.size(stage).is_some_and(|size| size.built(0..size.bytes.len()) <= most);
        self.settings.build_bytes.is_none_or(fits)
    }

    /// Whether every bucket of such a stage can be built in memory, as far as anybody has said what a task may hold.
    fn can_be_built(&self, size: &StageSize) -> bool {
        self.settings.build_bytes.is_none_or(|most| (0..size.bytes.len()).all(|bucket| size.built(bucket..bucket + 1) <= most))
    }
}

/// Changes what has not begun, now that these sizes are known, and says what was changed.
///
/// # Errors
/// Those of nodes that cannot be put together anew.
pub fn adapt(
    graph: &mut StageGraph,
    sizes: &[Option<StageSize>],
    begun: &dyn Fn(StageId) -> bool,
    settings: &AdaptiveSettings,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    if !settings.enabled {
        return Ok(changes);
    }
    let known = Known { sizes, begun, settings };
    if settings.empty_branches {
        changes.extend(empty::apply(graph, &known)?);
    }
    while let Some(change) = broadcast::apply(graph, &known)? {
        changes.push(change);
    }
    while let Some(change) = swap::apply(graph, &known)? {
        changes.push(change);
    }
    while let Some(change) = skew::apply(graph, &known)? {
        changes.push(change);
    }
    if settings.coalesce {
        changes.extend(coalesce::apply(graph, &known)?);
    }
    while let Some(change) = sort_merge::apply(graph, &known)? {
        changes.push(change);
    }
    Ok(changes)
}

/// A join of two exchanges, both read bucket by bucket.
struct ExchangedJoin<'a> {
    node: &'a Arc<dyn ExecutionPlan>,
    join: &'a HashJoinExec,
    left: &'a StageReadExec,
    right: &'a StageReadExec,
}

/// The joins of a plan both of whose sides are read by buckets of their key, the lowest first.
fn exchanged_joins(plan: &Arc<dyn ExecutionPlan>) -> Vec<ExchangedJoin<'_>> {
    let mut found: Vec<_> = plan.children().into_iter().flat_map(exchanged_joins).collect();
    if let Some(join) = plan.downcast_ref::<HashJoinExec>()
        && *join.partition_mode() == PartitionMode::Partitioned
        && let (Some(left), Some(right)) = (join.left().downcast_ref::<StageReadExec>(), join.right().downcast_ref::<StageReadExec>())
        && left.buckets().is_some()
        && right.buckets().is_some()
    {
        found.push(ExchangedJoin { node: plan, join, left, right });
    }
    found
}

/// The plan with one of its nodes replaced.
fn replaced(plan: &Arc<dyn ExecutionPlan>, old: &Arc<dyn ExecutionPlan>, new: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let replaced = Arc::clone(plan).transform_down(|node| {
        if Arc::ptr_eq(&node, old) {
            return Ok(Transformed::new(Arc::clone(new), true, TreeNodeRecursion::Jump));
        }
        Ok(Transformed::no(node))
    });
    Ok(replaced?.data)
}

/// Whether every node of the plan gets its rows distributed and in order as it needs them.
fn holds(plan: &Arc<dyn ExecutionPlan>) -> bool {
    SanityCheckPlan::new().optimize(Arc::clone(plan), &ConfigOptions::default()).is_ok()
}

/// Sets a stage's plan, and lets those that read it partition by partition follow; `false`, and the graph is to be thrown away, where
/// one of them cannot.
fn set_plan(graph: &mut StageGraph, id: StageId, plan: Arc<dyn ExecutionPlan>, known: &Known<'_>) -> Result<bool> {
    if !holds(&plan) {
        return Ok(false);
    }
    let before = graph.stage(id).plan.output_partitioning().clone();
    graph.stages[id.0].set_plan(plan);
    if graph.stage(id).plan.output_partitioning() == &before || !matches!(graph.stage(id).output, StageOutput::Passthrough) {
        return Ok(true);
    }
    let now = Arc::clone(&graph.stage(id).plan);
    for reader in (0..graph.stages.len()).map(StageId) {
        let followed = Arc::clone(&graph.stage(reader).plan).transform_up(|node| match node.downcast_ref::<StageReadExec>() {
            Some(read) if read.stage() == id && *read.kind() == ReadKind::Rows && !read.reads_whole() => {
                let read = StageReadExec::partitioned(id, now.equivalence_properties().clone(), now.output_partitioning().clone());
                Ok(Transformed::yes(Arc::new(read) as Arc<dyn ExecutionPlan>))
            }
            _ => Ok(Transformed::no(node)),
        })?;
        if followed.transformed && !(known.may_change(graph.stage(reader)) && set_plan(graph, reader, followed.data, known)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many leaves of the graph read a stage, in any way.
fn reads_of(graph: &StageGraph, id: StageId) -> usize {
    fn count(plan: &Arc<dyn ExecutionPlan>, id: StageId) -> usize {
        let here = usize::from(plan.downcast_ref::<StageReadExec>().is_some_and(|read| read.stage() == id));
        here + plan.children().into_iter().map(|child| count(child, id)).sum::<usize>()
    }
    graph.stages.iter().filter(|stage| stage.absorbed_by.is_none()).map(|stage| count(&stage.plan, id)).sum()
}

/// Bytes as people read them.
pub fn shown_bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
