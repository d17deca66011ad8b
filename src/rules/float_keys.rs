//! Keys of floats as Spark has them: rows are grouped, joined, deduplicated, partitioned and sorted by floats of which −0.0 and
//! 0.0 are one, and all NaNs. The engine takes the zeros of a plain column for one when it groups and joins; it keeps NaNs of
//! different bits apart everywhere, and both where they stand inside a struct or an array, in a window's partition or among
//! the values of a distinct aggregate.
//!
//! ```text
//! before  Aggregate: groupBy=[[t.d]], aggr=[[count(DISTINCT t.e), max(t.e)]]
//! after   Aggregate: groupBy=[[normalize_float(t.d) AS t.d]],
//!           aggr=[[count(DISTINCT normalize_float(t.e)) AS count(DISTINCT t.e), max(normalize_nan(t.e)) AS max(t.e)]]
//! ```
//! It is the last of the optimizer's rules, when DISTINCT, set operations and subqueries have become aggregates and joins. Keys
//! without floats are left alone.
//!
//! Source: Spark, `NormalizeFloatingNumbers.scala`.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Alias, Sort};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Aggregate, Expr, Join, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use tidemill_planner::float::Normal;
use tidemill_planner::logical::{Exchange, SortWithin};

use super::float_comparisons::by_value;
use super::floats::{has_floats, is_normalized, normalized};

/// The rule.
#[derive(Debug)]
pub(crate) struct FloatKeys;

impl OptimizerRule for FloatKeys {
    fn name(&self) -> &str {
        "float_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Aggregate(aggregate) => Ok(aggregate_keys(aggregate)?.update_data(LogicalPlan::Aggregate)),
            LogicalPlan::Join(join) => Ok(join_keys(join)?.update_data(LogicalPlan::Join)),
            LogicalPlan::Window(mut window) => {
                let schema = Arc::clone(window.input.schema());
                let changed = each(&mut window.window_expr, |expr| named(expr, |expr| calls(expr, &schema)))?;
                Ok(Transformed::new_transformed(LogicalPlan::Window(window), changed))
            }
            LogicalPlan::Sort(mut sort) => {
                let schema = Arc::clone(sort.input.schema());
                let changed = sort_keys(&mut sort.expr, &schema)?;
                Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), changed))
            }
            // The engine hashes the keys of a program's exchanges, and sorts by its keys within partitions.
            LogicalPlan::Extension(_) if places_rows(&plan) => {
                let schema = merge_schema(&plan.inputs());
                plan.map_expressions(|mut key| {
                    let changed = normalize_in_place(&mut key, Normal::Key, &schema)?;
                    Ok(Transformed::new_transformed(key, changed))
                })
            }
            // The keys of our other operators are normalised where they are encoded; their aggregates are the engine's.
            LogicalPlan::Extension(_) if holds_aggregates(&plan)? => {
                let schema = merge_schema(&plan.inputs());
                plan.map_expressions(|expr| named(expr, |expr| calls(expr, &schema)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

fn aggregate_keys(mut aggregate: Aggregate) -> Result<Transformed<Aggregate>> {
    let schema = Arc::clone(aggregate.input.schema());
    let keys = each(&mut aggregate.group_expr, |expr| match expr {
        Expr::GroupingSet(_) => expr.map_children(|key| group_key(key, &schema)),
        key => group_key(key, &schema),
    })?;
    let values = each(&mut aggregate.aggr_expr, |expr| named(expr, |expr| calls(expr, &schema)))?;
    Ok(Transformed::new_transformed(aggregate, keys || values))
}

/// A key under the name that the rows above know it by.
fn group_key(key: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if is_alike(bare(&key)) || !has_floats(&key, schema)? {
        return Ok(Transformed::no(key));
    }
    Ok(Transformed::yes(match key {
        Expr::Alias(alias) => Expr::Alias(Alias { expr: Box::new(normalized(*alias.expr, Normal::Key)), ..alias }),
        other => {
            let (relation, name) = other.qualified_name();
            normalized(other, Normal::Key).alias_qualified(relation, name)
        }
    }))
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

fn join_keys(mut join: Join) -> Result<Transformed<Join>> {
    let mut changed = false;
    for (left, right) in &mut join.on {
        for (key, schema) in [(left, join.left.schema()), (right, join.right.schema())] {
            changed |= normalize_in_place(key, Normal::Key, schema)?;
        }
    }
    // An equality with an outer row that is no key, beside an OR for one, ends here.
    if let Some(filter) = join.filter.take() {
        let filter = by_value(filter, &join.left.schema().join(join.right.schema())?)?;
        changed |= filter.transformed;
        join.filter = Some(filter.data);
    }
    Ok(Transformed::new_transformed(join, changed))
}

fn sort_keys(keys: &mut [Sort], schema: &DFSchema) -> Result<bool> {
    let mut changed = false;
    for key in keys {
        changed |= normalize_in_place(&mut key.expr, Normal::Key, schema)?;
    }
    Ok(changed)
}

/// Aggregates that put values in order, or tell them apart, and give them out.
const ORDERED: [&str; 7] = ["min", "max", "collect_set", "median", "percentile_cont", "approx_median", "approx_percentile_cont"];

/// Aggregates that put their second argument in order.
const ORDERED_BY: [&str; 2] = ["min_by", "max_by"];

/// Aggregates and window functions in `expr` over values, partitions and orders that are alike.
fn calls(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::AggregateFunction(mut call) => {
            let mut changed = arguments(call.func.name(), call.params.distinct, &mut call.params.args, schema)?;
            changed |= sort_keys(&mut call.params.order_by, schema)?;
            Ok(Transformed::new_transformed(Expr::AggregateFunction(call), changed))
        }
        Expr::WindowFunction(mut call) => {
            let name = call.fun.name().to_owned();
            let params = &mut call.params;
            let mut changed = arguments(&name, params.distinct, &mut params.args, schema)?;
            for key in &mut params.partition_by {
                changed |= normalize_in_place(key, Normal::Key, schema)?;
            }
            changed |= sort_keys(&mut params.order_by, schema)?;
            Ok(Transformed::new_transformed(Expr::WindowFunction(call), changed))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn arguments(name: &str, distinct: bool, args: &mut [Expr], schema: &DFSchema) -> Result<bool> {
    let (from, normal) = match name {
        _ if distinct => (0, Normal::Key),
        "approx_distinct" => (0, Normal::Key),
        name if ORDERED.contains(&name) => (0, Normal::Value),
        name if ORDERED_BY.contains(&name) => (1, Normal::Key),
        _ => return Ok(false),
    };
    let mut changed = false;
    for arg in args.iter_mut().skip(from) {
        changed |= normalize_in_place(arg, normal, schema)?;
    }
    Ok(changed)
}

/// Whether `expr` became another.
fn normalize_in_place(expr: &mut Expr, normal: Normal, schema: &DFSchema) -> Result<bool> {
    if is_alike(expr) || !has_floats(expr, schema)? {
        return Ok(false);
    }
    *expr = normalized(std::mem::take(expr), normal);
    Ok(true)
}

/// Whether its values are alike already; there is one of a constant.
fn is_alike(expr: &Expr) -> bool {
    is_normalized(expr) || matches!(expr, Expr::Literal(..))
}

/// Whether it deals rows by keys, or sorts them within partitions.
fn places_rows(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Extension(extension) = plan else { return false };
    let node = extension.node.as_any();
    node.is::<Exchange>() || node.is::<SortWithin>()
}

fn holds_aggregates(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    for expr in plan.expressions() {
        found |= expr.exists(|part| Ok(matches!(part, Expr::AggregateFunction(_))))?;
    }
    Ok(found)
}

/// `expr` rewritten, under its own name.
fn named(expr: Expr, rewrite: impl FnOnce(Expr) -> Result<Transformed<Expr>>) -> Result<Transformed<Expr>> {
    let name = NamePreserver::new_for_projection().save(&expr);
    let rewritten = rewrite(expr)?;
    Ok(if rewritten.transformed { rewritten.update_data(|expr| name.restore(expr)) } else { rewritten })
}

/// Rewrites expressions where they stand; whether one became another.
fn each(exprs: &mut [Expr], mut rewrite: impl FnMut(Expr) -> Result<Transformed<Expr>>) -> Result<bool> {
    let mut changed = false;
    for expr in exprs {
        let rewritten = rewrite(std::mem::take(expr))?;
        changed |= rewritten.transformed;
        *expr = rewritten.data;
    }
    Ok(changed)
}
