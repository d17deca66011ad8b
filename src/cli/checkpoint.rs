//! `tidemill checkpoint`: a look at what a streaming query keeps, without touching it.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use tidemill_streaming::checkpoint::Checkpoint;

use super::output::json_line;
use super::{EXIT_CODES, Outcome, Output};
use crate::{Error, Result};

/// How a checkpoint is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Indented JSON.
    Text,
    /// JSON in one line.
    Json,
}

/// The commands under `tidemill checkpoint`.
#[derive(Debug, Subcommand)]
pub(super) enum CheckpointCommand {
    /// The last epochs, offsets, watermarks and state of a query.
    #[command(after_help = EXIT_CODES)]
    Inspect {
        /// The checkpoint's folder.
        path: PathBuf,
        /// How it is printed.
        #[arg(long, value_enum, default_value = "text")]
        output: Format,
    },
}

pub(super) fn run(command: CheckpointCommand) -> Result<Outcome> {
    let CheckpointCommand::Inspect { path, output } = command;
    let shown = Checkpoint::inspect(&path)?;
    let text = match output {
        Format::Json => json_line(&shown)?,
        Format::Text => {
            serde_json::to_string_pretty(&shown).map_err(|e| Error::internal(format!("the checkpoint has no JSON: {e}")))? + "\n"
        }
    };
    Output::new(super::output::Format::Table).write(&text)?;
    // The damage stands in what was printed; a script reads it off the exit code.
    let is_sound = shown["damage"].as_array().is_none_or(Vec::is_empty) && shown.pointer("/state/error").is_none();
    Ok(if is_sound { Outcome::Done } else { Outcome::Failed })
}
