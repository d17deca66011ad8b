//! What lies in a directory of data files: names, sizes, times. It does not open the files.

use std::io::ErrorKind as IoErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use tidemill_planner::{Error, Result};

use super::name;

/// The number of the error for links in a circle, for which the standard library has no stable name.
const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

/// A file as it was when it was listed. A record holds it, so that a file that changed since is found out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path below the directory that was listed; each byte that is not UTF-8 stands as `//` and two hexadecimal digits.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// Size, time of change, status change time (`ctime`) and inode: `bytes-mtime-ctime-inode`, times in nanoseconds, all in
    /// hexadecimal. Records of earlier releases hold the first two alone, and are compared by these.
    ///
    /// The first two tell whether a file holds what a record was promised: where one is another, reading it fails by name. The
    /// last two cannot decide that. They change with what leaves the rows as they are, such as `chmod`, another hard link, or a
    /// file put back from an archive, which is what the error asks for; a promised epoch that stopped for them would stop for
    /// ever. They count where being wrong costs nothing: a file that was listed and not yet chosen is listed anew, and a run in
    /// which they change between two readings of a file is begun anew, so that no run has one half of a file as it was and one as
    /// it is. What is left is a file of a promised epoch that was given other content, the same size and, on purpose, the same
    /// time: it is read with a warning that names it.
    pub tag: String,
}

/// What became of a file since it was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// Nothing.
    Same,
    /// Its size and time of change are the same, and its status change time or its inode is not.
    Touched,
    /// Its size or its time of change is another.
    Changed,
}

impl FileEntry {
    /// The entry of the file at `path`, or `None` when there is none, or a link that leads to none.
    ///
    /// # Errors
    /// `Io`, naming the file.
    pub fn of(root: &Path, path: &str) -> Result<Option<Self>> {
        let full = root.join(name::decode(path));
        match std::fs::metadata(&full) {
            Ok(metadata) => Self::from_metadata(path, &metadata).map(Some).map_err(|error| Error::io_at(full.display(), error)),
            Err(error) if leads_nowhere(&error) => Ok(None),
            Err(error) => Err(Error::io_at(full.display(), error)),
        }
    }

    /// Where it lies when the directory that was listed is `root`.
    pub(super) fn below(&self, root: &Path) -> PathBuf {
        root.join(name::decode(&self.path))
    }

    /// Whether its name is UTF-8.
    pub(super) fn has_utf8_name(&self) -> bool {
        name::is_utf8(&self.path)
    }

    /// What became of the file since, when `now` is its entry now.
    pub(super) fn since(&self, now: &Self) -> Since {
        let ((content, status), (content_now, status_now)) = (parts(&self.tag), parts(&now.tag));
        match () {
            () if content != content_now => Since::Changed,
            () if status.is_empty() || status == status_now => Since::Same,
            () => Since::Touched,
        }
    }

    pub(super) fn from_metadata(path: &str, metadata: &std::fs::Metadata) -> std::io::Result<Self> {
        // Times before 1970 count as 1970: they only order files and tell them apart.
        let modified_ns = metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let bytes = metadata.len();
        let modified_ms = i64::try_from(modified_ns / 1_000_000).unwrap_or(i64::MAX);
        let status_ns = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        let tag = format!("{bytes:x}-{modified_ns:x}-{status_ns:x}-{:x}", metadata.ino());
        Ok(Self { path: path.to_owned(), bytes, modified_ms, tag })
    }
}

/// A tag as what its content and what its status is told by; the latter is empty in tags of earlier releases.
fn parts(tag: &str) -> (&str, &str) {
    match tag.match_indices('-').nth(1) {
        Some((at, _)) => (&tag[..at], &tag[at + 1..]),
        None => (tag, ""),
    }
}

/// Whether there is no file, rather than one that cannot be looked at.
fn leads_nowhere(error: &std::io::Error) -> bool {
    matches!(error.kind(), IoErrorKind::NotFound | IoErrorKind::NotADirectory) || error.raw_os_error() == Some(TOO_MANY_LINKS)
}

/// Which file names are read: Spark's `pathGlobFilter`, or all.
#[derive(Debug, Clone, Default)]
pub struct NameFilter(Option<glob::Pattern>);

impl NameFilter {
    /// Names that match `pattern` (`*`, `?`, `[a-z]`, `[!a-z]`).
    ///
    /// # Errors
    /// `Analysis` when the pattern is not one.
    pub fn glob(pattern: &str) -> Result<Self> {
        let parsed = glob::Pattern::new(pattern)
            .map_err(|error| Error::analysis(format!("`{pattern}` is not a glob pattern for file names: {error}")).with_source(error))?;
        Ok(Self(Some(parsed)))
    }

    /// Whether the file called `name` is read: hidden names (first character `.` or `_`) never are.
    pub fn accepts(&self, name: &str) -> bool {
        !name.starts_with(['.', '_']) && self.0.as_ref().is_none_or(|pattern| pattern.matches(name))
    }
}

/// The names in one directory.
#[derive(Debug, Default)]
pub struct Names {
    /// Files that the filter accepts, in no order, each as [`FileEntry::path`]. The filter sees `\u{fffd}` for what is not UTF-8.
    pub files: Vec<String>,
    /// One of the things inside that are no files, such as directories and pipes, if there are any: they are not read, and the
    /// user should hear about it once.
    pub skipped: Option<String>,
}

/// The names of the files in `dir`, without a look at the files themselves.
///
/// # Errors
/// `NotFound` or `Io` naming the directory.
pub fn list_names(dir: &Path, filter: &NameFilter) -> Result<Names> {
    let named = |error| Error::io_at(dir.display(), error).context("cannot list the directory");
    let mut names = Names::default();
    for entry in std::fs::read_dir(dir).map_err(named)? {
        let entry = entry.map_err(named)?;
        let name = entry.file_name();
        if matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_')) {
            continue;
        }
        let file_type = entry.file_type().map_err(named)?;
        // Opening a pipe would wait for a writer; a link that leads nowhere may lead to a file by the time somebody looks at it.
        let is_file = file_type.is_file() || (file_type.is_symlink() && std::fs::metadata(entry.path()).map_or(true, |m| m.is_file()));
        if !is_file {
            names.skipped = Some(name::shown(&name::encode(&name)));
        } else if filter.accepts(&name.to_string_lossy()) {
            names.files.push(name::encode(&name));
        }
    }
    Ok(names)
}

/// The files in `dir` by time of change, then by name; sub-directories are not read.
///
/// # Errors
/// As [`list_names`] and [`FileEntry::of`]; `Data` for a name that is not UTF-8, `NotFound` for a link that leads nowhere.
pub fn list_files(dir: &Path, filter: &NameFilter) -> Result<Vec<FileEntry>> {
    let names = list_names(dir, filter)?;
    if let Some(name) = names.files.iter().find(|name| !name::is_utf8(name)) {
        let name = name::shown(name);
        return Err(Error::data(format!("{}/{name}: the name is not UTF-8; rename the file, or start its name with `_`", dir.display())));
    }
    if let Some(skipped) = &names.skipped {
        tracing::warn!("{}: `{skipped}` is no file, and is not read: only the files that lie directly in the folder are", dir.display());
    }
    let mut files = Vec::with_capacity(names.files.len());
    for name in &names.files {
        match FileEntry::of(dir, name)? {
            Some(entry) => files.push(entry),
            None if dir.join(name).is_symlink() => {
                return Err(Error::not_found(format!("{}/{name}: the link leads to no file; mend it, or remove it", dir.display())));
            }
            // It has gone since it was listed.
            None => {}
        }
    }
    files.sort_by(|a, b| (a.modified_ms, &a.path).cmp(&(b.modified_ms, &b.path)));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn files_are_listed_by_time_then_name_and_hidden_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let base = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (name, at) in [("b.json", 1), ("a.json", 1), ("z.json", 0), ("c.txt", 2), ("_log", 0), (".tmp", 0)] {
            std::fs::write(dir.path().join(name), name).unwrap();
            let file = std::fs::File::options().write(true).open(dir.path().join(name)).unwrap();
            file.set_modified(base + Duration::from_secs(at)).unwrap();
        }
        std::fs::create_dir(dir.path().join("day=1")).unwrap();
        let names =
            |filter: &NameFilter| -> Vec<String> { list_files(dir.path(), filter).unwrap().into_iter().map(|entry| entry.path).collect() };
        assert_eq!(names(&NameFilter::default()), ["z.json", "a.json", "b.json", "c.txt"]);
        assert_eq!(names(&NameFilter::glob("[ab].*").unwrap()), ["a.json", "b.json"]);
        assert_eq!(list_names(dir.path(), &NameFilter::default()).unwrap().skipped.as_deref(), Some("day=1"));
        let z = FileEntry::of(dir.path(), "z.json").unwrap().unwrap();
        assert_eq!((z.bytes, z.modified_ms, z.tag.split('-').count()), (6, 1_700_000_000_000, 4));
        assert!(z.tag.starts_with("6-17979cfe362a0000-"), "{}", z.tag);
        assert_eq!(FileEntry::of(dir.path(), "gone").unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.json"), "").unwrap();
        std::os::unix::fs::symlink(dir.path().join("a.json"), dir.path().join("b.json")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("c.json")).unwrap();
        let mut names = list_names(dir.path(), &NameFilter::default()).unwrap();
        names.files.sort();
        assert_eq!((names.files, names.skipped), (vec!["a.json".to_owned(), "b.json".to_owned()], Some("c.json".to_owned())));
    }

    #[test]
    fn a_tag_tells_files_of_one_size_and_time_apart() {
        let dir = tempfile::tempdir().unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        write("a", "old");
        write(".a", "new");
        let before = FileEntry::of(dir.path(), "a").unwrap().unwrap();
        assert_eq!(FileEntry::of(dir.path(), "a").unwrap().unwrap(), before, "it stays as long as the file does");
        std::fs::rename(dir.path().join(".a"), dir.path().join("a")).unwrap();
        let after = FileEntry::of(dir.path(), "a").unwrap().unwrap();
        assert_eq!((after.bytes, after.modified_ms), (before.bytes, before.modified_ms));
        assert_ne!(after.tag, before.tag);
    }

    #[test]
    fn a_name_that_is_not_utf8_is_listed_without_loss_and_refused_where_all_files_must_be_read() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        for name in [&b"caf\xe9.json"[..], b"caf\xe8.json", b"\xff\xfe.txt", b"_\xff", b"plain.json"] {
            std::fs::write(dir.path().join(OsStr::from_bytes(name)), name).unwrap();
        }
        std::fs::create_dir(dir.path().join(OsStr::from_bytes(b"\xff.json"))).unwrap();
        let mut names = list_names(dir.path(), &NameFilter::glob("*.json").unwrap()).unwrap().files;
        names.sort();
        assert_eq!(names, ["caf//E8.json", "caf//E9.json", "plain.json"]);
        for (name, bytes) in names.iter().zip([9, 9, 10]) {
            let entry = FileEntry::of(dir.path(), name).unwrap().unwrap();
            assert_eq!((&entry.path, entry.bytes), (name, bytes));
        }
        let error = list_files(dir.path(), &NameFilter::default()).unwrap_err();
        assert_eq!(error.kind(), tidemill_planner::ErrorKind::Data);
        assert!(error.message().contains("is not UTF-8") && error.message().contains(&dir.path().display().to_string()), "{error}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_no_file_and_refused_where_all_files_must_be_read() {
        for target in ["gone", "link", "file/below"] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("file"), "").unwrap();
            std::os::unix::fs::symlink(dir.path().join(target), dir.path().join("link")).unwrap();
            assert_eq!(FileEntry::of(dir.path(), "link").unwrap(), None, "{target}");
            let error = list_files(dir.path(), &NameFilter::default()).unwrap_err();
            assert_eq!(error.kind(), tidemill_planner::ErrorKind::NotFound, "{target}: {error}");
            assert!(error.message().contains("/link: "), "{target}: {error}");
        }
    }

    #[test]
    fn errors_name_what_is_wrong() {
        assert!(NameFilter::glob("[").unwrap_err().message().contains("`[`"));
        let error = list_files(Path::new("/nowhere/at/all"), &NameFilter::default()).unwrap_err();
        assert!(error.message().contains("/nowhere/at/all"), "{error}");
    }
}
