//! Keeping rows: for all trees that have this one in them (`cache`), or for this DataFrame alone, cut off from what made it (`checkpoint`).

pub use tidemill_executor::kept::KeepIn;

use super::DataFrame;
use crate::session::{kept_frame, kept_now};
use tidemill_planner::{Error, Result};

impl DataFrame {
    /// Keeps its rows in memory, and what does not fit on disk: the same as [`DataFrame::persist`] in both.
    ///
    /// # Errors
    /// Those of [`DataFrame::persist`].
    pub fn cache(&self) -> Result<Self> {
        self.persist(KeepIn::MEMORY_AND_DISK)
    }

    /// Keeps its rows from the next action on that needs them: that action computes all of them, and it and later ones read them, this
    /// DataFrame's and those of any other whose tree has the same steps in it. In memory they count against `tidemill.memoryBytes`; those
    /// used the longest ago go to disk first. A write of the session's to any table or file has rows computed anew that were read of
    /// tables or files; what others write is seen after [`DataFrame::unpersist`], or `REFRESH TABLE`.
    ///
    /// # Errors
    /// `Analysis` for a stream.
    pub fn persist(&self, keep_in: KeepIn) -> Result<Self> {
        self.is_batch()?;
        self.session.kept().add(self, keep_in)?;
        Ok(self.clone())
    }

    /// Keeps its rows no more. Queries that read them go on.
    ///
    /// # Errors
    /// `Internal` for a tree that cannot be written down.
    pub fn unpersist(&self) -> Result<Self> {
        self.session.kept().remove(self)?;
        Ok(self.clone())
    }

    /// Where its rows are kept; `None` where they are not.
    ///
    /// # Errors
    /// `Internal` for a tree that cannot be written down.
    pub fn storage_level(&self) -> Result<Option<KeepIn>> {
        self.session.kept().level(self)
    }

    /// Its rows as they are now, computed at once and kept in memory and on disk: nothing of what made them is read or computed again.
    /// They go with the last DataFrame that is made of them.
    ///
    /// # Errors
    /// Those of running it.
    pub async fn local_checkpoint(&self) -> Result<Self> {
        self.is_batch()?;
        let applied = self.session.kept().applied(&self.session, self, true).await?;
        let rows = kept_now(&self.session, self, applied.as_ref(), KeepIn::MEMORY_AND_DISK).await?;
        let rows = rows.ok_or_else(|| Error::internal("rows that may go to disk have found no place"))?;
        Ok(kept_frame(&self.session, rows, &self.columns()?))
    }

    /// The same as [`DataFrame::local_checkpoint`]: there is no other machine that could lose the rows.
    ///
    /// # Errors
    /// Those of running it.
    pub async fn checkpoint(&self) -> Result<Self> {
        self.local_checkpoint().await
    }
}
