//! One record of CSV as text: cut into values, and put together.

use crate::error::error;
use crate::functions::json::options::Options;
use crate::{Error, Result};

/// How records are written down.
#[derive(Debug, Clone)]
pub(super) struct Format {
    delimiter: String,
    quote: Option<char>,
    escape: Option<char>,
    escape_of_escape: Option<char>,
    comment: Option<char>,
    null: String,
    empty: Option<String>,
    skip_leading: Option<bool>,
    skip_trailing: Option<bool>,
    quote_all: bool,
    escape_quotes: bool,
    max_columns: usize,
}

impl Format {
    /// By the options.
    ///
    /// # Errors
    /// For options that have no such value.
    pub(super) fn new(options: &Options) -> Result<Self> {
        let given = |name: &str| -> Result<Option<bool>> { options.get(name).map(|_| options.flag(name, false)).transpose() };
        let escape = options.character("escape", '\\')?;
        let quote = options.character("quote", '"')?;
        let default_escape = if escape == quote { None } else { escape };
        let max_columns = options.get("maxColumns").unwrap_or("20480");
        Ok(Self {
            delimiter: delimiter(options.get("sep").or_else(|| options.get("delimiter")).unwrap_or(","))?,
            quote,
            escape,
            escape_of_escape: match options.get("charToEscapeQuoteEscaping") {
                None | Some("") => default_escape,
                Some(_) => options.character("charToEscapeQuoteEscaping", '\\')?,
            },
            comment: options.get("comment").and_then(|text| text.chars().next()),
            null: options.get("nullValue").unwrap_or_default().to_owned(),
            empty: options.get("emptyValue").map(str::to_owned),
            skip_leading: given("ignoreLeadingWhiteSpace")?,
            skip_trailing: given("ignoreTrailingWhiteSpace")?,
            quote_all: options.flag("quoteAll", false)?,
            escape_quotes: options.flag("escapeQuotes", true)?,
            max_columns: max_columns
                .parse()
                .map_err(|_| Error::analysis(format!("the option `maxColumns` is a number, not `{max_columns}`: give one")))?,
        })
    }

    /// Whether a line of a file holds a record: blank lines and comments hold none.
    pub(super) fn holds_record(&self, line: &str) -> bool {
        line.contains(|c: char| c > ' ') && !self.comment.is_some_and(|comment| line.starts_with(comment))
    }

    /// What stands for null.
    pub(super) fn null(&self) -> &str {
        &self.null
    }

    /// The values of a record; `None` for an empty one, a comment, and one of too many values.
    pub(super) fn split(&self, line: &str) -> Option<Vec<String>> {
        if line.is_empty() || self.comment.is_some_and(|comment| line.starts_with(comment)) {
            return None;
        }
        let mut values = Vec::new();
        let mut rest = line;
        loop {
            let (value, after) = self.value(rest);
            values.push(value);
            if values.len() > self.max_columns {
                return None;
            }
            match after {
                Some(after) => rest = after,
                None => return Some(values),
            }
        }
    }

    /// The next value, and what follows its delimiter.
    fn value<'a>(&self, text: &'a str) -> (String, Option<&'a str>) {
        let text = if self.skip_leading.unwrap_or(false) { text.trim_start_matches(|c: char| c <= ' ') } else { text };
        if let Some(quote) = self.quote
            && let Some(inside) = text.strip_prefix(quote)
            && let Some((value, after)) = self.quoted(inside, quote)
        {
            let value = if value.is_empty() { self.empty.clone().unwrap_or_default() } else { value };
            return (value, after);
        }
        let (value, after) = match text.find(self.delimiter.as_str()) {
            Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + self.delimiter.len()..)),
            None => (text, None),
        };
        let value = if self.skip_trailing.unwrap_or(false) { value.trim_end_matches(|c: char| c <= ' ') } else { value };
        (if value.is_empty() { self.null.clone() } else { value.to_owned() }, after)
    }

    /// A value after its first quote; `None` if a quote stands in its middle, and it is no quoted one then.
    fn quoted<'a>(&self, text: &'a str, quote: char) -> Option<(String, Option<&'a str>)> {
        let mut value = String::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if self.escape == Some(c) && c != quote && next == Some(quote) {
                value.push(quote);
                chars.next();
            } else if self.escape_of_escape == Some(c) && c != quote && next.is_some() && next == self.escape {
                value.push(next.unwrap_or(c));
                chars.next();
            } else if c == quote && next == Some(quote) {
                value.push(quote);
                chars.next();
            } else if c == quote {
                let after = text.get(at + c.len_utf8()..).unwrap_or_default();
                let blank = if self.delimiter.starts_with(' ') { after } else { after.trim_start_matches([' ', '\t']) };
                let after = if blank.is_empty() || blank.starts_with(self.delimiter.as_str()) { blank } else { after };
                if after.is_empty() {
                    return Some((value, None));
                }
                return after.strip_prefix(self.delimiter.as_str()).map(|after| (value, Some(after)));
            } else {
                value.push(c);
            }
        }
        None
    }

    /// A record of these values.
    pub(super) fn join(&self, values: &[Option<String>]) -> String {
        let mut out = String::new();
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                out.push_str(&self.delimiter);
            }
            match value {
                None => out.push_str(&self.null),
                Some(value) if value.is_empty() => out.push_str(self.empty.as_deref().unwrap_or("\"\"")),
                Some(value) => self.write(&mut out, value, i == 0),
            }
        }
        out
    }

    fn write(&self, out: &mut String, value: &str, first: bool) {
        let value = if self.skip_leading.unwrap_or(true) { value.trim_start_matches(|c: char| c <= ' ') } else { value };
        let value = if self.skip_trailing.unwrap_or(true) { value.trim_end_matches(|c: char| c <= ' ') } else { value };
        let comment = self.comment.unwrap_or('#');
        let holds_quote = self.quote.is_some_and(|quote| if self.escape_quotes { value.contains(quote) } else { value.starts_with(quote) });
        let needs = self.quote_all
            || holds_quote
            || value.contains(self.delimiter.as_str())
            || value.contains(['\n', '\r'])
            || (first && value.starts_with(comment));
        let Some(quote) = self.quote.filter(|_| needs) else {
            out.push_str(value);
            return;
        };
        out.push(quote);
        for c in value.chars() {
            if c == quote {
                out.extend(self.escape);
            } else if Some(c) == self.escape {
                out.extend(self.escape_of_escape);
            }
            out.push(c);
        }
        out.push(quote);
    }
}

/// A delimiter as options say it: `\t` is a tab.
fn delimiter(text: &str) -> Result<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(c @ ('"' | '\'' | '\\')) => c,
            None => {
                return Err(error("INVALID_DELIMITER_VALUE.SINGLE_BACKSLASH", "a delimiter is no single backslash: write two for one"));
            }
            Some(other) => {
                let message = format!("the delimiter has `\\{other}`, which is no character: write the character itself");
                return Err(error("INVALID_DELIMITER_VALUE.UNSUPPORTED_SPECIAL_CHARACTER", message));
            }
        });
    }
    if out.is_empty() {
        return Err(error("INVALID_DELIMITER_VALUE.EMPTY_STRING", "a delimiter is not empty: give a character such as `,`"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_cut_into_values() {
        let format = Format::new(&Options::default()).unwrap();
        for (line, expected) in [
            ("1,abc", vec!["1", "abc"]),
            ("1, 0.8", vec!["1", " 0.8"]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"a\\\"b\",c", vec!["a\"b", "c"]),
            ("\"a\"\"b\"", vec!["a\"b"]),
            ("\"a\"b,c", vec!["\"a\"b", "c"]),
            ("a,,", vec!["a", "", ""]),
            ("\"\",x", vec!["", "x"]),
            ("\"a\\\\\",x", vec!["a\\", "x"]),
        ] {
            assert_eq!(format.split(line).unwrap(), expected, "{line}");
        }
        assert_eq!(format.split(""), None);
    }

    #[test]
    fn values_are_put_together() {
        let format = Format::new(&Options::default()).unwrap();
        for (values, expected) in [
            (vec![Some("1"), None, Some("x")], "1,,x"),
            (vec![Some(""), Some(" a ")], "\"\",a"),
            (vec![Some("a,b"), Some("a\"b"), Some("a\\b")], "\"a,b\",\"a\\\"b\",a\\b"),
            (vec![Some("#x"), Some("#y")], "\"#x\",#y"),
        ] {
            let values: Vec<Option<String>> = values.into_iter().map(|v| v.map(str::to_owned)).collect();
            assert_eq!(format.join(&values), expected);
        }
    }
}
