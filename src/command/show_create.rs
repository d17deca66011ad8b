//! SHOW CREATE TABLE: the statement that makes a table or view.

use std::collections::BTreeMap;

use tidemill_spark::error::error;
use tidemill_spark::plan::TableName;
use tidemill_spark::types::quoted_if_needed;

use super::{Context, rows};
use crate::catalog::{CATALOG, ColumnRecord, Entry, Found, TableRecord, ViewRecord, shown};
use crate::dataframe::DataFrame;
use crate::open;
use tidemill_planner::Result;

/// SHOW CREATE TABLE.
pub(super) async fn table(cx: &Context<'_>, name: &TableName, as_serde: bool) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let statement = match cx.catalog().find(&parts, &cx.settings).await? {
        Found::Temp(_) => {
            return Err(error(
                "UNSUPPORTED_SHOW_CREATE_TABLE.ON_TEMPORARY_VIEW",
                format!("{} is a temporary view: it is made anew in each session", shown(&parts)),
            ));
        }
        Found::Missing => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
        Found::Entry(entry) => match *entry {
            Entry::Table(_) if as_serde => {
                return Err(error(
                    "UNSUPPORTED_SHOW_CREATE_TABLE.ON_DATA_SOURCE_TABLE_WITH_AS_SERDE",
                    format!("{} is no table of Hive's: leave AS SERDE out", shown(&parts)),
                ));
            }
            Entry::Table(table) => of_table(&open::with_log(table).await?).await?,
            Entry::View(view) => of_view(&view),
        },
    };
    rows::text(cx, ["createtab_stmt"], vec![[Some(statement)]])
}

fn full(database: &str, name: &str) -> String {
    format!("{CATALOG}.{}.{}", quoted_if_needed(database), quoted_if_needed(name))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn pairs(properties: &BTreeMap<String, String>) -> String {
    properties.iter().map(|(key, value)| format!("\n  {} = {}", quoted(key), quoted(value))).collect::<Vec<_>>().join(",")
}

async fn of_table(table: &TableRecord) -> Result<String> {
    let mut lines = Vec::new();
    for field in open::table_fields(table).await? {
        let mut line = format!("{} {}", quoted_if_needed(&field.name), field.data_type.sql());
        if !field.nullable {
            line.push_str(" NOT NULL");
        }
        let known = table.columns.iter().find(|column| column.name == field.name);
        if let Some(default) = known.and_then(|column| column.default.as_ref()) {
            line.push_str(&format!(" DEFAULT {default}"));
        }
        if let Some(comment) = field.metadata.get("comment") {
            line.push_str(&format!(" COMMENT {}", quoted(comment)));
        }
        lines.push(line);
    }
    let mut text = format!("CREATE TABLE {} (\n  {})\nUSING {}\n", full(&table.database, &table.name), lines.join(",\n  "), table.provider);
    if !table.options.is_empty() {
        text.push_str(&format!("OPTIONS ({})\n", pairs(&table.options)));
    }
    if !table.partition_columns.is_empty() {
        let names: Vec<String> = table.partition_columns.iter().map(|name| quoted_if_needed(name)).collect();
        text.push_str(&format!("PARTITIONED BY ({})\n", names.join(", ")));
    }
    if let Some(comment) = &table.comment {
        text.push_str(&format!("COMMENT {}\n", quoted(comment)));
    }
    if table.external {
        text.push_str(&format!("LOCATION {}\n", quoted(&format!("file:{}", table.location))));
    }
    if !table.properties.is_empty() {
        text.push_str(&format!("TBLPROPERTIES ({})\n", pairs(&table.properties)));
    }
    Ok(text)
}

fn of_view(view: &ViewRecord) -> String {
    let column = |column: &ColumnRecord| match &column.comment {
        Some(comment) => format!("{} COMMENT {}", quoted_if_needed(&column.name), quoted(comment)),
        None => quoted_if_needed(&column.name),
    };
    let columns: Vec<String> = view.columns.iter().map(column).collect();
    let mut text = format!("CREATE VIEW {} (\n  {})\n", full(&view.database, &view.name), columns.join(",\n  "));
    if let Some(comment) = &view.comment {
        text.push_str(&format!("COMMENT {}\n", quoted(comment)));
    }
    if !view.properties.is_empty() {
        text.push_str(&format!("TBLPROPERTIES ({})\n", pairs(&view.properties)));
    }
    text.push_str(&format!("WITH SCHEMA {}\n", view.schema_binding.as_deref().unwrap_or("COMPENSATION")));
    text.push_str(&format!("AS {}\n", view.text));
    text
}
