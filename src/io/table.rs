//! `session.table(path)`: a Delta table as a value, with its versions. Transactions are the lakehouse's.

use super::path_table::{Version, delta};
use crate::{DataFrame, Result, Session};

/// The Delta table at a path.
#[derive(Debug, Clone)]
pub struct Table {
    session: Session,
    path: String,
}

impl Table {
    pub(crate) fn new(session: Session, path: String) -> Self {
        Self { session, path }
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its rows as they are now.
    ///
    /// # Errors
    /// `NotFound` when there is no Delta table.
    pub async fn to_df(&self) -> Result<DataFrame> {
        self.at(Version::Latest).await
    }

    /// Its rows as of a version.
    pub async fn as_of_version(&self, version: u64) -> Result<DataFrame> {
        self.at(Version::Number(version)).await
    }

    /// Its rows as of a time, such as `"2026-01-31 08:30:00"` (UTC).
    pub async fn as_of_timestamp(&self, time: &str) -> Result<DataFrame> {
        self.at(Version::at(time)?).await
    }

    async fn at(&self, version: Version) -> Result<DataFrame> {
        self.session.scan(name_of(&self.path), delta(&self.path, &version).await?)
    }
}

/// The last part of a path, to name a relation by.
pub(crate) fn name_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}
