//! A fixed list of files as the slice of a source. Which files make an epoch is the source's business; how a task reads its
//! run of them stands in `execute`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tidemill_planner::Result;

use super::format::{FileFormat, malformed_schema};
use super::{FileEntry, JsonDecoder};

const BATCH_ROWS: usize = 8192;

/// Files that are read as they were when they were listed.
#[derive(Debug, Clone)]
pub struct FileSlice {
    root: PathBuf,
    files: Arc<[FileEntry]>,
    format: FileFormat,
    schema: SchemaRef,
    batch_rows: usize,
}

impl FileSlice {
    /// The rows of `files`, whose paths are below `root`, as `schema` says.
    ///
    /// # Errors
    /// `Unsupported` when the format has no such column.
    pub fn new(root: impl Into<PathBuf>, files: impl Into<Arc<[FileEntry]>>, format: FileFormat, schema: SchemaRef) -> Result<Self> {
        if format == FileFormat::Json {
            JsonDecoder::new(Arc::clone(&schema))?;
        }
        Ok(Self { root: root.into(), files: files.into(), format, schema, batch_rows: BATCH_ROWS })
    }

    /// The same slice in batches of at most `batch_rows`.
    #[must_use]
    pub fn with_batch_rows(mut self, batch_rows: usize) -> Self {
        self.batch_rows = batch_rows.max(1);
        self
    }

    /// The directory that the files are below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files, in their order.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The rows' columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns of malformed rows, where there can be any.
    pub fn malformed_schema(&self) -> Option<SchemaRef> {
        (self.format == FileFormat::Json).then(malformed_schema)
    }

    pub(super) fn format(&self) -> FileFormat {
        self.format
    }

    pub(super) fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    pub(super) fn full_path(&self, file: usize) -> String {
        self.root.join(&self.files[file].path).display().to_string()
    }
}

#[cfg(test)]
mod tests;
