//! Rows and columns as Python functions of the program get them: objects that hand their Arrow memory over, and know nothing of who takes
//! it.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use pyo3_arrow::ffi::to_array_pycapsules;

use crate::arrow_stream;
use crate::error::raised;

/// A column of some rows.
#[pyclass(frozen, name = "ArrowArray", module = "tidemill._tidemill")]
pub(crate) struct PyArrowArray {
    array: ArrayRef,
    field: FieldRef,
}

impl PyArrowArray {
    pub(crate) fn new(array: ArrayRef) -> Self {
        let field = Arc::new(Field::new("", array.data_type().clone(), true));
        Self { array, field }
    }
}

#[pymethods]
impl PyArrowArray {
    fn __len__(&self) -> usize {
        self.array.len()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyCapsule>>) -> PyResult<Bound<'py, PyTuple>> {
        Ok(to_array_pycapsules(py, Arc::clone(&self.field), &self.array, requested_schema)?)
    }
}

/// Some rows.
#[pyclass(frozen, name = "ArrowBatch", module = "tidemill._tidemill")]
pub(crate) struct PyArrowBatch(pub(crate) RecordBatch);

#[pymethods]
impl PyArrowBatch {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyCapsule>>) -> PyResult<Bound<'py, PyTuple>> {
        let field = Field::new("", DataType::Struct(self.0.schema().fields().clone()), false);
        Ok(to_array_pycapsules(py, Arc::new(field), &StructArray::from(self.0.clone()), requested_schema)?)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyCapsule>>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow_stream::capsule(py, &self.0.schema(), vec![self.0.clone()], requested_schema)
    }
}

type Source = Box<dyn Iterator<Item = tidemill::Result<RecordBatch>> + Send>;

/// The batches of a task, one after the other; waiting for one releases the GIL.
#[pyclass(frozen, name = "ArrowBatches", module = "tidemill._tidemill")]
pub(crate) struct PyArrowBatches(Mutex<Source>);

impl PyArrowBatches {
    pub(crate) fn new(source: Source) -> Self {
        Self(Mutex::new(source))
    }
}

#[pymethods]
impl PyArrowBatches {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyArrowBatch>> {
        let next = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next());
        next.transpose().map(|batch| batch.map(PyArrowBatch)).map_err(raised)
    }
}
