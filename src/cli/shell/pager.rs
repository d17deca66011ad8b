//! Results that are larger than the terminal, page by page, by a program of the user's.

use std::ffi::OsString;
use std::io::{ErrorKind, Result, Write};
use std::process::{Command, Stdio};

use crate::dataframe::show::half_width;

/// Shows what fits at once, does not wrap lines, and leaves the screen as it is.
const PAGER: &str = "less -FRSX";

/// Whether `text` does not fit into so many columns and rows, with the lines that follow it.
pub(super) fn is_larger(text: &str, (columns, rows): (usize, usize)) -> bool {
    text.lines().count() + 2 > rows || text.lines().any(|line| half_width(line) > columns)
}

/// Shows `text` with `$PAGER`, until the user has seen enough.
///
/// # Errors
/// When there is no such program.
pub(super) fn page(text: &str) -> Result<()> {
    let mut pager = Command::new("sh");
    pager.arg("-c").arg(program(std::env::var_os("PAGER"))).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // For a plain `less` in PAGER.
        pager.env("LESS", "-FRSX");
    }
    let mut child = pager.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(text.as_bytes()) {
            // It was left before its end.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    let status = child.wait()?;
    // The shell's codes for what cannot be run.
    if matches!(status.code(), Some(126 | 127)) { Err(ErrorKind::NotFound.into()) } else { Ok(()) }
}

fn program(given: Option<OsString>) -> OsString {
    given.filter(|program| !program.to_string_lossy().trim().is_empty()).unwrap_or_else(|| PAGER.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paged() {
        for (text, size, expected) in [
            ("a\nb\n", (80, 24), false),
            ("a\nb\n", (80, 4), false),
            ("a\nb\n", (80, 3), true),
            ("abc\n", (3, 24), false),
            ("abc\n", (2, 24), true),
            ("한글\n", (3, 24), true),
        ] {
            assert_eq!(is_larger(text, size), expected, "{text} {size:?}");
        }
    }

    #[test]
    fn which_program() {
        for (given, expected) in [(None, PAGER), (Some(" "), PAGER), (Some("more"), "more")] {
            assert_eq!(program(given.map(OsString::from)), OsString::from(expected));
        }
    }
}
