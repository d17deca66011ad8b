//! A query with one or several sinks: what is written where, by which trigger, with which checkpoint. All sinks of a query
//! share one record per epoch, and what their plans have in common is executed once.

use std::path::PathBuf;
use std::sync::Arc;

use tidemill_streaming::query::{PhaseObserver, QueryOptions, StreamingQuery, start};
use tidemill_streaming::state::{ImagePolicy, Retention};

use super::{StreamSink, Trigger, plan};
use crate::dataframe::DataFrame;
use crate::session::RESULT_SETTINGS;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// Collects the sinks and settings of a streaming query.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct StreamingQueryBuilder {
    session: Session,
    name: Option<String>,
    checkpoint: Option<PathBuf>,
    trigger: Option<Trigger>,
    sinks: Vec<(DataFrame, StreamSink)>,
    images: ImagePolicy,
    retention: Retention,
    abandoned_sinks: Vec<String>,
    observer: Option<Arc<dyn PhaseObserver>>,
}

impl Session {
    /// Begins a streaming query of one or several sinks.
    pub fn streaming_query(&self, name: impl Into<String>) -> StreamingQueryBuilder {
        StreamingQueryBuilder::new(self.clone(), Some(name.into()))
    }
}

impl StreamingQueryBuilder {
    pub(super) fn new(session: Session, name: Option<String>) -> Self {
        Self {
            session,
            name,
            checkpoint: None,
            trigger: None,
            sinks: Vec::new(),
            images: ImagePolicy::default(),
            retention: Retention::default(),
            abandoned_sinks: Vec::new(),
            observer: None,
        }
    }

    /// The directory in which the query keeps its log and state.
    pub fn checkpoint_location(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// When epochs run; without it, as soon as there is something to do.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = Some(trigger);
        self
    }

    /// Writes the rows of `frame` to `sink`.
    pub fn add(mut self, frame: &DataFrame, sink: StreamSink) -> Self {
        self.sinks.push((frame.clone(), sink));
        self
    }

    /// Writes the rows that the watermark drops at the stateful operator that `frame` ends in, with the columns `operator`,
    /// `watermark` and `epoch` added, to `sink`: late rows are not lost.
    ///
    /// When `frame` does not end in an operator that drops late rows, [`StreamingQueryBuilder::start`] says so.
    pub fn with_late_rows(self, frame: &DataFrame, sink: StreamSink) -> Self {
        self.add(&frame.late_rows(), sink)
    }

    /// Writes the input that the source `frame` could not read as its schema says (`file`, `line`, `text`, `reason`) to `sink`: of
    /// JSON the lines, of Parquet the files, and any file whose name is not UTF-8. Of a file, `line` and `text` are null.
    ///
    /// Each is told once, in the epoch that took it, and is never taken again under the same name. It is what the bytes say, now
    /// and for ever. What may be otherwise the next time — a permission, a failing disk, a file that changes while it is read —
    /// is no dead letter: the query tries again, then stops with an error that names the file.
    ///
    /// When `frame` is not a source whose rows can be malformed, [`StreamingQueryBuilder::start`] says so.
    pub fn with_dead_letters(self, frame: &DataFrame, sink: StreamSink) -> Self {
        self.add(&frame.malformed_rows(), sink)
    }

    /// How often state images are written: at the latest after so many epochs, or so many bytes of changes.
    pub fn images(mut self, policy: ImagePolicy) -> Self {
        self.images = policy;
        self
    }

    /// How long records and images stay that no restart needs.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Gives up what an earlier version of the query had recorded for the sink `id`, which it has no more.
    pub fn abandon_sink(mut self, id: impl Into<String>) -> Self {
        self.abandoned_sinks.push(id.into());
        self
    }

    /// Who is told of the loop's phases.
    pub fn observer(mut self, observer: Arc<dyn PhaseObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// How the query will run, stage by stage.
    ///
    /// # Errors
    /// Those of planning: see [`StreamingQueryBuilder::start`].
    pub async fn explain(&self) -> Result<String> {
        let mut roots = Vec::with_capacity(self.sinks.len());
        for (frame, _) in &self.sinks {
            roots.push(frame.plan().await?);
        }
        Ok(plan::plan(&self.session, roots, Vec::new()).await?.graph.to_string())
    }

    /// Plans the query once, recovers from its checkpoint, and runs it until it is stopped.
    ///
    /// # Errors
    /// `Analysis` and `Unsupported` for plans that cannot run as a stream, and the errors of
    /// [`tidemill_streaming::query::start`].
    pub async fn start(self) -> Result<StreamingQuery> {
        let checkpoint = self.checkpoint.ok_or_else(|| {
            Error::analysis("a streaming query needs a directory for its log and state: give it with `checkpoint_location`")
        })?;
        let session = &self.session;
        let (mut roots, mut sinks) = (Vec::new(), Vec::new());
        for (frame, sink) in self.sinks {
            roots.push(frame.plan().await?);
            sinks.push(sink.build(session)?);
        }
        let plan = plan::plan(&self.session, roots, sinks).await?;
        let mut options = QueryOptions::new(self.session.engine()?.clone(), checkpoint);
        options.name = self.name;
        options.images = self.images;
        options.retention = self.retention;
        options.abandoned_sinks = self.abandoned_sinks;
        options.observer = self.observer;
        options.settings = RESULT_SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), self.session.setting(name)?))).collect();
        if let Some(trigger) = self.trigger {
            options.trigger = trigger.0;
        }
        start(plan, options).await
    }
}
