//! Where the files of a save are written: in a folder aside on the local disk, or as uploads to an object store. What becomes of them is
//! the save's decision.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidemill_planner::{Error, Result};

use super::uploads::{Upload, Uploads};

/// The place of a save's files.
#[derive(Debug, Clone)]
pub(super) enum FilesAt {
    /// A folder that no reader looks into.
    Aside(PathBuf),
    /// Objects that are seen when their uploads are completed.
    Store(Arc<Uploads>),
}

impl FilesAt {
    /// A new file of this name; on the local disk its folders are made if they are not there.
    ///
    /// # Errors
    /// `Io` when there is one, or it cannot be made.
    pub(super) async fn create(&self, name: &str) -> Result<OpenAt> {
        match self {
            Self::Aside(folder) => {
                let path = folder.join(name);
                let at = path.clone();
                let created = on_disk(&path, move || {
                    if let Some(folder) = at.parent() {
                        std::fs::create_dir_all(folder)?;
                    }
                    File::create_new(&at).map(drop)
                });
                created.await?;
                Ok(OpenAt::Local(path))
            }
            Self::Store(uploads) => Ok(OpenAt::Stored(Box::new(Uploads::begin(uploads, name).await?))),
        }
    }
}

/// A file that takes bytes at its end.
pub(super) enum OpenAt {
    Local(PathBuf),
    Stored(Box<Upload>),
}

impl OpenAt {
    /// Adds bytes.
    ///
    /// # Errors
    /// `Io` of the disk or the store.
    pub(super) async fn append(&mut self, bytes: Vec<u8>) -> Result<()> {
        match self {
            Self::Local(path) => append(path, bytes, false).await,
            Self::Stored(upload) => upload.append(bytes).await,
        }
    }

    /// Adds the last bytes, and waits until the disk or the store has all of them.
    ///
    /// # Errors
    /// `Io` of the disk or the store.
    pub(super) async fn end(self, bytes: Vec<u8>) -> Result<()> {
        match self {
            Self::Local(path) => append(&path, bytes, true).await,
            Self::Stored(upload) => upload.end(bytes).await,
        }
    }

    /// How many bytes wait in memory until they are enough for a part of an object; `None` where none wait.
    pub(super) fn waiting(&self) -> Option<usize> {
        match self {
            Self::Local(_) => None,
            Self::Stored(upload) => Some(upload.waiting()),
        }
    }
}

impl fmt::Display for OpenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => fmt::Display::fmt(&path.display(), f),
            Self::Stored(upload) => fmt::Display::fmt(upload, f),
        }
    }
}

/// Writes at a file's end. Between two writes no file is open: there are more partitions than a process may have open files.
async fn append(path: &Path, bytes: Vec<u8>, durable: bool) -> Result<()> {
    let at = path.to_owned();
    on_disk(path, move || {
        let mut file = File::options().append(true).open(at)?;
        file.write_all(&bytes)?;
        if durable { file.sync_all() } else { Ok(()) }
    })
    .await
}

/// Does what may wait for a disk on a thread that may.
async fn on_disk<T: Send + 'static>(path: &Path, work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal(format!("writing {} ended early", path.display())).with_source(e))?
        .map_err(|e| Error::io_at(path.display(), e))
}
