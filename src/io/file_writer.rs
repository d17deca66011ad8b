//! Plain files by a job commit: every partition is written aside, and only when all are whole are they renamed into place.
//!
//! ```text
//! path/_temporary/<job>/part-00000-<job>.parquet   written and synced, seen by no reader
//! path/part-00000-<job>.parquet                    renamed when every part is there
//! path/_SUCCESS                                    last
//! ```

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::csv_options::CsvOptions;
use super::files::local_path;
use super::path_table::Format;
use super::writer::{Mode, there_is_something};
use crate::{DataFrame, Error, Result};

/// What is written, told apart from the query that makes the rows.
struct Job {
    folder: PathBuf,
    format: Format,
    mode: Mode,
    csv: CsvOptions,
    schema: SchemaRef,
}

/// Runs the query and writes one file per partition.
pub(super) async fn save(frame: &DataFrame, path: &str, format: Format, mode: Mode, csv: CsvOptions) -> Result<()> {
    let folder = local_path(path)?;
    if folder.exists() {
        match mode {
            Mode::Error => return Err(there_is_something(path)),
            Mode::Ignore => return Ok(()),
            Mode::Append | Mode::Overwrite => {}
        }
        if folder.join("_delta_log").exists() {
            return Err(Error::analysis(format!("{path} is a Delta table: write it with format(\"delta\"), or choose another path")));
        }
    }
    let job = Job { folder, format, mode, csv, schema: frame.schema() };
    let partitions = frame.collect_partitions().await?;
    let written = tokio::task::spawn_blocking(move || job.run(&partitions)).await;
    written.map_err(|e| Error::internal(format!("writing to {path} ended early: {e}")))?
}

impl Job {
    fn run(&self, partitions: &[Vec<RecordBatch>]) -> Result<()> {
        let id = uuid::Uuid::new_v4();
        let aside = self.folder.join("_temporary").join(id.to_string());
        fs::create_dir_all(&aside).map_err(|e| Error::io_at(aside.display(), e))?;
        let done = self.write_and_publish(&aside, id, partitions);
        // Left over or not, what is aside has had its time.
        let _ = fs::remove_dir_all(&aside);
        let _ = fs::remove_dir(self.folder.join("_temporary"));
        done
    }

    fn write_and_publish(&self, aside: &Path, id: uuid::Uuid, partitions: &[Vec<RecordBatch>]) -> Result<()> {
        let mut names = Vec::new();
        // Empty partitions leave no file; the first stands for the columns when all are empty.
        let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let all_empty = partitions.iter().all(|p| rows(p) == 0);
        let nothing = [Vec::new()];
        let partitions = if partitions.is_empty() { &nothing } else { partitions };
        for (i, batches) in partitions.iter().enumerate() {
            if rows(batches) == 0 && !(all_empty && i == 0) {
                continue;
            }
            let name = format!("part-{i:05}-{id}.{}", self.format.name());
            let path = aside.join(&name);
            self.write(&path, batches).map_err(|e| e.context(path.display()))?;
            names.push(name);
        }
        if self.mode == Mode::Overwrite {
            for old in super::files::existing_files(&self.folder)? {
                fs::remove_file(&old).map_err(|e| Error::io_at(old.display(), e))?;
            }
        }
        for name in &names {
            fs::rename(aside.join(name), self.folder.join(name)).map_err(|e| Error::io_at(self.folder.join(name).display(), e))?;
        }
        let success = self.folder.join("_SUCCESS");
        File::create(&success).map_err(|e| Error::io_at(success.display(), e))?;
        Ok(())
    }

    fn write(&self, path: &Path, batches: &[RecordBatch]) -> Result<()> {
        let io = |e: std::io::Error| Error::io_at(path.display(), e);
        let mut file = BufWriter::new(File::create(path).map_err(io)?);
        match self.format {
            Format::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let failed = |e: parquet::errors::ParquetError| Error::io(format!("parquet: {e}")).with_source(e);
                let mut writer = ArrowWriter::try_new(&mut file, self.schema.clone(), Some(properties)).map_err(failed)?;
                for batch in batches {
                    writer.write(batch).map_err(failed)?;
                }
                writer.close().map_err(failed)?;
            }
            Format::Json => {
                let mut writer = arrow::json::LineDelimitedWriter::new(&mut file);
                writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
                writer.finish()?;
            }
            Format::Csv => {
                let mut writer =
                    arrow::csv::WriterBuilder::new().with_header(self.csv.header).with_delimiter(self.csv.separator).build(&mut file);
                let none = RecordBatch::new_empty(self.schema.clone());
                for batch in if batches.is_empty() { std::slice::from_ref(&none) } else { batches } {
                    writer.write(batch)?;
                }
            }
            Format::Delta => return Err(Error::internal("a Delta table is not written as plain files")),
        }
        file.flush().map_err(io)?;
        file.get_ref().sync_all().map_err(io)
    }
}
