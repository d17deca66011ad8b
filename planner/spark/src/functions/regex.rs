//! Java's regular expressions on `fancy-regex`: compiled once, kept for the next call.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fancy_regex::Regex;

use crate::error::error;
use crate::{Result, Settings};

/// How many compiled expressions are kept.
const KEPT: usize = 256;

static CACHE: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(|| Mutex::new(HashMap::new()));

/// A Java regular expression.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE.PATTERN`
pub(crate) fn compile(pattern: &str, settings: &Settings) -> Result<Arc<Regex>> {
    let _ = settings;
    let cache = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = cache().get(pattern) {
        return Ok(Arc::clone(found));
    }
    let regex = Regex::new(&from_java(pattern)).map_err(|problem| {
        error("INVALID_PARAMETER_VALUE.PATTERN", format!("`{pattern}` is no regular expression: {problem}; write one of Java's"))
    })?;
    let regex = Arc::new(regex);
    let mut cache = cache();
    if cache.len() >= KEPT {
        cache.clear();
    }
    cache.insert(pattern.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

/// The error of an expression that could not be matched to its end: it went back too often.
pub(crate) fn too_hard(problem: &fancy_regex::Error) -> crate::Error {
    error("INVALID_PARAMETER_VALUE.PATTERN", format!("the regular expression took too many steps ({problem}): make it simpler"))
}

/// The same expression as `fancy-regex` writes it: Java's classes are of ASCII, and `\Q…\E` quotes.
fn from_java(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut depth = 0usize;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '[' => {
                depth += 1;
                out.push(c);
                // A bracket that closes nothing yet is one of the class.
                for lead in ["^]", "]"] {
                    if let Some(next) = rest.strip_prefix(lead) {
                        out.push_str(if lead.len() == 2 { "^\\]" } else { "\\]" });
                        rest = next;
                        break;
                    }
                }
            }
            ']' => {
                depth = depth.saturating_sub(1);
                out.push(c);
            }
            '\\' => rest = escape(rest, depth > 0, &mut out),
            _ => out.push(c),
        }
    }
    out
}

/// Writes the escape whose letter `rest` begins with, and gives what follows it.
fn escape<'a>(rest: &'a str, in_class: bool, out: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    let after = rest.get(c.len_utf8()..).unwrap_or_default();
    let class = |items: &str, negated: bool| match (in_class, negated) {
        (true, false) => items.to_owned(),
        (_, true) => format!("[^{items}]"),
        (false, false) => format!("[{items}]"),
    };
    match c {
        'Q' => {
            let (quoted, after) = after.split_once("\\E").unwrap_or((after, ""));
            out.push_str(&fancy_regex::escape(quoted));
            return after;
        }
        'd' | 'D' => out.push_str(&class("0-9", c == 'D')),
        'w' | 'W' => out.push_str(&class("0-9A-Za-z_", c == 'W')),
        's' | 'S' => out.push_str(&class(r" \t\n\x0B\f\r", c == 'S')),
        'h' if in_class => out.push_str(r" \t\u{A0}\u{1680}\u{180E}\u{2000}-\u{200A}\u{202F}\u{205F}\u{3000}"),
        'e' => out.push_str(r"\x1B"),
        'p' | 'P' => {
            if let Some((name, after)) = after.strip_prefix('{').and_then(|name| name.split_once('}')) {
                let items = match name {
                    "Lower" => "a-z",
                    "Upper" => "A-Z",
                    "Alpha" => "a-zA-Z",
                    "Digit" => "0-9",
                    "Alnum" => "a-zA-Z0-9",
                    "Punct" => r"!-/:-@\[-`{-~",
                    "Graph" => "!-~",
                    "Print" => " -~",
                    "Blank" => r" \t",
                    "Cntrl" => r"\x00-\x1F\x7F",
                    "XDigit" => "0-9a-fA-F",
                    "Space" => r" \t\n\x0B\f\r",
                    "ASCII" => r"\x00-\x7F",
                    _ => "",
                };
                if items.is_empty() {
                    // `\p{IsGreek}` and `\p{javaLowerCase}` are other ways to say a script or a property.
                    let name = name.strip_prefix("Is").or_else(|| name.strip_prefix("java")).unwrap_or(name);
                    out.push_str(&format!("\\{c}{{{name}}}"));
                } else {
                    out.push_str(&class(items, c == 'P'));
                }
                return after;
            }
            out.push('\\');
            out.push(c);
        }
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_is_translated() {
        for (pattern, wanted) in [
            (r"\d+", "[0-9]+"),
            (r"[\w.]", "[0-9A-Za-z_.]"),
            (r"[^\D]", "[^[^0-9]]"),
            (r"\Qa.b\E.", r"a\.b."),
            (r"\p{Alpha}", "[a-zA-Z]"),
            (r"[]a]", r"[\]a]"),
            (r"\\d", r"\\d"),
        ] {
            assert_eq!(from_java(pattern), wanted);
        }
    }
}
