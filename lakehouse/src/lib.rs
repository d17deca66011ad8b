//! Delta tables: snapshots, scans, transactions, MERGE, and the sinks that publish epochs into them. It knows no query
//! and no epoch loop.

mod append;
mod commit;
mod core;
mod io;
mod log;
mod merge;
mod options;
mod partition;
mod scan;
mod schema;
mod snapshot;
mod stats;
mod table;
mod write;

pub use commit::{Committed, Txn};
pub use log::actions::{Add, DeletionVector};
pub use log::replay::DataFile;
pub use options::TableOptions;
pub use snapshot::Snapshot;
pub use stats::{ColumnStats, FileStats};
pub use table::DeltaTable;
pub use write::Codec;
