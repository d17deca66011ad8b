//! How many rows a batch of a stage has. Operators ask the task for it.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DfResult;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan};
use tidemill_planner::Result;
use tidemill_planner::logical::{RowsAtOnce, UserScalarFunction};

use crate::operators::{BATCH_BYTES, JoinBatchesExec, MapBatchesExec};

/// What a value without a fixed width is taken for, bytes: sources are asked for so many rows at once as are not expected to take more than
/// [`BATCH_BYTES`].
const WIDTH: usize = 1024;

/// A stage's plan, and how many rows its batches have: as many as usual, or as the functions of the program that it calls are best given.
///
/// # Errors
/// None of its own: those of nodes that do not show their expressions.
pub(crate) fn for_functions(plan: Arc<dyn ExecutionPlan>, usual: usize) -> Result<(Arc<dyn ExecutionPlan>, usize)> {
    let mut wanted = usual;
    plan.apply(|node| {
        wanted = called(node)?.map_or(wanted, |rows| wanted.max(rows.wanted(usual)));
        Ok(TreeNodeRecursion::Continue)
    })?;
    let rows = wanted.min(BATCH_BYTES / row_bytes(&plan).max(1)).max(usual);
    if rows == usual {
        return Ok((plan, usual));
    }
    let joined = plan.transform_up(|node| match (node.children().as_slice(), called(&node)?) {
        ([input], Some(_)) => {
            let input = Arc::new(JoinBatchesExec::new(Arc::clone(input), rows));
            Ok(Transformed::yes(node.replace_children(vec![input], ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?))
        }
        _ => Ok(Transformed::no(node)),
    });
    Ok((joined?.data, rows))
}

/// How wide the widest rows of a plan are taken for.
fn row_bytes(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let schema = plan.schema();
    let width =
        |field: &FieldRef| field.data_type().primitive_width().unwrap_or(if *field.data_type() == DataType::Boolean { 1 } else { WIDTH });
    let here = schema.fields().iter().map(width).sum();
    plan.children().into_iter().map(row_bytes).fold(here, usize::max)
}

/// How many rows the functions of the program that a node calls are best given, if it calls any.
fn called(node: &Arc<dyn ExecutionPlan>) -> DfResult<Option<RowsAtOnce>> {
    if let Some(map) = node.downcast_ref::<MapBatchesExec>() {
        return Ok(Some(map.rows_at_once()));
    }
    let mut found = None;
    node.apply_expressions(&mut |expr| {
        expr.apply(|expr| {
            let call = expr.downcast_ref::<ScalarFunctionExpr>().map(|call| call.fun().inner().as_ref());
            found = found.or(call.and_then(|inner| inner.downcast_ref::<UserScalarFunction>()).and_then(UserScalarFunction::wanted_rows));
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_plan::ExecutionPlan;
    use datafusion::physical_plan::empty::EmptyExec;

    use super::{for_functions, row_bytes};

    #[test]
    fn wide_rows_and_values_of_any_length_count_for_more() {
        for (types, bytes) in [
            (vec![], 0),
            (vec![DataType::Float64, DataType::Boolean], 9),
            (vec![DataType::Utf8, DataType::Int32], 1028),
            (vec![DataType::new_list(DataType::Int8, true)], 1024),
        ] {
            let fields: Vec<Field> = types.iter().map(|t| Field::new("a", t.clone(), true)).collect();
            let plan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::new(Schema::new(fields))));
            assert_eq!(row_bytes(&plan), bytes, "{types:?}");
            assert_eq!(for_functions(plan, 8_192).unwrap().1, 8_192, "a plan that calls nothing of the program's");
        }
    }
}
