//! What running costs when there is nothing to compute: microseconds per run of five stages with two tasks each, no rows.

use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::prelude::SessionContext;
use tidemill_executor::pool::{Engine, EngineConfig, Priority};
use tidemill_executor::run::{RunContext, run_graph};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::split;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]));
    let mut plan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(schema).with_partitions(2));
    for _ in 0..4 {
        let key = Arc::new(Column::new("k", 0)) as _;
        plan = Arc::new(RepartitionExec::try_new(plan, Partitioning::Hash(vec![key], 2))?);
    }
    let graph = split(vec![plan], &|_| None)?;
    let engine = Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() })?;
    let session = SessionContext::new_with_config(engine_session_config(2));
    let query = engine.query(Priority::Streaming, "empty");
    let context = RunContext::new(Arc::new(TaskContext::from(&session.state())));
    let mut micros = Vec::new();
    engine.io().block_on(async {
        for _ in 0..5000 {
            let start = Instant::now();
            run_graph(&query, &graph, context.clone()).await?;
            micros.push(start.elapsed().as_micros());
        }
        Ok::<_, tidemill_planner::Error>(())
    })?;
    micros.drain(..500);
    micros.sort_unstable();
    let at = |percent: usize| micros[(micros.len() - 1) * percent / 100];
    println!("{} stages, 2 tasks each: p50 {} us, p90 {} us, p99 {} us", graph.stages.len(), at(50), at(90), at(99));
    Ok(())
}
