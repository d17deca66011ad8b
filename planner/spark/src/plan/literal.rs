//! Values that a program writes down.

use serde::{Deserialize, Serialize};

use crate::types::{DayTimeField, SparkType, YearMonthField};

/// A constant, with the type that its spelling gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// `NULL`, of no type, or of the one given.
    Null(SparkType),
    /// `true`, `false`
    Boolean(bool),
    /// `1Y`
    Byte(i8),
    /// `1S`
    Short(i16),
    /// `1`
    Integer(i32),
    /// `1L`, or a number too large for an integer
    Long(i64),
    /// `1F`
    Float(f32),
    /// `1D`, `1e0`
    Double(f64),
    /// `1.0`, `1BD`: `value` × 10^-scale
    Decimal {
        /// The digits: text in what is written, as few formats have whole numbers of this size.
        #[serde(with = "digits")]
        value: i128,
        /// All digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `'text'`, escapes taken away
    String(String),
    /// `X'1F'`
    Binary(Vec<u8>),
    /// `DATE '2020-01-01'`: days since 1970-01-01
    Date(i32),
    /// `TIME '10:00'`: nanoseconds since midnight, digits of the fraction
    Time(i64, u8),
    /// `TIMESTAMP '…'` and `TIMESTAMP_LTZ '…'` with a zone in the text, and values of programs: microseconds since the epoch
    Timestamp(i64),
    /// `TIMESTAMP_NTZ '…'`: microseconds of local time
    TimestampNtz(i64),
    /// `TIMESTAMP '…'` or another typed text whose value depends on the session's time zone: settled by the resolver
    TypedText {
        /// `TIMESTAMP`, `TIMESTAMP_LTZ`, …: the word before the text, in upper case
        type_name: String,
        /// The text.
        text: String,
    },
    /// `INTERVAL '1' DAY`: microseconds
    DayTimeInterval {
        /// Microseconds.
        value: i64,
        /// The most significant field.
        start: DayTimeField,
        /// The least significant field.
        end: DayTimeField,
    },
    /// `INTERVAL '1' YEAR`: months
    YearMonthInterval {
        /// Months.
        value: i32,
        /// The most significant field.
        start: YearMonthField,
        /// The least significant field.
        end: YearMonthField,
    },
    /// `make_interval`'s type, and `INTERVAL` literals that mix months and days in legacy mode
    CalendarInterval {
        /// Months.
        months: i32,
        /// Days.
        days: i32,
        /// Microseconds.
        microseconds: i64,
    },
}

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i8> for Literal {
    fn from(value: i8) -> Self {
        Self::Byte(value)
    }
}

impl From<i16> for Literal {
    fn from(value: i16) -> Self {
        Self::Short(value)
    }
}

impl From<i32> for Literal {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<i64> for Literal {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<f32> for Literal {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<f64> for Literal {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<&str> for Literal {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Literal {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

/// Whole numbers of 128 bits as text.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
