//! The `tidemill` command: arguments, output and exit codes. What a command does is the library's; each command is a file.
//!
//! Exit codes: 0 all went well; 1 something failed (a statement, the job, a check); 2 the command line is wrong; 3 the demo agrees
//! and was not killed as often as it was told to.

mod checkpoint;
#[cfg(feature = "demo")]
mod demo;
mod output;
mod progress;
mod report;
mod scan;
mod shell;
mod sql;
mod statements;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{Error, Result};
use output::Output;

const EXIT_CODES: &str =
    "Exit codes: 0 all went well; 1 something failed; 2 the command line is wrong; 3 a demo was not killed as often as it was told to.";

/// Spark's programming model over a lakehouse, in one process.
#[derive(Debug, Parser)]
#[command(name = "tidemill", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run SQL statements, all in one session; a shell when none are given.
    Sql(sql::Args),
    /// Look at a Delta table.
    #[command(subcommand)]
    Table(table::TableCommand),
    /// Look at a streaming query's checkpoint.
    #[command(subcommand)]
    Checkpoint(checkpoint::CheckpointCommand),
    /// Run the main job: stream, kill, restart, judge.
    #[cfg(feature = "demo")]
    Demo(demo::Args),
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoChild(demo::ChildArgs),
}

/// What a command came to; an error is printed by [`main`].
enum Outcome {
    Done,
    /// Something failed, and has been told.
    Failed,
    /// All went well, and not all that was asked for could be done, which has been told.
    #[cfg_attr(not(feature = "demo"), allow(dead_code))]
    FellShort,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap prints them and says so.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    tell_warnings();
    match run(cli.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::FellShort) => ExitCode::from(3),
        Err(error) => {
            // Whoever has stopped reading learns it from the exit code.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(1)
        }
    }
}

/// What the library warns of goes to standard error, so that nothing that was set aside or given up passes unseen.
fn tell_warnings() {
    let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr);
    // Whoever has installed a subscriber before gets the events.
    let _ = lines.without_time().with_target(false).with_ansi(false).log_internal_errors(false).try_init();
}

fn run(command: Command) -> Result<Outcome> {
    match command {
        Command::Sql(args) => on_runtime(sql::run(args)),
        Command::Table(command) => on_runtime(table::run(command)),
        Command::Checkpoint(command) => checkpoint::run(command),
        #[cfg(feature = "demo")]
        Command::Demo(args) => on_runtime(demo::run(args)),
        #[cfg(feature = "demo")]
        Command::DemoChild(args) => on_runtime(demo::child(args)),
    }
}

/// The stack of threads that statements run on: what the main thread has.
const STACK: usize = 8 << 20;

/// Runs a command that waits for queries. They run on the engine's own threads; this one only waits.
fn on_runtime(command: impl Future<Output = Result<Outcome>>) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|e| Error::resources(format!("the runtime does not start: {e}")).with_source(e))?;
    let outcome = runtime.block_on(command);
    // A statement that was stopped may be in a step that does not end yet.
    runtime.shutdown_background();
    outcome
}
