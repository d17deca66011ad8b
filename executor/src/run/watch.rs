//! How far a run has come, for whoever shows it to people while it runs. Nothing waits for the onlooker, and the run does not know him.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidemill_planner::stage::{StageGraph, StageId, TaskId};

/// How far a stage has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageProgress {
    /// Its place in the graph.
    pub stage: usize,
    /// How many of its tasks have ended.
    pub done: usize,
    /// How many tasks it has.
    pub tasks: usize,
    /// How many of them run now.
    pub running: usize,
    /// Rows that those have written.
    pub rows: u64,
}

/// How far the stages of a run have come.
#[derive(Debug, Default)]
pub struct RunWatch(Mutex<Vec<StageProgress>>);

tokio::task_local! {
    /// Who watches the batch queries that a task runs.
    pub static WATCH: Arc<RunWatch>;
}

impl RunWatch {
    /// The watch of a run that has come so far.
    pub fn of(stages: Vec<StageProgress>) -> Self {
        Self(Mutex::new(stages))
    }

    /// The stages as they are now, rising; none before the run has begun.
    pub fn stages(&self) -> Vec<StageProgress> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StageProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run of this graph begins, perhaps once more.
    pub(super) fn begin(&self, graph: &StageGraph) {
        let stages = graph.stages.iter().enumerate();
        let fresh = stages.map(|(at, stage)| StageProgress { stage: at, done: 0, tasks: stage.partitions, running: 0, rows: 0 });
        *self.lock() = fresh.collect();
    }

    /// Stages that have not begun have other tasks now, or none of their own.
    pub(super) fn follow(&self, graph: &StageGraph) {
        self.lock().iter_mut().zip(&graph.stages).for_each(|(shown, stage)| shown.tasks = stage.partitions);
    }

    /// An attempt at a task begins.
    pub(super) fn started(&self, task: TaskId) {
        if let Some(stage) = self.lock().get_mut(task.stage.0) {
            stage.running += 1;
        }
    }

    /// An attempt has failed.
    pub(super) fn failed(&self, task: TaskId) {
        if let Some(stage) = self.lock().get_mut(task.stage.0) {
            stage.running = stage.running.saturating_sub(1);
        }
    }

    /// So many attempts of a stage are cancelled.
    pub(super) fn cancelled(&self, stage: StageId, attempts: usize) {
        if let Some(stage) = self.lock().get_mut(stage.0) {
            stage.running = stage.running.saturating_sub(attempts);
        }
    }

    /// A task has ended and has written so many rows; `again` when it had ended before, and its blocks were lost.
    pub(super) fn ended(&self, task: TaskId, rows: u64, again: bool) {
        if let Some(stage) = self.lock().get_mut(task.stage.0) {
            stage.running = stage.running.saturating_sub(1);
            if !again {
                stage.done += 1;
                stage.rows += rows;
            }
        }
    }
}
