//! Columns of CREATE TABLE and ALTER TABLE, constraints, and `PARTITION (…)`.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{ColumnDefinition, ColumnPosition, Expression, ExpressionKind, PartitionSpec};
use crate::types::{SparkType, StructField};

/// The columns and constraints between the parentheses of CREATE TABLE.
#[derive(Default)]
pub(super) struct TableElements {
    pub(super) columns: Vec<ColumnDefinition>,
    pub(super) constraints: Vec<String>,
    /// The columns of each primary key.
    primary_keys: Vec<Vec<String>>,
}

impl Parser<'_> {
    /// `(a INT NOT NULL, CHECK (a > 0), …)`
    pub(super) fn table_elements(&mut self) -> Result<TableElements> {
        let start = self.index();
        let mut elements = TableElements::default();
        self.expect_symbol("(")?;
        loop {
            if self.at_constraint() {
                let (text, key) = self.constraint(None)?;
                elements.constraints.push(text);
                elements.primary_keys.extend(key);
            } else {
                let column = self.column_definition(&mut elements)?;
                elements.columns.push(column);
            }
            if !self.take_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        if elements.primary_keys.len() > 1 {
            self.complain_from(start, "MULTIPLE_PRIMARY_KEYS", "a table has one primary key: keep one of them");
        }
        for name in elements.primary_keys.iter().flatten() {
            for column in elements.columns.iter_mut().filter(|c| c.name.first().is_some_and(|own| own.eq_ignore_ascii_case(name))) {
                column.nullable = false;
            }
        }
        Ok(elements)
    }

    /// Whether a constraint of a table stands here, and no column.
    pub(super) fn at_constraint(&self) -> bool {
        let next = self.peek_at(1);
        match self.peek().keyword() {
            Some(K::CONSTRAINT) => {
                self.is_name(next)
                    && matches!(self.peek_at(2).keyword(), Some(K::CHECK | K::UNIQUE | K::PRIMARY | K::FOREIGN | K::REFERENCES))
            }
            Some(K::CHECK | K::UNIQUE) => next.is("("),
            Some(K::PRIMARY | K::FOREIGN) => next.keyword() == Some(K::KEY),
            _ => false,
        }
    }

    /// `CONSTRAINT name CHECK (…) NOT ENFORCED`: its text, and the columns if it is a primary key. `column` has it, if one does.
    pub(super) fn constraint(&mut self, column: Option<&str>) -> Result<(String, Option<Vec<String>>)> {
        let start = self.index();
        let name = if self.take(K::CONSTRAINT) { Some(self.checked_identifier()?) } else { None };
        let mut key = None;
        let mut text = match &name {
            Some(name) => format!("CONSTRAINT {} ", crate::types::quoted_if_needed(name)),
            None => String::new(),
        };
        let body = self.index();
        match self.expect_any(&[K::CHECK, K::UNIQUE, K::PRIMARY, K::FOREIGN, K::REFERENCES])? {
            K::CHECK => {
                self.expect_symbol("(")?;
                self.expression()?;
                self.expect_symbol(")")?;
                text.push_str(self.span_from(body).of(self.text));
            }
            word @ (K::UNIQUE | K::PRIMARY) => {
                if word == K::PRIMARY {
                    self.expect(K::KEY)?;
                }
                let kind = if word == K::PRIMARY { "PRIMARY KEY" } else { "UNIQUE" };
                let columns = match column {
                    Some(column) => vec![column.to_owned()],
                    None => self.identifier_list()?,
                };
                text.push_str(&format!("{kind} ({})", quoted(&columns)));
                if word == K::PRIMARY {
                    key = Some(columns);
                }
            }
            word => {
                let columns = match (word, column) {
                    (K::REFERENCES, Some(column)) => vec![column.to_owned()],
                    (K::FOREIGN, None) => {
                        self.expect(K::KEY)?;
                        let columns = self.identifier_list()?;
                        self.expect(K::REFERENCES)?;
                        columns
                    }
                    _ => return Err(self.syntax_error()),
                };
                let table = self.index();
                self.multipart_identifier()?;
                if self.at_symbol("(") {
                    self.identifier_list()?;
                }
                text.push_str(&format!("FOREIGN KEY ({}) REFERENCES {}", quoted(&columns), self.span_from(table).of(self.text)));
            }
        }
        let characteristics = self.index();
        let (mut enforced, mut rely) = (0, 0);
        loop {
            if self.take(K::ENFORCED) || self.take_all(&[K::NOT, K::ENFORCED]) {
                enforced += 1;
            } else if self.take_any(&[K::RELY, K::NORELY]).is_some() {
                rely += 1;
            } else {
                break;
            }
        }
        if enforced > 1 || rely > 1 {
            self.complain_from(start, "INVALID_CONSTRAINT_CHARACTERISTICS", "a constraint says ENFORCED and RELY once each");
        }
        if enforced + rely > 0 {
            text.push(' ');
            text.push_str(self.span_from(characteristics).of(self.text));
        }
        Ok((text, key))
    }

    /// `name type NOT NULL DEFAULT … GENERATED … COMMENT …`
    fn column_definition(&mut self, elements: &mut TableElements) -> Result<ColumnDefinition> {
        let name = self.checked_identifier()?;
        let data_type = self.data_type()?;
        let mut column = plain_column(vec![name.clone()], data_type);
        let mut seen = Vec::new();
        loop {
            let start = self.index();
            let option = if self.at_not() && self.peek_at(1).keyword() == Some(K::NULL) {
                self.not_keyword();
                self.expect(K::NULL)?;
                column.nullable = false;
                "NOT NULL"
            } else if self.at(K::DEFAULT) {
                column.default = Some(self.default_value()?);
                "DEFAULT"
            } else if self.at(K::GENERATED) {
                column.generated = Some(self.generated(&column.data_type)?);
                "GENERATED ALWAYS AS"
            } else if self.at(K::COMMENT) {
                column.comment = Some(self.comment_spec()?);
                "COMMENT"
            } else if self.at_any(&[K::CONSTRAINT, K::CHECK, K::UNIQUE, K::PRIMARY, K::REFERENCES]) {
                let (text, key) = self.constraint(Some(&name))?;
                elements.constraints.push(text);
                elements.primary_keys.extend(key);
                "CONSTRAINT"
            } else {
                return Ok(column);
            };
            self.once_per_column(&mut seen, option, &name, None, start);
        }
    }

    /// Complains about something that a column says twice; `alter` is ALTER TABLE's word.
    fn once_per_column(&mut self, seen: &mut Vec<&'static str>, option: &'static str, name: &str, alter: Option<&str>, start: usize) {
        if seen.contains(&option) {
            let condition = match alter {
                Some(_) => "ALTER_TABLE_COLUMN_DESCRIPTOR_DUPLICATE",
                None => "CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE",
            };
            let e = self.refuse(condition, format!("the column `{name}` says {option} twice: keep one"), Some(self.span_from(start)));
            let e = e.with_parameter("columnName", name).with_parameter("optionName", option);
            let e = match alter {
                Some(word) => e.with_parameter("type", word),
                None => e,
            };
            self.complain(e);
        }
        seen.push(option);
    }

    /// `DEFAULT expr`: the expression and its text
    pub(super) fn default_value(&mut self) -> Result<(Expression, String)> {
        self.advance();
        let start = self.index();
        let e = self.expression()?;
        Ok((e, self.span_from(start).of(self.text).to_owned()))
    }

    /// `GENERATED ALWAYS AS (expr)`: the expression's text; of an identity column all that follows AS.
    fn generated(&mut self, data_type: &SparkType) -> Result<String> {
        let start = self.index();
        self.expect(K::GENERATED)?;
        let always = self.take(K::ALWAYS);
        if !always {
            self.expect_all(&[K::BY, K::DEFAULT])?;
        }
        self.expect(K::AS)?;
        if always && self.take_symbol("(") {
            let at = self.index();
            self.expression()?;
            let text = self.span_from(at).of(self.text).to_owned();
            self.expect_symbol(")")?;
            return Ok(text);
        }
        let at = self.index();
        self.expect(K::IDENTITY)?;
        if self.take_symbol("(") {
            self.identity_options(start)?;
        }
        if !matches!(data_type, SparkType::Long | SparkType::Integer) {
            let message = format!("an identity column is an INT or a BIGINT, not {data_type}");
            self.complain_from(start, "IDENTITY_COLUMNS_UNSUPPORTED_DATA_TYPE", message);
        }
        Ok(self.span_from(at).of(self.text).to_owned())
    }

    fn identity_options(&mut self, start: usize) -> Result<()> {
        let mut seen = Vec::new();
        while !self.take_symbol(")") {
            let option = if self.take_all(&[K::START, K::WITH]) {
                "START"
            } else {
                self.expect_all(&[K::INCREMENT, K::BY])?;
                "STEP"
            };
            self.take_symbol("-");
            let token = self.peek();
            if !token.is_number() {
                return Err(self.unexpected("a number is missing"));
            }
            self.advance();
            let digits = self.text_of(token).trim_end_matches(['l', 'L']);
            if option == "STEP" && digits.bytes().all(|b| b == b'0') {
                self.complain_from(start, "IDENTITY_COLUMNS_ILLEGAL_STEP", "the step of an identity column is not 0");
            }
            if seen.contains(&option) {
                let message = format!("an identity column says {option} once");
                self.complain_from(start, "IDENTITY_COLUMNS_DUPLICATED_SEQUENCE_GENERATOR_OPTION", message);
            }
            seen.push(option);
        }
        Ok(())
    }

    /// `a.b type NOT NULL DEFAULT … COMMENT … FIRST`, as ADD COLUMNS has it
    pub(super) fn added_column(&mut self) -> Result<ColumnDefinition> {
        let name = self.multipart_identifier()?;
        let shown = name.last().cloned().unwrap_or_default();
        let data_type = self.data_type()?;
        let mut column = plain_column(name, data_type);
        let mut seen = Vec::new();
        loop {
            let start = self.index();
            let option = if self.at_not() && self.peek_at(1).keyword() == Some(K::NULL) {
                self.not_keyword();
                self.expect(K::NULL)?;
                column.nullable = false;
                "NOT NULL"
            } else if self.at(K::DEFAULT) {
                column.default = Some(self.default_value()?);
                "DEFAULT"
            } else if self.at(K::COMMENT) {
                column.comment = Some(self.comment_spec()?);
                "COMMENT"
            } else if let Some(position) = self.column_position()? {
                column.position = Some(position);
                "FIRST|AFTER"
            } else {
                return Ok(column);
            };
            self.once_per_column(&mut seen, option, &shown, Some("ADD"), start);
        }
    }

    /// `FIRST`, `AFTER name`
    pub(super) fn column_position(&mut self) -> Result<Option<ColumnPosition>> {
        if self.take(K::FIRST) {
            return Ok(Some(ColumnPosition::First));
        }
        if self.take(K::AFTER) {
            return Ok(Some(ColumnPosition::After(self.checked_identifier()?)));
        }
        Ok(None)
    }

    /// `PARTITION (a = 1, b)`
    pub(super) fn partition_spec(&mut self) -> Result<PartitionSpec> {
        let start = self.index();
        self.expect(K::PARTITION)?;
        let spec = self.in_parens(|p| {
            let name = p.identifier()?;
            if !p.take_symbol("=") {
                return Ok((name, None));
            }
            if p.at(K::DEFAULT) && (p.peek_at(1).is(",") || p.peek_at(1).is(")")) {
                p.advance();
                let message = "DEFAULT is no value of a partition: write the value";
                p.complain_from(start, "REF_DEFAULT_VALUE_IS_NOT_ALLOWED_IN_PARTITION", message);
                return Ok((name, None));
            }
            let at = p.index();
            let value = p.value(8)?;
            if !matches!(value.kind, ExpressionKind::Literal(_) | ExpressionKind::Parameter(_)) {
                p.go_to(at);
                return Err(p.unexpected("the value of a partition is a constant"));
            }
            Ok((name, Some(value)))
        })?;
        let lower: Vec<String> = spec.iter().map(|(name, _)| name.to_lowercase()).collect();
        self.check_keys(start, lower.iter().map(String::as_str));
        Ok(spec)
    }

    /// `PARTITION (a = 1)`, a value for each name
    pub(super) fn full_partition_spec(&mut self) -> Result<PartitionSpec> {
        let start = self.index();
        let spec = self.partition_spec()?;
        if let Some((name, _)) = spec.iter().find(|(_, value)| value.is_none()) {
            let message = format!("the partition gives no value for `{name}`");
            let e = self.refuse("INVALID_SQL_SYNTAX.EMPTY_PARTITION_VALUE", message, Some(self.span_from(start)));
            self.complain(e.with_parameter("partKey", format!("`{name}`")));
        }
        Ok(spec)
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| crate::types::quoted_if_needed(name)).collect::<Vec<_>>().join(", ")
}

fn plain_column(name: Vec<String>, data_type: SparkType) -> ColumnDefinition {
    ColumnDefinition { name, data_type, nullable: true, comment: None, default: None, generated: None, position: None }
}

/// A column of a plain schema.
pub(super) fn column_of(field: StructField) -> ColumnDefinition {
    let comment = field.metadata.get("comment").cloned();
    ColumnDefinition { nullable: field.nullable, comment, ..plain_column(vec![field.name], field.data_type) }
}
