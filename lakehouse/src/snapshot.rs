//! A table as of one version: a value that never changes. Bringing it about is `table`'s business, reading its rows `scan`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tidemill_planner::{Error, Result};

use crate::log::actions::Metadata;
use crate::log::features;
use crate::log::replay::{DataFile, Index};
use crate::partition::Layout;

/// What a writer that appends has to know of a table: all but its files, so that a commit costs the same in a table of many.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) root: PathBuf,
    pub(crate) version: u64,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) layout: Arc<Layout>,
    /// By application, sorted.
    pub(crate) txns: Vec<(String, i64)>,
}

impl Head {
    /// # Errors
    /// `Unsupported` when the table holds what we do not read; the message names it.
    pub(crate) fn try_new(root: &Path, index: &Index) -> Result<Self> {
        let here = |e: Error| e.context(format!("Delta table {}", root.display()));
        features::check_snapshot(index).map_err(here)?;
        let layout = Layout::try_new(index.schema().map_err(here)?, &index.metadata.partition_columns).map_err(here)?;
        let mut txns: Vec<(String, i64)> = index.txns.values().map(|t| (t.app_id.clone(), t.version)).collect();
        txns.sort();
        Ok(Self { root: root.to_path_buf(), version: index.version, metadata: Arc::clone(&index.metadata), layout: Arc::new(layout), txns })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.layout.table
    }

    /// Whether data files that were written for `planned` are right for this version: it is the same table, in the same columns.
    pub(crate) fn takes_files_of(&self, planned: &Self) -> bool {
        let (now, then) = (&self.metadata, &planned.metadata);
        now.id == then.id && now.schema_string == then.schema_string && now.partition_columns == then.partition_columns
    }

    /// The last version that an application wrote.
    pub(crate) fn txn_version(&self, app_id: &str) -> Option<i64> {
        self.txns.binary_search_by(|(id, _)| id.as_str().cmp(app_id)).ok().map(|i| self.txns[i].1)
    }
}

/// A Delta table as of one version.
#[derive(Debug)]
pub struct Snapshot {
    head: Arc<Head>,
    files: Vec<Arc<DataFile>>,
}

impl Snapshot {
    pub(crate) fn new(head: Arc<Head>, index: &Index) -> Self {
        let mut files: Vec<Arc<DataFile>> = index.files.values().cloned().collect();
        // In the order in which they were made, so that a scan reads the same rows in the same order every time.
        files.sort_by(|a, b| (a.add().modification_time, &a.add().path).cmp(&(b.add().modification_time, &b.add().path)));
        Self { head, files }
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.head.version
    }

    /// The table's identity: a table that was dropped and made anew has another.
    pub fn table_id(&self) -> &str {
        &self.head.metadata.id
    }

    /// The table's folder.
    pub fn root(&self) -> &Path {
        &self.head.root
    }

    /// The columns, in the types of durable boundaries.
    pub fn schema(&self) -> &SchemaRef {
        self.head.schema()
    }

    /// The names of the columns that the table is partitioned by.
    pub fn partition_columns(&self) -> &[String] {
        &self.head.metadata.partition_columns
    }

    /// A table property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.head.metadata.configuration.get(name).and_then(Option::as_deref)
    }

    /// The active files.
    pub fn files(&self) -> &[Arc<DataFile>] {
        &self.files
    }

    /// The last version that each application wrote, by application.
    pub fn txns(&self) -> &[(String, i64)] {
        &self.head.txns
    }

    /// The last version that an application wrote.
    pub fn txn_version(&self, app_id: &str) -> Option<i64> {
        self.head.txn_version(app_id)
    }

    /// Rows of the table, where every file's statistics know it.
    pub fn num_records(&self) -> Option<u64> {
        self.files.iter().map(|f| f.stats(self.schema()).num_records).sum()
    }

    /// Bytes of the active files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes()).sum()
    }

    pub(crate) fn head(&self) -> &Arc<Head> {
        &self.head
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.head.layout
    }
}
