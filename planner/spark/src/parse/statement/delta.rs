//! The statements of Delta: OPTIMIZE, VACUUM and RESTORE, whose words are none of Spark's grammar.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Command, TableName};

impl Parser<'_> {
    /// A statement that begins with none of Spark's words.
    pub(super) fn delta_command(&mut self) -> Result<Command> {
        let next = self.peek_at(1);
        if self.peek().kind != TokenKind::Word || !(self.is_name(next) || self.is_string(next)) {
            return Err(self.syntax_error());
        }
        match self.text_of(self.peek()).to_ascii_uppercase().as_str() {
            "OPTIMIZE" => self.optimize(),
            "VACUUM" => self.vacuum(),
            "RESTORE" => self.restore(),
            _ => Err(self.syntax_error()),
        }
    }

    /// A table by name, or by path in quotes.
    pub(super) fn delta_table(&mut self) -> Result<TableName> {
        if self.at_string() { Ok(TableName::Parts(vec!["delta".to_owned(), self.string()?])) } else { self.identifier_reference() }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.text_of(self.peek()).eq_ignore_ascii_case(word);
        if found {
            self.advance();
        }
        found
    }

    fn optimize(&mut self) -> Result<Command> {
        self.advance();
        let name = self.delta_table()?;
        let condition = if self.take(K::WHERE) { Some(self.expression()?) } else { None };
        let mut zorder = Vec::new();
        if self.take_word("ZORDER") {
            self.expect(K::BY)?;
            zorder = if self.at_symbol("(") { self.in_parens(Self::multipart_identifier)? } else { self.multipart_identifiers()? };
        }
        Ok(Command::Optimize { name, condition, zorder })
    }

    fn vacuum(&mut self) -> Result<Command> {
        self.advance();
        let name = self.delta_table()?;
        let (mut retain_hours, mut dry_run) = (None, false);
        loop {
            if self.take_word("RETAIN") {
                let token = self.peek();
                if !matches!(token.kind, TokenKind::Integer | TokenKind::Decimal) {
                    return Err(self.unexpected("the number of hours is missing"));
                }
                self.advance();
                retain_hours = self.text_of(token).parse().ok();
                self.expect_any(&[K::HOURS, K::HOUR])?;
            } else if self.take_word("DRY") {
                if !self.take_word("RUN") {
                    return Err(self.unexpected("RUN is missing"));
                }
                dry_run = true;
            } else if !(self.take_word("LITE") || self.take_word("FULL")) {
                return Ok(Command::Vacuum { name, retain_hours, dry_run });
            }
        }
    }

    fn restore(&mut self) -> Result<Command> {
        self.advance();
        if self.at(K::TABLE)
            && (self.is_name(self.peek_at(1)) || self.is_string(self.peek_at(1)))
            && self.peek_at(1).keyword() != Some(K::TO)
        {
            self.advance();
        }
        let name = self.delta_table()?;
        self.take(K::TO);
        match self.temporal()? {
            Some(to) => Ok(Command::Restore { name, to }),
            None => Err(self.unexpected("VERSION AS OF or TIMESTAMP AS OF is missing")),
        }
    }
}
