//! DESCRIBE and its kinds: of tables, queries, databases and functions.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Command, TableName};

impl Parser<'_> {
    pub(super) fn describe(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        let next = self.peek_at(1);
        let names = self.is_name(next) || self.is_string(next);
        match self.peek().keyword() {
            Some(K::FUNCTION) if names || matches!(next.kind, TokenKind::Symbol(symbol) if symbol != "." && symbol != ";") => {
                self.describe_function()
            }
            Some(K::PROCEDURE) if names => {
                self.advance();
                self.identifier_reference()?;
                Ok(self.unsupported(start, "DESCRIBE PROCEDURE"))
            }
            Some(K::NAMESPACE | K::DATABASE | K::SCHEMA) if names => {
                self.advance();
                let extended = self.at(K::EXTENDED) && self.is_name(self.peek_at(1)) && self.take(K::EXTENDED);
                Ok(Command::DescribeNamespace { name: self.identifier_reference()?, extended })
            }
            Some(K::QUERY) if self.is_query(self.index() + 1) => {
                self.advance();
                Ok(Command::DescribeQuery { query: self.query()? })
            }
            Some(K::TABLE) if self.is_name(next) => self.describe_table(start),
            _ if self.is_query(self.index()) => Ok(Command::DescribeQuery { query: self.query()? }),
            None if names && self.peek().kind == TokenKind::Word && self.is_delta_word() => self.describe_delta(),
            _ => self.describe_table(start),
        }
    }

    fn is_delta_word(&self) -> bool {
        let word = self.text_of(self.peek());
        ["history", "detail"].iter().any(|own| word.eq_ignore_ascii_case(own))
    }

    /// `HISTORY t LIMIT 3`, `DETAIL t`
    fn describe_delta(&mut self) -> Result<Command> {
        let word = self.advance();
        let history = self.text_of(word).eq_ignore_ascii_case("history");
        let name = self.delta_table()?;
        let limit = if history && self.take(K::LIMIT) { Some(self.integer()?) } else { None };
        Ok(Command::DescribeDelta { name, history, limit })
    }

    fn describe_function(&mut self) -> Result<Command> {
        self.advance();
        let extended = self.at(K::EXTENDED) && !self.at_end_behind() && self.take(K::EXTENDED);
        let token = self.peek();
        let name = match token.kind {
            _ if self.is_string(token) => vec![self.string()?],
            TokenKind::Symbol(_) => {
                self.advance();
                vec![self.text_of(token).to_owned()]
            }
            _ => match self.identifier_reference()? {
                TableName::Parts(parts) => parts,
                TableName::Identifier(_) => Vec::new(),
            },
        };
        Ok(Command::DescribeFunction { name, extended })
    }

    fn at_end_behind(&self) -> bool {
        let next = self.peek_at(1);
        next.kind == TokenKind::End || next.is(";") || next.is(".")
    }

    fn describe_table(&mut self, start: usize) -> Result<Command> {
        if self.at(K::TABLE) && self.is_name(self.peek_at(1)) {
            self.advance();
        }
        let extended =
            self.at_any(&[K::EXTENDED, K::FORMATTED]) && self.is_name(self.peek_at(1)) && self.peek_at(1).keyword() != Some(K::AS);
        if extended {
            self.advance();
        }
        let name = self.identifier_reference()?;
        let partition = if self.at(K::PARTITION) && self.peek_at(1).is("(") { self.full_partition_spec()? } else { Vec::new() };
        let as_json = |p: &mut Self| p.at(K::AS) && p.peek_at(1).keyword() == Some(K::JSON) && p.take_all(&[K::AS, K::JSON]);
        let mut json = as_json(self);
        let mut column = Vec::new();
        if !json && self.is_name(self.peek()) {
            column = self.multipart_identifier()?;
            json = as_json(self);
        }
        if json && !extended {
            self.complain_from(start, "DESCRIBE_JSON_NOT_EXTENDED", "AS JSON needs EXTENDED or FORMATTED");
        } else if !column.is_empty() && !partition.is_empty() {
            let message = "DESCRIBE takes a column or a partition, not both";
            self.complain_from(start, "UNSUPPORTED_FEATURE.DESC_TABLE_COLUMN_PARTITION", message);
        } else if !column.is_empty() && json {
            self.complain_from(start, "UNSUPPORTED_FEATURE.DESC_TABLE_COLUMN_JSON", "DESCRIBE of a column has no AS JSON");
        }
        Ok(Command::DescribeTable { name, extended, partition, column, as_json: json })
    }
}
