//! Opening what a tree names: views, tables, files and functions, until nothing is missing.

use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, requests};

use crate::{Result, Session};

/// All that `relation` needs from outside.
pub(crate) async fn opened_for(session: &Session, relation: &Relation) -> Result<Opened> {
    let settings = session.spark_settings()?;
    let mut opened = Opened { variables: session.catalog().variables(), ..Opened::default() };
    loop {
        let missing = requests(relation, &opened, &settings)?;
        if missing.is_empty() {
            return Ok(opened);
        }
        for request in missing {
            match &request {
                Request::Table { name, travel, options, .. } => {
                    let table = crate::catalog::open::open(session, name, travel.as_ref(), options).await?;
                    if matches!(table, OpenedRelation::Missing) && opened.known_tables.is_empty() {
                        opened.known_tables = session.catalog().known_names(&settings).await;
                    }
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
}
