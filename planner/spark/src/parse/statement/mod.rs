//! Statements: a query, or a command by its first words.

use super::keywords::Keyword as K;
use super::parser::Parser;
use crate::Result;
use crate::plan::Statement;

impl Parser<'_> {
    /// Any statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        let _ = K::SELECT;
        self.query().map(Statement::Query)
    }
}
