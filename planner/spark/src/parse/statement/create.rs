//! CREATE and REPLACE: which object, then views and databases; tables and functions have their own files.

use std::collections::BTreeMap;

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use super::columns::column_of;
use crate::Result;
use crate::plan::{Command, TableName, TableSpec};

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Command> {
        let start = self.index();
        if self.take(K::REPLACE) {
            return self.create_table(start, false, true, false, false);
        }
        self.advance();
        if self.at_namespace() {
            return self.create_namespace(start);
        }
        let or_replace = self.take_all(&[K::OR, K::REPLACE]);
        let global = self.at(K::GLOBAL) && self.peek_at(1).keyword() == Some(K::TEMPORARY) && self.take(K::GLOBAL);
        let temporary = self.take(K::TEMPORARY);
        let external = self.at(K::EXTERNAL) && self.take(K::EXTERNAL);
        match self.peek().keyword() {
            Some(K::TABLE) => self.create_table(start, or_replace, false, temporary, external),
            Some(K::VIEW) if !external => self.create_view(start, or_replace, temporary, global),
            Some(K::FUNCTION) if !external && !global => self.create_function(start, or_replace, temporary),
            Some(K::MACRO) if temporary => self.native(&[K::CREATE, K::TEMPORARY, K::MACRO], start),
            Some(K::ROLE) => self.native(&[K::CREATE, K::ROLE], start),
            Some(K::INDEX) if !or_replace && !temporary => self.create_index(start),
            Some(K::MATERIALIZED) => {
                self.expect_all(&[K::MATERIALIZED, K::VIEW])?;
                Ok(self.unsupported(start, "CREATE MATERIALIZED VIEW"))
            }
            Some(K::STREAMING) => {
                self.expect_all(&[K::STREAMING, K::TABLE])?;
                Ok(self.unsupported(start, "CREATE STREAMING TABLE"))
            }
            Some(K::FLOW) => {
                self.advance();
                Ok(self.unsupported(start, "CREATE FLOW"))
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// `CREATE DATABASE …`, from DATABASE on
    fn create_namespace(&mut self, start: usize) -> Result<Command> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.identifier_reference()?;
        let (mut comment, mut location, mut properties) = (None, None, BTreeMap::new());
        let mut seen = Vec::new();
        loop {
            let clause = if self.at(K::COMMENT) {
                comment = Some(self.comment_spec()?);
                "COMMENT"
            } else if self.at(K::LOCATION) {
                location = Some(self.location_spec()?);
                "LOCATION"
            } else if self.take_all(&[K::DEFAULT, K::COLLATION]) {
                self.identifier()?;
                let message = "databases have no collation of their own: give it to the tables";
                self.complain_from(start, "UNSUPPORTED_FEATURE.SCHEMA_LEVEL_COLLATIONS", message);
                "DEFAULT COLLATION"
            } else if self.take(K::WITH) {
                let word = self.expect_any(&[K::DBPROPERTIES, K::PROPERTIES])?;
                let at = self.index();
                properties = self.property_values()?;
                self.check_namespace_properties(properties.keys(), at);
                if word == K::PROPERTIES { "WITH PROPERTIES" } else { "WITH DBPROPERTIES" }
            } else {
                break;
            };
            self.once(&mut seen, clause, start);
        }
        if seen.contains(&"WITH PROPERTIES") && seen.contains(&"WITH DBPROPERTIES") {
            let message = "PROPERTIES and DBPROPERTIES are the same: write one of them";
            self.complain_from(start, "UNSUPPORTED_FEATURE.SET_PROPERTIES_AND_DBPROPERTIES", message);
        }
        Ok(Command::CreateNamespace { name, if_not_exists, comment, location, properties })
    }

    /// Complains about properties that have clauses of their own.
    pub(super) fn check_namespace_properties<'k>(&mut self, mut keys: impl Iterator<Item = &'k String>, start: usize) {
        let reserved = keys.find_map(|key| match key.as_str() {
            "location" => Some((key, "write LOCATION")),
            "owner" => Some((key, "it is the current user")),
            "collation" => Some((key, "write DEFAULT COLLATION")),
            _ => None,
        });
        if let Some((key, instead)) = reserved
            && !self.options.properties_not_reserved
        {
            let message = format!("the property `{key}` is reserved: {instead}");
            let e = self.refuse("UNSUPPORTED_FEATURE.SET_NAMESPACE_PROPERTY", message, Some(self.span_from(start)));
            self.complain(e.with_parameter("property", key).with_parameter("msg", instead));
        }
    }

    /// `CREATE … VIEW …`, from VIEW on
    fn create_view(&mut self, start: usize, or_replace: bool, temporary: bool, global: bool) -> Result<Command> {
        self.expect(K::VIEW)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.identifier_reference()?;
        if temporary && self.is_view_using() {
            return self.temporary_view_using(name, start, or_replace, global);
        }
        let mut columns = Vec::new();
        if self.at_symbol("(") {
            columns = self.in_parens(|p| {
                let name = p.identifier()?;
                let comment = if p.at(K::COMMENT) { Some(p.comment_spec()?) } else { None };
                Ok((name, comment))
            })?;
        }
        let (mut comment, mut properties, mut schema_binding) = (None, BTreeMap::new(), None);
        let mut seen = Vec::new();
        loop {
            let at = self.index();
            let clause = if self.at(K::COMMENT) {
                comment = Some(self.comment_spec()?);
                "COMMENT"
            } else if self.at_all(&[K::WITH, K::SCHEMA]) {
                schema_binding = Some(self.schema_binding()?);
                "WITH SCHEMA"
            } else if self.take_all(&[K::DEFAULT, K::COLLATION]) {
                self.identifier()?;
                "DEFAULT COLLATION"
            } else if self.take_all(&[K::PARTITIONED, K::ON]) {
                self.identifier_list()?;
                self.invalid_statement(start, "CREATE VIEW ... PARTITIONED ON");
                "PARTITIONED ON"
            } else if self.take(K::TBLPROPERTIES) {
                properties = self.property_values()?;
                "TBLPROPERTIES"
            } else if self.take_all(&[K::WITH, K::METRICS]) || self.at(K::LANGUAGE) {
                return Ok(self.unsupported(start, "CREATE VIEW WITH METRICS"));
            } else {
                break;
            };
            self.once(&mut seen, clause, at);
        }
        self.expect(K::AS)?;
        if self.peek().kind == TokenKind::Dollar {
            return Ok(self.unsupported(start, "CREATE VIEW WITH METRICS"));
        }
        let at = self.index();
        let query = self.query()?;
        let query_text = self.span_from(at).of(self.text).to_owned();
        if if_not_exists && or_replace {
            let message = "CREATE VIEW has OR REPLACE and IF NOT EXISTS: keep one";
            self.complain_from(start, "CREATE_VIEW_WITH_IF_NOT_EXISTS_AND_REPLACE", message);
        } else if temporary && !properties.is_empty() {
            self.not_allowed(start, "a view of the session has no TBLPROPERTIES");
        } else if temporary && schema_binding.is_some() {
            let message = "a view of the session has no WITH SCHEMA";
            self.complain_from(start, "UNSUPPORTED_FEATURE.TEMPORARY_VIEW_WITH_SCHEMA_BINDING_MODE", message);
        } else if temporary && if_not_exists {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0053", "CREATE TEMPORARY VIEW has no IF NOT EXISTS: write OR REPLACE");
        }
        let name = if temporary { self.session_object(name, "VIEW", start) } else { name };
        Ok(Command::CreateView {
            name,
            columns,
            query,
            query_text,
            temporary,
            global,
            or_replace,
            if_not_exists,
            comment,
            properties,
            schema_binding,
        })
    }

    /// Whether USING stands here, behind columns perhaps.
    fn is_view_using(&self) -> bool {
        let behind = self.closing(self.index()).map_or(self.index(), |close| close + 1);
        self.token(behind).keyword() == Some(K::USING)
    }

    fn temporary_view_using(&mut self, name: TableName, start: usize, or_replace: bool, global: bool) -> Result<Command> {
        let mut spec = TableSpec::default();
        if self.at_symbol("(") {
            spec.columns = self.in_parens(Self::column_type)?.into_iter().map(column_of).collect();
        }
        spec.provider = self.provider()?;
        if self.take(K::OPTIONS) {
            spec.options = self.property_values()?;
        }
        let name = if global { name } else { self.session_object(name, "VIEW", start) };
        Ok(Command::CreateTempViewUsing { name, spec: Box::new(spec), or_replace, global })
    }

    /// `WITH SCHEMA BINDING`: the words behind SCHEMA
    pub(super) fn schema_binding(&mut self) -> Result<String> {
        self.expect_all(&[K::WITH, K::SCHEMA])?;
        let word = self.expect_any(&[K::BINDING, K::COMPENSATION, K::EVOLUTION, K::TYPE])?;
        if word == K::TYPE {
            self.expect(K::EVOLUTION)?;
            return Ok("TYPE EVOLUTION".to_owned());
        }
        Ok(word.word().to_owned())
    }
}
