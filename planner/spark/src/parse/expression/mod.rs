//! Expressions: AND and OR, predicates, and operators by their precedence.

mod call;
mod primary;
mod window;

use super::keywords::Keyword as K;
use super::lexer::TokenKind;
use super::parser::Parser;
use crate::Result;
use crate::plan::{Expression, ExpressionKind, SortOrder, Span};

/// The place from the beginning of one to the end of another.
pub(super) fn join_spans(first: &Expression, last: &Expression) -> Option<Span> {
    match (first.span, last.span) {
        (Some(first), Some(last)) => Some(first.to(last)),
        (first, last) => first.or(last),
    }
}

fn binary(name: &str, left: Expression, right: Expression) -> Expression {
    let span = join_spans(&left, &right);
    let mut e = Expression::operator(name, vec![left, right]);
    e.span = span;
    e
}

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expression(&mut self) -> Result<Expression> {
        let level = self.enter()?;
        let e = self.disjunction()?;
        self.leave(level)?;
        Ok(e)
    }

    /// `a, b`
    pub(super) fn expressions(&mut self) -> Result<Vec<Expression>> {
        self.list(Self::expression)
    }

    /// `a AND b OR c`: chains become balanced trees, as Spark makes them.
    fn disjunction(&mut self) -> Result<Expression> {
        let mut alternatives = Vec::new();
        loop {
            let beside = self.begin_beside();
            let mut terms = vec![self.negation()?];
            while self.take(K::AND) {
                let beside = self.begin_beside();
                terms.push(self.negation()?);
                self.end_beside(beside);
            }
            self.grow(terms.len().ilog2() as usize)?;
            self.end_beside(beside);
            alternatives.push(balanced("and", terms));
            if !self.take(K::OR) {
                break;
            }
        }
        self.grow(alternatives.len().ilog2() as usize)?;
        Ok(balanced("or", alternatives))
    }

    /// `NOT a`, `EXISTS (…)`, `a IS NULL`
    fn negation(&mut self) -> Result<Expression> {
        let mut signs = Vec::new();
        loop {
            if self.at_symbol("!") {
                signs.push(("!", self.index()));
            } else if self.at(K::NOT) && self.expression_may_start(1) {
                signs.push(("not", self.index()));
            } else {
                break;
            }
            self.advance();
        }
        let start = self.index();
        let mut e = if self.at(K::EXISTS) && self.peek_at(1).is("(") && self.is_query_in_parens(start + 1) {
            self.exists()?
        } else {
            self.predicated()?
        };
        self.grow(signs.len())?;
        for (name, start) in signs.into_iter().rev() {
            e = Expression::operator(name, vec![e]).at(self.span_from(start));
        }
        Ok(e)
    }

    fn exists(&mut self) -> Result<Expression> {
        let start = self.index();
        self.advance();
        self.expect_symbol("(")?;
        let query = self.query()?;
        self.expect_symbol(")")?;
        Ok(Expression::from(ExpressionKind::Exists(Box::new(query))).at(self.span_from(start)))
    }

    /// A value with a predicate behind it perhaps.
    fn predicated(&mut self) -> Result<Expression> {
        let start = self.index();
        let value = self.value(0)?;
        if self.at_predicate() { self.predicate(value, start) } else { Ok(value) }
    }

    fn at_predicate(&self) -> bool {
        let ahead = usize::from(self.at_not());
        let next = self.peek_at(ahead + 1);
        match self.peek_at(ahead).keyword() {
            Some(K::IN) => next.is("("),
            Some(K::BETWEEN | K::RLIKE | K::LIKE | K::ILIKE) => self.expression_may_start(ahead + 1),
            Some(K::IS) if ahead == 0 => {
                next.is("!") || matches!(next.keyword(), Some(K::NOT | K::NULL | K::TRUE | K::FALSE | K::UNKNOWN | K::DISTINCT))
            }
            _ => false,
        }
    }

    fn predicate(&mut self, value: Expression, start: usize) -> Result<Expression> {
        self.grow(2)?;
        if self.take(K::IS) {
            return self.is_predicate(value, start);
        }
        let negated = self.at_not();
        if negated {
            self.not_keyword();
        }
        let keyword = self.advance().keyword().unwrap_or(K::IN);
        let e = match keyword {
            K::BETWEEN => {
                let lower = self.value(0)?;
                self.expect(K::AND)?;
                let upper = self.value(0)?;
                Expression::operator("between", vec![value, lower, upper])
            }
            K::RLIKE => {
                let pattern = self.value(0)?;
                Expression::operator("rlike", vec![value, pattern])
            }
            K::LIKE | K::ILIKE => return self.like(value, keyword, negated, start),
            _ => self.in_predicate(value, start)?,
        };
        Ok(self.negated(e, negated, start))
    }

    fn negated(&self, e: Expression, negated: bool, start: usize) -> Expression {
        let span = self.span_from(start);
        let e = e.at(span);
        if negated { Expression::operator("not", vec![e]).at(span) } else { e }
    }

    fn is_predicate(&mut self, value: Expression, start: usize) -> Result<Expression> {
        let negated = self.at_not();
        if negated {
            self.not_keyword();
        }
        let (name, negated, arguments) = match self.expect_any(&[K::NULL, K::TRUE, K::FALSE, K::UNKNOWN, K::DISTINCT])? {
            K::NULL => (if negated { "isnotnull" } else { "isnull" }, false, vec![value]),
            K::TRUE => ("istrue", negated, vec![value]),
            K::FALSE => ("isfalse", negated, vec![value]),
            K::UNKNOWN => ("isunknown", negated, vec![value]),
            _ => {
                self.expect(K::FROM)?;
                let other = self.value(0)?;
                ("<=>", !negated, vec![value, other])
            }
        };
        Ok(self.negated(Expression::operator(name, arguments), negated, start))
    }

    fn like(&mut self, value: Expression, keyword: K, negated: bool, start: usize) -> Result<Expression> {
        let is_list = self.at_any(&[K::ANY, K::SOME, K::ALL]) && self.peek_at(1).is("(");
        if !is_list {
            let pattern = self.value(0)?;
            let mut arguments = vec![value, pattern];
            if self.take(K::ESCAPE) {
                let at = self.index();
                let escape = self.string()?;
                if escape.chars().count() != 1 {
                    self.complain_from(at, "INVALID_ESC", format!("'{escape}' is no escape character: give exactly one character"));
                }
                arguments.push(Expression::literal(escape).at(self.span_from(at)));
            }
            let name = if keyword == K::ILIKE { "ilike" } else { "like" };
            return Ok(self.negated(Expression::operator(name, arguments), negated, start));
        }
        let all = self.advance().keyword() == Some(K::ALL);
        let mut arguments = vec![value];
        self.expect_symbol("(")?;
        if self.at_symbol(")") {
            self.advance();
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", "there are no patterns between the parentheses: give one at least");
        } else {
            arguments.extend(self.expressions()?);
            self.expect_symbol(")")?;
        }
        let name = match (keyword == K::ILIKE, negated, all) {
            (false, false, false) => "like_any",
            (false, false, true) => "like_all",
            (false, true, false) => "not_like_any",
            (false, true, true) => "not_like_all",
            (true, false, false) => "ilike_any",
            (true, false, true) => "ilike_all",
            (true, true, false) => "not_ilike_any",
            (true, true, true) => "not_ilike_all",
        };
        Ok(Expression::operator(name, arguments).at(self.span_from(start)))
    }

    fn in_predicate(&mut self, value: Expression, start: usize) -> Result<Expression> {
        let open = self.index();
        self.expect_symbol("(")?;
        if self.take_symbol(")") {
            self.complain_from(start, "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", "IN has an empty list: give one value at least");
            return Ok(Expression::operator("in", vec![value]));
        }
        // A query between its own parentheses is a value in a list.
        let lone = self.closing(open + 1).is_some_and(|close| self.token(close + 1).is(")") || self.token(close + 1).is(","));
        if self.is_query_in_parens(open) && !(self.at_symbol("(") && lone) {
            let query = self.query()?;
            self.expect_symbol(")")?;
            let plan = Box::new(query);
            return Ok(ExpressionKind::InSubquery { values: values_of(value), plan }.into());
        }
        let mut arguments = vec![value];
        arguments.extend(self.expressions()?);
        self.expect_symbol(")")?;
        Ok(Expression::operator("in", arguments))
    }

    /// Operators that bind as tight as `lowest` at least.
    pub(super) fn value(&mut self, lowest: u8) -> Result<Expression> {
        let mut left = self.unary()?;
        while let Some((name, precedence)) = self.binary_operator() {
            if precedence < lowest {
                break;
            }
            self.advance();
            let beside = self.begin_beside();
            let right = self.value(precedence + 1)?;
            self.end_beside(beside);
            self.grow(1)?;
            left = binary(name, left, right);
        }
        Ok(left)
    }

    /// The operator that stands here, and how tight it binds.
    fn binary_operator(&self) -> Option<(&'static str, u8)> {
        let name = match self.peek().kind {
            TokenKind::Keyword(K::DIV) if self.expression_may_start(1) => "div",
            TokenKind::Symbol(symbol) => symbol,
            _ => return None,
        };
        let precedence = match name {
            "*" | "/" | "%" | "div" => 7,
            "+" | "-" | "||" => 6,
            "<<" | ">>" | ">>>" => 5,
            "&" => 4,
            "^" => 3,
            "|" if self.is_pipe(0) => return None,
            "|" => 2,
            "=" | "<=>" | "<>" | "!=" | "<" | "<=" | ">" | ">=" => 1,
            _ => return None,
        };
        Some((if name == "<>" { "!=" } else { name }, precedence))
    }

    /// `-a`, `+a`, `~a`; a `-` before a number is part of it.
    fn unary(&mut self) -> Result<Expression> {
        let mut signs = Vec::new();
        loop {
            let name = match self.peek().kind {
                TokenKind::Symbol("-") if self.peek_at(1).is_number() => break,
                TokenKind::Symbol("-") => "negative",
                TokenKind::Symbol("+") => "positive",
                TokenKind::Symbol("~") => "~",
                _ => break,
            };
            signs.push((name, self.index()));
            self.advance();
        }
        let mut e = self.postfixed()?;
        self.grow(signs.len())?;
        for (name, start) in signs.into_iter().rev() {
            e = Expression::operator(name, vec![e]).at(self.span_from(start));
        }
        Ok(e)
    }

    /// Whether an expression may start `ahead` of here; words that go on after one end it.
    pub(super) fn expression_may_start(&self, ahead: usize) -> bool {
        let token = self.peek_at(ahead);
        match token.kind {
            TokenKind::Symbol(symbol) => matches!(symbol, "(" | "*" | "?" | ":" | "-" | "+" | "~" | "!"),
            TokenKind::End | TokenKind::Unknown | TokenKind::Dollar => false,
            TokenKind::Keyword(K::FROM | K::AS) => false,
            _ => true,
        }
    }

    /// `a DESC NULLS LAST`
    pub(super) fn sort_item(&mut self) -> Result<SortOrder> {
        let child = self.expression()?;
        let ascending = self.take_any(&[K::ASC, K::DESC]) != Some(K::DESC);
        let nulls_first = if self.take(K::NULLS) { self.expect_any(&[K::FIRST, K::LAST])? == K::FIRST } else { ascending };
        Ok(SortOrder { child, ascending, nulls_first })
    }

    /// `a AS b`, `a b`, `a AS (b, c)`
    pub(super) fn named_expression(&mut self) -> Result<Expression> {
        let start = self.index();
        let e = self.expression()?;
        let has_as = self.at(K::AS);
        let (after_as, ahead) = if has_as { (self.peek_at(1), 1) } else { (self.peek(), 0) };
        if after_as.is("(") && self.is_name_list(self.index() + ahead) {
            self.go_to(self.index() + ahead);
            let name = self.identifier_list()?;
            return Ok(Expression::from(ExpressionKind::Alias { expr: Box::new(e), name }).at(self.span_from(start)));
        }
        if !has_as && !self.at_alias() {
            return Ok(e);
        }
        if has_as {
            self.advance();
        }
        let name = vec![self.checked_identifier()?];
        Ok(Expression::from(ExpressionKind::Alias { expr: Box::new(e), name }).at(self.span_from(start)))
    }

    /// `a AS b, c`
    pub(super) fn named_expressions(&mut self) -> Result<Vec<Expression>> {
        self.list(Self::named_expression)
    }

    /// Whether the parentheses at `open` hold nothing but names.
    fn is_name_list(&self, open: usize) -> bool {
        let mut at = open + 1;
        loop {
            if !self.is_name(self.token(at)) {
                return false;
            }
            at += 1;
            if self.token(at).is(")") {
                return true;
            }
            if !self.token(at).is(",") {
                // A hyphen in a name is an error of its own.
                return self.token(at).is("-");
            }
            at += 1;
        }
    }

    /// Whether what stands here is an alias, and not a clause that goes on.
    pub(super) fn at_alias(&self) -> bool {
        self.is_name(self.peek()) && !self.at_clause()
    }
}

/// What a tuple holds; another value is alone.
pub(super) fn values_of(value: Expression) -> Vec<Expression> {
    let is_struct = match &value.kind {
        ExpressionKind::UnresolvedFunction(call) => !call.is_operator && matches!(call.name.as_slice(), [name] if name == "struct"),
        _ => false,
    };
    let span = value.span;
    match value.into_kind() {
        ExpressionKind::UnresolvedFunction(call) if is_struct => call.arguments.into_iter().map(without_alias).collect(),
        kind => vec![Expression { kind, span }],
    }
}

fn without_alias(e: Expression) -> Expression {
    let span = e.span;
    match e.into_kind() {
        ExpressionKind::Alias { expr, .. } => *expr,
        kind => Expression { kind, span },
    }
}

/// One tree of the terms, as low as it can be.
fn balanced(name: &str, terms: Vec<Expression>) -> Expression {
    let count = terms.len();
    let mut terms = terms.into_iter();
    build(name, &mut terms, count).unwrap_or_else(|| Expression::literal(true))
}

/// A tree of the next `count` terms. It is as deep as the logarithm of their number.
fn build(name: &str, terms: &mut impl Iterator<Item = Expression>, count: usize) -> Option<Expression> {
    if count <= 1 {
        return terms.next();
    }
    let left = (count - 1) / 2 + 1;
    let first = build(name, terms, left)?;
    let last = build(name, terms, count - left)?;
    Some(binary(name, first, last))
}
