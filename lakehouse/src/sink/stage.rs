//! Output that is not visible yet: rows inline in a receipt, or files in a folder that readers of the table ignore.
//!
//! ```text
//! <table>/_tidemill_staged/<sink hash>-<epoch>-<partition>-<uuid>.arrow      rows of a merge
//!                                                               .parquet    a data file of an append, to be moved
//! ```
//!
//! The epoch in a name lets a sink find what to remove; the uuid keeps a process that has been stopped and wakes up from
//! writing over what another has recorded since.

use std::fs;
use std::io::{Cursor, ErrorKind as IoKind};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use tidemill_planner::key::stable_hash;
use tidemill_planner::{Error, Result};

use crate::log::dir::{sync_dir, write_file};

/// The staging folder of one sink.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    folder: PathBuf,
    prefix: String,
    durable: bool,
}

impl Staging {
    pub(crate) fn new(root: &Path, sink_id: &str, durable: bool) -> Self {
        Self { folder: root.join("_tidemill_staged"), prefix: format!("{:016x}-", stable_hash(sink_id.as_bytes())), durable }
    }

    /// A name that no other attempt has.
    pub(crate) fn new_name(&self, epoch: u64, partition: usize, extension: &str) -> String {
        format!("{}{epoch:020}-{partition:05}-{}.{extension}", self.prefix, uuid::Uuid::new_v4())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a staged file; its name is durable once [`Staging::sync`] has returned.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        match write_file(&path, bytes, self.durable) {
            Err(e) if e.kind() == tidemill_planner::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder).map_err(|e| Error::io_at(self.folder.display(), e))?;
                if self.durable
                    && let Some(root) = self.folder.parent()
                {
                    sync_dir(root)?;
                }
                write_file(&path, bytes, self.durable)
            }
            other => other,
        }
    }

    /// Makes the names of staged files survive a power cut.
    pub(crate) fn sync(&self) -> Result<()> {
        if self.durable { sync_dir(&self.folder) } else { Ok(()) }
    }

    /// Removes the staged files of one epoch.
    pub(crate) fn remove(&self, epoch: u64) -> Result<()> {
        self.remove_where(|e| e == epoch)
    }

    /// Removes the staged files of an epoch and of those before it.
    pub(crate) fn remove_up_to(&self, epoch: u64) -> Result<()> {
        self.remove_where(|e| e <= epoch)
    }

    fn remove_where(&self, wanted: impl Fn(u64) -> bool) -> Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == IoKind::NotFound => return Ok(()),
            Err(e) => return Err(Error::io_at(self.folder.display(), e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| Error::io_at(self.folder.display(), e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let epoch = name.strip_prefix(&self.prefix).and_then(|rest| rest.get(..20)).and_then(|digits| digits.parse::<u64>().ok());
            if epoch.is_some_and(&wanted) {
                match fs::remove_file(entry.path()) {
                    Err(e) if e.kind() != IoKind::NotFound => return Err(Error::io_at(entry.path().display(), e)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Rows as an Arrow IPC stream.
pub(crate) fn to_stream(batches: &[RecordBatch]) -> Result<Bytes> {
    let Some(first) = batches.first() else { return Ok(Bytes::new()) };
    let mut writer = StreamWriter::try_new(Vec::with_capacity(4096), first.schema_ref())?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    Ok(Bytes::from(writer.into_inner()?))
}

/// The rows of an Arrow IPC stream.
pub(crate) fn from_stream(bytes: &Bytes) -> Result<Vec<RecordBatch>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let damaged = |e: arrow::error::ArrowError| Error::corrupt(format!("staged rows do not decode: {e}")).with_source(e);
    StreamReader::try_new(Cursor::new(bytes), None).map_err(damaged)?.map(|batch| batch.map_err(damaged)).collect()
}

/// Rows as an Arrow IPC file, compressed.
pub(crate) fn to_file(batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let options = IpcWriteOptions::default().try_with_compression(Some(arrow::ipc::CompressionType::LZ4_FRAME))?;
    let mut writer = FileWriter::try_new_with_options(Vec::new(), first.schema_ref(), options)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// The rows of a staged IPC file whose bytes have this stable hash.
pub(crate) fn read_file(path: &Path, checksum: u64) -> Result<Vec<RecordBatch>> {
    let bytes = fs::read(path).map_err(|e| Error::io_at(path.display(), e).context("a staged file of a recorded epoch cannot be read"))?;
    if stable_hash(&bytes) != checksum {
        return Err(Error::corrupt(format!(
            "staged file {} is damaged: its checksum is not the recorded one; restore it, or start the query anew with a new checkpoint and new tables",
            path.display()
        )));
    }
    let damaged = |e: arrow::error::ArrowError| Error::corrupt(format!("staged file {}: {e}", path.display())).with_source(e);
    FileReader::try_new(Cursor::new(bytes), None).map_err(damaged)?.map(|batch| batch.map_err(damaged)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::datatypes::{DataType, Field, Schema};

    #[test]
    fn rows_survive_both_forms() {
        let schema = Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, true)]));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec![Some("a"), None]))]).unwrap();
        let batches = vec![batch.clone(), batch];
        assert_eq!(from_stream(&to_stream(&batches).unwrap()).unwrap(), batches);
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = to_file(&batches).unwrap();
        fs::write(file.path(), &bytes).unwrap();
        assert_eq!(read_file(file.path(), stable_hash(&bytes)).unwrap(), batches);
        assert!(read_file(file.path(), 1).unwrap_err().message().contains("checksum"));
        assert!(from_stream(&Bytes::new()).unwrap().is_empty());
        assert!(from_stream(&Bytes::from_static(b"nonsense")).is_err());
    }

    #[test]
    fn epochs_are_removed_without_touching_those_of_other_sinks() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (Staging::new(root.path(), "a", false), Staging::new(root.path(), "b", false));
        a.remove_up_to(9).unwrap();
        for epoch in [1, 2, 3] {
            a.write(&a.new_name(epoch, 0, "arrow"), b"x").unwrap();
            b.write(&b.new_name(epoch, 0, "arrow"), b"x").unwrap();
        }
        a.sync().unwrap();
        let count = || fs::read_dir(root.path().join("_tidemill_staged")).unwrap().count();
        a.remove(2).unwrap();
        assert_eq!(count(), 5);
        a.remove_up_to(3).unwrap();
        assert_eq!(count(), 3);
        b.remove_up_to(2).unwrap();
        assert_eq!(count(), 1);
    }
}
