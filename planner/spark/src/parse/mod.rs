//! Text into trees: lexer, expressions, queries, statements, types, intervals and literals, with the place of everything.

mod data_type;
mod datetime;
mod expression;
mod interval;
mod keywords;
mod lexer;
mod literal;
mod names;
mod options;
mod parser;
mod properties;
mod query;
mod split;
mod statement;

pub use interval::{CalendarInterval, day_time_of_text, parse_interval_text, year_month_of_text};
pub use keywords::keywords;
pub use options::ParseOptions;
pub use split::{StatementText, split_statements};

use crate::Result;
use crate::plan::{Expression, Relation, SortOrder, Statement};
use crate::types::{SparkType, StructField};
use parser::Parser;

/// A statement; a `;` behind it is allowed.
///
/// # Errors
/// `PARSE_SYNTAX_ERROR`, `PARSE_EMPTY_STATEMENT`, and the conditions of Spark's parser.
pub fn parse_statement(text: &str, options: &ParseOptions) -> Result<Statement> {
    Parser::read(text, options, Parser::statement)
}

/// A query.
///
/// # Errors
/// As [`parse_statement`].
pub fn parse_query(text: &str, options: &ParseOptions) -> Result<Relation> {
    Parser::read(text, options, Parser::query)
}

/// An expression, with an alias perhaps.
///
/// # Errors
/// As [`parse_statement`].
pub fn parse_expression(text: &str, options: &ParseOptions) -> Result<Expression> {
    Parser::read(text, options, Parser::named_expression)
}

/// A key to sort by: `a DESC NULLS LAST`.
///
/// # Errors
/// As [`parse_statement`].
pub fn parse_sort_order(text: &str, options: &ParseOptions) -> Result<SortOrder> {
    Parser::read(text, options, Parser::sort_item)
}

/// A type.
///
/// # Errors
/// As [`parse_statement`]; `UNSUPPORTED_DATATYPE` for one that Spark does not know.
pub fn parse_data_type(text: &str, options: &ParseOptions) -> Result<SparkType> {
    Parser::read(text, options, Parser::data_type)
}

/// Columns: `a INT, b STRING NOT NULL COMMENT 'x'`.
///
/// # Errors
/// As [`parse_data_type`].
pub fn parse_table_schema(text: &str, options: &ParseOptions) -> Result<Vec<StructField>> {
    Parser::read(text, options, |p| p.list(Parser::column_type))
}

/// The parts of a name: `` a.`b c` ``.
///
/// # Errors
/// As [`parse_statement`].
pub fn parse_multipart_identifier(text: &str, options: &ParseOptions) -> Result<Vec<String>> {
    Parser::read(text, options, Parser::multipart_identifier)
}

#[cfg(test)]
mod tests;
