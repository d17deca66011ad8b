//! Physical planning with our own nodes, counted. How each node runs is told by the extension planners listed here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use tidemill_executor::operators::StatefulPlanner;

use crate::rules::lazy_logic::lazy_logic;

#[derive(Debug)]
pub(super) struct ExtensionQueryPlanner {
    /// Plans made so far.
    pub(super) made: Arc<AtomicU64>,
}

/// Who plans our logical nodes.
fn extension_planners() -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
    vec![Arc::new(StatefulPlanner)]
}

#[async_trait]
impl QueryPlanner for ExtensionQueryPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn datafusion::catalog::Session) -> Result<Arc<dyn ExecutionPlan>> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let plan = lazy_logic(plan)?;
        DefaultPhysicalPlanner::with_extension_planners(extension_planners()).create_physical_plan(&plan, session).await
    }
}
