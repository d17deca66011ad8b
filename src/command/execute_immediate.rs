//! EXECUTE IMMEDIATE: a statement in a text, with values for its parameters.

use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, ExpressionKind, Statement};
use tidemill_spark::types::SparkType;

use super::{Context, rows, variable};
use crate::catalog::{Variable, no_variable};
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};

/// EXECUTE IMMEDIATE.
pub(super) async fn run(cx: &Context<'_>, query: &Expression, into: &[Vec<String>], using: &[Expression]) -> Result<DataFrame> {
    let computed = cx.values(&[(query, None)]).await?.into_iter().next();
    let (data_type, value) = computed.ok_or_else(|| Error::internal("the text to execute was lost"))?;
    if !data_type.is_string() {
        let message = format!("EXECUTE IMMEDIATE takes a text, not a value of type \"{}\"", data_type.sql());
        return Err(error("INVALID_EXPR_TYPE_FOR_QUERY_EXECUTE_IMMEDIATE", message));
    }
    if value.is_null() {
        return Err(error("NULL_QUERY_STRING_EXECUTE_IMMEDIATE", "EXECUTE IMMEDIATE was given NULL for a statement: give a text"));
    }
    let array = value.to_array()?;
    let text = tidemill_spark::types::render::text_at(&array, 0, &SparkType::String, &cx.settings)?;
    let text = bound(cx, &text, using).await?;
    let statement = tidemill_spark::parse::parse_statement(&text, &tidemill_spark::parse::ParseOptions::new(&cx.settings)?)?;
    if matches!(statement, Statement::Command(tidemill_spark::plan::Command::ExecuteImmediate { .. })) {
        return Err(error("NESTED_EXECUTE_IMMEDIATE", "EXECUTE IMMEDIATE does not execute another one: give the inner statement"));
    }
    if matches!(statement, Statement::Command(tidemill_spark::plan::Command::Script { .. })) {
        return Err(error("SQL_SCRIPT_IN_EXECUTE_IMMEDIATE", "EXECUTE IMMEDIATE takes one statement: BEGIN … END is none"));
    }
    match statement {
        Statement::Query(relation) if into.is_empty() => crate::dataframe::query(cx.session, &relation).await,
        Statement::Query(relation) => {
            let mut targets: Vec<(String, Variable)> = Vec::new();
            for name in into {
                let (key, found) = cx.catalog().variable(name)?;
                if targets.iter().any(|(other, _)| *other == key) {
                    return Err(error("DUPLICATE_ASSIGNMENTS", format!("the variable `{key}` is set twice: set it once")));
                }
                targets.push((key.clone(), found.ok_or_else(|| no_variable(&key))?));
            }
            let types: Vec<SparkType> = targets.iter().map(|(_, variable)| variable.data_type.clone()).collect();
            let values = variable::one_row(cx, &relation, &types).await?;
            for ((key, variable), value) in targets.into_iter().zip(values) {
                cx.catalog().put_variable(key, Variable { value, ..variable }, true)?;
            }
            rows::nothing(cx)
        }
        Statement::Command(_) if !into.is_empty() => {
            Err(error("INVALID_STATEMENT_FOR_EXECUTE_INTO", "INTO takes the row of a query, and the statement is none: leave INTO out"))
        }
        Statement::Command(command) => Box::pin(super::run(cx.session, &command, &text)).await,
    }
}

/// The text with constants in the place of its parameters. They are found by the lexer's rules: not in strings, names or comments.
async fn bound(cx: &Context<'_>, text: &str, using: &[Expression]) -> Result<String> {
    let markers = markers(text);
    if using.is_empty() {
        if let Some((_, name)) = markers.first() {
            let message = format!("the statement has the parameter `{name}`, and there is no value for it: say USING");
            return Err(error("UNBOUND_SQL_PARAMETER", message).with_parameter("name", name));
        }
        return Ok(text.to_owned());
    }
    let mut named: Vec<(Option<String>, String)> = Vec::new();
    for value in using {
        let (name, inner) = match &value.kind {
            ExpressionKind::Alias { expr, name } => (name.last().cloned(), expr.as_ref()),
            ExpressionKind::UnresolvedAttribute { name, .. } => (name.last().cloned(), value),
            _ => (None, value),
        };
        let computed = cx.values(&[(inner, None)]).await?.into_iter().next();
        let (data_type, value) = computed.ok_or_else(|| Error::internal("a parameter's value was lost"))?;
        named.push((name, constant(cx, &data_type, &value)?));
    }
    let mut out = String::new();
    let mut at = 0;
    let mut positional = named.iter();
    for (place, name) in &markers {
        out.push_str(text.get(at..place.start).unwrap_or_default());
        let value = if name == "?" {
            positional.next().map(|(_, value)| value)
        } else {
            named.iter().find(|(known, _)| known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name))).map(|(_, value)| value)
        };
        match value {
            Some(value) => out.push_str(value),
            None => {
                let message = format!("there is no value for the parameter `{name}`: add one to USING");
                return Err(error("UNBOUND_SQL_PARAMETER", message).with_parameter("name", name));
            }
        }
        at = place.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

/// A constant as SQL.
fn constant(cx: &Context<'_>, data_type: &SparkType, value: &datafusion::scalar::ScalarValue) -> Result<String> {
    if value.is_null() {
        return Ok(if *data_type == SparkType::Null { "NULL".to_owned() } else { format!("CAST(NULL AS {})", data_type.sql()) });
    }
    if data_type.is_nested() || matches!(data_type, SparkType::CalendarInterval) {
        let message = format!("USING takes plain values, not \"{}\": put the value into a session variable", data_type.sql());
        return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
    }
    let text = tidemill_spark::types::render::text_at(&value.to_array()?, 0, data_type, &cx.settings)?;
    let quoted = format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    Ok(match data_type {
        SparkType::String => quoted,
        SparkType::Integer if !text.starts_with('-') => text,
        SparkType::DayTimeInterval(..) | SparkType::YearMonthInterval(..) => format!("({text})"),
        other => format!("CAST({quoted} AS {})", other.sql()),
    })
}

/// Where parameters stand: `?` and `:name`.
fn markers(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let at = |place: usize| bytes.get(place).copied();
    let mut place = 0;
    while let Some(byte) = at(place) {
        match byte {
            b'\'' | b'"' | b'`' => {
                place += 1;
                while let Some(inner) = at(place) {
                    place += 1;
                    if inner == b'\\' && byte != b'`' {
                        place += 1;
                    } else if inner == byte {
                        break;
                    }
                }
            }
            b'-' if at(place + 1) == Some(b'-') => {
                while at(place).is_some_and(|b| b != b'\n') {
                    place += 1;
                }
            }
            b'/' if at(place + 1) == Some(b'*') => {
                place += 2;
                while at(place).is_some() && !(at(place) == Some(b'*') && at(place + 1) == Some(b'/')) {
                    place += 1;
                }
                place += 2;
            }
            b'?' => {
                found.push((place..place + 1, "?".to_owned()));
                place += 1;
            }
            // `a::type` and `struct<a:int>` are no parameters.
            b':' if at(place + 1) == Some(b':') => place += 2,
            b':' if at(place + 1).is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
                && !place.checked_sub(1).and_then(at).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                let start = place;
                place += 1;
                while at(place).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    place += 1;
                }
                found.push((start..place, text.get(start + 1..place).unwrap_or_default().to_owned()));
            }
            _ => place += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_in_a_text() {
        for (text, expected) in [
            ("SELECT ? + ?", vec!["?", "?"]),
            ("SELECT :a, ':b', `:c` -- :d\n, :e_1", vec!["a", "e_1"]),
            ("SELECT 1::int, CAST(x AS struct<a:int>) /* ? */", vec![]),
            ("SELECT 'it\\'s ?', \"?\"", vec![]),
        ] {
            let names: Vec<String> = markers(text).into_iter().map(|(_, name)| name).collect();
            assert_eq!(names, expected, "{text}");
        }
    }
}
