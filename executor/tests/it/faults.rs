//! Attempts that fail, panic, hang or find their input gone.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use datafusion::catalog::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as StorePath;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};
use tidemill_executor::batch;
use tidemill_executor::pool::{Engine, EngineConfig, Priority};
use tidemill_executor::run::{RunContext, RunOutput, run_graph};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::{AdaptiveSettings, split};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::support::{Tap, adaptive, batch as some_rows, identity, rows, session, table_schema};

fn engine() -> Engine {
    Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap()
}

async fn scan(context: &SessionContext) -> Arc<dyn ExecutionPlan> {
    context.table("a").await.unwrap().create_physical_plan().await.unwrap()
}

async fn run(engine: &Engine, context: &SessionContext, plan: Arc<dyn ExecutionPlan>) -> Result<RunOutput> {
    batch::run(engine, &split(vec![plan], &|_| None)?, batch::context(&context.state(), adaptive())).await
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
        // Three tasks share an instance and begin anew together, as far as they had begun.
        assert!((3..=9).contains(&output.report.stages[0].retries), "{:?}", output.report.stages[0]);
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

#[tokio::test]
async fn a_task_may_fail_as_often_as_is_set() {
    let context = session(engine_session_config(2));
    let expected = rows(&context.table("a").await.unwrap().collect().await.unwrap());
    // How often a task may fail, how often it does, and what the query then says.
    for (max_failures, failures, said) in [
        (1, 1, Some("failure 0")),
        (2, 1, None),
        (2, 2, Some("stage 0, task 1, after 2 attempts (at first: failure 0): failure 1")),
        (3, 2, None),
        (7, 6, None),
    ] {
        let engine = Engine::new(EngineConfig { threads: 2, max_failures, ..EngineConfig::default() }).unwrap();
        let failed = AtomicUsize::new(0);
        let mut tap = Tap::over(scan(&context).await);
        tap.on_execute = Arc::new(move |partition| {
            let before = if partition == 1 { failed.fetch_add(1, Ordering::SeqCst) } else { usize::MAX };
            if before < failures { Err(Error::io(format!("failure {before}")).into()) } else { Ok(()) }
        });
        match run(&engine, &context, Arc::new(tap)).await {
            Ok(output) => {
                assert_eq!(said, None, "{max_failures}");
                assert_eq!(rows(&output.roots[0].partitions.concat()), expected);
            }
            Err(error) => assert_eq!((error.kind(), Some(error.message())), (ErrorKind::Io, said), "{max_failures}"),
        }
    }
}

/// What is done to a block's file.
pub(crate) type Damage = fn(&Path) -> std::io::Result<()>;

/// Does it to every block's file of every run beneath a folder, and says how many there were.
pub(crate) fn damage_all(folder: &Path, damage: Damage) -> std::io::Result<usize> {
    let mut files = 0;
    for run in std::fs::read_dir(folder)? {
        for file in std::fs::read_dir(run?.path())? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "arrow") {
                damage(&file)?;
                files += 1;
            }
        }
    }
    Ok(files)
}

#[tokio::test]
async fn lost_and_damaged_blocks_are_made_again() {
    let flip_a_bit: Damage = |file| {
        let mut bytes = std::fs::read(file)?;
        let middle = bytes.len() / 2;
        bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
        std::fs::write(file, bytes)
    };
    let cut_short: Damage = |file| OpenOptions::new().write(true).open(file)?.set_len(20);
    let damages: [(&str, Damage); 3] =
        [("removed", |file| std::fs::remove_file(file)), ("a bit flipped", flip_a_bit), ("cut short", cut_short)];
    for (table, writers) in [("a", 3), ("eight", 8)] {
        for (name, damage) in damages {
            let spill = tempfile::tempdir().unwrap();
            // One byte of memory: every block is a file.
            let config =
                EngineConfig { threads: 2, shuffle_memory_bytes: 1, spill_dir: Some(spill.path().to_owned()), ..EngineConfig::default() };
            let engine = Engine::new(config).unwrap();
            let context = session(engine_session_config(2));
            let batches = (0..8).map(|seed| vec![some_rows(seed, 50, 20)]).collect();
            context.register_table("eight", Arc::new(MemTable::try_new(table_schema(), batches).unwrap())).unwrap();
            let sql = format!("select k, count(*) from {table} group by k");
            let expected = rows(&context.sql(&sql).await.unwrap().collect().await.unwrap());
            let lost = Arc::new(AtomicUsize::new(0));
            let (folder, counted) = (spill.path().to_owned(), Arc::clone(&lost));
            let mut tap = Tap::over(context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap());
            tap.on_execute = Arc::new(move |_| {
                if counted.load(Ordering::SeqCst) == 0 {
                    counted.fetch_add(damage_all(&folder, damage)?, Ordering::SeqCst);
                }
                Ok(())
            });
            let graph = split(vec![Arc::new(tap)], &|_| None).unwrap();
            let output = batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap();
            let files = lost.load(Ordering::SeqCst);
            assert!(files >= writers - 1, "{name}: every writer that had rows had a file of them, and {files} were found");
            assert_eq!(rows(&output.roots[0].partitions.concat()), expected, "{name}, {table}");
            let retries: Vec<u64> = output.report.stages.iter().map(|s| s.retries).collect();
            assert!(retries.iter().all(|r| *r > 0), "writers and readers ran again: {retries:?}");
            assert_eq!(std::fs::read_dir(spill.path()).unwrap().count(), 0);
        }
    }
}

#[tokio::test]
async fn who_has_read_rows_drawn_by_chance_reads_them_again_when_they_are_drawn_again() {
    let spill = tempfile::tempdir().unwrap();
    let config = EngineConfig { threads: 2, shuffle_memory_bytes: 1, spill_dir: Some(spill.path().to_owned()), ..EngineConfig::default() };
    let engine = Engine::new(config).unwrap();
    let context = session(engine_session_config(2));
    let count = context.table("a").await.unwrap().count().await.unwrap();
    let mut drawn = Tap::over(context.sql("select k, v, random() as r from a").await.unwrap().create_physical_plan().await.unwrap());
    drawn.id = Some("drawn".to_owned());
    let drawn: Arc<dyn ExecutionPlan> = Arc::new(drawn);
    let reader = || Tap::over(Arc::new(CoalescePartitionsExec::new(Arc::clone(&drawn))));
    let (mut first, mut second) = (reader(), reader());
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let all_seen = Arc::clone(&seen);
    first.on_batch = Arc::new(move |_, _, batch| {
        all_seen.lock().unwrap().extend(rows(std::slice::from_ref(&batch)));
        Ok(batch)
    });
    let (folder, lost) = (spill.path().to_owned(), AtomicUsize::new(0));
    second.on_execute = Arc::new(move |_| {
        if lost.load(Ordering::SeqCst) == 0 {
            lost.fetch_add(damage_all(&folder, |file| std::fs::remove_file(file))?, Ordering::SeqCst);
        }
        Ok(())
    });
    let executions = [&first, &second].map(|reader| Arc::clone(&reader.executions));
    let mut graph = split(vec![Arc::new(first), Arc::new(second)], &identity).unwrap();
    // The second finds the blocks gone when the first is through with them.
    let [one, other] = graph.roots[..] else { panic!("two roots:\n{graph}") };
    graph.stages[other.0].after = vec![one];
    // What has a name keeps state elsewhere; here it is only what makes both roots read one stage.
    graph.stages.iter_mut().for_each(|stage| stage.task_by_task = false);
    let output = batch::run(&engine, &graph, batch::context(&context.state(), AdaptiveSettings::off())).await.unwrap();
    let [one, other] = [0, 1].map(|root: usize| rows(&output.roots[root].partitions.concat()));
    assert_eq!(one.len(), count);
    assert_eq!(one, other, "both have the rows of one drawing");
    assert_eq!(executions.map(|executions| executions.load(Ordering::SeqCst)), [2, 2]);
    assert_eq!(seen.lock().unwrap().len(), 2 * count, "the first had others before");
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_and_what_a_living_one_holds_is_not() {
    let spill = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = spill.path().join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("0.0-x.arrow"), "rows").unwrap();
        let lock = std::fs::File::create_new(path.join("lock")).unwrap();
        (path, lock)
    };
    let (dead, lock) = folder("tidemill-spill-1-dead");
    drop(lock);
    let (living, lock) = folder("tidemill-spill-2-living");
    lock.lock().unwrap();
    let (others, _) = folder("somebody-else");
    let early = spill.path().join("tidemill-spill-3-killed-at-once");
    std::fs::create_dir(&early).unwrap();

    let config = EngineConfig { threads: 2, shuffle_memory_bytes: 1, spill_dir: Some(spill.path().to_owned()), ..EngineConfig::default() };
    let engine = Engine::new(config).unwrap();
    let context = session(engine_session_config(2));
    let plan = context.sql("select k, count(*) from a group by k").await.unwrap().create_physical_plan().await.unwrap();
    run(&engine, &context, plan).await.unwrap();
    assert!(!dead.exists() && !early.exists());
    assert!(living.join("0.0-x.arrow").exists() && others.exists());
}

/// A store whose first reads fail.
#[derive(Debug)]
struct Flaky {
    inner: InMemory,
    failures: AtomicUsize,
}

impl std::fmt::Display for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flaky")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(&self, location: &StorePath, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &StorePath,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &StorePath, options: GetOptions) -> object_store::Result<GetResult> {
        if !options.head && self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(object_store::Error::Generic { store: "Flaky", source: "connection reset".into() });
        }
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<StorePath>>,
    ) -> BoxStream<'static, object_store::Result<StorePath>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&StorePath>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&StorePath>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &StorePath, to: &StorePath, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn storage_that_fails_twice_beneath_a_parquet_read_is_asked_again() {
    let rows_of_file = some_rows(1, 1_000, 20);
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows_of_file.schema(), None).unwrap();
    writer.write(&rows_of_file).unwrap();
    writer.close().unwrap();
    let store = Arc::new(Flaky { inner: InMemory::new(), failures: AtomicUsize::new(0) });
    store.inner.put(&StorePath::from("t.parquet"), bytes.into()).await.unwrap();
    let context = session(engine_session_config(2));
    context.register_object_store(&url::Url::parse("flaky://here").unwrap(), Arc::clone(&store) as _);
    context.register_parquet("t", "flaky://here/t.parquet", ParquetReadOptions::default()).await.unwrap();
    let sql = "select k, count(*), sum(v) from t group by k";
    let expected = rows(&context.sql(sql).await.unwrap().collect().await.unwrap());
    let engine = engine();
    for (failures, passes) in [(2, true), (1_000_000, false)] {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        store.failures.store(failures, Ordering::SeqCst);
        let outcome = run(&engine, &context, plan).await;
        store.failures.store(0, Ordering::SeqCst);
        match outcome {
            Ok(output) if passes => assert_eq!(rows(&output.roots[0].partitions.concat()), expected),
            Err(error) if !passes => {
                assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                assert!(error.message().contains("after 4 attempts") && error.message().contains("connection reset"), "{error}");
            }
            other => panic!("{failures} failures: {other:?}"),
        }
    }
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
async fn every_run_of_a_stage_has_a_fresh_instance() {
    // A collected build side lives in the plan instance: were it the next run's too, a failed one's would be read again.
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
