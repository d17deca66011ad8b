//! What a save of plain files has decided: which files are new, and which they replace. The record is durable before a new file
//! shows or an old one goes, so that after a kill whoever comes next, a reader or a writer, goes by it: the folder is all that
//! was there before, or all that is new.
//!
//! ```text
//! path/_tidemill_save/<job>/part-00000-<job>.parquet   aside: written, synced, seen by no reader
//! path/_tidemill_save/record                           the rows are saved from here on
//! path/part-00000-<job>.parquet                        in place; then the old files go, then the record
//! ```
//! Who does not know the record sees, after a kill, all old files, or old and new ones together, and never none. The next save
//! to the folder finishes what a kill has cut short. What a save writes is `file_writer.rs`'s business.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidemill_executor::files::FileEntry;
use tidemill_executor::log::Frame;

use tidemill_planner::{Error, Result};

/// The folder of what is not in place; no reader of anyone's looks into it.
const ASIDE: &str = "_tidemill_save";
const RECORD: &str = "record";
const MAGIC: &[u8; 8] = b"TIDESAVE";
const VERSION: u16 = 1;

/// A save that has happened, until its files are in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SaveRecord {
    /// Names its folder aside.
    job: String,
    /// Names of files that stand in the folder, or aside still.
    new: Vec<String>,
    old: Vec<OldFile>,
}

/// A file that is replaced, as it was when that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OldFile {
    /// Below the folder.
    path: String,
    bytes: u64,
    modified_ms: i64,
}

/// The folder in which `job` writes files aside.
pub(crate) fn aside(folder: &Path, job: &str) -> PathBuf {
    folder.join(ASIDE).join(job)
}

/// Takes the folder for one writer. Others wait, and see what it has left; the lock goes with the process that holds it.
///
/// # Errors
/// `Io` when the folder cannot be opened or locked.
fn lock(folder: &Path) -> Result<File> {
    let at = |e| Error::io_at(folder.display(), e);
    let handle = File::open(folder).map_err(at)?;
    match handle.lock() {
        Ok(()) => {}
        Err(error) if error.kind() == IoErrorKind::Unsupported => {
            tracing::warn!(folder = %folder.display(), "this file system has no locks: let one writer at a time save to the folder");
        }
        Err(error) => return Err(at(error).context("cannot lock the folder against other writers")),
    }
    Ok(handle)
}

/// Takes a table's folder for one who changes it, and finishes first what a save has left there. It blocks.
///
/// # Errors
/// Those of [`lock`] and of [`SaveRecord::finish`].
pub(crate) fn take(folder: &Path) -> Result<File> {
    let alone = lock(folder)?;
    if let Some(record) = SaveRecord::read(folder)? {
        tracing::info!(folder = %folder.display(), "a save that was cut short is finished first");
        record.finish(folder)?;
    }
    Ok(alone)
}

/// [`take`] of a folder and of those below it in which saves of their own have left something: who replaces all files of a folder must not
/// take what those have aside for files of its own. It blocks.
///
/// # Errors
/// Those of [`take`].
pub(crate) fn take_all(folder: &Path) -> Result<Vec<File>> {
    let mut taken = vec![take(folder)?];
    for below in saved_to(folder)? {
        taken.push(take(&below)?);
    }
    Ok(taken)
}

/// The folders below that saves of their own have left something in, in the order of their names.
fn saved_to(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|e| Error::io_at(folder.display(), e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io_at(folder.display(), e))?;
        if entry.file_name() == ASIDE || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.path().join(ASIDE).is_dir() {
            found.push(entry.path());
        }
        found.extend(saved_to(&entry.path())?);
    }
    found.sort();
    Ok(found)
}

/// The nearest folder above whose save a folder `a=1` is a part of and is not in place yet, if there is one.
pub(crate) fn saved_above(folder: &Path) -> Result<Option<PathBuf>> {
    let mut below = folder;
    while let (Some(name), Some(above)) = (below.file_name(), below.parent()) {
        if !name.to_string_lossy().contains('=') {
            break;
        }
        if SaveRecord::read(above)?.is_some() {
            return Ok(Some(above.to_owned()));
        }
        below = above;
    }
    Ok(None)
}

/// Where a file is to stand that may be aside still.
pub(crate) fn place_of(file: &Path) -> PathBuf {
    let mut place = PathBuf::new();
    let mut parts = file.iter();
    while let Some(part) = parts.next() {
        if part == ASIDE {
            // The job's folder.
            parts.next();
        } else {
            place.push(part);
        }
    }
    place
}

/// [`take`] off the async threads, for one who changes the folder otherwise than by a save.
pub(crate) async fn taken(folder: &Path) -> Result<File> {
    let folder = folder.to_owned();
    let taken = tokio::task::spawn_blocking(move || take(&folder));
    taken.await.map_err(|e| Error::internal(format!("locking a folder ended early: {e}")))?
}

/// Makes what was renamed or removed in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(|e| Error::io_at(folder.display(), e))
}

/// Removes what writers have left aside, a record of theirs first. For who holds the lock, when the record is done or is to be taken back.
pub(crate) fn clear_aside(folder: &Path) -> Result<()> {
    let aside = folder.join(ASIDE);
    // A record must not outlive the files that it names.
    match fs::remove_file(aside.join(RECORD)) {
        Ok(()) => sync_folder(&aside)?,
        Err(error) if matches!(error.kind(), IoErrorKind::NotFound | IoErrorKind::NotADirectory) => {}
        Err(error) => return Err(Error::io_at(aside.display(), error)),
    }
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != IoErrorKind::NotFound => Err(Error::io_at(aside.display(), error)),
        _ => Ok(()),
    }
}

/// The files that `list` finds in a folder, by the record of a save that has not put its files in place yet.
///
/// # Errors
/// `Corrupt` for a damaged record and for a new file that is nowhere, `Data` for an old one that has changed since.
pub(crate) fn as_recorded(folder: &Path, list: impl Fn() -> Result<Vec<PathBuf>>) -> Result<Vec<PathBuf>> {
    loop {
        let record = SaveRecord::read(folder)?;
        let files = match &record {
            None => list()?,
            Some(record) => record.applied(folder, &list)?,
        };
        // A writer at work may have recorded, or finished, while files were listed.
        if SaveRecord::read(folder)? == record {
            return Ok(files);
        }
    }
}

impl SaveRecord {
    /// The decision that the files `new`, which `job` has written aside, replace the files `old`.
    ///
    /// # Errors
    /// `Unsupported` for an old file whose name is not UTF-8.
    pub(crate) fn new(folder: &Path, job: String, new: Vec<String>, old: &[PathBuf]) -> Result<Self> {
        let old = old.iter().filter_map(|path| OldFile::of(folder, path).transpose()).collect::<Result<_>>()?;
        Ok(Self { job, new, old })
    }

    /// The record of the last save, when its files are not in place yet.
    ///
    /// # Errors
    /// `Corrupt` when it is damaged.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(ASIDE).join(RECORD);
        let bytes = match fs::read(&path) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) if matches!(error.kind(), IoErrorKind::NotFound | IoErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(Error::io_at(path.display(), error)),
        };
        let frame = Frame::<Self>::decode(MAGIC, &[VERSION], &bytes, &path.display().to_string())
            .map_err(|e| e.context("this is the record of a save that was cut short; without it all files of the folder are read"))?;
        Ok(Some(frame.header))
    }

    /// Makes the decision durable: from here on the rows are saved.
    ///
    /// # Errors
    /// `Io` or `Resources`; nothing has happened once what is aside is cleared.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let aside = folder.join(ASIDE);
        let (written, record) = (aside.join(&self.job).join(RECORD), aside.join(RECORD));
        let bytes = Frame::encode(MAGIC, VERSION, self, &[])?;
        let write = || {
            let mut file = File::create(&written)?;
            file.write_all(&bytes)?;
            file.sync_all()
        };
        write().map_err(|e| Error::io_at(written.display(), e))?;
        // The record must not outlive what it names.
        for made in [aside.join(&self.job).as_path(), aside.as_path(), folder] {
            sync_folder(made)?;
        }
        fs::rename(&written, &record).map_err(|e| Error::io_at(record.display(), e))?;
        sync_folder(&aside)
    }

    /// Puts the new files in place, removes the old ones, and lets the record go. For who holds the lock; what another attempt
    /// has done already stays done.
    ///
    /// # Errors
    /// `Io`; the record stays, and the next save finishes.
    pub(crate) fn finish(&self, folder: &Path) -> Result<()> {
        let mut placed: HashSet<PathBuf> = HashSet::new();
        for name in &self.new {
            fail::fail_point!("io::save.place", |_| std::process::abort());
            let (aside, place) = (aside(folder, &self.job).join(name), folder.join(name));
            // Folders that stand for a partition are made when their first file comes.
            if let Some(parent) = place.parent().filter(|parent| *parent != folder) {
                fs::create_dir_all(parent).map_err(|e| Error::io_at(parent.display(), e))?;
                placed.extend(parent.ancestors().take_while(|made| *made != folder).map(Path::to_owned));
            }
            match fs::rename(&aside, &place) {
                Err(error) if error.kind() == IoErrorKind::NotFound && place.is_file() => {}
                Err(error) if error.kind() == IoErrorKind::NotFound => return Err(gone(&place)),
                done => done.map_err(|e| Error::io_at(place.display(), e))?,
            }
        }
        placed.iter().try_for_each(|made| sync_folder(made))?;
        sync_folder(folder)?;
        let mut folders: HashSet<PathBuf> = HashSet::from([folder.to_owned()]);
        for old in &self.old {
            fail::fail_point!("io::save.remove", |_| std::process::abort());
            let path = folder.join(&old.path);
            if old.is_there(folder)? {
                fs::remove_file(&path).map_err(|e| Error::io_at(path.display(), e))?;
                folders.extend(path.parent().map(Path::to_owned));
            }
        }
        fail::fail_point!("io::save.removed", |_| std::process::abort());
        // The folders are the list of partitions: those that are empty now are none.
        // All old files are asked for, since an attempt before this one may have removed them.
        for old in &self.old {
            let path = folder.join(&old.path);
            let above = path.ancestors().skip(1).take_while(|gone| *gone != folder && fs::remove_dir(gone).is_ok());
            for gone in above {
                folders.remove(gone);
                folders.extend(gone.parent().map(Path::to_owned));
            }
        }
        let success = folder.join("_SUCCESS");
        File::create(&success).map_err(|e| Error::io_at(success.display(), e))?;
        for changed in folders {
            sync_folder(&changed)?;
        }
        fail::fail_point!("io::save.done", |_| std::process::abort());
        let record = folder.join(ASIDE).join(RECORD);
        fs::remove_file(&record).map_err(|e| Error::io_at(record.display(), e))?;
        sync_folder(&folder.join(ASIDE))?;
        clear_aside(folder)
    }

    /// The files that `list` finds, without the old ones and with the new ones wherever they are.
    fn applied(&self, folder: &Path, list: &impl Fn() -> Result<Vec<PathBuf>>) -> Result<Vec<PathBuf>> {
        // Looked for before the folder is listed: a file that is moved meanwhile is seen twice rather than never.
        let still_aside: HashSet<&String> = self.new.iter().filter(|name| aside(folder, &self.job).join(name).is_file()).collect();
        let mut files = list()?;
        let mut replaced = HashSet::new();
        for old in &self.old {
            if old.is_there(folder)? {
                replaced.insert(folder.join(&old.path));
            }
        }
        files.retain(|file| !replaced.contains(file));
        let listed: HashSet<PathBuf> = files.iter().cloned().collect();
        for name in &self.new {
            let place = folder.join(name);
            if listed.contains(&place) {
                continue;
            }
            if !still_aside.contains(name) {
                return Err(gone(&place));
            }
            files.push(aside(folder, &self.job).join(name));
        }
        Ok(files)
    }
}

impl OldFile {
    /// The file at `path`, unless it has gone.
    fn of(folder: &Path, path: &Path) -> Result<Option<Self>> {
        let below = path.strip_prefix(folder).ok().and_then(Path::to_str);
        let below = below.ok_or_else(|| Error::unsupported(format!("{}: the file's name is not UTF-8; rename it", path.display())))?;
        let entry = FileEntry::of(folder, below)?;
        Ok(entry.map(|entry| Self { path: entry.path, bytes: entry.bytes, modified_ms: entry.modified_ms }))
    }

    /// Whether it is still there. One that has changed is not ours to remove or to hide.
    fn is_there(&self, folder: &Path) -> Result<bool> {
        match Self::of(folder, &folder.join(&self.path))? {
            None => Ok(false),
            Some(now) if now == *self => Ok(true),
            Some(_) => Err(Error::data(format!(
                "{}: a save that was cut short was to replace this file, which has changed since: move it away to have the saved rows, or \
                 remove {} to have all files of the folder",
                folder.join(&self.path).display(),
                folder.join(ASIDE).join(RECORD).display()
            ))),
        }
    }
}

fn gone(place: &Path) -> Error {
    Error::corrupt(format!(
        "{}: a save that was cut short has recorded this file, and it is neither here nor aside in `{ASIDE}`: restore it, or save the rows \
         again after removing `{ASIDE}/{RECORD}`",
        place.display()
    ))
}
