//! Hands each epoch's rows to a user's function with the epoch's number. At least once: an epoch that is replayed is handed
//! over again, with the same number and the same rows, so that a function that remembers the number is exactly-once.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::future::BoxFuture;
use tidemill_planner::Result;
use tidemill_planner::seam::{Capability, Receipt, Sink, SinkRun, SinkTarget};

/// A function over an epoch's rows and its number.
pub type BatchFunction = Arc<dyn Fn(Vec<RecordBatch>, u64) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The sink in front of a function, which is called once per epoch, with no rows when there are none.
pub struct ForEachBatchSink {
    id: String,
    function: BatchFunction,
}

impl std::fmt::Debug for ForEachBatchSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForEachBatchSink").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ForEachBatchSink {
    /// A sink named `name` that calls `function`.
    pub fn new(name: impl Into<String>, function: BatchFunction) -> Self {
        Self { id: name.into(), function }
    }
}

#[async_trait]
impl Sink for ForEachBatchSink {
    fn id(&self) -> &str {
        &self.id
    }

    fn description(&self) -> String {
        format!("ForeachBatchSink[{}]", self.id)
    }

    fn capability(&self) -> Capability {
        Capability::Direct
    }

    async fn open(&self, _schema: SchemaRef) -> Result<SinkTarget> {
        Ok(SinkTarget { id: "for_each_batch".to_owned(), schema: serde_json::Value::Null, how: None })
    }

    async fn stage(&self, _run: &SinkRun, epoch: u64, _partition: usize, batches: Vec<RecordBatch>) -> Result<Receipt> {
        let rows = batches.iter().map(|b| b.num_rows() as u64).sum();
        (self.function)(batches, epoch).await?;
        Ok(Receipt { meta: serde_json::Value::Null, inline: None, rows })
    }
}
