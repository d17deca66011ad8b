//! Parameters of statements, `?` and `:name`: their values are put into the text before it is parsed, so that they may stand wherever a
//! constant may. So does Spark 4.1 (`ParameterHandler`).

use arrow::array::{Array, ArrayRef, AsArray};
use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, ExpressionKind};
use tidemill_spark::types::SparkType;

use super::Context;
use tidemill_planner::{Error, Result};

/// The text with constants in the place of its parameters. They are found by the lexer's rules: not in strings, names or comments.
/// A value is named by its alias, or by the column that it is.
///
/// # Errors
/// `UNBOUND_SQL_PARAMETER`, `INVALID_QUERY_MIXED_QUERY_PARAMETERS`, and those of the values.
pub(super) async fn bound(cx: &Context<'_>, text: &str, values: &[Expression]) -> Result<String> {
    let markers = markers(text);
    if markers.iter().any(|(_, name)| name == "?") && markers.iter().any(|(_, name)| name != "?") {
        let message = "the statement has parameters with names and without: use one kind";
        return Err(error("INVALID_QUERY_MIXED_QUERY_PARAMETERS", message));
    }
    let mut named: Vec<(Option<String>, String)> = Vec::new();
    for value in values {
        let (name, inner) = match &value.kind {
            ExpressionKind::Alias { expr, name } => (name.last().cloned(), expr.as_ref()),
            ExpressionKind::UnresolvedAttribute { name, .. } => (name.last().cloned(), value),
            _ => (None, value),
        };
        let computed = cx.values(&[(inner, None)]).await?.into_iter().next();
        let (data_type, value) = computed.ok_or_else(|| Error::internal("a parameter's value was lost"))?;
        named.push((name, constant(cx, &data_type, &value.to_array()?, 0)?));
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
                let message = format!("there is no value for the parameter `{name}`: add one");
                return Err(error("UNBOUND_SQL_PARAMETER", message).with_parameter("name", name));
            }
        }
        at = place.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

/// A constant as SQL: the row of an array.
fn constant(cx: &Context<'_>, data_type: &SparkType, values: &ArrayRef, row: usize) -> Result<String> {
    if *data_type == SparkType::Null {
        return Ok("NULL".to_owned());
    }
    if values.is_null(row) {
        return Ok(format!("CAST(NULL AS {})", data_type.sql()));
    }
    let items = |data_type: &SparkType, items: &ArrayRef| -> Result<Vec<String>> {
        (0..items.len()).map(|item| constant(cx, data_type, items, item)).collect()
    };
    match data_type {
        SparkType::Array(element, _) => {
            let array = format!("ARRAY({})", items(element, &values.as_list::<i32>().value(row))?.join(", "));
            Ok(if values.as_list::<i32>().value_length(row) == 0 { format!("CAST({array} AS {})", data_type.sql()) } else { array })
        }
        SparkType::Map(key, value, _) => {
            let entries = values.as_map().value(row);
            let (keys, values) = (items(key, entries.column(0))?, items(value, entries.column(1))?);
            let map = format!("MAP({})", keys.into_iter().zip(values).flat_map(|(k, v)| [k, v]).collect::<Vec<_>>().join(", "));
            Ok(if entries.is_empty() { format!("CAST({map} AS {})", data_type.sql()) } else { map })
        }
        SparkType::Struct(fields) => {
            let columns = fields
                .iter()
                .zip(values.as_struct().columns())
                .map(|(field, column)| Ok(format!("{}, {}", quoted(&field.name), constant(cx, &field.data_type, column, row)?)));
            Ok(format!("NAMED_STRUCT({})", columns.collect::<Result<Vec<_>>>()?.join(", ")))
        }
        SparkType::CalendarInterval => {
            let message = "a parameter is no calendar interval: give days, or months, or microseconds";
            Err(error("INVALID_SQL_ARG", message))
        }
        _ => {
            let text = tidemill_spark::types::render::text_at(values, row, data_type, &cx.settings)?;
            Ok(match data_type {
                SparkType::String => quoted(&text),
                SparkType::Integer if !text.starts_with('-') => text,
                SparkType::Binary => format!("X'{}'", hex(values.as_binary::<i32>().value(row))),
                SparkType::DayTimeInterval(..) | SparkType::YearMonthInterval(..) => format!("({text})"),
                other => format!("CAST({} AS {})", quoted(&text), other.sql()),
            })
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
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
