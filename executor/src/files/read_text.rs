//! The text of a slice's files, for formats whose lines are read by others.

use futures::stream::{BoxStream, StreamExt};
use tidemill_planner::{Error, Result};

use super::cut;
use super::line_chunks::Chunk;
use super::pieces::PieceReader;
use super::slice::FileSlice;
use crate::log::blocking;

/// Whole lines of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextChunk {
    /// The lines, with what ends them; of the last line of a file that may be missing.
    pub text: String,
    /// Whether the file begins here.
    pub begins_file: bool,
    /// The file, in messages.
    pub path: String,
}

impl FileSlice {
    /// The lines of one of `partitions` parts, in their order. Bytes that are no UTF-8 are replaced, as Java does.
    pub fn text(&self, partition: usize, partitions: usize) -> BoxStream<'static, Result<TextChunk>> {
        let reader = PieceReader::new(self.clone(), cut::pieces(self.files(), partition, partitions));
        let slice = self.clone();
        // The file of the last chunk.
        futures::stream::try_unfold((reader, None), move |(reader, last)| {
            let slice = slice.clone();
            async move {
                let (reader, located) = blocking(move || reader.next()).await?;
                let Some(located) = located else { return Ok(None) };
                let bytes = match located.chunk {
                    Chunk::Lines(bytes) => bytes,
                    Chunk::TooLong(_, length) => {
                        let path = slice.full_path(located.file);
                        return Err(Error::data(format!("{path}: a line has {length} bytes, and is too long to be read: break it up")));
                    }
                };
                let begins_file = located.piece_start == 0 && last != Some(located.file);
                let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
                let text = match text.strip_prefix('\u{feff}') {
                    Some(text) if begins_file => text.to_owned(),
                    _ => text,
                };
                let path = slice.full_path(located.file);
                Ok(Some((TextChunk { text, begins_file, path }, (reader, Some(located.file)))))
            }
        })
        .boxed()
    }
}
