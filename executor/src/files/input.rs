//! One file of a slice while it is read: what is opened must be what was listed, and the same for all tasks of a run.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidemill_planner::{Error, Result};

use super::FileEntry;
use super::data_file::DataFile;
use super::findings::{Findings, Opened};
use super::list::Since;
use super::object::StoredObject;

/// A file of a slice.
#[derive(Debug, Clone)]
pub(super) struct Input {
    path: PathBuf,
    entry: FileEntry,
    /// What it is where it lies in an object store.
    object: Option<StoredObject>,
    /// Its place in the slice.
    place: usize,
    findings: Arc<Findings>,
}

impl Input {
    pub(super) fn new(root: &Path, entry: &FileEntry, place: usize, findings: &Arc<Findings>) -> Self {
        Self { path: entry.below(root), entry: entry.clone(), object: None, place, findings: Arc::clone(findings) }
    }

    /// The same file, which is this object where there is one.
    #[must_use]
    pub(super) fn stored_as(self, object: Option<StoredObject>) -> Self {
        Self { object, ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its size when it was listed.
    pub(super) fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    /// Opens the file, wherever it lies. It blocks.
    ///
    /// # Errors
    /// Those of [`Input::open`].
    pub(super) fn open_data(&self) -> Result<DataFile> {
        match &self.object {
            None => Ok(DataFile::Local(self.open()?)),
            Some(object) => Ok(DataFile::Stored(Box::new(object.reader().map_err(|error| Error::io_at(self.path.display(), error))?))),
        }
    }

    /// [`Input::check`] of a file on a local disk. Of an object every read asks for what was listed.
    ///
    /// # Errors
    /// Those of [`Input::check`].
    pub(super) fn check_data(&self, file: &DataFile) -> Result<()> {
        match file {
            DataFile::Local(file) => self.check(file),
            DataFile::Stored(_) => Ok(()),
        }
    }

    /// Opens the file on a local disk. It blocks.
    ///
    /// # Errors
    /// Those of [`Input::check`]; `NotFound` when it is gone.
    pub(super) fn open(&self) -> Result<File> {
        let file = File::open(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::not_found(format!(
                "{}: the file was there when it was listed and is gone; put it back, for the rows that were promised from it are needed",
                self.path.display()
            ))
            .with_source(error),
            _ => Error::io_at(self.path.display(), error),
        })?;
        self.check(&file)?;
        Ok(file)
    }

    /// Whether the opened file is what was listed, and what the other tasks have opened. It blocks.
    ///
    /// # Errors
    /// `Data` when its size or time of change is another than those listed; `Conflict` when only its inode or status change
    /// time is another than the other tasks found, so that they may have read something else; `Io`.
    pub(super) fn check(&self, file: &File) -> Result<()> {
        let named = |error| Error::io_at(self.path.display(), error);
        let metadata = file.metadata().map_err(named)?;
        if metadata.is_dir() {
            return Err(self.changed("it is a directory now"));
        }
        let now = FileEntry::from_metadata(&self.entry.path, &metadata).map_err(named)?;
        let since = self.entry.since(&now);
        if since == Since::Changed {
            let what = if now.bytes == self.entry.bytes { "it was written again" } else { "its size is not what it was" };
            return Err(self.changed(what));
        }
        // Its last name went while it was open, which changes its status and none of its bytes; who opens the name now is told.
        if metadata.nlink() == 0 {
            return Ok(());
        }
        match self.findings.opened(self.place, &now.tag) {
            Opened::Same => Ok(()),
            Opened::First => {
                if since == Since::Touched {
                    tracing::warn!(
                        "{}: the file was touched after it was listed (a new mode or link, or a copy put in its place); its size and \
                         time of change are those listed, and it is read as the same file",
                        self.path.display()
                    );
                }
                Ok(())
            }
            Opened::Other => Err(Error::conflict(format!(
                "{}: the file was touched while it was read (a new mode or link, or a copy put in its place), so that two tasks may have \
                 read two files; leave files alone while a query reads them, and run it again",
                self.path.display()
            ))),
        }
    }

    /// The error that the file is not what was listed.
    pub(super) fn changed(&self, what: &str) -> Error {
        Error::data(format!(
            "{}: the file changed after it was listed with {} bytes ({what}); files must be complete when they appear and stay as they are: \
             write them elsewhere and rename them into the directory. Start the query again: it takes the file as it is now, or says so here \
             again when an epoch with the file as it was is promised already; then put that back",
            self.path.display(),
            self.entry.bytes
        ))
    }
}
