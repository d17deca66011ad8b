//! Functions that take parts of text: substrings, the ends without blanks, what lies before a delimiter.

use arrow::array::{Array, ArrayRef};

use super::column::{
    binaries, bytes, defaults, int_literal, ints, row, simple, slice, strings, strings_where, subbytes, substring, text, wanted,
};
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "substring",
        "substring(str, pos[, len]) - `len` characters (of binary data, bytes) from the place `pos`, counted from 1, or from the end where \
         it is negative.",
        &[
            ("SELECT substring('Spark SQL', 5)", "k SQL"),
            ("SELECT substring('Spark SQL', -3)", "SQL"),
            ("SELECT substring('Spark SQL', 5, 1)", "k"),
        ],
        substring_call,
    ),
    row(
        "substr",
        "substr(str, pos[, len]) - `len` characters (of binary data, bytes) from the place `pos`, counted from 1, or from the end where it \
         is negative.",
        &[("SELECT substr('Spark SQL', 5)", "k SQL"), ("SELECT substr('Spark SQL', -3)", "SQL")],
        substring_call,
    ),
    row(
        "left",
        "left(str, len) - The first `len` characters of text, or bytes of binary data.",
        &[("SELECT left('Spark SQL', 3)", "Spa")],
        left,
    ),
    row("right", "right(str, len) - The last `len` characters of text.", &[("SELECT right('Spark SQL', 3)", "SQL")], |call| {
        simple(call, &[Want::String, Want::Type(SparkType::Integer)], right, SparkType::String)
    }),
    row(
        "substring_index",
        "substring_index(str, delim, count) - What lies before the `count`-th delimiter; where `count` is negative, what lies behind it, \
         counted from the end.",
        &[("SELECT substring_index('www.apache.org', '.', 2)", "www.apache")],
        |call| {
            let wants = [Want::String, Want::String, Want::Type(SparkType::Integer)];
            simple(
                call,
                &wants,
                |args| {
                    let (input, delimiter, count) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?);
                    strings(args, |row| Ok(Some(substring_index(input.value(row), delimiter.value(row), count.value(row)))))
                },
                SparkType::String,
            )
        },
    ),
    row(
        "trim",
        "trim(str), trim([BOTH | LEADING | TRAILING] [trimStr] FROM str) - The text without the blanks, or the characters of `trimStr`, \
         at its ends.",
        &[("SELECT trim('    SparkSQL   ')", "SparkSQL"), ("SELECT trim(BOTH 'SL' FROM 'SSparkSQLS')", "parkSQ")],
        |call| trim(call, "BOTH", |args| trim_kernel(args, true, true)),
    ),
    row(
        "ltrim",
        "ltrim(str) - The text without the blanks at its begin; ltrim(trimStr, str) takes away the characters of `trimStr`.",
        &[("SELECT ltrim('    SparkSQL   ')", "SparkSQL   ")],
        |call| trim(call, "LEADING", |args| trim_kernel(args, true, false)),
    ),
    row(
        "rtrim",
        "rtrim(str) - The text without the blanks at its end; rtrim(trimStr, str) takes away the characters of `trimStr`.",
        &[("SELECT rtrim('    SparkSQL   ')", "    SparkSQL")],
        |call| trim(call, "TRAILING", |args| trim_kernel(args, false, true)),
    ),
    row(
        "btrim",
        "btrim(str[, trimStr]) - The text without the blanks, or the characters of `trimStr`, at its ends.",
        &[("SELECT btrim('    SparkSQL   ')", "SparkSQL"), ("SELECT btrim('SSparkSQLS', 'SL')", "parkSQ")],
        |call| {
            call.arity(1..=2)?;
            let wants = [Want::String, Want::String];
            let args = wanted(call, wants.get(..call.len()).unwrap_or(&wants))?;
            let nullable = args.iter().any(|arg| arg.nullable);
            Ok(call.scalar(|args| trim_kernel(args, true, true), args, SparkType::String, nullable))
        },
    ),
];

fn substring_call(call: &mut Call<'_>) -> Result<Typed> {
    defaults(call, 2, &[int_literal(i32::MAX)])?;
    let integer = Want::Type(SparkType::Integer);
    let args = wanted(call, &[Want::StringOrBinary, integer.clone(), integer])?;
    let nullable = args.iter().any(|arg| arg.nullable);
    let (kernel, out) = text_or_bytes(&args, substring_kernel, subbytes_kernel);
    Ok(call.scalar(kernel, args, out, nullable))
}

/// The kernel and the type of the result by the type of the first argument.
fn text_or_bytes(
    args: &[Typed],
    of_text: crate::functions::ScalarKernel,
    of_bytes: crate::functions::ScalarKernel,
) -> (crate::functions::ScalarKernel, SparkType) {
    match args.first().map(|arg| &arg.data_type) {
        Some(SparkType::Binary) => (of_bytes, SparkType::Binary),
        _ => (of_text, SparkType::String),
    }
}

fn substring_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, pos, length) = (text(args, 0)?, ints(args, 1)?, ints(args, 2)?);
    strings(args, |row| Ok(Some(substring(input.value(row), pos.value(row), length.value(row)))))
}

fn subbytes_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, pos, length) = (bytes(args, 0)?, ints(args, 1)?, ints(args, 2)?);
    binaries(args, |row| Ok(Some(subbytes(input.get(row), pos.value(row), length.value(row)))))
}

fn left(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let args = wanted(call, &[Want::StringOrBinary, Want::Type(SparkType::Integer)])?;
    let nullable = args.iter().any(|arg| arg.nullable);
    let (kernel, out) = text_or_bytes(
        &args,
        |args| {
            let (input, length) = (text(args, 0)?, ints(args, 1)?);
            strings(args, |row| Ok(Some(substring(input.value(row), 1, length.value(row)))))
        },
        |args| {
            let (input, length) = (bytes(args, 0)?, ints(args, 1)?);
            binaries(args, |row| Ok(Some(subbytes(input.get(row), 1, length.value(row)))))
        },
    );
    Ok(call.scalar(kernel, args, out, nullable))
}

fn right(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, length) = (text(args, 0)?, ints(args, 1)?);
    strings(args, |row| {
        let (input, length) = (input.value(row), length.value(row));
        let start = i64::from(super::column::chars(input)) - i64::from(length);
        Ok(Some(if length <= 0 { "" } else { slice(input, start, i64::MAX) }))
    })
}

/// Delimiters are counted byte by byte and may overlap.
fn substring_index<'a>(text: &'a str, delimiter: &str, count: i32) -> &'a str {
    if delimiter.is_empty() || count == 0 {
        return "";
    }
    let (haystack, needle) = (text.as_bytes(), delimiter.as_bytes());
    if count > 0 {
        let mut from = 0;
        for nth in 1..=count {
            let Some(found) = haystack.get(from..).and_then(|rest| memchr::memmem::find(rest, needle)) else { return text };
            if nth == count {
                return text.get(..from + found).unwrap_or(text);
            }
            from += found + 1;
        }
        return text;
    }
    // Where the next one may end at the latest.
    let mut until = haystack.len();
    let mut left = i64::from(count).abs();
    loop {
        let Some(found) = haystack.get(..until).and_then(|rest| memchr::memmem::rfind(rest, needle)) else { return text };
        left -= 1;
        if left == 0 {
            return text.get(found + needle.len()..).unwrap_or(text);
        }
        until = found + needle.len() - 1;
    }
}

/// `trim(str)` or `trim(trimStr, str)`; with characters it is shown as `TRIM(BOTH … FROM …)`.
fn trim(call: &mut Call<'_>, side: &str, kernel: crate::functions::ScalarKernel) -> Result<Typed> {
    call.arity(1..=2)?;
    let wants = [Want::String, Want::String];
    let mut args = wanted(call, wants.get(..call.len()).unwrap_or(&wants))?;
    args.reverse();
    let nullable = args.iter().any(|arg| arg.nullable);
    let sql = match args.as_slice() {
        [input, put] => Sql::concat(vec![format!("TRIM({side} ").into(), put.sql.clone(), " FROM ".into(), input.sql.clone(), ")".into()]),
        _ => call.sql(),
    };
    Ok(call.scalar(kernel, args, SparkType::String, nullable).shown(sql))
}

/// Takes away blanks, and no other white space, or the characters of the second argument.
fn trim_kernel(args: &KernelArgs<'_>, start: bool, end: bool) -> Result<ArrayRef> {
    let input = text(args, 0)?;
    if args.arrays.len() < 2 {
        return strings_where(args.rows, input.nulls(), |row| {
            let mut value = input.value(row);
            if start {
                value = value.trim_start_matches(' ');
            }
            if end {
                value = value.trim_end_matches(' ');
            }
            Ok(Some(value))
        });
    }
    let away = text(args, 1)?;
    strings(args, |row| {
        let (mut value, away) = (input.value(row), away.value(row));
        if start {
            value = value.trim_start_matches(|c| away.contains(c));
        }
        if end {
            value = value.trim_end_matches(|c| away.contains(c));
        }
        Ok(Some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substrings() {
        for (text, pos, length, wanted) in [
            ("Spark SQL", 5, i32::MAX, "k SQL"),
            ("Spark SQL", -3, i32::MAX, "SQL"),
            ("abc", -5, 3, "a"),
            ("abc", 0, 2, "ab"),
            ("äöü", 2, 1, "ö"),
            ("abc", 4, 1, ""),
            ("abc", 2, -1, ""),
            ("abc", i32::MIN, i32::MAX, "ab"),
        ] {
            assert_eq!(substring(text, pos, length), wanted, "{text} {pos} {length}");
        }
        assert_eq!(subbytes(b"abc", -5, 3), b"a");
        assert_eq!(subbytes(b"abc", 2, i32::MAX), b"bc");
    }

    #[test]
    fn delimiters() {
        for (text, delimiter, count, wanted) in [
            ("www.apache.org", ".", 2, "www.apache"),
            ("www.apache.org", ".", -2, "apache.org"),
            ("www.apache.org", ".", 5, "www.apache.org"),
            ("www.apache.org", "", 1, ""),
            ("www.apache.org", ".", 0, ""),
            ("aaa", "aa", 2, "a"),
            ("aaa", "aa", -2, "a"),
            (".a.", ".", -1, ""),
        ] {
            assert_eq!(substring_index(text, delimiter, count), wanted, "{text} {delimiter} {count}");
        }
    }
}
