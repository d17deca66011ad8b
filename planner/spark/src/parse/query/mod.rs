//! Queries: WITH, set operations, and what stands behind them (ORDER BY, LIMIT and others).

mod from;
mod lookahead;
mod pipe;
mod pivot;
mod relation;
mod select;

pub(super) use relation::default_of;

use std::collections::BTreeSet;

use super::keywords::Keyword as K;
use super::parser::Parser;
use crate::Result;
use crate::plan::{Cte, Expression, Relation, RelationKind, SetOperation, SortOrder, Span, TableAlias, TableName, With};

/// Which sort, limit and other clauses were there.
pub(super) struct Organized {
    pub(super) relation: Relation,
    /// The clauses, as pipe syntax names them.
    pub(super) clauses: Vec<&'static str>,
}

impl Parser<'_> {
    /// `WITH … query ORDER BY … LIMIT …`
    pub(super) fn query(&mut self) -> Result<Relation> {
        let level = self.enter()?;
        let start = self.index();
        let ctes = if self.at(K::WITH) { Some(self.ctes()?) } else { None };
        let term = self.query_term(0)?;
        let relation = self.organized(term, start, false)?.relation;
        let relation = match ctes {
            Some((recursive, ctes)) => {
                let with = With { ctes, recursive, input: relation };
                Relation::from(RelationKind::With(Box::new(with))).at(self.span_from(start))
            }
            None => relation,
        };
        self.leave(level)?;
        Ok(relation)
    }

    /// `WITH [RECURSIVE] name (columns) AS (query), …`: whether RECURSIVE stands there, and the queries
    pub(super) fn ctes(&mut self) -> Result<(bool, Vec<Cte>)> {
        let start = self.index();
        self.expect(K::WITH)?;
        let recursive = self.at(K::RECURSIVE) && self.is_name(self.peek_at(1)) && self.take(K::RECURSIVE);
        let ctes = self.list(|p| p.cte(recursive))?;
        let mut names = BTreeSet::new();
        let twice: Vec<&str> = ctes.iter().map(|c| c.alias.name.as_str()).filter(|name| !names.insert(name.to_lowercase())).collect();
        if let Some(name) = twice.first() {
            let message = format!("WITH names `{name}` twice: give each query a name of its own");
            let e = self.refuse("DUPLICATED_CTE_NAMES", message, Some(self.span_from(start)));
            let e = e.with_parameter("duplicateNames", format!("`{}`", name.to_lowercase()));
            self.complain(e);
        }
        Ok((recursive, ctes))
    }

    fn cte(&mut self, recursive: bool) -> Result<Cte> {
        let start = self.index();
        let name = self.checked_identifier()?;
        let span = Some(self.span_from(start));
        // `name (query)` without AS has no columns.
        let has_columns = self.at_symbol("(") && !self.is_query_in_parens(self.index());
        let columns = if has_columns { self.identifier_list()? } else { Vec::new() };
        let mut max_level = None;
        if self.take_all(&[K::MAX, K::RECURSION, K::LEVEL]) {
            max_level = Some(self.integer()?);
            if !recursive {
                self.not_allowed(start, "MAX RECURSION LEVEL needs WITH RECURSIVE");
            }
        }
        self.take(K::AS);
        self.expect_symbol("(")?;
        let query = self.query()?;
        self.expect_symbol(")")?;
        Ok(Cte { alias: TableAlias { name, columns }, query, max_level, span })
    }

    /// Set operations and pipes that bind as tight as `lowest` at least: INTERSECT 3, UNION and EXCEPT 2, pipes 1.
    fn query_term(&mut self, lowest: u8) -> Result<Relation> {
        let start = self.index();
        let mut left = self.query_primary()?;
        loop {
            if self.at_symbol("|>") || self.is_pipe(0) {
                if lowest > 1 {
                    return Ok(left);
                }
                self.grow_relation(2)?;
                left = self.pipe_step(left, start)?;
                continue;
            }
            let Some((operation, precedence)) = self.set_operation() else { return Ok(left) };
            if precedence < lowest || !self.is_set_operation(self.index()) {
                return Ok(left);
            }
            let is_all = self.set_quantifier();
            if operation == SetOperation::Union {
                left = self.unions(left, is_all, precedence)?.at(self.span_from(start));
                continue;
            }
            let right = self.term_beside(precedence + 1)?;
            self.grow_relation(1)?;
            left = set_operation(left, right, operation, is_all).at(self.span_from(start));
        }
    }

    /// The right side of a set operation.
    fn term_beside(&mut self, lowest: u8) -> Result<Relation> {
        let beside = self.begin_beside();
        let term = self.query_term(lowest)?;
        self.end_beside(beside);
        Ok(term)
    }

    /// Takes the word of a set operation and what stands behind it: whether it is ALL.
    fn set_quantifier(&mut self) -> bool {
        self.advance();
        self.take_any(&[K::ALL, K::DISTINCT]) == Some(K::ALL)
    }

    /// A chain of UNIONs of one kind, the first word being read. A long one becomes a balanced tree: the rows are the same.
    fn unions(&mut self, first: Relation, is_all: bool, precedence: u8) -> Result<Relation> {
        let mut terms = vec![first, self.term_beside(precedence + 1)?];
        while self.at(K::UNION) && self.is_set_operation(self.index()) && (self.peek_at(1).keyword() == Some(K::ALL)) == is_all {
            self.set_quantifier();
            terms.push(self.term_beside(precedence + 1)?);
        }
        if terms.len() > LONG_CHAIN {
            self.grow_relation(terms.len().ilog2() as usize + 1)?;
            return balanced(terms, is_all).ok_or_else(|| self.syntax_error());
        }
        self.grow_relation(terms.len() - 1)?;
        let union = |left, right| set_operation(left, right, SetOperation::Union, is_all);
        terms.into_iter().reduce(union).ok_or_else(|| self.syntax_error())
    }

    fn set_operation(&self) -> Option<(SetOperation, u8)> {
        let legacy = self.options.legacy_setops_precedence;
        Some(match self.peek().keyword()? {
            K::INTERSECT if legacy => (SetOperation::Intersect, 2),
            K::INTERSECT => (SetOperation::Intersect, 3),
            K::UNION => (SetOperation::Union, 2),
            K::EXCEPT | K::MINUS => (SetOperation::Except, 2),
            _ => return None,
        })
    }

    /// `SELECT …`, `FROM …`, `TABLE t`, `VALUES …`, `(query)`
    pub(super) fn query_primary(&mut self) -> Result<Relation> {
        let start = self.index();
        match self.peek().keyword() {
            Some(K::SELECT) if self.at_transform() => self.transform(),
            Some(K::SELECT) => self.select(None),
            Some(K::MAP | K::REDUCE) => self.transform(),
            Some(K::FROM) => self.read_from_statement(),
            Some(K::TABLE) => {
                self.advance();
                let at = self.index();
                let name = self.identifier_reference()?;
                Ok(self.named_table(name, at))
            }
            Some(K::VALUES) => self.inline_table(),
            _ if self.at_symbol("(") => {
                self.advance();
                let query = self.query()?;
                self.expect_symbol(")")?;
                Ok(query.at(self.span_from(start)))
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// `ORDER BY … CLUSTER BY … DISTRIBUTE BY … SORT BY … WINDOW … LIMIT … OFFSET …` behind a query
    pub(super) fn organized(&mut self, relation: Relation, start: usize, in_pipe: bool) -> Result<Organized> {
        let from = self.index();
        let mut clauses = Vec::new();
        let order = self.sort_clause(K::ORDER)?;
        let cluster = if self.take_all(&[K::CLUSTER, K::BY]) { Some(self.expressions()?) } else { None };
        let distribute = if self.take_all(&[K::DISTRIBUTE, K::BY]) { Some(self.expressions()?) } else { None };
        let sort = self.sort_clause(K::SORT)?;
        let mut relation = match (order, cluster, distribute, sort) {
            (None, None, None, None) => relation,
            (Some(order), None, None, None) => {
                clauses.push("ORDER BY");
                let order = match order.as_slice() {
                    [only] if self.is_order_by_all(only) => vec![SortOrder { child: Expression::star(), ..only.clone() }],
                    _ => order,
                };
                RelationKind::Sort { input: relation, order, is_global: true }.into()
            }
            (None, Some(keys), None, None) => {
                clauses.push("CLUSTER BY");
                let order = keys.iter().map(|key| SortOrder { child: key.clone(), ascending: true, nulls_first: true }).collect();
                let kind = RelationKind::RepartitionByExpression { input: relation, partition_expressions: keys, num_partitions: None };
                RelationKind::Sort { input: kind.into(), order, is_global: false }.into()
            }
            (None, None, keys, order) => {
                clauses.push(match (&keys, &order) {
                    (Some(_), Some(_)) => "SORT BY ... DISTRIBUTE BY ...",
                    (Some(_), None) => "DISTRIBUTE BY",
                    _ => "SORT BY",
                });
                let mut relation = relation;
                if let Some(keys) = keys {
                    relation =
                        RelationKind::RepartitionByExpression { input: relation, partition_expressions: keys, num_partitions: None }.into();
                }
                if let Some(order) = order {
                    relation = RelationKind::Sort { input: relation, order, is_global: false }.into();
                }
                relation
            }
            _ => {
                let message = "ORDER BY, SORT BY, CLUSTER BY and DISTRIBUTE BY do not go together: keep one of them";
                self.complain_from(from, "UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES", message);
                relation
            }
        };
        if self.at(K::WINDOW) && self.at_clause() {
            clauses.push("WINDOW");
            let windows = self.window_clause()?;
            relation = RelationKind::WithWindows { input: relation, windows }.into();
        }
        let limited = self.at(K::LIMIT) && self.take(K::LIMIT);
        let limit = if limited && !self.take(K::ALL) { Some(self.expression()?) } else { None };
        if self.take(K::OFFSET) {
            clauses.push("OFFSET");
            relation = RelationKind::Offset { input: relation, offset: self.expression()? }.into();
        }
        if limited {
            clauses.push("LIMIT");
            relation = RelationKind::Limit { input: relation, limit }.into();
        }
        self.grow_relation(clauses.len())?;
        if in_pipe || !clauses.is_empty() {
            relation = relation.at(self.span_from(start));
        }
        Ok(Organized { relation, clauses })
    }

    fn sort_clause(&mut self, keyword: K) -> Result<Option<Vec<SortOrder>>> {
        if self.take_all(&[keyword, K::BY]) { self.list(Self::sort_item).map(Some) } else { Ok(None) }
    }

    /// Whether a key is the bare word ALL.
    fn is_order_by_all(&self, order: &SortOrder) -> bool {
        self.is_bare_all(&order.child)
    }

    /// Whether an expression is the word ALL without quotes.
    pub(super) fn is_bare_all(&self, e: &Expression) -> bool {
        super::parser::is_word(e, "all") && e.span.is_some_and(|span| span.of(self.text).eq_ignore_ascii_case("all"))
    }

    /// The relation of that name, said from the token `start` on.
    pub(super) fn named_table(&self, name: TableName, start: usize) -> Relation {
        let mut relation = Relation::table(Vec::<String>::new());
        if let RelationKind::NamedTable(table) = std::sync::Arc::make_mut(&mut relation.kind) {
            table.name = name;
        }
        relation.at(self.span_from(start))
    }
}

/// How many UNIONs in a row are kept as they were said.
const LONG_CHAIN: usize = 32;

/// One tree of the terms, as low as it can be.
fn balanced(mut terms: Vec<Relation>, is_all: bool) -> Option<Relation> {
    if terms.len() <= 1 {
        return terms.pop();
    }
    let right = terms.split_off(terms.len().div_ceil(2));
    Some(set_operation(balanced(terms, is_all)?, balanced(right, is_all)?, SetOperation::Union, is_all))
}

/// A set operation by position.
pub(super) fn set_operation(left: Relation, right: Relation, operation: SetOperation, is_all: bool) -> Relation {
    let span = match (left.span, right.span) {
        (Some(left), Some(right)) => Some(left.to(right)),
        (left, right) => left.or(right),
    };
    let kind = RelationKind::SetOperation { left, right, operation, is_all, by_name: false, allow_missing_columns: false };
    Relation::new(kind, span)
}

/// The place of a relation, for those without one.
pub(super) fn spanned(relation: Relation, span: Span) -> Relation {
    if relation.span.is_some() { relation } else { relation.at(span) }
}
