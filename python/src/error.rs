//! Errors of the engine as the exceptions of `tidemill.errors`, which has a class for each kind.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidemill::Error;

/// The exception for an error.
pub(crate) fn raised(error: Error) -> PyErr {
    Python::attach(|py| exception(py, &error).unwrap_or_else(|failed| failed))
}

/// The same for an error of a statement, whose place in the text is shown.
pub(crate) fn raised_in(error: Error, statement: &str) -> PyErr {
    Python::attach(|py| {
        let raised = exception(py, &error).unwrap_or_else(|failed| failed);
        if error.condition().is_some_and(|condition| condition.place.is_some()) {
            // An exception without the attribute is one of Python's own.
            let _ = raised.value(py).setattr("_statement", statement);
        }
        raised
    })
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let parameters = PyDict::new(py);
    let (mut condition, mut sqlstate, mut place) = (None, None, None);
    if let Some(known) = error.condition() {
        for (name, value) in &known.parameters {
            parameters.set_item(name, value)?;
        }
        condition = Some(known.name.as_str());
        sqlstate = Some(known.sqlstate.as_str());
        place = known.place.clone().map(|place| (place.start, place.end));
    }
    let made = py.import("tidemill.errors.exceptions.base")?.getattr("of_engine")?.call1((
        error.kind().as_str(),
        error.message(),
        condition,
        sqlstate,
        parameters,
        place,
    ))?;
    Ok(PyErr::from_value(made))
}
