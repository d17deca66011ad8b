//! The execution node of every stateful operator: it states what the kernel needs of its input and hands it the task's
//! scope and state. What the operator does is the kernel's business.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr, PlanProperties,
};
use tidemill_planner::key::DEFAULT_KEY_GROUPS;
use tidemill_planner::seam::state::{StateRead, StateTypes};
use tidemill_planner::seam::{TaskScope, Watermarks};
use tidemill_planner::{OperatorId, Result};

/// What one attempt at one partition of an operator works with.
#[derive(Debug)]
pub struct OperatorTask {
    /// Where side rows, state changes and counters are left.
    pub scope: Arc<TaskScope>,
    /// The state lent to it; empty in a batch run.
    pub state: Arc<dyn StateRead>,
    /// The epoch's watermarks; `None` in a batch run, where everything is final at the end.
    pub watermarks: Option<Watermarks>,
    /// How many key groups keys fall into.
    pub key_groups: u16,
}

/// A kernel: plain data that says what the operator is, and one method that runs it.
pub trait Operator: Debug + Send + Sync {
    /// The name in plans.
    fn name(&self) -> &'static str;

    /// The identity under which state and side rows are kept.
    fn id(&self) -> &OperatorId;

    /// The definition in plans.
    fn describe(&self) -> String;

    /// The columns of the rows it gives.
    fn schema(&self) -> SchemaRef;

    /// The expressions over its input by whose values rows must be together; empty: all rows together; `None`: anywhere.
    fn keys(&self) -> Option<Vec<Arc<dyn PhysicalExpr>>>;

    /// The types of what it keeps in state; nothing for an operator that keeps none.
    fn state_types(&self) -> Result<StateTypes> {
        Ok(StateTypes::default())
    }

    /// Runs over one partition.
    fn run(self: Arc<Self>, input: SendableRecordBatchStream, task: OperatorTask) -> SendableRecordBatchStream;
}

/// An operator over its input.
#[derive(Debug)]
pub struct OperatorExec {
    operator: Arc<dyn Operator>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl OperatorExec {
    /// `operator` over `input`.
    pub fn new(operator: Arc<dyn Operator>, input: Arc<dyn ExecutionPlan>) -> Self {
        // The partitioning is given out as unknown, so that a keyed operator above gets an exchange of its own: state is
        // found by the hash of exactly the operator's keys.
        let partitions =
            if operator.keys().is_some_and(|keys| keys.is_empty()) { 1 } else { input.output_partitioning().partition_count() };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(operator.schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { operator, input, properties: Arc::new(properties) }
    }

    /// The kernel.
    pub fn operator(&self) -> &Arc<dyn Operator> {
        &self.operator
    }
}

impl DisplayAs for OperatorExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operator.name(), self.operator.describe())
    }
}

impl ExecutionPlan for OperatorExec {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    #[expect(deprecated, reason = "the requirement is one distribution; the newer method wraps the same vector")]
    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![match self.operator.keys() {
            None => Distribution::UnspecifiedDistribution,
            Some(keys) if keys.is_empty() => Distribution::SinglePartition,
            Some(keys) => Distribution::HashPartitioned(keys),
        }]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        for key in self.operator.keys().into_iter().flatten() {
            if f(&key)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(Arc::clone(&self.operator), input))),
            _ => datafusion::common::internal_err!("{} has one input", self.operator.name()),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let scope = TaskScope::of(&context);
        let task = OperatorTask {
            state: scope.state(self.operator.id(), partition),
            watermarks: scope.watermarks(),
            key_groups: scope.epoch.as_ref().map_or(DEFAULT_KEY_GROUPS, |epoch| epoch.key_groups),
            scope,
        };
        let input = self.input.execute(partition, context)?;
        Ok(Arc::clone(&self.operator).run(input, task))
    }
}
