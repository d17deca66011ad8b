//! A text in pieces that can be moved about: words, numbers, quoted text, symbols. It knows no grammar, and loses no character.

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Word,
    Number,
    Quoted,
    Blank,
    Symbol,
}

/// The pieces of a text.
pub(super) fn pieces(text: &str) -> Vec<(Class, String)> {
    let mut pieces: Vec<(Class, String)> = Vec::new();
    let mut quote = None;
    for c in text.chars() {
        let class = match c {
            _ if quote.is_some() => Class::Quoted,
            '\'' | '"' | '`' => Class::Quoted,
            c if c.is_alphabetic() || c == '_' => Class::Word,
            c if c.is_ascii_digit() => Class::Number,
            c if c.is_whitespace() => Class::Blank,
            _ => Class::Symbol,
        };
        let opens = class == Class::Quoted && quote.is_none();
        match pieces.last_mut() {
            Some((last, word)) if !opens && joins(*last, class) => word.push(c),
            _ => pieces.push((class, c.to_string())),
        }
        quote = match quote {
            Some(open) if open == c => {
                // What stands behind the quote is a piece of its own.
                pieces.push((Class::Blank, String::new()));
                None
            }
            None if class == Class::Quoted => Some(c),
            same => same,
        };
    }
    pieces.retain(|(_, piece)| !piece.is_empty());
    pieces
}

fn joins(last: Class, next: Class) -> bool {
    matches!((last, next), (Class::Word, Class::Number)) || (last == next && last != Class::Symbol)
}

/// The text of pieces.
pub(super) fn text(pieces: &[(Class, String)]) -> String {
    pieces.iter().map(|(_, piece)| piece.as_str()).collect()
}

#[test]
fn pieces_make_the_text_again() {
    for (given, count) in [("", 0), ("SELECT a1+'x y' \u{1F600}", 7), ("'open", 1), ("`a``b`'c'", 3), ("1.5e3", 4)] {
        let found = pieces(given);
        assert_eq!(text(&found), given);
        assert_eq!(found.len(), count, "{found:?}");
    }
}
