//! From a logical plan to rows: the one place where a batch query is handed to the engine that runs it.

use arrow::array::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::batch;
use tidemill_executor::operators::identity;
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_planner::operator_id::name_operators;
use tidemill_planner::seam::Port;
use tidemill_planner::stage::StageGraph;

use super::Session;
use crate::Result;

impl Session {
    /// The threads that run this session's queries, started when they are first needed.
    ///
    /// # Errors
    /// `Resources` when they cannot be started.
    pub fn engine(&self) -> Result<&Engine> {
        if let Some(engine) = self.inner.engine.get() {
            return Ok(engine);
        }
        let settings = &self.inner.settings;
        let config = EngineConfig {
            threads: settings.threads,
            shuffle_memory_bytes: settings.shuffle_memory_bytes,
            spill_dir: settings.spill_dir.clone(),
            ..EngineConfig::default()
        };
        let engine = Engine::new(config)?;
        Ok(self.inner.engine.get_or_init(|| engine))
    }

    /// All rows of a plan, by partition.
    pub(crate) async fn run_batch(&self, plan: &LogicalPlan) -> Result<Vec<Vec<RecordBatch>>> {
        let graph = self.stages(plan).await?;
        let output = batch::run(self.engine()?, self.state(), &graph).await?;
        for ((source, port), rows) in &output.report.side_rows {
            if *port == Port::Malformed {
                tracing::warn!(source, rows, "malformed lines were left out; `malformed_rows()` gives them");
            }
        }
        Ok(output.roots.into_iter().next().map(|root| root.partitions).unwrap_or_default())
    }

    /// The stages that a plan is run in.
    pub(crate) async fn stages(&self, plan: &LogicalPlan) -> Result<StageGraph> {
        batch::plan_stages(self.state(), &[name_operators(plan.clone())?], &identity).await
    }
}
