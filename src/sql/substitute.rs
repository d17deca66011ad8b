//! `${name}` in a statement's text, strings included: the value of that setting, before the text is read. One that is not set is nothing.
//!
//! Source: Spark, `VariableSubstitution` and `ConfigReader`.

use tidemill_spark::error::error;

use tidemill_planner::Result;

/// How deep values may name other values.
const DEEPEST: usize = 40;
/// How many names may be replaced in a statement: values that name others twice double them at each level.
const MOST: usize = 10_000;

/// The text with its variables replaced; `value` knows those of each prefix: none or `spark`, `hivevar` and others for settings, `env` for
/// the process's.
///
/// # Errors
/// For a variable whose value names itself, and for more than ten thousand in one text.
pub(super) fn substitute(text: &str, value: &dyn Fn(Option<&str>, &str) -> Option<String>) -> Result<String> {
    replaced(text, value, &mut Vec::new(), &mut 0)
}

fn replaced(
    text: &str,
    value: &dyn Fn(Option<&str>, &str) -> Option<String>,
    inside: &mut Vec<String>,
    count: &mut usize,
) -> Result<String> {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        let Some(end) = from.find('}') else { break };
        made.push_str(before);
        let (whole, after) = from.split_at(end + 1);
        let said = &from[2..end];
        rest = after;
        if said.is_empty() || said.contains(char::is_whitespace) {
            made.push_str(whole);
            continue;
        }
        let (prefix, name) = match said.split_once(':') {
            Some((prefix, name)) if prefix.chars().all(|c| c.is_alphanumeric() || c == '_') => (Some(prefix), name),
            _ => (None, said),
        };
        let Some(found) = value(prefix, name) else {
            made.push_str(whole);
            continue;
        };
        if inside.iter().any(|known| known == said) || inside.len() >= DEEPEST {
            let message = format!("the value of `${{{said}}}` names itself: set it to something else");
            return Err(error("INVALID_PARAMETER_VALUE.PATTERN", message));
        }
        *count += 1;
        if *count > MOST {
            let message = format!("the statement has more than {MOST} variables in it, those in values of others among them: name fewer");
            return Err(error("INVALID_PARAMETER_VALUE.PATTERN", message));
        }
        inside.push(said.to_owned());
        made.push_str(&replaced(&found, value, inside, count)?);
        inside.pop();
    }
    made.push_str(rest);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::substitute;

    #[test]
    fn variables_are_settings() {
        let value = |prefix: Option<&str>, name: &str| match (prefix, name) {
            (None | Some("hivevar"), "t") => Some("people".to_owned()),
            (None, "deep") => Some("<${t}>".to_owned()),
            (None, "round") => Some("${round}".to_owned()),
            (Some("env"), "HOME") => Some("/h".to_owned()),
            _ => None,
        };
        let cases = [
            ("SELECT 1", "SELECT 1"),
            ("SELECT * FROM ${t} WHERE x = '${hivevar:t}'", "SELECT * FROM people WHERE x = 'people'"),
            ("${deep}${env:HOME}", "<people>/h"),
            ("${none} ${ t} ${} $t ${open", "${none} ${ t} ${} $t ${open"),
        ];
        for (text, expected) in cases {
            assert_eq!(substitute(text, &value).unwrap(), expected, "{text}");
        }
        assert!(substitute("${round}", &value).is_err());
        // Each value names the next one twice: 2^30 names in all.
        let doubled = |_: Option<&str>, name: &str| match name.parse() {
            Ok(0) => Some(String::new()),
            Ok(n) => Some(format!("${{{0}}}${{{0}}}", n - 1_u32)),
            Err(_) => None,
        };
        assert!(substitute("${30}", &doubled).is_err());
    }
}
