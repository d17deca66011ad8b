//! CREATE TABLE, REPLACE TABLE, with AS a query or LIKE another table.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::Schema;
use tidemill_lakehouse::{DeltaTable, TableOptions};
use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, Relation, TableName, TableSpec};
use tidemill_spark::types::{SparkType, StructField, field_of, from_field};

use super::{Context, columns, rows};
use crate::catalog::{ASIDE, ColumnRecord, Entry, Found, GLOBAL_TEMP, TableId, TableRecord, now_ms, shown};
use crate::dataframe::DataFrame;
use crate::open;
use crate::scan::{Format, PathTable, Version, file_options};
use tidemill_planner::{Error, Result};

/// CREATE [OR REPLACE] TABLE.
pub(super) async fn create(cx: &Context<'_>, command: &Command) -> Result<DataFrame> {
    let Command::CreateTable { name, spec, query, if_not_exists, or_replace, replace_only, external: said_external, temporary } = command
    else {
        return Err(Error::internal("CREATE TABLE was expected"));
    };
    if *temporary {
        return Err(error(
            "INVALID_SQL_SYNTAX.CREATE_TEMP_TABLE_USING_PROVIDER",
            "there are no temporary tables: say CREATE TEMPORARY VIEW … AS a query",
        ));
    }
    let parts = cx.parts(name)?;
    // A table at a path has no name in the catalog.
    if let [format, path] = parts.as_slice()
        && format.eq_ignore_ascii_case("delta")
        && (path.contains('/') || cx.catalog().need_database(format).await.is_err())
    {
        if spec.provider.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case("delta")) || *or_replace || *replace_only {
            let message = format!("{} is a Delta table by its path: leave OR REPLACE, and USING of another format, out", shown(&parts));
            return Err(error("INVALID_STATEMENT_OR_CLAUSE", message));
        }
        let spec = TableSpec { provider: Some("delta".to_owned()), ..TableSpec::clone(spec) };
        let place = cx.location(path)?;
        let record =
            described(cx, &TableId { database: String::new(), name: path.clone() }, &spec, query.as_ref(), true, Some(&place)).await?;
        if DeltaTable::exists(&record.location).await? {
            return if *if_not_exists { rows::nothing(cx) } else { Err(taken(&shown(&parts))) };
        }
        fill(cx, &record, query.as_ref()).await?;
        return rows::nothing(cx);
    }
    let id = cx.id(&parts)?;
    if id.database == GLOBAL_TEMP {
        return Err(error("SCHEMA_NOT_FOUND", format!("`{GLOBAL_TEMP}` holds temporary views only: say CREATE GLOBAL TEMPORARY VIEW")));
    }
    cx.catalog().need_database(&id.database).await?;
    let there = cx.catalog().entry(&id).await?;
    match (&there, *or_replace || *replace_only) {
        (Some(_), false) if *if_not_exists => return rows::nothing(cx),
        (Some(_), false) => return Err(crate::catalog::exists(&id)),
        (Some(Entry::View(_)), true) => {
            return Err(error("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", format!("{} is a view: drop it first", id.shown())));
        }
        (None, true) if *replace_only => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
        _ => {}
    }
    let location = spec.location.clone().or_else(|| option(&spec.options, "path"));
    let external = location.is_some();
    if *said_external && !external {
        return Err(error("INVALID_STATEMENT_OR_CLAUSE", "CREATE EXTERNAL TABLE needs LOCATION 'path': add it, or leave EXTERNAL out"));
    }
    let record = described(cx, &id, spec, query.as_ref(), external, location.as_deref()).await?;
    if let Some(Entry::Table(old)) = there {
        return replace(cx, &id, old, record, query.as_ref()).await;
    }
    make(cx, &id, record, query.as_ref(), *if_not_exists).await?;
    rows::nothing(cx)
}

/// Makes a new table and its data. A managed table's data is made aside, in a folder that only this statement knows: of several who
/// make a table of one name, the one whose record comes first moves its data into place, and the others leave nothing.
async fn make(cx: &Context<'_>, id: &TableId, record: TableRecord, query: Option<&Relation>, if_not_exists: bool) -> Result<()> {
    if record.external {
        fill(cx, &record, query).await?;
        return cx.catalog().create(id, &Entry::Table(record), if_not_exists).await.map(|_| ());
    }
    vacant(id, &record)?;
    let folder = Path::new(&record.location);
    let aside = folder.with_file_name(format!("{ASIDE}{}", uuid::Uuid::new_v4().simple())).display().to_string();
    std::fs::create_dir_all(&aside).map_err(|e| Error::io_at(&aside, e))?;
    let outcome = async {
        fill(cx, &TableRecord { location: aside.clone(), ..record.clone() }, query).await?;
        let made = TableRecord { moved_from: Some(aside.clone()), ..record.clone() };
        cx.catalog().create(id, &Entry::Table(made), if_not_exists).await
    };
    match outcome.await {
        Ok(true) => {}
        Ok(false) => {
            let _ = std::fs::remove_dir_all(&aside);
            return Ok(());
        }
        Err(error) => {
            // What was written for a table that did not come to be is nobody's.
            if error.kind() != crate::ErrorKind::OutcomeUnknown {
                let _ = std::fs::remove_dir_all(&aside);
            }
            return Err(error);
        }
    }
    if let Err(error) = std::fs::rename(&aside, folder) {
        // The record says where the data is.
        tracing::warn!(table = %id.shown(), folder = %aside, "the new table's data stays where it was made: {error}");
        return Ok(());
    }
    let settled = cx.catalog().alter(id, |entry| {
        if let Entry::Table(table) = entry {
            table.moved_from = None;
        }
        Ok(())
    });
    settled.await.map(|_| ())
}

/// A new table in the place of an old one. A managed table's new data comes into a folder of its own, so that the old table is whole
/// until the record says otherwise.
async fn replace(cx: &Context<'_>, id: &TableId, old: TableRecord, mut record: TableRecord, query: Option<&Relation>) -> Result<DataFrame> {
    if !record.external {
        record.location = format!("{}-{}", record.location, uuid::Uuid::new_v4().simple());
        if !Path::new(&record.location).is_file() {
            std::fs::create_dir_all(&record.location).map_err(|e| Error::io_at(&record.location, e))?;
        }
    }
    if let Err(error) = fill(cx, &record, query).await {
        if !record.external {
            let _ = std::fs::remove_dir_all(&record.location);
        }
        return Err(error);
    }
    cx.catalog().replace(id, &Entry::Table(record.clone())).await?;
    if !old.external && old.location != record.location {
        let _ = std::fs::remove_dir_all(&old.location);
    }
    rows::nothing(cx)
}

/// Refuses a managed table whose folder holds something already.
///
/// # Errors
/// `LOCATION_ALREADY_EXISTS`
fn vacant(id: &TableId, record: &TableRecord) -> Result<()> {
    let folder = Path::new(&record.location);
    let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if !folder.exists() || empty {
        return Ok(());
    }
    let message = format!(
        "the folder {} of the new table {} holds something already: move it away, or choose another name",
        record.location,
        id.shown()
    );
    let shown = format!("'{}'", record.location);
    Err(error("LOCATION_ALREADY_EXISTS", message).with_parameter("location", shown).with_parameter("identifier", id.shown()))
}

fn taken(shown: &str) -> Error {
    error("TABLE_OR_VIEW_ALREADY_EXISTS", format!("there is a table {shown} already: choose another name, or say IF NOT EXISTS"))
}

fn option(options: &BTreeMap<String, String>, name: &str) -> Option<String> {
    options.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}

/// The table that a statement describes.
async fn described(
    cx: &Context<'_>,
    id: &TableId,
    spec: &TableSpec,
    query: Option<&Relation>,
    external: bool,
    location: Option<&str>,
) -> Result<TableRecord> {
    refuse(spec)?;
    let provider = cx.provider(spec.provider.as_deref())?;
    if provider != "delta" {
        let own = spec.options.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("path"));
        file_options::check_of_table(Format::parse(&provider)?, &own.map(|(n, v)| (n.clone(), v.clone())).collect())?;
    }
    let location = match location {
        Some(path) => cx.location_in(path, &id.database).await?,
        None => cx.catalog().table_folder(id).await?.display().to_string(),
    };
    let mut columns = Vec::new();
    for column in &spec.columns {
        columns.push(columns::record(cx, column, provider != "delta").await?);
    }
    let mut partition_columns = Vec::new();
    for expression in &spec.partitioned_by {
        partition_columns.push(columns::partition_column(expression)?);
    }
    if let Some(query) = query {
        if !spec.columns.is_empty() {
            return Err(error(
                "INVALID_STATEMENT_OR_CLAUSE",
                "CREATE TABLE … AS takes its columns from the query: leave the column list out",
            ));
        }
        let resolved = crate::open::resolved(cx.session, query).await?;
        for column in &resolved.output {
            if column.field.data_type == SparkType::Null && provider != "delta" {
                let message = format!("the column `{}` is NULL alone and has no type: CAST it", column.field.name);
                return Err(error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message));
            }
            let mut record = ColumnRecord::of(&column.field);
            record.nullable = true;
            columns.push(record);
        }
    } else if columns.is_empty() {
        columns = inferred(cx, &provider, &location, &spec.options, id).await?;
    }
    columns::distinct(cx, columns.iter().map(|column| column.name.as_str()))?;
    // Columns of partitions come last, in the order in which they are named, and are spelled as the columns are.
    let mut last = Vec::new();
    for name in &mut partition_columns {
        let Some(place) = columns.iter().position(|column| cx.settings.same(&column.name, name)) else {
            let known = columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(", ");
            let message = format!("there is no column `{name}` to partition by (columns: {known})");
            return Err(error("COLUMN_NOT_DEFINED_IN_TABLE", message).with_parameter("colName", format!("`{name}`")));
        };
        let column = columns.remove(place);
        name.clone_from(&column.name);
        let data_type = column.spark_type()?;
        if data_type.is_nested() || matches!(data_type, SparkType::CalendarInterval) {
            let message = format!("the column `{name}` of type \"{}\" cannot be a partition's: use a plain type", data_type.sql());
            return Err(error("INVALID_PARTITION_COLUMN_DATA_TYPE", message));
        }
        last.push(column);
    }
    if columns.is_empty() && !last.is_empty() {
        return Err(error("ALL_PARTITION_COLUMNS_NOT_ALLOWED", "all columns are partitions': leave one that is kept in files"));
    }
    if provider == "delta" {
        // Delta keeps the order of its columns.
        columns.extend(last);
    } else {
        columns.extend(last);
        for column in &columns {
            check_type(&provider, &column.name, &column.spark_type()?)?;
        }
    }
    Ok(TableRecord {
        database: id.database.clone(),
        name: id.name.clone(),
        provider,
        columns,
        partition_columns,
        location,
        external,
        options: spec.options.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("path")).map(|(k, v)| (k.clone(), v.clone())).collect(),
        properties: spec.properties.clone(),
        comment: spec.comment.clone(),
        created_ms: now_ms(),
        owner: cx.settings.user.clone(),
        moved_from: None,
    })
}

fn refuse(spec: &TableSpec) -> Result<()> {
    if !spec.hive.is_empty() {
        let message = format!("{}: Hive's formats are not there: say USING parquet, csv, json or delta", spec.hive.join(", "));
        return Err(error("NOT_SUPPORTED_COMMAND_WITHOUT_HIVE_SUPPORT", message));
    }
    if spec.bucketing.is_some() {
        return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", "CLUSTERED BY … INTO n BUCKETS is not supported: leave it out"));
    }
    if !spec.constraints.is_empty() {
        let message = format!("constraints are not supported, and would not be checked: leave out {}", spec.constraints.join(", "));
        return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
    }
    if spec.collation.as_deref().is_some_and(|name| !name.eq_ignore_ascii_case("UTF8_BINARY")) {
        return Err(error("UNSUPPORTED_FEATURE.OBJECT_LEVEL_COLLATIONS", "UTF8_BINARY is the only collation: leave DEFAULT COLLATION out"));
    }
    Ok(())
}

/// Refuses what a format's files do not hold.
fn check_type(provider: &str, name: &str, data_type: &SparkType) -> Result<()> {
    let held = match data_type {
        SparkType::Unsupported(_) | SparkType::Null | SparkType::CalendarInterval => false,
        // What JSON lines are not read as.
        SparkType::Time(_) | SparkType::TimestampNtz | SparkType::DayTimeInterval(..) | SparkType::YearMonthInterval(..) => {
            provider != "json"
        }
        SparkType::Binary | SparkType::Array(..) | SparkType::Map(..) | SparkType::Struct(_) => provider != "csv",
        _ => true,
    };
    if held {
        return Ok(());
    }
    let message =
        format!("{provider} files do not hold the column `{name}` of type \"{}\": choose another type or format", data_type.sql());
    Err(error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message)
        .with_parameter("columnName", format!("`{name}`"))
        .with_parameter("format", provider.to_uppercase()))
}

/// The columns of files that are there.
async fn inferred(
    cx: &Context<'_>,
    provider: &str,
    location: &str,
    options: &BTreeMap<String, String>,
    id: &TableId,
) -> Result<Vec<ColumnRecord>> {
    let format = Format::parse(provider)?;
    if format == Format::Delta {
        if DeltaTable::exists(location).await? {
            // The log knows them.
            return Ok(Vec::new());
        }
        return Err(error("UNABLE_TO_INFER_SCHEMA", format!("{}: there is no Delta table at {location}: name the columns", id.shown())));
    }
    if !Path::new(location).exists() {
        return Err(error("UNABLE_TO_INFER_SCHEMA", format!("{}: there are no files at {location}: name the columns", id.shown())));
    }
    let provider =
        PathTable { format, path: location.to_owned(), version: Version::Latest, options: options.clone() }.open(cx.session).await?;
    Ok(provider.schema().fields().iter().map(|field| ColumnRecord::of(&from_field(field))).collect())
}

/// Makes the table's data: a Delta table, or files with the query's rows.
async fn fill(cx: &Context<'_>, record: &TableRecord, query: Option<&Relation>) -> Result<()> {
    if record.is_delta() {
        if !DeltaTable::exists(&record.location).await? {
            let fields: Vec<StructField> = record.fields()?;
            let schema = Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>()));
            let options = TableOptions {
                partition_by: record.partition_columns.clone(),
                properties: record.properties.clone(),
                description: record.comment.clone(),
                ..TableOptions::default()
            };
            if query.is_none() {
                DeltaTable::create(&record.location, schema, options).await?;
                return Ok(());
            }
            let rows = super::insert::positional(cx, record, &fields, query).await?;
            let Some(rows) = rows else { return Ok(()) };
            let batches = rows.collect().await?;
            let first = tidemill_lakehouse::FirstRows { batches, mode: "ErrorIfExists", txn: None };
            return match DeltaTable::create_with_rows(&record.location, schema, first, options).await? {
                Some(_) => Ok(()),
                None => Err(taken(&format!("delta.`{}`", record.location))),
            };
        }
        if query.is_some() {
            return Err(taken(&format!("delta.`{}`", record.location)));
        }
        return same_as_log(record).await;
    }
    if !Path::new(&record.location).is_file() {
        std::fs::create_dir_all(&record.location).map_err(|e| Error::io_at(&record.location, e))?;
    }
    let fields = record.fields()?;
    if let Some(rows) = super::insert::positional(cx, record, &fields, query).await? {
        let files = crate::scan::TableFiles::of(record)?;
        if record.external && !files.files()?.is_empty() {
            let message = format!("{} holds files already: CREATE TABLE … AS writes to an empty folder", record.location);
            return Err(error("LOCATION_ALREADY_EXISTS", message));
        }
        crate::io::save_table(&rows, &files, crate::io::Mode::Append, crate::io::Replace::ByMode).await?;
    }
    Ok(())
}

/// Refuses a declaration that is not what the log of the Delta table at the place says; none at all is the log's.
async fn same_as_log(record: &TableRecord) -> Result<()> {
    if record.columns.is_empty() {
        return Ok(());
    }
    let snapshot = DeltaTable::open(&record.location).await?.snapshot().await?;
    let log: Vec<StructField> = snapshot.schema().fields().iter().map(|field| from_field(field)).collect();
    let declared = record.fields()?;
    let said = |fields: &[StructField]| {
        let one = |f: &StructField| {
            format!("{} {}", f.name, tidemill_spark::types::lattice::without_char_varchar(&super::context::relaxed(&f.data_type)).sql())
        };
        fields.iter().map(one).collect::<Vec<_>>()
    };
    // The catalog keeps the partitions' columns last.
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    if sorted(said(&declared)) != sorted(said(&log)) {
        let (declared, log) = (said(&declared).join(", "), said(&log).join(", "));
        let message = format!(
            "the Delta table at {} has the columns ({log}), and the statement says ({declared}): say the same, or leave the columns out",
            record.location
        );
        return Err(error("DELTA_CREATE_TABLE_SCHEME_MISMATCH", message));
    }
    if record.partition_columns != snapshot.partition_columns() {
        let message = format!(
            "the Delta table at {} is partitioned by ({}), and the statement says ({}): say the same, or leave the columns out",
            record.location,
            snapshot.partition_columns().join(", "),
            record.partition_columns.join(", ")
        );
        return Err(error("DELTA_CREATE_TABLE_WITH_DIFFERENT_PARTITIONING", message));
    }
    Ok(())
}

/// CREATE TABLE a LIKE b.
pub(super) async fn like(
    cx: &Context<'_>,
    name: &TableName,
    source: &TableName,
    spec: &TableSpec,
    if_not_exists: bool,
) -> Result<DataFrame> {
    let (parts, from) = (cx.parts(name)?, cx.parts(source)?);
    let id = cx.id(&parts)?;
    cx.catalog().need_database(&id.database).await?;
    if cx.catalog().entry(&id).await?.is_some() {
        return if if_not_exists { rows::nothing(cx) } else { Err(crate::catalog::exists(&id)) };
    }
    let (fields, mut partition_columns, provider_of, options) = match cx.catalog().find(&from, &cx.settings).await? {
        Found::Temp(view) => (view.columns, Vec::new(), None, BTreeMap::new()),
        Found::Entry(entry) => match *entry {
            Entry::Table(table) => {
                let fields = open::table_fields(&table).await?;
                (fields, table.partition_columns, Some(table.provider), table.options)
            }
            Entry::View(view) => (view.columns.iter().map(ColumnRecord::field).collect::<Result<_>>()?, Vec::new(), None, BTreeMap::new()),
        },
        Found::Missing => return Err(cx.catalog().not_found(&from, &cx.settings).await),
    };
    let provider = match (&spec.provider, provider_of) {
        (Some(given), _) => cx.provider(Some(given))?,
        (None, Some(of_source)) => of_source,
        (None, None) => cx.provider(None)?,
    };
    let location = spec.location.clone().or_else(|| option(&spec.options, "path"));
    let external = location.is_some();
    let location = match location {
        Some(path) => cx.location_in(&path, &id.database).await?,
        None => cx.catalog().table_folder(&id).await?.display().to_string(),
    };
    let mut columns: Vec<ColumnRecord> = fields.iter().map(ColumnRecord::of).collect();
    columns.sort_by_key(|column| partition_columns.iter().position(|name| *name == column.name).map_or(0, |place| place + 1));
    partition_columns.retain(|name| columns.iter().any(|column| column.name == *name));
    let record = TableRecord {
        database: id.database.clone(),
        name: id.name.clone(),
        provider,
        columns,
        partition_columns,
        location,
        external,
        options: if spec.options.is_empty() { options } else { spec.options.clone() },
        properties: spec.properties.clone(),
        comment: spec.comment.clone(),
        created_ms: now_ms(),
        owner: cx.settings.user.clone(),
        moved_from: None,
    };
    make(cx, &id, record, None, if_not_exists).await?;
    rows::nothing(cx)
}
