//! When images are written, and the one background task that writes them. The loop offers every epoch; what becomes
//! superfluous is [`super::retention`]'s to say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tidemill_planner::{Error, Result, SourceId};
use tokio::task::JoinHandle;

use super::image::{Image, ImageFile};
use super::query::StateSnapshot;

/// A run that ends in order leaves an image when the next start would replay so many epochs or more, as long as the last image was small
/// or a good part of it has changed since: a job of short runs would else never write one, and keep all its records.
const EPOCHS_AT_END: u64 = 4;

/// An image of so many bytes is small.
const SMALL_IMAGE_BYTES: u64 = 16 << 20;

/// So many times the bytes of changelog are the image's, where a good part of it has changed.
const GOOD_PART: u64 = 8;

/// How often images are written. A restart reads the records that are retained, and works one image and the changelogs after it: this
/// bounds the work, [`super::Retention`] the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePolicy {
    /// At the latest after so many epochs.
    pub epochs: u64,
    /// At the latest after so many bytes of changelog, or as many as the last image has if that is more.
    pub changelog_bytes: u64,
}

impl Default for ImagePolicy {
    fn default() -> Self {
        Self { epochs: 100, changelog_bytes: 32 << 20 }
    }
}

/// Writes images one at a time, off the epoch's path.
#[derive(Debug)]
pub struct ImageWriter {
    dir: PathBuf,
    policy: ImagePolicy,
    epochs_since: u64,
    bytes_since: u64,
    last_image_bytes: u64,
    running: Option<JoinHandle<Result<(ImageFile, u64)>>>,
}

/// Where an image belongs.
#[derive(Debug, Clone)]
pub struct ImageOf {
    /// The query.
    pub query_id: String,
    /// The run that writes it.
    pub run_id: String,
    /// The epoch whose record is durable and that the snapshot holds.
    pub epoch: u64,
}

impl ImageWriter {
    /// A writer into `dir`. `replayed` is what the start had to read after its image, in epochs and bytes of changelog, and
    /// `last_image_bytes` the image's size.
    pub fn new(dir: PathBuf, policy: ImagePolicy, replayed: (u64, u64), last_image_bytes: u64) -> Self {
        let (epochs_since, bytes_since) = replayed;
        Self { dir, policy, epochs_since, bytes_since, last_image_bytes, running: None }
    }

    /// Counts an epoch, and says whether an image of it is due (and the last one is done).
    pub fn due(&mut self, changelog_bytes: u64) -> bool {
        self.epochs_since += 1;
        self.bytes_since += changelog_bytes;
        let bytes = self.policy.changelog_bytes.max(self.last_image_bytes);
        self.running.is_none() && (self.epochs_since >= self.policy.epochs || self.bytes_since >= bytes)
    }

    /// Whether an image is due because the run ends in order; the one that is being written must be done.
    pub fn due_at_end(&self) -> bool {
        let worth_it = self.last_image_bytes <= SMALL_IMAGE_BYTES || self.bytes_since.saturating_mul(GOOD_PART) >= self.last_image_bytes;
        self.running.is_none() && self.epochs_since >= EPOCHS_AT_END && worth_it
    }

    /// Starts to write an image in the background, on the tokio runtime that this is called in.
    ///
    /// # Panics
    /// When one is being written already: ask [`due`](Self::due) first.
    pub fn start(&mut self, of: ImageOf, state: StateSnapshot, sources: BTreeMap<SourceId, Vec<u8>>) {
        assert!(self.running.is_none(), "one image at a time");
        self.epochs_since = 0;
        self.bytes_since = 0;
        let dir = self.dir.clone();
        self.running = Some(tokio::task::spawn_blocking(move || {
            let bytes = Image::encode(&of.query_id, &of.run_id, of.epoch, &state, &sources)?;
            // From here on accepted overlays fold into the base again.
            drop(state);
            fail::fail_point!("streaming::image");
            Ok((Image::write(&dir, of.epoch, &bytes)?, bytes.len() as u64))
        }));
    }

    /// The image that has become durable since the last call, if one has. It does not wait.
    ///
    /// # Errors
    /// What the writing met; the query can go on, and the next image is tried when it is due.
    pub async fn poll(&mut self) -> Result<Option<ImageFile>> {
        match &self.running {
            Some(running) if running.is_finished() => self.wait().await,
            _ => Ok(None),
        }
    }

    /// The image that is being written, once it is durable; `None` when none is.
    ///
    /// # Errors
    /// What the writing met.
    pub async fn wait(&mut self) -> Result<Option<ImageFile>> {
        let Some(running) = self.running.take() else { return Ok(None) };
        let (file, bytes) = running.await.map_err(|error| Error::internal(format!("writing a state image ended early: {error}")))??;
        self.last_image_bytes = bytes;
        Ok(Some(file))
    }
}
