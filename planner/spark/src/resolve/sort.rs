//! ORDER BY and SORT BY: keys by position, by name, and of what the list was made from; LIMIT and OFFSET.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, SortExpr, lit};
use datafusion::scalar::ScalarValue;

use super::aggregate::ordinal;
use super::scope::{Attribute, Scope};
use super::select::{has_aggregate, has_window, is_unknown_column, project};
use super::subquery::outer_references;
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::functions::{self, SortKey};
use crate::plan::{Expression, ExpressionKind, Relation, SortOrder};
use crate::{Result, Typed};

/// As in Spark, a query that depends on the row orders nothing by itself.
fn refuse_correlated(key: &Expr) -> Result<()> {
    let mut refused = Ok(());
    key.apply(|part| {
        match part {
            Expr::ScalarSubquery(query) if !outer_references(&query.subquery).is_empty() => {
                refused = Err(error(
                    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY",
                    "ORDER BY takes no query that depends on the row: compute it in the list, and order by its name",
                ));
            }
            Expr::Exists(_) | Expr::InSubquery(_) => {
                refused = Err(error(
                    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_IN_EXISTS_SUBQUERY",
                    "ORDER BY takes no EXISTS or IN with a query: compute it in the list, and order by its name",
                ));
            }
            _ => {}
        }
        Ok(if refused.is_ok() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    refused
}

impl Resolver<'_> {
    pub(crate) fn sort(&mut self, input: &Relation, order: &[SortOrder]) -> Result<Rel> {
        let mut rel = self.relation(input)?;
        let mut under = rel.under.take();
        let mut extra: Vec<(Expr, String)> = Vec::new();
        let mut keys = Vec::with_capacity(order.len());
        let by_ordinal = self.settings.flag("spark.sql.orderByOrdinal", true)?;
        for one in order {
            let SortOrder { child, ascending, nulls_first } = one;
            if matches!(&child.kind, ExpressionKind::UnresolvedStar { target, .. } if target.is_empty()) {
                keys.extend(rel.scope.columns.iter().map(|a| SortExpr::new(a.expr(), *ascending, *nulls_first)));
                continue;
            }
            if by_ordinal && let Some(position) = ordinal(child) {
                let column = usize::try_from(position).ok().and_then(|p| p.checked_sub(1)).and_then(|p| rel.scope.columns.get(p));
                let Some(column) = column else {
                    let message = format!("ORDER BY position {position} is not in the list of {} columns", rel.scope.columns.len());
                    return Err(at(error("ORDER_BY_POS_OUT_OF_RANGE", message), child.span));
                };
                keys.push(SortExpr::new(column.expr(), *ascending, *nulls_first));
                continue;
            }
            let made = self.expression(child, &rel.scope);
            let plain = made.as_ref().is_ok_and(|typed| !has_aggregate(&typed.expr) && !has_window(&typed.expr));
            let retry = match &made {
                Ok(_) => !plain,
                Err(cause) => is_unknown_column(cause) || cause.condition().is_some_and(|c| c.name == "UNSUPPORTED_GROUPING_EXPRESSION"),
            };
            let typed = match (&mut under, retry) {
                (Some(under), true) => {
                    let typed = match self.over(under, child) {
                        Ok(typed) => typed,
                        Err(second) => return Err(if is_unknown_column(&second) { made.err().unwrap_or(second) } else { second }),
                    };
                    let expr = under.rewritten(self, &typed).map_err(|e| at(e, child.span))?;
                    let id = self.fresh("order");
                    extra.push((expr, id.clone()));
                    Typed { expr: Expr::Column(datafusion::common::Column::new_unqualified(id)), ..typed }
                }
                _ => made?,
            };
            if has_aggregate(&typed.expr) || has_window(&typed.expr) {
                let message = format!("\"{}\" does not stand in ORDER BY here: compute it in the list", typed.sql);
                return Err(at(error("UNSUPPORTED_EXPR_FOR_OPERATOR", message), child.span));
            }
            self.refuse_unorderable(&typed, child)?;
            refuse_correlated(&typed.expr).map_err(|e| at(e, child.span))?;
            keys.push(SortExpr::new(typed.expr, *ascending, *nulls_first));
        }
        let plan = match (&under, extra.is_empty()) {
            (Some(under), false) => under.plan(self, &extra)?,
            _ => rel.plan,
        };
        // Keys that are constants order nothing.
        keys.retain(|key| !matches!(key.expr, Expr::Literal(..)));
        let plan = if keys.is_empty() { plan } else { LogicalPlanBuilder::from(plan).sort(keys)?.build()? };
        let plan = if extra.is_empty() { plan } else { project(plan, rel.scope.columns.iter().map(Attribute::expr).collect())? };
        Ok(Rel::new(plan, rel.scope))
    }

    fn refuse_unorderable(&self, typed: &Typed, child: &Expression) -> Result<()> {
        if crate::types::lattice::is_orderable(&typed.data_type) {
            return Ok(());
        }
        let message = format!("\"{}\" is \"{}\", which has no order: sort by something else", typed.sql, typed.data_type.sql());
        Err(at(error("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", message), child.span))
    }

    /// Keys to sort by over a scope.
    pub(crate) fn sort_keys(&mut self, order: &[SortOrder], scope: &Scope) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(order.len());
        for one in order {
            let key = self.expression(&one.child, scope)?;
            self.refuse_unorderable(&key, &one.child)?;
            keys.push(SortKey { key, ascending: one.ascending, nulls_first: one.nulls_first });
        }
        Ok(keys)
    }

    pub(crate) fn limit(&mut self, input: &Relation, limit: Option<&Expression>) -> Result<Rel> {
        let rel = self.relation(input)?;
        let Some(limit) = limit else { return Ok(rel) };
        let rows = self.row_count(limit, "limit")?;
        let plan = LogicalPlanBuilder::from(rel.plan).limit_by_expr(None, Some(lit(rows)))?.build()?;
        Ok(Rel::new(plan, rel.scope))
    }

    pub(crate) fn offset(&mut self, input: &Relation, offset: &Expression) -> Result<Rel> {
        let rel = self.relation(input)?;
        let rows = self.row_count(offset, "offset")?;
        let plan = LogicalPlanBuilder::from(rel.plan).limit_by_expr(Some(lit(rows)), None)?.build()?;
        Ok(Rel::new(plan, rel.scope))
    }

    /// A constant number of rows.
    pub(crate) fn row_count(&mut self, expression: &Expression, what: &str) -> Result<i64> {
        let refuse = |condition: &'static str, message: String| at(error(condition, message), expression.span);
        let typed = match self.expression(expression, &Scope::default()) {
            Ok(typed) => typed,
            Err(cause) if is_unknown_column(&cause) => {
                return Err(refuse("INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE", format!("the {what} has to be a constant")));
            }
            Err(cause) => return Err(cause),
        };
        if has_aggregate(&typed.expr) || has_window(&typed.expr) {
            return Err(refuse(
                "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE",
                format!("the {what} has to be a constant, not \"{}\"", typed.sql),
            ));
        }
        let Some(value) = functions::constant(&typed)? else {
            return Err(refuse(
                "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE",
                format!("the {what} has to be a constant, not \"{}\"", typed.sql),
            ));
        };
        let rows = match value {
            ScalarValue::Int8(v) => v.map(i64::from),
            ScalarValue::Int16(v) => v.map(i64::from),
            ScalarValue::Int32(v) => v.map(i64::from),
            _ if typed.data_type != crate::types::SparkType::Integer => {
                let condition = "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE";
                return Err(refuse(condition, format!("the {what} is a whole number (int), not \"{}\"", typed.data_type.sql())));
            }
            _ => None,
        };
        match rows {
            None => Err(refuse("INVALID_LIMIT_LIKE_EXPRESSION.IS_NULL", format!("the {what} is null: give it a number"))),
            Some(rows) if rows < 0 => {
                Err(refuse("INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", format!("the {what} is {rows}: give it a number from 0 up")))
            }
            Some(rows) => Ok(rows),
        }
    }
}
