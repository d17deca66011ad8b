//! SHOW and its kinds: tables, views, columns, functions and more.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Command, TableName};

impl Parser<'_> {
    pub(super) fn show(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        let next = self.peek_at(1).keyword();
        match self.peek().keyword() {
            Some(K::NAMESPACES | K::DATABASES | K::SCHEMAS) => {
                self.advance();
                let from = if self.take_any(&[K::FROM, K::IN]).is_some() { Some(self.multipart_identifier()?) } else { None };
                Ok(Command::ShowNamespaces { from, pattern: self.pattern()? })
            }
            Some(K::TABLES) => {
                self.advance();
                let namespace = self.in_namespace()?;
                Ok(Command::ShowTables { namespace, pattern: self.pattern()?, extended: false, partition: Vec::new() })
            }
            Some(K::TABLE) => {
                self.expect_all(&[K::TABLE, K::EXTENDED])?;
                let namespace = self.in_namespace()?;
                self.expect(K::LIKE)?;
                let pattern = Some(self.string()?);
                let partition = if self.at(K::PARTITION) { self.full_partition_spec()? } else { Vec::new() };
                Ok(Command::ShowTables { namespace, pattern, extended: true, partition })
            }
            Some(K::VIEWS) => {
                self.advance();
                let namespace = self.in_namespace()?;
                Ok(Command::ShowViews { namespace, pattern: self.pattern()? })
            }
            Some(K::COLUMNS) => {
                self.advance();
                self.expect_any(&[K::FROM, K::IN])?;
                let table = self.identifier_reference()?;
                let namespace = if self.take_any(&[K::FROM, K::IN]).is_some() { Some(self.multipart_identifier()?) } else { None };
                Ok(Command::ShowColumns { table, namespace })
            }
            Some(K::TBLPROPERTIES) => {
                self.advance();
                let table = self.identifier_reference()?;
                let mut key = None;
                if self.take_symbol("(") {
                    key = Some(self.property_key()?);
                    self.expect_symbol(")")?;
                }
                Ok(Command::ShowTableProperties { table, key })
            }
            Some(K::PARTITIONS) => {
                self.advance();
                let table = self.identifier_reference()?;
                let partition = if self.at(K::PARTITION) { self.full_partition_spec()? } else { Vec::new() };
                Ok(Command::ShowPartitions { table, partition })
            }
            Some(K::CREATE) => {
                self.expect_all(&[K::CREATE, K::TABLE])?;
                let table = self.identifier_reference()?;
                Ok(Command::ShowCreateTable { table, as_serde: self.take_all(&[K::AS, K::SERDE]) })
            }
            Some(K::CURRENT) if next == Some(K::ROLES) => self.native(&[K::SHOW, K::CURRENT, K::ROLES], start),
            Some(K::CURRENT) => {
                self.advance();
                self.expect_any(&[K::NAMESPACE, K::DATABASE, K::SCHEMA])?;
                Ok(Command::ShowCurrentNamespace)
            }
            Some(K::CATALOGS) => {
                self.advance();
                Ok(Command::ShowCatalogs { pattern: self.pattern()? })
            }
            Some(K::COLLATIONS) => {
                self.advance();
                self.pattern()?;
                Ok(self.unsupported(start, "SHOW COLLATIONS"))
            }
            Some(K::PROCEDURES) => {
                self.advance();
                self.in_namespace()?;
                Ok(self.unsupported(start, "SHOW PROCEDURES"))
            }
            Some(K::ROLE) if next == Some(K::GRANT) => self.native(&[K::SHOW, K::ROLE, K::GRANT], start),
            Some(keyword @ (K::GRANT | K::ROLE | K::PRINCIPALS | K::ROLES | K::COMPACTIONS | K::TRANSACTIONS | K::INDEXES | K::LOCKS))
                if next != Some(K::FUNCTIONS) =>
            {
                self.native(&[K::SHOW, keyword], start)
            }
            _ => self.show_functions(),
        }
    }

    fn show_functions(&mut self) -> Result<Command> {
        let mut scope = None;
        if !(self.at(K::FUNCTIONS) && self.peek_at(1).keyword() != Some(K::FUNCTIONS)) {
            let start = self.index();
            let word = self.identifier()?;
            if !["all", "system", "user"].iter().any(|own| word.eq_ignore_ascii_case(own)) {
                let message = format!("SHOW knows USER, SYSTEM and ALL FUNCTIONS, not `{word}`");
                let e = self.refuse("INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE", message, Some(self.span_from(start)));
                self.complain(e.with_parameter("scope", format!("`{word}`")));
            }
            scope = Some(word.to_uppercase());
        }
        self.expect(K::FUNCTIONS)?;
        let mut namespace = self.in_namespace()?;
        let liked = self.take(K::LIKE);
        let mut pattern = None;
        if self.at_string() {
            pattern = Some(self.string()?);
        } else if liked || self.is_name(self.peek()) {
            // A name as it was written before there were patterns.
            let start = self.index();
            let mut name = self.multipart_identifier()?;
            if namespace.is_some() {
                let message = format!("`{}` is no pattern: write it between quotes", name.join("."));
                self.complain_from(start, "INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_PATTERN", message);
            }
            pattern = name.pop();
            if !name.is_empty() {
                namespace = Some(TableName::Parts(name));
            }
        }
        Ok(Command::ShowFunctions { scope, namespace, pattern })
    }

    fn in_namespace(&mut self) -> Result<Option<TableName>> {
        if self.take_any(&[K::FROM, K::IN]).is_some() { self.identifier_reference().map(Some) } else { Ok(None) }
    }

    /// `LIKE 'pattern'`, `'pattern'`
    fn pattern(&mut self) -> Result<Option<String>> {
        if self.take(K::LIKE) || self.at_string() { self.string().map(Some) } else { Ok(None) }
    }
}
