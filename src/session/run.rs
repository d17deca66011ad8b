//! From a logical plan to rows: the one place where a batch query is handed to what runs it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use super::Session;
use crate::Result;

impl Session {
    /// The optimized physical plan of a logical plan.
    pub(crate) async fn physical_plan(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        let named = tidemill_planner::operator_id::name_operators(plan.clone())?;
        Ok(self.state().create_physical_plan(&named).await?)
    }

    /// All rows of a physical plan.
    pub(crate) async fn run_batch(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>> {
        Ok(datafusion::physical_plan::collect(plan, self.state().task_ctx()).await?)
    }
}
