//! Text that the catalog keeps, turned into trees again.

use tidemill_spark::plan::{Command, Expression, Relation, SqlFunction, Statement};
use tidemill_spark::types::SparkType;
use tidemill_spark::{Settings, parse};

use tidemill_planner::{Error, Result};

/// A type.
pub(crate) fn data_type(text: &str) -> Result<SparkType> {
    parse::parse_data_type(text, &parse::ParseOptions::default())
}

/// A query.
pub(crate) fn relation(text: &str, settings: &Settings) -> Result<Relation> {
    match parse::parse_statement(text, &parse::ParseOptions::new(settings)?)? {
        Statement::Query(relation) => Ok(relation),
        Statement::Command(_) => Err(Error::corrupt(format!("the catalog has `{text}` for a query, and it is none"))),
    }
}

/// An expression.
pub(crate) fn expression(text: &str, settings: &Settings) -> Result<Expression> {
    parse::parse_expression(text, &parse::ParseOptions::new(settings)?)
}

/// A function, from the statement that makes it.
pub(crate) fn function(text: &str, settings: &Settings) -> Result<SqlFunction> {
    match parse::parse_statement(text, &parse::ParseOptions::new(settings)?)? {
        Statement::Command(Command::CreateSqlFunction(function)) => Ok(*function),
        _ => Err(Error::corrupt(format!("the catalog has `{text}` for a function, and it is none"))),
    }
}
