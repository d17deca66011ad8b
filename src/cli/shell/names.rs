//! The names that the shell completes: the functions, and what the session says its tables and their columns are.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::{Result, Session};

/// A session that answers later than this leaves a name uncompleted.
const PATIENCE: Duration = Duration::from_secs(2);

/// The columns of a table by name.
type Columns = Box<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// Names by kind. Tables and columns are asked for when they are needed.
pub(super) struct Names {
    functions: HashSet<String>,
    tables: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    columns: Columns,
}

impl Names {
    /// `columns` takes a table as it is written in the statement.
    pub(super) fn new(
        functions: impl IntoIterator<Item = String>,
        tables: impl Fn() -> Vec<String> + Send + Sync + 'static,
        columns: impl Fn(&str) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        Self { functions: functions.into_iter().collect(), tables: Box::new(tables), columns: Box::new(columns) }
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(String::as_str)
    }

    /// Whether a function has that name, without regard to case.
    pub(super) fn is_function(&self, word: &str) -> bool {
        self.functions.contains(&word.to_lowercase())
    }

    pub(super) fn tables(&self) -> Vec<String> {
        (self.tables)()
    }

    pub(super) fn columns(&self, table: &str) -> Vec<String> {
        (self.columns)(table)
    }
}

/// Asks the session, and keeps its answers until the next statement.
pub(super) struct Lookup {
    session: Session,
    runtime: Handle,
    tables: Mutex<Option<Vec<String>>>,
    columns: Mutex<HashMap<String, Vec<String>>>,
}

impl Lookup {
    /// `runtime` is run by the thread that waits for the keyboard's; names are asked for on the keyboard's.
    pub(super) fn new(session: Session, runtime: Handle) -> Self {
        Self { session, runtime, tables: Mutex::default(), columns: Mutex::default() }
    }

    /// The names, for the editor.
    pub(super) fn names(self: &Arc<Self>) -> Names {
        let functions = tidemill_spark::functions::all().into_iter().map(|function| function.name.to_owned());
        let (tables, columns) = (Arc::clone(self), Arc::clone(self));
        Names::new(functions, move || tables.tables(), move |table| columns.columns(table))
    }

    /// Forgets the answers, which a statement may have changed.
    pub(super) fn forget(&self) {
        *lock(&self.tables) = None;
        lock(&self.columns).clear();
    }

    fn tables(&self) -> Vec<String> {
        if let Some(known) = lock(&self.tables).as_ref() {
            return known.clone();
        }
        let found = self.wait(async {
            let rows = self.session.sql("SHOW TABLES").await?.to_json_rows().await?;
            Ok(rows.iter().filter_map(|row| Some(row.get("tableName")?.as_str()?.to_owned())).collect::<Vec<_>>())
        });
        *lock(&self.tables) = Some(found.clone());
        found
    }

    fn columns(&self, table: &str) -> Vec<String> {
        if let Some(known) = lock(&self.columns).get(table) {
            return known.clone();
        }
        // This plans, and runs nothing.
        let found = self.wait(async { self.session.sql(&format!("SELECT * FROM {table}")).await?.columns() });
        lock(&self.columns).insert(table.to_owned(), found.clone());
        found
    }

    /// What cannot be had is not completed: Tab is no place for errors.
    fn wait(&self, names: impl Future<Output = Result<Vec<String>>>) -> Vec<String> {
        let answer = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, names).await });
        answer.map_or_else(|_| Vec::new(), Result::unwrap_or_default)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
