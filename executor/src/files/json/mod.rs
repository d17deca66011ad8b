//! JSON lines as Arrow rows, strictly by a schema. It is given lines; where they come from, and where malformed ones go, is
//! the caller's business.
//!
//! A line is malformed when it is not one JSON object (RFC 8259, UTF-8, at most 128 levels deep), when a value's JSON type
//! is not the one that the schema names (`"12"` or `1.5` for a bigint, a number for a string), when a value does not fit its
//! type, or when a NOT NULL field is null or missing. Unknown keys are ignored, nulls and missing keys are null, blank lines
//! are nothing, the last of two equal keys counts. Keys match fields exactly, else without regard to case.

mod column;
mod cursor;
mod finish;
mod scalar;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use memchr::memchr_iter;
use tidemill_planner::{Error, Result};

use self::column::Columns;
use self::cursor::Cursor;
use super::format::{MalformedLines, OnMalformed};

/// Of a malformed line, so many bytes are kept.
pub const MAX_KEPT_BYTES: usize = 64 << 10;

/// A batch is cut when its lines come to so many bytes, so that no column reaches 2 GiB.
const BATCH_BYTES: usize = 32 << 20;

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// It is a row now.
    Row,
    /// There was nothing but white space in it.
    Blank,
    /// It is not what the schema says, for this reason.
    Malformed(String),
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedLine {
    /// Counted from 1.
    pub line: u64,
    /// The line as text, cut after [`MAX_KEPT_BYTES`]; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl MalformedLine {
    /// The line as it is kept; the reason says so when it was cut.
    pub fn new(line: u64, bytes: &[u8], reason: String) -> Self {
        if bytes.len() <= MAX_KEPT_BYTES {
            return Self { line, text: String::from_utf8_lossy(bytes).into_owned(), reason };
        }
        // The cut does not go through a character, which has at most three bytes after its first.
        let continues = |at: usize| bytes[at] & 0xC0 == 0x80;
        let cut = (MAX_KEPT_BYTES - 3..=MAX_KEPT_BYTES).rev().find(|at| !continues(*at)).unwrap_or(MAX_KEPT_BYTES);
        let reason = format!("{reason} (the text is cut: the line has {} bytes, {cut} are kept)", bytes.len());
        Self { line, text: String::from_utf8_lossy(&bytes[..cut]).into_owned(), reason }
    }
}

/// The column for the text of malformed lines.
struct TextColumn {
    at: usize,
    texts: StringBuilder,
    /// Whether malformed lines are rows.
    keeps: bool,
}

/// Turns lines into batches of a schema.
pub struct JsonDecoder {
    schema: SchemaRef,
    /// All but that of the text of malformed lines.
    columns: Columns,
    text_column: Option<TextColumn>,
    rows: usize,
    /// Bytes of the lines that became the rows.
    bytes: usize,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for JsonDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonDecoder").field("schema", &self.schema).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl JsonDecoder {
    /// A decoder of objects with the fields of `schema`.
    ///
    /// # Errors
    /// `Unsupported` for a type that JSON is not read as; the message names the column.
    pub fn new(schema: SchemaRef) -> Result<Self> {
        Self::reading(schema, MalformedLines::default())
    }

    /// The same, of which malformed lines are read like `malformed`.
    ///
    /// # Errors
    /// Those of [`JsonDecoder::new`]; `Internal` when the column for their text cannot take it.
    pub(super) fn reading(schema: SchemaRef, malformed: MalformedLines) -> Result<Self> {
        let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let mut text_column = None;
        if let Some(at) = malformed.text_column {
            if !fields.get(at).is_some_and(|field| *field.data_type() == DataType::Utf8 && field.is_nullable()) {
                return Err(Error::internal(format!("column {at} of {schema:?} cannot take the text of malformed lines")));
            }
            fields.remove(at);
            // A row of nulls needs columns that may be null.
            let keeps = malformed.on == OnMalformed::Keep && fields.iter().all(|field| field.is_nullable());
            text_column = Some(TextColumn { at, texts: StringBuilder::new(), keeps });
        }
        let columns = Columns::new(&Fields::from(fields), "")?;
        Ok(Self { schema, columns, text_column, rows: 0, bytes: 0, scratch: Vec::new() })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows taken since the last [`JsonDecoder::flush`].
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the rows should be flushed before more lines are taken.
    pub fn is_full(&self, batch_rows: usize) -> bool {
        self.rows >= batch_rows || self.bytes >= BATCH_BYTES
    }

    /// Takes one line, without its newline.
    pub fn line(&mut self, line: &[u8]) -> Line {
        match std::str::from_utf8(line) {
            Ok(_) => self.utf8_line(line),
            Err(error) => Line::Malformed(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1)),
        }
    }

    /// Takes one line that is known to be UTF-8.
    fn utf8_line(&mut self, line: &[u8]) -> Line {
        let mut cursor = Cursor::new(line);
        let row = match cursor.peek() {
            None => return Line::Blank,
            Some(b'{') => self.columns.append_object(&mut cursor, &mut self.scratch, self.rows).and_then(|()| cursor.end()),
            Some(_) => cursor.skip(&mut self.scratch).and_then(|()| cursor.end()).and(Err("the line is not a JSON object".to_owned())),
        };
        match row {
            Ok(()) => {
                self.rows += 1;
                self.bytes += line.len();
                if let Some(column) = &mut self.text_column {
                    column.texts.append_null();
                }
                Line::Row
            }
            Err(reason) => {
                self.columns.truncate(self.rows);
                Line::Malformed(reason)
            }
        }
    }

    /// Makes a malformed line a row of its text, if such rows are wanted.
    fn keep(&mut self, line: &[u8]) -> bool {
        let Some(column) = self.text_column.as_mut().filter(|column| column.keeps) else { return false };
        column.texts.append_value(String::from_utf8_lossy(line));
        self.columns.append_nulls();
        self.rows += 1;
        self.bytes += line.len();
        true
    }

    /// Takes lines from `text` until it ends or a batch is full, and says how many bytes were taken and how many newlines
    /// were in them. The last line needs no newline. `is_utf8` spares the check of each line where the whole text was checked;
    /// `first_line` is the number of the first line.
    pub(crate) fn lines(
        &mut self,
        text: &[u8],
        is_utf8: bool,
        first_line: u64,
        batch_rows: usize,
        malformed: &mut Vec<MalformedLine>,
    ) -> (usize, u64) {
        let (mut at, mut line_number) = (0, first_line);
        let unended = text.last().is_some_and(|byte| *byte != b'\n').then_some(text.len());
        for end in memchr_iter(b'\n', text).chain(unended) {
            if self.is_full(batch_rows) {
                break;
            }
            let line = &text[at..end];
            let outcome = if is_utf8 { self.utf8_line(line) } else { self.line(line) };
            if let Line::Malformed(reason) = outcome {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if !self.keep(line) {
                    malformed.push(MalformedLine::new(line_number, line, reason));
                }
            }
            at = (end + 1).min(text.len());
            line_number += u64::from(end < text.len());
        }
        (at, line_number - first_line)
    }

    /// The rows taken so far, or `None` when there are none.
    ///
    /// # Errors
    /// `Internal` when the columns do not make a batch, which is a bug.
    pub fn flush(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let texts = self.text_column.as_mut().map(|column| (column.at, Arc::new(column.texts.finish()) as ArrayRef));
        finish::batch(&mut self.columns, texts, &self.schema, rows).map(Some)
    }
}

#[cfg(test)]
mod tests;
