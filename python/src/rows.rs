//! Rows between Arrow and Python: values of a column as Python objects, and rows of Python objects as a batch. What a Python object for
//! a value is (a `date`, a `Decimal`, a `Row`) says `tidemill/sql/values.py`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, ListArray, MapArray, NullArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DecimalType, DurationMicrosecondType, Field, FieldRef, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalYearMonthType, Schema, Time64NanosecondType, TimestampMicrosecondType,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use tidemill::Value;
use tidemill_spark::types::{SparkType, StructField, field_of, from_field, to_arrow};

use crate::error::raised;

/// The rows of batches, as a list of `Row`s. Each batch goes when its rows are made.
pub(crate) fn rows<'py>(py: Python<'py>, batches: Vec<RecordBatch>, columns: &[StructField]) -> PyResult<Bound<'py, PyList>> {
    let values = Values::new(py)?;
    let all = PyList::empty(py);
    for batch in batches {
        let made = values.structs(batch.columns(), columns, batch.num_rows())?;
        made.into_iter().try_for_each(|row| all.append(row))?;
    }
    Ok(all)
}

/// The values of a column.
pub(crate) fn column<'py>(py: Python<'py>, array: &ArrayRef, data_type: &SparkType) -> Objects<'py> {
    Values::new(py)?.column(array, data_type)
}

/// A single value.
pub(crate) fn value<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    let made = |function: &str| Values::new(py)?.module.getattr(function);
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Boolean(value) => value.into_bound_py_any(py),
        Value::Byte(value) => value.into_bound_py_any(py),
        Value::Short(value) => value.into_bound_py_any(py),
        Value::Integer(value) => value.into_bound_py_any(py),
        Value::Long(value) => value.into_bound_py_any(py),
        Value::Float(value) => value.into_bound_py_any(py),
        Value::Double(value) => value.into_bound_py_any(py),
        Value::Decimal { value, precision, scale } => {
            made("decimal")?.call1((arrow::datatypes::Decimal128Type::format_decimal(*value, *precision, *scale),))
        }
        Value::String(value) => value.into_bound_py_any(py),
        Value::Binary(value) => Ok(PyBytes::new(py, value).into_any()),
        Value::Date(days) => made("date")?.call1((days,)),
        Value::Timestamp(micros) => made("timestamp")?.call1((micros,)),
        Value::TimestampNtz(micros) => made("timestamp_ntz")?.call1((micros,)),
        Value::Other(array) => {
            let field = from_field(&Arc::new(Field::new("", array.data_type().clone(), true)));
            let mut values = column(py, array, &field.data_type)?;
            Ok(values.pop().unwrap_or_else(|| py.None().into_bound(py)))
        }
    }
}

/// A column of values in the form that `DataType.toInternal` makes.
///
/// # Errors
/// As [`batch`].
pub(crate) fn array_of(values: &[Bound<'_, PyAny>], field: &StructField) -> PyResult<ArrayRef> {
    array(values, &field.data_type).map_err(|(row, error)| located(error, row, &field.name))
}

/// Makes Python objects of values.
struct Values<'py> {
    py: Python<'py>,
    module: Bound<'py, PyModule>,
}

type Objects<'py> = PyResult<Vec<Bound<'py, PyAny>>>;

impl<'py> Values<'py> {
    fn new(py: Python<'py>) -> PyResult<Self> {
        Ok(Self { py, module: py.import("tidemill.sql.values")? })
    }

    fn structs(&self, columns: &[ArrayRef], fields: &[StructField], rows: usize) -> Objects<'py> {
        let make = self.module.getattr("row_maker")?.call1((fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),))?;
        let mut values: Vec<_> = columns
            .iter()
            .zip(fields)
            .map(|(column, field)| Ok(self.column(column, &field.data_type)?.into_iter()))
            .collect::<PyResult<_>>()?;
        (0..rows)
            .map(|_| {
                let row: Vec<Bound<'py, PyAny>> = values.iter_mut().filter_map(Iterator::next).collect();
                make.call1((PyTuple::new(self.py, row)?,))
            })
            .collect()
    }

    fn column(&self, array: &ArrayRef, data_type: &SparkType) -> Objects<'py> {
        let py = self.py;
        macro_rules! natives {
            ($type:ty) => {{
                let array = array.as_primitive::<$type>();
                self.each(array, |row| array.value(row).into_bound_py_any(py))
            }};
        }
        macro_rules! made {
            ($type:ty, $function:literal) => {{
                let (array, make) = (array.as_primitive::<$type>(), self.module.getattr($function)?);
                self.each(array, |row| make.call1((array.value(row),)))
            }};
        }
        match data_type {
            SparkType::Null => Ok(vec![py.None().into_bound(py); array.len()]),
            SparkType::Boolean => {
                let array = array.as_boolean();
                self.each(array, |row| array.value(row).into_bound_py_any(py))
            }
            SparkType::Byte => natives!(Int8Type),
            SparkType::Short => natives!(Int16Type),
            SparkType::Integer => natives!(Int32Type),
            SparkType::Long => natives!(Int64Type),
            SparkType::Float => natives!(Float32Type),
            SparkType::Double => natives!(Float64Type),
            SparkType::Decimal(..) => {
                let (array, make) = (array.as_primitive::<Decimal128Type>(), self.module.getattr("decimal")?);
                self.each(array, |row| make.call1((array.value_as_string(row),)))
            }
            SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => {
                let array = array.as_string::<i32>();
                self.each(array, |row| Ok(PyString::new(py, array.value(row)).into_any()))
            }
            SparkType::Binary => {
                let array = array.as_binary::<i32>();
                self.each(array, |row| Ok(PyBytes::new(py, array.value(row)).into_any()))
            }
            SparkType::Date => made!(Date32Type, "date"),
            SparkType::Timestamp => made!(TimestampMicrosecondType, "timestamp"),
            SparkType::TimestampNtz => made!(TimestampMicrosecondType, "timestamp_ntz"),
            SparkType::Time(_) => made!(Time64NanosecondType, "time"),
            SparkType::DayTimeInterval(..) => made!(DurationMicrosecondType, "day_time"),
            SparkType::YearMonthInterval(..) => made!(IntervalYearMonthType, "year_month"),
            SparkType::Array(element, _) => {
                let array = array.as_list::<i32>();
                let items = self.column(array.values(), element)?;
                self.each(array, |row| {
                    let (from, to) = (offset(array.value_offsets(), row), offset(array.value_offsets(), row + 1));
                    Ok(PyList::new(py, items.get(from..to).unwrap_or_default())?.into_any())
                })
            }
            SparkType::Map(key, value, _) => {
                let array = array.as_map();
                let (keys, values) = (self.column(array.keys(), key)?, self.column(array.values(), value)?);
                self.each(array, |row| {
                    let map = PyDict::new(py);
                    for entry in offset(array.value_offsets(), row)..offset(array.value_offsets(), row + 1) {
                        if let (Some(key), Some(value)) = (keys.get(entry), values.get(entry)) {
                            map.set_item(key, value)?;
                        }
                    }
                    Ok(map.into_any())
                })
            }
            SparkType::Struct(fields) => {
                let array = array.as_struct();
                let structs = self.structs(array.columns(), fields, array.len())?;
                self.each(array, |row| Ok(structs.get(row).map_or_else(|| py.None().into_bound(py), Clone::clone)))
            }
            other @ (SparkType::CalendarInterval | SparkType::Unsupported(_)) => Err(PyTypeError::new_err(format!(
                "Python has no value for the type {other}: cast the column to a string, or take it by toArrow()"
            ))),
        }
    }

    /// An object for each row; None for null.
    fn each(&self, array: &dyn Array, make: impl Fn(usize) -> PyResult<Bound<'py, PyAny>>) -> Objects<'py> {
        (0..array.len()).map(|row| if array.is_null(row) { Ok(self.py.None().into_bound(self.py)) } else { make(row) }).collect()
    }
}

fn offset(offsets: &[i32], row: usize) -> usize {
    offsets.get(row).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0)
}

/// A batch of rows, given column by column in the form that `DataType.toInternal` makes: days, microseconds, digits of decimals, tuples
/// of structs, pairs of maps.
///
/// # Errors
/// `TypeError` or `OverflowError` for a value that its column's type does not hold, with the row and the column.
pub(crate) fn batch(values: &[Vec<Bound<'_, PyAny>>], columns: &[StructField], rows: usize) -> PyResult<RecordBatch> {
    let fields = columns.iter().map(field_of).collect::<Vec<FieldRef>>();
    let arrays = values
        .iter()
        .zip(columns)
        .map(|(values, column)| array(values, &column.data_type).map_err(|(row, error)| located(error, row, &column.name)));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays.collect::<PyResult<_>>()?, &options)
        .map_err(|e| raised(tidemill::Error::from(e)))
}

/// The error with the place of the value that it is about.
fn located(error: PyErr, row: usize, column: &str) -> PyErr {
    Python::attach(|py| {
        let message = format!("row {}, column `{column}`: {}", row + 1, error.value(py));
        if error.is_instance_of::<PyOverflowError>(py) { PyOverflowError::new_err(message) } else { PyTypeError::new_err(message) }
    })
}

/// An array of a type; an error comes with the number of the value.
fn array(values: &[Bound<'_, PyAny>], data_type: &SparkType) -> Result<ArrayRef, (usize, PyErr)> {
    macro_rules! natives {
        ($type:ty) => {
            Arc::new(PrimitiveArray::<$type>::from(taken(values, |value| value.extract())?).with_data_type(to_arrow(data_type)))
        };
    }
    Ok(match data_type {
        SparkType::Null => {
            taken(values, |_| Err::<(), _>(PyTypeError::new_err("a column of the type void holds None alone")))?;
            Arc::new(NullArray::new(values.len()))
        }
        SparkType::Boolean => Arc::new(BooleanArray::from(taken(values, |value| value.extract())?)),
        SparkType::Byte => natives!(Int8Type),
        SparkType::Short => natives!(Int16Type),
        SparkType::Integer => natives!(Int32Type),
        SparkType::Long => natives!(Int64Type),
        SparkType::Float => natives!(Float32Type),
        SparkType::Double => natives!(Float64Type),
        SparkType::Decimal(..) => natives!(Decimal128Type),
        SparkType::Date => natives!(Date32Type),
        SparkType::Timestamp | SparkType::TimestampNtz => natives!(TimestampMicrosecondType),
        SparkType::Time(_) => natives!(Time64NanosecondType),
        SparkType::DayTimeInterval(..) => natives!(DurationMicrosecondType),
        SparkType::YearMonthInterval(..) => natives!(IntervalYearMonthType),
        SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => {
            Arc::new(StringArray::from(taken(values, |value| value.extract::<String>())?))
        }
        SparkType::Binary => {
            let bytes = taken(values, |value| value.extract::<Vec<u8>>())?;
            Arc::new(BinaryArray::from_iter(bytes))
        }
        SparkType::Array(element, _) => {
            let lists = taken(values, |value| value.extract::<Vec<Bound<'_, PyAny>>>())?;
            let (offsets, nulls, owners, items) = flat(lists);
            let items = array(&items, element).map_err(|(item, error)| (owners.get(item).copied().unwrap_or(0), error))?;
            let DataType::List(field) = to_arrow(data_type) else { return Err((0, PyTypeError::new_err("an array is no list"))) };
            Arc::new(ListArray::try_new(field, offsets, items, nulls).map_err(|e| (0, raised(e.into())))?)
        }
        SparkType::Map(key, value, _) => {
            let maps = taken(values, |value| value.extract::<Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>>())?;
            let (offsets, nulls, owners, pairs) = flat(maps);
            let (keys, items): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let owned = |(item, error): (usize, PyErr)| (owners.get(item).copied().unwrap_or(0), error);
            let (keys, items) = (array(&keys, key).map_err(owned)?, array(&items, value).map_err(owned)?);
            let DataType::Map(field, sorted) = to_arrow(data_type) else { return Err((0, PyTypeError::new_err("a map is no map"))) };
            let DataType::Struct(pair) = field.data_type() else { return Err((0, PyTypeError::new_err("a map has no entries"))) };
            let entries = StructArray::try_new(pair.clone(), vec![keys, items], None).map_err(|e| (0, raised(e.into())))?;
            Arc::new(MapArray::try_new(field, offsets, entries, nulls, sorted).map_err(|e| (0, raised(e.into())))?)
        }
        SparkType::Struct(fields) => {
            let rows = taken(values, |value| value.extract::<Vec<Bound<'_, PyAny>>>())?;
            let nulls = NullBuffer::from_iter(rows.iter().map(Option::is_some));
            let py = values.first().map(Bound::py);
            let children = fields.iter().enumerate().map(|(place, field)| {
                let child = rows.iter().enumerate().map(|(row, values)| match (values, py) {
                    (Some(values), _) if values.len() == fields.len() => Ok(values[place].clone()),
                    (Some(values), _) => {
                        let message = format!("a struct of {} fields has {} values", fields.len(), values.len());
                        Err((row, PyTypeError::new_err(message)))
                    }
                    (None, Some(py)) => Ok(py.None().into_bound(py)),
                    (None, None) => Err((row, PyTypeError::new_err("there is no value"))),
                });
                array(&child.collect::<Result<Vec<_>, _>>()?, &field.data_type)
            });
            let children = children.collect::<Result<Vec<_>, _>>()?;
            let DataType::Struct(arrow) = to_arrow(data_type) else { return Err((0, PyTypeError::new_err("a struct is no struct"))) };
            Arc::new(StructArray::try_new_with_length(arrow, children, Some(nulls), rows.len()).map_err(|e| (0, raised(e.into())))?)
        }
        other @ (SparkType::CalendarInterval | SparkType::Unsupported(_)) => {
            return Err((0, PyTypeError::new_err(format!("values of the type {other} cannot be made of Python's"))));
        }
    })
}

/// What each value is; none for None.
fn taken<'v, T>(
    values: &'v [Bound<'_, PyAny>],
    take: impl Fn(&'v Bound<'_, PyAny>) -> PyResult<T>,
) -> Result<Vec<Option<T>>, (usize, PyErr)> {
    values
        .iter()
        .enumerate()
        .map(|(row, value)| if value.is_none() { Ok(None) } else { take(value).map(Some).map_err(|error| (row, error)) })
        .collect()
}

/// Lists laid end to end: where each begins, which are null, of which list each item is, and the items.
fn flat<T>(lists: Vec<Option<Vec<T>>>) -> (OffsetBuffer<i32>, Option<NullBuffer>, Vec<usize>, Vec<T>) {
    let nulls = NullBuffer::from_iter(lists.iter().map(Option::is_some));
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.as_ref().map_or(0, Vec::len)));
    let (mut owners, mut items) = (Vec::new(), Vec::new());
    for (row, list) in lists.into_iter().enumerate() {
        for item in list.into_iter().flatten() {
            owners.push(row);
            items.push(item);
        }
    }
    (offsets, Some(nulls), owners, items)
}
