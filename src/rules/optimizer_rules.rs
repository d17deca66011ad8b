//! The order in which the engine's optimizer rules run. The engine runs its list until a plan stays as it is, three times at most, and
//! nearly always three times; here most rules run once, and those that find more after the others once again.
//!
//! The plans are the same: the test below holds those of TPC-H and TPC-DS to the engine's own three rounds.

use std::sync::Arc;

use datafusion::common::NullEquality;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};

use super::float_keys::FloatKeys;

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// Rules for what the resolver never makes: `= ANY (…)` over subqueries, and joins whose right side is a subquery.
const IDLE: [&str; 2] = ["rewrite_set_comparison", "decorrelate_lateral_join"];

/// Rules that have nothing to add to before the end.
const LATE: [&str; 2] = ["extract_leaf_expressions", "push_down_leaf_projections"];

/// What runs after the first round, in this order. Subqueries are looked for again since one may have stood in another; filters that
/// were pushed into joins become keys after that.
const SECOND: [(&str, When); 17] = [
    ("simplify_expressions", When::Always),
    ("eliminate_join", When::Always),
    ("decorrelate_predicate_subquery", When::Subqueries),
    ("scalar_subquery_to_join", When::Subqueries),
    ("extract_equijoin_predicate", When::Always),
    ("eliminate_filter", When::Always),
    ("eliminate_cross_join", When::LooseJoins),
    ("propagate_empty_relation", When::Always),
    ("eliminate_outer_join", When::OuterJoins),
    ("push_down_limit", When::Always),
    ("push_down_filter", When::Always),
    ("extract_equijoin_predicate", When::Always),
    ("eliminate_join", When::Always),
    ("common_sub_expression_eliminate", When::Always),
    ("extract_leaf_expressions", When::Always),
    ("push_down_leaf_projections", When::Always),
    ("optimize_projections", When::Always),
];

/// The rules, for one pass.
pub(crate) fn optimizer_rules() -> Vec<Rule> {
    let known = Optimizer::new().rules;
    let first = known.iter().filter(|rule| !IDLE.contains(&rule.name()) && !LATE.contains(&rule.name()));
    let named = |name: &str| known.iter().find(|rule| rule.name() == name).cloned();
    let second = SECOND.iter().filter_map(|(name, when)| match when {
        When::Always => named(name),
        when => named(name).map(|rule| Arc::new(Where(*when, Optimizer::with_rules(vec![rule]))) as Rule),
    });
    let first = first.map(|rule| match rule.name() {
        "eliminate_cross_join" => Arc::new(Where(When::OneMeaningOfNull, Optimizer::with_rules(vec![Arc::clone(rule)]))) as Rule,
        _ => Arc::clone(rule),
    });
    first.chain(second).chain([Arc::new(FloatKeys) as Rule]).collect()
}

/// What a plan has to hold for a rule to find something in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Subqueries,
    /// Joins of all rows, or by a condition that is more than keys, and [`When::OneMeaningOfNull`].
    LooseJoins,
    /// No join by `<=>`: the rule that puts neighbouring joins together gives all of them the meaning of null that it finds in one.
    OneMeaningOfNull,
    OuterJoins,
}

impl When {
    fn holds(self, plan: &LogicalPlan) -> Result<bool> {
        if matches!(self, Self::LooseJoins | Self::OneMeaningOfNull) && holds_null_safe_join(plan)? {
            return Ok(false);
        }
        plan.exists(|node| {
            Ok(match (self, node) {
                (Self::Always | Self::OneMeaningOfNull, _) => true,
                (Self::LooseJoins, LogicalPlan::Join(join)) => join.on.is_empty() || join.filter.is_some(),
                (Self::OuterJoins, LogicalPlan::Join(join)) => {
                    matches!(join.join_type, JoinType::Left | JoinType::Right | JoinType::Full)
                }
                (Self::Subqueries, node) => has_subquery(node)?,
                _ => false,
            })
        })
    }
}

fn holds_null_safe_join(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Join(join) if join.null_equality == NullEquality::NullEqualsNull)))
}

fn has_subquery(node: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found = expr.exists(|part| Ok(matches!(part, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_))))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// A rule for plans that hold something: by itself it would look at every node of every plan, and take it apart.
#[derive(Debug)]
struct Where(When, Optimizer);

impl OptimizerRule for Where {
    fn name(&self) -> &str {
        self.1.rules.first().map_or("nothing", |rule| rule.name())
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let Self(when, rule) = self;
        if when.holds(&plan)? { Ok(Transformed::yes(rule.optimize(plan, config, |_, _| {})?)) } else { Ok(Transformed::no(plan)) }
    }
}

#[cfg(test)]
#[path = "../../tests/it/conformance/material.rs"]
mod material;
#[cfg(test)]
#[path = "../../tests/tpc/tables.rs"]
mod tables;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use arrow::array::RecordBatch;
    use datafusion::logical_expr::LogicalPlan;
    use datafusion::optimizer::Optimizer;

    use super::{FloatKeys, IDLE, LATE, Rule, SECOND, material, optimizer_rules, tables};
    use crate::session::Session;

    #[test]
    fn names_are_rules() {
        let known = Optimizer::new().rules;
        for name in IDLE.iter().chain(&LATE).chain(SECOND.iter().map(|(name, _)| name)) {
            assert!(known.iter().any(|rule| rule.name() == *name), "{name}");
        }
        assert_eq!(optimizer_rules().len(), known.len() - IDLE.len() - LATE.len() + SECOND.len() + 1);
    }

    #[test]
    fn plans_are_those_of_three_rounds() {
        let parts = ["tpch", "tpcds", "tpcds-v2.7.0", "tpcds-modifiedQueries", "tpcds-query-results"];
        let folder = material::unpacked("spark-tpc-queries", "spark-sql_2.13", "tests", &parts).unwrap();
        let of = |suite: &str, ddl: &'static str| (queries(&folder.join(suite)), ddl);
        let (tpch, tpcds) = (include_str!("../../tests/tpc/tpch.ddl"), include_str!("../../tests/tpc/tpcds.ddl"));
        let suites = [of("tpch", tpch), of("tpcds", tpcds), of("tpcds-v2.7.0", tpcds)];
        let tasks = std::thread::available_parallelism().map_or(1, usize::from);
        let differing: Vec<String> = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..tasks)
                .map(|task| {
                    let suites = &suites;
                    let work =
                        move || suites.iter().flat_map(|(queries, ddl)| differing(queries.iter().skip(task).step_by(tasks), ddl)).collect();
                    std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work).unwrap()
                })
                .collect();
            tasks.into_iter().flat_map(|task| -> Vec<String> { task.join().unwrap() }).collect()
        });
        assert!(suites.iter().all(|(queries, _)| queries.len() > 20), "the queries are there");
        assert!(differing.is_empty(), "{} plans differ:\n{}", differing.len(), differing.join("\n"));
    }

    fn queries(folder: &Path) -> Vec<PathBuf> {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "sql")).collect()
    }

    /// The queries whose plans differ, with both.
    fn differing<'q>(queries: impl Iterator<Item = &'q PathBuf>, ddl: &'static str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let session = Session::builder().build().unwrap();
        for (name, columns) in tables::tables(ddl) {
            let schema = crate::ddl::parse_schema(&columns).unwrap();
            let rows = session.create_dataframe(vec![RecordBatch::new_empty(schema)]).unwrap();
            rows.create_or_replace_temp_view(name).unwrap();
        }
        let differing = |path: &PathBuf| {
            let sql = std::fs::read_to_string(path).unwrap();
            let plan = runtime.block_on(async { session.sql(&sql).await?.plan().await }).unwrap();
            let (ours, three) = (optimized(&session, &plan, None), optimized(&session, &plan, Some(3)));
            (lines(&ours) != lines(&three)).then(|| format!("{}\n{ours}\n--\n{three}", path.display()))
        };
        queries.filter_map(differing).collect()
    }

    /// The plan as we optimize it, or after so many rounds of the engine's own rules.
    fn optimized(session: &Session, plan: &LogicalPlan, rounds: Option<usize>) -> String {
        let mut state = session.state_now();
        let analyzed = state.analyzer().execute_and_check(plan.clone(), state.config().options(), |_, _| {}).unwrap();
        let mut rules = optimizer_rules();
        if let Some(rounds) = rounds {
            rules = Optimizer::new().rules;
            rules.push(std::sync::Arc::new(FloatKeys) as Rule);
            state.config_mut().options_mut().optimizer.max_passes = rounds;
        }
        Optimizer::with_rules(rules).optimize(analyzed, &state, |_, _| {}).unwrap().display_indent().to_string()
    }

    /// A plan's lines without the numbers of names that rules have made.
    fn lines(plan: &str) -> Vec<String> {
        let made = ["__common_expr_", "__scalar_sq_", "__correlated_sq_"];
        plan.lines()
            .map(|line| {
                made.iter().fold(line.to_owned(), |line, name| {
                    let mut parts = line.split(name);
                    let first = parts.next().unwrap_or_default().to_owned();
                    parts.fold(first, |text, part| text + name + part.trim_start_matches(|c: char| c.is_ascii_digit()))
                })
            })
            .collect()
    }
}
