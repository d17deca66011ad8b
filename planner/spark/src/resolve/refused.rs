//! What was wrong with an expression, and what that is called in another clause.

use crate::error::error;

pub(super) fn is_unknown_column(cause: &crate::Error) -> bool {
    cause.condition().is_some_and(|c| c.name.starts_with("UNRESOLVED_COLUMN") || c.name == "CANNOT_RESOLVE_DATAFRAME_COLUMN")
}

pub(super) fn is_missing_aggregation(cause: &crate::Error) -> bool {
    cause.condition().is_some_and(|c| matches!(c.name.as_str(), "MISSING_AGGREGATION" | "MISSING_GROUP_BY"))
}

/// Above an aggregation a column that is not grouped is one that is not there.
pub(super) fn not_grouped(cause: crate::Error) -> crate::Error {
    match cause.condition().map(|condition| condition.name.clone()) {
        Some(name) if matches!(name.as_str(), "MISSING_AGGREGATION" | "MISSING_GROUP_BY") => {
            let message = cause.message().trim_start_matches(&format!("[{name}] ")).split(" SQLSTATE").next().unwrap_or_default();
            error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message)
        }
        _ => cause,
    }
}

/// A generator in a clause of its own kind: what is wrong is not that it is nested.
pub(super) fn outside_select(cause: crate::Error) -> crate::Error {
    match cause.condition() {
        Some(condition) if condition.name == "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS" => {
            error("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", "a generator stands in the SELECT list or in LATERAL VIEW, and nowhere else")
        }
        _ => cause,
    }
}
