//! The shell of `tidemill sql`: statements are typed, run and shown until the user leaves. What it knows of lines, names and colours
//! is in the files beside it.

mod complete;
mod help;
mod highlight;
mod history;
mod keywords;
mod names;
mod pager;
mod reader;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use self::help::{Command, command};
use self::names::Lookup;
use self::reader::{Heard, Reader};
use super::Outcome;
use super::output::{Format, Output, Rows};
use super::report::Source;
use super::statements::statements;
use crate::{Error, Result, Session};

/// How a statement ended that did not fail.
enum Ended {
    Done,
    /// Ctrl-C: what was typed after it is not run either.
    Stopped,
}

/// Reads and runs statements until the user leaves.
pub(super) async fn run(session: Session, format: Format) -> Result<Outcome> {
    let lookup = Arc::new(Lookup::new(session.clone(), tokio::runtime::Handle::current()));
    let mut reader = Reader::start(lookup.names(), history::file(|name| std::env::var_os(name)))?;
    let mut output = Output::new(format);
    if !output.is_for_scripts() {
        output.write(&format!("tidemill {} - `help` tells what there is, Ctrl-D leaves\n", env!("CARGO_PKG_VERSION")))?;
    }
    while !output.is_closed() {
        let (text, size) = match reader.line().await {
            Heard::Text { text, size } => (text, size),
            Heard::Interrupted => continue,
            Heard::End => break,
            Heard::Failed(error) => return Err(error),
        };
        match command(&text) {
            Some(Command::Leave) => break,
            Some(Command::Help(topic)) => show(&mut output, help::help(topic), size).await?,
            None => {
                for statement in statements(&text) {
                    match one(&session, statement, &mut output, size).await {
                        Ok(Ended::Done) => {}
                        Ok(Ended::Stopped) => break,
                        Err(error) => {
                            output.failure(Source::within(&text, statement), &error)?;
                            break;
                        }
                    }
                }
                lookup.forget();
            }
        }
    }
    reader.end();
    Ok(Outcome::Done)
}

async fn one(session: &Session, statement: &str, output: &mut Output, size: Option<(usize, usize)>) -> Result<Ended> {
    let start = Instant::now();
    // On a thread of its own, so that Ctrl-C is heard however long a step of the query takes.
    let (stop, stopped) = oneshot::channel::<()>();
    let (runtime, session, text) = (Handle::current(), session.clone(), statement.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = stopped => Err(Error::internal("the statement was stopped")),
                rows = Rows::answering(&session, &text) => rows,
            }
        })
    });
    let rows = tokio::select! {
        biased;
        signal = tokio::signal::ctrl_c() => {
            // What the query still runs ends with it; the session is as it was.
            signal.map_err(|e| Error::io_at("the signal of Ctrl-C", e))?;
            drop(stop);
            output.write("stopped\n")?;
            return Ok(Ended::Stopped);
        }
        rows = work => rows.map_err(|e| Error::internal(format!("the statement's thread ended early: {e}")))??,
    };
    let elapsed = start.elapsed();
    let text = output.text(statement, &rows, elapsed.as_micros() as f64 / 1000.0)?;
    if output.is_for_scripts() {
        output.write(&text)?;
    } else {
        show(output, text, size).await?;
        output.write(&timing(rows.count(), elapsed))?;
    }
    Ok(Ended::Done)
}

/// Prints text, page by page when it is larger than the terminal.
async fn show(output: &mut Output, text: String, size: Option<(usize, usize)>) -> Result<()> {
    let is_large = size.is_some_and(|size| pager::is_larger(&text, size)) && std::io::stdout().is_terminal();
    if !is_large {
        return output.write(&text);
    }
    let paged = tokio::task::spawn_blocking(move || pager::page(&text).map_err(|_| text)).await;
    match paged.map_err(|e| Error::internal(format!("the pager's thread ended early: {e}")))? {
        Ok(()) => Ok(()),
        // There is no such program.
        Err(text) => output.write(&text),
    }
}

fn timing(rows: Option<usize>, elapsed: Duration) -> String {
    let what = match rows {
        None => "done".to_owned(),
        Some(1) => "1 row".to_owned(),
        Some(rows) => format!("{rows} rows"),
    };
    format!("{what} in {:.3} s\n", elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timing_lines() {
        for (rows, ms, expected) in [
            (None, 5, "done in 0.005 s\n"),
            (Some(0), 12, "0 rows in 0.012 s\n"),
            (Some(1), 0, "1 row in 0.000 s\n"),
            (Some(2), 61_500, "2 rows in 61.500 s\n"),
        ] {
            assert_eq!(timing(rows, Duration::from_millis(ms)), expected);
        }
    }
}
