//! Python callables as functions of the engine: over columns, over batches, over groups. They are called on the engine's threads, with
//! the GIL for as long as they run; what they are given and what they give is laid out by `tidemill/sql/udf.py`.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use pyo3_arrow::PyArray;
use tidemill::{BatchesFunction, Error, GroupFunction, GroupOutput, GroupRows, GroupState, Result, UserFunction, Value};
use tidemill_spark::error::error;
use tidemill_spark::types::{StructField, field_of, from_field};

use crate::column::{PyColumn, columns as columns_of};
use crate::data_type::columns;
use crate::error::raised;
use crate::handed::{PyArrowArray, PyArrowBatch, PyArrowBatches};
use crate::{arrow_stream, rows, running};

/// A callable under the name that plans and errors show.
struct Callable {
    name: String,
    callable: Py<PyAny>,
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Callable {
    /// What `work` makes of the callable. An exception becomes an error with its traceback.
    fn run<T>(&self, work: impl for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<T>) -> Result<T> {
        python(&self.name, |py| work(self.callable.bind(py)))
    }
}

/// What `work` gives under the GIL. An exception becomes an error with its traceback.
///
/// # Errors
/// `FAILED_EXECUTE_UDF`; `Cancelled` when the interpreter is about to end.
pub(crate) fn python<T>(name: &str, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    let ends = || Error::cancelled(format!("Python ends, and the function `{name}` with it"));
    let done = Python::try_attach(|py| {
        let Some(_entry) = running::enter(py, name).map_err(|raised| failed(py, name, &raised))? else { return Err(ends()) };
        work(py).map_err(|raised| failed(py, name, &raised))
    });
    done.unwrap_or_else(|| Err(ends()))
}

fn failed(py: Python<'_>, name: &str, raised: &PyErr) -> Error {
    let named = |message: String| error("FAILED_EXECUTE_UDF", message).with_parameter("functionName", format!("`{name}`"));
    // What was found wrong with its result has no traceback.
    let Some(traceback) = raised.traceback(py) else {
        return named(format!("the Python function `{name}` failed: {}", raised.value(py)));
    };
    let formatted = py
        .import("traceback")
        .and_then(|module| module.getattr("format_exception"))
        .and_then(|format| format.call1((raised.get_type(py), raised.value(py), traceback)))
        .and_then(|lines| lines.extract::<Vec<String>>());
    let text = formatted.map_or_else(|_| raised.to_string(), |lines| lines.concat());
    named(format!("the Python function `{name}` raised an exception:\n{}", text.trim_end())).with_parameter("reason", raised)
}

fn misfit(message: String) -> PyErr {
    raised(Error::data(message))
}

/// Whether values of one type are values of the other, too: the cast between them changes how they are kept, and not what they are.
fn is_kin(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    match (from, to) {
        (D::Null, _) => true,
        (D::Dictionary(_, values), to) => is_kin(values, to),
        (D::Utf8 | D::LargeUtf8 | D::Utf8View, D::Utf8) => true,
        (D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_), D::Binary) => true,
        (D::Timestamp(_, one), D::Timestamp(_, other)) => one.is_some() == other.is_some(),
        (D::Date32 | D::Date64, D::Date32) | (D::Time32(_) | D::Time64(_), D::Time64(_)) | (D::Duration(_), D::Duration(_)) => true,
        (D::List(one) | D::LargeList(one) | D::FixedSizeList(one, _), D::List(other)) => is_kin(one.data_type(), other.data_type()),
        (D::Map(one, _), D::Map(other, _)) => is_kin(one.data_type(), other.data_type()),
        (D::Struct(one), D::Struct(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_kin(one.data_type(), other.data_type()))
        }
        (from, to) if from.is_integer() => to.is_numeric(),
        (from, to) if from.is_floating() => to.is_floating(),
        (D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..), D::Decimal128(..)) => true,
        (from, to) => from == to,
    }
}

/// An array as one of the type that was promised.
fn fitted(array: &ArrayRef, to: &DataType) -> PyResult<ArrayRef> {
    if !is_kin(array.data_type(), to) {
        return Err(misfit(format!("it gave {}, and promised {to}: cast it in the function", array.data_type())));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|e| misfit(format!("it gave {}, which is no {to}: {e}", array.data_type())))
}

/// A batch with the columns that were promised, in their order.
fn fitted_batch(batch: &RecordBatch, schema: &SchemaRef) -> PyResult<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        let (gave, promised) = (batch.schema(), schema);
        return Err(misfit(format!("it gave {} columns in place of {}: {gave}", batch.num_columns(), promised.fields().len())));
    }
    let arrays = batch.columns().iter().zip(schema.fields()).map(|(array, field)| fitted(array, field.data_type()));
    RecordBatch::try_new(Arc::clone(schema), arrays.collect::<PyResult<_>>()?).map_err(|e| misfit(format!("its rows do not fit: {e}")))
}

fn schema_of(fields: &[StructField]) -> SchemaRef {
    Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<FieldRef>>()))
}

/// How a function over columns gets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Lists of Python's values.
    Values,
    /// Arrow arrays.
    Arrow,
}

/// A function over columns.
#[derive(Debug)]
struct OverColumns {
    function: Callable,
    output: FieldRef,
    result: StructField,
    takes: Takes,
    deterministic: bool,
    aggregate: bool,
}

impl UserFunction for OverColumns {
    fn name(&self) -> &str {
        &self.function.name
    }

    fn output(&self) -> &FieldRef {
        &self.output
    }

    fn is_deterministic(&self) -> bool {
        self.deterministic
    }

    fn is_aggregate(&self) -> bool {
        self.aggregate
    }

    fn gains_by_rows(&self) -> bool {
        self.takes == Takes::Arrow
    }

    fn call(&self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.function.run(|function| {
            let py = function.py();
            match self.takes {
                Takes::Values => {
                    let values = arguments.iter().map(|array| {
                        let field = from_field(&Arc::new(Field::new("", array.data_type().clone(), true)));
                        PyList::new(py, rows::column(py, array, &field.data_type)?)
                    });
                    let given = function.call1((values.collect::<PyResult<Vec<_>>>()?, rows))?;
                    rows::array_of(&given.extract::<Vec<Bound<'_, PyAny>>>()?, &self.result)
                }
                Takes::Arrow => {
                    let arrays: Vec<PyArrowArray> = arguments.iter().map(|array| PyArrowArray::new(Arc::clone(array))).collect();
                    let given = function.call1((PyList::new(py, into_objects(py, arrays)?)?, rows))?;
                    fitted(given.extract::<PyArray>()?.array(), self.output.data_type())
                }
            }
        })
    }
}

fn into_objects(py: Python<'_>, arrays: Vec<PyArrowArray>) -> PyResult<Vec<Bound<'_, PyArrowArray>>> {
    arrays.into_iter().map(|array| Bound::new(py, array)).collect()
}

/// A function over columns, to be called with columns and registered under a name.
#[pyclass(frozen, name = "UserFunction", module = "tidemill._tidemill")]
pub(crate) struct PyUserFunction(pub(crate) Arc<dyn UserFunction>);

#[pymethods]
impl PyUserFunction {
    /// `result` is a struct of one field in JSON. The callable is given the arguments' values as lists, or with `arrow` as Arrow arrays,
    /// and the number of rows.
    #[new]
    fn new(name: String, callable: Py<PyAny>, result: &str, arrow: bool, deterministic: bool, aggregate: bool) -> PyResult<Self> {
        let Ok([result]) = <[StructField; 1]>::try_from(columns(result).map_err(raised)?) else {
            return Err(misfit(format!("the function `{name}` gives one column")));
        };
        let takes = if arrow { Takes::Arrow } else { Takes::Values };
        let output = field_of(&result);
        let function = Callable { name, callable };
        Ok(Self(Arc::new(OverColumns { function, output, result, takes, deterministic, aggregate })))
    }

    fn call(&self, arguments: Vec<PyColumn>) -> PyColumn {
        PyColumn(tidemill::functions::user_function(Arc::clone(&self.0), columns_of(arguments)))
    }
}

#[derive(Debug)]
struct OverBatches {
    function: Callable,
    output: SchemaRef,
}

impl BatchesFunction for OverBatches {
    fn name(&self) -> &str {
        &self.function.name
    }

    fn output_schema(&self) -> &SchemaRef {
        &self.output
    }

    fn call(
        &self,
        input: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
        output: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        let mut unread = None;
        let done = self.function.run(|function| {
            let py = function.py();
            for given in function.call1((PyArrowBatches::new(input),))?.try_iter()? {
                for batch in arrow_stream::batches(py, &given?)?.1 {
                    let batch = fitted_batch(&batch, &self.output)?;
                    if let Err(error) = py.detach(|| output(batch)) {
                        unread = Some(error);
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        unread.map_or(done, Err)
    }
}

/// A function over the batches of a task.
#[pyclass(frozen, name = "BatchesFunction", module = "tidemill._tidemill")]
pub(crate) struct PyBatchesFunction(pub(crate) Arc<dyn BatchesFunction>);

#[pymethods]
impl PyBatchesFunction {
    /// The callable is given an iterator of batches, and gives one of what hands rows over by Arrow. `schema` is a struct in JSON.
    #[new]
    fn new(name: String, callable: Py<PyAny>, schema: &str) -> PyResult<Self> {
        let output = schema_of(&columns(schema).map_err(raised)?);
        Ok(Self(Arc::new(OverBatches { function: Callable { name, callable }, output })))
    }
}

#[derive(Debug)]
struct OverGroups {
    function: Callable,
    output: SchemaRef,
    state: SchemaRef,
    state_fields: Vec<StructField>,
    keeps_state: bool,
}

impl OverGroups {
    /// A state as a row of Python's values.
    fn state_row<'py>(&self, py: Python<'py>, state: &GroupState) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(values) = state.get() else { return Ok(None) };
        let mut output = GroupOutput::default();
        output.push(values.to_vec());
        let batch = output.into_batch(&self.state, &self.function.name).map_err(raised)?;
        rows::rows(py, vec![batch], &self.state_fields)?.get_item(0).map(Some)
    }
}

impl GroupFunction for OverGroups {
    fn name(&self) -> &str {
        &self.function.name
    }

    fn output_schema(&self) -> &SchemaRef {
        &self.output
    }

    fn state_schema(&self) -> &SchemaRef {
        &self.state
    }

    fn keeps_state(&self) -> bool {
        self.keeps_state
    }

    fn call(&self, key: &[Value], rows_in: &GroupRows<'_>, state: &mut GroupState, output: &mut GroupOutput) -> Result<()> {
        let batch = rows_in.to_batch()?;
        self.function.run(|function| {
            let py = function.py();
            let before = self.state_row(py, state)?;
            let key = PyTuple::new(py, key.iter().map(|value| rows::value(py, value)).collect::<PyResult<Vec<_>>>()?)?;
            let done = function.call1((key, PyArrowBatch(batch), before))?;
            let (given, change) = done.extract::<(Bound<'_, PyAny>, Option<(String, Option<Bound<'_, PyTuple>>)>)>()?;
            for rows in given.try_iter()? {
                for batch in arrow_stream::batches(py, &rows?)?.1 {
                    output.push_batch(fitted_batch(&batch, &self.output)?);
                }
            }
            match change {
                None => {}
                Some((_, None)) => state.remove(),
                Some((_, Some(after))) => {
                    if after.len() != self.state_fields.len() {
                        let (gave, needed) = (after.len(), self.state_fields.len());
                        return Err(misfit(format!("a state of {needed} fields was updated with {gave} values")));
                    }
                    let values: Vec<Vec<Bound<'_, PyAny>>> = after.iter().map(|value| vec![value]).collect();
                    let batch = rows::batch(&values, &self.state_fields, 1)?;
                    state.update(batch.columns().iter().map(|column| Value::of(column, 0)).collect());
                }
            }
            Ok(())
        })
    }
}

/// A function over groups.
#[pyclass(frozen, name = "GroupFunction", module = "tidemill._tidemill")]
pub(crate) struct PyGroupFunction(pub(crate) Arc<dyn GroupFunction>);

#[pymethods]
impl PyGroupFunction {
    /// The callable is given a group's key (a tuple), its rows and its state (a Row, or None), and gives what hands rows over by Arrow, and the change of
    /// the state: None, `("update", values)` or `("remove", None)`. Schemas are structs in JSON; without one of the state there is none.
    #[new]
    fn new(name: String, callable: Py<PyAny>, schema: &str, state: Option<&str>) -> PyResult<Self> {
        let output = schema_of(&columns(schema).map_err(raised)?);
        let state_fields = state.map(columns).transpose().map_err(raised)?.unwrap_or_default();
        let function = Callable { name, callable };
        let keeps_state = state.is_some();
        Ok(Self(Arc::new(OverGroups { function, output, state: schema_of(&state_fields), state_fields, keeps_state })))
    }
}
