//! The parent process of the demo: writes events while the query runs, kills and restarts it, and has the judge speak.

use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::Instant;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::child::{CATCH_UP, FINISH};
use super::direct::{self, DirectVerdict, judge_direct};
use super::generate::{EVENT_COLUMNS, Generator, GeneratorConfig, write_file_by_rename};
use super::judge::{judge, rows_updated};
use super::kill::{Aim, Dice, Kill, Targets, due_after_files, plan};
use super::{Layout, QueryConfig, TABLES, Verdict};
use crate::{Error, Result, Session};

/// How long the query may be silent while a kill is due before the parent says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// Files that generated events are spread over at least.
const MIN_FILES: u32 = 24;

/// What the demo does.
#[derive(Debug, Clone)]
pub struct DemoConfig {
    /// The demo's folder.
    pub dir: PathBuf,
    /// How many events are generated.
    pub events: u64,
    /// What the events and the kills hang on.
    pub seed: u64,
    /// How often the query is killed, as long as there is input left to work on.
    pub kills: u32,
    /// Whether it is killed while it starts as well, right after another kill, or in epochs alone.
    pub kill_starts: bool,
    /// The user's own folder of event files, in place of generated ones.
    pub input: Option<PathBuf>,
    /// How many users are generated; `None` follows from the events.
    pub users: Option<u32>,
    /// Tasks per stage: at first, and after each kill that hit it at work; the last one from then on. 0 is one per core.
    pub parallelism: Vec<usize>,
    /// How the query reads and stages.
    pub query: QueryConfig,
    /// Between two files.
    pub pace: Duration,
    /// Whether progress goes to standard error, so that standard output stays clean.
    pub quiet: bool,
}

/// What the demo came to: the last line of its JSON.
#[derive(Debug, Clone, Serialize)]
pub struct DemoResult {
    /// Whether stream and batch agree, row for row.
    pub agree: bool,
    /// Well-formed rows, copies and late ones included.
    pub events: u64,
    /// Rows left out as copies.
    pub duplicates: u64,
    /// Lines that are no events: rows of `dead_letters`.
    pub malformed: u64,
    /// Rows that came too late: rows of `late_events`.
    pub late: u64,
    /// Rows of `session_metrics`.
    pub sessions: u64,
    /// Rows of `alerts`.
    pub alerts: u64,
    /// Rows of `user_baselines`.
    pub baselines: u64,
    /// Rows that MERGE changed in place.
    pub rows_updated: u64,
    /// How often the query was killed at work: in an epoch, a clean-up or a start.
    pub kills: u32,
    /// The kills that were asked for and found no epoch: the input was used up.
    pub kills_missed: u32,
    /// How many kills hit in each phase.
    pub kill_phases: BTreeMap<&'static str, u32>,
    /// The final watermark, milliseconds since the Unix epoch.
    pub watermark: Option<i64>,
    /// The parallelism of each start that was not killed before it had started.
    pub parallelism: Vec<u64>,
    /// The most entries in state at once.
    pub state_keys: u64,
    /// The entries in state after the last epoch before each kill.
    pub state_keys_at_kills: Vec<u64>,
    /// Epochs that the runs told of.
    pub epochs: u64,
    /// Epochs that the direct sink was handed more than once; nothing without such a sink.
    pub direct_replays: Option<u64>,
    /// The raw files.
    pub input: PathBuf,
    /// A file with the names of the files that each epoch read, a list of lists.
    pub epoch_files: PathBuf,
    /// The tables, by name.
    pub tables: BTreeMap<&'static str, String>,
    /// What differs, by table; under `epochs` what is wrong with the epochs.
    pub differences: BTreeMap<&'static str, String>,
}

/// Runs the demo.
///
/// # Errors
/// When something cannot be run at all; a disagreement is a result, not an error.
pub async fn run_demo(config: &DemoConfig) -> Result<(DemoResult, Layout)> {
    let layout = Layout::prepare(&config.dir, config.input.as_deref())?;
    let mut parent = Parent::new(config.clone(), layout.clone());
    parent.spawn()?;
    match &config.input {
        None => parent.feed().await?,
        Some(_) => parent.follow().await?,
    }
    parent.tell_missed();
    parent.finish().await?;
    parent.say("the stream has ended; the batch runs over the same files");
    let session = Session::builder().build()?;
    // The lines that the batch leaves out are those in the table dead_letters: no news to warn of.
    let verdict = judge(&session, &layout).with_subscriber(NoSubscriber::new()).await?;
    if verdict.events == 0 {
        return Err(Error::data(format!(
            "no line of the files in {} is an event ({} lines are in the table dead_letters, each with its reason): an event is a line of JSON \
             with the columns {EVENT_COLUMNS}",
            layout.input().display(),
            verdict.rows("dead_letters")
        )));
    }
    let epoch_files = serde_json::json!(verdict.epoch_files).to_string();
    std::fs::write(layout.epoch_files(), epoch_files).map_err(|e| Error::io_at(layout.epoch_files().display(), e))?;
    let direct = if config.query.direct { Some(judge_direct(&session, &layout).await?) } else { None };
    let updated = rows_updated(&session, &layout).await?;
    Ok((parent.result(&verdict, direct, updated), layout))
}

struct Parent {
    config: DemoConfig,
    layout: Layout,
    dice: Dice,
    aim: Aim,
    /// The kills that are still to come.
    plan: VecDeque<Kill>,
    /// How many of them are due now.
    due: usize,
    child: Option<Running>,
    kills: u32,
    kill_phases: BTreeMap<&'static str, u32>,
    parallelism: Vec<u64>,
    state_keys: u64,
    state_now: u64,
    state_keys_at_kills: Vec<u64>,
    epochs: u64,
    bar: ProgressBar,
}

struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    kill_at: Option<Instant>,
    /// Whether it has been asked to say when it has worked all there is.
    asked: bool,
}

impl Parent {
    fn new(config: DemoConfig, layout: Layout) -> Self {
        let mut dice = Dice::new(config.seed);
        let query = &config.query;
        let targets = Targets { starts: config.kill_starts, promises: query.direct, clean_ups: query.keep_epochs.is_some() };
        Self {
            plan: plan(config.kills, targets, fail::has_failpoints(), &mut dice),
            dice,
            config,
            layout,
            aim: Aim::default(),
            due: 0,
            child: None,
            kills: 0,
            kill_phases: BTreeMap::new(),
            parallelism: Vec::new(),
            state_keys: 0,
            state_now: 0,
            state_keys_at_kills: Vec::new(),
            epochs: 0,
            bar: ProgressBar::hidden(),
        }
    }

    fn say(&self, text: &str) {
        // Whoever has stopped listening does not stop the run.
        self.bar.suspend(|| {
            let _ = if self.config.quiet { writeln!(std::io::stderr(), "{text}") } else { writeln!(std::io::stdout(), "{text}") };
        });
    }

    fn spawn(&mut self) -> Result<()> {
        let lists = &self.config.parallelism;
        let parallelism = lists.get(self.kills as usize).or(lists.last()).copied().unwrap_or(0);
        let program = std::env::current_exe().map_err(|e| Error::io_at("the program's own path", e))?;
        let mut command = Command::new(program);
        command.arg("demo-child").arg("--dir").arg(self.layout.root()).arg("--input").arg(self.layout.input());
        command.args(["--parallelism", &parallelism.to_string(), "--max-files", &self.config.query.max_files.to_string()]);
        command.args(self.config.query.stage_files.then_some("--stage-files"));
        command.args(self.config.query.direct.then_some("--direct"));
        if let Some(epochs) = self.config.query.keep_epochs {
            command.args(["--keep-epochs", &epochs.to_string()]);
        }
        if let Some(failpoint) = self.plan.front().and_then(Kill::failpoint) {
            // Beside those that this process was given.
            let given = std::env::var("FAILPOINTS").unwrap_or_default();
            command.env("FAILPOINTS", format!("{given};{failpoint}"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(|e| Error::io_at("the query's process", e))?;
        let stdout = process.stdout.take().ok_or_else(|| Error::internal("the child's output was not captured"))?;
        self.child = Some(Running { process, lines: BufReader::new(stdout).lines(), kill_at: None, asked: false });
        Ok(())
    }

    /// Writes the generated files at their pace, and has the child killed after some of them.
    async fn feed(&mut self) -> Result<()> {
        let mut generator_config = GeneratorConfig::new(self.config.events, self.config.seed);
        if let Some(users) = self.config.users {
            generator_config.users = users;
        }
        // However few the events, they come in enough files for watermarks to move while the query runs.
        generator_config.files = generator_config.files.max(MIN_FILES);
        let files = generator_config.files;
        let due_after = due_after_files(&self.plan, files, &mut self.dice);
        let mut generator = Generator::new(generator_config);
        if std::io::stderr().is_terminal() {
            self.bar = ProgressBar::with_draw_target(Some(u64::from(files)), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("events {bar:40} {pos}/{len} files {eta}");
            self.bar.set_style(style.map_err(|e| Error::internal(e.to_string()))?);
        }
        let mut index = 0;
        while let Some(bytes) = generator.next_file() {
            write_file_by_rename(self.layout.input(), index, &bytes)?;
            self.bar.inc(1);
            self.due += due_after.get(&index).copied().unwrap_or(0);
            self.strike().await?;
            self.pump_for(self.config.pace).await?;
            index += 1;
        }
        self.strike().await?;
        self.bar.finish_and_clear();
        Ok(())
    }

    /// Makes the kills that are due, as long as there is something to kill the child over. One that has worked all there is needs another
    /// file for that, and the kill stays due.
    async fn strike(&mut self) -> Result<()> {
        while self.due > 0 {
            if !self.aim.is_armed() {
                let Some(kill) = self.plan.front() else { break };
                self.aim.arm(kill);
            }
            if !self.pump().await? {
                self.aim.take_the_next_epoch(&mut self.dice);
                break;
            }
        }
        Ok(())
    }

    /// The user's own files are all there: kills follow each other until there are enough, or nothing is left to do.
    async fn follow(&mut self) -> Result<()> {
        let mut pause = Duration::ZERO;
        while let Some(kill) = self.plan.front() {
            // A start does not wait for the kill that is to hit it.
            if !kill.is_in_a_start() {
                self.pump_for(pause).await?;
            }
            self.due = 1;
            self.strike().await?;
            if self.due > 0 {
                break;
            }
            pause = Duration::from_millis(self.dice.below(1_000));
        }
        Ok(())
    }

    fn kills_missed(&self) -> u32 {
        self.plan.len() as u32
    }

    /// Says so when the input was used up before all kills were made.
    fn tell_missed(&self) {
        let (made, missed) = (self.kills, self.kills_missed());
        if missed > 0 {
            self.say(&format!("the input is used up: {made} kills were made, and there is no epoch left for {missed} more"));
        }
    }

    async fn pump_for(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while self.pump_once(until).await? != Pumped::TimeIsUp {}
        Ok(())
    }

    /// Listens to the child until the kill that is due has hit, or the child has worked all there is; whether it has hit.
    async fn pump(&mut self) -> Result<bool> {
        if let Some(child) = &mut self.child {
            child.asked = false;
        }
        while self.aim.is_armed() {
            self.ask().await?;
            match self.pump_once(Instant::now() + PATIENCE).await? {
                Pumped::Line => {}
                Pumped::CaughtUp => return Ok(false),
                Pumped::TimeIsUp => {
                    let waited_s = PATIENCE.as_secs();
                    return Err(Error::internal(format!("a kill is due, and the query has said nothing for {waited_s} seconds")));
                }
            }
        }
        Ok(true)
    }

    /// Asks the child, once, to say when it has worked all there is now.
    async fn ask(&mut self) -> Result<()> {
        let Some(child) = self.child.as_mut().filter(|child| !child.asked) else { return Ok(()) };
        child.asked = true;
        let Some(stdin) = &mut child.process.stdin else { return Err(Error::internal("the child's input is not ours")) };
        let told = stdin.write_all(format!("{CATCH_UP}\n").as_bytes()).await;
        if told.is_err() {
            return Err(self.died().await);
        }
        Ok(())
    }

    async fn pump_once(&mut self, until: Instant) -> Result<Pumped> {
        let Some(child) = &mut self.child else { return Err(Error::internal("there is no child to listen to")) };
        let kill_at = child.kill_at.unwrap_or(until + PATIENCE);
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(kill_at) => { self.kill().await?; Ok(Pumped::Line) }
            line = child.lines.next_line() => match line {
                Ok(Some(line)) => match self.hear(&line) {
                    Heard::Due(delay) => { self.kill_after(delay).await?; Ok(Pumped::Line) }
                    Heard::CaughtUp => { self.spare(); Ok(Pumped::CaughtUp) }
                    Heard::News => Ok(Pumped::Line),
                },
                Ok(None) => Err(self.died().await),
                Err(e) => Err(Error::io_at("the query's output", e)),
            },
            () = tokio::time::sleep_until(until) => Ok(Pumped::TimeIsUp),
        }
    }

    /// Takes in what the child told.
    fn hear(&mut self, line: &str) -> Heard {
        let Ok(told) = serde_json::from_str::<Value>(line) else { return Heard::News };
        if let Some(phase) = told["phase"].as_str() {
            return self.aim.entered(phase, &mut self.dice).map_or(Heard::News, Heard::Due);
        } else if told.get("caught_up").is_some() {
            return Heard::CaughtUp;
        } else if told.get("started").is_some() {
            self.parallelism.extend(told["parallelism"].as_u64());
        } else if let Some(progress) = told.get("progress") {
            self.show(progress);
        }
        Heard::News
    }

    /// A child that has worked all there is has left the phase that it was to be killed in.
    fn spare(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill_at = None;
        }
    }

    /// Kills the child after `delay`. Phases may last less than the timer's millisecond: a short delay is slept through here,
    /// where nothing else is to be done.
    async fn kill_after(&mut self, delay: Duration) -> Result<()> {
        if delay < Duration::from_millis(5) {
            std::thread::sleep(delay);
            return self.kill().await;
        }
        if let Some(child) = &mut self.child {
            child.kill_at = Some(Instant::now() + delay);
        }
        Ok(())
    }

    fn show(&mut self, progress: &Value) {
        let phases = &progress["tidemill"];
        let ms = |name: &str| phases[name].as_f64().unwrap_or(0.0);
        for phase in ["promise", "run", "stage", "record", "publish", "settle"] {
            self.aim.learn(phase, ms(&format!("{phase}Ms")));
        }
        self.epochs += 1;
        let state = phases["stateRows"].as_u64().unwrap_or(0);
        self.state_now = state;
        self.state_keys = self.state_keys.max(state);
        self.say(&format!(
            "epoch {:>4}  rows {:>7}  {:>8.0} rows/s  watermark {}  state {:>7}  ms: run {:.1} stage {:.1} record {:.1} publish {:.1} settle {:.1}",
            progress["batchId"].as_u64().unwrap_or(0),
            progress["numInputRows"].as_u64().unwrap_or(0),
            progress["processedRowsPerSecond"].as_f64().unwrap_or(0.0),
            progress["eventTime"]["watermark"].as_str().unwrap_or("none yet               "),
            state,
            ms("runMs"),
            ms("stageMs"),
            ms("recordMs"),
            ms("publishMs"),
            ms("settleMs"),
        ));
    }

    /// Kills the child, as the operating system would, and starts the next one.
    async fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.process.start_kill().map_err(|e| Error::io_at("the query's process", e))?;
        // What it had said before it died says in which phase it died.
        while let Ok(Some(line)) = child.lines.next_line().await {
            // A phase that it is due in no more matters: it is dead.
            let _ = self.hear(&line);
        }
        child.process.wait().await.map_err(|e| Error::io_at("the query's process", e))?;
        if let Some(phase) = self.aim.hit() {
            self.kills += 1;
            self.plan.pop_front();
            self.due = self.due.saturating_sub(1);
            self.state_keys_at_kills.push(self.state_now);
            *self.kill_phases.entry(phase).or_default() += 1;
            self.say(&format!("kill {}: SIGKILL in phase {phase}; starting again", self.kills));
        }
        self.spawn()
    }

    /// Why the child ended by itself.
    async fn died(&mut self) -> Error {
        let status = match &mut self.child {
            Some(child) => child.process.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string()),
            None => "no process".to_owned(),
        };
        Error::internal(format!("the query's process ended by itself ({status}): its error is above"))
    }

    /// Lets the child read what is left, and end.
    async fn finish(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(stdin) = &mut child.process.stdin {
            stdin.write_all(format!("{FINISH}\n").as_bytes()).await.map_err(|e| Error::io_at("the query's input", e))?;
        }
        while let Some(line) = child.lines.next_line().await.map_err(|e| Error::io_at("the query's output", e))? {
            // No kill is due any more.
            let _ = self.hear(&line);
        }
        let status = child.process.wait().await.map_err(|e| Error::io_at("the query's process", e))?;
        if !status.success() {
            return Err(Error::internal(format!("the query's process failed ({status}): its error is above")));
        }
        Ok(())
    }

    fn result(&self, verdict: &Verdict, direct: Option<DirectVerdict>, rows_updated: u64) -> DemoResult {
        let direct_replays = direct.as_ref().map(|verdict| verdict.replayed);
        let mut differences = verdict.differences();
        differences.extend(direct.and_then(|verdict| verdict.difference).map(|difference| (direct::NAME, difference)));
        DemoResult {
            agree: differences.is_empty(),
            events: verdict.events,
            duplicates: verdict.duplicates,
            malformed: verdict.rows("dead_letters"),
            late: verdict.rows("late_events"),
            sessions: verdict.rows("session_metrics"),
            alerts: verdict.rows("alerts"),
            baselines: verdict.rows("user_baselines"),
            rows_updated,
            kills: self.kills,
            kills_missed: self.kills_missed(),
            kill_phases: self.kill_phases.clone(),
            watermark: verdict.watermark_ms,
            parallelism: self.parallelism.clone(),
            state_keys: self.state_keys,
            state_keys_at_kills: self.state_keys_at_kills.clone(),
            epochs: self.epochs,
            direct_replays,
            input: self.layout.input().to_path_buf(),
            epoch_files: self.layout.epoch_files(),
            tables: TABLES.into_iter().map(|name| (name, self.layout.table(name))).collect(),
            differences,
        }
    }
}

/// What listening to the child came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pumped {
    Line,
    CaughtUp,
    TimeIsUp,
}

/// What a line of the child's means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// It is to be killed so long from now.
    Due(Duration),
    /// It has worked all there is.
    CaughtUp,
    News,
}
