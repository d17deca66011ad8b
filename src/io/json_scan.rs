//! JSON lines read with a given schema, as strictly as a stream reads them: a line that does not fit is malformed, is left
//! out of the rows, and is there under [`DataFrame::malformed_rows`](crate::DataFrame::malformed_rows).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::files::{FileEntry, FileFormat, FileSlice};
use tidemill_planner::SourceId;
use tidemill_planner::scan::ScanTable;

use super::files::{data_files, local_path};
use crate::{Error, Result};

/// The plan of a scan of the files at `paths`.
pub(super) fn scan(paths: &[&str], schema: SchemaRef) -> Result<LogicalPlan> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(data_files(path)?);
    }
    let root = root_of(paths)?;
    let mut entries = Vec::with_capacity(files.len());
    for file in &files {
        let below = file.strip_prefix(&root).unwrap_or(file);
        let name =
            below.to_str().ok_or_else(|| Error::unsupported(format!("{}: the file's name is not UTF-8; rename it", file.display())))?;
        // A file that went away since it was listed is as if it had never been there.
        entries.extend(FileEntry::of(&root, name)?);
    }
    let slice = FileSlice::new(root, entries, FileFormat::Json, Arc::clone(&schema))?;
    let malformed = slice.malformed_schema();
    let id = SourceId::new(format!("json:{}", paths.join(",")));
    ScanTable::batch(id, schema, malformed, Arc::new(slice)).into_plan()
}

/// What the files' names are told below: the folder that was given, else the root of all files.
fn root_of(paths: &[&str]) -> Result<PathBuf> {
    if let [path] = paths {
        let path = local_path(path)?;
        if path.is_dir() {
            return Ok(path);
        }
        if let Some(folder) = path.parent() {
            return Ok(folder.to_owned());
        }
    }
    Ok(Path::new("/").to_owned())
}
