//! Rows of one data file, wholly or some columns, in the table's types. Blocking; the pruned scan of queries is `scan`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tidemill_planner::{Error, Result};

use crate::log::replay::DataFile;
use crate::partition::Layout;

/// All rows of a data file, in the table's columns, partition columns included.
pub(crate) fn read_rows(root: &Path, layout: &Layout, file: &DataFile) -> Result<RecordBatch> {
    let rows = read_columns(root, &layout.file, file)?;
    layout.widen(&rows, &file.add().partition_values)
}

/// These columns of the table's rows, partition columns included.
pub(crate) fn read_keys(root: &Path, layout: &Layout, file: &DataFile, on: &[usize]) -> Result<Vec<ArrayRef>> {
    let stored: Vec<_> = on.iter().filter(|i| !layout.partition.contains(i)).map(|i| Arc::clone(&layout.table.fields()[*i])).collect();
    let stored: SchemaRef = Arc::new(Schema::new(stored));
    let rows = read_columns(root, &stored, file)?;
    let scalars = layout.scalars(&file.add().partition_values)?;
    on.iter()
        .map(|i| match layout.partition.iter().position(|p| p == i) {
            Some(p) => Ok(scalars[p].to_array_of_size(rows.num_rows())?),
            None => Ok(Arc::clone(rows.column(stored.index_of(layout.table.field(*i).name())?))),
        })
        .collect()
}

fn read_columns(root: &Path, wanted: &SchemaRef, file: &DataFile) -> Result<RecordBatch> {
    let path = file.local_path(root)?;
    let damaged = |e: String| {
        Error::corrupt(format!("data file {} cannot be read: {e}; restore it, or the table to a version without it", path.display()))
    };
    let handle = fs::File::open(&path).map_err(|e| Error::io_at(path.display(), e))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(handle).map_err(|e| damaged(e.to_string()))?;
    let roots = builder.schema().fields().iter().enumerate().filter(|(_, f)| position(wanted, f.name()).is_some()).map(|(i, _)| i);
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let rows = builder.metadata().file_metadata().num_rows().max(0) as usize;
    let reader = builder.with_projection(mask).with_batch_size(rows.clamp(1, 1 << 20)).build().map_err(|e| damaged(e.to_string()))?;
    let batches = reader.map(|b| conform(&b?, wanted)).collect::<Result<Vec<_>>>()?;
    if batches.is_empty() && wanted.fields().is_empty() {
        return Ok(RecordBatch::try_new_with_options(
            Arc::clone(wanted),
            Vec::new(),
            &RecordBatchOptions::new().with_row_count(Some(rows)),
        )?);
    }
    match batches.len() {
        1 => Ok(batches.into_iter().next().expect("there is one")),
        _ => Ok(concat_batches(wanted, &batches)?),
    }
}

fn position(schema: &Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(name))
}

/// A file's batch in the wanted columns: by name, cast to the table's types, null where the file is older than a column.
fn conform(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch> {
    let columns = wanted
        .fields()
        .iter()
        .map(|field| match position(batch.schema_ref(), field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(i) if batch.column(i).data_type() == field.data_type() => Ok(Arc::clone(batch.column(i))),
            Some(i) => Ok(cast(batch.column(i), field.data_type())?),
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(wanted), columns, &options)?)
}
