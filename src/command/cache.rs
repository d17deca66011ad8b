//! CACHE, UNCACHE, REFRESH and ANALYZE: accepted. Rows are read from their files each time, and plans need no statistics kept.

use std::collections::BTreeMap;

use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, Relation, TableName};

use super::{Context, rows};
use crate::catalog::{Entry, Found, shown};
use crate::dataframe::DataFrame;
use tidemill_planner::Result;

/// CACHE TABLE; with a query it makes a temporary view.
pub(super) async fn cache(cx: &Context<'_>, name: &TableName, query: Option<&Relation>) -> Result<DataFrame> {
    let Some(query) = query else {
        there(cx, name).await?;
        return rows::nothing(cx);
    };
    let view = Command::CreateView {
        name: name.clone(),
        columns: Vec::new(),
        query: query.clone(),
        query_text: cx.text.to_owned(),
        temporary: true,
        global: false,
        or_replace: false,
        if_not_exists: false,
        comment: None,
        properties: BTreeMap::new(),
        schema_binding: None,
    };
    super::view::create(cx, &view).await
}

async fn there(cx: &Context<'_>, name: &TableName) -> Result<Found> {
    let parts = cx.parts(name)?;
    match cx.catalog().find(&parts, &cx.settings).await? {
        Found::Missing => Err(cx.catalog().not_found(&parts, &cx.settings).await),
        found => Ok(found),
    }
}

/// UNCACHE TABLE.
pub(super) async fn uncache(cx: &Context<'_>, name: &TableName, if_exists: bool) -> Result<DataFrame> {
    match there(cx, name).await {
        Err(error) if !(if_exists && error.condition().is_some_and(|c| c.name == "TABLE_OR_VIEW_NOT_FOUND")) => Err(error),
        _ => rows::nothing(cx),
    }
}

/// REFRESH: what it names has to be there.
pub(super) async fn refresh(cx: &Context<'_>, what: &str, name: &TableName) -> Result<DataFrame> {
    match what.to_uppercase().as_str() {
        "TABLE" => {
            there(cx, name).await?;
        }
        "FUNCTION" => {
            let parts = cx.parts(name)?;
            if cx.catalog().function(&parts, &cx.settings).await?.is_none() {
                return Err(crate::catalog::routine_not_found(&shown(&parts)));
            }
        }
        _ => {}
    }
    rows::nothing(cx)
}

/// ANALYZE TABLE.
pub(super) async fn analyze(cx: &Context<'_>, name: Option<&TableName>) -> Result<DataFrame> {
    let Some(name) = name else { return rows::nothing(cx) };
    match there(cx, name).await? {
        Found::Temp(view) => Err(error(
            "UNSUPPORTED_FEATURE.ANALYZE_UNCACHED_TEMP_VIEW",
            format!("`{}` is a temporary view: analyze the tables that it reads", view.name),
        )),
        Found::Entry(entry) if matches!(*entry, Entry::View(_)) => {
            Err(error("UNSUPPORTED_FEATURE.ANALYZE_VIEW", format!("`{}` is a view: analyze the tables that it reads", entry.name())))
        }
        _ => rows::nothing(cx),
    }
}
