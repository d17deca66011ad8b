//! The leaf that stands in a stage's plan where another stage's output is read. It is plain data; the blocks are found
//! at run time through the [`BlockReader`] of the task's context.

use std::fmt::{self, Debug};
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType};
use datafusion::physical_plan::{ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use super::StageId;
use crate::seam::Port;
use crate::{Error, Result};

/// What a [`StageReadExec`] reads of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReadKind {
    /// Its rows.
    Rows,
    /// The rows that `owner`, in the stage or before it, left at `port` beside its output.
    Side {
        /// The operator's or source's name.
        owner: String,
        /// Which of its ports.
        port: Port,
    },
}

/// Who wants the exchange that a [`StageReadExec`] stands for, and with that what may become of it while a query runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// An operator needs it: whatever else gives the operator what it needs will do.
    #[default]
    Operator,
    /// The program asked for it: rows stay dealt by it, to however many tasks.
    Program,
    /// The program asked for it, and for that many partitions.
    ProgramInNumber,
}

/// A part of a bucket's rows: piece number `at` of `of` pieces that have the same number of rows but for one. Piece follows piece in the
/// order in which the whole bucket would be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece {
    /// Its number, from 0.
    pub at: usize,
    /// How many there are.
    pub of: usize,
}

impl Piece {
    /// All rows.
    pub const WHOLE: Self = Self { at: 0, of: 1 };

    /// Which of so many rows are in it.
    pub fn rows(self, all: u64) -> Range<u64> {
        let bound = |at: usize| (u128::from(all) * at as u128 / self.of.max(1) as u128) as u64;
        bound(self.at)..bound(self.at + 1)
    }
}

/// Which blocks of a stage one task reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockPart {
    /// All of them, in order.
    All,
    /// Those of one of so many partitions.
    One {
        /// The partition.
        partition: usize,
        /// How many there are.
        of: usize,
    },
    /// Those of neighbouring buckets.
    Buckets(Range<usize>),
    /// Some rows of one bucket.
    Piece {
        /// The bucket.
        bucket: usize,
        /// Which of its rows.
        piece: Piece,
    },
}

/// One read by one task: what the leaf asks of the [`BlockReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRequest {
    /// The stage that wrote.
    pub stage: StageId,
    /// Rows or side rows.
    pub kind: ReadKind,
    /// Which of its blocks.
    pub part: BlockPart,
    /// The rows' columns.
    pub schema: SchemaRef,
}

/// Where tasks find what earlier stages wrote; the executor implements it.
///
/// # Contract
/// * the batches of a request come in the order of the writing tasks, of each task's by bucket, then in the order in which the task wrote
///   them, so that the same blocks always give the same rows in the same order;
/// * the pieces of a bucket have all of its rows, each once, as long as the stage is not run again in between;
/// * every batch has the requested columns; a partition that got no rows gives an empty stream.
pub trait BlockReader: Debug + Send + Sync {
    /// Opens the blocks of one partition.
    ///
    /// # Errors
    /// `Internal` when the stage has not run.
    fn read(&self, request: &BlockRequest) -> Result<SendableRecordBatchStream>;
}

/// The [`BlockReader`] as an extension of a task's session config.
#[derive(Debug)]
pub struct StageInputs(pub Arc<dyn BlockReader>);

/// Reads the output of a finished stage.
#[derive(Debug, Clone)]
pub struct StageReadExec {
    stage: StageId,
    kind: ReadKind,
    whole: bool,
    broadcast: bool,
    /// Which buckets each partition reads, where the stage writes buckets.
    buckets: Option<Arc<[Range<usize>]>>,
    /// Which part of its one bucket each partition reads, where some buckets are read by several.
    pieces: Option<Arc<[Piece]>>,
    origin: Origin,
    properties: Arc<PlanProperties>,
}

impl StageReadExec {
    /// Reads partition `p` of the stage's output as partition `p`; orderings and partitioning are what the node that it
    /// stands for had.
    pub fn partitioned(stage: StageId, equivalences: EquivalenceProperties, partitioning: Partitioning) -> Self {
        Self {
            stage,
            kind: ReadKind::Rows,
            whole: false,
            broadcast: false,
            buckets: None,
            pieces: None,
            origin: Origin::Operator,
            properties: properties(equivalences, partitioning),
        }
    }

    /// The same read of a stage that writes buckets: partition `p` reads those of `buckets[p]`. The partitions are still those of the
    /// same key.
    #[must_use]
    pub fn of_buckets(&self, buckets: Arc<[Range<usize>]>) -> Self {
        let partitioning = match self.properties.output_partitioning() {
            Partitioning::Hash(exprs, _) => Partitioning::Hash(exprs.clone(), buckets.len()),
            _ => Partitioning::UnknownPartitioning(buckets.len()),
        };
        let properties = properties(self.properties.equivalence_properties().clone(), partitioning);
        Self { buckets: Some(buckets), pieces: None, properties, ..self.clone() }
    }

    /// The same read, in which several partitions may read one bucket: partition `p` reads `pieces[p]` of `buckets[p]`. It still says
    /// that its partitions are those of the key, for the join above it; what the join gives is under an [`super::UnkeyedExec`].
    #[must_use]
    pub(super) fn in_pieces(&self, buckets: Arc<[Range<usize>]>, pieces: Arc<[Piece]>) -> Self {
        Self { pieces: Some(pieces), ..self.of_buckets(buckets) }
    }

    /// Reads all partitions, one after the other, as one; `broadcast` when every task of the reading stage does so.
    pub fn whole(stage: StageId, equivalences: EquivalenceProperties, broadcast: bool) -> Self {
        let properties = properties(equivalences, Partitioning::UnknownPartitioning(1));
        Self { stage, kind: ReadKind::Rows, whole: true, broadcast, buckets: None, pieces: None, origin: Origin::Operator, properties }
    }

    /// Reads the side rows that `owner` left at `port`.
    pub fn side(stage: StageId, owner: String, port: Port, schema: SchemaRef, partitions: usize) -> Self {
        let properties = properties(EquivalenceProperties::new(schema), Partitioning::UnknownPartitioning(partitions));
        let (buckets, pieces, origin) = (None, None, Origin::Operator);
        Self { stage, kind: ReadKind::Side { owner, port }, whole: false, broadcast: false, buckets, pieces, origin, properties }
    }

    /// The same read, marked as one that every task of its stage does in full.
    #[must_use]
    pub fn as_broadcast(&self) -> Self {
        Self { broadcast: true, ..self.clone() }
    }

    /// The same read of an exchange that the program has asked for.
    #[must_use]
    pub(super) fn asked_for(&self, origin: Origin) -> Self {
        Self { origin, ..self.clone() }
    }

    /// Who wants the exchange.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The stage that is read.
    pub fn stage(&self) -> StageId {
        self.stage
    }

    /// Rows or side rows.
    pub fn kind(&self) -> &ReadKind {
        &self.kind
    }

    /// Whether the leaf's one partition is the whole output.
    pub fn reads_whole(&self) -> bool {
        self.whole
    }

    /// The same read of a stage that writes key groups: partition `p` reads those of task `p`.
    #[must_use]
    pub(super) fn of_key_groups(&self) -> Self {
        Self { buckets: None, ..self.clone() }
    }

    /// Which buckets each partition reads, where the stage writes buckets.
    pub fn buckets(&self) -> Option<&Arc<[Range<usize>]>> {
        self.buckets.as_ref()
    }

    /// Whether some buckets are read by several partitions.
    pub fn is_in_pieces(&self) -> bool {
        self.pieces.is_some()
    }

    /// Which part of its buckets a partition reads.
    pub fn piece(&self, partition: usize) -> Piece {
        self.pieces.as_ref().and_then(|pieces| pieces.get(partition)).copied().unwrap_or(Piece::WHOLE)
    }

    /// The buckets that are read by several partitions, rising, and in how many pieces.
    fn torn_buckets(&self) -> Vec<(usize, usize)> {
        let shares = self.buckets.iter().flat_map(|buckets| buckets.iter()).enumerate();
        let mut torn: Vec<_> = shares.map(|(at, share)| (share.start, self.piece(at).of)).filter(|(_, of)| *of > 1).collect();
        torn.dedup();
        torn
    }

    /// Whether every task of the reading stage reads the whole output.
    pub fn is_broadcast(&self) -> bool {
        self.broadcast
    }
}

fn properties(equivalences: EquivalenceProperties, partitioning: Partitioning) -> Arc<PlanProperties> {
    let properties = PlanProperties::new(equivalences, partitioning, EmissionType::Incremental, Boundedness::Bounded);
    Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative))
}

impl DisplayAs for StageReadExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageReadExec: stage={}", self.stage)?;
        match &self.kind {
            ReadKind::Rows if self.broadcast => write!(f, ", broadcast"),
            ReadKind::Rows if self.whole => write!(f, ", gather"),
            ReadKind::Rows => {
                write!(f, ", partitioning={}", self.properties.output_partitioning())?;
                self.torn_buckets().into_iter().try_for_each(|(bucket, of)| write!(f, ", bucket {bucket} in {of} pieces"))
            }
            ReadKind::Side { owner, port } => write!(f, ", side={owner}.{port}"),
        }
    }
}

impl ExecutionPlan for StageReadExec {
    fn name(&self) -> &'static str {
        "StageReadExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>, _: ReplaceChildrenOptions) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let inputs = context.session_config().get_extension::<StageInputs>().ok_or_else(|| {
            Error::internal(format!("the output of stage {} was read outside a task; run the plan through the executor", self.stage))
        })?;
        let request = BlockRequest {
            stage: self.stage,
            kind: self.kind.clone(),
            part: match &self.buckets {
                _ if self.whole => BlockPart::All,
                Some(buckets) => match self.piece(partition) {
                    Piece { of: 1, .. } => BlockPart::Buckets(buckets[partition].clone()),
                    piece => BlockPart::Piece { bucket: buckets[partition].start, piece },
                },
                None => BlockPart::One { partition, of: self.properties.output_partitioning().partition_count() },
            },
            schema: self.schema(),
        };
        Ok(inputs.0.read(&request)?)
    }
}
