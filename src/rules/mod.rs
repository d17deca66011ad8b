//! Rules on plans that are about to run: floats are compared and grouped as Spark does it, unread columns go early, AND and OR leave out
//! what their left side decides, joins take the order in which the fewest rows move, and operators are not told what they conclude wrongly
//! from. They hold no state.

pub(crate) mod float_comparisons;
pub(crate) mod float_keys;
mod floats;
pub(crate) mod join_order;
pub(crate) mod lazy_logic;
pub(crate) mod optimizer_rules;
pub(crate) mod unread_columns;
pub(crate) mod untold;
mod untold_exec;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

use tidemill_planner::Result;

/// The clock that an expression reads, if it reads one.
pub(crate) fn clock_in(expr: &Expr) -> Result<Option<String>> {
    let mut found = None;
    expr.apply(|part| {
        if let Expr::ScalarFunction(call) = part
            && matches!(call.name(), "now" | "current_timestamp" | "current_date" | "current_time" | "unix_timestamp")
        {
            found = Some(if call.name() == "now" { "current_timestamp" } else { call.name() }.to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}
