//! What a statement has left to do when its record is there: a rename's old name, data that has to move, folders that have to go. The
//! statement does it itself, and after a kill whoever next holds the name alone.

use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use super::name::TableId;
use super::record::{Entry, TableRecord};
use super::store::{Found, Key, Kind};
use super::{ASIDE, Catalog};
use tidemill_planner::{Error, ErrorKind, Result};

impl Catalog {
    /// Finishes what is left to do for a name. For who holds it alone.
    ///
    /// # Errors
    /// When a folder that has to go cannot be removed: it is tried again by the next one.
    pub(crate) async fn settle(&self, id: &TableId) -> Result<()> {
        let key = Key::Object(&id.database, Kind::Relation, &id.name);
        let found: Found<Entry> = match self.store.read(key).await {
            Ok(found) => found,
            // Nothing is guessed of a damaged record.
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut is_open = false;
        if let Some(from) = &found.pending.renamed_from {
            self.forget_moved(&TableId { name: from.clone(), ..id.clone() }, &id.name).await?;
            is_open = true;
            fail::fail_point!("catalog::settle.renamed", |_| std::process::abort());
        }
        let mut entry = found.object;
        let mut kept = None;
        if let Some(Entry::Table(table)) = &mut entry
            && let Some(before) = table.moved_from.clone()
        {
            match moved(table, Path::new(&before)) {
                Ok(()) => {
                    table.moved_from = None;
                    is_open = true;
                    fail::fail_point!("catalog::settle.moved", |_| std::process::abort());
                }
                Err(error) => {
                    // The record says where the data is.
                    tracing::warn!(table = %id.shown(), folder = %before, "the table's data stays where it is: {error}");
                    kept = Some(PathBuf::from(before));
                }
            }
        }
        for folder in &found.pending.leftover {
            if self.owner_of(Path::new(folder)).await?.is_none() {
                removed(Path::new(folder)).map_err(|e| e.context(format!("{} is done with this folder, which stays", id.shown())))?;
            }
            is_open = true;
            fail::fail_point!("catalog::settle.removed", |_| std::process::abort());
        }
        self.clear_aside(id, kept.as_deref()).await?;
        if is_open {
            self.store.put(key, found.number, entry.as_ref()).await?;
        }
        Ok(())
    }

    /// Puts down that a name is gone whose object has another one. If somebody has put another state there, that is known already.
    async fn forget_moved(&self, old: &TableId, now: &str) -> Result<()> {
        let key = Key::Object(&old.database, Kind::Relation, &old.name);
        match self.store.read::<Entry>(key).await {
            Ok(found) if found.pending.moving_to.as_deref() == Some(now) => {
                self.store.put::<Entry>(key, found.number, None).await?;
                Ok(())
            }
            Err(error) if error.kind() != ErrorKind::Corrupt => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what was made aside for a name by those who did not come to make it.
    async fn clear_aside(&self, id: &TableId, kept: Option<&Path>) -> Result<()> {
        let Some(database) = self.database(&id.database).await? else { return Ok(()) };
        let entries = match std::fs::read_dir(&database.location) {
            Ok(entries) => entries,
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io_at(&database.location, error)),
        };
        let start = aside_of(&id.name);
        for entry in entries {
            let entry = entry.map_err(|e| Error::io_at(&database.location, e))?;
            if entry.file_name().to_string_lossy().starts_with(&start) && kept != Some(&entry.path()) {
                removed(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Whether the data of a name is in a folder.
    pub(crate) async fn is_at(&self, id: &TableId, folder: &str) -> bool {
        let entry = self.entry(id).await.ok().flatten();
        matches!(entry, Some(Entry::Table(table)) if table.folders().any(|own| own == folder))
    }

    /// The table whose data is in a folder, or below it.
    pub(crate) async fn owner_of(&self, folder: &Path) -> Result<Option<TableId>> {
        for database in self.databases(None).await? {
            for entry in self.entries(&database).await? {
                if let Entry::Table(table) = entry
                    && table.folders().any(|own| Path::new(own).starts_with(folder))
                {
                    return Ok(Some(TableId { database, name: table.name }));
                }
            }
        }
        Ok(None)
    }
}

/// How the names of the folders begin in which data for a name is made aside.
pub(crate) fn aside_of(name: &str) -> String {
    format!("{ASIDE}{name}-")
}

/// Moves a table's data to its place, unless it is there.
fn moved(table: &TableRecord, before: &Path) -> Result<()> {
    let place = Path::new(&table.location);
    if !before.exists() || !table.is_before(before) {
        return Ok(());
    }
    std::fs::rename(before, place).map_err(|e| Error::io_at(place.display(), e))?;
    // The record must not name a place that a power cut takes back.
    place.parent().map_or(Ok(()), crate::scan::save_record::sync_folder)
}

/// Removes a folder; that it is not there is no error.
fn removed(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if !matches!(e.kind(), IoErrorKind::NotFound | IoErrorKind::NotADirectory) => Err(Error::io_at(folder.display(), e)),
        _ => Ok(()),
    }
}
