//! Entries for tests, in few words.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;
use tidemill_planner::seam::state::{StateColumn, StateTypes};
use tidemill_planner::seam::{Offset, Receipt, SinkTarget, Watermarks};
use tidemill_planner::{OperatorId, SourceId};

use super::{Cut, Entry, EpochRecord, OperatorInfo, Promise, SinkInfo, SinkManifest, SourceCut, SourceInfo, Start, Stop};
use crate::state::StateChange;
use crate::watermark::WatermarkState;

pub(crate) const STARTED_MS: i64 = 1_763_626_530_123;

pub(crate) fn target(id: &str) -> SinkTarget {
    SinkTarget { id: id.into(), schema: json!([["userId", "bigint"]]), how: None }
}

/// One key column of this type, and nothing under it.
pub(crate) fn types(key: &str) -> StateTypes {
    StateTypes { key: vec![StateColumn { name: "eventId".into(), data_type: key.into() }], value: Vec::new() }
}

pub(crate) fn operator(id: &str) -> OperatorInfo {
    OperatorInfo { id: OperatorId::new(id), name: "dedupe".into(), tasks: 2, types: Some(types("string")) }
}

pub(crate) fn start(run: &str) -> Entry {
    start_after(run, None)
}

pub(crate) fn start_after(run: &str, follows: Option<u64>) -> Entry {
    Entry::Start(Start {
        follows,
        run_id: run.into(),
        query_id: "q".into(),
        query_name: Some("main".into()),
        started_ms: STARTED_MS,
        after_orderly_end: false,
        commits_name_query: true,
        operators_by_program: true,
        tidemill_version: "0.1.0".into(),
        settings: BTreeMap::from([("tidemill.watermark.policy".into(), "min".into())]),
        key_groups: 4096,
        operators: vec![operator("dedupe-1")],
        sources: vec![SourceInfo { id: SourceId::new("files"), description: "FileStreamSource[/in]".into() }],
        sinks: vec![SinkInfo { id: "x".into(), description: "DeltaSink[/x]".into(), target: target("table-x") }],
    })
}

pub(crate) fn cut(epoch: u64) -> Cut {
    let offset = |n: u64| Offset(json!({"files": [format!("{n}.json")]}));
    Cut {
        epoch,
        timestamp_ms: STARTED_MS + epoch as i64,
        watermarks: Watermarks { late_us: i64::MIN, eviction_us: 1_000 * epoch as i64 },
        sources: vec![SourceCut { id: SourceId::new("files"), from: epoch.checked_sub(1).map(offset), to: Some(offset(epoch)) }],
        settings: BTreeMap::new(),
        table_versions: BTreeMap::from([("users".into(), 3)]),
    }
}

pub(crate) fn manifest(sink: &str, rows: u64) -> SinkManifest {
    let receipt = Receipt { meta: json!({"file": "a.parquet"}), inline: Some(Bytes::from_static(b"inline")), rows };
    SinkManifest { sink: sink.into(), staged: true, target: target(&format!("table-{sink}")), receipts: vec![receipt] }
}

pub(crate) fn record(run: &str, epoch: u64, sinks: Vec<SinkManifest>) -> EpochRecord {
    EpochRecord {
        run_id: run.into(),
        cut: cut(epoch),
        source_rows: BTreeMap::from([(SourceId::new("files"), 10)]),
        next_watermarks: WatermarkState {
            nodes: BTreeMap::from([(OperatorId::new("w"), 1_000 * (epoch as i64 + 1))]),
            global_us: 1_000 * (epoch as i64 + 1),
        },
        state: vec![StateChange {
            operator: OperatorId::new("dedupe-1"),
            groups: 0..2048,
            rows: 2,
            block: Bytes::from_static(b"\x01changes"),
        }],
        sinks,
        settled: None,
        metrics: json!({"rows": 10}),
    }
}

pub(crate) fn epoch(run: &str, epoch: u64) -> Entry {
    Entry::Epoch(record(run, epoch, vec![manifest("x", 5)]))
}

pub(crate) fn promise(run: &str, epoch: u64) -> Entry {
    Entry::Promise(Promise { run_id: run.into(), cut: cut(epoch) })
}

pub(crate) fn stop(run: &str, settled: u64) -> Entry {
    Entry::Stop(Stop { run_id: run.into(), stopped_ms: STARTED_MS, settled: Some(settled) })
}
