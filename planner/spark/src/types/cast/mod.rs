//! Casts: which there are, and what they do, in ANSI mode, in legacy mode, and with `try_cast`.

mod datetime;
mod interval;
mod legality;
mod nested;
mod numbers;
mod text;
mod write_side;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, new_null_array};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Cast;

use super::{SparkType, lattice, render, to_arrow};
use crate::error::error;
use crate::kernel::{KernelArgs, SparkScalar};
use crate::plan::{CastMode, Span};
use crate::{Error, Result, Settings, Sql, Typed};

pub use write_side::{read_side_padding, store_cast, write_side, write_side_check};

/// `value` as another type, shown as `CAST(value AS TYPE)`.
///
/// # Errors
/// `DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION` and its like where there is no such cast.
pub fn cast(value: Typed, to: &SparkType, mode: CastMode, settings: &Arc<Settings>, span: Option<Span>) -> Result<Typed> {
    // Queries have no char(n) and varchar(n) unless they ask for it: only tables do.
    let keeps_lengths = settings.get("spark.sql.preserveCharVarcharTypeInfo").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let plain;
    let to = if keeps_lengths {
        to
    } else {
        plain = lattice::without_char_varchar(to);
        &plain
    };
    let word = if mode == CastMode::Try { "TRY_CAST(" } else { "CAST(" };
    let shown = Sql::concat(vec![Sql::from(word), value.sql.clone(), Sql::from(format!(" AS {})", to.sql()))]);
    let value_shown = value.sql.clone();
    legality::check(&shown, &value.data_type, to, mode, settings, span)?;
    // A cast of a column is called as the column.
    let name = match &value.expr {
        Expr::Column(_) | Expr::OuterReferenceColumn(..) => value.name.clone(),
        _ => None,
    };
    let nullable = is_nullable(&value, to, mode);
    let expr = cast_expr(value, to, mode, nullable, settings, span)?;
    let nullable = match &expr {
        Expr::Literal(literal, _) => literal.is_null(),
        _ => nullable,
    };
    // A cast to a nested type is not shown.
    let is_nested = matches!(to, SparkType::Array(..) | SparkType::Map(..) | SparkType::Struct(..));
    let mut made = Typed::new(expr, to.clone(), nullable, if is_nested { value_shown } else { shown });
    made.name = name;
    Ok(made)
}

/// Whether a cast may give null, as Spark says it.
fn is_nullable(value: &Typed, to: &SparkType, mode: CastMode) -> bool {
    let from = &value.data_type;
    match mode {
        CastMode::Session => value.nullable || lattice::force_nullable(from, to),
        CastMode::Try if from.is_string() && *to == SparkType::Binary => value.nullable,
        CastMode::Try if matches!(from, SparkType::Decimal(..)) && to.is_integral() => true,
        CastMode::Try => value.nullable || !lattice::can_up_cast(from, to),
    }
}

fn cast_expr(value: Typed, to: &SparkType, mode: CastMode, nullable: bool, settings: &Arc<Settings>, span: Option<Span>) -> Result<Expr> {
    let from = value.data_type.clone();
    if from == *to || is_relabelling(&from, to) {
        return Ok(value.expr);
    }
    if let Some(literal) = value.as_literal() {
        if literal.is_null() {
            return Ok(Expr::Literal(ScalarValue::try_from(&to_arrow(to))?, None));
        }
        // A literal that does not fit fails where its row is computed.
        let folded = literal.to_array().map_err(Error::from).and_then(|array| cast_array(&array, &from, to, mode, settings));
        if let Ok(array) = folded {
            return Ok(Expr::Literal(ScalarValue::try_from_array(&array, 0)?, None));
        }
    }
    if is_engines(&from, to, settings) {
        return Ok(Expr::Cast(Cast::new(Box::new(value.expr), to_arrow(to))));
    }
    let (kernel_name, kernel): (_, crate::kernel::ScalarKernel) = match mode {
        CastMode::Session => ("cast", session_kernel),
        CastMode::Try => ("try_cast", try_kernel),
    };
    let function = SparkScalar::new(kernel_name, kernel, vec![from], to.clone(), Arc::clone(settings)).with_nullable(nullable).at(span);
    Ok(function.call(vec![value.expr]))
}

fn session_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    kernel(args, CastMode::Session)
}

fn try_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    kernel(args, CastMode::Try)
}

fn kernel(args: &KernelArgs<'_>, mode: CastMode) -> Result<ArrayRef> {
    match (args.arrays.first(), args.types.first()) {
        (Some(array), Some(from)) => cast_array(array, from, args.out, mode, args.settings),
        _ => Err(error("INTERNAL_ERROR", "a cast without a value: please report it")),
    }
}

/// Whether the values of one type are those of the other as they stand.
fn is_relabelling(from: &SparkType, to: &SparkType) -> bool {
    match (from, to) {
        (from, SparkType::String) => from.is_string(),
        (SparkType::DayTimeInterval(_, e1), SparkType::DayTimeInterval(_, e2)) => e1 <= e2,
        (SparkType::YearMonthInterval(_, e1), SparkType::YearMonthInterval(_, e2)) => e1 <= e2,
        (SparkType::Time(p1), SparkType::Time(p2)) => p1 <= p2,
        _ => false,
    }
}

/// Whether the engine's own cast does just what Spark's does, whatever the value: then the optimizer may know of it.
fn is_engines(from: &SparkType, to: &SparkType, settings: &Settings) -> bool {
    use SparkType as T;
    match (from, to) {
        (T::Byte, T::Short | T::Integer | T::Long) | (T::Short, T::Integer | T::Long) | (T::Integer, T::Long) => true,
        (from, T::Float | T::Double) if from.is_integral() => true,
        (T::Float, T::Double) => true,
        (T::Boolean, to) if to.is_integral() => true,
        (from, T::String) if from.is_integral() || *from == T::Boolean => true,
        (from, T::Decimal(..)) if from.is_integral() || matches!(from, T::Decimal(..)) => lattice::can_up_cast(from, to),
        (T::Timestamp, T::TimestampNtz) | (T::TimestampNtz, T::Timestamp) => settings.time_zone == super::TimeZone::utc(),
        _ => false,
    }
}

/// Values as another type; `mode` and the settings decide about those that do not fit.
///
/// # Errors
/// `CAST_INVALID_INPUT`, `CAST_OVERFLOW` and others in ANSI mode.
pub fn cast_array(array: &ArrayRef, from: &SparkType, to: &SparkType, mode: CastMode, settings: &Settings) -> Result<ArrayRef> {
    let how = match mode {
        CastMode::Try => How::Try,
        CastMode::Session if settings.ansi => How::Ansi,
        CastMode::Session => How::Legacy,
    };
    Cx { how, settings }.cast(array, from, to)
}

/// What happens to values that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Ansi,
    Legacy,
    Try,
}

/// A cast that runs.
struct Cx<'a> {
    how: How,
    settings: &'a Settings,
}

impl Cx<'_> {
    fn cast(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        use SparkType as T;
        let out = to_arrow(to);
        if from == to && *array.data_type() == out {
            return Ok(Arc::clone(array));
        }
        if *from == T::Null {
            return Ok(new_null_array(&out, array.len()));
        }
        if is_relabelling(from, to) {
            return Ok(if *array.data_type() == out { Arc::clone(array) } else { arrow::compute::cast(array, &out)? });
        }
        if is_engines(from, to, self.settings) {
            return Ok(arrow::compute::cast(array, &out)?);
        }
        let made = match (from, to) {
            (_, to) if to.is_string() => self.to_string(array, from, to)?,
            (T::Array(..) | T::Map(..) | T::Struct(_), _) => self.nested(array, from, to)?,
            (_, T::Binary) => self.to_binary(array, from)?,
            (_, T::Boolean) => self.to_boolean(array, from)?,
            (_, T::CalendarInterval | T::DayTimeInterval(..) | T::YearMonthInterval(..)) => self.to_interval(array, from, to)?,
            (_, T::Date | T::Timestamp | T::TimestampNtz | T::Time(_)) => self.to_datetime(array, from, to)?,
            (_, T::Byte) => self.to_integral::<arrow::datatypes::Int8Type>(array, from, to)?,
            (_, T::Short) => self.to_integral::<arrow::datatypes::Int16Type>(array, from, to)?,
            (_, T::Integer) => self.to_integral::<arrow::datatypes::Int32Type>(array, from, to)?,
            (_, T::Long) => self.to_integral::<arrow::datatypes::Int64Type>(array, from, to)?,
            (_, T::Float) => self.to_float(array, from, to)?,
            (_, T::Double) => self.to_double(array, from, to)?,
            (_, T::Decimal(precision, scale)) => self.to_decimal(array, from, *precision, *scale)?,
            _ => return Err(no_cast(from, to)),
        };
        if *made.data_type() == out { Ok(made) } else { Ok(arrow::compute::cast(&made, &out)?) }
    }

    /// A value that does not fit: an error in ANSI mode, null otherwise.
    fn refuse<T>(&self, why: impl FnOnce() -> Error) -> Result<Option<T>> {
        if self.how == How::Ansi { Err(why()) } else { Ok(None) }
    }

    /// A value that does not fit, which legacy mode refuses as well.
    fn always<T>(&self, why: impl FnOnce() -> Error) -> Result<Option<T>> {
        if self.how == How::Try { Ok(None) } else { Err(why()) }
    }

    fn overflow(&self, array: &ArrayRef, row: usize, from: &SparkType, to: &SparkType) -> Error {
        overflow(&render::literal_at(array, row, from, self.settings), from, to)
    }

    fn invalid(&self, array: &ArrayRef, row: usize, from: &SparkType, to: &SparkType) -> Error {
        invalid(&render::literal_at(array, row, from, self.settings), from, to)
    }
}

/// `CAST_OVERFLOW` for a value as errors show it.
pub fn overflow(value: &str, from: &SparkType, to: &SparkType) -> Error {
    let message = format!(
        "{value} of type \"{}\" is out of the range of \"{}\": use `try_cast` for NULL instead, or a wider type",
        from.sql(),
        to.sql()
    );
    error("CAST_OVERFLOW", message)
}

/// `CAST_INVALID_INPUT` for a value as errors show it.
pub fn invalid(value: &str, from: &SparkType, to: &SparkType) -> Error {
    let message = format!("{value} of type \"{}\" is no \"{}\": correct it, or use `try_cast` for NULL instead", from.sql(), to.sql());
    error("CAST_INVALID_INPUT", message)
}

/// `NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION` for a number's text.
pub fn out_of_range(value: &str, precision: u8, scale: u8) -> Error {
    let message = format!(
        "{value} does not fit Decimal({precision}, {scale}): use a wider decimal, or `try_cast` or \"spark.sql.ansi.enabled\" = false \
         for NULL instead"
    );
    error("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", message)
}

fn no_cast(from: &SparkType, to: &SparkType) -> Error {
    error("INTERNAL_ERROR", format!("no cast from {from} to {to}: please report it"))
}

/// The array as one of primitives.
fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<&PrimitiveArray<T>> {
    array
        .as_primitive_opt::<T>()
        .ok_or_else(|| error("INTERNAL_ERROR", format!("values of {} came as {}: please report it", T::DATA_TYPE, array.data_type())))
}

/// Maps values that are not null; the function is given the row as well, for errors.
fn convert<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    array: &ArrayRef,
    convert: impl Fn(usize, I::Native) -> Result<Option<O::Native>>,
) -> Result<ArrayRef> {
    let values = primitive::<I>(array)?;
    let mut made = PrimitiveArray::<O>::builder(values.len());
    for row in 0..values.len() {
        made.append_option(if values.is_null(row) { None } else { convert(row, values.value(row))? });
    }
    Ok(Arc::new(made.finish()))
}

/// The same without values that do not fit.
fn map<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(array: &ArrayRef, map: impl Fn(I::Native) -> O::Native) -> Result<ArrayRef> {
    Ok(Arc::new(primitive::<I>(array)?.unary::<_, O>(map)))
}

/// Maps texts that are not null.
fn convert_text<O: ArrowPrimitiveType>(array: &ArrayRef, convert: impl Fn(usize, &str) -> Result<Option<O::Native>>) -> Result<ArrayRef> {
    let values = strings(array)?;
    let mut made = PrimitiveArray::<O>::builder(values.len());
    for row in 0..values.len() {
        made.append_option(if values.is_null(row) { None } else { convert(row, values.value(row))? });
    }
    Ok(Arc::new(made.finish()))
}

fn strings(array: &ArrayRef) -> Result<&arrow::array::StringArray> {
    array.as_string_opt::<i32>().ok_or_else(|| error("INTERNAL_ERROR", format!("text came as {}: please report it", array.data_type())))
}

/// The array's primitives under the type that it has to have: with a zone, or with precision and scale.
fn typed<O: ArrowPrimitiveType>(array: ArrayRef, to: &SparkType) -> Result<ArrayRef> {
    let out = to_arrow(to);
    let data = array.into_data().into_builder().data_type(out).build()?;
    let _ = O::DATA_TYPE;
    Ok(arrow::array::make_array(data))
}

#[cfg(test)]
mod tests;
