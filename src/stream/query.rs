//! A query with one or several sinks: what is written where, by which trigger, with which checkpoint. All sinks of a query
//! share one record per epoch, and what their plans have in common is executed once.

use std::path::PathBuf;
use std::sync::Arc;

use tidemill_streaming::query::{PhaseObserver, QueryOptions, StreamingQuery, start};
use tidemill_streaming::state::{ImagePolicy, Retention};

use super::{StreamSink, Trigger, plan};
use crate::dataframe::DataFrame;
use crate::session::{CHECKPOINT_LOCATION, RESULT_SETTINGS, Session};
use crate::stores::refuse;
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

    /// The directory in which the query keeps its log and state. Sinks that keep nothing themselves (console, memory, functions) do
    /// without: then it is a temporary one, and goes with the query.
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
        let (mut roots, mut sinks) = (Vec::new(), Vec::new());
        for (frame, sink) in &self.sinks {
            roots.push(frame.plan().await?);
            sinks.push(sink.clone().build(&self.session)?);
        }
        Ok(plan::plan(&self.session, roots, sinks).await?.graph.to_string())
    }

    /// Plans the query once, recovers from its checkpoint, and runs it until it is stopped.
    ///
    /// # Errors
    /// `Analysis` and `Unsupported` for plans that cannot run as a stream, and the errors of
    /// [`tidemill_streaming::query::start`].
    pub async fn start(self) -> Result<StreamingQuery> {
        let session = &self.session;
        let keeps_nothing = !self.sinks.is_empty() && self.sinks.iter().all(|(_, sink)| sink.keeps_nothing());
        let (checkpoint, temporary) = checkpoint(session, self.checkpoint, self.name.as_deref(), keeps_nothing)?;
        let (mut roots, mut sinks) = (Vec::new(), Vec::new());
        for (frame, sink) in self.sinks {
            roots.push(frame.plan().await?);
            sinks.push(sink.build(session)?);
        }
        let plan = plan::plan(&self.session, roots, sinks).await?;
        let mut options = QueryOptions::new(self.session.engine()?.clone(), checkpoint);
        options.temporary = temporary;
        options.name = self.name;
        options.max_held_bytes = self.session.max_result_bytes();
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

/// Where a query keeps its log and state, and whether it goes with the query: the place that was given, else one below the setting's
/// by the query's name, else a temporary one where the sinks keep nothing either.
///
/// Source: Spark, `StreamingQueryManager.createQuery` and `DataStreamWriter.startInternal` (`useTempCheckpointLocation`).
fn checkpoint(session: &Session, given: Option<PathBuf>, name: Option<&str>, keeps_nothing: bool) -> Result<(PathBuf, bool)> {
    if let Some(given) = given {
        refuse(&given.to_string_lossy(), "the checkpoint of a query")?;
        return Ok((given, false));
    }
    let drawn = || uuid::Uuid::new_v4().to_string();
    if let Some(all) = session.setting(CHECKPOINT_LOCATION).filter(|all| !all.is_empty()) {
        refuse(&all, "the checkpoint of a query")?;
        return Ok((PathBuf::from(all).join(name.map_or_else(drawn, str::to_owned)), false));
    }
    if keeps_nothing {
        return Ok((std::env::temp_dir().join(format!("tidemill-temporary-{}", drawn())), true));
    }
    Err(Error::analysis(format!(
        "a streaming query needs a directory for its log and state: give it with `checkpointLocation`, or one for all queries with the \
         setting `{CHECKPOINT_LOCATION}`"
    )))
}
