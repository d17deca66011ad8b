//! Variables of the session: DECLARE and SET VARIABLE.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::Command;

impl Parser<'_> {
    /// `DECLARE [OR REPLACE] [VARIABLE] a, b type DEFAULT expr`
    pub(super) fn declare(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        let or_replace = self.take_all(&[K::OR, K::REPLACE]);
        if self.at_any(&[K::VAR, K::VARIABLE]) && self.is_name(self.peek_at(1)) {
            self.advance();
        } else if self.is_cursor() {
            return Ok(self.unsupported(start, "DECLARE CURSOR"));
        }
        let at = self.index();
        let names = self.list(Self::identifier_reference)?;
        let has_default = |p: &Self| p.at_symbol("=") || (p.at(K::DEFAULT) && p.expression_may_start(1));
        let data_type = if self.at_statement_end() || has_default(self) { None } else { Some(self.data_type()?) };
        let default = if has_default(self) { Some(self.default_value()?) } else { None };
        if data_type.is_none() && default.is_none() {
            let message = "DECLARE says neither the type of the variable nor its value";
            self.complain_from(at, "INVALID_SQL_SYNTAX.VARIABLE_TYPE_OR_DEFAULT_REQUIRED", message);
        }
        Ok(Command::DeclareVariable { names, data_type, default, or_replace })
    }

    fn is_cursor(&self) -> bool {
        let ahead = usize::from(matches!(self.peek_at(1).keyword(), Some(K::ASENSITIVE | K::INSENSITIVE))) + 1;
        self.peek_at(ahead).keyword() == Some(K::CURSOR) && self.peek_at(ahead + 1).keyword() == Some(K::FOR)
    }

    /// `SET VAR a = expr, …`, `SET VAR (a, b) = (query)`, from VAR on
    pub(super) fn set_variable(&mut self) -> Result<Command> {
        self.advance();
        if self.at_symbol("(") {
            let names = self.in_parens(Self::multipart_identifier)?;
            self.expect_symbol("=")?;
            self.expect_symbol("(")?;
            let query = Some(self.query()?);
            self.expect_symbol(")")?;
            return Ok(Command::SetVariable { names, values: Vec::new(), query });
        }
        let (names, values) = self.assignments()?.into_iter().unzip();
        Ok(Command::SetVariable { names, values, query: None })
    }
}
