//! `schedule`: which task is started when another has finished, failed or found blocks missing. A state machine over
//! plain data; it starts nothing itself.
//!
//! ```text
//! Waiting ── all inputs done ──► Running ── Done ──► Done ── all tasks of all readers done ──► blocks released
//!    ▲                              │                  │
//!    └──────── blocks lost ─────────┴── transient ─────┘
//! ```

use std::fmt;

use super::{StageGraph, StageId};

/// How often a task is attempted before its query fails.
pub const MAX_ATTEMPTS: u32 = 4;

/// One partition of one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// The stage.
    pub stage: StageId,
    /// The partition.
    pub partition: usize,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stage, self.partition)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The graph is to be run.
    Begin,
    /// A task's output has been accepted.
    Done(TaskId),
    /// An attempt failed; `transient` when another may succeed.
    Failed {
        /// The task.
        task: TaskId,
        /// Whether it is worth another attempt.
        transient: bool,
    },
    /// A task could not read what another had written.
    Lost {
        /// The task that read.
        reader: TaskId,
        /// The task whose blocks are gone.
        writer: TaskId,
    },
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Run an attempt, counted from 1.
    Start {
        /// The task.
        task: TaskId,
        /// Which attempt it is.
        attempt: u32,
    },
    /// Every reader of the stage is done: let its blocks go.
    Release(StageId),
    /// All is done.
    Finish,
    /// The query fails with this task's error.
    Fail(TaskId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Waiting,
    Running,
    Done,
}

#[derive(Debug, Clone)]
struct StageState {
    inputs: Vec<usize>,
    readers: Vec<usize>,
    is_root: bool,
    released: bool,
    tasks: Vec<(Status, u32)>,
}

impl StageState {
    fn is_done(&self) -> bool {
        self.tasks.iter().all(|(status, _)| *status == Status::Done)
    }
}

/// How far a graph has got.
#[derive(Debug, Clone)]
pub struct GraphState {
    stages: Vec<StageState>,
    max_attempts: u32,
    over: bool,
}

impl GraphState {
    /// Nothing has run yet.
    pub fn new(graph: &StageGraph, max_attempts: u32) -> Self {
        let stage = |i: usize| {
            let inputs: Vec<usize> = graph.stages[i].inputs.iter().map(|id| id.0).collect();
            let readers = graph.stages.iter().filter(|s| s.inputs.contains(&StageId(i))).map(|s| s.id.0).collect();
            let tasks = vec![(Status::Waiting, 0); graph.stages[i].partitions];
            StageState { inputs, readers, is_root: graph.roots.contains(&StageId(i)), released: false, tasks }
        };
        Self { stages: (0..graph.stages.len()).map(stage).collect(), max_attempts, over: false }
    }

    fn task(&mut self, id: TaskId) -> &mut (Status, u32) {
        &mut self.stages[id.stage.0].tasks[id.partition]
    }

    /// Sends a task back to wait, or fails the graph when it has had its attempts.
    fn again(&mut self, id: TaskId) -> Option<Command> {
        let max_attempts = self.max_attempts;
        let (status, attempts) = self.task(id);
        if *attempts >= max_attempts {
            self.over = true;
            return Some(Command::Fail(id));
        }
        *status = Status::Waiting;
        None
    }

    /// What a stage reads must be there when it runs again: inputs that were let go are run again too.
    fn revive_inputs(&mut self, stage: usize) {
        for input in self.stages[stage].inputs.clone() {
            if std::mem::take(&mut self.stages[input].released) {
                self.stages[input].tasks.iter_mut().for_each(|(status, _)| *status = Status::Waiting);
                self.revive_inputs(input);
            }
        }
    }

    fn release(&mut self, commands: &mut Vec<Command>) {
        for i in 0..self.stages.len() {
            let stage = &self.stages[i];
            let idle = !stage.is_root && !stage.released && !stage.readers.is_empty();
            if idle && stage.is_done() && stage.readers.iter().all(|r| self.stages[*r].is_done()) {
                self.stages[i].released = true;
                commands.push(Command::Release(StageId(i)));
            }
        }
    }

    fn start_ready(&mut self, commands: &mut Vec<Command>) {
        for i in 0..self.stages.len() {
            if !self.stages[i].inputs.iter().all(|input| self.stages[*input].is_done() && !self.stages[*input].released) {
                continue;
            }
            for (partition, (status, attempts)) in self.stages[i].tasks.iter_mut().enumerate() {
                if *status == Status::Waiting {
                    *status = Status::Running;
                    *attempts += 1;
                    commands.push(Command::Start { task: TaskId { stage: StageId(i), partition }, attempt: *attempts });
                }
            }
        }
    }
}

/// Advances `state` by an event and says what to do. An event that comes after the end, or from an attempt that no longer
/// counts, changes nothing.
pub fn schedule(state: &mut GraphState, event: Event) -> Vec<Command> {
    let mut commands = Vec::new();
    if state.over {
        return commands;
    }
    match event {
        Event::Begin => {}
        Event::Done(task) | Event::Failed { task, .. } | Event::Lost { reader: task, .. } if state.task(task).0 != Status::Running => {
            return commands;
        }
        Event::Done(task) => {
            state.task(task).0 = Status::Done;
            // Nothing waits for one task, only for whole stages.
            if !state.stages[task.stage.0].is_done() {
                return commands;
            }
            state.release(&mut commands);
        }
        Event::Failed { task, transient: false } => {
            state.over = true;
            return vec![Command::Fail(task)];
        }
        Event::Failed { task, transient: true } => commands.extend(state.again(task)),
        Event::Lost { reader, writer } => {
            commands.extend(state.again(reader));
            if !state.over && state.task(writer).0 == Status::Done {
                commands.extend(state.again(writer));
                state.revive_inputs(writer.stage.0);
            }
        }
    }
    if !state.over {
        state.start_ready(&mut commands);
        if state.stages.iter().all(StageState::is_done) {
            state.over = true;
            commands.push(Command::Finish);
        }
    }
    commands
}
