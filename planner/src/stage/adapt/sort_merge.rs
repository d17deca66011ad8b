//! A join whose build side does not fit in what a task may hold sorts both sides and merges them: sorts spill, a hash table cannot.
//!
//! ```text
//! HashJoin(projection)                  Projection
//!   StageRead(0, by bucket)    ──►        SortMergeJoin
//!   StageRead(1, by bucket)                 Sort
//!                                             StageRead(0, by bucket)
//!                                           Sort
//!                                             StageRead(1, by bucket)
//! ```
//! It comes last: sides that are swapped and buckets that are read in pieces may fit.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinSide, JoinType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;

use super::{Change, Known, Rule, StageSize, exchanged_joins, replaced, set_plan, shown_bytes};
use crate::Result;
use crate::stage::{StageGraph, StageId, StageReadExec};

/// Makes the first such change that can be made.
pub(super) fn apply(graph: &mut StageGraph, known: &Known<'_>) -> Result<Option<Change>> {
    let Some(most) = known.settings.build_bytes.filter(|_| known.settings.sort_merge) else { return Ok(None) };
    for at in 0..graph.stages.len() {
        let stage = &graph.stages[at];
        if !known.is_next(stage) {
            continue;
        }
        let plan = Arc::clone(&stage.plan);
        for exchanged in exchanged_joins(&plan) {
            let Some(size) = known.size(exchanged.left.stage()) else { continue };
            let held = largest_build(exchanged.left, size);
            if held <= most {
                continue;
            }
            let Some(merge) = merged(exchanged.join)? else { continue };
            let Ok(above) = replaced(&plan, exchanged.node, &merge) else { continue };
            let mut changed = graph.clone();
            if !set_plan(&mut changed, StageId(at), above, known)? {
                continue;
            }
            // A join above that tells the sorts by what to filter has all tasks run at once: they would leave each other nothing to sort in.
            let stage = changed.stage(StageId(at));
            if stage.tasks_wait() && stage.partitions > known.settings.parallelism {
                continue;
            }
            *graph = changed;
            let build = exchanged.left.stage();
            let what = format!(
                "a task would hold {} of stage {build}, and may hold {}: both sides are sorted and merged",
                shown_bytes(held),
                shown_bytes(most)
            );
            return Ok(Some(Change { rule: Rule::SortMerge, stage: StageId(at), what }));
        }
    }
    Ok(None)
}

/// What the task holds that builds the most.
fn largest_build(read: &StageReadExec, size: &StageSize) -> u64 {
    let shares = read.buckets().into_iter().flat_map(|buckets| buckets.iter()).enumerate();
    shares.map(|(task, buckets)| size.built(buckets.clone()).div_ceil(read.piece(task).of.max(1) as u64)).max().unwrap_or(0)
}

/// The join, over sorts; `None` where a merge would not give the same rows.
fn merged(join: &HashJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if join.null_aware || join.fetch().is_some() || !keys_can_be_merged(join)? {
        return Ok(None);
    }
    let (left_keys, right_keys): (Vec<_>, Vec<_>) = join.on().iter().cloned().unzip();
    let (Some(left), Some(right)) = (sorted(join.left(), left_keys), sorted(join.right(), right_keys)) else { return Ok(None) };
    let options = vec![SortOptions::default(); join.on().len()];
    let (on, filter) = (join.on().to_vec(), join.filter().map(left_first).transpose()?);
    let merge: Arc<dyn ExecutionPlan> =
        Arc::new(SortMergeJoinExec::try_new(left, right, on, filter, *join.join_type(), options, join.null_equality())?);
    let merge: Arc<dyn ExecutionPlan> = match &join.projection {
        None => merge,
        Some(columns) => {
            let schema = merge.schema();
            let column = |at: &usize| {
                let name = schema.field(*at).name();
                (Arc::new(Column::new(name, *at)) as Arc<dyn PhysicalExpr>, name.clone())
            };
            Arc::new(ProjectionExec::try_new(columns.iter().map(column), merge)?)
        }
    };
    Ok((merge.schema() == join.schema()).then_some(merge))
}

/// A join's condition over the columns of the left side, then those of the right one. DataFusion 55 hands a merge's condition its columns in
/// this order, whatever the condition says (`sort_merge_join/filter.rs`, `get_filter_columns`); that of a join whose sides were swapped says
/// another. It hands it rows without a match, too, as nulls.
fn left_first(filter: &JoinFilter) -> Result<JoinFilter> {
    let indices = filter.column_indices();
    let mut order: Vec<usize> = (0..indices.len()).collect();
    order.sort_by_key(|at| indices[*at].side != JoinSide::Left);
    let expr = Arc::clone(filter.expression()).transform_up(|part| {
        let Some(column) = part.downcast_ref::<Column>() else { return Ok(Transformed::no(part)) };
        let now = order.iter().position(|at| *at == column.index()).unwrap_or(column.index());
        Ok(Transformed::yes(Arc::new(Column::new(column.name(), now)) as Arc<dyn PhysicalExpr>))
    })?;
    let fields = order.iter().map(|at| filter.schema().field(*at).clone().with_nullable(true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    Ok(JoinFilter::new(expr.data, order.iter().map(|at| indices[*at].clone()).collect(), Arc::new(schema)))
}

/// A side in the order of its keys, each task's rows by themselves.
fn sorted(side: &Arc<dyn ExecutionPlan>, keys: Vec<Arc<dyn PhysicalExpr>>) -> Option<Arc<dyn ExecutionPlan>> {
    let order = LexOrdering::new(keys.into_iter().map(PhysicalSortExpr::new_default))?;
    Some(Arc::new(SortExec::new(order, Arc::clone(side)).with_preserve_partitioning(true)))
}

/// Whether the merge can compare the join's keys. One that tells only whether there is a match compares neighbours value by value, which it
/// cannot for all types, nor for NaN.
fn keys_can_be_merged(join: &HashJoinExec) -> Result<bool> {
    let tells_only = !matches!(join.join_type(), JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full);
    let (left, right) = (join.left().schema(), join.right().schema());
    for (left_key, right_key) in join.on() {
        let types = [left_key.data_type(&left)?, right_key.data_type(&right)?];
        if !types.iter().all(|data_type| can_be_merged(data_type, tells_only)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Source: DataFusion, `compare_join_arrays` and `JoinKeyComparator` (`joins/utils.rs`).
fn can_be_merged(data_type: &DataType, tells_only: bool) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Binary
        | DataType::BinaryView
        | DataType::LargeBinary
        | DataType::FixedSizeBinary(_)
        | DataType::Utf8
        | DataType::Utf8View
        | DataType::LargeUtf8
        | DataType::Decimal128(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(_, None) => true,
        DataType::Float32 | DataType::Float64 | DataType::Decimal256(..) | DataType::Timestamp(_, Some(_)) => !tells_only,
        _ => false,
    }
}
