//! What `tidemill checkpoint inspect` shows. It reads the files and changes nothing, not even beside a query at work.

use std::path::Path;

use serde_json::{Value, json};
use tidemill_planner::{Error, Result};

use super::{Checkpoint, IMAGES, LOG, Wanted, load};
use crate::chain::first_hole;
use crate::record::{Entry, OperatorInfo};
use crate::recover::check_history;
use crate::state::{Image, ImageFile};

impl Checkpoint {
    /// The checkpoint in `root` as JSON: the query and its last epoch, offsets, watermarks and state rows, and every file with its size
    /// or what is wrong with it.
    ///
    /// # Errors
    /// `NotFound` when there is no checkpoint.
    pub fn inspect(root: &Path) -> Result<Value> {
        let log_dir = root.join(LOG);
        if !log_dir.is_dir() {
            return Err(Error::not_found(format!("{} is not a checkpoint: it has no directory `{LOG}`", root.display())));
        }
        let (mut files, mut entries) = (Vec::new(), Vec::new());
        for path in sorted(&log_dir, ".rec")? {
            let location = path.display().to_string();
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
            let Some(number) = number else { continue };
            // A query at work may remove a file between the listing and the reading.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let size = bytes.len();
            match Entry::decode(&bytes.into(), &location) {
                Ok(entry) => {
                    files.push(json!({"number": number, "bytes": size, "entry": entry.summary()}));
                    entries.push((number, entry));
                }
                Err(error) => files.push(json!({"number": number, "bytes": size, "error": error.to_string()})),
            }
        }
        let images = root.join(IMAGES);
        let images = if images.is_dir() { ImageFile::list(&images)? } else { Vec::new() };
        let missing = first_hole(&entries);
        let mut damage: Vec<String> = files.iter().filter_map(error_of).collect();
        damage.extend(missing.map(|number| format!("entry {number} is missing")));
        let location = |number: u64| log_dir.join(format!("{number:020}.rec")).display().to_string();
        damage.extend(check_history(&entries, &location).err().map(|error| error.to_string()));
        let state = match damage.is_empty() {
            true => state(&entries, &images),
            false => json!({"error": "a restart would refuse this checkpoint: see `damage`"}),
        };
        let images: Vec<Value> = images.iter().map(image).collect();
        damage.extend(images.iter().filter_map(error_of));
        Ok(json!({
            "checkpoint": root.display().to_string(),
            "query": query(&entries),
            "last_epoch": last_epoch(&entries),
            "state": state,
            "missing_entry": missing,
            "damage": damage,
            "entries": files,
            "images": images,
        }))
    }
}

fn error_of(shown: &Value) -> Option<String> {
    shown.get("error")?.as_str().map(str::to_owned)
}

/// The files in `dir` whose names end in `suffix`, hidden ones left out, in the order of their names.
pub(super) fn sorted(dir: &Path, suffix: &str) -> Result<Vec<std::path::PathBuf>> {
    let named = |error| Error::io_at(dir.display(), error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(named)? {
        let path = entry.map_err(named)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with('.') && name.ends_with(suffix) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn query(entries: &[(u64, Entry)]) -> Value {
    let last = entries.iter().rev().find_map(|(_, entry)| if let Entry::Start(start) = entry { Some(start) } else { None });
    let Some(start) = last else { return Value::Null };
    let settled = entries.iter().filter_map(|(_, entry)| match entry {
        Entry::Epoch(record) => record.settled,
        Entry::Stop(stop) => stop.settled,
        _ => None,
    });
    let stopped = entries.last().is_some_and(|(_, entry)| matches!(entry, Entry::Stop(_)));
    json!({
        "id": start.query_id, "name": start.query_name, "run_id": start.run_id, "started_ms": start.started_ms, "stopped": stopped,
        "key_groups": start.key_groups, "settings": start.settings, "settled_epoch": settled.max(),
        "operators": start.operators, "sources": start.sources, "sinks": start.sinks,
    })
}

fn last_epoch(entries: &[(u64, Entry)]) -> Value {
    let last = entries.iter().rev().find_map(|(_, entry)| if let Entry::Epoch(record) = entry { Some(record) } else { None });
    let Some(record) = last else { return Value::Null };
    let offsets: serde_json::Map<String, Value> = record.cut.sources.iter().map(|cut| (cut.id.to_string(), json!(cut.to))).collect();
    json!({
        "epoch": record.epoch(), "timestamp_ms": record.cut.timestamp_ms, "watermarks": record.cut.watermarks,
        "next_watermarks": record.next_watermarks, "offsets": offsets, "table_versions": record.cut.table_versions, "metrics": record.metrics,
    })
}

/// The rows of each operator's state after the last epoch, as a restart would load it.
fn state(entries: &[(u64, Entry)], images: &[ImageFile]) -> Value {
    let last = entries.iter().rev().find_map(|(_, entry)| if let Entry::Epoch(record) = entry { Some(record) } else { None });
    let Some(record) = last else { return Value::Null };
    let writer = entries.iter().find_map(|(_, entry)| match entry {
        Entry::Start(start) if start.run_id == record.run_id => Some(start),
        _ => None,
    });
    let Some(start) = writer else { return Value::Null };
    let operators: Vec<_> = start.operators.iter().map(|operator| (operator.id.clone(), 1)).collect();
    let last_epoch = Some(record.epoch());
    let wanted = Wanted { query_id: &start.query_id, key_groups: start.key_groups, last_epoch, operators: &operators };
    match load(images, entries, &wanted) {
        Ok(restored) => {
            let row = |operator: &OperatorInfo| {
                let (rows, bytes) = (restored.state.rows(&operator.id), restored.state.bytes(&operator.id));
                json!({"operator": operator.id, "name": operator.name, "rows": rows, "memory_bytes": bytes})
            };
            json!({
                "operators": start.operators.iter().map(row).collect::<Vec<_>>(),
                "replayed_epochs": restored.replayed_epochs,
            })
        }
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn image(file: &ImageFile) -> Value {
    let bytes = std::fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
    match Image::read(file) {
        Ok(image) => json!({
            "file": name, "epoch": file.epoch, "bytes": bytes, "run_id": image.header.run_id,
            "operators": image.header.operators.iter().map(|o| json!({"id": o.id, "rows": o.rows})).collect::<Vec<_>>(),
            "sources": image.header.sources.keys().collect::<Vec<_>>(),
        }),
        Err(error) => json!({"file": name, "epoch": file.epoch, "bytes": bytes, "error": error.to_string()}),
    }
}
