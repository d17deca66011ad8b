//! Passes rows through and notes the greatest event time among them. When the watermark moves is the epoch loop's business.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::max;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use tidemill_planner::OperatorId;

use super::exec::{Operator, OperatorTask};

/// The kernel of `with_watermark`.
#[derive(Debug)]
pub(super) struct WatermarkOperator {
    pub(super) id: OperatorId,
    pub(super) column: usize,
    pub(super) delay_us: i64,
    pub(super) schema: SchemaRef,
}

impl Operator for WatermarkOperator {
    fn name(&self) -> &'static str {
        "WatermarkExec"
    }

    fn id(&self) -> &OperatorId {
        &self.id
    }

    fn describe(&self) -> String {
        format!("{} delay {} ms", self.schema.field(self.column).name(), self.delay_us / 1000)
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn keys(&self) -> Option<Vec<Arc<dyn PhysicalExpr>>> {
        None
    }

    fn run(self: Arc<Self>, input: SendableRecordBatchStream, task: OperatorTask) -> SendableRecordBatchStream {
        let schema = self.schema();
        let rows = input.map(move |batch| {
            let batch = batch?;
            if let Some(greatest) = max(batch.column(self.column).as_primitive::<TimestampMicrosecondType>()) {
                let mut report = task.scope.report();
                let seen = report.event_time_max_us.entry(self.id.clone()).or_insert(i64::MIN);
                *seen = greatest.max(*seen);
            }
            Ok(RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
