//! Plain files by a job commit: every partition is written aside, and only when all are whole is it recorded that they are the
//! rows of the folder, beside the files that are there or in their place. Of writers at once each waits for the one before.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::functions::{CsvWriter, JsonWriter};
use tidemill_spark::types::{StructField, field_of, from_field, quoted_if_needed};

use super::mode::{Mode, there_is_something};
use super::parquet_form::ParquetForm;
use crate::dataframe::DataFrame;
use crate::scan::file_options::{self, is_on};
use crate::scan::save_record::{self, SaveRecord};
use crate::scan::{
    FileOptions, Format, PartitionValues, TableFiles, check_text, existing_files, found_at, is_of, local_path, partition, table_files,
};
use tidemill_planner::{Error, Result};

/// What is written, told apart from the query that makes the rows.
struct Job {
    folder: PathBuf,
    format: Format,
    mode: Mode,
    options: FileOptions,
    schema: SchemaRef,
    settings: Arc<Settings>,
    /// The table whose folder it is; the last columns are those of its partitions, folders' names instead of columns in files.
    table: Option<TableFiles>,
    replace: Replace,
    /// There as long as somebody waits for the rows to be saved.
    wanted: Weak<()>,
}

/// Which files an overwrite of a table replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Those that the mode says.
    #[default]
    ByMode,
    /// Those of the partitions with these values.
    Of(PartitionValues),
    /// Those in the partitions that are written.
    Written,
}

/// Adds rows to a table's folder, or puts them in the place of what is there. The last columns are the partitions'.
pub(crate) async fn save_table(frame: &DataFrame, table: &TableFiles, mode: Mode, replace: Replace) -> Result<()> {
    let settings = frame.session().spark_settings();
    let partitions = frame.collect_partitions().await?;
    let schema = frame.schema()?;
    let kept = schema.fields().len().saturating_sub(table.partitions.len());
    let schema = Arc::new(Schema::new(schema.fields().iter().take(kept).cloned().collect::<Vec<_>>()));
    let (folder, format, options) = (table.folder.clone(), table.format, table.options.clone());
    let wanted = Weak::new();
    carried_out(Job { folder, format, mode, options, schema, settings, table: Some(table.clone()), replace, wanted }, partitions).await
}

/// Runs the query and writes one file per task, or per task and folder if there are columns to cut the rows by.
pub(super) async fn save(
    frame: &DataFrame,
    path: &str,
    format: Format,
    mode: Mode,
    options: FileOptions,
    partition_by: &[String],
) -> Result<()> {
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
    let settings = frame.session().spark_settings();
    let fields: Vec<StructField> = frame.schema()?.fields().iter().map(|field| from_field(field)).collect();
    let (data, partitions) = partition::split(fields, partition_by, |field| Ok(field.clone()), &settings)?;
    let schema = Arc::new(Schema::new(data.iter().map(field_of).collect::<Vec<_>>()));
    if format == Format::Text {
        check_text(&schema)?;
    }
    if mode == Mode::Append && folder.is_dir() {
        same_folders(path, &partitions, &settings)?;
    }
    let wanted = Weak::new();
    if partitions.is_empty() {
        let job = Job { folder, format, mode, options, schema, settings, table: None, replace: Replace::ByMode, wanted };
        return carried_out(job, frame.collect_partitions().await?).await;
    }
    let ordered = frame.select(data.iter().chain(&partitions).map(|field| crate::functions::col(&quoted_if_needed(&field.name))));
    let replace = if file_options::replaces_written(&options, &settings) { Replace::Written } else { Replace::ByMode };
    let table = Some(TableFiles { folder: folder.clone(), format, options: options.clone(), data, partitions, absent: Vec::new() });
    let job = Job { folder, format, mode, options, schema, settings, table, replace, wanted };
    carried_out(job, ordered.collect_partitions().await?).await
}

/// Refuses rows in other folders than those that are there: the folder could not be read any more.
fn same_folders(path: &str, partitions: &[StructField], settings: &Settings) -> Result<()> {
    let there = found_at(&[path], None, None, settings)?;
    let found = there.partitions;
    let names = |fields: &[StructField]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>().join(", ");
    let same = found.len() == partitions.len() && found.iter().zip(partitions).all(|(one, other)| settings.same(&one.name, &other.name));
    if same || there.files.is_empty() {
        return Ok(());
    }
    let message =
        format!("{path}: the files there are in folders of ({}), and these rows in folders of ({})", names(&found), names(partitions));
    Err(error("CONFLICTING_PARTITION_COLUMN_NAMES", format!("{message}: write them by the same columns, or elsewhere")))
}

/// Writes on a thread that may wait for disks. A statement that is stopped before its rows are recorded leaves none.
async fn carried_out(mut job: Job, partitions: Vec<Vec<RecordBatch>>) -> Result<()> {
    let waits = Arc::new(());
    job.wanted = Arc::downgrade(&waits);
    let shown = job.folder.display().to_string();
    let written = tokio::task::spawn_blocking(move || job.run(&partitions)).await;
    drop(waits);
    written.map_err(|e| Error::internal(format!("writing to {shown} ended early: {e}")))?
}

impl Job {
    fn run(&self, partitions: &[Vec<RecordBatch>]) -> Result<()> {
        let made: Vec<&Path> = self.folder.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(&self.folder).map_err(|e| Error::io_at(self.folder.display(), e))?;
        made.into_iter().filter_map(Path::parent).try_for_each(save_record::sync_folder)?;
        let _alone = save_record::take_all(&self.folder)?;
        save_record::clear_aside(&self.folder)?;
        let cut;
        let partitions = match &self.table {
            Some(table) if !table.partitions.is_empty() => {
                cut = partition::cut(partitions, table.partitions.len(), &self.settings)?;
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
        if let Some(table) = self.table.as_ref().filter(|_| matches!(self.mode, Mode::Overwrite | Mode::Append)) {
            if self.mode == Mode::Append {
                return Ok(Some(Vec::new()));
            }
            let files = table_files(&self.folder)?;
            // Other engines may spell a partition's folder otherwise.
            let chosen = |is_replaced: &dyn Fn(&PartitionValues) -> bool| -> Result<Vec<PathBuf>> {
                let mut chosen = Vec::new();
                for file in &files {
                    if is_replaced(&table.plain_values(file, &self.settings)?) {
                        chosen.push(file.clone());
                    }
                }
                Ok(chosen)
            };
            return Ok(Some(match &self.replace {
                Replace::ByMode => files,
                Replace::Of(values) => chosen(&|partition| is_of(partition, values))?,
                Replace::Written => {
                    let written: Vec<PartitionValues> = partitions
                        .iter()
                        .map(|(below, _)| table.plain_values(&self.folder.join(below).join("rows"), &self.settings))
                        .collect::<Result<_>>()?;
                    let written: HashSet<&PartitionValues> = written.iter().collect();
                    chosen(&|partition| written.contains(partition))?
                }
            }));
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
        if self.wanted.strong_count() == 0 {
            return Err(Error::internal(format!("the statement that writes to {} was stopped", self.folder.display())));
        }
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
                let failed = |e: parquet::errors::ParquetError| Error::io(format!("parquet: {e}")).with_source(e);
                let form = ParquetForm::of(&self.schema);
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(form.footer());
                let mut writer = ArrowWriter::try_new(&mut file, form.schema(), Some(properties.build())).map_err(failed)?;
                for batch in batches {
                    writer.write(&form.rows(batch)?).map_err(failed)?;
                }
                writer.close().map_err(failed)?;
            }
            Format::Json => {
                let writer = JsonWriter::new(&self.options, &self.settings)?;
                for batch in batches {
                    file.write_all(writer.lines(batch)?.as_bytes()).map_err(io)?;
                }
            }
            Format::Csv => {
                let writer = CsvWriter::new(&self.options, &self.settings)?;
                if is_on(&self.options, "header") {
                    let names = writer.header(self.schema.fields().iter().map(|field| field.name().as_str()));
                    file.write_all(names.as_bytes()).map_err(io)?;
                }
                for batch in batches {
                    file.write_all(writer.lines(batch)?.as_bytes()).map_err(io)?;
                }
            }
            Format::Text => {
                for batch in batches {
                    let lines = cast(batch.column(0), &DataType::Utf8)?;
                    for line in lines.as_string::<i32>() {
                        file.write_all(line.unwrap_or_default().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(io)?;
                    }
                }
            }
            Format::Delta => return Err(Error::internal("a Delta table is not written as plain files")),
        }
        file.flush().map_err(io)?;
        file.get_ref().sync_all().map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int32Array;
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn a_save_that_nobody_waits_for_leaves_no_rows() {
        let dir = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, false)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int32Array::from(vec![1]))]).unwrap();
        let waits = Arc::new(());
        let mut job = Job {
            folder: dir.path().join("t"),
            format: Format::Parquet,
            mode: Mode::Append,
            options: FileOptions::default(),
            schema,
            settings: Arc::default(),
            table: None,
            replace: Replace::ByMode,
            wanted: Weak::new(),
        };
        let stopped = job.run(&[vec![batch.clone()]]).unwrap_err();
        assert!(stopped.to_string().contains("was stopped"), "{stopped}");
        assert_eq!(existing_files(&job.folder).unwrap(), Vec::<PathBuf>::new());
        job.wanted = Arc::downgrade(&waits);
        job.run(&[vec![batch]]).unwrap();
        assert_eq!(existing_files(&job.folder).unwrap().len(), 1);
    }
}
