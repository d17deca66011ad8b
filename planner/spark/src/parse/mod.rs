//! Text into trees: lexer, expressions, queries, statements, types, intervals and literals, with the place of everything.

use crate::error::error;
use crate::plan::{Expression, Relation, Statement};
use crate::{Result, Settings};
/// stub
pub fn parse_expression(_: &str, _: &Settings) -> Result<Expression> {
    Err(error("NOT_SUPPORTED_YET", ""))
}
/// stub
pub fn parse_multipart_identifier(_: &str) -> Result<Vec<String>> {
    Err(error("NOT_SUPPORTED_YET", ""))
}
/// stub
pub fn parse_data_type(text: &str) -> Result<crate::types::SparkType> {
    use crate::types::SparkType as T;
    let lower = text.trim().to_lowercase();
    if let Some(rest) = lower.strip_prefix("decimal(").and_then(|r| r.strip_suffix(')')) {
        let mut parts = rest.split(',').map(|p| p.trim().parse::<u8>().unwrap_or(0));
        return Ok(T::Decimal(parts.next().unwrap_or(10), parts.next().unwrap_or(0)));
    }
    Ok(match lower.as_str() {
        "boolean" => T::Boolean, "tinyint" => T::Byte, "smallint" => T::Short, "int" | "integer" => T::Integer,
        "bigint" | "long" => T::Long, "float" => T::Float, "double" => T::Double, "string" => T::String, "binary" => T::Binary,
        "date" => T::Date, "timestamp" => T::Timestamp, "timestamp_ntz" => T::TimestampNtz,
        _ => return Err(error("NOT_SUPPORTED_YET", text)),
    })
}
/// stub
pub fn parse_statement(_: &str, _: &Settings) -> Result<crate::plan::Statement> { Err(error("NOT_SUPPORTED_YET", "")) }
