//! Rows into columns: `df.transpose`. The values of one column become the names of the new ones, so the rows are read first.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema};

use super::DataFrame;
use crate::column::Column;
use crate::functions;
use tidemill_planner::{Error, Result};

/// How many columns it makes at most, unless `spark.sql.transposeMaxValues` says otherwise.
const MAX_VALUES: usize = 500;

impl DataFrame {
    /// A row for each column but `index`, the first unless it is named: `key` is the column's name, and the other columns are called
    /// by the values of `index`, in their order. Rows in which that is null are left out.
    ///
    /// # Errors
    /// Those of the query, and `Analysis` for columns without a common type and for more rows than `spark.sql.transposeMaxValues`.
    pub async fn transpose(&self, index: Option<&str>) -> Result<Self> {
        let names = self.columns()?;
        let Some(index) = index.or(names.first().map(String::as_str)) else { return Ok(self.clone()) };
        let settings = self.session().spark_settings();
        let others: Vec<&String> = names.iter().filter(|name| !settings.same(name, index)).collect();
        if others.len() == names.len() {
            return self
                .select([index])
                .schema()
                .and(Err(Error::analysis(format!("`transpose` takes a column as its index, not `{index}`"))));
        }
        let most = settings.get("spark.sql.transposeMaxValues").and_then(|text| text.parse().ok()).unwrap_or(MAX_VALUES);
        let values = functions::array(others.iter().map(|name| self.col(name)));
        let rows = self.filter(self.col(index).is_not_null()).order_by([self.col(index)]).limit(most + 1);
        let rows = rows.select([Column::from(index).cast("string").alias("name"), values.alias("values")]);
        let batches = rows.collect().await?;
        let Some(first) = batches.first() else { return self.turned(&others, &[], None) };
        let batch = concat_batches(&first.schema(), &batches)?;
        if batch.num_rows() > most {
            return Err(Error::analysis(format!(
                "`transpose` makes a column of each row, and there are more than {most}: filter them, or set spark.sql.transposeMaxValues"
            )));
        }
        let labels: Vec<String> = batch.column(0).as_string::<i32>().iter().map(|name| name.unwrap_or_default().to_owned()).collect();
        self.turned(&others, &labels, Some(batch.column(1)))
    }

    /// The rows of the result: `values` holds a list for each of its columns.
    fn turned(&self, keys: &[&String], labels: &[String], values: Option<&ArrayRef>) -> Result<Self> {
        let mut fields = vec![Field::new("key", DataType::Utf8, false)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(keys))];
        if let Some(lists) = values.and_then(|values| values.as_list_opt::<i32>()) {
            let DataType::List(item) = lists.data_type() else { return Err(Error::internal("a list has another type in its array")) };
            for (row, label) in labels.iter().enumerate() {
                let start = u64::try_from(lists.value_offsets()[row]).unwrap_or(0);
                let places = UInt64Array::from_iter_values((0..keys.len() as u64).map(|at| start + at));
                columns.push(take(lists.values().as_ref(), &places, None)?);
                fields.push(item.as_ref().clone().with_name(label).with_nullable(true));
            }
        }
        self.session().create_dataframe(vec![RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?])
    }
}
