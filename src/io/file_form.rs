//! One file of rows in a format: what is written becomes bytes here, which are handed to a disk's thread a few megabytes at a time.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
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
    path: PathBuf,
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
    /// A new file, whose folders are made if they are not there.
    ///
    /// # Errors
    /// `Io` when there is one, or it cannot be made.
    pub(super) async fn create(form: &FileForm, path: PathBuf) -> Result<Self> {
        let encoder = Encoder::of(form)?;
        let at = path.clone();
        let created = on_disk(&path, move || {
            if let Some(folder) = at.parent() {
                std::fs::create_dir_all(folder)?;
            }
            File::create_new(&at).map(drop)
        });
        created.await?;
        Ok(Self { path, encoder, rows: 0 })
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
        let waiting = self.encoder.add(form, batch).map_err(|e| e.context(self.path.display()))?;
        if waiting.len() < BYTES_AT_ONCE {
            return Ok(());
        }
        let bytes = std::mem::take(waiting);
        append(self.path.clone(), bytes, false).await
    }

    /// About how many bytes of rows it has gathered that no file has yet.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.encoder {
            Encoder::Parquet(writer, _) => writer.in_progress_size(),
            Encoder::Arrow(_) | Encoder::Lines(_) => 0,
        }
    }

    /// Writes the rows that it has gathered.
    ///
    /// # Errors
    /// `Io` of the disk.
    pub(super) async fn end_group(&mut self) -> Result<()> {
        let Encoder::Parquet(writer, _) = &mut self.encoder else { return Ok(()) };
        writer.flush().map_err(failed).map_err(|e| e.context(self.path.display()))?;
        let bytes = std::mem::take(writer.inner_mut());
        append(self.path.clone(), bytes, false).await
    }

    /// Ends the file, and waits until it is durable.
    ///
    /// # Errors
    /// `Io` of the disk.
    pub(super) async fn close(self) -> Result<()> {
        let bytes = self.encoder.end().map_err(|e| e.context(self.path.display()))?;
        append(self.path, bytes, true).await
    }
}

/// Writes at a file's end. Between two writes no file is open: there are more partitions than a process may have open files.
async fn append(path: PathBuf, bytes: Vec<u8>, durable: bool) -> Result<()> {
    let at = path.clone();
    on_disk(&path, move || {
        let mut file = File::options().append(true).open(at)?;
        file.write_all(&bytes)?;
        if durable { file.sync_all() } else { Ok(()) }
    })
    .await
}

/// Does what may wait for a disk on a thread that may.
async fn on_disk<T: Send + 'static>(path: &Path, work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal(format!("writing {} ended early", path.display())).with_source(e))?
        .map_err(|e| Error::io_at(path.display(), e))
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
