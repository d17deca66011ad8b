//! What the functions of dates and times share: how rows are written, how kernels read and write columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, PrimitiveBuilder, StringArray, StringBuilder};
use datafusion::common::ScalarValue;

use crate::error::error;
use crate::functions::{Build, Call, Function, Group, KernelArgs, Want, constant};
use crate::types::pattern::{Pattern, Use};
use crate::types::{SparkType, TimeZone, lattice, to_arrow};
use crate::{Error, Result, Settings, Typed};

/// Microseconds of a second, a minute, an hour and a day.
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// A row of the table of functions.
pub(super) const fn row(
    name: &'static str,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    Function { name, group: Group::Datetime, parameters: &[], usage, examples, build: Build::Scalar(build) }
}

/// A date: timestamps and text become one.
pub(super) fn date_arg(call: &Call<'_>, at: usize) -> Result<Typed> {
    let value = call.arg(at)?;
    match value.data_type {
        SparkType::Timestamp | SparkType::TimestampNtz => call.cast(value, &SparkType::Date),
        _ => call.want_type(at, SparkType::Date),
    }
}

/// What takes both kinds of timestamps.
pub(super) fn any_timestamp() -> Want {
    Want::OneOf(vec![Want::Type(SparkType::Timestamp), Want::Type(SparkType::TimestampNtz)])
}

/// A time of any digits; text becomes one.
pub(super) fn time_arg(call: &Call<'_>, at: usize) -> Result<Typed> {
    let value = call.arg(at)?;
    match value.data_type {
        SparkType::Time(_) => Ok(value),
        _ => call.want_type(at, SparkType::Time(6)),
    }
}

/// An argument that must be of a type already: only a bare NULL becomes one.
pub(super) fn exactly(call: &Call<'_>, at: usize, wanted: &[SparkType], text: &str) -> Result<Typed> {
    let value = call.arg(at)?;
    if wanted.contains(&value.data_type) {
        return Ok(value);
    }
    match wanted.first() {
        Some(first) if value.data_type == SparkType::Null => call.cast(value, first),
        _ => Err(call.unexpected_type(at, &value, text)),
    }
}

/// The same for a kind of type.
pub(super) fn accepted(call: &Call<'_>, at: usize, want: &Want, null_as: SparkType) -> Result<Typed> {
    let value = call.arg(at)?;
    if value.data_type == SparkType::Null {
        return call.cast(value, &null_as);
    }
    if lattice::implicit_type(&value.data_type, want, call.settings.ansi).as_ref() == Some(&value.data_type) {
        return Ok(value);
    }
    Err(call.unexpected_type(at, &value, &lattice::want_text(want)))
}

/// The text of an argument that must be a constant; none for NULL.
pub(super) fn constant_text(value: &Typed) -> Result<Option<Option<String>>> {
    if !value.data_type.is_string() && value.data_type != SparkType::Null {
        return Ok(None);
    }
    Ok(constant(value)?.map(|scalar| match scalar {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }))
}

/// Whether any of them may be null.
pub(super) fn any_nullable(values: &[Typed]) -> bool {
    values.iter().any(|value| value.nullable)
}

/// A whole number as an expression that Spark puts in where an argument is left out.
pub(super) fn zero() -> Typed {
    Typed::literal(ScalarValue::Int32(Some(0)), SparkType::Integer, "0")
}

/// A column of numbers.
pub(super) fn column<'a, T: ArrowPrimitiveType>(args: &KernelArgs<'a>, at: usize) -> Result<&'a PrimitiveArray<T>> {
    args.arrays.get(at).and_then(|array| array.as_primitive_opt::<T>()).ok_or_else(|| wrong_column(args, at))
}

/// A column of text.
pub(super) fn texts<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a StringArray> {
    args.arrays.get(at).and_then(|array| array.as_string_opt::<i32>()).ok_or_else(|| wrong_column(args, at))
}

fn wrong_column(args: &KernelArgs<'_>, at: usize) -> Error {
    error("INTERNAL_ERROR", format!("argument {} of {} has another type in the plan", at + 1, args.arrays.len()))
}

/// A value of a row.
pub(super) fn cell<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    array.is_valid(row).then(|| array.value(row))
}

/// A text of a row.
pub(super) fn text_cell(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// A column computed row by row.
pub(super) fn collect<T: ArrowPrimitiveType>(
    args: &KernelArgs<'_>,
    mut value: impl FnMut(usize) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(args.rows).with_data_type(to_arrow(args.out));
    for row in 0..args.rows {
        builder.append_option(value(row)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// A column computed from one other, null for null.
pub(super) fn map<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    args: &KernelArgs<'_>,
    value: impl Fn(I::Native) -> Result<Option<O::Native>>,
) -> Result<ArrayRef> {
    let input = column::<I>(args, 0)?;
    collect::<O>(args, |row| cell(input, row).map_or(Ok(None), &value))
}

/// A column of text computed row by row; the closure writes and says whether there is a value.
pub(super) fn collect_text(args: &KernelArgs<'_>, mut write: impl FnMut(usize, &mut String) -> Result<bool>) -> Result<ArrayRef> {
    let mut builder = StringBuilder::with_capacity(args.rows, args.rows * 16);
    let mut text = String::new();
    for row in 0..args.rows {
        text.clear();
        if write(row, &mut text)? {
            builder.append_value(&text);
        } else {
            builder.append_null();
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// The zone in which values of a type are local time.
pub(super) fn zone_for(data_type: Option<&SparkType>, settings: &Settings) -> TimeZone {
    match data_type {
        Some(SparkType::TimestampNtz) => TimeZone::utc(),
        _ => settings.time_zone,
    }
}

/// Compiles patterns, one after the other: rows mostly have the same.
pub(super) struct Patterns<'a> {
    purpose: Use,
    settings: &'a Settings,
    last: Option<(String, Pattern)>,
}

impl<'a> Patterns<'a> {
    pub(super) fn new(purpose: Use, settings: &'a Settings) -> Self {
        Self { purpose, settings, last: None }
    }

    pub(super) fn get(&mut self, text: &str) -> Result<&Pattern> {
        if self.last.as_ref().is_none_or(|(known, _)| known != text) {
            self.last = Some((text.to_owned(), Pattern::compile_for(text, self.purpose, self.settings)?));
        }
        self.last.as_ref().map(|(_, pattern)| pattern).ok_or_else(|| error("INTERNAL_ERROR", "a pattern is lost"))
    }
}

/// Null where the session is not in ANSI mode, else the error.
pub(super) fn null_or<T>(ansi: bool, failure: Error) -> Result<Option<T>> {
    if ansi { Err(failure) } else { Ok(None) }
}

/// A value that no date or time may have, and which legacy mode makes null.
pub(super) fn out_of_bounds(why: impl std::fmt::Display) -> Error {
    error("DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", format!("{why}: give a value that a date or time may have"))
}

/// The same where every mode refuses it.
pub(super) fn out_of_bounds_always(why: impl std::fmt::Display) -> Error {
    error("DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION", format!("{why}: give a value that a date or time may have"))
}

/// A result beyond the range of its type.
pub(super) fn overflow(what: impl std::fmt::Display) -> Error {
    error("DATETIME_OVERFLOW", format!("{what} is beyond the range of dates and timestamps: use a smaller value"))
}

/// A number beyond the range of its type.
pub(super) fn arithmetic_overflow(what: impl std::fmt::Display) -> Error {
    error("ARITHMETIC_OVERFLOW", format!("{what} is beyond the range of its type: use a smaller value"))
}
