//! Where the demo keeps what: its folder, and what in it is its own.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The job's tables, in the order of its sinks.
pub const TABLES: [&str; 5] = ["dead_letters", "late_events", "session_metrics", "user_baselines", "alerts"];

const MARK: &str = ".tidemill-demo";

/// The demo's folder.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
    input: PathBuf,
}

impl Layout {
    /// A folder for a new run: made, or emptied when an earlier demo made it. `input` is the user's own folder of events.
    ///
    /// # Errors
    /// `Analysis` when the folder holds something that is not a demo's.
    pub fn prepare(root: &Path, input: Option<&Path>) -> Result<Self> {
        let io = |e| Error::io_at(root.display(), e);
        if root.exists() {
            let empty = std::fs::read_dir(root).map_err(io)?.next().is_none();
            if !empty && !root.join(MARK).exists() {
                return Err(Error::analysis(format!(
                    "{} is not empty and no demo made it: choose another folder with --dir, or empty it yourself",
                    root.display()
                )));
            }
            std::fs::remove_dir_all(root).map_err(io)?;
        }
        std::fs::create_dir_all(root).map_err(io)?;
        std::fs::write(root.join(MARK), b"made by `tidemill demo`; the next demo empties this folder\n").map_err(io)?;
        let layout = Self::at(root, input)?;
        if input.is_none() {
            std::fs::create_dir_all(layout.input()).map_err(io)?;
        } else if !layout.input().is_dir() {
            return Err(Error::not_found(format!("{}: there is no such folder of events", layout.input().display())));
        }
        Ok(layout)
    }

    /// The folder of a run that has begun.
    ///
    /// # Errors
    /// `Io` when the path cannot be made absolute.
    pub fn at(root: &Path, input: Option<&Path>) -> Result<Self> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(|e| Error::io_at(path.display(), e));
        let root = absolute(root)?;
        let input = input.map_or_else(|| Ok(root.join("input")), absolute)?;
        Ok(Self { root, input })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The raw files.
    pub fn input(&self) -> &Path {
        &self.input
    }

    /// The query's checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// A table.
    pub fn table(&self, name: &str) -> String {
        self.root.join("tables").join(name).display().to_string()
    }
}
