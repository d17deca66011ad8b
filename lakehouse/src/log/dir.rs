//! `_delta_log` on a local disk: numbered entries with put-if-absent. It moves bytes and knows no action.
//!
//! ```text
//! _delta_log/
//!   00000000000000000007.json                 entry 7: appears whole, by hard link, and never changes
//!   00000000000000000100.checkpoint.parquet   the table as of version 100
//!   _last_checkpoint                          which checkpoint to begin with
//!   .tidemill-<uuid>.tmp                      an entry that is being written, or what a crash left of one
//! ```

use std::fs;
use std::io::{ErrorKind as IoKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tidemill_planner::{Error, Result};

/// A version of the table, as Delta numbers them.
pub(crate) type Version = u64;

/// How often a sync of the log's folder is tried.
const SYNC_ATTEMPTS: usize = 3;

/// The log directory of one table.
#[derive(Debug, Clone)]
pub(crate) struct LogDir {
    dir: PathBuf,
}

/// By what we know that an entry is still the file that we read: a table that was dropped and made anew differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    bytes: u64,
    modified_ns: i128,
}

/// An entry written aside and, where asked, synced: all that is left is to give it a number.
#[derive(Debug)]
pub(crate) struct Prepared {
    path: PathBuf,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // A leftover is harmless (readers ignore it) and upkeep removes it, so a failure here needs no report.
        let _ = fs::remove_file(&self.path);
    }
}

/// What became of giving an entry its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Created,
    Exists,
}

/// What a directory listing shows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Versions of the JSON entries, rising.
    pub(crate) entries: Vec<Version>,
    /// Version and number of parts of whole classic checkpoints, rising.
    pub(crate) checkpoints: Vec<(Version, Option<u32>)>,
    /// Versions of checkpoints of a form that we do not read (V2, named by UUID).
    pub(crate) foreign_checkpoints: Vec<Version>,
}

impl LogDir {
    pub(crate) fn of_table(root: &Path) -> Self {
        Self { dir: root.join("_delta_log") }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn entry_path(&self, version: Version) -> PathBuf {
        self.dir.join(format!("{version:020}.json"))
    }

    /// The files of a classic checkpoint.
    pub(crate) fn checkpoint_paths(&self, version: Version, parts: Option<u32>) -> Vec<PathBuf> {
        match parts {
            None => vec![self.dir.join(format!("{version:020}.checkpoint.parquet"))],
            Some(n) => (1..=n).map(|i| self.dir.join(format!("{version:020}.checkpoint.{i:010}.{n:010}.parquet"))).collect(),
        }
    }

    /// The bytes of an entry with its stamp, or `None` where there is none.
    pub(crate) fn read(&self, version: Version) -> Result<Option<(Bytes, Stamp)>> {
        let path = self.entry_path(version);
        fail::fail_point!("lakehouse::log.read", |_| Err(Error::io(format!("{}: failpoint", path.display()))));
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == IoKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io_at(path.display(), e)),
        };
        let mut bytes = Vec::new();
        let stamp = file.metadata().and_then(|m| std::io::Read::read_to_end(&mut file, &mut bytes).map(|_| stamp_of(&m)));
        let stamp = stamp.map_err(|e| Error::io_at(path.display(), e))?;
        Ok(Some((Bytes::from(bytes), stamp)))
    }

    pub(crate) fn stamp(&self, version: Version) -> Result<Option<Stamp>> {
        let path = self.entry_path(version);
        fail::fail_point!("lakehouse::log.stamp", |_| Err(Error::io(format!("{}: failpoint", path.display()))));
        match fs::metadata(&path) {
            Ok(m) => Ok(Some(stamp_of(&m))),
            Err(e) if e.kind() == IoKind::NotFound => Ok(None),
            Err(e) => Err(Error::io_at(path.display(), e)),
        }
    }

    /// When an entry was written, milliseconds since the Unix epoch.
    pub(crate) fn modified_ms(&self, version: Version) -> Result<Option<i64>> {
        Ok(self.stamp(version)?.map(|s| (s.modified_ns / 1_000_000) as i64))
    }

    /// Writes an entry aside; `durable` makes its bytes survive a power cut once they have a number.
    pub(crate) fn prepare(&self, bytes: &[u8], durable: bool) -> Result<Prepared> {
        let prepared = Prepared { path: self.dir.join(format!(".tidemill-{}.tmp", uuid::Uuid::new_v4())) };
        write_file(&prepared.path, bytes, durable)?;
        Ok(prepared)
    }

    /// Gives a prepared entry its number, unless the number is taken. The same entry may try one number after another.
    pub(crate) fn publish(&self, prepared: &Prepared, version: Version) -> Result<Put> {
        let path = self.entry_path(version);
        match fs::hard_link(&prepared.path, &path) {
            Ok(()) => {
                fail::fail_point!("lakehouse::log.linked");
                fail::fail_point!("lakehouse::log.link_answer", |_| Err(Error::io(format!("{}: failpoint", path.display()))));
                Ok(Put::Created)
            }
            Err(e) if e.kind() == IoKind::AlreadyExists => Ok(Put::Exists),
            Err(e) if e.kind() == IoKind::Unsupported => Err(Error::unsupported(format!(
                "{}: this file system has no hard links, without which a commit is not atomic; put the table on another one",
                path.display()
            ))),
            Err(e) => Err(Error::io_at(path.display(), e)),
        }
    }

    /// Makes the names in the log survive a power cut. It is tried again: the folder may be out of reach for want of file handles, and
    /// a journaling file system that could not write a name refuses every later sync, so one that succeeds stands for all names.
    pub(crate) fn sync(&self) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.sync_once() {
                Err(e) if e.is_transient() && attempt < SYNC_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    fn sync_once(&self) -> Result<()> {
        fail::fail_point!("lakehouse::log.sync", |_| Err(Error::io(format!("{}: failpoint", self.dir.display()))));
        sync_dir(&self.dir)
    }

    /// All that is in the log: costs as much as the log is long, so no commit calls it.
    pub(crate) fn list(&self) -> Result<Listing> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == IoKind::NotFound => return Ok(Listing::default()),
            Err(e) => return Err(Error::io_at(self.dir.display(), e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| Error::io_at(self.dir.display(), e))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        Ok(sort_names(&names))
    }

    /// Removes entries that a crash left half written, once they are older than `age`.
    pub(crate) fn remove_leftovers(&self, age: Duration) -> Result<()> {
        let entries = fs::read_dir(&self.dir).map_err(|e| Error::io_at(self.dir.display(), e))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let old = entry.metadata().and_then(|m| m.modified()).is_ok_and(|t| t.elapsed().is_ok_and(|e| e >= age));
            if name.starts_with(".tidemill-") && name.ends_with(".tmp") && old {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Sorts the names of a log directory into what they are.
fn sort_names(names: &[String]) -> Listing {
    let mut listing = Listing::default();
    let mut parts: std::collections::BTreeMap<(Version, u32), u32> = std::collections::BTreeMap::new();
    for name in names {
        let Some((digits, rest)) = name.split_once('.') else { continue };
        if digits.len() != 20 {
            continue;
        }
        let Ok(version) = digits.parse::<Version>() else { continue };
        match rest.split('.').collect::<Vec<_>>()[..] {
            ["json"] => listing.entries.push(version),
            ["checkpoint", "parquet"] => listing.checkpoints.push((version, None)),
            ["checkpoint", part, of, "parquet"] => {
                if let (Ok(_), Ok(of)) = (part.parse::<u32>(), of.parse::<u32>()) {
                    *parts.entry((version, of)).or_default() += 1;
                }
            }
            ["checkpoint", _, "parquet" | "json"] => listing.foreign_checkpoints.push(version),
            _ => {}
        }
    }
    listing.checkpoints.extend(parts.into_iter().filter(|((_, of), found)| found == of).map(|((v, of), _)| (v, Some(of))));
    listing.entries.sort_unstable();
    listing.checkpoints.sort_unstable();
    listing.foreign_checkpoints.sort_unstable();
    listing
}

fn stamp_of(metadata: &fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let modified_ns =
        modified.duration_since(UNIX_EPOCH).map_or_else(|before| -(before.duration().as_nanos() as i128), |after| after.as_nanos() as i128);
    Stamp { inode: metadata.ino(), bytes: metadata.len(), modified_ns }
}

/// Writes a new file, over an old one of the same name if there is one.
pub(crate) fn write_file(path: &Path, bytes: &[u8], durable: bool) -> Result<()> {
    let write = || {
        let mut file = fs::File::create(path)?;
        file.write_all(bytes)?;
        if durable { file.sync_all() } else { Ok(()) }
    };
    write().map_err(|e| Error::io_at(path.display(), e))
}

/// Makes the names in a directory survive a power cut.
pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| Error::io_at(path.display(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_writers_gets_the_number() {
        let root = tempfile::tempdir().unwrap();
        let log = LogDir::of_table(root.path());
        fs::create_dir(log.path()).unwrap();
        let (ours, theirs) = (log.prepare(b"ours", true).unwrap(), log.prepare(b"theirs", false).unwrap());
        assert_eq!(log.publish(&theirs, 0).unwrap(), Put::Created);
        assert_eq!(log.publish(&ours, 0).unwrap(), Put::Exists);
        assert_eq!(log.publish(&ours, 1).unwrap(), Put::Created);
        drop((ours, theirs));
        assert_eq!(log.read(0).unwrap().unwrap().0, "theirs");
        assert_eq!(log.read(1).unwrap().unwrap().0, "ours");
        assert!(log.read(2).unwrap().is_none());
        assert_eq!(fs::read_dir(log.path()).unwrap().count(), 2, "nothing is left beside the entries");
    }

    #[test]
    fn names_of_a_log_directory() {
        let names = [
            "00000000000000000002.json",
            "00000000000000000001.json",
            "00000000000000000001.checkpoint.parquet",
            "00000000000000000002.checkpoint.0000000001.0000000002.parquet",
            "00000000000000000003.checkpoint.0000000001.0000000002.parquet",
            "00000000000000000003.checkpoint.0000000002.0000000002.parquet",
            "00000000000000000004.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet",
            "00000000000000000002.crc",
            "_last_checkpoint",
            ".tidemill-x.tmp",
            "1.json",
        ];
        let listing = sort_names(&names.map(str::to_owned));
        assert_eq!(listing.entries, [1, 2]);
        assert_eq!(listing.checkpoints, [(1, None), (3, Some(2))], "a checkpoint with a part missing does not count");
        assert_eq!(listing.foreign_checkpoints, [4]);
    }
}
