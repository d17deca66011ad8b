//! ALTER TABLE, ALTER VIEW and ALTER DATABASE.

use std::collections::BTreeMap;

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use super::table::reserved;
use crate::Result;
use crate::plan::{AlterColumn, AlterTable, ColumnDefinition, Command, ObjectKind, PartitionSpec, TableName};

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<Command> {
        let start = self.index();
        self.advance();
        if self.at_namespace() {
            return self.alter_namespace(start);
        }
        if self.at(K::INDEX) {
            return self.native(&[K::ALTER, K::INDEX], start);
        }
        let kind = if self.expect_any(&[K::TABLE, K::VIEW])? == K::VIEW { ObjectKind::View } else { ObjectKind::Table };
        let name = self.identifier_reference()?;
        if kind == ObjectKind::View {
            return self.alter_view(name, start);
        }
        if let Some(command) = self.alter_of_hive(start)? {
            return Ok(command);
        }
        let partition = if self.at(K::PARTITION) { Some(self.partition_spec()?) } else { None };
        let change = self.table_change(partition, start)?;
        Ok(Command::AlterTable { name, kind, change })
    }

    fn alter_namespace(&mut self, start: usize) -> Result<Command> {
        self.advance();
        let name = self.identifier_reference()?;
        if self.take_all(&[K::DEFAULT, K::COLLATION]) {
            self.identifier()?;
            let message = "databases have no collation of their own: give it to the tables";
            self.complain_from(start, "UNSUPPORTED_FEATURE.SCHEMA_LEVEL_COLLATIONS", message);
            return Ok(self.unsupported(start, "ALTER DATABASE ... DEFAULT COLLATION"));
        }
        if self.take(K::UNSET) {
            self.expect_any(&[K::DBPROPERTIES, K::PROPERTIES])?;
            let keys = self.property_keys()?;
            self.check_namespace_properties(keys.iter(), start);
            return Ok(Command::UnsetNamespaceProperties { name, keys });
        }
        self.expect(K::SET)?;
        if self.at(K::LOCATION) {
            return Ok(Command::AlterNamespace { name, properties: BTreeMap::new(), location: Some(self.location_spec()?) });
        }
        self.expect_any(&[K::DBPROPERTIES, K::PROPERTIES])?;
        let properties = self.property_values()?;
        self.check_namespace_properties(properties.keys(), start);
        Ok(Command::AlterNamespace { name, properties, location: None })
    }

    fn alter_view(&mut self, name: TableName, start: usize) -> Result<Command> {
        let change = match self.peek().keyword() {
            Some(K::RENAME) => {
                self.expect_all(&[K::RENAME, K::TO])?;
                AlterTable::Rename(self.multipart_identifier()?)
            }
            Some(K::SET) => {
                self.expect_all(&[K::SET, K::TBLPROPERTIES])?;
                self.set_properties(start)?
            }
            Some(K::UNSET) => {
                self.expect_all(&[K::UNSET, K::TBLPROPERTIES])?;
                self.unset_properties(start)?
            }
            Some(K::ADD) => {
                self.advance();
                let change = self.add_partitions()?;
                self.invalid_statement(start, "ALTER VIEW ... ADD PARTITION");
                change
            }
            Some(K::DROP) => {
                self.advance();
                let change = self.drop_partitions()?;
                self.invalid_statement(start, "ALTER VIEW ... DROP PARTITION");
                change
            }
            Some(K::WITH) if self.peek_at(1).keyword() == Some(K::SCHEMA) => {
                let binding = self.schema_binding()?;
                AlterTable::Other(format!("WITH SCHEMA {binding}"))
            }
            _ => {
                self.take(K::AS);
                let at = self.index();
                let query = self.query()?;
                let query_text = self.span_from(at).of(self.text).to_owned();
                return Ok(Command::AlterViewAs { name, query, query_text });
            }
        };
        Ok(Command::AlterTable { name, kind: ObjectKind::View, change })
    }

    /// Changes of Hive's that Spark refuses.
    fn alter_of_hive(&mut self, start: usize) -> Result<Option<Command>> {
        let from = self.index();
        let mut at = from;
        if self.at(K::PARTITION)
            && let Some(close) = self.closing(from + 1)
            && matches!(
                (self.token(close + 1).keyword(), self.token(close + 2).keyword()),
                (Some(K::COMPACT | K::CONCATENATE), _) | (Some(K::SET), Some(K::FILEFORMAT))
            )
        {
            self.partition_spec()?;
            at = self.index();
        }
        let forms: &[&[K]] = &[
            &[K::NOT, K::CLUSTERED],
            &[K::CLUSTERED, K::BY],
            &[K::NOT, K::SORTED],
            &[K::SKEWED, K::BY],
            &[K::NOT, K::SKEWED],
            &[K::NOT, K::STORED, K::AS, K::DIRECTORIES],
            &[K::SET, K::SKEWED, K::LOCATION],
            &[K::EXCHANGE, K::PARTITION],
            &[K::ARCHIVE, K::PARTITION],
            &[K::UNARCHIVE, K::PARTITION],
            &[K::TOUCH],
            &[K::COMPACT],
            &[K::CONCATENATE],
            &[K::SET, K::FILEFORMAT],
        ];
        for words in forms {
            if self.at_all(words) {
                let what = words.iter().map(|w| w.word()).collect::<Vec<_>>().join(" ");
                let what = format!("ALTER TABLE {what}");
                self.go_to(at);
                self.skip_statement();
                self.invalid_statement(start, &what);
                return Ok(Some(Command::Unsupported { what, span: Some(self.span_from(start)) }));
            }
        }
        Ok(None)
    }

    fn table_change(&mut self, partition: Option<PartitionSpec>, start: usize) -> Result<AlterTable> {
        let keyword = self.peek().keyword();
        if let Some(partition) = partition {
            return self.partition_change(partition, start);
        }
        match keyword {
            Some(K::ADD) => {
                self.advance();
                self.add_to_table()
            }
            Some(K::RENAME) => {
                self.advance();
                if self.take(K::COLUMN) {
                    let from = self.multipart_identifier()?;
                    self.expect(K::TO)?;
                    return Ok(AlterTable::RenameColumn(from, self.checked_identifier()?));
                }
                self.expect(K::TO)?;
                Ok(AlterTable::Rename(self.multipart_identifier()?))
            }
            Some(K::DROP) => {
                self.advance();
                self.drop_from_table()
            }
            Some(K::SET) => {
                self.advance();
                self.set_of_table(Vec::new(), start)
            }
            Some(K::UNSET) => {
                self.expect_all(&[K::UNSET, K::TBLPROPERTIES])?;
                self.unset_properties(start)
            }
            Some(K::ALTER | K::CHANGE) => self.alter_columns(start),
            Some(K::REPLACE) => self.replace_columns(start),
            Some(K::RECOVER) => {
                self.expect_all(&[K::RECOVER, K::PARTITIONS])?;
                Ok(AlterTable::RecoverPartitions)
            }
            Some(K::CLUSTER) => {
                self.expect_all(&[K::CLUSTER, K::BY])?;
                if self.take(K::NONE) {
                    return Ok(AlterTable::ClusterBy(Vec::new()));
                }
                Ok(AlterTable::ClusterBy(self.in_parens(Self::multipart_identifier)?))
            }
            Some(K::DEFAULT) => {
                self.expect_all(&[K::DEFAULT, K::COLLATION])?;
                let name = self.identifier()?;
                Ok(AlterTable::Other(format!("DEFAULT COLLATION {name}")))
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// What stands behind `PARTITION (…)`.
    fn partition_change(&mut self, partition: PartitionSpec, start: usize) -> Result<AlterTable> {
        match self.peek().keyword() {
            Some(K::RENAME) => {
                self.expect_all(&[K::RENAME, K::TO])?;
                Ok(AlterTable::RenamePartition(partition, self.full_partition_spec()?))
            }
            Some(K::SET) => {
                self.advance();
                self.set_of_table(partition, start)
            }
            Some(K::CHANGE) => {
                let change = self.alter_columns(start)?;
                self.invalid_statement(start, "ALTER TABLE ... PARTITION ... CHANGE COLUMN");
                Ok(change)
            }
            Some(K::REPLACE) => {
                let change = self.replace_columns(start)?;
                self.invalid_statement(start, "ALTER TABLE ... PARTITION ... REPLACE COLUMNS");
                Ok(change)
            }
            _ => Err(self.syntax_error()),
        }
    }

    fn add_to_table(&mut self) -> Result<AlterTable> {
        if self.at_any(&[K::COLUMN, K::COLUMNS]) {
            self.advance();
            let columns = if self.at_symbol("(") { self.in_parens(Self::added_column)? } else { self.list(Self::added_column)? };
            return Ok(AlterTable::AddColumns(columns));
        }
        if self.at_constraint() {
            let name = if self.at(K::CONSTRAINT) { Some(self.peek_at(1)) } else { None };
            let name = name.map(|token| self.name_of(token)).transpose()?.unwrap_or_default();
            let (text, _) = self.constraint(None)?;
            let shown = format!("CONSTRAINT {} ", crate::types::quoted_if_needed(&name));
            return Ok(AlterTable::AddConstraint(name, text.strip_prefix(&shown).unwrap_or(&text).to_owned()));
        }
        self.add_partitions()
    }

    fn add_partitions(&mut self) -> Result<AlterTable> {
        let if_not_exists = self.if_not_exists()?;
        let mut partitions = Vec::new();
        loop {
            let spec = self.full_partition_spec()?;
            let location = if self.at(K::LOCATION) { Some(self.location_spec()?) } else { None };
            partitions.push((spec, location));
            if !self.at(K::PARTITION) {
                return Ok(AlterTable::AddPartitions(partitions, if_not_exists));
            }
        }
    }

    fn drop_from_table(&mut self) -> Result<AlterTable> {
        if self.at_any(&[K::COLUMN, K::COLUMNS]) {
            self.advance();
            let if_exists = self.if_exists();
            let columns = if self.at_symbol("(") { self.in_parens(Self::multipart_identifier)? } else { self.multipart_identifiers()? };
            return Ok(AlterTable::DropColumns(columns, if_exists));
        }
        if self.take(K::CONSTRAINT) {
            let if_exists = self.if_exists();
            let name = self.identifier()?;
            self.take_any(&[K::RESTRICT, K::CASCADE]);
            return Ok(AlterTable::DropConstraint(name, if_exists));
        }
        self.drop_partitions()
    }

    fn drop_partitions(&mut self) -> Result<AlterTable> {
        let if_exists = self.if_exists();
        let partitions = self.list(Self::full_partition_spec)?;
        self.take(K::PURGE);
        Ok(AlterTable::DropPartitions(partitions, if_exists))
    }

    fn set_of_table(&mut self, partition: PartitionSpec, start: usize) -> Result<AlterTable> {
        match self.peek().keyword() {
            Some(K::TBLPROPERTIES) if partition.is_empty() => {
                self.advance();
                self.set_properties(start)
            }
            Some(K::LOCATION) => Ok(AlterTable::SetLocation(partition, self.location_spec()?)),
            Some(K::SERDE) => {
                self.advance();
                self.string()?;
                if self.take_all(&[K::WITH, K::SERDEPROPERTIES]) {
                    self.property_values()?;
                }
                Ok(AlterTable::Other("SET SERDE".to_owned()))
            }
            Some(K::SERDEPROPERTIES) => {
                self.advance();
                self.property_values()?;
                Ok(AlterTable::Other("SET SERDEPROPERTIES".to_owned()))
            }
            _ => Err(self.syntax_error()),
        }
    }

    fn set_properties(&mut self, start: usize) -> Result<AlterTable> {
        let properties = self.property_values()?;
        if let Some((key, instead)) = properties.keys().find_map(|key| reserved(key).map(|instead| (key.clone(), instead))) {
            self.reserved_property(&key, instead, start);
        }
        Ok(AlterTable::SetProperties(properties))
    }

    fn unset_properties(&mut self, start: usize) -> Result<AlterTable> {
        let if_exists = self.if_exists();
        let keys = self.property_keys()?;
        if let Some((key, instead)) = keys.iter().find_map(|key| reserved(key).map(|instead| (key.clone(), instead))) {
            self.reserved_property(&key, instead, start);
        }
        Ok(AlterTable::UnsetProperties(keys, if_exists))
    }

    /// `ALTER COLUMN a TYPE …, b COMMENT …`; `CHANGE COLUMN a a type …`, as Hive says it
    fn alter_columns(&mut self, start: usize) -> Result<AlterTable> {
        let is_change = self.advance().keyword() == Some(K::CHANGE);
        if self.at(K::COLUMN) && self.is_name(self.peek_at(1)) {
            self.advance();
        }
        let mut columns = Vec::new();
        loop {
            let column = self.multipart_identifier()?;
            let mut change =
                AlterColumn { column, data_type: None, new_name: None, comment: None, nullable: None, position: None, default: None };
            let hive = is_change && columns.is_empty() && !self.at_column_change();
            if hive && self.is_name(self.peek()) {
                self.hive_change(&mut change, start)?;
                return Ok(AlterTable::AlterColumn(vec![change]));
            }
            if !self.column_change(&mut change)? {
                let message = "ALTER COLUMN does not say what changes: write TYPE, COMMENT, FIRST, AFTER, SET or DROP";
                self.not_allowed(start, message);
            }
            columns.push(change);
            if !self.take_symbol(",") {
                return Ok(AlterTable::AlterColumn(columns));
            }
        }
    }

    fn at_column_change(&self) -> bool {
        let next = self.peek_at(1);
        match self.peek().keyword() {
            Some(K::TYPE) => self.is_name(next),
            Some(K::COMMENT) => self.is_string(next),
            Some(K::FIRST) => !self.is_name(next),
            Some(K::AFTER) => self.is_name(next) && !self.is_name(self.peek_at(2)),
            Some(K::SET) => next.is("!") || matches!(next.keyword(), Some(K::NOT | K::DEFAULT)),
            Some(K::DROP) => next.is("!") || matches!(next.keyword(), Some(K::NOT | K::DEFAULT)),
            _ => false,
        }
    }

    fn column_change(&mut self, change: &mut AlterColumn) -> Result<bool> {
        if self.take(K::TYPE) {
            change.data_type = Some(self.data_type()?);
        } else if self.at(K::COMMENT) {
            change.comment = Some(self.comment_spec()?);
        } else if let Some(position) = self.column_position()? {
            change.position = Some(position);
        } else if self.at_any(&[K::SET, K::DROP]) {
            let is_set = self.advance().keyword() == Some(K::SET);
            if self.at(K::DEFAULT) {
                change.default = Some(if is_set {
                    self.default_value()?.1
                } else {
                    self.advance();
                    String::new()
                });
            } else {
                if !self.at_not() {
                    return Err(self.unexpected("NOT NULL or DEFAULT is missing"));
                }
                self.not_keyword();
                self.expect(K::NULL)?;
                change.nullable = Some(!is_set);
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `CHANGE a a type COMMENT 'text' FIRST`
    fn hive_change(&mut self, change: &mut AlterColumn, start: usize) -> Result<()> {
        let field = self.column_type()?;
        let old = change.column.last().cloned().unwrap_or_default();
        if !old.eq_ignore_ascii_case(&field.name) {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0034", "CHANGE COLUMN does not rename: write RENAME COLUMN");
        } else if !field.nullable {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0034", "CHANGE COLUMN has no NOT NULL: write ALTER COLUMN ... SET NOT NULL");
        }
        change.comment = field.metadata.get("comment").cloned();
        change.data_type = Some(field.data_type);
        change.position = self.column_position()?;
        Ok(())
    }

    fn replace_columns(&mut self, start: usize) -> Result<AlterTable> {
        self.expect_all(&[K::REPLACE, K::COLUMNS])?;
        let columns = self.in_parens(Self::added_column)?;
        let refused = columns.iter().find_map(|column: &ColumnDefinition| {
            if column.name.len() > 1 {
                Some("a nested column")
            } else if !column.nullable {
                Some("NOT NULL")
            } else if column.position.is_some() {
                Some("FIRST or AFTER")
            } else {
                None
            }
        });
        if let Some(what) = refused {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0034", format!("REPLACE COLUMNS does not take {what}"));
        } else if columns.iter().any(|c| c.default.is_some()) {
            let message = "REPLACE COLUMNS does not take DEFAULT";
            self.complain_from(start, "UNSUPPORTED_DEFAULT_VALUE.WITHOUT_SUGGESTION", message);
        }
        Ok(AlterTable::ReplaceColumns(columns))
    }
}
