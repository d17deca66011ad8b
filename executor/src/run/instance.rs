//! One run of a stage, or of its share on one executor: the plan instance that its tasks share, and what is done with their rows. Where an
//! instance comes from is told here and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use tidemill_planner::stage::{StageGraph, StageId, StageOutput};
use tidemill_planner::{Error, Result};

use super::RunContext;
use super::batch_rows::for_functions;
use super::figures::{Figures, OperatorStats};
use super::sink::{RootRows, RowSink};
use crate::files::texts_as_views;
use crate::operators::{MeasuredExec, OnceExec, TurnsExec};
use crate::shuffle::{Fate, ResultBytes};

/// How the tasks of a stage are spread, which decides what the instance of some of them may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Division {
    /// There is one executor: what fails is run again as a whole.
    OneExecutor,
    /// All on one of several executors. Readers may run again in parts: each task gives the same rows whenever it runs.
    OneShare,
    /// On several, with an instance each, in which some partitions are never run: nobody may wait for them, nor take their files.
    Shares,
}

/// A stage that runs, or a share of it.
#[derive(Debug)]
pub(super) struct StageRun {
    /// Of the whole stage.
    pub(super) tasks: usize,
    pub(super) division: Division,
    pub(super) output: StageOutput,
    pub(super) fate: Fate,
    /// How many rows its batches have.
    pub(super) batch_size: usize,
    /// Whether partitions of the instance share what they read and build.
    pub(super) shared: bool,
    /// Who takes the rows, where they are a root's that somebody waits for.
    pub(super) sink: Option<Arc<dyn RowSink>>,
    /// How many bytes of a root's rows are held for the caller.
    pub(super) result_bytes: Arc<ResultBytes>,
    /// The columns whose keys are noted, and how many bits a filter of them has at most.
    pub(super) gathers: (Vec<usize>, u64),
    plan: Arc<dyn ExecutionPlan>,
    enough: Option<Enough>,
    /// Whether somebody wants to know what its operators did.
    measured: bool,
    /// Those of the instance that its tasks share.
    figures: Option<Figures>,
}

/// How many rows are wanted of a stage, whichever they are, and how many its tasks have made.
#[derive(Debug)]
struct Enough {
    wanted: u64,
    made: AtomicU64,
}

impl StageRun {
    /// # Errors
    /// Those of nodes that cannot be put together anew; `Internal` where rows are delivered that others want as well.
    pub(super) fn new(graph: &StageGraph, id: StageId, context: &RunContext, division: Division) -> Result<Self> {
        let stage = graph.stage(id);
        let (sink, max_bytes) = root_rows(graph, id, context);
        if sink.is_some() && graph.is_shared(id) {
            return Err(Error::internal(format!("the rows of stage {id} would be delivered, and others want them")));
        }
        let fate = match () {
            () if sink.is_some() => Fate::Delivered,
            () if graph.roots.contains(&id) => Fate::Collected,
            () if graph.rows_are_read(id) => Fate::Shuffled,
            () => Fate::Counted,
        };
        let usual = context.task_ctx.session_config().batch_size();
        let (plan, batch_size) = for_functions(fresh(&stage.plan)?, usual)?;
        let shared = !stage.task_by_task;
        // Epochs are short: a filter that is learnt while they run comes too late.
        let plan = if shared && context.epoch.is_none() { filtered(texts_as_views(plan)?, context, division)? } else { plan };
        let plan = TurnsExec::within(OnceExec::within(plan)?)?;
        let measured = context.measured;
        let plan = if shared && measured { MeasuredExec::over_all(plan)? } else { plan };
        Ok(Self {
            tasks: stage.partitions,
            division,
            output: stage.output.clone(),
            fate,
            batch_size,
            shared,
            sink,
            result_bytes: Arc::new(ResultBytes::at_most(max_bytes)),
            gathers: (stage.gathers.clone(), context.adaptive.filters.most_bits),
            enough: stage.rows_wanted.map(|wanted| Enough { wanted: wanted as u64, made: AtomicU64::new(0) }),
            figures: (shared && measured).then(|| Figures::of(&plan, None)),
            measured,
            plan,
        })
    }

    /// Notes rows that a task has made.
    pub(super) fn made(&self, rows: usize) {
        if let Some(enough) = &self.enough {
            enough.made.fetch_add(rows as u64, Ordering::Relaxed);
        }
    }

    /// Whether its tasks have made all rows that anybody wants: those that still run may end.
    pub(super) fn has_enough(&self) -> bool {
        self.enough.as_ref().is_some_and(|enough| enough.made.load(Ordering::Relaxed) >= enough.wanted)
    }

    /// The plan that one attempt at a task runs a partition of.
    pub(super) fn instance(&self) -> Result<Arc<dyn ExecutionPlan>> {
        if self.shared {
            return Ok(Arc::clone(&self.plan));
        }
        let plan = fresh(&self.plan)?;
        Ok(if self.measured { MeasuredExec::over_all(plan)? } else { plan })
    }

    /// The figures of an attempt's own instance, before it runs.
    pub(super) fn figures_of(&self, own: &Arc<dyn ExecutionPlan>, partition: usize) -> Option<Figures> {
        (self.measured && !self.shared).then(|| Figures::of(own, Some(partition)))
    }

    /// What its operators did, where its tasks shared them and somebody wants to know.
    pub(super) fn operators(&self) -> Option<Vec<OperatorStats>> {
        self.figures.as_ref().map(Figures::read)
    }
}

/// Who takes the rows of a stage while they are made, where it is a root's; and how many bytes of them are held where nobody does, 0 for
/// any number.
pub(super) fn root_rows(graph: &StageGraph, id: StageId, context: &RunContext) -> (Option<Arc<dyn RowSink>>, u64) {
    let (mut sink, mut max_bytes) = (None, 0);
    for (_, rows) in graph.roots.iter().zip(&context.roots).filter(|(root, _)| **root == id) {
        match rows {
            RootRows::Delivered(to) => sink = Some(Arc::clone(to)),
            // Of two limits the lower one counts.
            RootRows::Held { max_bytes: limit } if *limit > 0 && (max_bytes == 0 || *limit < max_bytes) => max_bytes = *limit,
            RootRows::Held { .. } => {}
        }
    }
    (sink, max_bytes)
}

/// A plan instance that shares no run-time state with any other: build sides, filters, generators, queues of files.
fn fresh(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::clone(plan).transform_up(|node| Ok(Transformed::yes(node.reset_state()?))).data()?)
}

/// The plan with the filters that its joins, aggregates and sorts will learn pushed into its scans. It is done once for each instance:
/// what has been pushed would be pushed again, and the next run would inherit what this one has learnt.
fn filtered(plan: Arc<dyn ExecutionPlan>, context: &RunContext, division: Division) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.children().is_empty() {
        return Ok(plan);
    }
    let mut options: ConfigOptions = context.task_ctx.session_config().options().as_ref().clone();
    options.optimizer.enable_dynamic_filter_pushdown = true;
    // The filters of a join of partitions say which task a key is at, by the engine's own count of hashes and not by our buckets; and its
    // tasks wait for each other, as they do for a filter of any join.
    options.optimizer.enable_join_dynamic_filter_pushdown = division != Division::Shares && !joins_partitions(&plan);
    options.optimizer.enable_topk_dynamic_filter_pushdown = true;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = true;
    Ok(FilterPushdown::new_post_optimization().optimize(plan, &options)?)
}

fn joins_partitions(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let here = plan.downcast_ref::<HashJoinExec>().is_some_and(|join| *join.partition_mode() == PartitionMode::Partitioned);
    here || plan.children().into_iter().any(joins_partitions)
}
