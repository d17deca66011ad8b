//! What concerns Delta tables alone: history, and changes of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use tidemill_lakehouse::DeltaTable;
use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, ExpressionKind, Literal, MergeAction, MergeClause, NamedTable, Relation, RelationKind, TableName};

use super::{Context, rows};
use crate::catalog::{Hold, NameLock, TableRecord, shown};
use crate::column::Column;
use crate::dataframe::DataFrame;
use crate::io::MergeClauses;
use tidemill_planner::{Error, Result};

/// The folder of a Delta table.
async fn folder(cx: &Context<'_>, parts: &[String], doing: &str) -> Result<String> {
    if let Some(folder) = by_path(cx, parts).await? {
        return Ok(folder);
    }
    let table = cx.table(parts, doing, false).await?;
    need_delta(&table, doing)?;
    Ok(table.location)
}

/// The folder of a Delta table that is to be changed, which stays its folder until the lock is dropped.
async fn held_folder(cx: &Context<'_>, parts: &[String], doing: &str) -> Result<(String, Option<NameLock>)> {
    if let Some(folder) = by_path(cx, parts).await? {
        return Ok((folder, None));
    }
    let (table, shared) = cx.table_held(parts, doing, Hold::Shared).await?;
    need_delta(&table, doing)?;
    Ok((table.location, shared))
}

/// The folder that ``delta.`/path` `` names.
async fn by_path(cx: &Context<'_>, parts: &[String]) -> Result<Option<String>> {
    match parts {
        [format, path]
            if format.eq_ignore_ascii_case("delta")
                && matches!(cx.catalog().find(parts, &cx.settings).await?, crate::catalog::Found::Missing) =>
        {
            cx.location(path).map(Some)
        }
        _ => Ok(None),
    }
}

fn need_delta(table: &TableRecord, doing: &str) -> Result<()> {
    if table.is_delta() {
        return Ok(());
    }
    let message = format!("{doing} needs a Delta table, and {} is {}: make it with USING delta", shown(&table.full_name()), table.provider);
    Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message)
        .with_parameter("tableName", shown(&table.full_name()))
        .with_parameter("operation", doing))
}

/// DESCRIBE HISTORY.
pub(super) async fn describe(cx: &Context<'_>, name: &TableName, history: bool, limit: Option<i64>) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    if !history {
        let folder = folder(cx, &parts, "DESCRIBE DETAIL").await?;
        let snapshot = DeltaTable::open(&folder).await?.snapshot().await?;
        let row = [
            Some("delta".to_owned()),
            Some(snapshot.table_id().to_owned()),
            Some(snapshot.root().display().to_string()),
            Some(format!("[{}]", snapshot.partition_columns().join(", "))),
            Some(snapshot.files().len().to_string()),
            Some(snapshot.bytes().to_string()),
        ];
        return rows::text(cx, ["format", "id", "location", "partitionColumns", "numFiles", "sizeInBytes"], vec![row]);
    }
    let folder = folder(cx, &parts, "DESCRIBE HISTORY").await?;
    let frame = cx.session.table(folder).history_frame().await?;
    match limit {
        Some(limit) => Ok(frame.limit(usize::try_from(limit).unwrap_or(0))),
        None => Ok(frame),
    }
}

/// The table that an UPDATE, DELETE or MERGE names.
async fn target(cx: &Context<'_>, relation: &Relation, doing: &str) -> Result<(String, Option<NameLock>)> {
    match super::view::named_table(relation) {
        Some(table) => held_folder(cx, &cx.parts(&table.name)?, doing).await,
        None => Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", format!("{doing} needs a table's name"))),
    }
}

fn not_yet(doing: &str, instead: &str) -> Error {
    error("UNSUPPORTED_FEATURE.TABLE_OPERATION", format!("{doing} in SQL is not there yet: {instead}"))
}

/// UPDATE.
pub(super) async fn update(cx: &Context<'_>, table: &Relation) -> Result<DataFrame> {
    target(cx, table, "UPDATE TABLE").await?;
    Err(not_yet("UPDATE", "use `merge_into` of a DataFrame with the changed rows, or INSERT OVERWRITE"))
}

/// DELETE: of all rows; conditions are not there yet.
pub(super) async fn delete(cx: &Context<'_>, table: &Relation, condition: Option<&Expression>) -> Result<DataFrame> {
    let (folder, _shared) = target(cx, table, "DELETE").await?;
    let all = condition.is_none_or(|condition| condition.kind == ExpressionKind::Literal(Literal::Boolean(true)));
    if all {
        DeltaTable::open(&folder).await?.overwrite(Vec::new(), None).await?;
        return rows::nothing(cx);
    }
    Err(not_yet("DELETE … WHERE", "INSERT OVERWRITE the table with the rows that stay"))
}

/// A MERGE.
pub(super) struct Merge<'a> {
    pub(super) target: &'a Relation,
    pub(super) source: &'a Relation,
    pub(super) condition: &'a Expression,
    pub(super) matched: &'a [MergeClause],
    pub(super) not_matched: &'a [MergeClause],
}

/// MERGE: rows of a key are replaced, others inserted. `more` says whether it asks for what is not there at all.
pub(super) async fn merge(cx: &Context<'_>, merge: &Merge<'_>, more: bool) -> Result<DataFrame> {
    let (folder, _shared) = target(cx, merge.target, "MERGE INTO TABLE").await?;
    let update_all = match merge.matched {
        [] => None,
        [MergeClause { condition, action: MergeAction::UpdateStar }] => Some(condition.clone().map(Column::new)),
        _ => return Err(merge_not_yet()),
    };
    let insert_all = match merge.not_matched {
        [] => false,
        [MergeClause { condition: None, action: MergeAction::InsertStar }] => true,
        _ => return Err(merge_not_yet()),
    };
    if more {
        return Err(merge_not_yet());
    }
    let (source_name, target_name) = (side(merge.source, "source"), side(merge.target, "target"));
    let source = crate::dataframe::query(cx.session, merge.source).await?;
    let clauses = MergeClauses { update_all, insert_all };
    let condition = Column::new(merge.condition.clone());
    let done = cx.session.table(folder).merge(&source, &condition, (&source_name, &target_name), clauses)?.merge().await?;
    let (updated, inserted) = (done.rows_updated, done.rows_inserted);
    let counts = [
        ("num_affected_rows", updated + inserted),
        ("num_updated_rows", updated),
        ("num_deleted_rows", 0),
        ("num_inserted_rows", inserted),
    ];
    let columns = counts.map(|(name, count)| (name, Arc::new(Int64Array::from(vec![count as i64])) as ArrayRef));
    cx.session.create_dataframe(vec![RecordBatch::try_from_iter(columns)?])
}

/// What the conditions of a MERGE call one of its sides.
fn side(relation: &Relation, otherwise: &str) -> String {
    match relation.kind.as_ref() {
        RelationKind::SubqueryAlias { alias, .. } => alias.name.clone(),
        RelationKind::NamedTable(NamedTable { name: TableName::Parts(parts), .. }) => {
            parts.last().map_or_else(|| otherwise.to_owned(), Clone::clone)
        }
        _ => otherwise.to_owned(),
    }
}

fn merge_not_yet() -> Error {
    not_yet(
        "MERGE with these clauses",
        "WHEN MATCHED [AND condition] THEN UPDATE SET * and WHEN NOT MATCHED THEN INSERT * are; compute other rows in the source",
    )
}

/// OPTIMIZE, VACUUM, RESTORE.
pub(super) async fn upkeep(cx: &Context<'_>, name: &TableName, doing: &str) -> Result<DataFrame> {
    folder(cx, &cx.parts(name)?, doing).await?;
    Err(not_yet(doing, "the table works without it"))
}
