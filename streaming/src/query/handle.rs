//! The user's handle on a running query. It decides nothing: it asks the loop to stop, and shows what the loop has said.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidemill_planner::{Error, ErrorKind, Result};
use tokio::sync::watch;

use crate::progress::{RecentProgress, StreamingQueryProgress, StreamingQueryStatus};

/// What the loop tells the handle.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: String,
    pub(super) run_id: String,
    pub(super) name: Option<String>,
    pub(super) stages: String,
    pub(super) status: Mutex<StreamingQueryStatus>,
    pub(super) recent: Mutex<RecentProgress>,
    pub(super) stop: watch::Sender<bool>,
    /// How many looks for data found none: what `process_all_available` waits on.
    pub(super) idle_looks: watch::Sender<u64>,
    pub(super) ended: watch::Sender<Option<Ended>>,
    pub(super) on_progress: Mutex<Option<tokio::sync::mpsc::UnboundedSender<StreamingQueryProgress>>>,
}

/// How a query ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    Stopped,
    Failed(ErrorKind, String),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn set_status(&self, message: &str, data: bool, active: bool) {
        let mut status = lock(&self.status);
        if status.message != message {
            message.clone_into(&mut status.message);
        }
        status.is_data_available = data;
        status.is_trigger_active = active;
    }

    /// There will be no more progress: whoever listens hears the end.
    pub(super) fn end_progress(&self) {
        *lock(&self.on_progress) = None;
    }

    pub(super) fn push_progress(&self, progress: StreamingQueryProgress) {
        let mut listener = lock(&self.on_progress);
        if listener.as_ref().is_some_and(|l| l.send(progress.clone()).is_err()) {
            *listener = None;
        }
        lock(&self.recent).push(progress);
    }
}

/// A running query. Dropping the handle leaves the query running; [`StreamingQuery::stop`] ends it.
#[derive(Debug, Clone)]
pub struct StreamingQuery {
    pub(super) shared: Arc<Shared>,
}

impl StreamingQuery {
    /// The query's id, the same for the life of its checkpoint.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The run's id, new at each start.
    pub fn run_id(&self) -> &str {
        &self.shared.run_id
    }

    /// The user's name for the query.
    pub fn name(&self) -> Option<&str> {
        self.shared.name.as_deref()
    }

    /// How it runs, stage by stage.
    pub fn explain(&self) -> &str {
        &self.shared.stages
    }

    /// What it is doing now.
    pub fn status(&self) -> StreamingQueryStatus {
        lock(&self.shared.status).clone()
    }

    /// The last epoch's progress.
    pub fn last_progress(&self) -> Option<StreamingQueryProgress> {
        lock(&self.shared.recent).last().cloned()
    }

    /// The progress of the last hundred epochs.
    pub fn recent_progress(&self) -> Vec<StreamingQueryProgress> {
        lock(&self.shared.recent).recent()
    }

    /// The progress of each epoch, as it ends: those that are remembered first, and none twice. One listener at a time: a later call takes
    /// the earlier one's place.
    pub fn progress_stream(&self) -> tokio::sync::mpsc::UnboundedReceiver<StreamingQueryProgress> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let mut listener = lock(&self.shared.on_progress);
        for progress in lock(&self.shared.recent).recent() {
            // Whoever receives is here.
            drop(sender.send(progress));
        }
        // A query that has ended says no more.
        *listener = self.is_active().then_some(sender);
        receiver
    }

    /// Whether it has not ended.
    pub fn is_active(&self) -> bool {
        self.shared.ended.borrow().is_none()
    }

    /// Why it failed, if it did.
    pub fn exception(&self) -> Option<Error> {
        match &*self.shared.ended.borrow() {
            Some(Ended::Failed(kind, message)) => Some(Error::new(*kind, message.clone())),
            _ => None,
        }
    }

    /// Asks it to end after the epoch it is in.
    pub fn request_stop(&self) {
        self.shared.stop.send_replace(true);
    }

    /// Asks it to end after the epoch it is in, and waits until it has.
    ///
    /// # Errors
    /// What it failed with, if it failed before.
    pub async fn stop(&self) -> Result<()> {
        self.request_stop();
        self.await_termination().await
    }

    /// Waits until it ends: by itself (available-now), by `stop`, or by an error.
    ///
    /// # Errors
    /// What it failed with.
    pub async fn await_termination(&self) -> Result<()> {
        let mut ended = self.shared.ended.subscribe();
        let end = ended.wait_for(Option::is_some).await.map_err(|_| Error::internal("the query's loop went away"))?.clone();
        match end {
            Some(Ended::Failed(kind, message)) => Err(Error::new(kind, message)),
            _ => Ok(()),
        }
    }

    /// Waits until everything that was there when it was called has been published (for tests).
    ///
    /// # Errors
    /// What it failed with meanwhile.
    pub async fn process_all_available(&self) -> Result<()> {
        let mut looks = self.shared.idle_looks.subscribe();
        let seen = *looks.borrow_and_update();
        let mut ended = self.shared.ended.subscribe();
        // Two looks: one may have begun before the data came.
        tokio::select! {
            idle = looks.wait_for(|n| *n >= seen + 2) => { idle.map_err(|_| Error::internal("the query's loop went away"))?; }
            _ = ended.wait_for(Option::is_some) => {}
        }
        self.exception().map_or(Ok(()), Err)
    }
}
