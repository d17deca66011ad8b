//! The handle of a Delta table: open or make it, look at it, and hand work to the parts that do it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tidemill_planner::{Error, ErrorKind, Result};

use crate::commit::{Attempt, Committed, Operation, Txn};
use crate::core::Core;
use crate::io::blocking;
use crate::log::dir::LogDir;
use crate::log::load;
use crate::new_table::{NewTable, new_metadata};
use crate::options::TableOptions;
use crate::schema::canonical;
use crate::snapshot::{Head, Snapshot};

/// A Delta table on a local disk. Clones are handles of the same table and share what they know of it.
#[derive(Debug, Clone)]
pub struct DeltaTable {
    pub(crate) core: Arc<Core>,
}

impl DeltaTable {
    /// Opens the table at `location`: a path, or a `file:` URL.
    ///
    /// # Errors
    /// `NotFound` where there is no table, `Unsupported` where we cannot read it or reach it.
    pub async fn open(location: &str) -> Result<Self> {
        Self::open_with(location, TableOptions::default()).await
    }

    /// As [`DeltaTable::open`], with options.
    ///
    /// # Errors
    /// As [`DeltaTable::open`].
    pub async fn open_with(location: &str, options: TableOptions) -> Result<Self> {
        let root = local_root(location)?;
        blocking(move || {
            let log = LogDir::of_table(&root);
            let (index, stamp) = load::load_latest(&log, false)?;
            let core = Core::new(root, log, options, index, stamp);
            core.latest()?;
            Ok(Self { core: Arc::new(core) })
        })
        .await
    }

    /// Whether there is a table at `location`.
    ///
    /// # Errors
    /// As [`DeltaTable::open`], except that nothing there is `false`.
    pub async fn exists(location: &str) -> Result<bool> {
        let root = local_root(location)?;
        blocking(move || {
            let log = LogDir::of_table(&root);
            if log.stamp(0)?.is_some() {
                return Ok(true);
            }
            let listing = log.list()?;
            Ok(!listing.entries.is_empty() || !listing.checkpoints.is_empty() || !listing.foreign_checkpoints.is_empty())
        })
        .await
    }

    /// Makes an empty table at `location` with these columns.
    ///
    /// # Errors
    /// `Analysis` where a table is already, or for a property that is unknown or unreadable; `Unsupported` for columns that we do not
    /// write and properties that we do not keep to, naming the feature; `OutcomeUnknown` where the table is there, or may be, and may not
    /// survive a power cut.
    pub async fn create(location: &str, schema: SchemaRef, options: TableOptions) -> Result<Self> {
        match Self::create_if_absent(location, &schema, options).await? {
            Some(table) => Ok(table),
            None => Err(Error::analysis(format!("there is a Delta table at {location} already; open it, or choose another path"))),
        }
    }

    /// Opens the table at `location`, or makes it.
    ///
    /// # Errors
    /// As [`DeltaTable::open`] and [`DeltaTable::create`].
    pub async fn open_or_create(location: &str, schema: SchemaRef, options: TableOptions) -> Result<Self> {
        match Self::open_with(location, options.clone()).await {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        match Self::create_if_absent(location, &schema, options.clone()).await? {
            Some(table) => Ok(table),
            None => Self::open_with(location, options).await,
        }
    }

    async fn create_if_absent(location: &str, schema: &SchemaRef, options: TableOptions) -> Result<Option<Self>> {
        let Some(new) = NewTable::plan(location, schema, options).await? else { return Ok(None) };
        new.make_folders().await?;
        let parameters = vec![("partitionBy", new.partitions_as_json()?), ("isManaged", "false".into())];
        let operation = Operation { name: "CREATE TABLE", parameters, metrics: Vec::new() };
        match new.commit(operation, Vec::new(), None).await? {
            Attempt::Done(_) => Ok(Some(new.table)),
            Attempt::AlreadyDone | Attempt::RunAgain(_) => Ok(None),
        }
    }

    /// The table's folder.
    pub fn root(&self) -> &Path {
        &self.core.root
    }

    /// Refuses a table that we can read but not write.
    pub(crate) fn check_writable(&self) -> Result<()> {
        let state = self.core.lock();
        crate::log::features::check_writable(&state.index).map_err(|e| e.context(format!("Delta table {}", self.root().display())))
    }

    /// What the table was opened with.
    pub fn options(&self) -> &TableOptions {
        &self.core.options
    }

    /// The table as it is now.
    ///
    /// # Errors
    /// `Io` and its kin; `Unsupported` when the table has come to hold what we do not read.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let core = Arc::clone(&self.core);
        blocking(move || core.latest()).await
    }

    /// The table as it is now, but for its files.
    pub(crate) async fn head(&self) -> Result<Arc<Head>> {
        let core = Arc::clone(&self.core);
        blocking(move || core.latest_head()).await
    }

    /// The table as of `version`.
    ///
    /// # Errors
    /// `NotFound` when the log cannot tell it; the message names the versions that it can.
    pub async fn snapshot_at(&self, version: u64) -> Result<Arc<Snapshot>> {
        let core = Arc::clone(&self.core);
        blocking(move || {
            if core.latest_version()? == version {
                return core.latest();
            }
            let index = load::load_at(&core.log, version)?;
            let head = Arc::new(Head::try_new(&core.root, &index)?);
            Ok(Arc::new(Snapshot::new(head, &index)))
        })
        .await
    }

    /// Appends rows as one commit. With a `txn` the rows are written once, however often this is called.
    ///
    /// # Errors
    /// `Analysis` for rows whose columns do not fit, `Data` for a null in a NOT NULL column, `Conflict` when the table's
    /// columns were changed meanwhile. `OutcomeUnknown` when the commit is there, or may be, and may not survive a power cut: the
    /// same call again is safe with a `txn` and may double the rows without.
    pub async fn append(&self, batches: Vec<RecordBatch>, txn: Option<Txn>) -> Result<Committed> {
        crate::append::append(self, batches, txn).await
    }

    /// Replaces all rows as one commit.
    ///
    /// # Errors
    /// As [`DeltaTable::append`].
    pub async fn overwrite(&self, batches: Vec<RecordBatch>, txn: Option<Txn>) -> Result<Committed> {
        crate::append::overwrite(self, batches, txn).await
    }

    /// Makes the table anew as one commit, as its next version: with these columns and options, and without rows. Its earlier versions
    /// stay.
    ///
    /// # Errors
    /// As [`DeltaTable::create`] and [`DeltaTable::overwrite`].
    pub async fn replace(&self, schema: SchemaRef, options: TableOptions) -> Result<Committed> {
        let metadata = new_metadata(&canonical(&schema)?, &options)?;
        crate::append::replace(self, metadata, &[], "CREATE OR REPLACE TABLE").await
    }
}

/// The folder that a location names.
pub(crate) fn local_root(location: &str) -> Result<PathBuf> {
    let elsewhere = |scheme: &str| {
        Error::unsupported(format!(
            "{location}: Tidemill keeps Delta tables on local disks (a path or a file: URL), not on {scheme}; \
             mount the store, or write the table with deltalake or Spark"
        ))
    };
    let path = match url::Url::parse(location) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().map_err(|()| elsewhere("another host"))?,
        Ok(url) if location.contains("://") => return Err(elsewhere(url.scheme())),
        _ => PathBuf::from(location),
    };
    if path.as_os_str().is_empty() {
        return Err(Error::analysis("a table needs a path"));
    }
    std::path::absolute(&path).map_err(|e| Error::io_at(path.display(), e))
}

#[cfg(test)]
mod tests {
    use super::local_root;
    use std::path::Path;

    #[test]
    fn locations() {
        assert_eq!(local_root("/a/b").unwrap(), Path::new("/a/b"));
        assert_eq!(local_root("file:///a/b%20c").unwrap(), Path::new("/a/b c"));
        assert!(local_root("rel/x").unwrap().is_absolute());
        for location in ["s3://bucket/t", "abfss://c@a/t"] {
            let error = local_root(location).unwrap_err();
            assert!(error.message().contains("local disks"), "{error}");
        }
        assert!(local_root("").is_err());
    }
}
