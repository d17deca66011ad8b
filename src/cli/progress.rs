//! How far a statement has come, as a line on the terminal while it runs, which goes when it has ended.
//!
//! ```text
//! [Stage 2: =========>          ] 12 of 25 tasks, 2 run, 1,204,224 rows, 8 s
//! ```

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{QueryProgress, Session, StageProgress};

/// What is done sooner shows nothing.
const LONG: Duration = Duration::from_secs(1);
/// Cells of a bar.
const BAR: usize = 24;
/// Goes to the beginning of the line, and takes away what stands there.
const CLEAR: &str = "\r\x1b[2K";

/// Shows how far the session's statements have come, if somebody sits there.
pub(super) fn show_on_terminal(session: &Session) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let shown = Mutex::new(String::new());
    session.add_progress_handler(move |progress| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = next(progress, &mut shown) {
            // That nobody sees it is no reason for a statement to fail.
            let mut terminal = std::io::stderr().lock();
            let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
        }
    });
}

/// What goes to a terminal that shows `shown`: nothing, the next line, or what clears the last one. Of queries at once one is shown.
fn next(progress: &QueryProgress, shown: &mut String) -> Option<String> {
    if progress.done {
        let was_shown = *shown == progress.operation_id;
        return was_shown.then(|| {
            shown.clear();
            CLEAR.to_owned()
        });
    }
    let is_its_turn = shown.is_empty() || *shown == progress.operation_id;
    if progress.elapsed < LONG || !is_its_turn {
        return None;
    }
    let line = line(&progress.stages, progress.elapsed)?;
    shown.clone_from(&progress.operation_id);
    Some(format!("{CLEAR}{line}"))
}

/// The stage at work that comes first; `None` when none is.
fn line(stages: &[StageProgress], elapsed: Duration) -> Option<String> {
    let at_work = stages.iter().find(|stage| stage.done < stage.tasks && (stage.running > 0 || stage.done > 0))?;
    let StageProgress { stage, done, tasks, running, rows } = at_work;
    let full = BAR * done / tasks;
    let bar = format!("{}>{}", "=".repeat(full), " ".repeat(BAR - full));
    let bar = bar.get(..BAR).unwrap_or(&bar);
    let open = stages.iter().filter(|stage| stage.done < stage.tasks).count() - 1;
    let more = if open > 0 { format!(", {open} more stages") } else { String::new() };
    Some(format!("[Stage {stage}: {bar}] {done} of {tasks} tasks, {running} run, {} rows{more}, {} s", grouped(*rows), elapsed.as_secs()))
}

/// A number with its thousands set off.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(stage: usize, done: usize, tasks: usize, running: usize, rows: u64) -> StageProgress {
        StageProgress { stage, done, tasks, running, rows }
    }

    #[test]
    fn lines() {
        let seconds = Duration::from_secs(8);
        for (stages, expected) in [
            (vec![], None),
            // Planned, and nothing runs yet.
            (vec![stage(0, 0, 4, 0, 0)], None),
            (vec![stage(0, 4, 4, 0, 7)], None),
            (vec![stage(0, 0, 4, 2, 0)], Some("[Stage 0: >                       ] 0 of 4 tasks, 2 run, 0 rows, 8 s")),
            (
                vec![stage(0, 4, 4, 0, 7), stage(1, 12, 24, 2, 1_204_224), stage(2, 0, 1, 0, 0)],
                Some("[Stage 1: ============>           ] 12 of 24 tasks, 2 run, 1,204,224 rows, 1 more stages, 8 s"),
            ),
        ] {
            assert_eq!(line(&stages, seconds).as_deref(), expected, "{stages:?}");
        }
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn what_goes_to_the_terminal() {
        let told = |operation: &str, millis: u64, done: bool| QueryProgress {
            operation_id: operation.to_owned(),
            elapsed: Duration::from_millis(millis),
            stages: vec![stage(0, 1, 4, 1, 0)],
            inflight_tasks: 1,
            done,
        };
        let mut shown = String::new();
        for (operation, millis, done, expected) in [
            ("short", 900, false, false),
            ("short", 950, true, false),
            ("a", 1200, false, true),
            ("b", 1500, false, false),
            ("b", 1600, true, false),
            ("a", 1800, false, true),
            ("a", 1900, true, true),
            ("b", 2000, false, true),
        ] {
            let text = next(&told(operation, millis, done), &mut shown);
            assert_eq!(text.is_some(), expected, "{operation} {millis}");
            assert!(text.is_none_or(|text| text.starts_with(CLEAR) && (text.len() == CLEAR.len()) == done), "{operation} {millis}");
        }
    }
}
