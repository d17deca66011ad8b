//! The leaf that stands in a stage's plan where another stage's output is read. It is plain data; the blocks are found
//! at run time through the [`BlockReader`] of the task's context.

use std::fmt::{self, Debug};
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

/// One read by one task: what the leaf asks of the [`BlockReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRequest {
    /// The stage that wrote.
    pub stage: StageId,
    /// Rows or side rows.
    pub kind: ReadKind,
    /// The partition, of [`BlockRequest::partitions`], or `None` for all of them, in order.
    pub partition: Option<usize>,
    /// How many partitions the leaf has.
    pub partitions: usize,
    /// The rows' columns.
    pub schema: SchemaRef,
}

/// Where tasks find what earlier stages wrote; the executor implements it.
///
/// # Contract
/// * the batches of a request come in the order of the writing tasks, then in the order in which each task wrote them, so
///   that the same blocks always give the same rows in the same order;
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
    properties: Arc<PlanProperties>,
}

impl StageReadExec {
    /// Reads partition `p` of the stage's output as partition `p`; orderings and partitioning are what the node that it
    /// stands for had.
    pub fn partitioned(stage: StageId, equivalences: EquivalenceProperties, partitioning: Partitioning) -> Self {
        Self { stage, kind: ReadKind::Rows, whole: false, broadcast: false, properties: properties(equivalences, partitioning) }
    }

    /// Reads all partitions, one after the other, as one; `broadcast` when every task of the reading stage does so.
    pub fn whole(stage: StageId, equivalences: EquivalenceProperties, broadcast: bool) -> Self {
        let properties = properties(equivalences, Partitioning::UnknownPartitioning(1));
        Self { stage, kind: ReadKind::Rows, whole: true, broadcast, properties }
    }

    /// Reads the side rows that `owner` left at `port`.
    pub fn side(stage: StageId, owner: String, port: Port, schema: SchemaRef, partitions: usize) -> Self {
        let properties = properties(EquivalenceProperties::new(schema), Partitioning::UnknownPartitioning(partitions));
        Self { stage, kind: ReadKind::Side { owner, port }, whole: false, broadcast: false, properties }
    }

    /// The same read, marked as one that every task of its stage does in full.
    #[must_use]
    pub fn as_broadcast(&self) -> Self {
        Self { broadcast: true, ..self.clone() }
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
            ReadKind::Rows => write!(f, ", partitioning={}", self.properties.output_partitioning()),
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
            partition: (!self.whole).then_some(partition),
            partitions: self.properties.output_partitioning().partition_count(),
            schema: self.schema(),
        };
        Ok(inputs.0.read(&request)?)
    }
}
