//! Functions that take text apart: by a delimiter, by sentences and words.

use arrow::array::{Array, ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use std::sync::Arc;
use unicode_segmentation::UnicodeSegmentation;

use super::column::{defaults, ints, row, simple, strings, text, text_literal, wanted};
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[row(
    "split_part",
    "split_part(str, delimiter, partNum) - The `partNum`-th part of the text between delimiters, from 1, or from the end where it is \
     negative; empty if there is none.",
    &[("SELECT split_part('11.12.13', '.', 3)", "13")],
    |call| simple(call, &[Want::String, Want::String, Want::Type(SparkType::Integer)], split_part, SparkType::String),
)];

fn split_part(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, delimiter, number) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?);
    strings(args, |row| {
        let (input, delimiter, number) = (input.value(row), delimiter.value(row), number.value(row));
        let nth = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
        if nth == 0 {
            return Err(error("INVALID_INDEX_OF_ZERO", "parts are counted from 1, or from -1 at the end: there is no part 0"));
        }
        let found = match (delimiter.is_empty(), number > 0) {
            (true, _) => (nth == 1).then_some(input),
            (false, true) => input.split(delimiter).nth(nth - 1),
            (false, false) => {
                // Delimiters are found from the begin, also where parts are counted from the end.
                let parts: Vec<&str> = input.split(delimiter).collect();
                parts.len().checked_sub(nth).and_then(|at| parts.get(at).copied())
            }
        };
        Ok(Some(found.unwrap_or_default()))
    })
}

/// `sentences(str, lang, country)`: language and country change nothing here.
pub(super) fn sentences(call: &mut Call<'_>) -> Result<Typed> {
    defaults(call, 1, &[text_literal(""), text_literal("")])?;
    let args = wanted(call, &[Want::String, Want::String, Want::String])?;
    let words = SparkType::Array(Box::new(SparkType::String), false);
    Ok(call.scalar(sentences_kernel, args, SparkType::Array(Box::new(words), false), true))
}

fn sentences_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let input = text(args, 0)?;
    let word = Arc::new(Field::new("element", DataType::Utf8, false));
    let sentence = Arc::new(Field::new("element", DataType::List(Arc::clone(&word)), false));
    let mut out = ListBuilder::new(ListBuilder::new(StringBuilder::new()).with_field(word)).with_field(sentence);
    for row in 0..args.rows {
        if input.is_null(row) {
            out.append_null();
            continue;
        }
        for sentence in input.value(row).split_sentence_bounds() {
            for word in sentence.split_word_bounds().filter(|word| word.chars().next().is_some_and(char::is_alphanumeric)) {
                out.values().values().append_value(word);
            }
            out.values().append(true);
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}
