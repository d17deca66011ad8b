//! Second phase of MERGE: the rows that change become new files, encoded side by side. Committing them is the caller's.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use futures::{StreamExt, TryStreamExt};
use tidemill_planner::Result;

use super::cache::{KeyIndex, MergeCache};
use super::fold::{fold_cap, group_cap, group_pieces, take_along};
use super::probe::{Plan, Touched, rows_of};
use super::rewrite::{pick, replace};
use super::source::Source;
use crate::commit::conflict::Reads;
use crate::io::blocking;
use crate::log::actions::Add;
use crate::log::replay::DataFile;
use crate::snapshot::Snapshot;
use crate::table::DeltaTable;
use crate::write::{FileOptions, Naming, Part, plan_parts, write_part};

/// Where rows of an output come from.
#[derive(Debug)]
enum Piece {
    /// A file with rows replaced.
    Rewrite(Touched),
    /// New rows.
    Insert(Vec<u32>),
    /// A small file, as it is.
    Along(Arc<DataFile>),
}

/// A file that the merge wrote, with what is to be remembered of it once it is in the table.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) add: Add,
    rows: Option<RecordBatch>,
    keys: Option<Arc<KeyIndex>>,
}

impl Output {
    pub(crate) fn remember(&self, cache: &MergeCache, schema: &Schema, on: &[usize]) {
        if let Some(rows) = &self.rows {
            cache.put_rows(&self.add.path, rows);
        }
        if let Some(keys) = &self.keys {
            cache.put_keys(&self.add.path, schema, on, keys);
        }
    }
}

struct Job {
    table: DeltaTable,
    snapshot: Arc<Snapshot>,
    source: Arc<Source>,
    options: FileOptions,
    number: usize,
}

type Merged = (Vec<Output>, Reads, Vec<Arc<DataFile>>, Vec<usize>);

impl DeltaTable {
    /// Writes what `plan` says: the new files, what the plan depended on, the files that go, the key columns.
    pub(super) async fn write_merge(&self, snapshot: &Arc<Snapshot>, plan: Plan) -> Result<Merged> {
        let reads = plan.reads();
        let (on, source) = (plan.on, plan.source);
        let cap = fold_cap(snapshot.bytes(), self.options().target_file_bytes);
        let mut removes: Vec<Arc<DataFile>> = plan.rewrites.iter().map(|t| Arc::clone(&t.file)).collect();
        let mut sizes: Vec<u64> = removes.iter().map(|file| file.bytes()).collect();
        let mut pieces: Vec<Piece> = plan.rewrites.into_iter().map(Piece::Rewrite).collect();
        if !plan.inserts.is_empty() {
            let share = plan.inserts.len() as u64 * 1000 / (source.rows.num_rows() as u64).max(1);
            sizes.push(source.rows.get_array_memory_size() as u64 / 2 * share / 1000);
            pieces.push(Piece::Insert(plan.inserts));
        }
        // Rows of a partitioned table stay with their partition, and partitions are not folded into each other.
        let foldable = snapshot.partition_columns().is_empty();
        if foldable && !pieces.is_empty() {
            let untouched: Vec<Arc<DataFile>> =
                snapshot.files().iter().filter(|f| !removes.iter().any(|r| Arc::ptr_eq(r, f))).cloned().collect();
            let small: u64 = sizes.iter().filter(|bytes| **bytes * 2 < cap).sum();
            let bytes: Vec<u64> = untouched.iter().map(|f| f.bytes()).collect();
            for along in take_along(&bytes, small, cap) {
                sizes.push(bytes[along]);
                removes.push(Arc::clone(&untouched[along]));
                pieces.push(Piece::Along(Arc::clone(&untouched[along])));
            }
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let group_cap = group_cap(sizes.iter().sum(), cores as u64, cap);
        let groups = if foldable { group_pieces(&sizes, group_cap) } else { (0..pieces.len()).map(|i| vec![i]).collect() };
        let mut pieces: Vec<Option<Piece>> = pieces.into_iter().map(Some).collect();
        let distinct = match on[..] {
            [only] => vec![snapshot.schema().field(only).name().clone()],
            _ => Vec::new(),
        };
        let options = FileOptions { distinct, ..self.file_options() };
        let jobs: Vec<_> = groups
            .into_iter()
            .enumerate()
            .map(|(number, group)| {
                let group: Vec<Piece> = group.into_iter().filter_map(|i| pieces[i].take()).collect();
                let job = Job {
                    table: self.clone(),
                    snapshot: Arc::clone(snapshot),
                    source: Arc::clone(&source),
                    options: options.clone(),
                    number,
                };
                blocking(move || job.run(group))
            })
            .collect();
        // A file spends as long in its sync as in its encoding, so more are under way than there are cores.
        let at_once = 2 * cores;
        let outputs: Vec<Vec<Output>> = futures::stream::iter(jobs).buffered(at_once).try_collect().await?;
        Ok((outputs.into_iter().flatten().collect(), reads, removes, on))
    }
}

impl Job {
    fn run(self, group: Vec<Piece>) -> Result<Vec<Output>> {
        let (root, layout) = (self.table.root(), self.snapshot.layout());
        // One rewritten file alone keeps its rows in place, so its key index serves the new file as well.
        let keys = match &group[..] {
            [Piece::Rewrite(touched)] => Some(Arc::clone(&touched.keys)),
            _ => None,
        };
        let rows = group.into_iter().map(|piece| self.rows(piece)).collect::<Result<Vec<_>>>()?;
        let rows = match rows.len() {
            1 => rows.into_iter().next().expect("there is one"),
            _ => concat_batches(self.snapshot.schema(), &rows)?,
        };
        let now_ms = self.table.options().clock.now_ms();
        let parts = plan_parts(layout, std::slice::from_ref(&rows), self.table.options().target_file_bytes)?;
        let whole = parts.len() == 1 && layout.partition.is_empty();
        parts
            .into_iter()
            .map(|part: Part| {
                let name = Naming::Unique.file_name(self.number, self.options.codec);
                let written = write_part(root, layout, &part, &name, &self.options, now_ms)?;
                let remembered = whole.then(|| rows.clone());
                Ok(Output { add: written.add, rows: remembered, keys: keys.clone().filter(|_| whole) })
            })
            .collect()
    }

    fn rows(&self, piece: Piece) -> Result<RecordBatch> {
        match piece {
            Piece::Rewrite(touched) => replace(&touched.rows, &self.source.rows, &touched.updates),
            Piece::Insert(rows) => pick(&self.source.rows, rows),
            Piece::Along(file) => rows_of(&self.table.core, &self.snapshot, &file),
        }
    }
}
