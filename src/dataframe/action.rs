//! The actions: what runs a plan and gives its rows, or shows what would run.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use serde_json::Value;

use super::show::Grid;
use super::{DataFrame, schema_of, tree};
use crate::rows::Json;
use crate::session::Applied;
use tidemill_planner::{Error, Result};

impl DataFrame {
    /// All rows, as Arrow batches.
    ///
    /// # Errors
    /// `Resources` when they take more than `spark.driver.maxResultSize`.
    pub async fn collect(&self) -> Result<Vec<RecordBatch>> {
        let (plan, shape) = self.ready().await?;
        self.session.run_batch(&plan).await?.into_iter().map(|batch| shape.shaped(batch)).collect()
    }

    pub(super) fn is_batch(&self) -> Result<()> {
        if self.is_streaming() {
            return Err(Error::analysis(
                "a stream has no last row to collect: start a query with `write_stream`, or use `read()` for the files",
            ));
        }
        Ok(())
    }

    /// The plan of the rows, and how they become the user's.
    pub(crate) async fn ready(&self) -> Result<(LogicalPlan, Shape)> {
        self.is_batch()?;
        let kept = self.session.kept().applied(&self.session, self, true).await?;
        self.ready_with(kept.as_ref()).await
    }

    /// The same with rows that are kept.
    pub(crate) async fn ready_with(&self, kept: Option<&Applied>) -> Result<(LogicalPlan, Shape)> {
        let resolved = self.meaning_with(kept).await?;
        let shape = Shape { schema: schema_of(&resolved), width: resolved.output.len() };
        Ok((resolved.plan.clone(), shape))
    }

    /// The number of rows.
    pub async fn count(&self) -> Result<u64> {
        let counted = self.agg([crate::functions::count(crate::functions::lit(1)).alias("count")]).collect().await?;
        let rows = counted.iter().filter(|b| b.num_rows() > 0).map(|b| b.column(0).as_primitive::<Int64Type>().value(0));
        Ok(rows.sum::<i64>() as u64)
    }

    /// The first rows, `rows` of them at most.
    pub async fn take(&self, rows: usize) -> Result<Vec<RecordBatch>> {
        self.limit(rows).collect().await
    }

    /// The first rows, `rows` of them at most; the same as [`DataFrame::take`].
    pub async fn head(&self, rows: usize) -> Result<Vec<RecordBatch>> {
        self.take(rows).await
    }

    /// The first row, as a batch of one; `None` when there is none.
    pub async fn first(&self) -> Result<Option<RecordBatch>> {
        Ok(self.take(1).await?.into_iter().find(|batch| batch.num_rows() > 0))
    }

    /// The last rows, `rows` of them at most. All rows are computed and held for it.
    pub async fn tail(&self, rows: usize) -> Result<Vec<RecordBatch>> {
        let mut wanted = rows;
        let mut last = Vec::new();
        for batch in self.collect().await?.into_iter().rev() {
            let taken = wanted.min(batch.num_rows());
            if taken > 0 {
                last.push(batch.slice(batch.num_rows() - taken, taken));
                wanted -= taken;
            }
        }
        last.reverse();
        Ok(last)
    }

    /// Whether there is no row.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.first().await?.is_none())
    }

    /// Each row as JSON text, in a column `value`.
    pub fn to_json(&self) -> Self {
        self.select([crate::functions::to_json(crate::functions::struct_(["*"])).alias("value")])
    }

    /// Each row as a JSON object; see the table in the command's help for how types are written.
    pub async fn to_json_rows(&self) -> Result<Vec<Value>> {
        let batches = self.collect().await?;
        let names = self.columns()?;
        let (columns, settings) = (crate::rows::columns(self.schema()?.as_ref()), self.session.spark_settings());
        let mut objects = Vec::new();
        for batch in batches {
            for row in crate::rows::json_rows(&batch, &columns, &settings)? {
                let object = Json::Object(names.iter().cloned().zip(row).collect());
                objects.push(serde_json::to_value(object).map_err(|e| Error::internal(format!("a row has no JSON: {e}")))?);
            }
        }
        Ok(objects)
    }

    /// The first 20 rows as Spark's grid, on standard output.
    pub async fn show(&self) -> Result<()> {
        print(&(self.show_string(20, 20).await? + "\n"))
    }

    /// The first `rows` rows as Spark shows them, on standard output: cells cut at `truncate` characters (0: not at all), and one value
    /// per line when `vertical`.
    pub async fn show_with(&self, rows: usize, truncate: usize, vertical: bool) -> Result<()> {
        print(&(self.draw(Grid { rows, truncate, vertical }).await? + "\n"))
    }

    /// The first `rows` rows as Spark's grid, cells cut at `truncate` characters (0: not at all).
    pub async fn show_string(&self, rows: usize, truncate: usize) -> Result<String> {
        self.draw(Grid { rows, truncate, vertical: false }).await
    }

    /// The first `rows` rows as Spark shows them one value per line.
    pub async fn show_vertical_string(&self, rows: usize, truncate: usize) -> Result<String> {
        self.draw(Grid { rows, truncate, vertical: true }).await
    }

    async fn draw(&self, grid: Grid) -> Result<String> {
        // One more, to tell whether there are more.
        let batches = self.take(grid.rows.saturating_add(1)).await?;
        self.open().await?;
        grid.print(&crate::rows::columns(self.schema()?.as_ref()), &batches, &self.session.spark_settings())
    }

    /// Spark's tree of the columns, on standard output.
    pub fn print_schema(&self) -> Result<()> {
        print(&self.schema_tree()?)
    }

    /// Spark's tree of the columns.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`].
    pub fn schema_tree(&self) -> Result<String> {
        Ok(tree::tree(self.schema()?.as_ref()))
    }
}

/// How the rows of a plan become the user's: under their names, without what the plan has beside them.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) schema: SchemaRef,
    width: usize,
}

impl Shape {
    /// # Errors
    /// `Internal` for rows of other columns.
    pub(crate) fn shaped(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().iter().take(self.width).zip(self.schema.fields()).map(|(column, field)| {
            let (found, promised) = (column.data_type(), field.data_type());
            if found == promised {
                return Ok(Arc::clone(column));
            }
            // What may be null inside is all that the engine's operators do not keep.
            if plain(found) != plain(promised) {
                return Err(Error::internal(format!("the engine gave {found} for the column `{}`, which is {promised}", field.name())));
            }
            Ok(arrow::compute::cast(column, promised)?)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.nullable(), columns, &options)?)
    }

    /// The columns of the rows. What the plan believes of nulls is not what the engine's operators promise.
    pub(crate) fn nullable(&self) -> SchemaRef {
        Arc::new(Schema::new(self.schema.fields().iter().map(|f| Arc::new(f.as_ref().clone().with_nullable(true))).collect::<Vec<_>>()))
    }
}

/// A type without what it says of nulls inside, and without remarks.
fn plain(data_type: &DataType) -> DataType {
    let field = |field: &Field| Arc::new(Field::new(field.name(), plain(field.data_type()), true));
    match data_type {
        DataType::List(item) => DataType::List(field(item)),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|inner| field(inner)).collect()),
        other => other.clone(),
    }
}

/// Writes to standard output; that nobody reads it any more is no error.
fn print(text: &str) -> Result<()> {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io_at("standard output", error)),
        _ => Ok(()),
    }
}
