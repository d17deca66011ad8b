//! The uploads of a save to an object store: the parts of an object go up while its rows are made, and it is seen when its upload is
//! completed, which happens when all rows of the save are there. What is not completed is aborted.
//!
//! ```text
//! append… ─► part, part, … ─► held ─┬─ complete: seen under its name
//!                                   └─ abort: its parts go
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{self, StreamExt};
use object_store::{MultipartUpload, ObjectStoreExt};
use tokio::runtime::Handle;

use crate::stores::{StoredPath, failed};
use tidemill_planner::{Error, Result};

/// Bytes of a part, but for an object's last: S3 has at least 5 MB and at most 10 000 parts, and some stores want all of one size.
const PART_BYTES: usize = 8 << 20;
/// How many uploads are completed or aborted at once.
const AT_ONCE: usize = 16;

type Held = HashMap<String, Box<dyn MultipartUpload>>;

/// The uploads of a save.
#[derive(Debug)]
pub(super) struct Uploads {
    at: StoredPath,
    io: Handle,
    /// By name below the path: those that nobody writes any more.
    held: Mutex<Held>,
}

impl Uploads {
    /// None yet; `io` is where those are aborted that are left over.
    pub(super) fn new(at: StoredPath, io: Handle) -> Arc<Self> {
        Arc::new(Self { at, io, held: Mutex::default() })
    }

    /// Begins an object of this name.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn begin(this: &Arc<Self>, name: &str) -> Result<Upload> {
        let location = this.at.below(name)?;
        let upload = this.at.store.put_multipart(&location).await.map_err(|e| failed(e, this.shown(name)))?;
        Ok(Upload { uploads: Arc::clone(this), name: name.to_owned(), upload: Some(upload), waiting: Vec::new() })
    }

    /// Makes the objects of these names seen, all of them; or none, as far as the store lets it.
    ///
    /// # Errors
    /// `Io` when none is seen; `OutcomeUnknown` when that could not be seen to.
    pub(super) async fn complete(&self, names: &[String]) -> Result<()> {
        let chosen: Vec<_> = {
            let mut held = self.held();
            if let Some(lost) = names.iter().find(|name| !held.contains_key(*name)) {
                return Err(Error::internal(format!("the upload of {} is lost", self.shown(lost))));
            }
            names.iter().filter_map(|name| Some((name.clone(), held.remove(name)?))).collect()
        };
        let completing: Vec<_> = chosen.into_iter().map(|(name, upload)| complete_one(name, upload)).collect();
        let completed: Vec<_> = stream::iter(completing).buffer_unordered(AT_ONCE).collect().await;
        let mut first = None;
        for (name, upload, done) in completed {
            if let Err(error) = done {
                self.held().insert(name.clone(), upload);
                first.get_or_insert((name, error));
            }
        }
        let Some((name, error)) = first else { return Ok(()) };
        let error = failed(error, self.shown(&name));
        self.abort().await;
        Err(match self.remove(names).await {
            Ok(()) => error,
            Err(left) => Error::outcome_unknown(format!(
                "some of the rows may be in {}: {error}, and what was written could not be taken back: {left}; remove the objects called \
                 like {}",
                self.at.shown(),
                self.shown(&name)
            ))
            .with_source(error),
        })
    }

    /// Removes objects that may not be there.
    async fn remove(&self, names: &[String]) -> Result<()> {
        let removals = stream::iter(names.to_vec()).map(|name| async move {
            let location = self.at.below(&name)?;
            match self.at.store.delete(&location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failed(error, self.shown(&name))),
            }
        });
        removals.buffer_unordered(AT_ONCE).collect::<Vec<Result<()>>>().await.into_iter().collect()
    }

    /// Lets go of what is held and not completed.
    pub(super) async fn abort(&self) {
        let held = std::mem::take(&mut *self.held());
        abort(held, self.at.shown()).await;
    }

    fn hold(&self, name: String, upload: Box<dyn MultipartUpload>) {
        self.held().insert(name, upload);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.at.shown())
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        let held = std::mem::take(self.held.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !held.is_empty() {
            self.io.spawn(abort(held, self.at.shown()));
        }
    }
}

/// What stays all the same is seen by no reader; the bucket's rules say when it goes.
async fn abort(held: Held, shown: String) {
    let aborts: Vec<_> = held.into_iter().map(|(name, upload)| abort_one(name, upload)).collect();
    for (name, aborted) in stream::iter(aborts).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
        if let Err(error) = aborted {
            tracing::warn!("the parts of {shown}/{name}, which is not wanted, stay in the store: {error}");
        }
    }
}

async fn complete_one(
    name: String,
    mut upload: Box<dyn MultipartUpload>,
) -> (String, Box<dyn MultipartUpload>, object_store::Result<object_store::PutResult>) {
    let done = upload.complete().await;
    (name, upload, done)
}

async fn abort_one(name: String, mut upload: Box<dyn MultipartUpload>) -> (String, object_store::Result<()>) {
    let aborted = upload.abort().await;
    (name, aborted)
}

/// An object that is being uploaded. When it is let go of, its upload is held by the save.
pub(super) struct Upload {
    uploads: Arc<Uploads>,
    name: String,
    /// There until it is let go of.
    upload: Option<Box<dyn MultipartUpload>>,
    /// Less than a part.
    waiting: Vec<u8>,
}

impl Upload {
    /// Adds bytes; full parts go up.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn append(&mut self, bytes: Vec<u8>) -> Result<()> {
        if self.waiting.is_empty() {
            self.waiting = bytes
        } else {
            self.waiting.extend_from_slice(&bytes)
        }
        while self.waiting.len() >= PART_BYTES {
            let rest = self.waiting.split_off(PART_BYTES);
            let part = std::mem::replace(&mut self.waiting, rest);
            self.put(part).await?;
        }
        Ok(())
    }

    /// Adds the last bytes.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn end(mut self, bytes: Vec<u8>) -> Result<()> {
        self.append(bytes).await?;
        let last = std::mem::take(&mut self.waiting);
        if last.is_empty() { Ok(()) } else { self.put(last).await }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    async fn put(&mut self, part: Vec<u8>) -> Result<()> {
        let shown = self.uploads.shown(&self.name);
        let Some(upload) = &mut self.upload else { return Err(Error::internal(format!("the upload of {shown} is over"))) };
        upload.put_part(part.into()).await.map_err(|e| failed(e, shown))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.uploads.hold(std::mem::take(&mut self.name), upload);
        }
    }
}

impl fmt::Display for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uploads.shown(&self.name))
    }
}
