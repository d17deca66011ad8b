//! JSON that is written value by value, on one line or over many.

use super::token::{Malformed, Reader, Token};
use crate::types::number_text::double_text;

/// Puts JSON together; commas and colons come by themselves.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// What has been written.
    pub(super) out: String,
    /// For every object and array that is open: whether it is an object, and how many values it has.
    levels: Vec<(bool, usize)>,
    /// A name was written, and its value comes next.
    named: bool,
    /// Over many lines.
    pretty: bool,
    /// Characters beyond ASCII as escapes.
    ascii: bool,
}

impl Writer {
    /// As options say.
    pub(super) fn new(pretty: bool, ascii: bool) -> Self {
        Self { pretty, ascii, ..Self::default() }
    }

    fn before_value(&mut self) {
        if std::mem::take(&mut self.named) {
            return;
        }
        let pretty = self.pretty;
        if let Some((_, count)) = self.levels.last_mut() {
            if *count > 0 {
                self.out.push(',');
            }
            *count += 1;
            if pretty {
                self.out.push(' ');
            }
        }
    }

    fn line(&mut self) {
        self.out.push('\n');
        // Arrays stay on their line.
        let depth = self.levels.iter().filter(|(object, _)| *object).count();
        self.out.extend(std::iter::repeat_n("  ", depth));
    }

    /// `{` or `[`
    pub(super) fn start(&mut self, object: bool) {
        self.before_value();
        self.out.push(if object { '{' } else { '[' });
        self.levels.push((object, 0));
    }

    /// `}` or `]`
    pub(super) fn end(&mut self) {
        let Some((object, count)) = self.levels.pop() else { return };
        if self.pretty {
            if object && count > 0 {
                self.line();
            } else {
                self.out.push(' ');
            }
        }
        self.out.push(if object { '}' } else { ']' });
    }

    /// A field's name.
    pub(super) fn name(&mut self, name: &str) {
        if let Some((_, count)) = self.levels.last_mut() {
            if *count > 0 {
                self.out.push(',');
            }
            *count += 1;
        }
        if self.pretty {
            self.line();
        }
        self.quote(name);
        self.out.push_str(if self.pretty { " : " } else { ":" });
        self.named = true;
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        self.before_value();
        self.quote(text);
    }

    /// A value that is JSON already: a number, `true`, `null`.
    pub(super) fn plain(&mut self, value: &str) {
        self.before_value();
        self.out.push_str(value);
    }

    /// A double; NaN and infinities are text.
    pub(super) fn double(&mut self, value: f64) {
        self.before_value();
        let text = double_text(value);
        if value.is_finite() {
            self.out.push_str(&text);
        } else {
            self.quote(&text);
        }
    }

    fn quote(&mut self, text: &str) {
        use std::fmt::Write;
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if c < ' ' || (self.ascii && c > '\u{7f}') => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        let _ = write!(self.out, "\\u{unit:04X}");
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// The value at which the reader stands, with all that is in it.
    pub(super) fn copy(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let mut depth = 0_usize;
        loop {
            match reader.current() {
                None => return Ok(()),
                Some(Token::StartObject) => {
                    depth += 1;
                    self.start(true);
                }
                Some(Token::StartArray) => {
                    depth += 1;
                    self.start(false);
                }
                Some(Token::EndObject | Token::EndArray) => {
                    depth = depth.saturating_sub(1);
                    self.end();
                }
                Some(Token::Name) => {
                    self.name(reader.value());
                    if depth == 0 {
                        // A field alone: its value belongs to it.
                        reader.next()?;
                        continue;
                    }
                }
                Some(Token::Text) => self.text(reader.value()),
                Some(Token::Int) => self.plain(&whole(reader.value())),
                Some(Token::Float) => self.double(number(reader.value())),
                Some(Token::True) => self.plain("true"),
                Some(Token::False) => self.plain("false"),
                Some(Token::Null) => self.plain("null"),
            }
            if depth == 0 {
                return Ok(());
            }
            reader.next()?;
        }
    }
}

/// A whole number as numbers are written: no zeros before it, and no negative zero.
pub(super) fn whole(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}"),
    }
}

/// The double that a number's token stands for.
pub(super) fn number(text: &str) -> f64 {
    match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        text => text.parse().unwrap_or(f64::NAN),
    }
}
