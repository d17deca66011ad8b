//! Errors by Spark's conditions. A condition's name and SQLSTATE are Spark's; the words are ours, and say what to do.

mod sqlstate;

use tidemill_planner::{Condition, Error, ErrorKind};

pub use sqlstate::sqlstate;

use crate::plan::Span;

/// An error of that condition: `[CONDITION] message`. Its kind is `Analysis`, unless the condition is about a value in a row.
pub fn error(condition: &'static str, message: impl std::fmt::Display) -> Error {
    // What Spark has and we do not has no condition of Spark's.
    if condition == "NOT_SUPPORTED_YET" {
        return Error::unsupported(message.to_string());
    }
    let kind = if is_about_data(condition) {
        ErrorKind::Data
    } else if matches!(condition, "TABLE_OR_VIEW_NOT_FOUND" | "SCHEMA_NOT_FOUND" | "PATH_NOT_FOUND") {
        ErrorKind::NotFound
    } else if condition.starts_with("UNSUPPORTED_FEATURE") {
        ErrorKind::Unsupported
    } else {
        ErrorKind::Analysis
    };
    let sqlstate = sqlstate(condition);
    Error::new(kind, format!("[{condition}] {message} SQLSTATE: {sqlstate}")).with_condition(Condition {
        name: condition.to_owned(),
        sqlstate: sqlstate.to_owned(),
        parameters: Vec::new(),
        place: None,
    })
}

/// The same error, said to be at `span` unless it has a place already.
pub fn at(error: Error, span: Option<Span>) -> Error {
    match span {
        Some(span) => error.at(span.start as usize..span.end as usize),
        None => error,
    }
}

/// The error for a tree that is too tall.
pub(crate) fn too_complex() -> Error {
    error("FAILED_TO_PARSE_TOO_COMPLEX", "the statement nests too deep, or chains too many operators: store the rows of a part in a table")
}

/// Conditions that a row raises while the query runs.
fn is_about_data(condition: &str) -> bool {
    const DATA: &[&str] = &[
        "ARITHMETIC_OVERFLOW",
        "BINARY_ARITHMETIC_OVERFLOW",
        "CAST_INVALID_INPUT",
        "CAST_OVERFLOW",
        "CAST_OVERFLOW_IN_TABLE_INSERT",
        "DIVIDE_BY_ZERO",
        "REMAINDER_BY_ZERO",
        "INTERVAL_ARITHMETIC_OVERFLOW",
        "INTERVAL_DIVIDED_BY_ZERO",
        "INVALID_ARRAY_INDEX",
        "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
        "INVALID_INDEX_OF_ZERO",
        "NUMERIC_VALUE_OUT_OF_RANGE",
        "NUMERIC_OUT_OF_SUPPORTED_RANGE",
        "INVALID_INTERVAL_FORMAT",
        "CANNOT_PARSE_TIMESTAMP",
        "CANNOT_PARSE_TIME",
        "INVALID_FRACTION_OF_SECOND",
        "ILLEGAL_DAY_OF_WEEK",
        "DATETIME_OVERFLOW",
        "DATETIME_FIELD_OUT_OF_BOUNDS",
        "COMPARATOR_RETURNS_NULL",
        "DUPLICATED_MAP_KEY",
        "NULL_MAP_KEY",
        "EXCEED_LIMIT_LENGTH",
        "USER_RAISED_EXCEPTION",
        "SCALAR_SUBQUERY_TOO_MANY_ROWS",
        "CONVERSION_INVALID_INPUT",
        "INVALID_PARAMETER_VALUE",
        "MALFORMED_RECORD_IN_PARSING",
        "COLLECTION_SIZE_LIMIT_EXCEEDED",
        "CANNOT_PARSE_INTERVAL",
        "CANNOT_PARSE_DECIMAL",
        "INVALID_URL",
        "ROW_VALUE_IS_NULL",
        "NOT_NULL_ASSERT_VIOLATION",
        "INVALID_FORMAT",
        "CANNOT_DECODE_URL",
        "INVALID_UTF8_STRING",
        "INVALID_REGEXP_REPLACE",
        "MALFORMED_CHARACTER_CODING",
    ];
    let main = condition.split('.').next().unwrap_or(condition);
    DATA.contains(&main)
}
