//! `coalesce(n)`: neighbouring partitions read one after the other, as one. What is below it is a stage, so that it runs in as many tasks
//! as it would without.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildStats, ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    StatisticsArgs,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::split::{evenly, unordered};
use crate::Error;

/// The partitions of its input, merged into so many at most.
#[derive(Debug, Clone)]
pub struct CoalesceExec {
    input: Arc<dyn ExecutionPlan>,
    most: usize,
    /// Which partitions of the input each partition reads.
    groups: Arc<[Range<usize>]>,
    properties: Arc<PlanProperties>,
}

impl CoalesceExec {
    /// The partitions of `input`, merged into `most` of them where there are more.
    pub fn new(input: Arc<dyn ExecutionPlan>, most: usize) -> Self {
        let before = input.output_partitioning().partition_count();
        if before <= most {
            let properties = Arc::clone(input.properties());
            return Self { input, most, groups: evenly(before, before), properties };
        }
        let partitioning = Partitioning::UnknownPartitioning(most);
        let properties = PlanProperties::new(unordered(&input), partitioning, input.pipeline_behavior(), input.boundedness());
        Self { input, most, groups: evenly(before, most), properties: Arc::new(properties) }
    }

    /// The rows.
    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// How many partitions there are at most.
    pub fn most(&self) -> usize {
        self.most
    }
}

impl DisplayAs for CoalesceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoalesceExec: {}", self.most)
    }
}

impl ExecutionPlan for CoalesceExec {
    fn name(&self) -> &'static str {
        "CoalesceExec"
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

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.input.output_partitioning().partition_count() <= self.most]
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
            return Err(Error::internal("a coalesce has one input").into());
        };
        Ok(Arc::new(Self::new(input, self.most)))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    /// All rows are the same rows.
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![if partition.is_none() { ChildStats::At(None) } else { ChildStats::Skip }]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> DfResult<Arc<Statistics>> {
        Ok(match (args.partition(), inputs) {
            (None, [all]) => Arc::clone(all),
            _ => Arc::new(Statistics::new_unknown(&self.schema())),
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = Arc::clone(&self.input);
        let group = self.groups[partition].clone();
        // A partition is opened when those before it have been read.
        let batches = stream::iter(group).map(move |of_input| input.execute(of_input, Arc::clone(&context))).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
