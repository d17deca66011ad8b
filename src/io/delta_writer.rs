//! Rows into Delta tables: the query's tasks write the data files while they make the rows, and one commit of the lakehouse's names them.
//! Where the table has become another one meanwhile, the query is run again.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::run::{Receipt, RowSink, TaskSink};
use tidemill_lakehouse::{DeltaTable, TableOptions, TableWrite, Txn, WriteEnd};

use super::file_writer::rows_per_file;
use crate::dataframe::{DataFrame, Shape};
use crate::scan::FileOptions;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// How often the query is run while the table becomes another one.
const MAX_RUNS: u32 = 4;

/// A query whose rows go into the Delta table at a location.
pub(crate) struct DeltaRows {
    session: Session,
    plan: LogicalPlan,
    /// How the query's rows become the user's.
    shape: Shape,
    location: String,
    /// How many rows a file has at most; 0 for any number.
    rows_per_file: usize,
    txn: Option<Txn>,
}

/// What becomes of the table.
#[derive(Clone, Copy)]
enum Way<'a> {
    Append,
    Overwrite,
    Replace(&'a SchemaRef, &'a TableOptions),
}

impl DeltaRows {
    /// What the rows are read from is settled here, and none is made. Of the options those count that say how long files are.
    ///
    /// # Errors
    /// Those of a query that is wrong, and of an option.
    pub(crate) async fn of(frame: &DataFrame, location: &str, options: &FileOptions, txn: Option<Txn>) -> Result<Self> {
        let rows_per_file = rows_per_file(options, frame)?;
        let (plan, shape) = frame.ready().await?;
        Ok(Self { session: frame.session().clone(), plan, shape, location: location.to_owned(), rows_per_file, txn })
    }

    /// Makes a table of the rows, as its first version. `false` where there is a table, even one that was made while the query ran; then
    /// nothing was written.
    pub(crate) async fn create(&self, schema: &SchemaRef, mode: &'static str, options: TableOptions) -> Result<bool> {
        match TableWrite::create(&self.location, schema, mode, self.txn.clone(), options).await? {
            Some(write) => Ok(!matches!(self.written(write).await?, WriteEnd::TableChanged(_))),
            None => Ok(false),
        }
    }

    /// Adds the rows to the table.
    pub(crate) async fn append(&self) -> Result<()> {
        self.write_into(Way::Append).await
    }

    /// Puts the rows in the place of the table's.
    pub(crate) async fn overwrite(&self) -> Result<()> {
        self.write_into(Way::Overwrite).await
    }

    /// Makes the table anew, as its next version, with these columns and options and the rows.
    pub(crate) async fn replace(&self, schema: &SchemaRef, options: &TableOptions) -> Result<()> {
        self.write_into(Way::Replace(schema, options)).await
    }

    /// Writes the rows for the table as it is, again while it changes.
    async fn write_into(&self, way: Way<'_>) -> Result<()> {
        let mut changed = String::new();
        for _ in 0..MAX_RUNS {
            let table = DeltaTable::open(&self.location).await?;
            let write = match way {
                Way::Append => TableWrite::append(&table, self.txn.clone()).await?,
                Way::Overwrite => TableWrite::overwrite(&table, self.txn.clone()).await?,
                Way::Replace(schema, options) => Some(TableWrite::replace(&table, schema, options).await?),
            };
            // Without one, the table has the rows already.
            let Some(write) = write else { return Ok(()) };
            match self.written(write).await? {
                WriteEnd::TableChanged(why) => changed = why,
                WriteEnd::Done { .. } | WriteEnd::AlreadyDone => return Ok(()),
            }
            tracing::debug!("the rows are written again: {changed}");
        }
        Err(Error::conflict(format!("{changed}, in each of {MAX_RUNS} runs of the query: run it again when the table rests")))
    }

    async fn written(&self, write: TableWrite) -> Result<WriteEnd> {
        match self.files_written(&write).await {
            Ok(receipts) => write.commit(receipts).await,
            Err(error) => {
                write.abandon().await;
                Err(error)
            }
        }
    }

    async fn files_written(&self, write: &TableWrite) -> Result<Vec<Receipt>> {
        let sink = write.sink(&self.shape.nullable(), self.rows_per_file)?;
        self.session.run_into(&self.plan, Arc::new(ShapedSink { sink, shape: self.shape.clone() })).await
    }
}

/// Gives rows on as the user's.
#[derive(Debug)]
struct ShapedSink {
    sink: Arc<dyn RowSink>,
    shape: Shape,
}

impl RowSink for ShapedSink {
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>> {
        Ok(Box::new(ShapedTask { task: self.sink.open(partition)?, shape: self.shape.clone() }))
    }

    fn can_begin_anew(&self) -> bool {
        self.sink.can_begin_anew()
    }
}

struct ShapedTask {
    task: Box<dyn TaskSink>,
    shape: Shape,
}

#[async_trait]
impl TaskSink for ShapedTask {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let rows = self.shape.shaped(batch)?;
        self.task.push(rows).await
    }

    async fn finish(self: Box<Self>) -> Result<Receipt> {
        self.task.finish().await
    }
}
