//! Whole-number literals are `int` where they fit, as in Spark; the parser makes them all `bigint`.
//!
//! ```text
//! before  Projection: Int64(1) AS one, t.a + Int64(1)
//! after   Projection: Int32(1) AS one, t.a + Int32(1)
//! ```

use datafusion::common::plan_err;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Values};
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

/// VALUES whose whole-number columns are `int` where every row fits.
fn rows(mut values: Values) -> datafusion::error::Result<LogicalPlan> {
    refuse_lost_doubles(&values)?;
    let fits = |expr: &Expr| match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => value.is_none_or(|v| i32::try_from(v).is_ok()),
        Expr::Literal(ScalarValue::Null, _) => true,
        _ => false,
    };
    let columns = values.schema.fields().len();
    let narrow: Vec<bool> = (0..columns).map(|c| values.values.iter().all(|row| fits(&row[c]))).collect();
    for (c, _) in narrow.iter().enumerate().filter(|(_, narrow)| **narrow) {
        for row in &mut values.values {
            if let Expr::Literal(ScalarValue::Int64(value), metadata) = &row[c] {
                row[c] = Expr::Literal(ScalarValue::Int32(value.map(|v| v as i32)), metadata.clone());
            }
        }
    }
    LogicalPlanBuilder::values(values.values)?.build()
}

/// The engine makes decimals of doubles that stand in a column with decimals, and small ones would become zero.
fn refuse_lost_doubles(values: &Values) -> datafusion::error::Result<()> {
    for (c, field) in values.schema.fields().iter().enumerate() {
        let lost = |expr: &Expr| match expr {
            Expr::Cast(cast) => {
                let floating = cast.expr.get_type(&values.schema).is_ok_and(|inner| inner.is_floating());
                field.data_type().is_decimal() && cast.field.data_type() == field.data_type() && floating
            }
            _ => false,
        };
        let doubles = values.values.iter().filter(|row| lost(&row[c])).count();
        if doubles > 0 && doubles < values.values.len() {
            return plan_err!("a column of VALUES has doubles and decimals: cast one of them to double");
        }
    }
    Ok(())
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
