//! One partition's changes of one epoch as bytes, and back: what the epoch record carries. The bytes are framed and
//! checksummed by the record.
//!
//! ```text
//! block   = version(1 byte) first-group(v) end-group(v)  drops(v) pane(s)×drops  panes(v) pane×panes
//! pane    = id(s) entries(v) entry×entries
//! entry   = key(length v, bytes) tag(v) [due(s), unless never: less the block's last due] [value bytes]
//! tag     = 0: removed | 1 + 2·value length + (1 if it falls due)     v: varint, s: zigzag varint
//! ```
//!
//! Entries stand in no order. The drops come before the changes, and hold for the block's key groups only.

use std::ops::Range;

use tidemill_planner::seam::state::Overlay;
use tidemill_planner::{Error, Result};

use crate::wire::{Reader, put_bytes, put_signed, put_varint};
use tidemill_planner::seam::state::group_of;

/// The version that is written.
const VERSION: u8 = 1;

/// One change as a block tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    DropPane(i64),
    Put { pane: i64, key: &'a [u8], due_us: i64, value: &'a [u8] },
    Remove { pane: i64, key: &'a [u8] },
}

/// An overlay as a block. `groups` are the key groups that the partition owns.
///
/// # Errors
/// `Internal` for a key of another partition's group: its row came to the wrong task.
pub(super) fn encode(overlay: &Overlay, groups: &Range<u16>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(64 + overlay.len() * 48);
    out.push(VERSION);
    put_varint(&mut out, u64::from(groups.start));
    put_varint(&mut out, u64::from(groups.end));
    put_varint(&mut out, overlay.dropped_panes.len() as u64);
    overlay.dropped_panes.iter().for_each(|pane| put_signed(&mut out, *pane));
    put_varint(&mut out, overlay.changes.len() as u64);
    let mut last_due = 0i64;
    for (pane, changes) in &overlay.changes {
        put_signed(&mut out, *pane);
        put_varint(&mut out, changes.len() as u64);
        for (key, change) in changes {
            check_group(key, groups)?;
            put_bytes(&mut out, key);
            let Some(entry) = change else {
                out.push(0);
                continue;
            };
            let falls_due = entry.due_us < i64::MAX;
            put_varint(&mut out, 1 + 2 * entry.value.len() as u64 + u64::from(falls_due));
            if falls_due {
                put_signed(&mut out, entry.due_us.wrapping_sub(last_due));
                last_due = entry.due_us;
            }
            out.extend_from_slice(&entry.value);
        }
    }
    Ok(out)
}

fn check_group(key: &[u8], groups: &Range<u16>) -> Result<()> {
    match group_of(key) {
        Some(group) if groups.contains(&group) => Ok(()),
        Some(group) => Err(Error::internal(format!("a state key of group {group} was written by the task of groups {groups:?}"))),
        None => Err(Error::internal("a state key does not begin with its two bytes of key group")),
    }
}

/// Tells a block's changes in order and returns the key groups that it speaks for.
///
/// # Errors
/// `Corrupt` when the bytes are not a block of a version that this release reads.
pub(super) fn replay<'a>(block: &'a [u8], mut visit: impl FnMut(&Range<u16>, Change<'a>)) -> Result<Range<u16>> {
    let mut reader = Reader::new(block);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(Error::corrupt(format!("a state changelog has format version {version}, and this release reads version {VERSION}")));
    }
    let groups = reader.group()?..reader.group()?;
    for _ in 0..reader.varint()? {
        visit(&groups, Change::DropPane(reader.signed()?));
    }
    let mut last_due = 0i64;
    for _ in 0..reader.varint()? {
        let pane = reader.signed()?;
        for _ in 0..reader.varint()? {
            let key = reader.bytes()?;
            if !group_of(key).is_some_and(|group| groups.contains(&group)) {
                return Err(Error::corrupt("a state changelog holds a key of another partition"));
            }
            let Some(tag) = reader.varint()?.checked_sub(1) else {
                visit(&groups, Change::Remove { pane, key });
                continue;
            };
            let mut due_us = i64::MAX;
            if tag & 1 == 1 {
                last_due = last_due.wrapping_add(reader.signed()?);
                due_us = last_due;
            }
            let value = reader.take(tag >> 1)?;
            visit(&groups, Change::Put { pane, key, due_us, value });
        }
    }
    if !reader.is_empty() {
        return Err(Error::corrupt("a state changelog has bytes after its end"));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use tidemill_planner::seam::state::{Entry, NO_PANE};

    fn sample() -> Overlay {
        let mut overlay = Overlay::default();
        overlay.drop_pane(-3);
        overlay.put(NO_PANE, b"\x00\x07user-7", Entry { due_us: 1_700_000_000_000_000, value: Box::from(&b"abc"[..]) });
        overlay.put(60, b"\x00\x08k", Entry { due_us: i64::MAX, value: Box::default() });
        overlay.remove(120, b"\x0f\xff");
        overlay
    }

    #[test]
    fn the_format_is_frozen() {
        let bytes = encode(&sample(), &(7..4096)).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        expect!["01078020010503ffffffffffffffffff0101080007757365722d37088080f2818389850661626378010300086b01f00101020fff00"]
            .assert_eq(&hex);
        let mut told = Vec::new();
        assert_eq!(replay(&bytes, |_, change| told.push(change)).unwrap(), 7..4096);
        assert_eq!(
            told,
            [
                Change::DropPane(-3),
                Change::Put { pane: NO_PANE, key: b"\x00\x07user-7", due_us: 1_700_000_000_000_000, value: b"abc" },
                Change::Put { pane: 60, key: b"\x00\x08k", due_us: i64::MAX, value: b"" },
                Change::Remove { pane: 120, key: b"\x0f\xff" },
            ]
        );
    }

    #[test]
    fn a_cut_or_foreign_block_is_refused() {
        let bytes = encode(&sample(), &(0..4096)).unwrap();
        for length in 0..bytes.len() {
            assert!(replay(&bytes[..length], |_, _| ()).is_err(), "cut at {length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(replay(&longer, |_, _| ()).is_err());
        let mut newer = bytes;
        newer[0] = 2;
        assert!(replay(&newer, |_, _| ()).unwrap_err().message().contains("format version 2"));
    }

    #[test]
    fn a_row_at_the_wrong_task_is_caught() {
        let error = encode(&sample(), &(0..8)).unwrap_err();
        assert!(error.message().contains("was written by the task of groups 0..8"), "{error}");
        let mut overlay = Overlay::default();
        overlay.remove(0, b"\x01");
        assert!(encode(&overlay, &(0..4096)).is_err());
    }
}
