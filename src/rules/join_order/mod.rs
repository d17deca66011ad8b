//! Inner, semi and anti joins in the order in which the fewest rows move, by what tables say of themselves. The broadcast or exchange of
//! each is decided when sizes are known, and not here (`planner::stage::adapt`).
//!
//! ```text
//! customer ⋈ orders ⋈ lineitem ⋈ supplier ⋈ nation ⋈ region (ASIA)
//!   ──►  ((((region ⋈ nation) ⋈ customer) ⋈ orders) ⋈ lineitem) ⋈ supplier
//! ```
//!
//! [`flat`] takes a tree of joins apart and puts it together, [`profile`] says how large its relations are, [`search`] finds the order.
//! [`small_builds`] comes when all exchanges are there: it has build sides made first that are likely to be small.

mod flat;
mod profile;
mod search;
pub(crate) mod small_builds;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;

use flat::Flat;
use profile::Profile;
use search::{Condition, Keeps, Member, Problem, Relation, best, cost, rows_along};

/// Larger trees keep the order in which they were written. Source of the number: Spark, `spark.sql.cbo.joinReorder.dp.threshold`.
const MOST_RELATIONS: usize = 12;
/// Finds the order of joins, unless `optimizer.join_reordering` is off.
#[derive(Debug)]
pub(crate) struct JoinOrder {
    /// Fewer rows than these are joined before another order is found.
    few_rows: f64,
    /// What another order must cost at most, where the one that was written costs 1: guesses are not worth less.
    worthwhile: f64,
}

impl Default for JoinOrder {
    fn default() -> Self {
        Self { few_rows: 50_000.0, worthwhile: 0.8 }
    }
}

impl PhysicalOptimizerRule for JoinOrder {
    fn name(&self) -> &'static str {
        "join_order"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        if config.optimizer.join_reordering { self.ordered(plan) } else { Ok(plan) }
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl JoinOrder {
    /// The plan with each of its trees of joins in the best order that is known.
    fn ordered(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(mut flat) = Flat::of(&plan)? else {
            let children = plan.children().into_iter().map(|child| self.ordered(Arc::clone(child))).collect::<Result<Vec<_>>>()?;
            return replace_children_if_necessary(plan, children);
        };
        let before: Vec<Arc<dyn ExecutionPlan>> = flat.relations.iter().map(|part| Arc::clone(&part.plan)).collect();
        for part in &mut flat.relations {
            part.plan = self.ordered(Arc::clone(&part.plan))?;
        }
        if let Some(found) = self.reordered(&flat, &plan)? {
            return Ok(found);
        }
        // The order stays: what has changed within the relations takes their place.
        plan.transform_down(|node| match before.iter().position(|relation| Arc::ptr_eq(relation, &node)) {
            Some(at) => Ok(Transformed::new(Arc::clone(&flat.relations[at].plan), true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    /// A cheaper order, where sizes are known and it is worth it.
    fn reordered(&self, flat: &Flat, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(problem) = problem(flat) else { return Ok(None) };
        if problem.relations.iter().map(|relation| relation.whole_rows).sum::<f64>() < self.few_rows {
            return Ok(None);
        }
        let Some((tree, least)) = best(&problem) else { return Ok(None) };
        let written = cost(&problem, &flat.tree);
        tracing::debug!(least, written, ?tree, "an order of joins");
        if least > written * self.worthwhile {
            return Ok(None);
        }
        let rows = rows_along(&problem, &tree);
        let found = flat.in_order(&tree, &plan.schema(), &|set| rows[set as usize])?;
        // What a schema says beside its columns may be lost.
        Ok((found.schema() == plan.schema()).then_some(found))
    }
}

/// The numbers of a tree of joins; none if a relation's are not known.
fn problem(flat: &Flat) -> Option<Problem> {
    let profiles = flat.relations.iter().map(|part| Profile::of(&part.plan)).collect::<Option<Vec<_>>>()?;
    let of = |column: usize| {
        let at = flat.relation_of(column);
        (at, column - flat.relations[at].columns.start)
    };
    let mut relations: Vec<Relation> = Vec::new();
    for (at, part) in flat.relations.iter().enumerate() {
        let profile = &profiles[at];
        let keeps = part.keeps.as_ref().map(|semi| {
            let on: Vec<_> = semi.on.iter().map(|(theirs, its)| (of(*theirs), of(*its).1)).collect();
            // Columns of several relations: the share is that of the first's.
            let first = on.first().map_or(at, |((relation, _), _)| *relation);
            let on: Vec<(usize, usize)> =
                on.iter().filter(|((relation, _), _)| *relation == first).map(|((_, theirs), its)| (*theirs, *its)).collect();
            Keeps { of: flat.looked_at(at), share: profile::kept(&profiles[first], profile, &on, semi.anti, semi.filter.is_some()) }
        });
        let width = part.plan.schema().fields().iter().map(|field| field.data_type().primitive_width().unwrap_or(32) as f64).sum();
        // Conditions over this relation alone that stood higher.
        let share: f64 = flat.conditions.iter().filter(|condition| condition.of == 1 << at).map(|_| profile::OTHER).product();
        relations.push(Relation { rows: profile.rows * share, whole_rows: profile.whole_rows, width, keeps });
    }
    let member = |column: &usize| {
        let (relation, at) = of(*column);
        Member { relation, distinct: profiles[relation].distinct(at) }
    };
    let classes = flat.classes.iter().map(|class| class.iter().map(member).collect()).collect();
    let conditions = flat.conditions.iter().filter(|condition| condition.of.count_ones() > 1);
    let conditions = conditions.map(|condition| Condition { of: condition.of, share: profile::OTHER }).collect();
    Some(Problem { relations, classes, conditions })
}
