//! Output that is not visible yet: rows inline in a receipt, or files in a folder that readers of the table ignore.
//!
//! ```text
//! <table>/_tidemill_staged/<hash of query and sink>-<epoch>-<place>-<partition>-<uuid>.arrow      rows of a merge
//!                                                                                   .parquet    a data file of an append, to be moved
//! ```
//!
//! A name says whose the file is: the query and its sink, since several may write to one table; the epoch; and the place in the
//! query's log at which the run began that staged it. A run removes what smaller places have left, and never what a later run has
//! staged and may have recorded. The uuid tells attempts apart.
//!
//! Files without a place are of releases that had none; their hash is of the sink alone. Nobody can say which query left one: it is
//! removed when a record that names it has been published, and not before.

use std::fs;
use std::io::{Cursor, ErrorKind as IoKind};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use tidemill_planner::key::stable_hash;
use tidemill_planner::seam::{SinkQuery, SinkRun};
use tidemill_planner::{Error, Result};

use crate::log::dir::{sync_dir, write_file};

/// The staging folder of one sink.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    folder: PathBuf,
    sink: String,
    durable: bool,
}

/// What a staged file's name says: the epoch, and the place of the run that staged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StagedBy {
    epoch: u64,
    place: u64,
}

impl StagedBy {
    /// Reads `<epoch>-<place>-…`, each of twenty digits.
    fn parse(name: &str) -> Option<Self> {
        let (epoch, rest) = name.split_once('-')?;
        let (place, _) = rest.split_once('-')?;
        let number = |digits: &str| if digits.len() == 20 { digits.parse().ok() } else { None };
        Some(Self { epoch: number(epoch)?, place: number(place)? })
    }
}

impl Staging {
    pub(crate) fn new(root: &Path, sink_id: &str, durable: bool) -> Self {
        Self { folder: root.join("_tidemill_staged"), sink: sink_id.to_owned(), durable }
    }

    fn prefix(&self, query: &SinkQuery) -> String {
        format!("{:016x}-", stable_hash(format!("{}\0{}", query.id, self.sink).as_bytes()))
    }

    /// A name that no other attempt has.
    pub(crate) fn new_name(&self, run: &SinkRun, epoch: u64, partition: usize, extension: &str) -> String {
        let (prefix, place) = (self.prefix(&run.query), run.place);
        format!("{prefix}{epoch:020}-{place:020}-{partition:05}-{}.{extension}", uuid::Uuid::new_v4())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a staged file; its name is durable once [`Staging::sync`] has returned.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        self.in_folder(|| write_file(&path, bytes, self.durable))
    }

    /// Makes a staged file that is written later, under a name that no other has. It says where that is.
    pub(crate) fn create(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        self.in_folder(|| fs::File::create_new(&path).map(drop).map_err(|e| Error::io_at(path.display(), e)))?;
        Ok(path)
    }

    /// Does what needs the folder, which is made where it is missing.
    fn in_folder(&self, work: impl Fn() -> Result<()>) -> Result<()> {
        match work() {
            Err(e) if e.kind() == tidemill_planner::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder).map_err(|e| Error::io_at(self.folder.display(), e))?;
                if self.durable
                    && let Some(root) = self.folder.parent()
                {
                    sync_dir(root)?;
                }
                work()
            }
            other => other,
        }
    }

    /// Makes the names of staged files survive a power cut.
    pub(crate) fn sync(&self) -> Result<()> {
        if self.durable { sync_dir(&self.folder) } else { Ok(()) }
    }

    /// Removes what runs before `run` have staged for epochs from `from_epoch` on.
    pub(crate) fn discard(&self, run: &SinkRun, from_epoch: u64) -> Result<()> {
        self.remove_where(&run.query, |staged| staged.place < run.place && staged.epoch >= from_epoch)
    }

    /// Removes what any run of the query has staged for an epoch that is published, and for those before it.
    pub(crate) fn remove_up_to(&self, query: &SinkQuery, epoch: u64) -> Result<()> {
        self.remove_where(query, |staged| staged.epoch <= epoch)
    }

    /// Removes these files; one that is not there any more was moved.
    pub(crate) fn remove_named(&self, names: &[String]) -> Result<()> {
        names.iter().try_for_each(|name| remove_if_there(&self.path(name)))
    }

    fn remove_where(&self, query: &SinkQuery, wanted: impl Fn(StagedBy) -> bool) -> Result<()> {
        let prefix = self.prefix(query);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == IoKind::NotFound => return Ok(()),
            Err(e) => return Err(Error::io_at(self.folder.display(), e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| Error::io_at(self.folder.display(), e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.strip_prefix(&prefix).and_then(StagedBy::parse).is_some_and(&wanted) {
                remove_if_there(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != IoKind::NotFound => Err(Error::io_at(path.display(), e)),
        _ => Ok(()),
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
    fn a_run_removes_what_earlier_runs_left_and_nothing_of_others() {
        let root = tempfile::tempdir().unwrap();
        let staging = |sink| Staging::new(root.path(), sink, false);
        let (a, b) = (staging("a"), staging("b"));
        let query = |id: &str| SinkQuery { id: id.to_owned(), checkpoint: String::new(), unnamed: false };
        let run = |id: &str, place| SinkRun { query: query(id), place };
        a.remove_up_to(&query("q"), 9).unwrap();
        // As a release without places named them: nobody knows whose this is.
        let old = format!("{:016x}-{:020}-{:05}-{}.arrow", stable_hash(b"a"), 1, 0, uuid::Uuid::new_v4());
        a.write(&old, b"x").unwrap();
        for epoch in [1, 2, 3] {
            for (staging, run) in [(&a, run("q", 4)), (&a, run("q", 7)), (&a, run("other", 4)), (&b, run("q", 4))] {
                staging.write(&staging.new_name(&run, epoch, 0, "arrow"), b"x").unwrap();
            }
        }
        a.sync().unwrap();
        let left = || fs::read_dir(root.path().join("_tidemill_staged")).unwrap().count();
        assert_eq!(left(), 13);
        a.discard(&run("q", 4), 1).unwrap();
        assert_eq!(left(), 13, "nothing is of an earlier run");
        a.discard(&run("q", 7), 2).unwrap();
        assert_eq!(left(), 11, "epochs 2 and 3 of the run at 4");
        a.discard(&run("q", 9), 3).unwrap();
        assert_eq!(left(), 10, "epoch 3 of the run at 7");
        a.remove_up_to(&query("q"), 2).unwrap();
        assert_eq!(left(), 7, "epoch 1 of both runs, epoch 2 of the later one");
        b.remove_up_to(&query("q"), 3).unwrap();
        assert_eq!(left(), 4);
        a.remove_up_to(&query("other"), 3).unwrap();
        assert_eq!(left(), 1, "the old one stays");
    }
}
