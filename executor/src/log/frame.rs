//! The container of every durable file of ours: magic, version, a JSON header, binary sections and a checksum over all of
//! it. It does not know what the header and the sections mean.
//!
//! ```text
//! 0        8         10         14          18                  18+8n
//! ┌────────┬─────────┬──────────┬───────────┬───────────────────┬────────┬───────────┬──────────────┐
//! │ magic  │ version │ header   │ sections  │ length of each    │ header │ sections, │ xxh3-64 of   │
//! │ 8 byte │ u16     │ len, u32 │ count u32 │ section, n × u64  │ (JSON) │ in order  │ all before   │
//! └────────┴─────────┴──────────┴───────────┴───────────────────┴────────┴───────────┴──────────────┘
//! ```
//! Numbers are little-endian. Magic, version and checksum keep their places in every version, so that a file of a newer
//! Tidemill can be told from a damaged one.

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidemill_planner::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC_BYTES: usize = 8;
const VERSION_END: usize = 10;
const HEADER_LEN_END: usize = 14;
const FIXED_BYTES: usize = 18;
const CHECKSUM_BYTES: usize = 8;

/// A decoded container.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame<H = serde_json::Value> {
    /// The version of the format of header and sections.
    pub version: u16,
    /// The header.
    pub header: H,
    /// The sections: slices of the bytes that were decoded.
    pub sections: Vec<Bytes>,
}

impl Frame {
    /// The bytes of a container.
    ///
    /// # Errors
    /// `Internal` when the header does not turn into JSON, or header or sections are too many for the format.
    pub fn encode(magic: &[u8; 8], version: u16, header: &impl Serialize, sections: &[Bytes]) -> Result<Bytes> {
        let header = serde_json::to_vec(header)
            .map_err(|error| Error::internal(format!("a frame's header does not turn into JSON: {error}")).with_source(error))?;
        let too_big = |_| Error::internal("a frame's header or number of sections is above 4 Gi");
        let header_len = u32::try_from(header.len()).map_err(too_big)?;
        let count = u32::try_from(sections.len()).map_err(too_big)?;
        let body: usize = sections.iter().map(Bytes::len).sum();
        let mut out = BytesMut::with_capacity(FIXED_BYTES + 8 * sections.len() + header.len() + body + CHECKSUM_BYTES);
        out.extend_from_slice(magic);
        out.extend_from_slice(&version.to_le_bytes());
        out.extend_from_slice(&header_len.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        for section in sections {
            out.extend_from_slice(&(section.len() as u64).to_le_bytes());
        }
        out.extend_from_slice(&header);
        for section in sections {
            out.extend_from_slice(section);
        }
        let checksum = xxh3_64(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(out.freeze())
    }
}

impl<H: DeserializeOwned> Frame<H> {
    /// Reads a container; sections are slices of `bytes`, not copies. `supported` are the versions that the caller reads, and
    /// `location` is the file, for messages.
    ///
    /// # Errors
    /// `Corrupt`, naming `location` and what is wrong with it.
    pub fn decode(magic: &[u8; 8], supported: &[u16], bytes: &Bytes, location: &str) -> Result<Self> {
        Self::decode_or(magic, supported, bytes, location, "restore the file or go back to an earlier checkpoint")
    }

    /// The same for a file that is no part of a checkpoint: `remedy` is what to do when it is damaged.
    ///
    /// # Errors
    /// Those of [`Frame::decode`].
    pub fn decode_or(magic: &[u8; 8], supported: &[u16], bytes: &Bytes, location: &str, remedy: &str) -> Result<Self> {
        let corrupt = |what: String| Error::corrupt(format!("{location}: {what}; {remedy}"));
        if bytes.len() < FIXED_BYTES + CHECKSUM_BYTES {
            return Err(corrupt(format!("too short to be a whole file ({} bytes)", bytes.len())));
        }
        if bytes[..MAGIC_BYTES] != magic[..] {
            let (found, wanted) = (bytes[..MAGIC_BYTES].escape_ascii(), magic.escape_ascii());
            return Err(corrupt(format!("not the kind of file that was looked for (starts with `{found}`, not `{wanted}`)")));
        }
        let (content, trailer) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        let (stored, computed) = (u64::from_le_bytes(array(trailer, 0)), xxh3_64(content));
        if stored != computed {
            return Err(corrupt(format!(
                "checksum {computed:016x} does not match the stored {stored:016x}: the file is torn or damaged ({} bytes)",
                bytes.len()
            )));
        }
        let version = u16::from_le_bytes(array(content, MAGIC_BYTES));
        if !supported.contains(&version) {
            return Err(match supported.iter().max() {
                Some(newest) if version > *newest => Error::corrupt(format!(
                    "{location}: format version {version} was written by a newer Tidemill (this one reads up to {newest}); upgrade to read it"
                )),
                _ => corrupt(format!("format version {version} is not one of {supported:?} that this Tidemill reads")),
            });
        }
        // The checksum holds, so the lengths are what was written; they are still not trusted to index with.
        let lengths_fail = || corrupt("its lengths do not add up to its size".to_owned());
        let header_len = u32::from_le_bytes(array(content, VERSION_END)) as usize;
        let count = u32::from_le_bytes(array(content, HEADER_LEN_END)) as usize;
        let table_end = count.checked_mul(8).and_then(|n| n.checked_add(FIXED_BYTES)).filter(|end| *end <= content.len());
        let table_end = table_end.ok_or_else(lengths_fail)?;
        let header_end = table_end.checked_add(header_len).filter(|end| *end <= content.len()).ok_or_else(lengths_fail)?;
        let header = serde_json::from_slice(&content[table_end..header_end])
            .map_err(|error| corrupt(format!("its header does not read: {error}")).with_source(error))?;
        let mut at = header_end;
        let mut sections = Vec::with_capacity(count);
        for length in content[FIXED_BYTES..table_end].chunks_exact(8) {
            let end = usize::try_from(u64::from_le_bytes(array(length, 0))).ok().and_then(|n| at.checked_add(n));
            let end = end.filter(|end| *end <= content.len()).ok_or_else(lengths_fail)?;
            sections.push(bytes.slice(at..end));
            at = end;
        }
        if at != content.len() {
            return Err(lengths_fail());
        }
        Ok(Self { version, header, sections })
    }
}

/// `N` bytes of `bytes` from `at` on, which the caller has checked to be there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde::Deserialize;
    use tidemill_planner::ErrorKind;

    use super::*;

    const MAGIC: &[u8; 8] = b"TMRECORD";

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Header {
        epoch: u64,
    }

    fn small() -> Bytes {
        let sections = [Bytes::from_static(b"abc"), Bytes::new(), Bytes::from_static(&[0, 255])];
        Frame::encode(MAGIC, 1, &Header { epoch: 7 }, &sections).unwrap()
    }

    #[test]
    fn the_bytes_are_these() {
        let hex: Vec<String> = small().chunks(16).map(|row| row.iter().map(|b| format!("{b:02x}")).collect()).collect();
        expect![[r#"
            544d5245434f524401000b0000000300
            00000300000000000000000000000000
            000002000000000000007b2265706f63
            68223a377d61626300ff08efba57cfb4
            616c"#]]
        .assert_eq(&hex.join("\n"));
    }

    #[test]
    fn what_was_encoded_is_decoded_without_a_copy() {
        let bytes = small();
        let frame: Frame<Header> = Frame::decode(MAGIC, &[1, 2], &bytes, "f").unwrap();
        assert_eq!((frame.version, frame.header), (1, Header { epoch: 7 }));
        assert_eq!(frame.sections, [&b"abc"[..], b"", &[0, 255]]);
        assert!(bytes.as_ptr_range().contains(&frame.sections[0].as_ptr()));
        let none: Frame = Frame::decode(MAGIC, &[3], &Frame::encode(MAGIC, 3, &(), &[]).unwrap(), "f").unwrap();
        assert_eq!((none.header, none.sections), (serde_json::Value::Null, vec![]));
    }

    #[test]
    fn no_truncation_and_no_flipped_bit_is_read() {
        let whole = small();
        let check = |bytes: Bytes, what: String| {
            let error = Frame::<Header>::decode(MAGIC, &[1], &bytes, "dir/7.rec").expect_err(&what);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
            assert!(error.message().contains("dir/7.rec"), "{what}: {error}");
        };
        for length in 0..whole.len() {
            check(whole.slice(..length), format!("cut to {length}"));
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            check(bytes.into(), format!("bit {bit} flipped"));
        }
        check([&whole[..], b"x"].concat().into(), "a byte more".to_owned());
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let reseal = |bytes: &[u8]| Bytes::from([bytes, &xxh3_64(bytes).to_le_bytes()].concat());
        let whole = small();
        let content = &whole[..whole.len() - CHECKSUM_BYTES];
        let with = |at: usize, byte: u8| {
            let mut changed = content.to_vec();
            changed[at] = byte;
            reseal(&changed)
        };
        let check = |bytes: Bytes, expected: &str| {
            let error = Frame::<Header>::decode(MAGIC, &[1], &bytes, "f").unwrap_err();
            assert!(error.message().contains(expected), "{error} has no `{expected}`");
        };
        check(Bytes::new(), "too short");
        check(with(0, b'X'), "starts with `XMRECORD`, not `TMRECORD`");
        check(with(8, 2), "was written by a newer Tidemill");
        check(with(8, 0), "version 0 is not one of [1]");
        check(with(10, 200), "lengths do not add up");
        check(with(17, 255), "lengths do not add up");
        check(with(25, 255), "lengths do not add up");
        check(with(18, 2), "lengths do not add up");
        check(with(42, b'['), "header does not read");
        check(whole.slice(..whole.len() - 1), "checksum");
    }
}
