//! `session.read()`: a format, options, perhaps a schema, and paths become a DataFrame. Rows are not read yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use tidemill_planner::options::{OptionSpec, Options};
use tidemill_spark::plan::{NamedTable, RelationKind, TableName};

use super::table::name_of;
use crate::dataframe::DataFrame;
use crate::held::Held;
use crate::scan::{Format, Version, delta, file_options, files_at, json_at};
use crate::session::Session;
use tidemill_planner::{Error, Result};

const DELTA: &[OptionSpec] = &[
    OptionSpec { name: "versionAsOf", default: "", doc: "The version to read, a whole number." },
    OptionSpec { name: "timestampAsOf", default: "", doc: "The time as of which to read, such as `2026-01-31 08:30:00` (UTC)." },
];
/// Collects what to read.
#[derive(Debug, Clone)]
pub struct DataFrameReader {
    session: Session,
    format: String,
    options: BTreeMap<String, String>,
    schema: Option<SchemaRef>,
}

impl Session {
    /// Reads files and tables as DataFrames.
    pub fn read(&self) -> DataFrameReader {
        DataFrameReader { session: self.clone(), format: "delta".to_owned(), options: BTreeMap::new(), schema: None }
    }
}

impl DataFrameReader {
    /// The format: `delta` (the default), `parquet`, `json`, `csv`, `text` or `arrow` (Arrow's IPC files).
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.format = format.to_owned();
        self
    }

    /// An option by Spark's name, matched without regard to case.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl ToString) -> Self {
        self.options.insert(name.to_owned(), value.to_string());
        self
    }

    /// Options by Spark's names.
    #[must_use]
    pub fn options<'a>(self, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        options.into_iter().fold(self, |this, (name, value)| this.option(name, value))
    }

    /// The columns, in Spark's DDL: `"eventId STRING NOT NULL, dwellMs BIGINT"`.
    pub fn schema(mut self, ddl: &str) -> Result<Self> {
        self.schema = Some(crate::ddl::parse_schema(ddl)?);
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

    /// Files of JSON lines: a file, or a folder of them. Without a schema the columns are inferred from all lines. A line that does
    /// not fit them is a row of its text where there is a column `_corrupt_record`; else it is left out of the rows with a warning
    /// and is found under [`DataFrame::malformed_rows`]. The option `mode` may drop it in either case, or make it an error.
    pub async fn json(self, path: &str) -> Result<DataFrame> {
        self.format("json").load(path).await
    }

    /// CSV files: a file, or a folder of them.
    pub async fn csv(self, path: &str) -> Result<DataFrame> {
        self.format("csv").load(path).await
    }

    /// Lines of text: a file, or a folder of them, as a column `value`.
    pub async fn text(self, path: &str) -> Result<DataFrame> {
        self.format("text").load(path).await
    }

    /// The table or view of that name, with the options given.
    ///
    /// # Errors
    /// A name that does not parse, and columns said by `schema`: a table knows its own.
    pub fn table(self, name: &str) -> Result<DataFrame> {
        if self.schema.is_some() {
            return Err(Error::analysis("a table knows its columns: leave out `schema`, and choose columns with `select`"));
        }
        let options = tidemill_spark::parse::ParseOptions::new(&self.session.spark_settings())?;
        let name = TableName::Parts(tidemill_spark::parse::parse_multipart_identifier(name, &options)?);
        let kind = RelationKind::NamedTable(NamedTable { name, temporal: None, options: self.options, is_streaming: false });
        Ok(DataFrame::new(self.session, kind, Held::default()))
    }

    /// What is at `path`, in the format set before.
    pub async fn load(self, path: &str) -> Result<DataFrame> {
        self.load_all([path]).await
    }

    /// What is at all of these paths, as one DataFrame.
    pub async fn load_all<'a>(self, paths: impl IntoIterator<Item = &'a str>) -> Result<DataFrame> {
        let paths: Vec<&str> = paths.into_iter().collect();
        let Some(first) = paths.first() else { return Err(Error::analysis("`load` needs a path")) };
        let format = Format::parse(&self.format)?;
        if format == Format::Delta {
            let table = self.delta_table(&paths).await?;
            return self.session.scan(name_of(first), table);
        }
        let options = file_options::check(format, &self.options)?;
        if format == Format::Json {
            return Ok(self.session.dataframe(json_at(&self.session, &paths, &options, self.schema.clone()).await?));
        }
        let table = files_at(&self.session, format, &paths, &options, self.schema.clone(), false).await?;
        self.session.scan(name_of(first), table)
    }

    /// What is at the path whenever the DataFrame is collected, as a temporary view over files has it.
    pub(crate) async fn load_anew(self, path: &str) -> Result<DataFrame> {
        let format = Format::parse(&self.format)?;
        if format == Format::Delta {
            return self.load(path).await;
        }
        let options = file_options::check(format, &self.options)?;
        let table = files_at(&self.session, format, &[path], &options, self.schema.clone(), true).await?;
        self.session.scan(name_of(path), table)
    }

    async fn delta_table(&self, paths: &[&str]) -> Result<Arc<dyn TableProvider>> {
        let options = Options::check("delta tables", DELTA, &self.options)?;
        if self.schema.is_some() {
            return Err(Error::analysis("a Delta table knows its columns: leave out `schema`, and choose columns with `select`"));
        }
        let [path] = paths else { return Err(Error::analysis("a Delta table has one path: read several and combine them with `union`")) };
        let version = match (options.get("versionAsOf"), options.get("timestampAsOf")) {
            (None, None) => Version::Latest,
            (Some(version), None) => Version::Number(
                version
                    .trim()
                    .parse()
                    .map_err(|_| Error::analysis(format!("option `versionAsOf` must be a version's number, not `{version}`")))?,
            ),
            (None, Some(time)) => Version::at(time)?,
            _ => return Err(Error::analysis("give `versionAsOf` or `timestampAsOf`, not both")),
        };
        delta(path, &version).await
    }
}
