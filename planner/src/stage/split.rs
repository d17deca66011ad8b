//! `split`: plans are cut at every exchange, at every operator that several consumers share, and below build sides that
//! every task reads. What the cut may not change is the answer; the order of rows within a partition follows the blocks.
//!
//! ```text
//! Repartition(hash)           a stage that writes buckets by hash; the node becomes a StageRead
//!   … below what keeps state  a stage that writes key groups
//! Exchange in turn, by key    a stage that writes so; the node becomes a StageRead
//! Exchange by range           the rows are a stage, read by one that samples them and by one that numbers and writes them; a StageRead
//! Coalesce                    cut below; the node stays, over a StageRead
//! CoalescePartitions, SPM     cut below; the node stays, over a StageRead
//! join with collected left    the left side is a stage, read whole by every task of the join
//!   … that emits unmatched    beside operators that keep state, the right side is gathered: one task says what found no match
//! shared operator, side port  a stage, once
//! union of operators          each below a stage of its own, so that its partitions stay its own
//! recursive query             one task, uncut: its terms share a work table
//! ```

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TreeNode};
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
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::limits;
use super::{
    CoalesceExec, ExchangeBy, ExchangeExec, Origin, ReadKind, SidePortExec, Stage, StageGraph, StageId, StageOutput, StageReadExec,
};
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
    let keeps_state = roots.iter().any(|root| holds_operator(root, identity));
    let mut cutter = Cutter { identity, shared, keeps_state, stages: Vec::new(), by_identity: HashMap::new() };
    let mut ids = Vec::with_capacity(roots.len());
    for root in roots {
        let plan = cutter.visit(&root)?;
        ids.push(match plan.downcast_ref::<StageReadExec>() {
            // A root that only reads a whole stage, partition by partition, is that stage.
            Some(read) if *read.kind() == ReadKind::Rows && !read.reads_whole() && cutter.is_passthrough(read.stage()) => read.stage(),
            _ => cutter.stage(plan, StageOutput::Passthrough),
        });
    }
    let mut graph = StageGraph { stages: cutter.stages, roots: ids };
    key_groups_for_state(&mut graph)?;
    limits::note(&mut graph);
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

/// Whether a plan has an operator with an identity that reads others: what it keeps and reports goes by its stage's partitions.
fn holds_operator(plan: &Plan, identity: &dyn Fn(&Plan) -> Option<String>) -> bool {
    let children = plan.children();
    (!children.is_empty() && identity(plan).is_some()) || children.into_iter().any(|child| holds_operator(child, identity))
}

/// How many buckets an exchange between so many tasks has: enough that a task's share of them can follow their sizes.
fn buckets_for(tasks: usize) -> usize {
    const FEWEST: usize = 64;
    const A_TASK: usize = 4;
    FEWEST.max(tasks * A_TASK)
}

/// Neighbouring buckets, the same number for each of so many tasks but for one.
pub(super) fn evenly(buckets: usize, tasks: usize) -> Arc<[Range<usize>]> {
    (0..tasks).map(|task| task * buckets / tasks..(task + 1) * buckets / tasks).collect()
}

/// What a stage that keeps state reads is written by key groups, and so is what is read beside it.
fn key_groups_for_state(graph: &mut StageGraph) -> Result<()> {
    let hashed = |graph: &StageGraph, id: &StageId| matches!(graph.stage(*id).output, StageOutput::Hash { .. });
    let mut keyed: Vec<bool> = graph.stages.iter().map(|stage| stage.task_by_task).collect();
    let mut written = vec![false; graph.stages.len()];
    loop {
        let before = (keyed.clone(), written.clone());
        for stage in &graph.stages {
            let inputs: Vec<usize> = stage.inputs.iter().filter(|id| hashed(graph, id)).map(|id| id.0).collect();
            keyed[stage.id.0] |= inputs.iter().any(|input| written[*input]);
            if keyed[stage.id.0] {
                inputs.into_iter().for_each(|input| written[input] = true);
            }
        }
        if before == (keyed.clone(), written.clone()) {
            break;
        }
    }
    let mut tasks = vec![None; graph.stages.len()];
    for at in 0..graph.stages.len() {
        let by_groups = Arc::clone(&graph.stages[at].plan).transform_up(|node| match node.downcast_ref::<StageReadExec>() {
            Some(read) if read.buckets().is_some() && written[read.stage().0] => {
                tasks[read.stage().0] = Some(tasks_of(&node));
                Ok(Transformed::yes(Arc::new(read.of_key_groups()) as Plan))
            }
            _ => Ok(Transformed::no(node)),
        })?;
        if by_groups.transformed {
            graph.stages[at].plan = by_groups.data;
        }
    }
    for (stage, tasks) in graph.stages.iter_mut().zip(tasks) {
        if let (StageOutput::Hash { exprs, .. }, Some(tasks)) = (&stage.output, tasks) {
            stage.output = StageOutput::KeyGroups { exprs: exprs.clone(), tasks };
        }
    }
    Ok(())
}

struct Cutter<'a> {
    identity: &'a dyn Fn(&Plan) -> Option<String>,
    shared: HashSet<String>,
    /// Whether any operator keeps state: its stages' attempts share no instance of a plan.
    keeps_state: bool,
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
        if let Some(exchange) = plan.downcast_ref::<ExchangeExec>() {
            return self.cut_exchange(exchange);
        }
        if let Some(coalesce) = plan.downcast_ref::<CoalesceExec>() {
            return self.cut_coalesce(coalesce);
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
        } else if plan.is::<UnionExec>() {
            for child in &mut children {
                if holds_operator(child, self.identity) {
                    *child = self.exchange(Arc::clone(child), false);
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
                let buckets = buckets_for(*tasks);
                let stage = self.stage(child, StageOutput::Hash { exprs: exprs.clone(), buckets });
                let shares = evenly(buckets, *tasks);
                let equivalences = exchange.properties().equivalence_properties().clone();
                let merged_order = (writers > 1 && exchange.preserve_order()).then(|| equivalences.output_ordering()).flatten();
                let partitioning = exchange.partitioning().clone();
                let Some(order) = merged_order else {
                    return Ok(Arc::new(StageReadExec::partitioned(stage, equivalences, partitioning).of_buckets(shares)));
                };
                // Blocks of several writers follow each other; where DataFusion would have merged them, they are sorted.
                let unordered = datafusion::physical_expr::EquivalenceProperties::new(exchange.schema());
                let read = Arc::new(StageReadExec::partitioned(stage, unordered, partitioning).of_buckets(shares));
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

    fn cut_exchange(&mut self, exchange: &ExchangeExec) -> Result<Plan> {
        let child = self.visit(exchange.input())?;
        let (partitions, equivalences) = (exchange.partitions(), unordered(&child));
        let (stage, partitioning, shares) = match exchange.by() {
            // As many buckets as an operator's exchange would have, since a join may read one of each.
            ExchangeBy::Key(exprs) => {
                let buckets = buckets_for(partitions);
                let stage = self.stage(child, StageOutput::Hash { exprs: exprs.clone(), buckets });
                (stage, Partitioning::Hash(exprs.clone(), partitions), Some(evenly(buckets, partitions)))
            }
            ExchangeBy::Range(steps) if partitions > 1 => {
                let rows = self.exchange(child, false);
                let samples = self.stage(steps.sampled(Arc::clone(&rows)), StageOutput::Passthrough);
                let known = unordered(&self.stages[samples.0].plan);
                let samples: Plan = Arc::new(StageReadExec::whole(samples, known, true));
                let stage = self.stage(steps.numbered(rows, samples), StageOutput::Numbered { partitions });
                (stage, Partitioning::UnknownPartitioning(partitions), None)
            }
            ExchangeBy::Turn | ExchangeBy::Range(_) => {
                // A task that keeps state is run again by itself, and its rows may come in another order then.
                let rows = if holds_operator(&child, self.identity) { self.exchange(child, false) } else { child };
                let stage = self.stage(rows, StageOutput::InTurn { partitions });
                (stage, Partitioning::UnknownPartitioning(partitions), None)
            }
        };
        let read = StageReadExec::partitioned(stage, equivalences, partitioning).asked_for(exchange.origin());
        // Partitions whose number is the engine's are buckets: tasks may read several.
        let shares = shares.or_else(|| (exchange.origin() != Origin::ProgramInNumber).then(|| evenly(partitions, partitions)));
        Ok(Arc::new(match shares {
            Some(shares) => read.of_buckets(shares),
            None => read,
        }))
    }

    /// Tasks that wait for each other cannot be run one after the other: what is merged is what other tasks have written.
    fn cut_coalesce(&mut self, coalesce: &CoalesceExec) -> Result<Plan> {
        let child = self.visit(coalesce.input())?;
        if tasks_of(&child) <= coalesce.most() && !may_be_dealt_anew(&child) {
            return Ok(child);
        }
        let read = self.exchange(child, false);
        Ok(Arc::new(CoalesceExec::new(read, coalesce.most())))
    }

    /// A child that must be one partition under a node of several is read whole by every task.
    fn cut_build_sides(&mut self, plan: &Plan, children: &mut [Plan]) -> Result<()> {
        let wanted: Vec<Distribution> = plan.input_distribution_requirements().into_per_child();
        let collects = wanted.iter().any(|d| matches!(d, Distribution::SinglePartition));
        if collects && self.keeps_state && emits_unmatched_build_rows(plan) {
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
        let task_by_task = holds_operator(&plan, self.identity);
        self.stages.push(Stage::new(id, plan, output, task_by_task));
        id
    }

    fn is_passthrough(&self, stage: StageId) -> bool {
        matches!(self.stages[stage.0].output, StageOutput::Passthrough)
    }
}

fn tasks_of(plan: &Plan) -> usize {
    plan.output_partitioning().partition_count()
}

/// Whether a plan may have other tasks when what it reads is dealt anew.
fn may_be_dealt_anew(plan: &Plan) -> bool {
    match plan.downcast_ref::<StageReadExec>() {
        Some(read) => !read.reads_whole(),
        None if plan.is::<CoalescePartitionsExec>() || plan.is::<SortPreservingMergeExec>() => false,
        None => plan.children().into_iter().any(may_be_dealt_anew),
    }
}

/// What still holds of a plan's rows when its partitions follow each other.
pub(super) fn unordered(plan: &Plan) -> datafusion::physical_expr::EquivalenceProperties {
    let mut equivalences = plan.equivalence_properties().clone();
    equivalences.clear_orderings();
    equivalences.clear_per_partition_constants();
    equivalences
}

/// Whether the join says at its end which rows of its collected side found no match. DataFusion counts the partitions that
/// have finished within one plan instance; beside state, a task has an instance of its own and runs one partition of it.
pub(super) fn emits_unmatched_build_rows(plan: &Plan) -> bool {
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
    if plan.is::<RepartitionExec>() || plan.is::<ExchangeExec>() || plan.is::<CoalesceExec>() {
        let [child] = <[Plan; 1]>::try_from(children).map_err(|_| Error::internal("a repartition has one input"))?;
        return Ok(if tasks_of(&child) == 1 { child } else { Arc::new(CoalescePartitionsExec::new(child)) });
    }
    Ok(replace_children_if_necessary(Arc::clone(plan), children)?)
}

/// No exchange may be left: one that spills within a bounded pool can hang, and its partitions wait for each other.
fn check(plan: &Plan) -> Result<()> {
    if plan.is::<RepartitionExec>() || plan.is::<ExchangeExec>() || plan.is::<SidePortExec>() {
        return Err(Error::internal(format!("the cut into stages left a {}; report this plan", plan.name())));
    }
    plan.children().into_iter().try_for_each(check)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::catalog::MemTable;
    use datafusion::physical_expr::expressions::Column;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion::physical_plan::projection::ProjectionExec;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use expect_test::{Expect, expect};

    use super::*;
    use crate::config::engine_session_config;
    use crate::seam::Port;

    fn plan(sql: &str, config: SessionConfig) -> Plan {
        let context = SessionContext::new_with_config(config);
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]));
        let column = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column.clone(), column]).unwrap();
        for name in ["a", "b"] {
            let partitions = vec![vec![batch.clone()], vec![batch.clone()]];
            context.register_table(name, Arc::new(MemTable::try_new(Arc::clone(&schema), partitions).unwrap())).unwrap();
        }
        futures::executor::block_on(async { context.sql(sql).await.unwrap().create_physical_plan().await.unwrap() })
    }

    fn check(sql: &str, expected: Expect) {
        expected.assert_eq(&split(vec![plan(sql, engine_session_config(2))], &|_| None).unwrap().to_string());
    }

    #[test]
    fn a_hash_exchange_is_a_stage_boundary() {
        check(
            "select k, sum(v) from a group by k",
            expect![[r#"
                Stage 0: 2 tasks, writes hash(k@0) into 64
                  AggregateExec: mode=Partial, gby=[k@0 as k], aggr=[sum(a.v)]
                    DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 2 tasks, reads 0
                  AggregateExec: mode=FinalPartitioned, gby=[k@0 as k], aggr=[sum(a.v)]
                    StageReadExec: stage=0, partitioning=Hash([k@0], 2)
                Roots: 1
            "#]],
        );
    }

    #[test]
    fn gathers_and_merges_stay_above_their_read() {
        check(
            "select k, sum(v) over (order by k) from (select k, v from a order by k limit 5)",
            expect![[r#"
            Stage 0: 2 tasks
              SortExec: TopK(fetch=5), expr=[k@0 ASC NULLS LAST], preserve_partitioning=[true]
                DataSourceExec: partitions=2, partition_sizes=[1, 1]
            Stage 1: 1 task, reads 0
              ProjectionExec: expr=[k@0 as k, sum(a.v) ORDER BY [a.k ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW@2 as sum(a.v) ORDER BY [a.k ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW]
                BoundedWindowAggExec: wdw=[sum(a.v) ORDER BY [a.k ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW: Field { "sum(a.v) ORDER BY [a.k ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW": nullable Int64 }, frame: RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW], mode=[Sorted]
                  SortPreservingMergeExec: [k@0 ASC NULLS LAST], fetch=5
                    StageReadExec: stage=0, partitioning=UnknownPartitioning(2)
            Roots: 1
        "#]],
        );
    }

    #[test]
    fn both_sides_of_a_join_are_hashed() {
        check(
            "select a.k, b.v from a join b on a.k = b.k",
            expect![[r#"
                Stage 0: 2 tasks, writes hash(k@0) into 64
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 2 tasks, writes hash(k@0) into 64
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 2: 2 tasks, reads 0, 1
                  HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
                    StageReadExec: stage=0, partitioning=Hash([k@0], 2)
                    StageReadExec: stage=1, partitioning=Hash([k@0], 2)
                Roots: 2
            "#]],
        );
    }

    #[test]
    fn a_build_side_is_read_by_every_task() {
        check(
            "select a.k, b.k from a join b on a.v < b.v",
            expect![[r#"
            Stage 0: 2 tasks
              DataSourceExec: partitions=2, partition_sizes=[1, 1]
            Stage 1: 2 tasks, reads 0
              NestedLoopJoinExec: join_type=Inner, filter=v@0 < v@1, projection=[k@0, k@2]
                StageReadExec: stage=0, broadcast
                DataSourceExec: partitions=2, partition_sizes=[1, 1]
            Roots: 1
        "#]],
        );
    }

    #[test]
    fn a_build_side_is_shared_also_where_it_says_what_found_no_match() {
        check(
            "select a.k, b.k from a left join b on a.v < b.v",
            expect![[r#"
                Stage 0: 2 tasks
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 2 tasks, reads 0
                  NestedLoopJoinExec: join_type=Left, filter=v@0 < v@1, projection=[k@0, k@2]
                    StageReadExec: stage=0, broadcast
                    DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Roots: 1
            "#]],
        );
    }

    #[test]
    fn a_recursive_query_is_one_task() {
        check(
            "with recursive n as (select 1 as i union all select n.i + 1 from n join a on a.k = n.i) select i from n",
            expect![[r#"
            Stage 0: 1 task
              RecursiveQueryExec: name=n, is_distinct=false
                ProjectionExec: expr=[CAST(1 AS Int64) as i]
                  PlaceholderRowExec
                CoalescePartitionsExec
                  ProjectionExec: expr=[i@0 + 1 as i]
                    HashJoinExec: mode=Partitioned, join_type=Inner, on=[(i@0, k@0)], projection=[i@0]
                      WorkTableExec: name=n
                      CoalescePartitionsExec
                        DataSourceExec: partitions=2, partition_sizes=[1, 1]
            Roots: 0
        "#]],
        );
    }

    #[test]
    fn one_operator_for_two_sinks() {
        let shared = plan("select k, count(*) from a group by k", engine_session_config(2));
        let named = |plan: &Plan| (plan.is::<ProjectionExec>() && plan.schema().field(0).name() == "key").then(|| "op".to_owned());
        let shared =
            Arc::new(ProjectionExec::try_new(vec![(Arc::new(Column::new("k", 0)) as _, "key".to_owned())], shared).unwrap()) as Plan;
        let schema = Arc::new(Schema::empty());
        let roots = vec![
            Arc::clone(&shared),
            Arc::new(CoalescePartitionsExec::new(Arc::clone(&shared))),
            Arc::new(SidePortExec::new(Arc::clone(&shared), "op", Port::Late, schema)),
        ];
        expect![[r#"
            Stage 0: 2 tasks, writes key groups(k@0) into 2
              AggregateExec: mode=Partial, gby=[k@0 as k], aggr=[count(Int64(1))]
                DataSourceExec: partitions=2, partition_sizes=[1, 1]
            Stage 1: 2 tasks, reads 0
              ProjectionExec: expr=[k@0 as key]
                ProjectionExec: expr=[k@0 as k, count(Int64(1))@1 as count(*)]
                  AggregateExec: mode=FinalPartitioned, gby=[k@0 as k], aggr=[count(Int64(1))]
                    StageReadExec: stage=0, partitioning=Hash([k@0], 2)
            Stage 2: 1 task, reads 1
              CoalescePartitionsExec
                StageReadExec: stage=1, gather
            Stage 3: 2 tasks, reads 1
              StageReadExec: stage=1, side=op.late
            Roots: 1, 2, 3
        "#]]
        .assert_eq(&split(roots, &named).unwrap().to_string());
    }

    fn check_plan(plan: Plan, expected: Expect) {
        expected.assert_eq(&split(vec![plan], &|_| None).unwrap().to_string());
    }

    fn dealt(input: Plan, by: ExchangeBy, partitions: usize) -> Plan {
        Arc::new(ExchangeExec::new(input, by, partitions, Origin::ProgramInNumber))
    }

    fn by_k() -> ExchangeBy {
        ExchangeBy::Key(vec![Arc::new(Column::new("k", 0))])
    }

    #[test]
    fn what_a_program_deals_is_a_stage_and_a_read() {
        let rows = || plan("select k, v from a", engine_session_config(2));
        check_plan(
            dealt(rows(), ExchangeBy::Turn, 5),
            expect![[r#"
                Stage 0: 2 tasks, writes in turn into 5
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 5 tasks, reads 0
                  StageReadExec: stage=0, partitioning=UnknownPartitioning(5)
                Roots: 1
            "#]],
        );
        check_plan(
            dealt(rows(), by_k(), 3),
            expect![[r#"
                Stage 0: 2 tasks, writes hash(k@0) into 64
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 3 tasks, reads 0
                  StageReadExec: stage=0, partitioning=Hash([k@0], 3)
                Roots: 1
            "#]],
        );
        check_plan(
            dealt(dealt(rows(), by_k(), 3), ExchangeBy::Turn, 1),
            expect![[r#"
                Stage 0: 2 tasks, writes hash(k@0) into 64
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 3 tasks, reads 0, writes in turn into 1
                  StageReadExec: stage=0, partitioning=Hash([k@0], 3)
                Stage 2: 1 task, reads 1
                  StageReadExec: stage=1, partitioning=UnknownPartitioning(1)
                Roots: 2
            "#]],
        );
    }

    /// Steps whose nodes are the rows themselves, and the rows again.
    #[derive(Debug)]
    struct Steps;

    impl crate::stage::RangeSteps for Steps {
        fn describe(&self) -> String {
            "k".to_owned()
        }

        fn sampled(&self, rows: Plan) -> Plan {
            rows
        }

        fn numbered(&self, rows: Plan, _: Plan) -> Plan {
            rows
        }
    }

    #[test]
    fn rows_are_sampled_before_they_are_cut_into_ranges() {
        let rows = || plan("select k, v from a", engine_session_config(2));
        check_plan(
            dealt(rows(), ExchangeBy::Range(Arc::new(Steps)), 3),
            expect![[r#"
                Stage 0: 2 tasks
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 2 tasks, reads 0
                  StageReadExec: stage=0, partitioning=UnknownPartitioning(2)
                Stage 2: 2 tasks, reads 0, writes ranges into 3
                  StageReadExec: stage=0, partitioning=UnknownPartitioning(2)
                Stage 3: 3 tasks, reads 2
                  StageReadExec: stage=2, partitioning=UnknownPartitioning(3)
                Roots: 3
            "#]],
        );
        // One range is all rows.
        check_plan(
            dealt(rows(), ExchangeBy::Range(Arc::new(Steps)), 1),
            expect![[r#"
                Stage 0: 2 tasks, writes in turn into 1
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 1 task, reads 0
                  StageReadExec: stage=0, partitioning=UnknownPartitioning(1)
                Roots: 1
            "#]],
        );
    }

    #[test]
    fn partitions_that_are_merged_are_made_by_as_many_tasks() {
        let rows = || plan("select k, v from a", engine_session_config(2));
        check_plan(
            Arc::new(CoalesceExec::new(rows(), 1)),
            expect![[r#"
                Stage 0: 2 tasks
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Stage 1: 1 task, reads 0
                  CoalesceExec: 1
                    StageReadExec: stage=0, partitioning=UnknownPartitioning(2)
                Roots: 1
            "#]],
        );
        // There are never more than before.
        check_plan(
            Arc::new(CoalesceExec::new(rows(), 4)),
            expect![[r#"
                Stage 0: 2 tasks
                  DataSourceExec: partitions=2, partition_sizes=[1, 1]
                Roots: 0
            "#]],
        );
        let wide = Arc::new(EmptyExec::new(Arc::new(Schema::empty())).with_partitions(7));
        assert_eq!(CoalesceExec::new(wide, 3).properties().output_partitioning().partition_count(), 3);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let mut config = engine_session_config(2);
        config.options_mut().optimizer.enable_physical_uncorrelated_scalar_subquery = true;
        let error = split(vec![plan("select k from a where v > (select max(v) from b)", config)], &|_| None).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Unsupported);

        let narrow = Arc::new(EmptyExec::new(Arc::new(Schema::empty()))) as Plan;
        let wide = Arc::new(EmptyExec::new(Arc::new(Schema::empty())).with_partitions(3)) as Plan;
        let error = split(vec![narrow, wide], &|_| Some("op".to_owned())).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Internal);
        assert!(error.message().starts_with("operator op occurs with 0 columns in 1 partitions"), "{error}");
    }
}
