//! `session.read_stream()`: a format, a schema, options and a directory become a DataFrame over a stream. Nothing is read
//! before a query starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tidemill_executor::files::FileFormat;
use tidemill_planner::scan::ScanTable;
use tidemill_planner::seam::StreamSource;
use tidemill_streaming::source::{FileStreamOptions, FileStreamSource, RateStream};

use crate::dataframe::DataFrame;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// Collects what to read as a stream.
#[derive(Debug, Clone)]
pub struct DataStreamReader {
    session: Session,
    format: String,
    name: Option<String>,
    options: BTreeMap<String, String>,
    schema: Option<SchemaRef>,
}

impl DataStreamReader {
    fn new(session: Session) -> Self {
        Self { session, format: "json".to_owned(), name: None, options: BTreeMap::new(), schema: None }
    }

    /// The format: files of `json` (the default) or `parquet`; `rate` makes rows by the clock, and has no directory.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.format = format.to_owned();
        self
    }

    /// The source's name: its identity across restarts. Without one it is derived from the directory's path.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// An option by Spark's name, such as `maxFilesPerTrigger`.
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
    ///
    /// # Errors
    /// `Analysis` when the text is no list of columns.
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

    /// The stream of the JSON-lines files that arrive in `dir`.
    ///
    /// # Errors
    /// Those of [`DataStreamReader::load`].
    pub fn json(self, dir: &str) -> Result<DataFrame> {
        self.format("json").load(dir)
    }

    /// The stream of the Parquet files that arrive in `dir`. A file is read whole or not at all: one that cannot be read is a
    /// dead letter (`StreamingQueryBuilder::with_dead_letters`), told of in a warning too, and the stream goes on.
    ///
    /// # Errors
    /// Those of [`DataStreamReader::load`].
    pub fn parquet(self, dir: &str) -> Result<DataFrame> {
        self.format("parquet").load(dir)
    }

    /// The stream of the files that arrive in `dir`.
    ///
    /// # Errors
    /// `Analysis` for an unknown format or option or a missing schema; `NotFound` when there is no such directory.
    pub fn load(self, dir: &str) -> Result<DataFrame> {
        let format = match self.format.to_lowercase().as_str() {
            "rate" => return self.rate(),
            "json" => FileFormat::Json,
            "parquet" => FileFormat::Parquet,
            "delta" => {
                return Err(Error::unsupported(
                    "a Delta table as a stream is not there yet: stream the files it is made from, or read its versions in batch",
                ));
            }
            "arrow" => {
                return Err(Error::unsupported(
                    "files of Arrow as a stream are not there yet: stream `json` or `parquet`, or read the files with `read()`",
                ));
            }
            other => return Err(Error::analysis(format!("unknown stream format `{other}`: it is `json`, `parquet` or `rate`"))),
        };
        let schema = self.schema.clone().ok_or_else(|| {
            Error::analysis("a stream needs its columns before the first file is there: give them with `schema(\"id BIGINT NOT NULL, …\")`")
        })?;
        crate::stores::refuse(dir, "a stream of files")?;
        let options = FileStreamOptions::parse(&self.options)?;
        let source = FileStreamSource::new(self.name.as_deref(), dir, format, schema, options)?;
        self.session.stream(Arc::new(source))
    }
}

impl DataStreamReader {
    fn rate(&self) -> Result<DataFrame> {
        if self.schema.is_some() {
            return Err(Error::analysis("the rate stream has columns of its own, `timestamp` and `value`: leave the schema out"));
        }
        self.session.stream(Arc::new(RateStream::new(self.name.as_deref(), &self.options)?))
    }
}

impl Session {
    /// Begins a read of a stream.
    pub fn read_stream(&self) -> DataStreamReader {
        DataStreamReader::new(self.clone())
    }

    /// A stream source of your own as a DataFrame.
    ///
    /// # Errors
    /// `Analysis` when its schema is none.
    pub fn stream(&self, source: Arc<dyn StreamSource>) -> Result<DataFrame> {
        Ok(self.dataframe(ScanTable::stream(source).into_plan()?))
    }
}
