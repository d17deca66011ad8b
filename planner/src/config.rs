//! The one place where DataFusion's settings are fixed for staged execution. Which plan is run is decided elsewhere.

use datafusion::prelude::SessionConfig;

/// DataFusion's settings for plans that are cut into single-partition tasks, `parallelism` tasks a stage.
///
/// Each setting here guards against a wrong result, a hang or a refusal in staged execution; the test below names them.
pub fn engine_session_config(parallelism: usize) -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(parallelism.max(1)).with_information_schema(false);
    let options = config.options_mut();
    // Names keep the user's spelling; our own pass resolves them without regard to case.
    options.sql_parser.enable_ident_normalization = false;
    // A task sees one partition: partitions of one plan instance must not share a queue of files,
    options.execution.enable_file_stream_work_stealing = false;
    // nor wait for each other's build sides,
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    // nor fill a container that a later stage reads.
    options.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    // Exchanges are cut points: one that only spreads rows costs a copy and buys nothing.
    options.optimizer.enable_round_robin_repartition = false;
    // Broadcast is decided between stages from exact sizes, never from estimates.
    options.optimizer.hash_join_single_partition_threshold = 0;
    options.optimizer.hash_join_single_partition_threshold_rows = 0;
    // Columns may be null by the account of the operators alone: the engine sees of more CASEs that they are never null than its operators
    // do (datafusion-physical-expr 55, `expressions/case.rs`, `nullable`), and keeps a union's columns as they were before the subqueries in
    // it became joins (datafusion-expr 55, `logical_plan/plan.rs`, `recompute_schema`). An aggregate goes by the operators.
    options.execution.skip_physical_aggregate_schema_check = true;
    // Durable boundaries know Utf8 only.
    options.execution.parquet.schema_force_view_types = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    config
}

#[cfg(test)]
mod tests {
    use super::engine_session_config;

    #[test]
    fn settings_that_staged_execution_depends_on() {
        let config = engine_session_config(2);
        let options = config.options();
        assert_eq!(options.execution.target_partitions, 2);
        assert!(!options.sql_parser.enable_ident_normalization);
        assert!(!options.execution.enable_file_stream_work_stealing);
        assert!(!options.optimizer.enable_join_dynamic_filter_pushdown);
        assert!(!options.optimizer.enable_physical_uncorrelated_scalar_subquery);
        assert!(!options.optimizer.enable_round_robin_repartition);
        assert_eq!(options.optimizer.hash_join_single_partition_threshold, 0);
        assert_eq!(options.optimizer.hash_join_single_partition_threshold_rows, 0);
        assert!(options.execution.skip_physical_aggregate_schema_check);
        assert!(!options.execution.parquet.schema_force_view_types);
        assert!(!options.sql_parser.map_string_types_to_utf8view);
    }
}
