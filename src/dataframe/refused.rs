//! Steps of Spark's that need what the engine does not have: each says what to write instead.

use super::DataFrame;
use tidemill_planner::{Error, Result};

impl DataFrame {
    /// Keeping rows in memory is not there yet.
    ///
    /// # Errors
    /// `Unsupported`, always.
    pub fn cache(&self) -> Result<Self> {
        Err(instead("cache"))
    }

    /// Keeping rows is not there yet.
    ///
    /// # Errors
    /// `Unsupported`, always.
    pub fn persist(&self) -> Result<Self> {
        Err(instead("persist"))
    }

    /// Cutting a plan short by keeping its rows is not there yet.
    ///
    /// # Errors
    /// `Unsupported`, always.
    pub fn checkpoint(&self) -> Result<Self> {
        Err(instead("checkpoint"))
    }

    /// Cutting a plan short by keeping its rows is not there yet.
    ///
    /// # Errors
    /// `Unsupported`, always.
    pub fn local_checkpoint(&self) -> Result<Self> {
        Err(instead("local_checkpoint"))
    }
}

fn instead(name: &str) -> Error {
    Error::unsupported(format!("`{name}` is not supported: write the rows to a table and read it, or `collect` and `create_dataframe`"))
}
