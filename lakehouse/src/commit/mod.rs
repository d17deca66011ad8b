//! One commit: a compare-and-swap on the next number of the log, tried until it is through, was through already, or has
//! lost to a commit that it cannot stand beside. What to commit is planned by the caller.
//!
//! ```text
//! write aside + sync ─► ┌ catch up with the log ─► our txn there? ──────────────► AlreadyDone
//!                       │        ▼
//!                       │ conflicts(ours, theirs) ─► lost? ─────────────────────► RunAgain / Err
//!                       │        ▼
//!                       │ link as N+1 ─► taken, or failed ─► ours after all? ─ no ┐ (not to be seen: OutcomeUnknown)
//!                       └◄───────────────────────────────────────────┼────────────┘
//!                                ▼ created                      yes  ▼
//!                         index takes up our actions; the log's folder is synced ► Done (in vain: OutcomeUnknown)
//! ```
//! From the link on, nothing that fails is a plain failure: the commit can be seen, and whoever was told that it failed would
//! write its rows once more.

pub(crate) mod conflict;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tidemill_planner::{Error, Result};

use crate::core::{Core, State};
use crate::io::blocking;
use crate::log::actions::{Add, Line, Metadata, Protocol, TxnAction, print_lines};
use crate::log::dir::{Prepared, Put, sync_dir};
use crate::log::load::read_entry;
use crate::log::replay::DataFile;
use crate::log::{dir::Version, features};
use crate::write::folders_of;
use conflict::{Decision, Ours, Reads, Theirs, conflicts};

/// An application's own version number, written in the same commit as its data: what makes a commit happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// Who writes: one id per (query, sink).
    pub app_id: String,
    /// What it writes: grows with every commit of the application.
    pub version: i64,
    /// A second id, noted at the same version by the same commit and looked at by none: what the application wants to find again.
    pub mark: Option<String>,
}

impl Txn {
    /// Version `version` of what `app_id` writes.
    pub fn new(app_id: impl Into<String>, version: i64) -> Self {
        Self { app_id: app_id.into(), version, mark: None }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is version `version` of the table now.
    Done {
        /// The new version.
        version: u64,
    },
    /// The table holds this application's version, or a later one, already; nothing was written.
    AlreadyDone,
}

/// What the caller does about its attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    Done(Version),
    AlreadyDone,
    /// Another commit changed what the caller had read.
    RunAgain(String),
}

/// What was done, in the words of Spark's history.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) metrics: Vec<(&'static str, u64)>,
}

/// A commit as its caller planned it.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The version that it was planned at; `None` makes the table.
    pub(crate) planned_at: Option<Version>,
    pub(crate) protocol: Option<Protocol>,
    /// The metadata that it writes.
    pub(crate) new_metadata: Option<Metadata>,
    /// The metadata that it was planned under.
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) adds: Vec<Add>,
    pub(crate) removes: Vec<Arc<DataFile>>,
    pub(crate) reads: Reads,
    pub(crate) txn: Option<Txn>,
    pub(crate) operation: Operation,
    /// Whether the log's folder is synced before the commit returns, or later by [`Core::settle`].
    pub(crate) settle_later: bool,
}

impl Proposal {
    fn lines(&self, now_ms: i64, commit_id: &str) -> Vec<Line> {
        let texts = |pairs: &[(&'static str, String)]| -> Map<String, Value> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), Value::String(v.clone()))).collect()
        };
        let metrics: Map<String, Value> =
            self.operation.metrics.iter().map(|(k, v)| ((*k).to_owned(), Value::String(v.to_string()))).collect();
        let mut info = json!({
            "timestamp": now_ms,
            "operation": self.operation.name,
            "operationParameters": texts(&self.operation.parameters),
            "operationMetrics": metrics,
            "engineInfo": concat!("tidemill/", env!("CARGO_PKG_VERSION")),
            "isolationLevel": "Serializable",
            "isBlindAppend": self.removes.is_empty() && matches!(self.reads, Reads::Nothing) && !self.adds.is_empty(),
            "txnId": commit_id,
        });
        if let (Some(read), Some(info)) = (self.planned_at, info.as_object_mut()) {
            info.insert("readVersion".into(), json!(read));
        }
        let mut lines = Vec::with_capacity(self.adds.len() + self.removes.len() + 4);
        lines.push(Line { commit_info: info.as_object().cloned(), ..Line::default() });
        lines.extend(self.protocol.clone().map(|protocol| Line { protocol: Some(protocol), ..Line::default() }));
        lines.extend(self.new_metadata.clone().map(|metadata| Line { meta_data: Some(metadata), ..Line::default() }));
        lines.extend(self.txn.iter().flat_map(|txn| {
            let ids = std::iter::once(&txn.app_id).chain(&txn.mark);
            ids.map(|id| TxnAction { app_id: id.clone(), version: txn.version, last_updated: Some(now_ms) })
                .map(|txn| Line { txn: Some(txn), ..Line::default() })
        }));
        lines.extend(self.removes.iter().map(|file| Line { remove: Some(file.add().to_remove(now_ms)), ..Line::default() }));
        lines.extend(self.adds.iter().map(|add| Line { add: Some(add.clone()), ..Line::default() }));
        lines
    }
}

impl Core {
    /// Tries one proposal until it is decided.
    pub(crate) async fn commit(self: &Arc<Self>, proposal: Proposal) -> Result<Attempt> {
        let now_ms = self.options.clock.now_ms();
        let commit_id = uuid::Uuid::new_v4().to_string();
        let lines = proposal.lines(now_ms, &commit_id);
        let bytes = Arc::new(print_lines(&lines)?);
        let prepared = self.prepare(&bytes, &proposal.adds).await?;
        let core = Arc::clone(self);
        blocking(move || {
            let attempt = core.decide(&proposal, &lines, &bytes, &prepared)?;
            match &attempt {
                _ if proposal.settle_later => {}
                Attempt::Done(version) => core.settle(Some(*version), proposal.txn.as_ref())?,
                // Whoever brought the txn in may have ended before the sync.
                Attempt::AlreadyDone if proposal.planned_at.is_some() => core.settle(None, proposal.txn.as_ref())?,
                Attempt::AlreadyDone | Attempt::RunAgain(_) => {}
            }
            Ok(attempt)
        })
        .await
    }

    /// Makes a commit that can be seen survive a power cut too, if the table is durable: the one that became `version`, or the one that
    /// brought the txn in.
    ///
    /// # Errors
    /// `OutcomeUnknown`: the commit can be seen, and a power cut may take it away.
    pub(crate) fn settle(&self, version: Option<Version>, txn: Option<&Txn>) -> Result<()> {
        if !self.options.durable {
            return Ok(());
        }
        self.log.sync().map_err(|failed| {
            let commit = version
                .map_or_else(|| "the txn is in the table".to_owned(), |version| format!("the commit is visible as version {version}"));
            let what = format!("{commit}, but may not survive a power cut, because the log's folder could not be synced: {failed}");
            self.outcome_unknown(&what, txn).with_source(failed)
        })
    }

    fn outcome_unknown(&self, what: &str, txn: Option<&Txn>) -> Error {
        let again = match txn {
            Some(txn) => format!("the same write under its txn (`{}`, {}) may be tried again, and is made once", txn.app_id, txn.version),
            None => "look into the table's history before you write the rows again, or they may be there twice (a write under a txn may \
                     simply be tried again)"
                .to_owned(),
        };
        Error::outcome_unknown(format!("Delta table {}: {what}; {again}", self.root.display()))
    }

    /// Writes the entry aside while the folders of its data files are synced: nothing can be seen before both are safe.
    async fn prepare(self: &Arc<Self>, bytes: &Arc<Vec<u8>>, adds: &[Add]) -> Result<Prepared> {
        let durable = self.options.durable;
        let folders: Vec<PathBuf> = if durable { folders_of(&self.root, adds)? } else { Vec::new() };
        let (core, bytes) = (Arc::clone(self), Arc::clone(bytes));
        let entry = blocking(move || core.log.prepare(&bytes, durable));
        let folders = blocking(move || folders.iter().try_for_each(|folder| sync_dir(folder)));
        let (entry, ()) = futures::future::try_join(entry, folders).await?;
        Ok(entry)
    }

    fn decide(&self, proposal: &Proposal, lines: &[Line], bytes: &[u8], prepared: &Prepared) -> Result<Attempt> {
        let mut state = self.lock();
        loop {
            let next = match proposal.planned_at {
                None => 0,
                Some(planned_at) => {
                    self.catch_up(&mut state)?;
                    if let Some(outcome) = self.judge(&state, proposal, planned_at)? {
                        return Ok(outcome);
                    }
                    state.index.version + 1
                }
            };
            let ours = match self.log.publish(prepared, next) {
                Ok(Put::Created) => true,
                put => self.is_ours(put, next, bytes, proposal.txn.as_ref())?,
            };
            if ours {
                let applied = state.index.apply(next, lines.to_vec());
                let stamp = self.log.stamp(next).ok().flatten();
                state.moved();
                // The commit is made whatever our own index or a second look at the entry says about it.
                state.stale = applied.is_err() || stamp.is_none();
                state.stamp = stamp;
                return Ok(Attempt::Done(next));
            }
            if proposal.planned_at.is_none() {
                return Ok(Attempt::AlreadyDone);
            }
        }
    }

    /// Whether a number that was not given to our entry holds it all the same: the answer may be lost though the link was made.
    ///
    /// # Errors
    /// The link's own where the number is free: nothing was committed. `OutcomeUnknown` where the entry itself cannot tell.
    fn is_ours(&self, put: Result<Put>, version: Version, bytes: &[u8], txn: Option<&Txn>) -> Result<bool> {
        match (self.log.read(version), put) {
            (Ok(Some((there, _))), _) => Ok(there == bytes),
            (Ok(None), Ok(_)) => Ok(false),
            (Ok(None), Err(failed)) => Err(failed),
            (Err(unread), put) => {
                let failed = put.err().map_or_else(String::new, |failed| format!("{failed}, and "));
                let what = format!("whether the commit is version {version} is not known: {failed}the entry cannot be read back: {unread}");
                Err(self.outcome_unknown(&what, txn).with_source(unread))
            }
        }
    }

    /// What speaks against the proposal at the state's version; `None` when nothing does.
    fn judge(&self, state: &State, proposal: &Proposal, planned_at: Version) -> Result<Option<Attempt>> {
        let index = &state.index;
        let here = |e: Error| e.context(format!("Delta table {}", self.root.display()));
        if let Some(txn) = &proposal.txn
            && txn_check_is_on()
            && index.txn_version(&txn.app_id).is_some_and(|version| version >= txn.version)
        {
            return Ok(Some(Attempt::AlreadyDone));
        }
        features::check_writable(index).map_err(here)?;
        if !proposal.removes.is_empty() {
            features::check_not_append_only(index).map_err(here)?;
        }
        let mut theirs = Vec::new();
        if !matches!(proposal.reads, Reads::Nothing) || !proposal.removes.is_empty() {
            for version in planned_at + 1..=index.version {
                match read_entry(&self.log, version)? {
                    Some(entry) => theirs.push(Theirs::of(&entry.lines)),
                    // The log was cleaned up to a point after our plan: nothing can be said, so run again.
                    None => return Ok(Some(Attempt::RunAgain(format!("version {version} is no longer in the log")))),
                }
            }
        }
        let removes: Vec<String> = proposal.removes.iter().map(|file| file.add().key()).collect();
        let ours = Ours { removes: &removes, reads: &proposal.reads, metadata: &proposal.metadata };
        let active = |key: &str| index.files.contains_key(key);
        match conflicts(&ours, &theirs, &index.metadata, index.schema().map_err(here)?, &active) {
            Decision::Commit => Ok(None),
            Decision::RunAgain(why) => Ok(Some(Attempt::RunAgain(why))),
            Decision::Refuse(why) => Err(here(Error::conflict(why))),
        }
    }
}

/// Whether a txn that is there already stops a commit: always, except where a test proves that it must.
pub(crate) fn txn_check_is_on() -> bool {
    fail::fail_point!("lakehouse::txn_check", |_| false);
    true
}
