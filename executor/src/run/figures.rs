//! What the operators of a plan did in one run of it: rows, time, spills, and what scans left unread. It is read off an instance when its
//! tasks are done; the engine's own metrics say the rest, where they were not there before the run: files' are shared by all instances
//! that read them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{Metric, MetricValue};
use tidemill_planner::stage::line_of;

use crate::operators::MeasuredExec;

/// What one operator of a stage did, in all of its tasks together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperatorStats {
    /// How many operators stand over it in its stage.
    pub depth: usize,
    /// The operator as a line of a plan, with the filters that it has learnt while it ran.
    pub text: String,
    /// Rows that it gave.
    pub rows: u64,
    /// How long it computed, without what it reads.
    pub elapsed: Duration,
    /// Files that it spilled into.
    pub spilled_files: u64,
    /// Bytes that it wrote there.
    pub spilled_bytes: u64,
    /// Of one that reads files that say so: what was read, and what was not.
    pub scan: Option<ScanStats>,
}

/// What a scan of files read, and what it could leave out by the files' own statistics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Bytes that were read.
    pub bytes_scanned: u64,
    /// Files, or parts of them where they are cut for tasks.
    pub file_ranges: u64,
    /// Those of them that were not read.
    pub file_ranges_pruned: u64,
    /// Row groups of files that were opened.
    pub row_groups: u64,
    /// Those of them that were not read.
    pub row_groups_pruned: u64,
}

impl OperatorStats {
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.elapsed += other.elapsed;
        self.spilled_files += other.spilled_files;
        self.spilled_bytes += other.spilled_bytes;
        if let Some(other) = &other.scan {
            let scan = self.scan.get_or_insert_default();
            scan.bytes_scanned += other.bytes_scanned;
            scan.file_ranges += other.file_ranges;
            scan.file_ranges_pruned += other.file_ranges_pruned;
            scan.row_groups += other.row_groups;
            scan.row_groups_pruned += other.row_groups_pruned;
        }
    }
}

/// What the instances of one plan did together; the same operators in each.
pub(super) fn sum<'a>(instances: impl Iterator<Item = &'a [OperatorStats]>) -> Vec<OperatorStats> {
    let mut all: Vec<OperatorStats> = Vec::new();
    for instance in instances {
        if all.is_empty() {
            all = instance.to_vec();
        } else {
            all.iter_mut().zip(instance).for_each(|(sum, one)| sum.add(one));
        }
    }
    all
}

/// A plan instance whose figures are wanted.
#[derive(Debug)]
pub(super) struct Figures {
    plan: Arc<dyn ExecutionPlan>,
    /// The one partition that is run, where others have instances of their own.
    partition: Option<usize>,
    /// Metrics of earlier runs, by their address; held, so that no later one has it.
    before: HashMap<usize, Arc<Metric>>,
}

impl Figures {
    /// Those of an instance that has not run yet; a [`MeasuredExec`] is over each of its nodes.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>, partition: Option<usize>) -> Self {
        let mut before = HashMap::new();
        note(plan, &mut before);
        Self { plan: Arc::clone(plan), partition, before }
    }

    /// What there is now, the last operator first and below each what it reads.
    pub(super) fn read(&self) -> Vec<OperatorStats> {
        let mut found = Vec::new();
        self.walk(&self.plan, 0, &mut found);
        found
    }

    /// Adds the operators of a plan, and says how long its polls took.
    fn walk(&self, plan: &Arc<dyn ExecutionPlan>, depth: usize, found: &mut Vec<OperatorStats>) -> Duration {
        let measured = plan.downcast_ref::<MeasuredExec>();
        let Some((measured, node)) = measured.and_then(|measured| Some((measured, measured.node()?))) else {
            return plan.children().into_iter().map(|child| self.walk(child, depth, found)).sum();
        };
        let mut stats = OperatorStats { depth, text: line_of(node), rows: measured.rows(), ..OperatorStats::default() };
        let said = self.said(node, &mut stats);
        let at = found.len();
        found.push(stats);
        let inputs: Duration = node.children().into_iter().map(|child| self.walk(child, depth + 1, found)).sum();
        found[at].elapsed = if said.is_zero() { measured.elapsed().saturating_sub(inputs) } else { said };
        measured.elapsed()
    }

    /// What the node says itself; gives how long it says that it computed.
    fn said(&self, node: &Arc<dyn ExecutionPlan>, stats: &mut OperatorStats) -> Duration {
        let mut elapsed = Duration::ZERO;
        let Some(metrics) = node.metrics() else { return elapsed };
        for metric in &metrics {
            let others = self.partition.is_some() && metric.partition().is_some() && metric.partition() != self.partition;
            if others || self.before.contains_key(&address(metric)) {
                continue;
            }
            match metric.value() {
                MetricValue::ElapsedCompute(time) => elapsed += Duration::from_nanos(time.value() as u64),
                MetricValue::SpillCount(files) => stats.spilled_files += files.value() as u64,
                MetricValue::SpilledBytes(bytes) => stats.spilled_bytes += bytes.value() as u64,
                MetricValue::Count { name, count } => match &**name {
                    "bytes_scanned" => stats.scan.get_or_insert_default().bytes_scanned += count.value() as u64,
                    "row_groups_pruned_dynamic_filter" => stats.scan.get_or_insert_default().row_groups_pruned += count.value() as u64,
                    _ => {}
                },
                MetricValue::PruningMetrics { name, pruning_metrics } => {
                    let (pruned, matched) = (pruning_metrics.pruned() as u64, pruning_metrics.matched() as u64);
                    match &**name {
                        "files_ranges_pruned_statistics" => {
                            let scan = stats.scan.get_or_insert_default();
                            scan.file_ranges += pruned + matched;
                            scan.file_ranges_pruned += pruned;
                        }
                        "row_groups_pruned_statistics" => {
                            let scan = stats.scan.get_or_insert_default();
                            scan.row_groups += pruned + matched;
                            scan.row_groups_pruned += pruned;
                        }
                        // Those that are left by the above are asked again.
                        "row_groups_pruned_bloom_filter" | "limit_pruned_row_groups" => {
                            stats.scan.get_or_insert_default().row_groups_pruned += pruned;
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        elapsed
    }
}

fn note(plan: &Arc<dyn ExecutionPlan>, before: &mut HashMap<usize, Arc<Metric>>) {
    if let Some(metrics) = plan.metrics() {
        before.extend(metrics.into_iter().map(|metric| (address(&metric), metric)));
    }
    plan.children().into_iter().for_each(|child| note(child, before));
}

fn address(metric: &Arc<Metric>) -> usize {
    Arc::as_ptr(metric).addr()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{OperatorStats, ScanStats, sum};

    #[test]
    fn instances_are_added_up() {
        let one = |rows: u64, bytes: Option<u64>| OperatorStats {
            text: "a scan".to_owned(),
            rows,
            elapsed: Duration::from_millis(rows),
            spilled_files: 1,
            spilled_bytes: 10 * rows,
            scan: bytes.map(|bytes_scanned| ScanStats { bytes_scanned, row_groups: 2, row_groups_pruned: 1, ..ScanStats::default() }),
            ..OperatorStats::default()
        };
        for (instances, expected) in [
            (vec![], None),
            (vec![one(3, Some(7))], Some((3, 1, Some((7, 2, 1))))),
            (vec![one(3, None), one(4, Some(7)), one(0, Some(1))], Some((7, 3, Some((8, 4, 2))))),
            (vec![one(3, None), one(4, None)], Some((7, 2, None))),
        ] {
            let found = sum(instances.iter().map(std::slice::from_ref));
            let first = found.first().map(|stats| {
                assert_eq!((stats.elapsed, stats.spilled_bytes), (Duration::from_millis(stats.rows), 10 * stats.rows));
                let scan = stats.scan.as_ref().map(|scan| (scan.bytes_scanned, scan.row_groups, scan.row_groups_pruned));
                (stats.rows, stats.spilled_files, scan)
            });
            assert_eq!(first, expected);
        }
    }
}
