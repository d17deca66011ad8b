//! What a value goes through on its way into a column: the cast of INSERT, and the lengths of `char(n)` and `varchar(n)`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringBuilder, StructArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use super::{cast, cast_array, strings};
use crate::error::error;
use crate::kernel::{KernelArgs, SparkScalar};
use crate::plan::{CastMode, Span};
use crate::types::{SparkType, lattice, to_arrow};
use crate::{Result, Settings, Typed};

/// `value` as the column `column` of a table holds it: cast by ANSI's rules whatever the session's are, padded and checked for length.
/// Whether the types go together at all is for [`lattice::can_store_assign`] to say first. The text and the name stay.
///
/// # Errors
/// As [`cast`]; a number that does not fit raises `CAST_OVERFLOW_IN_TABLE_INSERT` where its row is written.
pub fn store_cast(value: Typed, to: &SparkType, column: &str, settings: &Arc<Settings>, span: Option<Span>) -> Result<Typed> {
    let strict = if settings.ansi { Arc::clone(settings) } else { Arc::new(Settings { ansi: true, ..Settings::clone(settings) }) };
    let plain = lattice::without_char_varchar(to);
    let (given, from) = (value.expr.clone(), value.data_type.clone());
    let (sql, name) = (value.sql.clone(), value.name.clone());
    let mut made = cast(value, &plain, CastMode::Session, &strict, span)?;
    (made.sql, made.name) = (sql, name);
    if from != plain && made.as_literal().is_none() && has_exact_number(&plain) && !lattice::can_up_cast(&from, &plain) {
        let function = SparkScalar::new("store_cast", store_kernel, vec![from], plain, Arc::clone(&strict))
            .with_constants(vec![ScalarValue::from(column)])
            .with_nullable(made.nullable)
            .at(span);
        made.expr = function.call(vec![given]);
    }
    Ok(write_side(made, to, &strict, span))
}

fn store_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (Some(array), Some(from)) = (args.arrays.first(), args.types.first()) else {
        return Err(error("INTERNAL_ERROR", "a cast without a value: please report it"));
    };
    cast_array(array, from, args.out, CastMode::Session, args.settings).map_err(|raised| {
        let overflow = |name: &str| name == "CAST_OVERFLOW" || name.starts_with("NUMERIC_");
        if !raised.condition().is_some_and(|condition| overflow(&condition.name)) {
            return raised;
        }
        let column = args.constants.first().map(ToString::to_string).unwrap_or_default();
        let message = format!(
            "a value of type \"{}\" is out of the range of the column `{column}`, \"{}\": write `try_cast` for NULL instead",
            from.sql(),
            args.out.sql()
        );
        error("CAST_OVERFLOW_IN_TABLE_INSERT", message)
    })
}

fn has_exact_number(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Decimal(..) => true,
        SparkType::Array(element, _) => has_exact_number(element),
        SparkType::Map(key, value, _) => has_exact_number(key) || has_exact_number(value),
        SparkType::Struct(fields) => fields.iter().any(|field| has_exact_number(&field.data_type)),
        other => other.is_integral(),
    }
}

/// Text of the lengths that a column takes; other values are left alone.
pub fn write_side(value: Typed, to: &SparkType, settings: &Arc<Settings>, span: Option<Span>) -> Typed {
    if !has_length(to) {
        return value;
    }
    let (sql, name, nullable) = (value.sql, value.name, value.nullable);
    let function = SparkScalar::new("write_side_check", kernel, vec![value.data_type], to.clone(), Arc::clone(settings))
        .with_nullable(nullable)
        .at(span);
    Typed { expr: function.call(vec![value.expr]), data_type: to.clone(), nullable, sql, name }
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    match args.arrays.first() {
        Some(array) => write_side_check(array, args.out),
        None => Err(error("INTERNAL_ERROR", "a check of lengths without a value: please report it")),
    }
}

fn has_length(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Char(_) | SparkType::Varchar(_) => true,
        SparkType::Array(element, _) => has_length(element),
        SparkType::Map(key, value, _) => has_length(key) || has_length(value),
        SparkType::Struct(fields) => fields.iter().any(|field| has_length(&field.data_type)),
        _ => false,
    }
}

/// Text of the lengths of a type, at any depth: `char(n)` is padded with blanks, and what is longer loses blanks at its end.
///
/// # Errors
/// `EXCEED_LIMIT_LENGTH` for what is still longer.
pub fn write_side_check(array: &ArrayRef, to: &SparkType) -> Result<ArrayRef> {
    walk(array, to, &|text, to| {
        fit(text, to).map(Some).ok_or_else(|| {
            let message =
                format!("a text of {} characters does not fit \"{}\": shorten it, or widen the column", text.chars().count(), to.sql());
            error("EXCEED_LIMIT_LENGTH", message)
        })
    })
}

/// The same, with null for what is too long.
pub(super) fn fitted_or_null(array: &ArrayRef, to: &SparkType) -> Result<ArrayRef> {
    walk(array, to, &|text, to| Ok(fit(text, to)))
}

/// Text of `char(n)` columns padded, as queries read it from files that others wrote.
///
/// # Errors
/// When the array does not hold values of the type.
pub fn read_side_padding(array: &ArrayRef, to: &SparkType) -> Result<ArrayRef> {
    walk(array, to, &|text, to| {
        Ok(Some(if matches!(to, SparkType::Char(_)) { fit(text, to).unwrap_or(Cow::Borrowed(text)) } else { Cow::Borrowed(text) }))
    })
}

fn fit<'a>(text: &'a str, to: &SparkType) -> Option<Cow<'a, str>> {
    let (limit, pads) = match to {
        SparkType::Char(n) => (*n, true),
        SparkType::Varchar(n) => (*n, false),
        _ => return Some(Cow::Borrowed(text)),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let length = text.chars().count();
    if length <= limit {
        return Some(if pads && length < limit {
            Cow::Owned(format!("{text}{}", " ".repeat(limit - length)))
        } else {
            Cow::Borrowed(text)
        });
    }
    let excess = length - limit;
    let blanks = text.len() - text.trim_end_matches(' ').len();
    (blanks >= excess).then(|| Cow::Borrowed(text.get(..text.len() - excess).unwrap_or(text)))
}

type Fit<'a> = &'a dyn for<'t> Fn(&'t str, &SparkType) -> Result<Option<Cow<'t, str>>>;

fn walk(array: &ArrayRef, to: &SparkType, fit: Fit<'_>) -> Result<ArrayRef> {
    if !has_length(to) {
        return Ok(Arc::clone(array));
    }
    let wrong = || error("INTERNAL_ERROR", format!("values of {to} came as {}: please report it", array.data_type()));
    let out = to_arrow(to);
    match (to, &out) {
        (SparkType::Char(_) | SparkType::Varchar(_), _) => {
            let values = strings(array)?;
            let mut made = StringBuilder::with_capacity(values.len(), values.value_data().len());
            for row in 0..values.len() {
                match if values.is_null(row) { None } else { fit(values.value(row), to)? } {
                    Some(text) => made.append_value(text),
                    None => made.append_null(),
                }
            }
            Ok(Arc::new(made.finish()))
        }
        (SparkType::Array(element, _), DataType::List(field)) => {
            let list = array.as_list_opt::<i32>().ok_or_else(wrong)?;
            let items = walk(list.values(), element, fit)?;
            Ok(Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), items, list.nulls().cloned())?))
        }
        (SparkType::Map(key, value, _), DataType::Map(field, sorted)) => {
            let map = array.as_map_opt().ok_or_else(wrong)?;
            let DataType::Struct(pair) = field.data_type() else { return Err(wrong()) };
            let columns = vec![walk(map.keys(), key, fit)?, walk(map.values(), value, fit)?];
            let entries = StructArray::try_new(pair.clone(), columns, None)?;
            Ok(Arc::new(MapArray::try_new(Arc::clone(field), map.offsets().clone(), entries, map.nulls().cloned(), *sorted)?))
        }
        (SparkType::Struct(fields), DataType::Struct(arrow_fields)) => {
            let record = array.as_struct_opt().ok_or_else(wrong)?;
            let columns: Vec<ArrayRef> =
                fields.iter().zip(record.columns()).map(|(field, column)| walk(column, &field.data_type, fit)).collect::<Result<_>>()?;
            Ok(Arc::new(StructArray::try_new(arrow_fields.clone(), columns, record.nulls().cloned())?))
        }
        _ => Ok(Arc::clone(array)),
    }
}
