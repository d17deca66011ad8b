//! Blocks on disk: one file per task attempt, one self-contained compressed Arrow IPC stream per block. The files are
//! scratch: never synced, and removed with the run. It does not decide what goes there.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use tidemill_planner::stage::TaskId;
use tidemill_planner::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

use super::LostBlocks;

/// A run's folder, made when the first block goes to disk and removed with everything in it.
#[derive(Debug)]
pub(crate) struct SpillDir {
    parent: PathBuf,
    state: Mutex<DirState>,
}

#[derive(Debug)]
enum DirState {
    NotMade,
    Made {
        path: PathBuf,
        /// Held while the run lives: who gets it knows that the folder is nobody's.
        _lock: File,
    },
    /// The run is over; an attempt that nobody waits for any more may still ask.
    Closed,
}

impl SpillDir {
    pub(crate) fn within(parent: PathBuf) -> Self {
        Self { parent, state: Mutex::new(DirState::NotMade) }
    }

    /// The folder, made if it is not there yet. Blocks the thread.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            DirState::Made { path, .. } => Ok(path.clone()),
            DirState::Closed => Err(Error::cancelled("the run that wanted to spill is over")),
            DirState::NotMade => {
                sweep(&self.parent);
                let (path, lock) = make_folder(&self.parent)?;
                *state = DirState::Made { path: path.clone(), _lock: lock };
                Ok(path)
            }
        }
    }

    /// Removes the folder; nothing is spilled after this.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *state, DirState::Closed);
        let DirState::Made { path, .. } = &before else { return };
        let mut removed = std::fs::remove_dir_all(path);
        // An attempt that nobody waits for any more may have asked for the folder, and make its file while this goes through it.
        for _ in 0..LATE_FILES {
            if !removed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::DirectoryNotEmpty) {
                break;
            }
            removed = std::fs::remove_dir_all(path);
        }
        if let Err(error) = removed {
            tracing::warn!("the spill folder {} could not be removed: {error}", path.display());
        }
    }
}

const FOLDER: &str = "tidemill-spill-";
const LOCK: &str = "lock";

/// How often a folder is tried to be removed again that was not empty after all.
const LATE_FILES: usize = 16;

/// A new folder with a lock that is held.
fn make_folder(parent: &Path) -> Result<(PathBuf, File)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let path = parent.join(format!("{FOLDER}{}-{}", std::process::id(), uuid::Uuid::new_v4().simple()));
        let made = std::fs::create_dir_all(&path).and_then(|()| File::create_new(path.join(LOCK))).and_then(|lock| {
            lock.try_lock()?;
            // Whoever sweeps may have had the lock before, and have taken the folder away with it.
            path.join(LOCK).metadata()?;
            Ok(lock)
        });
        match made {
            Ok(lock) => return Ok((path, lock)),
            // Another process has taken the folder for a dead one's before it had its lock.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) && tries < 8 => {}
            Err(error) => return Err(Error::io_at(path.display(), error).context("cannot make the spill folder")),
        }
    }
}

/// Removes the folders of processes that were killed: those whose lock nobody holds. What cannot be removed is left for another time.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER)) {
        let path = entry.path();
        let removed = match File::open(path.join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => std::fs::remove_dir_all(&path),
            Ok(_) => continue,
            // Its process ended between two steps, or is between them now: it goes only if there is nothing in it.
            Err(_) => std::fs::remove_dir(&path),
        };
        match removed {
            Ok(()) => tracing::info!("removed {}, which a process that was killed had left", path.display()),
            Err(error) => tracing::debug!("{} is left: {error}", path.display()),
        }
    }
}

impl Drop for SpillDir {
    fn drop(&mut self) {
        self.close();
    }
}

/// A task attempt's file; removed when nobody refers to its blocks any more.
#[derive(Debug)]
struct SpillFile {
    path: PathBuf,
    writer: TaskId,
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.path);
        // The run's folder may be gone already, with the file.
        let remove = move || drop(std::fs::remove_file(path));
        // The last reference goes where a run is told of a task's end: a pool thread does not wait for a disk.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// A block in a task's file.
#[derive(Debug, Clone)]
pub(crate) struct DiskBlock {
    file: Arc<SpillFile>,
    offset: u64,
    bytes: u64,
    /// Which of the rows that were written are meant.
    rows: Range<usize>,
    /// xxh3-64 of the bytes: what a disk gives back may not be what it was given.
    checksum: u64,
}

/// Appends a task's blocks.
#[derive(Debug)]
pub(crate) struct SpillWriter {
    file: Arc<SpillFile>,
    handle: File,
    offset: u64,
}

impl SpillWriter {
    /// A new file. Blocks the thread.
    pub(crate) fn create(dir: &SpillDir, writer: TaskId) -> Result<Self> {
        let path = dir.path()?.join(format!("{writer}-{}.arrow", uuid::Uuid::new_v4().simple()));
        let handle = File::create_new(&path).map_err(|e| cannot_spill(&path, e))?;
        Ok(Self { file: Arc::new(SpillFile { path, writer }), handle, offset: 0 })
    }

    /// Writes an encoded block of so many rows. Blocks the thread.
    pub(crate) fn append(&mut self, encoded: &[u8], rows: usize) -> Result<DiskBlock> {
        before_write().and_then(|()| self.handle.write_all(encoded)).map_err(|e| cannot_spill(&self.file.path, e))?;
        let (file, bytes) = (Arc::clone(&self.file), encoded.len() as u64);
        let block = DiskBlock { file, offset: self.offset, bytes, rows: 0..rows, checksum: xxh3_64(encoded) };
        self.offset += block.bytes;
        Ok(block)
    }
}

/// A place at which a test has the disk full: `FAILPOINTS=executor::spill.write=return`, or `return(io)` for an error that may pass.
pub(crate) fn before_write() -> io::Result<()> {
    fail::fail_point!("executor::spill.write", |text| Err(match text {
        Some(_) => io::Error::other("failpoint"),
        None => io::ErrorKind::StorageFull.into(),
    }));
    Ok(())
}

/// What is said when a file beneath the spill folder cannot be written.
pub(crate) fn cannot_spill(path: &Path, error: io::Error) -> Error {
    if !matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Error::io_at(path.display(), error).context("cannot spill");
    }
    let message = format!(
        "cannot spill, no space is left for {}: free some, give another folder as `tidemill.spillDir`, or have less spilled with more \
         `tidemill.memoryBytes`: {error}",
        path.display()
    );
    Error::resources(message).with_source(error)
}

/// A batch as bytes.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options)?;
    writer.write(batch)?;
    Ok(writer.into_inner()?)
}

impl DiskBlock {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Some of its rows.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        Self { rows: self.rows.start + rows.start..self.rows.start + rows.end, ..self.clone() }
    }

    /// Reads the block's bytes. Blocks the thread.
    ///
    /// # Errors
    /// `Io`, caused by [`LostBlocks`].
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let read = || -> io::Result<Vec<u8>> {
            fail::fail_point!("executor::spill.read", |_| Err(io::Error::other("failpoint")));
            let mut handle = File::open(&self.file.path)?;
            handle.seek(SeekFrom::Start(self.offset))?;
            let mut bytes = vec![0; self.bytes as usize];
            handle.read_exact(&mut bytes)?;
            if xxh3_64(&bytes) != self.checksum {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is another one"));
            }
            Ok(bytes)
        };
        read().map_err(|cause| self.lost(cause))
    }

    /// The rows in the block's bytes.
    pub(crate) fn decode(&self, bytes: Vec<u8>) -> Result<Vec<RecordBatch>> {
        let decode = || StreamReader::try_new(Cursor::new(bytes), None)?.collect::<Result<Vec<_>, _>>();
        let batches = decode().map_err(|e| self.lost(io::Error::new(io::ErrorKind::InvalidData, e)))?;
        let mut from = 0;
        let mut wanted = Vec::with_capacity(batches.len());
        for batch in batches {
            let to = from + batch.num_rows();
            let (first, end) = (self.rows.start.max(from), self.rows.end.min(to));
            if first < end {
                wanted.push(batch.slice(first - from, end - first));
            }
            from = to;
        }
        Ok(wanted)
    }

    fn lost(&self, cause: io::Error) -> Error {
        let message = format!("{}: {cause}", self.file.path.display());
        Error::io(message).with_source(LostBlocks { writer: self.file.writer, cause })
    }
}
