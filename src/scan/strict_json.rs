//! JSON lines with a schema, given or inferred, read as strictly in batch as on a stream: what does not fit the schema is malformed. It is a
//! row of its text where a column takes that (`_corrupt_record`); else it is to be had as rows of its own (`malformed_rows`), or an error.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::files::{FileEntry, FileFormat, FileSlice, MalformedLines, NameFilter, OnMalformed, list_files, malformed_schema};
use tidemill_planner::scan::ScanTable;
use tidemill_planner::{SourceId, key};
use tidemill_spark::Settings;
use tidemill_spark::functions::{ParseMode, corrupt_record_column, corrupt_record_name};
use tidemill_spark::types::{StructField, from_field};

use super::file_options::FileOptions;
use super::files::{local_path, not_there};
use super::infer_json;
use super::save_record::as_recorded;
use super::table_file::FileAt;
use tidemill_planner::{Error, Result};

/// The columns that the lines of these files have between them.
pub(super) async fn infer(files: Vec<FileAt>, options: &FileOptions, settings: &Settings) -> Result<SchemaRef> {
    let (mode, corrupt) = (ParseMode::of(options)?, corrupt_record_name(options, settings));
    let inferred = tokio::task::spawn_blocking(move || infer_json::infer(&files, mode, &corrupt)).await;
    inferred.map_err(|e| Error::internal(format!("inferring columns ended early: {e}")))?
}

/// What becomes of lines that do not fit these columns, by the options of the files.
///
/// # Errors
/// `Analysis` for a mode that there is not; `INVALID_CORRUPT_RECORD_TYPE` for a column that cannot take their text.
pub(super) fn malformed_lines(options: &FileOptions, columns: &Schema, settings: &Settings) -> Result<MalformedLines> {
    let fields: Vec<StructField> = columns.fields().iter().map(|field| from_field(field)).collect();
    let text_column = corrupt_record_column(options, &fields, settings)?;
    let on = match ParseMode::of(options)? {
        ParseMode::Permissive => OnMalformed::Keep,
        ParseMode::DropMalformed => OnMalformed::SetAside,
        ParseMode::FailFast => OnMalformed::Fail,
    };
    Ok(MalformedLines { on, text_column })
}

/// The lines of all files at `paths`, each a file or a folder of files, in order of `paths` and, in a folder, of arrival.
pub(crate) fn scan(paths: &[&str], schema: SchemaRef, malformed: MalformedLines) -> Result<LogicalPlan> {
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
    let slice = FileSlice::new(root, files, FileFormat::Json, Arc::clone(&schema))?.with_malformed(malformed)?;
    // Warnings name the source, so it says where it is.
    let more = if files_read > 1 { format!(" and {} more", files_read - 1) } else { String::new() };
    let first = names.lines().next().unwrap_or_default();
    let id = SourceId::new(format!("json /{first}{more} ({:016x})", key::stable_hash(format!("{names}{malformed:?}").as_bytes())));
    ScanTable::batch(id, schema, Some(malformed_schema()), Arc::new(slice)).into_plan()
}
