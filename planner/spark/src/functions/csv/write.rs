//! Structs as CSV text: to_csv.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{ArrowPrimitiveType, Date32Type, Time64NanosecondType, TimestampMicrosecondType};

use super::line::Format;
use crate::functions::json::options::{Options, WriteFormats, option_map, shown};
use crate::functions::json::write::java_text;
use crate::functions::nested::{Lists, Maps, argument, row};
use crate::functions::{Call, Function, Group, KernelArgs};
use crate::kernel::retype::wrong_layout;
use crate::types::{SparkType, render};
use crate::{Result, Settings, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "to_csv",
    Group::Csv,
    "to_csv(expr[, options]) - The struct as a record of CSV.",
    &[
        ("SELECT to_csv(named_struct('a', 1, 'b', 2))", "1,2"),
        (
            "SELECT to_csv(named_struct('time', to_timestamp('2015-08-26', 'yyyy-MM-dd')), map('timestampFormat', 'dd/MM/yyyy'))",
            "26/08/2015",
        ),
    ],
    to_csv,
)];

fn to_csv(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let value = call.arg(0)?;
    let constants = option_map(call, 1)?;
    if !matches!(value.data_type, SparkType::Struct(_)) {
        let reason = format!("`to_csv` takes a struct, not \"{}\": wrap it with `struct(…)`", value.data_type.sql());
        return Err(call.mismatch("DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE", reason));
    }
    Style::new(&Options::of(&constants), call.settings).map_err(|error| crate::error::at(error, call.span))?;
    let made = call.scalar_with(kernel, vec![value.clone()], constants, SparkType::String, true);
    Ok(shown(call, made, &value))
}

/// How values are written.
pub(super) struct Style<'a> {
    pub(super) format: Format,
    formats: WriteFormats,
    /// What stands for null inside of arrays, maps and structs.
    inner_null: Option<String>,
    settings: &'a Settings,
}

impl<'a> Style<'a> {
    /// By the options.
    ///
    /// # Errors
    /// For options that have no such value.
    pub(super) fn new(options: &Options, settings: &'a Settings) -> Result<Self> {
        Ok(Self {
            format: Format::new(options)?,
            formats: WriteFormats::new(options, settings)?,
            inner_null: options.get("nullValue").map(|text| format!(" {text}")),
            settings,
        })
    }

    /// A value's text; none for null.
    ///
    /// # Errors
    /// For values that a format of dates or times cannot say.
    pub(super) fn value(&self, array: &ArrayRef, row: usize, data_type: &SparkType) -> Result<Option<String>> {
        if array.data_type().is_null() || array.is_null(row) {
            return Ok(None);
        }
        Ok(Some(match data_type {
            SparkType::Date => self.formats.date(primitive::<Date32Type>(array, row)?)?,
            SparkType::Timestamp => self.formats.timestamp(primitive::<TimestampMicrosecondType>(array, row)?)?,
            SparkType::TimestampNtz => self.formats.ntz(primitive::<TimestampMicrosecondType>(array, row)?)?,
            SparkType::Time(_) => self.formats.time(primitive::<Time64NanosecondType>(array, row)?)?,
            SparkType::Array(element, _) => {
                let lists = Lists::new(array)?;
                let items = lists.range(row).into_iter().flatten().map(|i| self.value(lists.values(), i, element));
                self.several('[', items.collect::<Result<Vec<_>>>()?, ']')
            }
            SparkType::Struct(fields) => {
                let structs = array.as_struct_opt().ok_or_else(|| wrong_layout("a struct", array.data_type()))?;
                let items = fields.iter().zip(structs.columns()).map(|(field, column)| self.value(column, row, &field.data_type));
                self.several('{', items.collect::<Result<Vec<_>>>()?, '}')
            }
            SparkType::Map(key, value, _) => {
                let maps = Maps::new(array)?;
                let mut entries = Vec::new();
                for i in maps.range(row).into_iter().flatten() {
                    let key = self.value(maps.keys(), i, key)?.unwrap_or_default();
                    let value = match self.value(maps.values(), i, value)? {
                        Some(value) => format!(" {value}"),
                        None => self.inner_null.clone().unwrap_or_default(),
                    };
                    entries.push(format!("{key} ->{value}"));
                }
                format!("{{{}}}", entries.join(", "))
            }
            SparkType::DayTimeInterval(..) | SparkType::YearMonthInterval(..) | SparkType::CalendarInterval => {
                render::text_at(array, row, data_type, self.settings)?
            }
            SparkType::Binary => render::pretty_text_at(array, row, data_type, self.settings)?,
            other => java_text(array, row, other, self.settings)?,
        }))
    }

    fn several(&self, open: char, items: Vec<Option<String>>, close: char) -> String {
        let mut out = String::from(open);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            match item {
                Some(item) => {
                    if i > 0 {
                        out.push(' ');
                    }
                    out.push_str(item);
                }
                None => out.push_str(self.inner_null.as_deref().unwrap_or_default()),
            }
        }
        out.push(close);
        out
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> Result<T::Native> {
    let values = array.as_primitive_opt::<T>().ok_or_else(|| wrong_layout(&T::DATA_TYPE.to_string(), array.data_type()))?;
    Ok(values.value(row))
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let array = argument(args, 0)?;
    let structs = array.as_struct_opt().ok_or_else(|| wrong_layout("a struct", array.data_type()))?;
    let style = Style::new(&Options::of(args.constants), args.settings)?;
    let Some(SparkType::Struct(fields)) = args.types.first() else { return Err(wrong_layout("a struct", array.data_type())) };
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        if structs.is_null(row) {
            out.append_null();
            continue;
        }
        let values = fields.iter().zip(structs.columns()).map(|(field, column)| style.value(column, row, &field.data_type));
        out.append_value(style.format.join(&values.collect::<Result<Vec<_>>>()?));
    }
    Ok(Arc::new(out.finish()))
}
