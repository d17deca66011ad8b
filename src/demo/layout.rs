//! Where the demo keeps what: its folder, and what in it is its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Error, Result};

/// The job's tables, in the order of its sinks.
pub const TABLES: [&str; 5] = ["dead_letters", "late_events", "session_metrics", "user_baselines", "alerts"];

const MARK: &str = ".tidemill-demo";

/// The demo's folder.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
    input: PathBuf,
    /// Held while a demo or its query runs: another demo must not empty the folder under it.
    _lock: Option<Arc<File>>,
}

impl Layout {
    /// A folder for a new run: made, or emptied when an earlier demo made it. `input` is the user's own folder of events, which
    /// is never touched.
    ///
    /// # Errors
    /// `Analysis` when the folder holds something that is not a demo's, or the input lies in it; `Conflict` when a demo is running
    /// in it; `NotFound` when there is no such input. Nothing has been removed then.
    pub fn prepare(root: &Path, input: Option<&Path>) -> Result<Self> {
        let io = |e| Error::io_at(root.display(), e);
        if let Some(input) = input {
            check_input(root, input)?;
        }
        if root.exists() {
            let empty = std::fs::read_dir(root).map_err(io)?.next().is_none();
            if !empty && !root.join(MARK).exists() {
                return Err(Error::analysis(format!(
                    "{} is not empty and no demo made it: choose another folder with --dir, or empty it yourself",
                    root.display()
                )));
            }
        }
        std::fs::create_dir_all(root).map_err(io)?;
        let mark = File::options().create(true).append(true).open(root.join(MARK)).map_err(io)?;
        if mark.try_lock().is_err() {
            return Err(Error::conflict(format!(
                "a demo is running in {}: wait for it, or choose another folder with --dir",
                root.display()
            )));
        }
        for entry in std::fs::read_dir(root).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.file_name() != Some(MARK.as_ref()) {
                let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                removed.map_err(|e| Error::io_at(path.display(), e))?;
            }
        }
        mark.set_len(0).and_then(|()| (&mark).write_all(b"made by `tidemill demo`; the next demo empties this folder\n")).map_err(io)?;
        // From here on the query's own process may hold it as well, and may outlive this one.
        mark.lock_shared().map_err(io)?;
        let layout = Self { _lock: Some(Arc::new(mark)), ..Self::of(root, input)? };
        if input.is_none() {
            std::fs::create_dir_all(layout.input()).map_err(io)?;
        }
        Ok(layout)
    }

    /// The folder of a run that has begun, for the query's own process: while it lives, no demo empties the folder.
    ///
    /// # Errors
    /// `NotFound` when no demo has made the folder, `Conflict` when one is emptying it.
    pub fn at(root: &Path, input: Option<&Path>) -> Result<Self> {
        let mark = File::open(root.join(MARK)).map_err(|e| Error::io_at(root.join(MARK).display(), e))?;
        if mark.try_lock_shared().is_err() {
            return Err(Error::conflict(format!("a demo is emptying {}", root.display())));
        }
        Ok(Self { _lock: Some(Arc::new(mark)), ..Self::of(root, input)? })
    }

    fn of(root: &Path, input: Option<&Path>) -> Result<Self> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(|e| Error::io_at(path.display(), e));
        let root = absolute(root)?;
        let input = input.map_or_else(|| Ok(root.join("input")), absolute)?;
        Ok(Self { root, input, _lock: None })
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

    /// The checkpoint's log as it ever was: the query lets records go, and the judge needs them all.
    pub fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    /// The names of the files that each epoch read, for scripts.
    pub fn epoch_files(&self) -> PathBuf {
        self.root.join("epoch-files.json")
    }

    /// The files of the direct sink.
    pub fn direct(&self) -> PathBuf {
        self.root.join("direct")
    }

    /// A table.
    pub fn table(&self, name: &str) -> String {
        self.root.join("tables").join(name).display().to_string()
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|e| Error::io_at(path.display(), e))?;
    for above in absolute.ancestors() {
        if let Ok(real) = std::fs::canonicalize(above) {
            return Ok(real.join(absolute.strip_prefix(above).unwrap_or(Path::new(""))));
        }
    }
    Ok(absolute)
}

/// Refuses an input that is no folder, or that the demo would empty.
fn check_input(root: &Path, input: &Path) -> Result<()> {
    if !input.is_dir() {
        return Err(Error::not_found(format!("{}: there is no such folder of events", input.display())));
    }
    let (input, real_root) = (real(input)?, real(root)?);
    if input.starts_with(&real_root) || real_root.starts_with(&input) {
        return Err(Error::analysis(format!(
            "{} and the demo's folder {} lie in each other, and the demo empties its own: choose another folder with --dir",
            input.display(),
            root.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_empties_its_own_folder_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (root, events) = (dir.path().join("demo"), dir.path().join("events"));
        std::fs::create_dir(&events).unwrap();
        std::fs::write(events.join("1.json"), "{}").unwrap();
        let first = Layout::prepare(&root, Some(&events)).unwrap();
        assert!(Layout::prepare(&root, None).unwrap_err().message().contains("is running"));
        let query = Layout::at(&root, None).unwrap();
        drop(first);
        assert!(Layout::prepare(&root, None).unwrap_err().message().contains("is running"), "the query has outlived its demo");
        drop(query);
        std::fs::create_dir(root.join("tables")).unwrap();
        Layout::prepare(&root, None).unwrap();
        assert!(!root.join("tables").exists() && root.join("input").is_dir());
        std::fs::write(root.join("input/2.json"), "{}").unwrap();
        for (input, says) in [
            (root.join("input"), "lie in each other"),
            (dir.path().to_owned(), "lie in each other"),
            (dir.path().join("evnets"), "no such folder"),
        ] {
            let error = Layout::prepare(&root, Some(&input)).unwrap_err();
            assert!(error.message().contains(says), "{error}");
            assert!(root.join("input/2.json").exists(), "nothing is removed when the input is refused");
        }
        let inside = events.join("not/there/yet");
        assert!(Layout::prepare(&inside, Some(&events)).unwrap_err().message().contains("lie in each other"));
        assert!(!inside.exists());
        assert!(Layout::prepare(&events, None).unwrap_err().message().contains("no demo made it"));
    }
}
