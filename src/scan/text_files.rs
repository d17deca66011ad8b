//! Text files as slices: lines of JSON by the strict decoder, records of CSV in Spark's rules, lines as they are.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tidemill_executor::files::{FileEntry, FileFormat, FileSlice, MalformedLines, StoredObject, TextChunk, malformed_schema};
use tidemill_planner::scan::ScanTable;
use tidemill_planner::seam::{Slice, TaskScope};
use tidemill_planner::{SourceId, key};
use tidemill_spark::Settings;
use tidemill_spark::functions::{CsvColumns, CsvReader};
use tidemill_spark::types::StructField;

use super::file_options::FileOptions;
use super::table_file::{FileAt, TableFile, gone, with_values};
use tidemill_planner::{Error, Result};

/// So many records of CSV make a batch.
const BATCH_ROWS: usize = 8192;

/// What the lines are.
#[derive(Debug, Clone)]
pub(crate) enum TextFormat {
    /// Objects, and what becomes of lines that are none of the columns.
    Json(MalformedLines),
    /// Records, and whether the first line of a file names the columns.
    Csv(Arc<CsvReader>, bool),
    /// Values of the one column.
    Lines,
}

/// The files as a table, of the columns `schema` of which the files hold `data`.
pub(super) fn table(files: Vec<TableFile>, format: &TextFormat, data: &SchemaRef, schema: &SchemaRef) -> Result<ScanTable> {
    let (kind, malformed) = match format {
        TextFormat::Json(_) => (FileFormat::Json, Some(malformed_schema())),
        TextFormat::Csv(..) | TextFormat::Lines => (FileFormat::Text, None),
    };
    let lines = if let TextFormat::Json(lines) = format { *lines } else { MalformedLines::default() };
    let (names, parts) = match files.first().is_some_and(|file| file.object.is_some()) {
        true => stored_parts(files, kind, data, lines)?,
        false => local_parts(files, kind, data, lines)?,
    };
    // Warnings name the source, so it says where it is.
    let first = names.lines().next().unwrap_or_default();
    let more = names.lines().count().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let columns = format!("{names}{data:?}{schema:?}{lines:?}");
    let id = SourceId::new(format!("{} {first}{more} ({:016x})", kind.as_str(), key::stable_hash(columns.as_bytes())));
    let slice = TextSlice { parts: parts.into(), format: format.clone(), data: Arc::clone(data), schema: Arc::clone(schema) };
    Ok(ScanTable::batch(id, Arc::clone(schema), malformed, Arc::new(slice)))
}

/// Files of one partition, with its values.
type Part = (Vec<ScalarValue>, FileSlice);

/// Files on the local disk by partition, and their names.
fn local_parts(files: Vec<TableFile>, kind: FileFormat, data: &SchemaRef, lines: MalformedLines) -> Result<(String, Vec<Part>)> {
    let root = Path::new("/");
    let mut names = String::new();
    let mut by_values: Vec<(Vec<ScalarValue>, Vec<FileEntry>)> = Vec::new();
    for TableFile { path, values, .. } in files {
        let below = path.strip_prefix(root).unwrap_or(&path).to_str();
        let below = below.ok_or_else(|| Error::unsupported(format!("{}: the file's name is not UTF-8; rename it", path.display())))?;
        let entry = FileEntry::of(root, below)?.ok_or_else(|| gone(&path))?;
        names.push('/');
        names.push_str(below);
        names.push('\n');
        match by_values.last_mut().filter(|(known, _)| *known == values) {
            Some((_, entries)) => entries.push(entry),
            None => by_values.push((values, vec![entry])),
        }
    }
    let slice = |entries: Vec<FileEntry>| FileSlice::new(root, entries, kind, Arc::clone(data))?.with_malformed(lines);
    let parts = by_values.into_iter().map(|(values, entries)| Ok((values, slice(entries)?)));
    Ok((names, parts.collect::<Result<_>>()?))
}

/// The same of objects of a store.
fn stored_parts(files: Vec<TableFile>, kind: FileFormat, data: &SchemaRef, lines: MalformedLines) -> Result<(String, Vec<Part>)> {
    let mut names = String::new();
    let mut by_values: Vec<(Vec<ScalarValue>, Vec<StoredObject>)> = Vec::new();
    for TableFile { path, object, values } in files {
        let object = object.ok_or_else(|| Error::internal(format!("{} lies in no store, and others do", path.display())))?;
        names.push_str(&path.to_string_lossy());
        names.push('\n');
        match by_values.last_mut().filter(|(known, _)| *known == values) {
            Some((_, objects)) => objects.push(object),
            None => by_values.push((values, vec![object])),
        }
    }
    let slice = |objects: Vec<StoredObject>| FileSlice::of_objects(objects, kind, Arc::clone(data))?.with_malformed(lines);
    let parts = by_values.into_iter().map(|(values, objects)| Ok((values, slice(objects)?)));
    Ok((names, parts.collect::<Result<_>>()?))
}

#[derive(Debug)]
struct TextSlice {
    parts: Arc<[Part]>,
    format: TextFormat,
    data: SchemaRef,
    schema: SchemaRef,
}

impl Slice for TextSlice {
    fn execute(
        &self,
        partition: usize,
        partitions: usize,
        scan: &SourceId,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (parts, format, data, schema) =
            (Arc::clone(&self.parts), self.format.clone(), Arc::clone(&self.data), Arc::clone(&self.schema));
        let scan = scan.clone();
        let rows = stream::iter(0..parts.len())
            .map(move |at| {
                let (values, slice) = parts[at].clone();
                // Small files go to the first task of a slice: every slice has another one.
                let place = (partition + at) % partitions.max(1);
                let counted = (scan.clone(), TaskScope::of(&context));
                let count = move |batch: &RecordBatch| {
                    let (scan, scope) = &counted;
                    *scope.report().source_rows.entry(scan.clone()).or_default() += batch.num_rows() as u64;
                };
                let text = || slice.text(place, partitions);
                let rows: BoxStream<'static, Result<RecordBatch>> = match &format {
                    TextFormat::Json(_) => slice.execute(place, partitions, &scan, Arc::clone(&context))?.map_err(Error::from).boxed(),
                    TextFormat::Csv(reader, header) => {
                        records(text(), Arc::clone(reader), *header, Arc::clone(&data)).inspect_ok(count).boxed()
                    }
                    TextFormat::Lines => lines_of(text(), Arc::clone(&data)).inspect_ok(count).boxed(),
                };
                let schema = Arc::clone(&schema);
                Ok::<_, Error>(rows.map(move |batch| with_values(&batch?, &values, &schema)))
            })
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.map_err(Into::into))))
    }

    fn bytes(&self) -> Option<u64> {
        self.parts.iter().map(|(_, slice)| slice.bytes()).sum()
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.parts.iter().flat_map(|(_, slice)| slice.paths()).collect()
    }
}

/// The records in some text.
fn records(
    text: BoxStream<'static, Result<TextChunk>>,
    reader: Arc<CsvReader>,
    header: bool,
    columns: SchemaRef,
) -> impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static {
    text.map(move |chunk| {
        let chunk = chunk?;
        let mut lines = chunk.text.lines();
        if header && chunk.begins_file {
            lines.by_ref().find(|line| reader.holds_record(line));
        }
        let mut batches = Vec::new();
        loop {
            let mut taken = lines.by_ref().take(BATCH_ROWS).peekable();
            if taken.peek().is_none() {
                return Ok::<_, Error>(stream::iter(batches));
            }
            let (rows, arrays) = reader.read(taken).map_err(|e| e.context(&chunk.path))?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            batches.push(RecordBatch::try_new_with_options(Arc::clone(&columns), arrays, &options).map_err(Error::from));
        }
    })
    .try_flatten()
}

/// The lines of some text, each a value.
fn lines_of(
    text: BoxStream<'static, Result<TextChunk>>,
    columns: SchemaRef,
) -> impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static {
    text.map(move |chunk| {
        let chunk = chunk?;
        let mut lines = chunk.text.lines().peekable();
        let mut batches = Vec::new();
        while lines.peek().is_some() {
            let values: ArrayRef = Arc::new(StringArray::from_iter_values(lines.by_ref().take(BATCH_ROWS)));
            batches.push(RecordBatch::try_new(Arc::clone(&columns), vec![values]).map_err(Error::from));
        }
        Ok::<_, Error>(stream::iter(batches))
    })
    .try_flatten()
}

/// The columns of files of CSV. It blocks.
pub(super) fn columns_of_csv(files: &[FileAt], options: &FileOptions, settings: &Settings) -> Result<Vec<StructField>> {
    let mut columns = CsvColumns::new(options, settings)?;
    for file in files {
        if !columns.wants_more() {
            break;
        }
        columns.look_at(lines(file)?)?;
    }
    Ok(columns.finish())
}

/// The lines of a file, without the mark that some editors put at its head.
fn lines(file: &FileAt) -> Result<impl Iterator<Item = Result<String>>> {
    let lines = BufReader::new(file.text()?).split(b'\n').enumerate();
    let path = file.path.clone();
    Ok(lines.map(move |(at, line)| {
        let line = line.map_err(|e| Error::io_at(path.display(), e))?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let line = if at == 0 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        Ok(String::from_utf8_lossy(line).into_owned())
    }))
}
