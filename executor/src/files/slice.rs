//! A fixed list of files as the slice of a source: each task reads its run of them. Which files make an epoch is the
//! source's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tidemill_planner::seam::Slice;
use tidemill_planner::{Error, Result, SourceId};

use super::parquet::read_parquet;
use super::read_json::read_json;
use super::{FileEntry, JsonDecoder, cut};

const BATCH_ROWS: usize = 8192;

/// What is in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// One JSON object per line.
    Json,
    /// Apache Parquet.
    Parquet,
}

impl FileFormat {
    /// Its name in options and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Parquet => "parquet",
        }
    }
}

impl std::str::FromStr for FileFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            _ => Err(Error::unsupported(format!("files of format `{name}` cannot be read yet; convert them to json or parquet"))),
        }
    }
}

/// The columns of malformed lines: `file`, `line`, `text`, `reason`.
pub fn malformed_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, true),
        Field::new("line", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, true),
    ]))
}

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

    pub(super) fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    pub(super) fn full_path(&self, file: usize) -> String {
        self.root.join(&self.files[file].path).display().to_string()
    }
}

impl Slice for FileSlice {
    fn execute(
        &self,
        partition: usize,
        partitions: usize,
        scan: &SourceId,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition >= partitions {
            return Err(Error::internal(format!("partition {partition} of {partitions} of a file scan was asked for")));
        }
        let pieces = cut::pieces(&self.files, partition, partitions);
        let rows = match self.format {
            FileFormat::Json => read_json(self, pieces, scan, &context)?,
            FileFormat::Parquet => read_parquet(self, pieces, scan, &context),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.map(|batch| batch.map_err(Into::into)))))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.files.iter().map(|file| file.bytes).sum())
    }
}

#[cfg(test)]
mod tests;
