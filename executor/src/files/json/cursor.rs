//! A strict reader of JSON tokens from one line (RFC 8259, nothing more). It does not know columns.
//!
//! The caller has checked that the line is UTF-8; everything else is checked here.

/// Why a line is malformed, for the user.
pub(super) type Reason = String;

/// Objects and arrays may stand this deep in one another.
const MAX_DEPTH: u16 = 128;

/// A place in a line.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u16,
}

/// A JSON number: its text, and its value where it is a whole number of at most 19 digits.
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    pub(super) negative: bool,
    /// `None` when there is a fraction or an exponent.
    pub(super) whole: Option<Whole>,
}

/// The digits of a whole number.
#[derive(Clone, Copy)]
pub(super) enum Whole {
    Fits(u64),
    TooLong,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// The next byte that is not white space, left in place.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Takes `pattern` if it comes next, byte for byte.
    #[inline]
    pub(super) fn take(&mut self, pattern: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(pattern);
        if found {
            self.at += pattern.len();
        }
        found
    }

    /// Takes `byte`, after white space.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, what: &str) -> Result<(), Reason> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            found => Err(self.unexpected(found, what)),
        }
    }

    /// The reason for a line in which `found` stands where `what` should.
    #[cold]
    pub(super) fn unexpected(&self, found: Option<u8>, what: &str) -> Reason {
        match found {
            None => format!("the line ends where {what} should follow"),
            Some(byte) => {
                let character = self.bytes[self.at..].utf8_chunks().next().and_then(|c| c.valid().chars().next());
                let character = character.unwrap_or(byte as char).escape_debug();
                format!("`{character}` at byte {} where {what} should stand", self.at + 1)
            }
        }
    }

    /// Opens an object or array; the opening byte is what [`Cursor::peek`] showed.
    pub(super) fn open(&mut self) -> Result<(), Reason> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        Ok(())
    }

    /// In an object or array: `true` when another element follows (its comma taken), `false` when `close` was taken.
    #[inline]
    pub(super) fn more(&mut self, close: u8, first: bool) -> Result<bool, Reason> {
        match self.peek() {
            Some(found) if found == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                match self.peek() {
                    Some(found) if found == close => Err(self.unexpected(Some(found), "another element after the comma")),
                    _ => Ok(true),
                }
            }
            Some(_) if first => Ok(true),
            found => Err(self.unexpected(found, if close == b'}' { "`,` or `}`" } else { "`,` or `]`" })),
        }
    }

    /// A string's content; `scratch` holds it when it has escapes.
    #[inline]
    pub(super) fn string<'s>(&mut self, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Reason>
    where
        'a: 's,
    {
        self.expect(b'"', "a string")?;
        let start = self.at;
        self.plain_run()?;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(&self.bytes[start..self.at - 1]);
        }
        scratch.clear();
        scratch.extend_from_slice(&self.bytes[start..self.at]);
        self.escaped_rest(scratch)?;
        Ok(scratch)
    }

    /// Appends a string's content to `out`.
    #[inline]
    pub(super) fn string_into(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        self.plain_run()?;
        out.extend_from_slice(&self.bytes[start..self.at]);
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(());
        }
        self.escaped_rest(out)
    }

    /// Moves to the next quote or backslash, eight bytes at a time.
    #[inline]
    fn plain_run(&mut self) -> Result<(), Reason> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        while let Some((word, _)) = self.bytes[self.at..].split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
            let stops = has_zero(word ^ (ONES * b'"' as u64)) | has_zero(word ^ (ONES * b'\\' as u64)) | below_space;
            if stops != 0 {
                // The lowest marked byte is exact; borrows only blur the ones above it.
                self.at += stops.trailing_zeros() as usize / 8;
                break;
            }
            self.at += 8;
        }
        loop {
            match self.bytes.get(self.at) {
                Some(b'"' | b'\\') => return Ok(()),
                Some(byte @ 0..0x20) => return Err(format!("control character {byte:#04x} inside a string at byte {}", self.at + 1)),
                Some(_) => self.at += 1,
                None => return Err("the line ends inside a string".to_owned()),
            }
        }
    }

    #[cold]
    fn escaped_rest(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        loop {
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(());
            }
            self.at += 1;
            let escape = self.bytes.get(self.at).copied();
            self.at += 1;
            match escape {
                Some(byte @ (b'"' | b'\\' | b'/')) => out.push(byte),
                Some(b'b') => out.push(8),
                Some(b'f') => out.push(12),
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(b'u') => {
                    let unit = self.hex4()?;
                    let scalar = match unit {
                        0xD800..0xDC00 if self.take(b"\\u") => match self.hex4()? {
                            low @ 0xDC00..0xE000 => 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
                            _ => unit,
                        },
                        _ => unit,
                    };
                    let c = char::from_u32(scalar).ok_or_else(|| format!("`\\u{unit:04x}` is half of a surrogate pair"))?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(other) => return Err(format!("unknown escape `\\{}`", (other as char).escape_debug())),
                None => return Err("the line ends inside a string".to_owned()),
            }
            let start = self.at;
            self.plain_run()?;
            out.extend_from_slice(&self.bytes[start..self.at]);
        }
    }

    fn hex4(&mut self) -> Result<u32, Reason> {
        let digits = self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.ok_or("`\\u` without four hexadecimal digits")?;
        self.at += 4;
        Ok(digits.iter().fold(0, |n, d| n << 4 | (*d as char).to_digit(16).unwrap_or(0)))
    }

    /// A number; the next byte is what [`Cursor::peek`] showed.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'a>, Reason> {
        let start = self.at;
        let negative = self.bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let first = self.at;
        let mut value: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 {
            return Err(self.unexpected(self.bytes.get(self.at).copied(), "a digit"));
        }
        if digits > 1 && self.bytes[first] == b'0' {
            return Err("a number starts with 0".to_owned());
        }
        let mut whole = Some(if digits <= 19 { Whole::Fits(value) } else { Whole::TooLong });
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
            whole = None;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
            whole = None;
        }
        // Only ASCII has been taken.
        let text = std::str::from_utf8(&self.bytes[start..self.at]).map_err(|_| "a number is not ASCII")?;
        Ok(Number { text, negative, whole })
    }

    fn digits(&mut self) -> Result<(), Reason> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected(self.bytes.get(self.at).copied(), "a digit")) } else { Ok(()) }
    }

    /// `true`, `false` or `null`, as named; the next byte is what [`Cursor::peek`] showed.
    #[inline]
    pub(super) fn literal(&mut self, literal: &str) -> Result<(), Reason> {
        if self.take(literal.as_bytes()) { Ok(()) } else { Err(self.unexpected(self.bytes.get(self.at).copied(), "a JSON value")) }
    }

    /// Checks one value and passes over it.
    pub(super) fn skip(&mut self, scratch: &mut Vec<u8>) -> Result<(), Reason> {
        match self.peek() {
            Some(b'"') => self.string(scratch).map(|_| ()),
            Some(b'{') => {
                self.open()?;
                let mut first = true;
                while self.more(b'}', first)? {
                    first = false;
                    self.string(scratch)?;
                    self.expect(b':', "`:`")?;
                    self.skip(scratch)?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.open()?;
                let mut first = true;
                while self.more(b']', first)? {
                    first = false;
                    self.skip(scratch)?;
                }
                Ok(())
            }
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            found => Err(self.unexpected(found, "a JSON value")),
        }
    }

    /// Fails when anything but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Reason> {
        match self.peek() {
            None => Ok(()),
            found => Err(self.unexpected(found, "the end of the line")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_checked_as_it_is_passed_over() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let nested = deep(128);
        for good in ["1", "-0", "0.5e-3", "1E+9", "\"\"", "[]", "{}", "[1, [2], {\"a\": null}]", r#""a\"\\\/\b\f\n\r\té😀""#, &nested] {
            let mut cursor = Cursor::new(good.as_bytes());
            cursor.skip(&mut Vec::new()).and_then(|()| cursor.end()).unwrap_or_else(|e| panic!("{good}: {e}"));
        }
        let too_deep = deep(129);
        let bad = [
            "",
            " ",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "tru",
            "nul",
            "NaN",
            "Infinity",
            "'a'",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "[1}",
            "{\"a\":1]",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83d\\u0041\"",
            "\"a\tb\"",
            "12345678\"\u{1}",
            "\"\\",
            "\"12345678\\",
            "1 2",
            "{} {}",
            "/*c*/1",
            &too_deep,
        ];
        for bad in bad {
            let mut cursor = Cursor::new(bad.as_bytes());
            assert!(cursor.skip(&mut Vec::new()).and_then(|()| cursor.end()).is_err(), "{bad}");
        }
    }

    #[test]
    fn strings_of_any_length_are_found_whole() {
        for length in 0..40 {
            for special in ["", "\\n", "é", "\\u20ac"] {
                let body = format!("{}{special}{}", "x".repeat(length), "y".repeat(length % 7));
                let quoted = format!("\"{body}\" ");
                let expected: String = serde_json::from_str(quoted.trim()).unwrap();
                let (mut out, mut scratch) = (Vec::new(), Vec::new());
                Cursor::new(quoted.as_bytes()).string_into(&mut out).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected);
                assert_eq!(Cursor::new(quoted.as_bytes()).string(&mut scratch).unwrap(), expected.as_bytes());
            }
        }
    }
}
