//! `tidemill sql`: statements one after the other, in one session. Without statements, on a terminal, it is a shell.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use super::output::{Format, Output, Rows};
use super::report::Source;
use super::statements::statements;
use super::{Outcome, progress, shell};
use crate::{Error, Result, Session};

const EXIT_CODES: &str = "\
Exit codes: 0 all went well; 1 something failed; 2 the command line is wrong; 3 a demo was not killed as often as it was told to.
A shell ends with 0, whatever its statements came to.";

const JSON_HELP: &str = "\
JSON output is one object per statement and line, for scripts:
  {\"statement\", \"schema\": [{\"name\", \"type\", \"nullable\"}], \"rows\": [[…]], \"elapsed_ms\"}
  {\"statement\", \"error\": {\"kind\", \"condition\", \"sqlstate\", \"message\"}}
Types are Spark's. Whole numbers, doubles, booleans and strings are themselves; NaN and infinities, decimals, dates, times,
timestamps (`2026-01-31 08:30:00.5`, in the session's time zone) and intervals (`INTERVAL '1-2' YEAR TO MONTH`) are strings;
binary is base64; arrays are arrays; structs and maps are objects, in which a name may come twice, except that a map whose keys
are not strings is an array of [key, value]. `condition` is Spark's error condition and `sqlstate` its SQLSTATE; both are left out
where Spark has none.";

/// The arguments of `tidemill sql`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{JSON_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// Statements, separated by semicolons. Without -e and -f they are read from standard input, or typed into a shell when
    /// standard input is a terminal.
    #[arg(short = 'e', long = "execute", value_name = "TEXT", conflicts_with = "file")]
    execute: Option<String>,
    /// A file of statements; `-` is standard input.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    file: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Format,
    /// Go on after a statement that fails; the exit code is still 1.
    #[arg(long)]
    continue_on_error: bool,
    /// Threads that compute and tasks of a stage, as `local[4]`, `local[*]` for one per core, or executors as `local-cluster[2,1,1024]`: the
    /// same as --conf spark.master=….
    #[arg(long, value_name = "MASTER")]
    master: Option<String>,
    /// A setting of the session, such as `spark.sql.session.timeZone=Europe/Berlin`; may be given several times.
    #[arg(long = "conf", value_name = "NAME=VALUE", value_parser = setting)]
    conf: Vec<(String, String)>,
}

fn setting(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("a setting is given as NAME=VALUE".to_owned()),
    }
}

pub(super) async fn run(args: Args) -> Result<Outcome> {
    let mut builder = Session::builder();
    for (name, value) in &args.conf {
        builder = builder.config(name, value);
    }
    if let Some(master) = args.master {
        builder = builder.master(master);
    }
    let session = builder.build()?;
    progress::show_on_terminal(&session);
    let script = match (&args.execute, &args.file) {
        (Some(text), _) => text.clone(),
        (None, None) if std::io::stdin().is_terminal() => return shell::run(session, args.output).await,
        (None, Some(path)) if path.as_os_str() != "-" => std::fs::read_to_string(path).map_err(|e| Error::io_at(path.display(), e))?,
        (None, _) => std::io::read_to_string(std::io::stdin()).map_err(|e| Error::io_at("standard input", e))?,
    };
    // Some editors put a mark at the head of a file.
    let script = script.strip_prefix('\u{feff}').unwrap_or(&script);
    let statements = statements(script);
    if statements.is_empty() {
        return Err(Error::analysis("there is no statement to run: give some with -e, in a file with -f, or on standard input"));
    }
    let mut output = Output::new(args.output);
    let mut failed = false;
    for statement in statements {
        if output.is_closed() {
            break;
        }
        if let Err(error) = one(&session, statement, &mut output).await {
            failed = true;
            output.failure(Source::within(script, statement), &error)?;
            if !args.continue_on_error {
                break;
            }
        }
    }
    Ok(if failed { Outcome::Failed } else { Outcome::Done })
}

async fn one(session: &Session, statement: &str, output: &mut Output) -> Result<()> {
    let start = Instant::now();
    let rows = Rows::answering(session, statement).await?;
    let elapsed_ms = start.elapsed().as_micros() as f64 / 1000.0;
    output.rows(statement, &rows, elapsed_ms)
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn settings_have_a_name() {
        for (text, expected) in
            [("a=b", Some(("a", "b"))), (" a = b=c ", Some(("a", "b=c"))), ("a=", Some(("a", ""))), ("a", None), ("=b", None)]
        {
            let expected = expected.map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()));
            assert_eq!(setting(text).ok(), expected, "{text}");
        }
    }
}
