//! INT96, in which Spark, Hive and Impala write timestamps, read as microseconds of UTC. The library takes it for nanoseconds,
//! which wrap around outside the years 1677 to 2262.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::basic::Type;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

/// The same footer, from which rows are read with INT96 as microseconds.
///
/// # Errors
/// Those of the library for a footer whose schema contradicts itself.
pub fn in_micros(footer: ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    match schema_in_micros(footer.parquet_schema(), footer.schema()) {
        None => Ok(footer),
        Some(schema) => ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), ArrowReaderOptions::new().with_schema(schema)),
    }
}

/// Whether any column is kept in INT96.
pub(super) fn is_there(file: &SchemaDescriptor) -> bool {
    file.columns().iter().any(|leaf| leaf.physical_type() == Type::INT96)
}

/// The Arrow schema of a Parquet file with INT96 as microseconds; `None` where the file has no INT96.
///
/// The leaves of both schemas come in the same order, whatever the lists and maps around them are called in the file.
pub(super) fn schema_in_micros(file: &SchemaDescriptor, schema: &Schema) -> Option<SchemaRef> {
    if !is_there(file) {
        return None;
    }
    let mut leaves = file.columns().iter();
    let fields: Fields = schema.fields().iter().map(|field| field_in_micros(field, &mut leaves)).collect();
    Some(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

fn field_in_micros<'f>(field: &FieldRef, leaves: &mut impl Iterator<Item = &'f ColumnDescPtr>) -> FieldRef {
    use DataType as T;
    let data_type = match field.data_type() {
        T::Struct(fields) => T::Struct(fields.iter().map(|part| field_in_micros(part, leaves)).collect()),
        T::List(item) => T::List(field_in_micros(item, leaves)),
        T::LargeList(item) => T::LargeList(field_in_micros(item, leaves)),
        T::ListView(item) => T::ListView(field_in_micros(item, leaves)),
        T::LargeListView(item) => T::LargeListView(field_in_micros(item, leaves)),
        T::FixedSizeList(item, size) => T::FixedSizeList(field_in_micros(item, leaves), *size),
        T::Map(entries, sorted) => T::Map(field_in_micros(entries, leaves), *sorted),
        leaf => match (leaves.next(), leaf) {
            (Some(column), T::Timestamp(..)) if column.physical_type() == Type::INT96 => {
                T::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            _ => leaf.clone(),
        },
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}
