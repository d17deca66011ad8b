//! The data files of one attempt at a task, while nobody sees them: rows in the table's columns go into one file after the other, or into one
//! per partition at a time. Where they lie and what they are called is told by whoever makes them; what becomes of them too.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_planner::{Error, Result};

use crate::encoder::{Encoded, Encoder};
use crate::io::blocking;
use crate::log::actions::Add;
use crate::partition::Layout;
use crate::schema::PartitionValues;
use crate::write::{FileOptions, Written};

/// Rows that are encoded before it is looked how long the file has become.
const ROWS_AT_ONCE: usize = 8192;

/// Bytes that wait for the disk before they are written.
const BYTES_AT_ONCE: usize = 4 << 20;

/// Files that are ended at once.
const ENDED_AT_ONCE: usize = 16;

/// Files of an attempt that take rows at once.
const OPEN_FILES: usize = 2048;

/// Bytes of rows that an attempt gathers in open files.
const HELD_BYTES: usize = 64 << 20;

/// How much an attempt has in hand, and how large its files become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many rows a file has at most.
    pub(crate) rows_per_file: usize,
    /// A file that has come to so many bytes is ended.
    pub(crate) file_bytes: u64,
    /// How many files take rows at once: beyond that, the one that was begun first is ended.
    pub(crate) open_files: usize,
    /// How many bytes of rows wait in open files: beyond that, the fullest one writes what it has.
    pub(crate) held_bytes: usize,
}

impl Limits {
    /// The usual ones, for files of so many bytes.
    pub(crate) fn of_files(file_bytes: u64) -> Self {
        Self { rows_per_file: usize::MAX, file_bytes, open_files: OPEN_FILES, held_bytes: HELD_BYTES }
    }
}

/// Where an attempt's files lie, and what they are called: no other attempt has such names.
pub(crate) trait FilePlace: Debug + Send + Sync {
    /// Makes file `number`, still empty, for rows of these partition values; blocking.
    ///
    /// # Errors
    /// `Io` of the disk; `Cancelled` when nobody waits for the attempt any more.
    fn create(&self, number: u32, values: &PartitionValues) -> Result<NewFile>;
}

/// A file that was made.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// As the log will have it.
    pub(crate) path: String,
    /// Where its bytes go now.
    pub(crate) local: PathBuf,
}

/// A file that is whole. Its time is the commit's to say.
#[derive(Debug)]
pub(crate) struct EndedFile {
    number: u32,
    /// Where it lies.
    pub(crate) local: PathBuf,
    pub(crate) written: Written,
}

/// Writes the files of one attempt.
pub(crate) struct AttemptFiles {
    place: Arc<dyn FilePlace>,
    layout: Arc<Layout>,
    options: FileOptions,
    limits: Limits,
    /// How many were begun.
    files: u32,
    /// By the partition of the table.
    open: BTreeMap<PartitionValues, OpenFile>,
    /// Of all open files.
    held_bytes: usize,
    ended: Vec<EndedFile>,
}

/// A data file that takes rows.
struct OpenFile {
    number: u32,
    file: NewFile,
    values: PartitionValues,
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
            write(self.file.local.clone(), bytes, false).await?;
        }
        self.held_bytes = self.encoder.held_bytes();
        Ok(())
    }

    async fn end(self, durable: bool) -> Result<EndedFile> {
        let rows = self.encoder.rows() as u64;
        let Encoded { bytes, stats } = self.encoder.end()?;
        let size = self.written_bytes + bytes.len() as u64;
        let NewFile { path, local } = self.file;
        write(local.clone(), bytes, durable).await?;
        let add = Add { path, partition_values: self.values, size: size as i64, data_change: true, stats: Some(stats), ..Add::default() };
        Ok(EndedFile { number: self.number, local, written: Written { add, rows } })
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

impl AttemptFiles {
    /// No files yet.
    pub(crate) fn new(place: Arc<dyn FilePlace>, layout: Arc<Layout>, options: FileOptions, limits: Limits) -> Self {
        Self { place, layout, options, limits, files: 0, open: BTreeMap::new(), held_bytes: 0, ended: Vec::new() }
    }

    /// Adds rows in the table's columns.
    pub(crate) async fn push(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let layout = Arc::clone(&self.layout);
        for (values, rows) in layout.split(&[rows])? {
            for rows in &rows {
                self.write(&values, rows).await?;
            }
        }
        Ok(())
    }

    /// Ends all files and gives them in the order in which they were begun.
    pub(crate) async fn finish(mut self) -> Result<Vec<EndedFile>> {
        let durable = self.options.durable;
        let open = std::mem::take(&mut self.open);
        let ending: Vec<_> = open.into_values().map(|file| file.end(durable)).collect();
        let ended: Vec<EndedFile> = stream::iter(ending).buffer_unordered(ENDED_AT_ONCE).try_collect().await?;
        self.ended.extend(ended);
        self.ended.sort_by_key(|file| file.number);
        Ok(self.ended)
    }

    async fn begin_file(&mut self, values: &PartitionValues) -> Result<OpenFile> {
        let encoder = Encoder::try_new(&self.layout.file, &self.options)?;
        let (place, number, of) = (Arc::clone(&self.place), self.files, values.clone());
        let file = blocking(move || place.create(number, &of)).await?;
        self.files += 1;
        Ok(OpenFile { number, file, values: values.clone(), encoder, written_bytes: 0, held_bytes: 0 })
    }

    /// Adds rows (in the columns of the data files) of one partition of the table.
    async fn write(&mut self, values: &PartitionValues, rows: &RecordBatch) -> Result<()> {
        let limits = self.limits;
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
        match first.filter(|_| self.open.len() >= self.limits.open_files) {
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
        let ended = file.end(self.options.durable).await?;
        self.ended.push(ended);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
    use tempfile::TempDir;

    use crate::stats::FileStats;
    use crate::write::Codec;

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

    /// A folder in which files are called by their numbers.
    #[derive(Debug)]
    struct Numbered(PathBuf);

    impl FilePlace for Numbered {
        fn create(&self, number: u32, _values: &PartitionValues) -> Result<NewFile> {
            let path = format!("{number:05}");
            let local = self.0.join(&path);
            File::create_new(&local).map_err(|e| Error::io_at(local.display(), e))?;
            Ok(NewFile { path, local })
        }
    }

    /// An attempt at a task that writes into a new folder.
    fn attempt(partitioned: bool, limits: Limits) -> (TempDir, AttemptFiles) {
        let dir = tempfile::tempdir().unwrap();
        let partition_by = if partitioned { vec!["p".to_owned()] } else { Vec::new() };
        let layout = Arc::new(Layout::try_new(&schema(), &partition_by).unwrap());
        let options = FileOptions { codec: Codec::Snappy, distinct: Vec::new(), durable: false };
        let files = AttemptFiles::new(Arc::new(Numbered(dir.path().to_path_buf())), layout, options, limits);
        (dir, files)
    }

    async fn finished(task: AttemptFiles) -> Vec<Written> {
        task.finish().await.unwrap().into_iter().map(|file| file.written).collect()
    }

    fn rows_of(files: &[Written]) -> u64 {
        files.iter().map(|file| file.rows).sum()
    }

    #[tokio::test]
    async fn ten_times_the_rows_take_no_more_memory() {
        for partitions in [1, 20] {
            let mut most = Vec::new();
            for pushes in [10, 100] {
                let limits = Limits { held_bytes: 512 << 10, ..NO_LIMITS };
                let (_dir, mut task) = attempt(partitions > 1, limits);
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
            let (dir, mut task) = attempt(false, limits);
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
        let (_dir, mut task) = attempt(true, Limits { open_files: 8, ..NO_LIMITS });
        for push in 0..3 {
            task.push(rows(push * 100, 100, 50)).await.unwrap();
            assert!(task.open.len() <= 8);
        }
        let files = finished(task).await;
        assert_eq!((rows_of(&files), files.len()), (300, 150), "each partition's file was ended before its next rows came");
        let (_dir, mut task) = attempt(true, NO_LIMITS);
        task.push(rows(0, 0, 1)).await.unwrap();
        assert!(finished(task).await.is_empty());
    }
}
