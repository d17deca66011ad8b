//! Entries as bytes: the JSON header holds all but the bytes of changelogs and inline outputs, which are the frame's sections.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidemill_executor::log::Frame;
use tidemill_planner::seam::{Receipt, SinkTarget};
use tidemill_planner::{Error, OperatorId, Result, SourceId};

use super::entry::{Cut, Entry, EpochRecord, Promise, SinkManifest, Start, Stop};
use crate::state::StateChange;
use crate::watermark::WatermarkState;

const MAGIC: &[u8; 8] = b"TMRECORD";
/// Version 2 leaves out what releases of version 1 demand, and says what they do not know: they refuse it as newer.
const VERSION: u16 = 2;

/// The versions that are read.
const VERSIONS: [u16; 2] = [1, VERSION];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Header {
    Start(Start),
    Promise(Promise),
    Epoch(EpochHeader),
    Stop(Stop),
}

/// [`Header`], borrowed, to write.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum HeaderRef<'a> {
    Start(&'a Start),
    Promise(&'a Promise),
    Epoch(&'a EpochHeader),
    Stop(&'a Stop),
}

#[derive(Debug, Serialize, Deserialize)]
struct EpochHeader {
    run_id: String,
    cut: Cut,
    source_rows: BTreeMap<SourceId, u64>,
    next_watermarks: WatermarkState,
    state: Vec<StateHeader>,
    sinks: Vec<SinkHeader>,
    settled: Option<u64>,
    metrics: serde_json::Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct StateHeader {
    operator: OperatorId,
    groups: Range<u16>,
    rows: u64,
    section: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct SinkHeader {
    sink: String,
    staged: bool,
    target: SinkTarget,
    receipts: Vec<ReceiptHeader>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ReceiptHeader {
    meta: serde_json::Value,
    rows: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    section: Option<usize>,
}

impl Entry {
    /// The entry's bytes.
    ///
    /// # Errors
    /// `Internal` when the header does not turn into JSON.
    pub fn encode(&self) -> Result<Bytes> {
        let mut sections = Vec::new();
        let epoch;
        let header = match self {
            Self::Start(start) => HeaderRef::Start(start),
            Self::Promise(promise) => HeaderRef::Promise(promise),
            Self::Stop(stop) => HeaderRef::Stop(stop),
            Self::Epoch(record) => {
                epoch = epoch_header(record, &mut sections);
                HeaderRef::Epoch(&epoch)
            }
        };
        Frame::encode(MAGIC, VERSION, &header, &sections)
    }

    /// The entry that the bytes hold; `location` is the file, for messages.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when they are torn, damaged, foreign, or of a version that this release does not read.
    pub fn decode(bytes: &Bytes, location: &str) -> Result<Self> {
        let frame: Frame<Header> = Frame::decode(MAGIC, &VERSIONS, bytes, location)?;
        Ok(match frame.header {
            Header::Start(start) => Self::Start(start),
            Header::Promise(promise) => Self::Promise(promise),
            Header::Stop(stop) => Self::Stop(stop),
            Header::Epoch(header) => Self::Epoch(epoch_record(header, &frame.sections, location)?),
        })
    }

    /// The entry's header without settings, schemas and definitions: what `tidemill checkpoint inspect` shows.
    pub fn summary(&self) -> serde_json::Value {
        match self {
            Self::Start(start) => json!({ "start": {
                "run_id": start.run_id, "query_id": start.query_id, "query_name": start.query_name, "started_ms": start.started_ms,
                "tidemill_version": start.tidemill_version, "key_groups": start.key_groups,
                "operators": start.operators.iter().map(|o| json!({"id": o.id, "name": o.name, "tasks": o.tasks})).collect::<Vec<_>>(),
                "sources": start.sources, "sinks": start.sinks.iter().map(|s| json!({"id": s.id, "description": s.description, "target": s.target.id})).collect::<Vec<_>>(),
            }}),
            Self::Promise(promise) => json!({ "promise": {
                "run_id": promise.run_id, "epoch": promise.cut.epoch, "timestamp_ms": promise.cut.timestamp_ms,
                "watermarks": promise.cut.watermarks, "sources": promise.cut.sources,
            }}),
            Self::Epoch(record) => json!({ "epoch": {
                "run_id": record.run_id, "epoch": record.cut.epoch, "timestamp_ms": record.cut.timestamp_ms,
                "watermarks": record.cut.watermarks, "next_watermarks": record.next_watermarks, "settled": record.settled,
                "sources": record.cut.sources, "source_rows": record.source_rows, "table_versions": record.cut.table_versions,
                "state": state_summary(&record.state),
                "sinks": record.sinks.iter().map(sink_summary).collect::<Vec<_>>(), "metrics": record.metrics,
            }}),
            Self::Stop(stop) => json!({ "stop": stop }),
        }
    }
}

/// Rows and bytes of changes by operator: partitions are an accident of the run.
fn state_summary(changes: &[StateChange]) -> serde_json::Value {
    let mut by_operator: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for change in changes {
        let (rows, bytes) = by_operator.entry(change.operator.as_str()).or_default();
        *rows += change.rows;
        *bytes += change.block.len();
    }
    let entry = |(operator, (rows, bytes)): (&str, (u64, usize))| json!({"operator": operator, "rows_changed": rows, "bytes": bytes});
    by_operator.into_iter().map(entry).collect()
}

fn sink_summary(manifest: &SinkManifest) -> serde_json::Value {
    let inline: usize = manifest.receipts.iter().filter_map(|r| Some(r.inline.as_ref()?.len())).sum();
    json!({"sink": manifest.sink, "target": manifest.target.id, "rows": manifest.rows(), "receipts": manifest.receipts.len(), "bytes_inline": inline})
}

fn epoch_header(record: &EpochRecord, sections: &mut Vec<Bytes>) -> EpochHeader {
    let mut section = |bytes: &Bytes| {
        sections.push(bytes.clone());
        sections.len() - 1
    };
    let state = record.state.iter().map(|change| StateHeader {
        operator: change.operator.clone(),
        groups: change.groups.clone(),
        rows: change.rows,
        section: section(&change.block),
    });
    let state = state.collect();
    let mut receipt = |r: &Receipt| ReceiptHeader { meta: r.meta.clone(), rows: r.rows, section: r.inline.as_ref().map(&mut section) };
    let sinks = record.sinks.iter().map(|manifest| SinkHeader {
        sink: manifest.sink.clone(),
        staged: manifest.staged,
        target: manifest.target.clone(),
        receipts: manifest.receipts.iter().map(&mut receipt).collect(),
    });
    EpochHeader {
        sinks: sinks.collect(),
        state,
        run_id: record.run_id.clone(),
        cut: record.cut.clone(),
        source_rows: record.source_rows.clone(),
        next_watermarks: record.next_watermarks.clone(),
        settled: record.settled,
        metrics: record.metrics.clone(),
    }
}

fn epoch_record(header: EpochHeader, sections: &[Bytes], location: &str) -> Result<EpochRecord> {
    let section = |at: usize| sections.get(at).cloned().ok_or_else(|| Error::corrupt(format!("{location}: has no section {at}")));
    let change = |s: StateHeader| Ok(StateChange { block: section(s.section)?, operator: s.operator, groups: s.groups, rows: s.rows });
    let receipt = |r: ReceiptHeader| Ok(Receipt { inline: r.section.map(section).transpose()?, meta: r.meta, rows: r.rows });
    let manifest = |s: SinkHeader| {
        let receipts = s.receipts.into_iter().map(receipt).collect::<Result<_>>()?;
        Ok(SinkManifest { sink: s.sink, staged: s.staged, target: s.target, receipts })
    };
    Ok(EpochRecord {
        run_id: header.run_id,
        cut: header.cut,
        source_rows: header.source_rows,
        next_watermarks: header.next_watermarks,
        state: header.state.into_iter().map(change).collect::<Result<_>>()?,
        sinks: header.sinks.into_iter().map(manifest).collect::<Result<_>>()?,
        settled: header.settled,
        metrics: header.metrics,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{epoch, manifest, promise, record, start, stop};
    use super::*;
    use expect_test::expect;

    fn all() -> Vec<Entry> {
        let mut rich = record("a", 7, vec![manifest("x", 5), manifest("y", 0)]);
        rich.sinks[1].receipts[0].inline = None;
        rich.sinks[1].staged = false;
        rich.settled = Some(6);
        vec![start("a"), promise("a", 7), Entry::Epoch(rich), stop("a", 7)]
    }

    #[test]
    fn entries_come_back() {
        for entry in all() {
            assert_eq!(Entry::decode(&entry.encode().unwrap(), "f").unwrap(), entry);
        }
    }

    /// A release that changes this text cannot read the checkpoints of the one before.
    #[test]
    fn the_format_is_frozen() {
        let mut text = String::new();
        for entry in all() {
            let bytes = entry.encode().unwrap();
            let frame: Frame = Frame::decode(MAGIC, &[VERSION], &bytes, "f").unwrap();
            let length = u32::from_le_bytes(bytes[10..14].try_into().unwrap()) as usize;
            let header = String::from_utf8_lossy(&bytes[18 + 8 * frame.sections.len()..][..length]);
            text += &format!("{header}\nsections {:?}, checksum {:016x}\n", frame.sections, xxhash_rust::xxh3::xxh3_64(&bytes));
        }
        expect![[r#"
            {"start":{"run_id":"a","query_id":"q","query_name":"main","follows":null,"started_ms":1763626530123,"after_orderly_end":false,"commits_name_query":true,"operators_by_program":true,"tidemill_version":"0.1.0","settings":{"tidemill.watermark.policy":"min"},"key_groups":4096,"operators":[{"id":"dedupe-1","name":"dedupe","tasks":2,"types":{"key":[{"name":"eventId","type":"string"}],"value":[]}}],"sources":[{"id":"files","description":"FileStreamSource[/in]"}],"sinks":[{"id":"x","description":"DeltaSink[/x]","target":{"id":"table-x","schema":[["userId","bigint"]]}}]}}
            sections [], checksum 2bfa63f99e303307
            {"promise":{"run_id":"a","cut":{"epoch":7,"timestamp_ms":1763626530130,"watermarks":{"late_us":-9223372036854775808,"eviction_us":7000},"sources":[{"id":"files","from":{"files":["6.json"]},"to":{"files":["7.json"]}}],"settings":{},"table_versions":{"users":3}}}}
            sections [], checksum 01fed4029d27c04d
            {"epoch":{"run_id":"a","cut":{"epoch":7,"timestamp_ms":1763626530130,"watermarks":{"late_us":-9223372036854775808,"eviction_us":7000},"sources":[{"id":"files","from":{"files":["6.json"]},"to":{"files":["7.json"]}}],"settings":{},"table_versions":{"users":3}},"source_rows":{"files":10},"next_watermarks":{"nodes":{"w":8000},"global_us":8000},"state":[{"operator":"dedupe-1","groups":{"start":0,"end":2048},"rows":2,"section":0}],"sinks":[{"sink":"x","staged":true,"target":{"id":"table-x","schema":[["userId","bigint"]]},"receipts":[{"meta":{"file":"a.parquet"},"rows":5,"section":1}]},{"sink":"y","staged":false,"target":{"id":"table-y","schema":[["userId","bigint"]]},"receipts":[{"meta":{"file":"a.parquet"},"rows":0}]}],"settled":6,"metrics":{"rows":10}}}
            sections [b"\x01changes", b"inline"], checksum 636e3f9fae00022e
            {"stop":{"run_id":"a","stopped_ms":1763626530123,"settled":7}}
            sections [], checksum a4e5a42c05b7b5d1
        "#]].assert_eq(&text);
    }

    #[test]
    fn no_damaged_entry_is_read() {
        for whole in [epoch("a", 0).encode().unwrap(), stop("a", 0).encode().unwrap()] {
            for length in 0..whole.len() {
                assert!(Entry::decode(&whole.slice(..length), "f").is_err(), "cut to {length}");
            }
            for bit in 0..whole.len() * 8 {
                let mut bytes = whole.to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(Entry::decode(&bytes.into(), "log/7.rec").unwrap_err().message().contains("log/7.rec"), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_header_that_names_no_section_is_refused() {
        let Entry::Epoch(record) = epoch("a", 0) else { unreachable!("it is an epoch") };
        let header = epoch_header(&record, &mut Vec::new());
        let bytes = Frame::encode(MAGIC, VERSION, &HeaderRef::Epoch(&header), &[]).unwrap();
        assert_eq!(Entry::decode(&bytes, "f").unwrap_err().message(), "f: has no section 0");
    }

    #[test]
    fn summaries_are_short() {
        let text: Vec<String> = all().iter().map(|entry| entry.summary().to_string()).collect();
        expect![[r#"
            {"start":{"key_groups":4096,"operators":[{"id":"dedupe-1","name":"dedupe","tasks":2}],"query_id":"q","query_name":"main","run_id":"a","sinks":[{"description":"DeltaSink[/x]","id":"x","target":"table-x"}],"sources":[{"description":"FileStreamSource[/in]","id":"files"}],"started_ms":1763626530123,"tidemill_version":"0.1.0"}}
            {"promise":{"epoch":7,"run_id":"a","sources":[{"from":{"files":["6.json"]},"id":"files","to":{"files":["7.json"]}}],"timestamp_ms":1763626530130,"watermarks":{"eviction_us":7000,"late_us":-9223372036854775808}}}
            {"epoch":{"epoch":7,"metrics":{"rows":10},"next_watermarks":{"global_us":8000,"nodes":{"w":8000}},"run_id":"a","settled":6,"sinks":[{"bytes_inline":6,"receipts":1,"rows":5,"sink":"x","target":"table-x"},{"bytes_inline":0,"receipts":1,"rows":0,"sink":"y","target":"table-y"}],"source_rows":{"files":10},"sources":[{"from":{"files":["6.json"]},"id":"files","to":{"files":["7.json"]}}],"state":[{"bytes":8,"operator":"dedupe-1","rows_changed":2}],"table_versions":{"users":3},"timestamp_ms":1763626530130,"watermarks":{"eviction_us":7000,"late_us":-9223372036854775808}}}
            {"stop":{"run_id":"a","settled":7,"stopped_ms":1763626530123}}"#]].assert_eq(&text.join("\n"));
    }
}
