//! Runs statements in a session of the library, guarded: a panic or a wait without end is an outcome like any other.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use arrow::array::RecordBatch;
use tempfile::TempDir;
use tidemill::{DataFrame, Session};
use tidemill_spark::Settings;
use tidemill_spark::plan::{Relation, RelationKind, Statement};
use tidemill_spark::types::render::hive_text_at;
use tidemill_spark::types::{SparkType, StructField, from_field};
use tokio::runtime::{Builder, Handle};

/// How long a statement may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How many statements of a file may go without an answer before the rest is left out.
const MOST_UNANSWERED: usize = 3;

/// Deep trees are walked by recursion, and a debug build has large frames.
const STACK_BYTES: usize = 64 << 20;

/// The time zone of Spark's own tests.
pub(super) const ZONE: &str = "America/Los_Angeles";

/// What became of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It gave rows, or none.
    Rows(Rows),
    /// It was refused, or failed.
    Failed { condition: Option<String>, sqlstate: Option<String>, message: String },
    /// It panicked.
    Panicked(String),
    /// It gave no answer in time.
    Unanswered,
}

/// The rows of a statement as Spark's tests print them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// `struct<name:type,…>`
    pub(crate) schema: String,
    /// The columns' types.
    pub(crate) types: Vec<SparkType>,
    /// Each row, columns parted by tabs.
    pub(crate) rows: Vec<String>,
    /// Whether the statement says in which order they come.
    pub(crate) is_ordered: bool,
    /// Whether it was a command: what it did must be done again in a new session.
    pub(crate) is_command: bool,
}

/// A session with a folder of its own.
pub(crate) struct Sitting<'a> {
    runtime: &'a Handle,
    session: Session,
    /// The warehouse, which goes when the session goes.
    _folder: TempDir,
    /// Makes the tables that statements expect, and tells what did not work.
    furnish: &'a dyn Fn(&Handle, &Session) -> Vec<String>,
    settings: Vec<String>,
    /// The commands that were carried out: repeated in a new session when this one is lost.
    done: Vec<String>,
    unanswered: usize,
    /// What of the set-up did not work.
    pub(super) troubles: Vec<String>,
}

impl<'a> Sitting<'a> {
    /// A session in which these SET statements were run, and then `furnish`.
    pub(crate) fn new(runtime: &'a Handle, settings: Vec<String>, furnish: &'a dyn Fn(&Handle, &Session) -> Vec<String>) -> Self {
        let (session, folder) = fresh();
        let mut sitting =
            Self { runtime, session, _folder: folder, furnish, settings, done: Vec::new(), unanswered: 0, troubles: Vec::new() };
        sitting.troubles = sitting.set_up();
        sitting
    }

    fn set_up(&self) -> Vec<String> {
        let mut troubles = (self.furnish)(self.runtime, &self.session);
        for statement in &self.settings {
            match guarded(self.runtime, &self.session, statement) {
                Outcome::Rows(_) => {}
                other => troubles.push(format!("{statement}: {}", other.trouble())),
            }
        }
        troubles
    }

    /// Runs a statement. A command that works is remembered.
    pub(crate) fn run(&mut self, sql: &str) -> Outcome {
        if self.unanswered >= MOST_UNANSWERED {
            return Outcome::Unanswered;
        }
        let outcome = guarded(self.runtime, &self.session, sql);
        match &outcome {
            Outcome::Rows(rows) if rows.is_command => self.done.push(sql.to_owned()),
            Outcome::Rows(_) | Outcome::Failed { .. } => {}
            Outcome::Panicked(_) => self.renew(),
            Outcome::Unanswered => {
                self.unanswered += 1;
                if self.unanswered < MOST_UNANSWERED {
                    self.renew();
                }
            }
        }
        outcome
    }

    /// Goes on in a new session: the old one may hold locks, or threads that never come back.
    fn renew(&mut self) {
        (self.session, self._folder) = fresh();
        self.set_up();
        for statement in &self.done {
            guarded(self.runtime, &self.session, statement);
        }
    }
}

/// A session whose warehouse is a new folder. It has one task a stage, so that what Spark leaves open is the same in every run.
fn fresh() -> (Session, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let warehouse = folder.path().join("warehouse").display().to_string();
    let session = Session::builder().parallelism(1).config("tidemill.threads", "1").config("spark.sql.warehouse.dir", warehouse).build();
    (session.expect("a plain session builds"), folder)
}

impl Outcome {
    /// Why there are no rows.
    pub(super) fn trouble(&self) -> String {
        match self {
            Self::Rows(_) => "rows".to_owned(),
            Self::Failed { message, .. } => message.clone(),
            Self::Panicked(message) => format!("panic: {message}"),
            Self::Unanswered => format!("no answer in {} s", LIMIT.as_secs()),
        }
    }
}

/// Runs a statement on a thread of its own: one that never yields cannot hold up the others.
fn guarded(runtime: &Handle, session: &Session, sql: &str) -> Outcome {
    let (sender, receiver) = mpsc::channel();
    let (runtime, session, sql) = (runtime.clone(), session.clone(), sql.to_owned());
    let work = move || {
        let told = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let limited = async { tokio::time::timeout(LIMIT, answer(&session, &sql)).await };
            match runtime.block_on(limited) {
                Ok(Ok(rows)) => Outcome::Rows(rows),
                Ok(Err(error)) => Outcome::Failed {
                    condition: error.condition().map(|c| c.name.clone()),
                    sqlstate: error.condition().map(|c| c.sqlstate.clone()),
                    message: error.message().to_owned(),
                },
                Err(_) => Outcome::Unanswered,
            }
        }));
        // The session goes first: the folder that it may still write to is removed soon.
        drop(session);
        let _ = sender.send(told.unwrap_or_else(|panic| Outcome::Panicked(words(panic.as_ref()))));
    };
    std::thread::Builder::new().name("statement".to_owned()).stack_size(STACK_BYTES).spawn(work).expect("a thread starts");
    receiver.recv_timeout(LIMIT + Duration::from_secs(5)).unwrap_or(Outcome::Unanswered)
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without words").to_owned()
}

async fn answer(session: &Session, sql: &str) -> tidemill::Result<Rows> {
    // What SET changes holds from the next statement on.
    let settings = settings(session)?;
    let frame = session.sql(sql).await?;
    let columns = columns(&frame);
    let rows = texts(&frame.collect().await?, &columns, &settings)?;
    let schema: Vec<String> = columns.iter().map(|column| format!("{}:{}", column.name, column.data_type)).collect();
    let schema = format!("struct<{}>", schema.join(","));
    let (is_ordered, is_command) = match tidemill_spark::parse::parse_statement(sql, &tidemill_spark::parse::ParseOptions::new(&settings)?)
    {
        Ok(Statement::Query(relation)) => (is_sorted(&relation), false),
        Ok(Statement::Command(_)) => (false, true),
        Err(_) => (false, false),
    };
    Ok(Rows { schema, types: columns.into_iter().map(|column| column.data_type).collect(), rows, is_ordered, is_command })
}

fn columns(frame: &DataFrame) -> Vec<StructField> {
    frame.schema().expect("it has run").fields().iter().map(|field| from_field(field)).collect()
}

fn texts(batches: &[RecordBatch], columns: &[StructField], settings: &Settings) -> tidemill::Result<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(columns).map(|(values, column)| hive_text_at(values, row, &column.data_type, settings));
            rows.push(cells.collect::<tidemill::Result<Vec<String>>>()?.join("\t"));
        }
    }
    Ok(rows)
}

/// The session's settings, as far as reading statements and writing values depend on them.
fn settings(session: &Session) -> tidemill::Result<Settings> {
    const NAMES: [&str; 7] = [
        "spark.sql.session.timeZone",
        "spark.sql.ansi.enabled",
        "spark.sql.ansi.doubleQuotedIdentifiers",
        "spark.sql.ansi.enforceReservedKeywords",
        "spark.sql.parser.escapedStringLiterals",
        "spark.sql.legacy.interval.enabled",
        "spark.sql.timestampType",
    ];
    let given = NAMES.iter().filter_map(|name| Some(((*name).to_owned(), session.setting(name)?)));
    Settings::from_conf(given.collect())
}

/// Whether the statement itself orders its rows: an ORDER BY in a subquery says nothing about them.
fn is_sorted(relation: &Relation) -> bool {
    match &*relation.kind {
        RelationKind::Sort { is_global, .. } => *is_global,
        RelationKind::Limit { input, .. }
        | RelationKind::Offset { input, .. }
        | RelationKind::WithWindows { input, .. }
        | RelationKind::Hint { input, .. }
        | RelationKind::PipeStep { input, .. } => is_sorted(input),
        RelationKind::With(with) => is_sorted(&with.input),
        _ => false,
    }
}

/// Runs every item on one of two threads, those with the most statements first, and gives what came of them in the items' order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], size: impl Fn(&T) -> usize, run: impl Fn(&Handle, &T) -> R + Sync) -> Vec<R> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts");
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(size(&items[*at])));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let work = || {
                while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = run(runtime.handle(), &items[*at]);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(*at, result);
                }
            };
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).expect("a thread starts");
        }
    });
    // A statement without an answer may still be at work.
    runtime.shutdown_background();
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
