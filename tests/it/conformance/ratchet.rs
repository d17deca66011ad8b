//! The ratchet: how many statements of each file or group agreed before. Doing worse fails; `UPDATE_EXPECT=1` records what is better.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::report::Report;

/// What is recorded of a file or group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// How many queries, errors and commands agree.
    counts: [usize; 3],
    /// What does not agree, so that a loss can be named.
    missing: Vec<String>,
}

/// What is done with what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It is only compared.
    Check,
    /// What is better is recorded.
    Raise,
    /// Everything is recorded.
    Reset,
}

/// Compares with the recorded lines, and records new ones if asked to. `is_part`: not all files were run.
///
/// # Errors
/// The losses, as text.
pub(super) fn check(file: &str, header: &str, reports: &[Report], is_part: bool) -> Result<(), String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance").join(file);
    let recorded = parse(&std::fs::read_to_string(&path).unwrap_or_default());
    let mode = mode(std::env::var("UPDATE_EXPECT").ok().as_deref(), std::env::var("TIDEMILL_RATCHET").ok().as_deref());
    let (lines, losses) = turned(&recorded, reports, mode, is_part);
    let better = reports.iter().filter(|r| recorded.get(&r.name).is_none_or(|old| old.counts != r.counts())).count();
    if mode != Mode::Check && lines != recorded {
        std::fs::write(&path, written(header, &lines)).map_err(|e| format!("{}: {e}", path.display()))?;
    } else if mode == Mode::Check && losses.is_empty() && better > 0 {
        println!("  {better} lines of {file} can be raised: UPDATE_EXPECT=1");
    }
    if losses.is_empty() {
        return Ok(());
    }
    let way_out = "mend it, or record the loss with UPDATE_EXPECT=1 TIDEMILL_RATCHET=reset and say why in docs/conformance.md";
    Err(format!("worse than {file} says; {way_out}:\n{}", losses.join("\n")))
}

fn mode(update: Option<&str>, ratchet: Option<&str>) -> Mode {
    match (update, ratchet) {
        (Some("1"), Some("reset")) => Mode::Reset,
        (Some("1"), _) => Mode::Raise,
        _ => Mode::Check,
    }
}

/// The lines as they are to be recorded, and what was lost.
fn turned(recorded: &BTreeMap<String, Line>, reports: &[Report], mode: Mode, is_part: bool) -> (BTreeMap<String, Line>, Vec<String>) {
    let mut lines = if is_part || mode != Mode::Reset { recorded.clone() } else { BTreeMap::new() };
    let mut losses = Vec::new();
    for report in reports {
        let now = Line { counts: report.counts(), missing: report.missing() };
        match recorded.get(&report.name) {
            Some(old) if mode != Mode::Reset && old.counts.iter().zip(&now.counts).any(|(old, now)| now < old) => {
                losses.push(loss(report, old));
            }
            _ if mode == Mode::Check => {}
            _ => {
                lines.insert(report.name.clone(), now);
            }
        }
    }
    if !is_part && mode != Mode::Reset {
        let gone = recorded.keys().filter(|name| !reports.iter().any(|report| report.name == **name));
        losses.extend(gone.map(|name| format!("{name} is not run any more")));
    }
    (lines, losses)
}

/// What a file has lost: the statements that are not known to differ, or all that differ when those alone do not tell.
fn loss(report: &Report, old: &Line) -> String {
    let mut lost: Vec<String> =
        report.differences().filter(|case| !old.missing.contains(&case.label)).map(|case| case.told("  ")).collect();
    if lost.is_empty() {
        lost = report.differences().map(|case| case.told("  ")).collect();
    }
    format!("{}: {:?} agree now, {:?} did (queries, errors, commands)\n{}", report.name, report.counts(), old.counts, lost.join("\n"))
}

fn parse(text: &str) -> BTreeMap<String, Line> {
    let line = |line: &str| {
        let mut cells = line.split('\t');
        let name = cells.next()?.to_owned();
        let mut count = || cells.next()?.parse::<usize>().ok();
        let counts = [count()?, count()?, count()?];
        let missing = cells.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Some((name, Line { counts, missing }))
    };
    text.lines().filter(|text| !text.starts_with('#')).filter_map(line).collect()
}

fn written(header: &str, lines: &BTreeMap<String, Line>) -> String {
    let mut text = format!("{header}\n");
    for (name, line) in lines {
        let [queries, errors, commands] = line.counts;
        text.push_str(&format!("{name}\t{queries}\t{errors}\t{commands}\t{}\n", line.missing.join(" ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::compare::{Class, Verdict};
    use super::super::report::Judged;
    use super::*;

    fn report(name: &str, good: usize, bad: usize) -> Report {
        let case = |at: usize| {
            let verdict = if at < good { Verdict::Good } else { Verdict::Unanswered };
            Judged { label: (at + 1).to_string(), sql: format!("SELECT {at}"), class: Class::Query, verdict }
        };
        Report { name: name.to_owned(), judged: (0..good + bad).map(case).collect(), troubles: Vec::new() }
    }

    fn told(lines: &BTreeMap<String, Line>) -> String {
        lines.iter().map(|(name, line)| format!("{name}={} ", line.counts[0])).collect()
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        let text = "# a header\na.sql\t1\t2\t3\t4 5\nb.sql\t0\t0\t0\t\n";
        let lines = parse(text);
        assert_eq!(lines["a.sql"], Line { counts: [1, 2, 3], missing: vec!["4".to_owned(), "5".to_owned()] });
        assert_eq!(written("# a header", &lines), text);
        assert!(parse("# only a header\n").is_empty());
    }

    #[test]
    fn the_ratchet_turns_one_way_unless_reset() {
        let recorded = parse("up\t1\t0\t0\t2 3\ndown\t2\t0\t0\t3\ngone\t1\t0\t0\t\n");
        let reports = [report("up", 2, 1), report("down", 1, 2), report("new", 1, 0)];
        for (mode, is_part, expected, losses) in [
            (Mode::Check, false, "down=2 gone=1 up=1 ", 2),
            (Mode::Raise, false, "down=2 gone=1 new=1 up=2 ", 2),
            (Mode::Raise, true, "down=2 gone=1 new=1 up=2 ", 1),
            (Mode::Reset, false, "down=1 new=1 up=2 ", 0),
            (Mode::Reset, true, "down=1 gone=1 new=1 up=2 ", 0),
        ] {
            let (lines, lost) = turned(&recorded, &reports, mode, is_part);
            assert_eq!((told(&lines).as_str(), lost.len()), (expected, losses), "{mode:?} {is_part}");
        }
        let (_, lost) = turned(&recorded, &reports, Mode::Check, true);
        assert!(lost[0].contains("SELECT 1") && !lost[0].contains("SELECT 2"), "{}", lost[0]);
    }

    #[test]
    fn the_mode_is_asked_for() {
        for (update, ratchet, expected) in [
            (None, None, Mode::Check),
            (Some("0"), None, Mode::Check),
            (None, Some("reset"), Mode::Check),
            (Some("1"), None, Mode::Raise),
            (Some("1"), Some("reset"), Mode::Reset),
        ] {
            assert_eq!(mode(update, ratchet), expected, "{update:?} {ratchet:?}");
        }
    }
}
