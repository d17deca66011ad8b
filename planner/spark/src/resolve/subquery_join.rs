//! Subqueries that the engine does not turn into joins by itself: done here, before it sees them.
//!
//! ```text
//! before  Projection: a, EXISTS(Q(a))
//! after   Projection: a, some IS NOT NULL   over   L left lateral join (one row `some` of Q(a))
//! ```

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::expr::{Case, InSubquery};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator, lit};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

use super::select::project;
use super::subquery::outer_references;
use super::{Resolver, decorrelate, join};
use crate::Result;

impl Resolver<'_> {
    /// The expressions over `plan`, and the plan that they are over: with the subqueries among them joined that the engine would not
    /// take where they stand.
    pub(super) fn with_subqueries(&mut self, plan: LogicalPlan, exprs: Vec<Expr>, is_filter: bool) -> Result<(LogicalPlan, Vec<Expr>)> {
        let needs = |e: &Expr| -> datafusion::error::Result<bool> {
            Ok(match e {
                Expr::ScalarSubquery(s) => !outer_references(&s.subquery).is_empty() && !engine_can(&s.subquery, false),
                Expr::Exists(e) => !is_filter || !engine_can(&e.subquery.subquery, false),
                Expr::InSubquery(e) => !is_filter || !engine_can(&e.subquery.subquery, false),
                _ => false,
            })
        };
        if !exprs.iter().any(|e| e.exists(needs).unwrap_or(false)) {
            return Ok((plan, exprs));
        }
        let mut plan = plan;
        let mut made = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let mut failed = None;
            let rewritten = expr
                .transform_down(|e| {
                    if failed.is_some() || !needs(&e)? {
                        return Ok(Transformed::no(e));
                    }
                    match self.subquery_joined(&mut plan, e) {
                        Ok(column) => Ok(Transformed::new(column, true, TreeNodeRecursion::Jump)),
                        Err(cause) => {
                            failed = Some(cause);
                            Ok(Transformed::no(lit(true)))
                        }
                    }
                })
                .data()?;
            match failed {
                Some(cause) => return Err(cause),
                None => made.push(rewritten),
            }
        }
        Ok((plan, made))
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
                let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
                let field = datafusion::logical_expr::ExprSchemable::to_field(expr.as_ref(), plan.schema())?.1;
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
        let right = if condition == lit(true) { right } else { LogicalPlanBuilder::from(right).filter(condition)?.build()? };
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
            join::joined(left, right, Some(lit(true)), JoinType::Left)?
        } else {
            decorrelate::lateral(self, left, right, None, JoinType::Left)?
        };
        Ok(())
    }
}

/// Whether the engine's own rules take a subquery that depends on a row around it: its columns are used in filters alone, below
/// projections and, where they are equated with columns, aggregates.
fn engine_can(plan: &LogicalPlan, below_aggregate: bool) -> bool {
    let free = |plan: &LogicalPlan| outer_references(plan).is_empty();
    if free(plan) {
        return true;
    }
    let has_outer = |e: &Expr| e.exists(|e| Ok(matches!(e, Expr::OuterReferenceColumn(..)))).unwrap_or(true);
    match plan {
        LogicalPlan::Projection(p) => !p.expr.iter().any(has_outer) && engine_can(&p.input, below_aggregate),
        LogicalPlan::SubqueryAlias(a) => engine_can(&a.input, below_aggregate),
        LogicalPlan::Aggregate(a) => {
            !below_aggregate && !a.group_expr.iter().chain(&a.aggr_expr).any(has_outer) && engine_can(&a.input, true)
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
            fine && engine_can(&f.input, below_aggregate)
        }
        _ => false,
    }
}
