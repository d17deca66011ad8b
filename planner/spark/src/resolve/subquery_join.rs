//! Subqueries that the engine does not turn into joins by itself: done here, before it sees them.
//!
//! ```text
//! before  Projection: a, EXISTS(Q(a))
//! after   Projection: a, some IS NOT NULL   over   L left lateral join (one row `some` of Q(a))
//! ```

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType};
use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator, lit};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

use super::holds::{has_subquery, is_subquery};
use super::nodes::{filtered, project};
use super::outer::outer_references;
use super::{Resolver, decorrelate};
use crate::Result;
use crate::error::error;

impl Resolver<'_> {
    /// The expressions over `plan`, and the plan that they are over: with the subqueries among them joined that the engine would not
    /// take where they stand.
    pub(super) fn with_subqueries(&mut self, plan: LogicalPlan, exprs: Vec<Expr>, is_filter: bool) -> Result<(LogicalPlan, Vec<Expr>)> {
        if !is_filter {
            let schema = Arc::clone(plan.schema());
            return self.joined_subqueries(plan, exprs, &|e| needs_join_as_value(e, &schema));
        }
        if !exprs.iter().any(has_subquery) {
            return Ok((plan, exprs));
        }
        let schema = Arc::clone(plan.schema());
        let mut plan = plan;
        let mut made = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let mut conjuncts = Vec::new();
            for conjunct in split_conjunction_owned(expr) {
                let conjunct = as_predicate(conjunct);
                if is_engine_predicate(&conjunct, &schema) {
                    conjuncts.push(conjunct);
                } else {
                    let (joined, rewritten) = self.joined_subqueries(plan, vec![conjunct], &|e| needs_join_as_value(e, &schema))?;
                    plan = joined;
                    conjuncts.extend(rewritten);
                }
            }
            made.extend(conjuncts.into_iter().reduce(Expr::and));
        }
        Ok((plan, made))
    }

    /// The same with every subquery joined: for where the engine takes none.
    pub(super) fn without_subqueries(&mut self, plan: LogicalPlan, exprs: Vec<Expr>) -> Result<(LogicalPlan, Vec<Expr>)> {
        self.joined_subqueries(plan, exprs, &is_subquery)
    }

    fn joined_subqueries(
        &mut self,
        plan: LogicalPlan,
        exprs: Vec<Expr>,
        needs: &dyn Fn(&Expr) -> bool,
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        if !exprs.iter().any(|e| e.exists(|e| Ok(needs(e))).unwrap_or(false)) {
            return Ok((plan, exprs));
        }
        let mut plan = plan;
        let exprs =
            exprs.into_iter().map(|expr| replaced(expr, needs, &mut |e| self.subquery_joined(&mut plan, e))).collect::<Result<Vec<_>>>()?;
        Ok((plan, exprs))
    }

    /// The condition of a join, its subqueries joined below, each to the side whose columns it uses.
    pub(super) fn beside(&mut self, left: &mut LogicalPlan, right: &mut LogicalPlan, condition: Expr) -> Result<Expr> {
        replaced(condition, &is_subquery, &mut |e| {
            let uses = used_columns(&e);
            let of = |plan: &LogicalPlan| uses.iter().any(|column| plan.schema().has_column(column));
            match (of(left), of(right)) {
                (true, true) => Err(uses_both_sides()),
                (false, true) => self.subquery_joined(right, e),
                _ => self.subquery_joined(left, e),
            }
        })
    }

    /// Refuses subqueries in a join's condition that use columns of both sides.
    pub(super) fn check_sides(left: &LogicalPlan, right: &LogicalPlan, condition: &Expr) -> Result<()> {
        let mut subqueries = Vec::new();
        condition.apply(|e| {
            match e {
                Expr::ScalarSubquery(subquery) => subqueries.push(Arc::clone(&subquery.subquery)),
                Expr::Exists(exists) => subqueries.push(Arc::clone(&exists.subquery.subquery)),
                Expr::InSubquery(test) => subqueries.push(Arc::clone(&test.subquery.subquery)),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        for subquery in subqueries {
            let references = outer_references(&subquery);
            let of = |plan: &LogicalPlan| {
                references.iter().any(|e| matches!(e, Expr::OuterReferenceColumn(_, column) if plan.schema().has_column(column)))
            };
            if of(left) && of(right) {
                return Err(uses_both_sides());
            }
        }
        Ok(())
    }

    /// Joins one subquery to `plan`, and gives what stands in its place.
    fn subquery_joined(&mut self, plan: &mut LogicalPlan, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::ScalarSubquery(subquery) => {
                let right = Arc::unwrap_or_clone(subquery.subquery);
                let column = Expr::Column(right.schema().columns().first().cloned().unwrap_or_else(|| Column::new_unqualified("")));
                let id = self.fresh("value");
                let right = project(right, vec![column.alias(&id)])?;
                self.join_left(plan, right)?;
                Ok(Expr::Column(Column::new_unqualified(id)))
            }
            Expr::Exists(exists) => {
                let some = self.joined_flag(plan, Arc::unwrap_or_clone(exists.subquery.subquery), lit(true))?;
                Ok(if exists.negated { some.is_null() } else { some.is_not_null() })
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                // true where some row is equal, null where some may be, else false.
                let right = Arc::unwrap_or_clone(subquery.subquery);
                let id = self.fresh("needle");
                let (below, mut values) = self.without_subqueries(plan.clone(), vec![*expr])?;
                *plan = below;
                let expr = values.pop().unwrap_or_else(|| lit(ScalarValue::Null));
                let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
                let field = datafusion::logical_expr::ExprSchemable::to_field(&expr, plan.schema())?.1;
                *plan = project(plan.clone(), columns.into_iter().chain([expr.alias(&id)]).collect())?;
                let needle = Expr::OuterReferenceColumn(field, Column::new_unqualified(&id));
                let item = Expr::Column(right.schema().columns().first().cloned().unwrap_or_else(|| Column::new_unqualified("")));
                let equal = needle.eq(item);
                let sure = self.joined_flag(plan, right.clone(), equal.clone())?;
                let maybe = self.joined_flag(plan, right, equal.is_not_false())?;
                let null = Expr::Literal(ScalarValue::Boolean(None), None);
                Ok(Expr::Case(Case::new(
                    None,
                    vec![(Box::new(sure.is_not_null()), Box::new(lit(!negated))), (Box::new(maybe.is_not_null()), Box::new(null))],
                    Some(Box::new(lit(negated))),
                )))
            }
            other => Ok(other),
        }
    }

    /// A column that is true where the query has a row for which `condition` holds, else null.
    fn joined_flag(&mut self, plan: &mut LogicalPlan, right: LogicalPlan, condition: Expr) -> Result<Expr> {
        let right = if condition == lit(true) { right } else { filtered(right, condition)? };
        let id = self.fresh("some");
        let right = project(right, vec![lit(true).alias(&id)])?;
        // Each row of the left at most once.
        let right = LogicalPlanBuilder::from(right).distinct()?.build()?;
        self.join_left(plan, right)?;
        Ok(Expr::Column(Column::new_unqualified(id)))
    }

    fn join_left(&mut self, plan: &mut LogicalPlan, right: LogicalPlan) -> Result<()> {
        let left = plan.clone();
        *plan = if outer_references(&right).is_empty() {
            super::joined::joined(left, right, Some(lit(true)), JoinType::Left)?
        } else {
            decorrelate::lateral(self, left, right, None, JoinType::Left)?
        };
        Ok(())
    }
}

fn uses_both_sides() -> crate::Error {
    error(
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_EXPRESSION_IN_JOIN_CONDITION",
        "a subquery in the condition of a join uses columns of both sides: compute it on one side first, or ask for it in WHERE",
    )
}

/// Whether a subquery that stands anywhere but as a condition of a filter has to be joined.
fn needs_join_as_value(expr: &Expr, around: &DFSchema) -> bool {
    match expr {
        Expr::ScalarSubquery(s) => {
            !(outer_references(&s.subquery).is_empty() || stays_within(&s.subquery, around) && engine_can(&s.subquery, Use::Value, false))
        }
        Expr::Exists(_) | Expr::InSubquery(_) => true,
        _ => false,
    }
}

/// Whether the engine takes this condition of a filter as it is.
fn is_engine_predicate(expr: &Expr, around: &DFSchema) -> bool {
    match expr {
        Expr::Not(inner) if matches!(inner.as_ref(), Expr::Exists(_)) => is_engine_predicate(inner, around),
        Expr::Exists(e) => stays_within(&e.subquery.subquery, around) && engine_can(&e.subquery.subquery, Use::Predicate, false),
        // The engine's null-aware join compares one column and nothing else.
        Expr::InSubquery(e) if e.negated => outer_references(&e.subquery.subquery).is_empty() && !has_subquery(&e.expr),
        Expr::InSubquery(e) => {
            let query = &e.subquery.subquery;
            stays_within(query, around) && engine_can(query, Use::Predicate, false) && !has_subquery(&e.expr)
        }
        _ => false,
    }
}

/// Whether a subquery uses columns of the rows right around it alone. The engine does not find those of queries further out.
fn stays_within(plan: &LogicalPlan, around: &DFSchema) -> bool {
    outer_references(plan).iter().all(|e| matches!(e, Expr::OuterReferenceColumn(_, column) if around.has_column(column)))
}

/// A condition of a filter, of which only true counts, in the form that asks for no more than that.
fn as_predicate(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(e) => Expr::InSubquery(InSubquery { negated: !e.negated, ..e }),
            Expr::Exists(e) => Expr::Exists(Exists { negated: !e.negated, ..e }),
            other => Expr::Not(Box::new(other)),
        },
        Expr::Case(case) => match row_in(&case) {
            Some((sure, _, false)) => Expr::Exists(sure.clone()),
            Some((_, maybe, true)) => Expr::Exists(Exists { negated: true, ..maybe.clone() }),
            None => Expr::Case(case),
        },
        other => other,
    }
}

/// The parts of `(a, b) IN (…)`, which `in_subquery` makes: whether some row is equal, whether some may be, and whether it is NOT IN.
fn row_in(case: &Case) -> Option<(&Exists, &Exists, bool)> {
    let [(sure, found), (maybe, null)] = case.when_then_expr.as_slice() else { return None };
    match (sure.as_ref(), found.as_ref(), maybe.as_ref(), null.as_ref(), case.else_expr.as_deref()) {
        (
            Expr::Exists(sure),
            Expr::Literal(ScalarValue::Boolean(Some(found)), _),
            Expr::Exists(maybe),
            Expr::Literal(ScalarValue::Boolean(None), _),
            Some(Expr::Literal(ScalarValue::Boolean(Some(other)), _)),
        ) if found != other => Some((sure, maybe, *other)),
        _ => None,
    }
}

/// The expression with what `needs` to be replaced, outermost first.
fn replaced(expr: Expr, needs: &dyn Fn(&Expr) -> bool, replace: &mut dyn FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
    let mut failed = None;
    let rewritten = expr
        .transform_down(|e| {
            if failed.is_some() || !needs(&e) {
                return Ok(Transformed::no(e));
            }
            match replace(e) {
                Ok(column) => Ok(Transformed::new(column, true, TreeNodeRecursion::Jump)),
                Err(cause) => {
                    failed = Some(cause);
                    Ok(Transformed::no(lit(true)))
                }
            }
        })
        .data()?;
    failed.map_or(Ok(rewritten), Err)
}

/// The columns of the rows around that a subquery uses.
fn used_columns(expr: &Expr) -> Vec<Column> {
    let plan = match expr {
        Expr::ScalarSubquery(s) => &s.subquery,
        Expr::Exists(e) => &e.subquery.subquery,
        Expr::InSubquery(e) => &e.subquery.subquery,
        _ => return Vec::new(),
    };
    let mut columns: Vec<Column> = outer_references(plan)
        .into_iter()
        .filter_map(|e| match e {
            Expr::OuterReferenceColumn(_, column) => Some(column),
            _ => None,
        })
        .collect();
    if let Expr::InSubquery(e) = expr {
        columns.extend(e.expr.column_refs().into_iter().cloned());
    }
    columns
}

/// What a subquery stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A scalar.
    Value,
    /// EXISTS or IN.
    Predicate,
}

/// Whether the engine's own rules take a subquery that depends on a row around it: its columns are used in filters alone, below
/// projections and, where they are equated with columns, aggregates.
fn engine_can(plan: &LogicalPlan, used: Use, below_aggregate: bool) -> bool {
    let free = |plan: &LogicalPlan| outer_references(plan).is_empty();
    if free(plan) {
        return true;
    }
    let has_outer = |e: &Expr| e.exists(|e| Ok(matches!(e, Expr::OuterReferenceColumn(..)))).unwrap_or(true);
    match plan {
        LogicalPlan::Projection(p) => !p.expr.iter().any(has_outer) && engine_can(&p.input, used, below_aggregate),
        LogicalPlan::SubqueryAlias(a) => engine_can(&a.input, used, below_aggregate),
        LogicalPlan::Aggregate(a) => {
            // As a join, a group of no rows is none; the engine makes up for that in values alone, and for the plainest aggregates.
            used == Use::Value
                && !below_aggregate
                && a.aggr_expr.iter().all(decorrelate::is_plain)
                && !a.group_expr.iter().chain(&a.aggr_expr).any(has_outer)
                && engine_can(&a.input, used, true)
        }
        LogicalPlan::Filter(f) => {
            let fine = datafusion::logical_expr::utils::split_conjunction(&f.predicate).into_iter().all(|conjunct| {
                if !has_outer(conjunct) {
                    return true;
                }
                let nested =
                    conjunct.exists(|e| Ok(matches!(e, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_)))).unwrap_or(true);
                let equated = matches!(conjunct, Expr::BinaryExpr(b) if b.op == Operator::Eq
                    && (matches!(b.left.as_ref(), Expr::Column(_)) && matches!(b.right.as_ref(), Expr::OuterReferenceColumn(..))
                        || matches!(b.right.as_ref(), Expr::Column(_)) && matches!(b.left.as_ref(), Expr::OuterReferenceColumn(..))));
                !nested && (!below_aggregate || equated)
            });
            fine && engine_can(&f.input, used, below_aggregate)
        }
        _ => false,
    }
}
