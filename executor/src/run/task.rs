//! One attempt at one task: one partition of its stage's plan instance, drained into the stage's output.

use std::any::Any;
use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::{FutureExt, StreamExt};
use tidemill_planner::key::DEFAULT_KEY_GROUPS;
use tidemill_planner::seam::{TaskReport, TaskScope};
use tidemill_planner::stage::TaskId;
use tidemill_planner::{Error, Result};

use super::Run;
use super::figures::{Figures, OperatorStats};
use super::instance::{Division, StageRun};
use crate::pool::yield_now;
use crate::shuffle::{StageWriter, TaskOutput};

/// How many batches a task takes before it lets others have the thread: nothing else off tokio makes it yield.
const BATCHES_PER_TURN: u32 = 4;

/// How many sorts find place for what they set aside, at least.
const SORT_RESERVATIONS: usize = 64;

/// What an attempt has given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) output: TaskOutput,
    pub(super) report: TaskReport,
    /// What its operators did, where it had an instance of its own and somebody wants to know.
    pub(super) operators: Vec<OperatorStats>,
}

/// Why an attempt failed, and whether another one may succeed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) transient: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let transient = error.is_transient() || panicked_within(&error);
        Self { error, transient }
    }
}

/// Runs the attempt; a panic is a failure like any other.
pub(super) async fn attempt(run: &Arc<Run>, stage: &StageRun, task: TaskId, executor: usize) -> Result<Given, Failure> {
    match AssertUnwindSafe(drain(run, stage, task, executor)).catch_unwind().await {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => {
            let error = Error::internal(format!("task {task} of query {} panicked: {}", run.name, panic_message(panic.as_ref())));
            Err(Failure { error, transient: true })
        }
    }
}

async fn drain(run: &Arc<Run>, stage: &StageRun, task: TaskId, executor: usize) -> Result<Given> {
    fail::fail_point!("executor::task", |text| Err(Error::io(text.unwrap_or_else(|| "failpoint executor::task".to_owned()))));
    let place = &run.places[executor];
    if place.spawner.loses_executor() {
        return Err(Error::cancelled(format!("executor {executor} was lost with task {task}")));
    }
    let scope = TaskScope::new(run.context.epoch.clone());
    let plan = stage.instance()?;
    let figures = stage.figures_of(&plan, task.partition);
    let context = task_context(run, stage, &scope, &place.runtime);
    // A streaming query keeps the number of groups that its checkpoint began with: state is found by it.
    let groups = run.context.epoch.as_ref().map_or(DEFAULT_KEY_GROUPS, |epoch| epoch.key_groups);
    let mut writer = StageWriter::new(run.store.home(executor), task, &stage.output, stage.fate, stage.batch_size, groups);
    match &stage.sink {
        Some(sink) => writer.deliver_to(sink.open(task.partition)?),
        None => writer.hold_at_most(&stage.result_bytes),
    }
    let (columns, most_bits) = &stage.gathers;
    if !columns.is_empty() {
        writer.note_keys(columns, &plan.schema(), stage.tasks, *most_bits)?;
    }
    let mut rows = plan.execute(task.partition, context)?;
    let mut turn = 0;
    loop {
        // Others may have made all that is wanted while this one looks for its first row.
        let next = poll_fn(|cx| if stage.has_enough() { Poll::Ready(None) } else { rows.poll_next_unpin(cx) });
        let Some(batch) = next.await else { break };
        let batch = batch?;
        stage.made(batch.num_rows());
        writer.push(batch).await?;
        turn += 1;
        if turn == BATCHES_PER_TURN {
            turn = 0;
            yield_now().await;
        }
    }
    // Operators may report as late as when they are dropped.
    drop(rows);
    let operators = figures.as_ref().map(Figures::read).unwrap_or_default();
    drop(figures);
    drop(plan);
    let mut output = writer.finish().await?;
    let mut report = scope.take_report();
    output.side = std::mem::take(&mut report.side_rows);
    Ok(Given { output, report, operators })
}

/// The session's context with the attempt's own scope, the way to its inputs, and the stage's batches.
fn task_context(run: &Run, stage: &StageRun, scope: &Arc<TaskScope>, runtime: &Arc<RuntimeEnv>) -> Arc<TaskContext> {
    let base = &run.context.task_ctx;
    let mut config = base.session_config().clone().with_batch_size(stage.batch_size);
    config.set_extension(Arc::clone(scope));
    config.set_extension(Arc::clone(&run.inputs));
    let options = config.options_mut();
    // What a sort sets aside to merge what it has spilled: a part of a small budget, since each task that sorts does.
    if let MemoryLimit::Finite(bytes) = runtime.memory_pool.memory_limit() {
        let usual = options.execution.sort_spill_reservation_bytes;
        options.execution.sort_spill_reservation_bytes = usual.min(bytes / SORT_RESERVATIONS);
    }
    if stage.shared && run.context.epoch.is_none() {
        // A task that is through with its files takes some of its fellows'.
        options.execution.enable_file_stream_work_stealing = stage.division == Division::OneExecutor;
        options.optimizer.enable_join_dynamic_filter_pushdown = stage.division != Division::Shares;
    }
    let (scalar, higher, aggregate, window) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
    Arc::new(TaskContext::new(None, base.session_id(), config, scalar, higher, aggregate, window, Arc::clone(runtime)))
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Whether the error is that of a future which an operator spawned and which panicked.
fn panicked_within(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<tokio::task::JoinError>().is_some_and(tokio::task::JoinError::is_panic) {
            return true;
        }
        cause = error.source();
    }
    false
}
