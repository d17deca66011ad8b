//! Streams: reading them, sinks, queries and the handle on a running one. Names, defaults and listeners in PySpark's manner are
//! `tidemill/sql/streaming`'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use pyo3::prelude::*;
use tidemill::{DataFrame, Error, Result, StreamSink, StreamingQuery, StreamingQueryBuilder, Trigger};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::column::PyColumn;
use crate::dataframe::PyDataFrame;
use crate::error::raised;
use crate::user_function::python;
use crate::wait::wait;

/// The trigger of a kind: `processingTime` has an interval.
fn trigger(kind: &str, interval: &str) -> Result<Trigger> {
    match kind {
        "availableNow" => Ok(Trigger::available_now()),
        "processingTime" => Trigger::processing_time(interval),
        other => Err(Error::internal(format!("there is no trigger `{other}`"))),
    }
}

/// A sink that calls a Python function with each epoch's rows as a DataFrame, and the epoch's number.
fn for_each_batch(name: String, frame: &DataFrame, function: Py<PyAny>) -> Result<StreamSink> {
    let schema = frame.schema()?;
    let session = frame.session().clone();
    let shown =
        Python::attach(|py| function.getattr(py, "__name__").and_then(|name| name.extract::<String>(py)).unwrap_or_else(|_| name.clone()));
    let called = Arc::new((shown, function));
    Ok(StreamSink::for_each_batch(name, move |batches, epoch| {
        let (schema, session, called) = (Arc::clone(&schema), session.clone(), Arc::clone(&called));
        Box::pin(async move {
            // What the function does may wait for the engine, whose own threads must stay free for that.
            let work = move || {
                let batches = if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches };
                let rows = session.create_dataframe(batches)?;
                let (name, function) = &*called;
                python(name, |py| function.call1(py, (PyDataFrame(rows), epoch)).map(drop))
            };
            tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("a function of an epoch ended early: {e}")))?
        })
    }))
}

/// Where rows of a query go.
#[pyclass(frozen, name = "StreamSink", module = "tidemill._tidemill", from_py_object)]
#[derive(Clone)]
pub(crate) struct PyStreamSink(StreamSink);

#[pymethods]
impl PyStreamSink {
    #[staticmethod]
    fn delta_append(path: String) -> Self {
        Self(StreamSink::delta_append(path))
    }

    #[staticmethod]
    fn delta_merge(path: String, on: Vec<String>) -> Self {
        Self(StreamSink::delta_merge(path, on.iter().map(String::as_str)))
    }

    #[staticmethod]
    fn console() -> Self {
        Self(StreamSink::console())
    }

    #[staticmethod]
    fn foreach_batch(name: String, frame: &PyDataFrame, function: Py<PyAny>) -> PyResult<Self> {
        for_each_batch(name, &frame.0, function).map(Self).map_err(raised)
    }

    fn named(&self, name: String) -> Self {
        Self(self.0.clone().named(name))
    }

    fn when_matched(&self, condition: PyColumn) -> Self {
        Self(self.0.clone().when_matched(condition.0))
    }
}

/// How a query of one sink is written.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct StreamWrite {
    format: String,
    name: Option<String>,
    output_mode: String,
    trigger: Option<(String, String)>,
    options: BTreeMap<String, String>,
    partition_by: Vec<String>,
    merge_on: Option<Vec<String>>,
    /// The table that is written to.
    table: Option<String>,
    /// What gets each epoch's rows, in place of a table.
    function: Option<Py<PyAny>>,
}

/// Starts a query of one sink.
pub(crate) fn write(py: Python<'_>, frame: &DataFrame, how: StreamWrite) -> PyResult<PyStreamingQuery> {
    let mut writer = frame.write_stream().format(&how.format).output_mode(&how.output_mode).map_err(raised)?;
    if let Some(name) = &how.name {
        writer = writer.query_name(name);
    }
    if let Some((kind, interval)) = &how.trigger {
        writer = writer.trigger(trigger(kind, interval).map_err(raised)?);
    }
    if let Some(on) = &how.merge_on {
        writer = writer.merge_on(on.iter().map(String::as_str));
    }
    writer = writer.options(how.options.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    writer = writer.partition_by(how.partition_by.iter().map(String::as_str));
    if let Some(function) = how.function {
        let sink = for_each_batch(how.name.as_deref().unwrap_or("sink").to_owned(), frame, function).map_err(raised)?;
        writer = writer.sink(sink);
    }
    wait(py, async move {
        match how.table {
            Some(table) => writer.to_table(&table).await,
            None => writer.start().await,
        }
    })
    .map(PyStreamingQuery)
}

/// Starts a query of several sinks.
pub(crate) fn start(
    py: Python<'_>,
    builder: StreamingQueryBuilder,
    checkpoint: Option<String>,
    when: Option<(String, String)>,
    sinks: Vec<(PyDataFrame, PyStreamSink)>,
) -> PyResult<PyStreamingQuery> {
    let mut builder = sinks.into_iter().fold(builder, |builder, (frame, sink)| builder.add(&frame.0, sink.0));
    if let Some(checkpoint) = checkpoint {
        builder = builder.checkpoint_location(checkpoint);
    }
    if let Some((kind, interval)) = when {
        builder = builder.trigger(trigger(&kind, &interval).map_err(raised)?);
    }
    wait(py, builder.start()).map(PyStreamingQuery)
}

/// A query that runs, or has run.
#[pyclass(frozen, name = "StreamingQuery", module = "tidemill._tidemill")]
pub(crate) struct PyStreamingQuery(StreamingQuery);

fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|e| raised(e.into()))
}

#[pymethods]
impl PyStreamingQuery {
    fn id(&self) -> &str {
        self.0.id()
    }

    fn run_id(&self) -> &str {
        self.0.run_id()
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn explain(&self) -> &str {
        self.0.explain()
    }

    /// What it is doing now, as JSON.
    fn status(&self) -> PyResult<String> {
        json(&self.0.status())
    }

    /// The last epoch's progress, as JSON.
    fn last_progress(&self) -> PyResult<Option<String>> {
        self.0.last_progress().as_ref().map(json).transpose()
    }

    /// The progress of the last hundred epochs, as JSON.
    fn recent_progress(&self) -> PyResult<Vec<String>> {
        self.0.recent_progress().iter().map(json).collect()
    }

    /// Why it failed, if it did.
    fn exception(&self) -> Option<String> {
        self.0.exception().map(|error| error.message().to_owned())
    }

    /// Asks it to end after the epoch it is in.
    fn request_stop(&self) {
        self.0.request_stop();
    }

    /// Ends it after the epoch it is in, and waits for that.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        // What it failed with before is told by `exception`.
        wait(py, async {
            let _ = self.0.stop().await;
            Ok(())
        })
    }

    /// Waits until it ends, for so many seconds at most; whether it has.
    fn await_termination(&self, py: Python<'_>, seconds: Option<f64>) -> PyResult<bool> {
        wait(py, async {
            let ended = self.0.await_termination();
            match seconds {
                None => Ok(ended.await.is_ok() || !self.0.is_active()),
                Some(seconds) => {
                    let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
                    Ok(tokio::time::timeout(limit, ended).await.is_ok())
                }
            }
        })
    }

    /// Waits until everything that was there when it was called has been published.
    fn process_all_available(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, async {
            // What it failed with meanwhile is told by `exception`.
            let _ = self.0.process_all_available().await;
            Ok(())
        })
    }

    /// The progress of each further epoch.
    fn progress(&self) -> PyProgress {
        PyProgress(Mutex::new(self.0.progress_stream()))
    }
}

/// The progress of epochs as they end.
#[pyclass(frozen, name = "Progress", module = "tidemill._tidemill")]
pub(crate) struct PyProgress(Mutex<UnboundedReceiver<tidemill::StreamingQueryProgress>>);

#[pymethods]
impl PyProgress {
    /// The next one as JSON; None when the query has ended.
    fn next(&self, py: Python<'_>) -> PyResult<Option<String>> {
        wait(py, async { Ok(self.0.lock().await.recv().await) })?.as_ref().map(json).transpose()
    }
}
