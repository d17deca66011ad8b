//! Where a query's rows go: one constructor per kind of sink, all behind one seam.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::prelude::Expr;
use futures::future::BoxFuture;
use tidemill_lakehouse::{DeltaAppendSink, DeltaMergeSink, SinkOptions};
use tidemill_planner::seam::Sink;
use tidemill_streaming::sink::{ConsoleSink, ForEachBatchSink, MemorySink, MemoryTable};

use crate::Result;

/// A sink of a streaming query.
#[derive(Debug, Clone)]
pub struct StreamSink {
    kind: Kind,
    name: Option<String>,
}

#[derive(Debug, Clone)]
enum Kind {
    Append { path: String, options: SinkOptions },
    Merge { path: String, on: Vec<String>, condition: Option<Expr>, options: SinkOptions },
    Ready(Arc<dyn Sink>),
}

impl StreamSink {
    /// Appends to the Delta table at `path`, exactly once; the table is made if it is not there.
    pub fn delta_append(path: impl Into<String>) -> Self {
        Self { kind: Kind::Append { path: path.into(), options: SinkOptions::default() }, name: None }
    }

    /// Merges into the Delta table at `path` by the columns `on`, exactly once: a row whose key is there replaces it, others
    /// are inserted. The table is made if it is not there.
    pub fn delta_merge<'a>(path: impl Into<String>, on: impl IntoIterator<Item = &'a str>) -> Self {
        let on = on.into_iter().map(str::to_owned).collect();
        Self { kind: Kind::Merge { path: path.into(), on, condition: None, options: SinkOptions::default() }, name: None }
    }

    /// Keeps rows in memory, for tests and a first look.
    pub fn memory(name: impl Into<String>, table: &MemoryTable) -> Self {
        Self::ready(Arc::new(MemorySink::new(name, table.clone())))
    }

    /// Prints rows; a replayed epoch is printed again.
    pub fn console() -> Self {
        Self::ready(Arc::new(ConsoleSink::stdout("console")))
    }

    /// Calls `function` with each epoch's rows and number, at least once per epoch.
    pub fn for_each_batch(
        name: impl Into<String>,
        function: impl Fn(Vec<RecordBatch>, u64) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        Self::ready(Arc::new(ForEachBatchSink::new(name, Arc::new(function))))
    }

    /// A sink of your own.
    pub fn ready(sink: Arc<dyn Sink>) -> Self {
        Self { kind: Kind::Ready(sink), name: None }
    }

    /// The sink's name: its identity across restarts. Without one it is the table's own id.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// For a merge: a matched row is replaced only where `condition` holds, a predicate over `source.…` and `target.…`.
    #[must_use]
    pub fn when_matched(mut self, condition: Expr) -> Self {
        if let Kind::Merge { condition: slot, .. } = &mut self.kind {
            *slot = Some(condition);
        }
        self
    }

    /// Options of the Delta table.
    #[must_use]
    pub fn with_options(mut self, options: SinkOptions) -> Self {
        match &mut self.kind {
            Kind::Append { options: slot, .. } | Kind::Merge { options: slot, .. } => *slot = options,
            Kind::Ready(_) => {}
        }
        self
    }

    pub(crate) fn build(self) -> Arc<dyn Sink> {
        match self.kind {
            Kind::Append { path, options } => Arc::new(DeltaAppendSink::new(self.name, path, options)),
            Kind::Merge { path, on, condition, options } => Arc::new(DeltaMergeSink::new(self.name, path, on, condition, options)),
            Kind::Ready(sink) => sink,
        }
    }
}
