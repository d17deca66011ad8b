//! What kernels over text and bytes share: their columns, results row by row, rows of the function table, default arguments.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BinaryBuilder, BooleanBuilder, ListArray, PrimitiveArray, PrimitiveBuilder,
    StringArray, StringBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::common::ScalarValue;
use std::sync::Arc;

use crate::error::error;
use crate::functions::{Arg, Build, Call, Function, Group, KernelArgs, ScalarKernel, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

/// A row of the function table, of group `string_funcs`.
pub(crate) const fn row(
    name: &'static str,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    row_of(Group::String, name, usage, examples, build)
}

/// A row of the function table.
pub(crate) const fn row_of(
    group: Group,
    name: &'static str,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    Function { name, group, parameters: &[], usage, examples, build: Build::Scalar(build) }
}

/// A call with just these arguments; it is null where one of them is.
pub(crate) fn simple(call: &mut Call<'_>, wants: &[Want], kernel: ScalarKernel, out: SparkType) -> Result<Typed> {
    call.arity(wants.len()..=wants.len())?;
    let args = wanted(call, wants)?;
    let nullable = args.iter().any(|arg| arg.nullable);
    Ok(call.scalar(kernel, args, out, nullable))
}

/// The same where the result may be null though no argument is.
pub(crate) fn simple_nullable(call: &mut Call<'_>, wants: &[Want], kernel: ScalarKernel, out: SparkType) -> Result<Typed> {
    call.arity(wants.len()..=wants.len())?;
    let args = wanted(call, wants)?;
    Ok(call.scalar(kernel, args, out, true))
}

/// The first arguments, as the function takes them.
pub(crate) fn wanted(call: &Call<'_>, wants: &[Want]) -> Result<Vec<Typed>> {
    wants.iter().enumerate().map(|(at, want)| call.want(at, want)).collect()
}

/// Puts the arguments that a call leaves out; Spark shows them.
pub(crate) fn defaults(call: &mut Call<'_>, required: usize, rest: &[Typed]) -> Result<()> {
    call.arity(required..=required + rest.len())?;
    let given = call.len() - required;
    call.args.extend(rest.iter().skip(given).cloned().map(Arg::Value));
    Ok(())
}

/// An argument of a function that casts nothing but a bare NULL.
pub(crate) fn takes(call: &Call<'_>, at: usize, accepts: fn(&SparkType) -> bool, null_as: &SparkType, wanted: &str) -> Result<Typed> {
    let value = call.arg(at)?;
    match &value.data_type {
        SparkType::Null => call.cast(value, null_as),
        data_type if accepts(data_type) => Ok(value),
        _ => Err(call.unexpected_type(at, &value, wanted)),
    }
}

/// A whole number as an argument that was left out.
pub(crate) fn int_literal(value: i32) -> Typed {
    Typed::literal(ScalarValue::Int32(Some(value)), SparkType::Integer, value.to_string())
}

/// Text as an argument that was left out.
pub(crate) fn text_literal(value: &str) -> Typed {
    Typed::literal(ScalarValue::Utf8(Some(value.to_owned())), SparkType::String, value)
}

/// The constant text of an argument; `None` for null.
pub(crate) fn constant_text(call: &Call<'_>, at: usize) -> Result<Option<String>> {
    let value = call.constant(at, &SparkType::String)?;
    Ok(value.try_as_str().flatten().map(str::to_owned))
}

/// An argument that is not in the column type that it should have: a fault of ours.
fn wrong(args: &KernelArgs<'_>, at: usize, wanted: &str) -> crate::Error {
    let found = args.arrays.get(at).map(|array| array.data_type().to_string());
    error("INTERNAL_ERROR", format!("argument {} should be {wanted} and is {}", at + 1, found.unwrap_or_else(|| "missing".to_owned())))
}

/// A column of text.
pub(crate) fn text<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a StringArray> {
    args.arrays.get(at).and_then(|array| array.as_string_opt::<i32>()).ok_or_else(|| wrong(args, at, "text"))
}

/// A column of bytes.
pub(crate) fn binary<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a BinaryArray> {
    args.arrays.get(at).and_then(|array| array.as_binary_opt::<i32>()).ok_or_else(|| wrong(args, at, "bytes"))
}

/// A column of numbers.
pub(crate) fn numbers<'a, T: ArrowPrimitiveType>(args: &KernelArgs<'a>, at: usize) -> Result<&'a PrimitiveArray<T>> {
    args.arrays.get(at).and_then(|array| array.as_primitive_opt::<T>()).ok_or_else(|| wrong(args, at, "numbers"))
}

/// A column of `int`.
pub(crate) fn ints<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a PrimitiveArray<Int32Type>> {
    numbers(args, at)
}

/// A column of `bigint`.
pub(crate) fn longs<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a PrimitiveArray<Int64Type>> {
    numbers(args, at)
}

/// A column of arrays.
pub(crate) fn lists<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a ListArray> {
    args.arrays.get(at).and_then(|array| array.as_list_opt::<i32>()).ok_or_else(|| wrong(args, at, "arrays"))
}

/// A column of text or bytes, seen as bytes.
pub(crate) enum Bytes<'a> {
    Text(&'a StringArray),
    Raw(&'a BinaryArray),
}

impl<'a> Bytes<'a> {
    pub(crate) fn get(&self, row: usize) -> &'a [u8] {
        match self {
            Self::Text(array) => array.value(row).as_bytes(),
            Self::Raw(array) => array.value(row),
        }
    }
}

/// A column of text or bytes.
pub(crate) fn bytes<'a>(args: &KernelArgs<'a>, at: usize) -> Result<Bytes<'a>> {
    match args.arrays.get(at).and_then(|array| array.as_binary_opt::<i32>()) {
        Some(array) => Ok(Bytes::Raw(array)),
        None => text(args, at).map(Bytes::Text),
    }
}

/// Where no argument is null.
pub(crate) fn nulls(args: &KernelArgs<'_>) -> Option<NullBuffer> {
    args.arrays.iter().fold(None, |all, array| NullBuffer::union(all.as_ref(), array.logical_nulls().as_ref()))
}

fn is_null(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_some_and(|nulls| nulls.is_null(row))
}

/// Refuses values longer than a column can hold.
pub(crate) fn check_length(length: usize) -> Result<()> {
    if length <= i32::MAX as usize {
        return Ok(());
    }
    Err(error("COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION", format!("a value of {length} bytes is too long: the most is {}", i32::MAX)))
}

/// Text per row; null where an argument is.
pub(crate) fn strings<S: AsRef<str>>(args: &KernelArgs<'_>, f: impl FnMut(usize) -> Result<Option<S>>) -> Result<ArrayRef> {
    strings_where(args.rows, nulls(args).as_ref(), f)
}

/// Text per row that is not null.
pub(crate) fn strings_where<S: AsRef<str>>(
    rows: usize,
    nulls: Option<&NullBuffer>,
    mut f: impl FnMut(usize) -> Result<Option<S>>,
) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(rows, rows * 8);
    let mut total = 0usize;
    for row in 0..rows {
        let made = if is_null(nulls, row) { None } else { f(row)? };
        if let Some(value) = &made {
            total += value.as_ref().len();
            check_length(total)?;
        }
        out.append_option(made);
    }
    Ok(Arc::new(out.finish()))
}

/// Bytes per row; null where an argument is.
pub(crate) fn binaries<B: AsRef<[u8]>>(args: &KernelArgs<'_>, f: impl FnMut(usize) -> Result<Option<B>>) -> Result<ArrayRef> {
    binaries_where(args.rows, nulls(args).as_ref(), f)
}

/// Bytes per row that is not null.
pub(crate) fn binaries_where<B: AsRef<[u8]>>(
    rows: usize,
    nulls: Option<&NullBuffer>,
    mut f: impl FnMut(usize) -> Result<Option<B>>,
) -> Result<ArrayRef> {
    let mut out = BinaryBuilder::with_capacity(rows, rows * 8);
    let mut total = 0usize;
    for row in 0..rows {
        let made = if is_null(nulls, row) { None } else { f(row)? };
        if let Some(value) = &made {
            total += value.as_ref().len();
            check_length(total)?;
        }
        out.append_option(made);
    }
    Ok(Arc::new(out.finish()))
}

/// A number per row; null where an argument is.
pub(crate) fn values<T: ArrowPrimitiveType>(
    args: &KernelArgs<'_>,
    mut f: impl FnMut(usize) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    let nulls = nulls(args);
    let mut out = PrimitiveBuilder::<T>::with_capacity(args.rows);
    for row in 0..args.rows {
        out.append_option(if is_null(nulls.as_ref(), row) { None } else { f(row)? });
    }
    Ok(Arc::new(out.finish()))
}

/// A truth value per row; null where an argument is.
pub(crate) fn truths(args: &KernelArgs<'_>, mut f: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
    let nulls = nulls(args);
    let mut out = BooleanBuilder::with_capacity(args.rows);
    for row in 0..args.rows {
        out.append_option(if is_null(nulls.as_ref(), row) { None } else { f(row)? });
    }
    Ok(Arc::new(out.finish()))
}

/// How many characters (code points) text has, as an `int`.
pub(crate) fn chars(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX)
}

/// The place in bytes of the `n`-th character, or the end.
pub(crate) fn char_offset(text: &str, n: usize) -> usize {
    if text.is_ascii() {
        return n.min(text.len());
    }
    text.char_indices().nth(n).map_or(text.len(), |(at, _)| at)
}

/// Characters from `start` to before `until`, counted from 0; both may lie outside.
pub(crate) fn slice(text: &str, start: i64, until: i64) -> &str {
    if until <= start || until <= 0 {
        return "";
    }
    let start = usize::try_from(start.max(0)).unwrap_or(usize::MAX);
    let until = usize::try_from(until).unwrap_or(usize::MAX);
    let from = char_offset(text, start);
    let rest = text.get(from..).unwrap_or_default();
    let to = char_offset(rest, until - start);
    rest.get(..to).unwrap_or_default()
}

/// SQL's substring: `pos` counts from 1, from the end where it is negative, and 0 is taken for 1.
pub(crate) fn substring(text: &str, pos: i32, length: i32) -> &str {
    let (start, until) = span_of(pos, length, || chars(text));
    slice(text, start, until)
}

/// The same of bytes.
pub(crate) fn subbytes(bytes: &[u8], pos: i32, length: i32) -> &[u8] {
    let (start, until) = span_of(pos, length, || i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    let limit = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(bytes.len());
    if until <= start { &[] } else { bytes.get(limit(start)..limit(until)).unwrap_or_default() }
}

fn span_of(pos: i32, length: i32, size: impl FnOnce() -> i32) -> (i64, i64) {
    let start = match pos {
        1.. => i64::from(pos) - 1,
        0 => 0,
        _ => i64::from(size()) + i64::from(pos),
    };
    (start, start + i64::from(length))
}
