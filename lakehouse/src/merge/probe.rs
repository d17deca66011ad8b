//! First phase of MERGE: which files hold which source keys, and which of the matched rows are to be updated.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use tidemill_planner::Result;
use tidemill_planner::key::stable_hash;

use super::cache::KeyIndex;
use super::condition::Condition;
use super::rewrite::{Pair, pick};
use super::source::{Source, key_encoder};
use super::{MergeMetrics, read, reads_of};
use crate::commit::conflict::{KeyRange, Reads};
use crate::core::Core;
use crate::io::blocking;
use crate::log::replay::DataFile;
use crate::snapshot::Snapshot;

/// What the probe works on.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) core: Arc<Core>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) on: Vec<usize>,
    pub(crate) source: Arc<Source>,
    pub(crate) condition: Option<Arc<Condition>>,
}

/// A file in which source keys were found.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) file: Arc<DataFile>,
    pub(crate) keys: Arc<KeyIndex>,
    /// All rows of the file, in the table's columns.
    pub(crate) rows: RecordBatch,
    /// Rows to replace, rising by target row; empty when the condition held for none.
    pub(crate) updates: Vec<Pair>,
    /// Source rows found in the file, whether they update or not.
    found: Vec<u32>,
}

/// What the merge is going to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) on: Vec<usize>,
    pub(crate) source: Arc<Source>,
    /// Files with rows to replace.
    pub(crate) rewrites: Vec<Touched>,
    /// Files with matches, rewritten or not.
    matched_files: Vec<String>,
    /// Source rows to insert.
    pub(crate) inserts: Vec<u32>,
}

impl Plan {
    /// Whether the table stays as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.rewrites.is_empty() && self.inserts.is_empty()
    }

    /// What it will have done; files are counted when they are written.
    pub(crate) fn metrics(&self) -> MergeMetrics {
        let rows_updated = self.rewrites.iter().map(|t| t.updates.len() as u64).sum();
        let rows_written: u64 = self.rewrites.iter().map(|t| t.rows.num_rows() as u64).sum();
        MergeMetrics {
            rows_updated,
            rows_inserted: self.inserts.len() as u64,
            rows_copied: rows_written - rows_updated,
            files_removed: self.rewrites.len() as u64,
            ..MergeMetrics::default()
        }
    }

    pub(crate) fn reads(&self) -> Reads {
        reads_of(&self.source, self.matched_files.clone())
    }
}

/// Finds the matches, file by file, side by side.
pub(crate) async fn run(probe: Arc<Probe>) -> Result<Plan> {
    let schema = probe.snapshot.schema();
    let candidates: Vec<Arc<DataFile>> = match probe.source.matchable.is_empty() {
        true => Vec::new(),
        false => probe.snapshot.files().iter().filter(|file| KeyRange::may_match(&probe.source.ranges, file, schema)).cloned().collect(),
    };
    // Files whose keys are at hand cost microseconds each, so they share one task; the others are read side by side.
    let (at_hand, to_read): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|file| probe.core.cache.keys(&file.add().path, schema, &probe.on).is_some());
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let mut batches: Vec<Vec<Arc<DataFile>>> = to_read.into_iter().map(|file| vec![file]).collect();
    if !at_hand.is_empty() {
        batches.push(at_hand);
    }
    let jobs: Vec<_> = batches
        .into_iter()
        .map(|files| {
            let probe = Arc::clone(&probe);
            blocking(move || files.into_iter().filter_map(|file| probe.touch(file).transpose()).collect::<Result<Vec<_>>>())
        })
        .collect();
    let touched: Vec<Vec<Touched>> = futures::stream::iter(jobs).buffered(at_once).try_collect().await?;
    let touched: Vec<Touched> = touched.into_iter().flatten().collect();

    let mut matched = vec![false; probe.source.rows.num_rows()];
    touched.iter().flat_map(|t| &t.found).for_each(|row| matched[*row as usize] = true);
    let inserts = matched.iter().enumerate().filter(|(_, matched)| !**matched).map(|(row, _)| row as u32).collect();
    let matched_files = touched.iter().map(|t| t.file.add().key()).collect();
    Ok(Plan {
        on: probe.on.clone(),
        source: Arc::clone(&probe.source),
        rewrites: touched.into_iter().filter(|t| !t.updates.is_empty()).collect(),
        matched_files,
        inserts,
    })
}

impl Probe {
    fn touch(&self, file: Arc<DataFile>) -> Result<Option<Touched>> {
        let keys = self.keys_of(&file)?;
        let mut pairs: Vec<Pair> = self
            .source
            .matchable
            .iter()
            .flat_map(|(source, hash)| {
                let key = self.source.keys.row(*source as usize);
                debug_assert_eq!(*hash, stable_hash(key.as_ref()));
                keys.find(key.as_ref(), *hash).map(|target| Pair { target, source: *source }).collect::<Vec<_>>()
            })
            .collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        pairs.sort_unstable();
        let rows = self.rows_of(&file)?;
        let found = pairs.iter().map(|pair| pair.source).collect();
        let updates = match &self.condition {
            None => pairs,
            Some(condition) => {
                let source = pick(&self.source.rows, pairs.iter().map(|p| p.source))?;
                let target = pick(&rows, pairs.iter().map(|p| p.target))?;
                let holds = condition.holds(&source, &target)?;
                pairs.into_iter().zip(holds.values()).filter(|(_, holds)| *holds).map(|(pair, _)| pair).collect()
            }
        };
        Ok(Some(Touched { file, keys, rows, updates, found }))
    }

    fn keys_of(&self, file: &DataFile) -> Result<Arc<KeyIndex>> {
        let (path, schema) = (&file.add().path, self.snapshot.schema());
        if let Some(keys) = self.core.cache.keys(path, schema, &self.on) {
            return Ok(keys);
        }
        let columns = match self.core.cache.rows(path, schema) {
            Some(rows) => self.on.iter().map(|i| Arc::clone(rows.column(*i))).collect(),
            None => read::read_keys(&self.core.root, self.snapshot.layout(), file, &self.on)?,
        };
        let keys = Arc::new(KeyIndex::build(&key_encoder(schema, &self.on)?, &columns)?);
        self.core.cache.put_keys(path, schema, &self.on, &keys);
        Ok(keys)
    }

    fn rows_of(&self, file: &DataFile) -> Result<RecordBatch> {
        rows_of(&self.core, &self.snapshot, file)
    }
}

/// All rows of a file, remembered or read.
pub(crate) fn rows_of(core: &Core, snapshot: &Snapshot, file: &DataFile) -> Result<RecordBatch> {
    let path = &file.add().path;
    if let Some(rows) = core.cache.rows(path, snapshot.schema()) {
        return Ok(rows);
    }
    let rows = read::read_rows(&core.root, snapshot.layout(), file)?;
    core.cache.put_rows(path, &rows);
    Ok(rows)
}
