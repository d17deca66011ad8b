//! The limits of recursive queries: how many levels they have and how many rows they give.
//!
//! Source: Spark, `UnionLoopExec` and the rule of `LimitPushDown` for it.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{LogicalPlan, Projection};
use tidemill_planner::logical::{Pass, RowPass, RowStep};
use tidemill_planner::seam::TaskScope;

use super::stream::extension;
use crate::error::error;
use crate::plan::Cte;
use crate::{Result, Settings};

/// How far a recursion goes; without a number, as far as it likes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    levels: Option<u64>,
    rows: Option<u64>,
}

impl Limits {
    /// Those of a named query: its own, else the session's.
    pub(super) fn of(cte: &Cte, settings: &Settings) -> Result<Self> {
        let session = settings.whole("spark.sql.cteRecursionLevelLimit", 100)?;
        let rows = settings.whole("spark.sql.cteRecursionRowLimit", 1_000_000)?;
        Ok(Self { levels: u64::try_from(cte.max_level.unwrap_or(session)).ok(), rows: u64::try_from(rows).ok() })
    }
}

/// The first part and the step of the recursion `name`, counted and bounded.
pub(super) fn bounded(name: &str, anchor: LogicalPlan, step: LogicalPlan, limits: Limits) -> (LogicalPlan, LogicalPlan) {
    let counted = |input, pass: Part| extension(RowStep { input, pass: Arc::new(pass) });
    let id: u64 = rand::random();
    let of = |limits| Part { recursion: name.to_owned(), id, limits };
    (counted(anchor, of(None)), counted(step, of(Some(limits))))
}

/// The plan below a LIMIT: where nothing but projections stand between, the recursion may go on until the LIMIT has its rows.
pub(super) fn below_limit(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let input = below_limit(Arc::unwrap_or_clone(projection.input))?;
            Ok(LogicalPlan::Projection(Projection::try_new(projection.expr, Arc::new(input))?))
        }
        LogicalPlan::RecursiveQuery(mut query) => {
            let step = Arc::unwrap_or_clone(query.recursive_term).transform_down(|node| {
                let LogicalPlan::Extension(found) = &node else { return Ok(Transformed::no(node)) };
                let Some(step) = found.node.as_any().downcast_ref::<RowStep>() else { return Ok(Transformed::no(node)) };
                let pass: &dyn Any = step.pass.as_ref();
                let Some(Part { recursion, id, limits: Some(limits) }) = pass.downcast_ref() else { return Ok(Transformed::no(node)) };
                let pass = Part { recursion: recursion.clone(), id: *id, limits: Some(Limits { rows: None, ..*limits }) };
                let made = extension(RowStep { input: step.input.clone(), pass: Arc::new(pass) });
                Ok(Transformed::new(made, true, TreeNodeRecursion::Stop))
            });
            query.recursive_term = Arc::new(step.data()?);
            Ok(LogicalPlan::RecursiveQuery(query))
        }
        other => Ok(other),
    }
}

/// One of the two parts of a recursion; the step has the limits.
#[derive(Debug)]
struct Part {
    recursion: String,
    /// What both parts count under; other recursions of one task may have the name.
    id: u64,
    limits: Option<Limits>,
}

impl RowPass for Part {
    fn describe(&self) -> String {
        match self.limits {
            None => format!("Recursion {}: first part", self.recursion),
            Some(Limits { levels, rows }) => {
                let shown = |limit: Option<u64>| limit.map_or_else(|| "any".to_owned(), |n| n.to_string());
                format!("Recursion {}: step, levels {}, rows {}", self.recursion, shown(levels), shown(rows))
            }
        }
    }

    fn takes_all_rows(&self) -> bool {
        true
    }

    /// The step begins once per level that has rows before it.
    fn begin(&self, _: usize, scope: &TaskScope) -> Result<Pass> {
        let levels = scope.counter(&format!("levels of recursion {:016x}", self.id));
        let rows = scope.counter(&format!("rows of recursion {:016x}", self.id));
        let Some(limits) = self.limits else {
            // It begins anew with its first rows: a task may hold the same recursion several times, one after the other.
            let mut is_new = true;
            return Ok(Box::new(move |batch: RecordBatch| {
                if std::mem::take(&mut is_new) {
                    levels.store(0, Ordering::Relaxed);
                    rows.store(0, Ordering::Relaxed);
                }
                rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                Ok(batch)
            }));
        };
        let level = levels.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(limit) = limits.levels.filter(|limit| level > *limit) {
            return Err(too_deep(limit));
        }
        if let Some(limit) = limits.rows.filter(|limit| rows.load(Ordering::Relaxed) >= *limit) {
            return Err(too_many(limit));
        }
        // What the last level gives would be a level more.
        let last = limits.levels.filter(|limit| level == *limit);
        Ok(Box::new(move |batch: RecordBatch| match last {
            Some(limit) if batch.num_rows() > 0 => Err(too_deep(limit)),
            _ => {
                rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                Ok(batch)
            }
        }))
    }
}

fn too_deep(limit: u64) -> crate::Error {
    let message = format!(
        "the recursive query goes on after {limit} levels: let its step end, write MAX RECURSION LEVEL n, or raise \
         spark.sql.cteRecursionLevelLimit (-1 for none)"
    );
    error("RECURSION_LEVEL_LIMIT_EXCEEDED", message).with_parameter("levelLimit", limit)
}

fn too_many(limit: u64) -> crate::Error {
    let message = format!(
        "the recursive query has given {limit} rows and goes on: let its step end, put a LIMIT above it, or raise \
         spark.sql.cteRecursionRowLimit (-1 for none)"
    );
    error("RECURSION_ROW_LIMIT_EXCEEDED", message).with_parameter("rowLimit", limit)
}
