//! What a statement has left to do when its record is there: a rename's old name, data that has to move, folders that have to go. The
//! statement does it itself, and after a kill whoever next holds the name alone.

use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use super::name::TableId;
use super::record::{Entry, TableRecord};
use super::store::{Found, Key, Kind, Pending};
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
        let mut leftover = Vec::new();
        for folder in &found.pending.leftover {
            match self.owner_of(Path::new(folder)).await? {
                Owner::Nobody => {
                    removed(Path::new(folder)).map_err(|e| e.context(format!("{} is done with this folder, which stays", id.shown())))?;
                }
                Owner::Table => {}
                // It may be that table's.
                Owner::Unknown(damaged) => {
                    tracing::warn!(%folder, "the folder stays until the record of {damaged} is mended: it may be that table's");
                    leftover.push(folder.clone());
                    continue;
                }
            }
            is_open = true;
            fail::fail_point!("catalog::settle.removed", |_| std::process::abort());
        }
        self.clear_aside(id, kept.as_deref()).await?;
        if is_open {
            let pending = Pending { leftover, ..Pending::default() };
            self.store.put_pending(key, found.number, entry.as_ref(), pending).await?;
        }
        Ok(())
    }

    /// Puts down that a name is gone whose object has another one. If somebody has put another state there, that is known already.
    async fn forget_moved(&self, old: &TableId, now: &str) -> Result<()> {
        let key = Key::Object(&old.database, Kind::Relation, &old.name);
        match self.store.read::<Entry>(key).await {
            Ok(found) if found.pending.moving_to.as_deref() == Some(now) => {
                self.store.put_pending::<Entry>(key, found.number, None, found.pending.kept()).await?;
                Ok(())
            }
            Err(error) if error.kind() != ErrorKind::Corrupt => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what was made aside for a name by those who did not come to make it.
    async fn clear_aside(&self, id: &TableId, kept: Option<&Path>) -> Result<()> {
        let database = match self.database(&id.database).await {
            Ok(Some(database)) => database,
            Ok(None) => return Ok(()),
            // Its folder is not known.
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(()),
            Err(error) => return Err(error),
        };
        let entries = match std::fs::read_dir(&database.location) {
            Ok(entries) => entries,
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io_at(&database.location, error)),
        };
        let start = aside_of(id);
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

    /// Whose data is in a folder, or below it.
    pub(crate) async fn owner_of(&self, folder: &Path) -> Result<Owner> {
        let folder = real(folder);
        let mut unknown = None;
        for database in self.databases(None).await? {
            let (entries, damaged) = self.entries_and_damaged(&database).await?;
            for entry in entries {
                if let Entry::Table(table) = entry
                    && table.folders().any(|own| real(Path::new(own)).starts_with(&folder))
                {
                    return Ok(Owner::Table);
                }
            }
            unknown = unknown.or_else(|| damaged.into_iter().next().map(|(name, _)| TableId { database, name }.shown()));
        }
        Ok(unknown.map_or(Owner::Nobody, Owner::Unknown))
    }
}

/// Whose data is in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Nobody,
    /// A table's that is known.
    Table,
    /// Nobody's that is known, but there is this damaged record.
    Unknown(String),
}

/// A path without links, as far as it is there: one folder may have several names.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    match there {
        Some((there, real)) => path.strip_prefix(there).map_or_else(|_| path.to_owned(), |rest| real.join(rest)),
        None => path.to_owned(),
    }
}

/// How the names of the folders begin in which data for a name is made aside. Two databases may have one folder, and names of files are
/// not as long as two names.
pub(crate) fn aside_of(id: &TableId) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(format!("{}.{}", id.database, id.name).as_bytes());
    format!("{ASIDE}{hash:032x}-")
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
