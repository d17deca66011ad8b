//! What a streaming query says of itself, with Spark's JSON field names. It measures nothing.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

/// How many epochs' progress a query remembers (Spark's `numRecentProgressUpdates`).
const RECENT: usize = 100;

/// Spark's `StreamingQueryProgress` of one epoch. Looks for data that find none have none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamingQueryProgress {
    /// The query, for the life of its checkpoint.
    pub id: String,
    /// The run, new at each start.
    pub run_id: String,
    /// The user's name for the query.
    pub name: Option<String>,
    /// When the trigger fired, ISO 8601, UTC: see [`timestamp`].
    pub timestamp: String,
    /// The epoch.
    pub batch_id: u64,
    /// Milliseconds from trigger to end.
    pub batch_duration: u64,
    /// Rows read.
    pub num_input_rows: u64,
    /// Rows read per second since the last trigger; absent when that is no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_rows_per_second: Option<f64>,
    /// Rows read per second of work; absent when that is no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed_rows_per_second: Option<f64>,
    /// Milliseconds by Spark's phases: `triggerExecution`, `latestOffset`, `getBatch`, `queryPlanning`, `walCommit`, `addBatch`,
    /// `commitOffsets`.
    pub duration_ms: BTreeMap<String, u64>,
    /// The greatest event time of the epoch, `max`, and the `watermark` that it ran by, ISO 8601; only what is known. Spark's `min`
    /// and `avg` are not there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub event_time: BTreeMap<String, String>,
    /// The stateful operators.
    pub state_operators: Vec<StateOperatorProgress>,
    /// The sources.
    pub sources: Vec<SourceProgress>,
    /// The sink; of several, the first.
    pub sink: SinkProgress,
    /// All sinks (not in Spark).
    pub sinks: Vec<SinkProgress>,
    /// What Spark has no name for (not in Spark).
    pub tidemill: TidemillProgress,
}

/// Our own phases, milliseconds. Durable and visible are counted from the start of the epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TidemillProgress {
    /// Asking the sources how far they can go.
    pub discover_ms: f64,
    /// Writing the promise, if there was one.
    pub promise_ms: f64,
    /// Running the stages.
    pub run_ms: f64,
    /// Staging the sinks' output.
    pub stage_ms: f64,
    /// Writing the record.
    pub record_ms: f64,
    /// Publishing.
    pub publish_ms: f64,
    /// Settling and cleaning up.
    pub settle_ms: f64,
    /// From the start of the epoch until its record was durable.
    pub durable_ms: f64,
    /// From the start of the epoch until its output was visible in every sink.
    pub visible_ms: f64,
    /// Bytes of the record.
    pub record_bytes: u64,
    /// Entries in state over all operators.
    pub state_rows: u64,
    /// Rows that went to ports: late ones, malformed ones.
    pub side_rows: BTreeMap<String, u64>,
}

/// Spark's `StateOperatorProgress`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StateOperatorProgress {
    /// The operator's kind.
    pub operator_name: String,
    /// Entries.
    pub num_rows_total: u64,
    /// Entries written in the epoch.
    pub num_rows_updated: u64,
    /// Not measured apart from the run; there for Spark's readers.
    pub all_updates_time_ms: u64,
    /// Entries removed in the epoch.
    pub num_rows_removed: u64,
    /// Not measured apart from the run; there for Spark's readers.
    pub all_removals_time_ms: u64,
    /// Milliseconds until the changes of all operators were durable, in the one record.
    pub commit_time_ms: u64,
    /// Memory, about.
    pub memory_used_bytes: u64,
    /// Input rows that the watermark dropped.
    pub num_rows_dropped_by_watermark: u64,
    /// Partitions.
    pub num_shuffle_partitions: u64,
    /// Stores: one per partition.
    pub num_state_store_instances: u64,
    /// Further figures.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_metrics: BTreeMap<String, u64>,
}

/// Spark's `SourceProgress`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceProgress {
    /// What is read.
    pub description: String,
    /// Where the epoch began.
    pub start_offset: Value,
    /// Where it ended.
    pub end_offset: Value,
    /// The same as the end: what a source would have beyond its limit is not counted.
    pub latest_offset: Value,
    /// Rows read.
    pub num_input_rows: u64,
    /// Rows read per second since the last trigger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_rows_per_second: Option<f64>,
    /// Rows read per second of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed_rows_per_second: Option<f64>,
    /// Further figures, as text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, String>,
}

/// Spark's `SinkProgress`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkProgress {
    /// What is written to.
    pub description: String,
    /// Rows written.
    pub num_output_rows: i64,
    /// Further figures, as text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, String>,
}

/// Spark's `StreamingQueryStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamingQueryStatus {
    /// What the query is doing.
    pub message: String,
    /// Whether the last look for data found some.
    pub is_data_available: bool,
    /// Whether an epoch is at work.
    pub is_trigger_active: bool,
}

/// Rows per second, or `None` when that is no number.
pub fn rows_per_second(rows: u64, duration_ms: f64) -> Option<f64> {
    let rate = rows as f64 * 1_000.0 / duration_ms;
    rate.is_finite().then_some(rate)
}

/// A time as Spark's progress has it: `2026-11-20T08:15:30.123Z`. A time beyond the calendar is the Unix epoch, as Spark's
/// watermark before any event.
pub fn timestamp(time_ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(time_ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The last hundred epochs' progress.
#[derive(Debug, Clone, Default)]
pub struct RecentProgress {
    ring: VecDeque<StreamingQueryProgress>,
}

impl RecentProgress {
    /// Adds one and forgets the oldest beyond a hundred.
    pub fn push(&mut self, progress: StreamingQueryProgress) {
        if self.ring.len() == RECENT {
            self.ring.pop_front();
        }
        self.ring.push_back(progress);
    }

    /// The newest.
    pub fn last(&self) -> Option<&StreamingQueryProgress> {
        self.ring.back()
    }

    /// All that are remembered, oldest first.
    pub fn recent(&self) -> Vec<StreamingQueryProgress> {
        self.ring.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn sample(batch_id: u64) -> StreamingQueryProgress {
        StreamingQueryProgress {
            id: "q".into(),
            run_id: "r".into(),
            name: None,
            timestamp: timestamp(1_763_626_530_123),
            batch_id,
            batch_duration: 40,
            num_input_rows: 1000,
            input_rows_per_second: rows_per_second(1000, 0.0),
            processed_rows_per_second: rows_per_second(1000, 40.0),
            duration_ms: BTreeMap::from([("addBatch".into(), 30), ("triggerExecution".into(), 40)]),
            event_time: BTreeMap::from([("watermark".into(), timestamp(i64::MIN))]),
            state_operators: vec![StateOperatorProgress { operator_name: "dedupe".into(), ..Default::default() }],
            sources: vec![SourceProgress { description: "FileStreamSource[/in]".into(), ..Default::default() }],
            sink: SinkProgress { description: "DeltaSink[/t]".into(), num_output_rows: 7, ..Default::default() },
            sinks: vec![],
            tidemill: TidemillProgress::default(),
        }
    }

    #[test]
    fn field_names_are_sparks() {
        expect![[r#"
            {
              "id": "q",
              "runId": "r",
              "name": null,
              "timestamp": "2025-11-20T08:15:30.123Z",
              "batchId": 3,
              "batchDuration": 40,
              "numInputRows": 1000,
              "processedRowsPerSecond": 25000.0,
              "durationMs": {
                "addBatch": 30,
                "triggerExecution": 40
              },
              "eventTime": {
                "watermark": "1970-01-01T00:00:00.000Z"
              },
              "stateOperators": [
                {
                  "operatorName": "dedupe",
                  "numRowsTotal": 0,
                  "numRowsUpdated": 0,
                  "allUpdatesTimeMs": 0,
                  "numRowsRemoved": 0,
                  "allRemovalsTimeMs": 0,
                  "commitTimeMs": 0,
                  "memoryUsedBytes": 0,
                  "numRowsDroppedByWatermark": 0,
                  "numShufflePartitions": 0,
                  "numStateStoreInstances": 0
                }
              ],
              "sources": [
                {
                  "description": "FileStreamSource[/in]",
                  "startOffset": null,
                  "endOffset": null,
                  "latestOffset": null,
                  "numInputRows": 0
                }
              ],
              "sink": {
                "description": "DeltaSink[/t]",
                "numOutputRows": 7
              },
              "sinks": [],
              "tidemill": {
                "discoverMs": 0.0,
                "promiseMs": 0.0,
                "runMs": 0.0,
                "stageMs": 0.0,
                "recordMs": 0.0,
                "publishMs": 0.0,
                "settleMs": 0.0,
                "durableMs": 0.0,
                "visibleMs": 0.0,
                "recordBytes": 0,
                "stateRows": 0,
                "sideRows": {}
              }
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&sample(3)).unwrap());
        let status =
            StreamingQueryStatus { message: "Waiting for data to arrive".into(), is_data_available: false, is_trigger_active: false };
        expect![[r#"{"message":"Waiting for data to arrive","isDataAvailable":false,"isTriggerActive":false}"#]]
            .assert_eq(&serde_json::to_string(&status).unwrap());
    }

    #[test]
    fn a_hundred_are_remembered() {
        let mut recent = RecentProgress::default();
        assert!(recent.last().is_none());
        (0..130).for_each(|epoch| recent.push(sample(epoch)));
        let kept: Vec<u64> = recent.recent().iter().map(|p| p.batch_id).collect();
        assert_eq!((kept.len(), kept[0], recent.last().unwrap().batch_id), (100, 30, 129));
    }
}
