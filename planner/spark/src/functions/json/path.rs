//! Parts of JSON text: get_json_object, json_array_length, json_object_keys.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListBuilder, StringBuilder};

use super::token::{Liberties, Malformed, Reader, Token};
use super::writer::Writer;
use crate::functions::nested::{argument, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::kernel::retype::retype;
use crate::types::{SparkType, to_arrow};
use crate::{Result, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "get_json_object",
        Group::Json,
        "get_json_object(json_txt, path) - The value at a path such as `$.a[0].b` or `$[*].a`, as text; null for text that is no JSON.",
        &[
            ("SELECT get_json_object('{\"a\":\"b\"}', '$.a')", "b"),
            ("SELECT get_json_object('[{\"a\":\"b\"},{\"a\":\"c\"}]', '$[0].a')", "b"),
            ("SELECT get_json_object('[{\"a\":\"b\"},{\"a\":\"c\"}]', '$[*].a')", "[\"b\",\"c\"]"),
        ],
        get_json_object,
    ),
    row(
        "json_array_length",
        Group::Json,
        "json_array_length(jsonArray) - How many elements the outermost array has; null for other JSON, and for what is none.",
        &[
            ("SELECT json_array_length('[1,2,3,4]')", "4"),
            ("SELECT json_array_length('[1,2,3,{\"f1\":1,\"f2\":[5,6]},4]')", "5"),
            ("SELECT json_array_length('[1,2')", "NULL"),
        ],
        json_array_length,
    ),
    row(
        "json_object_keys",
        Group::Json,
        "json_object_keys(json_object) - The names of the outermost object's fields; null for other JSON, and for what is none.",
        &[
            ("SELECT json_object_keys('{}')", "[]"),
            ("SELECT json_object_keys('{\"key\": \"value\"}')", "[\"key\"]"),
            ("SELECT json_object_keys('{\"f1\":\"abc\",\"f2\":{\"f3\":\"a\", \"f4\":\"b\"}}')", "[\"f1\",\"f2\"]"),
        ],
        json_object_keys,
    ),
];

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Into an array.
    Subscript,
    /// Everything there is.
    Wildcard,
    /// Into an object.
    Key,
    /// An element, from 0.
    Index(u64),
    /// A field.
    Named(String),
}

/// The steps of a path; `None` for text that is none.
fn parse_path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    loop {
        let trimmed = rest.trim_start();
        if trimmed.is_empty() {
            return Some(steps);
        }
        if let Some(after) = trimmed.strip_prefix(".*").or_else(|| trimmed.strip_prefix("['*']")) {
            steps.push(Step::Wildcard);
            rest = after;
        } else if let Some((name, after)) = dotted(rest).or_else(|| bracketed(trimmed)) {
            steps.push(Step::Key);
            steps.push(Step::Named(name.to_owned()));
            rest = after;
        } else {
            let inside = rest.strip_prefix('[')?;
            steps.push(Step::Subscript);
            if let Some(after) = inside.strip_prefix('*') {
                steps.push(Step::Wildcard);
                rest = after.strip_prefix(']')?;
            } else {
                let inside = inside.trim_start();
                let digits = inside.len() - inside.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                steps.push(Step::Index(inside.get(..digits)?.parse().ok()?));
                rest = inside.get(digits..)?.strip_prefix(']')?;
            }
        }
    }
}

/// `.name`
fn dotted(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('.')?.trim_start();
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// `['name']`
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("['")?.trim_start();
    let end = rest.find('\'').filter(|end| *end > 0)?;
    let (name, rest) = rest.split_at(end);
    Some((name, rest.trim_start().strip_prefix("']")?))
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Text without quotes.
    Raw,
    /// As JSON.
    Quoted,
    /// As JSON, the elements of arrays one by one.
    Flatten,
}

/// Writes what the path leads to; whether there was something.
fn evaluate(reader: &mut Reader<'_>, writer: &mut Writer, style: Style, path: &[Step]) -> std::result::Result<bool, Malformed> {
    let Some(token) = reader.current() else { return Ok(false) };
    match (token, path) {
        (Token::Text, []) if style == Style::Raw => {
            writer.out.push_str(reader.value());
            Ok(true)
        }
        (Token::StartArray, []) if style == Style::Flatten => {
            let mut found = false;
            while reader.next_until(Token::EndArray)? {
                found |= evaluate(reader, writer, style, path)?;
            }
            Ok(found)
        }
        (_, []) => {
            writer.copy(reader)?;
            Ok(true)
        }
        (Token::StartObject, [Step::Key, rest @ ..]) => {
            let mut found = false;
            while reader.next_until(Token::EndObject)? {
                if found {
                    reader.skip_children()?;
                } else {
                    found = evaluate(reader, writer, style, rest)?;
                }
            }
            Ok(found)
        }
        // Two wildcards in a row give one flat array, as in Hive.
        (Token::StartArray, [Step::Subscript, Step::Wildcard, Step::Subscript, Step::Wildcard, rest @ ..]) => {
            elements(reader, writer, Style::Flatten, rest)
        }
        (Token::StartArray, [Step::Subscript, Step::Wildcard, rest @ ..]) if style != Style::Quoted => {
            let inner = if style == Style::Raw { Style::Quoted } else { Style::Flatten };
            let mut several = Writer::default();
            several.start(false);
            let mut count = 0;
            while reader.next_until(Token::EndArray)? {
                count += usize::from(evaluate(reader, &mut several, inner, rest)?);
            }
            several.end();
            // A single match stands without an array, as in Hive.
            match count {
                0 => {}
                1 => writer.plain(several.out.get(1..several.out.len() - 1).unwrap_or_default()),
                _ => writer.plain(&several.out),
            }
            Ok(count > 0)
        }
        (Token::StartArray, [Step::Subscript, Step::Wildcard, rest @ ..]) => elements(reader, writer, Style::Quoted, rest),
        (Token::StartArray, [Step::Subscript, Step::Index(index), rest @ ..]) => {
            reader.next()?;
            let inner = if matches!(rest, [Step::Subscript, Step::Wildcard, ..]) { Style::Quoted } else { style };
            element(reader, writer, inner, rest, *index)
        }
        (Token::Name, [Step::Named(name), rest @ ..]) if reader.name() == Some(name) => {
            if reader.next()? == Some(Token::Null) {
                Ok(false)
            } else {
                evaluate(reader, writer, style, rest)
            }
        }
        (Token::Name, [Step::Wildcard, rest @ ..]) => {
            reader.next()?;
            evaluate(reader, writer, style, rest)
        }
        _ => {
            reader.skip_children()?;
            Ok(false)
        }
    }
}

/// An array of what the rest of the path finds in every element.
fn elements(reader: &mut Reader<'_>, writer: &mut Writer, style: Style, rest: &[Step]) -> std::result::Result<bool, Malformed> {
    let mut found = false;
    writer.start(false);
    while reader.next_until(Token::EndArray)? {
        found |= evaluate(reader, writer, style, rest)?;
    }
    writer.end();
    Ok(found)
}

/// What the rest of the path finds in one element; the reader stands at the first.
fn element(reader: &mut Reader<'_>, writer: &mut Writer, style: Style, rest: &[Step], index: u64) -> std::result::Result<bool, Malformed> {
    let mut left = index;
    loop {
        if matches!(reader.current(), None | Some(Token::EndArray)) {
            return Ok(false);
        }
        if left == 0 {
            break;
        }
        reader.skip_children()?;
        reader.next()?;
        left -= 1;
    }
    let found = evaluate(reader, writer, style, rest)?;
    while reader.next_until(Token::EndArray)? {
        reader.skip_children()?;
    }
    Ok(found)
}

/// The value at a path.
fn at_path(json: &str, path: &[Step]) -> Option<String> {
    let mut reader = Reader::new(json, Liberties::SHARED);
    let mut writer = Writer::default();
    reader.next().ok()?;
    match evaluate(&mut reader, &mut writer, Style::Raw, path) {
        Ok(true) => Some(writer.out),
        _ => None,
    }
}

fn get_json_object(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let args = vec![call.expect(0, &Want::String)?, call.expect(1, &Want::String)?];
    Ok(call.scalar(get_kernel, args, SparkType::String, true))
}

fn get_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (argument(args, 0)?.as_string::<i32>(), argument(args, 1)?.as_string::<i32>());
    let mut out = StringBuilder::new();
    let mut last: Option<(&str, Option<Vec<Step>>)> = None;
    for row in 0..args.rows {
        if texts.is_null(row) || paths.is_null(row) {
            out.append_null();
            continue;
        }
        let path = paths.value(row);
        if last.as_ref().is_none_or(|(text, _)| *text != path) {
            last = Some((path, parse_path(path)));
        }
        let steps = last.as_ref().and_then(|(_, steps)| steps.as_deref());
        out.append_option(steps.and_then(|steps| at_path(texts.value(row), steps)));
    }
    Ok(Arc::new(out.finish()))
}

fn json_array_length(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let text = call.expect(0, &Want::String)?;
    Ok(call.scalar(length_kernel, vec![text], SparkType::Integer, true))
}

fn array_length(json: &str) -> std::result::Result<Option<i32>, Malformed> {
    let mut reader = Reader::new(json, Liberties::SHARED);
    if reader.next()? != Some(Token::StartArray) {
        return Ok(None);
    }
    let mut length = 0;
    while reader.next_until(Token::EndArray)? {
        length += 1;
        reader.skip_children()?;
    }
    Ok(Some(length))
}

fn length_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let texts = argument(args, 0)?.as_string::<i32>();
    let lengths: Int32Array = texts.iter().map(|text| text.and_then(|text| array_length(text).ok().flatten())).collect();
    Ok(Arc::new(lengths))
}

fn json_object_keys(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let text = call.expect(0, &Want::String)?;
    Ok(call.scalar(keys_kernel, vec![text], SparkType::array(SparkType::String), true))
}

fn object_keys(json: &str) -> std::result::Result<Option<Vec<String>>, Malformed> {
    let mut reader = Reader::new(json, Liberties::SHARED);
    if reader.next()? != Some(Token::StartObject) {
        return Ok(None);
    }
    let mut keys = Vec::new();
    while reader.next_until(Token::EndObject)? {
        keys.push(reader.value().to_owned());
        reader.next()?;
        reader.skip_children()?;
    }
    Ok(Some(keys))
}

fn keys_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let texts = argument(args, 0)?.as_string::<i32>();
    let mut out = ListBuilder::new(StringBuilder::new());
    for text in texts {
        match text.and_then(|text| object_keys(text).ok().flatten()) {
            Some(keys) => {
                for key in keys {
                    out.values().append_value(key);
                }
                out.append(true);
            }
            None => out.append(false),
        }
    }
    let made: ArrayRef = Arc::new(out.finish());
    retype(&made, &to_arrow(args.out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_values() {
        for (json, path, expected) in [
            (r#"{"a":"b"}"#, "$.a", Some("b")),
            (r#"{"a":{"b":[1, 2.50, null]}}"#, "$.a", Some(r#"{"b":[1,2.5,null]}"#)),
            (r#"{"a":{"b":[1,2]}}"#, "$.a.b[1]", Some("2")),
            (r#"{"a":{"b":[1,2]}}"#, "$.a.b[2]", None),
            (r#"[{"a":"b"},{"a":"c"}]"#, "$[*].a", Some(r#"["b","c"]"#)),
            (r#"[{"a":"b"}]"#, "$[*].a", Some(r#""b""#)),
            (r#"{"a":null}"#, "$.a", None),
            (r#"{"a":1,"a":2}"#, "$.a", Some("1")),
            (r#"{"a b":1}"#, "$['a b']", Some("1")),
            (r#"{"a":1"#, "$.a", None),
            (r#"{"a":1} x"#, "$.a", Some("1")),
            (r#"{'a':'x'}"#, "$.a", Some("x")),
            (r#"[[1,2],[3]]"#, "$[*][*]", Some("[1,2,3]")),
            (r#"{"a":[{"b":1},{"b":2}]}"#, "$.a[*].b", Some("[1,2]")),
            (r#"{"a":1}"#, "a", None),
            (r#"{"a":1}"#, "$", Some(r#"{"a":1}"#)),
            (r#"{"a":"\u00e9\n"}"#, "$.a", Some("é\n")),
            (r#"{"a":["\n"]}"#, "$.a", Some(r#"["\n"]"#)),
            // A wildcard for fields is read, and finds nothing, as in Spark.
            (r#"{"a":1,"b":2}"#, "$.*", None),
            ("", "$.a", None),
        ] {
            let made = parse_path(path).and_then(|steps| at_path(json, &steps));
            assert_eq!(made.as_deref(), expected, "{json} {path}");
        }
    }

    #[test]
    fn deep_values_are_no_trouble() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let path = parse_path("$[*][*]").unwrap();
        assert!(at_path(&deep(1000), &path).is_none());
        assert!(at_path(&format!("{}1{}", "[".repeat(999), "]".repeat(999)), &path).is_some());
        assert!(array_length(&deep(1001)).is_err());
        for text in ["[", "{\"a\"", "\"\\u12", "{\"a\":[1,}", "tru", "-", "1e", "'", "[1 2]", "{1:2}", "\u{feff}[1]"] {
            assert_eq!(at_path(text, &path), None, "{text}");
            assert!(!matches!(array_length(text), Ok(Some(_))), "{text}");
        }
    }

    #[test]
    fn lengths_and_keys_are_of_the_outermost() {
        assert_eq!(array_length("[1,[2,3],{}]"), Ok(Some(3)));
        assert_eq!(array_length("{}"), Ok(None));
        assert!(array_length("[1,").is_err());
        assert_eq!(object_keys(r#"{"a":{"b":1},"c":[1]}"#), Ok(Some(vec!["a".to_owned(), "c".to_owned()])));
        assert_eq!(object_keys("[]"), Ok(None));
    }
}
