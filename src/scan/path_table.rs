//! A table named by format and path, perhaps at a version: what ``delta.`/data/t` VERSION AS OF 3`` and the reader both
//! mean. It gives a provider of rows and reads none.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use tidemill_lakehouse::DeltaTable;
use tidemill_spark::Settings;
use tidemill_spark::functions::CsvReader;
use tidemill_spark::types::{field_of, from_field};

use super::file_options::{FileOptions, is_on};
use super::file_table::{FileTable, Files, Reading};
use super::files::data_files;
use super::format::{Format, Version};
use super::table_file::TableFile;
use super::text_files::{TextFormat, columns_of_csv};
use super::{parquet_columns, strict_json};
use crate::session::Session;
use tidemill_planner::{Error, Result};

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
    let mut found = Vec::new();
    for path in paths {
        found.extend(data_files(path)?);
    }
    let settings = session.spark_settings();
    let columns = match (format, schema) {
        (Format::Parquet, schema) => parquet(found.clone(), schema).await?,
        (_, Some(schema)) => schema,
        (Format::Csv, None) => csv(found.clone(), options, Arc::clone(&settings)).await?,
        (Format::Json, None) => strict_json::infer(found.clone()).await?,
        (Format::Delta, None) => return Err(Error::internal("a Delta table is not read as plain files")),
    };
    let files = if listed_anew {
        Files::At(paths.iter().map(|path| (*path).to_owned()).collect())
    } else {
        Files::Listed(found.into_iter().map(|path| TableFile { path, values: Vec::new() }).collect())
    };
    let reading = reading(format, options, &columns, &settings)?;
    Ok(Arc::new(FileTable::new(files, columns, Fields::empty(), reading)))
}

/// How files of a format are read as these columns.
pub(super) fn reading(format: Format, options: &FileOptions, columns: &SchemaRef, settings: &Settings) -> Result<Reading> {
    Ok(match format {
        Format::Parquet => Reading::Parquet(Arc::default()),
        Format::Json => Reading::Text(TextFormat::Json),
        Format::Csv => {
            let fields = columns.fields().iter().map(|field| from_field(field)).collect();
            Reading::Text(TextFormat::Csv(Arc::new(CsvReader::new(options, fields, settings)?), is_on(options, "header")))
        }
        Format::Delta => return Err(Error::internal("a Delta table is not read as plain files")),
    })
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
            Format::Json => {
                let rows = strict_json::infer_and_scan(path).await?;
                Ok(Arc::new(ViewTable::new(rows, None)))
            }
            format => files_at(session, format, path, &self.options, None, false).await,
        }
    }
}

/// A Delta table at a version.
pub(crate) async fn delta(path: &str, version: &Version) -> Result<Arc<dyn TableProvider>> {
    let table = DeltaTable::open(path).await?;
    let snapshot = match version {
        Version::Latest => table.snapshot().await?,
        Version::Number(version) => table.snapshot_at(*version).await?,
        Version::Timestamp(ms) => table.snapshot_at_timestamp(*ms).await?,
    };
    Ok(snapshot.table_provider())
}

/// The columns of Parquet files: of all of them, unless they are given.
pub(crate) async fn parquet(files: Vec<PathBuf>, schema: Option<SchemaRef>) -> Result<SchemaRef> {
    let columns = tokio::task::spawn_blocking(move || parquet_columns::columns(&files, schema)).await;
    columns.map_err(|e| Error::internal(format!("reading footers ended early: {e}")))?
}

/// The columns of CSV files.
async fn csv(files: Vec<PathBuf>, options: &FileOptions, settings: Arc<Settings>) -> Result<SchemaRef> {
    let (options, shown) = (options.clone(), files.first().map(|file| file.display().to_string()).unwrap_or_default());
    let found = tokio::task::spawn_blocking(move || columns_of_csv(&files, &options, &settings));
    let fields = found.await.map_err(|e| Error::internal(format!("finding columns ended early: {e}")))??;
    if fields.is_empty() {
        return Err(Error::data(format!(
            "{shown}: no line of the files holds a record, so that there are no columns: give them as a schema"
        )));
    }
    Ok(Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>())))
}
