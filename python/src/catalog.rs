//! What there is by name: databases, tables, columns and functions, as lists of rows.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use tidemill::Catalog;

use crate::dataframe::PyDataFrame;
use crate::error::raised_in;
use crate::wait::wait;

/// The catalog of a session.
#[pyclass(frozen, name = "Catalog", module = "tidemill._tidemill")]
pub(crate) struct PyCatalog(pub(crate) Catalog);

#[pymethods]
impl PyCatalog {
    fn current_catalog(&self) -> String {
        self.0.current_catalog()
    }

    fn current_database(&self) -> String {
        self.0.current_database()
    }

    fn set_current(&self, py: Python<'_>, what: &str, name: &str) -> PyResult<()> {
        wait(py, async { if what == "catalog" { self.0.set_current_catalog(name).await } else { self.0.set_current_database(name).await } })
    }

    /// `catalogs`, `databases`, `tables`, `views`, `functions`; `columns` of a table.
    fn list(&self, py: Python<'_>, what: &str, within: Option<&str>, pattern: Option<&str>) -> PyResult<PyDataFrame> {
        wait(py, async {
            match what {
                "catalogs" => self.0.list_catalogs(pattern).await,
                "databases" => self.0.list_databases(pattern).await,
                "tables" => self.0.list_tables(within, pattern).await,
                "views" => self.0.list_views(within, pattern).await,
                "functions" => self.0.list_functions(within, pattern).await,
                _ => self.0.list_columns(within.unwrap_or_default()).await,
            }
        })
        .map(PyDataFrame)
    }

    /// The row of a `database`, a `table` or a `function`.
    fn get(&self, py: Python<'_>, what: &str, name: &str) -> PyResult<PyDataFrame> {
        wait(py, async {
            match what {
                "database" => self.0.get_database(name).await,
                "table" => self.0.get_table(name).await,
                _ => self.0.get_function(name).await,
            }
        })
        .map(PyDataFrame)
    }

    /// Whether there is a `database`, a `table` or a `function` of that name.
    fn exists(&self, py: Python<'_>, what: &str, name: &str) -> PyResult<bool> {
        wait(py, async {
            match what {
                "database" => self.0.database_exists(name).await,
                "table" => self.0.table_exists(name).await,
                _ => self.0.function_exists(name).await,
            }
        })
    }

    /// Makes an empty table.
    fn create_table(&self, py: Python<'_>, name: &str, format: &str, schema: &str, path: Option<&str>) -> PyResult<()> {
        wait(py, async { Ok(self.0.create_table(name, format, schema, path).await) })?.map_err(|e| raised_in(e, schema))
    }

    fn create_database(&self, py: Python<'_>, name: &str, if_not_exists: bool) -> PyResult<()> {
        wait(py, self.0.create_database(name, if_not_exists))
    }

    fn drop_database(&self, py: Python<'_>, name: &str, if_exists: bool, cascade: bool) -> PyResult<()> {
        wait(py, self.0.drop_database(name, if_exists, cascade))
    }

    fn drop_table(&self, py: Python<'_>, name: &str, if_exists: bool) -> PyResult<()> {
        wait(py, self.0.drop_table(name, if_exists))
    }

    fn drop_view(&self, py: Python<'_>, name: &str, if_exists: bool) -> PyResult<()> {
        wait(py, self.0.drop_view(name, if_exists))
    }

    fn truncate_table(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        wait(py, self.0.truncate_table(name))
    }

    fn list_partitions(&self, py: Python<'_>, table: &str) -> PyResult<PyDataFrame> {
        wait(py, self.0.list_partitions(table)).map(PyDataFrame)
    }

    fn get_create_table_string(&self, py: Python<'_>, table: &str) -> PyResult<String> {
        wait(py, self.0.get_create_table_string(table))
    }

    fn get_table_properties(&self, py: Python<'_>, table: &str) -> PyResult<BTreeMap<String, String>> {
        wait(py, self.0.get_table_properties(table))
    }

    fn drop_temp_view(&self, name: &str, is_global: bool) -> bool {
        if is_global { self.0.drop_global_temp_view(name) } else { self.0.drop_temp_view(name) }
    }

    fn recover_partitions(&self, py: Python<'_>, table: &str) -> PyResult<()> {
        wait(py, self.0.recover_partitions(table))
    }

    fn refresh_table(&self, py: Python<'_>, table: &str) -> PyResult<()> {
        wait(py, self.0.refresh_table(table))
    }
}
