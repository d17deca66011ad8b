//! Functions that look for text in text, and put other text in its place.

use arrow::array::{Array, ArrayRef, Int32Builder};
use arrow::datatypes::Int32Type;
use datafusion::logical_expr::Expr;
use std::borrow::Cow;
use std::sync::Arc;

use super::column::{
    binaries, bytes, char_offset, defaults, int_literal, ints, row, simple, strings, subbytes, substring, text, text_literal, truths,
    values, wanted,
};
use crate::functions::{Call, Function, KernelArgs, ScalarKernel, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "contains",
        "contains(left, right) - Whether `right` stands anywhere in `left`; both text or both binary.",
        &[("SELECT contains('Spark SQL', 'Spark')", "true"), ("SELECT contains('Spark SQL', 'SPARK')", "false")],
        |call| {
            predicate(call, |args| {
                let (left, right) = (bytes(args, 0)?, bytes(args, 1)?);
                truths(args, |row| Ok(Some(memchr::memmem::find(left.get(row), right.get(row)).is_some())))
            })
        },
    ),
    row(
        "startswith",
        "startswith(left, right) - Whether `left` begins with `right`; both text or both binary.",
        &[("SELECT startswith('Spark SQL', 'Spark')", "true"), ("SELECT startswith('Spark SQL', 'SQL')", "false")],
        |call| {
            let made = predicate(call, |args| {
                let (left, right) = (bytes(args, 0)?, bytes(args, 1)?);
                truths(args, |row| Ok(Some(left.get(row).starts_with(right.get(row)))))
            })?;
            // The engine's own means the same for text, and knows which files cannot match.
            Ok(match &made.expr {
                Expr::ScalarFunction(function) if made_of_text(call) => {
                    let engine = datafusion::functions::string::starts_with();
                    Typed { expr: engine.call(function.args.clone()), ..made }
                }
                _ => made,
            })
        },
    ),
    row(
        "endswith",
        "endswith(left, right) - Whether `left` ends with `right`; both text or both binary.",
        &[("SELECT endswith('Spark SQL', 'SQL')", "true"), ("SELECT endswith('Spark SQL', 'Spark')", "false")],
        |call| {
            predicate(call, |args| {
                let (left, right) = (bytes(args, 0)?, bytes(args, 1)?);
                truths(args, |row| Ok(Some(left.get(row).ends_with(right.get(row)))))
            })
        },
    ),
    row(
        "instr",
        "instr(str, substr) - The place, from 1, at which `substr` first stands in `str`; 0 if it does not.",
        &[("SELECT instr('SparkSQL', 'SQL')", "6")],
        |call| {
            simple(
                call,
                &[Want::String, Want::String],
                |args| {
                    let (input, part) = (text(args, 0)?, text(args, 1)?);
                    values::<Int32Type>(args, |row| Ok(Some(position(input.value(row), part.value(row), 0))))
                },
                SparkType::Integer,
            )
        },
    ),
    row(
        "locate",
        "locate(substr, str[, pos]) - The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not.",
        &[("SELECT locate('bar', 'foobarbar')", "4"), ("SELECT locate('bar', 'foobarbar', 5)", "7")],
        locate,
    ),
    row(
        "position",
        "position(substr, str[, pos]), position(substr IN str) - The place, from 1, at which `substr` first stands in `str` at `pos` or \
         behind; 0 if it does not.",
        &[("SELECT position('bar', 'foobarbar')", "4"), ("SELECT POSITION('bar' IN 'foobarbar')", "4")],
        locate,
    ),
    row(
        "find_in_set",
        "find_in_set(str, str_array) - The place, from 1, of `str` in a list parted by commas; 0 if it is not there or has a comma itself.",
        &[("SELECT find_in_set('ab','abc,b,ab,c,def')", "3")],
        |call| {
            simple(
                call,
                &[Want::String, Want::String],
                |args| {
                    let (word, set) = (text(args, 0)?, text(args, 1)?);
                    values::<Int32Type>(args, |row| Ok(Some(find_in_set(word.value(row), set.value(row)))))
                },
                SparkType::Integer,
            )
        },
    ),
    row(
        "replace",
        "replace(str, search[, replace]) - Puts `replace`, or nothing, wherever `search` stands.",
        &[("SELECT replace('ABCabc', 'abc', 'DEF')", "ABCDEF")],
        |call| {
            defaults(call, 2, &[text_literal("")])?;
            simple(
                call,
                &[Want::String, Want::String, Want::String],
                |args| {
                    let (input, search, put) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
                    strings(args, |row| {
                        let (input, search) = (input.value(row), search.value(row));
                        Ok(Some(if search.is_empty() || !input.contains(search) {
                            Cow::Borrowed(input)
                        } else {
                            Cow::Owned(input.replace(search, put.value(row)))
                        }))
                    })
                },
                SparkType::String,
            )
        },
    ),
    row(
        "overlay",
        "overlay(input, replace, pos[, len]), overlay(input PLACING replace FROM pos [FOR len]) - Puts `replace` at the place `pos` over \
         `len` characters (of binary data, bytes), or as many as it has.",
        &[
            ("SELECT overlay('Spark SQL', '_', 6)", "Spark_SQL"),
            ("SELECT overlay('Spark SQL' PLACING 'tructured' FROM 2 FOR 4)", "Structured SQL"),
        ],
        overlay,
    ),
];

/// `contains` and its like: over bytes if both are, else over text.
fn predicate(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(2..=2)?;
    let binary = call.values()?.iter().all(|value| value.data_type == SparkType::Binary);
    let want = if binary { Want::Type(SparkType::Binary) } else { Want::String };
    simple(call, &[want.clone(), want], kernel, SparkType::Boolean)
}

fn made_of_text(call: &Call<'_>) -> bool {
    call.values().is_ok_and(|values| values.iter().any(|value| value.data_type != SparkType::Binary))
}

fn locate(call: &mut Call<'_>) -> Result<Typed> {
    defaults(call, 2, &[int_literal(1)])?;
    let args = wanted(call, &[Want::String, Want::String, Want::Type(SparkType::Integer)])?;
    let nullable = args.iter().take(2).any(|arg| arg.nullable);
    Ok(call.scalar(locate_kernel, args, SparkType::Integer, nullable))
}

/// A null start finds nothing, before anything else is looked at.
fn locate_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (part, input, start) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?);
    let mut out = Int32Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        if start.is_null(row) {
            out.append_value(0);
        } else if part.is_null(row) || input.is_null(row) {
            out.append_null();
        } else {
            let from = start.value(row);
            out.append_value(if from < 1 { 0 } else { position(input.value(row), part.value(row), from - 1) });
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The place of `part` in characters from 1, looked for behind `skip` characters; 0 if it is not there.
fn position(text: &str, part: &str, skip: i32) -> i32 {
    if part.is_empty() {
        return 1;
    }
    let from = char_offset(text, usize::try_from(skip).unwrap_or(0));
    let Some(found) = text.as_bytes().get(from..).and_then(|rest| memchr::memmem::find(rest, part.as_bytes())) else { return 0 };
    let before = text.get(..from + found).unwrap_or_default();
    super::column::chars(before) + 1
}

fn find_in_set(word: &str, set: &str) -> i32 {
    if word.contains(',') {
        return 0;
    }
    set.split(',').position(|item| item == word).and_then(|at| i32::try_from(at + 1).ok()).unwrap_or(0)
}

fn overlay(call: &mut Call<'_>) -> Result<Typed> {
    defaults(call, 3, &[int_literal(-1)])?;
    let integer = Want::Type(SparkType::Integer);
    let args = wanted(call, &[Want::StringOrBinary, Want::StringOrBinary, integer.clone(), integer])?;
    let nullable = args.iter().any(|arg| arg.nullable);
    let binary: Vec<bool> = args.iter().take(2).map(|arg| arg.data_type == SparkType::Binary).collect();
    match binary.as_slice() {
        [true, true] => Ok(call.scalar(overlay_bytes, args, SparkType::Binary, nullable)),
        [false, false] => Ok(call.scalar(overlay_text, args, SparkType::String, nullable)),
        _ => {
            let message = format!("cannot resolve \"{}\": both have to be text, or both binary; cast one", call.sql());
            Err(call.refuse("DATATYPE_MISMATCH.DATA_DIFF_TYPES", message))
        }
    }
}

fn overlay_text(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, put, pos, length) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?, ints(args, 3)?);
    strings(args, |row| {
        let (input, put, pos, length) = (input.value(row), put.value(row), pos.value(row), length.value(row));
        let over = if length >= 0 { length } else { super::column::chars(put) };
        let before = substring(input, 1, pos.wrapping_sub(1));
        let behind = substring(input, pos.wrapping_add(over), i32::MAX);
        Ok(Some([before, put, behind].concat()))
    })
}

fn overlay_bytes(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, put, pos, length) = (bytes(args, 0)?, bytes(args, 1)?, ints(args, 2)?, ints(args, 3)?);
    binaries(args, |row| {
        let (input, put, pos, length) = (input.get(row), put.get(row), pos.value(row), length.value(row));
        let over = if length >= 0 { length } else { i32::try_from(put.len()).unwrap_or(i32::MAX) };
        let before = subbytes(input, 1, pos.wrapping_sub(1));
        let behind = subbytes(input, pos.wrapping_add(over), i32::MAX);
        Ok(Some([before, put, behind].concat()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (text, part, skip, wanted) in [
            ("SparkSQL", "SQL", 0, 6),
            ("foobarbar", "bar", 4, 7),
            ("äöü", "ü", 0, 3),
            ("abc", "", 2, 1),
            ("abc", "d", 0, 0),
            ("abc", "a", 9, 0),
        ] {
            assert_eq!(position(text, part, skip), wanted, "{text} {part} {skip}");
        }
        for (word, set, wanted) in [("ab", "abc,b,ab,c,def", 3), ("a,b", "a,b", 0), ("", "", 1), ("", "a,", 2), ("x", "a", 0)] {
            assert_eq!(find_in_set(word, set), wanted, "{word} {set}");
        }
    }
}
