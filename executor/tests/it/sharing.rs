//! Operators that several sinks read run once, and their side rows find whoever asks for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use expect_test::expect;
use tidemill_executor::batch;
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::seam::{OperatorMetrics, Port, TaskScope};
use tidemill_planner::stage::{SidePortExec, split};
use tidemill_planner::{OperatorId, SourceId};

use crate::support::{Tap, adaptive, identity, rows, session};

#[tokio::test]
async fn a_shared_operator_runs_once_for_rows_and_side_rows() {
    let engine = Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap();
    let context = session(engine_session_config(2));
    let scan = context.table("a").await.unwrap().create_physical_plan().await.unwrap();
    let late = Arc::new(Schema::new(vec![Field::new("late", DataType::Int64, false)]));
    let side_schema = Arc::clone(&late);
    let mut tap = Tap::over(scan);
    tap.id = Some("dedup-1".to_owned());
    let executions = Arc::clone(&tap.executions);
    tap.on_batch = Arc::new(move |context, partition, batch| {
        let scope = TaskScope::of(context);
        let rows = Int64Array::from(vec![partition as i64, batch.num_rows() as i64]);
        scope.emit_side("dedup-1", Port::Late, RecordBatch::try_new(Arc::clone(&side_schema), vec![Arc::new(rows)])?);
        let id = OperatorId::new("dedup-1");
        let mut report = scope.report();
        report.metrics.entry(id.clone()).or_default().add(&OperatorMetrics { rows_in: batch.num_rows() as u64, ..Default::default() });
        let max = report.event_time_max_us.entry(id).or_insert(0);
        *max = (*max).max(partition as i64);
        *report.source_rows.entry(SourceId::new("events")).or_default() += batch.num_rows() as u64;
        drop(report);
        Ok(batch)
    });
    let shared: Arc<dyn ExecutionPlan> = Arc::new(tap);
    let roots: Vec<Arc<dyn ExecutionPlan>> = vec![
        Arc::clone(&shared),
        Arc::new(CoalescePartitionsExec::new(Arc::clone(&shared))),
        Arc::new(SidePortExec::new(Arc::clone(&shared), "dedup-1", Port::Late, Arc::clone(&late))),
        // Asked for above another operator, whose own stage has none: the rows of the stages before it count.
        Arc::new(SidePortExec::new(Arc::new(Tap::over(Arc::clone(&shared))), "dedup-1", Port::Late, late)),
    ];
    let graph = split(roots, &identity).unwrap();
    expect![[r#"
        Stage 0: 3 tasks
          Tap
            DataSourceExec: partitions=3, partition_sizes=[2, 1, 0]
        Stage 1: 1 task, reads 0
          CoalescePartitionsExec
            StageReadExec: stage=0, gather
        Stage 2: 3 tasks, reads 0
          StageReadExec: stage=0, side=dedup-1.late
        Stage 3: 3 tasks, reads 0
          Tap
            StageReadExec: stage=0, partitioning=UnknownPartitioning(3)
        Stage 4: 3 tasks, reads 3
          StageReadExec: stage=3, side=dedup-1.late
        Roots: 0, 1, 2, 4
    "#]]
    .assert_eq(&graph.to_string());
    let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
    assert_eq!(executions.load(Ordering::SeqCst), 3, "one execution per partition, for four consumers");
    let all = |root: usize| rows(&output.roots[root].partitions.concat());
    assert_eq!(all(0).len(), 80);
    assert_eq!(all(0), all(1));
    assert_eq!(all(2), ["0", "0", "1", "10", "30", "40"]);
    assert_eq!(all(2), all(3));
    let id = OperatorId::new("dedup-1");
    assert_eq!(output.report.metrics[&id].rows_in, 80);
    assert_eq!(output.report.event_time_max_us[&id], 1);
    assert_eq!(output.report.source_rows[&SourceId::new("events")], 80);
    assert_eq!(output.report.side_rows[&("dedup-1".to_owned(), Port::Late)], 6);
}

#[tokio::test]
async fn an_operator_read_by_its_side_rows_only_keeps_no_rows() {
    let engine = Engine::new(EngineConfig { threads: 1, ..EngineConfig::default() }).unwrap();
    let context = session(engine_session_config(2));
    let scan = context.table("a").await.unwrap().create_physical_plan().await.unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Int64, false)]));
    let root: Arc<dyn ExecutionPlan> = Arc::new(SidePortExec::new(scan, "events", Port::Malformed, schema));
    let graph = split(vec![root], &identity).unwrap();
    let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
    assert!(output.roots[0].partitions.iter().all(Vec::is_empty));
    assert_eq!(output.report.stages[0].rows.iter().sum::<u64>(), 80);
    assert_eq!(engine.shuffle_bytes_used(), 0);
}

#[tokio::test]
async fn a_batch_run_gives_back_overlays_by_partition() {
    let engine = Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap();
    let context = session(engine_session_config(2));
    let id = OperatorId::new("op");
    let mut tap = Tap::over(context.table("b").await.unwrap().create_physical_plan().await.unwrap());
    let written = id.clone();
    tap.on_batch = Arc::new(move |context, partition, batch| {
        let scope = TaskScope::of(context);
        let entry = tidemill_planner::seam::state::Entry { due_us: i64::MAX, value: Box::from([partition as u8]) };
        scope.report().overlays.entry(written.clone()).or_default().put(0, &[partition as u8], entry);
        Ok(batch)
    });
    let graph = split(vec![Arc::new(tap)], &identity).unwrap();
    let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
    let mut keys: Vec<usize> = output.report.overlays.keys().map(|(_, partition)| *partition).collect();
    keys.sort_unstable();
    assert_eq!(keys, [0, 1]);
    for partition in keys {
        assert!(output.report.overlays[&(id.clone(), partition)].get(0, &[partition as u8]).flatten().is_some());
    }
}
