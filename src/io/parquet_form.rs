//! How rows stand in Parquet files where Parquet's types are not those that Spark writes: intervals are what they count, microseconds or
//! months, and the footer says which columns are intervals, in Spark's words.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef};
use parquet::file::metadata::KeyValue;
use serde_json::{Value, json};
use tidemill_spark::types::{SparkType, from_field};

use crate::scan::SPARK_SCHEMA_KEY;
use tidemill_planner::Result;

/// The columns of files, and what their footers say of them.
pub(super) struct ParquetForm {
    columns: SchemaRef,
    written: SchemaRef,
}

impl ParquetForm {
    /// For rows of these columns.
    pub(super) fn of(columns: &SchemaRef) -> Self {
        let written = Schema::new(columns.fields().iter().map(written_field).collect::<Vec<_>>());
        Self { columns: Arc::clone(columns), written: Arc::new(written) }
    }

    fn is_plain(&self) -> bool {
        self.columns == self.written
    }

    /// The columns as they are written.
    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.written)
    }

    /// Spark's schema, where Parquet's types do not say it.
    pub(super) fn footer(&self) -> Option<Vec<KeyValue>> {
        if self.is_plain() {
            return None;
        }
        let fields: Vec<Value> = self.columns.fields().iter().map(field_json).collect();
        let schema = json!({ "type": "struct", "fields": fields });
        Some(vec![KeyValue::new(SPARK_SCHEMA_KEY.to_owned(), schema.to_string())])
    }

    /// Rows as they are written.
    ///
    /// # Errors
    /// `Internal` for rows of other columns.
    pub(super) fn rows(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.is_plain() {
            return Ok(batch.clone());
        }
        let pairs = batch.columns().iter().zip(self.written.fields());
        let columns = pairs.map(|(column, field)| Ok(make_array(with_type(column.to_data(), field.data_type())?)));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.written), columns.collect::<Result<Vec<ArrayRef>>>()?, &options)?)
    }
}

fn written_field(field: &FieldRef) -> FieldRef {
    match written_type(field.data_type()) {
        same if same == *field.data_type() => Arc::clone(field),
        other => Arc::new(Field::new(field.name(), other, field.is_nullable())),
    }
}

fn written_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Duration(_) => DataType::Int64,
        DataType::Interval(IntervalUnit::YearMonth) => DataType::Int32,
        DataType::List(item) => DataType::List(written_field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(written_field).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(written_field(entries), *sorted),
        other => other.clone(),
    }
}

/// The same values under a type of the same layout.
fn with_type(data: ArrayData, to: &DataType) -> Result<ArrayData> {
    let types: Vec<&DataType> = match to {
        DataType::List(item) => vec![item.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Map(entries, _) => vec![entries.data_type()],
        _ => Vec::new(),
    };
    let children = data.child_data().iter().zip(types).map(|(child, to)| with_type(child.clone(), to)).collect::<Result<Vec<_>>>()?;
    let mut made = data.into_builder().data_type(to.clone());
    if !children.is_empty() {
        made = made.child_data(children);
    }
    Ok(made.build()?)
}

fn field_json(field: &FieldRef) -> Value {
    let column = from_field(field);
    json!({ "name": column.name, "type": type_json(&column.data_type), "nullable": column.nullable, "metadata": {} })
}

/// A type as Spark's schemas say it in JSON.
fn type_json(data_type: &SparkType) -> Value {
    let fields_json = |fields: &[tidemill_spark::types::StructField]| -> Vec<Value> {
        let one = |f: &tidemill_spark::types::StructField| json!({ "name": f.name, "type": type_json(&f.data_type), "nullable": f.nullable, "metadata": {} });
        fields.iter().map(one).collect()
    };
    match data_type {
        SparkType::Byte => json!("byte"),
        SparkType::Short => json!("short"),
        SparkType::Integer => json!("integer"),
        SparkType::Long => json!("long"),
        SparkType::Char(_) | SparkType::Varchar(_) => json!("string"),
        SparkType::Array(element, nulls) => json!({ "type": "array", "elementType": type_json(element), "containsNull": nulls }),
        SparkType::Map(key, value, nulls) => {
            json!({ "type": "map", "keyType": type_json(key), "valueType": type_json(value), "valueContainsNull": nulls })
        }
        SparkType::Struct(fields) => json!({ "type": "struct", "fields": fields_json(fields) }),
        other => json!(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, DurationMicrosecondArray, IntervalYearMonthArray, ListArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Int32Type, Int64Type};

    use super::*;

    #[test]
    fn intervals_are_what_they_count() {
        let item = Arc::new(Field::new("element", DataType::Interval(IntervalUnit::YearMonth), true));
        let months = IntervalYearMonthArray::from(vec![Some(14), None]);
        let list = ListArray::new(item, OffsetBuffer::from_lengths([2]), Arc::new(months), None);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("d", Arc::new(DurationMicrosecondArray::from(vec![7])) as ArrayRef, true),
            ("l", Arc::new(list), true),
        ])
        .unwrap();
        let form = ParquetForm::of(&batch.schema());
        let rows = form.rows(&batch).unwrap();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().value(0), 7);
        assert_eq!(rows.column(1).as_list::<i32>().values().as_primitive::<Int32Type>().value(0), 14);
        let footer = form.footer().unwrap().remove(0);
        let schema: Value = serde_json::from_str(&footer.value.unwrap()).unwrap();
        assert_eq!(schema["fields"][0]["type"], "interval day to second");
        assert_eq!(schema["fields"][1]["type"]["elementType"], "interval year to month");
        let plain = RecordBatch::try_from_iter([("d", Arc::new(arrow::array::Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
        assert!(ParquetForm::of(&plain.schema()).footer().is_none());
    }
}
