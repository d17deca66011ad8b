//! Text files that are compressed, as the ending of their name says. They have no parts: whoever has the first byte reads all of it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use memchr::memrchr;
use tidemill_planner::{Error, Result};

use super::data_file::DataFile;
use super::input::Input;
use super::line_chunks::{CHUNK_BYTES, Chunk, MAX_LINE_BYTES};
use super::object::StoredObject;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Gzip,
    Zlib,
    Zstd,
    /// Hadoop has a codec for the ending, and nobody here has.
    Unread,
}

const ENDINGS: [(&str, Codec); 7] = [
    ("gz", Codec::Gzip),
    ("deflate", Codec::Zlib),
    ("zst", Codec::Zstd),
    ("bz2", Codec::Unread),
    ("lz4", Codec::Unread),
    ("snappy", Codec::Unread),
    ("xz", Codec::Unread),
];

fn codec(path: &Path) -> Option<Codec> {
    let ending = path.extension()?.to_str()?;
    ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, codec)| *codec)
}

/// Whether the name says that the file is compressed.
pub(super) fn is_compressed(path: &Path) -> bool {
    codec(path).is_some()
}

/// The text of an opened file, whatever it is compressed with.
///
/// # Errors
/// `Unsupported`, naming the file, for a compression that is not read.
fn text_of(file: impl Read + Send + 'static, path: &Path) -> Result<Box<dyn Read + Send>> {
    Ok(match codec(path) {
        None => Box::new(file),
        Some(Codec::Gzip) => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some(Codec::Zlib) => Box::new(flate2::read::ZlibDecoder::new(file)),
        Some(Codec::Zstd) => Box::new(zstd::Decoder::new(file).map_err(|e| Error::io_at(path.display(), e))?),
        Some(Codec::Unread) => {
            return Err(Error::unsupported(format!(
                "{}: text that is compressed like this is not read: decompress the file, or compress it with gzip or zstd",
                path.display()
            )));
        }
    })
}

/// Opens a text file to be read from its beginning, compressed or not. It blocks.
///
/// # Errors
/// `Io`, and `Unsupported` for a compression that is not read.
pub fn open_text(path: &Path) -> Result<Box<dyn Read + Send>> {
    let file = File::open(path).map_err(|e| Error::io_at(path.display(), e))?;
    text_of(file, path)
}

/// [`open_text`] of an object.
///
/// # Errors
/// As there.
pub fn open_stored_text(object: &StoredObject) -> Result<Box<dyn Read + Send>> {
    let path = object.path();
    text_of(object.reader().map_err(|e| Error::io_at(path.display(), e))?, &path)
}

/// The lines of a compressed file.
pub(super) struct CompressedLines {
    input: Input,
    file: DataFile,
    text: Box<dyn Read + Send>,
    rest: Vec<u8>,
    done: bool,
}

impl CompressedLines {
    /// Opens the file, which must be as it was listed.
    pub(super) fn open(input: Input) -> Result<Self> {
        let file = input.open_data()?;
        let twin = file.twin().map_err(|e| Error::io_at(input.path().display(), e))?;
        let text = text_of(twin, input.path())?;
        Ok(Self { input, file, text, rest: Vec::new(), done: false })
    }

    /// The next whole lines, or `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>> {
        while !self.done {
            let old = self.rest.len();
            let read = (&mut self.text).take(CHUNK_BYTES).read_to_end(&mut self.rest).map_err(|e| {
                Error::data(format!("{}: the file cannot be decompressed: {e}; write it again", self.input.path().display())).with_source(e)
            })?;
            if (read as u64) < CHUNK_BYTES {
                self.done = true;
                self.input.check_data(&self.file)?;
                return Ok((!self.rest.is_empty()).then(|| Chunk::Lines(std::mem::take(&mut self.rest))));
            }
            if let Some(at) = memrchr(b'\n', &self.rest[old..]) {
                let rest = self.rest.split_off(old + at + 1);
                return Ok(Some(Chunk::Lines(std::mem::replace(&mut self.rest, rest))));
            }
            if self.rest.len() > MAX_LINE_BYTES {
                return Err(Error::data(format!(
                    "{}: a line has more than {MAX_LINE_BYTES} bytes, which is not read from a compressed file: decompress it",
                    self.input.path().display()
                )));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::files::FileEntry;

    #[test]
    fn lines_are_those_of_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let text: String = (0..700_000).map(|i| format!("line {i}\n")).collect();
        let gz = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        // Two members one after another are one file.
        let (one, two) = text.as_bytes().split_at(3_000_001);
        let members = [gz(one), gz(two)].concat();
        let cut = members[..members.len() / 2].to_vec();
        let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
        for (name, bytes, good) in [("a.gz", members, true), ("a.json.ZST", zst, true), ("b.gz", cut, false), ("a.bz2", Vec::new(), false)]
        {
            std::fs::write(dir.path().join(name), bytes).unwrap();
            let input = Input::new(dir.path(), &FileEntry::of(dir.path(), name).unwrap().unwrap(), 0, &Default::default());
            assert!(is_compressed(input.path()));
            let mut read = Vec::new();
            let outcome = CompressedLines::open(input).and_then(|mut lines| {
                while let Some(chunk) = lines.next()? {
                    let Chunk::Lines(lines) = chunk else { panic!("no line is too long") };
                    assert!(lines.ends_with(b"\n"));
                    read.extend(lines);
                }
                Ok(())
            });
            match outcome {
                Ok(()) => assert!(good && read == text.as_bytes(), "{name}"),
                Err(error) => assert!(!good && error.message().contains(name), "{error}"),
            }
        }
    }
}
