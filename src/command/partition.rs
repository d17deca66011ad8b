//! Partitions of tables: shown, added and dropped. They are folders; the catalog keeps no list of them.

use std::path::PathBuf;

use tidemill_spark::error::error;
use tidemill_spark::plan::{CastMode, PartitionSpec, TableName};
use tidemill_spark::types::SparkType;
use tidemill_spark::types::cast::cast;
use tidemill_spark::types::lattice::without_char_varchar;

use super::{Context, constant, rows};
use crate::catalog::{TableRecord, shown};
use crate::dataframe::DataFrame;
use crate::scan::save_record::taken;
use crate::scan::{HIVE_NULL, PartitionValues, TableFiles, folder_of, is_of};
use tidemill_planner::{Error, Result};

/// The values that a PARTITION clause gives, as text, by the column's name.
pub(super) async fn values(cx: &Context<'_>, table: &TableRecord, spec: &PartitionSpec) -> Result<Vec<(String, Option<String>)>> {
    if table.partition_columns.is_empty() {
        let message = format!("{} is not partitioned: leave PARTITION out", shown(&table.full_name()));
        return Err(error("INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY", message));
    }
    let mut found = Vec::new();
    for (name, value) in spec {
        let Some(column) = table.partition_columns.iter().find(|column| cx.settings.same(column, name)) else {
            let message = format!(
                "`{name}` is no partition column of {} (partition columns: {})",
                shown(&table.full_name()),
                table.partition_columns.join(", ")
            );
            return Err(error("PARTITIONS_NOT_FOUND", message));
        };
        let Some(value) = value else { continue };
        let data_type =
            table.columns.iter().find(|known| known.name == *column).map_or(Ok(SparkType::String), |known| known.spark_type())?;
        let typed = constant::of_partition(cx, value, &data_type).await?;
        let typed = cast(typed, &without_char_varchar(&data_type), CastMode::Session, &cx.settings, value.span)?;
        found.push((column.clone(), constant::text(cx, &typed).await?));
    }
    Ok(found)
}

/// The folder of a partition that is said in full, or of all below a part of it.
pub(super) async fn folder(cx: &Context<'_>, table: &TableRecord, spec: &PartitionSpec) -> Result<String> {
    let given = values(cx, table, spec).await?;
    let mut folder = Vec::new();
    for name in &table.partition_columns {
        match given.iter().find(|(known, _)| known == name) {
            Some((_, value)) => folder.push(folder_of(name, value.as_deref())),
            None => break,
        }
    }
    if folder.len() != given.len() {
        let message = format!(
            "name the partition columns of {} from the first on ({})",
            shown(&table.full_name()),
            table.partition_columns.join(", ")
        );
        return Err(error("PARTITIONS_NOT_FOUND", message));
    }
    Ok(folder.join("/"))
}

/// The folders of the partitions that a PARTITION clause names, whatever other engines call them.
pub(super) async fn existing(cx: &Context<'_>, table: &TableRecord, files: &TableFiles, spec: &PartitionSpec) -> Result<Vec<PathBuf>> {
    files.folders_with(&values(cx, table, spec).await?, &cx.settings)
}

/// The error that a partition is not there.
pub(super) async fn not_found(cx: &Context<'_>, table: &TableRecord, spec: &PartitionSpec) -> Error {
    let named = match folder(cx, table, spec).await {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let message = format!("{} has no partition {named}: SHOW PARTITIONS lists them", shown(&table.full_name()));
    error("PARTITIONS_NOT_FOUND", message).with_parameter("partitionList", named).with_parameter("tableName", shown(&table.full_name()))
}

/// Whether a PARTITION clause gives every column a value.
pub(super) fn is_whole(cx: &Context<'_>, table: &TableRecord, spec: &PartitionSpec) -> bool {
    table.partition_columns.iter().all(|column| spec.iter().any(|(name, value)| cx.settings.same(name, column) && value.is_some()))
}

fn files_of(table: &TableRecord) -> Result<TableFiles> {
    if table.is_delta() {
        let message = format!("{} is a Delta table: its log knows its partitions", shown(&table.full_name()));
        return Err(error("INVALID_PARTITION_OPERATION.PARTITION_MANAGEMENT_IS_UNSUPPORTED", message));
    }
    TableFiles::of(table)
}

/// SHOW PARTITIONS.
pub(super) async fn show(cx: &Context<'_>, name: &TableName, spec: &PartitionSpec) -> Result<DataFrame> {
    let table = crate::open::with_log(cx.table(&cx.parts(name)?, "SHOW PARTITIONS", false).await?).await?;
    if table.partition_columns.is_empty() {
        let message = format!("{} is not partitioned", shown(&table.full_name()));
        return Err(error("INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY", message));
    }
    let wanted = values(cx, &table, spec).await?;
    let mut found: Vec<PartitionValues> =
        files_of(&table)?.partition_folders(&cx.settings)?.into_iter().map(|(values, _)| values).collect();
    found.dedup();
    let shown = found
        .into_iter()
        .filter(|partition| is_of(partition, &wanted))
        .map(|partition| {
            let parts: Vec<String> =
                partition.iter().map(|(name, value)| folder_of(name, Some(value.as_deref().unwrap_or(HIVE_NULL)))).collect();
            [Some(parts.join("/"))]
        })
        .collect();
    rows::text(cx, ["partition"], shown)
}

/// What SHOW TABLE EXTENDED … PARTITION says of a partition.
pub(super) async fn information(cx: &Context<'_>, table: &TableRecord, spec: &PartitionSpec) -> Result<String> {
    let named = folder(cx, table, spec).await?;
    whole(cx, table, spec)?;
    let Some(place) = existing(cx, table, &files_of(table)?, spec).await?.into_iter().next() else {
        return Err(not_found(cx, table, spec).await);
    };
    let named = named.replace('/', ", ");
    Ok(format!("Partition Values: [{named}]\nLocation: file:{}\nLast Access: UNKNOWN\n", place.display()))
}

/// ALTER TABLE … ADD PARTITION.
pub(super) async fn add(
    cx: &Context<'_>,
    table: &TableRecord,
    specs: &[(PartitionSpec, Option<String>)],
    if_not_exists: bool,
) -> Result<()> {
    let files = files_of(table)?;
    std::fs::create_dir_all(&files.folder).map_err(|e| Error::io_at(files.folder.display(), e))?;
    let _alone = taken(&files.folder).await?;
    for (spec, location) in specs {
        if location.is_some() {
            return Err(error(
                "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                "partitions lie below the table's folder: leave LOCATION out, and move the files",
            ));
        }
        whole(cx, table, spec)?;
        let folder = files.folder.join(folder(cx, table, spec).await?);
        if !existing(cx, table, &files, spec).await?.is_empty() {
            if if_not_exists {
                continue;
            }
            return Err(error("PARTITIONS_ALREADY_EXIST", format!("{} is there already: say IF NOT EXISTS", folder.display())));
        }
        std::fs::create_dir_all(&folder).map_err(|e| Error::io_at(folder.display(), e))?;
    }
    Ok(())
}

fn whole(cx: &Context<'_>, table: &TableRecord, spec: &PartitionSpec) -> Result<()> {
    if is_whole(cx, table, spec) {
        return Ok(());
    }
    let message = format!("a partition of {} is named by all of {}", shown(&table.full_name()), table.partition_columns.join(", "));
    Err(error("PARTITIONS_NOT_FOUND", message))
}

/// Refuses to change the folders of a table with LOCATION. They are the list of its partitions.
fn refuse_yours(table: &TableRecord, what: &str) -> Result<()> {
    if !table.external {
        return Ok(());
    }
    let message =
        format!("{} has a LOCATION, so that its files are not the catalog's to change: {what} yourself", shown(&table.full_name()));
    Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message))
}

/// ALTER TABLE … DROP PARTITION.
pub(super) async fn drop(cx: &Context<'_>, table: &TableRecord, specs: &[PartitionSpec], if_exists: bool) -> Result<()> {
    let files = files_of(table)?;
    refuse_yours(table, "drop its partitions' folders")?;
    let _alone = if files.folder.is_dir() { Some(taken(&files.folder).await?) } else { None };
    for spec in specs {
        let folders = existing(cx, table, &files, spec).await?;
        if folders.is_empty() && !if_exists {
            return Err(not_found(cx, table, spec).await);
        }
        for folder in &folders {
            std::fs::remove_dir_all(folder)
                .map_err(|e| Error::io_at(folder.display(), e).context("the partition is not dropped in full"))?;
        }
    }
    Ok(())
}

/// ALTER TABLE … PARTITION … RENAME TO PARTITION.
pub(super) async fn rename(cx: &Context<'_>, table: &TableRecord, from: &PartitionSpec, to: &PartitionSpec) -> Result<()> {
    let files = files_of(table)?;
    refuse_yours(table, "rename its partitions' folders")?;
    whole(cx, table, from)?;
    whole(cx, table, to)?;
    let _alone = if files.folder.is_dir() { Some(taken(&files.folder).await?) } else { None };
    let old = match existing(cx, table, &files, from).await?.as_slice() {
        [] => return Err(not_found(cx, table, from).await),
        [one] => one.clone(),
        several => {
            let shown = several.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
            let message = format!(
                "the partition's rows are in {} folders, whose names are one value ({shown}): put their files into one of them, or write the \
                 partition again with INSERT OVERWRITE",
                several.len()
            );
            return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
        }
    };
    let new = files.folder.join(folder(cx, table, to).await?);
    if !existing(cx, table, &files, to).await?.is_empty() {
        return Err(error("PARTITIONS_ALREADY_EXIST", format!("{} is there already: drop it first", new.display())));
    }
    if let Some(parent) = new.parent() {
        std::fs::create_dir_all(parent).map_err(|e| Error::io_at(parent.display(), e))?;
    }
    std::fs::rename(&old, &new).map_err(|e| Error::io_at(new.display(), e))
}

/// MSCK REPAIR TABLE: the folders are the list, so there is nothing to mend.
pub(super) async fn repair(cx: &Context<'_>, name: &TableName) -> Result<DataFrame> {
    let table = cx.table(&cx.parts(name)?, "MSCK REPAIR TABLE", false).await?;
    if table.partition_columns.is_empty() {
        return Err(error("NOT_A_PARTITIONED_TABLE", format!("{} is not partitioned", shown(&table.full_name()))));
    }
    rows::nothing(cx)
}
