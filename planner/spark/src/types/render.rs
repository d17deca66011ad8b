//! Values as text: as CAST to STRING has them, as `show` and Hive's form have them, and as literals of SQL.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalYearMonthType, Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;

use super::{SparkType, TimeZone, datetime_text, interval_text, number_text, to_arrow};
use crate::error::error;
use crate::{Result, Settings};

/// How values are written.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// The zone in which moments are shown.
    pub zone: &'a TimeZone,
    /// What stands for null inside of arrays, maps and structs.
    pub null: &'a str,
    /// The brackets around maps and structs.
    pub brackets: (char, char),
    /// Whether decimals never have an exponent.
    pub plain_decimals: bool,
    /// Whether bytes are shown as `[31 46]` instead of as the text that they are.
    pub hex: bool,
}

impl<'a> Style<'a> {
    /// CAST to STRING.
    pub fn cast(settings: &'a Settings) -> Self {
        let legacy = settings.get("spark.sql.legacy.castComplexTypesToString.enabled").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        Self {
            zone: &settings.time_zone,
            null: if legacy { "" } else { "null" },
            brackets: if legacy { ('[', ']') } else { ('{', '}') },
            plain_decimals: settings.ansi,
            hex: false,
        }
    }

    /// `show`
    pub fn pretty(settings: &'a Settings) -> Self {
        Self { zone: &settings.time_zone, null: "NULL", brackets: ('{', '}'), plain_decimals: true, hex: true }
    }
}

/// CAST(value AS STRING) of one value; null is `null`.
///
/// # Errors
/// When the array does not hold values of the type.
pub fn text_at(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> Result<String> {
    let mut out = String::new();
    let style = Style::cast(settings);
    if array.is_null(row) {
        return Ok("null".to_owned());
    }
    write_value(&mut out, array, row, data_type, &style)?;
    Ok(out)
}

/// A value as `show` has it; null is `NULL`.
///
/// # Errors
/// As [`text_at`].
pub fn pretty_text_at(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> Result<String> {
    let mut out = String::new();
    if array.is_null(row) {
        return Ok("NULL".to_owned());
    }
    write_value(&mut out, array, row, data_type, &Style::pretty(settings))?;
    Ok(out)
}

fn wrong(data_type: &SparkType, array: &dyn Array) -> crate::Error {
    error("INTERNAL_ERROR", format!("values of {data_type} came as {}: please report it", array.data_type()))
}

/// Appends the value at `row`, which is not null.
pub(crate) fn write_value(out: &mut String, array: &ArrayRef, row: usize, data_type: &SparkType, style: &Style<'_>) -> Result<()> {
    use SparkType as T;
    if row >= array.len() {
        return Err(wrong(data_type, array));
    }
    macro_rules! primitive {
        ($t:ty) => {
            array.as_primitive_opt::<$t>().map(|array| array.value(row))
        };
    }
    let done = match data_type {
        T::Null | T::Unsupported(_) => {
            out.push_str(style.null);
            Some(())
        }
        T::Boolean => array.as_boolean_opt().map(|array| out.push_str(if array.value(row) { "true" } else { "false" })),
        T::Byte => primitive!(Int8Type).map(|v| write(out, v)),
        T::Short => primitive!(Int16Type).map(|v| write(out, v)),
        T::Integer => primitive!(Int32Type).map(|v| write(out, v)),
        T::Long => primitive!(Int64Type).map(|v| write(out, v)),
        T::Float => primitive!(Float32Type).map(|v| out.push_str(&number_text::float_text(v))),
        T::Double => primitive!(Float64Type).map(|v| out.push_str(&number_text::double_text(v))),
        T::Decimal(_, scale) => primitive!(Decimal128Type).map(|v| {
            if style.plain_decimals {
                number_text::write_decimal(out, v, *scale);
            } else {
                out.push_str(&number_text::decimal_java_text(v, *scale));
            }
        }),
        T::String | T::Char(_) | T::Varchar(_) => array.as_string_opt::<i32>().map(|array| out.push_str(array.value(row))),
        T::Binary => array.as_binary_opt::<i32>().map(|array| {
            if style.hex {
                let bytes: Vec<String> = array.value(row).iter().map(|b| format!("{b:02X}")).collect();
                let _ = write!(out, "[{}]", bytes.join(" "));
            } else {
                out.push_str(&String::from_utf8_lossy(array.value(row)));
            }
        }),
        T::Date => primitive!(Date32Type).map(|v| datetime_text::write_date(out, i64::from(v))),
        T::Time(_) => primitive!(Time64NanosecondType).map(|v| datetime_text::write_time(out, v)),
        T::Timestamp => primitive!(TimestampMicrosecondType).map(|v| datetime_text::write_local(out, style.zone.to_local(v).unwrap_or(v))),
        T::TimestampNtz => primitive!(TimestampMicrosecondType).map(|v| datetime_text::write_local(out, v)),
        T::CalendarInterval => primitive!(IntervalMonthDayNanoType)
            .map(|v| out.push_str(&interval_text::calendar_text(v.months, v.days, v.nanoseconds / 1000))),
        T::DayTimeInterval(start, end) => {
            primitive!(DurationMicrosecondType).map(|v| out.push_str(&interval_text::day_time_text(v, *start, *end)))
        }
        T::YearMonthInterval(start, end) => {
            primitive!(IntervalYearMonthType).map(|v| out.push_str(&interval_text::year_month_text(v, *start, *end)))
        }
        T::Array(element, _) => {
            let Some(list) = array.as_list_opt::<i32>() else { return coerced(out, array, row, data_type, style) };
            let items = list.value(row);
            out.push('[');
            for at in 0..items.len() {
                separate(out, at);
                write_item(out, &items, at, element, style, at > 0)?;
            }
            out.push(']');
            Some(())
        }
        T::Map(key, value, _) => {
            let Some(map) = array.as_map_opt() else { return coerced(out, array, row, data_type, style) };
            let entries = map.value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            out.push(style.brackets.0);
            for at in 0..entries.len() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_value(out, keys, at, key, style)?;
                out.push_str(" ->");
                write_item(out, values, at, value, style, true)?;
            }
            out.push(style.brackets.1);
            Some(())
        }
        T::Struct(fields) => {
            let Some(record) = array.as_struct_opt() else { return Err(wrong(data_type, array)) };
            if record.num_columns() != fields.len() {
                return Err(wrong(data_type, array));
            }
            out.push(style.brackets.0);
            for (at, (field, column)) in fields.iter().zip(record.columns()).enumerate() {
                separate(out, at);
                write_item(out, column, row, &field.data_type, style, at > 0)?;
            }
            out.push(style.brackets.1);
            Some(())
        }
    };
    match done {
        Some(()) => Ok(()),
        None => coerced(out, array, row, data_type, style),
    }
}

fn write(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

fn separate(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

fn write_item(out: &mut String, array: &ArrayRef, row: usize, data_type: &SparkType, style: &Style<'_>, blank: bool) -> Result<()> {
    let null = array.is_null(row) || *data_type == SparkType::Null;
    if null && style.null.is_empty() {
        return Ok(());
    }
    if blank {
        out.push(' ');
    }
    if null {
        out.push_str(style.null);
        return Ok(());
    }
    write_value(out, array, row, data_type, style)
}

/// Arrays in another Arrow type that holds the same values, such as string views.
fn coerced(out: &mut String, array: &ArrayRef, row: usize, data_type: &SparkType, style: &Style<'_>) -> Result<()> {
    let wanted = to_arrow(data_type);
    if *array.data_type() == wanted {
        return Err(wrong(data_type, array));
    }
    let one = arrow::compute::cast(&array.slice(row, 1), &wanted).map_err(|_| wrong(data_type, array))?;
    write_value(out, &one, 0, data_type, style)
}

/// A value as Hive's command line has it: null is `NULL`, arrays `["a",1]`, maps `{"k":1}`, structs `{"a":1}`.
///
/// # Errors
/// As [`text_at`].
pub fn hive_text_at(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> Result<String> {
    let mut out = String::new();
    write_hive(&mut out, array, row, data_type, settings, false)?;
    Ok(out)
}

fn write_hive(out: &mut String, array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings, nested: bool) -> Result<()> {
    use SparkType as T;
    if array.is_null(row) || *data_type == T::Null {
        out.push_str(if nested { "null" } else { "NULL" });
        return Ok(());
    }
    match data_type {
        T::Array(element, _) => {
            let Some(list) = array.as_list_opt::<i32>() else { return Err(wrong(data_type, array)) };
            let items = list.value(row);
            out.push('[');
            for at in 0..items.len() {
                separate(out, at);
                write_hive(out, &items, at, element, settings, true)?;
            }
            out.push(']');
        }
        T::Map(key, value, _) => {
            let Some(map) = array.as_map_opt() else { return Err(wrong(data_type, array)) };
            let entries = map.value(row);
            // Spark sorts the pairs by their text here.
            let mut pairs = Vec::with_capacity(entries.len());
            for at in 0..entries.len() {
                let mut pair = String::new();
                write_hive(&mut pair, entries.column(0), at, key, settings, true)?;
                pair.push(':');
                write_hive(&mut pair, entries.column(1), at, value, settings, true)?;
                pairs.push(pair);
            }
            pairs.sort();
            let _ = write!(out, "{{{}}}", pairs.join(","));
        }
        T::Struct(fields) => {
            let Some(record) = array.as_struct_opt() else { return Err(wrong(data_type, array)) };
            out.push('{');
            for (at, (field, column)) in fields.iter().zip(record.columns()).enumerate() {
                separate(out, at);
                let _ = write!(out, "\"{}\":", field.name);
                write_hive(out, column, row, &field.data_type, settings, true)?;
            }
            out.push('}');
        }
        T::String | T::Char(_) | T::Varchar(_) if nested => {
            out.push('"');
            write_value(out, array, row, data_type, &Style::pretty(settings))?;
            out.push('"');
        }
        T::DayTimeInterval(..) => match array.as_primitive_opt::<DurationMicrosecondType>() {
            Some(array) => out.push_str(&interval_text::day_time_hive_text(array.value(row))),
            None => return Err(wrong(data_type, array)),
        },
        T::YearMonthInterval(..) => match array.as_primitive_opt::<IntervalYearMonthType>() {
            Some(array) => out.push_str(&interval_text::year_month_hive_text(array.value(row))),
            None => return Err(wrong(data_type, array)),
        },
        T::Decimal(_, scale) => match array.as_primitive_opt::<Decimal128Type>() {
            Some(array) => number_text::write_decimal(out, array.value(row), *scale),
            None => return Err(wrong(data_type, array)),
        },
        _ => write_value(out, array, row, data_type, &Style { hex: false, ..Style::pretty(settings) })?,
    }
    Ok(())
}

/// How Spark shows a constant in the name of a column: `1`, `abc`, `DATE '2020-01-01'`, `X'1F'`, `NULL`.
pub fn sql_literal(value: &ScalarValue, data_type: &SparkType, settings: &Settings) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let Ok(array) = value.to_array() else { return value.to_string() };
    if data_type.is_string() || data_type.is_numeric() {
        let style = Style { plain_decimals: false, ..Style::cast(settings) };
        let mut out = String::new();
        if write_value(&mut out, &array, 0, data_type, &style).is_ok() {
            return out;
        }
    }
    literal_at(&array, 0, data_type, settings)
}

/// How Spark's errors show a value: `'abc'`, `1L`, `1.0D`, `1.5BD`, `DATE '2020-01-01'`, `NULL`.
pub fn literal_at(array: &ArrayRef, row: usize, data_type: &SparkType, settings: &Settings) -> String {
    use SparkType as T;
    if row >= array.len() || array.is_null(row) {
        return "NULL".to_owned();
    }
    let mut text = String::new();
    let style = Style { plain_decimals: false, ..Style::cast(settings) };
    if write_value(&mut text, array, row, data_type, &style).is_err() {
        return "?".to_owned();
    }
    match data_type {
        T::String | T::Char(_) | T::Varchar(_) => quoted(&text),
        T::Byte => format!("{text}Y"),
        T::Short => format!("{text}S"),
        T::Long => format!("{text}L"),
        T::Double if !matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => format!("{text}D"),
        T::Decimal(..) => format!("{text}BD"),
        T::Date => format!("DATE '{text}'"),
        T::Time(_) => format!("TIME '{text}'"),
        T::Timestamp => format!("TIMESTAMP '{text}'"),
        T::TimestampNtz => format!("TIMESTAMP_NTZ '{text}'"),
        T::CalendarInterval => format!("INTERVAL '{text}'"),
        T::Binary => match array.as_binary_opt::<i32>() {
            Some(array) => format!("X'{}'", hex::encode_upper(array.value(row))),
            None => text,
        },
        T::Array(element, _) => match array.as_list_opt::<i32>() {
            Some(list) => {
                let items = list.value(row);
                let texts: Vec<String> = (0..items.len()).map(|at| literal_at(&items, at, element, settings)).collect();
                format!("ARRAY({})", texts.join(", "))
            }
            None => text,
        },
        T::Map(key, value, _) => match array.as_map_opt() {
            Some(map) => {
                let entries = map.value(row);
                let pair = |at| {
                    let key = literal_at(entries.column(0), at, key, settings);
                    format!("{key}, {}", literal_at(entries.column(1), at, value, settings))
                };
                format!("MAP({})", (0..entries.len()).map(pair).collect::<Vec<_>>().join(", "))
            }
            None => text,
        },
        T::Struct(fields) => match array.as_struct_opt() {
            Some(record) => {
                let field = |(field, column): (&super::StructField, &ArrayRef)| {
                    format!("'{}', {}", field.name, literal_at(column, row, &field.data_type, settings))
                };
                format!("NAMED_STRUCT({})", fields.iter().zip(record.columns()).map(field).collect::<Vec<_>>().join(", "))
            }
            None => text,
        },
        _ => text,
    }
}

/// A value as Spark's errors show it.
pub fn error_literal(value: &ScalarValue, data_type: &SparkType, settings: &Settings) -> String {
    match value.to_array() {
        Ok(array) => literal_at(&array, 0, data_type, settings),
        Err(_) => value.to_string(),
    }
}

/// Text between single quotes, as SQL has it.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
