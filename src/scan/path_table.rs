//! A table named by format and path, perhaps at a version: what ``delta.`/data/t` VERSION AS OF 3`` and the reader both
//! mean. It gives a provider of rows and reads none.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig};
use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{TableType, ViewTable};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use tidemill_executor::files::read_by_our_rules;
use tidemill_lakehouse::DeltaTable;
use tidemill_planner::ident::did_you_mean;

use super::files::{data_files, listing_url};
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
            Format::Parquet => parquet(session, path, None).await,
            Format::Json => {
                let rows = strict_json::infer_and_scan(path).await?;
                Ok(Arc::new(ViewTable::new(rows, None)))
            }
            Format::Csv => listing(session, path, Arc::new(CsvFormat::default().with_has_header(false)), None).await,
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

/// Parquet files as one table, of the columns of all of them unless they are given.
pub(crate) async fn parquet(session: &Session, paths: &[&str], schema: Option<SchemaRef>) -> Result<Arc<dyn TableProvider>> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(data_files(path)?);
    }
    let columns = tokio::task::spawn_blocking(move || parquet_columns::columns(&files, schema)).await;
    let columns = columns.map_err(|e| Error::internal(format!("reading footers ended early: {e}")))??;
    let files = listing(session, paths, Arc::new(ParquetFormat::default()), Some(columns)).await?;
    Ok(Arc::new(ParquetFiles { files }))
}

/// Parquet files, read as they are read everywhere.
#[derive(Debug)]
struct ParquetFiles {
    files: Arc<dyn TableProvider>,
}

#[async_trait]
impl TableProvider for ParquetFiles {
    fn schema(&self) -> SchemaRef {
        self.files.schema()
    }

    fn table_type(&self) -> TableType {
        self.files.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        self.files.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn EngineSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let plan = self.files.scan(state, projection, filters, limit).await?;
        let scan = plan.downcast_ref::<DataSourceExec>().and_then(|scan| scan.downcast_to_file_source::<ParquetSource>());
        let Some((scan, _)) = scan else { return Ok(plan) };
        let store = state.runtime_env().object_store(&scan.object_store_url)?;
        Ok(DataSourceExec::from_data_source(read_by_our_rules(scan.clone(), store)))
    }
}

/// The files at some paths as one table.
pub(crate) async fn listing(
    session: &Session,
    paths: &[&str],
    format: Arc<dyn FileFormat>,
    schema: Option<SchemaRef>,
) -> Result<Arc<dyn TableProvider>> {
    let mut urls = Vec::new();
    for path in paths {
        for file in data_files(path)? {
            urls.push(listing_url(&file)?);
        }
    }
    let options = ListingOptions::new(format).with_file_extension("");
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
    let config = match schema {
        Some(schema) => config.with_schema(schema),
        None => config.infer_schema(session.state()).await?,
    };
    Ok(Arc::new(ListingTable::try_new(config)?))
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
