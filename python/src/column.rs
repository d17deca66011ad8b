//! Columns: expressions of the tree, made by operators and methods. Which Python values may stand where is Python's business.

use pyo3::prelude::*;
use tidemill::plan::{Expression, ExpressionKind};
use tidemill::{Column, Window, WindowSpec};

use crate::literal::literal;

/// An expression over the columns of a DataFrame.
#[pyclass(frozen, name = "Column", module = "tidemill._tidemill", from_py_object)]
#[derive(Clone)]
pub(crate) struct PyColumn(pub(crate) Column);

pub(crate) fn columns(columns: Vec<PyColumn>) -> Vec<Column> {
    columns.into_iter().map(|column| column.0).collect()
}

#[pymethods]
impl PyColumn {
    /// The column of a name.
    #[staticmethod]
    fn named(name: &str) -> Self {
        Self(Column::from(name))
    }

    /// A constant of a kind.
    #[staticmethod]
    fn literal(kind: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(tidemill::functions::lit(literal(kind, value)?)))
    }

    /// An expression in SQL.
    #[staticmethod]
    fn expr(text: &str) -> Self {
        Self(tidemill::functions::expr(text))
    }

    /// What is an error with this message when it is resolved.
    #[staticmethod]
    fn fault(message: String) -> Self {
        Self(Expression::from(ExpressionKind::Fault(message)).into())
    }

    /// An operator of SQL.
    #[staticmethod]
    fn operator(name: &str, arguments: Vec<PyColumn>) -> Self {
        Self(Column::operator(name, columns(arguments)))
    }

    #[pyo3(signature = (*names))]
    fn alias(&self, names: Vec<String>) -> Self {
        Self(self.0.clone().aliases(names))
    }

    /// As another type, by its DDL.
    fn cast(&self, to_type: String, is_try: bool) -> Self {
        let column = self.0.clone();
        Self(if is_try { column.try_cast(to_type) } else { column.cast(to_type) })
    }

    fn sort(&self, ascending: bool, nulls_first: Option<bool>) -> Self {
        let column = self.0.clone();
        Self(match (ascending, nulls_first) {
            (true, None | Some(true)) => column.asc(),
            (true, Some(false)) => column.asc_nulls_last(),
            (false, None | Some(false)) => column.desc(),
            (false, Some(true)) => column.desc_nulls_first(),
        })
    }

    fn get_item(&self, key: PyColumn) -> Self {
        Self(self.0.clone().get_item(key.0))
    }

    fn get_field(&self, name: String) -> Self {
        Self(self.0.clone().get_field(name))
    }

    fn with_field(&self, name: String, value: PyColumn) -> Self {
        Self(self.0.clone().with_field(name, value.0))
    }

    fn drop_fields(&self, names: Vec<String>) -> Self {
        Self(self.0.clone().drop_fields(names))
    }

    fn outer(&self) -> Self {
        Self(self.0.clone().outer())
    }

    fn isin(&self, values: Vec<PyColumn>) -> Self {
        Self(self.0.clone().isin(columns(values)))
    }

    /// The next branch of a CASE, or its first.
    fn when(&self, condition: PyColumn, value: PyColumn) -> Self {
        Self(self.0.clone().when(condition.0, value.0))
    }

    #[staticmethod]
    fn first_when(condition: PyColumn, value: PyColumn) -> Self {
        Self(tidemill::functions::when(condition.0, value.0))
    }

    fn otherwise(&self, value: PyColumn) -> Self {
        Self(self.0.clone().otherwise(value.0))
    }

    fn over(&self, window: &PyWindow) -> Self {
        Self(self.0.clone().over(&window.0))
    }

    /// Whether it is a CASE, and whether that has an ELSE.
    fn case(&self) -> Option<bool> {
        match &self.0.expression().kind {
            ExpressionKind::Case { otherwise, .. } => Some(otherwise.is_some()),
            _ => None,
        }
    }

    /// The parts of the name that it is, if it is no more than a name.
    fn name_parts(&self) -> Option<Vec<String>> {
        match &self.0.expression().kind {
            ExpressionKind::UnresolvedAttribute { name, .. } => Some(name.clone()),
            _ => None,
        }
    }

    /// It as text.
    fn text(&self) -> String {
        self.0.expression().to_string()
    }
}

/// Over which rows a function is computed for each row.
#[pyclass(frozen, name = "Window", module = "tidemill._tidemill")]
#[derive(Clone)]
pub(crate) struct PyWindow(WindowSpec);

#[pymethods]
impl PyWindow {
    #[new]
    fn new() -> Self {
        Self(WindowSpec::default())
    }

    fn partition_by(&self, by: Vec<PyColumn>) -> Self {
        Self(self.0.clone().partition_by(columns(by)))
    }

    fn order_by(&self, by: Vec<PyColumn>) -> Self {
        Self(self.0.clone().order_by(columns(by)))
    }

    fn rows_between(&self, start: i64, end: i64) -> Self {
        Self(self.0.clone().rows_between(start, end))
    }

    fn range_between(&self, start: i64, end: i64) -> Self {
        Self(self.0.clone().range_between(start, end))
    }

    #[classattr]
    const UNBOUNDED_PRECEDING: i64 = Window::UNBOUNDED_PRECEDING;
    #[classattr]
    const UNBOUNDED_FOLLOWING: i64 = Window::UNBOUNDED_FOLLOWING;
}
