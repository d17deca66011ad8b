//! What a table is opened or made with: plain data, each with a default that suits a first try.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidemill_planner::seam::{Clock, SystemClock};

use crate::write::Codec;

/// How a table is made, written and kept in memory. What matters to `create` alone is ignored by `open`.
#[derive(Debug, Clone)]
pub struct TableOptions {
    /// Whether a commit survives a power cut when it returns. Without it, it survives a killed process only.
    pub durable: bool,
    /// On `create`: the columns whose values become folders.
    pub partition_by: Vec<String>,
    /// On `create`: table properties. Those that begin with `delta.` are Delta's, and refused where Tidemill does not keep to them;
    /// others are your own.
    pub properties: BTreeMap<String, String>,
    /// On `create`: what the table is for.
    pub description: Option<String>,
    /// How data files are compressed.
    pub codec: Codec,
    /// No data file is written much larger than this, bytes.
    pub target_file_bytes: u64,
    /// How much memory MERGE may use to remember the keys and rows of files that it has seen, bytes.
    pub merge_cache_bytes: u64,
    /// Where the time of commits comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            durable: true,
            partition_by: Vec::new(),
            properties: BTreeMap::new(),
            description: None,
            codec: Codec::Snappy,
            target_file_bytes: 128 << 20,
            merge_cache_bytes: 256 << 20,
            clock: Arc::new(SystemClock),
        }
    }
}
