//! Functions that change characters: letters' case, translations, masks, quotes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef};
use datafusion::common::ScalarValue;

use super::column::{constant_text, row, simple, strings, strings_where, takes, text, text_literal};
use crate::functions::{Arg, Build, Call, Function, Group, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row("upper", "upper(str) - The text in upper case.", &[("SELECT upper('SparkSql')", "SPARKSQL")], upper),
    row("ucase", "ucase(str) - The text in upper case.", &[("SELECT ucase('SparkSql')", "SPARKSQL")], upper),
    row("lower", "lower(str) - The text in lower case.", &[("SELECT lower('SparkSql')", "sparksql")], lower),
    row("lcase", "lcase(str) - The text in lower case.", &[("SELECT lcase('SparkSql')", "sparksql")], lower),
    row(
        "initcap",
        "initcap(str) - The text with the first letter of each word in upper case and the others in lower case; blanks part words.",
        &[("SELECT initcap('sPark sql')", "Spark Sql")],
        |call| {
            simple(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    strings(args, |row| Ok(Some(initcap(input.value(row)))))
                },
                SparkType::String,
            )
        },
    ),
    row(
        "translate",
        "translate(input, from, to) - Each character of `from` becomes the one at its place in `to`; those without one are taken out.",
        &[("SELECT translate('AaBbCc', 'abc', '123')", "A1B2C3")],
        |call| simple(call, &[Want::String, Want::String, Want::String], translate, SparkType::String),
    ),
    row(
        "quote",
        "quote(str) - The text in single quotes, with a backslash before each single quote in it.",
        &[("SELECT quote('Spark')", "'Spark'"), ("SELECT quote(\"Don't\")", "'Don\\'t'")],
        |call| {
            simple(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    strings(args, |row| Ok(Some(format!("'{}'", input.value(row).replace('\'', "\\'")))))
                },
                SparkType::String,
            )
            .map(|made| Typed { nullable: true, ..made })
        },
    ),
    Function {
        name: "mask",
        group: Group::String,
        parameters: &["str", "upperChar", "lowerChar", "digitChar", "otherChar"],
        usage: "mask(str[, upperChar[, lowerChar[, digitChar[, otherChar]]]]) - Puts one character for every letter in upper case, one for \
                those in lower case, one for digits and one for all others; a NULL leaves those as they are.",
        examples: &[
            ("SELECT mask('abcd-EFGH-8765-4321')", "xxxx-XXXX-nnnn-nnnn"),
            ("SELECT mask('AbCD123-@$#', 'Q', 'q', 'd', 'o')", "QqQQdddoooo"),
            ("SELECT mask('AbCD123-@$#', NULL, NULL, NULL, 'o')", "AbCD123oooo"),
        ],
        build: Build::Scalar(mask),
    },
];

fn upper(call: &mut Call<'_>) -> Result<Typed> {
    simple(
        call,
        &[Want::String],
        |args| {
            let input = text(args, 0)?;
            strings(args, |row| Ok(Some(input.value(row).to_uppercase())))
        },
        SparkType::String,
    )
}

fn lower(call: &mut Call<'_>) -> Result<Typed> {
    simple(
        call,
        &[Want::String],
        |args| {
            let input = text(args, 0)?;
            strings(args, |row| Ok(Some(input.value(row).to_lowercase())))
        },
        SparkType::String,
    )
}

/// Words begin after a blank, and only there.
fn initcap(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut out = String::with_capacity(lower.len());
    let mut first = true;
    for c in lower.chars() {
        if first {
            title_case(c, &mut out)
        } else {
            out.push(c)
        }
        first = c == ' ';
    }
    out
}

/// A letter as the first of a title: letters that stand for two have a form of their own.
fn title_case(c: char, out: &mut String) {
    match c {
        'ǆ' => out.push('ǅ'),
        'ǉ' => out.push('ǈ'),
        'ǌ' => out.push('ǋ'),
        'ǳ' => out.push('ǲ'),
        _ => {
            let mut upper = c.to_uppercase();
            out.extend(upper.next());
            // `ß` is `Ss`: what follows the first letter stays small.
            out.extend(upper.flat_map(char::to_lowercase));
        }
    }
}

fn translate(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, from, to) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let mut last: Option<(&str, &str)> = None;
    let mut table: HashMap<char, Option<char>> = HashMap::new();
    strings(args, |row| {
        let pair = (from.value(row), to.value(row));
        if last != Some(pair) {
            last = Some(pair);
            table.clear();
            let mut to = pair.1.chars();
            for c in pair.0.chars() {
                // The character 0 stands for none.
                let becomes = to.next().filter(|c| *c != '\0');
                table.entry(c).or_insert(becomes);
            }
        }
        Ok(Some(input.value(row).chars().filter_map(|c| table.get(&c).copied().unwrap_or(Some(c))).collect::<String>()))
    })
}

/// `mask`: the characters are constants.
fn mask(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=5)?;
    let null = || Typed::literal(ScalarValue::Utf8(None), SparkType::String, "NULL");
    let rest = [text_literal("X"), text_literal("x"), text_literal("n"), null()];
    let given = call.len();
    call.args.extend(rest.into_iter().skip(given - 1).map(Arg::Value));
    let mut values = Vec::with_capacity(5);
    for at in 0..5 {
        values.push(takes(call, at, SparkType::is_string, &SparkType::String, "\"STRING\"")?);
    }
    let mut constants = Vec::with_capacity(4);
    for (at, name) in [(1, "upperChar"), (2, "lowerChar"), (3, "digitChar"), (4, "otherChar")] {
        let put = constant_text(call, at)?;
        if put.as_ref().is_some_and(|put| put.chars().count() != 1) {
            let message = format!("cannot resolve \"{}\": `{name}` has to be one character", call.sql());
            return Err(call.refuse("DATATYPE_MISMATCH.INPUT_SIZE_NOT_ONE", message));
        }
        constants.push(ScalarValue::Utf8(put));
    }
    values.truncate(1);
    Ok(call.scalar_with(mask_kernel, values, constants, SparkType::String, true))
}

fn mask_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let input = text(args, 0)?;
    let put = |at: usize| args.constants.get(at).and_then(|put| put.try_as_str().flatten()).and_then(|put| put.chars().next());
    let (upper, lower, digit, other) = (put(0), put(1), put(2), put(3));
    strings_where(args.rows, input.nulls(), |row| {
        let value = input.value(row);
        let mut out = String::with_capacity(value.len());
        for c in value.chars() {
            match kind(c) {
                Kind::Upper => out.push(upper.unwrap_or(c)),
                Kind::Lower => out.push(lower.unwrap_or(c)),
                Kind::Digit => out.push(digit.unwrap_or(c)),
                Kind::Other => match other {
                    // Java sees two characters beyond the first plane.
                    Some(put) => out.extend(std::iter::repeat_n(put, c.len_utf16())),
                    None => out.push(c),
                },
            }
        }
        Ok(Some(Cow::<str>::Owned(out)))
    })
}

enum Kind {
    Upper,
    Lower,
    Digit,
    Other,
}

/// The kind of a character by its general category.
fn kind(c: char) -> Kind {
    static CATEGORIES: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new(r"^(?:(\p{Lu})|(\p{Ll})|(\p{Nd}))$").ok());
    if c.is_ascii() {
        return match c {
            'A'..='Z' => Kind::Upper,
            'a'..='z' => Kind::Lower,
            '0'..='9' => Kind::Digit,
            _ => Kind::Other,
        };
    }
    if c.len_utf16() > 1 {
        return Kind::Other;
    }
    let mut buffer = [0u8; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    let Some(found) = CATEGORIES.as_ref().and_then(|regex| regex.captures(text)) else { return Kind::Other };
    if found.get(1).is_some() {
        Kind::Upper
    } else if found.get(2).is_some() {
        Kind::Lower
    } else {
        Kind::Digit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_after_blanks() {
        for (input, wanted) in [("sPark sql", "Spark Sql"), ("a-b  cD", "A-b  Cd"), ("ß ǆ", "Ss ǅ"), ("", ""), ("\tab", "\tab")] {
            assert_eq!(initcap(input), wanted);
        }
    }
}
