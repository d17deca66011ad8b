//! JSON text as values: from_json.

use arrow::array::{Array, ArrayRef, AsArray};

use super::options::{Options, check_corrupt_record, option_map, schema_argument, shown};
use super::read::{Cause, Parser, Record};
use super::values::{Value, array_of};
use crate::error::error;
use crate::functions::nested::{argument, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Error, Result, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "from_json",
    Group::Json,
    "from_json(jsonStr, schema[, options]) - The JSON text as a struct, array or map of that schema; what does not fit is null.",
    &[
        ("SELECT from_json('{\"a\":1, \"b\":0.8}', 'a INT, b DOUBLE')", "{\"a\":1,\"b\":0.8}"),
        (
            "SELECT from_json('{\"time\":\"26/08/2015\"}', 'time Timestamp', map('timestampFormat', 'dd/MM/yyyy'))",
            "{\"time\":2015-08-26 00:00:00}",
        ),
    ],
    from_json,
)];

fn from_json(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let out = schema_argument(call, 1)?;
    let constants = option_map(call, 2)?;
    if !matches!(out, SparkType::Struct(_) | SparkType::Array(..) | SparkType::Map(..)) {
        let reason = format!("`from_json` makes a struct, an array or a map, not \"{}\": give such a schema", out.sql());
        return Err(call.mismatch("DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", reason));
    }
    if has_other_keys(&out) {
        let reason = format!("the keys of JSON are text, and \"{}\" has a map with others: make them string", out.sql());
        return Err(call.mismatch("DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE", reason));
    }
    let text = call.expect(0, &Want::String)?;
    let options = Options::of(&constants);
    options.fails_fast("from_json").map_err(|error| crate::error::at(error, call.span))?;
    Parser::new(&options, call.settings).map_err(|error| crate::error::at(error, call.span))?;
    if let SparkType::Struct(fields) = &out {
        check_corrupt_record(fields, options.corrupt_record(call.settings)).map_err(|error| crate::error::at(error, call.span))?;
    }
    let is_map = matches!(out, SparkType::Map(..));
    let made = call.scalar_with(kernel, vec![text.clone()], constants, out, true);
    Ok(if is_map { made.shown("entries") } else { shown(call, made, &text) })
}

fn has_other_keys(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Map(key, value, _) => !key.is_string() || has_other_keys(value),
        SparkType::Array(element, _) => has_other_keys(element),
        SparkType::Struct(fields) => fields.iter().any(|field| has_other_keys(&field.data_type)),
        _ => false,
    }
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let texts = argument(args, 0)?.as_string::<i32>();
    let options = Options::of(args.constants);
    let parser = Parser::new(&options, args.settings)?;
    let fails_fast = options.fails_fast("from_json")?;
    // The column for malformed records is not read.
    let corrupt = match args.out {
        SparkType::Struct(fields) => fields.iter().position(|field| field.name == options.corrupt_record(args.settings)),
        _ => None,
    };
    let wanted = match (args.out, corrupt) {
        (SparkType::Struct(fields), Some(corrupt)) => {
            let fields = fields.iter().enumerate().filter(|(at, _)| *at != corrupt).map(|(_, field)| field.clone());
            SparkType::Struct(fields.collect())
        }
        (other, _) => other.clone(),
    };
    let mut values = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if texts.is_null(row) {
            values.push(Value::Null);
            continue;
        }
        let text = texts.value(row);
        let (found, bad) = match parser.record(text, &wanted) {
            Record::Whole(None) => {
                values.push(Value::Null);
                continue;
            }
            Record::Whole(Some(value)) => (Some(value), false),
            Record::Bad(_, cause) if fails_fast => return Err(malformed(text, cause)),
            Record::Bad(value, _) => (value, true),
        };
        values.push(match &wanted {
            SparkType::Struct(fields) => {
                let mut parts = match found {
                    Some(Value::Struct(parts)) => parts,
                    _ => vec![Value::Null; fields.len()],
                };
                if let Some(corrupt) = corrupt {
                    parts.insert(corrupt.min(parts.len()), if bad { Value::Text(text.to_owned()) } else { Value::Null });
                }
                Value::Struct(parts)
            }
            _ => found.unwrap_or(Value::Null),
        });
    }
    array_of(values, args.out)
}

/// The error for a malformed record with the mode FAILFAST.
fn malformed(text: &str, cause: Cause) -> Error {
    let (condition, why) = match cause {
        Cause::ArrayAsStruct => {
            ("MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS", "it is an array, not a struct".to_owned())
        }
        Cause::TextAsNumber(value) => {
            ("MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_STRING_AS_DATATYPE", format!("`{value}` is text, not a number"))
        }
        Cause::Other(why) => ("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", why),
    };
    error(condition, format!("the record `{text}` is malformed: {why}; correct it, or set the option `mode` to PERMISSIVE for nulls"))
}
