//! The process that runs cases: which ones it was given, how it says where it is, and when it gives up.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use super::{Kind, generate, judge};

/// How many cases, and from which seed.
pub(super) const CASES: &str = "TIDEMILL_FUZZ_CASES";
pub(super) const FIRST: &str = "TIDEMILL_FUZZ_SEED";

/// What the test tells the process that it starts.
const WORK: &str = "TIDEMILL_FUZZ_WORK";
const TEXT: &str = "TIDEMILL_FUZZ_TEXT";
const PLACE: &str = "TIDEMILL_FUZZ_PLACE";

/// The stack that tokio's and rayon's workers have.
const STACK_BYTES: usize = 2 << 20;

/// How long a case may take, on a machine that is busy with others.
const LIMIT: Duration = Duration::from_secs(60);

/// Cases for one process.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) first: u64,
    pub(super) end: u64,
    /// Instead of the text of the first seed.
    pub(super) text: Option<String>,
}

impl Work {
    /// What this process was started for, if the test started it.
    pub(super) fn given() -> Option<Self> {
        let given = std::env::var(WORK).ok()?;
        let (first, end) = given.split_once(' ')?;
        let text = std::env::var_os(TEXT).and_then(|path| std::fs::read_to_string(path).ok());
        Some(Self { first: first.parse().ok()?, end: end.parse().ok()?, text })
    }

    pub(super) fn give(&self, command: &mut Command, place: &Path) {
        command.env(WORK, format!("{} {}", self.first, self.end)).env(PLACE, place).env("RUST_BACKTRACE", "0");
        if let Some(text) = &self.text {
            // NUL stands in no environment: the text goes by a file.
            let path = place.with_extension("text");
            std::fs::write(&path, text).expect("a temporary file can be written");
            command.env(TEXT, path);
        }
    }
}

/// The file in which a process says at which seed it is.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new() -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("tidemill-fuzz-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The last seed that was begun.
    pub(super) fn seed(&self) -> u64 {
        let bytes = std::fs::read(&self.0).unwrap_or_default();
        bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(self.0.with_extension("text"));
    }
}

/// Runs the cases on a thread with a small stack. Whatever goes wrong ends the process.
pub(super) fn run(kind: Kind, work: &Work) {
    // A panic on any thread counts, also where somebody would catch it.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::abort();
    }));
    let place = std::env::var_os(PLACE).and_then(|path| std::fs::File::create(path).ok()).expect("the test names a file");
    let (tick, ticks) = mpsc::channel();
    let cases = work.clone();
    let run = move || {
        let mut judge = judge::Judge::new();
        for seed in cases.first..cases.end {
            place.write_at(&seed.to_le_bytes(), 0).expect("the file can be written");
            let (made, context) = generate::text_of(kind, seed);
            judge.check(kind, seed, cases.text.as_deref().unwrap_or(&made), context);
            let _ = tick.send(());
        }
    };
    let thread = std::thread::Builder::new().name("cases".to_owned()).stack_size(STACK_BYTES).spawn(run).expect("a thread starts");
    loop {
        match ticks.recv_timeout(LIMIT) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                eprintln!("no answer in {} s", LIMIT.as_secs());
                std::process::abort();
            }
        }
    }
    thread.join().expect("the cases end");
}
