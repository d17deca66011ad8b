//! The names of the files that a stream has read, and their image. Who reads them, and the frame that guards the image on
//! disk, is not known here.
//!
//! The image is the sorted names, front-coded: `version u8, count`, then per name `bytes shared with the name before, bytes
//! that follow, those bytes`; numbers as in [`crate::wire`].

use std::collections::HashSet;

use tidemill_planner::{Error, Result};

use crate::wire::{Reader, put_bytes, put_varint};

const VERSION: u8 = 1;

/// A set of file names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    names: HashSet<Box<str>>,
}

impl Seen {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn insert(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.into());
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut names: Vec<&str> = self.names.iter().map(|name| &**name).collect();
        names.sort_unstable();
        let mut out = vec![VERSION];
        put_varint(&mut out, names.len() as u64);
        let mut before: &[u8] = &[];
        for name in names {
            let name = name.as_bytes();
            let shared = before.iter().zip(name).take_while(|(a, b)| a == b).count();
            put_varint(&mut out, shared as u64);
            put_bytes(&mut out, &name[shared..]);
            before = name;
        }
        out
    }

    /// # Errors
    /// `Corrupt` when `image` is not one.
    pub(super) fn decode(image: &[u8]) -> Result<Self> {
        Self::try_decode(image).ok_or_else(|| match image.first() {
            Some(version) if *version > VERSION => {
                Error::corrupt(format!("the list of files read has format {version}, written by a newer Tidemill; upgrade to read it"))
            }
            _ => Error::corrupt("the list of files read in the checkpoint is damaged; go back to an earlier checkpoint"),
        })
    }

    fn try_decode(image: &[u8]) -> Option<Self> {
        let mut rest = Reader::new(image.strip_prefix(&[VERSION])?);
        let count = rest.varint().ok()?;
        let mut names = HashSet::new();
        let mut name = Vec::new();
        for _ in 0..count {
            let shared = usize::try_from(rest.varint().ok()?).ok()?;
            let length = rest.varint().ok()?;
            if shared > name.len() {
                return None;
            }
            name.truncate(shared);
            name.extend_from_slice(rest.take(length).ok()?);
            names.insert(std::str::from_utf8(&name).ok()?.into());
        }
        (rest.is_empty() && names.len() as u64 == count).then_some(Self { names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(names: &[&str]) -> Seen {
        let mut seen = Seen::default();
        names.iter().for_each(|name| seen.insert(name));
        seen
    }

    #[test]
    fn the_bytes_are_these() {
        let image = seen(&["part-01.json", "part-02.json", "é"]).encode();
        assert_eq!(image, b"\x01\x03\x00\x0cpart-01.json\x06\x062.json\x00\x02\xc3\xa9");
    }

    #[test]
    fn images_are_read_back_and_damaged_ones_are_refused() {
        let long = "n".repeat(300);
        let all = seen(&["", "a", "ab", "abc", "b", &long]);
        let image = all.encode();
        assert_eq!(Seen::decode(&image).unwrap(), all);
        assert_eq!(Seen::decode(&Seen::default().encode()).unwrap(), Seen::default());
        for length in 0..image.len() {
            assert!(Seen::decode(&image[..length]).is_err(), "{length}");
        }
        for (damaged, says) in [
            (&b"\x02\x00"[..], "newer"),
            (b"\x01\x01\x05\x00", "damaged"),
            (b"\x01\x01\x00\x01\xff", "damaged"),
            (b"\x01\x00\x00", "damaged"),
            (b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "damaged"),
        ] {
            let error = Seen::decode(damaged).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }

    #[test]
    fn images_are_small() {
        let mut many = Seen::default();
        (0..10_000).for_each(|i| many.insert(&format!("part-{i:05}-c000.snappy.parquet")));
        assert!(many.encode().len() < 10_000 * 26);
        assert_eq!(Seen::decode(&many.encode()).unwrap(), many);
    }
}
