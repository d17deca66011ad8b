//! A result one batch after the other: the rows of `to_local_iterator`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use tidemill_executor::run::RowStream;

use super::{DataFrame, Shape};
use crate::session::{Telling, warn_of_malformed};
use tidemill_planner::Result;

impl DataFrame {
    /// The rows as a stream of Arrow batches, in the order of the partitions. The query begins with the first that is asked for, and runs no
    /// more than a few batches ahead of the reader: a result of any size takes little memory. Dropping the stream ends the query.
    ///
    /// ```
    /// # use futures::TryStreamExt;
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let session = tidemill::Session::builder().build()?;
    /// let mut batches = session.range(0, 1_000_000).await?.to_local_iterator().await?;
    /// let mut rows = 0;
    /// while let Some(batch) = batches.try_next().await? {
    ///     rows += batch.num_rows();
    /// }
    /// assert_eq!(rows, 1_000_000);
    /// # Ok::<_, tidemill::Error>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`]; what fails while rows are made is an item of the stream, and its last. A task that fails is not
    /// run again once rows have been given.
    pub async fn to_local_iterator(&self) -> Result<BatchStream> {
        let (plan, shape) = self.ready().await?;
        let (rows, telling) = self.session.run_stream(&plan).await?;
        Ok(BatchStream { shape, rows, telling, max_result_bytes: self.session.max_result_bytes() })
    }
}

/// Rows of a [`DataFrame`] while they are made.
pub struct BatchStream {
    shape: Shape,
    rows: RowStream,
    telling: Option<Telling>,
    max_result_bytes: u64,
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl BatchStream {
    /// The same for a reader that keeps all rows: the query does not wait for it, and fails as [`DataFrame::collect`] does when they take more
    /// than `spark.driver.maxResultSize`.
    #[must_use]
    pub fn holding_all(self) -> Self {
        Self { rows: self.rows.holding_at_most(self.max_result_bytes), ..self }
    }

    /// The columns, under the user's names.
    pub fn schema(&self) -> &SchemaRef {
        &self.shape.schema
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(telling) = &mut self.telling {
            telling.poll(cx);
        }
        let next = std::task::ready!(self.rows.poll_next_unpin(cx));
        if next.as_ref().is_none_or(|next| next.is_err()) {
            self.telling = None;
        }
        if next.is_none()
            && let Some(report) = self.rows.report()
        {
            warn_of_malformed(report);
        }
        Poll::Ready(next.map(|batch| self.shape.shaped(batch?)))
    }
}
