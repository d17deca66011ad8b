//! The columns of JSON lines, from every line of every file, as Spark infers them: whole numbers are bigint, beside fractions
//! double, text stays text, fields stand in order of their names. Values that meet in no type are told by file and line. Lines that are
//! no objects give a column for their text, or are left out, or are an error. It gives a schema; the strict reader reads.
//!
//! Source: Spark, `JsonInferSchema.scala`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::value::RawValue;

use super::table_file::FileAt;
use tidemill_planner::ident::same;
use tidemill_planner::{Error, Result};
use tidemill_spark::error::error;
use tidemill_spark::functions::ParseMode;

/// What a value, or all values of a column so far, can be read as.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Nothing,
    Boolean,
    Long,
    /// A whole number of so many digits, beyond 64 bits.
    Whole(u8),
    Double,
    Text,
    List(Box<Seen>),
    Object(Vec<(String, Seen)>),
}

/// A shape, and the line that made it so: a file's place in the list and a line from 1.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    shape: Shape,
    at: (usize, u64),
}

/// Two values of one column that have no type in common.
#[derive(Debug)]
struct Conflict {
    column: String,
    left: (&'static str, (usize, u64)),
    right: (&'static str, (usize, u64)),
}

/// The columns of the objects in all these files; one more, `corrupt`, for the text of lines that are no objects, where such are rows.
pub(super) fn infer(files: &[FileAt], mode: ParseMode, corrupt: &str) -> Result<SchemaRef> {
    let mut all = Seen { shape: Shape::Object(Vec::new()), at: (0, 0) };
    let (mut objects, mut is_malformed) = (0u64, false);
    for (index, file) in files.iter().enumerate() {
        let found = read(file, index, mode, &mut all).map_err(|failed| match failed {
            Failed::Opening(error) => error,
            Failed::Io(error) => Error::io_at(file, error),
            Failed::Conflict(conflict) => told(&conflict, files),
            Failed::NoObject(line) => {
                let message =
                    format!("{file}, line {line}: it is not a JSON object; correct it, or leave the option `mode` out to read the others");
                error("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", message)
            }
        })?;
        objects += found.objects;
        is_malformed |= found.is_malformed;
    }
    if objects == 0 {
        let shown = files.first().map_or_else(String::new, FileAt::to_string);
        return Err(Error::data(format!(
            "{shown}: no line is a JSON object, so that there are no columns to infer: write one object per line, or give the columns with `schema`"
        )));
    }
    if let Shape::Object(fields) = &mut all.shape
        && is_malformed
        && mode == ParseMode::Permissive
        && !fields.iter().any(|(name, _)| same(name, corrupt))
    {
        fields.push((corrupt.to_owned(), Seen { shape: Shape::Text, at: (0, 0) }));
    }
    let fields = if let Shape::Object(fields) = &all.shape { fields_of(fields) } else { Fields::empty() };
    Ok(Arc::new(Schema::new(fields)))
}

enum Failed {
    Opening(Error),
    Io(std::io::Error),
    Conflict(Conflict),
    /// A line, where the first that is no object ends the read.
    NoObject(u64),
}

/// What the lines of a file are.
#[derive(Default)]
struct Lines {
    objects: u64,
    /// Whether others are there that are not blank.
    is_malformed: bool,
}

/// Takes in the lines of one file.
fn read(at: &FileAt, index: usize, mode: ParseMode, all: &mut Seen) -> std::result::Result<Lines, Failed> {
    let mut file = BufReader::new(at.text().map_err(Failed::Opening)?);
    let (mut line, mut number, mut found) = (Vec::new(), 0, Lines::default());
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line).map_err(Failed::Io)? == 0 {
            return Ok(found);
        }
        number += 1;
        // The mark that some editors put at a file's head is no part of its first line.
        let mark: &[u8] = if number == 1 { b"\xEF\xBB\xBF" } else { b"" };
        let line = line.strip_prefix(mark).unwrap_or(&line);
        if line.iter().all(|byte| b" \t\r\n".contains(byte)) {
            continue;
        }
        let text = std::str::from_utf8(line).ok().filter(|text| text.trim_start().starts_with('{'));
        let Some(seen) = text.and_then(|text| value_of(text, (index, number), DEEPEST)) else {
            if mode == ParseMode::FailFast {
                return Err(Failed::NoObject(number));
            }
            found.is_malformed = true;
            continue;
        };
        found.objects += 1;
        let before = std::mem::replace(all, Seen { shape: Shape::Nothing, at: (0, 0) });
        *all = meet(before, seen, "").map_err(Failed::Conflict)?;
    }
}

/// So deep may values stand in each other; a line that goes deeper is malformed. Each level takes stack.
const DEEPEST: u32 = 500;

/// The shape of a JSON text, unless it is none, or goes more levels down.
fn value_of(text: &str, at: (usize, u64), levels: u32) -> Option<Seen> {
    let (text, below) = (text.trim(), levels.checked_sub(1)?);
    let shape = match text.bytes().next()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let mut seen: Vec<(String, Seen)> = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                seen.push((name, value_of(value.get(), at, below)?));
            }
            Shape::Object(seen)
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let mut item = Seen { shape: Shape::Nothing, at };
            for value in items {
                // A list whose own items do not agree is told as malformed by the reader.
                item = meet(item, value_of(value.get(), at, below)?, "").ok()?;
            }
            Shape::List(Box::new(item))
        }
        b'"' => Shape::Text,
        b't' | b'f' => Shape::Boolean,
        b'n' => Shape::Nothing,
        _ => number(text),
    };
    Some(Seen { shape, at })
}

fn number(text: &str) -> Shape {
    if text.contains(['.', 'e', 'E']) {
        return Shape::Double;
    }
    if text.parse::<i64>().is_ok() {
        return Shape::Long;
    }
    match text.trim_start_matches('-').len() {
        digits @ 0..=38 => Shape::Whole(digits as u8),
        _ => Shape::Double,
    }
}

fn meet(left: Seen, right: Seen, column: &str) -> std::result::Result<Seen, Conflict> {
    use Shape::{Double, List, Long, Nothing, Object, Whole};
    let (at, other) = (left.at, right.at);
    let (shape, at) = match (left.shape, right.shape) {
        (Nothing, shape) => (shape, other),
        (shape, Nothing) => (shape, at),
        (Whole(a), Whole(b)) => (Whole(a.max(b)), at),
        (Whole(digits), Long) => (Whole(digits.max(20)), at),
        (Long, Whole(digits)) => (Whole(digits.max(20)), other),
        (Double, Long | Whole(_)) => (Double, at),
        (Long | Whole(_), Double) => (Double, other),
        (List(a), List(b)) => (List(Box::new(meet(*a, *b, &format!("{column}[]"))?)), at),
        (Object(mut fields), Object(others)) => {
            for (name, seen) in others {
                // Names are one without regard to case, as everywhere.
                let Some((known, field)) = fields.iter_mut().find(|(known, _)| same(known, &name)) else {
                    fields.push((name, seen));
                    continue;
                };
                let path = if column.is_empty() { known.clone() } else { format!("{column}.{known}") };
                let before = std::mem::replace(field, Seen { shape: Nothing, at });
                *field = meet(before, seen, &path)?;
            }
            (Object(fields), at)
        }
        (a, b) if a == b => (a, at),
        (a, b) => return Err(Conflict { column: column.to_owned(), left: (named(&a), at), right: (named(&b), other) }),
    };
    Ok(Seen { shape, at })
}

fn named(shape: &Shape) -> &'static str {
    match shape {
        Shape::Nothing => "null",
        Shape::Boolean => "a boolean",
        Shape::Long | Shape::Whole(_) | Shape::Double => "a number",
        Shape::Text => "text",
        Shape::List(_) => "an array",
        Shape::Object(_) => "an object",
    }
}

fn told(conflict: &Conflict, files: &[FileAt]) -> Error {
    let place = |(what, (file, line)): (&str, (usize, u64))| {
        let path = files.get(file).map_or_else(String::new, FileAt::to_string);
        format!("{what} in {path}, line {line}")
    };
    Error::data(format!(
        "column `{}` is {} and {}: read the files apart, or give the columns with `read().schema(…).json(path)`",
        conflict.column,
        place(conflict.left),
        place(conflict.right)
    ))
}

/// The columns in order of their names. A column of nothing but nulls is text; an object without fields is no column.
fn fields_of(fields: &[(String, Seen)]) -> Fields {
    let mut fields: Vec<Field> = fields.iter().filter_map(|(name, seen)| Some(Field::new(name, data_type(&seen.shape)?, true))).collect();
    fields.sort_by(|a, b| a.name().cmp(b.name()));
    fields.into()
}

fn data_type(shape: &Shape) -> Option<DataType> {
    Some(match shape {
        Shape::Nothing | Shape::Text => DataType::Utf8,
        Shape::Boolean => DataType::Boolean,
        Shape::Long => DataType::Int64,
        Shape::Whole(digits) => DataType::Decimal128(*digits, 0),
        Shape::Double => DataType::Float64,
        Shape::List(item) => DataType::List(Arc::new(Field::new("element", data_type(&item.shape)?, true))),
        Shape::Object(fields) => match fields_of(fields) {
            fields if fields.is_empty() => return None,
            fields => DataType::Struct(fields),
        },
    })
}

#[cfg(test)]
mod tests {
    use tidemill_planner::catalog_string::catalog_string;

    use super::*;

    #[test]
    fn columns_of_lines() {
        for (files, expected) in [
            (vec!["{\"a\":1}\n{\"a\":2}", "{\"a\":3.5}"], "a double"),
            (vec!["{\"b\":true,\"a\":null}", "{\"c\":[1]}", "{\"c\":[2.5]}"], "a string, b boolean, c array<double>"),
            (vec!["{\"a\":12345678901234567890}", "{\"a\":1}"], "a decimal(20,0)"),
            (vec!["{\"a\":{\"x\":1}}", "{\"A\":{\"X\":2,\"y\":\"z\"}}"], "a struct<x:bigint,y:string>"),
            (vec!["\u{feff}{\"a\":1}\n \r\n"], "a bigint"),
            (vec!["GARBAGE\n{\"a\":1}\n{\"a\":\n[1]"], "_corrupt_record string, a bigint"),
            (vec!["{\"a\":1}", "{\"Z\":1}\n\u{feff}{\"a\":1}\n"], "Z bigint, _corrupt_record string, a bigint"),
            (vec!["{\"_corrupt_record\":\"x\"}\n1"], "_corrupt_record string"),
            (vec!["{\"a\":{}}\n{\"b\":1}"], "b bigint"),
            (vec!["{\"a\":1}\n", "\n{\"a\":\"12\"}"], "!column `a` is a number in F0, line 1 and text in F1, line 2"),
            (vec!["{\"a\":{\"x\":1}}", "{\"a\":{\"x\":[]}}"], "!column `a.x` is a number in F0, line 1 and an array in F1, line 1"),
            (vec!["GARBAGE"], "!no line is a JSON object"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let paths: Vec<FileAt> = (0..files.len()).map(|i| dir.path().join(format!("F{i}")).into()).collect();
            for (at, text) in paths.iter().zip(&files) {
                std::fs::write(&at.path, text).unwrap();
            }
            match (infer(&paths, ParseMode::Permissive, "_corrupt_record"), expected.strip_prefix('!')) {
                (Ok(schema), None) => {
                    let shown: Vec<String> =
                        schema.fields().iter().map(|f| format!("{} {}", f.name(), catalog_string(f.data_type()))).collect();
                    assert_eq!(shown.join(", "), expected, "{files:?}");
                }
                (Err(error), Some(part)) => {
                    let message = error.message().replace(&format!("{}/", dir.path().display()), "");
                    assert!(message.contains(part), "{files:?}: {message}");
                }
                (found, _) => panic!("{files:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn lines_that_are_no_objects() {
        let dir = tempfile::tempdir().unwrap();
        let paths: [FileAt; 2] = ["F0", "F1"].map(|name| dir.path().join(name).into());
        std::fs::write(&paths[0].path, "{\"a\":1}\n").unwrap();
        std::fs::write(&paths[1].path, "\n{\"a\":2}\nGARBAGE\n").unwrap();
        for (mode, corrupt, expected) in [
            (ParseMode::Permissive, "bad", Ok(vec!["a", "bad"])),
            (ParseMode::DropMalformed, "bad", Ok(vec!["a"])),
            (ParseMode::FailFast, "bad", Err("F1, line 3: ")),
        ] {
            match (infer(&paths, mode, corrupt), expected) {
                (Ok(schema), Ok(names)) => assert_eq!(schema.fields().iter().map(|field| field.name()).collect::<Vec<_>>(), names),
                (Err(error), Err(part)) => assert!(error.message().contains(part), "{error}"),
                (found, _) => panic!("{mode:?}: {found:?}"),
            }
        }
    }
}
