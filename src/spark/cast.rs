//! Casts that mean something else in Spark: an instant as a number is seconds, a number as an instant too, doubles and
//! instants as text are written as Spark writes them. Other casts stay the engine's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, DurationMicrosecondArray, Int64Array, StringBuilder};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{DFSchema, exec_datafusion_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TryCast, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::ddl::timestamp;
use crate::rows::text_value;

const MICROS: i64 = 1_000_000;

/// A conversion that the engine has no cast for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// An instant as whole seconds, rounded down.
    Seconds,
    /// An instant as seconds with a fraction, exactly.
    ExactSeconds,
    /// A bigint, double or decimal of seconds as an instant.
    Instant,
    /// A value as Spark's text.
    Text,
    /// An interval as a duration.
    Span,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Convert {
    kind: Kind,
    /// What does not fit becomes null.
    lenient: bool,
    signature: Signature,
}

fn convert(kind: Kind, lenient: bool, arg: Expr) -> Expr {
    let function = Convert { kind, lenient, signature: Signature::any(1, Volatility::Immutable) };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), vec![arg]))
}

/// `expr` with Spark's meaning if it is a cast whose operand's type is final.
pub(super) fn resolve(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let (operand, to, lenient) = match &expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type().clone(), false),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type().clone(), true),
        _ => return Ok(expr),
    };
    let from = operand.get_type(schema)?;
    let operand = || operand.as_ref().clone();
    let recast = |expr: Expr, made: DataType| {
        if made == to {
            expr
        } else if lenient {
            Expr::TryCast(TryCast::new(Box::new(expr), to.clone()))
        } else {
            Expr::Cast(Cast::new(Box::new(expr), to.clone()))
        }
    };
    Ok(match (&from, &to) {
        (DataType::Timestamp(_, None), number) | (number, DataType::Timestamp(_, None)) if number.is_numeric() => {
            return plan_err!("a timestamp without a time zone is no number of seconds: cast it to `timestamp` first");
        }
        (DataType::Timestamp(..), to) if to.is_integer() => recast(convert(Kind::Seconds, lenient, operand()), DataType::Int64),
        (DataType::Timestamp(..), to) if to.is_numeric() => {
            recast(convert(Kind::ExactSeconds, lenient, operand()), DataType::Decimal128(20, 6))
        }
        (from, DataType::Timestamp(..)) if from.is_numeric() => {
            let number = if from.is_integer() {
                operand().cast_to(&DataType::Int64, schema)?
            } else if from.is_floating() {
                operand().cast_to(&DataType::Float64, schema)?
            } else {
                operand()
            };
            recast(convert(Kind::Instant, lenient, number), timestamp())
        }
        (from, to) if to.is_string() && (from.is_floating() || matches!(from, DataType::Timestamp(..))) => {
            recast(convert(Kind::Text, lenient, operand()), DataType::Utf8)
        }
        (from, to) if to.is_string() && from.is_nested() => {
            return plan_err!("{from} is not cast to text: take its parts, as in `concat_ws(',', array)` or `struct.field`");
        }
        _ => return Ok(expr),
    })
}

/// `expr` as `to`, with Spark's meaning of that cast.
pub(super) fn to(expr: Expr, to: &DataType, schema: &DFSchema) -> Result<Expr> {
    let from = expr.get_type(schema)?;
    match (&expr, &from, to) {
        // Through text, so that each literal is the double nearest to it.
        (Expr::Literal(value @ ScalarValue::Decimal128(Some(_), _, scale), _), _, DataType::Float64) => {
            if let Some(nearest) = decimal_text(value, *scale).and_then(|text| text.parse::<f64>().ok()) {
                return Ok(Expr::Literal(ScalarValue::Float64(Some(nearest)), None));
            }
        }
        (_, DataType::Interval(_), DataType::Duration(TimeUnit::Microsecond)) => return Ok(convert(Kind::Span, false, expr)),
        _ => {}
    }
    resolve(expr.cast_to(to, schema)?, schema)
}

fn decimal_text(value: &ScalarValue, scale: i8) -> Option<String> {
    match value {
        ScalarValue::Decimal128(Some(digits), ..) => Some(format!("{digits}e{}", -i32::from(scale))),
        _ => None,
    }
}

/// Doubles or decimals of seconds as instants.
pub(super) fn instants(seconds: &ArrayRef) -> Result<ArrayRef> {
    Convert { kind: Kind::Instant, lenient: false, signature: Signature::any(1, Volatility::Immutable) }.instants(seconds)
}

impl ScalarUDFImpl for Convert {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Seconds | Kind::ExactSeconds => "seconds_of",
            Kind::Instant => "instant_of",
            Kind::Text => "text_of",
            Kind::Span => "span_of",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Seconds => DataType::Int64,
            Kind::ExactSeconds => DataType::Decimal128(20, 6),
            Kind::Instant => timestamp(),
            Kind::Text => DataType::Utf8,
            Kind::Span => DataType::Duration(TimeUnit::Microsecond),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(self.of(array)?)),
            [ColumnarValue::Scalar(scalar)] => {
                let made = self.of(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?))
            }
            _ => internal_err!("`{}` takes one argument", self.name()),
        }
    }
}

impl Convert {
    fn of(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if array.data_type().is_null() {
            return Ok(arrow::array::new_null_array(&self.return_type(&[])?, array.len()));
        }
        Ok(match self.kind {
            Kind::Seconds => {
                let micros = micros_of(array)?;
                Arc::new(micros.unary::<_, Int64Type>(|us| us.div_euclid(MICROS)))
            }
            Kind::ExactSeconds => {
                let micros = micros_of(array)?;
                let exact: Decimal128Array = micros.unary(i128::from);
                Arc::new(exact.with_precision_and_scale(20, 6)?)
            }
            Kind::Instant => self.instants(array)?,
            Kind::Text => {
                let mut text = StringBuilder::new();
                for row in 0..array.len() {
                    if array.is_null(row) {
                        text.append_null();
                    } else {
                        text.append_value(text_value(array, row)?);
                    }
                }
                Arc::new(text.finish())
            }
            Kind::Span => spans(array)?,
        })
    }

    fn instants(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let micros: Vec<Option<Option<i64>>> = match array.data_type() {
            DataType::Int64 => array.as_primitive::<Int64Type>().iter().map(|v| v.map(|s| s.checked_mul(MICROS))).collect(),
            DataType::Float64 => array.as_primitive::<Float64Type>().iter().map(|v| v.map(micros_of_double)).collect(),
            DataType::Decimal128(_, scale) => {
                let scale = *scale;
                array.as_primitive::<Decimal128Type>().iter().map(|v| v.map(|d| micros_of_decimal(d, scale))).collect()
            }
            other => return internal_err!("{other} as an instant"),
        };
        let fits = |row: usize, micros: Option<Option<i64>>| match micros {
            Some(None) if !self.lenient => Err(exec_datafusion_err!(
                "{} seconds are beyond the range of timestamps; `try_cast` gives null instead",
                text_value(array, row)?
            )),
            other => Ok(other.flatten()),
        };
        let micros: Result<Int64Array> = micros.into_iter().enumerate().map(|(row, us)| fits(row, us)).collect();
        Ok(cast(&(Arc::new(micros?) as ArrayRef), &timestamp())?)
    }
}

fn micros_of(array: &ArrayRef) -> Result<arrow::array::PrimitiveArray<TimestampMicrosecondType>> {
    Ok(strict(array, &timestamp())?.as_primitive::<TimestampMicrosecondType>().clone())
}

fn strict(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}

fn micros_of_double(seconds: f64) -> Option<i64> {
    let micros = seconds * MICROS as f64;
    (micros.is_finite() && micros.abs() < i64::MAX as f64).then_some(micros as i64)
}

fn micros_of_decimal(digits: i128, scale: i8) -> Option<i64> {
    let places = 6 - i32::from(scale);
    let factor = 10_i128.checked_pow(places.unsigned_abs())?;
    let micros = if places >= 0 { digits.checked_mul(factor)? } else { digits / factor };
    i64::try_from(micros).ok()
}

/// Lengths of time; months have none.
pub(super) fn spans(array: &ArrayRef) -> Result<ArrayRef> {
    let whole = strict(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let span = |interval: arrow::datatypes::IntervalMonthDayNano| {
        if interval.months != 0 {
            return Err(exec_datafusion_err!(
                "an interval of months has no fixed length to compare: add both to a date, as in `d + interval 1 month > d + interval 30 days`"
            ));
        }
        let days = i64::from(interval.days).checked_mul(86_400 * MICROS);
        days.and_then(|us| us.checked_add(interval.nanoseconds / 1_000)).ok_or_else(|| exec_datafusion_err!("the interval is too long"))
    };
    let spans: Result<DurationMicrosecondArray> =
        whole.as_primitive::<IntervalMonthDayNanoType>().iter().map(|value| value.map(span).transpose()).collect();
    Ok(Arc::new(spans?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, TimestampMicrosecondArray};

    fn of(kind: Kind, array: ArrayRef) -> Result<String> {
        let made = Convert { kind, lenient: false, signature: Signature::any(1, Volatility::Immutable) }.of(&array)?;
        Ok(text_value(&made, 0)?)
    }

    #[test]
    fn conversions() {
        let instant = |us: i64| Arc::new(TimestampMicrosecondArray::from(vec![us]).with_timezone("UTC")) as ArrayRef;
        let double = |v: f64| Arc::new(Float64Array::from(vec![v])) as ArrayRef;
        for (kind, array, expected) in [
            (Kind::Seconds, instant(1_999_999), Some("1")),
            (Kind::Seconds, instant(-1), Some("-1")),
            (Kind::ExactSeconds, instant(-1), Some("-0.000001")),
            (Kind::Instant, Arc::new(Int64Array::from(vec![1])), Some("1970-01-01 00:00:01")),
            (Kind::Instant, Arc::new(Int64Array::from(vec![i64::MAX])), None),
            (Kind::Instant, double(1.5), Some("1970-01-01 00:00:01.5")),
            (Kind::Instant, double(f64::NAN), None),
            (Kind::Text, instant(0), Some("1970-01-01 00:00:00")),
            (Kind::Text, double(1e10), Some("1.0E10")),
        ] {
            assert_eq!(of(kind, array.clone()).ok().as_deref(), expected, "{kind:?} {array:?}");
        }
    }
}
