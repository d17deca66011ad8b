//! From a name to what the resolver needs: temporary views first, then the catalog's tables and views, then files by format and
//! path.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion::datasource::provider_as_source;
use tidemill_lakehouse::DeltaTable;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::resolve::{OpenedRelation, Resolved, Travel};
use tidemill_spark::types::{StructField, from_field, to_arrow};

use crate::catalog::{ColumnRecord, Entry, Found, TableRecord, TempView, ViewRecord, text};
use crate::scan::{Format, PathTable, TableFiles, Version, delta, file_options};
use crate::session::Session;
use tidemill_planner::Result;

/// A temporary view of rows that a program has described.
pub(crate) fn resolved_view(name: &str, resolved: Arc<Resolved>, global: bool) -> TempView {
    let columns = resolved.output.iter().map(|column| column.field.clone()).collect();
    TempView {
        name: name.to_owned(),
        global,
        opened: OpenedRelation::Resolved(resolved),
        columns,
        comment: None,
        properties: BTreeMap::new(),
    }
}

/// What a name stands for; `Missing` if for nothing.
///
/// # Errors
/// When a record or a table does not read, or a table without versions is asked for one.
pub(crate) async fn open(
    session: &Session,
    name: &[String],
    travel: Option<&Travel>,
    options: &BTreeMap<String, String>,
) -> Result<OpenedRelation> {
    let settings = session.spark_settings();
    open_with(session, name, travel, options, &settings).await
}

/// The same under given settings, as a view has them.
pub(crate) async fn open_with(
    session: &Session,
    name: &[String],
    travel: Option<&Travel>,
    options: &BTreeMap<String, String>,
    settings: &Settings,
) -> Result<OpenedRelation> {
    match session.objects().find(name, settings).await? {
        Found::Temp(view) => match travel {
            None => Ok(view.opened),
            Some(_) => Err(no_travel(&view.name)),
        },
        Found::Entry(entry) => match *entry {
            Entry::Table(table) => {
                fail::fail_point!("open::relation.found");
                let opened = open_table(&table, travel, options, settings).await;
                // A statement beside this one may have moved or replaced the data after its place was read.
                if !Path::new(&table.location).exists()
                    && !matches!(session.objects().find(name, settings).await?, Found::Entry(now) if *now == Entry::Table(table))
                {
                    return Box::pin(open_with(session, name, travel, options, settings)).await;
                }
                opened
            }
            Entry::View(view) => match travel {
                None => open_view(&view, settings),
                Some(_) => Err(no_travel(&view.name)),
            },
        },
        Found::Missing => match name {
            [format, path] if Format::parse(format).is_ok() && !path.is_empty() => {
                let format = Format::parse(format)?;
                let options = file_options::check(format, options)?;
                let provider = PathTable { format, path: path.clone(), version: version(travel)?, options }.open(session).await?;
                let columns = provider.schema().fields().iter().map(|field| from_field(field)).collect();
                Ok(OpenedRelation::Table { name: Vec::new(), source: provider_as_source(provider), columns })
            }
            _ => Ok(OpenedRelation::Missing),
        },
    }
}

fn no_travel(name: &str) -> tidemill_planner::Error {
    error("UNSUPPORTED_FEATURE.TIME_TRAVEL", format!("`{name}` has no versions: only Delta tables have"))
}

fn version(travel: Option<&Travel>) -> Result<Version> {
    match travel {
        None => Ok(Version::Latest),
        Some(Travel::Version(text)) => text.trim().parse().map(Version::Number).map_err(|_| {
            error("INVALID_TIME_TRAVEL_SPEC", format!("`{text}` is no version: name one by its number, as in VERSION AS OF 3"))
        }),
        Some(Travel::Timestamp(micros)) => Ok(Version::Timestamp(micros.div_euclid(1000))),
    }
}

/// The columns of a Delta table: its log's, with what the catalog knows of them besides.
pub(crate) async fn delta_fields(table: &TableRecord) -> Result<Vec<StructField>> {
    let schema = delta(&table.location, &Version::Latest).await?.schema();
    let declared = table.fields()?;
    Ok(schema
        .fields()
        .iter()
        .map(|field| {
            let mut made = from_field(field);
            if let Some(known) = declared.iter().find(|known| known.name.eq_ignore_ascii_case(&made.name)) {
                // The catalog may know more of a type, as a char's length; which type it is the log says.
                if to_arrow(&known.data_type) == *field.data_type() {
                    made.data_type = known.data_type.clone();
                }
                for (key, value) in &known.metadata {
                    made.metadata.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            made
        })
        .collect())
}

/// A table's record, of a Delta table with the partitions' columns that its log has.
///
/// # Errors
/// When the log does not read.
pub(crate) async fn with_log(mut table: TableRecord) -> Result<TableRecord> {
    if table.is_delta() {
        let snapshot = DeltaTable::open(&table.location).await?.snapshot().await?;
        table.partition_columns = snapshot.partition_columns().to_vec();
    }
    Ok(table)
}

/// The columns of a table.
pub(crate) async fn table_fields(table: &TableRecord) -> Result<Vec<StructField>> {
    if table.is_delta() { delta_fields(table).await } else { table.fields() }
}

async fn open_table(
    table: &TableRecord,
    travel: Option<&Travel>,
    options: &BTreeMap<String, String>,
    settings: &Settings,
) -> Result<OpenedRelation> {
    if table.is_delta() {
        let provider = delta(&table.location, &version(travel)?).await?;
        let columns = match travel {
            None => delta_fields(table).await?,
            Some(_) => provider.schema().fields().iter().map(|field| from_field(field)).collect(),
        };
        return Ok(OpenedRelation::Table { name: table.full_name(), source: provider_as_source(provider), columns });
    }
    if travel.is_some() {
        return Err(no_travel(&table.name));
    }
    let with_options;
    let table = if options.is_empty() {
        table
    } else {
        let mut changed = table.clone();
        changed.options.extend(options.clone());
        with_options = changed;
        &with_options
    };
    let provider = TableFiles::of(table)?.open(settings)?;
    Ok(OpenedRelation::Table { name: table.full_name(), source: provider_as_source(provider), columns: table.fields()? })
}

/// The settings under which a view's text has its meaning.
fn view_settings(view: &ViewRecord, now: &Settings) -> Result<Settings> {
    let mut settings = Settings::from_conf(view.conf.clone())?;
    settings.current_catalog.clone_from(&now.current_catalog);
    settings.current_database.clone_from(&view.current_database);
    settings.user.clone_from(&now.user);
    // The zone is the reader's, as the moment is.
    settings.time_zone = now.time_zone;
    Ok(settings)
}

fn open_view(view: &ViewRecord, now: &Settings) -> Result<OpenedRelation> {
    let settings = view_settings(view, now)?;
    let relation = text::relation(&view.text, &settings).map_err(|e| e.context(format!("in the view `{}`", view.name)))?;
    let columns = view.columns.iter().map(ColumnRecord::field).collect::<Result<_>>()?;
    let query_columns = view.query_columns.clone();
    Ok(OpenedRelation::View { name: view.full_name(), relation, columns, query_columns, settings: Some(Arc::new(settings)) })
}
