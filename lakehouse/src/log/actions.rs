//! The actions of a Delta log as plain data, and their JSON lines. What they add up to is `replay`'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidemill_planner::{Error, Result};

/// One line of a log entry: exactly one field is set. Actions that we do not know are left out, as the protocol asks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_info: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meta_data: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn: Option<TxnAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remove: Option<Remove>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) add: Option<Add>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain_metadata: Option<DomainMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sidecar: Option<Map<String, Value>>,
}

/// Which readers and writers may touch the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: i32,
    pub(crate) min_writer_version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reader_features: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) writer_features: Option<Vec<String>>,
}

/// The table's identity, columns and properties.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) format: Format,
    pub(crate) schema_string: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) partition_columns: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) configuration: BTreeMap<String, Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_time: Option<i64>,
}

/// The data files' format: always Parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) provider: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) options: BTreeMap<String, Option<String>>,
}

impl Default for Format {
    fn default() -> Self {
        Self { provider: "parquet".to_owned(), options: BTreeMap::new() }
    }
}

/// The last version that an application wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TxnAction {
    pub(crate) app_id: String,
    pub(crate) version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated: Option<i64>,
}

/// A data file joins the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Add {
    /// The file's path, relative to the table and URL-encoded, or an absolute URL.
    pub path: String,
    /// One value per partition column, as text; `None` is null.
    #[serde(default, deserialize_with = "or_default")]
    pub partition_values: BTreeMap<String, Option<String>>,
    /// Bytes of the file.
    pub size: i64,
    /// Milliseconds since the Unix epoch at which the file was made.
    pub modification_time: i64,
    /// Whether the rows are new to the table (false: they were only moved).
    pub data_change: bool,
    /// Statistics of the file's columns as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
    /// Free-form marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Which rows of the file are deleted; we refuse to read such files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_vector: Option<DeletionVector>,
}

/// A data file leaves the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deletion_timestamp: Option<i64>,
    #[serde(default = "yes")]
    pub(crate) data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extended_file_metadata: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deletion_vector: Option<DeletionVector>,
}

/// Null counts as absent: checkpoints spell out what the log leaves away.
fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn yes() -> bool {
    true
}

/// Where a deletion vector lives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionVector {
    /// `u`, `i` or `p`.
    pub storage_type: String,
    /// The vector or the path to it.
    pub path_or_inline_dv: String,
    /// Where in the file it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i32>,
    /// Its bytes.
    #[serde(default, deserialize_with = "or_default")]
    pub size_in_bytes: i32,
    /// How many rows it deletes.
    #[serde(default, deserialize_with = "or_default")]
    pub cardinality: i64,
}

/// Named configuration of a feature; we carry it and never change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DomainMetadata {
    pub(crate) domain: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) configuration: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) removed: bool,
}

/// The name under which a file is known to be active: its path, and its deletion vector where it has one.
pub(crate) fn file_key(path: &str, vector: Option<&DeletionVector>) -> String {
    match vector {
        None => path.to_owned(),
        Some(v) => format!("{path}#{}{}@{}", v.storage_type, v.path_or_inline_dv, v.offset.unwrap_or(0)),
    }
}

impl Add {
    pub(crate) fn key(&self) -> String {
        file_key(&self.path, self.deletion_vector.as_ref())
    }

    /// The remove action that takes this file out of the table.
    pub(crate) fn to_remove(&self, now_ms: i64) -> Remove {
        Remove {
            path: self.path.clone(),
            deletion_timestamp: Some(now_ms),
            data_change: true,
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values.clone()),
            size: Some(self.size),
            deletion_vector: self.deletion_vector.clone(),
        }
    }
}

impl Remove {
    pub(crate) fn key(&self) -> String {
        file_key(&self.path, self.deletion_vector.as_ref())
    }
}

/// The lines of one log entry.
///
/// # Errors
/// `Corrupt`, naming the entry and the line.
pub(crate) fn parse_lines(location: &str, bytes: &[u8]) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let parsed = serde_json::from_slice(line).map_err(|e| {
            Error::corrupt(format!(
                "{location}, line {}: not a Delta action: {e}; restore the file from a copy, or the table to an older version",
                number + 1
            ))
            .with_source(e)
        })?;
        lines.push(parsed);
    }
    if lines.is_empty() {
        return Err(Error::corrupt(format!("{location} is empty: a power cut took its bytes, or it was copied in part")));
    }
    Ok(lines)
}

/// One JSON line per action.
pub(crate) fn print_lines(lines: &[Line]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(lines.len() * 256);
    for line in lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_unknown_actions_are_left_out() {
        let text = concat!(
            r#"{"commitInfo":{"timestamp":1,"operation":"WRITE"}}"#,
            "\n",
            r#"{"add":{"path":"a.parquet","partitionValues":{"d":null},"size":3,"modificationTime":4,"dataChange":true}}"#,
            "\n\n",
            r#"{"remove":{"path":"b.parquet"}}"#,
            "\n",
            r#"{"somethingNew":{"x":1}}"#,
            "\n",
        );
        let lines = parse_lines("0.json", text.as_bytes()).unwrap();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[1].add.as_ref().unwrap().partition_values["d"], None);
        assert!(lines[2].remove.as_ref().unwrap().data_change, "a remove changes data unless it says otherwise");
        let again = parse_lines("0.json", &print_lines(&lines[..3]).unwrap()).unwrap();
        assert_eq!(again[1].add, lines[1].add);
        for (bytes, named) in [(&b"{\"add\":"[..], "line 1"), (b"\n", "empty")] {
            assert!(parse_lines("0.json", bytes).unwrap_err().message().contains(named));
        }
    }
}
