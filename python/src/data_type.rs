//! Types in Spark's JSON, which is how Python and the engine tell each other of types.

use pyo3::prelude::*;
use tidemill_spark::error::error;
use tidemill_spark::parse::{ParseOptions, parse_data_type as parse_type, parse_table_schema};
use tidemill_spark::types::{SparkType, StructField};

use crate::error::raised_in;

/// The type that a DDL text names, as JSON.
#[pyfunction]
pub(crate) fn parse_data_type(text: &str) -> PyResult<String> {
    let parsed = parse_type(text, &ParseOptions::default()).map_err(|e| raised_in(e, text))?;
    Ok(parsed.to_json().to_string())
}

/// The columns that a DDL text describes, as JSON of a struct.
#[pyfunction]
pub(crate) fn parse_schema(text: &str) -> PyResult<String> {
    let fields = parse_table_schema(text, &ParseOptions::default()).map_err(|e| raised_in(e, text))?;
    Ok(SparkType::Struct(fields).to_json().to_string())
}

/// The columns that a JSON text describes.
pub(crate) fn columns(json: &str) -> tidemill::Result<Vec<StructField>> {
    let value = serde_json::from_str(json).map_err(|e| error("INVALID_JSON_DATA_TYPE", format!("the schema is no JSON: {e}")))?;
    match SparkType::from_json(&value)? {
        SparkType::Struct(fields) => Ok(fields),
        other => Err(error("INVALID_JSON_DATA_TYPE", format!("a schema is a struct, not {other}"))),
    }
}

/// Columns as JSON of a struct.
pub(crate) fn json(columns: Vec<StructField>) -> String {
    SparkType::Struct(columns).to_json().to_string()
}
