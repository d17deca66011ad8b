//! A query's checkpoint directory: what is where, how state is loaded from it, and what `tidemill checkpoint inspect` shows. What an
//! epoch does with it is the epoch loop's business.
//!
//! ```text
//! <checkpoint>/
//!   log/00000000000000000007.rec                 entries of the chain, put once each: see record/
//!   images/00000000000000000120-<unique>.img     the state after epoch 120: see state/image.rs
//! ```
//! Every file is a frame with a version and a checksum. Names that begin with `.` are temporary, left by a writer that died.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tidemill_executor::log::LocalLog;
use tidemill_planner::seam::{DurableLog, Offset};
use tidemill_planner::{Error, ErrorKind, OperatorId, Result, SourceId};

use crate::record::{Entry, EpochRecord};
use crate::recover::{Resume, bases};
use crate::state::{Image, ImageFile, QueryState, StateLoader};

mod cuts;
mod inspect;
#[cfg(test)]
mod tests;

const LOG: &str = "log";
const IMAGES: &str = "images";

/// A checkpoint directory on a local disk.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    root: PathBuf,
    log: Arc<dyn DurableLog>,
}

/// State and sources as they were after the last recorded epoch.
#[derive(Debug)]
pub struct Restored {
    /// The operators' state.
    pub state: QueryState,
    /// What each source is to [`restore`](tidemill_planner::seam::StreamSource::restore).
    pub sources: BTreeMap<SourceId, SourceRestore>,
    /// Epochs that were replayed from their records.
    pub replayed_epochs: u64,
    /// Bytes of their changelogs.
    pub replayed_bytes: u64,
    /// The size of the image that they were replayed over; nothing without one.
    pub image_bytes: u64,
    /// Images that were damaged and passed over: what was wrong with each.
    pub damaged: Vec<Error>,
    /// The files of those images: they are no way back.
    pub damaged_images: Vec<PathBuf>,
}

/// What a source takes up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceRestore {
    /// Its part of the image.
    pub image: Option<Bytes>,
    /// Where each epoch after the image ended.
    pub offsets: Vec<Offset>,
}

impl Checkpoint {
    /// Opens the checkpoint, or makes one. It blocks for some milliseconds.
    ///
    /// # Errors
    /// `Analysis` when the directory is a checkpoint of Spark; `Io` when it cannot be made or read.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        refuse_sparks(&root)?;
        let log = LocalLog::open(root.join(LOG))?;
        let images = root.join(IMAGES);
        let named = |error| Error::io_at(images.display(), error).context("cannot open the directory of state images");
        if !images.is_dir() {
            std::fs::create_dir(&images).map_err(named)?;
            std::fs::File::open(&root).and_then(|dir| dir.sync_all()).map_err(named)?;
        }
        for entry in std::fs::read_dir(&images).map_err(named)? {
            let path = entry.map_err(named)?.path();
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".") && name.as_encoded_bytes().ends_with(b".tmp"))
            {
                remove_if_there(&path)?;
            }
        }
        Ok(Self { root, log: Arc::new(log) })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory as sinks remember it: absolute and without links, as far as the file system can tell.
    pub fn location(&self) -> String {
        std::fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone()).display().to_string()
    }

    /// The log of entries.
    pub fn log(&self) -> Arc<dyn DurableLog> {
        Arc::clone(&self.log)
    }

    /// The directory that images are written to.
    pub fn images_dir(&self) -> PathBuf {
        self.root.join(IMAGES)
    }

    /// The images there are, rising by epoch. It blocks.
    ///
    /// # Errors
    /// `Io` when the directory cannot be read.
    pub fn images(&self) -> Result<Vec<ImageFile>> {
        ImageFile::list(&self.images_dir())
    }

    /// Removes images. It blocks.
    ///
    /// # Errors
    /// `Io`, naming the file.
    pub fn remove_images(&self, images: &[PathBuf]) -> Result<()> {
        images.iter().try_for_each(|path| remove_if_there(path))
    }

    /// Loads the state after the last recorded epoch, for these operators with so many tasks each. It blocks, for as long as reading
    /// one image takes.
    ///
    /// # Errors
    /// `Corrupt` when no image can be read from which the retained records lead to the last epoch.
    pub fn restore(&self, entries: &[(u64, Entry)], resume: &Resume, operators: &[(OperatorId, usize)]) -> Result<Restored> {
        let wanted = Wanted { query_id: &resume.query_id, key_groups: resume.key_groups, last_epoch: resume.last_epoch, operators };
        load(&self.images()?, entries, &wanted).map_err(|error| error.context(format!("cannot load the state in {}", self.root.display())))
    }
}

/// What state is to be loaded.
struct Wanted<'a> {
    query_id: &'a str,
    key_groups: u16,
    last_epoch: Option<u64>,
    operators: &'a [(OperatorId, usize)],
}

fn load(files: &[ImageFile], entries: &[(u64, Entry)], wanted: &Wanted<'_>) -> Result<Restored> {
    let records: Vec<&EpochRecord> =
        entries.iter().filter_map(|(_, entry)| if let Entry::Epoch(record) = entry { Some(record) } else { None }).collect();
    let epochs: Vec<u64> = files.iter().map(|file| file.epoch).collect();
    let (mut damaged, mut damaged_images) = (Vec::new(), Vec::new());
    for base in bases(&epochs, records.first().map(|r| r.epoch()), wanted.last_epoch)? {
        let candidates = files.iter().filter(|file| Some(file.epoch) == base).map(Some);
        for file in candidates.chain(base.is_none().then_some(None)) {
            match load_from(file, &records, wanted) {
                Ok(restored) => return Ok(Restored { damaged, damaged_images, ..restored }),
                Err(error) if error.kind() == ErrorKind::Corrupt && file.is_some() => {
                    damaged.push(error);
                    damaged_images.extend(file.map(|f| f.path.clone()));
                }
                Err(error) => return Err(error),
            }
        }
    }
    let all: Vec<&str> = damaged.iter().map(Error::message).collect();
    Err(Error::corrupt(format!("no state image can be read from which the records lead on: {}", all.join("; "))))
}

fn load_from(file: Option<&ImageFile>, records: &[&EpochRecord], wanted: &Wanted<'_>) -> Result<Restored> {
    let image = file.map(Image::read).transpose()?;
    if let Some(image) = image.as_ref().filter(|image| image.header.query_id != wanted.query_id) {
        return Err(Error::corrupt(format!("{}: is of query {}, not {}", image.location(), image.header.query_id, wanted.query_id)));
    }
    let mut loader = StateLoader::new(wanted.key_groups, wanted.operators.iter().cloned());
    let mut sources: BTreeMap<SourceId, SourceRestore> = BTreeMap::new();
    if let Some(image) = &image {
        loader.image(image)?;
        for id in image.header.sources.keys() {
            sources.entry(id.clone()).or_default().image = image.source(id).cloned();
        }
    }
    let after = |record: &&&EpochRecord| file.is_none_or(|file| record.epoch() > file.epoch);
    let (mut replayed_epochs, mut replayed_bytes) = (0, 0);
    for record in records.iter().filter(after) {
        for change in &record.state {
            replayed_bytes += change.block.len() as u64;
            loader.change(change).map_err(|error| error.context(format!("the record of epoch {}", record.epoch())))?;
        }
        for cut in &record.cut.sources {
            if let Some(to) = cut.to.as_ref().filter(|to| cut.from.as_ref() != Some(to)) {
                sources.entry(cut.id.clone()).or_default().offsets.push(to.clone());
            }
        }
        replayed_epochs += 1;
    }
    let image_bytes = file.and_then(|file| std::fs::metadata(&file.path).ok()).map_or(0, |metadata| metadata.len());
    Ok(Restored {
        state: loader.finish(),
        sources,
        replayed_epochs,
        replayed_bytes,
        image_bytes,
        damaged: Vec::new(),
        damaged_images: Vec::new(),
    })
}

fn refuse_sparks(root: &Path) -> Result<()> {
    if root.join("offsets").is_dir() && root.join("commits").is_dir() && !root.join(LOG).is_dir() {
        return Err(Error::analysis(format!(
            "{} is a checkpoint of Spark, which Tidemill does not read; choose a new directory (the sources are then read from their beginning, \
             so write to new tables)",
            root.display()
        )));
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io_at(path.display(), error).context("cannot remove")),
        _ => Ok(()),
    }
}
