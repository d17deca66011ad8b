//! Arrays as text: array_join.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};

use crate::functions::nested::{Lists, argument, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::kernel::retype::wrong_layout;
use crate::types::{SparkType, lattice};
use crate::{Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[row(
    "array_join",
    Group::Array,
    "array_join(array, delimiter[, nullReplacement]) - The elements as one text with the delimiter between them; nulls are passed over, or replaced.",
    &[
        ("SELECT array_join(array('hello', 'world'), ' ')", "hello world"),
        ("SELECT array_join(array('hello', null ,'world'), ' ')", "hello world"),
        ("SELECT array_join(array('hello', null ,'world'), ' ', ',')", "hello , world"),
    ],
    array_join,
)];

fn array_join(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let array = call.arg(0)?;
    let strings = match &array.data_type {
        SparkType::Array(element, nulls) if !element.is_string() => {
            let wanted = SparkType::Array(Box::new(SparkType::String), *nulls);
            lattice::implicit_type(&array.data_type, &Want::Type(wanted), call.settings.ansi)
        }
        SparkType::Array(..) => Some(array.data_type.clone()),
        SparkType::Null => Some(SparkType::array(SparkType::String)),
        _ => None,
    };
    let is_text = |to: &SparkType| matches!(to, SparkType::Array(element, _) if element.is_string());
    let Some(strings) = strings.filter(is_text) else { return Err(call.unexpected_type(0, &array, "\"ARRAY<STRING>\"")) };
    let mut args = vec![call.coerce(array, &strings)?];
    for at in 1..call.len() {
        args.push(call.expect(at, &Want::String)?);
    }
    let nullable = args.iter().any(|arg| arg.nullable);
    Ok(call.scalar(join_kernel, args, SparkType::String, nullable))
}

fn join_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let values = lists.values();
    let texts = values.as_string_opt::<i32>().ok_or_else(|| wrong_layout("text", values.data_type()))?;
    let delimiters = argument(args, 1)?.as_string::<i32>();
    let replacements = args.arrays.get(2).map(|array| array.as_string::<i32>());
    let mut out = StringBuilder::new();
    let mut text = String::new();
    for row in 0..args.rows {
        let range = lists.range(row).filter(|_| !delimiters.is_null(row) && !replacements.is_some_and(|r| r.is_null(row)));
        let Some(range) = range else {
            out.append_null();
            continue;
        };
        text.clear();
        let mut first = true;
        for i in range {
            let item = if texts.is_null(i) { replacements.map(|r| r.value(row)) } else { Some(texts.value(i)) };
            if let Some(item) = item {
                if !first {
                    text.push_str(delimiters.value(row));
                }
                text.push_str(item);
                first = false;
            }
        }
        out.append_value(&text);
    }
    Ok(Arc::new(out.finish()))
}
