//! The columns of several files that know their own: the union of their columns, each in a type that holds every file's values exactly.
//! Files that do not go together are told by name. Of Parquet files it reads footers only.

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use serde_json::Value;
use tidemill_executor::files::in_micros;
use tidemill_planner::catalog_string::catalog_string;
use tidemill_spark::types::{StructField, field_of};

use super::table_file::FileAt;
use crate::rows::spark_schema;
use tidemill_planner::ident::same;
use tidemill_planner::{Error, ErrorKind, Result};

/// The footer's key under which Spark keeps its own schema.
pub(crate) const SPARK_SCHEMA_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// The columns of all these files, of which `read` tells those of each; with `given` those, if the files' values fit them.
pub(super) fn columns(files: &[FileAt], given: Option<SchemaRef>, mut read: impl FnMut(&FileAt) -> Result<SchemaRef>) -> Result<SchemaRef> {
    let mut known: Vec<(FieldRef, &FileAt)> = Vec::new();
    // As in Spark a file of no bytes has no rows, and no columns.
    for (index, path) in files.iter().filter(|file| !file.is_empty()).enumerate() {
        let schema = read(path)?;
        if let Some(given) = &given {
            fit(&schema, given, path)?;
            continue;
        }
        // A column that a file lacks is null there.
        for (field, _) in known.iter_mut().filter(|(field, _)| schema.field_with_name(field.name()).is_err()) {
            *field = Arc::new(field.as_ref().clone().with_nullable(true));
        }
        for field in schema.fields() {
            match known.iter_mut().find(|(other, _)| same(other.name(), field.name())) {
                None if index == 0 => known.push((Arc::clone(field), path)),
                None => known.push((Arc::new(field.as_ref().clone().with_nullable(true)), path)),
                Some((other, first)) => {
                    let met = if other.name() == field.name() { wider(other.data_type(), field.data_type()) } else { None };
                    let met = met.ok_or_else(|| apart(other, first, field, path))?;
                    let nullable = other.is_nullable() || field.is_nullable();
                    *other = Arc::new(other.as_ref().clone().with_data_type(met).with_nullable(nullable));
                }
            }
        }
    }
    if let (None, true, Some(first)) = (&given, known.is_empty(), files.first()) {
        return Err(Error::data(format!("{}: the files hold no columns: give them as a schema", first)));
    }
    Ok(given.unwrap_or_else(|| Arc::new(Schema::new(known.into_iter().map(|(field, _)| field).collect::<Vec<_>>()))))
}

/// The columns of a Parquet file.
pub(super) fn of_parquet(at: &FileAt) -> Result<SchemaRef> {
    let unread = |e| Error::io_at(at, e);
    let loaded = match &at.object {
        None => ArrowReaderMetadata::load(&File::open(&at.path).map_err(unread)?, ArrowReaderOptions::new()),
        Some(object) => ArrowReaderMetadata::load(&object.reader().map_err(unread)?, ArrowReaderOptions::new()),
    };
    let footer = loaded.and_then(in_micros).map_err(|error| not_read(at, error))?;
    let plain = footer.schema().fields().iter().map(|field| match field.data_type() {
        // How a file keeps its text is no part of the type.
        DataType::LargeUtf8 | DataType::Utf8View => Arc::new(Field::clone(field).with_data_type(DataType::Utf8)),
        DataType::LargeBinary | DataType::BinaryView => Arc::new(Field::clone(field).with_data_type(DataType::Binary)),
        DataType::Dictionary(_, value) => Arc::new(Field::clone(field).with_data_type(value.as_ref().clone())),
        _ => Arc::clone(field),
    });
    let columns = spark_schema(&Schema::new(plain.collect::<Vec<_>>()));
    let keys = footer.metadata().file_metadata().key_value_metadata();
    let said = keys.and_then(|keys| keys.iter().find(|pair| pair.key == SPARK_SCHEMA_KEY)?.value.as_deref());
    let Some(said) = said.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return Ok(columns) };
    Ok(Arc::new(Schema::new(with_intervals(columns.fields(), &said))))
}

/// The error for a footer that does not come: the storage's where that is why, else the file's.
fn not_read(at: &FileAt, error: ParquetError) -> Error {
    let made = Error::from(DataFusionError::from(error));
    match made.kind() {
        ErrorKind::Data => made.context(format!("{at}: it is no Parquet file that can be read")),
        _ => made.context(at),
    }
}

/// The fields with the intervals that Spark's schema says they are; files hold what intervals count.
fn with_intervals(fields: &Fields, said: &Value) -> Fields {
    let known = said.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |field: &FieldRef| match known.iter().find(|known| known.get("name").and_then(Value::as_str) == Some(field.name())) {
        Some(known) => interval_field(field, known.get("type").unwrap_or(&Value::Null)),
        None => Arc::clone(field),
    };
    fields.iter().map(one).collect()
}

fn interval_field(field: &FieldRef, said: &Value) -> FieldRef {
    let with_type = |data_type| Arc::new(Field::clone(field).with_data_type(data_type));
    match (field.data_type(), said) {
        (DataType::Int32 | DataType::Int64, Value::String(text)) if text.starts_with("interval") => {
            match crate::catalog::text::data_type(text) {
                Ok(data_type) => field_of(&StructField::new(field.name(), data_type).with_nullable(field.is_nullable())),
                Err(_) => Arc::clone(field),
            }
        }
        (DataType::Struct(fields), said) => with_type(DataType::Struct(with_intervals(fields, said))),
        (DataType::List(item), said) => with_type(DataType::List(interval_field(item, said.get("elementType").unwrap_or(&Value::Null)))),
        (DataType::Map(entries, sorted), said) => {
            let DataType::Struct(pair) = entries.data_type() else { return Arc::clone(field) };
            let types = ["keyType", "valueType"].map(|name| said.get(name).unwrap_or(&Value::Null));
            let pair: Fields = pair.iter().zip(types).map(|(part, said)| interval_field(part, said)).collect();
            let entries = Field::clone(entries).with_data_type(DataType::Struct(pair));
            with_type(DataType::Map(Arc::new(entries), *sorted))
        }
        _ => Arc::clone(field),
    }
}

fn fit(file: &Schema, given: &Schema, path: &FileAt) -> Result<()> {
    for field in given.fields() {
        let Some(found) = file.fields().iter().find(|f| same(f.name(), field.name())) else { continue };
        if wider(found.data_type(), field.data_type()).as_ref() != Some(field.data_type()) {
            return Err(Error::data(format!(
                "{}: column `{}` is {}, which does not fit `{} {}` of the schema given: leave the schema out, and `cast`",
                path,
                found.name(),
                catalog_string(found.data_type()),
                field.name(),
                catalog_string(field.data_type())
            )));
        }
    }
    Ok(())
}

fn apart(left: &Field, left_path: &FileAt, right: &Field, right_path: &FileAt) -> Error {
    let place = |field: &Field, path: &FileAt| format!("`{} {}` in {path}", field.name(), catalog_string(field.data_type()));
    Error::data(format!(
        "the files do not go together: {} and {}: read them apart, cast, and combine them with UNION ALL (`union`)",
        place(left, left_path),
        place(right, right_path)
    ))
}

/// The type that holds the values of both exactly.
fn wider(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Decimal128, Float32, Float64, Int8, Int16, Int32, Int64};
    let rank = |t: &DataType| [Int8, Int16, Int32, Int64].iter().position(|known| known == t);
    if left == right {
        return Some(left.clone());
    }
    if let (Some(l), Some(r)) = (rank(left), rank(right)) {
        return Some(if l >= r { left.clone() } else { right.clone() });
    }
    match (left, right) {
        (Float64, Float32 | Int8 | Int16 | Int32) | (Float32 | Int8 | Int16 | Int32, Float64) => Some(Float64),
        (Decimal128(p1, s1), Decimal128(p2, s2)) => {
            let scale = *s1.max(s2);
            let digits = (*p1 as i8 - s1).max(*p2 as i8 - s2) + scale;
            (digits <= 38).then_some(Decimal128(digits as u8, scale))
        }
        (Int64, DataType::Duration(_)) | (Int32, DataType::Interval(_)) => Some(right.clone()),
        // Fields of nested types may differ in what they are called inside, not in their types.
        (left, right) if left.equals_datatype(right) => Some(left.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_hold_both() {
        use DataType::{Date32, Decimal128, Float32, Float64, Int32, Int64, Utf8};
        for (left, right, expected) in [
            (Int32, Int64, Some(Int64)),
            (Int32, Float64, Some(Float64)),
            (Int64, Float64, None),
            (Float32, Float64, Some(Float64)),
            (Decimal128(5, 2), Decimal128(5, 0), Some(Decimal128(7, 2))),
            (Decimal128(38, 0), Decimal128(38, 10), None),
            (Utf8, Int32, None),
            (Date32, Date32, Some(Date32)),
        ] {
            assert_eq!(wider(&left, &right), expected, "{left} {right}");
            assert_eq!(wider(&right, &left), expected, "{right} {left}");
        }
    }
}
