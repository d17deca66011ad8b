//! The rows of a memory sink under the query's name: a temporary view that shows what has been published so far, as in Spark.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use tidemill_streaming::sink::MemoryTable;

use crate::session::Session;
use tidemill_planner::Result;

#[derive(Debug)]
struct MemoryView {
    rows: MemoryTable,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for MemoryView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn EngineSession,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let batches = self.rows.batches();
        Ok(MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&self.schema), projection.cloned())?)
    }
}

/// Lets `name` stand for the rows of a memory sink, of these columns.
///
/// # Errors
/// When `name` is no name for a view.
pub(super) fn show(session: &Session, name: &str, rows: MemoryTable, schema: SchemaRef) -> Result<()> {
    session.scan(name, Arc::new(MemoryView { rows, schema }))?.create_or_replace_temp_view(name)
}
