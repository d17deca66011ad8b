//! The fuzzer: texts made from a seed are read, resolved and run, and each gives an answer or an error that says what is wrong.
//!
//! ```text
//! the test ─ a process per share of the seeds ─┬─ a thread of 2 MiB: the cases, one after the other
//!          ◄─ how it ended, and at which seed ─┴─ the thread above it: gives up when a case takes too long
//! ```
//!
//! A panic, a wrong `INTERNAL_ERROR`, a broken promise, a stack that overflows, an allocation that fails and a wait without end all
//! end the process. The test finds the seed in a file, makes the text smaller, tells of it, and goes on behind it.
//!
//! ```text
//! TIDEMILL_FUZZ_CASES=1000000   as many cases of each kind
//! TIDEMILL_FUZZ_SEED=42         begins at this seed (with TIDEMILL_FUZZ_CASES=1: just this case)
//! ```

mod corpus;
mod generate;
mod judge;
mod pieces;
mod shrink;
mod worker;

use std::process::{Command, Stdio};

use worker::{CASES, FIRST, Work};

/// What texts are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Tokens in no order: only read.
    Tokens,
    /// Statements of our tests, of the functions' examples and of Spark's published files, changed: read, resolved, some of them run.
    Statements,
    /// Calls of functions over constants of all types: run.
    Calls,
}

#[test]
fn no_tokens_break_the_parser() {
    fuzz(Kind::Tokens, "fuzz::no_tokens_break_the_parser", 3_000);
}

#[test]
fn no_statement_breaks_the_resolver() {
    fuzz(Kind::Statements, "fuzz::no_statement_breaks_the_resolver", 600);
}

#[test]
fn no_constants_break_a_function() {
    fuzz(Kind::Calls, "fuzz::no_constants_break_a_function", 300);
}

/// A case that was not answered.
struct Failure {
    seed: u64,
    text: String,
    why: String,
}

/// How many failures are enough.
const MOST_FAILURES: usize = 25;

fn fuzz(kind: Kind, test: &'static str, cases: u64) {
    if let Some(work) = Work::given() {
        worker::run(kind, &work);
        return;
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")));
    let (first, cases) = (number(FIRST).unwrap_or(0), number(CASES).unwrap_or(cases));
    let shares = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let shares = if cases < 2 * shares { 1 } else { shares };
    let failures: Vec<Failure> = std::thread::scope(|scope| {
        let share = |at: u64| (first + cases * at / shares, first + cases * (at + 1) / shares);
        let threads: Vec<_> = (0..shares).map(|at| scope.spawn(move || share_of(kind, test, share(at)))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a share ends")).collect()
    });
    let told = |failure: &Failure| {
        let Failure { seed, text, why } = failure;
        format!("seed {seed}: {why}\n    text: {text:?}\n    again: {FIRST}={seed} {CASES}=1 cargo test -p tidemill-spark --test it {test}")
    };
    println!("{cases} cases from seed {first}, {} failures", failures.len());
    assert!(failures.is_empty(), "{}", failures.iter().map(told).collect::<Vec<_>>().join("\n"));
}

/// Runs the seeds of a share, in a new process behind each failure.
fn share_of(kind: Kind, test: &'static str, (mut first, end): (u64, u64)) -> Vec<Failure> {
    let mut failures = Vec::new();
    while first < end && failures.len() < MOST_FAILURES {
        let Err((seed, why)) = in_process(test, &Work { first, end, text: None }) else { break };
        let (text, _) = generate::text_of(kind, seed);
        let fails = |text: &str| in_process(test, &Work { first: seed, end: seed + 1, text: Some(text.to_owned()) }).is_err();
        // What fails only behind the cases before it is told as it is.
        let text = if fails(&text) { shrink::smallest(&text, &fails) } else { text };
        failures.push(Failure { seed, text, why });
        first = seed + 1;
    }
    failures
}

/// Runs cases in a process of their own, which may use so much memory.
fn in_process(test: &str, work: &Work) -> Result<(), (u64, String)> {
    const MEMORY_KIB: u64 = 5 << 20;
    let place = worker::Place::new();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\""));
    command.arg(std::env::current_exe().expect("the test knows where it is")).args([test, "--exact", "--nocapture"]);
    work.give(&mut command, place.path());
    let output = command.stdin(Stdio::null()).output().expect("the test starts itself");
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let why = lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join(" | ");
    let short: String = why.chars().take(1_000).collect();
    Err((place.seed(), format!("{}: {short}", output.status)))
}
