//! An image: the state of all operators and sources of a query after one epoch, as one file. It does not say when images are
//! written or let go.
//!
//! ```text
//! frame `TM_IMAGE`: JSON header, then per operator an entries section and an index section, then one section per source
//! entries = group×groups           index = (group: u16, offset into entries: u64) little-endian, rising by group
//! group   = panes(v) pane×panes
//! pane    = id(s) rows(v) entry×rows
//! entry   = key(length v, bytes) tag(v) [due(s), if tag is odd: less the group's last due] [value bytes]
//! tag     = 2·value length + (1 if it falls due)                   v: varint, s: zigzag varint
//! ```
//!
//! Entries are sorted by group and pane, so that a task can read its own groups alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidemill_executor::log::Frame;
use tidemill_planner::seam::state::{Entry, KeyBytes};
use tidemill_planner::{Error, OperatorId, Result, SourceId};
use uuid::Uuid;

use super::partition::PartitionState;
use super::query::StateSnapshot;
use crate::wire::{Reader, put_bytes, put_signed, put_varint};
use tidemill_planner::seam::state::group_of;

const MAGIC: &[u8; 8] = b"TM_IMAGE";
const VERSION: u16 = 1;
const INDEX_ENTRY_BYTES: usize = 10;
const SUFFIX: &str = ".img";

/// What an image says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageHeader {
    /// The query.
    pub query_id: String,
    /// The run that wrote it.
    pub run_id: String,
    /// The last epoch that it holds.
    pub epoch: u64,
    /// The query's key groups.
    pub key_groups: u16,
    /// The operators' state.
    pub operators: Vec<ImageOperator>,
    /// The sources that have state of their own, and its section.
    pub sources: BTreeMap<SourceId, usize>,
}

/// Where an operator's state stands in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageOperator {
    /// The operator.
    pub id: OperatorId,
    /// How many entries it has.
    pub rows: u64,
    /// The section of the entries.
    pub entries: usize,
    /// The section of the index.
    pub index: usize,
}

/// One entry of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageEntry<'a> {
    /// Its key group, which its key begins with.
    pub group: u16,
    /// Its pane.
    pub pane: i64,
    /// Its key.
    pub key: &'a [u8],
    /// When it falls due; `i64::MAX` is never.
    pub due_us: i64,
    /// Its value.
    pub value: &'a [u8],
}

/// An image that was read.
#[derive(Debug, Clone)]
pub struct Image {
    /// What it says about itself.
    pub header: ImageHeader,
    location: String,
    sections: Vec<Bytes>,
}

/// An image file by its name: `<20-digit epoch>-<unique>.img`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageFile {
    /// The last epoch that it holds.
    pub epoch: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl Image {
    /// The bytes of an image.
    ///
    /// # Errors
    /// `Internal` when the header does not turn into JSON.
    pub fn encode(query_id: &str, run_id: &str, epoch: u64, state: &StateSnapshot, sources: &BTreeMap<SourceId, Vec<u8>>) -> Result<Bytes> {
        let mut sections = Vec::new();
        let mut operators = Vec::new();
        for (id, partitions) in &state.operators {
            let (rows, entries, index) = encode_operator(partitions)?;
            operators.push(ImageOperator { id: id.clone(), rows, entries: sections.len(), index: sections.len() + 1 });
            sections.extend([Bytes::from(entries), Bytes::from(index)]);
        }
        let mut source_sections = BTreeMap::new();
        for (id, image) in sources {
            source_sections.insert(id.clone(), sections.len());
            sections.push(Bytes::copy_from_slice(image));
        }
        let header = ImageHeader {
            query_id: query_id.to_owned(),
            run_id: run_id.to_owned(),
            epoch,
            key_groups: state.key_groups,
            operators,
            sources: source_sections,
        };
        Frame::encode(MAGIC, VERSION, &header, &sections)
    }

    /// Reads an image's bytes; `location` is its file, for messages.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when it is torn, damaged or foreign.
    pub fn decode(bytes: &Bytes, location: &str) -> Result<Self> {
        let frame: Frame<ImageHeader> = Frame::decode(MAGIC, &[VERSION], bytes, location)?;
        let (header, sections) = (frame.header, frame.sections);
        let named = header.operators.iter().flat_map(|o| [o.entries, o.index]).chain(header.sources.values().copied());
        if let Some(missing) = named.into_iter().find(|at| *at >= sections.len()) {
            return Err(Error::corrupt(format!("{location}: has no section {missing}")));
        }
        Ok(Self { header, location: location.to_owned(), sections })
    }

    /// Reads an image file. It blocks.
    ///
    /// # Errors
    /// `Corrupt`, `NotFound` or `Io`, naming the file.
    pub fn read(file: &ImageFile) -> Result<Self> {
        let location = file.path.display().to_string();
        let bytes = std::fs::read(&file.path).map_err(|error| Error::io_at(&location, error).context("cannot read state image"))?;
        let image = Self::decode(&bytes.into(), &location)?;
        if image.header.epoch != file.epoch {
            return Err(Error::corrupt(format!("{location}: holds epoch {}, which is not what its name says", image.header.epoch)));
        }
        Ok(image)
    }

    /// The file, for messages.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The state of a source, if it had any.
    pub fn source(&self, id: &SourceId) -> Option<&Bytes> {
        self.sections.get(*self.header.sources.get(id)?)
    }

    #[cfg(test)]
    pub(super) fn section(&self, at: usize) -> &Bytes {
        &self.sections[at]
    }

    #[cfg(test)]
    pub(super) fn set_section(&mut self, at: usize, bytes: Bytes) {
        self.sections[at] = bytes;
    }

    /// Visits an operator's entries of some key groups, rising by group and pane.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when entries and index do not fit.
    pub fn visit(&self, operator: &ImageOperator, groups: Range<u16>, visit: &mut dyn FnMut(ImageEntry<'_>)) -> Result<()> {
        let named = |error: Error| error.context(format!("{}, operator {}", self.location, operator.id));
        let (entries, index) = (&self.sections[operator.entries], &self.sections[operator.index]);
        let places = read_index(index, entries.len()).map_err(named)?;
        if let Some((group, _)) = places.last().filter(|(group, _)| *group >= self.header.key_groups) {
            return Err(named(Error::corrupt(format!("holds key group {group} of {}", self.header.key_groups))));
        }
        for (group, range) in places.into_iter().filter(|(group, _)| groups.contains(group)) {
            visit_group(group, &entries[range], visit).map_err(named)?;
        }
        Ok(())
    }

    /// Writes an image's bytes durably into `dir`: temporary name, sync, rename, sync of the directory. It blocks.
    ///
    /// # Errors
    /// `Io` or `Resources`, naming the file; then no image of that name is there.
    pub fn write(dir: &Path, epoch: u64, bytes: &Bytes) -> Result<ImageFile> {
        let unique = Uuid::new_v4().simple();
        let path = dir.join(format!("{epoch:020}-{unique}{SUFFIX}"));
        let temporary = dir.join(format!(".{epoch:020}-{unique}.tmp"));
        let written = write_synced(&temporary, bytes).and_then(|()| {
            std::fs::rename(&temporary, &path)?;
            File::open(dir)?.sync_all()
        });
        written.map_err(|error| {
            // What is left over is ignored by every reader and swept away at the next start.
            let _ = std::fs::remove_file(&temporary);
            Error::io_at(path.display(), error).context("cannot write state image")
        })?;
        Ok(ImageFile { epoch, path })
    }
}

impl ImageFile {
    /// The image files in a directory, rising by epoch; other files are passed over. It blocks.
    ///
    /// # Errors
    /// `Io` or `NotFound`, naming the directory.
    pub fn list(dir: &Path) -> Result<Vec<Self>> {
        let named = |error| Error::io_at(dir.display(), error).context("cannot list state images");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(named)? {
            let path = entry.map_err(named)?.path();
            files.extend(parse_name(&path).map(|epoch| Self { epoch, path }));
        }
        files.sort_unstable();
        Ok(files)
    }
}

fn parse_name(path: &Path) -> Option<u64> {
    let (digits, unique) = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.split_once('-')?;
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()) && !unique.is_empty();
    plain.then(|| digits.parse().ok()).flatten()
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn encode_operator(partitions: &[PartitionState]) -> Result<(u64, Vec<u8>, Vec<u8>)> {
    let mut sorted: Vec<(u16, i64, &KeyBytes, &Entry)> = Vec::new();
    for partition in partitions {
        for pane in partition.panes() {
            for (key, entry) in partition.entries(pane) {
                let group = group_of(key).ok_or_else(|| Error::internal("a state key does not begin with its two bytes of key group"))?;
                sorted.push((group, pane, key, entry));
            }
        }
    }
    sorted.sort_unstable_by_key(|entry| (entry.0, entry.1));
    let (mut entries, mut index) = (Vec::with_capacity(sorted.len() * 48), Vec::new());
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        index.extend_from_slice(&group[0].0.to_le_bytes());
        index.extend_from_slice(&(entries.len() as u64).to_le_bytes());
        put_varint(&mut entries, group.chunk_by(|a, b| a.1 == b.1).count() as u64);
        let mut last_due = 0i64;
        for pane in group.chunk_by(|a, b| a.1 == b.1) {
            put_signed(&mut entries, pane[0].1);
            put_varint(&mut entries, pane.len() as u64);
            for (_, _, key, entry) in pane {
                put_bytes(&mut entries, key);
                let falls_due = entry.due_us < i64::MAX;
                put_varint(&mut entries, 2 * entry.value.len() as u64 + u64::from(falls_due));
                if falls_due {
                    put_signed(&mut entries, entry.due_us.wrapping_sub(last_due));
                    last_due = entry.due_us;
                }
                entries.extend_from_slice(&entry.value);
            }
        }
    }
    Ok((sorted.len() as u64, entries, index))
}

fn read_index(index: &[u8], entries_len: usize) -> Result<Vec<(u16, Range<usize>)>> {
    let (places, rest) = index.as_chunks::<INDEX_ENTRY_BYTES>();
    let parse = |place: &[u8; INDEX_ENTRY_BYTES]| {
        let [g0, g1, offset @ ..] = *place;
        (u16::from_le_bytes([g0, g1]), u64::from_le_bytes(offset))
    };
    let starts: Vec<(u16, u64)> = places.iter().map(parse).collect();
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([entries_len as u64]);
    let ranges: Vec<_> = starts.iter().zip(ends).map(|((group, start), end)| (*group, *start as usize..end as usize)).collect();
    let rising = starts.windows(2).all(|w| w[0].0 < w[1].0) && starts.first().is_none_or(|(_, start)| *start == 0);
    if !rest.is_empty() || !rising || ranges.iter().any(|(_, r)| r.start >= r.end || r.end > entries_len) {
        return Err(Error::corrupt("the index does not fit its entries"));
    }
    Ok(ranges)
}

fn visit_group(group: u16, bytes: &[u8], visit: &mut dyn FnMut(ImageEntry<'_>)) -> Result<()> {
    let mut reader = Reader::new(bytes);
    let mut last_due = 0i64;
    for _ in 0..reader.varint()? {
        let pane = reader.signed()?;
        for _ in 0..reader.varint()? {
            let key = reader.bytes()?;
            if group_of(key) != Some(group) {
                return Err(Error::corrupt(format!("group {group} holds a key of another group")));
            }
            let tag = reader.varint()?;
            let mut due_us = i64::MAX;
            if tag & 1 == 1 {
                last_due = last_due.wrapping_add(reader.signed()?);
                due_us = last_due;
            }
            visit(ImageEntry { group, pane, key, due_us, value: reader.take(tag >> 1)? });
        }
    }
    if reader.is_empty() { Ok(()) } else { Err(Error::corrupt(format!("group {group} has bytes after its end"))) }
}
