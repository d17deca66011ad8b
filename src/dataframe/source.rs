//! DataFrames that a session gives: views, rows of a program, numbers, plans and tables of the engine.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::LogicalPlan;
use tidemill_planner::{Error, Result};
use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, Relation, RelationKind};
use tidemill_spark::resolve::OpenedRelation;
use tidemill_spark::types::{SparkType, StructField, field_of, from_field};

use super::DataFrame;
use crate::held::Held;
use crate::open::resolved;
use crate::rows::spark_batch;
use crate::session::Session;

/// The rows that a tree describes, its tables opened and its meaning settled.
pub(crate) async fn query(session: &Session, relation: &Relation) -> Result<DataFrame> {
    let changes = session.kept().changes();
    Ok(DataFrame::queried(session.clone(), relation.clone(), resolved(session, relation).await?, changes))
}

impl Session {
    /// The temporary view of that name as a DataFrame.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn view(&self, name: &str) -> Result<DataFrame> {
        let view = self.objects().temp_view(&[name.to_owned()], &self.spark_settings()).ok_or_else(|| self.objects().unknown(name))?;
        Ok(DataFrame::opened(self.clone(), view.opened).alias(name))
    }

    /// Rows given as Arrow batches, all of one schema. Arrow types that Spark has no name for (views, dictionaries, unsigned numbers,
    /// nanoseconds) become the nearest that holds every value.
    ///
    /// # Errors
    /// `Analysis` when there is no batch to take the schema from, schemas differ, or a type is none of Spark's; `Data` for a value that
    /// the nearest type does not hold.
    pub fn create_dataframe(&self, batches: Vec<RecordBatch>) -> Result<DataFrame> {
        let schema = batches.first().map(|b| b.schema()).ok_or_else(|| {
            Error::analysis("`create_dataframe` needs a batch to take the columns from: give an empty batch with a schema for no rows")
        })?;
        if let Some(other) = batches.iter().find(|batch| batch.schema() != schema) {
            return Err(Error::analysis(format!("`create_dataframe` takes batches of one schema: {schema} and {}", other.schema())));
        }
        // Arrow has several types for many of Spark's: the engine has one for each.
        let fields: Vec<StructField> = schema.fields().iter().map(|field| from_field(field)).collect();
        if let Some(field) = fields.iter().find(|field| matches!(field.data_type, SparkType::Unsupported(_))) {
            return Err(error(
                "UNSUPPORTED_ARROWTYPE",
                format!("the column `{}` has an Arrow type without one of Spark's: cast it to another", field.name),
            ));
        }
        let spark = Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>()));
        let batches =
            if spark == schema { batches } else { batches.iter().map(|batch| spark_batch(batch, &spark)).collect::<Result<_>>()? };
        let table = MemTable::try_new(spark, spread(batches, self.parallelism()))?;
        self.scan("rows", Arc::new(table))
    }

    /// The numbers from `start` up to `end`, as a column `id`.
    pub async fn range(&self, start: i64, end: i64) -> Result<DataFrame> {
        Ok(self.range_by(start, end, 1, None))
    }

    /// The numbers from `start` up to `end`, or down to it, every `step`-th, as a column `id`. How many tasks make them is the engine's
    /// choice in the end.
    pub fn range_by(&self, start: i64, end: i64, step: i64, partitions: Option<i64>) -> DataFrame {
        let arguments = [start, end, step].into_iter().chain(partitions).map(Expression::literal).collect();
        let kind = RelationKind::TableFunction { name: vec!["range".to_owned()], arguments };
        DataFrame::new(self.clone(), kind, Held::default())
    }

    /// A DataFrame of this session over any logical plan.
    pub(crate) fn dataframe(&self, plan: LogicalPlan) -> DataFrame {
        DataFrame::of_plan(self.clone(), plan)
    }

    /// The rows of a table of the engine's, under a name for its scans.
    pub(crate) fn scan(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<DataFrame> {
        let columns = table.schema().fields().iter().map(|field| from_field(field)).collect();
        let source = provider_as_source(table);
        Ok(DataFrame::opened(self.clone(), OpenedRelation::Table { name: vec![name.to_owned()], source, columns }))
    }
}

/// Below so many rows, another task costs more than it gives.
const ROWS_PER_TASK: usize = 65_536;

/// Rows in their order as those of at most so many tasks, each with its share. Nothing is copied.
fn spread(batches: Vec<RecordBatch>, tasks: usize) -> Vec<Vec<RecordBatch>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let share = rows.div_ceil(tasks.max(1)).max(ROWS_PER_TASK);
    if rows <= share {
        return vec![batches];
    }
    let (mut spread, mut task, mut room) = (Vec::new(), Vec::new(), share);
    for batch in batches {
        let mut from = 0;
        while batch.num_rows() - from > room {
            task.push(batch.slice(from, room));
            from += room;
            spread.push(std::mem::take(&mut task));
            room = share;
        }
        room -= batch.num_rows() - from;
        task.push(batch.slice(from, batch.num_rows() - from));
    }
    spread.push(task);
    spread
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::{ROWS_PER_TASK, spread};

    fn numbers(from: usize, rows: usize) -> RecordBatch {
        let values = Int64Array::from_iter_values((from..from + rows).map(|n| n as i64));
        RecordBatch::try_new(Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)])), vec![Arc::new(values)]).unwrap()
    }

    #[test]
    fn tasks_have_equal_shares_of_the_rows_in_their_order() {
        let r = ROWS_PER_TASK;
        for (sizes, tasks, shares) in [
            (vec![10], 4, vec![10]),
            (vec![], 4, vec![0]),
            (vec![r, 1], 1, vec![r + 1]),
            (vec![2 * r], 2, vec![r, r]),
            (vec![2 * r], 8, vec![r, r]),
            (vec![r, r, 2 * r], 2, vec![2 * r, 2 * r]),
            (vec![5, 4 * r - 5], 2, vec![2 * r, 2 * r]),
            (vec![4 * r + 1], 4, vec![r + 1, r + 1, r + 1, r - 2]),
        ] {
            let mut from = 0;
            let batches = sizes.iter().map(|rows| {
                from += rows;
                numbers(from - rows, *rows)
            });
            let given = spread(batches.collect(), tasks);
            let rows = |task: &Vec<RecordBatch>| task.iter().map(RecordBatch::num_rows).sum::<usize>();
            assert_eq!(given.iter().map(rows).collect::<Vec<_>>(), shares, "{sizes:?} for {tasks}");
            let values = given.iter().flatten().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
            assert!(values.eq(0..from as i64), "{sizes:?} for {tasks}");
        }
    }
}
