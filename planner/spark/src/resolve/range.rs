//! The rows of `range`: a table that counts.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::functions_table::generate_series::{GenSeriesArgs, GenerateSeriesTable};
use datafusion::logical_expr::TableSource;

/// The table of `start`, `start + step`, … up to but without `end`.
pub(super) fn source(start: i64, end: i64, step: i64) -> Arc<dyn TableSource> {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let args = GenSeriesArgs::Int64Args { start, end, step, include_end: false, name: "range" };
    datafusion::datasource::provider_as_source(Arc::new(GenerateSeriesTable::new(schema, args)))
}
