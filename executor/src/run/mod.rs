//! `run_graph`: tasks are started as the schedule says, until every stage is done. One attempt at one task is in `task`;
//! the rows between stages are in [`crate::shuffle`].
//!
//! ```text
//! run_graph ─ Begin ─► schedule ─ Start ─► pool ─► attempt ─► keep output ─ Done ─► schedule ─► … ─ Finish ─► RunOutput
//!                          ▲                                                            │
//!                          └── Grown ── adapt what has not begun ◄── Grow ── a stage is done
//! ```
//! The thread that ends an attempt asks the schedule itself and starts what is next: no thread stands between two stages. Nor does any where
//! an executor is lost: the thread that says so has its tasks started on others.

mod batch_rows;
mod drop_rows;
mod figures;
mod gather;
mod instance;
mod profile;
mod report;
mod rows;
mod sink;
mod task;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::channel::oneshot;
use tidemill_planner::seam::{EpochContext, TaskReport};
use tidemill_planner::stage::{
    AdaptiveSettings, Change, Command, Event, FilterSettings, Gathered, GraphState, StageGraph, StageId, StageInputs, StageSize, TaskId,
    TaskKeys, adapt, build_sides_first, filter_scans, filters_first, schedule,
};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::memory::{self, Spills};
use crate::pool::{OnLoss, PoolTask, QueryHandle, Spawner};
use crate::shuffle::{BlockHome, LostBlocks, ResultBytes, ShuffleStore, SpillDir};
pub(crate) use batch_rows::for_functions;
pub use drop_rows::DropRows;
pub use figures::{OperatorStats, ScanStats};
use instance::{Division, StageRun, root_rows};
pub use report::{RunReport, StageStats};
pub use rows::RowStream;
pub use sink::{Receipt, RootRows, RowSink, TaskSink};
use task::{Failure, Given};
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
    /// How what has not begun changes with what is known.
    pub adaptive: AdaptiveSettings,
    /// Who watches.
    pub watch: Option<Arc<RunWatch>>,
    /// What becomes of the rows of each root; of others they are held, however many.
    pub roots: Vec<RootRows>,
    /// Whether the report says what each operator did.
    pub measured: bool,
    /// The scheduler's pool that a batch run is in, if any.
    pub pool: Option<Arc<str>>,
}

impl RunContext {
    /// A batch run that goes as it was planned.
    pub fn new(task_ctx: Arc<TaskContext>) -> Self {
        Self { task_ctx, epoch: None, adaptive: AdaptiveSettings::off(), watch: None, roots: Vec::new(), measured: false, pool: None }
    }

    /// The same, changed while it runs.
    #[must_use]
    pub fn adapting(mut self, adaptive: AdaptiveSettings) -> Self {
        self.adaptive = adaptive;
        self
    }

    /// Those who take roots' rows while they are made.
    fn sinks(&self) -> impl Iterator<Item = &Arc<dyn RowSink>> {
        self.roots.iter().filter_map(|rows| match rows {
            RootRows::Delivered(sink) => Some(sink),
            RootRows::Held { .. } => None,
        })
    }

    /// Whether roots' rows may be made again.
    fn can_begin_anew(&self) -> bool {
        self.sinks().all(|sink| sink.can_begin_anew())
    }

    /// The same with an onlooker.
    #[must_use]
    pub fn watched_by(mut self, watch: Option<Arc<RunWatch>>) -> Self {
        self.watch = watch;
        self
    }

    /// The same with somebody who takes the rows of its one root.
    #[must_use]
    pub fn delivering_to(mut self, sink: Arc<dyn RowSink>) -> Self {
        self.roots = vec![RootRows::Delivered(sink)];
        self
    }

    /// The same, failing when the rows of its one root, which are held for the caller, take more than so many bytes.
    #[must_use]
    pub fn holding_at_most(mut self, bytes: u64) -> Self {
        self.roots = vec![RootRows::Held { max_bytes: bytes }];
        self
    }

    /// The same with what becomes of the rows of each of its roots.
    #[must_use]
    pub fn with_roots(mut self, roots: Vec<RootRows>) -> Self {
        self.roots = roots;
        self
    }

    /// The same with what each operator did in the report.
    #[must_use]
    pub fn measuring(mut self) -> Self {
        self.measured = true;
        self
    }

    /// The same in a pool of the scheduler.
    #[must_use]
    pub fn in_pool(mut self, pool: Option<&str>) -> Self {
        self.pool = pool.map(Arc::from);
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
#[derive(Debug)]
pub struct RootOutput {
    /// The rows' columns.
    pub schema: SchemaRef,
    /// The rows, by partition of the root's plan; none where they were delivered.
    pub partitions: Vec<Vec<RecordBatch>>,
    /// What is left of rows that were delivered, by partition.
    pub receipts: Vec<Option<Receipt>>,
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
            Err(error) if error.kind() == ErrorKind::Conflict && context.can_begin_anew() => {
                tracing::debug!("query {} is run again: {error}", query.name());
                context.sinks().for_each(|sink| sink.begin_anew());
            }
            ended => return ended,
        }
    }
    run_once(query, graph, context).await
}

async fn run_once(query: &QueryHandle, graph: &StageGraph, context: RunContext) -> Result<RunOutput> {
    let started = Instant::now();
    let (run, over) = Run::new(query, graph.clone(), context)?;
    let guard = StopOnDrop(Arc::clone(&run));
    if run.places.len() > 1 {
        let listener: Arc<dyn OnLoss> = Arc::clone(&run) as _;
        query.engine().tell_of_losses(Arc::downgrade(&listener)).into_iter().for_each(|executor| run.lose(executor));
    }
    run.advance(Event::Begin);
    over.await.map_err(|_| run.cancelled())??;
    let (graph, tasks, changes) = {
        let mut progress = run.progress();
        (std::mem::take(&mut progress.graph), std::mem::take(&mut progress.tasks), std::mem::take(&mut progress.changes))
    };
    let roots = graph.roots.iter().map(|id| RootOutput {
        schema: graph.stage(*id).plan.schema(),
        partitions: run.store.take(*id),
        receipts: run.store.take_receipts(*id),
    });
    let roots = roots.collect();
    drop(guard);
    let mut report = report::merge(graph, tasks, changes, started.elapsed());
    report.spills = std::mem::take(&mut *run.spills.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(RunOutput { roots, report })
}

/// A run that has begun.
#[derive(Debug)]
struct Run {
    name: String,
    context: RunContext,
    store: Arc<ShuffleStore>,
    inputs: Arc<StageInputs>,
    /// By executor.
    places: Vec<Place>,
    spills: Arc<Spills>,
    progress: Mutex<Progress>,
    over: Mutex<Option<oneshot::Sender<Result<()>>>>,
}

/// What a run has on one executor.
#[derive(Debug)]
struct Place {
    spawner: Spawner,
    runtime: Arc<RuntimeEnv>,
}

#[derive(Debug)]
struct Progress {
    graph: StageGraph,
    state: GraphState,
    /// By stage and share, while the stage runs.
    stages: HashMap<(StageId, usize), Arc<StageRun>>,
    running: HashMap<TaskId, Attempt>,
    tasks: Vec<Vec<TaskRecord>>,
    changes: Vec<Change>,
    /// By stage, when it is done.
    gathered: Vec<Gathered>,
    stopped: bool,
}

/// A task that runs. Dropping it cancels it.
#[derive(Debug)]
struct Attempt {
    _task: PoolTask<()>,
    executor: usize,
    /// Whether anybody still wants to know how it ends.
    counts: Arc<AtomicBool>,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.counts.store(false, Ordering::Release);
    }
}

/// What is known of one task.
#[derive(Debug, Default)]
struct TaskRecord {
    attempts: u32,
    /// Where the accepted one ran.
    executor: usize,
    /// What the first attempt that failed said.
    first_failure: Option<String>,
    started: Option<Instant>,
    ended: Option<Instant>,
    rows: Vec<u64>,
    bytes: Vec<u64>,
    side_rows: HashMap<(String, tidemill_planner::seam::Port), u64>,
    /// By column that its stage gathers.
    keys: Vec<Option<TaskKeys>>,
    report: TaskReport,
    spilled_blocks: u64,
    spilled_bytes: u64,
    /// What its operators did; the first task's where all share them.
    operators: Vec<figures::OperatorStats>,
}

impl Run {
    fn new(query: &QueryHandle, mut graph: StageGraph, mut context: RunContext) -> Result<(Arc<Self>, oneshot::Receiver<Result<()>>)> {
        let engine = query.engine();
        let executors = engine.executors();
        context.adaptive.build_bytes.get_or_insert_with(|| executors[0].budget.fixed_share(engine.threads()));
        // Epochs are short, and see all of their rows.
        if context.epoch.is_some() {
            context.adaptive.filters = FilterSettings::off();
        }
        if context.adaptive.enabled {
            filters_first(&mut graph, &context.adaptive);
            build_sides_first(&mut graph);
            filter_scans(&mut graph, &[], &[], &|_| false, &context.adaptive)?;
        }
        let home = |budget| Arc::new(BlockHome::new(budget, SpillDir::within(engine.spill_dir.clone()), engine.io.clone()));
        let homes = executors.iter().map(|executor| home(Arc::clone(&executor.budget))).collect();
        let store = Arc::new(ShuffleStore::new(&graph, homes, engine.io.clone()));
        if let Some(watch) = &context.watch {
            watch.begin(&graph);
        }
        let living = executors.iter().map(|executor| !executor.is_lost()).collect();
        let state = GraphState::new(&graph, engine.max_failures(), engine.threads(), living);
        let progress = Progress {
            state: state.feeding(executors[0].budget.tasks_fed()),
            stages: HashMap::new(),
            running: HashMap::new(),
            tasks: graph.stages.iter().map(|_| Vec::new()).collect(),
            changes: Vec::new(),
            gathered: vec![Gathered::new(); graph.stages.len()],
            stopped: false,
            graph,
        };
        let (sender, receiver) = oneshot::channel();
        let spills = Arc::new(Spills::default());
        let session = context.task_ctx.runtime_env();
        let place = |(index, spawner): (usize, Spawner)| -> Result<Place> {
            let runtime = memory::runtime(&session, &executors[index].operators, store.home(index).spill_dir(), &spills)?;
            Ok(Place { spawner, runtime })
        };
        let places = query.spawners().enumerate().map(place).collect::<Result<_>>()?;
        let run = Self {
            name: query.name().to_owned(),
            inputs: Arc::new(StageInputs(Arc::clone(&store) as _)),
            places,
            spills,
            context,
            store,
            progress: Mutex::new(progress),
            over: Mutex::new(Some(sender)),
        };
        Ok((Arc::new(run), receiver))
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
    fn ended(self: &Arc<Self>, task: TaskId, executor: usize, counts: &AtomicBool, outcome: Result<Given, Failure>) {
        let mut progress = self.progress();
        if progress.stopped || !counts.load(Ordering::Acquire) {
            return;
        }
        // It runs no more. Nobody waits for what dropping it cancels.
        drop(progress.running.remove(&task));
        match outcome {
            Ok(Given { mut output, report, operators }) => {
                let record = &mut progress.tasks[task.stage.0][task.partition];
                let again = record.ended.replace(Instant::now()).is_some();
                if let Some(watch) = &self.context.watch {
                    watch.ended(task, output.rows.iter().sum(), again);
                }
                record.rows.clone_from(&output.rows);
                record.bytes.clone_from(&output.bytes);
                record.side_rows = output.side.iter().map(|(k, b)| (k.clone(), b.iter().map(|b| b.num_rows() as u64).sum())).collect();
                record.keys = std::mem::take(&mut output.keys);
                record.report = report;
                (record.spilled_blocks, record.spilled_bytes) = (output.spilled_blocks, output.spilled_bytes);
                record.operators = operators;
                record.executor = executor;
                self.store.keep(task, executor, output);
                match self.refuse_result(&progress, task.stage) {
                    Ok(()) => self.obey(&mut progress, Event::Done(task), None),
                    Err(error) => self.end(Err(error)),
                }
            }
            Err(failure) => {
                if let Some(watch) = &self.context.watch {
                    watch.failed(task);
                }
                let final_word = progress.graph.roots.contains(&task.stage) && !self.context.can_begin_anew();
                let event = match lost_blocks(&failure.error) {
                    _ if final_word => Event::Failed { task, transient: false },
                    Some(writer) => Event::Lost { reader: task, writer },
                    None => Event::Failed { task, transient: failure.transient },
                };
                tracing::debug!("query {}: task {task} failed: {}", self.name, failure.error);
                let said = failure.error.message().to_owned();
                self.obey(&mut progress, event, Some(failure.error));
                progress.tasks[task.stage.0][task.partition].first_failure.get_or_insert(said);
            }
        }
    }

    fn obey(self: &Arc<Self>, progress: &mut Progress, event: Event, mut error: Option<Error>) {
        for command in schedule(&mut progress.state, event) {
            match command {
                Command::Start { task, attempt, share, executor } => self.start(progress, task, attempt, share, executor),
                Command::Restart { stage, share } => self.restart(progress, stage, share),
                Command::Grow(stage) => match self.grow(progress, stage) {
                    Ok(()) => self.obey(progress, Event::Grown, None),
                    Err(error) => self.end(Err(error)),
                },
                Command::Release(stage) => self.store.release(stage),
                Command::Finish => self.end(Ok(())),
                Command::Fail(task) => {
                    let error = error.take().unwrap_or_else(|| Error::internal(format!("task {task} failed")));
                    self.end(Err(given_up(error, task, &progress.tasks[task.stage.0])));
                }
            }
        }
    }

    /// A stage is done: its instance goes, with its build tables, and what has not begun follows what is known.
    fn grow(&self, progress: &mut Progress, stage: StageId) -> Result<()> {
        for (share, tasks) in progress.state.shares(stage).enumerate() {
            if let Some(operators) = progress.stages.remove(&(stage, share)).and_then(|run| run.operators())
                && let Some(first) = progress.tasks[stage.0].get_mut(tasks.start)
            {
                first.operators = operators;
            }
        }
        if !self.context.adaptive.enabled {
            return Ok(());
        }
        let Progress { graph, state, tasks, changes, gathered, .. } = progress;
        gathered[stage.0] = gather::keys(graph.stage(stage), &mut tasks[stage.0]);
        let size = |id: usize| {
            let stage = graph.stage(StageId(id));
            let done = stage.absorbed_by.is_none() && state.is_done(stage.id) && !tasks[id].is_empty();
            done.then(|| report::size(stage.output_partitions(), &tasks[id]))
        };
        let sizes: Vec<Option<StageSize>> = (0..graph.stages.len()).map(size).collect();
        let begun = |id: StageId| state.has_begun(id);
        let mut made = adapt(graph, &sizes, &begun, &self.context.adaptive)?;
        made.extend(filter_scans(graph, &sizes, gathered, &begun, &self.context.adaptive)?);
        if !made.is_empty() {
            made.iter().for_each(|change| tracing::debug!("query {}: {change}", self.name));
            state.follow(graph);
            self.store.follow(graph);
            if let Some(watch) = &self.context.watch {
                watch.follow(graph);
            }
            changes.extend(made);
        }
        Ok(())
    }

    /// What runs of a share of a stage is cancelled, and what it has left is let go.
    fn restart(&self, progress: &mut Progress, stage: StageId, share: usize) {
        progress.stages.remove(&(stage, share));
        let Some(tasks) = progress.state.shares(stage).nth(share) else { return };
        let before = progress.running.len();
        progress.running.retain(|task, _| task.stage != stage || !tasks.contains(&task.partition));
        if let Some(watch) = &self.context.watch {
            watch.cancelled(stage, before - progress.running.len());
        }
        self.store.release_tasks(stage, tasks);
    }

    /// An executor is lost: what ran there is cancelled, what it has left is gone, and both are made on others.
    fn lose(self: &Arc<Self>, executor: usize) {
        let mut progress = self.progress();
        if progress.stopped || !progress.state.lives(executor) {
            return;
        }
        let running = progress.running.iter().filter(|(_, attempt)| attempt.executor == executor);
        let running: Vec<TaskId> = running.map(|(task, _)| *task).collect();
        for task in &running {
            drop(progress.running.remove(task));
            let record = &mut progress.tasks[task.stage.0][task.partition];
            record.first_failure.get_or_insert_with(|| format!("executor {executor} was lost"));
            if let Some(watch) = &self.context.watch {
                watch.failed(*task);
            }
        }
        self.store.lose(executor);
        let given = running.iter().find(|task| progress.graph.roots.contains(&task.stage)).filter(|_| !self.context.can_begin_anew());
        match given {
            None => self.obey(&mut progress, Event::ExecutorLost(executor), None),
            Some(task) => {
                let message = format!(
                    "executor {executor} was lost with task {task} of query {}, rows of which were given already: run the query again",
                    self.name
                );
                self.obey(&mut progress, Event::Failed { task: *task, transient: false }, Some(Error::resources(message)));
            }
        }
        drop(progress);
        self.store.home(executor).close();
    }

    /// Refuses a result that is larger than the caller takes: each share of a root counts for itself.
    fn refuse_result(&self, progress: &Progress, stage: StageId) -> Result<()> {
        let (sink, max_bytes) = root_rows(&progress.graph, stage, &self.context);
        if max_bytes == 0 || sink.is_some() || progress.state.shares(stage).nth(1).is_none() {
            return Ok(());
        }
        let bytes = progress.tasks[stage.0].iter().filter(|task| task.ended.is_some()).flat_map(|task| &task.bytes).sum();
        ResultBytes::at_most(max_bytes).add(bytes)
    }

    fn start(self: &Arc<Self>, progress: &mut Progress, task: TaskId, attempt: u32, share: usize, executor: usize) {
        if progress.stopped {
            return;
        }
        let stage = match progress.stages.get(&(task.stage, share)) {
            Some(stage) => Arc::clone(stage),
            None => match StageRun::new(&progress.graph, task.stage, &self.context, self.division(progress, task.stage)) {
                Ok(stage) => {
                    let stage = Arc::new(stage);
                    progress.stages.insert((task.stage, share), Arc::clone(&stage));
                    stage
                }
                Err(error) => return self.end(Err(error)),
            },
        };
        let tasks = &mut progress.tasks[task.stage.0];
        if tasks.len() < stage.tasks {
            tasks.resize_with(stage.tasks, TaskRecord::default);
        }
        let record = &mut tasks[task.partition];
        record.attempts = attempt;
        record.started.get_or_insert_with(Instant::now);
        if let Some(watch) = &self.context.watch {
            watch.started(task);
        }
        let counts = Arc::new(AtomicBool::new(true));
        let unheard = Unheard { run: Some(Arc::clone(self)), counts: Arc::clone(&counts) };
        let (run, still) = (Arc::clone(self), Arc::clone(&counts));
        let future = async move {
            let unheard = unheard;
            let outcome = task::attempt(&run, &stage, task, executor).await;
            drop(stage);
            unheard.heard();
            run.ended(task, executor, &still, outcome);
        };
        let running = self.places[executor].spawner.spawn(future);
        progress.running.insert(task, Attempt { _task: running, executor, counts });
    }

    /// How the tasks of a stage are spread.
    fn division(&self, progress: &Progress, stage: StageId) -> Division {
        match (self.places.len(), progress.state.shares(stage).count()) {
            (1, _) => Division::OneExecutor,
            (_, 0 | 1) => Division::OneShare,
            _ => Division::Shares,
        }
    }
}

impl OnLoss for Run {
    fn on_loss(self: Arc<Self>, executor: usize) {
        self.lose(executor);
    }
}

/// A task that is dropped before it could say how it ended was cancelled with its query, unless it no longer counted.
struct Unheard {
    run: Option<Arc<Run>>,
    counts: Arc<AtomicBool>,
}

impl Unheard {
    fn heard(mut self) {
        self.run = None;
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if let Some(run) = self.run.take()
            && self.counts.load(Ordering::Acquire)
        {
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

/// The query's error, made of a task's last one: which task it is, how often it was tried, and what was said at first, by it or by one of
/// its fellows, with whom it was begun anew.
fn given_up(error: Error, task: TaskId, records: &[TaskRecord]) -> Error {
    let own = &records[task.partition];
    if own.attempts <= 1 {
        return error;
    }
    let first = own.first_failure.as_ref().or_else(|| records.iter().find_map(|record| record.first_failure.as_ref()));
    let at_first = match first {
        Some(first) if first != error.message() => format!(" (at first: {first})"),
        _ => String::new(),
    };
    let TaskId { stage, partition } = task;
    error.context(format!("stage {stage}, task {partition}, after {} attempts{at_first}", own.attempts))
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
