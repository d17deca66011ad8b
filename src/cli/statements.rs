//! A script as statements, cut where Spark's parser cuts it.

/// The statements of a script.
pub(super) fn statements(script: &str) -> Vec<&str> {
    let found = tidemill_spark::parse::split_statements(script);
    found.into_iter().filter_map(|statement| script.get(statement.span.start as usize..statement.span.end as usize)).collect()
}
