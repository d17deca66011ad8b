//! CREATE TABLE and REPLACE TABLE, and the clauses behind their names.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use super::columns::{TableElements, column_of};
use super::plain_call;
use crate::Result;
use crate::plan::{Command, Expression, ExpressionKind, Literal, TableSpec};

/// What was said about a table besides its columns.
#[derive(Default)]
struct Clauses {
    spec: TableSpec,
    /// Columns with types in PARTITIONED BY.
    partition_columns: usize,
    /// Columns without types, and transforms, in PARTITIONED BY.
    transforms: usize,
}

impl Parser<'_> {
    /// `CREATE [OR REPLACE] [TEMPORARY] [EXTERNAL] TABLE …`, `REPLACE TABLE …`, from TABLE on
    pub(super) fn create_table(
        &mut self,
        start: usize,
        or_replace: bool,
        replace_only: bool,
        temporary: bool,
        external: bool,
    ) -> Result<Command> {
        self.expect(K::TABLE)?;
        let if_not_exists = !or_replace && !replace_only && self.if_not_exists()?;
        if temporary && if_not_exists {
            self.invalid_statement(start, "CREATE TEMPORARY TABLE ... IF NOT EXISTS");
        }
        let name = self.identifier_reference()?;
        if self.at(K::LIKE) && !or_replace && !replace_only && !temporary && !external {
            self.advance();
            let source = self.identifier_reference()?;
            let spec = Box::new(self.like_clauses(start)?);
            return Ok(Command::CreateTableLike { name, source, spec, if_not_exists });
        }
        let has_elements = self.at_symbol("(") && !self.is_query_in_parens(self.index());
        let TableElements { columns, constraints, .. } = if has_elements { self.table_elements()? } else { TableElements::default() };
        let provider = self.provider()?;
        let mut clauses = self.table_clauses(start)?;
        let query = if self.take(K::AS) || self.is_query(self.index()) { Some(self.query()?) } else { None };
        let verb = if or_replace || replace_only { "REPLACE TABLE" } else { "CREATE TABLE" };
        if provider.is_some() && !clauses.spec.hive.is_empty() {
            let what = format!("{verb} ... USING ... {}", clauses.spec.hive.join(" "));
            self.invalid_statement(start, &what);
        }
        if temporary && query.is_some() {
            self.not_allowed(start, "CREATE TEMPORARY TABLE ... AS is not there: write CREATE TEMPORARY VIEW");
        } else if temporary && external {
            self.invalid_statement(start, "CREATE EXTERNAL TABLE ... USING");
        } else if temporary && provider.is_none() {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0046", "CREATE TEMPORARY TABLE needs USING: write CREATE TEMPORARY VIEW");
        } else if temporary {
            // An old way to say CREATE TEMPORARY VIEW ... USING.
            let name = self.session_object(name, "VIEW", start);
            let mut spec = clauses.spec;
            spec.provider = provider;
            spec.columns = columns;
            if let Some(path) = spec.location.take() {
                spec.options.insert("path".to_owned(), path);
            }
            return Ok(Command::CreateTempViewUsing { name, spec: Box::new(spec), or_replace: false, global: false });
        }
        if clauses.transforms > 0 && clauses.partition_columns > 0 {
            self.not_allowed(start, "PARTITIONED BY has columns with types and columns without: give all of them types or none");
        }
        if query.is_some() {
            let refused = if !columns.is_empty() {
                Some("columns")
            } else if clauses.partition_columns > 0 {
                Some("types of partition columns")
            } else if !constraints.is_empty() {
                Some("constraints")
            } else {
                None
            };
            if let Some(what) = refused {
                self.not_allowed(start, format!("{verb} AS takes its columns from the query: leave out the {what}"));
            }
        }
        clauses.spec.provider = provider;
        clauses.spec.constraints = constraints;
        let partition_columns = std::mem::replace(&mut clauses.spec.columns, columns);
        clauses.spec.columns.extend(partition_columns);
        let spec = Box::new(clauses.spec);
        Ok(Command::CreateTable { name, spec, query, if_not_exists, or_replace, replace_only, external, temporary })
    }

    /// `USING provider`
    pub(super) fn provider(&mut self) -> Result<Option<String>> {
        if self.take(K::USING) { Ok(Some(self.multipart_identifier()?.join("."))) } else { Ok(None) }
    }

    /// The clauses of CREATE TABLE LIKE.
    fn like_clauses(&mut self, start: usize) -> Result<TableSpec> {
        let mut spec = TableSpec::default();
        let mut seen = Vec::new();
        loop {
            let clause = if self.at(K::USING) {
                spec.provider = self.provider()?;
                "PROVIDER"
            } else if self.at(K::LOCATION) {
                spec.location = Some(self.location_spec()?);
                "LOCATION"
            } else if self.take(K::TBLPROPERTIES) {
                let at = self.index();
                spec.properties = self.property_values()?;
                self.check_properties(&spec, at);
                "TBLPROPERTIES"
            } else if let Some((clause, text)) = self.hive_clause(start)? {
                spec.hive.push(text);
                clause
            } else {
                break;
            };
            self.once(&mut seen, clause, start);
        }
        if spec.provider.is_some() && !spec.hive.is_empty() {
            let what = format!("CREATE TABLE LIKE ... USING ... {}", spec.hive.join(" "));
            self.invalid_statement(start, &what);
        } else if seen.contains(&"ROW FORMAT") && !seen.contains(&"STORED AS/BY") {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0047", "ROW FORMAT needs STORED AS beside it");
        }
        Ok(spec)
    }

    fn table_clauses(&mut self, start: usize) -> Result<Clauses> {
        let mut clauses = Clauses::default();
        let mut seen = Vec::new();
        loop {
            let at = self.index();
            let spec = &mut clauses.spec;
            let clause = match self.peek().keyword() {
                Some(K::OPTIONS) => {
                    self.advance();
                    spec.options = self.option_values()?;
                    "OPTIONS"
                }
                Some(K::PARTITIONED) => {
                    self.expect_all(&[K::PARTITIONED, K::BY])?;
                    self.expect_symbol("(")?;
                    loop {
                        self.partition_field(&mut clauses)?;
                        if !self.take_symbol(",") {
                            break;
                        }
                    }
                    self.expect_symbol(")")?;
                    "PARTITIONED BY"
                }
                Some(K::SKEWED) => {
                    self.skewed()?;
                    self.invalid_statement(start, "CREATE TABLE ... SKEWED BY");
                    continue;
                }
                Some(K::CLUSTER) => {
                    self.expect_all(&[K::CLUSTER, K::BY])?;
                    spec.cluster_by = Some(self.in_parens(Self::multipart_identifier)?);
                    "CLUSTER BY"
                }
                Some(K::CLUSTERED) => {
                    spec.bucketing = Some(self.bucketing()?);
                    "CLUSTERED BY"
                }
                Some(K::LOCATION) => {
                    spec.location = Some(self.location_spec()?);
                    "LOCATION"
                }
                Some(K::COMMENT) => {
                    spec.comment = Some(self.comment_spec()?);
                    "COMMENT"
                }
                Some(K::DEFAULT) => {
                    self.expect_all(&[K::DEFAULT, K::COLLATION])?;
                    spec.collation = Some(self.identifier()?);
                    "DEFAULT COLLATION"
                }
                Some(K::TBLPROPERTIES) => {
                    self.advance();
                    spec.properties = self.property_values()?;
                    "TBLPROPERTIES"
                }
                _ => match self.hive_clause(start)? {
                    Some((clause, text)) => {
                        spec.hive.push(text);
                        clause
                    }
                    None => break,
                },
            };
            self.once(&mut seen, clause, at);
        }
        let spec = &mut clauses.spec;
        self.check_properties(spec, start);
        let path = spec.options.keys().find(|key| key.eq_ignore_ascii_case("path")).cloned();
        if let Some(path) = path.and_then(|key| spec.options.remove(&key)) {
            if let Some(location) = &spec.location {
                let message = format!("the table has two paths, LOCATION '{location}' and the option '{path}': keep one");
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0032", message);
            }
            spec.location = Some(path);
        }
        if spec.cluster_by.is_some() && !spec.partitioned_by.is_empty() {
            let message = "CLUSTER BY and PARTITIONED BY do not go together: keep one";
            self.complain_from(start, "SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED", message);
        } else if spec.cluster_by.is_some() && spec.bucketing.is_some() {
            let message = "CLUSTER BY and CLUSTERED BY do not go together: keep one";
            self.complain_from(start, "SPECIFY_CLUSTER_BY_WITH_BUCKETING_IS_NOT_ALLOWED", message);
        }
        Ok(clauses)
    }

    /// Properties that have clauses of their own.
    fn check_properties(&mut self, spec: &TableSpec, start: usize) {
        let keys = spec.properties.keys().chain(spec.options.keys());
        let reserved = keys.map(String::as_str).find_map(|key| reserved_property(key).map(|instead| (key.to_owned(), instead)));
        if let Some((key, instead)) = reserved {
            self.reserved_property(&key, instead, start);
        }
    }

    /// Complains about a reserved property.
    pub(super) fn reserved_property(&mut self, key: &str, instead: &str, start: usize) {
        if self.options.properties_not_reserved {
            return;
        }
        let message = format!("the property `{key}` is reserved: {instead}");
        let e = self.refuse("UNSUPPORTED_FEATURE.SET_TABLE_PROPERTY", message, Some(self.span_from(start)));
        self.complain(e.with_parameter("property", key).with_parameter("msg", instead));
    }

    /// `a`, `years(a)`, `bucket(3, a)`, `a INT`
    fn partition_field(&mut self, clauses: &mut Clauses) -> Result<()> {
        let start = self.index();
        let next = self.peek_at(1);
        if next.is("(") && self.is_name(self.peek()) {
            let transform = self.transform_call()?;
            clauses.spec.partitioned_by.push(transform);
            clauses.transforms += 1;
        } else if next.is(",") || next.is(")") || next.is(".") {
            let name = self.qualified_name()?;
            clauses.spec.partitioned_by.push(Expression::attribute(name).at(self.span_from(start)));
            clauses.transforms += 1;
        } else {
            let field = self.column_type()?;
            clauses.spec.partitioned_by.push(Expression::attribute([field.name.clone()]).at(self.span_from(start)));
            clauses.spec.columns.push(column_of(field));
            clauses.partition_columns += 1;
        }
        Ok(())
    }

    fn transform_call(&mut self) -> Result<Expression> {
        let start = self.index();
        let name = self.identifier()?;
        let arguments = self.in_parens(|p| {
            let at = p.index();
            let is_constant = p.peek().is_number() || p.at_symbol("-") || p.at_string() || p.at_any(&[K::NULL, K::TRUE, K::FALSE]);
            if is_constant || p.is_string(p.peek_at(1)) || p.at_interval() {
                return p.value(8);
            }
            let name = p.qualified_name()?;
            Ok(Expression::attribute(name).at(p.span_from(at)))
        })?;
        let is_column = |e: &Expression| matches!(e.kind, ExpressionKind::UnresolvedAttribute { .. });
        match name.as_str() {
            "bucket" => {
                let is_count = matches!(
                    arguments.first().map(|e| &e.kind),
                    Some(ExpressionKind::Literal(Literal::Short(_) | Literal::Integer(_) | Literal::Long(_)))
                );
                if !is_count {
                    self.complain_from(start, "_LEGACY_ERROR_TEMP_0031", "bucket() has the number of buckets first, as in bucket(8, a)");
                } else if !arguments.iter().skip(1).all(is_column) {
                    let message = "bucket() has columns behind the number of buckets";
                    self.complain_from(start, "INVALID_SQL_SYNTAX.INVALID_COLUMN_REFERENCE", message);
                }
            }
            "years" | "months" | "days" | "hours" => {
                if arguments.len() > 1 {
                    let message = format!("{name}() takes one column, not {}", arguments.len());
                    self.complain_from(start, "INVALID_SQL_SYNTAX.TRANSFORM_WRONG_NUM_ARGS", message);
                } else if !arguments.iter().all(is_column) {
                    let message = format!("{name}() takes a column, no constant");
                    self.complain_from(start, "INVALID_SQL_SYNTAX.INVALID_COLUMN_REFERENCE", message);
                }
            }
            _ => (),
        }
        Ok(plain_call(name, arguments).at(self.span_from(start)))
    }

    /// `CLUSTERED BY (a) SORTED BY (b) INTO 4 BUCKETS`
    fn bucketing(&mut self) -> Result<(Vec<String>, Vec<String>, i32)> {
        let start = self.index();
        self.expect_all(&[K::CLUSTERED, K::BY])?;
        let columns = self.identifier_list()?;
        let mut sorted = Vec::new();
        if self.take_all(&[K::SORTED, K::BY]) {
            sorted = self.in_parens(|p| {
                let name = p.checked_identifier()?;
                if p.take_any(&[K::ASC, K::DESC]) == Some(K::DESC) {
                    p.not_allowed(start, "buckets are sorted in rising order only: leave out DESC");
                }
                Ok(name)
            })?;
        }
        self.expect(K::INTO)?;
        let count = self.small_integer()?;
        self.expect(K::BUCKETS)?;
        Ok((columns, sorted, count))
    }

    fn skewed(&mut self) -> Result<()> {
        self.expect_all(&[K::SKEWED, K::BY])?;
        self.identifier_list()?;
        self.expect(K::ON)?;
        let Some(close) = self.closing(self.index()) else { return Err(self.unexpected("`(` is missing")) };
        self.go_to(close + 1);
        self.take_all(&[K::STORED, K::AS, K::DIRECTORIES]);
        Ok(())
    }

    /// `ROW FORMAT …`, `STORED AS …`: the clause, and its text
    pub(super) fn hive_clause(&mut self, statement: usize) -> Result<Option<(&'static str, String)>> {
        let start = self.index();
        let clause = if self.take_all(&[K::ROW, K::FORMAT]) {
            self.row_format(start)?;
            "ROW FORMAT"
        } else if self.take_all(&[K::STORED, K::AS]) {
            if self.at(K::INPUTFORMAT) && self.is_string(self.peek_at(1)) {
                self.advance();
                self.string()?;
                self.expect(K::OUTPUTFORMAT)?;
                self.string()?;
            } else {
                self.identifier()?;
            }
            "STORED AS/BY"
        } else if self.take_all(&[K::STORED, K::BY]) {
            self.string()?;
            if self.take_all(&[K::WITH, K::SERDEPROPERTIES]) {
                self.property_values()?;
            }
            self.invalid_statement(statement, "STORED BY");
            "STORED AS/BY"
        } else {
            return Ok(None);
        };
        Ok(Some((clause, self.span_from(start).of(self.text).to_owned())))
    }

    /// What follows ROW FORMAT.
    fn row_format(&mut self, start: usize) -> Result<()> {
        if self.take(K::SERDE) {
            self.string()?;
            if self.take_all(&[K::WITH, K::SERDEPROPERTIES]) {
                self.property_values()?;
            }
            return Ok(());
        }
        self.expect(K::DELIMITED)?;
        let clauses: &[&[K]] = &[
            &[K::FIELDS, K::TERMINATED, K::BY],
            &[K::ESCAPED, K::BY],
            &[K::COLLECTION, K::ITEMS, K::TERMINATED, K::BY],
            &[K::MAP, K::KEYS, K::TERMINATED, K::BY],
            &[K::LINES, K::TERMINATED, K::BY],
            &[K::NULL, K::DEFINED, K::AS],
        ];
        for words in clauses {
            if self.take_all(words) {
                let text = self.string()?;
                if words.first() == Some(&K::LINES) && text != "\n" {
                    self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", "LINES TERMINATED BY knows '\\n' only");
                }
            }
        }
        Ok(())
    }

    /// `CREATE INDEX …`: read, and not done.
    pub(super) fn create_index(&mut self, start: usize) -> Result<Command> {
        self.expect(K::INDEX)?;
        self.if_not_exists()?;
        self.identifier()?;
        self.expect(K::ON)?;
        self.take(K::TABLE);
        self.identifier_reference()?;
        if self.take(K::USING) {
            self.identifier()?;
        }
        if !self.at_symbol("(") || matches!(self.peek().kind, TokenKind::End) {
            return Err(self.unexpected("`(` is missing"));
        }
        Ok(self.unsupported(start, "CREATE INDEX"))
    }
}

/// What to say instead of a reserved property.
fn reserved_property(key: &str) -> Option<&'static str> {
    Some(match key {
        "provider" => "write USING",
        "location" => "write LOCATION",
        "owner" => "it is the current user",
        "external" => "write CREATE EXTERNAL TABLE",
        "collation" => "write DEFAULT COLLATION",
        "is_managed_location" | "table_type" => "leave it out",
        _ => return None,
    })
}

/// The same for ALTER TABLE.
pub(super) fn reserved(key: &str) -> Option<&'static str> {
    reserved_property(key)
}
