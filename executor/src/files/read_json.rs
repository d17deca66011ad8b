//! The rows of JSON files as a stream: blocks are read ahead on tokio's blocking pool and decoded where the stream is
//! polled. Malformed lines go to the task's report, unless they are rows or an error.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::execution::TaskContext;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use tidemill_planner::seam::{Port, TaskScope};
use tidemill_planner::{Condition, Error, Result, SourceId};

use super::cut::Piece;
use super::format::{OnMalformed, malformed_schema};
use super::json::{JsonDecoder, MalformedLine};
use super::line_chunks::{Chunk, LineChunks};
use super::pieces::{Located, PieceReader, Read};
use super::slice::FileSlice;
use crate::log::blocking;

/// Malformed lines are handed over in batches of about so many.
const MALFORMED_ROWS: usize = 1024;

/// Lines that are being decoded.
struct Text {
    file: usize,
    bytes: Vec<u8>,
    at: usize,
    is_utf8: bool,
}

struct JsonStream {
    slice: FileSlice,
    scope: Arc<TaskScope>,
    scan: SourceId,
    decoder: JsonDecoder,
    /// The chunk after `text`, already on its way; `None` after the last.
    ahead: Option<BoxFuture<'static, Result<Read>>>,
    text: Option<Text>,
    /// The file and piece that lines are counted in: lines so far, and those before the piece once they had to be counted.
    place: Place,
    malformed: Vec<(usize, MalformedLine)>,
    found: Vec<MalformedLine>,
    rows_malformed: u64,
}

#[derive(Default)]
struct Place {
    file: usize,
    piece_start: u64,
    lines: u64,
    lines_before: Option<u64>,
}

/// The rows of `pieces`.
pub(super) fn read_json(
    slice: &FileSlice,
    pieces: Vec<Piece>,
    scan: &SourceId,
    context: &TaskContext,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let reader = PieceReader::new(slice.clone(), pieces);
    let stream = JsonStream {
        slice: slice.clone(),
        scope: TaskScope::of(context),
        scan: scan.clone(),
        decoder: slice.decoder()?,
        ahead: Some(blocking(move || reader.next())),
        text: None,
        place: Place::default(),
        malformed: Vec::new(),
        found: Vec::new(),
        rows_malformed: 0,
    };
    Ok(futures::stream::try_unfold(stream, |mut stream| async move { Ok(stream.next().await?.map(|batch| (batch, stream))) }).boxed())
}

/// The error for a malformed line where the first ends the read.
fn does_not_fit(path: &str, line: u64, reason: &str) -> Error {
    let (name, sqlstate) = ("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023");
    let condition = Condition { name: name.to_owned(), sqlstate: sqlstate.to_owned(), parameters: Vec::new(), place: None };
    Error::data(format!(
        "[{name}] {path}, line {line}: the record does not fit the columns: {reason}; correct it, or leave the option `mode` out to read the \
         others SQLSTATE: {sqlstate}"
    ))
    .with_condition(condition)
}

impl JsonStream {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch_rows = self.slice.batch_rows();
        loop {
            if self.decoder.is_full(batch_rows) {
                break;
            }
            if self.text.is_some() {
                self.decode(batch_rows).await?;
                continue;
            }
            let Some(ahead) = self.ahead.take() else { break };
            let (reader, located) = ahead.await?;
            if let Some(located) = located {
                self.ahead = Some(blocking(move || reader.next()));
                self.take(located).await?;
            }
        }
        self.report()?;
        let batch = self.decoder.flush()?;
        let rows = batch.as_ref().map_or(0, RecordBatch::num_rows) as u64 + std::mem::take(&mut self.rows_malformed);
        *self.scope.report().source_rows.entry(self.scan.clone()).or_default() += rows;
        Ok(batch)
    }

    async fn take(&mut self, located: Located) -> Result<()> {
        let Located { file, piece_start, chunk } = located;
        if (self.place.file, self.place.piece_start) != (file, piece_start) {
            self.place = Place { file, piece_start, ..Place::default() };
        }
        match chunk {
            Chunk::Lines(bytes) => {
                let is_utf8 = std::str::from_utf8(&bytes).is_ok();
                let is_first = piece_start == 0 && self.place.lines == 0;
                let at = if is_first && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
                self.text = Some(Text { file, bytes, at, is_utf8 });
            }
            Chunk::TooLong(head, length) => {
                self.place.lines += 1;
                let mut line = MalformedLine::new(self.place.lines, &head, "the line is too long to be read".to_owned());
                line.reason = format!("the line is too long to be read: it has {length} bytes (the text is cut)");
                self.found.push(line);
                self.file_found().await?;
            }
        }
        Ok(())
    }

    async fn decode(&mut self, batch_rows: usize) -> Result<()> {
        let Some(text) = &mut self.text else { return Ok(()) };
        let (taken, lines) = self.decoder.lines(&text.bytes[text.at..], text.is_utf8, self.place.lines + 1, batch_rows, &mut self.found);
        self.place.lines += lines;
        text.at += taken;
        debug_assert_eq!(text.file, self.place.file, "lines are counted in the file that they are in");
        if text.at == text.bytes.len() {
            self.text = None;
        }
        self.file_found().await
    }

    /// Puts malformed lines aside with their numbers in the file.
    async fn file_found(&mut self) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        let before = match self.place.lines_before {
            Some(before) => before,
            None if self.place.piece_start == 0 => 0,
            None => {
                let (input, start) = (self.slice.input(self.place.file), self.place.piece_start);
                blocking(move || LineChunks::lines_before(&input, start)).await?
            }
        };
        self.place.lines_before = Some(before);
        if self.slice.malformed().on == OnMalformed::Fail
            && let Some(line) = self.found.first()
        {
            let (path, number) = (self.slice.full_path(self.place.file), line.line + before);
            return Err(does_not_fit(&path, number, &line.reason));
        }
        self.rows_malformed += self.found.len() as u64;
        for mut line in self.found.drain(..) {
            line.line += before;
            self.malformed.push((self.place.file, line));
        }
        if self.malformed.len() >= MALFORMED_ROWS { self.report() } else { Ok(()) }
    }

    /// Hands the malformed lines to the task's report.
    fn report(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.malformed);
        if lines.is_empty() {
            return Ok(());
        }
        let files = lines.iter().map(|(file, _)| self.slice.full_path(*file)).collect::<Vec<_>>();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(files)),
            Arc::new(Int64Array::from_iter_values(lines.iter().map(|(_, line)| line.line as i64))),
            Arc::new(StringArray::from_iter_values(lines.iter().map(|(_, line)| &line.text))),
            Arc::new(StringArray::from_iter_values(lines.iter().map(|(_, line)| &line.reason))),
        ];
        self.scope.emit_side(self.scan.as_str(), Port::Malformed, RecordBatch::try_new(malformed_schema(), columns)?);
        Ok(())
    }
}
