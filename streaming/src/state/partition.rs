//! One partition's state at one version, as tasks read it, and how accepted overlays become the next version. It does not
//! know epochs or files.
//!
//! ```text
//! overlay ──accept──► newest layer ─► … ─► oldest layer ─► base            reads go from left to right
//!                     └── while someone (an image being written, an attempt that lingers) still holds the base;
//!                         else layers and overlay are folded into the base in place
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use tidemill_planner::seam::state::{Entry, KeyBytes, NO_PANE, Overlay, StateRead};

use super::table::StateTable;

/// What an entry of a layer costs beside its bytes.
const BYTES_PER_CHANGE: u64 = 96;

/// Accepted changes that wait for the base to be free.
#[derive(Debug, Clone, Default)]
struct Layer {
    changes: BTreeMap<i64, HashMap<KeyBytes, Option<Entry>>>,
    dropped: BTreeSet<i64>,
    due: BTreeSet<(i64, KeyBytes)>,
    bytes: u64,
}

impl Layer {
    fn word(&self, pane: i64, key: &[u8]) -> Option<Option<&Entry>> {
        if let Some(change) = self.changes.get(&pane).and_then(|keys| keys.get(key)) {
            return Some(change.as_ref());
        }
        self.dropped.contains(&pane).then_some(None)
    }

    fn absorb(&mut self, overlay: Overlay) {
        for pane in overlay.dropped_panes {
            self.changes.remove(&pane);
            self.dropped.insert(pane);
            if pane == NO_PANE {
                self.due.clear();
            }
        }
        for (pane, changes) in overlay.changes {
            let keys = self.changes.entry(pane).or_default();
            for (key, change) in changes {
                if pane == NO_PANE {
                    if let Some(Some(old)) = keys.get(&key)
                        && old.due_us < i64::MAX
                    {
                        self.due.remove(&(old.due_us, key.clone()));
                    }
                    if let Some(new) = &change
                        && new.due_us < i64::MAX
                    {
                        self.due.insert((new.due_us, key.clone()));
                    }
                }
                self.bytes += (key.len() + change.as_ref().map_or(0, |e| e.value.len())) as u64 + BYTES_PER_CHANGE;
                keys.insert(key, change);
            }
        }
    }
}

/// One partition of one operator at one version. A clone is cheap and stays at its version.
#[derive(Debug, Clone, Default)]
pub(super) struct PartitionState {
    base: Arc<StateTable>,
    /// Oldest first.
    layers: Vec<Arc<Layer>>,
    rows: u64,
}

impl PartitionState {
    pub(super) fn new(table: StateTable) -> Self {
        Self { rows: table.rows(), base: Arc::new(table), layers: Vec::new() }
    }

    /// Becomes the next version. `eviction_us` is the watermark that the epoch evicted by; the due index moves past it.
    pub(super) fn accept(&mut self, overlay: Overlay, eviction_us: i64) {
        if let Some(base) = Arc::get_mut(&mut self.base) {
            for layer in self.layers.drain(..) {
                let layer = Arc::unwrap_or_clone(layer);
                base.apply(layer.changes.into_iter(), layer.dropped.into_iter());
            }
            base.apply_overlay(overlay);
            base.move_index(eviction_us);
            self.rows = base.rows();
            return;
        }
        if overlay.is_empty() {
            return;
        }
        self.rows = self.rows.wrapping_add_signed(self.rows_added_by(&overlay));
        match self.layers.last_mut().and_then(Arc::get_mut) {
            Some(newest) => newest.absorb(overlay),
            None => {
                let mut layer = Layer::default();
                layer.absorb(overlay);
                self.layers.push(Arc::new(layer));
            }
        }
    }

    fn rows_added_by(&self, overlay: &Overlay) -> i64 {
        let dropped: BTreeSet<i64> = overlay.dropped_panes.iter().copied().collect();
        let gone: usize = dropped.iter().map(|pane| self.entries(*pane).count()).sum();
        let mut added = -(gone as i64);
        for (pane, changes) in &overlay.changes {
            let fresh = dropped.contains(pane);
            for (key, change) in changes {
                let before = !fresh && self.find(*pane, key).is_some();
                added += i64::from(change.is_some()) - i64::from(before);
            }
        }
        added
    }

    /// All entries, taken out; those that someone else still reads are copied.
    pub(super) fn drain(mut self) -> Vec<(i64, KeyBytes, Entry)> {
        let mut base = Arc::unwrap_or_clone(std::mem::take(&mut self.base));
        for layer in self.layers {
            let layer = Arc::unwrap_or_clone(layer);
            base.apply(layer.changes.into_iter(), layer.dropped.into_iter());
        }
        base.drain().collect()
    }

    /// The memory it takes, about.
    pub(super) fn bytes(&self) -> u64 {
        self.base.bytes() + self.layers.iter().map(|layer| layer.bytes).sum::<u64>()
    }

    /// Every pane that holds an entry, rising, [`NO_PANE`] included.
    pub(super) fn panes(&self) -> Vec<i64> {
        if self.layers.is_empty() {
            return self.base.panes().collect();
        }
        let mut panes: BTreeSet<i64> = self.base.panes().collect();
        panes.extend(self.layers.iter().flat_map(|layer| layer.changes.keys().copied()));
        panes.retain(|pane| self.entries(*pane).next().is_some());
        panes.into_iter().collect()
    }

    /// The entries of a pane, in no order.
    pub(super) fn entries(&self, pane: i64) -> impl Iterator<Item = (&KeyBytes, &Entry)> {
        // Levels older than one that dropped the pane have no say.
        let dropped_at = self.layers.iter().rposition(|layer| layer.dropped.contains(&pane));
        let first = dropped_at.unwrap_or(0);
        let in_layers = self.layers.iter().enumerate().skip(first).flat_map(move |(at, layer)| {
            let said = layer.changes.get(&pane).into_iter().flatten();
            said.filter_map(|(key, change)| Some((key, change.as_ref()?))).filter(move |(key, _)| !self.overruled(at + 1, pane, key))
        });
        let base = dropped_at.is_none().then(|| self.base.entries(pane)).into_iter().flatten();
        in_layers.chain(base.filter(move |(key, _)| !self.overruled(0, pane, key)))
    }

    /// Whether a layer from `first` on has a word on the key.
    fn overruled(&self, first: usize, pane: i64, key: &[u8]) -> bool {
        self.layers[first..].iter().any(|layer| layer.word(pane, key).is_some())
    }

    fn find(&self, pane: i64, key: &[u8]) -> Option<&Entry> {
        for layer in self.layers.iter().rev() {
            if let Some(word) = layer.word(pane, key) {
                return word;
            }
        }
        self.base.get(pane, key)
    }
}

impl StateRead for PartitionState {
    fn get(&self, pane: i64, key: &[u8]) -> Option<Entry> {
        self.find(pane, key).cloned()
    }

    fn contains(&self, pane: i64, key: &[u8]) -> bool {
        self.find(pane, key).is_some()
    }

    fn panes_through(&self, through: i64) -> Vec<i64> {
        let mut panes = self.panes();
        panes.retain(|pane| *pane != NO_PANE && *pane <= through);
        panes
    }

    fn for_each(&self, pane: i64, visit: &mut dyn FnMut(&[u8], &Entry)) {
        self.entries(pane).for_each(|(key, entry)| visit(key, entry));
    }

    /// By time, then key: the same order after a restart.
    fn due(&self, due_us: i64) -> Vec<KeyBytes> {
        let mut found: Vec<(i64, &KeyBytes)> = Vec::new();
        let mut base_counts = true;
        for (at, layer) in self.layers.iter().enumerate().rev() {
            let due = layer.due.iter().take_while(|(time, _)| *time <= due_us);
            found.extend(due.filter(|(_, key)| !self.overruled(at + 1, NO_PANE, key)).map(|(time, key)| (*time, key)));
            if layer.dropped.contains(&NO_PANE) {
                base_counts = false;
                break;
            }
        }
        if base_counts {
            found.extend(self.base.due(due_us).filter(|(_, key)| !self.overruled(0, NO_PANE, key)));
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|(_, key)| key.clone()).collect()
    }

    fn len(&self) -> u64 {
        self.rows
    }
}
