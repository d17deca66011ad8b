//! Delta tables at paths: rows, versions, history, merges. `tidemill/delta.py` has delta-spark's names for it.

use pyo3::prelude::*;
use tidemill::{MergeClauses, Table};

use crate::column::PyColumn;
use crate::dataframe::PyDataFrame;
use crate::error::raised;
use crate::wait::wait;

/// A Delta table.
#[pyclass(frozen, name = "DeltaTable", module = "tidemill._tidemill")]
pub(crate) struct PyDeltaTable(pub(crate) Table);

#[pymethods]
impl PyDeltaTable {
    fn path(&self) -> &str {
        self.0.path()
    }

    /// Its rows as they are now.
    fn rows(&self, py: Python<'_>) -> PyResult<PyDataFrame> {
        wait(py, self.0.to_df()).map(PyDataFrame)
    }

    /// Its commits, newest first.
    fn history(&self, py: Python<'_>) -> PyResult<PyDataFrame> {
        wait(py, self.0.history_frame()).map(PyDataFrame)
    }

    /// Merges rows into it; `aliases` are the names of the source and of the table. Gives how many rows were updated and inserted.
    #[allow(clippy::too_many_arguments)]
    fn merge(
        &self,
        py: Python<'_>,
        source: &PyDataFrame,
        condition: PyColumn,
        aliases: (String, String),
        updates: bool,
        update_condition: Option<PyColumn>,
        insert_all: bool,
    ) -> PyResult<(u64, u64)> {
        let update_all = updates.then(|| update_condition.map(|condition| condition.0));
        let clauses = MergeClauses { update_all, insert_all };
        let merge = self.0.merge(&source.0, &condition.0, (&aliases.0, &aliases.1), clauses).map_err(raised)?;
        wait(py, merge.merge()).map(|done| (done.rows_updated, done.rows_inserted))
    }
}
