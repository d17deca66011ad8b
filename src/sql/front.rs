//! STUB of the branch w-session: the doors that the new front end opens to commands. The lead's module takes its place.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, Resolved, requests, resolve};
use tidemill_spark::types::field_of;

use crate::{DataFrame, Result, Session};

/// What `relation` needs from outside.
pub(crate) async fn opened_for(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings()?;
    let mut opened = Opened { variables: session.catalog().variables(), ..Opened::default() };
    opened.known_tables = session.catalog().known_names(&settings).await;
    for _ in 0..100 {
        let wanted = requests(relation, &opened, &settings)?;
        if wanted.is_empty() {
            break;
        }
        for request in wanted {
            match &request {
                Request::Table { name, travel, options, .. } => {
                    let table = crate::catalog::open::open(session, name, travel.as_ref(), options).await?;
                    opened.relations.insert(request, table);
                }
                Request::Function { name } => {
                    let found = session.catalog().function(name, &settings).await?;
                    let found = found.map_or(OpenedFunction::Missing, |found| OpenedFunction::Sql(found.function));
                    opened.functions.insert(request, found);
                }
                Request::Files { .. } => {
                    opened.relations.insert(request, OpenedRelation::Missing);
                }
            }
        }
    }
    Ok(opened)
}

/// What `relation` means.
pub(crate) async fn resolved(session: &Session, relation: &Relation) -> Result<Resolved> {
    let opened = opened_for(session, relation).await?;
    resolve(relation, &opened, &session.spark_settings()?)
}

/// The rows of `relation`.
pub(crate) async fn query(session: &Session, relation: &Relation) -> Result<DataFrame> {
    let resolved = resolved(session, relation).await?;
    let columns = resolved.output.iter().map(|column| {
        let metadata = datafusion::logical_expr::expr::FieldMetadata::from(field_of(&column.field).metadata().clone());
        Expr::Column(Column::from_name(&column.id)).alias_with_metadata(&column.field.name, Some(metadata))
    });
    let columns: Vec<Expr> = columns.collect();
    let plan = LogicalPlanBuilder::from(resolved.plan).project(columns)?.build()?;
    Ok(session.dataframe(plan))
}

/// Carries out one statement.
pub(crate) async fn run(session: &Session, text: &str) -> Result<DataFrame> {
    use tidemill_spark::plan::Statement;
    let settings: Arc<tidemill_spark::Settings> = session.spark_settings()?;
    match tidemill_spark::parse::parse_statement(text, &settings)? {
        Statement::Query(relation) => query(session, &relation).await,
        Statement::Command(command) => crate::command::run(session, &command, text).await,
    }
}
