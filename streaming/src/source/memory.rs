//! A stream of batches that a program adds by hand, for tests and notebooks (Spark's `MemoryStream`). It lives as long as
//! its process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use tidemill_planner::seam::{Offset, ReadLimit, Slice, StreamSource, TaskScope};
use tidemill_planner::{Error, Result, SourceId};

/// Batches in memory as a stream; clones share them. An offset is the number of batches.
#[derive(Debug, Clone)]
pub struct MemoryStream {
    id: SourceId,
    schema: SchemaRef,
    max_batches: Option<usize>,
    batches: Arc<Mutex<Vec<RecordBatch>>>,
    /// How many of them a frozen stream shows.
    frozen: Arc<Mutex<Option<usize>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStream {
    /// An empty stream called `name`.
    pub fn new(name: impl Into<String>, schema: SchemaRef) -> Self {
        Self { id: SourceId::new(name), schema, max_batches: None, batches: Arc::default(), frozen: Arc::default() }
    }

    /// The same stream, of which an epoch takes at most `max_batches` batches.
    #[must_use]
    pub fn with_max_batches_per_trigger(mut self, max_batches: usize) -> Self {
        self.max_batches = Some(max_batches.max(1));
        self
    }

    /// Adds a batch, and gives the offset at its end.
    ///
    /// # Errors
    /// `Data` when the batch has other columns than the stream.
    pub fn add(&self, batch: RecordBatch) -> Result<Offset> {
        if batch.schema() != self.schema {
            return Err(Error::data(format!(
                "a batch with the columns {} was added to the stream `{}` with the columns {}",
                batch.schema(),
                self.id,
                self.schema
            )));
        }
        let mut batches = locked(&self.batches);
        batches.push(batch);
        Ok(Offset(batches.len().into()))
    }

    fn parse(&self, offset: Option<&Offset>) -> Result<usize> {
        let Some(offset) = offset else { return Ok(0) };
        let count = offset.0.as_u64().and_then(|n| usize::try_from(n).ok());
        count.ok_or_else(|| Error::corrupt(format!("source `{}`: {} is not an offset of a memory stream", self.id, offset.0)))
    }
}

#[async_trait]
impl StreamSource for MemoryStream {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn reads(&self) -> String {
        format!("the memory stream at {:p}, {:?} batches an epoch", Arc::as_ptr(&self.batches), self.max_batches)
    }

    fn for_query(&self) -> Arc<dyn StreamSource> {
        Arc::new(Self { frozen: Arc::default(), ..self.clone() })
    }

    fn description(&self) -> String {
        format!("MemoryStream[{}]", self.id)
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn malformed_schema(&self) -> Option<SchemaRef> {
        None
    }

    async fn latest(&self, from: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>> {
        let from = self.parse(from)?;
        let arrived = locked(&self.batches).len();
        let end = locked(&self.frozen).unwrap_or(arrived);
        let end = match (limit, self.max_batches) {
            (ReadLimit::SourceDefault, Some(max)) => end.min(from + max),
            _ => end,
        };
        Ok((end > from).then(|| Offset(end.into())))
    }

    async fn freeze(&self) -> Result<()> {
        let arrived = locked(&self.batches).len();
        *locked(&self.frozen) = Some(arrived);
        Ok(())
    }

    fn slice(&self, from: Option<&Offset>, to: &Offset) -> Result<Arc<dyn Slice>> {
        let (from, to) = (self.parse(from)?, self.parse(Some(to))?);
        let all = locked(&self.batches);
        let batches = all.get(from..to).ok_or_else(|| {
            Error::data(format!(
                "source `{}`: batches {from} to {to} are not in memory ({} are): a memory stream does not outlive its process; \
                 start the query with a new checkpoint",
                self.id,
                all.len()
            ))
        })?;
        Ok(Arc::new(MemorySlice { batches: batches.to_vec(), schema: Arc::clone(&self.schema) }))
    }

    fn restore(&self, _image: Option<&[u8]>, offsets: &[Offset]) -> Result<()> {
        *locked(&self.frozen) = None;
        offsets.iter().try_for_each(|offset| self.parse(Some(offset)).map(|_| ()))
    }

    fn recorded(&self, to: &Offset) -> Result<()> {
        self.parse(Some(to)).map(|_| ())
    }

    fn image(&self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn settled(&self, _to: &Offset) -> Result<()> {
        Ok(())
    }
}

/// Some of the batches, their rows dealt to tasks in contiguous runs.
#[derive(Debug)]
struct MemorySlice {
    batches: Vec<RecordBatch>,
    schema: SchemaRef,
}

impl Slice for MemorySlice {
    fn execute(
        &self,
        partition: usize,
        partitions: usize,
        scan: &SourceId,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let total: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        let (begin, end) = (total * partition / partitions, total * (partition + 1) / partitions);
        let mut runs = Vec::new();
        let mut at = 0;
        for batch in &self.batches {
            let (first, last) = (begin.max(at), end.min(at + batch.num_rows()));
            if first < last {
                runs.push(batch.slice(first - at, last - first));
            }
            at += batch.num_rows();
        }
        let (scope, scan) = (TaskScope::of(&context), scan.clone());
        let rows = futures::stream::iter(runs).map(move |batch| {
            *scope.report().source_rows.entry(scan.clone()).or_default() += batch.num_rows() as u64;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.batches.iter().map(|batch| batch.get_array_memory_size() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::super::contract::{Fixture, source_contract};
    use super::*;

    fn batch(ids: std::ops::Range<i64>) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from_iter_values(ids))]).unwrap()
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let stream = MemoryStream::new("m", batch(0..0).schema());
        let shared = stream.clone();
        source_contract(Fixture {
            column: 0,
            fresh: Box::new(move || Arc::new(shared.clone())),
            add: Box::new(move |ids| {
                stream.add(batch(ids)).unwrap();
            }),
        })
        .await;
    }

    #[tokio::test]
    async fn limits_and_errors() {
        let stream = MemoryStream::new("m", batch(0..0).schema()).with_max_batches_per_trigger(2);
        (0..5).for_each(|i| drop(stream.add(batch(i..i + 1)).unwrap()));
        assert_eq!(stream.latest(None, ReadLimit::SourceDefault).await.unwrap(), Some(Offset(2.into())));
        assert_eq!(stream.latest(Some(&Offset(4.into())), ReadLimit::SourceDefault).await.unwrap(), Some(Offset(5.into())));
        assert_eq!(stream.latest(None, ReadLimit::All).await.unwrap(), Some(Offset(5.into())));
        let error = stream.slice(None, &Offset(9.into())).unwrap_err();
        assert!(error.message().contains("new checkpoint"), "{error}");
        let other = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)]));
        assert!(stream.add(RecordBatch::new_empty(other)).is_err());
    }
}
