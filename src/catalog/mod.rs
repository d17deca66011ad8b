//! The catalog: databases, tables, views and functions that last, in the warehouse's folder; temporary views, functions and
//! variables, in the session. It reads and writes no rows.

mod databases;
mod functions;
mod lock;
mod name;
mod record;
mod relations;
mod settle;
mod store;
mod temp;
pub(crate) mod text;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use functions::{CatalogFunction, routine_not_found};
pub(crate) use lock::{Hold, NameLock};
pub(crate) use name::{GLOBAL_TEMP, TableId, is_like, shown};
pub(crate) use record::{ColumnRecord, DatabaseRecord, Entry, TableRecord, ViewRecord};
pub(crate) use relations::{Found, exists};
pub(crate) use settle::{Owner, aside_of};
pub(crate) use temp::TempView;
pub(crate) use variables::{Variable, no_variable};

use store::Store;

/// The name of the one catalog.
pub(crate) const CATALOG: &str = "spark_catalog";
/// How the folders begin in which new tables are made, before they move into place.
const ASIDE: &str = "_tidemill_new_";
/// The database that is always there.
pub(crate) const DEFAULT: &str = "default";

/// Everything that has a name in a session.
#[derive(Debug)]
pub(crate) struct Catalog {
    warehouse: PathBuf,
    store: Store,
    /// The database in which names without one are looked up.
    current: RwLock<String>,
    views: RwLock<BTreeMap<String, TempView>>,
    global_views: RwLock<BTreeMap<String, TempView>>,
    functions: RwLock<BTreeMap<String, CatalogFunction>>,
    variables: RwLock<BTreeMap<String, Variable>>,
}

impl Catalog {
    /// The catalog of a warehouse; nothing is made there yet.
    pub(crate) fn new(warehouse: &Path) -> Self {
        let warehouse = std::path::absolute(warehouse).unwrap_or_else(|_| warehouse.to_owned());
        Self {
            store: Store::new(&warehouse),
            warehouse,
            current: RwLock::new(DEFAULT.to_owned()),
            views: RwLock::default(),
            global_views: RwLock::default(),
            functions: RwLock::default(),
            variables: RwLock::default(),
        }
    }

    /// The database in which names without one are looked up.
    pub(crate) fn current_database(&self) -> String {
        read(&self.current).clone()
    }

    /// Looks names without a database up in another one from here on.
    pub(crate) fn set_current_database(&self, name: &str) {
        name.clone_into(&mut write(&self.current));
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
