//! Plain files by a job commit: the query's tasks write aside (`file_sink.rs`), and only when all are done is it recorded that their files
//! are the rows of the folder, beside the files that are there or in their place. Of writers at once each waits for the one before.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::types::{StructField, field_of, from_field, quoted_if_needed};

use super::file_form::FileForm;
use super::file_place::FilesAt;
use super::file_sink::{FileNames, FileSink};
use super::mode::{Mode, there_is_something};
use super::store_writer;
use crate::dataframe::DataFrame;
use crate::scan::file_options::{self, MAX_RECORDS};
use crate::scan::save_record::{self, SaveRecord};
use crate::scan::{
    FileOptions, Format, PartitionValues, Place, TableFiles, check_text, existing_files, found_at, is_of, local_path, partition,
    table_files,
};
use tidemill_planner::{Error, Result};

/// Which rows go where, told apart from the query that makes them and from what files look like.
struct Job {
    folder: PathBuf,
    mode: Mode,
    settings: Arc<Settings>,
    /// The table whose folder it is; the last columns are those of its partitions, folders' names instead of columns in files.
    table: Option<TableFiles>,
    replace: Replace,
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
    let schema = frame.schema()?;
    let kept = schema.fields().len().saturating_sub(table.partitions.len());
    let schema = Arc::new(Schema::new(schema.fields().iter().take(kept).cloned().collect::<Vec<_>>()));
    let rows_per_file = rows_per_file(&table.options, frame)?;
    let form = FileForm { format: table.format, options: table.options.clone(), schema, settings: Arc::clone(&settings) };
    carried_out(frame, Job { folder: table.folder.clone(), mode, settings, table: Some(table.clone()), replace }, form, rows_per_file).await
}

/// Runs the query; each task writes a file, or one per folder if there are columns to cut the rows by.
pub(super) async fn save(
    frame: &DataFrame,
    path: &str,
    format: Format,
    mode: Mode,
    options: FileOptions,
    partition_by: &[String],
) -> Result<()> {
    if let Some(at) = frame.session().stored(path)? {
        return store_writer::save(frame, at, format, mode, options, partition_by).await;
    }
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
    let (data, partitions, schema) = columns(frame, format, partition_by, &settings)?;
    if mode == Mode::Append && folder.is_dir() {
        same_folders(Place::Local(path.to_owned()), &partitions, &settings).await?;
    }
    let rows_per_file = rows_per_file(&options, frame)?;
    let form = FileForm { format, options: options.clone(), schema, settings: Arc::clone(&settings) };
    if partitions.is_empty() {
        return carried_out(frame, Job { folder, mode, settings, table: None, replace: Replace::ByMode }, form, rows_per_file).await;
    }
    let ordered = ordered(frame, &data, &partitions);
    let replace = if file_options::replaces_written(&options, &settings) { Replace::Written } else { Replace::ByMode };
    let table = Some(TableFiles { folder: folder.clone(), format, options, data, partitions, absent: Vec::new() });
    carried_out(&ordered, Job { folder, mode, settings, table, replace }, form, rows_per_file).await
}

/// The columns that files have, those that folders stand for, and the former as the files' schema.
///
/// # Errors
/// Those of [`partition::split`] and [`check_text`].
pub(super) fn columns(
    frame: &DataFrame,
    format: Format,
    partition_by: &[String],
    settings: &Settings,
) -> Result<(Vec<StructField>, Vec<StructField>, SchemaRef)> {
    let fields: Vec<StructField> = frame.schema()?.fields().iter().map(|field| from_field(field)).collect();
    let (data, partitions) = partition::split(fields, partition_by, |field| Ok(field.clone()), settings)?;
    let schema = Arc::new(Schema::new(data.iter().map(field_of).collect::<Vec<_>>()));
    if format == Format::Text {
        check_text(&schema)?;
    }
    Ok((data, partitions, schema))
}

/// The rows with the columns of the folders last.
pub(super) fn ordered(frame: &DataFrame, data: &[StructField], partitions: &[StructField]) -> DataFrame {
    frame.select(data.iter().chain(partitions).map(|field| crate::functions::col(&quoted_if_needed(&field.name))))
}

/// How many rows a file has at most; 0 for any number.
pub(super) fn rows_per_file(options: &FileOptions, frame: &DataFrame) -> Result<usize> {
    let given = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(MAX_RECORDS)).map(|(_, value)| value.clone());
    let Some(text) = given.or_else(|| frame.session().conf().remove("spark.sql.files.maxRecordsPerFile")) else { return Ok(0) };
    match text.trim().parse::<i64>() {
        Ok(rows) => Ok(usize::try_from(rows).unwrap_or(0)),
        Err(_) => Err(Error::analysis(format!("`{MAX_RECORDS}` is a whole number of rows, not `{text}`: give one, or 0 for any number"))),
    }
}

/// Refuses rows in other folders than those that are there: the folder could not be read any more.
pub(super) async fn same_folders(place: Place, partitions: &[StructField], settings: &Settings) -> Result<()> {
    let path = place.shown();
    let there = found_at(&[place], None, None, settings).await?;
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

/// Runs the query with its tasks writing aside, and records what they have left. A statement that is stopped before its rows are recorded
/// leaves none.
async fn carried_out(frame: &DataFrame, job: Job, form: FileForm, rows_per_file: usize) -> Result<()> {
    // What the rows are read from is settled before the folder is taken.
    let (plan, shape) = frame.ready().await?;
    let job = Arc::new(job);
    let work = Arc::clone(&job);
    let Some(mut place) = blocking(&job, move || work.begin()).await? else { return Ok(()) };
    let folders = job.table.as_ref().map_or(0, |table| table.partitions.len());
    let sink = FileSink::new(form, shape, FilesAt::Aside(place.aside.clone()), place.name.clone(), folders, rows_per_file);
    let names = match written(frame, &plan, &sink, folders == 0).await {
        Ok(names) => names,
        Err(error) => {
            blocking(&job, move || {
                if let Some(left) = place.abandoned() {
                    left.clear();
                }
                Ok(())
            })
            .await?;
            return Err(error);
        }
    };
    let waits = Arc::new(());
    let (work, wanted) = (Arc::clone(&job), Arc::downgrade(&waits));
    let published = blocking(&job, move || work.publish(place, names, &wanted)).await;
    drop(waits);
    published
}

/// The files that a query's tasks have written. Where there are no rows, one may stand for the columns.
pub(super) async fn written(frame: &DataFrame, plan: &LogicalPlan, sink: &FileSink, one_at_least: bool) -> Result<FileNames> {
    let left = frame.session().run_into(plan, Arc::new(sink.clone())).await?;
    let mut names: FileNames = left.into_iter().filter_map(|names| names.downcast::<FileNames>().ok()).flat_map(|names| *names).collect();
    if names.is_empty() && one_at_least {
        names.push(sink.empty_file().await?);
    }
    Ok(names)
}

/// Works on a thread that may wait for disks.
async fn blocking<T: Send + 'static>(job: &Job, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let shown = job.folder.display();
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("writing to {shown} ended early: {e}")))?
}

/// A folder that is taken for a save, and the place aside for its files, which goes with it.
struct Draft {
    /// Names the save.
    name: String,
    aside: PathBuf,
    /// `None` as soon as a record decides what is cleared.
    left: Option<Left>,
}

/// What a save that comes to nothing leaves.
struct Left {
    folder: PathBuf,
    /// The folders that were made for it, the deepest first.
    made: Vec<PathBuf>,
    alone: Vec<File>,
}

impl Draft {
    fn abandoned(&mut self) -> Option<Left> {
        self.left.take()
    }
}

impl Left {
    fn clear(self) {
        // What is left over all the same is seen by no reader, and cleared by the next save.
        if let Err(error) = save_record::clear_aside(&self.folder) {
            tracing::debug!("what a save has left in {} stays: {error}", self.folder.display());
        }
        // Somebody may have put something there.
        for made in &self.made {
            let _ = fs::remove_dir(made);
        }
        drop(self.alone);
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(left) = self.abandoned() else { return };
        // A statement that is stopped ends on a thread that does not wait for disks.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(|| left.clear())),
            Err(_) => left.clear(),
        }
    }
}

impl Job {
    /// Takes the folder; `None` when the rows are not to be written.
    fn begin(&self) -> Result<Option<Draft>> {
        let made: Vec<PathBuf> = self.folder.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        fs::create_dir_all(&self.folder).map_err(|e| Error::io_at(self.folder.display(), e))?;
        made.iter().filter_map(|folder| folder.parent()).try_for_each(save_record::sync_folder)?;
        let alone = save_record::take_all(&self.folder)?;
        save_record::clear_aside(&self.folder)?;
        // Another writer may have come first since the path was looked at.
        if matches!(self.mode, Mode::Error | Mode::Ignore) && !existing_files(&self.folder)?.is_empty() {
            return if self.mode == Mode::Error { Err(there_is_something(&self.folder.display().to_string())) } else { Ok(None) };
        }
        let name = uuid::Uuid::new_v4().to_string();
        let aside = save_record::aside(&self.folder, &name);
        fs::create_dir_all(&aside).map_err(|e| Error::io_at(aside.display(), e))?;
        Ok(Some(Draft { name, aside, left: Some(Left { folder: self.folder.clone(), made, alone }) }))
    }

    /// Makes the files aside the folder's, in the place of those that they replace.
    fn publish(&self, mut place: Draft, names: FileNames, wanted: &Weak<()>) -> Result<()> {
        let folders: BTreeSet<&str> = names.iter().map(|name| name.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
        let Some(old) = self.replaced(&folders)? else { return Ok(()) };
        if names.is_empty() && old.is_empty() {
            return Ok(());
        }
        for folder in folders {
            let synced = place.aside.join(folder);
            synced.ancestors().take_while(|made| *made != place.aside).try_for_each(save_record::sync_folder)?;
        }
        // From here on the record decides what is cleared; the folder stays taken to the end.
        let _alone = place.left.take().map(|left| left.alone);
        let record = match self.record(&place.name, names, &old, wanted) {
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

    fn record(&self, name: &str, names: FileNames, old: &[PathBuf], wanted: &Weak<()>) -> Result<SaveRecord> {
        let record = SaveRecord::new(&self.folder, name.to_owned(), names, old)?;
        fail::fail_point!("io::save.record", |_| std::process::abort());
        if wanted.strong_count() == 0 {
            return Err(Error::internal(format!("the statement that writes to {} was stopped", self.folder.display())));
        }
        record.write(&self.folder)?;
        Ok(record)
    }

    /// The files that the new ones replace; nothing when the rows are not to be written.
    fn replaced(&self, folders: &BTreeSet<&str>) -> Result<Option<Vec<PathBuf>>> {
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
                    let written: Vec<PartitionValues> = folders
                        .iter()
                        .map(|below| table.plain_values(&self.folder.join(below).join("rows"), &self.settings))
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_that_nobody_waits_for_leaves_no_rows() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job { folder: dir.path().join("t"), mode: Mode::Append, settings: Arc::default(), table: None, replace: Replace::ByMode };
        let saved = |wanted: &Weak<()>| {
            let place = job.begin().unwrap().unwrap();
            fs::write(place.aside.join("part-0.parquet"), "rows").unwrap();
            job.publish(place, vec!["part-0.parquet".to_owned()], wanted)
        };
        let stopped = saved(&Weak::new()).unwrap_err();
        assert!(stopped.to_string().contains("was stopped"), "{stopped}");
        assert_eq!(existing_files(&job.folder).unwrap(), Vec::<PathBuf>::new());
        let waits = Arc::new(());
        saved(&Arc::downgrade(&waits)).unwrap();
        assert_eq!(existing_files(&job.folder).unwrap().len(), 1);
        // A query that fails leaves nothing aside.
        drop(job.begin().unwrap());
        assert!(!job.folder.join("_tidemill_save").exists());
        assert_eq!(existing_files(&job.folder).unwrap().len(), 1);
    }
}
