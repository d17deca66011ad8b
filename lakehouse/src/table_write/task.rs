//! The data files of one attempt at a task: its rows, checked and in the table's columns, go into one file after the other, or into one per
//! partition at a time. A file has its final name from the start, and nobody sees it before the commit.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_executor::run::{Receipt, RowSink, TaskSink};
use tidemill_planner::{Error, Result};
use uuid::Uuid;

use super::begun::Begun;
use crate::encoder::{Encoded, Encoder};
use crate::io::blocking;
use crate::log::actions::Add;
use crate::log::replay::{local_path, percent_encode};
use crate::schema::{Alignment, PartitionValues};
use crate::snapshot::Head;
use crate::write::{FileOptions, Written, attempt_file_name};

/// Rows that are encoded before it is looked how long the file has become.
const ROWS_AT_ONCE: usize = 8192;

/// Bytes that wait for the disk before they are written.
const BYTES_AT_ONCE: usize = 4 << 20;

/// Files that are ended at once.
const ENDED_AT_ONCE: usize = 16;

/// What an attempt leaves: its files, in the order in which they were begun. Their time is the commit's to say.
pub(super) type Files = Vec<Written>;

/// How much an attempt has in hand, and how large its files become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many rows a file has at most.
    pub(super) rows_per_file: usize,
    /// A file that has come to so many bytes is ended.
    pub(super) file_bytes: u64,
    /// How many files take rows at once: beyond that, the one that was begun first is ended.
    pub(super) open_files: usize,
    /// How many bytes of rows wait in open files: beyond that, the fullest one writes what it has.
    pub(super) held_bytes: usize,
}

/// Writes a query's rows as data files.
#[derive(Debug)]
pub(super) struct DataFileSink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    head: Arc<Head>,
    alignment: Alignment,
    options: FileOptions,
    limits: Limits,
    begun: Arc<Begun>,
}

impl DataFileSink {
    pub(super) fn new(head: Arc<Head>, alignment: Alignment, options: FileOptions, limits: Limits, begun: Arc<Begun>) -> Self {
        Self(Arc::new(Shared { head, alignment, options, limits, begun }))
    }

    fn begin(&self, partition: usize) -> TaskFiles {
        let (open, ended) = (BTreeMap::new(), Vec::new());
        TaskFiles { shared: Arc::clone(&self.0), partition, id: Uuid::new_v4(), files: 0, open, held_bytes: 0, ended }
    }
}

impl RowSink for DataFileSink {
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>> {
        Ok(Box::new(self.begin(partition)))
    }
}

struct TaskFiles {
    shared: Arc<Shared>,
    partition: usize,
    /// Names the attempt.
    id: Uuid,
    /// How many were begun.
    files: u32,
    /// By the partition of the table.
    open: BTreeMap<PartitionValues, OpenFile>,
    /// Of all open files.
    held_bytes: usize,
    ended: Vec<(u32, Written)>,
}

/// A data file that takes rows.
struct OpenFile {
    number: u32,
    /// As the log will have it.
    path: String,
    values: PartitionValues,
    local: PathBuf,
    encoder: Encoder,
    written_bytes: u64,
    held_bytes: usize,
}

impl OpenFile {
    async fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        self.encoder.add(rows)?;
        self.hand_over(BYTES_AT_ONCE).await
    }

    /// Writes the rows that are gathered.
    async fn end_group(&mut self) -> Result<()> {
        self.encoder.end_group()?;
        self.hand_over(1).await
    }

    /// Writes the bytes that wait, if there are enough.
    async fn hand_over(&mut self, enough: usize) -> Result<()> {
        if self.encoder.waiting_bytes() >= enough {
            let bytes = self.encoder.take();
            self.written_bytes += bytes.len() as u64;
            write(self.local.clone(), bytes, false).await?;
        }
        self.held_bytes = self.encoder.held_bytes();
        Ok(())
    }

    async fn end(self, durable: bool) -> Result<(u32, Written)> {
        let rows = self.encoder.rows() as u64;
        let Encoded { bytes, stats } = self.encoder.end()?;
        let size = self.written_bytes + bytes.len() as u64;
        write(self.local, bytes, durable).await?;
        let add = Add {
            path: self.path,
            partition_values: self.values,
            size: size as i64,
            data_change: true,
            stats: Some(stats),
            ..Add::default()
        };
        Ok((self.number, Written { add, rows }))
    }
}

/// Writes at a file's end, where a disk may be waited for. Between two writes no file is open: there are more partitions than a process may
/// have open files.
async fn write(local: PathBuf, bytes: Vec<u8>, durable: bool) -> Result<()> {
    blocking(move || {
        let written = File::options().append(true).open(&local).and_then(|mut file| {
            file.write_all(&bytes)?;
            if durable { file.sync_all() } else { Ok(()) }
        });
        written.map_err(|e| Error::io_at(local.display(), e))
    })
    .await
}

impl TaskFiles {
    async fn begin_file(&mut self, values: &PartitionValues) -> Result<OpenFile> {
        let Shared { head, options, begun, .. } = &*self.shared;
        let (number, layout) = (self.files, &head.layout);
        let name = attempt_file_name(self.partition, &self.id, number, options.codec);
        let path = percent_encode(&format!("{}{name}", layout.folder(values)));
        let local = local_path(&head.root, &path)?;
        let encoder = Encoder::try_new(&layout.file, options)?;
        let (begun, at) = (Arc::clone(begun), local.clone());
        blocking(move || begun.create(&at)).await?;
        self.files += 1;
        Ok(OpenFile { number, path, values: values.clone(), local, encoder, written_bytes: 0, held_bytes: 0 })
    }

    /// Adds rows (in the columns of the data files) of one partition of the table.
    async fn write(&mut self, values: &PartitionValues, rows: &RecordBatch) -> Result<()> {
        let limits = self.shared.limits;
        let mut from = 0;
        while from < rows.num_rows() {
            if !self.open.contains_key(values) {
                self.make_room().await?;
                let file = self.begin_file(values).await?;
                self.open.insert(values.clone(), file);
            }
            let Some(file) = self.open.get_mut(values) else { return Err(Error::internal("a data file that was begun is not there")) };
            let room = limits.rows_per_file.saturating_sub(file.encoder.rows()).min(ROWS_AT_ONCE);
            let taken = rows.slice(from, room.min(rows.num_rows() - from));
            let before = file.held_bytes;
            file.add(&taken).await?;
            self.held_bytes = (self.held_bytes + file.held_bytes).saturating_sub(before);
            from += taken.num_rows();
            if file.encoder.rows() >= limits.rows_per_file || file.encoder.file_bytes() >= limits.file_bytes {
                self.end(values).await?;
            } else if self.held_bytes > limits.held_bytes {
                self.relieve().await?;
            }
        }
        Ok(())
    }

    async fn make_room(&mut self) -> Result<()> {
        let first = self.open.iter().min_by_key(|(_, file)| file.number).map(|(values, _)| values.clone());
        match first.filter(|_| self.open.len() >= self.shared.limits.open_files) {
            Some(values) => self.end(&values).await,
            None => Ok(()),
        }
    }

    /// The fullest file writes what it has gathered.
    async fn relieve(&mut self) -> Result<()> {
        let Some(file) = self.open.values_mut().max_by_key(|file| file.held_bytes) else { return Ok(()) };
        let before = file.held_bytes;
        file.end_group().await?;
        self.held_bytes = (self.held_bytes + file.held_bytes).saturating_sub(before);
        Ok(())
    }

    async fn end(&mut self, values: &PartitionValues) -> Result<()> {
        let Some(file) = self.open.remove(values) else { return Ok(()) };
        self.held_bytes = self.held_bytes.saturating_sub(file.held_bytes);
        let ended = file.end(self.shared.options.durable).await?;
        self.ended.push(ended);
        Ok(())
    }
}

#[async_trait]
impl TaskSink for TaskFiles {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let rows = shared.alignment.apply(&batch)?;
        drop(batch);
        for (values, rows) in shared.head.layout.split(&[rows])? {
            for rows in &rows {
                self.write(&values, rows).await?;
            }
        }
        fail::fail_point!("lakehouse::write.pushed");
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Receipt> {
        let durable = self.shared.options.durable;
        let open = std::mem::take(&mut self.open);
        let ending: Vec<_> = open.into_values().map(|file| file.end(durable)).collect();
        let ended: Vec<(u32, Written)> = stream::iter(ending).buffer_unordered(ENDED_AT_ONCE).try_collect().await?;
        self.ended.extend(ended);
        self.ended.sort_by_key(|(number, _)| *number);
        let files: Files = std::mem::take(&mut self.ended).into_iter().map(|(_, written)| written).collect();
        Ok(Box::new(files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
    use tempfile::TempDir;

    use crate::options::TableOptions;
    use crate::stats::FileStats;
    use crate::table::DeltaTable;

    const NO_LIMITS: Limits = Limits { rows_per_file: usize::MAX, file_bytes: u64::MAX, open_files: usize::MAX, held_bytes: usize::MAX };

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("p", DataType::Int64, true),
            Field::new("n", DataType::Int64, true),
            Field::new("s", DataType::Utf8, true),
        ]))
    }

    /// Rows numbered from `from`, each with a text of its own, in `partitions` partitions that take turns.
    fn rows(from: i64, rows: i64, partitions: i64) -> RecordBatch {
        let numbers = || from..from + rows;
        // Texts that do not compress well.
        let text = |n: i64| format!("{:016x}{:016x}", tidemill_planner::key::stable_hash(&n.to_le_bytes()), n.wrapping_mul(0x9E37_79B9));
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(numbers().map(|n| n % partitions))),
            Arc::new(Int64Array::from_iter_values(numbers())),
            Arc::new(StringArray::from_iter_values(numbers().map(text))),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    }

    /// An attempt at a task that writes into a new table.
    async fn attempt(partitioned: bool, limits: Limits) -> (TempDir, TaskFiles) {
        let dir = tempfile::tempdir().unwrap();
        let partition_by = if partitioned { vec!["p".to_owned()] } else { Vec::new() };
        let options = TableOptions { durable: false, partition_by, ..TableOptions::default() };
        let table = DeltaTable::create(&dir.path().display().to_string(), schema(), options).await.unwrap();
        let head = table.head().await.unwrap();
        let alignment = Alignment::try_new("the table", &schema(), head.schema()).unwrap();
        let begun = Arc::new(Begun::new(table.root(), false, false, Vec::new()));
        let task = DataFileSink::new(head, alignment, table.file_options(), limits, begun).begin(0);
        (dir, task)
    }

    async fn finished(task: TaskFiles) -> Files {
        *Box::new(task).finish().await.unwrap().downcast::<Files>().unwrap()
    }

    fn rows_of(files: &Files) -> u64 {
        files.iter().map(|file| file.rows).sum()
    }

    #[tokio::test]
    async fn ten_times_the_rows_take_no_more_memory() {
        for partitions in [1, 20] {
            let mut most = Vec::new();
            for pushes in [10, 100] {
                let limits = Limits { held_bytes: 512 << 10, ..NO_LIMITS };
                let (_dir, mut task) = attempt(partitions > 1, limits).await;
                let mut held = 0;
                for push in 0..pushes {
                    task.push(rows(push * 4096, 4096, partitions)).await.unwrap();
                    assert_eq!(task.held_bytes, task.open.values().map(|file| file.encoder.held_bytes()).sum::<usize>());
                    held = held.max(task.held_bytes);
                }
                most.push(held);
                let files = finished(task).await;
                assert_eq!((rows_of(&files), files.len()), (pushes as u64 * 4096, partitions as usize));
            }
            // A push is what may be held beyond the limit.
            assert!(most.iter().all(|held| *held <= 4 << 20), "{partitions} partitions: {most:?} bytes");
        }
    }

    #[tokio::test]
    async fn files_are_in_the_order_of_the_rows_and_end_where_they_are_to() {
        let few = Limits { rows_per_file: 1000, ..NO_LIMITS };
        let short = Limits { file_bytes: 100_000, ..NO_LIMITS };
        for (case, limits) in [("few rows", few), ("short", short)] {
            let (dir, mut task) = attempt(false, limits).await;
            for (from, until) in [(0, 2500), (2500, 2600), (2600, 20_000), (20_000, 50_000)] {
                task.push(rows(from, until - from, 1)).await.unwrap();
            }
            let files = finished(task).await;
            let mut next = 0;
            for file in &files {
                let stats = FileStats::parse(file.add.stats.as_deref().unwrap(), &schema());
                let (first, last) = (stats.columns["n"].min.clone().unwrap(), stats.columns["n"].max.clone().unwrap());
                assert_eq!(first.to_string(), next.to_string(), "{case}: a file begins where the one before has ended");
                next += file.rows as i64;
                assert_eq!(last.to_string(), (next - 1).to_string(), "{case}");
                assert_eq!(std::fs::metadata(dir.path().join(&file.add.path)).unwrap().len(), file.add.size as u64, "{case}");
            }
            assert_eq!(next, 50_000, "{case}");
            assert!(files.is_sorted_by_key(|file| &file.add.path), "{case}");
            match case {
                "few rows" => assert_eq!(files.len(), 50),
                _ => assert!(files.len() > 2 && files.iter().all(|file| file.add.size < 1_000_000), "{case}: {files:?}"),
            }
        }
    }

    #[tokio::test]
    async fn open_files_are_bounded_and_no_rows_make_no_file() {
        let (_dir, mut task) = attempt(true, Limits { open_files: 8, ..NO_LIMITS }).await;
        for push in 0..3 {
            task.push(rows(push * 100, 100, 50)).await.unwrap();
            assert!(task.open.len() <= 8);
        }
        let files = finished(task).await;
        assert_eq!((rows_of(&files), files.len()), (300, 150), "each partition's file was ended before its next rows came");
        let (_dir, mut task) = attempt(true, NO_LIMITS).await;
        task.push(rows(0, 0, 1)).await.unwrap();
        assert!(finished(task).await.is_empty());
    }
}
