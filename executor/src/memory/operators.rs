//! What DataFusion's operators hold, as their pool: each takes what it needs while half of the budget is free; beyond that, those that can
//! spill have equal shares of what the others leave. For a moment they hold more than there is: when one of them has just come, when one
//! begins with its first batch, and while the rows of one that spills are merged.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

use super::MemoryBudget;

/// The operators' part of an engine's budget.
#[derive(Debug)]
pub(crate) struct OperatorMemory {
    budget: Arc<MemoryBudget>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// How many operators can spill.
    spillers: u64,
    /// Bytes that they hold.
    spillable: u64,
    /// Bytes of those that cannot.
    fixed: u64,
}

impl OperatorMemory {
    pub(crate) fn of(budget: &Arc<MemoryBudget>) -> Self {
        Self { budget: Arc::clone(budget), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, held: &mut Held, reservation: &MemoryReservation, bytes: u64) {
        let part = if reservation.consumer().can_spill() { &mut held.spillable } else { &mut held.fixed };
        *part += bytes;
        self.budget.set_operators(held.spillable + held.fixed);
    }
}

/// Whether an operator may hold `wanted` more bytes: of `limit` bytes, blocks hold `blocks` and it holds `own`.
fn may_grow(held: &Held, limit: u64, blocks: u64, own: u64, wanted: u64, can_spill: bool) -> bool {
    let after = blocks.saturating_add(held.spillable).saturating_add(held.fixed).saturating_add(wanted);
    if !can_spill {
        // What merges has to go on for anything to be given back: spilled files, and before that the rows that are to be spilled, which it
        // takes over from their sort one by one while others take what the sort has let go.
        return after <= limit || held.fixed.saturating_add(wanted) <= limit / 2;
    }
    if after <= limit / 2 {
        return true;
    }
    // Who holds nothing can spill nothing, and would fail.
    if own == 0 && wanted <= limit / 4 && after <= limit + limit / 4 {
        return true;
    }
    // Who comes later has a share, too: those who took more while they were alone spill when they next ask.
    let share = limit.saturating_sub(blocks).saturating_sub(held.fixed) / held.spillers.max(1);
    own.saturating_add(wanted) <= share
}

impl fmt::Display for OperatorMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.reserved(), self.budget.limit())
    }
}

impl MemoryPool for OperatorMemory {
    fn name(&self) -> &'static str {
        "tidemill"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.held().spillers += u64::from(consumer.can_spill());
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let mut held = self.held();
        held.spillers = held.spillers.saturating_sub(u64::from(consumer.can_spill()));
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.add(&mut self.held(), reservation, additional as u64);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut held = self.held();
        let part = if reservation.consumer().can_spill() { &mut held.spillable } else { &mut held.fixed };
        *part = part.saturating_sub(shrink as u64);
        self.budget.set_operators(held.spillable + held.fixed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held();
        let (limit, blocks, can_spill) = (self.budget.limit(), self.budget.blocks(), reservation.consumer().can_spill());
        if may_grow(&held, limit, blocks, reservation.size() as u64, additional as u64, can_spill) {
            self.add(&mut held, reservation, additional as u64);
            return Ok(());
        }
        Err(DataFusionError::ResourcesExhausted(format!(
            "{} holds {} bytes and needs {additional} more; of {limit}, blocks between stages hold {blocks}, operators that can spill {}, and \
             others {}: raise `tidemill.memoryBytes`, or give the query fewer rows at once with more `spark.sql.shuffle.partitions`",
            reservation.consumer().name(),
            reservation.size(),
            held.spillable,
            held.fixed,
        )))
    }

    fn reserved(&self) -> usize {
        self.budget.operators() as usize
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.budget.limit() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_free_for_all_and_the_rest_is_shared() {
        let held = |spillers, spillable, fixed| Held { spillers, spillable, fixed };
        // Of a hundred: held, blocks, own, wanted, can spill.
        for (now, blocks, own, wanted, can_spill, expected) in [
            (held(4, 0, 0), 0, 0, 50, true, true),
            (held(4, 0, 0), 0, 0, 51, true, false),
            (held(4, 60, 20), 0, 0, 25, true, true),
            (held(4, 60, 20), 0, 0, 26, true, false),
            (held(4, 60, 20), 0, 1, 25, true, false),
            (held(4, 60, 20), 30, 0, 15, true, true),
            (held(4, 60, 20), 30, 0, 16, true, false),
            (held(4, 0, 0), 0, 0, 100, false, true),
            (held(4, 0, 0), 1, 0, 100, false, false),
            (held(2, 40, 0), 20, 20, 20, true, true),
            (held(2, 40, 0), 20, 20, 21, true, false),
            (held(2, 40, 20), 20, 20, 10, true, true),
            (held(2, 40, 20), 20, 20, 11, true, false),
            (held(2, 80, 20), 0, 0, 40, true, true),
            (held(2, 80, 20), 0, 80, 1, true, false),
            (held(2, 80, 20), 0, 0, 30, false, true),
            (held(2, 80, 20), 0, 0, 31, false, false),
            (held(2, 20, 20), 60, 0, 30, false, true),
            (held(2, 20, 20), 60, 0, 31, false, false),
            (held(0, 0, 0), 60, 0, 40, true, true),
        ] {
            assert_eq!(may_grow(&now, 100, blocks, own, wanted, can_spill), expected, "{now:?}, {blocks} blocks, {own} + {wanted}");
        }
    }

    #[test]
    fn what_operators_hold_blocks_cannot_have() {
        let budget = Arc::new(MemoryBudget::new(100, 100));
        let pool: Arc<dyn MemoryPool> = Arc::new(OperatorMemory::of(&budget));
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        sort.try_grow(70).unwrap();
        assert_eq!(budget.operators(), 70);
        let error = sort.try_grow(31).unwrap_err();
        assert!(matches!(error, DataFusionError::ResourcesExhausted(_)) && error.to_string().contains("tidemill.memoryBytes"), "{error}");
        drop(sort);
        assert_eq!(budget.operators(), 0);
    }
}
