//! The demo's query as a process of its own, with failpoints, over a small input that is all there; and the judges at its end.
//! What a direct sink was handed is judged here, from its files, with nothing of the demo's own judge.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tidemill::Session;
use tidemill::demo::generate::{Generator, GeneratorConfig, write_file_by_rename};
use tidemill::demo::{Layout, TABLES, Verdict, judge};
use tidemill_streaming::checkpoint::Checkpoint;

/// Files of the small input; the query reads one per epoch, unless a test lets it read more.
pub(super) const FILES: u32 = 8;

/// Small outputs travel inside the record.
pub(super) const INLINE: &[&str] = &[];

/// Every output is staged as a file, as large ones are.
pub(super) const STAGED: &[&str] = &["--stage-files"];

/// The alerts go to a sink that cannot stage, too.
pub(super) const DIRECT: &[&str] = &["--direct"];

/// Both.
pub(super) const DIRECT_AND_STAGED: &[&str] = &["--direct", "--stage-files"];

/// A demo folder with its input.
pub(super) struct Run {
    _dir: TempDir,
    pub(super) layout: Layout,
    flags: &'static [&'static str],
    max_files: Cell<u32>,
    started: Cell<usize>,
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
        Self::with(seed, INLINE)
    }

    /// The same, for a query with these flags.
    pub(super) fn with(seed: u64, flags: &'static [&'static str]) -> Self {
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
        Self { _dir: dir, layout, flags, max_files: Cell::new(1), started: Cell::new(0) }
    }

    /// Lets the starts from now on read so many files per epoch.
    pub(super) fn read_at_most(&self, files: u32) {
        self.max_files.set(files);
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
            .args(["--parallelism", &parallelism.to_string(), "--max-files", &self.max_files.get().to_string()])
            .args(self.flags)
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

    /// The files that wait under the tables to be published.
    pub(super) fn staged_files(&self) -> usize {
        let staging = TABLES.iter().map(|table| Path::new(&self.layout.table(table)).join("_tidemill_staged"));
        staging.filter_map(|folder| std::fs::read_dir(folder).ok()).map(Iterator::count).sum()
    }

    /// By epoch, what each call of the direct sink was handed: rows as JSON, sorted.
    pub(super) fn handed_over(&self) -> BTreeMap<u64, Vec<Vec<String>>> {
        let mut calls: BTreeMap<u64, Vec<Vec<String>>> = BTreeMap::new();
        for entry in std::fs::read_dir(self.layout.root().join("direct")).expect("the direct sink has been called") {
            let path = entry.expect("a folder lists").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name is text");
            if name.starts_with('.') {
                continue;
            }
            let epoch = name.split('-').nth(1).and_then(|digits| digits.parse().ok()).expect("`epoch-<number>-<unique>.json`");
            let text = std::fs::read_to_string(&path).expect("a file of rows is text");
            let mut rows: Vec<String> = text.lines().map(plain).collect();
            rows.sort_unstable();
            calls.entry(epoch).or_default().push(rows);
        }
        calls
    }

    /// Holds what the direct sink was handed to the table of the same rows: every epoch came, and each time with the same rows.
    async fn judge_direct(&self, session: &Session, story: &str) {
        let calls = self.handed_over();
        let recorded = self.recorded().map_or(0, |last| last + 1);
        assert_eq!(calls.keys().copied().collect::<Vec<_>>(), (0..recorded).collect::<Vec<_>>(), "{story}: the epochs handed over");
        let mut rows = Vec::new();
        for (epoch, calls) in &calls {
            assert!(calls.iter().all(|call| *call == calls[0]), "{story}: epoch {epoch} came again with other rows: {calls:#?}");
            rows.extend(calls[0].iter().cloned());
        }
        rows.sort_unstable();
        let table = session.read().delta(&self.layout.table("alerts")).await.expect("the table of alerts");
        let mut expected: Vec<String> = table.to_json_rows().await.expect("its rows").iter().map(|row| plain(&row.to_string())).collect();
        expected.sort_unstable();
        assert_eq!(rows, expected, "{story}: the rows handed over, and those of the table");
    }

    /// Holds the data files that lie in the folders of appended tables to those that the tables have.
    pub(super) async fn judge_files(&self, story: &str) {
        let session = Session::builder().parallelism(1).build().expect("a session");
        for table in ["dead_letters", "late_events", "alerts"] {
            let folder = self.layout.table(table);
            let entries = std::fs::read_dir(&folder).expect("the table's folder lists").map(|entry| entry.expect("a folder lists").path());
            let there = entries.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).count();
            let named = session.read().delta(&folder).await.expect("the table").input_files().await.expect("its files").len();
            assert_eq!(there, named, "{story}: the data files of `{table}`");
        }
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
        if self.flags.contains(&"--direct") {
            let session = Session::builder().parallelism(2).build().expect("a session");
            self.judge_direct(&session, story).await;
        }
    }
}

/// A line of JSON as this test writes it: both sides go through the same reading of numbers and order of fields.
fn plain(line: &str) -> String {
    serde_json::from_str::<Value>(line).expect("a line of JSON").to_string()
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
