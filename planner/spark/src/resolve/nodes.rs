//! Nodes of the engine's plan over columns that have their final names. The engine's own builder looks each name up in the whole plan
//! below, so that a chain of n steps would cost n².

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::{compare_sort_expr, group_window_expr_by_sort_keys};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, Sort, SortExpr, Window};

use crate::Result;

/// A projection to these expressions.
pub(crate) fn project(input: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?))
}

/// The rows for which a condition holds.
pub(crate) fn filtered(input: LogicalPlan, condition: Expr) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Filter(Filter::try_new(condition, Arc::new(input))?))
}

/// The rows in the order of these keys.
pub(crate) fn sorted(input: LogicalPlan, expr: Vec<SortExpr>) -> LogicalPlan {
    LogicalPlan::Sort(Sort { expr, input: Arc::new(input), fetch: None })
}

/// The rows with window functions behind their columns. Functions over one order of the rows share a node; of orders that begin
/// alike the longer one comes first, so that the shorter one finds the rows in order.
pub(crate) fn windowed(input: LogicalPlan, functions: Vec<Expr>) -> Result<LogicalPlan> {
    let mut groups = group_window_expr_by_sort_keys(functions)?;
    let schema = Arc::clone(input.schema());
    groups.sort_by(|(one, _), (other, _)| {
        let by_key = one.iter().zip(other).map(|((a, _), (b, _))| compare_sort_expr(a, b, &schema)).find(|order| order.is_ne());
        by_key.unwrap_or_else(|| other.len().cmp(&one.len()))
    });
    groups.into_iter().try_fold(input, |input, (_, functions)| Ok(LogicalPlan::Window(Window::try_new(functions, Arc::new(input))?)))
}

/// A projection whose expressions may hold window functions: these are computed first.
pub(crate) fn project_windows(input: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    let mut windows: Vec<Expr> = Vec::new();
    let mut aside: Vec<Expr> = Vec::new();
    let exprs: Vec<Expr> = exprs
        .into_iter()
        .map(|expr| {
            expr.transform_down(|e| match e {
                Expr::WindowFunction(_) => {
                    let name = e.schema_name().to_string();
                    if !windows.contains(&e) {
                        // Another of the same name, which leaves out what tells them apart.
                        if windows.iter().any(|other| other.schema_name().to_string() == name) {
                            let at = aside.iter().position(|other| *other == e).unwrap_or_else(|| {
                                aside.push(e);
                                aside.len() - 1
                            });
                            let name = format!("{name} #{at}");
                            return Ok(Transformed::new(Expr::Column(Column::new_unqualified(name)), true, TreeNodeRecursion::Jump));
                        }
                        windows.push(e);
                    }
                    Ok(Transformed::new(Expr::Column(Column::new_unqualified(name)), true, TreeNodeRecursion::Jump))
                }
                other => Ok(Transformed::no(other)),
            })
            .data()
        })
        .collect::<datafusion::error::Result<_>>()?;
    let mut input = input;
    for (at, window) in aside.into_iter().enumerate() {
        let name = window.schema_name().to_string();
        let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let with = windowed(input, vec![window])?;
        columns.push(Expr::Column(Column::new_unqualified(&name)).alias(format!("{name} #{at}")));
        input = project(with, columns)?;
    }
    let input = if windows.is_empty() { input } else { windowed(input, windows)? };
    project(input, exprs)
}

/// The expression under its column's id.
pub(crate) fn under_id(expr: Expr, id: &str) -> Expr {
    match &expr {
        Expr::Column(column) if column.relation.is_none() && column.name == id => expr,
        _ => expr.alias(id),
    }
}
