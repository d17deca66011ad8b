//! All state of one query: opened for a number of tasks per operator, lent to attempts, moved on by accepted overlays, and
//! loaded again at any parallelism. It does no I/O.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
#[cfg(test)]
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use tidemill_planner::key::{groups_of_task, task_of_group};
use tidemill_planner::seam::state::{Entry, Overlay, StateRead};
use tidemill_planner::{Error, OperatorId, Result};

use super::changelog::{self, Change};
use super::image::Image;
use super::partition::PartitionState;
use super::table::StateTable;
use tidemill_planner::seam::state::group_of;

/// What one partition of one operator changed in an epoch, as the epoch record carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateChange {
    /// Whose state.
    pub operator: OperatorId,
    /// The key groups that the partition owned.
    pub groups: Range<u16>,
    /// Keys that the changes name.
    pub rows: u64,
    /// The changes in the changelog format.
    #[serde(skip)]
    pub block: Bytes,
}

/// The overlays of an epoch's accepted attempts, by operator and partition.
pub type Overlays = std::collections::HashMap<(OperatorId, usize), Overlay>;

/// The state of every operator of one query, at the version of the last accepted epoch.
#[derive(Debug)]
pub struct QueryState {
    key_groups: u16,
    operators: BTreeMap<OperatorId, Vec<PartitionState>>,
}

impl QueryState {
    /// No state, in `key_groups` key groups.
    pub fn new(key_groups: u16) -> Self {
        Self { key_groups, operators: BTreeMap::new() }
    }

    /// How many key groups there are.
    pub fn key_groups(&self) -> u16 {
        self.key_groups
    }

    /// Gives an operator `tasks` partitions: empty ones when it is new, else its entries spread anew.
    pub fn open(&mut self, operator: &OperatorId, tasks: usize) {
        let partitions = self.operators.entry(operator.clone()).or_default();
        if partitions.len() == tasks {
            return;
        }
        let mut tables = vec![StateTable::default(); tasks];
        for partition in std::mem::take(partitions) {
            for (pane, key, entry) in partition.drain() {
                let group = group_of(&key).expect("a key's group was checked when it was accepted");
                tables[task_of_group(group, tasks, self.key_groups)].put_unindexed(pane, key, entry);
            }
        }
        *partitions = tables.into_iter().map(indexed).collect();
    }

    /// The operators and how many partitions each has.
    pub fn operators(&self) -> impl Iterator<Item = (&OperatorId, usize)> {
        self.operators.iter().map(|(operator, partitions)| (operator, partitions.len()))
    }

    /// Views of this version, to put into an epoch's context. Drop them before [`accept`](Self::accept), or it has to work around them.
    pub fn lend(&self) -> std::collections::HashMap<OperatorId, Vec<Arc<dyn StateRead>>> {
        let view = |partition: &PartitionState| Arc::new(partition.clone()) as Arc<dyn StateRead>;
        self.operators.iter().map(|(operator, partitions)| (operator.clone(), partitions.iter().map(view).collect())).collect()
    }

    /// The overlays in the changelog format, for the epoch's record: one element for each that changes something, in order.
    ///
    /// # Errors
    /// `Internal` when an overlay is not of a partition that is open, or holds a key that the partition does not own.
    pub fn changes(&self, overlays: &Overlays) -> Result<Vec<StateChange>> {
        let mut owners: Vec<&(OperatorId, usize)> =
            overlays.iter().filter(|(_, overlay)| !overlay.is_empty()).map(|(owner, _)| owner).collect();
        owners.sort_unstable();
        let encode = |owner: &(OperatorId, usize)| {
            let (operator, partition) = owner;
            let groups = self.groups(operator, *partition)?;
            let overlay = &overlays[owner];
            let block =
                changelog::encode(overlay, &groups).map_err(|e| e.context(format!("operator {operator}, partition {partition}")))?;
            Ok(StateChange { operator: operator.clone(), groups, rows: overlay.len() as u64, block: block.into() })
        };
        owners.into_iter().map(encode).collect()
    }

    fn groups(&self, operator: &OperatorId, partition: usize) -> Result<Range<u16>> {
        let tasks = self.operators.get(operator).map_or(0, Vec::len);
        if partition >= tasks {
            return Err(Error::internal(format!("state changes for partition {partition} of operator {operator}, which has {tasks}")));
        }
        Ok(groups_of_task(partition, tasks, self.key_groups))
    }

    /// Takes in what an epoch changed: call it once the record is durable. `eviction_us` is the watermark that the epoch evicted by.
    ///
    /// # Panics
    /// When an overlay is not of an open partition; [`changes`](Self::changes) has refused such overlays before.
    pub fn accept(&mut self, overlays: Overlays, eviction_us: i64) {
        let mut overlays = overlays;
        for (operator, partitions) in &mut self.operators {
            for (at, partition) in partitions.iter_mut().enumerate() {
                let overlay = overlays.remove(&(operator.clone(), at)).unwrap_or_default();
                partition.accept(overlay, eviction_us);
            }
        }
        assert!(overlays.is_empty(), "overlays of partitions that are not open: {:?}", overlays.keys());
    }

    /// Entries of one operator.
    pub fn rows(&self, operator: &OperatorId) -> u64 {
        self.operators.get(operator).into_iter().flatten().map(StateRead::len).sum()
    }

    /// Memory that one operator's state takes, about.
    pub fn bytes(&self, operator: &OperatorId) -> u64 {
        self.operators.get(operator).into_iter().flatten().map(PartitionState::bytes).sum()
    }

    /// This version, held still for an image.
    pub fn snapshot(&self) -> StateSnapshot {
        StateSnapshot { key_groups: self.key_groups, operators: self.operators.clone() }
    }
}

/// One version of a query's state, unchanged however the query goes on.
#[derive(Debug, Clone)]
pub struct StateSnapshot {
    pub(super) key_groups: u16,
    pub(super) operators: BTreeMap<OperatorId, Vec<PartitionState>>,
}

/// Builds a query's state from an image and the changelogs after it.
#[derive(Debug)]
pub struct StateLoader {
    key_groups: u16,
    operators: BTreeMap<OperatorId, Vec<StateTable>>,
}

impl StateLoader {
    /// A loader for these operators with so many tasks each, in the checkpoint's number of key groups.
    pub fn new(key_groups: u16, operators: impl IntoIterator<Item = (OperatorId, usize)>) -> Self {
        let operators = operators.into_iter().map(|(operator, tasks)| (operator, vec![StateTable::default(); tasks])).collect();
        Self { key_groups, operators }
    }

    /// Takes in an image; once, and before any changelog.
    ///
    /// # Errors
    /// `Corrupt` when it does not decode or is of another number of key groups; then this loader is spoilt.
    pub fn image(&mut self, image: &Image) -> Result<()> {
        if image.header.key_groups != self.key_groups {
            let (theirs, ours) = (image.header.key_groups, self.key_groups);
            return Err(Error::corrupt(format!("{}: has {theirs} key groups, its checkpoint {ours}", image.location())));
        }
        for operator in &image.header.operators {
            let tables = tables_of(&mut self.operators, &operator.id)?;
            let tasks = tables.len();
            image.visit(operator, 0..self.key_groups, &mut |stored| {
                let entry = Entry { due_us: stored.due_us, value: stored.value.into() };
                tables[task_of_group(stored.group, tasks, self.key_groups)].put_unindexed(stored.pane, stored.key.into(), entry);
            })?;
        }
        Ok(())
    }

    /// Takes in one partition's changes of the next epoch. Epochs must come in rising order.
    ///
    /// # Errors
    /// `Corrupt` when the block does not decode; then this loader is spoilt.
    pub fn change(&mut self, change: &StateChange) -> Result<()> {
        let key_groups = self.key_groups;
        let tables = tables_of(&mut self.operators, &change.operator)?;
        let tasks = tables.len();
        let owner = |key: &[u8]| task_of_group(group_of(key).expect("replay checks the group").min(key_groups - 1), tasks, key_groups);
        let groups = changelog::replay(&change.block, |groups, told| match told {
            Change::DropPane(pane) => {
                for (task, table) in tables.iter_mut().enumerate() {
                    let owned = groups_of_task(task, tasks, key_groups);
                    if groups.start <= owned.start && owned.end <= groups.end {
                        table.drop_pane(pane);
                    } else if groups.start < owned.end && owned.start < groups.end {
                        table.drop_groups(pane, groups);
                    }
                }
            }
            Change::Put { pane, key, due_us, value } => {
                tables[owner(key)].put_unindexed(pane, key.into(), Entry { due_us, value: value.into() })
            }
            Change::Remove { pane, key } => tables[owner(key)].remove(pane, key),
        })?;
        if groups != change.groups || groups.end > key_groups {
            return Err(Error::corrupt(format!(
                "a changelog of operator {} is of groups {groups:?}, not {:?}",
                change.operator, change.groups
            )));
        }
        Ok(())
    }

    /// The state.
    pub fn finish(self) -> QueryState {
        let wrap = |(operator, tables): (OperatorId, Vec<StateTable>)| (operator, tables.into_iter().map(indexed).collect());
        QueryState { key_groups: self.key_groups, operators: self.operators.into_iter().map(wrap).collect() }
    }
}

fn indexed(mut table: StateTable) -> PartitionState {
    table.build_index();
    PartitionState::new(table)
}

fn tables_of<'a>(operators: &'a mut BTreeMap<OperatorId, Vec<StateTable>>, operator: &OperatorId) -> Result<&'a mut Vec<StateTable>> {
    operators.get_mut(operator).ok_or_else(|| {
        Error::analysis(format!(
            "the checkpoint holds state of operator {operator}, which this query does not have; \
             restore the query, or start it with a new checkpoint"
        ))
    })
}

/// What tests compare: every entry of an operator.
#[cfg(test)]
pub(super) fn dump(state: &QueryState, operator: &OperatorId) -> HashMap<(i64, Vec<u8>), Entry> {
    let partitions = state.operators.get(operator).into_iter().flatten();
    let entries = |p: &PartitionState| {
        p.panes().into_iter().flat_map(|pane| p.entries(pane).map(move |(k, e)| ((pane, k.to_vec()), e.clone()))).collect::<Vec<_>>()
    };
    partitions.flat_map(entries).collect()
}
