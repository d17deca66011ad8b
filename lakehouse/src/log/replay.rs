//! What the entries of a log add up to: active files, transactions, metadata, protocol. Entries come in as parsed lines;
//! reading them is `load`'s business.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use tidemill_planner::{Error, Result};

use super::actions::{Add, DomainMetadata, Line, Metadata, Protocol, Remove, TxnAction};
use super::dir::Version;
use super::features;
use crate::schema::from_delta_json;
use crate::stats::FileStats;

/// One active file with its statistics, parsed when first asked for.
#[derive(Debug)]
pub struct DataFile {
    add: Add,
    stats: OnceLock<FileStats>,
}

impl DataFile {
    pub(crate) fn new(add: Add) -> Self {
        Self { add, stats: OnceLock::new() }
    }

    /// The action that brought the file into the table.
    pub fn add(&self) -> &Add {
        &self.add
    }

    /// The file's statistics; empty where the log has none.
    pub fn stats(&self, schema: &SchemaRef) -> &FileStats {
        self.stats.get_or_init(|| self.add.stats.as_deref().map(|text| FileStats::parse(text, schema)).unwrap_or_default())
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.add.size.max(0) as u64
    }

    /// Where the file lies on this machine.
    pub(crate) fn local_path(&self, root: &Path) -> Result<PathBuf> {
        local_path(root, &self.add.path)
    }
}

/// Where a path of the log lies on this machine.
pub(crate) fn local_path(root: &Path, path: &str) -> Result<PathBuf> {
    if let Ok(url) = url::Url::parse(path) {
        return url.to_file_path().map_err(|()| {
            Error::unsupported(format!("data file {path} does not lie on this machine; copy the table to a local disk, files included"))
        });
    }
    Ok(root.join(percent_decode(path).as_ref()))
}

fn percent_decode(path: &str) -> std::borrow::Cow<'_, str> {
    if !path.contains('%') {
        return path.into();
    }
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned().into()
}

/// A path as the log writes it: what is not plain in a URL is percent-encoded.
pub(crate) fn percent_encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'/'
            | b'='
            | b':'
            | b'@'
            | b'+'
            | b','
            | b'!'
            | b'$'
            | b'&'
            | b'('
            | b')'
            | b'*' => {
                encoded.push(byte as char);
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// The state of a table at one version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) version: Version,
    pub(crate) protocol: Arc<Protocol>,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) files: HashMap<String, Arc<DataFile>>,
    /// How many of the files have a deletion vector.
    pub(crate) vectors: usize,
    pub(crate) txns: HashMap<String, TxnAction>,
    pub(crate) domains: HashMap<String, DomainMetadata>,
    /// Files that were removed; kept only when a checkpoint is to be written.
    pub(crate) tombstones: Option<HashMap<String, Remove>>,
    schema: Option<SchemaRef>,
}

impl Index {
    /// An index before any action.
    pub(crate) fn empty(keep_tombstones: bool) -> Self {
        Self { tombstones: keep_tombstones.then(HashMap::new), ..Self::default() }
    }

    /// Takes up one entry (or one checkpoint) that leads to `version`.
    ///
    /// # Errors
    /// As [`from_delta_json`], and `Unsupported` when the protocol changes to one that we cannot read.
    pub(crate) fn apply(&mut self, version: Version, lines: Vec<Line>) -> Result<()> {
        // Within an entry order says nothing: a file's new deletion vector may stand before its old one's removal.
        let mut adds = Vec::new();
        for line in lines {
            if let Some(protocol) = line.protocol {
                features::check_readable(&protocol)?;
                self.protocol = Arc::new(protocol);
            }
            if let Some(metadata) = line.meta_data {
                self.schema = Some(from_delta_json(&metadata.schema_string)?);
                self.metadata = Arc::new(metadata);
            }
            if let Some(txn) = line.txn {
                self.txns.insert(txn.app_id.clone(), txn);
            }
            if let Some(domain) = line.domain_metadata {
                if domain.removed {
                    self.domains.remove(&domain.domain);
                } else {
                    self.domains.insert(domain.domain.clone(), domain);
                }
            }
            if let Some(remove) = line.remove {
                let key = remove.key();
                if let Some(file) = self.files.remove(&key) {
                    self.vectors -= usize::from(file.add().deletion_vector.is_some());
                }
                if let Some(tombstones) = &mut self.tombstones {
                    tombstones.insert(key, remove);
                }
            }
            if let Some(add) = line.add {
                adds.push(add);
            }
            if line.sidecar.is_some() {
                return Err(Error::unsupported(
                    "the table's checkpoint is a V2 checkpoint with sidecar files, which Tidemill does not read; \
                     write a classic checkpoint with its own engine (delta.checkpointPolicy = classic)",
                ));
            }
        }
        for add in adds {
            let key = add.key();
            if let Some(tombstones) = &mut self.tombstones {
                tombstones.remove(&key);
            }
            self.vectors += usize::from(add.deletion_vector.is_some());
            if let Some(before) = self.files.insert(key, Arc::new(DataFile::new(add))) {
                self.vectors -= usize::from(before.add().deletion_vector.is_some());
            }
        }
        self.version = version;
        Ok(())
    }

    /// The table's columns.
    pub(crate) fn schema(&self) -> Result<&SchemaRef> {
        self.schema.as_ref().ok_or_else(|| Error::corrupt("the log has no metaData action: its first entry or checkpoint is damaged"))
    }

    /// Refuses a state that lacks what every table has.
    ///
    /// # Errors
    /// `Corrupt`, naming the action.
    pub(crate) fn check_whole(&self) -> Result<()> {
        self.schema()?;
        // No protocol that we take up has reader version 0, so none was there.
        if self.protocol.min_reader_version == 0 {
            return Err(Error::corrupt(
                "the log has no protocol action, so nobody knows how to read it: its first entry or checkpoint is damaged",
            ));
        }
        Ok(())
    }

    /// A table property.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.metadata.configuration.get(name).and_then(Option::as_deref)
    }

    /// The version that an application wrote last.
    pub(crate) fn txn_version(&self, app_id: &str) -> Option<i64> {
        self.txns.get(app_id).map(|txn| txn.version)
    }
}

#[cfg(test)]
mod tests {
    use super::super::actions::parse_lines;
    use super::*;

    fn index_of(entries: &[&str]) -> Result<Index> {
        let mut index = Index::empty(true);
        for (version, text) in entries.iter().enumerate() {
            index.apply(version as Version, parse_lines("test", text.as_bytes())?)?;
        }
        Ok(index)
    }

    const CREATE: &str = concat!(
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
        "\n",
        r#"{"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{}}}"#,
    );

    fn add(path: &str) -> String {
        format!(r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}}"#)
    }

    fn remove(path: &str) -> String {
        format!(r#"{{"remove":{{"path":"{path}","deletionTimestamp":5,"dataChange":true}}}}"#)
    }

    #[test]
    fn files_come_and_go() {
        let index = index_of(&[
            CREATE,
            &format!("{}\n{}", add("a"), add("b")),
            &format!("{}\n{}\n{}", remove("a"), add("c"), r#"{"txn":{"appId":"q","version":4}}"#),
            &add("a"),
        ])
        .unwrap();
        let mut paths: Vec<&str> = index.files.keys().map(String::as_str).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["a", "b", "c"]);
        assert_eq!((index.version, index.txn_version("q"), index.txn_version("r")), (3, Some(4), None));
        assert!(index.tombstones.unwrap().is_empty(), "a came back");
    }

    #[test]
    fn a_new_deletion_vector_replaces_the_old_whatever_the_order() {
        let vector = r#""deletionVector":{"storageType":"u","pathOrInlineDv":"x","offset":1,"sizeInBytes":3,"cardinality":1}"#;
        let with = format!(r#"{{"add":{{"path":"a","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true,{vector}}}}}"#);
        let index = index_of(&[CREATE, &add("a"), &format!("{with}\n{}", remove("a"))]).unwrap();
        assert_eq!(index.files.keys().collect::<Vec<_>>(), ["a#ux@1"]);
    }

    #[test]
    fn paths_are_decoded_on_the_way_to_the_disk() {
        let root = Path::new("/t");
        for (path, wanted) in [
            ("a.parquet", "/t/a.parquet"),
            ("c=a%20b/x.parquet", "/t/c=a b/x.parquet"),
            ("c=%2525", "/t/c=%25"),
            ("file:///o/x%20y", "/o/x y"),
        ] {
            assert_eq!(local_path(root, path).unwrap(), Path::new(wanted), "{path}");
        }
        assert!(local_path(root, "s3://bucket/x").unwrap_err().message().contains("s3://bucket/x"));
        assert_eq!(percent_encode("c=a b%/é"), "c=a%20b%25/%C3%A9");
    }
}
