//! A task's rows, cut into blocks: by bucket or key group where the output is hashed, in turn or by number where the program has asked for
//! that, as they come where it is passed through. Small batches are put together first. Rows go to disk when the budget is used up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, interleave_record_batch, take_record_batch};
use arrow::datatypes::{Schema, UInt32Type};
use datafusion::common::hash_utils::create_hashes;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::repartition::REPARTITION_RANDOM_STATE;
use tidemill_planner::key::{KeyEncoder, key_group, stable_hash, task_of_group};
use tidemill_planner::stage::{StageOutput, TaskId};
use tidemill_planner::{Error, Result};

use super::keys::NotedKeys;
use super::spill::{SpillWriter, encode};
use super::{Block, BlockHome, TaskOutput, batch_bytes};
use crate::memory::Reservation;
use crate::run::TaskSink;

/// Hashed rows are gathered when there are this many batches' worth per target, or this many batches in all.
const MAX_BUFFERED_BATCHES: usize = 16;
/// Or so many bytes: rows may be wide.
const MAX_BUFFERED_BYTES: u64 = 16 << 20;

/// Writes one attempt's output.
pub(crate) struct StageWriter {
    blocks: BlockWriter,
    batch_size: usize,
    by: By,
    /// Batches that wait for company.
    buffered: Vec<RecordBatch>,
    rows_buffered: usize,
    bytes_buffered: u64,
    keys: Option<NotedKeys>,
}

#[derive(Debug)]
enum By {
    /// Everything is partition 0.
    Nothing,
    Row {
        way: Way,
        /// Per target: which row of which buffered batch.
        targets: Vec<Vec<(usize, usize)>>,
    },
}

/// How a row finds its target.
#[derive(Debug)]
enum Way {
    Key {
        exprs: Vec<Arc<dyn PhysicalExpr>>,
        hashing: Hashing,
    },
    /// The target of the next row; the one after it goes to the next target.
    Turn(usize),
    /// By the number in the last column, which is not written.
    Number,
}

/// How a key finds its target.
#[derive(Debug)]
enum Hashing {
    /// By the engine's own hash, into buckets. It lasts no longer than the run.
    Buckets(Vec<u64>),
    /// By the key group that it is in: the same one in every run and every release.
    KeyGroups {
        /// How many key groups the query has.
        groups: u16,
        encoder: Option<KeyEncoder>,
    },
}

/// What the rows of a stage are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody reads them: they are counted.
    Counted,
    /// Stages read them.
    Shuffled,
    /// They are a root's, and stay in memory.
    Collected,
    /// They are a root's, and somebody takes them as they come.
    Delivered,
}

/// How many bytes of a root's rows are held in memory for the caller, and how many may be.
#[derive(Debug)]
pub(crate) struct ResultBytes {
    /// 0 for any number.
    limit: u64,
    held: AtomicU64,
}

impl ResultBytes {
    pub(crate) fn at_most(limit: u64) -> Self {
        Self { limit, held: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, bytes: u64) -> Result<()> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.limit == 0 || held <= self.limit {
            return Ok(());
        }
        Err(Error::resources(format!(
            "the rows of the result take {held} bytes, which is more than `spark.driver.maxResultSize` ({}): write them to a table, take \
             them one batch after the other by `to_local_iterator`, ask for fewer by `limit`, or raise the setting (0 for no limit)",
            self.limit
        )))
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What one attempt holds of them, until it is accepted.
#[derive(Debug)]
struct HeldBytes {
    all: Arc<ResultBytes>,
    bytes: u64,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.all.give_back(self.bytes);
    }
}

impl StageWriter {
    pub(crate) fn new(home: &Arc<BlockHome>, task: TaskId, output: &StageOutput, fate: Fate, batch_size: usize, groups: u16) -> Self {
        let by_row = |way: Way, partitions: usize| {
            if partitions == 1 || fate == Fate::Counted {
                return (By::Nothing, partitions);
            }
            (By::Row { way, targets: vec![Vec::new(); partitions] }, partitions)
        };
        let by_key = |exprs: &[Arc<dyn PhysicalExpr>], hashing: Hashing| Way::Key { exprs: exprs.to_vec(), hashing };
        let (by, partitions) = match output {
            StageOutput::Hash { exprs, buckets } => by_row(by_key(exprs, Hashing::Buckets(Vec::new())), *buckets),
            StageOutput::KeyGroups { exprs, tasks } => by_row(by_key(exprs, Hashing::KeyGroups { groups, encoder: None }), *tasks),
            // Tasks begin with different targets, or many small tasks would all fill the first ones.
            StageOutput::InTurn { partitions } => by_row(Way::Turn(task.partition % partitions), *partitions),
            StageOutput::Numbered { partitions } => by_row(Way::Number, *partitions),
            StageOutput::Passthrough => (By::Nothing, 1),
        };
        let output = TaskOutput {
            partitions: vec![Vec::new(); partitions],
            rows: vec![0; partitions],
            bytes: vec![0; partitions],
            ..TaskOutput::default()
        };
        let reservation = home.reservation();
        let blocks = BlockWriter { home: Arc::clone(home), task, fate, reservation, spill: None, sink: None, held: None, output };
        Self { blocks, batch_size, by, buffered: Vec::new(), rows_buffered: 0, bytes_buffered: 0, keys: None }
    }

    /// Notes the keys in these columns of the rows; all `tasks` of the stage together make a filter of at most so many bits.
    pub(crate) fn note_keys(&mut self, columns: &[usize], schema: &Schema, tasks: usize, most_bits: u64) -> Result<()> {
        self.keys = Some(NotedKeys::new(columns, schema, tasks, most_bits, self.blocks.home.reservation())?);
        Ok(())
    }

    /// Gives a root's rows to whoever takes them.
    pub(crate) fn deliver_to(&mut self, sink: Box<dyn TaskSink>) {
        self.blocks.sink = Some(sink);
    }

    /// Counts a root's rows, which are held.
    pub(crate) fn hold_at_most(&mut self, all: &Arc<ResultBytes>) {
        self.blocks.held = Some(HeldBytes { all: Arc::clone(all), bytes: 0 });
    }

    /// Takes a batch; most of the time it is only noted where its rows go.
    pub(crate) async fn push(&mut self, mut batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let rows = batch.num_rows();
        if let Some(keys) = &mut self.keys {
            keys.add(&batch)?;
        }
        match &mut self.by {
            By::Nothing if rows * 2 >= self.batch_size => {
                self.flush().await?;
                return self.blocks.write(0, batch).await;
            }
            By::Nothing => {}
            By::Row { way, targets } => way.assign(&mut batch, self.buffered.len(), targets)?,
        }
        self.bytes_buffered += batch_bytes(&batch);
        self.buffered.push(batch);
        self.rows_buffered += rows;
        let full = match &self.by {
            By::Nothing => self.rows_buffered >= self.batch_size,
            By::Row { targets, .. } => self.rows_buffered >= self.batch_size * targets.len().min(MAX_BUFFERED_BATCHES),
        };
        if full || self.bytes_buffered >= MAX_BUFFERED_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let buffered = std::mem::take(&mut self.buffered);
        self.rows_buffered = 0;
        self.bytes_buffered = 0;
        let Some(first) = buffered.first() else { return Ok(()) };
        match &mut self.by {
            By::Nothing if buffered.len() == 1 => self.blocks.write(0, first.clone()).await,
            By::Nothing => self.blocks.write(0, concat_batches(&first.schema(), &buffered)?).await,
            By::Row { targets, .. } => {
                let all: Vec<&RecordBatch> = buffered.iter().collect();
                for (partition, rows) in targets.iter_mut().enumerate() {
                    let rows = std::mem::take(rows);
                    if rows.is_empty() {
                        continue;
                    }
                    let gathered = match all[..] {
                        [one] if rows.len() == one.num_rows() => one.clone(),
                        // Rows without columns are a number.
                        _ if first.num_columns() == 0 => {
                            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
                            RecordBatch::try_new_with_options(first.schema(), Vec::new(), &options)?
                        }
                        [one] => take_record_batch(one, &UInt32Array::from_iter_values(rows.iter().map(|(_, row)| *row as u32)))?,
                        _ => interleave_record_batch(&all, &rows)?,
                    };
                    self.blocks.write(partition, gathered).await?;
                }
                Ok(())
            }
        }
    }

    /// Everything that was written.
    pub(crate) async fn finish(mut self) -> Result<TaskOutput> {
        self.flush().await?;
        let BlockWriter { sink, held, reservation, mut output, .. } = self.blocks;
        if let Some(sink) = sink {
            output.receipt = Some(sink.finish().await?);
        }
        // They are held on: nobody gives them back before the result is there.
        if let Some(mut held) = held {
            held.bytes = 0;
        }
        output.reservation = Some(reservation);
        if let Some(keys) = self.keys {
            output.keys = keys.finish()?;
        }
        Ok(output)
    }
}

impl Way {
    /// Notes for each row of `batch`, which will be buffered as number `index`, which target it goes to.
    fn assign(&mut self, batch: &mut RecordBatch, index: usize, targets: &mut [Vec<(usize, usize)>]) -> Result<()> {
        match self {
            Self::Key { exprs, hashing } => hashing.assign(batch, index, exprs, targets)?,
            Self::Turn(next) => {
                for row in 0..batch.num_rows() {
                    targets[*next].push((index, row));
                    *next = (*next + 1) % targets.len();
                }
            }
            Self::Number => {
                let last = batch.num_columns().checked_sub(1).ok_or_else(|| Error::internal("rows without columns have no number"))?;
                let numbers = batch.remove_column(last);
                let numbers = numbers
                    .as_primitive_opt::<UInt32Type>()
                    .ok_or_else(|| Error::internal(format!("rows are numbered by {}", numbers.data_type())))?;
                for (row, number) in numbers.values().iter().enumerate() {
                    targets[*number as usize].push((index, row));
                }
            }
        }
        Ok(())
    }
}

impl Hashing {
    /// Notes for each row of `batch`, which will be buffered as number `index`, which target it goes to.
    fn assign(
        &mut self,
        batch: &RecordBatch,
        index: usize,
        exprs: &[Arc<dyn PhysicalExpr>],
        targets: &mut [Vec<(usize, usize)>],
    ) -> Result<()> {
        let keys = exprs.iter().map(|e| Ok(e.evaluate(batch)?.into_array(batch.num_rows())?)).collect::<Result<Vec<ArrayRef>>>()?;
        let parts = targets.len();
        match self {
            Self::Buckets(hashes) => {
                hashes.clear();
                hashes.resize(batch.num_rows(), 0);
                create_hashes(&keys, REPARTITION_RANDOM_STATE.random_state(), hashes)?;
                collide(hashes);
                for (row, hash) in hashes.iter().enumerate() {
                    // The upper half of the product of a hash and a count is spread as evenly over the count as the hash is over all numbers.
                    let bucket = ((u128::from(*hash) * parts as u128) >> 64) as usize;
                    targets[bucket].push((index, row));
                }
            }
            Self::KeyGroups { groups, encoder } => {
                let encoder = match encoder {
                    Some(encoder) => encoder,
                    None => {
                        let types: Vec<_> = keys.iter().map(|key| key.data_type().clone()).collect();
                        encoder.insert(KeyEncoder::try_new(&types)?)
                    }
                };
                for (row, key) in encoder.encode(&keys)?.iter().enumerate() {
                    let group = key_group(stable_hash(key.as_ref()), *groups);
                    targets[task_of_group(group, parts, *groups)].push((index, row));
                }
            }
        }
        Ok(())
    }
}

/// A place at which a test has every hash be one of two: `FAILPOINTS=executor::colliding_hashes=return`. Nothing in other builds.
fn collide(hashes: &mut [u64]) {
    fail::fail_point!("executor::colliding_hashes", |_| hashes.iter_mut().for_each(|hash| *hash &= 1 << 63));
    // Without the feature nothing is done to them.
    let _ = hashes;
}

/// Places blocks, in memory while the budget lasts.
struct BlockWriter {
    home: Arc<BlockHome>,
    task: TaskId,
    fate: Fate,
    reservation: Reservation,
    spill: Option<SpillWriter>,
    sink: Option<Box<dyn TaskSink>>,
    held: Option<HeldBytes>,
    output: TaskOutput,
}

impl BlockWriter {
    async fn write(&mut self, partition: usize, batch: RecordBatch) -> Result<()> {
        let bytes = batch_bytes(&batch);
        self.output.rows[partition] += batch.num_rows() as u64;
        self.output.bytes[partition] += bytes;
        let block = match self.fate {
            Fate::Counted => return Ok(()),
            Fate::Delivered => {
                let sink = self.sink.as_mut().ok_or_else(|| Error::internal("rows are delivered to nobody"))?;
                return sink.push(batch).await;
            }
            Fate::Collected => {
                if let Some(held) = &mut self.held {
                    held.bytes += bytes;
                    held.all.add(bytes)?;
                }
                self.reservation.grow(bytes);
                Block::Memory(batch)
            }
            Fate::Shuffled if self.reservation.try_grow(bytes) => Block::Memory(batch),
            Fate::Shuffled => self.spill(batch).await?,
        };
        self.output.partitions[partition].push(block);
        Ok(())
    }

    async fn spill(&mut self, batch: RecordBatch) -> Result<Block> {
        let (encoded, rows) = (encode(&batch)?, batch.num_rows());
        drop(batch);
        self.output.spilled_blocks += 1;
        self.output.spilled_bytes += encoded.len() as u64;
        let (spill, dir, task) = (self.spill.take(), Arc::clone(self.home.spill_dir()), self.task);
        let written = self.home.io().spawn_blocking(move || {
            let mut spill = match spill {
                Some(spill) => spill,
                None => SpillWriter::create(&dir, task)?,
            };
            let block = spill.append(&encoded, rows)?;
            Ok::<_, Error>((spill, block))
        });
        let (spill, block) = written.await.map_err(|e| Error::internal("a spill write did not end").with_source(e))??;
        self.spill = Some(spill);
        Ok(Block::Disk(block))
    }
}
