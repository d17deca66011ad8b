//! What lies in a directory of data files: names, sizes, times. It does not open the files.

use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use tidemill_planner::{Error, Result};

/// A file as it was when it was listed. A record holds it, so that a file that changed since is found out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path below the directory that was listed.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// Changes when the file does: size and time of change in nanoseconds, in hexadecimal.
    pub tag: String,
}

impl FileEntry {
    /// The entry of the file at `path`, or `None` when it is not there.
    ///
    /// # Errors
    /// `Io`, naming the file.
    pub fn of(root: &Path, path: &str) -> Result<Option<Self>> {
        let full = root.join(path);
        match std::fs::metadata(&full) {
            Ok(metadata) => Self::from_metadata(path, &metadata).map(Some).map_err(|error| Error::io_at(full.display(), error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io_at(full.display(), error)),
        }
    }

    pub(super) fn from_metadata(path: &str, metadata: &std::fs::Metadata) -> std::io::Result<Self> {
        // Times before 1970 count as 1970: they only order files and tell them apart.
        let modified_ns = metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let bytes = metadata.len();
        let modified_ms = i64::try_from(modified_ns / 1_000_000).unwrap_or(i64::MAX);
        Ok(Self { path: path.to_owned(), bytes, modified_ms, tag: format!("{bytes:x}-{modified_ns:x}") })
    }
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
    /// Files that the filter accepts, in no order.
    pub files: Vec<String>,
    /// One of the things inside that are no files, such as directories and pipes, if there are any: they are not read, and the
    /// user should hear about it once.
    pub skipped: Option<String>,
}

/// The names of the files in `dir`, without a look at the files themselves.
///
/// # Errors
/// `NotFound` or `Io` naming the directory; `Data` for a name that is not UTF-8.
pub fn list_names(dir: &Path, filter: &NameFilter) -> Result<Names> {
    let named = |error| Error::io_at(dir.display(), error).context("cannot list the directory");
    let mut names = Names::default();
    for entry in std::fs::read_dir(dir).map_err(named)? {
        let entry = entry.map_err(named)?;
        let name = entry.file_name().into_string().map_err(|name| {
            Error::data(format!("{}: the name {name:?} is not UTF-8; rename the file, or start its name with `_`", dir.display()))
        });
        let name = match name {
            // A hidden name is passed over whatever its bytes.
            Err(_) if matches!(entry.file_name().as_encoded_bytes().first(), Some(b'.' | b'_')) => continue,
            name => name?,
        };
        if name.starts_with(['.', '_']) {
            continue;
        }
        let file_type = entry.file_type().map_err(named)?;
        // Opening a pipe would wait for a writer; a link that leads nowhere is left to whoever reads it, who will name it.
        let is_file = file_type.is_file() || (file_type.is_symlink() && std::fs::metadata(entry.path()).map_or(true, |m| m.is_file()));
        if !is_file {
            names.skipped = Some(name);
        } else if filter.accepts(&name) {
            names.files.push(name);
        }
    }
    Ok(names)
}

/// The files in `dir` by time of change, then by name; sub-directories are not read.
///
/// # Errors
/// As [`list_names`] and [`FileEntry::of`].
pub fn list_files(dir: &Path, filter: &NameFilter) -> Result<Vec<FileEntry>> {
    let names = list_names(dir, filter)?;
    if let Some(skipped) = &names.skipped {
        tracing::warn!("{}: `{skipped}` is no file, and is not read: only the files that lie directly in the folder are", dir.display());
    }
    let mut files = Vec::with_capacity(names.files.len());
    for name in &names.files {
        files.extend(FileEntry::of(dir, name)?);
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
        assert_eq!((z.bytes, z.modified_ms, z.tag.as_str()), (6, 1_700_000_000_000, "6-17979cfe362a0000"));
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
    fn errors_name_what_is_wrong() {
        assert!(NameFilter::glob("[").unwrap_err().message().contains("`[`"));
        let error = list_files(Path::new("/nowhere/at/all"), &NameFilter::default()).unwrap_err();
        assert!(error.message().contains("/nowhere/at/all"), "{error}");
    }
}
