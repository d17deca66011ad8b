//! Keyed state as operators see it: a read view lent for one attempt, and the overlay of changes that the attempt hands
//! back. Who keeps the tables, and how they reach the disk, is the state store's business.
//!
//! ```text
//! pane ─► key bytes ─► (time, value bytes)        a pane is dropped whole: "every entry with this pane id is gone"
//!
//! key bytes = [key group, u16 big-endian][the operator's own key]
//! ```
//! The group leads every key, so that a restart at another parallelism needs no operator to say where a key belongs.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::catalog_string::catalog_string;

/// The pane of entries that are never dropped by pane.
pub const NO_PANE: i64 = i64::MIN;

/// Bytes of key group that every state key begins with.
pub const GROUP_BYTES: usize = 2;

/// The key group of a state key, or `None` when the key is too short to hold one.
pub fn group_of(key: &[u8]) -> Option<u16> {
    key.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// A key's bytes, shared between a table, its indexes and overlays.
pub type KeyBytes = Arc<[u8]>;

/// What is stored under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the entry falls due (microseconds, event time), or `i64::MAX` for never.
    pub due_us: i64,
    /// The operator's value for the key.
    pub value: Box<[u8]>,
}

/// The types of what an operator keeps in state. State is bytes and does not say them itself, so they are written down beside it: what
/// was kept as one type is never read as another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateTypes {
    /// The columns of its keys, in order.
    pub key: Vec<StateColumn>,
    /// What is kept under a key: an aggregate's state by the aggregate's name, a user's state by its fields.
    pub value: Vec<StateColumn>,
}

/// A part of a key or of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateColumn {
    /// What a person calls it; it decides nothing.
    pub name: String,
    /// Its type, in words that no release of Arrow changes.
    #[serde(rename = "type")]
    pub data_type: String,
}

impl StateColumn {
    /// A part called `name` that is kept as these types.
    pub fn new<'a>(name: impl Into<String>, types: impl IntoIterator<Item = &'a DataType>) -> Self {
        let types: Vec<String> = types.into_iter().map(type_text).collect();
        Self { name: name.into(), data_type: types.join(", ") }
    }
}

/// Spark's name for a type, and what the bytes of a value hang on beside it.
fn type_text(data_type: &DataType) -> String {
    let spark = catalog_string(data_type);
    match data_type {
        DataType::Timestamp(TimeUnit::Second, _) => format!("{spark} in seconds"),
        DataType::Timestamp(TimeUnit::Millisecond, _) => format!("{spark} in milliseconds"),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => format!("{spark} in nanoseconds"),
        DataType::UInt8 => "unsigned tinyint".to_owned(),
        DataType::UInt16 => "unsigned smallint".to_owned(),
        DataType::UInt32 => "unsigned int".to_owned(),
        DataType::UInt64 => "unsigned bigint".to_owned(),
        _ => spark,
    }
}

impl StateTypes {
    /// Whether state that was written as these types can be read as `other`.
    pub fn same(&self, other: &Self) -> bool {
        let same = |ours: &[StateColumn], theirs: &[StateColumn]| ours.iter().map(|c| &c.data_type).eq(theirs.iter().map(|c| &c.data_type));
        same(&self.key, &other.key) && same(&self.value, &other.value)
    }
}

impl fmt::Display for StateTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |columns: &[StateColumn]| columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect::<Vec<_>>().join("; ");
        match self.value.is_empty() {
            true => write!(f, "keys ({})", list(&self.key)),
            false => write!(f, "keys ({}) and values ({})", list(&self.key), list(&self.value)),
        }
    }
}

/// One task's state of one operator at one version, read only.
pub trait StateRead: Debug + Send + Sync {
    /// The entry under `key` in `pane`.
    fn get(&self, pane: i64, key: &[u8]) -> Option<Entry>;

    /// Whether `key` is in `pane`.
    fn contains(&self, pane: i64, key: &[u8]) -> bool {
        self.get(pane, key).is_some()
    }

    /// Panes with an id of at most `through`, rising, [`NO_PANE`] excepted.
    fn panes_through(&self, through: i64) -> Vec<i64>;

    /// Visits every entry of a pane.
    fn for_each(&self, pane: i64, visit: &mut dyn FnMut(&[u8], &Entry));

    /// Keys of [`NO_PANE`] whose entry falls due at or before `due_us`.
    fn due(&self, due_us: i64) -> Vec<KeyBytes>;

    /// Entries in all panes.
    fn len(&self) -> u64;

    /// Whether there are no entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The changes of one attempt, in no order: the last word per key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// `None` removes the key.
    pub changes: BTreeMap<i64, HashMap<KeyBytes, Option<Entry>>>,
    /// Panes dropped whole, with all that earlier versions held in them. Changes to a dropped pane count after the drop.
    pub dropped_panes: Vec<i64>,
}

impl Overlay {
    /// Sets `key` in `pane`.
    pub fn put(&mut self, pane: i64, key: &[u8], entry: Entry) {
        self.set(pane, key, Some(entry));
    }

    /// Removes `key` from `pane`.
    pub fn remove(&mut self, pane: i64, key: &[u8]) {
        self.set(pane, key, None);
    }

    fn set(&mut self, pane: i64, key: &[u8], entry: Option<Entry>) {
        let pane = self.changes.entry(pane).or_default();
        match pane.get_mut(key) {
            Some(slot) => *slot = entry,
            None => {
                pane.insert(Arc::from(key), entry);
            }
        }
    }

    /// The overlay's own word on `key`: `None` when it has none, `Some(None)` when it removes it.
    pub fn get(&self, pane: i64, key: &[u8]) -> Option<Option<&Entry>> {
        if let Some(change) = self.changes.get(&pane).and_then(|keys| keys.get(key)) {
            return Some(change.as_ref());
        }
        self.dropped_panes.contains(&pane).then_some(None)
    }

    /// Drops every entry of a pane, those of earlier versions and those of this overlay.
    pub fn drop_pane(&mut self, pane: i64) {
        self.changes.remove(&pane);
        self.dropped_panes.push(pane);
    }

    /// How many keys it changes.
    pub fn len(&self) -> usize {
        self.changes.values().map(HashMap::len).sum()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.dropped_panes.is_empty() && self.changes.values().all(HashMap::is_empty)
    }
}

/// The state of a batch run, and of a query's first epoch: nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyState;

impl StateRead for EmptyState {
    fn get(&self, _pane: i64, _key: &[u8]) -> Option<Entry> {
        None
    }

    fn panes_through(&self, _through: i64) -> Vec<i64> {
        Vec::new()
    }

    fn for_each(&self, _pane: i64, _visit: &mut dyn FnMut(&[u8], &Entry)) {}

    fn due(&self, _due_us: i64) -> Vec<KeyBytes> {
        Vec::new()
    }

    fn len(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_pane_hides_older_versions_and_takes_new_entries() {
        let mut overlay = Overlay::default();
        let entry = Entry { due_us: 5, value: Box::from(&b"v"[..]) };
        overlay.put(10, b"k", entry.clone());
        overlay.drop_pane(10);
        assert_eq!(overlay.get(10, b"k"), Some(None));
        assert_eq!(overlay.get(11, b"k"), None);
        overlay.put(10, b"k", entry.clone());
        assert_eq!(overlay.get(10, b"k"), Some(Some(&entry)));
        overlay.remove(10, b"k");
        assert_eq!(overlay.get(10, b"k"), Some(None));
    }
}
