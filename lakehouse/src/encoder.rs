//! One data file while its rows come: they become Parquet bytes, and statistics are gathered. Where the bytes go is the caller's.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tidemill_planner::{Error, Result};

use crate::stats::print::Seen;
use crate::write::{Codec, FileOptions};

/// Encodes rows in the columns of the data files: pure computation on the calling thread.
pub(crate) struct Encoder {
    writer: ArrowWriter<Vec<u8>>,
    seen: Seen,
    file: SchemaRef,
}

/// The end of a file: the bytes that were not taken before, and Delta's JSON for its statistics.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stats: String,
}

impl Encoder {
    /// A file without rows.
    pub(crate) fn try_new(file: &SchemaRef, options: &FileOptions) -> Result<Self> {
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(file), Some(properties(file, options))).map_err(failed)?;
        Ok(Self { writer, seen: Seen::of_none(file), file: Arc::clone(file) })
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.seen.add(batch);
        self.writer.write(batch).map_err(failed)
    }

    pub(crate) fn rows(&self) -> usize {
        self.seen.rows()
    }

    /// About how long the file would be if it ended here.
    pub(crate) fn file_bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// How much memory its rows take, and its bytes that wait to be taken.
    pub(crate) fn held_bytes(&self) -> usize {
        self.writer.memory_size() + self.waiting_bytes()
    }

    /// How many bytes wait to be taken.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.writer.inner().len()
    }

    /// Makes bytes of the rows that are gathered, as a row group of their own.
    pub(crate) fn end_group(&mut self) -> Result<()> {
        self.writer.flush().map_err(failed)
    }

    /// The next bytes of the file.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// Ends the file.
    pub(crate) fn end(mut self) -> Result<Encoded> {
        let metadata = self.writer.finish().map_err(failed)?;
        Ok(Encoded { bytes: self.take(), stats: self.seen.print(&self.file, &metadata)? })
    }
}

fn properties(file: &SchemaRef, options: &FileOptions) -> WriterProperties {
    let compression = match options.codec {
        Codec::Snappy => Compression::SNAPPY,
        Codec::Zstd => Compression::ZSTD(ZstdLevel::default()),
    };
    let mut properties = WriterProperties::builder()
        .set_compression(compression)
        .set_created_by(format!("tidemill {}", env!("CARGO_PKG_VERSION")))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_enabled(true);
    for field in file.fields() {
        let distinct = options.distinct.iter().any(|name| name == field.name());
        if distinct || field.data_type().is_floating() || field.data_type().is_temporal() {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
        }
    }
    properties.build()
}

fn failed(error: ParquetError) -> Error {
    Error::internal(format!("a data file could not be encoded: {error}")).with_source(error)
}
