//! SQL statements: parsed, their tables opened, resolved. Commands are carried out at once, a query becomes a DataFrame.
//!
//! ```text
//! text ─► parse ─► requests ─► open (here; asks again while views name further tables) ─► resolve ─► DataFrame
//! ```

mod open;
mod substitute;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use tidemill_spark::plan::{Relation, Statement};
use tidemill_spark::resolve::{OutputColumn, Resolved};

pub(crate) use open::{opened_for, opened_now};

use crate::{DataFrame, Result, Session};

/// Carries out one statement: a query becomes a DataFrame, a command is done at once.
pub(crate) async fn run(session: &Session, text: &str) -> Result<DataFrame> {
    let settings = session.spark_settings();
    let text = &substitute::substituted(session, text);
    match tidemill_spark::parse::parse_statement(text, &tidemill_spark::parse::ParseOptions::new(&settings)?)? {
        Statement::Query(relation) => query(session, &relation).await,
        Statement::Command(command) => crate::command::run(session, &command, text).await,
    }
}

/// The rows that a tree describes.
pub(crate) async fn query(session: &Session, relation: &Relation) -> Result<DataFrame> {
    Ok(DataFrame::resolved(session.clone(), resolved(session, relation).await?))
}

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
    Ok(LogicalPlanBuilder::from(plan).project(exprs.collect::<Vec<_>>())?.build()?)
}
