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
pub fn parse_statement(_: &str, _: &Settings) -> Result<Statement> {
    Err(error("NOT_SUPPORTED_YET", ""))
}
/// stub
pub fn parse_data_type(_: &str) -> Result<crate::types::SparkType> {
    Err(error("NOT_SUPPORTED_YET", ""))
}
