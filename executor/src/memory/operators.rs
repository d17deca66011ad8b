//! What DataFusion's operators hold, as their pool: each takes what it needs while half of the budget is free; beyond that, those that can
//! spill have equal shares of what the others leave. For a moment they hold more than there is: when one of them has just come, when one
//! begins with its first batch, and while the rows of one that spills are merged. The first half of an aggregation by
//! keys in no order gives its groups away at a size (`PARTIAL_GROUPS`, a partition) that a large table would not be better than.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

use super::MemoryBudget;

/// DataFusion's name for the first half of an aggregation, in its `aggregates/hash_stream.rs`: it gives away its groups when it is refused
/// memory, and begins anew. Under another name nothing is refused, and its table grows as others do.
const PARTIAL_AGGREGATION: &str = "PartialHashAggregateStream";
/// How many bytes of groups it holds at once. Rows that have their groups close together are added up as well in a small table; in a large
/// one each row waits for memory. More than this is held by the rows after which the engine asks whether adding up is worth it at all.
const PARTIAL_GROUPS: u64 = 16 << 20;

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
    /// First halves of aggregations that have just been refused more than [`PARTIAL_GROUPS`], by consumer: what they hold now is what is
    /// left when their groups are gone.
    emptied: HashSet<usize>,
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

/// Whether the consumer is the first half of an aggregation that gives its groups away now.
fn is_full(held: &mut Held, reservation: &MemoryReservation, additional: u64) -> bool {
    let (consumer, own) = (reservation.consumer(), reservation.size() as u64);
    if own == 0 || own.saturating_add(additional) <= PARTIAL_GROUPS || !consumer.name().starts_with(PARTIAL_AGGREGATION) {
        return false;
    }
    // What is left is more than a table may have: the next one is larger.
    if held.emptied.remove(&consumer.id()) {
        return false;
    }
    held.emptied.insert(consumer.id())
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
        held.emptied.remove(&consumer.id());
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.add(&mut self.held(), reservation, additional as u64);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut held = self.held();
        held.emptied.remove(&reservation.consumer().id());
        let part = if reservation.consumer().can_spill() { &mut held.spillable } else { &mut held.fixed };
        *part = part.saturating_sub(shrink as u64);
        self.budget.set_operators(held.spillable + held.fixed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held();
        if is_full(&mut held, reservation, additional as u64) {
            return Err(DataFusionError::ResourcesExhausted("the groups are given to the second half of the aggregation".to_owned()));
        }
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
        let held = |spillers, spillable, fixed| Held { spillers, spillable, fixed, ..Held::default() };
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
    fn the_first_half_of_an_aggregation_gives_its_groups_away() {
        let budget = Arc::new(MemoryBudget::new(1 << 30, 1 << 30));
        let pool: Arc<dyn MemoryPool> = Arc::new(OperatorMemory::of(&budget));
        let most = PARTIAL_GROUPS as usize;
        let [first, other] = ["PartialHashAggregateStream[0]", "FinalHashAggregateStream[0]"]
            .map(|name| MemoryConsumer::new(name).with_can_spill(true).register(&pool));
        first.try_grow(2 * most).expect("whoever holds nothing can give nothing away");
        assert!(matches!(first.try_grow(1), Err(DataFusionError::ResourcesExhausted(_))));
        first.try_grow(1).expect("what is left of a table that was emptied is had");
        first.try_grow(1).unwrap_err();
        first.shrink(2 * most);
        first.try_grow(most - 1).unwrap();
        first.try_grow(1).unwrap_err();
        other.try_grow(2 * most).unwrap();
        other.try_grow(2 * most).unwrap();
        drop(first);
        assert!(pool.reserved() == 4 * most);
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
