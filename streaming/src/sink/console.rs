//! Prints each epoch's rows, as Spark's console sink does. A replayed epoch is printed again.

use std::io::Write;
use std::sync::Mutex;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::pretty::pretty_format_batches;
use async_trait::async_trait;
use tidemill_planner::seam::{Capability, Receipt, Sink, SinkRun, SinkTarget};
use tidemill_planner::{Error, Result};

/// How many rows of an epoch are shown (Spark's `numRows`).
const DEFAULT_ROWS: usize = 20;

/// Writes rows as a grid.
pub struct ConsoleSink {
    id: String,
    rows: usize,
    out: Mutex<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for ConsoleSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleSink").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ConsoleSink {
    /// A sink named `name` to standard output.
    pub fn stdout(name: impl Into<String>) -> Self {
        Self::to(name, Box::new(std::io::stdout()))
    }

    /// The same, of which so many rows of an epoch are shown.
    #[must_use]
    pub fn with_rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// A sink named `name` to `out`.
    pub fn to(name: impl Into<String>, out: Box<dyn Write + Send>) -> Self {
        Self { id: name.into(), rows: DEFAULT_ROWS, out: Mutex::new(out) }
    }
}

#[async_trait]
impl Sink for ConsoleSink {
    fn id(&self) -> &str {
        &self.id
    }

    fn description(&self) -> String {
        format!("ConsoleSink[{}]", self.id)
    }

    fn capability(&self) -> Capability {
        Capability::Direct
    }

    async fn open(&self, _schema: SchemaRef) -> Result<SinkTarget> {
        Ok(SinkTarget { id: "console".to_owned(), schema: serde_json::Value::Null, how: None })
    }

    async fn stage(&self, _run: &SinkRun, epoch: u64, partition: usize, batches: Vec<RecordBatch>) -> Result<Receipt> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut left = self.rows;
        let mut shown = Vec::new();
        for batch in &batches {
            let take = left.min(batch.num_rows());
            shown.push(batch.slice(0, take));
            left -= take;
        }
        let grid = pretty_format_batches(&shown)?;
        let note = if rows > self.rows { format!("only showing top {} of {rows} rows\n", self.rows) } else { String::new() };
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        write!(out, "-------- epoch {epoch}, partition {partition} --------\n{grid}\n{note}")
            .and_then(|()| out.flush())
            .map_err(|e| Error::io_at("console", e))?;
        Ok(Receipt { meta: serde_json::Value::Null, inline: None, rows: rows as u64 })
    }
}
