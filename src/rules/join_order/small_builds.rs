//! A build side that is joined from others and likely to be small is exchanged, though its rows are where they are needed: then it is a
//! stage of its own, and when it is as small as was thought the probe side, which is not, stays where it is and is filtered by the keys
//! that there are (`planner::stage::adapt`). What it costs is one exchange of the small side.
//!
//! ```text
//! before  (orders ⋉ few)  ⋈  exchange: lineitem        one stage, when all of lineitem has been exchanged
//! after   exchange: (orders ⋉ few)  ⋈  exchange: lineitem
//! ```

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::profile::Profile;

/// How many times as many rows the probe side has at least.
const TIMES: f64 = 8.0;

/// Exchanges small build sides, unless `optimizer.join_reordering` is off.
#[derive(Debug)]
pub(crate) struct SmallBuilds {
    /// How many rows of a probe side are worth it.
    many_rows: f64,
}

impl Default for SmallBuilds {
    fn default() -> Self {
        Self { many_rows: 500_000.0 }
    }
}

impl PhysicalOptimizerRule for SmallBuilds {
    fn name(&self) -> &'static str {
        "small_builds"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        if !config.optimizer.join_reordering {
            return Ok(plan);
        }
        plan.transform_up(|node| {
            let exchanged = node.downcast_ref::<HashJoinExec>().map(|join| self.exchanged(join)).transpose()?.flatten();
            Ok(match exchanged {
                Some(build) => {
                    let probe = Arc::clone(node.children()[1]);
                    Transformed::yes(replace_children_if_necessary(node, vec![build, probe])?)
                }
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl SmallBuilds {
    /// The build side of a join behind an exchange, where that is worth it.
    fn exchanged(&self, join: &HashJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (build, probe) = (join.left(), join.right());
        if *join.partition_mode() != PartitionMode::Partitioned || build.is::<RepartitionExec>() {
            return Ok(None);
        }
        let Some(spared) = probe.downcast_ref::<RepartitionExec>() else { return Ok(None) };
        let (Some(build_rows), Some(probe_rows)) = (rows(build), rows(spared.input())) else { return Ok(None) };
        if probe_rows < self.many_rows || build_rows * TIMES > probe_rows {
            return Ok(None);
        }
        let keys = join.on().iter().map(|(key, _)| Arc::clone(key)).collect();
        let partitioning = Partitioning::Hash(keys, build.output_partitioning().partition_count());
        Ok(Some(Arc::new(RepartitionExec::try_new(Arc::clone(build), partitioning)?)))
    }
}

fn rows(plan: &Arc<dyn ExecutionPlan>) -> Option<f64> {
    Profile::of(plan).map(|profile| profile.rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Int64Array, RecordBatch};
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::MemTable;
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::SmallBuilds;

    fn tables(many_rows: f64) -> SessionContext {
        let mut rules = PhysicalOptimizer::new().rules;
        rules.push(Arc::new(SmallBuilds { many_rows }));
        let config = SessionConfig::new()
            .with_target_partitions(2)
            .set_u64("datafusion.optimizer.hash_join_single_partition_threshold", 0)
            .set_u64("datafusion.optimizer.hash_join_single_partition_threshold_rows", 0);
        let state = SessionStateBuilder::new().with_default_features().with_config(config).with_physical_optimizer_rules(rules).build();
        let session = SessionContext::new_with_state(state);
        for (table, rows, keys) in [("lines", 4000, 500), ("orders", 500, 500), ("returns", 900, 300)] {
            let part = |from: i64, to: i64| {
                let column = Int64Array::from_iter_values((from..to).map(|row| (row * 7) % keys));
                RecordBatch::try_from_iter([(format!("{table}_key"), Arc::new(column) as _)]).unwrap()
            };
            let parts = [part(0, rows / 2), part(rows / 2, rows)];
            let schema = parts[0].schema();
            let parts = MemTable::try_new(schema, parts.map(|part| vec![part]).to_vec()).unwrap();
            session.register_table(table, Arc::new(parts)).unwrap();
        }
        session
    }

    #[tokio::test]
    async fn what_is_likely_to_be_small_is_a_stage_of_its_own() {
        let few = "SELECT returns_key FROM returns GROUP BY returns_key HAVING count(*) > 2";
        let wanted = format!("SELECT orders_key FROM orders WHERE orders_key IN ({few})");
        let wanted = format!("SELECT count(*), sum(lines_key) FROM ({wanted}) JOIN lines ON lines_key = orders_key");
        for (sql, many_rows, is_exchanged) in [
            (&*wanted, 1000.0, true),
            (&*wanted, 5000.0, false),
            ("SELECT count(*), sum(lines_key) FROM orders JOIN lines ON lines_key = orders_key", 1000.0, false),
        ] {
            let (session, plain) = (tables(many_rows), tables(f64::INFINITY));
            let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let before = plain.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let (shown, before) =
                (displayable(plan.as_ref()).indent(false).to_string(), displayable(before.as_ref()).indent(false).to_string());
            assert_eq!(shown != before, is_exchanged, "{sql}\n{before}\n{shown}");
            let exchanges = |plan: &str| plan.matches("partitioning=Hash").count();
            assert_eq!(exchanges(&shown), exchanges(&before) + usize::from(is_exchanged), "{sql}\n{shown}");
            let rows = [session.sql(sql).await.unwrap().collect().await.unwrap(), plain.sql(sql).await.unwrap().collect().await.unwrap()];
            let [found, expected] = rows.map(|rows| pretty_format_batches(&rows).unwrap().to_string());
            assert_eq!(found, expected, "{sql}");
        }
    }
}
