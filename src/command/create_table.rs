//! CREATE TABLE, REPLACE TABLE, with AS a query or LIKE another table.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::datatypes::Schema;
use tidemill_lakehouse::DeltaTable;
use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, Relation, TableName, TableSpec};
use tidemill_spark::types::{SparkType, StructField, field_of, from_field};

use super::fill::{Over, fill, taken};
use super::place::{aside, beside, vacant};
use super::{Context, columns, rows};
use crate::ErrorKind;
use crate::catalog::{ColumnRecord, Entry, Found, GLOBAL_TEMP, TableId, TableRecord, now_ms, shown};
use crate::dataframe::DataFrame;
use crate::open;
use crate::scan::{Format, check_text, columns_at, file_options, partition};
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
        if spec.provider.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case("delta")) {
            let message = format!("{} is a Delta table by its path: leave USING of another format out", shown(&parts));
            return Err(error("INVALID_STATEMENT_OR_CLAUSE", message));
        }
        let spec = TableSpec { provider: Some("delta".to_owned()), ..TableSpec::clone(spec) };
        let place = cx.location(path)?;
        let record =
            described(cx, &TableId { database: String::new(), name: path.clone() }, &spec, query.as_ref(), true, Some(&place)).await?;
        let over = if *or_replace || *replace_only { Over::Table } else { Over::Nothing };
        match DeltaTable::exists(&record.location).await? {
            true if *if_not_exists => return rows::nothing(cx),
            true if over == Over::Nothing => return Err(taken(&shown(&parts))),
            false if *replace_only => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
            _ => {}
        }
        fill(cx, &record, query.as_ref(), over).await?;
        return rows::nothing(cx);
    }
    let id = cx.id(&parts)?;
    if id.database == GLOBAL_TEMP {
        return Err(error("SCHEMA_NOT_FOUND", format!("`{GLOBAL_TEMP}` holds temporary views only: say CREATE GLOBAL TEMPORARY VIEW")));
    }
    let replaces = *or_replace || *replace_only;
    if !replaces && cx.catalog().entry(&id).await?.is_some() {
        return if *if_not_exists { rows::nothing(cx) } else { Err(crate::catalog::exists(&id)) };
    }
    let _alone = cx.catalog().lock_to_make(&[&id]).await?;
    let there = match cx.catalog().entry(&id).await {
        // What a damaged record stands for is replaced as well.
        Err(damage) if replaces && damage.kind() == ErrorKind::Corrupt => There::Damaged,
        found => match found? {
            Some(_) if *if_not_exists => return rows::nothing(cx),
            Some(_) if !replaces => return Err(crate::catalog::exists(&id)),
            Some(Entry::View(_)) => {
                return Err(error("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", format!("{} is a view: drop it first", id.shown())));
            }
            None if *replace_only => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
            Some(Entry::Table(old)) => There::Table(Box::new(old)),
            None => There::Nothing,
        },
    };
    let location = spec.location.clone().or_else(|| option(&spec.options, "path"));
    let external = location.is_some();
    if *said_external && !external {
        return Err(error("INVALID_STATEMENT_OR_CLAUSE", "CREATE EXTERNAL TABLE needs LOCATION 'path': add it, or leave EXTERNAL out"));
    }
    let record = described(cx, &id, spec, query.as_ref(), external, location.as_deref()).await?;
    make(cx, &id, record, query.as_ref(), there, replaces).await?;
    rows::nothing(cx)
}

/// What has the new table's name before it.
enum There {
    Nothing,
    Table(Box<TableRecord>),
    /// A record that does not read.
    Damaged,
}

/// Makes a table and its data, in the place of what is there. For who holds the name alone. A managed table's data is made aside, so
/// that an old table is whole until the record says otherwise, and a kill leaves nothing that the next one does not find.
async fn make(
    cx: &Context<'_>,
    id: &TableId,
    mut record: TableRecord,
    query: Option<&Relation>,
    there: There,
    replaces: bool,
) -> Result<()> {
    if record.external {
        let over = match &there {
            _ if replaces && record.is_delta() => Over::Table,
            There::Table(old) if old.location == record.location => Over::Files,
            _ => Over::Nothing,
        };
        fill(cx, &record, query, over).await?;
        fail::fail_point!("command::create.filled", |_| std::process::abort());
        return put(cx, id, record, there).await;
    }
    record.location = match there {
        There::Nothing => vacant(cx, id, record.location).await?,
        There::Table(_) | There::Damaged => beside(&record.location),
    };
    let aside = aside(cx, id).await?;
    let outcome = async {
        fill(cx, &TableRecord { location: aside.clone(), ..record.clone() }, query, Over::Nothing).await?;
        fail::fail_point!("command::create.filled", |_| std::process::abort());
        put(cx, id, TableRecord { moved_from: Some(aside.clone()), ..record }, there).await
    };
    let outcome = outcome.await;
    if outcome.as_ref().is_err_and(|error| error.kind() != ErrorKind::OutcomeUnknown) && !cx.catalog().is_at(id, &aside).await {
        // What was written for a table that did not come to be is nobody's.
        let _ = std::fs::remove_dir_all(&aside);
    }
    outcome
}

/// Puts the record of a table whose data is made.
async fn put(cx: &Context<'_>, id: &TableId, record: TableRecord, there: There) -> Result<()> {
    let leftover = match there {
        There::Nothing => {
            cx.catalog().create(id, &Entry::Table(record), false).await?;
            fail::fail_point!("command::create.put", |_| std::process::abort());
            return cx.catalog().settle(id).await;
        }
        There::Damaged => Vec::new(),
        There::Table(old) => old.own_folders().into_iter().filter(|folder| *folder != record.location).collect(),
    };
    cx.catalog().replace(id, &Entry::Table(record), leftover).await?;
    fail::fail_point!("command::create.put", |_| std::process::abort());
    cx.catalog().settle(id).await
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
        let found;
        (columns, found) = inferred(cx, &provider, &location, &spec.options, id).await?;
        if partition_columns.is_empty() {
            partition_columns = found;
        }
    }
    columns::distinct(cx, columns.iter().map(|column| column.name.as_str()))?;
    // Columns of partitions come last, in the order in which they are named, and are spelled as the columns are.
    let field = |column: &ColumnRecord| Ok(StructField::new(column.name.clone(), column.spark_type()?));
    let (mut columns, last) = partition::split(columns, &partition_columns, field, &cx.settings)?;
    let partition_columns: Vec<String> = last.iter().map(|column| column.name.clone()).collect();
    if provider == "delta" {
        // Delta keeps the order of its columns.
        columns.extend(last);
    } else {
        if provider == "text" {
            let kept = columns.iter().map(|column| Ok(field_of(&field(column)?))).collect::<Result<Vec<_>>>()?;
            check_text(&Schema::new(kept))?;
        }
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
        made_folder: None,
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
) -> Result<(Vec<ColumnRecord>, Vec<String>)> {
    let format = Format::parse(provider)?;
    if format == Format::Delta {
        if DeltaTable::exists(location).await? {
            // The log knows them.
            return Ok((Vec::new(), Vec::new()));
        }
        return Err(error("UNABLE_TO_INFER_SCHEMA", format!("{}: there is no Delta table at {location}: name the columns", id.shown())));
    }
    if !Path::new(location).exists() {
        return Err(error("UNABLE_TO_INFER_SCHEMA", format!("{}: there are no files at {location}: name the columns", id.shown())));
    }
    let (data, found) = columns_at(cx.session, format, &[location], options, None).await?;
    let data = data.fields().iter().map(|field| from_field(field));
    let columns = data.chain(found.partitions.iter().cloned()).map(|field| ColumnRecord::of(&field)).collect();
    Ok((columns, found.partitions.into_iter().map(|field| field.name).collect()))
}

/// CREATE TABLE a LIKE b.
pub(super) async fn like(
    cx: &Context<'_>,
    name: &TableName,
    source: &TableName,
    spec: &TableSpec,
    if_not_exists: bool,
) -> Result<DataFrame> {
    refuse(spec)?;
    let (parts, from) = (cx.parts(name)?, cx.parts(source)?);
    let id = cx.id(&parts)?;
    let _alone = cx.catalog().lock_to_make(&[&id]).await?;
    if cx.catalog().entry(&id).await?.is_some() {
        return if if_not_exists { rows::nothing(cx) } else { Err(crate::catalog::exists(&id)) };
    }
    let mut defaults = Vec::new();
    let (fields, mut partition_columns, provider_of, options) = match cx.catalog().find(&from, &cx.settings).await? {
        Found::Temp(view) => (view.columns, Vec::new(), None, BTreeMap::new()),
        Found::Entry(entry) => match *entry {
            Entry::Table(table) => {
                let fields = open::table_fields(&table).await?;
                defaults.extend(table.columns.into_iter().filter_map(|column| Some((column.name, column.default?))));
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
    for (name, default) in defaults {
        columns
            .iter_mut()
            .filter(|column| column.name.eq_ignore_ascii_case(&name))
            .for_each(|column| column.default = Some(default.clone()));
    }
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
        made_folder: None,
    };
    let format = Format::parse(&record.provider)?;
    file_options::check_of_table(format, &record.options)?;
    for column in fields.iter().filter(|_| format != Format::Delta) {
        check_type(&record.provider, &column.name, &column.data_type)?;
    }
    make(cx, &id, record, None, There::Nothing, false).await?;
    rows::nothing(cx)
}
