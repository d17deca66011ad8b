//! Who is told how far a session's batch queries have come: programs register, and queries that take long tell them. What is told is what
//! the watch of a run knows.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Context;
use std::time::{Duration, Instant};

use tidemill_executor::run::{RunWatch, StageProgress};
use tokio::time::{Sleep, sleep};

use super::Session;

/// How long a query runs before anything is told of it.
const FIRST: Duration = Duration::from_millis(500);
/// How often it is told from there on.
const EVERY: Duration = Duration::from_millis(200);

/// How far a query has come.
#[derive(Debug, Clone)]
pub struct QueryProgress {
    /// Names the query: the same in all that is told of it.
    pub operation_id: String,
    /// How long it has run.
    pub elapsed: Duration,
    /// Its stages, in the order of their numbers.
    pub stages: Vec<StageProgress>,
    /// How many tasks run now.
    pub inflight_tasks: usize,
    /// Whether it has ended, however that was. Nothing more is told of it then.
    pub done: bool,
}

/// Names a handler, to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgressHandlerId(u64);

impl ProgressHandlerId {
    /// The number that it is, for who keeps numbers.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl From<u64> for ProgressHandlerId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

type Handler = Arc<dyn Fn(&QueryProgress) + Send + Sync>;

/// Who wants to be told.
#[derive(Default)]
pub(super) struct Handlers {
    handlers: RwLock<Vec<(ProgressHandlerId, Handler)>>,
    given: AtomicU64,
}

impl Handlers {
    fn now(&self) -> Vec<(ProgressHandlerId, Handler)> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remove(&self, id: ProgressHandlerId) -> bool {
        let mut handlers = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        let before = handlers.len();
        handlers.retain(|(known, _)| *known != id);
        handlers.len() < before
    }
}

impl Session {
    /// Has `handler` told how far batch queries of this session have come, those that run for longer than half a second: several times a
    /// second, and once when the query has ended. It is called by whoever waits for the query, between two steps of the wait, and should
    /// not take long; tokio's clock must run there.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let session = tidemill::Session::builder().build()?;
    /// let handler = session.add_progress_handler(|progress| {
    ///     let tasks: usize = progress.stages.iter().map(|stage| stage.tasks).sum();
    ///     eprintln!("{} of {tasks} tasks run, done: {}", progress.inflight_tasks, progress.done);
    /// });
    /// session.range(0, 1000).await?.count().await?;
    /// assert!(session.remove_progress_handler(handler));
    /// # Ok::<_, tidemill::Error>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_progress_handler(&self, handler: impl Fn(&QueryProgress) + Send + Sync + 'static) -> ProgressHandlerId {
        let id = ProgressHandlerId(self.inner.progress.given.fetch_add(1, Ordering::Relaxed));
        self.inner.progress.handlers.write().unwrap_or_else(PoisonError::into_inner).push((id, Arc::new(handler)));
        id
    }

    /// Tells a handler nothing more; whether it was told so far.
    pub fn remove_progress_handler(&self, id: ProgressHandlerId) -> bool {
        self.inner.progress.remove(id)
    }

    /// Tells nobody anything more.
    pub fn clear_progress_handlers(&self) {
        self.inner.progress.handlers.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What will be told of a query that is watched; `None` where nobody wants to be told.
    pub(super) fn telling(&self, watch: Option<Arc<RunWatch>>) -> Option<Telling> {
        if self.inner.progress.now().is_empty() {
            return None;
        }
        Some(Telling {
            handlers: Arc::clone(&self.inner.progress),
            watch: watch.unwrap_or_default(),
            operation_id: uuid::Uuid::new_v4().to_string(),
            began: Instant::now(),
            rhythm: [FIRST, EVERY],
            timer: None,
            told: false,
        })
    }
}

/// The telling of one query, which ends with it.
pub(crate) struct Telling {
    handlers: Arc<Handlers>,
    watch: Arc<RunWatch>,
    operation_id: String,
    began: Instant,
    /// How long it is to the first telling, and from each to the next.
    rhythm: [Duration; 2],
    timer: Option<Pin<Box<Sleep>>>,
    told: bool,
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telling").field("operation_id", &self.operation_id).field("told", &self.told).finish_non_exhaustive()
    }
}

impl Telling {
    /// Who watches the query for it.
    pub(super) fn watch(&self) -> Arc<RunWatch> {
        Arc::clone(&self.watch)
    }

    /// Tells what is due, and sees to it that the waiter is woken when the next is.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) {
        // Elsewhere there is no clock.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let [first, every] = self.rhythm;
        while self.timer.get_or_insert_with(|| Box::pin(sleep(first))).as_mut().poll(cx).is_ready() {
            let stages = self.watch.stages();
            // Before its stages run there is nothing to tell.
            if !stages.is_empty() {
                self.told = true;
                self.tell(stages, false);
            }
            // From when it was told: a handler may take long.
            self.timer = Some(Box::pin(sleep(every)));
        }
    }

    fn tell(&self, stages: Vec<StageProgress>, done: bool) {
        let inflight_tasks = if done { 0 } else { stages.iter().map(|stage| stage.running).sum() };
        let progress =
            QueryProgress { operation_id: self.operation_id.clone(), elapsed: self.began.elapsed(), stages, inflight_tasks, done };
        for (id, handler) in self.handlers.now() {
            // A handler that panics must not take the query with it, and is told nothing more.
            if catch_unwind(AssertUnwindSafe(|| handler(&progress))).is_err() {
                self.handlers.remove(id);
                tracing::warn!("a progress handler panicked, and is told nothing more");
            }
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if self.told {
            self.tell(self.watch.stages(), true);
        }
    }
}

/// What the query gives; on the way it is told how far it has come.
pub(super) async fn told<T>(telling: Option<Telling>, query: impl Future<Output = T>) -> T {
    let Some(mut telling) = telling else { return query.await };
    let mut query = pin!(query);
    poll_fn(|cx| {
        telling.poll(cx);
        query.as_mut().poll(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Tells at once and again and again, or not before the test has ended.
    fn telling(session: &Session, watch: &Arc<RunWatch>, soon: bool) -> Option<Telling> {
        let rhythm = if soon { [Duration::from_millis(1); 2] } else { [Duration::from_secs(3600); 2] };
        let mut telling = session.telling(Some(Arc::clone(watch)))?;
        telling.rhythm = rhythm;
        Some(telling)
    }

    #[tokio::test]
    async fn long_queries_are_told_and_their_end() {
        let session = Session::builder().build().unwrap();
        let heard = Arc::<Mutex<Vec<(String, bool)>>>::default();
        let (hears, enough) = (Arc::clone(&heard), Arc::new(tokio::sync::Notify::new()));
        let third = Arc::clone(&enough);
        let id = session.add_progress_handler(move |progress| {
            let mut heard = hears.lock().unwrap();
            heard.push((progress.operation_id.clone(), progress.done));
            if heard.len() == 3 {
                third.notify_one();
            }
        });
        let stage = StageProgress { stage: 0, done: 1, tasks: 4, running: 2, rows: 10 };
        let known = Arc::new(RunWatch::of(vec![stage]));
        // One that ends before it is due, and one of which nothing is known yet.
        told(telling(&session, &known, false), std::future::ready(())).await;
        told(telling(&session, &Arc::default(), true), sleep(Duration::from_millis(20))).await;
        assert_eq!(heard.lock().unwrap().len(), 0);
        // One that ends when it has been told three times.
        told(telling(&session, &known, true), enough.notified()).await;
        let all = std::mem::take(&mut *heard.lock().unwrap());
        assert_eq!(all.iter().map(|(_, done)| *done).collect::<Vec<_>>(), [false, false, false, true]);
        assert!(all.iter().all(|(operation, _)| *operation == all[0].0));
        // One that is given up has ended, too.
        let given_up = told(telling(&session, &known, true), std::future::pending::<()>());
        tokio::select! { () = given_up => unreachable!("it waits for ever"), () = enough.notified() => {} }
        let all: Vec<bool> = heard.lock().unwrap().iter().map(|(_, done)| *done).collect();
        assert!(all.len() >= 4 && all.iter().rev().skip(1).all(|done| !done) && all[all.len() - 1], "{all:?}");
        assert!(session.remove_progress_handler(id) && !session.remove_progress_handler(id));
        assert!(telling(&session, &known, true).is_none());
    }

    #[test]
    fn tasks_in_flight_are_those_of_all_stages() {
        let session = Session::builder().build().unwrap();
        let heard = Arc::<Mutex<Vec<(usize, bool)>>>::default();
        let hears = Arc::clone(&heard);
        session.add_progress_handler(move |progress| hears.lock().unwrap().push((progress.inflight_tasks, progress.done)));
        let stages = [2, 3].map(|running| StageProgress { stage: 0, done: 0, tasks: 4, running, rows: 0 }).to_vec();
        let telling = session.telling(None).unwrap();
        telling.tell(stages.clone(), false);
        telling.tell(stages, true);
        session.clear_progress_handlers();
        telling.tell(Vec::new(), true);
        assert_eq!(*heard.lock().unwrap(), [(5, false), (0, true)]);
    }

    #[test]
    fn a_handler_that_panics_is_told_nothing_more() {
        let session = Session::builder().build().unwrap();
        let heard = Arc::<Mutex<usize>>::default();
        let hears = Arc::clone(&heard);
        let bad = session.add_progress_handler(|_| panic!("it fell over"));
        session.add_progress_handler(move |_| *hears.lock().unwrap() += 1);
        let mut telling = session.telling(None).unwrap();
        telling.tell(Vec::new(), false);
        telling.told = true;
        drop(telling);
        assert_eq!(*heard.lock().unwrap(), 2);
        assert!(!session.remove_progress_handler(bad));
    }
}
