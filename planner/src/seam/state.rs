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

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
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

/// Spark's name for a type, and beside it all that the bytes of a value hang on: units, widths, and those of its parts.
fn type_text(data_type: &DataType) -> String {
    use DataType as T;
    let spark = catalog_string(data_type);
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    };
    match data_type {
        T::Timestamp(TimeUnit::Microsecond, _) => spark,
        T::Timestamp(other, _) => format!("{spark} in {}", unit(other)),
        T::Duration(of) => format!("duration in {}", unit(of)),
        T::Date64 => "date in 64 bits".to_owned(),
        T::Float16 => "float in 16 bits".to_owned(),
        T::Decimal32(..) => format!("{spark} in 32 bits"),
        T::Decimal64(..) => format!("{spark} in 64 bits"),
        T::Decimal256(..) => format!("{spark} in 256 bits"),
        T::UInt8 => "unsigned tinyint".to_owned(),
        T::UInt16 => "unsigned smallint".to_owned(),
        T::UInt32 => "unsigned int".to_owned(),
        T::UInt64 => "unsigned bigint".to_owned(),
        T::FixedSizeBinary(width) => format!("binary({width})"),
        T::Interval(IntervalUnit::DayTime) => format!("{spark} in milliseconds"),
        T::List(item) | T::LargeList(item) | T::ListView(item) | T::LargeListView(item) => {
            format!("array<{}>", type_text(item.data_type()))
        }
        T::FixedSizeList(item, size) => format!("array<{}>({size})", type_text(item.data_type())),
        T::Struct(fields) => {
            let fields: Vec<String> = fields.iter().map(|f| format!("{}:{}", f.name(), type_text(f.data_type()))).collect();
            format!("struct<{}>", fields.join(","))
        }
        T::Map(entries, _) => format!("map of {}", type_text(entries.data_type())),
        T::Dictionary(_, values) => type_text(values),
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

    #[test]
    fn types_whose_bytes_differ_have_names_that_do() {
        use arrow::datatypes::{Field, Fields};
        use std::collections::HashSet;
        let plain = [
            DataType::Date32,
            DataType::Date64,
            DataType::Float16,
            DataType::Float32,
            DataType::Int64,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Decimal128(38, 2),
            DataType::Decimal256(38, 2),
            DataType::Binary,
            DataType::FixedSizeBinary(16),
            DataType::Duration(TimeUnit::Millisecond),
            DataType::Duration(TimeUnit::Microsecond),
            DataType::Interval(IntervalUnit::DayTime),
            DataType::Timestamp(TimeUnit::Millisecond, None),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ];
        let nested = plain.iter().flat_map(|t| {
            let item = Arc::new(Field::new("x", t.clone(), true));
            let fields = Fields::from(vec![Arc::clone(&item)]);
            [DataType::Struct(fields), DataType::List(Arc::clone(&item)), DataType::FixedSizeList(item, 2)]
        });
        let all: Vec<DataType> = plain.iter().cloned().chain(nested).collect();
        let texts: HashSet<String> = all.iter().map(type_text).collect();
        assert_eq!(texts.len(), all.len(), "{texts:?}");
        assert_eq!(type_text(&DataType::Utf8), type_text(&DataType::Utf8View), "their keys have the same bytes");
    }
}
