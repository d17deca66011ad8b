//! Progress of an epoch in Spark's words, from what the loop measured. It measures nothing itself but time.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;
use tidemill_planner::OperatorId;
use tidemill_planner::seam::{OperatorMetrics, Port};

use super::QueryPlan;
use super::handle::Shared;
use crate::progress::{
    SinkProgress, SourceProgress, StateOperatorProgress, StreamingQueryProgress, TidemillProgress, rows_per_second, timestamp,
};
use crate::record::EpochRecord;
use crate::state::QueryState;

/// A stop watch over an epoch's phases.
#[derive(Debug)]
pub(super) struct Measured {
    started: Instant,
    last: Instant,
    laps_ms: HashMap<&'static str, f64>,
    durable_ms: f64,
    visible_ms: f64,
}

impl Measured {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, last: started, laps_ms: HashMap::new(), durable_ms: 0.0, visible_ms: 0.0 }
    }

    /// The time since the last lap was `phase`'s.
    pub(super) fn lap(&mut self, phase: &'static str) {
        let now = Instant::now();
        self.laps_ms.insert(phase, (now - self.last).as_secs_f64() * 1e3);
        self.last = now;
    }

    pub(super) fn durable(&mut self) {
        self.durable_ms = self.started.elapsed().as_secs_f64() * 1e3;
    }

    pub(super) fn visible(&mut self) {
        self.visible_ms = self.started.elapsed().as_secs_f64() * 1e3;
    }

    /// When the epoch began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    fn ms(&self, phase: &str) -> f64 {
        self.laps_ms.get(phase).copied().unwrap_or(0.0)
    }
}

/// One sink's part of a published epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published {
    pub(super) rows_updated: u64,
    /// From the end of the record to visible.
    pub(super) visible: Duration,
}

/// What the run reported, without the state changes, which have moved on.
pub(super) struct RunFigures {
    pub(super) metrics: HashMap<OperatorId, OperatorMetrics>,
    pub(super) side_rows: HashMap<(String, Port), u64>,
}

/// Everything that an epoch's progress is made of.
pub(super) struct EpochFigures<'a> {
    pub(super) plan: &'a QueryPlan,
    pub(super) shared: &'a Shared,
    pub(super) record: &'a EpochRecord,
    pub(super) run: &'a RunFigures,
    pub(super) state: &'a QueryState,
    pub(super) published: &'a [(String, Published)],
    pub(super) record_bytes: u64,
    /// From the start of the epoch before, in this run.
    pub(super) since_last_ms: Option<f64>,
    /// The greatest event time that passed a watermark node in this epoch, microseconds.
    pub(super) event_time_max_us: Option<i64>,
    pub(super) measured: &'a Measured,
}

/// The epoch's progress.
pub(super) fn progress(of: &EpochFigures<'_>) -> StreamingQueryProgress {
    let EpochFigures { plan, shared, record, run, measured, .. } = of;
    let total_ms = measured.started.elapsed().as_secs_f64() * 1e3;
    let rows: u64 = record.source_rows.values().sum();
    let whole = |ms: f64| ms.round() as u64;
    let duration_ms = [
        ("latestOffset", measured.ms("discover")),
        ("getBatch", 0.0),
        ("queryPlanning", 0.0),
        ("addBatch", measured.ms("run") + measured.ms("stage") + measured.ms("publish")),
        ("walCommit", measured.ms("promise") + measured.ms("record")),
        ("commitOffsets", measured.ms("settle")),
        ("triggerExecution", total_ms),
    ];
    let mut event_time = BTreeMap::new();
    if record.cut.watermarks.eviction_us != i64::MIN {
        event_time.insert("watermark".to_owned(), timestamp(record.cut.watermarks.eviction_us.div_euclid(1000)));
    }
    if let Some(max_us) = of.event_time_max_us {
        event_time.insert("max".to_owned(), timestamp(max_us.div_euclid(1000)));
    }
    let sinks = sinks(of);
    StreamingQueryProgress {
        id: shared.id.clone(),
        run_id: shared.run_id.clone(),
        name: shared.name.clone(),
        timestamp: timestamp(record.cut.timestamp_ms),
        batch_id: record.epoch(),
        batch_duration: whole(total_ms),
        num_input_rows: rows,
        input_rows_per_second: of.since_last_ms.and_then(|ms| rows_per_second(rows, ms)),
        processed_rows_per_second: rows_per_second(rows, total_ms),
        duration_ms: duration_ms.into_iter().map(|(name, ms)| (name.to_owned(), whole(ms))).collect(),
        event_time,
        state_operators: plan.operators.iter().map(|o| operator(of, &o.id, &o.name, o.tasks)).collect(),
        sources: sources(of, total_ms),
        sink: sinks.first().cloned().unwrap_or_default(),
        sinks,
        tidemill: TidemillProgress {
            discover_ms: measured.ms("discover"),
            promise_ms: measured.ms("promise"),
            run_ms: measured.ms("run"),
            stage_ms: measured.ms("stage"),
            record_ms: measured.ms("record"),
            publish_ms: measured.ms("publish"),
            settle_ms: measured.ms("settle"),
            durable_ms: measured.durable_ms,
            visible_ms: measured.visible_ms,
            record_bytes: of.record_bytes,
            state_rows: plan.operators.iter().map(|o| of.state.rows(&o.id)).sum(),
            side_rows: run.side_rows.iter().map(|((owner, port), rows)| (format!("{owner}.{port}"), *rows)).collect(),
        },
    }
}

fn operator(of: &EpochFigures<'_>, id: &OperatorId, name: &str, tasks: usize) -> StateOperatorProgress {
    let metrics = of.run.metrics.get(id).copied().unwrap_or_default();
    StateOperatorProgress {
        operator_name: name.to_owned(),
        num_rows_total: of.state.rows(id),
        num_rows_updated: metrics.rows_updated,
        num_rows_removed: metrics.rows_removed,
        commit_time_ms: of.measured.ms("record").round() as u64,
        memory_used_bytes: of.state.bytes(id),
        num_rows_dropped_by_watermark: metrics.rows_dropped_by_watermark,
        num_shuffle_partitions: tasks as u64,
        num_state_store_instances: tasks as u64,
        custom_metrics: BTreeMap::from([("numDroppedDuplicateRows".to_owned(), metrics.rows_dropped_as_duplicates)]),
        ..StateOperatorProgress::default()
    }
}

fn sources(of: &EpochFigures<'_>, total_ms: f64) -> Vec<SourceProgress> {
    let value = |offset: &Option<tidemill_planner::seam::Offset>| offset.as_ref().map_or(Value::Null, |o| o.0.clone());
    let one = |source: &std::sync::Arc<dyn tidemill_planner::seam::StreamSource>| {
        let cut = of.record.cut.sources.iter().find(|cut| cut.id == *source.id())?;
        let rows = of.record.source_rows.get(source.id()).copied().unwrap_or(0);
        Some(SourceProgress {
            description: source.description(),
            start_offset: value(&cut.from),
            end_offset: value(&cut.to),
            latest_offset: value(&cut.to),
            num_input_rows: rows,
            input_rows_per_second: of.since_last_ms.and_then(|ms| rows_per_second(rows, ms)),
            processed_rows_per_second: rows_per_second(rows, total_ms),
            ..SourceProgress::default()
        })
    };
    of.plan.sources.iter().filter_map(one).collect()
}

fn sinks(of: &EpochFigures<'_>) -> Vec<SinkProgress> {
    let one = |(sink, manifest): (&std::sync::Arc<dyn tidemill_planner::seam::Sink>, &crate::record::SinkManifest)| {
        let published = of.published.iter().find(|(id, _)| id == &manifest.sink).map(|(_, p)| p);
        let mut metrics = BTreeMap::from([("id".to_owned(), manifest.sink.clone())]);
        if let Some(published) = published {
            let visible_ms = of.measured.durable_ms + published.visible.as_secs_f64() * 1e3;
            metrics.insert("rowsUpdated".to_owned(), published.rows_updated.to_string());
            metrics.insert("durableMs".to_owned(), format!("{:.3}", of.measured.durable_ms));
            metrics.insert("visibleMs".to_owned(), format!("{visible_ms:.3}"));
        }
        SinkProgress { description: sink.description(), num_output_rows: manifest.rows() as i64, metrics }
    };
    of.plan.sinks.iter().zip(&of.record.sinks).map(one).collect()
}
