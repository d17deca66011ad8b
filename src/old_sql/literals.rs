//! Whole-number literals are `int` where they fit, as in Spark; the parser makes them all `bigint`.
//!
//! ```text
//! before  Projection: Int64(1) AS one, t.a + Int64(1)
//! after   Projection: Int32(1) AS one, t.a + Int32(1)
//! ```

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Values};
use datafusion::scalar::ScalarValue;

use crate::Result;

/// Narrows the literals of every node whose expressions are values; names of columns stay.
pub(super) fn narrow(plan: LogicalPlan) -> Result<LogicalPlan> {
    // The steps of a recursion must keep the type that its start was given.
    if plan.exists(|node| Ok(matches!(node, LogicalPlan::RecursiveQuery(_))))? {
        return Ok(plan);
    }
    let narrowed = plan.transform_up_with_subqueries(|node| {
        if let LogicalPlan::Values(values) = node {
            return Ok(Transformed::yes(rows(values)?));
        }
        // Limits count rows in `bigint`.
        if !matches!(
            node,
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Join(_)
        ) {
            return if node.inputs().is_empty() { Ok(Transformed::no(node)) } else { Ok(Transformed::no(node.recompute_schema()?)) };
        }
        let names = NamePreserver::new(&node);
        let rewritten = node.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(expression(expr)?.update_data(|expr| name.restore(expr)))
        })?;
        rewritten.map_data(LogicalPlan::recompute_schema)
    })?;
    Ok(narrowed.data)
}

/// VALUES, whose columns get their types from the values when these are known.
fn rows(values: Values) -> datafusion::error::Result<LogicalPlan> {
    let narrow = |row: Vec<Expr>| row.into_iter().map(|value| Ok(expression(value)?.data)).collect();
    let rows: datafusion::error::Result<Vec<Vec<Expr>>> = values.values.into_iter().map(narrow).collect();
    LogicalPlanBuilder::values(rows?)?.build()
}

/// Narrows the literals of one expression.
pub(super) fn expression(expr: Expr) -> datafusion::error::Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), metadata) if i32::try_from(value).is_ok() => {
            Ok(Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(value as i32)), metadata)))
        }
        other => Ok(Transformed::no(other)),
    })
}
