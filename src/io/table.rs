//! `session.table(path)`: a Delta table as a value, with its versions and history. Transactions are the lakehouse's.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, MapBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray};
use serde_json::{Map, Value};
use tidemill_lakehouse::{DeltaTable, HistoryEntry};

use crate::catalog::{Entry, Found};
use crate::dataframe::DataFrame;
use crate::scan::{Version, delta};
use crate::session::Session;
use tidemill_planner::{Error, Result};
use tidemill_spark::parse::{ParseOptions, parse_multipart_identifier};

/// The Delta table at a path.
#[derive(Debug, Clone)]
pub struct Table {
    session: Session,
    path: String,
}

impl Session {
    /// The Delta table at a path: its rows, versions and history.
    pub fn table(&self, path: impl Into<String>) -> Table {
        Table { session: self.clone(), path: path.into() }
    }
}

impl Session {
    /// The Delta table of a name in the catalog.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`; `Analysis` for what is no Delta table.
    pub async fn table_named(&self, name: &str) -> Result<Table> {
        let settings = self.spark_settings();
        let parts = parse_multipart_identifier(name, &ParseOptions::new(&settings)?)?;
        if let [format, path] = parts.as_slice()
            && format.eq_ignore_ascii_case("delta")
            && path.contains('/')
        {
            return Ok(self.table(path));
        }
        match self.objects().find(&parts, &settings).await? {
            Found::Entry(entry) => match *entry {
                Entry::Table(table) if table.is_delta() => Ok(self.table(table.location)),
                _ => Err(Error::analysis(format!("`{name}` is no Delta table: make it with USING delta"))),
            },
            _ => Err(self.objects().unknown(name)),
        }
    }
}

impl Table {
    /// Where it is.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its rows as they are now.
    ///
    /// # Errors
    /// `NotFound` when there is no Delta table.
    pub async fn to_df(&self) -> Result<DataFrame> {
        self.at(Version::Latest).await
    }

    /// Its rows as of a version.
    pub async fn as_of_version(&self, version: u64) -> Result<DataFrame> {
        self.at(Version::Number(version)).await
    }

    /// Its rows as of a time, such as `"2026-01-31 08:30:00"` (UTC).
    pub async fn as_of_timestamp(&self, time: &str) -> Result<DataFrame> {
        self.at(Version::at(time)?).await
    }

    async fn at(&self, version: Version) -> Result<DataFrame> {
        self.session.scan(name_of(&self.path), delta(&self.path, &version).await?)
    }

    /// Its commits, newest first.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>> {
        DeltaTable::open(&self.path).await?.history(None).await
    }

    /// Its commits as rows, with the columns of Spark's DESCRIBE HISTORY that are known here.
    pub async fn history_frame(&self) -> Result<DataFrame> {
        let entries = self.history().await?;
        let times = entries.iter().map(|e| e.timestamp * 1000);
        let columns: [(&str, ArrayRef, bool); 6] = [
            ("version", Arc::new(Int64Array::from_iter_values(entries.iter().map(|e| e.version as i64))), false),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")), false),
            ("operation", Arc::new(StringArray::from_iter_values(entries.iter().map(|e| &e.operation))), false),
            ("operationParameters", maps(entries.iter().map(|e| &e.operation_parameters))?, false),
            ("operationMetrics", maps(entries.iter().map(|e| &e.operation_metrics))?, false),
            ("engineInfo", Arc::new(StringArray::from_iter(entries.iter().map(|e| e.engine_info.as_deref()))), true),
        ];
        self.session.create_dataframe(vec![RecordBatch::try_from_iter_with_nullable(columns)?])
    }
}

/// Objects as maps of text.
fn maps<'a>(objects: impl Iterator<Item = &'a Map<String, Value>>) -> Result<ArrayRef> {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for object in objects {
        for (key, value) in object {
            builder.keys().append_value(key);
            match value {
                Value::String(text) => builder.values().append_value(text),
                Value::Null => builder.values().append_null(),
                other => builder.values().append_value(other.to_string()),
            }
        }
        builder.append(true)?;
    }
    Ok(Arc::new(builder.finish()))
}

/// The last part of a path, to name a relation by.
pub(crate) fn name_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}
