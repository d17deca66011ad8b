//! How types are written: Spark's `simpleString` (never shortened) and its SQL spelling.

use std::fmt;

use super::{DayTimeField, SparkType, YearMonthField};

impl fmt::Display for DayTimeField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        })
    }
}

impl fmt::Display for YearMonthField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Year => "year",
            Self::Month => "month",
        })
    }
}

impl fmt::Display for SparkType {
    /// Spark's `catalogString`: `struct<a:int,b:array<string>>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("void"),
            Self::Boolean => f.write_str("boolean"),
            Self::Byte => f.write_str("tinyint"),
            Self::Short => f.write_str("smallint"),
            Self::Integer => f.write_str("int"),
            Self::Long => f.write_str("bigint"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal(p, s) => write!(f, "decimal({p},{s})"),
            Self::String => f.write_str("string"),
            Self::Char(n) => write!(f, "char({n})"),
            Self::Varchar(n) => write!(f, "varchar({n})"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Time(n) => write!(f, "time({n})"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampNtz => f.write_str("timestamp_ntz"),
            Self::CalendarInterval => f.write_str("interval"),
            Self::DayTimeInterval(start, end) if start == end => write!(f, "interval {start}"),
            Self::DayTimeInterval(start, end) => write!(f, "interval {start} to {end}"),
            Self::YearMonthInterval(start, end) if start == end => write!(f, "interval {start}"),
            Self::YearMonthInterval(start, end) => write!(f, "interval {start} to {end}"),
            Self::Array(element, _) => write!(f, "array<{element}>"),
            Self::Map(key, value, _) => write!(f, "map<{key},{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (i, field) in fields.iter().enumerate() {
                    write!(f, "{}{}:{}", if i == 0 { "" } else { "," }, field.name, field.data_type)?;
                }
                f.write_str(">")
            }
            Self::Unsupported(name) => f.write_str(name),
        }
    }
}

impl SparkType {
    /// The type as SQL has it: `DECIMAL(10,2)`, `STRUCT<a: INT NOT NULL>`.
    pub fn sql(&self) -> String {
        match self {
            Self::Array(element, _) => format!("ARRAY<{}>", element.sql()),
            Self::Map(key, value, _) => format!("MAP<{}, {}>", key.sql(), value.sql()),
            Self::Struct(fields) => {
                let field = |f: &super::StructField| {
                    format!("{}: {}{}", quoted_if_needed(&f.name), f.data_type.sql(), if f.nullable { "" } else { " NOT NULL" })
                };
                format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
            other => other.to_string().to_uppercase(),
        }
    }
}

/// A name between backquotes unless it is plain: letters, digits and underscores, not digits alone.
pub fn quoted_if_needed(name: &str) -> String {
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.chars().all(|c| c.is_ascii_digit());
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// The types that stand in field metadata.
pub(super) fn parse_simple(text: &str) -> Option<SparkType> {
    let argument = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.parse::<u32>().ok();
    if let Some(n) = argument("char") {
        return Some(SparkType::Char(n));
    }
    if let Some(n) = argument("varchar") {
        return Some(SparkType::Varchar(n));
    }
    if let Some(n) = argument("time") {
        return u8::try_from(n).ok().map(SparkType::Time);
    }
    let fields = text.strip_prefix("interval ")?;
    let (start, end) = fields.split_once(" to ").unwrap_or((fields, fields));
    let day_time = |name: &str| {
        [DayTimeField::Day, DayTimeField::Hour, DayTimeField::Minute, DayTimeField::Second].into_iter().find(|f| f.to_string() == name)
    };
    let year_month = |name: &str| [YearMonthField::Year, YearMonthField::Month].into_iter().find(|f| f.to_string() == name);
    if let (Some(start), Some(end)) = (day_time(start), day_time(end)) {
        return Some(SparkType::DayTimeInterval(start, end));
    }
    Some(SparkType::YearMonthInterval(year_month(start)?, year_month(end)?))
}
