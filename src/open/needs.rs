//! Opening what a tree names: views, tables, files and functions, until nothing is missing.

use tidemill_planner::seam::{Clock, SystemClock};
use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, requests};

use crate::catalog::CatalogFunction;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// What is there before a tree is looked at: the session's variables, and the time.
pub(crate) fn at_first(session: &Session) -> Opened {
    Opened { variables: session.objects().variables(), now_us: SystemClock.now_ms().saturating_mul(1000), ..Opened::default() }
}

/// All that `relation` needs from outside.
pub(crate) async fn opened_for(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings();
    let mut opened = at_first(session);
    loop {
        let missing = requests(relation, &opened, &settings)?;
        if missing.is_empty() {
            return Ok(opened);
        }
        for request in missing {
            match &request {
                Request::Table { name, travel, options, .. } => {
                    let table = super::relation::open(session, name, travel.as_ref(), options).await?;
                    if matches!(table, OpenedRelation::Missing) && opened.known_tables.is_empty() {
                        opened.known_tables = session.objects().known_names(&settings).await;
                    }
                    opened.relations.insert(request, table);
                }
                Request::Function { name } => {
                    let found = session.objects().function(name, &settings).await?;
                    let found = found.map_or(OpenedFunction::Missing, |found| opened_function(found.function));
                    opened.functions.insert(request, found);
                }
                Request::Files { .. } => {
                    opened.relations.insert(request, OpenedRelation::Missing);
                }
            }
        }
    }
}

fn opened_function(function: CatalogFunction) -> OpenedFunction {
    match function {
        CatalogFunction::Sql(function) => OpenedFunction::Sql(function),
        CatalogFunction::User(function) => OpenedFunction::User(function),
    }
}

/// All that `relation` needs from outside, without waiting: temporary views.
///
/// # Errors
/// `Analysis` where it names tables that have to be opened first, as SQL text in a program may.
pub(crate) fn opened_now(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings();
    let mut opened = at_first(session);
    loop {
        let missing = requests(relation, &opened, &settings)?;
        if missing.is_empty() {
            return Ok(opened);
        }
        for request in missing {
            let view = match &request {
                Request::Function { name } => {
                    let found = session.objects().temp_function(name, &settings);
                    opened.functions.insert(request, found.map_or(OpenedFunction::Missing, opened_function));
                    continue;
                }
                Request::Table { name, .. } => session.objects().temp_view(name, &settings),
                Request::Files { .. } => None,
            };
            let Some(view) = view else {
                return Err(Error::analysis(
                    "an SQL expression of the DataFrame names a table that is not open yet: run an action, or read the table with `sql`",
                ));
            };
            opened.relations.insert(request, view.opened);
        }
    }
}
