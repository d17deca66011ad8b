//! The data of a new table: a Delta table, or files with the query's rows, perhaps in the place of what is at its location.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::Schema;
use tidemill_lakehouse::{DeltaTable, TableOptions};
use tidemill_spark::error::error;
use tidemill_spark::plan::Relation;
use tidemill_spark::types::{StructField, field_of, from_field};

use super::Context;
use crate::ErrorKind;
use crate::catalog::TableRecord;
use crate::io::DeltaRows;
use tidemill_planner::{Error, Result};

/// What the data of a new table may take the place of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Nothing,
    /// A Delta table at the location.
    Table,
    /// The files at the location.
    Files,
}

/// Makes the table's data: a Delta table, or files with the query's rows.
pub(super) async fn fill(cx: &Context<'_>, record: &TableRecord, query: Option<&Relation>, over: Over) -> Result<()> {
    if record.is_delta() {
        return fill_delta(cx, record, query, over).await;
    }
    if !Path::new(&record.location).is_file() {
        std::fs::create_dir_all(&record.location).map_err(|e| Error::io_at(&record.location, e))?;
    }
    let fields = record.fields()?;
    if let Some(rows) = super::insert::positional(cx, record, &fields, query).await? {
        let files = crate::scan::TableFiles::of(record)?;
        let holds_files = || {
            let message = format!("{} holds files already: CREATE TABLE … AS writes to an empty folder", record.location);
            error("LOCATION_ALREADY_EXISTS", message)
        };
        if Path::new(&record.location).join("_delta_log").exists() {
            let message = format!(
                "{} is a Delta table, and its files are not replaced by {} files: choose another location, or say USING delta",
                record.location, record.provider
            );
            return Err(error("LOCATION_ALREADY_EXISTS", message));
        }
        if over == Over::Nothing && !files.files()?.is_empty() {
            return Err(holds_files());
        }
        // Another statement may have come first since then: the save looks again when it has the folder for itself.
        let mode = if over == Over::Files { crate::io::Mode::Overwrite } else { crate::io::Mode::Error };
        let saved = crate::io::save_table(&rows, &files, mode, crate::io::Replace::ByMode).await;
        return match saved {
            Err(error) if error.kind() == ErrorKind::Analysis && mode == crate::io::Mode::Error && !files.files()?.is_empty() => {
                Err(holds_files())
            }
            saved => saved,
        };
    }
    Ok(())
}

async fn fill_delta(cx: &Context<'_>, record: &TableRecord, query: Option<&Relation>, over: Over) -> Result<()> {
    let there = DeltaTable::exists(&record.location).await?;
    if there && over == Over::Nothing {
        return if query.is_some() { Err(taken(&format!("delta.`{}`", record.location))) } else { same_as_log(record).await };
    }
    let fields: Vec<StructField> = record.fields()?;
    let schema = Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>()));
    let options = TableOptions {
        partition_by: record.partition_columns.clone(),
        properties: record.properties.clone(),
        description: record.comment.clone(),
        ..TableOptions::default()
    };
    let Some(rows) = super::insert::positional(cx, record, &fields, query).await? else {
        return match there {
            // Without columns the statement takes those that the table has.
            true if fields.is_empty() => Ok(()),
            true => DeltaTable::open(&record.location).await?.replace(schema, options).await.map(drop),
            false => DeltaTable::create(&record.location, schema, options).await.map(drop),
        };
    };
    let rows = DeltaRows::of(&rows, &record.location, &record.options, None).await?;
    if there {
        return rows.replace(&schema, &options).await;
    }
    match rows.create(&schema, "ErrorIfExists", options).await? {
        true => Ok(()),
        false => Err(taken(&format!("delta.`{}`", record.location))),
    }
}

/// The error for a Delta table that is there.
pub(super) fn taken(shown: &str) -> Error {
    error("TABLE_OR_VIEW_ALREADY_EXISTS", format!("there is a table {shown} already: choose another name, or say IF NOT EXISTS"))
}

/// Refuses a declaration that is not what the log of the Delta table at the place says; none at all is the log's.
async fn same_as_log(record: &TableRecord) -> Result<()> {
    if record.columns.is_empty() {
        return Ok(());
    }
    let snapshot = DeltaTable::open(&record.location).await?.snapshot().await?;
    let log: Vec<StructField> = snapshot.schema().fields().iter().map(|field| from_field(field)).collect();
    let declared = record.fields()?;
    let said = |fields: &[StructField]| {
        let one = |f: &StructField| {
            format!("{} {}", f.name, tidemill_spark::types::lattice::without_char_varchar(&super::context::relaxed(&f.data_type)).sql())
        };
        fields.iter().map(one).collect::<Vec<_>>()
    };
    // The catalog keeps the partitions' columns last.
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    if sorted(said(&declared)) != sorted(said(&log)) {
        let (declared, log) = (said(&declared).join(", "), said(&log).join(", "));
        let message = format!(
            "the Delta table at {} has the columns ({log}), and the statement says ({declared}): say the same, or leave the columns out",
            record.location
        );
        return Err(error("DELTA_CREATE_TABLE_SCHEME_MISMATCH", message));
    }
    if record.partition_columns != snapshot.partition_columns() {
        let message = format!(
            "the Delta table at {} is partitioned by ({}), and the statement says ({}): say the same, or leave the columns out",
            record.location,
            snapshot.partition_columns().join(", "),
            record.partition_columns.join(", ")
        );
        return Err(error("DELTA_CREATE_TABLE_WITH_DIFFERENT_PARTITIONING", message));
    }
    Ok(())
}
