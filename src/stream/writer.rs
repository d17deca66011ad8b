//! `df.write_stream()`: Spark's writer for a query with one sink.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use tidemill_lakehouse::SinkOptions;
use tidemill_planner::options::{OptionSpec, Options};
use tidemill_streaming::query::StreamingQuery;
use tidemill_streaming::sink::MemoryTable;

use super::table_place::table_place;
use super::{StreamSink, StreamingQueryBuilder, Trigger, memory_view};
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};

const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "checkpointLocation",
        default: "a temporary one for `console`, `memory` and functions",
        doc: "The directory of the query's log and state.",
    },
    OptionSpec { name: "numRows", default: "20", doc: "How many rows of an epoch `console` shows." },
    OptionSpec { name: "truncate", default: "false", doc: "Only `false`: `console` shows values whole." },
    OptionSpec {
        name: "maxInlineBytes",
        default: "1048576",
        doc: "Of a Delta table: the most bytes of a task's rows that the epoch's record holds; of more, data files are written while they are made.",
    },
    OptionSpec { name: "path", default: "", doc: "The table's path." },
    OptionSpec {
        name: "sinkName",
        default: "the table's own id",
        doc: "The sink's name: its identity across restarts, by which a table knows it.",
    },
];

/// Collects how a stream is written.
pub struct DataStreamWriter {
    frame: DataFrame,
    format: String,
    name: Option<String>,
    trigger: Option<Trigger>,
    merge_on: Option<Vec<String>>,
    partition_by: Vec<String>,
    options: BTreeMap<String, String>,
    sink: Option<StreamSink>,
}

impl std::fmt::Debug for DataStreamWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataStreamWriter").field("format", &self.format).field("name", &self.name).finish_non_exhaustive()
    }
}

impl DataFrame {
    /// Begins a streaming query that writes these rows.
    pub fn write_stream(&self) -> DataStreamWriter {
        DataStreamWriter {
            frame: self.clone(),
            format: "delta".to_owned(),
            name: None,
            trigger: None,
            merge_on: None,
            partition_by: Vec::new(),
            options: BTreeMap::new(),
            sink: None,
        }
    }
}

impl DataStreamWriter {
    /// The sink: `delta` (the default), `console`, or `memory`, whose rows are a temporary view of the query's name.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.format = format.to_owned();
        self
    }

    /// The query's name.
    #[must_use]
    pub fn query_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// An option: `checkpointLocation`, `maxInlineBytes`, `path`, `sinkName`.
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

    /// The output mode: `append`.
    ///
    /// # Errors
    /// `Unsupported` for `update` and `complete`, which are not there yet.
    pub fn output_mode(self, mode: &str) -> Result<Self> {
        match mode.to_lowercase().as_str() {
            "append" => Ok(self),
            "update" | "complete" => Err(Error::unsupported(format!(
                "output mode `{mode}` is not there yet: use `append` with a window and a watermark, and `merge_into` for rows that replace others"
            ))),
            other => Err(Error::analysis(format!("unknown output mode `{other}`: it is `append`, `update` or `complete`"))),
        }
    }

    /// When epochs run.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = Some(trigger);
        self
    }

    /// Merges into the Delta table by these columns, in place of appending.
    #[must_use]
    pub fn merge_on<'a>(mut self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.merge_on = Some(columns.into_iter().map(str::to_owned).collect());
        self
    }

    /// The columns whose values are folders of a table that is made.
    #[must_use]
    pub fn partition_by<'a>(mut self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.partition_by = columns.into_iter().map(str::to_owned).collect();
        self
    }

    /// Keeps the rows in `table`.
    #[must_use]
    pub fn memory(self, table: &MemoryTable) -> Self {
        self.sink(StreamSink::of_memory(table))
    }

    /// Calls `function` with each epoch's rows and number, at least once per epoch.
    #[must_use]
    pub fn for_each_batch(
        self,
        function: impl Fn(Vec<RecordBatch>, u64) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.sink(StreamSink::of_function(function))
    }

    /// Writes to a sink that was made apart.
    #[must_use]
    pub fn sink(mut self, sink: StreamSink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Starts the query into a Delta table: the catalog's of this name, which is made if it is not there, or the one at a path, which has
    /// a `/`.
    ///
    /// # Errors
    /// `Analysis` for a name of what is no Delta table; those of CREATE TABLE and of [`DataStreamWriter::start`].
    pub async fn to_table(self, name: &str) -> Result<StreamingQuery> {
        self.refuse_place("a table")?;
        let path = table_place(&self.frame, name, &self.partition_by).await?;
        self.option("path", path).start().await
    }

    /// Starts the query.
    ///
    /// # Errors
    /// `Analysis` for an unknown option or sink, and those of [`StreamingQueryBuilder::start`].
    pub async fn start(self) -> Result<StreamingQuery> {
        let options = Options::check("streaming writes", OPTIONS, &self.options)?;
        if options.get("path").is_some() {
            self.refuse_place("a path")?;
        }
        let sink = self.chosen_sink(&options)?;
        let mut query = StreamingQueryBuilder::new(self.frame.session().clone(), self.name.clone()).add(&self.frame, sink);
        if let Some(checkpoint) = options.get("checkpointLocation") {
            query = query.checkpoint_location(checkpoint);
        }
        if let Some(trigger) = self.trigger {
            query = query.trigger(trigger);
        }
        query.start().await
    }

    /// A sink that was made apart has its place.
    fn refuse_place(&self, place: &str) -> Result<()> {
        if self.sink.is_none() {
            return Ok(());
        }
        Err(Error::analysis(format!(
            "the rows go to a function or a sink of your own, and {place} was named too: leave it out, or write a query with two sinks \
             (`streaming_query`)"
        )))
    }

    fn chosen_sink(&self, options: &Options) -> Result<StreamSink> {
        if self.merge_on.is_some() && (self.sink.is_some() || !self.format.eq_ignore_ascii_case("delta")) {
            return Err(Error::analysis("`merge_on` is for Delta tables: write with `format(\"delta\")`, or leave it out"));
        }
        if let Some(sink) = &self.sink {
            return Ok(sink.clone().or_named(self.name.as_deref().unwrap_or("sink")));
        }
        match self.format.to_lowercase().as_str() {
            "console" => {
                if let Some(cut) = options.get("truncate").filter(|cut| !cut.eq_ignore_ascii_case("false")) {
                    return Err(Error::unsupported(format!(
                        "option `truncate` = `{cut}` of the console is not there yet: it shows values whole"
                    )));
                }
                Ok(StreamSink::console_of(options.get_positive("numRows")?.unwrap_or(20)))
            }
            "delta" => {
                let path = options
                    .get("path")
                    .ok_or_else(|| Error::analysis("a Delta sink needs the table's path: `to_table(path)`, or option `path`"))?;
                let sink = match &self.merge_on {
                    None => StreamSink::delta_append(path),
                    Some(on) => StreamSink::delta_merge(path, on.iter().map(String::as_str)),
                };
                let mut made = SinkOptions::default();
                made.table.partition_by.clone_from(&self.partition_by);
                made.inline_max_bytes = options.get_positive("maxInlineBytes")?.unwrap_or(made.inline_max_bytes);
                let sink = sink.with_options(made);
                Ok(match options.get("sinkName") {
                    Some(name) => sink.named(name),
                    None => sink,
                })
            }
            "memory" => {
                let Some(name) = &self.name else {
                    return Err(Error::analysis("rows in memory are read by the query's name: give it one (`query_name`)"));
                };
                let table = MemoryTable::default();
                memory_view::show(self.frame.session(), name, table.clone(), self.frame.schema()?)?;
                Ok(StreamSink::memory(name, &table))
            }
            other => Err(Error::unsupported(format!(
                "stream sink `{other}` is not there: it is `delta`, `console`, `memory` or `for_each_batch`"
            ))),
        }
    }
}
