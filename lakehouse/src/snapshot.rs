//! A table as of one version: a value that never changes. Bringing it about is `table`'s business, reading its rows `scan`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::datasource::TableProvider;
use tidemill_planner::{Error, Result};

use crate::log::actions::Metadata;
use crate::log::features;
use crate::log::replay::{DataFile, Index};
use crate::partition::Layout;
use crate::scan::DeltaScan;

/// A Delta table as of one version.
#[derive(Debug)]
pub struct Snapshot {
    root: PathBuf,
    version: u64,
    metadata: Arc<Metadata>,
    layout: Arc<Layout>,
    files: Vec<Arc<DataFile>>,
    txns: Vec<(String, i64)>,
}

impl Snapshot {
    /// # Errors
    /// `Unsupported` when the table holds what we do not read; the message names it.
    pub(crate) fn try_new(root: &Path, index: &Index) -> Result<Self> {
        let here = |e: Error| e.context(format!("Delta table {}", root.display()));
        features::check_snapshot(index).map_err(here)?;
        let layout = Layout::try_new(index.schema().map_err(here)?, &index.metadata.partition_columns).map_err(here)?;
        let mut files: Vec<Arc<DataFile>> = index.files.values().cloned().collect();
        // In the order in which they were made, so that a scan reads the same rows in the same order every time.
        files.sort_by(|a, b| (a.add().modification_time, &a.add().path).cmp(&(b.add().modification_time, &b.add().path)));
        let mut txns: Vec<(String, i64)> = index.txns.values().map(|t| (t.app_id.clone(), t.version)).collect();
        txns.sort();
        Ok(Self { root: root.to_path_buf(), version: index.version, metadata: Arc::clone(&index.metadata), layout: Arc::new(layout), files, txns })
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The table's identity: a table that was dropped and made anew has another.
    pub fn table_id(&self) -> &str {
        &self.metadata.id
    }

    /// The table's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The columns, in the types of durable boundaries.
    pub fn schema(&self) -> &SchemaRef {
        &self.layout.table
    }

    /// The names of the columns that the table is partitioned by.
    pub fn partition_columns(&self) -> &[String] {
        &self.metadata.partition_columns
    }

    /// A table property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.metadata.configuration.get(name).and_then(Option::as_deref)
    }

    /// The active files.
    pub fn files(&self) -> &[Arc<DataFile>] {
        &self.files
    }

    /// The last version that each application wrote, by application.
    pub fn txns(&self) -> &[(String, i64)] {
        &self.txns
    }

    /// The last version that an application wrote.
    pub fn txn_version(&self, app_id: &str) -> Option<i64> {
        self.txns.binary_search_by(|(id, _)| id.as_str().cmp(app_id)).ok().map(|i| self.txns[i].1)
    }

    /// Rows of the table, where every file's statistics know it.
    pub fn num_records(&self) -> Option<u64> {
        self.files.iter().map(|f| f.stats(&self.layout.table).num_records).sum()
    }

    /// Bytes of the active files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes()).sum()
    }

    /// The table's columns as Delta's JSON.
    pub(crate) fn schema_string(&self) -> &str {
        &self.metadata.schema_string
    }

    pub(crate) fn metadata(&self) -> &Arc<Metadata> {
        &self.metadata
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The snapshot as a table that DataFusion scans.
    pub fn table_provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        Arc::new(DeltaScan::new(Arc::clone(self)))
    }
}
