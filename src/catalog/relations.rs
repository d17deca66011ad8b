//! Tables and views that last: found, made, replaced, changed, renamed and dropped.

use std::path::PathBuf;

use tidemill_planner::ident::did_you_mean;
use tidemill_spark::Settings;
use tidemill_spark::error::error;

use super::name::{TableId, check, is_like, shown};
use super::record::Entry;
use super::store::{self, Key, Kind};
use super::temp::TempView;
use super::{Catalog, GLOBAL_TEMP};
use tidemill_planner::{Error, Result};

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

    /// The table or view of a database.
    pub(crate) async fn entry(&self, id: &TableId) -> Result<Option<Entry>> {
        let found: store::Found<Entry> = self.store.read(Key::Object(&id.database, Kind::Relation, &id.name)).await?;
        Ok(found.object.map(Entry::settled))
    }

    /// The tables and views of a database.
    pub(crate) async fn entries(&self, database: &str) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for name in self.store.names(database, Kind::Relation)? {
            let found: store::Found<Entry> = self.store.read(Key::Object(database, Kind::Relation, &name)).await?;
            entries.extend(found.object.map(Entry::settled));
        }
        Ok(entries)
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
        names.extend(self.store.names(&settings.current_database, Kind::Relation).unwrap_or_default());
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

    /// Puts a new table or view; gives back whether it was made.
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
        let found: store::Found<Entry> = self.store.read(key).await?;
        if found.object.is_none() && self.store.put(key, found.number, Some(entry)).await? {
            return Ok(true);
        }
        if if_not_exists { Ok(false) } else { Err(exists(id)) }
    }

    /// Puts a table or view in the place of what is there, if anything is.
    ///
    /// # Errors
    /// `Conflict` when another one changes it all the time.
    pub(crate) async fn replace(&self, id: &TableId, entry: &Entry) -> Result<()> {
        check(&id.name)?;
        self.need_database(&id.database).await?;
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        for _ in 0..ATTEMPTS {
            let found: store::Found<Entry> = self.store.read(key).await?;
            if self.store.put(key, found.number, Some(entry)).await? {
                return Ok(());
            }
        }
        Err(contended(id))
    }

    /// Changes a table or view.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`, what `change` refuses, and `Conflict` when another one changes it all the time.
    pub(crate) async fn alter(&self, id: &TableId, change: impl Fn(&mut Entry) -> Result<()>) -> Result<Entry> {
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        for _ in 0..ATTEMPTS {
            let found: store::Found<Entry> = self.store.read(key).await?;
            let Some(mut entry) = found.object else {
                return Err(error("TABLE_OR_VIEW_NOT_FOUND", format!("there is no table or view {}", id.shown())));
            };
            change(&mut entry)?;
            if self.store.put(key, found.number, Some(&entry)).await? {
                return Ok(entry);
            }
        }
        Err(contended(id))
    }

    /// Drops a table or view; what it was.
    pub(crate) async fn drop_entry(&self, database: &str, name: &str) -> Result<Option<Entry>> {
        let key = Key::Object(database, Kind::Relation, name);
        for _ in 0..ATTEMPTS {
            let found: store::Found<Entry> = self.store.read(key).await?;
            let Some(entry) = found.object else { return Ok(None) };
            if self.store.put::<Entry>(key, found.number, None).await? {
                return Ok(Some(entry));
            }
        }
        Err(contended(&TableId { database: database.to_owned(), name: name.to_owned() }))
    }

    /// The folder of a managed table's data.
    pub(crate) async fn table_folder(&self, id: &TableId) -> Result<PathBuf> {
        let database = self.need_database(&id.database).await?;
        Ok(PathBuf::from(database.location).join(&id.name))
    }
}

/// The folder that goes with a table when it is dropped.
pub(super) fn own_folder(entry: Entry) -> Option<PathBuf> {
    match entry.settled() {
        Entry::Table(table) if !table.external => Some(PathBuf::from(table.location)),
        _ => None,
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
