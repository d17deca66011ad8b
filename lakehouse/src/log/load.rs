//! Brings an index to a version: from a checkpoint or the first entry, then entry by entry. It lists the log only where a
//! checkpoint has to be found and when a table is opened, never on the way of a commit.
//!
//! ```text
//! _last_checkpoint ─► checkpoint 100 ─► 101.json ─► 102.json ─► no 103.json: the table is at 102
//! ```

use std::fs;
use std::io::ErrorKind as IoKind;

use serde::Deserialize;
use tidemill_planner::{Error, Result};

use super::actions::{Line, parse_lines};
use super::checkpoint;
use super::dir::{LogDir, Stamp, Version};
use super::replay::Index;

/// One entry as it was read.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) version: Version,
    pub(crate) lines: Vec<Line>,
    pub(crate) stamp: Stamp,
}

/// The entry of `version`, or `None` where there is none yet.
pub(crate) fn read_entry(log: &LogDir, version: Version) -> Result<Option<Entry>> {
    let Some((bytes, stamp)) = log.read(version)? else { return Ok(None) };
    let lines = parse_lines(&log.entry_path(version).display().to_string(), &bytes)?;
    Ok(Some(Entry { version, lines, stamp }))
}

#[derive(Deserialize)]
struct LastCheckpoint {
    version: Version,
    parts: Option<u32>,
}

fn last_checkpoint(log: &LogDir) -> Result<Option<LastCheckpoint>> {
    let path = log.path().join("_last_checkpoint");
    match fs::read(&path) {
        // The file is only a hint: a damaged one sends us to the listing.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(e) if e.kind() == IoKind::NotFound => Ok(None),
        Err(e) => Err(Error::io_at(path.display(), e)),
    }
}

/// The table's latest state, with the stamp of its last entry (`None` when a checkpoint is all there is).
///
/// # Errors
/// `NotFound` where there is no table.
pub(crate) fn load_latest(log: &LogDir, keep_tombstones: bool) -> Result<(Index, Option<Stamp>)> {
    let mut index = match last_checkpoint(log)? {
        Some(hint) => match from_checkpoint(log, hint.version, hint.parts, keep_tombstones) {
            Err(e) if e.kind() == tidemill_planner::ErrorKind::NotFound => from_listing(log, None, keep_tombstones)?,
            other => other?,
        },
        None => Index::empty(keep_tombstones),
    };
    let fresh = index.metadata.id.is_empty();
    let mut stamp = None;
    if fresh {
        index = match read_entry(log, 0)? {
            Some(entry) => {
                stamp = Some(entry.stamp);
                apply(log, &mut index, entry)?;
                index
            }
            None => from_listing(log, None, keep_tombstones)?,
        };
    }
    let (mut advanced, _) = advance(log, &mut index, None)?;
    if let Some(checkpoint) = beyond_gap(log, index.version)? {
        index = from_checkpoint(log, checkpoint.0, checkpoint.1, keep_tombstones)?;
        (advanced, _) = advance(log, &mut index, None)?;
        stamp = None;
        beyond_gap(log, index.version)?;
    }
    let stamp = match advanced.or(stamp) {
        Some(stamp) => Some(stamp),
        None => log.stamp(index.version)?,
    };
    Ok((index, stamp))
}

/// The checkpoint that stands for what is missing after `version`, where something is. An entry that is missing in the middle would make
/// an old version look like the latest, and the next commit would go in front of later ones. Another writer may be adding entries
/// meanwhile, so one is missing only if it is missing still.
///
/// # Errors
/// `Corrupt`, naming the entry, where no checkpoint stands for it.
fn beyond_gap(log: &LogDir, version: Version) -> Result<Option<(Version, Option<u32>)>> {
    let listing = log.list()?;
    if listing.entries.last().is_none_or(|last| *last <= version) || log.stamp(version + 1)?.is_some() {
        return Ok(None);
    }
    match listing.checkpoints.last().filter(|(checkpoint, _)| *checkpoint > version) {
        Some(checkpoint) => Ok(Some(*checkpoint)),
        None => Err(Error::corrupt(format!(
            "{}: entry {} is missing though later ones are there; restore the file, or what it held is lost",
            table_of(log),
            log.entry_path(version + 1).display()
        ))),
    }
}

/// The table's state at `version`.
///
/// # Errors
/// `NotFound` when the log cannot tell it; the message names the versions that it can.
pub(crate) fn load_at(log: &LogDir, version: Version) -> Result<Index> {
    let listing = log.list()?;
    let (first, last) = readable_range(log)?;
    if !(first..=last).contains(&version) {
        return Err(Error::not_found(format!(
            "version {version} of {} is not there: the log holds versions {first} to {last}",
            table_of(log)
        )));
    }
    let start = listing.checkpoints.iter().rev().find(|(v, _)| *v <= version);
    let mut index = match start {
        Some((v, parts)) => from_checkpoint(log, *v, *parts, false)?,
        None => {
            let mut index = Index::empty(false);
            let entry = read_entry(log, 0)?.ok_or_else(|| no_start(log, &listing.foreign_checkpoints))?;
            apply(log, &mut index, entry)?;
            index
        }
    };
    advance(log, &mut index, Some(version))?;
    if index.version != version {
        return Err(Error::corrupt(format!("{}: entry {} is missing though later ones are there", table_of(log), index.version + 1)));
    }
    Ok(index)
}

/// The first and the last version whose state can be told.
pub(crate) fn readable_range(log: &LogDir) -> Result<(Version, Version)> {
    let listing = log.list()?;
    let last = listing.entries.last().copied().into_iter().chain(listing.checkpoints.last().map(|c| c.0)).max();
    let last = last.ok_or_else(|| no_table(log))?;
    let first = match listing.entries.first() {
        Some(0) => 0,
        _ => listing.checkpoints.first().map(|c| c.0).ok_or_else(|| no_start(log, &listing.foreign_checkpoints))?,
    };
    Ok((first, last))
}

fn from_listing(log: &LogDir, up_to: Option<Version>, keep_tombstones: bool) -> Result<Index> {
    let listing = log.list()?;
    if listing.entries.is_empty() && listing.checkpoints.is_empty() {
        return Err(no_table(log));
    }
    let newest = listing.checkpoints.iter().rev().find(|(v, _)| up_to.is_none_or(|limit| *v <= limit));
    match newest {
        Some((version, parts)) => from_checkpoint(log, *version, *parts, keep_tombstones),
        None => {
            let mut index = Index::empty(keep_tombstones);
            let entry = read_entry(log, 0)?.ok_or_else(|| no_start(log, &listing.foreign_checkpoints))?;
            apply(log, &mut index, entry)?;
            Ok(index)
        }
    }
}

fn from_checkpoint(log: &LogDir, version: Version, parts: Option<u32>, keep_tombstones: bool) -> Result<Index> {
    let mut index = Index::empty(keep_tombstones);
    for path in log.checkpoint_paths(version, parts) {
        checkpoint::read(&path, |lines| index.apply(version, lines))?;
    }
    index.check_whole().map_err(|e| e.context(format!("checkpoint {version} of {}", table_of(log))))?;
    Ok(index)
}

/// Takes up the entries after the index's version, up to `limit`; gives the last one's stamp and what was new.
pub(crate) fn advance(log: &LogDir, index: &mut Index, limit: Option<Version>) -> Result<(Option<Stamp>, Version)> {
    let mut stamp = None;
    let from = index.version;
    while limit.is_none_or(|limit| index.version < limit) {
        let Some(entry) = read_entry(log, index.version + 1)? else { break };
        stamp = Some(entry.stamp);
        apply(log, index, entry)?;
    }
    Ok((stamp, index.version - from))
}

fn apply(log: &LogDir, index: &mut Index, entry: Entry) -> Result<()> {
    index.apply(entry.version, entry.lines).map_err(|e| e.context(table_of(log)))
}

fn table_of(log: &LogDir) -> String {
    format!("Delta table {}", log.path().parent().unwrap_or(log.path()).display())
}

fn no_table(log: &LogDir) -> Error {
    Error::not_found(format!("{} is not there: no _delta_log with entries; check the path, or create the table", table_of(log)))
}

fn no_start(log: &LogDir, foreign: &[Version]) -> Error {
    if foreign.is_empty() {
        return Error::corrupt(format!("{}: the log begins after version 0 and has no checkpoint to begin with", table_of(log)));
    }
    Error::unsupported(format!(
        "{}: the log begins with a V2 checkpoint (version {}), which Tidemill does not read; \
         write a classic checkpoint with its own engine (delta.checkpointPolicy = classic)",
        table_of(log),
        foreign[foreign.len() - 1]
    ))
}
