//! `tidemill table`: a look at a Delta table.

use std::time::Instant;

use clap::Subcommand;

use super::output::{Format, Rows};
use super::{EXIT_CODES, Outcome, Output};
use crate::{Result, Session};

/// The commands under `tidemill table`.
#[derive(Debug, Subcommand)]
pub(super) enum TableCommand {
    /// The table's versions, newest first: when, by which operation, with what effect.
    #[command(after_help = EXIT_CODES)]
    History {
        /// The table's folder.
        path: String,
        /// How the rows are printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Format,
    },
}

pub(super) async fn run(command: TableCommand) -> Result<Outcome> {
    let TableCommand::History { path, output } = command;
    let start = Instant::now();
    let session = Session::builder().build()?;
    let history = session.table(&path).history_frame().await?;
    let rows = Rows::of(&history).await?;
    let elapsed_ms = start.elapsed().as_micros() as f64 / 1000.0;
    Output::new(output).rows(&format!("DESCRIBE HISTORY delta.`{path}`"), &rows, elapsed_ms)?;
    Ok(Outcome::Done)
}
