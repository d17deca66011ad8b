//! One Parquet file as batches in the columns of the slice's schema, or why there are none. What becomes of a file that cannot
//! be read is not decided here.

use std::any::Any;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::TryStreamExt;
use tidemill_planner::{Error, Result};

use super::super::FileSlice;
use super::super::columns::{FileColumns, Wanted};
use super::super::input::Input;
use super::super::int96::in_micros;
use crate::log::blocking;

/// So much of a file's end is read at once, since a footer is seldom larger.
const FOOTER_BYTES: usize = 64 << 10;

/// Why no rows come.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What the bytes of the file say, now and for ever.
    Damaged(String),
    /// Anything else: the file changed, storage failed, the query ended. It may be otherwise the next time.
    Failed(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ParquetError> for Trouble {
    fn from(error: ParquetError) -> Self {
        let error = match error {
            // An error of ours is what `Storage` said.
            ParquetError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => return Self::Failed(*ours),
                Err(other) => ParquetError::External(other),
            },
            other => other,
        };
        unreadable(error)
    }
}

fn unreadable(why: impl std::fmt::Display) -> Trouble {
    Trouble::Damaged(format!("it cannot be read as Parquet: {why}"))
}

/// What the columns say of a file that others beside it do not: its bytes are at fault.
fn misfit(error: Error) -> Trouble {
    Trouble::Damaged(error.message().to_owned())
}

/// Some row groups of a file.
pub(super) struct Rows {
    input: Input,
    file: Arc<File>,
    stream: ParquetRecordBatchStream<Storage>,
    columns: FileColumns,
    /// Rows that the footer counts and that have not come.
    rows_left: u64,
}

impl Rows {
    /// Opens a file to read the row groups whose first byte lies in `range`.
    pub(super) async fn open(slice: &FileSlice, file: usize, range: Range<u64>) -> Result<Self, Trouble> {
        let input = slice.input(file);
        let file = {
            let input = input.clone();
            Arc::new(blocking(move || input.open()).await?)
        };
        let rows = Self::of(slice, input.clone(), Arc::clone(&file), range).await;
        if rows.is_err() {
            // It is damaged only if it is what was listed, rather than what somebody is writing.
            unchanged(&input, &file).await?;
        }
        rows
    }

    async fn of(slice: &FileSlice, input: Input, file: Arc<File>, range: Range<u64>) -> Result<Self, Trouble> {
        if input.bytes() == 0 {
            return Err(unreadable("the file is empty"));
        }
        let mut storage = Storage { input: input.clone(), file: Arc::clone(&file) };
        let footer = guarded(async { in_micros(ArrowReaderMetadata::load_async(&mut storage, ArrowReaderOptions::new()).await?) }).await?;
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(storage, footer);
        let (mut row_groups, mut rows_left) = (Vec::new(), 0u64);
        for (at, group) in builder.metadata().row_groups().iter().enumerate() {
            let (Some(first), Ok(rows)) = (first_byte(group, input.bytes()), u64::try_from(group.num_rows())) else {
                return Err(unreadable(format!("its footer says that row group {at} lies outside of the file")));
            };
            if range.contains(&first) {
                row_groups.push(at);
                rows_left = rows_left.saturating_add(rows);
            }
        }
        let columns = match FileColumns::matched(slice.schema(), builder.schema(), input.path().display().to_string(), Wanted::Declared) {
            Ok(columns) => columns,
            // A file is at fault itself; where several have come and none fits, it is what the program declares.
            Err(error) if is_at_fault(slice, &input).await => return Err(misfit(error)),
            Err(error) => return Err(Trouble::Failed(error)),
        };
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.roots());
        let builder = builder.with_row_groups(row_groups).with_projection(mask).with_batch_size(slice.batch_rows());
        let stream = guarded(async { builder.build() }).await?;
        Ok(Self { input, file, stream, columns, rows_left })
    }

    /// The next rows, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, Trouble> {
        let read = guarded(self.stream.try_next()).await;
        let rows = read.and_then(|batch| self.checked(batch));
        if !matches!(rows, Ok(Some(_))) {
            unchanged(&self.input, &self.file).await?;
        }
        rows
    }

    fn checked(&mut self, batch: Option<RecordBatch>) -> Result<Option<RecordBatch>, Trouble> {
        let rows = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        let left = self.rows_left.checked_sub(rows).filter(|left| batch.is_some() || *left == 0);
        self.rows_left = left.ok_or_else(|| unreadable("it does not hold as many rows as its footer counts"))?;
        batch.map(|batch| self.columns.adapt(&batch).map_err(misfit)).transpose()
    }
}

/// Whether a file that does not fit the schema is to be taken for a fault of its own: another file of the slice fits, or there is none
/// to go by.
async fn is_at_fault(slice: &FileSlice, misfit: &Input) -> bool {
    let mut alone = true;
    for at in 0..slice.files().len() {
        let input = slice.input(at);
        if input.path() == misfit.path() {
            continue;
        }
        let opened = {
            let input = input.clone();
            blocking(move || input.open()).await
        };
        let Ok(file) = opened else { continue };
        let mut storage = Storage { input, file: Arc::new(file) };
        let read = guarded(async { in_micros(ArrowReaderMetadata::load_async(&mut storage, ArrowReaderOptions::new()).await?) }).await;
        let Ok(footer) = read else { continue };
        if FileColumns::matched(slice.schema(), footer.schema(), "", Wanted::Declared).is_ok() {
            return true;
        }
        alone = false;
    }
    alone
}

/// Where a row group begins, if that is in a file of so many bytes.
fn first_byte(group: &RowGroupMetaData, bytes: u64) -> Option<u64> {
    let begins = group.columns().iter().map(|column| column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset()));
    u64::try_from(begins.min().unwrap_or(0)).ok().filter(|first| *first < bytes)
}

async fn unchanged(input: &Input, file: &Arc<File>) -> Result<()> {
    let (input, file) = (input.clone(), Arc::clone(file));
    blocking(move || input.check(&file)).await
}

/// What the Parquet reader answers; there is damage that it does not expect, and panics at.
async fn guarded<T>(reading: impl Future<Output = ParquetResult<T>>) -> Result<T, Trouble> {
    match AssertUnwindSafe(reading).catch_unwind().await {
        Ok(answer) => Ok(answer?),
        Err(panic) => Err(unreadable(format!("the reader gave up on it ({})", panic_message(panic.as_ref())))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// The bytes of a file as the Parquet reader asks for them, read on tokio's blocking pool. A range that the file does not have is
/// the file's fault; what goes wrong with the others is storage's, and is told by an [`Error`].
struct Storage {
    input: Input,
    file: Arc<File>,
}

impl AsyncFileReader for Storage {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let read = self.get_byte_ranges(vec![range]);
        async move { Ok(read.await?.pop().unwrap_or_default()) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        let bytes = self.input.bytes();
        if let Some(Range { start, end }) = ranges.iter().find(|range| range.start > range.end || range.end > bytes) {
            let beyond = ParquetError::EOF(format!("bytes {start} to {end} are wanted of a file of {bytes}"));
            return futures::future::ready(Err(beyond)).boxed();
        }
        let (input, file) = (self.input.clone(), Arc::clone(&self.file));
        let read = move |range: Range<u64>| -> Result<Bytes> {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            file.read_exact_at(&mut bytes, range.start).map_err(|error| Error::io_at(input.path().display(), error))?;
            Ok(Bytes::from(bytes))
        };
        let reading = blocking(move || ranges.into_iter().map(read).collect::<Result<Vec<_>>>());
        async move { reading.await.map_err(|error| ParquetError::External(Box::new(error))) }.boxed()
    }

    fn get_metadata<'a>(&'a mut self, options: Option<&'a ArrowReaderOptions>) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let bytes = self.input.bytes();
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options).with_prefetch_hint(Some(FOOTER_BYTES));
            Ok(Arc::new(reader.load_and_finish(self, bytes).await?))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use tidemill_planner::ErrorKind;

    use super::*;

    #[test]
    fn damage_is_told_from_what_may_pass() {
        let os = |number| std::io::Error::from_raw_os_error(number);
        let ours = |error| ParquetError::External(Box::new(Error::io_at("/in/a.parquet", error)));
        // What decompression says comes as an I/O error too.
        let corrupt = || std::io::Error::other("Data corruption detected");
        for (error, expected) in [
            (ParquetError::General("bad page".to_owned()), None),
            (ParquetError::EOF("short".to_owned()), None),
            (ParquetError::NYI("lzo".to_owned()), None),
            (ParquetError::External(Box::new(corrupt())), None),
            // EIO, ENFILE and EMFILE, EACCES.
            (ours(os(5)), Some(ErrorKind::Io)),
            (ours(os(23)), Some(ErrorKind::Io)),
            (ours(os(24)), Some(ErrorKind::Io)),
            (ours(os(13)), Some(ErrorKind::Io)),
            (ParquetError::External(Box::new(Error::cancelled("shut down"))), Some(ErrorKind::Cancelled)),
        ] {
            let text = error.to_string();
            match (Trouble::from(error), expected) {
                (Trouble::Damaged(reason), None) => assert!(reason.contains(&text), "{reason}"),
                (Trouble::Failed(error), Some(kind)) => assert_eq!(error.kind(), kind, "{text}"),
                (trouble, _) => panic!("{text}: {trouble:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_panic_of_the_reader_is_damage() {
        async fn read() -> ParquetResult<()> {
            panic!("deliberate")
        }
        let Err(Trouble::Damaged(reason)) = guarded(read()).await else { panic!("it is damage") };
        assert!(reason.contains("cannot be read as Parquet") && reason.contains("deliberate"), "{reason}");
    }
}
