//! Opening what a tree names: views, tables and files.

use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, requests};

use crate::{Result, Session};

/// All that `relation` needs from outside.
pub(crate) async fn opened_for(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings();
    let known_tables = session.catalog().known_names(&settings).await;
    let mut opened = Opened { known_tables, variables: session.catalog().variables(), ..Opened::default() };
    loop {
        let missing = requests(relation, &opened, &settings)?;
        if missing.is_empty() {
            return Ok(opened);
        }
        for request in missing {
            match &request {
                Request::Function { name } => {
                    let found = session.catalog().function(name, &settings).await?;
                    let found = found.map_or(OpenedFunction::Missing, |found| OpenedFunction::Sql(found.function));
                    opened.functions.insert(request, found);
                }
                _ => {
                    let relation = open(session, &request).await?;
                    opened.relations.insert(request, relation);
                }
            }
        }
    }
}

async fn open(session: &Session, request: &Request) -> Result<OpenedRelation> {
    match request {
        Request::Table { name, travel, options, .. } => crate::catalog::open::open(session, name, travel.as_ref(), options).await,
        Request::Files { .. } | Request::Function { .. } => Ok(OpenedRelation::Missing),
    }
}
