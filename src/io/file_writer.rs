//! Plain files by a job commit: every partition is written aside, and only when all are whole is it recorded that they are the
//! rows of the folder, beside the files that are there or in their place. Of writers at once each waits for the one before.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::mode::{Mode, there_is_something};
use crate::dataframe::DataFrame;
use crate::scan::save_record::{self, SaveRecord};
use crate::scan::{CsvOptions, Format, TableFiles, existing_files, local_path, partition, partition_files};
use tidemill_planner::{Error, Result};

/// What is written, told apart from the query that makes the rows.
struct Job {
    folder: PathBuf,
    format: Format,
    mode: Mode,
    csv: CsvOptions,
    schema: SchemaRef,
    /// How many columns, the last ones, are folders' names instead of columns in files.
    partition_columns: usize,
    /// Under which setting values become folders' names.
    settings: Option<Arc<tidemill_spark::Settings>>,
    replace: Replace,
}

/// Which files an overwrite of a table replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Those that the mode says.
    #[default]
    ByMode,
    /// Those below these folders: `a=1`, `a=1/b=2`.
    Below(String),
    /// Those in the partitions that are written.
    Written,
}

/// Adds rows to a table's folder, or puts them in the place of what is there. The last columns are the partitions'.
pub(crate) async fn save_table(frame: &DataFrame, table: &TableFiles, mode: Mode, replace: Replace) -> Result<()> {
    let partition_columns = table.partitions.len();
    let settings = Some(frame.session().spark_settings());
    let partitions = frame.collect_partitions().await?;
    let schema = frame.schema()?;
    let kept = schema.fields().len().saturating_sub(partition_columns);
    let schema = Arc::new(Schema::new(schema.fields().iter().take(kept).cloned().collect::<Vec<_>>()));
    let (folder, format, csv) = (table.folder.clone(), table.format, table.csv);
    let job = Job { folder, format, mode, csv, schema, partition_columns, settings, replace };
    let shown = table.folder.display().to_string();
    let written = tokio::task::spawn_blocking(move || job.run(&partitions)).await;
    written.map_err(|e| Error::internal(format!("writing to {shown} ended early: {e}")))?
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
    let job = Job { folder, format, mode, csv, schema: frame.schema()?, partition_columns: 0, settings: None, replace: Replace::ByMode };
    let partitions = frame.collect_partitions().await?;
    let written = tokio::task::spawn_blocking(move || job.run(&partitions)).await;
    written.map_err(|e| Error::internal(format!("writing to {path} ended early: {e}")))?
}

impl Job {
    fn run(&self, partitions: &[Vec<RecordBatch>]) -> Result<()> {
        let made: Vec<&Path> = self.folder.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(&self.folder).map_err(|e| Error::io_at(self.folder.display(), e))?;
        made.into_iter().filter_map(Path::parent).try_for_each(save_record::sync_folder)?;
        let _alone = save_record::lock(&self.folder)?;
        if let Some(record) = SaveRecord::read(&self.folder)? {
            tracing::info!(folder = %self.folder.display(), "a save that was cut short is finished first");
            record.finish(&self.folder)?;
        }
        save_record::clear_aside(&self.folder)?;
        let cut;
        let partitions = match &self.settings {
            Some(settings) if self.partition_columns > 0 => {
                cut = partition::cut(partitions, self.partition_columns, settings)?;
                &cut
            }
            _ => &vec![(String::new(), partitions.to_vec())],
        };
        let Some(old) = self.replaced(partitions)? else { return Ok(()) };
        if partitions.is_empty() && old.is_empty() {
            return Ok(());
        }
        let recorded = self.record(partitions, &old);
        let record = match recorded {
            Ok(record) => record,
            // What is left over is seen by no reader, and cleared by the next save, unless it is the record itself.
            Err(error) => {
                return Err(match save_record::clear_aside(&self.folder) {
                    Err(left) if !matches!(SaveRecord::read(&self.folder), Ok(None)) => Error::outcome_unknown(format!(
                        "whether the rows are saved to {} is not known: {error}, and what was written could not be taken back: {left}; read the \
                         folder before these rows are saved again",
                        self.folder.display()
                    ))
                    .with_source(error),
                    _ => error,
                });
            }
        };
        fail::fail_point!("io::save.recorded", |_| std::process::abort());
        record.finish(&self.folder).map_err(|e| {
            Error::outcome_unknown(format!(
                "the rows are saved to {0} and are read from there, but the files are not in place; the next save finishes that, so do not \
                 save these rows again: {e}",
                self.folder.display()
            ))
            .with_source(e)
        })
    }

    /// The files that the new ones replace; nothing when the rows are not to be written.
    fn replaced(&self, partitions: &[(String, Vec<Vec<RecordBatch>>)]) -> Result<Option<Vec<PathBuf>>> {
        if self.settings.is_some() && matches!(self.mode, Mode::Overwrite | Mode::Append) {
            if self.mode == Mode::Append {
                return Ok(Some(Vec::new()));
            }
            let mut files = partition_files(&self.folder)?;
            match &self.replace {
                Replace::ByMode => {}
                Replace::Below(below) => {
                    let below = self.folder.join(below);
                    files.retain(|file| file.starts_with(&below));
                }
                Replace::Written => {
                    let written: HashSet<PathBuf> = partitions.iter().map(|(below, _)| self.folder.join(below)).collect();
                    files.retain(|file| file.parent().is_some_and(|parent| written.contains(parent)));
                }
            }
            return Ok(Some(files));
        }
        match self.mode {
            Mode::Append => Ok(Some(Vec::new())),
            Mode::Overwrite => existing_files(&self.folder).map(Some),
            // Another writer may have come first since the path was looked at.
            Mode::Error | Mode::Ignore if existing_files(&self.folder)?.is_empty() => Ok(Some(Vec::new())),
            Mode::Error => Err(there_is_something(&self.folder.display().to_string())),
            Mode::Ignore => Ok(None),
        }
    }

    /// Writes the rows aside, and records that they are the folder's.
    fn record(&self, partitions: &[(String, Vec<Vec<RecordBatch>>)], old: &[PathBuf]) -> Result<SaveRecord> {
        let job = uuid::Uuid::new_v4().to_string();
        let aside = save_record::aside(&self.folder, &job);
        fs::create_dir_all(&aside).map_err(|e| Error::io_at(aside.display(), e))?;
        let mut names = Vec::new();
        for (below, partitions) in partitions {
            let (place, prefix) = if below.is_empty() { (aside.clone(), String::new()) } else { (aside.join(below), format!("{below}/")) };
            fs::create_dir_all(&place).map_err(|e| Error::io_at(place.display(), e))?;
            names.extend(self.write_aside(&place, &job, partitions)?.into_iter().map(|name| format!("{prefix}{name}")));
            place.ancestors().take_while(|made| *made != aside).try_for_each(save_record::sync_folder)?;
        }
        let record = SaveRecord::new(&self.folder, job, names, old)?;
        fail::fail_point!("io::save.record", |_| std::process::abort());
        record.write(&self.folder)?;
        Ok(record)
    }

    fn write_aside(&self, aside: &Path, job: &str, partitions: &[Vec<RecordBatch>]) -> Result<Vec<String>> {
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
            let name = format!("part-{i:05}-{job}.{}", self.format.name());
            let path = aside.join(&name);
            self.write(&path, batches).map_err(|e| e.context(path.display()))?;
            names.push(name);
        }
        Ok(names)
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
