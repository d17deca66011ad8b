//! Opening what a tree names: views, tables and files.

use datafusion::datasource::provider_as_source;
use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, Travel, requests};
use tidemill_spark::types::from_field;

use crate::io::{Format, PathTable, Version};
use crate::{Error, Result, Session};

/// All that `relation` needs from outside.
pub(crate) async fn opened_for(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings();
    let mut opened = Opened { known_tables: session.catalog().names(), ..Opened::default() };
    loop {
        let missing = requests(relation, &opened, &settings)?;
        if missing.is_empty() {
            return Ok(opened);
        }
        for request in missing {
            match &request {
                Request::Function { .. } => {
                    opened.functions.insert(request, OpenedFunction::Missing);
                }
                _ => {
                    let relation = open(session, &request).await?;
                    opened.relations.insert(request, relation);
                }
            }
        }
    }
}

/// All that `relation` needs from outside, without waiting: temporary views.
///
/// # Errors
/// `Analysis` where it names tables that have to be opened first, as SQL text in a program may.
pub(crate) fn opened_now(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings();
    let mut opened = Opened { known_tables: session.catalog().names(), ..Opened::default() };
    loop {
        let missing = requests(relation, &opened, &settings)?;
        if missing.is_empty() {
            return Ok(opened);
        }
        for request in missing {
            match &request {
                Request::Function { .. } => {
                    opened.functions.insert(request, OpenedFunction::Missing);
                }
                _ => {
                    let Some(relation) = view(session, &request) else {
                        return Err(Error::analysis(
                            "an SQL expression of the DataFrame names a table that is not open yet: run an action, or read the table with `sql`",
                        ));
                    };
                    opened.relations.insert(request, relation);
                }
            }
        }
    }
}

/// The temporary view that is asked for.
fn view(session: &Session, request: &Request) -> Option<OpenedRelation> {
    match request {
        Request::Table { name, .. } => match name.as_slice() {
            [only] => session.catalog().get(only).map(|view| view.opened),
            _ => None,
        },
        _ => None,
    }
}

async fn open(session: &Session, request: &Request) -> Result<OpenedRelation> {
    match request {
        Request::Table { name, travel, .. } => {
            if let Some(view) = view(session, request) {
                return Ok(view);
            }
            let [format, path] = name.as_slice() else { return Ok(OpenedRelation::Missing) };
            let Ok(format) = Format::parse(format) else { return Ok(OpenedRelation::Missing) };
            let version = match travel {
                None => Version::Latest,
                Some(Travel::Version(text)) => match text.trim_matches('\'').parse() {
                    Ok(number) => Version::Number(number),
                    Err(_) => return Err(Error::analysis(format!("`{text}` is no version of a table: give a number"))),
                },
                Some(Travel::Timestamp(micros)) => Version::Timestamp(micros.div_euclid(1_000)),
            };
            files(session, &PathTable { format, path: path.clone(), version }).await
        }
        Request::Files { .. } | Request::Function { .. } => Ok(OpenedRelation::Missing),
    }
}

async fn files(session: &Session, table: &PathTable) -> Result<OpenedRelation> {
    let provider = table.open(session).await?;
    let columns = provider.schema().fields().iter().map(|field| from_field(field)).collect();
    Ok(OpenedRelation::Table { name: Vec::new(), source: provider_as_source(provider), columns })
}
