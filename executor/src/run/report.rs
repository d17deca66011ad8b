//! What a run's tasks reported, put together: state changes, event times, counters and sizes. Only accepted attempts count.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use tidemill_planner::seam::state::Overlay;
use tidemill_planner::seam::{OperatorMetrics, Port};
use tidemill_planner::stage::{Change, StageGraph, StageId, StageSize};
use tidemill_planner::{OperatorId, SourceId};

use super::TaskRecord;
use super::figures::{self, OperatorStats};

/// What a run gave beside rows.
#[derive(Debug, Default)]
pub struct RunReport {
    /// State changes, by operator and partition.
    pub overlays: HashMap<(OperatorId, usize), Overlay>,
    /// The greatest event time that passed each watermark node, microseconds.
    pub event_time_max_us: HashMap<OperatorId, i64>,
    /// Counters, summed over tasks.
    pub metrics: HashMap<OperatorId, OperatorMetrics>,
    /// Rows that each source gave, malformed ones included.
    pub source_rows: HashMap<SourceId, u64>,
    /// Rows left at each port, whether or not they were read.
    pub side_rows: HashMap<(String, Port), u64>,
    /// By stage, in the graph's order, but for those that became part of another.
    pub stages: Vec<StageStats>,
    /// How many files operators spilled into, by what they said of them.
    pub spills: BTreeMap<String, u64>,
    /// What was changed while it ran.
    pub changes: Vec<Change>,
    /// The stages as they were run at last.
    pub graph: StageGraph,
    /// From the call to the last task's end.
    pub elapsed: Duration,
}

/// How large a stage was and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageStats {
    /// The stage.
    pub stage: StageId,
    /// How many tasks it had.
    pub tasks: usize,
    /// Attempts beyond the first of each task.
    pub retries: u64,
    /// The executors on which the accepted attempts ran, rising.
    pub executors: Vec<usize>,
    /// Rows by written partition, exactly.
    pub rows: Vec<u64>,
    /// Bytes in memory of those rows.
    pub bytes: Vec<u64>,
    /// How many of the blocks that hold them went to disk.
    pub spilled_blocks: u64,
    /// Bytes that those took there.
    pub spilled_bytes: u64,
    /// What its operators did, the last one first and below each what it reads; none unless the run was measured.
    pub operators: Vec<OperatorStats>,
    /// From the first task's start to the last one's end.
    pub elapsed: Duration,
}

pub(super) fn merge(graph: StageGraph, tasks: Vec<Vec<TaskRecord>>, changes: Vec<Change>, elapsed: Duration) -> RunReport {
    let mut report = RunReport { elapsed, changes, ..RunReport::default() };
    for (stage, tasks) in graph.stages.iter().zip(tasks) {
        if stage.absorbed_by.is_some() {
            continue;
        }
        report.stages.push(stats(stage.id, stage.output_partitions(), &tasks));
        for (partition, task) in tasks.into_iter().enumerate() {
            for (operator, overlay) in task.report.overlays {
                report.overlays.insert((operator, partition), overlay);
            }
            for (operator, time) in task.report.event_time_max_us {
                report.event_time_max_us.entry(operator).and_modify(|max| *max = time.max(*max)).or_insert(time);
            }
            for (operator, metrics) in task.report.metrics {
                report.metrics.entry(operator).or_default().add(&metrics);
            }
            for (source, rows) in task.report.source_rows {
                *report.source_rows.entry(source).or_default() += rows;
            }
            for (port, rows) in task.side_rows {
                *report.side_rows.entry(port).or_default() += rows;
            }
        }
    }
    report.graph = graph;
    report
}

/// How large a stage is by written partition.
pub(super) fn size(partitions: usize, tasks: &[TaskRecord]) -> StageSize {
    let (mut rows, mut bytes) = (vec![0; partitions], vec![0; partitions]);
    for (index, task) in tasks.iter().enumerate() {
        // A task whose output is passed through has one partition: its own.
        let own = task.rows.len() == 1 && partitions != 1;
        for (p, (r, b)) in task.rows.iter().zip(&task.bytes).enumerate() {
            let partition = if own { index } else { p };
            rows[partition] += r;
            bytes[partition] += b;
        }
    }
    StageSize { rows, bytes }
}

fn stats(stage: StageId, partitions: usize, tasks: &[TaskRecord]) -> StageStats {
    let StageSize { rows, bytes } = size(partitions, tasks);
    let first: Option<Instant> = tasks.iter().filter_map(|t| t.started).min();
    let last = tasks.iter().filter_map(|t| t.ended).max();
    let elapsed = first.zip(last).map_or(Duration::ZERO, |(first, last)| last.saturating_duration_since(first));
    let retries = tasks.iter().map(|t| u64::from(t.attempts.saturating_sub(1))).sum();
    let executors: BTreeSet<usize> = tasks.iter().filter(|t| t.ended.is_some()).map(|t| t.executor).collect();
    let executors = executors.into_iter().collect();
    let spilled_blocks = tasks.iter().map(|t| t.spilled_blocks).sum();
    let spilled_bytes = tasks.iter().map(|t| t.spilled_bytes).sum();
    let operators = figures::sum(tasks.iter().map(|t| t.operators.as_slice()).filter(|operators| !operators.is_empty()));
    StageStats { stage, tasks: tasks.len(), retries, executors, rows, bytes, spilled_blocks, spilled_bytes, operators, elapsed }
}
