//! `to_number` and `to_char`: numbers as text by patterns, and back.

use arrow::array::{Array, ArrayRef, Decimal128Builder};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use std::sync::Arc;

use super::column::{constant_text, numbers, row, strings, text, wanted};
use super::number_pattern::NumberPattern;
use crate::error::error;
use crate::functions::{Build, Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "to_number",
        "to_number(expr, fmt) - The decimal number that a text says. In the format 0 and 9 are digits (as many as there are, where 0 comes \
         first before the point), `.` or D the point, `,` or G a thousands separator, $ a currency sign, S or MI a sign, PR angle brackets \
         around negative numbers.",
        &[("SELECT to_number('454', '999')", "454"), ("SELECT to_number('12,454.8-', '99,999.9S')", "-12454.8")],
        |call| to_number(call, false),
    ),
    row(
        "try_to_number",
        "try_to_number(expr, fmt) - As `to_number`, but null for a text that does not match the format.",
        &[("SELECT try_to_number('$78.12', '$99.99')", "78.12"), ("SELECT try_to_number('x', '99')", "NULL")],
        |call| to_number(call, true),
    ),
    row("to_char", TO_CHAR, TO_CHAR_EXAMPLES, to_char),
    row("to_varchar", "to_varchar(expr, format) - Another name of `to_char`.", &[("SELECT to_varchar(454, '999')", "454")], to_char),
];

const TO_CHAR: &str = "to_char(expr, format) - A number as text in a format as of `to_number`, a date or timestamp by a datetime pattern, \
                       binary data as 'base64', 'hex' or 'utf-8'.";
const TO_CHAR_EXAMPLES: &[(&str, &str)] = &[
    ("SELECT to_char(454, '999')", "454"),
    ("SELECT to_char(-12454.8, '99G999D9S')", "12,454.8-"),
    ("SELECT to_char(x'537061726b2053514c', 'hex')", "537061726B2053514C"),
];

fn to_number(call: &mut Call<'_>, lenient: bool) -> Result<Typed> {
    call.arity(2..=2)?;
    let mut args = wanted(call, &[Want::String, Want::String])?;
    let Some(format) = constant_text(call, 1)? else {
        return Ok(call.made(Expr::Literal(ScalarValue::Decimal128(None, 10, 0), None), SparkType::DEFAULT_DECIMAL, true));
    };
    let pattern = NumberPattern::new(&format).map_err(|problem| crate::error::at(problem, call.span))?;
    let (precision, scale) = pattern.digits();
    let (Ok(precision), Ok(scale)) = (u8::try_from(precision), u8::try_from(scale)) else { return Err(too_long(call, precision)) };
    if precision > 38 {
        return Err(too_long(call, usize::from(precision)));
    }
    let nullable = lenient || args.iter().any(|arg| arg.nullable);
    args.truncate(1);
    let kernel = if lenient { |args: &KernelArgs<'_>| read(args, true) } else { |args: &KernelArgs<'_>| read(args, false) };
    Ok(call.scalar_with(kernel, args, vec![ScalarValue::Utf8(Some(format))], SparkType::Decimal(precision, scale), nullable))
}

fn too_long(call: &Call<'_>, digits: usize) -> crate::Error {
    let message = format!("the number format has {digits} digits, and decimals have 38 at most: take some away");
    call.refuse("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", message)
}

/// The pattern, which the call checked.
fn pattern(args: &KernelArgs<'_>) -> Result<NumberPattern> {
    match args.constants.first().and_then(|format| format.try_as_str().flatten()) {
        Some(format) => NumberPattern::new(format),
        None => Err(error("INTERNAL_ERROR", "the number format is missing")),
    }
}

fn read(args: &KernelArgs<'_>, lenient: bool) -> Result<ArrayRef> {
    let input = text(args, 0)?;
    let pattern = pattern(args)?;
    let mut out = Decimal128Builder::with_capacity(args.rows).with_data_type(crate::types::to_arrow(args.out));
    for row in 0..args.rows {
        if input.is_null(row) {
            out.append_null();
            continue;
        }
        match pattern.parse(input.value(row)) {
            None if !lenient => return Err(pattern.mismatch("STRING", input.value(row))),
            value => out.append_option(value),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// By the type of the value: a datetime's pattern, a format of binary data, or a number's.
fn to_char(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let value = call.arg(0)?;
    match &value.data_type {
        data_type if data_type.is_datetime() || matches!(data_type, SparkType::Time(_)) => delegate(call, "date_format"),
        SparkType::Binary => binary_to_char(call),
        _ => number_to_char(call),
    }
}

/// The same call of another function.
fn delegate(call: &mut Call<'_>, name: &'static str) -> Result<Typed> {
    match crate::functions::lookup(name).map(|row| row.build) {
        Some(Build::Scalar(build)) => {
            call.name = name;
            build(call)
        }
        _ => Err(call.refuse("NOT_SUPPORTED_YET", format!("`{name}` is not there"))),
    }
}

fn binary_to_char(call: &mut Call<'_>) -> Result<Typed> {
    let format = call.arg(1)?;
    let constant = crate::functions::constant(&format)?;
    let (Some(constant), true) = (constant, format.data_type.is_string() || format.data_type == SparkType::Null) else {
        let message = format!("`format` of `{}` has to be a constant text, and \"{}\" is none", call.name, format.sql);
        return Err(call.refuse("NON_FOLDABLE_ARGUMENT", message));
    };
    let Some(format) = constant.try_as_str().flatten().map(|format| format.trim().to_lowercase()) else {
        let message = format!("`format` of `{}` is NULL: give 'base64', 'hex' or 'utf-8'", call.name);
        return Err(call.refuse("INVALID_PARAMETER_VALUE.NULL", message));
    };
    // Spark shows the function that does it; `to_varchar` keeps its name where that has none of its own.
    let shown = call.name;
    match format.as_str() {
        "base64" | "hex" => {
            call.args.truncate(1);
            call.name = match (shown, format.as_str()) {
                ("to_varchar", _) => "to_varchar",
                (_, "hex") => "hex",
                _ => "base64",
            };
            let sql = call.sql();
            call.name = if format == "hex" { "hex" } else { "base64" };
            let made = if format == "hex" { super::radix::hex(call)? } else { super::charset::base64(call)? };
            Ok(made.shown(sql))
        }
        "utf-8" => delegate(call, "decode"),
        other => {
            let message = format!("`format` of `{}` is 'base64', 'hex' or 'utf-8', and not `{other}`", call.name);
            Err(call.refuse("INVALID_PARAMETER_VALUE.BINARY_FORMAT", message))
        }
    }
}

fn number_to_char(call: &mut Call<'_>) -> Result<Typed> {
    call.name = "to_char";
    let mut args = wanted(call, &[Want::AnyDecimal, Want::String])?;
    let Some(format) = constant_text(call, 1)? else {
        return Ok(call.made(Expr::Literal(ScalarValue::Utf8(None), None), SparkType::String, true));
    };
    NumberPattern::new(&format).map_err(|problem| crate::error::at(problem, call.span))?;
    let nullable = args.iter().any(|arg| arg.nullable);
    args.truncate(1);
    Ok(call.scalar_with(write, args, vec![ScalarValue::Utf8(Some(format))], SparkType::String, nullable))
}

fn write(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let input = numbers::<Decimal128Type>(args, 0)?;
    let scale = match input.data_type() {
        DataType::Decimal128(_, scale) => u8::try_from(*scale).unwrap_or(0),
        _ => 0,
    };
    let pattern = pattern(args)?;
    strings(args, |row| {
        let value = input.value(row);
        let mismatch = || pattern.mismatch("DECIMAL", &crate::types::number_text::decimal_text(value, scale));
        pattern.format(value, scale).map(Some).ok_or_else(mismatch)
    })
}
