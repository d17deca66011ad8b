//! The columns of a slice's schema in a Parquet file: found by name, and read where every value fits.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use tidemill_planner::Result;

use super::rows::Trouble;

/// Where each column of the schema is in a file.
pub(super) struct Columns {
    schema: SchemaRef,
    roots: Vec<Option<usize>>,
}

impl Columns {
    /// By name, exactly or else without regard to case; an absent column is null where it may be.
    pub(super) fn matched(schema: &SchemaRef, file: &Schema) -> Result<Self, Trouble> {
        let find = |name: &str| {
            let same_but_case = || file.fields().iter().position(|field| field.name().to_lowercase() == name.to_lowercase());
            file.index_of(name).ok().or_else(same_but_case)
        };
        let mut roots = Vec::new();
        for field in schema.fields() {
            let root = find(field.name());
            match root {
                None if !field.is_nullable() => {
                    return Err(Trouble::Damaged(format!("it has no column `{}`, which is NOT NULL; declare it nullable", field.name())));
                }
                Some(root) if !reads_as(file.field(root).data_type(), field.data_type()) => {
                    return Err(Trouble::Damaged(format!(
                        "column `{}` is {}, which is not read as {}; declare the column as the file has it and cast it in the query",
                        field.name(),
                        file.field(root).data_type(),
                        field.data_type()
                    )));
                }
                root => roots.push(root),
            }
        }
        Ok(Self { schema: Arc::clone(schema), roots })
    }

    /// The file's columns that are read.
    pub(super) fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.iter().flatten().copied()
    }

    /// The rows of a batch of the file in the columns of the schema.
    pub(super) fn adapt(&self, batch: &RecordBatch) -> Result<RecordBatch, Trouble> {
        // The reader gives the chosen columns in the file's order.
        let mut chosen: Vec<usize> = self.roots().collect();
        chosen.sort_unstable();
        chosen.dedup();
        let safe = CastOptions { safe: false, ..CastOptions::default() };
        let column = |(field, root): (&arrow::datatypes::FieldRef, &Option<usize>)| -> Result<ArrayRef, Trouble> {
            let array = match root.and_then(|root| chosen.binary_search(&root).ok()) {
                None => new_null_array(field.data_type(), batch.num_rows()),
                Some(at) if batch.column(at).data_type() == field.data_type() => Arc::clone(batch.column(at)),
                Some(at) => cast_with_options(batch.column(at), field.data_type(), &safe)
                    .map_err(|error| Trouble::Damaged(format!("column `{}`: {error}", field.name())))?,
            };
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(Trouble::Damaged(format!(
                    "column `{}` is NOT NULL and has {} nulls; declare it nullable",
                    field.name(),
                    array.null_count()
                )));
            }
            Ok(array)
        };
        let arrays = self.schema.fields().iter().zip(&self.roots).map(column).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| Trouble::Damaged(format!("its columns do not make rows: {error}")))
    }
}

/// Whether every value of `from` is a value of `to`, or only its storage differs.
fn reads_as(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (from, to) if from == to => true,
        (T::Dictionary(_, value), to) => reads_as(value, to),
        (T::Int8, T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Float64) => true,
        (T::Int16, T::Int32 | T::Int64 | T::Float32 | T::Float64) => true,
        (T::Int32, T::Int64 | T::Float64) => true,
        (T::UInt8, T::Int16 | T::Int32 | T::Int64) | (T::UInt16, T::Int32 | T::Int64) | (T::UInt32, T::Int64) => true,
        (T::Float32, T::Float64) => true,
        (T::Utf8 | T::LargeUtf8 | T::Utf8View, T::Utf8) => true,
        (T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_), T::Binary) => true,
        // Spark reads a local timestamp as one in the session's zone, which is UTC.
        (T::Timestamp(..), T::Timestamp(..)) => true,
        (T::Decimal128(p, s), T::Decimal128(to_p, to_s)) => {
            to_s >= s && i16::from(*to_p) - i16::from(*to_s) >= i16::from(*p) - i16::from(*s)
        }
        (T::Struct(from), T::Struct(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|(f, t)| f.name().eq_ignore_ascii_case(t.name()) && reads_as(f.data_type(), t.data_type()))
        }
        (T::List(from) | T::LargeList(from), T::List(to)) => reads_as(from.data_type(), to.data_type()),
        (T::Map(from, _), T::Map(to, _)) => match (from.data_type(), to.data_type()) {
            (T::Struct(from), T::Struct(to)) => from.iter().zip(to).all(|(f, t)| reads_as(f.data_type(), t.data_type())),
            _ => false,
        },
        _ => false,
    }
}
