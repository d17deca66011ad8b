//! Plain files while they are written: every attempt at a task of the query writes files of its own where no reader sees them, one after
//! the other, or one per folder where columns cut the rows into folders. What becomes of them is the save's decision.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidemill_executor::run::{Receipt, RowSink, TaskSink};

use super::file_form::{FileForm, OpenFile};
use super::file_place::FilesAt;
use crate::dataframe::Shape;
use crate::scan::partition;
use tidemill_planner::{Error, Result};

/// How many files an attempt has open at once, each with the rows that it gathers: beyond that, the one that was opened first is ended.
const OPEN_FILES: usize = 2048;
/// Bytes of rows that an attempt gathers in files that take rows: beyond that, the fullest one writes what it has, or is ended where it
/// lies in an object store.
const HELD_BYTES: usize = 64 << 20;

/// Names of files below the save's place, with their folders: what an attempt leaves.
pub(super) type FileNames = Vec<String>;

/// Writes a query's rows where no reader sees them.
#[derive(Debug, Clone)]
pub(super) struct FileSink(Arc<Aside>);

#[derive(Debug)]
struct Aside {
    form: FileForm,
    /// How the query's rows become the user's.
    shape: Shape,
    place: FilesAt,
    /// Names the save: it is a part of each file's name.
    job: String,
    /// How many of the last columns are folders.
    folder_columns: usize,
    /// How many rows a file has at most; 0 for any number.
    rows_per_file: usize,
    /// By partition of the query.
    attempts: Mutex<HashMap<usize, u32>>,
}

impl FileSink {
    pub(super) fn new(form: FileForm, shape: Shape, place: FilesAt, job: String, folder_columns: usize, rows_per_file: usize) -> Self {
        Self(Arc::new(Aside { form, shape, place, job, folder_columns, rows_per_file, attempts: Mutex::default() }))
    }

    /// A file without rows: what stands for the columns where there are no rows.
    ///
    /// # Errors
    /// Those of [`OpenFile`].
    pub(super) async fn empty_file(&self) -> Result<String> {
        let mut files = self.begin(0);
        let (name, file) = files.next_file("").await?;
        file.close().await?;
        Ok(name)
    }

    fn begin(&self, partition: usize) -> TaskFiles {
        let mut attempts = self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry(partition).and_modify(|attempt| *attempt += 1).or_default();
        TaskFiles { aside: Arc::clone(&self.0), partition, attempt: *attempt, files: 0, open: BTreeMap::new(), names: Vec::new() }
    }
}

impl RowSink for FileSink {
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>> {
        Ok(Box::new(self.begin(partition)))
    }
}

/// The files of one attempt.
struct TaskFiles {
    aside: Arc<Aside>,
    partition: usize,
    attempt: u32,
    /// How many were begun.
    files: u32,
    /// By folder, with the number of the file.
    open: BTreeMap<String, (u32, OpenFile)>,
    names: FileNames,
}

impl TaskFiles {
    /// A file that no other attempt has: `part-00003-<save>.parquet`, with the numbers of the attempt and the file where they are not the first.
    async fn next_file(&mut self, folder: &str) -> Result<(String, OpenFile)> {
        let Aside { form, place, job, .. } = &*self.aside;
        let numbered = |what: char, number: u32| if number == 0 { String::new() } else { format!("-{what}{number:03}") };
        let numbers = numbered('a', self.attempt) + &numbered('c', self.files);
        let name = format!("part-{:05}-{job}{numbers}.{}", self.partition, form.format.name());
        let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        self.files += 1;
        let file = OpenFile::create(form, place, &name).await?;
        Ok((name, file))
    }

    async fn write(&mut self, folder: &str, batch: &RecordBatch) -> Result<()> {
        let aside = Arc::clone(&self.aside);
        let limit = match aside.rows_per_file {
            0 => usize::MAX,
            rows => rows,
        };
        let mut from = 0;
        while from < batch.num_rows() {
            if !self.open.contains_key(folder) {
                self.make_room().await?;
                let number = self.files;
                let (name, file) = self.next_file(folder).await?;
                self.names.push(name);
                self.open.insert(folder.to_owned(), (number, file));
            }
            let Some((_, file)) = self.open.get_mut(folder) else { return Err(Error::internal("a file that was opened is not there")) };
            let rows = (batch.num_rows() - from).min(limit.saturating_sub(file.rows()));
            file.write(&aside.form, &batch.slice(from, rows)).await?;
            from += rows;
            if file.rows() >= limit {
                self.end(folder).await?;
            }
            if self.open.values().map(|(_, file)| file.held_bytes()).sum::<usize>() > HELD_BYTES {
                self.empty_fullest().await?;
            }
        }
        Ok(())
    }

    async fn empty_fullest(&mut self) -> Result<()> {
        let fullest = self.open.iter().max_by_key(|(_, (_, file))| file.held_bytes()).map(|(folder, _)| folder.clone());
        let Some(folder) = fullest else { return Ok(()) };
        match self.open.get_mut(&folder) {
            Some((_, file)) if file.can_empty() => file.end_group().await,
            _ => self.end(&folder).await,
        }
    }

    async fn make_room(&mut self) -> Result<()> {
        let first = self.open.iter().min_by_key(|(_, (number, _))| *number).map(|(folder, _)| folder.clone());
        match first.filter(|_| self.open.len() >= OPEN_FILES) {
            Some(folder) => self.end(&folder).await,
            None => Ok(()),
        }
    }

    async fn end(&mut self, folder: &str) -> Result<()> {
        match self.open.remove(folder) {
            Some((_, file)) => file.close().await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl TaskSink for TaskFiles {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let aside = Arc::clone(&self.aside);
        let batch = aside.shape.shaped(batch)?;
        if aside.folder_columns == 0 {
            return self.write("", &batch).await;
        }
        for (folder, batch) in partition::cut(&batch, aside.folder_columns, &aside.form.settings)? {
            self.write(&folder, &batch).await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Receipt> {
        for (_, (_, file)) in std::mem::take(&mut self.open) {
            file.close().await?;
        }
        Ok(Box::new(std::mem::take(&mut self.names)))
    }
}
