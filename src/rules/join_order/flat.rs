//! A tree of inner joins taken apart into relations, equal columns and conditions, and put together in another order. Which order is told
//! by `search`.
//!
//! Columns are numbered through all relations: those of relation 0 first, then those of relation 1, …

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinSide, JoinType, NullEquality, Result};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::conjunction_opt;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion::physical_plan::joins::{HashJoinExec, HashJoinExecBuilder, PartitionMode};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::search::Tree;

/// A tree of joins, apart.
pub(super) struct Flat {
    pub(super) relations: Vec<Part>,
    /// Columns that are equal in every row, by class; no two of one relation.
    pub(super) classes: Vec<Vec<usize>>,
    pub(super) conditions: Vec<Condition>,
    /// The order that the plan has.
    pub(super) tree: Tree,
    /// The columns that it gives, in order.
    output: Vec<usize>,
    mode: PartitionMode,
}

/// A relation of a tree of joins.
pub(super) struct Part {
    pub(super) plan: Arc<dyn ExecutionPlan>,
    /// Its columns' numbers.
    pub(super) columns: Range<usize>,
    /// For one that only says which rows of others stay.
    pub(super) keeps: Option<SemiJoin>,
}

/// A semi or anti join with a relation.
pub(super) struct SemiJoin {
    pub(super) anti: bool,
    /// The columns of the others, and those of the relation that they equal.
    pub(super) on: Vec<(usize, usize)>,
    pub(super) filter: Option<Arc<dyn PhysicalExpr>>,
}

/// A condition whose columns are numbers.
pub(super) struct Condition {
    pub(super) expr: Arc<dyn PhysicalExpr>,
    /// The relations whose columns it looks at, as a set.
    pub(super) of: u32,
}

impl Flat {
    /// The tree of joins at the top of a plan, if there is one of three relations or more.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Self>> {
        if !is_joined(plan) {
            return Ok(None);
        }
        let mut apart = Apart::default();
        let Some((tree, output)) = apart.take(plan)? else { return Ok(None) };
        let Apart { relations, pairs, conditions, mode } = apart;
        if relations.len() < 3 || relations.len() > super::MOST_RELATIONS {
            return Ok(None);
        }
        let mut flat =
            Self { relations, classes: Vec::new(), conditions: Vec::new(), tree, output, mode: mode.unwrap_or(PartitionMode::Auto) };
        let Some(classes) = classes_of(&pairs, |column| flat.relation_of(column)) else { return Ok(None) };
        flat.classes = classes;
        flat.conditions = conditions.into_iter().map(|expr| Condition { of: flat.relations_in(&columns_of(&expr)), expr }).collect();
        // A condition without columns is at no join.
        Ok(flat.conditions.iter().all(|condition| condition.of != 0).then_some(flat))
    }

    /// The relation that a column is of.
    pub(super) fn relation_of(&self, column: usize) -> usize {
        self.relations.partition_point(|part| part.columns.end <= column)
    }

    /// The relations of these columns, as a set.
    pub(super) fn relations_in(&self, columns: &BTreeSet<usize>) -> u32 {
        columns.iter().fold(0, |set, column| set | 1 << self.relation_of(*column))
    }

    /// The relations that a semi join looks at, as a set.
    pub(super) fn looked_at(&self, at: usize) -> u32 {
        let Some(keeps) = &self.relations[at].keeps else { return 0 };
        let mut columns: BTreeSet<usize> = keeps.on.iter().map(|(theirs, _)| *theirs).collect();
        columns.extend(keeps.filter.iter().flat_map(columns_of).filter(|column| !self.relations[at].columns.contains(column)));
        self.relations_in(&columns)
    }

    /// The same rows by another order of joins. `schema` is that of the plan that was taken apart.
    ///
    /// # Errors
    /// Those of nodes that cannot be put together.
    pub(super) fn in_order(&self, tree: &Tree, schema: &Schema, sizes: &dyn Fn(u32) -> f64) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: BTreeSet<usize> = self.output.iter().copied().collect();
        let (plan, columns) = self.joined(tree, &wanted, sizes)?;
        let exprs = self.output.iter().zip(schema.fields()).map(|(column, field)| {
            let index = position(&columns, *column)?;
            let expr = Arc::new(Column::new(plan.schema().field(index).name(), index)) as _;
            Ok(ProjectionExpr { expr, alias: field.name().clone() })
        });
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(exprs, plan)?))
    }

    /// A subtree that gives at least the columns that are wanted of it, and the numbers of those that it gives.
    fn joined(&self, tree: &Tree, wanted: &BTreeSet<usize>, sizes: &dyn Fn(u32) -> f64) -> Result<(Arc<dyn ExecutionPlan>, Vec<usize>)> {
        let (left, right) = match tree {
            Tree::Leaf(at) => return self.relation(*at),
            Tree::Join(left, right) => (left, right),
        };
        let (one, other) = (left.relations(), right.relations());
        if let Some(at) = self.semi(one) {
            return self.semi_joined(at, right, wanted, sizes);
        }
        if let Some(at) = self.semi(other) {
            return self.semi_joined(at, left, wanted, sizes);
        }
        // The smaller side is built.
        let (left, right, one, other) = if sizes(one) <= sizes(other) { (left, right, one, other) } else { (right, left, other, one) };
        let keys: Vec<(usize, usize)> = self
            .classes
            .iter()
            .filter_map(|class| {
                let of = |set: u32| class.iter().copied().find(|column| set & (1 << self.relation_of(*column)) != 0);
                Some((of(one)?, of(other)?))
            })
            .collect();
        let held: Vec<&Condition> =
            self.conditions.iter().filter(|c| c.of & !(one | other) == 0 && c.of & !one != 0 && c.of & !other != 0).collect();
        let mut below = wanted.clone();
        below.extend(keys.iter().flat_map(|(left, right)| [*left, *right]));
        below.extend(held.iter().flat_map(|condition| columns_of(&condition.expr)));
        let (left, left_columns) = self.joined(left, &below, sizes)?;
        let (right, right_columns) = self.joined(right, &below, sizes)?;
        let on = keys.iter().map(|(one, other)| Ok((column(&left, &left_columns, *one)?, column(&right, &right_columns, *other)?)));
        let on = on.collect::<Result<Vec<_>>>()?;
        let filter = conjunction_opt(held.iter().map(|condition| Arc::clone(&condition.expr)));
        let filter = filter.map(|expr| join_filter(&expr, (&left, &left_columns), (&right, &right_columns))).transpose()?;
        let all: Vec<usize> = left_columns.into_iter().chain(right_columns).collect();
        let kept: Vec<usize> = (0..all.len()).filter(|at| wanted.contains(&all[*at])).collect();
        let columns = kept.iter().map(|at| all[*at]).collect();
        let join = HashJoinExecBuilder::new(left, right, on, JoinType::Inner)
            .with_filter(filter)
            .with_partition_mode(self.mode)
            .with_null_equality(NullEquality::NullEqualsNothing)
            .with_projection((kept.len() < all.len()).then_some(kept))
            .build_exec()?;
        Ok((join, columns))
    }

    /// The rows of `tree` that a semi or anti join with a relation keeps.
    fn semi_joined(
        &self,
        at: usize,
        tree: &Tree,
        wanted: &BTreeSet<usize>,
        sizes: &dyn Fn(u32) -> f64,
    ) -> Result<(Arc<dyn ExecutionPlan>, Vec<usize>)> {
        let Some(keeps) = &self.relations[at].keeps else { return datafusion::common::internal_err!("relation {at} keeps nothing") };
        let mut below = wanted.clone();
        below.extend(keeps.on.iter().map(|(theirs, _)| *theirs));
        below.extend(keeps.filter.iter().flat_map(columns_of).filter(|column| !self.relations[at].columns.contains(column)));
        let (rows, columns) = self.joined(tree, &below, sizes)?;
        let (by, by_columns) = self.relation(at)?;
        let on = keeps.on.iter().map(|(theirs, its)| Ok((column(&rows, &columns, *theirs)?, column(&by, &by_columns, *its)?)));
        let on = on.collect::<Result<Vec<_>>>()?;
        let filter = keeps.filter.as_ref().map(|expr| join_filter(expr, (&rows, &columns), (&by, &by_columns))).transpose()?;
        let join_type = if keeps.anti { JoinType::LeftAnti } else { JoinType::LeftSemi };
        let kept: Vec<usize> = (0..columns.len()).filter(|at| wanted.contains(&columns[*at])).collect();
        let given = kept.iter().map(|at| columns[*at]).collect();
        let join = HashJoinExecBuilder::new(rows, by, on, join_type)
            .with_filter(filter)
            .with_partition_mode(self.mode)
            .with_null_equality(NullEquality::NullEqualsNothing)
            .with_projection((kept.len() < columns.len()).then_some(kept))
            .build()?;
        // The smaller side is built here too.
        let join: Arc<dyn ExecutionPlan> =
            if sizes(1 << at) < sizes(tree.relations()) { join.swap_inputs(self.mode)? } else { Arc::new(join) };
        Ok((join, given))
    }

    fn semi(&self, set: u32) -> Option<usize> {
        let at = set.trailing_zeros() as usize;
        (set.count_ones() == 1 && self.relations[at].keeps.is_some()).then_some(at)
    }

    /// A relation, with the conditions that are over it alone.
    fn relation(&self, at: usize) -> Result<(Arc<dyn ExecutionPlan>, Vec<usize>)> {
        let part = &self.relations[at];
        let columns: Vec<usize> = part.columns.clone().collect();
        let here = self.conditions.iter().filter(|condition| condition.of == 1 << at).map(|condition| Arc::clone(&condition.expr));
        let Some(here) = conjunction_opt(here) else { return Ok((Arc::clone(&part.plan), columns)) };
        let named = renumbered(&here, &|number| column(&part.plan, &columns, number))?;
        Ok((Arc::new(FilterExec::try_new(named, Arc::clone(&part.plan))?), columns))
    }
}

/// What is gathered while a plan is taken apart.
#[derive(Default)]
struct Apart {
    relations: Vec<Part>,
    pairs: Vec<(usize, usize)>,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    mode: Option<PartitionMode>,
}

impl Apart {
    /// A node's order of joins, and the numbers of its columns.
    fn take(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<(Tree, Vec<usize>)>> {
        if !is_joined(plan) {
            return Ok(Some(self.relation(plan, None)));
        }
        if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
            let Some((tree, below)) = self.take(projection.input())? else { return Ok(None) };
            let columns = projection.expr().iter().filter_map(|expr| Some(below[expr.expr.downcast_ref::<Column>()?.index()]));
            return Ok(Some((tree, columns.collect())));
        }
        if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            let Some((tree, below)) = self.take(filter.input())? else { return Ok(None) };
            self.conditions.push(numbered(filter.predicate(), &|column| below[column.index()])?);
            return Ok(Some((tree, chosen(below, filter.projection().as_deref()))));
        }
        let Some(join) = plan.downcast_ref::<HashJoinExec>() else { return Ok(None) };
        let Some((left_tree, left)) = self.take(join.left())? else { return Ok(None) };
        self.mode.get_or_insert(*join.partition_mode());
        if *join.join_type() == JoinType::Inner {
            let Some((right_tree, right)) = self.take(join.right())? else { return Ok(None) };
            let Some(on) = keys(join, &left, &right) else { return Ok(None) };
            self.pairs.extend(on);
            if let Some(filter) = join.filter() {
                self.conditions.push(numbered_filter(filter, &left, &right)?);
            }
            let columns = chosen(left.into_iter().chain(right).collect(), join.projection.as_deref());
            return Ok(Some((Tree::Join(Box::new(left_tree), Box::new(right_tree)), columns)));
        }
        let start = self.next_column();
        let right: Vec<usize> = (start..start + join.right().schema().fields().len()).collect();
        let Some(on) = keys(join, &left, &right) else { return Ok(None) };
        let filter = join.filter().map(|filter| numbered_filter(filter, &left, &right)).transpose()?;
        let keeps = SemiJoin { anti: *join.join_type() == JoinType::LeftAnti, on, filter };
        let (right_tree, _) = self.relation(join.right(), Some(keeps));
        Ok(Some((Tree::Join(Box::new(left_tree), Box::new(right_tree)), chosen(left, join.projection.as_deref()))))
    }

    fn next_column(&self) -> usize {
        self.relations.last().map_or(0, |part| part.columns.end)
    }

    fn relation(&mut self, plan: &Arc<dyn ExecutionPlan>, keeps: Option<SemiJoin>) -> (Tree, Vec<usize>) {
        let start = self.next_column();
        let columns = start..start + plan.schema().fields().len();
        self.relations.push(Part { plan: Arc::clone(plan), columns: columns.clone(), keeps });
        (Tree::Leaf(self.relations.len() - 1), columns.collect())
    }
}

/// Whether a node is a join that may change places with others, or hands on the columns of one.
fn is_joined(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if plan.fetch().is_some() {
        return false;
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return projection.expr().iter().all(|expr| expr.expr.is::<Column>()) && is_joined(projection.input());
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return is_harmless(filter.predicate()) && is_joined(filter.input());
    }
    plan.downcast_ref::<HashJoinExec>().is_some_and(|join| {
        matches!(join.join_type(), JoinType::Inner | JoinType::LeftSemi | JoinType::LeftAnti)
            && join.null_equality() == NullEquality::NullEqualsNothing
            && !join.null_aware
            && join.on().iter().all(|(left, right)| left.is::<Column>() && right.is::<Column>())
            && join.filter().is_none_or(|filter| is_harmless(filter.expression()))
    })
}

/// Whether an expression gives the same for the same row wherever it stands, and fails for none.
fn is_harmless(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let here = if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        matches!(
            binary.op(),
            Operator::And
                | Operator::Or
                | Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom
        )
    } else {
        expr.is::<Column>()
            || expr.is::<Literal>()
            || expr.is::<NotExpr>()
            || expr.is::<IsNullExpr>()
            || expr.is::<IsNotNullExpr>()
            || expr.is::<InListExpr>()
            || expr.is::<LikeExpr>()
    };
    here && expr.children().into_iter().all(is_harmless)
}

/// The equal columns of a join.
fn keys(join: &HashJoinExec, left: &[usize], right: &[usize]) -> Option<Vec<(usize, usize)>> {
    let of = |expr: &Arc<dyn PhysicalExpr>, columns: &[usize]| Some(columns[expr.downcast_ref::<Column>()?.index()]);
    join.on().iter().map(|(one, other)| Some((of(one, left)?, of(other, right)?))).collect()
}

fn chosen(columns: Vec<usize>, projection: Option<&[usize]>) -> Vec<usize> {
    match projection {
        Some(projection) => projection.iter().map(|at| columns[*at]).collect(),
        None => columns,
    }
}

/// Columns that are equal, by class; none if a class has two columns of one relation: the classes would not say that these two are equal
/// within it.
fn classes_of(pairs: &[(usize, usize)], relation_of: impl Fn(usize) -> usize) -> Option<Vec<Vec<usize>>> {
    let mut classes: Vec<BTreeSet<usize>> = Vec::new();
    for (one, other) in pairs {
        let (touched, mut rest): (Vec<_>, Vec<_>) = classes.into_iter().partition(|class| class.contains(one) || class.contains(other));
        let mut merged: BTreeSet<usize> = touched.into_iter().flatten().collect();
        merged.extend([*one, *other]);
        rest.push(merged);
        classes = rest;
    }
    let is_plain = |class: &BTreeSet<usize>| class.iter().map(|column| relation_of(*column)).collect::<BTreeSet<_>>().len() == class.len();
    classes.iter().all(is_plain).then(|| classes.into_iter().map(|class| class.into_iter().collect()).collect())
}

/// An expression over numbers of columns: a column's index is its number.
fn numbered(expr: &Arc<dyn PhysicalExpr>, number: &dyn Fn(&Column) -> usize) -> Result<Arc<dyn PhysicalExpr>> {
    Arc::clone(expr)
        .transform_up(|part| {
            let Some(column) = part.downcast_ref::<Column>() else { return Ok(Transformed::no(part)) };
            let numbered = Column::new(column.name(), number(column));
            Ok(Transformed::yes(Arc::new(numbered) as _))
        })
        .data()
}

fn numbered_filter(filter: &JoinFilter, left: &[usize], right: &[usize]) -> Result<Arc<dyn PhysicalExpr>> {
    numbered(filter.expression(), &|column| {
        let ColumnIndex { index, side } = &filter.column_indices()[column.index()];
        if *side == JoinSide::Left { left[*index] } else { right[*index] }
    })
}

/// The other way: numbers replaced by what `column` says.
fn renumbered(expr: &Arc<dyn PhysicalExpr>, column: &dyn Fn(usize) -> Result<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
    Arc::clone(expr)
        .transform_up(|part| match part.downcast_ref::<Column>() {
            Some(numbered) => Ok(Transformed::yes(column(numbered.index())?)),
            None => Ok(Transformed::no(part)),
        })
        .data()
}

/// The numbers of an expression's columns.
pub(super) fn columns_of(expr: &Arc<dyn PhysicalExpr>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    // It never fails: the closure does not.
    drop(expr.apply(|part| {
        found.extend(part.downcast_ref::<Column>().map(Column::index));
        Ok(TreeNodeRecursion::Continue)
    }));
    found
}

fn position(columns: &[usize], number: usize) -> Result<usize> {
    match columns.iter().position(|column| *column == number) {
        Some(at) => Ok(at),
        None => datafusion::common::internal_err!("column {number} is lost in the order of joins"),
    }
}

/// A column by its number, of a plan that gives columns of these numbers.
fn column(plan: &Arc<dyn ExecutionPlan>, columns: &[usize], number: usize) -> Result<Arc<dyn PhysicalExpr>> {
    let at = position(columns, number)?;
    Ok(Arc::new(Column::new(plan.schema().field(at).name(), at)))
}

/// A condition over numbers as a filter of a join.
fn join_filter(
    expr: &Arc<dyn PhysicalExpr>,
    left: (&Arc<dyn ExecutionPlan>, &[usize]),
    right: (&Arc<dyn ExecutionPlan>, &[usize]),
) -> Result<JoinFilter> {
    let numbers: Vec<usize> = columns_of(expr).into_iter().collect();
    let mut fields: Vec<Field> = Vec::new();
    let mut indices = Vec::new();
    for number in &numbers {
        let (side, (plan, columns)) = if left.1.contains(number) { (JoinSide::Left, left) } else { (JoinSide::Right, right) };
        let index = position(columns, *number)?;
        fields.push(plan.schema().field(index).clone());
        indices.push(ColumnIndex { index, side });
    }
    let expr = renumbered(expr, &|number| {
        let at = position(&numbers, number)?;
        Ok(Arc::new(Column::new(fields[at].name(), at)) as _)
    })?;
    Ok(JoinFilter::new(expr, indices, Arc::new(Schema::new(fields))))
}
