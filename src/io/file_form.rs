//! One file of rows in a format: what is written becomes bytes here, which are handed to a disk's thread a few megabytes at a time.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tidemill_spark::Settings;
use tidemill_spark::functions::{CsvWriter, JsonWriter};

use super::file_place::{FilesAt, OpenAt};
use super::parquet_form::ParquetForm;
use crate::rows::spark_batch;
use crate::scan::file_options::{self, COMPRESSION, is_on};
use crate::scan::{FileOptions, Format};
use tidemill_planner::{Error, Result};

/// Bytes that wait for the disk before they are written.
const BYTES_AT_ONCE: usize = 4 << 20;

/// What all files of a save look like.
#[derive(Debug)]
pub(super) struct FileForm {
    pub(super) format: Format,
    pub(super) options: FileOptions,
    /// The columns of the files.
    pub(super) schema: SchemaRef,
    pub(super) settings: Arc<Settings>,
}

/// A file that is being written.
pub(super) struct OpenFile {
    at: OpenAt,
    encoder: Encoder,
    rows: usize,
}

enum Encoder {
    Parquet(Box<ArrowWriter<Vec<u8>>>, ParquetForm),
    Arrow(Box<FileWriter<Vec<u8>>>),
    /// Lines, as they are.
    Lines(Vec<u8>),
}

impl OpenFile {
    /// A new file of this name, with its folders.
    ///
    /// # Errors
    /// Those of [`FilesAt::create`].
    pub(super) async fn create(form: &FileForm, place: &FilesAt, name: &str) -> Result<Self> {
        let encoder = Encoder::of(form)?;
        Ok(Self { at: place.create(name).await?, encoder, rows: 0 })
    }

    /// How many rows were written.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `Io` of the disk; what keeps a value from being written.
    pub(super) async fn write(&mut self, form: &FileForm, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        let waiting = self.encoder.add(form, batch).map_err(|e| e.context(&self.at))?;
        if waiting.len() < BYTES_AT_ONCE {
            return Ok(());
        }
        let bytes = std::mem::take(waiting);
        self.at.append(bytes).await
    }

    /// About how many bytes of rows it has gathered that no file has yet.
    pub(super) fn held_bytes(&self) -> usize {
        let gathered = match &self.encoder {
            Encoder::Parquet(writer, _) => writer.in_progress_size(),
            Encoder::Arrow(_) | Encoder::Lines(_) => 0,
        };
        match self.at.waiting() {
            None => gathered,
            Some(waiting) => gathered + waiting + self.encoder.waiting(),
        }
    }

    /// Whether what it has gathered can be written at any time: parts of an object have a least size, and all that it holds is written when
    /// it ends.
    pub(super) fn can_empty(&self) -> bool {
        self.at.waiting().is_none()
    }

    /// Writes the rows that it has gathered.
    ///
    /// # Errors
    /// `Io` of the disk.
    pub(super) async fn end_group(&mut self) -> Result<()> {
        let Encoder::Parquet(writer, _) = &mut self.encoder else { return Ok(()) };
        writer.flush().map_err(failed).map_err(|e| e.context(&self.at))?;
        let bytes = std::mem::take(writer.inner_mut());
        self.at.append(bytes).await
    }

    /// Ends the file, and waits until it is durable.
    ///
    /// # Errors
    /// `Io` of the disk.
    pub(super) async fn close(self) -> Result<()> {
        let bytes = self.encoder.end().map_err(|e| e.context(&self.at))?;
        self.at.end(bytes).await
    }
}

impl Encoder {
    fn of(form: &FileForm) -> Result<Self> {
        Ok(match form.format {
            Format::Parquet => {
                let columns = ParquetForm::of(&form.schema);
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(columns.footer());
                let writer = ArrowWriter::try_new(Vec::new(), columns.schema(), Some(properties.build())).map_err(failed)?;
                Self::Parquet(Box::new(writer), columns)
            }
            Format::Arrow => {
                // As in Spark, what is read from files may be null: the file says no more than its rows do.
                let fields = form.schema.fields().iter().map(|field| Field::clone(field).with_nullable(true));
                let options = IpcWriteOptions::default().try_with_compression(arrow_compression(&form.options)?)?;
                Self::Arrow(Box::new(FileWriter::try_new_with_options(Vec::new(), &Schema::new(fields.collect::<Vec<_>>()), options)?))
            }
            Format::Csv if is_on(&form.options, "header") => {
                let names = form.schema.fields().iter().map(|field| field.name().as_str());
                Self::Lines(CsvWriter::new(&form.options, &form.settings)?.header(names).into_bytes())
            }
            Format::Csv | Format::Json | Format::Text => Self::Lines(Vec::new()),
            Format::Delta => return Err(Error::internal("a Delta table is not written as plain files")),
        })
    }

    /// The bytes that wait for the disk, those of the rows among them.
    fn add(&mut self, form: &FileForm, batch: &RecordBatch) -> Result<&mut Vec<u8>> {
        match self {
            Self::Parquet(writer, columns) => {
                writer.write(&columns.rows(batch)?).map_err(failed)?;
                Ok(writer.inner_mut())
            }
            Self::Arrow(writer) => {
                let rows = spark_batch(batch, writer.schema())?;
                writer.write(&rows)?;
                Ok(writer.get_mut())
            }
            Self::Lines(bytes) => {
                match form.format {
                    Format::Json => bytes.extend_from_slice(JsonWriter::new(&form.options, &form.settings)?.lines(batch)?.as_bytes()),
                    Format::Csv => bytes.extend_from_slice(CsvWriter::new(&form.options, &form.settings)?.lines(batch)?.as_bytes()),
                    _ => {
                        let lines = cast(batch.column(0), &DataType::Utf8)?;
                        for line in lines.as_string::<i32>() {
                            bytes.extend_from_slice(line.unwrap_or_default().as_bytes());
                            bytes.push(b'\n');
                        }
                    }
                }
                Ok(bytes)
            }
        }
    }

    /// How many bytes wait.
    fn waiting(&self) -> usize {
        match self {
            Self::Parquet(writer, _) => writer.inner().len(),
            Self::Arrow(writer) => writer.get_ref().len(),
            Self::Lines(bytes) => bytes.len(),
        }
    }

    /// The last bytes.
    fn end(self) -> Result<Vec<u8>> {
        match self {
            Self::Parquet(writer, _) => writer.into_inner().map_err(failed),
            Self::Arrow(writer) => Ok(writer.into_inner()?),
            Self::Lines(bytes) => Ok(bytes),
        }
    }
}

/// How the rows of Arrow files are compressed: not at all, unless the program says so, since such files are read where they lie.
fn arrow_compression(options: &FileOptions) -> Result<Option<CompressionType>> {
    match file_options::get(options, COMPRESSION).map(str::to_ascii_lowercase).as_deref() {
        None | Some("none" | "uncompressed") => Ok(None),
        Some("lz4" | "lz4_frame") => Ok(Some(CompressionType::LZ4_FRAME)),
        Some("zstd") => Ok(Some(CompressionType::ZSTD)),
        Some(other) => Err(Error::analysis(format!("Arrow files are not compressed by `{other}`: write `none`, `lz4` or `zstd`"))),
    }
}

fn failed(error: parquet::errors::ParquetError) -> Error {
    Error::io(format!("parquet: {error}")).with_source(error)
}
