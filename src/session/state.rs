//! DataFusion's session as we set it up: fixed settings, Spark's functions and operators, our planners. It is built once,
//! when a session is first asked to plan.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion_spark::SessionStateBuilderSpark;
use tidemill_planner::config::engine_session_config;
use tidemill_planner::logical::{session_window_udf, window_udf};

use super::planner::ExtensionQueryPlanner;
use super::settings::Settings;
use crate::spark::analyze::SparkTypeCoercion;
use crate::spark::float_comparisons::FloatComparisons;
use crate::spark::float_keys::FloatKeys;
use crate::spark::planner::{OperatorPlanner, SparkTypes};

/// The state for plans whose types are final.
pub(super) fn build_resolved(settings: &Settings, plans_made: Arc<AtomicU64>) -> SessionState {
    let mut config = engine_session_config(settings.parallelism).with_batch_size(settings.batch_size);
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    SessionStateBuilder::new()
        .with_config(config)
        .with_query_planner(Arc::new(ExtensionQueryPlanner { made: plans_made }))
        .with_analyzer_rules(vec![Arc::new(FloatComparisons)])
        .with_optimizer_rule(Arc::new(FloatKeys))
        .build()
}

pub(super) fn build(settings: &Settings, plans_made: Arc<AtomicU64>) -> SessionState {
    let mut config = engine_session_config(settings.parallelism).with_batch_size(settings.batch_size);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    // Functions of Spark fail where they would wrap around.
    options.execution.enable_ansi_mode = true;
    // A number with a point is an exact decimal, as in Spark.
    options.sql_parser.parse_float_as_decimal = true;
    // Nulls are least: first in rising order, last in falling order, as in Spark.
    options.sql_parser.default_null_ordering = "nulls_min".to_owned();
    let mut builder = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_spark_features()
        .with_type_planner(Arc::new(SparkTypes))
        .with_query_planner(Arc::new(ExtensionQueryPlanner { made: plans_made }));
    // Planners are asked in order, and the first answer counts.
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(OperatorPlanner));
    builder.scalar_functions().get_or_insert_default().extend(crate::spark::scalar_functions());
    builder.scalar_functions().get_or_insert_default().extend([window_udf(), session_window_udf()]);
    builder.aggregate_functions().get_or_insert_default().extend(crate::spark::aggregate_functions());
    let rules: [Arc<dyn AnalyzerRule + Send + Sync>; 3] =
        [Arc::new(ResolveGroupingFunction::new()), Arc::new(SparkTypeCoercion), Arc::new(FloatComparisons)];
    builder = builder.with_analyzer_rules(rules.to_vec()).with_optimizer_rule(Arc::new(FloatKeys));
    builder.build()
}
