//! The blocks of one run, by stage and task, and the reader that finds them for `StageReadExec`. It does not know when a
//! stage is done; the run tells it what to keep and what to let go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_planner::seam::Port;
use tidemill_planner::stage::{BlockReader, BlockRequest, ReadKind, StageGraph, StageId, StageOutput, TaskId};
use tidemill_planner::{Error, Result};

use super::budget::{MemoryBudget, Reservation};
use super::spill::{DiskBlock, SpillDir};
use super::{Block, TaskOutput};

type SideRows = HashMap<(String, Port), Vec<RecordBatch>>;

/// One stage's outputs, by task.
#[derive(Debug)]
struct StageBlocks {
    passthrough: bool,
    /// This stage and all before it: where side rows asked of it may have been left.
    upstream: Vec<StageId>,
    tasks: Mutex<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    blocks: Vec<Option<Blocks>>,
    side: Vec<SideRows>,
}

#[derive(Debug)]
struct Blocks {
    partitions: Vec<Vec<Block>>,
    _reservation: Option<Reservation>,
}

/// What the tasks of one run have left for each other.
#[derive(Debug)]
pub(crate) struct ShuffleStore {
    stages: Vec<StageBlocks>,
    budget: Arc<MemoryBudget>,
    spill: Arc<SpillDir>,
    io: tokio::runtime::Handle,
}

impl ShuffleStore {
    pub(crate) fn new(graph: &StageGraph, budget: Arc<MemoryBudget>, spill: SpillDir, io: tokio::runtime::Handle) -> Self {
        let stage = |id: StageId| {
            let tasks = graph.stage(id).partitions;
            let empty = Tasks { blocks: (0..tasks).map(|_| None).collect(), side: (0..tasks).map(|_| SideRows::new()).collect() };
            let passthrough = matches!(graph.stage(id).output, StageOutput::Passthrough);
            StageBlocks { passthrough, upstream: graph.upstream(id), tasks: Mutex::new(empty) }
        };
        Self { stages: graph.stages.iter().map(|s| stage(s.id)).collect(), budget, spill: Arc::new(spill), io }
    }

    pub(super) fn reservation(&self) -> Reservation {
        Reservation::none_of(&self.budget)
    }

    pub(super) fn spill_dir(&self) -> &Arc<SpillDir> {
        &self.spill
    }

    pub(super) fn io(&self) -> &tokio::runtime::Handle {
        &self.io
    }

    fn tasks(&self, stage: StageId) -> MutexGuard<'_, Tasks> {
        self.stages[stage.0].tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what an accepted attempt wrote; what an earlier one wrote is let go.
    pub(crate) fn keep(&self, task: TaskId, output: TaskOutput) {
        let mut tasks = self.tasks(task.stage);
        let blocks = Blocks { partitions: output.partitions, _reservation: output.reservation };
        let before = tasks.blocks[task.partition].replace(blocks);
        tasks.side[task.partition] = output.side;
        drop(tasks);
        drop(before);
    }

    /// Lets a stage's rows go; its side rows stay until the run ends.
    pub(crate) fn release(&self, stage: StageId) {
        let blocks: Vec<_> = self.tasks(stage).blocks.iter_mut().map(Option::take).collect();
        drop(blocks);
    }

    /// Lets everything go: the run is over, and what late attempts still write is not kept.
    pub(crate) fn close(&self) {
        for stage in &self.stages {
            let tasks = std::mem::take(&mut *stage.tasks.lock().unwrap_or_else(PoisonError::into_inner));
            drop(tasks);
        }
        self.spill.close();
    }

    /// Takes away the rows of a root's stage, by partition. They are never on disk.
    pub(crate) fn take(&self, stage: StageId) -> Vec<Vec<RecordBatch>> {
        let in_memory = |block: &Block| match block {
            Block::Memory(batch) => Some(batch.clone()),
            Block::Disk(_) => None,
        };
        let tasks = self.tasks(stage);
        tasks.blocks.iter().map(|task| task.iter().flat_map(|b| &b.partitions).flatten().filter_map(in_memory).collect()).collect()
    }

    fn blocks(&self, request: &BlockRequest) -> Result<Vec<Block>> {
        let stage = &self.stages[request.stage.0];
        let tasks = self.tasks(request.stage);
        let blocks_of = |task: usize| {
            tasks.blocks[task].as_ref().ok_or_else(|| {
                let task = TaskId { stage: request.stage, partition: task };
                Error::internal(format!("the rows of task {task} are read before it has run, or after they were let go"))
            })
        };
        let all = 0..tasks.blocks.len();
        let mut found = Vec::new();
        match request.partition {
            Some(partition) if stage.passthrough => found.extend_from_slice(&blocks_of(partition)?.partitions[0]),
            Some(partition) => {
                for task in all {
                    found.extend_from_slice(&blocks_of(task)?.partitions[partition]);
                }
            }
            None => {
                for task in all {
                    blocks_of(task)?.partitions.iter().for_each(|blocks| found.extend_from_slice(blocks));
                }
            }
        }
        Ok(found)
    }

    fn side_rows(&self, request: &BlockRequest, owner: &str, port: Port) -> Vec<Block> {
        let key = (owner.to_owned(), port);
        let mut found = Vec::new();
        for stage in &self.stages[request.stage.0].upstream {
            for (task, side) in self.tasks(*stage).side.iter().enumerate() {
                if request.partition.is_none_or(|p| task % request.partitions.max(1) == p) {
                    found.extend(side.get(&key).into_iter().flatten().cloned().map(Block::Memory));
                }
            }
        }
        found
    }
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
