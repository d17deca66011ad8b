//! The rows of a query for whoever takes Arrow's C stream, a batch at a time while they are made. That stream carries an error's text
//! alone: the exception itself is kept here, for our own methods.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use futures::StreamExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};
use tidemill::BatchStream;

use crate::wait::{Action, wait_in};

/// What a query gives, once.
#[pyclass(frozen, name = "ArrowStream", module = "tidemill._tidemill")]
pub(crate) struct PyArrowStream {
    rows: Mutex<Option<Rows>>,
    error: Kept,
}

/// The exception with which the rows ended.
type Kept = Arc<Mutex<Option<PyErr>>>;

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PyArrowStream {
    pub(crate) fn new(batches: BatchStream, action: Action) -> Self {
        let error = Kept::default();
        let rows = Rows { batches, made: None, action, error: Arc::clone(&error), ended: false };
        Self { rows: Mutex::new(Some(rows)), error }
    }

    /// The same where this is asked for within a function that the engine has called, as one of `foreachBatch`: all rows are made now. Whoever
    /// takes them may let the GIL go, and could not be asked to take it back: PyO3 believes that such a thread has it.
    pub(crate) fn within_a_call(py: Python<'_>, mut batches: BatchStream, action: Action) -> PyResult<Self> {
        let mut made = Vec::new();
        while let Some(batch) = wait_in(py, &action, async { batches.next().await.transpose() })? {
            made.push(batch);
        }
        let error = Kept::default();
        let rows = Rows { batches, made: Some(made.into_iter()), action, error: Arc::clone(&error), ended: false };
        Ok(Self { rows: Mutex::new(Some(rows)), error })
    }
}

#[pymethods]
impl PyArrowStream {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyCapsule>>) -> PyResult<Bound<'py, PyCapsule>> {
        let Some(rows) = locked(&self.rows).take() else {
            return Err(PyValueError::new_err("the rows have been taken already: ask the DataFrame for them again"));
        };
        let field = rows.field();
        Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(rows, field)), requested_schema)?)
    }

    /// The exception with which the rows ended before they were all there; None if there was none.
    fn error<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let error = locked(&self.error).as_ref().map(|error| error.clone_ref(py));
        error.map(|error| error.into_value(py).into_bound(py).into_any())
    }
}

/// The batches, asked for by any thread, with the GIL or without.
struct Rows {
    batches: BatchStream,
    /// Those that were made before.
    made: Option<std::vec::IntoIter<RecordBatch>>,
    action: Action,
    error: Kept,
    ended: bool,
}

impl Rows {
    /// The columns of a batch. What the plan believes of nulls is not what batches promise.
    fn field(&self) -> FieldRef {
        let columns = self.batches.schema().fields().iter().map(|field| Arc::new(Field::clone(field).with_nullable(true)));
        Arc::new(Field::new("", DataType::Struct(columns.collect()), false))
    }
}

impl Iterator for Rows {
    type Item = Result<ArrayRef, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if let Some(made) = &mut self.made {
            return made.next().map(|batch| Ok(Arc::new(StructArray::from(batch)) as ArrayRef));
        }
        // Who asks may hold the GIL, which functions of the query need: it is released while he waits.
        let next = Python::try_attach(|py| {
            wait_in(py, &self.action, async { self.batches.next().await.transpose() }).map_err(|error| {
                let text = error.value(py).to_string();
                *locked(&self.error) = Some(error);
                text
            })
        });
        let failed = match next.unwrap_or_else(|| Err("Python has come to its end".to_owned())) {
            Ok(Some(batch)) => return Some(Ok(Arc::new(StructArray::from(batch)))),
            Ok(None) => None,
            // A text of C ends with its first zero.
            Err(text) => Some(Err(ArrowError::ExternalError(text.replace('\0', "\u{fffd}").into()))),
        };
        self.ended = true;
        failed
    }
}
