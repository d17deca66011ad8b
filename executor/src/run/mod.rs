//! `run_graph`: tasks are started as the schedule says, until every stage is done. One attempt at one task is in `task`;
//! the rows between stages are in [`crate::shuffle`].
//!
//! ```text
//! run_graph ─ Begin ─► schedule ─ Start ─► pool ─► attempt ─► keep output ─ Done ─► schedule ─► … ─ Finish ─► RunOutput
//! ```
//! The thread that ends an attempt asks the schedule itself and starts what is next: no thread stands between two stages.

mod batch_rows;
mod report;
mod task;
mod watch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use futures::channel::oneshot;
use tidemill_planner::seam::{EpochContext, TaskReport};
use tidemill_planner::stage::{Command, Event, GraphState, MAX_ATTEMPTS, StageGraph, StageId, StageInputs, TaskId, schedule};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::pool::{PoolTask, QueryHandle, Spawner};
use crate::shuffle::{Fate, LostBlocks, ShuffleStore, SpillDir, TaskOutput};
pub use report::{RunReport, StageStats};
use task::Failure;
pub use watch::{RunWatch, StageProgress, WATCH};

/// How often a graph is run while its inputs are touched.
const MAX_RUNS: u32 = 4;

/// What all tasks of a run share.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The session's settings and runtime. Functions are found in plans, not by name, so that none are copied.
    pub task_ctx: Arc<TaskContext>,
    /// The epoch, or `None` in a batch run.
    pub epoch: Option<Arc<EpochContext>>,
    /// How often a task is attempted when it fails for a reason that may pass.
    pub max_attempts: u32,
    /// Who watches.
    pub watch: Option<Arc<RunWatch>>,
}

impl RunContext {
    /// A batch run.
    pub fn new(task_ctx: Arc<TaskContext>) -> Self {
        Self { task_ctx, epoch: None, max_attempts: MAX_ATTEMPTS, watch: None }
    }

    /// The same with an onlooker.
    #[must_use]
    pub fn watched_by(mut self, watch: Option<Arc<RunWatch>>) -> Self {
        self.watch = watch;
        self
    }

    /// The same for an epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: Arc<EpochContext>) -> Self {
        self.epoch = Some(epoch);
        self
    }
}

/// What a root gave.
#[derive(Debug, Clone)]
pub struct RootOutput {
    /// The rows' columns.
    pub schema: SchemaRef,
    /// The rows, by partition of the root's plan.
    pub partitions: Vec<Vec<RecordBatch>>,
}

/// What a run gave.
#[derive(Debug)]
pub struct RunOutput {
    /// By root, in the graph's order.
    pub roots: Vec<RootOutput>,
    /// What the tasks reported beside their rows.
    pub report: RunReport,
}

/// Runs every stage of `graph`; dropping the future cancels what still runs.
///
/// A task's `Conflict` says that what its fellows have given must not count, as when a file was touched between two readings of
/// it. No attempt at one task mends that: the whole graph is run again, a few times.
///
/// # Errors
/// The first task's error that another attempt would not mend; `Cancelled` when `query` was cancelled.
pub async fn run_graph(query: &QueryHandle, graph: &StageGraph, context: RunContext) -> Result<RunOutput> {
    for _ in 1..MAX_RUNS {
        match run_once(query, graph, context.clone()).await {
            Err(error) if error.kind() == ErrorKind::Conflict => tracing::debug!("query {} is run again: {error}", query.name()),
            ended => return ended,
        }
    }
    run_once(query, graph, context).await
}

async fn run_once(query: &QueryHandle, graph: &StageGraph, context: RunContext) -> Result<RunOutput> {
    let started = Instant::now();
    let (run, over) = Run::new(query, graph.clone(), context);
    let guard = StopOnDrop(Arc::clone(&run));
    run.advance(Event::Begin);
    over.await.map_err(|_| run.cancelled())??;
    let roots = run.graph.roots.iter().map(|id| RootOutput { schema: run.graph.stage(*id).plan.schema(), partitions: run.store.take(*id) });
    let roots = roots.collect();
    let progress = std::mem::take(&mut run.progress().tasks);
    drop(guard);
    Ok(RunOutput { roots, report: report::merge(&run.graph, progress, started.elapsed()) })
}

/// A run that has begun.
#[derive(Debug)]
struct Run {
    name: String,
    graph: StageGraph,
    fates: Vec<Fate>,
    context: RunContext,
    store: Arc<ShuffleStore>,
    inputs: Arc<StageInputs>,
    spawner: Spawner,
    progress: Mutex<Progress>,
    over: Mutex<Option<oneshot::Sender<Result<()>>>>,
}

#[derive(Debug)]
struct Progress {
    state: GraphState,
    running: HashMap<TaskId, PoolTask<()>>,
    tasks: Vec<Vec<TaskRecord>>,
    stopped: bool,
}

/// What is known of one task.
#[derive(Debug, Default)]
struct TaskRecord {
    attempts: u32,
    started: Option<Instant>,
    ended: Option<Instant>,
    rows: Vec<u64>,
    bytes: Vec<u64>,
    side_rows: HashMap<(String, tidemill_planner::seam::Port), u64>,
    report: TaskReport,
}

impl Run {
    fn new(query: &QueryHandle, graph: StageGraph, context: RunContext) -> (Arc<Self>, oneshot::Receiver<Result<()>>) {
        let engine = query.engine();
        let spill = SpillDir::within(engine.spill_dir.clone());
        let store = Arc::new(ShuffleStore::new(&graph, Arc::clone(&engine.budget), spill, engine.io.clone()));
        let fate = |id: StageId| match () {
            () if graph.roots.contains(&id) => Fate::Collected,
            () if graph.rows_are_read(id) => Fate::Shuffled,
            () => Fate::Counted,
        };
        let progress = Progress {
            state: GraphState::new(&graph, context.max_attempts),
            running: HashMap::new(),
            tasks: graph.stages.iter().map(|s| (0..s.partitions).map(|_| TaskRecord::default()).collect()).collect(),
            stopped: false,
        };
        if let Some(watch) = &context.watch {
            watch.begin(&graph);
        }
        let (sender, receiver) = oneshot::channel();
        let run = Self {
            name: query.name().to_owned(),
            fates: graph.stages.iter().map(|s| fate(s.id)).collect(),
            inputs: Arc::new(StageInputs(Arc::clone(&store) as _)),
            graph,
            context,
            store,
            spawner: query.spawner(),
            progress: Mutex::new(progress),
            over: Mutex::new(Some(sender)),
        };
        (Arc::new(run), receiver)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the caller how it ended; only the first word counts.
    fn end(&self, result: Result<()>) {
        let sender = self.over.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // The caller may have gone.
            let _ = sender.send(result);
        }
    }

    fn cancelled(&self) -> Error {
        Error::cancelled(format!("query {} was cancelled", self.name))
    }

    fn advance(self: &Arc<Self>, event: Event) {
        let mut progress = self.progress();
        self.obey(&mut progress, event, None);
    }

    /// An attempt has ended: its output is kept, or its failure judged, and what is next is started.
    fn ended(self: &Arc<Self>, task: TaskId, outcome: Result<(TaskOutput, TaskReport), Failure>) {
        let mut progress = self.progress();
        if progress.stopped {
            return;
        }
        match outcome {
            Ok((output, report)) => {
                let record = &mut progress.tasks[task.stage.0][task.partition];
                let again = record.ended.replace(Instant::now()).is_some();
                if let Some(watch) = &self.context.watch {
                    watch.ended(task, output.rows.iter().sum(), again);
                }
                record.rows.clone_from(&output.rows);
                record.bytes.clone_from(&output.bytes);
                record.side_rows = output.side.iter().map(|(k, b)| (k.clone(), b.iter().map(|b| b.num_rows() as u64).sum())).collect();
                record.report = report;
                self.store.keep(task, output);
                self.obey(&mut progress, Event::Done(task), None);
            }
            Err(failure) => {
                let event = match lost_blocks(&failure.error) {
                    Some(writer) => Event::Lost { reader: task, writer },
                    None => Event::Failed { task, transient: failure.transient },
                };
                tracing::debug!("query {}: task {task} failed: {}", self.name, failure.error);
                self.obey(&mut progress, event, Some(failure.error));
            }
        }
    }

    fn obey(self: &Arc<Self>, progress: &mut Progress, event: Event, mut error: Option<Error>) {
        for command in schedule(&mut progress.state, event) {
            match command {
                Command::Start { task, attempt } => self.start(progress, task, attempt),
                Command::Release(stage) => self.store.release(stage),
                Command::Finish => self.end(Ok(())),
                Command::Fail(task) => {
                    let error = error.take().unwrap_or_else(|| Error::internal(format!("task {task} failed")));
                    let attempts = progress.tasks[task.stage.0][task.partition].attempts;
                    self.end(Err(if attempts > 1 { error.context(format!("after {attempts} attempts")) } else { error }));
                }
            }
        }
    }

    fn start(self: &Arc<Self>, progress: &mut Progress, task: TaskId, attempt: u32) {
        if progress.stopped {
            return;
        }
        let record = &mut progress.tasks[task.stage.0][task.partition];
        record.attempts = attempt;
        record.started.get_or_insert_with(Instant::now);
        let unheard = Unheard(Some(Arc::clone(self)));
        let run = Arc::clone(self);
        let future = async move {
            let unheard = unheard;
            let outcome = task::attempt(&run, task).await;
            unheard.heard();
            run.ended(task, outcome);
        };
        let running = self.spawner.spawn(future);
        progress.running.insert(task, running);
    }
}

/// A task that is dropped before it could say how it ended was cancelled with its query.
struct Unheard(Option<Arc<Run>>);

impl Unheard {
    fn heard(mut self) {
        self.0 = None;
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run.end(Err(run.cancelled()));
        }
    }
}

/// Stops the run with the future that waits for it.
struct StopOnDrop(Arc<Run>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let mut progress = self.0.progress();
        progress.stopped = true;
        let running = std::mem::take(&mut progress.running);
        drop(progress);
        drop(running);
        self.0.store.close();
    }
}

/// The task whose blocks were missing, where that is the error's cause.
fn lost_blocks(error: &Error) -> Option<TaskId> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(lost) = error.downcast_ref::<LostBlocks>() {
            return Some(lost.writer);
        }
        cause = error.source();
    }
    None
}
