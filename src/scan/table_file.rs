//! A file of a table of files, and what its folder says of its rows: the values of the partitions' columns.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::scalar::ScalarValue;
use tidemill_planner::Result;
use tidemill_spark::error::error;

/// A file, and its values of the partitions' columns.
#[derive(Debug, Clone)]
pub(crate) struct TableFile {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<ScalarValue>,
}

/// The error that a file is no longer there.
pub(super) fn gone(path: &Path) -> tidemill_planner::Error {
    let message = format!(
        "{}: the file was there when its folder was listed, and is gone: the folder was written again, so read it anew",
        path.display()
    );
    error("FAILED_READ_FILE.FILE_NOT_EXIST", message).with_parameter("path", path.display().to_string())
}

/// A batch with constants beside its columns.
pub(super) fn with_values(batch: &RecordBatch, values: &[ScalarValue], schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let constants = values.iter().map(|value| value.to_array_of_size(rows)).collect::<DfResult<Vec<ArrayRef>>>()?;
    let columns = batch.columns().iter().cloned().chain(constants).collect();
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &RecordBatchOptions::new().with_row_count(Some(rows)))?)
}
