//! The rows of Parquet files as a stream, in the columns of the slice's schema. A file that cannot be read fails the
//! stream: it is a file, not a row.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::execution::TaskContext;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use tidemill_planner::seam::TaskScope;
use tidemill_planner::{Error, Result, SourceId};

use super::cut::Piece;
use super::line_chunks::open_unchanged;
use super::slice::FileSlice;
use crate::log::blocking;

type FileStream = ParquetRecordBatchStream<tokio::fs::File>;

/// The rows of `pieces`; a row group belongs to the piece that its first byte lies in.
pub(super) fn read_parquet(
    slice: &FileSlice,
    pieces: Vec<Piece>,
    scan: &SourceId,
    context: &TaskContext,
) -> BoxStream<'static, Result<RecordBatch>> {
    let (scope, scan) = (TaskScope::of(context), scan.clone());
    let slice = slice.clone();
    futures::stream::iter(pieces)
        .then(move |piece| read_piece(slice.clone(), piece))
        .try_flatten()
        .inspect_ok(move |batch| *scope.report().source_rows.entry(scan.clone()).or_default() += batch.num_rows() as u64)
        .boxed()
}

async fn read_piece(slice: FileSlice, piece: Piece) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let path = slice.full_path(piece.file);
    let unreadable = {
        let path = path.clone();
        move |error: datafusion::parquet::errors::ParquetError| {
            Error::data(format!("{path}: cannot be read as Parquet: {error}; remove the file or write it again")).with_source(error)
        }
    };
    let file = {
        let (slice, path) = (slice.clone(), path.clone());
        blocking(move || open_unchanged(path.as_ref(), &slice.files()[piece.file])).await?
    };
    let builder = ParquetRecordBatchStreamBuilder::new(tokio::fs::File::from_std(file)).await.map_err(&unreadable)?;
    let row_groups = (0..builder.metadata().num_row_groups())
        .filter(|group| {
            let group = builder.metadata().row_group(*group);
            let first = group.columns().iter().map(|column| column.byte_range().0).min().unwrap_or(0);
            (piece.start..piece.end).contains(&first)
        })
        .collect();
    let columns = Columns::matched(slice.schema(), builder.schema(), &path)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.roots());
    let stream: FileStream =
        builder.with_row_groups(row_groups).with_projection(mask).with_batch_size(slice.batch_rows()).build().map_err(&unreadable)?;
    Ok(stream.map(move |batch| columns.adapt(&batch.map_err(&unreadable)?, &path)).boxed())
}

/// Where each column of the schema is in the file.
struct Columns {
    schema: SchemaRef,
    roots: Vec<Option<usize>>,
}

impl Columns {
    /// By name, exactly or else without regard to case; an absent column is null where it may be.
    fn matched(schema: &SchemaRef, file: &Schema, path: &str) -> Result<Self> {
        let find = |name: &str| {
            let same_but_case = || file.fields().iter().position(|field| field.name().to_lowercase() == name.to_lowercase());
            file.index_of(name).ok().or_else(same_but_case)
        };
        let mut roots = Vec::new();
        for field in schema.fields() {
            let root = find(field.name());
            match root {
                None if !field.is_nullable() => {
                    return Err(Error::data(format!(
                        "{path}: has no column `{}`, which is NOT NULL; declare it nullable, or remove the file",
                        field.name()
                    )));
                }
                Some(root) if !reads_as(file.field(root).data_type(), field.data_type()) => {
                    return Err(Error::data(format!(
                        "{path}: column `{}` is {}, which is not read as {}; declare the column as the file has it and cast it in the query",
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

    fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.iter().flatten().copied()
    }

    fn adapt(&self, batch: &RecordBatch, path: &str) -> Result<RecordBatch> {
        // The reader gives the chosen columns in the file's order.
        let mut chosen: Vec<usize> = self.roots().collect();
        chosen.sort_unstable();
        chosen.dedup();
        let safe = CastOptions { safe: false, ..CastOptions::default() };
        let column = |(field, root): (&arrow::datatypes::FieldRef, &Option<usize>)| -> Result<ArrayRef> {
            let array = match root.and_then(|root| chosen.binary_search(&root).ok()) {
                None => new_null_array(field.data_type(), batch.num_rows()),
                Some(at) if batch.column(at).data_type() == field.data_type() => Arc::clone(batch.column(at)),
                Some(at) => cast_with_options(batch.column(at), field.data_type(), &safe)
                    .map_err(|error| Error::data(format!("{path}: column `{}`: {error}", field.name())).with_source(error))?,
            };
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(Error::data(format!(
                    "{path}: column `{}` is NOT NULL and has {} nulls; declare it nullable, or mend the file",
                    field.name(),
                    array.null_count()
                )));
            }
            Ok(array)
        };
        let arrays = self.schema.fields().iter().zip(&self.roots).map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
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
