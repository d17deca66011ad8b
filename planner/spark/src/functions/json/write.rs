//! Values as JSON text: to_json.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64NanosecondType, TimestampMicrosecondType,
};
use base64::Engine;

use super::options::{Options, WriteFormats, option_map, shown};
use super::writer::Writer;
use crate::functions::nested::{Lists, Maps, argument, row};
use crate::functions::{Call, Function, Group, KernelArgs};
use crate::kernel::retype::wrong_layout;
use crate::types::number_text::{decimal_java_text, double_text, float_text};
use crate::types::{SparkType, StructField, render};
use crate::{Result, Settings, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "to_json",
    Group::Json,
    "to_json(expr[, options]) - The struct, array or map as JSON text.",
    &[
        ("SELECT to_json(named_struct('a', 1, 'b', 2))", "{\"a\":1,\"b\":2}"),
        (
            "SELECT to_json(named_struct('time', to_timestamp('2015-08-26', 'yyyy-MM-dd')), map('timestampFormat', 'dd/MM/yyyy'))",
            "{\"time\":\"26/08/2015\"}",
        ),
        ("SELECT to_json(array(named_struct('a', 1, 'b', 2)))", "[{\"a\":1,\"b\":2}]"),
        ("SELECT to_json(map('a', named_struct('b', 1)))", "{\"a\":{\"b\":1}}"),
        ("SELECT to_json(map(named_struct('a', 1),named_struct('b', 2)))", "{\"[1]\":{\"b\":2}}"),
        ("SELECT to_json(map('a', 1))", "{\"a\":1}"),
        ("SELECT to_json(array(map('a', 1)))", "[{\"a\":1}]"),
        ("SELECT to_json(named_struct('b', 1, 'a', 2), map('sortKeys', 'true'))", "{\"a\":2,\"b\":1}"),
    ],
    to_json,
)];

fn to_json(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let value = call.arg(0)?;
    let constants = option_map(call, 1)?;
    if !value.data_type.is_nested() {
        let reason = format!("`to_json` takes a struct, an array or a map, not \"{}\": wrap it with `struct(…)`", value.data_type.sql());
        return Err(call.mismatch("DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", reason));
    }
    JsonStyle::new(&Options::of(&constants), call.settings).map_err(|error| crate::error::at(error, call.span))?;
    let made = call.scalar_with(kernel, vec![value.clone()], constants, SparkType::String, true);
    Ok(shown(call, made, &value))
}

/// How JSON is written.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct JsonStyle<'a> {
    formats: WriteFormats,
    skip_nulls: bool,
    pretty: bool,
    sorted: bool,
    pub(super) ascii: bool,
    settings: &'a Settings,
}

impl<'a> JsonStyle<'a> {
    /// By the options.
    ///
    /// # Errors
    /// For options that have no such value.
    pub(super) fn new(options: &Options, settings: &'a Settings) -> Result<Self> {
        let skip_nulls = settings.flag("spark.sql.jsonGenerator.ignoreNullFields", true)?;
        Ok(Self {
            formats: WriteFormats::new(options, settings)?,
            skip_nulls: options.flag("ignoreNullFields", skip_nulls)?,
            pretty: options.flag("pretty", false)?,
            sorted: options.flag("sortKeys", false)?,
            ascii: options.flag("writeNonAsciiCharacterAsCodePoint", false)?,
            settings,
        })
    }

    /// One value of a type.
    ///
    /// # Errors
    /// For values that a format of dates or times cannot say.
    pub(super) fn value(&self, out: &mut Writer, array: &ArrayRef, row: usize, data_type: &SparkType) -> Result<()> {
        if array.data_type().is_null() || array.is_null(row) {
            out.plain("null");
            return Ok(());
        }
        match data_type {
            SparkType::Boolean => out.plain(if boolean(array, row)? { "true" } else { "false" }),
            SparkType::Byte => out.plain(&primitive::<Int8Type>(array, row)?.to_string()),
            SparkType::Short => out.plain(&primitive::<Int16Type>(array, row)?.to_string()),
            SparkType::Integer => out.plain(&primitive::<Int32Type>(array, row)?.to_string()),
            SparkType::Long => out.plain(&primitive::<Int64Type>(array, row)?.to_string()),
            SparkType::Float => {
                let value = primitive::<Float32Type>(array, row)?;
                if value.is_finite() { out.plain(&float_text(value)) } else { out.text(&float_text(value)) }
            }
            SparkType::Double => out.double(primitive::<Float64Type>(array, row)?),
            SparkType::Decimal(_, scale) => {
                out.plain(&exponent_signed(&decimal_java_text(primitive::<Decimal128Type>(array, row)?, *scale)))
            }
            SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => out.text(text(array, row)?),
            SparkType::Binary => {
                let bytes = array.as_binary_opt::<i32>().ok_or_else(|| wrong_layout("bytes", array.data_type()))?.value(row);
                out.text(&base64::engine::general_purpose::STANDARD.encode(bytes));
            }
            SparkType::Date => out.text(&self.formats.date(primitive::<Date32Type>(array, row)?)?),
            SparkType::Timestamp => out.text(&self.formats.timestamp(primitive::<TimestampMicrosecondType>(array, row)?)?),
            SparkType::TimestampNtz => out.text(&self.formats.ntz(primitive::<TimestampMicrosecondType>(array, row)?)?),
            SparkType::Time(_) => out.text(&self.formats.time(primitive::<Time64NanosecondType>(array, row)?)?),
            SparkType::Struct(fields) => self.fields(out, array, row, fields)?,
            SparkType::Array(element, _) => {
                let lists = Lists::new(array)?;
                out.start(false);
                for i in lists.range(row).into_iter().flatten() {
                    self.value(out, lists.values(), i, element)?;
                }
                out.end();
            }
            SparkType::Map(key, value, _) => {
                let maps = Maps::new(array)?;
                let mut entries = Vec::new();
                for i in maps.range(row).into_iter().flatten() {
                    entries.push((java_text(maps.keys(), i, key, self.settings)?, i));
                }
                if self.sorted {
                    entries.sort();
                }
                out.start(true);
                for (name, i) in entries {
                    out.name(&name);
                    self.value(out, maps.values(), i, value)?;
                }
                out.end();
            }
            other => out.text(&render::text_at(array, row, other, self.settings)?),
        }
        Ok(())
    }

    fn fields(&self, out: &mut Writer, array: &ArrayRef, row: usize, fields: &[StructField]) -> Result<()> {
        let structs = array.as_struct_opt().ok_or_else(|| wrong_layout("a struct", array.data_type()))?;
        let mut columns: Vec<(&StructField, &ArrayRef)> = fields.iter().zip(structs.columns()).collect();
        if self.sorted {
            columns.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        }
        out.start(true);
        for (field, column) in columns {
            let null = column.data_type().is_null() || column.is_null(row);
            if !(null && self.skip_nulls) {
                out.name(&field.name);
                self.value(out, column, row, &field.data_type)?;
            }
        }
        out.end();
        Ok(())
    }
}

/// Java writes the sign of a positive exponent: `1E+3`.
fn exponent_signed(text: &str) -> String {
    match text.split_once('E') {
        Some((mantissa, exponent)) if !exponent.starts_with(['-', '+']) => format!("{mantissa}E+{exponent}"),
        _ => text.to_owned(),
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> Result<T::Native> {
    let values = array.as_primitive_opt::<T>().ok_or_else(|| wrong_layout(&T::DATA_TYPE.to_string(), array.data_type()))?;
    Ok(values.value(row))
}

fn boolean(array: &ArrayRef, row: usize) -> Result<bool> {
    Ok(array.as_boolean_opt().ok_or_else(|| wrong_layout("booleans", array.data_type()))?.value(row))
}

fn text(array: &ArrayRef, row: usize) -> Result<&str> {
    Ok(array.as_string_opt::<i32>().ok_or_else(|| wrong_layout("text", array.data_type()))?.value(row))
}

/// A value as Spark holds it inside, in Java's words: dates and timestamps are numbers. Keys of maps are written like this.
pub(in crate::functions) fn java_text(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> Result<String> {
    if array.data_type().is_null() || array.is_null(row) {
        return Ok("null".to_owned());
    }
    Ok(match data_type {
        SparkType::Float => float_text(primitive::<Float32Type>(array, row)?),
        SparkType::Double => double_text(primitive::<Float64Type>(array, row)?),
        SparkType::Decimal(_, scale) => exponent_signed(&decimal_java_text(primitive::<Decimal128Type>(array, row)?, *scale)),
        SparkType::Date => primitive::<Date32Type>(array, row)?.to_string(),
        SparkType::Timestamp | SparkType::TimestampNtz => primitive::<TimestampMicrosecondType>(array, row)?.to_string(),
        SparkType::Time(_) => primitive::<Time64NanosecondType>(array, row)?.to_string(),
        SparkType::DayTimeInterval(..) => primitive::<arrow::datatypes::DurationMicrosecondType>(array, row)?.to_string(),
        SparkType::YearMonthInterval(..) => primitive::<arrow::datatypes::IntervalYearMonthType>(array, row)?.to_string(),
        SparkType::Struct(fields) => {
            let structs = array.as_struct_opt().ok_or_else(|| wrong_layout("a struct", array.data_type()))?;
            let parts = fields.iter().zip(structs.columns()).map(|(f, column)| java_text(column, row, &f.data_type, settings));
            format!("[{}]", parts.collect::<Result<Vec<_>>>()?.join(","))
        }
        SparkType::Array(element, _) => {
            let lists = Lists::new(array)?;
            let parts = lists.range(row).into_iter().flatten().map(|i| java_text(lists.values(), i, element, settings));
            format!("[{}]", parts.collect::<Result<Vec<_>>>()?.join(","))
        }
        other => render::text_at(array, row, other, settings)?,
    })
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (values, options) = (argument(args, 0)?, Options::of(args.constants));
    let style = JsonStyle::new(&options, args.settings)?;
    let data_type = args.types.first().cloned().unwrap_or(SparkType::Null);
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        if values.is_null(row) {
            out.append_null();
            continue;
        }
        let mut writer = Writer::new(style.pretty, style.ascii);
        style.value(&mut writer, values, row, &data_type)?;
        out.append_value(&writer.out);
    }
    Ok(Arc::new(out.finish()))
}
