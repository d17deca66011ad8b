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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;
    use datafusion::physical_plan::empty::EmptyExec;

    use super::*;
    use crate::stage::{Stage, StageOutput};

    /// Stages as (tasks, inputs); the last one is the root.
    fn graph(stages: &[(usize, &[usize])]) -> StageGraph {
        let plan = Arc::new(EmptyExec::new(Arc::new(Schema::empty())));
        let stage = |(i, (partitions, inputs)): (usize, &(usize, &[usize]))| Stage {
            id: StageId(i),
            plan: Arc::clone(&plan) as _,
            partitions: *partitions,
            output: StageOutput::Passthrough,
            inputs: inputs.iter().map(|i| StageId(*i)).collect(),
        };
        StageGraph { stages: stages.iter().enumerate().map(stage).collect(), roots: vec![StageId(stages.len() - 1)] }
    }

    /// `"0.1"` as a task.
    fn task(text: &str) -> TaskId {
        let (stage, partition) = text.split_once('.').unwrap();
        TaskId { stage: StageId(stage.parse().unwrap()), partition: partition.parse().unwrap() }
    }

    fn event(text: &str) -> Event {
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["begin"] => Event::Begin,
            ["done", t] => Event::Done(task(t)),
            ["error", t] => Event::Failed { task: task(t), transient: false },
            ["flaky", t] => Event::Failed { task: task(t), transient: true },
            ["lost", writer, "by", reader] => Event::Lost { reader: task(reader), writer: task(writer) },
            _ => panic!("no such event: {text}"),
        }
    }

    fn shown(commands: Vec<Command>) -> String {
        let show = |command| match command {
            Command::Start { task, attempt: 1 } => format!("start {task}"),
            Command::Start { task, attempt } => format!("start {task} again {attempt}"),
            Command::Release(stage) => format!("release {stage}"),
            Command::Finish => "finish".to_owned(),
            Command::Fail(task) => format!("fail {task}"),
        };
        commands.into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    /// Each step: what happens, what is to be done about it.
    fn check(name: &str, stages: &[(usize, &[usize])], steps: &[(&str, &str)]) {
        let mut state = GraphState::new(&graph(stages), MAX_ATTEMPTS);
        for (i, (happened, expected)) in steps.iter().enumerate() {
            assert_eq!(shown(schedule(&mut state, event(happened))), *expected, "{name}, step {i}: {happened}");
        }
    }

    #[test]
    fn stages_follow_their_inputs() {
        check("one stage", &[(2, &[])], &[("begin", "start 0.0, start 0.1"), ("done 0.1", ""), ("done 0.0", "finish")]);
        check(
            "a chain",
            &[(1, &[]), (2, &[0]), (1, &[1])],
            &[
                ("begin", "start 0.0"),
                ("done 0.0", "start 1.0, start 1.1"),
                ("done 1.0", ""),
                ("done 1.1", "release 0, start 2.0"),
                ("done 2.0", "release 1, finish"),
            ],
        );
        check(
            "a diamond: both sides at once, blocks kept for the second reader",
            &[(1, &[]), (1, &[0]), (1, &[0]), (1, &[1, 2])],
            &[
                ("begin", "start 0.0"),
                ("done 0.0", "start 1.0, start 2.0"),
                ("done 2.0", ""),
                ("done 1.0", "release 0, start 3.0"),
                ("done 3.0", "release 1, release 2, finish"),
            ],
        );
        check("a stage without tasks is done", &[(0, &[]), (1, &[0])], &[("begin", "start 1.0"), ("done 1.0", "release 0, finish")]);
        check("nothing at all", &[(0, &[])], &[("begin", "finish")]);
    }

    #[test]
    fn failures() {
        check(
            "transient, three times",
            &[(1, &[]), (1, &[0])],
            &[
                ("begin", "start 0.0"),
                ("flaky 0.0", "start 0.0 again 2"),
                ("flaky 0.0", "start 0.0 again 3"),
                ("flaky 0.0", "start 0.0 again 4"),
                ("flaky 0.0", "fail 0.0"),
                ("done 0.0", ""),
            ],
        );
        check(
            "deterministic: at once, and what comes after changes nothing",
            &[(2, &[]), (1, &[0])],
            &[("begin", "start 0.0, start 0.1"), ("error 0.1", "fail 0.1"), ("done 0.0", ""), ("flaky 0.0", "")],
        );
        check(
            "an attempt that no longer counts",
            &[(1, &[]), (1, &[0])],
            &[("begin", "start 0.0"), ("done 0.0", "start 1.0"), ("done 0.0", ""), ("flaky 0.0", ""), ("done 1.0", "release 0, finish")],
        );
    }

    #[test]
    fn lost_blocks_run_their_writers_again() {
        check(
            "one block of two",
            &[(2, &[]), (2, &[0])],
            &[
                ("begin", "start 0.0, start 0.1"),
                ("done 0.0", ""),
                ("done 0.1", "start 1.0, start 1.1"),
                ("lost 0.1 by 1.0", "start 0.1 again 2"),
                ("lost 0.1 by 1.1", ""),
                ("done 0.1", "start 1.0 again 2, start 1.1 again 2"),
                ("done 1.0", ""),
                ("done 1.1", "release 0, finish"),
            ],
        );
        check(
            "the writer's own input was let go",
            &[(2, &[]), (1, &[0]), (1, &[1])],
            &[
                ("begin", "start 0.0, start 0.1"),
                ("done 0.0", ""),
                ("done 0.1", "start 1.0"),
                ("done 1.0", "release 0, start 2.0"),
                ("lost 1.0 by 2.0", "start 0.0 again 2, start 0.1 again 2"),
                ("done 0.1", ""),
                ("done 0.0", "start 1.0 again 2"),
                ("done 1.0", "release 0, start 2.0 again 2"),
                ("done 2.0", "release 1, finish"),
            ],
        );
        check(
            "again and again",
            &[(1, &[]), (1, &[0])],
            &[
                ("begin", "start 0.0"),
                ("done 0.0", "start 1.0"),
                ("lost 0.0 by 1.0", "start 0.0 again 2"),
                ("done 0.0", "start 1.0 again 2"),
                ("lost 0.0 by 1.0", "start 0.0 again 3"),
                ("done 0.0", "start 1.0 again 3"),
                ("lost 0.0 by 1.0", "start 0.0 again 4"),
                ("done 0.0", "start 1.0 again 4"),
                ("lost 0.0 by 1.0", "fail 1.0"),
            ],
        );
    }
}
