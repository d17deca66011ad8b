//! Which files a path stands for: itself, or the files below it that are not hidden; after a save that was cut short, those that its
//! record says. It opens none.

use std::path::{Path, PathBuf};

use super::save_record::{as_recorded, place_of, saved_above};
use tidemill_planner::{Error, Result};
use tidemill_spark::error::error;

/// The data files at `path`, in the order of their names, none in an empty folder; compressed text keeps its second ending.
pub(crate) fn data_files(path: &str) -> Result<Vec<PathBuf>> {
    let path = local_path(path)?;
    let meta = match std::fs::metadata(&path) {
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Err(not_there(&path)),
        found => found.map_err(|e| Error::io_at(path.display(), e))?,
    };
    if meta.is_file() {
        return Ok(vec![path]);
    }
    let mut files = existing_files(&path)?;
    // A batch has all rows or none: unlike a stream it has no dead letters to tell of a file that is left out.
    if let Some(file) = files.iter().find(|file| file.to_str().is_none()) {
        return Err(Error::data(format!("{file:?}: the file's name is not UTF-8; rename it, or start its name with `_`")));
    }
    files.sort();
    Ok(files)
}

/// The error for files that should tell their columns, where there are none.
pub(super) fn no_columns(paths: &[&str], format: &str) -> Error {
    let message = format!("{}: there are no data files to tell columns by: give them as a schema", paths.join(", "));
    error("UNABLE_TO_INFER_SCHEMA", message).with_parameter("format", format)
}

/// The error for a path that stands for nothing.
pub(super) fn not_there(path: &Path) -> Error {
    error("PATH_NOT_FOUND", format!("{} is not there: check the path", path.display())).with_parameter("path", path.display())
}

/// The data files below a folder, if any: what an overwrite replaces.
pub(crate) fn existing_files(folder: &Path) -> Result<Vec<PathBuf>> {
    // A folder `a=1` may be a part of what a save to a folder above has recorded.
    if let Some(above) = saved_above(folder)? {
        let mut files = as_recorded(&above, || walk(&above))?;
        files.retain(|file| place_of(file).starts_with(folder));
        return Ok(files);
    }
    as_recorded(folder, || walk(folder))
}

/// The data files of a table's folder, in the order of their names; none when there is no folder.
pub(crate) fn table_files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    // A table may be one file that somebody else has written.
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut files = existing_files(folder)?;
    files.sort();
    Ok(files)
}

/// Whether a name is no data's: it starts with `.`, or with `_`, unless it is the folder of a partition column that is called so.
/// Source: Spark, `HadoopFSUtils.shouldFilterOutPathName`.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name.starts_with('_') && !name.contains('=')
}

/// A local path out of a path or a `file:` URL. As in Spark a URL's path is taken as it is: `%20` stands for itself.
pub(crate) fn local_path(path: &str) -> Result<PathBuf> {
    let scheme = path.split_once(":/").map(|(scheme, _)| scheme).filter(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if let Some(scheme) = scheme.filter(|scheme| !scheme.eq_ignore_ascii_case("file")) {
        let message = format!(
            "`{path}`: only local paths are supported here, not `{scheme}:`; copy or mount the files (by path, `read` and `write` take plain \
             files in the object stores `s3:`, `abfss:` and `gs:`)"
        );
        return Err(Error::unsupported(message));
    }
    let is_url = path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:"));
    let plain = if is_url { path.get(5..).unwrap_or_default() } else { path };
    let plain = match plain.strip_prefix("//").filter(|_| is_url) {
        None => plain,
        Some(rest) => match rest.find('/') {
            Some(at) if matches!(rest.get(..at), Some("" | "localhost")) => rest.get(at..).unwrap_or_default(),
            _ => return Err(Error::analysis(format!("`{path}` names no local file: write `file:///…`"))),
        },
    };
    std::path::absolute(plain).map_err(|e| Error::io_at(path, e))
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io_at(folder.display(), e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io_at(folder.display(), e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_hidden(&name) {
            if name == "_delta_log" {
                return Err(Error::analysis(format!(
                    "{} is a Delta table: read it as delta, or its files would be read with those that were removed",
                    folder.display()
                )));
            }
            continue;
        }
        let path = entry.path();
        let is_folder = match std::fs::metadata(&path) {
            Ok(meta) => meta.is_dir(),
            // A save has removed it since the folder was listed; a link that leads nowhere is told when it is read.
            Err(gone) if gone.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => continue,
            Err(_) => false,
        };
        if is_folder {
            files.extend(as_recorded(&path, || walk(&path))?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths() {
        for (path, expected) in [
            ("/a b/c%20d", Some("/a b/c%20d")),
            ("file:/a%20b", Some("/a%20b")),
            ("FILE:///a%20b", Some("/a%20b")),
            ("file://localhost/x", Some("/x")),
            ("file://else/x", None),
            ("s3://bucket/x", None),
            ("hdfs:/x", None),
            ("/a:/b", Some("/a:/b")),
        ] {
            assert_eq!(local_path(path).ok(), expected.map(PathBuf::from), "{path}");
        }
    }
}
