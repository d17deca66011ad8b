//! CREATE FUNCTION: of a class, or with a body in SQL.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Command, FunctionBody, FunctionParameter, FunctionReturns, SqlFunction, TableName};

/// What stands between the result's type and RETURN.
#[derive(Default)]
struct Characteristics {
    comment: Option<String>,
    deterministic: Option<bool>,
    others: Vec<String>,
}

impl Parser<'_> {
    /// `CREATE … FUNCTION …`, from FUNCTION on
    pub(super) fn create_function(&mut self, start: usize, or_replace: bool, temporary: bool) -> Result<Command> {
        self.expect(K::FUNCTION)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.identifier_reference()?;
        let of_class = self.at(K::AS);
        let command = if of_class {
            self.advance();
            let class_name = self.string()?;
            if self.take(K::USING) {
                self.list(|p| p.resource(start))?;
            }
            Command::CreateFunction { name, class_name, temporary, or_replace, if_not_exists }
        } else {
            let function = self.sql_function(name)?;
            Command::CreateSqlFunction(Box::new(SqlFunction { temporary, or_replace, if_not_exists, ..function }))
        };
        if if_not_exists && or_replace {
            let condition = "INVALID_SQL_SYNTAX.CREATE_ROUTINE_WITH_IF_NOT_EXISTS_AND_REPLACE";
            self.complain_from(start, condition, "CREATE FUNCTION has OR REPLACE and IF NOT EXISTS: keep one");
        } else if temporary && if_not_exists {
            let condition = "INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_IF_NOT_EXISTS";
            self.complain_from(start, condition, "CREATE TEMPORARY FUNCTION has no IF NOT EXISTS: write OR REPLACE");
        }
        Ok(match command {
            Command::CreateFunction { name, class_name, .. } if temporary => {
                let name = self.session_object(name, "FUNCTION", start);
                Command::CreateFunction { name, class_name, temporary, or_replace, if_not_exists }
            }
            Command::CreateSqlFunction(function) if temporary => {
                let name = self.session_object(function.name.clone(), "FUNCTION", start);
                Command::CreateSqlFunction(Box::new(SqlFunction { name, ..*function }))
            }
            command => command,
        })
    }

    fn resource(&mut self, start: usize) -> Result<()> {
        let kind = self.identifier()?;
        if !["jar", "file", "archive"].iter().any(|own| kind.eq_ignore_ascii_case(own)) {
            self.not_allowed(start, format!("CREATE FUNCTION takes JAR, FILE and ARCHIVE, not `{kind}`"));
        }
        self.string().map(drop)
    }

    fn sql_function(&mut self, name: TableName) -> Result<SqlFunction> {
        self.expect_symbol("(")?;
        let parameters = if self.at_symbol(")") { Vec::new() } else { self.list(Self::parameter)? };
        self.expect_symbol(")")?;
        let returns = self.returns()?;
        let Characteristics { comment, deterministic, others } = self.characteristics()?;
        self.expect(K::RETURN)?;
        let start = self.index();
        let body = if self.is_query(start) { FunctionBody::Query(self.query()?) } else { FunctionBody::Expression(self.expression()?) };
        let body_text = self.span_from(start).of(self.text).to_owned();
        Ok(SqlFunction {
            name,
            parameters,
            returns,
            body,
            body_text,
            temporary: false,
            or_replace: false,
            if_not_exists: false,
            comment,
            deterministic,
            characteristics: others,
        })
    }

    /// `name type DEFAULT … COMMENT …`
    fn parameter(&mut self) -> Result<FunctionParameter> {
        let name = self.checked_identifier()?;
        let data_type = self.data_type()?;
        let mut parameter = FunctionParameter { name, data_type, default: None, comment: None };
        loop {
            let start = self.index();
            if self.at(K::DEFAULT) {
                parameter.default = Some(self.default_value()?.0);
            } else if self.at(K::COMMENT) {
                parameter.comment = Some(self.comment_spec()?);
            } else if self.at_not() && self.peek_at(1).keyword() == Some(K::NULL) {
                self.not_keyword();
                self.expect(K::NULL)?;
            } else if self.at(K::GENERATED) {
                self.skip_parameter();
                let condition = "INVALID_SQL_SYNTAX.CREATE_FUNC_WITH_GENERATED_COLUMNS_AS_PARAMETERS";
                self.complain_from(start, condition, "a parameter is not GENERATED");
            } else if self.at_constraint() || self.at_any(&[K::CHECK, K::UNIQUE, K::PRIMARY, K::REFERENCES]) {
                self.constraint(Some(&parameter.name.clone()))?;
                self.complain_from(start, "INVALID_SQL_SYNTAX.CREATE_FUNC_WITH_COLUMN_CONSTRAINTS", "a parameter has no constraints");
            } else {
                return Ok(parameter);
            }
        }
    }

    fn skip_parameter(&mut self) {
        while !matches!(self.peek().kind, TokenKind::End) && !self.at_symbol(",") && !self.at_symbol(")") {
            let next = self.closing(self.index()).unwrap_or(self.index()) + 1;
            self.go_to(next);
        }
    }

    /// `RETURNS type`, `RETURNS TABLE (columns)`
    fn returns(&mut self) -> Result<FunctionReturns> {
        if !self.at(K::RETURNS) || self.peek_at(1).keyword() == Some(K::NULL) {
            return Ok(FunctionReturns::Inferred);
        }
        self.advance();
        if !self.at(K::TABLE) {
            return self.data_type().map(FunctionReturns::Scalar);
        }
        self.advance();
        if !self.at_symbol("(") {
            return Ok(FunctionReturns::Table(Vec::new()));
        }
        let columns = self.in_parens(Self::column_type)?;
        Ok(FunctionReturns::Table(columns.into_iter().map(|c| (c.name, c.data_type)).collect()))
    }

    fn characteristics(&mut self) -> Result<Characteristics> {
        let start = self.index();
        let mut found = Characteristics::default();
        let mut seen = Vec::new();
        loop {
            let at = self.index();
            let clause = if self.take(K::LANGUAGE) {
                if !self.take(K::SQL) {
                    let name = self.identifier()?;
                    self.not_allowed(at, format!("functions are written in SQL here, not in {name}"));
                }
                "LANGUAGE"
            } else if self.take(K::SPECIFIC) {
                self.checked_identifier()?;
                self.not_allowed(at, "a function has no SPECIFIC name");
                "SPECIFIC"
            } else if self.take(K::DETERMINISTIC) {
                found.deterministic = Some(true);
                "DETERMINISTIC"
            } else if self.at_not() && self.peek_at(1).keyword() == Some(K::DETERMINISTIC) {
                self.not_keyword();
                self.expect(K::DETERMINISTIC)?;
                found.deterministic = Some(false);
                "DETERMINISTIC"
            } else if self.take_all(&[K::NO, K::SQL]) {
                self.not_allowed(at, "a function in SQL is not NO SQL");
                "SQL DATA ACCESS"
            } else if self.take_all(&[K::MODIFIES, K::SQL, K::DATA]) {
                self.not_allowed(at, "a function does not modify data");
                "SQL DATA ACCESS"
            } else if self.take_all(&[K::CONTAINS, K::SQL]) || self.take_all(&[K::READS, K::SQL, K::DATA]) {
                "SQL DATA ACCESS"
            } else if self.take_all(&[K::RETURNS, K::NULL, K::ON, K::NULL, K::INPUT]) {
                self.not_allowed(at, "a function is called with nulls: leave out RETURNS NULL ON NULL INPUT");
                "NULL CALL"
            } else if self.take_all(&[K::CALLED, K::ON, K::NULL, K::INPUT]) {
                "NULL CALL"
            } else if self.at(K::COMMENT) {
                found.comment = Some(self.comment_spec()?);
                "COMMENT"
            } else if self.take_all(&[K::DEFAULT, K::COLLATION]) {
                self.identifier()?;
                "DEFAULT COLLATION"
            } else if self.take_all(&[K::SQL, K::SECURITY]) {
                if self.expect_any(&[K::INVOKER, K::DEFINER])? == K::INVOKER {
                    self.not_allowed(at, "a function runs with the rights of who defined it");
                }
                "SQL SECURITY RIGHTS"
            } else {
                return Ok(found);
            };
            if !matches!(clause, "COMMENT" | "DETERMINISTIC") {
                found.others.push(self.span_from(at).of(self.text).to_owned());
            }
            self.once(&mut seen, clause, start);
        }
    }
}
