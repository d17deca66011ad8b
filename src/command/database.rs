//! Databases: CREATE, ALTER, DROP, DESCRIBE, and USE.

use std::collections::BTreeMap;

use tidemill_spark::error::error;
use tidemill_spark::plan::TableName;

use super::{Context, rows};
use crate::catalog::{CATALOG, DatabaseRecord};
use crate::dataframe::DataFrame;
use tidemill_planner::Result;

/// The database of a name.
pub(super) fn named(cx: &Context<'_>, name: &TableName) -> Result<String> {
    cx.catalog().database_name(&cx.parts(name)?, &cx.settings)
}

/// CREATE DATABASE.
pub(super) async fn create(
    cx: &Context<'_>,
    name: &TableName,
    if_not_exists: bool,
    comment: Option<&str>,
    location: Option<&str>,
    properties: &BTreeMap<String, String>,
) -> Result<DataFrame> {
    let record = DatabaseRecord {
        name: named(cx, name)?,
        comment: comment.map(str::to_owned),
        location: location.map(|path| cx.location(path)).transpose()?.unwrap_or_default(),
        properties: properties.clone(),
        owner: cx.settings.user.clone(),
    };
    cx.catalog().create_database(record, if_not_exists).await?;
    rows::nothing(cx)
}

/// ALTER DATABASE.
pub(super) async fn alter(
    cx: &Context<'_>,
    name: &TableName,
    properties: &BTreeMap<String, String>,
    location: Option<&str>,
) -> Result<DataFrame> {
    let location = location.map(|path| cx.location(path)).transpose()?;
    let name = named(cx, name)?;
    cx.catalog()
        .alter_database(&name, |record| {
            record.properties.extend(properties.clone());
            if let Some(location) = &location {
                record.location.clone_from(location);
            }
        })
        .await?;
    rows::nothing(cx)
}

/// DROP DATABASE.
pub(super) async fn drop(cx: &Context<'_>, name: &TableName, if_exists: bool, cascade: bool) -> Result<DataFrame> {
    if let Some(folder) = cx.catalog().drop_database(&named(cx, name)?, if_exists, cascade).await? {
        // What others have put there stays.
        let _ = std::fs::remove_dir(folder);
    }
    rows::nothing(cx)
}

/// USE.
pub(super) async fn use_database(cx: &Context<'_>, name: &TableName) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    if matches!(parts.as_slice(), [catalog] if catalog.eq_ignore_ascii_case(CATALOG)) {
        cx.catalog().set_current_database(crate::catalog::DEFAULT);
        return rows::nothing(cx);
    }
    let database = cx.catalog().database_name(&parts, &cx.settings)?;
    cx.catalog().need_database(&database).await?;
    cx.catalog().set_current_database(&database);
    rows::nothing(cx)
}

/// SET CATALOG.
pub(super) fn set_catalog(cx: &Context<'_>, name: &str) -> Result<DataFrame> {
    if name.eq_ignore_ascii_case(CATALOG) {
        return rows::nothing(cx);
    }
    Err(error("CATALOG_NOT_FOUND", format!("there is no catalog `{name}`: `{CATALOG}` is the only one"))
        .with_parameter("catalogName", format!("`{name}`")))
}

/// DESCRIBE DATABASE.
pub(super) async fn describe(cx: &Context<'_>, name: &TableName, extended: bool) -> Result<DataFrame> {
    let record = cx.catalog().need_database(&named(cx, name)?).await?;
    let mut found = vec![
        ("Catalog Name", CATALOG.to_owned()),
        ("Namespace Name", record.name.clone()),
        ("Comment", record.comment.clone().unwrap_or_default()),
        ("Location", format!("file:{}", record.location)),
        ("Owner", record.owner.clone()),
    ];
    if extended {
        let shown: Vec<String> = record.properties.iter().map(|(key, value)| format!("({key},{value})")).collect();
        found.push(("Properties", if shown.is_empty() { String::new() } else { format!("({})", shown.join(", ")) }));
    }
    let found = found.into_iter().map(|(name, value)| [Some(name.to_owned()), Some(value)]).collect();
    rows::text(cx, ["info_name", "info_value"], found)
}
