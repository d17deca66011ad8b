//! The thread that reads what is typed. The editor waits for keys, so it has a thread of its own, and the runtime goes on for
//! whatever else the session does.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::sync::mpsc as lines;

use super::complete::complete;
use super::help::command;
use super::highlight::highlight;
use super::names::Names;
use crate::cli::scan;
use crate::{Error, Result};

const PROMPT: &str = "tidemill> ";

/// Statements that are remembered.
const MAX_HISTORY: usize = 10_000;

/// What came from the keyboard.
pub(super) enum Heard {
    /// Statements, or a command to the shell.
    Text {
        text: String,
        /// Columns and rows of the terminal.
        size: Option<(usize, usize)>,
    },
    /// Ctrl-C: the line is dropped.
    Interrupted,
    /// Ctrl-D.
    End,
    Failed(Error),
}

/// Asks the thread for lines.
pub(super) struct Reader {
    ask: mpsc::Sender<()>,
    heard: lines::UnboundedReceiver<Heard>,
    thread: JoinHandle<()>,
}

impl Reader {
    /// Starts the thread. Lines are remembered in `history`, if there is such a place.
    pub(super) fn start(names: Names, history: Option<PathBuf>) -> Result<Self> {
        let (ask, asked) = mpsc::channel();
        let (tell, heard) = lines::unbounded_channel();
        let read = move || match editor(names, history.as_ref()) {
            Ok(mut editor) => {
                while asked.recv().is_ok() {
                    if tell.send(read(&mut editor, history.as_ref())).is_err() {
                        break;
                    }
                }
            }
            Err(error) => {
                let _ = tell.send(failed(error));
            }
        };
        let thread = std::thread::Builder::new().name("keyboard".to_owned()).spawn(read);
        let thread = thread.map_err(|e| Error::resources(format!("the thread that reads the keyboard does not start: {e}")))?;
        Ok(Self { ask, heard, thread })
    }

    /// The next line.
    pub(super) async fn line(&mut self) -> Heard {
        // A thread that is gone has told why.
        let _ = self.ask.send(());
        self.heard.recv().await.unwrap_or(Heard::End)
    }

    /// Waits for the thread to end.
    pub(super) fn end(self) {
        drop(self.ask);
        let _ = self.thread.join();
    }
}

fn editor(names: Names, history: Option<&PathBuf>) -> rustyline::Result<Editor<Typist, FileHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .history_ignore_dups(true)?
        .max_history_size(MAX_HISTORY)?
        .tab_stop(4)
        .build();
    let past = FileHistory::with_config(&config);
    let mut editor = Editor::with_history(config, past)?;
    editor.set_helper(Some(Typist { names: Arc::new(names), hints: HistoryHinter::new() }));
    if let Some(path) = history {
        // The first shell has no history.
        let _ = editor.load_history(path);
    }
    Ok(editor)
}

fn read(editor: &mut Editor<Typist, FileHistory>, history: Option<&PathBuf>) -> Heard {
    match editor.readline(&(PROMPT, "\x1b[1mtidemill>\x1b[0m ")) {
        Ok(text) => {
            if !text.trim().is_empty()
                && editor.add_history_entry(text.as_str()).unwrap_or(false)
                && let Some(path) = history
            {
                // At once, so that a shell that is killed forgets nothing; one without a place to write forgets.
                let _ = editor.append_history(path);
            }
            let size = editor.dimensions().map(|(columns, rows)| (usize::from(columns), usize::from(rows)));
            Heard::Text { text, size }
        }
        Err(ReadlineError::Interrupted) => Heard::Interrupted,
        Err(ReadlineError::Eof) => Heard::End,
        Err(error) => failed(error),
    }
}

fn failed(error: ReadlineError) -> Heard {
    Heard::Failed(match error {
        ReadlineError::Io(error) => Error::io_at("standard input", error),
        other => Error::io(format!("the terminal cannot be read: {other}; give statements with -e or -f")),
    })
}

/// What the editor asks while a line is typed.
struct Typist {
    names: Arc<Names>,
    hints: HistoryHinter,
}

impl Helper for Typist {}

impl Validator for Typist {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let is_done = scan::is_complete(text) || command(text).is_some();
        Ok(if is_done { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Typist {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, at, &self.names))
    }
}

impl Hinter for Typist {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, context: &Context<'_>) -> Option<String> {
        self.hints.hint(line, at, context).filter(|hint| !hint.contains('\n'))
    }
}

impl Highlighter for Typist {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(highlight(line, |word| self.names.is_function(word)))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        // Where the cursor is changes no colour.
        kind != CmdKind::MoveCursor
    }
}
