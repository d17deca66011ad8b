//! Attempts that fail, panic, hang or find their input gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::SessionContext;
use tidemill_executor::batch;
use tidemill_executor::pool::{Engine, EngineConfig, Priority};
use tidemill_executor::run::{RunContext, RunOutput, run_graph};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::{StageGraph, split};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::support::{Tap, adaptive, rows, session};

fn engine() -> Engine {
    Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap()
}

async fn scan(context: &SessionContext) -> Arc<dyn ExecutionPlan> {
    context.table("a").await.unwrap().create_physical_plan().await.unwrap()
}

async fn run(engine: &Engine, context: &SessionContext, plan: Arc<dyn ExecutionPlan>) -> Result<RunOutput> {
    batch::run(engine, &context.state(), &split(vec![plan], &|_| None)?, adaptive()).await
}

#[tokio::test]
async fn transient_errors_and_panics_are_tried_again() {
    let engine = engine();
    let context = session(engine_session_config(2));
    let expected = rows(&context.table("a").await.unwrap().collect().await.unwrap());
    for panics in [false, true] {
        let failures = Arc::new(AtomicUsize::new(0));
        let mut tap = Tap::over(scan(&context).await);
        let counted = Arc::clone(&failures);
        // Rows have been given by then: a second attempt must not double them.
        tap.on_batch = Arc::new(move |_, partition, batch| {
            if partition == 1 && counted.fetch_add(1, Ordering::SeqCst) < 3 {
                assert!(!panics, "deliberate");
                return Err(Error::io("deliberate").into());
            }
            Ok(batch)
        });
        let output = run(&engine, &context, Arc::new(CoalescePartitionsExec::new(Arc::new(tap)))).await.unwrap();
        assert_eq!(rows(&output.roots[0].partitions.concat()), expected);
        assert_eq!(output.report.stages[0].retries, 9, "all three tasks share an instance, and begin anew together");
        assert_eq!(output.report.stages[0].rows.iter().sum::<u64>(), expected.len() as u64);
    }
}

#[tokio::test]
async fn a_run_whose_input_was_touched_is_begun_anew() {
    let engine = engine();
    let context = session(engine_session_config(2));
    let expected = rows(&context.table("a").await.unwrap().collect().await.unwrap());
    for (conflicts, passes) in [(1, true), (3, true), (usize::MAX, false)] {
        let failures = AtomicUsize::new(0);
        let mut tap = Tap::over(scan(&context).await);
        // What the other task gave in a run that failed must not be doubled by the next one.
        tap.on_batch = Arc::new(move |_, partition, batch| {
            if partition == 1 && failures.fetch_add(1, Ordering::SeqCst) < conflicts {
                return Err(Error::conflict("deliberate").into());
            }
            Ok(batch)
        });
        match run(&engine, &context, Arc::new(CoalescePartitionsExec::new(Arc::new(tap)))).await {
            Ok(output) => {
                assert!(passes, "{conflicts}");
                assert_eq!(rows(&output.roots[0].partitions.concat()), expected);
                assert_eq!(output.report.stages[0].rows.iter().sum::<u64>(), expected.len() as u64);
            }
            Err(error) => {
                assert!(!passes, "{conflicts}: {error}");
                assert_eq!((error.kind(), error.message()), (ErrorKind::Conflict, "deliberate"));
            }
        }
    }
}

#[tokio::test]
async fn errors_that_stay_end_the_query() {
    let engine = engine();
    let context = session(engine_session_config(2));
    type Make = fn() -> DataFusionError;
    let cases: [(&str, Make, ErrorKind, usize, &str); 3] = [
        ("a bad row", || DataFusionError::Execution("bad row".to_owned()), ErrorKind::Data, 1, "bad row"),
        ("storage that stays away", || Error::io("no disk").into(), ErrorKind::Io, 4, "after 4 attempts: no disk"),
        ("a bug", || panic!("deliberate"), ErrorKind::Internal, 4, "panicked: deliberate"),
    ];
    for (name, make, kind, attempts, message) in cases {
        let mut tap = Tap::over(scan(&context).await);
        let executions = Arc::clone(&tap.executions);
        tap.on_execute = Arc::new(move |partition| if partition == 0 { Err(make()) } else { Ok(()) });
        let error = run(&engine, &context, Arc::new(tap)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.message().contains(message), "{name}: {error}");
        assert!((attempts..=attempts * 3).contains(&executions.load(Ordering::SeqCst)), "{name}");
        // The pool is none the worse for it.
        run(&engine, &context, scan(&context).await).await.unwrap();
    }
    assert_eq!(engine.shuffle_bytes_used(), 0);
}

/// A stage that hashes, under a tap that runs in the next stage.
async fn two_stages(
    context: &SessionContext,
    on_execute: Arc<dyn Fn(usize) -> datafusion::common::Result<()> + Send + Sync>,
) -> (StageGraph, Arc<AtomicUsize>) {
    let plan = context.sql("select k, count(*) from a group by k").await.unwrap().create_physical_plan().await.unwrap();
    let below = Tap::over(plan);
    let executions = Arc::clone(&below.executions);
    let tap = Tap { on_execute, ..below };
    (split(vec![Arc::new(tap)], &|_| None).unwrap(), executions)
}

#[tokio::test]
async fn lost_blocks_are_made_again() {
    let spill = tempfile::tempdir().unwrap();
    // One byte of memory: every block is a file.
    let config = EngineConfig { threads: 2, shuffle_memory_bytes: 1, spill_dir: Some(spill.path().to_owned()), ..EngineConfig::default() };
    let engine = Engine::new(config).unwrap();
    let context = session(engine_session_config(2));
    let expected = rows(&context.sql("select k, count(*) from a group by k").await.unwrap().collect().await.unwrap());
    let lost = Arc::new(AtomicBool::new(false));
    let (folder, once) = (spill.path().to_owned(), Arc::clone(&lost));
    let (graph, _) = two_stages(
        &context,
        Arc::new(move |_| {
            if !once.swap(true, Ordering::SeqCst) {
                for run in std::fs::read_dir(&folder)? {
                    for file in std::fs::read_dir(run?.path())? {
                        std::fs::remove_file(file?.path())?;
                    }
                }
            }
            Ok(())
        }),
    )
    .await;
    let output = batch::run(&engine, &context.state(), &graph, adaptive()).await.unwrap();
    assert!(lost.load(Ordering::SeqCst));
    assert_eq!(rows(&output.roots[0].partitions.concat()), expected);
    let retries: Vec<u64> = output.report.stages.iter().map(|s| s.retries).collect();
    assert!(retries.iter().all(|r| *r > 0), "writers and readers ran again: {retries:?}");
    assert_eq!(std::fs::read_dir(spill.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn dropping_the_run_stops_its_tasks() {
    let engine = engine();
    let context = session(engine_session_config(2));
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let held = Arc::new(());
    let mut tap = Tap::over(scan(&context).await);
    tap.hangs = Some(Arc::clone(&held));
    tap.on_execute = Arc::new(move |_| {
        began.send(()).unwrap();
        Ok(())
    });
    let graph = split(vec![Arc::new(tap)], &|_| None).unwrap();
    let query = engine.query(Priority::Batch, "stopped");
    {
        let running = run_graph(&query, &graph, RunContext::new(Arc::new(TaskContext::from(&context.state()))));
        let mut running = std::pin::pin!(running);
        tokio::select! {
            _ = &mut running => panic!("rows that never come have come"),
            _ = begun.recv() => {}
        }
    }
    drop(graph);
    // The query lives on, the run's futures and with them every plan instance do not: each turn here lets the pool get on with that.
    while Arc::strong_count(&held) > 1 {
        query.spawn(tidemill_executor::pool::yield_now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_cancelled_query_says_so() {
    let engine = engine();
    let context = session(engine_session_config(2));
    let query = Arc::new(engine.query(Priority::Batch, "nightly"));
    let cancelling = Arc::clone(&query);
    let tap = Tap {
        on_execute: Arc::new(move |_| {
            cancelling.cancel();
            Ok(())
        }),
        ..Tap::over(scan(&context).await)
    };
    let plan: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(Arc::new(tap)));
    let graph = split(vec![plan], &|_| None).unwrap();
    let error = run_graph(&query, &graph, RunContext::new(Arc::new(TaskContext::from(&context.state())))).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Cancelled, "query nightly was cancelled"));
}

#[tokio::test]
async fn every_attempt_has_a_fresh_instance() {
    // A collected build side lives in the plan instance: were it shared, a failed attempt's would be read again.
    let engine = engine();
    let mut config = engine_session_config(2);
    config.options_mut().optimizer.hash_join_single_partition_threshold = 1 << 30;
    config.options_mut().optimizer.hash_join_single_partition_threshold_rows = 1 << 30;
    let context = session(config);
    let sql = "select a.k, a.v, b.v from a join b on a.k = b.k";
    let expected = rows(&context.sql(sql).await.unwrap().collect().await.unwrap());
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    assert!(displayable(plan.as_ref()).indent(false).to_string().contains("CollectLeft"));
    let failures = AtomicUsize::new(0);
    let mut tap = Tap::over(plan);
    tap.on_batch = Arc::new(
        move |_, _, batch| {
            if failures.fetch_add(1, Ordering::SeqCst) < 2 { Err(Error::io("deliberate").into()) } else { Ok(batch) }
        },
    );
    let output = run(&engine, &context, Arc::new(tap)).await.unwrap();
    assert_eq!(rows(&output.roots[0].partitions.concat()), expected);
}
