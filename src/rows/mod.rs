//! Single values out of Arrow arrays, by Spark's type: as text for people and as JSON for scripts. Which rows, and where they
//! go, is the caller's business.

mod instant;
mod json;
mod literal;

use arrow::datatypes::Schema;
use tidemill_spark::types::{StructField, from_field};

pub(crate) use instant::{spark_batch, spark_schema};
pub(crate) use json::{Json, json_rows};
pub(crate) use literal::literal_at;

/// The columns of rows as Spark sees them: an Arrow field carries Spark's type where Arrow's does not say it.
pub(crate) fn columns(schema: &Schema) -> Vec<StructField> {
    schema.fields().iter().map(|field| from_field(field)).collect()
}
