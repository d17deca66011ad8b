//! Which Arrow type holds which of Spark's. What Arrow cannot say (a char's length, an interval's fields) stands in field metadata.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};

use super::{SparkType, StructField};

/// The key of field metadata that holds Spark's type where Arrow's does not say it all. Spark's own key for it is
/// `__CHAR_VARCHAR_TYPE_STRING`.
const SPARK_TYPE_KEY: &str = "tidemill.spark.type";

/// The zone of timestamps in Arrow.
pub const UTC: &str = "UTC";

/// The Arrow type that holds values of a type.
pub fn to_arrow(data_type: &SparkType) -> DataType {
    match data_type {
        SparkType::Null | SparkType::Unsupported(_) => DataType::Null,
        SparkType::Boolean => DataType::Boolean,
        SparkType::Byte => DataType::Int8,
        SparkType::Short => DataType::Int16,
        SparkType::Integer => DataType::Int32,
        SparkType::Long => DataType::Int64,
        SparkType::Float => DataType::Float32,
        SparkType::Double => DataType::Float64,
        SparkType::Decimal(p, s) => DataType::Decimal128(*p, i8::try_from(*s).unwrap_or(0)),
        SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => DataType::Utf8,
        SparkType::Binary => DataType::Binary,
        SparkType::Date => DataType::Date32,
        SparkType::Time(_) => DataType::Time64(TimeUnit::Nanosecond),
        SparkType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        SparkType::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
        SparkType::CalendarInterval => DataType::Interval(IntervalUnit::MonthDayNano),
        SparkType::DayTimeInterval(..) => DataType::Duration(TimeUnit::Microsecond),
        SparkType::YearMonthInterval(..) => DataType::Interval(IntervalUnit::YearMonth),
        SparkType::Array(element, contains_null) => DataType::List(arrow_field("element", element, *contains_null)),
        SparkType::Map(key, value, contains_null) => {
            let pair = Fields::from(vec![arrow_field("key", key, false), arrow_field("value", value, *contains_null)]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        }
        SparkType::Struct(fields) => DataType::Struct(fields.iter().map(field_of).collect()),
    }
}

fn arrow_field(name: &str, data_type: &SparkType, nullable: bool) -> FieldRef {
    field_of(&StructField::new(name, data_type.clone()).with_nullable(nullable))
}

/// The Arrow field of a column, with what its Arrow type does not say as metadata.
pub fn field_of(field: &StructField) -> FieldRef {
    let mut metadata: HashMap<String, String> = field.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    if needs_remark(&field.data_type) {
        metadata.insert(SPARK_TYPE_KEY.to_owned(), field.data_type.to_string());
    }
    Arc::new(Field::new(&field.name, to_arrow(&field.data_type), field.nullable).with_metadata(metadata))
}

fn needs_remark(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Char(_) | SparkType::Varchar(_) => true,
        SparkType::Time(digits) => *digits != 6,
        SparkType::DayTimeInterval(..) => *data_type != SparkType::DAY_TIME,
        SparkType::YearMonthInterval(..) => *data_type != SparkType::YEAR_MONTH,
        _ => false,
    }
}

/// The column that an Arrow field is.
pub fn from_field(field: &Field) -> StructField {
    let remark = field.metadata().get(SPARK_TYPE_KEY).and_then(|text| super::text::parse_simple(text));
    let metadata = field.metadata().iter().filter(|(k, _)| *k != SPARK_TYPE_KEY).map(|(k, v)| (k.clone(), v.clone())).collect();
    StructField {
        name: field.name().clone(),
        data_type: remark.unwrap_or_else(|| from_arrow(field.data_type())),
        nullable: field.is_nullable(),
        metadata,
    }
}

/// The type of an Arrow type's values. Arrow types without one of Spark's get the nearest that holds every value.
pub fn from_arrow(data_type: &DataType) -> SparkType {
    match data_type {
        DataType::Null => SparkType::Null,
        DataType::Boolean => SparkType::Boolean,
        DataType::Int8 => SparkType::Byte,
        DataType::Int16 | DataType::UInt8 => SparkType::Short,
        DataType::Int32 | DataType::UInt16 => SparkType::Integer,
        DataType::Int64 | DataType::UInt32 => SparkType::Long,
        DataType::UInt64 => SparkType::Decimal(20, 0),
        DataType::Float16 | DataType::Float32 => SparkType::Float,
        DataType::Float64 => SparkType::Double,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => {
            SparkType::Decimal((*p).min(38), u8::try_from(*s).unwrap_or(0))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => SparkType::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => SparkType::Binary,
        DataType::Date32 | DataType::Date64 => SparkType::Date,
        DataType::Timestamp(_, Some(_)) => SparkType::Timestamp,
        DataType::Timestamp(_, None) => SparkType::TimestampNtz,
        DataType::Time32(_) | DataType::Time64(_) => SparkType::Time(6),
        DataType::Duration(_) | DataType::Interval(IntervalUnit::DayTime) => SparkType::DAY_TIME,
        DataType::Interval(IntervalUnit::YearMonth) => SparkType::YEAR_MONTH,
        DataType::Interval(IntervalUnit::MonthDayNano) => SparkType::CalendarInterval,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => SparkType::Array(Box::new(from_field(item).data_type), item.is_nullable()),
        DataType::Struct(fields) => SparkType::Struct(fields.iter().map(|field| from_field(field)).collect()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let (key, value) = (from_field(&pair[0]).data_type, from_field(&pair[1]));
                SparkType::Map(Box::new(key), Box::new(value.data_type), value.nullable)
            }
            other => from_arrow(other),
        },
        DataType::Dictionary(_, values) => from_arrow(values),
        DataType::RunEndEncoded(_, values) => from_arrow(values.data_type()),
        DataType::Union(..) => SparkType::Unsupported("variant".to_owned()),
    }
}
