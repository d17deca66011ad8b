//! What commands print: grids for people, JSON lines and CSV for scripts. When nobody reads any more, it falls silent.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use clap::ValueEnum;
use serde::Serialize;
use tidemill_planner::catalog_string::catalog_string;

use crate::dataframe::show::Grid;
use crate::rows::{Json, json_rows, text_value};
use crate::{Error, Result};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A grid.
    Table,
    /// One JSON object per result and line.
    Json,
    /// Comma-separated values with a header; results are separated by an empty line.
    Csv,
}

#[derive(Serialize)]
struct Field<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    data_type: String,
    nullable: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    statement: &'a str,
    schema: Vec<Field<'a>>,
    rows: Vec<Vec<Json>>,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct Failure<'a> {
    statement: &'a str,
    error: Reason<'a>,
}

#[derive(Serialize)]
struct Reason<'a> {
    kind: &'a str,
    message: &'a str,
}

/// Standard output, until its reader goes away.
pub(super) struct Output {
    format: Format,
    results: usize,
    closed: bool,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self { format, results: 0, closed: false }
    }

    /// Whether the reader has gone, so that further work is for nobody.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Prints the rows of one statement.
    pub(super) fn rows(&mut self, statement: &str, schema: &Schema, batches: &[RecordBatch], elapsed_ms: f64) -> Result<()> {
        let text = match self.format {
            Format::Json => {
                let mut rows = Vec::new();
                for batch in batches {
                    rows.extend(json_rows(batch)?);
                }
                let fields = schema.fields().iter();
                let schema =
                    fields.map(|f| Field { name: f.name(), data_type: catalog_string(f.data_type()), nullable: f.is_nullable() }).collect();
                json_line(&Answer { statement, schema, rows, elapsed_ms })?
            }
            _ if schema.fields().is_empty() => String::new(),
            Format::Table => Grid { rows: usize::MAX - 1, truncate: 0 }.print(schema, batches)?,
            Format::Csv => csv(schema, batches)?,
        };
        if self.format == Format::Csv && self.results > 0 && !text.is_empty() {
            self.write("\n")?;
        }
        self.results += usize::from(!text.is_empty());
        self.write(&text)
    }

    /// Tells of a statement that failed: as its result in JSON, else on standard error.
    pub(super) fn failure(&mut self, statement: &str, error: &Error) -> Result<()> {
        if self.format != Format::Json {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            return Ok(());
        }
        let reason = Reason { kind: error.kind().as_str(), message: error.message() };
        self.write(&json_line(&Failure { statement, error: reason })?)
    }

    /// Prints text as it is.
    pub(super) fn write(&mut self, text: &str) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Error::io_at("standard output", error)),
        }
    }
}

/// A value as a line of JSON.
pub(super) fn json_line(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(|e| Error::internal(format!("the answer has no JSON: {e}")))?;
    Ok(text + "\n")
}

fn csv(schema: &Schema, batches: &[RecordBatch]) -> Result<String> {
    let mut text = schema.fields().iter().map(|f| csv_cell(f.name())).collect::<Vec<_>>().join(",") + "\n";
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells: Result<Vec<String>> = batch
                .columns()
                .iter()
                // A void column has no mask of its nulls.
                .map(|column| match column.data_type().is_null() || column.is_null(row) {
                    true => Ok(String::new()),
                    false => Ok(csv_cell(&text_value(column, row)?)),
                })
                .collect();
            text.push_str(&cells?.join(","));
            text.push('\n');
        }
    }
    Ok(text)
}

/// Quoted where it must be; an empty text is quoted too, so that it is not a null.
fn csv_cell(text: &str) -> String {
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn csv_cells() {
        for (text, cell) in [("a", "a"), ("", "\"\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("x\ny", "\"x\ny\"")] {
            assert_eq!(csv_cell(text), cell);
        }
    }
}
