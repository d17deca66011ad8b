//! One task range's entries of one operator, in memory and in place. It knows nothing of versions: who may still be
//! reading an older one is [`super::partition`]'s business.
//!
//! ```text
//! panes:  pane id ─► key bytes ─► (due, value, when the index looks at it)      a pane that empties is taken away
//! due:    second of event time ─► (time, key)…      for each entry of NO_PANE that falls due at all; time ≤ its own due
//! ```
//!
//! The index is lazy the way timers are: an entry whose due moves later (a session that grows) leaves its old place in
//! the index alone and is moved on when the watermark gets there. A place counts only while the entry says that it is there;
//! the places of removed entries are passed over, and go when the watermark gets there.

use std::collections::btree_map::{self, BTreeMap};
use std::ops::Range;

use hashbrown::HashMap;
use tidemill_planner::seam::state::{Entry, KeyBytes, NO_PANE, Overlay};

use tidemill_planner::seam::state::group_of;

/// What an entry costs beside its key's and value's bytes: slot, control byte at 7/8 load, two allocations' headers.
const BYTES_PER_ENTRY: u64 = 112;

/// Times that differ in these bits alone stand together in the index: about a second.
const INDEX_BITS: u32 = 20;

#[derive(Debug, Clone)]
struct Slot {
    entry: Entry,
    /// The entry's place in the due index; `i64::MAX` when it has none.
    indexed_us: i64,
}

/// The entries of one operator in one task range.
#[derive(Debug, Clone, Default)]
pub(super) struct StateTable {
    panes: BTreeMap<i64, HashMap<KeyBytes, Slot>>,
    due: DueIndex,
    rows: u64,
    bytes: u64,
}

type DueIndex = BTreeMap<i64, Vec<(i64, KeyBytes)>>;

fn index(due: &mut DueIndex, time_us: i64, key: KeyBytes) {
    due.entry(time_us >> INDEX_BITS).or_default().push((time_us, key));
}

impl StateTable {
    pub(super) fn get(&self, pane: i64, key: &[u8]) -> Option<&Entry> {
        Some(&self.panes.get(&pane)?.get(key)?.entry)
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The panes that hold entries, rising.
    pub(super) fn panes(&self) -> impl Iterator<Item = i64> + '_ {
        self.panes.keys().copied()
    }

    /// The entries of a pane.
    pub(super) fn entries(&self, pane: i64) -> impl Iterator<Item = (&KeyBytes, &Entry)> {
        self.panes.get(&pane).into_iter().flatten().map(|(key, slot)| (key, &slot.entry))
    }

    /// Keys of [`NO_PANE`] that fall due through `due_us`, with their time. A key may come twice.
    pub(super) fn due(&self, due_us: i64) -> impl Iterator<Item = (i64, &KeyBytes)> {
        let keys = self.panes.get(&NO_PANE);
        let places = self.due.range(..=due_us >> INDEX_BITS).flat_map(|(_, places)| places);
        places.filter(move |(time_us, _)| *time_us <= due_us).filter_map(move |(time_us, key)| {
            let slot = keys?.get(&**key)?;
            (slot.indexed_us == *time_us && slot.entry.due_us <= due_us).then_some((slot.entry.due_us, key))
        })
    }

    #[cfg(test)]
    pub(super) fn put(&mut self, pane: i64, key: KeyBytes, entry: Entry) {
        let mut cost = Cost::default();
        put_in(self.panes.entry(pane).or_default(), (pane == NO_PANE).then_some(&mut self.due), &mut cost, key, entry);
        self.charge(cost);
    }

    /// Puts an entry that [`build_index`](Self::build_index) will index: faster for many.
    pub(super) fn put_unindexed(&mut self, pane: i64, key: KeyBytes, entry: Entry) {
        let mut cost = Cost::default();
        put_in(self.panes.entry(pane).or_default(), None, &mut cost, key, entry);
        self.charge(cost);
    }

    /// Makes the due index anew.
    pub(super) fn build_index(&mut self) {
        self.due.clear();
        for (key, slot) in self.panes.get_mut(&NO_PANE).into_iter().flatten() {
            slot.indexed_us = slot.entry.due_us;
            if slot.indexed_us < i64::MAX {
                index(&mut self.due, slot.indexed_us, key.clone());
            }
        }
    }

    pub(super) fn remove(&mut self, pane: i64, key: &[u8]) {
        if let btree_map::Entry::Occupied(mut keys) = self.panes.entry(pane) {
            let mut cost = Cost::default();
            remove_in(keys.get_mut(), &mut cost, key);
            if keys.get().is_empty() {
                keys.remove();
            }
            self.charge(cost);
        }
    }

    pub(super) fn drop_pane(&mut self, pane: i64) {
        if let Some(keys) = self.panes.remove(&pane) {
            self.rows -= keys.len() as u64;
            self.bytes -= keys.iter().map(|(key, slot)| weight(key, &slot.entry)).sum::<u64>();
        }
        if pane == NO_PANE {
            self.due.clear();
        }
    }

    /// Drops those entries of a pane whose key group is in `groups`.
    pub(super) fn drop_groups(&mut self, pane: i64, groups: &Range<u16>) {
        let gone: Vec<KeyBytes> =
            self.entries(pane).filter(|(key, _)| group_of(key).is_some_and(|g| groups.contains(&g))).map(|(k, _)| k.clone()).collect();
        for key in gone {
            self.remove(pane, &key);
        }
    }

    /// Takes in the changes of one accepted attempt.
    pub(super) fn apply(
        &mut self,
        changes: impl Iterator<Item = (i64, HashMap<KeyBytes, Option<Entry>>)>,
        dropped: impl Iterator<Item = i64>,
    ) {
        for pane in dropped {
            self.drop_pane(pane);
        }
        let mut cost = Cost::default();
        for (pane, changes) in changes {
            if changes.is_empty() {
                continue;
            }
            let keys = self.panes.entry(pane).or_default();
            if changes.len() > keys.len() {
                keys.reserve(changes.len());
            }
            for (key, change) in changes {
                match change {
                    Some(entry) => put_in(keys, (pane == NO_PANE).then_some(&mut self.due), &mut cost, key, entry),
                    None => remove_in(keys, &mut cost, &key),
                }
            }
            if keys.is_empty() {
                self.panes.remove(&pane);
            }
        }
        self.charge(cost);
    }

    pub(super) fn apply_overlay(&mut self, overlay: Overlay) {
        self.apply(overlay.changes.into_iter(), overlay.dropped_panes.into_iter());
    }

    /// Moves what the index holds through `through_us` to the places where the entries stand now.
    pub(super) fn move_index(&mut self, through_us: i64) {
        let keys = self.panes.get_mut(&NO_PANE);
        let mut stay: Vec<(i64, KeyBytes)> = Vec::new();
        let mut reached = self.due.first_entry();
        while let Some(places) = reached.take_if(|places| *places.key() <= through_us >> INDEX_BITS) {
            stay.extend(places.remove());
            reached = self.due.first_entry();
        }
        let Some(keys) = keys else { return };
        for (time_us, key) in stay {
            let Some(slot) = keys.get_mut(&*key).filter(|slot| slot.indexed_us == time_us) else { continue };
            if time_us <= through_us {
                slot.indexed_us = slot.entry.due_us;
            }
            index(&mut self.due, slot.indexed_us, key);
        }
    }

    /// All entries, taken out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (i64, KeyBytes, Entry)> + use<> {
        std::mem::take(self).panes.into_iter().flat_map(|(pane, keys)| keys.into_iter().map(move |(key, slot)| (pane, key, slot.entry)))
    }

    fn charge(&mut self, cost: Cost) {
        self.rows = self.rows.wrapping_add_signed(cost.rows);
        self.bytes = self.bytes.wrapping_add_signed(cost.bytes);
    }
}

/// What a run of changes added.
#[derive(Debug, Default)]
struct Cost {
    rows: i64,
    bytes: i64,
}

fn weight(key: &[u8], entry: &Entry) -> u64 {
    (key.len() + entry.value.len()) as u64 + BYTES_PER_ENTRY
}

fn put_in(keys: &mut HashMap<KeyBytes, Slot>, due: Option<&mut DueIndex>, cost: &mut Cost, key: KeyBytes, entry: Entry) {
    let mut slot = match keys.entry(key) {
        hashbrown::hash_map::Entry::Occupied(mut slot) => {
            let old = &mut slot.get_mut().entry;
            cost.bytes += entry.value.len() as i64 - old.value.len() as i64;
            *old = entry;
            slot
        }
        hashbrown::hash_map::Entry::Vacant(free) => {
            cost.rows += 1;
            cost.bytes += weight(free.key(), &entry) as i64;
            free.insert_entry(Slot { entry, indexed_us: i64::MAX })
        }
    };
    // Only an entry that falls due before the index would look at it, or never any more, touches the index.
    if let Some(due) = due {
        let (due_us, indexed_us) = (slot.get().entry.due_us, slot.get().indexed_us);
        if due_us < indexed_us || due_us == i64::MAX && indexed_us < i64::MAX {
            if due_us < i64::MAX {
                index(due, due_us, slot.key().clone());
            }
            slot.get_mut().indexed_us = due_us;
        }
    }
}

fn remove_in(keys: &mut HashMap<KeyBytes, Slot>, cost: &mut Cost, key: &[u8]) {
    if let Some((key, slot)) = keys.remove_entry(key) {
        cost.rows -= 1;
        cost.bytes -= weight(&key, &slot.entry) as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn entry(due_us: i64) -> Entry {
        Entry { due_us, value: Box::from(&b"v"[..]) }
    }

    fn key(n: u16) -> KeyBytes {
        Arc::from(&n.to_be_bytes()[..])
    }

    fn places(table: &StateTable) -> Vec<i64> {
        let mut places: Vec<i64> = table.due.values().flatten().map(|(time_us, _)| *time_us).collect();
        places.sort_unstable();
        places
    }

    fn due(table: &StateTable, through: i64) -> Vec<(i64, u16)> {
        table.due(through).map(|(t, k)| (t, group_of(k).unwrap())).collect()
    }

    #[test]
    fn the_due_index_follows_entries_that_move() {
        let mut table = StateTable::default();
        table.put(NO_PANE, key(1), entry(10));
        table.put(NO_PANE, key(2), entry(20));
        table.put(NO_PANE, key(3), entry(i64::MAX));
        table.put(5, key(4), entry(1));
        assert_eq!(due(&table, 15), [(10, 1)]);
        table.put(NO_PANE, key(1), entry(30)); // later: the index keeps the old place
        assert_eq!(due(&table, 25), [(20, 2)]);
        assert_eq!(places(&table), [10, 20]);
        table.move_index(25);
        assert_eq!(places(&table), [20, 30]);
        assert_eq!(due(&table, 25), [(20, 2)], "an entry nobody consumed stays due");
        table.put(NO_PANE, key(1), entry(4)); // earlier
        assert_eq!(due(&table, 4), [(4, 1)]);
        table.put(NO_PANE, key(1), entry(i64::MAX));
        table.remove(NO_PANE, &key(2));
        assert_eq!(due(&table, i64::MAX - 1), []);
        table.move_index(i64::MAX - 1);
        assert!(table.due.is_empty() && table.rows() == 3, "what is left are an entry in a pane and two that never fall due");
    }

    #[test]
    fn a_built_index_is_as_good_as_one_kept() {
        let (mut kept, mut built) = (StateTable::default(), StateTable::default());
        for n in 0..1_000u16 {
            let due_us = if n % 7 == 0 { i64::MAX } else { i64::from(n.wrapping_mul(40_503)) << 12 };
            kept.put(NO_PANE, key(n % 600), entry(due_us));
            built.put_unindexed(NO_PANE, key(n % 600), entry(due_us));
        }
        built.build_index();
        kept.move_index(1 << 26);
        for through in [-1, 0, 1 << 20, (1 << 26) + 3, 1 << 27, i64::MAX - 1] {
            let sorted = |table| {
                let mut found = due(table, through);
                found.sort_unstable();
                found
            };
            assert_eq!(sorted(&kept), sorted(&built), "through {through}");
        }
    }

    #[test]
    fn empty_panes_go_and_nothing_is_left_in_the_books() {
        let mut table = StateTable::default();
        for n in 0..10 {
            table.put(i64::from(n % 3), key(n), entry(7));
            table.put(NO_PANE, key(n), entry(7));
        }
        table.drop_pane(0);
        table.drop_groups(1, &(0..5));
        assert_eq!(table.entries(1).count(), 1, "groups 7 stays of 1, 4, 7");
        table.remove(1, &key(7));
        assert_eq!(table.panes().collect::<Vec<_>>(), [NO_PANE, 2]);
        table.drop_pane(2);
        table.drop_pane(NO_PANE);
        assert_eq!((table.rows(), table.bytes(), table.due.len()), (0, 0, 0));
    }
}
