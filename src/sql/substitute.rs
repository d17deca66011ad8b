//! `${name}` in a statement's text: the value of a setting, in its place before the text is read, strings included.

use crate::session::Session;

/// How deep values may hold further names.
const DEEPEST: usize = 40;

/// The text with settings in the place of their names; a name that is not set is nothing. Other prefixes than Spark's for settings
/// (`env:`, `system:`) stay as they are: statements do not read the environment.
pub(super) fn substituted(session: &Session, text: &str) -> String {
    let is_on = session.setting("spark.sql.variable.substitute").is_none_or(|value| !value.eq_ignore_ascii_case("false"));
    if is_on { replaced(text, &|name| session.setting(name), 0) } else { text.to_owned() }
}

fn replaced(text: &str, setting: &dyn Fn(&str) -> Option<String>, depth: usize) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        let name = behind.split_once('}').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
        match name {
            Some((name, after)) => {
                match value_of(name, setting) {
                    Some(value) if depth < DEEPEST => out.push_str(&replaced(&value, setting, depth + 1)),
                    _ => out.push_str(&format!("${{{name}}}")),
                }
                rest = after;
            }
            None => {
                out.push_str("${");
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

fn value_of(name: &str, setting: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let key = match name.split_once(':') {
        None => name,
        Some(("spark" | "sparkconf" | "hivevar" | "hiveconf", key)) => key,
        Some(_) => return None,
    };
    Some(setting(key).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_values() {
        let settings = |name: &str| match name {
            "a" => Some("1".to_owned()),
            "b" => Some("<${a}>".to_owned()),
            "c" => Some("${c}".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT ${a}, '${hiveconf:a}'", "SELECT 1, '1'"),
            ("${b}${nosuch}.", "<1>."),
            ("${env:HOME} ${ a} ${} ${", "${env:HOME} ${ a} ${} ${"),
            ("${c}", "${c}"),
        ] {
            assert_eq!(replaced(text, &settings, 0), expected, "{text}");
        }
    }
}
