//! A durable log as files in one directory of a local disk: temporary file, sync, hard link to the number's name, sync of
//! the directory. It does not look into the entries.
//!
//! ```text
//! 00000000000000000007.rec                 entry 7
//! .00000000000000000008.<unique>.tmp       an entry being written, or left by a writer that died
//! ```
//! `hard_link` fails when the name exists, so one of several writers wins, and a name never shows half an entry.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_planner::seam::{DurableLog, PutOutcome};
use tidemill_planner::{Error, Result};

use crate::log::blocking;

const DIGITS: usize = 20;
const SUFFIX: &str = ".rec";
const TEMP_SUFFIX: &str = ".tmp";
/// Another process that opens the log sweeps temporary files away, those of a writer at work too; the writer starts over.
const PUT_ATTEMPTS: usize = 5;

/// A [`DurableLog`] in a directory of a local disk.
#[derive(Debug, Clone)]
pub struct LocalLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// Kept open to be synced.
    handle: File,
}

impl LocalLog {
    /// Opens the log in `dir`, which is made if it is not there, and clears away what writers that died have left.
    /// It blocks: call it off the rayon pool.
    ///
    /// # Errors
    /// `Io` or `NotFound`, naming the directory, when it cannot be made, read or synced.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        let named = |error| Error::io_at(dir.display(), error).context("cannot open the log directory");
        if !dir.is_dir() {
            create_dir_durably(&dir).map_err(named)?;
        }
        let handle = File::open(&dir).map_err(named)?;
        handle.sync_all().map_err(named)?;
        for entry in std::fs::read_dir(&dir).map_err(named)? {
            let entry = entry.map_err(named)?;
            if entry.file_name().to_str().is_some_and(is_temp) {
                remove_if_there(&entry.path())?;
            }
        }
        Ok(Self { inner: Arc::new(Inner { dir, handle }) })
    }

    /// The directory that holds the entries.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The numbers of the entries in a directory, in order, for one who only reads: nothing is made, synced or swept. It blocks.
    ///
    /// # Errors
    /// `Io`
    pub fn numbers_in(dir: &Path) -> Result<Vec<u64>> {
        list_from(dir, 0)
    }

    /// The file of an entry in a directory.
    pub fn path_in(dir: &Path, number: u64) -> PathBuf {
        path_of(dir, number)
    }

    /// The bytes of an entry in a directory, in the same way as [`LocalLog::numbers_in`].
    ///
    /// # Errors
    /// `Io`
    pub fn entry_in(dir: &Path, number: u64) -> Result<Option<Bytes>> {
        read(&path_of(dir, number))
    }
}

fn path_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:0DIGITS$}{SUFFIX}"))
}

fn read(path: &Path) -> Result<Option<Bytes>> {
    fail::fail_point!("executor::log::read", |_| Err(Error::io(format!("{}: failpoint", path.display()))));
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io_at(path.display(), error).context("cannot read log entry")),
    }
}

fn list_from(dir: &Path, from: u64) -> Result<Vec<u64>> {
    let named = |error| Error::io_at(dir.display(), error).context("cannot list the log directory");
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(named)? {
        let name = entry.map_err(named)?.file_name();
        numbers.extend(name.to_str().and_then(parse_name).filter(|number| *number >= from));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Inner {
    fn path(&self, number: u64) -> PathBuf {
        path_of(&self.dir, number)
    }

    fn put_new(&self, number: u64, bytes: &Bytes) -> Result<PutOutcome> {
        let target = self.path(number);
        for _ in 0..PUT_ATTEMPTS {
            let temp = self.dir.join(format!(".{number:0DIGITS$}.{}{TEMP_SUFFIX}", uuid::Uuid::new_v4().simple()));
            let linked = write_synced(&temp, bytes).and_then(|()| {
                fail::fail_point!("executor::log::before_link");
                std::fs::hard_link(&temp, &target)?;
                fail::fail_point!("executor::log::link_answer", |_| Err(std::io::Error::other("failpoint")));
                Ok(())
            });
            let outcome = match linked {
                Ok(()) => self.settle(number),
                // Taken by us, if an earlier attempt's answer was lost, or by another writer, whose entry may be gone again.
                Err(error) if error.kind() == IoErrorKind::AlreadyExists => {
                    self.read_back(number, bytes).map(|there| there.unwrap_or(PutOutcome::Exists))
                }
                Err(error) if error.kind() == IoErrorKind::NotFound && self.dir.is_dir() => continue,
                Err(error) if error.kind() == IoErrorKind::Unsupported => Err(Error::io_at(target.display(), error)
                    .context("this file system has no hard links, which the log needs; put the checkpoint on another one")),
                // The answer may be lost though the link was made: the entry itself tells.
                Err(error) => self
                    .read_back(number, bytes)
                    .and_then(|there| there.ok_or_else(|| Error::io_at(target.display(), error).context("cannot write log entry"))),
            };
            // What is left over is ignored by every reader and swept away at the next start.
            let _ = std::fs::remove_file(&temp);
            return outcome;
        }
        Err(Error::io(format!("{}: the temporary file vanished {PUT_ATTEMPTS} times while it was written", target.display())))
    }

    /// Who has the number: we, another writer, or nobody.
    fn read_back(&self, number: u64, bytes: &Bytes) -> Result<Option<PutOutcome>> {
        let there = self.read(number).map_err(|error| self.unknown(number, "the entry may be there, but cannot be read back", error))?;
        match there {
            Some(there) if there == *bytes => self.settle(number).map(Some),
            Some(_) => Ok(Some(PutOutcome::Exists)),
            None => Ok(None),
        }
    }

    /// Our entry can be seen: now it is made to last.
    fn settle(&self, number: u64) -> Result<PutOutcome> {
        const WHAT: &str = "the entry can be seen, but may not survive a power cut";
        self.sync().map(|()| PutOutcome::Created).map_err(|error| self.unknown(number, WHAT, error))
    }

    fn unknown(&self, number: u64, what: &str, error: Error) -> Error {
        Error::outcome_unknown(format!("{}: {what}: {error}; putting the same entry again finds out", self.path(number).display()))
            .with_source(error)
    }

    fn sync(&self) -> Result<()> {
        fail::fail_point!("executor::log::sync", |_| Err(Error::io(format!("{}: failpoint", self.dir.display()))));
        self.handle.sync_all().map_err(|error| Error::io_at(self.dir.display(), error).context("cannot sync the log directory"))
    }

    fn read(&self, number: u64) -> Result<Option<Bytes>> {
        read(&self.path(number))
    }
}

#[async_trait]
impl DurableLog for LocalLog {
    async fn put_new(&self, number: u64, bytes: Bytes) -> Result<PutOutcome> {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.put_new(number, &bytes)).await
    }

    async fn read(&self, number: u64) -> Result<Option<Bytes>> {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.read(number)).await
    }

    async fn list_from(&self, from: u64) -> Result<Vec<u64>> {
        let inner = Arc::clone(&self.inner);
        blocking(move || list_from(&inner.dir, from)).await
    }

    async fn remove(&self, number: u64) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        blocking(move || remove_if_there(&inner.path(number))).await
    }

    fn location(&self, number: u64) -> String {
        self.inner.path(number).display().to_string()
    }
}

fn write_synced(path: &Path, bytes: &Bytes) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != IoErrorKind::NotFound => Err(Error::io_at(path.display(), error).context("cannot remove")),
        _ => Ok(()),
    }
}

/// Makes a directory and what leads to it; each new name is synced in its parent.
fn create_dir_durably(dir: &Path) -> std::io::Result<()> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        create_dir_durably(parent)?;
    }
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() == IoErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(parent)?.sync_all(),
    }
}

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let plain = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn is_temp(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMP_SUFFIX)
}

#[cfg(test)]
mod tests {
    use tidemill_planner::seam::log_contract;

    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        log_contract(Arc::new(LocalLog::open(dir.path().join("a/b")).unwrap())).await.unwrap();
    }

    #[test]
    fn it_works_where_there_is_no_runtime() {
        let dir = tempfile::tempdir().unwrap();
        futures::executor::block_on(log_contract(Arc::new(LocalLog::open(dir.path()).unwrap()))).unwrap();
    }

    #[tokio::test]
    async fn a_torn_temporary_file_is_ignored_and_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let log = LocalLog::open(dir.path()).unwrap();
        log.put_new(4, Bytes::from_static(b"four")).await.unwrap();
        let torn = dir.path().join(".00000000000000000005.0123.tmp");
        for name in [".00000000000000000005.0123.tmp", "00000000000000000006.rec.bak", "7.rec", "note.txt"] {
            std::fs::write(dir.path().join(name), b"half").unwrap();
        }
        assert_eq!(log.list_from(0).await.unwrap(), [4]);
        assert_eq!(log.read(5).await.unwrap(), None);
        let again = LocalLog::open(dir.path()).unwrap();
        assert!(!torn.exists() && dir.path().join("note.txt").exists());
        assert_eq!(again.put_new(5, Bytes::from_static(b"five")).await.unwrap(), PutOutcome::Created);
        assert_eq!(again.read(5).await.unwrap().as_deref(), Some(&b"five"[..]));
        let hidden = std::fs::read_dir(dir.path()).unwrap().filter(|e| is_temp(e.as_ref().unwrap().file_name().to_str().unwrap()));
        assert_eq!(hidden.count(), 0, "a put leaves no temporary file");
    }

    #[tokio::test]
    async fn the_second_writer_loses_unless_it_is_the_first_one_asking_again() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (LocalLog::open(dir.path()).unwrap(), LocalLog::open(dir.path()).unwrap());
        let (ours, theirs) = (Bytes::from_static(b"run a"), Bytes::from_static(b"run b"));
        assert_eq!(a.put_new(0, ours.clone()).await.unwrap(), PutOutcome::Created);
        assert_eq!(b.put_new(0, theirs).await.unwrap(), PutOutcome::Exists);
        assert_eq!(a.put_new(0, ours.clone()).await.unwrap(), PutOutcome::Created);
        assert_eq!(b.read(0).await.unwrap(), Some(ours));
    }

    #[test]
    fn errors_name_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("not-a-dir");
        std::fs::write(&file, b"").unwrap();
        for path in [file.clone(), file.join("below")] {
            let error = LocalLog::open(&path).unwrap_err();
            assert!(error.message().contains(&path.display().to_string()), "{error}");
            assert!(error.message().contains("log directory"), "{error}");
        }
        let gone = LocalLog::open(dir.path().join("gone")).unwrap();
        std::fs::remove_dir(gone.dir()).unwrap();
        let put = futures::executor::block_on(gone.put_new(1, Bytes::new())).unwrap_err();
        let list = futures::executor::block_on(gone.list_from(1)).unwrap_err();
        for error in [put, list] {
            assert!(error.message().contains("gone"), "{error}");
        }
    }

    #[test]
    fn names() {
        for (name, number) in [
            ("00000000000000000007.rec", Some(7)),
            ("18446744073709551615.rec", Some(u64::MAX)),
            ("18446744073709551616.rec", None),
            ("7.rec", None),
            ("+0000000000000000007.rec", None),
            (".00000000000000000007.rec", None),
            ("00000000000000000007.tmp", None),
        ] {
            assert_eq!(parse_name(name), number, "{name}");
        }
    }
}
