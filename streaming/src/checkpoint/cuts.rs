//! What the epochs of a query read, by their records, for whoever judges it from outside; and a copy of the log that its clean-up
//! does not reach.

use std::collections::BTreeMap;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use tidemill_planner::{Error, Result};

use super::inspect::sorted;
use super::{Checkpoint, LOG};
use crate::record::{Cut, Entry};

impl Checkpoint {
    /// The cut of every epoch that has a record in the checkpoint in `root`, by epoch. It reads the files and changes nothing, not even
    /// beside a query at work. It blocks, for as long as reading the log takes.
    ///
    /// # Errors
    /// `NotFound` when there is no checkpoint; `Corrupt`, naming the file, for an entry that is damaged and for a second record of an
    /// epoch.
    pub fn cuts(root: &Path) -> Result<BTreeMap<u64, Cut>> {
        let log = root.join(LOG);
        if !log.is_dir() {
            return Err(Error::not_found(format!("{} is not a checkpoint: it has no directory `{LOG}`", root.display())));
        }
        let mut cuts = BTreeMap::new();
        for path in sorted(&log, ".rec")? {
            let location = path.display().to_string();
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                // A query at work has removed it since it was listed.
                Err(error) if error.kind() == IoErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io_at(location, error)),
            };
            let Entry::Epoch(record) = Entry::decode(&bytes.into(), &location)? else { continue };
            let epoch = record.epoch();
            if cuts.insert(epoch, record.cut).is_some() {
                return Err(Error::corrupt(format!(
                    "{location}: is a second record of epoch {epoch}; of two runs one should have been fenced"
                )));
            }
        }
        Ok(cuts)
    }

    /// Links the entries of the checkpoint in `root` into the folder `copy`, which is made where it is not there and has the form of a
    /// checkpoint: [`cuts`](Self::cuts) of it gives every epoch that was in the log when this was called. A checkpoint that is not there
    /// yet has nothing to link. It blocks.
    ///
    /// # Errors
    /// `Io`, naming the file, also when `copy` is on another file system.
    pub fn keep_log(root: &Path, copy: &Path) -> Result<()> {
        let (log, kept) = (root.join(LOG), copy.join(LOG));
        if !log.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(&kept).map_err(|error| Error::io_at(kept.display(), error))?;
        let links: Vec<(PathBuf, PathBuf)> =
            sorted(&log, ".rec")?.into_iter().filter_map(|path| Some((kept.join(path.file_name()?), path))).collect();
        // Entries are linked in their order: whatever comes before one that is kept is kept too.
        let first_new = links.iter().rposition(|(link, _)| link.exists()).map_or(0, |last_kept| last_kept + 1);
        for (link, path) in &links[first_new..] {
            match std::fs::hard_link(path, link) {
                // Another run of the query has kept it meanwhile, or has kept it before and let it go now.
                Err(error) if matches!(error.kind(), IoErrorKind::AlreadyExists | IoErrorKind::NotFound) => {}
                linked => linked.map_err(|error| Error::io_at(link.display(), error).context("cannot keep a log entry"))?,
            }
        }
        Ok(())
    }
}
