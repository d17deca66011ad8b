//! Delta tables: snapshots, scans, transactions, MERGE, and the sinks that publish epochs into them. It knows no query
//! and no epoch loop.
//!
//! ```text
//!   DeltaTable ──► Snapshot ──► table_provider() ──► DataSourceExec      (snapshot, scan)
//!       │              ▲
//!       │              │ catch up: only the log's new entries             (core, log/)
//!       ├── append ────┤
//!       ├── overwrite ─┤ Proposal ─► compare-and-swap on _delta_log      (append, merge/, commit/)
//!       ├── merge ─────┤
//!       ├── TableWrite ┘ rows that tasks are making                      (table_write/)
//!       ├── history · snapshot_at · snapshot_at_timestamp                 (history)
//!       └── checkpoint · upkeep                                           (upkeep, log/checkpoint)
//!   DeltaAppendSink, DeltaMergeSink: seam::Sink over a DeltaTable         (sink/)
//! ```
//!
//! **Invariant:** a commit is made in `commit` and nowhere else, and costs as much as there are new entries in the log.
//!
//! ```
//! # async fn run() -> tidemill_planner::Result<()> {
//! use std::sync::Arc;
//! use arrow::array::{Int64Array, RecordBatch};
//! use tidemill_lakehouse::{DeltaTable, MergeRequest, TableOptions};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let location = folder.path().join("numbers").display().to_string();
//! let rows = |n: Vec<i64>| RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(n)) as _)]);
//! let table = DeltaTable::create(&location, rows(vec![])?.schema(), TableOptions::default()).await?;
//! table.append(vec![rows(vec![1, 2])?], None).await?;
//! let request = MergeRequest { on: vec!["n".into()], source: vec![rows(vec![2, 3])?], update_condition: None, txn: None };
//! let merged = table.merge(request).await?;
//! assert_eq!((merged.rows_updated, merged.rows_inserted), (1, 1));
//! assert_eq!(table.snapshot().await?.num_records(), Some(3));
//! assert_eq!(table.snapshot_at(1).await?.num_records(), Some(2));
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
//! ```

mod append;
mod attempt_files;
mod commit;
mod core;
mod encoder;
mod history;
mod io;
mod log;
mod merge;
mod new_table;
mod options;
mod partition;
mod scan;
mod schema;
mod sink;
mod snapshot;
mod stats;
mod table;
mod table_write;
mod upkeep;
mod write;

pub use commit::{Committed, Txn};
pub use history::HistoryEntry;
pub use log::actions::{Add, DeletionVector};
pub use log::replay::DataFile;
pub use merge::{ConditionLanguage, MergeCondition, MergeMetrics, MergeRequest};
pub use options::TableOptions;
pub use scan::files_of;
pub use sink::{DeltaAppendSink, DeltaMergeSink, SinkOptions};
pub use snapshot::Snapshot;
pub use stats::{ColumnStats, FileStats};
pub use table::DeltaTable;
pub use table_write::{TableWrite, WriteEnd};
pub use write::Codec;
