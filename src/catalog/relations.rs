//! Tables and views that last: found, made, replaced, changed, renamed and dropped.

use std::path::PathBuf;

use tidemill_planner::ident::did_you_mean;
use tidemill_spark::Settings;
use tidemill_spark::error::error;

use super::name::{TableId, check, is_like, shown};
use super::record::Entry;
use super::store::{self, Key, Kind, Pending};
use super::temp::TempView;
use super::{Catalog, GLOBAL_TEMP};
use tidemill_planner::{Error, ErrorKind, Result};

/// How often a change is tried when others change the same object.
pub(super) const ATTEMPTS: usize = 20;

/// What a name stands for.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // There is one per name.
pub(crate) enum Found {
    /// A temporary view, local or global.
    Temp(TempView),
    /// A table or view of a database.
    Entry(Box<Entry>),
    /// Nothing.
    Missing,
}

impl Catalog {
    /// What a name stands for: a temporary view first, then the catalog's tables and views.
    ///
    /// # Errors
    /// When a record does not read.
    pub(crate) async fn find(&self, parts: &[String], settings: &Settings) -> Result<Found> {
        if let Some(view) = self.temp_view(parts, settings) {
            return Ok(Found::Temp(view));
        }
        let Ok(id) = TableId::of(parts, settings) else { return Ok(Found::Missing) };
        Ok(self.entry(&id).await?.map_or(Found::Missing, |entry| Found::Entry(Box::new(entry))))
    }

    /// The table or view of a database; what is left of a database that was dropped is not there.
    pub(crate) async fn entry(&self, id: &TableId) -> Result<Option<Entry>> {
        if self.database(&id.database).await?.is_none() {
            return Ok(None);
        }
        Ok(self.state(id).await?.object.map(Entry::settled))
    }

    /// The last state of a name: none where a rename has given the object to another name, even if nobody has put that down here.
    async fn state(&self, id: &TableId) -> Result<store::Found<Entry>> {
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        loop {
            let mut found: store::Found<Entry> = self.store.read(key).await?;
            let Some(to) = found.pending.moving_to.as_deref() else { return Ok(found) };
            let target: store::Found<Entry> = self.store.read(Key::Object(&id.database, Kind::Relation, to)).await?;
            if target.pending.renamed_from.as_deref() == Some(id.name.as_str()) {
                found.object = None;
                return Ok(found);
            }
            // The rename may have been finished, and the target changed again, between the two looks.
            if self.store.last(key)? == found.number {
                return Ok(found);
            }
        }
    }

    /// The tables and views of a database. Damaged ones are left out, and warned of.
    pub(crate) async fn entries(&self, database: &str) -> Result<Vec<Entry>> {
        let (entries, damaged) = self.entries_and_damaged(database).await?;
        for (_, error) in damaged {
            tracing::warn!("left out: {error}");
        }
        Ok(entries)
    }

    /// The tables and views of a database, and the names of those whose records are damaged.
    pub(super) async fn entries_and_damaged(&self, database: &str) -> Result<(Vec<Entry>, Vec<(String, Error)>)> {
        let (mut entries, mut damaged) = (Vec::new(), Vec::new());
        for name in self.store.names(database, Kind::Relation)? {
            let id = TableId { database: database.to_owned(), name };
            match self.state(&id).await {
                Ok(found) => entries.extend(found.object.map(Entry::settled)),
                Err(error) if error.kind() == ErrorKind::Corrupt => damaged.push((id.name, error)),
                Err(error) => return Err(error),
            }
        }
        Ok((entries, damaged))
    }

    /// Those that a pattern is like.
    pub(crate) async fn entries_like(&self, database: &str, pattern: Option<&str>) -> Result<Vec<Entry>> {
        let mut entries = self.entries(database).await?;
        entries.retain(|entry| is_like(entry.name(), pattern));
        Ok(entries)
    }

    /// The names of everything that a query could read here, for hints.
    pub(crate) async fn known_names(&self, settings: &Settings) -> Vec<String> {
        let mut names = self.temp_names();
        let (entries, damaged) = self.entries_and_damaged(&settings.current_database).await.unwrap_or_default();
        names.extend(entries.iter().map(|entry| entry.name().to_owned()).chain(damaged.into_iter().map(|(name, _)| name)));
        names
    }

    /// The error for a name that stands for nothing.
    pub(crate) async fn not_found(&self, parts: &[String], settings: &Settings) -> Error {
        let known = self.known_names(settings).await;
        let last = parts.last().map_or("", String::as_str);
        let hint = did_you_mean(last, known.iter().map(String::as_str));
        let shown = match TableId::of(parts, settings) {
            Ok(id) => id.shown(),
            Err(_) => shown(parts),
        };
        error("TABLE_OR_VIEW_NOT_FOUND", format!("there is no table or view {shown}{hint}; SHOW TABLES lists them"))
            .with_parameter("relationName", shown)
    }

    /// Puts a new table or view; gives back whether it was made. For who holds the name alone, as all that follows.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_ALREADY_EXISTS` unless `if_not_exists`, `SCHEMA_NOT_FOUND`.
    pub(crate) async fn create(&self, id: &TableId, entry: &Entry, if_not_exists: bool) -> Result<bool> {
        check(&id.name)?;
        if id.database == GLOBAL_TEMP {
            return Err(error("SCHEMA_NOT_FOUND", format!("`{GLOBAL_TEMP}` holds temporary views only: say CREATE GLOBAL TEMPORARY VIEW")));
        }
        self.need_database(&id.database).await?;
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        for _ in 0..ATTEMPTS {
            let found = self.state(id).await?;
            if found.object.is_some() {
                return if if_not_exists { Ok(false) } else { Err(exists(id)) };
            }
            if self.store.put_pending(key, found.number, Some(entry), found.pending.kept()).await? {
                return Ok(true);
            }
        }
        Err(contended(id))
    }

    /// Puts a table or view in the place of what is there, if anything is, a damaged record included; `leftover` are the folders that
    /// are to go then.
    ///
    /// # Errors
    /// `Conflict` when another one changes it all the time.
    pub(crate) async fn replace(&self, id: &TableId, entry: &Entry, leftover: Vec<String>) -> Result<()> {
        check(&id.name)?;
        self.need_database(&id.database).await?;
        self.put_over(id, Some(entry), Pending { leftover, ..Pending::default() }).await
    }

    /// Puts a state after whatever is the last one, and keeps in mind which folders that one has still to remove.
    async fn put_over(&self, id: &TableId, entry: Option<&Entry>, pending: Pending) -> Result<()> {
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        for _ in 0..ATTEMPTS {
            let (number, before) = self.store.read_damaged::<Entry>(key).await?;
            let mut pending = pending.clone();
            pending.leftover.extend(before.map_or_else(Vec::new, |before| before.pending.leftover));
            if self.store.put_pending(key, number, entry, pending).await? {
                return Ok(());
            }
        }
        Err(contended(id))
    }

    /// Gives a table or view, as it is to be under its new name, that name. Killed anywhere on the way it has one of the two.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_ALREADY_EXISTS` for a new name that is taken.
    pub(crate) async fn rename(&self, id: &TableId, target: &TableId, entry: &Entry) -> Result<()> {
        if self.state(target).await?.object.is_some() {
            return Err(exists(target));
        }
        let old: store::Found<Entry> = self.store.read(Key::Object(&id.database, Kind::Relation, &id.name)).await?;
        self.put_over(id, old.object.as_ref(), Pending { moving_to: Some(target.name.clone()), ..Pending::default() }).await?;
        fail::fail_point!("catalog::rename.moving", |_| std::process::abort());
        self.put_over(target, Some(entry), Pending { renamed_from: Some(id.name.clone()), ..Pending::default() }).await?;
        fail::fail_point!("catalog::rename.named", |_| std::process::abort());
        self.settle(target).await
    }

    /// Changes a table or view.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`, what `change` refuses, and `Conflict` when another one changes it all the time.
    pub(crate) async fn alter(&self, id: &TableId, change: impl Fn(&mut Entry) -> Result<()>) -> Result<Entry> {
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        for _ in 0..ATTEMPTS {
            let found = self.state(id).await?;
            let Some(mut entry) = found.object else {
                return Err(error("TABLE_OR_VIEW_NOT_FOUND", format!("there is no table or view {}", id.shown())));
            };
            change(&mut entry)?;
            if self.store.put_pending(key, found.number, Some(&entry), found.pending.kept()).await? {
                return Ok(entry);
            }
        }
        Err(contended(id))
    }

    /// Drops a table or view, and with it the folders that are its own.
    ///
    /// # Errors
    /// When a folder cannot be removed: the name is free then, and who makes it anew tries again.
    pub(crate) async fn drop_entry(&self, id: &TableId) -> Result<()> {
        let found = match self.state(id).await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::Corrupt => return self.forget(id, &error).await,
            Err(error) => return Err(error),
        };
        let leftover = match found.object.map(Entry::settled) {
            None => return Ok(()),
            Some(Entry::Table(table)) => table.own_folders(),
            Some(Entry::View(_)) => Vec::new(),
        };
        self.put_over(id, None, Pending { leftover, ..Pending::default() }).await?;
        fail::fail_point!("catalog::drop.put", |_| std::process::abort());
        self.settle(id).await
    }

    /// Drops a name whose record is damaged. Nobody knows which folders were its own, so none is removed.
    async fn forget(&self, id: &TableId, damage: &Error) -> Result<()> {
        self.put_over(id, None, Pending::default()).await?;
        tracing::warn!("{} is dropped, and its data, if it had any, stays where it was: {damage}", id.shown());
        Ok(())
    }

    /// The folder of a managed table's data.
    pub(crate) async fn table_folder(&self, id: &TableId) -> Result<PathBuf> {
        let database = self.need_database(&id.database).await?;
        Ok(PathBuf::from(database.location).join(&id.name))
    }
}

/// The error for a name that is taken.
pub(crate) fn exists(id: &TableId) -> Error {
    let shown = id.shown();
    let message = format!("there is a table or view {shown} already: choose another name, or say IF NOT EXISTS or OR REPLACE");
    error("TABLE_OR_VIEW_ALREADY_EXISTS", message).with_parameter("relationName", shown)
}

fn contended(id: &TableId) -> Error {
    Error::conflict(format!("{} is being changed by others: try again", id.shown()))
}
