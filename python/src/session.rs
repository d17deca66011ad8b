//! Sessions: settings, SQL, and DataFrames out of files, tables, numbers and Python's rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use tidemill::{ProgressHandlerId, Session};

use crate::arrow_stream;
use crate::catalog::PyCatalog;
use crate::column::{PyColumn, columns as columns_of};
use crate::data_type::columns;
use crate::dataframe::PyDataFrame;
use crate::delta::PyDeltaTable;
use crate::error::{raised, raised_in};
use crate::rows;
use crate::streaming::{self, PyStreamSink, PyStreamingQuery, StreamWrite};
use crate::user_function::PyUserFunction;
use crate::wait::{beside_an_exception, wait};

/// A session.
#[pyclass(frozen, name = "Session", module = "tidemill._tidemill")]
pub(crate) struct PySession(Session);

#[pymethods]
impl PySession {
    #[new]
    fn new(settings: BTreeMap<String, String>) -> PyResult<Self> {
        let builder = settings.into_iter().fold(Session::builder(), |builder, (name, value)| builder.config(name, value));
        Ok(Self(builder.build().map_err(raised)?))
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.0.setting(name)
    }

    fn set(&self, name: &str, value: &str) -> PyResult<()> {
        self.0.set(name, value).map_err(raised)
    }

    fn unset(&self, name: &str) -> PyResult<()> {
        self.0.unset(name).map_err(raised)
    }

    /// A statement, with values for its parameters: those of `:name` by their aliases.
    fn sql(&self, py: Python<'_>, text: &str, values: Option<Vec<PyColumn>>) -> PyResult<PyDataFrame> {
        let session = self.0.clone();
        let frame = wait(py, async move {
            Ok(match values {
                Some(values) => session.sql_with(text, columns_of(values)).await,
                None => session.sql(text).await,
            })
        })?;
        frame.map(PyDataFrame).map_err(|e| raised_in(e, text))
    }

    /// Has a function called with how far long queries are: the stages (number, all tasks, ended tasks, tasks that run, rows), the tasks in
    /// flight, the query's name, and whether it has ended. What it raises is written to standard error; the query goes on.
    fn add_progress_handler(&self, handler: Py<PyAny>) -> u64 {
        let id = self.0.add_progress_handler(move |progress| {
            let stages: Vec<_> = progress.stages.iter().map(|s| (s.stage, s.tasks, s.done, s.running, s.rows)).collect();
            Python::try_attach(|py| {
                let told = (stages, progress.inflight_tasks, progress.operation_id.as_str(), progress.done);
                beside_an_exception(py, || match handler.call1(py, told) {
                    // Ctrl-C is the query's: who waits for it hears of it.
                    Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => {
                        drop(py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main")));
                    }
                    Err(error) => error.write_unraisable(py, Some(handler.bind(py))),
                    Ok(_) => {}
                });
            });
        });
        id.number()
    }

    /// Has it called no more.
    fn remove_progress_handler(&self, id: u64) -> bool {
        self.0.remove_progress_handler(ProgressHandlerId::from(id))
    }

    fn table(&self, name: &str) -> PyResult<PyDataFrame> {
        self.0.read().table(name).map(PyDataFrame).map_err(raised)
    }

    fn range(&self, start: i64, end: i64, step: i64, partitions: Option<i64>) -> PyDataFrame {
        PyDataFrame(self.0.range_by(start, end, step, partitions))
    }

    /// Rows of an object with `__arrow_c_stream__`.
    fn of_arrow(&self, py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<PyDataFrame> {
        let (schema, mut batches) = arrow_stream::batches(py, object)?;
        if batches.is_empty() {
            batches.push(arrow::array::RecordBatch::new_empty(schema));
        }
        self.0.create_dataframe(batches).map(PyDataFrame).map_err(raised)
    }

    /// Rows of columns of values, by a schema in JSON.
    fn of_columns(&self, values: Vec<Vec<Bound<'_, PyAny>>>, schema: &str, rows: usize) -> PyResult<PyDataFrame> {
        let batch = rows::batch(&values, &columns(schema).map_err(raised)?, rows)?;
        self.0.create_dataframe(vec![batch]).map(PyDataFrame).map_err(raised)
    }

    /// Files or tables of a format.
    fn load(
        &self,
        py: Python<'_>,
        format: Option<&str>,
        schema: Option<&str>,
        options: BTreeMap<String, String>,
        paths: Vec<String>,
    ) -> PyResult<PyDataFrame> {
        let mut reader = self.0.read();
        if let Some(format) = format {
            reader = reader.format(format);
        }
        if let Some(schema) = schema {
            reader = reader.schema(schema).map_err(|e| raised_in(e, schema))?;
        }
        reader = reader.options(options.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        wait(py, async move { reader.load_all(paths.iter().map(String::as_str)).await }).map(PyDataFrame)
    }

    /// The Delta table at a path, or at that of a table of the catalog.
    fn delta_table(&self, py: Python<'_>, path: Option<String>, name: Option<&str>) -> PyResult<PyDeltaTable> {
        match (path, name) {
            (Some(path), _) => Ok(PyDeltaTable(self.0.table(path))),
            (None, name) => wait(py, self.0.table_named(name.unwrap_or_default())).map(PyDeltaTable),
        }
    }

    fn catalog(&self) -> PyCatalog {
        PyCatalog(self.0.catalog())
    }

    /// Files that arrive in a directory, or what another format makes, as a stream.
    fn read_stream(
        &self,
        format: Option<&str>,
        name: Option<&str>,
        schema: Option<&str>,
        options: BTreeMap<String, String>,
        path: &str,
    ) -> PyResult<PyDataFrame> {
        let mut reader = self.0.read_stream();
        if let Some(format) = format {
            reader = reader.format(format);
        }
        if let Some(name) = name {
            reader = reader.name(name);
        }
        if let Some(schema) = schema {
            reader = reader.schema(schema).map_err(|e| raised_in(e, schema))?;
        }
        reader = reader.options(options.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        reader.load(path).map(PyDataFrame).map_err(raised)
    }

    /// Starts a query of one sink.
    fn write_stream(&self, py: Python<'_>, frame: &PyDataFrame, how: StreamWrite) -> PyResult<PyStreamingQuery> {
        streaming::write(py, &frame.0, how)
    }

    /// Starts a query of several sinks.
    fn start_query(
        &self,
        py: Python<'_>,
        name: String,
        checkpoint: Option<String>,
        when: Option<(String, String)>,
        sinks: Vec<(PyDataFrame, PyStreamSink)>,
    ) -> PyResult<PyStreamingQuery> {
        streaming::start(py, self.0.streaming_query(name), checkpoint, when, sinks)
    }

    /// Lets SQL call a function by this name.
    fn register_function(&self, name: &str, function: &PyUserFunction) -> PyResult<()> {
        self.0.register_function(name, Arc::clone(&function.0)).map_err(raised)
    }

    fn drop_temp_view(&self, name: &str) -> bool {
        self.0.drop_temp_view(name)
    }
}
