//! A result as a stream: rows are given while tasks make them, in the order of the partitions, and tasks wait for a reader who is slow.
//!
//! ```text
//! task 0 ─► [batch batch] ─┐
//! task 1 ─► [batch batch] ─┼─► RowStream: all of partition 0, then all of 1, …
//! task 2    not begun      ┘
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::Stream;
use tidemill_planner::stage::StageGraph;
use tidemill_planner::{Error, Result};

use super::{Receipt, RowSink, RunContext, RunReport, TaskSink, run_graph};
use crate::pool::QueryHandle;
use crate::shuffle::{ResultBytes, batch_bytes};

/// How many batches of a partition wait for the reader before its task does.
const BATCHES_AHEAD: usize = 4;

/// The rows of a graph's one root. Dropping it cancels what still runs.
pub struct RowStream {
    schema: SchemaRef,
    queues: Arc<Queues>,
    run: Option<Pin<Box<dyn Future<Output = Result<RunReport>> + Send>>>,
    report: Option<RunReport>,
    failed: bool,
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("queues", &self.queues).field("runs", &self.run.is_some()).finish_non_exhaustive()
    }
}

impl RowStream {
    /// Begins to run `graph` for `query` when it is first polled.
    ///
    /// # Errors
    /// `Internal` for a graph with more roots than one.
    pub fn of(query: QueryHandle, graph: StageGraph, context: RunContext) -> Result<Self> {
        let [root] = graph.roots[..] else {
            return Err(Error::internal(format!("a stream of rows has one root, not {}", graph.roots.len())));
        };
        let schema = graph.stage(root).plan.schema();
        let queues = Arc::new(Queues::default());
        let context = context.delivering_to(Arc::new(QueueSink(Arc::clone(&queues))));
        let run = Box::pin(async move { run_graph(&query, &graph, context).await.map(|output| output.report) });
        Ok(Self { schema, queues, run: Some(run), report: None, failed: false })
    }

    /// The same for a reader who keeps all rows: no task waits for him, and rows of more bytes than these are an error (0 for any number).
    #[must_use]
    pub fn holding_at_most(self, bytes: u64) -> Self {
        self.queues.lock().held = Some(Arc::new(ResultBytes::at_most(bytes)));
        self
    }

    /// The rows' columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the tasks reported beside their rows, when all rows have been given.
    pub fn report(&self) -> Option<&RunReport> {
        self.report.as_ref()
    }
}

impl Stream for RowStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.failed {
            return Poll::Ready(None);
        }
        if let Some(run) = &mut self.run
            && let Poll::Ready(ended) = run.as_mut().poll(cx)
        {
            self.run = None;
            match ended {
                Ok(report) => self.report = Some(report),
                Err(error) => {
                    self.failed = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        match self.queues.poll_take(cx) {
            Poll::Ready(Some(batch)) => Poll::Ready(Some(Ok(batch))),
            // There may be partitions that have not begun.
            _ if self.run.is_some() => Poll::Pending,
            _ => Poll::Ready(None),
        }
    }
}

/// What lies between the tasks and the reader.
#[derive(Debug, Default)]
struct Queues(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    partitions: Vec<Queue>,
    /// The partition that the reader is at.
    at: usize,
    /// Whether the reader has taken any row: no partition may be begun anew then.
    taken: bool,
    /// Counts the rows that were given or wait, where the reader keeps them all.
    held: Option<Arc<ResultBytes>>,
    reader: Option<Waker>,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<RecordBatch>,
    /// Of its rows, where they are counted.
    bytes: u64,
    /// Which attempt fills it, counted from 1.
    attempt: u64,
    finished: bool,
    writer: Option<Waker>,
}

impl Queues {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<RecordBatch>> {
        let mut state = self.lock();
        loop {
            let at = state.at;
            let Some(queue) = state.partitions.get_mut(at) else { break };
            if let Some(batch) = queue.batches.pop_front() {
                let writer = queue.writer.take();
                state.taken = true;
                drop(state);
                if let Some(writer) = writer {
                    writer.wake();
                }
                return Poll::Ready(Some(batch));
            }
            if !queue.finished {
                break;
            }
            state.at += 1;
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The queues as what attempts open.
#[derive(Debug)]
struct QueueSink(Arc<Queues>);

impl RowSink for QueueSink {
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>> {
        let mut state = self.0.lock();
        if state.partitions.len() <= partition {
            state.partitions.resize_with(partition + 1, Queue::default);
        }
        let (taken, held) = (state.taken, state.held.clone());
        let queue = &mut state.partitions[partition];
        if queue.attempt > 0 && taken {
            return Err(Error::internal(format!(
                "partition {partition} would be computed again, after rows of it may have been given: run the query again"
            )));
        }
        // What was passed by since it had no rows may have some now.
        state.at = if state.taken { state.at } else { state.at.min(partition) };
        let queue = &mut state.partitions[partition];
        queue.attempt += 1;
        queue.batches.clear();
        let bytes = std::mem::take(&mut queue.bytes);
        if let Some(held) = held {
            held.give_back(bytes);
        }
        queue.finished = false;
        Ok(Box::new(Fill { queues: Arc::clone(&self.0), partition, attempt: queue.attempt }))
    }

    fn can_begin_anew(&self) -> bool {
        !self.0.lock().taken
    }

    fn begin_anew(&self) {
        let mut state = self.0.lock();
        let given_back = std::mem::take(&mut state.partitions).iter().map(|queue| queue.bytes).sum();
        if let Some(held) = &state.held {
            held.give_back(given_back);
        }
        state.at = 0;
    }
}

/// Fills a partition's queue for one attempt.
#[derive(Debug)]
struct Fill {
    queues: Arc<Queues>,
    partition: usize,
    attempt: u64,
}

impl Fill {
    /// The queue, unless a later attempt fills it.
    fn queue<'a>(&self, state: &'a mut State) -> Result<&'a mut Queue> {
        match state.partitions.get_mut(self.partition) {
            Some(queue) if queue.attempt == self.attempt => Ok(queue),
            _ => Err(Error::cancelled(format!("another attempt gives the rows of partition {}", self.partition))),
        }
    }

    fn poll_push(&self, batch: &mut Option<RecordBatch>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.queues.lock();
        let held = state.held.clone();
        let queue = self.queue(&mut state)?;
        if let (Some(held), Some(batch)) = (&held, batch.as_ref()) {
            let bytes = batch_bytes(batch);
            queue.bytes += bytes;
            held.add(bytes)?;
        } else if queue.batches.len() >= BATCHES_AHEAD {
            queue.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        queue.batches.extend(batch.take());
        state.wake_reader();
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl TaskSink for Fill {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let mut batch = Some(batch);
        poll_fn(|cx| self.poll_push(&mut batch, cx)).await
    }

    async fn finish(self: Box<Self>) -> Result<Receipt> {
        let mut state = self.queues.lock();
        self.queue(&mut state)?.finished = true;
        state.wake_reader();
        Ok(Box::new(()))
    }
}

impl State {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn numbers(values: &[i64]) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef)]).unwrap()
    }

    /// What the reader is given until it would have to wait.
    fn given(queues: &Queues) -> Vec<usize> {
        let mut context = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match queues.poll_take(&mut context) {
            Poll::Ready(batch) => batch.map(|batch| batch.num_rows()),
            Poll::Pending => None,
        })
        .collect()
    }

    async fn fill(sink: &QueueSink, partition: usize, rows: &[RecordBatch]) {
        let mut task = sink.open(partition).unwrap();
        for batch in rows {
            task.push(batch.clone()).await.unwrap();
        }
        task.finish().await.unwrap();
    }

    #[tokio::test]
    async fn a_partition_that_was_empty_and_is_begun_anew_is_not_passed_by() {
        let queues = Arc::new(Queues::default());
        let sink = QueueSink(Arc::clone(&queues));
        fill(&sink, 0, &[]).await;
        drop(sink.open(1).unwrap());
        assert_eq!(given(&queues), [0; 0]);
        assert!(sink.can_begin_anew());
        fill(&sink, 0, &[numbers(&[1, 2])]).await;
        fill(&sink, 1, &[numbers(&[3])]).await;
        assert_eq!(given(&queues), [2, 1]);
        assert!(!sink.can_begin_anew() && sink.open(0).is_err());
    }

    #[tokio::test]
    async fn a_run_that_begins_anew_with_fewer_partitions_leaves_nothing_of_the_first() {
        let queues = Arc::new(Queues::default());
        let sink = QueueSink(Arc::clone(&queues));
        fill(&sink, 0, &[]).await;
        fill(&sink, 2, &[numbers(&[1, 2, 3])]).await;
        assert_eq!(given(&queues), [0; 0]);
        sink.begin_anew();
        fill(&sink, 0, &[numbers(&[4])]).await;
        assert_eq!(given(&queues), [1]);
    }
}
