//! Rows in groups: which keys and aggregates a list over them asks for, and the plan that computes these.
//!
//! Several grouping sets are Spark's `Expand`: each row comes once per set, the keys that are not of the set null.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, Subquery, lit};
use datafusion::scalar::ScalarValue;
use tidemill_planner::logical::{Groups, WindowAggregate};

use super::Resolver;
use super::holds::has_aggregate;
use super::nodes::{filtered, project, under_id};
use super::outer::{as_subquery, outer_references, renamed_outer};
use super::scope::{Attribute, Scope};
use super::stream::{TimeWindow, windowed};
use crate::error::error;
use crate::functions::takes_rows_in_order;
use crate::{Result, Typed};

/// Rows in groups.
#[derive(Debug, Clone)]
pub(crate) struct Grouped {
    pub(crate) input: LogicalPlan,
    /// The rows' columns.
    pub(crate) scope: Scope,
    /// (key, the column that it becomes)
    pub(crate) keys: Vec<(Typed, Attribute)>,
    /// (aggregate, the column that it becomes)
    aggregates: Vec<(Expr, String)>,
    /// HAVING's conditions over the groups' columns.
    pub(crate) filters: Vec<Expr>,
    /// Which keys are of each set, if there are several.
    pub(crate) sets: Option<Vec<Vec<usize>>>,
    /// The window of time that is one of the keys, as the column of its id.
    pub(crate) window: Option<TimeWindow>,
    /// What the program calls each aggregate, where there is a window.
    texts: Vec<String>,
    /// What `grouping()` means.
    pub(crate) grouping: Option<GroupingContext>,
}

/// What `grouping()` is computed from.
#[derive(Debug, Clone)]
pub(crate) struct GroupingContext {
    /// The keys.
    pub(crate) keys: Vec<Expr>,
    /// The column that holds a bit per key, the first key's the highest: 1 where the key is not of the set.
    pub(crate) id: Attribute,
}

impl Grouped {
    pub(crate) fn new(input: LogicalPlan, scope: Scope, keys: Vec<(Typed, Attribute)>) -> Self {
        Self {
            input,
            scope,
            keys,
            aggregates: Vec::new(),
            filters: Vec::new(),
            sets: None,
            window: None,
            texts: Vec::new(),
            grouping: None,
        }
    }

    /// An expression over the rows as one over the groups' columns.
    pub(crate) fn rewrite(&mut self, resolver: &mut Resolver<'_>, typed: &Typed) -> Result<Expr> {
        let mut nested = false;
        let mut stray_outer = None;
        let expr = typed
            .expr
            .clone()
            .transform_down(|e| {
                if let Some((_, attribute)) = self.keys.iter().find(|(key, _)| key.expr == e) {
                    return Ok(Transformed::new(attribute.expr(), true, TreeNodeRecursion::Jump));
                }
                let mut e = e;
                match e {
                    Expr::AggregateFunction(ref function) => {
                        nested |= function.params.args.iter().any(has_aggregate);
                        let known = self.aggregates.iter().find(|(known, _)| *known == e).map(|(_, id)| id.clone());
                        let id = known.unwrap_or_else(|| {
                            let id = resolver.fresh(function.func.name());
                            self.texts.push(resolver.aggregate_text(&e));
                            self.aggregates.push((e.clone(), id.clone()));
                            id
                        });
                        Ok(Transformed::new(Expr::Column(Column::new_unqualified(id)), true, TreeNodeRecursion::Jump))
                    }
                    // What a subquery takes from the row around it has to be a key.
                    Expr::ScalarSubquery(ref mut subquery)
                    | Expr::Exists(Exists { ref mut subquery, .. })
                    | Expr::InSubquery(InSubquery { ref mut subquery, .. }) => match self.over_groups(subquery) {
                        Ok(over) => {
                            *subquery = over;
                            Ok(Transformed::yes(e))
                        }
                        Err(cause) => {
                            stray_outer = Some(cause);
                            Ok(Transformed::no(e))
                        }
                    },
                    other => Ok(Transformed::no(other)),
                }
            })
            .data()?;
        if nested {
            return Err(error(
                "NESTED_AGGREGATE_FUNCTION",
                format!("\"{}\": an aggregate of an aggregate; compute the inner one in a subquery", typed.sql),
            ));
        }
        if let Some(cause) = stray_outer {
            return Err(cause);
        }
        let known = |name: &str| {
            self.keys.iter().any(|(_, a)| a.id == name)
                || self.aggregates.iter().any(|(_, id)| id == name)
                || self.grouping.as_ref().is_some_and(|g| g.id.id == name)
        };
        if let Some(stray) = expr.column_refs().into_iter().find(|column| !known(&column.name)) {
            let name = self
                .scope
                .columns
                .iter()
                .chain(&self.scope.hidden)
                .find(|a| a.id == stray.name)
                .map_or(stray.name.as_str(), |a| a.name.as_str());
            let condition = if self.keys.is_empty() && self.sets.is_none() { "MISSING_GROUP_BY" } else { "MISSING_AGGREGATION" };
            return Err(error(
                condition,
                format!(
                    "\"{}\": the column `{name}` is neither grouped by nor aggregated: add it to GROUP BY, or take `any_value({name})`",
                    typed.sql
                ),
            )
            .with_parameter("expression", format!("\"{name}\"")));
        }
        Ok(expr)
    }

    /// A subquery of a row, as one of a group: what it takes from around are keys.
    fn over_groups(&self, subquery: &Subquery) -> Result<Subquery> {
        let mut names = Vec::new();
        for reference in outer_references(&subquery.subquery) {
            let Expr::OuterReferenceColumn(_, column) = reference else { continue };
            let Some(found) = self.scope.columns.iter().chain(&self.scope.hidden).find(|a| a.id == column.name) else { continue };
            let key = self.keys.iter().find(|(key, _)| key.expr.try_as_col().is_some_and(|known| known.name == column.name));
            match key {
                Some((_, attribute)) if attribute.id == column.name => {}
                Some((_, attribute)) => names.push((column.name, attribute.id.clone())),
                None => {
                    let message = format!("a subquery names the column `{}`, which is not grouped by: add it to GROUP BY", found.name);
                    return Err(error("MISSING_AGGREGATION", message).with_parameter("expression", format!("\"{}\"", found.name)));
                }
            }
        }
        if names.is_empty() { Ok(subquery.clone()) } else { Ok(as_subquery(renamed_outer(&subquery.subquery, &names)?)) }
    }

    /// The columns of the rows that are keys.
    pub(crate) fn key_columns(&self) -> Scope {
        let column = |key: &Typed| key.expr.try_as_col().map(|c| c.name.clone());
        let is_key = |a: &&Attribute| self.keys.iter().any(|(key, _)| column(key).as_deref() == Some(a.id.as_str()));
        Scope::new(self.scope.columns.iter().chain(&self.scope.hidden).filter(is_key).cloned().collect())
    }

    /// The groups.
    pub(crate) fn plan(&self, resolver: &mut Resolver<'_>) -> Result<LogicalPlan> {
        // Subqueries of keys and of aggregates' arguments are joined below.
        let exprs = self.keys.iter().map(|(key, _)| key.expr.clone()).chain(self.aggregates.iter().map(|(expr, _)| expr.clone())).collect();
        let (input, exprs) = resolver.without_subqueries(self.input.clone(), exprs)?;
        let asks = self.aggregates.iter().any(|(expr, _)| goes_by_order(expr));
        let (input, order) = if asks { ordered(&input)? } else { (input, Vec::new()) };
        let mut joined = Self { input, ..self.clone() };
        let places = joined.keys.iter_mut().map(|(key, _)| &mut key.expr).chain(joined.aggregates.iter_mut().map(|(expr, _)| expr));
        places.zip(exprs).for_each(|(place, expr)| *place = expr);
        let this = &joined;
        let aggregates: Vec<Expr> = this.aggregates.iter().map(|(expr, id)| in_order(expr.clone(), &order).alias(id)).collect();
        let (input, keys) = match (&this.sets, &this.grouping) {
            (Some(sets), Some(grouping)) => this.expanded(sets, grouping)?,
            _ => {
                let keys = this.keys.iter().map(|(key, attribute)| under_id(key.expr.clone(), &attribute.id)).collect();
                (this.input.clone(), keys)
            }
        };
        let plan = if keys.is_empty() && aggregates.is_empty() {
            // One group of which nothing is asked: one row.
            LogicalPlanBuilder::empty(true).build()?
        } else if let Some(window) = this.window.as_ref().filter(|window| !window.is_column) {
            this.windowed(window, aggregates)?
        } else {
            LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), keys, aggregates)?)
        };
        let (mut plan, filters) = resolver.with_subqueries(plan, this.filters.clone(), true)?;
        if let Some(filter) = filters.into_iter().reduce(Expr::and) {
            plan = filtered(plan, filter)?;
        }
        Ok(plan)
    }

    /// The groups, one of whose keys is a window of time.
    fn windowed(&self, window: &TimeWindow, aggregates: Vec<Expr>) -> Result<LogicalPlan> {
        let is_window = |key: &Typed| key.expr == window.attribute.expr();
        let window_position = self.keys.iter().position(|(key, _)| is_window(key)).unwrap_or(0);
        let others: Vec<&(Typed, Attribute)> = self.keys.iter().filter(|(key, _)| !is_window(key)).collect();
        let texts: Vec<String> = others.iter().map(|(key, _)| key.sql.to_string()).collect();
        let keys = others.iter().map(|(key, attribute)| under_id(key.expr.clone(), &attribute.id)).collect();
        let groups = Groups { keys, aggregates, window_position };
        let definition = window.definition(&texts, &self.texts);
        let (time, id) = (window.event_time(), &window.attribute.id);
        Ok(windowed(WindowAggregate::try_new(self.input.clone(), window.kind, time, id, groups, definition)?))
    }

    /// Each row once per set, and the keys to group by.
    fn expanded(&self, sets: &[Vec<usize>], grouping: &GroupingContext) -> Result<(LogicalPlan, Vec<Expr>)> {
        let set = format!("{}_set", grouping.id.id);
        let numbers: Vec<ScalarValue> = (0..sets.len()).map(|i| ScalarValue::Int32(i32::try_from(i).ok())).collect();
        let list = ScalarValue::List(ScalarValue::new_list(&numbers, &arrow::datatypes::DataType::Int32, false));
        let mut columns: Vec<Expr> = self.input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(Expr::Literal(list, None).alias(&set));
        let plan = project(self.input.clone(), columns)?;
        let plan = LogicalPlanBuilder::from(plan).unnest_column(Column::new_unqualified(set.clone()))?.build()?;
        let set_column = Expr::Column(Column::new_unqualified(set.clone()));
        let mut columns: Vec<Expr> = self.input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(set_column.clone());
        let mut keys = Vec::new();
        for (at, (key, attribute)) in self.keys.iter().enumerate() {
            let of: Vec<Expr> = sets
                .iter()
                .enumerate()
                .filter(|(_, set)| set.contains(&at))
                .map(|(i, _)| lit(i32::try_from(i).unwrap_or(i32::MAX)))
                .collect();
            let name = format!("{}_key", attribute.id);
            let value = if of.is_empty() {
                Expr::Literal(ScalarValue::try_from(&crate::types::to_arrow(&key.data_type))?, None)
            } else if of.len() == sets.len() {
                key.expr.clone()
            } else {
                Expr::Case(Case::new(None, vec![(Box::new(set_column.clone().in_list(of, false)), Box::new(key.expr.clone()))], None))
            };
            columns.push(value.alias(&name));
            keys.push(Expr::Column(Column::new_unqualified(name)).alias(&attribute.id));
        }
        let bits = |set: &Vec<usize>| (0..self.keys.len()).fold(0_i64, |bits, at| bits << 1 | i64::from(!set.contains(&at)));
        let branches = sets
            .iter()
            .enumerate()
            .map(|(i, set)| (Box::new(set_column.clone().eq(lit(i32::try_from(i).unwrap_or(i32::MAX)))), Box::new(lit(bits(set)))));
        let id = format!("{}_bits", grouping.id.id);
        columns.push(Expr::Case(Case::new(None, branches.collect(), Some(Box::new(lit(0_i64))))).alias(&id));
        keys.push(Expr::Column(Column::new_unqualified(id)).alias(&grouping.id.id));
        keys.push(set_column);
        Ok((project(plan, columns)?, keys))
    }
}

/// A plan with the order that its rows come in, where a query below says one: `first`, `collect_list` and their like go by it, as in
/// Spark. The engine would not sort rows for what does not ask for it. Keys that a list in between leaves out are columns more of it.
fn ordered(plan: &LogicalPlan) -> Result<(LogicalPlan, Vec<SortExpr>)> {
    let nothing = || Ok((plan.clone(), Vec::new()));
    match plan {
        LogicalPlan::Sort(sort) => {
            let is_fixed = |key: &&SortExpr| !key.expr.is_volatile();
            Ok((plan.clone(), sort.expr.iter().take_while(is_fixed).cloned().collect()))
        }
        LogicalPlan::Filter(_) | LogicalPlan::Limit(_) | LogicalPlan::Window(_) | LogicalPlan::Unnest(_) => {
            let Some(input) = plan.inputs().into_iter().next() else { return nothing() };
            let (below, order) = ordered(input)?;
            if order.is_empty() {
                return nothing();
            }
            // What a list is unnested from is no column of the rows above it.
            let is_kept =
                |plan: &LogicalPlan, key: &SortExpr| key.expr.column_refs().into_iter().all(|column| plan.schema().has_column(column));
            let above = plan.with_new_exprs(plan.expressions(), vec![below])?;
            let order = order.into_iter().take_while(|key| is_kept(&above, key)).collect();
            Ok((above, order))
        }
        LogicalPlan::Projection(list) => {
            let (below, mut order) = ordered(&list.input)?;
            if order.is_empty() {
                return nothing();
            }
            let mut exprs = list.expr.clone();
            for key in &mut order {
                key.expr = std::mem::take(&mut key.expr)
                    .transform(|part| match &part {
                        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(named_in(&mut exprs, column)))),
                        _ => Ok(Transformed::no(part)),
                    })
                    .data()?;
            }
            Ok((project(below, exprs)?, order))
        }
        _ => nothing(),
    }
}

/// What a column is called above a list, which gets it if it leaves it out.
fn named_in(list: &mut Vec<Expr>, column: &Column) -> Column {
    let is_it = |expr: &Expr| expr.try_as_col() == Some(column);
    for expr in list.iter() {
        match expr {
            Expr::Alias(alias) if is_it(&alias.expr) => return Column::new(alias.relation.clone(), &alias.name),
            expr if is_it(expr) => return column.clone(),
            _ => {}
        }
    }
    list.push(Expr::Column(column.clone()));
    column.clone()
}

fn goes_by_order(aggregate: &Expr) -> bool {
    matches!(aggregate, Expr::AggregateFunction(function) if takes_rows_in_order(function.func.name()) && function.params.order_by.is_empty())
}

/// An aggregate over rows in this order, if it depends on one and says none itself.
fn in_order(mut aggregate: Expr, order: &[SortExpr]) -> Expr {
    if goes_by_order(&aggregate)
        && let Expr::AggregateFunction(function) = &mut aggregate
    {
        function.params.order_by = order.to_vec();
    }
    aggregate
}
