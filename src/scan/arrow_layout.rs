//! What stands where in a file of Arrow IPC: its framing, its columns, and where its batches lie. It decodes no rows.
//!
//! ```text
//! file    ARROW1 · schema · dictionaries and batches · footer: schema, where they lie · its length · ARROW1
//! stream  schema · dictionaries and batches, one after the other
//! ```

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{StreamReader, read_footer_length};
use arrow::ipc::{Block, MetadataVersion, root_as_footer};
use tidemill_planner::{Error, Result};
use tidemill_spark::types::{SparkType, field_of, from_field};

use super::table_file::FileAt;

/// How the messages of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Its footer says where each batch lies.
    File,
    /// One after the other, and whoever wants the last reads them all.
    Stream,
}

/// The first bytes, which tell the framing.
pub(super) const HEAD_BYTES: u64 = 8;
/// The last bytes of the file framing: the footer's length and the magic word.
pub(super) const TAIL_BYTES: u64 = 10;

/// So many bytes are asked of an object store at once: the columns stand at the beginning or the end.
const BYTES_AT_ONCE: u64 = 64 << 10;

const MAGIC: &[u8] = b"ARROW1";
const CONTINUATION: &[u8] = &[0xff; 4];

impl Framing {
    pub(super) fn told_by(head: &[u8]) -> Result<Self, ArrowError> {
        if head.starts_with(MAGIC) {
            return Ok(Self::File);
        }
        if head.starts_with(CONTINUATION) {
            return Ok(Self::Stream);
        }
        let hint = if head.starts_with(b"FEA1") {
            "it is Feather of version 1: write it anew as version 2"
        } else {
            "its first bytes are another format's"
        };
        Err(ArrowError::ParseError(hint.to_owned()))
    }
}

/// The end of a file in the file framing.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) schema: SchemaRef,
    pub(super) version: MetadataVersion,
    pub(super) dictionaries: Vec<Block>,
    pub(super) batches: Vec<Block>,
}

impl Footer {
    /// Where the footer of a file of so many bytes lies, by its last ones.
    pub(super) fn place(tail: &[u8], file_bytes: u64) -> Result<Range<u64>, ArrowError> {
        let tail = <[u8; TAIL_BYTES as usize]>::try_from(tail).map_err(|_| ArrowError::ParseError("it is too short".to_owned()))?;
        let bytes = read_footer_length(tail)? as u64;
        let end = file_bytes.saturating_sub(TAIL_BYTES);
        let start = end.checked_sub(bytes).ok_or_else(|| ArrowError::ParseError("its footer is longer than the file".to_owned()))?;
        Ok(start..end)
    }

    pub(super) fn of(bytes: &[u8]) -> Result<Self, ArrowError> {
        let footer = root_as_footer(bytes).map_err(|e| ArrowError::ParseError(format!("its footer is damaged ({e})")))?;
        let schema = footer.schema().ok_or_else(|| ArrowError::ParseError("its footer has no schema".to_owned()))?;
        if !schema.endianness().equals_to_target_endianness() {
            return Err(ArrowError::ParseError("its numbers are in the byte order of another machine".to_owned()));
        }
        Ok(Self {
            schema: Arc::new(guarded(|| Ok(fb_to_schema(schema)))?),
            version: footer.version(),
            dictionaries: footer.dictionaries().iter().flatten().copied().collect(),
            batches: footer.recordBatches().iter().flatten().copied().collect(),
        })
    }
}

/// Where a message lies in a file of so many bytes.
pub(super) fn span(block: &Block, file_bytes: u64) -> Result<Range<u64>, ArrowError> {
    let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()].map(u64::try_from);
    let range = match parts {
        [Ok(start), Ok(head), Ok(body)] => head.checked_add(body).and_then(|bytes| Some(start..start.checked_add(bytes)?)),
        _ => None,
    };
    let found = range.filter(|range| range.end <= file_bytes);
    found.ok_or_else(|| ArrowError::ParseError("its footer names a place that the file does not have".to_owned()))
}

/// What the decoder answers; there is damage that it does not expect, and panics at.
pub(super) fn guarded<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(ArrowError::ParseError(format!("the decoder gave up on it ({})", text.unwrap_or("no message"))))
    })
}

/// The error for a file that cannot be read.
pub(super) fn unreadable(path: impl std::fmt::Display, error: ArrowError) -> Error {
    Error::from(error).context(format!("{path}: it is no file of Arrow IPC that can be read"))
}

/// The columns of a file, in Spark's types. It blocks.
///
/// # Errors
/// `Data` naming the file when it cannot be read, and for a column of a type that is none of Spark's.
pub(super) fn columns_of(path: &FileAt) -> Result<SchemaRef> {
    let schema = schema_of(path).map_err(|e| unreadable(path, e))?;
    let spark = in_spark_types(&schema);
    for (field, found) in schema.fields().iter().zip(spark.fields()) {
        if let SparkType::Unsupported(_) = from_field(field).data_type {
            return Err(Error::data(format!(
                "{}: column `{}` is {}, which is none of Spark's types: give the other columns as a schema",
                path,
                found.name(),
                field.data_type()
            )));
        }
    }
    Ok(Arc::new(spark))
}

/// Those of the columns whose types are Spark's: who names columns need not name the others.
///
/// # Errors
/// `Data` naming the file when it cannot be read.
pub(super) fn sparks_columns_of(path: &FileAt) -> Result<SchemaRef> {
    let schema = schema_of(path).map_err(|e| unreadable(path, e))?;
    let is_sparks = |field: &&FieldRef| !matches!(from_field(field).data_type, SparkType::Unsupported(_));
    let fields: Vec<FieldRef> = schema.fields().iter().filter(is_sparks).cloned().collect();
    Ok(Arc::new(in_spark_types(&Schema::new(fields))))
}

/// The columns in Spark's types: how a file keeps its text or its times is no part of the type.
pub(super) fn in_spark_types(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|field| field_of(&from_field(field))).collect::<Vec<_>>())
}

fn schema_of(at: &FileAt) -> Result<SchemaRef, ArrowError> {
    match &at.object {
        None => {
            let file = File::open(&at.path)?;
            let file_bytes = file.metadata()?.len();
            schema_in(file, file_bytes)
        }
        Some(object) => schema_in(object.reader()?.in_steps_of(BYTES_AT_ONCE), object.meta.size),
    }
}

fn schema_in(mut file: impl Read + Seek, file_bytes: u64) -> Result<SchemaRef, ArrowError> {
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
    match Framing::told_by(&head)? {
        Framing::Stream => {
            file.rewind()?;
            guarded(|| Ok(StreamReader::try_new(BufReader::new(file), None)?.schema()))
        }
        Framing::File => {
            let mut read = |range: Range<u64>| {
                file.seek(SeekFrom::Start(range.start))?;
                let mut bytes = Vec::new();
                (&mut file).take(range.end - range.start).read_to_end(&mut bytes)?;
                Ok::<_, std::io::Error>(bytes)
            };
            let tail = read(file_bytes.saturating_sub(TAIL_BYTES)..file_bytes)?;
            let place = Footer::place(&tail, file_bytes)?;
            Ok(Footer::of(&read(place)?)?.schema)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_a_file_does_not_have() {
        for (offset, head, body, expected) in [
            (8, 24, 64, Some(8..96)),
            (8, 24, 68, Some(8..100)),
            (8, 24, 69, None),
            (-8, 24, 64, None),
            (8, -1, 64, None),
            (8, 24, -64, None),
            (i64::MAX, i32::MAX, i64::MAX, None),
        ] {
            assert_eq!(span(&Block::new(offset, head, body), 100).ok(), expected, "{offset} {head} {body}");
        }
    }

    #[test]
    fn footers_that_are_none() {
        let tail = |bytes: i32| [&bytes.to_le_bytes()[..], MAGIC].concat();
        assert_eq!(Footer::place(&tail(20), 100).unwrap(), 70..90);
        for (tail, expected) in [
            (tail(91), "longer than the file"),
            (tail(-1), "Invalid footer length"),
            (b"0123456789".to_vec(), "correct footer"),
            (b"ARROW1".to_vec(), "too short"),
        ] {
            let error = Footer::place(&tail, 100).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Footer::of(&[7; 64]).unwrap_err().to_string().contains("its footer is damaged"));
        let panicked = guarded(|| -> Result<(), ArrowError> { panic!("a buffer ends early") }).unwrap_err().to_string();
        assert!(panicked.contains("a buffer ends early"), "{panicked}");
    }
}
