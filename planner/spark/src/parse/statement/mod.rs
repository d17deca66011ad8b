//! Statements: a query, or a command by its first words.

mod alter;
mod columns;
mod create;
mod delta;
mod describe;
mod dml;
mod function;
mod set;
mod show;
mod table;
mod variable;

use std::collections::BTreeMap;

use super::keywords::Keyword as K;
use super::lexer::TokenKind;
use super::parser::Parser;
use crate::Result;
use crate::plan::{Command, ExplainMode, Expression, ExpressionKind, FunctionCall, Literal, ObjectKind, Statement, TableName};

impl Parser<'_> {
    /// Any statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        let level = self.enter()?;
        let statement = if self.is_query(self.index()) { self.query_or_change()? } else { Statement::Command(self.command()?) };
        self.leave(level)?;
        Ok(statement)
    }

    /// What begins like a query: `WITH … INSERT` and `FROM … INSERT` do too.
    fn query_or_change(&mut self) -> Result<Statement> {
        if self.at(K::FROM) && self.has_insert() {
            return self.multi_insert(None).map(Statement::Command);
        }
        if self.at(K::WITH) && self.has_change() {
            return self.change_with_ctes().map(Statement::Command);
        }
        self.query().map(Statement::Query)
    }

    /// Whether an INSERT stands in the statement, outside of parentheses.
    fn has_insert(&self) -> bool {
        self.finds(|p, at| {
            p.token(at).keyword() == Some(K::INSERT) && matches!(p.token(at + 1).keyword(), Some(K::INTO | K::OVERWRITE | K::WITH))
        })
    }

    fn has_change(&self) -> bool {
        let starts = |p: &Self, at: usize| p.token(at - 1).is(")");
        self.finds(|p, at| match p.token(at).keyword() {
            Some(K::INSERT) => matches!(p.token(at + 1).keyword(), Some(K::INTO | K::OVERWRITE | K::WITH)),
            Some(K::DELETE) => starts(p, at) && p.token(at + 1).keyword() == Some(K::FROM),
            Some(K::UPDATE) => starts(p, at) && p.is_name(p.token(at + 1)),
            Some(K::MERGE) => starts(p, at) && matches!(p.token(at + 1).keyword(), Some(K::INTO | K::WITH)),
            _ => false,
        })
    }

    /// Whether `test` holds at a token of this statement, outside of parentheses.
    fn finds(&self, test: impl Fn(&Self, usize) -> bool) -> bool {
        let mut at = self.index();
        while self.token(at).kind != TokenKind::End && !self.token(at).is(";") {
            if test(self, at) {
                return true;
            }
            at = self.closing(at).unwrap_or(at) + 1;
        }
        false
    }

    pub(super) fn command(&mut self) -> Result<Command> {
        let start = self.index();
        let token = self.peek();
        let Some(keyword) = token.keyword() else { return self.delta_command() };
        match keyword {
            K::INSERT => self.insert(),
            K::DELETE => self.delete(),
            K::UPDATE => self.update(),
            K::MERGE => self.merge(),
            K::CREATE | K::REPLACE => self.create(),
            K::ALTER => self.alter(),
            K::DROP => self.drop_object(),
            K::SHOW => self.show(),
            K::DESC | K::DESCRIBE => self.describe(),
            K::SET => self.set(),
            K::RESET => self.reset_setting(),
            K::USE => self.use_namespace(),
            K::EXPLAIN => self.explain(),
            K::CACHE => self.cache(),
            K::UNCACHE => self.uncache(),
            K::CLEAR => {
                self.expect_all(&[K::CLEAR, K::CACHE])?;
                Ok(Command::ClearCache)
            }
            K::REFRESH => self.refresh(),
            K::ANALYZE => self.analyze(),
            K::TRUNCATE => self.truncate(),
            K::MSCK | K::REPAIR => self.repair(),
            K::LOAD => self.load_data(),
            K::ADD | K::LIST => self.manage_resource(),
            K::COMMENT => self.comment_on(),
            K::DECLARE => self.declare(),
            K::EXECUTE => self.execute_immediate(),
            K::BEGIN => self.script(),
            K::CALL => self.call_procedure(),
            K::OPEN | K::FETCH | K::CLOSE => self.cursor(keyword),
            K::GRANT | K::REVOKE | K::COMMIT | K::ROLLBACK | K::DFS => self.native(&[keyword], start),
            K::START => self.native(&[K::START, K::TRANSACTION], start),
            K::EXPORT | K::IMPORT => self.native(&[keyword, K::TABLE], start),
            K::LOCK | K::UNLOCK => {
                let what = self.peek_at(1).keyword().filter(|k| matches!(k, K::TABLE | K::DATABASE)).unwrap_or(K::TABLE);
                self.native(&[keyword, what], start)
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// A command of Hive's that Spark's grammar takes and Spark does not do.
    pub(super) fn native(&mut self, words: &[K], start: usize) -> Result<Command> {
        self.go_to(start);
        self.expect_all(words)?;
        if words.len() == 1 && matches!(words.first(), Some(K::GRANT | K::REVOKE)) {
            self.take(K::ROLE);
        }
        self.invalid(start)
    }

    /// What was read so far is a statement that Spark refuses; the rest of it is not looked at.
    pub(super) fn invalid(&mut self, start: usize) -> Result<Command> {
        let what = self.words_from(start);
        self.skip_statement();
        self.invalid_statement(start, &what);
        Ok(Command::Unsupported { what, span: Some(self.span_from(start)) })
    }

    /// A statement that Spark does and we do not; the rest of it is not looked at.
    pub(super) fn unsupported(&mut self, start: usize, what: &str) -> Command {
        self.skip_statement();
        Command::Unsupported { what: what.to_owned(), span: Some(self.span_from(start)) }
    }

    /// The words from the token `start` to here, in upper case.
    fn words_from(&self, start: usize) -> String {
        (start..self.index()).map(|at| self.text_of(self.token(at)).to_uppercase()).collect::<Vec<_>>().join(" ")
    }

    /// Goes to the end of the statement.
    pub(super) fn skip_statement(&mut self) {
        while !self.at_statement_end() {
            self.advance();
        }
    }

    /// `IF NOT EXISTS`
    pub(super) fn if_not_exists(&mut self) -> Result<bool> {
        let is_there = self.at(K::IF) && (self.peek_at(1).keyword() == Some(K::NOT) || self.peek_at(1).is("!"));
        if !is_there || self.peek_at(2).keyword() != Some(K::EXISTS) {
            return Ok(false);
        }
        self.advance();
        self.not_keyword();
        self.expect(K::EXISTS)?;
        Ok(true)
    }

    /// `IF EXISTS`
    pub(super) fn if_exists(&mut self) -> bool {
        self.take_all(&[K::IF, K::EXISTS])
    }

    pub(super) fn at_namespace(&self) -> bool {
        self.at_any(&[K::NAMESPACE, K::DATABASE, K::SCHEMA])
    }

    /// `COMMENT 'text'`
    pub(super) fn comment_spec(&mut self) -> Result<String> {
        self.expect(K::COMMENT)?;
        self.string()
    }

    /// `LOCATION 'path'`
    pub(super) fn location_spec(&mut self) -> Result<String> {
        self.expect(K::LOCATION)?;
        self.string()
    }

    /// Complains about a clause that is there twice.
    pub(super) fn once(&mut self, seen: &mut Vec<&'static str>, clause: &'static str, start: usize) {
        if seen.contains(&clause) {
            let e = self.refuse("DUPLICATE_CLAUSES", format!("{clause} is there twice: keep one"), Some(self.span_from(start)));
            self.complain(e.with_parameter("clauseName", clause));
        }
        seen.push(clause);
    }

    fn use_namespace(&mut self) -> Result<Command> {
        self.advance();
        if self.at_namespace() && !is_end_or_dot(self, 1) {
            self.advance();
        }
        Ok(Command::Use { name: self.identifier_reference()? })
    }

    fn explain(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        if self.at(K::ANALYZE) && !self.at_analyze_table() {
            self.advance();
            return Ok(Command::Explain { mode: ExplainMode::Analyze, statement: Box::new(self.statement()?) });
        }
        let mode = match self.take_any(&[K::LOGICAL, K::FORMATTED, K::EXTENDED, K::CODEGEN, K::COST]) {
            Some(K::EXTENDED) => ExplainMode::Extended,
            Some(K::CODEGEN) => ExplainMode::Codegen,
            Some(K::COST) => ExplainMode::Cost,
            Some(K::FORMATTED) => ExplainMode::Formatted,
            Some(_) => {
                self.invalid_statement(start, "EXPLAIN LOGICAL");
                ExplainMode::Simple
            }
            None => ExplainMode::Simple,
        };
        Ok(Command::Explain { mode, statement: Box::new(self.statement()?) })
    }

    fn cache(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        let lazy = self.take(K::LAZY);
        self.expect(K::TABLE)?;
        let name = self.identifier_reference()?;
        let options = if self.take(K::OPTIONS) { self.property_values()? } else { BTreeMap::new() };
        let has_query = self.take(K::AS) || self.is_query(self.index());
        let query = if has_query { Some(self.query()?) } else { None };
        if let (Some(_), TableName::Parts(parts)) = (&query, &name)
            && parts.len() > 1
        {
            let message = format!("CACHE TABLE AS makes a view of the session, which has one part to its name, not `{}`", parts.join("."));
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0037", message);
        }
        Ok(Command::CacheTable { name, lazy, options, query })
    }

    fn uncache(&mut self) -> Result<Command> {
        self.expect_all(&[K::UNCACHE, K::TABLE])?;
        let if_exists = self.if_exists();
        Ok(Command::UncacheTable { name: self.identifier_reference()?, if_exists })
    }

    fn refresh(&mut self) -> Result<Command> {
        let start = self.index();
        let word = self.advance();
        if self.at_any(&[K::TABLE, K::FUNCTION]) && !self.peek_at(1).is(";") && self.peek_at(1).kind != TokenKind::End {
            let token = self.advance();
            let what = self.text_of(token).to_uppercase();
            return Ok(Command::Refresh { what, name: self.identifier_reference()? });
        }
        let path = if self.at_string() {
            self.string()?
        } else {
            let rest = self.text.get(word.end as usize..).unwrap_or("").trim().trim_end_matches(';').trim_end();
            self.forgive_comment();
            self.skip_statement();
            rest.to_owned()
        };
        if path.is_empty() {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", "REFRESH has no path: give one, or `/` for all");
        } else if self.token(start + 1).kind != TokenKind::String && path.contains([' ', '\n', '\r', '\t']) {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", "a path with blanks stands between quotes");
        }
        Ok(Command::Refresh { what: String::new(), name: TableName::Parts(vec![path]) })
    }

    /// Whether `ANALYZE` begins a statement of its own: `ANALYZE TABLE t` alone may be the query `TABLE t`.
    fn at_analyze_table(&self) -> bool {
        matches!(self.peek_at(1).keyword(), Some(K::TABLE | K::TABLES))
            && self.finds(|p, at| p.token(at).keyword() == Some(K::COMPUTE) && p.token(at + 1).keyword() == Some(K::STATISTICS))
    }

    fn analyze(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        if self.take(K::TABLES) {
            let namespace = if self.take_any(&[K::FROM, K::IN]).is_some() { Some(self.identifier_reference()?) } else { None };
            self.expect_all(&[K::COMPUTE, K::STATISTICS])?;
            let noscan = self.noscan()?;
            if namespace.is_some() {
                return Ok(self.unsupported(start, "ANALYZE TABLES IN"));
            }
            return Ok(Command::AnalyzeTable { name: None, partition: Vec::new(), columns: Vec::new(), all_columns: false, noscan });
        }
        self.expect(K::TABLE)?;
        let name = Some(self.identifier_reference()?);
        let partition = if self.at(K::PARTITION) { self.partition_spec()? } else { Vec::new() };
        self.expect_all(&[K::COMPUTE, K::STATISTICS])?;
        let mut columns = Vec::new();
        let mut all_columns = false;
        let mut noscan = false;
        if self.take_all(&[K::FOR, K::ALL, K::COLUMNS]) {
            all_columns = true;
        } else if self.take_all(&[K::FOR, K::COLUMNS]) {
            columns = self.list(Self::checked_identifier)?;
        } else {
            noscan = self.noscan()?;
        }
        Ok(Command::AnalyzeTable { name, partition, columns, all_columns, noscan })
    }

    fn noscan(&mut self) -> Result<bool> {
        if !self.is_name(self.peek()) {
            return Ok(false);
        }
        let start = self.index();
        let word = self.identifier()?;
        if !word.eq_ignore_ascii_case("noscan") {
            let message = format!("NOSCAN may stand here, not `{word}`");
            self.complain_from(start, "INVALID_SQL_SYNTAX.ANALYZE_TABLE_UNEXPECTED_NOSCAN", message);
        }
        Ok(true)
    }

    fn truncate(&mut self) -> Result<Command> {
        self.expect_all(&[K::TRUNCATE, K::TABLE])?;
        let name = self.identifier_reference()?;
        let partition = if self.at(K::PARTITION) { Some(self.full_partition_spec()?) } else { None };
        Ok(Command::TruncateTable { name, partition })
    }

    fn repair(&mut self) -> Result<Command> {
        self.take(K::MSCK);
        self.expect_all(&[K::REPAIR, K::TABLE])?;
        let name = self.identifier_reference()?;
        if self.take_any(&[K::ADD, K::DROP, K::SYNC]).is_some() {
            self.expect(K::PARTITIONS)?;
        }
        Ok(Command::RepairTable { name })
    }

    fn load_data(&mut self) -> Result<Command> {
        self.expect_all(&[K::LOAD, K::DATA])?;
        self.take(K::LOCAL);
        self.expect(K::INPATH)?;
        let path = self.string()?;
        let overwrite = self.take(K::OVERWRITE);
        self.expect_all(&[K::INTO, K::TABLE])?;
        let table = self.identifier_reference()?;
        if self.at(K::PARTITION) {
            self.full_partition_spec()?;
        }
        Ok(Command::LoadData { path, table, overwrite })
    }

    /// `ADD JAR …`, `LIST FILES …`: the rest is text.
    fn manage_resource(&mut self) -> Result<Command> {
        let start = self.index();
        let word = self.advance();
        let operation = self.text_of(word).to_uppercase();
        let kind = self.identifier()?;
        if !["file", "files", "jar", "jars", "archive", "archives"].iter().any(|own| kind.eq_ignore_ascii_case(own)) {
            self.not_allowed(start, format!("{operation} knows FILE, JAR and ARCHIVE, not `{kind}`"));
        }
        let rest = self.text.get(word.end as usize..).unwrap_or("").trim().trim_end_matches(';').trim_end().to_owned();
        self.forgive_comment();
        self.skip_statement();
        Ok(Command::ManageResource { operation, rest })
    }

    fn comment_on(&mut self) -> Result<Command> {
        self.expect_all(&[K::COMMENT, K::ON])?;
        let namespace = self.at_namespace();
        if namespace {
            self.advance();
        } else {
            self.expect(K::TABLE)?;
        }
        let name = self.identifier_reference()?;
        self.expect(K::IS)?;
        let comment = if self.take(K::NULL) { None } else { Some(self.string()?) };
        Ok(Command::CommentOn { name, namespace, comment })
    }

    fn drop_object(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        let temporary = self.at(K::TEMPORARY) && self.take(K::TEMPORARY);
        if temporary && self.at(K::MACRO) {
            return self.native(&[K::DROP, K::TEMPORARY, K::MACRO], start);
        }
        if self.take(K::FUNCTION) {
            let if_exists = self.if_exists();
            let name = self.identifier_reference()?;
            let name = if temporary { self.session_object(name, "FUNCTION", start) } else { name };
            return Ok(Command::DropFunction { name, temporary, if_exists });
        }
        if temporary {
            self.expect_any(&[K::VAR, K::VARIABLE])?;
            let if_exists = self.if_exists();
            return Ok(Command::DropVariable { name: self.identifier_reference()?, if_exists });
        }
        if self.at_namespace() {
            self.advance();
            let if_exists = self.if_exists();
            let name = self.identifier_reference()?;
            let cascade = self.take_any(&[K::RESTRICT, K::CASCADE]) == Some(K::CASCADE);
            return Ok(Command::DropNamespace { name, if_exists, cascade });
        }
        match self.peek().keyword() {
            Some(K::TABLE) => {
                self.advance();
                let if_exists = self.if_exists();
                let name = self.identifier_reference()?;
                Ok(Command::DropTable { name, kind: ObjectKind::Table, if_exists, purge: self.take(K::PURGE) })
            }
            Some(K::VIEW) => {
                self.advance();
                let if_exists = self.if_exists();
                Ok(Command::DropTable { name: self.identifier_reference()?, kind: ObjectKind::View, if_exists, purge: false })
            }
            Some(K::ROLE) => self.native(&[K::DROP, K::ROLE], start),
            Some(K::INDEX) => {
                self.advance();
                self.if_exists();
                self.identifier()?;
                self.expect(K::ON)?;
                self.take(K::TABLE);
                self.identifier_reference()?;
                Ok(self.unsupported(start, "DROP INDEX"))
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// The name of an object of the session: one part, `session` or `system.session` before it perhaps.
    pub(super) fn session_object(&mut self, name: TableName, kind: &str, start: usize) -> TableName {
        let TableName::Parts(mut parts) = name else { return name };
        let Some(last) = parts.pop() else { return TableName::Parts(parts) };
        let lower: Vec<String> = parts.iter().map(|p| p.to_lowercase()).collect();
        let fits = match lower.as_slice() {
            [] => true,
            [schema] => schema == "session",
            [catalog, schema] => catalog == "system" && schema == "session",
            _ => false,
        };
        if !fits {
            let qualifier = parts.join(".");
            let message = format!("`{last}` belongs to the session, not to `{qualifier}`: leave that out");
            let e = self.refuse("INVALID_TEMP_OBJ_QUALIFIER", message, Some(self.span_from(start)));
            let e = e.with_parameter("objectType", kind).with_parameter("objectName", format!("`{last}`"));
            self.complain(e.with_parameter("qualifier", format!("`{qualifier}`")));
        }
        TableName::Parts(vec![last])
    }

    /// `BEGIN … END`, whole.
    fn script(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        let mut last = None;
        while !self.at_end() {
            let token = self.advance();
            if !token.is(";") {
                last = token.keyword();
            }
        }
        if last != Some(K::END) {
            return Err(self.unexpected("END of the script is missing"));
        }
        let text = self.span_from(start).of(self.text).trim_end().trim_end_matches(';').trim_end().to_owned();
        Ok(Command::Script { text })
    }

    fn call_procedure(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        self.identifier_reference()?;
        let open = self.index();
        if !self.at_symbol("(") {
            return Err(self.unexpected("`(` is missing"));
        }
        self.call(Vec::new(), open, false)?;
        Ok(self.unsupported(start, "CALL"))
    }

    fn cursor(&mut self, keyword: K) -> Result<Command> {
        let start = self.index();
        if !self.is_name(self.peek_at(1)) {
            return Err(self.syntax_error());
        }
        self.advance();
        Ok(self.unsupported(start, &format!("{} of a cursor", keyword.word())))
    }

    fn execute_immediate(&mut self) -> Result<Command> {
        self.expect_all(&[K::EXECUTE, K::IMMEDIATE])?;
        let query = self.expression()?;
        let into = if self.take(K::INTO) { self.multipart_identifiers()? } else { Vec::new() };
        let mut using = Vec::new();
        if self.take(K::USING) {
            let start = self.index();
            let whole = self.at_symbol("(")
                && self.closing(start).is_some_and(|c| matches!(self.token(c + 1).kind, TokenKind::End | TokenKind::Symbol(";")));
            using = if whole { self.in_parens(Self::named_expression)? } else { self.named_expressions()? };
            let names: Vec<&String> = using
                .iter()
                .filter_map(|e| match &e.kind {
                    ExpressionKind::Alias { name, .. } => name.first(),
                    _ => None,
                })
                .collect();
            let twice = names.iter().enumerate().find(|(i, name)| names.iter().take(*i).any(|other| other == *name));
            if let Some((_, name)) = twice {
                let message = format!("USING names `{name}` twice: give each value a name of its own");
                let e = self.refuse("EXEC_IMMEDIATE_DUPLICATE_ARGUMENT_ALIASES", message, Some(self.span_from(start)));
                self.complain(e.with_parameter("aliases", format!("`{name}`")));
            }
        }
        Ok(Command::ExecuteImmediate { query, into, using })
    }
}

/// Whether the statement ends, or a name goes on, `ahead` of here.
fn is_end_or_dot(p: &Parser<'_>, ahead: usize) -> bool {
    let token = p.peek_at(ahead);
    token.kind == TokenKind::End || token.is(";") || token.is(".")
}

/// A constant, as a name or a number may be written: for messages and text.
pub(super) fn constant_string(e: &Expression) -> Option<String> {
    match &e.kind {
        ExpressionKind::Literal(Literal::String(text)) => Some(text.clone()),
        ExpressionKind::UnresolvedAttribute { name, .. } => match name.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A call without anything but arguments.
pub(super) fn plain_call(name: String, arguments: Vec<Expression>) -> Expression {
    ExpressionKind::UnresolvedFunction(Box::new(FunctionCall::new(name, arguments))).into()
}
