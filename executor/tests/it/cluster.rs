//! Several executors in one process, and some of them lost: before a task, while tasks run, between stages, beside other queries.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use datafusion::catalog::MemTable;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use tidemill_executor::batch;
use tidemill_executor::pool::{Engine, EngineConfig, Priority, yield_now};
use tidemill_executor::run::{RunContext, RunOutput};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::{AdaptiveSettings, split};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::faults::damage_all;
use crate::queries::QUERIES;
use crate::support::{Tap, adaptive, batch as some_rows, identity, rows, session, table_schema};

/// Three executors of two threads each that keep blocks in memory, or in files beneath `spill`.
fn cluster(spill: &Path, in_files: bool) -> Engine {
    let shuffle_memory_bytes = u64::from(in_files);
    let spill_dir = Some(spill.to_owned());
    Engine::new(EngineConfig { executors: 3, threads: 2, shuffle_memory_bytes, spill_dir, ..EngineConfig::default() }).unwrap()
}

/// A session with a table of eight partitions besides.
fn with_eight() -> SessionContext {
    let context = session(engine_session_config(3));
    let batches = (0..8).map(|seed| vec![some_rows(seed, 50, 20)]).collect();
    context.register_table("eight", Arc::new(MemTable::try_new(table_schema(), batches).unwrap())).unwrap();
    context
}

/// An order of the shape of TPC-H's: a join, groups, an order.
const JOIN: &str = "select eight.k, count(*) as n, sum(eight.v), max(b.s) from eight join b on eight.k = b.k where b.v > 100 \
                    group by eight.k order by n desc, eight.k";

async fn plan_of(context: &SessionContext, sql: &str) -> Arc<dyn ExecutionPlan> {
    context.sql(sql).await.unwrap().create_physical_plan().await.unwrap()
}

async fn expected(context: &SessionContext, sql: &str) -> Vec<String> {
    rows(&context.sql(sql).await.unwrap().collect().await.unwrap())
}

async fn run(engine: &Engine, context: &SessionContext, plan: Arc<dyn ExecutionPlan>, adaptive: AdaptiveSettings) -> Result<RunOutput> {
    batch::run(engine, &split(vec![plan], &|_| None)?, batch::context(&context.state(), adaptive)).await
}

fn of(output: &RunOutput) -> Vec<String> {
    rows(&output.roots[0].partitions.concat())
}

fn is_empty(spill: &Path) -> bool {
    std::fs::read_dir(spill).unwrap().count() == 0
}

/// Waits until nothing is held any more: attempts that no longer count may be on their way. Each turn lets the pool get on with that.
async fn gives_memory_back(engine: &Engine) {
    let query = engine.query(Priority::Batch, "waits");
    while (engine.operator_bytes_used(), engine.shuffle_bytes_used()) != (0, 0) {
        query.spawn(yield_now()).await.unwrap();
    }
}

/// Has the scans of a plan do something before each of their tasks.
fn before_scans(plan: Arc<dyn ExecutionPlan>, act: impl Fn(usize) + Send + Sync + 'static) -> Arc<dyn ExecutionPlan> {
    let act = Arc::new(act);
    let tapped = plan.transform_up(|node| {
        if node.name() != "DataSourceExec" {
            return Ok(Transformed::no(node));
        }
        let act = Arc::clone(&act);
        let on_execute = Arc::new(move |partition: usize| -> DfResult<()> {
            act(partition);
            Ok(())
        });
        Ok(Transformed::yes(Arc::new(Tap { on_execute, ..Tap::over(node) }) as _))
    });
    tapped.data().unwrap()
}

#[tokio::test]
async fn tasks_are_spread_over_executors_and_answers_are_the_same() {
    let spill = tempfile::tempdir().unwrap();
    let context = with_eight();
    let expected = expected(&context, JOIN).await;
    for in_files in [false, true] {
        let engine = cluster(spill.path(), in_files);
        assert_eq!((engine.threads(), engine.executors()), (6, vec![0, 1, 2]));
        for adaptive in [adaptive(), AdaptiveSettings::off()] {
            let output = run(&engine, &context, plan_of(&context, JOIN).await, adaptive).await.unwrap();
            assert_eq!(of(&output), expected);
            let everywhere = output.report.stages.iter().filter(|stage| stage.executors == [0, 1, 2]).count();
            assert!(everywhere > 0, "{:?}", output.report.stages);
            assert!(output.report.stages.iter().all(|stage| stage.retries == 0), "{:?}", output.report.stages);
        }
        assert!(is_empty(spill.path()));
        gives_memory_back(&engine).await;
    }
}

#[tokio::test]
async fn every_query_survives_a_loss_while_it_scans_and_another_before_its_last_stage() {
    let spill = tempfile::tempdir().unwrap();
    let context = session(engine_session_config(3));
    for sql in QUERIES {
        let expected = expected(&context, sql).await;
        for (scans_before, adaptive) in [(1, adaptive()), (2, AdaptiveSettings::off()), (4, AdaptiveSettings::off())] {
            let (engine, changes) = (cluster(spill.path(), scans_before == 2), adaptive.enabled);
            let (scans, losing) = (AtomicUsize::new(0), engine.clone());
            let plan = before_scans(plan_of(&context, sql).await, move |_| {
                if scans.fetch_add(1, Ordering::SeqCst) + 1 == scans_before {
                    losing.lose_executor(1).unwrap();
                }
            });
            let mut last = Tap::over(plan);
            let (lost, losing) = (AtomicBool::new(false), engine.clone());
            last.on_execute = Arc::new(move |_| {
                if !lost.swap(true, Ordering::SeqCst) {
                    losing.lose_executor(0)?;
                }
                Ok(())
            });
            let output = run(&engine, &context, Arc::new(last), adaptive).await;
            let output = output.unwrap_or_else(|error| panic!("{sql}, after {scans_before} scans: {error}"));
            assert_eq!(of(&output), expected, "{sql}, after {scans_before} scans");
            // What gives no rows may not be run at all where stages change.
            assert!(changes || !engine.executors().contains(&0), "{sql}");
            assert!(is_empty(spill.path()), "{sql}");
        }
    }
}

#[tokio::test]
async fn what_runs_on_a_lost_executor_is_run_by_the_others() {
    let spill = tempfile::tempdir().unwrap();
    let context = with_eight();
    let expected = expected(&context, "select * from eight").await;
    // Of eight tasks the first two are on executor 0, the next three on 1, the last three on 2.
    for (partition, executor, others) in [(0, 0, vec![1, 2]), (3, 1, vec![0, 2]), (7, 2, vec![0, 1])] {
        let engine = cluster(spill.path(), false);
        let mut tap = Tap::over(plan_of(&context, "select * from eight").await);
        let (lost, losing) = (AtomicBool::new(false), engine.clone());
        // Its rows have been made by then: they must not count.
        tap.on_batch = Arc::new(move |_, at, batch| {
            if at == partition && !lost.swap(true, Ordering::SeqCst) {
                losing.lose_executor(executor)?;
            }
            Ok(batch)
        });
        let plan = Arc::new(CoalescePartitionsExec::new(Arc::new(tap)));
        let output = run(&engine, &context, plan, AdaptiveSettings::off()).await.unwrap();
        assert_eq!(of(&output), expected);
        let scan = &output.report.stages[0];
        assert_eq!(scan.executors, others);
        assert!((1..=3).contains(&scan.retries), "its share alone ran again: {scan:?}");
        assert_eq!(scan.rows.iter().sum::<u64>(), expected.len() as u64);
    }
}

#[tokio::test]
async fn what_a_lost_executor_has_left_is_made_again() {
    let context = with_eight();
    let sql = "select k, count(*), sum(v) from eight group by k";
    let expected = expected(&context, sql).await;
    for in_files in [false, true] {
        for adaptive in [adaptive(), AdaptiveSettings::off()] {
            let spill = tempfile::tempdir().unwrap();
            let engine = cluster(spill.path(), in_files);
            let mut tap = Tap::over(plan_of(&context, sql).await);
            let (lost, losing) = (AtomicBool::new(false), engine.clone());
            tap.on_execute = Arc::new(move |_| {
                if !lost.swap(true, Ordering::SeqCst) {
                    losing.lose_executor(1)?;
                }
                Ok(())
            });
            let output = run(&engine, &context, Arc::new(tap), adaptive).await.unwrap();
            assert_eq!(of(&output), expected);
            let written = &output.report.stages[0];
            assert_eq!((written.executors.contains(&1), written.retries), (false, 3), "{written:?}");
            assert!(is_empty(spill.path()));
            gives_memory_back(&engine).await;
        }
    }
}

#[tokio::test]
async fn eight_writers_blocks_and_then_an_executor_are_lost_at_once() {
    let context = with_eight();
    let sql = "select k, count(*), sum(v) from eight group by k";
    let expected = expected(&context, sql).await;
    for executor in 0..3 {
        let spill = tempfile::tempdir().unwrap();
        let engine = cluster(spill.path(), true);
        let files = Arc::new(AtomicUsize::new(0));
        let (folder, counted, losing) = (spill.path().to_owned(), Arc::clone(&files), engine.clone());
        let begun = AtomicBool::new(false);
        let mut tap = Tap::over(plan_of(&context, sql).await);
        tap.on_execute = Arc::new(move |_| {
            if !begun.swap(true, Ordering::SeqCst) {
                counted.store(damage_all(&folder, |file| std::fs::remove_file(file))?, Ordering::SeqCst);
                losing.lose_executor(executor)?;
            }
            Ok(())
        });
        let output = run(&engine, &context, Arc::new(tap), adaptive()).await.unwrap();
        assert_eq!(files.load(Ordering::SeqCst), 8, "every writer had a file");
        assert_eq!(of(&output), expected, "executor {executor}");
        assert!(!output.report.stages[0].executors.contains(&executor));
        assert!(is_empty(spill.path()));
    }
}

#[tokio::test]
async fn a_loss_beside_another_query_harms_neither() {
    let spill = tempfile::tempdir().unwrap();
    let context = with_eight();
    let queries = [JOIN, "select s, count(*), sum(v) from eight group by s"];
    for executor in 0..3 {
        let engine = cluster(spill.path(), executor == 1);
        // Both have blocks on all executors, and are about to read them, when one is lost.
        let (meeting, mut running) = (Arc::new(Barrier::new(2)), Vec::new());
        for (number, sql) in queries.into_iter().enumerate() {
            let mut tap = Tap::over(plan_of(&context, sql).await);
            let (begun, met, losing) = (AtomicBool::new(false), Arc::clone(&meeting), engine.clone());
            tap.on_execute = Arc::new(move |_| {
                if !begun.swap(true, Ordering::SeqCst) {
                    met.wait();
                    if number == 0 {
                        losing.lose_executor(executor)?;
                    }
                }
                Ok(())
            });
            running.push(run(&engine, &context, Arc::new(tap), AdaptiveSettings::off()));
        }
        for (sql, output) in queries.into_iter().zip(futures::future::join_all(running).await) {
            assert_eq!(of(&output.unwrap()), expected(&context, sql).await, "executor {executor}: {sql}");
        }
        assert!(is_empty(spill.path()));
        // Those that are left go on.
        let output = run(&engine, &context, plan_of(&context, JOIN).await, adaptive()).await.unwrap();
        assert_eq!(of(&output), expected(&context, JOIN).await);
    }
}

#[tokio::test]
async fn one_executor_is_enough_and_the_last_one_stays() {
    let spill = tempfile::tempdir().unwrap();
    let context = with_eight();
    let engine = cluster(spill.path(), true);
    let mut tap = Tap::over(plan_of(&context, JOIN).await);
    let (begun, losing) = (AtomicBool::new(false), engine.clone());
    tap.on_execute = Arc::new(move |_| {
        if !begun.swap(true, Ordering::SeqCst) {
            losing.lose_executor(0)?;
            losing.lose_executor(2)?;
        }
        Ok(())
    });
    let output = run(&engine, &context, Arc::new(tap), adaptive()).await.unwrap();
    assert_eq!(of(&output), expected(&context, JOIN).await);
    assert_eq!(engine.executors(), [1]);
    for (executor, said) in [(1, "executor 1 is the last one"), (3, "there is no executor 3")] {
        let error = engine.lose_executor(executor).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Analysis);
        assert!(error.message().contains(said), "{error}");
    }
    // What is lost already can be lost again.
    engine.lose_executor(0).unwrap();
    let output = run(&engine, &context, plan_of(&context, JOIN).await, AdaptiveSettings::off()).await.unwrap();
    assert_eq!(of(&output), expected(&context, JOIN).await);
    assert!(output.report.stages.iter().all(|stage| stage.executors == [1]), "{:?}", output.report.stages);
    assert!(is_empty(spill.path()));
    let alone = Engine::new(EngineConfig { threads: 1, ..EngineConfig::default() }).unwrap();
    assert!(alone.lose_executor(0).unwrap_err().message().contains("the last one"));
}

#[tokio::test]
async fn losses_do_not_count_as_attempts_and_failures_do() {
    let spill = tempfile::tempdir().unwrap();
    let context = with_eight();
    // A task may fail once, and its executor is lost under it twice.
    for (failures, passes) in [(0, true), (1, true), (2, false)] {
        let spill_dir = Some(spill.path().to_owned());
        let engine = Engine::new(EngineConfig { executors: 3, threads: 2, max_failures: 2, spill_dir, ..EngineConfig::default() }).unwrap();
        let (tries, losing) = (AtomicUsize::new(0), engine.clone());
        let mut tap = Tap::over(plan_of(&context, "select * from one").await);
        tap.on_execute = Arc::new(move |_| {
            let before = tries.fetch_add(1, Ordering::SeqCst);
            if before < 2 {
                losing.lose_executor(before)?;
            } else if before < 2 + failures {
                return Err(Error::io("deliberate").into());
            }
            Ok(())
        });
        let outcome = run(&engine, &context, Arc::new(tap), AdaptiveSettings::off()).await;
        assert_eq!(engine.executors(), [2], "the task was moved on");
        match outcome {
            Ok(output) => assert!(passes && of(&output) == expected(&context, "select * from one").await),
            Err(error) => assert!(!passes && error.message().contains("executor 0 was lost"), "{error}"),
        }
    }
}

#[tokio::test]
async fn who_has_read_rows_drawn_by_chance_reads_them_again_when_some_are_drawn_again() {
    let spill = tempfile::tempdir().unwrap();
    let engine = cluster(spill.path(), false);
    let context = with_eight();
    let mut drawn = Tap::over(plan_of(&context, "select k, v, random() as r from eight").await);
    drawn.id = Some("drawn".to_owned());
    let drawn: Arc<dyn ExecutionPlan> = Arc::new(drawn);
    let reader = || Tap::over(Arc::new(CoalescePartitionsExec::new(Arc::clone(&drawn))));
    let (first, mut second) = (reader(), reader());
    let (begun, losing) = (AtomicBool::new(false), engine.clone());
    second.on_execute = Arc::new(move |_| {
        if !begun.swap(true, Ordering::SeqCst) {
            losing.lose_executor(1)?;
        }
        Ok(())
    });
    let executions = [&first, &second].map(|reader| Arc::clone(&reader.executions));
    let mut graph = split(vec![Arc::new(first), Arc::new(second)], &identity).unwrap();
    let [one, other] = graph.roots[..] else { panic!("two roots:\n{graph}") };
    graph.stages[other.0].after = vec![one];
    // What has a name keeps state elsewhere; here it is only what makes both roots read one stage.
    graph.stages.iter_mut().for_each(|stage| stage.task_by_task = false);
    let output = batch::run(&engine, &graph, batch::context(&context.state(), AdaptiveSettings::off())).await.unwrap();
    let [one, other] = [0, 1].map(|root: usize| rows(&output.roots[root].partitions.concat()));
    assert_eq!((one.len(), &one), (400, &other), "both have the rows of one drawing");
    assert_eq!(executions.map(|executions| executions.load(Ordering::SeqCst)), [2, 2]);
}

#[tokio::test]
async fn rows_that_were_given_are_not_given_again() {
    let spill = tempfile::tempdir().unwrap();
    let engine = cluster(spill.path(), false);
    let context = session(engine_session_config(3));
    // More batches than wait for a slow reader.
    let batches = vec![(0..20).map(|seed| some_rows(seed, 8_192, 20)).collect()];
    context.register_table("long", Arc::new(MemTable::try_new(table_schema(), batches).unwrap())).unwrap();
    let graph = split(vec![plan_of(&context, "select * from long").await], &|_| None).unwrap();
    let mut stream = batch::stream(&engine, graph, batch::context(&context.state(), AdaptiveSettings::off())).unwrap();
    assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
    engine.lose_executor(0).unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resources);
    assert!(error.message().contains("executor 0 was lost") && error.message().contains("run the query again"), "{error}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_result_is_as_large_as_it_may_be_wherever_its_rows_are_made() {
    let spill = tempfile::tempdir().unwrap();
    let engine = cluster(spill.path(), false);
    let context = with_eight();
    let graph = split(vec![plan_of(&context, "select k, v, f from eight").await], &|_| None).unwrap();
    let held = |bytes| -> RunContext { batch::context(&context.state(), AdaptiveSettings::off()).holding_at_most(bytes) };
    let output = batch::run(&engine, &graph, held(0)).await.unwrap();
    let bytes: u64 = output.report.stages[0].bytes.iter().sum();
    // No executor has made as much.
    for (most, passes) in [(bytes, true), (bytes - 1, false), (bytes / 2, false)] {
        let outcome = batch::run(&engine, &graph, held(most)).await.map(|output| of(&output).len());
        match outcome {
            Ok(rows) => assert!(passes && rows == 400, "{most} of {bytes}"),
            Err(error) => assert!(!passes && error.message().contains("spark.driver.maxResultSize"), "{most} of {bytes}: {error}"),
        }
    }
}

#[tokio::test]
async fn each_executor_has_threads_of_its_own() {
    let spill = tempfile::tempdir().unwrap();
    let engine = cluster(spill.path(), false);
    let context = with_eight();
    let names = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&names);
    let plan = before_scans(plan_of(&context, "select * from eight").await, move |partition| {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        noted.lock().unwrap().push((partition, name));
    });
    run(&engine, &context, plan, AdaptiveSettings::off()).await.unwrap();
    let names = std::mem::take(&mut *names.lock().unwrap());
    assert_eq!(names.len(), 8);
    for (partition, name) in names {
        let executor = [0, 0, 1, 1, 1, 2, 2, 2][partition];
        assert!(name.starts_with(&format!("tidemill-{executor}-")), "{partition}: {name}");
    }
}
