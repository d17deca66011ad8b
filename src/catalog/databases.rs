//! Databases: made, changed, dropped and listed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tidemill_planner::ident::did_you_mean;
use tidemill_spark::Settings;
use tidemill_spark::error::error;

use super::lock::Hold;
use super::name::{TableId, check, database_of, is_like};
use super::record::DatabaseRecord;
use super::store::{Found, Key, Kind};
use super::{CATALOG, Catalog, DEFAULT, GLOBAL_TEMP, shown};
use tidemill_planner::{Error, Result};

impl Catalog {
    /// The database of that name.
    pub(crate) async fn database(&self, name: &str) -> Result<Option<DatabaseRecord>> {
        let found: Found<DatabaseRecord> = self.store.read(Key::Database(name)).await?;
        if found.object.is_none() && name == DEFAULT {
            return Ok(Some(self.default_database()));
        }
        Ok(found.object)
    }

    fn default_database(&self) -> DatabaseRecord {
        DatabaseRecord {
            name: DEFAULT.to_owned(),
            comment: Some("default database".to_owned()),
            location: self.warehouse.display().to_string(),
            properties: BTreeMap::new(),
            owner: String::new(),
        }
    }

    /// The database that is there, or an error that says that it is not.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`
    pub(crate) async fn need_database(&self, name: &str) -> Result<DatabaseRecord> {
        match self.database(name).await? {
            Some(database) => Ok(database),
            None => {
                let known = self.databases(None).await?;
                let hint = did_you_mean(name, known.iter().map(String::as_str));
                let shown = shown(&[CATALOG.to_owned(), name.to_owned()]);
                Err(error("SCHEMA_NOT_FOUND", format!("there is no database {shown}{hint}")).with_parameter("schemaName", shown))
            }
        }
    }

    /// The name of a database from its parts.
    pub(crate) fn database_name(&self, parts: &[String], settings: &Settings) -> Result<String> {
        database_of(parts, settings)
    }

    /// The names of the databases, those that a pattern is like.
    pub(crate) async fn databases(&self, pattern: Option<&str>) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for name in self.store.databases()? {
            let (_, found) = self.store.read_damaged::<DatabaseRecord>(Key::Database(&name)).await?;
            // A damaged record hides no other, and is one itself.
            if found.is_none_or(|found| found.object.is_some()) && name != DEFAULT {
                names.push(name);
            }
        }
        names.push(DEFAULT.to_owned());
        names.retain(|name| is_like(name, pattern));
        names.sort();
        Ok(names)
    }

    /// Makes a database; whether it was not there before.
    ///
    /// # Errors
    /// `SCHEMA_ALREADY_EXISTS` unless `if_not_exists`.
    pub(crate) async fn create_database(&self, mut record: DatabaseRecord, if_not_exists: bool) -> Result<bool> {
        check(&record.name)?;
        let exists = || {
            let shown = shown(&[CATALOG.to_owned(), record.name.clone()]);
            let message = format!("there is a database {shown} already: choose another name, or say IF NOT EXISTS");
            error("SCHEMA_ALREADY_EXISTS", message).with_parameter("schemaName", shown)
        };
        if record.name == GLOBAL_TEMP {
            return Err(error(
                "SCHEMA_ALREADY_EXISTS",
                format!("`{GLOBAL_TEMP}` is the database of global temporary views: choose another name"),
            ));
        }
        let found: Found<DatabaseRecord> = self.store.read(Key::Database(&record.name)).await?;
        if found.object.is_some() || record.name == DEFAULT {
            return if if_not_exists { Ok(false) } else { Err(exists()) };
        }
        if record.location.is_empty() {
            record.location = self.warehouse.join(format!("{}.db", record.name)).display().to_string();
        }
        make_folder(Path::new(&record.location))?;
        if self.store.put(Key::Database(&record.name), found.number, Some(&record)).await? {
            return Ok(true);
        }
        if if_not_exists { Ok(false) } else { Err(exists()) }
    }

    /// Changes a database's record.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`; `Conflict` when another one changes it all the time.
    pub(crate) async fn alter_database(&self, name: &str, change: impl Fn(&mut DatabaseRecord)) -> Result<()> {
        for _ in 0..super::relations::ATTEMPTS {
            let found: Found<DatabaseRecord> = self.store.read(Key::Database(name)).await?;
            let mut record = match found.object {
                Some(record) => record,
                None => self.need_database(name).await?,
            };
            change(&mut record);
            if self.store.put(Key::Database(name), found.number, Some(&record)).await? {
                return Ok(());
            }
        }
        Err(Error::conflict(format!("the database `{name}` is being changed by others: try again")))
    }

    /// Drops a database, with `cascade` and all that is in it; gives its folder.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND` unless `if_exists`, `SCHEMA_NOT_EMPTY` unless `cascade`.
    pub(crate) async fn drop_database(&self, name: &str, if_exists: bool, cascade: bool) -> Result<Option<PathBuf>> {
        if name == DEFAULT {
            return Err(error("UNSUPPORTED_FEATURE.DROP_DATABASE", format!("the database `{DEFAULT}` stays: drop its tables instead")));
        }
        // Nothing comes into it, and nothing that is in it changes, until it is gone.
        let _alone = self.lock_database(name, Hold::Alone).await?;
        let (number, found) = self.store.read_damaged::<DatabaseRecord>(Key::Database(name)).await?;
        // Nobody knows the folder of one that is damaged: it stays.
        let location = match found {
            None => None,
            Some(found) => match found.object {
                Some(record) => Some(PathBuf::from(record.location)),
                None => return if if_exists { Ok(None) } else { self.need_database(name).await.map(|_| None) },
            },
        };
        let (entries, damaged) = self.entries_and_damaged(name).await?;
        let names: Vec<&str> = entries.iter().map(super::Entry::name).chain(damaged.iter().map(|(name, _)| name.as_str())).collect();
        let functions = self.persistent_functions(name).await?;
        if !(cascade || names.is_empty() && functions.is_empty()) {
            let inside: Vec<&str> = names.iter().copied().chain(functions.iter().map(String::as_str)).take(5).collect();
            let shown = shown(&[CATALOG.to_owned(), name.to_owned()]);
            let message = format!("the database {shown} holds `{}`: drop that first, or say CASCADE", inside.join("`, `"));
            return Err(error("SCHEMA_NOT_EMPTY", message).with_parameter("schemaName", shown));
        }
        // Those that were dropped may have left something, too.
        for inside in self.store.names(name, Kind::Relation)? {
            let id = TableId { database: name.to_owned(), name: inside };
            let _held = self.lock(&id, Hold::Alone).await?;
            self.drop_entry(&id).await?;
        }
        for function in &functions {
            let key = Key::Object(name, Kind::Function, function);
            self.store.put::<super::record::FunctionRecord>(key, self.store.last(key)?, None).await?;
        }
        if !self.store.put::<DatabaseRecord>(Key::Database(name), number, None).await? {
            return Err(Error::conflict(format!("the database `{name}` is being changed by others: try again")));
        }
        if self.current_database() == name {
            self.set_current_database(DEFAULT);
        }
        Ok(location)
    }
}

/// Makes a folder and what leads to it.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io_at(folder.display(), e))
}
