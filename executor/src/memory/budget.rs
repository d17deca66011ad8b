//! How many bytes an engine's queries may hold in memory: blocks between stages, and what operators hold beside them. It counts; what is
//! done with what does not fit is decided by those who ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a task whose operators hold rows should find of the budget.
const TASK_BYTES: u64 = 64 << 20;

/// Bytes that all queries of an engine share.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit: u64,
    /// The most of it that blocks may take, so that operators always find something.
    blocks_limit: u64,
    blocks: AtomicU64,
    operators: AtomicU64,
}

impl MemoryBudget {
    /// A budget of so many bytes; blocks take at most `blocks_limit` of them.
    pub(crate) fn new(limit: u64, blocks_limit: u64) -> Self {
        Self { limit, blocks_limit: blocks_limit.min(limit), blocks: AtomicU64::new(0), operators: AtomicU64::new(0) }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// What each of so many tasks at once may hold that cannot go to disk: an equal share of what blocks leave, and of a quarter where they
    /// may take nearly all.
    pub(crate) fn fixed_share(&self, tasks: usize) -> u64 {
        (self.limit - self.blocks_limit).max(self.limit / 4) / tasks.max(1) as u64
    }

    /// For how many tasks whose operators hold rows there is enough, if one query alone has all of it.
    pub(crate) fn tasks_fed(&self) -> usize {
        usize::try_from(self.limit / TASK_BYTES).unwrap_or(usize::MAX)
    }

    /// Bytes of blocks.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Bytes that operators hold.
    pub(crate) fn operators(&self) -> u64 {
        self.operators.load(Ordering::Relaxed)
    }

    /// What operators hold from now on; they keep count themselves.
    pub(super) fn set_operators(&self, bytes: u64) {
        self.operators.store(bytes, Ordering::Relaxed);
    }
}

/// A share of the budget for blocks, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<MemoryBudget>,
    bytes: u64,
}

impl Reservation {
    pub(crate) fn none_of(budget: &Arc<MemoryBudget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Adds `bytes`, unless the budget would be exceeded.
    pub(crate) fn try_grow(&mut self, bytes: u64) -> bool {
        let room = self.budget.limit.saturating_sub(self.budget.operators()).min(self.budget.blocks_limit);
        let grown = self.budget.blocks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let after = used.saturating_add(bytes);
            (after <= room).then_some(after)
        });
        if grown.is_ok() {
            self.bytes += bytes;
        }
        grown.is_ok()
    }

    /// Adds `bytes` whatever the budget: they are held, and others see that.
    pub(crate) fn grow(&mut self, bytes: u64) {
        self.budget.blocks.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.blocks.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Half of what the machine, or the control group that the process is in, has.
pub(crate) fn default_memory_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of_meminfo(&text));
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(group).min().unwrap_or(8 << 30) / 2
}

fn total_of_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_refused_over_the_limit_and_given_back() {
        let budget = Arc::new(MemoryBudget::new(200, 100));
        let mut one = Reservation::none_of(&budget);
        let mut two = Reservation::none_of(&budget);
        assert!(one.try_grow(60));
        assert!(!two.try_grow(41));
        assert!(two.try_grow(40));
        drop(one);
        assert_eq!(budget.blocks(), 40);
        budget.set_operators(150);
        assert!(!two.try_grow(11), "operators hold the rest");
        assert!(two.try_grow(10));
    }

    #[test]
    fn tasks_share_what_blocks_leave() {
        for (limit, blocks, tasks, expected) in [(100, 60, 2, 20), (100, 60, 1, 40), (100, 100, 5, 5), (100, 200, 0, 25), (0, 0, 2, 0)] {
            assert_eq!(MemoryBudget::new(limit, blocks).fixed_share(tasks), expected, "{limit} bytes, {blocks} for blocks, {tasks} tasks");
        }
    }

    #[test]
    fn a_budget_feeds_so_many_tasks() {
        for (limit, tasks) in [(0, 0), ((64 << 20) - 1, 0), (64 << 20, 1), (1 << 30, 16)] {
            assert_eq!(MemoryBudget::new(limit, limit).tasks_fed(), tasks, "{limit}");
        }
    }

    #[test]
    fn meminfo() {
        assert_eq!(total_of_meminfo("MemTotal:       24 kB\nMemFree: 1 kB\n"), Some(24 << 10));
        assert_eq!(total_of_meminfo(""), None);
    }
}
