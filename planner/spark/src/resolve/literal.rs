//! Literals: the values that a program writes down, in the engine's terms.

use std::sync::Arc;

use arrow::datatypes::{IntervalMonthDayNano, IntervalMonthDayNanoType};
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

use super::Resolver;
use crate::error::error;
use crate::plan::Literal;
use crate::types::{SparkType, UTC, datetime_text, render};
use crate::{Result, Typed};

impl Resolver<'_> {
    pub(crate) fn literal(&self, literal: &Literal) -> Result<Typed> {
        let (value, data_type) = match literal {
            Literal::Null(data_type) => (ScalarValue::try_from(&crate::types::to_arrow(data_type))?, data_type.clone()),
            Literal::Boolean(v) => (ScalarValue::Boolean(Some(*v)), SparkType::Boolean),
            Literal::Byte(v) => (ScalarValue::Int8(Some(*v)), SparkType::Byte),
            Literal::Short(v) => (ScalarValue::Int16(Some(*v)), SparkType::Short),
            Literal::Integer(v) => (ScalarValue::Int32(Some(*v)), SparkType::Integer),
            Literal::Long(v) => (ScalarValue::Int64(Some(*v)), SparkType::Long),
            Literal::Float(v) => (ScalarValue::Float32(Some(*v)), SparkType::Float),
            Literal::Double(v) => (ScalarValue::Float64(Some(*v)), SparkType::Double),
            Literal::Decimal { value, precision, scale } => {
                let arrow_scale = i8::try_from(*scale).map_err(|_| error("INVALID_NUMERIC_LITERAL_RANGE", "too many digits"))?;
                (ScalarValue::Decimal128(Some(*value), *precision, arrow_scale), SparkType::Decimal(*precision, *scale))
            }
            Literal::String(v) => (ScalarValue::Utf8(Some(v.clone())), SparkType::String),
            Literal::Binary(v) => (ScalarValue::Binary(Some(v.clone())), SparkType::Binary),
            Literal::Date(v) => (ScalarValue::Date32(Some(*v)), SparkType::Date),
            Literal::Time(v, digits) => (ScalarValue::Time64Nanosecond(Some(*v)), SparkType::Time(*digits)),
            Literal::Timestamp(v) => (ScalarValue::TimestampMicrosecond(Some(*v), Some(Arc::from(UTC))), SparkType::Timestamp),
            Literal::TimestampNtz(v) => (ScalarValue::TimestampMicrosecond(Some(*v), None), SparkType::TimestampNtz),
            Literal::TypedText { type_name, text } => self.typed_text(type_name, text)?,
            Literal::DayTimeInterval { value, start, end } => {
                (ScalarValue::DurationMicrosecond(Some(*value)), SparkType::DayTimeInterval(*start, *end))
            }
            Literal::YearMonthInterval { value, start, end } => {
                (ScalarValue::IntervalYearMonth(Some(*value)), SparkType::YearMonthInterval(*start, *end))
            }
            Literal::CalendarInterval { months, days, microseconds } => {
                let nanos = microseconds.checked_mul(1_000).ok_or_else(|| {
                    error("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the interval is longer than 292 years of microseconds")
                })?;
                let value: IntervalMonthDayNano = IntervalMonthDayNanoType::make_value(*months, *days, nanos);
                (ScalarValue::IntervalMonthDayNano(Some(value)), SparkType::CalendarInterval)
            }
        };
        let sql = render::sql_literal(&value, &data_type, &self.settings);
        Ok(Typed::literal(value, data_type, sql))
    }
    /// What a constant text means that is cast to a moment and names one: `CAST('now' AS TIMESTAMP)`.
    ///
    /// Source: Spark, `SpecialDatetimeValues`.
    pub(super) fn special_moment(&self, value: &Typed, to: &SparkType) -> Option<Expr> {
        let Some(ScalarValue::Utf8(Some(text))) = value.as_literal() else { return None };
        let (now, zone) = (self.opened.now_us, &self.settings.time_zone);
        let moment = match to {
            SparkType::Date => ScalarValue::Date32(Some(datetime_text::special_date(text, now, zone)?)),
            SparkType::Timestamp => {
                ScalarValue::TimestampMicrosecond(Some(datetime_text::special_timestamp(text, now, zone)?), Some(Arc::from(UTC)))
            }
            SparkType::TimestampNtz => {
                ScalarValue::TimestampMicrosecond(Some(datetime_text::special_timestamp_ntz(text, now, zone)?), None)
            }
            _ => return None,
        };
        Some(Expr::Literal(moment, None))
    }

    /// `TIMESTAMP 'text'` and its like, whose value the session's time zone decides.
    fn typed_text(&self, type_name: &str, text: &str) -> Result<(ScalarValue, SparkType)> {
        let upper = type_name.to_uppercase();
        let refuse = || error("INVALID_TYPED_LITERAL", format!("`{text}` is no {upper}: write it as in {upper} '2024-01-31 10:00:00'"));
        let zone = &self.settings.time_zone;
        let ltz = |text: &str| datetime_text::parse_timestamp(text, zone);
        let now = self.opened.now_us;
        let (value, data_type) = match upper.as_str() {
            "DATE" if datetime_text::special_date(text, now, zone).is_some() => {
                (ScalarValue::Date32(datetime_text::special_date(text, now, zone)), SparkType::Date)
            }
            "TIMESTAMP_NTZ" if datetime_text::special_timestamp_ntz(text, now, zone).is_some() => {
                (ScalarValue::TimestampMicrosecond(datetime_text::special_timestamp_ntz(text, now, zone), None), SparkType::TimestampNtz)
            }
            "TIMESTAMP" | "TIMESTAMP_LTZ" if datetime_text::special_timestamp(text, now, zone).is_some() => {
                let micros = datetime_text::special_timestamp(text, now, zone);
                (ScalarValue::TimestampMicrosecond(micros, Some(Arc::from(UTC))), SparkType::Timestamp)
            }
            "DATE" => (ScalarValue::Date32(Some(datetime_text::parse_date(text).ok_or_else(refuse)?)), SparkType::Date),
            "TIMESTAMP_NTZ" => {
                let micros = datetime_text::parse_timestamp_ntz(text, false).ok_or_else(refuse)?;
                (ScalarValue::TimestampMicrosecond(Some(micros), None), SparkType::TimestampNtz)
            }
            "TIMESTAMP" if self.settings.timestamp_is_ntz && datetime_text::parse_timestamp_ntz(text, false).is_some() => {
                (ScalarValue::TimestampMicrosecond(datetime_text::parse_timestamp_ntz(text, false), None), SparkType::TimestampNtz)
            }
            _ => {
                let micros = ltz(text).ok_or_else(refuse)?;
                (ScalarValue::TimestampMicrosecond(Some(micros), Some(Arc::from(UTC))), SparkType::Timestamp)
            }
        };
        Ok((value, data_type))
    }
}
