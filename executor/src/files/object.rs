//! A data file that lies in an object store: as it was when it was listed, and its bytes by ranges, on threads that may wait. Which store a
//! path means, and what lies in one, is for others to say. The rows of Parquet are read by DataFusion's reader instead, which does not ask
//! whether the object is still the same.

use std::io::{Read, Result as IoResult, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::reader::{ChunkReader, Length};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::runtime::Handle;

use super::FileEntry;

/// So many bytes are asked of a store at once by who reads on and on.
const BYTES_AT_ONCE: u64 = 4 << 20;

/// A file in an object store. Its location begins with the store's scheme and bucket, `s3:/bucket/key`, so that no two stores have the same.
#[derive(Debug, Clone)]
pub struct StoredObject {
    /// Where the engine's scans find the store.
    pub url: ObjectStoreUrl,
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// What was listed.
    pub meta: ObjectMeta,
}

/// A location as people write it: `s3://bucket/key` where it names its store, else a path on the local disk.
pub fn shown_location(location: &Path) -> String {
    match location.as_ref().split_once(":/") {
        Some((scheme, rest)) if is_scheme(scheme) => format!("{scheme}://{rest}"),
        _ => format!("/{location}"),
    }
}

/// The scheme is the first folder of a location, so that none on a local disk is taken for one unless it is called `s3:`.
fn is_scheme(text: &str) -> bool {
    matches!(text, "s3" | "s3a" | "abfs" | "abfss" | "az" | "azure" | "gs")
}

impl StoredObject {
    /// Where it lies, as `s3://bucket/key`.
    pub fn path(&self) -> PathBuf {
        shown_location(&self.meta.location).into()
    }

    /// The store as `s3://bucket`, and the key in it.
    pub(super) fn root_and_key(&self) -> (PathBuf, String) {
        let shown = shown_location(&self.meta.location);
        let bucket = shown.find("://").map_or(0, |at| at + 3);
        match shown[bucket..].find('/') {
            Some(end) => (PathBuf::from(&shown[..bucket + end]), shown[bucket + end + 1..].to_owned()),
            None => (PathBuf::new(), shown),
        }
    }

    /// What a slice of files keeps of it.
    pub(super) fn entry(&self) -> FileEntry {
        let (_, path) = self.root_and_key();
        let modified_ms = self.meta.last_modified.timestamp_millis();
        let e_tag = self.meta.e_tag.as_deref().unwrap_or_default();
        FileEntry { path, bytes: self.meta.size, modified_ms, tag: format!("{:x}-{:x}-{e_tag}", self.meta.size, modified_ms) }
    }

    /// Some of its bytes. An object that was written anew since it was listed is an error where the store knows versions by tags.
    ///
    /// # Errors
    /// Those of the store; `Precondition` for another object of the same name.
    pub async fn range(&self, range: Range<u64>) -> object_store::Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match: self.meta.e_tag.clone(), ..GetOptions::default() };
        self.store.get_opts(&self.meta.location, options).await?.bytes().await
    }

    /// Its bytes for a thread that may wait, which is one of a runtime.
    ///
    /// # Errors
    /// Where no runtime is entered.
    pub fn reader(&self) -> IoResult<ObjectReader> {
        let runtime = Handle::try_current().map_err(std::io::Error::other)?;
        Ok(ObjectReader { object: self.clone(), runtime, step: BYTES_AT_ONCE, at: 0, window: 0, read: Bytes::new() })
    }
}

/// Reads an object. It blocks.
#[derive(Debug, Clone)]
pub struct ObjectReader {
    object: StoredObject,
    runtime: Handle,
    /// So many bytes are asked of the store at once.
    step: u64,
    at: u64,
    /// Where the bytes that were read ahead lie.
    window: u64,
    read: Bytes,
}

impl ObjectReader {
    /// The same, asking the store for so many bytes at once.
    #[must_use]
    pub fn in_steps_of(self, bytes: u64) -> Self {
        Self { step: bytes.max(1), ..self }
    }

    /// Some of its bytes, as many as there are.
    ///
    /// # Errors
    /// Those of the store.
    pub fn bytes_of(&self, range: Range<u64>) -> IoResult<Bytes> {
        let size = self.object.meta.size;
        let range = range.start.min(size)..range.end.min(size);
        self.runtime.block_on(self.object.range(range)).map_err(|error| match error {
            object_store::Error::Precondition { .. } => {
                std::io::Error::other(format!("the object was written again after it was listed; read the folder anew: {error}"))
            }
            error => error.into(),
        })
    }

    /// The next `want` bytes, or all that are left, at the end of `buffer`.
    pub(super) fn append_to(&mut self, buffer: &mut Vec<u8>, want: u64) -> IoResult<usize> {
        let bytes = self.bytes_of(self.at..self.at.saturating_add(want))?;
        buffer.extend_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if !(self.window..self.window + self.read.len() as u64).contains(&self.at) {
            self.read = self.bytes_of(self.at..self.at.saturating_add(self.step))?;
            self.window = self.at;
        }
        let from = usize::try_from(self.at - self.window).unwrap_or(usize::MAX);
        let bytes = self.read.get(from..).unwrap_or_default();
        let taken = bytes.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&bytes[..taken]);
        self.at += taken as u64;
        Ok(taken)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.object.meta.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, "before the object's first byte"))?;
        Ok(self.at)
    }
}

impl Length for ObjectReader {
    fn len(&self) -> u64 {
        self.object.meta.size
    }
}

impl ChunkReader for ObjectReader {
    type T = Self;

    fn get_read(&self, start: u64) -> ParquetResult<Self> {
        Ok(Self { at: start, ..self.clone() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.bytes_of(start..start.saturating_add(length as u64)).map_err(|error| ParquetError::External(Box::new(error)))?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes are wanted from {start} of an object of {}", self.object.meta.size)));
        }
        Ok(bytes)
    }
}

/// Objects for tests: in memory, as `s3:/bucket/key`.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    /// An object with this text.
    pub(crate) async fn object(key: &str, text: &[u8]) -> StoredObject {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let location = Path::parse(format!("s3:/bucket/{key}")).unwrap();
        store.put(&location, Bytes::copy_from_slice(text).into()).await.unwrap();
        let meta = store.head(&location).await.unwrap();
        StoredObject { url: ObjectStoreUrl::parse("objects://1").unwrap(), store, meta }
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[test]
    fn locations_as_people_write_them() {
        for (location, expected) in [
            ("s3:/bucket/a b/ü=1", "s3://bucket/a b/ü=1"),
            ("abfss:/c@account.dfs.core.windows.net/x", "abfss://c@account.dfs.core.windows.net/x"),
            ("data/x:/y", "/data/x:/y"),
            ("data/t/part-0.parquet", "/data/t/part-0.parquet"),
        ] {
            assert_eq!(shown_location(&Path::parse(location).unwrap()), expected);
        }
    }

    #[tokio::test]
    async fn an_object_is_read_like_a_file_and_only_as_it_was_listed() {
        let text: Vec<u8> = (0..9_000_000u32).map(|at| (at % 251) as u8).collect();
        let object = testing::object("a b/ü.bin", &text).await;
        assert_eq!(object.root_and_key(), (PathBuf::from("s3://bucket"), "a b/ü.bin".to_owned()));
        assert_eq!((object.entry().bytes, object.path()), (9_000_000, PathBuf::from("s3://bucket/a b/ü.bin")));
        let (there, expected) = (object.clone(), text.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let mut reader = there.reader().unwrap();
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            assert!(all == expected);
            reader.seek(SeekFrom::End(-5)).unwrap();
            let mut end = Vec::new();
            assert_eq!(reader.append_to(&mut end, 100).unwrap(), 5);
            assert_eq!(end, expected[8_999_995..]);
            assert_eq!(reader.get_bytes(10, 4).unwrap(), &expected[10..14]);
            assert!(reader.get_bytes(8_999_999, 2).is_err());
        });
        reading.await.unwrap();
        object.store.put(&object.meta.location, Bytes::from_static(b"other").into()).await.unwrap();
        let again = object.clone();
        let error = tokio::task::spawn_blocking(move || again.reader().unwrap().bytes_of(0..4).unwrap_err()).await.unwrap();
        assert!(error.to_string().contains("written again after it was listed"), "{error}");
    }
}
