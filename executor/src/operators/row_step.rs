//! The execution node of every [`RowStep`](tidemill_planner::logical::RowStep): rows go through its pass, batch by batch.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::StreamExt;
use tidemill_planner::logical::RowPass;
use tidemill_planner::seam::TaskScope;

/// A pass over its input.
#[derive(Debug)]
pub(super) struct RowStepExec {
    pass: Arc<dyn RowPass>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl RowStepExec {
    pub(super) fn new(pass: Arc<dyn RowPass>, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = if pass.shared_as().is_none() {
            Arc::clone(input.properties())
        } else {
            // The places that share rows may have been planned with other orders and partitions in mind: nothing is promised.
            Arc::new(PlanProperties::new(
                EquivalenceProperties::new(input.schema()),
                Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
                input.pipeline_behavior(),
                input.boundedness(),
            ))
        };
        Self { pass, input, properties }
    }

    pub(super) fn pass(&self) -> &Arc<dyn RowPass> {
        &self.pass
    }
}

impl DisplayAs for RowStepExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowStepExec: {}", self.pass.describe())
    }
}

impl ExecutionPlan for RowStepExec {
    fn name(&self) -> &str {
        "RowStepExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![if self.pass.takes_all_rows() { Distribution::SinglePartition } else { Distribution::UnspecifiedDistribution }]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.pass.shared_as().is_none()]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(Arc::clone(&self.pass), input))),
            _ => datafusion::common::internal_err!("a row step has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let mut pass = self.pass.begin(partition, &TaskScope::of(&context))?;
        let rows = self.input.execute(partition, context)?.map(move |batch| Ok(pass(batch?)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
