//! SHOW: what there is.

use tidemill_spark::error::error;
use tidemill_spark::plan::{PartitionSpec, TableName};

use super::{Context, database, rows};
use crate::catalog::{CATALOG, Entry, Found, GLOBAL_TEMP, is_like, shown};
use crate::dataframe::DataFrame;
use crate::open;
use tidemill_planner::Result;

/// The database that a SHOW is about, and whether it is `global_temp`.
async fn place(cx: &Context<'_>, namespace: Option<&TableName>) -> Result<(String, bool)> {
    let Some(name) = namespace else { return Ok((cx.settings.current_database.clone(), false)) };
    let name = database::named(cx, name)?;
    if name == GLOBAL_TEMP {
        return Ok((name, true));
    }
    cx.catalog().need_database(&name).await?;
    Ok((name, false))
}

/// SHOW TABLES.
pub(super) async fn tables(cx: &Context<'_>, namespace: Option<&TableName>, pattern: Option<&str>, extended: bool) -> Result<DataFrame> {
    let (database, global) = place(cx, namespace).await?;
    let mut found = Vec::new();
    for entry in cx.catalog().entries_like(&database, pattern).await? {
        let information = if extended { super::describe_table::information(&entry).await? } else { String::new() };
        found.push((database.clone(), entry.name().to_owned(), false, information));
    }
    for (name, view) in cx.catalog().temp_views(global, pattern) {
        let namespace = if view.global { GLOBAL_TEMP.to_owned() } else { String::new() };
        let information = if extended { super::describe_table::temp_information(&view) } else { String::new() };
        found.push((namespace, name, true, information));
    }
    rows::tables(cx, "tableName", found, extended)
}

/// SHOW TABLE EXTENDED … PARTITION: of one table, by its name.
pub(super) async fn table_partition(
    cx: &Context<'_>,
    namespace: Option<&TableName>,
    name: Option<&str>,
    partition: &PartitionSpec,
) -> Result<DataFrame> {
    let (database, _) = place(cx, namespace).await?;
    let name = name.unwrap_or_default().to_owned();
    let table = cx.table(&[database.clone(), name], "SHOW TABLE EXTENDED … PARTITION", false).await?;
    let information = super::partition::information(cx, &table, partition).await?;
    rows::tables(cx, "tableName", vec![(database, table.name, false, information)], true)
}

/// SHOW VIEWS.
pub(super) async fn views(cx: &Context<'_>, namespace: Option<&TableName>, pattern: Option<&str>) -> Result<DataFrame> {
    let (database, global) = place(cx, namespace).await?;
    let mut found = Vec::new();
    for entry in cx.catalog().entries_like(&database, pattern).await? {
        if let Entry::View(view) = entry {
            found.push((database.clone(), view.name, false, String::new()));
        }
    }
    for (name, view) in cx.catalog().temp_views(global, pattern) {
        found.push((if view.global { GLOBAL_TEMP.to_owned() } else { String::new() }, name, true, String::new()));
    }
    rows::tables(cx, "viewName", found, false)
}

/// SHOW DATABASES.
pub(super) async fn databases(cx: &Context<'_>, pattern: Option<&str>) -> Result<DataFrame> {
    let names = cx.catalog().databases(pattern).await?;
    rows::text(cx, ["namespace"], names.into_iter().map(|name| [Some(name)]).collect())
}

/// SHOW CATALOGS.
pub(super) fn catalogs(cx: &Context<'_>, pattern: Option<&str>) -> Result<DataFrame> {
    let found = if is_like(CATALOG, pattern) { vec![[Some(CATALOG.to_owned())]] } else { Vec::new() };
    rows::text(cx, ["catalog"], found)
}

/// SHOW CURRENT DATABASE.
pub(super) fn current(cx: &Context<'_>) -> Result<DataFrame> {
    rows::text(cx, ["catalog", "namespace"], vec![[Some(CATALOG.to_owned()), Some(cx.settings.current_database.clone())]])
}

/// SHOW COLUMNS.
pub(super) async fn columns(cx: &Context<'_>, table: &TableName, namespace: Option<&[String]>) -> Result<DataFrame> {
    let mut parts = cx.parts(table)?;
    if let Some(namespace) = namespace {
        match parts.as_slice() {
            [name] => parts = namespace.iter().cloned().chain([name.clone()]).collect(),
            [said, _] if namespace.last().is_some_and(|other| !cx.settings.same(said, other)) => {
                let message = format!("`{said}` and {} name different databases: name one", shown(namespace));
                return Err(error("SHOW_COLUMNS_WITH_CONFLICT_NAMESPACE", message));
            }
            _ => {}
        }
    }
    let names: Vec<String> = match cx.catalog().find(&parts, &cx.settings).await? {
        Found::Temp(view) => view.columns.into_iter().map(|column| column.name).collect(),
        Found::Entry(entry) => match *entry {
            Entry::Table(table) => open::table_fields(&table).await?.into_iter().map(|field| field.name).collect(),
            Entry::View(view) => view.columns.into_iter().map(|column| column.name).collect(),
        },
        Found::Missing => {
            if let Some(namespace) = namespace {
                cx.catalog().need_database(&cx.catalog().database_name(namespace, &cx.settings)?).await?;
            }
            return Err(cx.catalog().not_found(&parts, &cx.settings).await);
        }
    };
    rows::text(cx, ["col_name"], names.into_iter().map(|name| [Some(name)]).collect())
}

/// SHOW TBLPROPERTIES.
pub(super) async fn properties(cx: &Context<'_>, table: &TableName, key: Option<&str>) -> Result<DataFrame> {
    let parts = cx.parts(table)?;
    let (name, found) = match cx.catalog().find(&parts, &cx.settings).await? {
        Found::Temp(_) => return rows::text(cx, ["key", "value"], Vec::new()),
        Found::Entry(entry) => {
            let mut properties = entry.properties().clone();
            if let Entry::View(view) = entry.as_ref() {
                properties.extend(view_properties(view));
            }
            (cx.id(&parts)?.shown(), properties)
        }
        Found::Missing => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
    };
    let pairs = match key {
        Some(key) => {
            let plain = name.replace('`', "");
            let value = found.get(key).cloned().unwrap_or_else(|| format!("Table {plain} does not have property: {key}"));
            vec![[Some(key.to_owned()), Some(value)]]
        }
        None => found.into_iter().map(|(key, value)| [Some(key), Some(value)]).collect(),
    };
    rows::text(cx, ["key", "value"], pairs)
}

/// What Spark keeps of a view as properties.
pub(super) fn view_properties(view: &crate::catalog::ViewRecord) -> Vec<(String, String)> {
    let mut found = vec![
        ("view.catalogAndNamespace.numParts".to_owned(), "2".to_owned()),
        ("view.catalogAndNamespace.part.0".to_owned(), CATALOG.to_owned()),
        ("view.catalogAndNamespace.part.1".to_owned(), view.current_database.clone()),
        ("view.query.out.numCols".to_owned(), view.query_columns.len().to_string()),
    ];
    found.extend(view.query_columns.iter().enumerate().map(|(place, name)| (format!("view.query.out.col.{place}"), name.clone())));
    found
}

/// SHOW FUNCTIONS.
pub(super) async fn functions(
    cx: &Context<'_>,
    scope: Option<&str>,
    namespace: Option<&TableName>,
    pattern: Option<&str>,
) -> Result<DataFrame> {
    let (database, _) = place(cx, namespace).await?;
    let scope = scope.unwrap_or("ALL").to_uppercase();
    let (user, system) = match scope.as_str() {
        "ALL" => (true, true),
        "USER" => (true, false),
        "SYSTEM" => (false, true),
        other => {
            return Err(error(
                "INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE",
                format!("SHOW {other} FUNCTIONS: say ALL, SYSTEM or USER"),
            ));
        }
    };
    let mut names = Vec::new();
    if system {
        let operators = tidemill_spark::plan::operator::ALL.iter().filter(|name| !name.contains('_')).map(|name| (*name).to_owned());
        let all = tidemill_spark::functions::all().into_iter().map(|row| row.name.to_owned());
        names.extend(all.chain(operators).filter(|name| is_like(name, pattern)));
    }
    if user {
        names.extend(cx.catalog().user_functions(&database, pattern).await?);
    }
    names.sort();
    names.dedup();
    rows::text(cx, ["function"], names.into_iter().map(|name| [Some(name)]).collect())
}
