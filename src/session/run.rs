//! From a logical plan to rows: the one place where a batch query is handed to the engine that runs it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::batch;
use tidemill_executor::operators::identity;
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_executor::run::{DropRows, Receipt, RowSink, RowStream, RunContext, RunReport};
use tidemill_planner::operator_id::{SameId, name_operators};
use tidemill_planner::seam::Port;
use tidemill_planner::stage::StageGraph;

use super::Session;
use super::progress::{Telling, told};
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
            executors: settings.executors,
            threads: settings.threads,
            memory_bytes: settings.memory_bytes,
            shuffle_memory_bytes: settings.shuffle_memory_bytes,
            spill_dir: settings.spill_dir.clone(),
            scheduling: settings.scheduling,
            max_failures: settings.max_failures,
            ..EngineConfig::default()
        };
        let engine = Engine::new(config)?;
        Ok(self.inner.engine.get_or_init(|| engine))
    }

    /// All rows of a plan.
    pub(crate) async fn run_batch(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
        let (graph, context, telling) = self.ready(plan).await?;
        let run = batch::run(self.engine()?, &graph, context.holding_at_most(self.max_result_bytes()));
        let output = told(telling, run).await?;
        warn_of_malformed(&output.report);
        Ok(output.roots.into_iter().flat_map(|root| root.partitions).flatten().collect())
    }

    /// What is left of a plan's rows where `sink` has taken them, by partition.
    pub(crate) async fn run_into(&self, plan: &LogicalPlan, sink: Arc<dyn RowSink>) -> Result<Vec<Receipt>> {
        let (graph, context, telling) = self.ready(plan).await?;
        let output = told(telling, batch::run(self.engine()?, &graph, context.delivering_to(sink))).await?;
        warn_of_malformed(&output.report);
        Ok(output.roots.into_iter().next().map(|root| root.receipts.into_iter().flatten().collect()).unwrap_or_default())
    }

    /// How a plan's stages and operators do. Its rows are made and dropped.
    pub(crate) async fn run_measured(&self, plan: &LogicalPlan) -> Result<RunReport> {
        let (graph, context, telling) = self.ready(plan).await?;
        let output = told(telling, batch::run(self.engine()?, &graph, context.delivering_to(Arc::new(DropRows)).measuring())).await?;
        warn_of_malformed(&output.report);
        Ok(output.report)
    }

    /// Whether these stages may change while they run, as things are set now.
    pub(crate) fn adapts(&self, graph: &StageGraph) -> bool {
        self.inner.settings.adaptive().enabled && graph.stages.len() > 1
    }

    /// The rows of a plan while they are made, and what is to be told of it meanwhile.
    pub(crate) async fn run_stream(&self, plan: &LogicalPlan) -> Result<(RowStream, Option<Telling>)> {
        let (graph, context, telling) = self.ready(plan).await?;
        Ok((batch::stream(self.engine()?, graph, context)?, telling))
    }

    /// How many bytes the rows of a result may take; 0 for any number.
    pub(crate) fn max_result_bytes(&self) -> u64 {
        self.inner.settings.max_result_bytes()
    }

    /// A plan's stages, what their tasks share, and what is to be told of them.
    async fn ready(&self, plan: &LogicalPlan) -> Result<(StageGraph, RunContext, Option<Telling>)> {
        let state = self.state_now();
        let graph = self.planned(&state, plan).await?;
        let settings = &self.inner.settings;
        let context = batch::context(&state, settings.adaptive()).in_pool(settings.scheduler_pool().as_deref());
        let telling = self.telling(context.watch.clone());
        let watch = telling.as_ref().map(Telling::watch).or_else(|| context.watch.clone());
        Ok((graph, context.watched_by(watch), telling))
    }

    /// The stages that a plan is run in, to be looked at.
    pub(crate) async fn stages(&self, plan: &LogicalPlan) -> Result<StageGraph> {
        batch::as_run(self.planned(&self.state_now(), plan).await?, self.inner.settings.batch_size)
    }

    async fn planned(&self, state: &SessionState, plan: &LogicalPlan) -> Result<StageGraph> {
        OnFarStack(Box::pin(async {
            let plan = named(plan)?;
            #[cfg(debug_assertions)]
            types_are_final(&plan)?;
            batch::plan_stages(state, &[plan], &identity).await
        }))
        .await
    }

    /// The session's state with the time at which a query begins: what `current_timestamp` and its like mean in it.
    pub(crate) fn state_now(&self) -> SessionState {
        let mut state = self.state().clone();
        state.mark_start_execution();
        let options = state.config_mut().options_mut();
        options.execution.target_partitions = self.inner.settings.parallelism_now();
        options.optimizer.join_reordering = self.inner.settings.reorders_joins();
        state
    }
}

/// Says which sources had lines that are no rows.
pub(crate) fn warn_of_malformed(report: &RunReport) {
    for ((source, port), rows) in &report.side_rows {
        if *port == Port::Malformed {
            tracing::warn!(source, rows, "malformed lines were left out; `malformed_rows()` gives them");
        }
    }
}

/// Planning takes stack for each level of a plan, and more than a worker has where a plan is tall.
struct OnFarStack<'a, T>(Pin<Box<dyn Future<Output = T> + Send + 'a>>);

impl<T> Future for OnFarStack<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        tidemill_spark::plan::on_far_stack(|| self.0.as_mut().poll(context))
    }
}

/// The resolver settles all types: the engine's own coercion finds none to change in the columns of a plan.
#[cfg(debug_assertions)]
fn types_are_final(plan: &LogicalPlan) -> Result<()> {
    use datafusion::optimizer::AnalyzerRule;
    use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
    let coerced = TypeCoercion::new().analyze(plan.clone(), &datafusion::config::ConfigOptions::default());
    // What it would refuse, it does not change: ranges of a window over lengths of time.
    let Ok(coerced) = coerced else { return Ok(()) };
    let types = |plan: &LogicalPlan| plan.schema().fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
    if types(plan) == types(&coerced) {
        return Ok(());
    }
    Err(Error::internal(format!("coercion made {:?} of {:?} in\n{}", types(&coerced), types(plan), plan.display_indent())))
}

/// A batch plan whose operators have their names.
pub(crate) fn named(plan: &LogicalPlan) -> Result<LogicalPlan> {
    // Operators are extensions.
    if !plan.exists(|node| Ok(matches!(node, LogicalPlan::Extension(_))))? {
        return Ok(plan.clone());
    }
    let mut roots = name_operators(vec![plan.clone()], SameId::TellApart)?;
    roots.pop().ok_or_else(|| Error::internal("a plan was lost while its operators were named"))
}
