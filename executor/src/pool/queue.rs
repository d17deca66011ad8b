//! Who is next: one queue of runnables per query, streaming ahead of batch. Queries take turns; those of one line have one turn among them,
//! the oldest first. It runs nothing.
//!
//! ```text
//! batch ring ─► [line: query 3] ─► [line "nightly": query 1, query 4] ─► [line: query 7] ─► back to the first
//!                                             └── query 4 when query 1 has nothing ready
//! ```

use std::collections::{BTreeMap, VecDeque};
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

/// How batch queries share the threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheduling {
    /// Queries take turns, and those of one named pool have one turn among them.
    #[default]
    Fair,
    /// A query has all threads that it can use, before those that came after it.
    Fifo,
}

impl Scheduling {
    /// The line of the query with this number.
    pub(super) fn line(self, priority: Priority, number: u64, pool: Option<&str>) -> Line {
        match (self, priority, pool) {
            (Self::Fair, Priority::Batch, Some(pool)) => Line::Pool(pool.into()),
            (Self::Fifo, Priority::Batch, _) => Line::All,
            (_, Priority::Streaming, _) | (_, _, None) => Line::Own(number),
        }
    }
}

/// Which queries have one turn among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// This one alone.
    Own(u64),
    /// Those of a pool.
    Pool(Arc<str>),
    /// All there are.
    All,
}

/// One turn in so many goes to batch first, so that a busy stream slows batch queries down but never stops them.
const BATCH_FIRST_EVERY: u32 = 16;

/// A query's runnables, in the order in which they became ready.
pub(super) struct QueryQueue {
    priority: Priority,
    /// Rises from query to query.
    number: u64,
    line: Line,
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
    streaming: VecDeque<Waiting>,
    batch: VecDeque<Waiting>,
    turn: u32,
}

/// The queries of a line that have something to run, by number.
struct Waiting {
    line: Line,
    queries: BTreeMap<u64, Arc<QueryQueue>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl QueryQueue {
    pub(super) fn new(priority: Priority, number: u64, line: Line) -> Self {
        Self { priority, number, line, inner: Mutex::default() }
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
            rings.join(query);
        }
        inner.ready.push_back(runnable);
        Ok(())
    }

    /// The next runnable: a line that still has some goes to the end of its ring.
    pub(super) fn pop(&self) -> Option<Runnable> {
        let mut rings = lock(&self.rings);
        rings.turn = rings.turn.wrapping_add(1);
        let batch_first = rings.turn.is_multiple_of(BATCH_FIRST_EVERY);
        let order = if batch_first { [Priority::Batch, Priority::Streaming] } else { [Priority::Streaming, Priority::Batch] };
        for priority in order {
            let ring = rings.of(priority);
            while let Some(mut line) = ring.pop_front() {
                while let Some(first) = line.queries.first_entry() {
                    let mut inner = lock(&first.get().inner);
                    // A query that was closed has none.
                    let runnable = inner.ready.pop_front();
                    let more = !inner.ready.is_empty();
                    drop(inner);
                    if !more {
                        first.remove();
                    }
                    if let Some(runnable) = runnable {
                        if !line.queries.is_empty() {
                            ring.push_back(line);
                        }
                        return Some(runnable);
                    }
                }
            }
        }
        None
    }
}

impl Rings {
    /// Puts a query that has something to run now in its line, and the line at the end of its ring if it was not in it.
    fn join(&mut self, query: &Arc<QueryQueue>) {
        let ring = self.of(query.priority);
        match ring.iter_mut().find(|waiting| waiting.line == query.line) {
            Some(waiting) => drop(waiting.queries.insert(query.number, Arc::clone(query))),
            None => {
                let queries = BTreeMap::from([(query.number, Arc::clone(query))]);
                ring.push_back(Waiting { line: query.line.clone(), queries });
            }
        }
    }

    fn of(&mut self, priority: Priority) -> &mut VecDeque<Waiting> {
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
        f.debug_struct("QueryQueue").field("priority", &self.priority).field("line", &self.line).finish_non_exhaustive()
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

    fn query(scheduling: Scheduling, priority: Priority, number: u64, pool: Option<&str>) -> Arc<QueryQueue> {
        Arc::new(QueryQueue::new(priority, number, scheduling.line(priority, number, pool)))
    }

    fn fair(priority: Priority, number: u64) -> Arc<QueryQueue> {
        query(Scheduling::Fair, priority, number, None)
    }

    #[test]
    fn queries_take_turns_and_streaming_goes_first() {
        let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let tickets = Tickets::default();
        let queries: Vec<Arc<QueryQueue>> =
            (0..).zip([Priority::Batch, Priority::Batch, Priority::Streaming]).map(|(n, p)| fair(p, n)).collect();
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
    fn a_pool_has_one_turn_and_the_first_come_has_all_of_them_under_fifo() {
        // Pools of the queries a, b, c and of the stream s, and the order in which they run. The younger of two queries is ready first.
        type Pools = [Option<&'static str>; 4];
        let cases: [(&str, Scheduling, Pools, &str); 4] = [
            ("each for itself", Scheduling::Fair, [None; 4], "s s c b a c b a"),
            ("a and b in one", Scheduling::Fair, [Some("x"), Some("x"), None, None], "s s c a c a b b"),
            ("a pool of one is nothing else", Scheduling::Fair, [Some("x"), None, Some("z"), Some("x")], "s s c b a c b a"),
            ("first come, first served", Scheduling::Fifo, [None, Some("x"), None, None], "s s a a b b c c"),
        ];
        for (name, scheduling, pools, expected) in cases {
            let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
            let tickets = Tickets::default();
            for (number, label, priority) in
                [(2, "c", Priority::Batch), (1, "b", Priority::Batch), (0, "a", Priority::Batch), (3, "s", Priority::Streaming)]
            {
                let query = query(scheduling, priority, number, pools[number as usize]);
                for _ in 0..2 {
                    tickets.push(&query, runnable(label, &log, &done)).unwrap();
                }
            }
            while let Some(runnable) = tickets.pop() {
                runnable.run();
            }
            assert_eq!(log.lock().unwrap().join(" "), expected, "{name}");
        }
    }

    #[test]
    fn a_query_that_is_closed_leaves_the_turn_to_its_pool() {
        let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let tickets = Tickets::default();
        let [first, second] = [0, 1].map(|number| query(Scheduling::Fifo, Priority::Batch, number, None));
        tickets.push(&first, runnable("a", &log, &done)).unwrap();
        tickets.push(&second, runnable("b", &log, &done)).unwrap();
        drop(first.close());
        tickets.pop().unwrap().run();
        assert!(tickets.pop().is_none());
        assert_eq!(*log.lock().unwrap(), ["b"]);
    }

    #[test]
    fn batch_is_never_stopped_by_a_stream() {
        let (log, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let tickets = Tickets::default();
        let (stream, batch) = (fair(Priority::Streaming, 0), fair(Priority::Batch, 1));
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
        let query = fair(Priority::Batch, 0);
        tickets.push(&query, runnable("a", &log, &done)).unwrap();
        assert_eq!(query.close().len(), 1);
        assert!(tickets.push(&query, runnable("b", &log, &done)).is_err());
        assert!(tickets.pop().is_none());
    }
}
