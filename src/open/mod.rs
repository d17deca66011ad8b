//! From a tree to its meaning: what it names is opened here, the rest is the resolver's.
//!
//! ```text
//! tree ─► requests ─► open (asks again while views name further tables) ─► resolve ─► plan and output
//! ```

mod needs;
mod relation;

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use tidemill_planner::Result;
use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{OutputColumn, Resolved};

pub(crate) use needs::{at_first, opened_for, opened_now};
pub(crate) use relation::{resolved_view, table_fields, with_log};

use crate::session::Session;

/// What a tree means.
pub(crate) async fn resolved(session: &Session, relation: &Relation) -> Result<Resolved> {
    let settings = session.spark_settings();
    let opened = opened_for(session, relation).await?;
    tidemill_spark::resolve::resolve(relation, &opened, &settings)
}

/// The plan with the user's names for its columns, where no two are alike.
pub(crate) fn named(plan: LogicalPlan, output: &[OutputColumn]) -> Result<LogicalPlan> {
    let mut names: Vec<&str> = output.iter().map(|column| column.field.name.as_str()).collect();
    names.sort_unstable();
    let unique = names.windows(2).all(|pair| pair[0] != pair[1]);
    if !unique || output.iter().all(|column| column.id == column.field.name) {
        return Ok(plan);
    }
    let exprs = output.iter().map(|column| {
        let expr = Expr::Column(datafusion::common::Column::new_unqualified(&column.id));
        if column.id == column.field.name { expr } else { expr.alias(&column.field.name) }
    });
    Ok(LogicalPlan::Projection(Projection::try_new(exprs.collect(), Arc::new(plan))?))
}
