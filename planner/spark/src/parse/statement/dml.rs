//! INSERT, DELETE, UPDATE and MERGE.

use std::collections::BTreeMap;

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use super::super::query::default_of;
use crate::Result;
use crate::plan::{Command, Cte, Expression, InsertMode, MergeAction, MergeClause, Relation, RelationKind, TableAlias, TableName, With};

/// INSERT up to its query.
struct Target {
    command: Command,
    /// The query may have an alias, which stands in parentheses then.
    replaces_on: bool,
}

/// Assignments: a column and its value.
type Assignments = Vec<(Vec<String>, Expression)>;

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> Result<Command> {
        let target = self.insert_target()?;
        let start = self.index();
        if target.replaces_on && self.is_query_in_parens(start) && self.closing(start).is_some_and(|close| self.is_alias_end(close + 1)) {
            self.advance();
            let query = self.query()?;
            self.expect_symbol(")")?;
            let alias = self.plain_alias("INSERT REPLACE ON")?;
            let query = match alias {
                Some(name) => Relation::from(RelationKind::SubqueryAlias { input: query, alias: TableAlias { name, columns: Vec::new() } }),
                None => query,
            };
            let span = self.span_from(start);
            return Ok(with_query(target.command, query.at(span)));
        }
        let query = self.query()?;
        Ok(with_query(target.command, self.with_defaults(query)))
    }

    /// Whether an alias and then the end of the statement stand at `at`.
    fn is_alias_end(&self, at: usize) -> bool {
        let at = if self.token(at).keyword() == Some(K::AS) { at + 1 } else { at };
        let after = self.token(at + 1);
        self.is_strict_name(self.token(at)) && (after.is(";") || after.kind == super::super::lexer::TokenKind::End)
    }

    /// DEFAULT in the columns of the SELECT that is inserted.
    fn with_defaults(&self, mut query: Relation) -> Relation {
        if let RelationKind::Project { expressions, .. } = std::sync::Arc::make_mut(&mut query.kind) {
            for e in expressions {
                let taken = std::mem::replace(e, Expression::star());
                *e = default_of(taken, self.text);
            }
        }
        query
    }

    /// `INSERT INTO t PARTITION (…) (columns)`, all but the query
    fn insert_target(&mut self) -> Result<Target> {
        let start = self.index();
        self.expect(K::INSERT)?;
        let schema_evolution = self.take_all(&[K::WITH, K::SCHEMA, K::EVOLUTION]);
        let overwrite = self.expect_any(&[K::INTO, K::OVERWRITE])? == K::OVERWRITE;
        if overwrite && self.at_directory() {
            let command = self.insert_directory(start)?;
            return Ok(Target { command, replaces_on: false });
        }
        if self.at(K::TABLE) && !self.peek_at(1).is(".") {
            self.advance();
        }
        let table = self.identifier_reference()?;
        if !overwrite && self.at_replace() {
            return self.replacing_target(table, schema_evolution, start);
        }
        let options = self.insert_options()?;
        if !overwrite && self.at_replace() {
            return self.replace_clause(table, None, options, schema_evolution, start);
        }
        let partition = if self.at(K::PARTITION) && self.peek_at(1).is("(") { self.partition_spec()? } else { Vec::new() };
        let if_not_exists = self.if_not_exists()?;
        if if_not_exists && !overwrite {
            self.invalid_statement(start, "INSERT INTO ... IF NOT EXISTS");
        } else if if_not_exists && partition.iter().any(|(_, value)| value.is_none()) {
            self.not_allowed(start, "IF NOT EXISTS needs a value for each column of the partition");
        }
        let by_name = self.take_all(&[K::BY, K::NAME]);
        let has_columns = !by_name && self.at_symbol("(") && !self.is_query_in_parens(self.index());
        let columns = if has_columns { self.identifier_list()?.into_iter().map(|name| vec![name]).collect() } else { Vec::new() };
        let mode = if overwrite { InsertMode::Overwrite } else { InsertMode::Append };
        let query = Relation::from(RelationKind::OneRow);
        let command = Command::Insert { table, columns, by_name, partition, mode, if_not_exists, schema_evolution, options, query };
        Ok(Target { command, replaces_on: false })
    }

    fn insert_options(&mut self) -> Result<BTreeMap<String, String>> {
        if self.at(K::WITH) && self.peek_at(1).is("(") {
            self.advance();
            return self.property_values();
        }
        Ok(BTreeMap::new())
    }

    /// Whether `alias REPLACE …` stands here.
    fn at_replace(&self) -> bool {
        let mut at = usize::from(self.at(K::AS));
        let found = |at: usize| {
            let by_name = self.peek_at(at).keyword() == Some(K::BY) && self.peek_at(at + 1).keyword() == Some(K::NAME);
            let at = if by_name { at + 2 } else { at };
            self.peek_at(at).keyword() == Some(K::REPLACE) && matches!(self.peek_at(at + 1).keyword(), Some(K::WHERE | K::ON | K::USING))
        };
        if at == 0 && found(0) {
            return true;
        }
        if !self.is_strict_name(self.peek_at(at)) {
            return false;
        }
        at += 1;
        if self.peek_at(at).keyword() == Some(K::WITH) && self.peek_at(at + 1).is("(") {
            let Some(close) = self.closing(self.index() + at + 1) else { return false };
            at = close + 1 - self.index();
        }
        found(at)
    }

    fn replacing_target(&mut self, table: TableName, schema_evolution: bool, start: usize) -> Result<Target> {
        let direct = self.at_any(&[K::REPLACE, K::BY]) && matches!(self.peek_at(1).keyword(), Some(K::WHERE | K::ON | K::USING | K::NAME));
        let alias = if direct { None } else { self.plain_alias("INSERT REPLACE ON")? };
        let options = self.insert_options()?;
        self.replace_clause(table, alias, options, schema_evolution, start)
    }

    /// `BY NAME REPLACE WHERE …`
    fn replace_clause(
        &mut self,
        table: TableName,
        alias: Option<String>,
        options: BTreeMap<String, String>,
        schema_evolution: bool,
        start: usize,
    ) -> Result<Target> {
        let by_name = self.take_all(&[K::BY, K::NAME]);
        self.expect(K::REPLACE)?;
        let word = self.expect_any(&[K::WHERE, K::ON, K::USING])?;
        let mode = match word {
            K::USING => InsertMode::ReplaceUsing(self.identifier_list()?),
            K::ON => InsertMode::ReplaceOn(self.expression()?, alias),
            _ => {
                if alias.is_some() {
                    let message = "INSERT ... REPLACE WHERE has no alias for the table: name its columns";
                    self.complain_from(start, "INSERT_REPLACE_WHERE_TABLE_ALIAS_NOT_ALLOWED", message);
                }
                InsertMode::ReplaceWhere(self.expression()?)
            }
        };
        let query = Relation::from(RelationKind::OneRow);
        let command = Command::Insert {
            table,
            columns: Vec::new(),
            by_name,
            partition: Vec::new(),
            mode,
            if_not_exists: false,
            schema_evolution,
            options,
            query,
        };
        Ok(Target { command, replaces_on: word == K::ON })
    }

    fn at_directory(&self) -> bool {
        let ahead = usize::from(self.at(K::LOCAL));
        let next = self.peek_at(ahead + 1);
        self.peek_at(ahead).keyword() == Some(K::DIRECTORY) && (self.is_string(next) || next.keyword() == Some(K::USING))
    }

    fn insert_directory(&mut self, start: usize) -> Result<Command> {
        let local = self.take(K::LOCAL);
        self.expect(K::DIRECTORY)?;
        let mut path = if self.at_string() { Some(self.string()?) } else { None };
        let provider = self.provider()?;
        let mut options = BTreeMap::new();
        if provider.is_some() {
            if self.take(K::OPTIONS) {
                options = self.property_values()?;
            }
            let option = options.remove("path");
            if path.is_some() == option.is_some() {
                let message = "INSERT OVERWRITE DIRECTORY has one path: behind DIRECTORY, or as the option `path`";
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0049", message);
            }
            path = path.or(option);
        } else {
            while self.hive_clause(start)?.is_some() {}
            if path.as_ref().is_none_or(String::is_empty) {
                self.not_allowed(start, "INSERT OVERWRITE DIRECTORY has no path");
            }
        }
        Ok(Command::InsertDirectory { local, path, provider, options, query: RelationKind::OneRow.into() })
    }

    /// `FROM … INSERT … SELECT … INSERT … SELECT …`
    pub(super) fn multi_insert(&mut self, ctes: Option<(bool, Vec<Cte>)>) -> Result<Command> {
        let start = self.index();
        let from = self.read_from()?;
        let mut inserts = Vec::new();
        while self.at(K::INSERT) {
            let target = self.insert_target()?;
            let query = self.read_from_body(from.clone())?;
            let query = self.with_defaults(query);
            let query = match &ctes {
                Some((recursive, ctes)) => with_ctes(*recursive, ctes.clone(), query),
                None => query,
            };
            inserts.push(with_query(target.command, query.at(self.span_from(start))));
        }
        match inserts.pop() {
            Some(only) if inserts.is_empty() => Ok(only),
            Some(last) => {
                inserts.push(last);
                Ok(Command::MultiInsert(inserts))
            }
            None => Err(self.unexpected("INSERT is missing")),
        }
    }

    /// `WITH … INSERT`, `WITH … MERGE` and others
    pub(super) fn change_with_ctes(&mut self) -> Result<Command> {
        let start = self.index();
        let (recursive, ctes) = self.ctes()?;
        match self.peek().keyword() {
            Some(K::FROM) => self.multi_insert(Some((recursive, ctes))),
            Some(K::INSERT) => {
                let command = self.insert()?;
                let span = self.span_from(start);
                Ok(map_query(command, |query| with_ctes(recursive, ctes, query).at(span)))
            }
            Some(K::MERGE) => {
                let Command::Merge { target, source, condition, matched, not_matched, not_matched_by_source, schema_evolution } =
                    self.merge()?
                else {
                    return Err(self.syntax_error());
                };
                let source = under_alias(source, |source| with_ctes(recursive, ctes, source));
                Ok(Command::Merge { target, source, condition, matched, not_matched, not_matched_by_source, schema_evolution })
            }
            _ => {
                self.command()?;
                Ok(self.unsupported(start, "WITH before DELETE or UPDATE"))
            }
        }
    }

    /// `AS name` without columns
    fn plain_alias(&mut self, operation: &str) -> Result<Option<String>> {
        let start = self.index();
        let Some(alias) = self.table_alias()? else { return Ok(None) };
        if !alias.columns.is_empty() {
            let e =
                self.refuse("COLUMN_ALIASES_NOT_ALLOWED", format!("{operation} does not name columns anew"), Some(self.span_from(start)));
            self.complain(e.with_parameter("op", format!("`{operation}`")));
        }
        Ok(Some(alias.name))
    }

    /// A table with an alias.
    fn changed_table(&mut self, operation: &str) -> Result<Relation> {
        let start = self.index();
        let name = self.identifier_reference()?;
        let table = self.named_table(name, start);
        self.under_plain_alias(table, operation, start)
    }

    fn under_plain_alias(&mut self, input: Relation, operation: &str, start: usize) -> Result<Relation> {
        Ok(match self.plain_alias(operation)? {
            Some(name) => {
                let alias = TableAlias { name, columns: Vec::new() };
                Relation::from(RelationKind::SubqueryAlias { input, alias }).at(self.span_from(start))
            }
            None => input,
        })
    }

    pub(super) fn delete(&mut self) -> Result<Command> {
        self.expect_all(&[K::DELETE, K::FROM])?;
        let table = self.changed_table("DELETE")?;
        let condition = if self.take(K::WHERE) { Some(self.expression()?) } else { None };
        Ok(Command::Delete { table, condition })
    }

    pub(super) fn update(&mut self) -> Result<Command> {
        self.expect(K::UPDATE)?;
        let table = self.changed_table("UPDATE")?;
        self.expect(K::SET)?;
        let assignments = self.assignments()?;
        let condition = if self.take(K::WHERE) { Some(self.expression()?) } else { None };
        Ok(Command::Update { table, assignments, condition })
    }

    /// `a.b = expr, c = DEFAULT`
    pub(super) fn assignments(&mut self) -> Result<Assignments> {
        self.list(|p| {
            let name = p.multipart_identifier()?;
            p.expect_symbol("=")?;
            let value = p.expression()?;
            Ok((name, default_of(value, p.text)))
        })
    }

    pub(super) fn merge(&mut self) -> Result<Command> {
        let start = self.index();
        self.expect(K::MERGE)?;
        let schema_evolution = self.take_all(&[K::WITH, K::SCHEMA, K::EVOLUTION]);
        self.expect(K::INTO)?;
        let target = self.changed_table("MERGE")?;
        self.expect(K::USING)?;
        let at = self.index();
        let source = if self.is_query_in_parens(at) {
            self.advance();
            let query = self.query()?;
            self.expect_symbol(")")?;
            self.under_plain_alias(query, "MERGE", at)?
        } else {
            self.changed_table("MERGE")?
        };
        self.expect(K::ON)?;
        let condition = self.expression()?;
        let (mut matched, mut not_matched, mut not_matched_by_source) = (Vec::new(), Vec::new(), Vec::new());
        while self.at(K::WHEN) {
            self.merge_clause(&mut matched, &mut not_matched, &mut not_matched_by_source)?;
        }
        let lacks = |clauses: &[MergeClause]| clauses.iter().rev().skip(1).any(|clause| clause.condition.is_none());
        if matched.is_empty() && not_matched.is_empty() && not_matched_by_source.is_empty() {
            self.complain_from(start, "MERGE_WITHOUT_WHEN", "MERGE has no WHEN: say what happens to the rows");
        } else if lacks(&matched) {
            let message = "only the last WHEN MATCHED may lack a condition";
            self.complain_from(start, "NON_LAST_MATCHED_CLAUSE_OMIT_CONDITION", message);
        } else if lacks(&not_matched) {
            let message = "only the last WHEN NOT MATCHED may lack a condition";
            self.complain_from(start, "NON_LAST_NOT_MATCHED_BY_TARGET_CLAUSE_OMIT_CONDITION", message);
        } else if lacks(&not_matched_by_source) {
            let message = "only the last WHEN NOT MATCHED BY SOURCE may lack a condition";
            self.complain_from(start, "NON_LAST_NOT_MATCHED_BY_SOURCE_CLAUSE_OMIT_CONDITION", message);
        }
        Ok(Command::Merge { target, source, condition, matched, not_matched, not_matched_by_source, schema_evolution })
    }

    /// One WHEN; they stand in the order MATCHED, NOT MATCHED, NOT MATCHED BY SOURCE.
    fn merge_clause(
        &mut self,
        matched: &mut Vec<MergeClause>,
        not_matched: &mut Vec<MergeClause>,
        not_matched_by_source: &mut Vec<MergeClause>,
    ) -> Result<()> {
        let start = self.index();
        self.expect(K::WHEN)?;
        let negated = self.at_not();
        if negated {
            self.not_keyword();
        }
        self.expect(K::MATCHED)?;
        let by_source = negated && self.take(K::BY) && self.expect_any(&[K::TARGET, K::SOURCE])? == K::SOURCE;
        let late = if negated {
            !by_source && !not_matched_by_source.is_empty()
        } else {
            !not_matched.is_empty() || !not_matched_by_source.is_empty()
        };
        if late {
            self.go_to(start);
            return Err(self.unexpected("WHEN MATCHED comes first, then WHEN NOT MATCHED, then WHEN NOT MATCHED BY SOURCE"));
        }
        let condition = if self.take(K::AND) { Some(self.expression()?) } else { None };
        self.expect(K::THEN)?;
        let action = if negated && !by_source { self.merge_insert(start)? } else { self.merge_change(!by_source)? };
        let clause = MergeClause { condition, action };
        match (negated, by_source) {
            (false, _) => matched.push(clause),
            (true, false) => not_matched.push(clause),
            (true, true) => not_matched_by_source.push(clause),
        }
        Ok(())
    }

    fn merge_change(&mut self, star: bool) -> Result<MergeAction> {
        if self.expect_any(&[K::DELETE, K::UPDATE])? == K::DELETE {
            return Ok(MergeAction::Delete);
        }
        self.expect(K::SET)?;
        if star && self.take_symbol("*") {
            return Ok(MergeAction::UpdateStar);
        }
        Ok(MergeAction::Update(self.assignments()?))
    }

    fn merge_insert(&mut self, start: usize) -> Result<MergeAction> {
        self.expect(K::INSERT)?;
        if self.take_symbol("*") {
            return Ok(MergeAction::InsertStar);
        }
        let columns = self.in_parens(Self::multipart_identifier)?;
        self.expect(K::VALUES)?;
        let values = self.in_parens(Self::expression)?;
        let values: Vec<Expression> = values.into_iter().map(|value| default_of(value, self.text)).collect();
        if columns.len() != values.len() {
            let message = format!("INSERT has {} columns and {} values", columns.len(), values.len());
            let e = self.refuse("MERGE_INSERT_VALUE_COUNT_MISMATCH", message, Some(self.span_from(start)));
            self.complain(e);
        }
        Ok(MergeAction::Insert(columns, values))
    }
}

fn with_ctes(recursive: bool, ctes: Vec<Cte>, input: Relation) -> Relation {
    let span = input.span;
    Relation::new(RelationKind::With(Box::new(With { ctes, recursive, input })), span)
}

fn with_query(command: Command, query: Relation) -> Command {
    map_query(command, |_| query)
}

/// The same INSERT of another query.
fn map_query(mut command: Command, change: impl FnOnce(Relation) -> Relation) -> Command {
    if let Command::Insert { query, .. } | Command::InsertDirectory { query, .. } = &mut command {
        let own = std::mem::replace(query, RelationKind::OneRow.into());
        *query = change(own);
    }
    command
}

/// Changes what stands under an alias, if there is one.
fn under_alias(relation: Relation, change: impl FnOnce(Relation) -> Relation) -> Relation {
    match relation.kind.as_ref() {
        RelationKind::SubqueryAlias { input, alias } => {
            let kind = RelationKind::SubqueryAlias { input: change(input.clone()), alias: alias.clone() };
            Relation { kind: kind.into(), span: relation.span, plan_id: relation.plan_id }
        }
        _ => change(relation),
    }
}
