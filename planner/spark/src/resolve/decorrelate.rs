//! Queries that depend on a row around them, as joins. The engine does the common cases by itself (a filter that equates columns);
//! this is the general one, after Neumann and Kemper, *Unnesting Arbitrary Queries* (2015): the query is computed once for each
//! distinct combination of the outer columns that it uses, and joined back on them.
//!
//! ```text
//! before  L lateral join Q(a)
//! after   L join (Q over distinct a of L, a kept in every row) on a <=> a
//! ```
//! A query without rows of its own (`SELECT a + 1`, `explode(a)`) is computed on `L` itself. An `L` that would give other rows the
//! second time is made once.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{
    Aggregate, Distinct, EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, Window, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowFunctionDefinition, lit,
};
use datafusion::scalar::ScalarValue;

use super::Resolver;
use super::holds::has_subquery;
use super::joined::{joined, joined_on_nulls, null_safe};
use super::nodes::{filtered, project, windowed};
use super::outer::outer_references;
use super::shared::made_once;
use crate::Result;
use crate::error::error;

/// A lateral join whose right side uses columns of the left.
pub(super) fn lateral(
    resolver: &mut Resolver<'_>,
    left: LogicalPlan,
    right: LogicalPlan,
    condition: Option<Expr>,
    join_type: JoinType,
) -> Result<LogicalPlan> {
    let mut outer: Vec<Column> = Vec::new();
    for reference in outer_references(&right) {
        if let Expr::OuterReferenceColumn(_, column) = reference
            && left.schema().has_column(&column)
            && !outer.contains(&column)
        {
            outer.push(column);
        }
    }
    if outer.is_empty() {
        // What it uses is of a query further out.
        return joined(left, right, condition, join_type);
    }
    if let Some(plan) = grafted(&left, &right, condition.as_ref(), join_type)? {
        return Ok(plan);
    }
    let left = made_once(&left).unwrap_or(left);
    // The domain: every combination of the outer columns, once.
    let mut names = HashMap::new();
    let mut columns = Vec::new();
    for column in &outer {
        let id = resolver.fresh(&format!("outer_{}", column.name));
        columns.push(Expr::Column(column.clone()).alias(&id));
        names.insert(column.name.clone(), id);
    }
    let domain = LogicalPlanBuilder::from(project(source(&left, &outer).clone(), columns)?).distinct()?.build()?;
    let keys: Vec<String> = outer.iter().map(|column| names[&column.name].clone()).collect();
    let visible: Vec<Expr> = right.schema().columns().into_iter().map(Expr::Column).collect();
    let mut push = Push { domain, names, keys: keys.clone(), next: 0 };
    let right = push.down(right)?;
    // Each use of the domain has the same key names; on the way up they are one set.
    let mut kept = visible;
    kept.extend(keys.iter().map(|key| Expr::Column(Column::new_unqualified(key))));
    let right = project(right, kept)?;
    let pairs: Vec<(Expr, Expr)> =
        outer.iter().zip(&keys).map(|(column, key)| (Expr::Column(column.clone()), Expr::Column(Column::new_unqualified(key)))).collect();
    match condition {
        None => joined_on_nulls(left, right, pairs, join_type),
        Some(condition) => {
            let same = null_safe(&left, &right, pairs)?.into_iter().map(|(l, r)| l.eq(r));
            let all = same.fold(condition, Expr::and);
            joined(left, right, Some(all), join_type)
        }
    }
}

/// The part of a plan that has every combination of these columns: what outer joins add to it does not change them.
fn source<'p>(plan: &'p LogicalPlan, columns: &[Column]) -> &'p LogicalPlan {
    let has_all = |input: &LogicalPlan| columns.iter().all(|column| input.schema().has_column(column));
    match plan {
        LogicalPlan::Join(join) if join.join_type == JoinType::Left && has_all(&join.left) => source(&join.left, columns),
        LogicalPlan::Projection(p) if columns.iter().all(|column| p.expr.contains(&Expr::Column(column.clone()))) => {
            source(&p.input, columns)
        }
        _ => plan,
    }
}

/// The join where the right side has no rows of its own: it is computed for each row of the left one, in its place.
fn grafted(left: &LogicalPlan, right: &LogicalPlan, condition: Option<&Expr>, join_type: JoinType) -> Result<Option<LogicalPlan>> {
    let keeps_rows = match join_type {
        JoinType::Inner => false,
        JoinType::Left if condition.is_none() => true,
        _ => return Ok(None),
    };
    if !is_rowless(right, keeps_rows) {
        return Ok(None);
    }
    let columns = left.schema().columns();
    let visible = right.schema().columns();
    let keys: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let names = keys.iter().map(|key| (key.clone(), key.clone())).collect();
    let mut push = Push { domain: left.clone(), names, keys, next: 0 };
    let plan = push.down(right.clone())?;
    let plan = project(plan, columns.into_iter().chain(visible).map(Expr::Column).collect())?;
    Ok(Some(match condition {
        Some(condition) => filtered(plan, condition.clone())?,
        None => plan,
    }))
}

/// Whether a plan is computed from one row of nothing; where `keeps_rows`, into one row.
fn is_rowless(plan: &LogicalPlan, keeps_rows: bool) -> bool {
    match plan {
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row && empty.schema.fields().is_empty(),
        LogicalPlan::Projection(p) => is_rowless(&p.input, keeps_rows) && !p.expr.iter().any(has_subquery),
        LogicalPlan::SubqueryAlias(a) => is_rowless(&a.input, keeps_rows),
        LogicalPlan::Filter(f) => !keeps_rows && is_rowless(&f.input, false) && !has_subquery(&f.predicate),
        LogicalPlan::Unnest(u) => !keeps_rows && is_rowless(&u.input, false),
        _ => false,
    }
}

/// Pushes the domain down to where nothing depends on it any more.
struct Push {
    domain: LogicalPlan,
    /// The outer column's id, and the domain's column for it.
    names: HashMap<String, String>,
    keys: Vec<String>,
    next: usize,
}

impl Push {
    fn is_free(&self, plan: &LogicalPlan) -> bool {
        !outer_references(plan).iter().any(|e| matches!(e, Expr::OuterReferenceColumn(_, c) if self.names.contains_key(&c.name)))
    }

    /// An expression whose outer columns are the domain's.
    fn inside(&self, expr: Expr) -> Result<Expr> {
        Ok(expr
            .transform(|e| match &e {
                Expr::OuterReferenceColumn(_, column) => match self.names.get(&column.name) {
                    Some(id) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(id)))),
                    None => Ok(Transformed::no(e)),
                },
                _ => Ok(Transformed::no(e)),
            })
            .data()?)
    }

    fn inside_all(&self, exprs: Vec<Expr>) -> Result<Vec<Expr>> {
        exprs.into_iter().map(|e| self.inside(e)).collect()
    }

    fn key_columns(&self) -> Vec<Expr> {
        self.keys.iter().map(|key| Expr::Column(Column::new_unqualified(key))).collect()
    }

    /// `plan` for each row of the domain, whose columns are kept.
    fn down(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if matches!(&plan, LogicalPlan::EmptyRelation(empty) if empty.produce_one_row && empty.schema.fields().is_empty()) {
            return Ok(self.domain.clone());
        }
        if self.is_free(&plan) {
            return Ok(LogicalPlanBuilder::from(self.domain.clone()).cross_join(plan)?.build()?);
        }
        match plan {
            LogicalPlan::Projection(p) => {
                let exprs = self.inside_all(p.expr)?;
                let input = self.down(Arc::unwrap_or_clone(p.input))?;
                project(input, exprs.into_iter().chain(self.key_columns()).collect())
            }
            LogicalPlan::Filter(f) => {
                let predicate = self.inside(f.predicate)?;
                let input = self.down(Arc::unwrap_or_clone(f.input))?;
                Ok(filtered(input, predicate)?)
            }
            LogicalPlan::SubqueryAlias(a) => self.down(Arc::unwrap_or_clone(a.input)),
            LogicalPlan::Subquery(s) => self.down(Arc::unwrap_or_clone(s.subquery)),
            LogicalPlan::Unnest(unnest) => {
                let input = self.down(Arc::unwrap_or_clone(unnest.input))?;
                Ok(LogicalPlanBuilder::from(input).unnest_columns_with_options(unnest.exec_columns, unnest.options)?.build()?)
            }
            LogicalPlan::Aggregate(a) => {
                let groups = self.inside_all(a.group_expr)?;
                let aggregates = self.inside_all(a.aggr_expr)?;
                let global = groups.is_empty();
                let input = self.down(Arc::unwrap_or_clone(a.input))?;
                let schema = Arc::clone(input.schema());
                let keys = self.key_columns();
                let outputs: Vec<Expr> = a.schema.columns().into_iter().map(Expr::Column).collect();
                let grouped = Aggregate::try_new(Arc::new(input), groups.into_iter().chain(keys.clone()).collect(), aggregates.clone())?;
                let plan = LogicalPlan::Aggregate(grouped);
                if !global {
                    return Ok(plan);
                }
                // A row of the domain without rows still has its one group: what the aggregates give for none.
                self.next += 1;
                let prefix = format!("d{}", self.next);
                let renamed = |key: &String| format!("{prefix}_{key}");
                let right = project(
                    plan,
                    outputs
                        .iter()
                        .cloned()
                        .chain(self.keys.iter().map(|key| Expr::Column(Column::new_unqualified(key)).alias(renamed(key))))
                        .chain([lit(true).alias(format!("{prefix}_some"))])
                        .collect(),
                )?;
                let pairs = self
                    .keys
                    .iter()
                    .map(|key| (Expr::Column(Column::new_unqualified(key)), Expr::Column(Column::new_unqualified(renamed(key)))))
                    .collect();
                let mut both = joined_on_nulls(self.domain.clone(), right, pairs, JoinType::Left)?;
                let empty_names: Vec<String> = (0..aggregates.len()).map(|at| format!("{prefix}_none{at}")).collect();
                if !aggregates.iter().all(is_plain) {
                    // What they give for no rows is computed over none.
                    let none = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema });
                    let named = aggregates.iter().zip(&empty_names).map(|(e, name)| e.clone().unalias().alias(name)).collect();
                    let none = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(none), Vec::new(), named)?);
                    both = LogicalPlanBuilder::from(both).cross_join(none)?.build()?;
                }
                let some = Expr::Column(Column::new_unqualified(format!("{prefix}_some")));
                let mut exprs = Vec::new();
                for ((output, aggregate), name) in outputs.iter().zip(&aggregates).zip(&empty_names) {
                    let Expr::Column(column) = output else { continue };
                    let empty = match aggregate_name(aggregate) {
                        Some("count") => Some(lit(0_i64)),
                        _ if is_plain(aggregate) => None,
                        _ => Some(Expr::Column(Column::new_unqualified(name))),
                    };
                    let value = match empty {
                        Some(value) => Expr::Case(datafusion::logical_expr::expr::Case::new(
                            None,
                            vec![(Box::new(some.clone().is_not_null()), Box::new(output.clone()))],
                            Some(Box::new(value)),
                        )),
                        None => output.clone(),
                    };
                    exprs.push(super::nodes::under_id(value, &column.name));
                }
                project(both, exprs.into_iter().chain(keys).collect())
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = self.down(Arc::unwrap_or_clone(input))?;
                Ok(LogicalPlanBuilder::from(input).distinct()?.build()?)
            }
            LogicalPlan::Window(w) => {
                let exprs = self.inside_all(w.window_expr)?;
                let keys = self.key_columns();
                let names: Vec<String> = w.schema.fields().iter().rev().take(exprs.len()).map(|f| f.name().clone()).collect::<Vec<_>>();
                let names: Vec<String> = names.into_iter().rev().collect();
                let input = self.down(Arc::unwrap_or_clone(w.input))?;
                let exprs: Vec<Expr> = exprs
                    .into_iter()
                    .map(|e| match e {
                        Expr::WindowFunction(mut f) => {
                            f.params.partition_by.extend(keys.clone());
                            Expr::WindowFunction(f)
                        }
                        other => other,
                    })
                    .collect();
                let made: Vec<Expr> = exprs.iter().map(|e| Expr::Column(Column::new_unqualified(e.schema_name().to_string()))).collect();
                let inputs: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
                let window = LogicalPlan::Window(Window::try_new(exprs, Arc::new(input))?);
                let renamed = made.into_iter().zip(names).map(|(e, name)| super::nodes::under_id(e, &name));
                project(window, inputs.into_iter().chain(renamed).collect())
            }
            LogicalPlan::Sort(mut sort) => {
                // A subquery's order matters only below a limit, which takes it from there.
                if sort.fetch.is_some() {
                    return Err(unsupported("ORDER BY"));
                }
                sort.expr.clear();
                self.down(Arc::unwrap_or_clone(sort.input))
            }
            LogicalPlan::Limit(limit) => {
                let (order, input) = match Arc::unwrap_or_clone(limit.input) {
                    LogicalPlan::Sort(sort) => (sort.expr, Arc::unwrap_or_clone(sort.input)),
                    LogicalPlan::Projection(p) if matches!(p.input.as_ref(), LogicalPlan::Sort(_)) => {
                        // ORDER BY on columns that the list leaves out.
                        let LogicalPlan::Sort(sort) = Arc::unwrap_or_clone(Arc::clone(&p.input)) else { return Err(unsupported("LIMIT")) };
                        let rest = Arc::unwrap_or_clone(sort.input);
                        return self.limited(rest, sort.expr, limit.skip, limit.fetch, Some(p.expr));
                    }
                    other => (Vec::new(), other),
                };
                self.limited(input, order, limit.skip, limit.fetch, None)
            }
            LogicalPlan::Union(union) => {
                let ids: Vec<String> = union.schema.fields().iter().map(|f| f.name().clone()).collect();
                let mut inputs = Vec::new();
                for input in union.inputs {
                    let columns = input.schema().columns();
                    let input = self.down(Arc::unwrap_or_clone(input))?;
                    let exprs = columns.into_iter().zip(&ids).map(|(c, id)| super::nodes::under_id(Expr::Column(c), id));
                    inputs.push(project(input, exprs.chain(self.key_columns()).collect())?);
                }
                inputs
                    .into_iter()
                    .map(Ok)
                    .reduce(|a, b| Ok(LogicalPlanBuilder::from(a?).union(b?)?.build()?))
                    .unwrap_or_else(|| Err(unsupported("UNION")))
            }
            LogicalPlan::Join(join) => {
                let (left_free, right_free) = (self.is_free(&join.left), self.is_free(&join.right));
                let on: Vec<(Expr, Expr)> =
                    join.on.into_iter().map(|(l, r)| Ok((self.inside(l)?, self.inside(r)?))).collect::<Result<_>>()?;
                let filter = join.filter.map(|f| self.inside(f)).transpose()?;
                let condition =
                    |on: Vec<(Expr, Expr)>, filter: Option<Expr>| on.into_iter().map(|(l, r)| l.eq(r)).chain(filter).reduce(Expr::and);
                let (left, right) = (Arc::unwrap_or_clone(join.left), Arc::unwrap_or_clone(join.right));
                let outer_right = matches!(join.join_type, JoinType::Right | JoinType::Full);
                if !outer_right && right_free {
                    let left = self.down(left)?;
                    return joined(left, right, condition(on, filter), join.join_type);
                }
                if left_free && matches!(join.join_type, JoinType::Inner | JoinType::Right) {
                    let right = self.down(right)?;
                    return joined(left, right, condition(on, filter), join.join_type);
                }
                if outer_right {
                    return Err(unsupported("an outer join that keeps the right side"));
                }
                let columns: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
                let left = self.down(left)?;
                let right = self.down(right)?;
                self.next += 1;
                let prefix = format!("d{}", self.next);
                let keys: Vec<String> = self.keys.clone();
                let is_key = |c: &Column| keys.contains(&c.name);
                let right_columns = right.schema().columns().into_iter().map(|c| {
                    if is_key(&c) {
                        let name = format!("{prefix}_{}", c.name);
                        Expr::Column(c).alias(name)
                    } else {
                        Expr::Column(c)
                    }
                });
                let right = project(right.clone(), right_columns.collect())?;
                let pairs = keys
                    .iter()
                    .map(|key| {
                        let other = Expr::Column(Column::new_unqualified(format!("{prefix}_{key}")));
                        (Expr::Column(Column::new_unqualified(key)), other)
                    })
                    .collect();
                let same = null_safe(&left, &right, pairs)?.into_iter().map(|(l, r)| l.eq(r));
                let all = condition(on, filter).into_iter().chain(same).reduce(Expr::and);
                let plan = joined(left, right, all, join.join_type)?;
                project(plan, columns.into_iter().chain(self.key_columns()).collect())
            }
            other => Err(unsupported(&other.display().to_string())),
        }
    }

    /// The first rows of each row of the domain.
    fn limited(
        &mut self,
        input: LogicalPlan,
        order: Vec<SortExpr>,
        skip: Option<Box<Expr>>,
        fetch: Option<Box<Expr>>,
        list: Option<Vec<Expr>>,
    ) -> Result<LogicalPlan> {
        let columns: Vec<Expr> = match &list {
            Some(list) => self.inside_all(list.clone())?,
            None => input.schema().columns().into_iter().map(Expr::Column).collect(),
        };
        let order = order.into_iter().map(|s| Ok(SortExpr { expr: self.inside(s.expr)?, ..s })).collect::<Result<Vec<_>>>()?;
        let input = self.down(input)?;
        let frame = WindowFrame::new_bounds(
            WindowFrameUnits::Rows,
            WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
            WindowFrameBound::CurrentRow,
        );
        let number = Expr::WindowFunction(Box::new(datafusion::logical_expr::expr::WindowFunction {
            fun: WindowFunctionDefinition::WindowUDF(datafusion::functions_window::row_number::row_number_udwf()),
            params: datafusion::logical_expr::expr::WindowFunctionParams {
                args: Vec::new(),
                partition_by: self.key_columns(),
                order_by: order,
                window_frame: frame,
                filter: None,
                null_treatment: None,
                distinct: false,
            },
        }));
        let name = number.schema_name().to_string();
        let plan = windowed(input, vec![number])?;
        let number = Expr::Cast(datafusion::logical_expr::Cast::new(
            Box::new(Expr::Column(Column::new_unqualified(name))),
            arrow::datatypes::DataType::Int64,
        ));
        let rows = |e: Option<Box<Expr>>| match e.map(|e| *e) {
            Some(Expr::Literal(ScalarValue::Int64(Some(n)), _)) => Some(n),
            _ => None,
        };
        let skip = rows(skip).unwrap_or(0);
        let mut condition = number.clone().gt(lit(skip));
        if let Some(fetch) = rows(fetch) {
            condition = condition.and(number.lt_eq(lit(skip.saturating_add(fetch))));
        }
        let plan = filtered(plan, condition)?;
        project(plan, columns.into_iter().chain(self.key_columns()).collect())
    }
}

/// Whether it is known what an aggregate gives for no rows: 0 for a count, else null.
pub(super) fn is_plain(aggregate: &Expr) -> bool {
    matches!(aggregate_name(aggregate), Some("count" | "min" | "max" | "sum" | "avg" | "single_value"))
}

fn aggregate_name(aggregate: &Expr) -> Option<&str> {
    match aggregate {
        Expr::Alias(alias) => aggregate_name(&alias.expr),
        Expr::AggregateFunction(function) => Some(function.func.name()),
        _ => None,
    }
}

fn unsupported(what: &str) -> crate::Error {
    error(
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.ACCESSING_OUTER_QUERY_COLUMN_IS_NOT_ALLOWED",
        format!("a subquery that uses columns of the row around it cannot do so below {what}: write it as a join"),
    )
}
