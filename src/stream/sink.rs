//! Where a query's rows go: one constructor per kind of sink, all behind one seam.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use tidemill_lakehouse::{DeltaAppendSink, DeltaMergeSink, SinkOptions};
use tidemill_planner::seam::Sink;
use tidemill_streaming::sink::{BatchFunction, ConsoleSink, ForEachBatchSink, MemorySink, MemoryTable};

use crate::column::Column;
use crate::io::stream_conditions;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// A sink of a streaming query.
#[derive(Debug, Clone)]
pub struct StreamSink {
    kind: Kind,
    name: Option<String>,
    condition: Option<Column>,
    options: Option<SinkOptions>,
}

#[derive(Clone)]
enum Kind {
    Append { path: String },
    Merge { path: String, on: Vec<String> },
    Memory(MemoryTable),
    Console { rows: usize },
    ForEachBatch(BatchFunction),
    Ready(Arc<dyn Sink>),
}

impl Kind {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Append { .. } => "delta_append",
            Self::Merge { .. } => "delta_merge",
            Self::Memory(_) => "memory",
            Self::Console { .. } => "console",
            Self::ForEachBatch(_) => "for_each_batch",
            Self::Ready(_) => "ready",
        }
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl StreamSink {
    fn new(kind: Kind, name: Option<String>) -> Self {
        Self { kind, name, condition: None, options: None }
    }

    /// Appends to the Delta table at `path`, exactly once; the table is made if it is not there.
    pub fn delta_append(path: impl Into<String>) -> Self {
        Self::new(Kind::Append { path: path.into() }, None)
    }

    /// Merges into the Delta table at `path` by the columns `on`, exactly once: a row whose key is there replaces it, others
    /// are inserted. The table is made if it is not there.
    pub fn delta_merge<'a>(path: impl Into<String>, on: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Kind::Merge { path: path.into(), on: on.into_iter().map(str::to_owned).collect() }, None)
    }

    /// Keeps rows in memory, for tests and a first look.
    pub fn memory(name: impl Into<String>, table: &MemoryTable) -> Self {
        Self::of_memory(table).named(name)
    }

    /// Prints rows; a replayed epoch is printed again.
    pub fn console() -> Self {
        Self::console_of(20)
    }

    /// The same, of which so many rows of an epoch are shown.
    pub fn console_of(rows: usize) -> Self {
        Self::new(Kind::Console { rows }, Some("console".to_owned()))
    }

    /// Calls `function` with each epoch's rows and number, at least once per epoch.
    pub fn for_each_batch(
        name: impl Into<String>,
        function: impl Fn(Vec<RecordBatch>, u64) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        Self::of_function(function).named(name)
    }

    pub(super) fn of_memory(table: &MemoryTable) -> Self {
        Self::new(Kind::Memory(table.clone()), None)
    }

    pub(super) fn of_function(function: impl Fn(Vec<RecordBatch>, u64) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static) -> Self {
        Self::new(Kind::ForEachBatch(Arc::new(function)), None)
    }

    /// The same under a name where it has none and none of its own.
    pub(super) fn or_named(self, name: &str) -> Self {
        if self.name.is_none() && matches!(self.kind, Kind::Memory(_) | Kind::ForEachBatch(_)) { self.named(name) } else { self }
    }

    /// A sink of your own, under its own name.
    pub fn ready(sink: Arc<dyn Sink>) -> Self {
        Self::new(Kind::Ready(sink), None)
    }

    /// Whether what it does leaves nothing that a restart would have to fit.
    pub(super) fn keeps_nothing(&self) -> bool {
        matches!(self.kind, Kind::Memory(_) | Kind::Console { .. } | Kind::ForEachBatch(_))
    }

    /// The sink's name: its identity across restarts. Without one, a table's is its own id.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// For a merge: a matched row is replaced only where `condition` holds, a predicate over `source.…` and `target.…`. It means
    /// what the same filter means over a join of the two.
    #[must_use]
    pub fn when_matched(mut self, condition: impl Into<Column>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// Options of the Delta table.
    #[must_use]
    pub fn with_options(mut self, options: SinkOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// The sink, with its condition in the language of `session`.
    ///
    /// # Errors
    /// `Analysis` for what was asked of a sink that cannot do it.
    pub(crate) fn build(self, session: &Session) -> Result<Arc<dyn Sink>> {
        let is_delta = matches!(self.kind, Kind::Append { .. } | Kind::Merge { .. });
        for (asked, what, can) in [
            (self.condition.is_some(), "when_matched", matches!(self.kind, Kind::Merge { .. })),
            (self.options.is_some(), "with_options", is_delta),
            (self.name.is_some(), "named", !matches!(self.kind, Kind::Ready(_))),
        ] {
            if asked && !can {
                return Err(Error::analysis(format!("a sink `{}` takes no `{what}`: leave it out", self.kind.as_str())));
            }
        }
        let options = self.options.unwrap_or_default();
        let name = || self.name.clone().unwrap_or_default();
        Ok(match self.kind {
            Kind::Append { path } => Arc::new(DeltaAppendSink::new(self.name, path, options)),
            Kind::Merge { path, on } => {
                let language = stream_conditions(session);
                let condition = self.condition.map(|condition| crate::io::condition_of(condition, Arc::clone(&language)));
                Arc::new(DeltaMergeSink::new(self.name, path, on, condition, options).with_language(language))
            }
            Kind::Memory(table) => Arc::new(MemorySink::new(name(), table)),
            Kind::Console { rows } => Arc::new(ConsoleSink::stdout(name()).with_rows(rows)),
            Kind::ForEachBatch(function) => Arc::new(ForEachBatchSink::new(name(), function)),
            Kind::Ready(sink) => sink,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::lit;

    use super::*;

    #[test]
    fn a_name_is_taken_by_every_sink_that_has_none_of_its_own() {
        let table = MemoryTable::default();
        let function = |_: Vec<RecordBatch>, _: u64| -> BoxFuture<'static, Result<()>> { Box::pin(async { Ok(()) }) };
        let session = Session::builder().build().unwrap();
        for sink in [
            StreamSink::console(),
            StreamSink::memory("m", &table),
            StreamSink::for_each_batch("f", function),
            StreamSink::delta_append("t"),
        ] {
            assert_eq!(sink.named("mine").build(&session).unwrap().id(), "mine");
        }
        assert_eq!(StreamSink::console().build(&session).unwrap().id(), "console");
    }

    #[test]
    fn what_a_sink_cannot_do_is_refused() {
        let ready = || StreamSink::ready(Arc::new(ConsoleSink::stdout("own")));
        let session = Session::builder().build().unwrap();
        for (sink, says) in [
            (ready().named("other"), "`ready` takes no `named`"),
            (StreamSink::console().when_matched(lit(true)), "`console` takes no `when_matched`"),
            (StreamSink::delta_append("t").when_matched(lit(true)), "`delta_append` takes no `when_matched`"),
            (StreamSink::console().with_options(SinkOptions::default()), "`console` takes no `with_options`"),
        ] {
            let error = sink.build(&session).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }
}
