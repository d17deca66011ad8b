//! The catalog's durable records: for every object a numbered log of its states, so that of two who change it at once one wins.
//!
//! ```text
//! <warehouse>/_tidemill_catalog/<database>/database/00…0.rec          each state of the database
//! <warehouse>/_tidemill_catalog/<database>/relations/<table>/00…0.rec each state of a table or view; the last one counts
//! <warehouse>/_tidemill_catalog/<database>/functions/<name>/00…0.rec
//! ```
//! A state is a frame (magic, version, JSON, checksum). An object that was dropped has a last state that says so. Nothing is made
//! on disk before something is first put.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidemill_executor::log::{Frame, LocalLog};
use tidemill_planner::seam::{DurableLog, PutOutcome};

use tidemill_planner::{Error, Result};

const FOLDER: &str = "_tidemill_catalog";
const MAGIC: &[u8; 8] = b"TIDECATL";
const VERSION: u16 = 1;

/// Which kind of object of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table or a view: they share names.
    Relation,
    /// A function.
    Function,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Relation => "relations",
            Self::Function => "functions",
        }
    }
}

/// Whose states.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    Database(&'a str),
    Object(&'a str, Kind, &'a str),
}

/// One state of an object: none once it is dropped.
#[derive(Debug, Serialize, Deserialize)]
struct State<T> {
    object: Option<T>,
}

/// An object as it was found: the number of its last state (none if it never was), and what it is (none if it was dropped).
#[derive(Debug)]
pub(super) struct Found<T> {
    pub(super) number: Option<u64>,
    pub(super) object: Option<T>,
}

#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    logs: Mutex<HashMap<PathBuf, LocalLog>>,
}

impl Store {
    pub(super) fn new(warehouse: &Path) -> Self {
        Self { root: warehouse.join(FOLDER), logs: Mutex::default() }
    }

    fn folder(&self, key: Key<'_>) -> PathBuf {
        match key {
            Key::Database(name) => self.root.join(encoded(name)).join("database"),
            Key::Object(database, kind, name) => self.root.join(encoded(database)).join(kind.folder()).join(encoded(name)),
        }
    }

    /// The log of an object's states; made if `make`, else none where there is none.
    fn log(&self, key: Key<'_>, make: bool) -> Result<Option<LocalLog>> {
        let folder = self.folder(key);
        if !make && !folder.is_dir() {
            return Ok(None);
        }
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(&folder)
            && folder.is_dir()
        {
            return Ok(Some(log.clone()));
        }
        let log = LocalLog::open(&folder)?;
        logs.insert(folder, log.clone());
        Ok(Some(log))
    }

    /// The last state of an object.
    ///
    /// # Errors
    /// `Corrupt` for a damaged record.
    pub(super) async fn read<T: DeserializeOwned>(&self, key: Key<'_>) -> Result<Found<T>> {
        let Some(log) = self.log(key, false)? else { return Ok(Found { number: None, object: None }) };
        let Some(number) = log.list_from(0).await?.last().copied() else { return Ok(Found { number: None, object: None }) };
        let location = log.location(number);
        let bytes = log.read(number).await?.ok_or_else(|| Error::corrupt(format!("{location}: the record has gone while it was read")))?;
        let frame = Frame::<State<T>>::decode(MAGIC, &[VERSION], &bytes, &location).map_err(|e| e.context("a record of the catalog"))?;
        Ok(Found { number: Some(number), object: frame.header.object })
    }

    /// Puts the state that follows `number`; whether it was ours that came there.
    ///
    /// # Errors
    /// `Io`; `OutcomeUnknown` when the state is there, or may be, and may not last.
    pub(super) async fn put<T: Serialize>(&self, key: Key<'_>, number: Option<u64>, object: Option<&T>) -> Result<bool> {
        let Some(log) = self.log(key, true)? else { return Err(Error::internal("a record's log was not made")) };
        let bytes = Frame::encode(MAGIC, VERSION, &State { object }, &[])?;
        let next = number.map_or(0, |n| n + 1);
        Ok(log.put_new(next, bytes).await? == PutOutcome::Created)
    }

    /// The names under which objects of a kind are or were.
    pub(super) fn names(&self, database: &str, kind: Kind) -> Result<Vec<String>> {
        listed(&self.root.join(encoded(database)).join(kind.folder()))
    }

    /// The names of the databases that are or were.
    pub(super) fn databases(&self) -> Result<Vec<String>> {
        listed(&self.root)
    }
}

fn listed(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(Error::io_at(folder.display(), error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io_at(folder.display(), e))?;
        names.extend(entry.file_name().to_str().and_then(decoded));
    }
    names.sort();
    Ok(names)
}

/// A name as a file's: what is not a small letter, a digit or `_` becomes `%XX`, so that no two names are one file anywhere.
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn decoded(file: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = file.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'a'..=b'z' | b'0'..=b'9' | b'_' => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_writers_one_wins_and_a_restart_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (Store::new(dir.path()), Store::new(dir.path()));
        let key = Key::Object("default", Kind::Relation, "T ä");
        assert!(a.read::<String>(key).await.unwrap().number.is_none());
        assert!(!dir.path().join(FOLDER).exists(), "reading makes nothing");
        assert!(a.put(key, None, Some(&"ours".to_owned())).await.unwrap());
        assert!(!b.put(key, None, Some(&"theirs".to_owned())).await.unwrap());
        let found = Store::new(dir.path()).read::<String>(key).await.unwrap();
        assert_eq!((found.number, found.object.as_deref()), (Some(0), Some("ours")));
        assert!(b.put::<String>(key, Some(0), None).await.unwrap());
        assert!(a.read::<String>(key).await.unwrap().object.is_none());
        assert_eq!(a.names("default", Kind::Relation).unwrap(), ["T ä"]);
    }
}
