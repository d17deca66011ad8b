//! The physical counterpart of a side output: a node that asks for what an operator below it left at a port. The cut
//! replaces it by a read; it never runs itself.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

use crate::Error;
use crate::seam::Port;

/// The rows that `owner` leaves at `port` while `input` runs.
#[derive(Debug, Clone)]
pub struct SidePortExec {
    input: Arc<dyn ExecutionPlan>,
    owner: String,
    port: Port,
    properties: Arc<PlanProperties>,
}

impl SidePortExec {
    /// A side output with these columns; `input` runs `owner`, whose rows are not wanted here.
    pub fn new(input: Arc<dyn ExecutionPlan>, owner: impl Into<String>, port: Port, schema: SchemaRef) -> Self {
        let properties = Self::properties_over(&input, schema);
        Self { input, owner: owner.into(), port, properties }
    }

    fn properties_over(input: &Arc<dyn ExecutionPlan>, schema: SchemaRef) -> Arc<PlanProperties> {
        let partitions = Partitioning::UnknownPartitioning(input.output_partitioning().partition_count());
        let equivalences = EquivalenceProperties::new(schema);
        Arc::new(PlanProperties::new(equivalences, partitions, EmissionType::Final, input.boundedness()))
    }

    /// The plan that runs the owner.
    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// The operator's or source's name.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Which of its ports.
    pub fn port(&self) -> Port {
        self.port
    }
}

impl DisplayAs for SidePortExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SidePortExec: {}.{}", self.owner, self.port)
    }
}

impl ExecutionPlan for SidePortExec {
    fn name(&self) -> &'static str {
        "SidePortExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return Err(Error::internal("a side port has one input").into());
        };
        Ok(Arc::new(Self::new(input, self.owner.clone(), self.port, self.schema())))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        Err(Error::internal(format!("side port {}.{} was not cut into a stage of its own", self.owner, self.port)).into())
    }
}
