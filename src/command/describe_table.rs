//! DESCRIBE TABLE: columns, and what else is known.

use serde_json::json;
use tidemill_spark::error::error;
use tidemill_spark::plan::{PartitionSpec, TableName};
use tidemill_spark::types::{StructField, quoted_if_needed};

use super::describe::line;
use super::{Context, partition, rows};
use crate::catalog::{CATALOG, ColumnRecord, Entry, Found, TableRecord, TempView, ViewRecord, shown};
use crate::dataframe::DataFrame;
use crate::open;
use crate::scan::{Format, PathTable, Version};
use tidemill_planner::Result;

type Lines = Vec<[Option<String>; 3]>;

fn plain(name: &str, value: &str) -> [Option<String>; 3] {
    [Some(name.to_owned()), Some(value.to_owned()), Some(String::new())]
}

/// DESCRIBE TABLE.
pub(super) async fn table(
    cx: &Context<'_>,
    name: &TableName,
    extended: bool,
    spec: &PartitionSpec,
    column: &[String],
    as_json: bool,
) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let found = cx.catalog().find(&parts, &cx.settings).await?;
    let (fields, entry): (Vec<StructField>, Option<Entry>) = match found {
        Found::Temp(view) => (view.columns, None),
        Found::Entry(entry) => match *entry {
            Entry::Table(table) => (open::table_fields(&table).await?, Some(Entry::Table(table))),
            Entry::View(view) => (view.columns.iter().map(ColumnRecord::field).collect::<Result<_>>()?, Some(Entry::View(view))),
        },
        Found::Missing => match parts.as_slice() {
            [format, path] if Format::parse(format).is_ok() => {
                let table =
                    PathTable { format: Format::parse(format)?, path: path.clone(), version: Version::Latest, options: Default::default() };
                let schema = table.open(cx.session).await?.schema();
                (schema.fields().iter().map(|field| tidemill_spark::types::from_field(field)).collect(), None)
            }
            _ => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
        },
    };
    if as_json {
        return rows::text(cx, ["json_metadata"], vec![[Some(metadata(&parts, &fields, entry.as_ref()).to_string())]]);
    }
    if !column.is_empty() {
        return one_column(cx, &parts, &fields, column);
    }
    let mut lines: Lines = fields.iter().map(line).collect();
    match &entry {
        Some(Entry::Table(table)) => {
            if !table.partition_columns.is_empty() {
                lines.push(plain("# Partition Information", ""));
                lines.push([Some("# col_name".to_owned()), Some("data_type".to_owned()), Some("comment".to_owned())]);
                lines.extend(table.partition_columns.iter().filter_map(|name| fields.iter().find(|field| field.name == *name)).map(line));
            }
            if !spec.is_empty() {
                let folder = partition::folder(cx, table, spec).await?;
                let files = crate::scan::TableFiles::of(table)?;
                let Some(place) = partition::existing(cx, table, &files, spec).await?.into_iter().next() else {
                    return Err(partition::not_found(cx, table, spec).await);
                };
                lines.push(plain("", ""));
                lines.push(plain("# Detailed Partition Information", ""));
                lines.push(plain("Database", &table.database));
                lines.push(plain("Table", &table.name));
                lines.push(plain("Partition Values", &format!("[{}]", folder.replace('/', ", "))));
                lines.push(plain("Location", &format!("file:{}", place.display())));
            } else if extended {
                lines.push(plain("", ""));
                lines.push(plain("# Detailed Table Information", ""));
                lines.extend(of_table(table).into_iter().map(|(name, value)| plain(&name, &value)));
            }
            let defaults: Vec<&ColumnRecord> = table.columns.iter().filter(|column| column.default.is_some()).collect();
            if !defaults.is_empty() {
                lines.push(plain("", ""));
                lines.push(plain("# Column Default Values", ""));
                for column in defaults {
                    let default = column.default.clone().unwrap_or_default();
                    let shown = column.spark_type().map_or_else(|_| column.data_type.clone(), |t| t.to_string());
                    lines.push([Some(column.name.clone()), Some(shown), Some(default)]);
                }
            }
        }
        Some(Entry::View(view)) => {
            if !spec.is_empty() {
                return Err(error("FORBIDDEN_OPERATION", format!("{} is a view, and has no partitions", shown(&parts))));
            }
            if extended {
                lines.push(plain("", ""));
                lines.push(plain("# Detailed Table Information", ""));
                lines.extend(of_view(view).into_iter().map(|(name, value)| plain(&name, &value)));
            }
        }
        None if !spec.is_empty() => {
            return Err(error("FORBIDDEN_OPERATION", format!("{} is a temporary view, and has no partitions", shown(&parts))));
        }
        None => {}
    }
    rows::text(cx, ["col_name", "data_type", "comment"], lines)
}

fn one_column(cx: &Context<'_>, parts: &[String], fields: &[StructField], column: &[String]) -> Result<DataFrame> {
    let name = match column {
        [name] => name,
        // The table's name may stand before the column's.
        [table, name] if parts.last().is_some_and(|last| cx.settings.same(last, table)) => name,
        _ => {
            let message = format!("DESCRIBE shows whole columns, not the field `{}`", column.join("."));
            return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
        }
    };
    let Some(field) = fields.iter().find(|field| cx.settings.same(&field.name, name)) else {
        let known = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
        let hint = tidemill_planner::ident::did_you_mean(name, known.iter().copied());
        let message = format!("{} has no column `{name}`{hint} (columns: {})", shown(parts), known.join(", "));
        return Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message).with_parameter("objectName", format!("`{name}`")));
    };
    let [shown_name, data_type, comment] = line(field);
    let pairs = vec![
        [Some("col_name".to_owned()), shown_name],
        [Some("data_type".to_owned()), data_type],
        [Some("comment".to_owned()), Some(comment.unwrap_or_else(|| "NULL".to_owned()))],
    ];
    rows::text(cx, ["info_name", "info_value"], pairs)
}

fn moment(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(String::new, |time| time.format("%a %b %d %H:%M:%S UTC %Y").to_string())
}

fn listed<'p>(pairs: impl IntoIterator<Item = (&'p String, &'p String)>) -> String {
    format!("[{}]", pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", "))
}

fn common(database: &str, name: &str, owner: &str, created_ms: i64) -> Vec<(String, String)> {
    let mut found = vec![("Catalog", CATALOG.to_owned()), ("Database", database.to_owned()), ("Table", name.to_owned())];
    if !owner.is_empty() {
        found.push(("Owner", owner.to_owned()));
    }
    found.push(("Created Time", moment(created_ms)));
    found.push(("Last Access", "UNKNOWN".to_owned()));
    found.push(("Created By", format!("Tidemill {}", env!("CARGO_PKG_VERSION"))));
    found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn of_table(table: &TableRecord) -> Vec<(String, String)> {
    let mut found = common(&table.database, &table.name, &table.owner, table.created_ms);
    let mut add = |name: &str, value: String| found.push((name.to_owned(), value));
    add("Type", if table.external { "EXTERNAL" } else { "MANAGED" }.to_owned());
    add("Provider", table.provider.clone());
    if let Some(comment) = &table.comment {
        add("Comment", comment.clone());
    }
    if !table.properties.is_empty() {
        add("Table Properties", listed(&table.properties));
    }
    add("Location", format!("file:{}", table.location));
    if !table.options.is_empty() {
        add("Storage Properties", listed(&table.options));
    }
    if !table.partition_columns.is_empty() {
        add("Partition Provider", "Catalog".to_owned());
    }
    found
}

fn of_view(view: &ViewRecord) -> Vec<(String, String)> {
    let mut found = common(&view.database, &view.name, &view.owner, view.created_ms);
    let mut add = |name: &str, value: String| found.push((name.to_owned(), value));
    add("Type", "VIEW".to_owned());
    if let Some(comment) = &view.comment {
        add("Comment", comment.clone());
    }
    add("View Text", view.text.clone());
    add("View Original Text", view.text.clone());
    add("View Schema Mode", view.schema_binding.clone().unwrap_or_else(|| "COMPENSATION".to_owned()));
    add("View Catalog and Namespace", format!("{CATALOG}.{}", quoted_if_needed(&view.current_database)));
    let names: Vec<String> = view.query_columns.iter().map(|name| format!("`{name}`")).collect();
    add("View Query Output Columns", format!("[{}]", names.join(", ")));
    if !view.properties.is_empty() {
        add("Table Properties", listed(&view.properties));
    }
    found
}

/// What SHOW TABLE EXTENDED says of a table or view.
pub(super) async fn information(entry: &Entry) -> Result<String> {
    let (pairs, fields) = match entry {
        Entry::Table(table) => (of_table(table), open::table_fields(table).await?),
        Entry::View(view) => (of_view(view), view.columns.iter().map(ColumnRecord::field).collect::<Result<_>>()?),
    };
    let mut text: String = pairs.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    text.push_str(&schema(&fields));
    Ok(text)
}

/// What SHOW TABLE EXTENDED says of a temporary view.
pub(super) fn temp_information(view: &TempView) -> String {
    format!("Table: {}\nType: VIEW\n{}", view.name, schema(&view.columns))
}

fn schema(fields: &[StructField]) -> String {
    let mut text = "Schema: root\n".to_owned();
    for field in fields {
        text.push_str(&format!(" |-- {}: {} (nullable = {})\n", field.name, field.data_type, field.nullable));
    }
    text
}

/// DESCRIBE TABLE … AS JSON.
fn metadata(parts: &[String], fields: &[StructField], entry: Option<&Entry>) -> serde_json::Value {
    let columns: Vec<serde_json::Value> = fields
        .iter()
        .map(|field| {
            let [name, data_type, comment] = line(field);
            let mut column = json!({ "name": name, "type": { "name": data_type }, "nullable": field.nullable });
            if let (Some(comment), Some(object)) = (comment, column.as_object_mut()) {
                object.insert("comment".to_owned(), json!(comment));
            }
            column
        })
        .collect();
    let mut found = json!({ "table_name": parts.last(), "columns": columns });
    let more: Vec<(String, String)> = match entry {
        Some(Entry::Table(table)) => of_table(table),
        Some(Entry::View(view)) => of_view(view),
        None => Vec::new(),
    };
    if let Some(object) = found.as_object_mut() {
        if let Some(entry) = entry {
            let database = match entry {
                Entry::Table(table) => &table.database,
                Entry::View(view) => &view.database,
            };
            object.insert("catalog_name".to_owned(), json!(CATALOG));
            object.insert("namespace".to_owned(), json!([database]));
            object.insert("schema_name".to_owned(), json!(database));
        }
        for (name, value) in more {
            if !matches!(name.as_str(), "Catalog" | "Database" | "Table") {
                object.insert(name.to_lowercase().replace(' ', "_"), json!(value));
            }
        }
        if let Some(Entry::Table(table)) = entry
            && !table.partition_columns.is_empty()
        {
            object.insert("partition_columns".to_owned(), json!(table.partition_columns));
        }
    }
    found
}
