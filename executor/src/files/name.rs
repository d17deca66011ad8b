//! File names as text that loses nothing: a name that is not UTF-8 is written so that no real name looks like it.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What stands before the two hexadecimal digits of a byte that is part of no character. Between two slashes of a path stands
/// a name, so that no path below a directory holds it.
const MARK: &str = "//";

/// `name` as text: itself when it is UTF-8.
pub(super) fn encode(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "{MARK}{byte:02X}");
        }
    }
    text
}

/// The name that [`encode`] made `text` of.
pub(super) fn decode(text: &str) -> Cow<'_, OsStr> {
    if is_utf8(text) {
        return Cow::Borrowed(OsStr::new(text));
    }
    let mut parts = text.split(MARK);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        // Text of another origin names a file that is not there, as it stands.
        let Some(byte) = byte else { return Cow::Borrowed(OsStr::new(text)) };
        bytes.push(byte);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    Cow::Owned(OsString::from_vec(bytes))
}

/// Whether `text` is the name of a file whose name is UTF-8.
pub(super) fn is_utf8(text: &str) -> bool {
    !text.contains(MARK)
}

/// `text` for people to read, with `\xE9` for such a byte: what a shell takes between `$'` and `'`.
pub(super) fn shown(text: &str) -> String {
    text.replace(MARK, "\\x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_this() {
        for (name, text, for_people) in [
            (&b"plain \\xE9 %E9.json"[..], "plain \\xE9 %E9.json", "plain \\xE9 %E9.json"),
            ("caf\u{e9}.json".as_bytes(), "caf\u{e9}.json", "caf\u{e9}.json"),
            (b"caf\xe9.json", "caf//E9.json", "caf\\xE9.json"),
            (b"\xff\xfe0", "//FF//FE0", "\\xFF\\xFE0"),
            (b"", "", ""),
        ] {
            let name = OsStr::from_bytes(name);
            assert_eq!((encode(name).as_str(), shown(text).as_str()), (text, for_people));
            assert_eq!((&*decode(text), is_utf8(text)), (name, name.to_str().is_some()));
        }
        // Damaged text stands for itself.
        for text in ["a//", "a//X9", "//9", "//\u{e9}"] {
            assert_eq!(&*decode(text), OsStr::new(text));
        }
    }

    proptest::proptest! {
        #[test]
        fn every_name_comes_back_and_no_two_are_one(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..12)) {
            let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !matches!(byte, 0 | b'/')).collect();
            let name = OsStr::from_bytes(&bytes);
            let text = encode(name);
            let back = decode(&text);
            proptest::prop_assert_eq!(&*back, name);
            proptest::prop_assert_eq!(is_utf8(&text), name.to_str().is_some());
            proptest::prop_assert!(name.to_str().is_none_or(|name| name == text));
        }
    }
}
