//! A part of a file as chunks of whole lines, each line given to the part in which its first byte lies. It blocks, so it
//! runs on tokio's blocking pool; what the lines say is the decoder's business.

use std::io::Read;

use memchr::{memchr, memchr_iter, memrchr};
use tidemill_planner::{Error, Result};

use super::cut::Piece;
use super::data_file::DataFile;
use super::input::Input;

/// So much is read at once.
pub(super) const CHUNK_BYTES: u64 = 4 << 20;
/// Beyond the end of the part, the rest of its last line is looked for in steps of this.
const TAIL_BYTES: u64 = 64 << 10;
/// A line that is longer is malformed, and is not held in memory.
pub(super) const MAX_LINE_BYTES: usize = 64 << 20;

/// What is read next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Whole lines; only the last line of a file may lack its newline.
    Lines(Vec<u8>),
    /// A line that is too long: its beginning, and its length without the newline.
    TooLong(Vec<u8>, u64),
}

/// The lines that begin in a part of one file.
pub(super) struct LineChunks {
    input: Input,
    file: DataFile,
    /// Lines that begin at or after it belong to the next part.
    end: u64,
    /// The offset of the first byte of `buffer` in the file.
    base: u64,
    buffer: Vec<u8>,
    /// Everything up to the next newline belongs to the part before, or to the line that is too long.
    skipping: bool,
    too_long: Option<(Vec<u8>, u64)>,
    done: bool,
    chunk_bytes: u64,
    max_line_bytes: usize,
}

impl LineChunks {
    /// Opens the file, which must be as it was listed.
    pub(super) fn open(input: Input, piece: Piece) -> Result<Self> {
        let mut file = input.open_data()?;
        let base = piece.start.saturating_sub(1);
        file.seek_to(base).map_err(|error| Error::io_at(input.path().display(), error))?;
        let skipping = piece.start > 0;
        Ok(Self {
            input,
            file,
            end: piece.end,
            base,
            buffer: Vec::new(),
            skipping,
            too_long: None,
            done: false,
            chunk_bytes: CHUNK_BYTES,
            max_line_bytes: MAX_LINE_BYTES,
        })
    }

    /// The next lines, or `None` at the end of the part.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>> {
        while !self.done {
            let old = self.buffer.len();
            let at_eof = self.fill()?;
            if self.skipping {
                if let Some(chunk) = self.skip(old, at_eof) {
                    return Ok(Some(chunk));
                }
                continue;
            }
            if let Some(chunk) = self.take_lines(old, at_eof) {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    /// Reads on, and says whether that was the end of the file.
    fn fill(&mut self) -> Result<bool> {
        let named = |error| Error::io_at(self.input.path().display(), error);
        let filled = self.base + self.buffer.len() as u64;
        let want = if filled < self.end { self.chunk_bytes.min(self.end - filled) } else { TAIL_BYTES.min(self.chunk_bytes) };
        self.buffer.reserve(want as usize);
        let read = self.file.append_to(&mut self.buffer, want).map_err(named)?;
        let filled = filled + read as u64;
        let at_eof = (read as u64) < want || filled >= self.input.bytes();
        if filled > self.input.bytes() || (at_eof && filled < self.input.bytes()) {
            return Err(self.input.changed("its size is not what it was"));
        }
        if at_eof || filled >= self.end {
            self.input.check_data(&self.file)?;
        }
        Ok(at_eof)
    }

    /// Drops what comes before the next newline; the buffer's first `old` bytes have none.
    fn skip(&mut self, old: usize, at_eof: bool) -> Option<Chunk> {
        let newline = memchr(b'\n', &self.buffer[old..]).map(|i| old + i);
        let dropped = newline.map_or(self.buffer.len(), |i| i + 1);
        if let Some((_, length)) = &mut self.too_long {
            *length += newline.unwrap_or(dropped) as u64;
        }
        self.buffer.drain(..dropped);
        self.base += dropped as u64;
        if newline.is_some() {
            self.skipping = false;
            // Lines in the buffer are still to be looked at, so they are not old.
            self.file_back();
        }
        self.done = if newline.is_some() { self.base >= self.end } else { at_eof };
        let ended = newline.is_some() || at_eof;
        ended.then(|| self.too_long.take()).flatten().map(|(head, length)| Chunk::TooLong(head, length))
    }

    /// Gives what was read beyond a newline back to the file, to be read again as lines.
    fn file_back(&mut self) {
        self.buffer.clear();
        // Seeking a regular file within its bounds; a failure shows in the read that follows.
        let _ = self.file.seek_to(self.base);
    }

    /// The whole lines in the buffer, whose first `old` bytes have no newline.
    fn take_lines(&mut self, old: usize, at_eof: bool) -> Option<Chunk> {
        let filled = self.base + self.buffer.len() as u64;
        if self.end < self.input.bytes() && filled >= self.end {
            // The newline that ends the last line which begins before `end` lies at `end - 1` or after.
            let from = old.max((self.end - 1).saturating_sub(self.base) as usize);
            if let Some(i) = memchr(b'\n', &self.buffer[from..]) {
                self.buffer.truncate(from + i + 1);
                self.done = true;
                return Some(Chunk::Lines(std::mem::take(&mut self.buffer)));
            }
        }
        if at_eof {
            self.done = true;
            return (!self.buffer.is_empty()).then(|| Chunk::Lines(std::mem::take(&mut self.buffer)));
        }
        if let Some(i) = memrchr(b'\n', &self.buffer[old..]) {
            let rest = self.buffer.split_off(old + i + 1);
            let lines = std::mem::replace(&mut self.buffer, rest);
            self.base += lines.len() as u64;
            return Some(Chunk::Lines(lines));
        }
        if self.buffer.len() > self.max_line_bytes {
            let length = self.buffer.len() as u64;
            self.base += length;
            self.buffer.truncate(super::json::MAX_KEPT_BYTES + 1);
            self.too_long = Some((std::mem::take(&mut self.buffer), length));
            self.skipping = true;
        }
        None
    }

    /// How many lines of the file come before the part; counted only when somebody asks, which reads that much.
    pub(super) fn lines_before(input: &Input, start: u64) -> Result<u64> {
        let named = |error| Error::io_at(input.path().display(), error);
        let mut file = input.open_data()?;
        let mut buffer = vec![0; 1 << 20];
        let (mut left, mut lines) = (start, 0);
        let mut open_line = false;
        while left > 0 {
            let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = file.read(&mut buffer[..want]).map_err(named)?;
            if read == 0 {
                return Err(input.changed("its size is not what it was"));
            }
            lines += memchr_iter(b'\n', &buffer[..read]).count() as u64;
            open_line = buffer[read - 1] != b'\n';
            left -= read as u64;
        }
        // The line that reaches over `start` belongs to the part before.
        Ok(lines + u64::from(open_line))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::FileEntry;
    use super::*;

    fn read(chunks: &mut LineChunks) -> Vec<Chunk> {
        std::iter::from_fn(|| chunks.next().unwrap()).collect()
    }

    fn write(dir: &Path, text: &[u8]) -> Input {
        std::fs::write(dir.join("f"), text).unwrap();
        Input::new(dir, &FileEntry::of(dir, "f").unwrap().unwrap(), 0, &Default::default())
    }

    #[test]
    fn each_line_is_in_one_part_and_its_number_is_known() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "\n", "a", "a\n", "a\nbb\nccc\n", "a\n\n\nlonger than all\n\nx", "0123456789\n0123456789", "\n\n\n", "é\nü\n"] {
            let input = write(dir.path(), text.as_bytes());
            let length = text.len() as u64;
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for (first, second) in (0..=length).flat_map(|a| (a..=length).map(move |b| (a, b))) {
                let mut joined = Vec::new();
                for (start, end) in [(0, first), (first, second), (second, length)] {
                    if start == end {
                        continue;
                    }
                    for chunk_bytes in [1, 3, 1000] {
                        let mut chunks = LineChunks::open(input.clone(), Piece { file: 0, start, end }).unwrap();
                        chunks.chunk_bytes = chunk_bytes;
                        let got: Vec<u8> = read(&mut chunks)
                            .into_iter()
                            .flat_map(|chunk| match chunk {
                                Chunk::Lines(lines) => lines,
                                Chunk::TooLong(..) => panic!("no line is too long"),
                            })
                            .collect();
                        if chunk_bytes == 1000 {
                            let before: usize = joined.len();
                            let number =
                                lines.iter().scan(0, |at, line| Some(std::mem::replace(at, *at + line.len()))).position(|at| at == before);
                            if !got.is_empty() {
                                assert_eq!(LineChunks::lines_before(&input, start).unwrap(), number.unwrap() as u64, "{text:?} {start}");
                            }
                            joined.extend(got);
                        }
                    }
                }
                assert_eq!(String::from_utf8(joined).unwrap(), text, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn small_chunks_give_the_same_lines() {
        let dir = tempfile::tempdir().unwrap();
        let input = write(dir.path(), b"aaa\nbb\n\nc");
        for chunk_bytes in 1..12 {
            let mut chunks = LineChunks::open(input.clone(), Piece { file: 0, start: 0, end: 9 }).unwrap();
            chunks.chunk_bytes = chunk_bytes;
            let mut text = Vec::new();
            for chunk in read(&mut chunks) {
                let Chunk::Lines(lines) = chunk else { panic!("no line is too long") };
                assert!(lines.ends_with(b"\n") || lines.ends_with(b"c"), "{lines:?}");
                text.extend(lines);
            }
            assert_eq!(text, b"aaa\nbb\n\nc");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_not_held() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(100);
        for (text, after) in [(format!("a\n{long}\nb\n"), Some("b\n")), (format!("a\n{long}"), None)] {
            let input = write(dir.path(), text.as_bytes());
            let mut chunks = LineChunks::open(input.clone(), Piece { file: 0, start: 0, end: input.bytes() }).unwrap();
            (chunks.chunk_bytes, chunks.max_line_bytes) = (7, 20);
            let mut seen = Vec::new();
            for chunk in read(&mut chunks) {
                match chunk {
                    Chunk::Lines(lines) => seen.push(String::from_utf8(lines).unwrap()),
                    Chunk::TooLong(head, length) => {
                        assert!(long.as_bytes().starts_with(&head) && head.len() > 20);
                        seen.push(length.to_string());
                    }
                }
            }
            assert_eq!(seen, ["a\n", "100"].into_iter().chain(after).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_changed_or_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let input = write(dir.path(), b"one\n");
        let piece = Piece { file: 0, start: 0, end: 4 };
        let mut reading = LineChunks::open(input.clone(), piece).unwrap();
        std::fs::write(dir.path().join("f"), b"one\ntwo\n").unwrap();
        for error in [reading.next().unwrap_err(), LineChunks::open(input.clone(), piece).err().unwrap()] {
            assert_eq!(error.kind(), tidemill_planner::ErrorKind::Data);
            assert!(error.message().contains("/f:") && error.message().contains("rename"), "{error}");
        }
        std::fs::remove_file(dir.path().join("f")).unwrap();
        let error = LineChunks::open(input.clone(), piece).err().unwrap();
        assert_eq!(error.kind(), tidemill_planner::ErrorKind::NotFound);
        assert!(error.message().contains("/f:"), "{error}");
    }
}
