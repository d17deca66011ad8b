//! ALTER TABLE … RENAME TO and ALTER VIEW … RENAME TO: both names are held, and a managed table's folder moves with its name.

use tidemill_spark::error::error;

use super::Context;
use super::place::vacant;
use crate::catalog::{Entry, Found, NameLock, TableId};
use tidemill_planner::Result;

/// What is to be renamed, and its new name, held alone.
pub(super) async fn held(cx: &Context<'_>, parts: &[String], to: &[String]) -> Result<(Found, Option<NameLock>)> {
    let found = cx.catalog().find(parts, &cx.settings).await?;
    if !matches!(found, Found::Entry(_)) {
        return Ok((found, None));
    }
    let id = cx.id(parts)?;
    let target = target(cx, &id, to)?;
    let alone = cx.catalog().lock_to_make(&[&id, &target]).await?;
    Ok((cx.catalog().find(parts, &cx.settings).await?, Some(alone)))
}

/// The new name: of the same database.
fn target(cx: &Context<'_>, id: &TableId, to: &[String]) -> Result<TableId> {
    let mut target = cx.id(to)?;
    if to.len() == 1 {
        target.database.clone_from(&id.database);
    }
    if target.database != id.database {
        let message = format!("{} stays in its database `{}`: make the new table with CREATE TABLE … AS SELECT", id.shown(), id.database);
        return Err(error("CANNOT_RENAME_ACROSS_SCHEMA", message));
    }
    Ok(target)
}

/// Gives a table or view another name. The folder of a Delta table stays, as its readers look into the log again and again.
pub(super) async fn rename(cx: &Context<'_>, id: &TableId, mut entry: Entry, to: &[String]) -> Result<()> {
    let target = target(cx, id, to)?;
    if cx.catalog().entry(&target).await?.is_some() {
        return Err(crate::catalog::exists(&target));
    }
    match &mut entry {
        Entry::Table(table) => {
            target.name.clone_into(&mut table.name);
            if !table.external && !table.is_delta() {
                let new = cx.catalog().table_folder(&target).await?.display().to_string();
                let new = vacant(cx, &target, new).await?;
                table.moved_from = Some(std::mem::replace(&mut table.location, new));
            }
        }
        Entry::View(view) => target.name.clone_into(&mut view.name),
    }
    cx.catalog().rename(id, &target, &entry).await
}
