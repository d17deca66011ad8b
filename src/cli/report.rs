//! An error for people: what happened, the line of the statement that it is about with a mark under the place, and what to do.

use std::ops::Range;

use crate::dataframe::show::half_width;
use crate::{Error, ErrorKind};

/// A longer line is shown around the place alone.
const MAX_WIDTH: usize = 120;

/// The statement that an error is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// The statement's text.
    pub(super) statement: &'a str,
    /// The script's line on which it begins, from 1.
    pub(super) first_line: usize,
}

impl<'a> Source<'a> {
    /// A statement that stands alone.
    #[cfg(test)]
    pub(super) fn alone(statement: &'a str) -> Self {
        Self { statement, first_line: 1 }
    }

    /// A statement that is a part of `script`: the lines are the script's.
    pub(super) fn within(script: &'a str, statement: &'a str) -> Self {
        // Where the part begins, if it is one.
        let offset = (statement.as_ptr() as usize).checked_sub(script.as_ptr() as usize);
        let before = offset.and_then(|at| script.get(..at)).unwrap_or("");
        Self { statement, first_line: 1 + before.matches('\n').count() }
    }
}

/// The lines that tell of `error`, each with its line feed.
pub(super) fn report(error: &Error, source: Source<'_>) -> String {
    let place = error.condition().and_then(|condition| condition.place.clone());
    told(error.message(), place, remedy(error), source)
}

/// What to do about errors whose messages cannot know it.
fn remedy(error: &Error) -> Option<&'static str> {
    let known = |words: &str| error.message().contains(words);
    match error.kind() {
        ErrorKind::Internal if !known("report") => Some("this is a bug in Tidemill: please report it with the statement"),
        ErrorKind::Conflict if !known("again") => Some("another writer got in between: run the statement again"),
        ErrorKind::OutcomeUnknown if !known("look") => Some("look whether the rows are there before you write them again"),
        _ => None,
    }
}

fn told(message: &str, place: Option<Range<usize>>, remedy: Option<&str>, source: Source<'_>) -> String {
    let mut text = format!("error: {message}\n");
    if let Some(place) = place {
        text.push_str(&marked(place, source));
    }
    if let Some(remedy) = remedy {
        text.push_str(&format!("help: {remedy}\n"));
    }
    text
}

/// The line of the place, and marks under it. A place of several lines is marked on its first.
fn marked(place: Range<usize>, source: Source<'_>) -> String {
    let statement = source.statement;
    let start = floor(statement, place.start);
    let end = floor(statement, place.end).max(start);
    let (before, after) = statement.split_at(start);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_end = start + after.find('\n').unwrap_or(after.len());
    let lead = shown(&statement[line_start..start]);
    let hit = shown(&statement[start..end.min(line_end)]);
    let rest = shown(&statement[end.min(line_end).max(start)..line_end]);
    let (lead, hit, rest) = windowed(lead.trim_end_matches('\r'), hit.trim_end_matches('\r'), rest.trim_end_matches('\r'));
    let number = source.first_line + before.matches('\n').count();
    let has_lines = source.first_line > 1 || statement.contains('\n');
    let number = if has_lines { number.to_string() } else { String::new() };
    let gutter = " ".repeat(number.len());
    let (blanks, marks) = (" ".repeat(half_width(&lead)), "^".repeat(half_width(&hit).max(1)));
    let gap = if has_lines { " " } else { "" };
    format!("  {number}{gap}| {lead}{hit}{rest}\n  {gutter}{gap}| {blanks}{marks}\n")
}

/// The nearest place at or before `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What has no width, or one that depends, is a blank.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\r' { ' ' } else { c }).collect()
}

/// The parts of a line, cut where it is too long: most of what is kept stands before the place.
fn windowed(lead: &str, hit: &str, rest: &str) -> (String, String, String) {
    let hit = head(hit, MAX_WIDTH / 2);
    let room = MAX_WIDTH.saturating_sub(half_width(&hit));
    let lead_room = room.saturating_sub(half_width(rest).min(room / 3));
    let lead = if half_width(lead) <= lead_room { lead.to_owned() } else { tail(lead, lead_room) };
    let rest = head(rest, room.saturating_sub(half_width(&lead)));
    (lead, hit, rest)
}

fn head(text: &str, room: usize) -> String {
    if half_width(text) <= room {
        return text.to_owned();
    }
    within(text.chars(), room) + "…"
}

fn tail(text: &str, room: usize) -> String {
    let kept: String = within(text.chars().rev(), room).chars().rev().collect();
    format!("…{kept}")
}

/// The first characters, one less than the room has.
fn within(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut width = 1;
    let fits = |c: &char| {
        width += half_width(c.encode_utf8(&mut [0; 4]));
        width <= room
    };
    chars.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[allow(clippy::needless_pass_by_value)]
    fn check(statement: &str, first_line: usize, place: Range<usize>, expected: Expect) {
        expected.assert_eq(&told("no", Some(place), None, Source { statement, first_line }));
    }

    #[test]
    fn the_place_is_marked() {
        check(
            "SELECT nothing FROM t",
            1,
            7..14,
            expect![[r#"
                error: no
                  | SELECT nothing FROM t
                  |        ^^^^^^^
            "#]],
        );
        check(
            "SELECT a,\n\tb\r\nFROM t",
            1,
            11..12,
            expect![[r#"
                error: no
                  2 |  b
                    |  ^
            "#]],
        );
        check(
            "SELECT a\nFROM",
            9,
            13..13,
            expect![[r#"
                error: no
                  10 | FROM
                     |     ^
            "#]],
        );
        // A place of two lines, and what East Asia writes.
        check(
            "SELECT '한', x +\n y",
            1,
            14..20,
            expect![[r#"
                error: no
                  1 | SELECT '한', x +
                    |              ^^^
            "#]],
        );
    }

    #[test]
    fn places_that_are_none() {
        check(
            "é",
            1,
            1..99,
            expect![[r#"
                error: no
                  | é
                  | ^
            "#]],
        );
        check(
            "",
            1,
            std::ops::Range { start: 5, end: 3 },
            expect![[r#"
                error: no
                  | 
                  | ^
            "#]],
        );
    }

    #[test]
    fn long_lines_are_cut() {
        let statement = format!("SELECT {} x {}", "a, ".repeat(100), "b ".repeat(100));
        let at = statement.find('x').unwrap();
        let text = told("no", Some(at..at + 1), None, Source::alone(&statement));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| half_width(line) <= MAX_WIDTH + 6), "{text}");
        let column = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(column), Some('x'), "{text}");
        assert!(lines[1].contains("…a") || lines[1].contains("… ") || lines[1].contains("…,"), "{text}");
        assert!(lines[1].ends_with('…'), "{text}");
    }

    #[test]
    fn lines_of_a_script_and_remedies() {
        let script = "SELECT 1;\n\nSELECT x;";
        let part = &script[11..19];
        assert_eq!((part, Source::within(script, part).first_line), ("SELECT x", 3));
        assert_eq!(Source::within(script, "elsewhere").statement, "elsewhere");
        assert_eq!(
            report(&Error::internal("lost"), Source::alone("x")),
            "error: lost\nhelp: this is a bug in Tidemill: please report it with the statement\n"
        );
        assert_eq!(report(&Error::analysis("bad"), Source::alone("x")), "error: bad\n");
    }
}
