//! A query's futures on the pool: spawned, polled with the I/O runtime at hand, cancelled with the query.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_task::{FallibleTask, Runnable};
use futures::future::{AbortHandle, Abortable};

use super::Shared;
use super::queue::QueryQueue;

thread_local! {
    /// The query whose future this thread is polling: what it spawns belongs to the query too.
    static CURRENT: RefCell<Option<Query>> = const { RefCell::new(None) };
    /// When the poll that this thread is in has begun.
    static TURN_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long a future may go on before it should let others have the thread. DataFusion's operators ask tokio for that, which knows nothing of
/// this pool.
const TURN: Duration = Duration::from_millis(2);

/// Whether the future that this thread polls has gone on for long enough; never on a thread that is none of the pool's.
pub(crate) fn turn_is_over() -> bool {
    TURN_BEGAN.get().is_some_and(|began| began.elapsed() >= TURN)
}

/// What the futures of a query on one executor share. It does not keep the query alive.
#[derive(Debug, Clone)]
pub(super) struct Query {
    engine: Arc<Shared>,
    executor: usize,
    queue: Arc<QueryQueue>,
    /// The futures that have not ended, on whichever executor, so that those which wait for I/O can be woken to be dropped.
    live: Arc<Mutex<HashMap<u64, AbortHandle>>>,
}

/// The query that a thread works for: what runs long can ask whether it is still wanted.
#[derive(Debug, Clone)]
pub struct CurrentQuery(Query);

impl CurrentQuery {
    /// That of this thread, if it polls for one.
    pub fn get() -> Option<Self> {
        Query::current().map(Self)
    }

    /// Whether the query was cancelled, or has ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.queue.is_closed()
    }

    /// Works for it on this thread, which is none of the pool's.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _current = Current::set(self.0.clone());
        work()
    }
}

/// One query's place in the line of each executor; dropping it cancels its tasks.
#[derive(Debug)]
pub struct QueryHandle {
    engine: Arc<Shared>,
    /// By executor.
    queries: Vec<Query>,
    name: String,
}

impl QueryHandle {
    pub(super) fn new(engine: &Arc<Shared>, queue: impl Fn() -> QueryQueue, name: String) -> Self {
        let live = Arc::default();
        let query = |executor: usize| Query { engine: Arc::clone(engine), executor, queue: Arc::new(queue()), live: Arc::clone(&live) };
        Self { engine: Arc::clone(engine), queries: (0..engine.executors().len()).map(query).collect(), name }
    }

    /// The query's name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `future` on the pool, of the first executor where there are several.
    pub fn spawn<F>(&self, future: F) -> PoolTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.queries[self.engine.first_executor()].spawn(future)
    }

    /// Cancels what the query runs, and whatever it would run after this.
    pub fn cancel(&self) {
        for query in &self.queries {
            let ready = query.queue.close();
            // Futures may spawn or lock when they are dropped: no lock is held here.
            drop(ready);
        }
        for query in &self.queries {
            let live = std::mem::take(&mut *query.live.lock().unwrap_or_else(PoisonError::into_inner));
            live.into_values().for_each(|handle| handle.abort());
        }
    }

    /// Who spawns for the query, by executor.
    pub(crate) fn spawners(&self) -> impl Iterator<Item = Spawner> {
        self.queries.iter().cloned().map(Spawner)
    }

    pub(crate) fn engine(&self) -> &Arc<Shared> {
        &self.engine
    }
}

impl Drop for QueryHandle {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Spawns for a query on one executor without keeping the query alive.
#[derive(Debug, Clone)]
pub(crate) struct Spawner(Query);

impl Spawner {
    pub(crate) fn spawn<F>(&self, future: F) -> PoolTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    /// A place at which a test loses the executor: `FAILPOINTS=executor::lose=1*return`. Nothing in other builds.
    pub(crate) fn loses_executor(&self) -> bool {
        fail::fail_point!("executor::lose", |_| self.0.engine.lose(self.0.executor).is_ok());
        false
    }
}

impl Query {
    /// The query that the current thread is polling for.
    pub(super) fn current() -> Option<Self> {
        CURRENT.with(|current| current.borrow().clone())
    }

    pub(super) fn spawn<F>(&self, future: F) -> PoolTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let id = self.engine.next_task();
        let (abort, registration) = AbortHandle::new_pair();
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(id, abort);
        let registered = Registered { id, live: Arc::clone(&self.live) };
        let future = Abortable::new(future, registration);
        let future = async move {
            let _registered = registered;
            future.await.ok()
        };
        let polled = OnPool { query: self.clone(), future: Box::pin(future) };
        let query = self.clone();
        let schedule = move |runnable: Runnable| match query.engine.executors()[query.executor].tickets.push(&query.queue, runnable) {
            Ok(()) => query.engine.ticket(query.executor),
            // Dropping the runnable drops the future.
            Err(closed) => drop(closed),
        };
        let (runnable, task) = async_task::Builder::new().propagate_panic(true).spawn(move |()| polled, schedule);
        runnable.schedule();
        PoolTask { task: task.fallible() }
    }
}

/// A future that runs on the pool: `None` when its query was dropped first. Dropping it cancels the future; a panic of the
/// future becomes a panic of whoever awaits this.
#[derive(Debug)]
#[must_use = "dropping a task cancels it"]
pub struct PoolTask<T> {
    task: FallibleTask<Option<T>>,
}

impl<T> Future for PoolTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx).map(Option::flatten)
    }
}

/// Takes a future off its query's list when it is over, however it ends.
struct Registered {
    id: u64,
    live: Arc<Mutex<HashMap<u64, AbortHandle>>>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Polls with the I/O runtime entered, and with the query known to what the poll spawns.
struct OnPool<F> {
    query: Query,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for OnPool<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let engine = Arc::clone(&self.query.engine);
        let _runtime = engine.io.enter();
        let _current = Current::set(self.query.clone());
        let _turn = Turn::begin();
        self.future.as_mut().poll(cx)
    }
}

/// A poll, also one that panics.
struct Turn;

impl Turn {
    fn begin() -> Self {
        TURN_BEGAN.set(Some(Instant::now()));
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TURN_BEGAN.set(None);
    }
}

/// Restores the thread's query when a poll is over, also when it panics.
struct Current(Option<Query>);

impl Current {
    fn set(query: Query) -> Self {
        Self(CURRENT.with(|current| current.borrow_mut().replace(query)))
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let before = self.0.take();
        let ended = CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), before));
        drop(ended);
    }
}

/// Goes to the end of the query's queue, once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
