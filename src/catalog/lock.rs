//! Who may change a name now: a lock per table or view, and one per database, on the folder of its record. A statement that makes,
//! changes or drops a name holds it alone; one that adds rows shares it with others that do; readers need none. A lock goes with the
//! process that holds it.
//!
//! Databases come before names, and names in their order, so that no two wait for each other. Who gets a name alone finishes
//! first what a process that was killed has left there (`settle.rs`).

use std::fs::{File, TryLockError};
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::name::{TableId, check};
use super::store::{Key, Kind};
use super::{Catalog, DEFAULT};
use tidemill_planner::{Error, Result};

/// After how long a statement says once that it waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a name is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Beside others who share it: the name keeps its meaning and its folder.
    Shared,
    /// By nobody else.
    Alone,
}

/// Names that are held until this is dropped.
#[derive(Debug)]
pub(crate) struct NameLock {
    _folders: Vec<File>,
}

impl Catalog {
    /// Holds a name that is or was; none where there never was one.
    ///
    /// # Errors
    /// `Io` when the lock cannot be taken, or what was left over cannot be finished.
    pub(crate) async fn lock(&self, id: &TableId, hold: Hold) -> Result<Option<NameLock>> {
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        let Some(folder) = self.store.found_folder(key)? else { return Ok(None) };
        let held = NameLock { _folders: vec![locked(&folder, hold, &id.shown()).await?] };
        if hold == Hold::Alone {
            self.settle(id).await?;
        }
        Ok(Some(held))
    }

    /// Holds names alone, of which some may be new, and keeps their database from being dropped.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`, `INVALID_SCHEMA_OR_RELATION_NAME`, and those of [`Catalog::lock`].
    pub(crate) async fn lock_to_make(&self, ids: &[&TableId]) -> Result<NameLock> {
        let mut folders = Vec::new();
        let mut ids = ids.to_vec();
        ids.sort();
        ids.dedup();
        for id in &ids {
            check(&id.name)?;
            self.need_database(&id.database).await?;
        }
        let mut databases: Vec<&str> = ids.iter().map(|id| id.database.as_str()).collect();
        databases.dedup();
        for database in databases {
            folders.extend(self.lock_database(database, Hold::Shared).await?);
            // It may have been dropped while this one waited.
            self.need_database(database).await?;
        }
        for id in ids {
            let key = Key::Object(&id.database, Kind::Relation, &id.name);
            self.store.make(key)?;
            folders.push(locked(&self.store.folder(key), Hold::Alone, &id.shown()).await?);
            self.settle(id).await?;
        }
        Ok(NameLock { _folders: folders })
    }

    /// Keeps a database from being dropped, or drops it. That of the name `default` is always there, and has no lock.
    pub(super) async fn lock_database(&self, name: &str, hold: Hold) -> Result<Option<File>> {
        match self.store.found_folder(Key::Database(name))? {
            Some(folder) if name != DEFAULT => locked(&folder, hold, &format!("the database `{name}`")).await.map(Some),
            _ => Ok(None),
        }
    }
}

/// Takes the lock of a folder. Whoever waits does so on threads of its own, which the one who works does not need.
async fn locked(folder: &Path, hold: Hold, what: &str) -> Result<File> {
    let at = |e| Error::io_at(folder.display(), e).context(format!("cannot lock {what}"));
    let file = File::open(folder).map_err(at)?;
    let tried = match hold {
        Hold::Shared => file.try_lock_shared(),
        Hold::Alone => file.try_lock(),
    };
    match tried {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) if error.kind() == IoErrorKind::Unsupported => {
            tracing::warn!(folder = %folder.display(), "this file system has no locks: let one process at a time change {what}");
            return Ok(file);
        }
        Err(TryLockError::Error(error)) => return Err(at(error)),
    }
    fail::fail_point!("catalog::lock.wait");
    let (answer, locked) = oneshot::channel();
    let what = what.to_owned();
    std::thread::spawn(move || {
        let (done, waited) = mpsc::channel();
        std::thread::spawn(move || {
            let locked = match hold {
                Hold::Shared => file.lock_shared(),
                Hold::Alone => file.lock(),
            };
            let _ = done.send(locked.map(|()| file));
        });
        let locked = waited.recv_timeout(PATIENCE).or_else(|_| {
            tracing::warn!("{what} is being changed or filled by another statement: waiting until that is done");
            waited.recv()
        });
        let _ = answer.send(locked);
    });
    match locked.await {
        Ok(Ok(locked)) => locked.map_err(at),
        _ => Err(Error::internal(format!("{}: the thread that waited for the lock ended early", folder.display()))),
    }
}
