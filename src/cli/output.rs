//! What commands print: grids for people, JSON lines and CSV for scripts. When nobody reads any more, it falls silent.

use std::io::Write;
use std::panic::AssertUnwindSafe;

use arrow::array::{Array, AsArray, RecordBatch};
use clap::ValueEnum;
use futures::FutureExt;
use serde::Serialize;
use tidemill_spark::Settings;
use tidemill_spark::types::StructField;
use tidemill_spark::types::render::pretty_text_at;

use super::report::{Source, report};
use crate::dataframe::show::Grid;
use crate::rows::{Json, json_rows};
use crate::{DataFrame, Error, Result, Session};

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

impl<'a> Field<'a> {
    fn of(column: &'a StructField) -> Self {
        Self { name: &column.name, data_type: column.data_type.to_string(), nullable: column.nullable }
    }
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
    /// Spark's name for it, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'a str>,
    message: &'a str,
}

/// The rows of a statement, and how their values are written.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<StructField>,
    batches: Vec<RecordBatch>,
    settings: Settings,
}

impl Rows {
    /// The text of an EXPLAIN, which has lines of its own.
    fn plan(&self) -> Option<&str> {
        let ([column], [batch]) = (self.columns.as_slice(), self.batches.as_slice()) else { return None };
        let texts =
            batch.column(0).as_string_opt::<i32>().filter(|texts| column.name == "plan" && texts.len() == 1 && texts.is_valid(0))?;
        Some(texts.value(0))
    }

    /// Those of a statement. A fault of the program's own is that statement's error, and not the end of those that follow.
    pub(super) async fn answering(session: &Session, statement: &str) -> Result<Self> {
        let work = async { Self::of(&session.sql(statement).await?).await };
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            Err(Error::internal("the statement met a fault of the program's, which is told above: please report it with the statement"))
        })
    }

    /// Runs `frame`.
    pub(super) async fn of(frame: &DataFrame) -> Result<Self> {
        let batches = frame.collect().await?;
        Ok(Self {
            columns: crate::rows::columns(frame.schema()?.as_ref()),
            batches,
            settings: Settings::clone(&frame.session().spark_settings()),
        })
    }

    /// How many there are; `None` for a command, which has no columns.
    pub(super) fn count(&self) -> Option<usize> {
        (!self.columns.is_empty()).then(|| self.batches.iter().map(RecordBatch::num_rows).sum())
    }
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

    /// Whether what is printed is for programs, and nothing else may stand between.
    pub(super) fn is_for_scripts(&self) -> bool {
        self.format != Format::Table
    }

    /// Prints the rows of one statement.
    pub(super) fn rows(&mut self, statement: &str, rows: &Rows, elapsed_ms: f64) -> Result<()> {
        let text = self.text(statement, rows, elapsed_ms)?;
        self.write(&text)
    }

    /// What is printed of a statement's rows.
    pub(super) fn text(&mut self, statement: &str, rows: &Rows, elapsed_ms: f64) -> Result<String> {
        let text = match self.format {
            Format::Json => answer(statement, rows, elapsed_ms)?,
            _ if rows.columns.is_empty() => String::new(),
            Format::Table => match rows.plan() {
                Some(plan) => format!("{}\n", plan.trim_end()),
                None => Grid::ALL.print(&rows.columns, &rows.batches, &rows.settings)?,
            },
            Format::Csv => csv(rows)?,
        };
        let parted = self.format == Format::Csv && self.results > 0 && !text.is_empty();
        self.results += usize::from(!text.is_empty());
        Ok(if parted { format!("\n{text}") } else { text })
    }

    /// Tells of a statement that failed: as its result in JSON, else on standard error.
    pub(super) fn failure(&mut self, source: Source<'_>, error: &Error) -> Result<()> {
        if self.format != Format::Json {
            let _ = write!(std::io::stderr(), "{}", report(error, source));
            return Ok(());
        }
        self.write(&failure(source.statement, error)?)
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

fn answer(statement: &str, rows: &Rows, elapsed_ms: f64) -> Result<String> {
    let Rows { columns, batches, settings } = rows;
    let mut values = Vec::new();
    for batch in batches {
        values.extend(json_rows(batch, columns, settings)?);
    }
    json_line(&Answer { statement, schema: columns.iter().map(Field::of).collect(), rows: values, elapsed_ms })
}

fn failure(statement: &str, error: &Error) -> Result<String> {
    let condition = error.condition();
    let error = Reason {
        kind: error.kind().as_str(),
        condition: condition.map(|condition| condition.name.as_str()),
        sqlstate: condition.map(|condition| condition.sqlstate.as_str()).filter(|state| !state.is_empty()),
        message: error.message(),
    };
    json_line(&Failure { statement, error })
}

fn csv(rows: &Rows) -> Result<String> {
    let mut text = rows.columns.iter().map(|column| csv_cell(&column.name)).collect::<Vec<_>>().join(",") + "\n";
    for batch in &rows.batches {
        for row in 0..batch.num_rows() {
            let values = rows.columns.iter().zip(batch.columns());
            let cells: Result<Vec<String>> = values
                // A void column has no mask of its nulls.
                .map(|(column, array)| match array.data_type().is_null() || array.is_null(row) {
                    true => Ok(String::new()),
                    false => Ok(csv_cell(&pretty_text_at(array, row, &column.data_type, &rows.settings)?)),
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
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array};
    use expect_test::expect;
    use tidemill_spark::types::SparkType;

    use super::*;

    #[test]
    fn csv_cells() {
        for (text, cell) in [("a", "a"), ("", "\"\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("x\ny", "\"x\ny\"")] {
            assert_eq!(csv_cell(text), cell);
        }
    }

    #[test]
    fn a_plan_is_printed_as_it_is() {
        let text: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["== Plan ==\nScan\n"]));
        let rows = |name: &str| Rows {
            columns: vec![StructField::new(name, SparkType::String)],
            batches: vec![RecordBatch::try_from_iter([(name, Arc::clone(&text))]).unwrap()],
            settings: Settings::default(),
        };
        let printed = |name: &str| Output::new(Format::Table).text("s", &rows(name), 1.5).unwrap();
        assert_eq!(printed("plan"), "== Plan ==\nScan\n");
        assert!(printed("text").starts_with("+--"));
    }

    #[test]
    fn json_of_answers_and_failures() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let rows = Rows {
            columns: vec![StructField::new("a", SparkType::Integer)],
            batches: vec![RecordBatch::try_from_iter([("a", numbers)]).unwrap()],
            settings: Settings::default(),
        };
        assert_eq!(rows.count(), Some(2));
        expect![[r#"
            {"statement":"s","schema":[{"name":"a","type":"int","nullable":true}],"rows":[[1],[null]],"elapsed_ms":1.5}
        "#]]
        .assert_eq(&answer("s", &rows, 1.5).unwrap());
        let error = tidemill_spark::error::error("DIVIDE_BY_ZERO", "nothing divides by 0");
        let told: serde_json::Value = serde_json::from_str(&failure("s", &error).unwrap()).unwrap();
        assert_eq!(told["error"]["condition"], "DIVIDE_BY_ZERO");
        assert_eq!(told["error"]["sqlstate"], "22012");
        assert_eq!(told["error"]["kind"], "data");
        assert_eq!(failure("s", &Error::io("x")).unwrap(), "{\"statement\":\"s\",\"error\":{\"kind\":\"io\",\"message\":\"x\"}}\n");
    }
}
