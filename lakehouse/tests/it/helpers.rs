//! What the tests share: rows from tuples, tables in temporary folders, and a table's rows as sorted text.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::SessionContext;
use tempfile::TempDir;
use tidemill_lakehouse::{DeltaTable, Snapshot, TableOptions};
use tidemill_planner::seam::{SinkQuery, SinkRun};

pub(crate) type Row<'a> = (&'a str, i64, f64);

pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("userId", DataType::Utf8, false),
        Field::new("n", DataType::Int64, true),
        Field::new("x", DataType::Float64, true),
    ]))
}

pub(crate) fn rows(rows: &[Row<'_>]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.0))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.2))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// A table without syncs: the tests kill no machine.
pub(crate) fn fast() -> TableOptions {
    TableOptions { durable: false, ..TableOptions::default() }
}

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> String {
        self.folder.path().join("table").display().to_string()
    }

    #[cfg(not(feature = "failpoints"))]
    pub(crate) fn log_entry(&self, version: u64) -> std::path::PathBuf {
        std::path::Path::new(&self.path()).join("_delta_log").join(format!("{version:020}.json"))
    }

    #[cfg(not(feature = "failpoints"))]
    pub(crate) async fn create(&self) -> DeltaTable {
        DeltaTable::create(&self.path(), schema(), fast()).await.unwrap()
    }

    /// Another handle, as another process would have it.
    pub(crate) async fn open(&self) -> DeltaTable {
        DeltaTable::open_with(&self.path(), fast()).await.unwrap()
    }
}

/// The answer of a query over the snapshot as table `t`, one line per row, sorted.
pub(crate) async fn query(snapshot: &Arc<Snapshot>, sql: &str) -> Vec<String> {
    let context = SessionContext::new_with_config(tidemill_planner::config::engine_session_config(2));
    context.register_table("t", snapshot.table_provider()).unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    lines_of(&batches)
}

pub(crate) fn lines_of(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut lines: Vec<String> = batches
        .iter()
        .flat_map(|batch| {
            let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|c| plain(&c.value(row).to_string())).collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines
}

/// All rows of the table as it is now.
pub(crate) async fn content(table: &DeltaTable) -> Vec<String> {
    query(&table.snapshot().await.unwrap(), "SELECT * FROM t").await
}

/// `2.0` as `2`.
fn plain(value: &str) -> String {
    value.strip_suffix(".0").unwrap_or(value).to_owned()
}

/// The query that sinks are tested with, and a run of it.
pub(crate) fn the_query() -> SinkQuery {
    SinkQuery { id: "q".into(), checkpoint: "/checkpoint".into(), unnamed: false }
}

pub(crate) fn run() -> SinkRun {
    SinkRun { query: the_query(), place: 3 }
}
