//! Where the values of a column come from, and how far down a test of them may go. Both walks follow the reads of other stages.
//!
//! ```text
//! keys of a join ─┬─ one side:   which stages' columns hold all of its values            (sources)
//!                 └─ other side: the lowest place at which rows of other keys may go     (sites)
//! ```
//! The rule of the second walk: rows whose key is not in the set do not matter. They may be there, be missing, or be other rows; all rows
//! of keys in the set are there, and are the same.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{JoinSide, JoinType, NullEquality};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::joins::utils::build_join_schema;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, StatisticsArgs, StatisticsContext};

use super::super::{Known, reads_of};
use crate::stage::{ReadKind, StageGraph, StageId, StageOutput, StageReadExec};

type Plan = Arc<dyn ExecutionPlan>;

/// A stage's column that holds all values of a join's key, and perhaps more.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) stage: StageId,
    pub(super) column: usize,
    /// Whether it has the values of no other stage.
    pub(super) is_first: bool,
    /// The scan that it has them from, if it is one.
    scan: Option<Plan>,
}

impl Source {
    /// How many rows its scan has, if that is known.
    pub(super) fn scanned(&self) -> Option<u64> {
        self.scan.as_ref().and_then(known_rows)
    }
}

/// A place for a test of keys.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) stage: StageId,
    /// The node whose rows are tested.
    pub(super) above: Plan,
    /// Which of its columns.
    pub(super) column: usize,
    /// The scan below it, and its column.
    pub(super) scan: Option<(Plan, usize)>,
}

impl Site {
    /// How many rows its scan has, if that is known.
    pub(super) fn scanned(&self) -> Option<u64> {
        self.scan.as_ref().and_then(|(scan, _)| known_rows(scan))
    }

    /// How many bytes its scan has, if that is known.
    pub(super) fn scanned_bytes(&self) -> Option<u64> {
        let (scan, _) = self.scan.as_ref()?;
        let known = StatisticsContext::new().compute(scan.as_ref(), &StatisticsArgs::new()).ok()?;
        known.total_byte_size.get_value().map(|bytes| *bytes as u64)
    }

    pub(super) fn data_type(&self) -> DataType {
        self.above.schema().field(self.column).data_type().clone()
    }
}

fn known_rows(scan: &Plan) -> Option<u64> {
    let known = StatisticsContext::new().compute(scan.as_ref(), &StatisticsArgs::new()).ok()?;
    known.num_rows.get_value().map(|rows| *rows as u64)
}

/// The keys of a join that are columns of both sides; none where null equals null, or speaks for all rows.
pub(super) fn keys(join: &HashJoinExec) -> Vec<(usize, usize)> {
    if join.null_equality() != NullEquality::NullEqualsNothing || join.null_aware {
        return Vec::new();
    }
    join.on().iter().filter_map(|(left, right)| column_of(left).zip(column_of(right))).collect()
}

fn column_of(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    expr.downcast_ref::<Column>().map(Column::index)
}

/// Whether rows of a join's side that match nothing leave nothing behind.
pub(super) fn unmatched_vanish(join_type: JoinType, side: JoinSide) -> bool {
    use JoinType::{Inner, Left, LeftAnti, LeftSemi, Right, RightAnti, RightSemi};
    match side {
        JoinSide::Left => matches!(join_type, Inner | Right | LeftSemi | RightSemi | RightAnti),
        JoinSide::Right => matches!(join_type, Inner | Left | LeftSemi | RightSemi | LeftAnti),
        JoinSide::None => false,
    }
}

/// Whether what a join gives of a row of one side has nothing to do with the other rows of that side.
fn rows_stand_alone(join_type: JoinType, side: JoinSide) -> bool {
    use JoinType::{Inner, Left, LeftAnti, LeftSemi, Right, RightAnti, RightSemi};
    match side {
        JoinSide::Left => matches!(join_type, Inner | Left | LeftSemi | LeftAnti),
        JoinSide::Right => matches!(join_type, Inner | Right | RightSemi | RightAnti),
        JoinSide::None => false,
    }
}

/// Which side's column a join gives at a place.
fn column_below(join: &HashJoinExec, column: usize) -> Option<(JoinSide, usize)> {
    let at = match &join.projection {
        Some(projection) => *projection.get(column)?,
        None => column,
    };
    let (_, columns) = build_join_schema(&join.left().schema(), &join.right().schema(), join.join_type());
    let below = columns.get(at)?;
    (below.side != JoinSide::None).then_some((below.side, below.index))
}

/// The column of the other side that a key of one side equals.
fn equal_key(join: &HashJoinExec, side: JoinSide, column: usize) -> Option<usize> {
    keys(join).into_iter().find_map(|(left, right)| match side {
        JoinSide::Left => (left == column).then_some(right),
        JoinSide::Right => (right == column).then_some(left),
        JoinSide::None => None,
    })
}

fn side_of(join: &HashJoinExec, side: JoinSide) -> (&Plan, &Plan) {
    if side == JoinSide::Left { (join.left(), join.right()) } else { (join.right(), join.left()) }
}

/// The column of its input that a filter, a projection or an aggregation by it gives unchanged.
fn unchanged_below(plan: &Plan, column: usize) -> Option<(&Plan, usize)> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let below = match filter.projection() {
            Some(projection) => *projection.get(column)?,
            None => column,
        };
        return Some((filter.input(), below));
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return Some((projection.input(), column_of(&projection.expr().get(column)?.expr)?));
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let group = aggregate.group_expr();
        let alone = !group.has_grouping_set() && aggregate.limit_options().is_none();
        return if alone { Some((aggregate.input(), column_of(&group.expr().get(column)?.0)?)) } else { None };
    }
    None
}

/// The columns that hold all values of a plan's column that are not null, the nearest first.
pub(super) fn sources(graph: &StageGraph, plan: &Plan, column: usize) -> Vec<Source> {
    let mut found = Vec::new();
    collect_sources(graph, plan, column, &mut found);
    found
}

fn collect_sources(graph: &StageGraph, plan: &Plan, column: usize, found: &mut Vec<Source>) {
    if let Some(read) = plan.downcast_ref::<StageReadExec>() {
        let stage = graph.stage(read.stage());
        if *read.kind() != ReadKind::Rows || stage.task_by_task {
            return;
        }
        let at = found.len();
        found.push(Source { stage: stage.id, column, is_first: true, scan: scan_of(&stage.plan, column) });
        collect_sources(graph, &stage.plan, column, found);
        found[at].is_first = found.len() == at + 1;
    } else if let Some((input, below)) = unchanged_below(plan, column) {
        collect_sources(graph, input, below, found);
    } else if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let Some((side, below)) = column_below(join, column) else { return };
        let (input, beside) = side_of(join, side);
        collect_sources(graph, input, below, found);
        // Of rows that all have a match, the other side's keys are a source, too.
        if unmatched_vanish(*join.join_type(), side)
            && let Some(equal) = equal_key(join, side, below)
        {
            collect_sources(graph, beside, equal, found);
        }
    } else if gives_rows_of_its_input(plan) || plan.is::<GlobalLimitExec>() || plan.is::<LocalLimitExec>() {
        plan.children().into_iter().for_each(|input| collect_sources(graph, input, column, found));
    }
}

/// The scan that a plan has a column from.
fn scan_of(plan: &Plan, column: usize) -> Option<Plan> {
    if plan.is::<DataSourceExec>() {
        return Some(Arc::clone(plan));
    }
    if let Some((input, below)) = unchanged_below(plan, column) {
        return scan_of(input, below);
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let (side, below) = column_below(join, column)?;
        return scan_of(side_of(join, side).0, below);
    }
    if gives_rows_of_its_input(plan) { scan_of(plan.children().first()?, column) } else { None }
}

/// Whether a node gives the rows of its input, all of them or the first ones of an order.
fn gives_rows_of_its_input(plan: &Plan) -> bool {
    plan.is::<SortExec>() || plan.is::<SortPreservingMergeExec>() || plan.is::<CoalescePartitionsExec>()
}

/// The places for a test of a plan's column, a place being of use only behind an exchange, a join or an aggregation.
pub(super) fn sites(graph: &StageGraph, known: &Known<'_>, stage: StageId, plan: &Plan, column: usize) -> Vec<Site> {
    Descent { graph, known }.below(stage, plan, column, false)
}

struct Descent<'a> {
    graph: &'a StageGraph,
    known: &'a Known<'a>,
}

impl Descent<'_> {
    /// The places in a plan and the stages that it reads; `of_use` when the rows are yet to be exchanged, joined or aggregated.
    fn below(&self, stage: StageId, plan: &Plan, column: usize, of_use: bool) -> Vec<Site> {
        if let Some(read) = plan.downcast_ref::<StageReadExec>() {
            let written = self.graph.stage(read.stage());
            return if self.may_enter(read) { self.below(written.id, &written.plan, column, true) } else { Vec::new() };
        }
        let here = |scan: Option<(Plan, usize)>| {
            let site = Site { stage, above: Arc::clone(plan), column, scan };
            if of_use { vec![site] } else { Vec::new() }
        };
        // Which rows a LIMIT lets through, and what `rand()` gives for one, depends on those before it.
        if plan.fetch().is_some() || varies(plan) {
            return here(None);
        }
        if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
            let Some((side, below)) = column_below(join, column) else { return here(None) };
            if !rows_stand_alone(*join.join_type(), side) {
                return here(None);
            }
            let (input, beside) = side_of(join, side);
            let mut found = self.below(stage, input, below, true);
            // Beside an outer or anti join, rows that are kept back there bring back rows here, which an expression in between may refuse.
            if matches!(join.join_type(), JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi)
                && let Some(equal) = equal_key(join, side, below)
            {
                found.extend(self.below(stage, beside, equal, true));
            }
            return found;
        }
        if let Some((input, below)) = unchanged_below(plan, column) {
            let mut found = self.below(stage, input, below, of_use || plan.is::<AggregateExec>());
            // What a filter lets through is less to test.
            if plan.is::<FilterExec>() {
                for site in found.iter_mut().filter(|site| Arc::ptr_eq(&site.above, input)) {
                    site.above = Arc::clone(plan);
                    site.column = column;
                }
            }
            return found;
        }
        if gives_rows_of_its_input(plan) {
            return plan.children().into_iter().flat_map(|input| self.below(stage, input, column, of_use)).collect();
        }
        here(plan.is::<DataSourceExec>().then(|| (Arc::clone(plan), column)))
    }

    /// Whether the rows that are read may become fewer: nobody else reads them, and nobody counts on them all.
    fn may_enter(&self, read: &StageReadExec) -> bool {
        let stage = self.graph.stage(read.stage());
        *read.kind() == ReadKind::Rows
            && self.known.may_change(stage)
            && stage.rows_wanted.is_none()
            && matches!(stage.output, StageOutput::Passthrough | StageOutput::Hash { .. })
            && !self.graph.roots.contains(&stage.id)
            && reads_of(self.graph, stage.id) == 1
    }
}

/// Whether an expression of a node gives something else each time.
fn varies(plan: &Plan) -> bool {
    let mut varies = false;
    let seen = plan.apply_expressions(&mut |expr| {
        varies |= is_volatile(expr);
        Ok(TreeNodeRecursion::Continue)
    });
    seen.is_err() || varies
}

/// Whether anything in a stage, or in one that it reads, keeps rows back, as far as that can be told from the plan; `tested` says which
/// stages' rows will be tested. A column that has all the keys that there are is no filter for others.
pub(super) fn keeps_rows_back(graph: &StageGraph, plan: &Plan, tested: &dyn Fn(StageId) -> bool) -> bool {
    if let Some(read) = plan.downcast_ref::<StageReadExec>() {
        let stage = graph.stage(read.stage());
        return tested(stage.id) || keeps_rows_back(graph, &stage.plan, tested);
    }
    if plan.is::<FilterExec>() || plan.fetch().is_some() {
        return true;
    }
    let semi = plan.downcast_ref::<HashJoinExec>().is_some_and(|join| {
        matches!(join.join_type(), JoinType::LeftSemi | JoinType::RightSemi | JoinType::LeftAnti | JoinType::RightAnti)
    });
    semi || plan.children().into_iter().any(|input| keeps_rows_back(graph, input, tested))
}
