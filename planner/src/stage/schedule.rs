//! `schedule`: which task is started when another has finished, failed or found blocks missing. A state machine over
//! plain data; it starts nothing itself.
//!
//! ```text
//! Waiting ── all inputs done ──► Running ── Done ──► Done ── all tasks of all readers done ──► blocks released
//!    ▲                              │                  │
//!    └──────── blocks lost ─────────┴── transient ─────┘
//! ```
//! The tasks of a stage share one plan instance: when one fails, all of them run again. Only what keeps state is run again task by task.
//! Over several executors a stage is divided into as many shares, each with an instance of its own, which run again one by one:
//!
//! ```text
//! stage 3   tasks 0 1 2 │ 3 4 5 │ 6 7      executor 1 is lost ─► what ran there, and what it has left that is still to be read,
//! executor          0   │   1   │  2                             waits, and has another executor when it is started
//! ```

use std::fmt;
use std::ops::Range;

use super::{StageGraph, StageId, StageOutput};

/// How often a task is attempted before its query fails, unless another number is set; and how often the blocks of a stage are lost.
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
    /// What has not begun was changed, or left as it is, after [`Command::Grow`].
    Grown,
    /// An attempt's output has been accepted.
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
    /// An executor is gone for good, with what runs there and what it has left, but for what roots gave. Another one lives.
    ExecutorLost(usize),
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
        /// Which of its stage's shares it is in: the tasks of a share have one plan instance.
        share: usize,
        /// Where.
        executor: usize,
    },
    /// What runs of a share of the stage no longer counts: cancel it, and let its plan instance go. Its tasks are started again in time.
    Restart {
        /// The stage.
        stage: StageId,
        /// Which of its shares.
        share: usize,
    },
    /// The stage is done: change what has not begun, and say [`Event::Grown`]. Nothing is started before that.
    Grow(StageId),
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

/// Neighbouring tasks that share a plan instance, on one executor.
#[derive(Debug, Clone)]
struct Share {
    tasks: Range<usize>,
    /// `None` before it begins, and when its executor is lost.
    executor: Option<usize>,
    /// How often tasks of it failed, where they share an instance.
    failures: u32,
}

#[derive(Debug, Clone, Default)]
struct StageState {
    inputs: Vec<usize>,
    after: Vec<usize>,
    readers: Vec<usize>,
    is_root: bool,
    task_by_task: bool,
    repeatable: bool,
    /// All of its tasks run at once, however many they are.
    all_at_once: bool,
    /// Operators of it hold rows of all their input.
    holds_rows: bool,
    /// A task's rows are read by one task of each reader.
    passes_through: bool,
    /// Its tasks may be in several shares.
    divisible: bool,
    /// Its tasks read pieces of buckets.
    reads_pieces: bool,
    /// Its shares run again together: their rows are others when what they read is made again.
    together: bool,
    /// Each of its tasks gives the same rows when it runs again, as far as the stage does.
    task_repeatable: bool,
    released: bool,
    /// By task: how it stands, how many attempts were started, how many failed.
    tasks: Vec<(Status, u32, u32)>,
    /// None before what it reads is there.
    shares: Vec<Share>,
    /// How often blocks of it were lost.
    losses: u32,
}

impl StageState {
    fn is_done(&self) -> bool {
        self.tasks.iter().all(|(status, ..)| *status == Status::Done)
    }

    fn running_on(&self, executor: usize) -> usize {
        let tasks = self.shares.iter().filter(|share| share.executor == Some(executor)).flat_map(|share| &self.tasks[share.tasks.clone()]);
        tasks.filter(|(status, ..)| *status == Status::Running).count()
    }

    fn share_of(&self, partition: usize) -> usize {
        self.shares.iter().position(|share| share.tasks.contains(&partition)).unwrap_or(0)
    }

    fn has_begun(&self) -> bool {
        self.tasks.iter().any(|(_, started, _)| *started > 0)
    }
}

/// How far a graph has got.
#[derive(Debug, Clone)]
pub struct GraphState {
    stages: Vec<StageState>,
    max_attempts: u32,
    /// Which executors are not lost.
    living: Vec<bool>,
    /// How many tasks of one stage an executor runs at once, where they do not wait for each other.
    at_once: usize,
    /// How many tasks whose operators hold rows find enough memory on an executor at once.
    fed: usize,
    growing: bool,
    over: bool,
}

impl GraphState {
    /// Nothing has run yet. Of each stage, every executor that lives runs at most `at_once` tasks at a time, unless they wait for each other.
    pub fn new(graph: &StageGraph, max_attempts: u32, at_once: usize, living: Vec<bool>) -> Self {
        let stages = vec![StageState::default(); graph.stages.len()];
        let mut state = Self { stages, max_attempts, living, at_once: at_once.max(1), fed: usize::MAX, growing: false, over: false };
        state.follow(graph);
        state
    }

    /// The same with memory on each executor for so many tasks whose operators hold rows: a share of such tasks begins when there is enough for
    /// them beside those of others, or when none of those runs there.
    #[must_use]
    pub fn feeding(mut self, tasks: usize) -> Self {
        self.fed = tasks;
        self
    }

    /// Takes over what has changed in stages that have not begun.
    pub fn follow(&mut self, graph: &StageGraph) {
        let numbers = |ids: &[StageId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
        for (i, stage) in graph.stages.iter().enumerate() {
            let state = &mut self.stages[i];
            state.is_root = graph.roots.contains(&StageId(i));
            if state.has_begun() {
                continue;
            }
            state.inputs = numbers(&stage.inputs);
            state.after = numbers(&stage.after);
            state.task_by_task = stage.task_by_task;
            state.repeatable = stage.repeatable;
            state.all_at_once = stage.tasks_wait();
            state.holds_rows = stage.holds_rows();
            state.passes_through = matches!(stage.output, StageOutput::Passthrough);
            if self.living.len() > 1 {
                state.divisible = stage.is_divisible();
                state.reads_pieces = stage.reads_pieces();
            }
            state.tasks = vec![(Status::Waiting, 0, 0); stage.partitions];
            state.shares.clear();
        }
        for i in 0..self.stages.len() {
            self.stages[i].readers = (0..self.stages.len()).filter(|reader| self.stages[*reader].inputs.contains(&i)).collect();
        }
    }

    /// Whether any task of the stage was ever started.
    pub fn has_begun(&self, stage: StageId) -> bool {
        self.stages[stage.0].has_begun()
    }

    /// Whether all its tasks are done.
    pub fn is_done(&self, stage: StageId) -> bool {
        self.stages[stage.0].is_done()
    }

    /// The tasks of each of its shares, once it has begun.
    pub fn shares(&self, stage: StageId) -> impl Iterator<Item = Range<usize>> {
        self.stages[stage.0].shares.iter().map(|share| share.tasks.clone())
    }

    /// Whether an executor is there, and not lost.
    pub fn lives(&self, executor: usize) -> bool {
        self.living.get(executor).copied().unwrap_or(false)
    }

    fn status(&mut self, id: TaskId) -> &mut Status {
        &mut self.stages[id.stage.0].tasks[id.partition].0
    }

    /// All tasks of a share, or just this one where they have instances of their own, go back to wait.
    fn again(&mut self, id: TaskId, commands: &mut Vec<Command>) {
        if self.stages[id.stage.0].task_by_task {
            *self.status(id) = Status::Waiting;
        } else {
            let share = self.stages[id.stage.0].share_of(id.partition);
            self.restart_share(id.stage.0, share, commands);
        }
    }

    /// All tasks of a share go back to wait, as all of its stage do where it has to be, and what readers made of their rows goes with them.
    fn restart_share(&mut self, stage: usize, share: usize, commands: &mut Vec<Command>) {
        if self.stages[stage].together || self.stages[stage].released {
            return self.restart(stage, false, commands);
        }
        let was_done = self.stages[stage].is_done();
        if self.put_back(stage, share, commands) && was_done {
            self.restart_readers(stage, false, commands);
        }
    }

    /// All tasks of a stage go back to wait, and what its readers made of its rows goes with them. `others` when what it reads will be other
    /// rows.
    fn restart(&mut self, stage: usize, others: bool, commands: &mut Vec<Command>) {
        let was_done = self.stages[stage].is_done();
        let mut began = false;
        for share in 0..self.stages[stage].shares.len() {
            began |= self.put_back(stage, share, commands);
        }
        if began {
            self.stages[stage].released = false;
        }
        if began && was_done {
            self.restart_readers(stage, others, commands);
        }
    }

    /// The tasks of a share go back to wait; `false` if none had begun.
    fn put_back(&mut self, stage: usize, share: usize, commands: &mut Vec<Command>) -> bool {
        let state = &mut self.stages[stage];
        let tasks = &mut state.tasks[state.shares[share].tasks.clone()];
        if tasks.iter().all(|(status, ..)| *status == Status::Waiting) {
            return false;
        }
        tasks.iter_mut().for_each(|(status, ..)| *status = Status::Waiting);
        commands.push(Command::Restart { stage: StageId(stage), share });
        true
    }

    /// Readers of a stage that runs again begin anew where they have not ended, and those that have, too, where its rows will be others.
    fn restart_readers(&mut self, stage: usize, others: bool, commands: &mut Vec<Command>) {
        let others = others || !self.stages[stage].repeatable;
        for reader in self.stages[stage].readers.clone() {
            let state = &self.stages[reader];
            if state.has_begun() && (!state.is_done() || others) {
                self.restart(reader, others, commands);
            }
        }
    }

    /// A task's blocks are gone. It counts against the stage that wrote them, not against who wanted to read them.
    fn lost(&mut self, reader: TaskId, writer: TaskId, commands: &mut Vec<Command>) {
        self.again(reader, commands);
        if *self.status(writer) != Status::Done {
            return;
        }
        let stage = &mut self.stages[writer.stage.0];
        stage.losses += 1;
        // A stage whose tasks are run again one by one is told of each of their losses, and one in shares of each of theirs.
        let writers = if stage.task_by_task { stage.tasks.len() } else { stage.shares.len().max(1) };
        if stage.losses >= MAX_ATTEMPTS.saturating_mul(writers as u32) {
            self.over = true;
            commands.push(Command::Fail(reader));
            return;
        }
        self.again(writer, commands);
        self.revive(commands);
    }

    /// What ran on an executor runs on another one, and so does what it has left that is still to be read. It counts against nobody.
    fn executor_lost(&mut self, executor: usize, commands: &mut Vec<Command>) {
        if let Some(lives) = self.living.get_mut(executor) {
            *lives = false;
        }
        for stage in 0..self.stages.len() {
            for share in 0..self.stages[stage].shares.len() {
                if self.stages[stage].shares[share].executor == Some(executor) {
                    self.stages[stage].shares[share].executor = None;
                    self.lose_share(stage, share, commands);
                }
            }
        }
        self.revive(commands);
    }

    fn lose_share(&mut self, stage: usize, share: usize, commands: &mut Vec<Command>) {
        let state = &mut self.stages[stage];
        // What a root gave is with whoever asked for it.
        let (kept, task_by_task) = (state.is_root, state.task_by_task);
        let tasks = &mut state.tasks[state.shares[share].tasks.clone()];
        if state.released || (kept && tasks.iter().all(|(status, ..)| *status == Status::Done)) {
            return;
        }
        if task_by_task {
            let lost = tasks.iter_mut().filter(|(status, ..)| !(kept && *status == Status::Done));
            lost.for_each(|(status, ..)| *status = Status::Waiting);
        } else {
            self.restart_share(stage, share, commands);
        }
    }

    /// What a stage reads must be there when it runs again: inputs that were let go are run again too.
    fn revive(&mut self, commands: &mut Vec<Command>) {
        let is_missed = |stages: &[StageState], i: usize| stages[i].released && stages[i].readers.iter().any(|r| !stages[*r].is_done());
        while let Some(missed) = (0..self.stages.len()).find(|i| is_missed(&self.stages, *i)) {
            self.stages[missed].released = false;
            self.restart(missed, false, commands);
        }
    }

    fn release(&mut self, commands: &mut Vec<Command>) {
        for i in 0..self.stages.len() {
            let stage = &self.stages[i];
            // What nobody wants to read any more goes like what all have read.
            let idle = !stage.is_root && !stage.released && (stage.has_begun() || !stage.readers.is_empty());
            if idle && stage.is_done() && stage.readers.iter().all(|r| self.stages[*r].is_done()) {
                self.stages[i].released = true;
                commands.push(Command::Release(StageId(i)));
            }
        }
    }

    fn start_ready(&mut self, commands: &mut Vec<Command>) {
        for i in 0..self.stages.len() {
            let stage = &self.stages[i];
            let is_there = |input: &usize| self.stages[*input].is_done() && !self.stages[*input].released;
            if !stage.inputs.iter().all(is_there) || !stage.after.iter().all(|before| self.stages[*before].is_done()) {
                continue;
            }
            if stage.shares.is_empty() {
                self.divide(i);
            }
            for share in 0..self.stages[i].shares.len() {
                self.start_share(i, share, commands);
            }
        }
    }

    /// Settles the shares of a stage all of whose inputs are there: one for each executor that lives, where its tasks can be divided.
    fn divide(&mut self, stage: usize) {
        let state = &self.stages[stage];
        let other_rows = |input: &usize| self.stages[*input].passes_through && !self.stages[*input].task_repeatable;
        let together = state.reads_pieces || state.inputs.iter().any(other_rows);
        let (tasks, living) = (state.tasks.len(), self.living.iter().filter(|lives| **lives).count());
        let count = if state.divisible || state.task_by_task { living.min(tasks).max(1) } else { 1 };
        let share = |at: usize| Share { tasks: at * tasks / count..(at + 1) * tasks / count, executor: None, failures: 0 };
        let shares = (0..count).map(share).collect();
        let state = &mut self.stages[stage];
        state.together = together;
        state.task_repeatable = state.divisible && !together;
        state.shares = shares;
    }

    fn start_share(&mut self, stage: usize, share: usize, commands: &mut Vec<Command>) {
        let state = &self.stages[stage];
        let tasks = state.shares[share].tasks.clone();
        if !state.tasks[tasks.clone()].iter().any(|(status, ..)| *status == Status::Waiting) {
            return;
        }
        let executor = state.shares[share].executor.unwrap_or_else(|| self.executor_for(stage));
        // Tasks that are in several shares tell each other nothing.
        let wait = state.all_at_once && state.shares.len() == 1;
        let room = if wait { usize::MAX } else { self.at_once.saturating_sub(state.running_on(executor)) };
        // What has begun goes on: others may wait for it.
        let has_begun = state.tasks[tasks.clone()].iter().any(|(_, started, _)| *started > 0);
        if state.holds_rows && !has_begun && !self.can_feed(executor, room.min(tasks.len())) {
            return;
        }
        let state = &mut self.stages[stage];
        state.shares[share].executor = Some(executor);
        let first = tasks.start;
        let waiting = state.tasks[tasks].iter_mut().enumerate().filter(|(_, (status, ..))| *status == Status::Waiting);
        for (at, (status, started, _)) in waiting.take(room) {
            *status = Status::Running;
            *started += 1;
            let task = TaskId { stage: StageId(stage), partition: first + at };
            commands.push(Command::Start { task, attempt: *started, share, executor });
        }
    }

    /// Where a share is to run: on an executor that has none of its stage, or the fewest, and then the fewest tasks at work.
    fn executor_for(&self, stage: usize) -> usize {
        let load = |executor: &usize| {
            let own = self.stages[stage].shares.iter().filter(|share| share.executor == Some(*executor)).count();
            let running: usize = self.stages.iter().map(|stage| stage.running_on(*executor)).sum();
            (own, running)
        };
        (0..self.living.len()).filter(|executor| self.living[*executor]).min_by_key(load).unwrap_or(0)
    }

    /// Whether so many more tasks whose operators hold rows find enough memory there; the first ones take what there is.
    fn can_feed(&self, executor: usize, tasks: usize) -> bool {
        let at_work: usize = self.stages.iter().filter(|stage| stage.holds_rows).map(|stage| stage.running_on(executor)).sum();
        at_work == 0 || at_work + tasks <= self.fed
    }

    /// Starts what can be started, and sees whether all is done.
    fn go_on(&mut self, commands: &mut Vec<Command>) {
        self.start_ready(commands);
        if self.stages.iter().all(StageState::is_done) {
            self.over = true;
            commands.push(Command::Finish);
        }
    }
}

/// Advances `state` by an event and says what to do. An event that comes after the end, or of a task that does not run, changes nothing;
/// whoever runs the tasks keeps back what attempts say that no longer count.
pub fn schedule(state: &mut GraphState, event: Event) -> Vec<Command> {
    let mut commands = Vec::new();
    if state.over {
        return commands;
    }
    match event {
        Event::Begin => {}
        Event::Grown => state.growing = false,
        Event::Done(task) | Event::Failed { task, .. } | Event::Lost { reader: task, .. } if *state.status(task) != Status::Running => {
            return commands;
        }
        Event::Done(task) => {
            *state.status(task) = Status::Done;
            if state.is_done(task.stage) {
                state.release(&mut commands);
                state.growing = true;
                commands.push(Command::Grow(task.stage));
            }
        }
        Event::Failed { task, transient } => {
            let max_attempts = state.max_attempts;
            let stage = &mut state.stages[task.stage.0];
            let share = stage.share_of(task.partition);
            let failures = if stage.task_by_task { &mut stage.tasks[task.partition].2 } else { &mut stage.shares[share].failures };
            *failures += 1;
            if !transient || *failures >= max_attempts {
                state.over = true;
                return vec![Command::Fail(task)];
            }
            state.again(task, &mut commands);
        }
        Event::Lost { reader, writer } => state.lost(reader, writer, &mut commands),
        Event::ExecutorLost(executor) => state.executor_lost(executor, &mut commands),
    }
    if !state.over && !state.growing {
        state.go_on(&mut commands);
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
            after: Vec::new(),
            task_by_task: true,
            repeatable: true,
            rows_wanted: None,
            gathers: Vec::new(),
            absorbed_by: None,
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
            ["gone", executor] => Event::ExecutorLost(executor.parse().unwrap()),
            ["lost", writer, "by", reader] => Event::Lost { reader: task(reader), writer: task(writer) },
            _ => panic!("no such event: {text}"),
        }
    }

    fn shown(commands: Vec<Command>) -> String {
        let show = |command| match command {
            Command::Start { task, attempt, executor, .. } => {
                let again = if attempt == 1 { String::new() } else { format!(" again {attempt}") };
                let place = if executor == 0 { String::new() } else { format!(" on {executor}") };
                format!("start {task}{again}{place}")
            }
            Command::Restart { stage, share: 0 } => format!("restart {stage}"),
            Command::Restart { stage, share } => format!("restart {stage} share {share}"),
            Command::Grow(stage) => format!("grow {stage}"),
            Command::Release(stage) => format!("release {stage}"),
            Command::Finish => "finish".to_owned(),
            Command::Fail(task) => format!("fail {task}"),
        };
        commands.into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    /// Advances, and lets nothing change where a stage is done.
    fn advance(state: &mut GraphState, happened: Event) -> Vec<Command> {
        let mut commands = schedule(state, happened);
        if let Some(at) = commands.iter().position(|command| matches!(command, Command::Grow(_))) {
            commands.remove(at);
            commands.extend(schedule(state, Event::Grown));
        }
        commands
    }

    /// Each step: what happens, what is to be done about it.
    fn check_graph(name: &str, graph: &StageGraph, at_once: usize, steps: &[(&str, &str)]) {
        check_state(name, GraphState::new(graph, MAX_ATTEMPTS, at_once, vec![true]), steps);
    }

    fn check_state(name: &str, mut state: GraphState, steps: &[(&str, &str)]) {
        for (i, (happened, expected)) in steps.iter().enumerate() {
            assert_eq!(shown(advance(&mut state, event(happened))), *expected, "{name}, step {i}: {happened}");
        }
    }

    /// The same for stages whose tasks are run again one by one.
    fn check(name: &str, stages: &[(usize, &[usize])], steps: &[(&str, &str)]) {
        check_graph(name, &graph(stages), usize::MAX, steps);
    }

    /// Stages whose tasks share an instance.
    fn shared(stages: &[(usize, &[usize])]) -> StageGraph {
        let mut graph = graph(stages);
        graph.stages.iter_mut().for_each(|stage| stage.task_by_task = false);
        graph
    }

    #[test]
    fn nothing_starts_before_the_graph_has_followed() {
        let mut graph = shared(&[(1, &[]), (2, &[0])]);
        let mut state = GraphState::new(&graph, MAX_ATTEMPTS, 8, vec![true]);
        assert_eq!(shown(schedule(&mut state, Event::Begin)), "start 0.0");
        assert_eq!(shown(schedule(&mut state, event("done 0.0"))), "grow 0");
        graph.stages[1].partitions = 1;
        state.follow(&graph);
        assert_eq!(shown(schedule(&mut state, Event::Grown)), "start 1.0");
        assert_eq!(shown(schedule(&mut state, event("done 1.0"))), "release 0, grow 1");
        assert_eq!(shown(schedule(&mut state, Event::Grown)), "finish");
    }

    #[test]
    fn blocks_that_nobody_reads_any_more_are_let_go() {
        let mut graph = shared(&[(1, &[]), (1, &[]), (1, &[0, 1])]);
        graph.stages[1].after = vec![StageId(0)];
        let mut state = GraphState::new(&graph, MAX_ATTEMPTS, 8, vec![true]);
        assert_eq!(shown(schedule(&mut state, Event::Begin)), "start 0.0");
        assert_eq!(shown(schedule(&mut state, event("done 0.0"))), "grow 0");
        graph.stages[1].partitions = 0;
        graph.stages[1].absorbed_by = Some(StageId(2));
        graph.stages[2].inputs.clear();
        state.follow(&graph);
        assert_eq!(shown(schedule(&mut state, Event::Grown)), "start 2.0");
        assert_eq!(shown(schedule(&mut state, event("done 2.0"))), "release 0, grow 2");
        assert_eq!(shown(schedule(&mut state, Event::Grown)), "finish");
    }

    #[test]
    fn tasks_that_share_an_instance_run_again_together() {
        check_graph(
            "a failure takes the others with it",
            &shared(&[(2, &[]), (1, &[0])]),
            8,
            &[
                ("begin", "start 0.0, start 0.1"),
                ("done 0.1", ""),
                ("flaky 0.0", "restart 0, start 0.0 again 2, start 0.1 again 2"),
                ("flaky 0.1", "restart 0, start 0.0 again 3, start 0.1 again 3"),
                ("flaky 0.0", "restart 0, start 0.0 again 4, start 0.1 again 4"),
                ("flaky 0.1", "fail 0.1"),
            ],
        );
        check_graph(
            "many blocks lost at once are one loss",
            &shared(&[(3, &[]), (2, &[0]), (1, &[1])]),
            8,
            &[
                ("begin", "start 0.0, start 0.1, start 0.2"),
                ("done 0.0", ""),
                ("done 0.1", ""),
                ("done 0.2", "start 1.0, start 1.1"),
                ("done 1.1", ""),
                ("lost 0.1 by 1.0", "restart 1, restart 0, start 0.0 again 2, start 0.1 again 2, start 0.2 again 2"),
                ("lost 0.2 by 1.1", ""),
                ("done 0.0", ""),
                ("done 0.1", ""),
                ("done 0.2", "start 1.0 again 2, start 1.1 again 2"),
            ],
        );
    }

    #[test]
    fn readers_of_rows_that_change_begin_anew() {
        let diamond: &[(usize, &[usize])] = &[(1, &[]), (1, &[0]), (1, &[0]), (1, &[1, 2])];
        let begun: &[(&str, &str)] = &[("begin", "start 0.0"), ("done 0.0", "start 1.0, start 2.0"), ("done 1.0", "")];
        let lost = |outcome| [begun, &[("lost 0.0 by 2.0", outcome)]].concat();
        check_graph("the same rows", &shared(diamond), 8, &lost("restart 2, restart 0, start 0.0 again 2"));
        let mut drawn = shared(diamond);
        drawn.stages[0].repeatable = false;
        let steps =
            [lost("restart 2, restart 0, restart 1, start 0.0 again 2"), vec![("done 0.0", "start 1.0 again 2, start 2.0 again 2")]];
        check_graph("other rows: what is done with them is done again", &drawn, 8, &steps.concat());
    }

    #[test]
    fn what_was_made_of_rows_that_change_is_made_again_however_far_it_went() {
        let mut graph = shared(&[(1, &[]), (1, &[0]), (1, &[1]), (1, &[0]), (1, &[2, 3])]);
        graph.stages[0].repeatable = false;
        graph.stages[3].after = vec![StageId(2)];
        check_graph(
            "a chain that had ended, and whose blocks were let go",
            &graph,
            8,
            &[
                ("begin", "start 0.0"),
                ("done 0.0", "start 1.0"),
                ("done 1.0", "start 2.0"),
                ("done 2.0", "release 1, start 3.0"),
                ("lost 0.0 by 3.0", "restart 3, restart 0, restart 1, restart 2, start 0.0 again 2"),
                ("done 0.0", "start 1.0 again 2"),
                ("done 1.0", "start 2.0 again 2"),
                ("done 2.0", "release 1, start 3.0 again 2"),
                ("done 3.0", "release 0, start 4.0"),
                ("done 4.0", "release 2, release 3, finish"),
            ],
        );
    }

    /// A state over so many executors.
    fn over(executors: usize, graph: &StageGraph, at_once: usize) -> GraphState {
        GraphState::new(graph, MAX_ATTEMPTS, at_once, vec![true; executors])
    }

    #[test]
    fn a_stage_is_divided_among_executors_and_its_shares_run_again_alone() {
        check_state(
            "a share that fails, and an executor that is lost with blocks that are being read",
            over(2, &shared(&[(4, &[]), (2, &[0])]), 8),
            &[
                ("begin", "start 0.0, start 0.1, start 0.2 on 1, start 0.3 on 1"),
                ("flaky 0.3", "restart 0 share 1, start 0.2 again 2 on 1, start 0.3 again 2 on 1"),
                ("done 0.0", ""),
                ("done 0.1", ""),
                ("done 0.2", ""),
                ("done 0.3", "start 1.0, start 1.1 on 1"),
                ("gone 1", "restart 0 share 1, restart 1, restart 1 share 1, start 0.2 again 3, start 0.3 again 3"),
                ("done 0.2", ""),
                ("done 0.3", "start 1.0 again 2, start 1.1 again 2"),
                ("done 1.0", ""),
                ("done 1.1", "release 0, finish"),
            ],
        );
        check_state(
            "each executor has its tasks at once",
            over(2, &shared(&[(5, &[])]), 1),
            &[("begin", "start 0.0, start 0.2 on 1"), ("done 0.2", "start 0.3 on 1"), ("done 0.0", "start 0.1"), ("done 0.1", "")],
        );
        check_state(
            "what keeps state goes on task by task",
            over(2, &graph(&[(4, &[]), (1, &[0])]), 8),
            &[
                ("begin", "start 0.0, start 0.1, start 0.2 on 1, start 0.3 on 1"),
                ("done 0.2", ""),
                ("flaky 0.1", "start 0.1 again 2"),
                ("gone 1", "start 0.2 again 2, start 0.3 again 2"),
            ],
        );
    }

    #[test]
    fn what_an_executor_has_left_is_made_again_if_it_is_still_to_be_read() {
        check_state(
            "a root's rows are with whoever asked for them",
            over(2, &shared(&[(2, &[])]), 8),
            &[("begin", "start 0.0, start 0.1 on 1"), ("done 0.1", ""), ("gone 1", ""), ("done 0.0", "finish")],
        );
        check_state(
            "inputs that were let go are made again as a whole",
            over(2, &shared(&[(2, &[]), (2, &[0]), (1, &[1])]), 8),
            &[
                ("begin", "start 0.0, start 0.1 on 1"),
                ("done 0.0", ""),
                ("done 0.1", "start 1.0, start 1.1 on 1"),
                ("done 1.0", ""),
                ("done 1.1", "release 0, start 2.0"),
                ("gone 1", "restart 1 share 1, restart 2, restart 0, restart 0 share 1, restart 1, start 0.0 again 2, start 0.1 again 2"),
                ("done 0.0", ""),
                ("done 0.1", "start 1.0 again 2, start 1.1 again 2"),
                ("done 1.0", ""),
                ("done 1.1", "release 0, start 2.0 again 2"),
                ("done 2.0", "release 1, finish"),
            ],
        );
        check_state(
            "an executor after the other",
            over(3, &shared(&[(3, &[])]), 8),
            &[
                ("begin", "start 0.0, start 0.1 on 1, start 0.2 on 2"),
                ("gone 0", "restart 0, start 0.0 again 2 on 1"),
                ("gone 1", "restart 0, restart 0 share 1, start 0.0 again 3 on 2, start 0.1 again 2 on 2"),
                ("gone 1", ""),
            ],
        );
    }

    #[test]
    fn shares_run_again_together_where_their_rows_may_change_places() {
        let graph = shared(&[(2, &[]), (2, &[0])]);
        let begun: &[(&str, &str)] = &[("done 0.0", ""), ("done 0.1", "start 1.0, start 1.1 on 1")];
        let again = ("flaky 1.1", "restart 1, restart 1 share 1, start 1.0 again 2, start 1.1 again 2 on 1");
        let mut torn = over(2, &graph, 8);
        torn.stages[1].reads_pieces = true;
        check_state("pieces of a bucket", torn, &[&[("begin", "start 0.0, start 0.1 on 1")][..], begun, &[again]].concat());
        let mut gathered = over(2, &graph, 8);
        gathered.stages[0].divisible = false;
        check_state("rows of whichever task was last", gathered, &[&[("begin", "start 0.0, start 0.1")][..], begun, &[again]].concat());
    }

    #[test]
    fn stages_that_cannot_be_divided_go_where_the_fewest_tasks_run() {
        let mut state = over(2, &shared(&[(2, &[]), (2, &[]), (1, &[0, 1])]), 8);
        state.stages[0].divisible = false;
        let begun = ("begin", "start 0.0, start 0.1, start 1.0 on 1, start 1.1");
        check_state(
            "one that can beside it",
            state,
            &[begun, ("gone 0", "restart 0, restart 1 share 1, start 0.0 again 2 on 1, start 0.1 again 2 on 1, start 1.1 again 2 on 1")],
        );
    }

    #[test]
    fn so_many_at_once_and_build_sides_first() {
        check_graph(
            "two of five at a time",
            &shared(&[(5, &[])]),
            2,
            &[
                ("begin", "start 0.0, start 0.1"),
                ("done 0.1", "start 0.2"),
                ("done 0.0", "start 0.3"),
                ("done 0.2", "start 0.4"),
                ("done 0.3", ""),
                ("done 0.4", "finish"),
            ],
        );
        let mut graph = shared(&[(1, &[]), (1, &[]), (1, &[0, 1])]);
        graph.stages[1].after = vec![StageId(0)];
        check_graph(
            "a stage that waits for the size of another",
            &graph,
            8,
            &[("begin", "start 0.0"), ("done 0.0", "start 1.0"), ("done 1.0", "start 2.0"), ("done 2.0", "release 0, release 1, finish")],
        );
    }

    #[test]
    fn stages_that_hold_rows_begin_while_there_is_memory_for_their_tasks() {
        // Three stages of two tasks without inputs, of which the last holds no rows, and one that reads them.
        let graph = shared(&[(2, &[]), (2, &[]), (2, &[]), (1, &[0, 1, 2])]);
        for (fed, steps) in [
            (4, &[("begin", "start 0.0, start 0.1, start 1.0, start 1.1, start 2.0, start 2.1")][..]),
            (
                3,
                &[
                    ("begin", "start 0.0, start 0.1, start 2.0, start 2.1"),
                    ("done 0.1", "start 1.0, start 1.1"),
                    ("flaky 0.0", "restart 0, start 0.0 again 2, start 0.1 again 2"),
                ],
            ),
            (
                0,
                &[
                    ("begin", "start 0.0, start 0.1, start 2.0, start 2.1"),
                    ("done 0.0", ""),
                    ("done 2.0", ""),
                    ("done 0.1", "start 1.0, start 1.1"),
                    ("done 1.0", ""),
                    ("done 2.1", ""),
                    ("done 1.1", "start 3.0"),
                    ("done 3.0", "release 0, release 1, release 2, finish"),
                ],
            ),
        ] {
            let mut state = GraphState::new(&graph, MAX_ATTEMPTS, 8, vec![true]).feeding(fed);
            state.stages[..2].iter_mut().for_each(|stage| stage.holds_rows = true);
            for (i, (happened, expected)) in steps.iter().enumerate() {
                assert_eq!(shown(advance(&mut state, event(happened))), *expected, "{fed} fed, step {i}: {happened}");
            }
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
                ("lost 1.0 by 2.0", "restart 0, start 0.0 again 2, start 0.1 again 2"),
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
