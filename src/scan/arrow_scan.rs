//! The rows of Arrow IPC files as a scan of the engine: columns are found by name and come in the table's types, those that nobody asks for
//! are not decoded (in the file framing; in the stream framing they are left out later), and what a file does not hold is told with its name.
//!
//! ```text
//! file    footer ─► its batches within the task's piece of the file ─► decoded ─► the table's columns
//! stream  first byte to last, by the task whose piece begins with the first
//! ```

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, MutableArrayData, RecordBatch, RecordBatchOptions, make_array};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::Block;
use arrow::ipc::reader::{FileDecoder, StreamDecoder};
use bytes::Bytes;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpenFuture, FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::projection::{ProjectionOpener, SplitProjection};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::apply_expression_roots;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};
use tidemill_executor::files::{FileColumns, Wanted, shown_location};

use super::arrow_layout::{Footer, Framing, HEAD_BYTES, TAIL_BYTES, guarded, in_spark_types, span, unreadable};
use super::arrow_lengths::{bytes_of_message, check_block, check_message};
use super::table_file::gone;
use tidemill_planner::{Error, Result};

/// So many bytes of a file are a task's at least.
const PIECE_BYTES: u64 = 8 << 20;
/// So many bytes are asked of the storage at once, or one batch if that is larger.
const BYTES_AT_ONCE: u64 = 4 << 20;
/// How many such reads are under way.
const READS_AHEAD: usize = 2;

/// A file in as many pieces as tasks are worth it. In which framing it is, is seen when it is opened.
pub(super) fn pieces(file: PartitionedFile, tasks: usize) -> impl Iterator<Item = PartitionedFile> {
    let bytes = file.object_meta.size;
    let count = (bytes / PIECE_BYTES).clamp(1, tasks.max(1) as u64);
    let at = move |piece: u64| i64::try_from(bytes / count * piece).unwrap_or(i64::MAX);
    (0..count).map(move |piece| {
        let end = if piece + 1 == count { i64::try_from(bytes).unwrap_or(i64::MAX) } else { at(piece + 1) };
        if count == 1 { file.clone() } else { file.clone().with_range(at(piece), end) }
    })
}

/// Arrow files as a source of the engine's scans.
#[derive(Debug, Clone)]
pub(super) struct ArrowFiles {
    table: TableSchema,
    projection: SplitProjection,
    batch_rows: usize,
    metrics: ExecutionPlanMetricsSet,
}

impl ArrowFiles {
    pub(super) fn new(table: TableSchema) -> Self {
        Self { projection: SplitProjection::unprojected(&table), table, batch_rows: 8192, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl FileSource for ArrowFiles {
    fn create_file_opener(&self, store: Arc<dyn ObjectStore>, scan: &FileScanConfig, _: usize) -> DfResult<Arc<dyn FileOpener>> {
        let wanted = Arc::new(self.table.file_schema().project(&self.projection.file_indices)?);
        let opener = Arc::new(Opener { store, wanted, batch_rows: self.batch_rows });
        let opener = ProjectionOpener::try_new(self.projection.clone(), opener, self.table.file_schema())?;
        Ok(Arc::new(OneSchema { opener, schema: scan.projected_schema()? }))
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table
    }

    fn with_batch_size(&self, batch_rows: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_rows, ..self.clone() })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "arrow"
    }

    /// Its files are in pieces already.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> DfResult<Option<Arc<dyn FileSource>>> {
        let merged = self.projection.source.try_merge(projection)?;
        Ok(Some(Arc::new(Self { projection: SplitProjection::new(self.table.file_schema(), &merged), ..self.clone() })))
    }

    fn apply_expressions(&self, f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        apply_expression_roots(self.projection.source.iter(), f)
    }
}

/// Files whose batches all say that they have the scan's columns. The engine's projection says of a folder's value that it is null, or
/// never null, as it is in the folder.
struct OneSchema {
    opener: Arc<dyn FileOpener>,
    schema: SchemaRef,
}

impl FileOpener for OneSchema {
    fn open(&self, file: PartitionedFile) -> DfResult<FileOpenFuture> {
        let (opened, schema) = (self.opener.open(file)?, Arc::clone(&self.schema));
        Ok(Box::pin(async move {
            let batches = opened.await?.map(move |batch| {
                let batch = batch?;
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), batch.columns().to_vec(), &options)?)
            });
            Ok(batches.boxed())
        }))
    }
}

/// Opens files for the columns that are asked for.
struct Opener {
    store: Arc<dyn ObjectStore>,
    wanted: SchemaRef,
    batch_rows: usize,
}

impl FileOpener for Opener {
    fn open(&self, file: PartitionedFile) -> DfResult<FileOpenFuture> {
        let path = shown_location(&file.object_meta.location).into();
        let opened =
            Opened { store: Arc::clone(&self.store), wanted: Arc::clone(&self.wanted), batch_rows: self.batch_rows.max(1), path, file };
        Ok(Box::pin(async move { Ok(opened.rows().await?) }))
    }
}

type Rows = BoxStream<'static, DfResult<RecordBatch>>;

/// A file, or the piece of one that a task reads.
#[derive(Clone)]
struct Opened {
    store: Arc<dyn ObjectStore>,
    wanted: SchemaRef,
    batch_rows: usize,
    /// In messages.
    path: Arc<str>,
    file: PartitionedFile,
}

impl Opened {
    async fn rows(self) -> Result<Rows> {
        let head = self.bytes(0..HEAD_BYTES.min(self.size())).await?;
        match Framing::told_by(&head).map_err(|e| self.unreadable(e))? {
            Framing::File => self.file().await,
            Framing::Stream => Ok(self.stream()),
        }
    }

    async fn file(self) -> Result<Rows> {
        let size = self.size();
        let tail = self.bytes(size.saturating_sub(TAIL_BYTES)..size).await?;
        let place = Footer::place(&tail, size).map_err(|e| self.unreadable(e))?;
        let footer = Footer::of(&self.bytes(place).await?).map_err(|e| self.unreadable(e))?;
        let columns = Arc::new(Columns::matched(&self, &footer.schema)?);
        let mut decoder = FileDecoder::new(Arc::clone(&footer.schema), footer.version).with_projection(columns.roots.clone());
        for block in &footer.dictionaries {
            let place = span(block, size).map_err(|e| self.unreadable(e))?;
            let bytes = Buffer::from(self.bytes(place).await?);
            guarded(|| check_block(block, &bytes).and_then(|()| decoder.read_dictionary(block, &bytes))).map_err(|e| self.unreadable(e))?;
        }
        let piece = self.file.range.clone();
        let mine = footer.batches.iter().filter(|block| piece.as_ref().is_none_or(|piece| piece.contains(block.offset())));
        let places = mine
            .map(|block| span(block, size).map(|place| (*block, place)))
            .collect::<Result<Vec<_>, ArrowError>>()
            .map_err(|e| self.unreadable(e))?;
        let reader = self.clone();
        let read = stream::iter(together(places)).map(move |places| reader.clone().blocks(places)).buffered(READS_AHEAD);
        let blocks = read.map_ok(|blocks| stream::iter(blocks.into_iter().map(Ok::<_, Error>))).try_flatten();
        let batches = blocks.try_filter_map(move |(block, bytes)| {
            let bytes = Buffer::from(bytes);
            let decoded = guarded(|| check_block(&block, &bytes).and_then(|()| decoder.read_record_batch(&block, &bytes)));
            std::future::ready(decoded.map_err(|e| self.unreadable(e)))
        });
        Ok(batches.map_ok(move |batch| in_the_tables_columns(Arc::clone(&columns), batch)).try_flatten().boxed())
    }

    fn stream(self) -> Rows {
        // Where its batches begin is not to be told without reading all before.
        if self.file.range.as_ref().is_some_and(|piece| piece.start > 0) {
            return stream::empty().boxed();
        }
        let nothing = || Buffer::from(Vec::<u8>::new());
        let read = StreamRead { from: 0, waiting: nothing(), checked: nothing(), decoder: StreamDecoder::new(), columns: None, at: self };
        let batches = stream::try_unfold(read, |mut read| async move {
            let next = read.next().await?;
            Ok::<_, Error>(next.map(|batch| (batch, read)))
        });
        batches.map_ok(|(columns, batch)| in_the_tables_columns(columns, batch)).try_flatten().boxed()
    }

    fn size(&self) -> u64 {
        self.file.object_meta.size
    }

    async fn bytes(&self, range: Range<u64>) -> Result<Bytes> {
        self.store.get_range(&self.file.object_meta.location, range).await.map_err(|e| self.refused(e))
    }

    async fn blocks(self, places: Vec<(Block, Range<u64>)>) -> Result<Vec<(Block, Bytes)>> {
        let (blocks, ranges): (Vec<_>, Vec<_>) = places.into_iter().unzip();
        let read = self.store.get_ranges(&self.file.object_meta.location, &ranges).await.map_err(|e| self.refused(e))?;
        Ok(blocks.into_iter().zip(read).collect())
    }

    fn refused(&self, error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } => gone(Path::new(&*self.path)),
            error => Error::from(DataFusionError::from(error)).context(&self.path),
        }
    }

    fn unreadable(&self, error: ArrowError) -> Error {
        unreadable(&self.path, error)
    }
}

/// Places one after the other, as many as are read at once.
fn together(places: Vec<(Block, Range<u64>)>) -> Vec<Vec<(Block, Range<u64>)>> {
    let mut groups: Vec<Vec<_>> = Vec::new();
    let mut bytes = 0;
    for (block, place) in places {
        let more = place.end - place.start;
        match groups.last_mut().filter(|_| bytes + more <= BYTES_AT_ONCE) {
            Some(group) => {
                bytes += more;
                group.push((block, place));
            }
            None => {
                bytes = more;
                groups.push(vec![(block, place)]);
            }
        }
    }
    groups
}

/// A file in the stream framing while it is read.
struct StreamRead {
    at: Opened,
    /// What was read from the storage ends here.
    from: u64,
    /// What was read and is not yet looked at.
    waiting: Buffer,
    /// The message before that, as far as the decoder has not taken it.
    checked: Buffer,
    decoder: StreamDecoder,
    columns: Option<Arc<Columns>>,
}

impl StreamRead {
    async fn next(&mut self) -> Result<Option<(Arc<Columns>, RecordBatch)>> {
        loop {
            if self.checked.is_empty() && !self.take_message().await? {
                guarded(|| self.decoder.finish()).map_err(|e| self.at.unreadable(e))?;
                return Ok(None);
            }
            let decoded = guarded(|| self.decoder.decode(&mut self.checked)).map_err(|e| self.at.unreadable(e))?;
            let Some(batch) = decoded else { continue };
            let columns = match &self.columns {
                Some(columns) => Arc::clone(columns),
                None => Arc::clone(self.columns.insert(Arc::new(Columns::matched(&self.at, &batch.schema())?))),
            };
            let batch = batch.project(&columns.roots)?;
            return Ok(Some((columns, batch)));
        }
    }

    /// Takes the next message for the decoder; false at the end of the file.
    async fn take_message(&mut self) -> Result<bool> {
        loop {
            let left = self.at.size().saturating_sub(self.from);
            let waiting = self.waiting.len() as u64;
            if waiting == 0 && left == 0 {
                return Ok(false);
            }
            let needed = guarded(|| bytes_of_message(&self.waiting)).map_err(|e| self.at.unreadable(e))?;
            if needed <= waiting {
                let bytes = needed as usize;
                self.checked = self.waiting.slice_with_length(0, bytes);
                self.waiting.advance(bytes);
                guarded(|| check_message(&self.checked)).map_err(|e| self.at.unreadable(e))?;
                return Ok(true);
            }
            let more = needed - waiting;
            if more > left {
                return Err(self.at.unreadable(ArrowError::ParseError("it ends within a message".to_owned())));
            }
            let until = self.from + left.min(more.max(BYTES_AT_ONCE));
            let read = self.at.bytes(self.from..until).await?;
            self.from = until;
            self.waiting = if waiting == 0 { Buffer::from(read) } else { Buffer::from([&self.waiting[..], &read[..]].concat()) };
        }
    }
}

/// How the columns of a file become those that are asked for.
struct Columns {
    path: Arc<str>,
    /// Where they are in the file, rising.
    roots: Vec<usize>,
    /// Those columns in Spark's types.
    spark: SchemaRef,
    found: FileColumns,
    batch_rows: usize,
}

impl Columns {
    fn matched(at: &Opened, file: &Schema) -> Result<Self> {
        let spark = in_spark_types(file);
        let found = FileColumns::matched(&at.wanted, &spark, &*at.path, Wanted::Declared)?;
        let mut roots: Vec<usize> = found.roots().collect();
        roots.sort_unstable();
        roots.dedup();
        let spark = Arc::new(spark.project(&roots)?);
        Ok(Self { path: Arc::clone(&at.path), roots, spark, found, batch_rows: at.batch_rows })
    }

    fn rows(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let columns = batch.columns().iter().zip(self.spark.fields()).map(|(column, field)| {
            // Of its own rows first: a cast of a slice may go through all that the file's batch has.
            let made = own(column).and_then(|own| match own.data_type() == field.data_type() {
                true => Ok(own),
                false => cast_with_options(&own, field.data_type(), &strict),
            });
            made.map_err(|e| Error::data(format!("{}: column `{}`: {e}", self.path, field.name())).with_source(e))
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let spark = RecordBatch::try_new_with_options(Arc::clone(&self.spark), columns.collect::<Result<_>>()?, &options);
        self.found.adapt(&spark.map_err(|e| unreadable(&self.path, e))?)
    }
}

/// The rows of a file's batch, which may be as large as the file, a batch of the engine's at a time.
fn in_the_tables_columns(columns: Arc<Columns>, batch: RecordBatch) -> BoxStream<'static, DfResult<RecordBatch>> {
    let at_once = columns.batch_rows;
    let starts = (0..batch.num_rows()).step_by(at_once);
    stream::iter(starts.map(move |from| Ok::<_, DataFusionError>(columns.rows(&batch.slice(from, at_once.min(batch.num_rows() - from)))?)))
        .boxed()
}

/// A copy that holds its own rows alone: who keeps some of them does not keep what was read with them.
fn own(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let data = array.to_data();
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    copy.try_extend(0, 0, data.len())?;
    Ok(make_array(copy.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_cut() {
        for (bytes, tasks, expected) in [
            (100, 4, vec![]),
            (2 * PIECE_BYTES, 4, vec![(0, PIECE_BYTES as i64), (PIECE_BYTES as i64, 2 * PIECE_BYTES as i64)]),
            (64 * PIECE_BYTES, 2, vec![(0, 32 * PIECE_BYTES as i64), (32 * PIECE_BYTES as i64, 64 * PIECE_BYTES as i64)]),
            (64 * PIECE_BYTES, 0, vec![]),
        ] {
            let cut = pieces(PartitionedFile::new("a.arrow", bytes), tasks);
            let ranges: Vec<(i64, i64)> = cut.filter_map(|piece| piece.range.map(|range| (range.start, range.end))).collect();
            assert_eq!(ranges, expected, "{bytes} bytes, {tasks} tasks");
        }
    }

    #[test]
    fn reads_are_put_together() {
        let place = |start: u64, bytes: u64| (Block::new(start as i64, 0, bytes as i64), start..start + bytes);
        let half = BYTES_AT_ONCE / 2;
        let groups = together(vec![place(0, half), place(half, half), place(2 * half, 1), place(3 * half, 3 * half), place(9 * half, 1)]);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
    }
}
