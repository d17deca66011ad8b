//! DataFusion's session as we set it up: fixed settings, our planners, the rules that plans of final types need. It is built once, when
//! a session is first asked to plan.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use tidemill_planner::config::engine_session_config;

use super::planner::ExtensionQueryPlanner;
use super::settings::Settings;
use crate::rules::float_comparisons::FloatComparisons;
use crate::rules::join_order::JoinOrder;
use crate::rules::join_order::small_builds::SmallBuilds;
use crate::rules::optimizer_rules::optimizer_rules;
use crate::rules::unread_columns::UnreadColumns;
use crate::rules::untold::Untold;

/// The state for plans whose types are final.
pub(super) fn build(settings: &Settings, plans_made: Arc<AtomicU64>) -> SessionState {
    let mut config = engine_session_config(settings.parallelism).with_batch_size(settings.batch_size);
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    // The order of the rules repeats those that find more the second time.
    config.options_mut().optimizer.max_passes = 1;
    let mut physical = PhysicalOptimizer::new().rules;
    physical.splice(0..0, [Arc::new(Untold) as _, Arc::new(JoinOrder::default()) as _]);
    physical.push(Arc::new(SmallBuilds::default()));
    SessionStateBuilder::new()
        .with_config(config)
        .with_query_planner(Arc::new(ExtensionQueryPlanner { made: plans_made }))
        .with_analyzer_rules(vec![Arc::new(UnreadColumns), Arc::new(FloatComparisons)])
        .with_optimizer_rules(optimizer_rules())
        .with_physical_optimizer_rules(physical)
        .build()
}
