//! Rows that tasks write while they make them: of attempts that fail nothing stays, of writes that are cancelled neither, and one commit
//! names the rest.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use tidemill_executor::batch;
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_executor::run::{Receipt, RowSink};
use tidemill_lakehouse::{DeltaTable, TableWrite, Txn, WriteEnd};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::stage::AdaptiveSettings;
use tidemill_planner::{Error, ErrorKind, Result};

use crate::helpers::{Place, fast, query, rows, schema};

/// Rows of a batch: so many that a task hands it on at once.
const BATCH: i64 = 5000;

/// What comes after the rows of a partition.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    Ends,
    /// Storage fails, the first time.
    FailsOnce,
    /// A row is bad, every time.
    Fails,
    /// Nothing, ever.
    Hangs,
}

/// A partition of numbered rows.
#[derive(Debug)]
struct Numbers {
    batches: Vec<RecordBatch>,
    then: Then,
    executions: Arc<AtomicUsize>,
}

impl PartitionStream for Numbers {
    fn schema(&self) -> &SchemaRef {
        static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
        SCHEMA.get_or_init(schema)
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let first = self.executions.fetch_add(1, Ordering::SeqCst) == 0;
        let batches: Vec<DfResult<RecordBatch>> = self.batches.iter().cloned().map(Ok).collect();
        let failing = |error: Error| stream::iter([DfResult::<RecordBatch>::Err(error.into())]);
        let batches = stream::iter(batches);
        let batches: BoxStream<'static, DfResult<RecordBatch>> = match self.then {
            Then::FailsOnce if first => batches.chain(failing(Error::io("deliberate"))).boxed(),
            Then::Fails => batches.chain(failing(Error::data("deliberate"))).boxed(),
            Then::Hangs => batches.chain(stream::pending()).boxed(),
            Then::Ends | Then::FailsOnce => batches.boxed(),
        };
        Box::pin(RecordBatchStreamAdapter::new(schema(), batches))
    }
}

fn numbers(from: i64, rows: i64) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values((from..from + rows).map(|n| format!("u{n}")))),
        Arc::new(Int64Array::from_iter_values(from..from + rows)),
        Arc::new(Float64Array::from_iter_values((from..from + rows).map(|n| n as f64 / 2.0))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Numbers from `from` on, two batches in each partition, and how often the partitions were begun.
fn source(from: i64, partitions: &[Then]) -> (SessionContext, Arc<AtomicUsize>) {
    let context = SessionContext::new_with_config(engine_session_config(2));
    let all = Arc::<AtomicUsize>::default();
    let partition = |(number, then): (usize, &Then)| {
        let first = from + number as i64 * 2 * BATCH;
        let batches = vec![numbers(first, BATCH), numbers(first + BATCH, BATCH)];
        // Those that fail once count for themselves.
        let executions = if *then == Then::FailsOnce { Arc::default() } else { Arc::clone(&all) };
        Arc::new(Numbers { batches, then: *then, executions }) as _
    };
    let table = StreamingTable::try_new(schema(), partitions.iter().enumerate().map(partition).collect()).unwrap();
    context.register_table("numbers", Arc::new(table)).unwrap();
    (context, all)
}

/// Runs `select * from numbers` into a sink.
async fn run(engine: &Engine, context: &SessionContext, sink: Arc<dyn RowSink>) -> Result<Vec<Receipt>> {
    let plan = context.sql("select * from numbers").await.unwrap().into_optimized_plan().unwrap();
    let graph = batch::plan_stages(&context.state(), &[plan], &|_| None).await?;
    let shared = batch::context(&context.state(), AdaptiveSettings::usual(2)).delivering_to(sink);
    let mut output = batch::run(engine, &graph, shared).await?;
    Ok(output.roots.remove(0).receipts.into_iter().flatten().collect())
}

fn engine() -> Engine {
    Engine::new(EngineConfig { threads: 2, ..EngineConfig::default() }).unwrap()
}

/// The data files that lie in a table's folder.
fn data_files(folder: &str) -> Vec<String> {
    let names = std::fs::read_dir(Path::new(folder)).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".parquet")).collect();
    names.sort();
    names
}

/// Those that the log names.
async fn named_files(table: &DeltaTable) -> Vec<String> {
    let mut names: Vec<String> = table.snapshot().await.unwrap().files().iter().map(|file| file.add().path.clone()).collect();
    names.sort();
    names
}

/// Waits for what other threads are about to do: an attempt that is dropped takes away a file that it was making, and who drops a write
/// does not wait for disks.
async fn until(is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed().as_secs() < 60, "it has not come to that after a minute");
        tokio::task::yield_now().await;
    }
}

/// How many rows a table has, how many different numbers, and their sum.
async fn sums(table: &DeltaTable) -> Vec<String> {
    query(&table.snapshot().await.unwrap(), "SELECT count(*), count(DISTINCT n), sum(n) FROM t").await
}

/// The same of the numbers from 0 to `rows`.
fn all_up_to(rows: i64) -> Vec<String> {
    vec![format!("{rows} {rows} {}", rows * (rows - 1) / 2)]
}

#[tokio::test]
async fn each_row_is_there_once_whatever_attempts_failed() {
    let engine = engine();
    let cases: [&[Then]; 3] = [&[Then::Ends; 3], &[Then::Ends, Then::FailsOnce, Then::Ends], &[Then::FailsOnce; 3]];
    for partitions in cases {
        let place = Place::new();
        let table = place.create().await;
        let (context, _) = source(0, partitions);
        let write = TableWrite::append(&table, None).await.unwrap().unwrap();
        let receipts = run(&engine, &context, write.sink(&schema(), 0).unwrap()).await.unwrap();
        assert_eq!(write.commit(receipts).await.unwrap(), WriteEnd::Done { version: 1 }, "{partitions:?}");
        assert_eq!(sums(&table).await, all_up_to(6 * BATCH), "{partitions:?}");
        assert_eq!(data_files(&place.path()), named_files(&table).await, "{partitions:?}: nothing of other attempts is left");
        let history = table.history(None).await.unwrap();
        let (operation, metrics) = (&history[0].operation, &history[0].operation_metrics);
        assert_eq!((operation.as_str(), history[0].operation_parameters["mode"].as_str()), ("WRITE", Some("Append")));
        assert_eq!((metrics["numFiles"].as_str(), metrics["numOutputRows"].as_str()), (Some("3"), Some("30000")), "{partitions:?}");
    }
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing() {
    let engine = engine();
    let (context, _) = source(0, &[Then::Ends, Then::Fails]);
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 1, 0.0)])], None).await.unwrap();
    let before = data_files(&place.path());
    let write = TableWrite::overwrite(&table, None).await.unwrap().unwrap();
    let error = run(&engine, &context, write.sink(&schema(), 0).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert!(data_files(&place.path()).len() > before.len(), "tasks have written files by then");
    write.abandon().await;
    until(|| data_files(&place.path()) == before).await;
    assert_eq!(table.snapshot().await.unwrap().version(), 1);
    // Of a table that was to come, not even the folder.
    let new = Place::new();
    let write = TableWrite::create(&new.path(), &schema(), "ErrorIfExists", None, fast()).await.unwrap().unwrap();
    run(&engine, &context, write.sink(&schema(), 0).unwrap()).await.unwrap_err();
    write.abandon().await;
    until(|| !Path::new(&new.path()).exists()).await;
}

#[tokio::test]
async fn a_cancelled_write_leaves_nothing() {
    let engine = engine();
    let (context, executions) = source(0, &[Then::Hangs, Then::Hangs]);
    let place = Place::new();
    let table = place.create().await;
    let write = TableWrite::append(&table, None).await.unwrap().unwrap();
    let sink = write.sink(&schema(), 0).unwrap();
    let its_engine = engine.clone();
    let running = tokio::spawn(async move { run(&its_engine, &context, sink).await.map(|receipts| receipts.len()) });
    until(|| executions.load(Ordering::SeqCst) == 2 && data_files(&place.path()).len() == 2).await;
    assert!(!running.is_finished());
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    drop(write);
    until(|| data_files(&place.path()).is_empty()).await;
    assert_eq!(place.open().await.snapshot().await.unwrap().version(), 0);
}

#[tokio::test]
async fn of_writes_at_once_each_lands() {
    let engine = engine();
    let place = Place::new();
    let table = place.create().await;
    let other = place.open().await;
    let begin = async |table: &DeltaTable, txn: &str| TableWrite::append(table, Some(Txn::new(txn, 1))).await.unwrap();
    let (one, two) = (begin(&table, "one").await.unwrap(), begin(&other, "two").await.unwrap());
    let ((first, _), (second, _)) = (source(0, &[Then::Ends]), source(2 * BATCH, &[Then::Ends]));
    let (sink_of_one, sink_of_two) = (one.sink(&schema(), 0).unwrap(), two.sink(&schema(), 0).unwrap());
    let (receipts_of_one, receipts_of_two) =
        futures::future::try_join(run(&engine, &first, sink_of_one), run(&engine, &second, sink_of_two)).await.unwrap();
    assert_eq!(two.commit(receipts_of_two).await.unwrap(), WriteEnd::Done { version: 1 });
    assert_eq!(one.commit(receipts_of_one).await.unwrap(), WriteEnd::Done { version: 2 });
    assert_eq!(sums(&table).await, all_up_to(4 * BATCH));
    // The same write once more is not even begun.
    assert!(begin(&table, "one").await.is_none());
    // An overwrite that was begun before an append replaces it, too.
    let overwrite = TableWrite::overwrite(&table, None).await.unwrap().unwrap();
    other.append(vec![rows(&[("late", 1, 0.0)])], None).await.unwrap();
    let receipts = run(&engine, &first, overwrite.sink(&schema(), 0).unwrap()).await.unwrap();
    assert_eq!(overwrite.commit(receipts).await.unwrap(), WriteEnd::Done { version: 4 });
    assert_eq!(sums(&table).await, all_up_to(2 * BATCH));
}

#[tokio::test]
async fn a_table_with_other_columns_takes_no_files() {
    let engine = engine();
    let (context, _) = source(0, &[Then::Ends]);
    let other: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("more", DataType::Utf8, true)]));
    for overwrites in [false, true] {
        for (columns, fits) in [(schema(), true), (Arc::clone(&other), false)] {
            let place = Place::new();
            let table = place.create().await;
            let begun = if overwrites { TableWrite::overwrite(&table, None).await } else { TableWrite::append(&table, None).await };
            let write = begun.unwrap().unwrap();
            let receipts = run(&engine, &context, write.sink(&schema(), 0).unwrap()).await.unwrap();
            // A table that is made anew in the same columns is another one by its metadata, and takes the rows all the same.
            place.open().await.replace(columns, fast()).await.unwrap();
            let ended = write.commit(receipts).await.unwrap();
            match fits {
                true => assert_eq!(ended, WriteEnd::Done { version: 2 }, "overwrites: {overwrites}"),
                false => assert!(matches!(ended, WriteEnd::TableChanged(_)), "{ended:?}"),
            }
            assert_eq!(data_files(&place.path()), named_files(&place.open().await).await, "overwrites: {overwrites}, fits: {fits}");
            assert_eq!(data_files(&place.path()).len(), usize::from(fits));
        }
    }
}

#[tokio::test]
async fn rows_are_checked_before_and_while_they_come() {
    let place = Place::new();
    let table = place.create().await;
    let write = TableWrite::append(&table, None).await.unwrap().unwrap();
    let unknown = Schema::new(vec![Field::new("usrId", DataType::Utf8, true)]);
    let error = write.sink(&unknown, 0).unwrap_err();
    assert!(error.message().contains("did you mean `userId`"), "{error}");
    let nullable = Schema::new(vec![Field::new("USERID", DataType::Utf8, true), Field::new("n", DataType::Int32, true)]);
    let mut task = write.sink(&nullable, 0).unwrap().open(0).unwrap();
    let batch = |name: Option<&str>| {
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec![name])), Arc::new(arrow::array::Int32Array::from(vec![7]))];
        RecordBatch::try_new(Arc::new(nullable.clone()), columns).unwrap()
    };
    task.push(batch(Some("a"))).await.unwrap();
    let error = task.push(batch(None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert!(error.message().contains("`userId`") && error.message().contains("NOT NULL"), "{error}");
}
