//! A look at SQL text as it is typed: words, strings, quoted names, numbers and comments, closed or not yet. It parses nothing.

use std::ops::Range;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Text,
    QuotedName,
    Number,
    Comment,
    Semicolon,
    Symbol,
}

/// A piece of text; blanks belong to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    /// Whether its end was seen: a quote that is open takes the rest.
    pub(super) closed: bool,
}

/// The pieces of `text`, in its order.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        let (kind, end, closed) = match byte {
            b'-' if next == Some(b'-') => (Kind::Comment, end_of_line(bytes, at), true),
            b'/' if next == Some(b'*') => of(Kind::Comment, end_of_comment(bytes, at), bytes),
            b'\'' | b'"' => of(Kind::Text, end_of_quoted(bytes, at, true), bytes),
            b'`' => of(Kind::QuotedName, end_of_quoted(bytes, at, false), bytes),
            // A raw string: a backslash is one.
            b'r' | b'R' if matches!(next, Some(b'\'' | b'"')) => of(Kind::Text, end_of_quoted(bytes, at + 1, false), bytes),
            b';' => (Kind::Semicolon, at + 1, true),
            b'0'..=b'9' => (Kind::Number, at + run(bytes, at, |b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_'), true),
            _ if is_word(byte) => (Kind::Word, at + run(bytes, at, is_word), true),
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            _ => (Kind::Symbol, at + 1, true),
        };
        pieces.push(Piece { kind, range: at..end, closed });
        at = end;
    }
    pieces
}

/// Whether Enter ends what has been typed: it is blank, or its last piece but for comments is a semicolon.
pub(super) fn is_complete(text: &str) -> bool {
    let pieces = pieces(text);
    if pieces.iter().any(|piece| !piece.closed) {
        return false;
    }
    let last = pieces.iter().rfind(|piece| piece.kind != Kind::Comment);
    last.is_none_or(|piece| piece.kind == Kind::Semicolon)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn run(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().skip(at).take_while(|byte| belongs(**byte)).count()
}

fn of(kind: Kind, end: Option<usize>, bytes: &[u8]) -> (Kind, usize, bool) {
    (kind, end.unwrap_or(bytes.len()), end.is_some())
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    at + run(bytes, at, |byte| byte != b'\n')
}

/// Comments nest.
fn end_of_comment(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

/// A doubled quote is two pieces side by side, which comes to the same.
fn end_of_quoted(bytes: &[u8], start: usize, escapes: bool) -> Option<usize> {
    let quote = bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' if escapes => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let text = "SELECT 'a\\'b', r'c\\', `n;` FROM été -- c\nWHERE 1.5e3 >= /* x /* y */ */ 2;";
        let told: Vec<(Kind, &str)> = pieces(text).into_iter().map(|piece| (piece.kind, &text[piece.range])).collect();
        assert_eq!(
            told,
            [
                (Kind::Word, "SELECT"),
                (Kind::Text, "'a\\'b'"),
                (Kind::Symbol, ","),
                (Kind::Text, "r'c\\'"),
                (Kind::Symbol, ","),
                (Kind::QuotedName, "`n;`"),
                (Kind::Word, "FROM"),
                (Kind::Word, "été"),
                (Kind::Comment, "-- c"),
                (Kind::Word, "WHERE"),
                (Kind::Number, "1.5e3"),
                (Kind::Symbol, ">"),
                (Kind::Symbol, "="),
                (Kind::Comment, "/* x /* y */ */"),
                (Kind::Number, "2"),
                (Kind::Semicolon, ";"),
            ]
        );
    }

    #[test]
    fn when_enter_ends_a_statement() {
        for (text, complete) in [
            ("", true),
            ("  \n", true),
            ("-- only a remark", true),
            ("SELECT 1", false),
            ("SELECT 1;", true),
            ("SELECT 1; -- done", true),
            ("SELECT 1 -- not done;", false),
            ("SELECT ';", false),
            ("SELECT ';'", false),
            ("SELECT ';';", true),
            ("SELECT 'it''s;", false),
            ("SELECT 'a\\';", false),
            ("SELECT r'a\\';", true),
            ("SELECT `a;", false),
            ("SELECT /* ; ", false),
            ("SELECT 1; SELECT", false),
            ("SELECT 1;\nSELECT 2;", true),
        ] {
            assert_eq!(is_complete(text), complete, "{text}");
        }
    }
}
