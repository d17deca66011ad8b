//! What can give no rows any more, since a stage that it reads turned out to have none, is not run: a join without one side's rows, a part
//! of a union. An outer join is then the rows of its other side. What nothing else reads is not run either.
//!
//! ```text
//! stage 2   Union                                   stage 2   Union
//!             Join(inner)                  ──►                  NoRows
//!               StageRead(0), which has no rows                 Filter
//!               StageRead(1)                                      …
//!             Filter                                (stage 1 is not run)
//!               …
//! ```
//! Source: Spark, `AQEPropagateEmptyRelation.scala`.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode, SortMergeJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};

use super::{Change, Known, Rule, set_plan};
use crate::Result;
use crate::stage::{CoalesceExec, NoRowsExec, ReadKind, Stage, StageGraph, StageId, StageReadExec, UnkeyedExec, list};

/// Cuts off what gives no rows, and lets go of the stages that nothing reads then.
pub(super) fn apply(graph: &mut StageGraph, known: &Known<'_>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    // What was left at a port is read by whoever asks for it, and comes from whatever has run.
    if graph.stages.iter().any(|stage| reads_ports(&stage.plan)) {
        return Ok(changes);
    }
    let empty = empty_stages(graph, known);
    if !empty.contains(&true) {
        return Ok(changes);
    }
    let readers = |graph: &StageGraph, id: StageId| -> Vec<StageId> {
        let reads = |stage: &&Stage| stage.absorbed_by.is_none() && stage.inputs.contains(&id);
        graph.stages.iter().filter(reads).map(|stage| stage.id).collect()
    };
    let before: Vec<Vec<StageId>> = (0..graph.stages.len()).map(|at| readers(graph, StageId(at))).collect();
    for at in 0..graph.stages.len() {
        let stage = &graph.stages[at];
        if !known.may_change(stage) {
            continue;
        }
        let mut said = Vec::new();
        let cut = without_empty(&stage.plan, &empty, known, &mut said)?;
        if said.is_empty() {
            continue;
        }
        let mut changed = graph.clone();
        if set_plan(&mut changed, StageId(at), cut, known)? {
            *graph = changed;
            changes.push(Change { rule: Rule::EmptyBranch, stage: StageId(at), what: said.join("; ") });
        }
    }
    let unread = |graph: &StageGraph, id: StageId| {
        known.may_change(graph.stage(id)) && !graph.roots.contains(&id) && !before[id.0].is_empty() && readers(graph, id).is_empty()
    };
    while let Some(id) = (0..graph.stages.len()).map(StageId).find(|id| unread(graph, *id)) {
        let stage = &mut graph.stages[id.0];
        stage.absorbed_by = before[id.0].first().copied();
        stage.partitions = 0;
        stage.inputs.clear();
        stage.after.clear();
        changes.push(Change { rule: Rule::EmptyBranch, stage: id, what: "nothing reads it any more: it is not run".to_owned() });
    }
    Ok(changes)
}

fn reads_ports(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let here = plan.downcast_ref::<StageReadExec>().is_some_and(|read| *read.kind() != ReadKind::Rows);
    here || plan.children().into_iter().any(reads_ports)
}

/// Which stages have no rows, or will have none. A stage whose rows may be others when it is run again may have some then.
fn empty_stages(graph: &StageGraph, known: &Known<'_>) -> Vec<bool> {
    let lasts = |id: StageId| graph.upstream(id).into_iter().all(|before| graph.stage(before).repeatable);
    let mut empty = vec![false; graph.stages.len()];
    loop {
        let mut found = false;
        for stage in graph.stages.iter().filter(|stage| stage.absorbed_by.is_none()) {
            if empty[stage.id.0] {
                continue;
            }
            let has_none = match known.size(stage.id) {
                Some(size) => size.rows.iter().all(|rows| *rows == 0),
                None => gives_no_rows(&stage.plan, &empty),
            };
            if has_none && lasts(stage.id) {
                empty[stage.id.0] = true;
                found = true;
            }
        }
        if !found {
            return empty;
        }
    }
}

/// Whether a plan gives no rows where these stages have none.
fn gives_no_rows(plan: &Arc<dyn ExecutionPlan>, empty: &[bool]) -> bool {
    let none = |plan: &Arc<dyn ExecutionPlan>| gives_no_rows(plan, empty);
    if let Some(read) = plan.downcast_ref::<StageReadExec>() {
        return *read.kind() == ReadKind::Rows && empty[read.stage().0];
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return joins_nothing(*join.join_type(), none(join.left()), none(join.right()));
    }
    if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>() {
        return joins_nothing(join.join_type(), none(join.left()), none(join.right()));
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return joins_nothing(*join.join_type(), none(join.left()), none(join.right()));
    }
    if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        return joins_nothing(JoinType::Inner, none(join.left()), none(join.right()));
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        // Of no rows at all there is a group where no column makes groups.
        let groups = aggregate.group_expr();
        let has_groups = !groups.is_empty() && groups.groups().iter().all(|is_null| is_null.contains(&false));
        return has_groups && none(aggregate.input());
    }
    let gives_what_it_gets = plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.is::<SortExec>()
        || plan.is::<SortPreservingMergeExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<CoalesceExec>()
        || plan.is::<UnkeyedExec>()
        || plan.is::<GlobalLimitExec>()
        || plan.is::<LocalLimitExec>()
        || plan.is::<BoundedWindowAggExec>()
        || plan.is::<WindowAggExec>()
        || plan.is::<UnionExec>()
        || plan.is::<InterleaveExec>();
    plan.is::<NoRowsExec>() || plan.is::<EmptyExec>() || (gives_what_it_gets && plan.children().into_iter().all(none))
}

/// Whether a join gives no rows whose left or right side has none.
fn joins_nothing(join_type: JoinType, left: bool, right: bool) -> bool {
    match join_type {
        JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi => left || right,
        JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark => left,
        JoinType::Right | JoinType::RightAnti | JoinType::RightMark => right,
        JoinType::Full => left && right,
    }
}

/// What a join gives of which one side has no rows: those of the other, with nulls beside them. `None` where that is not all, or not best.
fn other_side(join: &HashJoinExec, empty: &[bool], known: &Known<'_>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    use JoinType::{Full, Left, LeftAnti, LeftMark, Right, RightAnti, RightMark};
    let join_type = *join.join_type();
    // A left side that every task reads is no task's own.
    let by_key = *join.partition_mode() == PartitionMode::Partitioned;
    let (left_is_empty, right_is_empty) = (gives_no_rows(join.left(), empty), gives_no_rows(join.right(), empty));
    let (side, other, first) = match join_type {
        Left | LeftAnti | LeftMark | Full if right_is_empty && by_key => (join.left(), join.right(), 0),
        Right | Full if left_is_empty => (join.right(), join.left(), join.left().schema().fields().len()),
        RightAnti | RightMark if left_is_empty => (join.right(), join.left(), 0),
        _ => return Ok(None),
    };
    // Rows that are not exchanged yet need not be: an empty side that has been read is broadcast to them.
    let waits = side.downcast_ref::<StageReadExec>().is_some_and(|read| read.buckets().is_some() && known.size(read.stage()).is_none());
    if join.fetch().is_some() || (waits && other.is::<StageReadExec>()) {
        return Ok(None);
    }
    let (all, columns) = (join.join_schema(), first..first + side.schema().fields().len());
    let expr = |at: usize| -> Result<(Arc<dyn PhysicalExpr>, String)> {
        let field = all.field(at);
        let expr: Arc<dyn PhysicalExpr> = if columns.contains(&at) {
            Arc::new(Column::new(field.name(), at - first))
        } else if matches!(join_type, LeftMark | RightMark) {
            Arc::new(Literal::new(ScalarValue::from(false)))
        } else {
            Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?))
        };
        Ok((expr, field.name().clone()))
    };
    let exprs = match &join.projection {
        Some(projection) => projection.iter().map(|at| expr(*at)).collect::<Result<Vec<_>>>()?,
        None => (0..all.fields().len()).map(expr).collect::<Result<Vec<_>>>()?,
    };
    let rows = ProjectionExec::try_new_with_schema_metadata(exprs, Arc::clone(side), &join.schema())?;
    // An outer join's columns may be null, also where the side's may not.
    Ok(if rows.schema() == join.schema() { Some(Arc::new(rows)) } else { None })
}

/// The plan without what gives no rows and would yet have something to do, and what is said of that.
fn without_empty(
    plan: &Arc<dyn ExecutionPlan>,
    empty: &[bool],
    known: &Known<'_>,
    said: &mut Vec<String>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let cut = Arc::clone(plan).transform_down(|node| {
        if gives_no_rows(&node, empty) {
            if !has_work(&node, empty, known) {
                return Ok(Transformed::new(node, false, TreeNodeRecursion::Jump));
            }
            said.push(format!("{} gives no rows{}", node.name(), because(&node, empty)));
            let none: Arc<dyn ExecutionPlan> = Arc::new(NoRowsExec::in_place_of(&node));
            return Ok(Transformed::new(none, true, TreeNodeRecursion::Jump));
        }
        let is_empty = |child: &Arc<dyn ExecutionPlan>| gives_no_rows(child, empty);
        if let Some(join) = node.downcast_ref::<HashJoinExec>()
            && let Some(rows) = other_side(join, empty, known)?
        {
            said.push(format!("{} gives the rows of one side{}", node.name(), because(&node, empty)));
            return Ok(Transformed::new(rows, true, TreeNodeRecursion::Continue));
        }
        // What is left of a join partition by partition is dealt anew together with its other side.
        let together = (node.is::<SortMergeJoinExec>() || node.is::<HashJoinExec>()) && node.children().into_iter().any(is_empty);
        let next = if together || node.is::<InterleaveExec>() { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue };
        Ok(Transformed::new(node, false, next))
    });
    Ok(cut?.data)
}

/// Whether a plan that gives no rows reads something all the same: rows that there are, or a stage that would have to run for that.
fn has_work(plan: &Arc<dyn ExecutionPlan>, empty: &[bool], known: &Known<'_>) -> bool {
    if let Some(read) = plan.downcast_ref::<StageReadExec>() {
        return !empty[read.stage().0] || known.size(read.stage()).is_none();
    }
    let children = plan.children();
    if children.is_empty() {
        return !plan.is::<NoRowsExec>() && !plan.is::<EmptyExec>();
    }
    children.into_iter().any(|child| has_work(child, empty, known))
}

/// Which stages without rows a plan reads, as the end of a sentence.
fn because(plan: &Arc<dyn ExecutionPlan>, empty: &[bool]) -> String {
    fn collect(plan: &Arc<dyn ExecutionPlan>, empty: &[bool], stages: &mut BTreeSet<StageId>) {
        stages.extend(plan.downcast_ref::<StageReadExec>().map(StageReadExec::stage).filter(|stage| empty[stage.0]));
        plan.children().into_iter().for_each(|child| collect(child, empty, stages));
    }
    let mut stages = BTreeSet::new();
    collect(plan, empty, &mut stages);
    if stages.is_empty() { String::new() } else { format!(", since there are none of stage {}", list(stages.iter())) }
}
