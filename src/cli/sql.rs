//! `tidemill sql`: statements one after the other, in one session.

use std::path::PathBuf;
use std::time::Instant;

use super::output::{Format, Output};
use super::{EXIT_CODES, Outcome};
use crate::{Error, Result, Session};

const JSON_HELP: &str = "\
JSON output is one object per statement and line, for scripts:
  {\"statement\", \"schema\": [{\"name\", \"type\", \"nullable\"}], \"rows\": [[…]], \"elapsed_ms\"}
  {\"statement\", \"error\": {\"kind\", \"message\"}}
Types are Spark's (`catalogString`). Whole numbers, doubles, booleans and strings are themselves; NaN and infinities,
decimals, dates and timestamps (`2026-01-31T08:30:00Z`) are strings; binary is base64; arrays are arrays; structs and maps
are objects, except that a map whose keys are not strings is an array of [key, value].";

/// The arguments of `tidemill sql`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{JSON_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// Statements, separated by semicolons.
    #[arg(short = 'e', long = "execute", value_name = "TEXT", required_unless_present = "file", conflicts_with = "file")]
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
}

pub(super) async fn run(args: Args) -> Result<Outcome> {
    let script = match (&args.execute, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) if path.as_os_str() == "-" => {
            std::io::read_to_string(std::io::stdin()).map_err(|e| Error::io_at("standard input", e))?
        }
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|e| Error::io_at(path.display(), e))?,
        (None, None) => return Err(Error::analysis("give statements with -e or a file with -f")),
    };
    // Some editors put a mark at the head of a file.
    let script = script.strip_prefix('\u{feff}').unwrap_or(&script);
    let statements = crate::sql::split(script);
    if statements.is_empty() {
        return Err(Error::analysis("there is no statement to run"));
    }
    let session = Session::builder().build()?;
    let mut output = Output::new(args.output);
    let mut failed = false;
    for statement in statements {
        if output.is_closed() {
            break;
        }
        if let Err(error) = one(&session, statement, &mut output).await {
            failed = true;
            output.failure(statement, &error)?;
            if !args.continue_on_error {
                break;
            }
        }
    }
    Ok(if failed { Outcome::Failed } else { Outcome::Done })
}

async fn one(session: &Session, statement: &str, output: &mut Output) -> Result<()> {
    let start = Instant::now();
    let frame = session.sql(statement).await?;
    let batches = frame.collect().await?;
    let elapsed_ms = start.elapsed().as_micros() as f64 / 1000.0;
    output.rows(statement, frame.schema()?.as_ref(), &batches, elapsed_ms)
}
