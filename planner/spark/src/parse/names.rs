//! Names, lists, strings and whole numbers, as all of the grammar has them.

use super::keywords::Keyword;
use super::lexer::{Token, TokenKind};
use super::parser::{Parser, inner};
use crate::plan::{ExpressionKind, Literal, Span, TableName};
use crate::{Error, Result};

impl Parser<'_> {
    /// Whether a token may be a name.
    pub(super) fn is_name(&self, token: Token) -> bool {
        match token.kind {
            TokenKind::Word | TokenKind::BackQuoted => true,
            TokenKind::DoubleQuoted => self.options.double_quoted_identifiers,
            TokenKind::Keyword(keyword) => keyword.class().is_name(self.options.enforce_reserved_keywords),
            _ => false,
        }
    }

    /// Whether a token may be a table's alias.
    pub(super) fn is_strict_name(&self, token: Token) -> bool {
        match token.kind {
            TokenKind::Keyword(keyword) => keyword.class().is_strict_name(self.options.enforce_reserved_keywords),
            _ => self.is_name(token),
        }
    }

    /// Whether a token is a quoted name.
    pub(super) fn is_quoted_name(&self, token: Token) -> bool {
        token.kind == TokenKind::BackQuoted || (token.kind == TokenKind::DoubleQuoted && self.options.double_quoted_identifiers)
    }

    /// The name that a token is.
    ///
    /// # Errors
    /// `INVALID_IDENTIFIER` for letters beyond ASCII without quotes.
    pub(super) fn name_of(&self, token: Token) -> Result<String> {
        let text = self.text_of(token);
        match token.kind {
            TokenKind::BackQuoted => Ok(inner(text, 1).replace("``", "`")),
            TokenKind::DoubleQuoted => Ok(inner(text, 1).replace("\"\"", "\"")),
            TokenKind::Word if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                Err(self.invalid_identifier(text, token.span()))
            }
            _ => Ok(text.to_owned()),
        }
    }

    fn invalid_identifier(&self, name: &str, span: Span) -> Error {
        let message = format!("`{name}` is no name without quotes: write it between backquotes");
        self.refuse("INVALID_IDENTIFIER", message, Some(span)).with_parameter("ident", name)
    }

    /// `name`, of one part; `IDENTIFIER('name')` too.
    pub(super) fn identifier(&mut self) -> Result<String> {
        let start = self.next;
        let mut parts = self.identifier_parts()?;
        if parts.len() > 1 {
            let message = format!("`{}` is a name of several parts, where one is needed", parts.join("."));
            self.complain_from(start, "IDENTIFIER_TOO_MANY_NAME_PARTS", message);
        }
        Ok(parts.pop().unwrap_or_default())
    }

    /// A name, or the parts of `IDENTIFIER('a.b')`.
    fn identifier_parts(&mut self) -> Result<Vec<String>> {
        if let Some(parts) = self.identifier_literal()? {
            return Ok(parts);
        }
        let token = self.peek();
        if !self.is_name(token) {
            return Err(self.unexpected("a name is missing"));
        }
        let name = self.name_of(token)?;
        self.next += 1;
        Ok(vec![name])
    }

    /// `IDENTIFIER('a.b')`: its parts.
    pub(super) fn identifier_literal(&mut self) -> Result<Option<Vec<String>>> {
        let is_text = self.at(Keyword::IDENTIFIER) && self.peek_at(1).is("(") && self.is_string(self.peek_at(2));
        let Some(close) = self.closing(self.next + 1).filter(|_| is_text) else { return Ok(None) };
        if !(self.next + 2..close).all(|index| self.is_string(self.token(index))) {
            return Ok(None);
        }
        self.next += 2;
        let text = self.string()?;
        self.expect_symbol(")")?;
        super::parse_multipart_identifier(&text, self.options).map(Some)
    }

    /// A name that may have been written with a `-` by mistake.
    pub(super) fn checked_identifier(&mut self) -> Result<String> {
        let start = self.next;
        let name = self.identifier()?;
        self.check_hyphen(start)?;
        Ok(name)
    }

    /// # Errors
    /// `INVALID_IDENTIFIER` for `a-b`.
    fn check_hyphen(&mut self, start: usize) -> Result<()> {
        if !(self.at_symbol("-") && self.is_name(self.peek_at(1))) {
            return Ok(());
        }
        while self.at_symbol("-") && self.is_name(self.peek_at(1)) {
            self.next += 2;
        }
        let span = self.span_from(start);
        Err(self.invalid_identifier(span.of(self.text), span))
    }

    /// `a.b.c`
    pub(super) fn multipart_identifier(&mut self) -> Result<Vec<String>> {
        let mut parts = Vec::new();
        loop {
            let start = self.next;
            parts.extend(self.identifier_parts()?);
            self.check_hyphen(start)?;
            if !self.take_symbol(".") {
                return Ok(parts);
            }
        }
    }

    /// `a.b.c` without a check for hyphens.
    pub(super) fn qualified_name(&mut self) -> Result<Vec<String>> {
        let mut parts = self.identifier_parts()?;
        while self.take_symbol(".") {
            parts.extend(self.identifier_parts()?);
        }
        Ok(parts)
    }

    /// `a.b.c` or `IDENTIFIER(expr)`
    pub(super) fn identifier_reference(&mut self) -> Result<TableName> {
        if !(self.at(Keyword::IDENTIFIER) && self.peek_at(1).is("(")) {
            return self.multipart_identifier().map(TableName::Parts);
        }
        if let Some(close) = self.closing(self.next + 1)
            && self.token(close + 1).is(".")
        {
            return self.multipart_identifier().map(TableName::Parts);
        }
        self.next += 2;
        let e = self.expression()?;
        self.expect_symbol(")")?;
        match &e.kind {
            ExpressionKind::Literal(Literal::String(text)) => super::parse_multipart_identifier(text, self.options).map(TableName::Parts),
            _ => Ok(TableName::Identifier(Box::new(e))),
        }
    }

    /// `a.b, c`
    pub(super) fn multipart_identifiers(&mut self) -> Result<Vec<Vec<String>>> {
        self.list(Self::multipart_identifier)
    }

    /// `(a, b)`
    pub(super) fn identifier_list(&mut self) -> Result<Vec<String>> {
        self.in_parens(Self::checked_identifier)
    }

    /// `item, item`
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take_symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `(item, item)`
    pub(super) fn in_parens<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_symbol("(")?;
        let items = self.list(item)?;
        self.expect_symbol(")")?;
        Ok(items)
    }

    /// Whether a token is a string.
    pub(super) fn is_string(&self, token: Token) -> bool {
        token.kind == TokenKind::String || (token.kind == TokenKind::DoubleQuoted && !self.options.double_quoted_identifiers)
    }

    pub(super) fn at_string(&self) -> bool {
        self.is_string(self.peek())
    }

    /// A string; several after one another are one.
    pub(super) fn string(&mut self) -> Result<String> {
        if !self.at_string() {
            return Err(self.unexpected("a string is missing"));
        }
        let mut text = String::new();
        while self.at_string() {
            let token = self.advance();
            text.push_str(&super::literal::unescape(self.text_of(token), false));
        }
        Ok(text)
    }

    /// A string of one token.
    pub(super) fn single_string(&mut self) -> Result<String> {
        if !self.at_string() {
            return Err(self.unexpected("a string is missing"));
        }
        let token = self.advance();
        Ok(super::literal::unescape(self.text_of(token), false))
    }

    /// A whole number.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let token = self.peek();
        if token.kind != TokenKind::Integer {
            return Err(self.unexpected("a whole number is missing"));
        }
        self.next += 1;
        let text = self.text_of(token);
        Ok(text.parse().unwrap_or_else(|_| {
            let message = format!("{text} is too large: it must fit into 64 bits");
            let e = self.refuse("INVALID_NUMERIC_LITERAL_RANGE", message, Some(token.span()));
            self.complain(e);
            0
        }))
    }

    /// A whole number of 32 bits.
    pub(super) fn small_integer(&mut self) -> Result<i32> {
        let start = self.next;
        let value = self.integer()?;
        Ok(i32::try_from(value).unwrap_or_else(|_| {
            self.complain_from(start, "INVALID_NUMERIC_LITERAL_RANGE", format!("{value} is too large: it must fit into 32 bits"));
            0
        }))
    }
}
