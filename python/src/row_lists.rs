//! The rows of a result as Python objects, some at a time: what is waiting stays Arrow, which takes a small part of the memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tidemill_spark::types::StructField;

use crate::rows;

/// So many rows at most are made at once.
const ROWS: usize = 4096;

/// An iterator of lists of rows.
#[pyclass(frozen, name = "RowLists", module = "tidemill._tidemill")]
pub(crate) struct PyRowLists {
    waiting: Mutex<VecDeque<RecordBatch>>,
    columns: Vec<StructField>,
}

impl PyRowLists {
    pub(crate) fn new(batches: Vec<RecordBatch>, columns: Vec<StructField>) -> Self {
        Self { waiting: Mutex::new(batches.into()), columns }
    }

    fn next(&self) -> Option<RecordBatch> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = waiting.pop_front()?;
        if batch.num_rows() > ROWS {
            waiting.push_front(batch.slice(ROWS, batch.num_rows() - ROWS));
            return Some(batch.slice(0, ROWS));
        }
        Some(batch)
    }
}

#[pymethods]
impl PyRowLists {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        self.next().map(|batch| rows::rows(py, &[batch], &self.columns)).transpose()
    }
}
