//! The blocks of one run, by stage and task, on whichever executor they are, and the reader that finds them for `StageReadExec`. It does not
//! know when a stage is done; the run tells it what to keep, what to let go, and what is lost.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_planner::seam::Port;
use tidemill_planner::stage::{BlockPart, BlockReader, BlockRequest, Piece, ReadKind, StageGraph, StageId, StageOutput, TaskId};
use tidemill_planner::{Error, Result};

use super::spill::DiskBlock;
use super::{Block, BlockHome, LostBlocks, TaskOutput};
use crate::memory::Reservation;
use crate::run::Receipt;

type SideRows = HashMap<(String, Port), Vec<RecordBatch>>;

/// One stage's outputs, by task.
#[derive(Debug, Default)]
struct StageBlocks {
    passthrough: bool,
    /// Its rows are for the caller, and with him: no executor loses them.
    is_root: bool,
    /// This stage and all before it: where side rows asked of it may have been left.
    upstream: Vec<StageId>,
    blocks: Vec<Held>,
    side: Vec<SideRows>,
    receipts: Vec<Option<Receipt>>,
}

/// What is held of a task's blocks.
#[derive(Debug, Default)]
enum Held {
    /// It has not run, or they were let go.
    #[default]
    Nothing,
    Here(Blocks),
    /// They were on this executor, which is lost.
    Lost(usize),
}

impl Held {
    fn here(&self) -> Option<&Blocks> {
        match self {
            Self::Here(blocks) => Some(blocks),
            Self::Nothing | Self::Lost(_) => None,
        }
    }
}

#[derive(Debug)]
struct Blocks {
    executor: usize,
    partitions: Vec<Vec<Block>>,
    _reservation: Option<Reservation>,
}

/// What the tasks of one run have left for each other.
#[derive(Debug)]
pub(crate) struct ShuffleStore {
    stages: Vec<Mutex<StageBlocks>>,
    /// By executor.
    homes: Vec<Arc<BlockHome>>,
    io: tokio::runtime::Handle,
}

impl ShuffleStore {
    pub(crate) fn new(graph: &StageGraph, homes: Vec<Arc<BlockHome>>, io: tokio::runtime::Handle) -> Self {
        let stages = graph.stages.iter().map(|_| Mutex::default()).collect();
        let store = Self { stages, homes, io };
        store.follow(graph);
        store
    }

    /// Makes room for the tasks that stages have now. What stages have left that have begun stays.
    pub(crate) fn follow(&self, graph: &StageGraph) {
        for stage in &graph.stages {
            let mut blocks = self.stage(stage.id);
            blocks.passthrough = matches!(stage.output, StageOutput::Passthrough);
            blocks.is_root = graph.roots.contains(&stage.id);
            blocks.upstream = graph.upstream(stage.id);
            blocks.blocks.resize_with(stage.partitions, Held::default);
            blocks.side.resize_with(stage.partitions, SideRows::new);
            blocks.receipts.resize_with(stage.partitions, || None);
        }
    }

    /// Where the tasks on an executor leave their blocks.
    pub(crate) fn home(&self, executor: usize) -> &Arc<BlockHome> {
        &self.homes[executor]
    }

    fn stage(&self, stage: StageId) -> MutexGuard<'_, StageBlocks> {
        self.stages[stage.0].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what an accepted attempt wrote on an executor; what an earlier one wrote is let go.
    pub(crate) fn keep(&self, task: TaskId, executor: usize, output: TaskOutput) {
        let mut stage = self.stage(task.stage);
        let blocks = Blocks { executor, partitions: output.partitions, _reservation: output.reservation };
        let before = std::mem::replace(&mut stage.blocks[task.partition], Held::Here(blocks));
        stage.side[task.partition] = output.side;
        stage.receipts[task.partition] = output.receipt;
        drop(stage);
        drop(before);
    }

    /// Lets a stage's rows go; its side rows stay until the run ends.
    pub(crate) fn release(&self, stage: StageId) {
        let blocks: Vec<Held> = self.stage(stage).blocks.iter_mut().map(std::mem::take).collect();
        drop(blocks);
    }

    /// Lets the rows of some of a stage's tasks go.
    pub(crate) fn release_tasks(&self, stage: StageId, tasks: Range<usize>) {
        let mut stage = self.stage(stage);
        let blocks: Vec<Held> = stage.blocks.get_mut(tasks).into_iter().flatten().map(std::mem::take).collect();
        drop(stage);
        drop(blocks);
    }

    /// An executor is lost, and what was left there for later stages with it: who reads that is told so. Its folder is still to be closed.
    pub(crate) fn lose(&self, executor: usize) {
        for stage in &self.stages {
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            if stage.is_root {
                continue;
            }
            let lost = stage.blocks.iter_mut().filter(|held| held.here().is_some_and(|blocks| blocks.executor == executor));
            let lost: Vec<Held> = lost.map(|held| std::mem::replace(held, Held::Lost(executor))).collect();
            drop(stage);
            drop(lost);
        }
    }

    /// Lets everything go: the run is over, and what late attempts still write is not kept.
    pub(crate) fn close(&self) {
        for stage in &self.stages {
            let blocks = std::mem::take(&mut *stage.lock().unwrap_or_else(PoisonError::into_inner));
            drop(blocks);
        }
        self.homes.iter().for_each(|home| home.close());
    }

    /// Takes away the rows of a root's stage, by partition. They are never on disk.
    pub(crate) fn take(&self, stage: StageId) -> Vec<Vec<RecordBatch>> {
        let in_memory = |block: &Block| match block {
            Block::Memory(batch) => Some(batch.clone()),
            Block::Disk(_) => None,
        };
        let stage = self.stage(stage);
        stage
            .blocks
            .iter()
            .map(|task| task.here().into_iter().flat_map(|b| &b.partitions).flatten().filter_map(in_memory).collect())
            .collect()
    }

    /// Takes away what is left of a root's rows that were delivered, by partition.
    pub(crate) fn take_receipts(&self, stage: StageId) -> Vec<Option<Receipt>> {
        std::mem::take(&mut self.stage(stage).receipts)
    }

    fn blocks(&self, request: &BlockRequest) -> Result<Vec<Block>> {
        let stage = self.stage(request.stage);
        let blocks_of = |task: usize| {
            let writer = TaskId { stage: request.stage, partition: task };
            match stage.blocks.get(task) {
                Some(Held::Here(blocks)) => Ok(blocks),
                Some(Held::Lost(executor)) => {
                    let cause = io::Error::other(format!("executor {executor} is lost"));
                    let message = format!("the rows of task {writer} were on executor {executor}, which is lost");
                    Err(Error::io(message).with_source(LostBlocks { writer, cause }))
                }
                Some(Held::Nothing) | None => {
                    Err(Error::internal(format!("the rows of task {writer} are read before it has run, or after they were let go")))
                }
            }
        };
        let mut found = Vec::new();
        if let (BlockPart::One { partition, .. }, true) = (&request.part, stage.passthrough) {
            found.extend_from_slice(&blocks_of(*partition)?.partitions[0]);
            return Ok(found);
        }
        for task in 0..stage.blocks.len() {
            let partitions = &blocks_of(task)?.partitions;
            let part = match &request.part {
                BlockPart::All => 0..partitions.len(),
                BlockPart::One { partition, .. } => *partition..partition + 1,
                BlockPart::Buckets(buckets) => buckets.clone(),
                BlockPart::Piece { bucket, .. } => *bucket..bucket + 1,
            };
            partitions[part].iter().for_each(|blocks| found.extend_from_slice(blocks));
        }
        Ok(match &request.part {
            BlockPart::Piece { piece, .. } => piece_of(&found, *piece),
            _ => found,
        })
    }

    fn side_rows(&self, request: &BlockRequest, owner: &str, port: Port) -> Vec<Block> {
        let key = (owner.to_owned(), port);
        let mut found = Vec::new();
        let upstream = self.stage(request.stage).upstream.clone();
        for stage in upstream {
            for (task, side) in self.stage(stage).side.iter().enumerate() {
                let wanted = match &request.part {
                    BlockPart::One { partition, of } => task % (*of).max(1) == *partition,
                    BlockPart::All | BlockPart::Buckets(_) | BlockPart::Piece { .. } => true,
                };
                if wanted {
                    found.extend(side.get(&key).into_iter().flatten().cloned().map(Block::Memory));
                }
            }
        }
        found
    }
}

/// The rows of some blocks that are in one of their pieces. A block that reaches into two pieces is in both, with some of its rows in each.
fn piece_of(blocks: &[Block], piece: Piece) -> Vec<Block> {
    let wanted = piece.rows(blocks.iter().map(|block| block.rows() as u64).sum());
    let (mut from, mut found) = (0, Vec::new());
    for block in blocks {
        let to = from + block.rows() as u64;
        let (first, end) = (wanted.start.max(from), wanted.end.min(to));
        if first < end {
            found.push(block.slice((first - from) as usize..(end - from) as usize));
        }
        from = to;
    }
    found
}

impl BlockReader for ShuffleStore {
    fn read(&self, request: &BlockRequest) -> Result<SendableRecordBatchStream> {
        let blocks = match &request.kind {
            ReadKind::Rows => self.blocks(request)?,
            ReadKind::Side { owner, port } => self.side_rows(request, owner, *port),
        };
        Ok(open(blocks, Arc::clone(&request.schema), &self.io))
    }
}

fn open(blocks: Vec<Block>, schema: SchemaRef, io: &tokio::runtime::Handle) -> SendableRecordBatchStream {
    let in_memory = blocks.iter().all(|block| matches!(block, Block::Memory(_)));
    if in_memory {
        let batches = blocks.into_iter().filter_map(|block| match block {
            Block::Memory(batch) => Some(Ok(batch)),
            Block::Disk(_) => None,
        });
        return Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)));
    }
    let io = io.clone();
    let batches = stream::iter(blocks)
        .then(move |block| {
            let io = io.clone();
            async move {
                let batches = match block {
                    Block::Memory(batch) => vec![batch],
                    Block::Disk(block) => from_disk(block, &io).await?,
                };
                Ok::<_, DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
            }
        })
        .try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

async fn from_disk(block: DiskBlock, io: &tokio::runtime::Handle) -> Result<Vec<RecordBatch>> {
    let reading = block.clone();
    let bytes = io.spawn_blocking(move || reading.read()).await.map_err(|e| Error::internal("a spill read did not end").with_source(e))?;
    block.decode(bytes?)
}
