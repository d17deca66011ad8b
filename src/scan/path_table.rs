//! A table named by format and path, perhaps at a version: what ``delta.`/data/t` VERSION AS OF 3`` and the reader both
//! mean. It gives a provider of rows and reads none.

use std::sync::Arc;

use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::LogicalPlan;
use futures::stream::{self, StreamExt, TryStreamExt};
use tidemill_lakehouse::DeltaTable;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::functions::CsvReader;
use tidemill_spark::types::{SparkType, StructField, field_of, from_field};

use super::arrow_layout;
use super::discover::{Found, Place, found_at};
use super::file_options::{self, FileOptions, is_on};
use super::file_table::{FileTable, Files, Reading};
use super::files::no_columns;
use super::format::{Format, Version};
use super::table_file::{FileAt, TableFile};
use super::text_files::{self, TextFormat, columns_of_csv};
use super::{parquet_columns, strict_json};
use crate::session::Session;
use crate::stores::refuse;
use tidemill_planner::{Error, Result};

/// Of so many files in a store the columns are asked for at once.
const FILES_AT_ONCE: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct PathTable {
    pub(crate) format: Format,
    pub(crate) path: String,
    pub(crate) version: Version,
    pub(crate) options: FileOptions,
}

/// Files at some paths as one table, of the columns given or of those that they have.
pub(crate) async fn files_at(
    session: &Session,
    format: Format,
    paths: &[&str],
    options: &FileOptions,
    schema: Option<SchemaRef>,
    listed_anew: bool,
) -> Result<Arc<dyn TableProvider>> {
    let settings = session.spark_settings();
    let (data, found) = columns_at(session, format, paths, options, schema).await?;
    let partitions: Fields = found.partitions.iter().map(field_of).collect();
    let files = if listed_anew {
        Files::At { places: Place::of_all(session, paths)?, base: base_of(session, options)?, settings: Arc::clone(&settings) }
    } else {
        Files::Listed(found.files)
    };
    let reading = reading(format, options, &data, &settings)?;
    Ok(Arc::new(FileTable::new(files, data, partitions, reading)))
}

/// The lines of JSON at some paths, as a scan of which those that do not fit can be had.
pub(crate) async fn json_at(session: &Session, paths: &[&str], options: &FileOptions, schema: Option<SchemaRef>) -> Result<LogicalPlan> {
    let declared = schema.clone();
    let (data, found) = columns_at(session, Format::Json, paths, options, schema).await?;
    let malformed = strict_json::malformed_lines(options, &data, &session.spark_settings())?;
    let is_local = Place::of_all(session, paths)?.iter().all(|place| matches!(place, Place::Local(_)));
    if found.partitions.is_empty() && is_local {
        return match declared {
            Some(schema) => strict_json::scan(paths, schema, malformed),
            None => strict_json::scan(&found.files.iter().filter_map(|file| file.path.to_str()).collect::<Vec<_>>(), data, malformed),
        };
    }
    let columns: Vec<_> = data.fields().iter().cloned().chain(found.partitions.iter().map(field_of)).collect();
    text_files::table(found.files, &TextFormat::Json(malformed), &data, &Arc::new(Schema::new(columns)))?.into_plan()
}

/// The columns in files at some paths, and the files with the columns that their folders stand for. What files say of a column that their
/// folders stand for is not read, as in Spark.
pub(crate) async fn columns_at(
    session: &Session,
    format: Format,
    paths: &[&str],
    options: &FileOptions,
    schema: Option<SchemaRef>,
) -> Result<(SchemaRef, Found)> {
    let settings = session.spark_settings();
    let (places, base) = (Place::of_all(session, paths)?, base_of(session, options)?);
    let found = found_at(&places, base.as_ref(), schema.as_deref(), &settings).await?;
    let in_files = |schema: &SchemaRef| {
        let kept = schema.fields().iter().filter(|field| !found.partitions.iter().any(|known| settings.same(&known.name, field.name())));
        Arc::new(Schema::new(kept.cloned().collect::<Vec<_>>()))
    };
    let files: Vec<FileAt> = found.files.iter().map(TableFile::at).collect();
    let data = match (format, schema.as_ref().map(in_files)) {
        (Format::Parquet | Format::Arrow | Format::Csv | Format::Json, None) if files.is_empty() => {
            return Err(no_columns(paths, format.name()));
        }
        (Format::Parquet, given) if !files.is_empty() => in_files(&of_files(files, given, parquet_columns::of_parquet).await?),
        (Format::Arrow, None) if !files.is_empty() => in_files(&of_files(files, None, arrow_layout::columns_of).await?),
        (Format::Arrow, given) if !files.is_empty() => in_files(&of_files(files, given, arrow_layout::sparks_columns_of).await?),
        (_, Some(given)) => given,
        (Format::Csv, None) => in_files(&csv(files, options, Arc::clone(&settings)).await?),
        (Format::Json, None) => in_files(&strict_json::infer(files, options, &settings).await?),
        (Format::Text, None) => Arc::new(Schema::new(vec![field_of(&StructField::new("value", SparkType::String))])),
        (Format::Parquet | Format::Arrow | Format::Delta, None) => return Err(Error::internal("a Delta table is not read as plain files")),
    };
    Ok((data, found))
}

/// The folder below which folders stand for columns, if one is named.
fn base_of(session: &Session, options: &FileOptions) -> Result<Option<Place>> {
    file_options::get(options, "basePath").map(|path| Place::of(session, path)).transpose()
}

/// How files of a format are read as these columns.
pub(super) fn reading(format: Format, options: &FileOptions, columns: &SchemaRef, settings: &Settings) -> Result<Reading> {
    Ok(match format {
        Format::Parquet => Reading::Parquet(Arc::default()),
        Format::Arrow => Reading::Arrow,
        Format::Json => Reading::Text(TextFormat::Json(strict_json::malformed_lines(options, columns, settings)?)),
        Format::Csv => {
            let fields = columns.fields().iter().map(|field| from_field(field)).collect();
            Reading::Text(TextFormat::Csv(Arc::new(CsvReader::new(options, fields, settings)?), is_on(options, "header")))
        }
        Format::Text => {
            check_text(columns)?;
            Reading::Text(TextFormat::Lines)
        }
        Format::Delta => return Err(Error::internal("a Delta table is not read as plain files")),
    })
}

/// Refuses columns that lines of text do not hold: there is one, of text.
///
/// # Errors
/// `UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE`, and `Analysis` for another number of columns.
pub(crate) fn check_text(columns: &Schema) -> Result<()> {
    let [field] = columns.fields().as_ref() else {
        let message =
            format!("files of text have one column of lines, not {}: select it, or join them by `concat_ws`", columns.fields().len());
        return Err(Error::analysis(message));
    };
    match from_field(field).data_type {
        SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => Ok(()),
        other => {
            let message = format!("files of text hold no {other}, and `{}` is one: cast it to a string", field.name());
            Err(error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message))
        }
    }
}

impl PathTable {
    /// The table's rows, with inferred columns where the files do not tell them.
    pub(crate) async fn open(&self, session: &Session) -> Result<Arc<dyn TableProvider>> {
        if self.format != Format::Delta && self.version != Version::Latest {
            return Err(Error::analysis(format!("{}.`{}` has no versions: only Delta tables have", self.format.name(), self.path)));
        }
        let path = &[self.path.as_str()];
        match self.format {
            Format::Delta => delta(&self.path, &self.version).await,
            Format::Json => Ok(Arc::new(ViewTable::new(json_at(session, path, &self.options, None).await?, None))),
            format => files_at(session, format, path, &self.options, None, false).await,
        }
    }
}

/// A Delta table at a version.
pub(crate) async fn delta(path: &str, version: &Version) -> Result<Arc<dyn TableProvider>> {
    refuse(path, "a Delta table")?;
    let table = DeltaTable::open(path).await?;
    let snapshot = match version {
        Version::Latest => table.snapshot().await?,
        Version::Number(version) => table.snapshot_at(*version).await?,
        Version::Timestamp(ms) => table.snapshot_at_timestamp(*ms).await?,
    };
    Ok(snapshot.table_provider())
}

/// The columns of files that know their own: of all of them, unless they are given.
async fn of_files(files: Vec<FileAt>, schema: Option<SchemaRef>, read: fn(&FileAt) -> Result<SchemaRef>) -> Result<SchemaRef> {
    let early = |e: tokio::task::JoinError| Error::internal(format!("reading the files' columns ended early: {e}"));
    if files.iter().all(|file| file.object.is_none()) {
        return tokio::task::spawn_blocking(move || parquet_columns::columns(&files, schema, read)).await.map_err(early)?;
    }
    // A store answers late, and many questions at once.
    let asked: Vec<FileAt> = files.iter().filter(|file| !file.is_empty()).cloned().collect();
    let told = stream::iter(asked).map(move |file| async move { tokio::task::spawn_blocking(move || read(&file)).await.map_err(early)? });
    let mut told = told.buffered(FILES_AT_ONCE).try_collect::<Vec<SchemaRef>>().await?.into_iter();
    parquet_columns::columns(&files, schema, |file| told.next().map_or_else(|| read(file), Ok))
}

/// The columns of CSV files.
async fn csv(files: Vec<FileAt>, options: &FileOptions, settings: Arc<Settings>) -> Result<SchemaRef> {
    let (options, shown) = (options.clone(), files.first().map(FileAt::to_string).unwrap_or_default());
    let found = tokio::task::spawn_blocking(move || columns_of_csv(&files, &options, &settings));
    let fields = found.await.map_err(|e| Error::internal(format!("finding columns ended early: {e}")))??;
    if fields.is_empty() {
        return Err(Error::data(format!(
            "{shown}: no line of the files holds a record, so that there are no columns: give them as a schema"
        )));
    }
    Ok(Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>())))
}
