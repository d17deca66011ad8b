//! The physical counterpart of a program's `repartition`: a node that says where rows go. The cut makes a stage of what is below it and a
//! read of what is above; it never runs itself.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::{
    ChildStats, ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    StatisticsArgs, apply_expression_roots,
};

use super::read::Origin;
use super::split::unordered;
use crate::Error;

/// The two steps by which rows find their range: the executor implements them.
///
/// # Contract
/// * a sample is of the rows of all partitions, and its rows are for [`RangeSteps::numbered`] alone;
/// * numbered rows are the rows with one more column behind the others: the number of the range, a `UInt32` less than the exchange's
///   partitions. Rows of one key have one number, and those of a greater key none that is less;
/// * the rows are read twice, in the same partitions.
pub trait RangeSteps: fmt::Debug + Send + Sync {
    /// The ranges' key, as plans show it.
    fn describe(&self) -> String;

    /// A sample of these rows, partition by partition.
    fn sampled(&self, rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan>;

    /// These rows with the number of their range; `samples` is all that the sample gave, in one partition.
    fn numbered(&self, rows: Arc<dyn ExecutionPlan>, samples: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan>;
}

/// How rows find their partition.
#[derive(Debug, Clone)]
pub enum ExchangeBy {
    /// One after the other to each partition.
    Turn,
    /// By the hash of a key.
    Key(Vec<Arc<dyn PhysicalExpr>>),
    /// By ranges of a key.
    Range(Arc<dyn RangeSteps>),
}

/// The rows of its input in partitions that the program has asked for.
#[derive(Debug, Clone)]
pub struct ExchangeExec {
    input: Arc<dyn ExecutionPlan>,
    by: ExchangeBy,
    partitions: usize,
    origin: Origin,
    properties: Arc<PlanProperties>,
}

impl ExchangeExec {
    /// The rows of `input` dealt to so many partitions; `origin` says whether the program has given the number.
    pub fn new(input: Arc<dyn ExecutionPlan>, by: ExchangeBy, partitions: usize, origin: Origin) -> Self {
        let partitioning = match &by {
            ExchangeBy::Key(exprs) => Partitioning::Hash(exprs.clone(), partitions),
            ExchangeBy::Turn | ExchangeBy::Range(_) => Partitioning::UnknownPartitioning(partitions),
        };
        let properties = PlanProperties::new(unordered(&input), partitioning, input.pipeline_behavior(), input.boundedness());
        Self { input, by, partitions, origin, properties: Arc::new(properties) }
    }

    /// The rows.
    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// How they find their partition.
    pub fn by(&self) -> &ExchangeBy {
        &self.by
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// Whether the program has given that number.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

impl DisplayAs for ExchangeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partitions = self.partitions;
        match &self.by {
            ExchangeBy::Turn => write!(f, "ExchangeExec: in turn into {partitions}"),
            ExchangeBy::Key(exprs) => write!(f, "ExchangeExec: hash({}) into {partitions}", super::list(exprs.iter())),
            ExchangeBy::Range(steps) => write!(f, "ExchangeExec: ranges({}) into {partitions}", steps.describe()),
        }
    }
}

impl ExecutionPlan for ExchangeExec {
    fn name(&self) -> &'static str {
        "ExchangeExec"
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
        vec![false]
    }

    fn apply_expressions(&self, f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        match &self.by {
            ExchangeBy::Key(exprs) => apply_expression_roots(exprs, f),
            ExchangeBy::Turn | ExchangeBy::Range(_) => Ok(TreeNodeRecursion::Continue),
        }
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return Err(Error::internal("an exchange has one input").into());
        };
        Ok(Arc::new(Self::new(input, self.by.clone(), self.partitions, self.origin)))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    /// All rows are the same rows; how many each partition has is not known.
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![if partition.is_none() { ChildStats::At(None) } else { ChildStats::Skip }]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> DfResult<Arc<Statistics>> {
        Ok(match (args.partition(), inputs) {
            (None, [all]) => Arc::clone(all),
            _ => Arc::new(Statistics::new_unknown(&self.schema())),
        })
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        Err(Error::internal("an exchange was not cut into a stage of its own").into())
    }
}
