//! `df.write()`: a format, a mode and options, then `save(path)` runs the query and keeps its rows: in a Delta table by
//! `delta_writer.rs`, in plain files by `file_writer.rs`.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use tidemill_lakehouse::{DeltaTable, TableOptions, Txn};
use tidemill_planner::logical::without_event_time;
use tidemill_planner::options::{OptionSpec, Options};

use super::delta_writer::DeltaRows;
use super::file_writer;
use super::mode::{Mode, there_is_something};
use crate::dataframe::DataFrame;
use crate::scan::Format;
use crate::scan::file_options::{self, ROWS_PER_FILE};
use crate::stores::refuse;
use tidemill_planner::{Error, Result};

const DELTA: &[OptionSpec] = &[
    OptionSpec { name: "txnAppId", default: "", doc: "With `txnVersion`: who writes, so that a repeated write is written once." },
    OptionSpec { name: "txnVersion", default: "", doc: "With `txnAppId`: the writer's own growing number." },
    ROWS_PER_FILE,
];

/// Collects how to write.
#[derive(Debug, Clone)]
pub struct DataFrameWriter {
    pub(crate) frame: DataFrame,
    /// None where the program has said none.
    pub(crate) format: Option<String>,
    pub(crate) mode: String,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) partition_by: Vec<String>,
}

impl DataFrame {
    /// Writes these rows to files or a Delta table.
    pub fn write(&self) -> DataFrameWriter {
        DataFrameWriter { frame: self.clone(), format: None, mode: "error".to_owned(), options: BTreeMap::new(), partition_by: Vec::new() }
    }
}

impl DataFrameWriter {
    /// The format: `delta`, `parquet`, `json`, `csv`, `text` or `arrow` (Arrow's IPC files). Without it a path is a Delta table, and a table
    /// of the catalog is of the format that `spark.sql.sources.default` says, as in SQL.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.format = Some(format.to_owned());
        self
    }

    /// What happens when there is something already: `error` (the default), `append`, `overwrite` or `ignore`.
    #[must_use]
    pub fn mode(mut self, mode: &str) -> Self {
        self.mode = mode.to_owned();
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
        options.into_iter().fold(self, |writer, (name, value)| writer.option(name, value))
    }

    /// Writes Parquet files.
    ///
    /// # Errors
    /// Those of [`DataFrameWriter::save`].
    pub async fn parquet(self, path: &str) -> Result<()> {
        self.format("parquet").save(path).await
    }

    /// Writes files of JSON lines.
    ///
    /// # Errors
    /// Those of [`DataFrameWriter::save`].
    pub async fn json(self, path: &str) -> Result<()> {
        self.format("json").save(path).await
    }

    /// Writes CSV files.
    ///
    /// # Errors
    /// Those of [`DataFrameWriter::save`].
    pub async fn csv(self, path: &str) -> Result<()> {
        self.format("csv").save(path).await
    }

    /// Writes files of lines: there is one column, of text.
    ///
    /// # Errors
    /// Those of [`DataFrameWriter::save`].
    pub async fn text(self, path: &str) -> Result<()> {
        self.format("text").save(path).await
    }

    /// The columns by which the rows are cut into folders `a=1`; of a Delta table, when it is new.
    #[must_use]
    pub fn partition_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.partition_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Runs the query and writes its rows to `path`, all of them or none: after a kill, what was there before or what is new, never
    /// neither. Of several writers at once each waits for the one before, and an overwrite replaces what that has left.
    ///
    /// Plain files may go to an object store (`s3://bucket/…`, `abfss://…`, `gs://…`): no object is seen before all rows are there, then one
    /// after the other is. Writers do not wait for each other there, and a kill in between leaves some of the new objects, or all of them
    /// beside those that they replace.
    ///
    /// # Errors
    /// `Analysis` when there is something at the path and the mode is `error`; `OutcomeUnknown` when the rows of a Delta table are
    /// there, or may be, and may not survive a power cut: with `txnAppId` and `txnVersion` the same write again is safe.
    pub async fn save(&self, path: &str) -> Result<()> {
        let mode = Mode::parse(&self.mode)?;
        let format = self.format.as_deref().map_or(Ok(Format::Delta), Format::parse)?;
        let saved = if format == Format::Delta {
            self.save_delta(path, mode).await
        } else {
            let options = file_options::check(format, &self.options)?;
            file_writer::save(&self.frame, path, format, mode, options, &self.partition_by).await
        };
        self.frame.session().kept().tables_have_changed();
        saved
    }

    async fn save_delta(&self, path: &str, mode: Mode) -> Result<()> {
        refuse(path, "a Delta table")?;
        let options = Options::check("delta tables", DELTA, &self.options)?;
        let txn = match (options.get("txnAppId"), options.get("txnVersion")) {
            (None, None) => None,
            (Some(app_id), Some(version)) => {
                let number = version.trim().parse();
                let version =
                    number.map_err(|_| Error::analysis(format!("option `txnVersion` must be a whole number, not `{version}`")))?;
                Some(Txn::new(app_id, version))
            }
            _ => return Err(Error::analysis("`txnAppId` and `txnVersion` go together: give both")),
        };
        // Where these modes find a table, the query need not run.
        if matches!(mode, Mode::Error | Mode::Ignore) && DeltaTable::exists(path).await? {
            return if mode == Mode::Error { Err(there_is_something(path)) } else { Ok(()) };
        }
        let rows = DeltaRows::of(&self.frame, path, &self.options, txn).await?;
        let options = TableOptions { partition_by: self.partition_by.clone(), ..TableOptions::default() };
        if rows.create(&table_schema(&self.frame)?, mode.in_history(), options).await? {
            return Ok(());
        }
        // There is a table, made perhaps while the query ran.
        match mode {
            Mode::Error => Err(there_is_something(path)),
            Mode::Ignore => Ok(()),
            Mode::Append => rows.append().await,
            Mode::Overwrite => rows.overwrite().await,
        }
    }
}

/// The columns that a new table gets: those of the rows, without what only this query knows about them.
fn table_schema(frame: &DataFrame) -> Result<SchemaRef> {
    Ok(without_event_time(frame.schema()?.as_ref()))
}
