//! `lag` and `lead` that pass over nulls, computed over whole partitions. Row by row, DataFusion loses count of the nulls between a row and
//! the one that is looked for (datafusion-functions-window 55, `lead_lag.rs`, `WindowShiftEvaluator::evaluate`), and it pushes a LIMIT
//! below `lead` as if no row that it needs were null (`WindowShift::limit_effect`).

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;
use datafusion::error::Result;
use datafusion::logical_expr::function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, WindowUDF, WindowUDFImpl};
use datafusion::physical_expr::PhysicalExpr;

/// The function, which is to be called with IGNORE NULLS.
pub(super) fn over_nulls(shift: Arc<WindowUDF>) -> Arc<WindowUDF> {
    Arc::new(WindowUDF::new_from_impl(OverNulls { shift }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OverNulls {
    shift: Arc<WindowUDF>,
}

impl WindowUDFImpl for OverNulls {
    fn name(&self) -> &str {
        self.shift.name()
    }

    fn signature(&self) -> &Signature {
        self.shift.signature()
    }

    fn expressions(&self, args: ExpressionArgs<'_>) -> Vec<Arc<dyn PhysicalExpr>> {
        self.shift.expressions(args)
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(WholePartition(self.shift.partition_evaluator_factory(args)?)))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        self.shift.field(args)
    }
}

/// An evaluator that is given all rows of a partition at once.
#[derive(Debug)]
struct WholePartition(Box<dyn PartitionEvaluator>);

impl PartitionEvaluator for WholePartition {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        self.0.evaluate_all(values, num_rows)
    }
}
