//! ORDER BY, SORT BY and DISTRIBUTE BY: keys by position, by name, and of what the list was made from; LIMIT and OFFSET.

use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, lit};
use datafusion::scalar::ScalarValue;
use tidemill_planner::logical::SortWithin;

use super::aggregate::ordinal;
use super::exchange::Wish;
use super::holds::has_subquery;
use super::holds::{has_aggregate, has_window};
use super::nodes::{project, sorted};
use super::refused::{is_missing_aggregation, is_unknown_column, outside_select};
use super::scope::{Attribute, Scope};
use super::stream::extension;
use super::subquery::refuse_asking;
use super::under::Under;
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::functions::{self, SortKey};
use crate::plan::{Expression, ExpressionKind, Relation, RelationKind, SortOrder};
use crate::{Result, Typed};

/// What is below the list that is sorted.
struct Below {
    under: Option<Box<Under>>,
    /// What is computed beside the list, under which id.
    extra: Vec<(Expr, String)>,
    /// The columns that keys name and the list has not.
    missing: Vec<Column>,
    /// A key that does not stand here. What a name means is looked at before, in all keys.
    refused: Option<crate::Error>,
}

fn not_in_order(typed: &Typed, child: &Expression) -> crate::Error {
    let message = format!("\"{}\" does not stand in ORDER BY here: compute it in the list", typed.sql);
    at(error("UNSUPPORTED_EXPR_FOR_OPERATOR", message), child.span)
}

impl Resolver<'_> {
    pub(crate) fn sort(&mut self, input: &Relation, order: &[SortOrder], is_global: bool) -> Result<Rel> {
        // Both DISTRIBUTE BY and SORT BY may name columns that the list has left out.
        if let (false, None, RelationKind::RepartitionByExpression { input, partition_expressions, num_partitions }) =
            (is_global, input.plan_id, input.kind.as_ref())
        {
            let wish = Wish::of(partition_expressions, *num_partitions)?;
            return self.arranged(input, Some(wish), order, false);
        }
        self.arranged(input, None, order, is_global)
    }

    /// The rows dealt as the program wishes, then in order: all of them, or those of each partition.
    pub(super) fn arranged(&mut self, input: &Relation, wish: Option<Wish>, order: &[SortOrder], is_global: bool) -> Result<Rel> {
        let mut rel = self.relation(input)?;
        let deals = self.deals(&rel.plan);
        let mut below = Below { under: rel.under.take(), extra: Vec::new(), missing: Vec::new(), refused: None };
        let mut dealt_by = Vec::new();
        for SortOrder { child, ascending, nulls_first } in wish.iter().flat_map(|wish| &wish.keys) {
            let is_ordered = wish.as_ref().is_some_and(|wish| wish.by_range);
            let expr = self.sort_key(&rel.scope, &mut below, child, is_ordered)?;
            dealt_by.push(SortExpr::new(expr, *ascending, *nulls_first));
        }
        let by_ordinal = self.settings.flag("spark.sql.orderByOrdinal", true)?;
        let mut keys: Vec<Vec<SortExpr>> = Vec::with_capacity(order.len());
        for one in order {
            let SortOrder { child, ascending, nulls_first } = one;
            let sorted = |expr: Expr| SortExpr::new(expr, *ascending, *nulls_first);
            keys.push(match &child.kind {
                ExpressionKind::UnresolvedStar { target, .. } if target.is_empty() => {
                    rel.scope.columns.iter().map(|a| sorted(a.expr())).collect()
                }
                // Positions count the columns that the other keys add, too: these come first.
                _ if by_ordinal && ordinal(child).is_some() => Vec::new(),
                _ => vec![sorted(self.sort_key(&rel.scope, &mut below, child, true)?)],
            });
        }
        if let Some(refused) = below.refused {
            return Err(refused);
        }
        for (one, key) in order.iter().zip(&mut keys) {
            if by_ordinal && let Some(position) = ordinal(&one.child) {
                let expr = self.at_position(position, &rel.scope, &mut below).map_err(|e| at(e, one.child.span))?;
                key.push(SortExpr::new(expr, one.ascending, one.nulls_first));
            }
        }
        if !deals && order.is_empty() {
            return Ok(Rel { under: below.under, ..rel });
        }
        let Below { under, extra, .. } = below;
        // Keys that are constants order nothing.
        let keys = keys.into_iter().flatten().filter(|key| !matches!(key.expr, Expr::Literal(..)));
        let deal_keys = dealt_by.len();
        let mut keys: Vec<SortExpr> = dealt_by.into_iter().chain(keys).collect();
        let plan = match (&under, extra.is_empty()) {
            (Some(under), false) => under.plan(self, &extra)?,
            _ => rel.plan,
        };
        // The engine sorts by no subquery: its value is a column below.
        let asks = keys.iter().any(|key| has_subquery(&key.expr));
        let (plan, exprs) = self.without_subqueries(plan, keys.iter().map(|key| key.expr.clone()).collect())?;
        keys.iter_mut().zip(exprs).for_each(|(key, expr)| key.expr = expr);
        let (plan, draws) = self.drawn_before(plan, &mut keys)?;
        let is_wider = asks || draws || !extra.is_empty();
        let order_keys = keys.split_off(deal_keys);
        let dealt = wish.filter(|_| deals).map(|wish| wish.dealt(keys));
        let plan = match dealt.clone() {
            Some(dealt) => dealt.over(plan),
            None => plan,
        };
        let is_sorted = !order_keys.is_empty();
        let plan = match () {
            () if !is_sorted => plan,
            () if is_global || !deals => sorted(plan, order_keys),
            () => extension(SortWithin { input: plan, keys: order_keys }),
        };
        let plan = if is_wider { project(plan, rel.scope.columns.iter().map(Attribute::expr).collect())? } else { plan };
        let mut made = Rel::new(plan, rel.scope);
        // Rows that are only dealt are still those of their list.
        if let (Some(dealt), Some(mut under), true) = (dealt, under, order.is_empty() && !is_wider) {
            under.deal(&dealt);
            made.under = Some(under);
        }
        Ok(made)
    }

    /// Keys that draw a number, or name no column, as columns of the rows: a key is computed once for each row, and the engine cannot
    /// sort rows without columns.
    fn drawn_before(&mut self, plan: LogicalPlan, keys: &mut [SortExpr]) -> Result<(LogicalPlan, bool)> {
        let mut exprs: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
        let before = exprs.len();
        for key in keys.iter_mut().filter(|key| key.expr.is_volatile() || (key.expr.column_refs().is_empty() && !key.expr.contains_outer()))
        {
            let id = self.fresh("order");
            let drawn = std::mem::replace(&mut key.expr, Expr::Column(Column::new_unqualified(&id)));
            exprs.push(drawn.alias(id));
        }
        let draws = exprs.len() > before;
        Ok((if draws { project(plan, exprs)? } else { plan }, draws))
    }

    /// A key over the list's columns, else over what the list was made from.
    fn sort_key(&mut self, scope: &Scope, below: &mut Below, child: &Expression, is_ordered: bool) -> Result<Expr> {
        // What the list was made from comes before the queries around.
        let outer = if below.under.is_some() { std::mem::take(&mut self.outer) } else { Vec::new() };
        let made = self.expression(child, scope).map_err(outside_select);
        if below.under.is_some() {
            self.outer = outer;
        }
        let plain = made.as_ref().is_ok_and(|typed| !has_aggregate(&typed.expr) && !has_window(&typed.expr));
        let retry = match &made {
            Ok(_) => !plain,
            Err(cause) => is_unknown_column(cause) || cause.condition().is_some_and(|c| c.name == "UNSUPPORTED_GROUPING_EXPRESSION"),
        };
        let typed = match (&mut below.under, retry) {
            (Some(under), true) => {
                if let Some(keys) = under.keys_below_windows() {
                    // The windows stand between the groups and the order, which sees the groups' keys and none of their aggregates.
                    let seen = self.expression(child, &scope.joined(&keys));
                    if made.is_err() && seen.is_err() {
                        return made.map(|typed| typed.expr);
                    }
                    let seen = seen.as_ref().or(made.as_ref());
                    if let Ok(typed) = seen
                        && has_aggregate(&typed.expr)
                        && !has_window(&typed.expr)
                    {
                        below.refused = Some(not_in_order(typed, child));
                        return Ok(typed.expr.clone());
                    }
                }
                let typed = match self.over(under, child) {
                    Ok(typed) => typed,
                    Err(second) => return Err(if is_unknown_column(&second) { made.err().unwrap_or(second) } else { second }),
                };
                if has_window(&typed.expr) {
                    return Err(not_in_order(&typed, child));
                }
                let expr = match under.rewritten(self, &typed) {
                    Ok(expr) => expr,
                    // Of groups only the keys and the list's columns are there, and then the queries around.
                    Err(cause) if is_missing_aggregation(&cause) && made.as_ref().is_err_and(is_unknown_column) => {
                        return self.expression(child, scope).map(|typed| typed.expr);
                    }
                    Err(cause) => return Err(at(cause, child.span)),
                };
                if let Under::Project { outputs, .. } = under.as_ref() {
                    let is_new = |c: &Column| !outputs.iter().any(|o| o.attribute.id == c.name);
                    expr.apply(|e| {
                        if let Expr::Column(column) = e
                            && is_new(column)
                            && !below.missing.contains(column)
                        {
                            below.missing.push(column.clone());
                        }
                        Ok(TreeNodeRecursion::Continue)
                    })?;
                }
                let id = self.fresh("order");
                below.extra.push((expr, id.clone()));
                Typed { expr: Expr::Column(Column::new_unqualified(id)), ..typed }
            }
            _ => made?,
        };
        if has_aggregate(&typed.expr) || has_window(&typed.expr) {
            return Err(not_in_order(&typed, child));
        }
        refuse_asking(&typed.expr, "ORDER BY").map_err(|e| at(e, child.span))?;
        if is_ordered {
            self.refuse_unorderable(&typed, child)?;
        }
        Ok(typed.expr)
    }

    /// The column at a position: of the list or, where the settings have it so, behind it of those that other keys take from below.
    fn at_position(&mut self, position: i64, scope: &Scope, below: &mut Below) -> Result<Expr> {
        let place = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        if let Some(column) = place.and_then(|place| scope.columns.get(place)) {
            return Ok(column.expr());
        }
        let list_alone = self.settings.flag("spark.sql.prioritizeOrdinalResolutionInSort.enabled", true)?;
        let behind = place.and_then(|place| place.checked_sub(scope.columns.len())).filter(|_| !list_alone);
        if let Some(column) = behind.and_then(|place| below.missing.get(place)) {
            let id = self.fresh("order");
            below.extra.push((Expr::Column(column.clone()), id.clone()));
            return Ok(Expr::Column(Column::new_unqualified(id)));
        }
        let message = format!("ORDER BY position {position} is not in the list of {} columns", scope.columns.len());
        Err(error("ORDER_BY_POS_OUT_OF_RANGE", message))
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
        let rows = self.row_count(limit, &rel.scope, "limit")?;
        let plan = LogicalPlanBuilder::from(super::recursion::below_limit(rel.plan)?).limit_by_expr(None, Some(lit(rows)))?.build()?;
        Ok(Rel::new(plan, rel.scope))
    }

    pub(crate) fn offset(&mut self, input: &Relation, offset: &Expression) -> Result<Rel> {
        let rel = self.relation(input)?;
        let rows = self.row_count(offset, &rel.scope, "offset")?;
        let plan = LogicalPlanBuilder::from(rel.plan).limit_by_expr(Some(lit(rows)), None)?.build()?;
        Ok(Rel::new(plan, rel.scope))
    }

    /// A constant number of rows, beside rows of that scope.
    pub(crate) fn row_count(&mut self, expression: &Expression, scope: &Scope, what: &str) -> Result<i64> {
        let refuse = |condition: &'static str, message: String| at(error(condition, message), expression.span);
        let typed = self.expression(expression, scope).map_err(outside_select)?;
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
