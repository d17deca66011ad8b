//! An opened data file, wherever it lies: on a local disk, or in an object store. It blocks.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};

use super::object::ObjectReader;

/// An opened file.
#[derive(Debug)]
pub(super) enum DataFile {
    Local(File),
    Stored(Box<ObjectReader>),
}

impl DataFile {
    /// The next `want` bytes, or all that are left, at the end of `buffer`; how many they are.
    pub(super) fn append_to(&mut self, buffer: &mut Vec<u8>, want: u64) -> Result<usize> {
        match self {
            Self::Local(file) => file.take(want).read_to_end(buffer),
            Self::Stored(object) => object.append_to(buffer, want),
        }
    }

    /// Goes on from an offset.
    pub(super) fn seek_to(&mut self, at: u64) -> Result<u64> {
        match self {
            Self::Local(file) => file.seek(SeekFrom::Start(at)),
            Self::Stored(object) => object.seek(SeekFrom::Start(at)),
        }
    }

    /// The same file, opened once more.
    pub(super) fn twin(&self) -> Result<Self> {
        Ok(match self {
            Self::Local(file) => Self::Local(file.try_clone()?),
            Self::Stored(object) => Self::Stored(object.clone()),
        })
    }
}

impl Read for DataFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Local(file) => file.read(buffer),
            Self::Stored(object) => object.read(buffer),
        }
    }

    fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        match self {
            Self::Local(file) => file.read_to_end(buffer),
            Self::Stored(object) => object.read_to_end(buffer),
        }
    }
}
