//! What was done to a table, commit by commit, and which version a moment saw. It reads the log and changes nothing.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use tidemill_planner::{Error, Result};

use crate::io::blocking;
use crate::log::actions::{Line, TxnAction};
use crate::log::dir::{LogDir, Version};
use crate::log::load::{read_entry, readable_range};
use crate::snapshot::Snapshot;
use crate::table::DeltaTable;

/// One commit, in the words of Spark's `DESCRIBE HISTORY`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The version that the commit made.
    pub version: u64,
    /// When, milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// `WRITE`, `MERGE`, `CREATE TABLE`, …
    pub operation: String,
    /// How it was asked for.
    pub operation_parameters: Map<String, Value>,
    /// What it did.
    pub operation_metrics: Map<String, Value>,
    /// Who wrote it.
    pub engine_info: Option<String>,
    /// The application versions that it made: `(application, version)`.
    pub txns: Vec<(String, i64)>,
}

impl HistoryEntry {
    fn of(version: Version, timestamp: i64, lines: &[Line]) -> Self {
        let info = lines.iter().find_map(|line| line.commit_info.clone()).unwrap_or_default();
        let object = |name: &str| info.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let text = |name: &str| info.get(name).and_then(Value::as_str).map(str::to_owned);
        let txn = |txn: &TxnAction| (txn.app_id.clone(), txn.version);
        Self {
            version,
            timestamp,
            operation: text("operation").unwrap_or_else(|| "UNKNOWN".to_owned()),
            operation_parameters: object("operationParameters"),
            operation_metrics: object("operationMetrics"),
            engine_info: text("engineInfo"),
            txns: lines.iter().filter_map(|line| line.txn.as_ref()).map(txn).collect(),
        }
    }
}

impl DeltaTable {
    /// The latest commits, newest first; all that the log holds where no limit is given.
    ///
    /// # Errors
    /// `Io` and its kin, naming the file.
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<HistoryEntry>> {
        let core = Arc::clone(&self.core);
        blocking(move || {
            let mut version = core.latest_version()?;
            let mut history = Vec::new();
            while limit.is_none_or(|limit| history.len() < limit) {
                // Earlier entries may have been cleaned up: what is left is the history.
                let Some(entry) = read_entry(&core.log, version)? else { break };
                let timestamp = core.log.modified_ms(version)?.unwrap_or(0);
                history.push(HistoryEntry::of(version, timestamp, &entry.lines));
                match version.checked_sub(1) {
                    Some(before) => version = before,
                    None => break,
                }
            }
            Ok(history)
        })
        .await
    }

    /// The table as it was at a moment, milliseconds since the Unix epoch: the latest version committed then or before.
    ///
    /// # Errors
    /// `NotFound` for a moment before the first or after the last commit; the message names both.
    pub async fn snapshot_at_timestamp(&self, timestamp_ms: i64) -> Result<Arc<Snapshot>> {
        let core = Arc::clone(&self.core);
        let version = blocking(move || {
            let latest = core.latest()?;
            if latest.property("delta.enableInCommitTimestamps").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
                return Err(Error::unsupported(format!(
                    "Delta table {} keeps its times inside the commits (delta.enableInCommitTimestamps), which Tidemill does not read; \
                     travel by version",
                    core.root.display()
                )));
            }
            let (first, _) = readable_range(&core.log)?;
            let times = commit_times(&core.log, first, latest.version())?;
            version_at(&times, timestamp_ms).map_err(|(from, to)| {
                Error::not_found(format!(
                    "Delta table {} has no version at {}: its commits go from {} (version {}) to {} (version {})",
                    core.root.display(),
                    time_text(timestamp_ms),
                    time_text(from.1),
                    from.0,
                    time_text(to.1),
                    to.0
                ))
            })
        })
        .await?;
        self.snapshot_at(version).await
    }
}

fn time_text(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map_or_else(|| format!("{ms} ms"), |time| time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string())
}

/// When each version was committed: the time of its file, made to rise, as Delta does for clocks that went back.
fn commit_times(log: &LogDir, first: Version, last: Version) -> Result<Vec<(Version, i64)>> {
    let mut times: Vec<(Version, i64)> = Vec::new();
    for version in first..=last {
        if let Some(ms) = log.modified_ms(version)? {
            let earliest = times.last().map_or(i64::MIN, |(_, before)| before + 1);
            times.push((version, ms.max(earliest)));
        }
    }
    Ok(times)
}

/// A version and when it was committed.
type CommitTime = (Version, i64);

/// The latest version at or before a moment, else the first and the last commit.
fn version_at(times: &[CommitTime], moment: i64) -> Result<Version, (CommitTime, CommitTime)> {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Err(((0, 0), (0, 0))) };
    if moment < first.1 || moment > last.1 {
        return Err((*first, *last));
    }
    let after = times.partition_point(|(_, ms)| *ms <= moment);
    Ok(times[after - 1].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_sees_the_latest_commit_at_or_before_it() {
        let times = [(3, 100), (4, 200), (5, 201)];
        for (moment, version) in [(100, Ok(3)), (199, Ok(3)), (200, Ok(4)), (201, Ok(5)), (99, Err(())), (202, Err(()))] {
            assert_eq!(version_at(&times, moment).map_err(|_| ()), version, "{moment}");
        }
        assert!(version_at(&[], 5).is_err());
    }
}
