//! Named queries that give other rows each time: they are computed once, and every place that names them reads those rows.
//!
//! Source: Spark, `InlineCTE`.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use tidemill_planner::logical::{Pass, RowPass, RowStep};
use tidemill_planner::seam::TaskScope;

use super::nodes::project;
use super::outer::outer_references;
use super::sample::is_sample;
use super::stream::extension;
use super::{Rel, Resolver};
use crate::Result;

impl Resolver<'_> {
    /// A use of rows that are made once: its columns have ids of their own.
    pub(super) fn shared_use(&mut self, made: &Rel) -> Result<Rel> {
        let mut rel = made.clone();
        let mut exprs = Vec::with_capacity(rel.scope.columns.len());
        let mut renamed: Vec<(String, String)> = Vec::with_capacity(rel.scope.columns.len());
        for attribute in &mut rel.scope.columns {
            let id = self.fresh(&attribute.name);
            exprs.push(attribute.expr().alias(&id));
            renamed.push((std::mem::replace(&mut attribute.id, id.clone()), id));
        }
        for attribute in &mut rel.scope.columns {
            let new = attribute.repeats.as_ref().and_then(|old| renamed.iter().find(|(known, _)| known == old));
            attribute.repeats = new.map(|(_, id)| id.clone());
        }
        rel.plan = project(rel.plan, exprs)?;
        Ok(rel)
    }
}

/// The rows as ones that are made once, if they would be others the next time.
pub(super) fn made_once(plan: &LogicalPlan) -> Option<LogicalPlan> {
    let is_fixed = plan.apply_with_subqueries(|node| {
        let step = match node {
            LogicalPlan::Extension(e) => e.node.as_any().downcast_ref::<RowStep>(),
            _ => None,
        };
        if step.is_some_and(|step| step.pass.shared_as().is_some()) {
            return Ok(TreeNodeRecursion::Jump);
        }
        let draws = step.is_some_and(|step| is_sample(step.pass.as_ref()));
        let varies = draws || node.expressions().iter().any(|e| e.exists(|e| Ok(e.is_volatile_node())).unwrap_or(true));
        Ok(if varies { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    let is_fixed = matches!(is_fixed, Ok(TreeNodeRecursion::Continue | TreeNodeRecursion::Jump));
    if is_fixed || !outer_references(plan).is_empty() {
        return None;
    }
    Some(extension(RowStep { input: plan.clone(), pass: Arc::new(MadeOnce { id: rand::random() }) }))
}

/// Hands all rows on; the number says which rows.
#[derive(Debug)]
struct MadeOnce {
    id: u64,
}

impl RowPass for MadeOnce {
    fn describe(&self) -> String {
        format!("Made once: {:016x}", self.id)
    }

    fn begin(&self, _: usize, _: &TaskScope) -> Result<Pass> {
        Ok(Box::new(Ok))
    }

    fn shared_as(&self) -> Option<String> {
        Some(format!("rows-{:016x}", self.id))
    }
}
