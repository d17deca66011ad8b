//! Partition columns: their values as Delta's text, rows split by them, and the text read back. Which files a query needs
//! is `scan`'s business.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use tidemill_planner::key::KeyEncoder;
use tidemill_planner::{Error, Result};

use crate::log::replay::percent_encode;
use crate::schema::PartitionValues;
use crate::stats::bound::{parse_date, parse_timestamp_us};
use crate::stats::decimal;

/// Which columns of a table live in the log, and which in the data files.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) table: SchemaRef,
    /// The columns of the data files.
    pub(crate) file: SchemaRef,
    /// Positions of the partition columns in the table's schema, in the order of the partitioning.
    pub(crate) partition: Vec<usize>,
}

impl Layout {
    /// # Errors
    /// `Corrupt` for a partition column that the schema does not have.
    pub(crate) fn try_new(table: &SchemaRef, partition_columns: &[String]) -> Result<Self> {
        let position = |name: &String| {
            table
                .fields()
                .iter()
                .position(|f| f.name().eq_ignore_ascii_case(name))
                .ok_or_else(|| Error::corrupt(format!("partition column `{name}` is not a column of the table")))
        };
        let partition = partition_columns.iter().map(position).collect::<Result<Vec<_>>>()?;
        let file: Vec<_> = table.fields().iter().enumerate().filter(|(i, _)| !partition.contains(i)).map(|(_, f)| Arc::clone(f)).collect();
        Ok(Self { table: Arc::clone(table), file: Arc::new(Schema::new(file)), partition })
    }

    /// Rows in the table's columns, split by the values of the partition columns; those columns are left out.
    pub(crate) fn split(&self, batches: &[RecordBatch]) -> Result<Vec<(PartitionValues, Vec<RecordBatch>)>> {
        if self.partition.is_empty() {
            return Ok(vec![(PartitionValues::new(), batches.to_vec())]);
        }
        let all = concat_batches(&self.table, batches)?;
        let keys: Vec<ArrayRef> = self.partition.iter().map(|i| Arc::clone(all.column(*i))).collect();
        let types: Vec<DataType> = keys.iter().map(|k| k.data_type().clone()).collect();
        let rows = KeyEncoder::try_new(&types)?.encode(&keys)?;
        let mut groups: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let group = *groups.entry(row.as_ref().to_vec()).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[group].push(number as u32);
        }
        members
            .into_iter()
            .map(|indices| {
                let values = self.values_of(&all, indices[0] as usize)?;
                let indices = UInt32Array::from(indices);
                let columns = (0..all.num_columns())
                    .filter(|i| !self.partition.contains(i))
                    .map(|i| Ok(take(all.column(i), &indices, None)?))
                    .collect::<Result<Vec<_>>>()?;
                let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
                Ok((values, vec![RecordBatch::try_new_with_options(Arc::clone(&self.file), columns, &options)?]))
            })
            .collect()
    }

    fn values_of(&self, batch: &RecordBatch, row: usize) -> Result<PartitionValues> {
        self.partition
            .iter()
            .map(|i| {
                let field = self.table.field(*i);
                Ok((field.name().clone(), to_text(&ScalarValue::try_from_array(batch.column(*i), row)?)?))
            })
            .collect()
    }

    /// The folder of a file with these partition values, as the log writes it; empty where there is no partitioning.
    pub(crate) fn folder(&self, values: &PartitionValues) -> String {
        self.partition
            .iter()
            .map(|i| {
                let name = self.table.field(*i).name();
                let value = values.get(name).cloned().flatten();
                // The name is encoded on the disk and again in the log, as Spark and Hive do.
                let value = value.map_or_else(|| "__HIVE_DEFAULT_PARTITION__".to_owned(), |v| percent_encode(&v).replace('/', "%2F"));
                format!("{name}={value}/")
            })
            .collect()
    }

    /// The partition columns' values of a file, in the order of the partitioning.
    pub(crate) fn scalars(&self, values: &PartitionValues) -> Result<Vec<ScalarValue>> {
        self.partition
            .iter()
            .map(|i| {
                let field = self.table.field(*i);
                let text = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(field.name())).and_then(|(_, v)| v.as_deref());
                from_text(text, field.data_type()).ok_or_else(|| {
                    Error::corrupt(format!(
                        "partition value `{}` of column `{}` is no {}",
                        text.unwrap_or(""),
                        field.name(),
                        field.data_type()
                    ))
                })
            })
            .collect()
    }

    /// Rows of a data file with the partition columns put back.
    pub(crate) fn widen(&self, batch: &RecordBatch, values: &PartitionValues) -> Result<RecordBatch> {
        if self.partition.is_empty() {
            return Ok(RecordBatch::try_new_with_options(
                Arc::clone(&self.table),
                batch.columns().to_vec(),
                &RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
            )?);
        }
        let scalars = self.scalars(values)?;
        let mut from_file = batch.columns().iter();
        let mut columns = Vec::with_capacity(self.table.fields().len());
        for i in 0..self.table.fields().len() {
            columns.push(match self.partition.iter().position(|p| *p == i) {
                Some(position) => scalars[position].to_array_of_size(batch.num_rows())?,
                None => Arc::clone(from_file.next().ok_or_else(|| Error::internal("a data file has fewer columns than its table"))?),
            });
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.table), columns)?)
    }
}

fn to_text(value: &ScalarValue) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    let text = match value {
        // An empty text cannot be told from null in Delta's partition values.
        ScalarValue::Utf8(Some(text)) if text.is_empty() => return Ok(None),
        ScalarValue::Utf8(Some(text)) => text.clone(),
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            let time = chrono::DateTime::from_timestamp_micros(*micros)
                .ok_or_else(|| Error::data(format!("timestamp {micros} µs is out of range for a partition value")))?;
            time.format(if zone.is_some() { "%Y-%m-%dT%H:%M:%S%.6fZ" } else { "%Y-%m-%d %H:%M:%S%.6f" }).to_string()
        }
        ScalarValue::Boolean(_)
        | ScalarValue::Int8(_)
        | ScalarValue::Int16(_)
        | ScalarValue::Int32(_)
        | ScalarValue::Int64(_)
        | ScalarValue::Float32(_)
        | ScalarValue::Float64(_)
        | ScalarValue::Decimal128(..)
        | ScalarValue::Date32(_) => value.to_string(),
        other => {
            return Err(Error::unsupported(format!(
                "partitioning by a column of type {}; partition by a text, number or date",
                other.data_type()
            )));
        }
    };
    Ok(Some(text))
}

fn from_text(text: Option<&str>, data_type: &DataType) -> Option<ScalarValue> {
    let text = match text {
        None | Some("") => return ScalarValue::try_from(data_type).ok(),
        Some(text) => text,
    };
    Some(match data_type {
        DataType::Utf8 => ScalarValue::Utf8(Some(text.to_owned())),
        DataType::Boolean => ScalarValue::Boolean(Some(text.parse().ok()?)),
        DataType::Int8 => ScalarValue::Int8(Some(text.parse().ok()?)),
        DataType::Int16 => ScalarValue::Int16(Some(text.parse().ok()?)),
        DataType::Int32 => ScalarValue::Int32(Some(text.parse().ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(text.parse().ok()?)),
        DataType::Float32 => ScalarValue::Float32(Some(text.parse().ok()?)),
        DataType::Float64 => ScalarValue::Float64(Some(text.parse().ok()?)),
        DataType::Date32 => ScalarValue::Date32(Some(parse_date(text)?)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            ScalarValue::TimestampMicrosecond(Some(parse_timestamp_us(text)?), zone.clone())
        }
        DataType::Decimal128(p, s) => ScalarValue::Decimal128(Some(decimal::parse(text, *s)?), *p, *s),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::Field;

    #[test]
    fn rows_are_split_and_put_together_again() {
        let table: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("country", DataType::Utf8, true),
            Field::new("s", DataType::Utf8, true),
        ]));
        let batch = RecordBatch::try_new(
            Arc::clone(&table),
            vec![
                Arc::new(Int64Array::from(vec![1, 2, 3])),
                Arc::new(StringArray::from(vec![Some("a b/é"), None, Some("a b/é")])),
                Arc::new(StringArray::from(vec!["x", "y", "z"])),
            ],
        )
        .unwrap();
        let layout = Layout::try_new(&table, &["country".to_owned()]).unwrap();
        let parts = layout.split(std::slice::from_ref(&batch)).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(layout.folder(&parts[0].0), "country=a%20b%2F%C3%A9/");
        assert_eq!(layout.folder(&parts[1].0), "country=__HIVE_DEFAULT_PARTITION__/");
        assert_eq!(parts[0].1[0].num_columns(), 2);
        let wide = layout.widen(&parts[0].1[0], &parts[0].0).unwrap();
        assert_eq!(wide, take_rows(&batch, &[0, 2]));
    }

    fn take_rows(batch: &RecordBatch, rows: &[u32]) -> RecordBatch {
        arrow::compute::take_record_batch(batch, &UInt32Array::from(rows.to_vec())).unwrap()
    }

    #[test]
    fn values_are_text_and_back() {
        let cases = [
            (ScalarValue::Int32(Some(-7)), "-7"),
            (ScalarValue::Date32(Some(1)), "1970-01-02"),
            (ScalarValue::Boolean(Some(true)), "true"),
            (ScalarValue::TimestampMicrosecond(Some(1_500_000), Some("UTC".into())), "1970-01-01T00:00:01.500000Z"),
            (ScalarValue::Utf8(Some("x".into())), "x"),
            (ScalarValue::Decimal128(Some(-205), 10, 2), "-2.05"),
        ];
        for (value, text) in cases {
            assert_eq!(to_text(&value).unwrap().as_deref(), Some(text));
            assert_eq!(from_text(Some(text), &value.data_type()), Some(value));
        }
        // Java's text of a small decimal has an exponent.
        for (text, units) in [("0E-18", 0), ("1.5E-10", 150_000_000)] {
            assert_eq!(from_text(Some(text), &DataType::Decimal128(38, 18)), Some(ScalarValue::Decimal128(Some(units), 38, 18)));
        }
        assert_eq!(from_text(Some("0.123"), &DataType::Decimal128(10, 2)), None);
        assert_eq!(from_text(None, &DataType::Int64), Some(ScalarValue::Int64(None)));
        assert_eq!(from_text(Some("x"), &DataType::Int64), None);
    }
}
