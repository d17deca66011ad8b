//! ALTER TABLE, ALTER VIEW and COMMENT ON.

use std::path::Path;

use tidemill_spark::error::error;
use tidemill_spark::plan::{AlterColumn, AlterTable, ColumnDefinition, ColumnPosition, ObjectKind, TableName};
use tidemill_spark::types::lattice;

use super::{Context, columns, partition, rename, rows};
use crate::catalog::{ColumnRecord, Entry, Found, Hold, TableId, TableRecord, shown};
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};

/// ALTER TABLE and ALTER VIEW.
pub(super) async fn alter(cx: &Context<'_>, name: &TableName, kind: ObjectKind, change: &AlterTable) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let (found, _alone) = match change {
        AlterTable::Rename(to) => rename::held(cx, &parts, to).await?,
        _ => cx.held(&parts, Hold::Alone).await?,
    };
    fail::fail_point!("command::alter.found");
    match found {
        Found::Temp(view) => match (kind, change) {
            (_, AlterTable::Rename(to)) => {
                let [to] = to.as_slice() else {
                    return Err(error("TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS", format!("{} cannot name a temporary view", shown(to))));
                };
                cx.catalog().rename_temp_view(&view.name, to, &cx.settings)?;
                rows::nothing(cx)
            }
            (ObjectKind::View, _) => Err(error(
                "EXPECT_PERMANENT_VIEW_NOT_TEMP",
                format!("{} is a temporary view: make it anew with CREATE OR REPLACE TEMPORARY VIEW", shown(&parts)),
            )),
            (ObjectKind::Table, change) => Err(not_table(&parts, change)),
        },
        Found::Missing => Err(cx.catalog().not_found(&parts, &cx.settings).await),
        Found::Entry(entry) => match (*entry, kind) {
            (Entry::View(_), ObjectKind::Table) => Err(not_table(&parts, change)),
            (Entry::Table(_), ObjectKind::View) => Err(error(
                "EXPECT_VIEW_NOT_TABLE.USE_ALTER_TABLE",
                format!("ALTER VIEW is for views, and {} is a table: say ALTER TABLE", shown(&parts)),
            )),
            (Entry::View(view), ObjectKind::View) => {
                let id = TableId { database: view.database.clone(), name: view.name.clone() };
                match change {
                    AlterTable::Rename(to) => rename::rename(cx, &id, Entry::View(view), to).await?,
                    AlterTable::SetProperties(_) | AlterTable::UnsetProperties(..) => properties(cx, &id, change).await?,
                    _ => {
                        return Err(error(
                            "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                            "a view is renamed, given properties, or given another query (AS)",
                        ));
                    }
                }
                rows::nothing(cx)
            }
            (Entry::Table(table), ObjectKind::Table) => {
                alter_table(cx, &table, change).await?;
                rows::nothing(cx)
            }
        },
    }
}

fn not_table(parts: &[String], change: &AlterTable) -> Error {
    let has_twin = matches!(change, AlterTable::Rename(_) | AlterTable::SetProperties(_) | AlterTable::UnsetProperties(..));
    let condition = if has_twin { "EXPECT_TABLE_NOT_VIEW.USE_ALTER_VIEW" } else { "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE" };
    let hint = if has_twin { ": say ALTER VIEW" } else { "" };
    error(condition, format!("ALTER TABLE is for tables, and {} is a view{hint}", shown(parts))).with_parameter("viewName", shown(parts))
}

async fn alter_table(cx: &Context<'_>, table: &TableRecord, change: &AlterTable) -> Result<()> {
    let id = TableId { database: table.database.clone(), name: table.name.clone() };
    let unsupported = |what: &str, instead: &str| {
        error("UNSUPPORTED_FEATURE.TABLE_OPERATION", format!("{what} of {} is not supported: {instead}", id.shown()))
    };
    let is_change_of_columns = matches!(
        change,
        AlterTable::AddColumns(_)
            | AlterTable::ReplaceColumns(_)
            | AlterTable::RenameColumn(..)
            | AlterTable::DropColumns(..)
            | AlterTable::AlterColumn(_)
    );
    if table.is_delta() && is_change_of_columns {
        return Err(unsupported(
            "changing the columns",
            "write its rows to a new table with the columns that you want (CREATE TABLE … AS SELECT)",
        ));
    }
    match change {
        AlterTable::AddColumns(added) => {
            let mut new = Vec::new();
            for column in added {
                if column.position.is_some() {
                    return Err(unsupported("FIRST and AFTER", "new columns come last"));
                }
                let mut record = columns::record(cx, column, true).await?;
                record.exists_default = exists_default(cx, table, column, &record).await?;
                if table.provider == "csv" && record.spark_type()?.is_nested() {
                    return Err(error(
                        "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                        format!("csv files do not hold the column `{}`", record.name),
                    ));
                }
                new.push(record);
            }
            update(cx, &id, move |table| {
                let data = table.columns.len().saturating_sub(table.partition_columns.len());
                columns_at(table, data, &new);
                Ok(())
            })
            .await?;
        }
        AlterTable::AlterColumn(changes) => {
            for change in changes {
                alter_column(cx, table, &id, change).await?;
            }
        }
        AlterTable::RenameColumn(..) | AlterTable::DropColumns(..) | AlterTable::ReplaceColumns(_) => {
            return Err(unsupported(
                "renaming, dropping and replacing columns",
                "files keep columns by name, so write its rows to a new table (CREATE TABLE … AS SELECT)",
            ));
        }
        AlterTable::Rename(to) => rename::rename(cx, &id, Entry::Table(table.clone()), to).await?,
        AlterTable::SetProperties(_) | AlterTable::UnsetProperties(..) => {
            if let Some(key) = delta_key(change).filter(|_| table.is_delta()) {
                return Err(unsupported(
                    &format!("changing the property `{key}`"),
                    "a Delta table's own properties stand in its log, and are said when it is made (CREATE TABLE … TBLPROPERTIES)",
                ));
            }
            properties(cx, &id, change).await?;
        }
        AlterTable::SetLocation(spec, location) => {
            if !spec.is_empty() {
                return Err(unsupported("SET LOCATION of a partition", "partitions lie below the table's folder"));
            }
            let location = cx.location(location)?;
            update(cx, &id, move |table| moved_to(table, &location)).await?;
        }
        AlterTable::AddPartitions(specs, if_not_exists) => partition::add(cx, table, specs, *if_not_exists).await?,
        AlterTable::DropPartitions(specs, if_exists) => partition::drop(cx, table, specs, *if_exists).await?,
        AlterTable::RenamePartition(from, to) => partition::rename(cx, table, from, to).await?,
        AlterTable::RecoverPartitions => {
            if table.partition_columns.is_empty() {
                return Err(error("NOT_A_PARTITIONED_TABLE", format!("{} is not partitioned", id.shown())));
            }
        }
        AlterTable::AddConstraint(..) | AlterTable::DropConstraint(..) => {
            return Err(unsupported("a constraint", "it would not be checked: filter the rows when they are inserted"));
        }
        AlterTable::ClusterBy(_) => return Err(unsupported("CLUSTER BY", "partition a new table instead")),
        AlterTable::Other(what) => return Err(unsupported(what, "see the manual for what ALTER TABLE does")),
        other => return Err(unsupported(&format!("{other:?}"), "see the manual for what ALTER TABLE does")),
    }
    Ok(())
}

/// Leads a table to another folder. Only the folder that the catalog has made for it is the catalog's to remove.
///
/// # Errors
/// For a folder that holds that one, or that it holds: it would go with it.
fn moved_to(table: &mut TableRecord, location: &str) -> Result<()> {
    let new = Path::new(location);
    for made in table.own_folders() {
        let old = Path::new(&made);
        if old != new && (old.starts_with(new) || new.starts_with(old)) {
            let message = format!(
                "{} has its folder {made}, which goes when it is dropped, and {location} {} it: choose a folder beside it",
                crate::catalog::shown(&table.full_name()),
                if new.starts_with(old) { "lies in" } else { "holds" }
            );
            return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
        }
    }
    if !table.external {
        table.made_folder = Some(table.moved_from.take().unwrap_or_else(|| table.location.clone()));
    }
    location.clone_into(&mut table.location);
    table.external = table.made_folder.as_deref() != Some(location);
    if !table.external {
        table.made_folder = None;
    }
    Ok(())
}

fn columns_at(table: &mut TableRecord, place: usize, new: &[ColumnRecord]) {
    let tail = table.columns.split_off(place.min(table.columns.len()));
    table.columns.extend(new.iter().cloned());
    table.columns.extend(tail);
}

/// Changes a table's record, the columns' names kept apart.
async fn update(cx: &Context<'_>, id: &TableId, change: impl Fn(&mut TableRecord) -> Result<()>) -> Result<()> {
    let shown = id.shown();
    let case_sensitive = cx.settings.case_sensitive;
    cx.catalog()
        .alter(id, |entry| {
            let Entry::Table(table) = entry else {
                return Err(error("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", format!("{shown} is a view")));
            };
            change(table)?;
            let mut names: Vec<String> =
                table.columns.iter().map(|c| if case_sensitive { c.name.clone() } else { c.name.to_lowercase() }).collect();
            names.sort();
            match names.windows(2).find(|pair| matches!(pair, [a, b] if a == b)).and_then(|pair| pair.first()) {
                Some(name) => {
                    let message = format!("{shown} has a column `{name}` already: choose another name");
                    Err(error("COLUMN_ALREADY_EXISTS", message).with_parameter("columnName", format!("`{name}`")))
                }
                None => Ok(()),
            }
        })
        .await
        .map(|_| ())
}

async fn alter_column(cx: &Context<'_>, table: &TableRecord, id: &TableId, change: &AlterColumn) -> Result<()> {
    let [name] = change.column.as_slice() else {
        return Err(error(
            "UNSUPPORTED_FEATURE.TABLE_OPERATION",
            format!("`{}` is a field of a column: fields are not changed", change.column.join(".")),
        ));
    };
    let Some(column) = table.columns.iter().find(|column| cx.settings.same(&column.name, name)) else {
        let known = table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
        let hint = tidemill_planner::ident::did_you_mean(name, known.iter().copied());
        let message = format!("{} has no column `{name}`{hint} (columns: {})", id.shown(), known.join(", "));
        return Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message).with_parameter("objectName", format!("`{name}`")));
    };
    let refuse = |what: String| {
        error(
            "NOT_SUPPORTED_CHANGE_COLUMN",
            format!("{what} of {} is not supported: write its rows to a new table (CREATE TABLE … AS SELECT)", id.shown()),
        )
    };
    let old = column.spark_type()?;
    if change.new_name.as_ref().is_some_and(|to| *to != column.name) {
        return Err(refuse(format!("renaming the column `{name}`")));
    }
    let mut new_type = None;
    if let Some(data_type) = &change.data_type
        && *data_type != old
    {
        let wider = lattice::can_up_cast(&old, data_type) && old.is_integral() && data_type.is_integral() && table.provider != "csv";
        let text = old.is_string() && data_type.is_string();
        if !wider && !text {
            return Err(refuse(format!("changing the column `{name}` from \"{}\" to \"{}\"", old.sql(), data_type.sql())));
        }
        new_type = Some(data_type.sql());
    }
    match &change.position {
        None => {}
        Some(ColumnPosition::First | ColumnPosition::After(_)) => return Err(refuse(format!("moving the column `{name}`"))),
    }
    if change.nullable == Some(false) {
        return Err(refuse(format!("SET NOT NULL for the column `{name}`")));
    }
    // None where DEFAULT is not spoken of; the inner one where it is dropped.
    let mut new_default = None;
    if let Some(default) = &change.default {
        if !default.is_empty() {
            let expression = crate::catalog::text::expression(default, &cx.settings)?;
            columns::check_default(cx, name, &old, &expression).await?;
        }
        new_default = Some((!default.is_empty()).then(|| default.trim().to_owned()));
    }
    let column_name = column.name.clone();
    update(cx, id, move |table| {
        for column in table.columns.iter_mut().filter(|column| column.name == column_name) {
            if let Some(data_type) = &new_type {
                column.data_type.clone_from(data_type);
            }
            if change.comment.is_some() {
                column.comment.clone_from(&change.comment);
            }
            if let Some(default) = &new_default {
                column.default.clone_from(default);
            }
        }
        Ok(())
    })
    .await
}

/// A property among those changed that Delta gives a meaning.
fn delta_key(change: &AlterTable) -> Option<&String> {
    let is_delta = |key: &&String| key.to_lowercase().starts_with("delta.");
    match change {
        AlterTable::SetProperties(new) => new.keys().find(is_delta),
        AlterTable::UnsetProperties(keys, _) => keys.iter().find(is_delta),
        _ => None,
    }
}

/// Properties that stand for something else, and are not set as such.
const RESERVED: [&str; 6] = ["provider", "location", "owner", "comment", "external", "is_managed_location"];

async fn properties(cx: &Context<'_>, id: &TableId, change: &AlterTable) -> Result<()> {
    if let AlterTable::SetProperties(new) = change
        && let Some(key) = new.keys().find(|key| RESERVED.iter().any(|reserved| reserved == &key.to_lowercase()) && *key != "comment")
    {
        let message = format!("`{key}` is no property of your own: the table's provider, location and owner have statements of their own");
        return Err(error("UNSUPPORTED_FEATURE.SET_TABLE_PROPERTY", message).with_parameter("property", key));
    }
    cx.catalog()
        .alter(id, |entry| {
            match change {
                AlterTable::SetProperties(new) => {
                    let mut new = new.clone();
                    if let Some(comment) = new.remove("comment") {
                        comment_of(entry, Some(comment));
                    }
                    entry.properties_mut().extend(new);
                }
                AlterTable::UnsetProperties(keys, _if_exists) => {
                    for key in keys {
                        if key == "comment" {
                            comment_of(entry, None);
                        }
                        entry.properties_mut().remove(key);
                    }
                }
                _ => {}
            }
            Ok(())
        })
        .await
        .map(|_| ())
}

fn comment_of(entry: &mut Entry, comment: Option<String>) {
    match entry {
        Entry::Table(table) => table.comment = comment,
        Entry::View(view) => view.comment = comment,
    }
}

/// COMMENT ON TABLE and COMMENT ON DATABASE.
pub(super) async fn comment_on(cx: &Context<'_>, name: &TableName, namespace: bool, comment: Option<&str>) -> Result<DataFrame> {
    if namespace {
        let name = super::database::named(cx, name)?;
        cx.catalog().alter_database(&name, |record| record.comment = comment.map(str::to_owned)).await?;
        return rows::nothing(cx);
    }
    let parts = cx.parts(name)?;
    let (table, _alone) = cx.table_held(&parts, "COMMENT ON TABLE", Hold::Alone).await?;
    let id = TableId { database: table.database, name: table.name };
    update(cx, &id, |table| {
        table.comment = comment.map(str::to_owned);
        Ok(())
    })
    .await?;
    rows::nothing(cx)
}

/// What the rows that are there have in a new column: its DEFAULT as of now.
async fn exists_default(cx: &Context<'_>, table: &TableRecord, column: &ColumnDefinition, record: &ColumnRecord) -> Result<Option<String>> {
    let Some((expression, _)) = &column.default else { return Ok(None) };
    let field = record.field()?;
    let typed = cx.typed(std::slice::from_ref(expression)).await?.into_iter().next();
    let typed = typed.ok_or_else(|| Error::internal("a default was lost"))?;
    let value = super::constant::text(cx, &cx.assigned(typed, &field, None)?).await?;
    if value.is_none() {
        return Ok(None);
    }
    if table.provider != "parquet" || field.data_type.is_nested() {
        if crate::scan::TableFiles::of(table)?.files()?.is_empty() {
            return Ok(None);
        }
        let message = format!(
            "`{}`: the rows that are there would have to get the DEFAULT, which is there for plain types in parquet files alone: add the column \
             without DEFAULT, then say ALTER COLUMN … SET DEFAULT for the rows to come",
            record.name
        );
        return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
    }
    Ok(value)
}
