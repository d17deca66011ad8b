//! PIVOT over the values that there are: they are looked up first, and become columns in their order.

use super::{DataFrame, GroupedData};
use crate::column::Column;
use tidemill_planner::{Error, Result};

/// How many columns a pivot makes at most, unless `spark.sql.pivotMaxValues` says otherwise.
const MAX_VALUES: usize = 10_000;

impl GroupedData {
    /// A column per value of `column` that there is. It runs a query for the values; [`GroupedData::pivot`] is told them.
    ///
    /// # Errors
    /// Those of the query, and `Analysis` for more values than `spark.sql.pivotMaxValues`.
    pub async fn pivot_all(self, column: impl Into<Column>) -> Result<Self> {
        let column: Column = column.into();
        let values = self.frame().values_of(&column).await?;
        Ok(self.pivot(column, values))
    }
}

impl DataFrame {
    /// The different values of a column in their order.
    async fn values_of(&self, column: &Column) -> Result<Vec<tidemill_spark::plan::Literal>> {
        let most = self.session().spark_settings().get("spark.sql.pivotMaxValues").and_then(|text| text.parse().ok()).unwrap_or(MAX_VALUES);
        let found = self.select([column.clone().alias("value")]).distinct().order_by(["value"]).limit(most + 1);
        let batches = found.collect().await?;
        let columns = crate::rows::columns(found.schema()?.as_ref());
        let mut values = Vec::new();
        for batch in &batches {
            for (array, column) in batch.columns().iter().zip(&columns) {
                for row in 0..batch.num_rows() {
                    values.push(crate::rows::literal_at(array, row, &column.data_type)?);
                }
            }
        }
        if values.len() > most {
            return Err(Error::analysis(format!(
                "the column has more than {most} different values: name those that you want with `pivot`, or set spark.sql.pivotMaxValues"
            )));
        }
        Ok(values)
    }
}
