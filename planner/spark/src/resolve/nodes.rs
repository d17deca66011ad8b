//! Nodes of the engine's plan over columns that have their final names. The engine's own builder looks each name up in the whole plan
//! below, so that a chain of n steps would cost n².

use std::sync::Arc;

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
