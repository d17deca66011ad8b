//! Colours for what is typed: keywords, functions, strings, names in quotes, numbers and comments.

use super::keywords::is_keyword;
use crate::cli::scan::{Kind, pieces};

const KEYWORD: &str = "\x1b[1;34m";
const FUNCTION: &str = "\x1b[33m";
const TEXT: &str = "\x1b[32m";
const NAME: &str = "\x1b[36m";
const NUMBER: &str = "\x1b[35m";
const COMMENT: &str = "\x1b[90m";
const PLAIN: &str = "\x1b[0m";

/// `line` with colours; without them it is the same.
pub(super) fn highlight(line: &str, is_function: impl Fn(&str) -> bool) -> String {
    let pieces = pieces(line);
    let mut text = String::with_capacity(line.len() * 2);
    let mut end = 0;
    for (i, piece) in pieces.iter().enumerate() {
        let (Some(blanks), Some(part)) = (line.get(end..piece.range.start), line.get(piece.range.clone())) else { continue };
        let neighbour = |at: Option<usize>| at.and_then(|at| line.get(pieces.get(at)?.range.clone())).unwrap_or("");
        let colour = match piece.kind {
            // A part of a name is a name, whatever the word.
            Kind::Word if neighbour(i.checked_sub(1)) == "." => None,
            Kind::Word if neighbour(Some(i + 1)) == "(" && is_function(part) => Some(FUNCTION),
            Kind::Word if is_keyword(part) => Some(KEYWORD),
            Kind::Text => Some(TEXT),
            Kind::QuotedName => Some(NAME),
            Kind::Number => Some(NUMBER),
            Kind::Comment => Some(COMMENT),
            Kind::Word | Kind::Semicolon | Kind::Symbol => None,
        };
        text.push_str(blanks);
        match colour {
            Some(colour) => text.extend([colour, part, PLAIN]),
            None => text.push_str(part),
        }
        end = piece.range.end;
    }
    text.push_str(line.get(end..).unwrap_or(""));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        for (line, expected) in [
            ("select x", "<k>select<> x"),
            ("SELECT sum (a), left FROM t.date  ", "<k>SELECT<> <f>sum<> (a), <k>left<> <k>FROM<> t.date  "),
            ("'open", "<t>'open<>"),
            ("`n` 1.5 -- é", "<q>`n`<> <n>1.5<> <c>-- é<>"),
            ("", ""),
        ] {
            let mut told = highlight(line, |word| word == "sum");
            for (code, name) in
                [(KEYWORD, "<k>"), (FUNCTION, "<f>"), (TEXT, "<t>"), (NAME, "<q>"), (NUMBER, "<n>"), (COMMENT, "<c>"), (PLAIN, "<>")]
            {
                told = told.replace(code, name);
            }
            assert_eq!(told, expected);
        }
    }
}
