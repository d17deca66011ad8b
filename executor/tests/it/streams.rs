//! Rows that are given while they are made, rows that nobody wants any more, and queries that are cancelled where an operator would take
//! all its input first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_executor::batch;
use tidemill_executor::pool::{Engine, EngineConfig, Priority};
use tidemill_executor::run::{Receipt, RootRows, RowSink, TaskSink, run_graph};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::split;
use tidemill_planner::{ErrorKind, Result};

use crate::support::{Tap, adaptive, batch as rows_of, identity, rows, rows_in_order, session, table_schema};

/// A partition that gives the same rows again and again: `most` batches of them, or without an end. It counts them.
#[derive(Debug)]
struct Again {
    rows: RecordBatch,
    most: usize,
    given: Arc<AtomicUsize>,
}

impl PartitionStream for Again {
    fn schema(&self) -> &SchemaRef {
        static SCHEMA: std::sync::OnceLock<SchemaRef> = std::sync::OnceLock::new();
        SCHEMA.get_or_init(table_schema)
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (rows, given) = (self.rows.clone(), Arc::clone(&self.given));
        let batches = stream::repeat_with(move || {
            given.fetch_add(1, Ordering::SeqCst);
            Ok(rows.clone())
        });
        Box::pin(RecordBatchStreamAdapter::new(table_schema(), batches.take(self.most)))
    }
}

/// A session with the table `again` of so many partitions of so many batches, besides the usual ones, and the number of batches given.
fn with_again(partitions: usize, most: usize) -> (SessionContext, Arc<AtomicUsize>) {
    let context = session(engine_session_config(2));
    let given = Arc::<AtomicUsize>::default();
    let partition = |p| Arc::new(Again { rows: rows_of(p, 100, 20), most, given: Arc::clone(&given) }) as _;
    let table = StreamingTable::try_new(table_schema(), (0..partitions as u64).map(partition).collect()).unwrap();
    context.register_table("again", Arc::new(table)).unwrap();
    (context, given)
}

async fn planned(context: &SessionContext, sql: &str) -> tidemill_planner::stage::StageGraph {
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    batch::plan_stages(&context.state(), &[plan], &|_| None).await.unwrap()
}

fn engine(threads: usize) -> Engine {
    Engine::new(EngineConfig { threads, ..EngineConfig::default() }).unwrap()
}

#[tokio::test]
async fn a_stream_gives_what_a_collected_result_has() {
    let context = session(engine_session_config(3));
    let engine = engine(2);
    for (sql, ordered) in [
        ("select k, v, s from a", false),
        ("select k, count(*), sum(v) from a group by k", false),
        ("select a.k, b.v from a join b on a.k = b.k", false),
        ("select k, v, s, f from a order by v, k, s, f", true),
        ("select k from none", false),
    ] {
        let graph = planned(&context, sql).await;
        let run = || batch::context(&context.state(), adaptive());
        let collected = batch::run(&engine, &graph, run()).await.unwrap();
        let collected: Vec<RecordBatch> = collected.roots.into_iter().flat_map(|root| root.partitions).flatten().collect();
        let mut streamed = batch::stream(&engine, graph, run()).unwrap();
        let given: Vec<RecordBatch> = streamed.by_ref().try_collect().await.unwrap();
        let shown = if ordered { rows_in_order } else { rows };
        assert_eq!(shown(&given), shown(&collected), "{sql}");
        let written: u64 = streamed.report().unwrap().stages.last().unwrap().rows.iter().sum();
        assert_eq!(written as usize, given.iter().map(RecordBatch::num_rows).sum::<usize>(), "{sql}");
    }
}

#[tokio::test]
async fn tasks_wait_for_a_slow_reader_and_end_with_him() {
    let (context, given) = with_again(2, usize::MAX);
    let engine = engine(2);
    let mut rows =
        batch::stream(&engine, planned(&context, "select k, v from again").await, batch::context(&context.state(), adaptive())).unwrap();
    for _ in 0..100 {
        assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    }
    // Small batches are put together: a hundred of 8 192 rows, and a few ahead of the reader in each task.
    let (taken, ahead) = (100 * 82, 2 * 8 * 82);
    assert!(given.load(Ordering::SeqCst) < taken + ahead, "{} batches for {taken}", given.load(Ordering::SeqCst));
    drop(rows);
    // Another query has the threads.
    let output = batch::run(&engine, &planned(&context, "select sum(v) from a").await, batch::context(&context.state(), adaptive())).await;
    assert_eq!(output.unwrap().roots.len(), 1);
}

#[tokio::test]
async fn a_limit_ends_the_stages_below_it() {
    for (sql, wanted) in [
        ("select k from again limit 10", 10),
        ("select k from again limit 10 offset 500", 10),
        // One row in 100: a task that finds enough ends the others, which find none.
        ("select k from again where v = -1 or (k is null and f = 0) limit 0", 0),
        ("select x.k from again x cross join a limit 7", 7),
        ("select count(*) from (select k from again limit 1000)", 1),
    ] {
        let (context, _) = with_again(5, usize::MAX);
        let output = batch::run(&engine(2), &planned(&context, sql).await, batch::context(&context.state(), adaptive())).await.unwrap();
        let rows: usize = output.roots[0].partitions.iter().flatten().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, wanted, "{sql}");
    }
}

#[tokio::test]
async fn tasks_that_find_nothing_end_when_others_have_found_enough() {
    let (context, _) = with_again(1, usize::MAX);
    // The endless partition has no such row; the table `a` has.
    let sql = "select v from (select v from again where v > 5000 union all select v from a) limit 5";
    let output = batch::run(&engine(2), &planned(&context, sql).await, batch::context(&context.state(), adaptive())).await.unwrap();
    assert_eq!(output.roots[0].partitions.iter().flatten().map(RecordBatch::num_rows).sum::<usize>(), 5);
}

#[tokio::test]
async fn a_query_is_cancelled_where_an_operator_takes_all_its_input_first() {
    for sql in [
        "select k, count(*), sum(v) from again group by k",
        "select sum(v) from again",
        "select a.v from again join a on again.k = a.k where again.v < a.v",
        "select a.v from a left join again on again.k = a.k and again.f = 1000",
        "select max(v) over (partition by k) from again where k = 3",
        "select k from again where v = 1 order by f",
    ] {
        let (context, given) = with_again(2, usize::MAX);
        let engine = engine(1);
        let graph = planned(&context, sql).await;
        let query = Arc::new(engine.query(Priority::Batch, "endless"));
        let (running, run) = (Arc::clone(&query), batch::context(&context.state(), adaptive()));
        let ended = tokio::spawn(async move { run_graph(&running, &graph, run).await });
        while given.load(Ordering::SeqCst) < 50 {
            tokio::task::yield_now().await;
        }
        // It shares the one thread with others, and ends when it is told to.
        let small = planned(&context, "select sum(v) from a").await;
        let beside = batch::run(&engine, &small, batch::context(&context.state(), adaptive())).await;
        assert_eq!(beside.unwrap().roots.len(), 1, "beside {sql}");
        query.cancel();
        assert_eq!(ended.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled, "{sql}");
    }
}

#[tokio::test]
async fn a_result_above_its_limit_is_refused_and_others_are_not() {
    let (context, _) = with_again(3, 100);
    let engine = engine(2);
    let graph = planned(&context, "select k, v from again").await;
    let run = |bytes| batch::run(&engine, &graph, batch::context(&context.state(), adaptive()).holding_at_most(bytes));
    let error = run(100_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resources);
    assert!(error.to_string().contains("spark.driver.maxResultSize") && error.to_string().contains("to_local_iterator"), "{error}");
    for enough in [0, 10_000_000] {
        let output = run(enough).await.unwrap();
        assert_eq!(output.roots[0].partitions.iter().flatten().map(RecordBatch::num_rows).sum::<usize>(), 30_000);
    }
    assert_eq!(engine.shuffle_bytes_used(), 0, "what was held is given back");
}

#[tokio::test]
async fn a_reader_who_keeps_all_rows_is_not_waited_for_up_to_his_limit() {
    let (context, given) = with_again(3, 2000);
    let engine = engine(2);
    let graph = planned(&context, "select k, v from again").await;
    let stream =
        |bytes| batch::stream(&engine, graph.clone(), batch::context(&context.state(), adaptive())).unwrap().holding_at_most(bytes);
    let error = stream(1_000_000).try_collect::<Vec<RecordBatch>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resources);
    assert!(error.to_string().contains("spark.driver.maxResultSize"), "{error}");
    given.store(0, Ordering::SeqCst);
    let mut rows = stream(0);
    let first = rows.next().await.unwrap().unwrap().num_rows();
    while given.load(Ordering::SeqCst) < 3 * 2000 {
        tokio::task::yield_now().await;
    }
    let rest: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    assert_eq!(first + rest.iter().map(RecordBatch::num_rows).sum::<usize>(), 600_000);
}

/// Keeps the rows of an attempt: they are what it leaves.
#[derive(Debug)]
struct Keeping;

impl RowSink for Keeping {
    fn open(&self, _partition: usize) -> Result<Box<dyn TaskSink>> {
        Ok(Box::new(Kept(Vec::new())))
    }
}

struct Kept(Vec<RecordBatch>);

#[async_trait]
impl TaskSink for Kept {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.0.push(batch);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Receipt> {
        Ok(Box::new(self.0))
    }
}

/// What was delivered, and what was held.
fn given(root: tidemill_executor::run::RootOutput) -> (Vec<String>, Vec<String>) {
    let receipts = root.receipts.into_iter().flatten();
    let delivered: Vec<RecordBatch> = receipts.flat_map(|receipt| *receipt.downcast::<Vec<RecordBatch>>().unwrap()).collect();
    (rows(&delivered), rows(&root.partitions.concat()))
}

#[tokio::test]
async fn the_rows_of_each_root_go_where_they_are_to() {
    let context = session(engine_session_config(2));
    let engine = engine(2);
    let (mut plans, mut expected) = (Vec::new(), Vec::new());
    for sql in ["select k, v from a", "select v from b", "select s, count(*) from a group by s"] {
        plans.push(context.sql(sql).await.unwrap().into_optimized_plan().unwrap());
        expected.push(rows(&context.sql(sql).await.unwrap().collect().await.unwrap()));
    }
    let graph = batch::plan_stages(&context.state(), &plans, &|_| None).await.unwrap();
    let run = |roots| batch::run(&engine, &graph, batch::context(&context.state(), adaptive()).with_roots(roots));
    let rows_go = |delivered: bool| if delivered { RootRows::Delivered(Arc::new(Keeping)) } else { RootRows::Held { max_bytes: 0 } };
    for delivered in [[true, false, true], [false, true, false], [true, true, true]] {
        let output = run(delivered.map(rows_go).to_vec()).await.unwrap();
        for ((root, delivered), expected) in output.roots.into_iter().zip(delivered).zip(&expected) {
            let (taken, held) = given(root);
            let (here, there) = if delivered { (taken, held) } else { (held, taken) };
            assert_eq!((&here, there), (expected, Vec::new()), "delivered: {delivered}");
        }
    }
    // Rows that are delivered are not held; of two limits each is its root's own.
    let delivered = || RootRows::Delivered(Arc::new(Keeping));
    for (limit, refused) in [(1, true), (0, false), (1 << 20, false)] {
        let ended = run(vec![delivered(), RootRows::Held { max_bytes: limit }, delivered()]).await;
        assert_eq!(ended.err().map(|error| error.kind()), refused.then_some(ErrorKind::Resources), "a limit of {limit}");
    }
}

#[tokio::test]
async fn rows_that_are_delivered_are_nobody_elses() {
    let context = session(engine_session_config(2));
    let engine = engine(2);
    let expected = rows(&context.table("a").await.unwrap().collect().await.unwrap());
    let mut tap = Tap::over(context.table("a").await.unwrap().create_physical_plan().await.unwrap());
    tap.id = Some("tap".to_owned());
    let executions = Arc::clone(&tap.executions);
    let tap: Arc<dyn datafusion::physical_plan::ExecutionPlan> = Arc::new(tap);
    let mut graph = split(vec![Arc::clone(&tap), tap], &identity).unwrap();
    let run = async |graph: &tidemill_planner::stage::StageGraph| {
        let roots = vec![RootRows::Delivered(Arc::new(Keeping)), RootRows::Held { max_bytes: 0 }];
        batch::run(&engine, graph, batch::context(&context.state(), adaptive()).with_roots(roots)).await
    };
    let error = run(&graph).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "two roots are one stage: {error}");
    assert_eq!(executions.load(Ordering::SeqCst), 0);
    graph.part_root(0);
    let partitions = graph.stages[0].partitions;
    let [delivered, held]: [_; 2] = run(&graph).await.unwrap().roots.try_into().unwrap();
    assert_eq!((given(delivered), given(held)), ((expected.clone(), Vec::new()), (Vec::new(), expected)));
    assert_eq!(executions.load(Ordering::SeqCst), partitions, "it is executed once");
}
