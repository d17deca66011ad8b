//! The formats of files that are read as rows, and the columns of what cannot be read.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use tidemill_planner::{Error, Result};

/// What is in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// One JSON object per line.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Lines of text, whose meaning is somebody else's: see [`super::FileSlice::text`].
    Text,
}

impl FileFormat {
    /// Its name in options and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Text => "text",
        }
    }
}

impl std::str::FromStr for FileFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            _ => Err(Error::unsupported(format!("files of format `{name}` cannot be read yet; convert them to json or parquet"))),
        }
    }
}

/// What becomes of a line that does not fit the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnMalformed {
    /// It is a dead letter.
    #[default]
    SetAside,
    /// It is a row of its text and of nulls, where the schema has a column for its text and no other column is NOT NULL. Else it is a
    /// dead letter.
    Keep,
    /// The read fails, and names it.
    Fail,
}

/// How lines are read that do not fit the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MalformedLines {
    /// What becomes of them.
    pub on: OnMalformed,
    /// The place of the column, of text that may be null, that takes their text. Lines have no key for it.
    pub text_column: Option<usize>,
}

/// The columns of dead letters: `file`, `line`, `text`, `reason`. Of a file that is not read at all, `line` and `text` are null.
pub fn malformed_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, true),
        Field::new("line", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, true),
    ]))
}
