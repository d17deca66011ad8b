//! A fixed list of files as the slice of a source. Which files make an epoch is the source's business; how a task reads its
//! run of them stands in `execute`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use tidemill_planner::seam::{Port, TaskScope};
use tidemill_planner::{Error, Result, SourceId};

use super::findings::Findings;
use super::format::{FileFormat, MalformedLines, malformed_schema};
use super::input::Input;
use super::object::StoredObject;
use super::{FileEntry, JsonDecoder, name};

const BATCH_ROWS: usize = 8192;

/// Files that are read as they were when they were listed.
#[derive(Debug, Clone)]
pub struct FileSlice {
    root: PathBuf,
    files: Arc<[FileEntry]>,
    /// The same files where they are objects of a store; none of files on a local disk.
    objects: Arc<[StoredObject]>,
    format: FileFormat,
    schema: SchemaRef,
    batch_rows: usize,
    malformed: MalformedLines,
    findings: Arc<Findings>,
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
        let (root, files, objects) = (root.into(), files.into(), Arc::default());
        Ok(Self {
            root,
            files,
            objects,
            format,
            schema,
            batch_rows: BATCH_ROWS,
            malformed: MalformedLines::default(),
            findings: Arc::default(),
        })
    }

    /// The rows of objects of one store, in lines.
    ///
    /// # Errors
    /// Those of [`FileSlice::new`]; `Internal` for Parquet, which is not read as a slice from a store, and for objects of several stores.
    pub fn of_objects(objects: Vec<StoredObject>, format: FileFormat, schema: SchemaRef) -> Result<Self> {
        let root = objects.first().map(|object| object.root_and_key().0).unwrap_or_default();
        if format == FileFormat::Parquet || objects.iter().any(|object| object.root_and_key().0 != root) {
            return Err(Error::internal("a slice of objects is lines of text in one store"));
        }
        let files: Vec<FileEntry> = objects.iter().map(StoredObject::entry).collect();
        Ok(Self { objects: objects.into(), ..Self::new(root, files, format, schema)? })
    }

    /// The same slice in batches of at most `batch_rows`.
    #[must_use]
    pub fn with_batch_rows(mut self, batch_rows: usize) -> Self {
        self.batch_rows = batch_rows.max(1);
        self
    }

    /// The same slice, of which malformed lines of JSON are read like this.
    ///
    /// # Errors
    /// `Internal` when the column for their text cannot take it.
    pub fn with_malformed(mut self, malformed: MalformedLines) -> Result<Self> {
        self.malformed = malformed;
        if self.format == FileFormat::Json {
            self.decoder()?;
        }
        Ok(self)
    }

    /// The files, in their order.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The rows' columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn format(&self) -> FileFormat {
        self.format
    }

    pub(super) fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    pub(super) fn malformed(&self) -> MalformedLines {
        self.malformed
    }

    /// A decoder of its lines of JSON.
    pub(super) fn decoder(&self) -> Result<JsonDecoder> {
        JsonDecoder::reading(Arc::clone(&self.schema), self.malformed)
    }

    pub(super) fn findings(&self) -> &Findings {
        &self.findings
    }

    /// One of the files, to be read.
    pub(super) fn input(&self, file: usize) -> Input {
        Input::new(&self.root, &self.files[file], file, &self.findings).stored_as(self.objects.get(file).cloned())
    }

    pub(super) fn full_path(&self, file: usize) -> String {
        self.root.join(name::shown(&self.files[file].path)).display().to_string()
    }

    /// Hands a file of which nothing is read to the task's report: one dead letter, of no line.
    pub(super) fn set_aside(&self, file: usize, reason: &str, scan: &SourceId, scope: &TaskScope) -> Result<()> {
        let path = self.full_path(file);
        tracing::warn!("{path}: {reason}; the file is a dead letter, and none of its rows is read");
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![path])),
            Arc::new(Int64Array::from(vec![None])),
            Arc::new(StringArray::from(vec![None::<&str>])),
            Arc::new(StringArray::from(vec![reason])),
        ];
        scope.emit_side(scan.as_str(), Port::Malformed, RecordBatch::try_new(malformed_schema(), columns)?);
        *scope.report().source_rows.entry(scan.clone()).or_default() += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
