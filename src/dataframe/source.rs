//! DataFrames that a session gives: views, rows of a program, numbers, plans and tables of the engine.

use std::sync::Arc;

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
    Ok(DataFrame::resolved(session.clone(), resolved(session, relation).await?))
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
    pub fn create_dataframe(&self, batches: Vec<arrow::array::RecordBatch>) -> Result<DataFrame> {
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
        let table = MemTable::try_new(spark, vec![batches])?;
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
