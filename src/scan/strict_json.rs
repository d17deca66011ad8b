//! JSON lines with a schema, given or inferred, read as strictly in batch as on a stream: what does not fit the schema is malformed, and is
//! to be had as rows of its own (`malformed_rows`).

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::files::{FileEntry, FileFormat, FileSlice, NameFilter, list_files, malformed_schema};
use tidemill_planner::scan::ScanTable;
use tidemill_planner::{SourceId, key};

use super::files::{local_path, not_there};
use super::infer_json;
use super::save_record::as_recorded;
use super::table_file::FileAt;
use tidemill_planner::{Error, Result};

/// The columns that the lines of these files have between them.
pub(super) async fn infer(files: Vec<FileAt>) -> Result<SchemaRef> {
    let inferred = tokio::task::spawn_blocking(move || infer_json::infer(&files)).await;
    inferred.map_err(|e| Error::internal(format!("inferring columns ended early: {e}")))?
}

/// The lines of all files at `paths`, each a file or a folder of files, in order of `paths` and, in a folder, of arrival.
pub(crate) fn scan(paths: &[&str], schema: SchemaRef) -> Result<LogicalPlan> {
    // Entries are relative to one root; several paths have only the root of the file system in common.
    let root = Path::new("/");
    let mut files = Vec::new();
    for path in paths {
        let path = std::path::absolute(local_path(path)?).map_err(|e| Error::io_at(path, e))?;
        let found = if path.is_dir() {
            as_recorded(&path, || Ok(list_files(&path, &NameFilter::default())?.into_iter().map(|f| path.join(&f.path)).collect()))?
        } else {
            vec![path]
        };
        for file in found {
            let below = file.strip_prefix(root).unwrap_or(&file).to_str();
            let relative =
                below.ok_or_else(|| Error::unsupported(format!("{}: the file's name is not UTF-8; rename it", file.display())))?;
            let entry = FileEntry::of(root, relative)?;
            files.push(entry.ok_or_else(|| not_there(&file))?);
        }
    }
    let names: String = files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>().join("\n");
    let files_read = files.len();
    let slice = FileSlice::new(root, files, FileFormat::Json, Arc::clone(&schema))?;
    // Warnings name the source, so it says where it is.
    let more = if files_read > 1 { format!(" and {} more", files_read - 1) } else { String::new() };
    let first = names.lines().next().unwrap_or_default();
    let id = SourceId::new(format!("json /{first}{more} ({:016x})", key::stable_hash(names.as_bytes())));
    ScanTable::batch(id, schema, Some(malformed_schema()), Arc::new(slice)).into_plan()
}
