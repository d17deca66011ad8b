//! Who is next: one queue of runnables per query, popped round-robin, streaming ahead of batch. It runs nothing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_task::Runnable;

/// Which queries go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Epochs of a streaming query: somebody waits for each.
    Streaming,
    /// Everything else.
    Batch,
}

/// One turn in so many goes to batch first, so that a busy stream slows batch queries down but never stops them.
const BATCH_FIRST_EVERY: u32 = 16;

/// A query's runnables, in the order in which they became ready.
pub(super) struct QueryQueue {
    priority: Priority,
    inner: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
    ready: VecDeque<Runnable>,
    closed: bool,
}

/// All queries with something to run.
#[derive(Default)]
pub(crate) struct Tickets {
    rings: Mutex<Rings>,
}

#[derive(Default)]
struct Rings {
    streaming: VecDeque<Arc<QueryQueue>>,
    batch: VecDeque<Arc<QueryQueue>>,
    turn: u32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl QueryQueue {
    pub(super) fn new(priority: Priority) -> Self {
        Self { priority, inner: Mutex::default() }
    }

    /// Takes what is in the queue away and takes no more. Dropping a runnable drops its future, so the caller does so
    /// outside of any lock.
    pub(super) fn close(&self) -> VecDeque<Runnable> {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        std::mem::take(&mut inner.ready)
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        lock(&self.inner).closed
    }
}

impl Tickets {
    /// Puts a runnable in line; a closed query's is handed back, to be dropped.
    pub(super) fn push(&self, query: &Arc<QueryQueue>, runnable: Runnable) -> Result<(), Runnable> {
        let mut rings = lock(&self.rings);
        let mut inner = lock(&query.inner);
        if inner.closed {
            return Err(runnable);
        }
        if inner.ready.is_empty() {
            rings.of(query.priority).push_back(Arc::clone(query));
        }
        inner.ready.push_back(runnable);
        Ok(())
    }

    /// The next runnable: a query that still has some goes to the end of its ring.
    pub(super) fn pop(&self) -> Option<Runnable> {
        let mut rings = lock(&self.rings);
        rings.turn = rings.turn.wrapping_add(1);
        let batch_first = rings.turn.is_multiple_of(BATCH_FIRST_EVERY);
        let order = if batch_first { [Priority::Batch, Priority::Streaming] } else { [Priority::Streaming, Priority::Batch] };
        for priority in order {
            let ring = rings.of(priority);
            while let Some(query) = ring.pop_front() {
                let mut inner = lock(&query.inner);
                let Some(runnable) = inner.ready.pop_front() else { continue };
                let more = !inner.ready.is_empty();
                drop(inner);
                if more {
                    ring.push_back(query);
                }
                return Some(runnable);
            }
        }
        None
    }
}

impl Rings {
    fn of(&mut self, priority: Priority) -> &mut VecDeque<Arc<QueryQueue>> {
        match priority {
            Priority::Streaming => &mut self.streaming,
            Priority::Batch => &mut self.batch,
        }
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rings = lock(&self.rings);
        f.debug_struct("Tickets").field("streaming", &rings.streaming.len()).field("batch", &rings.batch.len()).finish()
    }
}

impl fmt::Debug for QueryQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryQueue").field("priority", &self.priority).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Runnables that note their label when they are run; none of them reschedules itself.
    fn runnable(label: &'static str, log: &Arc<Mutex<Vec<&'static str>>>, done: &Arc<AtomicUsize>) -> Runnable {
        let (log, done) = (Arc::clone(log), Arc::clone(done));
        let future = async move {
            log.lock().unwrap().push(label);
            done.fetch_add(1, Ordering::Relaxed);
        };
        let (runnable, task) = async_task::spawn(future, |_| {});
        task.detach();
        runnable
    }

    #[test]
    fn queries_take_turns_and_streaming_goes_first() {
        let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let tickets = Tickets::default();
        let queries: Vec<Arc<QueryQueue>> =
            [Priority::Batch, Priority::Batch, Priority::Streaming].into_iter().map(|p| Arc::new(QueryQueue::new(p))).collect();
        for (query, labels) in [(0, ["a1", "a2", "a3"]), (1, ["b1", "b2", "b3"]), (2, ["s1", "s2", "s3"])] {
            for label in labels {
                tickets.push(&queries[query], runnable(label, &log, &done)).unwrap();
            }
        }
        while let Some(runnable) = tickets.pop() {
            runnable.run();
        }
        assert_eq!(done.load(Ordering::Relaxed), 9);
        assert_eq!(*log.lock().unwrap(), ["s1", "s2", "s3", "a1", "b1", "a2", "b2", "a3", "b3"]);
    }

    #[test]
    fn batch_is_never_stopped_by_a_stream() {
        let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let tickets = Tickets::default();
        let (stream, batch) = (Arc::new(QueryQueue::new(Priority::Streaming)), Arc::new(QueryQueue::new(Priority::Batch)));
        for _ in 0..100 {
            tickets.push(&stream, runnable("s", &log, &done)).unwrap();
        }
        tickets.push(&batch, runnable("b", &log, &done)).unwrap();
        for _ in 0..BATCH_FIRST_EVERY {
            tickets.pop().unwrap().run();
        }
        assert_eq!(log.lock().unwrap().iter().filter(|l| **l == "b").count(), 1);
    }

    #[test]
    fn a_closed_query_gives_back_what_it_is_handed() {
        let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let tickets = Tickets::default();
        let query = Arc::new(QueryQueue::new(Priority::Batch));
        tickets.push(&query, runnable("a", &log, &done)).unwrap();
        assert_eq!(query.close().len(), 1);
        assert!(tickets.push(&query, runnable("b", &log, &done)).is_err());
        assert!(tickets.pop().is_none());
    }
}
