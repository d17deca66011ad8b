//! Lists of properties: `(a.b = 'x', 'c' 1, d)`.

use std::collections::BTreeMap;

use super::keywords::Keyword as K;
use super::lexer::TokenKind;
use super::parser::Parser;
use crate::Result;
use crate::plan::{Expression, ExpressionKind, Literal};

impl Parser<'_> {
    /// `(key = value, …)`, each key with a value.
    pub(super) fn property_values(&mut self) -> Result<BTreeMap<String, String>> {
        let start = self.index();
        let properties = self.properties()?;
        let lacking: Vec<&str> = properties.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.as_str()).collect();
        if !lacking.is_empty() {
            self.not_allowed(start, format!("these keys have no value: {}", lacking.join(", ")));
        }
        Ok(properties.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
    }

    /// `(key, …)`, none with a value.
    pub(super) fn property_keys(&mut self) -> Result<Vec<String>> {
        let start = self.index();
        let properties = self.properties()?;
        let valued: Vec<&str> = properties.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key.as_str()).collect();
        if !valued.is_empty() {
            self.not_allowed(start, format!("these keys have a value, where none is wanted: {}", valued.join(", ")));
        }
        Ok(properties.into_iter().map(|(key, _)| key).collect())
    }

    fn properties(&mut self) -> Result<Vec<(String, Option<String>)>> {
        let start = self.index();
        let properties = self.in_parens(|p| {
            let key = p.property_key()?;
            let value = if p.take_symbol("=") {
                Some(p.property_value()?)
            } else if p.at_symbol(",") || p.at_symbol(")") {
                None
            } else {
                Some(p.property_value()?)
            };
            Ok((key, value))
        })?;
        self.check_keys(start, properties.iter().map(|(key, _)| key.as_str()));
        Ok(properties)
    }

    /// Complains about a key that comes twice.
    pub(super) fn check_keys<'k>(&mut self, start: usize, keys: impl Iterator<Item = &'k str>) {
        let mut seen = std::collections::BTreeSet::new();
        for key in keys {
            if !seen.insert(key) {
                let e = self.refuse("DUPLICATE_KEY", format!("the key `{key}` is there twice: keep one"), Some(self.span_from(start)));
                self.complain(e.with_parameter("keyColumn", format!("`{key}`")));
                return;
            }
        }
    }

    /// `a.b`, `'text'`
    pub(super) fn property_key(&mut self) -> Result<String> {
        if self.at_string() {
            // A string behind a string is the value, unless a `=` is there.
            let mut end = self.index();
            while self.is_string(self.token(end)) {
                end += 1;
            }
            return if self.token(end).is("=") { self.string() } else { self.single_string() };
        }
        let mut key = self.checked_identifier()?;
        while self.take_symbol(".") {
            key.push('.');
            key.push_str(&self.checked_identifier()?);
        }
        Ok(key)
    }

    fn property_value(&mut self) -> Result<String> {
        if self.at_string() {
            return self.string();
        }
        let token = self.peek();
        match token.kind {
            TokenKind::Integer | TokenKind::Decimal => {
                self.advance();
                Ok(self.text_of(token).to_owned())
            }
            TokenKind::Keyword(K::TRUE | K::FALSE) => {
                self.advance();
                Ok(self.text_of(token).to_lowercase())
            }
            _ => Err(self.unexpected("the value of a property is a string, a number, TRUE or FALSE")),
        }
    }

    /// `(key = expression, …)` of a table's OPTIONS.
    pub(super) fn option_values(&mut self) -> Result<BTreeMap<String, String>> {
        let start = self.index();
        let options = self.in_parens(|p| {
            let key = p.property_key()?;
            p.take_symbol("=");
            if p.at_symbol(",") || p.at_symbol(")") {
                p.not_allowed(start, format!("the option `{key}` has no value"));
                return Ok((key, String::new()));
            }
            let at = p.index();
            let e = p.expression()?;
            let text = p.span_from(at).of(p.text);
            Ok((key, constant_text(&e, text)))
        })?;
        self.check_keys(start, options.iter().map(|(key, _)| key.as_str()));
        Ok(options.into_iter().collect())
    }
}

/// A constant as the text of an option; another expression as it was written.
fn constant_text(e: &Expression, text: &str) -> String {
    match &e.kind {
        ExpressionKind::Literal(Literal::String(value)) => value.clone(),
        ExpressionKind::Literal(Literal::Boolean(value)) => value.to_string(),
        _ => text.to_owned(),
    }
}
