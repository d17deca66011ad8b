//! SET and RESET: settings, the time zone, the catalog; variables have their own file.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use super::constant_string;
use crate::Result;
use crate::plan::{Command, ExpressionKind, Literal};

const SECOND: i64 = 1_000_000;

impl Parser<'_> {
    pub(super) fn set(&mut self) -> Result<Command> {
        let start = self.index();
        let word = self.advance();
        let next = self.peek_at(1);
        match self.peek().keyword() {
            Some(K::ROLE) => {
                self.skip_statement();
                self.invalid_statement(start, "SET ROLE");
                return Ok(Command::Unsupported { what: "SET ROLE".to_owned(), span: Some(self.span_from(start)) });
            }
            Some(K::TIME) if next.keyword() == Some(K::ZONE) => return self.set_time_zone(start),
            Some(K::CATALOG) if self.expression_may_start(1) && !next.is("*") && !next.is("-") => return self.set_catalog(start),
            Some(K::PATH) if next.is("=") && self.is_name(self.peek_at(2)) => return Ok(self.unsupported(start, "SET PATH")),
            Some(K::VAR | K::VARIABLE) if next.is("(") || self.is_assignment(self.index() + 1) => return self.set_variable(),
            _ => (),
        }
        self.forgive_comment();
        let end = self.text.len();
        let rest = self.text.get(word.end as usize..end).unwrap_or("").trim().to_owned();
        if self.is_quoted_name(self.peek()) && (next.is("=") || next.is(";") || next.kind == TokenKind::End) {
            return self.set_quoted(start);
        }
        // `key = `value``: the last of the statement.
        if let Some(command) = self.set_quoted_value(word.end as usize, start)? {
            return Ok(command);
        }
        self.skip_all();
        let rest = rest.trim_end_matches(';');
        let set = |key: Option<&str>, value: Option<&str>, verbose| Command::Set {
            key: key.map(str::to_owned),
            value: value.map(|v| v.trim().to_owned()),
            verbose,
        };
        if rest.trim().is_empty() {
            return Ok(set(None, None, false));
        }
        if rest.trim() == "-v" {
            return Ok(set(None, None, true));
        }
        if let Some((key, value)) = rest.split_once('=')
            && is_key(key.trim_end())
            && !value.trim_end_matches(';').contains(';')
        {
            return Ok(set(Some(key.trim_end()), Some(value.trim_end_matches(';')), false));
        }
        if is_key(rest.trim_end()) {
            return Ok(set(Some(rest.trim_end()), None, false));
        }
        let message =
            "SET is written as SET, SET key, or SET key = value: a key with other signs, or a value with `;`, stands between backquotes";
        self.complain_from(start, "INVALID_SET_SYNTAX", message);
        Ok(set(None, None, false))
    }

    fn skip_all(&mut self) {
        while !self.at_end() {
            self.advance();
        }
    }

    /// `` SET `key` = value ``
    fn set_quoted(&mut self, start: usize) -> Result<Command> {
        let token = self.advance();
        let key = self.name_of(token)?;
        if !self.at_symbol("=") {
            return Ok(Command::Set { key: Some(key), value: None, verbose: false });
        }
        let equals = self.advance();
        let after = self.peek_at(1);
        if self.peek().kind == TokenKind::BackQuoted && (after.kind == TokenKind::End || after.is(";")) {
            let token = self.advance();
            let value = Some(self.name_of(token)?);
            return Ok(Command::Set { key: Some(key), value, verbose: false });
        }
        let value = self.text.get(equals.end as usize..).unwrap_or("").trim().trim_end_matches(';').to_owned();
        self.skip_all();
        if value.contains(';') {
            let message = format!("`{value}` is no value of a setting: with `;` in it, it stands between backquotes");
            let e = self.refuse("INVALID_PROPERTY_VALUE", message, Some(self.span_from(start)));
            self.complain(e.with_parameter("value", &value).with_parameter("key", &key));
        }
        Ok(Command::Set { key: Some(key), value: Some(value), verbose: false })
    }

    /// `` SET key = `value` ``
    fn set_quoted_value(&mut self, from: usize, start: usize) -> Result<Option<Command>> {
        let mut at = self.index();
        while !self.token(at).is("=") {
            if self.token(at).kind == TokenKind::End {
                return Ok(None);
            }
            at += 1;
        }
        let (equals, value, end) = (self.token(at), self.token(at + 1), self.token(at + 2));
        if value.kind != TokenKind::BackQuoted || !(end.kind == TokenKind::End || end.is(";")) {
            return Ok(None);
        }
        let key = self.text.get(from..equals.start as usize).unwrap_or("").trim().to_owned();
        let value = self.name_of(value)?;
        self.go_to(at + 2);
        if !is_key(&key) {
            let message = format!("`{key}` is no key of a setting: put it between backquotes");
            let e = self.refuse("INVALID_PROPERTY_KEY", message, Some(self.span_from(start)));
            self.complain(e.with_parameter("key", &key).with_parameter("value", &value));
        }
        Ok(Some(Command::Set { key: Some(key), value: Some(value), verbose: false }))
    }

    fn set_catalog(&mut self, start: usize) -> Result<Command> {
        self.advance();
        let e = self.expression()?;
        match constant_string(&e) {
            Some(name) => Ok(Command::SetCatalog { name }),
            None => Ok(self.unsupported(start, "SET CATALOG of a computed name")),
        }
    }

    fn set_time_zone(&mut self, start: usize) -> Result<Command> {
        self.go_to(start + 3);
        if self.take(K::LOCAL) {
            return Ok(Command::SetTimeZone { zone: None });
        }
        if self.at_string() {
            return Ok(Command::SetTimeZone { zone: Some(self.string()?) });
        }
        if !self.at_interval() {
            self.skip_statement();
            let message = "SET TIME ZONE takes LOCAL, a zone between quotes, or an interval of hours and minutes";
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0045", message);
            return Ok(Command::SetTimeZone { zone: None });
        }
        let at = self.index();
        let interval = self.interval()?;
        let micros = match interval.kind {
            ExpressionKind::Literal(Literal::DayTimeInterval { value, .. }) => Some(value),
            ExpressionKind::Literal(Literal::CalendarInterval { months: 0, days: 0, microseconds }) => Some(microseconds),
            _ => None,
        };
        let seconds = micros.filter(|m| m % SECOND == 0 && m.abs() <= 18 * 3600 * SECOND).and_then(|m| i32::try_from(m / SECOND).ok());
        let Some(seconds) = seconds else {
            let message = "the offset of a time zone has whole seconds and lies between -18 and 18 hours";
            self.complain_from(at, "INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE", message);
            return Ok(Command::SetTimeZone { zone: None });
        };
        let zone = if seconds == 0 { "Z".to_owned() } else { crate::types::offset_text(seconds) };
        Ok(Command::SetTimeZone { zone: Some(zone) })
    }

    pub(super) fn reset_setting(&mut self) -> Result<Command> {
        let start = self.index();
        let word = self.advance();
        let next = self.peek_at(1);
        if self.is_quoted_name(self.peek()) && (next.kind == TokenKind::End || next.is(";")) {
            let token = self.advance();
            return Ok(Command::Reset { key: Some(self.name_of(token)?) });
        }
        let rest = self.text.get(word.end as usize..).unwrap_or("").trim().trim_end_matches(';').trim().to_owned();
        self.skip_all();
        if rest.is_empty() {
            return Ok(Command::Reset { key: None });
        }
        if !is_key(&rest) {
            let message = "RESET is written as RESET, or RESET key: a key with other signs stands between backquotes";
            self.complain_from(start, "INVALID_RESET_COMMAND_FORMAT", message);
        }
        Ok(Command::Reset { key: Some(rest) })
    }
}

/// Whether a text is a setting's name without quotes.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'\\'))
}
