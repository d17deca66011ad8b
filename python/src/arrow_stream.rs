//! Rows handed over by the Arrow PyCapsule protocol, both ways. What has another Arrow type than the engine's is cast.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

use crate::error::raised;

/// All batches of an object that has `__arrow_c_stream__`, and their schema. What fails on the way is that object's error.
pub(crate) fn batches(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<(SchemaRef, Vec<RecordBatch>)> {
    let reader = object.extract::<PyRecordBatchReader>()?.into_reader()?;
    let schema = reader.schema();
    // The producer may be Python's, and take the GIL for each batch.
    let batches = py.detach(|| reader.collect::<Result<Vec<_>, ArrowError>>()).map_err(|e| raised(e.into()))?;
    Ok((schema, batches))
}

/// A capsule of batches, as `__arrow_c_stream__` gives it.
pub(crate) fn capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
    requested: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let field = Field::new("", DataType::Struct(schema.fields().clone()), false).with_metadata(schema.metadata().clone());
    let arrays: Vec<Result<ArrayRef, ArrowError>> =
        batches.into_iter().map(|batch| Ok(Arc::new(StructArray::from(batch)) as ArrayRef)).collect();
    Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(arrays, Arc::new(field))), requested)?)
}
