//! Calls: arguments, FILTER, WITHIN GROUP, OVER; and those with a grammar of their own, such as EXTRACT and TRIM.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Expression, ExpressionKind, FunctionCall, Relation, RelationKind};

impl Parser<'_> {
    /// The rest of a call whose name was read; `of_table` allows TABLE arguments.
    pub(in super::super) fn call(&mut self, name: Vec<String>, start: usize, of_table: bool) -> Result<Expression> {
        let level = self.enter()?;
        let mut call = FunctionCall { name, ..FunctionCall::new("", Vec::new()) };
        self.expect_symbol("(")?;
        if !self.take_symbol(")") {
            call.is_distinct = self.quantifier();
            call.arguments = self.list(|p| p.argument(of_table))?;
            if self.at(K::IGNORE) && takes_ignore_nulls(&call.name) && call.arguments.len() == 1 {
                self.expect_all(&[K::IGNORE, K::NULLS])?;
                call.ignore_nulls = Some(true);
            }
            self.expect_symbol(")")?;
        }
        self.leave(level)?;
        if of_table {
            return Ok(Expression::from(ExpressionKind::UnresolvedFunction(Box::new(call))).at(self.span_from(start)));
        }
        self.call_clauses(call, start)
    }

    /// `WITHIN GROUP (…) FILTER (…) IGNORE NULLS OVER (…)`
    fn call_clauses(&mut self, mut call: FunctionCall, start: usize) -> Result<Expression> {
        if self.at_all(&[K::WITHIN, K::GROUP]) {
            self.expect_all(&[K::WITHIN, K::GROUP])?;
            self.expect_symbol("(")?;
            self.expect_all(&[K::ORDER, K::BY])?;
            call.order_by = self.list(Self::sort_item)?;
            self.expect_symbol(")")?;
        }
        if self.at(K::FILTER) && self.peek_at(1).is("(") {
            self.advance();
            self.expect_symbol("(")?;
            self.expect(K::WHERE)?;
            call.filter = Some(self.expression()?);
            self.expect_symbol(")")?;
        }
        if self.at_any(&[K::IGNORE, K::RESPECT]) && self.peek_at(1).keyword() == Some(K::NULLS) {
            call.ignore_nulls = Some(self.at(K::IGNORE));
            self.go_to(self.index() + 2);
        }
        self.datetime_unit(&mut call, start);
        let e = Expression::from(ExpressionKind::UnresolvedFunction(Box::new(call))).at(self.span_from(start));
        let next = self.peek_at(1);
        let over = self.at(K::OVER) && (next.is("(") || (self.is_name(next) && (next.keyword().is_none() || !self.is_clause_at(1))));
        if !over {
            return Ok(e);
        }
        self.advance();
        let spec = Box::new(self.window_spec()?);
        self.grow(1)?;
        Ok(Expression::from(ExpressionKind::Window { window_function: Box::new(e), spec }).at(self.span_from(start)))
    }

    /// `DISTINCT`, or `ALL`, which says nothing.
    pub(in super::super) fn quantifier(&mut self) -> bool {
        let found = self.at_any(&[K::DISTINCT, K::ALL]) && self.expression_may_start(1);
        found && self.advance().keyword() == Some(K::DISTINCT)
    }

    fn argument(&mut self, of_table: bool) -> Result<Expression> {
        let start = self.index();
        if self.peek_at(1).is("=>") && self.is_name(self.peek()) {
            let name = self.identifier()?;
            self.expect_symbol("=>")?;
            let value = Box::new(if of_table && self.at_table_argument() { self.table_argument()? } else { self.expression()? });
            return Ok(Expression::from(ExpressionKind::NamedArgument { name, value }).at(self.span_from(start)));
        }
        if of_table && self.at_table_argument() { self.table_argument() } else { self.expression() }
    }

    fn at_table_argument(&self) -> bool {
        self.at(K::TABLE) && (self.peek_at(1).is("(") || (self.is_name(self.peek_at(1)) && !self.peek_at(1).is(".")))
    }

    /// `TABLE(query)`, `TABLE(name)`, and how its rows are dealt out
    fn table_argument(&mut self) -> Result<Expression> {
        let start = self.index();
        self.advance();
        let open = self.index();
        let mut relation = if !self.at_symbol("(") {
            let name = self.identifier_reference()?;
            let condition = "INVALID_SQL_SYNTAX.INVALID_TABLE_FUNCTION_IDENTIFIER_ARGUMENT_MISSING_PARENTHESES";
            self.complain_from(start, condition, "a table as an argument stands in parentheses: write TABLE(name)");
            self.named_table(name, open)
        } else if self.is_query_in_parens(open) {
            self.advance();
            let query = self.query()?;
            self.expect_symbol(")")?;
            query
        } else {
            self.advance();
            let at = self.index();
            let name = self.identifier_reference()?;
            let table = self.named_table(name, at);
            self.expect_symbol(")")?;
            table
        };
        let mut dealt = false;
        if self.take_all(&[K::WITH, K::SINGLE, K::PARTITION]) {
            dealt = true;
            let kind =
                RelationKind::RepartitionByExpression { input: relation, partition_expressions: Vec::new(), num_partitions: Some(1) };
            relation = Relation::from(kind).at(self.span_from(open));
        } else if self.at_any(&[K::PARTITION, K::DISTRIBUTE]) && self.peek_at(1).keyword() == Some(K::BY) {
            dealt = true;
            self.go_to(self.index() + 2);
            let partition_expressions = self.parenthesized_list(Self::expression, "PARTITION BY")?;
            let kind = RelationKind::RepartitionByExpression { input: relation, partition_expressions, num_partitions: None };
            relation = Relation::from(kind).at(self.span_from(open));
        }
        if self.at_any(&[K::ORDER, K::SORT]) && self.peek_at(1).keyword() == Some(K::BY) {
            let at = self.index();
            self.go_to(at + 2);
            let order = self.parenthesized_list(Self::sort_item, "ORDER BY")?;
            if !dealt {
                let message = "ORDER BY of a table argument needs PARTITION BY or WITH SINGLE PARTITION before it";
                self.complain_from(at, "_LEGACY_ERROR_TEMP_0064", message);
            }
            relation = Relation::from(RelationKind::Sort { input: relation, order, is_global: false }).at(self.span_from(open));
        }
        Ok(Expression::from(ExpressionKind::TableArgument(Box::new(relation))).at(self.span_from(start)))
    }

    /// `(a, b)` or `a`
    fn parenthesized_list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T>, clause: &str) -> Result<Vec<T>> {
        let start = self.index();
        let whole = self.at_symbol("(")
            && self.closing(start).is_some_and(|close| {
                let after = self.token(close + 1);
                after.is(")") || after.is(",") || matches!(after.keyword(), Some(K::ORDER | K::SORT))
            });
        if whole {
            return self.in_parens(item);
        }
        let mut items = vec![item(self)?];
        while self.at_symbol(",")
            && !(self.is_name(self.peek_at(1)) && self.peek_at(2).is("=>"))
            && self.peek_at(1).keyword() != Some(K::TABLE)
        {
            self.advance();
            items.push(item(self)?);
        }
        if items.len() > 1 {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", format!("several expressions of {clause} stand in parentheses here"));
        }
        Ok(items)
    }

    /// `DATEADD(DAY, 1, d)` and its like: the unit becomes text.
    fn datetime_unit(&mut self, call: &mut FunctionCall, start: usize) {
        let [name] = call.name.as_slice() else { return };
        let quoted = self.is_quoted_name(self.token(start));
        let main = match name.to_ascii_uppercase().as_str() {
            "TIMESTAMPADD" | "DATEADD" | "DATE_ADD" => "timestampadd",
            "TIMESTAMPDIFF" | "DATEDIFF" | "DATE_DIFF" | "TIMEDIFF" => "timestampdiff",
            _ => return,
        };
        let [unit, _, _] = call.arguments.as_mut_slice() else { return };
        if quoted {
            return;
        }
        let word = match &unit.kind {
            ExpressionKind::UnresolvedAttribute { name, .. } => match name.as_slice() {
                [word] if K::of(word).is_some_and(is_datetime_unit) => word.clone(),
                _ => return,
            },
            ExpressionKind::Literal(crate::plan::Literal::String(text)) => {
                let message = format!("'{text}' is no unit of {name}: write it as a word, as in {name}(DAY, 1, d)");
                let e = self.refuse("INVALID_PARAMETER_VALUE.DATETIME_UNIT", message, Some(self.span_from(start)));
                let e = e.with_parameter("functionName", format!("`{name}`")).with_parameter("parameter", "`unit`");
                let e = e.with_parameter("invalidValue", format!("'{text}'"));
                self.complain(e);
                return;
            }
            _ => return,
        };
        let span = unit.span;
        *unit = Expression::literal(word);
        unit.span = span;
        call.name = vec![main.to_owned()];
    }

    /// Whether the call at a keyword has the keyword's own grammar.
    pub(super) fn is_special_call(&self, keyword: K) -> bool {
        let open = self.index() + 1;
        match keyword {
            K::EXTRACT => self.is_name(self.token(open + 1)) && self.token(open + 2).keyword() == Some(K::FROM),
            K::POSITION => self.has_inside(open, K::IN),
            K::OVERLAY => self.has_inside(open, K::PLACING),
            _ => self.has_inside(open, K::FROM),
        }
    }

    /// Whether a keyword stands between the parentheses at `open`, before any comma, and not deeper.
    fn has_inside(&self, open: usize, keyword: K) -> bool {
        let Some(close) = self.closing(open) else { return false };
        let mut at = open + 1;
        while at < close {
            let token = self.token(at);
            let distinct_from = keyword == K::FROM && self.token(at - 1).keyword() == Some(K::DISTINCT);
            if token.keyword() == Some(keyword) && !distinct_from && at > open {
                return true;
            }
            if token.is(",") {
                return false;
            }
            at = self.closing(at).map_or(at + 1, |inner| inner + 1);
        }
        false
    }

    /// EXTRACT, POSITION, SUBSTRING, TRIM and OVERLAY with words between their arguments
    pub(super) fn special_call(&mut self, keyword: K) -> Result<Expression> {
        let level = self.enter()?;
        let start = self.index();
        self.go_to(start + 2);
        let (name, arguments) = match keyword {
            K::EXTRACT => {
                let field = self.advance();
                let text = self.name_of(field)?;
                self.expect(K::FROM)?;
                let source = self.value(0)?;
                ("extract", vec![Expression::literal(text).at(field.span()), source])
            }
            K::POSITION => {
                let part = self.value(0)?;
                self.expect(K::IN)?;
                let whole = self.value(0)?;
                ("locate", vec![part, whole])
            }
            K::OVERLAY => {
                let input = self.value(0)?;
                self.expect(K::PLACING)?;
                let with = self.value(0)?;
                self.expect(K::FROM)?;
                let mut arguments = vec![input, with, self.value(0)?];
                if self.take(K::FOR) {
                    arguments.push(self.value(0)?);
                }
                ("overlay", arguments)
            }
            K::TRIM => self.trim()?,
            _ => {
                let input = self.value(0)?;
                self.expect(K::FROM)?;
                let mut arguments = vec![input, self.value(0)?];
                if self.take(K::FOR) || self.take_symbol(",") {
                    arguments.push(self.value(0)?);
                }
                ("substring", arguments)
            }
        };
        self.expect_symbol(")")?;
        self.leave(level)?;
        Ok(Expression::call(name, arguments).at(self.span_from(start)))
    }

    /// `LEADING 'x' FROM a`: what is trimmed off comes first, as the functions have it.
    fn trim(&mut self) -> Result<(&'static str, Vec<Expression>)> {
        let side = if self.at_any(&[K::BOTH, K::LEADING, K::TRAILING]) { self.advance().keyword() } else { None };
        let mut arguments = Vec::new();
        if !self.at(K::FROM) {
            arguments.push(self.value(0)?);
        }
        self.expect(K::FROM)?;
        arguments.push(self.value(0)?);
        let name = match side {
            Some(K::LEADING) => "ltrim",
            Some(K::TRAILING) => "rtrim",
            _ => "trim",
        };
        Ok((name, arguments))
    }
}

fn is_datetime_unit(keyword: K) -> bool {
    use K::{DAY, DAYOFYEAR, HOUR, MICROSECOND, MILLISECOND, MINUTE, MONTH, QUARTER, SECOND, WEEK, YEAR};
    matches!(keyword, YEAR | QUARTER | MONTH | WEEK | DAY | DAYOFYEAR | HOUR | MINUTE | SECOND | MILLISECOND | MICROSECOND)
}

fn takes_ignore_nulls(name: &[String]) -> bool {
    let [name] = name else { return false };
    ["first", "last", "any_value"].iter().any(|own| own.eq_ignore_ascii_case(name))
}
