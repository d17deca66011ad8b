//! A table named by format and path, perhaps at a version: what ``delta.`/data/t` VERSION AS OF 3`` and the reader both
//! mean. It gives a provider of rows and reads none.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use tidemill_lakehouse::DeltaTable;
use tidemill_planner::ident::did_you_mean;
use tidemill_spark::Settings;
use tidemill_spark::functions::{CsvReader, csv_columns};
use tidemill_spark::types::{field_of, from_field};

use super::file_options::{FileOptions, is_on};
use super::file_table::{FileTable, Files, Reading, TableFile};
use super::files::data_files;
use super::text_files::{TextFormat, beginnings};
use super::{parquet_columns, strict_json};
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// How the rows at a path are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    Delta,
    Parquet,
    Json,
    Csv,
}

const FORMATS: [(Format, &str); 4] = [(Format::Delta, "delta"), (Format::Parquet, "parquet"), (Format::Json, "json"), (Format::Csv, "csv")];

impl Format {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let found = FORMATS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(format, _)| *format);
        found.ok_or_else(|| {
            let names = FORMATS.map(|(_, known)| known);
            Error::analysis(format!("unknown format `{name}`{} (known formats: {})", did_you_mean(name, names), names.join(", ")))
        })
    }

    pub(crate) fn name(self) -> &'static str {
        FORMATS[self as usize].1
    }
}

/// Which state of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Version {
    /// As it is when the query is planned.
    #[default]
    Latest,
    Number(u64),
    /// As it was then, milliseconds since the Unix epoch.
    Timestamp(i64),
}

impl Version {
    /// The state at a time, given as text; UTC unless it says otherwise.
    pub(crate) fn at(text: &str) -> Result<Self> {
        let nanos = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text.trim())
            .map_err(|_| Error::analysis(format!("`{text}` is no time: write it like `2026-01-31 08:30:00` or `2026-01-31`")))?;
        Ok(Self::Timestamp(nanos.div_euclid(1_000_000)))
    }
}

/// What stands after a path in names: nothing, `@v3`, or `@` and the time.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => Ok(()),
            Self::Number(version) => write!(f, "@v{version}"),
            Self::Timestamp(ms) => write!(f, "@{ms}ms"),
        }
    }
}

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
    // Names need the first line, types all of them.
    let bytes = if is_on(options, "inferSchema") { u64::MAX } else { 1 << 20 };
    let (options, shown) = (options.clone(), files.first().map(|file| file.display().to_string()).unwrap_or_default());
    let found = tokio::task::spawn_blocking(move || {
        let texts = beginnings(&files, bytes)?;
        csv_columns(texts.iter().map(|text| text.lines()), &options, &settings)
    });
    let fields = found.await.map_err(|e| Error::internal(format!("finding columns ended early: {e}")))??;
    if fields.is_empty() {
        return Err(Error::data(format!(
            "{shown}: no line of the files holds a record, so that there are no columns: give them as a schema"
        )));
    }
    Ok(Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_times() {
        for (format, name) in FORMATS {
            assert_eq!(Format::parse(&name.to_uppercase()).unwrap(), format);
            assert_eq!(format.name(), name);
        }
        assert!(Format::parse("detla").unwrap_err().message().contains("did you mean `delta`?"));
        for (text, ms) in [
            ("1970-01-02", Some(86_400_000)),
            ("1970-01-01 00:00:01.5", Some(1_500)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("yesterday", None),
        ] {
            assert_eq!(Version::at(text).ok(), ms.map(Version::Timestamp), "{text}");
        }
    }
}
