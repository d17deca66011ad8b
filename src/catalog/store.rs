//! The catalog's durable records: for every object a numbered log of its states, so that of two who change it at once one wins.
//!
//! ```text
//! <warehouse>/_tidemill_catalog/<database>/database/00…0.rec          each state of the database
//! <warehouse>/_tidemill_catalog/<database>/relations/<table>/00…0.rec each state of a table or view; the last one counts
//! <warehouse>/_tidemill_catalog/<database>/functions/<name>/00…0.rec
//! ```
//! A state is a frame (magic, version, JSON, checksum). An object that was dropped has a last state that says so. Nothing is made
//! on disk before something is first made. A state may say besides what is left to do (`Pending`); `settle.rs` does it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidemill_executor::log::{Frame, LocalLog};
use tidemill_planner::seam::{DurableLog, PutOutcome};

use tidemill_planner::{Error, ErrorKind, Result};

const FOLDER: &str = "_tidemill_catalog";
const MAGIC: &[u8; 8] = b"TIDECATL";
const VERSION: u16 = 1;
/// What to do about a damaged record.
const REMEDY: &str = "restore the file; or drop what it stands for, or make that anew with CREATE OR REPLACE: its data stays where it is";

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

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(name) => write!(f, "the database `{name}`"),
            Self::Object(database, Kind::Relation, name) => write!(f, "the table or view `{database}`.`{name}`"),
            Self::Object(database, Kind::Function, name) => write!(f, "the function `{database}`.`{name}`"),
        }
    }
}

/// One state of an object: none once it is dropped.
#[derive(Debug, Serialize, Deserialize)]
struct State<T> {
    object: Option<T>,
    #[serde(flatten)]
    pending: Pending,
}

/// What a change has still to do when its state is there. A process may be killed before it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// A name of the same database that the object is to get instead of this one. It has when that one says so, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) moving_to: Option<String>,
    /// The name that the object had before, which may not be known as dropped yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renamed_from: Option<String>,
    /// Folders whose rows are nobody's any more, and which are to be removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) leftover: Vec<String>,
}

impl Pending {
    /// What stays to be done by who puts another state there: folders that could not go yet.
    pub(super) fn kept(&self) -> Self {
        Self { leftover: self.leftover.clone(), ..Self::default() }
    }
}

/// An object as it was found: the number of its last state (none if it never was), and what it is (none if it was dropped).
#[derive(Debug)]
pub(super) struct Found<T> {
    pub(super) number: Option<u64>,
    pub(super) object: Option<T>,
    pub(super) pending: Pending,
}

impl<T> Found<T> {
    fn nothing() -> Self {
        Self { number: None, object: None, pending: Pending::default() }
    }
}

#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
}

impl Store {
    pub(super) fn new(warehouse: &Path) -> Self {
        Self { root: warehouse.join(FOLDER) }
    }

    /// The folder of an object's states.
    pub(super) fn folder(&self, key: Key<'_>) -> PathBuf {
        match key {
            Key::Database(name) => self.root.join(encoded(name)).join("database"),
            Key::Object(database, kind, name) => self.root.join(encoded(database)).join(kind.folder()).join(encoded(name)),
        }
    }

    /// The folder of an object's states, if there is one.
    pub(super) fn found_folder(&self, key: Key<'_>) -> Result<Option<PathBuf>> {
        let folder = self.folder(key);
        Ok(is_there(&folder)?.then_some(folder))
    }

    /// Makes the folder of an object that is to come.
    pub(super) fn make(&self, key: Key<'_>) -> Result<()> {
        LocalLog::open(self.folder(key)).map(|_| ())
    }

    /// The number of an object's last state.
    pub(super) fn last(&self, key: Key<'_>) -> Result<Option<u64>> {
        let Some(folder) = self.found_folder(key)? else { return Ok(None) };
        Ok(LocalLog::numbers_in(&folder)?.last().copied())
    }

    /// The last state of an object.
    ///
    /// # Errors
    /// `Corrupt` for a damaged record.
    pub(super) async fn read<T: DeserializeOwned>(&self, key: Key<'_>) -> Result<Found<T>> {
        let Some(number) = self.last(key)? else { return Ok(Found::nothing()) };
        let folder = self.folder(key);
        let location = LocalLog::path_in(&folder, number).display().to_string();
        let bytes = LocalLog::entry_in(&folder, number)?
            .ok_or_else(|| Error::corrupt(format!("{location}: the record has gone while it was read")))?;
        let frame = Frame::<State<T>>::decode_or(MAGIC, &[VERSION], &bytes, &location, REMEDY)
            .map_err(|e| e.context(format!("the catalog's record of {key}")))?;
        Ok(Found { number: Some(number), object: frame.header.object, pending: frame.header.pending })
    }

    /// The same for one who drops the object, or replaces it: a damaged record is told as `None`, and by its number alone.
    pub(super) async fn read_damaged<T: DeserializeOwned>(&self, key: Key<'_>) -> Result<(Option<u64>, Option<Found<T>>)> {
        match self.read(key).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok((self.last(key)?, None)),
            found => found.map(|found| (found.number, Some(found))),
        }
    }

    /// Puts the state that follows `number`; whether it was ours that came there.
    ///
    /// # Errors
    /// `Io`; `OutcomeUnknown` when the state is there, or may be, and may not last.
    pub(super) async fn put<T: Serialize>(&self, key: Key<'_>, number: Option<u64>, object: Option<&T>) -> Result<bool> {
        self.put_pending(key, number, object, Pending::default()).await
    }

    /// The same for a state that leaves something to do.
    pub(super) async fn put_pending<T: Serialize>(
        &self,
        key: Key<'_>,
        number: Option<u64>,
        object: Option<&T>,
        pending: Pending,
    ) -> Result<bool> {
        let log = LocalLog::open(self.folder(key))?;
        let bytes = Frame::encode(MAGIC, VERSION, &State { object, pending }, &[])?;
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

/// Whether there is a folder; that it may not be looked at is an error, not an absence.
fn is_there(folder: &Path) -> Result<bool> {
    use std::io::ErrorKind;
    match std::fs::metadata(folder) {
        Ok(found) => Ok(found.is_dir()),
        // A name that is too long for a file was never made.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename) => Ok(false),
        Err(error) => Err(Error::io_at(folder.display(), error).context("cannot look into the catalog")),
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

    #[tokio::test]
    async fn what_may_not_be_looked_at_is_not_taken_for_absent() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let key = Key::Object("default", Kind::Relation, "t");
        let folder = store.folder(key);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        // A link to itself: an error of the file system that root meets, too.
        std::os::unix::fs::symlink(&folder, &folder).unwrap();
        let error = store.read::<String>(key).await.unwrap_err();
        assert_eq!(error.kind(), tidemill_planner::ErrorKind::Io, "{error}");
        let long = "x".repeat(300);
        assert!(store.read::<String>(Key::Object("default", Kind::Relation, &long)).await.unwrap().number.is_none());
    }

    #[tokio::test]
    async fn a_state_without_anything_left_to_do_reads_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let key = Key::Object("default", Kind::Relation, "t");
        #[derive(Serialize)]
        struct Earlier {
            object: Option<&'static str>,
        }
        let bytes = Frame::encode(MAGIC, VERSION, &Earlier { object: Some("old") }, &[]).unwrap();
        LocalLog::open(store.folder(key)).unwrap().put_new(0, bytes).await.unwrap();
        let found = store.read::<String>(key).await.unwrap();
        assert_eq!((found.object.as_deref(), found.pending), (Some("old"), Pending::default()));
        let pending = Pending { moving_to: Some("u".into()), leftover: vec!["/f".into()], ..Pending::default() };
        assert!(store.put_pending::<String>(key, Some(0), None, pending.clone()).await.unwrap());
        assert_eq!(store.read::<String>(key).await.unwrap().pending, pending);
    }
}
