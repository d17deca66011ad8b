//! What MERGE remembers of data files, which never change: their keys as an index, and their rows. Bounded by bytes; what
//! was not used for longest goes first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::kernels::boolean::{is_not_null, or};
use arrow::datatypes::Schema;
use arrow::row::Rows;
use hashbrown::HashTable;
use tidemill_planner::Result;
use tidemill_planner::key::{KeyEncoder, stable_hash};

/// The keys of one file: which rows hold a key.
#[derive(Debug)]
pub(crate) struct KeyIndex {
    rows: Rows,
    first: HashTable<u32>,
    /// Further rows of keys that the file holds more than once, by the key's first row.
    more: HashMap<u32, Vec<u32>>,
}

impl KeyIndex {
    /// Indexes the rows of these key columns; a row with a null in its key matches nothing and is left out.
    pub(crate) fn build(encoder: &KeyEncoder, columns: &[ArrayRef]) -> Result<Self> {
        let rows = encoder.encode(columns)?;
        let null = nulls_in(columns)?;
        let mut first: HashTable<u32> = HashTable::with_capacity(rows.num_rows());
        let mut more: HashMap<u32, Vec<u32>> = HashMap::new();
        for number in 0..rows.num_rows() {
            if null.as_ref().is_some_and(|null| null[number]) {
                continue;
            }
            let key = rows.row(number);
            let entry = first.entry(
                stable_hash(key.as_ref()),
                |other| rows.row(*other as usize) == key,
                |other| stable_hash(rows.row(*other as usize).as_ref()),
            );
            match entry {
                hashbrown::hash_table::Entry::Occupied(there) => more.entry(*there.get()).or_default().push(number as u32),
                hashbrown::hash_table::Entry::Vacant(free) => {
                    free.insert(number as u32);
                }
            }
        }
        Ok(Self { rows, first, more })
    }

    /// The rows that hold `key`, as [`KeyEncoder`] made it.
    pub(crate) fn find(&self, key: &[u8], hash: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.first.find(hash, |row| self.rows.row(*row as usize).as_ref() == key).copied();
        let more = first.and_then(|row| self.more.get(&row)).into_iter().flatten().copied();
        first.into_iter().chain(more)
    }

    /// The first row of a key that stands in more than one, with one of the others.
    pub(crate) fn duplicate(&self) -> Option<(u32, u32)> {
        self.more.iter().map(|(first, others)| (*first, others[0])).min()
    }

    fn bytes(&self) -> u64 {
        (self.rows.size() + self.first.allocation_size()) as u64 + 64 * self.more.len() as u64
    }
}

/// Which rows have a null in one of the columns; `None` when no row has.
pub(crate) fn nulls_in(columns: &[ArrayRef]) -> Result<Option<Vec<bool>>> {
    let mut null = None;
    for column in columns.iter().filter(|c| c.null_count() > 0) {
        let here = arrow::compute::not(&is_not_null(column)?)?;
        null = Some(match null {
            None => here,
            Some(before) => or(&before, &here)?,
        });
    }
    Ok(null.map(|null| null.values().iter().collect()))
}

#[derive(Debug)]
struct Lru<V> {
    slots: HashMap<String, (V, u64, u64)>,
    bytes: u64,
    limit: u64,
    tick: u64,
}

impl<V: Clone> Lru<V> {
    fn new(limit: u64) -> Self {
        Self { slots: HashMap::new(), bytes: 0, limit, tick: 0 }
    }

    fn get(&mut self, key: &str) -> Option<V> {
        self.tick += 1;
        let slot = self.slots.get_mut(key)?;
        slot.2 = self.tick;
        Some(slot.0.clone())
    }

    fn put(&mut self, key: String, value: V, bytes: u64) {
        self.remove(&key);
        self.tick += 1;
        self.bytes += bytes;
        self.slots.insert(key, (value, bytes, self.tick));
        while self.bytes > self.limit {
            let Some(oldest) = self.slots.iter().min_by_key(|(_, slot)| slot.2).map(|(key, _)| key.clone()) else { break };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some((_, bytes, _)) = self.slots.remove(key) {
            self.bytes -= bytes;
        }
    }
}

/// Keys and rows of files, by the file's path.
#[derive(Debug)]
pub(crate) struct MergeCache {
    keys: Mutex<Lru<Arc<KeyIndex>>>,
    rows: Mutex<Lru<RecordBatch>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Key columns go by name and type: where they stand may change with the table's columns, while the file stays.
fn keyed(path: &str, schema: &Schema, on: &[usize]) -> String {
    let columns = on.iter().map(|i| format!("\0{} {}", schema.field(*i).name(), schema.field(*i).data_type()));
    std::iter::once(path.to_owned()).chain(columns).collect()
}

impl MergeCache {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { keys: Mutex::new(Lru::new(bytes / 2)), rows: Mutex::new(Lru::new(bytes / 2)) }
    }

    /// The keys of the columns `on` of `schema`.
    pub(crate) fn keys(&self, path: &str, schema: &Schema, on: &[usize]) -> Option<Arc<KeyIndex>> {
        locked(&self.keys).get(&keyed(path, schema, on))
    }

    pub(crate) fn put_keys(&self, path: &str, schema: &Schema, on: &[usize], keys: &Arc<KeyIndex>) {
        locked(&self.keys).put(keyed(path, schema, on), Arc::clone(keys), keys.bytes());
    }

    /// The rows in the columns of `schema`; what is remembered under others is of no use.
    pub(crate) fn rows(&self, path: &str, schema: &Schema) -> Option<RecordBatch> {
        locked(&self.rows).get(path).filter(|rows| rows.schema_ref().as_ref() == schema)
    }

    pub(crate) fn put_rows(&self, path: &str, rows: &RecordBatch) {
        locked(&self.rows).put(path.to_owned(), rows.clone(), rows.get_array_memory_size() as u64);
    }

    /// Forgets a file that has left the table.
    pub(crate) fn forget(&self, path: &str, schema: &Schema, on: &[usize]) {
        locked(&self.keys).remove(&keyed(path, schema, on));
        locked(&self.rows).remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::DataType;

    #[test]
    fn an_index_finds_every_row_of_a_key_and_no_null() {
        let encoder = KeyEncoder::try_new(&[DataType::Utf8, DataType::Int64]).unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("a"), Some("a")])),
            Arc::new(Int64Array::from(vec![Some(1), Some(1), Some(1), Some(1), None])),
        ];
        let index = KeyIndex::build(&encoder, &columns).unwrap();
        let probe = encoder.encode(&columns).unwrap();
        let found = |row: usize| {
            let key = probe.row(row);
            index.find(key.as_ref(), stable_hash(key.as_ref())).collect::<Vec<_>>()
        };
        assert_eq!((found(0), found(1), found(2), found(4)), (vec![0, 3], vec![1], vec![], vec![]));
        assert_eq!(index.duplicate(), Some((0, 3)));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut lru = Lru::new(10);
        lru.put("a".into(), 1, 4);
        lru.put("b".into(), 2, 4);
        assert_eq!(lru.get("a"), Some(1));
        lru.put("c".into(), 3, 4);
        assert_eq!((lru.get("a"), lru.get("b"), lru.get("c"), lru.bytes), (Some(1), None, Some(3), 8));
        lru.put("d".into(), 4, 11);
        assert_eq!((lru.slots.len(), lru.bytes), (0, 0), "what is larger than the limit is not kept");
    }
}
