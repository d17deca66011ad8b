//! SELECT and its clauses: hints, WHERE, GROUP BY in all its forms, HAVING, QUALIFY, WINDOW; FROM-first queries too.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use super::{set_operation, spanned};
use crate::Result;
use crate::plan::{Expression, ExpressionKind, GroupType, Relation, RelationKind, SetOperation, WindowSpec};

/// `GROUP BY …`
pub(super) struct Grouping {
    pub(super) group_type: GroupType,
    pub(super) expressions: Vec<Expression>,
}

/// ROLLUP, CUBE or GROUPING SETS: the call's name and its sets.
type Analytics = (&'static str, Vec<Vec<Expression>>);

/// A hint: its name and parameters.
type Hint = (String, Vec<Expression>);

/// What stands between SELECT and FROM.
struct SelectList {
    hints: Vec<Hint>,
    distinct: bool,
    expressions: Vec<Expression>,
}

impl Parser<'_> {
    /// `SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW … QUALIFY …`; FROM-first queries have their `input` before it.
    pub(super) fn select(&mut self, input: Option<Relation>) -> Result<Relation> {
        let start = self.index();
        let list = self.select_list()?;
        let mut relation = match input {
            Some(input) => input,
            None if self.at(K::FROM) => self.read_from()?,
            None => Relation::from(RelationKind::OneRow).at(self.span_from(start)),
        };
        while self.at_all(&[K::LATERAL, K::VIEW]) {
            relation = self.lateral_view(relation)?;
        }
        if self.at(K::WHERE) {
            relation = self.where_clause(relation)?;
        }
        let grouping = if self.at_all(&[K::GROUP, K::BY]) { Some(self.group_by(false)?) } else { None };
        let having = if self.take(K::HAVING) { Some(self.expression()?) } else { None };
        let windows = if self.at(K::WINDOW) && self.at_clause() { Some(self.window_clause()?) } else { None };
        let qualify = if self.take(K::QUALIFY) { Some(self.expression()?) } else { None };
        let SelectList { hints, distinct, expressions } = list;
        let wraps = [having.is_some(), qualify.is_some(), distinct, windows.is_some()];
        self.grow_relation(1 + hints.len() + wraps.iter().filter(|w| **w).count())?;
        let span = self.span_from(start);
        let grouping = match (grouping, &having) {
            (None, Some(_)) => Some(Grouping { group_type: GroupType::GroupBy, expressions: Vec::new() }),
            (grouping, _) => grouping,
        };
        let mut relation = select_of(relation, grouping, expressions).at(span);
        if let Some(condition) = having {
            relation = Relation::from(RelationKind::Having { input: relation, condition }).at(span);
        }
        if let Some(condition) = qualify {
            relation = Relation::from(RelationKind::Qualify { input: relation, condition }).at(span);
        }
        Ok(finished(relation, distinct, windows, hints).at(span))
    }

    /// The SELECT of pipe syntax: no FROM, WHERE or HAVING.
    pub(super) fn pipe_select(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        let SelectList { hints, distinct, expressions } = self.select_list()?;
        let grouping = if self.at_all(&[K::GROUP, K::BY]) { Some(self.group_by(false)?) } else { None };
        let windows = if self.at(K::WINDOW) && self.at_clause() { Some(self.window_clause()?) } else { None };
        self.grow_relation(1 + hints.len() + usize::from(distinct) + usize::from(windows.is_some()))?;
        let span = self.span_from(start);
        let relation = select_of(input, grouping, expressions).at(span);
        Ok(finished(relation, distinct, windows, hints).at(span))
    }

    fn select_list(&mut self) -> Result<SelectList> {
        self.expect(K::SELECT)?;
        let mut hints = Vec::new();
        while self.take_symbol("/*+") {
            loop {
                hints.push(self.hint()?);
                self.take_symbol(",");
                if self.take_symbol("*/") {
                    break;
                }
            }
        }
        let quantified = self.at_any(&[K::DISTINCT, K::ALL]) && self.select_item_may_start();
        let distinct = quantified && self.advance().keyword() == Some(K::DISTINCT);
        Ok(SelectList { hints, distinct, expressions: self.named_expressions()? })
    }

    /// Whether a column follows DISTINCT or ALL; otherwise the word is a column itself.
    fn select_item_may_start(&self) -> bool {
        self.expression_may_start(1) && !self.is_clause_at(1)
    }

    fn hint(&mut self) -> Result<Hint> {
        let name = self.identifier()?;
        let mut parameters = Vec::new();
        if self.take_symbol("(") {
            parameters = self.list(Self::expression)?;
            self.expect_symbol(")")?;
        }
        Ok((name, parameters))
    }

    pub(super) fn where_clause(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        self.expect(K::WHERE)?;
        let condition = self.expression()?;
        self.grow_relation(1)?;
        Ok(Relation::from(RelationKind::Filter { input, condition }).at(self.span_from(start)))
    }

    /// `WINDOW name AS (…), …`
    pub(super) fn window_clause(&mut self) -> Result<Vec<(String, WindowSpec)>> {
        let start = self.index();
        self.expect(K::WINDOW)?;
        let mut windows: Vec<(String, WindowSpec)> = self.list(|p| {
            let name = p.checked_identifier()?;
            p.expect(K::AS)?;
            Ok((name, p.window_spec()?))
        })?;
        let complain = |p: &mut Self, condition, name: &str, what: &str| {
            let e = p.refuse(condition, format!("WINDOW: {what}"), Some(p.span_from(start)));
            p.complain(e.with_parameter("windowName", format!("`{name}`")));
        };
        for (i, (name, _)) in windows.iter().enumerate() {
            if windows.iter().take(i).any(|(other, _)| other == name) {
                complain(self, "INVALID_SQL_SYNTAX.REPETITIVE_WINDOW_DEFINITION", name, &format!("`{name}` is defined twice"));
            }
        }
        let defined = windows.clone();
        for (name, spec) in &mut windows {
            let Some(reference) = &spec.reference else { continue };
            match defined.iter().find(|(other, _)| other == reference) {
                Some((_, WindowSpec { reference: Some(_), .. })) => {
                    let what = format!("`{name}` refers to `{reference}`, which refers to another: name the window that is defined");
                    complain(self, "INVALID_SQL_SYNTAX.INVALID_WINDOW_REFERENCE", reference, &what);
                }
                Some((_, definition)) => *spec = definition.clone(),
                None => {
                    let what = format!("`{name}` refers to `{reference}`, which is not defined");
                    complain(self, "INVALID_SQL_SYNTAX.UNRESOLVED_WINDOW_REFERENCE", reference, &what);
                }
            }
        }
        Ok(windows)
    }

    /// `GROUP BY …`; in pipe syntax the expressions may have names.
    pub(super) fn group_by(&mut self, named: bool) -> Result<Grouping> {
        self.expect_all(&[K::GROUP, K::BY])?;
        let mut expressions = self.list(|p| p.grouping_element(named))?;
        if self.at(K::WITH) && matches!(self.peek_at(1).keyword(), Some(K::ROLLUP | K::CUBE)) {
            self.advance();
            let group_type = if self.advance().keyword() == Some(K::ROLLUP) { GroupType::Rollup } else { GroupType::Cube };
            return Ok(Grouping { group_type, expressions });
        }
        if self.take_all(&[K::GROUPING, K::SETS]) {
            let sets = self.in_parens(Self::grouping_set)?;
            return Ok(Grouping { group_type: GroupType::GroupingSets(sets), expressions });
        }
        let group_type = match expressions.as_slice() {
            [only] if self.is_bare_all(only) => {
                expressions.clear();
                GroupType::All
            }
            _ => GroupType::GroupBy,
        };
        Ok(Grouping { group_type, expressions })
    }

    fn grouping_element(&mut self, named: bool) -> Result<Expression> {
        let start = self.index();
        match self.grouping_analytics()? {
            Some((name, sets)) => {
                let arguments = sets.into_iter().map(|set| Expression::call("struct", set).at(self.span_from(start))).collect();
                Ok(Expression::call(name, arguments).at(self.span_from(start)))
            }
            None if named => self.named_expression(),
            None => self.expression(),
        }
    }

    /// `ROLLUP (…)`, `CUBE (…)`, `GROUPING SETS (…)`: the call's name and its sets
    fn grouping_analytics(&mut self) -> Result<Option<Analytics>> {
        let start = self.index();
        if self.at_any(&[K::ROLLUP, K::CUBE]) && self.peek_at(1).is("(") {
            let name = if self.advance().keyword() == Some(K::ROLLUP) { "rollup" } else { "cube" };
            let sets = self.in_parens(Self::grouping_set)?;
            if sets.iter().any(Vec::is_empty) {
                let message = format!("{} has an empty set among its columns: leave it out", name.to_uppercase());
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0051", message);
            }
            return Ok(Some((name, sets)));
        }
        if !(self.at_all(&[K::GROUPING, K::SETS]) && self.peek_at(2).is("(")) {
            return Ok(None);
        }
        self.go_to(start + 2);
        let level = self.enter()?;
        let elements = self.in_parens(|p| match p.grouping_analytics()? {
            Some(("rollup", sets)) => Ok(rollup(&sets)),
            Some(("cube", sets)) if sets.len() <= MOST_CUBE_COLUMNS => Ok(cube(&sets)),
            Some(("cube", _)) => {
                let message = format!("CUBE inside GROUPING SETS has more than {MOST_CUBE_COLUMNS} columns: write out the sets");
                Err(p.refuse("FAILED_TO_PARSE_TOO_COMPLEX", message, Some(p.span_from(start))))
            }
            Some((_, sets)) => Ok(sets),
            None => Ok(vec![p.grouping_set()?]),
        })?;
        self.leave(level)?;
        Ok(Some(("grouping_sets", elements.into_iter().flatten().collect())))
    }

    /// `(a, b)`, `()`, `a`
    fn grouping_set(&mut self) -> Result<Vec<Expression>> {
        let whole = self.at_symbol("(")
            && self.closing(self.index()).is_some_and(|close| self.token(close + 1).is(")") || self.token(close + 1).is(","));
        if !whole || self.is_query_in_parens(self.index()) {
            return Ok(vec![self.expression()?]);
        }
        self.expect_symbol("(")?;
        if self.take_symbol(")") {
            return Ok(Vec::new());
        }
        let set = self.expressions()?;
        self.expect_symbol(")")?;
        Ok(set)
    }

    /// `FROM t SELECT …`, several of which are one UNION ALL; `FROM t` alone
    pub(super) fn read_from_statement(&mut self) -> Result<Relation> {
        let start = self.index();
        let from = self.read_from()?;
        let mut bodies = Vec::new();
        while self.at_any(&[K::SELECT, K::MAP, K::REDUCE]) {
            if !self.at(K::SELECT) || self.at_transform() {
                bodies.push(self.transform()?);
                continue;
            }
            bodies.push(self.read_from_body(from.clone())?);
        }
        let span = self.span_from(start);
        let mut bodies = bodies.into_iter();
        let Some(first) = bodies.next() else { return Ok(spanned(from, span)) };
        let mut union = first;
        for body in bodies {
            self.grow_relation(1)?;
            union = set_operation(union, body, SetOperation::Union, true);
        }
        Ok(union.at(span))
    }

    /// A SELECT behind FROM, with ORDER BY and its like.
    pub(in super::super) fn read_from_body(&mut self, from: Relation) -> Result<Relation> {
        let start = self.index();
        let select = self.select(Some(from))?;
        Ok(self.organized(select, start, false)?.relation)
    }

    /// Whether `SELECT TRANSFORM (…) USING` stands here, and no call of the function.
    pub(super) fn at_transform(&self) -> bool {
        let after = self.closing(self.index() + 2).map(|close| self.token(close + 1).keyword());
        self.at_all(&[K::SELECT, K::TRANSFORM]) && matches!(after, Some(Some(K::USING | K::ROW | K::RECORDWRITER)))
    }

    /// `SELECT TRANSFORM (…) USING 'script'`, `MAP …`, `REDUCE …`: read, and refused.
    pub(super) fn transform(&mut self) -> Result<Relation> {
        let start = self.index();
        if self.take(K::SELECT) {
            self.expect(K::TRANSFORM)?;
            let close = self.closing(self.index());
            self.expect_symbol("(")?;
            if self.at_any(&[K::ALL, K::DISTINCT]) && self.expression_may_start(1) {
                let at = self.index();
                self.advance();
                self.complain_from(at, "UNSUPPORTED_FEATURE.TRANSFORM_DISTINCT_ALL", "TRANSFORM takes neither DISTINCT nor ALL");
            }
            if let Some(close) = close {
                self.go_to(close);
            }
            self.expect_symbol(")")?;
        } else {
            self.advance();
            self.expressions()?;
        }
        while !matches!(self.peek().kind, TokenKind::End) && !self.at(K::USING) && !self.at_symbol(")") && !self.at_symbol(";") {
            self.advance();
        }
        self.expect(K::USING)?;
        self.string()?;
        // What follows the script is of no interest: nothing runs it.
        while !matches!(self.peek().kind, TokenKind::End) && !self.at_symbol(")") && !self.at_symbol(";") {
            let next = self.closing(self.index()).map_or(self.index() + 1, |close| close + 1);
            self.go_to(next);
        }
        let message = "scripts that transform rows are not done: write the query with functions";
        self.complain_from(start, "UNSUPPORTED_FEATURE.TRANSFORM_NON_HIVE", message);
        Ok(Relation::from(RelationKind::OneRow).at(self.span_from(start)))
    }
}

/// How many columns CUBE may have inside GROUPING SETS: each doubles the sets.
const MOST_CUBE_COLUMNS: usize = 10;

/// The sets of ROLLUP: all columns, all but the last, and so on down to none.
fn rollup(sets: &[Vec<Expression>]) -> Vec<Vec<Expression>> {
    (0..=sets.len()).rev().map(|length| sets.iter().take(length).flatten().cloned().collect()).collect()
}

/// The sets of CUBE: every choice of columns.
fn cube(sets: &[Vec<Expression>]) -> Vec<Vec<Expression>> {
    let Some((first, rest)) = sets.split_first() else { return vec![Vec::new()] };
    let without = cube(rest);
    let with = without.iter().map(|set| first.iter().chain(set).cloned().collect());
    with.chain(without.iter().cloned()).collect()
}

fn select_of(input: Relation, grouping: Option<Grouping>, expressions: Vec<Expression>) -> Relation {
    match grouping {
        None => RelationKind::Project { input, expressions }.into(),
        Some(Grouping { group_type, expressions: grouping_expressions }) => {
            RelationKind::Aggregate { input, group_type, grouping_expressions, aggregate_expressions: expressions, keep_grouping: false }
                .into()
        }
    }
}

fn finished(mut relation: Relation, distinct: bool, windows: Option<Vec<(String, WindowSpec)>>, hints: Vec<Hint>) -> Relation {
    let span = relation.span;
    let wrap = |kind: RelationKind| Relation::new(kind, span);
    if distinct {
        relation = wrap(RelationKind::Deduplicate { input: relation, column_names: Vec::new(), within_watermark: false });
    }
    if let Some(windows) = windows {
        relation = wrap(RelationKind::WithWindows { input: relation, windows });
    }
    for (name, parameters) in hints.into_iter().rev() {
        relation = wrap(RelationKind::Hint { input: relation, name, parameters });
    }
    relation
}

/// Whether an expression is a call of that name.
pub(super) fn is_call(e: &Expression, names: &[&str]) -> bool {
    match &e.kind {
        ExpressionKind::UnresolvedFunction(call) => {
            matches!(call.name.as_slice(), [own] if !call.is_operator && names.iter().any(|name| own.eq_ignore_ascii_case(name)))
        }
        _ => false,
    }
}
