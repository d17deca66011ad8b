//! `session.read()`: a format, options, perhaps a schema, and paths become a DataFrame. Rows are not read yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig};
use tidemill_planner::ident::did_you_mean;
use tidemill_planner::options::{OptionSpec, Options};

use super::files::{data_files, listing_url};
use crate::{DataFrame, Error, Result, Session};

const FORMATS: [&str; 4] = ["delta", "parquet", "json", "csv"];
const CSV: &[OptionSpec] = &[
    OptionSpec { name: "header", default: "false", doc: "Whether the first line names the columns." },
    OptionSpec { name: "sep", default: ",", doc: "The character between values." },
];

/// Collects what to read.
#[derive(Debug, Clone)]
pub struct DataFrameReader {
    session: Session,
    format: String,
    options: BTreeMap<String, String>,
    schema: Option<SchemaRef>,
}

impl DataFrameReader {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, format: "delta".to_owned(), options: BTreeMap::new(), schema: None }
    }

    /// The format: `delta` (the default), `parquet`, `json` or `csv`.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.format = format.to_lowercase();
        self
    }

    /// An option by Spark's name, matched without regard to case.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl ToString) -> Self {
        self.options.insert(name.to_owned(), value.to_string());
        self
    }

    /// The columns, in Spark's DDL: `"eventId STRING NOT NULL, dwellMs BIGINT"`.
    pub fn schema(mut self, ddl: &str) -> Result<Self> {
        self.schema = Some(crate::parse_schema(ddl)?);
        Ok(self)
    }

    /// The columns, as an Arrow schema.
    #[must_use]
    pub fn arrow_schema(mut self, schema: SchemaRef) -> Self {
        self.schema = Some(schema);
        self
    }

    /// A Delta table.
    pub async fn delta(self, path: &str) -> Result<DataFrame> {
        self.format("delta").load(path).await
    }

    /// Parquet files: a file, or a folder of them.
    pub async fn parquet(self, path: &str) -> Result<DataFrame> {
        self.format("parquet").load(path).await
    }

    /// Files of JSON lines: a file, or a folder of them.
    pub async fn json(self, path: &str) -> Result<DataFrame> {
        self.format("json").load(path).await
    }

    /// CSV files: a file, or a folder of them.
    pub async fn csv(self, path: &str) -> Result<DataFrame> {
        self.format("csv").load(path).await
    }

    /// What is at `path`, in the format set before.
    pub async fn load(self, path: &str) -> Result<DataFrame> {
        self.load_all([path]).await
    }

    /// What is at all of these paths, as one DataFrame.
    pub async fn load_all<'a>(self, paths: impl IntoIterator<Item = &'a str>) -> Result<DataFrame> {
        let paths: Vec<&str> = paths.into_iter().collect();
        let Some(first) = paths.first() else { return Err(Error::analysis("`load` needs a path")) };
        let name = first.trim_end_matches('/').rsplit('/').next().unwrap_or(first).to_owned();
        let table = self.table(&paths).await?;
        self.session.scan(&name, table)
    }

    async fn table(&self, paths: &[&str]) -> Result<Arc<dyn TableProvider>> {
        match self.format.as_str() {
            "parquet" => self.listing(paths, Arc::new(ParquetFormat::default()), &[]).await,
            "json" => self.listing(paths, Arc::new(JsonFormat::default()), &[]).await,
            "csv" => self.csv_table(paths).await,
            other => {
                let hint = did_you_mean(other, FORMATS);
                Err(Error::analysis(format!("unknown format `{other}`{hint} (known formats: {})", FORMATS.join(", "))))
            }
        }
    }

    async fn csv_table(&self, paths: &[&str]) -> Result<Arc<dyn TableProvider>> {
        let options = Options::check("csv files", CSV, &self.options)?;
        let header = match options.get("header").map(str::to_lowercase).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(Error::analysis(format!("option `header` must be `true` or `false`, not `{other}`"))),
        };
        let separator = options.get("sep").unwrap_or(",");
        let [separator] = separator.as_bytes() else {
            return Err(Error::analysis(format!("option `sep` must be one character, not `{separator}`")));
        };
        let format = CsvFormat::default().with_has_header(header).with_delimiter(*separator);
        self.listing(paths, Arc::new(format), CSV).await
    }

    async fn listing(&self, paths: &[&str], format: Arc<dyn FileFormat>, known: &[OptionSpec]) -> Result<Arc<dyn TableProvider>> {
        Options::check(&format!("{} files", self.format), known, &self.options)?;
        let mut urls = Vec::new();
        for path in paths {
            for file in data_files(path)? {
                urls.push(listing_url(&file)?);
            }
        }
        let state = self.session.state();
        let options = ListingOptions::new(format).with_file_extension("");
        let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
        let config = match &self.schema {
            Some(schema) => config.with_schema(Arc::clone(schema)),
            None => config.infer_schema(state).await?,
        };
        Ok(Arc::new(ListingTable::try_new(config)?))
    }
}
