//! CACHE, UNCACHE, REFRESH and ANALYZE. What is kept and when it is computed is the session's; ANALYZE is accepted: plans need no
//! statistics kept.

use std::collections::BTreeMap;

use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, NamedTable, Relation, RelationKind, TableName};

use super::{Context, rows};
use crate::catalog::{Entry, Found, shown};
use crate::dataframe::{DataFrame, KeepIn};
use crate::held::Held;
use tidemill_planner::Result;

/// CACHE TABLE; with a query it makes a temporary view. The rows are computed now, or with LAZY when they are first asked for.
pub(super) async fn cache(
    cx: &Context<'_>,
    name: &TableName,
    lazy: bool,
    options: &BTreeMap<String, String>,
    query: Option<&Relation>,
) -> Result<DataFrame> {
    let keep_in = level(options)?;
    match query {
        None => drop(there(cx, name).await?),
        Some(query) => {
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
            super::view::create(cx, &view).await?;
        }
    }
    let table = named(cx, name);
    table.open().await?;
    table.persist(keep_in)?;
    if !lazy {
        table.count().await?;
    }
    rows::nothing(cx)
}

/// A table or view by name, as a query says it.
fn named(cx: &Context<'_>, name: &TableName) -> DataFrame {
    let table = NamedTable { name: name.clone(), temporal: None, options: BTreeMap::new(), is_streaming: false };
    DataFrame::new(cx.session.clone(), RelationKind::NamedTable(table), Held::default())
}

fn level(options: &BTreeMap<String, String>) -> Result<KeepIn> {
    let Some((_, level)) = options.iter().find(|(name, _)| name.eq_ignore_ascii_case("storageLevel")) else {
        return Ok(KeepIn::MEMORY_AND_DISK);
    };
    let (memory, disk) = match level.to_uppercase().as_str() {
        "MEMORY_AND_DISK" | "MEMORY_AND_DISK_2" | "MEMORY_AND_DISK_SER" | "MEMORY_AND_DISK_SER_2" | "OFF_HEAP" => (true, true),
        "MEMORY_ONLY" | "MEMORY_ONLY_2" | "MEMORY_ONLY_SER" | "MEMORY_ONLY_SER_2" => (true, false),
        "DISK_ONLY" | "DISK_ONLY_2" | "DISK_ONLY_3" => (false, true),
        _ => {
            let message = format!("`{level}` is no storage level: say MEMORY_AND_DISK, MEMORY_ONLY or DISK_ONLY");
            return Err(error("INVALID_STORAGE_LEVEL", message));
        }
    };
    Ok(KeepIn { memory, disk })
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
        _ => {
            named(cx, name).unpersist()?;
            rows::nothing(cx)
        }
    }
}

/// REFRESH: what it names has to be there.
pub(super) async fn refresh(cx: &Context<'_>, what: &str, name: &TableName) -> Result<DataFrame> {
    match what.to_uppercase().as_str() {
        "TABLE" => {
            there(cx, name).await?;
            cx.session.kept().tables_have_changed();
        }
        "FUNCTION" => {
            let parts = cx.parts(name)?;
            if cx.catalog().function(&parts, &cx.settings).await?.is_none() {
                return Err(crate::catalog::routine_not_found(&shown(&parts)));
            }
        }
        _ => cx.session.kept().tables_have_changed(),
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
