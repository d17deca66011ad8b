//! Functions of users: temporary ones of the session, written in SQL or the program's own, and those of a database.

use std::sync::Arc;

use tidemill_planner::logical::UserFunction;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::plan::{SqlFunction, TableName};

use super::lock::Hold;
use super::name::{TableId, folded, is_like, shown};
use super::record::FunctionRecord;
use super::store::{Found, Key, Kind};
use super::{Catalog, now_ms, read, text, write};
use tidemill_planner::{Error, Result};

/// A function of a user.
#[derive(Debug, Clone)]
pub(crate) enum CatalogFunction {
    /// One written in SQL.
    Sql(Arc<SqlFunction>),
    /// One of the program's: always temporary.
    User(Arc<dyn UserFunction>),
}

/// A function that was found, and where.
#[derive(Debug, Clone)]
pub(crate) struct FoundFunction {
    pub(crate) function: CatalogFunction,
    /// Its full name: one part for a temporary one.
    pub(crate) name: Vec<String>,
}

impl Catalog {
    /// The function that a name stands for: a temporary one first.
    pub(crate) async fn function(&self, parts: &[String], settings: &Settings) -> Result<Option<FoundFunction>> {
        if let [name] = parts
            && let Some(function) = self.temp_function(parts, settings)
        {
            return Ok(Some(FoundFunction { function, name: vec![folded(name, settings)] }));
        }
        let Ok(id) = TableId::of(parts, settings) else { return Ok(None) };
        if self.database(&id.database).await?.is_none() {
            return Ok(None);
        }
        let found: Found<FunctionRecord> = self.store.read(Key::Object(&id.database, Kind::Function, &id.name)).await?;
        let Some(record) = found.object else { return Ok(None) };
        let function = text::function(&record.text, settings).map_err(|e| e.context(format!("the function {}", id.shown())))?;
        let name = vec![super::CATALOG.to_owned(), id.database, id.name];
        let function = SqlFunction { name: TableName::Parts(name.clone()), ..function };
        Ok(Some(FoundFunction { function: CatalogFunction::Sql(Arc::new(function)), name }))
    }

    /// The temporary function that a name stands for.
    pub(crate) fn temp_function(&self, parts: &[String], settings: &Settings) -> Option<CatalogFunction> {
        let [name] = parts else { return None };
        read(&self.functions).get(&folded(name, settings)).cloned()
    }

    /// Keeps a temporary function.
    ///
    /// # Errors
    /// `ROUTINE_ALREADY_EXISTS` unless `or_replace`.
    pub(crate) fn put_temp_function(&self, name: &str, function: CatalogFunction, or_replace: bool, settings: &Settings) -> Result<()> {
        let mut functions = write(&self.functions);
        let key = folded(name, settings);
        if !or_replace && functions.contains_key(&key) {
            return Err(taken(&format!("`{key}`")));
        }
        functions.insert(key, function);
        Ok(())
    }

    /// Keeps a function of a database, as the statement that makes it.
    ///
    /// # Errors
    /// `ROUTINE_ALREADY_EXISTS` unless `or_replace` or `if_not_exists`.
    pub(crate) async fn create_function(&self, id: &TableId, text: &str, or_replace: bool, if_not_exists: bool, owner: &str) -> Result<()> {
        let _stays = self.lock_database(&id.database, Hold::Shared).await?;
        self.need_database(&id.database).await?;
        let key = Key::Object(&id.database, Kind::Function, &id.name);
        let record = FunctionRecord {
            database: id.database.clone(),
            name: id.name.clone(),
            text: text.to_owned(),
            created_ms: now_ms(),
            owner: owner.to_owned(),
        };
        for _ in 0..super::relations::ATTEMPTS {
            let (number, found) = self.store.read_damaged::<FunctionRecord>(key).await?;
            if found.is_none_or(|found| found.object.is_some()) && !or_replace {
                return if if_not_exists { Ok(()) } else { Err(taken(&id.shown())) };
            }
            if self.store.put(key, number, Some(&record)).await? {
                return Ok(());
            }
        }
        Err(Error::conflict(format!("the function {} is being changed by others: try again", id.shown())))
    }

    /// Forgets a function.
    ///
    /// # Errors
    /// `ROUTINE_NOT_FOUND` unless `if_exists`.
    pub(crate) async fn drop_function(&self, parts: &[String], temporary: bool, if_exists: bool, settings: &Settings) -> Result<()> {
        if temporary {
            let gone = match parts {
                [name] => write(&self.functions).remove(&folded(name, settings)).is_some(),
                _ => false,
            };
            return if gone || if_exists { Ok(()) } else { Err(routine_not_found(&shown(parts))) };
        }
        let id = TableId::of(parts, settings)?;
        let key = Key::Object(&id.database, Kind::Function, &id.name);
        let (number, found) = self.store.read_damaged::<FunctionRecord>(key).await?;
        if found.is_some_and(|found| found.object.is_none()) {
            return if if_exists { Ok(()) } else { Err(routine_not_found(&id.shown())) };
        }
        if self.store.put::<FunctionRecord>(key, number, None).await? {
            return Ok(());
        }
        Err(Error::conflict(format!("the function {} is being changed by others: try again", id.shown())))
    }

    /// The names of a database's functions.
    pub(crate) async fn persistent_functions(&self, database: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for name in self.store.names(database, Kind::Function)? {
            let (_, found) = self.store.read_damaged::<FunctionRecord>(Key::Object(database, Kind::Function, &name)).await?;
            if found.is_none_or(|found| found.object.is_some()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The functions that were made by users and that a pattern is like, as SHOW FUNCTIONS has them.
    pub(crate) async fn user_functions(&self, database: &str, pattern: Option<&str>) -> Result<Vec<String>> {
        let mut names: Vec<String> = read(&self.functions).keys().filter(|name| is_like(name, pattern)).cloned().collect();
        for name in self.persistent_functions(database).await? {
            if is_like(&name, pattern) {
                names.push(format!("{}.{database}.{name}", super::CATALOG));
            }
        }
        Ok(names)
    }
}

fn taken(shown: &str) -> Error {
    let message = format!("there is a function {shown} already: choose another name, or say CREATE OR REPLACE or IF NOT EXISTS");
    error("ROUTINE_ALREADY_EXISTS", message).with_parameter("routineName", shown)
}

/// The error for a name that is no function.
pub(crate) fn routine_not_found(shown: &str) -> Error {
    error("ROUTINE_NOT_FOUND", format!("there is no function {shown}; SHOW FUNCTIONS lists them")).with_parameter("routineName", shown)
}
