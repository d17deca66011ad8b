//! The pieces of one task, read one chunk of whole lines after another. It blocks, so it runs on tokio's blocking pool.

use std::collections::VecDeque;

use tidemill_planner::Result;

use super::compressed::{CompressedLines, is_compressed};
use super::cut::Piece;
use super::line_chunks::{Chunk, LineChunks};
use super::slice::FileSlice;

/// Reads the pieces in their order.
pub(super) struct PieceReader {
    slice: FileSlice,
    pieces: VecDeque<Piece>,
    current: Option<(Piece, Lines)>,
}

enum Lines {
    Plain(LineChunks),
    Compressed(CompressedLines),
}

/// A chunk, and where it comes from.
pub(super) struct Located {
    pub(super) file: usize,
    /// The first offset of the piece in its file.
    pub(super) piece_start: u64,
    pub(super) chunk: Chunk,
}

/// The reader after a read, and what it read.
pub(super) type Read = (PieceReader, Option<Located>);

impl PieceReader {
    pub(super) fn new(slice: FileSlice, pieces: Vec<Piece>) -> Self {
        Self { slice, pieces: pieces.into(), current: None }
    }

    /// The next chunk, none after the last.
    ///
    /// # Errors
    /// Those of opening and reading the files.
    pub(super) fn next(mut self) -> Result<Read> {
        loop {
            if let Some((piece, lines)) = &mut self.current {
                let chunk = match lines {
                    Lines::Plain(lines) => lines.next()?,
                    Lines::Compressed(lines) => lines.next()?,
                };
                if let Some(chunk) = chunk {
                    let located = Located { file: piece.file, piece_start: piece.start, chunk };
                    return Ok((self, Some(located)));
                }
                self.current = None;
            }
            let Some(piece) = self.pieces.pop_front() else { return Ok((self, None)) };
            let input = self.slice.input(piece.file);
            if !is_compressed(input.path()) {
                self.current = Some((piece, Lines::Plain(LineChunks::open(input, piece)?)));
            } else if piece.start == 0 {
                self.current = Some((piece, Lines::Compressed(CompressedLines::open(input)?)));
            }
        }
    }
}
