//! The rows of a result as Python objects, some at a time: what is waiting stays Arrow, or is not computed yet.

use arrow::array::RecordBatch;
use futures::StreamExt;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tidemill::BatchStream;
use tidemill_spark::types::StructField;
use tokio::sync::Mutex;

use crate::rows;
use crate::wait::{Action, wait_in};

/// So many rows at most are made at once.
const ROWS: usize = 4096;

/// An iterator of lists of rows. The query runs while it is asked for rows, and ends with it.
#[pyclass(frozen, name = "RowLists", module = "tidemill._tidemill")]
pub(crate) struct PyRowLists {
    // Who waits for it does so without the GIL.
    waiting: Mutex<Waiting>,
    columns: Vec<StructField>,
    action: Action,
}

struct Waiting {
    rest: Option<RecordBatch>,
    batches: BatchStream,
}

impl PyRowLists {
    pub(crate) fn new(batches: BatchStream, columns: Vec<StructField>, action: Action) -> Self {
        Self { waiting: Mutex::new(Waiting { rest: None, batches }), columns, action }
    }

    async fn next(&self) -> tidemill::Result<Option<RecordBatch>> {
        let mut waiting = self.waiting.lock().await;
        let next = match waiting.rest.take() {
            Some(rest) => Some(rest),
            None => waiting.batches.next().await.transpose()?,
        };
        Ok(next.map(|batch| {
            let rows = batch.num_rows();
            waiting.rest = (rows > ROWS).then(|| batch.slice(ROWS, rows - ROWS));
            batch.slice(0, rows.min(ROWS))
        }))
    }
}

#[pymethods]
impl PyRowLists {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        wait_in(py, &self.action, self.next())?.map(|batch| rows::rows(py, vec![batch], &self.columns)).transpose()
    }
}
