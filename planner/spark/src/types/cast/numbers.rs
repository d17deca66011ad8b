//! Casts to numbers and booleans.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalYearMonthType, Time64NanosecondType, TimestampMicrosecondType,
};

use super::{Cx, How, convert, convert_text, invalid, map, no_cast, out_of_range, primitive, strings, typed};
use crate::error::error;
use crate::types::civil::MICROS_PER_SECOND;
use crate::types::number_text::{self, BigNumber, POWERS_OF_TEN, decimal_text, rescale};
use crate::types::{SparkType, render};
use crate::{Error, Result};

/// The native type of whole numbers, and how Java narrows to it.
pub(super) trait Integral: Copy + TryFrom<i128> {
    /// The low bits of a whole number.
    fn wrap(value: i64) -> Self;
    /// A floating point number in legacy mode: cut to `int` or `bigint`, and the low bits of that.
    fn cut(value: f64) -> Self;
    /// Whether a floating point number, its fraction cut off, is in range.
    fn holds(value: f64) -> bool;
}

macro_rules! integral {
    ($native:ty, $over:ty, $low:expr, $high:expr) => {
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, clippy::cast_precision_loss, trivial_numeric_casts)]
        impl Integral for $native {
            fn wrap(value: i64) -> Self {
                value as $native
            }

            fn cut(value: f64) -> Self {
                value as $over as $native
            }

            fn holds(value: f64) -> bool {
                value.trunc() >= $low && value.trunc() <= $high
            }
        }
    };
}

integral!(i8, i32, -128.0, 127.0);
integral!(i16, i32, -32_768.0, 32_767.0);
integral!(i32, i32, -2_147_483_648.0, 2_147_483_647.0);
// 2^63 itself counts as in range, and becomes the largest bigint.
integral!(i64, i64, -9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0);

impl Cx<'_> {
    /// To `tinyint`, `smallint`, `int`, `bigint`.
    pub(super) fn to_integral<O>(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef>
    where
        O: ArrowPrimitiveType,
        O::Native: Integral,
    {
        use SparkType as T;
        let overflow = |row: usize| self.overflow(array, row, from, to);
        let exact = |row: usize, value: i128| match O::Native::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => self.always(|| overflow(row)),
        };
        let whole = |row: usize, value: i64| {
            if self.how == How::Legacy { Ok(Some(O::Native::wrap(value))) } else { exact(row, i128::from(value)) }
        };
        let float = |row: usize, value: f64| {
            if self.how != How::Legacy && !O::Native::holds(value) {
                return self.refuse(|| overflow(row));
            }
            Ok(Some(O::Native::cut(value)))
        };
        match from {
            T::String | T::Char(_) | T::Varchar(_) => convert_text::<O>(array, |_, text| {
                let value = number_text::parse_integral(text, self.how == How::Legacy);
                match value.and_then(|value| O::Native::try_from(i128::from(value)).ok()) {
                    Some(value) => Ok(Some(value)),
                    None => self.refuse(|| invalid(&render::quoted(text), &T::String, to)),
                }
            }),
            T::Boolean => {
                let values = array.as_boolean_opt().ok_or_else(|| no_cast(from, to))?;
                let made: arrow::array::PrimitiveArray<O> = values.iter().map(|v| v.map(|v| O::Native::wrap(i64::from(v)))).collect();
                Ok(Arc::new(made))
            }
            T::Byte => convert::<Int8Type, O>(array, |row, v| whole(row, v.into())),
            T::Short => convert::<Int16Type, O>(array, |row, v| whole(row, v.into())),
            T::Integer => convert::<Int32Type, O>(array, |row, v| whole(row, v.into())),
            T::Long => convert::<Int64Type, O>(array, whole),
            T::Float => convert::<Float32Type, O>(array, |row, v| float(row, v.into())),
            T::Double => convert::<Float64Type, O>(array, float),
            T::Decimal(_, scale) => {
                let divisor = power(*scale)?;
                convert::<Decimal128Type, O>(array, |row, v| {
                    let value = v / divisor;
                    if self.how == How::Legacy {
                        #[allow(clippy::cast_possible_truncation)]
                        return Ok(Some(O::Native::wrap(value as i64)));
                    }
                    exact(row, value)
                })
            }
            // Legacy mode knows no number of a date.
            T::Date => convert::<Date32Type, O>(array, |_, _| Ok(None)),
            T::Timestamp => convert::<TimestampMicrosecondType, O>(array, |row, v| {
                match O::Native::try_from(i128::from(v.div_euclid(MICROS_PER_SECOND))) {
                    Ok(value) => Ok(Some(value)),
                    Err(_) => self.refuse(|| overflow(row)),
                }
            }),
            T::Time(_) => {
                convert::<Time64NanosecondType, O>(array, |row, v| match O::Native::try_from(i128::from(v.div_euclid(1_000_000_000))) {
                    Ok(value) => Ok(Some(value)),
                    Err(_) => self.refuse(|| overflow(row)),
                })
            }
            T::DayTimeInterval(_, end) => convert::<DurationMicrosecondType, O>(array, |row, v| exact(row, i128::from(v / end.micros()))),
            T::YearMonthInterval(_, end) => convert::<IntervalYearMonthType, O>(array, |row, v| exact(row, i128::from(v / end.months()))),
            _ => Err(no_cast(from, to)),
        }
    }

    /// To `float`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub(super) fn to_float(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        use SparkType as T;
        match from {
            T::String | T::Char(_) | T::Varchar(_) => convert_text::<Float32Type>(array, |_, text| match number_text::parse_float(text) {
                Some(value) => Ok(Some(value)),
                None => self.refuse(|| invalid(&render::quoted(text), &T::String, to)),
            }),
            T::Double => map::<Float64Type, Float32Type>(array, |v| v as f32),
            T::Decimal(_, scale) => map::<Decimal128Type, Float32Type>(array, |v| number_text::decimal_to_float(v, *scale)),
            T::Timestamp => map::<TimestampMicrosecondType, Float32Type>(array, |v| (v as f64 / 1e6) as f32),
            T::Date => convert::<Date32Type, Float32Type>(array, |_, _| Ok(None)),
            T::Boolean => Ok(arrow::compute::cast(array, &arrow::datatypes::DataType::Float32)?),
            _ => Err(no_cast(from, to)),
        }
    }

    /// To `double`.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn to_double(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        use SparkType as T;
        match from {
            T::String | T::Char(_) | T::Varchar(_) => convert_text::<Float64Type>(array, |_, text| match number_text::parse_double(text) {
                Some(value) => Ok(Some(value)),
                None => self.refuse(|| invalid(&render::quoted(text), &T::String, to)),
            }),
            T::Decimal(_, scale) => map::<Decimal128Type, Float64Type>(array, |v| number_text::decimal_to_double(v, *scale)),
            T::Timestamp => map::<TimestampMicrosecondType, Float64Type>(array, |v| v as f64 / 1e6),
            T::Date => convert::<Date32Type, Float64Type>(array, |_, _| Ok(None)),
            T::Boolean => Ok(arrow::compute::cast(array, &arrow::datatypes::DataType::Float64)?),
            _ => Err(no_cast(from, to)),
        }
    }

    /// To `decimal(p,s)`.
    pub(super) fn to_decimal(&self, array: &ArrayRef, from: &SparkType, p: u8, s: u8) -> Result<ArrayRef> {
        use SparkType as T;
        let to = T::Decimal(p, s);
        let scaled = |value: i128, scale: u8| match rescale(value, scale, p, s) {
            Some(value) => Ok(Some(value)),
            None => self.refuse(|| out_of_range(&decimal_text(value, scale), p, s)),
        };
        let always = |value: i128, scale: u8| match rescale(value, scale, p, s) {
            Some(value) => Ok(Some(value)),
            None => self.always(|| out_of_range(&decimal_text(value, scale), p, s)),
        };
        let float = |text: String| {
            // Java reads the shortest text of the number, and finds none for NaN and the infinities: null in every mode.
            let Some(number) = BigNumber::parse(&text) else { return Ok(None) };
            match number.to_decimal(p, s) {
                Some(value) => Ok(Some(value)),
                None => self.refuse(|| out_of_range(&number.plain_text(), p, s)),
            }
        };
        let made = match from {
            T::String | T::Char(_) | T::Varchar(_) => convert_text::<Decimal128Type>(array, |_, text| self.text_to_decimal(text, p, s))?,
            T::Boolean => {
                let values = array.as_boolean_opt().ok_or_else(|| no_cast(from, &to))?;
                let mut made = arrow::array::PrimitiveArray::<Decimal128Type>::builder(values.len());
                for value in values {
                    made.append_option(match value {
                        None => None,
                        Some(value) => scaled(i128::from(value), 0)?,
                    });
                }
                Arc::new(made.finish())
            }
            T::Byte => convert::<Int8Type, Decimal128Type>(array, |_, v| scaled(v.into(), 0))?,
            T::Short => convert::<Int16Type, Decimal128Type>(array, |_, v| scaled(v.into(), 0))?,
            T::Integer => convert::<Int32Type, Decimal128Type>(array, |_, v| scaled(v.into(), 0))?,
            T::Long => convert::<Int64Type, Decimal128Type>(array, |_, v| scaled(v.into(), 0))?,
            T::Decimal(_, scale) => convert::<Decimal128Type, Decimal128Type>(array, |_, v| scaled(v, *scale))?,
            T::Float => convert::<Float32Type, Decimal128Type>(array, |_, v| float(number_text::double_text(v.into())))?,
            T::Double => convert::<Float64Type, Decimal128Type>(array, |_, v| float(number_text::double_text(v)))?,
            T::Date => convert::<Date32Type, Decimal128Type>(array, |_, _| Ok(None))?,
            T::Timestamp => convert::<TimestampMicrosecondType, Decimal128Type>(array, |_, v| scaled(v.into(), 6))?,
            T::Time(_) => convert::<Time64NanosecondType, Decimal128Type>(array, |_, v| scaled(v.into(), 9))?,
            T::DayTimeInterval(_, end) => convert::<DurationMicrosecondType, Decimal128Type>(array, |_, v| {
                if *end == crate::types::DayTimeField::Second { always(v.into(), 6) } else { always((v / end.micros()).into(), 0) }
            })?,
            T::YearMonthInterval(_, end) => {
                convert::<IntervalYearMonthType, Decimal128Type>(array, |_, v| always((v / end.months()).into(), 0))?
            }
            _ => return Err(no_cast(from, &to)),
        };
        typed::<Decimal128Type>(made, &to)
    }

    fn text_to_decimal(&self, text: &str, p: u8, s: u8) -> Result<Option<i128>> {
        let Some(number) = BigNumber::parse(text) else {
            return self.refuse(|| invalid(&render::quoted(text), &SparkType::String, &SparkType::Decimal(p, s)));
        };
        if number.integral_digits() > 38 {
            return self.refuse(|| {
                let message = format!("{text} has more than 38 digits before the point: no decimal holds it; use a double");
                error("NUMERIC_OUT_OF_SUPPORTED_RANGE", message)
            });
        }
        match number.to_decimal(p, s) {
            Some(value) => Ok(Some(value)),
            None => self.refuse(|| out_of_range(&number.plain_text(), p, s)),
        }
    }

    /// To `boolean`.
    pub(super) fn to_boolean(&self, array: &ArrayRef, from: &SparkType) -> Result<ArrayRef> {
        use SparkType as T;
        fn truth<I: ArrowPrimitiveType>(array: &ArrayRef, is_true: impl Fn(I::Native) -> bool) -> Result<ArrayRef> {
            Ok(Arc::new(BooleanArray::from_unary(primitive::<I>(array)?, is_true)))
        }
        match from {
            T::String | T::Char(_) | T::Varchar(_) => {
                let values = strings(array)?;
                let mut made = BooleanArray::builder(values.len());
                for row in 0..values.len() {
                    made.append_option(if values.is_null(row) { None } else { self.text_to_boolean(values.value(row))? });
                }
                Ok(Arc::new(made.finish()))
            }
            T::Byte => truth::<Int8Type>(array, |v| v != 0),
            T::Short => truth::<Int16Type>(array, |v| v != 0),
            T::Integer => truth::<Int32Type>(array, |v| v != 0),
            T::Long => truth::<Int64Type>(array, |v| v != 0),
            T::Float => truth::<Float32Type>(array, |v| v != 0.0),
            T::Double => truth::<Float64Type>(array, |v| v != 0.0),
            T::Decimal(..) => truth::<Decimal128Type>(array, |v| v != 0),
            T::Timestamp => truth::<TimestampMicrosecondType>(array, |v| v != 0),
            T::Date => Ok(arrow::array::new_null_array(&arrow::datatypes::DataType::Boolean, array.len())),
            _ => Err(no_cast(from, &T::Boolean)),
        }
    }

    fn text_to_boolean(&self, text: &str) -> Result<Option<bool>> {
        let word = number_text::trim_all(text);
        let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
        if is(&["t", "true", "y", "yes", "1"]) {
            Ok(Some(true))
        } else if is(&["f", "false", "n", "no", "0"]) {
            Ok(Some(false))
        } else {
            self.refuse(|| invalid(&render::quoted(text), &SparkType::String, &SparkType::Boolean))
        }
    }
}

fn power(scale: u8) -> Result<i128> {
    let missing = || -> Error { error("INTERNAL_ERROR", format!("a decimal with {scale} digits after the point: please report it")) };
    POWERS_OF_TEN.get(usize::from(scale)).copied().ok_or_else(missing)
}
