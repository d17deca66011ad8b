//! The demo's query as a process of its own, with failpoints, over a small input that is all there; and the judge at its end.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tidemill::Session;
use tidemill::demo::generate::{Generator, GeneratorConfig, write_file_by_rename};
use tidemill::demo::{Layout, Verdict, judge};
use tidemill_streaming::checkpoint::Checkpoint;

/// Files of the small input; the query reads one per epoch.
pub(super) const FILES: u32 = 8;

/// A demo folder with its input.
pub(super) struct Run {
    _dir: TempDir,
    pub(super) layout: Layout,
    started: std::cell::Cell<usize>,
}

/// How a process ended and what it had said.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stderr: String,
    /// The last phase that it entered, and of which epoch.
    pub(super) last_phase: (u64, String),
    pub(super) run_id: String,
}

/// A query at work.
pub(super) struct Running {
    pub(super) process: Child,
    words: ChildStdin,
    lines: BufReader<ChildStdout>,
    stderr: PathBuf,
}

impl Run {
    /// A folder with the input of `seed`: 1 500 events of few users, so that sessions end and averages change while it runs.
    pub(super) fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the run");
        let layout = Layout::prepare(&dir.path().join("demo"), None).expect("a layout");
        let mut config = GeneratorConfig::new(1_500, seed);
        config.files = FILES;
        config.users = 8;
        let mut generator = Generator::new(config);
        let mut index = 0;
        while let Some(bytes) = generator.next_file() {
            write_file_by_rename(layout.input(), index, &bytes).expect("the input is written");
            index += 1;
        }
        assert_eq!(index, FILES);
        Self { _dir: dir, layout, started: std::cell::Cell::new(0) }
    }

    /// Starts the query over `input`, with these failpoints.
    pub(super) fn spawn_over(&self, input: &Path, parallelism: usize, failpoints: &str) -> Running {
        self.started.set(self.started.get() + 1);
        let stderr = self.layout.root().join(format!("stderr-{}", self.started.get()));
        let mut process = Command::new(env!("CARGO_BIN_EXE_tidemill"))
            .arg("demo-child")
            .arg("--dir")
            .arg(self.layout.root())
            .arg("--input")
            .arg(input)
            .args(["--parallelism", &parallelism.to_string(), "--max-files", "1"])
            .env("FAILPOINTS", failpoints)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr).expect("a file for the errors"))
            .spawn()
            .expect("the query's process starts");
        let words = process.stdin.take().expect("its input is a pipe");
        let lines = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        Running { process, words, lines, stderr }
    }

    /// Starts the query over the run's own input.
    pub(super) fn spawn(&self, parallelism: usize, failpoints: &str) -> Running {
        self.spawn_over(self.layout.input(), parallelism, failpoints)
    }

    /// Runs the query until it has read everything, or has died.
    pub(super) fn run(&self, parallelism: usize, failpoints: &str) -> Ended {
        self.spawn(parallelism, failpoints).finish()
    }

    /// The last epoch that has a record, if there is one.
    pub(super) fn recorded(&self) -> Option<u64> {
        let shown = Checkpoint::inspect(&self.layout.checkpoint()).expect("the checkpoint can be read");
        shown.pointer("/last_epoch/epoch").and_then(Value::as_u64)
    }

    /// What the judge says of the tables.
    pub(super) async fn verdict(&self, story: &str) -> Verdict {
        let session = Session::builder().parallelism(2).build().expect("a session");
        judge(&session, &self.layout).await.unwrap_or_else(|e| panic!("{story}: {e}"))
    }

    /// Holds the tables to the batch, and the input to having been worth it.
    pub(super) async fn judge(&self, story: &str) {
        let verdict = self.verdict(story).await;
        let differences = verdict.differences();
        assert!(differences.is_empty(), "{story}: {differences:#?}");
        for table in ["session_metrics", "user_baselines", "alerts", "late_events"] {
            assert!(verdict.rows(table) > 0, "{story}: `{table}` is empty, so this proves nothing of it");
        }
        assert!(verdict.duplicates > 0, "{story}: no duplicates");
    }
}

impl Running {
    /// The next thing that the query says, or `None` when it has ended.
    pub(super) fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("its output can be read");
        (read > 0).then(|| serde_json::from_str(&line).unwrap_or(Value::Null))
    }

    /// Listens until the query enters `phase` of `epoch`.
    pub(super) fn hear_phase(&mut self, epoch: u64, phase: &str) -> String {
        let mut run_id = String::new();
        while let Some(told) = self.hear() {
            if let Some(id) = told["started"].as_str() {
                id.clone_into(&mut run_id);
            }
            if told["phase"] == phase && told["epoch"] == epoch {
                return run_id;
            }
        }
        panic!("the query ended before phase {phase} of epoch {epoch}: {}", self.errors());
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(&self.stderr).expect("its errors can be read")
    }

    /// Lets the query read what there is, and end.
    pub(super) fn finish(mut self) -> Ended {
        // Whoever has died hears no words.
        let _ = self.words.write_all(b"finish\n");
        let (mut last_phase, mut run_id) = ((0, String::new()), String::new());
        while let Some(told) = self.hear() {
            if let Some(phase) = told["phase"].as_str() {
                last_phase = (told["epoch"].as_u64().unwrap_or_default(), phase.to_owned());
            }
            if let Some(id) = told["started"].as_str() {
                id.clone_into(&mut run_id);
            }
        }
        let status = self.process.wait().expect("its end can be awaited");
        Ended { status, stderr: self.errors(), last_phase, run_id }
    }
}
