//! Spark's types: what they are, how they are written, which Arrow types hold them, and which type two of them have in common.

mod arrow_types;
pub mod cast;
pub(crate) mod civil;
pub mod datetime_text;
pub mod interval_text;
mod json;
pub mod lattice;
pub mod number_text;
pub(crate) mod pattern;
pub mod render;
mod text;
mod time_zone;
mod want;
pub(crate) mod zoned;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use arrow_types::{UTC, field_of, from_arrow, from_field, to_arrow};
pub use text::quoted_if_needed;
pub use time_zone::{TimeZone, offset_text};
pub use want::Want;

/// A type of Spark's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SparkType {
    /// `void`: the type of a bare NULL
    Null,
    /// `boolean`
    Boolean,
    /// `tinyint`
    Byte,
    /// `smallint`
    Short,
    /// `int`
    Integer,
    /// `bigint`
    Long,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `decimal(precision,scale)`, precision from 1 to 38
    Decimal(u8, u8),
    /// `string`
    String,
    /// `char(n)`: padded with blanks to n characters
    Char(u32),
    /// `varchar(n)`: at most n characters
    Varchar(u32),
    /// `binary`
    Binary,
    /// `date`
    Date,
    /// `time(n)`, n digits of the fraction
    Time(u8),
    /// `timestamp`: a moment, microseconds since the epoch, shown in the session's time zone
    Timestamp,
    /// `timestamp_ntz`: local time, microseconds
    TimestampNtz,
    /// `interval`: months, days and microseconds, without an order
    CalendarInterval,
    /// `interval day to second`: microseconds
    DayTimeInterval(DayTimeField, DayTimeField),
    /// `interval year to month`: months
    YearMonthInterval(YearMonthField, YearMonthField),
    /// `array<element>`
    Array(Box<SparkType>, bool),
    /// `map<key,value>`; whether values may be null
    Map(Box<SparkType>, Box<SparkType>, bool),
    /// `struct<name:type,…>`
    Struct(Vec<StructField>),
    /// `variant`, `geometry(…)` and other types that Spark has and we do not, by name: refused where they are used
    Unsupported(String),
}

/// A field of a struct, or a column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StructField {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: SparkType,
    /// Whether it may be null.
    pub nullable: bool,
    /// Its comment and other remarks; `comment` is Spark's key for COMMENT.
    pub metadata: BTreeMap<String, String>,
}

/// A field of a day-time interval, from the most to the least significant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum DayTimeField {
    Day,
    Hour,
    Minute,
    Second,
}

/// A field of a year-month interval, from the most to the least significant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum YearMonthField {
    Year,
    Month,
}

impl StructField {
    /// A field that may be null.
    pub fn new(name: impl Into<String>, data_type: SparkType) -> Self {
        Self { name: name.into(), data_type, nullable: true, metadata: BTreeMap::new() }
    }

    /// The same field, null or not.
    #[must_use]
    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }
}

impl SparkType {
    /// `interval day to second`
    pub const DAY_TIME: Self = Self::DayTimeInterval(DayTimeField::Day, DayTimeField::Second);
    /// `interval year to month`
    pub const YEAR_MONTH: Self = Self::YearMonthInterval(YearMonthField::Year, YearMonthField::Month);
    /// `decimal(10,0)`: what DECIMAL without digits is
    pub const DEFAULT_DECIMAL: Self = Self::Decimal(10, 0);

    /// An array whose elements may be null.
    pub fn array(element: Self) -> Self {
        Self::Array(Box::new(element), true)
    }

    /// A map whose values may be null.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value), true)
    }

    /// Whether it is `string`, `char(n)` or `varchar(n)`.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String | Self::Char(_) | Self::Varchar(_))
    }

    /// Whether it is a whole number's.
    pub fn is_integral(&self) -> bool {
        matches!(self, Self::Byte | Self::Short | Self::Integer | Self::Long)
    }

    /// Whether it is `float` or `double`.
    pub fn is_fractional_binary(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// Whether it is a number's.
    pub fn is_numeric(&self) -> bool {
        self.is_integral() || self.is_fractional_binary() || matches!(self, Self::Decimal(..))
    }

    /// Whether it is an ANSI interval's (day-time or year-month).
    pub fn is_ansi_interval(&self) -> bool {
        matches!(self, Self::DayTimeInterval(..) | Self::YearMonthInterval(..))
    }

    /// Whether it is `date`, `timestamp` or `timestamp_ntz`.
    pub fn is_datetime(&self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampNtz)
    }

    /// Whether it is an array, a map or a struct.
    pub fn is_nested(&self) -> bool {
        matches!(self, Self::Array(..) | Self::Map(..) | Self::Struct(_))
    }
}
