//! Late rows: set aside on the operator's late port with who dropped them and why, never lost.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use tidemill_planner::seam::Port;
use tidemill_planner::{OperatorId, Result};

use super::exec::OperatorTask;

/// Puts the rows of `batch` that `late` marks on the late port.
pub(super) fn set_aside(
    task: &OperatorTask,
    operator: &OperatorId,
    schema: &SchemaRef,
    batch: &RecordBatch,
    late: &BooleanArray,
) -> Result<u64> {
    let rows = filter_record_batch(batch, late)?;
    let count = rows.num_rows();
    let watermark_us = task.watermarks.map_or(i64::MIN, |w| w.late_us);
    let epoch = task.scope.epoch.as_ref().map_or(0, |e| e.epoch as i64);
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(operator.as_str(), count))));
    columns.push(Arc::new(TimestampMicrosecondArray::from_value(watermark_us, count).with_timezone("UTC")));
    columns.push(Arc::new(Int64Array::from_value(epoch, count)));
    let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
    task.scope.emit_side(operator.as_str(), Port::Late, batch);
    Ok(count as u64)
}
