//! A file of a table of files, and what its folder says of its rows: the values of the partitions' columns.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::scalar::ScalarValue;
use tidemill_executor::files::{StoredObject, open_stored_text, open_text};
use tidemill_planner::Result;
use tidemill_spark::error::error;

/// A file, and its values of the partitions' columns.
#[derive(Debug, Clone)]
pub(crate) struct TableFile {
    /// On the local disk, or `s3://bucket/key`.
    pub(crate) path: PathBuf,
    /// What it is where it lies in an object store. All files of a table lie in one, or none does.
    pub(crate) object: Option<StoredObject>,
    pub(crate) values: Vec<ScalarValue>,
}

impl TableFile {
    pub(super) fn at(&self) -> FileAt {
        FileAt { path: self.path.clone(), object: self.object.clone() }
    }
}

/// Where a file lies whose columns are looked for.
#[derive(Debug, Clone)]
pub(super) struct FileAt {
    pub(super) path: PathBuf,
    pub(super) object: Option<StoredObject>,
}

impl FileAt {
    /// Its text from the beginning, compressed or not. It blocks.
    ///
    /// # Errors
    /// Those of [`open_text`].
    pub(super) fn text(&self) -> Result<Box<dyn Read + Send>> {
        match &self.object {
            None => open_text(&self.path),
            Some(object) => open_stored_text(object),
        }
    }

    /// Whether it has no bytes; not where that cannot be told.
    pub(super) fn is_empty(&self) -> bool {
        match &self.object {
            None => self.path.metadata().is_ok_and(|meta| meta.len() == 0),
            Some(object) => object.meta.size == 0,
        }
    }
}

impl fmt::Display for FileAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.path.display(), f)
    }
}

#[cfg(test)]
impl From<PathBuf> for FileAt {
    fn from(path: PathBuf) -> Self {
        Self { path, object: None }
    }
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
