//! `split`: plans are cut at every exchange, at every operator that several consumers share, and below build sides that
//! every task reads. What the cut may not change is the answer; the order of rows within a partition follows the blocks.
//!
//! ```text
//! Repartition(hash)           a stage that writes by hash; the node becomes a StageRead
//! CoalescePartitions, SPM     cut below; the node stays, over a StageRead
//! join with collected left    the left side is a stage, read whole by every task of the join
//!   … that emits unmatched    and the right side is gathered: only one task may say what found no match
//! shared operator, side port  a stage, once
//! recursive query             one task, uncut: its terms share a work table
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::physical_expr::{Distribution, Partitioning};
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, PartitionMode, PiecewiseMergeJoinExec};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::{ReadKind, SidePortExec, Stage, StageGraph, StageId, StageOutput, StageReadExec};
use crate::{Error, Result};

type Plan = Arc<dyn ExecutionPlan>;

/// Cuts `roots`, one per sink, into one graph. `identity` names the operators that are to be executed once wherever they
/// occur; `None` for all others.
///
/// # Errors
/// `Unsupported` for plans that cannot run as tasks that need nothing of each other; `Internal` when the cut left an
/// exchange, or when two occurrences of one operator differ.
pub fn split(roots: Vec<Plan>, identity: &dyn Fn(&Plan) -> Option<String>) -> Result<StageGraph> {
    let shared = shared_operators(&roots, identity);
    let mut cutter = Cutter { identity, shared, stages: Vec::new(), by_identity: HashMap::new() };
    let mut ids = Vec::with_capacity(roots.len());
    for root in roots {
        let plan = cutter.visit(&root)?;
        ids.push(match plan.downcast_ref::<StageReadExec>() {
            // A root that only reads a whole stage, partition by partition, is that stage.
            Some(read) if *read.kind() == ReadKind::Rows && !read.reads_whole() && cutter.is_passthrough(read.stage()) => read.stage(),
            _ => cutter.stage(plan, StageOutput::Passthrough),
        });
    }
    let graph = StageGraph { stages: cutter.stages, roots: ids };
    graph.stages.iter().try_for_each(|stage| check(&stage.plan))?;
    Ok(graph)
}

/// The operators that more than one place of the roots reads, each occurrence's input counted once.
fn shared_operators(roots: &[Plan], identity: &dyn Fn(&Plan) -> Option<String>) -> HashSet<String> {
    fn count(plan: &Plan, identity: &dyn Fn(&Plan) -> Option<String>, seen: &mut HashSet<String>, shared: &mut HashSet<String>) {
        if let Some(id) = identity(plan)
            && !seen.insert(id.clone())
        {
            shared.insert(id);
            return;
        }
        for child in plan.children() {
            if plan.is::<SidePortExec>() {
                shared.extend(identity(child));
            }
            count(child, identity, seen, shared);
        }
    }
    let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
    for root in roots {
        count(root, identity, &mut seen, &mut shared);
    }
    shared
}

struct Cutter<'a> {
    identity: &'a dyn Fn(&Plan) -> Option<String>,
    shared: HashSet<String>,
    stages: Vec<Stage>,
    by_identity: HashMap<String, StageId>,
}

impl Cutter<'_> {
    /// The plan with every exchange below it cut, itself a read where it is an exchange or shared.
    fn visit(&mut self, plan: &Plan) -> Result<Plan> {
        if let Some(side) = plan.downcast_ref::<SidePortExec>() {
            let stage = self.stage_of(side.input())?;
            let tasks = self.stages[stage.0].partitions;
            return Ok(Arc::new(StageReadExec::side(stage, side.owner().to_owned(), side.port(), side.schema(), tasks)));
        }
        match (self.identity)(plan) {
            Some(id) if self.shared.contains(&id) => {
                let stage = self.shared_stage(id, plan)?;
                Ok(Arc::new(self.read_partitions(stage)))
            }
            _ => self.cut(plan),
        }
    }

    /// The stage that runs `plan` alone; an operator with an identity has just one.
    fn stage_of(&mut self, plan: &Plan) -> Result<StageId> {
        if let Some(id) = (self.identity)(plan) {
            return self.shared_stage(id, plan);
        }
        let plan = self.cut(plan)?;
        Ok(self.stage(plan, StageOutput::Passthrough))
    }

    fn shared_stage(&mut self, id: String, plan: &Plan) -> Result<StageId> {
        let Some(stage) = self.by_identity.get(&id).copied() else {
            let cut = self.cut(plan)?;
            let stage = self.stage(cut, StageOutput::Passthrough);
            self.by_identity.insert(id, stage);
            return Ok(stage);
        };
        let first = &self.stages[stage.0];
        if first.plan.schema() != plan.schema() || first.partitions != plan.output_partitioning().partition_count() {
            return Err(Error::internal(format!(
                "operator {id} occurs with {} columns in {} partitions and with {} in {}: it cannot be executed once; report this plan",
                first.plan.schema().fields().len(),
                first.partitions,
                plan.schema().fields().len(),
                plan.output_partitioning().partition_count(),
            )));
        }
        Ok(stage)
    }

    fn cut(&mut self, plan: &Plan) -> Result<Plan> {
        if let Some(exchange) = plan.downcast_ref::<RepartitionExec>() {
            return self.cut_repartition(exchange);
        }
        if plan.is::<RecursiveQueryExec>() || plan.is::<AnalyzeExec>() {
            return serial(plan);
        }
        if plan.is::<ScalarSubqueryExec>() {
            return Err(Error::unsupported(
                "a scalar subquery was planned as an operator of its own, which stages cannot share: \
                 set datafusion.optimizer.enable_physical_uncorrelated_scalar_subquery to false",
            ));
        }
        let mut children = plan.children().into_iter().map(|child| self.visit(child)).collect::<Result<Vec<_>>>()?;
        if plan.is::<CoalescePartitionsExec>() || plan.is::<SortPreservingMergeExec>() {
            for child in &mut children {
                if tasks_of(child) != 1 {
                    *child = self.exchange(Arc::clone(child), plan.is::<CoalescePartitionsExec>());
                }
            }
        } else if children.len() > 1 && tasks_of(plan) != 1 {
            self.cut_build_sides(plan, &mut children)?;
        }
        Ok(replace_children_if_necessary(Arc::clone(plan), children)?)
    }

    fn cut_repartition(&mut self, exchange: &RepartitionExec) -> Result<Plan> {
        let child = self.visit(exchange.input())?;
        match exchange.partitioning() {
            Partitioning::Hash(exprs, tasks) => {
                let writers = tasks_of(&child);
                let stage = self.stage(child, StageOutput::Hash { exprs: exprs.clone(), tasks: *tasks });
                let equivalences = exchange.properties().equivalence_properties().clone();
                let merged_order = (writers > 1 && exchange.preserve_order()).then(|| equivalences.output_ordering()).flatten();
                let partitioning = exchange.partitioning().clone();
                let Some(order) = merged_order else {
                    return Ok(Arc::new(StageReadExec::partitioned(stage, equivalences, partitioning)));
                };
                // Blocks of several writers follow each other; where DataFusion would have merged them, they are sorted.
                let unordered = datafusion::physical_expr::EquivalenceProperties::new(exchange.schema());
                let read = Arc::new(StageReadExec::partitioned(stage, unordered, partitioning));
                Ok(Arc::new(SortExec::new(order, read).with_preserve_partitioning(true)))
            }
            // Spreading rows buys nothing between stages; gathering them is what a parent may rely on.
            Partitioning::RoundRobinBatch(1) | Partitioning::UnknownPartitioning(1) if tasks_of(&child) != 1 => {
                let read = self.exchange(child, true);
                Ok(Arc::new(CoalescePartitionsExec::new(read)))
            }
            Partitioning::RoundRobinBatch(_) | Partitioning::UnknownPartitioning(_) => Ok(child),
            Partitioning::Range(_) => Err(Error::unsupported("range repartitioning is not there yet: sort, or repartition by hash")),
        }
    }

    /// A child that must be one partition under a node of several is read whole by every task.
    fn cut_build_sides(&mut self, plan: &Plan, children: &mut [Plan]) -> Result<()> {
        let wanted: Vec<Distribution> = plan.input_distribution_requirements().into_per_child();
        let collects = wanted.iter().any(|d| matches!(d, Distribution::SinglePartition));
        if collects && emits_unmatched_build_rows(plan) {
            for (child, wanted) in children.iter_mut().zip(&wanted) {
                if !matches!(wanted, Distribution::SinglePartition) && tasks_of(child) != 1 {
                    let read = self.exchange(Arc::clone(child), true);
                    *child = Arc::new(CoalescePartitionsExec::new(read));
                }
            }
            return Ok(());
        }
        for (child, wanted) in children.iter_mut().zip(&wanted) {
            if matches!(wanted, Distribution::SinglePartition) {
                *child = self.broadcast(Arc::clone(child))?;
            }
        }
        Ok(())
    }

    fn broadcast(&mut self, child: Plan) -> Result<Plan> {
        if tasks_of(&child) != 1 {
            return Err(Error::internal(format!("{} should have been one partition to be read by every task", child.name())));
        }
        // A gather that is nothing but a gather needs no stage between.
        let gathered = match child.downcast_ref::<CoalescePartitionsExec>() {
            Some(coalesce) if coalesce.fetch().is_none() => coalesce.input(),
            _ => &child,
        };
        if let Some(read) = gathered.downcast_ref::<StageReadExec>()
            && read.reads_whole()
        {
            return Ok(Arc::new(read.as_broadcast()));
        }
        let equivalences = child.equivalence_properties().clone();
        let stage = self.stage(child, StageOutput::Passthrough);
        Ok(Arc::new(StageReadExec::whole(stage, equivalences, true)))
    }

    /// A stage for `child` and the read of it: whole, or partition by partition.
    fn exchange(&mut self, child: Plan, whole: bool) -> Plan {
        if let Some(read) = child.downcast_ref::<StageReadExec>()
            && *read.kind() == ReadKind::Rows
            && !read.reads_whole()
        {
            let equivalences = unordered(&child);
            return if whole { Arc::new(StageReadExec::whole(read.stage(), equivalences, false)) } else { child };
        }
        let stage = self.stage(child, StageOutput::Passthrough);
        if whole {
            let equivalences = unordered(&self.stages[stage.0].plan);
            return Arc::new(StageReadExec::whole(stage, equivalences, false));
        }
        Arc::new(self.read_partitions(stage))
    }

    fn read_partitions(&self, stage: StageId) -> StageReadExec {
        let plan = &self.stages[stage.0].plan;
        StageReadExec::partitioned(stage, plan.equivalence_properties().clone(), plan.output_partitioning().clone())
    }

    fn stage(&mut self, plan: Plan, output: StageOutput) -> StageId {
        let id = StageId(self.stages.len());
        let mut inputs = Vec::new();
        collect_inputs(&plan, &mut inputs);
        inputs.sort_unstable();
        inputs.dedup();
        self.stages.push(Stage { id, partitions: tasks_of(&plan), plan, output, inputs });
        id
    }

    fn is_passthrough(&self, stage: StageId) -> bool {
        matches!(self.stages[stage.0].output, StageOutput::Passthrough)
    }
}

fn tasks_of(plan: &Plan) -> usize {
    plan.output_partitioning().partition_count()
}

/// What still holds of a plan's rows when its partitions follow each other.
fn unordered(plan: &Plan) -> datafusion::physical_expr::EquivalenceProperties {
    let mut equivalences = plan.equivalence_properties().clone();
    equivalences.clear_orderings();
    equivalences.clear_per_partition_constants();
    equivalences
}

fn collect_inputs(plan: &Plan, inputs: &mut Vec<StageId>) {
    inputs.extend(plan.downcast_ref::<StageReadExec>().map(StageReadExec::stage));
    plan.children().into_iter().for_each(|child| collect_inputs(child, inputs));
}

/// Whether the join says at its end which rows of its collected side found no match. DataFusion counts the partitions that
/// have finished within one plan instance; a task has an instance of its own and runs one partition of it.
fn emits_unmatched_build_rows(plan: &Plan) -> bool {
    let join_type = if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        if *join.partition_mode() == PartitionMode::Partitioned {
            return false;
        }
        *join.join_type()
    } else if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        *join.join_type()
    } else {
        return plan.is::<PiecewiseMergeJoinExec>();
    };
    matches!(join_type, JoinType::Left | JoinType::LeftAnti | JoinType::LeftSemi | JoinType::LeftMark | JoinType::Full)
}

/// The plan as one task: an exchange within it becomes a gather.
fn serial(plan: &Plan) -> Result<Plan> {
    let children = plan.children().into_iter().map(serial).collect::<Result<Vec<_>>>()?;
    if plan.is::<RepartitionExec>() {
        let [child] = <[Plan; 1]>::try_from(children).map_err(|_| Error::internal("a repartition has one input"))?;
        return Ok(if tasks_of(&child) == 1 { child } else { Arc::new(CoalescePartitionsExec::new(child)) });
    }
    Ok(replace_children_if_necessary(Arc::clone(plan), children)?)
}

/// No exchange may be left: one that spills within a bounded pool can hang, and its partitions wait for each other.
fn check(plan: &Plan) -> Result<()> {
    if plan.is::<RepartitionExec>() || plan.is::<SidePortExec>() {
        return Err(Error::internal(format!("the cut into stages left a {}; report this plan", plan.name())));
    }
    plan.children().into_iter().try_for_each(check)
}
