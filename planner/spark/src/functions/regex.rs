//! Java's regular expressions: their spelling is translated to that of fancy-regex, and compiled patterns are kept per thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use crate::error::error;
use crate::{Error, Result, Settings};

/// A compiled pattern.
pub(crate) type Regex = Arc<fancy_regex::Regex>;

/// How many compiled patterns a thread keeps.
const KEPT: usize = 64;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// The pattern, compiled; one that this thread has met lately is not compiled again.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE.PATTERN` where Java, or the engine, does not take it.
pub(crate) fn compile(pattern: &str, _settings: &Settings) -> Result<Regex> {
    if let Some(found) = COMPILED.with_borrow(|kept| kept.get(pattern).cloned()) {
        return Ok(found);
    }
    let made = translated(pattern).and_then(|text| fancy_regex::Regex::new(&text).ok());
    let Some(made) = made.map(Arc::new) else {
        return Err(error("INVALID_PARAMETER_VALUE.PATTERN", format!("`{pattern}` is no regular expression that can be used here")));
    };
    COMPILED.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), Arc::clone(&made));
    });
    Ok(made)
}

/// The error for a match that took too many steps.
pub(crate) fn failed(regex: &Regex) -> Error {
    error("INVALID_PARAMETER_VALUE.PATTERN", format!("matching `{}` takes too many steps: make the pattern simpler", regex.as_str()))
}

/// Whether the pattern is found anywhere in the text.
pub(crate) fn is_match(regex: &Regex, text: &str) -> Result<bool> {
    regex.is_match(text).map_err(|_| failed(regex))
}

const SPACE: &str = r" \t\n\x0B\f\r";
const WORD: &str = "a-zA-Z_0-9";
const HORIZONTAL: &str = r" \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}";
const VERTICAL: &str = r"\n\x0B\f\r\x85\x{2028}\x{2029}";

/// Java's pattern in the engine's spelling; `None` where it has none.
fn translated(pattern: &str) -> Option<String> {
    let (dot_all, lines) = flags(pattern);
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut depth = 0_usize;
    let mut begins = false;
    while let Some(c) = chars.next() {
        let first = std::mem::take(&mut begins);
        match c {
            '\\' => escape(&mut chars, depth > 0, &mut out)?,
            '[' => {
                depth += 1;
                begins = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            // In Java a `]` right after the bracket is no member but an end, which leaves the set empty: an error there.
            ']' if depth > 0 && first => return None,
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
            }
            '-' | '~' if depth > 0 && chars.peek() == Some(&c) => {
                out.push('\\');
                out.push(c);
            }
            '.' if depth == 0 && !dot_all => out.push_str(r"[^\n\r\x85\x{2028}\x{2029}]"),
            '$' if depth == 0 && !lines => out.push_str(r"(?=(?:\r\n|[\n\r\x85\x{2028}\x{2029}])?\z)"),
            _ => out.push(c),
        }
    }
    Some(out)
}

/// Whether the pattern says `s` (dots match line ends), and `m` (ends of lines are ends), in flags.
fn flags(pattern: &str) -> (bool, bool) {
    let (mut dot_all, mut lines) = (false, false);
    for (at, _) in pattern.match_indices("(?") {
        let rest = pattern.get(at + 2..).unwrap_or_default();
        let on: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        let ends = rest.chars().nth(on.len());
        if matches!(ends, Some(')' | ':' | '-')) {
            dot_all |= on.contains('s');
            lines |= on.contains('m');
        }
    }
    (dot_all, lines)
}

/// What follows a backslash.
fn escape(chars: &mut Peekable<Chars<'_>>, in_set: bool, out: &mut String) -> Option<()> {
    let mut set = |members: &str, negated: bool| match (in_set, negated) {
        (true, false) => out.push_str(members),
        (_, true) => {
            out.push_str("[^");
            out.push_str(members);
            out.push(']');
        }
        (false, false) => {
            out.push('[');
            out.push_str(members);
            out.push(']');
        }
    };
    match chars.next()? {
        'd' => set("0-9", false),
        'D' => set("0-9", true),
        'w' => set(WORD, false),
        'W' => set(WORD, true),
        's' => set(SPACE, false),
        'S' => set(SPACE, true),
        'h' => set(HORIZONTAL, false),
        'H' => set(HORIZONTAL, true),
        'v' => set(VERTICAL, false),
        'V' => set(VERTICAL, true),
        'R' => out.push_str(r"(?:\r\n|[\n\x0B\f\r\x85\x{2028}\x{2029}])"),
        'Z' => out.push_str(r"(?=(?:\r\n|[\n\r\x85\x{2028}\x{2029}])?\z)"),
        'e' => out.push_str(r"\x1B"),
        'a' => out.push_str(r"\x07"),
        'c' => push_code(u32::from(chars.next()?) ^ 64, out),
        'u' => {
            let digits: String = (0..4).filter_map(|_| chars.next()).collect();
            let mut code = u32::from_str_radix(&digits, 16).ok()?;
            if (0xD800..0xDC00).contains(&code) && chars.next_if_eq(&'\\').is_some() {
                chars.next_if_eq(&'u')?;
                let digits: String = (0..4).filter_map(|_| chars.next()).collect();
                let low = u32::from_str_radix(&digits, 16).ok()?.checked_sub(0xDC00)?;
                code = 0x1_0000 + ((code - 0xD800) << 10) + low;
            }
            push_code(code, out);
        }
        '0' => {
            let mut code = 0;
            let mut any = false;
            for _ in 0..3 {
                let Some(digit) = chars.next_if(|c| ('0'..='7').contains(c)) else { break };
                code = code * 8 + digit.to_digit(8)?;
                any = true;
                if code > 0o37 {
                    break;
                }
            }
            any.then_some(())?;
            push_code(code, out);
        }
        'Q' => {
            let mut quoted = String::new();
            for c in chars.by_ref() {
                quoted.push(c);
                if quoted.ends_with("\\E") {
                    quoted.truncate(quoted.len() - 2);
                    break;
                }
            }
            out.push_str(&fancy_regex::escape(&quoted));
        }
        'p' => property(chars, false, in_set, out)?,
        'P' => property(chars, true, in_set, out)?,
        c @ ('<' | '>') => out.push(c),
        c if c.is_ascii() => {
            out.push('\\');
            out.push(c);
        }
        c => out.push(c),
    }
    Some(())
}

fn push_code(code: u32, out: &mut String) {
    out.push_str(&format!("\\x{{{code:x}}}"));
}

/// `\p{name}`: Java's names of sets.
fn property(chars: &mut Peekable<Chars<'_>>, negated: bool, in_set: bool, out: &mut String) -> Option<()> {
    let name: String = if chars.next_if_eq(&'{').is_some() {
        let name: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}')).collect();
        chars.next()?;
        name
    } else {
        chars.next()?.to_string()
    };
    let members = match name.as_str() {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7F",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r##"!-/:-@\[-`\{-~"##,
        "Graph" => "!-~",
        "Print" => " -~",
        "Blank" => r" \t",
        "Cntrl" => r"\x00-\x1F\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => SPACE,
        "javaLowerCase" => r"\p{Lowercase}",
        "javaUpperCase" => r"\p{Uppercase}",
        "javaWhitespace" => r"\p{White_Space}",
        "javaLetter" => r"\p{L}",
        "javaDigit" => r"\p{Nd}",
        "javaLetterOrDigit" => r"\p{L}\p{Nd}",
        "javaAlphabetic" => r"\p{Alphabetic}",
        _ => {
            let name = name.strip_prefix("Is").unwrap_or(&name);
            out.push_str(if negated { r"\P{" } else { r"\p{" });
            out.push_str(name);
            out.push('}');
            return Some(());
        }
    };
    match (in_set, negated) {
        (true, false) => out.push_str(members),
        (_, true) => out.push_str(&format!("[^{members}]")),
        (false, false) => out.push_str(&format!("[{members}]")),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns() {
        for (pattern, text, expected) in [
            (r"^\d+$", "123", Some(true)),
            (r"^\d+$", "123\n", Some(true)),
            (r"^\d+$", "12a", Some(false)),
            (r"\w", "ä", Some(false)),
            (r"\p{Alpha}+", "abc", Some(true)),
            (r"^[\p{Upper}\d]+$", "A1", Some(true)),
            (r"a++b", "aaab", Some(true)),
            (r"a.b", "a\rb", Some(false)),
            (r"(?s)a.b", "a\nb", Some(true)),
            (r"\Qa.b\E", "a.b", Some(true)),
            (r"\Qa.b\E", "axb", Some(false)),
            (r"A", "A", Some(true)),
            (r"\x41\0101", "AA", Some(true)),
            (r"(a)\1", "aa", Some(true)),
            (r"[a-z&&[^b]]", "b", Some(false)),
            (r"(?<!x)y", "xy", Some(false)),
            (r"\p{IsLatin}", "ä", Some(true)),
            (r"(?m)^b$", "a\nb\nc", Some(true)),
            (r"(a", "a", None),
            (r"*", "a", None),
            (r"[]a]", "a", None),
        ] {
            let found = compile(pattern, &Settings::default()).ok().map(|regex| is_match(&regex, text).unwrap());
            assert_eq!(found, expected, "{pattern}");
        }
    }
}
