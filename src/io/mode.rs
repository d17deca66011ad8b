//! The modes of a save: what happens when there is something at the path already.

use tidemill_planner::ident::did_you_mean;
use tidemill_planner::{Error, Result};
use tidemill_spark::error::error;

/// What happens when there is something at the path already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Append,
    Overwrite,
    Error,
    Ignore,
}

const MODES: [(&str, Mode); 6] = [
    ("append", Mode::Append),
    ("overwrite", Mode::Overwrite),
    ("error", Mode::Error),
    ("errorifexists", Mode::Error),
    ("default", Mode::Error),
    ("ignore", Mode::Ignore),
];

impl Mode {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let found = MODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, mode)| *mode);
        found.ok_or_else(|| {
            let hint = did_you_mean(name, MODES.iter().map(|(known, _)| *known));
            Error::analysis(format!("unknown mode `{name}`{hint} (append, overwrite, error, ignore)"))
        })
    }

    /// Spark's name for the mode, as a table's history has it.
    pub(super) fn in_history(self) -> &'static str {
        match self {
            Self::Append => "Append",
            Self::Overwrite => "Overwrite",
            Self::Error => "ErrorIfExists",
            Self::Ignore => "Ignore",
        }
    }
}

/// A save that needs an empty place found another one.
pub(super) fn there_is_something(path: &str) -> Error {
    let message = format!("{path} exists already: choose `mode(\"append\")`, `\"overwrite\"` or `\"ignore\"`, or another path");
    error("PATH_ALREADY_EXISTS", message).with_parameter("outputPath", path)
}
