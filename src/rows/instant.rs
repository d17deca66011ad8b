//! Arrow's timestamps in Spark's types: microseconds, and UTC where there is a zone. The moment stays the same.

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

use tidemill_planner::Result;
use tidemill_spark::types::{SparkType, to_arrow};

/// `schema` with Spark's types for timestamps: microseconds, and UTC where there is a zone.
pub(crate) fn spark_schema(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new_with_metadata(schema.fields().iter().map(spark_field).collect::<Fields>(), schema.metadata().clone()))
}

fn spark_field(field: &FieldRef) -> FieldRef {
    let spark = spark_type(field.data_type());
    if spark == *field.data_type() { Arc::clone(field) } else { Arc::new(Field::clone(field).with_data_type(spark)) }
}

fn spark_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(_, Some(_)) => to_arrow(&SparkType::Timestamp),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(spark_field).collect()),
        DataType::List(item) => DataType::List(spark_field(item)),
        other => other.clone(),
    }
}

/// `batch` with the types that [`spark_schema`] gives its columns.
pub(crate) fn spark_batch(batch: &arrow::array::RecordBatch, schema: &SchemaRef) -> Result<arrow::array::RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| strict(column, field.data_type()));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(arrow::array::RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_>>()?, &options)?)
}

fn strict(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::TimestampMillisecondArray;

    #[test]
    fn a_zone_changes_no_instant() {
        let berlin: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1]).with_timezone("Europe/Berlin"));
        let utc = strict(&berlin, &to_arrow(&SparkType::Timestamp)).unwrap();
        assert_eq!(arrow::util::display::array_value_to_string(&utc, 0).unwrap(), "1970-01-01T00:00:00.001Z");
        assert_eq!(spark_type(berlin.data_type()), to_arrow(&SparkType::Timestamp));
    }
}
