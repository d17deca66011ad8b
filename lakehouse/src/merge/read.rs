//! Rows of one data file, wholly or some columns, in the table's types, as a scan reads them. Blocking; the pruned scan of
//! queries is `scan`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use tidemill_executor::files::{FileColumns, Wanted, in_micros};
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
    let footer = ArrowReaderMetadata::load(&handle, ArrowReaderOptions::new()).and_then(in_micros).map_err(|e| damaged(e.to_string()))?;
    let columns = FileColumns::matched(wanted, footer.schema(), path.display().to_string(), Wanted::Table)?;
    let mask = ProjectionMask::roots(footer.parquet_schema(), columns.roots());
    let rows = footer.metadata().file_metadata().num_rows().max(0) as usize;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, footer);
    let reader = builder.with_projection(mask).with_batch_size(rows.clamp(1, 1 << 20)).build().map_err(|e| damaged(e.to_string()))?;
    let batches = reader.map(|batch| columns.adapt(&batch.map_err(|e| damaged(e.to_string()))?)).collect::<Result<Vec<RecordBatch>>>()?;
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
