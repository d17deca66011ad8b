//! Calls of functions by name, and the table of functions as Python sees it.

use pyo3::prelude::*;
use tidemill::plan::Expression;
use tidemill::{Column, functions as F};
use tidemill_spark::functions::all;

use crate::column::{PyColumn, columns};

/// A call of a function of the table.
#[pyfunction]
#[pyo3(signature = (name, arguments, is_distinct = false))]
pub(crate) fn call(name: &str, arguments: Vec<PyColumn>, is_distinct: bool) -> PyColumn {
    let arguments = columns(arguments);
    PyColumn(if is_distinct { F::call_distinct(name, arguments) } else { F::call_function(name, arguments) })
}

/// A lambda: its arguments, and what it computes of them.
#[pyfunction(name = "lambda_")]
pub(crate) fn lambda(arguments: Vec<String>, body: PyColumn) -> PyColumn {
    PyColumn(F::lambda(arguments, body.0))
}

/// An argument of a lambda, in its body.
#[pyfunction]
pub(crate) fn lambda_variable(name: String) -> PyColumn {
    PyColumn(Column::from(Expression::attribute([name])))
}

/// The functions: name, group, usage.
#[pyfunction]
pub(crate) fn functions() -> Vec<(&'static str, &'static str, &'static str)> {
    all().into_iter().map(|function| (function.name, function.group.name(), function.usage)).collect()
}
