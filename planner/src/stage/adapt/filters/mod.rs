//! Rows whose keys the other side of a join has not are kept back before they are exchanged: the keys of a stage that is done become a
//! filter of scans that have not begun.
//!
//! ```text
//! before   stage 0  FilterExec                               writes hash(k@0)
//!          stage 1  DataSourceExec                           writes hash(k@0)       begins after stage 0
//!          stage 2  HashJoinExec: on=[(k@0, k@0)]            reads 0, 1
//!
//! after    stage 0  the same, and gathers k@0
//!          stage 1  FilterExec: k@0 >= 1 AND k@0 <= 9 AND might_contain(keys of stage 0 column 0, k@0)
//!                     DataSourceExec: predicate=k@0 >= 1 AND k@0 <= 9
//! ```
//! Keys go from either side of a join to the other, through the exchanges, joins and aggregations between (`lineage.rs`); what else they
//! then keep back goes on from there: nations by a region, suppliers by nations, lines by suppliers.
//! Source: Spark's runtime filters (`InjectRuntimeFilter.scala`), which read the side that the keys are of a second time; here they are
//! noted while it is written.

mod bloom;
mod keys;
mod lineage;
mod might_contain;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::common::{JoinSide, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;

use super::{AdaptiveSettings, Change, Known, Rule, StageSize, replaced, set_plan};
use crate::Result;
use crate::stage::{Stage, StageGraph, StageId, StageOutput};
pub use keys::{KeyNotes, Keys, TaskKeys};
use lineage::{Site, Source, keeps_rows_back, sites, sources, unmatched_vanish};
use might_contain::MightContain;

/// Whether keys become filters, and of what size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterSettings {
    /// Whether any do.
    pub enabled: bool,
    /// The most bytes of a stage whose keys become one.
    pub creation_bytes: u64,
    /// The least bytes of a scan that is filtered.
    pub application_bytes: u64,
    /// The most bits of a filter.
    pub most_bits: u64,
}

impl FilterSettings {
    /// No filters.
    pub fn off() -> Self {
        Self { enabled: false, creation_bytes: 0, application_bytes: 0, most_bits: 0 }
    }

    /// The usual figures.
    pub fn usual() -> Self {
        Self { enabled: true, creation_bytes: 512 << 20, application_bytes: 0, most_bits: 1 << 26 }
    }
}

/// What was gathered of a stage: columns of its rows, and their keys.
pub type Gathered = Vec<(usize, Arc<Keys>)>;

/// Of a filtered scan one of so many rows is taken to be left.
const LEFT_OF: u64 = 5;

/// A filter is worth waiting for if it has at most one key for so many rows.
const ROWS_A_KEY: u64 = 2;

/// Testing a row is worth it where at most one of so many rows of the scan that the keys are of has left its key: of half of TPC-H's orders,
/// the test of six million lines took 0.44 s and saved less.
const WORTH_A_TEST: u64 = 3;

/// Plans of more stages are run without filters: the ways of a key through so many joins are looked for again whenever a stage is done.
const MOST_STAGES: usize = 48;

/// A key of a join, from one side to the other.
struct Passage {
    from: Vec<Source>,
    to: Vec<Site>,
    towards: JoinSide,
}

/// All keys of joins that may be passed on, by the plan as it is now.
fn passages(graph: &StageGraph, known: &Known<'_>) -> Vec<Passage> {
    if graph.stages.len() > MOST_STAGES {
        return Vec::new();
    }
    fn joins<'a>(plan: &'a Arc<dyn ExecutionPlan>, found: &mut Vec<&'a HashJoinExec>) {
        found.extend(plan.downcast_ref::<HashJoinExec>());
        plan.children().into_iter().for_each(|child| joins(child, found));
    }
    let mut found = Vec::new();
    for stage in graph.stages.iter().filter(|stage| known.may_change(stage)) {
        let mut of_stage = Vec::new();
        joins(&stage.plan, &mut of_stage);
        for join in of_stage {
            for (left, right) in lineage::keys(join) {
                for (towards, (from, source), (to, column)) in [
                    (JoinSide::Right, (join.left(), left), (join.right(), right)),
                    (JoinSide::Left, (join.right(), right), (join.left(), left)),
                ] {
                    if !unmatched_vanish(*join.join_type(), towards) {
                        continue;
                    }
                    let to = sites(graph, known, stage.id, to, column);
                    if to.is_empty() {
                        continue;
                    }
                    let from = sources(graph, from, source).into_iter().filter(|source| gives_same_keys(graph, source)).collect();
                    found.push(Passage { from, to, towards });
                }
            }
        }
    }
    found
}

/// Whether a source's column has keys, and a stage that is run again gives the same ones: a filter of the first ones stays.
fn gives_same_keys(graph: &StageGraph, source: &Source) -> bool {
    let stage = graph.stage(source.stage);
    let schema = stage.plan.schema();
    matches!(stage.output, StageOutput::Passthrough | StageOutput::Hash { .. })
        && schema.fields().get(source.column).is_some_and(|field| keys::has_keys(field.data_type()))
        && graph.upstream(source.stage).into_iter().all(|id| graph.stage(id).repeatable)
}

fn same_type(graph: &StageGraph, source: &Source, site: &Site) -> bool {
    *graph.stage(source.stage).plan.schema().field(source.column).data_type() == site.data_type()
}

/// The stages that come before a stage, whatever it waits for.
fn all_before(graph: &StageGraph, id: StageId) -> Vec<StageId> {
    graph.before(id, |stage: &Stage| stage.inputs.iter().chain(&stage.after).copied().collect())
}

/// Lets scans begin after the stages whose keys may keep many of their rows back. It is done before build sides are put first, which stays
/// as it is where both cannot be.
pub fn filters_first(graph: &mut StageGraph, settings: &AdaptiveSettings) {
    if !(settings.enabled && settings.filters.enabled) {
        return;
    }
    let known = Known { sizes: &[], begun: &|_| false, settings };
    let passages = passages(graph, &known);
    let mut tested = vec![false; graph.stages.len()];
    // Builds are mostly the smaller sides, and filter what probes them; what probes filters a build where it is known to be smaller.
    for towards in [JoinSide::Right, JoinSide::Left] {
        let passages: Vec<&Passage> = passages.iter().filter(|passage| passage.towards == towards).collect();
        // A scan that will be filtered may be a filter of others.
        while wait_for(graph, &passages, &mut tested, &|source, site| source.is_first && is_worth_waiting_for(source, site, towards)) {}
    }
    // What probes a build waits for it in any case, and may as well wait for all that has become of its keys.
    for passage in passages.iter().filter(|passage| passage.towards == JoinSide::Right) {
        let nearest = passage.from.first().map(|source| source.stage);
        wait_for(graph, &[passage], &mut tested, &|source, _| Some(source.stage) == nearest);
    }
}

/// Lets each scan begin after the first of its sources that is `wanted`; whether that has changed anything.
fn wait_for(graph: &mut StageGraph, passages: &[&Passage], tested: &mut [bool], wanted: &dyn Fn(&Source, &Site) -> bool) -> bool {
    let mut changed = false;
    for passage in passages {
        for site in &passage.to {
            let source = passage.from.iter().find(|source| {
                same_type(graph, source, site)
                    && says_something(graph, source.stage, tested)
                    && wanted(source, site)
                    && !all_before(graph, source.stage).contains(&site.stage)
            });
            let Some(source) = source else { continue };
            let after = &mut graph.stages[site.stage.0].after;
            if let Err(at) = after.binary_search(&source.stage) {
                after.insert(at, source.stage);
                changed = true;
            }
            changed |= !std::mem::replace(&mut tested[site.stage.0], true);
        }
    }
    changed
}

/// Whether a stage has keys of some of the rows only; of the stages that are `tested`, some rows will be kept back.
fn says_something(graph: &StageGraph, id: StageId, tested: &[bool]) -> bool {
    tested[id.0] || keeps_rows_back(graph, &graph.stage(id).plan, &|id: StageId| tested[id.0])
}

/// By the sizes of scans alone. Of unknown ones a build is taken to be small, and a probe is not.
fn is_worth_waiting_for(source: &Source, site: &Site, towards: JoinSide) -> bool {
    match (source.scanned(), site.scanned()) {
        (Some(keys), Some(rows)) => (keys / LEFT_OF).saturating_mul(ROWS_A_KEY) <= rows,
        _ => towards == JoinSide::Right,
    }
}

/// Filters what has not begun by the keys that were gathered, and says which keys the stages are to gather that have not begun either.
///
/// # Errors
/// Those of nodes that cannot be put together anew.
pub fn filter_scans(
    graph: &mut StageGraph,
    sizes: &[Option<StageSize>],
    gathered: &[Gathered],
    begun: &dyn Fn(StageId) -> bool,
    settings: &AdaptiveSettings,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    if !(settings.enabled && settings.filters.enabled) {
        return Ok(changes);
    }
    let known = Known { sizes, begun, settings };
    while let Some(change) = filter_one(graph, gathered, &known)? {
        changes.push(change);
    }
    say_what_is_gathered(graph, gathered, &known);
    Ok(changes)
}

/// Makes the first such change that can be made.
fn filter_one(graph: &mut StageGraph, gathered: &[Gathered], known: &Known<'_>) -> Result<Option<Change>> {
    for passage in passages(graph, known) {
        for site in passage.to {
            let least_bytes = known.settings.filters.application_bytes;
            if least_bytes > 0 && site.scanned_bytes().is_some_and(|bytes| bytes < least_bytes) {
                continue;
            }
            let mut found: Vec<(&Source, &Arc<Keys>)> = Vec::new();
            for source in passage.from.iter().filter(|source| same_type(graph, source, &site)) {
                let small = known.size(source.stage).is_some_and(|size| size.all_bytes() <= known.settings.filters.creation_bytes);
                found.extend(keys_of(gathered, source).filter(|_| small).map(|keys| (source, keys)));
            }
            let Some((source, keys)) = found.into_iter().min_by_key(|(_, keys)| keys.count()) else { continue };
            let keeps_most_of = |rows: u64| keys.count().saturating_mul(WORTH_A_TEST) > rows;
            if is_tested(&site, source, keys)
                || source.scanned().is_some_and(keeps_most_of)
                || site.scanned().is_some_and(|rows| keys.count() > rows)
            {
                continue;
            }
            let Some(plan) = filtered(&graph.stage(site.stage).plan, &site, source, keys)? else { continue };
            let mut changed = graph.clone();
            if set_plan(&mut changed, site.stage, plan, known)? {
                *graph = changed;
                let name = site.above.schema().field(site.column).name().clone();
                let what = format!("{name} is one of at most {} keys of stage {}", keys.count(), source.stage);
                return Ok(Some(Change { rule: Rule::Filter, stage: site.stage, what }));
            }
        }
    }
    Ok(None)
}

/// The keys that were gathered of a source.
fn keys_of<'a>(gathered: &'a [Gathered], source: &Source) -> Option<&'a Arc<Keys>> {
    gathered.get(source.stage.0)?.iter().find_map(|(column, keys)| (*column == source.column).then_some(keys))
}

/// Whether the rows of a place are tested by these keys, or by no more others, already.
fn is_tested(site: &Site, source: &Source, keys: &Arc<Keys>) -> bool {
    let mut above = &site.above;
    while let Some(filter) = above.downcast_ref::<FilterExec>() {
        let test = split_conjunction(filter.predicate()).into_iter().find_map(|part| {
            let test = part.downcast_ref::<MightContain>()?;
            (test.key().downcast_ref::<Column>()?.index() == site.column).then_some(test)
        });
        if test.is_some_and(|test| test.source() == (source.stage, source.column) || test.keys().count() <= keys.count()) {
            return true;
        }
        // The filters of the query stand below those of keys.
        if filter.projection().is_some() {
            return false;
        }
        above = filter.input();
    }
    false
}

/// The stage's plan with the test, and with the bounds of the keys in the scan's own predicate; `None` where the place is not one alone.
fn filtered(plan: &Arc<dyn ExecutionPlan>, site: &Site, source: &Source, keys: &Arc<Keys>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if occurrences(plan, &site.above) != 1 {
        return Ok(None);
    }
    let mut input = Arc::clone(&site.above);
    if let Some((scan, column)) = &site.scan
        && let Some(bounds) = within_bounds(scan, *column, keys)
    {
        // The rule takes a filter over a scan for one that has just been planned; other filters of the plan have been through it.
        let asked = Arc::new(FilterExec::try_new(bounds, Arc::clone(scan))?);
        let pushed = FilterPushdown::new().optimize(asked, &ConfigOptions::default())?;
        let scan_within = match pushed.downcast_ref::<FilterExec>() {
            Some(filter) => Arc::clone(filter.input()),
            None => pushed,
        };
        input = replaced(&input, scan, &scan_within)?;
    }
    let key = column_at(&site.above, site.column);
    let test: Arc<dyn PhysicalExpr> = Arc::new(MightContain::new(key, (source.stage, source.column), Arc::clone(keys)));
    let predicate = match within_bounds(&site.above, site.column, keys) {
        Some(bounds) => conjunction([bounds, test]),
        None => test,
    };
    let tested: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(predicate, input)?);
    Ok(Some(replaced(plan, &site.above, &tested)?))
}

/// How often a node stands in a plan.
fn occurrences(plan: &Arc<dyn ExecutionPlan>, node: &Arc<dyn ExecutionPlan>) -> usize {
    usize::from(Arc::ptr_eq(plan, node)) + plan.children().into_iter().map(|child| occurrences(child, node)).sum::<usize>()
}

fn column_at(plan: &Arc<dyn ExecutionPlan>, column: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(plan.schema().field(column).name(), column))
}

/// That a column is neither less than the least key nor greater than the greatest.
fn within_bounds(plan: &Arc<dyn ExecutionPlan>, column: usize, keys: &Keys) -> Option<Arc<dyn PhysicalExpr>> {
    let (least, greatest) = keys.bounds()?;
    let compared = |operator: Operator, bound: &ScalarValue| -> Arc<dyn PhysicalExpr> {
        Arc::new(BinaryExpr::new(column_at(plan, column), operator, Arc::new(Literal::new(bound.clone()))))
    };
    Some(conjunction([compared(Operator::GtEq, least), compared(Operator::LtEq, greatest)]))
}

/// Notes with each stage that has not begun of which columns it gathers the keys: the nearest source that is done before the scan begins.
fn say_what_is_gathered(graph: &mut StageGraph, gathered: &[Gathered], known: &Known<'_>) {
    let may_gather = |graph: &StageGraph, id: StageId| known.may_change(graph.stage(id));
    for at in 0..graph.stages.len() {
        if may_gather(graph, StageId(at)) {
            graph.stages[at].gathers.clear();
        }
    }
    let passages = passages(graph, known);
    let mut tested = vec![false; graph.stages.len()];
    loop {
        let mut changed = false;
        for passage in &passages {
            for site in &passage.to {
                let before = all_before(graph, site.stage);
                let source = passage.from.iter().find(|source| {
                    source.stage != site.stage
                        && same_type(graph, source, site)
                        && before.contains(&source.stage)
                        && (keys_of(gathered, source).is_some() || may_gather(graph, source.stage))
                        && says_something(graph, source.stage, &tested)
                });
                let Some(source) = source else { continue };
                changed |= !std::mem::replace(&mut tested[site.stage.0], true);
                let (id, column) = (source.stage, source.column);
                if may_gather(graph, id)
                    && let Err(at) = graph.stages[id.0].gathers.binary_search(&column)
                {
                    graph.stages[id.0].gathers.insert(at, column);
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
}
