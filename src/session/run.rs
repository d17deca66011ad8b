//! From a logical plan to rows: the one place where a batch query is handed to the engine that runs it.

use arrow::array::RecordBatch;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::batch;
use tidemill_executor::operators::identity;
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_planner::operator_id::{SameId, name_operators};
use tidemill_planner::seam::Port;
use tidemill_planner::stage::StageGraph;

use super::Session;
use tidemill_planner::{Error, Result};

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
        let state = self.state_now();
        let graph = batch::plan_stages(&state, &[named(plan)?], &identity).await?;
        let output = batch::run(self.engine()?, &state, &graph).await?;
        for ((source, port), rows) in &output.report.side_rows {
            if *port == Port::Malformed {
                tracing::warn!(source, rows, "malformed lines were left out; `malformed_rows()` gives them");
            }
        }
        Ok(output.roots.into_iter().next().map(|root| root.partitions).unwrap_or_default())
    }

    /// The stages that a plan is run in.
    pub(crate) async fn stages(&self, plan: &LogicalPlan) -> Result<StageGraph> {
        batch::plan_stages(&self.state_now(), &[named(plan)?], &identity).await
    }

    /// The session's state with the time at which a query begins: what `current_timestamp` and its like mean in it.
    pub(crate) fn state_now(&self) -> SessionState {
        let mut state = self.state().clone();
        state.mark_start_execution();
        state.config_mut().options_mut().execution.target_partitions = self.inner.settings.parallelism_now();
        state
    }
}

/// A batch plan whose operators have their names.
pub(crate) fn named(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let mut roots = name_operators(vec![plan.clone()], SameId::TellApart)?;
    roots.pop().ok_or_else(|| Error::internal("a plan was lost while its operators were named"))
}
