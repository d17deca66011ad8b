//! What operators work on: names, constants, calls, parentheses, CASE, CAST, and what follows them with `.`, `[…]` and `::`.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use super::join_spans;
use crate::Result;
use crate::plan::{CastMode, Expression, ExpressionKind, Literal, ParameterName};
use crate::types::{SparkType, StructField};

impl Parser<'_> {
    /// A primary expression and what follows it.
    pub(super) fn postfixed(&mut self) -> Result<Expression> {
        let start = self.index();
        let mut e = self.primary()?;
        loop {
            match self.peek().kind {
                TokenKind::Symbol("." | "[" | "::" | ":") | TokenKind::Keyword(K::COLLATE) => (),
                _ => return Ok(e),
            }
            match self.postfix(e, start)? {
                (next, true) => e = next,
                (next, false) => return Ok(next),
            }
        }
    }

    /// One step behind an expression; `false` if there is none.
    fn postfix(&mut self, e: Expression, start: usize) -> Result<(Expression, bool)> {
        let kind = match self.peek().kind {
            TokenKind::Symbol(".") => {
                self.advance();
                return Ok((self.dereference(e, start)?, true));
            }
            TokenKind::Symbol("[") => {
                self.advance();
                let level = self.enter()?;
                let extraction = Box::new(self.value(0)?);
                self.leave(level)?;
                self.expect_symbol("]")?;
                ExpressionKind::UnresolvedExtractValue { child: Box::new(e), extraction, dotted: false }
            }
            TokenKind::Symbol("::") => {
                self.advance();
                let to_type = self.cast_type()?;
                ExpressionKind::Cast { expr: Box::new(e), to_type, mode: CastMode::Session }
            }
            TokenKind::Symbol(":") if self.is_name(self.peek_at(1)) || self.peek_at(1).is("[") => {
                self.advance();
                return Ok((self.variant_path(e, start)?, true));
            }
            TokenKind::Keyword(K::COLLATE) if self.is_name(self.peek_at(1)) => {
                self.advance();
                let collation = self.multipart_identifier()?;
                ExpressionKind::Collate { expr: Box::new(e), collation }
            }
            _ => return Ok((e, false)),
        };
        self.grow(1)?;
        Ok((Expression::from(kind).at(self.span_from(start)), true))
    }

    /// `.name`: one more part of a name, or a field.
    fn dereference(&mut self, mut e: Expression, start: usize) -> Result<Expression> {
        let token = self.peek();
        let field = self.identifier()?;
        let span = self.span_from(start);
        match &mut e.kind {
            ExpressionKind::UnresolvedAttribute { name, .. } => {
                if self.is_pattern(token) {
                    let target = std::mem::take(name);
                    return Ok(Expression::from(ExpressionKind::UnresolvedRegex { pattern: field, target, plan_id: None }).at(span));
                }
                name.push(field);
                Ok(e.at(span))
            }
            ExpressionKind::Identifier { rest, .. } => {
                rest.push(field);
                Ok(e.at(span))
            }
            _ => {
                self.grow(1)?;
                let extraction = Box::new(Expression::literal(field).at(token.span()));
                Ok(Expression::from(ExpressionKind::UnresolvedExtractValue { child: Box::new(e), extraction, dotted: true }).at(span))
            }
        }
    }

    /// `:a.b[0]` of a variant: a call that the resolver refuses or knows.
    fn variant_path(&mut self, e: Expression, start: usize) -> Result<Expression> {
        let from = self.index();
        if self.is_name(self.peek()) {
            self.advance();
        }
        loop {
            if self.at_symbol(".") && self.is_name(self.peek_at(1)) {
                self.go_to(self.index() + 2);
            } else if self.at_symbol("[") && self.peek_at(2).is("]") {
                self.go_to(self.index() + 3);
            } else {
                break;
            }
        }
        self.grow(1)?;
        let path = self.span_from(from);
        let text = path.of(self.text);
        let path = Expression::literal(if text.starts_with('[') { format!("${text}") } else { format!("$.{text}") }).at(path);
        Ok(Expression::call("semi_structured_extract", vec![e, path]).at(self.span_from(start)))
    }

    fn primary(&mut self) -> Result<Expression> {
        let token = self.peek();
        match token.kind {
            TokenKind::Symbol("(") => self.parenthesized(),
            TokenKind::Symbol("*") => {
                self.advance();
                self.star(Vec::new(), self.index() - 1)
            }
            TokenKind::Symbol("?") => {
                self.advance();
                let name = ParameterName::Position(self.next_parameter());
                Ok(Expression::from(ExpressionKind::Parameter(name)).at(token.span()))
            }
            TokenKind::Symbol(":") => {
                let start = self.index();
                self.advance();
                let name = ParameterName::Named(self.identifier()?);
                Ok(Expression::from(ExpressionKind::Parameter(name)).at(self.span_from(start)))
            }
            TokenKind::Symbol("-") if self.peek_at(1).is_number() => Ok(self.number_literal()),
            _ if token.is_number() => Ok(self.number_literal()),
            _ if self.is_string(token) => Ok(self.string_literal()),
            TokenKind::Keyword(keyword) => self.keyword_primary(keyword),
            TokenKind::Word | TokenKind::BackQuoted | TokenKind::DoubleQuoted => self.name_primary(),
            _ => Err(self.syntax_error()),
        }
    }

    /// An expression that begins with a keyword, which may be a name too.
    fn keyword_primary(&mut self, keyword: K) -> Result<Expression> {
        let next = self.peek_at(1);
        let called = next.is("(");
        match keyword {
            K::NULL | K::TRUE | K::FALSE if !called => Ok(self.constant_word(keyword)),
            K::CASE if self.is_case() => self.case(),
            K::CAST | K::TRY_CAST if called => self.cast(keyword),
            K::INTERVAL if self.at_interval() => self.interval(),
            K::STRUCT if called => self.struct_call(),
            K::CURRENT_DATE | K::CURRENT_TIMESTAMP | K::CURRENT_TIME | K::CURRENT_USER | K::SESSION_USER | K::CURRENT_PATH
                if !called && !next.is(".") && !next.is("->") =>
            {
                if !self.options.enforce_reserved_keywords {
                    // A column may be called so.
                    return self.name_primary();
                }
                let token = self.advance();
                Ok(Expression::call(keyword.word().to_lowercase(), Vec::new()).at(token.span()))
            }
            K::USER if !called && self.options.enforce_reserved_keywords => {
                let token = self.advance();
                Ok(Expression::call("current_user", Vec::new()).at(token.span()))
            }
            K::EXTRACT | K::POSITION | K::SUBSTR | K::SUBSTRING | K::TRIM | K::OVERLAY if called && self.is_special_call(keyword) => {
                self.special_call(keyword)
            }
            K::IDENTIFIER if called => self.identifier_clause(),
            _ => self.name_primary(),
        }
    }

    fn constant_word(&mut self, keyword: K) -> Expression {
        let token = self.advance();
        let literal = match keyword {
            K::NULL => Literal::Null(SparkType::Null),
            K::TRUE => Literal::Boolean(true),
            _ => Literal::Boolean(false),
        };
        Expression::literal(literal).at(token.span())
    }

    /// A name and what it begins: a typed literal, a lambda, a call, `t.*`, or a column.
    fn name_primary(&mut self) -> Result<Expression> {
        let start = self.index();
        let token = self.peek();
        if self.is_string(self.peek_at(1)) && !self.is_quoted_name(token) {
            return self.typed_literal();
        }
        let is_function = self.peek_at(1).is("(") && self.at_any(&[K::FILTER, K::LEFT, K::RIGHT]);
        if !(self.is_name(token) || is_function) {
            return Err(self.syntax_error());
        }
        if self.peek_at(1).is("->") {
            let argument = self.identifier()?;
            return self.lambda(vec![argument], start);
        }
        // `a.b.c(` and `a.b.*` are read whole, other names part by part.
        let mut last = start;
        while self.token(last + 1).is(".") && self.is_name(self.token(last + 2)) {
            last += 2;
        }
        // An argument may be a query in parentheses of its own.
        let is_query = self.is_query_in_parens(last + 1) && !self.token(last + 2).is("(");
        if self.token(last + 1).is("(") && !is_query {
            let name = self.dotted_name(last)?;
            return self.call(name, start, false);
        }
        if self.token(last + 1).is(".") && self.token(last + 2).is("*") {
            let target = self.dotted_name(last)?;
            self.go_to(last + 3);
            return self.star(target, start);
        }
        let name = self.name_of(token)?;
        self.advance();
        let kind = if self.is_pattern(token) {
            ExpressionKind::UnresolvedRegex { pattern: name, target: Vec::new(), plan_id: None }
        } else {
            ExpressionKind::UnresolvedAttribute { name: vec![name], plan_id: None }
        };
        Ok(Expression::from(kind).at(token.span()))
    }

    /// The parts of a name that ends at the token `last`.
    pub(in super::super) fn dotted_name(&mut self, last: usize) -> Result<Vec<String>> {
        let mut parts = Vec::new();
        while self.index() <= last {
            let token = self.advance();
            parts.push(self.name_of(token)?);
            if self.index() <= last {
                self.advance();
            }
        }
        Ok(parts)
    }

    /// Whether a backquoted name is a pattern.
    fn is_pattern(&self, token: super::super::lexer::Token) -> bool {
        self.options.quoted_regex_column_names
            && token.kind == TokenKind::BackQuoted
            && super::super::parser::inner(self.text_of(token), 1).chars().any(|c| !c.is_alphanumeric() && c != '_')
    }

    /// `* EXCEPT (a, b)`, the star being read
    fn star(&mut self, target: Vec<String>, start: usize) -> Result<Expression> {
        let is_except = self.at(K::EXCEPT) && self.peek_at(1).is("(") && !self.is_query_in_parens(self.index() + 1);
        let except = if is_except {
            self.advance();
            self.in_parens(Self::multipart_identifier)?
        } else {
            Vec::new()
        };
        Ok(Expression::from(ExpressionKind::UnresolvedStar { target, except }).at(self.span_from(start)))
    }

    /// `x -> …`, the arguments being read
    fn lambda(&mut self, arguments: Vec<String>, start: usize) -> Result<Expression> {
        self.expect_symbol("->")?;
        let function = Box::new(self.expression()?);
        Ok(Expression::from(ExpressionKind::LambdaFunction { arguments, function }).at(self.span_from(start)))
    }

    /// `(query)`, `(a, b)`, `(x, y) -> …`, `(a)`
    fn parenthesized(&mut self) -> Result<Expression> {
        let start = self.index();
        if self.closing(start).is_some_and(|close| self.token(close + 1).is("->")) {
            let arguments = self.in_parens(Self::identifier)?;
            if arguments.len() < 2 {
                return Err(self.unexpected("one argument of a lambda stands without parentheses"));
            }
            return self.lambda(arguments, start);
        }
        if self.is_query_in_parens(start) {
            self.advance();
            let query = self.query()?;
            self.expect_symbol(")")?;
            return Ok(Expression::from(ExpressionKind::ScalarSubquery(Box::new(query))).at(self.span_from(start)));
        }
        self.advance();
        let first = self.named_expression()?;
        let named = matches!(first.kind, ExpressionKind::Alias { .. });
        if self.at_symbol(")") && !named {
            self.advance();
            return Ok(first);
        }
        if !self.at_symbol(",") {
            return Err(self.unexpected("`)` is missing"));
        }
        self.row(first, start)
    }

    /// The rest of `(a, b)`
    fn row(&mut self, first: Expression, start: usize) -> Result<Expression> {
        let mut values = vec![first];
        while self.take_symbol(",") {
            values.push(self.named_expression()?);
        }
        self.expect_symbol(")")?;
        Ok(Expression::call("struct", values).at(self.span_from(start)))
    }

    /// `STRUCT(a AS b, …)`
    fn struct_call(&mut self) -> Result<Expression> {
        let start = self.index();
        self.advance();
        self.expect_symbol("(")?;
        let arguments = if self.at_symbol(")") { Vec::new() } else { self.named_expressions()? };
        self.expect_symbol(")")?;
        Ok(Expression::call("struct", arguments).at(self.span_from(start)))
    }

    /// Whether CASE begins a CASE expression and is no name.
    fn is_case(&self) -> bool {
        self.expression_may_start(1) && !self.peek_at(1).is("*") || self.peek_at(1).keyword() == Some(K::WHEN)
    }

    fn case(&mut self) -> Result<Expression> {
        let start = self.index();
        self.advance();
        let operand = if self.at(K::WHEN) { None } else { Some(Box::new(self.expression()?)) };
        let mut branches = Vec::new();
        while self.take(K::WHEN) {
            let condition = self.expression()?;
            self.expect(K::THEN)?;
            branches.push((condition, self.expression()?));
        }
        if branches.is_empty() {
            return Err(self.unexpected("WHEN is missing"));
        }
        let otherwise = if self.take(K::ELSE) { Some(Box::new(self.expression()?)) } else { None };
        self.expect(K::END)?;
        Ok(Expression::from(ExpressionKind::Case { operand, branches, otherwise }).at(self.span_from(start)))
    }

    fn cast(&mut self, keyword: K) -> Result<Expression> {
        let start = self.index();
        self.advance();
        self.expect_symbol("(")?;
        let expr = Box::new(self.expression()?);
        self.expect(K::AS)?;
        let to_type = self.cast_type()?;
        self.expect_symbol(")")?;
        let mode = if keyword == K::CAST { CastMode::Session } else { CastMode::Try };
        Ok(Expression::from(ExpressionKind::Cast { expr, to_type, mode }).at(self.span_from(start)))
    }

    /// The type of a cast: `char(n)` and `varchar(n)` are strings there.
    fn cast_type(&mut self) -> Result<SparkType> {
        let data_type = self.data_type()?;
        Ok(if self.options.preserve_char_varchar && !self.options.char_varchar_as_string { data_type } else { without_length(data_type) })
    }

    /// `IDENTIFIER(expr)`, as a column or a function's name
    fn identifier_clause(&mut self) -> Result<Expression> {
        let start = self.index();
        let literal = self.identifier_literal()?;
        let rest = |p: &mut Self| p.at_symbol("(");
        if let Some(name) = literal {
            if rest(self) {
                return self.call(name, start, false);
            }
            return Ok(Expression::attribute(name).at(self.span_from(start)));
        }
        self.advance();
        self.expect_symbol("(")?;
        let expr = self.expression()?;
        self.expect_symbol(")")?;
        let inner = join_spans(&expr, &expr);
        let clause = Expression { kind: ExpressionKind::Identifier { expr: Box::new(expr), rest: Vec::new() }, span: inner };
        if !rest(self) {
            return Ok(clause.at(self.span_from(start)));
        }
        // A computed function's name is the first argument of a call without a name.
        let mut e = self.call(Vec::new(), start, false)?;
        let call = match &mut e.kind {
            ExpressionKind::Window { window_function, .. } => &mut window_function.kind,
            other => other,
        };
        if let ExpressionKind::UnresolvedFunction(call) = call {
            call.arguments.insert(0, clause);
        }
        Ok(e)
    }
}

/// A type in which no string has a length.
fn without_length(data_type: SparkType) -> SparkType {
    match data_type {
        SparkType::Char(_) | SparkType::Varchar(_) => SparkType::String,
        SparkType::Array(element, nulls) => SparkType::Array(Box::new(without_length(*element)), nulls),
        SparkType::Map(key, value, nulls) => SparkType::Map(Box::new(without_length(*key)), Box::new(without_length(*value)), nulls),
        SparkType::Struct(fields) => {
            SparkType::Struct(fields.into_iter().map(|f| StructField { data_type: without_length(f.data_type.clone()), ..f }).collect())
        }
        other => other,
    }
}
