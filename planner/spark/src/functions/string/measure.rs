//! Functions that measure text: lengths, codes, distances, checks.

use arrow::array::{Array, ArrayRef, Int32Builder};
use arrow::datatypes::Int32Type;
use std::sync::Arc;

use super::column::{bytes, chars, ints, longs, nulls, row, simple, simple_nullable, strings, takes, text, truths, values, wanted};
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "length",
        "length(expr) - How many characters text has, or how many bytes binary data.",
        &[("SELECT length('Spark SQL ')", "10"), ("SELECT length(x'537061726b2053514c')", "9")],
        length,
    ),
    row("len", "len(expr) - How many characters text has, or how many bytes binary data.", &[("SELECT len('Spark SQL ')", "10")], length),
    row(
        "char_length",
        "char_length(expr) - How many characters text has, or how many bytes binary data.",
        &[("SELECT char_length('Spark SQL ')", "10")],
        length,
    ),
    row(
        "character_length",
        "character_length(expr) - How many characters text has, or how many bytes binary data.",
        &[("SELECT character_length('Spark SQL ')", "10")],
        length,
    ),
    row(
        "bit_length",
        "bit_length(expr) - How many bits text (in UTF-8) or binary data takes.",
        &[("SELECT bit_length('Spark SQL')", "72")],
        |call| {
            simple(
                call,
                &[Want::StringOrBinary],
                |args| {
                    let input = bytes(args, 0)?;
                    values::<Int32Type>(args, |row| Ok(Some(i32::try_from(input.get(row).len()).unwrap_or(i32::MAX).wrapping_mul(8))))
                },
                SparkType::Integer,
            )
        },
    ),
    row(
        "octet_length",
        "octet_length(expr) - How many bytes text (in UTF-8) or binary data takes.",
        &[("SELECT octet_length('Spark SQL')", "9")],
        |call| {
            simple(
                call,
                &[Want::StringOrBinary],
                |args| {
                    let input = bytes(args, 0)?;
                    values::<Int32Type>(args, |row| Ok(i32::try_from(input.get(row).len()).ok()))
                },
                SparkType::Integer,
            )
        },
    ),
    row(
        "ascii",
        "ascii(str) - The code of the first character; 0 for empty text.",
        &[("SELECT ascii('222')", "50"), ("SELECT ascii(2)", "50")],
        |call| {
            simple(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    values::<Int32Type>(args, |row| Ok(Some(input.value(row).chars().next().map_or(0, |c| c as i32))))
                },
                SparkType::Integer,
            )
        },
    ),
    row("chr", "chr(expr) - The character with the code `expr` modulo 256; empty for negative numbers.", &[("SELECT chr(65)", "A")], chr),
    row(
        "char",
        "char(expr) - The character with the code `expr` modulo 256; empty for negative numbers.",
        &[("SELECT char(65)", "A")],
        chr,
    ),
    row(
        "levenshtein",
        "levenshtein(str1, str2[, threshold]) - How many characters must be put, taken out or changed to make one text of the other; \
         -1 where it is more than `threshold`.",
        &[("SELECT levenshtein('kitten', 'sitting')", "3"), ("SELECT levenshtein('kitten', 'sitting', 2)", "-1")],
        levenshtein,
    ),
    row("soundex", "soundex(str) - The Soundex code of a word.", &[("SELECT soundex('Miller')", "M460")], |call| {
        call.arity(1..=1)?;
        let value = takes(call, 0, SparkType::is_string, &SparkType::String, "\"STRING\"")?;
        let nullable = value.nullable;
        Ok(call.scalar(
            |args| {
                let input = text(args, 0)?;
                strings(args, |row| Ok(Some(soundex(input.value(row)))))
            },
            vec![value],
            SparkType::String,
            nullable,
        ))
    }),
    row(
        "luhn_check",
        "luhn_check(str) - Whether a text of digits ends in the right check digit by Luhn's rule.",
        &[("SELECT luhn_check('8112189876')", "true"), ("SELECT luhn_check('79927398714')", "false")],
        |call| {
            simple_nullable(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    truths(args, |row| Ok(Some(luhn(input.value(row)))))
                },
                SparkType::Boolean,
            )
        },
    ),
    row(
        "sentences",
        "sentences(str[, lang[, country]]) - The text's sentences, each as an array of its words.",
        &[("SELECT sentences('Hi there! Good morning.')", "[[\"Hi\",\"there\"],[\"Good\",\"morning\"]]")],
        super::split::sentences,
    ),
];

fn length(call: &mut Call<'_>) -> Result<Typed> {
    simple(
        call,
        &[Want::StringOrBinary],
        |args| {
            let input = bytes(args, 0)?;
            values::<Int32Type>(args, |row| {
                Ok(match &input {
                    super::column::Bytes::Text(array) => Some(chars(array.value(row))),
                    super::column::Bytes::Raw(array) => i32::try_from(array.value(row).len()).ok(),
                })
            })
        },
        SparkType::Integer,
    )
}

fn chr(call: &mut Call<'_>) -> Result<Typed> {
    simple(
        call,
        &[Want::Type(SparkType::Long)],
        |args| {
            let input = longs(args, 0)?;
            strings(args, |row| {
                let code = input.value(row);
                // The last eight bits; a negative number has no character.
                Ok(Some(if code < 0 { String::new() } else { char::from(u8::try_from(code & 0xFF).unwrap_or(0)).to_string() }))
            })
        },
        SparkType::String,
    )
}

fn levenshtein(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let wants = [Want::String, Want::String, Want::Type(SparkType::Integer)];
    let args = wanted(call, wants.get(..call.len()).unwrap_or(&wants))?;
    let nullable = args.iter().any(|arg| arg.nullable);
    Ok(call.scalar(levenshtein_kernel, args, SparkType::Integer, nullable))
}

fn levenshtein_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (text(args, 0)?, text(args, 1)?);
    let threshold = if args.arrays.len() > 2 { Some(ints(args, 2)?) } else { None };
    let nulls = nulls(args);
    let mut out = Int32Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.append_null();
            continue;
        }
        let distance = i32::try_from(strsim::levenshtein(left.value(row), right.value(row))).unwrap_or(i32::MAX);
        let beyond = threshold.is_some_and(|threshold| !threshold.is_null(row) && distance > threshold.value(row));
        out.append_value(if beyond { -1 } else { distance });
    }
    Ok(Arc::new(out.finish()))
}

/// The first letter and three digits for the consonants after it. Text that begins with no letter stays as it is.
fn soundex(text: &str) -> String {
    // A to Z: 0 for vowels, 7 for the letters that part nothing.
    const CODES: &[u8; 26] = b"01230127022455012623017202";
    let code_of = |b: u8| b.is_ascii_uppercase().then(|| CODES.get(usize::from(b - b'A')).copied()).flatten();
    let Some(first) = text.bytes().next().map(|b| b.to_ascii_uppercase()) else { return String::new() };
    let Some(mut last) = code_of(first) else { return text.to_owned() };
    let mut out = String::from(char::from(first));
    for b in text.bytes().skip(1) {
        let Some(code) = code_of(b.to_ascii_uppercase()) else {
            last = b'0';
            continue;
        };
        if code == b'7' {
            continue;
        }
        if code != b'0' && code != last {
            out.push(char::from(code));
            if out.len() > 3 {
                break;
            }
        }
        last = code;
    }
    while out.len() < 4 {
        out.push('0');
    }
    out
}

fn luhn(text: &str) -> bool {
    let mut sum = 0u32;
    let mut second = false;
    for c in text.chars().rev() {
        let Some(digit) = c.to_digit(10) else { return false };
        let value = if second { digit * 2 } else { digit };
        sum = (sum + value % 10 + value / 10) % 10;
        second = !second;
    }
    !text.is_empty() && sum == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds() {
        for (input, wanted) in [("Miller", "M460"), ("Ashcraft", "A261"), ("Tymczak", "T522"), ("", ""), ("1a", "1a"), ("zz", "Z000")] {
            assert_eq!(soundex(input), wanted);
        }
    }

    #[test]
    fn check_digits() {
        for (input, wanted) in [("8112189876", true), ("79927398713", true), ("79927398714", false), ("", false), ("a", false)] {
            assert_eq!(luhn(input), wanted);
        }
    }
}
