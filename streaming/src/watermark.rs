//! The watermark of a query, from the event times that its epochs saw. It does not see rows; what is late is the operators' to say.
//!
//! ```text
//! per node:  watermark = max(watermark, greatest event time seen − delay)         never falls
//! query:     the least of its nodes (or the greatest, by policy)                  never falls
//! epoch n:   late = the query's after epoch n−2, eviction = the query's after epoch n−1
//! ```
//!
//! Spark persists the query's watermark alone, so that after a restart it stands still until every node has seen a row again;
//! here the nodes' own are in the record too.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tidemill_planner::seam::Watermarks;
use tidemill_planner::{Error, OperatorId, Result};

/// Watermarks after an epoch, microseconds of event time; `i64::MIN` before any event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkState {
    /// Each watermark node's own, of those that have seen a row.
    pub nodes: BTreeMap<OperatorId, i64>,
    /// The query's: what the next epoch evicts by.
    pub global_us: i64,
}

impl WatermarkState {
    /// Before any event.
    pub const NONE: Self = Self { nodes: BTreeMap::new(), global_us: i64::MIN };
}

/// How several nodes make one watermark (Spark's `spark.sql.streaming.multipleWatermarkPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WatermarkPolicy {
    /// The slowest node's: nothing is late that any node would still take.
    #[default]
    Min,
    /// The fastest node's.
    Max,
}

impl WatermarkPolicy {
    /// Spark's name of the setting.
    pub const SETTING: &str = "spark.sql.streaming.multipleWatermarkPolicy";

    /// The policy that a query's pinned settings ask for.
    ///
    /// # Errors
    /// `Analysis` for a value that is none.
    pub fn of(settings: &BTreeMap<String, String>) -> Result<Self> {
        match settings.get(Self::SETTING).map(|value| value.to_ascii_lowercase()).as_deref() {
            None | Some("min") => Ok(Self::Min),
            Some("max") => Ok(Self::Max),
            Some(other) => Err(Error::analysis(format!("setting `{}` is `min` or `max`, not `{other}`", Self::SETTING))),
        }
    }
}

/// Follows the watermark of a query from epoch to epoch.
#[derive(Debug, Clone)]
pub struct WatermarkTracker {
    policy: WatermarkPolicy,
    delays_us: BTreeMap<OperatorId, i64>,
    state: WatermarkState,
    late_us: i64,
}

impl WatermarkTracker {
    /// A tracker of these nodes and their delays, before any event.
    pub fn new(policy: WatermarkPolicy, delays_us: impl IntoIterator<Item = (OperatorId, i64)>) -> Self {
        Self { policy, delays_us: delays_us.into_iter().collect(), state: WatermarkState::NONE, late_us: i64::MIN }
    }

    /// Takes up where an epoch left off: the watermarks that it ran by, and those after it. A node that the query no longer has
    /// is forgotten; the query's watermark stays where it was.
    pub fn restore(&mut self, ran_by: Watermarks, after: &WatermarkState) {
        self.late_us = ran_by.eviction_us;
        self.state = after.clone();
        self.state.nodes.retain(|node, _| self.delays_us.contains_key(node));
    }

    /// What the next epoch runs by.
    pub fn next(&self) -> Watermarks {
        Watermarks { late_us: self.late_us, eviction_us: self.state.global_us }
    }

    /// Takes in what an epoch saw: it ran by [`next`](Self::next), and `maxima_us` are the greatest event times that passed each node.
    pub fn epoch_done(&mut self, maxima_us: &HashMap<OperatorId, i64>) {
        self.late_us = self.state.global_us;
        for (node, delay_us) in &self.delays_us {
            if let Some(max_us) = maxima_us.get(node) {
                let seen = max_us.saturating_sub(*delay_us);
                let own = self.state.nodes.entry(node.clone()).or_insert(seen);
                *own = (*own).max(seen);
            }
        }
        let own = |node| self.state.nodes.get(node).copied().unwrap_or(i64::MIN);
        let all = self.delays_us.keys().map(own);
        let now = match self.policy {
            WatermarkPolicy::Min => all.min(),
            WatermarkPolicy::Max => all.max(),
        };
        self.state.global_us = self.state.global_us.max(now.unwrap_or(i64::MIN));
    }

    /// Whether the watermark has moved since the last epoch evicted by it: state may be final that no epoch has emitted yet, so
    /// an epoch without data is worth running.
    pub fn moved(&self) -> bool {
        self.state.global_us > self.late_us
    }

    /// The watermarks after the last epoch, for its record.
    pub fn state(&self) -> &WatermarkState {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> OperatorId {
        OperatorId::new(name)
    }

    fn run(tracker: &mut WatermarkTracker, epochs: &[&[(&str, i64)]]) -> Vec<(i64, i64)> {
        let step = |seen: &&[(&str, i64)]| {
            tracker.epoch_done(&seen.iter().map(|(node, max)| (id(node), *max)).collect());
            (tracker.next().late_us, tracker.next().eviction_us)
        };
        epochs.iter().map(step).collect()
    }

    const NONE: i64 = i64::MIN;

    #[test]
    fn late_trails_eviction_by_an_epoch_and_neither_falls() {
        let mut tracker = WatermarkTracker::new(WatermarkPolicy::Min, [(id("a"), 10)]);
        assert_eq!(tracker.next(), Watermarks::NONE);
        let seen = run(&mut tracker, &[&[("a", 100)], &[], &[("a", 50)], &[("a", 130)], &[]]);
        assert_eq!(seen, [(NONE, 90), (90, 90), (90, 90), (90, 120), (120, 120)]);
    }

    #[test]
    fn several_nodes() {
        let nodes = || [(id("a"), 0), (id("b"), 5)];
        let epochs: &[&[(&str, i64)]] = &[&[("a", 100)], &[("b", 60)], &[("a", 200), ("x", 999)], &[("b", 150)]];
        let evictions = |policy| run(&mut WatermarkTracker::new(policy, nodes()), epochs).iter().map(|e| e.1).collect::<Vec<_>>();
        assert_eq!(evictions(WatermarkPolicy::Min), [NONE, 55, 55, 145]);
        assert_eq!(evictions(WatermarkPolicy::Max), [100, 100, 200, 200]);
        let mut none = WatermarkTracker::new(WatermarkPolicy::Min, []);
        assert_eq!(run(&mut none, &[&[("a", 100)]]), [(NONE, NONE)]);
        assert!(!none.moved());
    }

    #[test]
    fn a_restart_forgets_nothing() {
        let epochs: &[&[(&str, i64)]] = &[&[("a", 100), ("b", 90)], &[("a", 300)], &[("b", 200)], &[], &[("a", 400)]];
        let nodes = || [(id("a"), 0), (id("b"), 0)];
        let through = run(&mut WatermarkTracker::new(WatermarkPolicy::Min, nodes()), epochs);
        for cut in 1..epochs.len() {
            let mut before = WatermarkTracker::new(WatermarkPolicy::Min, nodes());
            run(&mut before, &epochs[..cut - 1]);
            let ran_by = before.next();
            run(&mut before, &epochs[cut - 1..cut]);
            let mut after = WatermarkTracker::new(WatermarkPolicy::Min, nodes());
            after.restore(ran_by, before.state());
            assert_eq!(after.next(), before.next());
            assert_eq!(run(&mut after, &epochs[cut..]), through[cut..], "restart after {cut}");
        }
    }

    #[test]
    fn a_moved_watermark_asks_for_one_more_epoch() {
        let mut tracker = WatermarkTracker::new(WatermarkPolicy::Min, [(id("a"), 0)]);
        run(&mut tracker, &[&[("a", 7)]]);
        assert!(tracker.moved());
        run(&mut tracker, &[&[]]);
        assert!(!tracker.moved());
    }
}
